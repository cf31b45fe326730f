//! Finding a peering by its owner.

use std::collections::BTreeMap;

use super::decide::furthest_first;
use crate::aws::Peering;
use crate::kinds::{Change, Done, Failure, Owner, Regional};

/// Looks for the owner's live peering, of several for the one that has come furthest; `None` when there is none. It is found by its tags, so neither VPC needs to be
/// known, or to exist.
///
/// # Errors
///
/// It cannot be looked for.
pub async fn find(requester: &Regional, accepter: &Regional, owner: &Owner) -> Result<Option<Done>, Failure> {
    let found = owned(requester, accepter, owner).await?;
    let mut live: Vec<&Peering> = found.values().map(|(_, peering)| peering).collect();
    live.retain(|peering| peering.state.is_live());
    furthest_first(&mut live);
    let first = live.first();
    Ok(first.map(|peering| Done { outputs: outputs(peering), id: Some(peering.id.clone()), ..Done::new(Change::Read) }))
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
    let mut found = BTreeMap::new();
    for tags in owner.every_tags() {
        let tags: Vec<(&str, &str)> = tags.iter().map(|(key, value)| (*key, value.as_str())).collect();
        for side in [requester, accepter] {
            for peering in side.peerings_tagged(&tags).await? {
                found.entry(peering.id.clone()).or_insert((side, peering));
            }
        }
    }
    Ok(found)
}
