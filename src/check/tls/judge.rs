//! What a survey means against a policy. Pure.
//!
//! One rule holds for all: what was seen to be wrong fails, what could not be seen cannot be told,
//! and only what was seen whole passes. A fault that was seen counts even when the rest was not.

use super::policy::{Demand, PhaseOut, SuiteOrder};
use super::{Tier, TlsPolicy};
use crate::probe::tls::{
    EarlyData, Feature, Handshake, Order, ProbeOutcome, ProtocolVersion, Sni, Stop, Suite, Support, TlsSurvey, VersionSuites,
};
use crate::verdict::{Cause, Evidence, Outcome, Place, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

/// Only versions of the policy are spoken.
pub fn judge_versions(survey: &TlsSurvey, policy: &TlsPolicy) -> Verdict {
    if let Some(verdict) = unanswered(survey) {
        return verdict;
    }
    let mut finding = Finding::new(policy, "version", list(policy.versions.all()));
    let mut open = Vec::new();
    for seen in &survey.versions {
        let tier = policy.versions.tier(&seen.version);
        match &seen.support {
            Support::Supported => finding.saw(tier, seen.version.to_string(), "the server", "is spoken"),
            Support::Refused => {}
            // A version that may be spoken need not be.
            Support::Unknown(_) if tier != Tier::Insufficient => {}
            Support::Unknown(why) => open.push((seen.version.to_string(), why.clone())),
        }
    }
    let spoken = list(survey.spoken());
    let mut verdict = finding.verdict(survey, &open, || format!("Only {spoken} is spoken"), "whether it is spoken");
    let asides = [
        match survey.sni {
            Sni::Needed => Some("clients that send no server name are declined"),
            Sni::OtherCertificate => Some("clients that send no server name are shown another certificate"),
            Sni::NotNeeded | Sni::Unknown(_) | Sni::NotAsked => None,
        },
        (survey.fallback_scsv == Feature::No).then_some("clients that were talked down to an older version are not warned (RFC 7507)"),
    ];
    for aside in asides.into_iter().flatten() {
        verdict = verdict.note(aside);
    }
    verdict
}

/// Only suites of the policy are agreed to.
pub fn judge_suites(survey: &TlsSurvey, policy: &TlsPolicy) -> Verdict {
    if let Some(verdict) = unanswered(survey) {
        return verdict;
    }
    let mut finding = Finding::new(policy, "cipher suite", format!("{} suites of {}", policy.suites.all().count(), policy.name));
    let mut open = Vec::new();
    let mut count = 0;
    for version in survey.spoken() {
        let Some(seen) = survey.suites.iter().find(|s| s.version == version) else {
            open.push((format!("the suites of {version}"), ProbeOutcome::Budget));
            continue;
        };
        for suite in &seen.suites {
            count += 1;
            finding.saw(policy.suites.tier(suite), suite.to_string(), version.as_str(), "is agreed to");
        }
        for name in &seen.ssl2 {
            count += 1;
            finding.saw(Tier::Insufficient, name.clone(), version.as_str(), "is agreed to");
        }
        if !seen.complete {
            open.push((format!("the suites of {version}"), seen.stopped.clone().unwrap_or(ProbeOutcome::Budget)));
        }
    }
    finding.verdict(survey, &open, || format!("All {count} cipher suites agreed to are in {}", policy.name), "which others are agreed to")
}

/// Better suites are chosen before those on their way out.
pub fn judge_suite_order(survey: &TlsSurvey, policy: &TlsPolicy) -> Verdict {
    if let Some(verdict) = unanswered(survey) {
        return verdict;
    }
    if policy.suite_order == SuiteOrder::Any {
        return Verdict::inapplicable(format!("{} leaves the order of the suites to the client", policy.name));
    }
    let mixed: Vec<&VersionSuites> = survey.suites.iter().filter(|s| is_mixed(&s.suites, policy)).collect();
    if mixed.is_empty() {
        let incomplete = survey.suites.iter().find(|s| !s.complete);
        if let Some(seen) = incomplete {
            return cannot_tell(
                survey,
                &format!("the suites of {}", seen.version),
                seen.stopped.as_ref(),
                "which suites there are to order",
            );
        }
        return Verdict::inapplicable("All suites of a version are of one rank, so that their order does not matter");
    }
    let mut evidence = Vec::new();
    let mut open = None;
    for seen in mixed {
        // The first choice was made with the most plausible first, the other with the server's order reversed.
        let choices = [seen.suites.first().copied(), seen.reversed_choice];
        if seen.order == Order::Unknown {
            open = Some(seen);
        }
        let worse = choices.into_iter().flatten().find(|s| policy.suites.tier(s) >= Tier::PhaseOut);
        if let Some(worse) = worse {
            let why = if seen.order == Order::Client { "the client's order decides, and" } else { "the server's order decides, and" };
            evidence.push(
                Evidence::expected("better suites before those to be phased out, whatever the client prefers")
                    .observed(&format!("{why} {worse} was chosen though better ones were offered"))
                    .at(Place::of(seen.version.as_str()))
                    .clause(policy.source.clone()),
            );
        }
    }
    match (evidence.is_empty(), open) {
        (false, _) => Verdict::failed("A weaker cipher suite is chosen where a better one is offered").with_all(evidence),
        (true, Some(seen)) => cannot_tell(survey, &format!("the order of {}", seen.version), None, "who decides on the suite"),
        (true, None) => Verdict::passed("The server chooses its better cipher suites first"),
    }
}

fn is_mixed(suites: &[Suite], policy: &TlsPolicy) -> bool {
    let better = suites.iter().any(|s| policy.suites.tier(s) <= Tier::Sufficient);
    better && suites.iter().any(|s| policy.suites.tier(s) >= Tier::PhaseOut)
}

/// Only groups and finite fields of the policy are used for the key exchange.
pub fn judge_groups(survey: &TlsSurvey, policy: &TlsPolicy) -> Verdict {
    if let Some(verdict) = unanswered(survey) {
        return verdict;
    }
    let mut finding = Finding::new(policy, "group", list(policy.groups.all()));
    let mut open = Vec::new();
    let mut count = 0;
    for seen in &survey.groups {
        for group in &seen.groups {
            count += 1;
            finding.saw(policy.groups.tier(group), group.to_string(), seen.version.as_str(), "is used");
        }
        if seen.explicit_curve {
            count += 1;
            finding.saw(Tier::Insufficient, "a curve written out instead of named".into(), seen.version.as_str(), "is used");
        }
        if !seen.complete {
            open.push((format!("the groups of {}", seen.version), seen.stopped.clone().unwrap_or(ProbeOutcome::Budget)));
        }
    }
    for seen in &survey.finite_fields {
        count += 1;
        finding.saw(policy.finite_fields.tier(&seen.field), seen.field.to_string(), seen.version.as_str(), "is used");
    }
    // A finite field is seen with its suites only, so a list of suites that broke off leaves it open.
    let unseen = |v: &VersionSuites| !v.complete && !v.version.is_13();
    if let Some(seen) = survey.suites.iter().find(|s| unseen(s)) {
        open.push((format!("the finite fields of {}", seen.version), seen.stopped.clone().unwrap_or(ProbeOutcome::Budget)));
    }
    for version in survey.spoken().filter(|v| v.is_13() && !survey.groups.iter().any(|g| g.version == *v)) {
        open.push((format!("the groups of {version}"), ProbeOutcome::Budget));
    }
    if count == 0 && open.is_empty() {
        return Verdict::inapplicable("No suite with an ephemeral key exchange is agreed to; the suites are the fault");
    }
    let mut verdict = finding.verdict(survey, &open, || format!("All {count} groups used are in {}", policy.name), "which others are used");
    if survey.groups.iter().any(|g| g.groups.iter().any(|g| g.name().is_some_and(|n| n.contains("MLKEM")))) {
        verdict = verdict.note("a group that withstands quantum computers is offered");
    }
    verdict
}

/// The key exchange of TLS 1.2 is not signed with a weak hash.
pub fn judge_key_exchange_hash(survey: &TlsSurvey, policy: &TlsPolicy) -> Verdict {
    if let Some(verdict) = unanswered(survey) {
        return verdict;
    }
    let version = [ProtocolVersion::Tls12, ProtocolVersion::Dtls12].into_iter().find(|v| survey.support(*v) == Support::Supported);
    let Some(version) = version else {
        return Verdict::inapplicable("TLS 1.2 is not spoken; TLS 1.3 knows no weak hash here, and older versions always use one");
    };
    let suites = survey.suites.iter().find(|s| s.version == version);
    if suites.is_some_and(|s| s.complete && !s.suites.iter().any(|s| s.is_signed())) {
        return Verdict::inapplicable(format!("No suite of {version} has a key exchange that is signed"));
    }
    let mut finding = Finding::new(policy, "hash", "SHA-256 or better".into());
    let mut open = Vec::new();
    let seen = &survey.key_exchange_hash;
    for (name, feature, tier) in
        [("SHA-1", &seen.sha1, policy.key_exchange_hash.sha1), ("SHA-224", &seen.sha224, policy.key_exchange_hash.sha224)]
    {
        match feature {
            Feature::Yes => finding.saw(tier, name.into(), version.as_str(), "signs the key exchange when nothing better is offered"),
            Feature::No | Feature::NotApplicable => {}
            Feature::Unknown(_) if tier <= Tier::Sufficient => {}
            Feature::Unknown(why) => open.push((name.into(), why.clone())),
        }
    }
    finding.verdict(survey, &open, || "The key exchange is not signed with a weak hash".into(), "whether it signs the key exchange")
}

/// The extended master secret is used.
pub fn judge_extended_master_secret(survey: &TlsSurvey, policy: &TlsPolicy) -> Verdict {
    if let Some(verdict) = unanswered(survey) {
        return verdict;
    }
    if !survey.spoken().any(|v| !v.is_13() && v > ProtocolVersion::Ssl3) {
        return Verdict::inapplicable("Only TLS 1.3 is spoken, which has this built in");
    }
    demand(survey, policy, policy.extended_master_secret, &survey.extended_master_secret, &EXTENDED_MASTER_SECRET)
}

/// A feature of the handshake that a policy may demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TlsFeature {
    /// The extended master secret of RFC 7627.
    ExtendedMasterSecret,
    /// Encrypt-then-MAC of RFC 7366.
    EncryptThenMac,
    /// Secure renegotiation of RFC 5746.
    SecureRenegotiation,
    /// No compression.
    NoCompression,
    /// No early data (0-RTT) in TLS 1.3.
    NoEarlyData,
}

