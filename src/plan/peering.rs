//! `[peerings.*]`.

use std::sync::Arc;

use indexmap::IndexMap;

use super::fields::{Declared, Fields, Key, Keyed};
use super::text::Text;

/// The keys of a peering.
pub(super) const KEYS: [&str; 9] =
    ["for_each", "region", "requester", "accepter", "tags", "adopt", "depends_on", "waves", "allow"];

/// The keys of one side.
pub(super) const SIDE_KEYS: [&str; 4] = ["account", "region", "vpc", "dns"];

/// A peering connection as it is declared.
#[derive(Debug)]
pub(super) struct DeclaredPeering {
    pub(super) requester: Option<DeclaredSide>,
    pub(super) accepter: Option<DeclaredSide>,
    pub(super) tags: IndexMap<Arc<str>, Keyed>,
    pub(super) adopt: bool,
}

/// One side as it is declared.
#[derive(Debug)]
pub(super) struct DeclaredSide {
    pub(super) account: Option<Arc<Text>>,
    pub(super) region: Key<Arc<Text>>,
    pub(super) vpc: Option<Declared>,
    pub(super) dns: Option<bool>,
}

/// Reads a peering.
pub(super) fn read(fields: &mut Fields<'_>) -> DeclaredPeering {
    fields.require("requester");
    fields.require("accepter");
    DeclaredPeering {
        requester: side(fields, "requester"),
        accepter: side(fields, "accepter"),
        tags: fields.tags("tags"),
        adopt: fields.boolean("adopt").unwrap_or(false),
    }
}

fn side(fields: &mut Fields<'_>, key: &str) -> Option<DeclaredSide> {
    let table = fields.table(key)?;
    let header = fields.table.get(key).map(|entry| entry.header(fields.sources))?;
    let mut side = Fields::new(table, &format!("the {key}"), &SIDE_KEYS, header, fields.sources, fields.problems);
    side.require("account");
    side.require("vpc");
    let declared = DeclaredSide {
        account: side.text("account"),
        region: side.optional_text("region"),
        vpc: side.value("vpc"),
        dns: side.boolean("dns"),
    };
    side.finish();
    Some(declared)
}
