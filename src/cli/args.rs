//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::terminal::LogLevel;

/// Does this product meet this profile, and how do we know?
///
/// Probity tests telecare alarms, home hubs, sensors, care apps and platforms against a profile of
/// requirements, and writes down the evidence for each verdict so that anybody can judge it again.
#[derive(Debug, Parser)]
#[command(name = "probity", version, propagate_version = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    /// How much is said on standard error
    #[arg(long, global = true, value_enum, default_value = "info", env = "PROBITY_LOG", hide_env = true)]
    pub(super) log_level: LogLevel,
    /// Say errors only on standard error
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Assess the built-in sample vendors: the whole line in half a minute
    Demo(Demo),
    /// Write a target file by looking at an address
    Init(Init),
    /// Find set-up errors before testing: file, secrets, names, ports, TLS, credentials, clock, fit of profile and target
    Preflight(Preflight),
    /// Test a product and write an evidence bundle
    Assess(Assess),
    /// Render a saved bundle
    Report(Report),
    /// Judge every recorded observation of a bundle again, offline
    Replay(Replay),
    /// Check a received bundle offline: nothing changed, and the verdicts follow from the evidence
    Verify(Replay),
    /// Judge documents by the open standards of care, without a target
    Check(Check),
    /// Look after packages of FHIR definitions
    #[command(subcommand)]
    Package(Package),
    /// Explain a requirement, a kind of check, an outcome or an exit code
    Explain(Explain),
    /// List the kinds of check with their parameters
    Checks(Checks),
    /// Look after profiles and overlays
    #[command(subcommand)]
    Profile(Profile),
    /// Print a JSON Schema for an editor
    Schema(Schema),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where bundles and reports are written
    #[arg(short, long, default_value = "probity-demo")]
    pub(super) output: PathBuf,
    /// Keep the sample vendors running and print their target files
    #[arg(long)]
    pub(super) serve: bool,
    /// Assess the sample vendor with this one defect
    #[arg(long, value_name = "NAME")]
    pub(super) defect: Option<String>,
    /// List the defects
    #[arg(long, conflicts_with_all = ["serve", "defect"])]
    pub(super) list: bool,
}

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The address to look at
    pub(super) url: url::Url,
    /// The file to write; standard output where nothing is said
    #[arg(short, long)]
    pub(super) output: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long)]
    pub(super) force: bool,
}

/// The profile that is asked and the overlays on it.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The profile: a shipped id, a file or a folder
    #[arg(long, default_value = "eu-core", value_name = "ID|PATH")]
    pub(super) profile: String,
    /// An overlay to lay on: a shipped id or a file; may be given several times, in any order
    #[arg(long = "overlay", value_name = "ID|FILE")]
    pub(super) overlays: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Preflight {
    /// The target file
    pub(super) target: PathBuf,
    #[command(flatten)]
    pub(super) asked: Asked,
    /// Requirements up to this tier
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub(super) tier: u8,
}

#[derive(Debug, Args)]
pub(super) struct Assess {
    /// The target file
    pub(super) target: PathBuf,
    #[command(flatten)]
    pub(super) asked: Asked,
    /// Requirements up to this tier: 1 basic, 2 substantial, 3 high
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub(super) tier: u8,
    /// Ask only this requirement or pillar; may be given several times. The rest is told as untested
    #[arg(long, value_name = "REQUIREMENT|PILLAR", visible_alias = "pillar")]
    pub(super) only: Vec<String>,
    /// Ask nothing over the network: documents and attestations alone
    #[arg(long)]
    pub(super) offline: bool,
    /// Go no further than this, whatever the consent block of the target file opens
    #[arg(long, value_enum, value_name = "MODE")]
    pub(super) mode: Option<Mode>,
    /// Show what would be asked of whom, and send nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// A package of FHIR definitions, besides those that the target file names: a path, or an id of an added
    /// or cached one; may be given several times
    #[arg(long, value_name = "PATH|ID")]
    pub(super) package: Vec<String>,
    /// With --dry-run: read the API description from the product, and nothing else, to show every request of the API run
    #[arg(long, requires = "dry_run", conflicts_with = "offline")]
    pub(super) fetch_description: bool,
    /// With --dry-run: the form in which it is shown
    #[arg(long, requires = "dry_run", value_name = "FORMAT", default_value = "text")]
    pub(super) format: DryRunFormat,
    /// Waivers to show beside results
    #[arg(long, value_name = "FILE")]
    pub(super) waivers: Option<PathBuf>,
    /// Where the bundle is written: a new folder
    #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
    pub(super) output: Option<PathBuf>,
    /// Replace an earlier bundle
    #[arg(long)]
    pub(super) force: bool,
    /// Write the bundle as one .zip beside the folder as well
    #[arg(long)]
    pub(super) zip: bool,
    /// The most seconds that the run may take
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub(super) max_time: u64,
    /// Whom the target's owner can write to about this run; sent in the User-Agent header
    #[arg(long, value_name = "MAIL|URL")]
    pub(super) contact: Option<String>,
}

