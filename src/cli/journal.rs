//! The journal of a run on the disk.
#![expect(clippy::disallowed_methods, reason = "this is the edge where the journal is written")]

use std::collections::hash_map::RandomState;
use std::fs::{File, OpenOptions, TryLockError};
use std::hash::BuildHasher as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::event::{Command, Record};
use crate::journal::{Closing, Header, RunId, VERSION, record_line};
use crate::text::printable;

use super::args::On;
use super::exit::Exit;
use super::{now, terminal, whoami};

/// The folder of runs, from the directory that orch was started in. Those on the embedded AWS are there as well: who looks for
/// the last run means the last.
pub(super) const RUNS: &str = ".orch/runs";

/// The file in a run's own folder.
pub(super) const EVENTS: &str = "events.jsonl";

/// How often a name that is taken already is given up for another.
const NAMES: usize = 16;

/// The journal of the run of this process. That it cannot be written is said once, and stops nothing.
#[derive(Clone, Debug)]
pub(super) struct Journal(Arc<Mutex<Book>>);

#[derive(Debug)]
struct Book {
    path: PathBuf,
    /// `None` where there is none to write into.
    file: Option<File>,
    /// Whether the last line in the file may be half a one.
    torn: bool,
    /// How many lines could not be written.
    lost: usize,
}

impl Journal {
    /// Begins the journal of a run.
    pub(super) fn begin(plan: &str, command: Command, on: &On) -> Self {
        Self::begin_in(
            Path::new(RUNS),
            |id, started, locked| Header {
                journal: VERSION,
                id,
                plan: plan.to_owned(),
                file: on.plan.to_string_lossy().into_owned(),
                command,
                local: on.target.local,
                only: on.choice.only.clone(),
                skip: on.choice.skip.clone(),
                by: whoami::whoami(),
                pid: std::process::id(),
                orch: env!("CARGO_PKG_VERSION").to_owned(),
                started,
                locked,
            },
            command,
        )
    }

    fn begin_in(runs: &Path, header: impl Fn(RunId, Timestamp, bool) -> Header, command: Command) -> Self {
        let started = now();
        match create(runs, started, command) {
            Ok((id, path, file)) => {
                let locked = file.try_lock();
                if let Err(error) = &locked {
                    tracing::debug!(%error, "the journal cannot be locked");
                }
                let mut book = Book { path, file: Some(file), torn: false, lost: 0 };
                book.append(&header(id, started, locked.is_ok()).line());
                Self(Arc::new(Mutex::new(book)))
            }
            Err((path, error)) => {
                complain(&path, &error);
                Self(Arc::new(Mutex::new(Book { path, file: None, torn: false, lost: 0 })))
            }
        }
    }

    /// Writes down what has happened.
    pub(super) fn write(&self, record: &Record) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).append(&record_line(record));
    }

    /// Writes down how the process ends, and sees to it that all of it is on the disk.
    pub(super) fn close(&self, exit: Exit) {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let closing = Closing { closed: now(), exit: exit.code(), lost: book.lost };
        book.append(&closing.line());
        if let Some(Err(error)) = book.file.as_ref().map(File::sync_all)
            && book.lost == 0
        {
            complain(&book.path, &error);
        }
    }
}

impl Book {
    /// Appends a line, by one call to the system: should the process be killed in this moment, the lines before are whole.
    fn append(&mut self, line: &str) {
        let Some(file) = &mut self.file else { return };
        let whole = if self.torn { format!("\n{line}") } else { line.to_owned() };
        match file.write_all(whole.as_bytes()) {
            Ok(()) => self.torn = false,
            Err(error) => {
                if self.lost == 0 {
                    complain(&self.path, &error);
                }
                // There may be room again for the next one, which is then no part of this.
                self.torn = true;
                self.lost += 1;
            }
        }
    }
}

/// Makes the folder of a run and the file in it.
fn create(runs: &Path, started: Timestamp, command: Command) -> Result<(RunId, PathBuf, File), (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    super::disk::private_folders(runs).map_err(at(runs))?;
    let mut taken = None;
    for number in 0..NAMES {
        let id = RunId::new(started, command, RandomState::new().hash_one(number) as u16);
        let folder = runs.join(id.as_str());
        match super::disk::new_private_folder(&folder) {
            Ok(()) => {
                let path = folder.join(EVENTS);
                let file = open(&path).map_err(at(&path))?;
                return Ok((id, path, file));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = Some((folder, error)),
            Err(error) => return Err((folder, error)),
        }
    }
    Err(taken.unwrap_or_else(|| (runs.to_owned(), io::ErrorKind::AlreadyExists.into())))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Says that there is no journal, or none of what follows.
fn complain(path: &Path, error: &io::Error) {
    terminal::notice(&format!(
        "warning: the journal of this run cannot be written: {}: {}\n  \
         help: the run goes on, and only `orch runs` will not tell of all of it; make room there, or let orch write in {RUNS}\n",
        printable(&path.display().to_string()),
        printable(&error.to_string())
    ));
}

/// Whether the process that writes a journal still lives. The system tells, by the lock that it gives back however a process
/// ends; `None` where it does not.
pub(super) fn is_alive(file: &File) -> Option<bool> {
    match file.try_lock_shared() {
        Ok(()) => {
            drop(file.unlock());
            Some(false)
        }
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(error)) => {
            tracing::debug!(%error, "nothing tells whether the run goes on");
            None
        }
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
