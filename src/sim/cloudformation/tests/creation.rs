use std::time::Duration;

use super::{Bench, NET};

#[test]
fn resources_are_created_in_the_order_of_their_needs_and_side_by_side() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    insta::assert_snapshot!(bench.story("net"), @"
    0.0 net CREATE_IN_PROGRESS: User Initiated
    0.0 Vpc CREATE_IN_PROGRESS
    0.0 Vpc CREATE_IN_PROGRESS: Resource creation Initiated
    1.0 Vpc CREATE_COMPLETE
    1.0 Subnet CREATE_IN_PROGRESS
    1.0 Subnet CREATE_IN_PROGRESS: Resource creation Initiated
    1.0 Table CREATE_IN_PROGRESS
    1.0 Table CREATE_IN_PROGRESS: Resource creation Initiated
    2.0 Subnet CREATE_COMPLETE
    2.0 Table CREATE_COMPLETE
    2.0 Association CREATE_IN_PROGRESS
    2.0 Association CREATE_IN_PROGRESS: Resource creation Initiated
    3.0 Association CREATE_COMPLETE
    3.0 net CREATE_COMPLETE
    ");
    assert_eq!(bench.output("net", "Range"), "10.0.0.0/16");
    assert_eq!(bench.output("net", "VpcId"), bench.id("net", "Vpc"));
    let ec2 = bench.world.ec2(&bench.place);
    let tables = &ec2.route_tables[&bench.id("net", "Table")];
    assert!(tables.associations.contains_key(&bench.id("net", "Association")));
    assert_eq!(ec2.subnets[&bench.id("net", "Subnet")].zone, "us-east-1a");
}

#[test]
fn a_stacks_tags_come_to_its_resources() {
    let mut bench = Bench::new();
    let params =
        [("StackName", "net"), ("TemplateBody", NET), ("Tags.member.1.Key", "Purpose"), ("Tags.member.1.Value", "x")];
    bench.ok("CreateStack", &params);
    bench.settle();
    let tags = &bench.world.ec2(&bench.place).vpcs[&bench.id("net", "Vpc")].tags;
    assert_eq!(tags["Purpose"], "x");
    assert_eq!(tags["aws:cloudformation:stack-name"], "net");
    assert_eq!(tags["aws:cloudformation:logical-id"], "Vpc");
}

