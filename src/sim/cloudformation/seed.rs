//! Stacks of a world that begins with what stands elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::config::{Config, MASK, Parameter};
use super::operation::Before;
use super::output::Output;
use super::progress::assumption;
use super::resource::{Job, embedded, record};
use super::scope::Scope;
use super::stack::{Resource, Stack};
use super::status::{ResourceStatus, Status};
use super::template::Template;
use super::{Export, change};
use crate::cfn::{Document, Node};
use crate::sim::ec2::Tags;
use crate::sim::seed::{self, Seed};
use crate::sim::world::{Place, Word, World};

/// Puts what stacks export into a world, those that are not in it too.
pub(crate) fn exports(world: &mut World, seed: &Seed) {
    for seed::Export { name, value, stack } in &seed.exports {
        let export = Export { stack: stack.clone(), value: value.clone() };
        world.at_mut(&seed.place).cloudformation.exports.insert(name.clone(), export);
    }
}

/// A resource that does not stand at its service yet.
pub(crate) struct Unsettled {
    place: Place,
    stack: String,
    logical_id: String,
    reason: String,
}

/// Lets resources stand that needed those of stacks which came later. The others are taken to work.
pub(crate) fn settle_rest(world: &mut World, mut rest: Vec<Unsettled>) {
    loop {
        let before = rest.len();
        rest.retain_mut(|unsettled| {
            let Unsettled { place, stack, logical_id, reason } = unsettled;
            let own = |world: &World| {
                let stack = world.at(place).cloudformation.stacks.get(stack)?;
                Some((stack.name.clone(), stack.resources.get(logical_id)?.clone()))
            };
            let Some((name, mut resource)) = own(world) else { return false };
            resource.assumed = false;
            if let Err(again) = settle(world, place, &name, &mut resource) {
                *reason = again;
                return true;
            }
            if let Some(stack) = world.at_mut(place).cloudformation.stacks.get_mut(stack) {
                if let Some(before) = &mut stack.stable {
                    before.resources.insert(logical_id.clone(), resource.clone());
                }
                stack.resources.insert(logical_id.clone(), resource);
            }
            false
        });
        if rest.len() == before {
            break;
        }
    }
    for Unsettled { place, stack, logical_id, reason } in rest {
        let stack = world.at(&place).cloudformation.stacks.get(&stack);
        let about = stack.and_then(|stack| Some((stack.name.clone(), stack.resources.get(&logical_id)?)));
        let Some((name, what)) = about.map(|(name, resource)| (name, assumption(resource, &reason))) else { continue };
        world.assume(&place, &name, what);
    }
}

/// Puts a stack into a world, with its resources as it has them. Those that do not stand yet may need another stack's.
pub(crate) fn stack(world: &mut World, place: &Place, seed: &seed::Stack) -> Vec<Unsettled> {
    let Some(status) = at_rest(&seed.status) else { return Vec::new() };
    if status.as_str() != seed.status {
        world.assume(place, &seed.name, format!("what is {} is taken to end in {status}", seed.status));
    }
    let template = Template::read(&seed.template).unwrap_or_else(|_| {
        world.assume(place, &seed.name, "its template is not known, only its resources".to_owned());
        made_up(seed)
    });
    let hidden: Vec<&str> =
        seed.parameters.iter().filter(|(_, own)| own.value == MASK).map(|(name, _)| name.as_str()).collect();
    if !hidden.is_empty() {
        let what = format!("what is hidden ({}) is taken to stay what it is", hidden.join(", "));
        world.assume(place, &seed.name, what);
    }
    let mut stack = Stack::new(world, seed.id.clone(), &seed.name);
    let config = Config {
        parameters: parameters(template.document(), seed),
        template,
        tags: seed.tags.iter().filter(|(key, _)| !key.starts_with("aws:")).collect(),
        capabilities: seed.capabilities.clone(),
        notification_arns: seed.notification_arns.clone(),
        role_arn: seed.role_arn.clone(),
        rollback: seed.rollback.clone(),
        express: seed.express,
    };
    let unsettled = resources(world, place, &mut stack, &config, seed);
    stack.outputs = outputs(world, place, &stack, &config, seed);
    stack.config = Some(config);
    // Whether it ever was complete is told by its events.
    stack.enter(world, if is_first(status) { status } else { Status::CreateComplete }, None);
    stack.status = status;
    stack.reason.clone_from(&seed.reason);
    stack.created = seed.created.unwrap_or(world.now);
    stack.updated = seed.updated;
    stack.termination_protection = seed.termination_protection;
    stack.timeout_minutes = seed.timeout_minutes;
    stack.policy = match &seed.policy {
        seed::Policy::Text(policy) => Some(policy.clone()),
        seed::Policy::None => None,
        seed::Policy::Unread => {
            let what = "its stack policy may not be read, and is taken to allow everything".to_owned();
            world.assume(place, &seed.name, what);
            None
        }
    };
    stack.seeded = now(&stack).map(Box::new);
    if status == Status::UpdateFailed {
        // Nobody tells what it was before.
        stack.stable.clone_from(&stack.seeded);
    }
    let service = &mut world.at_mut(place).cloudformation;
    service.export(&stack);
    service.names.insert(stack.name.clone(), stack.id.clone());
    service.stacks.insert(stack.id.clone(), stack.into());
    unsettled
}

