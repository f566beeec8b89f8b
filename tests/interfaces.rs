//! Every seeded fault of the sample API through the whole line, and every rule of the shipped rulesets
//! seen to fail by a vendor with that one defect: what fails is what is stated, no more and no less.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use probity::api::sample::QUIRKS;
use probity::assess::{Assessment, Options, Selection, run};
use probity::demo::Vendor;
use probity::probe::{Door, Interrupt, Limits};
use probity::profile::Profile;
use probity::verdict::Outcome;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// One defect and what it breaks.
struct Case {
    name: String,
    /// Changes of the sound vendor.
    changes: Vec<Value>,
    quirks: Vec<String>,
    breaks: Vec<&'static str>,
}

fn vendor(case: &Case) -> Vendor {
    let mut text = json!({ "like": "sound", "defect": case.name, "breaks": ["x"], "change": case.changes, "quirks": case.quirks });
    if case.changes.is_empty() && case.quirks.is_empty() {
        // A vendor file must change something.
        text["change"] = json!([{ "op": "add", "path": "/target/product/model", "value": "BB-400" }]);
    }
    Vendor::parse(&case.name, &text.to_string()).unwrap_or_else(|e| panic!("{}: {e}", case.name))
}

async fn assessed(case: &Case, profile: &Profile, only: &[&str], folder: &std::path::Path) -> Assessment {
    let now = OffsetDateTime::now_utc();
    let running = vendor(case).start(folder, now).await.unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let door = Door::open(running.opening(Limits::default()).unwrap()).await.unwrap();
    let selection = Selection { tier: 3, only: only.iter().map(|o| (*o).to_owned()).collect(), ..Selection::default() };
    let options = Options { selection, now, waivers: Vec::new(), interrupt: Interrupt::new() };
    run(profile, &Arc::new(running.target.clone()), &door, &options, |_| {}).await
}

fn with(assessment: &Assessment, outcome: Outcome) -> BTreeSet<String> {
    assessment.requirement_views().iter().filter(|v| v.outcome == outcome).map(|v| v.text.id.clone()).collect()
}

