use super::Bench;
use crate::sim::ec2::{Status, peering, vpc};
use crate::sim::world::Place;

pub(super) const ALL: &str = "
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  More: {Type: AWS::EC2::VPCCidrBlock, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.1.0.0/16}}
  Six: {Type: AWS::EC2::VPCCidrBlock, Properties: {VpcId: !Ref Vpc, AmazonProvidedIpv6CidrBlock: true}}
  Subnet:
    Type: AWS::EC2::Subnet
    DependsOn: Six
    Properties:
      VpcId: !Ref Vpc
      CidrBlock: !Select [3, !Cidr [!GetAtt Vpc.CidrBlock, 4, 8]]
      Ipv6CidrBlock: !Select [0, !Cidr [!Select [0, !GetAtt Vpc.Ipv6CidrBlocks], 1, 64]]
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Out6: {Type: AWS::EC2::EgressOnlyInternetGateway, Properties: {VpcId: !Ref Vpc}}
  Address: {Type: AWS::EC2::EIP, DependsOn: Attachment, Properties: {Domain: vpc}}
  Nat: {Type: AWS::EC2::NatGateway, Properties: {SubnetId: !Ref Subnet, AllocationId: !GetAtt Address.AllocationId}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  ToNat: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref Nat}}
  ToOut: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationIpv6CidrBlock: '::/0', EgressOnlyInternetGatewayId: !Ref Out6}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: web
      VpcId: !Ref Vpc
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}]
      SecurityGroupEgress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}]
  Rule: {Type: AWS::EC2::SecurityGroupIngress, Properties: {GroupId: !GetAtt Group.GroupId, IpProtocol: tcp, FromPort: 80, ToPort: 80, SourceSecurityGroupId: !Ref Group}}
  Endpoint: {Type: AWS::EC2::VPCEndpoint, Properties: {VpcId: !Ref Vpc, ServiceName: !Sub 'com.amazonaws.${AWS::Region}.s3', RouteTableIds: [!Ref Table]}}
  Transit: {Type: AWS::EC2::TransitGateway, Properties: {Description: hub}}
  Link: {Type: AWS::EC2::TransitGatewayAttachment, Properties: {TransitGatewayId: !Ref Transit, VpcId: !Ref Vpc, SubnetIds: [!Ref Subnet]}}
  Acl: {Type: AWS::EC2::NetworkAcl, Properties: {VpcId: !Ref Vpc}}
Outputs:
  Subnet: {Value: !GetAtt Subnet.CidrBlock}
  Address: {Value: !Ref Address}
  Transit: {Value: !GetAtt Transit.TransitGatewayArn}
";

#[test]
fn everything_of_a_network_is_made_and_goes_again() {
    let mut bench = Bench::new();
    bench.created("net", ALL);
    assert_eq!(bench.output("net", "Subnet"), "10.0.3.0/24");
    let ec2 = bench.world.ec2(&bench.place);
    let table = &ec2.route_tables[&bench.id("net", "Table")];
    assert!(table.routes.values().any(|route| route.target.id == bench.id("net", "Nat")));
    assert_eq!(ec2.security_groups[&bench.id("net", "Group")].ingress.len(), 2);
    assert_eq!(ec2.security_groups[&bench.id("net", "Group")].egress.len(), 1);
    assert_eq!(ec2.attachments.len(), 1);
    bench.ok("DeleteStack", &[("StackName", "net")]);
    let id = bench.stack("net").id.clone();
    bench.settle();
    assert_eq!(bench.status(&id), "DELETE_COMPLETE", "{}", bench.story(&id));
    bench.wait(60_000);
    assert!(bench.world.is_empty());
}

#[test]
fn a_security_groups_rules_follow_its_properties() {
    let mut bench = Bench::new();
    bench.created("net", ALL);
    bench.updated("net", &ALL.replace("FromPort: 443, ToPort: 443", "FromPort: 8443, ToPort: 8443"));
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE", "{}", bench.story("net"));
    let group = &bench.world.ec2(&bench.place).security_groups[&bench.id("net", "Group")];
    let mut ports: Vec<_> = group.ingress.values().map(|rule| rule.from_port).collect();
    ports.sort_unstable();
    assert_eq!(ports, [Some(80), Some(8443)]);
    assert_eq!(group.egress.len(), 1);
}

#[test]
fn a_route_gets_another_target_in_place_and_an_association_another_table() {
    let mut bench = Bench::new();
    let template = "
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}}
  A: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  B: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Association: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref A}}
";
    bench.created("net", template);
    let old = bench.id("net", "Association");
    bench.updated("net", &template.replace("RouteTableId: !Ref A", "RouteTableId: !Ref B"));
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE", "{}", bench.story("net"));
    assert_ne!(bench.id("net", "Association"), old);
    let tables = &bench.world.ec2(&bench.place).route_tables;
    assert!(tables[&bench.id("net", "B")].associations.contains_key(&bench.id("net", "Association")));
    assert!(tables[&bench.id("net", "A")].associations.is_empty());
}