/// The state that a stack is in, or will be when what is under way has ended well; `None` for one that will be gone, or
/// that nothing is known of but a change set. An import is an update here.
fn at_rest(status: &str) -> Option<Status> {
    match status {
        "CREATE_IN_PROGRESS" => Some(Status::CreateComplete),
        "ROLLBACK_IN_PROGRESS" => Some(Status::RollbackComplete),
        "DELETE_IN_PROGRESS" | "DELETE_COMPLETE" | "REVIEW_IN_PROGRESS" => None,
        "UPDATE_ROLLBACK_IN_PROGRESS"
        | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
        | "IMPORT_ROLLBACK_IN_PROGRESS"
        | "IMPORT_ROLLBACK_COMPLETE" => Some(Status::UpdateRollbackComplete),
        "IMPORT_ROLLBACK_FAILED" => Some(Status::UpdateRollbackFailed),
        other => Some(Status::read(other).filter(|status| !status.is_in_progress()).unwrap_or(Status::UpdateComplete)),
    }
}

/// Whether a stack in this state never was complete.
fn is_first(status: Status) -> bool {
    matches!(status, Status::CreateFailed | Status::RollbackFailed | Status::RollbackComplete)
}

/// What stands for a template that is not known: the parameters and resources that a stack has.
fn made_up(seed: &seed::Stack) -> Template {
    let parameters: Map<String, Json> =
        seed.parameters.keys().map(|name| (name.clone(), json!({ "Type": "String" }))).collect();
    let resources: Map<String, Json> =
        seed.resources.iter().map(|(name, own)| (name.clone(), json!({ "Type": own.type_name }))).collect();
    let text = json!({ "Parameters": parameters, "Resources": resources }).to_string();
    Template::read(&text).expect("maps of sections are a template")
}

fn parameters(document: &Document, seed: &seed::Stack) -> indexmap::IndexMap<String, Parameter> {
    let parameter = |declared: &crate::cfn::Parameter| {
        let live = seed.parameters.get(&declared.name);
        let value = live.map(|live| live.value.clone()).or_else(|| declared.default.clone())?;
        let resolved = live.and_then(|live| live.resolved.clone());
        Some((declared.name.clone(), Parameter { value, resolved }))
    };
    document.parameters.values().filter_map(parameter).collect()
}

