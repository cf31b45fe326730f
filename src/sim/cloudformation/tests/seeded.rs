//! Stacks in a world that begins with what stands elsewhere.

use super::Bench;
use crate::sim::seed::{self, Parameter, Resource, Seed, Stack, Vpc};

pub(super) const VPC: &str = "vpc-0657eecdd3cb13d09";
const TABLE: &str = "rtb-0657eecdd3cb13d0a";

fn resource(id: &str, type_name: &str) -> Resource {
    let (id, type_name) = (id.to_owned(), type_name.to_owned());
    Resource { id, type_name, status: "CREATE_COMPLETE".to_owned(), reason: None }
}

const POLICY: &str = r#"{"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"},{"Effect":"Deny","Action":"Update:Replace","Principal":"*","Resource":"LogicalResourceId/Vpc"}]}"#;

/// A stack of this template and these resources, with a hidden parameter.
pub(super) fn standing(
    name: &str,
    template: &str,
    resources: &[(&str, &str, &str)],
    outputs: &[(&str, &str)],
) -> Stack {
    let named = |(name, id, kind): &(&str, &str, &str)| ((*name).to_owned(), resource(id, kind));
    Stack {
        id: format!("arn:aws:cloudformation:us-east-1:111111111111:stack/{name}/1"),
        name: name.to_owned(),
        status: "UPDATE_COMPLETE".to_owned(),
        template: template.to_owned(),
        parameters: [("Key".to_owned(), Parameter { value: "****".to_owned(), resolved: None })].into(),
        resources: resources.iter().map(named).collect(),
        policy: seed::Policy::Text(POLICY.to_owned()),
        termination_protection: true,
        notification_arns: vec!["arn:aws:sns:us-east-1:111111111111:told".to_owned()],
        outputs: outputs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..Stack::default()
    }
}

/// A bench whose world begins with a VPC and a stack of this template and these resources.
pub(super) fn bench(template: &str, resources: &[(&str, &str, &str)], outputs: &[(&str, &str)]) -> Bench {
    with(vec![standing("net", template, resources, outputs)])
}

/// A bench whose world begins with a VPC and these stacks.
pub(super) fn with(stacks: Vec<Stack>) -> Bench {
    let mut bench = Bench::new();
    let vpc = Vpc { id: VPC.to_owned(), ranges: vec![(String::new(), "10.0.0.0/16".to_owned())], ..Vpc::default() };
    let export =
        seed::Export { name: "shared".to_owned(), value: "10.0.9.0/24".to_owned(), stack: "arn:other".to_owned() };
    let routes = [("10.0.0.0/16", "local"), ("10.8.0.0/16", "tgw-0a"), ("0.0.0.0/0", "nat-0b"), ("pl-0c", "vpce-0d")]
        .map(|(destination, target)| (destination.to_owned(), target.to_owned()));
    let table = seed::RouteTable {
        id: TABLE.to_owned(),
        vpc: VPC.to_owned(),
        routes: routes.into(),
        ..seed::RouteTable::default()
    };
    let seed = Seed {
        place: bench.place.clone(),
        vpcs: vec![vpc],
        route_tables: vec![table],
        peerings: Vec::new(),
        exports: vec![export],
        objects: Vec::new(),
        stacks,
    };
    seed::plant(&mut bench.world, &[seed]);
    bench
}

/// What was taken for granted about the stack.
pub(super) fn assumed(bench: &Bench, stack: &str) -> Vec<String> {
    let assumptions = bench.world.rules.assumptions.as_ref().unwrap();
    assumptions.about(&bench.place, stack).map(str::to_owned).collect()
}

const NET: &str = "
Parameters:
  Key: {Type: String, NoEcho: true, MinLength: 8, Default: unchanged}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24}}
  Eip: {Type: AWS::EC2::EIP}
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Nat: {Type: AWS::EC2::NatGateway, DependsOn: Attachment, Properties: {SubnetId: !Ref Subnet, AllocationId: !GetAtt Eip.AllocationId}}
  Queue: {Type: AWS::SQS::Queue}
  Function: {Type: AWS::Lambda::Function, Properties: {Queue: !GetAtt Queue.Arn, Key: !Ref Key}}
