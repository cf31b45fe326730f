//! What to do about a stack, by a first look at it.

use super::super::Owner;
use super::super::adopt::remedies;
use super::super::owner::Ownership;
use super::Wanted;
use super::guards::protected_unfinished;
use crate::aws::{Phase, Stack};
use crate::event::Failure;
use crate::safeguard::{self, Safeguard};

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// There is none: create it.
    Create,
    /// Something of ours is under way: wait for it and look again.
    Wait,
    /// It is ours and at rest: see whether it is as it should be.
    Compare,
    /// It is ours and never was complete, so nothing of value is in it: delete it and create it anew.
    Recreate {
        /// What is done and why, for whoever is to know it before or afterwards.
        why: &'static str,
    },
    /// It is ours, and its creation was left where it failed: go on with it from there.
    Resume {
        /// The same.
        why: &'static str,
    },
    /// It is ours, and an update was left where it failed: take that back and look again.
    RollBack {
        /// The same.
        why: &'static str,
    },
    /// It is ours, and the rollback of an update has failed: go on with that and look again.
    ContinueRollback {
        /// The same.
        why: &'static str,
    },
    /// It must not or cannot be touched.
    Refuse(Failure),
}

impl Decision {
    /// What is done first, and why, where the stack is in no state to be compared.
    pub(super) const fn way(&self) -> Option<&'static str> {
        match self {
            Self::Recreate { why } | Self::Resume { why } | Self::RollBack { why } | Self::ContinueRollback { why } => {
                Some(why)
            }
            Self::Create | Self::Wait | Self::Compare | Self::Refuse(_) => None,
        }
    }
}

/// Decides by whose the stack is and by its status.
pub(super) fn decide(wanted: &Wanted, live: Option<&Stack>) -> Decision {
    let Some(stack) = live.filter(|stack| stack.status.phase() != Phase::Deleted) else {
        return if wanted.adopt.is_now() { Decision::Refuse(nothing_to_adopt(wanted)) } else { Decision::Create };
    };
    let ownership = wanted.owner.of(&stack.tags);
    if !wanted.adopt.takes(&ownership) && safeguard::holds(Safeguard::OwnershipBeforeChange) {
        return Decision::Refuse(not_ours(stack, &wanted.owner, &ownership));
    }
    let decision = match stack.status.phase() {
        Phase::InProgress => Decision::Wait,
        Phase::Ready | Phase::RolledBack => Decision::Compare,
        Phase::Failed | Phase::Review | Phase::Deleted => way_out(stack),
    };
    // RollbackStack deletes a stack that never had a stable state, too.
    let may_delete =
        matches!(decision, Decision::Recreate { .. } | Decision::Resume { .. } | Decision::RollBack { .. });
    match ownership {
        Ownership::Ours if !wanted.adopt.is_now() => decision,
        _ if may_delete => Decision::Refuse(broken(stack, &wanted.owner, &ownership)),
        _ => decision,
    }
}

/// There is nothing of that name to take over.
fn nothing_to_adopt(wanted: &Wanted) -> Failure {
    Failure::new(format!("stack {} does not exist, so it cannot be adopted", wanted.name), "")
        .help("see that `name`, `account` and `region` of the node are those of the stack")
        .help("if it is to be made, run `orch apply`")
}

/// The stack is in a state out of which only a way leads that may delete it, and it was not made by this node or is only to
/// be taken over.
fn broken(stack: &Stack, owner: &Owner, ownership: &Ownership) -> Failure {
    let failure = Failure::new(
        format!("stack {} is in {}, so it cannot be adopted", stack.name, stack.status),
        "what leads out of that may delete the stack, which orch does with its own only",
    );
    if *ownership == Ownership::Ours {
        return failure.help(format!("it bears the tags of {} already: `orch apply` leads it out of that", owner.node));
    }
    failure.help("have whoever made the stack bring it to rest, or delete it if it never was complete; then run again")
}

