//! `Strict-Transport-Security`, RFC 6797.

use crate::verdict::Finding;

use super::{Judged, Surface, is_address, is_token};

/// A policy as a browser would store it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportPolicy {
    /// How long it holds, in seconds.
    pub max_age: u64,
    /// It holds for names below this one too.
    pub include_sub_domains: bool,
    /// The operator asks for the lists that browsers ship; not part of RFC 6797.
    pub preload: bool,
}

/// Why a value is no policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong, in one sentence.
    pub message: &'static str,
    /// The part of the value that is wrong.
    pub part: String,
}

/// What is asked of a policy, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Less than this fails.
    pub least_max_age: u64,
    /// Less than this is a warning.
    pub advised_max_age: u64,
    /// Names below this one must be covered.
    pub sub_domains: bool,
}

/// What was sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// The host that was asked, a name or an address.
    pub host: &'a str,
    /// Values of the header in the answer over TLS, in order.
    pub secure: &'a [String],
    /// Values of the header in the answer without TLS.
    pub clear: &'a [String],
}

/// Reads one value by the grammar of section 6.1.
///
/// # Errors
/// The first rule that is broken: a browser ignores the whole header then.
pub fn read(value: &str) -> Result<TransportPolicy, Malformed> {
    let broken = |message: &'static str, part: &str| Err(Malformed { message, part: part.to_owned() });
    let mut names: Vec<String> = Vec::new();
    let mut policy = TransportPolicy { max_age: 0, include_sub_domains: false, preload: false };
    let mut max_age = None;
    for directive in split_directives(value) {
        let directive = directive.trim_matches([' ', '\t']);
        if directive.is_empty() {
            continue;
        }
        let (name, argument) = match directive.split_once('=') {
            Some((name, argument)) => (name.trim_end_matches([' ', '\t']), Some(argument.trim_start_matches([' ', '\t']))),
            None => (directive, None),
        };
        if !is_token(name) {
            return broken("a directive's name is not a token", directive);
        }
        let argument = match argument {
            None => None,
            Some(argument) => match unquote(argument) {
                Some(argument) => Some(argument),
                None => return broken("a directive's value is neither a token nor a quoted text", directive),
            },
        };
        let name = name.to_ascii_lowercase();
        if names.contains(&name) {
            return broken("a directive stands more than once", directive);
        }
        match name.as_str() {
            "max-age" => match argument.as_deref() {
                Some(seconds) if !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit()) => {
                    max_age = Some(seconds.parse().unwrap_or(u64::MAX))
                }
                _ => return broken("max-age is not a number of seconds", directive),
            },
            "includesubdomains" => {
                if argument.is_some() {
                    return broken("includeSubDomains has a value", directive);
                }
                policy.include_sub_domains = true;
            }
            "preload" => policy.preload = true,
            _ => {}
        }
        names.push(name);
    }
    match max_age {
        Some(seconds) => Ok(TransportPolicy { max_age: seconds, ..policy }),
        None => broken("max-age is missing", value),
    }
}

/// Judges what a host sent. Of several headers the first counts (section 8.1).
pub fn judge(sent: &Sent<'_>, surface: Surface, demand: &Demand) -> Judged {
    if is_address(sent.host) {
        return Judged::Inapplicable("a host that is reached by its address cannot be remembered by browsers (RFC 6797, section 8.1.1)");
    }
    if surface == Surface::Device {
        return Judged::Inapplicable("a device in a home has no public name that browsers could remember");
    }
    let mut findings = Vec::new();
    if !sent.clear.is_empty() {
        findings.push(
            Finding::warning("hsts-over-http", "the header is also sent without encryption, where browsers must ignore it")
                .clause("RFC 6797, section 7.2"),
        );
    }
    let Some(first) = sent.secure.first() else {
        findings.push(
            Finding::error("hsts-missing", "browsers are not told to use encryption always")
                .expected(format!("Strict-Transport-Security with max-age of at least {} seconds", demand.least_max_age))
                .observed("no such header")
                .clause("RFC 6797, section 7.1"),
        );
        return Judged::Findings(findings);
    };
    if sent.secure.len() > 1 {
        findings.push(
            Finding::warning("hsts-repeated", "the header is sent more than once; only the first one counts")
                .clause("RFC 6797, section 8.1"),
        );
    }
    match read(first) {
        Err(malformed) => findings.push(
            Finding::error("hsts-malformed", malformed.message)
                .expected("such as max-age=31536000; includeSubDomains")
                .observed(&malformed.part)
                .clause("RFC 6797, section 6.1"),
        ),
        Ok(policy) => {
            let finding = |f: Finding| f.observed(first).clause("RFC 6797, section 6.1.1");
            if policy.max_age == 0 {
                findings.push(finding(Finding::error("hsts-off", "max-age=0 tells browsers to forget the policy")));
            } else if policy.max_age < demand.least_max_age {
                findings.push(
                    finding(Finding::error("hsts-short", "the policy is remembered for too short a time"))
                        .expected(format!("at least {} seconds", demand.least_max_age)),
                );
            } else if policy.max_age < demand.advised_max_age {
                findings.push(
                    finding(Finding::warning("hsts-short", "the policy is remembered for less than the advised time"))
                        .expected(format!("at least {} seconds", demand.advised_max_age)),
                );
            }
            if demand.sub_domains && !policy.include_sub_domains {
                findings.push(
                    finding(Finding::error("hsts-sub-domains", "the policy does not cover the names below this one"))
                        .expected("includeSubDomains"),
                );
            }
        }
    }
    Judged::Findings(findings)
}

