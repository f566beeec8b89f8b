//! `probity profile`: lint, show, diff, list.

use std::collections::BTreeMap;

use super::args;
use super::exit::Exit;
use super::terminal::{BOLD, DIM, Terminal};
use crate::document::Mistake;
use crate::profile::{Direction, Overlay, Profile, TitleStatus, difference, shipped_overlays, shipped_profiles};

/// The profile with its overlays.
pub(super) fn load(profile: &str, overlays: &[String]) -> Result<Profile, Vec<Mistake>> {
    let core = Profile::load(profile)?;
    if overlays.is_empty() {
        return Ok(core);
    }
    let mut mistakes = Vec::new();
    let mut read = Vec::new();
    for name in overlays {
        match Overlay::load(name) {
            Ok(overlay) => read.push(overlay),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { core.with_overlays(&read) } else { Err(mistakes) }
}

pub(super) fn run(command: &args::Profile, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    match command {
        args::Profile::Lint { profile, overlays } => {
            let profile = load(profile, overlays)?;
            let warnings = warnings(&profile);
            for warning in &warnings {
                terminal.warn(warning);
            }
            terminal.say(format_args!(
                "{} {}: {} requirements in {} pillars, no mistake, {} warning{}",
                profile.id,
                profile.version,
                profile.requirements.len(),
                profile.pillars.len(),
                warnings.len(),
                if warnings.len() == 1 { "" } else { "s" }
            ));
        }
        args::Profile::Show { profile, overlays, json } => {
            let profile = load(profile, overlays)?;
            if *json {
                terminal.say(serde_json::to_string_pretty(&shown(&profile)).unwrap_or_default());
            } else {
                show(&profile, terminal);
            }
        }
        args::Profile::Diff { old, new, overlays } => {
            let differences = difference(&load(old, &[])?, &load(new, overlays)?);
            if differences.is_empty() {
                terminal.say("no difference");
            }
            for sentence in differences {
                terminal.say(sentence);
            }
        }
        args::Profile::List => {
            for (id, _) in shipped_profiles() {
                let profile = Profile::load(&id)?;
                terminal.say(format_args!(
                    "{BOLD}{id}{BOLD:#} {}  {}  ({} requirements)",
                    profile.version,
                    profile.title,
                    profile.requirements.len()
                ));
            }
            for (id, _) in shipped_overlays() {
                let overlay = Overlay::load(&id)?;
                let content = &overlay.content;
                terminal.say(format_args!(
                    "{BOLD}{id}{BOLD:#} {}  {}  (overlay on {} {})",
                    content.version, content.title, content.base.profile, content.base.version
                ));
            }
        }
    }
    Ok(Exit::Success)
}

/// What is allowed and still unwise.
fn warnings(profile: &Profile) -> Vec<String> {
    let mut warnings = Vec::new();
    for pillar in &profile.pillars {
        if !profile.requirements.iter().any(|r| r.text.pillar == pillar.id && !r.text.dormant) {
            warnings.push(format!("the pillar {} has no requirement", pillar.id));
        }
    }
    let flat = profile.to_value();
    for name in profile.parameters.keys() {
        let written = format!("${name}");
        let used = profile.requirements.iter().any(|r| r.names_parameter(name));
        if !used {
            warnings.push(format!("no check names the parameter {written}"));
        }
    }
    for fact in profile.facts.keys() {
        let used =
            flat["requirements"].as_array().into_iter().flatten().any(|r| r["applies"].as_str().is_some_and(|a| a.contains(fact.as_str())));
        if !used {
            warnings.push(format!("no requirement asks for the fact {fact}"));
        }
    }
    let mut unchecked = Vec::new();
    for requirement in &profile.requirements {
        let text = &requirement.text;
        if text.sources.iter().all(|s| s.certainty == crate::profile::Certainty::ToBeChecked) {
            unchecked.push(text.id.as_str());
        }
        if text.dormant && !text.freedom.contains(&crate::profile::Freedom::Activate) {
            warnings.push(format!("{}: is dormant, and no region may switch it on", text.id));
        }
    }
    if !unchecked.is_empty() {
        warnings.push(format!(
            "{} requirements name no source that has been compared with the original: {}",
            unchecked.len(),
            unchecked.join(", ")
        ));
    }
    warnings
}

/// The effective profile with the layer that set each value.
fn shown(profile: &Profile) -> serde_json::Value {
    let mut value = profile.to_value();
    if let Some(map) = value.as_object_mut() {
        map.insert("sha256".into(), profile.sha256.clone().into());
        map.insert("overlays".into(), serde_json::to_value(&profile.overlays).unwrap_or_default());
        map.insert("provenance".into(), serde_json::to_value(&profile.provenance).unwrap_or_default());
        map.insert("equivalents".into(), serde_json::to_value(&profile.equivalents).unwrap_or_default());
    }
    value
}

fn show(profile: &Profile, terminal: Terminal) {
    let core = format!("{} {}", profile.id, profile.version);
    let layer = |name: &str| profile.provenance.get(name).cloned().unwrap_or_else(|| core.clone());
    terminal.say(format_args!("{BOLD}{}{BOLD:#}", profile.title));
    terminal.say(format_args!("{core}, SHA-256 {}", profile.sha256));
    terminal.say(profile.summary.trim());
    for overlay in &profile.overlays {
        terminal.say(format_args!("\n{BOLD}Overlay {} {}{BOLD:#}: {}", overlay.id, overlay.version, overlay.title));
        for change in &overlay.changes {
            terminal.say(format_args!("  {change}"));
        }
    }
    for pillar in &profile.pillars {
        let status = match pillar.title_status {
            TitleStatus::Confirmed => "",
            TitleStatus::Assumed => " (title assumed)",
        };
        terminal.say(format_args!("\n{BOLD}{}{BOLD:#}{status}", pillar.title));
        for requirement in profile.requirements.iter().filter(|r| r.text.pillar == pillar.id) {
            let text = &requirement.text;
            let dormant = if text.dormant { ", dormant" } else { "" };
            terminal.say(format_args!(
                "  {BOLD}{}{BOLD:#}  {}  {DIM}{}, tier {}{dormant}{DIM:#}",
                text.id,
                text.title,
                text.level.as_str(),
                text.tier
            ));
            for name in ["level", "tier", "dormant"] {
                if let Some(by) = profile.provenance.get(&format!("{}.{name}", text.id)) {
                    terminal.say(format_args!("      {name} set by {by}"));
                }
            }
            if let Some(by) = profile.provenance.get(&text.id) {
                terminal.say(format_args!("      added by {by}"));
            }
        }
    }
    terminal.say(format_args!("\n{BOLD}Parameters{BOLD:#}"));
    for (name, parameter) in &profile.parameters {
        terminal.say(format_args!(
            "  {name} = {}  {DIM}{}; {}; set by {}{DIM:#}",
            parameter.value,
            parameter.meaning,
            direction(parameter.direction),
            layer(&format!("parameters.{name}"))
        ));
    }
    terminal.say(format_args!("\n{BOLD}Facts that a target file states{BOLD:#}"));
    for (name, fact) in &profile.facts {
        let choices = if fact.choices.is_empty() { "true or false".to_owned() } else { fact.choices.join(", ") };
        terminal.say(format_args!("  {name}: {}  {DIM}{choices}{DIM:#}", fact.ask));
    }
    let mut levels: BTreeMap<&str, usize> = BTreeMap::new();
    for requirement in profile.requirements.iter().filter(|r| !r.text.dormant) {
        *levels.entry(requirement.text.level.as_str()).or_default() += 1;
    }
    terminal.say(format_args!("\n{}", levels.iter().map(|(level, n)| format!("{n} {level}")).collect::<Vec<_>>().join(", ")));
}

/// What a region may do to a parameter, in words.
pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Fixed => "fixed in the core",
        Direction::Raise => "a region may raise it",
        Direction::Lower => "a region may lower it",
        Direction::Narrow => "a region may choose among these",
        Direction::Widen => "a region may add to these",
    }
}
