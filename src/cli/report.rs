//! `probity report`, `replay` and `verify`: everything from the saved bundle alone.

use super::args;
use super::exit::Exit;
use super::terminal::{BOLD, GREEN, RED, Terminal};
use crate::assess::Assessment;
use crate::bundle::{Bundle, BundleError};
use crate::document::Mistake;
use crate::report::{ApiExport, Format, RenderOptions, export, render};

/// A form of report: of the whole assessment, or of its API run.
#[derive(Debug, Clone, Copy)]
enum Form {
    Report(Format),
    Export(ApiExport),
}

impl Form {
    fn read(word: &str) -> Result<Self, Vec<Mistake>> {
        if let Ok(format) = word.parse() {
            return Ok(Self::Report(format));
        }
        if let Ok(export) = word.parse() {
            return Ok(Self::Export(export));
        }
        let known = Format::ALL.iter().map(|f| f.as_str()).chain(ApiExport::ALL.iter().map(|e| e.as_str())).collect::<Vec<_>>().join(", ");
        Err(vec![Mistake::new(word, "no such format").help(format!("formats: {known}"))])
    }
    fn name(self) -> String {
        match self {
            Self::Report(format) => format!("report-{format}.{}", format.extension()),
            Self::Export(export) => format!("report-{}.{}", export.as_str(), export.extension()),
        }
    }
    fn bytes(self, bundle: &Bundle, endpoint: Option<&str>, colour: bool) -> Result<Vec<u8>, Vec<Mistake>> {
        match self {
            Self::Report(format) => rendered(format, bundle.assessment(), &RenderOptions { colour, ..RenderOptions::default() }),
            Self::Export(form) => export(bundle, form, endpoint).map_err(|e| vec![Mistake::new(form.as_str(), e.to_string())]),
        }
    }
}

pub(super) fn report(args: &args::Report, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    let mut forms = Vec::new();
    for word in args.format.iter().flat_map(|word| word.split(',')) {
        forms.push(Form::read(word.trim())?);
    }
    let bundle = read(&args.bundle)?;
    let bytes = |form: &Form, colour: bool| form.bytes(&bundle, args.endpoint.as_deref(), colour);
    match (&args.output, forms.as_slice()) {
        (None, forms) => {
            for form in forms {
                terminal.write(&bytes(form, terminal.has_colour())?);
            }
        }
        (Some(path), [form]) => write(path, &bytes(form, false)?)?,
        (Some(folder), forms) => {
            std::fs::create_dir_all(folder)
                .map_err(|e| vec![Mistake::new(folder.display().to_string(), format!("cannot be made: {e}"))])?;
            for form in forms {
                let path = folder.join(form.name());
                write(&path, &bytes(form, false)?)?;
                terminal.info(format_args!("wrote {}", path.display()));
            }
        }
    }
    Ok(Exit::Success)
}

/// Judges every recorded observation again and names each verdict that differs.
pub(super) fn replay(args: &args::Replay, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    let bundle = read(&args.bundle)?;
    Ok(match replayed(&bundle, &args.bundle, terminal)? {
        Replayed::Same => Exit::Success,
        Replayed::Unjudged => Exit::NotDetermined,
        Replayed::Different => Exit::NotConformant,
    })
}

/// Checks that nothing was changed, and that the verdicts follow from the evidence.
pub(super) fn verify(args: &args::Replay, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    let bundle = read(&args.bundle)?;
    let verification = bundle.verify();
    for problem in &verification.problems {
        terminal.say(format_args!("{RED}changed{RED:#}  {problem}"));
    }
    for note in &verification.notes {
        terminal.say(format_args!("note  {note}"));
    }
    let same = replayed(&bundle, &args.bundle, terminal)?;
    if let Some(fingerprint) = bundle.fingerprint() {
        terminal.say(format_args!("{BOLD}fingerprint{BOLD:#}  {fingerprint}"));
    }
    let assessment = bundle.assessment();
    let product = &assessment.target.product;
    terminal.say(format_args!(
        "{} {} by {}, {} {}: {}",
        product.name,
        product.version,
        product.vendor.name,
        assessment.profile.id,
        assessment.profile.version,
        assessment.verdict().as_str()
    ));
    if verification.is_sound() && same == Replayed::Unjudged {
        terminal.say("not determined: nothing was changed since the run, and some verdicts cannot be judged again without their packages");
        Ok(Exit::NotDetermined)
    } else if verification.is_sound() && same == Replayed::Same {
        terminal.say(format_args!("{GREEN}sound{GREEN:#}: nothing was changed since the run, and the verdicts follow from the evidence"));
        terminal.say("This shows that the bundle is whole, not who made it; a vendor who controls a run can feed it.");
        Ok(Exit::Success)
    } else {
        terminal.say(format_args!("{RED}not sound{RED:#}: do not rely on this bundle; ask for a new one"));
        Ok(Exit::NotConformant)
    }
}

/// Whether the verdicts were reached again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replayed {
    Same,
    Unjudged,
    Different,
}

fn replayed(bundle: &Bundle, at: &std::path::Path, terminal: Terminal) -> Result<Replayed, Vec<Mistake>> {
    // The target file usually lies beside the bundle, and its packages with it.
    let folder = at.parent().unwrap_or(at);
    let replay = bundle.replay_with(super::check::package_named, super::check::cache().as_deref(), folder);
    let replay = replay.map_err(|e| vec![Mistake::new("bundle", e.to_string())])?;
    for result in &replay.unjudged {
        let on = result.endpoint.as_deref().map(|e| format!(" on {e}")).unwrap_or_default();
        terminal.say(format_args!("{BOLD}not judged{BOLD:#}  {} check {}{on}: {}", result.requirement, result.check + 1, result.why));
    }
    for difference in &replay.differences {
        let on = difference.endpoint.as_deref().map(|e| format!(" on {e}")).unwrap_or_default();
        terminal.say(format_args!(
            "{RED}differs{RED:#}  {} check {}{on}: {}",
            difference.requirement,
            difference.check + 1,
            difference.why
        ));
    }
    terminal.say(format_args!(
        "{} judged again from the record, {} known without asking, {} without an observation; {} differ",
        replay.judged,
        replay.known,
        replay.unseen,
        replay.differences.len()
    ));
    if !replay.unjudged.is_empty() {
        terminal.say(format_args!("{} cannot be judged again here, for want of their packages", replay.unjudged.len()));
    }
    Ok(match (replay.is_same(), replay.unjudged.is_empty()) {
        (false, _) => Replayed::Different,
        (true, false) => Replayed::Unjudged,
        (true, true) => Replayed::Same,
    })
}

/// A report; one that cannot be made is a fault of ours.
pub(super) fn rendered(format: Format, assessment: &Assessment, options: &RenderOptions) -> Result<Vec<u8>, Vec<Mistake>> {
    render(format, assessment, options).map_err(|e| vec![Mistake::new("report", e.to_string())])
}

fn read(path: &std::path::Path) -> Result<Bundle, Vec<Mistake>> {
    Bundle::read(path).map_err(|error: BundleError| {
        vec![Mistake::new(path.display().to_string(), error.to_string()).help("a bundle is the folder or .zip that `probity assess` wrote")]
    })
}

fn write(path: &std::path::Path, bytes: &[u8]) -> Result<(), Vec<Mistake>> {
    std::fs::write(path, bytes).map_err(|e| vec![Mistake::new(path.display().to_string(), format!("cannot be written: {e}"))])
}
