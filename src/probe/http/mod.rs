//! HTTP/1.1 as an observer speaks it.
//!
//! Client libraries exist to hide what is odd about an answer; here the oddities are the evidence. So
//! this is a small client of our own: every byte of the head is kept, departures from the grammar are
//! named ([`FaultKind`]), nothing is followed, decoded or retried unasked, and every cap counts what
//! comes out. HTTP/1.1 only, one question to a connection unless asked otherwise.

mod body;
mod bytes;
mod chunked;
mod client;
mod dialogue;
mod exchange;
mod head;
mod record;
mod request;

pub use bytes::Bytes;
pub use chunked::Chunked;
pub use exchange::{ConnectionFacts, CredentialUse, Cut, Exchange, Redirect, Response, SentRequest, Timing, Trail, Withholding};
pub use head::{FaultKind, Head, HttpFault, find_end, parse as parse_head};
pub use request::{AfterStop, LogInBody, Request};

pub(crate) use client::Idle;
pub(crate) use head::is_token_byte;
pub(crate) use record::hex;
