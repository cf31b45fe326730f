//! Bringing a peering of ours to life: accepting it on the other side and waiting until it is active.

use tokio::time::Instant;

use super::decide::Direction;
use super::{SETTLED_AT_MOST, Sides, UNKNOWN_AT_MOST, Wanted, pause};
use crate::aws::{CallError, Class, Peering, PeeringState, Regional, Step};
use crate::event::Failure;
use crate::kinds::{Course, Progress};

/// Accepts the peering where that is still to be done and waits until it is active. From the moment that it can be
/// accepted on, routes may lead into it, and its id is released. Gives it as the requesting side sees
/// it then, and a line if it was accepted here.
pub(super) async fn activate(
    sides: Sides<'_>,
    wanted: &Wanted,
    mut peering: Peering,
    direction: Direction,
    course: Course<'_>,
    progress: Progress<'_>,
) -> Result<(Peering, Option<String>), Failure> {
    let (asking, asked) = sides.as_asked(direction);
    let began = Instant::now();
    let mut accepted = None;
    let mut released = false;
    loop {
        if !released
            && matches!(peering.state, PeeringState::Pending | PeeringState::Provisioning | PeeringState::Active)
        {
            (course.release)(&peering.id);
            released = true;
        }
        match &peering.state {
            PeeringState::Active => return Ok((peering, accepted)),
            PeeringState::Pending if accepted.is_none() => {
                accept(asked, &peering.id).await?;
                progress(Step { what: &peering.id, status: "accepted", reason: None });
                accepted = Some(format!("accepted {} in {asked}", peering.id));
            }
            PeeringState::Initiating | PeeringState::Pending | PeeringState::Provisioning => {}
            PeeringState::Dead(state) => return Err(died(wanted, &peering, state)),
        }
        let age = began.elapsed();
        if age > SETTLED_AT_MOST {
            return Err(Failure::new(
                format!("peering {} is in {} and does not become active", peering.id, peering.state),
                peering.message,
            )
            .help("run again: it is taken up where it is"));
        }
        tokio::time::sleep(pause(age)).await;
        let state = peering.state.clone();
        // It is gone from view for a moment at worst: reads are eventually consistent.
        peering = asking.peering(&peering.id).await?.unwrap_or(peering);
        if peering.state != state {
            let status = peering.state.to_string();
            progress(Step { what: &peering.id, status: &status, reason: Some(&peering.message) });
        }
    }
}

/// Accepts a peering. The other side may need some seconds to know of it, and some more until it can accept.
pub(super) async fn accept(asked: &Regional, id: &str) -> Result<(), CallError> {
    let began = Instant::now();
    loop {
        let Err(error) = asked.accept_peering(id).await else { return Ok(()) };
        let may_pass = matches!(error.class, Class::NotFound | Class::Conflict | Class::Lost)
            // Another peering links the two VPCs already.
            && !error.is("VpcPeeringConnectionAlreadyExists");
        if !may_pass {
            return Err(error);
        }
        match asked.peering(id).await?.map(|peering| peering.state) {
            // An attempt had its effect and its answer was lost, or another run accepted it.
            Some(PeeringState::Active | PeeringState::Provisioning) => return Ok(()),
            None | Some(PeeringState::Initiating | PeeringState::Pending) if began.elapsed() < UNKNOWN_AT_MOST => {
                tokio::time::sleep(pause(began.elapsed())).await;
            }
            _ => return Err(error),
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
