//! Reports: an assessment in the forms that people and other programs read.
//!
//! Pure: the same assessment gives the same bytes; no network, no clock, no file. Every view is
//! computed from the flat list of results. A waiver stands beside a failure in every format and
//! turns none of them green. Before anything is shown, every text of the assessment is made harmless
//! in one place; each format then escapes for itself, as for any text.
//!
//! | ours           | SARIF `kind`    | JUnit                | GitHub               | GitLab          |
//! |----------------|-----------------|----------------------|----------------------|-----------------|
//! | `passed`       | `pass`          | passed               |                      |                 |
//! | `failed`       | `fail`          | `failure`            | `error`, SHOULD `warning` | `critical`, SHOULD `minor` |
//! | `cantTell`     | `review`        | `skipped`; our bug `error` | `warning`, SHOULD `notice` | `major`, SHOULD `info` |
//! | `inapplicable` | `notApplicable` | `skipped`            |                      |                 |
//! | `untested`     | `open`          | `skipped`            | `warning`, SHOULD `notice` | `major`, SHOULD `info` |
//!
//! Where skipped reads as green, the format carries the verdict of the whole as one more entry.

mod api;
mod clauses;
mod document;
mod github;
mod gitlab;
mod harmless;
mod html;
mod json;
mod junit;
mod markdown;
mod sarif;
mod text;
mod words;

pub use api::{ApiExport, NoRun, export};
pub use document::{DocumentFormat, render_documents};

use std::str::FromStr;

use crate::assess::Assessment;

/// A form of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For a terminal: plain text, with colours when asked.
    Text,
    /// One self-contained page for people.
    Html,
    /// The outside format V1.
    Json,
    /// JUnit XML, which every build server reads.
    Junit,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// For job summaries and merge requests.
    Markdown,
    /// Annotations of GitHub workflows.
    Github,
    /// Code quality report of GitLab.
    Gitlab,
}

impl Format {
    /// All formats, in the order that listings use.
    pub const ALL: [Self; 8] = [Self::Text, Self::Html, Self::Json, Self::Junit, Self::Sarif, Self::Markdown, Self::Github, Self::Gitlab];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Html => "html",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Markdown => "markdown",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
        }
    }
    /// The end of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Text | Self::Github => "txt",
            Self::Html => "html",
            Self::Json | Self::Gitlab => "json",
            Self::Junit => "xml",
            Self::Sarif => "sarif",
            Self::Markdown => "md",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no format `{name}`, expected one of {}", Format::ALL.map(Format::as_str).join(", "))]
pub struct UnknownFormat {
    name: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;
    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.as_str() == name).ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}

/// Who ran the assessment, in the words of EN ISO/IEC 17000.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RunBy {
    /// The supplier itself.
    #[default]
    Supplier,
    /// The buyer or region of this name.
    Buyer(String),
    /// The laboratory or other independent body of this name.
    Laboratory(String),
}

/// How a report is made.
#[derive(Debug, Clone)]
pub struct RenderOptions {
    /// Terminal colours in the text format.
    pub colour: bool,
    /// Characters per line in the text format.
    pub width: usize,
    /// The target file's path within the repository, which annotations point at.
    pub target_file: String,
    /// Who ran the assessment.
    pub run_by: RunBy,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { colour: false, width: 100, target_file: "target.yaml".into(), run_by: RunBy::Supplier }
    }
}

/// A report that cannot be made: a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("the {format} report cannot be made; please report this: {why}")]
pub struct ReportError {
    format: Format,
    why: String,
}

/// Makes a report.
///
/// # Errors
/// A fault of ours, or an assessment with a time that cannot be written.
pub fn render(format: Format, assessment: &Assessment, options: &RenderOptions) -> Result<Vec<u8>, ReportError> {
    let failed = |why: String| ReportError { format, why };
    if format == Format::Json {
        // Nothing is lost here: JSON text escapes for itself.
        return json::render(assessment).map_err(|e| failed(e.to_string()));
    }
    let mut assessment = harmless::assessment(assessment).map_err(|e| failed(e.to_string()))?;
    let clauses = clauses::take(&mut assessment);
    match format {
        Format::Text => Ok(text::render(&assessment, &clauses, options).into_bytes()),
        Format::Html => html::render(&assessment, &clauses, options).map(String::into_bytes).map_err(|e| failed(e.to_string())),
        Format::Json => json::render(&assessment).map_err(|e| failed(e.to_string())),
        Format::Junit => junit::render(&assessment).map(String::into_bytes).map_err(|e| failed(e.to_string())),
        Format::Sarif => sarif::render(&assessment, options).map_err(|e| failed(e.to_string())),
        Format::Markdown => Ok(markdown::render(&assessment, options).into_bytes()),
        Format::Github => Ok(github::render(&assessment, options).into_bytes()),
        Format::Gitlab => gitlab::render(&assessment, options).map_err(|e| failed(e.to_string())),
    }
}
