//! One user cannot read what belongs to another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, paths};
use super::authentication_enforced::plain;
use super::{Facts, Kind, On, Probes};
use crate::format::header::authentication::{Credential, Meaning, meaning};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Verdict};

/// Asks for objects of a test account with the credential of another test account. Two controls come
/// first: the owner reads the object, and the other one reads something of its own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ObjectAccess {
    /// Paths of objects that belong to the owner; `{name}` stands for a fixture of the target file.
    paths: Vec<String>,
    /// The owner's credential, by its name in the target file.
    owner: String,
    /// The other account's credential.
    other: String,
    /// A path that the other account may read, which shows that its credential is good.
    other_may_read: String,
}

/// The answers for one object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Tried {
    owner: Answer,
    other: Answer,
}

/// The answers, or what the target file does not provide.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Seen {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own: Option<Answer>,
    tried: Vec<Tried>,
}

const PURPOSE: &str = "see whether one test account can read what belongs to another";

impl Kind for ObjectAccess {
    const NAME: &'static str = "object-access";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Seen;

    async fn observe(&self, probes: &Probes) -> Result<Seen, ProbeError> {
        let missing = |what: String| Ok(Seen { missing: Some(what), ..Seen::default() });
        if let Some(name) = [&self.owner, &self.other].into_iter().find(|name| !probes.has_credential(name)) {
            return missing(format!("the target file names no credential `{name}` for this endpoint; two test accounts are needed"));
        }
        let mut seen = Seen::default();
        let own = match paths(&self.other_may_read, probes.target()) {
            Ok(paths) => paths.into_iter().next().unwrap_or_default(),
            Err(what) => return missing(what),
        };
        let ask = |path: String, name: &str| -> Result<Request, ProbeError> { Ok(Request::get(probes.address(&path)?, PURPOSE).credential(name)) };
        seen.own = Some(Answer::from(&*probes.door().ask(&ask(own, &self.other)?).await?));
        for template in &self.paths {
            let paths = match paths(template, probes.target()) {
                Ok(paths) => paths,
                Err(what) => return missing(what),
            };
            for path in paths {
                let owner = Answer::from(&*probes.door().ask(&ask(path.clone(), &self.owner)?).await?);
                let other = Answer::from(&*probes.door().ask(&ask(path, &self.other)?).await?);
                seen.tried.push(Tried { owner, other });
            }
        }
        Ok(seen)
    }

    fn judge(&self, seen: &Seen, _: &Facts<'_>) -> Verdict {
        if let Some(missing) = &seen.missing {
            return Verdict::untested(Cause::Missing, missing.clone());
        }
        let success = |answer: &Answer| (200..300).contains(&answer.status);
        let Some(own) = seen.own.as_ref().filter(|_| !seen.tried.is_empty()) else { return Verdict::untested(Cause::Missing, "there was nothing to ask for") };
        if !success(own) {
            return Verdict::cant_tell(Cause::Missing, format!("the other account cannot read what it should, status {}: its refusals show nothing", own.status)).with(own.status_evidence("status 200"));
        }
        let mut verdicts: Vec<Verdict> = seen
            .tried
            .iter()
            .map(|Tried { owner, other }| {
                let evidence = Evidence::expected("403 or 404 for the other account").observed(&format!("status {} for the owner, {} for the other", owner.status, other.status)).at(other.place()).clause("OWASP API Security Top 10 (2023), API1");
                if !success(owner) {
                    return Verdict::cant_tell(Cause::Missing, format!("the owner cannot read its own object, status {}: a refusal of others shows nothing", owner.status)).with(evidence);
                }
                match meaning(&plain(other), Credential::RandomBearer, &plain(owner), None) {
                    Meaning::Refused | Meaning::Hidden | Meaning::SentToLogin => Verdict::passed("the other account is refused").with(evidence),
                    Meaning::Given => Verdict::failed("one account reads what belongs to another").with(evidence),
                    Meaning::SoftDenial => Verdict::cant_tell(Cause::Target, "the other account gets a success whose content says that it is none").with(evidence),
                    Meaning::Different | Meaning::SoftNotFound => Verdict::cant_tell(Cause::Target, "the other account gets other content than the owner: whether that is part of what is protected is for a person to look at").with(evidence),
                    Meaning::Throttled | Meaning::Unclear => Verdict::cant_tell(Cause::Target, format!("status {} is neither a refusal nor a success", other.status)).with(evidence),
                }
            })
            .collect();
        verdicts.sort_by_key(|v| v.outcome.rank());
        let more: Vec<Evidence> = verdicts.iter().skip(1).take(24).flat_map(|v| v.evidence.iter().cloned()).collect();
        verdicts.swap_remove(0).with_all(more)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;
    use crate::verdict::Outcome;

    fn judge(own: u16, owner: Answer, other: Answer) -> Outcome {
        let check: ObjectAccess = kind("{paths: ['/p/{b}'], owner: b, other: a, other-may-read: '/p/{a}'}");
        let seen = Seen { missing: None, own: Some(answer(own, &[], "{}")), tried: vec![Tried { owner, other }] };
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") }).outcome
    }

    #[test]
    fn both_controls_must_succeed_and_the_other_be_refused() {
        let object = || answer(200, &[], "{\"id\":7}");
        assert_eq!(judge(200, object(), answer(403, &[], "")), Outcome::Passed);
        assert_eq!(judge(200, object(), answer(404, &[], "")), Outcome::Passed);
        assert_eq!(judge(200, object(), object()), Outcome::Failed);
        assert_eq!(judge(200, object(), answer(200, &[], "{}")), Outcome::CantTell);
        assert_eq!(judge(401, object(), answer(403, &[], "")), Outcome::CantTell);
        assert_eq!(judge(200, answer(404, &[], ""), answer(404, &[], "")), Outcome::CantTell);
        assert_eq!(judge(200, object(), answer(500, &[], "")), Outcome::CantTell);
        assert_eq!(judge(200, object(), answer(429, &[], "")), Outcome::CantTell);
        let soft = answer(200, &[("Content-Type", "application/json")], "{\"error\":\"forbidden\"}");
        assert_eq!(judge(200, object(), soft), Outcome::CantTell, "a denial that calls itself a success");
        let long = |at: &str| answer(200, &[], &format!("{{\"id\":7,\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"at\":\"{at}\"}}"));
        assert_eq!(judge(200, long("2026-11-22T10:00:00Z"), long("2026-11-22T10:00:01Z")), Outcome::Failed, "the moment of the answer differs");
    }
}
