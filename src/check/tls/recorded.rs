//! Observations as a run records them, for tests.

use crate::probe::tls::{
    EarlyData, Feature, Group, Handshake, HashSeen, Order, ProbeOutcome, ProtocolVersion, Sni, Suite, Support, TlsSurvey, VersionGroups,
    VersionSuites, VersionSupport,
};

pub(in crate::check) fn suites(names: &[&str]) -> Vec<Suite> {
    names.iter().map(|n| Suite::from_name(n).unwrap()).collect()
}

pub(in crate::check) fn of(version: ProtocolVersion, names: &[&str]) -> VersionSuites {
    VersionSuites {
        version,
        suites: suites(names),
        ssl2: vec![],
        complete: true,
        stopped: None,
        order: Order::Server,
        reversed_choice: Suite::from_name(names[0]),
    }
}

pub(in crate::check) fn groups(version: ProtocolVersion, names: &[&str]) -> VersionGroups {
    let groups = names.iter().map(|n| Group::from_name(n).unwrap()).collect();
    VersionGroups { version, groups, complete: true, explicit_curve: false, stopped: None }
}

/// A recorded survey of a server that keeps to the recommendations.
pub(in crate::check) fn sound() -> TlsSurvey {
    use ProtocolVersion::{Ssl2, Ssl3, Tls10, Tls11, Tls12, Tls13};
    let support = |version, support| VersionSupport { version, support };
    TlsSurvey {
        server_name: None,
        versions: vec![
            support(Tls13, Support::Supported),
            support(Tls12, Support::Supported),
            support(Tls11, Support::Refused),
            support(Tls10, Support::Refused),
            support(Ssl3, Support::Refused),
            support(Ssl2, Support::Refused),
        ],
        suites: vec![
            of(Tls13, &["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"]),
            of(Tls12, &["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]),
        ],
        groups: vec![groups(Tls13, &["secp256r1", "secp384r1"]), groups(Tls12, &["secp256r1", "secp384r1"])],
        finite_fields: vec![],
        key_exchange_hash: HashSeen { sha1: Feature::No, sha224: Feature::No },
        extended_master_secret: Feature::Yes,
        secure_renegotiation: Feature::Yes,
        compression: Feature::No,
        fallback_scsv: Feature::Yes,
        encrypt_then_mac: Feature::NotApplicable,
        sni: Sni::NotNeeded,
        chains: vec![],
        staple: None,
        probes: vec![],
        connections: 30,
        stopped: None,
        control: Some(ProbeOutcome::Hello),
    }
}

pub(in crate::check) fn shaken(early_data: EarlyData) -> Handshake {
    Handshake {
        outcome: ProbeOutcome::Hello,
        trouble: None,
        server_name: "device.example".into(),
        version: Some(ProtocolVersion::Tls13),
        suite: None,
        group: None,
        alpn: None,
        chain: vec![],
        staple: None,
        client_certificate_asked: false,
        early_data,
        connections: 1,
    }
}

/// A target file that says no more than it must.
pub(in crate::check) fn target() -> crate::target::Target {
    let text = "target: 1\nproduct: {name: Hub, version: '1', vendor: {name: Vendor}}\n";
    crate::document::from_node(&crate::document::Node::read("target.yaml", text).unwrap()).unwrap()
}
