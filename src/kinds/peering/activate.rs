//! Bringing a peering of ours to life: having it accepted and waiting until it is active.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::accept::{Acceptance, Accepted, Answer, By};
use super::decide::{Decision, Direction, decide};
use super::{SETTLED_AT_MOST, Sides, UNKNOWN_AT_MOST, Wanted, pause};
use crate::aws::{CallError, Peering, PeeringState, Step};
use crate::event::Failure;
use crate::kinds::{Course, Progress};

/// How long an accepted peering is left alone before the first look: AWS needs about a second to make it active.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// A peering that was brought to life.
#[derive(Debug)]
pub(super) struct Activated {
    /// As it is, with the requesting side's tags.
    pub(super) peering: Peering,
    /// What to tell, if it was accepted here.
    pub(super) line: Option<String>,
    /// Whether it was made and accepted by this run, so that nobody else has had to do with it.
    pub(super) is_new: bool,
}

/// Accepts the peering where that is still to be done and waits until it is active. From the moment that it can be
/// accepted on, routes may lead into it, and its id is released. `asked_at` is when it was asked for, if it was made by that.
///
/// All peerings of a place are waited for together.
pub(super) async fn activate(
    sides: Sides<'_>,
    wanted: &Wanted,
    (mut peering, direction): (Peering, Direction),
    asked_at: Option<Instant>,
    course: Course<'_>,
    progress: Progress<'_>,
) -> Result<Activated, Failure> {
    let (asking, asked) = sides.as_asked(direction);
    let id = peering.id.clone();
    let released = AtomicBool::new(false);
    let release = || {
        if !released.swap(true, Ordering::Relaxed) {
            (course.release)(&id);
        }
    };
    if peering.state == PeeringState::Active {
        release();
        return Ok(Activated { peering, line: None, is_new: false });
    }
    let (mut line, mut by) = (None, By::Others);
    if peering.state.waits() {
        if peering.state == PeeringState::Pending {
            release();
        }
        let accepted = match Acceptance::new((asking, asked), &id, asked_at, &release).accept(&peering.state).await? {
            Answer::Accepted(accepted) => accepted,
            Answer::Linked(error) => beside(sides, wanted, &id, error).await?,
        };
        by = accepted.by;
        if by != By::Others {
            progress(Step { what: &id, status: "accepted", reason: None, event: None });
            line = Some(format!("accepted {id} in {asked}"));
        }
        (peering.state, peering.message) = (accepted.state, accepted.message);
        tell(&peering, progress);
    }
    if peering.state.is_live() {
        release();
    }
    // Where one account has many peerings, one look there shows them all.
    let watched = sides.busier().0.watch_peering(&id);
    let began = Instant::now();
    loop {
        match &peering.state {
            PeeringState::Active => break,
            PeeringState::Dead(state) => return Err(died(wanted, &peering, state)),
            PeeringState::Initiating | PeeringState::Pending | PeeringState::Provisioning => {}
        }
        let age = began.elapsed();
        if age > SETTLED_AT_MOST {
            return Err(Failure::new(
                format!("peering {id} is in {} and does not become active", peering.state),
                peering.message,
            )
            .help("run again: it is taken up where it is"));
        }
        let next = if age < FIRST_LOOK && line.is_some() { FIRST_LOOK } else { age + pause(age) };
        // It is gone from view for a moment at worst: reads are eventually consistent.
        let Some(seen) = watched.seen_by(began + next).await? else { continue };
        // One that was accepted may still be shown as it was before.
        if seen.state != peering.state && !seen.state.waits() {
            (peering.state, peering.message) = (seen.state, seen.message);
            tell(&peering, progress);
        }
    }
    let is_new = asked_at.is_some() && by == By::Us;
    if !is_new {
        // What others had to do with may have got other tags and settings since it was looked at.
        peering = asking.peering(&id).await?.filter(|seen| seen.state == peering.state).unwrap_or(peering);
    }
    Ok(Activated { peering, line, is_new })
}

fn tell(peering: &Peering, progress: Progress<'_>) {
    let status = peering.state.to_string();
    progress(Step { what: &peering.id, status: &status, reason: Some(&peering.message), event: None });
}

/// What to make of it that EC2 refuses an acceptance because another peering links the two VPCs. EC2 names the request and not
/// what is in its way, and what was seen before may be old: so both sides are looked at. Nothing is deleted.
async fn beside(sides: Sides<'_>, wanted: &Wanted, id: &str, error: CallError) -> Result<Accepted, Failure> {
    let began = Instant::now();
    loop {
        let found = sides.look_twice(wanted).await?;
        if let Some(own) = found.iter().find(|own| own.id == id && !own.state.waits()) {
            // An attempt had its effect and its answer was lost, or somebody else has accepted it.
            return Ok(Accepted::seen(own.clone()));
        }
        match decide(wanted, &found) {
            Decision::Refuse(failure) => {
                return Err(failure.help(format!("{id} was asked for as well, and nobody can accept it meanwhile")));
            }
            Decision::Keep(other) if other.id != id => {
                let help = format!("{} is this node's as well: run again, and it is used", other.id);
                return Err(Failure::from(error).help(help));
            }
            // What EC2 knows of may not be seen yet.
            Decision::Request | Decision::Keep(_) if began.elapsed() < UNKNOWN_AT_MOST => {
                tokio::time::sleep(pause(began.elapsed())).await;
            }
            Decision::Request | Decision::Keep(_) => {
                return Err(Failure::from(error).help("run again: it is taken up where it is"));
            }
        }
    }
}

/// A peering of ours that will never be active.
fn died(wanted: &Wanted, peering: &Peering, state: &str) -> Failure {
    let failure = Failure::new(format!("peering {} is {state}", peering.id), peering.message.clone());
    match state {
        "failed" => failure
            .help(format!(
                "if the address ranges of {} and {} overlap, change one of them: another request would fail again",
                wanted.requester.vpc, wanted.accepter.vpc
            ))
            .help("see that both VPCs exist in the accounts and regions that the plan names"),
        "rejected" => failure.help("its accepter rejected it: settle with them, then run again for a new request"),
        _ => failure.help("run again for a new request"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::decide::tests::wanted;
    use super::*;
    use crate::aws::PeeringSide;

    #[test]
    fn a_peering_that_failed_is_reported_in_awss_words() {
        let peering = Peering {
            id: "pcx-1".to_owned(),
            state: PeeringState::new("failed"),
            message: "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range".to_owned(),
            requester: PeeringSide::default(),
            accepter: PeeringSide::default(),
            tags: BTreeMap::new(),
        };
        let failure = died(&wanted(), &peering, "failed");
        assert_eq!(
            failure.to_string(),
            "peering pcx-1 is failed: Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"
        );
        assert!(failure.help[0].contains("vpc-dev and vpc-hub overlap"));
    }
}
