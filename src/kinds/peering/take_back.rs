//! Taking back a peering that was asked for on ground that did not hold.

use std::collections::BTreeSet;

use super::Sides;
use super::destroy::remove;
use crate::kinds::{Failure, Made, Owner, Progress, Regional};

/// Deletes what a run asked for: by its id, and, should an answer have been lost, whatever of the owner's stands between the
/// two VPCs and was not there before. Gives a line for each, and waits until all of it is gone.
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
) -> Result<Vec<String>, Failure> {
    let sides = Sides { requester, accepter };
    let mut ids: BTreeSet<String> = BTreeSet::new();
    for made in made {
        match made {
            Made::Peering(id) => ids.extend([id.clone()]),
            Made::Asked { vpcs: (one, other), before } => {
                let found = sides.look_between(one, other).await?;
                ids.extend(found.into_iter().map(|peering| peering.id).filter(|id| !before.contains(id)));
            }
            Made::RouteAsked(_) | Made::Route(_) => {}
        }
    }
    let mut details = Vec::new();
    for id in ids {
        if let Some(peering) = requester.peering(&id).await?.filter(|peering| owner.owns(&peering.tags)) {
            details.extend(remove(requester, &peering, progress).await?);
        }
    }
    Ok(details)
}
