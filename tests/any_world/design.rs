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
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
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
    /// Whether it, and what hangs in its VPC, takes outputs early, where they are given so.
    takes_early: bool,
    since: Since,
}

/// What became of a node's place in the plan since the earlier version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    /// It is in the plan by the same name.
    Stayed,
    /// It has left the plan.
    Left,
    /// It is called otherwise, and the plan says so.
    Renamed,
}

/// A peering between two of them, with routes on either side.
#[derive(Clone, Debug)]
struct Link {
    one: Index,
    other: Index,
    out: bool,
    back: bool,
    was_there: bool,
    since: Since,
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
    group_renamed: bool,
    /// Whether all stacks give their outputs early now.
    early: bool,
}

/// Which of the two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Before,
    Now,
}

fn sinces() -> impl Strategy<Value = Since> {
    prop_oneof![6 => Just(Since::Stayed), 2 => Just(Since::Left), 2 => Just(Since::Renamed)]
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
    let flags = (any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.3), any::<bool>());
    (place, any::<Option<Index>>(), flags, before, sinces()).prop_map(
        |((account, region), peer, (wide, secret, gateway, takes_early), before, since)| Net {
            account,
            region,
            peer,
            wide,
            secret,
            before,
            gateway,
            takes_early,
            since,
        },
    )
}

fn links() -> impl Strategy<Value = Link> {
    (any::<(Index, Index)>(), any::<(bool, bool, bool)>(), sinces())
        .prop_map(|((one, other), (out, back, was_there), since)| Link { one, other, out, back, was_there, since })
}

/// Designs of up to five VPCs beside a group of up to four, with up to five peerings.
pub(crate) fn designs() -> impl Strategy<Value = Design> {
    let keys = || prop::sample::subsequence((0..ACCOUNTS.len()).collect::<Vec<_>>(), 0..=ACCOUNTS.len());
    let parts = (prop::collection::vec(nets(), 1..6), prop::collection::vec(links(), 0..6));
    (parts, keys(), keys(), any::<(bool, bool, bool)>()).prop_map(
        |((nets, links), group, group_before, (group_links, group_renamed, early))| Design {
            nets,
            links,
            group,
            group_before,
            group_links,
            group_renamed,
            early,
        },
    )
}

