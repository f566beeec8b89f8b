//! `probity explain` and `probity checks`.

use serde_json::Value;

use super::args;
use super::exit::Exit;
use super::terminal::{BOLD, DIM, Terminal};
use crate::check::{Check, KindEntry};
use crate::document::Mistake;
use crate::profile::{Certainty, Freedom, Profile, Requirement};

/// Words that a report uses, with what they mean.
const WORDS: &[(&str, &str)] = &[
    (
        "passed",
        "Outcome: it was tested, or read, or stated, and meets what was asked. How it is known stands beside it: measured, documented or attested.",
    ),
    (
        "failed",
        "Outcome: it was tested and does not meet what was asked. The report says what was expected, what was seen, where, and what to do.",
    ),
    (
        "cantTell",
        "Outcome: it was tried and could not be told, because the target did not answer, a limit was reached, or the answer was unclear. Never counted as a failure, never as a pass; the pillar is then not determined.",
    ),
    (
        "inapplicable",
        "Outcome: what was asked does not concern this product, by the facts in its target file. The facts decide, so a buyer should read them.",
    ),
    (
        "untested",
        "Outcome: it was not tried, because an endpoint, credential, document, statement or consent is missing, or because the run was narrowed or interrupted. Never a pass.",
    ),
    ("measured", "Grade: a probe of Probity saw it in the product."),
    ("documented", "Grade: a document that a machine can read says it. The document was checked, the product was not."),
    ("attested", "Grade: a named person states it. Nobody checked it; the person answers for it."),
    (
        "conformant",
        "Verdict of a pillar or the whole: each MUST requirement that applies at this tier passed. It shows evidence; it is no certificate.",
    ),
    ("not conformant", "Verdict: at least one MUST requirement failed."),
    ("not determined", "Verdict: no MUST requirement failed, and at least one could not be told or was not tested."),
    ("not applicable", "Verdict: no MUST requirement of the pillar concerns this product."),
    ("MUST", "Level: counts for the verdict."),
    ("SHOULD", "Level: is tested and told, and does not count."),
    (
        "tier",
        "How deep the assessment goes, by the risk of the use and not by the size of the vendor: 1 basic, 2 substantial, 3 high. A tier includes the lower ones.",
    ),
    (
        "waiver",
        "An exception from one requirement: reason, issuer, last day. It never changes the outcome; it stands beside it. An expired one is void and shown.",
    ),
    (
        "overlay",
        "A region's adaptation of a profile. It can tighten and add, never soften or remove; `probity profile show --overlay FILE` tells what it does.",
    ),
    (
        "consent",
        "The block of the target file in which its owner allows more than reading: owner, contact, window, environment (lab, test, production) and mode. `passive` only reads and needs no consent; `standard` also knocks at ports, asks about accounts that nobody has and writes test data; `lab` also tries wrong passwords and malformed input. `highest-effect` (reads-only, searches, writes, intrusive, physical) may stand in place of `mode`; only it opens physical effects. In production and outside the window nothing beyond reading is done.",
    ),
    (
        "credentials",
        "Named in the target file by `env` or `file`, never written there, sent to one endpoint only: scheme bearer, basic (with `user`), header or query (with `name`).",
    ),
    (
        "evidence",
        "What a verdict rests on: the recorded observation, kept in the bundle by its SHA-256. `probity replay BUNDLE` judges it again.",
    ),
    (
        "bundle",
        "The folder that an assessment leaves: results, effective profile, target without secrets, observations, journal of every connection, and SHA-256 sums. Everything else is rendered from it.",
    ),
];

pub(super) fn explain(args: &args::Explain, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    let id = args.id.as_str();
    if let Some((word, meaning)) = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(id)) {
        terminal.say(format_args!("{BOLD}{word}{BOLD:#}\n{meaning}"));
        return Ok(Exit::Success);
    }
    if let Some(exit) = Exit::ALL.into_iter().find(|exit| exit.code().to_string() == id) {
        terminal.say(format_args!("{BOLD}exit code {}{BOLD:#}\n{}", exit.code(), exit.meaning()));
        return Ok(Exit::Success);
    }
    if let Some(kind) = Check::catalogue().into_iter().find(|kind| kind.name == id) {
        show_kind(&kind, terminal);
        return Ok(Exit::Success);
    }
    let profile = super::profile::load(&args.asked.profile, &args.asked.overlays)?;
    if let Some(requirement) = profile.requirements.iter().find(|r| r.text.id.eq_ignore_ascii_case(id)) {
        show_requirement(&profile, requirement, terminal);
        return Ok(Exit::Success);
    }
    if let Some(pillar) = profile.pillar(id) {
        terminal.say(format_args!("{BOLD}{}{BOLD:#}\n{}", pillar.title, pillar.summary));
        for requirement in profile.requirements.iter().filter(|r| r.text.pillar == id) {
            terminal.say(format_args!("  {}  {}", requirement.text.id, requirement.text.title));
        }
        return Ok(Exit::Success);
    }
    Err(vec![Mistake::new(id, "nothing by this name").help(format!(
        "a requirement or pillar of {}, a kind of check (`probity checks`), an outcome, an exit code, or one of: {}",
        profile.id,
        WORDS.iter().map(|(w, _)| *w).collect::<Vec<_>>().join(", ")
    ))])
}

