//! The asking behind a survey, over streams and over datagrams.

mod choices;
mod features;

use super::answer::{Answer, KeyExchange};
use super::datagram::{DialDatagram, OverDatagrams};
use super::exchange::{Ask, Dial, Exchange, OverStream, Question, Want};
use super::hello::{ClientHello, SSL2_CIPHERS};
use super::survey::{DhSeen, Feature, HashSeen, Limits, Order, Probe, Sni, Stop, Support, TlsSurvey, VersionSuites, VersionSupport};
use super::{Group, ProbeOutcome, ProtocolVersion, Suite};

/// Most chains that are kept: one for each kind of key is what servers have.
const MAX_CHAINS: usize = 4;

/// Surveys one endpoint over a stream. `server_name` is a DNS name, or nothing for an address.
pub async fn survey<D: Dial + Sync>(dial: &D, server_name: Option<&str>, limits: Limits) -> TlsSurvey {
    let older = [ProtocolVersion::Tls12, ProtocolVersion::Tls11, ProtocolVersion::Tls10, ProtocolVersion::Ssl3];
    Run::new(OverStream(dial), server_name, limits).all(&ProtocolVersion::STREAM, &older).await
}

/// Surveys one endpoint over datagrams, in DTLS. Each connection is a socket of its own.
pub async fn survey_datagrams<D: DialDatagram + Sync>(dial: &D, server_name: Option<&str>, limits: Limits) -> TlsSurvey {
    let older = [ProtocolVersion::Dtls12, ProtocolVersion::Dtls10];
    Run::new(OverDatagrams(dial), server_name, limits).all(&ProtocolVersion::DATAGRAM, &older).await
}

