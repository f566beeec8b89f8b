//! Values for requests: ones that fit a schema, and ones that miss it in one known way.
//!
//! Nothing here is random. Each value is proven before it is used: what is called valid has been
//! accepted by the schema's validator, what is called wrong has been refused by it. A value for a
//! path, query or header is text on the wire, and is judged as every reading of that text: `null` or
//! `7` sent where text is asked for is text.

mod flat;
mod mutation;
mod pattern;
mod value;
mod wire;

pub(crate) use flat::Flat;
pub(crate) use mutation::mutations;
pub(crate) use value::{Maker, Variant};
pub(crate) use wire::{reads_as, serialise, wire_mutations};
