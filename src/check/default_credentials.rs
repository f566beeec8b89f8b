//! Passwords that were set in a factory are refused.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::login::{Login, Outcome, attempt};
use super::{Facts, Kind, On, Probes};
use crate::probe::{ProbeError, random_word};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Verdict};

/// Tries names and passwords that were or may have been set in a factory: at most three for each
/// account, with pauses, until the service asks to stop. A log-in is known by its difference from a
/// name and password that nobody has. Never pointed at accounts of real people.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DefaultCredentials {
    /// How the endpoint is logged in to.
    login: Login,
    /// The fixture of the target file that lists them, each as `name:password`.
    #[serde(default = "fixture")]
    fixture: String,
    /// Further ones, each as `name:password`.
    #[serde(default)]
    pairs: Vec<String>,
}

fn fixture() -> String {
    "default-credentials".into()
}

/// The most tries for one account: more may lock it.
const MOST_PER_ACCOUNT: usize = 3;
/// The most tries in all.
const MOST: usize = 20;
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(2);

/// What was tried. Passwords are not kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tries {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    /// With a name and password that nobody has.
    #[serde(default)]
    control: Vec<Outcome>,
    /// The account's name, and what came of it.
    #[serde(default)]
    tries: Vec<(String, Outcome)>,
    /// The service asked to stop, so that the rest was not tried.
    #[serde(default)]
    stopped: bool,
}

const PURPOSE: &str = "see whether a factory password is refused";

impl Kind for DefaultCredentials {
    const NAME: &'static str = "default-credentials";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::Intrusive;
    const ON: On = On::Http;
    type Observation = Tries;

