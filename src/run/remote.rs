//! Asks AWS what a plan is to be held against: who it is in each account, what CloudFormation says of the templates, and
//! what stands already. Nothing is changed.
//!
//! Every call that does not need another's answer is made at once. What cannot be asked is a fact like any other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::accounts::every;
use super::distinct::{Distinct, distinct};
use super::owner::owner;
use super::turns::Turns;
use crate::aws::{AccountError, CallError, Cause, Environment, Peering, PeeringState, RouteTable, Sessions, joined};
use crate::diag::Sources;
use crate::graph::Ix;
use crate::ids::{AccountName, Region};
use crate::kinds::{Adopt, Claim, NODE_TAG, PLAN_TAG};
use crate::plan::{Attribute, Node, Plan, Spec};
use crate::rules::{
    Judged, Live, LivePeering, LiveRoute, LiveStack, LiveTable, Place, Subject, Unread, Unusable, Verdict,
};

/// What one call told.
enum Fact {
    Template(Judged),
    Stack(Ix, Option<LiveStack>),
    Vpcs(Place, HashMap<String, Vec<String>>),
    Peerings(Place, Vec<Peering>),
    Tables(Place, Vec<RouteTable>),
    Unread(Unread),
}

type Asking = Pin<Box<dyn Future<Output = Fact> + Send>>;

/// Asks AWS everything that [`crate::rules::check_live`] holds a plan against: in every account at once, by calls that only
/// look.
pub async fn look(plan: &Plan, sources: &Sources, environment: &Environment) -> Live {
    let (sessions, errors) = Sessions::reach(&every(plan), environment).await;
    let mut live = Live { accounts: errors.iter().map(unusable).collect(), ..Live::default() };
    let (mut asking, mut turns) = (Vec::new(), Turns::default());
    templates(plan, sources, &sessions, &mut turns, &mut asking);
    stacks(plan, &sessions, &mut turns, &mut asking);
    networks(plan, &sessions, &mut asking);
    let mut tasks = JoinSet::new();
    for (place, ask) in asking.into_iter().enumerate() {
        tasks.spawn(async move { (place, ask.await) });
    }
    let mut facts = joined(tasks).await;
    // In the order of the plan, whoever answers first.
    facts.sort_by_key(|(place, _)| *place);
    // By the names that tags may bear.
    let named = |(index, node): (usize, &Node)| {
        std::iter::once(&node.id).chain(&node.formerly).map(|id| (id.tag(), Ix::from(index))).collect::<Vec<_>>()
    };
    let nodes = plan.nodes.iter().enumerate().flat_map(named).collect();
    for (_, fact) in facts {
        keep(plan, &nodes, &mut live, fact);
    }
    live
}

fn unusable(error: &AccountError) -> Unusable {
    let mut help = error.help();
    if let Cause::Through(through) = &error.cause {
        help.push(format!("mend account {through} first: what is wrong with it is told at its own place"));
    }
    Unusable {
        account: error.account.clone(),
        role: matches!(error.cause, Cause::RoleDenied { .. } | Cause::WrongAccount { role: true, .. }),
        message: error.to_string(),
        help,
    }
}

/// One question about each distinct template in each region, in the account of the first node that can be asked.
fn templates(plan: &Plan, sources: &Sources, sessions: &Sessions, turns: &mut Turns, asking: &mut Vec<Asking>) {
    let all = (0..plan.nodes.len()).map(Ix::from);
    for Distinct { template, region, nodes } in distinct(plan, sources, all) {
        let account = |ix: &Ix| &plan.nodes[ix.index()].account;
        let Some(regional) = nodes.iter().find_map(|ix| sessions.region(account(ix), region)) else { continue };
        let turn = turns.at(&regional);
        asking.push(Box::pin(async move {
            let _turn = turn.acquire().await.ok();
            let place = regional.to_string();
            match regional.validate_template(&template).await {
                Ok(said) => {
                    let (parameters, capabilities, reason) = (said.parameters, said.capabilities, said.reason);
                    let verdict = Verdict::Taken { parameters, capabilities, reason };
                    Fact::Template(Judged { nodes, place, verdict })
                }
                Err(error) if error.is("ValidationError") => {
                    Fact::Template(Judged { nodes, place, verdict: Verdict::Refused(error.message) })
                }
                Err(error) => unread(Subject::Template(nodes), &error, "cloudformation:ValidateTemplate"),
            }
        }));
    }
}

