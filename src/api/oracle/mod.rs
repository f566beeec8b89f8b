//! Holding a service to its description: judging recorded exchanges.
//!
//! The plan is run again over the exchanges, so that every request is known with its purpose; then
//! each answer is judged twice: as an answer of its operation (status, media type, header fields,
//! schema), whatever it was asked for, and as the answer to its purpose. Nothing stops at the first
//! fault, and one cause is told once with all operations it concerns.
//!
//! What is no fault of the service: no answer, 429, 401 to a credential that may be wrong, 404 for an
//! id that was guessed. It is told as untested.

mod answer;
mod error_body;
mod purpose;
mod repeat;

pub use repeat::curl;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::description::{Description, Operation, Spot};
use super::exchange::{ApiExchange, ApiResponse};
use super::plan::{Plan, PlanOptions, PlannedRequest, Untested, UntestedCause};
use crate::verdict::{Evidence, Finding, Place, Severity, Untrusted};

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OracleRule {
    /// Its permanent name.
    pub name: &'static str,
    /// What it asks of a service.
    pub asks: &'static str,
    /// Standard and clause.
    pub clause: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The code of the Web Fuzzing Commons fault catalogue that is nearest.
    pub fault: u16,
}

use Severity::{Error, Warning};

const fn rule(name: &'static str, severity: Severity, fault: u16, asks: &'static str, clause: &'static str) -> OracleRule {
    OracleRule { name, asks, clause, severity, fault }
}

/// All kinds of fault.
pub const RULES: &[OracleRule] = &[
    rule("server-error", Error, 100, "No request makes the service fail.", "RFC 9110, section 15.6"),
    rule("status-undocumented", Error, 200, "Every status is documented.", "OpenAPI, Responses Object"),
    rule("media-type-undocumented", Error, 200, "Every media type is documented.", "OpenAPI, Response Object: content"),
    rule("media-type-missing", Error, 200, "An answer with a body says its media type.", "RFC 9110, section 8.3"),
    rule("body-unreadable", Error, 200, "A body is what its media type says.", "RFC 8259"),
    rule("header-missing", Error, 200, "Required header fields are sent.", "OpenAPI, Header Object: required"),
    rule("header-absent", Warning, 200, "Header fields that are described are sent.", "OpenAPI, Response Object: headers"),
    rule("header-schema", Error, 200, "Header fields fit their schemas.", "OpenAPI, Header Object"),
    rule("response-schema", Error, 200, "Bodies fit their schemas.", "OpenAPI, Media Type Object: schema"),
    rule("body-undescribed", Warning, 200, "A body is described.", "OpenAPI, Response Object: content"),
    rule("property-undeclared", Warning, 910, "Bodies have no properties that are not described (strict).", "OWASP API3:2023"),
    rule("wrong-accepted", Error, 206, "What breaks the description is refused.", "OpenAPI, Schema Object"),
    rule("missing-accepted", Error, 206, "A request without a required part is refused.", "OpenAPI, Parameter Object: required"),
    rule("valid-refused", Error, 207, "What fits the description is accepted.", "OpenAPI, Operation Object"),
    rule(
        "media-type-enforced",
        Error,
        206,
        "A body under a media type that is not described is refused with 415.",
        "RFC 9110, section 15.5.16",
    ),
    rule("method-refused", Error, 310, "A method that a path does not have is refused with 405.", "RFC 9110, section 15.5.6"),
    rule("allow-header", Error, 110, "405 names the methods that there are.", "RFC 9110, section 15.5.6"),
    rule(
        "credential-required",
        Error,
        307,
        "An operation that needs a credential refuses requests without one.",
        "RFC 9110, section 15.5.2",
    ),
    rule("credential-checked", Error, 311, "A credential that nobody has is refused.", "RFC 9110, section 11"),
    rule("challenge", Warning, 109, "401 says how to authenticate.", "RFC 9110, section 11.6.1"),
    rule("error-structured", Error, 200, "Errors are structured.", "RFC 9457"),
    rule("problem-status", Error, 200, "The status within problem details is that of the answer.", "RFC 9457, section 3.1.2"),
    rule(
        "error-internals",
        Error,
        309,
        "Errors do not show the inside: stack traces, SQL, internal addresses.",
        "RFC 9457, section 5; CWE-209",
    ),
    rule("error-personal-data", Error, 309, "Errors do not show personal data.", "CWE-209; GDPR, Article 5(1)(c)"),
    rule("created-found", Error, 122, "What was created can be read.", "RFC 9110, section 15.3.2"),
    rule("created-kept", Error, 901, "What was created is read as it was sent.", "RFC 9110, section 9.3.3"),
    rule("change-kept", Error, 902, "What was changed is read as changed.", "RFC 9110, section 9.3.4"),
    rule("link-works", Error, 903, "Links lead to something.", "OpenAPI, Link Object"),
    rule("deleted-gone", Error, 113, "What was deleted cannot be read or used.", "RFC 9110, section 9.3.5"),
    rule("deleted-unlisted", Error, 113, "What was deleted is not listed.", "RFC 9110, section 9.3.5"),
    rule("idempotent", Error, 118, "An idempotent request can be repeated.", "RFC 9110, section 9.2.2"),
    rule("account-separated", Error, 306, "What one account made is not open to another.", "OWASP API1:2023"),
    rule("unknown-refused", Error, 904, "What does not exist is not found.", "RFC 9110, section 15.5.5"),
    rule("page-overlap", Error, 905, "No item stands on two pages.", "RFC 8288"),
    rule("page-loop", Error, 906, "Pages come to an end.", "RFC 8288"),
    rule("page-loss", Error, 907, "Pages together have every item.", "RFC 8288"),
    rule("page-size", Error, 908, "A page is not larger than was asked for.", ""),
    rule("not-acceptable", Error, 909, "What is answered is what was asked for or is described.", "RFC 9110, section 12.5.1"),
];

