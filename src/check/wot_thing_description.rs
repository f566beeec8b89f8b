//! A thing that describes itself, and does what its description says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::Url;

use super::answer::Answer;
use super::answer_format::{MediaTypes, body, within};
use super::{Facts, Kind, On, Probes};
use crate::format::json_schema::JsonSchema as CompiledSchema;
use crate::format::{Context, Format, judge};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Finding, Grade, Outcome, Severity, Verdict};

/// Properties that are read of one thing; a limit of ours, so that a description cannot make a long list of us.
const MAX_READS: usize = 50;

/// The media types of a Thing Description (W3C WoT TD 1.1, section 10), and plain JSON.
const MEDIA_TYPES: [&str; 3] = ["application/td+json", "application/ld+json", "application/json"];

/// Fetches a W3C WoT Thing Description and judges it by the rules of the standard. Where it is asked, some
/// of the properties are read by the description's own forms, and their values judged by its own data
/// schemas. Forms that lead to another origin are not asked.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WotThingDescription {
    /// The path of the description; from the root of the origin with `/` in front, else from the endpoint's
    /// address. `{name}` stands for a fixture of the target file.
    #[serde(default = "well_known")]
    path: String,
    /// How many properties are read, up to 50. None, where nothing is said.
    #[serde(default)]
    reads: u8,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default)]
    credential: Option<String>,
}

fn well_known() -> String {
    "/.well-known/wot".into()
}

/// A description and what came of its forms.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ThingSeen {
    /// What the target file does not provide, so that nothing could be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    /// The descriptions.
    descriptions: Vec<Described>,
}

/// One description.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Described {
    description: Answer,
    /// Properties that were read, by name.
    reads: Vec<(String, Answer)>,
    /// Properties whose forms lead to another origin, with the address.
    elsewhere: Vec<(String, String)>,
}

impl Kind for WotThingDescription {
    const NAME: &'static str = "wot-thing-description";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = ThingSeen;

    async fn observe(&self, probes: &Probes) -> Result<ThingSeen, ProbeError> {
        let credential = self.credential.as_deref().filter(|name| probes.has_credential(name));
        let with = |request: Request| match credential {
            Some(name) => request.credential(name),
            None => request,
        };
        let found = probes
            .ask_each(std::slice::from_ref(&self.path), |url| {
                with(Request::get(url, "read the thing's description").header("Accept", MEDIA_TYPES.join(", ")).gzip())
            })
            .await?;
        let mut descriptions = Vec::new();
        for description in found.answers {
            let (mut reads, mut elsewhere) = (Vec::new(), Vec::new());
            for (name, url) in readable(&description).into_iter().take(usize::from(self.reads).min(MAX_READS)) {
                if Url::parse(&description.url).is_ok_and(|own| own.origin() == url.origin()) {
                    let request = with(Request::get(url, "read a property of the thing").header("Accept", "application/json").gzip());
                    reads.push((name, Answer::from(&*probes.door().ask(&request).await?)));
                } else {
                    elsewhere.push((name, url.to_string()));
                }
            }
            descriptions.push(Described { description, reads, elsewhere });
        }
        Ok(ThingSeen { missing: found.missing, descriptions })
    }

