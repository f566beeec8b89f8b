//! The survey: which versions, suites, groups and features a server agrees to.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::answer::{Answer, KeyExchange};
use super::exchange::{Dial, Exchange, ProbeOutcome, Want, exchange};
use super::hello::{ClientHello, SHA1_SIGNATURES, SHA224_SIGNATURES, SSL2_CIPHERS, ssl2_hello};
use super::{Der, FiniteField, Group, ProtocolVersion, Suite};
use crate::verdict::Untrusted;

/// What a survey may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most connections.
    pub connections: u32,
    /// Time for one connection, everything included.
    pub per_probe: Duration,
}

impl Default for Limits {
    /// 60 connections of 5 seconds: what a small device takes without harm (rows T1 and "standard mode").
    fn default() -> Self {
        Self { connections: 60, per_probe: Duration::from_secs(5) }
    }
}

/// One connection: what it was for and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What was asked.
    pub purpose: String,
    /// How it ended.
    pub outcome: ProbeOutcome,
    /// The version agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ProtocolVersion>,
    /// The suite agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite: Option<Suite>,
    /// The group agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// The beginning of an answer that is not TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Untrusted>,
}

/// Whether a version is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Support {
    /// Agreed to.
    Supported,
    /// Properly declined, by a server that agreed to another version.
    Refused,
    /// It cannot be told.
    Unknown(ProbeOutcome),
}

/// A version and whether it is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSupport {
    /// The version.
    pub version: ProtocolVersion,
    /// Whether it is spoken.
    pub support: Support,
}

/// Who decides which suite is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The server, by its own order.
    Server,
    /// The client: the server takes the first it knows.
    Client,
    /// There is one suite only.
    Single,
    /// It was not asked, or not answered.
    Unknown,
}

/// The suites of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSuites {
    /// The version.
    pub version: ProtocolVersion,
    /// The suites agreed to, in the order in which the server chose them. For SSL 2.0 this stays
    /// empty and `ssl2` has the names.
    pub suites: Vec<Suite>,
    /// The cipher kinds of SSL 2.0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ssl2: Vec<String>,
    /// Every suite was offered, and those not listed were properly declined.
    pub complete: bool,
    /// What ended the enumeration early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<ProbeOutcome>,
    /// Who decides.
    pub order: Order,
    /// What the server chose when its suites were offered in the reverse of the order above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversed_choice: Option<Suite>,
}

/// The groups of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionGroups {
    /// The version.
    pub version: ProtocolVersion,
    /// The groups agreed to, in the order in which the server chose them.
    pub groups: Vec<Group>,
    /// Every group was offered, and those not listed were properly declined.
    pub complete: bool,
    /// The server sends a curve written out instead of a named one.
    #[serde(default)]
    pub explicit_curve: bool,
    /// What ended the enumeration early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<ProbeOutcome>,
}

/// A finite field that a server sent for a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhSeen {
    /// The version.
    pub version: ProtocolVersion,
    /// A suite with which it was sent.
    pub suite: Suite,
    /// The field.
    pub field: FiniteField,
}

/// Whether a server has a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// It has.
    Yes,
    /// It has not.
    No,
    /// It cannot be told.
    Unknown(ProbeOutcome),
    /// The feature is of versions that this server does not speak.
    NotApplicable,
}

/// What a server did when only weak hashes were offered for the signature of the key exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashSeen {
    /// Only SHA-1 was offered: accepted?
    pub sha1: Feature,
    /// Only SHA-224 was offered: accepted?
    pub sha224: Feature,
}

/// Whether the server answers without a server name, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sni {
    /// It declines a hello without a name.
    Needed,
    /// It shows another certificate.
    OtherCertificate,
    /// It answers just the same, as far as can be seen.
    NotNeeded,
    /// It cannot be told.
    Unknown(ProbeOutcome),
    /// No name was given to ask with.
    NotAsked,
}

/// Why a survey ended before its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// Two time-outs in a row.
    TwoTimeouts,
    /// Two attempts to connect in a row failed.
    Unreachable,
    /// The budget of connections is used up.
    Budget,
    /// No version was agreed to, so there is nothing more to ask.
    NothingAgreed,
}

