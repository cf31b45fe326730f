//! A plan worked out as far as it can be without AWS.
//!
//! Each stack's template is evaluated with the parameters that the plan gives; ids are [`Symbol`]s. So a peering's two
//! VPCs are known as "the resource VPC of this stack" and their address ranges as numbers, and the rules of the network
//! can be held against the design before any of it exists. What cannot be worked out is unknown, and no rule says
//! anything about it. What AWS said about what stands already ([`Live`]) makes more of it known.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use ipnet::IpNet;
use serde_json::Value as Json;

use super::documents::{Documents, Used};
use super::live::{Judged, Live};
use super::standing::{Range, Standing};
use super::symbol::{Symbol, is_symbolic};
use crate::cfn::{Context, Document, Evaluator, Lookup, MAX_PARAMETER, Pseudo, Resource};
use crate::diag::{Sources, Span};
use crate::graph::{Graph, Ix};
use crate::ids::NodeId;
use crate::plan::{Attribute, Need, Node, Origin, Outputs, Plan, Spec, StackSpec, Template, Value};

/// How deep attributes may lead to other attributes within one template. Real ones lead to one more; templates that go
/// in a circle are reported by another rule.
const MAX_DEPTH: u8 = 4;

/// Resource types of which `Ref` gives an id that AWS makes up.
const HAVE_IDS: [&str; 14] = [
    "AWS::EC2::CustomerGateway",
    "AWS::EC2::EgressOnlyInternetGateway",
    "AWS::EC2::Instance",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::NetworkInterface",
    "AWS::EC2::RouteTable",
    "AWS::EC2::Subnet",
    "AWS::EC2::TransitGateway",
    "AWS::EC2::TransitGatewayAttachment",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::EC2::VPCPeeringConnection",
    "AWS::EC2::VPNGateway",
];

/// A plan with its graph, its templates and all that follows from them.
pub struct Design<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its graph; positions are those of the plan's nodes.
    pub graph: &'a Graph,
    /// The texts.
    pub sources: &'a Sources,
    /// Whether everything is there that the plan declares. If not, nothing follows from what is not found.
    pub is_whole: bool,
    /// What AWS said, if it was asked.
    pub(super) live: Option<&'a Live>,
    pub(super) standing: Standing,
    /// What CloudFormation said of the nodes' templates.
    judged: HashMap<Ix, &'a Judged>,
    documents: &'a Documents<'a>,
    /// The parameters of each stack with a template that could be read; a parameter may be unknown.
    stacks: Vec<Option<Parameters>>,
    added: Added,
    /// The outputs of each node that were worked out already: `None` if one cannot be known.
    outputs: RefCell<Vec<HashMap<String, Option<Json>>>>,
    vpcs: RefCell<HashMap<(Ix, String), Nets>>,
}

/// The address ranges of a VPC, as far as they are known.
#[derive(Clone, Debug)]
pub(super) struct Ranges {
    /// Those that are known, in canonical form.
    pub(super) known: Vec<Range>,
    /// Whether these are all: a draft may lack those that another stack adds.
    pub(super) complete: bool,
}

/// The same of those that the plan gives it, or of those that it has in AWS besides.
#[derive(Clone, Debug, Default)]
pub(super) struct Nets {
    pub(super) known: Vec<IpNet>,
    pub(super) complete: bool,
}

/// The ranges that `AWS::EC2::VPCCidrBlock` adds to VPCs.
#[derive(Debug, Default)]
struct Added {
    /// By the VPC's id, each with the stack that adds it; a range may be unknown.
    by_vpc: HashMap<String, Vec<(Ix, Option<IpNet>)>>,
    /// The stacks that add one to a VPC that is unknown: it may be any.
    to_any: Vec<Ix>,
}

/// The values of a template's parameters, as `Ref` gives them.
type Parameters = HashMap<String, Json>;

impl<'a> Design<'a> {
    /// Works a plan out, with what AWS said if it was asked.
    pub(super) fn new(
        plan: &'a Plan,
        graph: &'a Graph,
        sources: &'a Sources,
        documents: &'a Documents<'a>,
        is_whole: bool,
        live: Option<&'a Live>,
    ) -> Self {
        let mut design = Self {
            plan,
            graph,
            sources,
            is_whole,
            live,
            standing: Standing::default(),
            judged: HashMap::new(),
            documents,
            stacks: plan.nodes.iter().map(|_| None).collect(),
            added: Added::default(),
            outputs: RefCell::new(vec![HashMap::new(); plan.nodes.len()]),
            vpcs: RefCell::default(),
        };
        // In the order of the graph, so that what a parameter refers to has been worked out before.
        for ix in graph.order() {
            if let Some((stack, document)) = design.stack(*ix) {
                let parameters = design.parameters(stack, document, design.node(*ix).whole);
                design.stacks[ix.index()] = Some(parameters);
            }
        }
        design.added = design.added();
        if let Some(live) = live {
            design.standing = Standing::new(&design, live);
            for judged in &live.templates {
                design.judged.extend(judged.nodes.iter().map(|ix| (*ix, judged)));
            }
        }
        design
    }

