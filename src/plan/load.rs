//! From a file to a plan, or to everything that is wrong with it.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::{Data, Entry, Item, Table, check_keys, merge};
use super::expand::{expand, may_have_default, region};
use super::extends::{ABSTRACT_HELP, read_extended};
use super::files::Files;
use super::group::{Defaults, Group, NAME_HELP, is_name};
use super::lost::Lost;
use super::node::{After, Node, Plan, SharedBucket};
use super::problems::{Problems, words};
use super::scope::{Horizon, Scope};
use super::template_bucket::DeclaredBuckets;
use super::templates::Templates;
use super::text::Text;
use super::vars::Vars;
use super::world::World;
use super::{account, bind, codes, group, moved, same_stack, shared_bucket, unused};
use crate::diag::{Problem, Sources, Span};
use crate::ids::{Kind, NodeId, Region};

/// The keys of a plan.
pub(super) const KEYS: [&str; 14] = [
    "extends",
    "abstract",
    "name",
    "region",
    "template_bucket",
    "inventory",
    "lock",
    "vars",
    "accounts",
    "defaults",
    "moved",
    "stacks",
    "peerings",
    "routes",
];

/// The sections of `[defaults]`.
pub(super) const DEFAULTS: [&str; 4] = ["accounts", "stacks", "peerings", "routes"];

/// What comes from outside the plan's files.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// `--var NAME=VALUE`, in their order.
    pub vars: &'a [(String, String)],
    /// Looks up the environment; only names that the plan declares are asked for.
    pub env: &'a dyn Fn(&str) -> Option<Variable>,
}

/// A variable of the environment that is set.
#[derive(Clone, PartialEq, Eq)]
pub enum Variable {
    /// Its value, which the plan may have.
    Value(String),
    /// Whoever runs the plan has not said that it may have it.
    Forbidden,
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(_) => "Value(****)",
            Self::Forbidden => "Forbidden",
        })
    }
}

/// What came of loading a plan.
#[derive(Debug)]
pub struct Loaded {
    /// The plan, if no problem stops it.
    pub plan: Option<Plan>,
    /// What could be read of a plan that a problem stops.
    pub draft: Option<Plan>,
    /// Everything that is wrong, in the order of the files and their texts.
    pub problems: Vec<Problem>,
    /// All texts that were read: the plan, what it extends, and the templates.
    pub sources: Sources,
}

impl Loaded {
    /// The plan, or what could be read of it: to look for what is wrong, never to run.
    pub fn readable(&self) -> Option<&Plan> {
        self.plan.as_ref().or(self.draft.as_ref())
    }
}

/// A plan as it is written, with what it extends: tables and values, and nothing yet of what they mean.
#[derive(Debug)]
pub struct Parsed {
    path: PathBuf,
    /// `None` if it is no TOML.
    table: Option<Table>,
    sources: Sources,
    problems: Problems,
}

/// Loads the plan at `path`. It makes no call and reads nothing but files and the given environment.
pub fn load(path: &Path, files: &dyn Files, given: &Given<'_>) -> Loaded {
    parse(path, files).expand(files, given)
}

/// Parses the plan at `path` and what it extends.
pub fn parse(path: &Path, files: &dyn Files) -> Parsed {
    let mut sources = Sources::default();
    let mut problems = Problems::default();
    let table = read_extended(path, files, &mut sources, &mut problems);
    Parsed { path: path.to_owned(), table, sources, problems }
}

impl Parsed {
    /// Makes the nodes of the plan and binds their values; the templates that they name are read.
    pub fn expand(self, files: &dyn Files, given: &Given<'_>) -> Loaded {
        let Self { path, table, mut sources, mut problems } = self;
        let plan = table.and_then(|table| {
            Loader { files, given, sources: &mut sources, problems: &mut problems }.plan(&path, &table)
        });
        let (draft, plan) = if problems.any_errors() { (plan, None) } else { (None, plan.filter(|plan| plan.whole)) };
        Loaded { plan, draft, problems: problems.into_sorted(), sources }
    }
}

/// Takes away what nodes need of nodes that are not there.
fn cut_off(nodes: &mut [Node]) {
    let there: HashSet<NodeId> = nodes.iter().map(|node| node.id.clone()).collect();
    let left = |after: &After| After {
        nodes: after.nodes.iter().filter(|node| there.contains(node)).cloned().collect(),
        ..after.clone()
    };
    for instances in nodes.chunk_by_mut(|one, next| Arc::ptr_eq(&one.after, &next.after)) {
        let after: Arc<[After]> = instances[0].after.iter().map(left).collect();
        for node in instances {
            node.needs.retain(|need| there.contains(&need.node));
            node.after = after.clone();
        }
    }
}