/// All that a survey saw. Plain data; what it means is judged elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSurvey {
    /// The name sent with each hello.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The versions, the newest first.
    pub versions: Vec<VersionSupport>,
    /// The suites of each version spoken.
    pub suites: Vec<VersionSuites>,
    /// The groups of TLS 1.2 and 1.3, where spoken.
    pub groups: Vec<VersionGroups>,
    /// The finite fields seen, up to TLS 1.2.
    pub finite_fields: Vec<DhSeen>,
    /// Weak hashes in the key exchange of TLS 1.2.
    pub key_exchange_hash: HashSeen,
    /// RFC 7627, up to TLS 1.2.
    pub extended_master_secret: Feature,
    /// RFC 5746, up to TLS 1.2.
    pub secure_renegotiation: Feature,
    /// DEFLATE, up to TLS 1.2.
    pub compression: Feature,
    /// RFC 7507: a fallback is noticed.
    pub fallback_scsv: Feature,
    /// RFC 7366: agreed with every suite in CBC mode, up to TLS 1.2.
    pub encrypt_then_mac: Feature,
    /// Whether a server name is needed.
    pub sni: Sni,
    /// The chains seen in clear, each once.
    pub chains: Vec<Vec<Der>>,
    /// The OCSP response seen in clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staple: Option<Der>,
    /// Every connection, in order.
    pub probes: Vec<Probe>,
    /// The number of connections tried.
    pub connections: u32,
    /// Why it ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stop>,
    /// How the repetition of the first agreed hello ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ProbeOutcome>,
}

/// Most chains that are kept: one for each kind of key is what servers have.
const MAX_CHAINS: usize = 4;

impl TlsSurvey {
    /// Whether the version is spoken; a version that was never asked is unknown.
    pub fn support(&self, version: ProtocolVersion) -> Support {
        self.versions.iter().find(|v| v.version == version).map_or(Support::Unknown(ProbeOutcome::Budget), |v| v.support.clone())
    }

    /// The versions spoken, the newest first.
    pub fn spoken(&self) -> impl Iterator<Item = ProtocolVersion> + '_ {
        self.versions.iter().filter(|v| v.support == Support::Supported).map(|v| v.version)
    }

    /// The first thing that kept the survey from agreeing to anything, if it agreed to nothing.
    pub fn nothing_agreed(&self) -> Option<ProbeOutcome> {
        if self.spoken().next().is_some() {
            return None;
        }
        // What the port says in plain text, or that it is closed, explains more than a later reset.
        let telling = |o: &ProbeOutcome| matches!(o, ProbeOutcome::NotTls | ProbeOutcome::Refused | ProbeOutcome::Unreachable(_));
        let outcomes = || self.probes.iter().map(|p| &p.outcome);
        outcomes().find(|o| telling(o)).or_else(|| outcomes().next()).cloned().or(Some(ProbeOutcome::Budget))
    }
}

/// Surveys one endpoint over a stream. `server_name` is a DNS name, or nothing for an address.
pub async fn survey<D: Dial>(dial: &D, server_name: Option<&str>, limits: Limits) -> TlsSurvey {
    let mut run = Run::new(dial, server_name, limits);
    run.versions().await;
    if run.agreed.is_none() {
        run.seen.stopped.get_or_insert(Stop::NothingAgreed);
        return run.finish();
    }
    if run.speaks(ProtocolVersion::Tls13) {
        run.suites(ProtocolVersion::Tls13).await;
        run.groups(ProtocolVersion::Tls13).await;
    }
    run.features().await;
    let older = [ProtocolVersion::Tls12, ProtocolVersion::Tls11, ProtocolVersion::Tls10, ProtocolVersion::Ssl3];
    if let Some(newest) = older.into_iter().find(|v| run.speaks(*v)) {
        run.groups(newest).await;
    }
    for version in older {
        if run.speaks(version) {
            run.suites(version).await;
        }
    }
    run.control().await;
    run.finish()
}

/// What a probe gave, with its place in the list.
pub(super) struct Reply {
    outcome: ProbeOutcome,
    answer: Answer,
    index: usize,
}

impl Reply {
    fn suite(&self) -> Option<Suite> {
        self.answer.hello.as_ref().map(|h| h.suite)
    }
    /// The group, from the key share or the parameters of the key exchange.
    fn group(&self) -> Option<Group> {
        group_of(&self.answer)
    }
}

