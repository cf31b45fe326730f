//! `inventory` and `lock`: a bucket for what all share who run the plan.

use super::account::known;
use super::document::{Data, Item};
use super::fields::Fields;
use super::node::SharedBucket;
use super::problems::Problems;
use super::scope::{Horizon, Scope};
use super::template_bucket::DeclaredBucket;
use super::world::World;
use crate::diag::Sources;

/// The keys of such a bucket.
pub(super) const KEYS: [&str; 5] = ["account", "name", "prefix", "kms_key", "owner"];

/// Reads the bucket that a key of the plan declares; `None` was reported. The account is written out, since nothing else of a plan
/// says which of its accounts is everybody's.
pub(super) fn read(
    (key, what): (&str, &str),
    item: &Item,
    world: &World,
    sources: &Sources,
    problems: &mut Problems,
) -> Option<SharedBucket> {
    let Data::Table(table) = &item.data else {
        problems.wrong_type(item, "a table", &format!("write {key} = {{ account = \"NAME\", name = \"BUCKET\" }}"));
        return None;
    };
    let mut fields = Fields::new(table, what, &KEYS, item.span.clone(), sources, problems);
    fields.require("account");
    let account = fields.text("account");
    let declared = DeclaredBucket::read(&mut fields, &item.span);
    fields.finish();
    let scope = Scope { horizon: Horizon::Place, ..Scope::plan(world) };
    let bucket = declared.bind(scope, world, problems);
    let account = account?;
    let name = scope.constant_text(&account, problems)?;
    let account = known(&name, &account.span, world, problems)?;
    Some(SharedBucket { account, bucket: bucket? })
}
