use std::time::Duration;

use super::resources::ALL;
use super::{Bench, NET};
use crate::sim::ec2::security_group::{self, Direction};
use crate::sim::ec2::{Peer, Rule, Status, peering, route_table, subnet, tagging, vpc};
use crate::sim::world::later;

/// A VPC with everything that people change by hand.
pub(super) const HAND: &str = "
Parameters:
  Secret: {Type: String, NoEcho: true, Default: hunter2}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: 10.0.0.0/16
      EnableDnsHostnames: 'true'
      Tags: [{Key: Name, Value: hub}, {Key: Secret, Value: !Ref Secret}]
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, MapPublicIpOnLaunch: false}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Out: {Type: AWS::EC2::Route, DependsOn: Attachment, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: web
      VpcId: !Ref Vpc
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: '443', ToPort: 443, CidrIp: 0.0.0.0/0}]
  Rule: {Type: AWS::EC2::SecurityGroupIngress, Properties: {GroupId: !GetAtt Group.GroupId, IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 10.0.0.0/8}}
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
Outputs:
  SubnetId: {Value: !Ref Subnet}
";

/// What people do by hand.
pub(super) fn by_hand(bench: &mut Bench, name: &str) {
    let place = bench.place.clone();
    let id = |logical: &str| bench.id(name, logical);
    let (own, table, gateway, group) = (id("Vpc"), id("Table"), id("Gateway"), id("Group"));
    let gone = id("Subnet");
    vpc::get_mut(&mut bench.world, &place, &own).unwrap().dns_hostnames = false;
    let rename = [("Name".to_owned(), "my hub".to_owned()), ("Mine".to_owned(), "1".to_owned())];
    tagging::create(&mut bench.world, &place, &[&own], &rename.into()).unwrap();
    tagging::delete(&mut bench.world, &place, &[&table, &gateway], &[("Purpose".to_owned(), None)]).unwrap();
    subnet::delete(&mut bench.world, &place, &gone).unwrap();
    let ssh = Rule {
        protocol: "tcp".to_owned(),
        from_port: Some(22),
        to_port: Some(22),
        peer: Peer::V4("192.0.2.0/24".parse().unwrap()),
        description: Some("for now".to_owned()),
    };
    security_group::authorize(&mut bench.world, &place, &group, Direction::Ingress, vec![ssh]).unwrap();
}

/// Makes the stack of [`HAND`], with a tag of its own.
pub(super) fn made(bench: &mut Bench) {
    bench.ok(
        "CreateStack",
        &[
            ("StackName", "net"),
            ("TemplateBody", HAND),
            ("Tags.member.1.Key", "Purpose"),
            ("Tags.member.1.Value", "network"),
        ],
    );
    bench.settle();
    assert_eq!(bench.status("net"), "CREATE_COMPLETE", "{}", bench.story("net"));
}

/// Looks for drift and waits until that is over. Gives what is said of the detection.
fn detected(bench: &mut Bench, name: &str) -> String {
    let begun = bench.ok("DetectStackDrift", &[("StackName", name)]);
    let id = begun.split(['<', '>']).nth(2).unwrap().to_owned();
    let status = bench.ok("DescribeStackDriftDetectionStatus", &[("StackDriftDetectionId", &id)]);
    assert!(status.contains("<DetectionStatus>DETECTION_IN_PROGRESS<"), "{status}");
    bench.wait(3000);
    let status = bench.ok("DescribeStackDriftDetectionStatus", &[("StackDriftDetectionId", &id)]);
    let from = status.find("<DetectionStatus>").unwrap();
    status[from..].replace("><", ">\n<")
}

/// What was found, one line for each resource and each difference.
pub(super) fn drifts(bench: &Bench, name: &str) -> String {
    let mut lines = Vec::new();
    let Some(drift) = &bench.stack(name).drift else { return "NOT_CHECKED".to_owned() };
    for (id, found) in &drift.resources {
        lines.push(format!(
            "{id} {}{}",
            found.status,
            found.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default()
        ));
        for difference in &found.differences {
            let super::super::Difference { path, expected, actual, difference } = difference;
            lines.push(format!("  {difference} {path} {expected} -> {actual}"));
        }
    }
    lines.join("\n")
}

