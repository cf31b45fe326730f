//! Parameters whose values are read elsewhere: in the environment, in Systems Manager or in Secrets Manager.

use std::sync::Arc;

use indexmap::IndexMap;

use super::account;
use super::bind::Binder;
use super::codes;
use super::document::{Data, Item, Table, check_keys};
use super::expand::region;
use super::fields::{Declared, Fields, Keyed};
use super::fit;
use super::load::Variable;
use super::nearest::nearest;
use super::scope::Horizon;
use super::text::Text;
use super::value::Value;
use crate::ids::{AccountName, Region};
use crate::secret::{Secret, keep};

/// The keys of a parameter that is a table.
pub(super) const KEYS: [&str; 9] = ["env", "ssm", "secret", "value", "key", "stage", "account", "region", "sensitive"];

/// The keys of which it has one, each with what is written there.
const SOURCES: [(&str, &str); 4] = [
    ("env", "env = \"NAME\""),
    ("ssm", "ssm = \"/path/name\""),
    ("secret", "secret = \"name-or-arn\""),
    ("value", "value = \"…\""),
];

/// Where a parameter's value is read.
#[derive(Clone, Debug)]
pub enum Supply {
    /// In the environment that orch runs in.
    Environment {
        /// The variable.
        name: Arc<str>,
        /// What came of looking it up, as the plan was read.
        found: Found,
    },
    /// In Systems Manager's parameter store.
    Parameter {
        /// The parameter's name or ARN.
        name: Value,
        /// Where it is.
        at: At,
    },
    /// In Secrets Manager.
    Secret {
        /// The secret's name or ARN.
        id: Value,
        /// The field of its JSON; without, all of its text is meant.
        key: Option<Arc<str>>,
        /// The stage of its version; without, the current one.
        stage: Option<Arc<str>>,
        /// Where it is.
        at: At,
    },
}

/// An account in a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The account.
    pub account: AccountName,
    /// The region.
    pub region: Region,
}

/// What came of looking up a variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Its value.
    Value(Secret),
    /// A value that is marked as no secret.
    Open(Arc<str>),
    /// There is none.
    Nothing,
    /// There is one, and the caller has not allowed the plan to have it.
    Forbidden,
}

impl Supply {
    /// Where it is read at AWS, if it is.
    pub fn at(&self) -> Option<&At> {
        match self {
            Self::Environment { .. } => None,
            Self::Parameter { at, .. } | Self::Secret { at, .. } => Some(at),
        }
    }

    /// The name by which it is read at AWS, which another node may have to bring forth.
    pub fn name(&self) -> Option<&Value> {
        match self {
            Self::Environment { .. } => None,
            Self::Parameter { name, .. } => Some(name),
            Self::Secret { id, .. } => Some(id),
        }
    }

    /// All that tells one from another.
    pub(super) fn likeness(&self) -> String {
        let name = self.name().map(Value::likeness).unwrap_or_default();
        let at = self.at().map(|At { account, region }| format!("{account} {region}")).unwrap_or_default();
        match self {
            Self::Environment { name, .. } => format!("env {name}"),
            Self::Parameter { .. } => format!("ssm {at} {name}"),
            Self::Secret { key, stage, .. } => format!("secret {at} {name} {key:?} {stage:?}"),
        }
    }
}

/// The same as it is declared.
#[derive(Clone, Debug)]
pub(super) enum DeclaredSupply {
    Environment { name: Arc<str> },
    Parameter { name: Arc<Text>, at: DeclaredAt },
    Secret { id: Arc<Text>, key: Option<Arc<Text>>, stage: Option<Arc<Text>>, at: DeclaredAt },
}

/// The account and the region, where they are not the node's own.
#[derive(Clone, Debug)]
pub(super) struct DeclaredAt {
    account: Option<Arc<Text>>,
    region: Option<Arc<Text>>,
}

impl DeclaredSupply {
    /// The variable of the environment that it names, if it is one.
    pub(super) fn environment(&self) -> Option<&Arc<str>> {
        match self {
            Self::Environment { name } => Some(name),
            Self::Parameter { .. } | Self::Secret { .. } => None,
        }
    }

