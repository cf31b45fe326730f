//! What AWS said about a plan: facts as plain data, gathered by whoever can ask.
//!
//! The rules hold a plan against them as they stand now. What the plan is about to change must not be judged by its old
//! value; `standing` says what of it stays.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::graph::Ix;
use crate::ids::{AccountName, Region};

/// What AWS said about a plan. What could not be asked is left out: unknown is not wrong.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The accounts that cannot be used.
    pub accounts: Vec<Unusable>,
    /// What AWS told in full: of that, what is not found is not there.
    pub read: Read,
    /// What AWS would not tell, or not now.
    pub unread: Vec<Unread>,
    /// What CloudFormation said of each template.
    pub templates: Vec<Judged>,
    /// The stacks that stand and are the node's own, or are only read.
    pub stacks: HashMap<Ix, LiveStack>,
    /// The address ranges of the VPCs by their ids, each VPC's first one first.
    pub vpcs: HashMap<String, Vec<String>>,
    /// The peerings by their ids, without the dead ones.
    pub peerings: BTreeMap<String, LivePeering>,
    /// The route tables by their ids.
    pub tables: BTreeMap<String, LiveTable>,
}

/// What could be read. Of anything else nothing is known, and nothing follows from not finding it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The nodes whose stacks were looked for.
    pub stacks: HashSet<Ix>,
    /// The ids of the VPCs of each place where all were listed.
    pub vpcs: HashMap<Place, HashSet<String>>,
    /// Where all peerings were listed.
    pub peerings: HashSet<Place>,
    /// The ids of the route tables of each place where all were listed.
    pub tables: HashMap<Place, HashSet<String>>,
}

/// A region of an account.
pub type Place = (AccountName, Region);

/// An account that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The account.
    pub account: AccountName,
    /// Whether it is its role that cannot be assumed.
    pub role: bool,
    /// Why, with AWS's words.
    pub message: String,
    /// What to do about it, one remedy an item.
    pub help: Vec<String>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What it was about.
    pub of: Subject,
    /// The call that failed, and why, with AWS's words.
    pub message: String,
    /// The permission that the call needs, such as `ec2:DescribeVpcs`.
    pub permission: &'static str,
}

/// What a call was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// All that an account has in a region.
    Account(AccountName),
    /// The stack of a node.
    Stack(Ix),
    /// The template of some nodes.
    Template(Vec<Ix>),
}

/// A template that CloudFormation has looked over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The nodes that use it in one region.
    pub nodes: Vec<Ix>,
    /// The account and the region that were asked, for a sentence.
    pub place: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// What CloudFormation said of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// That it is wrong, and why.
    Refused(String),
    /// What it needs.
    Taken {
        /// The parameters that it declares, each with whether it has a default.
        parameters: Vec<(String, bool)>,
        /// The capabilities that must be granted.
        capabilities: Vec<String>,
        /// Why, in CloudFormation's words.
        reason: String,
    },
}

/// A stack that stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveStack {
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
    /// The parameters that it was last made with.
    pub parameters: BTreeMap<String, String>,
}

/// A peering that is not dead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivePeering {
    /// Its two VPCs, the requester's first.
    pub vpcs: [String; 2],
    /// Whether it is accepted, so that it counts among a VPC's active peerings.
    pub is_accepted: bool,
    /// The node of this very plan that made it.
    pub node: Option<Ix>,
}

/// A route table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveTable {
    /// The VPC that it belongs to.
    pub vpc: String,
    /// Its routes, without the VPC's own and those that a gateway has announced: the quota has others for these.
    pub routes: Vec<LiveRoute>,
}

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveRoute {
    /// A range in canonical form, or a prefix list's id.
    pub destination: String,
    /// The ids of what it leads to.
    pub targets: Vec<String>,
}

impl Live {
    /// Whether AWS told all that it was to be asked.
    pub(super) fn is_whole(&self) -> bool {
        self.accounts.is_empty() && self.unread.is_empty()
    }
}
