//! `probity assess`: the line itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use time::OffsetDateTime;

use super::args;
use super::exit::Exit;
use super::progress::Progress;
use super::terminal::{BOLD, DIM, Terminal};
use crate::assess::{Options, Selection, fit, load_packages, opening};
use crate::bundle::{Bundle, Place, RecordError, record};
use crate::document::Mistake;
use crate::probe::{Door, Interrupt, Limits, Opening};
use crate::profile::{Profile, read_waivers};
use crate::report::{Format, RenderOptions, render};
use crate::target::Target;

pub(super) async fn run(args: &args::Assess, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    let profile = super::profile::load(&args.asked.profile, &args.asked.overlays)?;
    let mut target = Target::read(&args.target)?;
    target.packages.extend(args.package.iter().map(|name| super::check::reference(name)));
    let options = options(args, &profile)?;
    if !args.dry_run {
        for problem in load_packages(&mut target, super::check::package_named, super::check::cache().as_deref()) {
            terminal.warn(format_args!("{problem}; {}", problem.help));
        }
    }
    let target = Arc::new(target);
    if args.dry_run {
        let door = if args.fetch_description {
            let unopened = |e: crate::probe::ProbeError| vec![Mistake::new(args.target.display().to_string(), e.to_string())];
            Some(Door::open(open(args, &target, terminal)).await.map_err(unopened)?)
        } else {
            None
        };
        return Ok(super::dry_run::show(&profile, &target, &options, door.as_ref(), args.format, terminal).await);
    }
    // What preflight would call an error is told here too, for whoever did not ask it.
    for problem in fit(&profile, &target, &options.selection, options.now).into_iter().filter(|p| p.blocks) {
        terminal.warn(format_args!("{problem}; {}", problem.help));
    }
    let opening = open(args, &target, terminal);
    let folder = args.output.as_deref().unwrap_or(Path::new("probity-bundle"));
    let exit = recorded(&profile, &target, opening, &options, Place { folder, force: args.force }, terminal).await?;
    if args.zip {
        let file = PathBuf::from(format!("{}.zip", folder.display()));
        let failed = |why: String| vec![Mistake::new(file.display().to_string(), why)];
        if args.force && file.exists() {
            std::fs::remove_file(&file).map_err(|e| failed(format!("cannot be replaced: {e}")))?;
        }
        Bundle::read(folder).and_then(|bundle| bundle.pack(&file)).map_err(|e| failed(e.to_string()))?;
        terminal.say(format_args!("{BOLD}Zip{BOLD:#}     {}", file.display()));
    }
    Ok(exit)
}

/// Runs, shows progress, writes the bundle with its report, and prints the summary.
pub(super) async fn recorded(
    profile: &Profile,
    target: &Arc<Target>,
    opening: Opening,
    options: &Options,
    place: Place<'_>,
    terminal: Terminal,
) -> Result<Exit, Vec<Mistake>> {
    let mut progress = Progress::new(terminal);
    let watch = super::interrupt_on_signal(&options.interrupt, terminal);
    let done = record(
        profile,
        target,
        opening,
        options,
        place,
        |event| progress.listen(&event),
        |assessment| {
            // A report that cannot be made is told below, where the summary is made; the evidence is kept all the same.
            render(Format::Html, assessment, &RenderOptions::default())
                .map(|page| vec![("report.html".to_owned(), page)])
                .unwrap_or_default()
        },
    )
    .await;
    watch.abort();
    let recorded = done.map_err(|error| {
        let mistake = Mistake::new(place.folder.display().to_string(), error.to_string());
        vec![match error {
            RecordError::Bundle(_) => mistake.help("choose a new folder with --output"),
            RecordError::Door(_) => mistake.help("run `probity preflight` first"),
        }]
    })?;
    let options = RenderOptions { colour: terminal.has_colour(), ..RenderOptions::default() };
    let summary = super::report::rendered(Format::Text, &recorded.assessment, &options)?;
    terminal.write(&summary);
    terminal.say(format_args!("{BOLD}Bundle{BOLD:#}  {}  {DIM}fingerprint {}{DIM:#}", place.folder.display(), recorded.fingerprint));
    terminal.say(format_args!("{BOLD}Report{BOLD:#}  {}", place.folder.join("report.html").display()));
    Ok(Exit::of(recorded.assessment.verdict()))
}

fn options(args: &args::Assess, profile: &Profile) -> Result<Options, Vec<Mistake>> {
    let selection = Selection { tier: args.tier, only: args.only.clone(), offline: args.offline, mode: args.mode.map(Into::into) };
    let unknown = selection.unknown(profile);
    if !unknown.is_empty() {
        let pillars = profile.pillars.iter().map(|p| p.id.as_str()).collect::<Vec<_>>().join(", ");
        return Err(unknown
            .iter()
            .map(|word| {
                Mistake::new(word, format!("neither a requirement nor a pillar of {} {}", profile.id, profile.version))
                    .help(format!("pillars: {pillars}; `probity profile show` lists the requirements"))
            })
            .collect());
    }
    let waivers = args.waivers.as_deref().map(|path| read_waivers(path, profile)).transpose()?.unwrap_or_default();
    Ok(Options { selection, now: OffsetDateTime::now_utc(), waivers, interrupt: Interrupt::new() })
}

fn open(args: &args::Assess, target: &Target, terminal: Terminal) -> Opening {
    let limits = Limits { run_ms: args.max_time.saturating_mul(1000), ..Limits::default() };
    let (mut opening, problems) = opening(target, limits, |name| std::env::var(name).ok());
    for problem in problems {
        terminal.warn(format_args!("{problem}; {}", problem.help));
    }
    if args.offline {
        opening.endpoints.clear();
    }
    opening.contact.clone_from(&args.contact);
    opening
}
