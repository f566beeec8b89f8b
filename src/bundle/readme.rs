//! The file that tells a reader what a bundle is.

use crate::assess::Tool;
use crate::profile::Profile;
use crate::target::Target;

/// The text of `README.txt`.
pub(super) fn readme(tool: &Tool, profile: &Profile, target: &Target) -> String {
    let one_line = |text: &str| text.chars().map(|c| if crate::verdict::is_harmful(c) { ' ' } else { c }).collect::<String>();
    format!(
        "EVIDENCE BUNDLE OF A CONFORMANCE TEST

Product:  {product}, version {version}, by {vendor}
Profile:  {id} {profile_version}
Made by:  {tool} {tool_version}

What this is
------------
This folder holds everything that one test run of a product saw, and what was
concluded from it. A report can be made from it at any time, and every
conclusion can be reached again from what was seen, by anybody, without asking
the product again.

How to check it (no network needed)
-----------------------------------
1. Nothing was changed, nothing is missing:      probity verify FOLDER
2. The verdicts follow from what was recorded:   probity replay FOLDER
3. Read it:                                      probity report FOLDER --format html -o report.html

Without Probity: manifest.json lists size and SHA-256 of every other file, and
`sha256sum FILE` prints the sum of a file on most systems.

What is in it
-------------
assessment.json     the result, with the wording of every requirement
profile.json        the requirements as they were in force, parameters filled in
target.json         what the vendor declared about the product; no passwords
observations/       what was seen, one file each, named by its SHA-256
exchanges/          messages as they went over the wire, named by their SHA-256
results.jsonl       the plan, then each result as it was reached
journal.jsonl       every connection that was made: when, where to, how much
manifest.json       sums of all files; written last. Without it the run was
                    stopped before its end, and the rest counts as not tested.

What it does not prove
----------------------
The sums show that the files are those of the manifest. They do not show who
made them: whoever controls a test run can also make up what it saw. If it
matters, run the test again yourself or ask a laboratory to.
",
        product = one_line(&target.product.name),
        version = one_line(&target.product.version),
        vendor = one_line(&target.product.vendor.name),
        id = one_line(&profile.id),
        profile_version = one_line(&profile.version),
        tool = tool.name,
        tool_version = tool.version,
    )
}
