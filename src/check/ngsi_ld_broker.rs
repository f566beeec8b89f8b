//! A context broker that speaks NGSI-LD: one entity in each of its forms, and errors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::Answer;
use super::answer_format::{MediaTypes, body, within};
use super::supplied::Supplied;
use super::{Facts, Kind, On, Probes};
use crate::format::{Format, judge};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Outcome, Verdict};

/// An entity that nobody has. Always the same, so that a run can be repeated.
const NOBODY: &str = "urn:ngsi-ld:Nothing:probity-8f2c61";

/// What is no identifier of an entity.
const NO_URI: &str = "probity-no-uri";

/// The relation by which an answer names its context (JSON-LD 1.1, section 6.1).
const CONTEXT: &str = "http://www.w3.org/ns/json-ld#context";

/// Where the names of errors begin (ETSI GS CIM 009, clause 5.5.2).
const ERRORS: [&str; 2] = ["https://uri.etsi.org/ngsi-ld/errors/", "http://uri.etsi.org/ngsi-ld/errors/"];

/// Asks a context broker as ETSI GS CIM 009 has it, reading only: one entity as JSON-LD, as JSON with its
/// context in the `Link` header, and in the simplified form; entities of its type; an entity that nobody
/// has, and one whose identifier is no URI. Judged are the entity itself, media types, contexts and the
/// structure of errors. Contexts are read from the documents of the target file whose name is an address.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NgsiLdBroker {
    /// The fixture of the target file that is the identifier of a test entity.
    #[serde(default = "default_entity")]
    entity: String,
    /// The path of the entities; from the root of the origin with `/` in front, else from the endpoint's address.
    #[serde(default = "default_path")]
    path: String,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default)]
    credential: Option<String>,
}

fn default_entity() -> String {
    "ngsi-ld-entity".into()
}

fn default_path() -> String {
    "ngsi-ld/v1/entities".into()
}

/// What the broker answered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BrokerSeen {
    /// What the target file does not provide, so that nothing could be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    /// The identifier that was asked for.
    #[serde(default)]
    id: String,
    /// The entity as JSON-LD.
    linked: Option<Answer>,
    /// The entity as JSON.
    plain: Option<Answer>,
    /// The entity in the simplified form.
    simplified: Option<Answer>,
    /// Entities of its type, with the type.
    of_type: Option<(String, Answer)>,
    /// The entity that nobody has.
    unknown: Option<Answer>,
    /// The entity whose identifier is no URI.
    malformed: Option<Answer>,
    /// The contexts that the vendor publishes.
    #[serde(default)]
    supplied: Supplied,
}

impl Kind for NgsiLdBroker {
    const NAME: &'static str = "ngsi-ld-broker";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = BrokerSeen;

