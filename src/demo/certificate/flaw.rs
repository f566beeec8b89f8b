//! What a library that makes certificates refuses to make, put together by hand.

use rcgen::{CertificateParams, CustomExtension, Issuer, KeyPair, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm, SigningKey};
use rustls_pki_types::CertificateDer;
use serde::Deserialize;

/// One thing that is wrong with a certificate, or with what is shown beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Flaw {
    /// The name stands in the subject only.
    NoAlternativeName,
    /// The key is RSA of 1024 bits. Only for servers that sign nothing: there is no private key.
    #[serde(rename = "rsa-1024")]
    Rsa1024,
    /// The authority's signature is made with SHA-1. Only for servers that sign nothing.
    #[serde(rename = "signed-with-sha-1")]
    SignedWithSha1,
    /// The authority between it and the named one is not sent.
    NotWhole,
    /// It demands a staple, and none is sent.
    MustStaple,
    /// A staple is sent that says it was revoked.
    Revoked,
    /// It is made for clients.
    ForClients,
}

/// An RSA key of 1024 bits as RSAPublicKey in DER, made once with OpenSSL for this; its private half was thrown away.
pub(super) struct WeakKey;

const WEAK_KEY: [u8; 140] = [
    0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00, 0xa9, 0x55, 0xbd, 0x8d, 0x27, 0x3e, 0xb2, 0xa0, 0xa5, 0x9e, 0x55, 0x7c, 0x45, 0xda, 0x3b,
    0xc0, 0xaf, 0xc1, 0xea, 0x5a, 0xa0, 0x7c, 0x58, 0x2b, 0x51, 0x76, 0x68, 0xd0, 0xeb, 0xbe, 0x6c, 0x23, 0x8b, 0x54, 0xfb, 0x47, 0x09,
    0x8c, 0x03, 0xda, 0x47, 0x77, 0x9e, 0xe6, 0xc8, 0xc2, 0x81, 0x2b, 0x65, 0xac, 0xc2, 0x97, 0xcc, 0xe5, 0x77, 0x6a, 0xbc, 0xb0, 0x54,
    0x70, 0x07, 0xd2, 0xf5, 0x2d, 0xae, 0x1a, 0xa9, 0xc2, 0x06, 0x9b, 0xd4, 0x60, 0x86, 0xf3, 0xf4, 0x99, 0x88, 0x43, 0x30, 0x0f, 0x8c,
    0x4a, 0x0f, 0x8a, 0xa2, 0x49, 0xca, 0xfc, 0x0d, 0x5a, 0xbe, 0x71, 0x9e, 0xaf, 0x01, 0x72, 0x0a, 0xc8, 0x90, 0x30, 0xbe, 0xc1, 0x5c,
    0x50, 0x22, 0x65, 0x3a, 0xc1, 0x10, 0x6a, 0x72, 0x90, 0x89, 0x62, 0x1d, 0x37, 0x2e, 0x7c, 0x6c, 0x1e, 0xd7, 0xfe, 0x7e, 0x6b, 0x82,
    0xf4, 0x3b, 0x9f, 0x02, 0x03, 0x01, 0x00, 0x01,
];

impl PublicKeyData for WeakKey {
    fn der_bytes(&self) -> &[u8] {
        &WEAK_KEY
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

/// A certificate that claims a signature with SHA-1 by this authority; the signature itself is filler, as nobody
/// who reads so far as to check it takes SHA-1 for one.
pub(super) fn signed_with_sha1(
    params: &CertificateParams,
    key: &KeyPair,
    authority: CertificateParams,
) -> Result<CertificateDer<'static>, rcgen::Error> {
    let mut der = params.signed_by(key, &Issuer::new(authority, NoKey))?.der().to_vec();
    // sha256WithRSAEncryption and sha1WithRSAEncryption differ in their last byte (RFC 8017, appendix C).
    const PREFIX: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
    for at in 0..der.len() {
        if der.get(at..at + PREFIX.len()) == Some(&PREFIX)
            && let Some(last) = der.get_mut(at + PREFIX.len())
            && *last == 11
        {
            *last = 5;
        }
    }
    Ok(CertificateDer::from(der))
}

/// Signs with filler.
struct NoKey;

impl PublicKeyData for NoKey {
    fn der_bytes(&self) -> &[u8] {
        &WEAK_KEY
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl SigningKey for NoKey {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(vec![6; 128])
    }
}

/// The TLS feature extension with `status_request` (RFC 7633).
pub(super) fn must_staple() -> CustomExtension {
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], vec![0x30, 3, 2, 1, 5])
}

/// An OCSP response (RFC 6960) that says that the certificate with this serial number was revoked. The signature is filler.
pub(super) fn revoked_response(serial: &[u8]) -> Vec<u8> {
    const SHA1: [u8; 9] = [0x30, 7, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a];
    const BASIC: [u8; 11] = [6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
    let at = element(0x18, &[b"20260101000000Z"]);
    let id = element(0x30, &[&SHA1, &element(4, &[&[1; 20]]), &element(4, &[&[2; 20]]), &element(2, &[serial])]);
    let single = element(0x30, &[&id, &element(0xa1, &[&at]), &at]);
    let data = element(0x30, &[&element(0xa2, &[&element(4, &[&[3; 20]])]), &at, &element(0x30, &[&single])]);
    let algorithm = element(0x30, &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]]);
    let basic = element(0x30, &[&data, &algorithm, &element(3, &[&[0; 129]])]);
    let bytes = element(0x30, &[&BASIC, &element(4, &[&basic])]);
    element(0x30, &[&[0x0a, 1, 0], &element(0xa0, &[&bytes])])
}

/// One element of DER with these parts in it.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let mut out = vec![tag];
    match u8::try_from(value.len()) {
        Ok(length) if length < 128 => out.push(length),
        _ => {
            out.push(0x82);
            out.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    out.extend(value);
    out
}
