//! `DescribeChangeSet` and `ListChangeSets`.

use super::super::change::{Change, ChangeAction, Detail};
use super::super::change_set::ChangeSet;
use super::super::drift::ResourceDriftStatus;
use super::change_set::find;
use super::page::{page, texts};
use super::request::stack;
use super::stacks::{deployment, parameters, tags};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

pub(super) fn describe(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let (stack, change_set) = find(world, place, params)?;
    let values = params.flag("IncludePropertyValues");
    let mut xml = Xml::new();
    common(&mut xml, change_set);
    xml.text("StackId", &stack.id).text("StackName", &stack.name);
    parameters(&mut xml, &change_set.config);
    tags(&mut xml, &change_set.config);
    texts(&mut xml, "Capabilities", &change_set.config.capabilities);
    texts(&mut xml, "NotificationARNs", &change_set.config.notification_arns);
    change_set.config.rollback.write(&mut xml);
    deployment(&mut xml, &change_set.config);
    xml.maybe("OnStackFailure", change_set.on_failure).maybe("StackDriftStatus", change_set.drift);
    page(params, &change_set.changes)?.write(&mut xml, "Changes", |xml, change| {
        xml.text("Type", "Resource");
        xml.within("ResourceChange", |xml| write(xml, change, values));
    });
    Ok(xml)
}

fn common(xml: &mut Xml, change_set: &ChangeSet) {
    xml.text("ChangeSetId", &change_set.id).text("ChangeSetName", &change_set.name);
    xml.maybe("Description", change_set.description.as_ref()).time("CreationTime", change_set.created);
    xml.text("Status", change_set.status).maybe("StatusReason", change_set.reason.as_ref());
    xml.text("ExecutionStatus", change_set.execution).text("IncludeNestedStacks", change_set.nested);
    xml.maybe("ParentChangeSetId", change_set.parent.as_ref()).maybe("RootChangeSetId", change_set.root.as_ref());
    xml.maybe("DeploymentMode", change_set.reverts_drift.then_some("REVERT_DRIFT"));
}

fn write(xml: &mut Xml, change: &Change, values: bool) {
    xml.maybe("PolicyAction", policy_action(change)).text("Action", change.action);
    xml.text("LogicalResourceId", &change.logical_id).maybe("PhysicalResourceId", change.physical_id.as_ref());
    xml.text("ResourceType", &change.resource_type).maybe("Replacement", change.replacement);
    let mut scope: Vec<&str> = change.details.iter().map(|detail| detail.attribute.as_str()).collect();
    scope.sort_unstable();
    scope.dedup();
    texts(xml, "Scope", scope);
    xml.maybe("ChangeSetId", change.change_set.as_ref()).maybe("ResourceDriftStatus", change.drift);
    xml.list("Details", "member", &change.details, |xml, detail| write_detail(xml, change, detail, values));
    if values {
        xml.maybe("BeforeContext", change.before.as_ref()).maybe("AfterContext", change.after.as_ref());
        xml.maybe("PreviousDeploymentContext", change.previous.as_ref());
    }
}

/// What becomes of the resource that goes.
fn policy_action(change: &Change) -> Option<&str> {
    match change.action {
        ChangeAction::Remove => change.policy_action.as_deref(),
        ChangeAction::Add | ChangeAction::Modify | ChangeAction::SyncWithActual => None,
    }
}

fn write_detail(xml: &mut Xml, change: &Change, detail: &Detail, values: bool) {
    xml.within("Target", |xml| {
        xml.text("Attribute", &detail.attribute).maybe("Name", detail.name.as_ref());
        xml.text("RequiresRecreation", if detail.recreates { "Always" } else { "Never" });
        if values {
            let path = detail.name.as_ref().map(|name| format!("/{}/{name}", detail.attribute));
            xml.maybe("Path", path);
            xml.maybe("BeforeValue", detail.before.as_ref()).maybe("AfterValue", detail.after.as_ref());
            let kind = match (&detail.before, &detail.after) {
                _ if change.action == ChangeAction::SyncWithActual => "SyncWithActual",
                (None, Some(_)) => "Add",
                (Some(_), None) => "Remove",
                _ => "Modify",
            };
            write_origin(xml, change, detail);
            xml.text("AttributeChangeType", kind);
        }
    });
    xml.text("Evaluation", detail.evaluation).maybe("ChangeSource", detail.source.as_ref());
    xml.maybe("CausingEntity", detail.cause.as_ref());
}

/// In a change set that looks at drift: where the values come from, and what the property has drifted to.
fn write_origin(xml: &mut Xml, change: &Change, detail: &Detail) {
    let Some(status) = change.drift else { return };
    let compared = status != ResourceDriftStatus::Unsupported && change.action != ChangeAction::SyncWithActual;
    xml.text("BeforeValueFrom", if compared { "ACTUAL_STATE" } else { "PREVIOUS_DEPLOYMENT_STATE" });
    xml.text("AfterValueFrom", "TEMPLATE");
    if let Some(drift) = &detail.drift {
        xml.within("Drift", |xml| {
            xml.maybe("PreviousValue", drift.previous.as_ref()).maybe("ActualValue", drift.actual.as_ref());
            xml.time("DriftDetectionTimestamp", drift.at);
        });
    }
}

pub(super) fn list(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let found = stack(world, place, params)?;
    let mut xml = Xml::new();
    page(params, &found.change_sets)?.write(&mut xml, "Summaries", |xml, change_set| {
        xml.text("StackId", &found.id).text("StackName", &found.name);
        common(xml, change_set);
    });
    Ok(xml)
}
