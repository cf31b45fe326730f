//! The plan that many tests are about: a hub and spokes that need not wait for each other, a peering for each spoke, and a
//! route either way. And any plan beside the templates that it names.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use orch::plan::Files;

use crate::in_process::{Ready, read};

/// A VPC with a route table, which tells what peerings and routes need.
pub const NET: &str = "\
Parameters:
  CidrBlock: {Type: String}
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref CidrBlock}}
  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc}}
Outputs:
  VPCId: {Value: !Ref Vpc}
  RouteTableId: {Value: !Ref Table}
  VPCCIDRBlock: {Value: !GetAtt Vpc.CidrBlock}
";

/// A plan beside its templates, by their names.
struct Written<'t>(&'t str, &'t [(&'t str, &'t str)]);

impl Files for Written<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let template = self.1.iter().find(|(name, _)| path.ends_with(name)).map(|(_, text)| *text);
        let text = template.or_else(|| path.ends_with("plan.toml").then_some(self.0));
        text.map(|text| text.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Reads a plan beside its templates, by their names.
pub fn beside(plan: &str, templates: &[(&str, &str)]) -> Ready {
    read("plan.toml", &Written(plan, templates))
}

/// The accounts in which everything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// The hub's own, whose credentials the run starts from, and one for each spoke, by its role.
    Apart,
    /// The hub's own, and one for all spokes.
    Two,
    /// The hub's alone.
    One,
    /// One for each spoke, by its role; the hub is beside the first.
    Spokes,
}

/// A hub and so many spokes.
#[derive(Clone, Debug)]
pub struct HubAndSpokes {
    /// The plan's name, with which the names of all stacks begin.
    pub name: &'static str,
    /// How many spokes there are.
    pub spokes: usize,
    /// The accounts in which they are.
    pub accounts: Accounts,
    /// The hub's template, with `CidrBlock` as its parameter, and what else its table says.
    pub hub: (&'static str, &'static str),
    /// Whether names are resolved over the peerings.
    pub dns: bool,
    /// Whether routes lead out of the spokes to the hub, too.
    pub out: bool,
}

impl HubAndSpokes {
    /// Each in an account of its own, and all alike.
    pub fn of(name: &'static str, spokes: usize) -> Self {
        Self { name, spokes, accounts: Accounts::Apart, hub: ("net.yaml", ""), dns: false, out: true }
    }

    /// A spoke's key.
    pub fn key(spoke: usize) -> String {
        format!("s{spoke:04}")
    }

    /// The name of a spoke's stack.
    pub fn stack(&self, spoke: usize) -> String {
        format!("{}-spoke-{}", self.name, Self::key(spoke))
    }

    /// The name of the hub's stack.
    pub fn hub_stack(&self) -> String {
        format!("{}-hub", self.name)
    }

    /// The plan, to be read beside [`NET`] as `net.yaml`.
    pub fn text(&self) -> String {
        let mut text = format!("name = \"{}\"\nregion = \"us-east-1\"\n\n[vars.spokes]\n", self.name);
        for n in 0..self.spokes {
            let _ = writeln!(text, "{} = \"10.{}.{}.0/24\"", Self::key(n), 1 + n / 256, n % 256);
        }
        text.push_str("\n[accounts]\n");
        if self.accounts != Accounts::Spokes {
            text.push_str("hub = { id = \"111111111111\" }\n");
        }
        let many: Vec<String> = match self.accounts {
            Accounts::Apart | Accounts::Spokes => (0..self.spokes).map(Self::key).collect(),
            Accounts::Two => vec!["spokes".to_owned()],
            Accounts::One => Vec::new(),
        };
        for (account, n) in many.iter().zip(200_000_000_000_u64..) {
            let _ = writeln!(text, "{account} = {{ id = \"{n}\", role = \"Deploy\" }}");
        }
        let hub = if self.accounts == Accounts::Spokes { Self::key(0) } else { "hub".to_owned() };
        let spoke = match self.accounts {
            Accounts::Apart | Accounts::Spokes => "{{ each.key }}",
            Accounts::Two => "spokes",
            Accounts::One => "hub",
        };
        let dns = if self.dns { ", dns = true" } else { "" };
        let (template, more) = self.hub;
        let _ = write!(
            text,
            r#"
[stacks.hub]
account    = "{hub}"
template   = "{template}"
parameters = {{ CidrBlock = "10.0.0.0/24" }}
{more}

[stacks.spoke]
for_each   = "vars.spokes"
account    = "{spoke}"
template   = "net.yaml"
parameters = {{ CidrBlock = "{{{{ each.value }}}}" }}

[peerings.spoke]
for_each  = "stacks.spoke"
requester = {{ account = "{{{{ each.account }}}}", vpc = "{{{{ each.outputs.VPCId }}}}"{dns} }}
accepter  = {{ account = "{hub}", vpc = "{{{{ stacks.hub.outputs.VPCId }}}}"{dns} }}

[routes.back]
for_each     = "peerings.spoke"
account      = "{hub}"
route_tables = ["{{{{ stacks.hub.outputs.RouteTableId }}}}"]
destination  = "{{{{ each.source.outputs.VPCCIDRBlock }}}}"
via          = "{{{{ each.id }}}}"
"#
        );
        if self.out {
            text.push_str(OUT);
        }
        text
    }

    /// The plan, read.
    pub fn plan(&self) -> Ready {
        beside(&self.text(), &[("net.yaml", NET)])
    }
}

const OUT: &str = r#"
[routes.out]
for_each     = "peerings.spoke"
account      = "{{ each.requester.account }}"
route_tables = ["{{ each.source.outputs.RouteTableId }}"]
destination  = "10.0.0.0/24"
via          = "{{ each.id }}"
"#;
