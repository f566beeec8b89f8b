//! Every format of report, from assessments made by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod canonical;

use std::collections::BTreeSet;

use probity::assess::{Assessment, Completion};
use probity::bundle::AssessmentV1;
use probity::report::{Format, RenderOptions, RunBy, render};
use probity::verdict::Outcome;
use serde_json::Value;

fn made(format: Format, assessment: &Assessment) -> String {
    String::from_utf8(render(format, assessment, &RenderOptions::default()).unwrap()).unwrap()
}

fn all() -> [(&'static str, Assessment); 4] {
    let mut interrupted = canonical::assessment();
    interrupted.completion = Completion::Interrupted;
    interrupted.only = vec!["cybersecurity".into()];
    [("failing", canonical::assessment()), ("hostile", canonical::hostile()), ("sound", canonical::sound()), ("interrupted", interrupted)]
}

/// Characters that move a cursor, hide text or turn it around.
fn harmful(c: char) -> bool {
    c.is_control() && c != '\n' || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[test]
fn every_format_is_as_it_was() {
    for format in Format::ALL {
        insta::with_settings!({ snapshot_suffix => format.as_str(), omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!("failing", made(format, &canonical::assessment()));
        });
    }
    for format in [Format::Text, Format::Github, Format::Markdown, Format::Junit] {
        insta::with_settings!({ snapshot_suffix => format.as_str(), omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!("hostile", made(format, &canonical::hostile()));
        });
    }
}

#[test]
fn names_of_formats_are_read_back() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
    }
    let error = "pdf".parse::<Format>().unwrap_err().to_string();
    assert!(error.contains("`pdf`") && error.contains("junit"), "{error}");
}

#[test]
fn nothing_a_stranger_wrote_moves_a_cursor_or_turns_text_around() {
    for (name, assessment) in all() {
        for format in Format::ALL {
            let text = made(format, &assessment);
            assert_eq!(text.chars().find(|c| harmful(*c)), None, "{name} {format}");
        }
    }
}

#[test]
fn the_same_assessment_gives_the_same_bytes() {
    for format in Format::ALL {
        assert_eq!(made(format, &canonical::hostile()), made(format, &canonical::hostile()));
    }
}

#[test]
fn colours_come_only_when_asked() {
    let coloured = render(Format::Text, &canonical::assessment(), &RenderOptions { colour: true, ..RenderOptions::default() }).unwrap();
    assert!(coloured.windows(2).any(|w| w == b"\x1b["));
    let coloured = String::from_utf8(coloured).unwrap();
    let plain = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap().replace_all(&coloured, "").into_owned();
    assert_eq!(plain, made(Format::Text, &canonical::assessment()));
    let narrow = render(Format::Text, &canonical::assessment(), &RenderOptions { width: 60, ..RenderOptions::default() }).unwrap();
    let narrow = String::from_utf8(narrow).unwrap();
    let long: Vec<&str> = narrow.lines().filter(|l| l.chars().count() > 80 && !l.contains("http")).collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn json_is_valid_by_the_committed_schema_and_loses_nothing() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/assessment-v1.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, assessment) in all() {
        let value: Value = serde_json::from_str(&made(Format::Json, &assessment)).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
        let read: AssessmentV1 = serde_json::from_value(value).unwrap();
        let back = Assessment::from(read);
        assert_eq!(serde_json::to_value(&back).unwrap(), serde_json::to_value(&assessment).unwrap(), "{name}");
    }
}

