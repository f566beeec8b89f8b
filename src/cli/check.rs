//! `probity check` and `probity package`: documents judged without a target.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args;
use super::exit::Exit;
use super::terminal::{BOLD, Terminal};
use crate::document::{Mistake, Source};
use crate::format::csv::TableSchema;
use crate::format::fhir::{Definitions, PackageInfo, PackageSource};
use crate::format::json_schema::JsonSchema;
use crate::format::{Context, Format, judge_file};
use crate::report::{DocumentFormat, render_documents};
use crate::verdict::Outcome;

pub(super) fn run(args: &args::Check, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    let usage = |word: &str, why: String| vec![Mistake::new(word, why)];
    let format = args.format.as_deref().map(|word| word.parse::<Format>().map_err(|why| usage(word, why))).transpose()?;
    let report: DocumentFormat = args.report.parse().map_err(|why| usage(&args.report, format!("no such report: {why}")))?;
    let context = context(args, format, terminal)?;
    let mut files = Vec::new();
    for path in &args.files {
        let name = path.display().to_string();
        let mut told = 0;
        let judged = judge_file(path, format, &context, &mut |progress| {
            if progress.records >= told + 1_000 {
                told = progress.records;
                terminal.live(format_args!("{name}: {} documents, {} MB", progress.records, progress.bytes >> 20));
            }
        });
        terminal.live("");
        files.push(judged.map_err(|e| vec![Mistake::new(&name, format!("cannot be read: {e}"))])?);
    }
    terminal.write(render_documents(report, &files).as_bytes());
    Ok(match Outcome::worst(files.iter().map(|f| f.outcome())) {
        Outcome::Passed | Outcome::Inapplicable => Exit::Success,
        Outcome::Failed => Exit::NotConformant,
        Outcome::CantTell | Outcome::Untested => Exit::NotDetermined,
    })
}

