//! One TCP connection, with everything on it that must not be forgotten: the deadline, the
//! interruption, the count of bytes and the entry in the journal.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

use super::Interrupt;
use super::error::{Phase, ProbeError};
use super::health::Health;
use super::journal::{Ending, Journal, JournalEntry, Transport, utc_now};
use super::limits::Deadline;
use super::scope::Origin;

/// What is kept of every use of the network.
pub(crate) struct Books {
    pub(crate) journal: Journal,
    pub(crate) health: Health,
    pub(crate) interrupt: Interrupt,
}

/// One use of a connection, from its beginning to its entry in the journal.
pub(crate) struct Usage {
    pub(crate) origin: Origin,
    pub(crate) address: SocketAddr,
    pub(crate) purpose: String,
    pub(crate) transport: Transport,
    time: String,
    started: Instant,
    reused: bool,
    bytes_out: u64,
    bytes_in: u64,
    timed_out: Option<ProbeError>,
    error: Option<ProbeError>,
    silent: bool,
    not_opened: bool,
    open: bool,
}

impl Usage {
    pub(crate) fn begin(origin: &Origin, address: SocketAddr, purpose: &str, transport: Transport) -> Self {
        Self {
            origin: origin.clone(),
            address,
            purpose: purpose.to_owned(),
            transport,
            time: utc_now(),
            started: Instant::now(),
            reused: false,
            bytes_out: 0,
            bytes_in: 0,
            timed_out: None,
            error: None,
            silent: false,
            not_opened: false,
            open: true,
        }
    }
    fn begin_again(&mut self, purpose: &str) {
        *self = Self { reused: true, ..Self::begin(&self.origin, self.address, purpose, self.transport) };
    }
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.bytes_out += bytes as u64;
    }
    pub(crate) fn received(&mut self, bytes: usize) {
        self.bytes_in += bytes as u64;
    }
    pub(crate) fn time_out(&mut self, error: ProbeError) {
        self.timed_out = Some(error);
    }
    pub(crate) fn note(&mut self, error: ProbeError) {
        self.error.get_or_insert(error);
    }
    pub(crate) fn fail_to_open(&mut self, error: ProbeError) {
        self.not_opened = true;
        self.note(error);
    }
    /// Writes the entry and tells the health of the endpoint. Does so once.
    pub(crate) fn end(&mut self, books: &Books, silence_counts: bool) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let error = self.error.take().or_else(|| self.timed_out.clone());
        let interrupted = matches!(error, Some(ProbeError::Interrupted));
        let ending = match (&self.timed_out, self.bytes_in) {
            _ if interrupted => Ending::Interrupted,
            _ if self.not_opened => Ending::NotOpened,
            _ if self.silent => Ending::Silent,
            (Some(_), 0) => Ending::Silent,
            (Some(_), _) => Ending::TimedOut,
            (None, 0) => Ending::NoAnswer,
            (None, _) => Ending::Answered,
        };
        let (host, port) = (self.origin.host(), self.origin.port());
        let out_of_time = matches!(self.timed_out, Some(ProbeError::TimedOut { .. }));
        if silence_counts && out_of_time && (self.silent || self.bytes_in == 0) {
            books.health.silent(host, port);
        } else if self.bytes_in > 0 {
            books.health.heard(host, port);
        }
        books.journal.record(JournalEntry {
            number: 0,
            time: self.time.clone(),
            transport: self.transport,
            endpoint: self.origin.to_string(),
            address: Some(self.address.to_string()),
            purpose: self.purpose.clone(),
            reused: self.reused,
            bytes_out: self.bytes_out,
            bytes_in: self.bytes_in,
            ms: millis(self.started.elapsed()),
            ending,
            error,
        });
    }
}

/// A TCP connection that was opened through the door. Reads and writes end with an error when the
/// deadline has come or the run was interrupted; [`Connection::explain`] turns any error of it into a
/// [`ProbeError`]. Dropping it closes it and writes the journal entry.
pub struct Connection {
    stream: TcpStream,
    books: Arc<Books>,
    usage: Usage,
    deadline: Deadline,
    sleep: Pin<Box<Sleep>>,
    thrown: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    permit: Option<OwnedSemaphorePermit>,
    local: SocketAddr,
    opened_in: Duration,
}

