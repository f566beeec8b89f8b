//! A chain of certificates, a stapled response and a file of anchors: no panic, whatever they are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::probe::tls::certificate::{CertificatePolicy, Presented, RsaBits, TrustAnchors, certificate_verdict, judge_chain};
use probity::probe::tls::{Der, Tiers};
use time::OffsetDateTime;

fuzz_target!(|bytes: &[u8]| {
    let none = || Tiers { good: Vec::new(), sufficient: Vec::new(), phase_out: Vec::new() };
    let policy = CertificatePolicy {
        rsa_bits: RsaBits { sufficient: 3072, phase_out: 2048 },
        curves: none(),
        signature_hashes: none(),
        lifetimes: Vec::new(),
        renew_before_days: 30,
        tolerated: Vec::new(),
    };
    let half = bytes.len() / 2;
    let (first, second) = bytes.split_at(half);
    let anchors = TrustAnchors::with_pem(second).unwrap_or_else(|_| TrustAnchors::public());
    let now = OffsetDateTime::from_unix_timestamp(1_795_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    for chain in [vec![Der(bytes.to_vec())], vec![Der(first.to_vec()), Der(second.to_vec())]] {
        let staple = Der(second.to_vec());
        let presented =
            Presented { chain: &chain, staple: Some(&staple), staple_asked: true, server_name: "device.example", anchors: &anchors, now };
        let _ = certificate_verdict(&judge_chain(&presented, &policy), &presented);
    }
});
