//! What to do about a stack, by a first look at it.

use super::super::owner::Ownership;
use super::Wanted;
use crate::aws::{Phase, Stack};
use crate::event::Failure;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// There is none: create it.
    Create,
    /// Something of ours is under way: wait for it and look again.
    Wait,
    /// It is ours and at rest: see whether it is as it should be.
    Compare,
    /// It must not or cannot be touched.
    Refuse(Failure),
}

/// Decides by whose the stack is and by its status.
pub(super) fn decide(wanted: &Wanted, live: Option<&Stack>) -> Decision {
    let Some(stack) = live.filter(|stack| stack.status.phase() != Phase::Deleted) else { return Decision::Create };
    let ownership = wanted.owner.of(&stack.tags);
    if ownership != Ownership::Ours {
        return Decision::Refuse(not_ours(stack, &ownership));
    }
    match stack.status.phase() {
        Phase::InProgress => Decision::Wait,
        Phase::Ready | Phase::RolledBack => Decision::Compare,
        Phase::Failed | Phase::Review | Phase::Deleted => Decision::Refuse(unusable(stack)),
    }
}

/// The stack exists and belongs to somebody else.
pub(super) fn not_ours(stack: &Stack, ownership: &Ownership) -> Failure {
    Failure::new(format!("stack {} exists and is not this node's", stack.name), ownership.to_string())
        .help("give this node another `name`")
        .help("or, if only its outputs are needed, set `manage = false`")
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
    use std::collections::BTreeMap;

    use indexmap::IndexMap;

    use super::*;
    use crate::aws::StackStatus;
    use crate::kinds::Owner;

    pub(in super::super) fn wanted(template: &str) -> Wanted {
        Wanted {
            name: "us-east-1-dev".to_owned(),
            template: template.to_owned(),
            path: "spoke.yaml".into(),
            parameters: IndexMap::new(),
            tags: IndexMap::new(),
            capabilities: Vec::new(),
            owner: Owner { plan: "network".to_owned(), node: "stacks.spoke[dev]".parse().unwrap() },
        }
    }

    pub(in super::super) fn stack(status: &str, tags: &[(&str, &str)]) -> Stack {
        Stack {
            id: "arn:aws:cloudformation:us-east-1:222222222222:stack/us-east-1-dev/1".to_owned(),
            name: "us-east-1-dev".to_owned(),
            status: StackStatus::new(status),
            reason: None,
            parameters: BTreeMap::new(),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            outputs: BTreeMap::new(),
            created: None,
            updated: None,
            deleted: None,
            termination_protection: false,
        }
    }

    pub(in super::super) const OURS: [(&str, &str); 2] = [("orch:plan", "network"), ("orch:node", "stacks/spoke/dev")];

    fn decision(live: Option<&Stack>) -> &'static str {
        match decide(&wanted("{}"), live) {
            Decision::Create => "create",
            Decision::Wait => "wait",
            Decision::Compare => "compare",
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
            ("CREATE_FAILED", "refuse"),
            ("CREATE_IN_PROGRESS", "wait"),
            ("DELETE_COMPLETE", "create"),
            ("DELETE_FAILED", "refuse"),
            ("DELETE_IN_PROGRESS", "wait"),
            ("IMPORT_COMPLETE", "compare"),
            ("IMPORT_IN_PROGRESS", "wait"),
            ("IMPORT_ROLLBACK_COMPLETE", "compare"),
            ("IMPORT_ROLLBACK_FAILED", "refuse"),
            ("IMPORT_ROLLBACK_IN_PROGRESS", "wait"),
            ("REVIEW_IN_PROGRESS", "refuse"),
            ("ROLLBACK_COMPLETE", "refuse"),
            ("ROLLBACK_FAILED", "refuse"),
            ("ROLLBACK_IN_PROGRESS", "wait"),
            ("UPDATE_COMPLETE", "compare"),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "wait"),
            ("UPDATE_FAILED", "refuse"),
            ("UPDATE_IN_PROGRESS", "wait"),
            ("UPDATE_ROLLBACK_COMPLETE", "compare"),
            ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "wait"),
            ("UPDATE_ROLLBACK_FAILED", "refuse"),
            ("UPDATE_ROLLBACK_IN_PROGRESS", "wait"),
        ] {
            assert_eq!(decision(Some(&stack(status, &OURS))), expected, "{status}");
        }
    }

    #[test]
    fn a_stack_that_is_not_ours_is_refused_in_every_status() {
        let others = [("orch:plan", "other"), ("orch:node", "stacks/spoke/dev")];
        for status in ["CREATE_COMPLETE", "CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE"] {
            assert_eq!(decision(Some(&stack(status, &[]))), "refuse", "{status}");
            assert_eq!(decision(Some(&stack(status, &others))), "refuse", "{status}");
        }
        let Decision::Refuse(failure) = decide(&wanted("{}"), Some(&stack("CREATE_COMPLETE", &others))) else {
            unreachable!()
        };
        assert_eq!(failure.cause, "its tags say that it belongs to plan `other`, node `stacks/spoke/dev`");
        assert!(failure.help.iter().any(|help| help.contains("manage = false")));
    }
}
