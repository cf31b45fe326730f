use super::*;

#[test]
fn an_age_is_a_number_and_a_unit() {
    let hours = |text: &str| age(text).map(|age| age.as_hours());
    assert_eq!(hours("12h"), Ok(12));
    assert_eq!(hours("30d"), Ok(720));
    assert_eq!(hours("2w"), Ok(336));
    assert_eq!(age("90m").map(|age| age.as_mins()), Ok(90));
    for wrong in ["", "d", "30", "30 d", "-1d", "1y", "1.5d", "99999999999999999999d", "9999999999999d"] {
        assert!(age(wrong).is_err(), "{wrong}");
    }
}

fn id(text: &str) -> RunId {
    text.parse().unwrap()
}

#[test]
fn a_run_is_meant_by_as_much_of_its_name_as_is_its_own() {
    let names = [
        id("20261130T160502.000Z-apply-1a2b"),
        id("20261130T160501.000Z-apply-1a2b"),
        id("20261129T000000.000Z-destroy-0000"),
    ];
    assert_eq!(resolve(&names, "last"), Ok(names[0].clone()));
    assert_eq!(resolve(&names, "20261129"), Ok(names[2].clone()));
    assert_eq!(resolve(&names, names[1].as_str()), Ok(names[1].clone()));
    let error = resolve(&names, "20261130").unwrap_err();
    assert!(error.contains("2 runs begin with"), "{error}");
    for nothing in ["", "2025", "..", "20261130T160502.000Z-apply-1a2b-"] {
        assert!(resolve(&names, nothing).unwrap_err().contains("there is no run"), "{nothing}");
    }
    assert!(resolve(&[], "last").unwrap_err().contains("there are no runs"));
}

const NAME: &str = "20261130T160501.000Z-apply-1a2b";

/// A folder with a journal of this text in it.
fn run_of(folder: &Path, name: &str, text: &str) -> PathBuf {
    let run = folder.join(name);
    fs::create_dir_all(&run).unwrap();
    fs::write(run.join(EVENTS), text).unwrap();
    run
}

fn header(locked: bool) -> String {
    let started = id(NAME).began().unwrap();
    let header = Header {
        journal: crate::journal::VERSION,
        id: id(NAME),
        plan: "core".to_owned(),
        file: "core.toml".to_owned(),
        changes: None,
        command: crate::event::Command::Apply,
        prune: false,
        local: false,
        only: Vec::new(),
        skip: Vec::new(),
        by: None,
        pid: 1,
        orch: "0.1.0".to_owned(),
        started,
        locked,
    };
    header.line()
}

#[test]
fn only_what_orch_has_written_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, kept) = (run_of(folder.path(), "whole", &header(true)), run_of(folder.path(), "kept", ""));
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    fs::write(kept.join("notes.txt"), "mine").unwrap();
    assert_eq!(delete(&empty, &id(NAME), false).unwrap(), Fate::Deleted);
    assert_eq!(delete(&empty, &id(NAME), false).unwrap(), Fate::Gone, "another one was faster");
    if cfg!(unix) {
        assert_eq!(delete(&whole, &id(NAME), false).unwrap(), Fate::Deleted);
    }
    assert!(delete(&kept, &id(NAME), true).unwrap_err().to_string().contains("other files"));
    assert!(kept.join(EVENTS).exists() && kept.join("notes.txt").exists());
}

#[cfg(unix)]
#[test]
fn a_run_that_goes_on_or_may_go_on_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let going_on = run_of(folder.path(), "going_on", &header(true));
    let held = File::open(going_on.join(EVENTS)).unwrap();
    held.try_lock().unwrap();
    assert_eq!(delete(&going_on, &id(NAME), true).unwrap(), Fate::GoesOn, "whatever is asked for");
    drop(held);
    assert_eq!(delete(&going_on, &id(NAME), false).unwrap(), Fate::Deleted);
    // Its process could not lock it, so that nobody does tells nothing.
    let unlocked = run_of(folder.path(), "unlocked", &header(false));
    assert_eq!(delete(&unlocked, &id(NAME), false).unwrap(), Fate::Unknown);
    assert!(unlocked.join(EVENTS).exists());
    assert_eq!(delete(&unlocked, &id(NAME), true).unwrap(), Fate::Deleted);
    let closed = header(false) + "{\"closed\":1796054761456,\"exit\":0}\n";
    let closed = run_of(folder.path(), "closed", &closed);
    assert_eq!(delete(&closed, &id(NAME), false).unwrap(), Fate::Deleted, "its end is written");
}

#[cfg(unix)]
#[test]
fn what_is_left_of_a_beginning_is_swept_when_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let young = crate::journal::RunId::new(now(), crate::event::Command::Apply, 1);
    let old = run_of(folder.path(), ".20200101T000000.000Z-apply-0000", "");
    let young = run_of(folder.path(), &format!(".{young}"), "");
    let other = run_of(folder.path(), ".mine", "");
    sweep(folder.path());
    assert_eq!([old.exists(), young.exists(), other.exists()], [false, true, true]);
    assert_eq!(names(folder.path()), Ok(Vec::new()), "none of them is a run");
}

#[test]
fn a_run_is_known_by_the_name_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let copied = "20261130T160501.000Z-apply-ffff";
    run_of(folder.path(), copied, &header(true));
    assert_eq!(read(folder.path(), &id(copied)).unwrap().header.id, id(copied));
}

#[test]
fn what_bears_no_name_of_a_run_is_none() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["20261130T160501.000Z-apply-1a2b", "20261130T160502.000Z-apply-1a2b", "notes", ".DS_Store"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("20261130T160503.000Z-apply-1a2b"), "a file").unwrap();
    let found = names(folder.path()).unwrap();
    assert_eq!(found, [id("20261130T160502.000Z-apply-1a2b"), id("20261130T160501.000Z-apply-1a2b")]);
    assert_eq!(names(&folder.path().join("none")), Ok(Vec::new()));
}
