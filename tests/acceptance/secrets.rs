//! Secrets that go in and must not come out. The real binary, with credentials and values that can be told from all else.
#![cfg(unix)]

use crate::orch::{Ended, Orch, QUICK};
use crate::served::Served;

const PLAN: &str = "\
name   = \"secrets\"
region = \"us-east-1\"

[accounts]
master = { id = \"111111111111\" }
dev    = { id = \"222222222222\", role = \"MasterAcctRole\" }

[vars]
password = { env = \"PASSWORD\" }

[stacks.own]
account    = \"master\"
template   = \"stack.yaml\"
parameters = { Password = \"{{ vars.password }}\" }

[stacks.of-a-role]
account    = \"dev\"
template   = \"stack.yaml\"
parameters = { Password = \"{{ vars.password }}\" }
";

const TEMPLATE: &str = "\
Parameters:
  Password: {Type: String, NoEcho: true}
Resources:
  Gateway: {Type: AWS::EC2::InternetGateway, Properties: {Tags: [{Key: Password, Value: !Ref Password}]}}
";

/// What none of a command's words may hold. How the session tokens begin that the embedded AWS gives out is the last.
const CANARIES: [&str; 5] = ["noechocanary1", "noechocanary2", "sessiontokencanary", "secretkeycanary", "FwoG"];

/// Holds that no canary is in what a command has said, be it in the other ways to write it.
#[track_caller]
fn holds_no_canary(ended: &Ended) {
    for canary in CANARIES {
        let bytes = canary.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
        for text in [canary, &bytes] {
            for words in [&ended.stdout, &ended.stderr] {
                let line = words.lines().find(|line| line.contains(text));
                assert_eq!(line, None, "{canary} is told");
            }
        }
    }
}

#[test]
fn no_secret_is_in_the_log_whatever_it_is_asked_to_show() {
    let orch = Orch::empty();
    orch.write("plan.toml", PLAN).write("stack.yaml", TEMPLATE);
    let mut served = Served::start(&orch, QUICK, &["--memory"])
        .env("RUST_LOG", "trace,aws_sigv4=trace,aws_smithy_runtime=trace,hyper=trace")
        .env("AWS_SESSION_TOKEN", "sessiontokencanary")
        .env("AWS_SECRET_ACCESS_KEY", "secretkeycanary");
    for (password, format) in [("noechocanary1", "text"), ("noechocanary2", "json")] {
        served = served.env("PASSWORD", password);
        let log = ["--yes", "--allow-env", "PASSWORD", "--log-format", format];
        let ended = served.run(&orch, &[&["apply", "plan.toml"], &log[..]].concat()).code(0).prints(&["2 changed"]);
        // The log does show what it may: every call, and the SDK's own steps.
        let ended = ended.says(&["AssumeRole", "beginning attempt #1"]);
        holds_no_canary(&ended);
        holds_no_canary(
            &served.run(&orch, &["preview", "plan.toml", "--allow-env", "PASSWORD", "--format", "json"]).code(0),
        );
    }
    holds_no_canary(&served.run(&orch, &["destroy", "plan.toml", "--yes", "--allow-env", "PASSWORD"]).code(0));
    // In one process with the embedded AWS, bodies are whole and the connection itself holds the world.
    let orch = orch.env("RUST_LOG", "trace").env("PASSWORD", CANARIES[0]);
    holds_no_canary(
        &orch.run(&["apply", "plan.toml", "--local", "-vvv", "--allow-env", "PASSWORD"]).code(0).says(&["AssumeRole"]),
    );
}
