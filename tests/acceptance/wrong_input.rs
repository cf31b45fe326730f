//! Wrong input: a message that names file, line and remedy, the documented exit code, and no call.
#![expect(clippy::disallowed_methods, reason = "a test writes a plan that is no text")]

use crate::orch::Orch;

/// A plan that is right but for what a test changes.
const PLAN: &str = r#"name   = "small"
region = "us-east-1"

[vars]
cidr   = "10.0.0.0/20"
spokes = ["dev"]

[accounts]
master = { id = "111111111111" }
dev    = { id = "222222222222", role = "MasterAcctRole" }

[stacks.hub]
account    = "master"
template   = "net.yaml"
parameters = { CidrBlock = "{{ vars.cidr }}" }

[stacks.spoke]
for_each   = "vars.spokes"
account    = "{{ each.key }}"
template   = "net.yaml"
parameters = { CidrBlock = "10.0.16.0/20", Hub = "{{ stacks.hub.outputs.VPCId }}" }
"#;

const TEMPLATE: &str = r#"Parameters:
  CidrBlock: {Type: String}
  Hub: {Type: String, Default: none}
Resources:
  VPC: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: !Ref CidrBlock}}
Outputs:
  VPCId: {Value: !Ref VPC}
"#;

fn small() -> Orch {
    let orch = Orch::with_shipped_plans();
    orch.write("small.toml", PLAN).write("net.yaml", TEMPLATE);
    orch
}

/// Holds that `validate` and `apply` both refuse a plan with exit code 2, that each says where (`places`, as `file:line:`),
/// what (`words`) and what to do (`remedy`), and that nothing was called: the embedded AWS has no world yet.
#[track_caller]
fn refuses(orch: &Orch, plan: &str, places: &[&str], words: &[&str], remedy: &str) {
    let validated = orch.run(&["validate", plan]).code(2);
    let applied = orch.run(&["apply", plan, "--local"]).code(2);
    assert!(applied.stderr.starts_with(&validated.stderr), "apply says what validate says:\n{}", applied.stderr);
    assert_eq!(applied.stdout, "");
    for said in [validated, applied] {
        let said = said.says(places).says(words).says(&["error[ORCH"]);
        let helps: Vec<_> = said.stderr.split("= help: ").skip(1).filter_map(|help| help.lines().next()).collect();
        assert!(helps.iter().any(|help| help.contains(remedy)), "no remedy has `{remedy}`:\n{}", said.stderr);
        let errors = said.stderr.matches("error[ORCH").count();
        assert!(helps.len() >= errors, "a problem has no remedy:\n{}", said.stderr);
    }
    assert!(!orch.path(".orch").exists(), "AWS was called");
}

/// The same of the small plan after a change.
#[track_caller]
fn refused(from: &str, to: &str, places: &[&str], words: &[&str], remedy: &str) {
    let orch = small();
    orch.edit("small.toml", from, to);
    refuses(&orch, "small.toml", places, words, remedy);
}

#[test]
fn the_small_plan_itself_is_right() {
    small().run(&["validate", "small.toml"]).code(0);
    small().run(&["apply", "small.toml", "--local"]).code(0);
}

