//! `orch local serve`: the embedded AWS in a process of its own, which the real binary uses as it uses AWS.
#![expect(clippy::disallowed_methods, reason = "the tests are clients of a server on this machine")]
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::orch::{Ended, Orch, QUICK};

const PLAN: &str = "plans/us-east-1.toml";

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

    fn address(&self) -> &str {
        let url = self.env.iter().find(|(name, _)| name == "AWS_ENDPOINT_URL").unwrap();
        url.1.strip_prefix("http://").unwrap()
    }

    /// What comes back for a request.
    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.write_all(format!("{request} HTTP/1.1\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// How many calls there were of each sort.
    fn calls(&self) -> serde_json::Value {
        serde_json::from_str(self.ask("GET /_orch/calls").split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Runs a command that uses it as it uses AWS.
    pub fn run(&self, orch: &Orch, args: &[&str]) -> Ended {
        let mut command = orch.command(args);
        let output = command.envs(self.env.iter().cloned()).stdin(Stdio::null()).output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Sends a signal by its name, and gives the exit code and what is printed until the end.
    fn ends_by(mut self, signal: &str) -> (Option<i32>, String) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

#[test]
fn a_served_aws_takes_a_plan_as_aws_does_and_counts_the_calls() {
    let orch = Orch::with_shipped_plans();
    let served = Served::start(&orch, QUICK, &["--memory"]);
    served.run(&orch, &["preview", PLAN]).code(5).prints(&["17 to create"]);
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0).prints(&["VPCId"]);
    let calls = served.calls();
    let made = |operation: &str| {
        let sorts = calls["sorts"].as_array().unwrap().iter();
        sorts
            .filter(|sort| sort["operation"] == operation && sort["outcome"] == "ok")
            .map(|sort| sort["count"].as_u64().unwrap())
            .sum::<u64>()
    };
    let counted = ["CreateStack", "CreateVpcPeeringConnection", "AcceptVpcPeeringConnection", "CreateRoute"].map(made);
    assert_eq!(counted, [5, 4, 4, 24], "{calls:#}");
    assert!(served.ask("DELETE /_orch/calls").starts_with("HTTP/1.1 204"));
    assert_eq!(served.calls()["total"], 0);
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0).prints(&["Nothing changed"]);
    served.run(&orch, &["outputs", PLAN]).code(0).prints(&["stacks.spoke[qa]"]);
    served.run(&orch, &["destroy", PLAN, "--yes"]).code(0);
    assert!(!orch.path(".orch/local").exists(), "nothing is on the disk");
    let (code, summary) = served.ends_by("TERM");
    assert_eq!(code, Some(0), "{summary}");
    assert!(summary.contains("222222222222  us-east-1  cloudformation  DeleteStack"), "{summary}");
}

#[test]
fn a_served_aws_shares_its_world_with_local() {
    let orch = Orch::with_shipped_plans();
    let served = Served::start(&orch, QUICK, &[]);
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0);
    let local = ["--local", "--local-config", "aws.toml"];
    orch.run(&[&["apply", PLAN], &local[..]].concat()).code(0).prints(&["Nothing changed"]);
    orch.run(&[&["destroy", PLAN], &local[..]].concat()).code(0);
    served.run(&orch, &["outputs", PLAN]).code(1).says(&["stacks.master does not exist"]);
    let (code, summary) = served.ends_by("INT");
    assert_eq!(
        (code, summary.lines().next().is_some_and(|line| line.ends_with(" calls"))),
        (Some(0), true),
        "{summary}"
    );
}

#[test]
fn an_apply_outlives_calls_that_a_served_aws_breaks_off() {
    let orch = Orch::with_shipped_plans();
    let faults = "[[call]]\noperation = \"Describe*\"\nevery = 5\neffect = \"lost-after\"\n\
                  [[call]]\noperation = \"CreateStack\"\nnth = 2\neffect = \"lost-after\"\n\
                  [[call]]\noperation = \"CreateRoute\"\nnth = 3\neffect = \"lost-before\"\n\
                  [[call]]\noperation = \"AcceptVpcPeeringConnection\"\nfirst = 1\neffect = \"refused\"\n";
    let served = Served::start(&orch, &format!("{QUICK}{faults}"), &["--memory"]);
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0);
    let calls = served.calls().to_string();
    for outcome in ["answer lost", "never arrived"] {
        assert!(calls.contains(outcome), "{calls}");
    }
    served.run(&orch, &["outputs", PLAN]).code(0).prints(&["stacks.spoke[qa]"]);
}

#[test]
fn what_cannot_be_served_is_told_with_what_to_do() {
    let orch = Orch::empty();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let serve = |more: &[&str]| orch.run(&[&["local", "serve", "--memory"], more].concat());
    serve(&["--port", &port]).code(2).says(&[&format!("error: port {port} of 127.0.0.1 is taken"), "--port 0"]);
    serve(&["--port", "70000"]).code(2).says(&["70000 is not in 0..=65535"]);
    serve(&["--port", "0", "--local-config", "none.toml"]).code(2).says(&["error: none.toml: No such file"]);
    orch.write("wrong.toml", "[timing]\nlatency = 5\n");
    serve(&["--port", "0", "--local-config", "wrong.toml"]).code(2).says(&["wrong.toml", "line 2", "latency_ms"]);
    orch.write(".orch/local/world.json", "{}");
    orch.run(&["local", "serve", "--port", "0"]).code(2).says(&["is not a world of the embedded AWS"]);
}
