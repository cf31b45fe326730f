//! Nested stacks: stacks that are resources of other stacks.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html>.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::api::{change_set, create, request, update};
use super::change::{self, Change, ChangeAction, Depth, Detail, Evaluation, Replacement};
use super::change_set::{ChangeSet, ChangeSetStatus, ExecutionStatus};
use super::config::{self, Config, invalid};
use super::operation::Phase;
use super::rollback::RollbackTriggers;
use super::scope::{Scope, properties};
use super::stack::{Nested, Resource, Stack, scalar};
use super::status::Status;
use super::with_stack;
use crate::cfn;
use crate::sim::ec2::Tags;
use crate::sim::wire::{ApiError, Params};
use crate::sim::world::{Place, Word, World};

/// The type of such a resource.
pub(super) const TYPE: &str = "AWS::CloudFormation::Stack";

/// How deep stacks nest here. A template that names itself would have no end.
const DEEPEST: u8 = 10;

/// What a nested stack is to be, as its parent's template has it.
///
/// # Errors
///
/// `ValidationError` and the like: what would be refused of a stack that nobody nests, and what S3 says of the template.
pub(super) fn config(
    world: &World,
    place: &Place,
    (name, parent): (&str, &Config),
    properties: &Map<String, Json>,
    tags: &Tags,
) -> Result<Config, ApiError> {
    let url = properties.get("TemplateURL").and_then(scalar).unwrap_or_default();
    let template = request::template(request::template_at(world, place, &url)?)?;
    // What the stack at the top may do, all below it may.
    request::check(template.document(), &parent.capabilities, place)?;
    let given = properties.get("Parameters").and_then(Json::as_object).into_iter().flatten();
    let given: Vec<Params> = given
        .map(|(key, value)| {
            let pair = [("ParameterKey", key.clone()), ("ParameterValue", joined(value))];
            pair.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
        })
        .collect();
    let topics = properties.get("NotificationARNs").and_then(Json::as_array).into_iter().flatten();
    let own = |(key, value): (&Word, &Word)| (!key.starts_with("aws:")).then(|| (key.clone(), value.clone()));
    let config = Config {
        parameters: config::parameters(world, place, template.document(), &given, None)?,
        tags: tags.iter().filter_map(own).collect(),
        capabilities: parent.capabilities.clone(),
        notification_arns: topics.filter_map(scalar).collect(),
        role_arn: parent.role_arn.clone(),
        rollback: RollbackTriggers::default(),
        express: parent.express,
        template,
    };
    request::check_existing(world, place, name, &config)?;
    Ok(config)
}

/// A parameter's value: a list becomes a text with commas.
fn joined(value: &Json) -> String {
    match value {
        Json::Array(items) => items.iter().filter_map(scalar).collect::<Vec<_>>().join(","),
        other => scalar(other).unwrap_or_else(|| other.to_string()),
    }
}

/// Makes a stack that is nested in another, and of which nothing is known yet; gives its ARN.
///
/// # Errors
///
/// Stacks would nest too deep, or be too many.
pub(super) fn make(world: &mut World, place: &Place, parent: &Stack, logical_id: &str) -> Result<String, ApiError> {
    let depth = parent.nested.as_ref().map_or(1, |nested| nested.depth + 1);
    if depth > DEEPEST {
        return Err(invalid(format!("Stacks nest {DEEPEST} deep at most in the embedded AWS")));
    }
    let suffix = world.ids().key()[..12].to_uppercase();
    let most = 128 - suffix.len() - 1;
    let start: String = format!("{}-{logical_id}", parent.name).chars().take(most).collect();
    let id = create::new(world, place, &format!("{}-{suffix}", start.trim_end_matches('-')))?;
    let nested = Nested {
        parent: parent.id.clone(),
        root: parent.nested.as_ref().map_or(&parent.id, |nested| &nested.root).clone(),
        logical_id: logical_id.to_owned(),
        depth,
        broken: None,
        doomed: false,
    };
    with_stack(world, place, &id, |_, stack| stack.nested = Some(nested));
    Ok(id)
}

