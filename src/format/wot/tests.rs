use proptest::prelude::*;
use serde_json::{Value, json};

use super::{judge_description, judge_model};
use crate::format::mutation::{assert_one, changed, pointers};
use crate::verdict::Severity;

const LAMP: &str = r#"{
  "@context": ["https://www.w3.org/2022/wot/td/v1.1", {"@language": "en", "saref": "https://saref.etsi.org/core/"}],
  "@type": "saref:Sensor",
  "id": "urn:uuid:0804d572-cce8-422a-bb7c-4412fcd56f06",
  "title": "Bed sensor",
  "titles": {"en": "Bed sensor", "de": "Bettsensor"},
  "version": {"instance": "1.0.0"},
  "created": "2026-01-01T10:00:00Z",
  "modified": "2026-02-01T10:00:00+01:00",
  "base": "https://bed.example/",
  "securityDefinitions": {
    "basic_sc": {"scheme": "basic", "in": "header"},
    "key_sc": {"scheme": "apikey", "in": "header", "name": "X-Key"},
    "oauth_sc": {"scheme": "oauth2", "flow": "code", "authorization": "https://a.example/a", "token": "https://a.example/t", "scopes": ["read"]},
    "both_sc": {"scheme": "combo", "allOf": ["basic_sc", "key_sc"]}
  },
  "security": "basic_sc",
  "schemaDefinitions": {"problem": {"type": "object", "properties": {"why": {"type": "string"}}}},
  "properties": {
    "occupied": {
      "type": "boolean", "readOnly": true, "observable": true,
      "forms": [{"href": "occupied", "op": ["readproperty", "observeproperty"], "contentType": "application/json"}]
    },
    "delay": {
      "type": "integer", "minimum": 0, "maximum": 600, "unit": "s",
      "uriVariables": {"who": {"type": "string"}},
      "forms": [{"href": "delay{?who}", "security": ["oauth_sc"], "scopes": ["read"],
        "additionalResponses": [{"success": false, "contentType": "application/json", "schema": "problem"}]}]
    }
  },
  "actions": {"reset": {"input": {"type": "string", "enum": ["soft", "hard"]}, "safe": false, "forms": [{"href": "reset", "op": "invokeaction", "response": {"contentType": "text/plain; charset=utf-8"}}]}},
  "events": {"left": {"data": {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 3}, "forms": [{"href": "left", "op": ["subscribeevent"], "subprotocol": "sse"}]}},
  "links": [{"href": "https://maker.example/bed", "rel": "type", "type": "application/tm+json"}, {"href": "icon.png", "rel": "icon", "sizes": "16x16 32x32"}],
  "forms": [{"href": "all", "op": "readallproperties"}]
}"#;

#[test]
fn the_sound_thing_is_silent() {
    assert_eq!(judge_description("t", LAMP.as_bytes()), []);
}

