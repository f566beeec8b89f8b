//! Exit codes: documented, stable, and failure until a complete assessment says otherwise.

use std::process::ExitCode;

use crate::assess::PillarVerdict;

/// Why the program ends. The numbers are part of the stable interface; see `docs/exit-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: the product is conformant, by a complete assessment; or the command did what was asked.
    Success,
    /// 1: the product is not conformant; or a document, bundle or profile was found faulty.
    NotConformant,
    /// 2: wrong usage, or a mistake in a profile, overlay, target or waiver file.
    Usage,
    /// 3: not determined: nothing failed, and something could not be told or was not tested.
    NotDetermined,
    /// 4: preflight found a set-up error.
    SetUp,
    /// 70: a fault in Probity itself.
    Bug,
}

impl Exit {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] = [Self::Success, Self::NotConformant, Self::Usage, Self::NotDetermined, Self::SetUp, Self::Bug];

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::NotConformant => 1,
            Self::Usage => 2,
            Self::NotDetermined => 3,
            Self::SetUp => 4,
            Self::Bug => 70,
        }
    }

    /// What it means, for `probity explain` and the documentation.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => {
                "Conformant: a complete assessment says that each MUST requirement that applies passed. Other commands: done, nothing found wrong."
            }
            Self::NotConformant => {
                "Not conformant: at least one MUST requirement failed. Other commands: the document, bundle or comparison was found faulty."
            }
            Self::Usage => "Wrong usage, or a mistake in a profile, overlay, waiver or target file. Nothing was sent to the target.",
            Self::NotDetermined => {
                "Not determined: nothing failed, and something could not be told or was not tested. Runs narrowed with --only never do better than this."
            }
            Self::SetUp => "Preflight found a set-up error: fix it before you test. It says nothing about the product.",
            Self::Bug => "A fault in Probity itself. Please report it.",
        }
    }

    /// The code for the verdict of a whole assessment.
    pub fn of(verdict: PillarVerdict) -> Self {
        match verdict {
            PillarVerdict::Conformant => Self::Success,
            PillarVerdict::NotConformant => Self::NotConformant,
            PillarVerdict::NotDetermined | PillarVerdict::NotApplicable => Self::NotDetermined,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
