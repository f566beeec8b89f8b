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

mod connection;
mod credential;
mod datagrams;
mod error;
mod health;
mod http;
mod interrupt;
mod journal;
mod limits;
mod memory;
mod scope;
mod trust;

#[cfg(test)]
mod tests;

pub use connection::Connection;
pub use credential::{Credential, CredentialKind, Secret};
pub use datagrams::Datagrams;
pub use error::{Budget, Phase, ProbeError, Refusal};
pub use http::{
    Bytes, Chunked, ConnectionFacts, CredentialUse, Cut, Exchange, FaultKind, Head, HttpFault, Redirect, Request, Response, SentRequest,
    Timing, Trail, Withholding, find_end, parse_head,
};
pub use interrupt::Interrupt;
pub use journal::{Ending, JournalEntry, JournalSink, JournalSummary, Transport};
pub use limits::{LEAST_GAP, LONGEST_EXCHANGE, Limits, MOST_BODY_BYTES};
pub use scope::{AddressClass, Endpoint, Origin, Pin, Scope};
pub use trust::{CertificateFault, TlsFacts};

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

use crate::verdict::{Redactor, Untrusted};
use connection::{Books, Usage, millis};
use health::Health;
use http::{Idle, Question, Stream};
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
}

/// A connection with TLS on it, and what was seen of it.
pub struct Secured {
    /// The stream; [`Connection`] beneath it keeps the limits.
    pub stream: TlsStream<Connection>,
    /// What was seen.
    pub facts: TlsFacts,
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
    /// Hosts, or hosts with a port, that stopped answering.
    pub fn stopped_answering(&self) -> Vec<String> {
        self.books.health.stopped()
    }
    /// The names of the credentials of this run.
    pub fn credential_names(&self) -> impl Iterator<Item = &str> {
        self.credentials.keys().map(String::as_str)
    }

    /// Asks a question over HTTP, or remembers the answer if it was asked before in this run.
    /// Redirects are not followed.
    ///
    /// # Errors
    ///
    /// When there is no answer that begins as HTTP does. An answer that is odd, cut short or too
    /// large is an [`Exchange`].
    pub async fn ask(&self, request: &Request) -> Result<Arc<Exchange>, ProbeError> {
        self.remembered(request, 0).await
    }

    /// Asks a question over HTTP even if it was asked before, and does not remember the answer.
    pub async fn ask_again(&self, request: &Request) -> Result<Arc<Exchange>, ProbeError> {
        self.exchange(request, 0).await.map(Arc::new)
    }

    /// Follows the redirect of an answer: one hop, within the scope, and with the credential only if
    /// the origin stays the same.
    pub async fn follow(&self, exchange: &Exchange) -> Result<Arc<Exchange>, ProbeError> {
        let request = exchange.asked.as_deref().ok_or_else(|| ProbeError::misuse("only an answer of this run can be followed"))?;
        let location = http::location(&exchange.response).ok_or_else(|| ProbeError::misuse("the answer is no redirect"))?;
        let from = request.parsed_url()?;
        let Ok(to) = from.join(location) else {
            return Err(self.refuse(location, &request.purpose, Refusal::Unreadable));
        };
        if exchange.hops >= self.limits.redirects {
            return Err(ProbeError::TooManyRedirects { url: Untrusted::new(to.as_str()), limit: self.limits.redirects });
        }
        let mut next = request.clone();
        let same_origin = Origin::of(&from).ok() == Origin::of(&to).ok();
        next.url = to.into();
        let becomes_get = match exchange.response.status {
            303 => next.method != "HEAD",
            301 | 302 => next.method == "POST",
            _ => false,
        };
        if becomes_get {
            next.method = "GET".to_owned();
            next.body = None;
            next.headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
        }
        if !same_origin {
            // A credential stays behind by its own origin; what a caller wrote into fields may be as secret.
            next.headers
                .retain(|(name, _)| ["accept", "accept-language", "content-type"].iter().any(|keep| name.eq_ignore_ascii_case(keep)));
        }
        self.remembered(&next, exchange.hops + 1).await
    }

