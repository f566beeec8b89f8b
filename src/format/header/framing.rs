//! Framing: whether a stranger's page may show this one inside its own (`frame-ancestors` of the
//! content security policy, `X-Frame-Options` of the HTML standard).

use crate::verdict::Finding;

use super::content_security_policy::Policies;
use super::{Judged, Surface};

/// Judges the policies and the values of `X-Frame-Options`. An enforced `frame-ancestors` goes first:
/// browsers ignore the older header beside it.
pub fn judge(policies: &Policies, frame_options: &[String], surface: Surface) -> Judged {
    if surface == Surface::Api {
        return Judged::Inapplicable("an answer for machines is not shown in a frame");
    }
    let finding = |rule: &str, message: &str| {
        Finding::new(rule, surface.weight(), message)
            .expected("frame-ancestors 'none' or 'self', or X-Frame-Options: DENY or SAMEORIGIN")
            .clause("CSP 3, section 6.4.2")
    };
    let ancestors = policies.enforced_values("frame-ancestors");
    if !ancestors.is_empty() {
        let everywhere = |list: &Vec<String>| {
            list.iter().any(|s| matches!(s.to_ascii_lowercase().as_str(), "*" | "https:" | "http:" | "http://*" | "https://*"))
        };
        return Judged::Findings(if ancestors.iter().all(everywhere) {
            vec![
                finding("framing-open", "the page may be shown inside any other page")
                    .observed(&ancestors.iter().flatten().cloned().collect::<Vec<_>>().join(" ")),
            ]
        } else {
            Vec::new()
        });
    }
    let mut values: Vec<String> = Vec::new();
    for value in frame_options.iter().flat_map(|v| v.split(',')) {
        let value = value.trim().to_ascii_lowercase();
        if !value.is_empty() && !values.contains(&value) {
            values.push(value);
        }
    }
    let known = |v: &String| matches!(v.as_str(), "deny" | "sameorigin");
    Judged::Findings(match values.as_slice() {
        [] => {
            vec![finding("framing-missing", "nothing keeps the page from being shown inside a stranger's page").observed("neither header")]
        }
        [one] if known(one) => Vec::new(),
        [one] => vec![finding("framing-unknown", "X-Frame-Options has a value that browsers ignore").observed(one)],
        // Several values that contradict each other: browsers refuse the frame as soon as one is known.
        many if many.iter().any(|v| known(v) || v == "allowall") => {
            vec![
                Finding::warning("framing-contradiction", "X-Frame-Options has several values")
                    .observed(&many.join(", "))
                    .clause("HTML, section 7.7"),
            ]
        }
        many => vec![finding("framing-unknown", "X-Frame-Options has values that browsers ignore").observed(&many.join(", "))],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(policy: &[&str], options: &[&str]) -> Vec<String> {
        let own = |list: &[&str]| list.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        judge(&Policies::read(&own(policy), &[], &[]), &own(options), Surface::WebPage).findings().iter().map(|f| f.rule.clone()).collect()
    }

    #[test]
    fn either_header_protects() {
        let silent: &[(&[&str], &[&str])] = &[
            (&["frame-ancestors 'none'"], &[]),
            (&["default-src *; Frame-Ancestors 'self' https://care.example.org"], &["ALLOWALL"]),
            (&[], &["deny"]),
            (&["default-src 'self'"], &["SAMEORIGIN"]),
            (&[], &["SAMEORIGIN, SAMEORIGIN"]),
            (&["frame-ancestors *", "frame-ancestors 'self'"], &[]),
        ];
        for (policy, options) in silent {
            assert_eq!(rules(policy, options), Vec::<String>::new(), "{policy:?} {options:?}");
        }
        assert_eq!(rules(&["default-src 'none'"], &[]), ["framing-missing"]);
        assert_eq!(rules(&[], &["ALLOW-FROM https://example.org"]), ["framing-unknown"]);
        assert_eq!(rules(&["frame-ancestors *"], &["DENY"]), ["framing-open"]);
        assert_eq!(rules(&[], &["DENY", "SAMEORIGIN"]), ["framing-contradiction"]);
        assert!(matches!(judge(&Policies::default(), &[], Surface::Api), Judged::Inapplicable(_)));
    }
}