/// Runs the cases, several at a time, and holds each to what it states.
fn hold(profile: &str, only: &'static [&'static str], cases: Vec<Case>) {
    let profile = Arc::new(Profile::load(profile).unwrap());
    let folder = std::env::temp_dir().join(format!("probity-interfaces-{}-{}", profile.id, std::process::id()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut wrong = Vec::new();
    runtime.block_on(async {
        let gate = Arc::new(tokio::sync::Semaphore::new(4));
        let mut tasks = tokio::task::JoinSet::new();
        for (index, case) in cases.into_iter().enumerate() {
            let (profile, gate) = (profile.clone(), gate.clone());
            let place: PathBuf = folder.join(index.to_string());
            tasks.spawn(async move {
                let _permit = gate.acquire().await.unwrap();
                let assessment = assessed(&case, &profile, only, &place).await;
                let stated: BTreeSet<String> = case.breaks.iter().map(|b| (*b).to_owned()).collect();
                let failed = with(&assessment, Outcome::Failed);
                let open = with(&assessment, Outcome::CantTell);
                let told = |outcome: Outcome| -> String {
                    assessment
                        .results
                        .iter()
                        .filter(|r| r.outcome() == outcome)
                        .map(|r| format!("\n    {} {}: {}", r.requirement, r.kind, r.verdict.reason))
                        .collect()
                };
                let mut wrong = Vec::new();
                if failed != stated {
                    wrong.push(format!("{}: failed {failed:?}, stated {stated:?}{}", case.name, told(Outcome::Failed)));
                }
                if !open.is_empty() {
                    wrong.push(format!("{}: cantTell {open:?}{}", case.name, told(Outcome::CantTell)));
                }
                if stated.is_empty() && only.is_empty() {
                    let rest: Vec<String> = assessment
                        .requirement_views()
                        .iter()
                        .filter(|v| v.outcome != Outcome::Passed)
                        .map(|v| format!("{} {}", v.text.id, v.outcome))
                        .collect();
                    if !rest.is_empty() {
                        wrong.push(format!("{}: {rest:?}{}", case.name, told(Outcome::Untested)));
                    }
                }
                wrong
            });
        }
        while let Some(done) = tasks.join_next().await {
            wrong.extend(done.unwrap());
        }
    });
    std::fs::remove_dir_all(&folder).ok();
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The requirements of the core that ask about a documented interface.
const CORE_ROWS: &[&str] = &["INT-30", "TEC-01", "TEC-02", "TEC-03", "TEC-05", "TEC-13", "TEC-14", "TEC-15", "TEC-16", "SEC-25"];

/// What each seeded fault breaks of the core.
const BROKEN_BY: &[(&str, &[&str])] = &[
    ("fails-on-one-kind", &["SEC-25"]),
    ("fails-on-unknown-id", &["INT-30", "SEC-25", "TEC-03"]),
    ("fails-on-broken-body", &["SEC-25"]),
    ("fails-on-media-type", &["SEC-25"]),
    ("created-as-200", &["TEC-14"]),
    ("unauthorized-as-403", &["INT-30", "TEC-03", "TEC-14"]),
    ("labels-json-as-text", &["INT-30", "TEC-03", "TEC-14"]),
    ("no-media-type", &["INT-30", "TEC-03", "TEC-14"]),
    ("no-location", &["TEC-14"]),
    ("rate-limit-in-words", &["INT-30", "TEC-03", "TEC-14"]),
    ("property-missing", &["INT-30", "TEC-03", "TEC-14"]),
    ("number-as-text", &["INT-30", "TEC-03", "TEC-14"]),
    ("value-not-listed", &["INT-30", "TEC-03", "TEC-14"]),
    ("null-unexpected", &["INT-30", "TEC-03", "TEC-14"]),
    ("date-in-words", &["INT-30", "TEC-03", "TEC-14"]),
    ("undeclared-property", &["TEC-15"]),
    ("write-only-shown", &["INT-30", "TEC-03", "TEC-14"]),
    ("json-with-comma", &["INT-30", "TEC-03", "TEC-14"]),
    ("error-schema-broken", &["INT-30", "TEC-03", "TEC-14"]),
    ("takes-too-long", &["SEC-25"]),
    ("takes-too-short", &["SEC-25"]),
    ("takes-below-minimum", &["SEC-25"]),
    ("takes-above-maximum", &["SEC-25"]),
    ("takes-exclusive-maximum", &["SEC-25"]),
    ("takes-unlisted-value", &["SEC-25"]),
    ("takes-wrong-pattern", &["SEC-25"]),
    ("takes-wrong-type", &["SEC-25"]),
    ("takes-impossible-date", &["SEC-25"]),
    ("takes-missing-property", &["SEC-25"]),
    ("takes-unknown-property", &["SEC-25"]),
    ("takes-too-many-items", &["SEC-25"]),
    ("takes-same-item-twice", &["SEC-25"]),
    ("takes-nested-fault", &["SEC-25"]),
    ("takes-fault-on-replace", &["SEC-25"]),
    ("takes-query-out-of-range", &["SEC-25"]),
    ("takes-query-in-words", &["SEC-25"]),
    ("takes-no-body", &["SEC-25"]),
    ("takes-no-header", &["SEC-25"]),
    ("takes-wrong-header", &["SEC-25"]),
    ("takes-any-media-type", &["SEC-25"]),
    ("refuses-longest", &["TEC-14"]),
    ("refuses-lowest", &["TEC-14"]),
    ("refuses-scripts", &["TEC-14"]),
    ("refuses-largest-page", &["INT-30", "TEC-03", "TEC-14"]),
    ("mangles-scripts", &["TEC-14"]),
    ("method-served", &["TEC-14"]),
    ("method-not-found", &["TEC-14"]),
    ("no-allow", &["TEC-14"]),
    ("allow-wrong", &["TEC-14"]),
    ("open-operation", &["INT-30", "TEC-03", "TEC-14"]),
    ("any-token", &["TEC-14"]),
    ("soft-not-found", &["INT-30", "TEC-03", "TEC-14"]),
    ("deleted-readable", &["TEC-14"]),
    ("deleted-listed", &["TEC-14"]),
    ("deleted-contacts", &["TEC-14"]),
    ("delete-twice-fails", &["SEC-25"]),
    ("created-lost", &["TEC-14"]),
    ("created-unlisted", &["TEC-14"]),
    ("created-changed", &["TEC-14"]),
    ("change-lost", &["TEC-14"]),
    ("replace-once", &["TEC-14"]),
    ("pages-overlap", &["TEC-14"]),
    ("pages-loop", &["TEC-14"]),
    ("pages-lose", &["TEC-14"]),
    ("page-size-ignored", &["TEC-14"]),
    ("error-page", &["INT-30", "SEC-25", "TEC-03", "TEC-05", "TEC-14"]),
    ("error-trace", &["SEC-25", "TEC-05"]),
    ("error-sql", &["INT-30", "SEC-25", "TEC-03"]),
    ("error-address", &["INT-30", "SEC-25", "TEC-03"]),
    ("error-person", &["INT-30", "SEC-25", "TEC-03"]),
    ("error-status", &["INT-30", "SEC-25", "TEC-03", "TEC-05"]),
    ("other-account-reads", &["TEC-14"]),
    ("labels-as-asked", &["INT-30", "TEC-03", "TEC-14"]),
];

#[test]
fn every_seeded_fault_breaks_exactly_its_own_requirements() {
    assert_eq!(BROKEN_BY.iter().map(|(n, _)| n).collect::<Vec<_>>(), QUIRKS.iter().map(|(n, _)| n).collect::<Vec<_>>());
    let mut cases: Vec<Case> = BROKEN_BY
        .iter()
        .map(|(quirk, breaks)| Case {
            name: (*quirk).to_owned(),
            changes: Vec::new(),
            quirks: vec![(*quirk).to_owned()],
            breaks: breaks.to_vec(),
        })
        .collect();
    cases.push(Case { name: "sound".into(), changes: Vec::new(), quirks: Vec::new(), breaks: Vec::new() });
    hold("eu-core", CORE_ROWS, cases);
}

/// A case for each defect: what it is, how it comes about, what it breaks.
struct Defects {
    base: Vec<Value>,
    edits: Vec<(&'static str, &'static str)>,
    cases: Vec<Case>,
}

impl Defects {
    fn new(base: Vec<Value>, edits: Vec<(&'static str, &'static str)>) -> Self {
        Self { base, edits, cases: Vec::new() }
    }
    fn changes(&self, more: &[(&'static str, &'static str)]) -> Vec<Value> {
        let edits: Vec<Value> = self.edits.iter().chain(more).map(|(find, put)| json!({ "find": find, "put": put })).collect();
        let mut changes = self.base.clone();
        changes.push(json!({ "op": "add", "path": "/services/api/description-edits", "value": edits }));
        changes
    }
    /// Something else in the description.
    fn described(&mut self, id: &'static str, find: &'static str, put: &'static str) {
        self.described_by(&[id], &[(find, put)]);
    }
    fn described_by(&mut self, ids: &[&'static str], edits: &[(&'static str, &'static str)]) {
        let case = Case { name: format!("{ids:?}: {edits:?}"), changes: self.changes(edits), quirks: Vec::new(), breaks: ids.to_vec() };
        self.cases.push(case);
    }
    /// Something else in what the vendor serves.
    fn served(&mut self, id: &'static str, change: Value) {
        let mut changes = self.changes(&[]);
        changes.extend(change.as_array().cloned().unwrap_or_else(|| vec![change.clone()]));
        self.cases.push(Case { name: format!("{id}: {change}"), changes, quirks: Vec::new(), breaks: vec![id] });
    }
    /// A seeded fault of the service.
    fn behaving(&mut self, id: &'static str, quirk: &'static str) {
        self.cases.push(Case { name: format!("{id}: {quirk}"), changes: self.changes(&[]), quirks: vec![quirk.into()], breaks: vec![id] });
    }
    /// Holds the profile to the cases and to the sound vendor; every requirement must be broken by somebody.
    fn hold(mut self, profile: &str) {
        let broken: BTreeSet<&str> = self.cases.iter().flat_map(|c| c.breaks.iter().copied()).collect();
        let loaded = Profile::load(profile).unwrap();
        let never: Vec<&str> = loaded.requirements.iter().map(|r| r.text.id.as_str()).filter(|id| !broken.contains(id)).collect();
        assert!(never.is_empty(), "nobody breaks {never:?}");
        self.cases.push(Case { name: "sound".into(), changes: self.changes(&[]), quirks: Vec::new(), breaks: Vec::new() });
        hold(profile, &[], self.cases);
    }
}

/// An endpoint more that serves the interface and begins with a TLS of long ago.
fn old_tls() -> Value {
    json!([
        { "op": "add", "path": "/services/old", "value": { "scheme": "tls-mock", "face": { "versions": ["TLS 1.0"], "suites": ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"] } } },
        { "op": "add", "path": "/target/endpoints/old", "value": { "url": "tls://{{host}}:{{port:old}}", "serves": ["api"], "trust-anchors": "ca.pem", "addresses": ["127.0.0.1"] } }
    ])
}

fn route(what: &str, value: Value) -> Value {
    json!({ "op": "add", "path": format!("/services/api/routes/{}", what.replace('/', "~1")), "value": value })
}

fn header(name: &str, value: &str) -> Value {
    json!({ "op": "add", "path": format!("/services/api/headers/{name}"), "value": value })
}

fn without_header(name: &str) -> Value {
    json!({ "op": "remove", "path": format!("/services/api/headers/{name}") })
}

const LAST_PROPERTY: &str = "        accessCode: { type: string, writeOnly: true }\n";

#[test]
fn each_of_the_dutch_design_rules_is_broken_by_its_own_defect() {
    let mut d = Defects::new(Vec::new(), Vec::new());
    d.described("/core/no-trailing-slash", "  /status:\n", "  /states/: {}\n  /status:\n");
    d.served("/core/no-trailing-slash", route("GET /v1/residents/r-1001/", json!({ "json": { "id": "r-1001" } })));
    d.described("/core/path-segments-kebab-case", "  /status:\n", "  /openAlarms: {}\n  /status:\n");
    d.described("/core/path-segments-kebab-case", "  /status:\n", "  /states.json: {}\n  /status:\n");
    d.described(
        "/core/query-keys-camel-case",
        "        - name: cursor\n",
        "        - { name: house-number, in: query, description: House, schema: { type: string } }\n        - name: cursor\n",
    );
    d.served("/core/hide-implementation", header("Server", "nginx/1.18.0"));
    d.described("/core/date-time/format", LAST_PROPERTY, "        startDate: { type: string, maxLength: 10 }\n");
    d.described("/core/date-time/format", LAST_PROPERTY, "        wakes: { type: string, format: time }\n");
    d.described("/core/date-time/format", LAST_PROPERTY, "        wakes: { type: string, format: date-time-local }\n");
    d.described("/core/date-time/date-omit-time-portion", LAST_PROPERTY, "        startDate: { type: string, format: date-time }\n");
    // The service does not have the method that the description adds, which shows, too.
    d.described_by(
        &["/core/http-methods", "/core/http-methods/live"],
        &[(
            "  /status:\n    get:\n",
            "  /status:\n    options: { operationId: o, security: [], responses: { default: { description: Whatever } } }\n    get:\n",
        )],
    );
    d.behaving("/core/http-methods/live", "method-served");
    d.behaving("/core/http-methods/live", "no-allow");
    d.behaving("/core/http-safety", "replace-once");
    d.behaving("/core/http-response-code", "soft-not-found");
    d.described("/core/error-handling/problem-details", "        detail: { type: string, maxLength: 1000 }\n", "");
    d.behaving("/core/error-handling/problem-details/live", "error-status");
    d.served(
        "/core/error-handling/problem-details/live",
        json!({ "op": "replace", "path": "/services/api/fallback", "value": { "status": 404, "html": "<h1>Not found</h1>" } }),
    );
    d.described(
        "/core/error-handling/invalid-input",
        "                items: { $ref: '#/components/schemas/Alarm' }\n        '400': { $ref: '#/components/responses/BadRequest' }\n",
        "                items: { $ref: '#/components/schemas/Alarm' }\n",
    );
    d.behaving("/core/error-handling/invalid-input/live", "takes-too-long");
    d.behaving("/core/error-handling/invalid-input/live", "takes-no-header");
    d.described("/core/doc-openapi", "example: { status: up, version: 1.0.0 }", "example: { status: down, version: 1.0.0 }");
    d.described("/core/doc-openapi", "tags: [service]", "tags: service");
    d.described("/core/doc-openapi-contact", "    email: api@telecare.example\n", "");
    d.served("/core/publish-openapi", route("GET /v1/openapi.json", json!({ "needs": "PROBITY_DEMO_TOKEN", "json": {} })));
    d.served("/core/publish-openapi", route("GET /v1/openapi.json", json!({ "json": { "openapi": "3.1.0", "info": {} } })));
    d.described("/core/deprecation-schedule", "      operationId: listAlarms\n", "      operationId: listAlarms\n      deprecated: true\n");
    d.described("/core/uri-version", "  - url: /v1\n", "  - url: /care\n");
    d.described("/core/semver", "  version: 1.0.0\n", "  version: '1.0'\n");
    d.described(
        "/core/version-header",
        "          description: Removed\n          headers:\n            API-Version: { $ref: '#/components/headers/ApiVersion' }\n",
        "          description: Removed\n",
    );
    d.served("/core/version-header", without_header("API-Version"));
    d.described("/core/transport/tls", "  - url: /v1\n", "  - url: http://telecare.example/v1\n");
    d.served("/core/transport/tls", old_tls());
    d.described(
        "/core/transport/no-sensitive-uris",
        "    token:\n      type: http\n",
        "    key: { type: apiKey, in: query, name: key }\n    token:\n      type: http\n",
    );
    for name in ["Cache-Control", "Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options"] {
        d.served("/core/transport/security-headers", without_header(name));
    }
    d.served(
        "/core/transport/cors",
        json!([header("Access-Control-Allow-Origin", "null"), header("Access-Control-Allow-Credentials", "true")]),
    );
    d.hold("nl-api-design-rules");
}

#[test]
fn each_of_the_italian_recommendations_is_broken_by_its_own_defect() {
    let state = route(
        "GET /v1/status",
        json!({ "headers": { "Content-Type": "application/problem+json", "RateLimit-Limit": "60" },
                "json": { "type": "about:blank", "title": "It works", "status": 200 } }),
    );
    let edits = vec![
        (
            "            application/json:\n              schema: { $ref: '#/components/schemas/Status' }\n              example: { status: up, version: 1.0.0 }\n",
            "            application/problem+json:\n              schema: { $ref: '#/components/schemas/Problem' }\n",
        ),
        (
            "                type: array\n                maxItems: 50\n                items: { $ref: '#/components/schemas/Contact' }\n",
            "                type: object\n                properties: { items: { type: array, maxItems: 50, items: { $ref: '#/components/schemas/Contact' } } }\n",
        ),
        (
            "                type: array\n                maxItems: 100\n                items: { $ref: '#/components/schemas/Alarm' }\n",
            "                type: object\n                properties: { items: { type: array, maxItems: 100, items: { $ref: '#/components/schemas/Alarm' } } }\n",
        ),
    ];
    let mut d = Defects::new(vec![state.clone()], edits);
    d.described("RAC_GEN_001", "tags: [service]", "tags: service");
    d.described("RAC_GEN_002", "  - url: /v1\n", "  - url: /care\n");
    d.served(
        "RAC_GEN_003",
        json!({ "op": "replace", "path": "/services/api/routes/GET ~1v1~1residents~1r-1001",
                "value": { "needs": "PROBITY_DEMO_TOKEN", "headers": { "Content-Type": "application/json" }, "base64": "eyJpZCI6InItMTAwMSIsImRpc3BsYXkiOiJab+sgTfxsbGVyIn0=" } }),
    );
    d.described(
        "RAC_GEN_004",
        "    token:\n      type: http\n",
        "    key: { type: apiKey, in: query, name: key }\n    token:\n      type: http\n",
    );
    d.behaving("RAC_GEN_FORMAT_001", "labels-json-as-text");
    d.behaving("RAC_GEN_FORMAT_001", "no-media-type");
    d.described("RAC_GEN_FORMAT_002", "          application/merge-patch+json:\n", "          application/merge-patch+json:\n            schema: { $ref: '#/components/schemas/AlarmChange' }\n          application/x.alarm+json:\n");
    d.described("RAC_GEN_FORMAT_003", LAST_PROPERTY, "        wakes: { type: string, format: date-time-local }\n");
    d.described("RAC_GEN_NAME_002", LAST_PROPERTY, "        first_name: { type: string, maxLength: 10 }\n");
    d.described(
        "RAC_REST_FORMAT_001",
        "        '429': { $ref: '#/components/responses/TooManyRequests' }\n",
        "        '207': { description: Text, content: { text/plain: { schema: { type: string, maxLength: 9 } } } }\n        '429': { $ref: '#/components/responses/TooManyRequests' }\n",
    );
    d.described(
        "RAC_REST_FORMAT_002",
        "        '429': { $ref: '#/components/responses/TooManyRequests' }\n",
        "        '207': { description: List, content: { application/json: { schema: { type: array, maxItems: 3, items: { type: boolean } } } } }\n        '429': { $ref: '#/components/responses/TooManyRequests' }\n",
    );
    d.described("RAC_REST_FORMAT_003", LAST_PROPERTY, "        moved: { type: [boolean, 'null'] }\n");
    d.described("RAC_REST_FORMAT_004", LAST_PROPERTY, "        age: { type: integer, minimum: 0 }\n");
    d.described("RAC_REST_FORMAT_004", LAST_PROPERTY, "        weight: { type: number, minimum: 0 }\n");
    d.described(
        "RAC_REST_NAME_001",
        "  /status:\n    get:\n",
        "  /status:\n    options: { operationId: o, security: [], responses: { default: { description: Whatever } } }\n    get:\n",
    );
    d.behaving("RAC_REST_NAME_001/live", "replace-once");
    d.described("RAC_REST_NAME_002", "  /status:\n", "  /serviceStatus:\n");
    d.described("RAC_REST_NAME_003", "        - name: Care-Unit\n", "        - name: care_unit\n");
    d.described("RAC_REST_NAME_005", "        - name: cursor\n", "        - name: page\n");
    d.behaving("RAC_REST_NAME_007", "error-status");
    d.behaving("RAC_REST_NAME_007", "error-sql");
    d.described(
        "RAC_REST_NAME_007",
        "    TooManyRequests:\n      description: Slower, please\n      content:\n        application/problem+json:\n",
        "    TooManyRequests:\n      description: Slower, please\n      content:\n        application/json:\n",
    );
    d.behaving("RAC_REST_NAME_007/live", "takes-any-media-type");
    d.served("RAC_REST_NAME_009", without_header("Cache-Control"));
    d.served(
        "RAC_REST_NAME_010",
        json!([
            { "op": "remove", "path": "/services/api/routes/GET ~1v1~1status" },
            route("GET /v1/status", json!({ "status": 404, "headers": { "Content-Type": "application/problem+json" }, "json": { "type": "about:blank", "title": "Gone", "status": 404 } }))
        ]),
    );
    d.described_by(
        &["RAC_ROBUSTEZZA_001"],
        &[
            ("        '429': { $ref: '#/components/responses/TooManyRequests' }\n", ""),
            (
                "            RateLimit-Limit: { $ref: '#/components/headers/RateLimitLimit' }\n          content:\n            application/problem+json:\n",
                "          content:\n            application/problem+json:\n",
            ),
            ("            RateLimit-Limit: { $ref: '#/components/headers/RateLimitLimit' }\n", ""),
        ],
    );
    d.described("CRUD_REST", "          application/merge-patch+json:\n", "          application/json:\n");
    d.described("ID_AUTH_CHANNEL_01", "  - url: /v1\n", "  - url: http://telecare.example/v1\n");
    d.hold("it-modi-technical");
}
