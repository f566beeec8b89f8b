//! Reading a target file, with every mistake at its place.

use std::path::Path;

use super::{CredentialScheme, Target};
use crate::document::{Mistake, Node, from_node};

impl Target {
    /// Reads a target file.
    ///
    /// # Errors
    /// Every mistake that was found, each with its place.
    pub fn read(path: &Path) -> Result<Self, Vec<Mistake>> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| vec![Mistake::new(&file, format!("the target file cannot be read: {e}")).help("`probity init URL` writes one")])?;
        let mut target = Self::parse(&file, &text)?;
        target.folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(target)
    }

    /// Reads a target file's text. Relative paths start from the current folder.
    ///
    /// # Errors
    /// Every mistake that was found, each with its place.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Mistake>> {
        let node = Node::read(file, text).map_err(|e| vec![Mistake::from(e)])?;
        let target: Self = from_node(&node).map_err(|e| vec![Mistake::from_node_error(file, &e)])?;
        let mistakes = target.mistakes(file, &node);
        if mistakes.is_empty() { Ok(target) } else { Err(mistakes) }
    }

    fn mistakes(&self, file: &str, node: &Node) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let mut wrong = |pointer: String, message: String, help: &str| {
            let at = node.find(&pointer).unwrap_or(node).position();
            mistakes.push(Mistake::at(file, at, message).help(help));
        };
        if self.target != 1 {
            wrong("/target".into(), format!("target: format version {}, expected 1", self.target), "write `target: 1`");
        }
        for (name, value) in [("name", &self.product.name), ("version", &self.product.version)] {
            if value.trim().is_empty() {
                wrong(format!("/product/{name}"), format!("product.{name} is empty"), "a report is bound to an exact product and version");
            }
        }
        for (name, endpoint) in &self.endpoints {
            let pointer = format!("/endpoints/{name}/url");
            if endpoint.url.host_str().is_none_or(str::is_empty) {
                wrong(
                    pointer,
                    format!("endpoints.{name}.url: no host in `{}`", endpoint.url),
                    "write the full address, such as https://api.example.org/v1/",
                );
            } else if endpoint.port().is_none() {
                wrong(pointer, format!("endpoints.{name}.url: no port in `{}`", endpoint.url), "this scheme has no default port: add one");
            } else if !endpoint.url.username().is_empty() || endpoint.url.password().is_some() {
                wrong(
                    pointer,
                    format!("endpoints.{name}.url holds a user or password"),
                    "name the credential under `credentials` by `env` or `file`",
                );
            }
            if let Some(account) = endpoint.log_in.as_ref().and_then(|l| l.test_account.as_ref())
                && !self.credentials.get(account).is_some_and(|c| c.endpoint == *name && c.scheme == CredentialScheme::Basic)
            {
                wrong(
                    format!("/endpoints/{name}/log-in/test-account"),
                    format!("endpoints.{name}.log-in.test-account: `{account}` is no credential with the scheme `basic` for this endpoint"),
                    "name it under `credentials` with `endpoint`, `scheme: basic`, `user`, and `env` or `file`",
                );
            }
        }
        for (name, credential) in &self.credentials {
            let pointer = format!("/credentials/{name}");
            if !self.endpoints.contains_key(&credential.endpoint) {
                let known = self.endpoints.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                wrong(
                    format!("{pointer}/endpoint"),
                    format!("credentials.{name}.endpoint: no endpoint `{}`", credential.endpoint),
                    &format!("endpoints of this file: {known}"),
                );
            }
            if credential.env.is_some() == credential.file.is_some() {
                wrong(
                    pointer.clone(),
                    format!("credentials.{name}: exactly one of `env` and `file` is needed"),
                    "the secret itself never stands in this file",
                );
            }
            let needs = match credential.scheme {
                CredentialScheme::Basic if credential.user.is_none() => Some("user"),
                CredentialScheme::Header | CredentialScheme::Query if credential.name.is_none() => Some("name"),
                CredentialScheme::Bearer | CredentialScheme::Basic | CredentialScheme::Header | CredentialScheme::Query => None,
            };
            if let Some(field) = needs {
                wrong(pointer, format!("credentials.{name}: the scheme needs `{field}`"), "see `probity explain credentials`");
            }
        }
        if let Some(consent) = &self.consent {
            if consent.window.from > consent.window.until {
                wrong("/consent/window".into(), "consent.window ends before it begins".into(), "put `from` before `until`");
            }
            if consent.mode.is_some() == consent.highest_effect.is_some() {
                wrong(
                    "/consent".into(),
                    "consent: exactly one of `mode` and `highest-effect` is needed".into(),
                    "write `mode: standard` or `mode: lab`; `probity explain consent` tells what each opens",
                );
            }
            for (name, value) in [("owner", &consent.owner), ("contact", &consent.contact)] {
                if value.trim().is_empty() {
                    wrong(
                        format!("/consent/{name}"),
                        format!("consent.{name} is empty"),
                        "consent needs a person who gave it and one who can be reached",
                    );
                }
            }
        }
        for (subject, attestation) in &self.attestations {
            for (field, value) in [("date", &attestation.date), ("expires", &attestation.expires)] {
                if day(value).is_none() {
                    wrong(
                        format!("/attestations/{subject}/{field}"),
                        format!("attestations.{subject}.{field}: `{value}` is not a day"),
                        "write it as YYYY-MM-DD",
                    );
                }
            }
            if let Some(evidence) = &attestation.evidence
                && (evidence.sha256.len() != 64 || !evidence.sha256.bytes().all(|b| b.is_ascii_hexdigit()))
            {
                wrong(
                    format!("/attestations/{subject}/evidence/sha256"),
                    format!("attestations.{subject}.evidence.sha256 is not 64 hexadecimal digits"),
                    "`sha256sum FILE` prints it",
                );
            }
        }
        mistakes
    }
}

/// A calendar day written `YYYY-MM-DD`.
pub(crate) fn day(text: &str) -> Option<time::Date> {
    time::Date::parse(text, time::macros::format_description!("[year]-[month]-[day]")).ok()
}
