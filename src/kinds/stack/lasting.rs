//! The outputs that a stack has and keeps, or that are known to become something else, when it is changed.

use std::collections::BTreeMap;

use super::declared::Declared;
use super::foresee::Draft;
use crate::aws::{Regional, Stack};
use crate::cfn::{Document, Evaluator, Node, Target, references};
use crate::kinds::Expected;
use crate::preview::{Effect, ResourceChange};

/// The outputs that are certain although the stack changes: those that follow from the parameters, and those that have
/// the value that they had, because their text is the same and so is all that it refers to.
///
/// `changes` is what the change set would do: a resource that is not in it keeps its attributes, and one that is changed
/// where it stands keeps its id; one of EC2 whose tags alone change keeps its attributes too.
pub(super) fn outputs(
    regional: &Regional,
    draft: &Draft,
    document: &Document,
    stack: &Stack,
    template: &str,
    changes: &[ResourceChange],
) -> BTreeMap<String, String> {
    let draft = &draft.keeping(stack);
    let wanted = Declared::new(regional, draft, document);
    let mut certain = wanted.outputs();
    let Some(before) = Document::shared(template).ok().filter(|before| !before.has_macros && !document.has_macros)
    else {
        return certain;
    };
    let was = Draft {
        parameters: stack
            .parameters
            .iter()
            .map(|(name, own)| (name.clone(), Expected::Known(own.value.clone())))
            .collect(),
        ..draft.clone()
    };
    let live = Declared::new(regional, &was, &before);
    let pair = Pair {
        evaluators: [live.evaluator(), wanted.evaluator()],
        same_mappings: same_section(&before, document, "Mappings"),
        live: &live,
        wanted: &wanted,
        changes,
    };
    for (name, value) in &stack.outputs {
        if !certain.contains_key(name) && pair.keeps(before.outputs.get(name), document.outputs.get(name)) {
            certain.insert(name.clone(), value.clone());
        }
    }
    certain
}

fn same_section(before: &Document, after: &Document, section: &str) -> bool {
    match (before.root.get(section), after.root.get(section)) {
        (None, None) => true,
        (Some(one), Some(other)) => one.same(other),
        _ => false,
    }
}

/// The stack before and after.
struct Pair<'a> {
    evaluators: [Evaluator<'a>; 2],
    same_mappings: bool,
    live: &'a Declared<'a>,
    wanted: &'a Declared<'a>,
    changes: &'a [ResourceChange],
}

impl Pair<'_> {
    /// Whether an output has the value after that it had before.
    fn keeps(&self, before: Option<&crate::cfn::Output>, after: Option<&crate::cfn::Output>) -> bool {
        let (Some(before), Some(after)) = (before, after) else { return false };
        let (Some(was), Some(will_be)) = (before.value.as_deref(), after.value.as_deref()) else { return false };
        before.condition.as_deref().is_none_or(|name| self.same_condition(name))
            && before.condition == after.condition
            && was.same(will_be)
            && !calls_import(will_be)
            && self.evaluators.iter().all(|evaluator| {
                references(will_be, &|name| evaluator.holds(name)).iter().all(|found| self.same_target(found.target))
            })
    }

    fn same_condition(&self, name: &str) -> bool {
        let [live, wanted] = &self.evaluators;
        live.holds(name).is_some_and(|held| wanted.holds(name) == Some(held))
    }

    fn same_target(&self, target: Target<'_>) -> bool {
        let change = |id: &str| self.changes.iter().find(|change| change.resource == id);
        let effect = |id: &str| change(id).map(|change| change.effect);
        match target {
            Target::Name(name) if name.starts_with("AWS::") => true,
            Target::Name(name) => match (self.live.parameter(name), self.wanted.parameter(name)) {
                (Some(live), Some(wanted)) => live == wanted,
                (None, None) if !self.live.declares(name) => {
                    matches!(effect(name), None | Some(Effect::Modify | Effect::Sync))
                }
                _ => false,
            },
            Target::Attribute { resource, .. } => change(resource).is_none_or(changes_tags_alone),
            Target::Condition(name) => self.same_condition(name),
            Target::Mapping(_) => self.same_mappings,
        }
    }
}

/// Whether nothing of a resource changes but its tags, which no attribute of EC2's shows. A tag of the stack changes them
/// at every resource.
fn changes_tags_alone(change: &ResourceChange) -> bool {
    change.effect == Effect::Modify
        && change.kind.starts_with("AWS::EC2::")
        && !change.properties.is_empty()
        && change.properties.iter().all(|property| property.path == "Tags" || property.path.starts_with("Tags/"))
}

/// Whether something is taken from other stacks, which may have changed it.
fn calls_import(node: &Node) -> bool {
    node.to_json().to_string().contains("Fn::ImportValue")
}