Outputs:
  Group: {Value: !GetAtt Vpc.DefaultSecurityGroup}
  Function: {Value: !GetAtt Function.Arn}
  Queue: {Value: !GetAtt Queue.Arn}
";

const STANDING: &[(&str, &str, &str)] = &[
    ("Vpc", VPC, "AWS::EC2::VPC"),
    ("Subnet", "subnet-0aaaaaaaaaaaaaaa1", "AWS::EC2::Subnet"),
    ("Eip", "54.1.2.3", "AWS::EC2::EIP"),
    ("Gateway", "igw-0aaaaaaaaaaaaaaa2", "AWS::EC2::InternetGateway"),
    ("Attachment", "IGW|vpc-0657eecdd3cb13d09", "AWS::EC2::VPCGatewayAttachment"),
    ("Nat", "nat-0aaaaaaaaaaaaaaa3", "AWS::EC2::NatGateway"),
    ("Queue", "https://sqs.us-east-1.amazonaws.com/111111111111/net-Queue-1X2Y", "AWS::SQS::Queue"),
    ("Function", "net-Function-9Z", "AWS::Lambda::Function"),
];

const OUTPUTS: &[(&str, &str)] = &[
    ("Group", "sg-0aaaaaaaaaaaaaaa4"),
    ("Function", "arn:aws:lambda:us-east-1:111111111111:function:net-Function-9Z"),
    ("Queue", "arn:aws:sqs:us-east-1:111111111111:net-Queue-1X2Y"),
];

#[test]
fn a_stack_that_stands_elsewhere_stands_here_and_its_own_template_changes_nothing() {
    let mut bench = bench(NET, STANDING, OUTPUTS);
    assert_eq!(assumed(&bench, "net"), ["what is hidden (Key) is taken to stay what it is"]);
    let ec2 = bench.world.ec2(&bench.place);
    assert!(ec2.subnets.contains_key("subnet-0aaaaaaaaaaaaaaa1"));
    assert!(ec2.nat_gateways.contains_key("nat-0aaaaaaaaaaaaaaa3"));
    assert!(ec2.security_groups.contains_key("sg-0aaaaaaaaaaaaaaa4"));
    assert_eq!(ec2.internet_gateways["igw-0aaaaaaaaaaaaaaa2"].vpc.as_deref(), Some(VPC));
    let refused = bench.refused("UpdateStack", &[("StackName", "net"), ("TemplateBody", NET)]);
    assert_eq!(refused, "ValidationError: No updates are to be performed.");
    // What is hidden is not taken for another value, nor held to the template.
    let given = [
        ("StackName", "net"),
        ("TemplateBody", NET),
        ("Parameters.member.1.ParameterKey", "Key"),
        ("Parameters.member.1.ParameterValue", "s3cret"),
    ];
    assert_eq!(bench.refused("UpdateStack", &given), refused);
}

#[test]
fn an_update_keeps_what_it_does_not_touch_and_makes_ids_that_are_nobodys() {
    let mut bench = bench(NET, STANDING, OUTPUTS);
    let next = NET
        .replace("Eip:", "Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\n  Eip:")
        .replace("10.0.1.0/24", "!ImportValue shared")
        // The old gateway has the old address until it is deleted, after the new one was made.
        .replace("!GetAtt Eip.AllocationId", "!GetAtt Another.AllocationId")
        .replace("  Queue: {Type", "  Another: {Type: AWS::EC2::EIP}\n  Queue: {Type");
    bench.updated("net", &next);
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE", "{}", bench.story("net"));
    assert_eq!(bench.id("net", "Vpc"), VPC);
    for made in ["Table", "Subnet", "Nat"] {
        let id = bench.id("net", made);
        assert!(id.contains("-0000000000000"), "{id}");
    }
    for (key, value) in OUTPUTS {
        assert_eq!(bench.output("net", key), *value);
    }
    assert!(bench.refused("DeleteStack", &[("StackName", "net")]).contains("TerminationProtection"));
    bench.ok("UpdateTerminationProtection", &[("StackName", "net"), ("EnableTerminationProtection", "false")]);
    bench.world.ec2_mut(&bench.place).route_tables.remove(TABLE);
    bench.ok("DeleteStack", &[("StackName", "net")]);
    bench.settle();
    assert!(bench.world.is_empty());
}

