//! Secrets that come in by every way there is, looked for in everything that comes out. The real binary.
#![expect(clippy::disallowed_methods, reason = "the tests look through all that the binary leaves")]
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};

use crate::orch::{Ended, Orch, QUICK};
use crate::served::Served;

/// Each with the way by which it comes in. Two have marks that JSON, shells, URLs and HTML write in another way.
const CANARIES: [(&str, &str); 18] = [
    ("the environment", "canary-env-71d0"),
    ("a plain parameter of Systems Manager", "canary-ssm-plain-5be2"),
    ("a secure parameter of Systems Manager", r#"canary"ssm'secure&<9a>"#),
    ("a secret of Secrets Manager", "canary-secret-whole-0c4e"),
    ("a field of a secret", "canary-field \\of/secret+b7"),
    ("a secret's text around the field", "canary-around-4411"),
    ("a value that the plan says to be a secret", "canary-value-88aa"),
    ("a NoEcho parameter that the plan has as it is", "canary-literal-3f3f"),
    ("a NoEcho parameter's default", "canary-default-6d6d"),
    ("an output that the plan says to be a secret", "canary-output-2e2e"),
    ("a variable of the environment for a NoEcho parameter", "canary-variable-19b3"),
    ("a part of a passphrase that no line holds", "horse battery staple"),
    ("a field of a secret that is JSON as a whole", "canary-leaf-1d1d"),
    ("an item of a list", "canary-item-aa11"),
    ("another item of the list", "canary-item-bb22"),
    ("the caller's session token", "sessiontokencanary"),
    ("the caller's secret key", "secretkeycanary"),
    // How the session tokens begin that the embedded AWS gives out.
    ("the session of a role", "FwoG"),
];

/// What is no secret, and must be found: the proof that the search finds what is there.
const OPEN: &str = "canary-open-5a5a";

const PLAN: &str = r#"
name   = "canaries"
region = "us-east-1"

[accounts]
master = { id = "111111111111" }
dev    = { id = "222222222222", role = "MasterAcctRole" }

[vars]
variable = { env = "CANARY_VARIABLE" }

[stacks.source]
account           = "dev"
template          = "source.yaml"
sensitive_outputs = ["Marked"]

[stacks.source.parameters]
Env      = { env = "CANARY_ENV" }
Plain    = { ssm = "/canary/plain", account = "master" }
Secure   = { ssm = "/canary/secure", account = "master" }
Whole    = { secret = "whole", account = "master" }
Field    = { secret = "fields", key = "password", account = "master", region = "eu-west-1" }
Value    = { value = "canary-value-88aa", sensitive = true }
Phrase   = { ssm = "/canary/phrase", account = "master" }
Json     = { secret = "json", account = "master" }
List     = { ssm = "/canary/list", account = "master" }
Pin      = { value = "4711", sensitive = true }
Open     = { ssm = "/canary/open", sensitive = false }
Literal  = "canary-literal-3f3f"
Variable = "{{ vars.variable }}"

[stacks.taker]
account    = "master"
template   = "taker.yaml"
parameters = { Handed = "{{ stacks.source.outputs.Told }}", Marked = "{{ stacks.source.outputs.Marked }}", Both = "{{ stacks.source.outputs.Told }}-{{ stacks.source.outputs.Variable }}" }
tags       = { Handed = "{{ stacks.source.outputs.Literal }}" }

[stacks.hidden]
account    = "master"
template   = "hidden.yaml"
parameters = { Hidden = { secret = "whole" } }

[stacks.failing]
account    = "master"
template   = "failing.yaml"
parameters = { Value = { ssm = "/canary/plain" }, Phrase = { ssm = "/canary/phrase" } }
"#;

const SOURCE: &str = "\
Parameters:
  Env: {Type: String}
  Plain: {Type: String}
  Secure: {Type: String}
  Whole: {Type: String}
  Field: {Type: String}
  Value: {Type: String}
  Phrase: {Type: String}
  Json: {Type: String}
  List: {Type: CommaDelimitedList}
  Pin: {Type: String}
  Open: {Type: String}
  Literal: {Type: String, NoEcho: true}
  Variable: {Type: String, NoEcho: true}
  Usual: {Type: String, NoEcho: true, Default: canary-default-6d6d}
Resources:
  Gateway:
    Type: AWS::EC2::InternetGateway
    Properties:
      Tags:
        - {Key: Env, Value: !Ref Env}
        - {Key: Plain, Value: !Ref Plain}
        - {Key: Secure, Value: !Ref Secure}
        - {Key: Whole, Value: !Ref Whole}
        - {Key: Field, Value: !Ref Field}
        - {Key: Value, Value: !Ref Value}
        - {Key: Literal, Value: !Ref Literal}
        - {Key: Phrase, Value: !Ref Phrase}
        - {Key: Json, Value: !Ref Json}
        - {Key: List, Value: !Join [' and ', !Ref List]}
        - {Key: Pin, Value: !Ref Pin}
Outputs:
  Told: {Value: !Ref Plain}
  Literal: {Value: !Ref Literal}
  Variable: {Value: !Sub 'x-${Variable}-x'}
  Secure: {Value: !Ref Secure}
  Marked: {Value: canary-output-2e2e}
  Open: {Value: !Ref Open}
";

const TAKER: &str = "\
Parameters: {Handed: {Type: String}, Marked: {Type: String}, Both: {Type: String}}
Resources:
  Gateway:
    Type: AWS::EC2::InternetGateway
    Properties: {Tags: [{Key: Handed, Value: !Ref Handed}, {Key: Marked, Value: !Ref Marked}, {Key: Both, Value: !Ref Both}]}
Outputs:
  Again: {Value: !Ref Handed}
";

const FAILING: &str = "\
Parameters: {Value: {Type: String}, Phrase: {Type: String}}
Resources:
  Gateway: {Type: AWS::EC2::InternetGateway, Properties: {Tags: [{Key: Value, Value: !Ref Value}, {Key: P, Value: !Ref Phrase}]}}
";

const HIDDEN: &str = "\
Parameters: {Hidden: {Type: String, NoEcho: true}}
Resources:
  Gateway: {Type: AWS::EC2::InternetGateway, Properties: {Tags: [{Key: Value, Value: !Ref Hidden}]}}
";

const PHRASE: &str = "canary correct horse battery staple and so many words more that no line of any terminal could ever hold all of it 7b7b";

/// The embedded AWS has the values, and tells one in the reason of a failure, as AWS does.
fn config() -> String {
    let field = "canary-field \\of/secret+b7";
    let fields = serde_json::json!({ "user": "admin", "password": field, "more": "canary-around-4411" }).to_string();
    let text = |text: &str| toml::Value::from(text).to_string();
    let parameter = |account: &str, name: &str, value: &str, secure: bool| {
        format!(
            "[[parameter]]\naccount = \"{account}\"\nregion = \"us-east-1\"\nname = \"{name}\"\nvalue = {}\nsecure = {secure}\n",
            text(value)
        )
    };
    let secret = |region: &str, name: &str, value: &str| {
        format!(
            "[[secret]]\naccount = \"111111111111\"\nregion = \"{region}\"\nname = \"{name}\"\ntext = {}\n",
            text(value)
        )
    };
    let failing = "[[resource]]\nstack = \"canaries-failing\"\nfirst = 1\naction = \"CREATE\"\n\
                   reason = \"Value (canary-ssm-plain-5be2) of property Tags is refused\"\n";
    // Each command counts anew: the second one that makes it meets the first of these again.
    let failing = format!(
        "{failing}[[resource]]\nstack = \"canaries-failing\"\nnth = 2\naction = \"CREATE\"\nreason = \"Value ({PHRASE}) is refused\"\n\
         [[resource]]\nstack = \"canaries-hidden\"\nfirst = 2\naction = \"CREATE\"\n\
         reason = \"Value (canary-secret-whole-0c4e) of property Tags is refused\"\n"
    );
    [
        QUICK.to_owned(),
        parameter("111111111111", "/canary/plain", "canary-ssm-plain-5be2", false),
        parameter("111111111111", "/canary/secure", r#"canary"ssm'secure&<9a>"#, true),
        parameter("222222222222", "/canary/open", OPEN, false),
        parameter("111111111111", "/canary/phrase", PHRASE, true),
        parameter("111111111111", "/canary/list", "canary-item-aa11,canary-item-bb22", false),
        secret("us-east-1", "json", r#"{"user": "canary-leaf-1d1d", "deep": {"a": [1, 2]}}"#),
        secret("us-east-1", "whole", "canary-secret-whole-0c4e"),
        secret("eu-west-1", "fields", &fields),
        failing,
    ]
    .concat()
}

/// The ways in which a text may be written.
fn written(text: &str) -> Vec<String> {
    let json = serde_json::Value::from(text).to_string();
    let in_json = json[1..json.len() - 1].to_owned();
    let json_again = serde_json::Value::from(in_json.as_str()).to_string();
    let bytes = text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    let url = text.bytes().fold(String::new(), |url, byte| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => url + &char::from(byte).to_string(),
        byte => url + &format!("%{byte:02X}"),
    });
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    vec![
        text.to_owned(),
        in_json,
        json_again[1..json_again.len() - 1].to_owned(),
        bytes,
        url.replace("%20", "+"),
        url,
        html,
        text.replace('\'', "'\\''"),
        text.escape_debug().to_string(),
    ]
}

/// The first line of a text that tells one of the canaries, with the way by which that came in.
fn told(text: &str) -> Option<String> {
    CANARIES.iter().find_map(|(way, canary)| {
        let line = written(canary).into_iter().find_map(|form| text.lines().find(|line| line.contains(&form)));
        line.map(|line| format!("{way}: {line}"))
    })
}

/// Looks through everything that commands say and leave behind.
#[derive(Default)]
struct Search {
    commands: usize,
    saw_the_open_one: bool,
}

impl Search {
    #[track_caller]
    fn command(&mut self, what: &str, ended: &Ended) {
        for (out, text) in [("standard output", &ended.stdout), ("standard error", &ended.stderr)] {
            self.text(&format!("{out} of {what}"), text);
        }
        self.commands += 1;
    }

    #[track_caller]
    fn text(&mut self, what: &str, text: &str) {
        assert_eq!(told(text), None, "{what} tells a secret");
        self.saw_the_open_one |= text.contains(OPEN);
    }

    /// All files below a folder; the world of the embedded AWS is the cloud itself.
    #[track_caller]
    fn files(&mut self, folder: &Path) -> usize {
        let mut count = 0;
        let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true if path.ends_with(".orch/local") => {}
                    true => folders.push(path),
                    false => {
                        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                        self.text(&path.display().to_string(), &text);
                        count += 1;
                    }
                }
            }
        }
        count
    }
}

