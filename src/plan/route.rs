//! `[routes.*]`.

use std::sync::Arc;

use super::codes;
use super::fields::{Declared, Fields};
use super::text::Text;

/// The keys of a route.
pub(super) const KEYS: [&str; 11] = [
    "for_each",
    "account",
    "region",
    "route_tables",
    "destination",
    "via",
    "replace",
    "adopt",
    "depends_on",
    "waves",
    "allow",
];

/// A route as it is declared.
#[derive(Debug)]
pub(super) struct DeclaredRoute {
    pub(super) account: Option<Arc<Text>>,
    pub(super) route_tables: Vec<Declared>,
    pub(super) destination: Option<Declared>,
    pub(super) via: Option<Declared>,
    pub(super) replace: bool,
    pub(super) adopt: bool,
}

/// Reads a route.
pub(super) fn read(fields: &mut Fields<'_>) -> DeclaredRoute {
    for key in ["account", "route_tables", "destination", "via"] {
        fields.require(key);
    }
    let tables = fields.list("route_tables");
    if let (Some([]), Some(item)) = (tables, fields.item("route_tables")) {
        let help = "name at least one route table, or take the route away";
        fields.problems.error(codes::EMPTY, &item.span, "a route needs a route table", help);
    }
    DeclaredRoute {
        account: fields.text("account"),
        route_tables: tables.unwrap_or_default().iter().map(|item| fields.declare(item)).collect(),
        destination: fields.value("destination"),
        via: fields.value("via"),
        replace: fields.boolean("replace").unwrap_or(false),
        adopt: fields.boolean("adopt").unwrap_or(false),
    }
}
