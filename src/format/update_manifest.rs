//! Manifests of updates: the document by which a device learns of new software.
//!
//! There is no common format, so only what each must have in some form is looked for, by the names of
//! members in JSON or YAML: a version, where the image is (never in clear text), a hash that is not
//! broken, and a signature. Whether the signature is *valid* is not told here: a person must see it.

use serde_json::Value;

use crate::document::{Source, push_token};
use crate::verdict::Finding;

/// Judges a manifest that was retrieved from `address`.
pub fn judge(source: &Source, address: &str) -> Vec<Finding> {
    let clause = "EN 303 645, provisions 5.3-2, 5.3-7 and 5.3-10";
    let mut seen = Seen::default();
    walk(source.value(), &mut seen);
    let mut findings = Vec::new();
    if address.get(..7).is_some_and(|a| a.eq_ignore_ascii_case("http://")) {
        findings.push(
            Finding::error("manifest-clear-text", "the manifest of updates comes without encryption").expected("https").observed(address),
        );
    }
    if !source.value().is_object() && !source.value().is_array() {
        findings.push(
            Finding::error("not-a-manifest", "the document is no manifest of updates")
                .expected("JSON or YAML with version, address, hash and signature"),
        );
        return findings;
    }
    for (pointer, value) in &seen.clear_addresses {
        findings.push(
            Finding::error("update-clear-text", "an update is fetched without encryption")
                .at(pointer.clone())
                .position(source.position(pointer))
                .expected("https")
                .observed(value),
        );
    }
    if seen.version == 0 {
        findings.push(
            Finding::error("update-version", "the manifest does not say which version it is about").expected("a member such as version"),
        );
    }
    if seen.strong_hash == 0 && seen.signature == 0 {
        findings.push(if seen.weak_hash > 0 {
            Finding::error("update-hash-weak", "an update is told by a hash that is broken (MD5 or SHA-1)").expected("SHA-256 or better")
        } else {
            Finding::error("update-hash", "the manifest has no hash of the update").expected("a member such as sha256")
        });
    } else if seen.strong_hash == 0 {
        findings.push(
            Finding::warning("update-hash", "the manifest has no hash of the update that is not broken")
                .expected("a member such as sha256"),
        );
    }
    if seen.signature == 0 {
        findings.push(
            Finding::error("update-signature", "the manifest names no signature of the update")
                .expected("a member such as signature, or an envelope such as TUF or JWS"),
        );
    }
    findings.into_iter().map(|f| f.clause(clause)).collect()
}

#[derive(Default)]
struct Seen {
    version: usize,
    strong_hash: usize,
    weak_hash: usize,
    signature: usize,
    clear_addresses: Vec<(String, String)>,
}

fn walk(value: &Value, seen: &mut Seen) {
    /// Findings of one kind that are told one by one.
    const MAX_ADDRESSES: usize = 10;
    let mut stack = vec![(String::new(), String::new(), value)];
    while let Some((pointer, key, value)) = stack.pop() {
        match value {
            Value::Object(map) => {
                for (name, inner) in map {
                    let mut at = pointer.clone();
                    push_token(&mut at, name);
                    stack.push((at, letters(name), inner));
                }
                let filled = !map.is_empty();
                note(&key, filled, seen);
            }
            Value::Array(items) => {
                stack.extend(items.iter().enumerate().map(|(i, inner)| (format!("{pointer}/{i}"), key.clone(), inner)));
            }
            Value::String(text) => {
                note(&key, !text.trim().is_empty(), seen);
                let text = text.trim();
                if text.starts_with("sha256:")
                    || text.starts_with("sha256-")
                    || text.starts_with("sha384-")
                    || text.starts_with("sha512-")
                    || text.starts_with("sha512:")
                {
                    seen.strong_hash += 1;
                }
                if is_jws(text) {
                    seen.signature += 1;
                }
                let clear = ["http://", "ftp://", "tftp://"].iter().any(|s| text.get(..s.len()).is_some_and(|t| t.eq_ignore_ascii_case(s)));
                // The address of a page, of a schema or of a context is not fetched as an update.
                let page = [
                    "schema",
                    "context",
                    "homepage",
                    "documentation",
                    "notes",
                    "changelog",
                    "licence",
                    "license",
                    "info",
                    "type",
                    "id",
                    "xmlns",
                ]
                .iter()
                .any(|p| key.contains(p));
                if clear && !page && seen.clear_addresses.len() < MAX_ADDRESSES {
                    seen.clear_addresses.push((pointer, text.to_owned()));
                }
            }
            Value::Number(_) | Value::Bool(_) => note(&key, true, seen),
            Value::Null => {}
        }
    }
}

fn note(key: &str, filled: bool, seen: &mut Seen) {
    if !filled || key.is_empty() {
        return;
    }
    let has = |parts: &[&str]| parts.iter().any(|p| key.contains(p));
    if has(&["version", "release", "build"]) && !has(&["specversion", "schemaversion", "manifestversion", "min", "conversion"]) {
        seen.version += 1;
    }
    if has(&["sha256", "sha384", "sha512", "sha3", "blake2", "blake3"]) {
        seen.strong_hash += 1;
    } else if has(&["md5", "sha1", "crc"]) {
        seen.weak_hash += 1;
    }
    if has(&["signature", "signatures", "signedby"])
        || matches!(key, "sig" | "sigs" | "jws" | "pgp" | "minisig" | "ed25519" | "cosign")
        || key.ends_with("sig")
    {
        seen.signature += 1;
    }
}

fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// A compact JWS: three parts of base64url, the first of which is an object.
fn is_jws(text: &str) -> bool {
    text.starts_with("eyJ") && text.split('.').count() == 3 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"{"$schema":"http://example.org/schema","version":"2.4.1","image":{"url":"https://updates.example.org/hub-2.4.1.img","sha256":"abcd"},"signature":"MEUCIQ=="}"#;

    fn rules(text: &str) -> Vec<String> {
        judge(&Source::read("m", text.as_bytes()).unwrap(), "https://updates.example.org/m.json").into_iter().map(|f| f.rule).collect()
    }

    #[test]
    fn sound_manifests_are_silent() {
        assert_eq!(rules(SOUND), Vec::<String>::new());
        assert_eq!(
            rules("version: 2.4.1\nfiles:\n- digest: sha256:abcd\n  uri: https://x.example/y\nsignatures: [{keyid: a, sig: b}]\n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn each_fault_has_its_rule() {
        let cases = [
            ("https://updates.example.org/hub", "http://updates.example.org/hub", "update-clear-text"),
            ("\"sha256\"", "\"md5\"", ""),
            (",\"signature\":\"MEUCIQ==\"", "", "update-signature"),
            ("\"version\":\"2.4.1\",", "", "update-version"),
        ];
        for (from, to, rule) in cases {
            let expected: Vec<&str> = if rule.is_empty() { vec!["update-hash"] } else { vec![rule] };
            assert_eq!(rules(&SOUND.replace(from, to)), expected, "{to}");
        }
        let bare = SOUND.replace(",\"signature\":\"MEUCIQ==\"", "");
        assert_eq!(rules(&bare.replace("sha256", "md5")), ["update-hash-weak", "update-signature"]);
        assert_eq!(rules(&bare.replace(",\"sha256\":\"abcd\"", "")), ["update-hash", "update-signature"]);
        assert_eq!(rules("hello"), ["not-a-manifest"]);
        let findings = judge(&Source::read("m", SOUND.as_bytes()).unwrap(), "HTTP://x/m.json");
        assert_eq!(findings[0].rule, "manifest-clear-text");
    }
}