/// The rule of this name.
pub fn oracle_rule(name: &str) -> Option<&'static OracleRule> {
    RULES.iter().find(|r| r.name == name)
}

/// What the judge knows beside description and plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JudgeOptions {
    /// Texts that belong to the person of the fixtures and must not stand in an error.
    pub person: Vec<String>,
}

/// One cause with all that it concerns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// The rule's name.
    pub rule: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The cause, in one sentence.
    pub cause: String,
    /// The operations that it concerns.
    pub operations: BTreeSet<String>,
    /// How often it was seen.
    pub count: usize,
    /// The first of them, one for each operation.
    pub samples: Vec<Sample>,
    /// Where the description says what was broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Standard and clause.
    pub clause: &'static str,
}

/// One observation of a cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// The operation's name.
    pub operation: String,
    /// The request's id.
    pub request: String,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: Untrusted,
    /// The command that repeats it, without secrets.
    pub repeat: String,
}

/// What a run says about a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Faults by cause, in the order of the rules.
    pub groups: Vec<Group>,
    /// What was not tested, with what to provide.
    pub untested: Vec<Untested>,
    /// Requests that were answered.
    pub answered: usize,
    /// Requests without an answer.
    pub unanswered: usize,
    /// Operations of which a valid request was accepted.
    pub tested: BTreeSet<String>,
    /// Rules that some answer could have broken. Of the others this run says nothing.
    pub exercised: BTreeSet<&'static str>,
    /// Operations of the description.
    pub operations: usize,
    /// What the run made and could not take away.
    pub left_behind: Vec<String>,
}

impl Judgement {
    /// Groups of the named rules; all when none is named.
    pub fn of<'a>(&'a self, rules: &'a [&str]) -> impl Iterator<Item = &'a Group> {
        self.groups.iter().filter(move |g| rules.is_empty() || rules.contains(&g.rule))
    }
}

impl Group {
    /// The group as evidence of a verdict: its first sample, told with the number of operations.
    pub fn to_evidence(&self) -> Option<Evidence> {
        let sample = self.samples.first()?;
        let also = if self.operations.len() > 1 { format!(" ({} operations)", self.operations.len()) } else { String::new() };
        let part = if self.operations.len() > 1 {
            self.operations.iter().cloned().collect::<Vec<_>>().join(", ")
        } else {
            sample.operation.clone()
        };
        Some(
            Evidence::expected(format!("{} [{}]{also}", sample.expected, self.rule))
                .observed(&format!("{}: {}", self.cause, sample.got))
                .at(Place { part: Some(Untrusted::new(&part)), ..Place::default() })
                .repeat(sample.repeat.clone())
                .clause(self.clause),
        )
    }

