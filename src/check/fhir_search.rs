//! Whether the searches that a FHIR service claims find what they should, and nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{Answer, StatusPattern};
use super::fhir::{Client, Known, Talk, begin, default, is_about, link, matches, query_value, resource, status, told};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Verdict};

/// Tries each search that the CapabilityStatement claims, restricted to the test person (fixture
/// `fhir-person`). With a value that one of the person's resources has, that resource must be among
/// what is found; with a value that nothing has, nothing may be found: a parameter that is claimed and
/// ignored gives everything. Each answer is a Bundle of the type searchset that tells the search in its
/// link `self`, and holds nothing of anybody else.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FhirSearch {
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default = "default::credential")]
    credential: Option<String>,
    /// The most questions that are asked; what does not fit is told as not tried.
    #[serde(default = "default::most_questions")]
    most_questions: u32,
}

/// What was searched for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Searched {
    /// The type.
    of: String,
    /// The parameter that is tried.
    parameter: String,
    /// The value, as it was before encoding.
    value: String,
    /// The id of the resource that has the value; nothing where no resource can have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known: Option<String>,
}

const CLAUSE: &str = "HL7 FHIR R4, search (search.html)";

impl Kind for FhirSearch {
    const NAME: &'static str = "fhir-search";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Talk<Searched>;

    async fn observe(&self, probes: &Probes) -> Result<Talk<Searched>, ProbeError> {
        let mut client = Client::new(probes, self.credential.as_deref(), self.most_questions);
        let mut talk = Talk::default();
        let Some(known) = begin(&mut client, &mut talk, true).await? else { return Ok(talk) };
        let (plan, left) = plan(&known);
        talk.left = left;
        for (path, searched) in plan {
            let words = format!("{} by {}", searched.of, searched.parameter);
            match client.get(&path, "try a claimed search").await?.turn(searched) {
                Some(turn) => talk.turns.push(turn),
                None => talk.left.push(format!("{words}: the budget of questions is used up")),
            }
        }
        Ok(talk)
    }

    fn judge(&self, seen: &Talk<Searched>, _: &Facts<'_>) -> Verdict {
        const ASKS: &str = "claimed searches";
        let claimed = match seen.claimed() {
            Ok(claimed) => claimed,
            Err(verdict) => return *verdict,
        };
        if !claimed.types.iter().any(|t| t.does("search-type")) {
            return Verdict::inapplicable("the service claims no search");
        }
        if seen.turns.is_empty() {
            let why = "no claimed search could be tried: none can be restricted to the test person by `patient`, `subject` or `_id`";
            let verdict = Verdict::untested(Cause::Missing, why);
            return seen.left.iter().take(12).fold(verdict, |v, left| v.note(format!("not tried: {left}")));
        }
        let mut findings = Vec::new();
        for turn in &seen.turns {
            match turn.answered(&[StatusPattern::SUCCESS]) {
                Ok(answer) => judge_one(&turn.asked, answer, &seen.person, &mut findings),
                Err(finding) => findings.push(finding),
            }
        }
        let mut tried: Vec<String> = seen.turns.iter().map(|t| format!("{} by {}", t.asked.of, t.asked.parameter)).collect();
        tried.dedup();
        let shown = tried.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if tried.len() > 8 { format!(" and {} more", tried.len() - 8) } else { String::new() };
        seen.verdict(&findings, ASKS, &format!("{shown}{more} find what they should"))
    }
}

fn judge_one(asked: &Searched, answer: &Answer, person: &str, out: &mut Vec<Finding>) {
    let words = format!("{} by {}", asked.of, asked.parameter);
    // Nothing can be found under a value that cannot be: saying so as an error is as good.
    if asked.known.is_none() && (400..500).contains(&answer.status) {
        return;
    }
    if answer.status != 200 {
        out.push(status(answer, "fhir-search", format!("the claimed search of {words} gives no result"), "status 200 with a Bundle").clause(CLAUSE));
        return;
    }
    let bundle = match resource(answer, "Bundle") {
        Ok(bundle) => bundle,
        Err(finding) => return out.push(finding),
    };
    let kind = bundle.get("type").and_then(Value::as_str).unwrap_or("none");
    if kind != "searchset" {
        let finding = Finding::error("fhir-searchset", "the Bundle of a search has another type");
        out.push(told(answer, finding).expected("searchset").observed(kind).clause(CLAUSE));
    }
    // Told once: it is one fault, however many searches show it.
    if link(&bundle, "self").is_none() && !out.iter().any(|f| f.rule == "fhir-self-link") {
        let finding = Finding::error("fhir-self-link", "the Bundle does not tell which search it answers");
        out.push(told(answer, finding).expected("a link `self` with the parameters that were used").observed("none").clause(CLAUSE));
    }
    let found = matches(&bundle);
    let text = |r: &Value, key: &str| r.get(key).and_then(Value::as_str).unwrap_or("none").to_owned();
    if let Some(other) = found.iter().find(|r| text(r, "resourceType") != asked.of) {
        let finding = Finding::error("fhir-search-type", format!("the search of {words} finds another type as a match"));
        out.push(told(answer, finding).expected(asked.of.clone()).observed(&text(other, "resourceType")).clause(CLAUSE));
    }
    let strangers = found.iter().filter(|r| is_about(r, person) == Some(false)).count();
    if strangers > 0 {
        let finding = Finding::error("fhir-search-stranger", format!("the search of {words} gives resources of somebody else"));
        out.push(told(answer, finding).expected(format!("resources of {person} only")).observed(&format!("{strangers} of others")).clause(CLAUSE));
        return;
    }
    match &asked.known {
        Some(id) => {
            let there = found.iter().any(|r| r.get("id").and_then(Value::as_str) == Some(id));
            if !there && link(&bundle, "next").is_none() {
                let finding = Finding::error("fhir-search-lost", format!("the search of {words} does not find the resource that has the value"));
                out.push(told(answer, finding).expected(format!("{}/{id} among the matches", asked.of)).observed(&format!("{} others", found.len())).clause(CLAUSE));
            }
        }
        None if !found.is_empty() => {
            let finding = Finding::error("fhir-search-ignored", format!("the search of {words} ignores the parameter: it finds resources that do not have the value"));
            out.push(told(answer, finding).expected("no match").observed(&format!("{} matches", found.len())).clause(CLAUSE));
        }
        None => {}
    }
}

