//! What a stack is to be: its template and everything that is given with it.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::rollback::RollbackTriggers;
use super::template::Template;
use crate::cfn;
use crate::sim::ec2::{Ec2, Tags};
use crate::sim::wire::{ApiError, Params};
pub(super) use crate::sim::world::MASK;
use crate::sim::world::{Place, World};

/// Everything that a create or an update call gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The template.
    pub template: Template,
    /// The value of each parameter that the template declares, in its order.
    pub parameters: IndexMap<String, Parameter>,
    /// The stack's tags.
    pub tags: Tags,
    /// What the template is allowed to do.
    pub capabilities: Vec<String>,
    /// The topics that hear of its events.
    pub notification_arns: Vec<String>,
    /// The role that `CloudFormation` acts in.
    pub role_arn: Option<String>,
    /// The alarms that an operation's success hangs on.
    #[serde(default)]
    pub rollback: RollbackTriggers,
    /// Whether operations are over when the configuration is applied, before resources can be used.
    #[serde(default)]
    pub express: bool,
}

impl Config {
    /// The values that CloudFormation does not tell.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let document = self.template.document();
        let is_secret = |name: &str| document.parameters.get(name).is_some_and(|declared| declared.no_echo);
        let secret = self.parameters.iter().filter(move |(name, _)| is_secret(name)).map(|(_, parameter)| parameter);
        secret.flat_map(|parameter| [Some(parameter.value.as_str()), parameter.resolved.as_deref()]).flatten()
    }
}

/// A value in which no secret can be read.
pub(super) fn mask(value: &Json, secrets: &[&str]) -> Json {
    match value {
        Json::String(text) => {
            let hide = |text: String, secret: &&str| text.replace(*secret, MASK);
            secrets.iter().filter(|secret| !secret.is_empty()).fold(text.clone(), hide).into()
        }
        Json::Array(items) => items.iter().map(|item| mask(item, secrets)).collect(),
        Json::Object(map) => map.iter().map(|(key, value)| (key.clone(), mask(value, secrets))).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => value.clone(),
    }
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// As it was given, or the default.
    pub value: String,
    /// For Systems Manager types, the value behind the key.
    pub resolved: Option<String>,
}

impl Parameter {
    /// The value that the template sees.
    pub fn effective(&self) -> &str {
        self.resolved.as_deref().unwrap_or(&self.value)
    }
}

/// The parameters' values for a template: those given, those kept from before, and defaults.
///
/// # Errors
///
/// `ValidationError`, for values that are missing, unknown, or not allowed.
pub(super) fn parameters(
    world: &World,
    place: &Place,
    document: &cfn::Document,
    given: &[Params],
    before: Option<&Config>,
) -> Result<IndexMap<String, Parameter>, ApiError> {
    let mut values: IndexMap<&str, &str> = IndexMap::new();
    let mut unknown = Vec::new();
    for parameter in given {
        let key = parameter.get("ParameterKey").unwrap_or_default();
        if !document.parameters.contains_key(key) {
            unknown.push(key);
        } else if parameter.flag("UsePreviousValue") {
            let Some(old) = before.and_then(|config| config.parameters.get(key)) else {
                return Err(invalid(format!(
                    "Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
                )));
            };
            values.insert(key, &old.value);
        } else {
            values.insert(key, parameter.get("ParameterValue").unwrap_or_default());
        }
    }
    if !unknown.is_empty() {
        return Err(invalid(format!("Parameters: [{}] do not exist in the template", unknown.join(", "))));
    }
    let given = |name: &str| values.get(name).copied();
    let missing: Vec<&str> = document
        .parameters
        .values()
        .filter(|declared| given(&declared.name).is_none() && declared.default.is_none())
        .map(|declared| declared.name.as_str())
        .collect();
    if !missing.is_empty() {
        return Err(invalid(format!("Parameters: [{}] must have values", missing.join(", "))));
    }
    let value = |declared: &cfn::Parameter| {
        let value = given(&declared.name).or(declared.default.as_deref()).unwrap_or_default().to_owned();
        let old = before.and_then(|config| config.parameters.get(&declared.name));
        // What was hidden where the world was read is taken to stay what it is.
        if let Some(hidden) = old.filter(|old| world.assumes() && old.value == MASK) {
            return Ok((declared.name.clone(), hidden.clone()));
        }
        // What was made up is not held to anything.
        if !world.has_made_up(&value) {
            declared.accept(&value).map_err(|refusal| invalid(refusal.to_string()))?;
            exists(world, place, declared, &value)?;
        }
        // What is hidden is worked with nowhere here: what is made of it would be shown as something else, an output say.
        if world.assumes() && declared.no_echo {
            return Ok((declared.name.clone(), Parameter { value: MASK.to_owned(), resolved: None }));
        }
        let resolved = if declared.is_ssm() {
            match (stored(world, place, &value), old.filter(|old| old.value == value)) {
                (Ok(stored), _) => Some(stored),
                (Err(_), Some(old)) if world.assumes() => old.resolved.clone(),
                // What uses it is taken to work then.
                (Err(_), None) if world.assumes() => Some(format!("{{{{resolve:ssm:{value}}}}}")),
                (Err(error), _) => return Err(error),
            }
        } else {
            None
        };
        Ok((declared.name.clone(), Parameter { value, resolved }))
    };
    document.parameters.values().map(value).collect()
}

/// Whether the ids of a parameter of one of EC2's types are somebody's.
fn exists(world: &World, place: &Place, declared: &cfn::Parameter, value: &str) -> Result<(), ApiError> {
    let ec2: &Ec2 = world.ec2(place);
    let inner = declared.type_name.strip_prefix("List<").and_then(|rest| rest.strip_suffix('>'));
    let known = |id: &str| match inner.unwrap_or(&declared.type_name) {
        "AWS::EC2::VPC::Id" => ec2.vpcs.contains_key(id),
        "AWS::EC2::Subnet::Id" => world.assumes() || ec2.subnets.contains_key(id),
        "AWS::EC2::SecurityGroup::Id" => world.assumes() || ec2.security_groups.contains_key(id),
        _ => true,
    };
    let mut ids = value.split(',').map(str::trim).filter(|id| !id.is_empty());
    match ids.find(|id| !known(id)) {
        None => Ok(()),
        Some(id) => Err(invalid(format!(
            "Parameter validation failed: parameter value {id} for parameter name {} does not exist",
            declared.name
        ))),
    }
}

/// The value of a parameter of Systems Manager.
fn stored(world: &World, place: &Place, key: &str) -> Result<String, ApiError> {
    let records = &world.at(place).cloudformation.records;
    let value = records.get(&format!("AWS::SSM::Parameter|{key}")).and_then(|record| record.properties.get("Value"));
    let put = world.at(place).stored.parameters.get(key).filter(|put| !put.is_secure());
    match value.and_then(Json::as_str).or_else(|| Some(put?.value.as_str())) {
        Some(value) => Ok(value.to_owned()),
        None => Err(invalid(format!("Unable to fetch parameters [{key}] from parameter store for this account."))),
    }
}

/// What `CloudFormation` says to a request that makes no sense.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message)
}
