//! `probity demo`: the whole line on the built-in sample vendors, on this machine alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use time::OffsetDateTime;

use super::args;
use super::assess::recorded;
use super::exit::Exit;
use super::terminal::{BOLD, DIM, GREEN, RED, Terminal};
use crate::assess::{Options, Selection, opening};
use crate::bundle::Place;
use crate::demo::{DemoError, Running, Vendor, defects};
use crate::document::Mistake;
use crate::probe::{Interrupt, Limits};
use crate::profile::Profile;

/// The defects of the faulty vendor that a plain `demo` shows beside the sound one: each known from real products.
const FAULTY: [&str; 9] = [
    "hsts-for-five-minutes",
    "stack-trace-in-errors",
    "image-without-alternative",
    "accessibility-report-of-another-version",
    "updates-for-two-years",
    "export-takes-two-months",
    "privacy-notice-without-retention",
    "expired-risk-assessment",
    "interface-is-busy",
];
/// The name of that vendor.
const FAULTY_NAME: &str = "nine-defects";
/// The tier that the demonstration asks for.
const TIER: u8 = 2;

pub(super) async fn run(args: &args::Demo, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    if args.list {
        for defect in defects().map_err(mistake)? {
            terminal.say(format_args!(
                "{BOLD}{}{BOLD:#}  {}  {DIM}breaks {}{DIM:#}",
                defect.name,
                defect.sentence,
                defect.breaks.join(", ")
            ));
        }
        return Ok(Exit::Success);
    }
    let names: Vec<&str> = match &args.defect {
        Some(name) => vec![name.as_str()],
        None => vec!["sound", FAULTY_NAME],
    };
    if args.serve {
        return serve(&names, &args.output, terminal).await;
    }
    let profile = Profile::load("eu-core")?;
    terminal.info(format_args!(
        "{BOLD}{}{BOLD:#} {} against sample vendors on this machine; nothing leaves it",
        profile.title, profile.version
    ));
    let mut surprised = false;
    let mut bundles = Vec::new();
    for name in &names {
        let vendor = load(name)?;
        terminal.say(format_args!("\n{BOLD}Sample vendor `{name}`{BOLD:#}: {}", vendor.sentence));
        let folder = args.output.join(name);
        let running = start(&vendor, &folder).await?;
        let target = Arc::new(running.target.clone());
        let (opening, problems) = opening(&target, Limits::default(), |name| running.environment(name));
        for problem in problems {
            terminal.warn(format_args!("{problem}; {}", problem.help));
        }
        let options = Options {
            selection: Selection { tier: TIER, ..Selection::default() },
            now: OffsetDateTime::now_utc(),
            waivers: Vec::new(),
            interrupt: Interrupt::new(),
        };
        let bundle = folder.join("bundle");
        let exit = recorded(&profile, &target, opening, &options, Place { folder: &bundle, force: true }, terminal).await?;
        let expected = if vendor.sound { Exit::Success } else { Exit::NotConformant };
        surprised |= args.defect.is_none() && exit != expected;
        bundles.push(bundle);
        if options.interrupt.is_thrown() {
            return Ok(Exit::NotDetermined);
        }
    }
    next(&bundles, terminal);
    // The demonstration has done its work when the sound vendor is conformant and the faulty one is told.
    Ok(if surprised { Exit::Bug } else { Exit::Success })
}

/// Keeps vendors running until the person has had enough.
async fn serve(names: &[&str], output: &Path, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    let mut running = Vec::new();
    for name in names {
        let vendor = load(name)?;
        let vendor_running = start(&vendor, &output.join(name)).await?;
        terminal.say(format_args!("{GREEN}running{GREEN:#}  {BOLD}{name}{BOLD:#}: {}", vendor.sentence));
        for (endpoint, at) in &vendor_running.target.endpoints {
            terminal.say(format_args!("  {endpoint}  {}", at.url));
        }
        let secrets: Vec<String> = vendor_running.secrets.iter().map(|(name, value)| format!("{name}={value}")).collect();
        terminal.say("  try:");
        terminal.say(format_args!(
            "    {} probity assess {} --tier {TIER} -o my-bundle",
            secrets.join(" "),
            vendor_running.target_path.display()
        ));
        running.push(vendor_running);
    }
    terminal.say(format_args!("{DIM}Press Ctrl-C to stop them.{DIM:#}"));
    super::signalled().await.map_err(|e| vec![Mistake::new("demo", e.to_string())])?;
    Ok(Exit::Success)
}

fn load(name: &str) -> Result<Vendor, Vec<Mistake>> {
    if name == FAULTY_NAME { Vendor::with_defects(name, &FAULTY) } else { Vendor::load(name) }.map_err(mistake)
}

async fn start(vendor: &Vendor, folder: &Path) -> Result<Running, Vec<Mistake>> {
    std::fs::create_dir_all(folder).map_err(|e| {
        vec![Mistake::new(folder.display().to_string(), format!("cannot be made: {e}")).help("choose another folder with --output")]
    })?;
    vendor.start(folder, OffsetDateTime::now_utc()).await.map_err(mistake)
}

fn next(bundles: &[PathBuf], terminal: Terminal) {
    let Some(first) = bundles.first() else { return };
    let last = bundles.last().unwrap_or(first);
    terminal.say(format_args!("\n{BOLD}What to try next{BOLD:#}"));
    for (command, what) in [
        (format!("open {}", last.join("report.html").display()), "the report that a buyer gets"),
        (format!("probity verify {}", last.display()), "what a buyer does with it, offline"),
        (format!("probity report {} --format junit", last.display()), "for a pipeline; also json, sarif, markdown, github, gitlab"),
        ("probity demo --list".to_owned(), "single defects to try with --defect NAME"),
        ("probity demo --serve".to_owned(), "keep the vendors running and assess them yourself"),
        ("probity init https://your.service.example/ -o target.yaml".to_owned(), "begin with your own product"),
    ] {
        terminal.say(format_args!("  {command}\n      {DIM}{what}{DIM:#}"));
    }
    if bundles.len() > 1 {
        terminal.say(format_args!(
            "{DIM}The faulty vendor is {RED}not conformant{RED:#}{DIM} on purpose; this command ends with 0 because it did its work.{DIM:#}"
        ));
    }
}

fn mistake(error: DemoError) -> Vec<Mistake> {
    vec![Mistake::new("demo", error.to_string())]
}
