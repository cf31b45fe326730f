use super::*;
use crate::journal::{Ending, Entries, Losses, Replay};

fn header() -> Header {
    let nothing = Asked {
        plan: "core",
        command: Command::Apply,
        file: Path::new("core.toml"),
        changes: None,
        prune: false,
        local: false,
        only: &[],
        skip: &[],
    };
    nothing.header()
}

fn begin(runs: &Path) -> Journal {
    Journal::begin_in(runs, header())
}

fn tell(journal: &Journal) {
    journal.record(Event::NodeNotStarted { node: "stacks.a".parse().unwrap() });
}

fn path(journal: &Journal) -> PathBuf {
    journal.book().written.as_ref().unwrap().path.clone()
}

/// Puts another file in the place of the journal's, and gives that.
fn replace(journal: &Journal, file: File) -> File {
    std::mem::replace(&mut journal.book().written.as_mut().unwrap().file, file)
}

/// What a reader makes of a journal at this moment.
fn read(path: &Path) -> (Replay, Ending, Losses) {
    let file = File::open(path).unwrap();
    let alive = is_alive(&file);
    let mut entries = Entries::open(io::BufReader::new(file)).unwrap();
    let replay = Replay::of(&mut entries).unwrap();
    let ending = Ending::of(entries.header(), &replay, alive);
    (replay, ending, entries.losses())
}

#[cfg(unix)]
#[test]
fn it_is_read_while_it_grows_and_tells_who_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join(".orch/runs");
    let journal = begin(&runs);
    let path = path(&journal);
    for told in 1..4 {
        tell(&journal);
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
    let names: Vec<String> =
        fs::read_dir(&runs).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.len() == 2 && names.iter().all(|name| !name.starts_with(UNFINISHED)), "{names:?}");
}

#[test]
fn runs_that_begin_in_the_same_moment_have_a_folder_each() {
    let folder = tempfile::tempdir().unwrap();
    let header = header();
    let made = |chance: fn(usize) -> u16| {
        let mut own = header.clone();
        let made = create(folder.path(), &mut own, chance);
        made.map(|written| (own.id, written))
    };
    let first = made(|_| 7).unwrap();
    let second = made(|number| if number < 3 { 7 } else { 8 }).unwrap();
    assert!(first.0.as_str().ends_with("-0007") && second.0.as_str().ends_with("-0008"), "{first:?} {second:?}");
    assert!(first.1.path.exists() && second.1.path.exists());
    let (path, error) = made(|_| 7).unwrap_err();
    assert!(is_taken(&error) && path.ends_with(first.0.as_str()), "{path:?} {error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left of what was in vain");
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
        tell(&journal);
        journal.close(Exit::Done);
        let book = journal.book();
        assert!(book.written.is_none(), "{place}");
        assert_eq!((book.lost, book.told), (1, true), "{place}");
        drop(book);
        assert_eq!(journal.told_again().len(), 1, "only the outputs can be told again");
    }
}

#[test]
fn where_it_could_not_be_written_at_first_it_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    fs::write(&runs, "in the way").unwrap();
    let journal = begin(&runs);
    tell(&journal);
    fs::remove_file(&runs).unwrap();
    tell(&journal);
    journal.close(Exit::Done);
    let (replay, ending, losses) = read(&path(&journal));
    assert_eq!((ending, replay.closing.unwrap().lost, losses), (Ending::Done, 1, Losses::default()));
}

