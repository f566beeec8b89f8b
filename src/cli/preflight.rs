//! `probity preflight`: set-up errors, before any test.

use std::sync::Arc;

use time::OffsetDateTime;

use super::args;
use super::exit::Exit;
use super::terminal::{BOLD, GREEN, RED, Terminal, YELLOW};
use crate::assess::{PATIENCE, Selection, fit, load_packages, opening, reach};
use crate::document::Mistake;
use crate::probe::{Door, Limits};
use crate::target::Target;

pub(super) async fn run(args: &args::Preflight, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    let profile = super::profile::load(&args.asked.profile, &args.asked.overlays)?;
    let mut target = Target::read(&args.target)?;
    let packages = load_packages(&mut target, super::check::package_named, super::check::cache().as_deref());
    let now = OffsetDateTime::now_utc();
    let mut problems = fit(&profile, &target, &Selection { tier: args.tier, ..Selection::default() }, now);
    let limits = Limits { exchange_ms: u64::try_from(PATIENCE.as_millis()).unwrap_or(5_000), run_ms: 60_000, ..Limits::default() };
    let (opening, found) = opening(&target, limits, |name| std::env::var(name).ok());
    problems.extend(found);
    problems.extend(packages);
    match Door::open(opening).await {
        Ok(door) => problems.extend(reach(&target, &Arc::clone(&door), now).await),
        Err(error) => return Err(vec![Mistake::new(args.target.display().to_string(), error.to_string())]),
    }
    let errors = problems.iter().filter(|p| p.blocks).count();
    for problem in &problems {
        let (style, word) = if problem.blocks { (RED, "set-up error") } else { (YELLOW, "warning") };
        terminal.say(format_args!("{style}{word}{style:#}: {problem}\n  {BOLD}do{BOLD:#}: {}", problem.help));
    }
    let warnings = problems.len() - errors;
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    if errors > 0 {
        terminal.say(format_args!(
            "{errors} set-up error{}, {warnings} warning{}. This says nothing about the product.",
            plural(errors),
            plural(warnings)
        ));
        return Ok(Exit::SetUp);
    }
    terminal.say(format_args!(
        "{GREEN}ready{GREEN:#}: {} can be assessed against {} {}, {warnings} warning{}",
        target.product.name,
        profile.id,
        profile.version,
        plural(warnings)
    ));
    Ok(Exit::Success)
}
