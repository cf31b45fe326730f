use std::fs;

use super::*;
use crate::event::Event;
use crate::journal::{Ending, Entries, Replay};

fn header(id: RunId, started: Timestamp, locked: bool) -> Header {
    Header {
        journal: VERSION,
        id,
        plan: "core".to_owned(),
        file: "core.toml".to_owned(),
        command: Command::Apply,
        local: false,
        only: Vec::new(),
        skip: Vec::new(),
        by: None,
        pid: 1,
        orch: "0.1.0".to_owned(),
        started,
        locked,
    }
}

fn begin(runs: &Path) -> Journal {
    Journal::begin_in(runs, header, Command::Apply)
}

fn not_started() -> Record {
    Record::new(now(), Event::NodeNotStarted { node: "stacks.a".parse().unwrap() })
}

fn path(journal: &Journal) -> PathBuf {
    journal.0.lock().unwrap().path.clone()
}

/// What a reader makes of a journal at this moment.
fn read(path: &Path) -> (Replay, Ending) {
    let file = File::open(path).unwrap();
    let alive = is_alive(&file);
    let replay = Replay::of(&mut Entries::open(io::BufReader::new(file)).unwrap()).unwrap();
    let ending = Ending::of(&replay, alive);
    (replay, ending)
}

#[test]
fn it_is_read_while_it_grows_and_tells_who_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join(".orch/runs");
    let journal = begin(&runs);
    let path = path(&journal);
    for told in 1..4 {
        journal.write(&not_started());
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), told + 1, "each is there at once");
        assert_eq!(read(&path).1, Ending::Running);
    }
    let killed = begin(&runs);
    let killed_path = self::path(&killed);
    // What the system does with the files of a process that is gone.
    drop(killed);
    assert_eq!(read(&killed_path).1, Ending::Killed);
    journal.close(Exit::Interrupted);
    assert_eq!(read(&path).1, Ending::Interrupted);
}

#[test]
fn runs_that_begin_in_the_same_moment_have_a_folder_each() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<PathBuf> = (0..40).map(|_| path(&begin(folder.path()))).collect();
    let unique: std::collections::BTreeSet<&PathBuf> = all.iter().collect();
    assert_eq!(unique.len(), 40);
}

#[cfg(unix)]
#[test]
fn it_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = path(&begin(&folder.path().join("runs")));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&folder.path().join("runs")), 0o700);
}

#[cfg(unix)]
#[test]
fn where_it_cannot_be_written_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    std::os::unix::fs::symlink(folder.path().join("nowhere"), folder.path().join("link")).unwrap();
    for place in ["file", "file/runs", "link"] {
        let journal = begin(&folder.path().join(place));
        journal.write(&not_started());
        journal.close(Exit::Done);
        assert!(journal.0.lock().unwrap().file.is_none(), "{place}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_full_disk_swallows_is_counted_and_what_comes_after_it_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let journal = begin(folder.path());
    let path = path(&journal);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let disk = {
        let mut book = journal.0.lock().unwrap();
        std::mem::replace(&mut book.file, Some(full)).unwrap()
    };
    journal.write(&not_started());
    journal.write(&not_started());
    // Room again: what is left of the line that did not fit must not spoil the next one.
    fs::write(&path, fs::read_to_string(&path).unwrap() + "{\"version\":1,\"a").unwrap();
    journal.0.lock().unwrap().file = Some(disk);
    journal.write(&not_started());
    journal.close(Exit::Done);
    let (replay, ending) = read(&path);
    assert_eq!((ending, replay.closing.unwrap().lost), (Ending::Done, 2));
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains("node_not_started")).count(), 1);
}
