use super::super::certificate::Reason;
use super::super::recorded::{groups, of, shaken, sound, suites};
use super::*;
use crate::document::{Node, from_node};
use crate::probe::tls::{DhSeen, FiniteField, Group, HashSeen, Probe};
use crate::verdict::Outcome;

const NCSC: &str = include_str!("../../../../profiles/tls-policies/ncsc-nl-2025.yaml");
const MOZILLA: &str = include_str!("../../../../profiles/tls-policies/mozilla-intermediate-6.0.yaml");
const BSI: &str = include_str!("../../../../profiles/tls-policies/bsi-tr-02102-2.yaml");

fn policy(text: &str) -> TlsPolicy {
    let node = Node::read("policy.yaml", text).unwrap();
    from_node(&node).unwrap_or_else(|e| panic!("{e} at {:?}", e.position))
}

/// The features without the extended master secret, which has a row of its own below.
const OTHERS: [TlsFeature; 4] =
    [TlsFeature::EncryptThenMac, TlsFeature::SecureRenegotiation, TlsFeature::NoCompression, TlsFeature::NoEarlyData];

/// The outcomes of all judges, in the order of the list below.
fn all(survey: &TlsSurvey, policy: &TlsPolicy) -> [Outcome; 7] {
    let handshake = shaken(EarlyData::NotAnnounced);
    [
        judge_versions(survey, policy).outcome,
        judge_suites(survey, policy).outcome,
        judge_suite_order(survey, policy).outcome,
        judge_groups(survey, policy).outcome,
        judge_key_exchange_hash(survey, policy).outcome,
        judge_extended_master_secret(survey, policy).outcome,
        judge_features(survey, Some(&handshake), policy, &OTHERS).outcome,
    ]
}

use Outcome::{CantTell, Failed, Inapplicable, Passed};

/// The sound one, with one outcome changed.
fn but(at: usize, outcome: Outcome) -> [Outcome; 7] {
    let mut expected = [Passed, Passed, Inapplicable, Passed, Passed, Passed, Passed];
    expected[at] = outcome;
    expected
}

#[test]
fn the_shipped_policies_can_be_read_and_pass_a_sound_server() {
    for text in [NCSC, MOZILLA, BSI] {
        let policy = policy(text);
        assert_eq!(all(&sound(), &policy), but(0, Passed), "{}", policy.name);
        for (tier, suite) in policy.suites.all().map(|s| (policy.suites.tier(s), s)) {
            assert!(tier != Tier::Insufficient && suite.name().is_some(), "{suite}");
        }
        let again: TlsPolicy = serde_json::from_value(serde_json::to_value(&policy).unwrap()).unwrap();
        assert_eq!(again, policy);
    }
    assert_eq!(policy(NCSC).certificate.tolerated, Vec::<Reason>::new());
}

#[test]
fn each_fault_fails_its_own_judge_only() {
    let policy = policy(NCSC);
    let judged = |change: &dyn Fn(&mut TlsSurvey)| {
        let mut survey = sound();
        change(&mut survey);
        all(&survey, &policy)
    };
    assert_eq!(judged(&|s| s.versions[3].support = Support::Supported)[0], Failed);
    assert_eq!(judged(&|s| s.suites[1].suites.extend(suites(&["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"])))[1], Failed);
    assert_eq!(judged(&|s| s.groups[1].groups.push(Group(19))), but(3, Failed));
    assert_eq!(judged(&|s| s.groups[1].explicit_curve = true), but(3, Failed));
    assert_eq!(judged(&|s| s.key_exchange_hash.sha1 = Feature::Yes), but(4, Failed));
    assert_eq!(judged(&|s| s.key_exchange_hash.sha224 = Feature::Yes), but(4, Passed));
    assert_eq!(judged(&|s| s.extended_master_secret = Feature::No), but(5, Failed));
    assert_eq!(judged(&|s| s.compression = Feature::Yes), but(6, Failed));
    assert_eq!(judged(&|s| s.secure_renegotiation = Feature::No), but(6, Failed));
}

