//! What a group is made for.

use std::sync::Arc;

use serde_json::Value as Json;

use super::codes;
use super::document::{Data, Item};
use super::fields::Fields;
use super::group::{NAME_HELP, is_name};
use super::miss::Miss;
use super::problems::Problems;
use super::scope::{Found, Horizon, Scope};
use super::text::Text;
use super::world::{Each, World};
use crate::diag::Span;
use crate::ids::Kind;

/// A `for_each` as it is written.
#[derive(Debug)]
pub(super) struct ForEach {
    pub(super) span: Span,
    pub(super) source: Source,
}

/// What it goes over.
#[derive(Debug)]
pub(super) enum Source {
    /// `vars.NAME`, or something inside.
    Vars(Vec<Arc<str>>),
    /// Another group: `stacks.NAME`.
    Group(Kind, Arc<str>),
    /// A list or a table of its own.
    Literal(Literal),
}

/// A list or a table that is written in place. Its texts may hold expressions over what is known from the start.
#[derive(Debug)]
pub(super) enum Literal {
    Known(Json),
    Text(Text),
    List(Vec<Literal>),
    Table(Vec<(String, Literal)>),
}

impl Literal {
    fn read(item: &Item, fields: &mut Fields<'_>) -> Option<Self> {
        Some(match &item.data {
            Data::Text(text) => Self::Text(Text::parse(text, &item.span, fields.sources, fields.problems)?),
            Data::List(items) => {
                let items: Vec<_> = items.iter().map(|item| Self::read(item, fields)).collect();
                Self::List(items.into_iter().collect::<Option<_>>()?)
            }
            Data::Table(table) => {
                let pairs: Vec<_> = table
                    .iter()
                    .map(|(key, entry)| Some((key.to_string(), Self::read(&entry.item, fields)?)))
                    .collect();
                Self::Table(pairs.into_iter().collect::<Option<_>>()?)
            }
            _ => Self::Known(item.json()),
        })
    }

    /// Its value, all of it looked at even when a part is wrong.
    fn value(&self, scope: Scope<'_>, problems: &mut Problems) -> Option<Json> {
        match self {
            Self::Known(value) => Some(value.clone()),
            Self::Text(text) => scope.constant(text, problems),
            Self::List(items) => {
                let values: Vec<_> = items.iter().map(|item| item.value(scope, problems)).collect();
                values.into_iter().collect()
            }
            Self::Table(pairs) => {
                let values: Vec<_> =
                    pairs.iter().map(|(key, item)| Some((key.clone(), item.value(scope, problems)?))).collect();
                values.into_iter().collect()
            }
        }
    }
}

/// Reads a `for_each`. What is wrong with it is reported.
pub(super) fn read(item: &Item, fields: &mut Fields<'_>) -> Option<ForEach> {
    let source = match &item.data {
        Data::List(_) | Data::Table(_) => Source::Literal(Literal::read(item, fields)?),
        Data::Text(text) if text.contains("{{") => {
            let inner = text.replace("{{", "").replace("}}", "");
            let help = format!("write for_each = \"{}\"", inner.trim());
            fields.problems.error(codes::FOR_EACH, &item.span, "for_each is a path, without braces", help);
            return None;
        }
        Data::Text(text) => {
            let parts = parts(text);
            match (parts.as_deref(), text.split_once('.').map(|(root, rest)| (Kind::from_table(root), rest))) {
                (Some([root, _, ..]), Some((None, _))) if &**root == "vars" => Source::Vars(parts.unwrap_or_default()),
                // A group's own name may hold dots, so it is all that follows.
                (_, Some((Some(kind), name))) if !name.is_empty() => Source::Group(kind, name.into()),
                _ => {
                    let message = format!("for_each cannot go over `{text}`");
                    fields.problems.error(codes::FOR_EACH, &item.span, message, HELP);
                    return None;
                }
            }
        }
        _ => {
            fields.problems.wrong_type(item, "a path, a list or a table", HELP);
            return None;
        }
    };
    Some(ForEach { span: item.span.clone(), source })
}

