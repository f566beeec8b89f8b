//! A whole run with its bundle: open the door, ask, keep the evidence, seal it.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::{BundleError, JournalWriter, Opening as BundleOpening, Writer};
use crate::assess::{Assessment, Event, Options, run};
use crate::probe::{Door, Opening, ProbeError};
use crate::profile::Profile;
use crate::target::Target;

/// What keeps a run from being recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The door could not be opened.
    #[error(transparent)]
    Door(#[from] ProbeError),
    /// The bundle could not be written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// A run and the bundle that keeps it.
#[derive(Debug)]
pub struct Recorded {
    /// The assessment, as it was written.
    pub assessment: Assessment,
    /// SHA-256 of the manifest: the fingerprint of the bundle.
    pub fingerprint: String,
}

/// Where a bundle is written.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// Whether an earlier bundle is replaced.
    pub force: bool,
}

/// Runs an assessment and writes its bundle into a folder as it goes. `attach` makes further files,
/// such as a report, from the assessment as it was written.
///
/// # Errors
/// The door could not be opened or the bundle could not be written. What was written stays.
pub async fn record(
    profile: &Profile,
    target: &Arc<Target>,
    mut opening: Opening,
    options: &Options,
    place: Place<'_>,
    mut listen: impl FnMut(Event<'_>),
    attach: impl FnOnce(&Assessment) -> Vec<(String, Vec<u8>)>,
) -> Result<Recorded, RecordError> {
    let journal: Arc<OnceLock<JournalWriter>> = Arc::default();
    let sink = Arc::clone(&journal);
    opening.journal = Arc::new(move |entry| {
        if let Some(writer) = sink.get() {
            writer.record(entry);
        }
    });
    opening.interrupt = options.interrupt.clone();
    let door = Door::open(opening).await?;
    let begin = BundleOpening { profile, target, options, redactor: door.redactor(), force: place.force };
    let mut writer = Writer::create(place.folder, &begin)?;
    let _ = journal.set(writer.journal());
    let assessment = run(profile, target, &door, options, |event| {
        writer.listen(&event);
        listen(event);
    })
    .await;
    let assessment = writer.conclude(&assessment)?;
    for (name, bytes) in attach(&assessment) {
        writer.attach(&name, &bytes)?;
    }
    let fingerprint = writer.seal()?;
    Ok(Recorded { assessment, fingerprint })
}
