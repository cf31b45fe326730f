//! What keeps a stack from harm: policies, protection, alarms, time limits; and express mode.

use std::time::Duration;

use super::{Bench, NET};
use crate::sim::AlarmFault;

/// A policy that lets everything pass but what one statement denies.
fn but(denied: &str) -> String {
    format!(
        r#"{{"Statement": [
            {{"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}},
            {{"Effect": "Deny", "Principal": "*", {denied}}}
        ]}}"#
    )
}

/// The network with another range, which replaces everything in it.
fn moved() -> String {
    NET.replace("10.0.0.0/16", "10.0.0.0/20")
}

fn policy(bench: &mut Bench, policy: &str) {
    bench.ok("SetStackPolicy", &[("StackName", "net"), ("StackPolicyBody", policy)]);
}

fn change_set(bench: &mut Bench, template: &str, more: &[(&str, &str)]) {
    let params = [("StackName", "net"), ("ChangeSetName", "c"), ("TemplateBody", template)];
    bench.ok("CreateChangeSet", &[&params, more].concat());
    bench.wait(1000);
}

/// The events after so many.
fn since(bench: &Bench, count: usize) -> String {
    bench.story("net").lines().skip(count).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_replacement_against_the_policy_fails_its_resource_and_the_update_is_taken_back() {
    for by_change_set in [false, true] {
        let mut bench = Bench::new();
        bench.created("net", NET);
        policy(&mut bench, &but(r#""Action": "Update:Replace", "Resource": "*""#));
        let (vpc, before) = (bench.id("net", "Vpc"), bench.stack("net").events.len());
        if by_change_set {
            change_set(&mut bench, &moved(), &[]);
            bench.ok("ExecuteChangeSet", &[("StackName", "net"), ("ChangeSetName", "c")]);
            bench.settle();
        } else {
            bench.updated("net", &moved());
        }
        assert_eq!((bench.status("net"), bench.id("net", "Vpc")), ("UPDATE_ROLLBACK_COMPLETE", vpc));
        let story = since(&bench, before);
        let reason = "Vpc UPDATE_FAILED: Action denied by stack policy: Statement [#2] does not allow [Update:Replace] for resource [LogicalResourceId/Vpc]";
        assert!(story.contains(reason), "{story}");
    }
}

#[test]
fn a_change_in_place_passes_where_only_replacement_is_denied() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    policy(&mut bench, &but(r#""Action": ["Update:Replace", "Update:Delete"], "Resource": "*""#));
    bench.updated("net", &NET.replace("{CidrBlock: !Ref Range}", "{CidrBlock: !Ref Range, EnableDnsHostnames: true}"));
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE");
}

#[test]
fn a_removal_against_the_policy_fails_before_anything_is_done() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    policy(&mut bench, &but(r#""Action": "Update:Delete", "Resource": "LogicalResourceId/A*""#));
    let before = bench.stack("net").events.len();
    let fewer = NET.lines().filter(|line| !line.contains("Association:")).collect::<Vec<_>>().join("\n");
    bench.updated("net", &fewer);
    insta::assert_snapshot!(since(&bench, before), @"
    3.0 net UPDATE_IN_PROGRESS: User Initiated
    3.0 Association UPDATE_FAILED: Action denied by stack policy: Statement [#2] does not allow [Update:Delete] for resource [LogicalResourceId/Association]
    3.0 net UPDATE_ROLLBACK_IN_PROGRESS: The following resource(s) failed to update: [Association]. 
    3.0 Association UPDATE_IN_PROGRESS
    4.0 Association UPDATE_COMPLETE
    4.0 net UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS
    4.0 net UPDATE_ROLLBACK_COMPLETE
    ");
    assert_eq!(bench.stack("net").resources.len(), 4);
}

#[test]
fn a_policy_may_be_set_aside_for_one_update() {
    let mut bench = Bench::new();
    bench.ok("CreateStack", &[("StackName", "net"), ("TemplateBody", NET), ("StackPolicyBody", "{}")]);
    bench.settle();
    bench.updated("net", &moved());
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_COMPLETE");
    assert!(bench.story("net").contains("Action not allowed by stack policy"), "{}", bench.story("net"));
    let meanwhile = but(r#""Action": "Update:Delete", "Resource": "LogicalResourceId/None*""#);
    let moved = moved();
    let update = [("StackName", "net"), ("TemplateBody", moved.as_str()), ("StackPolicyDuringUpdateBody", &meanwhile)];
    bench.ok("UpdateStack", &update);
    bench.settle();
    assert_eq!((bench.status("net"), bench.stack("net").policy.as_deref()), ("UPDATE_COMPLETE", Some("{}")));
}

#[test]
fn a_policy_that_is_none_or_names_what_is_not_there_is_refused() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let named = but(r#""Action": "Update:*", "Resource": "LogicalResourceId/Nobody""#);
    for (policy, why) in
        [("no", "Invalid stack policy"), (named.as_str(), "Unknown logical id 'LogicalResourceId/Nobody'")]
    {
        let params = [("StackName", "net"), ("StackPolicyBody", policy)];
        let refused = bench.refused("SetStackPolicy", &params);
        assert!(refused.starts_with(&format!("ValidationError: Error validating stack policy: {why}")), "{refused}");
        let params = [("StackName", "other"), ("TemplateBody", NET), ("StackPolicyBody", policy)];
        assert!(bench.refused("CreateStack", &params).contains(why));
    }
    assert_eq!(bench.stack("net").policy, None);
}

const ALARM: &str = "arn:aws:cloudwatch:us-east-1:111111111111:alarm:Errors";

/// The alarm as a rollback trigger that is watched for two minutes.
const WATCHED: [(&str, &str); 3] = [
    ("RollbackConfiguration.RollbackTriggers.member.1.Arn", ALARM),
    ("RollbackConfiguration.RollbackTriggers.member.1.Type", "AWS::CloudWatch::Alarm"),
    ("RollbackConfiguration.MonitoringTimeInMinutes", "2"),
];

#[test]
fn alarms_are_watched_before_an_operation_is_complete() {
    let mut bench = Bench::new();
    let create = [("StackName", "net"), ("TemplateBody", NET)];
    bench.ok("CreateStack", &[&create[..], &WATCHED[..]].concat());
    bench.wait(120_000);
    assert_eq!(bench.status("net"), "CREATE_IN_PROGRESS");
    bench.wait(4_000);
    assert_eq!(bench.status("net"), "CREATE_COMPLETE");
    let xml = bench.ok("DescribeStacks", &[("StackName", "net")]);
    let expected = format!(
        "<RollbackConfiguration><RollbackTriggers><member><Arn>{ALARM}</Arn><Type>AWS::CloudWatch::Alarm</Type></member></RollbackTriggers><MonitoringTimeInMinutes>2</MonitoringTimeInMinutes></RollbackConfiguration>"
    );
    assert!(xml.contains(&expected), "{xml}");
}

#[test]
fn an_alarm_that_fires_while_it_is_watched_takes_the_operation_back() {
    for (after, creation, update) in [
        (0, "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
        (119_000, "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
        (121_000, "CREATE_COMPLETE", "UPDATE_COMPLETE"),
    ] {
        let mut bench = Bench::new();
        let create = [("StackName", "old"), ("TemplateBody", NET)];
        bench.ok("CreateStack", &[&create[..], &WATCHED[..]].concat());
        bench.settle();
        bench.world.rules.faults.alarms = vec![AlarmFault { arn: "*:alarm:Err*".to_owned(), after_ms: after }];
        let create = [("StackName", "net"), ("TemplateBody", NET)];
        bench.ok("CreateStack", &[&create[..], &WATCHED[..]].concat());
        // The triggers of before are watched again.
        bench.ok("UpdateStack", &[("StackName", "old"), ("TemplateBody", &moved())]);
        bench.settle();
        assert_eq!((bench.status("net"), bench.status("old")), (creation, update), "{after}");
    }
}

#[test]
fn alarms_are_changed_and_taken_away_by_an_update() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let base = [("StackName", "net"), ("TemplateBody", NET)];
    bench.ok("UpdateStack", &[&base[..], &WATCHED[..]].concat());
    bench.settle();
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE");
    assert!(bench.refused("UpdateStack", &base).contains("No updates are to be performed"));
    bench.ok("UpdateStack", &[&base[..], &[("RollbackConfiguration.RollbackTriggers", "")]].concat());
    bench.settle();
    assert!(bench.stack("net").config.as_ref().unwrap().rollback.triggers.is_empty());
    let unknown = [WATCHED[0], ("RollbackConfiguration.RollbackTriggers.member.1.Type", "AWS::SNS::Topic")];
    assert!(bench.refused("UpdateStack", &[&base[..], &unknown].concat()).contains("is not supported"));
}

#[test]
fn what_becomes_of_a_failure_is_said_once() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let delete = [("StackName", "net"), ("ChangeSetName", "c"), ("TemplateBody", NET), ("OnStackFailure", "DELETE")];
    assert!(bench.refused("CreateChangeSet", &delete).contains("only for a change set that creates a stack"));
    change_set(&mut bench, &moved(), &[("OnStackFailure", "DO_NOTHING")]);
    let execute = [("StackName", "net"), ("ChangeSetName", "c"), ("DisableRollback", "true")];
    assert!(bench.refused("ExecuteChangeSet", &execute).contains("cannot be specified when"));
    let twice =
        [("StackName", "other"), ("TemplateBody", NET), ("DeploymentConfig.Mode", "EXPRESS"), ("OnFailure", "DELETE")];
    assert!(bench.refused("CreateStack", &twice).contains("together with DeploymentConfig"));
    let slow = [("StackName", "other"), ("TemplateBody", NET), ("DeploymentConfig.Mode", "SLOW")];
    assert!(bench.refused("CreateStack", &slow).contains("[STANDARD, EXPRESS]"));
}

/// A NAT gateway, which takes half a second more than its resource, and nothing that waits for it.
const NAT: &str = "
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24}}
  Nat: {Type: AWS::EC2::NatGateway, Properties: {SubnetId: !Ref Subnet, ConnectivityType: private}}
";

#[test]
fn in_express_mode_nobody_waits_for_what_nothing_needs() {
    for (mode, state) in [("STANDARD", "available"), ("EXPRESS", "pending")] {
        let mut bench = Bench::new();
        bench.world.rules.timing.gateway = Duration::from_mins(2);
        bench.ok("CreateStack", &[("StackName", "net"), ("TemplateBody", NAT), ("DeploymentConfig.Mode", mode)]);
        bench.settle();
        assert_eq!(bench.status("net"), "CREATE_COMPLETE");
        let ec2 = bench.world.ec2(&bench.place);
        assert_eq!(ec2.nat_gateways[&bench.id("net", "Nat")].state.as_str(), state);
        let described = bench.ok("DescribeStacks", &[("StackName", "net")]).contains("<Mode>EXPRESS</Mode>");
        assert_eq!(described, mode == "EXPRESS");
    }
}

#[test]
fn what_express_mode_has_made_is_found_after_a_while() {
    for (mode, seen_at_once) in [("STANDARD", true), ("EXPRESS", false)] {
        let mut bench = Bench::new();
        bench.world.rules.timing.express_visible = Duration::from_secs(5);
        bench.ok("CreateStack", &[("StackName", "net"), ("TemplateBody", NAT), ("DeploymentConfig.Mode", mode)]);
        bench.settle();
        let table = bench.id("net", "Subnet");
        let find = |bench: &mut Bench| bench.ask_ec2("DescribeSubnets", &[("SubnetId.1", &table)]);
        match find(&mut bench) {
            Ok(_) => assert!(seen_at_once),
            Err(error) => assert_eq!((error.code.as_ref(), seen_at_once), ("InvalidSubnetID.NotFound", false)),
        }
        bench.wait(5_000);
        find(&mut bench).unwrap();
    }
}

#[test]
fn a_failure_in_express_mode_is_left_as_it_is_unless_the_request_says_otherwise() {
    for (disable, creation, update) in
        [(None, "CREATE_FAILED", "UPDATE_FAILED"), (Some("false"), "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")]
    {
        let mut bench = Bench::new();
        bench.created("net", NET);
        let mut express = vec![("DeploymentConfig.Mode", "EXPRESS")];
        express.extend(disable.map(|disable| ("DeploymentConfig.DisableRollback", disable)));
        bench.fail("Subnet", "CREATE");
        bench.fail("Late", "CREATE");
        bench.ok("CreateStack", &[&[("StackName", "new"), ("TemplateBody", NET)], express.as_slice()].concat());
        let late =
            NET.replace("Outputs:", "  Late: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\nOutputs:");
        change_set(&mut bench, &late, &express);
        bench.ok("ExecuteChangeSet", &[("StackName", "net"), ("ChangeSetName", "c")]);
        bench.settle();
        assert_eq!((bench.status("new"), bench.status("net")), (creation, update));
    }
}
