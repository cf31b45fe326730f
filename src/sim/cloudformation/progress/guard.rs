//! What a stack policy keeps an update from.

use super::dispose;
use crate::cfn::Deed;
use crate::sim::cloudformation::operation::Phase;
use crate::sim::cloudformation::policy;
use crate::sim::cloudformation::stack::{Resource, Stack};
use crate::sim::cloudformation::status::ResourceStatus;
use crate::sim::world::{Place, World};

/// Why the policy does not let the update under way do something to a resource, if it does not. A creation and what
/// takes a failure back are not held to it.
pub(super) fn refusal(stack: &Stack, deed: Deed, resource: &Resource) -> Option<String> {
    let operation = stack.operation.as_ref().filter(|operation| operation.phase == Phase::Update)?;
    let policy = operation.policy.as_ref().or(stack.policy.as_ref())?;
    policy::refusal(policy, deed, resource)
}

/// Tells of every resource that the update takes out of the stack against the policy, before anything is done; and
/// whether there is one.
pub(super) fn refuses_removals(world: &World, place: &Place, stack: &mut Stack) -> bool {
    let wanted = dispose::wanted(world, place, stack);
    let leaving = stack.resources.values().filter(|resource| !wanted.iter().any(|id| resource.logical_id == *id));
    let leaving = leaving.filter(|resource| resource.physical_id.is_some());
    let refused: Vec<Resource> = leaving
        .filter_map(|resource| {
            let reason = refusal(stack, Deed::Delete, resource)?;
            let (status, at) = (ResourceStatus::UpdateFailed, world.now);
            Some(Resource { status, at, reason: Some(reason), ..resource.clone() })
        })
        .collect();
    for resource in &refused {
        stack.tell(world, resource);
        stack.resources.insert(resource.logical_id.clone(), resource.clone());
        if let Some(operation) = &mut stack.operation {
            operation.failed.push(resource.logical_id.to_string());
        }
    }
    !refused.is_empty()
}
