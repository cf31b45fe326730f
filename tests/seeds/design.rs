//! Plans by chance, each in two versions: what was applied before, and what is wanted now.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::dice::Dice;

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
  Hidden:
    Type: AWS::EC2::SecurityGroup
    Properties: {VpcId: !Ref Vpc, GroupDescription: hidden, Tags: [{Key: Secret, Value: !Ref Secret}]}
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
enum Before {
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

/// A VPC's stack.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
struct Net {
    number: usize,
    account: usize,
    region: usize,
    /// By which of the earlier ones it refers to one, if it does.
    peer: Option<usize>,
    wide: bool,
    secret: bool,
    before: Before,
    /// Whether it has a gateway, and a route there.
    gateway: bool,
    /// Whether it, and what hangs in its VPC, takes outputs early, where they are given so.
    takes_early: bool,
    /// Whether what fails of it is left as it is.
    keeps: bool,
    since: Since,
}

/// A peering between two of them, with routes on either side.
#[derive(Clone, Debug)]
struct Link {
    number: usize,
    one: usize,
    other: usize,
    out: bool,
    back: bool,
    was_there: bool,
    since: Since,
}

/// A group of VPCs, one for each of some accounts.
#[derive(Clone, Debug)]
struct Group {
    /// The keys now, and before: accounts by their place.
    keys: Vec<usize>,
    keys_before: Vec<usize>,
    /// Whether each is peered with the first of the others, and routed both ways.
    links: bool,
    renamed: bool,
}

/// A plan.
#[derive(Clone, Debug)]
pub(crate) struct Design {
    nets: Vec<Net>,
    links: Vec<Link>,
    group: Option<Group>,
    /// Whether all stacks give their outputs early now.
    early: bool,
    /// What no output may hold.
    canary: String,
}

/// Which of the two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Before,
    Now,
}

/// A stack as a version wants it.
#[derive(Clone, Debug)]
pub(crate) struct WantedStack {
    pub(crate) name: String,
    /// The tag of its node.
    pub(crate) node: String,
    pub(crate) account: &'static str,
    pub(crate) region: &'static str,
    /// The parameters whose values are known without AWS.
    pub(crate) parameters: BTreeMap<&'static str, String>,
}

/// A peering between the VPCs of two stacks, with the ways that are routed.
#[derive(Clone, Debug)]
pub(crate) struct WantedPeering {
    pub(crate) ends: [String; 2],
    /// From which stack's tables to which stack's range, and whether from all of its tables.
    pub(crate) routes: Vec<(String, String, bool)>,
}

fn since(dice: &mut Dice) -> Since {
    dice.pick(&[
        Since::Stayed,
        Since::Stayed,
        Since::Stayed,
        Since::Stayed,
        Since::Stayed,
        Since::Stayed,
        Since::Left,
        Since::Left,
        Since::Renamed,
        Since::Renamed,
    ])
}

fn net(number: usize, dice: &mut Dice) -> Net {
    const BEFORE: [Before; 10] = [
        Before::Same,
        Before::Same,
        Before::Same,
        Before::Same,
        Before::Absent,
        Before::Absent,
        Before::Label,
        Before::Tag,
        Before::Range,
        Before::Wide,
    ];
    Net {
        number,
        account: dice.below(ACCOUNTS.len()),
        region: dice.below(REGIONS.len()),
        peer: dice.percent(50).then(|| dice.below(16)),
        wide: dice.percent(50),
        secret: dice.percent(40),
        before: dice.pick(&BEFORE),
        gateway: dice.percent(25),
        takes_early: dice.percent(50),
        keeps: dice.percent(8),
        since: if number == 0 { Since::Stayed } else { since(dice) },
    }
}

fn link(number: usize, nets: usize, dice: &mut Dice) -> Link {
    Link {
        number,
        one: dice.below(nets),
        other: dice.below(nets),
        out: dice.percent(60),
        back: dice.percent(60),
        was_there: dice.percent(50),
        since: since(dice),
    }
}

fn keys(dice: &mut Dice) -> Vec<usize> {
    (0..ACCOUNTS.len()).filter(|_| dice.percent(45)).collect()
}

