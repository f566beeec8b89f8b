//! `X-Content-Type-Options` (Fetch standard, section 3.6): browsers must not guess what an answer is.

use crate::verdict::Finding;

use super::{Judged, Surface, essence};

/// Judges the header's values, given as they were sent. Of a list the first item counts.
pub fn judge(values: &[String], content_type: Option<&str>, surface: Surface) -> Judged {
    let kind = content_type.map(essence).unwrap_or_default();
    let sniffable =
        kind.is_empty() || kind.starts_with("text/") || kind.ends_with("json") || kind.ends_with("xml") || kind.ends_with("javascript");
    if !sniffable {
        return Judged::Inapplicable("an answer of this type is not guessed by browsers");
    }
    let joined = values.join(",");
    let first = joined.split(',').next().unwrap_or_default().trim_matches([' ', '\t']);
    let mut findings = Vec::new();
    if values.is_empty() {
        findings
            .push(Finding::new("nosniff-missing", surface.weight(), "browsers may guess what the answer is").observed("no such header"));
    } else if !first.eq_ignore_ascii_case("nosniff") {
        findings
            .push(Finding::new("nosniff-unknown", surface.weight(), "the header's value is not one that browsers know").observed(&joined));
    }
    Judged::Findings(
        findings.into_iter().map(|f| f.expected("X-Content-Type-Options: nosniff").clause("WHATWG Fetch, section 3.6")).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(values: &[&str], kind: &str) -> Vec<String> {
        let values: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
        judge(&values, Some(kind), Surface::WebPage).findings().iter().map(|f| f.rule.clone()).collect()
    }

    #[test]
    fn nosniff_counts_in_any_case_and_when_it_is_joined() {
        for values in [&["nosniff"][..], &["NoSniff"], &["nosniff, nosniff"], &["nosniff", "nosniff"], &[" nosniff "]] {
            assert_eq!(rules(values, "text/html"), Vec::<String>::new(), "{values:?}");
        }
        assert_eq!(rules(&[], "text/html"), ["nosniff-missing"]);
        assert_eq!(rules(&["no-sniff"], "application/json"), ["nosniff-unknown"]);
        assert_eq!(rules(&["sniff, nosniff"], "text/html"), ["nosniff-unknown"]);
        assert_eq!(rules(&[], "image/png"), Vec::<String>::new());
    }
}
