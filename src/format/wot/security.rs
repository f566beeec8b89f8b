//! Security definitions and where they are used (section 5.3.3).

use std::collections::BTreeSet;

use serde_json::Value;

use super::vocabulary::SECURITY;
use super::{Judge, Object, quoted};
use crate::format::Pointer;
use crate::verdict::Finding;

const SCHEMES: &[&str] = &["nosec", "auto", "combo", "basic", "digest", "apikey", "bearer", "psk", "oauth2"];
const PLACES: &[&str] = &["header", "query", "body", "cookie", "auto"];
const API_KEY_PLACES: &[&str] = &["header", "query", "body", "cookie", "uri", "auto"];

/// Members whose value would itself open the door (td-security-no-secrets).
const SECRETS: &[&str] =
    &["password", "passwd", "secret", "clientSecret", "client_secret", "apiKey", "api_key", "privateKey", "private_key"];

impl<'v> Judge<'v> {
    /// `securityDefinitions` and the Thing's `security`.
    pub(super) fn security_definitions(&mut self, thing: &'v Object, root: &Pointer<'_>) {
        if let Some(definitions) = self.object(thing, "securityDefinitions", root, "td-objects_securityDefinitions") {
            let at = root.name("securityDefinitions");
            if definitions.is_empty() {
                self.error("security-definitions-empty", &at, "`securityDefinitions` is empty", "td-vocab-securityDefinitions--Thing");
            }
            self.security = Some(definitions);
            for (name, scheme) in definitions {
                let at = at.name(name);
                match scheme {
                    Value::Object(scheme) => self.scheme(name, scheme, &at),
                    _ if self.is_placeholder(scheme) => {}
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                        self.mistyped(&at, "a security scheme", "an object", scheme, "td-security")
                    }
                }
            }
            if !self.model {
                self.combo_cycles(definitions, &at);
            }
        }
        if let Some(value) = thing.get("security") {
            self.security_names(value, &root.name("security"), "td-vocab-security--Thing");
        }
        self.default_security = thing.get("security");
    }

    fn scheme(&mut self, own_name: &'v str, scheme: &'v Object, at: &Pointer<'_>) {
        self.types(scheme, at);
        self.human_readable(scheme, at);
        self.known_terms(scheme, &[SECURITY], at, "SecurityScheme");
        self.address(scheme, "proxy", true, at, "td-vocab-proxy--SecurityScheme");
        for secret in SECRETS {
            if scheme.get(*secret).is_some_and(Value::is_string) {
                let message = "a secret stands in the document; what gives access is never stored in it";
                self.error("secret", &at.name(secret), message, "td-security-no-secrets");
            }
        }
        let Some(kind) = self.text(scheme, "scheme", at, "td-vocab-scheme--SecurityScheme") else {
            let by_reference = self.model && scheme.contains_key("tm:ref");
            if !scheme.contains_key("scheme") && !by_reference {
                self.missing("scheme", "a security scheme", at, "td-vocab-scheme--SecurityScheme");
            }
            return;
        };
        if self.model && super::thing_model::has_placeholder(kind) {
            return;
        }
        match kind {
            "basic" | "bearer" => self.place(own_name, scheme, at, PLACES),
            "digest" => {
                self.place(own_name, scheme, at, PLACES);
                self.one_of(scheme, "qop", &["auth", "auth-int"], at, "td-vocab-qop--DigestSecurityScheme");
            }
            "apikey" => self.place(own_name, scheme, at, API_KEY_PLACES),
            "psk" => {
                self.text(scheme, "identity", at, "td-vocab-identity--PSKSecurityScheme");
            }
            "oauth2" => self.oauth(scheme, at),
            "combo" => self.combo(scheme, at),
            "auto" if scheme.contains_key("name") => {
                let clause = "td-security-security-vocab-auto-in-no-name";
                self.error("security-auto-name", &at.name("name"), "the scheme `auto` is negotiated, so it has no `name`", clause);
            }
            "auto" | "nosec" => {}
            _ => {
                let at = at.name("scheme");
                match kind.split_once(':') {
                    Some((prefix, word)) if !prefix.is_empty() && !word.is_empty() => self.known_prefix(prefix, &at),
                    _ => self.findings.push(
                        Finding::error(
                            "security-scheme",
                            format!("{} is not a security scheme of the vocabulary", quoted(&Value::from(kind))),
                        )
                        .at(at.to_string())
                        .expected(format!("one of {}, or a word with the prefix of a context extension", SCHEMES.join(", ")))
                        .observed(kind)
                        .clause("W3C WoT TD 1.1, td-security-scheme-name"),
                    ),
                }
            }
        }
        if kind == "bearer" {
            self.address(scheme, "authorization", true, at, "td-vocab-authorization--BearerSecurityScheme");
            self.text(scheme, "alg", at, "td-vocab-alg--BearerSecurityScheme");
            self.text(scheme, "format", at, "td-vocab-format--BearerSecurityScheme");
        }
    }

    fn one_of(&mut self, map: &'v Object, name: &str, allowed: &[&str], at: &Pointer<'_>, clause: &str) -> Option<&'v str> {
        let text = self.text(map, name, at, clause)?;
        if allowed.contains(&text) || (self.model && super::thing_model::has_placeholder(text)) {
            return Some(text);
        }
        self.findings.push(
            Finding::error("value", format!("`{name}` is {}, which is none of its values", quoted(&Value::from(text))))
                .at(at.name(name).to_string())
                .expected(format!("one of {}", allowed.join(", ")))
                .observed(text)
                .clause(format!("W3C WoT TD 1.1, {clause}")),
        );
        None
    }

    /// `in` and `name`.
    fn place(&mut self, own_name: &'v str, scheme: &'v Object, at: &Pointer<'_>, allowed: &[&str]) {
        let place = self.one_of(scheme, "in", allowed, at, "td-vocab-in--APIKeySecurityScheme");
        let name = self.text(scheme, "name", at, "td-vocab-name--APIKeySecurityScheme");
        match (place, name) {
            (Some("uri"), Some(name)) => {
                self.security_variables.insert(name, own_name);
            }
            (Some("uri"), None) => {
                let message = "the value goes into the address, but `name` does not say under which variable";
                self.warning("security-name-missing", at, message, "td-security-in-uri-variable");
            }
            (Some("auto"), Some(_)) => {
                let message = "the place is negotiated, so `name` should not be set";
                self.warning("security-auto-name", &at.name("name"), message, "td-security-security-vocab-auto-in-no-name");
            }
            (Some("body"), Some(name)) if !super::thing_model::is_pointer(name) && !self.model => {
                self.findings.push(
                    Finding::error(
                        "security-body-pointer",
                        "`name` must be a JSON Pointer into the message, because the value stands in the body",
                    )
                    .at(at.name("name").to_string())
                    .expected("a JSON Pointer (RFC 6901)")
                    .observed(name)
                    .clause("W3C WoT TD 1.1, td-security-body-name-json-pointer"),
                );
            }
            _ => {}
        }
    }

    fn oauth(&mut self, scheme: &'v Object, at: &Pointer<'_>) {
        for name in ["authorization", "token", "refresh"] {
            self.address(scheme, name, true, at, "td-vocab-token--OAuth2SecurityScheme");
        }
        if let Some(scopes) = scheme.get("scopes")
            && !self.is_placeholder(scopes)
        {
            self.text_or_texts(scopes, &at.name("scopes"), "`scopes`", "td-vocab-scopes--OAuth2SecurityScheme");
        }
        let Some(flow) = self.text(scheme, "flow", at, "td-vocab-flow--OAuth2SecurityScheme") else {
            if !scheme.contains_key("flow") && !self.model {
                self.missing("flow", "an OAuth 2.0 scheme", at, "td-vocab-flow--OAuth2SecurityScheme");
            }
            return;
        };
        if self.model {
            return;
        }
        let has = |name: &str| scheme.contains_key(name);
        let (needs, clause): (&[&str], &str) = match flow {
            "code" => (&["authorization", "token"], "td-security-oauth2-code-flow"),
            "client" => (&["token"], "td-security-oauth2-client-flow"),
            "device" => (&["authorization", "token"], "RFC 8628"),
            _ => (&[], ""),
        };
        for name in needs {
            if !has(name) {
                self.missing(name, &format!("the OAuth 2.0 flow `{flow}`"), at, clause);
            }
        }
        if flow == "client" && has("authorization") {
            let clause = "td-security-oauth2-client-flow-no-auth";
            self.error("oauth-client-authorization", &at.name("authorization"), "the flow `client` has no authorization server", clause);
        }
        if !["code", "client", "device"].contains(&flow) {
            let message = format!("{} is not a flow that the standard describes", quoted(&Value::from(flow)));
            self.warning("oauth-flow", &at.name("flow"), message, "td-vocab-flow--OAuth2SecurityScheme");
        }
    }

    fn combo(&mut self, scheme: &'v Object, at: &Pointer<'_>) {
        let clause = "td-security-combo-exclusive-oneof-or-allof";
        let lists: Vec<&str> = ["oneOf", "allOf"].into_iter().filter(|name| scheme.contains_key(*name)).collect();
        let [name] = lists.as_slice() else {
            let what = if lists.is_empty() { "neither" } else { "both" };
            self.error("security-combo", at, format!("a combination must have either `oneOf` or `allOf`; it has {what}"), clause);
            return;
        };
        let Some(members) = self.array(scheme, name, at, "td-vocab-oneOf--ComboSecurityScheme") else { return };
        let at = at.name(name);
        if members.len() < 2 {
            self.error("security-combo", &at, "a combination names two or more schemes", "td-vocab-oneOf--ComboSecurityScheme");
        }
        for (i, member) in members.iter().enumerate() {
            match member.as_str() {
                Some(name) => self.defined(name, &at.index(i), "td-vocab-oneOf--ComboSecurityScheme"),
                None => self.mistyped(&at.index(i), "a scheme's name", "a string", member, "td-vocab-oneOf--ComboSecurityScheme"),
            }
        }
    }

    /// A combination that contains itself can never be satisfied.
    fn combo_cycles(&mut self, definitions: &'v Object, at: &Pointer<'_>) {
        for name in definitions.keys() {
            let mut seen = BTreeSet::new();
            let mut open = parts(definitions, name);
            while let Some(part) = open.pop() {
                if part == name {
                    self.error(
                        "security-combo-cycle",
                        &at.name(name),
                        "the combination contains itself",
                        "td-vocab-allOf--ComboSecurityScheme",
                    );
                    break;
                }
                if seen.insert(part) {
                    open.extend(parts(definitions, part));
                }
            }
        }
    }

    /// A `security` member: a name or a non-empty list of names, all defined.
    pub(super) fn security_names(&mut self, value: &'v Value, at: &Pointer<'_>, clause: &str) {
        if value.as_array().is_some_and(Vec::is_empty) {
            self.error("security-empty", at, "`security` is an empty array", "td-security-mandatory");
        }
        let names = self.text_or_texts(value, at, "`security`", clause);
        if names.len() > 1 {
            self.warning(
                "security-array",
                at,
                "several schemes in an array are deprecated; a `combo` scheme says it",
                "td-security-combo-deprecation",
            );
        }
        for (i, name) in names {
            match i {
                Some(i) => self.defined(name, &at.index(i), clause),
                None => self.defined(name, at, clause),
            }
        }
    }

    fn defined(&mut self, name: &str, at: &Pointer<'_>, clause: &str) {
        // A Thing Model may leave the definitions to the instance.
        if self.model || self.security.is_none_or(|definitions| definitions.contains_key(name)) {
            return;
        }
        self.findings.push(
            Finding::error(
                "security-undefined",
                format!("the security scheme {} is not in `securityDefinitions`", quoted(&Value::from(name))),
            )
            .at(at.to_string())
            .expected("a name of `securityDefinitions`")
            .observed(name)
            .clause(format!("W3C WoT TD 1.1, {clause}")),
        );
    }

    /// The schemes that apply where nothing else is said.
    pub(super) fn thing_security(&self) -> Vec<&'v str> {
        super::names(self.default_security).collect()
    }

    /// The schemes named and all that they combine.
    fn resolved(&self, names: &[&'v str]) -> BTreeSet<&'v str> {
        let mut all = BTreeSet::new();
        let mut open = names.to_vec();
        while let Some(name) = open.pop() {
            if all.insert(name)
                && let Some(definitions) = self.security
            {
                open.extend(parts(definitions, name));
            }
        }
        all
    }

    /// Variables that must stand in the address under these schemes. Of alternatives none must.
    pub(super) fn uri_parameters(&self, names: &[&'v str]) -> Vec<&'v str> {
        let Some(definitions) = self.security else { return Vec::new() };
        let mut wanted = Vec::new();
        let mut open = names.to_vec();
        let mut seen = BTreeSet::new();
        while let Some(name) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            let Some(scheme) = definitions.get(name) else { continue };
            if scheme.get("in").and_then(Value::as_str) == Some("uri") {
                wanted.extend(scheme.get("name").and_then(Value::as_str));
            }
            if scheme.get("scheme").and_then(Value::as_str) == Some("combo") {
                open.extend(super::names(scheme.get("allOf")));
            }
        }
        wanted.reverse();
        wanted
    }

    /// The scopes of the OAuth 2.0 schemes active here; `None` when none of them lists scopes.
    pub(super) fn oauth_scopes(&self, names: &[&'v str]) -> Option<BTreeSet<&'v str>> {
        let definitions = self.security?;
        let mut scopes: Option<BTreeSet<&'v str>> = None;
        for name in self.resolved(names) {
            if let Some(listed) = definitions.get(name).and_then(|scheme| scheme.get("scopes")) {
                scopes.get_or_insert_default().extend(super::names(Some(listed)));
            }
        }
        scopes
    }
}

/// The schemes that a combination names.
fn parts<'v>(definitions: &'v Object, name: &str) -> Vec<&'v str> {
    let Some(scheme) = definitions.get(name) else { return Vec::new() };
    super::names(scheme.get("oneOf")).chain(super::names(scheme.get("allOf"))).collect()
}
