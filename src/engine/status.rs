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
    /// It was left while it ran, while something that it stood on did, or while what it did was taken back for another's
    /// sake.
    Aborted,
    /// It ran on what another had released, which failed then: what it had done was taken back.
    Withdrawn {
        /// The node that failed.
        because: Ix,
    },
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
    /// Something that it needs is neither done nor released yet.
    Waiting,
    /// All that it needs is done or released; it waits for a free slot.
    Ready,
    /// It runs.
    Running,
    /// Its own work has ended well, and something that it stands on has not ended. It holds no slot.
    Provisional,
    /// Something that it stands on has failed, or it has itself while it stood on something: what it did is to be taken
    /// back, or is. It holds no slot.
    Withdrawing {
        /// The node that failed.
        because: Ix,
    },
    /// It has ended and does not move any more.
    Ended(Fate),
}

/// What can happen to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The last node that it needs is done, or has released what it needs.
    Unblock,
    /// It is given a slot.
    Start,
    /// It gives another what that needs of it, and goes on.
    Release,
    /// It says that it will not end well, and goes on.
    Recall,
    /// Its work has ended, and all that it stands on.
    Finish(Outcome),
    /// Its work has ended well before something that it stands on.
    Hold,
    /// The last node that it stands on has ended well.
    Settle,
    /// Something that it stands on has failed, or it has itself before that ended.
    Withdraw {
        /// The node that failed.
        because: Ix,
    },
    /// Its work, which was stopped, has ended.
    Halt,
    /// What it did was taken back, or could not be.
    Withdrawn(Outcome),
    /// It is left.
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
    /// Where `node`, which is here, is after a step.
    ///
    /// # Errors
    /// [`Illegal`] if the step does not lead on from here.
    pub const fn next(self, node: Ix, step: Step) -> Result<Self, Illegal> {
        Ok(match (self, step) {
            (Self::Waiting, Step::Unblock) => Self::Ready,
            (Self::Ready, Step::Start) | (Self::Running, Step::Release | Step::Recall) => Self::Running,
            (Self::Running, Step::Hold) => Self::Provisional,
            (Self::Running, Step::Finish(Outcome::Done)) | (Self::Provisional, Step::Settle) => Self::Ended(Fate::Done),
            (Self::Running | Self::Provisional, Step::Withdraw { because })
            // What it had still to say when it was stopped.
            | (Self::Withdrawing { because }, Step::Release | Step::Recall | Step::Halt) => Self::Withdrawing { because },
            (Self::Withdrawing { because }, Step::Withdrawn(Outcome::Done)) if because.0 != node.0 => {
                Self::Ended(Fate::Withdrawn { because })
            }
            (Self::Running, Step::Finish(Outcome::Failed)) | (Self::Withdrawing { .. }, Step::Withdrawn(_)) => {
                Self::Ended(Fate::Failed)
            }
            // That it failed is known already, and may be what all the others failed for.
            (Self::Withdrawing { because }, Step::Abort) if because.0 == node.0 => Self::Ended(Fate::Failed),
            (Self::Running | Self::Provisional | Self::Withdrawing { .. }, Step::Abort) => Self::Ended(Fate::Aborted),
            (Self::Waiting | Self::Ready, Step::Skip { because }) => Self::Ended(Fate::Skipped { because }),
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
        let fates = [
            Fate::Done,
            Fate::Failed,
            Fate::Aborted,
            Fate::Withdrawn { because },
            Fate::Skipped { because },
            Fate::NotStarted,
        ];
        let withdrawing = Status::Withdrawing { because };
        let statuses = [Status::Waiting, Status::Ready, Status::Running, Status::Provisional, withdrawing];
        let statuses = statuses.into_iter().chain(fates.map(Status::Ended));
        let steps = [
            Step::Unblock,
            Step::Start,
            Step::Release,
            Step::Recall,
            Step::Finish(Outcome::Done),
            Step::Finish(Outcome::Failed),
            Step::Hold,
            Step::Settle,
            Step::Withdraw { because },
            Step::Halt,
            Step::Withdrawn(Outcome::Done),
            Step::Withdrawn(Outcome::Failed),
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
                (Status::Ready, Step::Skip { because }, Status::Ended(Fate::Skipped { because })),
                (Status::Ready, Step::Leave, Status::Ended(Fate::NotStarted)),
                (Status::Running, Step::Release, Status::Running),
                (Status::Running, Step::Recall, Status::Running),
                (Status::Running, Step::Finish(Outcome::Done), Status::Ended(Fate::Done)),
                (Status::Running, Step::Finish(Outcome::Failed), Status::Ended(Fate::Failed)),
                (Status::Running, Step::Hold, Status::Provisional),
                (Status::Running, Step::Withdraw { because }, withdrawing),
                (Status::Running, Step::Abort, Status::Ended(Fate::Aborted)),
                (Status::Provisional, Step::Settle, Status::Ended(Fate::Done)),
                (Status::Provisional, Step::Withdraw { because }, withdrawing),
                (Status::Provisional, Step::Abort, Status::Ended(Fate::Aborted)),
                (withdrawing, Step::Release, withdrawing),
                (withdrawing, Step::Recall, withdrawing),
                (withdrawing, Step::Halt, withdrawing),
                (withdrawing, Step::Withdrawn(Outcome::Done), Status::Ended(Fate::Withdrawn { because })),
                (withdrawing, Step::Withdrawn(Outcome::Failed), Status::Ended(Fate::Failed)),
                (withdrawing, Step::Abort, Status::Ended(Fate::Aborted)),
            ]
        );
    }

    #[test]
    fn what_is_taken_back_for_its_own_failure_has_failed() {
        let own = Status::Withdrawing { because: Ix(0) };
        for step in [Step::Withdrawn(Outcome::Done), Step::Withdrawn(Outcome::Failed), Step::Abort] {
            assert_eq!(own.next(Ix(0), step), Ok(Status::Ended(Fate::Failed)), "{step:?}");
        }
    }

    #[test]
    fn an_illegal_step_says_what_stood_where() {
        let error = Status::Waiting.next(Ix(3), Step::Finish(Outcome::Done)).unwrap_err();
        assert_eq!(error.to_string(), "node #3 cannot take the step Finish(Done): it is Waiting");
    }
}
