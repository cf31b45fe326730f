//! How a stack stands.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::compare::HIDDEN;
use super::ending;
use super::secrets::Secrets;
use crate::aws::{Parameter, Phase, Regional, Stack, StackEvent, first_failure};
use crate::event::{Failure, Health, Standing};
use crate::kinds::Claim;
use crate::kinds::adopt::{STANDS, remedies};

/// How a stack stands that was looked for, with why its last operation failed, if it did. With a claim it should be the
/// node's. Nothing is waited for: what is under way is told as such.
///
/// A reason is not told that may quote a secret which nobody has read here: that of a resource which is given something
/// hidden, be it by the template or as one of the `sensitive` parameters.
pub async fn standing(
    regional: &Regional,
    live: Option<&Stack>,
    claim: Option<Claim<'_>>,
    sensitive: &BTreeSet<String>,
) -> Standing {
    let standing = judge(live, claim);
    let Some(stack) = live.filter(|stack| asks_why(stack, &standing)) else { return standing };
    let reason = stack.reason.clone().unwrap_or_default();
    match regional.last_operation(&stack.id).await {
        Ok(events) => {
            let told = match first_failure(&events).filter(|event| !event.is_stack()) {
                Some(event) => unless_secret(regional, stack, event, sensitive).await,
                None => None,
            };
            standing.because(told.or_else(|| ending::cause(&events)).unwrap_or(reason))
        }
        // The stack's own reason only counts its resources; that is still better than nothing.
        Err(error) => {
            let refused = Failure::from(error);
            let standing = standing.because(reason).help(format!("why it failed was not told: {refused}"));
            refused.help.into_iter().fold(standing, Standing::help)
        }
    }
}

/// What is said of a resource's failure in the place of a reason that may quote a secret.
async fn unless_secret(
    regional: &Regional,
    stack: &Stack,
    event: &StackEvent,
    sensitive: &BTreeSet<String>,
) -> Option<String> {
    let is_hidden = |given: &Parameter| given.value == HIDDEN;
    if sensitive.is_empty() && !stack.parameters.values().any(is_hidden) {
        return None;
    }
    let touched = match regional.known_template(stack).await {
        Ok(template) => Secrets::of_marked(stack, &template, sensitive).touch(&event.resource),
        Err(_) => true,
    };
    let StackEvent { resource, kind, status, .. } = event;
    touched.then(|| {
        format!("{resource} ({kind}) ended in {status}; its reason may quote a secret and stands in the stack's events at AWS")
    })
}

/// Whether there is a failure whose cause the stack's events know.
fn asks_why(stack: &Stack, standing: &Standing) -> bool {
    match standing.health {
        Health::Failed => stack.status.phase() != Phase::Review,
        Health::UnderWay => stack.status.as_str().contains("ROLLBACK"),
        _ => false,
    }
}

/// How a stack stands, as far as a look at it alone tells.
fn judge(live: Option<&Stack>, claim: Option<Claim<'_>>) -> Standing {
    let Some(stack) = live.filter(|stack| stack.status.phase() != Phase::Deleted) else {
        return absent(claim);
    };
    let health = match stack.status.phase() {
        Phase::Ready => Health::Fine,
        Phase::InProgress => Health::UnderWay,
        Phase::RolledBack | Phase::Failed | Phase::Review | Phase::Deleted => Health::Failed,
    };
    let mut standing = Standing::new(health, stack.status.as_str());
    standing.id = Some(stack.id.clone());
    standing.since = stack.updated.or(stack.created).and_then(|millis| Timestamp::from_millisecond(millis).ok());
    if let Some(claim) = claim
        && let Some(ownership) = claim.disputed(&stack.tags)
    {
        standing.health = Health::Foreign;
        standing.help = remedies(claim.owner, &ownership);
        return standing.because(ownership.to_string()).help(
            "else give the node another `name`; or, if only the stack's outputs are needed, set `manage = false`",
        );
    }
    if claim.is_some_and(|claim| claim.adopt.spares(claim.owner, &stack.tags)) {
        standing = standing.help(format!("it {STANDS}"));
    }
    if health == Health::Failed {
        standing.help.extend(stack.status.remedy().map(str::to_owned));
    }
    standing
}

