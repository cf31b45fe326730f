//! Deleting a peering.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::find::{owned, unmarked};
use super::{SETTLED_AT_MOST, UNKNOWN_AT_MOST, pause};
use crate::aws::{CallError, Class, Peering, PeeringState};
use crate::kinds::{Change, Done, Failure, Outlook, Owner, Progress, Regional, Step};
use crate::preview::Action;

/// Deletes the owner's live peerings and waits until they are gone. They are found by their tags, so neither VPC needs to
/// be known, or to exist. Dead ones vanish by themselves.
///
/// # Errors
///
/// A peering cannot be deleted, or does not go away; or the one between two VPCs that the plan adopts bears no tags of orch:
/// nothing is deleted that does not bear the owner's.
pub async fn destroy(
    requester: &Regional,
    accepter: &Regional,
    owner: &Owner,
    adopted: Option<(&str, &str)>,
    progress: Progress<'_>,
) -> Result<Done, Failure> {
    let found = look(requester, accepter, owner, adopted).await?;
    let mut details = Vec::new();
    for (_, (side, peering)) in found {
        details.extend(remove(side, &peering, progress).await?);
    }
    let change = if details.is_empty() { Change::Absent } else { Change::Deleted };
    Ok(Done { details, ..Done::new(change) })
}

/// The owner's peerings, each with the side whose account bears the tags.
async fn look<'a>(
    requester: &'a Regional,
    accepter: &'a Regional,
    owner: &Owner,
    adopted: Option<(&str, &str)>,
) -> Result<BTreeMap<String, (&'a Regional, Peering)>, Failure> {
    let found = owned(requester, accepter, owner).await?;
    let lives = found.values().any(|(_, peering)| peering.state.is_live());
    if let Some(vpcs) = adopted.filter(|_| !lives)
        && let Some(peering) = unmarked(requester, accepter, owner, vpcs).await?
    {
        return Err(spared(owner, &peering));
    }
    Ok(found)
}

/// Looks for the owner's peerings and says what their deletion would do.
///
/// # Errors
///
/// As for [`destroy`].
pub async fn foresee_destroy(
    requester: &Regional,
    accepter: &Regional,
    owner: &Owner,
    adopted: Option<(&str, &str)>,
) -> Result<Outlook, Failure> {
    let found = look(requester, accepter, owner, adopted).await?;
    let live: Vec<&Peering> = found.values().map(|(_, own)| own).filter(|own| own.state.is_live()).collect();
    let Some(first) = live.first() else {
        let outlook = Outlook::new(requester, owner, "", Action::Nothing);
        return Ok(outlook.noting(["it is not there".to_owned()]));
    };
    let outlook = Outlook::new(requester, owner, &first.id, Action::Delete);
    let between = |own: &&Peering| format!("{} between {} and {}", own.id, own.requester.vpc, own.accepter.vpc);
    Ok(outlook.noting(live.iter().map(between)))
}

/// Deletes one peering by its id, if it bears the owner's tags in the account that looks, and waits until it is gone.
///
/// # Errors
///
/// It cannot be deleted, or does not go away.
pub async fn destroy_one(side: &Regional, id: &str, owner: &Owner, progress: Progress<'_>) -> Result<Done, Failure> {
    let found = side.peering(id).await?.filter(|peering| owner.owns(&peering.tags));
    let details: Vec<String> = match found {
        Some(peering) => remove(side, &peering, progress).await?.into_iter().collect(),
        None => Vec::new(),
    };
    let change = if details.is_empty() { Change::Absent } else { Change::Deleted };
    Ok(Done { details, ..Done::new(change) })
}

/// Deletes a peering unless it is dead, and waits until it is gone; says so if it was this that deleted it.
pub(super) async fn remove(
    side: &Regional,
    peering: &Peering,
    progress: Progress<'_>,
) -> Result<Option<String>, Failure> {
    let id = &peering.id;
    let leaving = matches!(&peering.state, PeeringState::Dead(state) if state == "deleting");
    if !peering.state.is_live() && !leaving {
        return Ok(None);
    }
    if !leaving {
        progress(Step { what: id, status: "DeleteVpcPeeringConnection", reason: None, event: None });
        delete(side, id).await?;
    }
    gone(side, id).await?;
    Ok((!leaving).then(|| format!("deleted {id}")))
}

/// A peering that the plan adopts and that does not bear the owner's tags yet.
fn spared(owner: &Owner, peering: &Peering) -> Failure {
    let (from, to) = (&peering.requester.vpc, &peering.accepter.vpc);
    Failure::new(
        format!("peering {} between {from} and {to} is adopted by the plan and not deleted", peering.id),
        "it bears no tags of orch",
    )
    .help(format!("if it is to be deleted, take it over first: `orch adopt PLAN '{}'`", owner.node))
    .help("if it is to stay, leave the node out with `--skip`, or take it out of the plan")
}

/// Begins to delete a peering. One that AWS is still making cannot be deleted yet; one that is on its way out already, by
/// an attempt whose answer was lost or by somebody else, is what is wanted.
async fn delete(side: &Regional, id: &str) -> Result<(), CallError> {
    let began = Instant::now();
    loop {
        let error = match side.delete_peering(id).await {
            Ok(()) => return Ok(()),
            Err(error) if error.class == Class::NotFound => return Ok(()),
            Err(error) if matches!(error.class, Class::Conflict | Class::Lost) => error,
            Err(error) => return Err(error),
        };
        let Some(peering) = side.peering(id).await? else { return Ok(()) };
        let patience = match peering.state {
            PeeringState::Dead(_) => return Ok(()),
            PeeringState::Initiating | PeeringState::Provisioning => SETTLED_AT_MOST,
            PeeringState::Pending | PeeringState::Active => UNKNOWN_AT_MOST,
        };
        if began.elapsed() > patience {
            return Err(error);
        }
        tracing::info!(%error, peering = id, state = %peering.state, "it cannot be deleted yet");
        tokio::time::sleep(pause(began.elapsed())).await;
    }
}

/// Waits until a peering is gone.
async fn gone(side: &Regional, id: &str) -> Result<(), Failure> {
    let began = Instant::now();
    let watched = side.watch_peering(id);
    let mut at = began;
    loop {
        match watched.seen_by(at).await? {
            None => return Ok(()),
            Some(peering) if matches!(&peering.state, PeeringState::Dead(state) if state != "deleting") => {
                return Ok(());
            }
            Some(peering) if began.elapsed() > SETTLED_AT_MOST => {
                return Err(Failure::new(
                    format!("peering {id} is in {} and does not go away", peering.state),
                    peering.message,
                )
                .help("run again: deleting goes on where it is"));
            }
            Some(_) => at = Instant::now() + pause(began.elapsed()),
        }
    }
}
