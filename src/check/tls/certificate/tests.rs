use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints, PublicKeyData, SanType, SignatureAlgorithm as RcgenAlgorithm,
};
use time::macros::{date, datetime};

use super::staple::tests::{GOOD, element, response, revoked};
use super::*;
use crate::verdict::Outcome;

const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

fn policy() -> CertificatePolicy {
    let strings = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
    CertificatePolicy {
        rsa_bits: RsaBits { sufficient: 3072, phase_out: 2048 },
        curves: Tiers { good: strings(&["secp256r1", "secp384r1", "Ed25519"]), sufficient: vec![], phase_out: strings(&["secp224r1"]) },
        signature_hashes: Tiers { good: strings(&["SHA-256", "SHA-384", "SHA-512", "intrinsic"]), sufficient: vec![], phase_out: vec![] },
        lifetimes: vec![
            Lifetime { issued_from: date!(2020 - 09 - 01), days: 398 },
            Lifetime { issued_from: date!(2026 - 03 - 15), days: 200 },
            Lifetime { issued_from: date!(2027 - 03 - 15), days: 100 },
        ],
        renew_before_days: 30,
        min_days_left: None,
        tolerated: vec![],
    }
}

struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = datetime!(2026-10-01 0:00 UTC);
    params.not_after = datetime!(2027-03-01 0:00 UTC);
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = datetime!(2020-01-01 0:00 UTC);
    params.not_after = datetime!(2040-01-01 0:00 UTC);
    params
}

fn root(name: &str) -> Authority {
    let key = KeyPair::generate().unwrap();
    let params = authority_params(name);
    let certificate = params.self_signed(&key).unwrap();
    Authority { certificate, issuer: Issuer::new(params, key) }
}

impl Authority {
    fn der(&self) -> Der {
        Der(self.certificate.der().to_vec())
    }
    fn below(&self, params: CertificateParams) -> Authority {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Authority { certificate, issuer: Issuer::new(params, key) }
    }
    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Der {
        let mut params = params("device");
        params.subject_alt_names = vec![SanType::DnsName("device.example".try_into().unwrap())];
        change(&mut params);
        Der(params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap().der().to_vec())
    }
    fn pem(&self) -> String {
        self.certificate.pem()
    }
}

/// A root, an authority below it, and anchors with the root as the given one.
fn private() -> (Authority, Authority, TrustAnchors) {
    let root = root("Private Root");
    let between = root.below(authority_params("Private Issuer"));
    let anchors = TrustAnchors::with_pem(root.pem().as_bytes()).unwrap().with_public(vec![]);
    (root, between, anchors)
}

fn judged(chain: &[Der], anchors: &TrustAnchors) -> Vec<(Reason, Weight, usize)> {
    judged_for("device.example", chain, anchors)
}

fn judged_for(server_name: &str, chain: &[Der], anchors: &TrustAnchors) -> Vec<(Reason, Weight, usize)> {
    let presented = Presented { chain, staple: None, staple_asked: true, server_name, anchors, now: NOW };
    judge_chain(&presented, &policy()).into_iter().map(|f| (f.reason, f.weight, f.certificate)).collect()
}

#[test]
fn a_sound_private_chain_has_no_fault() {
    let (root, between, anchors) = private();
    let leaf = between.issue(|_| {});
    assert_eq!(judged(&[leaf.clone(), between.der()], &anchors), []);
    // The root may be sent, to no use.
    assert_eq!(judged(&[leaf, between.der(), root.der()], &anchors), []);
}

