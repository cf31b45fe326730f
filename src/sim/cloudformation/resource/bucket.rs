//! `AWS::S3::Bucket`.

use serde_json::{Map, Value as Json};

use super::live::Standing;
use super::property::{Property, Update};
use super::{Failure, Job, Live, Provider};
use crate::sim::cloudformation::stack::Resource;
use crate::sim::s3;
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, Register, World};

/// A bucket. Of its properties only the name means something here.
pub(super) struct Bucket;

impl Provider for Bucket {
    fn properties(&self) -> Option<&'static [Property]> {
        None
    }

    fn update_of(&self, property: &str) -> Update {
        if property == "BucketName" { Update::Replacement } else { Update::InPlace }
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let made = || format!("{}-{}-{}", job.stack, job.logical_id, &world.ids().key()[..12]).to_lowercase();
        let name = job.text("BucketName").unwrap_or_else(made);
        match s3::create_bucket(world, job.place, &name) {
            Ok(()) => Ok(name),
            Err(error) if error.status == 409 => Err(Failure::plain(format!("{name} already exists"))),
            Err(error) => Err(Failure::plain(error.message)),
        }
    }

    fn update(&self, world: &mut World, _: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        if world.buckets.contains_key(old.id()) {
            return Ok(old.id().to_owned());
        }
        Err(Failure::plain(format!("{} does not exist", old.id())))
    }

    fn delete(&self, world: &mut World, _: &Place, resource: &Resource) -> Result<(), ApiError> {
        s3::delete_bucket(world, resource.id())
    }

    fn attribute(&self, _: &World, place: &Place, resource: &Resource, name: &str) -> Option<Json> {
        let (id, region) = (resource.id(), &place.region);
        let value = match name {
            "Arn" => format!("arn:{}:s3:::{id}", region.partition()),
            "DomainName" => format!("{id}.s3.amazonaws.com"),
            "RegionalDomainName" => format!("{id}.s3.{region}.amazonaws.com"),
            "DualStackDomainName" => format!("{id}.s3.dualstack.{region}.amazonaws.com"),
            "WebsiteURL" => format!("http://{id}.s3-website-{region}.amazonaws.com"),
            _ => return None,
        };
        Some(value.into())
    }

    fn live(&self, world: &World, _: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        // Nobody but its stack can change what a bucket is.
        match world.buckets.get(resource.id()) {
            Some(_) => Live::Stands(Standing {
                properties: Map::clone(&resource.properties),
                tags: Some(resource.tags.clone()),
            }),
            None => Live::Gone,
        }
    }
}