impl TlsFeature {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::ExtendedMasterSecret, Self::EncryptThenMac, Self::SecureRenegotiation, Self::NoCompression, Self::NoEarlyData];
}

/// These features are as the policy wants them.
pub fn judge_features(survey: &TlsSurvey, handshake: Option<&Handshake>, policy: &TlsPolicy, features: &[TlsFeature]) -> Verdict {
    if let Some(verdict) = unanswered(survey) {
        return verdict;
    }
    let no_compression = inverse(&survey.compression);
    worst_of(features.iter().map(|feature| match feature {
        TlsFeature::ExtendedMasterSecret => judge_extended_master_secret(survey, policy),
        TlsFeature::EncryptThenMac => demand(survey, policy, policy.encrypt_then_mac, &survey.encrypt_then_mac, &ENCRYPT_THEN_MAC),
        TlsFeature::SecureRenegotiation => {
            demand(survey, policy, policy.secure_renegotiation, &survey.secure_renegotiation, &SECURE_RENEGOTIATION)
        }
        TlsFeature::NoCompression => demand(survey, policy, policy.no_compression, &no_compression, &NO_COMPRESSION),
        TlsFeature::NoEarlyData => early_data(survey, handshake, policy),
    }))
}

/// Several verdicts as one: the worst decides, with its reasons and evidence.
pub(in crate::check) fn worst_of(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    let verdicts: Vec<Verdict> = verdicts.into_iter().collect();
    let worst = Outcome::worst(verdicts.iter().map(|v| v.outcome));
    let reasons: Vec<&str> = verdicts.iter().filter(|v| v.outcome == worst).map(|v| v.reason.as_str()).collect();
    let mut verdict = Verdict { outcome: worst, reason: reasons.join("; "), evidence: Vec::new(), cause: None, notes: Vec::new() };
    for part in verdicts {
        if part.outcome == worst {
            verdict.cause = verdict.cause.or(part.cause);
            verdict.evidence.extend(part.evidence);
        }
        for note in part.notes {
            if !verdict.notes.contains(&note) {
                verdict.notes.push(note);
            }
        }
    }
    verdict
}

