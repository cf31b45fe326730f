//! Random plans, each in two versions: what was applied before, and what is wanted now.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::Index;

/// The accounts, by the plans' names.
pub(crate) const ACCOUNTS: [(&str, &str); 4] =
    [("hub", "111111111111"), ("dev", "222222222222"), ("test", "333333333333"), ("qa", "444444444444")];

/// The regions.
pub(crate) const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

/// A VPC with tables, one of them on a condition.
pub(crate) const NET: &str = "\
Parameters:
  Range: {Type: String}
  Label: {Type: String, Default: net}
  Peer: {Type: String, Default: ''}
  Secret: {Type: String, NoEcho: true, Default: none}
  Wide: {Type: String, Default: 'no'}
Conditions:
  IsWide: !Equals [!Ref Wide, 'yes']
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !Ref Range, Tags: [{Key: Name, Value: !Ref Label}, {Key: Peer, Value: !Ref Peer}]}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [0, !Cidr [!Ref Range, 2, 8]]}
  Table:
    Type: AWS::EC2::RouteTable
    Properties: {VpcId: !Ref Vpc}
  Other:
    Type: AWS::EC2::RouteTable
    Condition: IsWide
    Properties: {VpcId: !Ref Vpc}
Outputs:
  VpcId: {Value: !Ref Vpc}
  Range: {Value: !GetAtt Vpc.CidrBlock}
  Table: {Value: !Ref Table}
  Tables: {Value: !If [IsWide, !Join [',', [!Ref Table, !Ref Other]], !Ref Table]}
";

/// A gateway to the internet for somebody else's VPC.
pub(crate) const GATEWAY: &str = "\
Parameters:
  Vpc: {Type: AWS::EC2::VPC::Id}
Resources:
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
Outputs:
  Id: {Value: !Ref Gateway}
";

/// How a stack was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// As it is wanted.
    Same,
    /// Not in the plan.
    Absent,
    /// With another name in a resource's tag.
    Label,
    /// With another tag of the stack.
    Tag,
    /// With another range, so that its VPC is made anew.
    Range,
    /// With or without the table that hangs on a condition.
    Wide,
}

/// A VPC's stack.
#[derive(Clone, Debug)]
pub(crate) struct Net {
    pub(crate) account: usize,
    pub(crate) region: usize,
    /// Which earlier one it refers to, if any.
    peer: Option<Index>,
    wide: bool,
    secret: bool,
    before: Before,
    /// Whether it has a gateway, and a route there.
    gateway: bool,
}

/// A peering between two of them, with routes on either side.
#[derive(Clone, Debug)]
struct Link {
    one: Index,
    other: Index,
    out: bool,
    back: bool,
    was_there: bool,
}

/// A plan.
#[derive(Clone, Debug)]
pub(crate) struct Design {
    pub(crate) nets: Vec<Net>,
    links: Vec<Link>,
    /// The keys of the group now, and before: accounts by their place.
    group: Vec<usize>,
    group_before: Vec<usize>,
    group_links: bool,
}

/// Which of the two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Before,
    Now,
}

fn nets() -> impl Strategy<Value = Net> {
    let before = prop_oneof![
        4 => Just(Before::Same),
        2 => Just(Before::Absent),
        1 => Just(Before::Label),
        1 => Just(Before::Tag),
        1 => Just(Before::Range),
        1 => Just(Before::Wide),
    ];
    let place = (0..ACCOUNTS.len(), 0..REGIONS.len());
    let flags = (any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.3));
    (place, any::<Option<Index>>(), flags, before).prop_map(
        |((account, region), peer, (wide, secret, gateway), before)| Net {
            account,
            region,
            peer,
            wide,
            secret,
            before,
            gateway,
        },
    )
}

fn links() -> impl Strategy<Value = Link> {
    (any::<(Index, Index)>(), any::<(bool, bool, bool)>()).prop_map(|((one, other), (out, back, was_there))| Link {
        one,
        other,
        out,
        back,
        was_there,
    })
}

