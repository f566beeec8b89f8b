//! The survey against faces over loopback: what is there is found, and what cannot be told is not told.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::mock::{Face, Misbehaviour};
use super::{
    Der, Dial, Feature, FiniteField, Group, Limits, Order, ProbeOutcome, ProtocolVersion, Sni, Stop, Suite, Support, TlsSurvey, survey,
};
use crate::probe::{Phase, ProbeError};

pub(crate) struct Loopback(pub SocketAddr);

impl Dial for Loopback {
    type Stream = TcpStream;
    async fn dial(&self, _: &str) -> Result<TcpStream, ProbeError> {
        TcpStream::connect(self.0).await.map_err(|e| ProbeError::from_io(&e, "loopback", Phase::Connect))
    }
}

pub(crate) async fn start(face: Face) -> Loopback {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(face.serve(listener));
    Loopback(at)
}

const QUICK: Duration = Duration::from_millis(300);

async fn look(face: Face) -> TlsSurvey {
    let dial = start(face).await;
    survey(&dial, Some("device.example"), Limits { connections: 60, per_probe: Duration::from_secs(5) }).await
}

async fn look_quickly(misbehaviour: Misbehaviour) -> TlsSurvey {
    let dial = start(Face { misbehaviour: Some(misbehaviour), ..Face::sound() }).await;
    survey(&dial, None, Limits { connections: 60, per_probe: QUICK }).await
}

fn suites(names: &[&str]) -> Vec<Suite> {
    names.iter().map(|n| Suite::from_name(n).unwrap()).collect()
}

fn found(seen: &TlsSurvey, version: ProtocolVersion) -> &super::VersionSuites {
    seen.suites.iter().find(|s| s.version == version).unwrap()
}

#[tokio::test]
async fn a_sound_server_is_seen_as_it_is_within_the_budget() {
    let face = Face { chain: vec![Der(vec![1; 40_000])], ..Face::sound() };
    let seen = look(face.clone()).await;
    assert_eq!(seen.stopped, None, "{:#?}", seen.probes);
    assert!(seen.connections <= 40, "{} connections", seen.connections);
    assert_eq!(seen.spoken().collect::<Vec<_>>(), [ProtocolVersion::Tls13, ProtocolVersion::Tls12]);
    for version in [ProtocolVersion::Tls11, ProtocolVersion::Tls10, ProtocolVersion::Ssl3, ProtocolVersion::Ssl2] {
        assert_eq!(seen.support(version), Support::Refused, "{version}");
    }
    let (new, old) = (found(&seen, ProtocolVersion::Tls13), found(&seen, ProtocolVersion::Tls12));
    assert_eq!((&new.suites, new.order, new.complete), (&face.suites_13, Order::Server, true));
    assert_eq!((&old.suites, old.order, old.complete), (&face.suites, Order::Server, true));
    let groups: Vec<_> = seen.groups.iter().map(|g| (g.version, g.groups.clone(), g.complete)).collect();
    assert_eq!(
        groups,
        [(ProtocolVersion::Tls13, face.groups.clone(), true), (ProtocolVersion::Tls12, vec![Group::X25519, Group(23)], true)]
    );
    assert_eq!((&seen.key_exchange_hash.sha1, &seen.key_exchange_hash.sha224), (&Feature::No, &Feature::No));
    assert_eq!((&seen.extended_master_secret, &seen.secure_renegotiation), (&Feature::Yes, &Feature::Yes));
    assert_eq!((&seen.compression, &seen.fallback_scsv, &seen.sni), (&Feature::No, &Feature::Yes, &Sni::NotNeeded));
    assert_eq!(seen.chains, [face.chain]);
    assert_eq!(seen.control, Some(ProbeOutcome::Hello));
    let text = serde_json::to_string(&seen).unwrap();
    assert_eq!(serde_json::from_str::<TlsSurvey>(&text).unwrap(), seen);
}