/// The searches to try with their addresses, and what cannot be tried.
fn plan(known: &Known) -> (Vec<(String, Searched)>, Vec<String>) {
    let (mut first, mut then, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for of in known.claimed.types.iter().filter(|t| t.does("search-type")) {
        let Some(restricted) = of.of_person(&known.person) else {
            left.push(format!("{}: no claimed parameter restricts it to the test person", of.of));
            continue;
        };
        let resources = known.resources.get(&of.of).map(Vec::as_slice).unwrap_or_default();
        let restriction = restricted.split_once('?').map_or("", |(_, q)| q).split('=').next().unwrap_or_default().to_owned();
        let searched = |parameter: &str, value: &str, known: Option<String>| Searched {
            of: of.of.clone(),
            parameter: parameter.to_owned(),
            value: value.to_owned(),
            known,
        };
        // The restriction itself: with the person, and with nobody.
        let any = resources.iter().find_map(id_of);
        let who = if of.of == "Patient" { any } else { any.or(Some(String::new())).filter(|id| !id.is_empty()) };
        match who {
            Some(id) => first.push((restricted.clone(), searched(&restriction, &known.person, Some(id)))),
            None => {
                left.push(format!("{}: the test person has no such resource", of.of));
                continue;
            }
        }
        let nobody = if restriction == "subject" { "Patient/probity-nobody" } else { "probity-nobody" };
        then.push((format!("{}?{restriction}={}", of.of, query_value(nobody)), searched(&restriction, nobody, None)));
        for (name, kind) in of.parameters.iter().filter(|(n, _)| *n != restriction) {
            let value = resources.iter().find_map(|r| Some((id_of(r)?, value_of(r, name)?)));
            if let Some((id, value)) = value {
                first.push((format!("{restricted}&{name}={}", query_value(&value)), searched(name, &value, Some(id))));
            }
            match impossible(name, kind) {
                Some(value) => then.push((format!("{restricted}&{name}={}", query_value(value)), searched(name, value, None))),
                None => left.push(format!("{} by {name}: nothing is known to try it with", of.of)),
            }
        }
    }
    first.extend(then);
    (first, left)
}

fn id_of(resource: &Value) -> Option<String> {
    resource.get("id").and_then(Value::as_str).map(str::to_owned)
}

/// A value that no resource of the person has, by the type of the parameter.
fn impossible(name: &str, kind: &str) -> Option<&'static str> {
    // Parameters that steer the answer and do not select.
    if matches!(name, "_text" | "_content" | "_filter" | "_query" | "_list" | "_has" | "_type" | "_profile" | "_tag" | "_security" | "_source") {
        return None;
    }
    Some(match kind {
        "token" => "probity-no-such-code",
        "string" => "probity no such text",
        // Not a comparison: a period without beginning is before every day.
        "date" => "1800-01-01",
        "reference" => "probity-nobody",
        "uri" => "urn:probity:nothing",
        _ => return None,
    })
}

/// The value that a resource has for a parameter, written as a search writes it. The common parameters
/// of the types that assistive technology deals in (R4, search parameter registry); nothing for others.
fn value_of(resource: &Value, parameter: &str) -> Option<String> {
    let at = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let token = |pointer: &str| {
        let coding = resource.pointer(pointer)?;
        let code = coding.get("code").or(coding.get("value"))?.as_str()?;
        Some(coding.get("system").and_then(Value::as_str).map_or_else(|| code.to_owned(), |system| format!("{system}|{code}")))
    };
    match parameter {
        "_id" => at("/id"),
        "identifier" => token("/identifier/0"),
        "code" => token("/code/coding/0"),
        "category" => token("/category/0/coding/0").or_else(|| token("/category/coding/0")),
        "status" => at("/status"),
        "gender" => at("/gender"),
        "intent" => at("/intent"),
        "family" => at("/name/0/family"),
        "given" => at("/name/0/given/0"),
        // A whole year before: what zone the service reckons in does not matter.
        "birthdate" => at("/birthDate"),
        "date" => Some(format!("ge{}", year_before(&at("/effectiveDateTime").or_else(|| at("/effectivePeriod/start"))?)?)),
        "authored" => Some(format!("ge{}", year_before(&at("/authoredOn")?)?)),
        "_lastUpdated" => Some(format!("ge{}", year_before(&at("/meta/lastUpdated")?)?)),
        _ => None,
    }
}

