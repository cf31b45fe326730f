//! Plans of any size, in memory.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use orch::plan::{Files, Given, Loaded, Parsed, load, parse};

const HUB: &str = include_str!("../../../plans/templates/hub.yaml");
const SPOKE: &str = include_str!("../../../plans/templates/spoke.yaml");

/// How many spokes a hub has: as many peerings as a VPC may have in every account.
const SPOKES: usize = 50;

/// A plan's text, with the shipped templates beside it.
pub struct Written(pub String);

impl Files for Written {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let text = match path.file_name().and_then(|name| name.to_str()) {
            Some("hub.yaml") => HUB,
            Some("spoke.yaml") => SPOKE,
            _ => &self.0,
        };
        Ok(text.as_bytes().to_vec())
    }
}

/// Nothing.
const GIVEN: Given<'static> = Given { vars: &[], env: &|_| None };

impl Written {
    /// Reads it.
    pub fn load(&self) -> Loaded {
        load(Path::new("plan.toml"), self, &GIVEN)
    }

    /// Only parses it.
    pub fn parse(&self) -> Parsed {
        parse(Path::new("plan.toml"), self)
    }

    /// Goes on with what was parsed.
    pub fn expand(&self, parsed: Parsed) -> Loaded {
        parsed.expand(self, &GIVEN)
    }
}