#[tokio::test]
async fn a_weak_server_is_seen_in_full() {
    let prime = [&[0xff_u8][..], &[0x5b; 127]].concat();
    let face = Face {
        versions: vec![ProtocolVersion::Ssl2, ProtocolVersion::Ssl3, ProtocolVersion::Tls10, ProtocolVersion::Tls12],
        suites: suites(&["TLS_RSA_WITH_RC4_128_SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"]),
        own_order: false,
        groups: vec![Group(19)],
        prime: prime.clone(),
        extended_master_secret: false,
        secure_renegotiation: false,
        deflate: true,
        hashes: vec![2],
        fallback_scsv: false,
        needs_name: true,
        chain: vec![Der(b"certificate".to_vec())],
        ..Face::sound()
    };
    let seen = look(face).await;
    let spoken: Vec<_> = seen.spoken().collect();
    assert_eq!(spoken, [ProtocolVersion::Tls12, ProtocolVersion::Tls10, ProtocolVersion::Ssl3, ProtocolVersion::Ssl2]);
    assert_eq!(seen.support(ProtocolVersion::Tls11), Support::Refused);
    assert_eq!(seen.support(ProtocolVersion::Tls13), Support::Refused);
    let list = found(&seen, ProtocolVersion::Tls12);
    assert_eq!((list.suites.len(), list.order, list.complete), (3, Order::Client, true));
    assert_eq!(found(&seen, ProtocolVersion::Ssl3).suites.len(), 3);
    assert_eq!(found(&seen, ProtocolVersion::Ssl2).ssl2, ["SSL_CK_DES_192_EDE3_CBC_WITH_MD5"]);
    assert_eq!(seen.finite_fields[0].field, FiniteField::of_prime(&prime));
    assert_eq!(seen.groups[0].groups, [Group(19)]);
    assert_eq!((&seen.key_exchange_hash.sha1, &seen.key_exchange_hash.sha224), (&Feature::Yes, &Feature::No));
    assert_eq!((&seen.extended_master_secret, &seen.secure_renegotiation), (&Feature::No, &Feature::No));
    assert_eq!((&seen.compression, &seen.fallback_scsv, &seen.sni), (&Feature::Yes, &Feature::No, &Sni::Needed));
    assert!(seen.connections <= 60 && seen.stopped.is_none(), "{}", seen.connections);
}

#[tokio::test]
async fn a_server_with_only_rare_suites_is_found() {
    let face = Face {
        versions: vec![ProtocolVersion::Tls12],
        suites: suites(&["TLS_PSK_WITH_AES_128_CCM_8", "TLS_DH_anon_WITH_AES_128_CBC_SHA"]),
        prime: vec![0xff; 256],
        ..Face::sound()
    };
    let seen = look(face.clone()).await;
    let mut got = found(&seen, ProtocolVersion::Tls12).suites.clone();
    got.sort();
    let mut expected = face.suites;
    expected.sort();
    assert_eq!(got, expected);
}

/// Misbehaviour that must leave every version untold.
#[tokio::test]
async fn what_does_not_answer_properly_is_never_called_disabled() {
    for (misbehaviour, expected) in [
        (Misbehaviour::Reset, ProbeOutcome::Reset),
        (Misbehaviour::AlertToAll(40), ProbeOutcome::Alert(40)),
        (Misbehaviour::AlertToAll(70), ProbeOutcome::Alert(70)),
        (Misbehaviour::AlertToAll(80), ProbeOutcome::Alert(80)),
        (Misbehaviour::PlainText, ProbeOutcome::NotTls),
        (Misbehaviour::HugeRecord, ProbeOutcome::TooBig),
        (Misbehaviour::UnofferedSuite, ProbeOutcome::UnofferedSuite),
        (Misbehaviour::Silence, ProbeOutcome::Timeout),
        (Misbehaviour::Drip(Duration::from_millis(250)), ProbeOutcome::Timeout),
        (Misbehaviour::Warnings, ProbeOutcome::Malformed),
        (Misbehaviour::CloseAfter(0), ProbeOutcome::Closed),
    ] {
        let seen = look_quickly(misbehaviour).await;
        assert_eq!(seen.nothing_agreed(), Some(expected), "{misbehaviour:?}: {:#?}", seen.probes);
        for version in &seen.versions {
            assert!(matches!(version.support, Support::Unknown(_)), "{misbehaviour:?}: {version:?}");
        }
        assert!(seen.connections <= 17, "{misbehaviour:?}: {}", seen.connections);
    }
}

#[tokio::test]
async fn two_time_outs_in_a_row_stop_the_survey() {
    let seen = look_quickly(Misbehaviour::Silence).await;
    assert_eq!((seen.stopped, seen.connections), (Some(Stop::TwoTimeouts), 2));
}

#[tokio::test]
async fn a_closed_port_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dial = Loopback(listener.local_addr().unwrap());
    drop(listener);
    let seen = survey(&dial, None, Limits::default()).await;
    assert_eq!((seen.nothing_agreed(), seen.stopped), (Some(ProbeOutcome::Refused), Some(Stop::Unreachable)));
}

#[tokio::test]
async fn a_limit_on_connections_is_not_taken_for_an_answer() {
    for misbehaviour in [Misbehaviour::CloseAfter(2), Misbehaviour::AlertAfter(2), Misbehaviour::ResetAfter(2)] {
        let seen = look_quickly(misbehaviour).await;
        assert_eq!(seen.support(ProtocolVersion::Tls12), Support::Supported);
        assert_ne!(seen.control, Some(ProbeOutcome::Hello));
        for version in [ProtocolVersion::Tls11, ProtocolVersion::Tls10, ProtocolVersion::Ssl3] {
            assert!(matches!(seen.support(version), Support::Unknown(_)), "{misbehaviour:?} {version}");
        }
        assert!(seen.suites.iter().all(|s| !s.complete), "{misbehaviour:?} {:?}", seen.suites);
        assert!(seen.groups.iter().all(|s| !s.complete), "{misbehaviour:?} {:?}", seen.groups);
        assert!(matches!(seen.key_exchange_hash.sha1, Feature::Unknown(_)), "{misbehaviour:?}");
    }
}

