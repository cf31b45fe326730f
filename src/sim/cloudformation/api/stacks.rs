//! `DescribeStacks` and `ListStacks`.

use super::super::CloudFormation;
use super::super::config::{Config, MASK, invalid};
use super::super::operation::OnFailure;
use super::super::past::Seen;
use super::super::stack::Stack;
use super::drift;
use super::page::{page, texts};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

pub(super) fn describe(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let (service, seen) = (&world.at(place).cloudformation, Seen::of(world, place));
    let found: Vec<&Stack> = match params.get("StackName") {
        Some(name) => {
            let missing = || invalid(format!("Stack with id {name} does not exist"));
            vec![seen.find(name).ok_or_else(missing)?]
        }
        None => seen.live(),
    };
    let mut xml = Xml::new();
    page(params, found)?.write(&mut xml, "Stacks", |xml, stack| describe_one(xml, service, stack));
    Ok(xml)
}

/// The stacks that a stack is nested in.
fn ancestors(xml: &mut Xml, stack: &Stack) {
    if let Some(nested) = &stack.nested {
        xml.text("ParentId", &nested.parent).text("RootId", &nested.root);
    }
}

fn describe_one(xml: &mut Xml, service: &CloudFormation, stack: &Stack) {
    xml.text("StackId", &stack.id).text("StackName", &stack.name);
    xml.time("CreationTime", stack.created);
    if let Some(time) = stack.updated {
        xml.time("LastUpdatedTime", time);
    }
    if let Some(time) = stack.deleted {
        xml.time("DeletionTime", time);
    }
    xml.text("StackStatus", stack.status).maybe("StackStatusReason", stack.reason.as_ref());
    xml.text("DisableRollback", stack.on_failure == OnFailure::DoNothing);
    xml.maybe("TimeoutInMinutes", stack.timeout_minutes);
    let root = stack.nested.as_ref().and_then(|nested| service.find(&nested.root)).unwrap_or(stack);
    xml.text("EnableTerminationProtection", root.termination_protection);
    ancestors(xml, stack);
    if let Some(config) = &stack.config {
        xml.maybe("Description", config.template.document().description.as_deref().map(crate::cfn::in_ascii));
        texts(xml, "NotificationARNs", &config.notification_arns);
        texts(xml, "Capabilities", &config.capabilities);
        xml.maybe("RoleARN", config.role_arn.as_ref());
        config.rollback.write(xml);
        deployment(xml, config);
        parameters(xml, config);
        tags(xml, config);
    }
    xml.list("Outputs", "member", &stack.outputs, |xml, output| {
        xml.text("OutputKey", &output.key).text("OutputValue", &output.value);
        xml.maybe("Description", output.description.as_ref()).maybe("ExportName", output.export.as_ref());
    });
    xml.within("DriftInformation", |xml| drift::information(xml, stack));
    if stack.last_operation.is_some() {
        // The newest first.
        let operations = stack.last_operation.iter().chain(&stack.taken_back);
        xml.list("LastOperations", "member", operations, |xml, (kind, id)| {
            xml.text("OperationType", kind).text("OperationId", id);
        });
    }
}

/// The parameters with their values. Those marked `NoEcho` are not told.
pub(super) fn parameters(xml: &mut Xml, config: &Config) {
    let document = config.template.document();
    xml.list("Parameters", "member", &config.parameters, |xml, (key, parameter)| {
        let secret = document.parameters.get(key).is_some_and(|declared| declared.no_echo);
        xml.text("ParameterKey", key);
        xml.text("ParameterValue", if secret { MASK } else { &parameter.value });
        xml.maybe("ResolvedValue", parameter.resolved.as_ref().filter(|_| !secret));
    });
}

pub(super) fn tags(xml: &mut Xml, config: &Config) {
    xml.list("Tags", "member", &config.tags, |xml, (key, value)| {
        xml.text("Key", key).text("Value", value);
    });
}

/// How operations are carried out, where that is not as always.
pub(super) fn deployment(xml: &mut Xml, config: &Config) {
    if config.express {
        xml.within("DeploymentConfig", |xml| {
            xml.text("Mode", "EXPRESS");
        });
    }
}

/// Deleted stacks too, as AWS does for 90 days.
pub(super) fn list(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let wanted = params.list("StackStatusFilter");
    let all = Seen::of(world, place).all();
    let mut found: Vec<&Stack> =
        all.into_iter().filter(|stack| wanted.is_empty() || wanted.contains(&stack.status.as_str())).collect();
    found.sort_by(|one, other| (other.created, &one.id).cmp(&(one.created, &other.id)));
    let mut xml = Xml::new();
    page(params, found)?.write(&mut xml, "StackSummaries", |xml, stack| {
        xml.text("StackId", &stack.id).text("StackName", &stack.name);
        ancestors(xml, stack);
        let description = stack.config.as_ref().and_then(|config| config.template.document().description.as_deref());
        xml.maybe("TemplateDescription", description.map(crate::cfn::in_ascii));
        xml.time("CreationTime", stack.created);
        if let Some(time) = stack.updated {
            xml.time("LastUpdatedTime", time);
        }
        if let Some(time) = stack.deleted {
            xml.time("DeletionTime", time);
        }
        xml.text("StackStatus", stack.status).maybe("StackStatusReason", stack.reason.as_ref());
        xml.within("DriftInformation", |xml| drift::information(xml, stack));
    });
    Ok(xml)
}