impl Design {
    /// The plan's text, or nothing if that version has no node.
    pub(crate) fn plan(&self, version: Version) -> Option<String> {
        let mut text = String::from("name = \"net\"\nregion = \"us-east-1\"\n\n[accounts]\n");
        for (place, (name, id)) in ACCOUNTS.iter().enumerate() {
            let role = if place == 0 { "" } else { ", role = \"Orch\"" };
            writeln!(text, "{name} = {{ id = \"{id}\"{role} }}").unwrap();
        }
        let mut moved = String::new();
        self.moved(version, &mut moved);
        text = text.replace("\n\n[accounts]", &format!("\n{moved}\n[accounts]"));
        if self.early && version == Version::Now {
            text.push_str("\n[defaults.stacks]\nearly_outputs = true\n");
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

    /// Whether a stack is in a version. There is always one now.
    fn has(&self, net: usize, version: Version) -> bool {
        match version {
            Version::Before => self.nets[net].before != Before::Absent,
            Version::Now => net == 0 || self.nets[net].since != Since::Left,
        }
    }

    /// What a stack is called in a version.
    fn name(&self, net: usize, version: Version) -> String {
        let before = version == Version::Before && self.nets[net].since == Since::Renamed;
        format!("{}{net}", if before { "m" } else { "n" })
    }

    /// What the group is called in a version.
    fn group_name(&self, version: Version) -> &'static str {
        if version == Version::Before && self.group_renamed { "branch" } else { "spoke" }
    }

    /// What the present version says of the names in the earlier one.
    fn moved(&self, version: Version, text: &mut String) {
        if version == Version::Before {
            return;
        }
        let there: Vec<usize> = (0..self.nets.len()).filter(|net| self.has(*net, version)).collect();
        let renamed = there.iter().filter(|net| self.nets[**net].since == Since::Renamed);
        let mut names: Vec<(String, String)> =
            renamed.map(|net| (format!("stacks.m{net}"), format!("stacks.n{net}"))).collect();
        for (pair, link) in self.linked(&there, version).into_iter().filter(|(_, link)| link.since == Since::Renamed) {
            let (before, now) = (format!("q{}-{}", pair.0, pair.1), format!("p{}-{}", pair.0, pair.1));
            names.push((format!("peerings.{before}"), format!("peerings.{now}")));
            let ways = [(link.out, "out"), (link.back, "back")].into_iter().filter(|(is_there, _)| *is_there);
            names.extend(ways.map(|(_, way)| (format!("routes.{before}-{way}"), format!("routes.{now}-{way}"))));
        }
        if self.group_renamed && !self.group.is_empty() {
            names.push(("stacks.branch".to_owned(), "stacks.spoke".to_owned()));
            if self.group_links {
                names.push(("peerings.branch".to_owned(), "peerings.spoke".to_owned()));
                names.push(("routes.branch".to_owned(), "routes.spoke".to_owned()));
            }
        }
        let entry = |(from, to): &(String, String)| format!("  {{ from = \"{from}\", to = \"{to}\" }},\n");
        if !names.is_empty() {
            write!(text, "moved = [\n{}]\n", names.iter().map(entry).collect::<String>()).unwrap();
        }
    }

    /// The peerings of a version, each with the two stacks that it is between.
    fn linked(&self, there: &[usize], version: Version) -> Vec<((usize, usize), &Link)> {
        let mut seen: Vec<(usize, usize)> = Vec::new();
        let mut linked = Vec::new();
        for link in &self.links {
            let (one, other) = self.ends(link);
            let pair = (one.min(other), one.max(other));
            if one == other || seen.contains(&pair) {
                continue;
            }
            seen.push(pair);
            let is_there = if version == Version::Now { link.since != Since::Left } else { link.was_there };
            if is_there && there.contains(&one) && there.contains(&other) {
                linked.push((pair, link));
            }
        }
        linked
    }

    fn ends(&self, link: &Link) -> (usize, usize) {
        (link.one.index(self.nets.len()), link.other.index(self.nets.len()))
    }

    fn net(&self, number: usize, there: &[usize], version: Version, text: &mut String) {
        let net = &self.nets[number];
        let differs = |how: Before| version == Version::Before && net.before == how;
        // A gateway cannot be attached to a VPC's successor while the VPC has it: CloudFormation has no way for that.
        let range = 2 * number + usize::from(differs(Before::Range) && !net.gateway);
        let label = if differs(Before::Label) { "old" } else { "net" };
        let wide = net.wide != differs(Before::Wide);
        let (account, region) = (ACCOUNTS[net.account].0, REGIONS[net.region]);
        let name = self.name(number, version);
        write!(
            text,
            "\n[stacks.{name}]\naccount = \"{account}\"\nregion = \"{region}\"\ntemplate = \"net.yaml\"\n\
             parameters = {{ Range = \"10.{range}.0.0/16\", Label = \"{label}\", Wide = \"{}\"",
            if wide { "yes" } else { "no" }
        )
        .unwrap();
        if net.secret {
            text.push_str(", Secret = \"s3cret\"");
        }
        let earlier: Vec<usize> = there.iter().copied().filter(|other| *other < number).collect();
        if let Some(peer) = net.peer.filter(|_| !earlier.is_empty()) {
            let peer = self.name(earlier[peer.index(earlier.len())], version);
            write!(text, ", Peer = \"{{{{ stacks.{peer}.outputs.Range }}}}\"").unwrap();
        }
        text.push_str(" }\n");
        writeln!(text, "tags = {{ Purpose = \"{}\" }}", if differs(Before::Tag) { "old" } else { "net" }).unwrap();
        let early = if net.takes_early && version == Version::Now { "early_inputs = true\n" } else { "" };
        text.push_str(early);
        if net.gateway {
            write!(
                text,
                "\n[stacks.g{number}]\naccount = \"{account}\"\nregion = \"{region}\"\ntemplate = \"gateway.yaml\"\n\
                 parameters = {{ Vpc = \"{{{{ stacks.{name}.outputs.VpcId }}}}\" }}\n{early}\
                 \n[routes.g{number}]\naccount = \"{account}\"\nregion = \"{region}\"\n\
                 route_tables = [\"{{{{ stacks.{name}.outputs.Table }}}}\"]\ndestination = \"0.0.0.0/0\"\n\
                 via = \"{{{{ stacks.g{number}.outputs.Id }}}}\"\nreplace = true\n"
            )
            .unwrap();
        }
    }

    fn links(&self, there: &[usize], version: Version, text: &mut String) {
        for (pair, link) in self.linked(there, version) {
            let (one, other) = self.ends(link);
            let before = version == Version::Before && link.since == Since::Renamed;
            let name = format!("{}{}-{}", if before { "q" } else { "p" }, pair.0, pair.1);
            let side = |key: &str, net: usize| {
                format!(
                    "{key} = {{ account = \"{}\", region = \"{}\", vpc = \"{{{{ stacks.{}.outputs.VpcId }}}}\" }}\n",
                    ACCOUNTS[self.nets[net].account].0,
                    REGIONS[self.nets[net].region],
                    self.name(net, version)
                )
            };
            write!(text, "\n[peerings.{name}]\n{}{}", side("requester", one), side("accepter", other)).unwrap();
            for (is_there, way, from, to) in [(link.out, "out", one, other), (link.back, "back", other, one)] {
                if is_there {
                    let (here, there) = (self.name(from, version), self.name(to, version));
                    write!(
                        text,
                        "\n[routes.{name}-{way}]\naccount = \"{}\"\nregion = \"{}\"\n\
                         route_tables = [\"{{{{ split stacks.{here}.outputs.Tables }}}}\"]\n\
                         destination = \"{{{{ stacks.{there}.outputs.Range }}}}\"\nvia = \"{{{{ peerings.{name}.id }}}}\"\n",
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
        let group = self.group_name(version);
        write!(
            text,
            "\n[stacks.{group}]\nfor_each = \"vars.spokes\"\naccount = \"{{{{ each.key }}}}\"\ntemplate = \"net.yaml\"\n\
             parameters = {{ Range = \"{{{{ each.value }}}}\", Label = \"{{{{ each.key }}}}\" }}\n"
        )
        .unwrap();
        let Some(number) = there.first().filter(|_| self.group_links) else { return };
        let hub = self.name(*number, version);
        let (account, region) = (ACCOUNTS[self.nets[*number].account].0, REGIONS[self.nets[*number].region]);
        write!(
            text,
            "\n[peerings.{group}]\nfor_each = \"stacks.{group}\"\n\
             requester = {{ account = \"{{{{ each.account }}}}\", region = \"us-east-1\", vpc = \"{{{{ each.outputs.VpcId }}}}\" }}\n\
             accepter = {{ account = \"{account}\", region = \"{region}\", vpc = \"{{{{ stacks.{hub}.outputs.VpcId }}}}\" }}\n\
             \n[routes.{group}]\nfor_each = \"peerings.{group}\"\naccount = \"{{{{ each.requester.account }}}}\"\n\
             route_tables = [\"{{{{ each.source.outputs.Table }}}}\"]\ndestination = \"{{{{ stacks.{hub}.outputs.Range }}}}\"\n\
             via = \"{{{{ each.id }}}}\"\n\
             \n[routes.hub]\nfor_each = \"peerings.{group}\"\naccount = \"{account}\"\nregion = \"{region}\"\n\
             route_tables = [\"{{{{ stacks.{hub}.outputs.Table }}}}\"]\ndestination = \"{{{{ each.source.outputs.Range }}}}\"\n\
             via = \"{{{{ each.id }}}}\"\n"
        )
        .unwrap();
    }
}
