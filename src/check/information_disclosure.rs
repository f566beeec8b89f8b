//! What an endpoint lets out about its inside.

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Answers;
use super::{Facts, Kind, On, Probes};
use crate::format::header::{banner, stack_trace};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Evidence, Finding, Grade, Outcome, Severity, Verdict};

/// Asks for given paths and for one that cannot exist, and looks for stack traces, errors of databases,
/// addresses of an inner network and exact versions of software. No weakness is inferred from a version.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InformationDisclosure {
    /// Further paths; `{name}` stands for a fixture of the target file, a word or a list of words.
    #[serde(default)]
    paths: Vec<String>,
    /// Whether an exact version in a header fails; else it is noted.
    #[serde(default)]
    forbid_versions: bool,
}

/// A path that nobody has, and one that a careless reader of paths stumbles over.
const NOWHERE: [&str; 2] = ["/probity-no-such-page-7f3a", "/probity-no-such-page-7f3a?id=%00%FF"];

impl Kind for InformationDisclosure {
    const NAME: &'static str = "information-disclosure";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Answers;

    async fn observe(&self, probes: &Probes) -> Result<Answers, ProbeError> {
        let paths: Vec<String> = std::iter::once(String::new()).chain(NOWHERE.map(str::to_owned)).chain(self.paths.iter().cloned()).collect();
        probes.ask_each(&paths, |url| Request::get(url, "see what answers tell about the inside of the service")).await
    }

    fn judge(&self, seen: &Answers, facts: &Facts<'_>) -> Verdict {
        if let Some(verdict) = seen.unasked() {
            return verdict;
        }
        let host = facts.endpoint().and_then(|e| e.url.host_str()).unwrap_or_default();
        let severity = if self.forbid_versions { Severity::Error } else { Severity::Warning };
        let mut findings: Vec<Finding> = Vec::new();
        for answer in &seen.answers {
            let found = banner::judge(&answer.headers, severity).into_iter().chain(stack_trace::judge(answer.status, answer.text.as_deref().unwrap_or_default(), host));
            for finding in found {
                // The same banner on every answer is one finding.
                if !findings.iter().any(|f| f.rule == finding.rule && f.observed == finding.observed) {
                    let place = answer.question();
                    findings.push(finding.at(place).clause("EN 303 645, provision 5.6-2"));
                }
            }
        }
        let verdict = Verdict::from_findings(&findings, "what answers tell about the inside");
        if verdict.outcome != Outcome::Passed {
            return verdict;
        }
        if let Some(verdict) = seen.answers.iter().all(|a| a.status == 429 || (502..=504).contains(&a.status)).then(|| seen.answers.first()?.tells_nothing(&[])).flatten() {
            return verdict;
        }
        verdict.with(Evidence::expected("nothing about the inside").observed(&format!("{} answers without", seen.answers.len())).clause("EN 303 645, provision 5.6-2"))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, answers, kind, target};
    use super::*;

    fn judge(check: &str, status: u16, headers: &[(&str, &str)], text: &str) -> Outcome {
        let check: InformationDisclosure = kind(check);
        let seen = answers(vec![answer(200, headers, "{}"), answer(status, headers, text)]);
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") }).outcome
    }

    #[test]
    fn traces_fail_and_versions_as_the_profile_says() {
        assert_eq!(judge("{}", 404, &[("Server", "nginx")], "not found"), Outcome::Passed);
        assert_eq!(judge("{}", 500, &[], "Traceback (most recent call last):\n  File \"/srv/a.py\", line 3, in f\n"), Outcome::Failed);
        assert_eq!(judge("{}", 404, &[("Server", "nginx/1.18.0")], ""), Outcome::Passed);
        assert_eq!(judge("{forbid-versions: true}", 404, &[("Server", "nginx/1.18.0")], ""), Outcome::Failed);
        assert_eq!(judge("{forbid-versions: true}", 404, &[("Server", "nginx")], ""), Outcome::Passed);
    }
}
