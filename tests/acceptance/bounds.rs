//! The soonest that AWS lets a plan be carried out, whatever client does it.

use std::collections::HashMap;

use orch::graph::{Graph, Ix};
use orch::plan::{Plan, Spec};
use orch::sim::{Rate, Rates, Timing};

/// The two lower bounds of a first run, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The longest chain of AWS's own work.
    pub chain: f64,
    /// The calls that the plan needs, at the rates that AWS grants: from the soonest moment that one of a bucket's calls can
    /// be made, until the last of them is let through, and what AWS has to do after it at least.
    pub rates: f64,
}

impl Bounds {
    /// The larger of the two.
    pub fn larger(self) -> f64 {
        self.chain.max(self.rates)
    }
}

/// A bucket at AWS: an account and region, and what is counted together there.
type Bucket<'p> = (&'p str, &'p str, &'static str);

/// The calls of one bucket: how many, the soonest moment for one, and the least that follows one.
struct Calls {
    rate: Rate,
    count: f64,
    soonest: f64,
    follows: f64,
}

/// Works the bounds out of a plan whose stacks take what `timing` says by their names alone, and nothing stands yet. Routes
/// may be made as soon as their peering is asked for.
pub fn bounds(plan: &Plan, graph: &Graph, timing: &Timing, rates: &Rates) -> Bounds {
    let takes = |ix: Ix| match &plan.nodes[ix.index()].spec {
        Spec::Stack(stack) => timing.stacks.get(&*stack.name).map_or(0.0, std::time::Duration::as_secs_f64),
        Spec::Peering(_) => (timing.peering_request + timing.peering_accept).as_secs_f64(),
        Spec::Route(_) => 0.0,
    };
    let is_peering = |ix: Ix| matches!(plan.nodes[ix.index()].spec, Spec::Peering(_));
    let is_route = |ix: Ix| matches!(plan.nodes[ix.index()].spec, Spec::Route(_));
    // A peering gives its id at once, and a route into it needs nothing else of it.
    let between = |from: Ix, to: Ix| if is_peering(from) && is_route(to) { 0.0 } else { takes(from) };
    let (mut begins, mut follows) = (vec![0.0_f64; graph.len()], vec![0.0_f64; graph.len()]);
    for &ix in graph.order() {
        begins[ix.index()] = graph.needs(ix).map(|need| begins[need.index()] + between(need, ix)).fold(0.0, f64::max);
    }
    for &ix in graph.order().iter().rev() {
        let after = graph.needed_by(ix).map(|next| between(ix, next) + follows[next.index()]).fold(0.0, f64::max);
        follows[ix.index()] = after.max(takes(ix));
    }
    let chain = graph.nodes().map(|ix| begins[ix.index()] + follows[ix.index()]).fold(0.0, f64::max);
    let mut buckets: HashMap<Bucket<'_>, Calls> = HashMap::new();
    for ix in graph.nodes() {
        let node = &plan.nodes[ix.index()];
        let mut call = |(account, region), operation: &'static str, follows: f64| {
            let (rate, together) = match operation {
                "CreateStack" => (rates.cloudformation_write, operation),
                _ => (rates.ec2_write, if rates.ec2_by_operation { operation } else { "EC2" }),
            };
            let Some(rate) = rate else { return };
            let begins = begins[ix.index()];
            let calls = buckets.entry((account, region, together));
            let calls = calls.or_insert(Calls { rate, count: 0.0, soonest: begins, follows });
            calls.count += 1.0;
            calls.soonest = calls.soonest.min(begins);
            calls.follows = calls.follows.min(follows);
        };
        match &node.spec {
            Spec::Stack(_) => call((node.account.as_str(), node.region.as_str()), "CreateStack", follows[ix.index()]),
            Spec::Peering(peering) => {
                let (asks, accepts) = (&peering.requester, &peering.accepter);
                let accepted = timing.peering_accept.as_secs_f64();
                call((asks.account.as_str(), asks.region.as_str()), "CreateVpcPeeringConnection", takes(ix));
                call((accepts.account.as_str(), accepts.region.as_str()), "AcceptVpcPeeringConnection", accepted);
            }
            Spec::Route(route) => {
                for _ in &route.route_tables {
                    call((node.account.as_str(), node.region.as_str()), "CreateRoute", 0.0);
                }
            }
        }
    }
    let soonest_ends = buckets.into_values().map(|Calls { rate, count, soonest, follows }| {
        soonest + (count - f64::from(rate.burst)).max(0.0) / rate.per_second + follows
    });
    Bounds { chain, rates: soonest_ends.fold(0.0, f64::max) }
}
