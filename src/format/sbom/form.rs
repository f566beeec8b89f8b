//! The form of a CycloneDX list beyond what its parts are read for: members that must be there, words that are the
//! standard's, texts of a fixed form. One walk over the whole document, by the names of members, which mean the
//! same wherever they stand.
//!
//! Not looked at: members that the standard does not know (later versions add some), and what is inside
//! signatures, formulations and models.

use serde_json::Value;

use super::{MAX_PARTS, Notes, algorithm, child};
use crate::verdict::Finding;

/// Members inside of which names mean other things.
const ELSEWHERE: [&str; 6] = ["signature", "formulation", "modelCard", "declarations", "definitions", "cryptoProperties"];
/// The longest walk; a limit of ours.
const MAX_STEPS: usize = MAX_PARTS * 20;

/// Words of the standard, by the path of member names at whose end they stand.
const WORDS: [(&[&str], &[&str]); 10] = [
    (&["patches", "type"], &["unofficial", "monkey", "backport", "cherry-pick"]),
    (&["resolves", "type"], &["defect", "enhancement", "security"]),
    (&["data", "flow"], &["inbound", "outbound", "bi-directional", "unknown"]),
    (&["text", "encoding"], &["base64"]),
    (&["content", "encoding"], &["base64"]),
    (&["analysis", "state"], &["resolved", "resolved_with_pedigree", "exploitable", "in_triage", "false_positive", "not_affected"]),
    (&["analysis", "response"], &["can_not_fix", "will_not_fix", "update", "rollback", "workaround_available"]),
    (
        &["analysis", "justification"],
        &[
            "code_not_present",
            "code_not_reachable",
            "requires_configuration",
            "requires_dependency",
            "requires_environment",
            "protected_by_compiler",
            "protected_at_runtime",
            "protected_at_perimeter",
            "protected_by_mitigating_control",
        ],
    ),
    (&["ratings", "severity"], &["critical", "high", "medium", "low", "info", "none", "unknown"]),
    (
        &["compositions", "aggregate"],
        &[
            "complete",
            "incomplete",
            "incomplete_first_party_only",
            "incomplete_first_party_proprietary_only",
            "incomplete_first_party_opensource_only",
            "incomplete_third_party_only",
            "incomplete_third_party_proprietary_only",
            "incomplete_third_party_opensource_only",
            "unknown",
            "not_specified",
        ],
    ),
];

/// Members that an object of this name, or each of a list of this name, must have.
const NEEDED: [(&str, &[&str]); 9] = [
    ("components", &["type", "name"]),
    ("component", &["type", "name"]),
    ("services", &["name"]),
    ("swid", &["tagId", "name"]),
    ("hashes", &["alg", "content"]),
    ("externalReferences", &["url", "type"]),
    ("patches", &["type"]),
    ("resolves", &["type"]),
    ("compositions", &["aggregate"]),
];

