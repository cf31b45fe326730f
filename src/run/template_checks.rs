//! Has CloudFormation look over the templates of stacks that are to be made, while the first of them run.

use indexmap::IndexMap;
use tokio::task::JoinSet;

use super::distinct::{Distinct, distinct};
use super::{Job, Means, Task};
use crate::aws::{Regional, Template};
use crate::graph::Ix;
use crate::ids::{AccountName, Region};
use crate::plan::{Origin, Spec};
use crate::preview::Action;

/// Begins to ask about every distinct template of the stacks that are foreseen to be made, once in each region, so that a
/// stack that has waited for others need not wait for that. Those that are taken are kept by the sessions, where a stack's
/// own turn finds them; it asks about the others anew. Each account asks in each region about one template after the other,
/// in the order in which the stacks may run, so that these looks crowd out nothing there.
///
/// Dropping the tasks gives up what is not answered yet, which the stack then asks for itself, as it does for what cannot be
/// asked here: a text that is put in a bucket first, or that names others there.
pub(super) fn begin(job: &Job, means: &Means) -> JoinSet<()> {
    let plan = job.plan();
    let to_be_made = |ix: &Ix| {
        let Some(node) = job.node(*ix).filter(|_| job.task(*ix) == Task::Converge) else { return false };
        let Spec::Stack(spec) = &node.spec else { return false };
        let alone = !matches!(&spec.template, Some(Origin::File(template)) if !template.nested.is_empty());
        alone && matches!(means.outlooks.action(&node.id), Some(Action::Create))
    };
    let account = |ix: &Ix| &plan.nodes[ix.index()].account;
    let mut places: IndexMap<(&AccountName, &Region), (Regional, Vec<Template>)> = IndexMap::new();
    let nodes = job.graph().order().iter().copied().filter(to_be_made);
    for Distinct { template, region, nodes } in distinct(plan, &means.sources, nodes) {
        // Of the accounts that use it, the one that has the fewest to ask about.
        let asked = |ix: &&Ix| places.get(&(account(ix), region)).map_or(0, |(_, templates)| templates.len());
        let Some(least_busy) = nodes.iter().min_by_key(asked).map(account) else { continue };
        let Some(regional) = means.sessions.region(least_busy, region) else { continue };
        places.entry((least_busy, region)).or_insert_with(|| (regional, Vec::new())).1.push(template);
    }
    let mut asking = JoinSet::new();
    for (regional, templates) in places.into_values() {
        asking.spawn(async move {
            for template in &templates {
                if let Err(error) = regional.check_template(template).await {
                    tracing::debug!(%error, "a template is not taken so far; its stack asks again in its turn");
                }
            }
        });
    }
    asking
}
