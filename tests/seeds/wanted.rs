//! Whether the world is as a plan wants it, told by the world alone and not by orch.

use orch::sim::World;
use orch::sim::cloudformation::Stack;

use super::design::{Design, Version, WantedPeering};
use super::watch::stacks;

/// What is not as the plan wants it.
pub(crate) fn amiss(world: &World, design: &Design) -> Vec<String> {
    let mut amiss = Vec::new();
    for wanted in design.stacks(Version::Now) {
        let found = named(world, &wanted.name);
        let Some((account, region, stack)) = found else {
            amiss.push(format!("there is no stack {}", wanted.name));
            continue;
        };
        if (account.as_str(), region.as_str()) != (wanted.account, wanted.region) {
            amiss.push(format!("{} is in {account}, {region}", wanted.name));
        }
        let status = stack.status.as_str();
        if !["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"].contains(&status) {
            amiss.push(format!("{} is in {status}", wanted.name));
        }
        let config = stack.config.as_ref();
        for (key, value) in &wanted.parameters {
            let has = config.and_then(|config| config.parameters.get(*key)).map(|parameter| parameter.value.as_str());
            if has != Some(value) {
                amiss.push(format!("{} has {has:?} for {key} and is to have {value}", wanted.name));
            }
        }
    }
    for wanted in design.peerings(Version::Now) {
        amiss.extend(of_peering(world, &wanted));
    }
    for (stack, gateway) in design.gateways(Version::Now) {
        let id = named(world, &gateway).and_then(|(.., gateway)| output(gateway, "Id")).unwrap_or_default();
        let table = named(world, &stack).and_then(|(.., stack)| output(stack, "Table")).unwrap_or_default();
        amiss.extend(of_route(world, &table, "0.0.0.0/0", &id));
    }
    amiss
}

/// The plan's stack of a name.
fn named<'w>(world: &'w World, name: &str) -> Option<(String, String, &'w Stack)> {
    let found = stacks(world).into_iter().find(|(_, stack)| stack.name == name)?;
    let (place, stack) = found;
    Some((place.account.to_string(), place.region.to_string(), stack))
}

fn output(stack: &Stack, key: &str) -> Option<String> {
    stack.outputs.iter().find(|output| output.key == key).map(|output| output.value.clone())
}

fn of_peering(world: &World, wanted: &WantedPeering) -> Vec<String> {
    let vpc = |name: &str| named(world, name).and_then(|(.., stack)| output(stack, "VpcId")).unwrap_or_default();
    let ends = [vpc(&wanted.ends[0]), vpc(&wanted.ends[1])];
    let between = |peering: &&orch::sim::ec2::Peering| {
        !peering.is_dead() && ends.contains(&peering.requester.vpc) && ends.contains(&peering.accepter.vpc)
    };
    let found: Vec<_> = world.peerings.values().filter(between).collect();
    let [peering] = found.as_slice() else {
        return vec![format!("{} peerings link {:?}", found.len(), wanted.ends)];
    };
    let mut amiss = Vec::new();
    if peering.status.as_str() != "active" {
        amiss.push(format!("{} between {:?} is {}", peering.id, wanted.ends, peering.status.as_str()));
    }
    if peering.requester.tags.get("orch:plan").is_none_or(|plan| plan != "net") {
        amiss.push(format!("{} between {:?} does not bear the plan's name", peering.id, wanted.ends));
    }
    for (from, to, from_all) in &wanted.routes {
        let destination = named(world, to).and_then(|(.., stack)| output(stack, "Range")).unwrap_or_default();
        let key = if *from_all { "Tables" } else { "Table" };
        let tables = named(world, from).and_then(|(.., stack)| output(stack, key)).unwrap_or_default();
        for table in tables.split(',') {
            amiss.extend(of_route(world, table, &destination, &peering.id));
        }
    }
    amiss
}

fn of_route(world: &World, table: &str, destination: &str, target: &str) -> Option<String> {
    let of_table = world.places().find_map(|(_, regional)| regional.ec2.route_tables.get(table));
    let route = of_table.and_then(|table| table.routes.iter().find(|(to, _)| to.to_string() == destination));
    let leads_to = route.map(|(_, route)| route.target.id.as_str());
    (leads_to != Some(target))
        .then(|| format!("{table} leads {destination} to {leads_to:?} and is to lead to {target}"))
}