/// The parts of a path, of which odd ones stand in brackets: `vars.[my list]`.
pub(super) fn parts(text: &str) -> Option<Vec<Arc<str>>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = match rest.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']')?,
            None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
        };
        parts.push(part.into());
        match after.strip_prefix('.') {
            Some(more) => rest = more,
            None => return after.is_empty().then_some(parts),
        }
    }
}

const HELP: &str = "write for_each = \"vars.NAME\", or a group such as \"stacks.NAME\", or a list or a table";

impl ForEach {
    /// The items in their order, each with the key it gives to its instance. `None` was reported.
    pub(super) fn items(&self, world: &World, problems: &mut Problems) -> Option<Vec<(Arc<str>, Each)>> {
        let items = match &self.source {
            Source::Literal(literal) => {
                let scope = Scope { horizon: Horizon::Place, ..Scope::plan(world) };
                self.values(&literal.value(scope, problems)?, problems)?
            }
            Source::Vars(path) => match Scope::plan(world).find(path) {
                Ok(Found::Known(value)) => self.values(&value, problems)?,
                Ok(Found::Later(..)) => return None,
                Err(miss) => return self.missed(miss, problems),
            },
            Source::Group(kind, name) => self.instances(world, *kind, name, problems)?,
        };
        if items.is_empty() {
            let help = "give it at least one item, or take the table away";
            problems.error(codes::EMPTY, &self.span, "for_each goes over nothing", help);
            return None;
        }
        Some(items)
    }

    fn missed(&self, miss: Miss<'_>, problems: &mut Problems) -> Option<Vec<(Arc<str>, Each)>> {
        miss.report(&self.span, problems);
        None
    }

    fn instances(
        &self,
        world: &World,
        kind: Kind,
        name: &str,
        problems: &mut Problems,
    ) -> Option<Vec<(Arc<str>, Each)>> {
        let scope = Scope { horizon: Horizon::Values, ..Scope::plan(world) };
        let group = match scope.group(kind, name) {
            Ok(group) => group,
            Err(miss) => return self.missed(miss, problems),
        };
        if !group.keyed {
            let message = format!("`{}.{name}` is one {kind}, not a group", kind.table());
            let help = format!("leave for_each away and write {}.{name} where {kind} is meant", kind.table());
            problems.error(codes::FOR_EACH, &self.span, message, help);
            return None;
        }
        let keyed = group.members.iter().filter_map(|index| {
            let key = world.instances[*index].id.key.clone()?;
            Some((key, Each::Instance(*index)))
        });
        Some(keyed.collect())
    }

    /// The items of a list, which are their own keys, or of a table.
    fn values(&self, value: &Json, problems: &mut Problems) -> Option<Vec<(Arc<str>, Each)>> {
        let pairs: Vec<(Arc<str>, Json)> = match value {
            Json::Object(table) => table.iter().map(|(key, value)| (key.as_str().into(), value.clone())).collect(),
            Json::Array(list) => list.iter().map(|item| self.keyed(item, problems)).collect::<Option<_>>()?,
            _ => {
                problems.error(
                    codes::FOR_EACH,
                    &self.span,
                    "for_each goes over a list or a table, and this is neither",
                    HELP,
                );
                return None;
            }
        };
        if let Some((key, _)) = pairs.iter().find(|(key, _)| !is_name(key)) {
            let message = format!("`{key}` cannot be the key of an instance");
            let help =
                format!("{NAME_HELP}; to go over other values, give each a key: for_each = {{ KEY = \"{key}\" }}");
            problems.error(codes::INVALID_NAME, &self.span, message, help);
            return None;
        }
        Some(pairs.into_iter().map(|(key, value)| (key.clone(), Each::Item { key, value: Arc::new(value) })).collect())
    }

    fn keyed(&self, item: &Json, problems: &mut Problems) -> Option<(Arc<str>, Json)> {
        let key = match item {
            Json::String(text) => text.clone(),
            Json::Number(number) => number.to_string(),
            _ => {
                let message = "the items of a list are the keys of the instances, so they must be texts";
                problems.error(codes::FOR_EACH, &self.span, message, "give each item a key: for_each = { KEY = … }");
                return None;
            }
        };
        Some((key.into(), item.clone()))
    }
}
