//! Passwords that were set in a factory are refused.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::login::{Outcome, PAUSE, attempt, log_in, test_account};
use super::{Facts, Kind, On, Probes};
use crate::probe::{ProbeError, random_word};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Untrusted, Verdict};

/// Tries names and passwords that were or may have been set in a factory at the endpoint's log-in: at most
/// three for each account, with pauses, until the service asks to stop. A log-in is known by its difference
/// from a name and password that nobody has, and a refusal by its likeness to that; the test account of the
/// log-in shows that it was understood. Never pointed at accounts of real people.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DefaultCredentials {
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

/// What was tried. Passwords are not kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tries {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    /// With names and passwords that nobody has.
    #[serde(default)]
    control: Vec<Outcome>,
    /// With the test account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    right: Option<Outcome>,
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
        let mut seen = Tries::default();
        let (_, endpoint) = probes.endpoint()?;
        let Some(log_in) = endpoint.log_in.clone() else { return Ok(seen) };
        let listed = match probes.target().fixtures.get(&self.fixture) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>(),
            Some(Value::String(one)) => vec![one.clone()],
            Some(_) | None => Vec::new(),
        };
        if listed.is_empty() && self.pairs.is_empty() {
            seen.missing = Some(format!("the target file lists no factory passwords under `fixtures` as `{}`", self.fixture));
            return Ok(seen);
        }
        let host = probes.origin()?.host().to_owned();
        for _ in 0..2 {
            let control = attempt(&log_in, probes, &format!("nobody-{}", random_word()), &random_word(), PURPOSE).await?;
            let hindered = control.hindrance(log_in.sent_as).is_some();
            seen.control.push(control);
            if hindered {
                return Ok(seen);
            }
        }
        seen.right = test_account(&log_in, probes, PURPOSE).await?;
        let mut names: Vec<String> = Vec::new();
        for pair in listed.iter().chain(&self.pairs) {
            let Some((name, password)) = pair.split_once(':') else { continue };
            if seen.tries.len() >= MOST || names.iter().filter(|n| *n == name).count() >= MOST_PER_ACCOUNT {
                continue;
            }
            probes.door().rest(&host, PAUSE).await?;
            names.push(name.to_owned());
            let outcome = attempt(&log_in, probes, name, password, PURPOSE).await?;
            let stop = outcome.says_stop();
            seen.tries.push((name.to_owned(), outcome));
            if stop {
                seen.stopped = true;
                break;
            }
        }
        Ok(seen)
    }

    fn judge(&self, seen: &Tries, facts: &Facts<'_>) -> Verdict {
        let log_in = match log_in(facts) {
            Ok(log_in) => log_in,
            Err(verdict) => return *verdict,
        };
        if let Some(missing) = &seen.missing {
            return Verdict::untested(Cause::Missing, missing.clone());
        }
        let Some(control) = seen.control.first() else { return Verdict::untested(Cause::Missing, "no name and password was tried") };
        if let Some(verdict) = seen.control.iter().find_map(|c| c.hindrance(log_in.sent_as)) {
            return verdict;
        }
        if seen.tries.is_empty() {
            return Verdict::untested(Cause::Missing, "no name and password was tried; each is written as `name:password`");
        }
        self.compare(seen, control)
    }
}

const CLAUSE: &str = "EN 303 645, provision 5.1-1";

