//! How a run ends, for scripts: the numbers stand here and in the help's list, and a test holds the two
//! together.

use std::process::ExitCode;

/// How a run of evtop ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// A failure nobody foresaw.
    Unexpected,
    /// Wrong usage or settings.
    Usage,
    /// Kafka, the store or the engine did not answer.
    Unavailable,
    /// Read-only, not found, in conflict, or `--yes` is missing: nothing was done.
    Refused,
    /// Done, but some records failed again or their fate is unknown.
    Partial,
}

impl Exit {
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Unexpected,
        Self::Usage,
        Self::Unavailable,
        Self::Refused,
        Self::Partial,
    ];

    /// The number the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Unavailable => 3,
            Self::Refused => 4,
            Self::Partial => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
