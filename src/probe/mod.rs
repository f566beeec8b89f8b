//! The one door to the network.
//!
//! Whatever Probity asks of a target goes through a [`Door`], because here are the things that no
//! check may forget: where a run may go ([`Scope`], fixed when it starts), how much and how fast
//! ([`Limits`]), to whom a secret may be shown ([`Credential`], bound to one origin), what is written
//! down ([`JournalEntry`] for every connection, [`Exchange`] for every answer, both without secrets),
//! and that a person can stop it ([`Interrupt`]). A question that was asked is remembered and not
//! asked again.
//!
//! This module observes. It knows no requirement and judges nothing: trouble is a [`ProbeError`] that
//! says whose trouble it is, and an odd answer is an [`Exchange`] that says what is odd.

pub mod coap;
mod connection;
mod credential;
mod datagrams;
mod error;
mod health;
mod http;
mod interrupt;
mod journal;
mod knock;
mod limits;
mod memory;
pub mod mqtt;
mod random;
mod scope;
pub mod sip;
pub mod tls;
mod trust;

#[cfg(test)]
mod tests;

pub use connection::Connection;
pub use credential::{Credential, CredentialKind, Secret};
pub use datagrams::Datagrams;
pub use error::{Budget, Phase, ProbeError, Refusal};
pub use http::{
    AfterStop, Bytes, Chunked, ConnectionFacts, CredentialUse, Cut, Exchange, FaultKind, Head, HttpFault, LogInBody, Redirect, Request,
    Response, SentRequest, Timing, Trail, Withholding, find_end, parse_head,
};
pub use interrupt::Interrupt;
pub use journal::{Ending, JournalEntry, JournalSink, JournalSummary, Transport};
pub use knock::{Knock, Port};
pub use limits::{GRACE, LEAST_GAP, LONGEST_EXCHANGE, Limits, MOST_BODY_BYTES};
pub use random::random_word;
pub use scope::{AddressClass, Endpoint, Origin, Pin, Scope};
pub use trust::{CertificateFault, TlsFacts};

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::verdict::{Redactor, Untrusted};
use connection::{Books, Usage};
use health::Health;
use http::Idle;
use journal::{Journal, utc_now};
use limits::Deadline;
use memory::Memory;
use trust::Handshake;

/// How many addresses of one name are tried.
const MOST_ADDRESSES: usize = 4;

/// Where finished exchanges go while the run goes on. Called once per exchange; it should be quick.
pub type ExchangeSink = Arc<dyn Fn(&Exchange) + Send + Sync>;

/// What a door is opened with.
#[derive(Clone)]
pub struct Opening {
    /// What the target file names.
    pub endpoints: Vec<Endpoint>,
    /// The secrets of this run.
    pub credentials: Vec<Credential>,
    /// The limits of this run.
    pub limits: Limits,
    /// Who to write to about this run; shown to the target in `User-Agent`.
    pub contact: Option<String>,
    /// Where journal entries go.
    pub journal: JournalSink,
    /// Where exchanges go.
    pub exchanges: ExchangeSink,
    /// The switch that ends the run.
    pub interrupt: Interrupt,
}

impl Opening {
    /// An opening for these endpoints, with the usual limits, no credentials and nobody listening.
    pub fn new(endpoints: Vec<Endpoint>) -> Self {
        Self {
            endpoints,
            credentials: Vec::new(),
            limits: Limits::default(),
            contact: None,
            journal: Arc::new(|_| {}),
            exchanges: Arc::new(|_| {}),
            interrupt: Interrupt::new(),
        }
    }
}

/// The one door to the network, for one run.
pub struct Door {
    limits: Limits,
    scope: Scope,
    credentials: BTreeMap<String, Credential>,
    redactor: Redactor,
    user_agent: String,
    books: Arc<Books>,
    exchanges: ExchangeSink,
    run_end: Deadline,
    gate: Arc<Semaphore>,
    last_question: tokio::sync::Mutex<Option<Instant>>,
    idle: Mutex<Option<Idle>>,
    answered_at: Mutex<BTreeMap<String, IpAddr>>,
    memory: Memory,
    count: AtomicU64,
    /// When cleaning up after a stop must have come to its end.
    grace_end: OnceLock<Deadline>,
}

