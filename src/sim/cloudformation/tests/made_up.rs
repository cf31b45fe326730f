//! What a world that was seeded does not know: nothing fails because of it, and nothing of it is taken for AWS's own.

use super::Bench;
use super::seeded::{VPC, assumed, bench, standing, with};
use crate::sim::world::UNDECIDED;

/// A change set's status, reason and changes.
fn change_set(bench: &mut Bench, stack: &str, template: &str) -> String {
    let named = [("StackName", stack), ("ChangeSetName", "next")];
    let mut given = named.to_vec();
    given.push(("TemplateBody", template));
    bench.ok("CreateChangeSet", &given);
    bench.wait(60_000);
    bench.ok("DescribeChangeSet", &named)
}

/// The template with one more resource, with which nothing else has to do.
fn grown(template: &str) -> String {
    template.replace("Resources:\n", "Resources:\n  Unrelated: {Type: AWS::EC2::InternetGateway}\n")
}

const GATEWAY: (&str, &str, &str) = ("Gateway", "igw-0aaaaaaaaaaaaaaa2", "AWS::EC2::InternetGateway");
const GATEWAY_ALONE: &str = "Resources: {Gateway: {Type: AWS::EC2::InternetGateway}}";

#[test]
fn what_a_hidden_parameter_is_given_is_in_nothing_that_is_told() {
    let template = "
Parameters: {Key: {Type: String, NoEcho: true, MinLength: 8}}
Resources:
  Gateway: {Type: AWS::EC2::InternetGateway, Properties: {Tags: [{Key: a, Value: !Ref Key}]}}
Outputs:
  Word: {Value: !Sub 'x-${Key}'}
  Coded: {Value: {Fn::Base64: !Ref Key}}
";
    let mut bench = bench(GATEWAY_ALONE, &[GATEWAY], &[]);
    let given = |value| {
        let parameter = [("Parameters.member.1.ParameterKey", "Key"), ("Parameters.member.1.ParameterValue", value)];
        [[("StackName", "fresh"), ("TemplateBody", template)], parameter].concat()
    };
    // It is held to the template all the same.
    let refused = bench.refused("CreateStack", &given("short"));
    assert!(refused.contains("at least 8 characters"), "{refused}");
    bench.ok("CreateStack", &given("swordfish"));
    bench.settle();
    assert_eq!(bench.output("fresh", "Word"), "x-****");
    let told = bench.ok("DescribeStacks", &[("StackName", "fresh")]);
    for secret in ["swordfish", "c3dvcmRmaXNo"] {
        assert!(!told.contains(secret), "{told}");
    }
    assert!(bench.world.has_made_up(bench.output("fresh", "Word")));
}

#[test]
fn what_hangs_on_something_hidden_stays_what_it_is() {
    const TEMPLATE: &str = "
Parameters: {Key: {Type: String, NoEcho: true, Default: ''}}
Conditions:
  Has: !Not [!Equals [!Ref Key, '']]
Resources:
  Gateway:
    Type: AWS::EC2::InternetGateway
    Properties: {Tags: [{Key: a, Value: !Select [1, !Split [':', !Ref Key]]}, {Key: b, Value: !If [Has, c, d]}]}
  Extra: {Type: AWS::EC2::RouteTable, Condition: Has, Properties: {VpcId: vpc-0657eecdd3cb13d09}}
Outputs:
  Gateway: {Value: !Ref Gateway}
  Extra: {Condition: Has, Value: !Ref Extra}
";
    let extra = ("Extra", "rtb-0657eecdd3cb13d0a", "AWS::EC2::RouteTable");
    let (gateway, table) = (("Gateway", "igw-0aaaaaaaaaaaaaaa2"), ("Extra", "rtb-0657eecdd3cb13d0a"));
    for (resources, outputs) in [(&[GATEWAY][..], &[gateway][..]), (&[GATEWAY, extra], &[gateway, table])] {
        let mut bench = bench(TEMPLATE, resources, outputs);
        let same = bench.refused("UpdateStack", &[("StackName", "net"), ("TemplateBody", TEMPLATE)]);
        assert_eq!(same, "ValidationError: No updates are to be performed.");
        let next = grown(TEMPLATE);
        let told = change_set(&mut bench, "net", &next);
        assert!(told.contains("<Status>CREATE_COMPLETE") && told.contains("Unrelated"), "{told}");
        assert!(!told.contains("<LogicalResourceId>Extra") && !told.contains("<LogicalResourceId>Gateway"), "{told}");
        bench.updated("net", &next);
        assert_eq!(bench.status("net"), "UPDATE_COMPLETE", "{}", bench.story("net"));
        assert_eq!(bench.stack("net").resources.contains_key("Extra"), resources.len() == 2);
        assert_eq!(bench.stack("net").outputs.len(), outputs.len());
        // Whether one more is made nobody knows, nor what a new stack has.
        let more = "  Another: {Type: AWS::EC2::InternetGateway, Condition: Has}\nOutputs:\n";
        let refused =
            bench.refused("UpdateStack", &[("StackName", "net"), ("TemplateBody", &next.replace("Outputs:\n", more))]);
        assert!(refused.contains(UNDECIDED), "{refused}");
        bench.create("fresh", TEMPLATE);
        bench.settle();
        assert!(bench.story("fresh").contains(UNDECIDED), "{}", bench.story("fresh"));
    }
}

