//! Asking a documented API: what the kinds about APIs share.
//!
//! The description is searched for once, and the plan is run once for each way of running it, however
//! many checks judge what came: a profile can ask twenty things of one run. The observation holds
//! description, options and exchanges, so that every verdict can be reached again from it alone.

mod record;
mod rehearsal;

pub use record::ApiRecord;
pub use rehearsal::{Rehearsal, Rehearsed};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Facts, Probes};
use crate::api::description::is_safe;
use crate::api::description::{Description, Edition, SchemeKind};
use crate::api::discovery::{Discovery, FoundKind, Via};
use crate::api::exchange::{ApiExchange, ApiRequest, ApiResponse};
use crate::api::oracle::{Group, JudgeOptions, judge, oracle_rule};
use crate::api::plan::{Plan, PlanOptions, PlannedRequest, Purpose};
use crate::document::Source;
use crate::probe::{AfterStop, Exchange, ProbeError, Request};
use crate::target::{CredentialScheme, Target};
use crate::verdict::{Cause, Evidence, Finding, Place, Severity, Verdict};

/// The name of the target file's document that is the description: an address or a file.
pub(super) const DOCUMENT: &str = "api-description";
/// The name of the target file's fixture that lists texts of the made-up person.
pub(super) const PERSON: &str = "person";
/// The name of the target file's fixture that names the credential of another account: one that must
/// not reach what the first account makes.
pub(super) const OTHER: &str = "other-account";
/// The largest description that is read, in bytes.
const MAX_DESCRIPTION: u64 = 32 * 1024 * 1024;
/// Documents that a description refers to and that are fetched.
const MAX_SUPPLIED: usize = 40;
/// How often one request is sent again because the service asked for a pause.
const MAX_AGAIN: usize = 3;
/// The longest that a service may have us wait, in all pauses of a run together.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// A description as it was found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DescriptionSeen {
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    /// How it was found.
    #[serde(default)]
    pub(super) via: String,
    /// Its text.
    #[serde(default)]
    pub(super) text: String,
    /// Documents that it refers to: address and text.
    #[serde(default)]
    pub(super) supplied: BTreeMap<String, String>,
    /// What is wrong with how it is served.
    #[serde(default)]
    pub(super) findings: Vec<Finding>,
    /// Addresses that answered with something else, and with what.
    #[serde(default)]
    pub(super) passed_over: Vec<(String, String)>,
    /// Descriptions of another kind that were found: address and kind.
    #[serde(default)]
    pub(super) others: Vec<(String, String)>,
    /// Whether there is an API catalog.
    #[serde(default)]
    pub(super) catalog: Option<bool>,
}

impl DescriptionSeen {
    /// The description, or the verdict where there is none to judge.
    pub(super) fn read(&self) -> Result<Description, Box<Verdict>> {
        let Some(url) = &self.url else {
            let mut verdict =
                Verdict::failed("no API description was found: not where the target file says, in no catalog, and at no usual path")
                    .with(Evidence::expected("an OpenAPI or AsyncAPI document").observed("none"));
            // What is behind a log-in says most.
            let mut told: Vec<&(String, String)> = self.passed_over.iter().chain(&self.others).collect();
            told.sort_by_key(|(_, what)| !what.ends_with("a log-in"));
            for (url, what) in told.into_iter().take(5) {
                verdict = verdict.with(Evidence::expected("an OpenAPI or AsyncAPI document").observed(what).at(Place::of(url)));
            }
            return Err(Box::new(verdict));
        };
        let source = Source::read(url.clone(), self.text.as_bytes()).map_err(|e| {
            Box::new(
                Verdict::failed(format!("the API description cannot be read: {}", e.message))
                    .with(Evidence::expected("JSON or YAML").observed(&e.to_string()).at(Place::of(url))),
            )
        })?;
        let supplied = self.supplied.iter().filter_map(|(name, text)| Source::read(name.clone(), text.as_bytes()).ok()).collect();
        Description::read(source, supplied).map_err(|e| {
            Box::new(
                Verdict::failed(e.to_string())
                    .with(Evidence::expected("an API description").observed("another document").at(Place::of(url))),
            )
        })
    }
}

