//! The law of overlays: whatever an overlay does, a product that is conformant with core and overlay is
//! conformant with the core alone; and no overlay asks for less than the core.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use probity::assess::{Assessment, CheckResult, Completion, PillarVerdict, Plan, ProfileReference, Selection, Tool, Traffic};
use probity::profile::{Direction, Freedom, Level, Overlay, Parameter, Profile, shipped_overlays};
use probity::target::Target;
use probity::verdict::{Cause, Verdict};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::strategy::ValueTree;
use serde_json::{Value, json};

fn core() -> &'static Profile {
    static CORE: OnceLock<Profile> = OnceLock::new();
    CORE.get_or_init(|| Profile::load("eu-core").unwrap())
}

/// What an overlay might try with a parameter: stricter, the same, and looser values alike.
fn values(parameter: &Parameter) -> Vec<Value> {
    match (&parameter.value, parameter.direction) {
        (Value::Number(n), _) => {
            let n = n.as_f64().unwrap();
            let whole = |x: f64| if x.fract() == 0.0 { json!(x as i64) } else { json!(x) };
            let mut tried = vec![whole(n), whole(n + 1.0), whole(n - 1.0), json!(n + 0.25), json!("many")];
            tried.extend(parameter.minimum.map(whole));
            tried.extend(parameter.maximum.map(whole));
            tried
        }
        (Value::Array(words), _) => {
            let mut fewer = words.clone();
            fewer.pop();
            let mut more = words.clone();
            more.extend(parameter.allowed.iter().filter(|w| !words.contains(&json!(w))).take(2).map(|w| json!(w)));
            vec![json!(words), json!(fewer), json!(more), json!([]), json!(["nonsense"])]
        }
        (other, _) => vec![other.clone(), json!("another")],
    }
}

/// One overlay as a value: operations that are mostly allowed and sometimes not.
fn overlay(core: &Profile) -> impl Strategy<Value = Value> + use<> {
    let parameters: Vec<(String, Vec<Value>)> = core.parameters.iter().map(|(name, p)| (name.clone(), values(p))).collect();
    let ids: Vec<String> = core.requirements.iter().map(|r| r.text.id.clone()).collect();
    let (head, sha256) = ((core.id.clone(), core.version.clone()), core.sha256.clone());
    let set = proptest::collection::btree_map(0..parameters.len(), 0..8usize, 0..4);
    let picks = || proptest::collection::btree_set(0..ids.len(), 0..4);
    (set, picks(), picks(), 1..3u8, picks(), any::<bool>()).prop_map(move |(set, raise, forward, tier, activate, adds)| {
        let named = |picks: std::collections::BTreeSet<usize>| picks.into_iter().map(|i| json!({"requirement": ids[i], "why": "w"})).collect::<Vec<_>>();
        let set: Vec<Value> = set
            .into_iter()
            .map(|(i, j)| json!({"parameter": parameters[i].0, "value": parameters[i].1[j % parameters[i].1.len()], "why": "w"}))
            .collect();
        let forward: Vec<Value> = forward.into_iter().map(|i| json!({"requirement": ids[i], "tier": tier, "why": "w"})).collect();
        let add = adds.then(|| {
            json!({"id": "XX-PT-01", "pillar": "governance", "title": "t", "statement": "s", "why": "w", "level": "MUST", "tier": 1, "legal-basis": "l",
                   "sources": [{"standard": "s"}], "remedy": "r", "checks": [{"attestation": {"subject": "added", "asks": "a"}}]})
        });
        json!({"overlay": "xx-generated", "version": "1.0.0", "title": "t", "summary": "s", "prefix": "XX-PT",
               "base": {"profile": head.0, "version": head.1, "sha256": sha256},
               "set": set, "raise": named(raise), "bring-forward": forward, "activate": named(activate), "add": add.into_iter().collect::<Vec<_>>()})
    })
}

/// The operations of a generated overlay that the core allows, each tried by itself.
fn allowed(core: &Profile, overlay: &Value) -> (Overlay, Profile) {
    let mut kept = overlay.clone();
    for list in ["set", "raise", "bring-forward", "activate"] {
        let items: Vec<Value> = overlay[list]
            .as_array()
            .unwrap()
            .iter()
            .filter(|item| {
                let mut alone = overlay.clone();
                for other in ["set", "raise", "bring-forward", "activate", "add"] {
                    alone[other] = json!([]);
                }
                alone[list] = json!([item]);
                core.with_overlays(&[Overlay::parse("o", &alone.to_string()).unwrap()]).is_ok()
            })
            .cloned()
            .collect();
        kept[list] = json!(items);
    }
    let overlay = Overlay::parse("o", &kept.to_string()).unwrap();
    let profile =
        core.with_overlays(std::slice::from_ref(&overlay)).unwrap_or_else(|m| panic!("allowed one by one, refused together: {m:?}"));
    (overlay, profile)
}

/// A target with every kind of endpoint, so that every check has a step.
fn target() -> Target {
    let text = "target: 1\nproduct: {name: a, version: 1, vendor: {name: v}}\nendpoints:\n  api: {url: 'https://a.test/', serves: [api, web, fhir, hub, alarm, directory]}\nfacts: {kind: [alarm-device, hub, sensor, app, web, api, alarm-platform, directory], legal_role: business, personal_data: true, health_data: true, life_safety: true, voice: true, radio: true, artificial_intelligence: true, medical_device: true}\n";
    Target::parse("t.yaml", text).unwrap()
}

