//! Bringing a peering of ours to life: accepting it on the other side and waiting until it is active.

use std::time::Duration;

use tokio::time::Instant;

use super::decide::{Decision, Direction, decide};
use super::destroy::remove;
use super::{SETTLED_AT_MOST, Sides, UNKNOWN_AT_MOST, Wanted, pause};
use crate::aws::{CallError, Class, Peering, PeeringState, Regional, Step};
use crate::event::Failure;
use crate::kinds::{Course, Progress};

/// How long an accepted peering is left alone before the first look: AWS needs about a second to make it active.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// What EC2 says where another peering links the two VPCs.
const ALREADY_EXISTS: &str = "VpcPeeringConnectionAlreadyExists";

/// After how long without a sign of a request on the accepter's side the requester's is asked: nobody else sees one that
/// has failed.
const SILENCE: Duration = Duration::from_secs(2);

/// Accepts the peering where that is still to be done and waits until it is active. From the moment that it can be
/// accepted on, routes may lead into it, and its id is released. Gives it with the requesting side's tags, and a line if it
/// was accepted here. `asked_at` is when it was asked for, if that was just now.
///
/// It is accepted without a look, as soon as it may have arrived, and all peerings of a place are waited for together.
pub(super) async fn activate(
    sides: Sides<'_>,
    wanted: &Wanted,
    (mut peering, direction): (Peering, Direction),
    asked_at: Option<Instant>,
    course: Course<'_>,
    progress: Progress<'_>,
) -> Result<(Peering, Option<String>), Failure> {
    let (asking, asked) = sides.as_asked(direction);
    let id = peering.id.clone();
    let mut accepted = None;
    if matches!(peering.state, PeeringState::Initiating | PeeringState::Pending) {
        if peering.state == PeeringState::Pending {
            (course.release)(&id);
        }
        if let Some(asked_at) = asked_at {
            tokio::time::sleep_until(asked_at + asked.request_arrives()).await;
        }
        let answer = match accept(asking, asked, &id, asked_at).await {
            // Somebody else's has become active since it was looked for: this run's request is of no use.
            Err(error) if error.is(ALREADY_EXISTS) && asked_at.is_some() => {
                remove(asking, &peering, progress).await?;
                return Err(match decide(wanted, &sides.look(wanted).await?) {
                    Decision::Refuse(failure) => failure,
                    Decision::Request | Decision::Keep(_) => error.into(),
                });
            }
            answer => answer?,
        };
        if answer.state.is_live() {
            progress(Step { what: &id, status: "accepted", reason: None });
            accepted = Some(format!("accepted {id} in {asked}"));
        }
        (peering.state, peering.message) = (answer.state, answer.message);
        tell(&peering, progress);
    }
    if peering.state.is_live() {
        (course.release)(&id);
    }
    if peering.state == PeeringState::Active {
        return Ok((peering, accepted));
    }
    // Where one account has many peerings, one look there shows them all.
    let side = if asking.meet_peering() > asked.meet_peering() { asking } else { asked };
    let watched = side.watch_peering(&id);
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
        let next = if age < FIRST_LOOK && accepted.is_some() { FIRST_LOOK } else { age + pause(age) };
        // It is gone from view for a moment at worst: reads are eventually consistent.
        let Some(seen) = watched.seen_by(began + next).await? else { continue };
        // One that was accepted may still be shown as it was before.
        if seen.state != peering.state && !matches!(seen.state, PeeringState::Initiating | PeeringState::Pending) {
            (peering.state, peering.message) = (seen.state, seen.message);
            tell(&peering, progress);
        }
    }
    if asked_at.is_none() {
        // What there was before may have got other tags and settings since it was looked at.
        peering = asking.peering(&id).await?.filter(|seen| seen.state == peering.state).unwrap_or(peering);
    }
    Ok((peering, accepted))
}

fn tell(peering: &Peering, progress: Progress<'_>) {
    let status = peering.state.to_string();
    progress(Step { what: &peering.id, status: &status, reason: Some(&peering.message) });
}

/// Accepts a peering, and gives it as it is then: it may be dead. The other side may need some seconds to know of it, and
/// some more until it can accept; that is learnt for those that are asked for later.
pub(super) async fn accept(
    asking: &Regional,
    asked: &Regional,
    id: &str,
    asked_at: Option<Instant>,
) -> Result<Accepted, CallError> {
    let began = Instant::now();
    let watched = asked.watch_peering(id);
    let (mut refused, mut told) = (false, began);
    loop {
        let error = match asked.accept_peering(id).await {
            Ok(answer) => {
                if let Some(asked_at) = asked_at.filter(|_| refused) {
                    asked.note_arrival(asked_at.elapsed());
                }
                return Ok(Accepted::by(answer));
            }
            Err(error) => error,
        };
        let may_pass = matches!(error.class, Class::NotFound | Class::Conflict | Class::Lost)
            // Another peering links the two VPCs already.
            && !error.is(ALREADY_EXISTS);
        if !may_pass {
            return Err(error);
        }
        refused |= error.class != Class::Lost;
        loop {
            let age = began.elapsed();
            if age >= UNKNOWN_AT_MOST {
                return Err(error);
            }
            let mut seen = watched.seen_by(began + age + pause(age)).await?;
            if seen.as_ref().is_some_and(|seen| seen.state == PeeringState::Pending) {
                break;
            }
            let is_quiet = seen.as_ref().is_none_or(|seen| seen.state == PeeringState::Initiating);
            if is_quiet && told.elapsed() >= SILENCE {
                told = Instant::now();
                seen = asking.peering(id).await?;
            }
            match seen {
                None | Some(Peering { state: PeeringState::Initiating | PeeringState::Pending, .. }) => {}
                // An attempt had its effect and its answer was lost, or another run accepted it; or it never will be active.
                Some(peering) => return Ok(Accepted { state: peering.state, message: peering.message }),
            }
        }
    }
}

/// How a peering is after its acceptance.
#[derive(Debug)]
pub(super) struct Accepted {
    state: PeeringState,
    message: String,
}

impl Accepted {
    /// By the answer to its acceptance, which may tell the state from before.
    fn by(answer: Option<Peering>) -> Self {
        match answer {
            Some(Peering { state: state @ (PeeringState::Provisioning | PeeringState::Active), message, .. }) => {
                Self { state, message }
            }
            _ => Self { state: PeeringState::Provisioning, message: String::new() },
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
