//! `orch runs`: the journals of earlier runs, and of those that go on.
#![expect(clippy::disallowed_methods, reason = "this is the edge where journals are read and deleted")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use crate::journal::{Ending, Entries, Header, Listing, PastRun, Replay, RunId, Unread, Unreadable};
use crate::report::{Palette, run_text, runs_json, runs_text};
use crate::text::{counted, printable};

use super::exit::Exit;
use super::journal::{EVENTS, RUNS, UNFINISHED, is_alive};
use super::{Surroundings, disk, now, print, terminal};

/// Arguments of `runs`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Runs {
    /// What to do; else they are listed, the newest first
    #[command(subcommand)]
    pub what: Option<What>,
    /// The form of the list
    #[arg(long, value_enum, default_value_t = RunsFormat::Text)]
    pub format: RunsFormat,
    /// List the newest N only; the others are not read
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// The forms of the list of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RunsFormat {
    /// A line for each run.
    Text,
    /// For programs.
    Json,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Show one run: what failed, what it was in the middle of, how it ended
    Show(Show),
    /// Delete the journals of old runs; never that of a run that goes on
    ///
    /// Nothing else deletes them. With both options a run goes that is meant by either. Where nothing tells whether a run has
    /// ended, its journal is kept and named.
    Prune(Prune),
}

/// Arguments of `runs show`.
#[derive(Args, Debug)]
pub(super) struct Show {
    /// The run, by its name or the beginning of it; `last` is the newest
    #[arg(value_name = "RUN", default_value = "last")]
    pub run: String,
}

/// Arguments of `runs prune`.
#[derive(Args, Debug)]
#[group(skip)]
pub(super) struct Prune {
    /// Keep the newest N, and delete the rest
    #[arg(long, value_name = "N", required_unless_present = "older_than")]
    pub keep: Option<usize>,
    /// Delete those that began longer ago than this: 12h, 30d, 8w
    #[arg(long, value_name = "AGE", value_parser = age, required_unless_present = "keep")]
    pub older_than: Option<SignedDuration>,
    /// Also delete those of which nothing tells whether they have ended; give this only where none goes on
    #[arg(long)]
    pub unknown: bool,
}

/// Reads an age: a number and a unit.
fn age(text: &str) -> Result<SignedDuration, String> {
    let wrong = || "write a number and one of m, h, d, w, as in 30d".to_owned();
    let digits = text.len() - text.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    let count: i64 = text[..digits].parse().map_err(|_| wrong())?;
    let minutes = match &text[digits..] {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        "w" => 7 * 24 * 60,
        _ => return Err(wrong()),
    };
    let seconds = count.checked_mul(minutes * 60).filter(|seconds| *seconds < i64::from(u32::MAX) * 60);
    Ok(SignedDuration::from_secs(seconds.ok_or("that is longer ago than anything")?))
}

/// Does what is asked with runs.
pub(super) fn runs(args: &Runs, surroundings: &Surroundings) -> Exit {
    let folder = Path::new(RUNS);
    let done = match &args.what {
        None => list(folder, args, surroundings),
        Some(What::Show(show_args)) => show(folder, &show_args.run, surroundings),
        Some(What::Prune(prune_args)) => prune(folder, prune_args),
    };
    done.unwrap_or_else(|error| {
        terminal::notice(&format!("error: {}\n", printable(&error)));
        Exit::Failed
    })
}