/// Whether a nested stack's update is done and waits for its parent's, which may still be taken back.
pub(super) fn is_held(stack: &Stack) -> bool {
    stack.operation.as_ref().is_some_and(|operation| operation.nested && operation.phase == Phase::Cleanup)
}

/// Whether a resource is a nested stack that waits so.
pub(super) fn holds(world: &World, place: &Place, resource: &Resource) -> bool {
    resource.type_name == TYPE
        && world.at(place).cloudformation.stacks.get(resource.id()).is_some_and(|stack| is_held(stack))
}

/// The ARNs of the stacks that are nested in a stack.
pub(super) fn children(stack: &Stack) -> Vec<String> {
    let own = stack.resources.values().filter(|resource| resource.type_name == TYPE);
    own.filter_map(|resource| resource.physical_id.clone()).map(String::from).collect()
}

/// Whether an update may change something in a nested stack of which the parent's template says nothing new.
///
/// # Errors
///
/// It cannot be looked into.
pub(super) fn differs(
    scope: &Scope<'_>,
    stack: &Stack,
    declared: &cfn::Resource,
    depth: Depth,
) -> Result<bool, ApiError> {
    // Where what stands elsewhere is not known, nothing in it is taken to change.
    if declared.type_name != TYPE || scope.world.assumes() {
        return Ok(false);
    }
    if depth == Depth::Own {
        return Ok(true);
    }
    let id = stack.resources.get(&declared.id).map(Resource::id).unwrap_or_default();
    let Some(child) = scope.world.at(scope.place).cloudformation.stacks.get(id) else { return Ok(true) };
    let config = wanted(scope, stack, declared)?;
    update::differs(scope.world, scope.place, child, &config, Depth::Nested)
}

fn wanted(scope: &Scope<'_>, stack: &Stack, declared: &cfn::Resource) -> Result<Config, ApiError> {
    // It is asked for where nothing is made up, so that all of them are known.
    let (properties, _) =
        properties(scope, &scope.evaluator(), declared).map_err(|error| invalid(error.to_string()))?;
    let tags = change::tags((&stack.id, &stack.name), scope.config, &declared.id, properties.get("Tags"));
    config(scope.world, scope.place, (&stack.name, scope.config), &properties, &tags)
}

/// What a change set says of a nested stack whose own properties stay: something in it may change.
pub(super) fn automatic(stack: &Stack, declared: &cfn::Resource) -> Option<Change> {
    let old = stack.resources.get(&declared.id)?;
    let secrets: Vec<&str> = stack.config.iter().flat_map(Config::secrets).collect();
    let context = change::context(&old.properties, &secrets);
    let detail = change::plain("Properties", Evaluation::Dynamic);
    Some(Change {
        action: ChangeAction::Modify,
        logical_id: declared.id.clone(),
        physical_id: old.physical_id.clone().map(String::from),
        resource_type: TYPE.to_owned(),
        replacement: Some(Replacement::False),
        policy_action: None,
        details: vec![Detail { source: Some("Automatic".to_owned()), ..detail }],
        before: Some(context.clone()),
        after: Some(context),
        change_set: None,
        drift: None,
        previous: None,
    })
}