#[test]
fn each_date_is_its_own_reason_and_does_not_hide_trust() {
    let (_, between, anchors) = private();
    let expired = between.issue(|p| p.not_after = datetime!(2026-11-01 0:00 UTC));
    assert_eq!(judged(&[expired, between.der()], &anchors), [(Reason::Expired, Weight::Fails, 0)]);
    let early = between.issue(|p| p.not_before = datetime!(2026-12-01 0:00 UTC));
    assert_eq!(judged(&[early, between.der()], &anchors), [(Reason::NotYetValid, Weight::Fails, 0)]);
    let soon = between.issue(|p| p.not_after = datetime!(2026-12-01 0:00 UTC));
    assert_eq!(judged(&[soon, between.der()], &anchors), [(Reason::SoonToExpire, Weight::Warns, 0)]);
    // Of a life of nine days, four are more than a third.
    let short = between.issue(|p| {
        p.not_before = datetime!(2026-11-18 0:00 UTC);
        p.not_after = datetime!(2026-11-27 0:00 UTC);
    });
    assert_eq!(judged(&[short, between.der()], &anchors), []);
}

#[test]
fn an_expired_issuer_is_told_at_its_place() {
    let (root, _, anchors) = private();
    let mut old = authority_params("Old Issuer");
    old.not_after = datetime!(2026-11-01 0:00 UTC);
    let old = root.below(old);
    let leaf = old.issue(|_| {});
    assert_eq!(judged(&[leaf, old.der()], &anchors), [(Reason::Expired, Weight::Fails, 1)]);
}

#[test]
fn an_expired_certificate_that_no_path_needs_is_a_warning() {
    let (root, between, anchors) = private();
    let mut old = authority_params("Old Issuer");
    old.not_after = datetime!(2026-11-01 0:00 UTC);
    let old = root.below(old);
    let faults = judged(&[between.issue(|_| {}), between.der(), old.der()], &anchors);
    assert!(faults.contains(&(Reason::Expired, Weight::Warns, 2)) && faults.iter().all(|f| f.1 == Weight::Warns), "{faults:?}");
}

#[test]
fn names_are_their_own_reason() {
    let (_, between, anchors) = private();
    let names = |list: Vec<SanType>| between.issue(|p| p.subject_alt_names = list);
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let judge = |name: &str, leaf: Der| judged_for(name, &[leaf, between.der()], &anchors);
    assert_eq!(judge("device.example", names(vec![dns("other.example")])), [(Reason::NameMismatch, Weight::Fails, 0)]);
    assert_eq!(judge("device.example", names(vec![])), [(Reason::NoSubjectAlternativeName, Weight::Fails, 0)]);
    assert_eq!(judge("hub.device.example", names(vec![dns("*.device.example")])), []);
    assert_eq!(judge("DEVICE.example.", names(vec![dns("device.example")])), []);
    let address = || SanType::IpAddress("192.0.2.7".parse().unwrap());
    assert_eq!(judge("192.0.2.7", names(vec![address()])), []);
    assert_eq!(judge("192.0.2.8", names(vec![address()])), [(Reason::NameMismatch, Weight::Fails, 0)]);
    assert_eq!(judge("192.0.2.7", names(vec![dns("device.example")])), [(Reason::ReachedByAddress, Weight::Open, 0)]);
}

#[test]
fn unknown_authorities_are_open_until_anchors_are_given() {
    let stranger = root("Stranger");
    let leaf = stranger.issue(|_| {});
    let public_only = TrustAnchors::public();
    assert_eq!(judged(&[leaf.clone(), stranger.der()], &public_only), [(Reason::UnknownIssuer, Weight::Open, 0)]);
    assert_eq!(judged(std::slice::from_ref(&leaf), &public_only), [(Reason::UnknownIssuer, Weight::Open, 0)]);
    let (_, _, anchors) = private();
    assert_eq!(judged(&[leaf, stranger.der()], &anchors), [(Reason::UnknownIssuer, Weight::Fails, 0)]);
}