#[test]
fn a_fault_names_what_was_seen_and_what_was_expected() {
    let mut survey = sound();
    survey.suites[1].suites.extend(suites(&["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"]));
    let verdict = judge_suites(&survey, &policy(NCSC));
    assert_eq!(verdict.reason, "The cipher suite TLS_RSA_WITH_AES_128_CBC_SHA is not allowed by NCSC-NL 2025");
    assert_eq!(verdict.evidence.len(), 1);
    assert_eq!(verdict.evidence[0].get_observed().unwrap().as_str(), "TLS_RSA_WITH_AES_128_CBC_SHA is agreed to");
    assert_eq!(verdict.evidence[0].get_place().unwrap().to_string(), "TLS 1.2");
    assert!(verdict.notes.iter().any(|n| n.contains("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256 is to be phased out")), "{:?}", verdict.notes);
    assert!(verdict.notes.contains(&"30 connections were made".to_owned()));
    let strict = TlsPolicy { phase_out: PhaseOut::Fail, ..policy(NCSC) };
    assert_eq!(judge_suites(&survey, &strict).evidence.len(), 2);
}

#[test]
fn what_was_not_seen_cannot_be_told_but_a_seen_fault_counts() {
    let policy = policy(NCSC);
    let mut survey = sound();
    survey.versions[3].support = Support::Unknown(ProbeOutcome::Reset);
    assert_eq!(judge_versions(&survey, &policy).outcome, CantTell);
    // A version that is allowed may be unknown.
    let mut allowed = sound();
    allowed.versions[0].support = Support::Unknown(ProbeOutcome::Reset);
    assert_eq!(judge_versions(&allowed, &policy).outcome, Passed);
    survey.versions[2].support = Support::Supported;
    assert_eq!(judge_versions(&survey, &policy).outcome, Failed);

    let mut survey = sound();
    survey.suites[1].complete = false;
    survey.suites[1].stopped = Some(ProbeOutcome::Reset);
    let verdict = judge_suites(&survey, &policy);
    assert_eq!((verdict.outcome, verdict.cause), (CantTell, Some(Cause::Target)));
    assert!(verdict.reason.contains("the suites of TLS 1.2") && verdict.reason.contains("reset"), "{}", verdict.reason);
    survey.suites[1].stopped = Some(ProbeOutcome::Budget);
    assert_eq!(judge_suites(&survey, &policy).cause, Some(Cause::Limit));
    survey.suites[1].suites.extend(suites(&["TLS_RSA_WITH_RC4_128_SHA"]));
    assert_eq!(judge_suites(&survey, &policy).outcome, Failed);

    let mut survey = sound();
    survey.groups[0].complete = false;
    survey.groups[0].stopped = Some(ProbeOutcome::Timeout);
    assert_eq!(judge_groups(&survey, &policy).outcome, CantTell);
    let mut survey = sound();
    survey.key_exchange_hash.sha1 = Feature::Unknown(ProbeOutcome::Reset);
    assert_eq!(judge_key_exchange_hash(&survey, &policy).outcome, CantTell);
    let mut survey = sound();
    survey.suites.pop();
    assert_eq!(judge_suites(&survey, &policy).outcome, CantTell);
}

#[test]
fn a_server_that_agreed_to_nothing_is_never_judged() {
    let policy = policy(NCSC);
    for (outcome, words) in [
        (ProbeOutcome::Reset, "reset"),
        (ProbeOutcome::Timeout, "in time"),
        (ProbeOutcome::Alert(40), "alert 40"),
        (ProbeOutcome::NotTls, "not in TLS"),
        (ProbeOutcome::UnofferedSuite, "not offered"),
        (ProbeOutcome::Refused, "port refused"),
    ] {
        let mut survey = sound();
        for version in &mut survey.versions {
            version.support = Support::Unknown(outcome.clone());
        }
        (survey.suites, survey.groups) = (vec![], vec![]);
        let seen = (outcome == ProbeOutcome::NotTls).then(|| "HTTP/1.1 400 Bad Request".into());
        survey.probes = vec![Probe { purpose: "TLS 1.3".into(), outcome, version: None, suite: None, group: None, seen }];
        assert_eq!(all(&survey, &policy), [CantTell; 7]);
        let verdict = judge_versions(&survey, &policy);
        assert!(verdict.reason.contains(words), "{}", verdict.reason);
        assert_eq!(verdict.cause, Some(Cause::Target));
    }
}

#[test]
fn only_13_makes_the_older_questions_inapplicable() {
    let mut survey = sound();
    survey.versions[1].support = Support::Refused;
    survey.suites.pop();
    survey.groups.pop();
    survey.extended_master_secret = Feature::NotApplicable;
    survey.secure_renegotiation = Feature::NotApplicable;
    survey.compression = Feature::NotApplicable;
    survey.key_exchange_hash = HashSeen { sha1: Feature::NotApplicable, sha224: Feature::NotApplicable };
    assert_eq!(all(&survey, &policy(NCSC)), [Passed, Passed, Inapplicable, Passed, Inapplicable, Inapplicable, Passed]);
}

