//! Worlds that begin with what stands elsewhere: in another AWS that was read, or as a test has drawn it.
//!
//! A [`Seed`] is plain data about one account in one region, as AWS's own calls tell it, and ids stay what they are. A world
//! made of seeds knows all VPCs, route tables and peerings of its places, its stacks, and what the templates of these make
//! of the types that are embedded. Of everything else it takes for granted that it exists and works: resources of other
//! types, gateways and subnets that no stack of it has made, values that were hidden or resolved elsewhere. What it has
//! taken for granted about a stack is kept in [`Assumptions`]. Ids that it makes up are numbers
//! in a row, which AWS's never are.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::cloudformation::RollbackTriggers;
use super::ec2::Tags;
use super::world::{Assumptions, Place, World};
use super::{cloudformation, ec2, s3};
use crate::ids::Region;

/// What stands in one account in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Where.
    pub place: Place,
    /// All VPCs.
    pub vpcs: Vec<Vpc>,
    /// All route tables.
    pub route_tables: Vec<RouteTable>,
    /// All peerings that are seen from here.
    pub peerings: Vec<Peering>,
    /// What stacks export, those that are not seeded too.
    pub exports: Vec<Export>,
    /// Objects of S3 that templates are read from.
    pub objects: Vec<Object>,
    /// Stacks.
    pub stacks: Vec<Stack>,
}

/// An object of S3. Its bucket is everybody's to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// Its version; the latest otherwise.
    pub version: Option<String>,
    /// The bucket's region; the seed's otherwise.
    pub region: Option<Region>,
    /// What it holds.
    pub text: String,
}

/// A VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vpc {
    /// Its id.
    pub id: String,
    /// Its address ranges, IPv4 and IPv6, each with the id of its association, which may be empty; the primary one first.
    pub ranges: Vec<(String, String)>,
    /// Its tags.
    pub tags: Tags,
}

/// A route table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteTable {
    /// Its id.
    pub id: String,
    /// Its VPC.
    pub vpc: String,
    /// Its routes: where each leads to, and the id of what it goes through; `local` for the VPC itself.
    pub routes: Vec<(String, String)>,
    /// What it applies to.
    pub associations: Vec<Association>,
    /// Its tags.
    pub tags: Tags,
}

/// What a route table applies to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Association {
    /// The association's id.
    pub id: String,
    /// The subnet; `None` for the association that makes a table the main one.
    pub subnet: Option<String>,
}

/// A peering, as one of its sides sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peering {
    /// Its id.
    pub id: String,
    /// EC2's word for its state.
    pub status: String,
    /// EC2's words about it.
    pub message: String,
    /// Whoever asked for it.
    pub requester: Side,
    /// Whoever has to accept it.
    pub accepter: Side,
    /// The tags that the side has given it that sees it.
    pub tags: Tags,
}

/// One side of a peering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The account and region of its VPC.
    pub place: Place,
    /// Its VPC.
    pub vpc: String,
    /// Whether its names resolve for the other side.
    pub dns: bool,
}

/// A value that a stack gives to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The ARN of the stack that gives it.
    pub stack: String,
}

/// A stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// CloudFormation's word for its state. What is under way is taken to have ended well.
    pub status: String,
    /// CloudFormation's reason for the state.
    pub reason: Option<String>,
    /// Its template; one that is not known is made up of its parameters and resources.
    pub template: String,
    /// Its parameters. A value that is hidden is `****`.
    pub parameters: BTreeMap<String, Parameter>,
    /// Its tags.
    pub tags: Tags,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
    /// Its resources by their names in the template.
    pub resources: BTreeMap<String, Resource>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it was last updated.
    pub updated: Option<Timestamp>,
    /// Whether deletion is refused.
    pub termination_protection: bool,
    /// Its stack policy.
    pub policy: Policy,
    /// What its template was allowed to make.
    pub capabilities: Vec<String>,
    /// The topics that hear of its events.
    pub notification_arns: Vec<String>,
    /// The role that CloudFormation acts in.
    pub role_arn: Option<String>,
    /// The alarms that its operations hang on.
    pub rollback: RollbackTriggers,
    /// How many minutes its creation might take.
    pub timeout_minutes: Option<u32>,
    /// Whether its operations are over before resources can be used.
    pub express: bool,
}

/// What a stack's updates are held against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Nothing.
    #[default]
    None,
    /// This policy, as JSON.
    Text(String),
    /// A policy that cannot be read, if there is one. It is taken to allow everything.
    Unread,
}

/// A parameter of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// Its value.
    pub value: String,
    /// For Systems Manager types, the value behind the key.
    pub resolved: Option<String>,
}

/// A resource of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// Its id at its service; empty while it has none.
    pub id: String,
    /// Its type.
    pub type_name: String,
    /// CloudFormation's word for its state.
    pub status: String,
    /// CloudFormation's reason for the state.
    pub reason: Option<String>,
}

/// Puts seeds into an empty world, which from then on assumes what it does not know.
pub(crate) fn plant(world: &mut World, seeds: &[Seed]) {
    world.count_ids();
    world.rules.assumptions = Some(Assumptions::new(seeds.iter().map(|seed| seed.place.clone())));
    // Whatever stacks refer to comes first, and a peering's VPCs may be in two places.
    for seed in seeds {
        ec2::seed::networks(world, seed);
    }
    for seed in seeds {
        ec2::seed::peerings(world, seed);
        cloudformation::seed::exports(world, seed);
        s3::seed(world, seed);
    }
    let mut unsettled = Vec::new();
    for seed in seeds {
        for stack in &seed.stacks {
            unsettled.extend(cloudformation::seed::stack(world, &seed.place, stack));
        }
    }
    cloudformation::seed::settle_rest(world, unsettled);
}

/// The latest time that seeds tell of.
pub(super) fn latest(seeds: &[Seed]) -> Option<Timestamp> {
    let stacks = seeds.iter().flat_map(|seed| &seed.stacks);
    stacks.flat_map(|stack| [stack.created, stack.updated]).flatten().max()
}
