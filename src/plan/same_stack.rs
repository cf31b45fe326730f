//! No two nodes are the same stack.
//!
//! A stack is an account, a region and a name. Two nodes of one stack would each undo what the other does, and whichever
//! came second would find the stack with another node's tags on it.

use std::collections::HashMap;

use super::codes;
use super::node::{Node, Spec};
use super::problems::Problems;
use super::world::World;
use crate::ids::{AccountId, Region};

/// The node of each stack that the plan manages.
type Managed<'a> = HashMap<(&'a AccountId, &'a Region, &'a str), &'a Node>;

/// Reports nodes that are the same stack as another. Stacks that are only read may be read twice.
pub(super) fn check(nodes: &[Node], world: &World, problems: &mut Problems) {
    let mut managed = Managed::new();
    for node in nodes {
        let Some((stack, true)) = stack(node, world) else { continue };
        if let Some(first) = managed.get(&stack) {
            let message = format!("`{}` is the same stack as `{}`: {}", node.id, first.id, shown(stack));
            let same_group = first.id.group == node.id.group;
            problems.add(codes::SAME_STACK, &node.span, message, |problem| {
                let problem = if same_group { problem } else { problem.related(first.span.clone(), "the other one") };
                problem.help(if same_group {
                    "let the name tell the instances apart: name = \"{{ plan.name }}-{{ each.key }}-{{ self.region }}\""
                } else {
                    "give one of them another name: name = \"…\""
                })
            });
        } else {
            managed.insert(stack, node);
        }
    }
    for node in nodes {
        let Some((stack, false)) = stack(node, world) else { continue };
        if let Some(first) = managed.get(&stack) {
            let message = format!("`{}` only reads a stack that `{}` makes: {}", node.id, first.id, shown(stack));
            problems.add(codes::SAME_STACK, &node.span, message, |problem| {
                problem
                    .related(first.span.clone(), "it is made here")
                    .help(format!("refer to `{}` itself and take this one away", first.id))
            });
        }
    }
}

/// The stack that a node is, and whether the plan manages it.
fn stack<'a>(node: &'a Node, world: &'a World) -> Option<((&'a AccountId, &'a Region, &'a str), bool)> {
    let Spec::Stack(stack) = &node.spec else { return None };
    // In a draft its name may not be known.
    if stack.name.is_empty() {
        return None;
    }
    let account = world.accounts.get(&node.account)?.as_ref()?;
    Some(((&account.id, &node.region, &stack.name), stack.manage))
}

fn shown((account, region, name): (&AccountId, &Region, &str)) -> String {
    format!("{name} in account {account}, {region}")
}
