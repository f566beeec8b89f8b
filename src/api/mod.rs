//! Documented APIs: reading a description, judging it, and holding a live service to it.
//!
//! Everything here is pure: no network, clock, file or chance. A [`plan`] says what to send, the
//! caller sends it and hands back what came, and the [`oracle`] judges the exchanges; given the same
//! exchanges it says the same again.

pub mod description;
pub mod discovery;
pub mod exchange;
pub mod export;
mod generate;
pub mod lint;
pub mod oracle;
pub mod plan;
pub mod sample;