/// One run of a plan.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ApiRun {
    /// The description; kept once in a bundle, however many runs and checks hold it.
    pub(super) description: Once<DescriptionSeen>,
    /// What the plan was made with; no secret is in it, only the names of secrets.
    pub(super) options: PlanOptions,
    /// What was sent and what came back.
    pub(super) exchanges: Vec<ApiExchange>,
    /// Why the run ended before the plan did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stopped: Option<(String, Cause)>,
}

/// Something that several observations hold and that a bundle keeps once: `{"$exchange": …}`.
#[derive(Debug, Clone, Default)]
pub(super) struct Once<T>(Arc<T>);

impl<T> std::ops::Deref for Once<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

#[derive(Serialize, Deserialize)]
struct Kept<T> {
    #[serde(rename = "$exchange")]
    content: T,
}

impl<T: Serialize> Serialize for Once<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Kept { content: &*self.0 }.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Once<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Kept::deserialize(deserializer).map(|kept| Self(Arc::new(kept.content)))
    }
}

/// How a plan is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manner {
    /// Creates, changes and deletes.
    pub writes: bool,
    /// Sends what must be refused.
    pub wrong: bool,
    /// Further requests to each operation.
    pub fuzz: u8,
    /// What they follow from.
    pub seed: u32,
}

impl Manner {
    /// A plan without further requests.
    pub(super) const fn plain(writes: bool, wrong: bool) -> Self {
        Self { writes, wrong, fuzz: 0, seed: 0 }
    }
}

impl Probes {
    /// The description of the API at the endpoint; searched for once.
    pub(super) async fn api_description(&self) -> Result<Once<DescriptionSeen>, ProbeError> {
        let (name, _) = self.endpoint()?;
        let key = format!("api description of {name}");
        self.door().once(&key, || self.find_description()).await.map(Once)
    }

    async fn find_description(&self) -> Result<DescriptionSeen, ProbeError> {
        let (_, endpoint) = self.endpoint()?;
        let stated = self.target().documents.get(DOCUMENT);
        if let Some(location) = stated.filter(|l| !super::probes::is_address(l)) {
            let seen = self.document(DOCUMENT).await?;
            return Ok(match seen.text(DOCUMENT) {
                Ok((_, text)) => DescriptionSeen {
                    url: Some(location.clone()),
                    via: "stated".into(),
                    text: text.to_owned(),
                    ..DescriptionSeen::default()
                },
                Err(verdict) => DescriptionSeen { passed_over: vec![(location.clone(), verdict.reason)], ..DescriptionSeen::default() },
            });
        }
        let mut discovery = Discovery::new(endpoint.url.as_str(), stated.map(String::as_str));
        let mut last: Option<ApiExchange> = None;
        let mut trouble: Option<ProbeError> = None;
        while let Some(search) = discovery.next(last.as_ref()) {
            let request =
                Request::get(search.url.as_str(), "look for the API description").header("Accept", search.accept).max_body(MAX_DESCRIPTION);
            last = match self.door().ask_and_follow(&request).await {
                Ok(trail) => trail.last().map(|exchange| kept(search.id.clone(), exchange)),
                Err(error) if error.ends_the_run() => return Err(error),
                Err(error @ (ProbeError::OutOfScope { .. } | ProbeError::RedirectLoop { .. } | ProbeError::TooManyRedirects { .. })) => {
                    Some(ApiExchange { id: search.id.clone(), trouble: Some(error.to_string()), ..ApiExchange::default() })
                }
                Err(error @ (ProbeError::NeverAnswered { .. } | ProbeError::StoppedAnswering { .. })) => return Err(error),
                // One address that cannot be asked hides none of the others.
                Err(error) => {
                    let told = Some(error.to_string());
                    trouble.get_or_insert(error);
                    Some(ApiExchange { id: search.id.clone(), trouble: told, ..ApiExchange::default() })
                }
            };
        }
        let mut seen = DescriptionSeen {
            passed_over: discovery.passed_over().to_vec(),
            catalog: discovery.has_catalog(),
            ..DescriptionSeen::default()
        };
        let others = discovery.found().into_iter().filter(|f| f.kind != FoundKind::Description);
        seen.others = others.map(|f| (f.url.clone(), kind_in_words(f.kind).to_owned())).collect();
        let Some(found) = discovery.found().into_iter().find(|f| f.kind == FoundKind::Description) else {
            // What could not be asked may have been the description.
            return trouble.map_or(Ok(seen), Err);
        };
        seen.url = Some(found.url.clone());
        seen.via = word(found.via).into();
        seen.text = found.source.text().to_owned();
        seen.findings = found.findings.iter().chain(discovery.findings()).cloned().collect();
        if let (Some(stated), true) = (stated, found.via != Via::Stated) {
            let what = seen.passed_over.iter().find(|(url, _)| url.ends_with(stated.as_str())).map_or("no answer", |(_, what)| what);
            seen.findings.push(
                Finding::warning("description-stated", "the description is not where the target file says, and was found elsewhere")
                    .observed(what)
                    .expected("an OpenAPI or AsyncAPI document")
                    .at(stated.clone()),
            );
        }
        self.supply(&mut seen).await?;
        Ok(seen)
    }

