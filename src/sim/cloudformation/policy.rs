//! Stack policies, as the service takes them and holds updates against them.

use super::config::{Config, invalid};
use super::stack::Resource;
use crate::cfn::{Deed, Denial, StackPolicy};
use crate::sim::wire::ApiError;

/// A policy's text, if it is a policy for such a stack.
///
/// # Errors
///
/// `ValidationError`: it is no policy, or names a resource that the stack's template does not have.
pub(super) fn read(text: &str, config: &Config) -> Result<String, ApiError> {
    let policy = StackPolicy::read(text)
        .map_err(|error| invalid(format!("Error validating stack policy: Invalid stack policy: {error}")))?;
    let resources = &config.template.document().resources;
    let unknown = policy.named().find(|(_, id)| !resources.contains_key(*id));
    match unknown {
        None => Ok(text.to_owned()),
        Some((resource, _)) => Err(invalid(format!(
            "Error validating stack policy: Unknown logical id '{resource}' in statement {{}} - stack policies can only be applied to logical ids referenced in the template"
        ))),
    }
}

/// Why a policy does not let an update do something to a resource, if it does not.
pub(super) fn refusal(policy: &str, deed: Deed, resource: &Resource) -> Option<String> {
    let (id, action) = (&resource.logical_id, deed.as_str());
    let denial = StackPolicy::read(policy).ok()?.check(deed, id, &resource.type_name).err()?;
    Some(match denial {
        Denial::Denied(number) => format!(
            "Action denied by stack policy: Statement [#{number}] does not allow [{action}] for resource [LogicalResourceId/{id}]"
        ),
        Denial::NotAllowed => format!(
            "Action not allowed by stack policy: no statement allows [{action}] for resource [LogicalResourceId/{id}]"
        ),
    })
}