impl Design {
    /// A plan of up to four VPCs beside a group, with up to four peerings.
    pub(crate) fn draw(dice: &mut Dice, canary: String) -> Self {
        let count = 1 + dice.below(4);
        let nets = (0..count).map(|number| net(number, dice)).collect();
        let links = (0..dice.below(5)).map(|number| link(number, count, dice)).collect();
        let group = dice.percent(35).then(|| Group {
            keys: keys(dice),
            keys_before: keys(dice),
            links: dice.percent(60),
            renamed: dice.percent(30),
        });
        Self { nets, links, group, early: dice.percent(50), canary }
    }

    /// The parts that it can do without.
    pub(crate) fn parts(&self) -> Vec<String> {
        let nets = self.nets.iter().skip(1).map(|net| format!("net{}", net.number));
        let links = self.links.iter().map(|link| format!("link{}", link.number));
        let mut parts: Vec<String> = self.group.iter().map(|_| "group".to_owned()).chain(nets).chain(links).collect();
        if self.group.as_ref().is_some_and(|group| group.links) {
            parts.push("group-links".to_owned());
        }
        for net in &self.nets {
            for (has, part) in [
                (net.gateway, "gateway"),
                (net.peer.is_some(), "peer"),
                (net.wide, "wide"),
                (net.secret, "secret"),
                (net.takes_early, "takes-early"),
                (net.keeps, "keeps"),
                (net.before != Before::Same, "change"),
                (net.since != Since::Stayed, "since"),
            ] {
                if has {
                    parts.push(format!("net{}-{part}", net.number));
                }
            }
        }
        if self.early {
            parts.push("early".to_owned());
        }
        parts
    }

    /// The same without one of its parts.
    pub(crate) fn drop_part(&mut self, part: &str) {
        match part {
            "group" => self.group = None,
            "group-links" => self.group.iter_mut().for_each(|group| group.links = false),
            "early" => self.early = false,
            _ => {}
        }
        self.nets.retain(|net| part != format!("net{}", net.number));
        self.links.retain(|link| part != format!("link{}", link.number));
        for net in &mut self.nets {
            let Some(of_it) = part.strip_prefix(&format!("net{}-", net.number)) else { continue };
            match of_it {
                "gateway" => net.gateway = false,
                "peer" => net.peer = None,
                "wide" => net.wide = false,
                "secret" => net.secret = false,
                "takes-early" => net.takes_early = false,
                "keeps" => net.keeps = false,
                "change" => net.before = Before::Same,
                "since" => net.since = Since::Stayed,
                _ => {}
            }
        }
    }

    fn of(&self, number: usize) -> Option<&Net> {
        self.nets.iter().find(|net| net.number == number)
    }

    /// The plan's text, or nothing if that version has no node.
    pub(crate) fn plan(&self, version: Version) -> Option<String> {
        let mut text = String::from("name = \"net\"\nregion = \"us-east-1\"\n");
        self.moved(version, &mut text);
        text.push_str("\n[accounts]\n");
        for (place, (name, id)) in ACCOUNTS.iter().enumerate() {
            let role = if place == 0 { "" } else { ", role = \"Orch\"" };
            writeln!(text, "{name} = {{ id = \"{id}\"{role} }}").unwrap();
        }
        if self.early && version == Version::Now {
            text.push_str("\n[defaults.stacks]\nearly_outputs = true\n");
        }
        let accounts = text.len();
        let there = self.there(version);
        for net in &there {
            self.net(net, &there, version, &mut text);
        }
        self.links(version, &mut text);
        self.group(&there, version, &mut text);
        (text.len() > accounts).then_some(text)
    }

    /// The VPCs' stacks of a version, the group's aside. There is always one now.
    fn there(&self, version: Version) -> Vec<&Net> {
        let is_there = |net: &&Net| match version {
            Version::Before => net.before != Before::Absent,
            Version::Now => net.number == 0 || net.since != Since::Left,
        };
        self.nets.iter().filter(is_there).collect()
    }

