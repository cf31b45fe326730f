//! What a path in an expression stands for.

use std::sync::Arc;

use serde_json::Value as Json;

use super::codes;
use super::miss::Miss;
use super::nearest::listed;
use super::node::Attribute;
use super::problems::Problems;
use super::text::Text;
use super::value::sort_of;
use super::world::{Each, Instance, Instances, World};
use crate::expr::EvaluateError;
use crate::ids::{AccountName, Kind, Region};

/// The roots of all paths.
const ROOTS: [&str; 8] = ["vars", "plan", "self", "each", "accounts", "stacks", "peerings", "routes"];

/// How much is known at a point of the expansion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Horizon {
    /// Variables: for the plan's name and region.
    Vars,
    /// Also the plan's name and region: for accounts.
    Plan,
    /// Also accounts, `each` and the node's key: for `region`.
    Place,
    /// Also the node's own region: for `account`.
    Account,
    /// Also the node's own account: for a stack's name and its template.
    Name,
    /// All nodes.
    Values,
}

/// What a path was found to be.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// A value that is known.
    Known(Json),
    /// An attribute of a node, by its place in [`World::instances`].
    Later(usize, Attribute),
}

/// The world as one node sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub(super) world: &'a World,
    pub(super) horizon: Horizon,
    pub(super) each: Option<&'a Each>,
    pub(super) key: Option<&'a str>,
    pub(super) account: Option<&'a AccountName>,
    pub(super) region: Option<&'a Region>,
}

impl<'a> Scope<'a> {
    /// The world without a node.
    pub(super) fn plan(world: &'a World) -> Self {
        Self { world, horizon: Horizon::Plan, each: None, key: None, account: None, region: None }
    }

    /// The world as an instance sees it whose account and region are known.
    pub(super) fn of(world: &'a World, instance: &'a Instance, horizon: Horizon) -> Self {
        Self {
            world,
            horizon,
            each: instance.each.as_ref(),
            key: instance.id.key.as_deref(),
            account: instance.account.as_ref(),
            region: instance.region.as_ref(),
        }
    }

    /// The value of a text that must be known now. What is wrong with it is reported.
    pub(super) fn constant(self, text: &'a Text, problems: &mut Problems) -> Option<Json> {
        let mut values = Vec::new();
        for reference in text.expression.references() {
            let miss = match self.find(&reference.path) {
                Ok(Found::Known(value)) => {
                    values.push(value);
                    continue;
                }
                Ok(Found::Later(..)) => Miss::not_yet(format!("`{}` is only known after calls", reference.text)),
                Err(miss) => miss,
            };
            miss.report_in(text, &reference.range, problems);
        }
        if values.len() < text.expression.references().len() {
            return None;
        }
        let value = text.expression.evaluate(&values);
        value.map_err(|error| unevaluable(text, error, problems)).ok()
    }

    /// The same for a value that must be text.
    pub(super) fn constant_text(self, text: &'a Text, problems: &mut Problems) -> Option<String> {
        match self.constant(text, problems)? {
            Json::String(value) => Some(value),
            value => {
                let message = format!("this gives {}, but a text is needed", sort_of(&value));
                let help = "name what is inside it, as in vars.NAME.KEY, or make a text of it: join, select";
                problems.error(codes::UNEVALUABLE, &text.span, message, help);
                None
            }
        }
    }

