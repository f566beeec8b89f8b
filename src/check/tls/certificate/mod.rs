//! What is wrong with a chain of certificates, each reason told apart. Pure.
//!
//! Reading is done with two parsers on purpose: one tells the reasons (dates, names, keys,
//! signatures), the other builds paths to anchors and checks signatures. The chain is a stranger's:
//! lengths are limited before anything is parsed.
//!
//! A certificate of a private authority is no fault when the authority is given, and cannot be told
//! when it is not. The rules of the public authorities (lifetime) are for certificates with a path
//! to one of those only.

mod identity;
mod staple;
mod trust;

pub use trust::{AnchorError, TrustAnchors};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::signature_algorithm::SignatureAlgorithm;

use super::{Tier, Tiers};
use crate::probe::tls::Der;
use crate::verdict::{Cause, Evidence, Place, Untrusted, Verdict};
use identity::{Identity, NameMatch};
use staple::{CertificateStatus, Staple};
use trust::{PathTrouble, Trust};

/// The longest certificate that is read. Those of sound servers are below 8 KiB.
const MAX_CERTIFICATE: usize = 64 * 1024;
/// Most certificates of a chain that are read.
const MAX_CHAIN: usize = 10;

time::serde::format_description!(day, Date, "[year]-[month]-[day]");

/// What is asked of a certificate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CertificatePolicy {
    /// Smallest RSA keys, in bits.
    pub rsa_bits: RsaBits,
    /// Elliptic curves of the key by name, and `Ed25519`, `Ed448`. What is not listed is insufficient.
    pub curves: Tiers<String>,
    /// Hashes of the signatures on the certificates by name; `intrinsic` for schemes with a hash of
    /// their own, such as Ed25519. What is not listed is insufficient.
    pub signature_hashes: Tiers<String>,
    /// Longest lifetimes for certificates of public authorities, by the day of issue.
    #[serde(default)]
    pub lifetimes: Vec<Lifetime>,
    /// Warn when less than this many days are left, or less than a third of the whole lifetime where
    /// that is shorter.
    pub renew_before_days: u32,
    /// Fail when fewer days than this are left, or less than a third of the whole lifetime where that is shorter.
    #[serde(default)]
    pub min_days_left: Option<u32>,
    /// Reasons that are told as warnings and fail nothing.
    #[serde(default)]
    pub tolerated: Vec<Reason>,
}

/// Smallest RSA keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RsaBits {
    /// From this many bits on, good.
    pub sufficient: u16,
    /// From this many bits on, to be phased out; below, insufficient.
    pub phase_out: u16,
}

/// The longest lifetime of certificates issued from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lifetime {
    /// The first day of issue.
    #[serde(with = "day")]
    #[schemars(with = "String")]
    pub issued_from: Date,
    /// The longest lifetime in days.
    pub days: u32,
}

/// One reason to object to a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No certificate was shown.
    NoCertificate,
    /// It cannot be read.
    Unreadable,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is for other names.
    NameMismatch,
    /// The endpoint was reached by address, and the certificate names hosts only.
    ReachedByAddress,
    /// It has no subject alternative name: its common name is not looked at (RFC 9525, section 2).
    NoSubjectAlternativeName,
    /// It is signed by itself and not one of the given anchors.
    SelfSigned,
    /// Its issuer is neither a public authority nor one of the given anchors.
    UnknownIssuer,
    /// A certificate between it and an anchor was not sent.
    IncompleteChain,
    /// The chain is not in order, or has certificates that do not belong to it.
    Misordered,
    /// A signature in the chain is wrong.
    BrokenSignature,
    /// A signature or a form of the chain cannot be checked by this program.
    Unverifiable,
    /// The key is too weak.
    WeakKey,
    /// A signature in the chain is too weak.
    WeakSignature,
    /// It is valid for longer than public authorities may issue.
    LongLifetime,
    /// It expires soon.
    SoonToExpire,
    /// It demands a stapled OCSP response, and none was sent, or an outdated one.
    MustStapleWithoutStaple,
    /// The stapled OCSP response says that it was revoked.
    RevokedStaple,
    /// It is not made for servers.
    Misuse,
    /// A constraint of an authority above it is not kept.
    ConstraintViolated,
}