    /// The group as a finding.
    pub fn to_finding(&self) -> Finding {
        let mut finding = Finding::new(self.rule, self.severity, self.cause.clone()).clause(self.clause);
        if let Some(sample) = self.samples.first() {
            finding = finding.expected(sample.expected.clone()).observed(sample.got.as_str());
        }
        finding.at(self.operations.iter().cloned().collect::<Vec<_>>().join(", "))
    }
}

/// Judges recorded exchanges. The same exchanges give the same judgement, whoever asks.
pub fn judge(description: &Description, plan: &PlanOptions, exchanges: &[ApiExchange], options: &JudgeOptions) -> Judgement {
    let by_id: BTreeMap<&str, &ApiExchange> = exchanges.iter().map(|e| (e.id.as_str(), e)).collect();
    let mut machine = Plan::new(description, plan);
    let mut pairs: Vec<(PlannedRequest, &ApiExchange)> = Vec::new();
    let mut last: Option<&ApiExchange> = None;
    let mut cut = false;
    while let Some(request) = machine.next(last) {
        last = by_id.get(request.id.as_str()).copied();
        match last {
            Some(exchange) => pairs.push((request, exchange)),
            // The run ended here; what follows in the record took away what the run had made.
            None if !cut => {
                cut = true;
                machine.abandon();
            }
            None => {}
        }
    }
    let mut bench = Bench::new(description, plan, options, &pairs);
    for (request, exchange) in &pairs {
        bench.judge(request, exchange);
    }
    bench.settle();
    let mut untested: BTreeSet<Untested> = machine.untested().cloned().collect();
    untested.extend(std::mem::take(&mut bench.untested));
    if cut {
        untested.insert(Untested {
            operation: String::new(),
            what: "what was still planned".into(),
            needs: "a run that is not ended early".into(),
            cause: UntestedCause::Limit,
        });
    }
    // A creation without an answer may have made something that nobody can take away.
    let unsure = |request: &PlannedRequest| request.effect == super::plan::Effect::Creates && request.purpose.is_valid();
    let perhaps: Vec<String> = pairs
        .iter()
        .filter(|(request, exchange)| exchange.response.is_none() && unsure(request))
        .map(|(request, _)| format!("{} {}, perhaps: it had no answer", request.method, request.url))
        .collect();
    let answered = pairs.iter().filter(|(_, e)| e.response.is_some()).count();
    Judgement {
        groups: bench.groups(),
        untested: untested.into_iter().collect(),
        answered,
        unanswered: pairs.len() - answered,
        tested: bench.accepted.iter().cloned().collect(),
        exercised: pairs.iter().filter_map(|(r, e)| e.response.as_ref().map(|a| (r, a))).flat_map(|(r, a)| exercises(r, a)).collect(),
        operations: description.operations().iter().filter(|o| !o.outgoing).count(),
        left_behind: machine.left_behind().into_iter().chain(perhaps).collect(),
    }
}

