//! An AWS that is served by a process of its own.
#![expect(clippy::disallowed_methods, reason = "the tests are clients of a server on this machine")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::orch::{Ended, Orch, ended};

/// An AWS that is served by a process. It is killed should its test give up on it.
pub struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// The variables that it has printed.
    env: Vec<(String, String)>,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Served {
    /// Starts it in a test's folder, with these rules, and reads what it prints first.
    pub fn start(orch: &Orch, config: &str, more: &[&str]) -> Self {
        orch.write("aws.toml", config);
        let args = [&["local", "serve", "--port", "0", "--local-config", "aws.toml"], more].concat();
        let mut command = orch.command(&args);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut env = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it ended early: {env:?}");
            match line.trim_end().strip_prefix("export ") {
                Some(pairs) => {
                    env.extend(pairs.split(' ').map(|pair| {
                        let (name, value) = pair.split_once('=').unwrap();
                        (name.to_owned(), value.to_owned())
                    }));
                }
                None => break assert!(line.starts_with("unset "), "{line}"),
            }
        }
        // Programs read the one or the other, and would send what they sign to a proxy.
        for name in ["NO_PROXY", "no_proxy"] {
            assert!(env.iter().any(|(own, value)| own == name && value.starts_with("127.0.0.1$")), "{env:?}");
        }
        Self { child, stdout, env }
    }

    /// The same with another value of a variable for those who use it.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(own, _)| own != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        let url = self.env.iter().find(|(name, _)| name == "AWS_ENDPOINT_URL").unwrap();
        url.1.strip_prefix("http://").unwrap()
    }

    /// What comes back for a request.
    pub fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.write_all(format!("{request} HTTP/1.1\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// How many calls there were of each sort.
    pub fn calls(&self) -> serde_json::Value {
        serde_json::from_str(self.ask("GET /_orch/calls").split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// A command that uses it, ready to be started.
    pub fn command(&self, orch: &Orch, args: &[&str]) -> Command {
        let mut command = orch.command(args);
        command.envs(self.env.iter().cloned());
        command
    }

    /// Runs a command that uses it as it uses AWS.
    pub fn run(&self, orch: &Orch, args: &[&str]) -> Ended {
        Ended::of(self.command(orch, args))
    }

    /// Sends a signal by its name, and gives the exit code and what is printed until the end.
    pub fn ends_by(mut self, signal: &str) -> (Option<i32>, String) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (ended(&mut self.child).code(), rest)
    }
}
