//! What can go wrong at the door, and whose trouble it is.
//!
//! The variants keep apart what a verdict must keep apart: the target did not answer, a limit of
//! ours was reached, the caller asked for what the target file does not allow, something was not
//! provided, the person stopped the run, or Probity itself is wrong. Each has one plain sentence
//! ([`std::fmt::Display`]) and is plain data, because a verdict that rests on it is computed again
//! later. Text that a stranger had a hand in is [`Untrusted`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::scope::AddressClass;
use crate::verdict::{Cause, Untrusted};

/// How far an exchange had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The connection was being opened.
    Connect,
    /// TLS was being agreed.
    Tls,
    /// The question was being sent, or its first answer awaited.
    Answer,
    /// The head of the answer was being read.
    Head,
    /// The body of the answer was being read.
    Body,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "while connecting",
            Self::Tls => "while agreeing on TLS",
            Self::Answer => "before the first byte of an answer",
            Self::Head => "in the middle of the head of its answer",
            Self::Body => "in the middle of its answer",
        })
    }
}

/// Which budget of connections was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Budget {
    /// That of the whole run.
    Run,
    /// That of one endpoint.
    Endpoint,
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Run => "this run",
            Self::Endpoint => "this endpoint",
        })
    }
}

/// Why an address is out of bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Error)]
#[serde(tag = "because", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Refusal {
    /// Only the schemes that Probity speaks are ever followed; `file:` and the like never.
    #[error("the scheme {scheme} is never followed")]
    Scheme {
        /// The scheme.
        scheme: Untrusted,
    },
    /// The target file names no such scheme, host and port.
    #[error("the target file does not name it")]
    NotNamed,
    /// A name leads to an address inside somebody's own network, which the target file does not name.
    #[error("it leads to {address}, a {class} address that the target file does not name")]
    Address {
        /// The address it leads to.
        address: std::net::IpAddr,
        /// What kind of address that is.
        class: AddressClass,
    },
    /// An address with a user name or password in it.
    #[error("it carries a user name or password")]
    UserInfo,
    /// It is no address at all.
    #[error("it is not an address that can be read")]
    Unreadable,
}

/// What kept the door from giving an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Error)]
#[serde(tag = "error", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProbeError {
    // The target's side.
    /// The name leads to no address.
    #[error("the name {host} leads to no address ({detail})")]
    NameUnknown {
        /// The name.
        host: String,
        /// What the resolver said.
        detail: Untrusted,
    },
    /// The peer refused the connection: nothing listens there.
    #[error("{address} refused the connection")]
    Refused {
        /// Address and port.
        address: String,
    },
    /// The peer cannot be reached from here.
    #[error("{address} cannot be reached ({detail})")]
    Unreachable {
        /// Address and port.
        address: String,
        /// What the operating system said.
        detail: Untrusted,
    },
    /// No answer, or no complete one, in the time allowed.
    #[error("no complete answer from {address} within {after_ms} ms: time ran out {phase}")]
    TimedOut {
        /// Address and port.
        address: String,
        /// How far it had come.
        phase: Phase,
        /// The time allowed, in milliseconds.
        after_ms: u64,
    },
    /// The peer closed the connection before there was an answer.
    #[error("{address} closed the connection {phase}")]
    Closed {
        /// Address and port.
        address: String,
        /// How far it had come.
        phase: Phase,
    },
    /// The peer reset the connection before there was an answer.
    #[error("{address} reset the connection {phase}")]
    Reset {
        /// Address and port.
        address: String,
        /// How far it had come.
        phase: Phase,
    },
    /// TLS could not be agreed.
    #[error("TLS could not be agreed with {address}: {detail}")]
    Tls {
        /// Address and port.
        address: String,
        /// What was wrong.
        detail: Untrusted,
    },
    /// What came back does not begin as an HTTP/1 answer does.
    #[error("{address} answered with something that is not HTTP/1: {seen}")]
    NotHttp {
        /// Address and port.
        address: String,
        /// The beginning of what came back.
        seen: Untrusted,
    },
    /// Redirects led back to where they had been before.
    #[error("the redirects go round in a circle, back to {url}")]
    RedirectLoop {
        /// The address they come back to.
        url: Untrusted,
    },
    /// An endpoint that has never answered met several questions with silence, so it is not asked again.
    #[error("{endpoint} has never answered and is not asked again: {in_a_row} questions in a row met silence")]
    NeverAnswered {
        /// Host and port.
        endpoint: String,
        /// How many questions met silence.
        in_a_row: u32,
    },
    /// The target answered once and then was silent several times in a row, so it is left in peace.
    #[error("{host} stopped answering and is left in peace: {}", silences(*in_a_row))]
    StoppedAnswering {
        /// The host; none of its ports is asked any more.
        host: String,
        /// How many questions met silence; none where it was gone after a check that did more than read.
        in_a_row: u32,
    },

    // Our limits.
    /// The time of the whole run is over.
    #[error("the time allowed for the whole run, {after_ms} ms, is over")]
    RunTimeOver {
        /// The time allowed, in milliseconds.
        after_ms: u64,
    },
    /// No more connections are allowed.
    #[error("the {limit} connections allowed for {of} are used up")]
    Connections {
        /// Whose budget.
        of: Budget,
        /// How many it allows.
        limit: u32,
    },
    /// A chain of redirects was longer than allowed.
    #[error("more than {limit} redirects, the last to {url}")]
    TooManyRedirects {
        /// The address that was not asked.
        url: Untrusted,
        /// How many are followed.
        limit: u32,
    },

    // What may not be asked.
    /// The address is out of bounds.
    #[error("{what} was not asked: {refusal}")]
    OutOfScope {
        /// What was to be asked.
        what: Untrusted,
        /// Why it was not.
        refusal: Refusal,
    },

    // Not provided.
    /// The credential that is needed is not there.
    #[error("the credential {name} is not there")]
    MissingCredential {
        /// Its name.
        name: String,
    },
    /// The credential is there and cannot be used as it stands.
    #[error("the credential {name} {why}")]
    UnusableCredential {
        /// Its name.
        name: String,
        /// What is wrong with it, without its value.
        why: String,
    },
    /// This machine cannot do it now: no route, no free socket.
    #[error("this machine could not open the connection ({detail})")]
    Local {
        /// What the operating system said.
        detail: Untrusted,
    },

    /// The person stopped the run.
    #[error("the run was interrupted")]
    Interrupted,

    // Ours.
    /// The caller used the door wrongly. A fault in Probity.
    #[error("the question was put wrongly ({detail}); this is a fault in Probity")]
    Misuse {
        /// What was wrong with it.
        detail: Untrusted,
    },
    /// The door itself went wrong. A fault in Probity.
    #[error("{detail}; this is a fault in Probity")]
    Bug {
        /// What happened.
        detail: Untrusted,
    },
}