    fn judge(&self, seen: &ThingSeen, _: &Facts<'_>) -> Verdict {
        let asks = "the thing's description";
        let nothing = super::answer::Answers { missing: seen.missing.clone(), answers: seen.descriptions.iter().map(|d| d.description.clone()).collect() };
        if let Some(verdict) = nothing.unasked() {
            return verdict;
        }
        let media_types: Vec<String> = MEDIA_TYPES.iter().map(|name| (*name).to_owned()).collect();
        let mut findings = Vec::new();
        let mut evidence = Vec::new();
        for thing in &seen.descriptions {
            let text = match body(&thing.description, asks, MediaTypes::Named(&media_types)) {
                Ok(text) => text,
                Err(verdict) => return *verdict,
            };
            let question = thing.description.question();
            let judged = judge(Format::WotTd, &question, text.as_bytes(), &Context::default());
            findings.extend(judged.into_iter().map(|finding| within(finding, &question)));
            evidence.push(thing.description.status_evidence("a description that keeps W3C WoT TD 1.1"));
            let description: Value = serde_json::from_str(text).unwrap_or_default();
            for (name, answer) in &thing.reads {
                match read_value(&description, name, answer) {
                    Some(finding) => findings.push(finding),
                    None => evidence.push(answer.status_evidence(format!("a value of the property `{name}` that fits its data schema"))),
                }
            }
            for (name, url) in &thing.elsewhere {
                let message = format!("the form of the property `{}` leads to another origin, which was not asked", name.escape_debug());
                findings.push(Finding::warning("form-elsewhere", message).at(format!("{question} /properties/{name}/forms")).observed(url));
            }
        }
        let verdict = Verdict::from_findings(&findings, asks);
        if verdict.outcome == Outcome::Passed { verdict.with_all(evidence.into_iter().take(10)) } else { verdict }
    }
}

/// The properties that a plain GET reads, with their addresses.
fn readable(description: &Answer) -> Vec<(String, Url)> {
    let Some(thing) = description.text.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()) else { return Vec::new() };
    let Ok(own) = Url::parse(&description.url) else { return Vec::new() };
    let base = thing.get("base").and_then(Value::as_str).and_then(|base| own.join(base).ok()).unwrap_or(own);
    let empty = Map::new();
    let mut found = Vec::new();
    for (name, property) in thing.get("properties").and_then(Value::as_object).unwrap_or(&empty) {
        if property.get("writeOnly") == Some(&Value::Bool(true)) {
            continue;
        }
        let forms = property.get("forms").and_then(Value::as_array).into_iter().flatten();
        let url = forms.filter(|form| is_plain_read(form)).filter_map(|form| base.join(form.get("href")?.as_str()?).ok()).find(|url| matches!(url.scheme(), "http" | "https"));
        found.extend(url.map(|url| (name.clone(), url)));
    }
    found
}

/// A form whose property a GET without variables reads, and whose answer is JSON.
fn is_plain_read(form: &Value) -> bool {
    let text = |name: &str| form.get(name).and_then(Value::as_str);
    let reads = match form.get("op") {
        None => true,
        Some(Value::String(op)) => op == "readproperty",
        Some(Value::Array(ops)) => ops.iter().any(|op| op == "readproperty"),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => false,
    };
    let json = text("contentType").is_none_or(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind == "application/json" || kind.ends_with("+json")
    });
    reads && json && text("htv:methodName").is_none_or(|method| method == "GET") && text("href").is_some_and(|href| !href.contains('{')) && text("subprotocol").is_none()
}

/// What is wrong with the value that a property gave.
fn read_value(description: &Value, name: &str, answer: &Answer) -> Option<Finding> {
    let at = format!("{} (property `{}`)", answer.question(), name.escape_debug());
    let clause = "W3C WoT TD 1.1, td-server-data-schema";
    if answer.tells_nothing(&[super::answer::StatusPattern::SUCCESS]).is_some() || matches!(answer.status, 401 | 403) || answer.unreadable().is_some() {
        return Some(Finding::open("form", "whether the form works could not be told").at(at).observed(&format!("status {}", answer.status)));
    }
    if !(200..300).contains(&answer.status) {
        let finding = Finding::error("form", "the description's own form does not read the property").at(at);
        return Some(finding.expected("status 200").observed(&format!("status {}", answer.status)).clause("W3C WoT TD 1.1, td-bindings-server-accept"));
    }
    let value: Value = match serde_json::from_str(answer.text.as_deref().unwrap_or_default()) {
        Ok(value) => value,
        Err(_) => return Some(Finding::error("form-value", "the property's value is not JSON").at(at).expected("JSON, as the form says").clause(clause)),
    };
    let schema = data_schema(description.get("properties")?.get(name)?);
    match CompiledSchema::compile(&schema, &BTreeMap::new()) {
        Ok(schema) => {
            let fault = schema.faults(&value).into_iter().find(|finding| finding.severity == Severity::Error)?;
            let finding = Finding::error("form-value", format!("the property's value does not fit its data schema: {}", fault.message));
            Some(finding.at(at).expected(fault.expected).observed(fault.observed.as_ref().map_or("", |o| o.as_str())).clause(clause))
        }
        Err(_) => Some(Finding::open("form-value", "the property's data schema cannot be compared with its value").at(at)),
    }
}

