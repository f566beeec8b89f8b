//! Protected resources are refused to somebody without a credential.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{Answer, StatusPattern, paths};
use super::authentication_enforced::plain;
use super::{Facts, Kind, On, Probes};
use crate::format::header::authentication::{Credential, Meaning, denies, meaning};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Verdict};

/// Asks for protected paths twice, first with the credential and then without any. The first question
/// is the positive control: where it does not succeed, a refusal of the second shows nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UnauthenticatedAccess {
    /// The protected paths; `{name}` stands for a fixture of the target file, a word or a list of words.
    paths: Vec<String>,
    /// The credential of the positive control, by its name in the target file.
    credential: String,
}

/// What came back with and without the credential.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Pair {
    with: Answer,
    without: Answer,
}

/// The answers, or what the target file does not provide.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pairs {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    #[serde(default)]
    pairs: Vec<Pair>,
}

impl Kind for UnauthenticatedAccess {
    const NAME: &'static str = "unauthenticated-access";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Pairs;

    async fn observe(&self, probes: &Probes) -> Result<Pairs, ProbeError> {
        let mut seen = Pairs::default();
        if !probes.has_credential(&self.credential) {
            seen.missing = Some(format!("the target file names no credential `{}` for this endpoint, so there is no positive control", self.credential));
            return Ok(seen);
        }
        for template in &self.paths {
            let paths = match paths(template, probes.target()) {
                Ok(paths) => paths,
                Err(missing) => {
                    seen.missing = Some(missing);
                    return Ok(seen);
                }
            };
            for path in paths {
                let url = probes.address(&path)?;
                let request = Request::get(url, "see whether a protected resource needs its credential");
                let without = Answer::from(&*probes.door().ask(&request).await?);
                let with = Answer::from(&*probes.door().ask(&request.credential(&self.credential)).await?);
                seen.pairs.push(Pair { with, without });
            }
        }
        Ok(seen)
    }

    fn judge(&self, seen: &Pairs, _: &Facts<'_>) -> Verdict {
        if let Some(missing) = &seen.missing {
            return Verdict::untested(Cause::Missing, missing.clone());
        }
        if seen.pairs.is_empty() {
            return Verdict::untested(Cause::Missing, "there was nothing to ask for");
        }
        // An open door is the worst of all, so it is told before anything that could not be told.
        let mut verdicts: Vec<Verdict> = seen.pairs.iter().map(pair).collect();
        verdicts.sort_by_key(|verdict| verdict.outcome.rank());
        let evidence: Vec<Evidence> = verdicts.iter().skip(1).take(24).flat_map(|v| v.evidence.iter().cloned()).collect();
        match verdicts.into_iter().next() {
            Some(worst) => worst.with_all(evidence),
            None => Verdict::untested(Cause::Missing, "there was nothing to ask for"),
        }
    }
}

fn pair(Pair { with, without }: &Pair) -> Verdict {
    const CLAUSE: &str = "RFC 9110, sections 15.5.2 and 15.5.4";
    let expected = "401 or 403 without a credential";
    let evidence = without.status_evidence(expected).clause(CLAUSE);
    if !StatusPattern::any(&[StatusPattern::SUCCESS], with.status) {
        if let Some(verdict) = with.tells_nothing(&[StatusPattern::SUCCESS]) {
            return verdict;
        }
        return Verdict::cant_tell(Cause::Missing, format!("the positive control did not succeed: status {} with the credential, so a refusal without it shows nothing", with.status))
            .with(with.status_evidence("status 2xx with the credential"));
    }
    if with.shown.is_none() {
        let why = with.withheld.clone().unwrap_or_else(|| "it was not sent".into());
        return Verdict::cant_tell(Cause::Missing, format!("the credential was not shown: {why}"));
    }
    match without.status {
        401 => {
            let verdict = Verdict::passed("without a credential it is refused").with(evidence);
            if without.header("www-authenticate").is_none() {
                verdict.note("an answer 401 must name how to authenticate in WWW-Authenticate (RFC 9110, section 15.5.2)")
            } else {
                verdict
            }
        }
        403 => Verdict::passed("without a credential it is refused").with(evidence),
        404 => Verdict::passed("without a credential it is not shown to exist").with(evidence),
        300..=399 => Verdict::passed("without a credential it leads elsewhere").with(evidence).note("a client of an API is told more by 401"),
        200..=299 => open(with, without, evidence),
        429 | 500..=599 => Verdict::cant_tell(Cause::Target, format!("status {} without a credential is no refusal", without.status)).with(evidence),
        _ => Verdict::cant_tell(Cause::Target, format!("status {} without a credential is neither a refusal nor an answer", without.status)).with(evidence),
    }
}

