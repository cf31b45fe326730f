//! Outputs that are taken before their stack is complete.

use std::collections::BTreeSet;

use super::{Attribute, Node, Spec};

impl Node {
    /// The outputs that this node takes of another before that is complete; `None` if it takes none so.
    ///
    /// A stack gives its outputs early to peerings and routes where it says so, and to a stack that says that it takes them;
    /// and only to those that need nothing else of it: its id, or an order without a value (`depends_on`), waits until it is
    /// complete.
    pub fn takes_early(&self, giver: &Self) -> Option<BTreeSet<String>> {
        let is_early = matches!(&giver.spec, Spec::Stack(stack) if stack.manage && stack.guards.early_outputs);
        let takes = match &self.spec {
            Spec::Stack(stack) => stack.manage && stack.guards.early_inputs.is_some(),
            Spec::Peering(_) | Spec::Route(_) => true,
        };
        if !is_early || !takes || self.after.iter().any(|after| after.nodes.contains(&giver.id)) {
            return None;
        }
        let of_it = self.needs.iter().filter(|need| need.node == giver.id);
        let names = of_it.map(|need| match &need.attribute {
            Some(Attribute::Output(name)) => Some(name.clone()),
            Some(Attribute::Id) | None => None,
        });
        names.collect::<Option<BTreeSet<String>>>().filter(|names| !names.is_empty())
    }
}