    /// A node of the plan.
    pub fn node(&self, ix: Ix) -> &'a Node {
        &self.plan.nodes[ix.index()]
    }

    /// Every node with its position, in the order of the plan.
    pub fn nodes(&self) -> impl Iterator<Item = (Ix, &'a Node)> {
        self.plan.nodes.iter().enumerate().map(|(index, node)| (Ix::from(index), node))
    }

    /// A stack with its template, if it has one that could be read.
    pub fn stack(&self, ix: Ix) -> Option<(&'a StackSpec, &'a Document)> {
        let Spec::Stack(stack) = &self.node(ix).spec else { return None };
        Some((stack, self.documents.get(&stack.file()?.file)?.document.as_ref()?))
    }

    /// Every stack that has a template, be it one that is not here to be read, with what CloudFormation said of it.
    pub(super) fn judged_stacks(&self) -> impl Iterator<Item = (Ix, &'a StackSpec, &'a Origin, Option<&'a Judged>)> {
        self.nodes().filter_map(|(ix, node)| {
            let Spec::Stack(stack) = &node.spec else { return None };
            Some((ix, stack, stack.template.as_ref()?, self.judged(ix)))
        })
    }

    /// What CloudFormation said of a node's template, if it was asked.
    pub(super) fn judged(&self, node: Ix) -> Option<&'a Judged> {
        self.judged.get(&node).copied()
    }

    /// Every template that could be read, those that are nested too.
    pub(super) fn templates(&self) -> impl Iterator<Item = (&'a Used<'a>, &'a Document)> {
        let read = |used: &'a Used<'a>| Some((used, used.document.as_ref()?));
        self.documents.values().filter_map(read)
    }

    /// The templates that a stack's own one nests, as far as they could be read.
    pub(super) fn nested(&self, stack: &'a StackSpec) -> impl Iterator<Item = &'a Document> {
        let nested = stack.file().into_iter().flat_map(Template::all_nested);
        nested.filter_map(|nested| self.documents.get(&nested.file)?.document.as_ref())
    }

    /// Every stack whose template could be read.
    pub fn stacks(&self) -> impl Iterator<Item = (Ix, &'a StackSpec, &'a Document)> {
        self.nodes().filter_map(|(ix, _)| self.stack(ix).map(|(stack, document)| (ix, stack, document)))
    }

    /// Where a range of bytes of a stack's template is.
    pub fn in_template(&self, stack: &StackSpec, range: std::ops::Range<usize>) -> Option<Span> {
        Some(Span::new(stack.file()?.file, range))
    }

    /// A value worked out: its ids are symbols. `None` where something in it is unknown.
    pub fn value(&self, value: &Value) -> Option<Json> {
        // A helper or a condition may look at an id's letters, and a symbol has others.
        let looks_into = |need: &Need| {
            let found = need.attribute.as_ref().and_then(|attribute| self.get(&need.node, attribute));
            found.as_ref().and_then(Json::as_str).is_some_and(is_symbolic)
        };
        if !value.is_plain() && value.needs().any(looks_into) {
            return None;
        }
        value.resolve(self).ok()
    }

    /// A value as one text.
    pub fn text(&self, value: &Value) -> Option<String> {
        text(&self.value(value)?)
    }

    /// A value as CloudFormation is given it: a list joined by commas.
    pub fn joined(&self, value: &Value) -> Option<String> {
        joined(&self.value(value)?)
    }

    /// Some values as texts, in which a list counts as its items. `None` where one of them is unknown.
    pub fn texts(&self, values: &[Value]) -> Option<Vec<String>> {
        let mut texts = Vec::with_capacity(values.len());
        for value in values {
            match self.value(value)? {
                Json::Array(items) => texts.extend(items.iter().map(text).collect::<Option<Vec<_>>>()?),
                other => texts.push(text(&other)?),
            }
        }
        Some(texts)
    }

    /// The resource of the plan that an id stands for.
    pub fn resource(&self, id: &str) -> Option<(Ix, &'a Resource)> {
        let Some(Symbol::Resource { stack, id }) = Symbol::of(id) else { return None };
        Some((stack, self.stack(stack)?.1.resources.get(&id)?))
    }

    /// The peering of the plan that an id stands for.
    pub fn peering(&self, id: &str) -> Option<Ix> {
        match Symbol::of(id) {
            Some(Symbol::Peering(ix)) => Some(ix),
            _ => None,
        }
    }

    /// The property of a stack's resource, worked out.
    pub fn property(&self, stack: Ix, resource: &Resource, name: &str) -> Option<Json> {
        let node = resource.properties.as_deref()?.get(name)?;
        let world = World::new(self, stack);
        Evaluator::new(self.stack(stack)?.1, &world).value(node).ok()
    }

    /// Whether a stack's resource exists, by its condition; `None` where that is unknown.
    pub fn exists(&self, stack: Ix, resource: &Resource) -> Option<bool> {
        let world = World::new(self, stack);
        Evaluator::new(self.stack(stack)?.1, &world).exists(resource).ok()
    }

    /// Whether a condition of a stack's template holds; `None` where that is unknown.
    pub fn condition(&self, stack: Ix, name: &str) -> Option<bool> {
        let world = World::new(self, stack);
        Evaluator::new(self.stack(stack)?.1, &world).condition(name).ok()
    }

    /// The address ranges of a VPC: of one of the plan those that it is given, by its own stack or another, and of any
    /// that stands those that it has.
    pub(super) fn ranges(&self, vpc: &str) -> Ranges {
        let planned = self.planned_ranges(vpc);
        let live = self.live_ranges(vpc, &planned.known);
        let complete =
            planned.complete && live.as_ref().map_or_else(|| self.resource(vpc).is_some(), |live| live.complete);
        let planned = planned.known.into_iter().map(|net| Range { net, is_live: false });
        let live = live.map(|live| live.known).unwrap_or_default();
        let live = live.into_iter().map(|net| Range { net, is_live: true });
        Ranges { known: planned.chain(live).collect(), complete }
    }

    /// The ranges that the plan gives a VPC. One that is no resource of the plan has others too.
    fn planned_ranges(&self, vpc: &str) -> Nets {
        let Some((stack, resource)) = self.resource(vpc) else {
            return self.planned(self.added_to(vpc));
        };
        let key = (stack, resource.id.clone());
        if let Some(known) = self.vpcs.borrow().get(&key) {
            return known.clone();
        }
        let ranges = self.work_out_ranges(stack, resource, vpc);
        self.vpcs.borrow_mut().insert(key, ranges.clone());
        ranges
    }

    fn work_out_ranges(&self, stack: Ix, resource: &Resource, vpc: &str) -> Nets {
        if resource.type_name != "AWS::EC2::VPC" {
            return Nets::default();
        }
        let own = std::iter::once(self.range(stack, resource));
        self.planned(own.chain(self.added_to(vpc)))
    }

    fn added_to(&self, vpc: &str) -> impl Iterator<Item = Option<IpNet>> {
        self.added.by_vpc.get(vpc).into_iter().flatten().map(|(_, range)| *range)
    }

    /// The stacks of the plan that may give a VPC ranges: the one that makes it, and those that add some.
    pub(super) fn range_givers(&self, vpc: &str) -> impl Iterator<Item = Ix> {
        let own = self.resource(vpc).map(|(stack, _)| stack);
        let adding = self.added.by_vpc.get(vpc).into_iter().flatten().map(|(stack, _)| *stack);
        own.into_iter().chain(adding).chain(self.added.to_any.iter().copied())
    }

    /// Ranges of one VPC. One that AWS or an address pool chooses is nobody's to compare.
    fn planned(&self, ranges: impl Iterator<Item = Option<IpNet>>) -> Nets {
        let ranges: Vec<_> = ranges.collect();
        let complete = self.is_whole && self.added.to_any.is_empty() && ranges.iter().all(Option::is_some);
        Nets { known: ranges.into_iter().flatten().collect(), complete }
    }

    /// The range that a resource gives its VPC, in canonical form.
    pub(super) fn range(&self, stack: Ix, resource: &Resource) -> Option<IpNet> {
        let written = |name| text(&self.property(stack, resource, name)?)?.parse::<IpNet>().ok();
        Some(written("CidrBlock").or_else(|| written("Ipv6CidrBlock"))?.trunc())
    }

    /// Whether a node is a stack that the plan makes of a template which nobody has read here.
    pub(super) fn is_unseen(&self, ix: Ix) -> bool {
        let managed = matches!(&self.node(ix).spec, Spec::Stack(stack) if stack.manage);
        managed && self.stack(ix).is_none()
    }

    /// The ranges that any stack of the plan adds to VPCs: it need not be the one that makes the VPC.
    fn added(&self) -> Added {
        let mut added = Added::default();
        for (stack, _, document) in self.stacks() {
            for resource in document.resources.values() {
                if resource.type_name != "AWS::EC2::VPCCidrBlock" || self.exists(stack, resource) == Some(false) {
                    continue;
                }
                let certain = self.exists(stack, resource) == Some(true);
                match self.property(stack, resource, "VpcId").as_ref().and_then(text) {
                    Some(vpc) => {
                        let range = self.range(stack, resource).filter(|_| certain);
                        added.by_vpc.entry(vpc).or_default().push((stack, range));
                    }
                    None => added.to_any.push(stack),
                }
            }
        }
        // A template that cannot be seen may add one to each VPC that its stack is given.
        for (ix, node) in self.nodes().filter(|(ix, _)| self.is_unseen(*ix)) {
            let Spec::Stack(stack) = &node.spec else { continue };
            for given in stack.parameters.values().map(|setting| self.joined(&setting.value)) {
                match given {
                    Some(text) => text.split(',').map(str::trim).for_each(|part| {
                        added.by_vpc.entry(part.to_owned()).or_default().push((ix, None));
                    }),
                    None => added.to_any.push(ix),
                }
            }
        }
        added
    }

    /// The VPC that a route table belongs to: one of the plan, or one that stands.
    pub(super) fn vpc_of_table(&self, table: &str) -> Option<String> {
        let local = self.local_vpc_of_table(table);
        let vpc = local.or_else(|| self.live_table(table).map(|table| table.vpc.clone()))?;
        Some(self.canonical(vpc))
    }

    /// The VPC that a route table of the plan belongs to.
    pub(super) fn local_vpc_of_table(&self, table: &str) -> Option<String> {
        let (stack, resource) = self.resource(table)?;
        if resource.type_name != "AWS::EC2::RouteTable" {
            return None;
        }
        text(&self.property(stack, resource, "VpcId")?)
    }

    /// The parameters of a stack. If not all of its text could be read (`is_whole`), one that is not given may be given
    /// all the same.
    fn parameters(&self, stack: &StackSpec, document: &Document, is_whole: bool) -> Parameters {
        let given = |name: &str| -> Option<Option<String>> { Some(self.joined(&stack.parameters.get(name)?.value)) };
        let value = |parameter: &crate::cfn::Parameter| -> Option<Json> {
            // What Systems Manager holds is not known here, nor what a stack keeps.
            if parameter.is_ssm() || stack.kept.contains_key(&*parameter.name) {
                return None;
            }
            let default = || parameter.default.clone().filter(|_| is_whole && !parameter.is_default_decimal);
            let text = given(&parameter.name).unwrap_or_else(default)?;
            // What CloudFormation takes from nobody must not grow from stack to stack either.
            if text.contains("{{resolve:") || text.len() > MAX_PARAMETER {
                return None;
            }
            if is_symbolic(&text) && !parameter.is_list() {
                return Some(text.into());
            }
            parameter.accept(&text).ok()
        };
        document.parameters.values().filter_map(|found| Some((found.name.clone(), value(found)?))).collect()
    }
}

