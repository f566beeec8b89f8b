//! Sample vendors that come with the program: one that is sound, and for each defect one in which
//! exactly that is wrong.
//!
//! A vendor is a file (`fixtures/vendors/`): what its services answer, its documents, its target file.
//! A defect is a file that says `like: sound`, one sentence, which requirements it must break, and the
//! changes that make it. The same files drive the demonstration and the test that holds every
//! requirement to them. Vendors run on loopback only, on ports that the system picks; their secrets
//! are thrown away with them.

mod certificate;
mod change;
mod device;
mod fhir;
mod flow;
mod log_in;
mod placeholder;
mod server;
mod service;
mod vendor;

pub use flow::{Shown, demonstrate};
pub use server::Running;
pub use vendor::{Defect, Vendor, defects};

/// Why a sample vendor cannot be read or started.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No vendor file has this name.
    #[error("no sample vendor is called `{name}`; there are {known}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A vendor file cannot be read.
    #[error("the sample vendor `{vendor}` is wrong: {message}")]
    File {
        /// The vendor's name.
        vendor: String,
        /// What is wrong.
        message: String,
    },
    /// The machine does not let it run.
    #[error("the sample vendor cannot be started: {0}")]
    Start(String),
}
