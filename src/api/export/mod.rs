//! Exchanges and judgements in the formats that other tools read.

mod har;
mod wfc;

pub use har::har;
pub use wfc::{WFC_VERSION, wfc};