impl DefaultCredentials {
    fn compare(&self, seen: &Tries, control: &Outcome) -> Verdict {
        let right = seen.right.as_ref().filter(|r| r.withheld.is_none());
        if right.is_some_and(|right| right.is_like(control)) {
            let why = format!(
                "the test account's password and one that nobody has are answered alike ({}), so the log-in was not understood",
                control.words()
            );
            return Verdict::cant_tell(Cause::Missing, why)
                .note("a log-in that needs a token from its page or a cookie first cannot be tried by this check");
        }
        let success = |status: u16| (200..300).contains(&status);
        let moved = |status: u16| (300..400).contains(&status);
        let mut unclear = None;
        for (name, outcome) in seen.tries.iter().filter(|(_, outcome)| !outcome.says_stop()) {
            let evidence = || {
                Evidence::expected("the same refusal as for a name and password that nobody has")
                    .observed(&format!("{name}: {}; nobody: {}", outcome.words(), control.words()))
                    .clause(CLAUSE)
            };
            let opened = match right {
                Some(right) => outcome.is_like(right),
                None => {
                    let refused = matches!(control.status, 400 | 401 | 403 | 422);
                    (refused && (success(outcome.status) || moved(outcome.status)))
                        || (moved(control.status) && moved(outcome.status) && outcome.location != control.location)
                }
            };
            if opened {
                return Verdict::failed(format!("a factory password of the account {} opens the service", Untrusted::new(name)))
                    .with(evidence());
            }
            // Without the test account only 401 says by itself that a password was looked at.
            let refused = seen.control.iter().any(|c| outcome.is_like(c)) && (right.is_some() || outcome.status == 401);
            if !refused {
                unclear.get_or_insert_with(|| (outcome.is_like(control), evidence()));
            }
        }
        match unclear {
            Some((true, evidence)) => Verdict::cant_tell(
                Cause::Missing,
                "factory passwords are answered as any other, and whether that is a refusal cannot be told without the log-in's `test-account`",
            )
            .with(evidence),
            Some((false, evidence)) => {
                Verdict::cant_tell(Cause::Target, "an answer to a factory password is neither the usual refusal nor a log-in").with(evidence)
            }
            None if seen.tries.iter().all(|(_, outcome)| outcome.says_stop()) => {
                Verdict::cant_tell(Cause::Target, "the service asked to stop before a factory password was looked at")
            }
            None => {
                let verdict = Verdict::passed(format!("{} factory passwords are refused", seen.tries.len()))
                    .with(Evidence::expected("refusals").observed(&format!("{} of {}", seen.tries.len(), seen.tries.len())).clause(CLAUSE));
                if seen.stopped { verdict.note("the service asked to stop, so that the rest was not tried") } else { verdict }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::kind;
    use super::super::login::tests::{outcome, target};
    use super::*;
    use crate::verdict::Outcome as Word;

    fn judge(form: &str, control: Outcome, right: Option<Outcome>, tried: Outcome) -> Word {
        let check: DefaultCredentials = kind("{}");
        let seen = Tries { control: vec![control.clone(), control], right, tries: vec![("admin".into(), tried)], ..Tries::default() };
        let target = target(form, ", test-account: tester");
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some("api") }).outcome
    }

    #[test]
    fn a_log_in_is_a_difference_from_nobody() {
        let page = || outcome(200, &[], "<title>wrong name or password</title>");
        let home = || outcome(200, &[], "<title>welcome</title>");
        let refused = || outcome(401, &[], "");
        assert_eq!(judge("basic", refused(), None, refused()), Word::Passed);
        assert_eq!(judge("basic", refused(), None, outcome(200, &[], "")), Word::Failed);
        assert_eq!(judge("basic", outcome(200, &[], ""), None, outcome(200, &[], "")), Word::CantTell, "nothing is protected");
        assert_eq!(judge("form", outcome(404, &[], ""), None, outcome(404, &[], "")), Word::CantTell, "there is no log-in");
        assert_eq!(judge("form", page(), None, page()), Word::CantTell, "was a password looked at?");
        assert_eq!(judge("form", outcome(403, &[], ""), None, outcome(403, &[], "")), Word::CantTell, "a missing token is refused alike");
        assert_eq!(judge("form", page(), Some(home()), page()), Word::Passed);
        assert_eq!(judge("form", page(), Some(home()), home()), Word::Failed);
        assert_eq!(judge("form", page(), None, home()), Word::CantTell);
        assert_eq!(judge("form", page(), Some(page()), page()), Word::CantTell, "the log-in was not understood");
        assert_eq!(judge("form", page(), Some(home()), outcome(200, &[], "<title>locked</title>")), Word::CantTell);
        let to = |l: &'static str| outcome(302, &[("Location", l)], "");
        assert_eq!(judge("form", to("/login?failed"), Some(to("/home")), to("/login?failed")), Word::Passed);
        assert_eq!(judge("form", to("/login?failed"), None, to("/home")), Word::Failed);
        assert_eq!(judge("form", to("https://sso.test/"), None, to("https://sso.test/")), Word::CantTell, "somebody else asks");
        assert_eq!(judge("form", outcome(200, &[], "<div class=h-captcha>"), None, page()), Word::CantTell);
        assert_eq!(judge("basic", refused(), None, outcome(429, &[], "")), Word::CantTell, "nothing was looked at");
    }

    #[test]
    fn it_needs_consent_and_a_list() {
        assert_eq!(DefaultCredentials::EFFECT, Effect::Intrusive);
        let check: DefaultCredentials = kind("{}");
        let seen = Tries { missing: Some("no list".into()), ..Tries::default() };
        let target = target("basic", "");
        let facts = |endpoint| Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some(endpoint) };
        assert_eq!(check.judge(&seen, &facts("api")).outcome, Word::Untested);
        assert_eq!(check.judge(&Tries::default(), &facts("other")).outcome, Word::Inapplicable);
    }
}
