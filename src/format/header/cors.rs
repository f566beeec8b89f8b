//! Cross-origin reading (Fetch standard, section 3.2): which strangers' pages may read an answer in a
//! visitor's name.
//!
//! Two foreign origins are sent: one with nothing in common, and look-alikes that have the real name
//! as prefix and as suffix, which a careless pattern takes for the real one. What is told without
//! credentials anybody could fetch alone: `*` on a public answer is right.

use serde::{Deserialize, Serialize};

use crate::verdict::Finding;

/// Which kind of foreign origin was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A name that has nothing in common with the host.
    Stranger,
    /// The host's name followed by a foreign domain.
    HostAsPrefix,
    /// A foreign name that ends with the letters of the host's name, with no dot between.
    HostAsSuffix,
    /// The word `null`, which any page can send from a sandboxed frame.
    Null,
}

impl Origin {
    /// All of them, in the order in which they are sent.
    pub const ALL: [Self; 4] = [Self::Stranger, Self::HostAsPrefix, Self::HostAsSuffix, Self::Null];

    /// The value of the `Origin` header for a host. The names cannot belong to anybody (RFC 2606).
    pub fn value(self, host: &str) -> String {
        match self {
            Self::Stranger => "https://stranger.invalid".to_owned(),
            Self::HostAsPrefix => format!("https://{host}.stranger.invalid"),
            Self::HostAsSuffix => format!("https://stranger{host}"),
            Self::Null => "null".to_owned(),
        }
    }
}

/// What was answered to one foreign origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Which kind was sent.
    pub origin: Origin,
    /// The value that was sent.
    pub sent: String,
    /// Values of `Access-Control-Allow-Origin`.
    pub allow_origin: Vec<String>,
    /// The value of `Access-Control-Allow-Credentials`.
    pub allow_credentials: Option<String>,
    /// Values of `Vary`.
    pub vary: Vec<String>,
}

impl Answer {
    /// Browsers let the page read the answer.
    fn is_granted(&self) -> bool {
        matches!(self.allow_origin.as_slice(), [one] if one.trim() == self.sent)
    }
    /// Browsers let the page read the answer that a visitor's cookies or log-in made. The value is case-sensitive.
    fn with_credentials(&self) -> bool {
        self.allow_credentials.as_deref().map(str::trim) == Some("true")
    }
}

/// Judges the answers to several foreign origins.
pub fn judge(answers: &[Answer]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let clause = "WHATWG Fetch, section 3.2";
    let finding = |f: Finding, answer: &Answer| {
        f.expected("no foreign origin, or * without credentials")
            .observed(&format!("Access-Control-Allow-Origin: {} (sent: {})", answer.allow_origin.join(", "), answer.sent))
            .clause(clause)
    };
    let reflects_strangers = answers.iter().any(|a| a.origin == Origin::Stranger && a.is_granted());
    for answer in answers {
        if answer.allow_origin.len() > 1 || answer.allow_origin.iter().any(|v| v.contains(',')) {
            findings.push(finding(
                Finding::warning("cors-several-origins", "several origins are allowed in one answer, which browsers refuse"),
                answer,
            ));
            continue;
        }
        if answer.allow_origin.iter().any(|v| v.trim() == "*") && answer.with_credentials() {
            findings.push(finding(
                Finding::warning("cors-star-with-credentials", "every origin is allowed with credentials, which browsers refuse"),
                answer,
            ));
            continue;
        }
        // What a stranger may do, its look-alikes may too: one finding is enough.
        if !answer.is_granted() || (reflects_strangers && matches!(answer.origin, Origin::HostAsPrefix | Origin::HostAsSuffix)) {
            continue;
        }
        let (rule, whom) = match answer.origin {
            Origin::Stranger => ("cors-reflected", "any page that a visitor opens"),
            Origin::HostAsPrefix => ("cors-prefix-matched", "a page on a name that only begins like this one"),
            Origin::HostAsSuffix => ("cors-suffix-matched", "a page on a name that only ends like this one"),
            Origin::Null => ("cors-null", "a page without an origin, which any page can make,"),
        };
        if answer.with_credentials() {
            findings.push(finding(Finding::error(rule, format!("{whom} may read answers in that visitor's name")), answer));
        } else {
            findings.push(finding(
                Finding::warning(rule, format!("{whom} may read answers, though not in a visitor's name; * would say so openly")),
                answer,
            ));
        }
        let varies =
            answer.vary.iter().flat_map(|v| v.split(',')).any(|v| matches!(v.trim().to_ascii_lowercase().as_str(), "origin" | "*"));
        if !varies && answer.origin != Origin::Null {
            findings.push(
                finding(Finding::warning("cors-no-vary", "the answer depends on the origin and does not say so to caches"), answer)
                    .expected("Vary: Origin"),
            );
        }
    }
    let mut seen: Vec<String> = Vec::new();
    findings.retain(|f| {
        let new = !seen.contains(&f.rule);
        seen.push(f.rule.clone());
        new
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Severity;

    /// A server that allows what `allows` says, always with these credentials.
    fn judged(credentials: Option<&str>, allows: impl Fn(&str) -> Option<String>) -> Vec<(String, Severity)> {
        let answers: Vec<Answer> = Origin::ALL
            .iter()
            .map(|origin| {
                let sent = origin.value("care.example.org");
                Answer {
                    origin: *origin,
                    allow_origin: allows(&sent).into_iter().collect(),
                    sent,
                    allow_credentials: credentials.map(str::to_owned),
                    vary: vec!["Accept-Encoding, Origin".to_owned()],
                }
            })
            .collect();
        judge(&answers).into_iter().map(|f| (f.rule, f.severity)).collect()
    }
    fn own(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn closed_public_and_fixed_lists_are_silent() {
        assert_eq!(judged(None, |_| None), []);
        assert_eq!(judged(None, |_| Some(own("*"))), []);
        assert_eq!(judged(Some("true"), |_| Some(own("https://app.example.org"))), []);
        assert_eq!(judged(Some("true"), |o| (o == "https://care.example.org").then(|| own(o))), []);
    }

    #[test]
    fn what_a_stranger_may_read_with_credentials_is_an_error() {
        assert_eq!(judged(Some("true"), |o| (o != "null").then(|| own(o))), [(own("cors-reflected"), Severity::Error)]);
        assert_eq!(judged(Some("true"), |o| (o == "null").then(|| own(o))), [(own("cors-null"), Severity::Error)]);
        assert_eq!(
            judged(Some("true"), |o| o.ends_with("care.example.org").then(|| own(o))),
            [(own("cors-suffix-matched"), Severity::Error)]
        );
        assert_eq!(
            judged(Some("true"), |o| o.starts_with("https://care.example.org").then(|| own(o))),
            [(own("cors-prefix-matched"), Severity::Error)]
        );
    }

    #[test]
    fn without_credentials_it_is_advice() {
        assert_eq!(judged(None, |o| (o != "null").then(|| own(o))), [(own("cors-reflected"), Severity::Warning)]);
        assert_eq!(
            judged(Some("True"), |o| (o != "null").then(|| own(o))),
            [(own("cors-reflected"), Severity::Warning)],
            "browsers know `true` only"
        );
        assert_eq!(judged(Some("true"), |_| Some(own("*"))), [(own("cors-star-with-credentials"), Severity::Warning)]);
        assert_eq!(judged(Some("true"), |o| Some(format!("{o}, https://x.example"))), [(own("cors-several-origins"), Severity::Warning)]);
    }
}