/// How much a fault weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It fails the certificate.
    Fails,
    /// It keeps the certificate from being judged: something is missing.
    Open,
    /// It is told and fails nothing.
    Warns,
}

/// One thing that is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFault {
    /// The reason.
    pub reason: Reason,
    /// What it weighs.
    pub weight: Weight,
    /// The certificate's place in the chain; 0 is the server's own.
    pub certificate: usize,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub observed: Untrusted,
}

/// A chain and what is needed to judge it.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The chain in the order sent.
    pub chain: &'a [Der],
    /// The stapled OCSP response.
    pub staple: Option<&'a Der>,
    /// Stapling was asked for, so that its absence means something.
    pub staple_asked: bool,
    /// The name or address that clients use.
    pub server_name: &'a str,
    /// The authorities that are trusted.
    pub anchors: &'a TrustAnchors,
    /// The time to judge for.
    pub now: OffsetDateTime,
}

/// Judges a chain. The faults come in the order of the certificates, the server's own first.
pub fn judge_chain(presented: &Presented<'_>, policy: &CertificatePolicy) -> Vec<CertificateFault> {
    let mut faults = Faults { list: Vec::new(), policy };
    if presented.chain.is_empty() {
        faults.add(Reason::NoCertificate, Weight::Fails, 0, "a certificate", "the server shows none");
        return faults.list;
    }
    let mut certificates = Vec::new();
    for (index, der) in presented.chain.iter().enumerate().take(MAX_CHAIN) {
        match read(der) {
            Ok(certificate) => certificates.push((index, certificate)),
            Err(why) => {
                faults.add(
                    Reason::Unreadable,
                    if index == 0 { Weight::Fails } else { Weight::Warns },
                    index,
                    "an X.509 certificate in DER",
                    &why,
                );
            }
        }
    }
    if presented.chain.len() > MAX_CHAIN {
        let observed = format!("{} certificates", presented.chain.len());
        faults.add(Reason::Misordered, Weight::Warns, MAX_CHAIN, &format!("a chain of at most {MAX_CHAIN} certificates"), &observed);
    }
    let Some((0, leaf)) = certificates.first() else { return faults.list };

    let trust = trust::find(presented, leaf, &certificates);
    dates(&mut faults, presented.now, leaf, &certificates, &trust);
    names(&mut faults, presented.server_name, leaf);
    usage(&mut faults, leaf, &trust);
    let trusted = chain_of_trust(&mut faults, presented, leaf, &certificates, &trust);
    order(&mut faults, &certificates);
    strength(&mut faults, presented, &certificates);
    unverifiable(&mut faults, &trust);
    if trusted == Some(Trust::Public) {
        lifetime(&mut faults, leaf);
    }
    revocation(&mut faults, presented, leaf);
    faults.list
}

/// The verdict on a chain, from its faults.
pub fn certificate_verdict(faults: &[CertificateFault], presented: &Presented<'_>) -> Verdict {
    let of = |weight: Weight| faults.iter().filter(move |f| f.weight == weight);
    let evidence = |fault: &CertificateFault| {
        Evidence::expected(fault.expected.clone())
            .observed(fault.observed.as_str())
            .at(Place::part_of(presented.server_name, &format!("certificate {} of the chain", fault.certificate + 1)))
            .clause(fault.reason.clause())
    };
    let sentence = |fault: &CertificateFault| format!("{}: {}", fault.reason.describe(), fault.observed);
    let mut verdict = if let Some(first) = of(Weight::Fails).next() {
        Verdict::failed(sentence(first)).with_all(of(Weight::Fails).map(evidence))
    } else if let Some(first) = of(Weight::Open).next() {
        Verdict::cant_tell(Cause::Missing, sentence(first)).with_all(of(Weight::Open).map(evidence))
    } else {
        Verdict::passed("The certificate is trusted, valid and made for this name")
            .with(Evidence::expected("no fault in the chain").observed(&format!("{} certificates", presented.chain.len())))
    };
    for fault in of(Weight::Warns) {
        verdict = verdict.note(format!("warning: {}", sentence(fault)));
    }
    verdict
}

