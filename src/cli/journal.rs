//! The journal of a run on the disk.
#![expect(clippy::disallowed_methods, reason = "this is the edge where the journal is written")]

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::BuildHasher as _;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::{Command, Event, Record};
use crate::journal::{Closing, Header, RunId, VERSION, record_line};
use crate::text::printable;

use super::args::On;
use super::exit::Exit;
use super::{disk, now, terminal, whoami};

/// The folder of runs, from the directory that orch was started in. Those on the embedded AWS are there as well: who looks for
/// the last run means the last.
pub(super) const RUNS: &str = ".orch/runs";

/// The file in a run's own folder.
pub(super) const EVENTS: &str = "events.jsonl";

/// How often a name that is taken already is given up for another.
const NAMES: usize = 16;

/// What was asked for, as the first line says it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// The plan's name.
    pub plan: &'a str,
    /// What is done with it.
    pub command: Command,
    /// The plan's file.
    pub file: &'a Path,
    /// The saved preview that is applied, if it is one.
    pub changes: Option<&'a Path>,
    /// Whether what left the plan is deleted after it.
    pub prune: bool,
    /// Whether it is the embedded AWS.
    pub local: bool,
    /// What of the plan was chosen.
    pub only: &'a [String],
    /// The other half of `only`.
    pub skip: &'a [String],
}

impl<'a> Asked<'a> {
    /// What a command line says.
    pub(super) fn of(plan: &'a str, command: Command, on: &'a On) -> Self {
        let (file, local) = (&*on.plan, on.target.local);
        Self { plan, command, file, changes: None, prune: false, local, only: &on.choice.only, skip: &on.choice.skip }
    }

    fn header(self) -> Header {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let started = now();
        Header {
            journal: VERSION,
            id: RunId::new(started, self.command, 0),
            plan: self.plan.to_owned(),
            file: text(self.file),
            changes: self.changes.map(text),
            command: self.command,
            prune: self.prune,
            local: self.local,
            only: self.only.to_vec(),
            skip: self.skip.to_vec(),
            by: whoami::whoami(),
            pid: std::process::id(),
            orch: env!("CARGO_PKG_VERSION").to_owned(),
            started,
            locked: false,
        }
    }
}

/// The journal of the run of this process. That it cannot be written is said once, and stops nothing.
#[derive(Clone, Debug)]
pub(super) struct Journal(Arc<Mutex<Book>>);

#[derive(Debug)]
struct Book {
    /// Where the run's own folder is made.
    runs: PathBuf,
    /// The first line. Its name is settled when the folder is made.
    header: Header,
    /// `None` as long as nothing could be made.
    written: Option<Written>,
    /// How many lines could not be written.
    lost: usize,
    /// Whether it was said that it cannot be written.
    told: bool,
}

/// The file of a journal.
#[derive(Debug)]
struct Written {
    path: PathBuf,
    file: File,
    /// Whether its first line is there. Without it nobody could read the others.
    headed: bool,
    tail: Tail,
}

/// The end of a file to which lines are added.
#[derive(Clone, Copy, Debug, Default)]
struct Tail {
    /// Whether the last line in it is half a one.
    torn: bool,
}

impl Journal {
    /// Begins the journal of a run.
    pub(super) fn begin(asked: Asked<'_>) -> Self {
        Self::begin_in(Path::new(RUNS), asked.header())
    }

    fn begin_in(runs: &Path, header: Header) -> Self {
        let mut book = Book { runs: runs.to_owned(), header, written: None, lost: 0, told: false };
        if let Some((path, error)) = book.open().err()
            && let Some(complaint) = book.complain(&path, &error)
        {
            terminal::notice(&complaint);
        }
        Self(Arc::new(Mutex::new(book)))
    }

    /// Writes down what happens, and gives it with its time. That is taken under the same lock, so that lines stand in the order
    /// of their times.
    pub(super) fn record(&self, event: Event) -> Record {
        let mut book = self.book();
        let record = Record::new(now(), event);
        let complaint = book.append(&record_line(&record));
        // Whoever waits at the terminal must not keep others from writing.
        drop(book);
        if let Some(complaint) = complaint {
            terminal::notice(&complaint);
        }
        record
    }

