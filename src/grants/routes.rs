//! Routes in tables, which are known by their ids, or by the tags of the stacks that make them.

use std::collections::BTreeSet;

use super::facts::Here;
use super::{Purpose, Wanted, allow, of_plan};
use crate::iam::Statement;

pub(super) fn statements(into: &mut Vec<Statement>, here: &Here<'_>, wanted: &Wanted) {
    let has = |purpose: Purpose| wanted.purposes.contains(&purpose);
    let deletes = wanted.purposes.iter().any(|purpose| purpose.deletes_left());
    let mut actions: Vec<&str> = Vec::new();
    if has(Purpose::Apply) {
        actions.extend(["ec2:CreateRoute", "ec2:ReplaceRoute", "ec2:DeleteRoute"]);
    }
    if deletes {
        actions.push("ec2:DeleteRoute");
    }
    let (mut exact, mut tagged, mut open) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for route in &here.routes {
        for table in &route.spec.route_tables {
            let any = || here.arn("ec2", route.region, "route-table/*");
            match table.literal() {
                Some(known) => {
                    exact.extend(ids(known).map(|id| here.arn("ec2", route.region, &format!("route-table/{id}"))));
                }
                None if here.facts.bears_tags(table) => drop(tagged.insert(any())),
                None => drop(open.insert(any())),
            }
        }
    }
    let plan = here.facts.plan;
    // A route that left may lead through a table like those that the plan has now.
    let untagged = !exact.is_empty() || !open.is_empty();
    allow(into, "ChangeRoutesOfTables", &actions, exact.into_iter().chain(open).collect(), Vec::new());
    allow(into, "ChangeRoutes", &actions, tagged.into_iter().collect(), vec![of_plan(plan)]);
    if deletes && !wanted.strict {
        let anywhere = here.arns("ec2", here.facts.regions.iter().copied(), "route-table/*");
        let conditions = if untagged { Vec::new() } else { vec![of_plan(plan)] };
        allow(into, "DeleteRoutesThatLeft", &["ec2:DeleteRoute"], anywhere, conditions);
    }
}

/// The ids in a value: one, or a list of them.
fn ids(value: &serde_json::Value) -> impl Iterator<Item = &str> {
    let many = value.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    value.as_str().into_iter().chain(many)
}
