//! Has CloudFormation look over the templates of stacks that are to be made, while the first of them run.

use tokio::task::JoinSet;

use super::distinct::{Distinct, distinct};
use super::{Job, Means, Task};
use crate::graph::Ix;
use crate::plan::{Origin, Spec};
use crate::preview::Action;

/// Begins to ask about every distinct template of the stacks that are foreseen to be made, once in each region, so that a
/// stack that has waited for others need not wait for that, and one whose template is refused fails before anything of it
/// is done. What comes of it is kept by the sessions, where a stack's own turn finds it. Dropping the tasks gives up what is
/// not answered yet, which the stack then asks for itself, as it does for what cannot be asked here: a text that is put in a
/// bucket first, or that names others there.
pub(super) fn begin(job: &Job, means: &Means) -> JoinSet<()> {
    let plan = job.plan();
    let to_be_made = |ix: &Ix| {
        let Some(node) = job.node(*ix).filter(|_| job.task(*ix) == Task::Converge) else { return false };
        let Spec::Stack(spec) = &node.spec else { return false };
        let alone = !matches!(&spec.template, Some(Origin::File(template)) if !template.nested.is_empty());
        alone && matches!(means.outlooks.action(&node.id), Some(Action::Create))
    };
    let mut asking = JoinSet::new();
    for Distinct { template, region, nodes } in distinct(plan, &means.sources, job.graph().nodes().filter(to_be_made)) {
        let account = |ix: &Ix| &plan.nodes[ix.index()].account;
        let Some(regional) = nodes.iter().find_map(|ix| means.sessions.region(account(ix), region)) else { continue };
        asking.spawn(async move {
            if let Err(error) = regional.check_template(&template).await {
                tracing::debug!(%error, "a template was not taken, as its stack will tell");
            }
        });
    }
    asking
}