fn group_of(answer: &Answer) -> Option<Group> {
    answer.hello.as_ref().and_then(|h| h.group).or(match answer.key_exchange {
        Some(KeyExchange::Curve(group)) => Some(group),
        Some(KeyExchange::ExplicitCurve | KeyExchange::Field(_)) | None => None,
    })
}

/// A hello to repeat: version, suites.
#[derive(Clone)]
struct Agreed {
    version: ProtocolVersion,
    suites: Vec<Suite>,
}

struct Run<'a, D> {
    dial: &'a D,
    limits: Limits,
    name: Option<String>,
    seen: TlsSurvey,
    timeouts: u32,
    unreachable: u32,
    agreed: Option<Agreed>,
    last_agreed: usize,
    /// Refusals that are believed only if the control agrees, by the index of their probe.
    refused_versions: Vec<(ProtocolVersion, usize, ProbeOutcome)>,
    ended_suites: Vec<(ProtocolVersion, usize)>,
    ended_groups: Vec<(ProtocolVersion, usize)>,
    refused_features: Vec<(Which, usize, ProbeOutcome)>,
    /// The server wants a key share even though it is to be asked for one.
    needs_key_share: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Sha1,
    Sha224,
    Sni,
}

impl<'a, D: Dial> Run<'a, D> {
    fn new(dial: &'a D, server_name: Option<&str>, limits: Limits) -> Self {
        let unasked = || Feature::NotApplicable;
        Self {
            dial,
            limits,
            name: server_name.map(|n| n.trim_end_matches('.').to_owned()),
            seen: TlsSurvey {
                server_name: server_name.map(ToOwned::to_owned),
                versions: Vec::new(),
                suites: Vec::new(),
                groups: Vec::new(),
                finite_fields: Vec::new(),
                key_exchange_hash: HashSeen { sha1: unasked(), sha224: unasked() },
                extended_master_secret: unasked(),
                secure_renegotiation: unasked(),
                compression: unasked(),
                fallback_scsv: unasked(),
                encrypt_then_mac: unasked(),
                sni: Sni::NotAsked,
                chains: Vec::new(),
                staple: None,
                probes: Vec::new(),
                connections: 0,
                stopped: None,
                control: None,
            },
            timeouts: 0,
            unreachable: 0,
            agreed: None,
            last_agreed: 0,
            refused_versions: Vec::new(),
            ended_suites: Vec::new(),
            ended_groups: Vec::new(),
            refused_features: Vec::new(),
            needs_key_share: false,
        }
    }

    fn speaks(&self, version: ProtocolVersion) -> bool {
        self.seen.support(version) == Support::Supported
    }

    fn note(&mut self, version: ProtocolVersion, support: Support) {
        match self.seen.versions.iter_mut().find(|v| v.version == version) {
            Some(known) if known.support == Support::Supported => {}
            Some(known) => known.support = support,
            None => self.seen.versions.push(VersionSupport { version, support }),
        }
    }

    /// Sends bytes over a connection of their own. `None` once the survey has been stopped.
    async fn send(&mut self, purpose: String, bytes: &[u8], want: Want) -> Option<(Exchange, usize)> {
        if self.seen.stopped.is_some() {
            return None;
        }
        // One connection is kept back for the control.
        let reserve = u32::from(self.agreed.is_some() && purpose != CONTROL);
        if self.seen.connections + reserve >= self.limits.connections {
            self.seen.stopped = Some(Stop::Budget);
            return None;
        }
        self.seen.connections += 1;
        let deadline = Instant::now() + self.limits.per_probe;
        let dialled = tokio::time::timeout_at(deadline, self.dial.dial(&purpose)).await;
        let done = match dialled {
            Ok(Ok(mut stream)) => exchange(&mut stream, bytes, want, deadline).await,
            Ok(Err(error)) => {
                let outcome = ProbeOutcome::from(error);
                let late = outcome == ProbeOutcome::Timeout;
                Exchange { outcome, answer: Answer::default(), seen: None, late }
            }
            Err(_) => Exchange { outcome: ProbeOutcome::Timeout, answer: Answer::default(), seen: None, late: true },
        };
        self.timeouts = if done.late { self.timeouts + 1 } else { 0 };
        let down = matches!(done.outcome, ProbeOutcome::Refused | ProbeOutcome::Unreachable(_));
        self.unreachable = if down { self.unreachable + 1 } else { 0 };
        if self.timeouts >= 2 {
            self.seen.stopped = Some(Stop::TwoTimeouts);
        } else if self.unreachable >= 2 {
            self.seen.stopped = Some(Stop::Unreachable);
        } else if done.outcome == ProbeOutcome::Budget {
            self.seen.stopped = Some(Stop::Budget);
        }
        self.seen.probes.push(Probe {
            purpose,
            outcome: done.outcome.clone(),
            version: done.answer.hello.as_ref().and_then(|h| ProtocolVersion::from_code(h.version)),
            suite: done.answer.hello.as_ref().map(|h| h.suite),
            group: group_of(&done.answer),
            seen: done.seen.clone(),
        });
        Some((done, self.seen.probes.len() - 1))
    }

