//! `orch validate --remote`, by the real binary on the embedded AWS.

use crate::orch::{Orch, QUICK};

const SHIPPED: [&str; 3] = ["plans/us-east-1.toml", "plans/us-west-2.toml", "plans/hub-and-spoke.toml"];

fn orch() -> Orch {
    let orch = Orch::with_shipped_plans();
    orch.write("aws.toml", QUICK);
    orch
}

fn validate<'a>(plans: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let flags = ["--remote", "--local", "--local-config", "aws.toml"];
    [&["validate"], plans, &flags, more].concat()
}

#[test]
fn validate_remote_holds_plans_against_aws_and_changes_nothing() {
    let orch = orch();
    let asked = ["us-east-1.toml: asking AWS about 5 accounts and 5 stacks", "us-west-2.toml: asking AWS about"];
    let sound = ["us-east-1.toml: sound", "us-west-2.toml: sound", "hub-and-spoke.toml: abstract"];
    orch.run(&validate(&SHIPPED, &[])).code(0).says(&asked).prints(&sound);
    orch.run(&["outputs", SHIPPED[0], "--local"]).code(1).says(&["stacks.master does not exist"]);
    orch.run(&["apply", SHIPPED[0], "--local", "--local-config", "aws.toml"]).code(0);
    orch.run(&validate(&SHIPPED, &[])).code(0).prints(&sound);
    orch.run(&["apply", SHIPPED[0], "--local", "--local-config", "aws.toml"]).code(0).prints(&["Nothing changed"]);
}

#[test]
fn validate_remote_finds_a_range_that_only_aws_knows() {
    let orch = orch();
    orch.run(&["apply", SHIPPED[0], "--local", "--local-config", "aws.toml"]).code(0);
    let outputs = orch.run(&["outputs", SHIPPED[0], "--local", "--format", "json"]).code(0).stdout;
    let outputs: serde_json::Value = serde_json::from_str(&outputs).unwrap();
    let vpc = outputs["stacks.spoke[dev]"]["outputs"]["VPCId"].as_str().unwrap();
    orch.write(
        "mine.toml",
        &format!(
            "name = \"mine\"\nregion = \"us-east-1\"\n[accounts]\nmaster = {{ id = \"111111111111\" }}\n\
             dev = {{ id = \"222222222222\", role = \"MasterAcctRole\" }}\n\
             [stacks.net]\naccount = \"master\"\ntemplate = \"net.yaml\"\n\
             [peerings.net]\nrequester = {{ account = \"dev\", vpc = \"{vpc}\" }}\n\
             accepter = {{ account = \"master\", vpc = \"{{{{ stacks.net.outputs.VPCId }}}}\" }}\n"
        ),
    );
    let template = "Resources: {VPC: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.16.0/22}}}\n\
                    Outputs: {VPCId: {Value: !Ref VPC}}\n";
    orch.write("net.yaml", template);
    orch.run(&["validate", "mine.toml"]).code(0);
    let said = ["error[ORCH060]", "mine.toml:10:", "10.0.16.0/20, live:", "give one of them another range"];
    orch.run(&validate(&["mine.toml"], &[])).code(2).says(&said).prints(&["mine.toml: in error (1 error)"]);
    orch.run(&validate(&["mine.toml"], &["--format", "json"])).code(2).prints(&["ORCH060", "live"]);
    orch.run(&validate(&["mine.toml"], &["--format", "sarif"])).code(2).prints(&["ORCH060", "\"2.1.0\""]);
    orch.run(&validate(&["mine.toml"], &["--format", "github"])).code(2).prints(&["::error", "ORCH060"]);
}

#[test]
fn validate_remote_names_every_account_that_cannot_be_reached() {
    let orch = orch();
    let role =
        |account: &str| format!("[[role]]\naccount = \"{account}\"\nname = \"MasterAcctRole\"\nexists = false\n");
    orch.write("aws.toml", &format!("{QUICK}{}{}", role("222222222222"), role("333333333333")));
    let said =
        ["error[ORCH080]", "account dev (222222222222)", "account staging (333333333333)", "hub-and-spoke.toml:"];
    let ended = orch.run(&validate(&SHIPPED[..1], &[])).code(3).says(&said).prints(&["in error (2 errors)"]);
    assert_eq!(ended.stderr.matches("error[").count(), 2, "{}", ended.stderr);
    // Where something is wrong with a plan as well, that is told.
    orch.edit("plans/templates/spoke.yaml", "Outputs:", "  Odd: {Type: Odd}\n\nOutputs:");
    orch.run(&validate(&SHIPPED[..1], &[])).code(2).says(&["error[ORCH080]", "error[ORCH081]", "[Odd]"]);
}

#[test]
fn validate_remote_says_what_aws_would_not_tell() {
    let orch = orch();
    orch.write(
        "aws.toml",
        &format!(
            "{QUICK}[[call]]\noperation = \"DescribeVpcs\"\naccount = \"222222222222\"\neffect = \"access-denied\"\n"
        ),
    );
    let said = ["error[ORCH082]", "DescribeVpcs", "credentials need ec2:DescribeVpcs"];
    orch.run(&validate(&SHIPPED[..1], &[])).code(3).says(&said);
}

#[test]
fn validate_remote_asks_nothing_about_a_plan_in_error() {
    let orch = orch();
    orch.edit("plans/us-east-1.toml", "region", "regoin");
    orch.run(&validate(&SHIPPED[..1], &[])).code(2).says(&["AWS is not asked about a plan in error"]);
    assert!(!orch.path(".orch").exists(), "AWS was called");
    orch.run(&["validate", SHIPPED[1], "--local"]).code(2).says(&["without --remote nothing is asked"]);
}
