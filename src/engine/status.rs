//! Where a node stands, and how it may move on.

use crate::graph::Ix;

/// How a node's own work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Well: what needs it may run.
    Done,
    /// Badly: what needs it cannot run.
    Failed,
}

/// How a node ended. Every node ends once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It ran and ended well.
    Done,
    /// It ran and failed.
    Failed,
    /// It was left while it ran.
    Aborted,
    /// It did not run, since something that it needs failed.
    Skipped {
        /// The node that failed.
        because: Ix,
    },
    /// It did not run, since the run, or the roll-out of something, stopped before.
    NotStarted,
}

impl From<Outcome> for Fate {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Failed => Self::Failed,
        }
    }
}

/// Where a node stands. It only moves by [`Status::next`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Something that it needs is not done yet.
    Waiting,
    /// All that it needs is done; it waits for a free slot.
    Ready,
    /// It runs.
    Running,
    /// It has ended and does not move any more.
    Ended(Fate),
}

/// What can happen to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The last node that it needs is done.
    Unblock,
    /// It is given a slot.
    Start,
    /// Its work has ended.
    Finish(Outcome),
    /// It is left while it runs.
    Abort,
    /// Something that it needs failed.
    Skip {
        /// The node that failed.
        because: Ix,
    },
    /// The run, or a roll-out, stops before it started.
    Leave,
}

/// A step that a node cannot take from where it stands: whoever asked for it has lost count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("node {node} cannot take the step {step:?}: it is {status:?}")]
pub struct Illegal {
    /// The node.
    pub node: Ix,
    /// Where it stands.
    pub status: Status,
    /// The step.
    pub step: Step,
}

impl Status {
    /// Where `node`, which stands here, stands after a step.
    ///
    /// # Errors
    /// [`Illegal`] if the step does not lead on from here.
    pub const fn next(self, node: Ix, step: Step) -> Result<Self, Illegal> {
        Ok(match (self, step) {
            (Self::Waiting, Step::Unblock) => Self::Ready,
            (Self::Ready, Step::Start) => Self::Running,
            (Self::Running, Step::Finish(Outcome::Done)) => Self::Ended(Fate::Done),
            (Self::Running, Step::Finish(Outcome::Failed)) => Self::Ended(Fate::Failed),
            (Self::Running, Step::Abort) => Self::Ended(Fate::Aborted),
            (Self::Waiting, Step::Skip { because }) => Self::Ended(Fate::Skipped { because }),
            (Self::Waiting | Self::Ready, Step::Leave) => Self::Ended(Fate::NotStarted),
            (status, step) => return Err(Illegal { node, status, step }),
        })
    }

    /// Whether it has neither started nor ended.
    pub const fn is_unstarted(self) -> bool {
        matches!(self, Self::Waiting | Self::Ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_steps_lead_on() {
        let because = Ix(9);
        let fates = [Fate::Done, Fate::Failed, Fate::Aborted, Fate::Skipped { because }, Fate::NotStarted];
        let statuses = [Status::Waiting, Status::Ready, Status::Running].into_iter().chain(fates.map(Status::Ended));
        let steps = [
            Step::Unblock,
            Step::Start,
            Step::Finish(Outcome::Done),
            Step::Finish(Outcome::Failed),
            Step::Abort,
            Step::Skip { because },
            Step::Leave,
        ];
        let legal: Vec<_> = statuses
            .flat_map(|status| steps.map(|step| (status, step)))
            .filter_map(|(status, step)| Some((status, step, status.next(Ix(0), step).ok()?)))
            .collect();
        assert_eq!(
            legal,
            [
                (Status::Waiting, Step::Unblock, Status::Ready),
                (Status::Waiting, Step::Skip { because }, Status::Ended(Fate::Skipped { because })),
                (Status::Waiting, Step::Leave, Status::Ended(Fate::NotStarted)),
                (Status::Ready, Step::Start, Status::Running),
                (Status::Ready, Step::Leave, Status::Ended(Fate::NotStarted)),
                (Status::Running, Step::Finish(Outcome::Done), Status::Ended(Fate::Done)),
                (Status::Running, Step::Finish(Outcome::Failed), Status::Ended(Fate::Failed)),
                (Status::Running, Step::Abort, Status::Ended(Fate::Aborted)),
            ]
        );
    }

    #[test]
    fn an_illegal_step_says_what_stood_where() {
        let error = Status::Waiting.next(Ix(3), Step::Finish(Outcome::Done)).unwrap_err();
        assert_eq!(error.to_string(), "node #3 cannot take the step Finish(Done): it is Waiting");
    }
}