    async fn observe(&self, probes: &Probes) -> Result<Tries, ProbeError> {
        let mut seen = Tries { missing: None, control: Vec::new(), tries: Vec::new(), stopped: false };
        let listed = match probes.target().fixtures.get(&self.fixture) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>(),
            Some(Value::String(one)) => vec![one.clone()],
            Some(_) | None => Vec::new(),
        };
        if listed.is_empty() && self.pairs.is_empty() {
            seen.missing = Some(format!("the target file lists no factory passwords under `fixtures` as `{}`", self.fixture));
            return Ok(seen);
        }
        for _ in 0..2 {
            seen.control.push(attempt(&self.login, probes, &format!("nobody-{}", random_word()), &random_word(), PURPOSE).await?);
        }
        let mut names: Vec<String> = Vec::new();
        for pair in listed.iter().chain(&self.pairs) {
            let Some((name, password)) = pair.split_once(':') else { continue };
            if seen.tries.len() >= MOST || names.iter().filter(|n| *n == name).count() >= MOST_PER_ACCOUNT {
                continue;
            }
            tokio::time::sleep(PAUSE).await;
            names.push(name.to_owned());
            let outcome = attempt(&self.login, probes, name, password, PURPOSE).await?;
            let stop = outcome.says_stop();
            seen.tries.push((name.to_owned(), outcome));
            if stop {
                seen.stopped = true;
                break;
            }
        }
        Ok(seen)
    }

    fn judge(&self, seen: &Tries, _: &Facts<'_>) -> Verdict {
        const CLAUSE: &str = "EN 303 645, provision 5.1-1";
        if let Some(missing) = &seen.missing {
            return Verdict::untested(Cause::Missing, missing.clone());
        }
        let (Some(control), false) = (seen.control.first(), seen.tries.is_empty()) else {
            return Verdict::untested(Cause::Missing, "no name and password was tried");
        };
        let success = |status: u16| (200..300).contains(&status);
        if matches!(self.login, Login::Basic { .. }) && success(control.status) {
            return Verdict::cant_tell(Cause::Target, "the path opens to a name and password that nobody has: it is not protected by a log-in");
        }
        if control.is_no_log_in() {
            return Verdict::cant_tell(Cause::Missing, format!("there is no log-in at this path: status {}", control.status));
        }
        if control.says_stop() {
            return Verdict::cant_tell(Cause::Target, "the service asked to stop before anything was tried");
        }
        let mut unclear = None;
        for (name, outcome) in &seen.tries {
            let evidence = || {
                Evidence::expected("the same refusal as for a name and password that nobody has")
                    .observed(&format!("{name}: status {}{}; nobody: status {}", outcome.status, outcome.location.as_ref().map(|l| format!(" to {l}")).unwrap_or_default(), control.status))
                    .clause(CLAUSE)
            };
            if outcome.says_stop() {
                continue;
            }
            let refused = matches!(outcome.status, 400 | 401 | 403 | 404 | 422);
            let control_refused = matches!(control.status, 400 | 401 | 403 | 404 | 422);
            let opened = (control_refused && (success(outcome.status) || (300..400).contains(&outcome.status)))
                || (control.status == outcome.status && (300..400).contains(&outcome.status) && outcome.location != control.location);
            if opened {
                return Verdict::failed(format!("a factory password of the account {} opens the service", crate::verdict::Untrusted::new(name))).with(evidence());
            }
            // Pages that differ a little for each try cannot be told from a log-in by their bytes.
            let varies = seen.control.iter().any(|c| c.sha256 != control.sha256);
            let same = outcome.status == control.status && outcome.location == control.location && outcome.cookies == control.cookies;
            if !refused && !(same && (varies || outcome.sha256 == control.sha256)) {
                unclear.get_or_insert_with(evidence);
            }
        }
        match unclear {
            Some(evidence) => Verdict::cant_tell(Cause::Target, "an answer to a factory password is neither a refusal nor a log-in").with(evidence),
            None => {
                let verdict = Verdict::passed(format!("{} factory passwords are refused", seen.tries.len())).with(
                    Evidence::expected("refusals").observed(&format!("{} of {}", seen.tries.len(), seen.tries.len())).clause(CLAUSE),
                );
                if seen.stopped { verdict.note("the service asked to stop, so that the rest was not tried") } else { verdict }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;
    use crate::verdict::Outcome as Word;

    fn outcome(status: u16, headers: &[(&str, &str)], text: &str) -> Outcome {
        Outcome::of(&answer(status, headers, text), 5)
    }
    fn judge(login: &str, control: Outcome, tried: Outcome) -> Word {
        let check: DefaultCredentials = kind(&format!("{{login: {login}}}"));
        let seen = Tries { missing: None, control: vec![control.clone(), control], tries: vec![("admin".into(), tried)], stopped: false };
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") }).outcome
    }
    const BASIC: &str = "{basic: {path: /admin}}";
    const FORM: &str = "{form: {path: /login, user: u, password: p}}";

    #[test]
    fn a_log_in_is_a_difference_from_nobody() {
        let page = || outcome(200, &[], "wrong name or password");
        assert_eq!(judge(BASIC, outcome(401, &[], ""), outcome(401, &[], "")), Word::Passed);
        assert_eq!(judge(BASIC, outcome(401, &[], ""), outcome(200, &[], "")), Word::Failed);
        assert_eq!(judge(BASIC, outcome(200, &[], ""), outcome(200, &[], "")), Word::CantTell, "nothing is protected");
        assert_eq!(judge(FORM, outcome(404, &[], ""), outcome(404, &[], "")), Word::CantTell, "there is no log-in");
        assert_eq!(judge(FORM, page(), page()), Word::Passed);
        assert_eq!(judge(FORM, page(), outcome(200, &[], "welcome, admin")), Word::CantTell);
        let to = |l: &'static str| outcome(302, &[("Location", l)], "");
        assert_eq!(judge(FORM, to("/login?failed"), to("/login?failed")), Word::Passed);
        assert_eq!(judge(FORM, to("/login?failed"), to("/home")), Word::Failed);
        assert_eq!(judge(FORM, outcome(401, &[], ""), outcome(429, &[], "")), Word::Passed);
    }

    #[test]
    fn it_needs_consent_and_a_list() {
        assert_eq!(DefaultCredentials::EFFECT, Effect::Intrusive);
        let check: DefaultCredentials = kind(&format!("{{login: {BASIC}}}"));
        let seen = Tries { missing: Some("no list".into()), control: vec![], tries: vec![], stopped: false };
        assert_eq!(check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") }).outcome, Word::Untested);
    }
}
