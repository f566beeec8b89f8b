//! Writing a ClientHello. No key is ever computed: what is asked is answered before one is needed.

use rustls::crypto::SecureRandom;

use super::{Group, ProtocolVersion, Suite};

/// Hash and signature pairs of TLS 1.2 and schemes of TLS 1.3, all that a server may sign with.
pub(super) const ALL_SIGNATURES: [u16; 25] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601, 0x0402, 0x0502, 0x0602,
    0x0303, 0x0301, 0x0302, 0x0203, 0x0201, 0x0202, 0x081a, 0x081b,
];
/// ECDSA, RSA and DSA with SHA-1.
pub(super) const SHA1_SIGNATURES: [u16; 3] = [0x0203, 0x0201, 0x0202];
/// ECDSA, RSA and DSA with SHA-224.
pub(super) const SHA224_SIGNATURES: [u16; 3] = [0x0303, 0x0301, 0x0302];

/// What one hello offers.
#[derive(Debug, Clone)]
pub(super) struct ClientHello<'a> {
    /// The highest version offered; for TLS 1.3 the only one.
    pub version: ProtocolVersion,
    pub suites: &'a [Suite],
    pub groups: &'a [Group],
    pub signatures: &'a [u16],
    /// A DNS name; addresses are never sent (RFC 6066, section 3).
    pub server_name: Option<&'a str>,
    /// Offers DEFLATE (RFC 3749) beside no compression.
    pub deflate: bool,
    /// Says that the client fell back from a higher version (RFC 7507).
    pub fallback: bool,
    /// A key share of X25519 made of random bytes, for servers that refuse an empty list.
    pub key_share: bool,
    /// The cookie of a HelloVerifyRequest, datagrams only.
    pub cookie: &'a [u8],
}

impl<'a> ClientHello<'a> {
    pub(super) fn new(version: ProtocolVersion, suites: &'a [Suite], groups: &'a [Group], server_name: Option<&'a str>) -> Self {
        Self {
            version,
            suites,
            groups,
            signatures: &ALL_SIGNATURES,
            server_name,
            deflate: false,
            fallback: false,
            key_share: false,
            cookie: &[],
        }
    }

    /// The body of the handshake message.
    pub(super) fn body(&self) -> Vec<u8> {
        let datagram = self.version.is_datagram();
        let mut out = Vec::with_capacity(512);
        // From 1.3 on, the field that once named the version is fixed (RFC 8446, section 4.1.2; RFC 9147, section 5.3).
        let legacy = match (self.version.is_13(), datagram) {
            (true, false) => ProtocolVersion::Tls12,
            (true, true) => ProtocolVersion::Dtls12,
            (false, _) => self.version,
        };
        out.extend(legacy.code().to_be_bytes());
        out.extend(random::<32>());
        if self.version == ProtocolVersion::Tls13 {
            // A session id makes middleboxes take it for a resumption (RFC 8446, appendix D.4).
            vector8(&mut out, &random::<32>());
        } else {
            out.push(0);
        }
        if datagram {
            vector8(&mut out, self.cookie);
        }
        let signals = [(!self.version.is_13(), Suite::RENEGOTIATION_SCSV), (self.fallback, Suite::FALLBACK_SCSV)];
        let signals = signals.iter().filter(|(wanted, _)| *wanted).map(|(_, signal)| signal);
        let suites: Vec<u8> = self.suites.iter().chain(signals).flat_map(|s| s.0.to_be_bytes()).collect();
        vector16(&mut out, &suites);
        vector8(&mut out, if self.deflate { &[1, 0] } else { &[0] });
        // SSL 3.0 knows no extensions, and some of its servers stumble over them.
        if self.version != ProtocolVersion::Ssl3 {
            let extensions = self.extensions(out.len());
            vector16(&mut out, &extensions);
        }
        out
    }

    fn extensions(&self, before: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        if let Some(name) = self.server_name {
            let mut entry = vec![0];
            vector16(&mut entry, name.as_bytes());
            let mut list = Vec::new();
            vector16(&mut list, &entry);
            extension(&mut out, 0, &list);
        }
        if !self.groups.is_empty() {
            let groups: Vec<u8> = self.groups.iter().flat_map(|g| g.0.to_be_bytes()).collect();
            let mut list = Vec::new();
            vector16(&mut list, &groups);
            extension(&mut out, 10, &list);
            if !self.version.is_13() {
                extension(&mut out, 11, &[1, 0]);
            }
        }
        if self.version.has_signature_algorithms() {
            let signatures: Vec<u8> = self.signatures.iter().flat_map(|s| s.to_be_bytes()).collect();
            let mut list = Vec::new();
            vector16(&mut list, &signatures);
            extension(&mut out, 13, &list);
        }
        if self.version.is_13() {
            let mut versions = vec![2];
            versions.extend(self.version.code().to_be_bytes());
            extension(&mut out, 43, &versions);
            let mut share = Vec::new();
            if self.key_share {
                share.extend(Group::X25519.0.to_be_bytes());
                vector16(&mut share, &random::<32>());
            }
            let mut shares = Vec::new();
            vector16(&mut shares, &share);
            extension(&mut out, 51, &shares);
        } else {
            extension(&mut out, 5, &[1, 0, 0, 0, 0]);
            extension(&mut out, 22, &[]);
            extension(&mut out, 23, &[]);
        }
        // Hellos of 256 to 511 bytes make some servers hang (RFC 7685); counted with the header of the message.
        let length = before + 2 + out.len() + 4;
        if (256..512).contains(&length) && !self.version.is_datagram() {
            let zeros = vec![0; (512 - length).saturating_sub(4)];
            extension(&mut out, 21, &zeros);
        }
        out
    }