/// The plan that `bash benches/large-plan NODES` writes: hubs with up to 50 spokes each, a peering for each spoke and
/// routes both ways, in 200 accounts. There are few tables with many instances each.
pub fn grouped(nodes: usize) -> Written {
    let spokes = spokes_of(nodes);
    let mut text = head("large", 200);
    text.push_str("\n[vars]\n");
    for hub in 0..spokes.div_ceil(SPOKES) {
        let _ = writeln!(text, "spokes{hub} = {{");
        for spoke in hub * SPOKES..spokes.min((hub + 1) * SPOKES) {
            let _ = writeln!(text, "  s{spoke} = {{ account = \"a{}\", cidr = \"{}\" }},", spoke % 200, range(spoke));
        }
        text.push_str("}\n");
    }
    for hub in 0..spokes.div_ceil(SPOKES) {
        stack(&mut text, &format!("hub{hub}"), hub);
        let _ = write!(
            text,
            "
[stacks.spoke{hub}]
for_each = \"vars.spokes{hub}\"
account  = \"{{{{ each.value.account }}}}\"
name     = \"spoke-{{{{ each.key }}}}\"
template = \"templates/spoke.yaml\"
"
        );
        parameters(&mut text, "{{ each.value.cidr }}", "each.value.cidr");
        let account = hub % 200;
        let _ = write!(
            text,
            "
[peerings.spoke{hub}]
for_each  = \"stacks.spoke{hub}\"
requester = {{ account = \"{{{{ each.account }}}}\", vpc = \"{{{{ each.outputs.VPCId }}}}\" }}
accepter  = {{ account = \"a{account}\", vpc = \"{{{{ stacks.hub{hub}.outputs.VPCId }}}}\" }}

[routes.out{hub}]
for_each     = \"peerings.spoke{hub}\"
account      = \"{{{{ each.requester.account }}}}\"
destination  = \"{{{{ stacks.hub{hub}.outputs.VPCCIDRBlock }}}}\"
via          = \"{{{{ each.id }}}}\"
route_tables = [\"{{{{ each.source.outputs.RouteTableId }}}}\"]

[routes.back{hub}]
for_each     = \"peerings.spoke{hub}\"
account      = \"a{account}\"
destination  = \"{{{{ each.source.outputs.VPCCIDRBlock }}}}\"
via          = \"{{{{ each.id }}}}\"
route_tables = [\"{{{{ stacks.hub{hub}.outputs.RouteTableId }}}}\"]
"
        );
    }
    Written(text)
}

/// The same nodes, each in a table of its own: most of it is text to be parsed.
pub fn listed(nodes: usize) -> Written {
    let spokes = spokes_of(nodes);
    let mut text = head("listed", 200);
    for hub in 0..spokes.div_ceil(SPOKES) {
        stack(&mut text, &format!("hub{hub}"), hub);
    }
    for spoke in 0..spokes {
        let (hub, account) = (spoke / SPOKES, spoke % 200);
        let _ = write!(
            text,
            "
[stacks.s{spoke}]
account  = \"a{account}\"
name     = \"spoke-s{spoke}\"
template = \"templates/spoke.yaml\"
"
        );
        parameters(&mut text, &range(spoke), &format!("\"{}\"", range(spoke)));
        let owner = hub % 200;
        let _ = write!(
            text,
            "
[peerings.s{spoke}]
requester = {{ account = \"a{account}\", vpc = \"{{{{ stacks.s{spoke}.outputs.VPCId }}}}\" }}
accepter  = {{ account = \"a{owner}\", vpc = \"{{{{ stacks.hub{hub}.outputs.VPCId }}}}\" }}

[routes.out{spoke}]
account      = \"a{account}\"
destination  = \"{{{{ stacks.hub{hub}.outputs.VPCCIDRBlock }}}}\"
via          = \"{{{{ peerings.s{spoke}.id }}}}\"
route_tables = [\"{{{{ stacks.s{spoke}.outputs.RouteTableId }}}}\"]

[routes.back{spoke}]
account      = \"a{owner}\"
destination  = \"{{{{ stacks.s{spoke}.outputs.VPCCIDRBlock }}}}\"
via          = \"{{{{ peerings.s{spoke}.id }}}}\"
route_tables = [\"{{{{ stacks.hub{hub}.outputs.RouteTableId }}}}\"]
"
        );
    }
    Written(text)
}

/// A fleet: in each of `accounts` accounts a spoke in each region, peered with a hub of its region, 50 spokes to a hub; and
/// out of two tables of each spoke and of its hub a route to the other side. That is 2,000 stacks, 2,000 peerings and 8,000
/// routes, and 40 hubs, for 1,000 accounts and two regions.
pub fn fleet(accounts: usize, regions: &[&str]) -> Written {
    let mut text = head("fleet", accounts);
    text.push_str("\n[vars]\n");
    for (place, region) in regions.iter().enumerate() {
        for hub in 0..accounts.div_ceil(SPOKES) {
            let _ = writeln!(text, "{region}-{hub} = {{");
            for account in hub * SPOKES..accounts.min((hub + 1) * SPOKES) {
                let _ = writeln!(text, "  a{account} = \"{}\",", range(place * accounts + account));
            }
            text.push_str("}\n");
        }
    }
    for (place, region) in regions.iter().enumerate() {
        for hub in 0..accounts.div_ceil(SPOKES) {
            let range = format!("172.{}.{hub}.0/24", 16 + place);
            let _ = write!(
                text,
                "
[stacks.hub-{region}-{hub}]
account  = \"a{hub}\"
region   = \"{region}\"
name     = \"hub-{hub}\"
template = \"templates/hub.yaml\"
"
            );
            parameters(&mut text, &range, &format!("\"{range}\""));
            let _ = write!(
                text,
                "
[stacks.spoke-{region}-{hub}]
for_each = \"vars.{region}-{hub}\"
account  = \"{{{{ each.key }}}}\"
region   = \"{region}\"
name     = \"spoke\"
template = \"templates/spoke.yaml\"
"
            );
            parameters(&mut text, "{{ each.value }}", "each.value");
            let _ = write!(
                text,
                "
[peerings.spoke-{region}-{hub}]
for_each  = \"stacks.spoke-{region}-{hub}\"
region    = \"{region}\"
requester = {{ account = \"{{{{ each.account }}}}\", vpc = \"{{{{ each.outputs.VPCId }}}}\" }}
accepter  = {{ account = \"a{hub}\", vpc = \"{{{{ stacks.hub-{region}-{hub}.outputs.VPCId }}}}\" }}
"
            );
            for table in ["RouteTableId", "InternalRouteTableA"] {
                let _ = write!(
                    text,
                    "
[routes.out-{region}-{hub}-{table}]
for_each     = \"peerings.spoke-{region}-{hub}\"
account      = \"{{{{ each.requester.account }}}}\"
region       = \"{region}\"
destination  = \"{{{{ stacks.hub-{region}-{hub}.outputs.VPCCIDRBlock }}}}\"
via          = \"{{{{ each.id }}}}\"
route_tables = [\"{{{{ each.source.outputs.{table} }}}}\"]

[routes.back-{region}-{hub}-{table}]
for_each     = \"peerings.spoke-{region}-{hub}\"
account      = \"a{hub}\"
region       = \"{region}\"
destination  = \"{{{{ each.source.outputs.VPCCIDRBlock }}}}\"
via          = \"{{{{ each.id }}}}\"
route_tables = [\"{{{{ stacks.hub-{region}-{hub}.outputs.{table} }}}}\"]
"
                );
            }
        }
    }
    Written(text)
}

/// Of each hub one node, of each spoke four.
fn spokes_of(nodes: usize) -> usize {
    (nodes * SPOKES / (4 * SPOKES + 1)).max(1)
}

fn head(name: &str, accounts: usize) -> String {
    let mut text = format!("name   = \"{name}\"\nregion = \"us-east-1\"\n\n[accounts]\n");
    for account in 0..accounts {
        let _ =
            writeln!(text, "a{account} = {{ id = \"{:012}\", role = \"Orch\" }}", 100_000_000_000_u64 + account as u64);
    }
    text
}

/// The range of a spoke.
fn range(spoke: usize) -> String {
    format!("10.{}.{}.0/24", spoke / 256, spoke % 256)
}

/// A hub's stack.
fn stack(text: &mut String, name: &str, hub: usize) {
    let range = format!("172.{}.{}.0/24", 16 + hub / 256, hub % 256);
    let account = hub % 200;
    let _ = write!(
        text,
        "
[stacks.{name}]
account  = \"a{account}\"
name     = \"{name}\"
template = \"templates/hub.yaml\"
"
    );
    parameters(text, &range, &format!("\"{range}\""));
}

/// The parameters of a stack: its range as a text, and the same as an argument of an expression.
fn parameters(text: &mut String, whole: &str, argument: &str) {
    let _ = writeln!(text, "parameters = {{\n  CidrBlock = \"{whole}\",");
    for (index, name) in ["PublicSubnetA", "PublicSubnetB", "InternalSubnetA", "InternalSubnetB"].iter().enumerate() {
        let _ = writeln!(text, "  {name}Cidr = '{{{{ subnet {argument} 26 {index} }}}}',");
    }
    text.push_str("}\n");
}
