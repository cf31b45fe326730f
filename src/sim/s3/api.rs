//! The operations of S3.
//!
//! See <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>.

use super::{
    Bucket, Encryption, Object, access_denied, create_bucket, delete_bucket, list, no_such_bucket, object_key, policy,
};
use crate::sim::dispatch::unknown_operation;
use crate::sim::iam::{may_know, permits_object};
use crate::sim::wire::{ApiError, Reply, Request};
use crate::sim::world::{Place, World};

/// Handles a request to S3.
pub(crate) fn handle(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    match request.operation.as_str() {
        "CreateBucket" => create(world, request),
        "HeadBucket" => {
            let found = bucket(world, request, "s3:ListBucket")?;
            Ok(Reply::default().with("x-amz-bucket-region", found.place.region.to_string()))
        }
        "DeleteBucket" => {
            bucket(world, request, "s3:DeleteBucket")?;
            delete_bucket(world, name(request))?;
            Ok(Reply::default().with_status(204))
        }
        "ListBuckets" => Ok(list::buckets(world, request)),
        "ListObjectsV2" => {
            bucket(world, request, "s3:ListBucket")?;
            list::objects(world, request, name(request))
        }
        "GetBucketLocation" => {
            let found = bucket(world, request, "s3:GetBucketLocation")?;
            Ok(list::location(found.place.region.as_str()))
        }
        "PutObject" => put(world, request),
        "GetObject" => get(world, request).map(|object| head(object).with_body(object.text.clone())),
        // There is no body whose length would say it.
        "HeadObject" => {
            get(world, request).map(|object| head(object).with("content-length", object.text.len().to_string()))
        }
        "DeleteObject" => {
            bucket(world, request, "s3:DeleteObject")?;
            world.objects.remove(&object_key(name(request), key(request)));
            Ok(Reply::default().with_status(204))
        }
        _ => Err(unknown_operation(request)),
    }
}

/// The bucket that a request names.
fn name(request: &Request) -> &str {
    request.params.get("Bucket").unwrap_or_default()
}

/// The object's key that a request names; empty where it names a bucket alone.
fn key(request: &Request) -> &str {
    request.params.get("Key").unwrap_or_default()
}

/// The bucket that a request is about, if the sender may do this with it, has asked the bucket's own region, and has
/// not said that it belongs to somebody else.
fn bucket<'a>(world: &'a World, request: &Request, action: &str) -> Result<&'a Bucket, ApiError> {
    let name = name(request);
    let bucket = world.buckets.get(name).ok_or_else(no_such_bucket)?;
    let region = ("x-amz-bucket-region", bucket.place.region.to_string());
    if bucket.place.region != request.place.region {
        let message = "The bucket you are attempting to access must be addressed using the specified endpoint. Please \
                       send all future requests to this endpoint.";
        return Err(ApiError::new("PermanentRedirect", message).with_status(301).with_header(region.0, region.1));
    }
    let expected = request.params.get("x-amz-expected-bucket-owner");
    let is_expected = expected.is_none_or(|owner| owner == bucket.place.account.as_str());
    if is_expected && policy::allows(world, &request.place.account, (name, bucket), key(request), action) {
        let permitted = permits_object(world, request, name, key(request), action);
        return permitted.map(|()| bucket).map_err(|denial| denial.with_header(region.0, region.1));
    }
    Err(access_denied().with_header(region.0, region.1))
}

fn create(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let region = request.place.region.as_str();
    let body = request.params.get("Body").unwrap_or_default();
    let asked = body.split_once("<LocationConstraint>").and_then(|(_, rest)| rest.split_once('<')).map(|found| found.0);
    // The oldest region has no name here.
    if asked != Some(region).filter(|region| *region != "us-east-1") {
        let asked = asked.unwrap_or("unspecified");
        let message = format!(
            "The {asked} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        return Err(ApiError::new("IllegalLocationConstraintException", message));
    }
    create_bucket(world, &request.place, name(request))?;
    Ok(Reply::default().with("location", format!("/{}", name(request))))
}

/// What a request's conditions say of the object that is there.
fn check_conditions(request: &Request, found: Option<&Object>) -> Result<(), ApiError> {
    let failed = || {
        ApiError::new("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
            .with_status(412)
    };
    if request.params.get("if-none-match") == Some("*") && found.is_some() {
        return Err(failed());
    }
    match (request.params.get("if-match"), found) {
        (Some(_), None) => Err(super::no_such_key()),
        (Some(etag), Some(object)) if etag.trim_matches('"') != object.etag().trim_matches('"') => Err(failed()),
        _ => Ok(()),
    }
}

fn put(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let owner = request.params.get("x-amz-expected-bucket-owner").and_then(|owner| owner.parse().ok());
    let place = Place { account: owner.unwrap_or(request.place.account.clone()), ..request.place.clone() };
    world.assume_bucket(&place, name(request));
    bucket(world, request, "s3:PutObject")?;
    let at = object_key(name(request), key(request));
    check_conditions(request, world.objects.get(&at))?;
    let params = &request.params;
    let object = Object {
        text: params.get("Body").unwrap_or_default().to_owned(),
        content_type: params.get("content-type").map(str::to_owned),
        encryption: Encryption {
            algorithm: params.get("x-amz-server-side-encryption").unwrap_or("AES256").to_owned(),
            kms_key: params.get("x-amz-server-side-encryption-aws-kms-key-id").map(str::to_owned),
        },
        modified: world.now,
    };
    let reply = encrypted(Reply::default().with("etag", object.etag()), &object);
    world.objects.insert(at, object);
    Ok(reply)
}

fn get<'a>(world: &'a World, request: &Request) -> Result<&'a Object, ApiError> {
    let version = request.params.get("versionId");
    bucket(world, request, super::reading(version))?;
    let object = super::read(world, &request.place.account, name(request), (key(request), version));
    let object = object.map_err(|error| match &*error.code {
        "NoSuchKey" if !may_know(world, request, name(request)) => access_denied(),
        _ => error,
    })?;
    check_conditions(request, Some(object))?;
    Ok(object)
}

/// What is told of an object besides its text.
fn head(object: &Object) -> Reply {
    let modified = object.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let kind = object.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned());
    let reply = Reply::default().with("etag", object.etag()).with("last-modified", modified).with("content-type", kind);
    encrypted(reply, object)
}

fn encrypted(reply: Reply, object: &Object) -> Reply {
    let reply = reply.with("x-amz-server-side-encryption", object.encryption.algorithm.clone());
    match &object.encryption.kms_key {
        Some(key) => reply.with("x-amz-server-side-encryption-aws-kms-key-id", key.clone()),
        None => reply,
    }
}
