//! One whole handshake, for what only a finished one shows: the chain and staple of TLS 1.3, the
//! protocol chosen, whether early data is announced.
//!
//! Every certificate is accepted here, weak and foreign ones too: they cannot be judged otherwise.
//! Nothing is ever sent over the session: whether early data is accepted is told by the server's answer
//! to the offer, before any is sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientSessionStore, ResolvesClientCert, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, HandshakeKind, SignatureScheme, sign::CertifiedKey};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::{Der, Dial, Group, ProbeOutcome, ProtocolVersion, Suite};
use crate::verdict::Untrusted;

/// How long a ticket is waited for after the handshake: servers send it with their last message.
const TICKET_WAIT: Duration = Duration::from_millis(300);

/// What a finished handshake showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// How it ended. A chain may have been shown even so.
    pub outcome: ProbeOutcome,
    /// What the TLS library had to say, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Untrusted>,
    /// The name sent, or the address it was made to.
    pub server_name: String,
    /// The version agreed.
    pub version: Option<ProtocolVersion>,
    /// The suite agreed.
    pub suite: Option<Suite>,
    /// The group agreed.
    pub group: Option<Group>,
    /// The application protocol agreed.
    pub alpn: Option<Untrusted>,
    /// The chain in the order sent.
    pub chain: Vec<Der>,
    /// The stapled OCSP response.
    pub staple: Option<Der>,
    /// The server asked for a certificate of ours.
    pub client_certificate_asked: bool,
    /// Early data (0-RTT), as a ticket announces it and a second handshake shows it.
    pub early_data: EarlyData,
    /// The number of connections made.
    pub connections: u32,
}

/// What is known about early data. A server may announce it in a ticket and still reject it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EarlyData {
    /// A ticket allows so many bytes; whether they would be accepted could not be seen.
    Announced(u32),
    /// A ticket allows so many bytes, and a client that came back with it was told that they are accepted.
    Accepted(u32),
    /// A ticket allows so many bytes, and a client that came back with it was told that they are not.
    Rejected(u32),
    /// There was a ticket, and it allows none.
    NotAnnounced,
    /// There was no ticket, without which there is no early data.
    NoTicket,
    /// No handshake of TLS 1.3 was finished.
    NotApplicable,
}

/// Shakes hands once, a second time without application protocols where the server knows none of ours, and a
/// further time with a ticket that announces early data.
pub async fn handshake<D: Dial>(dial: &D, server_name: &ServerName<'static>, protocols: &[&str], limit: Duration) -> Handshake {
    let mut protocols = protocols;
    let mut seen = Arc::new(Seen::default());
    let mut result = attempt(dial, server_name, protocols, &seen, limit).await;
    // 120: no_application_protocol (RFC 7301, section 3.2).
    if result.outcome == ProbeOutcome::Alert(120) && !protocols.is_empty() {
        protocols = &[];
        seen = Arc::new(Seen::default());
        let first = result.connections;
        result = attempt(dial, server_name, protocols, &seen, limit).await;
        result.connections += first;
    }
    if let EarlyData::Announced(bytes) = result.early_data {
        result.connections += 1;
        result.early_data = come_back(dial, server_name, protocols, &seen, limit, bytes).await;
    }
    result
}

/// Comes back with the ticket and offers early data, without sending any.
async fn come_back<D: Dial>(
    dial: &D,
    server_name: &ServerName<'static>,
    protocols: &[&str],
    seen: &Arc<Seen>,
    limit: Duration,
    bytes: u32,
) -> EarlyData {
    let untold = EarlyData::Announced(bytes);
    let Ok(mut config) = configuration(seen, protocols) else { return untold };
    config.enable_early_data = true;
    let Ok(stream) = dial.dial("whole handshake that offers early data and sends none").await else { return untold };
    let connecting = TlsConnector::from(Arc::new(config)).connect(server_name.clone(), stream);
    let Ok(Ok(stream)) = timeout_at(Instant::now() + limit, connecting).await else { return untold };
    let (_, session) = stream.get_ref();
    if session.is_early_data_accepted() {
        return EarlyData::Accepted(bytes);
    }
    // Only who took the ticket has decided on it: another server behind the same address may not know it.
    if session.handshake_kind() == Some(HandshakeKind::Resumed) { EarlyData::Rejected(bytes) } else { untold }
}