#[tokio::test]
async fn a_limit_in_the_middle_leaves_what_was_seen_before() {
    let seen = look_quickly(Misbehaviour::AlertAfter(12)).await;
    assert_eq!(seen.support(ProtocolVersion::Tls11), Support::Refused);
    assert!(found(&seen, ProtocolVersion::Tls13).complete);
    assert!(!found(&seen, ProtocolVersion::Tls12).complete);
}

#[tokio::test]
async fn resets_instead_of_alerts_leave_the_rest_open() {
    let seen = look_quickly(Misbehaviour::ResetInsteadOfAlert).await;
    assert_eq!(seen.support(ProtocolVersion::Tls10), Support::Unknown(ProbeOutcome::Reset));
    let list = found(&seen, ProtocolVersion::Tls12);
    assert_eq!((list.suites.len(), list.complete, list.stopped.clone()), (3, false, Some(ProbeOutcome::Reset)));
}

#[tokio::test]
async fn a_close_without_a_word_declines_when_it_comes_again() {
    let seen = look_quickly(Misbehaviour::CloseInsteadOfAlert).await;
    for version in [ProtocolVersion::Tls11, ProtocolVersion::Tls10, ProtocolVersion::Ssl3] {
        assert_eq!(seen.support(version), Support::Refused, "{:#?}", seen.probes);
    }
    assert!(found(&seen, ProtocolVersion::Tls12).complete && seen.connections <= 57, "{}", seen.connections);
    // Closed in turns: whatever falls into such a turn is asked for again, or stays untold.
    for turn in [1, 2, 3, 5] {
        let seen = look_quickly(Misbehaviour::ClosesInTurns(turn)).await;
        assert_ne!(seen.support(ProtocolVersion::Tls12), Support::Refused, "{turn}: {:#?}", seen.probes);
    }
}

#[tokio::test]
async fn a_server_that_stumbles_over_new_hellos_is_seen_in_the_old_versions() {
    let seen = look_quickly(Misbehaviour::ResetsNewHellos).await;
    assert_eq!(seen.support(ProtocolVersion::Tls13), Support::Unknown(ProbeOutcome::Reset));
    assert_eq!(seen.support(ProtocolVersion::Tls12), Support::Supported);
    assert_eq!(seen.support(ProtocolVersion::Tls10), Support::Refused);
}

#[tokio::test]
async fn curves_behind_a_certificate_with_a_curve_are_found() {
    for own_order in [true, false] {
        let face = Face {
            versions: vec![ProtocolVersion::Tls12],
            suites: suites(&["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]),
            groups: vec![Group::X25519, Group(23), Group(24), Group(25)],
            certificate_curve: Some(Group(23)),
            own_order,
            ..Face::sound()
        };
        let seen = look(face).await;
        assert!(found(&seen, ProtocolVersion::Tls12).complete && found(&seen, ProtocolVersion::Tls12).suites.len() == 2);
        // A face chooses groups by its own order always: what stands behind the certificate's curve is never agreed to.
        assert_eq!((&seen.groups[0].groups[..2], seen.groups[0].complete), (&[Group::X25519, Group(23)][..], true), "{:#?}", seen.probes);
    }
}

#[tokio::test]
async fn a_staple_in_clear_is_kept() {
    let face = Face { versions: vec![ProtocolVersion::Tls12], staple: Some(Der(vec![1, 2, 3])), ..Face::sound() };
    assert_eq!(look(face).await.staple, Some(Der(vec![1, 2, 3])));
}

#[tokio::test]
async fn one_warning_before_the_hello_is_passed_over() {
    let seen = look_quickly(Misbehaviour::OneWarning).await;
    assert_eq!(seen.support(ProtocolVersion::Tls12), Support::Supported);
    assert!(found(&seen, ProtocolVersion::Tls12).complete);
}

#[tokio::test]
async fn the_budget_is_kept_and_told() {
    let dial = start(Face::sound()).await;
    let seen = survey(&dial, None, Limits { connections: 10, per_probe: QUICK }).await;
    assert_eq!((seen.connections, seen.stopped.clone(), seen.control.clone()), (10, Some(Stop::Budget), Some(ProbeOutcome::Hello)));
    assert!(seen.suites.iter().any(|s| !s.complete) || seen.suites.len() < 2);
}
