//! The engine of `probity check`: one file, one report.
//!
//! Files that hold one document a line, and tables, are read as a stream in flat memory; any other file
//! is read whole, up to a limit. This is the only place of this module that opens files.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::csv::{self, package};
use super::lines::Lines;
use super::{Context, Format, Progress, judge, sniff};
use crate::verdict::{Finding, Outcome, Severity};

/// A file that is read whole must not be larger than this; a limit of ours.
const MAX_WHOLE: u64 = 512 << 20;

/// How many findings one report holds. The rest is counted.
const MAX_FINDINGS: usize = 1_000;

/// How often progress is told, in documents.
const PROGRESS_EVERY: u64 = 1_000;

/// What was found in one file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FileReport {
    /// The file, as it was named.
    pub name: String,
    /// The format it was judged by; `None` when that could not be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Documents, records or lines that were judged.
    pub documents: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Errors, those not shown included.
    pub errors: u64,
    /// Open questions, those not shown included.
    pub open: u64,
    /// Warnings, those not shown included.
    pub warnings: u64,
    /// What was found, as far as it is shown.
    pub findings: Vec<Finding>,
}

impl FileReport {
    /// Failed by an error, not told by an open question, else passed. A file in which nothing was judged is
    /// untested.
    pub fn outcome(&self) -> Outcome {
        if self.errors > 0 {
            Outcome::Failed
        } else if self.open > 0 {
            Outcome::CantTell
        } else if self.documents == 0 {
            Outcome::Untested
        } else {
            Outcome::Passed
        }
    }

    fn take(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            match finding.severity {
                Severity::Error => self.errors += 1,
                Severity::Open => self.open += 1,
                Severity::Warning => self.warnings += 1,
            }
            // An error takes the place of a weaker finding when the report is full.
            if self.findings.len() < MAX_FINDINGS {
                self.findings.push(finding);
            } else if finding.severity == Severity::Error
                && let Some(weaker) = self.findings.iter_mut().rev().find(|f| f.severity != Severity::Error)
            {
                *weaker = finding;
            }
        }
    }
}

/// Judges one file. Without a format it is guessed from the content. A folder is judged as the data package
/// whose `datapackage.json` it holds.
///
/// # Errors
/// The file cannot be opened or read.
pub fn judge_file(path: &Path, format: Option<Format>, context: &Context, progress: &mut dyn FnMut(Progress)) -> io::Result<FileReport> {
    let name = path.display().to_string();
    if path.is_dir() {
        return data_package(&path.join("datapackage.json"), name, progress);
    }
    let mut head = Vec::new();
    File::open(path)?.take(64 << 10).read_to_end(&mut head)?;
    let streamed = is_lines(&name, &head);
    let size = std::fs::metadata(path)?.len();
    let guess = format.or_else(|| sniff(&name, &head));
    let mut report = FileReport { name, format: guess, ..FileReport::default() };
    match guess {
        Some(Format::Csv) => {
            let input = File::open(path)?;
            let table = csv::judge_stream(input, context.table_schema.as_ref(), &context.dialect, &[], &mut |told| {
                report.bytes = told.bytes;
                progress(told);
            })?;
            report.documents = table.rows;
            report.take(table.findings);
            return Ok(report);
        }
        Some(format) if streamed => {
            lines(&mut report, BufReader::with_capacity(1 << 20, File::open(path)?), format, context, progress)?;
            return Ok(report);
        }
        Some(_) | None if size > MAX_WHOLE => {
            report.take([Finding::open("size", format!("the file is larger than {MAX_WHOLE} bytes, which this program reads whole"))]);
            return Ok(report);
        }
        Some(_) | None => {}
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_WHOLE).read_to_end(&mut bytes)?;
    // Of a long document the beginning alone does not tell its format.
    let Some(format) = format.or_else(|| sniff(&report.name, &bytes)) else {
        report.take([Finding::open("format", "the file's format cannot be told; name it")]);
        return Ok(report);
    };
    if format == Format::DataPackage {
        return data_package(path, report.name, progress);
    }
    report.format = Some(format);
    report.bytes = bytes.len() as u64;
    report.documents = 1;
    let findings = judge(format, &report.name, &bytes, context);
    report.take(findings);
    progress(Progress { bytes: report.bytes, records: 1 });
    Ok(report)
}