#[test]
fn every_error_has_its_own_rule_and_place() {
    let old = "https://www.w3.org/2019/wot/td/v1";
    let new = "https://www.w3.org/2022/wot/td/v1.1";
    let cases: Vec<(&str, Value, &str, &str)> = vec![
        ("/@context", Value::Null, "mandatory", ""),
        ("/@context", json!("https://example.org/context"), "context", "/@context"),
        ("/@context", json!([{"saref": "https://saref.etsi.org/core/"}, new]), "context", "/@context"),
        ("/@context", json!([new, old]), "context", "/@context"),
        ("/@context/1/@language", json!("en_GB"), "language-tag", "/@context/1/@language"),
        ("/@type", json!("tm:ThingModel"), "tm-type-in-td", "/@type"),
        ("/id", json!("bed one"), "any-uri", "/id"),
        ("/id", json!(7), "type", "/id"),
        ("/title", Value::Null, "mandatory", ""),
        ("/title", json!(["Bed"]), "type", "/title"),
        ("/title", json!("{{NAME}}"), "tm-placeholder-in-td", "/title"),
        ("/titles/de", json!(1), "type", "/titles/de"),
        ("/version", json!({"model": "1"}), "mandatory", "/version"),
        ("/version", json!("1"), "type", "/version"),
        ("/created", json!("2026-01-01"), "date-time", "/created"),
        ("/base", json!("/relative"), "any-uri", "/base"),
        ("/support", json!("someone"), "any-uri", "/support"),
        ("/profile", json!([]), "profile-empty", "/profile"),
        ("/tm:ref", json!("#/properties"), "tm-term-in-td", "/tm:ref"),
        ("/security", Value::Null, "mandatory", ""),
        ("/security", json!([]), "security-empty", "/security"),
        ("/security", json!("other_sc"), "security-undefined", "/security"),
        ("/security", json!({"a": 1}), "type", "/security"),
        ("/securityDefinitions/basic_sc/scheme", json!("password"), "security-scheme", "/securityDefinitions/basic_sc/scheme"),
        ("/securityDefinitions/basic_sc/scheme", Value::Null, "mandatory", "/securityDefinitions/basic_sc"),
        ("/securityDefinitions/basic_sc/in", json!("uri"), "value", "/securityDefinitions/basic_sc/in"),
        ("/securityDefinitions/basic_sc/password", json!("hunter2"), "secret", "/securityDefinitions/basic_sc/password"),
        ("/securityDefinitions/key_sc/name", json!(1), "type", "/securityDefinitions/key_sc/name"),
        (
            "/securityDefinitions/key_sc",
            json!({"scheme": "apikey", "in": "body", "name": "key"}),
            "security-body-pointer",
            "/securityDefinitions/key_sc/name",
        ),
        ("/securityDefinitions/new", json!({"scheme": "digest", "qop": "none"}), "value", "/securityDefinitions/new/qop"),
        ("/securityDefinitions/new", json!({"scheme": "auto", "name": "x"}), "security-auto-name", "/securityDefinitions/new/name"),
        ("/securityDefinitions/new", json!("basic"), "type", "/securityDefinitions/new"),
        ("/securityDefinitions/oauth_sc/flow", Value::Null, "mandatory", "/securityDefinitions/oauth_sc"),
        ("/securityDefinitions/oauth_sc/token", Value::Null, "mandatory", "/securityDefinitions/oauth_sc"),
        (
            "/securityDefinitions/oauth_sc/flow",
            json!("client"),
            "oauth-client-authorization",
            "/securityDefinitions/oauth_sc/authorization",
        ),
        ("/securityDefinitions/both_sc/oneOf", json!(["basic_sc", "key_sc"]), "security-combo", "/securityDefinitions/both_sc"),
        ("/securityDefinitions/both_sc/allOf", json!(["basic_sc"]), "security-combo", "/securityDefinitions/both_sc/allOf"),
        ("/securityDefinitions/both_sc/allOf/1", json!("no_sc"), "security-undefined", "/securityDefinitions/both_sc/allOf/1"),
        ("/securityDefinitions/both_sc/allOf/1", json!("both_sc"), "security-combo-cycle", "/securityDefinitions/both_sc"),
        ("/properties", json!([]), "type", "/properties"),
        ("/properties/x", json!("text"), "type", "/properties/x"),
        ("/properties/occupied/forms", Value::Null, "mandatory", "/properties/occupied"),
        ("/properties/occupied/forms", json!([]), "forms-empty", "/properties/occupied/forms"),
        ("/properties/occupied/forms", json!({"href": "x"}), "type", "/properties/occupied/forms"),
        ("/properties/occupied/observable", json!("yes"), "type", "/properties/occupied/observable"),
        ("/properties/occupied/type", json!("bool"), "data-type", "/properties/occupied/type"),
        ("/properties/occupied/forms/0/op", json!([]), "op-empty", "/properties/occupied/forms/0/op"),
        ("/properties/occupied/forms/0/op/0", json!("readProperty"), "op", "/properties/occupied/forms/0/op/0"),
        ("/properties/occupied/forms/0/href", Value::Null, "mandatory", "/properties/occupied/forms/0"),
        ("/properties/occupied/forms/0/href", json!("a b"), "any-uri", "/properties/occupied/forms/0/href"),
        ("/properties/occupied/forms/0/href", json!("a/{b"), "uri-template", "/properties/occupied/forms/0/href"),
        ("/properties/occupied/forms/0/href", json!("a/{b}"), "uri-variable-undeclared", "/properties/occupied/forms/0/href"),
        ("/properties/occupied/forms/0/contentType", json!("json"), "media-type", "/properties/occupied/forms/0/contentType"),
        ("/properties/occupied/forms/0/security", json!(["x_sc"]), "security-undefined", "/properties/occupied/forms/0/security/0"),
        ("/properties/delay/minimum", json!(601), "bounds", "/properties/delay/minimum"),
        ("/properties/delay/minimum", json!(0.5), "integer-bound", "/properties/delay/minimum"),
        ("/properties/delay/minimum", json!("0"), "type", "/properties/delay/minimum"),
        ("/properties/delay/multipleOf", json!(0), "multiple-of", "/properties/delay/multipleOf"),
        ("/properties/delay/uriVariables/who/type", json!("object"), "uri-variable-type", "/properties/delay/uriVariables/who/type"),
        (
            "/properties/delay/forms/0/additionalResponses/0/schema",
            json!("x"),
            "schema-undefined",
            "/properties/delay/forms/0/additionalResponses/0/schema",
        ),
        (
            "/properties/delay/forms/0/additionalResponses/0/success",
            json!(1),
            "type",
            "/properties/delay/forms/0/additionalResponses/0/success",
        ),
        ("/actions/reset/input/enum", json!([]), "enum-empty", "/actions/reset/input/enum"),
        ("/actions/reset/input/enum/1", json!("soft"), "enum-unique", "/actions/reset/input/enum/1"),
        ("/actions/reset/input/oneOf", json!([]), "one-of-empty", "/actions/reset/input/oneOf"),
        ("/actions/reset/input", json!("text"), "type", "/actions/reset/input"),
        ("/actions/reset/safe", json!("no"), "type", "/actions/reset/safe"),
        ("/actions/reset/forms/0/op", json!("readproperty"), "op", "/actions/reset/forms/0/op"),
        ("/actions/reset/forms/0/response", json!({}), "mandatory", "/actions/reset/forms/0/response"),
        ("/events/left/data/minItems", json!(4), "bounds", "/events/left/data/minItems"),
        ("/events/left/data/minItems", json!(-1), "type", "/events/left/data/minItems"),
        ("/events/left/data/items", json!("number"), "type", "/events/left/data/items"),
        ("/events/left/forms/0/op", json!("invokeaction"), "op", "/events/left/forms/0/op"),
        ("/forms/0/op", Value::Null, "mandatory", "/forms/0"),
        ("/forms/0/op", json!("readproperty"), "op", "/forms/0/op"),
        ("/links/1/rel", json!("type"), "link-rel-type", "/links/1/rel"),
        ("/links/1/sizes", json!("big"), "link-sizes", "/links/1/sizes"),
        ("/links/0/href", Value::Null, "mandatory", "/links/0"),
        ("/links/0/rel", json!("tm:extends"), "tm-extends-in-td", "/links/0/rel"),
        ("/links/0/hreflang", json!("e"), "language-tag", "/links/0/hreflang"),
    ];
    for (pointer, value, rule, place) in cases {
        let context = format!("{pointer} = {value}");
        let mut findings = judge_description("t", changed(LAMP, pointer, value).as_bytes());
        // Two changes make a second, weaker finding; one makes a second error that is the same fault.
        if rule == "link-rel-type" {
            findings.retain(|f| f.rule != "link-sizes");
        }
        assert_one(&findings, Severity::Error, rule, place, &context);
    }
}

