//! Whether the target still answers, and how much it has been asked.
//!
//! A device that has gone silent is left in peace. "Silent" means that time ran out and not one byte
//! came back; an answer that drips is slow, not silent. An endpoint that met `silences` questions in a
//! row with silence is not asked again. If it had answered before, the device behind it may have
//! fallen over, so no other endpoint of that host is asked either; if it never had, a firewall is the
//! likelier reason, and the host's other endpoints are left open.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::error::{Budget, ProbeError};
use super::limits::Limits;

#[derive(Default)]
struct Row {
    asked: u32,
    silent_in_a_row: u32,
    has_answered: bool,
}

#[derive(Default)]
struct Rows {
    asked: u32,
    endpoints: BTreeMap<(String, u16), Row>,
    /// With the number of silences, none where the host was seen to be gone.
    stopped_hosts: BTreeMap<String, u32>,
}

/// The counts of one run.
pub(crate) struct Health {
    rows: Mutex<Rows>,
    connections: u32,
    connections_per_endpoint: u32,
    silences: u32,
}

impl Health {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            rows: Mutex::default(),
            connections: limits.connections,
            connections_per_endpoint: limits.connections_per_endpoint,
            silences: limits.silences.max(1),
        }
    }

    fn rows(&self) -> std::sync::MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether this endpoint may still be asked.
    pub(crate) fn may_ask(&self, host: &str, port: u16) -> Result<(), ProbeError> {
        let rows = self.rows();
        if let Some(in_a_row) = rows.stopped_hosts.get(host) {
            return Err(ProbeError::StoppedAnswering { host: host.to_owned(), in_a_row: *in_a_row });
        }
        match rows.endpoints.get(&(host.to_owned(), port)) {
            Some(row) if row.silent_in_a_row >= self.silences => {
                Err(ProbeError::NeverAnswered { endpoint: format!("{host} at port {port}"), in_a_row: row.silent_in_a_row })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Takes one connection from the budgets, or from what is kept in reserve beyond them.
    pub(crate) fn spend(&self, host: &str, port: u16, reserve: u32) -> Result<(), ProbeError> {
        self.may_ask(host, port)?;
        let mut rows = self.rows();
        if rows.asked >= self.connections.saturating_add(reserve) {
            return Err(ProbeError::Connections { of: Budget::Run, limit: self.connections });
        }
        let row = rows.endpoints.entry((host.to_owned(), port)).or_default();
        if row.asked >= self.connections_per_endpoint.saturating_add(reserve) {
            return Err(ProbeError::Connections { of: Budget::Endpoint, limit: self.connections_per_endpoint });
        }
        row.asked += 1;
        rows.asked += 1;
        Ok(())
    }

    /// The endpoint answered: with bytes, or by refusing.
    pub(crate) fn heard(&self, host: &str, port: u16) {
        let mut rows = self.rows();
        let row = rows.endpoints.entry((host.to_owned(), port)).or_default();
        row.silent_in_a_row = 0;
        row.has_answered = true;
    }

    /// The endpoint met a question with silence.
    pub(crate) fn silent(&self, host: &str, port: u16) {
        let mut rows = self.rows();
        let row = rows.endpoints.entry((host.to_owned(), port)).or_default();
        row.silent_in_a_row += 1;
        if row.silent_in_a_row >= self.silences && row.has_answered {
            rows.stopped_hosts.insert(host.to_owned(), self.silences);
        }
    }

    /// The host was seen to be gone: none of its endpoints is asked any more.
    pub(crate) fn gone(&self, host: &str) {
        self.rows().stopped_hosts.entry(host.to_owned()).or_default();
    }

    /// Hosts that had answered and then stopped.
    pub(crate) fn stopped(&self) -> Vec<String> {
        self.rows().stopped_hosts.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        Health::new(&Limits { connections: 5, connections_per_endpoint: 3, ..Limits::default() })
    }

    #[test]
    fn a_device_that_stops_answering_is_left_in_peace() {
        let health = health();
        health.heard("hub", 443);
        health.silent("hub", 443);
        assert!(health.may_ask("hub", 443).is_ok());
        health.silent("hub", 443);
        assert!(matches!(health.may_ask("hub", 443), Err(ProbeError::StoppedAnswering { .. })));
        assert!(matches!(health.may_ask("hub", 1883), Err(ProbeError::StoppedAnswering { .. })));
        assert!(health.may_ask("other", 443).is_ok());
        assert_eq!(health.stopped(), ["hub"]);
    }

    #[test]
    fn a_port_that_never_answered_stops_only_itself() {
        let health = health();
        health.heard("hub", 443);
        health.silent("hub", 5061);
        health.silent("hub", 5061);
        assert!(matches!(health.may_ask("hub", 5061), Err(ProbeError::NeverAnswered { .. })));
        assert!(health.may_ask("hub", 443).is_ok());
        assert!(health.stopped().is_empty());
    }

    #[test]
    fn an_answer_in_between_begins_the_count_anew() {
        let health = health();
        for _ in 0..4 {
            health.silent("hub", 443);
            health.heard("hub", 443);
        }
        assert!(health.may_ask("hub", 443).is_ok());
    }

    #[test]
    fn a_host_that_is_gone_is_not_asked_again() {
        let health = health();
        health.heard("hub", 443);
        health.gone("hub");
        assert!(matches!(health.may_ask("hub", 1883), Err(ProbeError::StoppedAnswering { .. })));
        assert!(health.may_ask("other", 443).is_ok());
    }

    #[test]
    fn connections_are_counted_per_endpoint_and_per_run() {
        let health = health();
        for _ in 0..3 {
            health.spend("a", 1, 0).unwrap();
        }
        assert_eq!(health.spend("a", 1, 0), Err(ProbeError::Connections { of: Budget::Endpoint, limit: 3 }));
        health.spend("a", 2, 0).unwrap();
        health.spend("a", 2, 0).unwrap();
        assert_eq!(health.spend("a", 2, 0), Err(ProbeError::Connections { of: Budget::Run, limit: 5 }));
    }
}