impl Reason {
    /// The reason in words, as the beginning of a sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::NoCertificate => "There is no certificate",
            Self::Unreadable => "The certificate cannot be read",
            Self::Expired => "The certificate has expired",
            Self::NotYetValid => "The certificate is not valid yet",
            Self::NameMismatch => "The certificate is for another name",
            Self::ReachedByAddress => "The certificate names hosts, but the endpoint was reached by address",
            Self::NoSubjectAlternativeName => "The certificate has no subject alternative name",
            Self::SelfSigned => "The certificate is signed by itself and not a given trust anchor",
            Self::UnknownIssuer => "The issuer is not known",
            Self::IncompleteChain => "The chain is incomplete",
            Self::Misordered => "The chain is not in order",
            Self::BrokenSignature => "A signature in the chain is wrong",
            Self::Unverifiable => "The chain cannot be checked",
            Self::WeakKey => "A key is too weak",
            Self::WeakSignature => "A signature is too weak",
            Self::LongLifetime => "The certificate is valid for too long",
            Self::SoonToExpire => "The certificate expires soon",
            Self::MustStapleWithoutStaple => "The certificate demands a stapled OCSP response",
            Self::RevokedStaple => "The certificate was revoked",
            Self::Misuse => "The certificate is not made for a server",
            Self::ConstraintViolated => "A constraint of the authority is not kept",
        }
    }

    /// Standard and clause.
    pub fn clause(self) -> &'static str {
        match self {
            Self::Expired | Self::NotYetValid | Self::SoonToExpire => "RFC 5280, section 4.1.2.5",
            Self::NameMismatch | Self::ReachedByAddress | Self::NoSubjectAlternativeName => "RFC 9525",
            Self::SelfSigned | Self::UnknownIssuer | Self::BrokenSignature | Self::Unverifiable => "RFC 5280, section 6.1",
            Self::NoCertificate | Self::IncompleteChain | Self::Misordered => "RFC 5246, section 7.4.2",
            Self::Unreadable => "RFC 5280, section 4.1",
            Self::WeakKey | Self::WeakSignature => "RFC 9325, section 4.5",
            Self::LongLifetime => "CA/Browser Forum, Baseline Requirements, section 6.3.2",
            Self::MustStapleWithoutStaple => "RFC 7633",
            Self::RevokedStaple => "RFC 6960",
            Self::Misuse => "RFC 5280, sections 4.2.1.3, 4.2.1.9 and 4.2.1.12",
            Self::ConstraintViolated => "RFC 5280, sections 4.2.1.9 and 4.2.1.10",
        }
    }
}

struct Faults<'a> {
    list: Vec<CertificateFault>,
    policy: &'a CertificatePolicy,
}

impl Faults<'_> {
    fn add(&mut self, reason: Reason, weight: Weight, certificate: usize, expected: &str, observed: &str) {
        let weight = if self.policy.tolerated.contains(&reason) { Weight::Warns } else { weight };
        self.list.push(CertificateFault { reason, weight, certificate, expected: expected.to_owned(), observed: Untrusted::new(observed) });
    }
    fn has(&self, reasons: &[Reason]) -> bool {
        self.list.iter().any(|f| reasons.contains(&f.reason) && f.weight != Weight::Warns)
    }
}

type Numbered<'a> = (usize, X509Certificate<'a>);

fn read(der: &Der) -> Result<X509Certificate<'_>, String> {
    if der.0.len() > MAX_CERTIFICATE {
        return Err(format!("{} bytes; at most {MAX_CERTIFICATE} are read", der.0.len()));
    }
    let (rest, certificate) = X509Certificate::from_der(&der.0).map_err(|e| format!("not DER of a certificate: {e}"))?;
    if rest.is_empty() { Ok(certificate) } else { Err(format!("{} bytes after its end", rest.len())) }
}