#[test]
fn every_warning_has_its_own_rule_and_place() {
    let cases: Vec<(&str, Value, &str, &str)> = vec![
        ("/@type", json!("saref:Sensor"), "", ""),
        ("/@context/1/saref", json!("saref"), "prefix-relative", "/@context/1/saref"),
        ("/properties/occupied/forms/0/op", json!("writeproperty"), "op-read-only", "/properties/occupied/forms/0/op"),
        ("/properties/occupied/writeOnly", json!(false), "", ""),
        ("/actions/reset/input/readOnly", json!(true), "", ""),
        (
            "/actions/reset/output",
            json!({"type": "string", "readOnly": true, "writeOnly": true}),
            "read-write-only",
            "/actions/reset/output",
        ),
        ("/modified", json!("2025-01-01T00:00:00Z"), "modified-before-created", "/modified"),
        ("/descriptions", json!({"fr": "Capteur"}), "languages-differ", "/descriptions"),
        ("/propertys", json!({}), "unknown-term", "/propertys"),
        ("/abc:colour", json!("red"), "prefix-undefined", "/abc:colour"),
        ("/security", json!(["basic_sc", "key_sc"]), "security-array", "/security"),
        ("/securityDefinitions/oauth_sc/flow", json!("implicit"), "oauth-flow", "/securityDefinitions/oauth_sc/flow"),
        ("/securityDefinitions/new", json!({"scheme": "ace:ACE"}), "prefix-undefined", "/securityDefinitions/new/scheme"),
        (
            "/securityDefinitions/new",
            json!({"scheme": "basic", "in": "auto", "name": "x"}),
            "security-auto-name",
            "/securityDefinitions/new/name",
        ),
        ("/properties/delay/forms/0/scopes/0", json!("admin"), "scope-undefined", "/properties/delay/forms/0/scopes"),
        ("/properties/delay/default", json!("x"), "value-type", "/properties/delay/default"),
        ("/properties/delay/pattern", json!("a"), "keyword-without-effect", "/properties/delay/pattern"),
        ("/properties/occupied/observable", json!(false), "op-not-observable", "/properties/occupied/forms/0/op/1"),
        ("/actions/reset/input/const", json!("medium"), "const-outside-enum", "/actions/reset/input/const"),
        ("/actions/reset/output", json!({"type": "object"}), "object-without-properties", "/actions/reset/output"),
        ("/actions/reset/output", json!({"type": "array"}), "array-without-items", "/actions/reset/output"),
        ("/actions/reset/output", json!({"type": "string", "pattern": "(a"}), "pattern", "/actions/reset/output/pattern"),
        ("/events/left/forms/0/op", json!(["subscribeevent", "subscribeevent"]), "op-twice", "/events/left/forms/0/op/1"),
    ];
    for (pointer, value, rule, place) in cases {
        let context = format!("{pointer} = {value}");
        let findings = judge_description("t", changed(LAMP, pointer, value).as_bytes());
        if rule.is_empty() {
            assert_eq!(findings, [], "{context}");
        } else {
            assert_one(&findings, Severity::Warning, rule, place, &context);
        }
    }
}