const ZONE: &str = "
Resources:
  Zone: {Type: AWS::Route53::HostedZone, Properties: {Name: example.org}}
  Balancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer}
  Gateway:
    Type: AWS::EC2::InternetGateway
    Metadata: {Servers: !Join [',', !GetAtt Zone.NameServers]}
    Properties: {Tags: [{Key: servers, Value: !Join [',', !GetAtt Zone.NameServers]}]}
  Alarm: {Type: AWS::CloudWatch::Alarm, Properties: {Balancer: !Select [1, !Split ['/', !GetAtt Balancer.LoadBalancerArn]]}}
Outputs:
  Address: {Value: !Sub '${Balancer.DNSName}/x'}
";

const ZONE_STANDING: &[(&str, &str, &str)] = &[
    ("Zone", "Z0123456789", "AWS::Route53::HostedZone"),
    ("Balancer", "arn:aws:elasticloadbalancing:us-east-1:111111111111:x", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
    GATEWAY,
    ("Alarm", "net-Alarm-1", "AWS::CloudWatch::Alarm"),
];

#[test]
fn an_update_does_not_fail_because_of_what_was_made_up_of_something_that_it_does_not_touch() {
    let outputs = [("Address", "net-1.elb.amazonaws.com/x")];
    let mut bench = bench(ZONE, ZONE_STANDING, &outputs);
    let next = grown(ZONE);
    let told = change_set(&mut bench, "net", &next);
    assert!(told.contains("<Status>CREATE_COMPLETE"), "{told}");
    assert_eq!(told.matches("<LogicalResourceId>").count(), 1, "{told}");
    bench.updated("net", &next);
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE", "{}", bench.story("net"));
    for (name, id, _) in ZONE_STANDING {
        assert_eq!(bench.id("net", name), *id);
    }
    // It follows from what is the same.
    assert_eq!(bench.output("net", "Address"), outputs[0].1);
    assert_eq!(assumed(&bench, "net"), ["what is hidden (Key) is taken to stay what it is"]);
    // Another text of it is told as known later, and what is wrong by itself still is.
    let other = next.replace("!Select [1, !Split ['/', ", "!Select [2, !Split ['/', ");
    bench.updated("net", &other);
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE", "{}", bench.story("net"));
    let wrong = grown(ZONE).replace("Name: example.org", "Name: !Select [1, [a]]");
    let refused = bench.refused("UpdateStack", &[("StackName", "net"), ("TemplateBody", &wrong)]);
    assert!(refused.contains("cannot select nonexistent value"), "{refused}");
}

const NETWORK: &str = "
Resources:
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: vpc-0657eecdd3cb13d09, CidrBlock: 10.0.1.0/24}}
  Eip: {Type: AWS::EC2::EIP}
  Spare: {Type: AWS::EC2::EIP}
  Endpoint:
    Type: AWS::EC2::VPCEndpoint
    Properties: {VpcId: vpc-0657eecdd3cb13d09, ServiceName: com.amazonaws.us-east-1.ec2, VpcEndpointType: Interface}
Outputs:
  Allocation: {Value: !GetAtt Eip.AllocationId}
";

const NETWORK_STANDING: &[(&str, &str, &str)] = &[
    ("Subnet", "subnet-0aaaaaaaaaaaaaaa1", "AWS::EC2::Subnet"),
    ("Eip", "54.1.2.3", "AWS::EC2::EIP"),
    ("Spare", "54.1.2.4", "AWS::EC2::EIP"),
    ("Endpoint", "vpce-0aaaaaaaaaaaaaaa5", "AWS::EC2::VPCEndpoint"),
];

