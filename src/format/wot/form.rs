//! Forms: how to do what an interaction offers (section 5.3.4.2).

use std::collections::BTreeSet;

use serde_json::Value;

use super::vocabulary::{ACTION_OPS, EVENT_OPS, FORM, PROPERTY_OPS, THING_OPS};
use super::{Judge, Kind, Object, Want, quoted};
use crate::format::Pointer;
use crate::format::uri::{self, Charset};
use crate::verdict::Finding;

impl<'v> Judge<'v> {
    /// Judges one form of `owner`, whose own URI variables are `own`.
    pub(super) fn form(&mut self, form: &'v Value, at: &Pointer<'_>, kind: Kind, owner: &'v Object, own: &BTreeSet<&'v str>) {
        let Value::Object(form) = form else {
            if !self.is_placeholder(form) {
                self.mistyped(at, "a form", "an object", form, "td-forms");
            }
            return;
        };
        self.known_terms(form, &[FORM], at, "Form");
        self.operations(form, at, kind, owner);
        if let Some(text) = self.text(form, "contentType", at, "td-vocab-contentType--Form") {
            self.media_type(text, &at.name("contentType"), "td-vocab-contentType--Form");
        }
        self.text(form, "contentCoding", at, "td-vocab-contentCoding--Form");
        self.text(form, "subprotocol", at, "td-vocab-subprotocol--Form");
        let names = match form.get("security") {
            Some(value) => {
                self.security_names(value, &at.name("security"), "td-vocab-security--Form");
                super::names(Some(value)).collect()
            }
            None => self.thing_security(),
        };
        self.scopes(form, at, &names);
        if form.contains_key("href") {
            self.target(form, at, own, &names);
        } else if !self.model {
            self.missing("href", "a form", at, "td-vocab-href--Form");
        }
        self.response(form, at);
        self.additional_responses(form, at);
    }

    fn operations(&mut self, form: &'v Object, at: &Pointer<'_>, kind: Kind, owner: &'v Object) {
        let (allowed, clause) = match kind {
            Kind::Thing => (THING_OPS, "td-op-for-thing"),
            Kind::Property => (PROPERTY_OPS, "td-op-for-property"),
            Kind::Action => (ACTION_OPS, "td-op-for-action"),
            Kind::Event => (EVENT_OPS, "td-op-for-event"),
        };
        let Some(value) = form.get("op") else {
            if kind == Kind::Thing && !self.model {
                self.missing("op", "a form of the whole Thing", at, clause);
            }
            return;
        };
        if self.is_placeholder(value) {
            return;
        }
        let at = at.name("op");
        if value.as_array().is_some_and(Vec::is_empty) {
            self.error("op-empty", &at, "`op` is an empty array", clause);
        }
        let mut seen = BTreeSet::new();
        for (i, op) in self.text_or_texts(value, &at, "`op`", clause) {
            let at = match i {
                Some(i) => at.index(i),
                None => at,
            };
            if self.model && super::thing_model::has_placeholder(op) {
                continue;
            }
            if !allowed.contains(&op) {
                self.findings.push(
                    Finding::error("op", format!("{} is no operation that a form has here ({})", quoted(&Value::from(op)), kind.class()))
                        .at(at.to_string())
                        .expected(format!("one of {}", allowed.join(", ")))
                        .observed(op)
                        .clause(format!("W3C WoT TD 1.1, {clause}")),
                );
            } else if !seen.insert(op) {
                self.warning("op-twice", &at, format!("`{op}` is named twice"), clause);
            }
            if kind == Kind::Property {
                self.contradiction(op, owner, &at);
            }
        }
    }

    /// An operation that the property's own flags rule out. The standard calls the flags hints, so this is
    /// a warning.
    fn contradiction(&mut self, op: &str, property: &'v Object, at: &Pointer<'_>) {
        let flag = |name: &str| property.get(name) == Some(&Value::Bool(true));
        let clause = "td-default-op-properties";
        match op {
            "writeproperty" if flag("readOnly") => {
                self.warning("op-read-only", at, "the property is read-only, yet a form writes it", clause);
            }
            "readproperty" | "observeproperty" if flag("writeOnly") => {
                self.warning("op-write-only", at, "the property is write-only, yet a form reads it", clause);
            }
            "observeproperty" if property.get("observable") == Some(&Value::Bool(false)) => {
                let clause = "td-vocab-observable--PropertyAffordance";
                self.warning("op-not-observable", at, "the property is said not to be observable, yet a form observes it", clause);
            }
            _ => {}
        }
    }

