//! VPCs that a change takes out of a stack while peerings hold them.

use crate::aws::Regional;
use crate::preview::ResourceChange;

/// What there is to say of the VPCs that such a change would leave behind. CloudFormation deletes what it has replaced, or
/// no longer has, at the very end; EC2 deletes no VPC that is peered; and then the stack forgets about it. Where the
/// peerings are not told, nothing is said: this only adds to what is known.
pub(super) async fn vpcs(regional: &Regional, changes: &[ResourceChange]) -> Vec<String> {
    let lost: Vec<&ResourceChange> =
        changes.iter().flat_map(ResourceChange::all).filter(|change| change.effect.loses()).collect();
    let vpcs = lost.iter().filter(|change| change.kind == "AWS::EC2::VPC").filter_map(|change| change.id.as_deref());
    let vpcs: Vec<&str> = vpcs.collect();
    if vpcs.is_empty() {
        return Vec::new();
    }
    let Ok(peerings) = regional.pictured_peerings().await else { return Vec::new() };
    // Those that go with the same change hold nothing.
    let goes = |id: &str| lost.iter().any(|change| change.id.as_deref() == Some(id));
    let holding = |vpc: &str| -> Vec<String> {
        let held = peerings.iter().filter(|peering| peering.state.is_live() && !goes(&peering.id));
        let held =
            held.filter(|peering| [&peering.requester.vpc, &peering.accepter.vpc].into_iter().any(|one| one == vpc));
        held.map(|peering| peering.id.clone()).collect()
    };
    let said = vpcs.into_iter().filter_map(|vpc| {
        let holding = holding(vpc);
        let by = holding.join(", ");
        (!holding.is_empty()).then(|| format!("{vpc} stays in the account, outside of the stack: {by} would hold it"))
    });
    said.collect()
}
