//! Whether a TCP port of a host in the scope is open: one connection, closed at once, nothing sent.
//!
//! The scope names origins; a knock goes to other ports of the *same* hosts, so whoever asks for it
//! must have the owner's consent. Silence at a port that nobody named is what firewalls do: it is no
//! sign of a device in trouble and is not counted as one.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

use super::connection::Usage;
use super::error::{Phase, ProbeError};
use super::health::Health;
use super::limits::LEAST_GAP;
use super::scope::{AddressClass, Origin};
use super::{Door, Transport};
use std::sync::PoisonError;

/// What became of a knock.
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
    /// Knocks at a port of a host in the scope. Beside the usual gap one more is kept, so that at most
    /// five knocks a second reach a device.
    ///
    /// # Errors
    /// The host is not in the scope, or the run may not go on.
    pub async fn knock(&self, host: &str, port: u16, wait: Duration, purpose: &str) -> Result<Port, ProbeError> {
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
        let opened = self.bounded(self.run_end.within(wait), &address.to_string(), Phase::Connect, TcpStream::connect(address)).await;
        let state = match opened {
            Ok(Ok(stream)) => {
                drop(stream);
                health.heard(host, port);
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
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Endpoint, Opening};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn open_and_closed_ports_are_told_apart_and_strangers_hosts_are_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap().port();
        let closed = {
            let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
            gone.local_addr().unwrap().port()
        };
        let origin = Origin::new("http", "127.0.0.1", 80).unwrap();
        let door = Door::open(Opening::new(vec![Endpoint::new(origin)])).await.unwrap();
        let wait = Duration::from_secs(5);
        assert_eq!(door.knock("127.0.0.1", open, wait, "test").await, Ok(Port::Open));
        assert_eq!(door.knock("127.0.0.1", closed, wait, "test").await, Ok(Port::Closed));
        assert!(matches!(door.knock("127.0.0.2", open, wait, "test").await, Err(ProbeError::Misuse { .. })));
        assert_eq!(door.summary().connections, 2);
    }
}