    /// Fetches what the description refers to, from where it came from and nowhere else.
    async fn supply(&self, seen: &mut DescriptionSeen) -> Result<(), ProbeError> {
        let Some(home) = seen.url.as_deref().and_then(|u| Url::parse(u).ok()) else { return Ok(()) };
        loop {
            let Ok(description) = seen.read() else { return Ok(()) };
            let wanted: Vec<String> = description
                .wanted()
                .into_iter()
                .filter(|address| !seen.supplied.contains_key(address))
                .filter(|address| Url::parse(address).is_ok_and(|u| u.origin() == home.origin()))
                .collect();
            if wanted.is_empty() || seen.supplied.len() >= MAX_SUPPLIED {
                return Ok(());
            }
            for address in wanted.into_iter().take(MAX_SUPPLIED - seen.supplied.len()) {
                let request = Request::get(address.as_str(), "read a part of the API description").max_body(MAX_DESCRIPTION);
                let text = match self.door().ask(&request).await {
                    Ok(exchange) if exchange.status() == 200 => exchange.text().unwrap_or_default().to_owned(),
                    Ok(_) => String::new(),
                    Err(error) if error.ends_the_run() => return Err(error),
                    Err(_) => String::new(),
                };
                seen.supplied.insert(address, text);
            }
        }
    }

    /// Runs the plan against the endpoint; once for each manner.
    pub(super) async fn api_run(&self, manner: Manner) -> Result<ApiRun, ProbeError> {
        let (name, _) = self.endpoint()?;
        let key = format!("api run of {name}: {manner:?}");
        // Not dropped in the middle: what it made must be taken away.
        Ok((*self.door().once_to_its_end(&key, || self.run_plan(manner)).await?).clone())
    }

    async fn run_plan(&self, manner: Manner) -> Result<ApiRun, ProbeError> {
        let (name, _) = self.endpoint()?;
        let seen = self.api_description().await?;
        let mut run = ApiRun { description: seen, ..ApiRun::default() };
        let Ok(description) = run.description.read() else { return Ok(run) };
        run.options = plan_options(self.target(), name, &description, manner)?;
        let mut plan = Plan::new(&description, &run.options);
        let mut paused = Duration::ZERO;
        let mut next = plan.next(None);
        while let Some(planned) = next {
            let asked = self.ask_with_pauses(&planned, &mut paused).await;
            next = match asked {
                Ok(exchange) => {
                    run.exchanges.push(kept(planned.id, &exchange));
                    plan.next(run.exchanges.last())
                }
                Err(error) => {
                    let stops = error.ends_the_run()
                        || matches!(
                            error,
                            ProbeError::Connections { .. } | ProbeError::NeverAnswered { .. } | ProbeError::StoppedAnswering { .. }
                        );
                    let was_stopped = run.stopped.is_some();
                    if stops && !was_stopped {
                        run.stopped = Some((error.to_string(), error.cause()));
                    }
                    // What was not sent is no exchange.
                    if !stops || was_stopped {
                        let trouble = Some(error.to_string());
                        let sent = ApiRequest { method: planned.method, url: planned.url, headers: planned.headers, body: planned.body };
                        run.exchanges.push(ApiExchange { id: planned.id, request: sent, response: None, trouble });
                        plan.next(run.exchanges.last())
                    } else {
                        // From here on only what the run made is taken away.
                        plan.abandon();
                        plan.next(None)
                    }
                }
            };
        }
        Ok(run)
    }

