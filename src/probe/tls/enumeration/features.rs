//! What a handshake is protected by, asked with one hello each: weak hashes, fallback, server name.

use super::super::exchange::{Ask, Want};
use super::super::hello::{ClientHello, SHA1_SIGNATURES, SHA224_SIGNATURES};
use super::super::survey::{Feature, Sni};
use super::super::{Group, ProbeOutcome, ProtocolVersion, Suite};
use super::{Run, Which, ephemeral};

impl<A: Ask> Run<A> {
    pub(super) async fn features(&mut self, older: &[ProtocolVersion]) {
        let name = self.name.clone();
        let groups = Group::curves();
        let named = older.iter().copied().find(|v| v.has_signature_algorithms() && self.speaks(*v));
        if let Some(version) = named {
            let signed: Vec<Suite> = ephemeral(version, Suite::is_signed);
            for (which, signatures, label) in [(Which::Sha1, SHA1_SIGNATURES, "SHA-1"), (Which::Sha224, SHA224_SIGNATURES, "SHA-224")] {
                let mut hello = ClientHello::new(version, &signed, &groups, name.as_deref());
                hello.signatures = &signatures;
                let reply = self.ask(format!("{version}, signatures with {label} only"), &hello, Want::KeyExchange).await;
                let feature = match &reply {
                    None => Feature::Unknown(self.why_stopped()),
                    // What counts is the hash that was used, where it was seen.
                    Some(r) if r.outcome == ProbeOutcome::Hello => match r.answer.signature {
                        Some(used) if signatures.contains(&used) => Feature::Yes,
                        Some(_) => Feature::No,
                        None => Feature::Unknown(ProbeOutcome::Malformed),
                    },
                    Some(r) if r.outcome.is_refusal() => {
                        self.refused_features.push((which, r.index, r.outcome.clone()));
                        Feature::No
                    }
                    Some(r) => Feature::Unknown(r.outcome.clone()),
                };
                match which {
                    Which::Sha1 => self.seen.key_exchange_hash.sha1 = feature,
                    Which::Sha224 | Which::Sni => self.seen.key_exchange_hash.sha224 = feature,
                }
            }
        }
        self.fallback().await;
        if name.is_some() {
            self.without_name(named).await;
        }
    }

    /// RFC 7507, where there is a version to fall back to.
    async fn fallback(&mut self) {
        let spoken: Vec<ProtocolVersion> = self.seen.spoken().collect();
        let [_, lower, ..] = spoken.as_slice() else { return };
        if *lower < ProtocolVersion::Ssl3 || lower.is_datagram() {
            return;
        }
        let (lower, name, groups) = (*lower, self.name.clone(), Group::curves());
        let usual = Suite::usual(lower);
        let mut hello = ClientHello::new(lower, usual.get(..Suite::MAX_OFFERED - 1).unwrap_or(usual), &groups, name.as_deref());
        hello.fallback = true;
        let reply = self.ask(format!("{lower} as a fallback"), &hello, Want::Hello).await;
        self.seen.fallback_scsv = match reply.map(|r| r.outcome) {
            Some(ProbeOutcome::Alert(86)) => Feature::Yes,
            Some(ProbeOutcome::Hello) => Feature::No,
            Some(outcome) => Feature::Unknown(outcome),
            None => Feature::Unknown(self.why_stopped()),
        };
    }

    async fn without_name(&mut self, shows_chain: Option<ProtocolVersion>) {
        let Some(agreed) = self.agreed.clone() else { return };
        // TLS 1.2 shows the certificate; TLS 1.3 shows only whether it answers.
        let version = shows_chain.unwrap_or(agreed.version);
        let suites = if version == agreed.version { agreed.suites.as_slice() } else { Suite::usual(version) };
        let groups = if version.is_13() { Group::of_13() } else { Group::curves() };
        let known = self.seen.chains.clone();
        let mut hello = ClientHello::new(version, suites, &groups, None);
        hello.key_share = self.needs_key_share && version.is_13();
        let reply = self.ask(format!("{version} without a server name"), &hello, Want::Flight).await;
        self.seen.sni = match reply {
            None => Sni::Unknown(self.why_stopped()),
            Some(r) if r.outcome == ProbeOutcome::Hello => {
                if r.answer.chain.is_empty() || known.is_empty() || known.contains(&r.answer.chain) {
                    Sni::NotNeeded
                } else {
                    // It was shown to somebody who asked for another name: not a chain of this endpoint.
                    self.seen.chains = known;
                    Sni::OtherCertificate
                }
            }
            Some(r) if r.outcome.is_refusal() || r.outcome == ProbeOutcome::Alert(112) => {
                self.refused_features.push((Which::Sni, r.index, r.outcome));
                Sni::Needed
            }
            Some(r) => Sni::Unknown(r.outcome),
        };
    }
}