/// The rules that an answer could have broken.
fn exercises(request: &PlannedRequest, response: &ApiResponse) -> Vec<&'static str> {
    use super::plan::Purpose;
    let mut rules = vec!["server-error"];
    if !matches!(request.purpose, Purpose::OtherMethod { .. }) {
        rules.extend([
            "status-undocumented",
            "media-type-undocumented",
            "media-type-missing",
            "body-unreadable",
            "header-missing",
            "header-absent",
            "header-schema",
            "response-schema",
            "body-undescribed",
            "property-undeclared",
        ]);
    }
    if response.status >= 400 {
        rules.extend(["error-structured", "problem-status", "error-internals", "error-personal-data"]);
    }
    if response.status == 401 {
        rules.push("challenge");
    }
    let more: &[&'static str] = match &request.purpose {
        Purpose::Plain | Purpose::Bounds { .. } | Purpose::Update | Purpose::Delete | Purpose::Create { .. } => &["valid-refused"],
        Purpose::ReadBack { .. } => &["created-found", "created-kept"],
        Purpose::ListCreated { .. } => &["created-found"],
        Purpose::Link { .. } => &["link-works"],
        Purpose::ReadUpdate { .. } => &["change-kept"],
        Purpose::Repeat { .. } | Purpose::RepeatKey { .. } => &["idempotent"],
        Purpose::ReadDeleted | Purpose::UseDeleted => &["deleted-gone"],
        Purpose::ListDeleted { .. } => &["deleted-unlisted"],
        Purpose::Wrong { .. } | Purpose::BrokenBody => &["wrong-accepted"],
        Purpose::Missing { .. } | Purpose::NoBody => &["missing-accepted"],
        Purpose::MediaType { .. } => &["media-type-enforced"],
        Purpose::OtherMethod { .. } => &["method-refused", "allow-header"],
        Purpose::NoCredential => &["credential-required"],
        Purpose::WrongCredential => &["credential-checked"],
        Purpose::OtherAccount => &["account-separated"],
        Purpose::UnknownId => &["unknown-refused"],
        Purpose::Accept { .. } => &["not-acceptable"],
        Purpose::Page { .. } => &["page-overlap", "page-loop", "page-loss", "page-size"],
        Purpose::Odd { .. } | Purpose::Whole { .. } | Purpose::DeleteAgain | Purpose::Cleanup => &[],
    };
    rules.extend(more);
    rules
}

/// What was seen of one cause.
struct Seen {
    rule: &'static OracleRule,
    severity: Severity,
    cause: String,
    pointer: Option<String>,
    operations: BTreeSet<String>,
    count: usize,
    samples: Vec<Sample>,
}

