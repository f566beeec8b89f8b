use std::collections::BTreeSet;

use super::*;
use crate::api::exchange::ApiRequest;
use crate::api::sample::{OTHER_TOKEN, PERSON, QUIRKS, SampleApi, TOKEN, description};
use crate::document::Source;

fn sample() -> Description {
    Description::read(Source::yaml("openapi.yaml", description().as_bytes()).unwrap(), Vec::new()).unwrap()
}

fn options(writes: bool) -> PlanOptions {
    PlanOptions {
        base: "http://127.0.0.1:8080/v1".into(),
        credentials: [("token".to_owned(), "SAMPLE_TOKEN".to_owned())].into(),
        other_account: Some("OTHER_TOKEN".into()),
        writes,
        wrong: true,
        ..PlanOptions::default()
    }
}

/// Runs a plan against the sample service.
fn run(description: &Description, options: &PlanOptions, api: &mut SampleApi) -> Vec<ApiExchange> {
    let mut plan = Plan::new(description, options);
    let mut exchanges: Vec<ApiExchange> = Vec::new();
    while let Some(planned) = plan.next(exchanges.last()) {
        let mut headers = planned.headers.clone();
        for secret in &planned.secrets {
            let token = if secret.secret == "OTHER_TOKEN" { OTHER_TOKEN } else { TOKEN };
            headers.push(("Authorization".into(), format!("Bearer {token}")));
        }
        let request = ApiRequest { method: planned.method.clone(), url: planned.url.clone(), headers, body: planned.body.clone() };
        let response = api.respond(&request);
        exchanges.push(ApiExchange { id: planned.id.clone(), request, response: Some(response), trouble: None });
    }
    exchanges
}

/// A run against the service with these faults.
pub(in crate::api) fn recorded(quirks: &[&str]) -> (Description, Judgement, Vec<ApiExchange>) {
    let description = sample();
    let options = options(true);
    let exchanges = run(&description, &options, &mut SampleApi::new(quirks.iter().copied()));
    let judgement = judge(&description, &options, &exchanges, &JudgeOptions::default());
    (description, judgement, exchanges)
}

fn judged(quirks: &[&str]) -> (Judgement, usize) {
    let description = sample();
    let options = options(true);
    let exchanges = run(&description, &options, &mut SampleApi::new(quirks.iter().copied()));
    let judge_options = JudgeOptions { person: PERSON.iter().map(|t| (*t).to_owned()).collect() };
    (judge(&description, &options, &exchanges, &judge_options), exchanges.len())
}

fn told(judgement: &Judgement) -> Vec<String> {
    judgement
        .groups
        .iter()
        .map(|g| {
            format!(
                "{:?} {}: {} ({} operations, {} times) e.g. {} {}",
                g.severity,
                g.rule,
                g.cause,
                g.operations.len(),
                g.count,
                g.samples[0].request,
                g.samples[0].got
            )
        })
        .collect()
}

#[test]
fn the_sound_service_has_no_fault_and_all_is_tested() {
    let (judgement, requests) = judged(&[]);
    assert_eq!(told(&judgement), Vec::<String>::new());
    assert_eq!(judgement.untested, Vec::new());
    assert_eq!((judgement.operations, judgement.tested.len()), (13, 13), "{:?}", judgement.tested);
    assert_eq!(judgement.left_behind, Vec::<String>::new());
    println!("{requests} requests for {} operations", judgement.operations);
    assert!(requests <= 400, "{requests} requests");
    let idle: Vec<&str> = RULES.iter().map(|r| r.name).filter(|name| !judgement.exercised.contains(name)).collect();
    assert_eq!(idle, Vec::<&str>::new());
}

