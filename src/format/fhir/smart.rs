//! SMART configuration: `.well-known/smart-configuration` of a FHIR service.
//!
//! SMART App Launch 2.2.0, Conformance, section "metadata".

use serde_json::Value;
use url::Url;

use crate::verdict::Finding;

/// Where the rules stand.
const CLAUSE: &str = "http://hl7.org/fhir/smart-app-launch/conformance.html";

/// Judges a SMART configuration. `capabilities` are those that it must claim, such as
/// `permission-patient`.
pub fn judge(configuration: &Value, capabilities: &[&str]) -> Vec<Finding> {
    let mut out = Vec::new();
    let Some(object) = configuration.as_object() else {
        out.push(Finding::error("smart-json", "The SMART configuration is a JSON object").at("$").clause(CLAUSE));
        return out;
    };
    let list = |key: &str| -> Option<Vec<&str>> {
        let items = object.get(key)?.as_array()?;
        let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
        (texts.len() == items.len()).then_some(texts)
    };
    let error = |rule: &str, message: &str, key: &str, expected: &str| {
        let got = object.get(key).map_or_else(|| "nothing".to_owned(), Value::to_string);
        Finding::error(rule, message).at(format!("$.{key}")).expected(expected).observed(&got).clause(CLAUSE)
    };
    let claimed = list("capabilities");
    let has = |name: &str| claimed.as_ref().is_some_and(|c| c.contains(&name));
    if claimed.as_ref().is_none_or(Vec::is_empty) {
        out.push(error("smart-capabilities", "The configuration names its capabilities", "capabilities", "a list of capabilities"));
    }
    for wanted in capabilities.iter().filter(|w| !has(w)) {
        out.push(error("smart-capability", &format!("The service does not claim {wanted}"), "capabilities", wanted));
    }
    let launches = claimed.as_ref().is_some_and(|c| c.iter().any(|c| c.starts_with("launch-")));
    let connects = has("sso-openid-connect");
    for (key, needed) in [
        ("token_endpoint", true),
        ("authorization_endpoint", launches),
        ("issuer", connects),
        ("jwks_uri", connects),
        ("introspection_endpoint", false),
        ("revocation_endpoint", false),
        ("management_endpoint", false),
        ("registration_endpoint", false),
    ] {
        match object.get(key) {
            None if needed => out.push(error("smart-endpoint", &format!("The configuration names its {key}"), key, "an https address")),
            None => {}
            Some(value) => {
                let url = value.as_str().and_then(|u| Url::parse(u).ok());
                let local = url.as_ref().and_then(Url::host_str).is_some_and(|h| h == "localhost" || h == "127.0.0.1" || h == "[::1]");
                // TLS is judged on what is public; a service under test on this machine may do without.
                if !url.is_some_and(|u| u.scheme() == "https" || local) {
                    out.push(error("smart-endpoint", &format!("The {key} is an address with TLS"), key, "an https address"));
                }
            }
        }
    }
    let grants = list("grant_types_supported");
    if grants.as_ref().is_none_or(Vec::is_empty) {
        out.push(error(
            "smart-grants",
            "The configuration names its grant types",
            "grant_types_supported",
            "a list such as authorization_code",
        ));
    } else if launches && !grants.as_ref().is_some_and(|g| g.contains(&"authorization_code")) {
        out.push(error(
            "smart-grants",
            "A service that launches apps grants authorization codes",
            "grant_types_supported",
            "authorization_code",
        ));
    }
    match list("code_challenge_methods_supported") {
        Some(methods) => {
            if !methods.contains(&"S256") {
                out.push(error("smart-pkce", "Proof keys are made by S256", "code_challenge_methods_supported", "S256"));
            }
            if methods.contains(&"plain") {
                out.push(error("smart-pkce", "Proof keys are never plain", "code_challenge_methods_supported", "no plain"));
            }
        }
        None => {
            out.push(error("smart-pkce", "The configuration names how proof keys are made", "code_challenge_methods_supported", "S256"))
        }
    }
    if list("scopes_supported").is_none() {
        out.push(
            Finding::warning("smart-scopes", "The configuration should name its scopes")
                .at("$.scopes_supported")
                .expected("a list of scopes")
                .clause(CLAUSE),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_rule_is_broken_alone() {
        let sound = json!({
            "issuer": "https://ehr.example.org", "jwks_uri": "https://ehr.example.org/jwks",
            "authorization_endpoint": "https://ehr.example.org/auth", "token_endpoint": "https://ehr.example.org/token",
            "grant_types_supported": ["authorization_code"], "scopes_supported": ["openid"], "code_challenge_methods_supported": ["S256"],
            "capabilities": ["launch-standalone", "client-public", "sso-openid-connect", "permission-patient"]
        });
        assert!(judge(&sound, &["permission-patient"]).is_empty());
        for (key, value, rule) in [
            ("issuer", Value::Null, "smart-endpoint"),
            ("token_endpoint", json!("http://ehr.example.org/token"), "smart-endpoint"),
            ("grant_types_supported", json!(["client_credentials"]), "smart-grants"),
            ("code_challenge_methods_supported", json!(["S256", "plain"]), "smart-pkce"),
            ("code_challenge_methods_supported", json!([]), "smart-pkce"),
            ("capabilities", json!(["permission-patient", 5]), "smart-capabilities"),
            ("scopes_supported", json!("openid"), "smart-scopes"),
        ] {
            let mut broken = sound.clone();
            broken[key] = value;
            let rules: Vec<String> = judge(&broken, &[]).into_iter().map(|f| f.rule).collect();
            assert_eq!(rules, [rule], "{key}");
        }
        let rules: Vec<String> = judge(&sound, &["permission-v2"]).into_iter().map(|f| f.rule).collect();
        assert_eq!(rules, ["smart-capability"]);
    }
}
