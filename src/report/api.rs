//! The API run of a bundle in the forms of other tools: HTTP Archive and Web Fuzzing Commons.
//!
//! Both are made from the bundle alone. Secrets were taken out before it was written.

use std::collections::BTreeMap;
use std::str::FromStr;

use time::format_description::well_known::Rfc3339;

use crate::api::export::{har, wfc};
use crate::bundle::{Bundle, BundleError, json_pretty};
use crate::check::{ApiRecord, Facts};

/// A form in which an API run is handed to other tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiExport {
    /// HTTP Archive 1.2: every exchange, for a browser's network view.
    Har,
    /// The report of Web Fuzzing Commons, version [`crate::api::export::WFC_VERSION`].
    Wfc,
}

impl ApiExport {
    /// All forms.
    pub const ALL: [Self; 2] = [Self::Har, Self::Wfc];
    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Har => "har",
            Self::Wfc => "wfc",
        }
    }
    /// The end of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Har => "har",
            Self::Wfc => "json",
        }
    }
}

impl FromStr for ApiExport {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|export| export.as_str() == name).ok_or(())
    }
}

/// Why there is nothing to export.
#[derive(Debug, thiserror::Error)]
pub enum NoRun {
    /// No check of the bundle rests on an API run.
    #[error("no API run is in this bundle: no check of it asked a documented API")]
    None,
    /// The endpoint has none.
    #[error("no API run of `{asked}` is in this bundle; there is one of {known}")]
    Unknown {
        /// The endpoint that was asked for.
        asked: String,
        /// Those that have one.
        known: String,
    },
    /// There are several.
    #[error("API runs of several endpoints are in this bundle: {0}")]
    Several(String),
    /// The bundle cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The form cannot be written.
    #[error("it cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// The API run of an endpoint; of several runs the one with the most requests.
///
/// # Errors
/// There is none, or the bundle cannot be read.
pub fn export(bundle: &Bundle, form: ApiExport, endpoint: Option<&str>) -> Result<Vec<u8>, NoRun> {
    let assessment = bundle.assessment();
    let target = bundle.target()?;
    let mut runs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for result in assessment.results.iter().filter(|result| ApiRecord::is_of(&result.kind)) {
        if let (Some(name), Some(hash)) = (result.endpoint.as_deref(), result.observation.as_deref()) {
            runs.entry(name).or_default().push(hash);
        }
    }
    let known = || runs.keys().copied().collect::<Vec<_>>().join(", ");
    let (name, hashes) = match endpoint {
        Some(asked) => runs.get_key_value(asked).ok_or_else(|| NoRun::Unknown { asked: asked.to_owned(), known: known() })?,
        None if runs.len() > 1 => return Err(NoRun::Several(known())),
        None => runs.iter().next().ok_or(NoRun::None)?,
    };
    let facts = Facts { now: assessment.started, target: &target, endpoint: Some(name) };
    let mut record: Option<ApiRecord> = None;
    for hash in hashes {
        if let Some(read) = ApiRecord::read(&bundle.observation(hash)?, &facts)
            && record.as_ref().is_none_or(|known| known.exchanges.len() < read.exchanges.len())
        {
            record = Some(read);
        }
    }
    let record = record.ok_or(NoRun::None)?;
    let started = assessment.started.format(&Rfc3339).unwrap_or_default();
    let seconds = (assessment.finished - assessment.started).whole_seconds().unsigned_abs();
    let value = match form {
        ApiExport::Har => har(&record.exchanges, &started),
        ApiExport::Wfc => wfc(&record.description, &record.judgement, &record.exchanges, &started, seconds),
    };
    Ok(json_pretty(&value)?)
}
