//! `moved`: what nodes were called before.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::str::FromStr as _;

use super::codes;
use super::document::{Data, Item, check_keys};
use super::problems::Problems;
use super::world::World;
use crate::diag::Span;
use crate::ids::NodeId;

/// The keys of an entry.
pub(super) const KEYS: [&str; 2] = ["from", "to"];

const HELP: &str = "write moved = [{ from = \"stacks.old\", to = \"stacks.new\" }]";
const NODE_HELP: &str = "write stacks.NAME, peerings.NAME or routes.NAME, with [KEY] for one instance of a group";

/// An entry: a node, an instance or a whole group, by its names before and now.
#[derive(Debug)]
pub(super) struct Moved {
    from: Name,
    to: Name,
}

#[derive(Debug)]
struct Name {
    id: NodeId,
    span: Span,
}

/// Reads the entries; what is wrong with one hides nothing of the others.
pub(super) fn read(item: &Item, problems: &mut Problems) -> Vec<Moved> {
    let Data::List(items) = &item.data else {
        problems.wrong_type(item, "a list", HELP);
        return Vec::new();
    };
    items.iter().filter_map(|item| entry(item, problems)).collect()
}

fn entry(item: &Item, problems: &mut Problems) -> Option<Moved> {
    let Some(table) = item.table() else {
        problems.wrong_type(item, "a table", HELP);
        return None;
    };
    check_keys(table, &KEYS, "an entry of `moved`", problems);
    let mut name = |key: &str| {
        let Some(entry) = table.get(key) else {
            let message = format!("this entry of `moved` needs `{key}`");
            problems.error(codes::MISSING_KEY, &item.span, message, HELP);
            return None;
        };
        let Data::Text(text) = &entry.item.data else {
            problems.wrong_type(&entry.item, "a text in quotes", HELP);
            return None;
        };
        let Ok(id) = NodeId::from_str(text) else {
            problems.error(codes::MOVED, &entry.item.span, format!("`{text}` does not name a node"), NODE_HELP);
            return None;
        };
        Some(Name { id, span: entry.item.span.clone() })
    };
    let (from, to) = (name("from"), name("to"));
    let moved = Moved { from: from?, to: to? };
    let (before, now) = (moved.from.id.kind, moved.to.id.kind);
    if before != now {
        let message = format!("a {before} cannot become a {now}");
        problems.error(codes::MOVED, &moved.to.span, message, format!("name a {before}, or take this entry away"));
        return None;
    }
    Some(moved)
}

/// Gives every instance the name that it had before, and says what of the entries cannot be meant. What is said of one
/// instance counts before what is said of its group, so that a group and one of its keys may be renamed at once.
pub(super) fn apply(moved: &[Moved], world: &mut World, problems: &mut Problems) {
    let former = Renaming::new(moved, world).work_out(problems);
    for (index, id) in former {
        world.instances[index].formerly = Some(id);
    }
}

struct Renaming<'a> {
    moved: &'a [Moved],
    world: &'a World,
    /// Places in [`World::instances`].
    nodes: HashMap<&'a NodeId, usize>,
    /// What the plan's nodes and groups are called, for the nearest to a slip.
    names: OnceCell<Vec<String>>,
}

impl<'a> Renaming<'a> {
    fn new(moved: &'a [Moved], world: &'a World) -> Self {
        let nodes = world.instances.iter().enumerate().map(|(index, instance)| (&instance.id, index)).collect();
        Self { moved, world, nodes, names: OnceCell::new() }
    }

