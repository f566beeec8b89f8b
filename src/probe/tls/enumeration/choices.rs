//! Suites, groups and who decides: what a server agrees to is taken out of the offer until it declines.
//!
//! One answer tells a suite and a group at once, so both are taken out together: a server with many of both is
//! asked about as often as it has of the more numerous, not as often as it has of either. A refusal of both
//! is about one of them, and the next question tells of which.

use super::super::answer::KeyExchange;
use super::super::exchange::{Ask, Want};
use super::super::hello::ClientHello;
use super::super::survey::{Order, Probe, VersionGroups, VersionSuites};
use super::super::{Group, ProbeOutcome, ProtocolVersion, Suite};
use super::{Reply, Run, ephemeral};

/// The groups of a version that are known and those that are still to be offered.
struct GroupSearch {
    list: VersionGroups,
    left: Vec<Group>,
    /// Those left are offered together with suites.
    together: bool,
    /// None of those left is agreed to.
    over: bool,
    last: usize,
}

impl GroupSearch {
    fn take(&mut self, group: Group) -> bool {
        let before = self.left.len();
        self.left.retain(|g| *g != group);
        let new = self.left.len() < before;
        if new {
            self.list.groups.push(group);
        }
        new
    }
}

/// How a reply bears on the offer.
enum Meaning {
    Agreed(Suite),
    Declined,
    Untold(ProbeOutcome),
}

fn meaning(reply: &Reply, version: ProtocolVersion) -> Meaning {
    let lower = reply.answer.hello.as_ref().is_some_and(|h| h.version != version.code());
    match (&reply.outcome, reply.suite()) {
        (ProbeOutcome::Hello, Some(suite)) if !lower => Meaning::Agreed(suite),
        // With none of these it would rather speak an older version.
        (ProbeOutcome::Hello, _) => Meaning::Declined,
        (outcome, _) if outcome.is_refusal() => Meaning::Declined,
        (outcome, _) => Meaning::Untold(outcome.clone()),
    }
}

impl<A: Ask> Run<A> {
    /// The suites of a version and, where they are asked for, its groups.
    pub(super) async fn choices(&mut self, version: ProtocolVersion, with_groups: bool) {
        let mut search = with_groups.then(|| self.group_search(version));
        let list = self.suites(version, search.as_mut()).await;
        let certified_by_curve = list.suites.iter().any(|s| s.is_ecdhe()) && !list.suites.iter().any(|s| s.is_ecdhe() && !s.is_ecdsa());
        self.seen.suites.push(list);
        if let Some(search) = search {
            self.groups(version, search, certified_by_curve).await;
        }
    }

    fn group_search(&self, version: ProtocolVersion) -> GroupSearch {
        let mut search = GroupSearch {
            list: VersionGroups { version, groups: Vec::new(), complete: true, explicit_curve: false, stopped: None },
            left: if version.is_13() { Group::of_13() } else { Group::curves() },
            // Where a key share is needed, only its own group can be agreed to, and silence has its own rules.
            together: !self.needs_key_share && !version.is_datagram(),
            over: false,
            last: self.last_agreed,
        };
        let first = self.seen.probes.iter().find(|p| p.purpose == version.as_str() && p.outcome == ProbeOutcome::Hello);
        // Where a key share was needed, the group of the first answer is ours, not the server's choice.
        if let Some(first) = first.filter(|p| p.version == Some(version) && !self.needs_key_share).and_then(|p| p.group) {
            search.take(first);
        }
        search
    }

