//! The real binary in a folder of its own, with the shipped plans and nothing else of the machine it runs on.
#![expect(clippy::disallowed_methods, reason = "the tests write plans and read what the binary leaves")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A configuration of the embedded AWS in which everything happens at once: for what is not about durations.
pub const QUICK: &str = "[timing]\nlatency_ms = 0\npeering_request_ms = 0\npeering_visible_ms = 0\n\
                         peering_accept_ms = 0\npeering_delete_ms = 0\nresource_ms = 0\n";

/// How long a process may hang before its test fails: far more than any takes, on any machine.
const HANGS: Duration = Duration::from_mins(10);

/// The environment and the folder of one test.
pub struct Orch {
    folder: TempDir,
    env: Vec<(String, String)>,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ended {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Orch {
    /// A folder with the shipped plans and templates.
    pub fn with_shipped_plans() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("plans"), &folder.path().join("plans"));
        Self { folder, env: Vec::new() }
    }

    /// A folder with nothing in it.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), env: Vec::new() }
    }

    /// The same with a variable in the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path in the folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file into the folder.
    pub fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Replaces a text that a file in the folder must hold.
    pub fn edit(&self, path: &str, from: &str, to: &str) -> &Self {
        let text = fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(from), "{path} does not hold {from:?}");
        self.write(path, &text.replace(from, to))
    }

    /// The command, ready to be started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orch"));
        command.current_dir(self.folder.path()).args(args).env_clear();
        command.env("HOME", self.folder.path()).env("AWS_EC2_METADATA_DISABLED", "true");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args))
    }

    /// The same command, started by a shell after what a script does to its surroundings.
    #[cfg(target_os = "linux")]
    pub fn under(script: &str, command: &Command) -> Command {
        Self::through(&["/bin/bash", "-c", &format!("{script}; exec \"$0\" \"$@\"")], command)
    }

    /// The same command, started by another program that takes it as its last arguments.
    #[cfg(target_os = "linux")]
    pub fn through(program: &[&str], command: &Command) -> Command {
        let mut outer = Command::new(program[0]);
        outer.args(&program[1..]).arg(command.get_program()).args(command.get_args()).env_clear();
        outer.current_dir(command.get_current_dir().unwrap());
        outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        outer
    }
}

/// Waits for the end of a process, but not for ever.
#[track_caller]
pub fn ended(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if began.elapsed() > HANGS {
            child.kill().unwrap();
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Reads all that a process writes, so that it never waits for its reader.
fn read_all(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        text
    })
}

/// A command that is running. It is killed should its test give up on it.
pub struct Running {
    child: Child,
    /// What it says on standard error, line by line, the last one perhaps without an end.
    lines: Receiver<String>,
    said: String,
}

impl Orch {
    /// Starts a command.
    pub fn start(&self, args: &[&str]) -> Running {
        Self::started(self.command(args))
    }

    /// Starts a command that ignores a signal from the beginning, as `nohup` has it.
    #[cfg(target_os = "linux")]
    pub fn start_ignoring(&self, signal: &str, args: &[&str]) -> Running {
        Self::started(Self::under(&format!("trap '' {signal}"), &self.command(args)))
    }

    /// Starts what was made ready elsewhere.
    pub fn started(mut command: Command) -> Running {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let (told, lines) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            // Until nobody listens any more: then the pipe is closed, as by `| head`.
            while stderr.read_line(&mut line).unwrap() > 0 && told.send(std::mem::take(&mut line)).is_ok() {}
        });
        Running { child, lines, said: String::new() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Running {
    /// Waits until the command says a text on standard error.
    #[track_caller]
    pub fn says(&mut self, text: &str) -> &mut Self {
        while let Some(line) = self.next_line() {
            if line.contains(text) {
                return self;
            }
        }
        panic!("it ended without saying `{text}`:\n{}", self.said);
    }

    /// The next line on standard error, with its break; `None` at its end.
    #[track_caller]
    fn next_line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(HANGS) {
            Ok(line) => {
                self.said.push_str(&line);
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("it hangs; it has said:\n{}", self.said),
        }
    }

    /// Waits for a number of lines on standard error, or for its end.
    pub fn says_lines(&mut self, lines: usize) -> &mut Self {
        for _ in 0..lines {
            if self.next_line().is_none() {
                break;
            }
        }
        self
    }

    /// Sends a signal by its name, such as `INT`.
    #[cfg(unix)]
    pub fn signal(&mut self, name: &str) -> &mut Self {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
        self
    }

    /// What it has said so far, as far as that was waited for.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process at once, without a chance to put anything in order. Gives its exit code if it had ended by itself.
    pub fn kill(self) -> Option<i32> {
        self.killed().0
    }

    /// The same, with all that it has said on standard error.
    pub fn killed(mut self) -> (Option<i32>, String) {
        self.child.kill().unwrap();
        while self.next_line().is_some() {}
        (self.child.wait().unwrap().code(), std::mem::take(&mut self.said))
    }

    /// Stops listening to standard error, as `| head` does, and waits for the end.
    pub fn ends_unheard(mut self) -> Option<i32> {
        drop(std::mem::replace(&mut self.lines, channel().1));
        ended(&mut self.child).code()
    }

    /// Waits for the end.
    pub fn ends(mut self) -> Ended {
        let stdout = read_all(self.child.stdout.take().unwrap());
        while self.next_line().is_some() {}
        let status = ended(&mut self.child);
        Ended { code: status.code(), stdout: stdout.join().unwrap(), stderr: std::mem::take(&mut self.said) }
    }
}

impl Ended {
    /// Runs a command to its end, with nobody to answer it.
    #[track_caller]
    pub fn of(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = read_all(child.stdout.take().unwrap());
        let stderr = read_all(child.stderr.take().unwrap());
        let status = ended(&mut child);
        Self { code: status.code(), stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
    }

    /// Holds that the command ended with a code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Holds that standard error has all of these texts.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "`{text}` is not in:\n{}", self.stderr);
        }
        self
    }

    /// Holds that standard output has all of these texts.
    #[track_caller]
    pub fn prints(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stdout.contains(text), "`{text}` is not in:\n{}", self.stdout);
        }
        self
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // A world that was made by hand in the source tree is not part of the shipped plans.
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
