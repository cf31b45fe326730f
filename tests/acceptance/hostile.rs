//! Plans, worlds and reasons that somebody has written who means no good. The real binary, and every byte that it says.
#![expect(clippy::disallowed_methods, reason = "the tests look at the files that the binary leaves")]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::orch::{Ended, Orch, QUICK};

/// What sets the terminal's title, clears it and colours it, by a letter of C1 too; what turns the reading direction; what is
/// not seen; and what would begin a line of its own.
const HOSTILE: &str = "x\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[31m\u{9b}31m\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}\r\nforged: yes\u{8}|`<b>&\"'";

/// The same where a name must be one line.
const NAME: &str = "x\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}gnp.exe\u{2066}";

fn plan() -> String {
    let text = |text: &str| toml::Value::from(text).to_string();
    format!(
        r#"
name   = "hostile"
region = "us-east-1"

[accounts]
dev = {{ id = "222222222222", role = "MasterAcctRole" }}

[vars]
word = {hostile}

[stacks.one]
account    = "dev"
template   = {file}
parameters = {{ Word = "{{{{ vars.word }}}}" }}
tags       = {{ Team = "{{{{ vars.word }}}}", {name} = "b" }}
allow      = {{ ORCH071 = {hostile} }}

[stacks.two]
account    = "dev"
template   = "two.yaml"
parameters = {{ Word = "{{{{ stacks.one.outputs.Word }}}}" }}
depends_on = ["stacks.one"]
"#,
        hostile = text(HOSTILE),
        name = text(NAME),
        file = text(&format!("{NAME}.yaml")),
    )
}

const TEMPLATE: &str = "\
Description: HOSTILE
Parameters: {Word: {Type: String}}
Resources:
  Gateway: {Type: AWS::EC2::InternetGateway, Properties: {Tags: [{Key: Word, Value: !Ref Word}]}}
Outputs:
  Word: {Description: HOSTILE, Value: !Ref Word}
";

fn orch() -> Orch {
    let orch = Orch::empty();
    let template = TEMPLATE.replace("HOSTILE", &serde_json::Value::from(NAME).to_string());
    orch.write("plan.toml", &plan()).write(&format!("{NAME}.yaml"), &template).write("two.yaml", &template);
    let reason = toml::Value::from(HOSTILE).to_string();
    orch.write("aws.toml", &format!("{QUICK}[[resource]]\nstack = \"hostile-two\"\nfirst = 1\nreason = {reason}\n"));
    orch
}

/// The text without what sets colours.
fn without_colors(text: &str) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        bare.push_str(before);
        let end = after.find(|char: char| !char.is_ascii_digit() && char != ';').unwrap_or(after.len());
        rest = if let Some(rest) = after[end..].strip_prefix('m') {
            rest
        } else {
            bare.push('\u{1b}');
            after
        };
    }
    bare + rest
}