#[test]
fn a_failure_cancels_what_is_under_way_and_takes_everything_back() {
    let mut bench = Bench::new();
    bench.fail("Subnet", "CREATE");
    bench.create("net", NET);
    bench.settle();
    insta::assert_snapshot!(bench.story("net"), @"
    0.0 net CREATE_IN_PROGRESS: User Initiated
    0.0 Vpc CREATE_IN_PROGRESS
    0.0 Vpc CREATE_IN_PROGRESS: Resource creation Initiated
    1.0 Vpc CREATE_COMPLETE
    1.0 Subnet CREATE_IN_PROGRESS
    1.0 Table CREATE_IN_PROGRESS
    1.0 Table CREATE_IN_PROGRESS: Resource creation Initiated
    2.0 Subnet CREATE_FAILED: Planned
    2.0 Table CREATE_FAILED: Resource creation cancelled
    2.0 net ROLLBACK_IN_PROGRESS: The following resource(s) failed to create: [Subnet, Table]. Rollback requested by user.
    2.0 Table DELETE_IN_PROGRESS
    3.0 Table DELETE_COMPLETE
    3.0 Vpc DELETE_IN_PROGRESS
    4.0 Vpc DELETE_COMPLETE
    4.0 net ROLLBACK_COMPLETE
    ");
    assert!(bench.world.ec2(&bench.place).is_empty());
    let update = [("StackName", "net"), ("TemplateBody", NET)];
    insta::assert_snapshot!(bench.refused("UpdateStack", &update).replace(&bench.stack("net").id, "ARN"), @"ValidationError: Stack:ARN is in ROLLBACK_COMPLETE state and can not be updated.");
    insta::assert_snapshot!(bench.refused("CreateStack", &update), @"AlreadyExistsException: Stack [net] already exists");
}

#[test]
fn what_ec2_refuses_fails_the_stack() {
    let mut bench = Bench::new();
    bench.create("net", &NET.replace("Default: 10.0.1.0/24", "Default: 10.9.0.0/24"));
    bench.settle();
    assert_eq!(bench.status("net"), "ROLLBACK_COMPLETE");
    let story = bench.story("net");
    let line = story.lines().find(|line| line.contains("Subnet CREATE_FAILED")).unwrap();
    assert!(line.contains("The CIDR '10.9.0.0/24' is invalid. (Service: Ec2, Status Code: 400"), "{line}");
}

#[test]
fn on_failure_decides_what_stays() {
    for (words, status, empty) in [
        (("OnFailure", "DO_NOTHING"), "CREATE_FAILED", false),
        (("DisableRollback", "true"), "CREATE_FAILED", false),
        (("OnFailure", "ROLLBACK"), "ROLLBACK_COMPLETE", true),
        (("OnFailure", "DELETE"), "DELETE_COMPLETE", true),
    ] {
        let mut bench = Bench::new();
        bench.fail("Subnet", "CREATE");
        bench.ok("CreateStack", &[("StackName", "net"), ("TemplateBody", NET), words]);
        let id = bench.stack("net").id.clone();
        bench.settle();
        assert_eq!(bench.status(&id), status, "{words:?}");
        assert_eq!(bench.world.ec2(&bench.place).is_empty(), empty, "{words:?}");
    }
}

#[test]
fn a_stack_takes_the_time_that_its_name_and_its_types_say() {
    let mut bench = Bench::new();
    let timing = &mut bench.world.rules.timing;
    timing.resource = Duration::ZERO;
    timing.stacks = [("slow".to_owned(), Duration::from_secs(12)), ("*".to_owned(), Duration::from_secs(4))].into();
    timing.resource_types = [("AWS::EC2::Subnet".to_owned(), Duration::from_secs(1))].into();
    for name in ["slow", "fast"] {
        bench.create(name, NET);
    }
    bench.settle();
    let end = |name| bench.story(name).lines().last().unwrap().to_owned();
    assert_eq!(end("slow"), "13.0 slow CREATE_COMPLETE");
    assert_eq!(end("fast"), "5.0 fast CREATE_COMPLETE");
}

#[test]
fn a_repeated_request_with_a_token_gets_the_same_answer() {
    let mut bench = Bench::new();
    let params = [("StackName", "net"), ("TemplateBody", NET), ("ClientRequestToken", "t1")];
    let first = bench.ok("CreateStack", &params);
    assert_eq!(bench.ok("CreateStack", &params), first);
    bench.settle();
    assert_eq!(bench.ok("CreateStack", &params), first);
    assert!(bench.stack("net").events.iter().all(|event| event.token.as_deref() == Some("t1")));
    insta::assert_snapshot!(bench.refused("UpdateStack", &params), @"TokenAlreadyExistsException: Client request token t1 was used by another operation on stack net");
    insta::assert_snapshot!(bench.refused("CreateStack", &[("StackName", "net"), ("TemplateBody", NET), ("ClientRequestToken", "t2")]), @"AlreadyExistsException: Stack [net] already exists");
}

#[test]
fn requests_that_make_no_sense_are_refused_before_anything_happens() {
    let mut bench = Bench::new();
    let mut refused = |name: &str, template: &str, more: &[(&str, &str)]| {
        let params: Vec<_> =
            [("StackName", name), ("TemplateBody", template)].into_iter().chain(more.iter().copied()).collect();
        bench.refused("CreateStack", &params)
    };
    insta::assert_snapshot!(refused("a_b", NET, &[]), @"ValidationError: 1 validation error detected: Value 'a_b' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*");
    insta::assert_snapshot!(refused("a", "Resources: [", &[]), @"ValidationError: Template format error: YAML not well-formed. (line 1, column 13)");
    insta::assert_snapshot!(refused("a", "{", &[]), @"ValidationError: Template format error: JSON not well-formed. (line 1, column 2)");
    insta::assert_snapshot!(refused("a", "x", &[]), @"ValidationError: Template format error: unsupported structure.");
    insta::assert_snapshot!(refused("a", "Resources: {}", &[]), @"ValidationError: Template format error: At least one Resources member must be defined.");
    insta::assert_snapshot!(refused("a", "Resources: {X: {Type: VPC}, Y: {Type: AWS::EC2}, Z: {Type: AWS::EC2::VPC}}", &[]), @"ValidationError: Template format error: Unrecognized resource types: [AWS::EC2, VPC]");
    insta::assert_snapshot!(refused("a", "Conditions: {C: !Equals [a, b]}\nResources: {N: {Type: AWS::EC2::InternetGateway, Condition: C}, X: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref N, Y: !If [C, !Ref N, a]}}}", &[]), @"ValidationError: Template format error: Unresolved resource dependencies [N] in the Resources block of the template");
    insta::assert_snapshot!(refused("a", "Conditions: {C: !Equals [a, b]}\nResources: {N: {Type: AWS::EC2::VPC, Condition: C}, X: {Type: AWS::EC2::InternetGateway}}\nOutputs: {O: {Value: !Sub '${N.CidrBlock}'}}", &[]), @"ValidationError: Template format error: Unresolved resource dependencies [N] in the Outputs block of the template");
    insta::assert_snapshot!(refused("a", "Resources: {X: {Type: AWS::IAM::Role, Properties: {RoleName: x}}}", &[]), @"InsufficientCapabilitiesException: Requires capabilities : [CAPABILITY_NAMED_IAM]");
    insta::assert_snapshot!(refused("a", "Parameters: {P: {Type: String}}\nResources: {X: {Type: AWS::EC2::VPC}}", &[]), @"ValidationError: Parameters: [P] must have values");
    insta::assert_snapshot!(refused("a", NET, &[("Parameters.member.1.ParameterKey", "No")]), @"ValidationError: Parameters: [No] do not exist in the template");
    insta::assert_snapshot!(refused("a", "Parameters: {P: {Type: Number}}\nResources: {X: {Type: AWS::EC2::VPC}}", &[("Parameters.member.1.ParameterKey", "P"), ("Parameters.member.1.ParameterValue", "x")]), @"ValidationError: Parameter 'P' must be a number");
    insta::assert_snapshot!(refused("a", "Parameters: {P: {Type: AWS::EC2::VPC::Id, Default: vpc-1}}\nResources: {X: {Type: AWS::EC2::VPC}}", &[]), @"ValidationError: Parameter validation failed: parameter value vpc-1 for parameter name P does not exist");
    insta::assert_snapshot!(refused("a", &" ".repeat(51_201), &[]), @"ValidationError: 1 validation error detected: Value '(the template)' at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200");
    insta::assert_snapshot!(refused("a", NET, &[("Tags.member.1.Key", "aws:x")]), @"ValidationError: Tag key [aws:x] is not allowed: it is empty or begins with aws:");
    insta::assert_snapshot!(refused("a", NET, &[("Tags.member.1.Key", "x")]), @"ValidationError: 1 validation error detected: Value '' at 'tags' failed to satisfy constraint: Member must have length greater than or equal to 1");
    let each = "Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::X': [A, [b], {}], G: {Type: AWS::EC2::InternetGateway}}";
    insta::assert_snapshot!(refused("a", each, &[]), @"ValidationError: Fn::ForEach::X cannot be run: the embedded AWS has no macros");
    assert!(bench.world.is_empty());
}

#[test]
fn a_dynamic_reference_fails_rather_than_pass_for_a_value() {
    let mut bench = Bench::new();
    bench.create("a", "Resources: {V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: '{{resolve:ssm:/net}}'}}}");
    bench.settle();
    assert_eq!(bench.status("a"), "ROLLBACK_COMPLETE");
    assert!(
        bench.story("a").contains("V CREATE_FAILED: The dynamic reference in property CidrBlock cannot be resolved")
    );
}

#[test]
fn a_type_that_is_not_embedded_fails_its_stack_loudly() {
    let mut bench = Bench::new();
    bench.create("a", "Resources: {Net: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}, X: {Type: AWS::No::Such, DependsOn: Net}}");
    bench.create("b", "Resources: {X: {Type: Custom::Thing, Properties: {ServiceToken: x}}}");
    bench.settle();
    let story = bench.story("a");
    let line = story.lines().find(|line| line.contains("X CREATE_FAILED")).unwrap();
    insta::assert_snapshot!(line, @"2.0 X CREATE_FAILED: The embedded AWS does not have the resource type AWS::No::Such: apply this stack to AWS itself, or leave the resource out here by a condition. docs/embedded-aws.md lists the types that it has");
    for name in ["a", "b"] {
        assert_eq!(bench.status(name), "ROLLBACK_COMPLETE", "{}", bench.story(name));
    }
    assert!(bench.world.ec2(&bench.place).is_empty());
    bench.created("c", "Conditions: {C: !Equals [a, b]}\nResources: {X: {Type: AWS::No::Such, Condition: C}, Y: {Type: none, Condition: C}, Z: {Type: AWS::EC2::InternetGateway}}");
}

#[test]
fn a_creation_ends_when_its_time_is_up() {
    let mut bench = Bench::new();
    bench.world.rules.timing.resource_types = [("AWS::EC2::Subnet".to_owned(), Duration::from_mins(3))].into();
    for (name, minutes) in [("short", "2"), ("long", "4")] {
        bench.ok("CreateStack", &[("StackName", name), ("TemplateBody", NET), ("TimeoutInMinutes", minutes)]);
    }
    bench.settle();
    assert_eq!((bench.status("short"), bench.status("long")), ("ROLLBACK_COMPLETE", "CREATE_COMPLETE"));
    let story = bench.story("short");
    assert!(story.contains("120.0 short ROLLBACK_IN_PROGRESS: Stack creation time exceeded the specified timeout. Rollback requested by user."), "{story}");
}

#[test]
fn a_reason_is_a_sentence_of_its_own() {
    let mut bench = Bench::new();
    bench.create("net", &format!("{NET}  Bad: {{Value: !ImportValue none}}\n"));
    bench.settle();
    let story = bench.story("net");
    assert!(story.contains("No export named none found. Rollback requested by user."), "{story}");
}

#[test]
fn secrets_are_not_told_in_events_and_change_sets() {
    let mut bench = Bench::new();
    let template = "
Parameters: {Key: {Type: String, NoEcho: true}}
Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Sub 'key=${Key}'}}}
";
    let key = [("Parameters.member.1.ParameterKey", "Key")];
    let given = |value| [("StackName", "a"), ("TemplateBody", template), ("Parameters.member.1.ParameterValue", value)];
    bench.ok("CreateStack", &[&given("hunter2")[..], &key].concat());
    bench.wait(100);
    let events = bench.ok("DescribeStackEvents", &[("StackName", "a")]);
    assert!(events.contains("key=****") && !events.contains("hunter2"), "{events}");
    bench.settle();
    bench.ok("CreateChangeSet", &[&given("swordfish")[..], &key, &[("ChangeSetName", "c")]].concat());
    bench.wait(5000);
    let shown =
        bench.ok("DescribeChangeSet", &[("StackName", "a"), ("ChangeSetName", "c"), ("IncludePropertyValues", "true")]);
    assert!(shown.contains("key=****") && !shown.contains("hunter2") && !shown.contains("swordfish"), "{shown}");
}
