//! What calls to S3 ask for. They are held against policies where the bucket has been found, since S3 tells of another
//! region before it tells of rights.

use super::{ask, denial, keys};
use crate::iam::{Asked, Verdict, decide};
use crate::sim::wire::{ApiError, Request, Service};
use crate::sim::world::World;

/// The ARN of a bucket, or of an object of it.
fn arn(request: &Request, bucket: &str, key: &str) -> String {
    let object = if key.is_empty() { String::new() } else { format!("/{key}") };
    format!("arn:{}:s3:::{bucket}{object}", request.place.region.partition())
}

/// What is asked for where there is no bucket yet, or all are meant.
pub(super) fn asked(request: &Request) -> Vec<Asked> {
    let bucket = request.params.get("Bucket").unwrap_or_default();
    match request.operation.as_str() {
        "CreateBucket" => vec![ask(Service::S3, "CreateBucket", arn(request, bucket, ""), keys(request))],
        "ListBuckets" => vec![ask(Service::S3, "ListAllMyBuckets", "*", keys(request))],
        _ => Vec::new(),
    }
}

/// Refuses what the policies of a request's sender do not allow with a bucket, or with an object of it.
///
/// # Errors
///
/// The denial, in S3's own words.
pub(in crate::sim) fn permits(
    world: &World,
    request: &Request,
    bucket: &str,
    key: &str,
    action: &str,
) -> Result<(), ApiError> {
    let Some(policies) = world.rules.identities.of(&request.caller) else { return Ok(()) };
    // A bucket is the resource of what is done with it as a whole.
    let key = if action == "s3:ListBucket" { "" } else { key };
    let mut own = keys(request);
    let kms = request.params.get("x-amz-server-side-encryption-aws-kms-key-id");
    if let Some(kms) = kms {
        own.add("s3:x-amz-server-side-encryption-aws-kms-key-id", kms);
    }
    let mut all = vec![Asked { action: action.to_owned(), resource: arn(request, bucket, key), keys: own }];
    if let Some(kms) = kms.filter(|_| action == "s3:PutObject") {
        all.push(with_key(request, kms, "kms:GenerateDataKey"));
    }
    let stored = world.objects.get(&super::super::s3::object_key(bucket, key));
    if let Some(kms) = stored.and_then(|object| object.encryption.kms_key.as_deref())
        && action.starts_with("s3:GetObject")
    {
        all.push(with_key(request, kms, "kms:Decrypt"));
    }
    for asked in all {
        let verdict = decide(policies, &asked);
        if verdict != Verdict::Allowed {
            return Err(denial::of(request, &asked, verdict));
        }
    }
    Ok(())
}

/// Whether the sender is told that an object is not there: only who may list the bucket is.
pub(in crate::sim) fn may_know(world: &World, request: &Request, bucket: &str) -> bool {
    let Some(policies) = world.rules.identities.of(&request.caller) else { return true };
    let asked = ask(Service::S3, "ListBucket", arn(request, bucket, ""), keys(request));
    decide(policies, &asked) == Verdict::Allowed
}

fn with_key(request: &Request, key: &str, action: &str) -> Asked {
    let own = || super::arn(Service::S3, &request.place, &format!("key/{key}")).replacen(":s3:", ":kms:", 1);
    let resource = if key.starts_with("arn:") { key.to_owned() } else { own() };
    Asked { action: action.to_owned(), resource, keys: keys(request) }
}