/// Makes the change sets of the nested stacks that a change set would make or change, each below its stack. One that is not
/// there yet is made for it and stays in review. Where a property is known during the update only, there is none.
///
/// # Errors
///
/// One of them cannot be worked out.
pub(super) fn look_into(
    world: &mut World,
    place: &Place,
    stack: &Stack,
    above: &ChangeSet,
    changes: &mut [Change],
) -> Result<(), ApiError> {
    if world.assumes() {
        return Ok(());
    }
    let may_change =
        |change: &&Change| change.action == ChangeAction::Add || change.replacement != Some(Replacement::False);
    let unknown_ids: BTreeSet<String> =
        changes.iter().filter(may_change).map(|change| change.logical_id.clone()).collect();
    let unknown_attributes: BTreeSet<String> = changes.iter().map(|change| change.logical_id.clone()).collect();
    for change in changes.iter_mut().filter(|change| change.resource_type == TYPE) {
        let Some(declared) = above.config.template.document().resources.get(&change.logical_id) else { continue };
        let scope = Scope {
            unknown_ids: &unknown_ids,
            unknown_attributes: &unknown_attributes,
            ..Scope::new(world, place, (&stack.id, &stack.name), &above.config, &stack.resources)
        };
        if scope.evaluator().properties(declared).iter().any(|(_, value)| value.is_err()) {
            continue;
        }
        let config = wanted(&scope, stack, declared)?;
        let child = match &change.physical_id {
            Some(id) => id.clone(),
            None => make(world, place, stack, &change.logical_id)?,
        };
        let Place { account, region } = place;
        let (uuid, suffix) = (world.ids().uuid(), world.ids().key()[..8].to_lowercase());
        let name = format!("{}-{}-{suffix}", above.name, change.logical_id);
        let id = format!("arn:{}:cloudformation:{region}:{account}:changeSet/{name}/{uuid}", region.partition());
        let below = ChangeSet {
            id: id.clone(),
            name,
            description: None,
            created: world.now,
            status: ChangeSetStatus::CreateInProgress,
            reason: None,
            execution: ExecutionStatus::Unavailable,
            config,
            reverts_drift: above.reverts_drift,
            drift: None,
            nested: true,
            parent: Some(above.id.clone()),
            root: Some(above.root.as_ref().unwrap_or(&above.id).clone()),
            on_failure: None,
            keeps: None,
            changes: Vec::new(),
            token: None,
        };
        let failure = with_stack(world, place, &child, |world, child| {
            if child.events.is_empty() {
                child.enter(world, Status::ReviewInProgress, Some("User Initiated".to_owned()));
            }
            child.change_sets.push(below);
            change_set::work_out(world, place, child, &id);
            let own = child.change_sets.iter().find(|own| own.id == id)?;
            own.reason.clone().filter(|reason| reason != change_set::NOTHING)
        });
        change.change_set = Some(id);
        if let Some(reason) = failure.flatten() {
            return Err(invalid(reason));
        }
    }
    Ok(())
}

/// Deletes the change sets below one that is deleted, or of no use any more, and the stacks that were made for them alone.
pub(super) fn forget(world: &mut World, place: &Place, root: &str) {
    let is_below = |change_set: &ChangeSet| change_set.root.as_deref() == Some(root);
    let stacks = world.at(place).cloudformation.stacks.values();
    let ids: Vec<String> =
        stacks.filter(|stack| stack.change_sets.iter().any(is_below)).map(|stack| stack.id.clone()).collect();
    for id in ids {
        with_stack(world, place, &id, |world, stack| {
            stack.change_sets.retain(|own| !is_below(own));
            if stack.status == Status::ReviewInProgress && stack.change_sets.is_empty() {
                stack.enter(world, Status::DeleteComplete, None);
                stack.deleted = Some(world.now);
            }
        });
    }
}

/// The nested stack of a parent for which the change set that the parent executes has one of its own: its ARN, and that.
pub(super) fn planned(world: &World, place: &Place, parent: &Stack, logical_id: &str) -> Option<(String, ChangeSet)> {
    let executed = parent.operation.as_ref()?.change_set.as_ref()?;
    let above = parent.change_sets.iter().find(|own| own.id == *executed)?;
    let change = above.changes.iter().find(|change| change.logical_id == logical_id)?;
    let id = change.change_set.as_ref()?;
    let below = |stack: &Stack| stack.change_sets.iter().find(|own| own.id == *id).cloned();
    world.at(place).cloudformation.stacks.values().find_map(|stack| Some((stack.id.clone(), below(stack)?)))
}