#[test]
fn an_rsa_only_server_has_no_group_to_judge() {
    let mut survey = sound();
    survey.versions[0].support = Support::Refused;
    survey.suites = vec![of(ProtocolVersion::Tls12, &["TLS_RSA_WITH_AES_128_GCM_SHA256"])];
    survey.groups = vec![groups(ProtocolVersion::Tls12, &[])];
    let outcomes = all(&survey, &policy(NCSC));
    assert_eq!(outcomes, [Passed, Failed, Inapplicable, Inapplicable, Inapplicable, Passed, Passed]);
}

#[test]
fn finite_fields_are_judged_by_value_or_by_size_as_the_policy_has_it() {
    let field = |bits: u16, name: Option<&'static str>| FiniteField { bits, name: name.map(Into::into), prime_sha256: String::new() };
    let judged = |text: &str, field: FiniteField| {
        let mut survey = sound();
        let suite = Suite::from_name("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256").unwrap();
        survey.finite_fields = vec![DhSeen { version: ProtocolVersion::Tls12, suite, field }];
        judge_groups(&survey, &policy(text)).outcome
    };
    assert_eq!(judged(NCSC, field(2048, Some("modp2048"))), Failed);
    assert_eq!(judged(NCSC, field(4096, None)), Failed);
    assert_eq!(judged(NCSC, field(3072, Some("ffdhe3072"))), Passed);
    assert_eq!(judged(MOZILLA, field(2048, None)), Passed);
    assert_eq!(judged(MOZILLA, field(1024, Some("modp1024"))), Failed);
    assert_eq!(judged(BSI, field(2048, Some("ffdhe2048"))), Failed);
    assert_eq!(judged(BSI, field(3072, Some("modp3072"))), Passed);
}

#[test]
fn the_order_matters_only_where_ranks_are_mixed() {
    let (better, worse) = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256");
    let judged = |list: VersionSuites, text: &str| {
        let mut survey = sound();
        survey.suites[1] = list;
        judge_suite_order(&survey, &policy(text)).outcome
    };
    assert_eq!(judged(of(ProtocolVersion::Tls12, &[better, worse]), NCSC), Passed);
    assert_eq!(judged(of(ProtocolVersion::Tls12, &[worse, better]), NCSC), Failed);
    let by_client =
        VersionSuites { order: Order::Client, reversed_choice: Suite::from_name(worse), ..of(ProtocolVersion::Tls12, &[better, worse]) };
    assert_eq!(judged(by_client.clone(), NCSC), Failed);
    assert_eq!(judged(by_client, MOZILLA), Inapplicable);
    let unasked = VersionSuites { order: Order::Unknown, reversed_choice: None, ..of(ProtocolVersion::Tls12, &[better, worse]) };
    assert_eq!(judged(unasked, NCSC), CantTell);
}

#[test]
fn early_data_is_never_more_than_announced() {
    let policy = policy(NCSC);
    let judged = |handshake: Option<&Handshake>| judge_features(&sound(), handshake, &policy, &OTHERS);
    let verdict = judged(Some(&shaken(EarlyData::Announced(16384))));
    assert_eq!(verdict.outcome, CantTell);
    assert!(verdict.reason.contains("announced"), "{}", verdict.reason);
    assert_eq!(judged(Some(&shaken(EarlyData::NoTicket))).outcome, Passed);
    assert_eq!(judged(None).outcome, CantTell);
    assert_eq!(judge_features(&sound(), None, &self::policy(MOZILLA), &OTHERS).outcome, Passed);
}

#[test]
fn ssl2_is_judged_by_its_own_names() {
    let mut survey = sound();
    survey.versions[5].support = Support::Supported;
    survey.suites.push(VersionSuites {
        ssl2: vec!["SSL_CK_RC4_128_WITH_MD5".into()],
        suites: vec![],
        ..of(ProtocolVersion::Ssl2, &["TLS_RSA_WITH_RC4_128_MD5"])
    });
    let outcomes = all(&survey, &policy(NCSC));
    assert_eq!((outcomes[0], outcomes[1]), (Failed, Failed));
}

#[test]
fn a_mistake_in_a_policy_is_told_with_its_place() {
    let text = NCSC.replace("TLS_AES_256_GCM_SHA384", "TLS_AES_257_GCM_SHA384");
    let error = from_node::<TlsPolicy>(&Node::read("policy.yaml", &text).unwrap()).unwrap_err();
    assert!(error.to_string().contains("TLS_AES_257_GCM_SHA384") && error.position.is_some(), "{error}");
}