/// A success without a credential: the protected content itself, or a denial that calls itself one.
fn open(with: &Answer, without: &Answer, evidence: Evidence) -> Verdict {
    let failed = || {
        Verdict::failed("the protected content is given to anybody, without a credential")
            .with(evidence.clone())
            .with(Evidence::expected("the content only with the credential").observed("the same content without it").at(without.place()))
    };
    if without.sha256 == with.sha256 && without.length > 0 {
        return failed();
    }
    let json = |answer: &Answer| serde_json::from_str::<Value>(answer.text.as_deref().unwrap_or_default()).ok();
    let same = matches!(meaning(&plain(without), Credential::Bare, &plain(with), None), Meaning::Given);
    // Content that changes with every answer is the same content if it has the same shape.
    match (json(with), json(without)) {
        _ if same => failed(),
        (Some(with), Some(open)) if !denies(&plain(without)) && is_of_one_kind(&with, &open) => failed(),
        _ => Verdict::cant_tell(
            Cause::Target,
            format!("without a credential it answers {} with other content: whether that is a denial or part of what is protected is for a person to look at", without.status),
        )
        .with(evidence),
    }
}

/// Whether two answers carry things of one kind: lists of objects with the same members, or objects with the
/// same members of which one at least is equal. An envelope around an error has the members too, and no more.
fn is_of_one_kind(a: &Value, b: &Value) -> bool {
    let members = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let telling = |value: &Value| matches!(value, Value::String(text) if !text.is_empty()) || value.is_number();
            !a.is_empty() && members(a) == members(b) && a.iter().any(|(name, value)| telling(value) && b.get(name) == Some(value))
        }
        (Value::Array(a), Value::Array(b)) => match (a.first(), b.first()) {
            (Some(Value::Object(a)), Some(Value::Object(b))) => !a.is_empty() && members(a) == members(b),
            (Some(_) | None, _) => false,
        },
        (Value::Object(_) | Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;
    use crate::verdict::Outcome;

    fn judge(pairs: Vec<(Answer, Answer)>) -> Outcome {
        let check: UnauthenticatedAccess = kind("{paths: [/x], credential: reader}");
        let pairs = pairs.into_iter().map(|(with, without)| Pair { with, without }).collect();
        check.judge(&Pairs { missing: None, pairs }, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") }).outcome
    }
    fn control(text: &str) -> Answer {
        Answer { shown: Some("reader".into()), ..answer(200, &[("content-type", "application/json")], text) }
    }

    #[test]
    fn refusals_pass_and_open_doors_fail() {
        for status in [401, 403, 404, 302] {
            assert_eq!(judge(vec![(control("{\"id\":1}"), answer(status, &[], ""))]), Outcome::Passed, "{status}");
        }
        assert_eq!(judge(vec![(control("{\"id\":1}"), answer(200, &[], "{\"id\":1}"))]), Outcome::Failed);
        assert_eq!(judge(vec![(control("{\"id\":1,\"at\":1}"), answer(200, &[], "{\"id\":1,\"at\":20}"))]), Outcome::Failed);
        let closed = || (control("{\"id\":1}"), answer(401, &[], ""));
        assert_eq!(judge(vec![closed(), (control("[{\"id\":1}]"), answer(200, &[], "[{\"id\":22}]"))]), Outcome::Failed);
    }

    #[test]
    fn a_denial_that_calls_itself_success_cannot_be_told() {
        assert_eq!(judge(vec![(control("{\"id\":1}"), answer(200, &[], "<html>Log in</html>"))]), Outcome::CantTell);
        assert_eq!(judge(vec![(control("{\"id\":1}"), answer(200, &[], "{\"error\":\"no\"}"))]), Outcome::CantTell);
        assert_eq!(judge(vec![(control("{\"id\":1}"), answer(500, &[], ""))]), Outcome::CantTell);
        let envelope = (control("{\"status\":\"ok\",\"message\":\"\"}"), answer(200, &[], "{\"status\":\"error\",\"message\":\"who are you?\"}"));
        assert_eq!(judge(vec![envelope]), Outcome::CantTell, "an envelope is no content");
    }

    #[test]
    fn without_a_positive_control_nothing_is_shown() {
        assert_eq!(judge(vec![(answer(404, &[], ""), answer(404, &[], ""))]), Outcome::CantTell);
        let refused = Answer { shown: Some("reader".into()), ..answer(401, &[], "") };
        assert_eq!(judge(vec![(refused, answer(401, &[], ""))]), Outcome::CantTell);
        let withheld = Answer { withheld: Some("not verified".into()), ..answer(200, &[], "{}") };
        assert_eq!(judge(vec![(withheld, answer(401, &[], ""))]), Outcome::CantTell);
        assert_eq!(judge(vec![]), Outcome::Untested);
    }
}
