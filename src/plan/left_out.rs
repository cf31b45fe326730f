//! What groups say whose instances could not be told.
//!
//! Why not was reported. Their paths are looked at all the same where they do not hang on the instance, so that a plan's
//! problems are told at once and not one behind the other.

use super::fields::{Declared, Key};
use super::group::{Body, Group};
use super::peering::DeclaredSide;
use super::problems::Problems;
use super::scope::{Horizon, Scope};
use super::text::Text;
use super::world::World;

/// Reports the paths of a group that lead nowhere whatever its instances are.
pub(super) fn check(group: &Group, world: &World, problems: &mut Problems) {
    let mut reader = Reader { world, problems };
    if let Key::Given(region) = &group.region {
        reader.value(region, Horizon::Place);
    }
    match &group.body {
        Body::Stack(stack) => {
            reader.text(stack.account.as_deref(), Horizon::Account);
            reader.text(given(&stack.name), Horizon::Name);
            reader.text(stack.template.as_deref(), Horizon::Name);
            reader.text(stack.guards.stack_policy.as_deref(), Horizon::Name);
            for value in stack.guards.values() {
                reader.value(value, Horizon::Values);
            }
            for setting in stack.parameters.values().chain(stack.tags.values()) {
                reader.value(&setting.value, Horizon::Values);
            }
        }
        Body::Peering(peering) => {
            for side in [&peering.requester, &peering.accepter].into_iter().flatten() {
                reader.side(side);
            }
            for tag in peering.tags.values() {
                reader.value(&tag.value, Horizon::Values);
            }
        }
        Body::Route(route) => {
            reader.text(route.account.as_deref(), Horizon::Account);
            for value in route.route_tables.iter().chain(&route.destination).chain(&route.via) {
                reader.value(value, Horizon::Values);
            }
        }
    }
}

fn given(key: &Key<std::sync::Arc<Text>>) -> Option<&Text> {
    match key {
        Key::Given(text) => Some(text),
        Key::Absent | Key::Broken => None,
    }
}

struct Reader<'a> {
    world: &'a World,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn side(&mut self, side: &DeclaredSide) {
        self.text(side.account.as_deref(), Horizon::Account);
        self.text(given(&side.region), Horizon::Place);
        if let Some(vpc) = &side.vpc {
            self.value(vpc, Horizon::Values);
        }
    }

    fn value(&mut self, declared: &Declared, horizon: Horizon) {
        match declared {
            Declared::Known { .. } | Declared::Broken { .. } => {}
            Declared::Text(text) => self.text(Some(text), horizon),
            Declared::List { items, .. } => items.iter().for_each(|item| self.value(item, horizon)),
            Declared::Supplied { supply, .. } => {
                supply.texts().into_iter().for_each(|(text, own)| self.text(Some(text), own.min(horizon)));
            }
        }
    }

    fn text(&mut self, text: Option<&Text>, horizon: Horizon) {
        let Some(text) = text else { return };
        let scope = Scope { horizon, ..Scope::plan(self.world) };
        for reference in text.expression.references() {
            let is_of_instance = matches!(reference.path.first().map(|root| &**root), Some("each" | "self"));
            if let (false, Err(miss)) = (is_of_instance, scope.find(&reference.path)) {
                miss.report_in(text, &reference.range, self.problems);
            }
        }
    }
}
