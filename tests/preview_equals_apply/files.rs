//! The plan and the templates that the cases change.

/// The plan.
pub(crate) const PLAN: &str = r#"name   = "net"
region = "us-east-1"

[accounts]
master = { id = "111111111111" }
dev    = { id = "222222222222", role = "Orch" }

[stacks.hub]
account    = "master"
name       = "net-hub"
template   = "hub.yaml"
parameters = { Range = "10.0.0.0/16", Label = "hub" }
tags       = { Purpose = "network" }

[stacks.spoke]
account    = "dev"
name       = "net-spoke"
template   = "spoke.yaml"
parameters = { Range = "10.1.0.0/16", Peer = "{{ stacks.hub.outputs.Range }}" }

[peerings.link]
requester = { account = "dev", vpc = "{{ stacks.spoke.outputs.VpcId }}" }
accepter  = { account = "master", vpc = "{{ stacks.hub.outputs.VpcId }}" }

[routes.out]
account      = "dev"
route_tables = ["{{ stacks.spoke.outputs.TableId }}"]
destination  = "{{ stacks.hub.outputs.Range }}"
via          = "{{ peerings.link.id }}"

[routes.back]
account      = "master"
route_tables = ["{{ stacks.hub.outputs.TableId }}"]
destination  = "{{ stacks.spoke.outputs.Range }}"
via          = "{{ peerings.link.id }}"
"#;

/// The hub's template.
pub(crate) const HUB: &str = "\
Description: a hub
Parameters:
  Range: {Type: String}
  Label: {Type: String, Default: hub}
  Secret: {Type: String, NoEcho: true, Default: none}
  Wide: {Type: String, Default: 'no'}
Conditions:
  IsWide: !Equals [!Ref Wide, 'yes']
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !Ref Range, Tags: [{Key: Name, Value: !Ref Label}]}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [0, !Cidr [!Ref Range, 2, 8]]}
  Table:
    Type: AWS::EC2::RouteTable
    Properties: {VpcId: !Ref Vpc}
  Extra:
    Type: AWS::EC2::RouteTable
    Condition: IsWide
    Properties: {VpcId: !Ref Vpc}
Outputs:
  VpcId: {Value: !Ref Vpc}
  Range: {Value: !Ref Range}
  TableId: {Value: !Ref Table}
  SubnetId: {Value: !Ref Subnet}
";

/// The spoke's template.
pub(crate) const SPOKE: &str = "\
Parameters:
  Range: {Type: String}
  Peer: {Type: String, Default: ''}
  Password: {Type: String, NoEcho: true, Default: none}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !Ref Range, Tags: [{Key: Peer, Value: !Ref Peer}]}
  Table:
    Type: AWS::EC2::RouteTable
    Properties: {VpcId: !Ref Vpc}
Outputs:
  VpcId: {Value: !Ref Vpc}
  Range: {Value: !GetAtt Vpc.CidrBlock}
  TableId: {Value: !Ref Table}
";

/// A template that the hub's may nest.
pub(crate) const PART: &str = "\
Parameters:
  Range: {Type: String}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !Ref Range}
  Table:
    Type: AWS::EC2::RouteTable
    Properties: {VpcId: !Ref Vpc}
Outputs:
  VpcId: {Value: !Ref Vpc}
";

/// A change of a text: in which file, what is replaced, and by what.
pub(crate) type Edit = (&'static str, &'static str, &'static str);

/// A file with the edits of a case.
pub(crate) fn text(name: &str, edits: &[Edit]) -> Option<String> {
    let mut text = match name {
        "plan.toml" => PLAN,
        "hub.yaml" => HUB,
        "spoke.yaml" => SPOKE,
        "part.yaml" => PART,
        _ => return None,
    }
    .to_owned();
    for (file, from, to) in edits {
        if *file == name {
            assert!(text.contains(from), "`{from}` is not in {name}");
            text = text.replace(from, to);
        }
    }
    Some(text)
}
