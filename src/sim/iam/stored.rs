//! What calls to Systems Manager and Secrets Manager ask for.

use super::{arn, ask, keys};
use crate::iam::Asked;
use crate::sim::stored::{parameter, secret};
use crate::sim::wire::{Request, Service};
use crate::sim::world::World;

/// An action by the call's own name, on each of what it names.
pub(super) fn asked(world: &World, request: &Request) -> Vec<Asked> {
    let (params, place) = (&request.params, &request.place);
    let action = |resource: String| ask(request.service, &request.operation, resource, keys(request));
    if request.service == Service::Ssm {
        let names: Vec<&str> = params.get("Name").into_iter().chain(params.list("Names")).collect();
        return names
            .into_iter()
            .map(|name| action(parameter::arn(place, parameter::without_version(name).0)))
            .collect();
    }
    let id = params.get("SecretId").or_else(|| params.get("Name")).unwrap_or("*");
    // IAM compares with the whole ARN, whatever a secret is called by; of one that there is not, nobody knows its end.
    let resource = secret::arn_of(world, place, id).unwrap_or_else(|| {
        if id.starts_with("arn:") {
            id.to_owned()
        } else {
            arn(Service::SecretsManager, place, &format!("secret:{id}-??????"))
        }
    });
    vec![action(resource)]
}