    /// Sends a hello and checks that the answer is one of what was offered.
    async fn ask(&mut self, purpose: String, hello: &ClientHello<'_>, want: Want) -> Option<Reply> {
        let (done, index) = self.send(purpose, &hello.record(), want).await?;
        let mut outcome = done.outcome;
        if let (ProbeOutcome::Hello, Some(answer)) = (&outcome, &done.answer.hello) {
            let agreed = ProtocolVersion::from_code(answer.version);
            // A lower version is an answer too: it declines the one that was asked for.
            if !agreed.is_some_and(|v| v > ProtocolVersion::Ssl2 && v <= hello.version) {
                outcome = ProbeOutcome::UnofferedVersion;
            } else if !hello.suites.contains(&answer.suite) {
                outcome = ProbeOutcome::UnofferedSuite;
            }
        }
        if outcome == ProbeOutcome::Hello {
            self.last_agreed = index;
            self.keep(&done.answer);
            if self.agreed.is_none() && done.answer.hello.as_ref().is_some_and(|h| h.version == hello.version.code()) {
                self.agreed = Some(Agreed { version: hello.version, suites: hello.suites.to_vec() });
            }
        } else if let Some(probe) = self.seen.probes.get_mut(index) {
            probe.outcome = outcome.clone();
        }
        Some(Reply { outcome, answer: done.answer, index })
    }

    /// Keeps what any answer may show in passing.
    fn keep(&mut self, answer: &Answer) {
        if !answer.chain.is_empty() && self.seen.chains.len() < MAX_CHAINS && !self.seen.chains.contains(&answer.chain) {
            self.seen.chains.push(answer.chain.clone());
        }
        if self.seen.staple.is_none() {
            self.seen.staple.clone_from(&answer.staple);
        }
        let Some(hello) = &answer.hello else { return };
        let Some(version) = ProtocolVersion::from_code(hello.version).filter(|v| !v.is_13()) else { return };
        if let Some(KeyExchange::Field(field)) = &answer.key_exchange {
            let known = self.seen.finite_fields.iter().any(|seen| seen.version == version && seen.field == *field);
            if !known {
                self.seen.finite_fields.push(DhSeen { version, suite: hello.suite, field: field.clone() });
            }
        }
        if version >= ProtocolVersion::Tls10 {
            // One hello without it is enough: an extension that is offered always is agreed to always.
            let told = |feature: &mut Feature, has: bool| match feature {
                Feature::No => {}
                Feature::Yes | Feature::Unknown(_) | Feature::NotApplicable => *feature = if has { Feature::Yes } else { Feature::No },
            };
            told(&mut self.seen.extended_master_secret, hello.extended_master_secret);
            told(&mut self.seen.secure_renegotiation, hello.secure_renegotiation);
            if hello.suite.name().is_some_and(|n| n.contains("_CBC_")) {
                told(&mut self.seen.encrypt_then_mac, hello.encrypt_then_mac);
            }
        }
        if hello.compression != 0 {
            self.seen.compression = Feature::Yes;
        }
    }

    async fn versions(&mut self) {
        for version in ProtocolVersion::STREAM {
            if self.speaks(version) {
                // It was the answer to a higher version already.
                continue;
            }
            match version {
                ProtocolVersion::Ssl2 => self.ssl2().await,
                ProtocolVersion::Tls13 => self.tls13().await,
                ProtocolVersion::Tls12
                | ProtocolVersion::Tls11
                | ProtocolVersion::Tls10
                | ProtocolVersion::Ssl3
                | ProtocolVersion::Dtls10
                | ProtocolVersion::Dtls12
                | ProtocolVersion::Dtls13 => self.version(version).await,
            }
        }
    }

