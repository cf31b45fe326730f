//! Who may use a bucket.

use serde_json::Value as Json;

use super::Bucket;
use crate::ids::AccountId;
use crate::sim::pattern::matches;
use crate::sim::world::World;

/// Whether an account may do something with an object of a bucket, or with the bucket itself where the key is empty.
///
/// Its owner may do everything. Another account may do what the bucket's policy (`AWS::S3::BucketPolicy`) allows and does
/// not deny; in a world that assumes, everything. Conditions are taken for fulfilled where it allows, and for not fulfilled where it denies.
pub(super) fn allows(
    world: &World,
    account: &AccountId,
    (name, bucket): (&str, &Bucket),
    key: &str,
    action: &str,
) -> bool {
    // Whom a bucket elsewhere lets in is not known.
    if bucket.place.account == *account || world.assumes() {
        return true;
    }
    let partition = bucket.place.region.partition();
    let object = if key.is_empty() { String::new() } else { format!("/{key}") };
    let resource = format!("arn:{partition}:s3:::{name}{object}");
    let records = &world.at(&bucket.place).cloudformation.records;
    let of_bucket = |record: &&crate::sim::cloudformation::Record| {
        record.type_name == "AWS::S3::BucketPolicy"
            && record.properties.get("Bucket").and_then(Json::as_str) == Some(name)
    };
    let documents = records.values().filter(of_bucket).filter_map(|record| record.properties.get("PolicyDocument"));
    let statements: Vec<&Json> = documents.flat_map(|document| items(document.get("Statement"))).collect();
    let applies = |effect: &str| {
        statements.iter().any(|statement| {
            statement.get("Effect").and_then(Json::as_str) == Some(effect)
                && (effect == "Allow" || statement.get("Condition").is_none())
                && is_about(statement.get("Principal"), account)
                && texts(statement.get("Action")).any(|pattern| matches(pattern, action))
                && texts(statement.get("Resource")).any(|pattern| matches(pattern, &resource))
        })
    };
    applies("Allow") && !applies("Deny")
}

/// A list's items, or the one value that stands for a list.
fn items(value: Option<&Json>) -> &[Json] {
    match value {
        Some(Json::Array(items)) => items,
        Some(single) => std::slice::from_ref(single),
        None => &[],
    }
}

fn texts(value: Option<&Json>) -> impl Iterator<Item = &str> {
    items(value).iter().filter_map(Json::as_str)
}

/// Whether a statement's principals are everybody, an account or somebody in it.
fn is_about(principal: Option<&Json>, account: &AccountId) -> bool {
    let aws = match principal {
        Some(Json::Object(by_kind)) => by_kind.get("AWS"),
        other => other,
    };
    let mut names = texts(aws);
    names.any(|name| name == "*" || name == account.as_str() || name.contains(&format!(":{account}:")))
}