async fn attempt<D: Dial>(dial: &D, server_name: &ServerName<'static>, protocols: &[&str], seen: &Arc<Seen>, limit: Duration) -> Handshake {
    let mut result = Handshake {
        outcome: ProbeOutcome::Hello,
        trouble: None,
        server_name: server_name.to_str().into_owned(),
        version: None,
        suite: None,
        group: None,
        alpn: None,
        chain: Vec::new(),
        staple: None,
        client_certificate_asked: false,
        early_data: EarlyData::NotApplicable,
        connections: 1,
    };
    let config = match configuration(seen, protocols) {
        Ok(config) => config,
        Err(error) => {
            result.outcome = ProbeOutcome::Unreachable(Untrusted::new(&error.to_string()));
            return result;
        }
    };
    let stream = match dial.dial("whole handshake").await {
        Ok(stream) => stream,
        Err(error) => {
            result.outcome = ProbeOutcome::from(&error);
            return result;
        }
    };
    let deadline = Instant::now() + limit;
    let connecting = TlsConnector::from(Arc::new(config)).connect(server_name.clone(), stream);
    match timeout_at(deadline, connecting).await {
        Err(_) => result.outcome = ProbeOutcome::Timeout,
        Ok(Err(error)) => {
            result.outcome = outcome_of(&error);
            result.trouble = Some(Untrusted::new(&error.to_string()));
        }
        Ok(Ok(mut stream)) => {
            let (_, session) = stream.get_ref();
            result.version = session.protocol_version().and_then(|v| ProtocolVersion::from_code(u16::from(v)));
            result.suite = session.negotiated_cipher_suite().map(|s| Suite(u16::from(s.suite())));
            result.group = session.negotiated_key_exchange_group().map(|g| Group(u16::from(g.name())));
            result.alpn = session.alpn_protocol().map(Untrusted::from_bytes);
            if result.version == Some(ProtocolVersion::Tls13) {
                let until = deadline.min(Instant::now() + TICKET_WAIT);
                let mut byte = [0; 1];
                // Application data or the end: no ticket is waited for any longer.
                let read = timeout_at(until, stream.read(&mut byte));
                tokio::select! {
                    biased;
                    _ = read => {}
                    () = seen.ticket_came.notified() => {}
                }
                result.early_data = match seen.ticket() {
                    None => EarlyData::NoTicket,
                    Some(0) => EarlyData::NotAnnounced,
                    Some(bytes) => EarlyData::Announced(bytes),
                };
            }
        }
    }
    let shown = seen.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
    result.chain = shown.chain;
    result.staple = shown.staple;
    result.client_certificate_asked = shown.client_certificate_asked;
    result
}

fn outcome_of(error: &std::io::Error) -> ProbeOutcome {
    use std::io::ErrorKind;
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::AlertReceived(alert)) => ProbeOutcome::Alert(u8::from(*alert)),
        Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) => ProbeOutcome::NotTls,
        // The server chose something that this library does not do: it agreed, and we cannot.
        Some(rustls::Error::PeerIncompatible(_)) => ProbeOutcome::UnofferedVersion,
        Some(_) => ProbeOutcome::Malformed,
        None if error.kind() == ErrorKind::UnexpectedEof => ProbeOutcome::Closed,
        None => ProbeOutcome::of_io(error),
    }
}

fn configuration(seen: &Arc<Seen>, protocols: &[&str]) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Seen>::clone(seen))
        .with_client_cert_resolver(Arc::<Seen>::clone(seen));
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    config.resumption = Resumption::store(Arc::<Seen>::clone(seen));
    Ok(config)
}

/// What the server showed on the way, kept whether the handshake succeeds or not.
#[derive(Debug, Default)]
struct Seen {
    shown: Mutex<Shown>,
    ticket_came: Notify,
    /// The last ticket that announces early data, to come back with.
    session: Mutex<Option<Tls13ClientSessionValue>>,
}

#[derive(Debug, Default, Clone)]
struct Shown {
    chain: Vec<Der>,
    staple: Option<Der>,
    client_certificate_asked: bool,
    ticket: Option<u32>,
    group: Option<rustls::NamedGroup>,
}

impl Seen {
    fn ticket(&self) -> Option<u32> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).ticket
    }
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp_response: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.chain = std::iter::once(end_entity).chain(intermediates).map(|c| Der(c.to_vec())).collect();
        shown.staple = (!ocsp_response.is_empty()).then(|| Der(ocsp_response.to_vec()));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    /// All there are, the old ones last: servers choose their certificate by this list.
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::ED25519,
            SignatureScheme::ED448,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::ECDSA_SHA1_Legacy,
            SignatureScheme::RSA_PKCS1_SHA1,
        ]
    }
}

impl ResolvesClientCert for Seen {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).client_certificate_asked = true;
        None
    }
    // Only those who seem to have a certificate are told that one is asked for.
    fn has_certs(&self) -> bool {
        true
    }
}