#[test]
fn what_is_not_known_is_taken_to_work_but_vpcs_are_known() {
    let mut bench = bench("Resources: {G: {Type: AWS::EC2::InternetGateway}}", &[], &[]);
    let template = "
Parameters:
  Group: {Type: AWS::EC2::SecurityGroup::Id, Default: sg-0bbbbbbbbbbbbbbb1}
  Ami: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /ami}
Resources:
  Nat: {Type: AWS::EC2::NatGateway, Properties: {SubnetId: subnet-0bbbbbbbbbbbbbbb2, AllocationId: eipalloc-0b}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: vpc-0657eecdd3cb13d09}}
  Out: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref Nat}}
  Transit: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 10.8.0.0/16, TransitGatewayId: tgw-0b}}
  Log: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: '{{resolve:ssm:/name}}'}}
  Machine: {Type: AWS::EC2::Instance, Properties: {ImageId: !Ref Ami, SecurityGroupIds: [!Ref Group]}}
Outputs:
  Machine: {Value: !Ref Machine}
  Address: {Value: !GetAtt Machine.PrivateIp}
";
    bench.created("others", template);
    assert_eq!(
        assumed(&bench, "others"),
        [
            "Log (AWS::Logs::LogGroup) is taken to work: a dynamic reference is not resolved",
            "Machine (AWS::EC2::Instance) is taken to work: its type is not embedded",
            "Nat (AWS::EC2::NatGateway) is taken to work: The subnet ID 'subnet-0bbbbbbbbbbbbbbb2' does not exist",
        ]
    );
    assert!(bench.output("others", "Machine").starts_with("i-0000000000000"));
    assert!(bench.output("others", "Address").starts_with("PrivateIp:assumed:i-0000000000000"));
    bench.create("lost", &template.replace(VPC, "vpc-0bbbbbbbbbbbbbbb3"));
    bench.settle();
    assert_eq!(bench.status("lost"), "ROLLBACK_COMPLETE");
}

#[test]
fn a_stack_whose_template_is_not_known_keeps_its_outputs() {
    let bench = bench("", STANDING, OUTPUTS);
    assert_eq!(bench.output("net", "Group"), "sg-0aaaaaaaaaaaaaaa4");
    assert!(assumed(&bench, "net").contains(&"its template is not known, only its resources".to_owned()));
}

#[test]
fn what_guards_a_stack_elsewhere_guards_it_here() {
    let mut bench = bench(NET, STANDING, OUTPUTS);
    let told = bench.ok("GetStackPolicy", &[("StackName", "net")]);
    assert!(told.contains("LogicalResourceId/Vpc"), "{told}");
    let stack = bench.ok("DescribeStacks", &[("StackName", "net")]);
    for expected in ["<EnableTerminationProtection>true", "arn:aws:sns:us-east-1:111111111111:told"] {
        assert!(stack.contains(expected), "{stack}");
    }
    bench.updated("net", &NET.replace("10.0.0.0/16", "10.7.0.0/16"));
    assert_eq!(bench.status("net"), "UPDATE_ROLLBACK_COMPLETE");
    assert!(bench.story("net").contains("denied by stack policy"), "{}", bench.story("net"));
}

