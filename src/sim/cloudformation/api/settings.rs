//! `UpdateTerminationProtection`, `SetStackPolicy` and `GetStackPolicy`.

use super::super::config::invalid;
use super::super::{policy, with_stack};
use super::request::{required, stack};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

pub(super) fn termination_protection(world: &mut World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let enabled = required(params, "EnableTerminationProtection", "enableTerminationProtection")? == "true";
    let found = stack(world, place, params)?;
    if found.nested.is_some() {
        let message = "TerminationProtection cannot be set on a nested stack: it is set on its root stack.";
        return Err(invalid(message));
    }
    let id = found.id.clone();
    with_stack(world, place, &id, |_, stack| stack.termination_protection = enabled);
    let mut xml = Xml::new();
    xml.text("StackId", id);
    Ok(xml)
}

pub(super) fn set_policy(world: &mut World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let body = required(params, "StackPolicyBody", "stackPolicyBody")?.to_owned();
    let found = stack(world, place, params)?;
    let body = match &found.config {
        Some(config) => policy::read(&body, config)?,
        None => return Err(invalid("A stack policy cannot be set on a stack that has no template yet")),
    };
    let id = found.id.clone();
    with_stack(world, place, &id, |_, stack| stack.policy = Some(body));
    Ok(Xml::new())
}

pub(super) fn get_policy(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let mut xml = Xml::new();
    xml.maybe("StackPolicyBody", stack(world, place, params)?.policy.as_ref());
    Ok(xml)
}