/// A property's data schema as the JSON Schema that it is a subset of.
fn data_schema(property: &Value) -> Value {
    let mut schema = property.clone();
    if let Value::Object(members) = &mut schema {
        for name in ["forms", "uriVariables", "observable", "@type", "title", "titles", "descriptions"] {
            members.remove(name);
        }
        // Its `items` may be a list, as draft 7 has it.
        members.insert("$schema".into(), Value::from("http://json-schema.org/draft-07/schema#"));
    }
    schema
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;

    const TD: &str = r#"{"@context": "https://www.w3.org/2022/wot/td/v1.1", "title": "Bed", "id": "urn:bed:1",
        "securityDefinitions": {"none_sc": {"scheme": "nosec"}}, "security": "none_sc", "base": "https://api.test/things/bed/",
        "properties": {
            "delay": {"type": "integer", "minimum": 0, "maximum": 60, "forms": [{"href": "delay"}]},
            "far": {"type": "string", "forms": [{"href": "https://other.test/far"}]},
            "write": {"type": "string", "writeOnly": true, "forms": [{"href": "write"}]},
            "mqtt": {"type": "string", "forms": [{"href": "mqtt://broker.test/x"}]}}}"#;
    const TYPE: [(&str, &str); 1] = [("Content-Type", "application/td+json")];

    fn thing(text: &str, reads: Vec<(&str, Answer)>) -> ThingSeen {
        let description = answer(200, &TYPE, text);
        ThingSeen { missing: None, descriptions: vec![Described { description, reads: reads.into_iter().map(|(n, a)| (n.to_owned(), a)).collect(), elsewhere: Vec::new() }] }
    }

    fn judged(seen: &ThingSeen) -> Verdict {
        let check: WotThingDescription = kind("{reads: 5}");
        check.judge(seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn the_forms_that_can_be_read_are_found() {
        let found = readable(&answer(200, &TYPE, TD));
        let found: Vec<(&str, &str)> = found.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
        assert_eq!(found, [("delay", "https://api.test/things/bed/delay"), ("far", "https://other.test/far")]);
    }

    #[test]
    fn a_sound_thing_passes_and_each_defect_fails_for_its_reason() {
        let json = [("Content-Type", "application/json")];
        let sound = judged(&thing(TD, vec![("delay", answer(200, &json, "30"))]));
        assert_eq!(sound.outcome, Outcome::Passed, "{sound:?}");
        assert_eq!(sound.evidence.len(), 2);
        for (text, value, status, why) in [
            (TD.replace("\"title\": \"Bed\", ", ""), "30", 200, "`title` is missing"),
            (TD.to_owned(), "90", 200, "does not fit its data schema"),
            (TD.to_owned(), "soon", 200, "not JSON"),
            (TD.to_owned(), "30", 404, "does not read the property"),
        ] {
            let verdict = judged(&thing(&text, vec![("delay", answer(status, &json, value))]));
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
    }

    #[test]
    fn trouble_is_not_failure() {
        let mut seen = thing(TD, vec![("delay", answer(503, &[], ""))]);
        assert_eq!(judged(&seen).outcome, Outcome::CantTell);
        seen.descriptions[0].description.status = 502;
        assert_eq!(judged(&seen).outcome, Outcome::CantTell);
        seen.descriptions[0].description.status = 404;
        assert_eq!(judged(&seen).outcome, Outcome::Failed);
        seen.descriptions.clear();
        assert_eq!(judged(&seen).outcome, Outcome::Untested);
        let mut elsewhere = thing(TD, vec![]);
        elsewhere.descriptions[0].elsewhere.push(("far".into(), "https://other.test/far".into()));
        let verdict = judged(&elsewhere);
        assert_eq!((verdict.outcome, verdict.notes.len()), (Outcome::Passed, 1));
    }
}