fn early_data(survey: &TlsSurvey, handshake: Option<&Handshake>, policy: &TlsPolicy) -> Verdict {
    if policy.no_early_data == Demand::Unasked {
        return Verdict::inapplicable(format!("{} does not ask: no early data", policy.name));
    }
    if survey.support(ProtocolVersion::Tls13) != Support::Supported {
        return Verdict::inapplicable("Not of the versions spoken: early data");
    }
    let announced = |bytes: u32, seen: &str| {
        Evidence::expected("no early data (0-RTT)")
            .observed(&format!("a ticket announces {bytes} bytes, and {seen}"))
            .clause("RFC 8446, section 8")
    };
    let required = policy.no_early_data == Demand::Required;
    match handshake.map(|h| h.early_data) {
        Some(EarlyData::NotAnnounced | EarlyData::NoTicket) => Verdict::passed("Early data is not announced"),
        Some(EarlyData::Accepted(bytes)) if required => {
            Verdict::failed("Early data (0-RTT) is accepted, which somebody on the way may send again")
                .with(announced(bytes, "a client that came back was told that they are accepted"))
        }
        Some(EarlyData::Accepted(_)) => Verdict::passed("Early data is no demand").note("warning: early data (0-RTT) is accepted"),
        Some(EarlyData::Rejected(bytes)) => Verdict::passed("Early data is announced, but not accepted")
            .with(announced(bytes, "a client that came back was told that they are not accepted")),
        Some(EarlyData::Announced(bytes)) if required => {
            Verdict::cant_tell(Cause::Target, "Early data (0-RTT) is announced; whether it is accepted could not be seen")
                .with(announced(bytes, "a client that came back was not known"))
        }
        Some(EarlyData::Announced(_)) => Verdict::passed("Early data is no demand").note("warning: early data (0-RTT) is announced"),
        Some(EarlyData::NotApplicable) | None => Verdict::cant_tell(
            Cause::Target,
            "Whether early data is announced is shown by a finished handshake of TLS 1.3, and there was none",
        ),
    }
}

