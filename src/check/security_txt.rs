//! The vendor's `security.txt`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::Duration;

use super::probes::WebsiteSeen;
use super::{Facts, Kind, On, Probes};
use crate::format::security_txt::{Retrieval, judge};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Outcome, Verdict};

/// Fetches `/.well-known/security.txt` from the vendor's web site, and from the root where it is not
/// there, and judges it by RFC 9116: who finds a weakness learns whom to write to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SecurityTxt {
    /// A file that is valid for more days than this is noted.
    #[serde(default = "a_year")]
    longest_validity_days: u32,
    /// Whether the file must name a disclosure policy.
    #[serde(default)]
    policy: bool,
}

fn a_year() -> u32 {
    366
}

/// The answers at both places.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Places {
    well_known: WebsiteSeen,
    /// The old place, asked where the file is not at the right one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<WebsiteSeen>,
}

const PURPOSE: &str = "read the vendor's security.txt";

impl Kind for SecurityTxt {
    const NAME: &'static str = "security-txt";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = Places;

    async fn observe(&self, probes: &Probes) -> Result<Places, ProbeError> {
        let well_known = probes.ask_website("/.well-known/security.txt", PURPOSE).await?;
        let elsewhere = well_known.answer("").is_ok_and(|(_, answer)| matches!(answer.status, 404 | 410) || answer.media_type() == "text/html");
        let root = if elsewhere { Some(probes.ask_website("/security.txt", PURPOSE).await?) } else { None };
        Ok(Places { well_known, root })
    }

    fn judge(&self, seen: &Places, facts: &Facts<'_>) -> Verdict {
        const WHAT: &str = "security.txt";
        let first = match seen.well_known.answer(WHAT) {
            Ok(answer) => answer,
            Err(verdict) => return *verdict,
        };
        let second = seen.root.as_ref().and_then(|root| root.answer(WHAT).ok()).filter(|(_, a)| a.status == 200 && a.media_type() != "text/html");
        let (asked, answer) = second.unwrap_or(first);
        if matches!(answer.status, 404 | 410) {
            return Verdict::failed("the vendor publishes no security.txt")
                .with(first.1.status_evidence("status 200 with a text file").clause("RFC 9116, section 3"));
        }
        if matches!(answer.status, 401 | 403) {
            return Verdict::failed("security.txt is not open to everybody").with(answer.status_evidence("status 200 without a credential").clause("RFC 9116, section 3"));
        }
        if answer.status != 200 {
            return Verdict::cant_tell(Cause::Target, format!("status {} says neither that there is a security.txt nor that there is none", answer.status))
                .with(answer.status_evidence("status 200"));
        }
        let text = match (&answer.text, &answer.cut) {
            (Some(text), None) => text,
            (None, None) => {
                let finding = Finding::error("not-utf-8", "the file is not UTF-8").clause("RFC 9116, section 3");
                return Verdict::from_findings(&[finding], WHAT).with(answer.status_evidence("UTF-8 text"));
            }
            (_, Some(_)) => return answer.unreadable().unwrap_or_else(|| Verdict::cant_tell(Cause::Target, "the answer could not be read whole")),
        };
        let retrieval = Retrieval { asked, answered: &answer.url, content_type: answer.header("content-type") };
        let (file, mut findings) = judge(text.as_bytes(), &retrieval, facts.now, Duration::days(i64::from(self.longest_validity_days)));
        if self.policy && file.policy().is_none() && !findings.iter().any(|f| f.rule == "not-security-txt") {
            findings.push(Finding::error("policy-missing", "the file does not say where the disclosure policy is").expected("a Policy field").clause("RFC 9116, section 2.5.7"));
        }
        let verdict = Verdict::from_findings(&findings, WHAT);
        if verdict.outcome == Outcome::Passed {
            let contacts = file.values("Contact").collect::<Vec<_>>().join(", ");
            return verdict.with(Evidence::expected("contacts and an expiry to come").observed(&contacts).at(answer.place()).clause("RFC 9116"));
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, kind, target};
    use super::*;

    const FILE: &str = "Contact: mailto:security@shop.test\nExpires: 2027-05-01T00:00:00Z\nPolicy: https://shop.test/policy\n";

    fn place(status: u16, content_type: &str, text: &str, at: &str) -> WebsiteSeen {
        let mut answer = answer(status, &[("Content-Type", content_type)], text);
        answer.url = at.into();
        WebsiteSeen::Answered { asked: at.into(), answer: Box::new(answer), stopped: None }
    }
    fn judge(check: &str, well_known: WebsiteSeen, root: Option<WebsiteSeen>) -> Verdict {
        let check: SecurityTxt = kind(check);
        check.judge(&Places { well_known, root }, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: None })
    }
    const HERE: &str = "https://shop.test/.well-known/security.txt";
    const ROOT: &str = "https://shop.test/security.txt";
    const TEXT: &str = "text/plain; charset=utf-8";

    #[test]
    fn a_sound_file_passes_at_either_place() {
        assert_eq!(judge("{policy: true}", place(200, TEXT, FILE, HERE), None).outcome, Outcome::Passed);
        let old = judge("{}", place(404, "text/html", "no", HERE), Some(place(200, TEXT, FILE, ROOT)));
        assert_eq!(old.outcome, Outcome::Passed);
        assert!(old.notes.iter().any(|n| n.contains("legacy-location")), "{:?}", old.notes);
    }

    #[test]
    fn each_fault_fails_for_its_reason() {
        for (seen, root, why) in [
            (place(404, "text/html", "no", HERE), Some(place(404, "text/html", "no", ROOT)), "publishes no security.txt"),
            (place(200, "text/html", "<!doctype html><p>shop", HERE), Some(place(200, "text/html", "<!doctype html><p>shop", ROOT)), "a web page"),
            (place(403, TEXT, "", HERE), None, "not open to everybody"),
            (place(200, TEXT, &FILE.replace("2027", "2025"), HERE), None, "expired"),
            (place(200, TEXT, &FILE.replace("Policy", "X-P"), HERE), None, "disclosure policy"),
        ] {
            let verdict = judge("{policy: true}", seen, root);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
    }

    #[test]
    fn trouble_is_not_failure() {
        assert_eq!(judge("{}", WebsiteSeen::NotNamed, None).outcome, Outcome::Untested);
        assert_eq!(judge("{}", place(503, TEXT, "", HERE), None).outcome, Outcome::CantTell);
        assert_eq!(judge("{}", place(429, TEXT, "", HERE), None).outcome, Outcome::CantTell);
        let stopped = WebsiteSeen::Answered { asked: HERE.into(), answer: Box::new(answer(301, &[], "")), stopped: Some("out of scope".into()) };
        assert_eq!(judge("{}", stopped, None).outcome, Outcome::CantTell);
    }
}
