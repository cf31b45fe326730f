//! The outputs that a stack was seeded with and keeps: much of what they are made of is known elsewhere alone.

use crate::cfn::{self, Node, Target, references};
use crate::sim::cloudformation::operation::Before;
use crate::sim::cloudformation::scope::Scope;

/// How deep conditions may lead into one another.
const MAX_DEPTH: usize = 64;

/// Whether an output has the value that it was seeded with, or is still not there: its text is the same, and so is all that
/// it refers to.
pub(super) fn keeps(scope: &Scope<'_>, told: &Before, declared: &cfn::Output) -> bool {
    let (old, new) = (told.config.template.document(), scope.config.template.document());
    if old.has_macros || new.has_macros {
        return false;
    }
    let Some(before) = old.outputs.get(&declared.name) else { return false };
    let (Some(was), Some(is)) = (before.value.as_deref(), declared.value.as_deref()) else { return false };
    let pair = Pair { scope, told, old, new };
    before.condition == declared.condition
        && declared.condition.as_deref().is_none_or(|name| pair.same_condition(name, 0))
        && pair.same_value(was, is)
        && match (before.export.as_deref(), declared.export.as_deref()) {
            (None, None) => true,
            (Some(was), Some(is)) => pair.same_value(was, is),
            _ => false,
        }
}

/// The stack as it was seeded, and as it is.
struct Pair<'a> {
    scope: &'a Scope<'a>,
    told: &'a Before,
    old: &'a cfn::Document,
    new: &'a cfn::Document,
}

impl Pair<'_> {
    fn same_value(&self, was: &Node, is: &Node) -> bool {
        // What is taken from other stacks these may have changed.
        was.same(is) && !is.to_json().to_string().contains("ImportValue") && self.same_references(is, 0)
    }

    fn same_references(&self, node: &Node, depth: usize) -> bool {
        references(node, &|_| None).iter().all(|found| match found.target {
            Target::Name(name) if name.starts_with("AWS::") => true,
            Target::Name(name) if self.new.parameters.contains_key(name) => {
                let value = |parameters: &indexmap::IndexMap<String, super::super::config::Parameter>| {
                    parameters.get(name).map(|parameter| parameter.effective().to_owned())
                };
                value(&self.told.config.parameters) == value(&self.scope.config.parameters)
            }
            Target::Name(name) => self.same_resource(name),
            // These change with other resources, and are known.
            Target::Attribute { attribute: None | Some("CidrBlockAssociations" | "Ipv6CidrBlocks"), .. } => false,
            Target::Attribute { resource, .. } => self.same_resource(resource),
            Target::Condition(name) => self.same_condition(name, depth + 1),
            Target::Mapping(name) => match (self.old.mappings.get(name), self.new.mappings.get(name)) {
                (Some(was), Some(is)) => was.same(is),
                _ => false,
            },
        })
    }

    fn same_resource(&self, name: &str) -> bool {
        match (self.told.resources.get(name), self.scope.resources.get(name)) {
            (Some(was), Some(is)) => was.physical_id == is.physical_id && was.properties == is.properties,
            (None, None) => true,
            _ => false,
        }
    }

    fn same_condition(&self, name: &str, depth: usize) -> bool {
        let (Some(was), Some(is)) = (self.old.conditions.get(name), self.new.conditions.get(name)) else {
            return false;
        };
        depth < MAX_DEPTH && was.same(is) && self.same_references(is, depth)
    }
}
