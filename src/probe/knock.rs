//! Whether a TCP port of a host in the scope is open: one connection, closed at once, nothing sent.
//!
//! The scope names origins; a knock goes to other ports of the *same* hosts, so whoever asks for it
//! must have the owner's consent. Silence at a port that nobody named is what firewalls do: it is no
//! sign of a device in trouble and is not counted as one.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::connection::{Usage, millis};
use super::error::{Phase, ProbeError};
use super::health::Health;
use super::http::hex;
use super::limits::LEAST_GAP;
use super::scope::{AddressClass, Origin};
use super::{Door, Transport};
use std::sync::PoisonError;

/// What became of a knock, and what the service said unasked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Knock {
    /// Whether it is open.
    pub state: Port,
    /// The first bytes of a service that speaks first, as telnet and FTP do; lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub greeting: String,
    /// How long it took to open, in milliseconds.
    pub ms: u64,
}

/// How many bytes of a greeting are kept.
const MOST_GREETING: usize = 96;

/// What became of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Port {
    /// Something listens.
    Open,
    /// The host says that nothing listens.
    Closed,
    /// No answer; a firewall, perhaps.
    Silent,
}

impl Door {
    /// Knocks at a port of a host in the scope and, where it opens, listens for `listen` to what is said
    /// there unasked; nothing is sent. Beside the usual gap one more is kept, so that at most
    /// five knocks a second reach a device.
    ///
    /// # Errors
    /// The host is not in the scope, or the run may not go on.
    pub async fn knock(&self, host: &str, port: u16, wait: Duration, listen: Duration, purpose: &str) -> Result<Knock, ProbeError> {
        if !self.scope().pins().contains_key(host) {
            return Err(ProbeError::misuse(format!("a knock at {host}, which the target file does not name")));
        }
        let origin = Origin::new("tcp", host, port).map_err(|refusal| self.refuse(host, purpose, refusal))?;
        let permit = self.enter(&origin, self.run_end).await?;
        drop(self.idle.lock().unwrap_or_else(PoisonError::into_inner).take());
        let ip = *self.scope().addresses(host)?.first().ok_or_else(|| ProbeError::bug("a pin without an address"))?;
        let health: &Health = &self.books.health;
        health.spend(host, port, 0)?;
        let deadline = self.run_end.within(wait.max(LEAST_GAP) + LEAST_GAP * 4);
        self.pace(ip, deadline).await?;
        if AddressClass::of(ip) != AddressClass::Loopback {
            tokio::time::sleep(LEAST_GAP).await;
        }
        let address = SocketAddr::new(ip, port);
        let mut usage = Usage::begin(&origin, address, purpose, Transport::Tcp);
        let mut greeting = String::new();
        let begun = Instant::now();
        let opened = self.bounded(self.run_end.within(wait), &address.to_string(), Phase::Connect, TcpStream::connect(address)).await;
        let ms = millis(begun.elapsed());
        let state = match opened {
            // That it opens is no answer yet: behind it may be something that never says a word.
            Ok(Ok(mut stream)) => {
                if !listen.is_zero() {
                    let mut bytes = [0_u8; MOST_GREETING];
                    // Silence and a reset are both no greeting.
                    let heard =
                        self.bounded(self.run_end.within(listen), &address.to_string(), Phase::Answer, stream.read(&mut bytes)).await;
                    if let Ok(Ok(count)) = heard {
                        usage.received(count);
                        greeting = hex(bytes.get(..count).unwrap_or_default());
                    }
                }
                Ok(Port::Open)
            }
            Ok(Err(error)) => {
                let error = ProbeError::from_io(&error, &address.to_string(), Phase::Connect);
                if matches!(error, ProbeError::Local { .. }) {
                    Err(error)
                } else {
                    let refused = matches!(error, ProbeError::Refused { .. });
                    if refused {
                        health.heard(host, port);
                    }
                    usage.fail_to_open(error);
                    Ok(if refused { Port::Closed } else { Port::Silent })
                }
            }
            Err(error @ ProbeError::TimedOut { .. }) => {
                usage.time_out(error);
                Ok(Port::Silent)
            }
            Err(error) => Err(error),
        };
        usage.end(&self.books, false);
        drop(permit);
        state.map(|state| Knock { state, greeting, ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Endpoint, Opening};
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpSocket};

    #[tokio::test]
    async fn open_and_closed_ports_are_told_apart_and_strangers_hosts_are_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"220 ftp\r\n").await.unwrap();
            stream.read_u8().await.ok();
        });
        // Bound and not listening: the port is kept, and closed.
        let kept = TcpSocket::new_v4().unwrap();
        kept.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let closed = kept.local_addr().unwrap().port();
        let origin = Origin::new("http", "127.0.0.1", 80).unwrap();
        let door = Door::open(Opening::new(vec![Endpoint::new(origin)])).await.unwrap();
        let wait = Duration::from_secs(5);
        let knock = door.knock("127.0.0.1", open, wait, wait, "test").await.unwrap();
        assert_eq!((knock.state, knock.greeting.as_str()), (Port::Open, "323230206674700d0a"));
        assert_eq!(door.knock("127.0.0.1", closed, wait, wait, "test").await.unwrap().state, Port::Closed);
        assert!(matches!(door.knock("127.0.0.2", open, wait, wait, "test").await, Err(ProbeError::Misuse { .. })));
        assert_eq!(door.summary().connections, 2);
    }
}