    /// Writes down how the run has ended, and sees to it that all of it is on the disk.
    pub(super) fn close(&self, exit: Exit) {
        let complaint = self.book().close(exit);
        if let Some(complaint) = complaint {
            terminal::notice(&complaint);
        }
    }

    /// What tells the run again: nothing where not all of it could be written.
    pub(super) fn told_again(&self) -> Vec<String> {
        let book = self.book();
        let Header { id, command, file, local, .. } = &book.header;
        let is_whole = book.lost == 0 && book.written.as_ref().is_some_and(|written| written.headed);
        let mut told = Vec::new();
        if is_whole {
            told.push(format!("`orch runs show {id}` tells how each node ended"));
        }
        if *command == Command::Apply {
            let local = if *local { " --local" } else { "" };
            told.push(format!("`orch outputs {}{local}` prints the outputs", printable(file)));
        }
        told
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Appends a line, or gives what is to be said of it.
    fn append(&mut self, line: &str) -> Option<String> {
        let (path, error) = self.try_append(line).err()?;
        self.lost += 1;
        self.complain(&path, &error)
    }

    fn try_append(&mut self, line: &str) -> Result<(), (PathBuf, io::Error)> {
        let Written { path, file, tail, .. } = self.open()?;
        tail.append(file, line).map_err(|error| (path.clone(), error))
    }

    /// Writes the last line, and gives what is to be said of it.
    fn close(&mut self, exit: Exit) -> Option<String> {
        let closing = Closing { closed: now(), exit: exit.code(), lost: self.lost };
        let Err((path, error)) = self.try_append(&closing.line()) else { return self.sync() };
        let complaint = self.complain(&path, &error);
        if let Some(written) = self.written.as_mut().filter(|written| written.headed)
            && let Err(error) = written.close_over(closing)
        {
            tracing::debug!(%error, "the journal has no last line");
        }
        complaint.or_else(|| self.sync())
    }

    /// The file, with its first line. It is tried again with each line: there may be room by now, or a right.
    fn open(&mut self) -> Result<&mut Written, (PathBuf, io::Error)> {
        let written = match self.written.take() {
            Some(written) => written,
            None => create(&self.runs, &mut self.header, |number| RandomState::new().hash_one(number) as u16)?,
        };
        let written = self.written.insert(written);
        written.head(&self.header).map_err(|error| (written.path.clone(), error))?;
        Ok(written)
    }

    /// Sees to it that all of it is on the disk.
    fn sync(&mut self) -> Option<String> {
        let written = self.written.as_ref()?;
        let (path, error) = (written.path.clone(), written.file.sync_all().err()?);
        self.complain(&path, &error)
    }

    /// What to say of a journal that is not there, or lacks what follows: once.
    fn complain(&mut self, path: &Path, error: &io::Error) -> Option<String> {
        if std::mem::replace(&mut self.told, true) {
            return None;
        }
        Some(format!(
            "warning: the journal of this run cannot be written: {}: {}\n  \
             help: the run goes on, and only `orch runs` will not tell of all of it; make room there, or let orch write in {RUNS}\n",
            printable(&path.display().to_string()),
            printable(&error.to_string())
        ))
    }
}

impl Written {
    /// Writes the first line, unless it is there.
    fn head(&mut self, header: &Header) -> io::Result<()> {
        if self.headed {
            return Ok(());
        }
        // What is left of one that did not fit.
        if self.file.metadata()?.len() > 0 {
            self.file.set_len(0)?;
        }
        self.tail = Tail::default();
        self.tail.append(&mut self.file, &header.line())?;
        self.headed = true;
        Ok(())
    }
}

/// How much of the end of a journal is looked at for a line break.
const LOOKED_AT: u64 = 64 * 1024;

impl Written {
    /// Writes the last line in the place of the lines before it, where there is no room for one more: how a run has ended is
    /// worth more than what happened just before. The first line stays.
    fn close_over(&mut self, closing: Closing) -> io::Result<()> {
        // By as many digits as the lines that are given up could add.
        let room = closing.line().len() + r#","lost":"#.len() + usize::MAX.to_string().len();
        let from = self.file.metadata()?.len().saturating_sub(room as u64 + LOOKED_AT);
        let mut end = Vec::new();
        self.file.seek(SeekFrom::Start(from))?;
        self.file.read_to_end(&mut end)?;
        let before = &end[..end.len().saturating_sub(room)];
        let cut = before.iter().rposition(|byte| *byte == b'\n').ok_or(io::ErrorKind::StorageFull)? + 1;
        let given_up = end[cut..].split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).count();
        self.file.set_len(from + cut as u64)?;
        self.tail = Tail::default();
        self.tail.append(&mut self.file, &Closing { lost: closing.lost + given_up, ..closing }.line())
    }
}

