//! The journals that runs have left in a folder.
#![expect(clippy::disallowed_methods, reason = "the tests look at the journals' files")]

use std::fs::{File, read_dir};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use orch::journal::{Entries, Losses, Replay};

use crate::orch::Orch;

/// The files of the journals, the oldest first.
pub fn files(orch: &Orch) -> Vec<PathBuf> {
    let Ok(folders) = read_dir(orch.path(".orch/runs")) else { return Vec::new() };
    let mut runs: Vec<PathBuf> = folders.map(|entry| entry.unwrap().path()).collect();
    // A process may have been killed while it made one, which then has no name yet.
    runs.retain(|run| !run.file_name().unwrap().to_string_lossy().starts_with('.'));
    runs.sort();
    runs.into_iter().map(|run| run.join("events.jsonl")).collect()
}

/// What a journal comes to, and what of it cannot be read.
#[track_caller]
pub fn read(journal: &Path) -> (Replay, Losses) {
    let mut entries = Entries::open(BufReader::new(File::open(journal).unwrap())).unwrap();
    let replay = Replay::of(&mut entries).unwrap();
    (replay, entries.losses())
}
