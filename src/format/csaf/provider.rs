//! `provider-metadata.json` of CSAF 2.0 (section 7.1.7): where a maker's advisories are.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use crate::document::Source;
use crate::verdict::Finding;

const CLAUSE: &str = "CSAF 2.0, section 7.1.7";

/// Judges a provider's metadata that was retrieved from `address`.
pub fn judge(source: &Source, address: &str, now: OffsetDateTime) -> Vec<Finding> {
    let value = source.value();
    let mut findings = Vec::new();
    if !value.is_object() {
        return vec![
            Finding::error("not-provider-metadata", "the document is no metadata of a provider")
                .expected("an object with publisher and distributions")
                .clause(CLAUSE),
        ];
    }
    for duplicate in source.duplicates() {
        findings.push(
            Finding::error("duplicate-key", "an object has the same key twice").at(duplicate.object.clone()).observed(&duplicate.key),
        );
    }
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    match text("/canonical_url") {
        None => findings.push(
            Finding::error("canonical-url", "the metadata does not say at which address it belongs")
                .at("/canonical_url")
                .expected("an https address"),
        ),
        Some(url) => {
            if !is_https(url) || !url.ends_with("/provider-metadata.json") {
                findings.push(
                    Finding::error("canonical-url", "the metadata's own address is not an https address of a provider-metadata.json")
                        .at("/canonical_url")
                        .expected("https://…/provider-metadata.json")
                        .observed(url),
                );
            } else if Url::parse(address).is_ok_and(|a| Url::parse(url).is_ok_and(|u| u != a)) {
                findings.push(
                    Finding::warning("canonical-elsewhere", "the metadata was found at another address than it names")
                        .at("/canonical_url")
                        .expected(address)
                        .observed(url),
                );
            }
        }
    }
    match text("/last_updated").map(|t| (t, OffsetDateTime::parse(t, &Rfc3339))) {
        None => findings.push(
            Finding::error("last-updated", "the metadata does not say when it was changed")
                .at("/last_updated")
                .expected("a date and time of RFC 3339"),
        ),
        Some((t, Err(_))) => findings.push(
            Finding::error("last-updated", "the moment of the last change is not a date and time")
                .at("/last_updated")
                .expected("a date and time of RFC 3339")
                .observed(t),
        ),
        Some((t, Ok(updated))) if updated - now > time::Duration::days(1) => {
            findings.push(Finding::error("last-updated", "the last change lies in the future").at("/last_updated").observed(t));
        }
        Some((_, Ok(_))) => {}
    }
    if text("/metadata_version") != Some("2.0") {
        findings.push(
            Finding::error("metadata-version", "the metadata's version is not 2.0")
                .at("/metadata_version")
                .expected("2.0")
                .observed(text("/metadata_version").unwrap_or_default()),
        );
    }
    for key in ["list_on_CSAF_aggregators", "mirror_on_CSAF_aggregators"] {
        if !value.get(key).is_some_and(Value::is_boolean) {
            findings.push(
                Finding::error("aggregators", format!("the metadata does not answer {key}"))
                    .at(format!("/{key}"))
                    .expected("true or false"),
            );
        }
    }
    let role = match value.get("role") {
        // The schema's default.
        None => "csaf_provider",
        Some(role) => role.as_str().unwrap_or_default(),
    };
    if !matches!(role, "csaf_publisher" | "csaf_provider" | "csaf_trusted_provider") {
        findings.push(
            Finding::error("role", "the role is none of the standard")
                .at("/role")
                .expected("csaf_publisher, csaf_provider or csaf_trusted_provider")
                .observed(role),
        );
    }
    super::judge_publisher(value.get("publisher"), "/publisher", &mut findings);
    judge_distributions(value, role, &mut findings);
    judge_keys(value, role, &mut findings);
    findings.into_iter().map(|f| if f.clause.is_empty() { f.clause(CLAUSE) } else { f }).map(|f| with_place(f, source)).collect()
}

fn judge_distributions(value: &Value, role: &str, findings: &mut Vec<Finding>) {
    let distributions = super::list(value, "distributions");
    if distributions.is_empty() {
        let message = "the metadata does not say where the advisories are";
        let finding =
            if role == "csaf_publisher" { Finding::warning("distributions", message) } else { Finding::error("distributions", message) };
        findings.push(finding.at("/distributions").expected("a directory or a ROLIE feed"));
    }
    for (i, distribution) in distributions.iter().enumerate() {
        let pointer = format!("/distributions/{i}");
        let directory = distribution.get("directory_url").and_then(Value::as_str);
        let feeds = distribution.pointer("/rolie/feeds").and_then(Value::as_array);
        if directory.is_none() && feeds.is_none() && distribution.get("rolie").is_none() {
            findings.push(
                Finding::error("distributions", "a distribution names neither a directory nor a feed")
                    .at(pointer.clone())
                    .expected("directory_url or rolie"),
            );
        }
        if let Some(url) = directory.filter(|u| !is_https(u)) {
            findings.push(
                Finding::error("distribution-address", "advisories are not offered over https")
                    .at(format!("{pointer}/directory_url"))
                    .expected("https")
                    .observed(url),
            );
        }
        for (j, feed) in feeds.into_iter().flatten().enumerate() {
            let at = format!("{pointer}/rolie/feeds/{j}");
            match feed.get("url").and_then(Value::as_str) {
                Some(url) if is_https(url) => {}
                other => findings.push(
                    Finding::error("distribution-address", "a feed is not offered over https")
                        .at(format!("{at}/url"))
                        .expected("https")
                        .observed(other.unwrap_or_default()),
                ),
            }
            let label = feed.get("tlp_label").and_then(Value::as_str);
            if !matches!(label, Some("UNLABELED" | "WHITE" | "GREEN" | "AMBER" | "RED")) {
                findings.push(
                    Finding::error("feed-tlp", "a feed has no label of the Traffic Light Protocol")
                        .at(format!("{at}/tlp_label"))
                        .expected("UNLABELED, WHITE, GREEN, AMBER or RED")
                        .observed(label.unwrap_or_default()),
                );
            }
        }
    }
}