impl Tail {
    /// Appends a line, by one call to the system where that takes it in one: should the process be killed in this moment, the
    /// lines before are whole.
    fn append(&mut self, file: &mut impl Write, line: &str) -> io::Result<()> {
        // There is room again after a line that did not fit, and this is no part of that.
        let whole = if self.torn { format!("\n{line}") } else { line.to_owned() };
        let mut rest = whole.as_bytes();
        while !rest.is_empty() {
            match file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.torn = true;
                    rest = &rest[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.torn = false;
        Ok(())
    }
}

/// Makes the folder of a run and the file in it, and settles the run's name.
fn create(runs: &Path, header: &mut Header, chance: impl Fn(usize) -> u16) -> Result<Written, (PathBuf, io::Error)> {
    disk::private_folders(runs).map_err(|error| (runs.to_owned(), error))?;
    let mut taken = None;
    for number in 0..NAMES {
        header.id = RunId::new(header.started, header.command, chance(number));
        let folder = runs.join(header.id.as_str());
        match create_in(&folder, header) {
            Ok(written) => return Ok(written),
            Err(error) if is_taken(&error) => taken = Some((folder, error)),
            Err(error) => return Err((folder, error)),
        }
    }
    Err(taken.unwrap_or_else(|| (runs.to_owned(), io::ErrorKind::AlreadyExists.into())))
}

fn is_taken(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory};

    matches!(error.kind(), AlreadyExists | DirectoryNotEmpty | NotADirectory)
}

/// Makes a run's folder under another name and gives it its own when the file in it is locked and has its first line: so nobody
/// who looks for runs sees one that seems to be dead, or takes its lock for a moment.
fn create_in(folder: &Path, header: &mut Header) -> io::Result<Written> {
    let beside = beside(folder);
    disk::new_private_folder(&beside)?;
    let made = open(&beside.join(EVENTS)).and_then(|file| {
        header.locked = lock(&file);
        let mut written = Written { path: folder.join(EVENTS), file, headed: false, tail: Tail::default() };
        if let Err(error) = written.head(header) {
            tracing::debug!(%error, "the journal has no first line yet");
        }
        fs::rename(&beside, folder)?;
        Ok(written)
    });
    if made.is_err() {
        drop(fs::remove_file(beside.join(EVENTS)));
        drop(fs::remove_dir(&beside));
    }
    made
}

/// Under which name a run's folder is made.
#[cfg(unix)]
fn beside(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!("{UNFINISHED}{name}"))
}

/// Windows renames no folder in which a file is open; there it has its own name from the beginning.
#[cfg(not(unix))]
fn beside(folder: &Path) -> PathBuf {
    folder.to_owned()
}

/// What stands before the name of a run whose folder is being made.
pub(super) const UNFINISHED: &str = ".";

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Locks a journal for as long as the process lives, and says whether that could be done.
#[cfg(unix)]
fn lock(file: &File) -> bool {
    let locked = file.try_lock();
    if let Err(error) = &locked {
        tracing::debug!(%error, "the journal cannot be locked");
    }
    locked.is_ok()
}

/// Windows lets nobody read what is locked, so nothing tells there whether a run goes on.
#[cfg(not(unix))]
const fn lock(_file: &File) -> bool {
    false
}

/// Whether the process that writes a journal still lives. The system tells, by the lock that it gives back however a process
/// ends; `None` where it does not.
#[cfg(unix)]
pub(super) fn is_alive(file: &File) -> Option<bool> {
    match file.try_lock_shared() {
        Ok(()) => {
            drop(file.unlock());
            Some(false)
        }
        Err(fs::TryLockError::WouldBlock) => Some(true),
        Err(fs::TryLockError::Error(error)) => {
            tracing::debug!(%error, "nothing tells whether the run goes on");
            None
        }
    }
}

/// See [`lock`].
#[cfg(not(unix))]
pub(super) const fn is_alive(_file: &File) -> Option<bool> {
    None
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
