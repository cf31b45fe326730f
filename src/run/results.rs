//! How each node's own work has ended, until the engine says that the node has.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Job;
use crate::engine::Fate;
use crate::event::{Event, Failure};
use crate::graph::Ix;
use crate::kinds::Done;

/// What is known of the nodes that have not ended, or have ended just now.
#[derive(Debug, Default)]
pub(super) struct Results {
    kept: Mutex<HashMap<Ix, Worked>>,
}

/// What came of a node's work.
#[derive(Debug, Default)]
struct Worked {
    /// What it did, or why it failed; `None` if it was stopped.
    result: Option<Result<Done, Failure>>,
    /// How long it ran, in milliseconds.
    took_ms: u64,
    /// What was taken back of it, or why that could not be.
    taken_back: Option<Result<Vec<String>, Failure>>,
}

/// What is told of what a node gave.
fn outputs(done: &Done) -> BTreeMap<String, String> {
    let mut outputs = done.outputs.clone();
    outputs.extend(done.id.clone().map(|id| ("id".to_owned(), id)));
    outputs
}

impl Results {
    /// Keeps how a node's own work ended.
    pub(super) fn worked(&self, node: Ix, result: Option<Result<Done, Failure>>, took_ms: u64) {
        self.lock().insert(node, Worked { result, took_ms, taken_back: None });
    }

    /// Keeps that a node's work panicked, or what takes that back did.
    pub(super) fn panicked(&self, node: Ix, failure: Failure, took_ms: u64) {
        let mut kept = self.lock();
        let worked = kept.entry(node).or_insert_with(|| Worked { took_ms, ..Worked::default() });
        match &mut worked.result {
            None => worked.result = Some(Err(failure)),
            Some(Ok(_)) => worked.taken_back = Some(Err(failure)),
            Some(Err(error)) => error.help.push(failure.to_string()),
        }
    }

    /// Why a node's own work has failed, if it has.
    pub(super) fn failure(&self, node: Ix) -> Option<String> {
        let kept = self.lock();
        kept.get(&node)?.result.as_ref()?.as_ref().err().map(ToString::to_string)
    }

    /// Whether what a node did was taken back, or could not be.
    pub(super) fn is_taken_back(&self, node: Ix) -> bool {
        self.lock().get(&node).is_some_and(|worked| worked.taken_back.is_some())
    }

    /// Whether nothing is kept any more.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Forgets a node of which nothing is to be told.
    pub(super) fn forget(&self, node: Ix) {
        self.lock().remove(&node);
    }

    /// Keeps what came of taking a node back.
    pub(super) fn taken_back(&self, node: Ix, result: Result<Vec<String>, Failure>) {
        self.lock().entry(node).or_default().taken_back = Some(result);
    }

    /// What is to be told of a node whose work ran and that has ended.
    pub(super) fn told(&self, job: &Job, ix: Ix, fate: Fate) -> Option<Event> {
        let Worked { result, took_ms, taken_back } = self.lock().remove(&ix)?;
        let node = job.graph().id(ix).clone();
        match (fate, result, taken_back) {
            (Fate::Done, Some(Ok(done)), _) => {
                let outputs = outputs(&done);
                let Done { change, details, .. } = done;
                Some(Event::NodeDone { node, change, details, outputs, took_ms })
            }
            (Fate::Withdrawn { because }, _, taken_back) => {
                let because = job.graph().id(because).clone();
                let details = taken_back.and_then(Result::ok).unwrap_or_default();
                Some(Event::NodeWithdrawn { node, because, details, took_ms })
            }
            (Fate::Failed, Some(Err(mut error)), taken_back) => {
                error.help.extend(taken_back.and_then(remark));
                Some(Event::NodeFailed { node, error, took_ms })
            }
            (Fate::Failed, _, Some(Err(error))) => Some(Event::NodeFailed { node, error, took_ms }),
            _ => None,
        }
    }

    // Every change under this lock is a single one.
    fn lock(&self) -> MutexGuard<'_, HashMap<Ix, Worked>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What there is to say of a node that failed by itself while it stood on something that had not ended.
fn remark(taken_back: Result<Vec<String>, Failure>) -> Option<String> {
    match taken_back {
        Ok(details) if details.is_empty() => None,
        Ok(details) => {
            let what = details.join(", ");
            Some(format!("what it had made was taken back, since what it stands on was still under way: {what}"))
        }
        Err(failure) => Some(format!("what it had made could not be taken back: {failure}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_what_takes_a_failed_node_back_is_told_with_its_failure() {
        let (results, node) = (Results::default(), Ix(0));
        results.worked(node, Some(Err(Failure::new("CreateRoute was refused", ""))), 7);
        results.panicked(node, Failure::new("orch itself failed here", "index out of bounds"), 9);
        assert_eq!(results.failure(node).unwrap(), "CreateRoute was refused");
        let kept = results.lock().remove(&node).unwrap();
        let failure = kept.result.unwrap().unwrap_err();
        assert_eq!((failure.help, kept.took_ms), (vec!["orch itself failed here: index out of bounds".to_owned()], 7));
        assert!(kept.taken_back.is_none(), "it is told once");

        // Of one whose work was done it is what could not be taken back.
        results.worked(node, Some(Ok(Done::new(crate::event::Change::Created))), 7);
        results.panicked(node, Failure::new("orch itself failed here", ""), 9);
        let kept = results.lock().remove(&node).unwrap();
        assert!(kept.result.unwrap().is_ok() && kept.taken_back.unwrap().is_err());
    }

    #[test]
    fn what_is_left_of_a_failed_node_is_told_with_its_failure() {
        assert_eq!(remark(Ok(vec![])), None);
        assert_eq!(
            remark(Ok(vec!["deleted pcx-1".to_owned()])).unwrap(),
            "what it had made was taken back, since what it stands on was still under way: deleted pcx-1"
        );
        let failure = Failure::new("DeleteVpcPeeringConnection was refused", "");
        let remark = remark(Err(failure)).unwrap();
        assert_eq!(remark, "what it had made could not be taken back: DeleteVpcPeeringConnection was refused");
    }
}
