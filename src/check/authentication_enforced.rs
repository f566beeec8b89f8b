//! Protected resources need a valid credential, not only some credential.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, paths};
use super::{Facts, Kind, On, Probes};
use crate::format::header::authentication::{self, Credential, judge};
use crate::probe::{ProbeError, Request};
use crate::target::{CredentialScheme, Effect};
use crate::verdict::{Cause, Evidence, Finding, Grade, Outcome, Verdict};

/// Asks for protected paths with the credential, without any, and with tokens that no service should
/// take, shown as the credential is shown (as bearer, in a header, a cookie or the query, as password of
/// HTTP Basic): random, unsigned, expired. The credential is the positive control, and a path that cannot
/// exist shows what "nothing here" looks like. A success that says it is none, and a page that every
/// path gets, cannot be told by machine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AuthenticationEnforced {
    /// The protected paths; `{name}` stands for a fixture of the target file, a word or a list of words.
    paths: Vec<String>,
    /// The credential of the positive control, by its name in the target file.
    credential: String,
    /// What is shown in its place; all kinds, where none is named.
    #[serde(default = "all")]
    with: Vec<Credential>,
}

fn all() -> Vec<Credential> {
    Credential::ALL.to_vec()
}

/// The answers for one path.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Tried {
    address: String,
    control: Answer,
    answers: Vec<(Credential, Answer)>,
}

/// The answers, or what the target file does not provide.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Seen {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nowhere: Option<Answer>,
    tried: Vec<Tried>,
}

const PURPOSE: &str = "see whether a protected resource needs its credential";

impl Kind for AuthenticationEnforced {
    const NAME: &'static str = "authentication-enforced";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Seen;

    async fn observe(&self, probes: &Probes) -> Result<Seen, ProbeError> {
        let mut seen = Seen::default();
        if !probes.has_credential(&self.credential) {
            seen.missing = Some(format!("the target file names no credential `{}` for this endpoint, so there is no positive control", self.credential));
            return Ok(seen);
        }
        let scheme = probes.target().credentials.get(&self.credential).map(|c| c.scheme);
        // The tokens are made for a moment; which one does not matter to a service that checks signatures.
        let now = time::OffsetDateTime::now_utc();
        for template in &self.paths {
            let paths = match paths(template, probes.target()) {
                Ok(paths) => paths,
                Err(missing) => return Ok(Seen { missing: Some(missing), ..Seen::default() }),
            };
            for path in paths {
                let url = probes.address(&path)?;
                let mut answers = Vec::new();
                for credential in self.with.iter().filter(|c| fits(**c, scheme)) {
                    let mut request = Request::get(url.clone(), format!("{PURPOSE}: with {}", credential.words()));
                    if let Some(value) = credential.token(now) {
                        // Shown where the good one is shown: another place would only be no credential once more.
                        request = request.stand_in(&self.credential, value);
                    }
                    answers.push((*credential, Answer::from(&*probes.door().ask(&request).await?)));
                }
                let control = Answer::from(&*probes.door().ask(&Request::get(url.clone(), PURPOSE).credential(&self.credential)).await?);
                seen.tried.push(Tried { address: url.into(), control, answers });
            }
        }
        let nowhere = Request::get(probes.address("/probity-no-such-page-7f3a")?, "see what is answered where nothing is");
        seen.nowhere = Some(Answer::from(&*probes.door().ask(&nowhere).await?));
        Ok(seen)
    }

    fn judge(&self, seen: &Seen, _: &Facts<'_>) -> Verdict {
        if let Some(missing) = &seen.missing {
            return Verdict::untested(Cause::Missing, missing.clone());
        }
        if seen.tried.is_empty() {
            return Verdict::untested(Cause::Missing, "there was nothing to ask for");
        }
        if let Some(why) = seen.tried.iter().find_map(|t| t.control.withheld.as_ref()) {
            return Verdict::cant_tell(Cause::Missing, format!("the credential was not shown: {why}"));
        }
        let nowhere = seen.nowhere.as_ref().map(plain);
        let findings: Vec<Finding> = seen
            .tried
            .iter()
            .flat_map(|tried| {
                let answers: Vec<_> = tried.answers.iter().map(|(credential, answer)| (*credential, plain(answer))).collect();
                judge(&tried.address, &plain(&tried.control), &answers, nowhere.as_ref())
            })
            .collect();
        let verdict = Verdict::from_findings(&findings, "protected resources");
        if verdict.outcome == Outcome::Passed {
            let count = seen.tried.iter().map(|t| t.answers.len()).sum::<usize>();
            return verdict.with(Evidence::expected("401 or 403 without the credential").observed(&format!("{count} refusals of {count} tries, and an answer to the credential")));
        }
        verdict
    }
}

/// Whether a stand-in means anything to this kind of credential: a password is no token.
fn fits(credential: Credential, scheme: Option<CredentialScheme>) -> bool {
    match credential {
        Credential::Bare | Credential::RandomBearer => true,
        Credential::AlgNone | Credential::Expired => scheme != Some(CredentialScheme::Basic),
    }
}

pub(super) fn plain(answer: &Answer) -> authentication::Answer {
    let header = |name: &str| answer.header(name).map(str::to_owned);
    authentication::Answer {
        status: answer.status,
        content_type: header("content-type"),
        challenge: header("www-authenticate"),
        location: header("location"),
        // Bytes that are no text are told apart by their digest.
        body: answer.text.clone().unwrap_or_else(|| answer.sha256.clone()),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;

    const DATA: &str = r#"{"devices":[{"id":1,"room":"hall"},{"id":2,"room":"bath"}]}"#;

    fn judge(control: Answer, answers: Vec<(Credential, Answer)>) -> Verdict {
        let check: AuthenticationEnforced = kind("{paths: [/x], credential: reader}");
        let seen = Seen { missing: None, nowhere: Some(answer(404, &[], "no")), tried: vec![Tried { address: "https://api.test/x".into(), control, answers }] };
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }
    fn refused() -> Answer {
        answer(401, &[("WWW-Authenticate", "Bearer")], "{}")
    }
    fn given() -> Answer {
        answer(200, &[("Content-Type", "application/json")], DATA)
    }

    #[test]
    fn every_stand_in_must_be_refused() {
        let all = |odd: Credential, answer: Answer| Credential::ALL.map(|c| (c, if c == odd { answer.clone() } else { refused() })).to_vec();
        assert_eq!(judge(given(), all(Credential::Bare, refused())).outcome, Outcome::Passed);
        for odd in Credential::ALL {
            let verdict = judge(given(), all(odd, given()));
            assert_eq!(verdict.outcome, Outcome::Failed, "{odd:?}");
            assert!(verdict.reason.contains(odd.words()), "{}", verdict.reason);
            assert_eq!(verdict.evidence.len(), 1);
        }
        let soft = answer(200, &[("Content-Type", "application/json")], r#"{"error":"unauthorized"}"#);
        assert_eq!(judge(given(), all(Credential::Bare, soft)).outcome, Outcome::CantTell);
        assert_eq!(judge(refused(), all(Credential::Bare, refused())).outcome, Outcome::CantTell, "no positive control");
    }

    #[test]
    fn without_a_credential_nothing_is_tested() {
        let check: AuthenticationEnforced = kind("{paths: [/x], credential: reader}");
        let seen = Seen { missing: Some("no credential".into()), ..Seen::default() };
        assert_eq!(check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") }).outcome, Outcome::Untested);
    }
}