#[test]
fn a_scheme_in_the_address_needs_its_place_there() {
    let uri = changed(LAMP, "/securityDefinitions/key_sc", json!({"scheme": "apikey", "in": "uri", "name": "key"}));
    assert_eq!(judge_description("t", uri.as_bytes()), []);
    let used = changed(&uri, "/properties/occupied/forms/0/security", json!("both_sc"));
    assert_one(
        &judge_description("t", used.as_bytes()),
        Severity::Error,
        "security-in-uri",
        "/properties/occupied/forms/0/href",
        "no place",
    );
    let placed = changed(&used, "/properties/occupied/forms/0/href", json!("{key}/occupied"));
    assert_eq!(judge_description("t", placed.as_bytes()), []);
    let clash = changed(&placed, "/uriVariables", json!({"key": {"type": "string"}}));
    assert_one(&judge_description("t", clash.as_bytes()), Severity::Error, "uri-variable-distinct", "/uriVariables/key", "same name");
}

#[test]
fn a_key_that_stands_twice_is_told() {
    let text = LAMP.replace("\"security\": \"basic_sc\",", "\"security\": \"basic_sc\", \"security\": \"basic_sc\",");
    assert_one(&judge_description("t", text.as_bytes()), Severity::Error, "duplicate-key", "/security", "twice");
}

#[test]
fn the_context_of_td_1_0_is_judged_too() {
    let old = changed(
        LAMP,
        "/@context",
        json!(["https://www.w3.org/2019/wot/td/v1", "https://www.w3.org/2022/wot/td/v1.1", {"saref": "https://saref.etsi.org/core/"}]),
    );
    assert_eq!(judge_description("t", old.as_bytes()), []);
    let old = changed(LAMP, "/@context", json!("https://www.w3.org/2019/wot/td/v1"));
    let findings = judge_description("t", changed(&old, "/@type", json!("Thing")).as_bytes());
    assert_eq!(findings, []);
}

const MODEL: &str = r##"{
  "@context": "https://www.w3.org/2022/wot/td/v1.1",
  "@type": "tm:ThingModel",
  "title": "Bed sensor {{NUMBER}}",
  "version": {"model": "1.0.0"},
  "tm:optional": ["/actions/reset"],
  "securityDefinitions": {"a": {"scheme": "{{SCHEME}}"}},
  "properties": {
    "delay": {"type": "integer", "minimum": 0, "maximum": "{{MAX}}", "observable": "{{OBSERVABLE}}"},
    "slow": {"tm:ref": "#/properties/delay", "minimum": 10},
    "far": {"tm:ref": "https://maker.example/base.tm.jsonld#/properties/far"}
  },
  "actions": {"reset": {}},
  "links": [{"rel": "tm:extends", "href": "https://maker.example/base.tm.jsonld", "type": "application/tm+json"}]
}"##;