#[test]
fn a_self_signed_certificate_fails_unless_it_is_given() {
    let mut own = params("device");
    own.subject_alt_names = vec![SanType::DnsName("device.example".try_into().unwrap())];
    let key = KeyPair::generate().unwrap();
    let certificate = own.self_signed(&key).unwrap();
    let chain = [Der(certificate.der().to_vec())];
    assert_eq!(judged(&chain, &TrustAnchors::public()), [(Reason::SelfSigned, Weight::Fails, 0)]);
    let (_, _, others) = private();
    assert_eq!(judged(&chain, &others), [(Reason::SelfSigned, Weight::Fails, 0)]);
    let pinned = TrustAnchors::with_pem(certificate.pem().as_bytes()).unwrap();
    assert_eq!(judged(&chain, &pinned), []);
    // As a common tool makes them: an authority's certificate. Pinned, that is no fault either.
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = own.self_signed(&key).unwrap();
    let chain = [Der(certificate.der().to_vec())];
    assert_eq!(judged(&chain, &TrustAnchors::with_pem(certificate.pem().as_bytes()).unwrap()), []);
    let faults = judged(&chain, &TrustAnchors::public());
    assert_eq!(faults, [(Reason::Misuse, Weight::Fails, 0), (Reason::SelfSigned, Weight::Fails, 0)]);
}

#[test]
fn a_missing_intermediate_is_told_where_it_can_be_known() {
    let (root, between, _) = private();
    let both = TrustAnchors::with_pem(format!("{}{}", root.pem(), between.pem()).as_bytes()).unwrap();
    let leaf = between.issue(|_| {});
    assert_eq!(judged(std::slice::from_ref(&leaf), &both), [(Reason::IncompleteChain, Weight::Fails, 0)]);
    assert_eq!(judged(&[leaf, between.der()], &both), []);
    // A certificate with the marks of a public authority, and nothing above it.
    let policies = element(0x30, &[&element(0x30, &[&element(6, &[&[0x67, 0x81, 0x0c, 1, 2, 1]])])]);
    let public = between.issue(|p| p.custom_extensions.push(CustomExtension::from_oid_content(&[2, 5, 29, 32], policies)));
    assert_eq!(judged(&[public], &TrustAnchors::public()), [(Reason::IncompleteChain, Weight::Fails, 0)]);
}

#[test]
fn a_chain_out_of_order_is_a_warning() {
    let (root, between, anchors) = private();
    let leaf = between.issue(|_| {});
    assert_eq!(judged(&[leaf.clone(), root.der(), between.der()], &anchors), [(Reason::Misordered, Weight::Warns, 1)]);
    assert_eq!(judged(&[leaf.clone(), leaf, between.der()], &anchors), [(Reason::Misordered, Weight::Warns, 1)]);
}

#[test]
fn a_forged_signature_is_told() {
    let (root, between, anchors) = private();
    // The same names, another key.
    let imposter = root.below(authority_params("Private Issuer"));
    let leaf = between.issue(|_| {});
    assert_eq!(judged(&[leaf, imposter.der()], &anchors), [(Reason::BrokenSignature, Weight::Fails, 0)]);
}

/// A public key without a private one.
struct Rsa(Vec<u8>);

impl PublicKeyData for Rsa {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }
    fn algorithm(&self) -> &'static RcgenAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

fn rsa(bits: usize) -> Rsa {
    let mut modulus = vec![0];
    modulus.extend(vec![0xc3; bits / 8]);
    Rsa(element(0x30, &[&element(2, &[&modulus]), &element(2, &[&[1, 0, 1]])]))
}

#[test]
fn weak_keys_are_told_by_their_size() {
    let (_, between, anchors) = private();
    let leaf = |bits| {
        let mut params = params("device");
        params.subject_alt_names = vec![SanType::DnsName("device.example".try_into().unwrap())];
        Der(params.signed_by(&rsa(bits), &between.issuer).unwrap().der().to_vec())
    };
    assert_eq!(judged(&[leaf(1024), between.der()], &anchors), [(Reason::WeakKey, Weight::Fails, 0)]);
    assert_eq!(judged(&[leaf(2048), between.der()], &anchors), [(Reason::WeakKey, Weight::Warns, 0)]);
    assert_eq!(judged(&[leaf(3072), between.der()], &anchors), []);
}

