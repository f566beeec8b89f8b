//! Whether a FHIR service answers in the format that is asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, StatusPattern};
use super::fhir::{Claimed, Client, FHIR_JSON, Talk, recommended, status, told};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Finding, Grade, Verdict};

/// Asks for the CapabilityStatement in each format that it claims, once by `Accept` and once by `_format`
/// against another `Accept`, and in a format that nobody speaks. Each answer is in the format that was
/// asked for; the last is 406.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FhirNegotiation {
    /// Whether what the standard recommends (SHOULD) is demanded too: `_format`, and 406 for what is not spoken.
    #[serde(default)]
    recommendations: bool,
}

/// How a format was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// By `Accept`.
    Accept(String),
    /// By `_format`, whatever `Accept` said.
    Format(String),
    /// A format that nobody speaks.
    Unknown,
}

const CLAUSE: &str = "HL7 FHIR R4, RESTful API, content types (http.html#mime-type)";
/// A media type that nobody speaks.
const NOTHING: &str = "application/x-probity-nothing";

/// The media type that a claimed format stands for.
fn media_type(format: &str) -> Option<&'static str> {
    match format.split(';').next().unwrap_or_default().trim() {
        "json" | "application/fhir+json" | "application/json" => Some(FHIR_JSON),
        "xml" | "application/fhir+xml" | "application/xml" => Some("application/fhir+xml"),
        "ttl" | "turtle" | "text/turtle" | "application/fhir+turtle" => Some("application/fhir+turtle"),
        _ => None,
    }
}

fn formats(claimed: &Claimed) -> Vec<&'static str> {
    let mut formats: Vec<&'static str> = claimed.formats.iter().filter_map(|f| media_type(f)).collect();
    formats.sort_unstable();
    formats.dedup();
    formats
}

impl Kind for FhirNegotiation {
    const NAME: &'static str = "fhir-negotiation";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Talk<Wish>;

    async fn observe(&self, probes: &Probes) -> Result<Talk<Wish>, ProbeError> {
        let mut client = Client::new(probes, None, 16);
        let mut talk = Talk { metadata: client.metadata().await?, ..Talk::default() };
        let Some(claimed) = talk.metadata.as_deref().and_then(Claimed::of) else { return Ok(talk) };
        let formats = formats(&claimed);
        let mut wishes: Vec<(Wish, String, String)> = Vec::new();
        for format in &formats {
            wishes.push((Wish::Accept((*format).to_owned()), "metadata".into(), (*format).to_owned()));
            let other = formats.iter().find(|f| f != &format).copied().unwrap_or("*/*");
            let path = format!("metadata?_format={}", super::fhir::query_value(format));
            wishes.push((Wish::Format((*format).to_owned()), path, other.to_owned()));
        }
        wishes.push((Wish::Unknown, "metadata".into(), NOTHING.into()));
        for (wish, path, accept) in wishes {
            let request = client.request(&path, "see whether the wish for a format is granted", false)?.header("Accept", accept);
            talk.turns.extend(client.send(&request).await?.turn(wish));
        }
        Ok(talk)
    }

    fn judge(&self, seen: &Talk<Wish>, _: &Facts<'_>) -> Verdict {
        let claimed = match seen.claimed() {
            Ok(claimed) => claimed,
            Err(verdict) => return *verdict,
        };
        let mut findings = Vec::new();
        let formats = formats(&claimed);
        if formats.is_empty() {
            let finding = Finding::error("fhir-formats", "the service claims no format of FHIR");
            findings.extend(seen.metadata.as_deref().map(|answer| {
                told(answer, finding).expected(FHIR_JSON).observed(&claimed.formats.join(", ")).clause("HL7 FHIR R4, CapabilityStatement.format")
            }));
        }
        for turn in &seen.turns {
            match turn.answered(&[StatusPattern::SUCCESS]) {
                Ok(answer) => findings.extend(self.judge_one(&turn.asked, answer)),
                Err(finding) => findings.push(finding),
            }
        }
        seen.verdict(&findings, "formats", &format!("{} as asked for, and 406 for what is not spoken", formats.join(", ")))
    }
}

