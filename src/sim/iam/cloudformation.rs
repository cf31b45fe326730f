//! What calls to CloudFormation ask for.

use super::{arn, keys, with_request_tags};
use crate::cfn::S3Url;
use crate::iam::{Asked, Keys, On, operation};
use crate::sim::cloudformation::Stack;
use crate::sim::wire::{Params, Request, Service};
use crate::sim::world::World;

const SERVICE: Service = Service::CloudFormation;

pub(super) fn asked(world: &World, request: &Request) -> Vec<Asked> {
    let (name, params) = (request.operation.as_str(), &request.params);
    let mut own = own_keys(request);
    let of_a_stack = operation(name).is_none_or(|row| row.needs.iter().any(|need| need.on == On::Stack));
    let resource = if of_a_stack { stack(world, request) } else { "*".to_owned() };
    // As of anything that bears tags, those that it has count, not those that it is given.
    let found = world.at(&request.place).cloudformation.find(&resource).or_else(|| by_name(world, request));
    for (key, value) in found.and_then(|stack| stack.config.as_ref()).into_iter().flat_map(|config| &config.tags) {
        own.add(&format!("aws:ResourceTag/{key}"), value.as_str());
    }
    let mut all = vec![super::ask(SERVICE, name, &*resource, own.clone())];
    match name {
        // Who asks for all stacks lists them.
        "DescribeStacks" if resource == "*" => all.push(super::ask(SERVICE, "ListStacks", "*", own)),
        "DetectStackDrift" => {
            all.push(super::ask(SERVICE, "BatchDescribeTypeConfigurations", "*", keys(request)));
            all.push(super::ask(SERVICE, "DetectStackResourceDrift", &*resource, own));
        }
        "CreateStack" | "CreateChangeSet" | "UpdateStack" if !tags(params).is_empty() => {
            let keys = own.with("cloudformation:CreateAction", name);
            all.push(super::ask(SERVICE, "TagResource", &*resource, keys));
        }
        _ => {}
    }
    // AWS does not say whether the name of a change set is taken out of its ARN: both must be allowed.
    if let Some(arn) = params.get("ChangeSetName").filter(|name| name.starts_with("arn:")) {
        let name = arn.split_once(":changeSet/").map_or(arn, |(_, rest)| rest.split('/').next().unwrap_or(rest));
        all.push(super::ask(
            SERVICE,
            &request.operation,
            &*resource,
            keys(request).with("cloudformation:ChangeSetName", name),
        ));
    }
    if let Some(role) = params.get("RoleARN") {
        let keys = keys(request).with("iam:PassedToService", "cloudformation.amazonaws.com");
        all.push(Asked { action: "iam:PassRole".to_owned(), resource: role.to_owned(), keys });
    }
    if let Some(S3Url { bucket, key, version, .. }) = params.get("TemplateURL").and_then(S3Url::parse) {
        let action = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        let resource = format!("arn:{}:s3:::{bucket}/{key}", request.place.region.partition());
        all.push(Asked { action: action.to_owned(), resource, keys: keys(request) });
    }
    all
}

/// The stack that a request names by its name.
fn by_name<'a>(world: &'a World, request: &Request) -> Option<&'a Stack> {
    world.at(&request.place).cloudformation.find(request.params.get("StackName")?)
}

/// The keys of an operation that is about a stack or a template.
fn own_keys(request: &Request) -> Keys {
    let params = &request.params;
    let mut own = keys(request);
    for (name, key) in [("RoleARN", "cloudformation:RoleArn"), ("TemplateURL", "cloudformation:TemplateUrl")] {
        if let Some(value) = params.get(name) {
            own.add(key, value);
        }
    }
    if let Some(name) = params.get("ChangeSetName") {
        own.add("cloudformation:ChangeSetName", name);
    }
    with_request_tags(own, tags(params).iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

fn tags(params: &Params) -> Vec<(String, String)> {
    let pair = |tag: &Params| Some((tag.get("Key")?.to_owned(), tag.get("Value").unwrap_or_default().to_owned()));
    params.structures("Tags").iter().filter_map(pair).collect()
}

/// The ARN of the stack that a request is about; `*` if it is about all. What is named by a change set or an operation is
/// the stack that has it.
fn stack(world: &World, request: &Request) -> String {
    let (params, service) = (&request.params, &world.at(&request.place).cloudformation);
    if let Some(name) = params.get("StackName") {
        let by_name = || arn(SERVICE, &request.place, &format!("stack/{name}/*"));
        return if name.starts_with("arn:") { name.to_owned() } else { by_name() };
    }
    if let Some(set) = params.get("ChangeSetName") {
        let found = service.all().find(|stack| stack.change_sets.iter().any(|own| own.id == set));
        return found.map_or_else(|| set.to_owned(), |stack| stack.id.clone());
    }
    if let Some(operation) = params.get("OperationId") {
        let found = service.all().find(|stack| stack.events.iter().any(|event| event.operation == operation));
        return found.map_or_else(|| arn(SERVICE, &request.place, "stack/*/*"), |stack| stack.id.clone());
    }
    "*".to_owned()
}
