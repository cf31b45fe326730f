//! What a plan has in each account, as far as policies can speak of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::cfn::{Document, Target, references};
use crate::diag::Sources;
use crate::ids::{AccountId, AccountName, NodeId, Region};
use crate::plan::{Account, Attribute, Node, Origin, PeeringSpec, Plan, Role, RouteSpec, Side, Spec, StackSpec, Value};

/// A plan with its templates.
pub(super) struct Facts<'a> {
    pub(super) plan: &'a Plan,
    /// The templates of the plan's stacks, and those that they nest, as far as they can be read.
    templates: BTreeMap<&'a NodeId, Vec<Document>>,
    /// Every region that the plan has something in, and its own.
    pub(super) regions: BTreeSet<&'a Region>,
}

/// A stack.
pub(super) struct StackHere<'a> {
    pub(super) region: &'a Region,
    pub(super) spec: &'a StackSpec,
    pub(super) documents: &'a [Document],
}

/// A side of a peering that is this account's.
pub(super) struct SideHere<'a> {
    pub(super) own: &'a Side,
    pub(super) other: &'a Side,
    pub(super) spec: &'a PeeringSpec,
}

/// A route.
pub(super) struct RouteHere<'a> {
    pub(super) region: &'a Region,
    pub(super) spec: &'a RouteSpec,
}

/// What a plan has in one account.
pub(super) struct Here<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) name: &'a AccountName,
    pub(super) id: &'a AccountId,
    /// The stacks, those that are only read too.
    pub(super) stacks: Vec<StackHere<'a>>,
    /// The peerings that are asked for here.
    pub(super) requested: Vec<SideHere<'a>>,
    /// The peerings that are accepted here.
    pub(super) accepted: Vec<SideHere<'a>>,
    pub(super) routes: Vec<RouteHere<'a>>,
    /// Whether a template is where only CloudFormation reads it.
    pub(super) has_unread_templates: bool,
}

impl<'a> Facts<'a> {
    pub(super) fn of(plan: &'a Plan, sources: &Sources) -> Self {
        let read = |file| Document::read(&sources.get(file).text).ok();
        let documents = |node: &'a Node| {
            let Spec::Stack(stack) = &node.spec else { return None };
            let own = stack.file()?;
            let files = std::iter::once(own.file).chain(own.all_nested().into_iter().map(|nested| nested.file));
            Some((&node.id, files.filter_map(read).collect()))
        };
        let mut regions = BTreeSet::from([&plan.region]);
        for node in &plan.nodes {
            regions.insert(&node.region);
            if let Spec::Peering(peering) = &node.spec {
                regions.insert(&peering.accepter.region);
            }
        }
        Self { plan, templates: plan.nodes.iter().filter_map(documents).collect(), regions }
    }

    /// What the plan has in an account.
    pub(super) fn at(&'a self, name: &'a AccountName) -> Here<'a> {
        let id = &self.plan.accounts[name].id;
        let (stacks, requested, accepted, routes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut here = Here { facts: self, name, id, stacks, requested, accepted, routes, has_unread_templates: false };
        for node in &self.plan.nodes {
            match &node.spec {
                Spec::Stack(spec) if node.account == *name => {
                    let documents = self.templates.get(&node.id).map_or(&[][..], Vec::as_slice);
                    here.has_unread_templates |= matches!(spec.template, Some(Origin::Url(_)));
                    here.stacks.push(StackHere { region: &node.region, spec, documents });
                }
                Spec::Peering(spec) => {
                    let (from, to) = (&spec.requester, &spec.accepter);
                    if from.account == *name {
                        here.requested.push(SideHere { own: from, other: to, spec });
                    }
                    if to.account == *name {
                        here.accepted.push(SideHere { own: to, other: from, spec });
                    }
                }
                Spec::Route(spec) if node.account == *name => {
                    here.routes.push(RouteHere { region: &node.region, spec });
                }
                Spec::Stack(_) | Spec::Route(_) => {}
            }
        }
        here
    }

    /// The partition of everything in the plan.
    pub(super) fn partition(&self) -> &'static str {
        self.plan.region.partition()
    }

    /// The ARN of a role to assume.
    pub(super) fn role_arn(&self, role: &Role, account: &Account) -> String {
        match role {
            Role::Name(name) => {
                format!("arn:{}:iam::{}:role/{}", self.partition(), account.id, name.trim_start_matches('/'))
            }
            Role::Arn(arn) => arn.clone(),
        }
    }

    /// Whether a value gives only route tables that stacks of the plan make by themselves, and that therefore bear its tags:
    /// a stack's tags are copied to what it makes.
    pub(super) fn bears_tags(&self, value: &Value) -> bool {
        let is_own_table = |node: &NodeId, output: &str| {
            let found = self.plan.nodes.iter().find(|own| own.id == *node);
            let Some(Spec::Stack(stack)) = found.map(|node| &node.spec) else { return false };
            // What is taken over keeps the tags that it has until something changes.
            let document = self.templates.get(node).and_then(|documents| documents.first());
            let value = document.and_then(|document| Some((document, document.outputs.get(output)?.value.as_ref()?)));
            let table = value.is_some_and(|(document, value)| {
                let named = references(value, &|_| None);
                let [only] = named.as_slice() else { return false };
                let (Target::Name(id) | Target::Attribute { resource: id, .. }) = only.target else { return false };
                document.resources.get(id).is_some_and(|made| made.type_name == "AWS::EC2::RouteTable")
            });
            stack.manage && !stack.adopt && table
        };
        let mut needs = value.needs().peekable();
        needs.peek().is_some()
            && value.is_plain()
            && needs.all(|need| match &need.attribute {
                Some(Attribute::Output(output)) => is_own_table(&need.node, output),
                _ => false,
            })
    }
}

impl Here<'_> {
    /// An ARN in this account.
    pub(super) fn arn(&self, service: &str, region: &Region, resource: &str) -> String {
        format!("arn:{}:{service}:{region}:{}:{resource}", region.partition(), self.id)
    }

    /// The same of something in each of some regions.
    pub(super) fn arns<'r>(
        &self,
        service: &str,
        regions: impl IntoIterator<Item = &'r Region>,
        resource: &str,
    ) -> Vec<String> {
        let regions: BTreeSet<&Region> = regions.into_iter().collect();
        regions.into_iter().map(|region| self.arn(service, region, resource)).collect()
    }

    /// The ARN of any VPC, or of the one that a side names, in its own account.
    pub(super) fn vpc(&self, side: &Side) -> String {
        let id = side.vpc.literal().and_then(|id| id.as_str()).unwrap_or("*");
        let account = self.facts.plan.accounts.get(&side.account).map_or("*", |account| account.id.as_str());
        format!("arn:{}:ec2:{}:{account}:vpc/{id}", side.region.partition(), side.region)
    }
}
