//! `probity assess --dry-run`: what would be asked of whom.
//!
//! Nothing is sent, not even to a name service. The requests of an API run follow from the API's
//! description; one that lies in a file is read, one that the product serves is fetched only with
//! `--fetch-description`, and without it the dry run says that these requests are not shown.

use std::sync::Arc;

use serde_json::{Value, json};

use super::args::DryRunFormat;
use super::exit::Exit;
use super::terminal::{BOLD, DIM, Terminal};
use crate::assess::{Options, Plan};
use crate::check::{Manner, Probes, Rehearsal};
use crate::probe::Door;
use crate::profile::Profile;
use crate::target::Target;

pub(super) async fn show(
    profile: &Profile,
    target: &Arc<Target>,
    options: &Options,
    door: Option<&Arc<Door>>,
    format: DryRunFormat,
    terminal: Terminal,
) -> Exit {
    let plan = Plan::new(profile, target, &options.selection, options.now);
    let rehearsals = rehearse(&plan, target, door).await;
    match format {
        DryRunFormat::Text => {
            checks(&plan, profile, terminal);
            for (endpoint, manner, rehearsal) in &rehearsals {
                requests(endpoint, *manner, rehearsal, terminal);
            }
            let sent = if door.is_some() { "only the description was fetched" } else { "nothing was sent" };
            terminal.say(format_args!("{} of {} checks would be asked; {sent}", plan.asked(), plan.steps.len()));
        }
        DryRunFormat::Json => {
            terminal.say(serde_json::to_string_pretty(&document(&plan, profile, &rehearsals)).unwrap_or_default());
        }
    }
    Exit::Success
}

/// One rehearsal for each endpoint and manner that the plan holds.
async fn rehearse(plan: &Plan, target: &Arc<Target>, door: Option<&Arc<Door>>) -> Vec<(String, Manner, Rehearsal)> {
    let mut found: Vec<(String, Manner, Rehearsal)> = Vec::new();
    for step in plan.steps.iter().filter(|step| step.known.is_none()) {
        let (Some(manner), Some(endpoint)) = (step.check.check.api_manner(), &step.endpoint) else { continue };
        if found.iter().any(|(name, how, _)| name == endpoint && *how == manner) {
            continue;
        }
        let mut rehearsal = Rehearsal::offline(target, endpoint, manner);
        if let (Rehearsal::NotFetched, Some(door)) = (&rehearsal, door) {
            let probes = Probes::new(door.clone(), target.clone(), Some(endpoint.clone()));
            let fetched = Rehearsal::fetched(&probes, manner).await;
            rehearsal = fetched.unwrap_or_else(|error| Rehearsal::NoDescription(error.to_string()));
        }
        found.push((endpoint.clone(), manner, rehearsal));
    }
    found
}

fn checks(plan: &Plan, profile: &Profile, terminal: Terminal) {
    let mut requirement = "";
    for step in &plan.steps {
        if step.requirement != requirement {
            requirement = &step.requirement;
            let title = profile.requirement(requirement).map_or("", |r| r.text.title.as_str());
            terminal.say(format_args!("{BOLD}{requirement}{BOLD:#}  {title}"));
        }
        let on = step.endpoint.as_deref().map(|e| format!(" on {e}")).unwrap_or_default();
        match &step.known {
            None => terminal.say(format_args!("  ask {}{on}  {DIM}{}{DIM:#}", step.check.check.kind(), step.check.check.effect().as_str())),
            Some(verdict) => {
                terminal.say(format_args!("  {DIM}{}: {} ({}){DIM:#}", verdict.outcome, verdict.reason, step.check.check.kind()))
            }
        }
    }
}

fn manner_in_words(manner: Manner) -> &'static str {
    match (manner.writes, manner.wrong) {
        (false, false) => "reading what the description allows",
        (false, true) => "reading, also what must be refused",
        (true, false) => "reading and writing what the description allows",
        (true, true) => "reading and writing, also what must be refused",
    }
}

fn requests(endpoint: &str, manner: Manner, rehearsal: &Rehearsal, terminal: Terminal) {
    terminal.say(format_args!("{BOLD}API run on {endpoint}{BOLD:#}  {}", manner_in_words(manner)));
    match rehearsal {
        Rehearsal::Plan { description, requests, untested } => {
            terminal.say(format_args!("  {DIM}by {description}; ids stand for those that the service will give{DIM:#}"));
            for request in requests {
                terminal.say(format_args!("  {}", request.line));
            }
            for one in untested {
                let operation = if one.operation.is_empty() { "the run" } else { &one.operation };
                terminal.say(format_args!("  {DIM}not tested: {operation}: {} (needs {}){DIM:#}", one.what, one.needs));
            }
            terminal.say(format_args!("  {} requests; what the run makes it takes away again", requests.len()));
        }
        Rehearsal::NotFetched => terminal.say(
            "  its requests follow from the API description, which the product serves and which was not fetched: add \
             --fetch-description to read it, or name a file as `api-description` under `documents`",
        ),
        Rehearsal::NoDescription(why) => terminal.say(format_args!("  no request is planned: {why}")),
    }
}

fn document(plan: &Plan, profile: &Profile, rehearsals: &[(String, Manner, Rehearsal)]) -> Value {
    let checks: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| {
            json!({
                "requirement": step.requirement,
                "title": profile.requirement(&step.requirement).map(|r| r.text.title.as_str()),
                "check": step.check.check.kind(),
                "endpoint": step.endpoint,
                "effect": step.check.check.effect().as_str(),
                "asked": step.known.is_none(),
                "outcome": step.known.as_ref().map(|v| v.outcome.to_string()),
                "reason": step.known.as_ref().map(|v| v.reason.as_str()),
            })
        })
        .collect();
    let runs: Vec<Value> = rehearsals
        .iter()
        .map(|(endpoint, manner, rehearsal)| {
            json!({ "endpoint": endpoint, "writes": manner.writes, "sendsWrong": manner.wrong, "requests": rehearsal })
        })
        .collect();
    json!({ "checks": checks, "apiRuns": runs })
}