#[test]
fn nothing_has_drifted_that_nobody_has_touched() {
    let mut bench = Bench::new();
    bench.created("net", ALL);
    detected(&mut bench, "net");
    let drift = bench.stack("net").drift.clone().unwrap();
    assert_eq!(drift.resources.len(), bench.stack("net").resources.len());
    assert_eq!(drift.status.as_str(), "IN_SYNC", "{}", drifts(&bench, "net"));
}

#[test]
fn what_people_do_by_hand_is_found_property_by_property() {
    let mut bench = Bench::new();
    made(&mut bench);
    by_hand(&mut bench, "net");
    insta::assert_snapshot!(detected(&mut bench, "net"), @"
    <DetectionStatus>DETECTION_COMPLETE</DetectionStatus>
    <Timestamp>2026-01-01T00:00:03.000Z</Timestamp>
    <StackDriftStatus>DRIFTED</StackDriftStatus>
    <DriftedStackResourceCount>5</DriftedStackResourceCount>
    ");
    insta::assert_snapshot!(drifts(&bench, "net"), @r#"
    Attachment IN_SYNC
    Gateway MODIFIED
      REMOVE /Tags/0 {"Key":"Purpose","Value":"network"} -> null
    Group MODIFIED
      ADD /SecurityGroupIngress/1 null -> {"CidrIp":"192.0.2.0/24","IpProtocol":"tcp","FromPort":22,"ToPort":22,"Description":"for now"}
    Out IN_SYNC
    Rule IN_SYNC
    Subnet DELETED
    Table MODIFIED
      REMOVE /Tags/0 {"Key":"Purpose","Value":"network"} -> null
    Vpc MODIFIED
      NOT_EQUAL /EnableDnsHostnames "true" -> "false"
      NOT_EQUAL /Tags/0/Value "hub" -> "my hub"
      ADD /Tags/0 null -> {"Key":"Mine","Value":"1"}
    "#);
}

#[test]
fn the_protocol_tells_what_was_found() {
    let mut bench = Bench::new();
    made(&mut bench);
    by_hand(&mut bench, "net");
    detected(&mut bench, "net");
    let filter = [("StackName", "net"), ("StackResourceDriftStatusFilters.member.1", "MODIFIED")];
    let told = bench.ok("DescribeStackResourceDrifts", &filter);
    assert!(!told.contains("Subnet"), "{told}");
    let vpc = told.split("<member>").find(|one| one.contains(">Vpc<")).unwrap();
    // NoEcho or not: nothing is known to be masked here.
    assert!(vpc.contains("hunter2"), "{vpc}");
    let differences: String = told.split("<PropertyDifferences>").skip(1).take(1).collect();
    insta::assert_snapshot!(differences.split("</PropertyDifferences>").next().unwrap().replace("><", ">\n<"), @"
    <member>
    <PropertyPath>/Tags/0</PropertyPath>
    <DifferenceType>REMOVE</DifferenceType>
    <ExpectedValue>{&quot;Key&quot;:&quot;Purpose&quot;,&quot;Value&quot;:&quot;network&quot;}</ExpectedValue>
    <ActualValue>null</ActualValue>
    </member>
    ");
    let stacks = bench.ok("DescribeStacks", &[("StackName", "net")]);
    assert!(stacks.contains("<StackDriftStatus>DRIFTED</StackDriftStatus><LastCheckTimestamp>"), "{stacks}");
    let resources = bench.ok("ListStackResources", &[("StackName", "net")]);
    let handle = resources.split("<member>").find(|one| one.contains(">Handle<")).unwrap();
    assert!(handle.contains("<StackResourceDriftStatus>NOT_CHECKED<"), "{handle}");
    // What was found is no longer true of a stack that is being made anew.
    bench.updated("net", &HAND.replace("Value: hub", "Value: spoke"));
    assert!(bench.stack("net").drift.is_none());
}

#[test]
fn what_is_not_set_in_the_template_does_not_drift() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    let (place, own) = (bench.place.clone(), bench.id("net", "Vpc"));
    vpc::get_mut(&mut bench.world, &place, &own).unwrap().dns_hostnames = true;
    tagging::create(&mut bench.world, &place, &[&own], &[("Mine".to_owned(), "1".to_owned())].into()).unwrap();
    detected(&mut bench, "net");
    assert_eq!(bench.stack("net").drift.as_ref().unwrap().status.as_str(), "IN_SYNC");
}

#[test]
fn associations_routes_and_peerings_that_are_gone_are_found() {
    let mut bench = Bench::new();
    let template = "
Resources:
  One: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Two: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  Peering: {Type: AWS::EC2::VPCPeeringConnection, Properties: {VpcId: !Ref One, PeerVpcId: !Ref Two}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref One, CidrBlock: 10.0.1.0/24}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref One}}
  Other: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref One}}
  Association: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Table}}
  Route: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 10.1.0.0/16, VpcPeeringConnectionId: !Ref Peering}}