fn silences(in_a_row: u32) -> String {
    match in_a_row {
        0 => "it was gone after a check that did more than read".to_owned(),
        some => format!("{some} questions in a row met silence"),
    }
}

impl ProbeError {
    /// Whose trouble this is. None of it is ever a failure of the target to conform.
    pub fn cause(&self) -> Cause {
        match self {
            Self::NameUnknown { .. }
            | Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Closed { .. }
            | Self::Reset { .. }
            | Self::Tls { .. }
            | Self::NotHttp { .. }
            | Self::RedirectLoop { .. }
            | Self::NeverAnswered { .. }
            | Self::StoppedAnswering { .. } => Cause::Target,
            Self::RunTimeOver { .. } | Self::Connections { .. } | Self::TooManyRedirects { .. } => Cause::Limit,
            Self::OutOfScope { .. } | Self::MissingCredential { .. } | Self::UnusableCredential { .. } | Self::Local { .. } => {
                Cause::Missing
            }
            Self::Interrupted => Cause::Interrupted,
            Self::Misuse { .. } | Self::Bug { .. } => Cause::Bug,
        }
    }

    /// Whether the run as a whole is over: every further question would meet the same error.
    pub fn ends_the_run(&self) -> bool {
        matches!(self, Self::RunTimeOver { .. } | Self::Interrupted | Self::Connections { of: Budget::Run, .. })
    }

    pub(crate) fn misuse(detail: impl AsRef<str>) -> Self {
        Self::Misuse { detail: Untrusted::new(detail.as_ref()) }
    }
    pub(crate) fn bug(detail: impl AsRef<str>) -> Self {
        Self::Bug { detail: Untrusted::new(detail.as_ref()) }
    }

    /// Reads an error of the operating system, or one of ours that travelled inside it.
    pub(crate) fn from_io(error: &std::io::Error, address: &str, phase: Phase) -> Self {
        use std::io::ErrorKind;
        if let Some(ours) = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            // The connection itself does not know how far the protocol above it had come.
            return if let Self::TimedOut { address, after_ms, .. } = ours {
                Self::TimedOut { address: address.clone(), phase, after_ms: *after_ms }
            } else {
                ours.clone()
            };
        }
        let address = address.to_owned();
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Self::Tls { address, detail: Untrusted::new(&tls.to_string()) };
        }
        let kind = error.kind();
        if kind == ErrorKind::ConnectionRefused {
            Self::Refused { address }
        } else if matches!(
            kind,
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe | ErrorKind::NotConnected
        ) {
            Self::Reset { address, phase }
        } else if kind == ErrorKind::UnexpectedEof {
            Self::Closed { address, phase }
        } else if matches!(kind, ErrorKind::AddrNotAvailable | ErrorKind::AddrInUse | ErrorKind::PermissionDenied | ErrorKind::OutOfMemory)
        {
            Self::Local { detail: Untrusted::new(&error.to_string()) }
        } else if phase == Phase::Connect
            && !matches!(kind, ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::TimedOut)
        {
            // Such as "too many open files".
            Self::Local { detail: Untrusted::new(&error.to_string()) }
        } else {
            Self::Unreachable { address, detail: Untrusted::new(&error.to_string()) }
        }
    }
}