/// The rule that finds each seeded fault.
const FOUND_BY: &[(&str, &[&str])] = &[
    ("fails-on-one-kind", &["server-error"]),
    ("fails-on-unknown-id", &["server-error"]),
    ("fails-on-broken-body", &["server-error"]),
    ("fails-on-media-type", &["server-error"]),
    ("created-as-200", &["status-undocumented"]),
    ("unauthorized-as-403", &["status-undocumented"]),
    ("labels-json-as-text", &["media-type-undocumented"]),
    ("no-media-type", &["media-type-missing"]),
    ("no-location", &["header-missing"]),
    ("rate-limit-in-words", &["header-schema"]),
    ("property-missing", &["response-schema"]),
    ("number-as-text", &["response-schema"]),
    ("value-not-listed", &["response-schema"]),
    ("null-unexpected", &["response-schema"]),
    ("date-in-words", &["response-schema"]),
    ("undeclared-property", &["property-undeclared"]),
    ("write-only-shown", &["response-schema"]),
    ("json-with-comma", &["body-unreadable"]),
    ("error-schema-broken", &["response-schema"]),
    ("takes-too-long", &["wrong-accepted"]),
    ("takes-too-short", &["wrong-accepted"]),
    ("takes-below-minimum", &["wrong-accepted"]),
    ("takes-above-maximum", &["wrong-accepted"]),
    ("takes-exclusive-maximum", &["wrong-accepted"]),
    ("takes-unlisted-value", &["wrong-accepted"]),
    ("takes-wrong-pattern", &["wrong-accepted"]),
    ("takes-wrong-type", &["wrong-accepted"]),
    ("takes-impossible-date", &["wrong-accepted"]),
    ("takes-missing-property", &["wrong-accepted"]),
    ("takes-unknown-property", &["wrong-accepted"]),
    ("takes-too-many-items", &["wrong-accepted"]),
    ("takes-same-item-twice", &["wrong-accepted"]),
    ("takes-nested-fault", &["wrong-accepted"]),
    ("takes-fault-on-replace", &["wrong-accepted"]),
    ("takes-query-out-of-range", &["wrong-accepted"]),
    ("takes-query-in-words", &["wrong-accepted"]),
    ("takes-no-body", &["missing-accepted"]),
    ("takes-no-header", &["missing-accepted"]),
    ("takes-wrong-header", &["wrong-accepted"]),
    ("takes-any-media-type", &["media-type-enforced"]),
    ("refuses-longest", &["valid-refused"]),
    ("refuses-lowest", &["valid-refused"]),
    ("refuses-scripts", &["valid-refused"]),
    ("refuses-largest-page", &["valid-refused"]),
    ("mangles-scripts", &["created-kept"]),
    ("method-served", &["method-refused"]),
    ("method-not-found", &["method-refused"]),
    ("no-allow", &["allow-header"]),
    ("allow-wrong", &["allow-header"]),
    ("open-operation", &["credential-required", "credential-checked"]),
    ("any-token", &["credential-checked"]),
    ("soft-not-found", &["unknown-refused", "deleted-gone"]),
    ("deleted-readable", &["deleted-gone"]),
    ("deleted-listed", &["deleted-unlisted"]),
    ("deleted-contacts", &["deleted-gone"]),
    ("delete-twice-fails", &["server-error"]),
    ("created-lost", &["created-found"]),
    ("created-unlisted", &["created-found"]),
    ("created-changed", &["created-kept"]),
    ("change-lost", &["change-kept"]),
    ("replace-once", &["idempotent"]),
    ("pages-overlap", &["page-overlap"]),
    ("pages-loop", &["page-loop"]),
    ("pages-lose", &["page-loss"]),
    ("page-size-ignored", &["page-size"]),
    ("error-page", &["media-type-undocumented", "error-structured"]),
    ("error-trace", &["error-internals"]),
    ("error-sql", &["error-internals"]),
    ("error-address", &["error-internals"]),
    ("error-person", &["error-personal-data"]),
    ("error-status", &["problem-status"]),
    ("other-account-reads", &["account-separated"]),
    ("labels-as-asked", &["media-type-undocumented", "not-acceptable"]),
];

#[test]
fn every_seeded_fault_is_found_for_its_own_reason_only() {
    assert_eq!(FOUND_BY.iter().map(|(n, _)| n).collect::<Vec<_>>(), QUIRKS.iter().map(|(n, _)| n).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for (quirk, rules) in FOUND_BY {
        let (judgement, requests) = judged(&[quirk]);
        let found: BTreeSet<&str> = judgement.groups.iter().map(|g| g.rule).collect();
        if found != rules.iter().copied().collect() {
            wrong.push(format!("{quirk}: {:#?}", told(&judgement)));
        }
        assert!(requests <= 400, "{quirk}: {requests} requests");
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), QUIRKS.len(), wrong.join("\n"));
}

#[test]
fn plan_and_judgement_are_the_same_every_time_and_from_the_record_alone() {
    let description = sample();
    let options = options(true);
    let quirks = ["takes-too-long", "fails-on-one-kind", "pages-overlap", "error-trace"];
    let first = run(&description, &options, &mut SampleApi::new(quirks));
    for _ in 0..3 {
        assert_eq!(run(&sample(), &options, &mut SampleApi::new(quirks)), first);
    }
    let written = serde_json::to_string(&first).unwrap();
    let read: Vec<ApiExchange> = serde_json::from_str(&written).unwrap();
    let judge_options = JudgeOptions::default();
    let judgement = judge(&description, &options, &first, &judge_options);
    assert_eq!(judge(&sample(), &options, &read, &judge_options), judgement);
    let ids: BTreeSet<&str> = first.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(ids.len(), first.len());
    // The order in which the caller kept them does not matter.
    let mut shuffled = read;
    shuffled.reverse();
    assert_eq!(judge(&description, &options, &shuffled, &judge_options), judgement);
    assert!(!written.contains("SAMPLE_TOKEN"));
    assert!(judgement.groups.iter().flat_map(|g| &g.samples).all(|s| !s.repeat.contains(TOKEN)));
}

#[test]
fn fuzzing_follows_from_its_seed_and_tells_no_fault_of_a_sound_service() {
    let description = sample();
    let fuzzed = |seed: u64| {
        let options = PlanOptions { fuzz: 5, seed, ..options(true) };
        let exchanges = run(&description, &options, &mut SampleApi::new([]));
        let judgement = judge(&description, &options, &exchanges, &JudgeOptions::default());
        assert_eq!(told(&judgement), Vec::<String>::new());
        assert_eq!(judgement.left_behind, Vec::<String>::new());
        exchanges
    };
    let first = fuzzed(7);
    assert!(first.iter().filter(|e| e.id.contains("/fuzz")).count() > 40);
    assert_eq!(first, fuzzed(7));
    assert_ne!(first, fuzzed(8));
}

