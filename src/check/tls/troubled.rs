//! Servers that do not answer properly, and what is said of each: the table in `docs/performance-tls.md`.
//!
//! Nothing that a server left out is ever called switched off, and nothing that it did not say is held against it.

use std::time::Duration;

use super::*;
use crate::probe::tls::mock::{Face, Misbehaviour};
use crate::probe::tls::survey_faces::start;
use crate::probe::tls::{Limits, ProtocolVersion, Suite, TlsSurvey, survey};
use crate::verdict::{Cause, Outcome, Verdict};

const QUICK: Limits = Limits { connections: 57, per_probe: Duration::from_millis(250) };

async fn look(face: Face, limits: Limits) -> TlsSurvey {
    survey(&start(face).await, Some("device.example"), limits).await
}

async fn troubled(misbehaviour: Misbehaviour) -> TlsSurvey {
    look(Face { misbehaviour: Some(misbehaviour), ..Face::sound() }, QUICK).await
}

fn all(survey: &TlsSurvey, policy: &TlsPolicy) -> [(&'static str, Verdict); 6] {
    [
        ("versions", judge_versions(survey, policy)),
        ("suites", judge_suites(survey, policy)),
        ("order", judge_suite_order(survey, policy)),
        ("groups", judge_groups(survey, policy)),
        ("hash", judge_key_exchange_hash(survey, policy)),
        ("features", judge_features(survey, None, policy, &[TlsFeature::NoCompression, TlsFeature::SecureRenegotiation])),
    ]
}

/// What never answers properly: every question is open, and the reason says why.
#[tokio::test]
async fn what_never_answers_leaves_every_question_open() {
    for (misbehaviour, says) in [
        (Misbehaviour::Reset, "the connection was reset"),
        (Misbehaviour::Silence, "no answer came in time"),
        (Misbehaviour::Drip(Duration::from_millis(200)), "no answer came in time"),
        (Misbehaviour::AlertToAll(40), "alert 40 (handshake_failure)"),
        (Misbehaviour::AlertToAll(70), "alert 70 (protocol_version)"),
        (Misbehaviour::AlertToAll(80), "alert 80 (internal_error)"),
        (Misbehaviour::AlertToAll(112), "alert 112 (unrecognized_name)"),
        (Misbehaviour::CloseAfter(0), "closed the connection without an answer"),
        (Misbehaviour::PlainText, "The port answers, but not in TLS"),
        (Misbehaviour::HugeRecord, "longer than any sound one"),
        (Misbehaviour::Warnings, "broken TLS"),
        (Misbehaviour::UnofferedSuite, "chose a cipher suite that was not offered"),
    ] {
        let survey = troubled(misbehaviour).await;
        for name in TlsPolicy::shipped() {
            for (question, verdict) in all(&survey, &TlsPolicy::named(name).unwrap()) {
                let told = format!("{misbehaviour:?}, {question}: {} {}", verdict.outcome, verdict.reason);
                assert_eq!((verdict.outcome, verdict.cause), (Outcome::CantTell, Some(Cause::Target)), "{told}");
                assert!(verdict.reason.contains(says), "{told}");
            }
        }
    }
}

/// What answers for a while, by a limit on connections or by anger: what came before counts, the rest is open.
#[tokio::test]
async fn what_stops_answering_leaves_the_rest_open() {
    let policy = TlsPolicy::named("ncsc-nl-2025").unwrap();
    for after in [1, 2, 3, 4, 8, 13, 20, 25] {
        for misbehaviour in [
            Misbehaviour::CloseAfter(after),
            Misbehaviour::AlertAfter(after),
            Misbehaviour::ResetAfter(after),
            Misbehaviour::SilenceAfter(after),
            Misbehaviour::PlainTextAfter(after),
        ] {
            let survey = troubled(misbehaviour).await;
            let verdicts = all(&survey, &policy);
            for (question, verdict) in &verdicts {
                assert_ne!(verdict.outcome, Outcome::Failed, "{misbehaviour:?}, {question}: {}", verdict.reason);
            }
            let suites = &verdicts[1].1;
            assert_eq!(suites.outcome, Outcome::CantTell, "{misbehaviour:?}: {}", suites.reason);
            if after <= 4 {
                assert_eq!(verdicts[0].1.outcome, Outcome::CantTell, "{misbehaviour:?}: {}", verdicts[0].1.reason);
            }
        }
    }
}

/// A fault that was seen before counts even so.
#[tokio::test]
async fn what_was_seen_to_be_wrong_counts_though_the_server_stopped_answering() {
    let face = Face {
        versions: vec![ProtocolVersion::Tls12, ProtocolVersion::Tls10],
        suites: vec![Suite::from_name("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA").unwrap()],
        misbehaviour: Some(Misbehaviour::ResetAfter(5)),
        ..Face::sound()
    };
    let survey = look(face, QUICK).await;
    let policy = TlsPolicy::named("ncsc-nl-2025").unwrap();
    assert_eq!(judge_versions(&survey, &policy).outcome, Outcome::Failed);
}

/// A server with more than is asked about in a survey: faults are told, and that the list breaks off.
#[tokio::test]
async fn a_server_with_too_much_is_told_by_what_was_seen() {
    let rich: Vec<Suite> = Suite::portions(ProtocolVersion::Tls12).concat();
    let face = Face { suites: rich, prime: vec![0xff; 256], ..Face::sound() };
    let survey = look(face, Limits { connections: 57, ..QUICK }).await;
    assert_eq!(survey.connections, 57);
    let policy = TlsPolicy::named("ncsc-nl-2025").unwrap();
    let verdict = judge_suites(&survey, &policy);
    assert_eq!(verdict.outcome, Outcome::Failed, "{}", verdict.reason);
    assert!(verdict.notes.iter().any(|n| n.contains("breaks off")), "{:?}", verdict.notes);
    // Where nothing wrong was among what was seen, our own limit is the reason that it stays open.
    let all = Suite::portions(ProtocolVersion::Tls12).concat().into_iter().chain(policy.suites.good.clone()).collect();
    let sound = TlsPolicy { suites: Tiers { good: all, ..policy.suites.clone() }, ..policy };
    let verdict = judge_suites(&survey, &sound);
    assert_eq!((verdict.outcome, verdict.cause), (Outcome::CantTell, Some(Cause::Limit)), "{}", verdict.reason);
}
