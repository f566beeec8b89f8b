//! Whole-process figures of assessments on loopback: wall clock, processor time, peak memory,
//! connections. `cargo bench --bench figures`.

#![expect(clippy::unwrap_used, reason = "what cannot go on ends, and says where")]

#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::sync::Arc;
use std::time::Instant;

use probity::assess::{Options, Selection, opening, run};
use probity::demo::Vendor;
use probity::probe::{Door, Interrupt, Limits};
use probity::profile::Profile;
use time::OffsetDateTime;

/// Seconds of processor time that this process has used, all threads, from `/proc/self/stat`.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}

/// Peak resident memory in MiB, from `/proc/self/status`.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|k| k.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

async fn assess(profile: &Profile, target: &Arc<probity::target::Target>, secrets: impl Fn(&str) -> Option<String>) -> (u64, &'static str) {
    let interrupt = Interrupt::new();
    let (mut opening, _) = opening(target, Limits::default(), secrets);
    opening.interrupt = interrupt.clone();
    let door = Door::open(opening).await.unwrap();
    let options = Options {
        selection: Selection { tier: 2, ..Selection::default() },
        now: OffsetDateTime::now_utc(),
        waivers: Vec::new(),
        interrupt,
    };
    let assessment = run(profile, target, &door, &options, |_| {}).await;
    (assessment.traffic.connections, assessment.verdict().as_str())
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = std::env::temp_dir().join(format!("probity-figures-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let profile = Arc::new(Profile::load("eu-core").unwrap());
        let running = Arc::new(Vendor::load("sound").unwrap().start(&folder, OffsetDateTime::now_utc()).await.unwrap());
        let target = Arc::new(running.target.clone());
        println!("figures include the sample vendor, which runs in the same process");
        for round in 1..=3 {
            let (wall, cpu) = (Instant::now(), cpu_seconds());
            let (connections, verdict) = assess(&profile, &target, |name| running.environment(name)).await;
            println!(
                "sound vendor, round {round}: {verdict}; wall {:.2} s, cpu {:.2} s, peak {:.1} MiB, {connections} connections",
                wall.elapsed().as_secs_f64(),
                cpu_seconds() - cpu,
                peak_mib()
            );
        }
        let (wall, cpu) = (Instant::now(), cpu_seconds());
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let (profile, target, running) = (profile.clone(), target.clone(), running.clone());
            all.spawn(async move { assess(&profile, &target, |name| running.environment(name)).await });
        }
        let (mut connections, mut conformant) = (0, 0);
        while let Some(done) = all.join_next().await {
            let (n, verdict) = done.unwrap();
            connections += n;
            conformant += usize::from(verdict == "conformant");
        }
        println!(
            "200 targets at once: {conformant} conformant; wall {:.1} s, cpu {:.1} s, peak {:.1} MiB, {connections} connections",
            wall.elapsed().as_secs_f64(),
            cpu_seconds() - cpu,
            peak_mib()
        );
        let _ = std::fs::remove_dir_all(&folder);
    });
}
