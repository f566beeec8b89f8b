//! A private authority and the certificates of sample services, made when a vendor starts.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use crate::probe::tls::mock::Face;
use crate::probe::tls::{Der, Group, ProtocolVersion, Suite};

/// The TLS side of a service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Tls {
    /// The versions it speaks: `1.2`, `1.3`.
    versions: Vec<String>,
    /// The names in its certificate.
    names: Vec<String>,
    /// Days from now to the first and after the last on which the certificate is valid.
    valid_days: (i64, i64),
    /// Who signed it.
    issuer: Signer,
    /// Bytes of padding in a further certificate, for a chain that is far too large.
    padding: usize,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            versions: vec!["1.2".into(), "1.3".into()],
            names: vec!["localhost".into(), "127.0.0.1".into()],
            valid_days: (-10, 80),
            issuer: Signer::Authority,
            padding: 0,
        }
    }
}

/// What a server that only begins handshakes agrees to beside TLS 1.2 as it is recommended. These are the
/// servers that a present-day library refuses to play. Not TLS 1.3: some of it is seen only by finishing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct FaceChanges {
    /// Further versions.
    versions: Vec<ProtocolVersion>,
    /// Further suites up to TLS 1.2, by their names.
    suites: Vec<Suite>,
    /// Further groups.
    groups: Vec<Group>,
    /// Further hashes of the key exchange, by their numbers in TLS 1.2.
    hashes: Vec<u8>,
    /// Whether DEFLATE is agreed to.
    deflate: bool,
}

impl FaceChanges {
    /// The server that shows this chain.
    pub(super) fn face(&self, chain: Vec<Der>) -> Face {
        let mut face = Face::sound();
        face.versions.retain(|version| !version.is_13());
        face.versions.extend(&self.versions);
        face.suites.extend(&self.suites);
        face.groups.extend(&self.groups);
        face.hashes.extend(&self.hashes);
        face.deflate = self.deflate;
        face.chain = chain;
        face
    }
}

/// Who signs a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Signer {
    /// The authority that the target file names.
    Authority,
    /// Another authority, which nobody names.
    Stranger,
    /// The certificate's own key.
    Itself,
}

/// A private authority.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// Makes one, with a new key.
    pub(super) fn new(name: &str, now: OffsetDateTime) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::default())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now - Duration::days(30);
        params.not_after = now + Duration::days(365);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }
    /// Its certificate in PEM.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }
}

impl Tls {
    /// What a service needs to shake hands.
    pub(super) fn config(&self, authority: &Authority, now: OffsetDateTime) -> Result<Arc<ServerConfig>, String> {
        let (chain, key) = self.certificate(authority, now).map_err(|e| e.to_string())?;
        let mut versions = Vec::new();
        for version in &self.versions {
            versions.push(match version.as_str() {
                "1.2" => &rustls::version::TLS12,
                "1.3" => &rustls::version::TLS13,
                _ => return Err(format!("TLS {version} is not spoken by sample services")),
            });
        }
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&versions)
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map(Arc::new)
            .map_err(|e| e.to_string())
    }

    /// The chain alone, for a server that signs nothing.
    pub(super) fn chain(&self, authority: &Authority, now: OffsetDateTime) -> Result<Vec<Der>, String> {
        let (chain, _) = self.certificate(authority, now).map_err(|e| e.to_string())?;
        Ok(chain.iter().map(|certificate| Der(certificate.to_vec())).collect())
    }

    fn certificate(
        &self,
        authority: &Authority,
        now: OffsetDateTime,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), rcgen::Error> {
        let mut params = CertificateParams::new(self.names.clone())?;
        params.distinguished_name.push(DnType::CommonName, self.names.first().map_or("sample", String::as_str));
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = now + Duration::days(self.valid_days.0);
        params.not_after = now + Duration::days(self.valid_days.1);
        let key = KeyPair::generate()?;
        let certificate = match self.issuer {
            Signer::Authority => params.signed_by(&key, &authority.issuer)?,
            Signer::Stranger => params.signed_by(&key, &Authority::new("Nobody in particular", now)?.issuer)?,
            Signer::Itself => params.self_signed(&key)?,
        };
        let mut chain = vec![certificate.der().clone()];
        if self.padding > 0 {
            // A comment by its object identifier; nobody reads it. It travels behind the service's own certificate.
            let mut params = CertificateParams::new(Vec::default())?;
            params.custom_extensions.push(CustomExtension::from_oid_content(&[2, 16, 840, 1, 113_730, 1, 13], vec![b'x'; self.padding]));
            chain.push(params.self_signed(&key)?.der().clone());
        }
        Ok((chain, PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
    }
}
