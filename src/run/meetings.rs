//! Where the peerings of a plan meet.

use std::collections::{HashMap, HashSet};

use super::Job;
use crate::aws::Sessions;
use crate::ids::{AccountName, Region};
use crate::plan::{Plan, Spec};

/// An account in a region, by the plan's names.
type Place<'a> = (&'a AccountName, &'a Region);

/// Tells each account, in each region, how many of the plan's peerings it is a side of. A hub sees those of all its spokes by one
/// look, so that whoever looks for one asks there first.
pub(super) fn note(job: &Job, sessions: &Sessions) {
    for ((account, region), count) in count(job.plan()) {
        if let Some(place) = sessions.region(account, region) {
            place.expect_peerings(count);
        }
    }
}

fn count(plan: &Plan) -> HashMap<Place<'_>, usize> {
    let mut places = HashMap::new();
    for [requester, accepter] in sides(plan) {
        *places.entry(requester).or_default() += 1;
        *places.entry(accepter).or_default() += 1;
    }
    places
}

/// Of the two sides of each peering the one on which more meet, or else the accepter's.
pub(super) fn hubs(plan: &Plan) -> HashSet<Place<'_>> {
    let count = count(plan);
    sides(plan)
        .map(|[requester, accepter]| if count[&requester] > count[&accepter] { requester } else { accepter })
        .collect()
}

fn sides(plan: &Plan) -> impl Iterator<Item = [Place<'_>; 2]> {
    plan.nodes.iter().filter_map(|node| match &node.spec {
        Spec::Peering(spec) => Some([&spec.requester, &spec.accepter].map(|side| (&side.account, &side.region))),
        Spec::Stack(_) | Spec::Route(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::samples::Disk;

    #[test]
    fn peerings_meet_where_more_have_a_side_or_else_at_their_accepter() {
        let peering = |name: &str, from: &str, to: &str| {
            format!(
                "[peerings.{name}]\nrequester = {{ account = \"{from}\", vpc = \"vpc-0123456{from}\" }}\n\
                 accepter = {{ account = \"{to}\", vpc = \"vpc-0123456{to}\" }}\n"
            )
        };
        let accounts = ["a", "b", "c", "d", "e"].map(|name| {
            let id = format!("{:012}", 100 + u32::from(name.as_bytes()[0]));
            format!("{name} = {{ id = \"{id}\" }}\n")
        });
        // `a` asks two others; `d` and `e` have but one.
        let text = format!(
            "name = \"net\"\nregion = \"us-east-1\"\n[accounts]\n{}{}{}{}",
            accounts.concat(),
            peering("one", "a", "b"),
            peering("two", "a", "c"),
            peering("three", "d", "e"),
        );
        let loaded = Disk::default().with("net.toml", &text).load("net.toml");
        let plan = loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.problems));
        let mut hubs: Vec<String> = hubs(&plan).into_iter().map(|(account, _)| account.to_string()).collect();
        hubs.sort();
        assert_eq!(hubs, ["a", "e"]);
    }
}
