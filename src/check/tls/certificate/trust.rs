//! Anchors, and whether a path leads from a server's certificate to one of them.

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, anchor_from_trusted_cert};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use super::{Numbered, Presented, shown};
use crate::probe::tls::Der;

/// The longest file of anchors that is read.
const MAX_PEM: usize = 4 * 1024 * 1024;

/// The authorities that are trusted: the public ones, and those that the target file gives.
#[derive(Debug, Clone, Default)]
pub struct TrustAnchors {
    /// Instead of the public authorities of Mozilla's programme.
    public: Option<Vec<Der>>,
    private: Vec<Der>,
    /// Certificates in the given file that another one in it has issued: known, but to be sent by the server.
    between: Vec<Der>,
}

/// Why a file of anchors cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// It is not PEM.
    #[error("not PEM: {0}")]
    Pem(String),
    /// It has no certificate in it.
    #[error("no certificate in it; a block that begins with -----BEGIN CERTIFICATE----- is expected")]
    Empty,
    /// One of its certificates cannot be read.
    #[error("certificate {0} cannot be read: {1}")]
    Certificate(usize, String),
    /// It is too long.
    #[error("longer than {MAX_PEM} bytes")]
    TooLong,
}

impl TrustAnchors {
    /// The public authorities of Mozilla's programme and no others.
    pub fn public() -> Self {
        Self::default()
    }

    /// The public authorities and those of a file in PEM. A certificate that another one in the file
    /// has issued counts as known, not as an anchor, so that a chain without it is told as incomplete.
    ///
    /// # Errors
    /// The file is not PEM, or what is in it are not certificates.
    pub fn with_pem(pem: &[u8]) -> Result<Self, AnchorError> {
        if pem.len() > MAX_PEM {
            return Err(AnchorError::TooLong);
        }
        let mut all = Vec::new();
        for (index, item) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let der = Der(item.map_err(|e| AnchorError::Pem(format!("{e:?}")))?.to_vec());
            anchor_from_trusted_cert(&CertificateDer::from(der.0.as_slice()))
                .map_err(|e| AnchorError::Certificate(index + 1, format!("{e:?}")))?;
            all.push(der);
        }
        if all.is_empty() { Err(AnchorError::Empty) } else { Ok(Self::with_certificates(all)) }
    }

    /// The same from certificates that have been read already.
    pub fn with_certificates(all: Vec<Der>) -> Self {
        let names: Vec<Option<(Vec<u8>, Vec<u8>)>> = all
            .iter()
            .map(|der| X509Certificate::from_der(&der.0).ok().map(|(_, c)| (c.subject().as_raw().to_vec(), c.issuer().as_raw().to_vec())))
            .collect();
        let issued_here = |index: usize| match names.get(index) {
            Some(Some((subject, issuer))) => subject != issuer && names.iter().flatten().any(|(other, _)| other == issuer),
            _ => false,
        };
        let (between, private): (Vec<_>, Vec<_>) = all.into_iter().enumerate().partition(|(index, _)| issued_here(*index));
        let bare = |list: Vec<(usize, Der)>| list.into_iter().map(|(_, der)| der).collect();
        Self { public: None, private: bare(private), between: bare(between) }
    }

    /// The same, with these instead of Mozilla's authorities as the public ones.
    #[must_use]
    pub fn with_public(mut self, public: Vec<Der>) -> Self {
        self.public = Some(public);
        self
    }

    /// The target file gives anchors.
    pub fn has_private(&self) -> bool {
        !self.private.is_empty()
    }

    /// This very certificate is one of those given.
    pub(super) fn contains(&self, der: &Der) -> bool {
        self.private.contains(der) || self.public.as_ref().is_some_and(|p| p.contains(der))
    }
}

/// Whose trust it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// A public authority's.
    Public,
    /// A given authority's.
    Private,
    /// The very certificate was given.
    Pinned,
}