/// Designs of up to five VPCs beside a group of up to four, with up to five peerings.
pub(crate) fn designs() -> impl Strategy<Value = Design> {
    let keys = || prop::sample::subsequence((0..ACCOUNTS.len()).collect::<Vec<_>>(), 0..=ACCOUNTS.len());
    let parts = (prop::collection::vec(nets(), 1..6), prop::collection::vec(links(), 0..6));
    (parts, keys(), keys(), any::<bool>()).prop_map(|((nets, links), group, group_before, group_links)| Design {
        nets,
        links,
        group_before: group_before.into_iter().filter(|key| group.contains(key)).collect(),
        group,
        group_links,
    })
}

impl Design {
    /// The plan's text, or nothing if that version has no node.
    pub(crate) fn plan(&self, version: Version) -> Option<String> {
        let mut text = String::from("name = \"net\"\nregion = \"us-east-1\"\n\n[accounts]\n");
        for (place, (name, id)) in ACCOUNTS.iter().enumerate() {
            let role = if place == 0 { "" } else { ", role = \"Orch\"" };
            writeln!(text, "{name} = {{ id = \"{id}\"{role} }}").unwrap();
        }
        let accounts = text.len();
        let there: Vec<usize> = (0..self.nets.len()).filter(|net| self.has(*net, version)).collect();
        for net in &there {
            self.net(*net, &there, version, &mut text);
        }
        self.links(&there, version, &mut text);
        self.group(&there, version, &mut text);
        (text.len() > accounts).then_some(text)
    }

    fn has(&self, net: usize, version: Version) -> bool {
        version == Version::Now || self.nets[net].before != Before::Absent
    }

    fn net(&self, number: usize, there: &[usize], version: Version, text: &mut String) {
        let net = &self.nets[number];
        let differs = |how: Before| version == Version::Before && net.before == how;
        // A gateway cannot be attached to a VPC's successor while the VPC has it: CloudFormation has no way for that.
        let range = 2 * number + usize::from(differs(Before::Range) && !net.gateway);
        let label = if differs(Before::Label) { "old" } else { "net" };
        let wide = net.wide != differs(Before::Wide);
        let (account, region) = (ACCOUNTS[net.account].0, REGIONS[net.region]);
        write!(
            text,
            "\n[stacks.n{number}]\naccount = \"{account}\"\nregion = \"{region}\"\ntemplate = \"net.yaml\"\n\
             parameters = {{ Range = \"10.{range}.0.0/16\", Label = \"{label}\", Wide = \"{}\"",
            if wide { "yes" } else { "no" }
        )
        .unwrap();
        if net.secret {
            text.push_str(", Secret = \"s3cret\"");
        }
        let earlier: Vec<usize> = there.iter().copied().filter(|other| *other < number).collect();
        if let Some(peer) = net.peer.filter(|_| !earlier.is_empty()) {
            write!(text, ", Peer = \"{{{{ stacks.n{}.outputs.Range }}}}\"", earlier[peer.index(earlier.len())])
                .unwrap();
        }
        text.push_str(" }\n");
        writeln!(text, "tags = {{ Purpose = \"{}\" }}", if differs(Before::Tag) { "old" } else { "net" }).unwrap();
        if net.gateway {
            write!(
                text,
                "\n[stacks.g{number}]\naccount = \"{account}\"\nregion = \"{region}\"\ntemplate = \"gateway.yaml\"\n\
                 parameters = {{ Vpc = \"{{{{ stacks.n{number}.outputs.VpcId }}}}\" }}\n\
                 \n[routes.g{number}]\naccount = \"{account}\"\nregion = \"{region}\"\n\
                 route_tables = [\"{{{{ stacks.n{number}.outputs.Table }}}}\"]\ndestination = \"0.0.0.0/0\"\n\
                 via = \"{{{{ stacks.g{number}.outputs.Id }}}}\"\nreplace = true\n"
            )
            .unwrap();
        }
    }