pub(super) fn judge(bom: &Value, version: &str, notes: &mut Notes<'_>) {
    let mut stack: Vec<(&Value, String, &str, &str)> = vec![(bom, String::new(), "", "")];
    for _ in 0..MAX_STEPS {
        let Some((value, pointer, parent, name)) = stack.pop() else { return };
        match value {
            Value::Object(members) => {
                object(value, &pointer, name, version, notes);
                for (key, inner) in members.iter().filter(|(k, _)| !ELSEWHERE.contains(&k.as_str())) {
                    stack.push((inner, child(&pointer, key), name, key));
                }
            }
            Value::Array(items) => stack.extend(items.iter().enumerate().map(|(i, v)| (v, format!("{pointer}/{i}"), parent, name))),
            Value::String(text) => {
                let words = WORDS.iter().find(|(path, _)| *path == [parent, name]);
                if let Some((_, words)) = words
                    && !words.contains(&text.as_str())
                {
                    notes.push(
                        Finding::error("unknown-word", format!("{name} is none of the standard's words"))
                            .at(pointer)
                            .expected(words.join(", "))
                            .observed(text)
                            .clause("ECMA-424"),
                    );
                } else if name == "bom-ref" && text.is_empty() {
                    notes.push(
                        Finding::error("empty-reference", "a reference is empty")
                            .at(pointer)
                            .expected("a name of its own")
                            .clause("ECMA-424"),
                    );
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn object(value: &Value, pointer: &str, name: &str, version: &str, notes: &mut Notes<'_>) {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let missing =
        |key: &str| Finding::error("member-missing", format!("{key} is missing")).at(pointer.to_owned()).expected(key).clause("ECMA-424");
    // Tools of old lists stand under `components` too, with the same needs.
    if let Some((_, needed)) = NEEDED.iter().find(|(known, _)| *known == name) {
        for key in needed.iter().filter(|key| value.get(**key).is_none()) {
            // Of these, words of their own tell already.
            let told = *key == "alg" || (*key == "type" && matches!(name, "components" | "component"));
            if !told {
                notes.push(missing(key));
            }
        }
    }
    match name {
        // Since 1.6 a property has a name; before, anything went (1.3 to 1.5).
        "properties" if !matches!(version, "1.2" | "1.3" | "1.4" | "1.5") && value.get("name").is_none() => notes.push(missing("name")),
        "licenses" => {
            let both = value.get("license").is_some() && value.get("expression").is_some();
            let none = value.get("license").is_none() && value.get("expression").is_none();
            if both || none {
                notes.push(
                    Finding::error("licence-choice", "a licence is either an expression or an object, and this is both or neither")
                        .at(pointer)
                        .expected("license or expression")
                        .clause("ECMA-424, licenses"),
                );
            }
        }
        "license" if value.get("id").is_some() == value.get("name").is_some() => {
            notes.push(
                Finding::error("licence-name", "a licence has either an identifier or a name, and this has both or neither")
                    .at(pointer)
                    .expected("id or name")
                    .clause("ECMA-424, licenses"),
            );
        }
        "hashes" => {
            if let (Some(alg), Some(content)) = (text("alg"), text("content")) {
                let digits = hash_digits(&algorithm(alg));
                let hexadecimal = content.bytes().all(|b| b.is_ascii_hexdigit());
                // With an algorithm that is not known, any of the lengths of the standard's pattern.
                let fits = digits.map_or(matches!(content.len(), 32 | 40 | 64 | 96 | 128), |n| content.len() == n);
                if !hexadecimal || !fits {
                    let expected = digits.map_or_else(|| "hexadecimal digits".to_owned(), |n| format!("{n} hexadecimal digits"));
                    notes.push(
                        Finding::error("hash", "a hash is not of the length of its algorithm, or no hexadecimal number")
                            .at(child(pointer, "content"))
                            .expected(expected)
                            .observed(content)
                            .clause("ECMA-424, hashes"),
                    );
                }
            }
        }
        _ => {}
    }
}

fn hash_digits(algorithm: &str) -> Option<usize> {
    Some(match algorithm {
        "md5" => 32,
        "sha1" => 40,
        "sha256" | "sha3256" | "blake2b256" | "blake3" | "streebog256" => 64,
        "sha384" | "sha3384" | "blake2b384" => 96,
        "sha512" | "sha3512" | "blake2b512" | "streebog512" => 128,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::document::Source;
    use crate::format::sbom::PartsList;

    fn rules(component: &Value, version: &str) -> Vec<String> {
        let bom = json!({"bomFormat": "CycloneDX", "specVersion": version, "components": [component]});
        PartsList::read(&Source::json("b", bom.to_string().as_bytes()).unwrap()).1.into_iter().map(|f| f.rule).collect()
    }

    #[test]
    fn each_fault_of_the_form_is_told_and_sound_members_are_not() {
        let with = |key: &str, value: Value| {
            let mut component = json!({"type": "library", "name": "x"});
            component[key] = value;
            rules(&component, "1.6")
        };
        let md5 = "3942447fac867ae5cdb3229b658f4d48";
        for (key, value) in [
            ("licenses", json!([{"expression": "MIT OR Apache-2.0"}])),
            ("licenses", json!([{"license": {"id": "MIT", "text": {"encoding": "base64", "content": "eA=="}}}])),
            ("hashes", json!([{"alg": "MD5", "content": md5}])),
            ("properties", json!([{"name": "licenses", "value": "x"}])),
            ("swid", json!({"tagId": "t", "name": "n"})),
            ("bom-ref", json!("r")),
            ("pedigree", json!({"patches": [{"type": "backport", "resolves": [{"type": "security"}]}]})),
        ] {
            assert_eq!(with(key, value), [""; 0], "{key}");
        }
        for (key, value, rule) in [
            ("licenses", json!([{"license": {"id": "MIT"}, "expression": "MIT"}]), "licence-choice"),
            ("licenses", json!([{"license": {}}]), "licence-name"),
            ("licenses", json!([{"license": {"id": "MIT", "text": {"encoding": "base85", "content": "x"}}}]), "unknown-word"),
            ("hashes", json!([{"alg": "SHA-256", "content": md5}]), "hash"),
            ("properties", json!([{"value": "x"}]), "member-missing"),
            ("swid", json!({"name": "n"}), "member-missing"),
            ("bom-ref", json!(""), "empty-reference"),
            ("pedigree", json!({"patches": [{"type": "own"}]}), "unknown-word"),
            ("externalReferences", json!([{"type": "vcs"}]), "member-missing"),
        ] {
            assert_eq!(with(key, value), [rule], "{key}");
        }
        assert!(rules(&json!({"type": "library", "name": "x", "properties": [{"value": "x"}]}), "1.5").is_empty());
        assert_eq!(rules(&json!({"type": "library"}), "1.6"), ["member-missing"]);
    }
}