    /// What a path stands for.
    pub(super) fn find(self, path: &'a [Arc<str>]) -> Result<Found, Miss<'a>> {
        let (root, rest) = path.split_first().ok_or(Miss::Reported)?;
        match &**root {
            "vars" => self.var(rest),
            "plan" => self.plan_attribute(rest),
            "self" => self.own(rest),
            "accounts" => self.account_id(rest),
            "each" => match self.each {
                Some(each) => self.each(each, rest),
                None if self.horizon <= Horizon::Plan => Err(Miss::not_yet("`each` has no meaning here")),
                None => Err(Miss::unknown_because(
                    "`each` has no meaning here",
                    "it stands for the item of for_each, or of a list of regions",
                )),
            },
            root => match Kind::from_table(root) {
                Some(_) if self.horizon < Horizon::Values => {
                    Err(Miss::not_yet(format!("another node cannot be named here: `{}`", path.join("."))))
                }
                Some(kind) => self.node(kind, rest),
                None => Err(Miss::unknown(format!("nothing is called `{root}`"), move |search| {
                    let near = search.did_you_mean(root, ROOTS);
                    if near.is_empty() { format!("a path begins with {}", ROOTS.join(", ")) } else { near }
                })),
            },
        }
    }

    fn var(self, rest: &'a [Arc<str>]) -> Result<Found, Miss<'a>> {
        let Some((name, rest)) = rest.split_first() else {
            return Err(Miss::unknown_because("`vars` alone is no value", "name a variable: vars.NAME"));
        };
        match self.world.vars.get(name) {
            Some(Some(value)) => walk(value, format!("vars.{name}"), rest),
            Some(None) => Err(Miss::Reported),
            None if self.world.lost.has("vars") => Err(Miss::Reported),
            None => Err(Miss::unknown(format!("there is no variable `{name}`"), move |search| {
                let declare = format!("declare it: {name} = … below [vars]");
                search.or_known(name, "the variables are", self.world.vars.names(), &declare)
            })),
        }
    }

    fn plan_attribute(self, rest: &'a [Arc<str>]) -> Result<Found, Miss<'a>> {
        let value = match rest {
            [name] if &**name == "name" => self.world.name.as_deref(),
            [name] if &**name == "region" => self.world.region.as_ref().map(Region::as_str),
            _ => return Err(Miss::attribute("a plan", rest, &["name", "region"])),
        };
        if self.horizon < Horizon::Plan {
            return Err(Miss::not_yet(format!("`plan.{}` is not known here yet", rest.join("."))));
        }
        value.map(|value| Found::Known(value.into())).ok_or(Miss::Reported)
    }

    fn own(self, rest: &'a [Arc<str>]) -> Result<Found, Miss<'a>> {
        let [name] = rest else { return Err(Miss::attribute("self", rest, &["account", "region", "key"])) };
        let value = match &**name {
            "key" if self.horizon >= Horizon::Place => {
                let help = "self.key is the key of an instance, of for_each or of a list of regions";
                Some(self.key.ok_or_else(|| Miss::unknown_because("this node has no key", help))?)
            }
            "account" if self.horizon >= Horizon::Name => self.account.map(AccountName::as_str),
            "region" if self.horizon >= Horizon::Account => self.region.map(Region::as_str),
            "account" | "region" | "key" => {
                return Err(Miss::not_yet(format!("`self.{name}` is not known here yet")));
            }
            _ => return Err(Miss::attribute("self", rest, &["account", "region", "key"])),
        };
        value.map(|value| Found::Known(value.into())).ok_or(Miss::Reported)
    }

    fn account_id(self, rest: &'a [Arc<str>]) -> Result<Found, Miss<'a>> {
        let [name, rest @ ..] = rest else {
            return Err(Miss::unknown_because(
                "`accounts` alone is no value",
                "name an account's id: accounts.NAME.id",
            ));
        };
        if self.horizon <= Horizon::Plan {
            return Err(Miss::not_yet("accounts are not known here yet"));
        }
        let Some(account) = self.world.accounts.get(&**name) else {
            if self.world.lost.has("accounts") {
                return Err(Miss::Reported);
            }
            return Err(Miss::unknown(format!("there is no account `{name}`"), move |search| {
                let names = self.world.accounts.keys().map(AccountName::as_str);
                let declare = format!("declare it: {name} = {{ id = \"…\" }} below [accounts]");
                search.or_known(name, "the accounts are", names, &declare)
            }));
        };
        match rest {
            [id] if &**id == "id" => {
                account.as_ref().map(|account| Found::Known(account.id.as_str().into())).ok_or(Miss::Reported)
            }
            _ => Err(Miss::attribute("an account", rest, &["id"])),
        }
    }

    fn each(self, each: &'a Each, rest: &'a [Arc<str>]) -> Result<Found, Miss<'a>> {
        let Some((name, below)) = rest.split_first() else {
            return Err(Miss::unknown_because(
                "`each` alone is no value",
                "write each.key, each.value or each.account",
            ));
        };
        match (each, &**name) {
            (_, "key") if below.is_empty() => Ok(Found::Known(self.world.each_key(each).into())),
            (Each::Item { value, .. }, "value") => walk(value, "each.value".to_owned(), below),
            (Each::Item { .. }, "account" | "region") => {
                let help = if &**name == "region" { "write self.region" } else { "write self.account" };
                Err(Miss::unknown_because(format!("an item of for_each has no `{name}`"), help))
            }
            (Each::Item { .. }, _) => Err(Miss::attribute("an item of for_each", rest, &["key", "value"])),
            (Each::Instance(index), "source") => match &self.world.instances[*index].each {
                Some(source) => self.each(source, below),
                None => Err(Miss::Reported),
            },
            (Each::Instance(index), _) => {
                let kind = self.world.instances[*index].id.kind;
                if &**name == "value" {
                    let message = format!("`each` is a {kind} here, which has no `value`");
                    return Err(Miss::unknown_because(message, "what that group was made for is each.source.value"));
                }
                let known: &[&str] = match kind {
                    Kind::Stack => &["key", "source", "outputs", "id", "account", "region", "name"],
                    Kind::Peering => &["key", "source", "id", "account", "region", "requester", "accepter"],
                    Kind::Route => &["key", "source", "account", "region"],
                };
                if known.contains(&&**name) {
                    self.attribute(*index, rest)
                } else {
                    Err(Miss::attribute("each", rest, known))
                }
            }
        }
    }

    fn node(self, kind: Kind, rest: &'a [Arc<str>]) -> Result<Found, Miss<'a>> {
        let Some((name, rest)) = rest.split_first() else {
            let message = format!("`{}` alone is no value", kind.table());
            return Err(Miss::unknown(message, move |_| format!("name a {kind}: {}.NAME", kind.table())));
        };
        let group = self.group(kind, name)?;
        if !group.keyed {
            return group.members.first().map_or(Err(Miss::Reported), |index| self.attribute(*index, rest));
        }
        let (index, rest) = self.member(kind, name, group, rest)?;
        self.attribute(index, rest)
    }

    /// The table of a name.
    pub(super) fn group(self, kind: Kind, name: &'a str) -> Result<&'a Instances, Miss<'a>> {
        match self.world.groups.get(&(kind, Arc::from(name))) {
            Some(group) if group.broken => Err(Miss::Reported),
            Some(group) => Ok(group),
            None if self.world.lost.has(kind.table()) => Err(Miss::Reported),
            None => Err(Miss::unknown(format!("there is no {kind} `{name}`"), move |search| {
                let names = self.world.groups.keys().filter(|key| key.0 == kind).map(|key| &*key.1);
                let declare = format!("declare it: [{}.{name}]", kind.table());
                search.or_known(name, &format!("the {} are", kind.table()), names, &declare)
            })),
        }
    }

    /// The instance that a path goes on to name, and what is left of the path. Keys over regions take two parts, and
    /// one more for each group with regions of its own that the group is made for.
    pub(super) fn member(
        self,
        kind: Kind,
        name: &'a str,
        group: &'a Instances,
        path: &'a [Arc<str>],
    ) -> Result<(usize, &'a [Arc<str>]), Miss<'a>> {
        let mut key = String::new();
        for (count, part) in path.iter().enumerate() {
            if count > 0 {
                key.push('/');
            }
            key.push_str(part);
            if let Some(index) = group.by_key.get(&*key) {
                return Ok((*index, &path[count + 1..]));
            }
        }
        let keys = group.members.iter().filter_map(|index| self.world.instances[*index].id.key.as_deref());
        let all = keys.clone();
        let known = move || {
            let shown = listed(all.clone()).replace('/', ".");
            let first = all.clone().next().unwrap_or_default().replace('/', ".");
            format!("its instances are {shown}: write {}.{name}.{first}.…", kind.table())
        };
        Err(match path.first() {
            None => Miss::unknown(format!("`{}.{name}` is a group, not a node", kind.table()), move |_| known()),
            Some(key) => Miss::unknown(format!("`{}.{name}` has no instance `{key}`", kind.table()), move |search| {
                let near = search.did_you_mean(key, keys);
                if near.is_empty() { known() } else { near }
            }),
        })
    }

    fn attribute(self, index: usize, rest: &'a [Arc<str>]) -> Result<Found, Miss<'a>> {
        let instance = &self.world.instances[index];
        let parts: Vec<&str> = rest.iter().map(|part| &**part).collect();
        let kind = instance.id.kind;
        let known = |value: Option<&str>| value.map(|value| Found::Known(value.into())).ok_or(Miss::Reported);
        let account = instance.account.as_ref().map(AccountName::as_str);
        let region = instance.region.as_ref().map(Region::as_str);
        let accepter = instance.accepter.as_ref();
        match (kind, parts.as_slice()) {
            (_, ["account"]) | (Kind::Peering, ["requester", "account"]) => known(account),
            (_, ["region"]) | (Kind::Peering, ["requester", "region"]) => known(region),
            (Kind::Peering, ["accepter", "account"]) => {
                known(accepter.and_then(|side| side.0.as_ref()).map(AccountName::as_str))
            }
            (Kind::Peering, ["accepter", "region"]) => {
                known(accepter.and_then(|side| side.1.as_ref()).map(Region::as_str))
            }
            (Kind::Stack, ["name"]) if self.horizon < Horizon::Values => {
                Err(Miss::not_yet("names of stacks are not known here yet"))
            }
            (Kind::Stack, ["name"]) => known(instance.name.as_deref()),
            (Kind::Stack | Kind::Peering, ["id"]) => Ok(Found::Later(index, Attribute::Id)),
            (Kind::Stack, ["outputs", _]) => Ok(Found::Later(index, Attribute::Output(rest[1].to_string()))),
            (Kind::Stack, ["outputs"]) => {
                Err(Miss::unknown_because("`outputs` alone is no value", "name an output: outputs.NAME"))
            }
            (Kind::Stack, _) => Err(Miss::attribute("a stack", rest, &["outputs", "id", "account", "region", "name"])),
            (Kind::Peering, _) => Err(Miss::attribute(
                "a peering",
                rest,
                &[
                    "id",
                    "account",
                    "region",
                    "requester.account",
                    "requester.region",
                    "accepter.account",
                    "accepter.region",
                ],
            )),
            (Kind::Route, _) => Err(Miss::attribute("a route", rest, &["account", "region"])),
        }
    }
}

/// Reports that the values of an expression do not fit into it.
pub(super) fn unevaluable(text: &Text, error: EvaluateError, problems: &mut Problems) {
    problems.error(codes::UNEVALUABLE, &text.place(&error.range), error.message, error.help);
}

/// A value inside a value.
fn walk<'a>(value: &'a Json, mut name: String, path: &'a [Arc<str>]) -> Result<Found, Miss<'a>> {
    let mut here = value;
    for part in path {
        let next = match here {
            Json::Object(table) => table.get(&**part),
            Json::Array(list) => part.parse::<usize>().ok().and_then(|index| list.get(index)),
            _ => None,
        };
        here = next.ok_or_else(|| Miss::inside(here, &name, part))?;
        name = format!("{name}.{part}");
    }
    Ok(Found::Known(here.clone()))
}