const ALLOWED: [&str; 4] = ["--allow-env", "CANARY_ENV", "--allow-env", "CANARY_V*"];

fn plan(orch: &Orch) {
    orch.write("plan.toml", PLAN)
        .write("source.yaml", SOURCE)
        .write("taker.yaml", TAKER)
        .write("failing.yaml", FAILING)
        .write("hidden.yaml", HIDDEN);
}

#[test]
fn no_secret_comes_out_by_any_way_whatever_way_it_came_in() {
    let orch = Orch::empty();
    plan(&orch);
    let served = Served::start(&orch, &config(), &["--memory"])
        .env("RUST_LOG", "trace,aws_sigv4=trace,aws_smithy_runtime=trace,hyper=trace")
        .env("RUST_BACKTRACE", "1")
        .env("AWS_SESSION_TOKEN", "sessiontokencanary")
        .env("AWS_SECRET_ACCESS_KEY", "secretkeycanary")
        .env("CANARY_ENV", "canary-env-71d0")
        .env("CANARY_VARIABLE", "canary-variable-19b3");
    let mut search = Search::default();
    let run = |search: &mut Search, code: i32, args: &[&str]| {
        let ended = served.run(&orch, &[args, &ALLOWED].concat()).code(code);
        search.command(&args.join(" "), &ended);
        ended
    };
    // What needs no AWS.
    for format in ["text", "json", "sarif", "github"] {
        run(&mut search, 0, &["validate", "plan.toml", "--format", format]);
    }
    for format in ["text", "dot", "mermaid", "json"] {
        run(&mut search, 0, &["graph", "plan.toml", "--format", format]);
    }
    for node in ["stacks.source", "stacks.taker"] {
        run(&mut search, 0, &["explain", "plan.toml", node]);
    }
    run(&mut search, 0, &["validate", "plan.toml", "--remote"]);
    // Before anything stands.
    for more in [&["--format", "text"], &["--format", "json"], &["--format", "markdown"]] {
        run(&mut search, 5, &[&["preview", "plan.toml"], &more[..]].concat());
    }
    run(&mut search, 5, &["preview", "plan.toml", "--simulate"]);
    run(&mut search, 5, &["preview", "plan.toml", "--save", "saved.json", "--color", "always"]);
    // A stack fails with a reason that tells a value.
    let failed = run(&mut search, 1, &["apply", "saved.json", "--log-format", "json"]);
    assert!(failed.stderr.contains("Value (****) of property Tags is refused"), "{}", failed.stderr);
    let failed = run(&mut search, 1, &["status", "plan.toml", "--only", "stacks.failing"]);
    assert!(failed.stdout.contains("canaries-failing") || failed.stdout.contains("failing"), "{}", failed.stdout);
    // Who only looks has never met what a template hides: the reason is not told at all.
    let failed = run(&mut search, 1, &["status", "plan.toml", "--only", "stacks.hidden"]);
    let told = failed.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("its reason may quote a secret"), "{}", failed.stdout);
    run(&mut search, 1, &["apply", "plan.toml", "--yes", "-q"]);
    run(&mut search, 1, &["status", "plan.toml", "-v"]);
    run(&mut search, 0, &["apply", "plan.toml", "--yes", "-q"]);
    // CloudFormation hides what is NoEcho, so that only a change set can tell that nothing differs.
    run(&mut search, 0, &["apply", "plan.toml", "--yes", "--log-format", "json"]);
    for format in ["table", "json", "env"] {
        let outputs = run(&mut search, 0, &["outputs", "plan.toml", "--format", format]);
        assert!(outputs.stdout.contains("****") && outputs.stdout.contains(OPEN), "{}", outputs.stdout);
    }
    for format in ["text", "json"] {
        run(&mut search, 0, &["status", "plan.toml", "--format", format, "-v"]);
    }
    for format in ["text", "json", "markdown"] {
        run(&mut search, 0, &["drift", "plan.toml", "--format", format]);
    }
    // A change, whose values CloudFormation tells before and after.
    orch.edit("plan.toml", "Value    = { value = \"canary-value-88aa\"", "Value    = { value = \"another-value\"");
    orch.edit("plan.toml", "value = \"4711\"", "value = \"4712\"");
    for format in ["text", "json", "markdown"] {
        let preview = run(&mut search, 5, &["preview", "plan.toml", "--format", format]);
        for pin in ["4711 →", "\"4711\"", "`4711`", "→ 4712", "\"4712\"", "`4712`"] {
            assert!(!preview.stdout.contains(pin), "a short value is told: {}", preview.stdout);
        }
    }
    run(&mut search, 5, &["preview", "plan.toml", "--save", "saved.json"]);
    run(&mut search, 0, &["apply", "saved.json"]);
    // Mistakes.
    orch.edit("plan.toml", "key = \"password\"", "key = \"pasword\"");
    let wrong = run(&mut search, 1, &["preview", "plan.toml"]);
    assert!(
        wrong.stdout.contains("has no field `pasword`") && wrong.stdout.contains("user, password, more"),
        "{}",
        wrong.stdout
    );
    orch.edit("plan.toml", "key = \"pasword\"", "key = \"password\"").edit(
        "plan.toml",
        "/canary/secure",
        "/canary/scure",
    );
    run(&mut search, 1, &["apply", "plan.toml", "--yes"]);
    orch.edit("plan.toml", "/canary/scure", "/canary/secure");
    let refused = served.run(&orch, &["preview", "plan.toml", "--allow-env", "CANARY_VARIABLE"]).code(1);
    assert!(refused.stdout.contains("--allow-env CANARY_ENV"), "{}", refused.stdout);
    search.command("preview without leave", &refused);
    run(&mut search, 5, &["destroy", "plan.toml", "--dry-run"]);
    run(&mut search, 0, &["destroy", "plan.toml", "--yes"]);
    // What is left on the disk: the plan's own files aside, which have what they have.
    for own in ["plan.toml", "source.yaml", "taker.yaml", "failing.yaml", "hidden.yaml", "aws.toml"] {
        fs::remove_file(orch.path(own)).unwrap();
    }
    assert!(search.files(&orch.path(".")) > 0, "nothing was left to look through");
    assert!(search.commands > 30 && search.saw_the_open_one, "the search does not find what is there");
}