#[test]
fn junit_holds_each_result_and_the_verdict() {
    for (name, assessment) in all() {
        let text = made(Format::Junit, &assessment);
        let xml = roxmltree::Document::parse(&text).unwrap();
        let cases: Vec<_> = xml.descendants().filter(|n| n.has_tag_name("testcase")).collect();
        assert_eq!(cases.len(), assessment.results.len() + 1, "{name}");
        let count = |tag: &str| xml.descendants().filter(|n| n.has_tag_name(tag)).count();
        let outcomes = |wanted: Outcome| assessment.results.iter().filter(|r| r.outcome() == wanted).count();
        let sound = assessment.verdict().as_str() == "conformant";
        let undetermined = assessment.verdict().as_str() == "not determined";
        assert_eq!(count("failure"), outcomes(Outcome::Failed) + usize::from(!sound && !undetermined), "{name}");
        // The one fault of ours, and a verdict that is not determined.
        let bugs = assessment.results.iter().filter(|r| r.verdict.cause == Some(probity::verdict::Cause::Bug)).count();
        assert_eq!(count("error"), bugs + usize::from(undetermined), "{name}");
        let skipped = outcomes(Outcome::CantTell) + outcomes(Outcome::Untested) + outcomes(Outcome::Inapplicable) - bugs;
        assert_eq!(count("skipped"), skipped, "{name}");
        let totals = xml.root_element();
        assert_eq!(totals.attribute("tests"), Some(cases.len().to_string().as_str()));
    }
}

#[test]
fn a_product_of_which_nothing_was_tested_is_green_nowhere() {
    let mut assessment = canonical::sound();
    for result in &mut assessment.results {
        result.verdict = probity::verdict::Verdict::untested(probity::verdict::Cause::Missing, "nothing was provided");
    }
    assert!(made(Format::Junit, &assessment).contains("<error"));
    assert!(made(Format::Github, &assessment).starts_with("::warning "));
    assert!(made(Format::Gitlab, &assessment).contains("\"major\""));
    assert!(made(Format::Text, &assessment).contains("NOT DETERMINED"));
    assert!(made(Format::Html, &assessment).contains("No MUST requirement is shown to be met."));
    let sarif: Value = serde_json::from_str(&made(Format::Sarif, &assessment)).unwrap();
    assert_eq!(sarif["runs"][0]["properties"]["verdict"], "not determined");
}

#[test]
fn a_waiver_turns_nothing_green() {
    let with = canonical::assessment();
    let mut without = canonical::assessment();
    without.waivers.clear();
    assert_eq!(with.verdict(), without.verdict());
    let failures = |text: &str, mark: &str| text.matches(mark).count();
    for (format, mark) in [
        (Format::Junit, "<failure"),
        (Format::Github, "::error"),
        (Format::Gitlab, "\"critical\""),
        (Format::Sarif, "\"kind\": \"fail\""),
        (Format::Text, "NOT MET"),
        (Format::Html, "badge bad"),
        (Format::Markdown, "not met ("),
    ] {
        assert_eq!(failures(&made(format, &with), mark), failures(&made(format, &without), mark), "{format}");
        assert!(failures(&made(format, &with), mark) > 0, "{format}");
        // The valid one and the void one are both shown.
        if !matches!(format, Format::Gitlab) {
            let text = made(format, &with);
            assert!(text.contains("2027-01-31"), "{format}");
            assert!(text.contains("2026-06-30") || format == Format::Junit && text.contains("void"), "{format}");
        }
    }
    let sarif: Value = serde_json::from_str(&made(Format::Sarif, &with)).unwrap();
    let accepted = sarif["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|r| r["suppressions"].as_array())
        .flatten()
        .filter(|s| s["status"] == "accepted");
    assert_eq!(accepted.count(), 0, "an accepted suppression hides a failure");
}

#[test]
fn sarif_is_made_as_the_standard_says() {
    for (name, assessment) in all() {
        let log: Value = serde_json::from_str(&made(Format::Sarif, &assessment)).unwrap();
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), assessment.results.len(), "{name}");
        let mut fingerprints = BTreeSet::new();
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            // 3.27.10: a level other than `none` stands only beside the kind `fail`.
            assert_eq!(result["kind"] == "fail", result["level"] != "none", "{result}");
            assert!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].is_string());
            assert!(fingerprints.insert(result["partialFingerprints"]["probityResult/v1"].to_string()), "{result}");
        }
        assert_eq!(run["invocations"][0]["executionSuccessful"], assessment.completion == Completion::Complete);
    }
}