impl ClientSessionStore for Seen {
    fn set_kx_hint(&self, _: ServerName<'static>, group: rustls::NamedGroup) {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).group = Some(group);
    }
    // A server that has to ask for another key share rejects early data for that alone.
    fn kx_hint(&self, _: &ServerName<'_>) -> Option<rustls::NamedGroup> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).group
    }
    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}
    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }
    fn remove_tls12_session(&self, _: &ServerName<'static>) {}
    fn insert_tls13_ticket(&self, _: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = ticket.max_early_data_size();
        shown.ticket = Some(shown.ticket.map_or(bytes, |known| known.max(bytes)));
        if bytes > 0 {
            *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticket);
        }
        self.ticket_came.notify_one();
    }
    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::super::survey_faces::{Loopback, start};
    use super::super::{Feature, Limits, Sni, mock::Face, survey};
    use super::*;

    /// A rustls server with a self-signed certificate; gives its certificate too.
    async fn server(change: impl FnOnce(&mut ServerConfig)) -> (Loopback, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["device.example".into()]).unwrap().self_signed(&key).unwrap();
        let der = certificate.der().to_vec();
        let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        change(&mut config);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Ok(mut stream) = acceptor.accept(stream).await {
                        let _ = stream.read(&mut [0; 1]).await;
                    }
                });
            }
        });
        (Loopback(at), der)
    }

    fn name() -> ServerName<'static> {
        ServerName::try_from("device.example").unwrap()
    }

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn chain_protocol_and_parameters_are_seen() {
        let (dial, der) = server(|config| config.alpn_protocols = vec![b"http/1.1".to_vec()]).await;
        let seen = handshake(&dial, &name(), &["h2", "http/1.1"], LIMIT).await;
        assert_eq!(seen.outcome, ProbeOutcome::Hello, "{seen:?}");
        assert_eq!((seen.version, seen.chain.clone()), (Some(ProtocolVersion::Tls13), vec![Der(der)]));
        assert_eq!((seen.group, seen.alpn.as_ref().map(Untrusted::as_str)), (Some(Group::X25519), Some("http/1.1")));
        assert_eq!((seen.early_data, seen.client_certificate_asked), (EarlyData::NotAnnounced, false));
        let text = serde_json::to_string(&seen).unwrap();
        assert_eq!(serde_json::from_str::<Handshake>(&text).unwrap(), seen);
    }

    #[tokio::test]
    async fn announced_early_data_is_offered_to_see_whether_it_is_accepted() {
        let (dial, _) = server(|config| config.max_early_data_size = 1234).await;
        let seen = handshake(&dial, &name(), &[], LIMIT).await;
        assert_eq!((seen.early_data, seen.connections), (EarlyData::Accepted(1234), 2));
        // Tickets that nobody knows when the client comes back: it cannot be told.
        let (dial, _) = server(|config| {
            config.max_early_data_size = 1234;
            config.session_storage = Arc::new(Forgetful);
        })
        .await;
        assert_eq!(handshake(&dial, &name(), &[], LIMIT).await.early_data, EarlyData::Announced(1234));
    }

    /// Stores nothing, and says that it did.
    #[derive(Debug)]
    struct Forgetful;

    impl rustls::server::StoresServerSessions for Forgetful {
        fn put(&self, _: Vec<u8>, _: Vec<u8>) -> bool {
            true
        }
        fn get(&self, _: &[u8]) -> Option<Vec<u8>> {
            None
        }
        fn take(&self, _: &[u8]) -> Option<Vec<u8>> {
            None
        }
        fn can_cache(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn a_server_that_knows_none_of_our_protocols_is_asked_again_without() {
        let (dial, _) = server(|config| config.alpn_protocols = vec![b"mqtt".to_vec()]).await;
        let seen = handshake(&dial, &name(), &["h2"], LIMIT).await;
        assert_eq!((seen.outcome, seen.connections), (ProbeOutcome::Hello, 2));
    }

    #[tokio::test]
    async fn a_server_that_no_library_speaks_to_leaves_a_reason() {
        let dial = start(Face { versions: vec![ProtocolVersion::Tls10], ..Face::sound() }).await;
        let seen = handshake(&dial, &name(), &[], LIMIT).await;
        assert!(matches!(seen.outcome, ProbeOutcome::Alert(70)) && seen.chain.is_empty(), "{seen:?}");
    }

    #[tokio::test]
    async fn the_survey_of_a_real_server_finds_what_it_has() {
        let (dial, der) = server(|_| {}).await;
        let seen = survey(&dial, Some("device.example"), Limits::default()).await;
        assert_eq!(seen.spoken().collect::<Vec<_>>(), [ProtocolVersion::Tls13, ProtocolVersion::Tls12]);
        let count = |version| seen.suites.iter().find(|s| s.version == version).map(|s| (s.suites.len(), s.complete));
        // The three suites of TLS 1.3 and, with an ECDSA key, three of TLS 1.2.
        assert_eq!(count(ProtocolVersion::Tls13), Some((3, true)), "{:#?}", seen.probes);
        assert_eq!(count(ProtocolVersion::Tls12), Some((3, true)), "{:#?}", seen.probes);
        assert!(seen.groups.iter().all(|g| g.complete && g.groups.len() == 3), "{:?}", seen.groups);
        assert_eq!((&seen.extended_master_secret, &seen.sni), (&Feature::Yes, &Sni::NotNeeded));
        assert_eq!(seen.chains, [vec![Der(der)]]);
        assert!(seen.stopped.is_none() && seen.connections <= 40, "{} {:?}", seen.connections, seen.stopped);
    }
}
