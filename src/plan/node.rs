//! The bound model: what the plan's text comes down to, once everything is expanded.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use super::account::Account;
use super::{Allowance, Setting, Value, Waves};
use crate::diag::{FileId, Span};
use crate::ids::{AccountId, AccountName, NodeId, Region};

/// A plan, bound: every expression stands for what its paths lead to.
///
/// Of a text with errors it is a draft, in which what could not be read is missing. A draft is only there to be looked
/// at further, so that one run tells what is wrong in all of it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The plan's name, unique in the organisation.
    pub name: Arc<str>,
    /// The region of everything that names none.
    pub region: Region,
    /// The accounts, in the order of the text.
    pub accounts: IndexMap<AccountName, Account>,
    /// Every stack, peering and route: by kind, then in the order of the text, then of the instances.
    pub nodes: Vec<Node>,
    /// The bucket that the inventory is kept in; a file otherwise.
    pub inventory: Option<SharedBucket>,
    /// The bucket of the lock that one run at a time holds; none otherwise.
    pub lock: Option<SharedBucket>,
    /// The file that was loaded.
    pub path: PathBuf,
    /// Whether everything is there; if not, it is a draft, and nothing follows from what it lacks.
    pub whole: bool,
}

/// A bucket for what all share who run a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedBucket {
    /// The account whose role reads and writes what is in it.
    pub account: AccountName,
    /// The bucket, and what its objects' keys begin with.
    pub bucket: TemplateBucket,
}

/// One stack, peering or route.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub id: NodeId,
    /// What it was called before (`moved`): what stands at AWS may bear that name.
    pub formerly: Option<NodeId>,
    /// The header of the table that declares it; instances of a group share it.
    pub span: Span,
    /// The account it lives in; of a peering, the requester's.
    pub account: AccountName,
    /// The region it lives in; of a peering, the requester's.
    pub region: Region,
    /// What is wanted.
    pub spec: Spec,
    /// The nodes that must be done first, each attribute once, with the expression that says so.
    pub needs: Vec<Need>,
    /// The groups of which every instance must be done first. All instances of a group share the list, so that two
    /// groups of thousands do not become millions of pairs.
    pub after: Arc<[After]>,
    /// How the group that it is an instance of is rolled out; the instances share it.
    pub waves: Option<Arc<Waves>>,
    /// The rules that it is excused from.
    pub allow: Arc<[Allowance]>,
    /// Whether all of its text could be read; if not, nothing follows from what it lacks.
    pub whole: bool,
}

/// That every instance of a group must be done first, by one element of `depends_on`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// The instances.
    pub nodes: Arc<[NodeId]>,
    /// The element.
    pub span: Span,
    /// `depends_on`.
    pub expression: Arc<str>,
}

impl Node {
    /// The accounts that it touches: its own, and of a peering the accepter's too.
    pub fn accounts(&self) -> impl Iterator<Item = &AccountName> {
        let accepter = match &self.spec {
            Spec::Peering(peering) => Some(&peering.accepter.account),
            Spec::Stack(_) | Spec::Route(_) => None,
        };
        std::iter::once(&self.account).chain(accepter)
    }

    /// The accounts in which values of it are read, beside those that it touches.
    pub fn read_in(&self) -> impl Iterator<Item = &AccountName> {
        let parameters = match &self.spec {
            Spec::Stack(stack) => Some(stack.parameters.values()),
            Spec::Peering(_) | Spec::Route(_) => None,
        };
        let supplies = parameters.into_iter().flatten().filter_map(|setting| setting.value.supply());
        supplies.filter_map(|supply| Some(&supply.at()?.account))
    }
}

/// That a node needs another, and where the plan says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The node that is needed.
    pub node: NodeId,
    /// What is needed of it; `None` when it only has to be done (`depends_on`).
    pub attribute: Option<Attribute>,
    /// The very path in the plan, or the element of `depends_on`.
    pub span: Span,
    /// The path as it is written, such as `stacks.master.outputs.VPCId`; or `depends_on`.
    pub expression: Arc<str>,
}

/// What is only known of a node once it is done.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attribute {
    /// A stack's output, by name.
    Output(String),
    /// A stack's ARN or a peering connection's `pcx-…`.
    Id,
}

/// What is wanted, by kind.
#[derive(Clone, Debug)]
pub enum Spec {
    /// A CloudFormation stack.
    Stack(StackSpec),
    /// A VPC peering connection.
    Peering(PeeringSpec),
    /// A route in any number of tables.
    Route(RouteSpec),
}

/// A wanted stack.
#[derive(Clone, Debug)]
pub struct StackSpec {
    /// CloudFormation's name of it; empty in a draft where it cannot be told.
    pub name: Arc<str>,
    /// Its template; `None` exactly when the stack is only read.
    pub template: Option<Origin>,
    /// Parameters by name: texts, numbers, truths, and lists of them.
    pub parameters: IndexMap<Arc<str>, Setting>,
    /// Parameters whose present values stay, each with its place in the plan; none of them is among `parameters`.
    pub kept: IndexMap<Arc<str>, Span>,
    /// Tags by key.
    pub tags: IndexMap<Arc<str>, Setting>,
    /// What the template is allowed to do: `CAPABILITY_IAM` and the like.
    pub capabilities: Vec<Arc<str>>,
    /// Whether orch makes and changes the stack; if not, its outputs are only read.
    pub manage: bool,
    /// Where its template goes if no request holds it.
    pub bucket: Option<TemplateBucket>,
    /// Whether a stack that is there and bears no tags of orch becomes the node's.
    pub adopt: bool,
    /// What guards it, and how it is carried out.
    pub guards: Box<Guards>,
    /// The outputs that the plan says to be secrets, each with its place in the plan.
    pub sensitive_outputs: Vec<(Arc<str>, Span)>,
}