    /// The hello in one record of a stream.
    pub(super) fn record(&self) -> Vec<u8> {
        let body = self.body();
        let mut message = vec![1];
        message.extend(length24(body.len()));
        message.extend(&body);
        // The version of the first record: the oldest that the hello stands for (RFC 8446, section 5.1).
        let record_version = if self.version == ProtocolVersion::Ssl3 { 0x0300_u16 } else { 0x0301 };
        let mut out = vec![22];
        out.extend(record_version.to_be_bytes());
        vector16(&mut out, &message);
        out
    }

    /// The hello in one record of a datagram (RFC 6347, sections 4.1 and 4.2.2).
    pub(super) fn datagram(&self, sequence: u8) -> Vec<u8> {
        let body = self.body();
        let length = length24(body.len());
        let mut message = vec![1];
        message.extend(length);
        message.extend([0, sequence, 0, 0, 0]);
        message.extend(length);
        message.extend(&body);
        let record_version = if self.version == ProtocolVersion::Dtls10 { 0xfeff_u16 } else { 0xfefd };
        let mut out = vec![22];
        out.extend(record_version.to_be_bytes());
        out.extend([0, 0, 0, 0, 0, 0, 0, sequence]);
        vector16(&mut out, &message);
        out
    }
}

/// The cipher kinds of SSL 2.0, from its specification, section C.4.
pub(super) const SSL2_CIPHERS: [(u32, &str); 7] = [
    (0x010080, "SSL_CK_RC4_128_WITH_MD5"),
    (0x020080, "SSL_CK_RC4_128_EXPORT40_WITH_MD5"),
    (0x030080, "SSL_CK_RC2_128_CBC_WITH_MD5"),
    (0x040080, "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5"),
    (0x050080, "SSL_CK_IDEA_128_CBC_WITH_MD5"),
    (0x060040, "SSL_CK_DES_64_CBC_WITH_MD5"),
    (0x0700c0, "SSL_CK_DES_192_EDE3_CBC_WITH_MD5"),
];

/// A CLIENT-HELLO of SSL 2.0 that offers nothing else.
pub(super) fn ssl2_hello() -> Vec<u8> {
    let ciphers: Vec<u8> = SSL2_CIPHERS.iter().flat_map(|(code, _)| code.to_be_bytes().into_iter().skip(1)).collect();
    let mut message = vec![1];
    message.extend(ProtocolVersion::Ssl2.code().to_be_bytes());
    for length in [ciphers.len(), 0, 16] {
        message.extend(u16::try_from(length).unwrap_or(0).to_be_bytes());
    }
    message.extend(&ciphers);
    message.extend(random::<16>());
    let mut out = Vec::new();
    out.extend((0x8000 | u16::try_from(message.len()).unwrap_or(0)).to_be_bytes());
    out.extend(message);
    out
}

/// A close_notify in a datagram, so that a small device need not keep a place for us.
pub(super) const CLOSE_NOTIFY_DATAGRAM: [u8; 15] = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 1, 0];

/// A close_notify in a plain record, so that the server need not wait for us.
pub(super) const CLOSE_NOTIFY: [u8; 7] = [21, 3, 1, 0, 2, 1, 0];

/// Bytes that no earlier hello had. Nothing secret depends on them, so a failing source is no reason to stop.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0x5a; N];
    let source: &dyn SecureRandom = rustls::crypto::ring::default_provider().secure_random;
    if source.fill(&mut bytes).is_err() {
        bytes = [0x5a; N];
    }
    bytes
}

pub(super) fn vector8(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.extend(bytes);
}

pub(super) fn vector16(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(bytes);
}

pub(super) fn length24(length: usize) -> [u8; 3] {
    let [_, a, b, c] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [a, b, c]
}

fn extension(out: &mut Vec<u8>, kind: u16, bytes: &[u8]) {
    out.extend(kind.to_be_bytes());
    vector16(out, bytes);
}

#[cfg(test)]
mod tests {
    use tls_parser::{TlsMessage, TlsMessageHandshake, parse_tls_client_hello_extensions, parse_tls_plaintext};

    use super::*;

    #[test]
    fn another_parser_reads_what_is_written() {
        for version in [ProtocolVersion::Tls13, ProtocolVersion::Tls12, ProtocolVersion::Tls10] {
            let suites = Suite::usual(version);
            let groups = if version.is_13() { Group::of_13() } else { Group::curves() };
            let hello = ClientHello::new(version, suites, &groups, Some("device.example"));
            let bytes = hello.record();
            let (rest, record) = parse_tls_plaintext(&bytes).unwrap();
            assert!(rest.is_empty());
            let TlsMessage::Handshake(TlsMessageHandshake::ClientHello(read)) = &record.msg[0] else { panic!("not a hello") };
            assert_eq!(read.ciphers.len(), suites.len() + usize::from(!version.is_13()));
            let (rest, extensions) = parse_tls_client_hello_extensions(read.ext.unwrap()).unwrap();
            assert!(rest.is_empty() && extensions.len() >= 5, "{extensions:?}");
            assert!(!(256..512).contains(&(bytes.len() - 5)), "{}", bytes.len());
        }
    }

    #[test]
    fn ssl3_gets_no_extensions_and_ssl2_its_own_form() {
        let hello = ClientHello::new(ProtocolVersion::Ssl3, Suite::usual(ProtocolVersion::Ssl3), &[], None);
        let body = hello.body();
        assert_eq!(body[..2], [3, 0]);
        assert_eq!(body.len(), 2 + 32 + 1 + 2 + (Suite::usual(ProtocolVersion::Ssl3).len() + 1) * 2 + 2);
        let ssl2 = ssl2_hello();
        assert_eq!(usize::from(u16::from_be_bytes([ssl2[0] & 0x7f, ssl2[1]])) + 2, ssl2.len());
    }
}