fn show_requirement(profile: &Profile, requirement: &Requirement, terminal: Terminal) {
    let text = &requirement.text;
    let core = format!("{} {}", profile.id, profile.version);
    let by = |name: &str| profile.provenance.get(name).cloned().unwrap_or_else(|| core.clone());
    let origin = profile.provenance.get(&text.id).cloned().unwrap_or_else(|| core.clone());
    let pillar = profile.pillar(&text.pillar).map_or(text.pillar.as_str(), |p| p.title.as_str());
    terminal.say(format_args!("{BOLD}{}  {}{BOLD:#}", text.id, text.title));
    terminal.say(format_args!(
        "{DIM}{pillar}; {} (set by {}); tier {} (set by {}); from {origin}{DIM:#}",
        text.level.as_str(),
        by(&format!("{}.level", text.id)),
        text.tier,
        by(&format!("{}.tier", text.id))
    ));
    terminal.say(format_args!("\n{BOLD}What is asked{BOLD:#}\n{}", text.statement.trim()));
    terminal.say(format_args!("\n{BOLD}Why{BOLD:#}\n{}", text.why.trim()));
    terminal.say(format_args!("\n{BOLD}When it applies{BOLD:#}\n{}", text.applies.as_deref().unwrap_or("always")));
    terminal.say(format_args!("\n{BOLD}How it is tested{BOLD:#} (each must pass)"));
    let flat = profile.to_value();
    let checks = flat["requirements"]
        .as_array()
        .and_then(|all| all.iter().find(|r| r["id"] == text.id.as_str()))
        .map(|r| r["checks"].clone())
        .unwrap_or_default();
    for (placed, written) in requirement.checks.iter().zip(checks.as_array().into_iter().flatten()) {
        let check = &placed.check;
        terminal.say(format_args!(
            "  {BOLD}{}{BOLD:#}  {DIM}{}, {}, on {}{DIM:#}",
            check.kind(),
            check.grade().as_str(),
            check.effect().as_str(),
            placed.on.as_deref().unwrap_or(check.on().as_str())
        ));
        if let Some(Value::Object(parameters)) = written.get(check.kind()) {
            for (name, value) in parameters {
                terminal.say(format_args!("    {name}: {value}"));
            }
        }
    }
    let named: Vec<&String> = profile.parameters.keys().filter(|name| requirement.names_parameter(name)).collect();
    if !named.is_empty() {
        terminal.say(format_args!("\n{BOLD}Parameters{BOLD:#}"));
        for name in named {
            if let Some(parameter) = profile.parameters.get(name) {
                let direction = super::profile::direction(parameter.direction);
                terminal.say(format_args!(
                    "  {name} = {}  {DIM}{}; {direction}; set by {}{DIM:#}",
                    parameter.value,
                    parameter.meaning,
                    by(&format!("parameters.{name}"))
                ));
            }
        }
    }
    terminal.say(format_args!("\n{BOLD}What counts as passed{BOLD:#}\nEach check above passes on each endpoint that it is asked of."));
    if let Some(limits) = &text.limits {
        terminal.say(limits.trim());
    }
    terminal.say(format_args!("\n{BOLD}How to mend it{BOLD:#}\n{}", text.remedy.trim()));
    terminal.say(format_args!("\n{BOLD}Where it comes from{BOLD:#}"));
    for source in &text.sources {
        let edition = source.edition.as_deref().map(|e| format!(" ({e})")).unwrap_or_default();
        let clause = source.clause.as_deref().map(|c| format!(", {c}")).unwrap_or_default();
        let mark = match source.certainty {
            Certainty::Checked => "",
            Certainty::ToBeChecked => "  [clause to be checked]",
        };
        terminal.say(format_args!("  {}{edition}{clause}{mark}", source.standard));
        if let Some(url) = &source.url {
            terminal.say(format_args!("    {url}"));
        }
    }
    if let Some(basis) = &text.legal_basis {
        terminal.say(format_args!("  legal basis: {basis}"));
    }
    let freedom = if text.freedom.is_empty() {
        "nothing: it is the same everywhere, but for parameters that say otherwise".to_owned()
    } else {
        text.freedom
            .iter()
            .map(|f| match f {
                Freedom::Tighten => "raise it to MUST or bring its tier forward",
                Freedom::Activate => "switch it on",
            })
            .collect::<Vec<_>>()
            .join("; ")
    };
    terminal.say(format_args!("\n{BOLD}What a region may do{BOLD:#}\n{freedom}"));
}

pub(super) fn checks(args: &args::Checks, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    let mut kinds = Check::catalogue();
    if let Some(name) = &args.kind {
        kinds.retain(|kind| kind.name == name);
        if kinds.is_empty() {
            return Err(vec![Mistake::new(name, "no such kind of check").help(format!("kinds: {}", Check::KINDS.join(", ")))]);
        }
    }
    if args.json {
        let all: Vec<Value> = kinds
            .iter()
            .map(|k| serde_json::json!({ "name": k.name, "grade": k.grade, "effect": k.effect, "on": k.on.as_str(), "parameters": k.schema }))
            .collect();
        terminal.say(serde_json::to_string_pretty(&all).unwrap_or_default());
        return Ok(Exit::Success);
    }
    for (index, kind) in kinds.iter().enumerate() {
        if index > 0 {
            terminal.say("");
        }
        show_kind(kind, terminal);
    }
    Ok(Exit::Success)
}

fn show_kind(kind: &KindEntry, terminal: Terminal) {
    terminal.say(format_args!(
        "{BOLD}{}{BOLD:#}  {DIM}{}, {}, on {}{DIM:#}",
        kind.name,
        kind.grade.as_str(),
        kind.effect.as_str(),
        kind.on.as_str()
    ));
    if let Some(text) = kind.schema["description"].as_str() {
        terminal.say(format_args!("  {}", text.replace('\n', " ")));
    }
    let required: Vec<&str> = kind.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, schema) in kind.schema["properties"].as_object().into_iter().flatten() {
        let need = if required.contains(&name.as_str()) { "needed" } else { "optional" };
        let text = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
        terminal.say(format_args!("    {BOLD}{name}{BOLD:#} ({need}): {text}"));
    }
}