    /// Sends a request, and again after the pause that the service asks for.
    async fn ask_with_pauses(&self, planned: &PlannedRequest, paused: &mut Duration) -> Result<Arc<Exchange>, ProbeError> {
        for _ in 0..MAX_AGAIN {
            let exchange = self.door().ask_again(&request(planned)).await?;
            let Some(pause) = pause_of(&exchange).filter(|pause| *paused + *pause <= MAX_PAUSE) else { return Ok(exchange) };
            *paused += pause;
            self.door().pause(pause).await?;
        }
        self.door().ask_again(&request(planned)).await
    }
}

/// The pause that an answer asks for (RFC 9110, section 10.2.3; RFC 6585, section 4).
fn pause_of(exchange: &Exchange) -> Option<Duration> {
    if !matches!(exchange.status(), 429 | 503) {
        return None;
    }
    exchange.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

/// What a plan for an endpoint is made with.
pub(super) fn plan_options(target: &Target, name: &str, description: &Description, manner: Manner) -> Result<PlanOptions, ProbeError> {
    let endpoint = target.endpoints.get(name).ok_or_else(|| ProbeError::bug("a plan for an endpoint that the target does not name"))?;
    let known = target.fixtures.iter().filter_map(|(key, value)| {
        let value = value.as_array().map_or(Some(value), |list| list.first())?;
        (!value.is_object() && !value.is_array()).then(|| (key.clone(), value.clone()))
    });
    let credentials = description.schemes().iter().filter_map(|(scheme, declared)| {
        let fits = |kind: CredentialScheme, field: Option<&String>| match (&declared.kind, kind) {
            (SchemeKind::Bearer, CredentialScheme::Bearer) | (SchemeKind::Basic, CredentialScheme::Basic) => true,
            (SchemeKind::HeaderKey(wanted), CredentialScheme::Header) => field.is_some_and(|f| f.eq_ignore_ascii_case(wanted)),
            (SchemeKind::QueryKey(wanted), CredentialScheme::Query) => field == Some(wanted),
            _ => false,
        };
        let own = target.credentials.iter().filter(|(_, c)| c.endpoint == name);
        // A credential that is called like the scheme comes before one that only fits.
        let named = own.clone().find(|(key, c)| *key == scheme && fits(c.scheme, c.name.as_ref()));
        // The other account is there to be refused, never to act with.
        let other = |key: &str| target.fixtures.get(OTHER).and_then(|v| v.as_str()) == Some(key);
        let fitting = || own.clone().find(|(key, c)| fits(c.scheme, c.name.as_ref()) && !other(key));
        named.or_else(fitting).map(|(key, _)| (scheme.clone(), key.clone()))
    });
    let other =
        target.fixtures.get(OTHER).and_then(|v| v.as_str()).filter(|key| target.credentials.get(*key).is_some_and(|c| c.endpoint == name));
    let named = |choose: fn(&crate::target::Consent) -> &Vec<String>| target.consent.iter().flat_map(choose).cloned().collect();
    Ok(PlanOptions {
        base: base_address(description, endpoint.url.as_str()),
        credentials: credentials.collect(),
        other_account: other.map(str::to_owned),
        writes: manner.writes,
        wrong: manner.wrong,
        fuzz: usize::from(manner.fuzz),
        seed: u64::from(manner.seed),
        allowed: named(|consent| &consent.named_operations),
        skipped: named(|consent| &consent.spared_operations),
        known: known.filter(|(key, _)| key != OTHER).collect(),
        ..PlanOptions::default()
    })
}

/// A planned request as the door takes it; the door adds the secret.
fn request(planned: &PlannedRequest) -> Request {
    let mut request = Request::new(planned.method.clone(), planned.url.clone(), planned.why.clone()).keep_alive();
    request.headers.clone_from(&planned.headers);
    request.after_stop = match (&planned.purpose, is_safe(&planned.method)) {
        (Purpose::Cleanup, _) => AfterStop::Asked,
        (_, false) => AfterStop::Awaited,
        (_, true) => AfterStop::Dropped,
    };
    if !planned.body.is_empty() {
        request.body = Some(planned.body.clone());
    }
    match planned.secrets.first() {
        Some(secret) => request.credential(secret.secret.clone()),
        None => request,
    }
}

/// An exchange as the judges of an API take it.
fn kept(id: String, exchange: &Exchange) -> ApiExchange {
    let sent = &exchange.request;
    ApiExchange {
        id,
        request: ApiRequest {
            method: sent.method.clone(),
            url: sent.url.clone(),
            headers: sent.headers.clone(),
            body: sent.body.as_ref().map(|b| b.0.clone()).unwrap_or_default(),
        },
        response: Some(ApiResponse {
            status: exchange.status(),
            headers: exchange.response.headers.clone(),
            body: exchange.body().to_vec(),
        }),
        trouble: exchange.response.cut.map(|cut| cut.to_string()),
    }
}

fn kind_in_words(kind: FoundKind) -> &'static str {
    match kind {
        FoundKind::Description => "an API description",
        FoundKind::FhirCapability => "a FHIR CapabilityStatement",
        FoundKind::Thing => "a Thing Description",
        FoundKind::Hsds => "the root of a directory of services (HSDS)",
    }
}

