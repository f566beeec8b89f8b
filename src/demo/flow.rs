//! The demonstration: start sample vendors, assess each with a profile, hand back what was found.

use std::path::Path;
use std::sync::Arc;

use time::OffsetDateTime;

use super::{DemoError, Running, Vendor};
use crate::assess::{Assessment, Event, Options, Selection, opening, run};
use crate::probe::{Door, Interrupt, Limits, Opening};
use crate::profile::Profile;

impl Running {
    /// What a door to this vendor is opened with, its secrets among it.
    ///
    /// # Errors
    /// The vendor's target file does not let a door be opened.
    pub fn opening(&self, limits: Limits) -> Result<Opening, DemoError> {
        let (opening, problems) = opening(&self.target, limits, |name| self.environment(name));
        match problems.into_iter().find(|p| p.blocks) {
            Some(problem) => Err(DemoError::Start(problem.to_string())),
            None => Ok(opening),
        }
    }
}

/// A vendor that was assessed.
#[derive(Debug)]
pub struct Shown {
    /// The vendor.
    pub vendor: Vendor,
    /// It, still at work.
    pub running: Running,
    /// What was found.
    pub assessment: Assessment,
}

/// Starts a vendor in a folder of its own and assesses it.
///
/// # Errors
/// The vendor cannot be read or started, or nothing can be asked.
pub async fn demonstrate(
    name: &str,
    profile: &Profile,
    folder: &Path,
    tier: u8,
    interrupt: &Interrupt,
    listen: impl FnMut(Event<'_>),
) -> Result<Shown, DemoError> {
    let now = OffsetDateTime::now_utc();
    let vendor = Vendor::load(name)?;
    let running = vendor.start(folder, now).await?;
    let mut opening = running.opening(Limits::default())?;
    opening.interrupt = interrupt.clone();
    let door = Door::open(opening).await.map_err(|e| DemoError::Start(e.to_string()))?;
    let options = Options { selection: Selection { tier, ..Selection::default() }, now, waivers: Vec::new(), interrupt: interrupt.clone() };
    let target = Arc::new(running.target.clone());
    let assessment = run(profile, &target, &door, &options, listen).await;
    Ok(Shown { vendor, running, assessment })
}