fn moment(timestamp: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(timestamp).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn day_of(at: OffsetDateTime) -> String {
    at.date().to_string()
}

/// A distinguished name as text, never empty.
fn shown(name: &x509_parser::x509::X509Name<'_>) -> String {
    let text = name.to_string();
    if text.is_empty() { "(no name)".into() } else { text }
}

fn dates(
    faults: &mut Faults<'_>,
    now: OffsetDateTime,
    leaf: &X509Certificate<'_>,
    certificates: &[Numbered<'_>],
    trust: &Result<Trust, PathTrouble>,
) {
    for (index, certificate) in certificates {
        let (from, until) = (moment(certificate.validity().not_before.timestamp()), moment(certificate.validity().not_after.timestamp()));
        // Above the leaf, dates matter only where no path avoids them.
        let needed = *index == 0 || matches!(trust, Err(PathTrouble::Dates(_)));
        let weight = if needed { Weight::Fails } else { Weight::Warns };
        if now > until {
            faults.add(Reason::Expired, weight, *index, &format!("valid on {}", day_of(now)), &format!("valid until {}", day_of(until)));
        } else if now < from {
            faults.add(Reason::NotYetValid, weight, *index, &format!("valid on {}", day_of(now)), &format!("valid from {}", day_of(from)));
        }
    }
    let (from, until) = (moment(leaf.validity().not_before.timestamp()), moment(leaf.validity().not_after.timestamp()));
    if now < from || now > until {
        return;
    }
    let left = |days: u32| Duration::days(i64::from(days)).min((until - from) / 3);
    let least = faults.policy.min_days_left.map(left).filter(|least| until - now < *least);
    let advised = Some(left(faults.policy.renew_before_days)).filter(|advised| until - now < *advised);
    let observed = format!("valid until {}, {} days from now", day_of(until), (until - now).whole_days());
    match (least, advised) {
        (Some(least), _) => {
            faults.add(Reason::SoonToExpire, Weight::Fails, 0, &format!("at least {} days left", least.whole_days()), &observed)
        }
        (None, Some(days)) => {
            faults.add(Reason::SoonToExpire, Weight::Warns, 0, &format!("at least {} days left", days.whole_days()), &observed)
        }
        (None, None) => {}
    }
}

fn names(faults: &mut Faults<'_>, server_name: &str, leaf: &X509Certificate<'_>) {
    let identity = Identity::of(server_name);
    match identity.matches(leaf) {
        NameMatch::Yes => {}
        NameMatch::No(names) => {
            faults.add(Reason::NameMismatch, Weight::Fails, 0, &format!("a certificate for {server_name}"), &names);
        }
        NameMatch::AddressOnly(names) => {
            let observed = format!("{names}; give the server name in the target file");
            faults.add(Reason::ReachedByAddress, Weight::Open, 0, "the name that clients use", &observed);
        }
        NameMatch::NoNames => {
            let subject = shown(leaf.subject());
            faults.add(
                Reason::NoSubjectAlternativeName,
                Weight::Fails,
                0,
                &format!("{server_name} as a subject alternative name"),
                &subject,
            );
        }
    }
}

fn usage(faults: &mut Faults<'_>, leaf: &X509Certificate<'_>, trust: &Result<Trust, PathTrouble>) {
    let pinned = matches!(trust, Ok(Trust::Pinned));
    for extension in leaf.extensions().iter().map(|e| e.parsed_extension()) {
        if let ParsedExtension::ExtendedKeyUsage(usage) = extension
            && !usage.server_auth
            && !usage.any
        {
            faults.add(Reason::Misuse, Weight::Fails, 0, "extended key usage: server authentication", "other extended key usages only");
        }
        if let ParsedExtension::KeyUsage(usage) = extension
            && !usage.digital_signature()
            && !usage.key_encipherment()
            && !usage.key_agreement()
        {
            faults.add(Reason::Misuse, Weight::Fails, 0, "key usage: digital signature", &format!("key usage: {usage}"));
        }
        // Whoever pins a certificate has looked at it; many devices make theirs so.
        if let ParsedExtension::BasicConstraints(basic) = extension
            && basic.ca
            && !pinned
        {
            faults.add(Reason::Misuse, Weight::Fails, 0, "a certificate of a server", "a certificate of an authority");
        }
    }
}

/// Says why there is no path, and gives the kind of trust where there is one.
fn chain_of_trust(
    faults: &mut Faults<'_>,
    presented: &Presented<'_>,
    leaf: &X509Certificate<'_>,
    certificates: &[Numbered<'_>],
    trust: &Result<Trust, PathTrouble>,
) -> Option<Trust> {
    let trouble = match trust {
        Ok(kind) => return Some(*kind),
        Err(trouble) => trouble,
    };
    let issuer = shown(leaf.issuer());
    match trouble {
        PathTrouble::Dates(kind) => return *kind,
        PathTrouble::SelfSigned => {
            faults.add(Reason::SelfSigned, Weight::Fails, 0, "a certificate of a public or a given authority", &shown(leaf.subject()));
        }
        PathTrouble::Incomplete => {
            let top = trust::top_of(leaf, certificates);
            faults.add(
                Reason::IncompleteChain,
                Weight::Fails,
                0,
                "every certificate up to the anchor",
                &format!("nothing was sent for {top}"),
            );
        }
        PathTrouble::UnknownIssuer if presented.anchors.has_private() => {
            faults.add(Reason::UnknownIssuer, Weight::Fails, 0, "a path to a public or a given authority", &issuer);
        }
        PathTrouble::UnknownIssuer => {
            let observed = format!("{issuer}; if this is a private authority, give it as trust-anchors in the target file");
            faults.add(Reason::UnknownIssuer, Weight::Open, 0, "a path to a public authority", &observed);
        }
        PathTrouble::Signature => {
            faults.add(Reason::BrokenSignature, Weight::Fails, 0, "signatures that the issuers' keys confirm", "a signature does not fit");
        }
        PathTrouble::Constraint(what) => {
            faults.add(Reason::ConstraintViolated, Weight::Fails, 0, "a path that keeps the constraints of the authorities", what);
        }
        // Told by its usage already, or by a weak key or signature below.
        PathTrouble::Usage => {}
        PathTrouble::Algorithm | PathTrouble::Form(_) => {}
    }
    None
}

/// Each certificate certifies the one before it (RFC 5246, section 7.4.2).
fn order(faults: &mut Faults<'_>, certificates: &[Numbered<'_>]) {
    for pair in certificates.windows(2) {
        let [(_, below), (index, above)] = pair else { continue };
        if below.issuer().as_raw() != above.subject().as_raw() {
            let expected = format!("the certificate of {}", shown(below.issuer()));
            faults.add(Reason::Misordered, Weight::Warns, *index, &expected, &shown(above.subject()));
            return;
        }
    }
}

fn strength(faults: &mut Faults<'_>, presented: &Presented<'_>, certificates: &[Numbered<'_>]) {
    for (index, certificate) in certificates {
        let self_issued = certificate.subject().as_raw() == certificate.issuer().as_raw();
        let anchor = presented.chain.get(*index).is_some_and(|der| presented.anchors.contains(der));
        // An anchor is trusted for what it is, not for what is written on it.
        if *index > 0 && (self_issued || anchor) {
            continue;
        }
        let (key, tier) = key_strength(certificate, faults.policy);
        let expected = format!("RSA of {} bits or more, or a curve of the policy", faults.policy.rsa_bits.sufficient);
        match tier {
            Tier::Good | Tier::Sufficient => {}
            Tier::PhaseOut => faults.add(Reason::WeakKey, Weight::Warns, *index, &expected, &key),
            Tier::Insufficient => faults.add(Reason::WeakKey, Weight::Fails, *index, &expected, &key),
        }
        if self_issued || anchor {
            continue;
        }
        let hash = signature_hash(certificate);
        match faults.policy.signature_hashes.tier_by(|known| known.eq_ignore_ascii_case(&hash)) {
            Tier::Good | Tier::Sufficient => {}
            Tier::PhaseOut => faults.add(Reason::WeakSignature, Weight::Warns, *index, "a signature with SHA-256 or better", &hash),
            Tier::Insufficient => faults.add(Reason::WeakSignature, Weight::Fails, *index, "a signature with SHA-256 or better", &hash),
        }
    }
}

/// What cannot be checked is told only where nothing else explains it.
fn unverifiable(faults: &mut Faults<'_>, trust: &Result<Trust, PathTrouble>) {
    let observed = match trust {
        Err(PathTrouble::Form(what)) => what,
        Err(PathTrouble::Algorithm) => "it is signed in a way that this program does not know",
        Ok(_) | Err(_) => return,
    };
    if !faults.has(&[Reason::WeakKey, Reason::WeakSignature, Reason::Misuse, Reason::NoSubjectAlternativeName]) {
        faults.add(Reason::Unverifiable, Weight::Open, 0, "a path to a public or a given authority", observed);
    }
}

fn key_strength(certificate: &X509Certificate<'_>, policy: &CertificatePolicy) -> (String, Tier) {
    let key = certificate.public_key();
    let algorithm = key.algorithm.algorithm.to_id_string();
    let named = |name: &str| policy.curves.tier_by(|known| known.eq_ignore_ascii_case(name));
    match algorithm.as_str() {
        "1.3.101.112" => return ("Ed25519".into(), named("Ed25519")),
        "1.3.101.113" => return ("Ed448".into(), named("Ed448")),
        "2.16.840.1.101.3.4.3.17" => return ("ML-DSA-44".into(), named("ML-DSA-44")),
        "2.16.840.1.101.3.4.3.18" => return ("ML-DSA-65".into(), named("ML-DSA-65")),
        "2.16.840.1.101.3.4.3.19" => return ("ML-DSA-87".into(), named("ML-DSA-87")),
        _ => {}
    }
    // RSASSA-PSS keys have the form of RSA keys, under another number.
    let rsa = |modulus: &[u8]| {
        let zeros = modulus.iter().take_while(|b| **b == 0).count();
        let modulus = modulus.get(zeros..).unwrap_or_default();
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |b| b.leading_zeros() as usize).min(modulus.len() * 8);
        let tier = match u16::try_from(bits).unwrap_or(u16::MAX) {
            bits if bits >= policy.rsa_bits.sufficient => Tier::Sufficient,
            bits if bits >= policy.rsa_bits.phase_out => Tier::PhaseOut,
            _ => Tier::Insufficient,
        };
        (format!("RSA of {bits} bits"), tier)
    };
    if algorithm == "1.2.840.113549.1.1.10"
        && let Ok((_, read)) = x509_parser::public_key::RSAPublicKey::from_der(&key.subject_public_key.data)
    {
        return rsa(read.modulus);
    }
    match key.parsed() {
        Ok(PublicKey::RSA(read)) => rsa(read.modulus),
        Ok(PublicKey::EC(_)) => {
            let curve = key.algorithm.parameters.as_ref().and_then(|p| p.as_oid().ok()).map(|oid| oid.to_id_string());
            let name = match curve.as_deref() {
                Some("1.2.840.10045.3.1.7") => "secp256r1",
                Some("1.3.132.0.34") => "secp384r1",
                Some("1.3.132.0.35") => "secp521r1",
                Some("1.3.132.0.33") => "secp224r1",
                Some("1.2.840.10045.3.1.1") => "secp192r1",
                Some("1.3.132.0.10") => "secp256k1",
                Some("1.3.36.3.3.2.8.1.1.7") => "brainpoolP256r1",
                Some("1.3.36.3.3.2.8.1.1.11") => "brainpoolP384r1",
                Some("1.3.36.3.3.2.8.1.1.13") => "brainpoolP512r1",
                Some(other) => return (format!("the curve {other}"), Tier::Insufficient),
                None => return ("a curve written out instead of named".into(), Tier::Insufficient),
            };
            (name.into(), named(name))
        }
        Ok(PublicKey::DSA(_)) => ("a DSA key".into(), Tier::Insufficient),
        Ok(PublicKey::GostR3410(_) | PublicKey::GostR3410_2012(_) | PublicKey::Unknown(_)) | Err(_) => {
            (format!("a key of the kind {algorithm}"), Tier::Insufficient)
        }
    }
}

/// The hash of the signature on a certificate, by name.
fn signature_hash(certificate: &X509Certificate<'_>) -> String {
    let oid = certificate.signature_algorithm.algorithm.to_id_string();
    let pss = || {
        let read = SignatureAlgorithm::try_from(&certificate.signature_algorithm);
        let Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) = read else { return None };
        hash_name(&parameters.hash_algorithm_oid().to_id_string()).map(ToOwned::to_owned)
    };
    let name = match oid.as_str() {
        "1.2.840.113549.1.1.2" => "MD2",
        "1.2.840.113549.1.1.3" => "MD4",
        "1.2.840.113549.1.1.4" => "MD5",
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" | "1.2.840.10045.4.1" | "1.2.840.10040.4.3" => "SHA-1",
        "1.2.840.113549.1.1.14" | "1.2.840.10045.4.3.1" | "2.16.840.1.101.3.4.3.1" => "SHA-224",
        "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" | "2.16.840.1.101.3.4.3.2" => "SHA-256",
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => "SHA-384",
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => "SHA-512",
        "1.3.101.112" | "1.3.101.113" | "2.16.840.1.101.3.4.3.17" | "2.16.840.1.101.3.4.3.18" | "2.16.840.1.101.3.4.3.19" => "intrinsic",
        "1.2.840.113549.1.1.10" => return pss().unwrap_or_else(|| "RSASSA-PSS with an unknown hash".into()),
        _ => return format!("the algorithm {oid}"),
    };
    name.into()
}

fn hash_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "1.3.14.3.2.26" => "SHA-1",
        "2.16.840.1.101.3.4.2.4" => "SHA-224",
        "2.16.840.1.101.3.4.2.1" => "SHA-256",
        "2.16.840.1.101.3.4.2.2" => "SHA-384",
        "2.16.840.1.101.3.4.2.3" => "SHA-512",
        _ => return None,
    })
}

