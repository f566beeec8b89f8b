//! The two streams: results on standard output, progress and complaints on standard error.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use crate::document::Mistake;

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum LogLevel {
    /// Errors only.
    Error,
    /// Errors and warnings.
    Warn,
    /// Progress as well.
    Info,
    /// Each check as it is asked.
    Debug,
}

/// The terminal, or the pipe, that the command writes to.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    level: LogLevel,
}

/// Bold text.
pub(super) const BOLD: Style = Style::new().bold();
/// Text of lesser weight.
pub(super) const DIM: Style = Style::new().dimmed();
/// What went well.
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
/// What went wrong.
pub(super) const RED: Style = AnsiColor::Red.on_default().bold();
/// What is open.
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();

impl Terminal {
    /// A terminal that says this much on standard error.
    pub fn new(level: LogLevel) -> Self {
        Self { level }
    }

    /// Whether standard output takes colours: a terminal, and no `NO_COLOR`.
    pub fn has_colour(self) -> bool {
        let choice = anstream::AutoStream::choice(&std::io::stdout());
        !matches!(choice, anstream::ColorChoice::Never)
    }

    /// Whether standard error is a terminal that a line can be rewritten on.
    pub fn is_live(self) -> bool {
        self.level >= LogLevel::Info && std::io::stderr().is_terminal()
    }

    /// A line of the result. A reader that went away ends the program quietly, as it does for `head`.
    pub fn say(self, line: impl Display) {
        let mut out = anstream::stdout().lock();
        if let Err(error) = writeln!(out, "{line}")
            && error.kind() == std::io::ErrorKind::BrokenPipe
        {
            std::process::exit(141);
        }
    }

    /// Bytes of the result, as they are.
    pub fn write(self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        if out.write_all(bytes).and_then(|()| out.flush()).is_err_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe) {
            std::process::exit(141);
        }
    }

    /// Progress.
    pub fn info(self, line: impl Display) {
        if self.level >= LogLevel::Info {
            let _ = writeln!(anstream::stderr().lock(), "{line}");
        }
    }

    /// Progress in detail.
    pub fn debug(self, line: impl Display) {
        if self.level >= LogLevel::Debug {
            let _ = writeln!(anstream::stderr().lock(), "{line}");
        }
    }

    /// A progress line that the next one takes the place of.
    pub fn live(self, line: impl Display) {
        if self.is_live() {
            let mut err = anstream::stderr().lock();
            let _ = write!(err, "\r\x1b[2K{line}");
            let _ = err.flush();
        }
    }

    /// A warning.
    pub fn warn(self, line: impl Display) {
        if self.level >= LogLevel::Warn {
            let _ = writeln!(anstream::stderr().lock(), "{YELLOW}warning{YELLOW:#}: {line}");
        }
    }

    /// An error, with what to do next.
    pub fn error(self, line: impl Display, help: Option<&str>) {
        let mut err = anstream::stderr().lock();
        let _ = writeln!(err, "{RED}error{RED:#}: {line}");
        if let Some(help) = help {
            let _ = writeln!(err, "  {BOLD}help{BOLD:#}: {help}");
        }
    }

    /// The mistakes of a file.
    pub fn mistakes(self, mistakes: &[Mistake]) {
        for mistake in mistakes {
            self.error(mistake, mistake.help.as_deref());
        }
        if mistakes.len() > 1 {
            self.error(format_args!("{} mistakes; nothing was sent to any target", mistakes.len()), None);
        }
    }
}
