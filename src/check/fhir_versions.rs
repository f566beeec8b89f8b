//! Versions of resources, and reading again only what has changed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{Answer, StatusPattern};
use super::fhir::{Client, FHIR_JSON, Reply, Talk, begin, default, entries, json, recommended, resource, status, told};
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Verdict};

/// Tries what the CapabilityStatement claims of versions on resources of the test person: `versionId`
/// and ETag, reading a version (`vread`), the history of a resource, and conditional reads by
/// If-None-Match and If-Modified-Since, which give 304 where nothing has changed. What is not claimed is
/// not asked.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FhirVersions {
    /// Whether what the standard recommends (SHOULD) is demanded too: an ETag where versions are claimed.
    #[serde(default)]
    recommendations: bool,
    /// How many types are tried.
    #[serde(default = "three")]
    types: u32,
    /// The credential to show, by its name in the target file. None where the target file has none of that name for this endpoint.
    #[serde(default = "default::credential")]
    credential: Option<String>,
}

fn three() -> u32 {
    3
}

/// What was asked of a resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Asked {
    /// `Type/id`.
    reference: String,
    /// What of it.
    what: What,
    /// The version that the first reading gave.
    #[serde(default)]
    version: String,
}

/// What of a resource was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    /// The resource.
    Current,
    /// The resource, unless its ETag is the one just seen.
    NoneMatch,
    /// The resource, unless it has not changed since the moment just seen.
    ModifiedSince,
    /// The version just seen.
    Version,
    /// Its history.
    History,
}

const VERSIONS: &str = "HL7 FHIR R4, RESTful API, read and version aware updates (http.html#read, http.html#versioning)";
const CONDITIONAL: &str = "HL7 FHIR R4, RESTful API, conditional read (http.html#cread)";
const VREAD: &str = "HL7 FHIR R4, RESTful API, vread (http.html#vread)";
const HISTORY: &str = "HL7 FHIR R4, RESTful API, history (http.html#history)";

fn is_claimed(of: &super::fhir::ClaimedType) -> bool {
    of.versioning.starts_with("versioned") || by_tag(of) || by_moment(of) || of.does("vread") || of.does("history-instance")
}
fn by_tag(of: &super::fhir::ClaimedType) -> bool {
    matches!(of.conditional_read.as_str(), "not-match" | "full-support")
}
fn by_moment(of: &super::fhir::ClaimedType) -> bool {
    matches!(of.conditional_read.as_str(), "modified-since" | "full-support")
}
fn version_of(value: &Value) -> &str {
    value.pointer("/meta/versionId").and_then(Value::as_str).unwrap_or_default()
}

impl Kind for FhirVersions {
    const NAME: &'static str = "fhir-versions";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Talk<Asked>;

    async fn observe(&self, probes: &Probes) -> Result<Talk<Asked>, ProbeError> {
        let mut client = Client::new(probes, self.credential.as_deref(), default::most_questions());
        let mut talk = Talk::default();
        let Some(known) = begin(&mut client, &mut talk, true).await? else { return Ok(talk) };
        let mut tried = 0;
        for of in known.claimed.types.iter().filter(|t| t.does("read") && is_claimed(t)) {
            let Some(reference) = known.reference(&of.of) else {
                talk.left.push(format!("{}: no resource of the test person is known", of.of));
                continue;
            };
            if tried >= self.types {
                talk.left.push(format!("{}: {} types were tried", of.of, self.types));
                continue;
            }
            tried += 1;
            let asked = |what, version: &str| Asked { reference: reference.clone(), what, version: version.to_owned() };
            let current = client.get(&reference, "read a resource with its version").await?;
            let (mut version, mut tag, mut moment) = (String::new(), None, None);
            if let Reply::Answered(answer) = &current {
                version = json(answer).map(|v| version_of(&v).to_owned()).unwrap_or_default();
                tag = answer.header("etag").map(str::to_owned);
                moment = answer.header("last-modified").map(str::to_owned);
            }
            talk.turns.extend(current.turn(asked(What::Current, &version)));
            // Only a version as FHIR writes it can stand in an address.
            let plain = super::fhir::is_reference(&format!("V/{version}"));
            let mut questions = Vec::new();
            if let Some(tag) = tag.filter(|_| by_tag(of)) {
                questions.push((What::NoneMatch, reference.clone(), Some(("If-None-Match", tag))));
            }
            if let Some(moment) = moment.filter(|_| by_moment(of)) {
                questions.push((What::ModifiedSince, reference.clone(), Some(("If-Modified-Since", moment))));
            }
            if of.does("vread") && plain {
                questions.push((What::Version, format!("{reference}/_history/{version}"), None));
            }
            if of.does("history-instance") {
                questions.push((What::History, format!("{reference}/_history?_count=20"), None));
            }
            for (what, path, field) in questions {
                let mut request = client.request(&path, "try what is claimed of versions", true)?.header("Accept", FHIR_JSON);
                if let Some((name, value)) = field {
                    request = request.header(name, value);
                }
                talk.turns.extend(client.send(&request).await?.turn(asked(what, &version)));
            }
        }
        Ok(talk)
    }

