//! Which resources of a plan stand already and will go on to do so.
//!
//! A VPC of the plan that stands is known by an output that gives its id. It stays if the range that the plan gives it is
//! the one that it was made with: with another one CloudFormation makes it anew, and nothing of the old one counts. A
//! route table stays with its VPC.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ipnet::IpNet;

use super::design::{Design, Nets};
use super::live::{Live, LivePeering, LiveTable, Place};
use super::symbol::Symbol;
use crate::graph::Ix;
use crate::plan::{Attribute, Side, Spec, Value};

/// An address range of a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// The range.
    pub(super) net: IpNet,
    /// Whether it is known from AWS alone.
    pub(super) is_live: bool,
}

/// The resources of the plan that stand.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// The ids by the symbols.
    ids: HashMap<String, String>,
    /// The symbols by the ids.
    symbols: HashMap<String, String>,
    /// The ids of the peerings of each VPC that has any, whoever made them.
    peerings: HashMap<String, BTreeSet<String>>,
    /// The ids of the route tables of each VPC that has any.
    tables: HashMap<String, BTreeSet<String>>,
    /// The ids of the VPCs that the plan is about to replace.
    leaving: HashSet<String>,
    /// The ranges that parameters of each standing stack have now and will not have any more.
    outgoing: HashMap<Ix, HashSet<IpNet>>,
}

impl Standing {
    /// Finds the resources of a design that stand.
    pub(super) fn new(design: &Design<'_>, live: &Live) -> Self {
        let mut standing = Self::default();
        for (id, peering) in &live.peerings {
            for vpc in &peering.vpcs {
                standing.peerings.entry(vpc.clone()).or_default().insert(id.clone());
            }
        }
        for (id, table) in &live.tables {
            standing.tables.entry(table.vpc.clone()).or_default().insert(id.clone());
        }
        let mut tables = Vec::new();
        // In the order of the plan, so that what is found twice is found alike each time.
        for (ix, ..) in design.stacks() {
            let Some(stack) = live.stacks.get(&ix) else { continue };
            standing.note_outgoing(design, ix, stack.parameters.iter());
            for (name, id) in &stack.outputs {
                let Some(symbol) = design.own_symbol(ix, name) else { continue };
                let Some((_, resource)) = design.resource(&symbol) else { continue };
                match resource.type_name.as_str() {
                    "AWS::EC2::VPC" => {
                        let Some(first) = live.vpcs.get(id).and_then(|ranges| ranges.first()) else { continue };
                        if design.range(ix, resource).is_some_and(|range| Some(range) == net(first)) {
                            standing.put(symbol, id);
                        } else {
                            standing.leaving.insert(id.clone());
                        }
                    }
                    "AWS::EC2::RouteTable" => tables.push((symbol, id)),
                    _ => {}
                }
            }
        }
        for (symbol, id) in tables {
            let Some(vpc) = design.local_vpc_of_table(&symbol) else { continue };
            let now = standing.ids.get(&vpc).unwrap_or(&vpc);
            if live.tables.get(id).is_some_and(|table| table.vpc == *now) {
                standing.put(symbol, id);
            }
        }
        standing
    }

    fn put(&mut self, symbol: String, id: &str) {
        self.symbols.insert(id.to_owned(), symbol.clone());
        self.ids.insert(symbol, id.to_owned());
    }

    fn note_outgoing<'l>(
        &mut self,
        design: &Design<'_>,
        ix: Ix,
        parameters: impl Iterator<Item = (&'l String, &'l String)>,
    ) {
        let kept = design.stack(ix).map(|(stack, _)| &stack.kept);
        for (name, now) in parameters.filter(|(name, _)| !kept.is_some_and(|kept| kept.contains_key(name.as_str()))) {
            let wanted = design.parameter(ix, name).unwrap_or_default();
            let wanted: BTreeSet<&str> = wanted.split(',').map(str::trim).collect();
            let gone = now.split(',').map(str::trim).filter(|part| !wanted.contains(part));
            self.outgoing.entry(ix).or_default().extend(gone.filter_map(net));
        }
    }
}