    /// Asks a question and follows its redirects to their end, to the limit, or to the edge of the
    /// scope. An error is only that of the first question.
    pub async fn ask_and_follow(&self, request: &Request) -> Result<Trail, ProbeError> {
        let mut exchanges = vec![self.ask(request).await?];
        let stopped = loop {
            let Some(last) = exchanges.last().filter(|last| last.redirect.is_some()).cloned() else { break None };
            match self.follow(&last).await {
                // The hops of a remembered answer may be fewer than those that led here.
                Ok(_) if exchanges.len() > self.limits.redirects as usize => {
                    let url = last.redirect.as_ref().map(|r| r.url.clone()).unwrap_or_default();
                    break Some(ProbeError::TooManyRedirects { url, limit: self.limits.redirects });
                }
                Ok(next) => exchanges.push(next),
                Err(error) => break Some(error),
            }
        };
        Ok(Trail { exchanges, stopped })
    }

    /// Opens a TCP connection to an endpoint of the scope, for a protocol that the caller speaks.
    /// While it is open it counts towards the limit of concurrency: drop it before asking anything else.
    pub async fn tcp(&self, origin: &Origin, purpose: &str) -> Result<Connection, ProbeError> {
        self.admit(origin, purpose)?;
        let permit = self.enter(origin).await?;
        let deadline = self.run_end.of_exchange(Duration::from_millis(self.limits.exchange_ms));
        self.dial(origin, purpose, deadline, permit).await
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

    async fn remembered(&self, request: &Request, hops: u32) -> Result<Arc<Exchange>, ProbeError> {
        self.memory.once(&request.key(), || self.exchange(request, hops)).await
    }

    /// One exchange: admits, waits its turn, connects or uses an open connection, asks, records.
    async fn exchange(&self, request: &Request, hops: u32) -> Result<Exchange, ProbeError> {
        let url = request.parsed_url().map_err(|error| self.clean(error))?;
        let purpose = self.redactor.text(&request.purpose);
        let origin = match url.scheme() {
            "http" | "https" => Origin::of(&url),
            other => Err(Refusal::Scheme { scheme: Untrusted::new(other) }),
        };
        let origin = origin.map_err(|refusal| self.refuse(url.as_str(), &purpose, refusal))?;
        let endpoint = self.scope.endpoint(&origin).map_err(|refusal| self.refuse(url.as_str(), &purpose, refusal))?;
        let credential = match &request.credential {
            None => None,
            Some(name) => Some(self.credentials.get(name).ok_or_else(|| ProbeError::MissingCredential { name: self.redactor.text(name) })?),
        };
        let mut permit = self.enter(&origin).await?;
        let time = utc_now();
        let allowed = Duration::from_millis(request.deadline_ms.unwrap_or(self.limits.exchange_ms));
        let deadline = self.run_end.of_exchange(allowed);
        let mut timing = Timing::default();
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let idle = idle.filter(|idle| request.is_idempotent() && idle.origin == origin && idle.stream.connection().is_usable());
        if let Some(mut idle) = idle {
            self.pace(idle.stream.connection().remote().ip(), deadline).await?;
            idle.stream.connection_mut().wake(&purpose, deadline, permit);
            let (question, sent) =
                self.question(request, &url, endpoint, credential, idle.tls.as_ref(), idle.stream.connection().remote().ip());
            match http::ask(&mut idle.stream, &question, &self.redactor).await {
                Ok(answer) => {
                    let context = Context { request, url: &url, origin: &origin, purpose, time, timing, hops, reused: true, sent };
                    return Ok(self.record(context, answer, idle.stream, idle.tls).await);
                }
                Err(trouble) if trouble.nothing_came => {
                    // It had been closed while it waited; that says nothing about the target.
                    match idle.stream.connection_mut().forget_use() {
                        Some(back) => permit = back,
                        None => return Err(ProbeError::bug("a connection was used without a permit")),
                    }
                }
                Err(trouble) => {
                    idle.stream.connection_mut().note(trouble.error.clone());
                    return Err(trouble.error);
                }
            }
        }
        let connection = self.dial(&origin, &purpose, deadline, permit).await?;
        timing.connect_ms = Some(millis(connection.opened_in()));
        let (mut stream, tls) = if origin.is_secure() {
            let started = Instant::now();
            let secured = self.secure(&origin, connection, &[b"http/1.1"]).await?;
            timing.tls_ms = Some(millis(started.elapsed()));
            (Stream::Tls(Box::new(secured.stream)), Some(secured.facts))
        } else {
            (Stream::Plain(connection), None)
        };
        let (question, sent) = self.question(request, &url, endpoint, credential, tls.as_ref(), stream.connection().remote().ip());
        match http::ask(&mut stream, &question, &self.redactor).await {
            Ok(answer) => {
                let context = Context { request, url: &url, origin: &origin, purpose, time, timing, hops, reused: false, sent };
                Ok(self.record(context, answer, stream, tls).await)
            }
            Err(trouble) => {
                stream.connection_mut().note(trouble.error.clone());
                Err(trouble.error)
            }
        }
    }

    /// Writes the question as it goes over the wire, and as it is recorded.
    fn question<'a>(
        &self,
        request: &'a Request,
        url: &Url,
        endpoint: &Endpoint,
        credential: Option<&Credential>,
        tls: Option<&TlsFacts>,
        address: IpAddr,
    ) -> (Question<'a>, SentRequest) {
        let withheld = credential.and_then(|credential| withholding(credential, endpoint, tls, address));
        let shown = credential.filter(|_| withheld.is_none());
        let mut fields = vec![
            ("Host".to_owned(), host_field(url)),
            ("User-Agent".to_owned(), self.user_agent.clone()),
            ("Accept-Encoding".to_owned(), if request.gzip { "gzip" } else { "identity" }.to_owned()),
            ("Connection".to_owned(), if request.keep_alive { "keep-alive" } else { "close" }.to_owned()),
        ];
        if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
            fields.push(("Accept".to_owned(), "*/*".to_owned()));
        }
        if let Some(body) = &request.body {
            fields.push(("Content-Length".to_owned(), body.len().to_string()));
        } else if matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
            fields.push(("Content-Length".to_owned(), "0".to_owned()));
        }
        fields.extend(request.headers.iter().cloned());
        let mut wire_url = url.clone();
        let mut shown_url = url.clone();
        let mut secret_field = None;
        if let Some(credential) = shown {
            match credential.show() {
                credential::Shown::Field(name, value) => {
                    fields.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
                    secret_field = Some(name.clone());
                    fields.push((name, value));
                }
                credential::Shown::Query(name, value) => {
                    wire_url.query_pairs_mut().append_pair(&name, &value);
                    shown_url.query_pairs_mut().append_pair(&name, "redacted");
                }
            }
        }
        let mut target = wire_url.path().to_owned();
        if let Some(query) = wire_url.query() {
            target.push('?');
            target.push_str(query);
        }
        let mut head = format!("{} {target} HTTP/1.1\r\n", request.method);
        for (name, value) in &fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let sent = SentRequest {
            method: request.method.clone(),
            url: self.redactor.text(shown_url.as_str()),
            headers: http::request_fields(&fields, secret_field.as_deref(), &self.redactor),
            body: request.body.as_ref().map(|body| Bytes(self.redactor.bytes(body))),
            credential: match (credential, withheld) {
                (None, _) => CredentialUse::None,
                (Some(c), None) => CredentialUse::Sent { name: self.redactor.text(&c.name) },
                (Some(c), Some(reason)) => CredentialUse::Withheld { name: self.redactor.text(&c.name), reason },
            },
        };
        let question = Question {
            method: &request.method,
            head: head.into_bytes(),
            body: request.body.as_deref(),
            gzip: request.gzip,
            most_body: self.limits.body_cap(request.max_body),
            most_head: self.limits.header_bytes as usize,
            most_fields: self.limits.headers as usize,
            ratio: self.limits.decompression_ratio,
        };
        (question, sent)
    }

    /// Records an exchange, and keeps or closes its connection.
    async fn record(&self, context: Context<'_>, answer: http::Answer, mut stream: Stream, tls: Option<TlsFacts>) -> Exchange {
        let Context { request, url, origin, purpose, time, timing, hops, reused, sent } = context;
        let timing = Timing { first_byte_ms: millis(answer.first_byte), total_ms: millis(answer.total), ..timing };
        let facts = ConnectionFacts {
            remote: stream.connection().remote(),
            local: stream.connection().local(),
            reused,
            tls: tls.clone().map(|facts| self.clean_facts(facts)),
        };
        if request.keep_alive && answer.reusable {
            stream.connection_mut().rest();
            *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(Idle { origin: origin.clone(), stream, tls });
        } else {
            stream.close().await;
            drop(stream);
        }
        let response = http::response(answer, self.limits.headers as usize, &self.redactor);
        let exchange = Exchange {
            id: format!("x{}", self.count.fetch_add(1, Ordering::Relaxed) + 1),
            purpose,
            time,
            redirect: http::redirect(&response, url, &self.scope),
            request: sent,
            response,
            timing,
            connection: facts,
            hops,
            asked: Some(Box::new(request.clone())),
        };
        (self.exchanges)(&exchange);
        exchange
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
            if let Err(error) = self.books.health.spend(origin.host(), origin.port()) {
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
    async fn enter(&self, origin: &Origin) -> Result<OwnedSemaphorePermit, ProbeError> {
        self.may_go_on()?;
        let gate = Arc::clone(&self.gate).acquire_owned();
        let permit = self.bounded(self.run_end, "the target", Phase::Connect, gate).await?;
        self.books.health.may_ask(origin.host(), origin.port())?;
        permit.map_err(|_| ProbeError::bug("the gate was closed"))
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
            () = self.books.interrupt.thrown() => Err(ProbeError::Interrupted),
            done = tokio::time::timeout_at(deadline.at, future) => done.map_err(|_| deadline.error(address, phase)),
        }
    }

    fn admit(&self, origin: &Origin, purpose: &str) -> Result<&Endpoint, ProbeError> {
        self.scope.endpoint(origin).map_err(|refusal| self.refuse(&origin.to_string(), purpose, refusal))
    }

    /// Refuses an address, and writes that down.
    fn refuse(&self, what: &str, purpose: &str, refusal: Refusal) -> ProbeError {
        let error = ProbeError::OutOfScope { what: Untrusted::new(&self.redactor.text(what)), refusal };
        self.not_tried(what, purpose, &error);
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
        match error {
            ProbeError::Misuse { detail } => ProbeError::Misuse { detail: clean(detail) },
            ProbeError::Tls { address, detail } => ProbeError::Tls { address, detail: clean(detail) },
            other => other,
        }
    }

    fn clean_facts(&self, mut facts: TlsFacts) -> TlsFacts {
        facts.detail = facts.detail.map(|text| Untrusted::new(&self.redactor.text(text.as_str())));
        facts
    }
}

/// What an exchange is recorded with, beside the answer.
struct Context<'a> {
    request: &'a Request,
    url: &'a Url,
    origin: &'a Origin,
    purpose: String,
    time: String,
    timing: Timing,
    hops: u32,
    reused: bool,
    sent: SentRequest,
}

/// Why a credential is not shown on this connection, if it is not.
fn withholding(credential: &Credential, endpoint: &Endpoint, tls: Option<&TlsFacts>, address: IpAddr) -> Option<Withholding> {
    if credential.origin != endpoint.origin {
        return Some(Withholding::OtherOrigin);
    }
    match tls {
        _ if endpoint.trust_unverified => None,
        Some(facts) if facts.is_vouched_for() => None,
        Some(_) => Some(Withholding::NotVerified),
        // Nobody else listens on the way to this machine itself.
        None if AddressClass::of(address) == AddressClass::Loopback => None,
        None => Some(Withholding::NotEncrypted),
    }
}

/// The value of `Host` (RFC 9110, section 7.2): the port only where it is not the scheme's own.
fn host_field(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
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
