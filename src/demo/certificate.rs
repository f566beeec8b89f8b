//! A private authority and the certificates of sample services, made when a vendor starts.

mod flaw;

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SerialNumber,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use self::flaw::Flaw;
use crate::probe::tls::mock::{Face, Misbehaviour};
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
    /// What is wrong with the certificate or with what is shown beside it.
    flaws: Vec<Flaw>,
    /// Bytes of early data (0-RTT) that it takes from clients that come back.
    early_data: u32,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            versions: vec!["1.2".into(), "1.3".into()],
            names: vec!["localhost".into(), "127.0.0.1".into()],
            valid_days: (-10, 80),
            issuer: Signer::Authority,
            padding: 0,
            flaws: Vec::new(),
            early_data: 0,
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
    /// The length in bits of the prime for suites with a finite field.
    prime_bits: usize,
    /// Whether the extended master secret is agreed to (RFC 7627).
    extended_master_secret: Option<bool>,
    /// Whether secure renegotiation is agreed to (RFC 5746).
    secure_renegotiation: Option<bool>,
    /// Whether clients without a server name are declined.
    needs_name: bool,
    /// Whether the client's order of suites decides.
    client_order: bool,
    /// What it does instead of shaking hands.
    instead: Option<Instead>,
}

/// What a server may do instead of shaking hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Instead {
    /// Answers in plain text.
    PlainText,
    /// Tears every connection down.
    Reset,
    /// Refuses everything with `handshake_failure`.
    Alert,
    /// Answers three connections and tears down those that follow.
    ResetsLaterOnes,
}

impl Instead {
    fn misbehaviour(self) -> Misbehaviour {
        match self {
            Self::PlainText => Misbehaviour::PlainText,
            Self::Reset => Misbehaviour::Reset,
            Self::Alert => Misbehaviour::AlertToAll(40),
            Self::ResetsLaterOnes => Misbehaviour::ResetAfter(3),
        }
    }
}

impl FaceChanges {
    /// The server that shows this chain.
    pub(super) fn face(&self, chain: Vec<Der>, staple: Option<Der>) -> Face {
        let mut face = Face::sound();
        face.versions.retain(|version| !version.is_13());
        face.versions.extend(&self.versions);
        face.suites.extend(&self.suites);
        face.groups.extend(&self.groups);
        face.hashes.extend(&self.hashes);
        face.deflate = self.deflate;
        face.prime = vec![0xff; self.prime_bits / 8];
        face.extended_master_secret = self.extended_master_secret.unwrap_or(true);
        face.secure_renegotiation = self.secure_renegotiation.unwrap_or(true);
        face.needs_name = self.needs_name;
        face.own_order = !self.client_order;
        face.misbehaviour = self.instead.map(Instead::misbehaviour);
        face.chain = chain;
        face.staple = staple;
        face
    }
}

/// The serial number of every sample certificate: each is the only one that its authority has made.
const SERIAL: [u8; 8] = [0x51, 2, 3, 4, 5, 6, 7, 8];

/// Who signs a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Signer {
    /// The authority that the target file names.
    Authority,
    /// An authority below that one.
    Below,
    /// Another authority, which nobody names.
    Stranger,
    /// The certificate's own key.
    Itself,
}

/// A private authority.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    params: CertificateParams,
    pem: String,
    /// An authority that this one has certified.
    below: Option<Box<Below>>,
}

struct Below {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    pem: String,
}

impl Authority {
    /// Makes one with a new key, and one below it.
    pub(super) fn new(name: &str, now: OffsetDateTime) -> Result<Self, rcgen::Error> {
        let (mut authority, params) = (Self::alone(name, 1, now)?, Self::params(&format!("{name}, services"), 0, now)?);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority.issuer)?;
        let (der, pem) = (certificate.der().clone(), certificate.pem());
        authority.below = Some(Box::new(Below { issuer: Issuer::new(params, key), der, pem }));
        Ok(authority)
    }

    fn alone(name: &str, depth: u8, now: OffsetDateTime) -> Result<Self, rcgen::Error> {
        let params = Self::params(name, depth, now)?;
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params.clone(), key), params, pem, below: None })
    }

    fn params(name: &str, depth: u8, now: OffsetDateTime) -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::default())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(depth));
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now - Duration::days(30);
        params.not_after = now + Duration::days(365);
        Ok(params)
    }

    /// Its certificate in PEM.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }
    /// The same with the authority below it.
    pub(super) fn pem_with_below(&self) -> String {
        format!("{}{}", self.pem, self.below.as_ref().map_or("", |below| &below.pem))
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
        let staple = self.staple().map(|der| der.0).unwrap_or_default();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&versions)
            .and_then(|builder| builder.with_no_client_auth().with_single_cert_with_ocsp(chain, key, staple))
            .map_err(|e| e.to_string())?;
        config.max_early_data_size = self.early_data;
        Ok(Arc::new(config))
    }

    /// The OCSP response that is stapled.
    pub(super) fn staple(&self) -> Option<Der> {
        self.flaws.contains(&Flaw::Revoked).then(|| Der(flaw::revoked_response(&SERIAL)))
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
        let has = |flaw: Flaw| self.flaws.contains(&flaw);
        let names = if has(Flaw::NoAlternativeName) { Vec::new() } else { self.names.clone() };
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, self.names.first().map_or("sample", String::as_str));
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(SerialNumber::from_slice(&SERIAL));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let usage = if has(Flaw::ForClients) { ExtendedKeyUsagePurpose::ClientAuth } else { ExtendedKeyUsagePurpose::ServerAuth };
        params.extended_key_usages = vec![usage];
        if has(Flaw::MustStaple) {
            params.custom_extensions.push(flaw::must_staple());
        }
        params.not_before = now + Duration::days(self.valid_days.0);
        params.not_after = now + Duration::days(self.valid_days.1);
        let key = KeyPair::generate()?;
        let mut chain = Vec::new();
        if has(Flaw::SignedWithSha1) {
            chain.push(flaw::signed_with_sha1(&params, &key, authority.params.clone())?);
        } else if has(Flaw::Rsa1024) {
            chain.push(params.signed_by(&flaw::WeakKey, &authority.issuer)?.der().clone());
        } else {
            let certificate = match (self.issuer, &authority.below) {
                (Signer::Below, Some(below)) => params.signed_by(&key, &below.issuer)?,
                (Signer::Authority | Signer::Below, _) => params.signed_by(&key, &authority.issuer)?,
                (Signer::Stranger, _) => params.signed_by(&key, &Authority::alone("Nobody in particular", 0, now)?.issuer)?,
                (Signer::Itself, _) => params.self_signed(&key)?,
            };
            chain.push(certificate.der().clone());
        }
        if let (Signer::Below, Some(below)) = (self.issuer, &authority.below)
            && !has(Flaw::NotWhole)
        {
            chain.push(below.der.clone());
        }
        if self.padding > 0 {
            // A comment by its object identifier; nobody reads it. It travels behind the service's own certificate.
            let mut params = CertificateParams::new(Vec::default())?;
            params.custom_extensions.push(CustomExtension::from_oid_content(&[2, 16, 840, 1, 113_730, 1, 13], vec![b'x'; self.padding]));
            chain.push(params.self_signed(&key)?.der().clone());
        }
        Ok((chain, PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
    }
}