struct Loader<'a> {
    files: &'a dyn Files,
    given: &'a Given<'a>,
    sources: &'a mut Sources,
    problems: &'a mut Problems,
}

impl Loader<'_> {
    fn plan(&mut self, path: &Path, table: &Table) -> Option<Plan> {
        let start = Span::start_of(self.sources.find(path)?);
        self.check_abstract(table)?;
        check_keys(table, &KEYS, "a plan", self.problems);
        let mut lost = Lost::of(table);
        self.check_complete(table, &lost, &start);
        let defaults = self.defaults(table, &mut lost);
        let vars = Vars::read(table.get("vars"), lost.has("vars"), &start, self.given, self.problems);
        let mut world = World { lost, vars, ..World::default() };
        world.name = self.name(table, &world);
        world.region = self.region(table, &world);
        world.region_at = table.get("region").map(|entry| entry.item.span.clone());
        let accounts = self.accounts(table, &defaults);
        let own = table.get("accounts").and_then(|entry| entry.item.table());
        world.accounts = account::read(&accounts, own.unwrap_or(&Table::new()), &world, self.sources, self.problems);
        world.buckets = DeclaredBuckets::read(table, &accounts, self.sources, self.problems);
        let inventory = self.shared_bucket(("inventory", "an inventory"), table, &world);
        let lock = self.shared_bucket(("lock", "a lock"), table, &world);
        let groups = self.groups(table, &defaults, &world.lost, &start);
        for name in groups.iter().flat_map(Group::environment) {
            if let Some(variable) = (self.given.env)(&name) {
                world.environment.insert(name, variable);
            }
        }
        let moved = table.get("moved").map(|entry| moved::read(&entry.item, self.problems)).unwrap_or_default();
        expand(&groups, &moved, &mut world, self.problems);
        let mut templates = Templates::new(self.files);
        let mut nodes = bind::bind(&groups, &world, &mut templates, self.sources, self.problems);
        same_stack::check(&nodes, &world, self.problems);
        unused::check(table, start.file, self.problems);
        // Whatever is left out was reported; should that ever fail, half a plan must not be taken for a whole one.
        let whole = nodes.len() == world.instances.len() && world.groups.values().all(|group| !group.broken);
        debug_assert!(whole || self.problems.any_errors(), "what is left out of a plan was reported");
        if !whole {
            cut_off(&mut nodes);
        }
        let whole = !self.problems.any_errors();
        let accounts = world.accounts.into_iter().filter_map(|(name, account)| Some((name, account?))).collect();
        // A name that cannot be read was reported.
        let name = world.name.unwrap_or_default();
        Some(Plan { name, region: world.region?, accounts, nodes, inventory, lock, path: path.to_owned(), whole })
    }

    fn shared_bucket(&mut self, key: (&str, &str), table: &Table, world: &World) -> Option<SharedBucket> {
        let entry = table.get(key.0)?;
        shared_bucket::read(key, &entry.item, world, self.sources, self.problems)
    }

    /// An abstract plan lacks what those that extend it say, so nothing more is said about it.
    fn check_abstract(&mut self, table: &Table) -> Option<()> {
        let Some(item) = table.get("abstract").map(|entry| &entry.item) else { return Some(()) };
        match item.data {
            Data::Boolean(false) => Some(()),
            Data::Boolean(true) => {
                let help = "name a plan that extends this one, or all: `orch validate plans/*.toml`";
                self.problems.error(codes::ABSTRACT, &item.span, "this plan is only there to be extended", help);
                None
            }
            _ => {
                self.problems.wrong_type(item, "true or false", ABSTRACT_HELP);
                None
            }
        }
    }

    /// Reports the keys that every plan needs, together.
    fn check_complete(&mut self, table: &Table, lost: &Lost, start: &Span) {
        let needed = [("name", "name = \"…\""), ("region", "region = \"us-east-1\""), ("accounts", "[accounts]")];
        let missing = needed.iter().filter(|(key, _)| !table.contains_key(*key) && !lost.has(key));
        if missing.clone().next().is_some() {
            let keys = words(&missing.clone().map(|(key, _)| *key).collect::<Vec<_>>());
            let lines = missing.map(|(_, line)| *line).collect::<Vec<_>>().join(", ");
            self.problems.error(codes::MISSING_KEY, start, format!("a plan needs {keys}"), format!("write {lines}"));
        }
    }

    fn name(&mut self, table: &Table, world: &World) -> Option<Arc<str>> {
        let (name, span) = self.constant("name", table, world)?;
        if !is_name(&name) {
            self.problems.error(codes::INVALID_NAME, &span, format!("`{name}` is not a name for a plan"), NAME_HELP);
            return None;
        }
        Some(name.into())
    }

    fn region(&mut self, table: &Table, world: &World) -> Option<Region> {
        let (text, span) = self.constant("region", table, world)?;
        region(&text.into(), &span, self.problems)
    }

    /// A key of the plan itself that must be known from the variables alone.
    fn constant(&mut self, key: &str, table: &Table, world: &World) -> Option<(String, Span)> {
        let item = &table.get(key)?.item;
        let Data::Text(text) = &item.data else {
            self.problems.wrong_type(item, "a text in quotes", &format!("write {key} = \"…\""));
            return None;
        };
        let text = Text::parse(text, &item.span, self.sources, self.problems)?;
        let scope = Scope { horizon: Horizon::Vars, ..Scope::plan(world) };
        Some((scope.constant_text(&text, self.problems)?, item.span.clone()))
    }

    /// `[defaults]`, with only those tables that can be used.
    fn defaults(&mut self, table: &Table, lost: &mut Lost) -> Table {
        let Some(entry) = table.get("defaults") else { return Table::new() };
        let Some(defaults) = self.table(&entry.item, "write [defaults.stacks], [defaults.accounts] and so on") else {
            return Table::new();
        };
        check_keys(defaults, &DEFAULTS, "[defaults]", self.problems);
        let mut usable = Table::new();
        for (name, entry) in defaults {
            let Some(values) = self.table(&entry.item, &format!("write [defaults.{name}]")) else {
                lost.lose_defaults(name);
                continue;
            };
            let known: Vec<&str> = match Kind::from_table(name) {
                Some(kind) => group::keys(kind).iter().copied().filter(|key| may_have_default(kind, key)).collect(),
                None if &**name == "accounts" => account::KEYS.into_iter().filter(|key| *key != "id").collect(),
                // Reported with its table: what is in it is meant for one that is there.
                None => continue,
            };
            check_keys(values, &known, &format!("[defaults.{name}]"), self.problems);
            if !values.keys().all(|key| known.contains(&&**key)) {
                lost.lose_defaults(name);
            }
            let values: Table = values
                .iter()
                .filter(|(key, _)| known.contains(&&***key))
                .map(|(key, entry)| (key.clone(), entry.clone()))
                .collect();
            let item = Item { span: entry.item.span.clone(), data: Data::Table(values) };
            usable.insert(name.clone(), Entry { key: entry.key.clone(), item });
        }
        usable
    }

    /// `[accounts]` with the defaults under each.
    fn accounts(&mut self, table: &Table, defaults: &Table) -> Table {
        let entry = table.get("accounts");
        let Some(own) = entry.and_then(|entry| self.table(&entry.item, "write [accounts] with one account a line"))
        else {
            return Table::new();
        };
        let mut whole = Table::new();
        for (name, entry) in own {
            if !is_name(name) {
                self.problems.error(
                    codes::INVALID_NAME,
                    &entry.key,
                    format!("`{name}` is not a name for an account"),
                    NAME_HELP,
                );
            }
            let mut entry = entry.clone();
            if let (Data::Table(table), Some(defaults)) =
                (&mut entry.item.data, defaults.get("accounts").and_then(|entry| entry.item.table()))
            {
                let own = std::mem::replace(table, defaults.clone());
                merge(table, own);
            }
            whole.insert(name.clone(), entry);
        }
        whole
    }

    fn groups(&mut self, table: &Table, defaults: &Table, lost: &Lost, start: &Span) -> Vec<Group> {
        let mut groups = Vec::new();
        for kind in Kind::ALL {
            let Some(entry) = table.get(kind.table()) else { continue };
            let help = format!("write [{}.NAME]", kind.table());
            let Some(tables) = self.table(&entry.item, &help) else { continue };
            let defaults = Defaults {
                table: defaults.get(kind.table()).and_then(|entry| entry.item.table()),
                whole: !lost.has_defaults(kind.table()),
            };
            groups.extend(group::read(kind, tables, &defaults, self.sources, self.problems));
        }
        if groups.is_empty() && !self.problems.any_errors() {
            let help = "declare at least one: [stacks.NAME]";
            self.problems.error(codes::EMPTY, start, "the plan has no stacks, peerings or routes", help);
        }
        groups
    }

    fn table<'t>(&mut self, item: &'t Item, help: &str) -> Option<&'t Table> {
        let table = item.table();
        if table.is_none() {
            self.problems.wrong_type(item, "a table", help);
        }
        table
    }
}