fn word(via: Via) -> &'static str {
    match via {
        Via::Stated => "stated",
        Via::Catalog => "catalog",
        Via::ServiceDesc => "service-desc",
        Via::Page => "page",
        Via::Usual => "usual",
    }
}

/// The base address of the operations: the endpoint's own, or that of a server of the description
/// that lies below it on the same host.
fn base_address(description: &Description, endpoint: &str) -> String {
    let plain = endpoint.trim_end_matches('/').to_owned();
    let Ok(own) = Url::parse(endpoint) else { return plain };
    let home = Url::parse(description.source().name()).unwrap_or_else(|_| own.clone());
    let servers = description.servers().iter().filter_map(|server| home.join(&server.url).ok());
    let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
    for server in servers {
        if server.origin() == own.origin() && path(&server).len() > path(&own).len() && path(&server).starts_with(&path(&own)) {
            return server.as_str().trim_end_matches('/').to_owned();
        }
    }
    plain
}

/// Whether operations of a description can be asked over HTTP, or the verdict.
pub(super) fn askable(description: &Description) -> Result<(), Box<Verdict>> {
    match description.edition() {
        Edition::AsyncApi2 | Edition::AsyncApi3 => {
            Err(Box::new(Verdict::inapplicable("the description is of messages, not of requests over HTTP")))
        }
        Edition::Swagger20 | Edition::OpenApi30 | Edition::OpenApi31 | Edition::OpenApi32 => Ok(()),
    }
}

/// The name of a rule that a run is judged by.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub(super) struct OracleName(String);

impl<'de> Deserialize<'de> for OracleName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match oracle_rule(&name) {
            Some(_) => Ok(Self(name)),
            None => Err(serde::de::Error::custom(format!("there is no rule `{name}` for the behaviour of APIs"))),
        }
    }
}

/// What a run says by the rules that are asked.
pub(super) fn verdict_of(run: &ApiRun, description: &Description, rules: &[OracleName], strict: bool, facts: &Facts<'_>) -> Verdict {
    /// Causes that are shown one by one.
    const MAX_SHOWN: usize = 20;
    let person = facts.target.fixtures.get(PERSON).map(texts).unwrap_or_default();
    let judgement = judge(description, &run.options, &run.exchanges, &JudgeOptions { person });
    let asked = |name: &str| rules.is_empty() || rules.iter().any(|r| r.0 == name);
    let groups: Vec<&Group> = judgement.groups.iter().filter(|g| asked(g.rule)).collect();
    let is_error = |g: &&&Group| g.severity == Severity::Error || (strict && g.rule == "property-undeclared");
    let errors: Vec<&&Group> = groups.iter().filter(is_error).collect();
    let exercised = judgement.exercised.iter().filter(|name| asked(name)).count();
    let missing: Vec<String> = judgement
        .untested
        .iter()
        .map(|u| {
            let operation = if u.operation.is_empty() { String::new() } else { format!("{}: ", u.operation) };
            format!("not tested: {operation}{} (needs {})", u.what, u.needs)
        })
        .collect();
    let extent = format!("{} of {} operations, {} requests", judgement.tested.len(), judgement.operations, run.exchanges.len());
    let mut verdict = if let Some(first) = errors.first() {
        let more = if errors.len() > 1 { format!("; and {} further causes", errors.len() - 1) } else { String::new() };
        let spread = if first.operations.len() > 1 { format!(" ({} operations)", first.operations.len()) } else { String::new() };
        Verdict::failed(format!("{}{spread}{more} ({extent})", first.cause))
    } else if let Some((why, cause)) = &run.stopped {
        Verdict::cant_tell(*cause, format!("the run ended early: {why} ({extent})"))
    } else if exercised == 0 || judgement.answered == 0 {
        let why = missing.first().map_or_else(|| "nothing in this run could show it".to_owned(), Clone::clone);
        Verdict::untested(Cause::Missing, why)
    } else if judgement.tested.is_empty() {
        Verdict::cant_tell(Cause::Missing, format!("no valid request was accepted, so that refusals show nothing ({extent})"))
    } else {
        Verdict::passed(format!("no fault in {extent}"))
    };
    verdict = verdict.with_all(errors.iter().take(MAX_SHOWN).filter_map(|g| g.to_evidence()));
    if errors.len() > MAX_SHOWN {
        verdict = verdict.note(format!("{} further causes are not shown", errors.len() - MAX_SHOWN));
    }
    for group in groups.iter().filter(|g| !is_error(g)).take(MAX_SHOWN) {
        verdict = verdict.note(format!(
            "warning: {} [{}] ({})",
            group.cause,
            group.rule,
            group.operations.iter().cloned().collect::<Vec<_>>().join(", ")
        ));
    }
    for path in judgement.left_behind.iter().take(MAX_SHOWN) {
        verdict = verdict.note(format!("left behind: {path}"));
    }
    for note in missing.into_iter().take(MAX_SHOWN) {
        verdict = verdict.note(note);
    }
    verdict
}

