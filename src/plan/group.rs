//! What one table below `[stacks]`, `[peerings]` or `[routes]` declares, parsed once for all of its instances.

use std::sync::Arc;

use super::codes;
use super::document::{Data, Entry, Item, Table, merge};
use super::fields::{Declared, Fields, Key};
use super::for_each::{self, ForEach};
use super::peering::DeclaredPeering;
use super::problems::Problems;
use super::route::DeclaredRoute;
use super::stack::DeclaredStack;
use super::waves::DeclaredWaves;
use super::{Allowance, allow, peering, route, stack, waves};
use crate::diag::{Sources, Span};
use crate::ids::Kind;

/// One group, or a node by itself.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) kind: Kind,
    pub(super) name: Arc<str>,
    /// Whether nothing was reported of its table: if not, what it lacks may be what could not be read.
    pub(super) whole: bool,
    /// The header of its table.
    pub(super) span: Span,
    pub(super) for_each: Key<ForEach>,
    /// A text or a list of texts.
    pub(super) region: Key<Declared>,
    pub(super) depends_on: Vec<(Arc<str>, Span)>,
    pub(super) waves: Option<DeclaredWaves>,
    pub(super) allow: Arc<[Allowance]>,
    pub(super) body: Body,
}

/// What is particular to a kind.
#[derive(Debug)]
pub(super) enum Body {
    Stack(DeclaredStack),
    Peering(DeclaredPeering),
    Route(DeclaredRoute),
}

/// The keys of a kind's tables.
pub(super) fn keys(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Stack => &stack::KEYS,
        Kind::Peering => &peering::KEYS,
        Kind::Route => &route::KEYS,
    }
}

impl Group {
    /// The variables of the environment that its parameters name.
    pub(super) fn environment(&self) -> impl Iterator<Item = Arc<str>> {
        let parameters = match &self.body {
            Body::Stack(stack) => Some(stack.parameters.values()),
            Body::Peering(_) | Body::Route(_) => None,
        };
        parameters.into_iter().flatten().filter_map(|keyed| match &keyed.value {
            Declared::Supplied { supply, .. } => supply.environment().cloned(),
            _ => None,
        })
    }
}

/// What `[defaults]` says of a kind.
pub(super) struct Defaults<'a> {
    pub(super) table: Option<&'a Table>,
    /// Whether all of it could be read.
    pub(super) whole: bool,
}

/// Reads every group of a kind, each laid upon the kind's defaults.
pub(super) fn read(
    kind: Kind,
    tables: &Table,
    defaults: &Defaults<'_>,
    sources: &Sources,
    problems: &mut Problems,
) -> Vec<Group> {
    tables.iter().filter_map(|(name, entry)| group(kind, name, entry, defaults, sources, problems)).collect()
}

fn group(
    kind: Kind,
    name: &Arc<str>,
    entry: &Entry,
    defaults: &Defaults<'_>,
    sources: &Sources,
    problems: &mut Problems,
) -> Option<Group> {
    if !is_name(name) {
        problems.error(codes::INVALID_NAME, &entry.key, format!("`{name}` is not a name for a {kind}"), NAME_HELP);
    }
    let Some(own) = entry.item.table() else {
        problems.wrong_type(&entry.item, "a table", &format!("write [{}.{name}]", kind.table()));
        return None;
    };
    let mut table = defaults.table.cloned().unwrap_or_default();
    merge(&mut table, own.clone());
    let reported = problems.len();
    let span = entry.header(sources);
    let mut fields = Fields::new(&table, &format!("a {kind}"), keys(kind), span.clone(), sources, problems);
    let for_each = fields.optional("for_each", for_each::read);
    let region = fields.optional("region", region);
    let depends_on = fields.names("depends_on");
    let waves = waves::read(&mut fields);
    let allow = allow::read(&mut fields);
    let body = match kind {
        Kind::Stack => Body::Stack(stack::read(&mut fields, own)),
        Kind::Peering => Body::Peering(peering::read(&mut fields)),
        Kind::Route => Body::Route(route::read(&mut fields)),
    };
    if defaults.whole {
        fields.finish();
    }
    let whole = defaults.whole && problems.len() == reported;
    Some(Group { kind, name: name.clone(), whole, span, for_each, region, depends_on, waves, allow, body })
}

fn region(item: &Item, fields: &mut Fields<'_>) -> Option<Declared> {
    if let Data::Text(_) | Data::List(_) = item.data {
        return Some(fields.declare(item)).filter(|region| !matches!(region, Declared::Broken { .. }));
    }
    let help = "write region = \"us-east-1\", or region = [\"us-east-1\", \"us-west-2\"]";
    fields.problems.wrong_type(item, "a region or a list of regions", help);
    None
}

/// Whether a text can be a group's name or a part of an instance's key.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 128 && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// What a name is made of, for help texts.
pub(super) const NAME_HELP: &str = "use letters, digits, and any of _ . -";
