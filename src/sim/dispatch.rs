//! From a request to the service that handles it.

use super::wire::{ApiError, Reply, Request, Service};
use super::world::World;
use super::{cloudformation, ec2, s3, stored, sts};

/// Handles a request. The world stands at the present.
pub(super) fn handle(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    match request.service {
        Service::Sts => sts::handle(world, request).map(Reply::from),
        Service::Ec2 => ec2::handle(world, request).map(Reply::from),
        Service::CloudFormation => cloudformation::handle(world, request).map(Reply::from),
        Service::S3 => s3::handle(world, request),
        Service::Ssm => stored::parameter::handle(world, request),
        Service::SecretsManager => stored::secret::handle(world, request),
    }
}

/// An operation that a service does not have, or that is not embedded.
pub(crate) fn unknown_operation(request: &Request) -> ApiError {
    let message = format!("The embedded AWS does not have the operation {}:{}.", request.service, request.operation);
    ApiError::new("InvalidAction", message)
}
