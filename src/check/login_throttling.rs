//! Guessing passwords is slowed down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::paths;
use super::login::{Login, Outcome, attempt};
use super::{Facts, Kind, On, Probes};
use crate::probe::{ProbeError, random_word};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Verdict};

/// Tries wrong passwords on a test account until the service slows down, locks or blocks, or the number
/// of tries is reached. The account of a real person, or of an alarm receiver, would be locked out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LoginThrottling {
    /// How the endpoint is logged in to.
    login: Login,
    /// The test account's name: a fixture as `{name}`, or the name itself.
    account: String,
    /// Before how many wrong passwords the service must have reacted; at most 15.
    attempts: u8,
    /// How many times longer than at first an answer must take to count as slowed down.
    #[serde(default = "five_times")]
    slower: u32,
}

fn five_times() -> u32 {
    5
}

/// No more wrong passwords than this are ever tried.
const MOST: u8 = 15;
/// A delay below this is noise of the network, in milliseconds.
const LEAST_DELAY_MS: u64 = 1_000;

/// What came of the tries.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tries {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    tries: Vec<Outcome>,
    /// The connection was refused or cut after some tries.
    #[serde(default)]
    blocked: bool,
}

impl Kind for LoginThrottling {
    const NAME: &'static str = "login-throttling";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::Intrusive;
    const ON: On = On::Http;
    type Observation = Tries;

    async fn observe(&self, probes: &Probes) -> Result<Tries, ProbeError> {
        let mut seen = Tries { missing: None, tries: Vec::new(), blocked: false };
        let account = match paths(&self.account, probes.target()) {
            Ok(names) => names.into_iter().next().unwrap_or_default(),
            Err(missing) => return Ok(Tries { missing: Some(missing), ..seen }),
        };
        for _ in 0..self.attempts.min(MOST) {
            match attempt(&self.login, probes, &account, &random_word(), "see whether guessing passwords is slowed down").await {
                Ok(outcome) => {
                    let stop = outcome.says_stop() || self.has_slowed(&seen.tries, &outcome);
                    seen.tries.push(outcome);
                    if stop {
                        break;
                    }
                }
                Err(ProbeError::Refused { .. } | ProbeError::Reset { .. } | ProbeError::Closed { .. }) if !seen.tries.is_empty() => {
                    seen.blocked = true;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(seen)
    }

    fn judge(&self, seen: &Tries, _: &Facts<'_>) -> Verdict {
        if let Some(missing) = &seen.missing {
            return Verdict::untested(Cause::Missing, missing.clone());
        }
        let Some((last, before)) = seen.tries.split_last() else { return Verdict::untested(Cause::Missing, "nothing was tried") };
        let words = seen.tries.iter().map(|t| format!("{} ({} ms)", t.status, t.ms)).collect::<Vec<_>>().join(", ");
        let evidence = Evidence::expected(format!("429, a lock or a growing delay within {} tries", self.attempts)).observed(&words).clause("EN 303 645, provision 5.1-5");
        let count = seen.tries.len();
        if seen.tries.first().is_some_and(|t| t.status >= 500 && t.status != 503) {
            return Verdict::cant_tell(Cause::Target, format!("the log-in answers with status {}: it does not work", last.status)).with(evidence);
        }
        if seen.tries.first().is_some_and(Outcome::is_no_log_in) {
            return Verdict::cant_tell(Cause::Missing, format!("there is no log-in at this path: status {}", last.status)).with(evidence);
        }
        if matches!(self.login, Login::Basic { .. }) && seen.tries.first().is_some_and(|t| (200..300).contains(&t.status)) {
            return Verdict::cant_tell(Cause::Target, "the path opens to a wrong password: it is not protected by a log-in").with(evidence);
        }
        if seen.blocked {
            return Verdict::passed(format!("after {count} wrong passwords no connection is taken any more")).with(evidence);
        }
        if seen.tries.first().is_some_and(Outcome::says_stop) {
            return Verdict::cant_tell(Cause::Target, "the service asked to stop at the first try: it may have been busy with something else").with(evidence);
        }
        if last.says_stop() || (last.status == 403 && before.iter().any(|t| t.status == 401)) {
            return Verdict::passed(format!("after {count} wrong passwords the service refuses to go on")).with(evidence);
        }
        if self.has_slowed(before, last) {
            return Verdict::passed(format!("after {count} wrong passwords the answers take much longer")).with(evidence);
        }
        if (200..300).contains(&last.status) && before.iter().any(|t| !(200..300).contains(&t.status)) {
            return Verdict::cant_tell(Cause::Target, "an answer to a wrong password is a success").with(evidence);
        }
        if before.iter().any(|t| t.status != last.status || t.sha256 != last.sha256 && t.location != last.location) {
            return Verdict::cant_tell(Cause::Target, "the answers changed while passwords were tried; whether that is a lock is for a person to look at").with(evidence);
        }
        if count < usize::from(self.attempts.min(MOST)) {
            return Verdict::cant_tell(Cause::Limit, format!("only {count} passwords were tried")).with(evidence);
        }
        Verdict::failed(format!("{count} wrong passwords are answered alike, one after the other"))
            .with(evidence)
            .note("an account may be locked without saying so; a log-in with the right password would show it")
    }
}

impl LoginThrottling {
    fn has_slowed(&self, before: &[Outcome], last: &Outcome) -> bool {
        let mut first: Vec<u64> = before.iter().take(3).map(|t| t.ms).collect();
        first.sort_unstable();
        let Some(usual) = first.get(first.len() / 2) else { return false };
        before.len() >= 3 && last.ms >= LEAST_DELAY_MS && last.ms >= usual.saturating_mul(u64::from(self.slower))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;
    use crate::verdict::Outcome as Word;

    fn judge(tries: &[(u16, u64)], blocked: bool) -> Word {
        let check: LoginThrottling = kind("{login: {basic: {path: /a}}, account: test, attempts: 10}");
        let tries = tries.iter().map(|(status, ms)| Outcome::of(&answer(*status, &[], ""), *ms)).collect();
        check.judge(&Tries { missing: None, tries, blocked }, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") }).outcome
    }

    #[test]
    fn any_reaction_passes_and_none_fails() {
        let alike = vec![(401, 20); 10];
        assert_eq!(judge(&alike, false), Word::Failed);
        assert_eq!(judge(&[&alike[..5], &[(429, 20)]].concat(), false), Word::Passed);
        assert_eq!(judge(&[&alike[..5], &[(423, 20)]].concat(), false), Word::Passed);
        assert_eq!(judge(&[&alike[..5], &[(401, 3_000)]].concat(), false), Word::Passed);
        assert_eq!(judge(&[&alike[..5], &[(403, 20)]].concat(), false), Word::Passed);
        assert_eq!(judge(&alike[..6], true), Word::Passed);
        assert_eq!(judge(&[(429, 20)], false), Word::CantTell);
        assert_eq!(judge(&[(500, 20)], false), Word::CantTell);
        assert_eq!(judge(&[(200, 20); 10], false), Word::CantTell, "nothing is protected");
        for nothing_there in [404, 405, 410, 501] {
            assert_eq!(judge(&[(nothing_there, 20); 10], false), Word::CantTell, "there is no log-in");
        }
        assert_eq!(judge(&alike[..6], false), Word::CantTell, "too few tries");
        assert_eq!(LoginThrottling::EFFECT, Effect::Intrusive);
    }
}
