//! Taking back a peering that was asked for on ground that did not hold.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::destroy::remove;
use super::find::owned;
use super::{Sides, pause};
use crate::aws::{CallError, Peering};
use crate::kinds::lost::EFFECT_AT_MOST;
use crate::kinds::{Failure, Made, Owner, Progress, Regional, TakenBack};

/// Deletes what a run asked for: by its id, and, should an answer have been lost, whatever of the owner's stands between the
/// two VPCs and was not there before. Gives a line for each, and waits until all of it is gone. What does not bear the owner's
/// tags, or is not seen any more, is left and named.
///
/// A request that nobody has accepted would keep its VPC from being deleted as much as a peering does.
///
/// # Errors
///
/// It cannot be deleted, or does not go away.
pub async fn take_back(
    requester: &Regional,
    accepter: &Regional,
    owner: &Owner,
    made: &[Made],
    progress: Progress<'_>,
) -> Result<TakenBack, Failure> {
    let sides = Sides { requester, accepter };
    let mut ids: BTreeSet<String> = BTreeSet::new();
    for made in made {
        match made {
            Made::Peering(id) => ids.extend([id.clone()]),
            Made::Asked { vpcs: (one, other), before } => {
                let found = sides.look_between(one, other).await?;
                ids.extend(found.into_iter().map(|peering| peering.id).filter(|id| !before.contains(id)));
            }
            Made::RouteAsked(_) | Made::Route(_) | Made::StackAsked(_) | Made::Stack { .. } => {}
        }
    }
    let mut back = TakenBack::default();
    for id in ids {
        match seen(requester, &id).await? {
            Some(peering) if owner.owns(&peering.tags) => {
                back.details.extend(remove(requester, &peering, progress).await?);
            }
            Some(peering) if peering.state.is_live() => {
                back.add(TakenBack::left(format!("peering {id} is left, since it does not bear the node's tags")));
            }
            Some(_) => {}
            None => back.add(TakenBack::left(format!("peering {id} is not seen any more, and may be there"))),
        }
    }
    Ok(back)
}

/// A peering by its id. One that was asked for a moment ago may not be seen yet.
async fn seen(side: &Regional, id: &str) -> Result<Option<Peering>, CallError> {
    let began = Instant::now();
    loop {
        let seen = side.peering(id).await?;
        if seen.is_some() || began.elapsed() >= EFFECT_AT_MOST {
            return Ok(seen);
        }
        tokio::time::sleep(pause(began.elapsed())).await;
    }
}

/// The owner's live peerings that hold one of these VPCs, each by its id.
///
/// # Errors
///
/// They cannot be looked for.
pub async fn holding(
    requester: &Regional,
    accepter: &Regional,
    owner: &Owner,
    vpcs: &[String],
) -> Result<Vec<String>, Failure> {
    let found = owned(requester, accepter, owner).await?;
    let holds = |peering: &&Peering| holds(peering, vpcs);
    Ok(found.values().map(|(_, peering)| peering).filter(holds).map(|peering| peering.id.clone()).collect())
}

/// Deletes the owner's live peerings that hold one of these VPCs, and waits until they are gone. Gives a line for each.
///
/// # Errors
///
/// One cannot be deleted, or does not go away.
pub async fn let_go(
    requester: &Regional,
    accepter: &Regional,
    owner: &Owner,
    vpcs: &[String],
    progress: Progress<'_>,
) -> Result<Vec<String>, Failure> {
    let mut details = Vec::new();
    for (side, peering) in owned(requester, accepter, owner).await?.into_values() {
        if holds(&peering, vpcs) {
            details.extend(remove(side, &peering, progress).await?);
        }
    }
    Ok(details)
}

fn holds(peering: &Peering, vpcs: &[String]) -> bool {
    peering.state.is_live() && [&peering.requester.vpc, &peering.accepter.vpc].into_iter().any(|vpc| vpcs.contains(vpc))
}
