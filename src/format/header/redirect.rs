//! From clear text to encryption: what port 80 does with a request.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::verdict::Finding;

/// What was seen at a host's clear-text port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum ClearText {
    /// The connection was refused: nothing is there.
    Closed,
    /// There was no answer in time; a firewall may have dropped it.
    Silent,
    /// An answer.
    Answered {
        /// The status code.
        status: u16,
        /// The `Location` header.
        location: Option<String>,
    },
}

/// Judges the answer to a request for `asked`, an `http:` address. `secure_status` is the status of
/// the same path over TLS, which tells a refusal of clear text from a path that does not exist.
pub fn judge(seen: &ClearText, asked: &Url, secure_status: Option<u16>) -> Vec<Finding> {
    let clause = "RFC 6797, section 7.2";
    let (status, location) = match seen {
        ClearText::Closed => return Vec::new(),
        ClearText::Silent => {
            return vec![Finding::warning("clear-text-silent", "the clear-text port does not answer; it looks closed").clause(clause)];
        }
        ClearText::Answered { status, location } => (*status, location.as_deref()),
    };
    let observed = match location {
        Some(location) => format!("{status}, Location: {location}"),
        None => status.to_string(),
    };
    let finding = |f: Finding| f.expected("301 or 308 to https on the same host, or a closed port").observed(&observed).clause(clause);
    match status {
        301 | 302 | 303 | 307 | 308 => {
            let Some(target) = location.and_then(|l| asked.join(l).ok()) else {
                return vec![finding(Finding::error("redirect-without-target", "the redirect of clear text names no valid address"))];
            };
            if target.scheme() != "https" {
                return vec![finding(Finding::error("redirect-not-to-https", "clear text is redirected to clear text"))];
            }
            let mut findings = Vec::new();
            if target.host_str() != asked.host_str() {
                findings.push(finding(Finding::warning(
                    "redirect-other-host",
                    "clear text is redirected to another host first, so that browsers cannot remember this one",
                )));
            }
            if status == 303 {
                findings.push(finding(Finding::warning("redirect-see-other", "the redirect turns every request into a plain read")));
            }
            findings
        }
        // 426 Upgrade Required, 497 of nginx and 421 refuse clear text by name.
        421 | 426 | 497 => Vec::new(),
        400..=499 => match secure_status {
            Some(secure) if (200..400).contains(&secure) => Vec::new(),
            Some(_) | None => vec![finding(Finding::open(
                "clear-text-unclear",
                "clear text gets the same refusal as encryption, so it cannot be told whether content is served",
            ))],
        },
        200..=299 => vec![finding(Finding::error("clear-text-served", "content is served without encryption"))],
        _ => vec![finding(Finding::open("clear-text-unclear", "the clear-text port answers with an error"))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(status: u16, location: Option<&str>, secure: Option<u16>) -> Vec<String> {
        let asked = Url::parse("http://care.example.org/login").unwrap();
        let seen = ClearText::Answered { status, location: location.map(str::to_owned) };
        judge(&seen, &asked, secure).into_iter().map(|f| f.rule).collect()
    }

    #[test]
    fn a_redirect_to_the_same_host_or_a_refusal_is_sound() {
        for status in [301, 302, 307, 308] {
            assert!(rules(status, Some("https://care.example.org/login"), Some(200)).is_empty());
        }
        assert!(rules(301, Some("https://CARE.example.org:8443/"), Some(200)).is_empty());
        assert!(rules(301, Some("//care.example.org/"), Some(200)) == ["redirect-not-to-https"]);
        assert!(rules(403, None, Some(200)).is_empty());
        assert!(rules(426, None, None).is_empty());
        let asked = Url::parse("http://care.example.org/").unwrap();
        assert!(judge(&ClearText::Closed, &asked, None).is_empty());
    }

    #[test]
    fn each_fault_has_its_rule() {
        assert_eq!(rules(200, None, Some(200)), ["clear-text-served"]);
        assert_eq!(rules(301, Some("/login/"), Some(200)), ["redirect-not-to-https"]);
        assert_eq!(rules(301, Some("http://care.example.org/"), Some(200)), ["redirect-not-to-https"]);
        assert_eq!(rules(301, None, Some(200)), ["redirect-without-target"]);
        assert_eq!(rules(301, Some("https://www.example.org/"), Some(200)), ["redirect-other-host"]);
        assert_eq!(rules(404, None, Some(404)), ["clear-text-unclear"]);
        assert_eq!(rules(503, None, Some(200)), ["clear-text-unclear"]);
    }
}