    async fn observe(&self, probes: &Probes) -> Result<BrokerSeen, ProbeError> {
        let path = self.path.trim_end_matches('/');
        let template = format!("{path}/{{{}}}", self.entity);
        let own = match super::answer::paths(&template, probes.target()) {
            Ok(paths) => paths.into_iter().next().unwrap_or_default(),
            Err(missing) => return Ok(BrokerSeen { missing: Some(missing), ..BrokerSeen::default() }),
        };
        let id = probes.target().fixtures.get(&self.entity).and_then(|value| value.as_str().or_else(|| value.get(0)?.as_str()));
        let ask = async |path: &str, accept: &str, link: Option<&str>, purpose: &str| {
            let mut request = Request::get(probes.address(path)?, purpose).header("Accept", accept).gzip();
            if let Some(context) = link {
                request = request.header("Link", format!("<{context}>; rel=\"{CONTEXT}\"; type=\"application/ld+json\""));
            }
            if let Some(name) = self.credential.as_deref().filter(|name| probes.has_credential(name)) {
                request = request.credential(name);
            }
            Ok::<Answer, ProbeError>(Answer::from(&*probes.door().ask(&request).await?))
        };
        let mut seen = BrokerSeen { id: id.unwrap_or_default().to_owned(), ..BrokerSeen::default() };
        let linked = ask(&own, "application/ld+json", None, "read an entity as JSON-LD").await?;
        let entity = linked.text.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
        seen.linked = Some(linked);
        if let Some(kind) = entity.as_ref().and_then(type_of) {
            let encoded: String = url::form_urlencoded::byte_serialize(kind.as_bytes()).collect();
            let link = entity.as_ref().and_then(first_context).filter(|context| !is_core(context));
            let listed = ask(&format!("{path}?type={encoded}&limit=1"), "application/ld+json", link, "list entities of a type").await?;
            seen.of_type = Some((kind.to_owned(), listed));
        }
        seen.plain = Some(ask(&own, "application/json", None, "read an entity as JSON").await?);
        seen.simplified = Some(ask(&format!("{own}?options=keyValues"), "application/ld+json", None, "read an entity in the simplified form").await?);
        seen.unknown = Some(ask(&format!("{path}/{NOBODY}"), "application/ld+json", None, "read an entity that nobody has").await?);
        seen.malformed = Some(ask(&format!("{path}/{NO_URI}"), "application/ld+json", None, "read an entity whose identifier is no URI").await?);
        seen.supplied = Supplied::observe(probes, Format::NgsiLd, None).await?;
        Ok(seen)
    }

    fn judge(&self, seen: &BrokerSeen, _: &Facts<'_>) -> Verdict {
        if let Some(missing) = &seen.missing {
            return Verdict::untested(Cause::Missing, missing.clone());
        }
        match judged(seen) {
            Ok(findings) => {
                let verdict = Verdict::from_findings(&findings, "the context broker");
                if verdict.outcome == Outcome::Passed {
                    let answers = [&seen.linked, &seen.plain, &seen.simplified, &seen.unknown, &seen.malformed].into_iter().flatten();
                    return verdict.with_all(answers.map(|answer| answer.status_evidence("an answer that keeps ETSI GS CIM 009")));
                }
                verdict
            }
            Err(verdict) => *verdict,
        }
    }
}