/// What the person supplied besides the documents.
fn context(args: &args::Check, format: Option<Format>, terminal: Terminal) -> Result<Context, Vec<Mistake>> {
    let mut context =
        Context { fhir_profiles: args.profile.clone(), api_description: Some(crate::api::lint::judge_document), ..Context::default() };
    let read = |path: &Path| -> Result<Source, Vec<Mistake>> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|e| vec![Mistake::new(&name, format!("cannot be read: {e}"))])?;
        Source::read(name, &bytes).map_err(|e| vec![Mistake::from(e)])
    };
    for pair in &args.context {
        let (iri, path) = pair.split_once('=').ok_or_else(|| vec![Mistake::new(pair, "expected IRI=FILE")])?;
        context.contexts.insert(iri.to_owned(), read(Path::new(path))?.value().clone());
    }
    if let Some(path) = &args.schema {
        let source = read(path)?;
        let wrong = |why: String| vec![Mistake::new(path.display().to_string(), why)];
        if format == Some(Format::Csv) {
            let (schema, notes) = TableSchema::read(source.value())
                .map_err(|found| wrong(found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
            for note in notes {
                terminal.warn(note);
            }
            context.table_schema = Some(schema);
        } else {
            context.schema = Some(
                JsonSchema::compile(source.value(), &std::collections::BTreeMap::new())
                    .map_err(|found| wrong(found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?,
            );
        }
    }
    let sources = if args.package.is_empty() {
        store().map(|folder| packages(&folder)).unwrap_or_default()
    } else {
        args.package.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?
    };
    // Without FHIR documents in sight, packages are not opened.
    let wanted = !args.package.is_empty() || format.is_none_or(|f| f == Format::Fhir);
    if wanted && !sources.is_empty() {
        context.fhir = Some(Arc::new(load(&sources, terminal)?));
    }
    Ok(context)
}

fn load(sources: &[PackageSource], terminal: Terminal) -> Result<Definitions, Vec<Mistake>> {
    let definitions = Definitions::load(sources, cache().as_deref()).map_err(|e| vec![Mistake::new("package", e.to_string())])?;
    for note in definitions.notes() {
        terminal.warn(note);
    }
    Ok(definitions)
}

/// A package by path, or by `id` or `id#version` in our own store or in the FHIR package cache.
fn find(name: &str) -> Result<PackageSource, Vec<Mistake>> {
    if Path::new(name).exists() {
        return Ok(PackageSource::new(name));
    }
    let (id, version) = name.split_once('#').unwrap_or((name, ""));
    let of_store = store().into_iter().flat_map(|folder| packages(&folder)).find(|source| {
        let file = source.path().file_name().map(|f| f.to_string_lossy().into_owned()).unwrap_or_default();
        let file = file.trim_end_matches(".tgz");
        file == format!("{id}#{version}") || version.is_empty() && file.split('#').next() == Some(id)
    });
    let of_cache = home().map(|home| home.join(".fhir/packages")).and_then(|cache| PackageSource::in_package_cache(&cache, id, version));
    of_store.or(of_cache).ok_or_else(|| {
        vec![
            Mistake::new(name, "no such package")
                .help("name a .tgz or folder, or `probity package add` it first; `probity package list` shows what is there"),
        ]
    })
}

pub(super) fn package(command: &args::Package, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    match command {
        args::Package::Add { path } => {
            let name = path.display().to_string();
            let source = PackageSource::new(path);
            let info = source.info().map_err(|e| vec![Mistake::new(&name, e.to_string())])?;
            let folder = store().ok_or_else(|| vec![Mistake::new(&name, "no home folder to keep packages in").help("set PROBITY_HOME")])?;
            let plain = |text: &str| {
                text.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_@+".contains(c) { c } else { '-' }).collect::<String>()
            };
            let to = folder.join(format!("{}#{}", plain(&info.name), plain(&info.version)));
            keep(path, &to).map_err(|e| vec![Mistake::new(&name, format!("cannot be kept in {}: {e}", folder.display()))])?;
            terminal.say(format_args!("added {BOLD}{}{BOLD:#} {}{}", info.name, info.version, releases(&info)));
        }
        args::Package::List => {
            let sources = store().map(|folder| packages(&folder)).unwrap_or_default();
            if sources.is_empty() {
                terminal.say("no packages; add one with `probity package add FILE.tgz`");
            }
            for source in sources {
                match source.info() {
                    Ok(info) => terminal.say(format_args!(
                        "{BOLD}{}{BOLD:#} {}  FHIR {}  {}",
                        info.name,
                        info.version,
                        info.fhir_versions.join(", "),
                        source.path().display()
                    )),
                    Err(error) => terminal.warn(error),
                }
            }
        }
    }
    Ok(Exit::Success)
}

/// The FHIR releases that a package is for, where it says so.
fn releases(info: &PackageInfo) -> String {
    if info.fhir_versions.is_empty() { String::new() } else { format!(", FHIR {}", info.fhir_versions.join(", ")) }
}

/// Copies an archive, or a folder with all that is in it.
fn keep(from: &Path, to: &Path) -> std::io::Result<()> {
    if from.is_dir() {
        std::fs::create_dir_all(to)?;
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            // A link could lead anywhere.
            if kind.is_dir() || kind.is_file() {
                keep(&entry.path(), &to.join(entry.file_name()))?;
            }
        }
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let archive = to.file_name().is_some_and(|name| name.to_string_lossy().contains('#'));
    let to = if archive { PathBuf::from(format!("{}.tgz", to.display())) } else { to.to_owned() };
    std::fs::copy(from, to).map(|_| ())
}

/// The packages in a folder, in the order of their names.
fn packages(folder: &Path) -> Vec<PackageSource> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    paths.into_iter().map(PackageSource::new).collect()
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from)
}

/// Where packages are kept.
fn store() -> Option<PathBuf> {
    std::env::var_os("PROBITY_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(home()?.join(".local/share/probity")))
        .map(|home| home.join("packages"))
}

/// Where indexes of packages are kept.
fn cache() -> Option<PathBuf> {
    let folder =
        std::env::var_os("PROBITY_HOME").map(|home| PathBuf::from(home).join("cache")).or_else(|| Some(home()?.join(".cache/probity")))?;
    std::fs::create_dir_all(&folder).ok().map(|()| folder)
}
