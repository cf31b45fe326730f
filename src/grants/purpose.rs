//! What a policy is for: a command, by what it calls.

use std::fmt;

/// A command, or several that call the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// `orch apply`, first and again, and the ways out of failures.
    Apply,
    /// `orch preview`, which makes change sets and deletes them.
    Preview,
    /// What makes nothing at all: `preview --read-only`, `status`, `outputs`, `validate --remote`.
    ReadOnly,
    /// `orch destroy`.
    Destroy,
    /// `orch apply --prune`.
    Prune,
    /// `orch drift`.
    Drift,
    /// `orch adopt`.
    Adopt,
    /// `orch cancel`.
    Cancel,
    /// `orch preview --simulate`.
    Simulate,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Apply,
        Self::Preview,
        Self::ReadOnly,
        Self::Destroy,
        Self::Prune,
        Self::Drift,
        Self::Adopt,
        Self::Cancel,
        Self::Simulate,
    ];

    /// What is meant where nothing is said.
    pub const USUAL: [Self; 4] = [Self::Apply, Self::Preview, Self::Destroy, Self::Prune];

    /// Its word on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Preview => "preview",
            Self::ReadOnly => "read-only",
            Self::Destroy => "destroy",
            Self::Prune => "prune",
            Self::Drift => "drift",
            Self::Adopt => "adopt",
            Self::Cancel => "cancel",
            Self::Simulate => "simulate",
        }
    }

    /// Whether stacks, peerings and routes are made or changed.
    pub(super) const fn makes(self) -> bool {
        matches!(self, Self::Apply | Self::Adopt)
    }

    /// Whether stacks that differ are worked out by change sets.
    pub(super) const fn works_out(self) -> bool {
        matches!(self, Self::Apply | Self::Adopt | Self::Preview | Self::Simulate)
    }

    /// Whether what stands is compared with the plan.
    pub(super) const fn compares(self) -> bool {
        matches!(self, Self::Apply | Self::Adopt | Self::Preview | Self::Simulate | Self::ReadOnly)
    }

    /// Whether the plan's lock is held meanwhile.
    pub(super) const fn takes_lock(self) -> bool {
        matches!(self, Self::Apply | Self::Adopt | Self::Destroy | Self::Prune)
    }

    /// Whether it is told of stacks why they have failed, or are in review.
    pub(super) const fn tells_failures(self) -> bool {
        !matches!(self, Self::Preview | Self::Simulate)
    }

    /// Whether what left the plan is looked for.
    pub(super) const fn looks_for_left(self) -> bool {
        !matches!(self, Self::Drift | Self::Cancel)
    }

    /// Whether what left the plan is deleted.
    pub(super) const fn deletes_left(self) -> bool {
        matches!(self, Self::Destroy | Self::Prune)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