fn judged(seen: &BrokerSeen) -> Result<Vec<Finding>, Box<Verdict>> {
    let context = seen.supplied.context(Format::NgsiLd)?;
    let mut findings = Vec::new();
    let media_type = |name: &str| vec![name.to_owned()];
    let nothing = || Box::new(Verdict::cant_tell(Cause::Bug, "an answer is missing from the observation"));
    let linked = seen.linked.as_ref().ok_or_else(nothing)?;
    let text = body(linked, "the entity as JSON-LD", MediaTypes::Named(&media_type("application/ld+json")))?;
    let question = linked.question();
    findings.extend(judge(Format::NgsiLd, &question, text.as_bytes(), &context).into_iter().map(|f| within(f, &question)));
    let entity: Value = serde_json::from_str(text).unwrap_or_default();
    let tell = |rule: &str, message: &str, answer: &Answer, clause: &str| {
        Finding::error(rule, message).at(answer.question()).clause(format!("ETSI GS CIM 009 clause {clause}"))
    };
    let id = |entity: &Value| entity.get("id").or_else(|| entity.get("@id")).and_then(Value::as_str).unwrap_or_default().to_owned();
    if entity.is_object() && id(&entity) != seen.id {
        findings.push(tell("other-entity", "another entity came than the one that was asked for", linked, "5.7.1").expected(seen.id.clone()).observed(&id(&entity)));
    }
    if let Some(plain) = &seen.plain {
        let text = body(plain, "the entity as JSON", MediaTypes::Named(&media_type("application/json")))?;
        let mut value: Value = serde_json::from_str(text).unwrap_or_default();
        if value.get("@context").is_some() {
            findings.push(tell("context-in-json", "`@context` stands in an answer of application/json", plain, "6.3.6").expected("the context in the Link header only"));
        }
        match linked_context(plain) {
            None => findings.push(
                tell("link-header", "the answer does not say which context its names are by", plain, "6.3.6")
                    .expected(format!("a Link header with rel=\"{CONTEXT}\""))
                    .observed(plain.header("link").unwrap_or("no Link header")),
            ),
            Some(context_address) => {
                if let Value::Object(members) = &mut value {
                    members.insert("@context".into(), Value::from(context_address));
                }
                let question = plain.question();
                findings.extend(judge(Format::NgsiLd, &question, value.to_string().as_bytes(), &context).into_iter().map(|f| within(f, &question)));
            }
        }
    }
    if let Some(simplified) = &seen.simplified {
        let text = body(simplified, "the entity in the simplified form", MediaTypes::Any)?;
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        findings.extend(simplified_faults(&entity, &value).map(|message| tell("simplified", &message, simplified, "4.5.4").expected("each attribute as its value")));
    }
    if let Some((kind, listed)) = &seen.of_type {
        let text = body(listed, "entities of a type", MediaTypes::Named(&media_type("application/ld+json")))?;
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        match value.as_array() {
            None => findings.push(tell("list", "a query does not give a list", listed, "5.7.2").expected("an array of entities")),
            Some(items) => {
                if items.len() > 1 {
                    findings.push(tell("limit", "more entities came than were asked for", listed, "5.5.9").expected("1").observed(&items.len().to_string()));
                }
                if items.is_empty() {
                    findings.push(tell("list", "the query does not find the entity whose type was asked for", listed, "5.7.2").expected(format!("an entity of type {kind}")));
                }
                for item in items.iter().filter(|item| !types(item).any(|found| found == kind)) {
                    findings.push(tell("list", "an entity of another type came", listed, "5.7.2").expected(kind.clone()).observed(&types(item).collect::<Vec<_>>().join(", ")));
                }
                let question = listed.question();
                findings.extend(judge(Format::NgsiLd, &question, text.as_bytes(), &context).into_iter().map(|f| within(f, &question)));
            }
        }
    }
    for (answer, asks, status, name) in [(&seen.unknown, "an entity that nobody has", 404, "ResourceNotFound"), (&seen.malformed, "an identifier that is no URI", 400, "BadRequestData")] {
        let Some(answer) = answer else { continue };
        if let Some(verdict) = answer.tells_nothing(&[]) {
            return Err(Box::new(verdict));
        }
        if let Some(verdict) = answer.unfinished() {
            return Err(Box::new(verdict));
        }
        findings.extend(problem(answer, asks, status, name));
    }
    Ok(findings)
}

/// What is wrong with an error.
fn problem(answer: &Answer, asks: &str, status: u16, name: &str) -> Vec<Finding> {
    let tell = |finding: Finding| finding.at(answer.question()).clause("ETSI GS CIM 009 clauses 5.5.2, 5.5.3 and 6.3.2");
    if !(400..500).contains(&answer.status) {
        let finding = Finding::error("error-status", format!("{asks} gives status {}", answer.status));
        return vec![tell(finding.expected(format!("status {status}")).observed(&answer.status.to_string()))];
    }
    let value = answer.text.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()).filter(Value::is_object);
    let Some(value) = value.filter(|_| answer.is_json()) else {
        let finding = Finding::error("error-structure", format!("the error for {asks} is no ProblemDetails"));
        let seen = answer.header("content-type").unwrap_or("no media type");
        return vec![tell(finding.expected("a JSON object with `type` and `title`").observed(seen))];
    };
    let mut findings = Vec::new();
    for member in ["type", "title"] {
        if !value.get(member).is_some_and(Value::is_string) {
            let finding = Finding::error("error-structure", format!("the error for {asks} has no text `{member}`"));
            findings.push(tell(finding.expected(format!("a member `{member}`")).observed(&value.get(member).map(Value::to_string).unwrap_or_default())));
        }
    }
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let named = ERRORS.iter().find_map(|start| kind.strip_prefix(start));
    // Some brokers give the one error where the standard has the other: their answer can be understood.
    if findings.is_empty() && (answer.status != status || named != Some(name)) {
        let finding = Finding::warning("error-type", format!("the error for {asks} is not the one that the standard has"));
        findings.push(tell(finding.expected(format!("status {status} with {}{name}", ERRORS[0])).observed(&format!("status {} with {kind}", answer.status))));
    }
    findings
}