#[test]
fn sarif_is_valid_by_the_official_schema() {
    let home = std::env::var_os("CARGO_HOME")
        .map(std::path::PathBuf::from)
        .or_else(|| Some(std::path::PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let sources = home.map(|home| home.join("registry/src"));
    let found = sources
        .into_iter()
        .flat_map(|s| std::fs::read_dir(s).into_iter().flatten().flatten())
        .flat_map(|registry| std::fs::read_dir(registry.path()).into_iter().flatten().flatten())
        .filter(|package| package.file_name().to_string_lossy().starts_with("serde-sarif-"))
        .find_map(|package| std::fs::read_to_string(package.path().join("src/schema.json")).ok());
    let Some(text) = found else {
        println!("skipped: the crate serde-sarif, which carries the schema, is not among cargo's sources");
        return;
    };
    // One pattern of the official schema, for languages, is no regular expression of ECMA-262: a stray `]`.
    let schema: Value = serde_json::from_str(&text.replace("{2}]?$", "{2}$")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, assessment) in all() {
        let log: Value = serde_json::from_str(&made(Format::Sarif, &assessment)).unwrap();
        let errors: Vec<String> = validator.iter_errors(&log).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn github_gets_one_command_a_line_and_no_strangers_command() {
    for (name, assessment) in all() {
        let text = made(Format::Github, &assessment);
        for line in text.lines() {
            let (command, message) =
                line.strip_prefix("::").and_then(|rest| rest.split_once("::")).unwrap_or_else(|| panic!("{name}: {line}"));
            let (kind, properties) = command.split_once(' ').unwrap();
            assert!(["error", "warning", "notice"].contains(&kind), "{line}");
            assert_eq!(properties.split(',').map(|p| p.split_once('=').unwrap().0).collect::<Vec<_>>(), ["file", "title"], "{line}");
            assert!(!message.is_empty());
        }
    }
}

#[test]
fn gitlab_entries_are_told_apart() {
    for (_, assessment) in all() {
        let issues: Vec<Value> = serde_json::from_str(&made(Format::Gitlab, &assessment)).unwrap();
        let fingerprints: BTreeSet<String> = issues.iter().map(|i| i["fingerprint"].to_string()).collect();
        assert_eq!(fingerprints.len(), issues.len());
        for issue in &issues {
            assert!(["blocker", "critical", "major", "minor", "info"].contains(&issue["severity"].as_str().unwrap()));
            assert_eq!((&issue["location"]["path"], &issue["location"]["lines"]["begin"]), (&"target.yaml".into(), &1.into()));
        }
    }
    assert_eq!(made(Format::Gitlab, &canonical::sound()), "[]\n");
}

#[test]
fn markdown_has_no_strangers_markup() {
    let text = made(Format::Markdown, &canonical::hostile());
    for tag in text.split('<').skip(1) {
        assert!(["code>", "/code>", "!-- -->"].iter().any(|known| tag.starts_with(known)), "{tag}");
    }
    assert!(!text.contains("@everyone") && !text.contains("javascript:alert(1))"));
    let rows: Vec<usize> = text.lines().filter(|l| l.starts_with('|')).map(|l| l.matches('|').count()).collect();
    assert!(rows.len() > 4 && rows.iter().all(|n| *n == 8), "{rows:?}");
}

#[test]
fn who_ran_it_and_what_it_is_not_stand_in_the_report() {
    let options = RenderOptions { run_by: RunBy::Laboratory("Example Laboratory".into()), ..RenderOptions::default() };
    let page = String::from_utf8(render(Format::Html, &canonical::assessment(), &options).unwrap()).unwrap();
    assert!(page.contains("Tested by Example Laboratory (third party)"));
    for (_, assessment) in all() {
        for format in Format::ALL {
            let text = made(format, &assessment).to_lowercase();
            assert!(!text.contains("certified") && !text.contains("compliant"), "{format}");
        }
        let page = made(Format::Html, &assessment);
        for sentence in [
            "Supplier&#39;s self-declaration (first party)",
            "It shows evidence for what was tested",
            "Directive 2014/24/EU",
            "probity verify BUNDLE",
            "can make up what it saw",
        ] {
            assert!(page.contains(&sentence.replace("&#39;", "&#x27;")) || page.contains(sentence), "{sentence}");
        }
    }
}

#[test]
fn the_page_is_sound_html_without_anything_from_elsewhere() {
    for (name, assessment) in all() {
        let page = made(Format::Html, &assessment);
        let elements = elements(&page);
        let count = |tag: &str| elements.iter().filter(|e| e.tag == tag).count();
        for (tag, number) in [
            ("html", 1),
            ("head", 1),
            ("body", 1),
            ("title", 1),
            ("h1", 1),
            ("main", 1),
            ("header", 1),
            ("footer", 1),
            ("nav", 1),
            ("style", 1),
        ] {
            assert_eq!(count(tag), number, "{name}: {tag}");
        }
        let ids: Vec<&str> = elements.iter().filter_map(|e| e.get("id")).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name}: an id twice");
        let mut level = 0;
        for e in &elements {
            for (attribute, value) in &e.attributes {
                assert!(!attribute.starts_with("on") && attribute != "style" && attribute != "src", "{name}: {attribute}");
                match attribute.as_str() {
                    "href" => match value.strip_prefix('#') {
                        Some(id) => assert!(ids.contains(&id), "{name}: no place {id}"),
                        None => assert!(value.starts_with("https://") || value.starts_with("http://"), "{name}: {value}"),
                    },
                    "aria-labelledby" | "aria-describedby" => assert!(ids.contains(&value.as_str()), "{name}: no place {value}"),
                    _ => {}
                }
            }
            if let Some(number) = e.tag.strip_prefix('h').and_then(|n| n.parse::<u32>().ok()) {
                assert!(number <= level + 1, "{name}: h{number} after h{level}");
                level = number;
            }
            if e.tag == "th" {
                assert!(e.get("scope").is_some());
            }
        }
        assert_eq!(elements.first().and_then(|e| e.get("lang")), Some("en"));
        assert_eq!(count("table"), count("caption"));
        assert!(page.contains("default-src 'none'"));
    }
    // The policy names the hash of the very style sheet that stands in the page.
    let page = made(Format::Html, &canonical::assessment());
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    use base64::Engine as _;
    use sha2::Digest as _;
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style.as_bytes()));
    assert!(page.replace("&#x2f;", "/").contains(&format!("style-src 'sha256-{hash}'")));
    assert!(!style.contains("url(") && !style.contains("@import"));
}

struct Element {
    tag: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// The elements of a page in order. Panics where tags do not match, or a tag or attribute is unknown.
fn elements(page: &str) -> Vec<Element> {
    const KNOWN: &str = " html head meta title style body a header p h1 span nav ul li main section h2 strong dl div dt dd table caption thead tr th tbody td tfoot svg rect ol article h3 details summary code footer ";
    const VOID: &str = " meta ";
    let mut found = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = page.strip_prefix("<!doctype html>").unwrap();
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').unwrap();
        let (inside, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if let Some(tag) = inside.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(tag), "closing tag");
            continue;
        }
        let (tag, mut attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        assert!(KNOWN.contains(&format!(" {tag} ")), "<{inside}>");
        let mut list = Vec::new();
        while let Some((name, value)) = attributes.trim_start().split_once("=\"") {
            let (value, further) = value.split_once('"').unwrap();
            assert!(name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-'), "<{inside}>");
            list.push((name.to_ascii_lowercase(), value.replace("&#x2f;", "/")));
            attributes = further;
        }
        assert!(attributes.trim().is_empty(), "<{inside}>");
        if tag == "style" {
            rest = &rest[rest.find("</style>").unwrap()..];
        }
        if !VOID.contains(&format!(" {tag} ")) {
            open.push(tag.to_owned());
        }
        found.push(Element { tag: tag.to_owned(), attributes: list });
    }
    assert!(open.is_empty(), "left open: {open:?}");
    found
}

/// `SHOW=folder cargo test --test report show` writes every format of every assessment there.
#[test]
fn show() {
    let Some(folder) = std::env::var_os("SHOW") else { return };
    let folder = std::path::PathBuf::from(folder);
    for (name, assessment) in all() {
        for format in Format::ALL {
            std::fs::write(folder.join(format!("{name}-{format}.{}", format.extension())), made(format, &assessment)).unwrap();
        }
    }
}
