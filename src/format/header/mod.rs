//! HTTP header values as their standards define them, and what they say about a service.
//!
//! The judges here take plain values: they know no network and no threshold. What an answer is for
//! decides what is asked of it: [`Surface`] keeps an API from being graded as a web page, and a device
//! that is reached by its address from being failed for what only a name can have.
//!
//! A value that a browser would obey is sound here, whatever a pattern would say to it; a value that
//! a browser would drop is absent, however good it looks.

pub mod authentication;
pub mod banner;
pub mod content_security_policy;
pub mod content_type_options;
pub mod cookie;
pub mod cors;
pub mod framing;
pub mod redirect;
pub mod referrer_policy;
pub mod stack_trace;
pub mod strict_transport_security;

use serde::{Deserialize, Serialize};

use crate::verdict::{Finding, Severity, Verdict};

/// What an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Surface {
    /// Machines read it: JSON, XML, FHIR.
    Api,
    /// A browser shows it to people.
    WebPage,
    /// The page of a device in a home, reached by its address and without a public name.
    Device,
}

impl Surface {
    /// Guesses from the media type and the host; what the target file states goes first.
    pub fn of(content_type: Option<&str>, host: &str) -> Self {
        let html = content_type.is_some_and(is_html);
        if is_address(host) {
            Self::Device
        } else if html {
            Self::WebPage
        } else {
            Self::Api
        }
    }

    /// How much a browser protection weighs that is not there: on a device's own page it is advice.
    fn weight(self) -> Severity {
        match self {
            Self::Api | Self::WebPage => Severity::Error,
            Self::Device => Severity::Warning,
        }
    }
}

/// What a judge of one matter says.
#[derive(Debug, Clone, PartialEq)]
pub enum Judged {
    /// The matter does not concern this answer, with the reason.
    Inapplicable(&'static str),
    /// What was noticed; nothing is good.
    Findings(Vec<Finding>),
}

impl Judged {
    /// The findings; none when the matter does not apply.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Inapplicable(_) => &[],
            Self::Findings(findings) => findings,
        }
    }

    /// The verdict on `what`.
    pub fn to_verdict(&self, what: &str) -> Verdict {
        match self {
            Self::Inapplicable(reason) => Verdict::inapplicable(format!("{what}: {reason}")),
            Self::Findings(findings) => Verdict::from_findings(findings, what),
        }
    }
}

/// Whether a media type is one that browsers render as a document with scripts.
pub fn is_html(content_type: &str) -> bool {
    matches!(essence(content_type).as_str(), "text/html" | "application/xhtml+xml")
}

/// Type and subtype in lower case, without parameters.
pub fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a host is written as an IP address and not as a name; also in brackets.
pub fn is_address(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok()
}

/// A token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// The values that a page gives for a name in its `<meta>` elements, `http-equiv` or `name`: a small
/// reader for the head of a page, not an HTML parser. Comments are left out.
pub fn meta_values(page: &str, name: &str) -> Vec<String> {
    /// Browsers read a policy in the head only; what is further down is not looked at.
    const MAX_HEAD: usize = 64 * 1024;
    let mut head = page;
    if head.len() > MAX_HEAD {
        let cut = (0..=MAX_HEAD).rev().find(|i| head.is_char_boundary(*i)).unwrap_or(0);
        head = head.get(..cut).unwrap_or_default();
    }
    let lower = head.to_ascii_lowercase();
    let end = lower.find("<body").unwrap_or(lower.len());
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(open) = lower.get(at..end).and_then(|rest| rest.find('<')).map(|i| at + i) {
        if lower.get(open..).is_some_and(|rest| rest.starts_with("<!--")) {
            match lower.get(open..).and_then(|rest| rest.find("-->")) {
                Some(close) => at = open + close + 3,
                None => break,
            }
            continue;
        }
        at = open + 1;
        let is_meta = lower
            .get(open..)
            .is_some_and(|rest| rest.starts_with("<meta") && rest.as_bytes().get(5).is_some_and(|b| b.is_ascii_whitespace() || *b == b'/'));
        if !is_meta {
            continue;
        }
        let attributes = read_attributes(head.get(open + 5..).unwrap_or_default());
        let value = |key: &str| attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        let named = value("http-equiv").or_else(|| value("name")).is_some_and(|n| n.trim().eq_ignore_ascii_case(name));
        if let Some(content) = value("content").filter(|_| named) {
            values.push(content.replace("&#39;", "'").replace("&quot;", "\"").replace("&amp;", "&"));
        }
    }
    values
}

/// The attributes of a start tag, from behind its name to its `>`.
fn read_attributes(text: &str) -> Vec<(String, String)> {
    let mut attributes = Vec::new();
    let mut rest = text;
    while attributes.len() < 20 {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            break;
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(rest.len());
        if end == 0 {
            break;
        }
        let (name, after) = rest.split_at(end);
        let after = after.trim_start();
        let Some(value) = after.strip_prefix('=').map(str::trim_start) else {
            attributes.push((name.to_ascii_lowercase(), String::new()));
            rest = after;
            continue;
        };
        let (value, tail) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => match value.get(1..).and_then(|v| v.split_once(quote)) {
                Some(parts) => parts,
                None => break,
            },
            _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(value.len())),
        };
        attributes.push((name.to_ascii_lowercase(), value.to_owned()));
        rest = tail;
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_a_page_and_a_device_are_told_apart() {
        assert_eq!(Surface::of(Some("application/fhir+json; charset=utf-8"), "api.example.org"), Surface::Api);
        assert_eq!(Surface::of(Some("Text/HTML"), "www.example.org"), Surface::WebPage);
        assert_eq!(Surface::of(Some("text/html"), "192.168.1.20"), Surface::Device);
        assert_eq!(Surface::of(Some("text/html"), "[fe80::1]"), Surface::Device);
    }

    #[test]
    fn meta_elements_are_read_and_comments_are_not() {
        let page = "<html><head><!-- <meta http-equiv=x content=no> --><META content='a;b' HTTP-EQUIV=\"X\"/><meta name=referrer content=no-referrer>\
                    <metadata http-equiv=x content=no></head><body><meta http-equiv=x content=no>";
        assert_eq!(meta_values(page, "x"), ["a;b"]);
        assert_eq!(meta_values(page, "referrer"), ["no-referrer"]);
    }

    proptest::proptest! {
        #[test]
        fn any_page_is_read_without_a_panic(page in "(<meta |<|>|=|'|\"|http-equiv=|é|--|!| |x){0,60}") {
            let _ = meta_values(&page, "x");
        }
    }
}
