//! `Referrer-Policy` (W3C Referrer Policy): what a followed link tells the next site.

use crate::verdict::Finding;

use super::{Judged, Surface};

/// The policies, from those that tell nothing to a stranger to those that tell too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferrerPolicy {
    /// Nothing is told.
    NoReferrer,
    /// Nothing is told to other sites.
    SameOrigin,
    /// Only the site, and nothing without encryption.
    StrictOrigin,
    /// The site only, to other sites; what browsers do by themselves.
    StrictOriginWhenCrossOrigin,
    /// The site, also without encryption.
    Origin,
    /// The whole address within the site, the site to others, also without encryption.
    OriginWhenCrossOrigin,
    /// The whole address, except without encryption.
    NoReferrerWhenDowngrade,
    /// The whole address, always.
    UnsafeUrl,
}

/// The policy that browsers follow: the last value of all that they know (section 8.1 and 4.1).
pub fn effective(values: &[String]) -> Option<ReferrerPolicy> {
    values.iter().flat_map(|v| v.split(',')).filter_map(|v| known(v.trim())).next_back()
}

fn known(value: &str) -> Option<ReferrerPolicy> {
    Some(match value.to_ascii_lowercase().as_str() {
        "no-referrer" => ReferrerPolicy::NoReferrer,
        "same-origin" => ReferrerPolicy::SameOrigin,
        "strict-origin" => ReferrerPolicy::StrictOrigin,
        "strict-origin-when-cross-origin" => ReferrerPolicy::StrictOriginWhenCrossOrigin,
        "origin" => ReferrerPolicy::Origin,
        "origin-when-cross-origin" => ReferrerPolicy::OriginWhenCrossOrigin,
        "no-referrer-when-downgrade" => ReferrerPolicy::NoReferrerWhenDowngrade,
        "unsafe-url" => ReferrerPolicy::UnsafeUrl,
        _ => return None,
    })
}

/// Judges the header's values and those of `<meta name="referrer">`, which come after the header.
pub fn judge(header: &[String], meta: &[String], surface: Surface) -> Judged {
    if surface == Surface::Api {
        return Judged::Inapplicable("an answer for machines has no links that are followed");
    }
    let shown = header.iter().chain(meta).cloned().collect::<Vec<_>>().join(", ");
    let finding = |f: Finding| f.expected("no-referrer or same-origin").observed(&shown).clause("W3C Referrer Policy, section 3");
    Judged::Findings(match effective(meta).or_else(|| effective(header)) {
        Some(ReferrerPolicy::NoReferrer | ReferrerPolicy::SameOrigin) => Vec::new(),
        Some(ReferrerPolicy::StrictOrigin | ReferrerPolicy::StrictOriginWhenCrossOrigin) => {
            vec![finding(Finding::warning("referrer-site", "other sites are told from which site a visitor comes"))]
        }
        None if shown.is_empty() => vec![finding(Finding::warning("referrer-missing", "what other sites are told is left to the browser"))],
        None => vec![finding(Finding::warning("referrer-unknown", "no value is one that browsers know, so it is left to them"))],
        Some(ReferrerPolicy::Origin | ReferrerPolicy::OriginWhenCrossOrigin) => {
            vec![finding(Finding::new(
                "referrer-unencrypted",
                surface.weight(),
                "sites without encryption are told from which site a visitor comes",
            ))]
        }
        Some(ReferrerPolicy::NoReferrerWhenDowngrade | ReferrerPolicy::UnsafeUrl) => {
            vec![finding(Finding::new(
                "referrer-address",
                surface.weight(),
                "other sites are told the whole address of the page a visitor comes from",
            ))]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Severity;

    fn judged(values: &[&str]) -> Vec<(String, Severity)> {
        let values: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
        judge(&values, &[], Surface::WebPage).findings().iter().map(|f| (f.rule.clone(), f.severity)).collect()
    }

    #[test]
    fn the_last_known_value_counts() {
        assert_eq!(judged(&["no-referrer"]), []);
        assert_eq!(judged(&["unsafe-url, same-origin"]), []);
        assert_eq!(judged(&["unsafe-url", "No-Referrer, future-policy"]), []);
        assert_eq!(judged(&["no-referrer, unsafe-url"]), [("referrer-address".to_owned(), Severity::Error)]);
        assert_eq!(judged(&["origin"]), [("referrer-unencrypted".to_owned(), Severity::Error)]);
        assert_eq!(judged(&["strict-origin-when-cross-origin"]), [("referrer-site".to_owned(), Severity::Warning)]);
        assert_eq!(judged(&[]), [("referrer-missing".to_owned(), Severity::Warning)]);
        assert_eq!(judged(&["never"]), [("referrer-unknown".to_owned(), Severity::Warning)]);
    }

    #[test]
    fn a_meta_element_comes_after_the_header() {
        let judged = judge(&["unsafe-url".to_owned()], &["no-referrer".to_owned()], Surface::WebPage);
        assert_eq!(judged.findings(), []);
    }
}