#[test]
fn the_sound_model_is_silent_and_each_fault_is_told() {
    assert_eq!(judge_model("t", MODEL.as_bytes()), []);
    let cases: Vec<(&str, Value, &str, &str)> = vec![
        ("/@type", Value::Null, "tm-type", ""),
        ("/@type", json!("Thing"), "tm-type", "/@type"),
        ("/@context", Value::Null, "mandatory", ""),
        ("/version/instance", json!("1"), "tm-version-instance", "/version/instance"),
        ("/tm:optional", json!("/actions/reset"), "type", "/tm:optional"),
        ("/tm:optional/0", json!("actions/reset"), "tm-optional-pointer", "/tm:optional/0"),
        ("/tm:optional/0", json!("/actions/reset/forms"), "tm-optional-pointer", "/tm:optional/0"),
        ("/securityDefinitions/a/scheme", json!("{SCHEME}"), "security-scheme", "/securityDefinitions/a/scheme"),
        ("/securityDefinitions/a/scheme", json!("SCHEME"), "security-scheme", "/securityDefinitions/a/scheme"),
        ("/properties/delay/maximum", json!("MAX"), "type", "/properties/delay/maximum"),
        ("/properties/{{NAME}}", json!({}), "tm-placeholder-name", "/properties/{{NAME}}"),
        ("/title", json!("Bed {{NUMBER"), "tm-placeholder", "/title"),
        ("/properties/slow/tm:ref", json!("#/properties/dellay"), "tm-ref", "/properties/slow/tm:ref"),
        ("/properties/far/tm:ref", json!("https://maker.example/base.tm.jsonld"), "tm-ref", "/properties/far/tm:ref"),
        ("/properties/delay/type", json!("int"), "data-type", "/properties/delay/type"),
    ];
    for (pointer, value, rule, place) in cases {
        let context = format!("{pointer} = {value}");
        assert_one(&judge_model("t", changed(MODEL, pointer, value).as_bytes()), Severity::Error, rule, place, &context);
    }
    let alone = changed(&changed(MODEL, "/links", Value::Null), "/tm:optional/0", json!("/actions/start"));
    assert_one(&judge_model("t", alone.as_bytes()), Severity::Error, "tm-optional-pointer", "/tm:optional/0", "not there");
}

/// Folders named `tds-…` and `tms-…` with `valid`, `warning` or `invalid` in the name, as the examples of the
/// Eclipse Thingweb playground are sorted.
#[test]
fn labelled_examples_are_judged_as_they_are_labelled() {
    let Some(root) = std::env::var_os("PROBITY_WOT_EXAMPLES") else {
        println!("skipped: PROBITY_WOT_EXAMPLES does not name a folder with labelled Thing Descriptions");
        return;
    };
    let mut wrong = Vec::new();
    for folder in std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let label = folder.file_name().unwrap().to_string_lossy().into_owned();
        let judge = if label.starts_with("tms") { judge_model } else { judge_description };
        for file in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let findings = judge("t", &std::fs::read(&file).unwrap());
            let has = |severity| findings.iter().any(|f| f.severity == severity);
            let right = match label.rsplit('-').next() {
                Some("invalid") => has(Severity::Error),
                Some("warning") => !has(Severity::Error) && has(Severity::Warning),
                _ => !has(Severity::Error),
            };
            if !right {
                wrong.push(format!("{}: {findings:#?}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_number_where_none_belongs_is_named_at_its_place(pick in 0usize..10_000) {
        let mut all = Vec::new();
        pointers(&serde_json::from_str(LAMP).unwrap(), String::new(), &mut all);
        let pointer = &all[pick % all.len()];
        // Free values and numbers may be any number.
        prop_assume!(!["/enum/", "/minimum", "/maximum", "/minItems", "/maxItems"].iter().any(|free| pointer.contains(free)));
        let findings = judge_description("t", changed(LAMP, pointer, json!(-17)).as_bytes());
        prop_assert!(
            findings.iter().any(|f| f.severity == Severity::Error && (f.path == *pointer || pointer.starts_with(&f.path))),
            "{pointer}: {findings:#?}"
        );
    }

    #[test]
    fn no_bytes_make_it_panic(text in "[\\[\\]{}\",:a-z@0-9 ]{0,200}") {
        judge_description("t", text.as_bytes());
        judge_model("t", text.as_bytes());
    }
}
