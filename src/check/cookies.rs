//! The cookies that an endpoint sets.

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Answers;
use super::{Facts, Kind, On, Probes};
use crate::format::header::cookie::{Setting, judge};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Evidence, Finding, Grade, Outcome, Verdict};

/// Asks for pages and judges the cookies they set, as browsers would keep them: sessions only over
/// encryption and out of the reach of scripts, promises of names kept.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cookies {
    /// The paths of pages that set cookies, such as that of the log-in; `{name}` stands for a fixture of
    /// the target file, a word or a list of words.
    paths: Vec<String>,
    /// Parts of names, in lower case, by which a session's cookie is known.
    #[serde(default = "session_names")]
    session_names: Vec<String>,
    /// Parts of names, in lower case, that are no sessions in spite of that.
    #[serde(default = "other_names")]
    other_names: Vec<String>,
    /// The credential to show, by its name in the target file.
    #[serde(default)]
    credential: Option<String>,
}

fn session_names() -> Vec<String> {
    ["sess", "sid", "login", "auth", "jwt"].map(str::to_owned).to_vec()
}
fn other_names() -> Vec<String> {
    ["csrf", "xsrf", "affinity", "lang", "theme", "consent"].map(str::to_owned).to_vec()
}

impl Kind for Cookies {
    const NAME: &'static str = "cookies";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Answers;

    async fn observe(&self, probes: &Probes) -> Result<Answers, ProbeError> {
        probes
            .ask_each(&self.paths, |url| {
                let request = Request::get(url, "see which cookies are set");
                match self.credential.as_deref().filter(|name| probes.has_credential(name)) {
                    Some(name) => request.credential(name),
                    None => request,
                }
            })
            .await
    }

    fn judge(&self, seen: &Answers, _: &Facts<'_>) -> Verdict {
        if let Some(verdict) = seen.unasked() {
            return verdict;
        }
        let mut findings: Vec<Finding> = Vec::new();
        let mut count = 0;
        for answer in &seen.answers {
            let headers = answer.header_values("set-cookie");
            if headers.is_empty()
                && let Some(verdict) = answer.tells_nothing(&[])
            {
                return verdict;
            }
            count += headers.len();
            let setting = Setting { secure: answer.url.starts_with("https:"), session_names: &self.session_names, other_names: &self.other_names };
            findings.extend(judge(&headers, &setting));
        }
        if count == 0 {
            return Verdict::inapplicable("no cookie is set by the pages that were asked for");
        }
        let verdict = Verdict::from_findings(&findings, "cookies");
        if verdict.outcome == Outcome::Passed {
            return verdict.with(Evidence::expected("cookies that are kept safe").observed(&format!("{count} cookies")).clause("RFC 6265bis"));
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, answers, kind, target};
    use super::*;

    fn judge(status: u16, cookies: &[&str]) -> Verdict {
        let check: Cookies = kind("{paths: [/login]}");
        let headers: Vec<_> = cookies.iter().map(|c| ("Set-Cookie", *c)).collect();
        check.judge(&answers(vec![answer(status, &headers, "")]), &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn cookies_are_judged_where_there_are_any() {
        assert_eq!(judge(200, &["__Host-sid=[redacted]; Secure; HttpOnly; Path=/; SameSite=Lax"]).outcome, Outcome::Passed);
        assert_eq!(judge(302, &["sid=[redacted]; Secure; HttpOnly; SameSite=Lax", "lang=pl; Secure; SameSite=Lax"]).outcome, Outcome::Passed);
        assert_eq!(judge(200, &["sid=[redacted]; Secure; SameSite=Lax"]).outcome, Outcome::Failed);
        assert_eq!(judge(200, &[]).outcome, Outcome::Inapplicable);
        assert_eq!(judge(503, &[]).outcome, Outcome::CantTell);
    }
}