/// A connection with TLS on it, and what was seen of it.
pub struct Secured {
    /// The stream; [`Connection`] beneath it keeps the limits.
    pub stream: TlsStream<Connection>,
    /// What was seen.
    pub facts: TlsFacts,
}

impl Secured {
    /// Turns an error of reading or writing into what it means.
    pub fn explain(&self, error: &std::io::Error, phase: Phase) -> ProbeError {
        self.stream.get_ref().0.explain(error, phase)
    }
}

impl Door {
    /// Opens the door: the clock of the run starts, and every name of the target is resolved once.
    pub async fn open(opening: Opening) -> Result<Arc<Self>, ProbeError> {
        let wait = Duration::from_millis(opening.limits.exchange_ms);
        let interrupt = opening.interrupt.clone();
        let lookup = |host: String| {
            let interrupt = interrupt.clone();
            async move {
                let unknown = |detail: &str| ProbeError::NameUnknown { host: host.clone(), detail: Untrusted::new(detail) };
                tokio::select! {
                    () = interrupt.thrown() => Err(ProbeError::Interrupted),
                    found = tokio::time::timeout(wait, tokio::net::lookup_host((host.as_str(), 0))) => match found {
                        Ok(Ok(addresses)) => Ok(addresses.map(|address| address.ip()).collect()),
                        Ok(Err(error)) => Err(unknown(&error.to_string())),
                        Err(_) => Err(unknown("the name service did not answer in time")),
                    },
                }
            }
        };
        Self::open_with(opening, lookup).await
    }

