//! `orch runs`: the journals of earlier runs, and of those that go on.
#![expect(clippy::disallowed_methods, reason = "this is the edge where journals are read and deleted")]

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use crate::journal::{Ending, Entries, PastRun, Replay, RunId, Unreadable};
use crate::report::{Palette, run_text, runs_json, runs_text};
use crate::text::{counted, printable};

use super::exit::Exit;
use super::journal::{EVENTS, RUNS, is_alive};
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
    /// Nothing else deletes them. With both options a run goes that is meant by either.
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
#[group(required = true, multiple = true)]
pub(super) struct Prune {
    /// Keep the newest N, and delete the rest
    #[arg(long, value_name = "N")]
    pub keep: Option<usize>,
    /// Delete those that began longer ago than this: 12h, 30d, 8w
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<SignedDuration>,
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
        None => list(folder, args.format, surroundings),
        Some(What::Show(show_args)) => show(folder, &show_args.run, surroundings),
        Some(What::Prune(prune_args)) => prune(folder, prune_args),
    };
    done.unwrap_or_else(|error| {
        terminal::notice(&format!("error: {}\n", printable(&error)));
        Exit::Failed
    })
}

fn list(folder: &Path, format: RunsFormat, surroundings: &Surroundings) -> Result<Exit, String> {
    let mut runs = Vec::new();
    for id in names(folder)? {
        match read(folder, &id) {
            Ok(run) => runs.push(run),
            // It was deleted meanwhile.
            Err((_, Unreadable::Io(error)))
                if error.kind() == io::ErrorKind::NotFound && !disk::is_there(&folder.join(id.as_str())) => {}
            Err((path, error)) => {
                terminal::notice(&format!("warning: {} cannot be read: {error}\n", path.display()));
            }
        }
    }
    let text = match format {
        RunsFormat::Text => {
            let palette = Palette { enabled: surroundings.terminal.color_out };
            runs_text(now(), &runs, palette)
        }
        RunsFormat::Json => runs_json(now(), &runs),
    };
    Ok(print(&text, Exit::Done))
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

/// Deletes old runs and says which.
fn prune(folder: &Path, args: &Prune) -> Result<Exit, String> {
    let names = names(folder)?;
    let before = args.older_than.map(|age| now().saturating_sub(age).unwrap_or(Timestamp::MIN));
    let (mut text, mut freed, mut exit) = (String::new(), 0, Exit::Done);
    for (at, id) in names.iter().enumerate() {
        let is_old = before.is_some_and(|before| id.began().is_some_and(|began| began < before));
        if !is_old && args.keep.is_none_or(|keep| at < keep) {
            continue;
        }
        match delete(&folder.join(id.as_str())) {
            Ok(true) => {
                freed += 1;
                text.push_str(&format!("deleted {id}\n"));
            }
            Ok(false) => text.push_str(&format!("kept    {id}: it goes on\n")),
            Err(error) => {
                terminal::notice(&format!("error: {id} cannot be deleted: {error}\n"));
                exit = Exit::Failed;
            }
        }
    }
    text.push_str(&format!("{} deleted, {} kept\n", counted(freed, "run"), names.len() - freed));
    Ok(print(&text, exit))
}

/// Deletes a run unless it goes on. Only what orch has written there is deleted: a folder that holds more stays, and is told.
fn delete(run: &Path) -> io::Result<bool> {
    let events = run.join(EVENTS);
    let is_strange = |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|entry| entry.file_name() != EVENTS);
    if fs::read_dir(run)?.any(is_strange) {
        return Err(io::Error::other("there are other files in its folder: move or delete those"));
    }
    match File::open(&events) {
        Ok(file) => {
            if is_alive(&file) == Some(true) {
                return Ok(false);
            }
            fs::remove_file(&events)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::remove_dir(run)?;
    Ok(true)
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
    let reading = || {
        let file = File::open(&path)?;
        let bytes = file.metadata()?.len();
        // Asked first: what is written after that is no end that was missed.
        let alive = is_alive(&file);
        let mut entries = Entries::open(BufReader::new(&file))?;
        let replay = Replay::of(&mut entries)?;
        let header = entries.header().clone();
        let ending = Ending::of(&replay, alive.filter(|alive| *alive || header.locked));
        Ok(PastRun { ending, losses: entries.losses(), header, replay, bytes })
    };
    reading().map_err(|error| (path.clone(), error))
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