#[test]
fn a_command_that_is_killed_leaves_no_secret_behind_and_none_in_its_arguments() {
    let orch = Orch::empty();
    plan(&orch);
    orch.write("aws.toml", &config().replace("resource_ms = 0", "resource_ms = 2000"));
    let orch = orch.env("CANARY_ENV", "canary-env-71d0").env("CANARY_VARIABLE", "canary-variable-19b3");
    let local = ["--local", "--local-config", "aws.toml", "-vvv"];
    let mut running = orch.start(&[&["apply", "plan.toml"], &local[..], &ALLOWED].concat());
    running.says("CREATE_IN_PROGRESS");
    let mut search = Search::default();
    #[cfg(target_os = "linux")]
    for file in ["cmdline", "comm"] {
        search.text(file, &fs::read_to_string(format!("/proc/{}/{file}", running.id())).unwrap());
    }
    search.text("what it has said until then", running.said());
    running.kill();
    for own in ["plan.toml", "source.yaml", "taker.yaml", "failing.yaml", "hidden.yaml", "aws.toml"] {
        fs::remove_file(orch.path(own)).unwrap();
    }
    search.files(&orch.path("."));
}

#[test]
fn the_search_finds_what_is_told_in_every_way_to_write_it() {
    for (way, canary) in CANARIES {
        for form in written(canary) {
            assert!(told(&format!("a line\nwith {form} in it")).is_some_and(|told| told.starts_with(way)), "{form}");
        }
    }
    assert_eq!(told(OPEN), None);
}