/// Judges a stream of one document a line into a report.
///
/// # Errors
/// The stream breaks off.
pub fn judge_lines(
    name: &str,
    input: impl io::BufRead,
    format: Option<Format>,
    context: &Context,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<FileReport> {
    let mut report = FileReport { name: name.to_owned(), format, ..FileReport::default() };
    let mut input = input;
    let format = match format {
        Some(format) => format,
        None => {
            let head = input.fill_buf()?;
            sniff(name, head).unwrap_or(Format::Json)
        }
    };
    report.format = Some(format);
    lines(&mut report, input, format, context, progress)?;
    Ok(report)
}

/// Judges what a reader gives, such as standard input: lines and tables as a stream, anything else whole.
///
/// # Errors
/// The reader breaks off.
pub fn judge_reader(
    name: &str,
    mut input: impl Read,
    format: Option<Format>,
    context: &Context,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<FileReport> {
    let mut head = Vec::new();
    input.by_ref().take(64 << 10).read_to_end(&mut head)?;
    let guess = format.or_else(|| sniff(name, &head));
    let streamed = is_lines(name, &head);
    let whole = io::Cursor::new(head).chain(input);
    let mut report = FileReport { name: name.to_owned(), format: guess, ..FileReport::default() };
    match guess {
        Some(Format::Csv) => {
            let table = csv::judge_stream(whole, context.table_schema.as_ref(), &context.dialect, &[], &mut |told| {
                report.bytes = told.bytes;
                progress(told);
            })?;
            report.documents = table.rows;
            report.take(table.findings);
            return Ok(report);
        }
        Some(format) if streamed => {
            lines(&mut report, BufReader::with_capacity(1 << 20, whole), format, context, progress)?;
            return Ok(report);
        }
        Some(_) | None => {}
    }
    let mut bytes = Vec::new();
    whole.take(MAX_WHOLE + 1).read_to_end(&mut bytes)?;
    report.bytes = bytes.len() as u64;
    if report.bytes > MAX_WHOLE {
        report.take([Finding::open("size", format!("there are more than {MAX_WHOLE} bytes, which this program reads whole"))]);
        return Ok(report);
    }
    let Some(format) = format.or_else(|| sniff(name, &bytes)).filter(|f| *f != Format::DataPackage) else {
        report.take([Finding::open("format", "the format cannot be told; name it")]);
        return Ok(report);
    };
    report.format = Some(format);
    report.documents = 1;
    report.take(judge(format, name, &bytes, context));
    progress(Progress { bytes: report.bytes, records: 1 });
    Ok(report)
}

/// Whether the file holds one JSON document a line: by its name, or because its first two lines are whole
/// documents each.
fn is_lines(name: &str, head: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    if lower.ends_with(".ndjson") || lower.ends_with(".jsonl") {
        return true;
    }
    let mut lines = head.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let whole = |line: Option<&[u8]>| {
        line.is_some_and(|line| line.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok())
    };
    whole(lines.next()) && whole(lines.next())
}

fn lines(
    report: &mut FileReport,
    input: impl io::BufRead,
    format: Format,
    context: &Context,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<()> {
    let mut lines = Lines::new(input);
    while let Some(line) = lines.next_line()? {
        report.documents += 1;
        let number = line.number;
        let findings = if line.cut {
            vec![Finding::open("size", "the line is longer than this program reads")]
        } else {
            judge(format, &report.name, line.bytes, context)
        };
        report.take(findings.into_iter().map(|finding| on_line(finding, number)));
        report.bytes = lines.bytes();
        if report.documents.is_multiple_of(PROGRESS_EVERY) {
            progress(Progress { bytes: report.bytes, records: report.documents });
        }
    }
    report.bytes = lines.bytes();
    progress(Progress { bytes: report.bytes, records: report.documents });
    Ok(())
}

/// A finding of one line's document, placed in the whole file.
fn on_line(mut finding: Finding, number: u64) -> Finding {
    let line = u32::try_from(number).unwrap_or(u32::MAX);
    let column = finding.position.map_or(1, |position| position.column);
    finding.position = Some(crate::document::Position { line, column });
    finding.path = format!("line {number} {}", finding.path).trim_end().to_owned();
    finding
}

fn data_package(descriptor: &Path, name: String, progress: &mut dyn FnMut(Progress)) -> io::Result<FileReport> {
    let bytes = std::fs::read(descriptor)?;
    let folder = descriptor.parent().map(Path::to_path_buf).unwrap_or_default();
    let mut open = |path: &str| -> Option<Box<dyn Read>> {
        // The path was seen to stay inside by its letters; a link could still lead out.
        let whole = std::fs::canonicalize(folder.join(path)).ok()?;
        let inside = whole.starts_with(std::fs::canonicalize(&folder).ok()?);
        let file = inside.then(|| File::open(whole).ok()).flatten()?;
        Some(Box::new(file))
    };
    let mut told = Progress::default();
    let mut before = Progress::default();
    let judged = package::judge_package(&bytes, &mut open, &mut |table| {
        if table.records < told.records {
            before = Progress { bytes: before.bytes + told.bytes, records: before.records + told.records };
        }
        told = table;
        progress(Progress { bytes: before.bytes + table.bytes, records: before.records + table.records });
    })?;
    let mut report =
        FileReport { name, format: Some(Format::DataPackage), bytes: bytes.len() as u64, documents: 1, ..FileReport::default() };
    report.take(judged.descriptor);
    for (path, table) in judged.tables {
        report.documents += table.rows;
        report.take(table.findings.into_iter().map(|mut finding| {
            finding.path = format!("{path}: {}", finding.path);
            finding
        }));
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this test alone, taken away at the end.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("probity-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
        fn file(&self, name: &str, text: &str) -> std::path::PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn judged(path: &Path) -> FileReport {
        judge_file(path, None, &Context::default(), &mut |_| {}).unwrap()
    }

    #[test]
    fn a_file_is_judged_by_the_format_it_is_in() {
        let folder = Folder::new("one");
        let report = judged(&folder.file("a.json", r#"{"@context": "https://www.w3.org/2022/wot/td/v1.1", "title": "x"}"#));
        assert_eq!((report.format, report.errors, report.outcome()), (Some(Format::WotTd), 2, Outcome::Failed));
        let report = judged(&folder.file("b.txt", "what is this"));
        assert_eq!((report.format, report.outcome()), (None, Outcome::CantTell));
        let report = judged(&folder.file("c.csv", "a,b\r\n1,2\r\n3\r\n"));
        assert_eq!((report.documents, report.errors), (2, 1));
        assert!(judge_file(&folder.0.join("absent"), None, &Context::default(), &mut |_| {}).is_err());
    }

    #[test]
    fn lines_are_judged_each_and_placed_in_the_file() {
        let folder = Folder::new("lines");
        let path = folder.file("a.ndjson", "{\"a\":1}\n\n{\"a\":1,\"a\":2}\n{\"b\":");
        let mut told = Vec::new();
        let report = judge_file(&path, None, &Context::default(), &mut |p| told.push(p)).unwrap();
        assert_eq!((report.documents, report.errors), (3, 2));
        assert_eq!(
            report.findings.iter().map(|f| (f.path.as_str(), f.position.unwrap().line)).collect::<Vec<_>>(),
            [("line 3 /a", 3), ("line 4", 4)]
        );
        assert_eq!(told.last().map(|p| (p.records, p.bytes)), Some((3, 28)));
        let empty = judged(&folder.file("b.ndjson", "\n"));
        assert_eq!(empty.outcome(), Outcome::Untested);
    }

    #[test]
    fn a_reader_is_judged_like_a_file() {
        let read = |text: &str| judge_reader("standard input", text.as_bytes(), None, &Context::default(), &mut |_| {}).unwrap();
        let report = read("{\"a\":1}\n{\"a\":1,\"a\":2}\n");
        assert_eq!((report.documents, report.errors, report.bytes), (2, 1, 22));
        let report = read("{\"a\":1,\n\"a\":2}");
        assert_eq!((report.documents, report.errors), (1, 1));
        assert_eq!(read("what is this").outcome(), Outcome::CantTell);
        assert_eq!(judge_reader("-", "a,b\r\n1\r\n".as_bytes(), Some(Format::Csv), &Context::default(), &mut |_| {}).unwrap().errors, 1);
    }

    #[test]
    fn a_flood_is_counted_and_errors_are_kept() {
        let mut report = FileReport::default();
        report.take((0..2_000).map(|_| Finding::warning("w", "again")));
        report.take([Finding::error("e", "the one")]);
        assert_eq!((report.warnings, report.errors, report.findings.len()), (2_000, 1, MAX_FINDINGS));
        assert!(report.findings.iter().any(|f| f.rule == "e"));
    }

    #[test]
    fn a_package_is_judged_with_its_tables() {
        let folder = Folder::new("package");
        folder.file("a.csv", "id\n1\n1\n");
        folder.file(
            "datapackage.json",
            r#"{"resources": [{"name": "a", "path": "a.csv", "schema": {"fields": [{"name": "id"}], "primaryKey": "id"}}]}"#,
        );
        let report = judged(&folder.0);
        assert_eq!((report.format, report.errors), (Some(Format::DataPackage), 1));
        assert_eq!(report.findings[0].path, "a.csv: row 2");
    }
}
