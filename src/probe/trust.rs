//! TLS as a client: the handshake is always finished if it can be, and what was seen is told.
//!
//! A certificate that does not verify is an observation, not an obstacle, so the verifier here lets
//! the handshake go on and keeps the verdict of webpki beside the chain. What must not happen on such
//! a connection, showing a credential, is decided by whoever reads [`TlsFacts::is_vouched_for`].
//! Sessions are never resumed: each handshake shows its certificates.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::http::Bytes;
use super::{Endpoint, ProbeError};
use crate::verdict::Untrusted;

/// Why a certificate does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CertificateFault {
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// No trust anchor at hand has issued it, or the chain between is incomplete.
    UnknownIssuer,
    /// It is for another name.
    OtherName,
    /// It is a certificate authority's own and may not stand for a server.
    AuthorityAsServer,
    /// A signature in the chain, or that of the handshake itself, is wrong.
    BadSignature,
    /// A signature algorithm or key that is not accepted any more.
    Unaccepted,
    /// It may not be used for a server.
    Purpose,
    /// It cannot be read.
    Unreadable,
    /// Something else; the detail says what.
    Other,
}

/// What was seen of TLS on one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: String,
    /// The cipher suite, by its IANA name.
    pub suite: String,
    /// The key exchange group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The protocol agreed by ALPN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// The name that was asked for, and that the certificate must be for.
    pub server_name: String,
    /// Whether the chain leads to a public trust anchor or one of the endpoint's own, is in time, and is
    /// for this name.
    pub verified: bool,
    /// Whether the server's certificate is byte for byte one that the target file gives as its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// Why it is not verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<CertificateFault>,
    /// Why it is not verified, in the words of the library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Untrusted>,
    /// The certificates as they were sent, the server's own first, in DER.
    pub chain: Vec<Bytes>,
    /// The stapled OCSP answer, in DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ocsp: Option<Bytes>,
}

impl TlsFacts {
    /// Whether somebody vouches for the other side, so that a credential may be shown to it.
    pub fn is_vouched_for(&self) -> bool {
        self.verified || self.pinned
    }
}

/// What the verifier saw.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    chain: Vec<Vec<u8>>,
    ocsp: Vec<u8>,
    fault: Option<(CertificateFault, Untrusted)>,
    pinned: bool,
}

/// How to shake hands with one endpoint. A new verifier for each connection, because it remembers.
pub(crate) struct Handshake {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) server_name: ServerName<'static>,
    seen: Arc<Mutex<Seen>>,
    asked: String,
}

impl Handshake {
    /// Prepares a handshake with an endpoint that offers these protocols by ALPN.
    pub(crate) fn with(endpoint: &Endpoint, alpn: &[&[u8]]) -> Result<Self, ProbeError> {
        let asked = endpoint.server_name.as_deref().unwrap_or_else(|| endpoint.origin.host()).to_owned();
        let server_name =
            ServerName::try_from(asked.clone()).map_err(|_| ProbeError::misuse(format!("{asked} cannot be asked for in TLS")))?;
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for anchor in &endpoint.anchors {
            // One that webpki cannot use as an anchor can still be pinned.
            roots.add(CertificateDer::from(anchor.clone())).ok();
        }
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| ProbeError::bug(error.to_string()))?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let verifier = Onlooker { inner, seen: Arc::clone(&seen), anchors: endpoint.anchors.clone(), provider: Arc::clone(&provider) };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ProbeError::bug(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self { config: Arc::new(config), server_name, seen, asked })
    }

    /// Tells what was seen, once the handshake is finished.
    pub(crate) fn facts(&self, connection: &rustls::ClientConnection) -> TlsFacts {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let name = |text: Option<&str>| text.map(str::to_owned);
        let version = connection.protocol_version().and_then(|v| v.as_str()).map(|v| v.replace("TLSv1_", "TLSv1."));
        let suite = connection.negotiated_cipher_suite().and_then(|s| s.suite().as_str());
        TlsFacts {
            version: version.unwrap_or_default(),
            // rustls writes TLS 1.3 suites as TLS13_AES_…; IANA as TLS_AES_….
            suite: suite.unwrap_or_default().replacen("TLS13_", "TLS_", 1),
            group: name(connection.negotiated_key_exchange_group().and_then(|g| g.name().as_str())),
            alpn: connection.alpn_protocol().map(|p| Untrusted::from_bytes(p).to_string()),
            server_name: self.asked.clone(),
            verified: seen.fault.is_none() && !seen.chain.is_empty(),
            pinned: seen.pinned,
            fault: seen.fault.as_ref().map(|(fault, _)| *fault),
            detail: seen.fault.map(|(_, detail)| detail),
            chain: seen.chain.into_iter().map(Bytes).collect(),
            ocsp: Some(seen.ocsp).filter(|o| !o.is_empty()).map(Bytes),
        }
    }
}

/// A verifier that asks webpki, remembers the answer, and lets the handshake go on.
#[derive(Debug)]
struct Onlooker {
    inner: Arc<WebPkiServerVerifier>,
    seen: Arc<Mutex<Seen>>,
    anchors: Vec<Vec<u8>>,
    provider: Arc<CryptoProvider>,
}

impl Onlooker {
    fn blame(&self, error: &rustls::Error) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.fault.is_none() {
            seen.fault = Some((fault_of(error), Untrusted::new(&error.to_string())));
        }
    }
    fn blame_signature(&self, error: &rustls::Error) {
        self.blame(error);
        // Whoever cannot sign with the pinned certificate's key does not have it.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).pinned = false;
    }
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.chain = std::iter::once(end_entity).chain(intermediates).map(|der| der.to_vec()).collect();
            seen.ocsp = ocsp_response.to_vec();
            seen.pinned = self.anchors.iter().any(|anchor| anchor.as_slice() == end_entity.as_ref());
        }
        if let Err(error) = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            self.blame(&error);
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if let Err(error) = self.inner.verify_tls12_signature(message, cert, dss) {
            self.blame_signature(&error);
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if let Err(error) = self.inner.verify_tls13_signature(message, cert, dss) {
            self.blame_signature(&error);
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn fault_of(error: &rustls::Error) -> CertificateFault {
    use CertificateError as E;
    let rustls::Error::InvalidCertificate(error) = error else { return CertificateFault::Other };
    if matches!(error, E::Expired | E::ExpiredContext { .. }) {
        CertificateFault::Expired
    } else if matches!(error, E::NotValidYet | E::NotValidYetContext { .. }) {
        CertificateFault::NotYetValid
    } else if matches!(error, E::UnknownIssuer) {
        CertificateFault::UnknownIssuer
    } else if matches!(error, E::NotValidForName | E::NotValidForNameContext { .. }) {
        CertificateFault::OtherName
    } else if matches!(error, E::BadSignature) {
        CertificateFault::BadSignature
    } else if matches!(error, E::UnsupportedSignatureAlgorithmContext { .. } | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }) {
        CertificateFault::Unaccepted
    } else if matches!(error, E::InvalidPurpose | E::InvalidPurposeContext { .. }) {
        CertificateFault::Purpose
    } else if matches!(error, E::BadEncoding) {
        CertificateFault::Unreadable
    } else if error.to_string().contains("CaUsedAsEndEntity") {
        CertificateFault::AuthorityAsServer
    } else {
        CertificateFault::Other
    }
}