impl Outputs for Design<'_> {
    fn get(&self, node: &NodeId, attribute: &Attribute) -> Option<Json> {
        let ix = self.graph.get(node)?;
        let name = match (attribute, &self.node(ix).spec) {
            (Attribute::Id, Spec::Peering(_)) => return Some(Symbol::Peering(ix).text().into()),
            (Attribute::Id, _) => return None,
            (Attribute::Output(name), _) => name,
        };
        if let Some(known) = self.outputs.borrow()[ix.index()].get(name) {
            return known.clone();
        }
        let value = self.output(ix, name);
        self.outputs.borrow_mut()[ix.index()].insert(name.clone(), value.clone());
        value
    }
}

impl Design<'_> {
    /// An output, as a text like every output of CloudFormation.
    fn output(&self, ix: Ix, name: &str) -> Option<Json> {
        let Some((_, document)) = self.stack(ix) else { return self.live_output(ix, name).map(Json::from) };
        let world = World::new(self, ix);
        let output = document.outputs.get(name)?;
        Evaluator::new(document, &world).text(output.value.as_deref()?).ok()?.map(Json::from)
    }
}

/// The world as one stack's template sees it.
struct World<'d, 'a> {
    design: &'d Design<'a>,
    stack: Ix,
    depth: Cell<u8>,
    /// The attributes worked out so far: those that name others several times would multiply.
    attributes: RefCell<HashMap<(String, String), Lookup>>,
}

