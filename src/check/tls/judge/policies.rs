//! The shipped policies side by side: the same servers, and what each policy objects to.

use super::super::recorded::{groups, of, shaken, sound};
use super::*;
use crate::probe::tls::{DhSeen, FiniteField};

type Change = fn(&mut TlsSurvey);

/// A server, what makes it differ from a sound one, and what NCSC-NL, Mozilla and BSI object to.
const TABLE: [(&str, Change, [&str; 3]); 22] = [
    ("as recommended", |_| {}, ["", "", ""]),
    ("TLS 1.1", |s| s.versions[2].support = Support::Supported, ["versions", "versions", "versions"]),
    ("only TLS 1.3", only_13, ["", "", ""]),
    ("ChaCha20 in TLS 1.3", |s| suite(s, 0, "TLS_CHACHA20_POLY1305_SHA256"), ["", "", "suites"]),
    ("CCM in TLS 1.3", |s| suite(s, 0, "TLS_AES_128_CCM_SHA256"), ["", "suites", ""]),
    ("CCM with a short tag", |s| suite(s, 0, "TLS_AES_128_CCM_8_SHA256"), ["suites", "suites", "suites"]),
    ("CBC with SHA-256", |s| suite(s, 1, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"), ["", "suites", ""]),
    ("CBC with SHA-1", |s| suite(s, 1, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"), ["suites", "suites", "suites"]),
    ("no forward secrecy", |s| suite(s, 1, "TLS_RSA_WITH_AES_128_GCM_SHA256"), ["suites", "suites", "suites"]),
    ("DHE with AES-GCM", |s| suite(s, 1, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"), ["", "suites", ""]),
    ("X25519", |s| group(s, "x25519"), ["", "", "groups"]),
    ("X25519 with ML-KEM", |s| group(s, "X25519MLKEM768"), ["", "", "groups"]),
    ("P-256 with ML-KEM", |s| group(s, "SecP256r1MLKEM768"), ["", "groups", ""]),
    ("Brainpool", |s| group(s, "brainpoolP256r1tls13"), ["", "groups", ""]),
    ("P-521", |s| group(s, "secp521r1"), ["", "groups", ""]),
    ("ffdhe2048", |s| group(s, "ffdhe2048"), ["groups", "groups", "groups"]),
    ("an own prime of 2048 bits", |s| field(s, 256), ["groups", "", "groups"]),
    ("an own prime of 4096 bits", |s| field(s, 512), ["groups", "", ""]),
    ("SHA-1 in the key exchange", |s| s.key_exchange_hash.sha1 = Feature::Yes, ["hash", "hash", "hash"]),
    ("SHA-224 in the key exchange", |s| s.key_exchange_hash.sha224 = Feature::Yes, ["", "", "hash"]),
    ("no extended master secret", |s| s.extended_master_secret = Feature::No, ["master secret", "", "master secret"]),
    ("compression", |s| s.compression = Feature::Yes, ["features", "features", "features"]),
];

fn suite(survey: &mut TlsSurvey, at: usize, name: &str) {
    survey.suites[at].suites.push(Suite::from_name(name).unwrap());
}

fn group(survey: &mut TlsSurvey, name: &str) {
    survey.groups[0] = groups(ProtocolVersion::Tls13, &["secp256r1", name]);
}

fn field(survey: &mut TlsSurvey, bytes: usize) {
    let suite = Suite::from_name("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384").unwrap();
    survey.finite_fields.push(DhSeen { version: ProtocolVersion::Tls12, suite, field: FiniteField::of_prime(&vec![0xff; bytes]) });
}

fn only_13(survey: &mut TlsSurvey) {
    survey.versions[1].support = Support::Refused;
    survey.suites = vec![of(ProtocolVersion::Tls13, &["TLS_AES_128_GCM_SHA256"])];
    survey.groups.truncate(1);
    survey.extended_master_secret = Feature::NotApplicable;
}

fn objections(survey: &TlsSurvey, handshake: &Handshake, policy: &TlsPolicy) -> String {
    let others = [TlsFeature::EncryptThenMac, TlsFeature::SecureRenegotiation, TlsFeature::NoCompression, TlsFeature::NoEarlyData];
    let verdicts = [
        ("versions", judge_versions(survey, policy)),
        ("suites", judge_suites(survey, policy)),
        ("groups", judge_groups(survey, policy)),
        ("hash", judge_key_exchange_hash(survey, policy)),
        ("master secret", judge_extended_master_secret(survey, policy)),
        ("features", judge_features(survey, Some(handshake), policy, &others)),
    ];
    let failed: Vec<&str> = verdicts.iter().filter(|(_, v)| v.outcome == Outcome::Failed).map(|(name, _)| *name).collect();
    failed.join(", ")
}

#[test]
fn each_policy_objects_to_what_its_source_says() {
    let policies = ["ncsc-nl-2025", "mozilla-intermediate-6.0", "bsi-tr-02102-2"].map(|name| TlsPolicy::named(name).unwrap());
    let mut wrong = String::new();
    for (server, change, expected) in TABLE {
        let mut survey = sound();
        change(&mut survey);
        let found = policies.each_ref().map(|policy| objections(&survey, &shaken(EarlyData::NotAnnounced), policy));
        if found != expected {
            wrong += &format!("\n{server}: {found:?}, expected {expected:?}");
        }
    }
    let early = shaken(EarlyData::Accepted(1));
    let found = policies.each_ref().map(|policy| objections(&sound(), &early, policy));
    assert_eq!(found, ["features", "", "features"], "early data");
    assert!(wrong.is_empty(), "{wrong}");
}
