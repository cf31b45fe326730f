//! AWS `CloudFormation`: stacks that take time, resource by resource, over the world's EC2.
//!
//! A [`Stack`] is a value; what it is in the middle of is its [`Operation`], a graph of tasks that the world's timers
//! push on. `progress` does the pushing, `resource` knows what each type of resource is made of, `api` is the
//! protocol. Templates are read and evaluated by [`crate::cfn`].

mod api;
mod change;
mod change_set;
mod config;
mod drift;
mod event;
mod nested;
mod operation;
mod output;
mod past;
mod policy;
mod progress;
mod resource;
mod revert;
mod rollback;
mod scope;
pub(crate) mod seed;
mod stack;
mod status;
mod template;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub(crate) use api::handle;
pub use change::{Change, ChangeAction, Detail, Evaluation, Replacement};
pub use change_set::{ChangeSet, ChangeSetStatus, ExecutionStatus};
pub use config::{Config, Parameter};
pub use drift::{Detection, DetectionStatus, Difference, DifferenceType, Drift, ResourceDrift};
pub use drift::{ResourceDriftStatus, StackDriftStatus};
pub use event::Event;
pub use operation::{OnFailure, Operation};
pub use output::Output;
pub(crate) use past::Past;
pub use progress::Action;
pub use resource::Record;
pub use revert::LiveDrift;
pub use rollback::{RollbackTriggers, Trigger};
pub use stack::{Nested, Resource, Stack};
pub use status::{ResourceStatus, Status};
pub use template::Template;

use super::world::shelf::Changes;
use super::world::{Place, Shelf, World};

/// What `CloudFormation` holds for one account in one region, with the resources that are nobody else's here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudFormation {
    /// Stacks by ARN, those that are deleted too.
    pub stacks: Shelf<String, Box<Stack>>,
    /// The ARNs of the stacks that are not deleted, by name.
    names: Shelf<String, String>,
    /// What stacks export, by name.
    exports: Shelf<String, Export>,
    /// Resources of services that are not embedded, by type and physical id.
    pub records: Shelf<String, Record>,
}

/// How many deleted stacks an account remembers in a region.
const MOST_DELETED: usize = 100;

/// A value that one stack gives to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Export {
    stack: String,
    value: String,
}

/// What has changed since it was last written.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Delta {
    #[serde(skip_serializing_if = "Changes::is_empty")]
    stacks: Changes<String, Box<Stack>>,
    #[serde(skip_serializing_if = "Changes::is_empty")]
    names: Changes<String, String>,
    #[serde(skip_serializing_if = "Changes::is_empty")]
    exports: Changes<String, Export>,
    #[serde(skip_serializing_if = "Changes::is_empty")]
    records: Changes<String, Record>,
}

impl Delta {
    /// Whether nothing has.
    pub(crate) fn is_empty(&self) -> bool {
        self.stacks.is_empty() && self.names.is_empty() && self.exports.is_empty() && self.records.is_empty()
    }
}

impl CloudFormation {
    /// What has changed since it was last written.
    pub(crate) fn delta(&self) -> Delta {
        let Self { stacks, names, exports, records } = self;
        Delta {
            stacks: stacks.changes(),
            names: names.changes(),
            exports: exports.changes(),
            records: records.changes(),
        }
    }

    /// Takes over what has changed elsewhere.
    pub(crate) fn apply(&mut self, delta: Delta) {
        self.stacks.apply(delta.stacks);
        self.names.apply(delta.names);
        self.exports.apply(delta.exports);
        self.records.apply(delta.records);
    }

    /// All changes are written.
    pub(crate) fn written(&mut self) {
        let Self { stacks, names, exports, records } = self;
        stacks.written();
        names.written();
        exports.written();
        records.written();
    }

    /// Whether no stack is left but deleted ones, and no resource of theirs.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.records.is_empty()
    }

    /// The stack of a name that is not deleted, or of an ARN.
    pub fn find(&self, name_or_arn: &str) -> Option<&Stack> {
        let arn = self.names.get(name_or_arn).map_or(name_or_arn, String::as_str);
        self.stacks.get(arn).map(Box::as_ref)
    }

    /// All stacks, those that are deleted too.
    pub fn all(&self) -> impl Iterator<Item = &Stack> {
        self.stacks.values().map(Box::as_ref)
    }

    /// The stacks that are not deleted, by name.
    pub fn live(&self) -> impl Iterator<Item = &Stack> {
        self.names.values().filter_map(|arn| self.stacks.get(arn)).map(Box::as_ref)
    }

    /// Replaces what a stack exports.
    fn export(&mut self, stack: &Stack) {
        self.exports.retain(|_, export| export.stack != stack.id);
        for output in &stack.outputs {
            if let Some(name) = &output.export {
                let export = Export { stack: stack.id.clone(), value: output.value.clone() };
                self.exports.insert(name.clone(), export);
            }
        }
    }

    /// Forgets the stack that was deleted first, when too many deleted ones are remembered. AWS forgets after 90 days,
    /// by when a world on disk that is built and destroyed all day would be too large to write at every call.
    fn forget(&mut self) {
        if self.stacks.len().saturating_sub(self.names.len()) <= MOST_DELETED {
            return;
        }
        let deleted = self.stacks.values().filter_map(|stack| Some((stack.deleted?, stack.id.clone())));
        if let Some((_, id)) = deleted.min() {
            self.stacks.remove(&id);
        }
    }

    /// The names of the other stacks that import an export.
    fn importers(&self, export: &str, exporter: &str) -> Vec<&str> {
        let uses = |stack: &&Stack| stack.id != exporter && stack.imports.contains(export);
        self.live().filter(uses).map(|stack| stack.name.as_str()).collect()
    }
}

/// Works on a stack that is taken out of the world meanwhile, so that both can be changed.
fn with_stack<T>(
    world: &mut World,
    place: &Place,
    id: &str,
    work: impl FnOnce(&mut World, &mut Stack) -> T,
) -> Option<T> {
    let mut stack = world.at_mut(place).cloudformation.stacks.remove(id)?;
    let memory = world.rules.faults.staleness();
    if memory.is_some() {
        world.rules.past.note_before(&stack);
    }
    let value = work(world, &mut stack);
    if let Some(memory) = memory {
        world.rules.past.note(&stack, world.now, memory);
    }
    let service = &mut world.at_mut(place).cloudformation;
    if stack.status == Status::DeleteComplete {
        service.names.retain(|_, arn| arn != id);
    } else if service.names.get(&stack.name).is_none_or(|arn| arn != id) {
        service.names.insert(stack.name.clone(), id.to_owned());
    }
    service.stacks.insert(id.to_owned(), stack);
    service.forget();
    Some(value)
}