fn texts(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::String(text) => vec![text.clone()],
        serde_json::Value::Array(items) => items.iter().flat_map(texts).collect(),
        serde_json::Value::Object(map) => map.values().flat_map(texts).collect(),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => Vec::new(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::api::sample::{SampleApi, TOKEN, description};

    /// A run against the sample service, as the door would have brought it.
    pub(in crate::check) fn sample_run(quirks: &[&str], manner: Manner) -> ApiRun {
        let seen = DescriptionSeen {
            url: Some("http://127.0.0.1:8080/v1/openapi.yaml".into()),
            via: "usual".into(),
            text: description().into(),
            catalog: Some(false),
            ..DescriptionSeen::default()
        };
        let read = seen.read().unwrap();
        let options = PlanOptions {
            base: "http://127.0.0.1:8080/v1".into(),
            credentials: [("token".to_owned(), "reader".to_owned())].into(),
            writes: manner.writes,
            wrong: manner.wrong,
            ..PlanOptions::default()
        };
        let mut api = SampleApi::new(quirks.iter().copied());
        let mut plan = Plan::new(&read, &options);
        let mut exchanges: Vec<ApiExchange> = Vec::new();
        while let Some(planned) = plan.next(exchanges.last()) {
            let mut headers = planned.headers.clone();
            if !planned.secrets.is_empty() {
                headers.push(("Authorization".into(), format!("Bearer {TOKEN}")));
            }
            let mut request = ApiRequest { method: planned.method.clone(), url: planned.url.clone(), headers, body: planned.body.clone() };
            let response = Some(api.respond(&request));
            // The door takes secrets out of what it records.
            request.headers.retain(|(n, _)| n != "Authorization" || planned.secrets.is_empty());
            exchanges.push(ApiExchange { id: planned.id, request, response, trouble: None });
        }
        ApiRun { description: Once(Arc::new(seen)), options, exchanges, stopped: None }
    }

    #[test]
    fn the_base_address_is_the_endpoint_or_a_server_below_it() {
        let of = |servers: &str, endpoint: &str| {
            let text = format!(r#"{{"openapi":"3.1.0","info":{{}},"paths":{{}},"servers":{servers}}}"#);
            let source = Source::json("https://h.test/docs/openapi.json", text.as_bytes()).unwrap();
            base_address(&Description::read(source, Vec::new()).unwrap(), endpoint)
        };
        assert_eq!(of("[]", "https://h.test/v1/"), "https://h.test/v1");
        assert_eq!(of(r#"[{"url":"/v1"}]"#, "https://h.test/"), "https://h.test/v1");
        assert_eq!(of(r#"[{"url":"https://elsewhere.test/v1"},{"url":"/api/v2/"}]"#, "https://h.test"), "https://h.test/api/v2");
        assert_eq!(of(r#"[{"url":"/v1"}]"#, "https://h.test/other"), "https://h.test/other");
    }
}