#[test]
fn one_fault_does_not_hide_another() {
    let all: Vec<&str> = vec![
        "fails-on-one-kind",
        "created-as-200",
        "number-as-text",
        "takes-too-long",
        "takes-below-minimum",
        "refuses-longest",
        "method-served",
        "no-allow",
        "any-token",
        "deleted-readable",
        "change-lost",
        "pages-overlap",
        "page-size-ignored",
        "error-sql",
        "error-status",
        "undeclared-property",
        "takes-no-header",
    ];
    let (judgement, _) = judged(&all);
    let found: BTreeSet<&str> = judgement.groups.iter().map(|g| g.rule).collect();
    for quirk in &all {
        let rules = FOUND_BY.iter().find(|(name, _)| name == quirk).unwrap().1;
        assert!(rules.iter().any(|rule| found.contains(rule)), "{quirk} among {:#?}", told(&judgement));
    }
}

#[test]
fn without_consent_nothing_is_changed() {
    let description = sample();
    let options = options(false);
    let mut api = SampleApi::new([]);
    let exchanges = run(&description, &options, &mut api);
    assert!(exchanges.iter().all(|e| matches!(e.request.method.as_str(), "GET" | "PROPFIND")));
    let judgement = judge(&description, &options, &exchanges, &JudgeOptions::default());
    assert_eq!(told(&judgement), Vec::<String>::new());
    let waiting: Vec<&str> = judgement.untested.iter().filter(|u| u.needs == "consent to write").map(|u| u.operation.as_str()).collect();
    assert_eq!(waiting.len(), 7, "{waiting:?}");
    assert_eq!(judgement.tested.len(), 6);
}

#[test]
fn without_consent_nothing_wrong_is_sent() {
    let description = sample();
    for writes in [false, true] {
        let options = PlanOptions { wrong: false, ..options(writes) };
        let exchanges = run(&description, &options, &mut SampleApi::new([]));
        let refused: Vec<&str> = exchanges.iter().filter(|e| e.response.as_ref().unwrap().status >= 400).map(|e| e.id.as_str()).collect();
        assert!(
            refused.iter().all(|id| ["no-credential", "unknown-id", "-deleted", "delete-again", "cleanup", "other-account"]
                .iter()
                .any(|part| id.contains(part))),
            "{refused:?}"
        );
        let judgement = judge(&description, &options, &exchanges, &JudgeOptions::default());
        assert_eq!(told(&judgement), Vec::<String>::new());
        assert!(!judgement.exercised.contains("wrong-accepted") && judgement.exercised.contains("response-schema"));
        assert_eq!(judgement.exercised.contains("deleted-gone"), writes);
    }
}

#[test]
fn without_a_credential_it_is_said_what_to_provide() {
    let description = sample();
    let mut options = options(true);
    options.credentials.clear();
    let exchanges = run(&description, &options, &mut SampleApi::new([]));
    let judgement = judge(&description, &options, &exchanges, &JudgeOptions::default());
    assert_eq!(told(&judgement), Vec::<String>::new());
    assert!(judgement.untested.iter().any(|u| u.needs == "a credential for token"), "{:?}", judgement.untested);
    assert_eq!(judgement.tested.into_iter().collect::<Vec<_>>(), ["readStatus"]);
}

#[test]
fn a_run_that_ends_early_is_judged_as_far_as_it_went() {
    let description = sample();
    let options = options(true);
    let exchanges = run(&description, &options, &mut SampleApi::new(["created-as-200"]));
    let judgement = judge(&description, &options, &exchanges[..40], &JudgeOptions::default());
    assert_eq!(judgement.answered, 40);
    assert_eq!(judgement.groups.iter().map(|g| g.rule).collect::<Vec<_>>(), ["status-undocumented"]);
    assert!(judgement.untested.iter().any(|u| u.cause == UntestedCause::Limit));
}

#[test]
fn what_was_made_is_taken_away_when_the_run_is_abandoned() {
    let description = sample();
    let options = options(true);
    let mut api = SampleApi::new([]);
    let mut plan = Plan::new(&description, &options);
    let mut last: Option<ApiExchange> = None;
    let mut sent = 0;
    while let Some(planned) = plan.next(last.as_ref()) {
        sent += 1;
        let mut headers = planned.headers.clone();
        headers.push(("Authorization".into(), format!("Bearer {TOKEN}")));
        let request = ApiRequest { method: planned.method.clone(), url: planned.url.clone(), headers, body: planned.body.clone() };
        let response = api.respond(&request);
        last = Some(ApiExchange { id: planned.id.clone(), request, response: Some(response), trouble: None });
        if sent == 30 {
            plan.abandon();
        }
    }
    assert!(sent < 60, "{sent}");
    assert_eq!(plan.left_behind(), Vec::<String>::new());
    assert!(plan.next(None).is_none());
}