    async fn tls13(&mut self) {
        let version = ProtocolVersion::Tls13;
        let groups = Group::of_13();
        let name = self.name.clone();
        let mut hello = ClientHello::new(version, Suite::pool(version), &groups, name.as_deref());
        let mut reply = self.ask("TLS 1.3".into(), &hello, Want::Hello).await;
        // Most decline an unknown version with 70 or 40. Anything else may be dislike of the empty list.
        if matches!(&reply, Some(r) if matches!(r.outcome, ProbeOutcome::Alert(n) if n != 70 && n != 40)) {
            hello.key_share = true;
            let again = self.ask("TLS 1.3 with a key share".into(), &hello, Want::Hello).await;
            if matches!(&again, Some(r) if r.outcome == ProbeOutcome::Hello) {
                self.needs_key_share = true;
                reply = again;
            }
        }
        self.settle(version, reply);
    }

    async fn version(&mut self, version: ProtocolVersion) {
        let groups = Group::curves();
        let name = self.name.clone();
        let mut reply = None;
        for (round, suites) in Suite::pool(version).chunks(Suite::MAX_OFFERED).enumerate() {
            let mut hello = ClientHello::new(version, suites, &groups, name.as_deref());
            hello.deflate = version != ProtocolVersion::Ssl3;
            let purpose = if round == 0 { version.to_string() } else { format!("{version}, rare suites {round}") };
            reply = self.ask(purpose, &hello, Want::Flight).await;
            if let Some(Reply { outcome: ProbeOutcome::Hello, answer: Answer { hello: Some(agreed), .. }, .. }) = &reply
                && self.seen.compression != Feature::Yes
                && agreed.version >= ProtocolVersion::Tls10.code()
            {
                self.seen.compression = if agreed.compression == 0 { Feature::No } else { Feature::Yes };
            }
            // "No suite in common" is about the suites, so the rare ones are offered before it is believed.
            if !matches!(&reply, Some(r) if matches!(r.outcome, ProbeOutcome::Alert(40 | 71))) {
                break;
            }
        }
        self.settle(version, reply);
    }

    /// Draws what can be drawn from the answer to the question for one version.
    fn settle(&mut self, version: ProtocolVersion, reply: Option<Reply>) {
        let Some(reply) = reply else {
            self.note(version, Support::Unknown(ProbeOutcome::Budget));
            return;
        };
        let agreed = reply.answer.hello.as_ref().and_then(|h| ProtocolVersion::from_code(h.version));
        if reply.outcome == ProbeOutcome::Hello && agreed == Some(version) {
            self.note(version, Support::Supported);
        } else if reply.outcome == ProbeOutcome::Hello || reply.outcome.is_refusal() {
            self.refused_versions.push((version, reply.index, reply.outcome));
            self.note(version, Support::Refused);
            if let Some(lower) = agreed {
                self.note(lower, Support::Supported);
                let suites = reply.answer.hello.iter().map(|h| h.suite).collect();
                self.agreed.get_or_insert(Agreed { version: lower, suites });
            }
        } else {
            self.note(version, Support::Unknown(reply.outcome));
        }
    }

    async fn ssl2(&mut self) {
        let version = ProtocolVersion::Ssl2;
        let Some((done, index)) = self.send(version.to_string(), &ssl2_hello(), Want::Flight).await else {
            self.note(version, Support::Unknown(ProbeOutcome::Budget));
            return;
        };
        match (done.outcome, done.answer.ssl2_ciphers) {
            (ProbeOutcome::Hello, Some(ciphers)) => {
                self.last_agreed = index;
                let name = |code: &u32| {
                    SSL2_CIPHERS.iter().find(|(c, _)| c == code).map_or_else(|| format!("0x{code:06x}"), |(_, n)| (*n).to_owned())
                };
                let names: Vec<String> = ciphers.iter().take(32).map(name).collect();
                // A hello without a cipher in common is how old servers say no.
                let support = if names.is_empty() { Support::Refused } else { Support::Supported };
                if !names.is_empty() {
                    if !done.answer.chain.is_empty() && self.seen.chains.len() < MAX_CHAINS {
                        self.seen.chains.push(done.answer.chain);
                    }
                    self.seen.suites.push(VersionSuites {
                        version,
                        suites: Vec::new(),
                        ssl2: names,
                        complete: true,
                        stopped: None,
                        order: Order::Client,
                        reversed_choice: None,
                    });
                }
                self.note(version, support);
            }
            // Any alert: the server took the hello for one it does not understand.
            (outcome @ (ProbeOutcome::Alert(_) | ProbeOutcome::Closed), _) => {
                self.refused_versions.push((version, index, outcome));
                self.note(version, Support::Refused);
            }
            (ProbeOutcome::Hello, None) => self.note(version, Support::Unknown(ProbeOutcome::UnofferedVersion)),
            (outcome, _) => self.note(version, Support::Unknown(outcome)),
        }
    }

