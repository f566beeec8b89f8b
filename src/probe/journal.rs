//! The journal: every connection that was made or refused, so that it can be handed to the owner of
//! the device.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ProbeError;

/// What carried the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A TCP connection, with or without TLS on it.
    Tcp,
    /// UDP datagrams.
    Udp,
}

/// How the use of a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Bytes came back.
    Answered,
    /// It was opened and nothing came back before it was closed.
    NoAnswer,
    /// Time ran out in the middle of an answer.
    TimedOut,
    /// Time ran out and not one byte had come back.
    Silent,
    /// It could not be opened.
    NotOpened,
    /// It was not tried: out of scope or over a limit.
    NotTried,
    /// The run was interrupted.
    Interrupted,
}

/// One use of a connection, or one refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JournalEntry {
    /// Running number, from 1.
    pub number: u64,
    /// When it began: UTC, RFC 3339, with milliseconds.
    pub time: String,
    /// What carried it.
    pub transport: Transport,
    /// The endpoint as the target file names it: scheme, host, port.
    pub endpoint: String,
    /// The address it went to; none when it was not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What it was for.
    pub purpose: String,
    /// Whether an open connection was used once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
    /// Bytes sent, TLS included.
    pub bytes_out: u64,
    /// Bytes received, TLS included.
    pub bytes_in: u64,
    /// How long it was in use, in milliseconds.
    pub ms: u64,
    /// How it ended.
    pub ending: Ending,
    /// What was wrong, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ProbeError>,
}

/// The sum of a journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JournalSummary {
    /// Connections and UDP questions that were tried.
    pub connections: u64,
    /// Questions that used an open connection once more.
    pub reused: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// How many ended in which way.
    pub endings: BTreeMap<Ending, u64>,
}

/// Where the entries go while the run goes on. Called once per entry, in order; it should be quick.
pub type JournalSink = Arc<dyn Fn(&JournalEntry) + Send + Sync>;

/// The journal of one run.
pub(crate) struct Journal {
    sink: Mutex<JournalSink>,
    summary: Mutex<JournalSummary>,
    number: AtomicU64,
}

impl Journal {
    pub(crate) fn new(sink: JournalSink) -> Self {
        Self { sink: Mutex::new(sink), summary: Mutex::default(), number: AtomicU64::new(0) }
    }
    /// Numbers an entry, counts it and hands it on.
    pub(crate) fn record(&self, mut entry: JournalEntry) {
        // One lock around both, so that the numbers reach the sink in order.
        let sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        entry.number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        {
            let mut summary = self.summary.lock().unwrap_or_else(PoisonError::into_inner);
            if entry.reused {
                summary.reused += 1;
            } else if entry.ending != Ending::NotTried {
                summary.connections += 1;
            }
            summary.bytes_out += entry.bytes_out;
            summary.bytes_in += entry.bytes_in;
            *summary.endings.entry(entry.ending).or_default() += 1;
        }
        sink(&entry);
    }
    pub(crate) fn summary(&self) -> JournalSummary {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The present moment in UTC, as RFC 3339 with milliseconds.
pub(crate) fn utc_now() -> String {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_millisecond(now.millisecond()).unwrap_or(now);
    now.format(&Rfc3339).unwrap_or_default()
}