fn absent(claim: Option<Claim<'_>>) -> Standing {
    let standing = Standing::new(Health::Missing, "not there");
    match claim {
        Some(_) => standing,
        None => standing
            .help("the plan only reads it (`manage = false`): make it first, or correct its name, account or region"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::decide::tests::{OURS, stack};
    use super::*;
    use crate::kinds::{Adopt, Owner};

    fn owner() -> Owner {
        Owner::new("network", "stacks.spoke[dev]".parse().unwrap())
    }

    fn claim(owner: &Owner, adopt: Adopt) -> Claim<'_> {
        Claim { owner, adopt }
    }

    #[test]
    fn a_stack_that_the_plan_adopts_is_the_nodes() {
        let standing = judge(Some(&stack("CREATE_COMPLETE", &[])), Some(claim(&owner(), Adopt::Declared)));
        assert_eq!(standing.health, Health::Fine);
        assert!(standing.help[0].contains("`orch adopt`"), "{:?}", standing.help);
        let others = [("orch:plan", "other"), ("orch:node", "stacks/spoke/dev")];
        let standing = judge(Some(&stack("CREATE_COMPLETE", &others)), Some(claim(&owner(), Adopt::Declared)));
        assert_eq!(standing.health, Health::Foreign);
    }

    #[test]
    fn every_status_of_our_own_stack_has_its_health() {
        for (status, health, asks) in [
            ("CREATE_COMPLETE", Health::Fine, false),
            ("CREATE_FAILED", Health::Failed, true),
            ("CREATE_IN_PROGRESS", Health::UnderWay, false),
            ("DELETE_COMPLETE", Health::Missing, false),
            ("DELETE_FAILED", Health::Failed, true),
            ("DELETE_IN_PROGRESS", Health::UnderWay, false),
            ("IMPORT_COMPLETE", Health::Fine, false),
            ("IMPORT_ROLLBACK_FAILED", Health::Failed, true),
            ("REVIEW_IN_PROGRESS", Health::Failed, false),
            ("ROLLBACK_COMPLETE", Health::Failed, true),
            ("ROLLBACK_IN_PROGRESS", Health::UnderWay, true),
            ("UPDATE_COMPLETE", Health::Fine, false),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Health::UnderWay, false),
            ("UPDATE_ROLLBACK_COMPLETE", Health::Failed, true),
            ("UPDATE_ROLLBACK_FAILED", Health::Failed, true),
            ("UPDATE_ROLLBACK_IN_PROGRESS", Health::UnderWay, true),
        ] {
            let stack = stack(status, &OURS);
            let standing = judge(Some(&stack), Some(claim(&owner(), Adopt::Never)));
            assert_eq!((standing.health, asks_why(&stack, &standing)), (health, asks), "{status}");
        }
    }

    #[test]
    fn somebody_elses_stack_is_told_as_such_and_not_asked_about() {
        for status in ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_IN_PROGRESS"] {
            let stack = stack(status, &[]);
            let standing = judge(Some(&stack), Some(claim(&owner(), Adopt::Never)));
            assert_eq!((standing.health, standing.state.as_str()), (Health::Foreign, status));
            assert_eq!(standing.cause.as_deref(), Some("it has no tags of orch"));
            assert!(!asks_why(&stack, &standing));
        }
        assert_eq!(judge(Some(&stack("CREATE_COMPLETE", &[])), None).health, Health::Fine, "it is only read");
    }

    #[test]
    fn the_time_is_that_of_the_last_update_or_else_of_the_creation() {
        let mut live = stack("UPDATE_COMPLETE", &OURS);
        live.created = Some(1_000);
        assert_eq!(judge(Some(&live), None).since, Timestamp::from_millisecond(1_000).ok());
        live.updated = Some(2_000);
        assert_eq!(judge(Some(&live), None).since, Timestamp::from_millisecond(2_000).ok());
    }
}
