//! NDJSON: one resource per line, of any number, in flat memory (FHIR Bulk Data Access).

use std::io::BufRead;

use super::validator::Validator;
use crate::document::{Position, Source};
use crate::verdict::Finding;

/// Longest line that is read.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// What was found on one line.
#[derive(Debug, Clone, PartialEq)]
pub struct LineFindings {
    /// Line, from 1.
    pub line: u64,
    /// The resource's type, empty when it could not be read.
    pub resource_type: String,
    /// The resource's id, empty when it has none.
    pub id: String,
    /// Findings, with positions in the file.
    pub findings: Vec<Finding>,
}

/// Judges a stream of resources and hands each line's findings over before it reads the next. Empty
/// lines are passed over. Gives the number of resources.
///
/// # Errors
/// The stream could not be read. A line that is no resource is a finding.
pub fn judge_lines(
    validator: &Validator<'_>,
    name: &str,
    mut reader: impl BufRead,
    profiles: &[&str],
    mut each: impl FnMut(LineFindings),
) -> std::io::Result<u64> {
    let (mut line, mut count) = (0u64, 0u64);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = std::io::Read::take(&mut reader, MAX_LINE_BYTES).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(count);
        }
        line += 1;
        let whole = bytes.last() == Some(&b'\n') || (read as u64) < MAX_LINE_BYTES;
        if !whole {
            skip_line(&mut reader)?;
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        count += 1;
        let text = |source: &Source, key: &str| source.value().get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let mut found = LineFindings { line, resource_type: String::new(), id: String::new(), findings: Vec::new() };
        let row = u32::try_from(line).unwrap_or(u32::MAX);
        if whole {
            match Source::json(name, &bytes) {
                Ok(source) => {
                    found.findings = validator.validate_source(&source, profiles);
                    for finding in &mut found.findings {
                        finding.position = finding.position.map(|p| Position { line: row, column: p.column });
                    }
                    found.resource_type = text(&source, "resourceType");
                    found.id = text(&source, "id");
                }
                Err(error) => found.findings.push(
                    Finding::error("json", format!("The line is not JSON: {}", error.message))
                        .position(Some(Position { line: row, column: error.position.column }))
                        .clause("http://hl7.org/fhir/uv/bulkdata/"),
                ),
            }
        } else {
            found.findings.push(
                Finding::open("line-too-long", format!("The line is longer than {} MiB and was not read", MAX_LINE_BYTES >> 20))
                    .position(Some(Position { line: row, column: 1 })),
            );
        }
        each(found);
    }
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        match buffer.iter().position(|b| *b == b'\n') {
            Some(at) => {
                reader.consume(at + 1);
                return Ok(());
            }
            None => {
                let length = buffer.len();
                reader.consume(length);
            }
        }
    }
}
