//! The real binary in a folder of its own, with the shipped plans and nothing else of the machine it runs on.
#![expect(clippy::disallowed_methods, reason = "the tests write plans and read what the binary leaves")]

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use tempfile::TempDir;

/// A configuration of the embedded AWS in which everything happens at once: for what is not about durations.
pub const QUICK: &str = "[timing]\nlatency_ms = 0\npeering_request_ms = 0\npeering_visible_ms = 0\n\
                         peering_accept_ms = 0\npeering_delete_ms = 0\nresource_ms = 0\n";

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
        let output = self.command(args).stdin(std::process::Stdio::null()).output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A command that is running. It is killed should its test give up on it.
pub struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
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
        let command = self.command(args);
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(format!("trap '' {signal}; exec \"$0\" \"$@\"")).arg(command.get_program()).args(args);
        shell.current_dir(self.folder.path()).env_clear();
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self::started(shell)
    }

    /// Starts what was made ready elsewhere.
    pub fn started(mut command: Command) -> Running {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Running { child, lines, said: String::new() }
    }
}

impl Running {
    /// Waits until the command says a text on standard error.
    #[track_caller]
    pub fn says(&mut self, text: &str) -> &mut Self {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            self.said.push_str(&line);
            self.said.push('\n');
            if line.contains(text) {
                return self;
            }
        }
        panic!("it ended without saying `{text}`:\n{}", self.said);
    }

    /// Waits for a number of lines on standard error, or for its end.
    pub fn says_lines(&mut self, lines: usize) -> &mut Self {
        for line in self.lines.by_ref().take(lines) {
            self.said.push_str(&line.unwrap());
            self.said.push('\n');
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
    pub fn kill(mut self) -> Option<i32> {
        self.child.kill().unwrap();
        self.child.wait().unwrap().code()
    }

    /// Stops listening to standard error, as `| head` does, and waits for the end.
    pub fn ends_unheard(mut self) -> Option<i32> {
        drop(self.lines);
        self.child.wait().unwrap().code()
    }

    /// Waits for the end.
    pub fn ends(mut self) -> Ended {
        for line in self.lines {
            self.said.push_str(&line.unwrap());
            self.said.push('\n');
        }
        // Results are a few kilobytes: less than a pipe holds, so nobody waits for them to be read.
        let output = self.child.wait_with_output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: std::mem::take(&mut self.said),
        }
    }
}

impl Ended {
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