    /// What a stack is called in a version.
    fn name(net: &Net, version: Version) -> String {
        let before = version == Version::Before && net.since == Since::Renamed;
        format!("{}{}", if before { "m" } else { "n" }, net.number)
    }

    /// What CloudFormation knows it by in every version: that follows from the name that the node had first.
    fn stack_name(net: &Net) -> String {
        format!("net-{}{}", if net.since == Since::Renamed { "m" } else { "n" }, net.number)
    }

    /// The same of a member of the group.
    fn member_name(group: &Group, key: usize) -> String {
        format!("net-{}-{}", if group.renamed { "branch" } else { "spoke" }, ACCOUNTS[key].0)
    }

    /// The group with its keys, if a version has any.
    fn grouped(&self, version: Version) -> Option<(&Group, &[usize])> {
        let group = self.group.as_ref()?;
        let keys = if version == Version::Now { &group.keys } else { &group.keys_before };
        (!keys.is_empty()).then_some((group, keys))
    }

    /// What the group is called in a version.
    fn group_name(group: &Group, version: Version) -> &'static str {
        if version == Version::Before && group.renamed { "branch" } else { "spoke" }
    }

    /// What the present version says of the names in the earlier one.
    fn moved(&self, version: Version, text: &mut String) {
        if version == Version::Before {
            return;
        }
        let mut names: Vec<(String, String)> = Vec::new();
        for net in self.there(version).into_iter().filter(|net| net.since == Since::Renamed) {
            names.push((format!("stacks.m{}", net.number), format!("stacks.n{}", net.number)));
        }
        for (pair, link) in self.linked(version).into_iter().filter(|(_, link)| link.since == Since::Renamed) {
            let (before, now) = (format!("q{}-{}", pair.0, pair.1), format!("p{}-{}", pair.0, pair.1));
            names.push((format!("peerings.{before}"), format!("peerings.{now}")));
            let ways = [(link.out, "out"), (link.back, "back")].into_iter().filter(|(is_there, _)| *is_there);
            names.extend(ways.map(|(_, way)| (format!("routes.{before}-{way}"), format!("routes.{now}-{way}"))));
        }
        if let Some((group, _)) = self.grouped(version).filter(|(group, _)| group.renamed) {
            names.push(("stacks.branch".to_owned(), "stacks.spoke".to_owned()));
            if group.links {
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
    fn linked(&self, version: Version) -> Vec<((usize, usize), &Link)> {
        let there: Vec<usize> = self.there(version).iter().map(|net| net.number).collect();
        let mut seen: Vec<(usize, usize)> = Vec::new();
        let mut linked = Vec::new();
        for link in &self.links {
            let pair = (link.one.min(link.other), link.one.max(link.other));
            if link.one == link.other || seen.contains(&pair) {
                continue;
            }
            seen.push(pair);
            let is_there = if version == Version::Now { link.since != Since::Left } else { link.was_there };
            if is_there && there.contains(&pair.0) && there.contains(&pair.1) {
                linked.push((pair, link));
            }
        }
        linked
    }

    /// The values of a stack's parameters that are known without AWS.
    fn parameters(&self, net: &Net, there: &[&Net], version: Version) -> BTreeMap<&'static str, String> {
        let differs = |how: Before| version == Version::Before && net.before == how;
        let mut parameters = BTreeMap::from([
            ("Range", Self::range(net, version)),
            ("Label", if differs(Before::Label) { "old" } else { "net" }.to_owned()),
            ("Wide", if net.wide == differs(Before::Wide) { "no" } else { "yes" }.to_owned()),
        ]);
        if net.secret {
            parameters.insert("Secret", self.canary.clone());
        }
        if let Some(peer) = Self::peer(net, there) {
            parameters.insert("Peer", Self::range(peer, version));
        }
        parameters
    }

    fn range(net: &Net, version: Version) -> String {
        // A gateway cannot be attached to a VPC's successor while the VPC has it: CloudFormation has no way for that.
        let differs = version == Version::Before && net.before == Before::Range && !net.gateway;
        format!("10.{}.0.0/16", 2 * net.number + usize::from(differs))
    }

    /// The earlier stack whose range it takes, if it takes one.
    fn peer<'a>(net: &Net, there: &[&'a Net]) -> Option<&'a Net> {
        let earlier: Vec<&&Net> = there.iter().filter(|other| other.number < net.number).collect();
        net.peer.filter(|_| !earlier.is_empty()).map(|peer| *earlier[peer % earlier.len()])
    }

    fn net(&self, net: &Net, there: &[&Net], version: Version, text: &mut String) {
        let differs = |how: Before| version == Version::Before && net.before == how;
        let (account, region) = (ACCOUNTS[net.account].0, REGIONS[net.region]);
        let name = Self::name(net, version);
        let mut parameters = self.parameters(net, there, version);
        if let Some(peer) = Self::peer(net, there) {
            parameters.insert("Peer", format!("{{{{ stacks.{}.outputs.Range }}}}", Self::name(peer, version)));
        }
        let parameters: Vec<String> = parameters.iter().map(|(key, value)| format!("{key} = \"{value}\"")).collect();
        write!(
            text,
            "\n[stacks.{name}]\naccount = \"{account}\"\nregion = \"{region}\"\ntemplate = \"net.yaml\"\n\
             parameters = {{ {} }}\ntags = {{ Purpose = \"{}\" }}\n",
            parameters.join(", "),
            if differs(Before::Tag) { "old" } else { "net" }
        )
        .unwrap();
        if net.keeps {
            text.push_str("on_failure = \"keep\"\n");
        }
        let early = if net.takes_early && version == Version::Now { "early_inputs = true\n" } else { "" };
        text.push_str(early);
        if net.gateway {
            let number = net.number;
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

    fn links(&self, version: Version, text: &mut String) {
        for (pair, link) in self.linked(version) {
            let (Some(one), Some(other)) = (self.of(link.one), self.of(link.other)) else { continue };
            let before = version == Version::Before && link.since == Since::Renamed;
            let name = format!("{}{}-{}", if before { "q" } else { "p" }, pair.0, pair.1);
            let side = |key: &str, net: &Net| {
                format!(
                    "{key} = {{ account = \"{}\", region = \"{}\", vpc = \"{{{{ stacks.{}.outputs.VpcId }}}}\" }}\n",
                    ACCOUNTS[net.account].0,
                    REGIONS[net.region],
                    Self::name(net, version)
                )
            };
            write!(text, "\n[peerings.{name}]\n{}{}", side("requester", one), side("accepter", other)).unwrap();
            for (is_there, way, from, to) in [(link.out, "out", one, other), (link.back, "back", other, one)] {
                if is_there {
                    let (here, there) = (Self::name(from, version), Self::name(to, version));
                    write!(
                        text,
                        "\n[routes.{name}-{way}]\naccount = \"{}\"\nregion = \"{}\"\n\
                         route_tables = [\"{{{{ split stacks.{here}.outputs.Tables }}}}\"]\n\
                         destination = \"{{{{ stacks.{there}.outputs.Range }}}}\"\nvia = \"{{{{ peerings.{name}.id }}}}\"\n",
                        ACCOUNTS[from.account].0, REGIONS[from.region]
                    )
                    .unwrap();
                }
            }
        }
    }

    /// One VPC for each of some accounts, each peered with the first of the others and routed both ways.
    fn group(&self, there: &[&Net], version: Version, text: &mut String) {
        let Some((group, keys)) = self.grouped(version) else { return };
        let item = |key: &usize| format!("{} = \"10.{}.0.0/16\"", ACCOUNTS[*key].0, 100 + key);
        let items: Vec<String> = keys.iter().map(item).collect();
        let name = Self::group_name(group, version);
        write!(
            text,
            "\n[vars]\nspokes = {{ {} }}\n\
             \n[stacks.{name}]\nfor_each = \"vars.spokes\"\naccount = \"{{{{ each.key }}}}\"\ntemplate = \"net.yaml\"\n\
             parameters = {{ Range = \"{{{{ each.value }}}}\", Label = \"{{{{ each.key }}}}\" }}\n",
            items.join(", ")
        )
        .unwrap();
        let Some(hub) = there.first().filter(|_| group.links) else { return };
        let (account, region) = (ACCOUNTS[hub.account].0, REGIONS[hub.region]);
        let hub = Self::name(hub, version);
        write!(
            text,
            "\n[peerings.{name}]\nfor_each = \"stacks.{name}\"\n\
             requester = {{ account = \"{{{{ each.account }}}}\", region = \"us-east-1\", vpc = \"{{{{ each.outputs.VpcId }}}}\" }}\n\
             accepter = {{ account = \"{account}\", region = \"{region}\", vpc = \"{{{{ stacks.{hub}.outputs.VpcId }}}}\" }}\n\
             \n[routes.{name}]\nfor_each = \"peerings.{name}\"\naccount = \"{{{{ each.requester.account }}}}\"\n\
             route_tables = [\"{{{{ each.source.outputs.Table }}}}\"]\ndestination = \"{{{{ stacks.{hub}.outputs.Range }}}}\"\n\
             via = \"{{{{ each.id }}}}\"\n\
             \n[routes.hub]\nfor_each = \"peerings.{name}\"\naccount = \"{account}\"\nregion = \"{region}\"\n\
             route_tables = [\"{{{{ stacks.{hub}.outputs.Table }}}}\"]\ndestination = \"{{{{ each.source.outputs.Range }}}}\"\n\
             via = \"{{{{ each.id }}}}\"\n"
        )
        .unwrap();
    }

    /// The stacks of a version, by the names that CloudFormation knows them by.
    pub(crate) fn stacks(&self, version: Version) -> Vec<WantedStack> {
        let there = self.there(version);
        let mut wanted = Vec::new();
        for net in &there {
            let (account, region) = (ACCOUNTS[net.account].1, REGIONS[net.region]);
            let parameters = self.parameters(net, &there, version);
            let (name, node) = (Self::stack_name(net), format!("stacks/{}", Self::name(net, version)));
            wanted.push(WantedStack { name, node, account, region, parameters });
            if net.gateway {
                let (name, node) = (format!("net-g{}", net.number), format!("stacks/g{}", net.number));
                wanted.push(WantedStack { name, node, account, region, parameters: BTreeMap::new() });
            }
        }
        if let Some((group, keys)) = self.grouped(version) {
            for key in keys {
                let (name, id) = ACCOUNTS[*key];
                let parameters =
                    BTreeMap::from([("Range", format!("10.{}.0.0/16", 100 + key)), ("Label", name.to_owned())]);
                let node = format!("stacks/{}/{name}", Self::group_name(group, version));
                let name = Self::member_name(group, *key);
                wanted.push(WantedStack { name, node, account: id, region: REGIONS[0], parameters });
            }
        }
        wanted
    }

    /// The peerings of a version.
    pub(crate) fn peerings(&self, version: Version) -> Vec<WantedPeering> {
        let stack = Self::stack_name;
        let mut wanted = Vec::new();
        for (_, link) in self.linked(version) {
            let (Some(one), Some(other)) = (self.of(link.one), self.of(link.other)) else { continue };
            let ways = [(link.out, one, other), (link.back, other, one)].into_iter().filter(|(is_there, ..)| *is_there);
            let routes = ways.map(|(_, from, to)| (stack(from), stack(to), true)).collect();
            wanted.push(WantedPeering { ends: [stack(one), stack(other)], routes });
        }
        let there = self.there(version);
        if let (Some((group, keys)), Some(hub)) =
            (self.grouped(version).filter(|(group, _)| group.links), there.first())
        {
            let hub = stack(hub);
            for key in keys {
                let spoke = Self::member_name(group, *key);
                let routes = vec![(spoke.clone(), hub.clone(), false), (hub.clone(), spoke.clone(), false)];
                wanted.push(WantedPeering { ends: [spoke, hub.clone()], routes });
            }
        }
        wanted
    }

    /// The gateways of a version: each stack with that of its gateway.
    pub(crate) fn gateways(&self, version: Version) -> Vec<(String, String)> {
        let gated = self.there(version).into_iter().filter(|net| net.gateway);
        gated.map(|net| (Self::stack_name(net), format!("net-g{}", net.number))).collect()
    }
}