/// The form of a dry run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DryRunFormat {
    /// Lines to read
    Text,
    /// One JSON document
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Report {
    /// The bundle: a folder or a .zip
    pub(super) bundle: PathBuf,
    /// The form of the report; may be given several times. `har` and `wfc` are of the API run
    #[arg(short, long, default_value = "text", value_name = "FORMAT")]
    pub(super) format: Vec<String>,
    /// For `har` and `wfc`: the endpoint whose API run is told, where there are several
    #[arg(long, value_name = "NAME")]
    pub(super) endpoint: Option<String>,
    /// Where it is written; standard output where nothing is said. With several formats: a folder
    #[arg(short, long)]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The bundle: a folder or a .zip
    pub(super) bundle: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The files; `-` is standard input, a folder stands for the documents in it
    #[arg(required = true, value_name = "FILE|FOLDER|-")]
    pub(super) files: Vec<PathBuf>,
    /// The format they are judged by; told from the content where nothing is said
    #[arg(short, long, value_name = "FORMAT")]
    pub(super) format: Option<String>,
    /// A package of FHIR definitions: a path, or an id of an added or cached one; may be given several times.
    /// What it is built on is taken along where it is at hand. Without it, all that were added are used
    #[arg(long, value_name = "PATH|ID")]
    pub(super) package: Vec<String>,
    /// The FHIR release whose added packages are used: R4, R4B or R5
    #[arg(long = "fhir", value_name = "RELEASE", conflicts_with = "package")]
    pub(super) release: Option<String>,
    /// A FHIR profile that each resource must meet, by its canonical address
    #[arg(long, value_name = "URL")]
    pub(super) profile: Vec<String>,
    /// The vendor's own JSON Schema, or for CSV a Table Schema
    #[arg(long, value_name = "FILE")]
    pub(super) schema: Option<PathBuf>,
    /// A JSON-LD context that is at hand
    #[arg(long, value_name = "IRI=FILE")]
    pub(super) context: Vec<String>,
    /// How findings are written: text, json, sarif or operation-outcome
    #[arg(long, default_value = "text", value_name = "REPORT")]
    pub(super) report: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum Package {
    /// Keep a package: a .tgz as registries hand it out, or an unpacked folder
    Add {
        /// The archive or folder
        path: PathBuf,
    },
    /// List the packages that are kept
    List,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A requirement's id, a kind of check, an outcome, an exit code or a word of a report
    pub(super) id: String,
    #[command(flatten)]
    pub(super) asked: Asked,
}

#[derive(Debug, Args)]
pub(super) struct Checks {
    /// Show one kind only
    pub(super) kind: Option<String>,
    /// Print as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Profile {
    /// Find mistakes in a profile and its overlays
    Lint {
        /// The profile: a shipped id, a file or a folder
        profile: String,
        /// Overlays to lay on
        #[arg(long = "overlay", value_name = "ID|FILE")]
        overlays: Vec<String>,
    },
    /// Show the effective profile and which layer set each value
    Show {
        /// The profile: a shipped id, a file or a folder
        #[arg(default_value = "eu-core")]
        profile: String,
        /// Overlays to lay on
        #[arg(long = "overlay", value_name = "ID|FILE")]
        overlays: Vec<String>,
        /// Print the flattened profile as JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell the difference of two profiles in words
    Diff {
        /// The old one: a shipped id, a file or a folder
        old: String,
        /// The new one
        new: String,
        /// Overlays to lay on the new one
        #[arg(long = "overlay", value_name = "ID|FILE")]
        overlays: Vec<String>,
    },
    /// List the shipped profiles and overlays
    List,
}

#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Of which file
    #[arg(value_enum)]
    pub(super) of: SchemaOf,
}

/// The files that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// A profile
    Profile,
    /// An overlay
    Overlay,
    /// A target file
    Target,
    /// A file of waivers
    Waivers,
}

/// How far a run may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// Only read what anybody may ask for
    Passive,
    /// Also knock at ports, ask about accounts that nobody has, write test data
    Standard,
    /// Also try wrong passwords and malformed input
    Lab,
}

impl From<Mode> for crate::target::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Passive => Self::Passive,
            Mode::Standard => Self::Standard,
            Mode::Lab => Self::Lab,
        }
    }
}