fn year_before(moment: &str) -> Option<String> {
    Some(format!("{:04}", moment.get(..4)?.parse::<u32>().ok()?.checked_sub(1)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::super::fhir::{Claimed, Turn};
    use super::*;
    use crate::verdict::Outcome;

    const FHIR: [(&str, &str); 1] = [("Content-Type", "application/fhir+json")];

    fn statement() -> Value {
        json!({"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": [
            {"type": "Observation", "interaction": [{"code": "search-type"}], "searchParam": [
                {"name": "patient", "type": "reference"}, {"name": "code", "type": "token"}, {"name": "value-quantity", "type": "quantity"}]},
            {"type": "Location", "interaction": [{"code": "search-type"}], "searchParam": [{"name": "name", "type": "string"}]}]}]})
    }

    fn judge(known: Option<&str>, seen: Answer) -> Verdict {
        let check: FhirSearch = kind("{}");
        let asked = Searched { of: "Observation".into(), parameter: "code".into(), value: "x".into(), known: known.map(str::to_owned) };
        let talk = Talk {
            metadata: Some(Box::new(answer(200, &FHIR, &statement().to_string()))),
            person: "Patient/p-1".into(),
            turns: vec![Turn { asked, answer: Some(Box::new(seen)), trouble: None }],
            ..Talk::default()
        };
        check.judge(&talk, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    fn bundle(of: &str, ids: &[(&str, &str)], next: bool) -> Answer {
        let entries: Vec<Value> = ids
            .iter()
            .map(|(id, who)| json!({"resource": {"resourceType": of, "id": id, "subject": {"reference": who}}, "search": {"mode": "match"}}))
            .collect();
        let mut links = vec![json!({"relation": "self", "url": "https://a.example/Observation?code=x"})];
        if next {
            links.push(json!({"relation": "next", "url": "https://a.example/2"}));
        }
        answer(200, &FHIR, &json!({"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}).to_string())
    }

    #[test]
    fn searches_find_what_they_should_or_fail_for_their_reason() {
        let own = ("o-1", "Patient/p-1");
        assert_eq!(judge(Some("o-1"), bundle("Observation", &[own], false)).outcome, Outcome::Passed);
        assert_eq!(judge(Some("o-9"), bundle("Observation", &[own], true)).outcome, Outcome::Passed, "it may be on the next page");
        assert_eq!(judge(None, bundle("Observation", &[], false)).outcome, Outcome::Passed);
        assert_eq!(judge(None, answer(400, &FHIR, "{}")).outcome, Outcome::Passed);
        for (known, seen, why) in [
            (Some("o-2"), bundle("Observation", &[own], false), "does not find"),
            (None, bundle("Observation", &[own], false), "ignores"),
            (Some("o-1"), bundle("Observation", &[own, ("o-2", "Patient/p-2")], false), "somebody else"),
            (Some("o-1"), bundle("Device", &[own], false), "another type"),
            (Some("o-1"), answer(400, &FHIR, "{}"), "gives no result"),
            (None, answer(500, &FHIR, "{}"), "gives no result"),
            (Some("o-1"), answer(200, &FHIR, r#"{"resourceType":"Observation"}"#), "another kind"),
            (None, answer(200, &FHIR, r#"{"resourceType":"Bundle","type":"searchset"}"#), "which search"),
            (None, answer(200, &FHIR, r#"{"resourceType":"Bundle","type":"collection","link":[{"relation":"self","url":"x"}]}"#), "another type"),
        ] {
            let verdict = judge(known, seen);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
        assert_eq!(judge(Some("o-1"), answer(503, &FHIR, "")).outcome, Outcome::CantTell);
    }

    #[test]
    fn what_is_asked_is_restricted_to_the_person() {
        let observation = json!({"resourceType": "Observation", "id": "o-1", "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}});
        let known = Known {
            claimed: Claimed::read(&statement()),
            person: "Patient/p-1".into(),
            resources: [("Observation".to_owned(), vec![observation])].into(),
            named: Vec::new(),
        };
        let (plan, left) = plan(&known);
        let paths: Vec<&str> = plan.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "Observation?patient=p-1",
                "Observation?patient=p-1&code=http%3A%2F%2Floinc.org%7C29463-7",
                "Observation?patient=probity-nobody",
                "Observation?patient=p-1&code=probity-no-such-code"
            ]
        );
        assert_eq!(left.len(), 2, "{left:?}");
    }
}