#[test]
fn weak_signatures_are_told_but_not_on_anchors() {
    let (_, between, anchors) = private();
    // ecdsa-with-SHA256 becomes ecdsa-with-SHA224, which is as long.
    let weaken = |der: Der| {
        let mut bytes = der.0;
        let oid = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
        let places: Vec<usize> = (0..bytes.len() - oid.len()).filter(|i| bytes[*i..].starts_with(&oid)).collect();
        for place in places {
            bytes[place + 9] = 1;
        }
        Der(bytes)
    };
    let leaf = between.issue(|_| {});
    assert_eq!(judged(&[weaken(leaf), between.der()], &anchors), [(Reason::WeakSignature, Weight::Fails, 0)]);
    let own = weaken(root("Weak Root").der());
    let pinned = TrustAnchors::public();
    let faults = judged_for("Weak Root", &[own], &pinned);
    assert!(!faults.iter().any(|f| f.0 == Reason::WeakSignature), "{faults:?}");
}

#[test]
fn the_lifetime_rule_is_for_public_authorities_and_by_day_of_issue() {
    let (root, between, private_anchors) = private();
    let public_anchors = TrustAnchors::public().with_public(vec![root.der()]);
    let leaf = |from: OffsetDateTime, days: i64| {
        between.issue(|p| {
            p.not_before = from;
            p.not_after = from + Duration::days(days);
        })
    };
    let after = datetime!(2026-10-01 0:00 UTC);
    let before = datetime!(2026-03-14 0:00 UTC);
    for (leaf, expected) in [
        (leaf(after, 200), vec![]),
        (leaf(after, 201), vec![(Reason::LongLifetime, Weight::Fails, 0)]),
        (leaf(before, 398), vec![]),
        (leaf(before, 399), vec![(Reason::LongLifetime, Weight::Fails, 0)]),
    ] {
        assert_eq!(judged(&[leaf.clone(), between.der()], &public_anchors), expected);
        assert_eq!(judged(&[leaf, between.der()], &private_anchors), []);
    }
}

#[test]
fn a_demanded_staple_is_missed() {
    let (_, between, anchors) = private();
    let feature = element(0x30, &[&[2, 1, 5]]);
    let leaf = between.issue(|p| {
        p.serial_number = Some(vec![7].into());
        p.custom_extensions.push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], feature));
    });
    let chain = [leaf, between.der()];
    let with = |staple: Option<Vec<u8>>, staple_asked| {
        let staple = staple.map(Der);
        let presented =
            Presented { chain: &chain, staple: staple.as_ref(), staple_asked, server_name: "device.example", anchors: &anchors, now: NOW };
        judge_chain(&presented, &policy()).into_iter().map(|f| f.reason).collect::<Vec<_>>()
    };
    assert_eq!(with(None, true), [Reason::MustStapleWithoutStaple]);
    assert_eq!(with(None, false), []);
    assert_eq!(with(Some(response(&[7], GOOD, "20270101000000Z")), true), []);
    assert_eq!(with(Some(response(&[7], GOOD, "20260101000000Z")), true), [Reason::MustStapleWithoutStaple]);
    assert_eq!(with(Some(b"nonsense".to_vec()), true), [Reason::MustStapleWithoutStaple]);
    assert_eq!(with(Some(response(&[7], &revoked(), "20270101000000Z")), true), [Reason::RevokedStaple]);
}

