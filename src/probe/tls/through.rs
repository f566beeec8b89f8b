//! The questions of TLS through the door, one endpoint at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::datagram::DialDatagram;
use super::exchange::Dial;
use crate::probe::{Connection, Datagrams, Door, Origin, ProbeError};

/// Dials one endpoint through the door.
pub struct Through {
    door: Arc<Door>,
    origin: Origin,
    per_probe: Duration,
    trouble: Mutex<Option<ProbeError>>,
}

impl Through {
    /// To this endpoint, with this time for each answer.
    pub fn new(door: Arc<Door>, origin: Origin, per_probe: Duration) -> Self {
        Self { door, origin, per_probe, trouble: Mutex::default() }
    }

    /// What made the door say no, where that is not the target's doing: the survey is then none.
    ///
    /// # Errors
    /// The first such trouble.
    pub fn trouble(&self) -> Result<(), ProbeError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }

    fn note(&self, error: &ProbeError) {
        // A used-up budget is kept in the survey, with what was seen before.
        let of_the_survey = matches!(error, ProbeError::Connections { .. } | ProbeError::RunTimeOver { .. });
        if error.cause() != crate::verdict::Cause::Target && !of_the_survey {
            self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.clone());
        }
    }
}

impl Dial for Through {
    type Stream = Connection;

    async fn dial(&self, purpose: &str) -> Result<Connection, ProbeError> {
        match self.door.tcp(&self.origin, &format!("TLS survey: {purpose}")).await {
            Ok(mut connection) => {
                // So that it is the door that notes a silence.
                connection.hurry(self.per_probe);
                Ok(connection)
            }
            Err(error) => {
                self.note(&error);
                Err(error)
            }
        }
    }
}

impl DialDatagram for Through {
    type Socket = Datagrams;

    async fn dial(&self, purpose: &str) -> Result<Datagrams, ProbeError> {
        self.door.udp(&self.origin, &format!("DTLS survey: {purpose}")).await.inspect_err(|error| self.note(error))
    }
}
