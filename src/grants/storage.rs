//! Objects of S3: large templates, those at URLs, the inventory, and the lock.

use std::collections::BTreeSet;

use super::facts::Here;
use super::{Wanted, allow};
use crate::cfn::S3Url;
use crate::iam::Statement;
use crate::plan::{Origin, TemplateBucket};

pub(super) fn statements(into: &mut Vec<Statement>, here: &Here<'_>, wanted: &Wanted) {
    let partition = here.facts.partition();
    let object = |bucket: &str, key: &str| format!("arn:{partition}:s3:::{bucket}/{key}");
    let managed = here.stacks.iter().filter(|stack| stack.spec.manage);
    let works_out = wanted.purposes.iter().any(|purpose| purpose.works_out());
    let compares = wanted.purposes.iter().any(|purpose| purpose.compares());
    let (mut keys, mut put, mut read, mut versions) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for stack in managed {
        if let Some(bucket) = stack.spec.bucket.as_ref().filter(|_| works_out) {
            put.insert(object(&bucket.name, &format!("{}*", bucket.prefix)));
            keys.extend(key(here, bucket));
        }
        if let Some(Origin::Url(template)) = &stack.spec.template
            && let Some(S3Url { bucket, key, version, .. }) = S3Url::parse(&template.url)
            && compares
        {
            let into = if version.is_some() { &mut versions } else { &mut read };
            into.insert(object(&bucket, &key));
        }
    }
    allow(into, "PutTemplates", &["s3:GetObject", "s3:PutObject"], put.into_iter().collect(), Vec::new());
    allow(into, "ReadTemplates", &["s3:GetObject"], read.into_iter().collect(), Vec::new());
    allow(into, "ReadTemplateVersions", &["s3:GetObjectVersion"], versions.into_iter().collect(), Vec::new());
    let plan = here.facts.plan;
    if let Some(kept) = plan.inventory.as_ref().filter(|kept| kept.account == *here.name) {
        let bucket = &kept.bucket;
        let inventory = object(&bucket.name, &format!("{}inventory/{}.json", bucket.prefix, plan.name));
        let writes = wanted.purposes.iter().any(|purpose| purpose.makes() || purpose.deletes_left());
        let actions: &[&str] = if writes { &["s3:GetObject", "s3:PutObject"] } else { &["s3:GetObject"] };
        // A damaged one is set aside.
        let aside = format!("{inventory}.damaged-*");
        allow(into, "KeepInventory", actions, vec![inventory], Vec::new());
        let writes: &[&str] = if writes { &["s3:PutObject"] } else { &[] };
        allow(into, "SetInventoryAside", writes, vec![aside], Vec::new());
        // Who may not list a bucket is not told that an object is not there yet.
        let listed = vec![format!("arn:{partition}:s3:::{}", bucket.name)];
        allow(into, "FindInventory", &["s3:ListBucket"], listed, Vec::new());
        keys.extend(key(here, bucket));
    }
    let locks = wanted.purposes.iter().any(|purpose| purpose.takes_lock());
    if let Some(lock) = plan.lock.as_ref().filter(|lock| lock.account == *here.name && locks) {
        let bucket = &lock.bucket;
        let held = object(&bucket.name, &format!("{}locks/{}.json", bucket.prefix, plan.name));
        allow(into, "HoldLock", &["s3:GetObject", "s3:PutObject"], vec![held], Vec::new());
        let listed = vec![format!("arn:{partition}:s3:::{}", bucket.name)];
        allow(into, "FindLock", &["s3:ListBucket"], listed, Vec::new());
        keys.extend(key(here, bucket));
    }
    allow(into, "UseKeys", &["kms:Decrypt", "kms:GenerateDataKey"], keys.into_iter().collect(), Vec::new());
}

/// The ARN of a bucket's key of KMS. The alias of one stands for any: policies of keys go by their ids.
fn key(here: &Here<'_>, bucket: &TemplateBucket) -> Option<String> {
    let key = bucket.kms_key.as_deref()?;
    if key.starts_with("arn:") && !key.contains(":alias/") {
        return Some(key.to_owned());
    }
    let account = bucket.owner.as_ref().unwrap_or(here.id);
    let id = if key.contains("alias/") { "*" } else { key };
    Some(format!("arn:{}:kms:*:{account}:key/{id}", here.facts.partition()))
}