    /// Instances by their places, and what each was called before.
    fn work_out(&self, problems: &mut Problems) -> Vec<(usize, NodeId)> {
        let mut left: HashMap<&NodeId, &Span> = HashMap::new();
        let mut arrived: HashMap<&NodeId, &Span> = HashMap::new();
        let (mut single, mut grouped) = (Vec::new(), Vec::new());
        for entry @ Moved { from, to } in self.moved {
            if let Some(first) = left.insert(&from.id, &from.span) {
                problems.add(codes::MOVED, &from.span, format!("`{}` is moved twice", from.id), |problem| {
                    problem.help("take one of the two entries away").related(first.clone(), "the first")
                });
                continue;
            }
            let is_group = self.is_group(&to.id);
            if self.is_there(&from.id, &to.id) {
                let message = format!("`{}` is still in the plan", from.id);
                let help = format!(
                    "call the new node otherwise; or run `orch adopt PLAN '{}'` without it, and give that the `name` that its stack has",
                    to.id
                );
                problems.error(codes::MOVED, &from.span, message, help);
            } else if !is_group && !self.nodes.contains_key(&to.id) {
                self.unknown(to, problems);
            } else if is_group && from.id.key.is_some() {
                let message = format!("one instance cannot become the whole group `{}`", to.id);
                let help = format!("name what the group was called, or the instance that it became: {}[KEY]", to.id);
                problems.error(codes::MOVED, &from.span, message, help);
            } else if let Some(first) = arrived.insert(&to.id, &to.span) {
                let were = if is_group { "groups" } else { "nodes" };
                problems.add(codes::MOVED, &to.span, format!("`{}` was two {were} before", to.id), |problem| {
                    let help = "what stands at AWS of one of them can go on as this: take the other entry away";
                    problem.help(help).related(first.clone(), "the first")
                });
            } else if is_group {
                grouped.push(entry);
            } else {
                single.push((self.nodes[&to.id], from.id.clone()));
            }
        }
        let named: HashSet<usize> = single.iter().map(|(index, _)| *index).collect();
        let taken: HashSet<NodeId> = single.iter().map(|(_, id)| id.clone()).collect();
        for Moved { from, to } in grouped {
            let members = &self.world.groups[&(to.id.kind, to.id.group.clone())].members;
            let members = members.iter().map(|index| (*index, self.world.instances[*index].id.key.clone()));
            let members = members.map(|(index, key)| (index, NodeId { key, ..from.id.clone() }));
            single.extend(members.filter(|(index, id)| !named.contains(index) && !taken.contains(id)));
        }
        single
    }

    /// Whether a name is that of a group, whose instances have keys.
    fn is_group(&self, id: &NodeId) -> bool {
        let group = self.world.groups.get(&(id.kind, id.group.clone()));
        id.key.is_none() && group.is_some_and(|group| group.keyed)
    }

    /// Whether the plan still has what bore a name before. A single node may have become an instance of a group that has its
    /// name, and the other way round.
    fn is_there(&self, before: &NodeId, now: &NodeId) -> bool {
        let became_a_group = now.group == before.group && now.key.is_some();
        self.nodes.contains_key(before) || (self.is_group(before) && !became_a_group)
    }

    /// Says that there is no node of a name, unless that may be because it could not be told.
    fn unknown(&self, to: &Name, problems: &mut Problems) {
        let group = self.world.groups.get(&(to.id.kind, to.id.group.clone()));
        if group.is_some_and(|group| group.broken) || self.world.lost.has(to.id.kind.table()) {
            return;
        }
        problems.error_with(codes::MOVED, &to.span, format!("there is no node `{}`", to.id), |search| {
            let onward = self.moved.iter().find(|other| other.from.id == to.id && other.to.id != to.id);
            if let Some(onward) = onward {
                return format!(
                    "`{}` was renamed once more: one entry says what it was made under and what it is called now, `to` is \"{}\" here",
                    to.id, onward.to.id
                );
            }
            let names = self.names.get_or_init(|| self.names());
            let meant = search.nearest(&to.id.to_string(), names.iter().map(String::as_str));
            meant.map_or_else(
                || "name a node of the plan; `orch graph` shows them".to_owned(),
                |meant| format!("did you mean `{meant}`?"),
            )
        });
    }

    fn names(&self) -> Vec<String> {
        let groups = self.world.groups.iter().filter(|(_, group)| group.keyed);
        let groups = groups.map(|((kind, group), _)| NodeId { kind: *kind, group: group.clone(), key: None });
        groups.chain(self.nodes.keys().map(|id| (*id).clone())).map(|id| id.to_string()).collect()
    }
}