fn judge_keys(value: &Value, role: &str, findings: &mut Vec<Finding>) {
    let keys = super::list(value, "public_openpgp_keys");
    if keys.is_empty() && role == "csaf_trusted_provider" {
        findings.push(
            Finding::error("openpgp-key", "a trusted provider names no key")
                .at("/public_openpgp_keys")
                .expected("an OpenPGP key")
                .clause("CSAF 2.0, section 7.1.20"),
        );
    }
    for (i, key) in keys.iter().enumerate() {
        let at = format!("/public_openpgp_keys/{i}");
        match key.get("url").and_then(Value::as_str) {
            Some(url) if is_https(url) => {}
            other => findings.push(
                Finding::error("openpgp-key", "a key is not offered over https")
                    .at(format!("{at}/url"))
                    .expected("https")
                    .observed(other.unwrap_or_default()),
            ),
        }
        if let Some(print) = key.get("fingerprint").and_then(Value::as_str)
            && (print.len() < 40 || !print.bytes().all(|b| b.is_ascii_hexdigit()))
        {
            findings.push(
                Finding::error("openpgp-key", "a key's fingerprint is not one")
                    .at(format!("{at}/fingerprint"))
                    .expected("at least 40 hexadecimal digits")
                    .observed(print),
            );
        }
    }
}

fn with_place(finding: Finding, source: &Source) -> Finding {
    let position = source.position(&finding.path);
    if finding.path.is_empty() { finding } else { finding.position(position) }
}

fn is_https(text: &str) -> bool {
    Url::parse(text).is_ok_and(|u| u.scheme() == "https" && u.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    const ADDRESS: &str = "https://example.org/.well-known/csaf/provider-metadata.json";

    fn sound() -> Value {
        json!({
            "canonical_url": ADDRESS, "last_updated": "2026-11-01T00:00:00Z", "metadata_version": "2.0", "list_on_CSAF_aggregators": true,
            "mirror_on_CSAF_aggregators": false, "role": "csaf_trusted_provider",
            "publisher": {"category": "vendor", "name": "Example", "namespace": "https://example.org"},
            "distributions": [{"directory_url": "https://example.org/csaf/"}, {"rolie": {"feeds": [{"url": "https://example.org/feed.json", "tlp_label": "WHITE", "summary": "all"}]}}],
            "public_openpgp_keys": [{"url": "https://example.org/key.asc", "fingerprint": "ab".repeat(20)}]
        })
    }
    fn rules(document: &Value) -> Vec<String> {
        judge(&Source::json("p", document.to_string().as_bytes()).unwrap(), ADDRESS, datetime!(2026-11-22 09:00 UTC))
            .into_iter()
            .map(|f| f.rule)
            .collect()
    }

    #[test]
    fn sound_metadata_is_silent_and_each_fault_has_its_rule() {
        assert_eq!(rules(&sound()), Vec::<String>::new());
        let cases: [(&str, Value, &str); 14] = [
            ("/canonical_url", json!("http://example.org/provider-metadata.json"), "canonical-url"),
            ("/canonical_url", json!("https://example.org/csaf/provider-metadata.json"), "canonical-elsewhere"),
            ("/last_updated", json!("1 November"), "last-updated"),
            ("/last_updated", json!("2027-11-01T00:00:00Z"), "last-updated"),
            ("/metadata_version", json!("1.0"), "metadata-version"),
            ("/list_on_CSAF_aggregators", json!("yes"), "aggregators"),
            ("/role", json!("csaf_reader"), "role"),
            ("/publisher/category", json!("maker"), "publisher"),
            ("/publisher/namespace", json!("example"), "publisher"),
            ("/distributions", json!([]), "distributions"),
            ("/distributions/0/directory_url", json!("http://example.org/csaf/"), "distribution-address"),
            ("/distributions/1/rolie/feeds/0/tlp_label", json!("BLUE"), "feed-tlp"),
            ("/public_openpgp_keys", json!([]), "openpgp-key"),
            ("/public_openpgp_keys/0/fingerprint", json!("abc"), "openpgp-key"),
        ];
        for (pointer, value, rule) in cases {
            let mut broken = sound();
            *broken.pointer_mut(pointer).unwrap() = value;
            assert_eq!(rules(&broken), [rule], "{pointer}");
        }
        assert_eq!(rules(&json!([])), ["not-provider-metadata"]);
    }
}