    /// The suites of a version: offer, take the chosen one out, offer the rest, until it is declined.
    async fn suites(&mut self, version: ProtocolVersion) {
        let groups = if version.is_13() { Group::of_13() } else { Group::curves() };
        let name = self.name.clone();
        let mut found: Vec<Suite> = Vec::new();
        let mut stopped = None;
        let mut last = self.last_agreed;
        'all: for (round, chunk) in Suite::pool(version).chunks(Suite::MAX_OFFERED).enumerate() {
            let mut left = chunk.to_vec();
            if round == 0 {
                // The first choice is known from the question for the version.
                if let Some(first) = self.first_choice(version).filter(|s| left.contains(s)) {
                    left.retain(|s| *s != first);
                    found.push(first);
                }
            }
            while !left.is_empty() {
                let mut hello = ClientHello::new(version, &left, &groups, name.as_deref());
                hello.key_share = self.needs_key_share;
                let purpose = format!("{version}, suites {}, {} known", round + 1, found.len());
                let Some(reply) = self.ask(purpose, &hello, Want::KeyExchange).await else {
                    stopped = Some(self.why_stopped());
                    break 'all;
                };
                last = reply.index;
                let lower = reply.answer.hello.as_ref().is_some_and(|h| h.version != version.code());
                match (&reply.outcome, reply.suite()) {
                    (ProbeOutcome::Hello, Some(suite)) if !lower => {
                        left.retain(|s| *s != suite);
                        found.push(suite);
                    }
                    // With none of these it would rather speak an older version: declined.
                    (ProbeOutcome::Hello, _) => break,
                    (outcome, _) if outcome.is_refusal() => break,
                    (outcome, _) => {
                        stopped = Some(outcome.clone());
                        break 'all;
                    }
                }
            }
        }
        let mut list = VersionSuites {
            version,
            complete: stopped.is_none(),
            suites: found,
            ssl2: Vec::new(),
            stopped,
            order: Order::Unknown,
            reversed_choice: None,
        };
        self.order(&mut list, &groups).await;
        self.ended_suites.push((version, last));
        self.seen.suites.push(list);
    }

    /// Who decides: the suites found are offered the other way round.
    async fn order(&mut self, list: &mut VersionSuites, groups: &[Group]) {
        let [first, .., _] = list.suites.as_slice() else {
            if list.suites.len() == 1 {
                list.order = Order::Single;
            }
            return;
        };
        let first = *first;
        let mut reversed: Vec<Suite> = list.suites.iter().rev().copied().take(Suite::MAX_OFFERED - 1).collect();
        // Many servers prefer ChaCha20 for clients that put it first, whatever their own order is.
        let chacha = |s: &Suite| s.name().is_some_and(|n| n.contains("CHACHA20"));
        if let Some(other) = reversed.iter().position(|s| !chacha(s) && *s != first) {
            reversed.swap(0, other);
        }
        if !reversed.contains(&first) {
            reversed.push(first);
        }
        let name = self.name.clone();
        let mut hello = ClientHello::new(list.version, &reversed, groups, name.as_deref());
        hello.key_share = self.needs_key_share;
        let Some(reply) = self.ask(format!("{}, order", list.version), &hello, Want::Hello).await else { return };
        if let (ProbeOutcome::Hello, Some(choice)) = (&reply.outcome, reply.suite()) {
            list.reversed_choice = Some(choice);
            list.order = if reversed.first() == Some(&choice) { Order::Client } else { Order::Server };
        }
    }

    /// The suite that the server chose when it was asked for this version.
    fn first_choice(&self, version: ProtocolVersion) -> Option<Suite> {
        let agreed = |p: &&Probe| p.outcome == ProbeOutcome::Hello && p.version == Some(version) && p.purpose == version.as_str();
        self.seen.probes.iter().find(agreed).and_then(|p| p.suite)
    }

    /// The groups of a version, found as the suites are.
    async fn groups(&mut self, version: ProtocolVersion) {
        let mut left = if version.is_13() { Group::of_13() } else { Group::curves() };
        let suites: Vec<Suite> = match version.is_13() {
            true => self.seen.suites.iter().find(|s| s.version == version).map(|s| s.suites.clone()).unwrap_or_default(),
            false => Suite::pool(version).iter().filter(|s| s.is_ecdhe() && !s.is_psk()).copied().take(Suite::MAX_OFFERED).collect(),
        };
        let mut list = VersionGroups { version, groups: Vec::new(), complete: true, explicit_curve: false, stopped: None };
        if version.is_13() {
            let first = self.seen.probes.iter().find(|p| p.version == Some(version) && p.outcome == ProbeOutcome::Hello);
            // Where a key share was needed, the group of the first answer is ours, not the server's choice.
            if let Some(first) = first.and_then(|p| p.group).filter(|_| !self.needs_key_share) {
                left.retain(|g| *g != first);
                list.groups.push(first);
            }
        }
        let name = self.name.clone();
        let mut last = self.last_agreed;
        while !left.is_empty() {
            let mut hello = ClientHello::new(version, &suites, &left, name.as_deref());
            hello.key_share = self.needs_key_share && left.contains(&Group::X25519);
            let purpose = format!("{version}, groups, {} known", list.groups.len());
            let Some(reply) = self.ask(purpose, &hello, Want::KeyExchange).await else {
                list.stopped = Some(self.why_stopped());
                break;
            };
            last = reply.index;
            let lower = reply.answer.hello.as_ref().is_some_and(|h| h.version != version.code());
            match (&reply.outcome, reply.group()) {
                (ProbeOutcome::Hello, Some(group)) if !lower && left.contains(&group) => {
                    left.retain(|g| *g != group);
                    list.groups.push(group);
                }
                // An old server that has one curve and does not look at the offer.
                (ProbeOutcome::Hello, Some(group)) if !lower => {
                    if !list.groups.contains(&group) {
                        list.groups.push(group);
                    }
                    break;
                }
                (ProbeOutcome::Hello, None) if reply.answer.key_exchange == Some(KeyExchange::ExplicitCurve) => {
                    list.explicit_curve = true;
                    break;
                }
                (ProbeOutcome::Hello, _) if lower => break,
                (outcome, _) if outcome.is_refusal() => break,
                (outcome, _) => {
                    list.stopped = Some(outcome.clone());
                    break;
                }
            }
        }
        list.complete = list.stopped.is_none();
        self.ended_groups.push((version, last));
        self.seen.groups.push(list);
    }

    async fn features(&mut self) {
        let name = self.name.clone();
        let groups = Group::curves();
        let signed: Vec<Suite> =
            Suite::pool(ProtocolVersion::Tls12).iter().filter(|s| s.is_signed()).copied().take(Suite::MAX_OFFERED).collect();
        if self.speaks(ProtocolVersion::Tls12) {
            for (which, signatures, label) in [(Which::Sha1, SHA1_SIGNATURES, "SHA-1"), (Which::Sha224, SHA224_SIGNATURES, "SHA-224")] {
                let mut hello = ClientHello::new(ProtocolVersion::Tls12, &signed, &groups, name.as_deref());
                hello.signatures = &signatures;
                let reply = self.ask(format!("TLS 1.2, signatures with {label} only"), &hello, Want::KeyExchange).await;
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
            self.without_name().await;
        }
    }

    /// RFC 7507, where there is a version to fall back to.
    async fn fallback(&mut self) {
        let spoken: Vec<ProtocolVersion> = self.seen.spoken().collect();
        let [_, lower, ..] = spoken.as_slice() else { return };
        if *lower < ProtocolVersion::Ssl3 {
            return;
        }
        let (lower, name, groups) = (*lower, self.name.clone(), Group::curves());
        let pool = Suite::pool(lower);
        let mut hello = ClientHello::new(lower, pool.get(..Suite::MAX_OFFERED - 1).unwrap_or(pool), &groups, name.as_deref());
        hello.fallback = true;
        let reply = self.ask(format!("{lower} as a fallback"), &hello, Want::Hello).await;
        self.seen.fallback_scsv = match reply.map(|r| r.outcome) {
            Some(ProbeOutcome::Alert(86)) => Feature::Yes,
            Some(ProbeOutcome::Hello) => Feature::No,
            Some(outcome) => Feature::Unknown(outcome),
            None => Feature::Unknown(self.why_stopped()),
        };
    }

    async fn without_name(&mut self) {
        let Some(agreed) = self.agreed.clone() else { return };
        // TLS 1.2 shows the certificate; TLS 1.3 shows only whether it answers.
        let version = if self.speaks(ProtocolVersion::Tls12) { ProtocolVersion::Tls12 } else { agreed.version };
        let pool = Suite::pool(version);
        let suites = if version == agreed.version { agreed.suites.as_slice() } else { pool.get(..Suite::MAX_OFFERED).unwrap_or(pool) };
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

    /// Repeats the first agreed hello.
    async fn control(&mut self) {
        let Some(agreed) = self.agreed.clone() else { return };
        let before = self.last_agreed;
        // A used-up budget is ours, not the server's: the control was kept back for this.
        if self.seen.stopped == Some(Stop::Budget) {
            self.seen.stopped = None;
        }
        let stopped_by_budget = self.seen.connections + 1 >= self.limits.connections;
        let groups = if agreed.version.is_13() { Group::of_13() } else { Group::curves() };
        let name = self.name.clone();
        let mut hello = ClientHello::new(agreed.version, &agreed.suites, &groups, name.as_deref());
        hello.key_share = self.needs_key_share && agreed.version.is_13();
        let reply = self.ask(CONTROL.into(), &hello, Want::Hello).await;
        if stopped_by_budget {
            self.seen.stopped.get_or_insert(Stop::Budget);
        }
        let outcome = reply.map(|r| r.outcome);
        if outcome != Some(ProbeOutcome::Hello) {
            self.doubt(before, outcome.clone().unwrap_or(ProbeOutcome::Timeout));
        }
        self.seen.control = outcome;
    }

    /// Takes back every refusal since the last agreement.
    fn doubt(&mut self, last_agreed: usize, why: ProbeOutcome) {
        for (version, index, outcome) in std::mem::take(&mut self.refused_versions) {
            if index > last_agreed && outcome != ProbeOutcome::Hello {
                self.note(version, Support::Unknown(why.clone()));
            }
        }
        for (version, index) in std::mem::take(&mut self.ended_suites) {
            if let Some(list) = self.seen.suites.iter_mut().find(|s| s.version == version && s.complete && index > last_agreed) {
                list.complete = false;
                list.stopped = Some(why.clone());
            }
        }
        for (version, index) in std::mem::take(&mut self.ended_groups) {
            if let Some(list) = self.seen.groups.iter_mut().find(|s| s.version == version && s.complete && index > last_agreed) {
                list.complete = false;
                list.stopped = Some(why.clone());
            }
        }
        for (which, index, _) in std::mem::take(&mut self.refused_features) {
            if index > last_agreed {
                match which {
                    Which::Sha1 => self.seen.key_exchange_hash.sha1 = Feature::Unknown(why.clone()),
                    Which::Sha224 => self.seen.key_exchange_hash.sha224 = Feature::Unknown(why.clone()),
                    Which::Sni => self.seen.sni = Sni::Unknown(why.clone()),
                }
            }
        }
    }

    fn why_stopped(&self) -> ProbeOutcome {
        match &self.seen.stopped {
            Some(Stop::TwoTimeouts) => ProbeOutcome::Timeout,
            Some(Stop::Unreachable) => ProbeOutcome::Refused,
            Some(Stop::Budget | Stop::NothingAgreed) | None => ProbeOutcome::Budget,
        }
    }

    fn finish(mut self) -> TlsSurvey {
        if self.seen.spoken().next().is_none() {
            // Refusals by a server that agrees to nothing are no answers.
            for (version, _, outcome) in std::mem::take(&mut self.refused_versions) {
                self.note(version, Support::Unknown(outcome));
            }
        }
        self.seen
    }
}

const CONTROL: &str = "the first agreed hello again";
