//! The limits of a run, which no check can forget or lift.
//!
//! Two sorts. What a person may set, within bounds, is in [`Limits`]. What nobody may set is a
//! constant here: it protects the devices that are tested and the machine that tests.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::ProbeError;

/// The least time between two questions to an address that is not this machine: at most ten a second,
/// whatever is set. Scanners have stopped devices by the mere number of connections.
pub const LEAST_GAP: Duration = Duration::from_millis(100);

/// The largest body that any request may ask for, after decoding.
pub const MOST_BODY_BYTES: u64 = 64 * 1024 * 1024;

/// The longest that any one exchange may take, whatever a request asks for.
pub const LONGEST_EXCHANGE: Duration = Duration::from_secs(120);

/// A compressed body may always grow to this size, whatever its ratio: small repetitive documents
/// compress very well.
pub(crate) const RATIO_FROM_BYTES: u64 = 256 * 1024;

/// How long a run may go on after its end or its interruption, to take away what it made.
pub const GRACE: Duration = Duration::from_secs(15);

/// The connections beyond the budgets that are kept for taking away what the run made.
pub(crate) const RESERVE: u32 = 100;

/// The interim answers (status 1xx) that are read before the real one is given up on.
pub(crate) const MOST_INTERIM: usize = 10;

/// The limits of one run. Times are measured on a clock that cannot be set back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The longest one exchange may take from opening the connection to the last byte, in milliseconds.
    pub exchange_ms: u64,
    /// The longest the whole run may take, in milliseconds.
    pub run_ms: u64,
    /// The largest body after decoding, in bytes; a request may ask for more, up to [`MOST_BODY_BYTES`].
    pub body_bytes: u64,
    /// The largest head of an answer, interim answers included, in bytes.
    pub header_bytes: u32,
    /// The most header fields that are recorded.
    pub headers: u32,
    /// How many times larger a body may be after decompression.
    pub decompression_ratio: u32,
    /// The most connections (and UDP questions) of a run.
    pub connections: u32,
    /// The most connections (and UDP questions) to one host and port.
    pub connections_per_endpoint: u32,
    /// The least time between two questions, in milliseconds; not less than [`LEAST_GAP`], and not
    /// applied to this machine itself.
    pub gap_ms: u64,
    /// How many connections may be open at once.
    pub concurrency: u32,
    /// How many redirects are followed.
    pub redirects: u32,
    /// After how many questions in a row that met silence the target is left in peace.
    pub silences: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            exchange_ms: 10_000,
            run_ms: 300_000,
            body_bytes: 1024 * 1024,
            header_bytes: 256 * 1024,
            headers: 100,
            decompression_ratio: 100,
            // A plan for an API of a dozen operations asks three hundred questions and more, and a server
            // that keeps no connection open needs one for each; the gap keeps them slow.
            connections: 2000,
            connections_per_endpoint: 1000,
            gap_ms: 100,
            concurrency: 1,
            redirects: 8,
            silences: 2,
        }
    }
}

impl Limits {
    /// The body cap of one request, in bytes after decoding.
    pub(crate) fn body_cap(&self, asked: Option<u64>) -> u64 {
        asked.unwrap_or(self.body_bytes).min(MOST_BODY_BYTES)
    }
    /// The gap between two questions, in force for this address.
    pub(crate) fn gap(&self, loopback: bool) -> Duration {
        if loopback { Duration::ZERO } else { Duration::from_millis(self.gap_ms).max(LEAST_GAP) }
    }
}

/// The moment at which waiting ends, and what to say then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    after: Duration,
    of_run: bool,
    /// It stands although the run is stopped.
    lasting: bool,
}

impl Deadline {
    /// The end of a whole run.
    pub(crate) fn of_run(start: Instant, limits: &Limits) -> Self {
        let after = Duration::from_millis(limits.run_ms);
        Self { at: start + after, after, of_run: true, lasting: false }
    }
    /// The end of an exchange that starts now: its own time or that of the run, whichever is first.
    pub(crate) fn of_exchange(self, after: Duration) -> Self {
        self.within(after)
    }
    /// The sooner of this moment and the given time from now.
    pub(crate) fn within(self, after: Duration) -> Self {
        let at = Instant::now() + after.min(LONGEST_EXCHANGE);
        if at < self.at { Self { at, after, of_run: false, ..self } } else { self }
    }
    /// The same with the grace, and although the run is stopped.
    pub(crate) fn lasting(self) -> Self {
        Self { at: self.at + GRACE, lasting: true, ..self }
    }
    /// The end of the grace that begins now.
    pub(crate) fn of_grace() -> Self {
        Self { at: Instant::now() + GRACE, after: GRACE, of_run: true, lasting: true }
    }
    /// Whether it stands although the run is stopped.
    pub(crate) fn is_lasting(self) -> bool {
        self.lasting
    }
    pub(crate) fn left(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
    pub(crate) fn is_over(self) -> bool {
        self.left().is_zero()
    }
    /// What to say when the moment has come.
    pub(crate) fn error(self, address: &str, phase: super::Phase) -> ProbeError {
        let after_ms = u64::try_from(self.after.as_millis()).unwrap_or(u64::MAX);
        if self.of_run {
            ProbeError::RunTimeOver { after_ms }
        } else {
            ProbeError::TimedOut { address: address.to_owned(), phase, after_ms }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_can_be_lowered_and_not_raised() {
        let with = |gap_ms| Limits { gap_ms, ..Limits::default() };
        assert_eq!(with(0).gap(false), LEAST_GAP);
        assert_eq!(with(500).gap(false), Duration::from_millis(500));
        assert_eq!(with(500).gap(true), Duration::ZERO, "this machine needs no rest");
        assert_eq!(LEAST_GAP.as_millis(), 100, "at most ten questions a second");
        assert_eq!(with(0).body_cap(Some(u64::MAX)), MOST_BODY_BYTES);
    }
}