fn list(folder: &Path, args: &Runs, surroundings: &Surroundings) -> Result<Exit, String> {
    let names = names(folder)?;
    let limit = args.limit.unwrap_or(usize::MAX);
    let mut listing = Listing { older: names.len().saturating_sub(limit), ..Listing::default() };
    for id in names.into_iter().take(limit) {
        match read(folder, &id) {
            // One at a time: a fleet's journal is large, and a line of the list is not.
            Ok(run) => listing.runs.push(run.brief()),
            // It was deleted meanwhile.
            Err((_, Unreadable::Io(error)))
                if error.kind() == io::ErrorKind::NotFound && !disk::is_there(&folder.join(id.as_str())) => {}
            Err((path, error)) => {
                let why = error.to_string();
                let (path, said) = (path.display().to_string(), printable(&why));
                terminal::notice(&format!("warning: {} cannot be read: {said}\n", printable(&path)));
                listing.unreadable.push(Unread { id, why });
            }
        }
    }
    let text = match args.format {
        RunsFormat::Text => {
            let palette = Palette { enabled: surroundings.terminal.color_out };
            runs_text(now(), &listing, palette)
        }
        RunsFormat::Json => runs_json(now(), &listing),
    };
    Ok(print(&text, if listing.unreadable.is_empty() { Exit::Done } else { Exit::Failed }))
}

fn show(folder: &Path, wanted: &str, surroundings: &Surroundings) -> Result<Exit, String> {
    let id = resolve(&names(folder)?, wanted)?;
    let run = read(folder, &id).map_err(|(path, error)| format!("{} cannot be read: {error}", path.display()))?;
    let palette = Palette { enabled: surroundings.terminal.color_out };
    let text = surroundings.terminal.lines_out.hold(run_text(now(), &run, palette));
    let path = events(folder, &id);
    Ok(print(&format!("{text}all of it stands in {}\n", path.display()), Exit::Done))
}

/// The run that is meant.
fn resolve(names: &[RunId], wanted: &str) -> Result<RunId, String> {
    let newest = || names.first().cloned();
    if wanted == "last" {
        return newest().ok_or_else(|| format!("there are no runs in {RUNS} of this folder"));
    }
    let mut meant = names.iter().filter(|id| id.as_str().starts_with(wanted) && !wanted.is_empty());
    match (meant.next(), meant.count()) {
        (Some(id), 0) => Ok(id.clone()),
        (Some(_), more) => Err(format!("{} begin with `{wanted}`: write more of the name", counted(more + 1, "run"))),
        (None, _) => Err(format!("there is no run `{wanted}` in {RUNS} of this folder; `orch runs` lists them")),
    }
}

/// What becomes of a run that is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Its journal is gone.
    Deleted,
    /// Somebody else has deleted it meanwhile.
    Gone,
    /// It goes on, and its journal is kept.
    GoesOn,
    /// Nothing tells whether it goes on, and its journal is kept.
    Unknown,
}

/// Deletes old runs and says which.
fn prune(folder: &Path, args: &Prune) -> Result<Exit, String> {
    let before = args.older_than.map(|age| now().saturating_sub(age).unwrap_or(Timestamp::MIN));
    let (mut text, mut deleted, mut kept, mut exit) = (String::new(), 0, 0, Exit::Done);
    for (at, id) in names(folder)?.iter().enumerate() {
        let is_old = before.is_some_and(|before| id.began().is_some_and(|began| began < before));
        if !is_old && args.keep.is_none_or(|keep| at < keep) {
            kept += 1;
            continue;
        }
        let fate = delete(&folder.join(id.as_str()), id, args.unknown);
        let said = match fate {
            Ok(Fate::Deleted) => format!("deleted {id}\n"),
            Ok(Fate::Gone) => String::new(),
            Ok(Fate::GoesOn) => format!("kept    {id}: it goes on\n"),
            Ok(Fate::Unknown) => {
                format!("kept    {id}: nothing tells whether it has ended; where none goes on, --unknown deletes it\n")
            }
            Err(error) => {
                terminal::notice(&format!("error: {id} cannot be deleted: {error}\n"));
                exit = Exit::Failed;
                kept += 1;
                continue;
            }
        };
        text.push_str(&said);
        deleted += usize::from(fate.as_ref().is_ok_and(|fate| *fate == Fate::Deleted));
        kept += usize::from(fate.is_ok_and(|fate| matches!(fate, Fate::GoesOn | Fate::Unknown)));
    }
    sweep(folder);
    let _ = writeln!(text, "{} deleted, {kept} kept", counted(deleted, "run"));
    Ok(print(&text, exit))
}

