//! What stacks were a moment ago, for looks that are behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::CloudFormation;
use super::stack::Stack;
use super::status::Status;
use crate::sim::world::{Place, World};

/// The latest versions of stacks by ARN, each with the time that it is of. It is kept only where looks may be behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past(BTreeMap<String, Vec<(Timestamp, Arc<Stack>)>>);

impl Past {
    /// Notes what a stack has been until now, if nothing is known of it yet.
    pub(super) fn note_before(&mut self, stack: &Stack) {
        if !self.0.contains_key(&stack.id) {
            let since = stack.events.last().map_or(stack.created, |event| event.at.max(stack.created));
            self.0.insert(stack.id.clone(), vec![(since, Arc::new(stack.clone()))]);
        }
    }

    /// Notes what a stack is from now on. What is older than anybody looks back is forgotten.
    pub(super) fn note(&mut self, stack: &Stack, now: Timestamp, memory: Duration) {
        let versions = self.0.entry(stack.id.clone()).or_default();
        versions.push((now, Arc::new(stack.clone())));
        let oldest = earlier(now, memory);
        while versions.get(1).is_some_and(|(since, _)| *since <= oldest) {
            versions.remove(0);
        }
    }

    /// What a stack was at a time; nothing before it was there.
    fn at<'a>(&'a self, stack: &'a Stack, time: Timestamp) -> Option<&'a Stack> {
        let Some(versions) = self.0.get(&stack.id) else { return Some(stack) };
        versions.iter().rev().find(|(since, _)| *since <= time).map(|(_, stack)| &**stack)
    }
}

fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// The stacks of a place as a look shows them that may be behind.
pub(super) struct Seen<'a> {
    world: &'a World,
    service: &'a CloudFormation,
}

impl<'a> Seen<'a> {
    pub(super) fn of(world: &'a World, place: &Place) -> Self {
        Self { world, service: &world.at(place).cloudformation }
    }

    /// The time that is looked at; `None` for the present.
    pub(super) fn time(&self) -> Option<Timestamp> {
        let behind = self.world.rules.staleness;
        (!behind.is_zero()).then(|| earlier(self.world.now, behind))
    }

    /// All stacks, those that are deleted too.
    pub(super) fn all(&self) -> Vec<&'a Stack> {
        let Some(time) = self.time() else { return self.service.all().collect() };
        self.service.all().filter_map(|stack| self.world.rules.past.at(stack, time)).collect()
    }

    /// Those that are not deleted.
    pub(super) fn live(&self) -> Vec<&'a Stack> {
        if self.time().is_none() {
            return self.service.live().collect();
        }
        self.all().into_iter().filter(|stack| stack.status != Status::DeleteComplete).collect()
    }

    /// The stack of a name that is not deleted, or of an ARN.
    pub(super) fn find(&self, name_or_arn: &str) -> Option<&'a Stack> {
        if self.time().is_none() {
            return self.service.find(name_or_arn);
        }
        let named = |stack: &&&Stack| stack.name == name_or_arn && stack.status != Status::DeleteComplete;
        let all = self.all();
        all.iter().find(named).or_else(|| all.iter().find(|stack| stack.id == name_or_arn)).copied()
    }
}
