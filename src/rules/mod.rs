//! The rules that a plan is held against before the first call, one to a file.
//!
//! A [`Rule`] has its number, its severity, its explanation and an example of either kind, so that `orch rules`, the docs
//! and the tests say the same. Those that can be broken by a plan that loads are checks over a [`Design`]: the plan
//! worked out as far as that goes without AWS. What cannot be decided is silent: unknown is not wrong.

mod accounts;
mod design;
mod docs;
mod documents;
mod example;
mod graph;
mod language;
mod live;
mod network;
mod remote;
mod rule;
mod safety;
mod standing;
mod symbol;
mod templates;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

pub use design::Design;
pub use docs::{explain, find, listing, page};
pub use live::{
    Judged, Live, LivePeering, LiveRoute, LiveStack, LiveTable, Place, Read, Subject, Unread, Unusable, Verdict,
};
pub use rule::{Report, Rule};

use crate::diag::{Problem, Sources, Span, in_order};
use crate::graph::{Graph, Ix, of_plan};
use crate::ids::NodeId;
use crate::plan::Plan;
use rule::Finding;

/// Every rule, by its number.
pub const ALL: &[Rule] = &[
    language::syntax::RULE,
    language::unreadable::RULE,
    language::extends_cycle::RULE,
    language::abstract_plan::RULE,
    language::unknown_key::RULE,
    language::missing_key::RULE,
    language::wrong_type::RULE,
    language::invalid_value::RULE,
    language::invalid_name::RULE,
    language::expression::RULE,
    language::unknown_reference::RULE,
    language::not_known_yet::RULE,
    language::unevaluable::RULE,
    language::variable::RULE,
    accounts::account_id::RULE,
    accounts::role::RULE,
    accounts::through::RULE,
    accounts::duration::RULE,
    accounts::unknown_account::RULE,
    language::empty::RULE,
    language::for_each::RULE,
    language::stack_name::RULE,
    templates::unreadable_template::RULE,
    language::read_only::RULE,
    graph::depends_on::RULE,
    graph::same_stack::RULE,
    accounts::contradiction::RULE,
    accounts::partition::RULE,
    language::unused_variable::RULE,
    language::unused_allow::RULE,
    language::outside::RULE,
    language::guards::RULE,
    language::moved::RULE,
    templates::nested_template::RULE,
    graph::cycle::RULE,
    graph::same_peering::RULE,
    graph::same_route::RULE,
    graph::early_inputs::RULE,
    templates::not_a_template::RULE,
    templates::too_large::RULE,
    templates::unknown_output::RULE,
    templates::refused_template::RULE,
    templates::unknown_parameter::RULE,
    templates::missing_parameter::RULE,
    templates::refused_value::RULE,
    templates::missing_capability::RULE,
    templates::conditional_output::RULE,
    templates::template_url::RULE,
    network::overlap::RULE,
    network::one_way::RULE,
    network::foreign_range::RULE,
    network::quotas::RULE,
    network::double_table::RULE,
    network::misplaced_id::RULE,
    safety::open_secret::RULE,
    safety::unprotected_data::RULE,
    safety::refused_policy::RULE,
    remote::unusable_account::RULE,
    remote::refused_by_aws::RULE,
    remote::not_read::RULE,
    remote::absent::RULE,
];

/// How many nodes a problem names that are in the same trouble as the first.
const NAMED: usize = 5;

/// What came of holding a plan against the rules.
#[derive(Debug)]
pub struct Checked {
    /// The plan's graph; `None` if it has a cycle.
    pub graph: Option<Graph>,
    /// Everything that was found, in the order of the files and their texts.
    pub problems: Vec<Problem>,
}

/// Holds a plan against every rule as far as that goes without AWS, or as much of it as there is: of a draft, and of a
/// plan with a cycle, only that is told which is wrong whatever the rest may say.
pub fn check(plan: &Plan, sources: &Sources) -> Checked {
    check_with(plan, sources, None)
}

/// Holds a plan that loads against every rule, with what AWS said.
pub fn check_live(plan: &Plan, sources: &Sources, live: &Live) -> Checked {
    check_with(plan, sources, Some(live))
}

/// Whether a problem is that AWS could not be asked, rather than that something is wrong with the plan.
pub fn is_about_reach(problem: &Problem) -> bool {
    [remote::unusable_account::RULE.code, remote::not_read::RULE.code].contains(&problem.code)
}

fn check_with(plan: &Plan, sources: &Sources, live: Option<&Live>) -> Checked {
    let mut report = Report::default();
    let documents = documents::read(plan, sources, &mut report);
    let (graph, rings) = match of_plan(plan) {
        Ok(graph) => (graph, Vec::new()),
        Err(unsound) => (unsound.rest, unsound.problems),
    };
    let design = Design::new(plan, &graph, sources, &documents, plan.whole && rings.is_empty(), live);
    for check in ALL.iter().filter_map(|rule| rule.check) {
        check(&design, &mut report);
    }
    let mut used = HashSet::new();
    report.findings.retain(|finding| !is_excused(finding, plan, &mut used));
    let mut problems = once(report.findings, plan);
    if design.is_whole {
        problems.extend(language::unused_allow::unused(plan, &used, live.is_some_and(Live::is_whole)));
    }
    let is_sound = rings.is_empty();
    problems.extend(rings);
    in_order(&mut problems);
    Checked { problems, graph: is_sound.then_some(graph) }
}

/// Whether one of the nodes that a finding is about is excused from its rule; notes the excuse as used.
fn is_excused(finding: &Finding, plan: &Plan, used: &mut HashSet<Span>) -> bool {
    let allowed = finding.nodes.iter().flat_map(|ix| plan.nodes[ix.index()].allow.iter());
    let Some(excuse) = allowed.into_iter().find(|excuse| excuse.code == finding.problem.code) else { return false };
    used.insert(excuse.key.clone());
    true
}

/// Instances of a group share their text: what is wrong there is told once, with the nodes that it holds for.
fn once(findings: Vec<Finding>, plan: &Plan) -> Vec<Problem> {
    let id = |ix: &Ix| -> &NodeId { &plan.nodes[ix.index()].id };
    let mut told: IndexMap<_, (Problem, Vec<Ix>)> = IndexMap::new();
    let mut before: HashMap<_, Vec<String>> = HashMap::new();
    for Finding { problem, nodes } in findings {
        // A place may have several things wrong with it: the second of one node is the same as another's second.
        let place = (problem.code, problem.at.span.clone());
        let known = before.entry((place.clone(), nodes.clone())).or_default();
        if known.contains(&problem.message) {
            continue;
        }
        let key = (place, known.len());
        known.push(problem.message.clone());
        told.entry(key).and_modify(|(_, more)| more.extend(&nodes)).or_insert_with(|| (problem, Vec::new()));
    }
    told.into_values()
        .map(|(problem, mut more)| {
            more.sort_unstable();
            more.dedup();
            if more.is_empty() {
                return problem;
            }
            let named: Vec<_> = more.iter().take(NAMED).map(|ix| format!("`{}`", id(ix))).collect();
            let rest = match more.len() - named.len() {
                0 => String::new(),
                rest => format!(" and {rest} more"),
            };
            problem.help(format!("the same holds for {}{rest}", named.join(", ")))
        })
        .collect()
}