/// Gives a stack the resources that it has, each with the properties that its template works out to.
fn resources(
    world: &mut World,
    place: &Place,
    stack: &mut Stack,
    config: &Config,
    seed: &seed::Stack,
) -> Vec<Unsettled> {
    let mut unsettled = Vec::new();
    let document = config.template.document();
    let (order, mut needs) = {
        let scope = Scope::new(world, place, (&stack.id, &stack.name), config, &stack.resources);
        let evaluator = scope.evaluator();
        let holds = |name: &str| evaluator.holds(name);
        let mut needs: BTreeMap<String, BTreeSet<Word>> = BTreeMap::new();
        for dependency in document.dependencies(&holds) {
            needs.entry(dependency.from.to_owned()).or_default().insert(dependency.to.into());
        }
        let order: Vec<String> = document.order(&holds).into_iter().map(str::to_owned).collect();
        (order, needs)
    };
    let told = told(document, seed);
    // What the template does not have, a macro has made, or the template is not the one that it was.
    let others = seed.resources.keys().filter(|name| !order.contains(name));
    for name in order.iter().chain(others) {
        let Some(live) = seed.resources.get(name) else { continue };
        let declared = document.resources.get(name);
        let scope = Scope::new(world, place, (&stack.id, &stack.name), config, &stack.resources);
        let evaluator = scope.evaluator();
        let properties = declared.map(|declared| evaluator.properties(declared)).unwrap_or_default();
        let properties: Map<String, Json> =
            properties.into_iter().filter_map(|(name, value)| Some((name, value.ok()?))).collect();
        let metadata = declared.and_then(|declared| declared.metadata.as_deref());
        let metadata = metadata.and_then(|node| evaluator.value(node).ok());
        let imports = scope.imports.take();
        let tags = if super::resource::is_taggable(&live.type_name) {
            change::tags((&stack.id, &stack.name), config, name, properties.get("Tags"))
        } else {
            Tags::new()
        };
        let mut resource = Resource {
            logical_id: name.into(),
            type_name: (&live.type_name).into(),
            physical_id: Some(Word::from(&live.id)).filter(|id| !id.is_empty()),
            status: ResourceStatus::read(&live.status).unwrap_or(ResourceStatus::CreateComplete),
            reason: live.reason.clone(),
            at: world.now,
            properties: properties.into(),
            tags,
            needs: needs.remove(name).unwrap_or_default().into_iter().collect(),
            deletion_policy: declared.and_then(|declared| declared.deletion_policy),
            update_replace_policy: declared.and_then(|declared| declared.update_replace_policy),
            metadata,
            assumed: false,
            told: told.get(name).cloned().unwrap_or_default(),
        };
        stack.import(imports);
        let left = matches!(resource.status, ResourceStatus::DeleteComplete | ResourceStatus::DeleteSkipped);
        if resource.physical_id.is_some()
            && !left
            && let Err(reason) = settle(world, place, &stack.name, &mut resource)
        {
            let (place, stack, logical_id) = (place.clone(), stack.id.clone(), name.clone());
            unsettled.push(Unsettled { place, stack, logical_id, reason });
        }
        stack.resources.insert(name.clone(), resource);
    }
    unsettled
}

/// The attributes of resources that a stack's outputs tell: those that are nothing but one.
fn told(document: &Document, seed: &seed::Stack) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut told: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for output in document.outputs.values() {
        let attribute = output.value.as_deref().and_then(attribute);
        if let (Some((resource, attribute)), Some(value)) = (attribute, seed.outputs.get(&output.name)) {
            told.entry(resource).or_default().insert(attribute, value.clone());
        }
    }
    told
}

/// The resource and the attribute of a node that is nothing but `Fn::GetAtt`.
fn attribute(node: &Node) -> Option<(String, String)> {
    let argument = node.get("Fn::GetAtt")?;
    if let Some(text) = argument.as_text() {
        return text.split_once('.').map(|(resource, attribute)| (resource.to_owned(), attribute.to_owned()));
    }
    match argument.as_list()? {
        [resource, attribute] => Some((resource.as_text()?.to_owned(), attribute.as_text()?.to_owned())),
        _ => None,
    }
}

/// Types whose resources are read where they stand. One that is not there was deleted by somebody.
const READ: [&str; 6] = [
    "AWS::EC2::VPC",
    "AWS::EC2::VPCCidrBlock",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::Route",
    "AWS::EC2::VPCPeeringConnection",
];