/// Deletes a run unless it goes on. Only what orch has written there is deleted: a folder that holds more stays, and is told.
fn delete(run: &Path, id: &RunId, even_unknown: bool) -> io::Result<Fate> {
    let events = run.join(EVENTS);
    let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let mut entries = match fs::read_dir(run) {
        Err(error) if is_gone(&error) => return Ok(Fate::Gone),
        entries => entries?,
    };
    if entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != EVENTS)) {
        return Err(io::Error::other("there are other files in its folder: move or delete those"));
    }
    match File::open(&events) {
        Ok(file) => match standing(&file, id) {
            Fate::Unknown if !even_unknown => return Ok(Fate::Unknown),
            Fate::GoesOn => return Ok(Fate::GoesOn),
            Fate::Unknown | Fate::Deleted | Fate::Gone => {}
        },
        Err(error) if is_gone(&error) => {}
        Err(error) => return Err(error),
    }
    for removed in [fs::remove_file(&events), fs::remove_dir(run)] {
        removed.or_else(|error| if is_gone(&error) { Ok(()) } else { Err(error) })?;
    }
    Ok(Fate::Deleted)
}

/// Whether a run may be deleted: one that has written down its end, or whose lock nobody holds any more.
fn standing(file: &File, id: &RunId) -> Fate {
    match (is_alive(file), past(file, id)) {
        (Some(true), _) => Fate::GoesOn,
        (_, Ok(run)) if run.ending == Ending::Unknown => Fate::Unknown,
        // One that cannot be read is of a later orch, or damaged; but there are locks on this disk, and it would hold one.
        (_, Ok(_)) | (Some(false), Err(_)) => Fate::Deleted,
        (None, Err(_)) => Fate::Unknown,
    }
}

/// Deletes what is left of runs that were killed while their folders were made. A young one may be in the making.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let long_ago = now().saturating_sub(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MIN);
    for entry in entries.flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(UNFINISHED)?.parse::<RunId>().ok());
        if let Some(id) = id.filter(|id| id.began().is_some_and(|began| began < long_ago))
            && let Err(error) = delete(&entry.path(), &id, false)
        {
            tracing::debug!(%error, %id, "what is left of a run cannot be deleted");
        }
    }
}

fn events(folder: &Path, id: &RunId) -> PathBuf {
    folder.join(id.as_str()).join(EVENTS)
}

/// The names of all runs, the newest first. What bears another name is none.
fn names(folder: &Path) -> Result<Vec<RunId>, String> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("{} cannot be read: {error}", folder.display())),
    };
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let all = entries.flatten().filter(is_folder);
    let mut found: Vec<RunId> = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    found.sort_by(|one, other| other.cmp(one));
    Ok(found)
}

/// Reads a run's journal, also while it grows.
fn read(folder: &Path, id: &RunId) -> Result<PastRun, (PathBuf, Unreadable)> {
    let path = events(folder, id);
    let read = File::open(&path).map_err(Unreadable::from).and_then(|file| past(&file, id));
    read.map_err(|error| (path, error))
}

fn past(file: &File, id: &RunId) -> Result<PastRun, Unreadable> {
    let bytes = file.metadata()?.len();
    // Asked first: what is written after that is no end that was missed.
    let alive = is_alive(file);
    let mut entries = Entries::open(BufReader::new(file))?;
    let replay = Replay::of(&mut entries)?;
    // A folder that was copied or renamed is known by its new name.
    let header = Header { id: id.clone(), ..entries.header().clone() };
    let ending = Ending::of(&header, &replay, alive);
    Ok(PastRun { ending, losses: entries.losses(), header, replay, bytes })
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