/// What is demanded, in words.
struct About {
    has: &'static str,
    lacks: &'static str,
    expected: &'static str,
    clause: &'static str,
}

const EXTENDED_MASTER_SECRET: About = About {
    has: "The extended master secret is used",
    lacks: "The extended master secret is not used",
    expected: "the extension extended_master_secret in the ServerHello",
    clause: "RFC 7627",
};
const NO_COMPRESSION: About =
    About { has: "Compression is off", lacks: "Compression is on", expected: "no compression", clause: "RFC 9325, section 3.3" };
const SECURE_RENEGOTIATION: About = About {
    has: "Secure renegotiation is supported",
    lacks: "Secure renegotiation is not supported",
    expected: "the extension renegotiation_info in the ServerHello",
    clause: "RFC 5746",
};
const ENCRYPT_THEN_MAC: About = About {
    has: "Suites in CBC mode encrypt before they authenticate",
    lacks: "Suites in CBC mode authenticate before they encrypt",
    expected: "the extension encrypt_then_mac in the ServerHello",
    clause: "RFC 7366",
};

fn inverse(feature: &Feature) -> Feature {
    match feature {
        Feature::Yes => Feature::No,
        Feature::No => Feature::Yes,
        Feature::Unknown(why) => Feature::Unknown(why.clone()),
        Feature::NotApplicable => Feature::NotApplicable,
    }
}

fn demand(survey: &TlsSurvey, policy: &TlsPolicy, wanted: Demand, feature: &Feature, about: &About) -> Verdict {
    match (wanted, feature) {
        (Demand::Unasked, _) => Verdict::inapplicable(format!("{} does not ask: {}", policy.name, about.expected)),
        (_, Feature::NotApplicable) => Verdict::inapplicable(format!("Not of the versions spoken: {}", about.expected)),
        (_, Feature::Yes) => Verdict::passed(about.has),
        (Demand::Recommended, Feature::No) => {
            Verdict::passed(format!("{} only recommends: {}", policy.name, about.expected)).note(format!("warning: {}", about.lacks))
        }
        (Demand::Required, Feature::No) => {
            Verdict::failed(about.lacks).with(Evidence::expected(about.expected).observed(about.lacks).clause(about.clause))
        }
        (Demand::Required | Demand::Recommended, Feature::Unknown(why)) => {
            cannot_tell(survey, about.expected, Some(why), "whether it is so")
        }
    }
}