impl Connection {
    pub(crate) fn new(
        stream: TcpStream,
        books: Arc<Books>,
        usage: Usage,
        deadline: Deadline,
        permit: OwnedSemaphorePermit,
    ) -> std::io::Result<Self> {
        // Questions are small and each is waited for.
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        let interrupt = books.interrupt.clone();
        Ok(Self {
            stream,
            opened_in: usage.started.elapsed(),
            usage,
            deadline,
            sleep: Box::pin(tokio::time::sleep_until(deadline.at)),
            thrown: Box::pin(async move { interrupt.thrown().await }),
            permit: Some(permit),
            books,
            local,
        })
    }

    /// The address of the other side.
    pub fn remote(&self) -> SocketAddr {
        self.usage.address
    }
    /// The address of this side.
    pub fn local(&self) -> SocketAddr {
        self.local
    }
    /// How long it took to open.
    pub fn opened_in(&self) -> Duration {
        self.opened_in
    }
    /// Bytes received so far, TLS included.
    pub fn bytes_in(&self) -> u64 {
        self.usage.bytes_in
    }
    /// Bytes sent so far, TLS included.
    pub fn bytes_out(&self) -> u64 {
        self.usage.bytes_out
    }
    /// Turns an error of reading or writing into what it means.
    pub fn explain(&self, error: &std::io::Error, phase: Phase) -> ProbeError {
        ProbeError::from_io(error, &self.usage.address.to_string(), phase)
    }
    /// Tells the journal what was wrong with this connection; the first word counts.
    pub fn note(&mut self, error: ProbeError) {
        self.usage.note(error);
    }
    /// Says that a question on this connection met silence until time ran out, although bytes have come
    /// before it: the handshake of TLS is no answer.
    pub fn note_silence(&mut self) {
        self.usage.silent = true;
    }
    /// Brings the deadline forward; it can never be put off.
    pub fn hurry(&mut self, within: Duration) {
        self.set_deadline(self.deadline.within(within));
    }

    fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
        self.sleep.as_mut().reset(deadline.at);
    }
    /// Ends one use of a connection that stays open.
    pub(crate) fn rest(&mut self) {
        self.permit = None;
        self.usage.end(&self.books, true);
    }
    /// Begins another use of it.
    pub(crate) fn wake(&mut self, purpose: &str, deadline: Deadline, permit: OwnedSemaphorePermit) {
        self.usage.begin_again(purpose);
        self.permit = Some(permit);
        self.set_deadline(deadline);
    }
    /// Takes back this use of a connection that turned out to have been closed by the peer long ago.
    pub(crate) fn forget_use(&mut self) -> Option<OwnedSemaphorePermit> {
        self.usage.open = false;
        self.permit.take()
    }
    pub(crate) fn is_usable(&self) -> bool {
        // Bytes or an end that nobody asked for: the peer has closed it, or is up to something.
        let mut byte = [0u8; 1];
        matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    fn check(&mut self, cx: &mut Context<'_>) -> std::io::Result<()> {
        if !self.deadline.is_lasting() && self.thrown.as_mut().poll(cx).is_ready() {
            // The future is spent, and the switch stays thrown.
            self.thrown = Box::pin(std::future::ready(()));
            self.usage.note(ProbeError::Interrupted);
            return Err(std::io::Error::other(ProbeError::Interrupted));
        }
        if self.sleep.as_mut().poll(cx).is_ready() {
            let error = self.deadline.error(&self.usage.address.to_string(), Phase::Answer);
            self.usage.time_out(error.clone());
            return Err(std::io::Error::other(error));
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        if let Err(error) = this.check(cx) {
            return Poll::Ready(Err(error));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        this.usage.received(buf.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        if let Err(error) = this.check(cx) {
            return Poll::Ready(Err(error));
        }
        let polled = Pin::new(&mut this.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(sent)) = polled {
            this.usage.sent(sent);
        }
        polled
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        if let Err(error) = this.check(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        if let Err(error) = this.check(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.usage.end(&self.books, true);
    }
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