/// The bench that exchanges are judged at.
pub(super) struct Bench<'a> {
    pub(super) description: &'a Description,
    pub(super) options: &'a PlanOptions,
    /// Texts that must not stand in an error, with the lower case form.
    pub(super) person: Vec<String>,
    /// Personal data that answers showed.
    pub(super) shown: BTreeSet<String>,
    /// Operations of which a valid request was accepted with the right credential.
    pub(super) accepted: BTreeSet<String>,
    /// Operations on which a valid request was refused together with others, to be settled at the end.
    pub(super) held: Vec<(String, &'static str, PlannedRequest, ApiResponse)>,
    /// Operation and end of which a part alone was refused.
    pub(super) parted: BTreeSet<(String, &'static str)>,
    /// Refusals of one part at an end.
    pub(super) singles: Vec<(PlannedRequest, ApiResponse)>,
    /// Operation and part of which an inner value was refused too.
    pub(super) inner_refused: BTreeSet<(String, String)>,
    /// What another account was shown.
    pub(super) open_to_others: Vec<(PlannedRequest, ApiResponse)>,
    /// Operation and end of which a part alone was accepted.
    pub(super) alone: BTreeSet<(String, &'static str)>,
    /// Wrong values that the service took: what follows from them is no fault of its own.
    pub(super) taints: Vec<Taint>,
    untested: BTreeSet<Untested>,
    seen: BTreeMap<(usize, String), Seen>,
}

/// A wrong value that the service took.
#[derive(Debug, PartialEq)]
pub(super) enum Taint {
    /// A value under a name.
    Value(String, serde_json::Value),
    /// A name that was left out.
    Missing(String),
}

/// Samples of one cause that are kept.
const MAX_SAMPLES: usize = 5;

impl<'a> Bench<'a> {
    fn new(description: &'a Description, plan: &'a PlanOptions, options: &JudgeOptions, pairs: &[(PlannedRequest, &ApiExchange)]) -> Self {
        let mut accepted = BTreeSet::new();
        let mut shown = BTreeSet::new();
        for (request, exchange) in pairs {
            let Some(response) = &exchange.response else { continue };
            if response.is_success() {
                let with = !matches!(
                    request.purpose,
                    super::plan::Purpose::NoCredential | super::plan::Purpose::WrongCredential | super::plan::Purpose::OtherAccount
                );
                if request.purpose.is_valid() && with {
                    accepted.insert(request.operation.clone());
                }
                if let Some(body) = response.json() {
                    error_body::personal_texts(&body, "", &mut shown);
                }
            }
        }
        Self {
            description,
            options: plan,
            person: options.person.iter().filter(|t| t.chars().count() > 3).cloned().collect(),
            shown,
            accepted,
            held: Vec::new(),
            parted: BTreeSet::new(),
            alone: BTreeSet::new(),
            open_to_others: Vec::new(),
            singles: Vec::new(),
            inner_refused: BTreeSet::new(),
            taints: Vec::new(),
            untested: BTreeSet::new(),
            seen: BTreeMap::new(),
        }
    }

    fn judge(&mut self, request: &PlannedRequest, exchange: &ApiExchange) {
        let Some(response) = &exchange.response else {
            let why = exchange.trouble.clone().unwrap_or_else(|| "no answer".into());
            self.note(&request.operation, &format!("{}: {why}", request.why), "an answer", UntestedCause::Target);
            return;
        };
        let busy = response.status == 503 && response.header("retry-after").is_some();
        if response.status == 429 || busy {
            self.note(
                &request.operation,
                &format!("some requests: the service answered {}", response.status),
                "a slower pace, or a higher limit",
                UntestedCause::Limit,
            );
            return;
        }
        let description = self.description;
        let operation = description.operation(&request.operation);
        let truncated = exchange.trouble.is_some();
        self.taint(request, response);
        if let Some(operation) = operation {
            answer::judge(self, request, response, operation, truncated);
        }
        error_body::judge(self, request, response, operation);
        purpose::judge(self, request, response, operation);
    }

    /// Remembers a wrong value that was taken: it will be seen again in answers.
    fn taint(&mut self, request: &PlannedRequest, response: &ApiResponse) {
        let super::plan::Purpose::Wrong { place: "body", name, keyword, what, .. } = &request.purpose else { return };
        if !response.is_success() {
            return;
        }
        if *keyword == "required" {
            let left_out = what.split('`').nth(1).unwrap_or_default();
            self.taints.push(Taint::Missing(left_out.to_owned()));
        }
        let body: Option<serde_json::Value> = serde_json::from_slice(&request.body).ok();
        if let Some(value) = body.as_ref().and_then(|b| b.pointer(name))
            && let Some(last) = name.rsplit('/').find(|t| !t.is_empty() && !t.bytes().all(|b| b.is_ascii_digit()))
        {
            self.taints.push(Taint::Value(last.to_owned(), value.clone()));
        }
    }

    fn settle(&mut self) {
        for (request, response) in std::mem::take(&mut self.open_to_others) {
            purpose::open_to_others(self, &request, &response);
        }
        for (request, response) in std::mem::take(&mut self.singles) {
            purpose::refused_single(self, &request, &response);
        }
        for (operation, end, request, response) in std::mem::take(&mut self.held) {
            // Where a part alone was refused, that is the cause, and it was told.
            if self.parted.contains(&(operation.clone(), end)) {
                continue;
            }
            // Parts that are each accepted alone and refused together, or a request none of whose kind was ever
            // accepted: a rule that the description does not express, or data that we do not have.
            let needs = "data that the service accepts: an example in the description or a fixture";
            self.note(&operation, &format!("{}: {}", request.why, response.status), needs, UntestedCause::Missing);
            if self.alone.contains(&(operation, end)) {
                let what = format!("the {end} values of a valid request together, though each of them alone is accepted");
                purpose::refused_together(self, &request, &response, &what);
            }
        }
    }

    fn note(&mut self, operation: &str, what: &str, needs: &str, cause: UntestedCause) {
        self.untested.insert(Untested { operation: operation.to_owned(), what: what.to_owned(), needs: needs.to_owned(), cause });
    }

    /// Tells a fault. What has the same rule and key is one cause.
    fn tell(&mut self, name: &str, key: impl Into<String>, cause: impl Into<String>, told: Told<'_>) {
        let Some((rank, rule)) = RULES.iter().enumerate().find(|(_, r)| r.name == name) else { return };
        let seen = self.seen.entry((rank, key.into())).or_insert_with(|| Seen {
            rule,
            severity: told.severity.unwrap_or(rule.severity),
            cause: cause.into(),
            pointer: None,
            operations: BTreeSet::new(),
            count: 0,
            samples: Vec::new(),
        });
        seen.count += 1;
        // The heaviest of several weights counts.
        seen.severity = seen.severity.min(told.severity.unwrap_or(rule.severity));
        if seen.pointer.is_none() {
            seen.pointer = told.spot.map(|s| s.pointer.clone());
        }
        let first = seen.operations.insert(told.request.operation.clone());
        if (first || seen.samples.is_empty()) && seen.samples.len() < MAX_SAMPLES {
            seen.samples.push(Sample {
                operation: told.request.operation.clone(),
                request: told.request.id.clone(),
                expected: told.expected,
                got: Untrusted::new(&crate::verdict::mask_personal(&told.got)),
                repeat: curl(told.request),
            });
        }
    }

    /// Whether a fault of this rule and key was told.
    pub(super) fn has_told(&self, name: &str, key: &str) -> bool {
        self.seen.keys().any(|(rank, k)| k == key && RULES.get(*rank).is_some_and(|r| r.name == name))
    }

    /// What several operations have in common is one cause: whoever looks after credentials or media
    /// types in one place mends it for all.
    fn merge(&mut self) {
        const COMMON: [(&str, &str); 3] = [
            ("credential-required", "operations work without a credential"),
            ("credential-checked", "operations work with a credential that nobody has"),
            ("media-type-enforced", "operations take a body under a wrong media type"),
        ];
        for (name, what) in COMMON {
            let Some(rank) = RULES.iter().position(|r| r.name == name) else { continue };
            let is_one = |key: &(usize, String), seen: &Seen| key.0 == rank && seen.operations.contains(&key.1);
            let keys: Vec<(usize, String)> = self.seen.iter().filter(|(k, s)| is_one(k, s)).map(|(k, _)| k.clone()).collect();
            if keys.len() < 3 {
                continue;
            }
            let mut merged: Option<Seen> = None;
            for seen in keys.iter().filter_map(|key| self.seen.remove(key)) {
                match &mut merged {
                    None => merged = Some(seen),
                    Some(all) => {
                        all.operations.extend(seen.operations);
                        all.count += seen.count;
                        all.severity = all.severity.min(seen.severity);
                        let room = MAX_SAMPLES.saturating_sub(all.samples.len());
                        all.samples.extend(seen.samples.into_iter().take(room));
                    }
                }
            }
            if let Some(mut all) = merged {
                all.cause = format!("{} {what}", all.operations.len());
                self.seen.insert((rank, String::new()), all);
            }
        }
    }

    fn groups(&mut self) -> Vec<Group> {
        self.merge();
        std::mem::take(&mut self.seen)
            .into_values()
            .map(|seen| Group {
                rule: seen.rule.name,
                severity: seen.severity,
                cause: seen.cause,
                operations: seen.operations,
                count: seen.count,
                samples: seen.samples,
                pointer: seen.pointer,
                clause: seen.rule.clause,
            })
            .collect()
    }
}

/// The particulars of a fault.
pub(super) struct Told<'r> {
    pub(super) request: &'r PlannedRequest,
    pub(super) expected: String,
    pub(super) got: String,
    pub(super) spot: Option<&'r Spot>,
    /// Another weight than the rule's.
    pub(super) severity: Option<Severity>,
}

impl<'r> Told<'r> {
    fn new(request: &'r PlannedRequest, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { request, expected: expected.into(), got: got.into(), spot: None, severity: None }
    }
    fn at(mut self, spot: Option<&'r Spot>) -> Self {
        self.spot = spot;
        self
    }
    fn weighing(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }
}

/// How an operation is called where it is unknown.
pub(super) fn called(operation: Option<&Operation>, request: &PlannedRequest) -> String {
    operation.map_or_else(|| request.operation.clone(), |o| format!("{} {}", o.method, o.path))
}

/// A short account of an answer.
pub(super) fn shown(response: &ApiResponse) -> String {
    let media = response.media_type().map(|m| format!(", {m}")).unwrap_or_default();
    let text = String::from_utf8_lossy(response.body.get(..300).unwrap_or(&response.body)).into_owned();
    let text = if text.is_empty() { String::new() } else { format!(": {text}") };
    format!("{}{media}{text}", response.status)
}

#[cfg(test)]
pub(super) mod tests;
