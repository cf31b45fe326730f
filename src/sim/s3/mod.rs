//! Amazon S3: buckets and their objects, as far as templates and small records need them.

mod api;
mod list;
mod policy;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use api::handle;

use crate::ids::AccountId;
use crate::sim::seed::Seed;
use crate::sim::wire::ApiError;
use crate::sim::world::{Place, World};

/// A bucket. Its name is its key: names are unique in all accounts and regions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The account that owns it and the region that it is in.
    pub place: Place,
    /// When it was made.
    pub created: Timestamp,
}

/// How an object is encrypted at rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// `AES256`, which every object has, or `aws:kms`.
    pub algorithm: String,
    /// The key of KMS, where one was named.
    pub kms_key: Option<String>,
}

/// An object. Only texts are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// What it holds.
    pub text: String,
    /// What its sender calls it: `text/yaml` and the like.
    pub content_type: Option<String>,
    /// How it is encrypted.
    pub encryption: Encryption,
    /// When it was put.
    pub modified: Timestamp,
}

impl Object {
    /// Its entity tag, with the quotes that belong to it. Whoever reads one must take it as it is.
    pub fn etag(&self) -> String {
        let mut first = [0; 16];
        first.copy_from_slice(&Sha256::digest(self.text.as_bytes())[..16]);
        format!("\"{:032x}\"", u128::from_be_bytes(first))
    }
}

/// The key of an object among those of all buckets. No bucket's name has a slash.
pub fn object_key(bucket: &str, key: &str) -> String {
    format!("{bucket}/{key}")
}

/// The same of a version that is known by its id, in a world that was seeded with what stands elsewhere.
fn version_key(bucket: &str, key: &str, version: &str) -> String {
    format!("{}?versionId={version}", object_key(bucket, key))
}

/// Puts the objects of a seed into a world.
pub(in crate::sim) fn seed(world: &mut World, seed: &Seed) {
    for object in &seed.objects {
        let region = object.region.clone().unwrap_or_else(|| seed.place.region.clone());
        let place = Place { region, ..seed.place.clone() };
        if !world.buckets.contains_key(&object.bucket) {
            world.buckets.insert(object.bucket.clone(), Bucket { place, created: world.now });
        }
        let key = match &object.version {
            Some(version) => version_key(&object.bucket, &object.key, version),
            None => object_key(&object.bucket, &object.key),
        };
        let encryption = Encryption { algorithm: "AES256".to_owned(), kms_key: None };
        let text = object.text.clone();
        world.objects.insert(key, Object { text, content_type: None, encryption, modified: world.now });
    }
}

/// Makes a bucket.
///
/// # Errors
///
/// The name is not one, or is taken, be it by another account.
pub(in crate::sim) fn create_bucket(world: &mut World, place: &Place, name: &str) -> Result<(), ApiError> {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    let is_outer = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_name = (3..=63).contains(&name.len())
        && name.chars().all(is_inner)
        && is_outer(name.chars().next())
        && is_outer(name.chars().next_back());
    if !is_name {
        return Err(ApiError::new("InvalidBucketName", "The specified bucket is not valid."));
    }
    if let Some(taken) = world.buckets.get(name) {
        let (code, message) = if taken.place.account == place.account {
            (
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            )
        } else {
            (
                "BucketAlreadyExists",
                "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                 system. Please select a different name and try again.",
            )
        };
        return Err(ApiError::new(code, message).with_status(409));
    }
    let bucket = Bucket { place: place.clone(), created: world.now };
    world.buckets.insert(name.to_owned(), bucket);
    Ok(())
}

/// Deletes a bucket.
///
/// # Errors
///
/// It has objects.
pub(in crate::sim) fn delete_bucket(world: &mut World, name: &str) -> Result<(), ApiError> {
    let start = object_key(name, "");
    if world.objects.keys().any(|key| key.starts_with(&start)) {
        return Err(ApiError::new("BucketNotEmpty", "The bucket you tried to delete is not empty.").with_status(409));
    }
    world.buckets.remove(name);
    Ok(())
}

/// An object that an account reads.
///
/// # Errors
///
/// S3's own: the bucket or the object does not exist, or is not for that account to read. No bucket has more than the
/// latest version of an object, which is called `null` there.
pub(in crate::sim) fn read<'a>(
    world: &'a World,
    account: &AccountId,
    bucket: &str,
    (key, version): (&str, Option<&str>),
) -> Result<&'a Object, ApiError> {
    let own = world.buckets.get(bucket).ok_or_else(no_such_bucket)?;
    if !policy::allows(world, account, (bucket, own), key, reading(version)) {
        return Err(access_denied());
    }
    let version = version.filter(|version| *version != "null");
    if let Some(version) = version.filter(|_| world.assumes()) {
        return world.objects.get(&version_key(bucket, key, version)).ok_or_else(no_such_key);
    }
    if version.is_some() {
        return Err(ApiError::new("NoSuchVersion", "The specified version does not exist.").with_status(404));
    }
    world.objects.get(&object_key(bucket, key)).ok_or_else(|| {
        // Who may not list a bucket is not told what is missing in it.
        let may_know = policy::allows(world, account, (bucket, own), "", "s3:ListBucket");
        if may_know { no_such_key() } else { access_denied() }
    })
}

/// The right that it takes to read an object, or a version of it.
fn reading(version: Option<&str>) -> &'static str {
    if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" }
}

fn no_such_bucket() -> ApiError {
    ApiError::new("NoSuchBucket", "The specified bucket does not exist").with_status(404)
}

fn no_such_key() -> ApiError {
    ApiError::new("NoSuchKey", "The specified key does not exist.").with_status(404)
}

fn access_denied() -> ApiError {
    ApiError::new("AccessDenied", "Access Denied").with_status(403)
}