/// What a probe gave, with its place in the list.
pub(super) struct Reply {
    outcome: ProbeOutcome,
    answer: Answer,
    index: usize,
    /// The same odd alert has come twice.
    certain: bool,
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

struct Run<A> {
    over: A,
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

impl<A: Ask> Run<A> {
    fn new(over: A, server_name: Option<&str>, limits: Limits) -> Self {
        let unasked = || Feature::NotApplicable;
        Self {
            over,
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

    /// The whole survey: these versions, and in detail those that have the older handshake.
    async fn all(mut self, versions: &[ProtocolVersion], older: &[ProtocolVersion]) -> TlsSurvey {
        for version in versions {
            self.version(*version).await;
        }
        if self.agreed.is_none() {
            self.seen.stopped.get_or_insert(Stop::NothingAgreed);
            return self.finish();
        }
        let newest: Vec<ProtocolVersion> = versions.iter().copied().filter(|v| v.is_13() && self.speaks(*v)).collect();
        self.closed_again().await;
        for version in newest {
            self.choices(version, true).await;
        }
        self.features(older).await;
        let older: Vec<ProtocolVersion> = older.iter().copied().filter(|v| self.speaks(*v)).collect();
        for (place, version) in older.into_iter().enumerate() {
            self.choices(version, place == 0).await;
        }
        self.control().await;
        self.finish()
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

    /// Asks over a connection of its own. `None` once the survey has been stopped.
    async fn send(&mut self, purpose: String, question: Question<'_>, want: Want) -> Option<(Exchange, usize)> {
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
        let done = self.over.ask(&purpose, question, want, self.limits.per_probe).await;
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
        let (done, index) = self.send(purpose, Question::Hello(hello), want).await?;
        let mut outcome = done.outcome;
        if let (ProbeOutcome::Hello, Some(answer)) = (&outcome, &done.answer.hello) {
            let agreed = ProtocolVersion::from_code(answer.version);
            // A lower version is an answer too: it declines the one that was asked for.
            let same_family = |v: ProtocolVersion| v.is_datagram() == hello.version.is_datagram();
            if !agreed.is_some_and(|v| same_family(v) && v > ProtocolVersion::Ssl2 && v <= hello.version) {
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
        Some(Reply { outcome, answer: done.answer, index, certain: false })
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

    async fn version(&mut self, version: ProtocolVersion) {
        if self.speaks(version) {
            // It was the answer to a higher version already.
            return;
        }
        if version == ProtocolVersion::Ssl2 {
            self.ssl2().await;
        } else if version.is_13() {
            self.version_13(version).await;
        } else {
            self.older_version(version).await;
        }
    }

    async fn version_13(&mut self, version: ProtocolVersion) {
        let groups = Group::of_13();
        let name = self.name.clone();
        let mut hello = ClientHello::new(version, Suite::usual(version), &groups, name.as_deref());
        let mut reply = self.ask(version.to_string(), &hello, Want::Hello).await;
        if matches!(&reply, Some(r) if r.outcome == ProbeOutcome::Closed) {
            reply = self.again_if_odd(reply, version.to_string(), &hello).await;
        }
        // Most decline an unknown version with 70 or 40. Anything else may be dislike of the empty list.
        if matches!(&reply, Some(r) if matches!(r.outcome, ProbeOutcome::Alert(n) if n != 70 && n != 40)) {
            hello.key_share = true;
            let again = self.ask(format!("{version} with a key share"), &hello, Want::Hello).await;
            if matches!(&again, Some(r) if r.outcome == ProbeOutcome::Hello) {
                self.needs_key_share = true;
                reply = again;
            }
        }
        self.settle(version, reply);
    }

    async fn older_version(&mut self, version: ProtocolVersion) {
        let groups = Group::curves();
        let name = self.name.clone();
        let mut reply = None;
        for (round, suites) in Suite::portions(version).iter().enumerate() {
            let mut hello = ClientHello::new(version, suites, &groups, name.as_deref());
            hello.deflate = version != ProtocolVersion::Ssl3;
            let purpose = if round == 0 { version.to_string() } else { format!("{version}, rare suites {round}") };
            reply = self.ask(purpose.clone(), &hello, Want::Flight).await;
            reply = self.again_if_odd(reply, purpose, &hello).await;
            if let Some(Reply { outcome: ProbeOutcome::Hello, answer: Answer { hello: Some(agreed), .. }, .. }) = &reply
                && self.seen.compression != Feature::Yes
                && agreed.version >= ProtocolVersion::Tls10.code()
            {
                self.seen.compression = if agreed.compression == 0 { Feature::No } else { Feature::Yes };
            }
            // "No suite in common" is about the suites, so the rare ones are offered before it is believed.
            // Over datagrams, some servers say it by saying nothing.
            let silent = |o: &ProbeOutcome| version.is_datagram() && *o == ProbeOutcome::Timeout;
            if !matches!(&reply, Some(r) if matches!(r.outcome, ProbeOutcome::Alert(40 | 71)) || silent(&r.outcome)) {
                break;
            }
        }
        self.settle(version, reply);
    }

    /// An alert that does not speak of the offer (`internal_error`, say, which is what some stacks send
    /// for a version that their policy has left without any suite) is an answer only when it comes again.
    async fn again_if_odd(&mut self, reply: Option<Reply>, purpose: String, hello: &ClientHello<'_>) -> Option<Reply> {
        let first = reply?;
        // To close without a word is one half of a pair of servers taking turns, too.
        let closed = first.outcome == ProbeOutcome::Closed;
        if !closed && (!matches!(first.outcome, ProbeOutcome::Alert(_)) || first.outcome.is_refusal()) {
            return Some(first);
        }
        let Some(mut second) = self.ask(format!("{purpose} once more"), hello, Want::Flight).await else { return Some(first) };
        second.certain = second.outcome == first.outcome;
        Some(second)
    }

    /// A server that closes without a word may have declined, or may have had enough of us for a while. Each version
    /// declined so is asked for once more, behind a hello that was agreed to before.
    async fn closed_again(&mut self) {
        // What is not SSL 2.0 cannot know its hello for one, and has nothing to say.
        let silent = |(version, _, outcome): &&(ProtocolVersion, usize, ProbeOutcome)| {
            *outcome == ProbeOutcome::Closed && *version != ProtocolVersion::Ssl2
        };
        let closed: Vec<ProtocolVersion> = self.refused_versions.iter().filter(silent).map(|(version, ..)| *version).collect();
        let Some(agreed) = self.agreed.clone().filter(|_| !closed.is_empty()) else { return };
        if self.last_agreed + 1 < self.seen.probes.len() {
            let groups = if agreed.version.is_13() { Group::of_13() } else { Group::curves() };
            let name = self.name.clone();
            let mut hello = ClientHello::new(agreed.version, &agreed.suites, &groups, name.as_deref());
            hello.key_share = self.needs_key_share && agreed.version.is_13();
            let reply = self.ask("the first agreed hello between".into(), &hello, Want::Hello).await;
            if !matches!(&reply, Some(r) if r.outcome == ProbeOutcome::Hello) {
                for version in closed {
                    self.note(version, Support::Unknown(ProbeOutcome::Closed));
                }
                return;
            }
        }
        for version in closed {
            self.refused_versions.retain(|(known, ..)| *known != version);
            self.version(version).await;
        }
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
        } else if reply.outcome == ProbeOutcome::Hello || reply.outcome.is_refusal() || reply.certain {
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
        let Some((done, index)) = self.send(version.to_string(), Question::Ssl2, Want::Flight).await else {
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

/// The suites of a version that have a property of ephemeral key exchange, as many as one hello takes.
fn ephemeral(version: ProtocolVersion, has: impl Fn(Suite) -> bool) -> Vec<Suite> {
    let all = Suite::portions(version).iter().flatten().copied();
    all.filter(|s| !s.is_psk() && has(*s)).take(Suite::MAX_OFFERED).collect()
}
