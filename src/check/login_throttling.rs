//! Guessing passwords is slowed down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::login::{Outcome, attempt, log_in, test_account};
use super::{Facts, Kind, On, Probes};
use crate::probe::{ProbeError, random_word};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Verdict};

/// Tries wrong passwords on the test account that the target file names for the endpoint's log-in, until
/// the service slows down, asks for more, locks or blocks, or the number of tries is reached. The right
/// password is tried first, to see that the log-in was understood, and last, to see a lock that nobody
/// tells of. No other account is ever tried: its owner would be locked out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LoginThrottling {
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
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tries {
    /// With the right password, before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    right: Option<Outcome>,
    /// With wrong ones.
    #[serde(default)]
    tries: Vec<Outcome>,
    /// With the right password, after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    right_after: Option<Outcome>,
    /// The connection was refused or cut after some tries.
    #[serde(default)]
    blocked: bool,
}

const PURPOSE: &str = "see whether guessing passwords is slowed down";

impl Kind for LoginThrottling {
    const NAME: &'static str = "login-throttling";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::Intrusive;
    const ON: On = On::Http;
    type Observation = Tries;

    async fn observe(&self, probes: &Probes) -> Result<Tries, ProbeError> {
        let mut seen = Tries::default();
        let (_, endpoint) = probes.endpoint()?;
        let Some(log_in) = endpoint.log_in.clone() else { return Ok(seen) };
        seen.right = test_account(&log_in, probes, PURPOSE).await?;
        let account = log_in.test_account.as_ref().and_then(|name| probes.target().credentials.get(name)?.user.clone());
        let (Some(right), Some(account)) = (&seen.right, account) else { return Ok(seen) };
        // A log-in may well lead to another host, and a page behind it may speak of CAPTCHAs.
        let works = (200..300).contains(&right.status) || right.elsewhere.is_some();
        if right.withheld.is_some() || (!works && right.hindrance(log_in.sent_as).is_some()) {
            return Ok(seen);
        }
        for _ in 0..self.attempts.min(MOST) {
            match attempt(&log_in, probes, &account, &random_word(), PURPOSE).await {
                Ok(outcome) => {
                    seen.tries.push(outcome);
                    if self.reaction(&seen.tries).is_some() || seen.tries.first().is_some_and(|first| first.is_like(right)) {
                        return Ok(seen);
                    }
                }
                Err(ProbeError::Refused { .. } | ProbeError::Reset { .. } | ProbeError::Closed { .. }) if !seen.tries.is_empty() => {
                    seen.blocked = true;
                    return Ok(seen);
                }
                Err(error) => return Err(error),
            }
        }
        seen.right_after = test_account(&log_in, probes, PURPOSE).await?;
        Ok(seen)
    }

    fn judge(&self, seen: &Tries, facts: &Facts<'_>) -> Verdict {
        let log_in = match log_in(facts) {
            Ok(log_in) => log_in,
            Err(verdict) => return *verdict,
        };
        let Some(right) = &seen.right else {
            return Verdict::untested(
                Cause::Missing,
                "the log-in names no `test-account` whose password is at hand; without one, somebody's account might be locked",
            );
        };
        if let Some(why) = &right.withheld {
            return Verdict::cant_tell(Cause::Missing, format!("the test account's password was not shown: {why}"));
        }
        let Some((last, before)) = seen.tries.split_last() else {
            return right.hindrance(log_in.sent_as).unwrap_or_else(|| Verdict::untested(Cause::Missing, "nothing was tried"));
        };
        let count = seen.tries.len();
        let words = seen.tries.iter().map(|t| format!("{} ({} ms)", t.status, t.ms)).collect::<Vec<_>>().join(", ");
        let evidence = Evidence::expected(format!("429, a lock, a CAPTCHA or a growing delay within {} tries", self.attempts))
            .observed(&words)
            .clause("EN 303 645, provision 5.1-5");
        let first = seen.tries.first().unwrap_or(last);
        if let Some(verdict) = first.hindrance(log_in.sent_as) {
            return verdict.with(evidence);
        }
        if first.is_like(right) {
            let why = format!(
                "the right and a wrong password of the test account are answered alike ({}), so the log-in was not understood",
                first.words()
            );
            return Verdict::cant_tell(Cause::Missing, why)
                .with(evidence)
                .note("a log-in that needs a token from its page or a cookie first cannot be tried by this check");
        }
        if seen.blocked {
            return Verdict::passed(format!("after {count} wrong passwords no connection is taken any more")).with(evidence);
        }
        if let Some(reaction) = self.reaction(&seen.tries) {
            return Verdict::passed(format!("after {count} wrong passwords {reaction}")).with(evidence);
        }
        if before.iter().chain([last]).any(|t| t.is_like(right)) {
            return Verdict::cant_tell(Cause::Target, "an answer to a wrong password looks like that to the right one").with(evidence);
        }
        if count < usize::from(self.attempts.min(MOST)) {
            return Verdict::cant_tell(Cause::Limit, format!("only {count} passwords were tried")).with(evidence);
        }
        match &seen.right_after {
            Some(after) if after.is_like(right) => {
                Verdict::failed(format!("{count} wrong passwords are answered one after the other, and then the right one opens at once"))
                    .with(evidence)
            }
            Some(after) => {
                Verdict::passed(format!("after {count} wrong passwords the right one does not open any more: {}", after.words()))
                    .with(evidence)
                    .note("the test account may now be locked")
            }
            None => Verdict::cant_tell(Cause::Limit, "whether the account was locked was not seen").with(evidence),
        }
    }
}