impl FhirNegotiation {
    fn judge_one(&self, wish: &Wish, answer: &Answer) -> Option<Finding> {
        let (wanted, rule, must) = match wish {
            Wish::Unknown => {
                let finding = status(answer, "fhir-not-acceptable", "a format that is not spoken is not refused", "status 406").clause(CLAUSE);
                return (answer.status != 406).then(|| recommended(self.recommendations || answer.status >= 500, finding));
            }
            Wish::Accept(format) => (format, "fhir-accept", true),
            Wish::Format(format) => (format, "fhir-format", self.recommendations),
        };
        if answer.status != 200 {
            let message = format!("the claimed format {wanted} is not given");
            return Some(recommended(must || answer.status >= 500, status(answer, rule, message, "status 200").clause(CLAUSE)));
        }
        // Turtle goes by two names.
        let came = answer.media_type();
        let same = came == *wanted || (wanted == "application/fhir+turtle" && came == "text/turtle");
        if !same {
            let by = if must { "`Accept`" } else { "`_format`" };
            let by = if matches!(wish, Wish::Format(_)) { "`_format`" } else { by };
            let finding = Finding::error(rule, format!("the wish for {wanted} by {by} is not granted"));
            return Some(recommended(must, told(answer, finding).expected(wanted.clone()).observed(&came).clause(CLAUSE)));
        }
        let text = answer.text.as_deref().unwrap_or_default().trim_start_matches('\u{feff}').trim_start();
        let looks = match wanted.as_str() {
            FHIR_JSON => text.starts_with('{'),
            "application/fhir+xml" => text.starts_with('<') && text.contains("CapabilityStatement"),
            _ => !text.is_empty(),
        };
        (!looks).then(|| told(answer, Finding::error("fhir-format-body", format!("what is called {wanted} is something else"))).expected(wanted.clone()).clause(CLAUSE))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::super::fhir::Turn;
    use super::*;
    use crate::verdict::Outcome;

    const METADATA: &str = r#"{"resourceType":"CapabilityStatement","format":["json","application/fhir+xml"]}"#;
    const XML: &str = "<CapabilityStatement xmlns=\"http://hl7.org/fhir\"/>";

    fn judge(check: &str, wish: Wish, seen: Answer) -> Verdict {
        let check: FhirNegotiation = kind(check);
        let turn = Turn { asked: wish, answer: Some(Box::new(seen)), trouble: None };
        let metadata = answer(200, &[("Content-Type", FHIR_JSON)], METADATA);
        let talk = Talk { metadata: Some(Box::new(metadata)), turns: vec![turn], ..Talk::default() };
        check.judge(&talk, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }
    fn fhir(kind: &str, text: &str) -> Answer {
        answer(200, &[("Content-Type", kind)], text)
    }

    #[test]
    fn formats_come_as_asked_for() {
        let strict = "{recommendations: true}";
        let (json, xml) = (FHIR_JSON.to_owned(), "application/fhir+xml".to_owned());
        for (wish, seen) in [
            (Wish::Accept(json.clone()), fhir("application/fhir+json; charset=UTF-8", "{}")),
            (Wish::Accept(xml.clone()), fhir(&xml, XML)),
            (Wish::Format(xml.clone()), fhir(&xml, XML)),
            (Wish::Unknown, answer(406, &[], "")),
        ] {
            assert_eq!(judge(strict, wish.clone(), seen).outcome, Outcome::Passed, "{wish:?}");
        }
        for (wish, seen, why) in [
            (Wish::Accept(xml.clone()), fhir(FHIR_JSON, "{}"), "not granted"),
            (Wish::Accept(xml.clone()), answer(406, &[], ""), "not given"),
            (Wish::Accept(xml.clone()), fhir(&xml, "{}"), "something else"),
            (Wish::Format(xml.clone()), fhir(FHIR_JSON, "{}"), "`_format`"),
            (Wish::Unknown, fhir(FHIR_JSON, "{}"), "not refused"),
        ] {
            let verdict = judge(strict, wish, seen);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
        assert_eq!(judge("{}", Wish::Unknown, fhir(FHIR_JSON, "{}")).outcome, Outcome::Passed);
        assert_eq!(judge("{}", Wish::Accept(json), answer(503, &[], "")).outcome, Outcome::CantTell);
    }
}
