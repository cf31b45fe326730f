//! `inventory`: the bucket that the inventory is kept in, where that is not a file.

use super::account::known;
use super::document::{Data, Item};
use super::fields::Fields;
use super::node::InventoryBucket;
use super::problems::Problems;
use super::scope::{Horizon, Scope};
use super::template_bucket::DeclaredBucket;
use super::world::World;
use crate::diag::Sources;

/// The keys of an inventory.
pub(super) const KEYS: [&str; 5] = ["account", "name", "prefix", "kms_key", "owner"];

/// Reads where the inventory is kept; `None` was reported. The account is written out, since nothing else of a plan says
/// which of its accounts is everybody's.
pub(super) fn read(item: &Item, world: &World, sources: &Sources, problems: &mut Problems) -> Option<InventoryBucket> {
    let Data::Table(table) = &item.data else {
        problems.wrong_type(item, "a table", "write inventory = { account = \"NAME\", name = \"BUCKET\" }");
        return None;
    };
    let mut fields = Fields::new(table, "an inventory", &KEYS, item.span.clone(), sources, problems);
    fields.require("account");
    let account = fields.text("account");
    let declared = DeclaredBucket::read(&mut fields, &item.span);
    fields.finish();
    let scope = Scope { horizon: Horizon::Place, ..Scope::plan(world) };
    let bucket = declared.bind(scope, world, problems);
    let account = account?;
    let name = scope.constant_text(&account, problems)?;
    let account = known(&name, &account.span, world, problems)?;
    Some(InventoryBucket { account, bucket: bucket? })
}
