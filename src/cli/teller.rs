//! Tells a run while it happens.

use std::sync::{Arc, Mutex, PoisonError};

use crate::event::{Event, Record};
use crate::ids::NodeId;
use crate::report::{Digest, Lines, Palette, Verbosity};
use crate::run::{Job, Sink};

use super::journal::Journal;
use super::{Surroundings, now, terminal};

/// Tells what happens while it happens, and gathers what is to be told at the end.
pub(super) struct Teller(Arc<Mutex<Telling>>);

struct Telling {
    lines: Lines,
    digest: Digest,
    journal: Option<Journal>,
}

impl Teller {
    /// A teller for the nodes of a job.
    pub(super) fn new(job: &Job, surroundings: &Surroundings) -> Self {
        let verbosity = match (surroundings.quiet, surroundings.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        };
        let palette = Palette { enabled: surroundings.terminal.color_err };
        let ids = job.taking_part().map(|node| job.graph().id(node));
        let lines = Lines::new(now(), ids, verbosity, palette);
        Self(Arc::new(Mutex::new(Telling { lines, digest: Digest::default(), journal: None })))
    }

    /// The same, that writes all of it into a journal, too.
    pub(super) fn keeping(self, journal: &Journal) -> Self {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).journal = Some(journal.clone());
        self
    }

    /// Where the run's events go. Lines are written under the lock, so that they come out whole and in order.
    pub(super) fn sink(&self) -> Sink {
        let telling = Arc::clone(&self.0);
        Arc::new(move |event: Event| {
            let record = Record::new(now(), event);
            let mut telling = telling.lock().unwrap_or_else(PoisonError::into_inner);
            // First of all: should the process be killed while it waits for whoever reads what it says, this is not lost.
            if let Some(journal) = &telling.journal {
                journal.write(&record);
            }
            if let Some(line) = telling.lines.line(&record) {
                terminal::say(&if terminal::says_json() { json(&record) } else { line });
            }
            telling.digest.observe(&record);
        })
    }

    /// The nodes that were looked for in vain.
    pub(super) fn absent(&self) -> Vec<NodeId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).digest.absent().to_vec()
    }

    /// The text for the end of the run.
    pub(super) fn end(&self, surroundings: &Surroundings) -> String {
        let palette = Palette { enabled: surroundings.terminal.color_out };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).digest.text(palette)
    }
}

/// The record as one line of JSON.
fn json(record: &Record) -> String {
    let mut line = serde_json::to_string(record).unwrap_or_default();
    line.push('\n');
    line
}