    /// All texts in it that may hold expressions, each with what is known where it is worked out.
    pub(super) fn texts(&self) -> Vec<(&Arc<Text>, Horizon)> {
        let (named, more, at) = match self {
            Self::Environment { .. } => return Vec::new(),
            Self::Parameter { name, at } => (name, [None, None], at),
            Self::Secret { id, key, stage, at } => (id, [key.as_ref(), stage.as_ref()], at),
        };
        let known = more.into_iter().chain([at.account.as_ref(), at.region.as_ref()]).flatten();
        std::iter::once((named, Horizon::Values)).chain(known.map(|text| (text, Horizon::Name))).collect()
    }
}

/// Reads the parameters of a stack: values as tags have them, and tables that say where a value is or that it is secret.
pub(super) fn read(fields: &mut Fields<'_>) -> IndexMap<Arc<str>, Keyed> {
    let Some(table) = fields.table("parameters") else { return IndexMap::new() };
    fields.check_plain_keys(table);
    let plain = table.iter().filter(|(name, _)| !name.contains("{{"));
    plain
        .map(|(name, entry)| {
            let (value, sensitive) = match &entry.item.data {
                Data::Table(own) => one(fields, &entry.item, own),
                _ => (fields.declare(&entry.item), false),
            };
            (name.clone(), Keyed { key: entry.key.clone(), value, sensitive })
        })
        .collect()
}

/// Reads one that is a table, and whether it is a secret.
fn one(fields: &mut Fields<'_>, item: &Item, table: &Table) -> (Declared, bool) {
    let is_meant = |key: &str| KEYS.contains(&key) || nearest(key, KEYS).is_some();
    if !table.keys().any(|key| is_meant(key)) {
        // What is no value for a tag is none for a parameter.
        return (fields.declare(item), false);
    }
    let broken = (Declared::Broken { span: item.span.clone() }, true);
    // A slip beside a secret is told with its line: by then it is known as one.
    let is_slip = |key: &Arc<str>| !KEYS.contains(&&**key);
    if let Some(entry) = table.get("value").filter(|_| table.len() > 2 || table.keys().any(is_slip)) {
        keep_text(&entry.item);
    }
    check_keys(table, &KEYS, "a parameter", fields.problems);
    let given: Vec<&str> = SOURCES.iter().map(|(key, _)| *key).filter(|key| table.contains_key(*key)).collect();
    let source = match given.as_slice() {
        [one] => *one,
        [] => {
            // A key that is only misspelt was reported.
            if table.keys().all(|key| KEYS.contains(&&**key)) {
                let ways: Vec<_> = SOURCES.iter().map(|(_, example)| *example).collect();
                let help = format!("write one of {}", ways.join(", "));
                fields.problems.error(codes::MISSING_KEY, &item.span, "this does not say what the value is", help);
            }
            return broken;
        }
        [one, other, ..] => {
            let message = format!("this names two places for one value: `{one}` and `{other}`");
            let help = "take one of them away; what a plan extends is laid below it, key by key";
            fields.problems.error(codes::INVALID_VALUE, &table[*other].key, message, help);
            return broken;
        }
    };
    for (key, of) in [("key", "secret"), ("stage", "secret"), ("account", "ssm or secret"), ("region", "ssm or secret")]
    {
        if let Some(entry) = table.get(key).filter(|_| !of.split(" or ").any(|of| of == source)) {
            let message = format!("`{key}` has no meaning beside `{source}`");
            let help = format!("take it away: it goes with {of}");
            fields.problems.error(codes::INVALID_VALUE, &entry.key, message, help);
        }
    }
    let sensitive = match table.get("sensitive").map(|entry| &entry.item) {
        None => source != "value",
        Some(Item { data: Data::Boolean(sensitive), .. }) => *sensitive,
        Some(item) => {
            fields.problems.wrong_type(item, "true or false", "write sensitive = true, without quotes");
            true
        }
    };
    if let Some(entry) = table.get("sensitive").filter(|_| source == "secret" && !sensitive) {
        let message = "what Secrets Manager holds is a secret, whatever the plan says";
        fields.problems.error(codes::INVALID_VALUE, &entry.key, message, "take `sensitive = false` away");
    }
    let value = &table[source].item;
    if source == "value" {
        return (fields.declare(value), sensitive);
    }
    let supply = if source == "env" { environment(fields, value) } else { stored(fields, source, value, table) };
    match supply {
        Some(supply) => (Declared::Supplied { span: item.span.clone(), supply: Box::new(supply) }, sensitive),
        None => broken,
    }
}

