//! The way to a bucket that all share who run a plan.

use indexmap::IndexMap;

use crate::aws::{AccountSpec, Bucket, Environment, Regional, Sessions};
use crate::event::Failure;
use crate::ids::AccountName;
use crate::plan::{Plan, SharedBucket};
use crate::run::every_account;

/// A session of its own for the account that reads and writes the bucket: by what is in it, sessions for others are opened.
///
/// # Errors
/// There is none to be had.
pub(super) async fn way(plan: &Plan, shared: &SharedBucket, environment: &Environment) -> Result<Regional, Failure> {
    let account = &shared.account;
    let mut all = every_account(plan);
    let mut specs: IndexMap<AccountName, AccountSpec> = IndexMap::new();
    // With those that it is reached by way of.
    let mut next = Some(account.clone());
    while let Some((name, spec)) = next.take().and_then(|name| all.shift_remove_entry(&name)) {
        next = plan.accounts.get(&name).and_then(|account| account.through.clone());
        specs.insert(name, spec);
    }
    match Sessions::open(&specs, environment).await {
        Ok(sessions) => sessions
            .region(account, &plan.region)
            .ok_or_else(|| Failure::new(format!("there is no session in account {account}"), "")),
        Err(errors) => Err(errors.first().map_or_else(Failure::default, |error| Failure {
            help: error.help(),
            ..Failure::new(error.to_string(), "")
        })),
    }
}

/// The bucket, as calls name it.
pub(super) fn bucket_of(shared: &SharedBucket) -> Bucket {
    let bucket = &shared.bucket;
    Bucket {
        name: bucket.name.to_string(),
        owner: bucket.owner.clone(),
        kms_key: bucket.kms_key.as_deref().map(str::to_owned),
    }
}