#[test]
fn a_peering_within_the_account_is_accepted_and_waited_for() {
    let mut bench = Bench::new();
    let template = "
Resources:
  A: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  B: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  Peering: {Type: AWS::EC2::VPCPeeringConnection, Properties: {VpcId: !Ref A, PeerVpcId: !Ref B}}
";
    bench.created("net", template);
    let id = bench.id("net", "Peering");
    assert_eq!(peering::get(&bench.world, &bench.place, &id).unwrap().status, Status::Active);
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert!(bench.world.is_empty());
}

#[test]
fn a_peering_between_overlapping_ranges_fails_the_stack() {
    let mut bench = Bench::new();
    let template = "
Resources:
  A: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  B: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Peering: {Type: AWS::EC2::VPCPeeringConnection, Properties: {VpcId: !Ref A, PeerVpcId: !Ref B}}
";
    bench.create("net", template);
    bench.settle();
    assert_eq!(bench.status("net"), "ROLLBACK_COMPLETE");
    assert!(bench.story("net").contains("is in state failed"), "{}", bench.story("net"));
}

#[test]
fn services_that_are_not_embedded_leave_records() {
    let mut bench = Bench::new();
    let template = "
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}
  Key: {Type: AWS::SSM::Parameter, Properties: {Name: /net/range, Type: String, Value: 10.7.0.0/16}}
  Bucket: {Type: AWS::S3::Bucket}
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: alarms}}
  Wait: {Type: AWS::CloudFormation::WaitConditionHandle}
Outputs:
  Role: {Value: !GetAtt Role.Arn}
  Key: {Value: !GetAtt Key.Value}
  Bucket: {Value: !GetAtt Bucket.Arn}
  Topic: {Value: !Ref Topic}
  Name: {Value: !GetAtt Topic.TopicName}
";
    bench.ok(
        "CreateStack",
        &[("StackName", "Rec"), ("TemplateBody", template), ("Capabilities.member.1", "CAPABILITY_IAM")],
    );
    bench.settle();
    assert_eq!(bench.status("Rec"), "CREATE_COMPLETE", "{}", bench.story("Rec"));
    assert!(bench.output("Rec", "Role").starts_with("arn:aws:iam::111111111111:role/Rec-Role-"));
    assert!(bench.output("Rec", "Bucket").starts_with("arn:aws:s3:::rec-bucket-"));
    assert_eq!(bench.output("Rec", "Topic"), "arn:aws:sns:us-east-1:111111111111:alarms");
    assert_eq!(bench.output("Rec", "Name"), "alarms");
    assert_eq!(bench.output("Rec", "Key"), "10.7.0.0/16");
    let reader = "Parameters: {Range: {Type: AWS::SSM::Parameter::Value<String>, Default: /net/range}}\nResources: {Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Range}}}\nOutputs: {R: {Value: !GetAtt Vpc.CidrBlock}}";
    bench.created("reader", reader);
    assert_eq!(bench.output("reader", "R"), "10.7.0.0/16");
    assert!(
        bench.ok("DescribeStacks", &[("StackName", "reader")]).contains("<ResolvedValue>10.7.0.0/16</ResolvedValue>")
    );
    for name in ["reader", "Rec"] {
        bench.ok("DeleteStack", &[("StackName", name)]);
    }
    bench.settle();
    assert!(bench.world.is_empty());
}

#[test]
fn a_resource_that_cannot_be_made_leaves_nothing_behind() {
    let mut bench = Bench::new();
    let template = "
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: web, VpcId: !Ref Vpc, SecurityGroupIngress: [{IpProtocol: tcp, CidrIp: nowhere}]}
";
    bench.ok("CreateStack", &[("StackName", "net"), ("TemplateBody", template), ("OnFailure", "DO_NOTHING")]);
    bench.settle();
    assert_eq!(bench.status("net"), "CREATE_FAILED");
    assert_eq!(bench.world.ec2(&bench.place).security_groups.len(), 1, "the VPC's own");
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert!(bench.world.is_empty());
}

#[test]
fn an_update_that_fails_leaves_its_resource_as_it_was_and_the_rollback_restores_it() {
    let mut bench = Bench::new();
    let template = "
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Way: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Way}}
";
    bench.created("net", template);
    let (way, before) = (bench.id("net", "Way"), bench.stack("net").events.len());
    bench.updated("net", &template.replace("InternetGatewayId: !Ref Way", "InternetGatewayId: igw-0"));
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_COMPLETE", "{}", bench.story("net"));
    let attached = bench.world.ec2(&bench.place).internet_gateways[&way].vpc.clone();
    assert_eq!(attached, Some(bench.id("net", "Vpc")));
    let story = bench.story("net");
    let tail: Vec<&str> = story.lines().skip(before).filter(|line| line.contains("Attachment")).collect();
    assert!(tail[1].contains("Attachment UPDATE_FAILED: Resource handler returned message"), "{tail:?}");
    assert!(tail[2].contains("UPDATE_ROLLBACK_IN_PROGRESS"), "{tail:?}");
    assert_eq!(tail[3..], ["3.0 Attachment UPDATE_IN_PROGRESS", "4.0 Attachment UPDATE_COMPLETE"]);
}

