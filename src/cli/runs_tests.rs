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

#[test]
fn only_what_orch_has_written_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let run = folder.path().join(name);
        fs::create_dir_all(&run).unwrap();
        run
    };
    let (empty, whole, kept) = (run("empty"), run("whole"), run("kept"));
    for run in [&whole, &kept] {
        fs::write(run.join(EVENTS), "").unwrap();
    }
    fs::write(kept.join("notes.txt"), "mine").unwrap();
    assert!(delete(&empty).unwrap());
    assert!(delete(&whole).unwrap());
    assert!(delete(&kept).unwrap_err().to_string().contains("other files"));
    assert!(kept.join(EVENTS).exists() && kept.join("notes.txt").exists());
    let going_on = run("going_on");
    fs::write(going_on.join(EVENTS), "").unwrap();
    let held = File::open(going_on.join(EVENTS)).unwrap();
    held.try_lock().unwrap();
    assert!(!delete(&going_on).unwrap());
    drop(held);
    assert!(delete(&going_on).unwrap());
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