";
    bench.created("net", template);
    let place = bench.place.clone();
    let (association, other, pcx) =
        (bench.id("net", "Association"), bench.id("net", "Other"), bench.id("net", "Peering"));
    route_table::replace_association(&mut bench.world, &place, &association, &other).unwrap();
    peering::delete(&mut bench.world, &place, &pcx).unwrap();
    bench.wait(1000);
    assert_eq!(bench.world.peerings[&pcx].status, Status::Deleted);
    detected(&mut bench, "net");
    insta::assert_snapshot!(drifts(&bench, "net"), @"
    Association DELETED
    One IN_SYNC
    Other IN_SYNC
    Peering DELETED
    Route IN_SYNC
    Subnet IN_SYNC
    Table IN_SYNC
    Two IN_SYNC
    ");
}

#[test]
fn a_resource_that_cannot_be_read_fails_the_detection_and_leaves_the_others() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    bench.fail("Subnet", "READ");
    insta::assert_snapshot!(detected(&mut bench, "net"), @"
    <DetectionStatus>DETECTION_FAILED</DetectionStatus>
    <DetectionStatusReason>Failed to detect drift on resources [Subnet]</DetectionStatusReason>
    <Timestamp>2026-01-01T00:00:03.000Z</Timestamp>
    <StackDriftStatus>IN_SYNC</StackDriftStatus>
    <DriftedStackResourceCount>0</DriftedStackResourceCount>
    ");
    insta::assert_snapshot!(drifts(&bench, "net"), @"
    Association IN_SYNC
    Subnet UNKNOWN: Planned
    Table IN_SYNC
    Vpc IN_SYNC
    ");
}

#[test]
fn a_detection_needs_a_stack_that_stands_and_no_other_detection() {
    let mut bench = Bench::new();
    bench.create("net", NET);
    let ask = [("StackName", "net")];
    let refused = bench.refused("DetectStackDrift", &ask);
    assert!(refused.ends_with("while it is in [CREATE_IN_PROGRESS] state"), "{refused}");
    bench.settle();
    bench.ok("DetectStackDrift", &ask);
    let refused = bench.refused("DetectStackDrift", &ask);
    assert!(refused.contains("Drift detection is already in progress for stack [arn:"), "{refused}");
    // A stack that changes under a detection has not been looked at.
    bench.ok("DeleteStack", &ask);
    let until = later(bench.world.now, Duration::from_secs(3));
    bench.world.advance(until);
    let stack = bench.world.at(&bench.place).cloudformation.stacks.values().next().unwrap();
    assert_eq!(stack.detections[0].status.as_str(), "DETECTION_FAILED");
    insta::assert_snapshot!(bench.refused("DescribeStackDriftDetectionStatus", &[("StackDriftDetectionId", "x")]), @"ValidationError: Drift detection with id x does not exist");
}
