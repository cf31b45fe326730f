//! What the journals in a folder tell.
#![expect(clippy::disallowed_methods, reason = "the tests look at the journals' files")]

use std::fs::File;
use std::io::BufReader;

use orch::event::Change;
use orch::journal::{Entries, Losses, NodeState, Replay};

use crate::orch::Orch;

/// What all journals of a folder come to, the oldest first. Each must be readable: at most the last line may be half a one.
#[track_caller]
pub fn all(orch: &Orch) -> Vec<(Replay, Losses)> {
    let mut runs: Vec<_> =
        std::fs::read_dir(orch.path(".orch/runs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    let read = |run: &std::path::PathBuf| {
        let file = File::open(run.join("events.jsonl")).unwrap();
        if file.metadata().unwrap().len() == 0 {
            // Killed between making the file and its first line.
            return (Replay::default(), Losses::default());
        }
        let mut entries = Entries::open(BufReader::new(file)).unwrap();
        let replay = Replay::of(&mut entries).unwrap();
        let losses = entries.losses();
        assert_eq!((losses.damaged, losses.unknown), (0, 0), "{}", run.display());
        for (node, past) in replay.parts.iter().flat_map(|part| &part.nodes) {
            assert!(past.ends <= 1, "{node} ends more than once in {}", run.display());
        }
        (replay, losses)
    };
    runs.iter().map(read).collect()
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
