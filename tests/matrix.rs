//! Every shipped profile on every sample vendor: what fails is what the vendor's file says, no more
//! and no less; every kind of check is seen to pass and to fail; and judging again gives the same.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::OnceLock;

use probity::assess::{Assessment, Event, judge_again};
use probity::check::{Check, Facts};
use probity::demo::{Vendor, demonstrate};
use probity::probe::Interrupt;
use probity::profile::{Level, Overlay, Profile, shipped_overlays, shipped_profiles};
use probity::verdict::Outcome;
use serde_json::Value;

/// Kinds that no shipped profile asks for yet; their own tests show them to pass and to fail.
const UNASKED: &[&str] = &["answer-format", "document-format", "http-header", "http-status"];

/// Rulesets that ask about an interface alone have defects of their own: `tests/interfaces.rs`.
const RULESETS: &[&str] = &["it-modi-technical", "nl-api-design-rules"];

/// One profile on one vendor.
struct Cell {
    vendor: Vendor,
    profile: String,
    assessment: Assessment,
    /// The recorded observations, in the order of the results, each through its text.
    observations: Vec<Option<Value>>,
}

impl Cell {
    fn with(&self, outcome: Outcome) -> Vec<String> {
        let mut ids: Vec<String> =
            self.assessment.requirement_views().iter().filter(|v| v.outcome == outcome).map(|v| v.text.id.clone()).collect();
        ids.sort();
        ids
    }
    fn told(&self, outcome: Outcome) -> String {
        self.assessment
            .results
            .iter()
            .filter(|r| r.outcome() == outcome)
            .map(|r| format!("\n    {} {} {}: {}", r.requirement, r.kind, r.endpoint.as_deref().unwrap_or("-"), r.verdict.reason))
            .collect()
    }
}

fn profiles() -> Vec<(String, Profile)> {
    let mut all = Vec::new();
    for (id, files) in shipped_profiles() {
        if RULESETS.contains(&id.as_str()) {
            continue;
        }
        let core = Profile::parse(files).unwrap();
        for (overlay, (file, text)) in shipped_overlays() {
            let overlay = (overlay, Overlay::parse(&file, &text).unwrap());
            if overlay.1.content.base.profile == id {
                all.push((format!("{id} with {}", overlay.0), core.with_overlays(&[overlay.1]).unwrap()));
            }
        }
        all.push((id, core));
    }
    all
}

/// All cells, run once for all tests of this file, several at a time.
fn matrix() -> &'static [Cell] {
    static MATRIX: OnceLock<Vec<Cell>> = OnceLock::new();
    MATRIX.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("probity-matrix-{}", std::process::id()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        let cells = runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(8));
            for (name, profile) in profiles() {
                let profile = std::sync::Arc::new(profile);
                for (index, vendor) in Vendor::all().unwrap().into_iter().enumerate() {
                    // An overlay changes what is asked, not what is true: some of the vendors show that.
                    if name.contains(" with ") && !vendor.sound && index % 4 != 0 {
                        continue;
                    }
                    let (profile, name, gate) = (profile.clone(), name.clone(), gate.clone());
                    let place: PathBuf = folder.join(name.replace(' ', "-")).join(&vendor.name);
                    tasks.spawn(async move {
                        let _permit = gate.acquire().await.unwrap();
                        let mut observations = Vec::new();
                        // A run of an interface is three hundred exchanges: those of some vendors are kept.
                        let keeps_runs = vendor.sound || !vendor.quirks.is_empty() || index % 16 == 0;
                        let listen = |event: Event<'_>| {
                            if let Event::Result { result, observation, .. } = event {
                                let kept = keeps_runs || !["api-answers", "api-behaviour"].contains(&result.kind.as_str());
                                let observation = observation.filter(|_| kept);
                                observations.push(observation.map(|o| serde_json::from_str(&o.to_string()).unwrap()));
                            }
                        };
                        let shown = demonstrate(&vendor.name, &profile, &place, 3, &Interrupt::new(), listen).await.unwrap();
                        Cell { vendor, profile: name, assessment: shown.assessment, observations }
                    });
                }
            }
            let mut cells: Vec<Cell> = tasks.join_all().await;
            cells.sort_by(|a, b| (&a.profile, &a.vendor.name).cmp(&(&b.profile, &b.vendor.name)));
            cells
        });
        std::fs::remove_dir_all(&folder).ok();
        cells
    })
}