/// What guards a stack, and how it is carried out. What is `None` the plan leaves as it is at AWS.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    /// From what it is protected.
    pub protect: Option<Protect>,
    /// Its own stack policy.
    pub stack_policy: Option<Template>,
    /// The alarms that take its operations back.
    pub rollback_triggers: Option<Triggers>,
    /// The ARNs of the topics that hear of its events; an element that turns out to be a list counts as its elements.
    pub notification_arns: Option<Vec<Value>>,
    /// The ARN of the role that CloudFormation acts in.
    pub service_role: Option<Value>,
    /// How many minutes its creation may take.
    pub timeout: Option<u32>,
    /// What becomes of a failure.
    pub on_failure: Option<Failing>,
    /// Whether its operations are over before its resources can be used.
    pub express: bool,
    /// Whether peerings and routes are given its outputs once these are certain, before it is complete.
    pub early_outputs: bool,
    /// The key by which it is created with such outputs of others; if what gave them fails, it is deleted again.
    pub early_inputs: Option<Span>,
}

/// From what a stack is protected: exactly this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protect {
    /// Whether it may not be deleted.
    pub delete: bool,
    /// Whether none of its resources may be replaced or taken out of it.
    pub replace: bool,
    /// The value in the plan.
    pub span: Span,
}

/// Alarms that take an operation back.
#[derive(Clone, Debug)]
pub struct Triggers {
    /// The ARNs of alarms; an element that turns out to be a list counts as its elements.
    pub alarms: Vec<Value>,
    /// The same of composite alarms.
    pub composite_alarms: Vec<Value>,
    /// For how many minutes they are watched once all resources are made.
    pub monitoring: u32,
}

/// What becomes of a stack when an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// What was done is taken back.
    Rollback,
    /// The same of an update; a stack that could not be created is deleted.
    Delete,
    /// Everything is left as it is.
    Keep,
}

impl Failing {
    /// Each with the plan's word for it.
    pub(super) const ALL: [(&'static str, Self); 3] =
        [("rollback", Self::Rollback), ("delete", Self::Delete), ("keep", Self::Keep)];

    /// The plan's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Delete => "delete",
            Self::Keep => "keep",
        }
    }
}

/// A bucket for templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateBucket {
    /// Its name.
    pub name: Arc<str>,
    /// What the keys of templates begin with.
    pub prefix: Arc<str>,
    /// The key of KMS that templates are encrypted with.
    pub kms_key: Option<Arc<str>>,
    /// The account that it must belong to, if the plan says so.
    pub owner: Option<AccountId>,
}

impl StackSpec {
    /// Its template, if that is a file of the plan's.
    pub fn file(&self) -> Option<&Template> {
        match self.template.as_ref()? {
            Origin::File(template) => Some(template),
            Origin::Url(_) => None,
        }
    }
}

/// Where a stack's template is.
#[derive(Clone, Debug)]
pub enum Origin {
    /// In a file, which was read.
    File(Template),
    /// In S3, where CloudFormation reads it.
    Url(TemplateUrl),
}

impl Origin {
    /// The value in the plan that names it.
    pub fn span(&self) -> &Span {
        match self {
            Self::File(template) => &template.span,
            Self::Url(template) => &template.span,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(template) => template.path.display().fmt(f),
            Self::Url(template) => f.write_str(&template.url),
        }
    }
}

/// A template that is not the plan's to read.
#[derive(Clone, Debug)]
pub struct TemplateUrl {
    /// Its URL, as the plan has it.
    pub url: Arc<str>,
    /// The value in the plan that names it.
    pub span: Span,
}

/// A template, or a stack policy, that was found.
#[derive(Clone, Debug)]
pub struct Template {
    /// Where it was read, seen from where the plan's own path is seen.
    pub path: Arc<Path>,
    /// The value in the plan that names it.
    pub span: Span,
    /// Its text; stacks with the same path share it.
    pub file: FileId,
    /// The templates that it nests by their paths, in the order of its text: the place that names one is in that text.
    pub nested: Arc<[Self]>,
}

impl Template {
    /// The templates that it nests, those that they nest too.
    pub fn all_nested(&self) -> Vec<&Self> {
        let mut found = Vec::new();
        for nested in &*self.nested {
            found.push(nested);
            found.extend(nested.all_nested());
        }
        found
    }
}

/// A wanted peering connection.
#[derive(Clone, Debug)]
pub struct PeeringSpec {
    /// The side that asks.
    pub requester: Side,
    /// The side that accepts.
    pub accepter: Side,
    /// Tags of the connection by key.
    pub tags: IndexMap<Arc<str>, Setting>,
    /// Whether a peering that is there and bears no tags of orch becomes the node's.
    pub adopt: bool,
}

/// One side of a peering connection.
#[derive(Clone, Debug)]
pub struct Side {
    /// The account that owns the VPC.
    pub account: AccountName,
    /// The region of the VPC.
    pub region: Region,
    /// The VPC's id.
    pub vpc: Value,
    /// Whether this side resolves the other's public host names to private addresses; `None` leaves it alone.
    pub dns: Option<bool>,
}

/// A wanted route.
#[derive(Clone, Debug)]
pub struct RouteSpec {
    /// The route tables' ids; an element that turns out to be a list counts as its elements.
    pub route_tables: Vec<Value>,
    /// An IPv4 or IPv6 CIDR block, or a prefix list's id.
    pub destination: Value,
    /// The target's id: `pcx-…`, `tgw-…`, `nat-…` and so on.
    pub via: Value,
    /// Whether a route to the same destination with another target is replaced.
    pub replace: bool,
    /// Whether a route that is there as it is wanted counts as the node's own.
    pub adopt: bool,
}