/// Splits at semicolons that are not inside a quoted text.
fn split_directives(value: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (i, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                parts.push(value.get(start..i).unwrap_or_default());
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(value.get(start..).unwrap_or_default());
    parts
}

/// The text of a token or of a quoted string (RFC 9110, section 5.6.4).
fn unquote(argument: &str) -> Option<String> {
    let Some(inner) = argument.strip_prefix('"') else { return is_token(argument).then(|| argument.to_owned()) };
    let mut text = String::new();
    let mut chars = inner.chars();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(text),
            '\\' => text.push(chars.next()?),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Severity;

    const DEMAND: Demand = Demand { least_max_age: 15_552_000, advised_max_age: 31_536_000, sub_domains: false };

    fn judged(values: &[&str]) -> Vec<(String, Severity)> {
        let secure: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
        let sent = Sent { host: "example.org", secure: &secure, clear: &[] };
        judge(&sent, Surface::Api, &DEMAND).findings().iter().map(|f| (f.rule.clone(), f.severity)).collect()
    }
    fn error(values: &[&str]) -> String {
        match judged(values).as_slice() {
            [(rule, Severity::Error)] => rule.clone(),
            other => panic!("{values:?}: {other:?}"),
        }
    }

    #[test]
    fn what_browsers_obey_is_sound() {
        for value in [
            "max-age=31536000",
            "max-age=\"31536000\"",
            "MAX-AGE=63072000; IncludeSubDomains; preload",
            " ; max-age = 31536000 ;; includeSubDomains ; ",
            "includeSubDomains; max-age=31536000; report-to=\"a;b\"",
            "max-age=99999999999999999999999999",
        ] {
            assert_eq!(judged(&[value]), [], "{value}");
        }
    }

    #[test]
    fn what_browsers_drop_is_malformed() {
        for value in [
            "maxage=31536000",
            "max-age",
            "max-age=",
            "max-age=1y",
            "max-age=-1",
            "max-age=31536000, includeSubDomains",
            "max-age=31536000; max-age=31536000",
            "max-age=31536000; includeSubDomains=true",
            "max-age=\"31536000",
            "max-age=31536000 includeSubDomains",
            "",
        ] {
            assert_eq!(error(&[value]), "hsts-malformed", "{value}");
        }
    }

    #[test]
    fn time_and_absence_are_judged_by_the_demand() {
        assert_eq!(error(&[]), "hsts-missing");
        assert_eq!(error(&["max-age=0"]), "hsts-off");
        assert_eq!(error(&["max-age=300"]), "hsts-short");
        assert_eq!(judged(&["max-age=15552000"]), [("hsts-short".to_owned(), Severity::Warning)]);
        assert_eq!(judged(&["max-age=31536000", "max-age=0"]), [("hsts-repeated".to_owned(), Severity::Warning)]);
        let strict = Demand { sub_domains: true, ..DEMAND };
        let secure = ["max-age=31536000".to_owned()];
        let sent = Sent { host: "example.org", secure: &secure, clear: &[] };
        assert_eq!(judge(&sent, Surface::WebPage, &strict).findings()[0].rule, "hsts-sub-domains");
    }

    #[test]
    fn addresses_and_devices_are_not_concerned() {
        let sent = |host| Sent { host, secure: &[], clear: &[] };
        for host in ["192.168.1.1", "[2001:db8::1]", "2001:db8::1"] {
            assert!(matches!(judge(&sent(host), Surface::Api, &DEMAND), Judged::Inapplicable(_)));
        }
        assert!(matches!(judge(&sent("hub.local"), Surface::Device, &DEMAND), Judged::Inapplicable(_)));
    }

    #[test]
    fn only_over_http_is_missing() {
        let clear = ["max-age=31536000".to_owned()];
        let rules: Vec<String> = judge(&Sent { host: "example.org", secure: &[], clear: &clear }, Surface::Api, &DEMAND)
            .findings()
            .iter()
            .map(|f| f.rule.clone())
            .collect();
        assert_eq!(rules, ["hsts-over-http", "hsts-missing"]);
    }
}