    fn judge(&self, seen: &Talk<Asked>, _: &Facts<'_>) -> Verdict {
        let claimed = match seen.claimed() {
            Ok(claimed) => claimed,
            Err(verdict) => return *verdict,
        };
        if !claimed.types.iter().any(is_claimed) {
            return Verdict::inapplicable("the service claims neither versions nor history nor conditional reads");
        }
        if seen.turns.is_empty() {
            return Verdict::untested(Cause::Missing, "nothing claimed of versions could be tried: no such resource of the test person is known");
        }
        let mut findings = Vec::new();
        for turn in &seen.turns {
            let of = claimed.of_type(turn.asked.reference.split('/').next().unwrap_or_default()).cloned().unwrap_or_default();
            match turn.answered(&[StatusPattern::SUCCESS]) {
                Ok(answer) => self.judge_one(&of, &turn.asked, answer, &mut findings),
                Err(finding) => findings.push(finding),
            }
        }
        seen.verdict(&findings, "versions", "what is claimed of versions, history and conditional reads is so")
    }
}

impl FhirVersions {
    fn judge_one(&self, of: &super::fhir::ClaimedType, asked: &Asked, answer: &Answer, out: &mut Vec<Finding>) {
        let error = |rule: &str, message: &str, expected: String, observed: &str, clause: &str| {
            told(answer, Finding::error(rule, message)).expected(expected).observed(observed).clause(clause)
        };
        match asked.what {
            What::Current => {
                if answer.status != 200 {
                    let finding = Finding::open("fhir-fixture", format!("{} cannot be read, so nothing is known of its versions", asked.reference));
                    out.push(told(answer, finding).observed(&format!("status {}", answer.status)));
                    return;
                }
                let version = &asked.version;
                let tag = answer.header("etag");
                if of.versioning.starts_with("versioned") && version.is_empty() {
                    out.push(error("fhir-version-id", "versions are claimed, and the resource has no versionId", "meta.versionId".into(), "none", VERSIONS));
                }
                match tag {
                    Some(tag) if !version.is_empty() && tag.trim_start_matches("W/").trim_matches('"') != version.as_str() => {
                        out.push(error("fhir-etag", "the ETag is not the version of the resource", format!("W/\"{version}\""), tag, VERSIONS));
                    }
                    None if of.versioning.starts_with("versioned") || by_tag(of) => {
                        let must = self.recommendations || by_tag(of);
                        out.push(recommended(must, error("fhir-etag", "versions are claimed, and no ETag is sent", format!("W/\"{version}\""), "none", VERSIONS)));
                    }
                    Some(_) | None => {}
                }
                if by_moment(of) && answer.header("last-modified").is_none() {
                    out.push(error("fhir-last-modified", "conditional reads by date are claimed, and no Last-Modified is sent", "Last-Modified".into(), "none", CONDITIONAL));
                }
            }
            What::NoneMatch | What::ModifiedSince => {
                if answer.status != 304 {
                    let by = if asked.what == What::NoneMatch { "If-None-Match" } else { "If-Modified-Since" };
                    let message = format!("the claimed conditional read by {by} gives status {} although nothing has changed", answer.status);
                    out.push(status(answer, "fhir-conditional-read", message, "status 304").clause(CONDITIONAL));
                }
            }
            What::Version => {
                if answer.status != 200 {
                    out.push(status(answer, "fhir-vread", "the claimed reading of a version does not give it", "status 200").clause(VREAD));
                    return;
                }
                match resource(answer, &of.of) {
                    Ok(value) if version_of(&value) != asked.version => {
                        out.push(error("fhir-vread", "another version came than the one that was asked for", asked.version.clone(), version_of(&value), VREAD));
                    }
                    Ok(_) => {}
                    Err(finding) => out.push(finding),
                }
            }
            What::History => {
                if answer.status != 200 {
                    out.push(status(answer, "fhir-history", "the claimed history does not come", "status 200 with a Bundle").clause(HISTORY));
                    return;
                }
                let bundle = match resource(answer, "Bundle") {
                    Ok(bundle) => bundle,
                    Err(finding) => return out.push(finding),
                };
                let kind = bundle.get("type").and_then(Value::as_str).unwrap_or("none");
                if kind != "history" {
                    out.push(error("fhir-history", "the Bundle of a history has another type", "history".into(), kind, HISTORY));
                }
                if entries(&bundle).any(|e| e.pointer("/request/method").is_none()) {
                    out.push(error("fhir-history", "an entry of the history does not say what was done", "request.method in each entry".into(), "none", HISTORY));
                }
                let known = entries(&bundle).any(|e| e.get("resource").is_some_and(|r| version_of(r) == asked.version));
                if !asked.version.is_empty() && !known {
                    out.push(error("fhir-history", "the current version is not in the history", format!("version {}", asked.version), "other versions", HISTORY));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::super::fhir::Turn;
    use super::*;
    use crate::verdict::Outcome;

    const METADATA: &str = r#"{"resourceType":"CapabilityStatement","rest":[{"mode":"server","resource":[{"type":"Patient","versioning":"versioned","conditionalRead":"full-support",
        "interaction":[{"code":"read"},{"code":"vread"},{"code":"history-instance"}]}]}]}"#;

    fn judge(metadata: &str, what: What, seen: Answer) -> Verdict {
        let check: FhirVersions = kind("{recommendations: true}");
        let asked = Asked { reference: "Patient/p-1".into(), what, version: "3".into() };
        let metadata = answer(200, &[("Content-Type", FHIR_JSON)], metadata);
        let turns = vec![Turn { asked, answer: Some(Box::new(seen)), trouble: None }];
        let talk = Talk { metadata: Some(Box::new(metadata)), turns, ..Talk::default() };
        check.judge(&talk, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }
    fn fhir(tag: &str, text: &str) -> Answer {
        answer(200, &[("Content-Type", FHIR_JSON), ("ETag", tag), ("Last-Modified", "Sun, 01 Nov 2026 10:00:00 GMT")], text)
    }

    #[test]
    fn versions_are_as_claimed_or_fail_for_their_reason() {
        let current = r#"{"resourceType":"Patient","id":"p-1","meta":{"versionId":"3"}}"#;
        let history = r#"{"resourceType":"Bundle","type":"history","entry":[{"request":{"method":"PUT"},"resource":{"meta":{"versionId":"3"}}}]}"#;
        for (what, seen) in [
            (What::Current, fhir("W/\"3\"", current)),
            (What::NoneMatch, answer(304, &[], "")),
            (What::ModifiedSince, answer(304, &[], "")),
            (What::Version, fhir("W/\"3\"", current)),
            (What::History, fhir("", history)),
        ] {
            assert_eq!(judge(METADATA, what, seen).outcome, Outcome::Passed, "{what:?}");
        }
        for (what, seen, why) in [
            (What::Current, fhir("W/\"2\"", current), "not the version"),
            (What::Current, answer(200, &[("Content-Type", FHIR_JSON), ("Last-Modified", "x")], current), "no ETag"),
            (What::Current, answer(200, &[("Content-Type", FHIR_JSON), ("ETag", "W/\"3\"")], current), "Last-Modified"),
            (What::NoneMatch, fhir("W/\"3\"", current), "If-None-Match"),
            (What::ModifiedSince, fhir("W/\"3\"", current), "If-Modified-Since"),
            (What::Version, fhir("", &current.replace('3', "2")), "another version"),
            (What::Version, answer(404, &[], ""), "does not give"),
            (What::History, fhir("", &history.replace("\"3\"", "\"2\"")), "not in the history"),
            (What::History, fhir("", &history.replace("\"history\"", "\"searchset\"")), "another type"),
        ] {
            let verdict = judge(METADATA, what, seen);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
        let bare = r#"{"resourceType":"CapabilityStatement","rest":[{"mode":"server","resource":[{"type":"Patient","interaction":[{"code":"read"}]}]}]}"#;
        assert_eq!(judge(bare, What::Current, fhir("", current)).outcome, Outcome::Inapplicable);
        assert_eq!(judge(METADATA, What::Current, answer(404, &[], "")).outcome, Outcome::CantTell);
    }
}
