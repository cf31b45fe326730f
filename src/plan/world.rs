//! Everything that a path can lead to.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::account::Account;
use super::load::Variable;
use super::lost::Lost;
use super::template_bucket::DeclaredBuckets;
use super::vars::Vars;
use crate::diag::{Problem, Span};
use crate::ids::{AccountName, Kind, NodeId, Region};

/// Everything that a path can lead to. It fills as the plan is expanded.
#[derive(Debug, Default)]
pub(super) struct World {
    /// What may be in the plan all the same, if it is not found.
    pub(super) lost: Lost,
    pub(super) vars: Vars,
    pub(super) name: Option<Arc<str>>,
    pub(super) region: Option<Region>,
    /// Where the plan says which region that is.
    pub(super) region_at: Option<Span>,
    /// `None` for an account that is declared, but wrongly.
    pub(super) accounts: IndexMap<AccountName, Option<Account>>,
    pub(super) buckets: DeclaredBuckets,
    pub(super) groups: IndexMap<(Kind, Arc<str>), Instances>,
    pub(super) instances: Vec<Instance>,
    /// The variables of the environment that parameters name, as far as they are set.
    pub(super) environment: HashMap<Arc<str>, Variable>,
}

/// The nodes that one table of the plan declares.
#[derive(Debug, Default)]
pub(super) struct Instances {
    /// Whether the nodes have keys; if not, there is one node at most.
    pub(super) keyed: bool,
    /// Whether the instances could not be told, which was reported: then nothing in it is unknown.
    pub(super) broken: bool,
    /// Places in [`World::instances`].
    pub(super) members: Vec<usize>,
    /// The same by key, with slashes.
    pub(super) by_key: HashMap<Arc<str>, usize>,
}

/// One node on its way. What could not be told is `None`, and was reported.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) id: NodeId,
    /// What it was called before.
    pub(super) formerly: Option<NodeId>,
    pub(super) each: Option<Each>,
    pub(super) account: Option<AccountName>,
    pub(super) region: Option<Region>,
    /// Of a stack only.
    pub(super) name: Option<Arc<str>>,
    /// Of a peering only: the accepter's account and region. The requester's are the node's own.
    pub(super) accepter: Option<(Option<AccountName>, Option<Region>)>,
}

/// What `each` is bound to.
#[derive(Clone, Debug)]
pub(super) enum Each {
    /// An item of a list or a table, or a region.
    Item { key: Arc<str>, value: Arc<Json> },
    /// An instance of another group.
    Instance(usize),
}

impl World {
    /// A problem with the place of the plan's own region, which it is about.
    pub(super) fn beside_region(&self, problem: Problem) -> Problem {
        match &self.region_at {
            Some(at) => problem.related(at.clone(), "the plan's region"),
            None => problem,
        }
    }

    /// `each.key`: the item's key; of an instance, the key of what it was made for.
    pub(super) fn each_key<'a>(&'a self, mut each: &'a Each) -> &'a str {
        loop {
            match each {
                Each::Item { key, .. } => return key,
                Each::Instance(index) => match &self.instances[*index].each {
                    Some(source) => each = source,
                    None => return self.instances[*index].id.key.as_deref().unwrap_or_default(),
                },
            }
        }
    }
}