    fn links(&self, there: &[usize], version: Version, text: &mut String) {
        let mut linked: Vec<(usize, usize)> = Vec::new();
        for link in &self.links {
            let (one, other) = (link.one.index(self.nets.len()), link.other.index(self.nets.len()));
            let pair = (one.min(other), one.max(other));
            if one == other || linked.contains(&pair) {
                continue;
            }
            linked.push(pair);
            let is_there = version == Version::Now || link.was_there;
            if !is_there || !there.contains(&one) || !there.contains(&other) {
                continue;
            }
            let name = format!("p{}-{}", pair.0, pair.1);
            let side = |key: &str, net: usize| {
                format!(
                    "{key} = {{ account = \"{}\", region = \"{}\", vpc = \"{{{{ stacks.n{net}.outputs.VpcId }}}}\" }}\n",
                    ACCOUNTS[self.nets[net].account].0, REGIONS[self.nets[net].region]
                )
            };
            write!(text, "\n[peerings.{name}]\n{}{}", side("requester", one), side("accepter", other)).unwrap();
            for (is_there, way, from, to) in [(link.out, "out", one, other), (link.back, "back", other, one)] {
                if is_there {
                    write!(
                        text,
                        "\n[routes.{name}-{way}]\naccount = \"{}\"\nregion = \"{}\"\n\
                         route_tables = [\"{{{{ split stacks.n{from}.outputs.Tables }}}}\"]\n\
                         destination = \"{{{{ stacks.n{to}.outputs.Range }}}}\"\nvia = \"{{{{ peerings.{name}.id }}}}\"\n",
                        ACCOUNTS[self.nets[from].account].0, REGIONS[self.nets[from].region]
                    )
                    .unwrap();
                }
            }
        }
    }

    /// One VPC for each of some accounts, each peered with the first of the others and routed both ways.
    fn group(&self, there: &[usize], version: Version, text: &mut String) {
        let keys = if version == Version::Now { &self.group } else { &self.group_before };
        if keys.is_empty() {
            return;
        }
        let item = |key: &usize| format!("{} = \"10.{}.0.0/16\"", ACCOUNTS[*key].0, 100 + key);
        let items: Vec<String> = keys.iter().map(item).collect();
        let vars = format!("\n[vars]\nspokes = {{ {} }}\n", items.join(", "));
        text.push_str(&vars);
        text.push_str(
            "\n[stacks.spoke]\nfor_each = \"vars.spokes\"\naccount = \"{{ each.key }}\"\ntemplate = \"net.yaml\"\n\
             parameters = { Range = \"{{ each.value }}\", Label = \"{{ each.key }}\" }\n",
        );
        let Some(hub) = there.first().filter(|_| self.group_links) else { return };
        let (account, region) = (ACCOUNTS[self.nets[*hub].account].0, REGIONS[self.nets[*hub].region]);
        write!(
            text,
            "\n[peerings.spoke]\nfor_each = \"stacks.spoke\"\n\
             requester = {{ account = \"{{{{ each.account }}}}\", region = \"us-east-1\", vpc = \"{{{{ each.outputs.VpcId }}}}\" }}\n\
             accepter = {{ account = \"{account}\", region = \"{region}\", vpc = \"{{{{ stacks.n{hub}.outputs.VpcId }}}}\" }}\n\
             \n[routes.spoke]\nfor_each = \"peerings.spoke\"\naccount = \"{{{{ each.requester.account }}}}\"\n\
             route_tables = [\"{{{{ each.source.outputs.Table }}}}\"]\ndestination = \"{{{{ stacks.n{hub}.outputs.Range }}}}\"\n\
             via = \"{{{{ each.id }}}}\"\n\
             \n[routes.hub]\nfor_each = \"peerings.spoke\"\naccount = \"{account}\"\nregion = \"{region}\"\n\
             route_tables = [\"{{{{ stacks.n{hub}.outputs.Table }}}}\"]\ndestination = \"{{{{ each.source.outputs.Range }}}}\"\n\
             via = \"{{{{ each.id }}}}\"\n"
        )
        .unwrap();
    }
}