#[test]
fn certificates_for_something_else_are_told() {
    let (_, between, anchors) = private();
    let client = between.issue(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    assert_eq!(judged(&[client, between.der()], &anchors), [(Reason::Misuse, Weight::Fails, 0)]);
    let both = between.issue(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth]);
    assert_eq!(judged(&[both, between.der()], &anchors), []);
    let signer = between.issue(|p| p.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    assert_eq!(judged(&[signer, between.der()], &anchors), [(Reason::Misuse, Weight::Fails, 0)]);
    let authority = between.issue(|p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(judged(&[authority, between.der()], &anchors), [(Reason::Misuse, Weight::Fails, 0)]);
}

#[test]
fn constraints_of_an_authority_are_kept() {
    let (root, _, anchors) = private();
    let mut narrow = authority_params("Narrow Issuer");
    narrow.name_constraints =
        Some(NameConstraints { permitted_subtrees: vec![GeneralSubtree::DnsName("other.example".into())], excluded_subtrees: vec![] });
    let narrow = root.below(narrow);
    let faults = judged(&[narrow.issue(|_| {}), narrow.der()], &anchors);
    assert_eq!(faults, [(Reason::ConstraintViolated, Weight::Fails, 0)]);
}

#[test]
fn what_cannot_be_read_is_a_fault_and_never_a_panic() {
    let anchors = TrustAnchors::public();
    assert_eq!(judged(&[], &anchors), [(Reason::NoCertificate, Weight::Fails, 0)]);
    for bytes in [vec![], vec![0x30], b"-----BEGIN".to_vec(), vec![0x30; 5000], vec![0x30; 16 * 1024 * 1024]] {
        assert_eq!(judged(&[Der(bytes)], &anchors), [(Reason::Unreadable, Weight::Fails, 0)]);
    }
    let (_, between, anchors) = private();
    let leaf = between.issue(|_| {});
    for end in 0..leaf.0.len() {
        assert_eq!(judged(&[Der(leaf.0[..end].to_vec())], &anchors), [(Reason::Unreadable, Weight::Fails, 0)]);
    }
    for place in 0..leaf.0.len() {
        let mut bytes = leaf.0.clone();
        bytes[place] ^= 0x55;
        let _ = judged(&[Der(bytes), between.der()], &anchors);
    }
    assert_eq!(judged(&[leaf, Der(vec![0x30, 0]), between.der()], &anchors)[0].0, Reason::Unreadable);
}

#[test]
fn escapes_in_names_are_shown_not_obeyed() {
    let (_, between, anchors) = private();
    let leaf = between.issue(|p| {
        p.subject_alt_names = vec![];
        p.distinguished_name.push(DnType::CommonName, "\u{1b}[2J\u{202e}device");
    });
    let chain = [leaf, between.der()];
    let presented =
        Presented { chain: &chain, staple: None, staple_asked: true, server_name: "device.example", anchors: &anchors, now: NOW };
    let verdict = certificate_verdict(&judge_chain(&presented, &policy()), &presented);
    let text = serde_json::to_string(&verdict).unwrap();
    assert!(text.contains("\\\\u{1b}[2J\\\\u{202e}device") && !text.contains('\u{202e}'), "{text}");
}

#[test]
fn the_verdict_follows_the_heaviest_fault() {
    let (_, between, anchors) = private();
    let verdict = |chain: &[Der], anchors: &TrustAnchors| {
        let presented = Presented { chain, staple: None, staple_asked: true, server_name: "device.example", anchors, now: NOW };
        certificate_verdict(&judge_chain(&presented, &policy()), &presented).outcome
    };
    let leaf = between.issue(|_| {});
    assert_eq!(verdict(&[leaf.clone(), between.der()], &anchors), Outcome::Passed);
    assert_eq!(verdict(&[leaf.clone(), between.der()], &TrustAnchors::public()), Outcome::CantTell);
    assert_eq!(verdict(&[leaf], &TrustAnchors::with_pem(root("Other").pem().as_bytes()).unwrap()), Outcome::Failed);
}

#[test]
fn a_file_of_anchors_that_is_none_is_an_error() {
    assert_eq!(TrustAnchors::with_pem(b"").err(), Some(AnchorError::Empty));
    assert_eq!(TrustAnchors::with_pem(b"hello").err(), Some(AnchorError::Empty));
    let broken = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    assert!(matches!(TrustAnchors::with_pem(broken), Err(AnchorError::Certificate(1, _))));
}
