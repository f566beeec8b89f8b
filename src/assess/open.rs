//! From a target file to an open door: scope, trust anchors, credentials.

use std::collections::BTreeMap;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use url::Url;

use crate::probe::{Credential, CredentialKind, Endpoint as ProbeEndpoint, Limits, Opening, Origin, Secret};
use crate::target::{CredentialScheme, Target};

/// Something about the set-up that keeps a run from being what it could be. It says nothing about the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is about, as the target file names it, such as `endpoints.api`.
    pub subject: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Whether testing makes no sense before it is mended.
    pub blocks: bool,
}

impl Problem {
    pub(super) fn error(subject: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { subject: subject.into(), message: message.into(), help: help.into(), blocks: true }
    }
    pub(super) fn warning(subject: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { blocks: false, ..Self::error(subject, message, help) }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.subject, self.message)
    }
}

/// What a door for this target is opened with, and what is missing for it. Only what the target file
/// names is in the scope: its endpoints, the addresses of its documents, the vendor's web site, and
/// for an encrypted endpoint on its usual port the usual port without encryption of the same host.
pub fn opening(target: &Target, limits: Limits, environment: impl Fn(&str) -> Option<String>) -> (Opening, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut scope: BTreeMap<Origin, ProbeEndpoint> = BTreeMap::new();
    for (name, endpoint) in &target.endpoints {
        let Ok(origin) = origin_of(&endpoint.url) else {
            problems.push(Problem::error(
                format!("endpoints.{name}"),
                format!("{} is no address that can be asked", endpoint.url),
                "name scheme, host and port",
            ));
            continue;
        };
        let mut anchors = Vec::new();
        if let Some(path) = &endpoint.trust_anchors {
            let path = target.resolve(path);
            match CertificateDer::pem_file_iter(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
                Ok(found) if !found.is_empty() => anchors = found.into_iter().map(|der| der.to_vec()).collect(),
                Ok(_) => problems.push(Problem::error(
                    format!("endpoints.{name}.trust-anchors"),
                    format!("{} holds no certificate", path.display()),
                    "expected PEM blocks that begin with -----BEGIN CERTIFICATE-----",
                )),
                Err(error) => problems.push(Problem::error(
                    format!("endpoints.{name}.trust-anchors"),
                    format!("{} cannot be read: {error}", path.display()),
                    "name a PEM file, relative to the target file",
                )),
            }
        }
        let probe = ProbeEndpoint {
            server_name: endpoint.server_name.clone(),
            anchors,
            addresses: endpoint.addresses.clone(),
            trust_unverified: endpoint.trust_unverified,
            ..ProbeEndpoint::new(origin.clone())
        };
        if let Some(plain) = plain_side(&origin) {
            scope
                .entry(plain.clone())
                .or_insert_with(|| ProbeEndpoint { addresses: endpoint.addresses.clone(), ..ProbeEndpoint::new(plain) });
        }
        scope.insert(origin, probe);
    }
    let website = target.product.vendor.website.iter().map(|url| ("product.vendor.website".to_owned(), url));
    let documents =
        target.documents.iter().filter(|(_, location)| location.contains("://")).map(|(name, url)| (format!("documents.{name}"), url));
    for (subject, address) in website.chain(documents) {
        match Url::parse(address).map_err(|e| e.to_string()).and_then(|url| origin_of(&url).map_err(|e| e.to_string())) {
            Ok(origin) => {
                scope.entry(origin.clone()).or_insert_with(|| ProbeEndpoint::new(origin));
            }
            Err(why) => problems.push(Problem::error(
                subject,
                format!("`{address}` is no address that can be asked: {why}"),
                "write the full address, with https://",
            )),
        }
    }
    let mut opening = Opening::new(scope.into_values().collect());
    opening.limits = limits;
    for (name, reference) in &target.credentials {
        let subject = format!("credentials.{name}");
        let secret = match (&reference.env, &reference.file) {
            (Some(variable), _) => match environment(variable).filter(|value| !value.is_empty()) {
                Some(secret) => secret,
                None => {
                    problems.push(Problem::error(
                        subject,
                        format!("the environment variable {variable} is not set"),
                        format!("set it for this command: {variable}=… probity …"),
                    ));
                    continue;
                }
            },
            (None, Some(path)) => match std::fs::read_to_string(target.resolve(path)) {
                Ok(text) if !text.trim_end_matches(['\r', '\n']).is_empty() => text.trim_end_matches(['\r', '\n']).to_owned(),
                Ok(_) => {
                    problems.push(Problem::error(subject, format!("{} is empty", path.display()), "put the secret into it, on one line"));
                    continue;
                }
                Err(error) => {
                    problems.push(Problem::error(
                        subject,
                        format!("{} cannot be read: {error}", path.display()),
                        "the path is relative to the target file",
                    ));
                    continue;
                }
            },
            // The target file's reader has refused this already.
            (None, None) => continue,
        };
        let named = reference.name.clone().unwrap_or_default();
        let kind = match reference.scheme {
            CredentialScheme::Bearer => CredentialKind::Bearer,
            CredentialScheme::Basic => CredentialKind::Basic { user: reference.user.clone().unwrap_or_default() },
            CredentialScheme::Header => CredentialKind::Header { name: named },
            CredentialScheme::Query => CredentialKind::Query { name: named },
        };
        let Some(Ok(origin)) = target.endpoints.get(&reference.endpoint).map(|e| origin_of(&e.url)) else { continue };
        opening.credentials.push(Credential { name: name.clone(), origin, kind, secret: Secret::new(secret) });
    }
    (opening, problems)
}

/// The origin of an endpoint's address.
/// Where the same host would speak the same protocol without encryption.
fn plain_side(origin: &Origin) -> Option<Origin> {
    let (scheme, port) = match (origin.scheme(), origin.port()) {
        ("https", 443) => ("http", 80),
        ("mqtts", 8883) => ("mqtt", 1883),
        ("coaps", 5684) => ("coap", 5683),
        ("sips", 5061) => ("sip", 5060),
        _ => return None,
    };
    Origin::new(scheme, origin.host(), port).ok()
}

pub(super) fn origin_of(url: &Url) -> Result<Origin, crate::probe::Refusal> {
    Origin::of(url)
}
