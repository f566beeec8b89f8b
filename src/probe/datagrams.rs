//! UDP with one peer, under the same limits as everything else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;

use super::connection::Usage;
use super::error::{Phase, ProbeError};
use super::limits::Deadline;
use super::{Door, Origin};

/// The largest datagram that can come.
const MOST: usize = 65_535;

/// A UDP socket that talks to one endpoint and hears only that one. Each datagram that is sent counts
/// as a connection. Silence is no sign of a fault here, and none is counted.
pub struct Datagrams {
    door: Arc<Door>,
    socket: UdpSocket,
    usage: Usage,
    deadline: Deadline,
}

impl Datagrams {
    pub(crate) fn new(door: Arc<Door>, socket: UdpSocket, usage: Usage, deadline: Deadline) -> Self {
        Self { door, socket, usage, deadline }
    }

    /// The address of the other side.
    pub fn remote(&self) -> SocketAddr {
        self.usage.address
    }

    /// Sends one datagram.
    pub async fn send(&mut self, datagram: &[u8]) -> Result<(), ProbeError> {
        let (address, origin) = (self.usage.address, &self.usage.origin);
        self.door.books.health.spend(origin.host(), origin.port(), 0)?;
        self.door.pace(address.ip(), self.deadline).await?;
        let sent = self.door.bounded(self.deadline, &address.to_string(), Phase::Answer, self.socket.send(datagram)).await?;
        match sent {
            Ok(count) => {
                self.usage.sent(count);
                Ok(())
            }
            Err(error) => Err(self.fail(&error)),
        }
    }

    /// Waits for the next datagram; none when there was none in time.
    pub async fn receive(&mut self, wait: Duration) -> Result<Option<Vec<u8>>, ProbeError> {
        let deadline = self.deadline.within(wait);
        let mut buffer = vec![0u8; MOST];
        let address = self.usage.address.to_string();
        match self.door.bounded(deadline, &address, Phase::Answer, self.socket.recv(&mut buffer)).await {
            Ok(Ok(count)) => {
                self.usage.received(count);
                buffer.truncate(count);
                Ok(Some(buffer))
            }
            Ok(Err(error)) => Err(self.fail(&error)),
            Err(error @ ProbeError::TimedOut { .. }) => {
                self.usage.time_out(error);
                Ok(None)
            }
            Err(error) => {
                self.usage.note(error.clone());
                Err(error)
            }
        }
    }

    fn fail(&mut self, error: &std::io::Error) -> ProbeError {
        let error = ProbeError::from_io(error, &self.usage.address.to_string(), Phase::Answer);
        self.usage.note(error.clone());
        error
    }

    /// The endpoint.
    pub fn origin(&self) -> &Origin {
        &self.usage.origin
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.usage.end(&self.door.books, false);
    }
}
