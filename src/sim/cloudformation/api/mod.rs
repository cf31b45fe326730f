//! The protocol: one file for each group of operations.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/Welcome.html>.

pub(super) mod change_set;
pub(super) mod create;
pub(super) mod delete;
mod describe_change_set;
mod drift;
mod events;
mod exports;
mod page;
pub(super) mod request;
mod resources;
mod rollback;
mod settings;
mod stacks;
mod template;
pub(super) mod update;

use crate::sim::dispatch::unknown_operation;
use crate::sim::wire::{ApiError, Request, Xml};
use crate::sim::world::World;

/// Handles a request to `CloudFormation`.
pub(crate) fn handle(world: &mut World, request: &Request) -> Result<Xml, ApiError> {
    let (place, params) = (&request.place, &request.params);
    match request.operation.as_str() {
        "ValidateTemplate" => template::validate(world, place, params),
        "GetTemplateSummary" => template::summary(world, place, params),
        "GetTemplate" => template::get(world, place, params),
        "CreateStack" => create::create(world, place, params),
        "UpdateStack" => update::update(world, place, params),
        "CancelUpdateStack" => rollback::cancel(world, place, params),
        "ContinueUpdateRollback" => rollback::go_on(world, place, params),
        "RollbackStack" => rollback::to_stable(world, place, params),
        "DeleteStack" => delete::delete(world, place, params),
        "DescribeStacks" => stacks::describe(world, place, params),
        "ListStacks" => stacks::list(world, place, params),
        "DescribeStackEvents" => events::describe_stack_events(world, place, params),
        "DescribeEvents" => events::describe_events(world, place, params),
        "DescribeStackResources" => resources::describe_all(world, place, params),
        "DescribeStackResource" => resources::describe_one(world, place, params),
        "ListStackResources" => resources::list(world, place, params),
        "CreateChangeSet" => change_set::create(world, place, params),
        "ExecuteChangeSet" => change_set::execute(world, place, params),
        "DeleteChangeSet" => change_set::delete(world, place, params),
        "DescribeChangeSet" => describe_change_set::describe(world, place, params),
        "ListChangeSets" => describe_change_set::list(world, place, params),
        "DetectStackDrift" => drift::detect(world, place, params),
        "DescribeStackDriftDetectionStatus" => drift::describe_detection(world, place, params),
        "DescribeStackResourceDrifts" => drift::describe_resources(world, place, params),
        "ListExports" => exports::list(world, place, params),
        "ListImports" => exports::imports(world, place, params),
        "UpdateTerminationProtection" => settings::termination_protection(world, place, params),
        "SetStackPolicy" => settings::set_policy(world, place, params),
        "GetStackPolicy" => settings::get_policy(world, place, params),
        _ => Err(unknown_operation(request)),
    }
}
