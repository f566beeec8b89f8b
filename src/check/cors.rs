//! Which strangers' pages may read an endpoint's answers in a visitor's name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, paths};
use super::{Facts, Kind, On, Probes};
use crate::format::header::cors::{self, Origin, judge};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Outcome, Verdict};

/// Asks with foreign origins: one with nothing in common with the host, two look-alikes, and `null`.
/// What everybody may read (`*`) is no fault; what is given to a stranger's page together with the
/// visitor's log-in is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cors {
    /// The paths; `{name}` stands for a fixture of the target file, a word or a list of words. The
    /// endpoint's own address, where nothing is said.
    #[serde(default = "own_address")]
    paths: Vec<String>,
    /// The credential to show, by its name in the target file, where an answer without one says nothing.
    #[serde(default)]
    credential: Option<String>,
}

fn own_address() -> Vec<String> {
    vec![String::new()]
}

/// The answers to the foreign origins, for one path.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) status: u16,
    pub(super) answers: Vec<cors::Answer>,
}

/// The answers, or what the target file does not provide.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Seen {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    asked: Vec<Asked>,
}

impl Kind for Cors {
    const NAME: &'static str = "cors";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Seen;

    async fn observe(&self, probes: &Probes) -> Result<Seen, ProbeError> {
        let mut seen = Seen::default();
        let host = probes.origin()?.host().to_owned();
        for template in &self.paths {
            let paths = match paths(template, probes.target()) {
                Ok(paths) => paths,
                Err(missing) => return Ok(Seen { missing: Some(missing), asked: Vec::new() }),
            };
            for path in paths {
                let mut asked = Asked { path: path.clone(), status: 0, answers: Vec::new() };
                for origin in Origin::ALL {
                    let sent = origin.value(&host);
                    let mut request = Request::get(probes.address(&path)?, "see whether a stranger's page may read the answer").header("Origin", sent.clone());
                    if let Some(name) = self.credential.as_deref().filter(|name| probes.has_credential(name)) {
                        request = request.credential(name);
                    }
                    let answer = Answer::from(&*probes.door().ask(&request).await?);
                    asked.status = asked.status.max(answer.status);
                    asked.answers.push(cors::Answer {
                        origin,
                        sent,
                        allow_origin: answer.header_values("access-control-allow-origin"),
                        allow_credentials: answer.header("access-control-allow-credentials").map(str::to_owned),
                        vary: answer.header_values("vary"),
                    });
                }
                seen.asked.push(asked);
            }
        }
        Ok(seen)
    }

    fn judge(&self, seen: &Seen, _: &Facts<'_>) -> Verdict {
        if let Some(missing) = &seen.missing {
            return Verdict::untested(Cause::Missing, missing.clone());
        }
        if seen.asked.is_empty() {
            return Verdict::untested(Cause::Missing, "there was nothing to ask for");
        }
        let findings: Vec<Finding> = seen.asked.iter().flat_map(|asked| judge(&asked.answers).into_iter().map(|f| f.at(asked.path.clone()))).collect();
        let verdict = Verdict::from_findings(&findings, "reading by strangers' pages");
        if verdict.outcome != Outcome::Passed {
            return verdict;
        }
        match seen.asked.iter().find(|a| a.status == 429 || a.status >= 500) {
            Some(asked) => Verdict::cant_tell(Cause::Target, format!("status {} says nothing about whom answers are given to", asked.status)),
            None => verdict.with(Evidence::expected("no answer to a foreign origin in a visitor's name").observed("none").clause("WHATWG Fetch, section 3.2")),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{kind, target};
    use super::*;

    fn judge(status: u16, allow: impl Fn(&str) -> Vec<String>, credentials: Option<&str>) -> Outcome {
        let answers = Origin::ALL
            .map(|origin| {
                let sent = origin.value("api.test");
                cors::Answer { origin, allow_origin: allow(&sent), sent, allow_credentials: credentials.map(str::to_owned), vary: vec!["Origin".into()] }
            })
            .to_vec();
        let check: Cors = kind("{}");
        let seen = Seen { missing: None, asked: vec![Asked { path: "/".into(), status, answers }] };
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") }).outcome
    }

    #[test]
    fn only_a_visitors_name_makes_it_a_fault() {
        assert_eq!(judge(200, |_| vec![], None), Outcome::Passed);
        assert_eq!(judge(200, |_| vec!["*".into()], None), Outcome::Passed);
        assert_eq!(judge(200, |o| vec![o.to_owned()], None), Outcome::Passed);
        assert_eq!(judge(200, |o| vec![o.to_owned()], Some("true")), Outcome::Failed);
        assert_eq!(judge(200, |o| if o.ends_with("api.test") { vec![o.to_owned()] } else { vec![] }, Some("true")), Outcome::Failed);
        assert_eq!(judge(503, |_| vec![], None), Outcome::CantTell);
    }
}
