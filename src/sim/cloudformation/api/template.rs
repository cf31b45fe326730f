//! `ValidateTemplate`, `GetTemplateSummary` and `GetTemplate`.

use super::super::config::{Config, invalid};
use super::page::texts;
use super::request::{check_types, required, stack, template, template_body};
use crate::cfn::{Document, Node, in_ascii};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

pub(super) fn validate(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let template = template(template_body(world, place, params, None)?)?;
    let document = template.document();
    check_types(document)?;
    let mut xml = Xml::new();
    xml.list("Parameters", "member", document.parameters.values(), |xml, parameter| {
        xml.text("ParameterKey", &parameter.name).maybe("DefaultValue", parameter.default.as_ref());
        xml.text("NoEcho", parameter.no_echo).maybe("Description", parameter.description.as_ref());
    });
    xml.maybe("Description", document.description.as_ref());
    needed(&mut xml, document);
    Ok(xml)
}

/// The capabilities that a template needs, and its macros.
fn needed(xml: &mut Xml, document: &Document) {
    let needed = document.capabilities();
    if !needed.capabilities.is_empty() {
        texts(xml, "Capabilities", &needed.capabilities);
        let reason = format!("The following resource(s) require capabilities: [{}]", needed.resource_types.join(", "));
        xml.text("CapabilitiesReason", reason);
    }
    texts(xml, "DeclaredTransforms", &document.transforms);
}

pub(super) fn summary(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let template = match params.get("StackName") {
        Some(_) => {
            let found = stack(world, place, params)?;
            let config = found.config.as_ref();
            config.map(|config| config.template.clone()).ok_or_else(|| invalid("The stack has no template yet"))?
        }
        None => template(template_body(world, place, params, None)?)?,
    };
    let document = template.document();
    let mut xml = Xml::new();
    xml.list("Parameters", "member", document.parameters.values(), |xml, parameter| {
        xml.text("ParameterKey", &parameter.name).maybe("DefaultValue", parameter.default.as_ref());
        xml.text("ParameterType", &parameter.type_name).text("NoEcho", parameter.no_echo);
        xml.maybe("Description", parameter.description.as_ref());
        xml.within("ParameterConstraints", |xml| {
            texts(xml, "AllowedValues", &parameter.allowed_values);
        });
    });
    xml.maybe("Description", document.description.as_ref());
    needed(&mut xml, document);
    let mut types: Vec<&str> = document.resources.values().map(|resource| resource.type_name.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    texts(&mut xml, "ResourceTypes", types);
    let version = document.root.get("AWSTemplateFormatVersion").and_then(Node::scalar);
    xml.maybe("Version", version);
    xml.maybe("Metadata", document.root.get("Metadata").map(Node::to_json));
    Ok(xml)
}

/// `CloudFormation` gives `?` for every character that is not ASCII.
pub(super) fn get(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let name = required(params, "StackName", "stackName")?;
    let Some(found) = world.at(place).cloudformation.find(name) else {
        return Err(invalid(format!("Stack with id {name} does not exist")));
    };
    let config: Option<&Config> = match params.get("ChangeSetName") {
        None => found.config.as_ref(),
        Some(wanted) => {
            let known = found.change_sets.iter().find(|set| set.name == wanted || set.id == wanted);
            let missing =
                || ApiError::new("ChangeSetNotFound", format!("ChangeSet [{wanted}] does not exist")).with_status(404);
            Some(&known.ok_or_else(missing)?.config)
        }
    };
    let Some(config) = config else {
        return Err(invalid(format!("Stack [{name}] has no template yet")));
    };
    let mut xml = Xml::new();
    xml.text("TemplateBody", in_ascii(config.template.text()));
    texts(&mut xml, "StagesAvailable", ["Original", "Processed"]);
    Ok(xml)
}
