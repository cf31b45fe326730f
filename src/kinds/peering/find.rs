//! Finding a peering by its owner.

use std::collections::BTreeMap;

use super::Sides;
use super::decide::furthest_first;
use crate::aws::Peering;
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
    let found = owned(requester, accepter, owner).await?;
    let mut live: Vec<&Peering> = found.values().map(|(_, peering)| peering).collect();
    live.retain(|peering| peering.state.is_live());
    furthest_first(&mut live);
    let first = match (live.first(), adopted) {
        (Some(first), _) => Some((*first).clone()),
        (None, Some(vpcs)) => unmarked(requester, accepter, owner, vpcs).await?,
        (None, None) => None,
    };
    Ok(first.map(|peering| Done {
        outputs: outputs(&peering),
        id: Some(peering.id.clone()),
        ..Done::new(Change::Read)
    }))
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

/// Every peering with the owner's tags, dead ones too, and the side whose account bears them. Tags are of the account
/// that asked for the peering; that may be the accepter's, if the plan was turned round since.
pub(super) async fn owned<'a>(
    requester: &'a Regional,
    accepter: &'a Regional,
    owner: &Owner,
) -> Result<BTreeMap<String, (&'a Regional, Peering)>, Failure> {
    let tags = owner.tags();
    let tags: Vec<(&str, &str)> = tags.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let mut found = BTreeMap::new();
    for side in [requester, accepter] {
        for peering in side.peerings_tagged(&tags).await? {
            found.entry(peering.id.clone()).or_insert((side, peering));
        }
    }
    Ok(found)
}