    /// `href`: an address or a URI Template whose variables are all declared.
    fn target(&mut self, form: &'v Object, at: &Pointer<'_>, own: &BTreeSet<&'v str>, schemes: &[&'v str]) {
        let Some(text) = self.text(form, "href", at, "td-vocab-href--Form") else { return };
        let at = at.name("href");
        if self.model && text.contains("{{") {
            return;
        }
        let template = match uri::template(text) {
            Ok(template) => template,
            Err(why) => {
                let message = format!("`href` is not a URI Template: {why}");
                self.error("uri-template", &at, message, "td-uriVariables-names");
                return;
            }
        };
        // What replaces an expression is not known, so the rest is judged with the expressions taken out; a
        // relative path may then begin with an empty segment and so look like an authority.
        let literal = if template.variables.is_empty() { template.literal.as_str() } else { template.literal.trim_start_matches('/') };
        if let Err(why) = uri::reference(literal, Charset::Iri)
            && (template.variables.is_empty() || !why.contains("host"))
        {
            self.findings.push(
                Finding::error("any-uri", format!("`href` is not a URI reference: {why}"))
                    .at(at.to_string())
                    .expected("a URI reference (RFC 3986)")
                    .observed(text)
                    .clause("W3C WoT TD 1.1, td-vocab-href--Form"),
            );
        }
        if !self.model && !self.has_base && template.variables.is_empty() && uri::scheme(text).is_none() {
            self.warning("relative-without-base", &at, "a relative address, and the Thing has no `base`", "td-vocab-base--Thing");
        }
        for variable in &template.variables {
            let declared = own.contains(variable.as_str())
                || self.thing_variables.contains(variable.as_str())
                || self.security_variables.contains_key(variable.as_str());
            if !declared && !self.model {
                self.findings.push(
                    Finding::error("uri-variable-undeclared", "a variable of `href` is declared in no `uriVariables`")
                        .at(at.to_string())
                        .expected("every variable of the URI Template in `uriVariables`")
                        .observed(variable)
                        .clause("W3C WoT TD 1.1, td-uriVariables-names"),
                );
            }
        }
        for name in self.uri_parameters(schemes) {
            if !template.variables.iter().any(|variable| variable == name) {
                self.findings.push(
                    Finding::error("security-in-uri", "the security scheme puts a value into the address, which has no place for it")
                        .at(at.to_string())
                        .expected(format!("a URI Template with the variable `{}`", name.escape_debug()))
                        .observed(text)
                        .clause("W3C WoT TD 1.1, td-security-in-uri-variable"),
                );
            }
        }
    }

    fn scopes(&mut self, form: &'v Object, at: &Pointer<'_>, schemes: &[&'v str]) {
        let Some(value) = form.get("scopes") else { return };
        if self.is_placeholder(value) {
            return;
        }
        let at = at.name("scopes");
        let clause = "td-vocab-scopes--Form";
        let known = self.oauth_scopes(schemes);
        for (_, scope) in self.text_or_texts(value, &at, "`scopes`", clause) {
            if !self.model && known.as_ref().is_some_and(|known| !known.contains(scope)) {
                let message = format!("{} is a scope of no OAuth 2.0 scheme that is active here", quoted(&Value::from(scope)));
                self.warning("scope-undefined", &at, message, clause);
            }
        }
    }

    fn response(&mut self, form: &'v Object, at: &Pointer<'_>) {
        let Some(response) = self.object(form, "response", at, "td-vocab-response--Form") else { return };
        let at = at.name("response");
        match self.text(response, "contentType", &at, "td-vocab-contentType--ExpectedResponse") {
            Some(text) => self.media_type(text, &at.name("contentType"), "td-vocab-contentType--ExpectedResponse"),
            None if !response.contains_key("contentType") && !self.model => {
                self.missing("contentType", "an expected response", &at, "td-vocab-contentType--ExpectedResponse");
            }
            None => {}
        }
    }

    fn additional_responses(&mut self, form: &'v Object, at: &Pointer<'_>) {
        let Some(responses) = self.array(form, "additionalResponses", at, "td-vocab-additionalResponses--Form") else { return };
        let at = at.name("additionalResponses");
        for (i, response) in responses.iter().enumerate() {
            let at = at.index(i);
            let Value::Object(response) = response else {
                self.mistyped(&at, "an additional response", "an object", response, "td-vocab-additionalResponses--Form");
                continue;
            };
            if let Some(text) = self.text(response, "contentType", &at, "td-vocab-contentType--AdditionalExpectedResponse") {
                self.media_type(text, &at.name("contentType"), "td-vocab-contentType--AdditionalExpectedResponse");
            }
            self.scalar(response, "success", Want::Boolean, &at, "td-vocab-success--AdditionalExpectedResponse");
            let clause = "td-vocab-schema--AdditionalExpectedResponse";
            if let Some(name) = self.text(response, "schema", &at, clause)
                && !self.model
                && !self.schemas.contains(name)
            {
                self.findings.push(
                    Finding::error("schema-undefined", "the schema's name is not in `schemaDefinitions`")
                        .at(at.name("schema").to_string())
                        .expected("a name of `schemaDefinitions`")
                        .observed(name)
                        .clause(format!("W3C WoT TD 1.1, {clause}")),
                );
            }
        }
    }
}
