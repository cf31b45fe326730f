//! Finding a peering by its owner.

use std::collections::BTreeMap;

use super::Sides;
use super::decide::furthest_first;
use crate::aws::{Peering, PeeringState};
use crate::kinds::{Adopt, Change, Done, Failure, Owner, Regional};

/// Looks for the owner's live peering, of several for the one that has come furthest; `None` when there is none. It is found
/// by its tags, so neither VPC needs to be known, or to exist; or else it is the one between two VPCs, where the plan adopts
/// one that bears no tags of orch.
///
/// # Errors
///
/// It cannot be looked for.
pub async fn find(
    requester: &Regional,
    accepter: &Regional,
    owner: &Owner,
    adopted: Option<(&str, &str)>,
) -> Result<Option<Done>, Failure> {
    // One that is active by the picture will do; before it is said that there is none, or none yet, it is looked for.
    let shown = owned_by_picture(requester, accepter, owner).await?;
    if let Some(peering) = furthest(&shown, |state| *state == PeeringState::Active) {
        return Ok(Some(read(peering)));
    }
    let found = owned(requester, accepter, owner).await?;
    if let Some(peering) = furthest(&found, PeeringState::is_live) {
        return Ok(Some(read(peering)));
    }
    let Some(vpcs) = adopted else { return Ok(None) };
    Ok(unmarked(requester, accepter, owner, vpcs).await?.as_ref().map(read))
}

/// Of the peerings in a certain state the one that has come furthest.
fn furthest<'a>(found: &'a Owned<'_>, is_wanted: impl Fn(&PeeringState) -> bool) -> Option<&'a Peering> {
    let mut wanted: Vec<&Peering> = found.values().map(|(_, peering)| peering).collect();
    wanted.retain(|peering| is_wanted(&peering.state));
    furthest_first(&mut wanted);
    wanted.first().copied()
}

fn read(peering: &Peering) -> Done {
    Done { outputs: outputs(peering), id: Some(peering.id.clone()), ..Done::new(Change::Read) }
}

/// The live peering between two VPCs that the node adopts: the one that has come furthest, if it bears no tags of orch.
pub(super) async fn unmarked(
    requester: &Regional,
    accepter: &Regional,
    owner: &Owner,
    (one, other): (&str, &str),
) -> Result<Option<Peering>, Failure> {
    let found = Sides { requester, accepter }.look_between(one, other).await?;
    let mut live: Vec<&Peering> = found.iter().filter(|peering| peering.state.is_live()).collect();
    furthest_first(&mut live);
    let first = live.first().filter(|first| Adopt::Declared.spares(owner, &first.tags));
    Ok(first.map(|peering| (*peering).clone()))
}

/// What a peering has to tell besides its id.
pub(super) fn outputs(peering: &Peering) -> BTreeMap<String, String> {
    BTreeMap::from([("status".to_owned(), peering.state.to_string())])
}

/// Peerings by their ids, each with the side whose account bears the tags that were asked for.
type Owned<'a> = BTreeMap<String, (&'a Regional, Peering)>;

/// Every peering with the owner's tags, dead ones too, and the side whose account bears them. Tags are of the account
/// that asked for the peering; that may be the accepter's, if the plan was turned round since.
pub(super) async fn owned<'a>(
    requester: &'a Regional,
    accepter: &'a Regional,
    owner: &Owner,
) -> Result<Owned<'a>, Failure> {
    let mut found = BTreeMap::new();
    for named in owner.every_tags() {
        for side in [requester, accepter] {
            add(&mut found, side, side.peerings_tagged(&tags(&named)).await?);
        }
    }
    Ok(found)
}

/// The same by the picture of each account, or past it where that is not sure; none where none is alive.
pub(super) async fn owned_by_picture<'a>(
    requester: &'a Regional,
    accepter: &'a Regional,
    owner: &Owner,
) -> Result<Owned<'a>, Failure> {
    let mut found = BTreeMap::new();
    let both = [requester, accepter];
    let (busier, asks) = Sides { requester, accepter }.busier();
    // One that is alive is seen by both accounts, if by its tags in one alone.
    let seen = busier.pictured_peerings_with(both[usize::from(asks)]).await?;
    if seen.is_some_and(|seen| !seen.iter().any(|peering| peering.state.is_live())) {
        return Ok(found);
    }
    for named in owner.every_tags() {
        for side in both {
            let tagged = match side.pictured_peerings_tagged(&tags(&named)).await? {
                Some(tagged) => tagged,
                None => side.peerings_tagged(&tags(&named)).await?,
            };
            add(&mut found, side, tagged);
        }
    }
    Ok(found)
}

fn tags<'a>(of: &'a [(&'static str, String); 2]) -> [(&'static str, &'a str); 2] {
    of.each_ref().map(|(key, value)| (*key, value.as_str()))
}

fn add<'a>(found: &mut Owned<'a>, side: &'a Regional, tagged: Vec<Peering>) {
    for peering in tagged {
        found.entry(peering.id.clone()).or_insert((side, peering));
    }
}
