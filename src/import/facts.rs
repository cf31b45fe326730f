//! What stands, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{AccountName, Region};

/// What stands in some accounts and regions.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Every stack.
    pub stacks: Vec<Stack>,
    /// Every live peering, once.
    pub peerings: Vec<Peering>,
    /// Every route table that has routes into peerings.
    pub tables: Vec<Table>,
    /// The ids of peerings and routes that templates have made, as CloudFormation has them.
    pub of_templates: BTreeSet<String>,
}

/// A stack.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Its account.
    pub account: AccountName,
    /// Its region.
    pub region: Region,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: String,
    /// Whether it is at rest and complete.
    pub stands: bool,
    /// The template that it was last made of, as it was given; empty where it was not asked for.
    pub template: String,
    /// Its parameters; those that the template hides have `****`.
    pub parameters: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What its template was allowed to make.
    pub capabilities: Vec<String>,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
}

/// A live peering.
#[derive(Clone, Debug)]
pub struct Peering {
    /// Its id.
    pub id: String,
    /// Its state, in EC2's word.
    pub state: String,
    /// The side that asked for it.
    pub requester: Side,
    /// The side that was asked.
    pub accepter: Side,
    /// The tags on the requester's side, unless that was not asked.
    pub tags: Option<BTreeMap<String, String>>,
}

/// One side of a peering.
#[derive(Clone, Debug)]
pub struct Side {
    /// The account's id.
    pub account_id: String,
    /// The account, if it is one of those that were asked.
    pub account: Option<AccountName>,
    /// The region.
    pub region: Region,
    /// The VPC.
    pub vpc: String,
    /// Whether names of this side's hosts resolve to private addresses for the other side.
    pub dns: bool,
}

/// A route table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its account.
    pub account: AccountName,
    /// Its region.
    pub region: Region,
    /// Its id.
    pub id: String,
    /// Its routes into peerings: the destination and the peering.
    pub routes: Vec<(String, String)>,
}