    /// Opens the door with another way to resolve names.
    pub async fn open_with<F, Fut>(opening: Opening, lookup: F) -> Result<Arc<Self>, ProbeError>
    where
        F: Fn(String) -> Fut,
        Fut: Future<Output = Result<Vec<IpAddr>, ProbeError>>,
    {
        let Opening { endpoints, credentials, limits, contact, journal, exchanges, interrupt } = opening;
        let user_agent = user_agent(contact.as_deref())?;
        for credential in &credentials {
            credential.check()?;
        }
        let run_end = Deadline::of_run(Instant::now(), &limits);
        let scope = Scope::fix(endpoints, lookup).await;
        let needles: Vec<String> = credentials.iter().flat_map(Credential::needles).collect();
        let health = Health::new(&limits);
        Ok(Arc::new(Self {
            scope,
            redactor: Redactor::new(needles.iter().map(String::as_str)),
            credentials: credentials.into_iter().map(|c| (c.name.clone(), c)).collect(),
            user_agent,
            books: Arc::new(Books { journal: Journal::new(journal), health, interrupt }),
            exchanges,
            run_end,
            gate: Arc::new(Semaphore::new(usize::try_from(limits.concurrency.max(1)).unwrap_or(1))),
            limits,
            last_question: tokio::sync::Mutex::default(),
            idle: Mutex::default(),
            answered_at: Mutex::default(),
            memory: Memory::default(),
            count: AtomicU64::new(0),
            grace_end: OnceLock::new(),
        }))
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
    /// Where this run may go.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
    /// What takes the secrets of this run out of anything that is written.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }
    /// The sum of the journal so far.
    pub fn summary(&self) -> JournalSummary {
        self.books.journal.summary()
    }
    /// Hosts that had answered and then stopped.
    pub fn stopped_answering(&self) -> Vec<String> {
        self.books.health.stopped()
    }
    /// Waits between two steps of a check, except at this machine itself, which needs no rest.
    ///
    /// # Errors
    /// The run was interrupted or its time is over.
    pub async fn rest(&self, host: &str, pause: Duration) -> Result<(), ProbeError> {
        let local = self.scope.addresses(host)?.iter().all(|ip| AddressClass::of(*ip) == AddressClass::Loopback);
        if local {
            return Ok(());
        }
        self.bounded(self.run_end, host, Phase::Connect, tokio::time::sleep(pause)).await
    }

    /// Whether an endpoint is still there after a question that might have been too much for it: one
    /// connection, nothing sent. An endpoint that is gone is left in peace for the rest of the run,
    /// together with its host. Endpoints that only speak by datagrams cannot be asked so.
    pub async fn is_alive(&self, origin: &Origin) -> bool {
        if matches!(origin.scheme(), "coap" | "coaps" | "sip" | "udp") {
            return true;
        }
        match self.tcp(origin, "see whether it still answers").await.map(drop) {
            // Whoever tears a connection down is there.
            Ok(()) | Err(ProbeError::Reset { .. }) => true,
            Err(ProbeError::Refused { .. } | ProbeError::TimedOut { .. } | ProbeError::Unreachable { .. }) => {
                self.books.health.gone(origin.host());
                false
            }
            // What keeps us from asking says nothing about the endpoint.
            Err(_) => true,
        }
    }

    /// The names of the credentials of this run.
    pub fn credential_names(&self) -> impl Iterator<Item = &str> {
        self.credentials.keys().map(String::as_str)
    }

    /// Opens a TCP connection to an endpoint of the scope, for a protocol that the caller speaks.
    /// While it is open it counts towards the limit of concurrency: drop it before asking anything else.
    pub async fn tcp(&self, origin: &Origin, purpose: &str) -> Result<Connection, ProbeError> {
        self.admit(origin, purpose)?;
        let permit = self.enter(origin, self.run_end).await?;
        let deadline = self.run_end.of_exchange(Duration::from_millis(self.limits.exchange_ms));
        self.dial(origin, purpose, deadline, permit, 0).await
    }

    /// Opens a TCP connection to an endpoint of the scope and agrees on TLS, offering these protocols
    /// by ALPN. A certificate that does not verify is told in the facts and does not prevent this.
    pub async fn tls(&self, origin: &Origin, purpose: &str, alpn: &[&[u8]]) -> Result<Secured, ProbeError> {
        let connection = self.tcp(origin, purpose).await?;
        self.secure(origin, connection, alpn).await
    }

    /// Opens a UDP socket towards an endpoint of the scope.
    pub async fn udp(self: &Arc<Self>, origin: &Origin, purpose: &str) -> Result<Datagrams, ProbeError> {
        self.admit(origin, purpose)?;
        self.may_go_on()?;
        let ip = *self.scope.addresses(origin.host())?.first().ok_or_else(|| ProbeError::bug("a pin without an address"))?;
        let address = SocketAddr::new(ip, origin.port());
        let any: SocketAddr = if ip.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
        let local = |error: std::io::Error| ProbeError::Local { detail: Untrusted::new(&error.to_string()) };
        let socket = UdpSocket::bind(any).await.map_err(local)?;
        socket.connect(address).await.map_err(local)?;
        let deadline = self.run_end.of_exchange(Duration::from_millis(self.limits.exchange_ms));
        let usage = Usage::begin(origin, address, purpose, Transport::Udp);
        Ok(Datagrams::new(Arc::clone(self), socket, usage, deadline))
    }

    /// Sends one datagram and waits for one; none when there was none in time.
    pub async fn udp_once(
        self: &Arc<Self>,
        origin: &Origin,
        datagram: &[u8],
        wait: Duration,
        purpose: &str,
    ) -> Result<Option<Vec<u8>>, ProbeError> {
        let mut datagrams = self.udp(origin, purpose).await?;
        datagrams.send(datagram).await?;
        datagrams.receive(wait).await
    }

    /// Makes an observation that many checks share once: the first who asks makes it, all get it.
    /// Errors are remembered. `key` names the question within its type; one observation must not ask
    /// for itself.
    pub async fn once<T, F, Fut>(&self, key: &str, observe: F) -> Result<Arc<T>, ProbeError>
    where
        T: Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, ProbeError>>,
    {
        // The observation ends by its own deadlines; this one frees those who wait for it.
        self.bounded(self.run_end, "the target", Phase::Answer, self.memory.once(key, observe)).await?
    }

    /// As [`Door::once`], for an observation that puts something in order when the run is stopped: it is
    /// not dropped in the middle, and ends by the deadlines of its own questions.
    ///
    /// # Errors
    /// Those of the observation.
    pub async fn once_to_its_end<T, F, Fut>(&self, key: &str, observe: F) -> Result<Arc<T>, ProbeError>
    where
        T: Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, ProbeError>>,
    {
        self.memory.once(key, observe).await
    }

    /// Agrees on TLS over a connection.
    async fn secure(&self, origin: &Origin, mut connection: Connection, alpn: &[&[u8]]) -> Result<Secured, ProbeError> {
        let endpoint = self.scope.endpoint(origin).map_err(|refusal| self.refuse(&origin.to_string(), "TLS", refusal))?;
        let handshake = match Handshake::with(endpoint, alpn) {
            Ok(handshake) => handshake,
            Err(error) => {
                connection.note(error.clone());
                return Err(error);
            }
        };
        let connector = TlsConnector::from(Arc::clone(&handshake.config));
        let address = connection.remote().to_string();
        match connector.connect(handshake.server_name.clone(), connection).into_fallible().await {
            Ok(stream) => {
                let facts = handshake.facts(stream.get_ref().1);
                Ok(Secured { stream, facts })
            }
            Err((error, mut connection)) => {
                let error = self.clean(ProbeError::from_io(&error, &address, Phase::Tls));
                connection.note(error.clone());
                Err(error)
            }
        }
    }

    /// Opens a TCP connection to one of the pinned addresses.
    async fn dial(
        &self,
        origin: &Origin,
        purpose: &str,
        deadline: Deadline,
        permit: OwnedSemaphorePermit,
        reserve: u32,
    ) -> Result<Connection, ProbeError> {
        // One connection at a time means that none stays open beside a new one.
        drop(self.idle.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut addresses = self.scope.addresses(origin.host())?.to_vec();
        if let Some(good) = self.answered_at.lock().unwrap_or_else(PoisonError::into_inner).get(origin.host()) {
            addresses.sort_by_key(|address| address != good);
        }
        addresses.truncate(MOST_ADDRESSES);
        let mut last_error = ProbeError::bug("a pin without an address");
        let mut left = u32::try_from(addresses.len()).unwrap_or(1);
        for ip in addresses {
            if let Err(error) = self.books.health.spend(origin.host(), origin.port(), reserve) {
                self.not_tried(&origin.to_string(), purpose, &error);
                return Err(error);
            }
            self.pace(ip, deadline).await?;
            let address = SocketAddr::new(ip, origin.port());
            let mut usage = Usage::begin(origin, address, &self.redactor.text(purpose), Transport::Tcp);
            let share = if left > 1 { deadline.within(deadline.left() / left) } else { deadline };
            left = left.saturating_sub(1);
            let opened = self.bounded(share, &address.to_string(), Phase::Connect, TcpStream::connect(address)).await;
            let error = match opened {
                Ok(Ok(stream)) => {
                    self.answered_at.lock().unwrap_or_else(PoisonError::into_inner).insert(origin.host().to_owned(), ip);
                    return Connection::new(stream, Arc::clone(&self.books), usage, deadline, permit)
                        .map_err(|error| ProbeError::from_io(&error, &address.to_string(), Phase::Connect));
                }
                Ok(Err(error)) => {
                    let error = ProbeError::from_io(&error, &address.to_string(), Phase::Connect);
                    if matches!(error, ProbeError::Refused { .. }) {
                        self.books.health.heard(origin.host(), origin.port());
                    }
                    usage.fail_to_open(error.clone());
                    error
                }
                Err(error) => {
                    usage.time_out(error.clone());
                    error
                }
            };
            usage.end(&self.books, true);
            if error.ends_the_run() {
                return Err(error);
            }
            last_error = error;
        }
        Err(last_error)
    }

    /// Waits for a turn.
    async fn enter(&self, origin: &Origin, until: Deadline) -> Result<OwnedSemaphorePermit, ProbeError> {
        if !until.is_lasting() {
            self.may_go_on()?;
        }
        let gate = Arc::clone(&self.gate).acquire_owned();
        let permit = self.bounded(until, "the target", Phase::Connect, gate).await?;
        self.books.health.may_ask(origin.host(), origin.port())?;
        permit.map_err(|_| ProbeError::bug("the gate was closed"))
    }

    /// The end of the run for a question, by what becomes of it when the run is stopped.
    fn end_for(&self, after_stop: AfterStop) -> Result<Deadline, ProbeError> {
        match after_stop {
            AfterStop::Dropped => Ok(self.run_end),
            AfterStop::Awaited => self.may_go_on().map(|()| self.run_end.lasting()),
            AfterStop::Asked if self.may_go_on().is_ok() => Ok(self.run_end.lasting()),
            // From the first such question on, so that all of them together are bounded.
            AfterStop::Asked => Ok(*self.grace_end.get_or_init(Deadline::of_grace)),
        }
    }

    /// Waits, when the target asked for a pause: not beyond the end of the run, and not when it is stopped.
    ///
    /// # Errors
    /// The run was stopped or its time is over meanwhile.
    pub async fn pause(&self, how_long: Duration) -> Result<(), ProbeError> {
        self.may_go_on()?;
        self.bounded(self.run_end, "the target", Phase::Connect, tokio::time::sleep(how_long)).await
    }

    fn may_go_on(&self) -> Result<(), ProbeError> {
        if self.books.interrupt.is_thrown() {
            return Err(ProbeError::Interrupted);
        }
        if self.run_is_over() {
            return Err(self.run_end.error("the target", Phase::Connect));
        }
        Ok(())
    }

    pub(crate) fn run_is_over(&self) -> bool {
        self.run_end.is_over()
    }

    /// Waits until the next question may be put.
    pub(crate) async fn pace(&self, address: IpAddr, deadline: Deadline) -> Result<(), ProbeError> {
        let gap = self.limits.gap(AddressClass::of(address) == AddressClass::Loopback);
        if gap.is_zero() {
            return Ok(());
        }
        let wait = async {
            let mut last = self.last_question.lock().await;
            if let Some(last) = *last {
                tokio::time::sleep_until(last + gap).await;
            }
            *last = Some(Instant::now());
        };
        self.bounded(deadline, &address.to_string(), Phase::Connect, wait).await
    }

    /// Waits for something, until the deadline or the interruption.
    pub(crate) async fn bounded<T>(
        &self,
        deadline: Deadline,
        address: &str,
        phase: Phase,
        future: impl Future<Output = T>,
    ) -> Result<T, ProbeError> {
        tokio::select! {
            biased;
            () = self.books.interrupt.thrown(), if !deadline.is_lasting() => Err(ProbeError::Interrupted),
            done = tokio::time::timeout_at(deadline.at, future) => done.map_err(|_| deadline.error(address, phase)),
        }
    }

    fn admit(&self, origin: &Origin, purpose: &str) -> Result<&Endpoint, ProbeError> {
        self.scope.endpoint(origin).map_err(|refusal| self.refuse(&origin.to_string(), purpose, refusal))
    }

    /// Refuses an address, and writes that down.
    fn refuse(&self, what: &str, purpose: &str, refusal: Refusal) -> ProbeError {
        // What stands before an @ may be a password.
        let what = match url::Url::parse(what) {
            Ok(mut url) if url.password().is_some() => {
                // Fails only where there can be no password.
                url.set_password(Some("redacted")).ok();
                url.to_string()
            }
            Ok(_) | Err(_) => what.to_owned(),
        };
        let error = ProbeError::OutOfScope { what: Untrusted::new(&self.redactor.text(&what)), refusal };
        self.not_tried(&what, purpose, &error);
        error
    }

    fn not_tried(&self, what: &str, purpose: &str, error: &ProbeError) {
        self.books.journal.record(JournalEntry {
            number: 0,
            time: utc_now(),
            transport: Transport::Tcp,
            endpoint: Untrusted::new(&self.redactor.text(what)).to_string(),
            address: None,
            purpose: self.redactor.text(purpose),
            reused: false,
            bytes_out: 0,
            bytes_in: 0,
            ms: 0,
            ending: Ending::NotTried,
            error: Some(error.clone()),
        });
    }

    /// Takes secrets out of an error's text, where a stranger or a caller had a hand in it.
    fn clean(&self, error: ProbeError) -> ProbeError {
        let clean = |text: Untrusted| Untrusted::new(&self.redactor.text(text.as_str()));
        if let ProbeError::Misuse { detail } = error {
            ProbeError::Misuse { detail: clean(detail) }
        } else if let ProbeError::Tls { address, detail } = error {
            ProbeError::Tls { address, detail: clean(detail) }
        } else {
            error
        }
    }
}

fn user_agent(contact: Option<&str>) -> Result<String, ProbeError> {
    let tool = concat!("Probity/", env!("CARGO_PKG_VERSION"), " (conformance test");
    match contact {
        None => Ok(format!("{tool})")),
        Some(contact) if contact.chars().all(|c| matches!(c, ' '..='~') && !matches!(c, '(' | ')' | '\\')) => {
            Ok(format!("{tool}; contact {contact})"))
        }
        Some(_) => Err(ProbeError::misuse("the contact may only hold printable ASCII without brackets")),
    }
}