/// The types of an entity.
fn types(entity: &Value) -> impl Iterator<Item = &str> {
    let value = entity.get("type").or_else(|| entity.get("@type"));
    let list = value.and_then(Value::as_array).into_iter().flatten();
    value.into_iter().chain(list).filter_map(Value::as_str)
}

fn type_of(entity: &Value) -> Option<&str> {
    types(entity).next()
}

/// The first context that an entity names by its address.
fn first_context(entity: &Value) -> Option<&str> {
    let context = entity.get("@context")?;
    context.as_str().or_else(|| context.as_array()?.iter().find_map(Value::as_str))
}

fn is_core(context: &str) -> bool {
    context.starts_with("https://uri.etsi.org/ngsi-ld/")
}

/// The context that an answer's `Link` header names (RFC 8288).
fn linked_context(answer: &Answer) -> Option<String> {
    answer.header_values("link").iter().flat_map(|value| value.split(',')).find_map(|link| {
        let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let relation = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"').to_owned())
        })?;
        relation.split_whitespace().any(|name| name == CONTEXT).then(|| address.to_owned())
    })
}

/// Where the simplified form of an entity is none, or lacks what the full form has.
fn simplified_faults<'e>(full: &'e Value, simplified: &'e Value) -> impl Iterator<Item = String> + 'e {
    let kinds = ["Property", "Relationship", "GeoProperty", "LanguageProperty", "VocabProperty", "JsonProperty", "ListProperty", "ListRelationship"];
    let attributes = full.as_object().into_iter().flatten().filter(|(name, _)| !["id", "type", "@id", "@type", "@context", "scope"].contains(&name.as_str()));
    attributes.filter(|(_, value)| value.is_object()).filter_map(move |(name, _)| match simplified.get(name) {
        None => Some(format!("the simplified form lacks the attribute `{}`", name.escape_debug())),
        Some(value) => {
            let still = value.get("type").and_then(Value::as_str).is_some_and(|kind| kinds.contains(&kind)) && ["value", "object", "languageMap"].iter().any(|held| value.get(held).is_some());
            still.then(|| format!("the attribute `{}` is in the normalized form", name.escape_debug()))
        }
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;

    const ID: &str = "urn:ngsi-ld:Bed:1";
    const CORE: &str = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld";
    const LINK: &str = "<https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld>; rel=\"http://www.w3.org/ns/json-ld#context\"; type=\"application/ld+json\"";
    const LD: [(&str, &str); 1] = [("Content-Type", "application/ld+json")];
    const PROBLEM: [(&str, &str); 1] = [("Content-Type", "application/problem+json")];

    fn entity(more: &str) -> String {
        format!(r#"{{"id": "{ID}", "type": "Bed", "occupied": {{"type": "Property", "value": true, "observedAt": "2026-11-22T10:00:00Z"}}{more}}}"#)
    }

    type Change<'c> = &'c dyn Fn(&mut BrokerSeen);

    fn broker() -> BrokerSeen {
        let with = |text: &str| text.replacen('{', &format!("{{\"@context\": \"{CORE}\", "), 1);
        let error = |status, name: &str| answer(status, &PROBLEM, &format!(r#"{{"type": "https://uri.etsi.org/ngsi-ld/errors/{name}", "title": "no"}}"#));
        BrokerSeen {
            missing: None,
            id: ID.into(),
            linked: Some(answer(200, &LD, &with(&entity("")))),
            plain: Some(answer(200, &[("Content-Type", "application/json"), ("Link", LINK)], &entity(""))),
            simplified: Some(answer(200, &LD, &format!(r#"{{"@context": "{CORE}", "id": "{ID}", "type": "Bed", "occupied": true}}"#))),
            of_type: Some(("Bed".into(), answer(200, &LD, &format!("[{}]", with(&entity("")))))),
            unknown: Some(error(404, "ResourceNotFound")),
            malformed: Some(error(400, "BadRequestData")),
            supplied: Supplied::default(),
        }
    }

    fn verdict(seen: &BrokerSeen) -> Verdict {
        let check: NgsiLdBroker = kind("{}");
        check.judge(seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    fn text(answer: &mut Option<Answer>, from: &str, to: &str) {
        let answer = answer.as_mut().unwrap();
        let changed = answer.text.as_deref().unwrap().replace(from, to);
        assert_ne!(answer.text.as_deref(), Some(changed.as_str()), "{from} is not there");
        answer.text = Some(changed);
    }

    #[test]
    fn a_sound_broker_passes() {
        let sound = verdict(&broker());
        assert_eq!(sound.outcome, Outcome::Passed, "{sound:?}");
        assert!(sound.notes.is_empty(), "{sound:?}");
    }

    #[test]
    fn each_defect_fails_for_its_reason() {
        let defects: [(&str, Change<'_>); 12] = [
            ("not in UTC", &|s| text(&mut s.linked, "10:00:00Z", "10:00:00+01:00")),
            ("another entity", &|s| text(&mut s.linked, "Bed:1", "Bed:2")),
            ("media type", &|s| s.linked = Some(answer(200, &[("Content-Type", "application/json")], "{}"))),
            ("which context", &|s| s.plain = Some(answer(200, &[("Content-Type", "application/json")], &entity("")))),
            ("`@context` stands", &|s| text(&mut s.plain, "{\"id\"", "{\"@context\": [], \"id\"")),
            ("normalized form", &|s| s.simplified = Some(answer(200, &LD, &entity("")))),
            ("lacks the attribute", &|s| text(&mut s.simplified, "occupied", "busy")),
            ("does not give a list", &|s| s.of_type = Some(("Bed".into(), answer(200, &LD, "{}")))),
            ("another type", &|s| s.of_type.as_mut().unwrap().0 = "Chair".into()),
            ("gives status 200", &|s| s.unknown = Some(answer(200, &LD, "{}"))),
            ("no ProblemDetails", &|s| s.unknown = Some(answer(404, &[("Content-Type", "text/html")], "<p>no</p>"))),
            ("no text `title`", &|s| text(&mut s.malformed, "title", "detail")),
        ];
        for (why, change) in defects {
            let mut seen = broker();
            change(&mut seen);
            let verdict = verdict(&seen);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}: {verdict:?}");
            assert!(verdict.reason.contains(why), "{why}: {}", verdict.reason);
        }
    }

    #[test]
    fn trouble_is_not_failure_and_another_error_is_a_note() {
        let mut seen = broker();
        seen.malformed = Some(answer(404, &PROBLEM, r#"{"type": "https://uri.etsi.org/ngsi-ld/errors/ResourceNotFound", "title": "no"}"#));
        let noted = verdict(&seen);
        assert_eq!((noted.outcome, noted.notes.len()), (Outcome::Passed, 1));
        seen.linked = Some(answer(503, &[], ""));
        assert_eq!(verdict(&seen).outcome, Outcome::CantTell);
        assert_eq!(verdict(&BrokerSeen { missing: Some("no entity".into()), ..BrokerSeen::default() }).outcome, Outcome::Untested);
    }

    #[test]
    fn the_context_of_a_link_header_is_found() {
        let link = |value: &str| linked_context(&answer(200, &[("Link", value)], ""));
        assert_eq!(link(LINK).as_deref(), Some(CORE));
        assert_eq!(link("<https://a.example/>; rel=next, <https://b.example/c>; rel=\"http://www.w3.org/ns/json-ld#context\"").as_deref(), Some("https://b.example/c"));
        assert_eq!(link("<https://a.example/>; rel=next"), None);
        assert_eq!(link("nonsense"), None);
    }
}
