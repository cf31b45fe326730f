//! What a group is made for.

use std::collections::HashMap;
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
use crate::diag::{Code, Span};
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
    /// A list or a table of its own, as it is written too.
    Literal(Literal, Item),
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
        Data::List(_) | Data::Table(_) => Source::Literal(Literal::read(item, fields)?, item.clone()),
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
            Source::Literal(literal, _) => {
                let scope = Scope { horizon: Horizon::Place, ..Scope::plan(world) };
                self.values(&literal.value(scope, problems)?, world, problems)?
            }
            Source::Vars(path) => match Scope::plan(world).find(path) {
                Ok(Found::Known(value)) => self.values(&value, world, problems)?,
                Ok(Found::Later(..)) => return None,
                Err(miss) => return self.missed(miss, problems),
            },
            Source::Group(kind, name) => self.instances(world, *kind, name, problems)?,
        };
        if items.is_empty() {
            let help = "give it at least one item, or take the table away".to_owned();
            self.refuse(codes::EMPTY, "for_each goes over nothing", help, &self.written(world), problems);
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
    fn values(&self, value: &Json, world: &World, problems: &mut Problems) -> Option<Vec<(Arc<str>, Each)>> {
        let keyed = match value {
            Json::Object(table) => self.pairs(table, world, problems),
            Json::Array(list) => self.list(list, world, problems),
            _ => {
                let message = "for_each goes over a list or a table, and this is neither";
                self.refuse(codes::FOR_EACH, message, HELP.to_owned(), &self.written(world), problems);
                None
            }
        };
        let item = |(key, value): (Arc<str>, Json)| (key.clone(), Each::Item { key, value: Arc::new(value) });
        Some(keyed?.into_iter().map(item).collect())
    }

    fn pairs(
        &self,
        table: &serde_json::Map<String, Json>,
        world: &World,
        problems: &mut Problems,
    ) -> Option<Vec<(Arc<str>, Json)>> {
        let place = |key: &str| Some(self.item(world)?.table()?.get(key)?.key.clone());
        let mut pairs = Vec::with_capacity(table.len());
        for (key, value) in table {
            if is_name(key) {
                pairs.push((key.as_str().into(), value.clone()));
            } else {
                self.refuse(codes::INVALID_NAME, no_key(key), NAME_HELP.to_owned(), place(key).as_slice(), problems);
            }
        }
        (pairs.len() == table.len()).then_some(pairs)
    }

    fn list(&self, list: &[Json], world: &World, problems: &mut Problems) -> Option<Vec<(Arc<str>, Json)>> {
        let place = |index: usize| match &self.item(world)?.data {
            Data::List(items) => Some(items.get(index)?.span.clone()),
            _ => None,
        };
        let mut pairs = Vec::with_capacity(list.len());
        let mut first = HashMap::with_capacity(list.len());
        for (index, item) in list.iter().enumerate() {
            let key: Arc<str> = match item {
                Json::String(text) => text.as_str().into(),
                Json::Number(number) => number.to_string().into(),
                _ => {
                    let message = "the items of a list are the keys of the instances, so they must be texts";
                    let help = "give each item a key: for_each = { KEY = … }".to_owned();
                    self.refuse(codes::FOR_EACH, message, help, place(index).as_slice(), problems);
                    continue;
                }
            };
            if !is_name(&key) {
                let help =
                    format!("{NAME_HELP}; to go over other values, give each a key: for_each = {{ KEY = \"{key}\" }}");
                self.refuse(codes::INVALID_NAME, no_key(&key), help, place(index).as_slice(), problems);
            } else if let Some(before) = first.insert(key.clone(), index) {
                let message = format!("two items of for_each have the key `{key}`");
                let help = "take one of them away: every instance has a key of its own".to_owned();
                let places: Vec<_> = place(before).into_iter().chain(place(index)).collect();
                self.refuse(codes::FOR_EACH, message, help, &places, problems);
            } else {
                pairs.push((key, item.clone()));
            }
        }
        (pairs.len() == list.len()).then_some(pairs)
    }

    /// What it goes over as it is written in the plan.
    fn item<'a>(&'a self, world: &'a World) -> Option<&'a Item> {
        match &self.source {
            Source::Vars(path) => world.vars.item(path),
            Source::Literal(_, item) => Some(item),
            Source::Group(..) => None,
        }
    }

    /// The place of that, for [`Self::refuse`].
    fn written(&self, world: &World) -> Vec<Span> {
        self.item(world).map(|item| item.span.clone()).into_iter().collect()
    }

    /// Reports what is wrong with some items, of which the last is to blame. Those of a variable are shown beside the
    /// `for_each` that cannot go over them.
    fn refuse(&self, code: Code, message: impl Into<String>, help: String, places: &[Span], problems: &mut Problems) {
        let is_literal = matches!(self.source, Source::Literal(..));
        let (at, beside) = match places.split_last() {
            Some((last, others)) if is_literal => (last, others),
            _ => (&self.span, places),
        };
        problems.add(code, at, message, |problem| {
            let text = if is_literal { "the first" } else { "it goes over this" };
            beside.iter().fold(problem.help(help), |problem, place| problem.related(place.clone(), text))
        });
    }
}

fn no_key(key: &str) -> String {
    format!("`{key}` cannot be the key of an instance")
}
