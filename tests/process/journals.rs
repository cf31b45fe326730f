//! What the journals in a folder tell.
#![expect(clippy::disallowed_methods, reason = "the tests look at the journals' files")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use orch::event::{Change, Record};
use orch::journal::{Entries, Entry, Losses, NodeState, Replay};

use crate::journal_files::{files, read};
use crate::orch::Orch;

/// What all journals of a folder come to, the oldest first. Each must be readable: at most the last line may be half a one.
#[track_caller]
pub fn all(orch: &Orch) -> Vec<(Replay, Losses)> {
    let read = |journal: &PathBuf| {
        let (replay, losses) = read(journal);
        assert_eq!((losses.damaged, losses.unknown), (0, 0), "{}", journal.display());
        for (node, past) in replay.parts.iter().flat_map(|part| &part.nodes) {
            assert!(past.ends <= 1, "{node} ends more than once in {}", journal.display());
        }
        (replay, losses)
    };
    files(orch).iter().map(read).collect()
}

/// What the newest one comes to.
#[track_caller]
pub fn last(orch: &Orch) -> Replay {
    all(orch).pop().expect("there is none").0
}

/// How many nodes were made by a run.
pub fn created(replay: &Replay) -> usize {
    let nodes = replay.parts.iter().flat_map(|part| part.nodes.values());
    nodes.filter(|past| past.state == NodeState::Done(Change::Created)).count()
}

/// The journal that a run has left, by those that there were before it.
#[track_caller]
pub fn left_by(orch: &Orch, before: &[PathBuf]) -> Option<PathBuf> {
    let before: BTreeSet<&PathBuf> = before.iter().collect();
    let mut new = files(orch).into_iter().filter(|journal| !before.contains(journal));
    let left = new.next();
    assert_eq!(new.next(), None, "one run has left two journals");
    left
}

/// The events of a journal.
#[track_caller]
pub fn records(journal: &Path) -> Vec<Record> {
    let mut entries = Entries::open(BufReader::new(File::open(journal).unwrap())).unwrap();
    let mut records = Vec::new();
    while let Some(entry) = entries.next_entry().unwrap() {
        if let Entry::Record(record) = entry {
            records.push(record);
        }
    }
    records
}

/// The events among the lines that a process has said with `--log-format json`. The last line of one that was killed may be half
/// a one.
#[track_caller]
pub fn said(lines: &str) -> Vec<Record> {
    let whole = lines.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let values = whole.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    let events = values.filter(|value: &serde_json::Value| value["version"].is_u64() && value["event"] != "notice");
    events.map(|value| serde_json::from_value(value).unwrap()).collect()
}
