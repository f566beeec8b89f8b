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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{Bundle, Place, record};
    use crate::verdict::Outcome;

    /// Runs the requirement on resources on the sound sample vendor and keeps it in a bundle.
    async fn recorded_resources(folder: &Path) -> Bundle {
        let profile = Profile::load("eu-core").unwrap();
        let now = time::OffsetDateTime::now_utc();
        let running = Vendor::load("sound").unwrap().start(folder, now).await.unwrap();
        let opening = running.opening(Limits::default()).unwrap();
        let selection = Selection { tier: 2, only: vec!["INT-14".into()], ..Selection::default() };
        let options = Options { selection, now, waivers: Vec::new(), interrupt: crate::probe::Interrupt::new() };
        let target = std::sync::Arc::new(running.target.clone());
        let place = Place { folder: &folder.join("bundle"), force: true };
        record(&profile, &target, opening, &options, place, |_| {}, |_| Vec::new()).await.unwrap();
        Bundle::read(&folder.join("bundle")).unwrap()
    }

    #[tokio::test]
    async fn what_rests_on_packages_is_judged_again_by_the_very_same_or_not_at_all() {
        let folder = std::env::temp_dir().join(format!("probity-bundle-packages-{}", std::process::id()));
        let bundle = recorded_resources(&folder).await;
        let result = bundle.assessment().results.iter().find(|r| r.kind == "fhir-resources" && r.observation.is_some()).unwrap();
        assert_eq!(result.outcome(), Outcome::Passed, "{}", result.verdict.reason);
        assert!(bundle.target().unwrap().packages[0].sha256.is_some(), "the record names what was judged by");

        let none = |_: &str, _: Option<&str>| None;
        let beside = bundle.replay_with(none, None, &folder).unwrap();
        assert!(beside.is_same() && beside.unjudged.is_empty(), "{beside:?}");
        let elsewhere = bundle.replay().unwrap();
        assert!(elsewhere.is_same());
        assert_eq!(elsewhere.unjudged.len(), 1, "{elsewhere:?}");
        assert!(elsewhere.unjudged[0].why.contains("cannot be judged again here"));
        // Another content under the same name is not the same package.
        let file = folder.join("fhir-definitions.json");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replacen("\"max\":\"1\"", "\"max\":\"2\"", 1)).unwrap();
        assert_eq!(bundle.replay_with(none, None, &folder).unwrap().unjudged.len(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
