//! A terminal, or a reader, that goes away.
#![expect(clippy::disallowed_methods, reason = "the tests start processes and hold a terminal")]

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use orch::event::StopReason;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::orch::{Orch, QUICK, ended};
use crate::server::Served;
use crate::{HELD, PLAN, journals, let_go, until};

/// A terminal: the side of whoever looks at it, and that of the process.
fn terminal() -> (File, File) {
    let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    // A process that leads a session and has no terminal would be given this one; a test leads none.
    let slave = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (master.into(), slave)
}

/// Starts a process at a terminal, waits until it says a text there, and takes the terminal away.
fn is_left_alone(mut command: Command, text: &str) -> Child {
    let (mut master, slave) = terminal();
    command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
    let child = command.spawn().unwrap();
    // It has copies of its own: the last others go with this.
    drop(command);
    let (mut said, mut bytes) = (String::new(), [0; 4_096]);
    while !said.contains(text) {
        let count = master.read(&mut bytes).unwrap();
        assert_ne!(count, 0, "it ended without saying `{text}`: {said}");
        said.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    child
}

#[test]
fn a_run_whose_terminal_cannot_be_written_any_more_comes_to_its_end() {
    let (aws, orch) = (Orch::empty(), Orch::with_shipped_plans());
    let served = Served::start(&aws, QUICK, &["--memory"]);
    // It is no session of its own, so no signal tells it: only its writes fail, with EIO.
    let mut child = is_left_alone(served.command(&orch, &["apply", PLAN, "--yes"]), "started in");
    assert_eq!(ended(&mut child).code(), Some(0));
    let replay = journals::last(&orch);
    assert_eq!((replay.closing.unwrap().exit, journals::created(&replay)), (0, 17));
}

#[test]
fn a_run_whose_terminal_is_closed_lets_running_nodes_settle() {
    let (aws, orch) = (Orch::empty(), Orch::with_shipped_plans());
    let served = Served::start(&aws, &format!("{QUICK}{HELD}"), &[]);
    let mut command = Orch::through(&["setsid", "--ctty"], &served.command(&orch, &["apply", PLAN, "--yes"]));
    command.env("PATH", std::env::var_os("PATH").unwrap());
    let mut child = is_left_alone(command, "started in master");
    // Nobody can be told any more, and the journal can.
    until(|| journals::last(&orch).parts[0].stopped == Some(StopReason::Interrupted));
    let_go(&aws);
    assert_eq!(ended(&mut child).code(), Some(130));
    let replay = journals::last(&orch);
    assert_eq!(replay.closing.unwrap().exit, 130);
    assert!(replay.parts[0].nodes.values().all(|past| past.state.is_end()), "what ran has settled");
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0);
}

#[test]
fn a_run_whose_reader_goes_away_comes_to_its_end() {
    let (aws, orch) = (Orch::empty(), Orch::with_shipped_plans());
    let served = Served::start(&aws, QUICK, &["--memory"]);
    let mut command = served.command(&orch, &["-v", "apply", PLAN, "--yes"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // `orch apply 2>&1 | head -1`
    drop(child.stdout.take());
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert_ne!(line, "");
    assert_eq!(ended(&mut child).code(), Some(0));
    let replay = journals::last(&orch);
    assert_eq!((replay.closing.unwrap().exit, journals::created(&replay)), (0, 17));
}