/// Holds that nothing in a text does anything to a terminal or a reader.
#[track_caller]
fn is_harmless(what: &str, text: &str) {
    let odd = |char: &char| {
        (char.is_control() && !matches!(char, '\n' | '\t'))
            || matches!(char, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let found = text.lines().find_map(|line| Some((line.chars().find(odd)?, line)));
    assert_eq!(found, None, "{what}");
    let forged = text.lines().find(|line| line.trim_start().starts_with("forged"));
    assert_eq!(forged, None, "{what}: a line begins as somebody else wants it");
}

#[track_caller]
fn says_nothing_odd(what: &str, ended: &Ended) {
    for (out, text) in [("standard output", &ended.stdout), ("standard error", &ended.stderr)] {
        is_harmless(&format!("{out} of {what}"), text);
    }
}

#[test]
fn nothing_that_others_have_written_does_anything_to_a_terminal_or_a_page() {
    let orch = orch();
    let local = ["--local", "--local-config", "aws.toml"];
    let run = |code: i32, args: &[&str]| {
        let ended = orch.run(args).code(code);
        says_nothing_odd(&args.join(" "), &ended);
        ended
    };
    let at = |code: i32, args: &[&str]| run(code, &[args, &local[..]].concat());
    for format in ["text", "json", "sarif", "github"] {
        run(0, &["validate", "plan.toml", "--format", format]);
    }
    for format in ["text", "dot", "mermaid", "json"] {
        run(0, &["graph", "plan.toml", "--format", format]);
    }
    let explained = run(0, &["explain", "plan.toml", "stacks.one"]);
    assert!(explained.stdout.contains("\\u{202e}gnp.exe"), "{}", explained.stdout);
    for format in ["text", "json", "markdown"] {
        at(5, &["preview", "plan.toml", "--format", format]);
    }
    at(5, &["preview", "plan.toml", "--simulate"]);
    at(5, &["preview", "plan.toml", "--save", "saved.json"]);
    is_harmless("the saved preview", &fs::read_to_string(orch.path("saved.json")).unwrap());
    // The reason of a failure is somebody's, too.
    let failed = at(1, &["apply", "plan.toml", "-vvv"]);
    assert!(failed.stderr.contains("\\u{202e}gnp.exe"), "{}", failed.stderr);
    at(1, &["status", "plan.toml"]);
    at(1, &["status", "plan.toml", "--format", "json"]);
    orch.write("aws.toml", QUICK);
    at(0, &["apply", "plan.toml", "--log-format", "json"]);
    let outputs = at(0, &["outputs", "plan.toml", "--format", "json"]);
    let outputs: serde_json::Value = serde_json::from_str(&outputs.stdout).unwrap();
    // CloudFormation gives `?` for what it cannot give back; the rest programs get as it is.
    let word = outputs["stacks.one"]["outputs"]["Word"].as_str().unwrap();
    assert!(word.contains("\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}\r\nforged: yes"), "{word:?}");
    at(0, &["outputs", "plan.toml"]);
    for format in ["text", "json", "markdown"] {
        at(0, &["drift", "plan.toml", "--format", format]);
    }
    at(5, &["destroy", "plan.toml", "--dry-run"]);
    // Colours of our own are the only thing that may pass, where they are wanted.
    for args in [&["preview", "plan.toml"][..], &["status", "plan.toml", "-v"], &["drift", "plan.toml"]] {
        let args = [args, &local, &["--color", "always"]].concat();
        let ended = orch.run(&args);
        for text in [&ended.stdout, &ended.stderr] {
            is_harmless(&args.join(" "), &without_colors(text));
        }
        assert!(!ended.stdout.contains("\u{1b}[2J"), "{}", ended.stdout);
    }
    // A plan with mistakes, in the very places.
    let odd = serde_json::Value::from(NAME).to_string();
    orch.edit("plan.toml", "depends_on = [\"stacks.one\"]", &format!("depends_on = [{odd}]\n{odd} = 1"));
    for format in ["text", "json", "sarif", "github"] {
        run(2, &["validate", "plan.toml", "--format", format]);
    }
    run(2, &["explain", "plan.toml", NAME]);
    run(2, &["graph", "plan.toml", "--only", NAME]);
}

#[test]
fn a_plan_gets_no_variable_of_the_environment_that_is_not_allowed_be_there_a_default() {
    let orch = Orch::empty().env("DB_TOKEN", "token-of-somebody").env("TEAM", "network");
    orch.write(
        "plan.toml",
        "name = \"env\"\nregion = \"us-east-1\"\naccounts = { dev = { id = \"222222222222\" } }\n\
         vars = { team = { env = \"TEAM\", default = \"nobody\" } }\n\
         [stacks.one]\naccount = \"dev\"\ntemplate = \"t.yaml\"\ntags = { Team = \"{{ vars.team }}\" }\n\
         parameters = { Token = { env = \"DB_TOKEN\", sensitive = false }, None = { env = \"NOT_SET\" } }\n",
    );
    orch.write(
        "t.yaml",
        "Parameters: {Token: {Type: String}, None: {Type: String}}\nResources: {T: {Type: AWS::SNS::Topic}}\n",
    );
    orch.run(&["validate", "plan.toml"]).code(2).says(&["not allowed to have it", "--allow-env TEAM", "plan.toml:4:"]);
    // What no stack is made of need not be there.
    let team = ["--allow-env", "TEAM"];
    orch.run(&[&["validate", "plan.toml"], &team[..]].concat()).code(0);
    let preview = |more: &[&str]| orch.run(&[&["preview", "plan.toml", "--local"], &team[..], more].concat());
    preview(&[]).code(1).prints(&["--allow-env DB_TOKEN", "plan.toml:9:24"]);
    let wanting = preview(&["--allow-env", "DB_*"]).code(1).prints(&["the environment has no NOT_SET"]);
    assert!(!wanting.stdout.contains("token-of-somebody"), "{}", wanting.stdout);
    orch.edit("plan.toml", ", None = { env = \"NOT_SET\" }", ", None = \"x\"");
    // This one says that it is no secret.
    preview(&["--allow-env", "DB_*"]).code(5).prints(&["token-of-somebody", "network"]);
}

#[test]
fn files_and_folders_of_ours_are_their_owners_alone_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let orch = Orch::with_shipped_plans();
        let run = |args: &[&str]| {
            let command = orch.command(args);
            let mut shell = Command::new("/bin/sh");
            shell.arg("-c").arg(format!("umask {umask}; exec \"$0\" \"$@\"")).arg(command.get_program()).args(args);
            shell.current_dir(orch.path(".")).env_clear();
            shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            assert!(shell.output().unwrap().status.code().is_some_and(|code| code != 2));
        };
        orch.write("aws.toml", QUICK);
        let local = ["--local", "--local-config", "aws.toml"];
        let plan = "plans/us-east-1.toml";
        run(&[&["preview", plan, "--save", "saved.json"], &local[..]].concat());
        run(&[&["apply", plan], &local[..]].concat());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let mut folders = vec![orch.path(".orch")];
        let mut files = vec![orch.path("saved.json")];
        while let Some(folder) = folders.pop() {
            assert_eq!(mode(&folder), 0o700, "{} under umask {umask}", folder.display());
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        assert!(files.len() > 3, "{files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600, "{} under umask {umask}", file.display());
        }
    }
}