/// Why there is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathTrouble {
    SelfSigned,
    UnknownIssuer,
    Incomplete,
    /// There was a path at another time; to whom, if it could be told.
    Dates(Option<Trust>),
    Signature,
    /// Signed in a way that cannot be checked: too weak, or unknown.
    Algorithm,
    /// Made for something else.
    Usage,
    Constraint(&'static str),
    /// In a form that is not read.
    Form(&'static str),
}

/// Looks for a path from the leaf to an anchor, at the time given and, failing that, while the chain was valid.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's errors are many and may become more; those not named say the same to a reader"
)]
pub(super) fn find(presented: &Presented<'_>, leaf: &X509Certificate<'_>, certificates: &[Numbered<'_>]) -> Result<Trust, PathTrouble> {
    let anchors = presented.anchors;
    let [own, others @ ..] = presented.chain else { return Err(PathTrouble::UnknownIssuer) };
    let now = presented.now.unix_timestamp();
    let (from, until) = (leaf.validity().not_before.timestamp(), leaf.validity().not_after.timestamp());
    if anchors.private.contains(own) {
        return Ok(Trust::Pinned);
    }
    let sent: Vec<&Der> = others.iter().collect();
    let first = match search(anchors, own, &sent, now) {
        Ok(trust) => return Ok(trust),
        Err(error) => error,
    };
    // Dates are told apart from the path: look again at a time when the whole chain was valid, if there was one.
    let starts = certificates.iter().map(|(_, c)| c.validity().not_before.timestamp()).max().unwrap_or(from);
    let ends = certificates.iter().map(|(_, c)| c.validity().not_after.timestamp()).min().unwrap_or(until);
    let moments =
        if starts <= ends { [now.clamp(starts, ends), now.clamp(from, until.max(from))] } else { [now.clamp(from, until.max(from)); 2] };
    let mut last = first;
    for moment in moments {
        match search(anchors, own, &sent, moment) {
            Ok(trust) => return Err(PathTrouble::Dates(Some(trust))),
            Err(error) => last = error,
        }
    }
    let moment = moments[0];
    Err(match last {
        webpki::Error::UnknownIssuer | webpki::Error::CertDistrusted => {
            if leaf.subject().as_raw() == leaf.issuer().as_raw() {
                PathTrouble::SelfSigned
            } else {
                let known: Vec<&Der> = others.iter().chain(&anchors.between).collect();
                let with_known = !anchors.between.is_empty() && search(anchors, own, &known, moment).is_ok();
                if with_known || (is_publicly_issued(leaf) && !ends_in_root(leaf, certificates)) {
                    PathTrouble::Incomplete
                } else {
                    PathTrouble::UnknownIssuer
                }
            }
        }
        webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => PathTrouble::Dates(None),
        webpki::Error::CaUsedAsEndEntity => {
            if leaf.subject().as_raw() == leaf.issuer().as_raw() {
                PathTrouble::SelfSigned
            } else {
                PathTrouble::Usage
            }
        }
        webpki::Error::RequiredEkuNotFoundContext(_) => PathTrouble::Usage,
        webpki::Error::EndEntityUsedAsCa => PathTrouble::Constraint("an issuer in the chain is not an authority"),
        webpki::Error::NameConstraintViolation => PathTrouble::Constraint("the name is outside of those that the authority may certify"),
        webpki::Error::PathLenConstraintViolated => PathTrouble::Constraint("more authorities below one another than allowed"),
        webpki::Error::InvalidSignatureForPublicKey => PathTrouble::Signature,
        webpki::Error::UnsupportedSignatureAlgorithmContext(_)
        | webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | webpki::Error::SignatureAlgorithmMismatch => PathTrouble::Algorithm,
        webpki::Error::UnsupportedCertVersion => PathTrouble::Form("a certificate of X.509 version 1 or 2"),
        webpki::Error::UnsupportedCriticalExtension => PathTrouble::Form("a critical extension that this program does not know"),
        webpki::Error::MaximumSignatureChecksExceeded
        | webpki::Error::MaximumPathBuildCallsExceeded
        | webpki::Error::MaximumPathDepthExceeded
        | webpki::Error::MaximumNameConstraintComparisonsExceeded => PathTrouble::Form("a chain that takes too many steps to check"),
        _ => PathTrouble::Form("a form that RFC 5280 does not allow"),
    })
}

fn search(anchors: &TrustAnchors, own: &Der, others: &[&Der], moment: i64) -> Result<Trust, webpki::Error> {
    let leaf = CertificateDer::from(own.0.as_slice());
    let leaf = EndEntityCert::try_from(&leaf)?;
    let between: Vec<CertificateDer<'_>> = others.iter().map(|der| CertificateDer::from(der.0.as_slice())).collect();
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(u64::try_from(moment).unwrap_or(0)));
    let attempt =
        |roots: &[TrustAnchor<'_>]| leaf.verify_for_usage(ALL_VERIFICATION_ALGS, roots, &between, time, AnyUsage, None, None).map(|_| ());
    let private: Vec<CertificateDer<'_>> = anchors.private.iter().map(|der| CertificateDer::from(der.0.as_slice())).collect();
    let private: Vec<TrustAnchor<'_>> = private.iter().filter_map(|der| anchor_from_trusted_cert(der).ok()).collect();
    let given = if private.is_empty() { Err(webpki::Error::UnknownIssuer) } else { attempt(&private) };
    if given.is_ok() {
        return Ok(Trust::Private);
    }
    let public = match &anchors.public {
        None => attempt(webpki_roots::TLS_SERVER_ROOTS),
        Some(ders) => {
            let ders: Vec<CertificateDer<'_>> = ders.iter().map(|der| CertificateDer::from(der.0.as_slice())).collect();
            let roots: Vec<TrustAnchor<'_>> = ders.iter().filter_map(|der| anchor_from_trusted_cert(der).ok()).collect();
            attempt(&roots)
        }
    };
    match (public, given) {
        (Ok(()), _) => Ok(Trust::Public),
        // The more telling of the two.
        (Err(webpki::Error::UnknownIssuer), Err(error)) => Err(error),
        (Err(error), _) => Err(error),
    }
}

/// Usages are judged with their own reason, not as a matter of trust.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

/// Bears the marks of public authorities: logged in Certificate Transparency, or a policy of the
/// CA/Browser Forum (2.23.140.1).
fn is_publicly_issued(leaf: &X509Certificate<'_>) -> bool {
    let forum = |id: String| id.starts_with("2.23.140.1.");
    leaf.extensions().iter().map(|extension| extension.parsed_extension()).any(|extension| {
        matches!(extension, ParsedExtension::SCT(list) if !list.is_empty())
            || matches!(extension, ParsedExtension::CertificatePolicies(list) if list.iter().any(|p| forum(p.policy_id.to_id_string())))
    })
}

/// The last certificate that can be reached by names, and whether it is a root.
fn climb<'a, 'c>(leaf: &'a X509Certificate<'c>, certificates: &'a [Numbered<'c>]) -> &'a X509Certificate<'c> {
    let mut at = leaf;
    for _ in certificates {
        if at.subject().as_raw() == at.issuer().as_raw() {
            break;
        }
        match certificates.iter().find(|(_, c)| c.subject().as_raw() == at.issuer().as_raw()) {
            Some((_, above)) => at = above,
            None => break,
        }
    }
    at
}

fn ends_in_root(leaf: &X509Certificate<'_>, certificates: &[Numbered<'_>]) -> bool {
    let top = climb(leaf, certificates);
    top.subject().as_raw() == top.issuer().as_raw()
}

/// The name of the issuer for whom nothing was sent.
pub(super) fn top_of(leaf: &X509Certificate<'_>, certificates: &[Numbered<'_>]) -> String {
    shown(climb(leaf, certificates).issuer())
}