/// An assessment of one world by a profile. A world says of each requirement and check how it stands;
/// a check that asks for more than the core's does not pass where the core's does not.
fn assessment(profile: &Profile, tier: u8, world: &BTreeMap<(String, usize), u8>) -> Assessment {
    let now = time::macros::datetime!(2026-11-22 12:00 UTC);
    let target = target();
    let plan = Plan::new(profile, &target, &Selection { tier, ..Selection::default() }, now);
    let verdict = |n: u8| match n {
        0 => Verdict::failed("f"),
        1 => Verdict::cant_tell(Cause::Target, "c"),
        2 => Verdict::untested(Cause::Missing, "u"),
        3 => Verdict::inapplicable("i"),
        _ => Verdict::passed("p"),
    };
    let results: Vec<CheckResult> = plan
        .steps
        .iter()
        .map(|step| CheckResult {
            requirement: step.requirement.clone(),
            check: step.index,
            kind: step.check.check.kind().into(),
            endpoint: step.endpoint.clone(),
            grade: step.check.check.grade(),
            effect: step.check.check.effect(),
            verdict: verdict(world.get(&(step.requirement.clone(), step.index)).copied().unwrap_or(4)),
            observation: None,
            milliseconds: 0,
        })
        .collect();
    Assessment {
        tool: Tool::this(),
        profile: ProfileReference {
            id: profile.id.clone(),
            version: profile.version.clone(),
            title: profile.title.clone(),
            sha256: profile.sha256.clone(),
            overlays: profile.overlays.clone(),
        },
        tier,
        only: Vec::new(),
        target,
        started: now,
        finished: now,
        completion: Completion::Complete,
        pillars: profile.pillars.clone(),
        requirements: plan.requirements,
        results,
        waivers: Vec::new(),
        equivalents: profile.equivalents.clone(),
        traffic: Traffic::default(),
    }
}

/// Whether a value asks at least as much as the core's.
fn as_strict(direction: Direction, core: &Value, now: &Value) -> bool {
    let words = |v: &Value| v.as_array().cloned().unwrap_or_default();
    match direction {
        Direction::Fixed => core == now,
        Direction::Raise => now.as_f64() >= core.as_f64(),
        Direction::Lower => now.as_f64() <= core.as_f64(),
        Direction::Narrow => !words(now).is_empty() && words(now).iter().all(|w| words(core).contains(w)),
        Direction::Widen => words(core).iter().all(|w| words(now).contains(w)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_overlay_asks_for_less(value in overlay(core())) {
        let core = core();
        let (_, profile) = allowed(core, &value);
        for before in &core.requirements {
            let after = profile.requirement(&before.text.id).unwrap();
            prop_assert!(after.text.level == Level::Must || after.text.level == before.text.level);
            prop_assert!(after.text.tier <= before.text.tier);
            prop_assert!(!after.text.dormant || before.text.dormant);
            prop_assert_eq!(&after.text.applies, &before.text.applies);
            prop_assert_eq!(&after.text.life, &before.text.life);
            prop_assert_eq!(after.checks.len(), before.checks.len());
            if before.text.freedom.is_empty() {
                prop_assert_eq!(&after.text, &before.text);
            }
            if !before.text.freedom.contains(&Freedom::Activate) {
                prop_assert_eq!(after.text.dormant, before.text.dormant);
            }
        }
        for (name, before) in &core.parameters {
            prop_assert!(as_strict(before.direction, &before.value, &profile.parameters[name].value), "{name}");
        }
    }

    #[test]
    fn conformant_with_the_overlay_is_conformant_without(
        value in overlay(core()),
        tier in 1..4u8,
        faults in proptest::collection::btree_map((0..60usize, 0..3usize), 0..4u8, 0..3),
    ) {
        let core = core();
        let (_, profile) = allowed(core, &value);
        let ids: Vec<&str> = profile.requirements.iter().map(|r| r.text.id.as_str()).collect();
        let world = faults.into_iter().map(|((i, check), how)| ((ids[i % ids.len()].to_owned(), check), how)).collect();
        let with = assessment(&profile, tier, &world).verdict();
        let without = assessment(core, tier, &world).verdict();
        if with == PillarVerdict::Conformant {
            prop_assert!(matches!(without, PillarVerdict::Conformant | PillarVerdict::NotApplicable), "{without:?}");
        }
    }
}

#[test]
fn the_generator_reaches_what_it_is_for() {
    // A law about overlays that were all refused would hold of nothing.
    let core = core();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = overlay(core);
    let (mut operations, mut refused, mut conformant) = (0, 0, 0);
    for _ in 0..64 {
        let value = strategy.new_tree(&mut runner).unwrap().current();
        let (overlay, profile) = allowed(core, &value);
        let tried: usize = ["set", "raise", "bring-forward", "activate"].iter().map(|l| value[l].as_array().unwrap().len()).sum();
        let kept =
            overlay.content.set.len() + overlay.content.raise.len() + overlay.content.bring_forward.len() + overlay.content.activate.len();
        operations += kept;
        refused += tried - kept;
        conformant += usize::from(assessment(&profile, 3, &BTreeMap::new()).verdict() == PillarVerdict::Conformant);
    }
    assert!(operations > 50 && refused > 50 && conformant == 64, "{operations} kept, {refused} refused, {conformant} conformant");
}

#[test]
fn shipped_overlays_are_pinned_to_the_core_of_today() {
    for (id, (file, text)) in shipped_overlays() {
        let overlay = Overlay::parse(&file, &text).unwrap();
        let core = Profile::load(&overlay.content.base.profile).unwrap();
        if overlay.content.base.sha256 != core.sha256 && std::env::var_os("UPDATE").is_some() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
            std::fs::write(&path, text.replace(&overlay.content.base.sha256, &core.sha256)).unwrap();
            continue;
        }
        assert_eq!(
            overlay.content.base.sha256, core.sha256,
            "{id} is pinned to another {}: UPDATE=1 cargo test --test overlay_law",
            core.id
        );
        core.with_overlays(&[overlay]).unwrap();
    }
}