#[test]
fn toml_syntax_is_reported_with_every_place() {
    let orch = small();
    orch.edit("small.toml", r#"name   = "small""#, r#"name   = "small"#);
    orch.edit("small.toml", r#"account    = "master""#, r#"account    = = "master""#);
    let places = ["small.toml:1:", "small.toml:13:"];
    refuses(&orch, "small.toml", &places, &["invalid basic string"], "end the text with the quote that it began with");
    refused("[vars]", "[vars", &["small.toml:4:"], &["unclosed table"], "close what is open here");
    refused("\"10.0.0.0/20\"", "ten", &["small.toml:5:"], &["invalid boolean"], "put the text in quotes");
    refused("\"10.0.0.0/20\"", "hub", &["small.toml:5:"], &["must be quoted"], "put the text in quotes");
}

#[test]
fn a_plan_that_nests_without_end_is_refused() {
    let dots = "a.".repeat(70);
    let deep = format!("[vars]\nx = {}1{}\n", format!("{{ {dots}a = ").repeat(70), " }".repeat(70));
    refused("[vars]", &deep, &["small.toml:5:"], &["more than 32 levels deep"], "take this nesting apart");
    let chain = format!("cidr = \"{{{{#if vars.cidr}}}}{}{{{{/if}}}}\"", "{{elseif vars.cidr}}".repeat(4_000));
    refused(
        "cidr   = \"10.0.0.0/20\"",
        &chain,
        &["small.toml:5:"],
        &["without expressions"],
        "where the value is used",
    );
    let chain = format!("{{{{#if vars.cidr}}}}{}{{{{/if}}}}", "{{elseif vars.cidr}}".repeat(4_000));
    refused("{{ vars.cidr }}", &chain, &["small.toml:15:"], &["`else`"], "{{else if path}}");
}

#[test]
fn an_empty_plan_and_one_that_is_not_utf8_are_reported() {
    let orch = small();
    orch.write("empty.toml", "");
    refuses(
        &orch,
        "empty.toml",
        &["empty.toml:1:1"],
        &["a plan needs `name`, `region` and `accounts`"],
        "write name = ",
    );
    std::fs::write(orch.path("latin.toml"), b"name = \"x\"\n# caf\xe9\n").unwrap();
    refuses(&orch, "latin.toml", &["latin.toml:2:6"], &["not UTF-8"], "save it as UTF-8");
}

#[test]
fn an_unknown_key_is_reported_with_the_nearest_one() {
    let place = ["small.toml:18:1"];
    refused("for_each   = ", "foreach    = ", &place, &["`foreach`"], "did you mean `for_each`?");
}

#[test]
fn a_missing_key_is_reported_with_how_it_is_written() {
    let from = "account    = \"master\"\n";
    refused(from, "", &["small.toml:12:"], &["a stack needs `account`"], "write account = \"NAME\"");
}

#[test]
fn an_unknown_reference_is_reported_with_the_nearest_name() {
    let words = ["no stack `hup`"];
    refused("stacks.hub.outputs", "stacks.hup.outputs", &["small.toml:21:"], &words, "did you mean `hub`?");
    let words = ["no stack `elsewhere`"];
    refused("stacks.hub.outputs", "stacks.elsewhere.outputs", &["small.toml:21:"], &words, "the stacks are hub, spoke");
}

#[test]
fn an_account_that_the_plan_does_not_have_is_reported() {
    let words = ["no account `production`"];
    refused(
        "spokes = [\"dev\"]",
        "spokes = [\"production\"]",
        &["small.toml:19:"],
        &words,
        "the accounts are master, dev",
    );
}

#[test]
fn an_output_that_the_template_does_not_have_is_reported_with_the_nearest_one() {
    let places = ["small.toml:21:", "net.yaml:7:"];
    refused("outputs.VPCId", "outputs.VpcId", &places, &["has no output `VpcId`"], "did you mean `VPCId`?");
}

#[test]
fn a_cycle_is_shown_as_the_path_that_closes_it() {
    let hub = r#"{ CidrBlock = "{{ vars.cidr }}", Hub = "{{ stacks.spoke.dev.outputs.VPCId }}" }"#;
    let words = ["stacks.hub → stacks.spoke[dev] → stacks.hub", "21 |"];
    let remedy = "take one of these references out";
    refused(r#"{ CidrBlock = "{{ vars.cidr }}" }"#, hub, &["small.toml:15:"], &words, remedy);
}

#[test]
fn a_bad_account_id_is_reported() {
    let words = ["`22222222222`", "twelve digits"];
    refused("222222222222", "22222222222", &["small.toml:10:"], &words, "copy it from the account's page");
}

#[test]
fn two_nodes_that_are_one_stack_are_reported() {
    let orch = small();
    orch.edit("small.toml", "template   = \"net.yaml\"", "template   = \"net.yaml\"\nname       = \"same\"");
    orch.edit("small.toml", "account    = \"{{ each.key }}\"", "account    = \"master\"");
    let places = ["small.toml:18:1"];
    let words = ["`stacks.spoke[dev]` is the same stack as `stacks.hub`", "[stacks.hub]"];
    refuses(&orch, "small.toml", &places, &words, "give one of them another name");
}

#[test]
fn values_that_are_certain_to_fail_are_reported() {
    let table = "{{ vars.table }}";
    let orch = small();
    orch.edit("small.toml", "[vars]", "[vars]\ntable = { a = 1 }");
    orch.edit("small.toml", "{{ vars.cidr }}", table);
    refuses(&orch, "small.toml", &["small.toml:16:"], &["this is a table"], "name what is inside");
    let joined = "{{ join stacks.hub.outputs.VPCId }}";
    let words = ["`join` needs a list"];
    refused("{{ stacks.hub.outputs.VPCId }}", joined, &["small.toml:21:"], &words, "join LIST [SEPARATOR]");
    let route = "[routes.r]\naccount = \"master\"\nroute_tables = [\"rtb-1\"]\ndestination = \"::/0\"\nvia = \"nonsense\"\n\n[stacks.hub]";
    let words = ["`nonsense` is not something that a route can lead to"];
    refused("[stacks.hub]", route, &["small.toml:16:"], &words, "an id begins with");
}

#[test]
fn a_missing_template_is_reported() {
    refused(
        r#"template   = "net.yaml"
parameters = { CidrBlock = "{{"#,
        r#"template   = "nat.yaml"
parameters = { CidrBlock = "{{"#,
        &["small.toml:14:"],
        &["nat.yaml cannot be read"],
        "the path is relative to the file that names it",
    );
}

#[test]
fn a_template_that_is_not_one_is_reported_at_its_own_place_too() {
    let remedy = "a template is a map with a section `Resources`";
    for (text, place, words) in [
        ("Resources:\n  - VPC\n", "net.yaml:1:", "must be a map"),
        ("services:\n  web: {image: nginx}\n", "net.yaml:1:", "it has no section `Resources`"),
        ("a: [\n", "net.yaml:", "not a CloudFormation template"),
    ] {
        let orch = small();
        orch.write("net.yaml", text);
        refuses(&orch, "small.toml", &[place, "small.toml:14:"], &[words], remedy);
        if text == "a: [\n" {
            refuses(&orch, "small.toml", &[], &[], "mend the YAML there");
        }
    }
}

#[test]
fn a_template_that_cloudformation_would_refuse_is_reported() {
    let orch = small();
    orch.edit("net.yaml", "!Ref CidrBlock", "!Ref Cidr");
    let places = ["net.yaml:5:", "small.toml:14:"];
    refuses(
        &orch,
        "small.toml",
        &places,
        &["Unresolved resource dependencies [Cidr]"],
        "declare `Cidr` below Parameters or Resources",
    );
}

#[test]
fn a_for_each_over_nothing_is_reported() {
    let words = ["for_each goes over nothing"];
    refused(r#"spokes = ["dev"]"#, "spokes = []", &["small.toml:18:"], &words, "give it at least one item");
}

#[test]
fn a_for_each_in_place_is_checked_too() {
    let to = "for_each   = { dev = \"{{ vars.gone }}\" }";
    let words = ["there is no variable `gone`"];
    refused("for_each   = \"vars.spokes\"", to, &["small.toml:18:"], &words, "the variables are cidr, spokes");
}

#[test]
fn a_plan_that_does_not_exist_is_reported() {
    // It has no line to show.
    refuses(&small(), "smal.toml", &["--> smal.toml"], &["there is no such file"], "name the file of a plan");
}

#[test]
fn credentials_of_another_account_are_refused_before_anything_changes() {
    let orch = small();
    orch.write("aws.toml", "caller = \"999999999999\"\n");
    orch.run(&["apply", "small.toml", "--local", "--local-config", "aws.toml"]).code(3).says(&[
        "small.toml:9:",
        "account master (111111111111)",
        "999999999999",
        "help: use credentials of that account",
    ]);
    orch.run(&["outputs", "small.toml", "--local"]).code(1);
}

#[test]
fn every_role_that_cannot_be_assumed_is_reported() {
    let orch = small();
    orch.edit("small.toml", "[stacks.hub]", "[accounts.qa]\nid = \"333333333333\"\nrole = \"Nobody\"\n\n[stacks.hub]");
    orch.edit("small.toml", r#"spokes = ["dev"]"#, r#"spokes = ["dev", "qa"]"#);
    orch.write(
        "aws.toml",
        "[[role]]\naccount = \"222222222222\"\nname = \"MasterAcctRole\"\naccounts = []\n\n\
         [[role]]\naccount = \"333333333333\"\nname = \"Nobody\"\nexists = false\n",
    );
    orch.run(&["apply", "small.toml", "--local", "--local-config", "aws.toml"]).code(3).says(&[
        "small.toml:10:",
        "arn:aws:iam::222222222222:role/MasterAcctRole",
        "small.toml:12:",
        "arn:aws:iam::333333333333:role/Nobody",
        "trust policy must allow sts:AssumeRole",
    ]);
}

#[test]
fn a_pattern_that_matches_nothing_is_reported_with_the_nearest_name() {
    let orch = small();
    orch.run(&["apply", "small.toml", "--local", "--only", "stacks.spoke[dve]"])
        .code(2)
        .says(&["--only `stacks.spoke[dve]`", "`stacks.spoke[dev]`"]);
}

#[test]
fn without_a_terminal_apply_wants_yes() {
    let orch = small().env("AWS_ACCESS_KEY_ID", "x").env("AWS_SECRET_ACCESS_KEY", "x");
    orch.run(&["apply", "small.toml"]).code(4).says(&["--yes"]);
    orch.run(&["destroy", "small.toml"]).code(4).says(&["--yes"]);
}

#[test]
fn a_file_outside_of_the_plans_folder_is_read_only_if_that_is_allowed() {
    let orch = small();
    orch.write("deep/plan.toml", &PLAN.replace("\"net.yaml\"", "\"../net.yaml\""));
    refuses(&orch, "deep/plan.toml", &["deep/plan.toml:20:"], &["it is not inside", "ORCH031"], "--allow-read FOLDER");
    orch.run(&["validate", "deep/plan.toml", "--allow-read", "."]).code(0);
    orch.run(&["validate", "deep/plan.toml", "--allow-read", "gone"]).code(2).says(&["--allow-read"]);
    orch.run(&["apply", "deep/plan.toml", "--local", "--allow-read", "."]).code(0);
}

#[test]
fn many_mistakes_are_told_by_one_run_in_the_order_of_the_file() {
    let orch = small();
    orch.write("many.toml", include_str!("many-mistakes.toml"));
    let ended = orch.run(&["validate", "many.toml"]).code(2);
    // Each problem's number and the line it is at.
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let told: Vec<(&str, &str)> = lines
        .windows(2)
        .filter_map(|pair| {
            let (_, code) = pair[0].split_once('[').filter(|(severity, _)| ["error", "warning"].contains(severity))?;
            let code = code.split(']').next()?;
            let line = pair[1].trim_start().strip_prefix("--> many.toml:")?.split(':').next()?;
            Some((code, line))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("ORCH009", "2"),
            ("ORCH015", "10"),
            ("ORCH016", "11"),
            ("ORCH018", "11"),
            ("ORCH005", "14"),
            ("ORCH019", "18"),
            ("ORCH023", "19"),
            ("ORCH011", "20"),
            ("ORCH010", "20"),
            ("ORCH005", "21"),
            ("ORCH054", "26"),
            ("ORCH020", "29"),
            ("ORCH011", "32"),
            ("ORCH007", "40"),
            ("ORCH008", "41"),
            ("ORCH025", "42"),
            ("ORCH052", "46"),
            ("ORCH060", "49"),
            ("ORCH020", "54"),
            ("ORCH008", "55"),
            ("ORCH008", "56"),
            ("ORCH065", "60"),
            ("ORCH040", "63"),
        ],
        "{}",
        ended.stderr
    );
    let drawn = ended.stderr.split("\n\n").filter(|problem| problem.contains("= help: "));
    assert_eq!(drawn.count(), told.len(), "each has a remedy:\n{}", ended.stderr);
    assert!(ended.stdout.contains("many.toml: in error (22 errors, 1 warning)"), "{}", ended.stdout);
}
