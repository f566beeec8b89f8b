//! The headers by which a page protects itself in a browser.

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Answer, Answers};
use super::{Facts, Kind, On, Probes};
use crate::format::header::content_security_policy::{Demand, Policies};
use crate::format::header::{Surface, content_security_policy, content_type_options, framing, is_address, is_html, meta_values, referrer_policy};
use crate::format::header::Judged;
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Finding, Grade, Outcome, Severity, Verdict};

/// Asks for a page and judges the headers that protect it in a browser, as browsers obey them: what a
/// browser ignores is neither a merit nor a fault. An answer for machines is not judged as a page.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BrowserProtection {
    /// The path of a page; the endpoint's own address, where nothing is said.
    #[serde(default)]
    path: String,
    /// Which protections are judged; all, where none is named.
    #[serde(default = "Protection::all")]
    judge: Vec<Protection>,
    /// Directives that the content security policy must have.
    #[serde(default)]
    required_directives: Vec<String>,
    /// Directives whose absence is noted.
    #[serde(default = "advised_directives")]
    advised_directives: Vec<String>,
    /// Whether running text as a script (`'unsafe-eval'`) fails; else it is noted.
    #[serde(default)]
    forbid_eval: bool,
    /// What the endpoint is for, where it cannot be told from its answer and its address.
    #[serde(default)]
    surface: Option<Surface>,
}

fn advised_directives() -> Vec<String> {
    ["default-src", "base-uri", "form-action", "frame-ancestors"].map(str::to_owned).to_vec()
}

/// One protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Protection {
    /// `Content-Security-Policy`.
    ContentSecurityPolicy,
    /// `X-Content-Type-Options`.
    ContentTypeOptions,
    /// `frame-ancestors` or `X-Frame-Options`.
    Framing,
    /// `Referrer-Policy`.
    ReferrerPolicy,
}

impl Protection {
    fn all() -> Vec<Self> {
        vec![Self::ContentSecurityPolicy, Self::ContentTypeOptions, Self::Framing, Self::ReferrerPolicy]
    }
}

impl Kind for BrowserProtection {
    const NAME: &'static str = "browser-protection";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Answers;

    async fn observe(&self, probes: &Probes) -> Result<Answers, ProbeError> {
        let request = Request::get(probes.address(&self.path)?, "see how a page protects itself in a browser").header("Accept", "text/html, */*;q=0.5");
        let trail = probes.door().ask_and_follow(&request).await?;
        Ok(Answers { missing: None, answers: trail.last().map(|e| Answer::from(&**e)).into_iter().collect() })
    }

    fn judge(&self, seen: &Answers, facts: &Facts<'_>) -> Verdict {
        if let Some(verdict) = seen.unasked() {
            return verdict;
        }
        let Some(answer) = seen.answers.first() else { return Verdict::untested(Cause::Missing, "there was nothing to ask for") };
        if !(200..300).contains(&answer.status) {
            return answer.tells_nothing(&[]).unwrap_or_else(|| {
                Verdict::cant_tell(Cause::Missing, format!("status {}: a page must be seen to be judged; name the path of one", answer.status)).with(answer.status_evidence("a page"))
            });
        }
        let content_type = answer.header("content-type");
        let surface = match (self.surface, content_type.is_some_and(is_html)) {
            // Whatever it is called: an answer that is no page runs no scripts.
            (_, false) => Surface::Api,
            (Some(surface), true) => surface,
            (None, true) => Self::surface_of(facts),
        };
        let page = answer.text.as_deref().unwrap_or_default();
        let policies = Policies::read(
            &answer.header_values("content-security-policy"),
            &answer.header_values("content-security-policy-report-only"),
            &meta_values(page, "content-security-policy"),
        );
        let demand = Demand { required: &self.required_directives, advised: &self.advised_directives, forbid_eval: self.forbid_eval };
        let mut findings: Vec<Finding> = Vec::new();
        let mut concerned = false;
        for protection in &self.judge {
            let judged = match protection {
                Protection::ContentSecurityPolicy => content_security_policy::judge(&policies, surface, &demand),
                Protection::ContentTypeOptions => content_type_options::judge(&answer.header_values("x-content-type-options"), content_type, surface),
                Protection::Framing => framing::judge(&policies, &answer.header_values("x-frame-options"), surface),
                Protection::ReferrerPolicy => referrer_policy::judge(&answer.header_values("referrer-policy"), &meta_values(page, "referrer"), surface),
            };
            concerned |= matches!(judged, Judged::Findings(_));
            findings.extend(judged.findings().iter().cloned());
        }
        if !concerned {
            return Verdict::inapplicable("the answer is not a page that a browser would show");
        }
        // A page that could not be read whole may state a policy in the part that is missing.
        if answer.cut.is_some() && findings.iter().any(|f| f.severity == Severity::Error) {
            return answer.unreadable().unwrap_or_else(|| Verdict::cant_tell(Cause::Target, "the page could not be read whole"));
        }
        let verdict = Verdict::from_findings(&findings, "protection in browsers");
        if verdict.outcome == Outcome::Passed { verdict.with(answer.status_evidence("a page with its protections")) } else { verdict }
    }
}