/// A range in canonical form.
fn net(text: &str) -> Option<IpNet> {
    Some(text.parse::<IpNet>().ok()?.trunc())
}

impl Design<'_> {
    /// The symbol that an output of a stack gives, if it stands for a resource of that very stack.
    fn own_symbol(&self, ix: Ix, output: &str) -> Option<String> {
        let value = crate::plan::Outputs::get(self, &self.node(ix).id, &Attribute::Output(output.to_owned()))?;
        let text = value.as_str()?;
        match Symbol::of(text)? {
            Symbol::Resource { stack, .. } if stack == ix => Some(text.to_owned()),
            _ => None,
        }
    }

    /// What the plan gives a stack's parameter, or the template does.
    fn parameter(&self, ix: Ix, name: &str) -> Option<String> {
        let (stack, document) = self.stack(ix)?;
        match stack.parameters.get(name) {
            Some(given) => self.joined(&given.value),
            None => document.parameters.get(name)?.default.clone(),
        }
    }

    /// An id as the design knows it: that of a standing resource of the plan is the resource.
    pub(super) fn canonical(&self, id: String) -> String {
        self.standing.symbols.get(&id).cloned().unwrap_or(id)
    }

    /// The VPC of a side, as the design knows it.
    pub(super) fn vpc(&self, value: &Value) -> Option<String> {
        Some(self.canonical(self.text(value)?))
    }

    /// The id that something has in AWS now: a resource of the plan that stands and stays, or what is no resource of it.
    pub(super) fn live_id<'i>(&'i self, id: &'i str) -> Option<&'i str> {
        match Symbol::of(id) {
            Some(_) => self.standing.ids.get(id).map(String::as_str),
            None => self.live.is_some().then_some(id),
        }
    }

    /// Whether some of a value is known from AWS alone: an output of a stack that is only read.
    pub(super) fn is_live(&self, value: &Value) -> bool {
        self.live.is_some()
            && value.needs().any(|need| {
                let node = self.graph.get(&need.node).map(|ix| &self.node(ix).spec);
                matches!(node, Some(Spec::Stack(stack)) if !stack.manage)
            })
    }

    /// An output of a stack that the plan only reads. Those of others are what the plan is about to make them.
    pub(super) fn live_output(&self, ix: Ix, name: &str) -> Option<String> {
        let Spec::Stack(stack) = &self.node(ix).spec else { return None };
        let live = self.live.filter(|_| !stack.manage)?;
        live.stacks.get(&ix)?.outputs.get(name).cloned()
    }

    /// The ranges that a VPC has in AWS beside `local`, those that the plan gives it. One that a parameter of a stack gave
    /// which gives this VPC ranges, and does not any more, is about to go for all that is known, so these are not all.
    pub(super) fn live_ranges(&self, vpc: &str, local: &[IpNet]) -> Option<Nets> {
        let found = self.live?.vpcs.get(self.live_id(vpc)?)?;
        let outgoing: Vec<_> = self.range_givers(vpc).filter_map(|ix| self.standing.outgoing.get(&ix)).collect();
        let is_going = |range: &IpNet| outgoing.iter().any(|ranges| ranges.contains(range));
        let more = found.iter().filter_map(|range| net(range)).filter(|range| !local.contains(range));
        let (going, known): (Vec<_>, Vec<_>) = more.partition(is_going);
        Some(Nets { known, complete: going.is_empty() })
    }

    /// A live route table, by its id or the plan's resource.
    pub(super) fn live_table(&self, table: &str) -> Option<&LiveTable> {
        self.live?.tables.get(self.live_id(table)?)
    }

    /// The accepted peerings of a VPC that are no node's of this plan. `planned` has the pairs of VPCs that the plan
    /// peers, each in order.
    pub(super) fn other_peerings(&self, vpc: &str, planned: &BTreeSet<[String; 2]>) -> usize {
        let Some((live, id)) = self.live.zip(self.live_id(vpc)) else { return 0 };
        let is_other = |peering: &LivePeering| {
            let gone = |end: &String| self.standing.leaving.contains(end);
            peering.is_accepted
                && peering.node.is_none()
                && !peering.vpcs.iter().any(gone)
                && !planned.contains(&pair(peering.vpcs.clone().map(|end| self.canonical(end))))
        };
        self.peerings_of(live, id).filter(|(_, peering)| is_other(peering)).count()
    }

    /// How many accepted peerings a VPC has now, whoever made them.
    pub(super) fn peerings_now(&self, vpc: &str) -> usize {
        let Some((live, id)) = self.live.zip(self.live_id(vpc)) else { return 0 };
        self.peerings_of(live, id).filter(|(_, own)| own.is_accepted).count()
    }

    /// The live peerings of a VPC with their ids, whoever made them.
    fn peerings_of<'l>(&'l self, live: &'l Live, vpc: &str) -> impl Iterator<Item = (&'l String, &'l LivePeering)> {
        let ids = self.standing.peerings.get(vpc).into_iter().flatten();
        ids.filter_map(|id| live.peerings.get_key_value(id))
    }

    /// A live peering that the plan names by its id: its two VPCs.
    pub(super) fn live_peering(&self, id: &str) -> Option<[String; 2]> {
        let peering = self.live?.peerings.get(id)?;
        Some(peering.vpcs.clone().map(|end| self.canonical(end)))
    }

    /// Whether AWS told all that decides which resource something is there, if any: of one of the plan its stack, and
    /// the VPCs where that is.
    fn is_told(&self, live: &Live, id: &str) -> bool {
        let Some((stack, _)) = self.resource(id) else { return true };
        let node = self.node(stack);
        live.read.stacks.contains(&stack) && live.read.vpcs.contains_key(&(node.account.clone(), node.region.clone()))
    }

    /// Whether all peerings of a VPC, which is in `place`, are known, as far as AWS was asked at all.
    pub(super) fn has_every_peering(&self, vpc: &str, place: &Place) -> bool {
        self.live.is_none_or(|live| live.read.peerings.contains(place) && self.is_told(live, vpc))
    }

    /// Whether all routes of a table, which is in `place`, are known, as far as AWS was asked at all.
    pub(super) fn has_every_route(&self, table: &str, place: &Place) -> bool {
        self.live.is_none_or(|live| live.read.tables.contains_key(place) && self.is_told(live, table))
    }

    /// Whether a route leads from one VPC into its peering with another, as they stand now; `None` where AWS did not tell
    /// enough. While AWS was not asked at all, there is none.
    pub(super) fn is_routed(&self, from: &Side, to: &Side) -> Option<bool> {
        let Some(live) = self.live else { return Some(false) };
        let vpcs = [self.vpc(&from.vpc)?, self.vpc(&to.vpc)?];
        let [from, to] = [from, to].map(|side| (side.account.clone(), side.region.clone()));
        // Both sides see the peering; the tables are their owner's alone.
        let is_read = live.read.tables.contains_key(&from)
            && [&from, &to].iter().any(|place| live.read.peerings.contains(*place))
            && vpcs.iter().all(|vpc| self.is_told(live, vpc));
        if self.has_route(live, &vpcs) { Some(true) } else { is_read.then_some(false) }
    }

    /// Whether a known route leads from the first VPC into a known peering with the second.
    fn has_route(&self, live: &Live, vpcs: &[String; 2]) -> bool {
        let [Some(from), Some(to)] = vpcs.each_ref().map(|vpc| self.live_id(vpc)) else { return false };
        let between: BTreeMap<_, _> =
            self.peerings_of(live, from).filter(|(_, own)| own.vpcs.iter().any(|end| end == to)).collect();
        let tables = self.standing.tables.get(from).into_iter().flatten().filter_map(|id| live.tables.get(id));
        let mut targets = tables.flat_map(|table| &table.routes).flat_map(|route| &route.targets);
        targets.any(|target| between.contains_key(target))
    }
}

/// Two VPCs, whichever of them asks.
pub(super) fn pair(mut vpcs: [String; 2]) -> [String; 2] {
    vpcs.sort_unstable();
    vpcs
}
