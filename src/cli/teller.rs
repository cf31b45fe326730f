//! Tells a run while it happens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::{Event, Record};
use crate::ids::NodeId;
use crate::report::{Digest, Lines, Palette, Verbosity};
use crate::run::{Job, Sink};

use super::journal::Journal;
use super::{Surroundings, now, terminal};

/// Tells what happens while it happens, and gathers what is to be told at the end.
pub(super) struct Teller {
    telling: Arc<Mutex<Telling>>,
    journal: Option<Journal>,
}

struct Telling {
    lines: Lines,
    digest: Digest,
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
        Self { telling: Arc::new(Mutex::new(Telling { lines, digest: Digest::default() })), journal: None }
    }

    /// The same, that writes all of it into a journal, too.
    pub(super) fn keeping(self, journal: &Journal) -> Self {
        Self { journal: Some(journal.clone()), ..self }
    }

    /// Where the run's events go. Each is in the journal before anybody waits for the terminal, which has a lock of its own: one
    /// that stands still (Ctrl-S, a pager) keeps nothing out of the journal that has happened. Under that lock lines come out whole.
    pub(super) fn sink(&self) -> Sink {
        let (telling, journal) = (Arc::clone(&self.telling), self.journal.clone());
        Arc::new(move |event: Event| {
            let record = match &journal {
                Some(journal) => journal.record(event),
                None => Record::new(now(), event),
            };
            let mut telling = telling.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(line) = telling.lines.line(&record) {
                terminal::say(&if terminal::says_json() { json(&record) } else { line });
            }
            telling.digest.observe(&record);
        })
    }

    /// The nodes that were looked for in vain.
    pub(super) fn absent(&self) -> Vec<NodeId> {
        self.telling().digest.absent().to_vec()
    }

    /// The text for the end of the run.
    pub(super) fn end(&self, surroundings: &Surroundings) -> String {
        let palette = Palette { enabled: surroundings.terminal.color_out };
        self.telling().digest.text(palette)
    }

    fn telling(&self) -> MutexGuard<'_, Telling> {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The record as one line of JSON.
fn json(record: &Record) -> String {
    let mut line = serde_json::to_string(record).unwrap_or_default();
    line.push('\n');
    line
}