impl<'d, 'a> World<'d, 'a> {
    fn new(design: &'d Design<'a>, stack: Ix) -> Self {
        Self { design, stack, depth: Cell::new(0), attributes: RefCell::default() }
    }
}

impl Context for World<'_, '_> {
    fn parameter(&self, name: &str) -> Lookup {
        let parameters = self.design.stacks[self.stack.index()].as_ref();
        parameters.and_then(|parameters| parameters.get(name)).map_or(Lookup::Unknown, |value| value.clone().into())
    }

    fn pseudo(&self, pseudo: Pseudo) -> Lookup {
        let node = self.design.node(self.stack);
        match (pseudo, &node.spec) {
            (Pseudo::Region, _) => node.region.as_str().into(),
            (Pseudo::Partition, _) => node.region.known_partition().map_or(Lookup::Unknown, Lookup::from),
            (Pseudo::UrlSuffix, _) => node.region.url_suffix().map_or(Lookup::Unknown, Lookup::from),
            (Pseudo::AccountId, _) => {
                let account = self.design.plan.accounts.get(&node.account);
                account.map_or(Lookup::Unknown, |account| account.id.as_str().into())
            }
            (Pseudo::StackName, Spec::Stack(stack)) if !stack.name.is_empty() => stack.name.to_string().into(),
            _ => Lookup::Unknown,
        }
    }

