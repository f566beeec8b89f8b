//! What needs no network: reading the profile, judging recorded observations, rendering each format.

#![expect(clippy::unwrap_used, reason = "what cannot go on ends, and says where")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use probity::assess::{Options, Selection, judge_again, opening};
use probity::bundle::{Bundle, Place, record};
use probity::check::Facts;
use probity::demo::Vendor;
use probity::probe::{Interrupt, Limits};
use probity::profile::Profile;
use probity::report::{Format, RenderOptions, render};
use time::OffsetDateTime;

/// Assesses the sound vendor once and keeps the bundle.
fn bundle(folder: &Path) -> Bundle {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let profile = Profile::load("eu-core").unwrap();
        let running = Vendor::load("sound").unwrap().start(&folder.join("vendor"), OffsetDateTime::now_utc()).await.unwrap();
        let target = Arc::new(running.target.clone());
        let (opening, _) = opening(&target, Limits::default(), |name| running.environment(name));
        let options = Options {
            selection: Selection { tier: 3, ..Selection::default() },
            now: OffsetDateTime::now_utc(),
            waivers: Vec::new(),
            interrupt: Interrupt::new(),
        };
        let place = folder.join("bundle");
        record(&profile, &target, opening, &options, Place { folder: &place, force: true }, |_| {}, |_| Vec::new()).await.unwrap();
        Bundle::read(&place).unwrap()
    })
}

fn pure(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("probity-bench-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("vendor")).unwrap();
    let bundle = bundle(&folder);
    let profile = bundle.profile().unwrap();
    let target = bundle.target().unwrap();
    let assessment = bundle.assessment();

    criterion.bench_function("read the profile eu-core", |b| b.iter(|| Profile::load(black_box("eu-core")).unwrap()));

    let recorded: Vec<_> = assessment
        .results
        .iter()
        .filter_map(|result| {
            let observation = bundle.observation(result.observation.as_ref()?).ok()?;
            let check = profile.requirement(&result.requirement)?.checks.get(result.check)?.clone();
            Some((check, observation, result.endpoint.clone()))
        })
        .collect();
    criterion.bench_function("judge 10,000 recorded observations", |b| {
        b.iter(|| {
            for (check, observation, endpoint) in recorded.iter().cycle().take(10_000) {
                let facts = Facts { now: assessment.started, target: &target, endpoint: endpoint.as_deref() };
                black_box(judge_again(check, observation, &facts));
            }
        });
    });
    for format in Format::ALL {
        criterion.bench_function(&format!("render {format}"), |b| {
            b.iter(|| render(format, black_box(assessment), &RenderOptions::default()).unwrap())
        });
    }
    criterion.bench_function("replay a bundle", |b| b.iter(|| assert!(bundle.replay().unwrap().is_same())));
    let _ = std::fs::remove_dir_all(&folder);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_millis(500));
    targets = pure
}
criterion_main!(benches);