/// What a survey found of one kind, against a policy.
struct Finding<'a> {
    policy: &'a TlsPolicy,
    what: &'static str,
    expected: String,
    faults: Vec<(String, Evidence)>,
    warnings: Vec<String>,
}

impl<'a> Finding<'a> {
    fn new(policy: &'a TlsPolicy, what: &'static str, expected: String) -> Self {
        Self { policy, what, expected, faults: Vec::new(), warnings: Vec::new() }
    }

    fn saw(&mut self, tier: Tier, name: String, place: &str, does: &str) {
        if self.policy.fails(tier) {
            let rank = if tier == Tier::PhaseOut { " (to be phased out)" } else { "" };
            let evidence = Evidence::expected(self.expected.clone())
                .observed(&format!("{name} {does}{rank}"))
                .at(Place::of(place))
                .clause(self.policy.source.clone());
            if !self.faults.iter().any(|(known, _)| *known == name) {
                self.faults.push((name, evidence));
            }
        } else if tier == Tier::PhaseOut {
            debug_assert!(self.policy.phase_out == PhaseOut::Warn, "phase-out that fails is a fault");
            let warning = format!("warning: {} {name} is to be phased out ({place})", self.what);
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    fn verdict(self, survey: &TlsSurvey, open: &[(String, ProbeOutcome)], sound: impl FnOnce() -> String, question: &str) -> Verdict {
        let names: Vec<&str> = self.faults.iter().map(|(name, _)| name.as_str()).collect();
        let mut verdict = match (names.as_slice(), open.first()) {
            ([], None) => Verdict::passed(sound()),
            ([], Some((about, why))) => cannot_tell(survey, about, Some(why), question),
            ([one], _) => Verdict::failed(format!("The {} {one} is not allowed by {}", self.what, self.policy.name)),
            ([first, rest @ ..], _) => {
                Verdict::failed(format!("The {} {first} and {} more are not allowed by {}", self.what, rest.len(), self.policy.name))
            }
        };
        if let (false, [(about, why), ..]) = (names.is_empty(), open) {
            verdict = verdict.note(format!("{about}: what was asked breaks off, since {}; there may be more", why.describe()));
        }
        verdict = verdict.with_all(self.faults.into_iter().map(|(_, evidence)| evidence));
        for warning in self.warnings {
            verdict = verdict.note(warning);
        }
        verdict.note(format!("{} connections were made", survey.connections))
    }
}

/// The verdict on a server that agreed to nothing.
fn unanswered(survey: &TlsSurvey) -> Option<Verdict> {
    let why = survey.nothing_agreed()?;
    let seen = survey.probes.iter().find_map(|p| p.seen.as_ref());
    let mut evidence = Evidence::expected("a ServerHello of some version").observed(&why.describe());
    if let (ProbeOutcome::NotTls, Some(seen)) = (&why, seen) {
        evidence = evidence.observed(seen.as_str());
    }
    let sentence = if why == ProbeOutcome::NotTls {
        "The port answers, but not in TLS".to_owned()
    } else {
        format!("No version of TLS was agreed to: {}", why.describe())
    };
    Some(
        Verdict::cant_tell(cause_of(survey, Some(&why)), sentence)
            .with(evidence)
            .note(format!("{} connections were made", survey.connections)),
    )
}

fn cannot_tell(survey: &TlsSurvey, about: &str, why: Option<&ProbeOutcome>, question: &str) -> Verdict {
    let because = match (&survey.stopped, why) {
        (Some(Stop::TwoTimeouts), _) => "the survey was stopped after two time-outs in a row".to_owned(),
        (_, Some(why)) => why.describe(),
        (_, None) => ProbeOutcome::Budget.describe(),
    };
    Verdict::cant_tell(cause_of(survey, why), format!("{about}: it cannot be told {question}, since {because}"))
        .with(Evidence::expected("a proper answer").observed(&because).at(Place::of(about)))
}

fn cause_of(survey: &TlsSurvey, why: Option<&ProbeOutcome>) -> Cause {
    match why {
        Some(ProbeOutcome::Budget) | None => Cause::Limit,
        Some(_) if survey.stopped == Some(Stop::Budget) && survey.spoken().next().is_none() => Cause::Limit,
        Some(_) => Cause::Target,
    }
}

fn list<T: std::fmt::Display>(things: impl Iterator<Item = T>) -> String {
    things.map(|t| t.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod policies;
#[cfg(test)]
mod tests;