fn lifetime(faults: &mut Faults<'_>, leaf: &X509Certificate<'_>) {
    let (from, until) = (moment(leaf.validity().not_before.timestamp()), moment(leaf.validity().not_after.timestamp()));
    let rule = faults.policy.lifetimes.iter().filter(|rule| rule.issued_from <= from.date()).max_by_key(|rule| rule.issued_from).copied();
    let Some(rule) = rule else { return };
    let life = until - from;
    if life > Duration::days(i64::from(rule.days)) {
        let expected = format!("at most {} days for certificates issued from {} on", rule.days, rule.issued_from);
        let observed = format!("issued {}, valid for {} days", day_of(from), life.whole_days());
        faults.add(Reason::LongLifetime, Weight::Fails, 0, &expected, &observed);
    }
}

fn revocation(faults: &mut Faults<'_>, presented: &Presented<'_>, leaf: &X509Certificate<'_>) {
    let staple = presented.staple.map(|der| Staple::read(&der.0, leaf.raw_serial()));
    if let Some(Ok(staple)) = &staple
        && staple.status == CertificateStatus::Revoked
    {
        faults.add(Reason::RevokedStaple, Weight::Fails, 0, "the status good", "the stapled OCSP response says revoked");
        return;
    }
    if !must_staple(leaf) || !presented.staple_asked {
        return;
    }
    let observed = match &staple {
        None => "no OCSP response was stapled".into(),
        Some(Err(why)) => format!("the stapled OCSP response cannot be used: {why}"),
        Some(Ok(staple)) => match staple.next_update {
            Some(until) if presented.now > until => format!("the stapled OCSP response was valid until {}", day_of(until)),
            _ => return,
        },
    };
    faults.add(Reason::MustStapleWithoutStaple, Weight::Fails, 0, "a stapled OCSP response, as the certificate demands", &observed);
}

/// The TLS feature extension with `status_request`, 5 (RFC 7633).
fn must_staple(leaf: &X509Certificate<'_>) -> bool {
    let feature = leaf.extensions().iter().find(|e| e.oid.to_id_string() == "1.3.6.1.5.5.7.1.24");
    let Some(mut list) = feature.and_then(|e| staple::Item::whole(e.value)).filter(|item| item.tag == 0x30) else { return false };
    while let Some(item) = list.next() {
        if item.tag == 2 && item.value == [5] {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
