//! Peerings: asked for on one side, accepted on the other.

use std::collections::BTreeSet;

use super::facts::{Here, SideHere};
use super::{Purpose, Wanted, allow, in_regions, of_plan};
use crate::iam::{Condition, Operator, Statement};
use crate::ids::Region;

pub(super) fn statements(into: &mut Vec<Statement>, here: &Here<'_>, wanted: &Wanted) {
    let has = |purpose: Purpose| wanted.purposes.contains(&purpose);
    let any = |of: fn(Purpose) -> bool| wanted.purposes.iter().any(|purpose| of(*purpose));
    look(into, here, wanted);
    let plan = here.facts.plan;
    let peerings = |sides: &[SideHere<'_>]| {
        here.arns("ec2", sides.iter().map(|side| &side.own.region), "vpc-peering-connection/*")
    };
    let vpcs = |sides: &[SideHere<'_>]| sides.iter().map(|side| here.vpc(side.own)).collect::<Vec<_>>();
    if has(Purpose::Apply) {
        let requested = &here.requested;
        let new = ["ec2:CreateVpcPeeringConnection"];
        allow(into, "RequestPeeringsOf", &new, vpcs(requested), Vec::new());
        let tagged = Condition::new(Operator::StringEquals, "aws:RequestTag/orch:plan", vec![plan.name.to_string()]);
        let conditions =
            vec![own("ec2:RequesterVpc", here, requested), other("ec2:AccepterVpc", here, requested), tagged];
        allow(into, "RequestPeerings", &new, peerings(requested), conditions);
        let created = vec!["CreateVpcPeeringConnection".to_owned()];
        let created = Condition::new(Operator::StringEquals, "ec2:CreateAction", created);
        allow(into, "TagNewPeerings", &["ec2:CreateTags"], peerings(requested), vec![created]);
        let accepted = &here.accepted;
        let accept = ["ec2:AcceptVpcPeeringConnection"];
        let conditions = vec![own("ec2:AccepterVpc", here, accepted), other("ec2:RequesterVpc", here, accepted)];
        allow(into, "AcceptPeerings", &accept, peerings(accepted), conditions);
        allow(into, "AcceptPeeringsOf", &accept, vpcs(accepted), Vec::new());
    }
    if any(Purpose::makes) {
        // What is taken over bears no tags yet.
        let adopts = has(Purpose::Adopt) || here.requested.iter().any(|side| side.spec.adopt);
        let theirs =
            vec![own("ec2:RequesterVpc", here, &here.requested), other("ec2:AccepterVpc", here, &here.requested)];
        let conditions = if adopts { theirs } else { vec![of_plan(plan)] };
        allow(into, "TagPeerings", &["ec2:CreateTags"], peerings(&here.requested), conditions);
        for (sid, sides, keys) in [
            ("SetRequestersDns", &here.requested, ["ec2:RequesterVpc", "ec2:AccepterVpc"]),
            ("SetAcceptersDns", &here.accepted, ["ec2:AccepterVpc", "ec2:RequesterVpc"]),
        ] {
            let speaks = |side: &&SideHere<'_>| side.own.dns.is_some();
            let regions = sides.iter().filter(speaks).map(|side| &side.own.region);
            let on = here.arns("ec2", regions, "vpc-peering-connection/*");
            let conditions = vec![own(keys[0], here, sides), other(keys[1], here, sides)];
            allow(into, sid, &["ec2:ModifyVpcPeeringConnectionOptions"], on, conditions);
        }
    }
    // One whose VPC is another now is made anew, and nothing is deleted that does not bear the plan's tag.
    let delete = ["ec2:DeleteVpcPeeringConnection"];
    // One that left may have been asked for from any account.
    if any(Purpose::deletes_left) && !wanted.strict {
        let on = here.arns("ec2", here.facts.regions.iter().copied(), "vpc-peering-connection/*");
        allow(into, "DeletePeerings", &delete, on, vec![of_plan(plan)]);
    } else if has(Purpose::Apply) || any(Purpose::deletes_left) {
        allow(into, "DeletePeerings", &delete, peerings(&here.requested), vec![of_plan(plan)]);
    }
}

/// What is read of EC2: it takes no resources for that, only regions.
fn look(into: &mut Vec<Statement>, here: &Here<'_>, wanted: &Wanted) {
    let any = |of: fn(Purpose) -> bool| wanted.purposes.iter().any(|purpose| of(*purpose));
    let only_cancels = wanted.purposes.iter().all(|purpose| *purpose == Purpose::Cancel);
    if only_cancels {
        return;
    }
    let sides = here.requested.iter().chain(&here.accepted).map(|side| &side.own.region);
    let linked: BTreeSet<&Region> = sides.chain(here.routes.iter().map(|route| route.region)).collect();
    let stacks: BTreeSet<&Region> = here.stacks.iter().map(|stack| stack.region).collect();
    // What left the plan may be anywhere; a simulation knows all that there is where it acts.
    let searches = any(Purpose::looks_for_left) && !wanted.strict;
    let simulates = wanted.purposes.contains(&Purpose::Simulate);
    let mut actions = Vec::new();
    if searches || simulates || !linked.is_empty() {
        actions.push("ec2:DescribeVpcPeeringConnections");
    }
    if !linked.is_empty() || simulates || any(Purpose::deletes_left) && !wanted.strict {
        actions.push("ec2:DescribeRouteTables");
    }
    let holds = wanted.purposes.contains(&Purpose::ReadOnly) && !linked.is_empty();
    if holds || simulates {
        actions.push("ec2:DescribeVpcs");
    }
    let mut regions = linked;
    if searches {
        regions.extend(&here.facts.regions);
    }
    if simulates {
        regions.extend(&stacks);
    }
    if regions.is_empty() {
        return;
    }
    allow(into, "SeeNetworks", &actions, vec!["*".to_owned()], vec![in_regions(regions)]);
    // The ranges of what a stack has made so far are among what it gives early.
    if any(Purpose::makes) {
        let early = here.stacks.iter().filter(|stack| stack.spec.guards.early_outputs).map(|stack| stack.region);
        let early: BTreeSet<&Region> = early.collect();
        let actions: &[&str] = if early.is_empty() { &[] } else { &["ec2:DescribeSubnets", "ec2:DescribeVpcs"] };
        allow(into, "SeeEarlyOutputs", actions, vec!["*".to_owned()], vec![in_regions(early)]);
    }
}

/// That the VPC of this account is one of these sides'.
fn own(key: &str, here: &Here<'_>, sides: &[SideHere<'_>]) -> Condition {
    arn_like(key, sides.iter().map(|side| here.vpc(side.own)))
}

/// That the VPC of the other account is one of these sides'.
fn other(key: &str, here: &Here<'_>, sides: &[SideHere<'_>]) -> Condition {
    arn_like(key, sides.iter().map(|side| here.vpc(side.other)))
}

fn arn_like(key: &str, arns: impl Iterator<Item = String>) -> Condition {
    let arns: BTreeSet<String> = arns.collect();
    Condition::new(Operator::ArnLike, key, arns.into_iter().collect())
}