#[test]
fn what_fails_is_what_the_vendor_states() {
    let mut wrong = String::new();
    // Files state what they break of a profile; what an overlay adds to that is held to the law below.
    for cell in matrix().iter().filter(|c| c.vendor.sound || !c.profile.contains(" with ")) {
        for (outcome, stated) in [(Outcome::Failed, &cell.vendor.breaks), (Outcome::CantTell, &cell.vendor.undetermined)] {
            let found = cell.with(outcome);
            if found != *stated {
                wrong +=
                    &format!("\n{} by {}: {outcome} {found:?}, stated {stated:?}{}", cell.vendor.name, cell.profile, cell.told(outcome));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn nothing_of_the_sound_vendor_stays_open() {
    for cell in matrix().iter().filter(|c| c.vendor.sound) {
        let open: Vec<String> = cell
            .assessment
            .requirement_views()
            .iter()
            .filter(|v| !matches!(v.outcome, Outcome::Passed | Outcome::Inapplicable))
            .map(|v| format!("{} {}", v.text.id, v.outcome))
            .collect();
        assert!(open.is_empty(), "{}: {open:?}{}", cell.profile, cell.told(Outcome::Untested));
        assert!(cell.assessment.counts(Level::Must).passed >= 30);
    }
}

#[test]
fn there_are_enough_defects_and_each_has_its_own_file() {
    let vendors = Vendor::all().unwrap();
    let defects = vendors.iter().filter(|v| !v.sound).count();
    assert!(defects >= 30, "only {defects} defects");
    assert_eq!(vendors.iter().filter(|v| v.sound).count(), 1);
    let mut sentences: Vec<&str> = vendors.iter().map(|v| v.sentence.as_str()).collect();
    sentences.sort_unstable();
    sentences.dedup();
    assert_eq!(sentences.len(), vendors.len(), "two vendors have the same sentence");
}

#[test]
fn every_requirement_is_broken_by_somebody() {
    let broken: BTreeSet<&str> = matrix().iter().flat_map(|c| c.vendor.breaks.iter().map(String::as_str)).collect();
    for (name, profile) in profiles().iter().filter(|(name, _)| !name.contains(" with ")) {
        let never: Vec<&str> =
            profile.requirements.iter().filter(|r| !r.text.dormant).map(|r| r.text.id.as_str()).filter(|id| !broken.contains(id)).collect();
        assert!(never.is_empty(), "{name}: no vendor breaks {never:?}, so nobody has seen these fail");
    }
}

#[test]
fn every_kind_is_seen_to_pass_and_to_fail() {
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for result in matrix().iter().flat_map(|c| &c.assessment.results) {
        seen.entry(&result.kind).or_default().insert(result.outcome().as_str());
    }
    let unasked: Vec<&str> = Check::KINDS.iter().copied().filter(|kind| !seen.contains_key(kind)).collect();
    assert_eq!(unasked, UNASKED, "kinds that no shipped profile asks for");
    for (kind, outcomes) in &seen {
        assert!(outcomes.contains("passed") && outcomes.contains("failed"), "{kind} was only seen {outcomes:?}");
    }
}

#[test]
fn an_overlay_passes_nobody_whom_the_core_does_not() {
    let of = |cell: &Cell| -> BTreeMap<String, Outcome> {
        cell.assessment.requirement_views().iter().map(|v| (v.text.id.clone(), v.outcome)).collect()
    };
    let mut compared = 0;
    for with in matrix().iter().filter(|c| c.profile.contains(" with ")) {
        let core = with.profile.split(" with ").next().unwrap();
        let without = matrix().iter().find(|c| c.profile == core && c.vendor.name == with.vendor.name).unwrap();
        let with_outcomes = of(with);
        for (id, outcome) in of(without) {
            if outcome != Outcome::Passed {
                assert!(
                    with_outcomes[&id].rank() <= outcome.rank(),
                    "{}: {id} is {outcome} by {core}, and {} with the overlay",
                    with.vendor.name,
                    with_outcomes[&id]
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 15, "only {compared} outcomes compared");
}

#[test]
fn judging_again_gives_the_same_verdicts() {
    let profiles: BTreeMap<String, Profile> = profiles().into_iter().collect();
    let mut judged = 0;
    for cell in matrix().iter() {
        let profile = &profiles[&cell.profile];
        for (result, observation) in cell.assessment.results.iter().zip(&cell.observations) {
            let Some(observation) = observation else { continue };
            let check = &profile.requirement(&result.requirement).unwrap().checks[result.check];
            let facts = Facts { now: cell.assessment.started, target: &cell.assessment.target, endpoint: result.endpoint.as_deref() };
            let again = judge_again(check, observation, &facts);
            assert_eq!(
                serde_json::to_string(&again).unwrap(),
                serde_json::to_string(&result.verdict).unwrap(),
                "{} {} {}",
                cell.vendor.name,
                result.requirement,
                result.kind
            );
            judged += 1;
        }
    }
    assert!(judged > 1_000, "only {judged} observations");
}
