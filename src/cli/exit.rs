//! How the process ends.

use std::process::ExitCode;

/// The exit codes, as `orch --help` and README.md document them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything is as the plan says.
    Done,
    /// Some nodes failed, something asked for does not exist, or results could not be written.
    Failed,
    /// The plan or the command line is in error; AWS was not called, or only asked (`validate --remote`).
    Refused,
    /// An account cannot be used, or AWS would not tell what was asked; nothing was changed.
    NoAccount,
    /// A question was answered with no, or there was no terminal to ask at; nothing was changed.
    NotConfirmed,
    /// A preview has found something to do, or a look for drift something that has drifted.
    Changes,
    /// What a saved preview was made of has changed since; nothing was changed.
    Outdated,
    /// Another run holds the plan's lock; nothing was changed.
    Locked,
    /// Interrupted before everything was done.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees. Clap ends with 2 for a wrong command line, so a wrong plan does too; 130 is
    /// what shells give a process that SIGINT ended.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Refused => 2,
            Self::NoAccount => 3,
            Self::NotConfirmed => 4,
            Self::Changes => 5,
            Self::Outdated => 6,
            Self::Locked => 7,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