#[test]
fn routes_lead_through_whatever_they_lead_through_elsewhere() {
    let mut bench = bench(NET, STANDING, OUTPUTS);
    let told = bench.ask_ec2("DescribeRouteTables", &[("RouteTableId.1", TABLE)]).unwrap();
    for expected in [
        "<transitGatewayId>tgw-0a",
        "<natGatewayId>nat-0b",
        "<gatewayId>vpce-0d",
        "<gatewayId>local",
        "<destinationPrefixListId>pl-0c",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(!told.contains("blackhole"), "{told}");
}

#[test]
fn nothing_fails_because_of_what_was_made_up() {
    let mut bench = bench("Resources: {G: {Type: AWS::EC2::InternetGateway}}", &[], &[]);
    bench.created(
        "guess",
        "
Parameters:
  Range: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /range}
Resources:
  Net: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://templates.s3.amazonaws.com/net'}}
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Range}}
  Wide: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.9.0.0/16, Tomorrow: true}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !GetAtt Net.Outputs.VpcId, CidrBlock: !GetAtt Net.Outputs.Range}}
  Inner: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Select [1, !Cidr [!GetAtt Net.Outputs.Range, 4, 8]]}}
  Plain: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.8.0.0/16}}
Outputs:
  Second: {Value: !Select [1, !Split [',', !GetAtt Net.Outputs.Zones]]}
  New: {Value: !GetAtt Plain.Tomorrow}
  Vpc: {Value: !Ref Vpc}
",
    );
    let names: Vec<String> = assumed(&bench, "guess");
    for expected in [
        "Net (AWS::CloudFormation::Stack) is taken to work: its type is not embedded",
        "Vpc (AWS::EC2::VPC) is taken to work: a dynamic reference is not resolved",
        "Wide (AWS::EC2::VPC) is taken to work: its property Tomorrow is not embedded",
    ] {
        assert!(names.iter().any(|name| name == expected), "{names:?}");
    }
    assert!(
        names.iter().any(|name| name.starts_with("Inner (AWS::EC2::VPC) is taken to work: Template error")),
        "{names:?}"
    );
    assert!(!names.iter().any(|name| name.starts_with("Plain")), "{names:?}");
    assert_eq!(bench.output("guess", "Second"), "Second:assumed:guess");
    assert!(bench.output("guess", "New").starts_with("Tomorrow:assumed:vpc-0"));
    assert!(bench.output("guess", "Vpc").starts_with("vpc-0000000000000"));
    assert!(bench.world.has_made_up(bench.output("guess", "Vpc")));
    assert!(!bench.world.has_made_up(VPC));
}

#[test]
fn what_is_nested_is_taken_to_work_and_looked_into_by_nobody() {
    const NESTED: &str = "
Parameters:
  Key: {Type: String, NoEcho: true, Default: unchanged}
Resources:
  Net: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://templates.s3.amazonaws.com/net'}}
  Gateway: {Type: AWS::EC2::InternetGateway}
Outputs:
  Vpc: {Value: !GetAtt Net.Outputs.VpcId}
";
    const CHILD: &str = "arn:aws:cloudformation:us-east-1:111111111111:stack/net-Net-1X/2";
    let standing = [
        ("Net", CHILD, "AWS::CloudFormation::Stack"),
        ("Gateway", "igw-0aaaaaaaaaaaaaaa2", "AWS::EC2::InternetGateway"),
    ];
    let mut bench = bench(NESTED, &standing, &[("Vpc", VPC)]);
    let same = [("StackName", "net"), ("TemplateBody", NESTED)];
    assert_eq!(bench.refused("UpdateStack", &same), "ValidationError: No updates are to be performed.");
    let next = NESTED.replace("  Gateway:", "  Another: {Type: AWS::EC2::InternetGateway}\n  Gateway:");
    let change_set =
        [("StackName", "net"), ("ChangeSetName", "next"), ("TemplateBody", &*next), ("IncludeNestedStacks", "true")];
    bench.ok("CreateChangeSet", &change_set);
    bench.wait(60_000);
    let told = bench.ok("DescribeChangeSet", &[("StackName", "net"), ("ChangeSetName", "next")]);
    assert!(told.contains("<Status>CREATE_COMPLETE") && told.contains("Another"), "{told}");
    bench.updated("net", &next);
    assert_eq!(bench.status("net"), "UPDATE_COMPLETE", "{}", bench.story("net"));
    assert_eq!((bench.id("net", "Net").as_str(), bench.output("net", "Vpc")), (CHILD, VPC));
}
