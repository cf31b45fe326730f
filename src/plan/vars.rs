//! The plan's variables: `[vars]`, the environment that it names, and `--var`.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::codes;
use super::document::{Data, Entry, Item, Table, check_keys, read_value};
use super::load::{Given, Variable as Environment};
use super::nearest::nearest;
use super::problems::{Problems, words};
use crate::diag::Span;
use crate::expr::Expression;

/// What every variable stands for.
#[derive(Debug, Default)]
pub(super) struct Vars(IndexMap<Arc<str>, Variable>);

/// What a variable stands for.
#[derive(Debug)]
struct Variable {
    /// `None` if it is declared but has no usable value, which was reported.
    value: Option<Json>,
    /// The text of the plan that gives the value; `None` if it comes from outside.
    item: Option<Item>,
}

impl Vars {
    /// The variable of a name, if there is one; it holds `None` if its value was reported as wrong.
    pub(super) fn get(&self, name: &str) -> Option<&Option<Json>> {
        self.0.get(name).map(|variable| &variable.value)
    }

    /// Where the plan writes what a path such as `vars.NAME.KEY` leads to, unless the value comes from outside.
    pub(super) fn item(&self, path: &[Arc<str>]) -> Option<&Item> {
        let [_, name, rest @ ..] = path else { return None };
        rest.iter().try_fold(self.0.get(name)?.item.as_ref()?, |item, part| match &item.data {
            Data::Table(table) => Some(&table.get(part)?.item),
            Data::List(items) => items.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// All names, in the order of the plan.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(|name| &**name)
    }

    /// Reads `[vars]` and lays over it what was given. `start` is where to point for a plan without `[vars]`,
    /// and `is_lost` says that there may be variables that could not be read.
    pub(super) fn read(
        vars: Option<&Entry>,
        is_lost: bool,
        start: &Span,
        given: &Given<'_>,
        problems: &mut Problems,
    ) -> Self {
        let empty = Table::new();
        let table = match vars.map(|entry| &entry.item) {
            None => &empty,
            Some(Item { data: Data::Table(table), .. }) => table,
            Some(item) => {
                problems.wrong_type(item, "a table", "write [vars] with one variable a line");
                return Self::default();
            }
        };
        // The last of several `--var` of one name counts, as with most programs.
        let overrides: IndexMap<&str, &str> = given.vars.iter().map(|(name, value)| (&**name, &**value)).collect();
        let place = vars.map_or(start, |entry| &entry.key);
        if !is_lost {
            unknown(&overrides, table, place, problems);
        }
        let values = table.iter().map(|(name, entry)| {
            let variable = match overrides.get(&**name) {
                Some(text) => Variable { value: overridden(name, &entry.item, text, problems), item: None },
                None => declared(&entry.item, given, problems),
            };
            (name.clone(), variable)
        });
        Self(values.collect())
    }
}

/// Reports every given variable that the plan does not declare, together: they have no place of their own.
fn unknown(overrides: &IndexMap<&str, &str>, table: &Table, place: &Span, problems: &mut Problems) {
    let strangers: Vec<_> = overrides.keys().filter(|name| !table.contains_key(**name)).copied().collect();
    let Some(first) = strangers.first() else { return };
    let message = format!("--var gives {}, but the plan has no such variable", words(&strangers));
    problems.error_with(codes::VARIABLE, place, message, |search| {
        let declare = format!("declare it: {first} = \"…\" below [vars]");
        search.or_known(first, "the variables are", table.keys().map(|name| &**name), &declare)
    });
}

/// A value given on the command line, of the type that the plan's own value has.
fn overridden(name: &str, own: &Item, text: &str, problems: &mut Problems) -> Option<Json> {
    let model = environment(own).map_or(Some(own), |(_, default)| default);
    let Some(model) = model.filter(|model| !matches!(model.data, Data::Text(_))) else {
        return Some(text.into());
    };
    let wrong = |reason: String, problems: &mut Problems| {
        let message = format!("--var {name}={text} does not fit: {reason}");
        problems.add(codes::VARIABLE, &model.span, message, |problem| {
            problem
                .label(format!("the plan's own value is {}", model.sort()))
                .help("write the value as in the plan; only a text needs no quotes")
        });
    };
    match read_value(text, own.span.file) {
        Ok(value) if std::mem::discriminant(&value.data) == std::mem::discriminant(&model.data) => Some(value.json()),
        Ok(value) => {
            wrong(format!("it is {}", value.sort()), problems);
            None
        }
        Err(reason) => {
            wrong(reason, problems);
            None
        }
    }
}

/// The value as the plan declares it.
fn declared(item: &Item, given: &Given<'_>, problems: &mut Problems) -> Variable {
    let Some((variable, default)) = environment(item) else {
        return Variable { value: plain(item, problems), item: Some(item.clone()) };
    };
    if let Data::Table(table) = &item.data {
        check_keys(table, &["env", "default"], "a variable from the environment", problems);
    }
    let outside = |value| Variable { value, item: None };
    let Data::Text(name) = &variable.data else {
        let help = "write its name in quotes: env = \"NAME\"";
        problems.wrong_type(variable, "the name of an environment variable", help);
        return outside(None);
    };
    match ((given.env)(name), default) {
        (Some(Environment::Value(text)), None) => outside(Some(text.into())),
        (Some(Environment::Value(text)), Some(default)) => {
            outside(from_environment(name, variable, default, &text, problems))
        }
        // With a default as well: to take that in the place of what is set would be another plan than the caller means.
        (Some(Environment::Forbidden), _) => {
            let message = format!("the environment has {name}, and the plan is not allowed to have it");
            let help = format!("if you trust the plan with it, allow it: --allow-env {name}; or use --var");
            problems.error(codes::VARIABLE, &variable.span, message, help);
            outside(None)
        }
        (None, Some(default)) => Variable { value: plain(default, problems), item: Some(default.clone()) },
        (None, None) => {
            let message = format!("the environment has no {name}");
            let help = format!("set {name}, give a default here, or use --var");
            problems.error(codes::VARIABLE, &variable.span, message, help);
            outside(None)
        }
    }
}

fn from_environment(name: &str, variable: &Item, default: &Item, text: &str, problems: &mut Problems) -> Option<Json> {
    if matches!(default.data, Data::Text(_)) {
        return Some(text.into());
    }
    let value = read_value(text, variable.span.file).ok();
    let fitting = value.filter(|value| std::mem::discriminant(&value.data) == std::mem::discriminant(&default.data));
    if fitting.is_none() {
        let message = format!("the environment's {name} does not fit: the default is {}", default.sort());
        problems.add(codes::VARIABLE, &variable.span, message, |problem| {
            problem.related(default.span.clone(), "the default").help("write it as it would stand in the plan")
        });
    }
    fitting.map(|value| value.json())
}

/// `{ env = "NAME", default = … }`: the name and the default. A table with other keys besides is a table as any, unless
/// the other key is a slip of `default`.
fn environment(item: &Item) -> Option<(&Item, Option<&Item>)> {
    let Data::Table(table) = &item.data else { return None };
    let variable = &table.get("env")?.item;
    let slip = |key: &str| table.len() == 2 && nearest(key, ["default"]).is_some();
    let meant = table.keys().all(|key| matches!(&**key, "env" | "default") || slip(key));
    meant.then(|| (variable, table.get("default").map(|entry| &entry.item)))
}

/// A variable's value as data: it holds no expressions, so that variables need no order among themselves.
fn plain(item: &Item, problems: &mut Problems) -> Option<Json> {
    match &item.data {
        Data::Text(text) => {
            let expression = Expression::parse(text).ok().filter(|expression| expression.references().is_empty());
            let value = expression.and_then(|expression| expression.evaluate(&[]).ok());
            if value.is_none() {
                let message = "a variable is a plain value, without expressions";
                problems.error(codes::EXPRESSION, &item.span, message, "write the expression where the value is used");
            }
            value
        }
        Data::Table(_) if environment(item).is_some() => {
            let message = "only a whole variable can come from the environment";
            let help = "give it a name of its own below [vars]: NAME = { env = \"…\" }";
            problems.error(codes::VARIABLE, &item.span, message, help);
            None
        }
        Data::List(items) => {
            let values: Vec<_> = items.iter().map(|item| plain(item, problems)).collect();
            values.into_iter().collect()
        }
        Data::Table(table) => {
            let pairs: Vec<_> = table
                .iter()
                .map(|(key, entry)| plain(&entry.item, problems).map(|value| (key.to_string(), value)))
                .collect();
            pairs.into_iter().collect()
        }
        _ => Some(item.json()),
    }
}