/// Has the texts of a value be shown nowhere.
fn keep_text(item: &Item) {
    match &item.data {
        Data::Text(text) => keep(text),
        Data::List(items) => items.iter().for_each(keep_text),
        _ => keep(&item.json().to_string()),
    }
}

fn environment(fields: &mut Fields<'_>, value: &Item) -> Option<DeclaredSupply> {
    match &value.data {
        Data::Text(name) if !name.is_empty() && !name.contains(['=', '\0']) => {
            Some(DeclaredSupply::Environment { name: name.clone() })
        }
        Data::Text(_) => {
            let message = "this is no name of an environment variable";
            fields.problems.error(codes::INVALID_VALUE, &value.span, message, "write its name: env = \"NAME\"");
            None
        }
        _ => {
            let help = "write its name in quotes: env = \"NAME\"";
            fields.problems.wrong_type(value, "the name of an environment variable", help);
            None
        }
    }
}

fn stored(fields: &mut Fields<'_>, source: &str, value: &Item, table: &Table) -> Option<DeclaredSupply> {
    let mut text = |key: &str| match table.get(key) {
        Some(entry) => fields.parse(&entry.item, "a text in quotes").map(Some).ok_or(()),
        None => Ok(None),
    };
    // Each is read, so that all that is wrong is told.
    let (key, stage, account, region) = (text("key"), text("stage"), text("account"), text("region"));
    let named = fields.parse(value, "a text in quotes");
    let (Ok(key), Ok(stage), Ok(account), Ok(region)) = (key, stage, account, region) else { return None };
    let at = DeclaredAt { account, region };
    Some(match source {
        "ssm" => DeclaredSupply::Parameter { name: named?, at },
        _ => DeclaredSupply::Secret { id: named?, key, stage, at },
    })
}

impl Binder<'_> {
    /// Binds one for an instance; `None` was reported.
    pub(super) fn supply(&mut self, declared: &DeclaredSupply, sensitive: bool) -> Option<Supply> {
        match declared {
            DeclaredSupply::Environment { name } => {
                let found = match self.scope.world.environment.get(name) {
                    None => Found::Nothing,
                    Some(Variable::Forbidden) => Found::Forbidden,
                    Some(Variable::Value(value)) if sensitive => Found::Value(Secret::new(value.as_str())),
                    Some(Variable::Value(value)) => Found::Open(value.as_str().into()),
                };
                Some(Supply::Environment { name: name.clone(), found })
            }
            DeclaredSupply::Parameter { name, at } => {
                let at = self.at(at);
                let name = self.name_of(name);
                Some(Supply::Parameter { name: name?, at: at? })
            }
            DeclaredSupply::Secret { id, key, stage, at } => {
                let at = self.at(at);
                let key = self.part(key.as_deref());
                let stage = self.part(stage.as_deref());
                let id = self.name_of(id);
                Some(Supply::Secret { id: id?, key: key.ok()?, stage: stage.ok()?, at: at? })
            }
        }
    }

    /// A text that may be left out.
    ///
    /// # Errors
    /// It is not known, which was reported.
    fn part(&mut self, text: Option<&Text>) -> Result<Option<Arc<str>>, ()> {
        text.map(|text| self.constant(text).map(Arc::from).ok_or(())).transpose()
    }

    /// A name that must turn out to be a text.
    fn name_of(&mut self, text: &Arc<Text>) -> Option<Value> {
        let value = self.text(text)?;
        fit::named(&value, self.problems);
        Some(value)
    }

    fn at(&mut self, declared: &DeclaredAt) -> Option<At> {
        // Where the node's own place is missing, that was reported of the node.
        let own = self.scope;
        let account = match &declared.account {
            None => own.account.cloned(),
            Some(text) => {
                let name = self.constant(text);
                name.and_then(|name| account::known(&name, &text.span, own.world, self.problems))
            }
        };
        let region = match &declared.region {
            None => own.region.cloned(),
            Some(text) => self.constant(text).and_then(|name| region(&name.into(), &text.span, self.problems)),
        };
        Some(At { account: account?, region: region? })
    }
}