/// One question about each stack whose outputs the plan refers to.
fn stacks(plan: &Plan, sessions: &Sessions, turns: &mut Turns, asking: &mut Vec<Asking>) {
    let outputs = |need: &&crate::plan::Need| matches!(need.attribute, Some(Attribute::Output(_)));
    let needed: BTreeSet<_> =
        plan.nodes.iter().flat_map(|node| &node.needs).filter(outputs).map(|need| &need.node).collect();
    for (index, node) in plan.nodes.iter().enumerate().filter(|(_, node)| needed.contains(&node.id)) {
        let Spec::Stack(stack) = &node.spec else { continue };
        let Some(regional) = sessions.region(&node.account, &node.region) else { continue };
        let (ix, name, turn) = (Ix::from(index), Arc::clone(&stack.name), turns.at(&regional));
        let owner = stack.manage.then(|| owner(plan, node));
        let adopt = Adopt::declared(stack.adopt);
        asking.push(Box::pin(async move {
            let _turn = turn.acquire().await.ok();
            let found = match regional.pictured_stack(&name).await {
                Ok(found) => found,
                Err(error) => return unread(Subject::Stack(ix), &error, "cloudformation:DescribeStacks"),
            };
            // One that does not stand, or is somebody else's, tells nothing about what the plan makes.
            let own = found.filter(|stack| {
                stack.status.stands() && owner.as_ref().is_none_or(|owner| Claim { owner, adopt }.holds(&stack.tags))
            });
            let live = own.map(|stack| LiveStack {
                outputs: stack.outputs,
                parameters: stack.parameters.into_iter().map(|(name, own)| (name, own.value)).collect(),
            });
            Fact::Stack(ix, live)
        }));
    }
}

/// What each account and region has of VPCs, peerings and route tables, where the plan has a peering or a route.
fn networks(plan: &Plan, sessions: &Sessions, asking: &mut Vec<Asking>) {
    let mut places: BTreeSet<(&AccountName, &Region)> = BTreeSet::new();
    for node in &plan.nodes {
        match &node.spec {
            Spec::Peering(peering) => {
                places.extend([&peering.requester, &peering.accepter].map(|side| (&side.account, &side.region)));
            }
            Spec::Route(_) => drop(places.insert((&node.account, &node.region))),
            Spec::Stack(_) => {}
        }
    }
    for (account, region) in places {
        let Some(regional) = sessions.region(account, region) else { continue };
        let of = || Subject::Account(account.clone());
        let at = || (account.clone(), region.clone());
        let (here, subject, place) = (regional.clone(), of(), at());
        asking.push(Box::pin(async move {
            match here.vpcs().await {
                Ok(found) => Fact::Vpcs(place, found.into_iter().map(|vpc| (vpc.id, vpc.ranges)).collect()),
                Err(error) => unread(subject, &error, "ec2:DescribeVpcs"),
            }
        }));
        let (here, subject, place) = (regional.clone(), of(), at());
        asking.push(Box::pin(async move {
            match here.pictured_peerings().await {
                Ok(found) => Fact::Peerings(place, found),
                Err(error) => unread(subject, &error, "ec2:DescribeVpcPeeringConnections"),
            }
        }));
        let (subject, place) = (of(), at());
        asking.push(Box::pin(async move {
            match regional.pictured_route_tables().await {
                Ok(found) => Fact::Tables(place, found),
                Err(error) => unread(subject, &error, "ec2:DescribeRouteTables"),
            }
        }));
    }
}

fn unread(of: Subject, error: &CallError, permission: &'static str) -> Fact {
    Fact::Unread(Unread { of, message: error.to_string(), permission })
}

/// Keeps what a call told; `nodes` has the plan's nodes by their tags.
fn keep(plan: &Plan, nodes: &HashMap<String, Ix>, live: &mut Live, fact: Fact) {
    match fact {
        Fact::Template(judged) => live.templates.push(judged),
        Fact::Stack(ix, found) => {
            live.read.stacks.insert(ix);
            live.stacks.extend(found.map(|stack| (ix, stack)));
        }
        Fact::Vpcs(place, found) => {
            live.read.vpcs.insert(place, found.keys().cloned().collect());
            live.vpcs.extend(found);
        }
        Fact::Peerings(place, found) => {
            live.read.peerings.insert(place);
            for peering in found.into_iter().filter(|peering| peering.state.is_live()) {
                let node = node_of(plan, nodes, &peering.tags);
                let vpcs = [peering.requester.vpc, peering.accepter.vpc];
                let is_accepted = matches!(peering.state, PeeringState::Active | PeeringState::Provisioning);
                let known = live.peerings.entry(peering.id);
                // Either account sees it, and the tags of its own only.
                let known = known.or_insert(LivePeering { vpcs, is_accepted, node: None });
                known.node = known.node.or(node);
            }
        }
        Fact::Tables(place, found) => {
            live.read.tables.insert(place, found.iter().map(|table| table.id.clone()).collect());
            live.tables.extend(found.into_iter().map(|table| {
                let made = |route: &crate::aws::Route| !route.propagated && route.targets != ["local"];
                let routes = table.routes.into_iter().filter(made);
                let routes = routes.map(|route| LiveRoute { destination: route.destination, targets: route.targets });
                (table.id, LiveTable { vpc: table.vpc, routes: routes.collect() })
            }));
        }
        Fact::Unread(unread) => live.unread.push(unread),
    }
}

/// The node of this plan that tags name.
fn node_of(plan: &Plan, nodes: &HashMap<String, Ix>, tags: &BTreeMap<String, String>) -> Option<Ix> {
    let node = tags.get(NODE_TAG).filter(|_| tags.get(PLAN_TAG).is_some_and(|own| *own == *plan.name))?;
    nodes.get(node).copied()
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