    /// Offer, take the chosen one out, offer the rest, until it is declined.
    async fn suites(&mut self, version: ProtocolVersion, mut search: Option<&mut GroupSearch>) -> VersionSuites {
        let all_groups = if version.is_13() { Group::of_13() } else { Group::curves() };
        let name = self.name.clone();
        let mut found: Vec<Suite> = Vec::new();
        let mut stopped = None;
        let mut last = self.last_agreed;
        'all: for (round, portion) in Suite::portions(version).iter().enumerate() {
            let mut left = portion.clone();
            // One choice is known from the question for the version.
            if let Some(first) = self.first_choice(version).filter(|s| left.contains(s)) {
                left.retain(|s| *s != first);
                found.push(first);
            }
            let mut closed = false;
            while !left.is_empty() {
                let narrow = search.as_ref().filter(|s| s.together && !s.left.is_empty()).map(|s| s.left.clone());
                let groups = narrow.as_deref().unwrap_or(&all_groups);
                let mut hello = ClientHello::new(version, &left, groups, name.as_deref());
                hello.key_share = self.needs_key_share;
                let purpose = format!("{version}, suites {}, {} known", round + 1, found.len());
                let Some(reply) = self.ask(purpose, &hello, Want::KeyExchange).await else {
                    stopped = Some(self.why_stopped());
                    break 'all;
                };
                last = reply.index;
                match (meaning(&reply, version), search.as_deref_mut()) {
                    (Meaning::Agreed(suite), search) => {
                        left.retain(|s| *s != suite);
                        found.push(suite);
                        if let (Some(search), group) = (search, reply.group()) {
                            let new = group.is_some_and(|g| search.take(g));
                            // It fell back to a suite without a group, or does not look at the groups.
                            search.together &= new || narrow.is_none();
                        }
                    }
                    (Meaning::Declined, Some(search)) if narrow.is_some() => {
                        if !version.is_13() || found.is_empty() {
                            search.together = false;
                            continue;
                        }
                        // Either has come to its end. The known suites with the groups left tell which.
                        match self.next_group(version, search, &found, false).await {
                            Some(true) => break,
                            Some(false) => (search.over, search.together) = (true, false),
                            None => search.together = false,
                        }
                    }
                    // To close without a word is what a limit on connections does too: not believed at once.
                    (Meaning::Declined, _) if reply.outcome == ProbeOutcome::Closed && !closed => closed = true,
                    (Meaning::Declined, _) => break,
                    // Some tear down what they have to decline: which of the two it was is seen without the groups left.
                    (Meaning::Untold(ProbeOutcome::Reset | ProbeOutcome::Alert(_)), Some(search)) if narrow.is_some() => {
                        search.together = false
                    }
                    // Silence over datagrams may be about this portion only; it stays unanswered all the same.
                    (Meaning::Untold(ProbeOutcome::Timeout), _) if version.is_datagram() => {
                        stopped = Some(ProbeOutcome::Timeout);
                        break;
                    }
                    (Meaning::Untold(outcome), _) => {
                        stopped = Some(outcome);
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
        self.order(&mut list, &all_groups).await;
        self.ended_suites.push((version, last));
        list
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
        let agreed = |p: &&Probe| p.outcome == ProbeOutcome::Hello && p.version == Some(version) && p.purpose.starts_with(version.as_str());
        self.seen.probes.iter().find(agreed).and_then(|p| p.suite)
    }

    /// The groups that were not seen in passing, found as the suites are.
    async fn groups(&mut self, version: ProtocolVersion, mut search: GroupSearch, certified_by_curve: bool) {
        let suites: Vec<Suite> = match version.is_13() {
            true => self.seen.suites.iter().find(|s| s.version == version).map(|s| s.suites.clone()).unwrap_or_default(),
            false => ephemeral(version, Suite::is_ecdhe),
        };
        let mut with_known = false;
        while !search.over && !search.left.is_empty() && search.list.stopped.is_none() {
            match self.next_group(version, &mut search, &suites, with_known).await {
                Some(true) => {}
                // Up to TLS 1.2 a certificate with a curve needs that curve in the offer (RFC 8422, section 5.1): a
                // server that has no other declines everything once it has been taken out.
                Some(false) if certified_by_curve && !version.is_13() && !with_known && !search.list.groups.is_empty() => with_known = true,
                Some(false) => search.over = true,
                None => break,
            }
        }
        search.list.complete = search.list.stopped.is_none();
        self.ended_groups.push((version, search.last));
        self.seen.groups.push(search.list);
    }

    /// Offers the groups left. Some(true): one of them was agreed to; Some(false): none is; None: it cannot be told.
    async fn next_group(&mut self, version: ProtocolVersion, search: &mut GroupSearch, suites: &[Suite], with_known: bool) -> Option<bool> {
        let name = self.name.clone();
        let mut offered = search.left.clone();
        if with_known {
            offered.extend(&search.list.groups);
        }
        let mut hello = ClientHello::new(version, suites, &offered, name.as_deref());
        hello.key_share = self.needs_key_share && search.left.contains(&Group::X25519);
        let purpose = format!("{version}, groups, {} known", search.list.groups.len());
        let mut reply = self.ask(purpose.clone(), &hello, Want::KeyExchange).await;
        if matches!(&reply, Some(r) if r.outcome == ProbeOutcome::Closed) {
            reply = self.ask(purpose, &hello, Want::KeyExchange).await;
        }
        let Some(reply) = reply else {
            search.list.stopped = Some(self.why_stopped());
            return None;
        };
        search.last = reply.index;
        match (meaning(&reply, version), reply.group()) {
            (Meaning::Agreed(_), Some(group)) if search.take(group) => Some(true),
            (Meaning::Agreed(_), Some(group)) => {
                // An old server that has one curve and does not look at the offer.
                if !search.list.groups.contains(&group) {
                    search.list.groups.push(group);
                }
                Some(false)
            }
            (Meaning::Agreed(_), None) if reply.answer.key_exchange == Some(KeyExchange::ExplicitCurve) => {
                search.list.explicit_curve = true;
                Some(false)
            }
            (Meaning::Agreed(_), None) => {
                search.list.stopped = Some(ProbeOutcome::Malformed);
                None
            }
            (Meaning::Declined, _) => Some(false),
            (Meaning::Untold(outcome), _) => {
                search.list.stopped = Some(outcome);
                None
            }
        }
    }
}