/// The way out of a state that CloudFormation updates nothing from. A stack that ever was complete is not deleted here:
/// only a first creation ends in `CREATE_FAILED`, `ROLLBACK_COMPLETE` or `ROLLBACK_FAILED`.
fn way_out(stack: &Stack) -> Decision {
    let is_to_go = matches!(stack.status.as_str(), "REVIEW_IN_PROGRESS" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED");
    if is_to_go && stack.termination_protection {
        return Decision::Refuse(protected_unfinished(&stack.name));
    }
    match stack.status.as_str() {
        "REVIEW_IN_PROGRESS" => Decision::Recreate {
            why: "deleted and created anew, since only a change set that nobody executed was in it",
        },
        "ROLLBACK_COMPLETE" => {
            Decision::Recreate { why: "deleted and created anew, since its creation had failed and was taken back" }
        }
        "ROLLBACK_FAILED" => Decision::Recreate {
            why: "deleted and created anew, since its creation had failed, and so it never was complete",
        },
        "CREATE_FAILED" => Decision::Resume {
            why: "the creation, which had failed with rollback switched off, gone on with from there",
        },
        "UPDATE_FAILED" => Decision::RollBack {
            why: "rolled back to its last stable state, since an update had failed with rollback switched off",
        },
        "UPDATE_ROLLBACK_FAILED" => {
            Decision::ContinueRollback { why: "the rollback of a failed update, which had failed too, gone on with" }
        }
        _ => Decision::Refuse(unusable(stack)),
    }
}

/// The stack exists and belongs to somebody else.
pub(super) fn not_ours(stack: &Stack, owner: &Owner, ownership: &Ownership) -> Failure {
    let mut failure = unowned(stack, ownership);
    if stack.status.phase() == Phase::Review {
        return failure.help("only a change set that nobody executed is in it: execute or delete it, or have its owner delete the stack, which holds nothing");
    }
    failure.help.extend(remedies(owner, ownership));
    failure.help("else give this node another `name`").help("or, if only its outputs are needed, set `manage = false`")
}

/// The same without a remedy.
pub(super) fn unowned(stack: &Stack, ownership: &Ownership) -> Failure {
    Failure::new(format!("stack {} exists and is not this node's", stack.name), ownership.to_string())
}

/// The stack is ours and in a state from which CloudFormation updates nothing.
fn unusable(stack: &Stack) -> Failure {
    let mut failure = Failure::new(
        format!("stack {} is in {} and cannot be updated", stack.name, stack.status),
        stack.reason.clone().unwrap_or_default(),
    );
    failure.help.extend(stack.status.remedy().map(str::to_owned));
    failure
}

#[cfg(test)]
pub(super) mod tests {
    use indexmap::IndexMap;

    use super::*;
    use crate::kinds::stack::{Delivery, Guards};
    use crate::kinds::{Adopt, Owner};

    pub(in super::super) fn wanted(template: &str) -> Wanted {
        Wanted {
            name: "us-east-1-dev".to_owned(),
            template: template.into(),
            path: "spoke.yaml".into(),
            parameters: IndexMap::new(),
            kept: Vec::new(),
            tags: IndexMap::new(),
            capabilities: Vec::new(),
            guards: Guards::default(),
            delivery: Delivery::default(),
            nested: Vec::new(),
            owner: Owner::new("network", "stacks.spoke[dev]".parse().unwrap()),
            sensitive: std::collections::BTreeSet::new(),
            reverts_drift: false,
            adopt: Adopt::Never,
        }
    }

    pub(in super::super) fn stack(status: &str, tags: &[(&str, &str)]) -> Stack {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Stack { tags, ..Stack::sample("us-east-1-dev", status) }
    }

    pub(in super::super) const OURS: [(&str, &str); 2] = [("orch:plan", "network"), ("orch:node", "stacks/spoke/dev")];

    fn decision(live: Option<&Stack>) -> &'static str {
        decision_adopting(Adopt::Never, live)
    }

    fn decision_adopting(adopt: Adopt, live: Option<&Stack>) -> &'static str {
        match decide(&Wanted { adopt, ..wanted("{}") }, live) {
            Decision::Create => "create",
            Decision::Wait => "wait",
            Decision::Compare => "compare",
            Decision::Recreate { .. } => "recreate",
            Decision::Resume { .. } => "resume",
            Decision::RollBack { .. } => "roll back",
            Decision::ContinueRollback { .. } => "continue the rollback",
            Decision::Refuse(_) => "refuse",
        }
    }

    #[test]
    fn absent_means_create() {
        assert_eq!(decision(None), "create");
    }

    #[test]
    fn every_status_of_our_own_stack_has_its_decision() {
        for (status, expected) in [
            ("CREATE_COMPLETE", "compare"),
            ("CREATE_FAILED", "resume"),
            ("CREATE_IN_PROGRESS", "wait"),
            ("DELETE_COMPLETE", "create"),
            ("DELETE_FAILED", "refuse"),
            ("DELETE_IN_PROGRESS", "wait"),
            ("IMPORT_COMPLETE", "compare"),
            ("IMPORT_IN_PROGRESS", "wait"),
            ("IMPORT_ROLLBACK_COMPLETE", "compare"),
            ("IMPORT_ROLLBACK_FAILED", "refuse"),
            ("IMPORT_ROLLBACK_IN_PROGRESS", "wait"),
            ("REVIEW_IN_PROGRESS", "recreate"),
            ("ROLLBACK_COMPLETE", "recreate"),
            ("ROLLBACK_FAILED", "recreate"),
            ("ROLLBACK_IN_PROGRESS", "wait"),
            ("UPDATE_COMPLETE", "compare"),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "wait"),
            ("UPDATE_FAILED", "roll back"),
            ("UPDATE_IN_PROGRESS", "wait"),
            ("UPDATE_ROLLBACK_COMPLETE", "compare"),
            ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "wait"),
            ("UPDATE_ROLLBACK_FAILED", "continue the rollback"),
            ("UPDATE_ROLLBACK_IN_PROGRESS", "wait"),
        ] {
            let stack = stack(status, &OURS);
            assert_eq!(decision(Some(&stack)), expected, "{status}");
            let way = decide(&wanted("{}"), Some(&stack));
            let led_out = !["compare", "create", "refuse", "wait"].contains(&expected);
            assert_eq!(way.way().is_some(), led_out, "{status}");
        }
    }

    #[test]
    fn an_adopted_stack_has_the_same_decisions_save_those_that_may_delete_it() {
        const OTHERS: [(&str, &str); 2] = [("orch:plan", "other"), ("orch:node", "stacks/spoke/dev")];
        let (now, from_others) = (Adopt::Now { from_others: false }, Adopt::Now { from_others: true });
        for (status, expected) in [
            ("CREATE_COMPLETE", "compare"),
            ("CREATE_FAILED", "refuse"),
            ("CREATE_IN_PROGRESS", "wait"),
            ("DELETE_FAILED", "refuse"),
            ("DELETE_IN_PROGRESS", "wait"),
            ("IMPORT_COMPLETE", "compare"),
            ("IMPORT_ROLLBACK_COMPLETE", "compare"),
            ("IMPORT_ROLLBACK_FAILED", "refuse"),
            ("REVIEW_IN_PROGRESS", "refuse"),
            ("ROLLBACK_COMPLETE", "refuse"),
            ("ROLLBACK_FAILED", "refuse"),
            ("UPDATE_COMPLETE", "compare"),
            ("UPDATE_FAILED", "refuse"),
            ("UPDATE_IN_PROGRESS", "wait"),
            ("UPDATE_ROLLBACK_COMPLETE", "compare"),
            ("UPDATE_ROLLBACK_FAILED", "continue the rollback"),
        ] {
            for adopt in [Adopt::Declared, now, from_others] {
                assert_eq!(decision_adopting(adopt, Some(&stack(status, &[]))), expected, "{status}, {adopt:?}");
            }
            for adopt in [Adopt::Declared, now] {
                assert_eq!(decision_adopting(adopt, Some(&stack(status, &OTHERS))), "refuse", "{status}, {adopt:?}");
            }
            assert_eq!(decision_adopting(from_others, Some(&stack(status, &OTHERS))), expected, "{status}");
            assert_eq!(decision_adopting(now, Some(&stack(status, &OURS))), expected, "{status}");
        }
        assert_eq!(decision_adopting(Adopt::Declared, None), "create");
        assert_eq!(decision_adopting(Adopt::Declared, Some(&stack("ROLLBACK_COMPLETE", &OURS))), "recreate");
        assert_eq!(decision_adopting(now, None), "refuse", "there is nothing to take over");
    }

    #[test]
    fn a_stack_that_is_not_ours_is_refused_in_every_status() {
        let others = [("orch:plan", "other"), ("orch:node", "stacks/spoke/dev")];
        for status in
            ["CREATE_COMPLETE", "CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "UPDATE_FAILED"]
        {
            assert_eq!(decision(Some(&stack(status, &[]))), "refuse", "{status}");
            assert_eq!(decision(Some(&stack(status, &others))), "refuse", "{status}");
        }
        let Decision::Refuse(failure) = decide(&wanted("{}"), Some(&stack("CREATE_COMPLETE", &others))) else {
            unreachable!()
        };
        assert_eq!(failure.cause, "its tags say that it belongs to plan `other`, node `stacks/spoke/dev`");
        for remedy in ["manage = false", "orch adopt PLAN 'stacks.spoke[dev]' --from-other"] {
            assert!(failure.help.iter().any(|help| help.contains(remedy)), "{remedy}: {:?}", failure.help);
        }
    }
}