#[test]
fn a_peering_that_nobody_accepts_fails_in_time() {
    let mut bench = Bench::new();
    let west = Place { region: "us-west-2".into(), ..bench.place.clone() };
    let wanted = vpc::VpcRequest { cidr_block: "10.1.0.0/16".to_owned(), ..vpc::VpcRequest::default() };
    let other = vpc::create(&mut bench.world, &west, wanted).unwrap();
    let template = format!(
        "
Resources:
  A: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.0.0.0/16}}}}
  P: {{Type: AWS::EC2::VPCPeeringConnection, Properties: {{VpcId: !Ref A, PeerVpcId: {other}, PeerRegion: us-west-2}}}}
"
    );
    bench.create("net", &template);
    bench.settle();
    assert_eq!(bench.status("net"), "ROLLBACK_COMPLETE");
    let story = bench.story("net");
    let line = story.lines().find(|line| line.contains("P CREATE_FAILED")).unwrap();
    assert!(
        line.contains("\"Exceeded attempts to wait\"") && line.contains("HandlerErrorCode: NotStabilized"),
        "{line}"
    );
}

#[test]
fn records_need_their_properties_and_iam_names_are_one_accounts_in_all_regions() {
    let mut bench = Bench::new();
    let iam = |bench: &mut Bench, name: &str, template: &str| {
        let params =
            [("StackName", name), ("TemplateBody", template), ("Capabilities.member.1", "CAPABILITY_NAMED_IAM")];
        bench.ok("CreateStack", &params);
        bench.settle();
    };
    iam(&mut bench, "a", "Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: x}}}");
    assert!(bench.story("a").contains("#: required key [AssumeRolePolicyDocument] not found"), "{}", bench.story("a"));
    let role = "Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: x, Path: /team/, AssumeRolePolicyDocument: {}}}}\nOutputs: {Arn: {Value: !GetAtt R.Arn}}";
    iam(&mut bench, "b", role);
    assert_eq!(bench.output("b", "Arn"), "arn:aws:iam::111111111111:role/team/x");
    bench.place.region = "us-west-2".into();
    iam(&mut bench, "c", role);
    assert!(
        bench.story("c").contains("R CREATE_FAILED: x already exists in stack b of us-east-1"),
        "{}",
        bench.story("c")
    );
}

#[test]
fn a_nat_gateway_is_public_unless_it_says_otherwise() {
    let mut bench = Bench::new();
    let template = "
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}}
  Nat: {Type: AWS::EC2::NatGateway, Properties: {SubnetId: !Ref Subnet}}
";
    bench.create("a", template);
    bench.created(
        "b",
        &template.replace("{SubnetId: !Ref Subnet}", "{SubnetId: !Ref Subnet, ConnectivityType: private}"),
    );
    assert!(bench.story("a").contains("The request must contain the parameter AllocationId"), "{}", bench.story("a"));
    let public = template
        .replace("{SubnetId: !Ref Subnet}", "{SubnetId: !Ref Subnet, AllocationId: !GetAtt Ip.AllocationId}")
        .replace("  Nat:", "  Ip: {Type: AWS::EC2::EIP}\n  Nat:");
    bench.create("c", &public);
    bench.settle();
    assert_eq!(bench.status("c"), "ROLLBACK_COMPLETE");
    assert!(bench.story("c").contains("has no Internet gateway attached"), "{}", bench.story("c"));
}

#[test]
fn wrong_properties_fail_their_resource() {
    let mut bench = Bench::new();
    bench.create("a", "Resources: {V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16, Cidr: x}}}");
    bench.create("b", "Resources: {S: {Type: AWS::EC2::Subnet, Properties: {CidrBlock: 10.0.0.0/16}}}");
    bench.create("c", "Resources: {V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}, S: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref V, CidrBlock: 10.0.0.0/24, AvailabilityZoneId: mars1-az1}}}");
    bench.settle();
    assert!(bench.story("c").contains("Value (mars1-az1) for parameter availabilityZoneId is invalid."));
    assert!(bench.story("a").contains("#: extraneous key [Cidr] is not permitted"));
    assert!(bench.story("b").contains("#: required key [VpcId] not found"));
    let orphan = vpc::VpcRequest { cidr_block: "10.0.0.0/16".to_owned(), ..vpc::VpcRequest::default() };
    assert!(vpc::create(&mut bench.world, &bench.place, orphan).is_ok());
}