    fn resource(&self, id: &str) -> Lookup {
        let Some((_, document)) = self.design.stack(self.stack) else { return Lookup::Unknown };
        match document.resources.get(id) {
            None => Lookup::Missing,
            // Of other types `Ref` may give a name that the template has chosen.
            Some(resource) if !HAVE_IDS.contains(&resource.type_name.as_str()) => Lookup::Unknown,
            Some(_) => Symbol::Resource { stack: self.stack, id: id.to_owned() }.text().into(),
        }
    }

    fn opaque(&self, text: &str) -> bool {
        is_symbolic(text)
    }

    fn knows_spelling(&self) -> bool {
        false
    }

    fn attribute(&self, id: &str, attribute: &str) -> Lookup {
        let Some((_, document)) = self.design.stack(self.stack) else { return Lookup::Unknown };
        let Some(resource) = document.resources.get(id) else { return Lookup::Missing };
        if self.depth.get() >= MAX_DEPTH {
            return Lookup::Unknown;
        }
        match (resource.type_name.as_str(), attribute) {
            ("AWS::EC2::VPC", "VpcId")
            | ("AWS::EC2::RouteTable", "RouteTableId")
            | ("AWS::EC2::Subnet", "SubnetId") => self.resource(id),
            ("AWS::EC2::VPC" | "AWS::EC2::Subnet", "CidrBlock") | ("AWS::EC2::Subnet", "VpcId") => {
                let Some(node) = resource.properties.as_deref().and_then(|properties| properties.get(attribute)) else {
                    return Lookup::Unknown;
                };
                let key = (id.to_owned(), attribute.to_owned());
                if let Some(known) = self.attributes.borrow().get(&key) {
                    return known.clone();
                }
                self.depth.set(self.depth.get() + 1);
                let value = Evaluator::new(document, self).value(node);
                self.depth.set(self.depth.get() - 1);
                let found = value.map_or(Lookup::Unknown, Lookup::Known);
                self.attributes.borrow_mut().insert(key, found.clone());
                found
            }
            _ => Lookup::Unknown,
        }
    }

    fn export(&self, _: &str) -> Lookup {
        Lookup::Unknown
    }

    fn zones(&self, _: &str) -> Lookup {
        Lookup::Unknown
    }
}

/// A value as one text, if it is one.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// A value as CloudFormation is given it: a list joined by commas.
fn joined(value: &Json) -> Option<String> {
    match value {
        Json::Array(items) => Some(items.iter().map(text).collect::<Option<Vec<_>>>()?.join(",")),
        other => text(other),
    }
}
