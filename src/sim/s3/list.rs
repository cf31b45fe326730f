//! What S3 lists: an account's buckets, and a bucket's objects.
//!
//! See <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>.

use super::{Object, object_key};
use crate::sim::wire::{ApiError, Reply, Request, Service, Xml};
use crate::sim::world::World;

/// The most that one page holds.
const LARGEST_PAGE: usize = 1000;

/// The buckets of the caller's account.
pub(super) fn buckets(world: &World, request: &Request) -> Reply {
    let account = &request.place.account;
    let own = world.buckets.iter().filter(|(_, bucket)| bucket.place.account == *account);
    document("ListAllMyBucketsResult", |xml| {
        xml.within("Owner", |xml| {
            xml.text("ID", account);
        });
        xml.list("Buckets", "Bucket", own, |xml, (name, bucket)| {
            xml.text("Name", name).time("CreationDate", bucket.created).text("BucketRegion", &bucket.place.region);
        });
    })
}

/// One of the things that a page has: an object, or what several keys begin with.
enum Item<'a> {
    Object(&'a str, &'a Object),
    Prefix(String),
}

impl Item<'_> {
    fn key(&self) -> &str {
        match self {
            Self::Object(key, _) => key,
            Self::Prefix(prefix) => prefix,
        }
    }
}

/// A page of a bucket's objects. That the caller may see them is settled.
///
/// # Errors
/// A size of the page that is no number.
pub(super) fn objects(world: &World, request: &Request, bucket: &str) -> Result<Reply, ApiError> {
    let text = |name: &str| request.params.get(name).unwrap_or_default();
    let (prefix, delimiter) = (text("prefix"), text("delimiter"));
    let asked =
        request.params.get("max-keys").map(str::parse::<usize>).transpose().map_err(|_| {
            ApiError::new("InvalidArgument", "Provided max-keys not an integer or within integer range")
        })?;
    let size = asked.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
    // A page goes on behind the last thing of the one before, which is what its token says.
    let token = request.params.get("continuation-token");
    let after = token.unwrap_or_else(|| text("start-after"));
    let start = object_key(bucket, "");
    let keys = world.objects.range(object_key(bucket, prefix)..).map_while(|(at, object)| {
        let key = at.strip_prefix(&start)?;
        key.starts_with(prefix).then_some((key, object))
    });
    let mut page: Vec<Item<'_>> = Vec::new();
    let mut more = false;
    for (key, object) in keys {
        let common = (!delimiter.is_empty()).then(|| key[prefix.len()..].split_once(delimiter)).flatten();
        let item = match common {
            Some((name, _)) => Item::Prefix(format!("{prefix}{name}{delimiter}")),
            None => Item::Object(key, object),
        };
        if item.key() <= after || page.last().is_some_and(|last| last.key() == item.key()) {
            continue;
        }
        if page.len() == size {
            // Of a page that is to hold nothing, there is no next one either.
            more = size > 0;
            break;
        }
        page.push(item);
    }
    Ok(document("ListBucketResult", |xml| {
        xml.text("Name", bucket).text("Prefix", prefix).text("MaxKeys", size).text("KeyCount", page.len());
        xml.maybe("Delimiter", Some(delimiter).filter(|text| !text.is_empty())).text("IsTruncated", more);
        xml.maybe("ContinuationToken", token);
        xml.maybe("NextContinuationToken", page.last().filter(|_| more).map(Item::key));
        for item in &page {
            match item {
                Item::Object(key, object) => xml.within("Contents", |xml| {
                    xml.text("Key", key).time("LastModified", object.modified).text("ETag", object.etag());
                    xml.text("Size", object.text.len()).text("StorageClass", "STANDARD");
                }),
                Item::Prefix(prefix) => xml.within("CommonPrefixes", |xml| {
                    xml.text("Prefix", prefix);
                }),
            };
        }
    }))
}

/// Where a bucket is; the oldest region has no name here.
pub(super) fn location(region: &str) -> Reply {
    document("LocationConstraint", |xml| {
        xml.raw(if region == "us-east-1" { "" } else { region });
    })
}

fn document(root: &str, write: impl FnOnce(&mut Xml)) -> Reply {
    let mut xml = Xml::new();
    xml.raw(&format!(r#"<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{}">"#, Service::S3.namespace()));
    write(&mut xml);
    xml.raw(&format!("</{root}>"));
    xml.into()
}
