//! `moved`: what nodes were called before.

use std::collections::{HashMap, HashSet};
use std::str::FromStr as _;

use super::codes;
use super::document::{Data, Item, check_keys};
use super::problems::Problems;
use super::world::World;
use crate::diag::Span;
use crate::ids::{Kind, NodeId};

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

/// Gives every instance the name that it had before, and says what of the entries cannot be meant.
pub(super) fn apply(moved: &[Moved], world: &mut World, problems: &mut Problems) {
    let mut by_id: HashMap<NodeId, Vec<usize>> = HashMap::new();
    for (index, instance) in world.instances.iter().enumerate() {
        by_id.entry(instance.id.clone()).or_default().push(index);
        // The group's name stands for all of its instances.
        if instance.id.key.is_some() {
            by_id.entry(NodeId { key: None, ..instance.id.clone() }).or_default().push(index);
        }
    }
    let broken: HashSet<(Kind, &str)> = world
        .groups
        .iter()
        .filter(|(_, group)| group.broken)
        .map(|((kind, name), _)| (*kind, name.as_ref()))
        .collect();
    let mut taken: HashMap<usize, Span> = HashMap::new();
    let mut left: HashMap<&NodeId, &Span> = HashMap::new();
    let mut formerly: Vec<(usize, NodeId)> = Vec::new();
    for Moved { from, to } in moved {
        if let Some(first) = left.insert(&from.id, &from.span) {
            let message = format!("`{}` is moved twice", from.id);
            problems.add(codes::MOVED, &from.span, message, |problem| {
                problem.help("take one of the two entries away").related(first.clone(), "the first")
            });
            continue;
        }
        if by_id.contains_key(&from.id) {
            let message = format!("`{}` is still in the plan", from.id);
            let help = "take this entry away, or the node that bears the name that another one had";
            problems.error(codes::MOVED, &from.span, message, help);
            continue;
        }
        let Some(found) = by_id.get(&to.id) else {
            // A group that could not be told was reported.
            if broken.contains(&(to.id.kind, &*to.id.group)) || world.lost.has(to.id.kind.table()) {
                continue;
            }
            let onward = moved.iter().find(|other| other.from.id == to.id && other.to.id != to.id);
            problems.error_with(codes::MOVED, &to.span, format!("there is no node `{}`", to.id), |search| {
                if let Some(onward) = onward {
                    let (from, to) = (&from.id, &onward.to.id);
                    return format!("that was moved itself: write {{ from = \"{from}\", to = \"{to}\" }}");
                }
                let names: Vec<String> = by_id.keys().map(ToString::to_string).collect();
                let meant = search.nearest(&to.id.to_string(), names.iter().map(String::as_str));
                meant.map_or_else(|| "name a node of the plan; `orch graph` lists them".to_owned(), |meant| {
                    format!("did you mean `{meant}`?")
                })
            });
            continue;
        };
        for index in found {
            if let Some(first) = taken.insert(*index, to.span.clone()) {
                let message = format!("`{}` was two nodes before", world.instances[*index].id);
                problems.add(codes::MOVED, &to.span, message, |problem| {
                    let help = "one node goes on with what one node had: take one of the two entries away, and what the other names has left the plan";
                    problem.help(help).related(first, "the first")
                });
                continue;
            }
            let now = &world.instances[*index].id;
            let key = if to.id.key.is_none() { now.key.clone() } else { from.id.key.clone() };
            formerly.push((*index, NodeId { key: key.or_else(|| from.id.key.clone()), ..from.id.clone() }));
        }
    }
    for (index, id) in formerly {
        world.instances[index].formerly = Some(id);
    }
}
