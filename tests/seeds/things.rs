//! What stands in the embedded AWS, thing by thing, read from its world and not from anything that orch says.

use std::collections::BTreeMap;

use orch::sim::{Sim, World};
use serde_json::Value as Json;

/// Everything that is there, each with all that can be told of it. What is deleted or dead is left out: AWS takes it away
/// by itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Things(BTreeMap<String, Json>);

impl Things {
    /// Everything that is there now.
    pub(crate) fn of(sim: &Sim) -> Self {
        Self(sim.inspect(all).unwrap())
    }

    /// The same without a stack and all that is in its VPCs.
    pub(crate) fn without(mut self, stack: &str) -> Self {
        let owned = |thing: &Json| thing.to_string().contains(stack);
        let vpcs: Vec<String> = self
            .0
            .iter()
            .filter(|(name, thing)| name.contains(" vpcs ") && owned(thing))
            .filter_map(|(name, _)| name.rsplit(' ').next().map(str::to_owned))
            .collect();
        self.0.retain(|name, thing| {
            let text = thing.to_string();
            !name.contains(stack) && !owned(thing) && !vpcs.iter().any(|vpc| text.contains(vpc.as_str()))
        });
        self
    }

    /// Those of them that are not there any more, or not as they were, with what they are.
    pub(crate) fn changed(&self, now: &Self) -> Vec<String> {
        let differs = |(name, before): (&String, &Json)| {
            let after = now.0.get(name);
            (after != Some(before)).then(|| format!("{name}: {before}\n  is now {after:?}"))
        };
        self.0.iter().filter_map(differs).collect()
    }

    /// The names of those that were not there before, some VPCs and what AWS has made with them aside.
    pub(crate) fn since<'a>(&'a self, before: &Self, vpcs: &[String]) -> Vec<&'a str> {
        let is_of = |thing: &Json| {
            let id = thing.get("vpc").or_else(|| thing.get("id")).and_then(Json::as_str);
            id.is_some_and(|id| vpcs.iter().any(|vpc| vpc == id))
        };
        let new = self.0.iter().filter(|(name, thing)| !before.0.contains_key(*name) && !is_of(thing));
        new.map(|(name, _)| name.as_str()).collect()
    }
}

fn all(world: &World) -> BTreeMap<String, Json> {
    let mut things = BTreeMap::new();
    for (place, regional) in world.places() {
        for stack in regional.cloudformation.stacks.values().filter(|stack| stack.deleted.is_none()) {
            things.insert(format!("{place} {}", stack.id), serde_json::to_value(stack).unwrap());
        }
        let Json::Object(kinds) = serde_json::to_value(&regional.ec2).unwrap() else { continue };
        for (kind, those) in kinds.into_iter().filter(|(kind, _)| kind != "answers") {
            let Json::Object(those) = those else { continue };
            things.extend(those.into_iter().map(|(id, thing)| (format!("{place} {kind} {id}"), thing)));
        }
    }
    for (id, peering) in world.peerings.iter().filter(|(_, peering)| !peering.is_dead()) {
        things.insert(format!("peering {id}"), serde_json::to_value(peering).unwrap());
    }
    things
}