#[test]
fn what_aws_chooses_is_known_by_what_it_tells_or_told_as_made_up() {
    let outputs = [("Allocation", "eipalloc-0aaaaaaaaaaaaaaa6")];
    let mut bench = bench(NETWORK, NETWORK_STANDING, &outputs);
    let next = format!(
        "{}  Named: {{Value: !Sub 'a-${{Eip.AllocationId}}'}}
  Spare: {{Value: !GetAtt Spare.AllocationId}}
  Zone: {{Value: !GetAtt Subnet.AvailabilityZone}}
  Zones: {{Value: !GetAtt Subnet.AvailabilityZoneId}}
  Acl: {{Value: !Select [0, !GetAtt Endpoint.NetworkInterfaceIds]}}
  Entry: {{Value: !Select [1, !Split [':', !Select [2, !GetAtt Endpoint.DnsEntries]]]}}
  Far: {{Value: !Select [7, !GetAZs '']}}
",
        grown(NETWORK)
    )
    .replace(
        "Resources:\n",
        "Resources:
  Far: {Type: AWS::EC2::Subnet, Properties: {VpcId: vpc-0657eecdd3cb13d09, CidrBlock: 10.0.2.0/24, AvailabilityZone: !Select [7, !GetAZs '']}}
  Third: {Type: AWS::EC2::Subnet, Properties: {VpcId: vpc-0657eecdd3cb13d09, CidrBlock: 10.0.3.0/24, AvailabilityZoneId: use1-az9}}
",
    );
    bench.updated("net", &next);
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE", "{}", bench.story("net"));
    assert_eq!(bench.output("net", "Allocation"), outputs[0].1);
    assert_eq!(bench.output("net", "Named"), "a-eipalloc-0aaaaaaaaaaaaaaa6");
    for made_up in ["Spare", "Zone", "Zones", "Acl", "Entry", "Far"] {
        let value = bench.output("net", made_up);
        assert!(bench.world.has_made_up(value), "{made_up}: {value}");
    }
    assert!(!bench.world.has_made_up(bench.output("net", "Named")) && !bench.world.has_made_up(VPC));
}

#[test]
fn what_was_told_of_a_resource_is_not_told_of_the_one_in_its_place() {
    const TEMPLATE: &str = "
Resources:
  Eip: {Type: AWS::EC2::EIP}
  Queue: {Type: AWS::Odd::Queue, Properties: {Name: a}}
Outputs:
  Allocation: {Value: !GetAtt Eip.AllocationId}
  Queue: {Value: !GetAtt Queue.Arn}
";
    let standing = [("Eip", "54.1.2.3", "AWS::EC2::EIP"), ("Queue", "net-Queue-1X2Y", "AWS::Odd::Queue")];
    let outputs = [("Allocation", "eipalloc-0aaaaaaaaaaaaaaa6"), ("Queue", "arn:aws:odd:us-east-1:111111111111:q")];
    let mut bench = bench(TEMPLATE, &standing, &outputs);
    bench.updated(
        "net",
        &TEMPLATE
            .replace("Type: AWS::EC2::EIP", "Type: AWS::EC2::EIP, Properties: {NetworkBorderGroup: us-east-1}")
            .replace("Name: a", "Name: b"),
    );
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE", "{}", bench.story("net"));
    assert_ne!(bench.output("net", "Allocation"), outputs[0].1);
    assert_eq!(bench.output("net", "Queue"), outputs[1].1, "it is changed where it stands");
}

#[test]
fn what_needs_another_stacks_resources_stands_in_whatever_order_they_come() {
    let template = |more: &str| format!("Resources:\n{more}");
    let attachment = template(
        "  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: vpc-0657eecdd3cb13d09, InternetGatewayId: igw-0aaaaaaaaaaaaaaa2}}\n",
    );
    let attached = [("Attachment", "IGW|vpc-0657eecdd3cb13d09", "AWS::EC2::VPCGatewayAttachment")];
    let mut bench =
        with(vec![standing("net", &attachment, &attached, &[]), standing("other", GATEWAY_ALONE, &[GATEWAY], &[])]);
    assert_eq!(bench.world.ec2(&bench.place).internet_gateways[GATEWAY.1].vpc.as_deref(), Some(VPC));
    assert!(!assumed(&bench, "net").iter().any(|what| what.contains("Attachment")), "{:?}", assumed(&bench, "net"));
    let route = "  Out: {Type: AWS::EC2::Route, Properties: {RouteTableId: rtb-0657eecdd3cb13d0a, DestinationCidrBlock: 10.77.0.0/16, GatewayId: igw-0aaaaaaaaaaaaaaa2}}\n";
    bench.created("fresh", &template(route));
}
