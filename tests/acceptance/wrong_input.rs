//! Wrong input: a message that names file, line and remedy, the documented exit code, and no call.

use crate::orch::{Ended, Orch};

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

/// What `apply` says of the small plan after a change. Nothing may have been called: the embedded AWS has no world yet.
#[track_caller]
fn refused(from: &str, to: &str) -> Ended {
    let orch = small();
    orch.edit("small.toml", from, to);
    let validated = orch.run(&["validate", "small.toml"]).code(2);
    let applied = orch.run(&["apply", "small.toml", "--local"]).code(2);
    assert!(applied.stderr.starts_with(&validated.stderr), "apply says what validate says:\n{}", applied.stderr);
    assert_eq!(applied.stdout, "");
    assert!(!orch.path(".orch").exists(), "AWS was called");
    applied
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
    orch.run(&["apply", "small.toml", "--local"]).code(2).says(&["small.toml:1:", "small.toml:13:", "error[ORCH"]);
}

#[test]
fn an_unknown_key_is_reported_with_the_nearest_one() {
    refused("for_each   = ", "foreach    = ").says(&["small.toml:18:1", "`foreach`", "`for_each`"]);
}

#[test]
fn an_unknown_reference_is_reported_with_the_nearest_name() {
    refused("stacks.hub.outputs", "stacks.hup.outputs").says(&[
        "small.toml:21:",
        "no stack `hup`",
        "did you mean `hub`?",
    ]);
}

#[test]
fn an_output_that_the_template_does_not_have_is_reported_with_the_nearest_one() {
    refused("outputs.VPCId", "outputs.VpcId").says(&["small.toml:21:", "net.yaml", "`VPCId`"]);
}

#[test]
fn a_cycle_is_shown_as_the_path_that_closes_it() {
    let hub = r#"{ CidrBlock = "{{ vars.cidr }}", Hub = "{{ stacks.spoke.dev.outputs.VPCId }}" }"#;
    refused(r#"{ CidrBlock = "{{ vars.cidr }}" }"#, hub).says(&[
        "stacks.hub → stacks.spoke[dev] → stacks.hub",
        "small.toml:15:",
        "21 |",
        "take one of these references out",
    ]);
}

#[test]
fn a_bad_account_id_is_reported() {
    refused("222222222222", "22222222222").says(&["small.toml:10:", "`22222222222`", "twelve digits"]);
}

#[test]
fn a_missing_template_is_reported() {
    refused(
        r#"template   = "net.yaml"
parameters = { CidrBlock = "{{"#,
        r#"template   = "nat.yaml"
parameters = { CidrBlock = "{{"#,
    )
    .says(&["small.toml:14:", "nat.yaml"]);
}

#[test]
fn a_template_that_is_not_one_is_reported_at_its_own_place_too() {
    let orch = small();
    orch.write("net.yaml", "Resources:\n  - VPC\n");
    orch.run(&["apply", "small.toml", "--local"]).code(2).says(&["net.yaml:1:", "small.toml:14:", "must be a map"]);
    assert!(!orch.path(".orch").exists(), "AWS was called");
}

#[test]
fn a_for_each_over_nothing_is_reported() {
    refused(r#"spokes = ["dev"]"#, "spokes = []").says(&[
        "small.toml:18:",
        "for_each goes over nothing",
        "give it at least one item",
    ]);
}

#[test]
fn credentials_of_another_account_are_refused_before_anything_changes() {
    let orch = small();
    orch.write("aws.toml", "caller = \"999999999999\"\n");
    orch.run(&["apply", "small.toml", "--local", "--local-config", "aws.toml"]).code(3).says(&[
        "small.toml:9:",
        "account master (111111111111)",
        "999999999999",
        "help:",
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
fn a_plan_that_does_not_exist_is_reported() {
    let orch = small();
    orch.run(&["apply", "smal.toml", "--local"]).code(2).says(&["smal.toml"]);
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