/// A disk that takes so many bytes more.
struct Room(usize, Vec<u8>);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.0);
        if count == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0 -= count;
        self.1.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn half_a_line_is_no_part_of_the_next_one_and_where_nothing_got_out_none_is_empty() {
    let (mut disk, mut tail) = (Room(7, Vec::new()), Tail::default());
    assert!(tail.append(&mut disk, "one\n").is_ok());
    assert!(tail.append(&mut disk, "two, longer\n").is_err());
    assert!(tail.torn && tail.append(&mut disk, "three\n").is_err());
    disk.0 = 100;
    assert!(tail.append(&mut disk, "four\n").is_ok() && tail.append(&mut disk, "five\n").is_ok());
    assert_eq!(String::from_utf8(disk.1).unwrap(), "one\ntwo\nfour\nfive\n");
    let (mut disk, mut tail) = (Room(4, Vec::new()), Tail::default());
    assert!(tail.append(&mut disk, "one\n").is_ok() && tail.append(&mut disk, "two\n").is_err());
    disk.0 = 100;
    assert!(tail.append(&mut disk, "three\n").is_ok());
    assert_eq!(String::from_utf8(disk.1).unwrap(), "one\nthree\n");
}

#[cfg(target_os = "linux")]
fn full() -> File {
    OpenOptions::new().read(true).append(true).open("/dev/full").unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_full_disk_swallows_is_counted_and_what_comes_after_it_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let journal = begin(folder.path());
    let path = path(&journal);
    let disk = replace(&journal, full());
    tell(&journal);
    tell(&journal);
    drop(replace(&journal, disk));
    tell(&journal);
    journal.close(Exit::Done);
    let (replay, ending, losses) = read(&path);
    assert_eq!((ending, replay.closing.unwrap().lost, losses), (Ending::Done, 2, Losses::default()));
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains("node_not_started")).count(), 1);
}

/// What it comes to when the first line did not fit, and half of it or nothing is there.
#[cfg(target_os = "linux")]
#[test]
fn a_first_line_that_did_not_fit_is_written_before_any_other() {
    for half in ["", "{\"journal\":1,\"id\":\"2026"] {
        let folder = tempfile::tempdir().unwrap();
        let journal = begin(folder.path());
        let path = path(&journal);
        fs::write(&path, half).unwrap();
        let disk = replace(&journal, full());
        journal.book().written.as_mut().unwrap().headed = false;
        tell(&journal);
        assert_eq!(journal.book().lost, 1);
        drop(replace(&journal, disk));
        tell(&journal);
        journal.close(Exit::Done);
        let (replay, ending, losses) = read(&path);
        assert_eq!((ending, replay.closing.unwrap().lost, losses), (Ending::Done, 1, Losses::default()), "{half}");
    }
}

#[test]
fn where_there_is_no_room_the_last_line_takes_the_place_of_others_and_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    let journal = begin(folder.path());
    let path = path(&journal);
    (0..5).for_each(|_| tell(&journal));
    let before = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{before}{{\"version\":1,\"a")).unwrap();
    let closing = Closing { closed: now(), exit: 1, lost: 3 };
    journal.book().written.as_mut().unwrap().close_over(closing).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.len() <= before.len(), "it needs no more room");
    let (replay, ending, losses) = read(&path);
    let told = text.lines().count() - 2;
    assert!((1..5).contains(&told), "{text}");
    assert_eq!((ending, losses), (Ending::Failed, Losses::default()));
    assert_eq!(replay.closing.unwrap().lost, 3 + 5 - told);
    // The first line is never given up.
    let short = begin(folder.path());
    assert!(short.book().written.as_mut().unwrap().close_over(closing).is_err());
    assert_eq!(fs::read_to_string(self::path(&short)).unwrap().lines().count(), 1);
}

#[test]
fn lines_stand_in_the_order_of_their_times_whoever_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let journal = begin(folder.path());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..200).for_each(|_| tell(&journal)));
        }
    });
    let file = File::open(path(&journal)).unwrap();
    let mut entries = Entries::open(io::BufReader::new(file)).unwrap();
    let mut times = Vec::new();
    while let Some(entry) = entries.next_entry().unwrap() {
        let crate::journal::Entry::Record(record) = entry else { panic!("{entry:?}") };
        times.push(record.at);
    }
    assert!(times.len() == 800 && times.is_sorted());
}