/// Lets a resource stand at its service, under the id that it has.
///
/// # Errors
///
/// Why it cannot. It stands in its stack alone then.
fn settle(world: &mut World, place: &Place, stack: &str, resource: &mut Resource) -> Result<(), String> {
    let id = resource.id().to_owned();
    if resource.type_name == "AWS::EC2::VPC"
        && let Some(vpc) = world.ec2_mut(place).vpcs.get_mut(&id)
    {
        vpc.dns_support = resource.text("EnableDnsSupport").is_none_or(|text| text.eq_ignore_ascii_case("true"));
        vpc.dns_hostnames = resource.text("EnableDnsHostnames").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let known = |name: &str| resource.told.get(name).cloned();
        vpc.default_network_acl = known("DefaultNetworkAcl").unwrap_or(vpc.default_network_acl.clone());
        if let Some(group) = known("DefaultSecurityGroup") {
            let made = std::mem::replace(&mut vpc.default_security_group, group.clone());
            let groups = &mut world.ec2_mut(place).security_groups;
            if let Some(own) = groups.remove(&made) {
                groups.insert(group.clone(), super::super::ec2::SecurityGroup { id: group, ..own });
            }
        }
    }
    if READ.contains(&resource.type_name.as_str()) {
        return Ok(());
    }
    let Some(provider) = embedded(world, &resource.type_name) else {
        resource.assumed = true;
        return Ok(());
    };
    if record::provider(&resource.type_name).is_some() {
        record::keep(world, place, stack, resource);
        return Ok(());
    }
    let before = world.ec2(place).clone();
    let job = Job {
        place,
        stack,
        parent: None,
        logical_id: &resource.logical_id,
        type_name: &resource.type_name,
        properties: &resource.properties,
        tags: &resource.tags,
    };
    world.ids().give(&id);
    let made = provider.create(world, &job);
    world.ids().give_none();
    let reason = match made {
        Ok(made) if is_found(world, place, resource, &made) => {
            world.advance(world.now);
            return Ok(());
        }
        Ok(_) => "it is not known by its id".to_owned(),
        Err(failure) => failure.message().to_owned(),
    };
    world.ec2_mut(place).clone_from(&before);
    resource.assumed = true;
    Err(reason)
}

/// Whether a resource that was made here is found by the id that its stack knows it by.
fn is_found(world: &mut World, place: &Place, resource: &Resource, made: &str) -> bool {
    match resource.type_name.as_str() {
        "AWS::EC2::EIP" => {
            let addresses = &mut world.ec2_mut(place).addresses;
            let own = addresses.iter().find(|(_, address)| address.public_ip.to_string() == made);
            let (Some((allocation, _)), Ok(ip)) = (own, resource.id().parse()) else { return false };
            let allocation = allocation.to_string();
            let Some(own) = addresses.remove(&allocation) else { return false };
            let told = resource.told.get("AllocationId").cloned();
            let id = told.clone().unwrap_or(allocation);
            addresses.insert(id.clone(), super::super::ec2::Address { id: id.clone(), public_ip: ip, ..own });
            if told.is_none() {
                world.made_up(&id);
            }
            true
        }
        // Nobody asks for these by their ids, which have had several forms.
        "AWS::EC2::SecurityGroupIngress" | "AWS::EC2::SecurityGroupEgress" | "AWS::EC2::VPCGatewayAttachment" => true,
        _ => made == resource.id(),
    }
}

/// A stack's outputs as they are told, with the exports that its template gives them.
fn outputs(world: &World, place: &Place, stack: &Stack, config: &Config, seed: &seed::Stack) -> Vec<Output> {
    let scope = Scope::new(world, place, (&stack.id, &stack.name), config, &stack.resources);
    let evaluator = scope.evaluator();
    let declared = &config.template.document().outputs;
    let mut keys: Vec<&String> = declared.keys().filter(|key| seed.outputs.contains_key(*key)).collect();
    keys.extend(seed.outputs.keys().filter(|key| !declared.contains_key(*key)));
    let output = |key: &String| {
        let declared = declared.get(key);
        let export = declared.and_then(|declared| declared.export.as_deref());
        Output {
            key: key.clone(),
            value: seed.outputs[key].clone(),
            description: declared.and_then(|declared| declared.description.clone()),
            export: export.and_then(|node| evaluator.text(node).ok().flatten()),
        }
    };
    keys.into_iter().map(output).collect()
}

/// What a stack is.
fn now(stack: &Stack) -> Option<Before> {
    Some(Before {
        config: stack.config.clone()?,
        resources: stack.resources.clone(),
        outputs: stack.outputs.clone(),
        imports: stack.imports.clone(),
        garbage: Vec::new(),
        deployed: None,
    })
}