impl BrowserProtection {
    /// A page that the target file calls one, or that has a name, is a web page wherever it was reached;
    /// another page at a bare address is that of a device.
    fn surface_of(facts: &Facts<'_>) -> Surface {
        let (Some(name), Some(endpoint)) = (facts.endpoint, facts.endpoint()) else { return Surface::WebPage };
        let serves = |roles: &[&str]| roles.iter().any(|role| endpoint.serves(name, role));
        let host = endpoint.server_name.as_deref().or(endpoint.url.host_str()).unwrap_or_default();
        if serves(&["web", "app", "portal"]) || !(is_address(host) || serves(&["hub", "device", "sensor"])) { Surface::WebPage } else { Surface::Device }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, answers, kind, target};
    use super::*;
    use crate::target::Target;

    const SOUND: [(&str, &str); 5] = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
    ];

    fn judge(check: &str, status: u16, headers: &[(&str, &str)]) -> Verdict {
        let check: BrowserProtection = kind(check);
        check.judge(&answers(vec![answer(status, headers, "<html></html>")]), &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn a_protected_page_passes_and_each_gap_fails_alone() {
        assert_eq!(judge("{}", 200, &SOUND).outcome, Outcome::Passed);
        for (gone, why) in [(1, "no policy for scripts"), (2, "guess")] {
            let headers: Vec<_> = SOUND.iter().enumerate().filter(|(i, _)| *i != gone).map(|(_, h)| *h).collect();
            let verdict = judge("{}", 200, &headers);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
            assert_eq!(verdict.evidence.len(), 1);
        }
        let unsafe_url: Vec<_> = SOUND.iter().map(|(n, v)| (*n, if *n == "Referrer-Policy" { "unsafe-url" } else { v })).collect();
        assert_eq!(judge("{}", 200, &unsafe_url).outcome, Outcome::Failed);
        assert_eq!(judge("{judge: [framing]}", 200, &unsafe_url).outcome, Outcome::Passed);
        assert_eq!(judge("{judge: [framing]}", 200, &SOUND[..1]).outcome, Outcome::Failed);
    }

    #[test]
    fn an_api_is_no_page_and_a_device_is_advised() {
        let json = [("Content-Type", "application/json")];
        assert_eq!(judge("{judge: [content-security-policy, framing, referrer-policy]}", 200, &json).outcome, Outcome::Inapplicable);
        assert_eq!(judge("{surface: device}", 200, &SOUND[..1]).outcome, Outcome::Passed);
        let at = |endpoint: &str| {
            let check: BrowserProtection = kind("{}");
            let target = Target::parse("t", &format!("target: 1\nproduct: {{name: Bell, version: 2.1.0, vendor: {{name: v}}}}\nendpoints:\n  x: {endpoint}\n")).unwrap();
            let seen = answers(vec![answer(200, &SOUND[..1], "")]);
            check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some("x") }).outcome
        };
        assert_eq!(at("{url: 'http://192.168.1.7/'}"), Outcome::Passed);
        assert_eq!(at("{url: 'http://192.168.1.7/', serves: [web]}"), Outcome::Failed);
        assert_eq!(at("{url: 'https://192.168.1.7/', server-name: care.test}"), Outcome::Failed);
        assert_eq!(at("{url: 'https://hub.test/', serves: [hub]}"), Outcome::Passed);
        assert_eq!(judge("{}", 404, &SOUND[..1]).outcome, Outcome::CantTell);
        assert_eq!(judge("{}", 503, &SOUND).outcome, Outcome::CantTell);
    }
}