impl LoginThrottling {
    /// How the service reacted to the last try; nothing where it did not.
    fn reaction(&self, tries: &[Outcome]) -> Option<&'static str> {
        let (last, before) = tries.split_last()?;
        let first = before.first()?;
        if last.says_stop() {
            Some("the service asks to stop")
        } else if last.status == 403 && first.status == 401 {
            Some("the service refuses to go on")
        } else if last.captcha && !first.captcha {
            Some("the service asks for a CAPTCHA")
        } else if self.has_slowed(before, last) {
            Some("the answers take much longer")
        } else {
            None
        }
    }
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

    use super::super::answer::tests::{answer, kind};
    use super::super::login::tests::{outcome, target};
    use super::*;
    use crate::verdict::Outcome as Word;

    fn judge_in(form: &str, right: Option<Outcome>, tries: Vec<Outcome>, right_after: Option<Outcome>, blocked: bool) -> Word {
        let check: LoginThrottling = kind("{attempts: 10}");
        let target = target(form, ", test-account: tester");
        let facts = Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some("api") };
        check.judge(&Tries { right, tries, right_after, blocked }, &facts).outcome
    }
    fn judge(tries: &[(u16, u64)], blocked: bool) -> Word {
        let tries = tries.iter().map(|(status, ms)| Outcome::of(&answer(*status, &[], ""), *ms)).collect();
        let open = outcome(200, &[], "welcome");
        judge_in("basic", Some(open.clone()), tries, Some(open), blocked)
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

    #[test]
    fn pages_that_say_200_locks_without_a_word_captchas_and_sso() {
        let page = |title: &str| outcome(200, &[], &format!("<title>{title}</title>"));
        let wrong = || vec![page("Wrong"); 10];
        let welcome = || Some(page("Welcome"));
        assert_eq!(judge_in("form", welcome(), wrong(), welcome(), false), Word::Failed);
        assert_eq!(judge_in("form", welcome(), wrong(), Some(page("Wrong")), false), Word::Passed, "locked without a word");
        let asks = outcome(200, &[], "<title>Wrong</title><div class=h-captcha>");
        assert_eq!(judge_in("form", welcome(), vec![page("Wrong"), page("Wrong"), asks.clone()], None, false), Word::Passed);
        assert_eq!(judge_in("form", welcome(), vec![asks], None, false), Word::CantTell);
        assert_eq!(judge_in("form", Some(page("Wrong")), wrong(), welcome(), false), Word::CantTell, "not understood");
        let sso = outcome(302, &[("Location", "https://sso.test/auth?state=1")], "");
        assert_eq!(judge_in("form", Some(sso.clone()), vec![], None, false), Word::CantTell);
        assert_eq!(judge_in("form", welcome(), vec![sso], None, false), Word::CantTell);
        assert_eq!(judge_in("json", None, vec![], None, false), Word::Untested, "no test account");
    }

    #[test]
    fn an_endpoint_without_a_log_in_is_not_concerned() {
        let check: LoginThrottling = kind("{attempts: 10}");
        let with = target("form", "");
        let facts = |endpoint| Facts { now: datetime!(2026-11-22 12:00 UTC), target: &with, endpoint: Some(endpoint) };
        assert_eq!(check.judge(&Tries::default(), &facts("other")).outcome, Word::Inapplicable);
        assert_eq!(check.judge(&Tries::default(), &facts("api")).outcome, Word::Untested);
        let without = super::super::answer::tests::target("");
        let facts = Facts { now: datetime!(2026-11-22 12:00 UTC), target: &without, endpoint: Some("api") };
        assert_eq!(check.judge(&Tries::default(), &facts).outcome, Word::Untested);
    }
}
