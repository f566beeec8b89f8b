//! `probity check` and `probity package`: documents judged without a target.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args;
use super::documents::{Document, documents};
use super::exit::Exit;
use super::package_set::{HOW_TO_GET, Places};
use super::terminal::{BOLD, Terminal};
use crate::document::{Mistake, Source};
use crate::format::csv::TableSchema;
use crate::format::fhir::{Definitions, PackageSource, PackageSummary, Release};
use crate::format::json_schema::JsonSchema;
use crate::format::{Context, Format, Progress, judge_file, judge_reader};
use crate::report::{DocumentFormat, render_documents};
use crate::target::PackageReference;
use crate::verdict::Outcome;

pub(super) fn run(args: &args::Check, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    let usage = |word: &str, why: String| vec![Mistake::new(word, why)];
    let format = args.format.as_deref().map(|word| word.parse::<Format>().map_err(|why| usage(word, why))).transpose()?;
    let report: DocumentFormat = args.report.parse().map_err(|why| usage(&args.report, format!("no such report: {why}")))?;
    let context = context(args, format, terminal)?;
    let mut files = Vec::new();
    let named = documents(&args.files)?;
    for (done, document) in named.iter().enumerate() {
        let name = match document {
            Document::File(path) => path.display().to_string(),
            Document::Input => "standard input".to_owned(),
        };
        if done % 100 == 99 {
            terminal.live(format_args!("{done} of {} files", named.len()));
        }
        let mut told = 0;
        let mut progress = |progress: Progress| {
            if progress.records >= told + 1_000 {
                told = progress.records;
                terminal.live(format_args!("{name}: {} documents, {} MB", progress.records, progress.bytes >> 20));
            }
        };
        let judged = match document {
            Document::File(path) => judge_file(path, format, &context, &mut progress),
            Document::Input => judge_reader(&name, std::io::stdin().lock(), format, &context, &mut progress),
        };
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
    let mut context = Context::default();
    context.api_description = Some(crate::api::lint::judge_document);
    context.fhir_profiles.clone_from(&args.profile);
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
    // Without FHIR documents in sight, packages are not opened.
    if args.package.is_empty() && format.is_some_and(|f| f != Format::Fhir) {
        return Ok(context);
    }
    let sources = if args.package.is_empty() {
        let release = args.release.as_deref().map(|word| word.parse::<Release>().map_err(|why| vec![Mistake::new(word, why)]));
        places().of_release(release.transpose()?, terminal)?
    } else {
        places().with_dependencies(args.package.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?)?
    };
    if !sources.is_empty() {
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
                .help(format!("name a .tgz or folder, or an id that `probity package list` shows; {HOW_TO_GET}")),
        ]
    })
}

/// The same for the packages of target files: of several versions at hand the one that is named.
pub(super) fn package_named(id: &str, version: Option<&str>) -> Option<PackageSource> {
    let name = version.map_or_else(|| id.to_owned(), |version| format!("{id}#{version}"));
    // A name is no path: a target file of somebody else must not make us read any file.
    if id.contains(['/', '\\']) || id.starts_with('.') || Path::new(&name).exists() {
        return None;
    }
    find(&name).ok()
}

/// A package that a person names on the command line: a path, or `id` or `id#version`.
pub(super) fn reference(name: &str) -> PackageReference {
    if Path::new(name).exists() {
        let path = std::path::absolute(name).unwrap_or_else(|_| PathBuf::from(name));
        return PackageReference { file: Some(path), ..PackageReference::default() };
    }
    let (id, version) = name.split_once('#').map_or((name, None), |(id, version)| (id, Some(version)));
    PackageReference { id: Some(id.to_owned()), version: version.map(str::to_owned), ..PackageReference::default() }
}

pub(super) fn package(command: &args::Package, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    match command {
        args::Package::Add { path } => {
            let name = path.display().to_string();
            let source = PackageSource::new(path);
            let summary = source.summary(None).map_err(|e| vec![Mistake::new(&name, e.to_string())])?;
            let info = &summary.info;
            if summary.definitions == 0 || info.name.is_empty() {
                return Err(vec![Mistake::new(&name, "this is no package of FHIR definitions").help(HOW_TO_GET)]);
            }
            let folder = store().ok_or_else(|| vec![Mistake::new(&name, "no home folder to keep packages in").help("set PROBITY_HOME")])?;
            let plain = |text: &str| {
                text.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_@+".contains(c) { c } else { '-' }).collect::<String>()
            };
            let to = folder.join(format!("{}#{}", plain(&info.name), plain(&info.version)));
            keep(path, &to).map_err(|e| vec![Mistake::new(&name, format!("cannot be kept in {}: {e}", folder.display()))])?;
            let count = summary.definitions;
            terminal.say(format_args!("added {BOLD}{}{BOLD:#} {}{}, {count} definitions", info.name, info.version, releases(&summary)));
            for (wanted, version) in info.dependencies.iter().filter(|(wanted, _)| places().find(wanted, "").is_none()) {
                terminal.say(format_args!("  it is built on {wanted} {version}, which is not here yet"));
            }
        }
        args::Package::List => {
            let sources = places().kept();
            if sources.is_empty() {
                terminal.say(format_args!("no packages; {HOW_TO_GET}"));
            }
            for source in sources {
                match source.summary(cache().as_deref()) {
                    Ok(summary) => terminal.say(format_args!(
                        "{BOLD}{}{BOLD:#} {}{}, {} definitions{}  {}",
                        summary.info.name,
                        summary.info.version,
                        releases(&summary),
                        summary.definitions,
                        if summary.core.is_some() { ", base types" } else { "" },
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
fn releases(summary: &PackageSummary) -> String {
    let releases: Vec<String> = summary.releases().iter().map(ToString::to_string).collect();
    if releases.is_empty() { String::new() } else { format!(", FHIR {}", releases.join(", ")) }
}

/// Where packages are looked for.
fn places() -> Places {
    Places { store: store(), shared: home().map(|home| home.join(".fhir/packages")), cache: cache() }
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
pub(super) fn cache() -> Option<PathBuf> {
    let folder =
        std::env::var_os("PROBITY_HOME").map(|home| PathBuf::from(home).join("cache")).or_else(|| Some(home()?.join(".cache/probity")))?;
    std::fs::create_dir_all(&folder).ok().map(|()| folder)
}
