//! Peerings over the embedded AWS, by way of the real SDK clients.

use std::time::Duration;

use super::super::Firm;
use super::super::tests::{DEV, HUB, Steps, at, calls_since, ec2, owner, sessions, sessions_by, unseen, vpc};
use super::*;
use crate::aws::Sessions;
use crate::aws::tests::between::{Asked, Said, between};
use crate::sim::{Effect, Fault, Faults, Sim, Timing};

pub(super) const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

/// A spoke in one account and a hub in another, perhaps in another region, and the peering that is wanted between them.
pub(super) struct World {
    pub(super) sim: Sim,
    pub(super) sessions: Sessions,
    pub(super) region: &'static str,
    pub(super) wanted: Wanted,
}

impl World {
    pub(super) async fn new(region: &'static str) -> Self {
        Self::of(Sim::builder().build(), region, "10.0.0.0/20").await
    }

    async fn faulty(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::of(Sim::builder().faults(Faults::of(faults)).build(), EAST, "10.0.0.0/20").await
    }

    pub(super) async fn of(sim: Sim, region: &'static str, hub_range: &str) -> Self {
        let spoke = vpc(&ec2(&sim, DEV, EAST), "10.0.16.0/20").await;
        let hub = vpc(&ec2(&sim, HUB, region), hub_range).await;
        let sessions = sessions(&sim).await;
        let wanted = Wanted {
            requester: Side { vpc: spoke, dns: None },
            accepter: Side { vpc: hub, dns: None },
            tags: IndexMap::from([("Purpose".to_owned(), "Infrastructure".to_owned())]),
            owner: owner("peerings.spoke[dev]"),
            adopt: Adopt::Never,
        };
        Self { sim, sessions, region, wanted }
    }

    /// By way of a script, which gives some answers in AWS's place.
    pub(super) async fn scripted(script: impl Fn(&Asked<'_>) -> Option<Said> + Send + Sync + 'static) -> Self {
        let world = Self::new(EAST).await;
        let sessions = sessions_by(&world.sim, between(&world.sim, script)).await;
        Self { sessions, ..world }
    }

    pub(super) async fn destroy(&self) -> Result<Done, Failure> {
        destroy(&self.dev(), &self.hub(), &self.wanted.owner, None, &unseen).await
    }

    pub(super) fn dev(&self) -> Regional {
        at(&self.sessions, "dev", EAST)
    }

    pub(super) fn hub(&self) -> Regional {
        at(&self.sessions, "hub", self.region)
    }

    pub(super) async fn converge(&self) -> Result<Done, Failure> {
        converge(&self.dev(), &self.hub(), &self.wanted, Firm::default().course(), &unseen).await
    }

    /// All peerings that the spoke's side knows, dead ones too.
    pub(super) async fn all(&self) -> Vec<Peering> {
        self.dev().peerings_between(&self.wanted.requester.vpc, &self.wanted.accepter.vpc).await.unwrap()
    }

    /// The ids of the live ones.
    pub(super) async fn live(&self) -> Vec<String> {
        self.all().await.into_iter().filter(|peering| peering.state.is_live()).map(|peering| peering.id).collect()
    }

    /// Somebody else's request between the two VPCs: from the spoke's side, or from the hub's.
    pub(super) async fn requested_by_somebody(&self, account: &str) -> String {
        let (spoke, hub) = (&self.wanted.requester.vpc, &self.wanted.accepter.vpc);
        let (region, own, peer_vpc, peer, peer_region) =
            if account == DEV { (EAST, spoke, hub, HUB, self.region) } else { (self.region, hub, spoke, DEV, EAST) };
        let request = ec2(&self.sim, account, region).create_vpc_peering_connection();
        let request = request.vpc_id(own).peer_vpc_id(peer_vpc).peer_owner_id(peer).peer_region(peer_region);
        request.send().await.unwrap().vpc_peering_connection.unwrap().vpc_peering_connection_id.unwrap()
    }

    /// Somebody else's acceptance of that.
    pub(super) async fn accepted_by_somebody(&self, requester: &str, id: &str) {
        let (account, region) = if requester == DEV { (HUB, self.region) } else { (DEV, EAST) };
        let accept = ec2(&self.sim, account, region).accept_vpc_peering_connection();
        accept.vpc_peering_connection_id(id).send().await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_peering_is_requested_accepted_and_active_and_a_second_time_nothing_happens() {
    for region in [EAST, WEST] {
        let world = World::new(region).await;
        let steps = Steps::default();
        let seen = steps.clone();
        let done =
            converge(&world.dev(), &world.hub(), &world.wanted, Firm::default().course(), &move |step| seen.take(step))
                .await
                .unwrap();
        assert_eq!(done.change, Change::Created);
        let id = done.id.unwrap();
        let live = world.all().await;
        assert_eq!(live.len(), 1);
        assert_eq!((live[0].id.as_str(), &live[0].state), (id.as_str(), &crate::aws::PeeringState::Active));
        assert_eq!(live[0].tags["Purpose"], "Infrastructure");
        assert_eq!(live[0].tags["orch:node"], "peerings/spoke/dev");
        assert_eq!(steps.all(), ["requested", "accepted", "provisioning", "active"].map(|step| format!("{id} {step}")));

        let before = world.sim.calls().len();
        let again = world.converge().await.unwrap();
        assert_eq!((again.change, again.id), (Change::Unchanged, Some(id)));
        // What this run has made itself is looked at on both sides.
        assert_eq!(calls_since(&world.sim, before), ["DescribeVpcPeeringConnections"; 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_peering_within_one_account_is_accepted_too() {
    let world = World::new(EAST).await;
    let client = ec2(&world.sim, HUB, EAST);
    let mut wanted = world.wanted.clone();
    wanted.requester.vpc = vpc(&client, "10.0.32.0/20").await;
    let done = converge(&world.hub(), &world.hub(), &wanted, Firm::default().course(), &unseen).await.unwrap();
    assert_eq!(done.change, Change::Created);
}

#[tokio::test(start_paused = true)]
async fn lost_answers_throttles_and_outages_make_no_second_peering() {
    for operation in ["CreateVpcPeeringConnection", "AcceptVpcPeeringConnection", "DescribeVpcPeeringConnections"] {
        for effect in [Effect::LostAfter, Effect::LostBefore, Effect::Throttle, Effect::ServerError, Effect::Refused] {
            let world = World::faulty([Fault::new(effect).on(operation).first(2)]).await;
            let done = world.converge().await.unwrap_or_else(|failure| panic!("{operation}, {effect:?}: {failure}"));
            assert_eq!(done.change, Change::Created, "{operation}, {effect:?}");
            assert_eq!(world.all().await.len(), 1, "{operation}, {effect:?}");
            assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_lost_for_all_attempts_of_the_sdk_are_looked_for() {
    // The SDK makes five attempts at a call.
    for times in [5, 8] {
        for effect in [Effect::LostAfter, Effect::LostBefore, Effect::ServerError, Effect::Refused] {
            for operation in [
                "CreateVpcPeeringConnection",
                "AcceptVpcPeeringConnection",
                "ModifyVpcPeeringConnectionOptions",
                "CreateTags",
                "DeleteVpcPeeringConnection",
            ] {
                let context = format!("{operation}, {effect:?}, {times} times");
                let mut world = World::faulty([Fault::new(effect).on(operation).first(times)]).await;
                world.wanted.requester.dns = Some(true);
                world.wanted.accepter.dns = Some(true);
                let done = world.converge().await.unwrap_or_else(|failure| panic!("{context}: {failure}"));
                assert_eq!(done.change, Change::Created, "{context}");
                assert_eq!(world.all().await.len(), 1, "{context}");
                world.wanted.tags.insert("Team".to_owned(), "net".to_owned());
                let done = world.converge().await.unwrap_or_else(|failure| panic!("{context}: {failure}"));
                assert_eq!(done.change, Change::Updated, "{context}");
                assert_eq!(world.converge().await.unwrap().change, Change::Unchanged, "{context}");
                let done = world.destroy().await.unwrap_or_else(|failure| panic!("{context}: {failure}"));
                assert_eq!(done.change, Change::Deleted, "{context}");
                assert!(world.live().await.is_empty(), "{context}");
                assert!(world.all().await.iter().all(|peering| peering.state.to_string() != "deleting"), "{context}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_peering_that_cannot_be_deleted_yet_is_deleted_later() {
    for times in [1, 6] {
        let world = World::scripted(move |asked| {
            (asked.operation == "DeleteVpcPeeringConnection" && asked.nth <= times).then(|| {
                Said::error(
                    "InvalidStateTransition",
                    "Invalid state transition for pcx-1, attempted to transition from provisioning to deleting",
                )
            })
        })
        .await;
        world.converge().await.unwrap();
        assert_eq!(world.destroy().await.unwrap().change, Change::Deleted);
        assert!(world.live().await.is_empty());
    }
    let world = World::scripted(|asked| {
        (asked.operation == "DeleteVpcPeeringConnection").then(|| Said::error("InvalidStateTransition", "never"))
    })
    .await;
    world.converge().await.unwrap();
    let failure = world.destroy().await.unwrap_err();
    assert_eq!(failure.cause, "never (InvalidStateTransition)");
}

#[tokio::test(start_paused = true)]
async fn an_accepter_to_whom_the_request_is_still_being_made_is_waited_for() {
    // Right after the request, when it is initiating on both sides.
    let world = World::new(EAST).await;
    let id = world.requested_by_somebody(DEV).await;
    let acceptance = (world.dev(), world.hub());
    let acceptance = accept::Acceptance::new((&acceptance.0, &acceptance.1), &id, None, &|| {});
    acceptance.accept(&crate::aws::PeeringState::Initiating).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.all().await[0].state, crate::aws::PeeringState::Active);

    // The accepter is behind the requester.
    let world = World::scripted(|asked| {
        (asked.operation == "AcceptVpcPeeringConnection" && asked.nth <= 6).then(|| {
            Said::error("InvalidStateTransition", "attempted to transition from initiating-request to provisioning")
        })
    })
    .await;
    assert_eq!(world.converge().await.unwrap().change, Change::Created);

    // Another link is in the way, which does not pass.
    let world = World::scripted(|asked| {
        (asked.operation == "AcceptVpcPeeringConnection")
            .then(|| Said::error("VpcPeeringConnectionAlreadyExists", "already exists"))
    })
    .await;
    let failure = world.converge().await.unwrap_err();
    assert_eq!(failure.cause, "already exists (VpcPeeringConnectionAlreadyExists)");
    let accepted = world.sim.calls().iter().filter(|call| call.operation.starts_with("Accept")).count();
    assert_eq!(accepted, 0, "the script has answered");
}

#[tokio::test(start_paused = true)]
async fn each_sides_dns_option_is_read_from_its_own_account() {
    /// The spoke is not told of the hub's options.
    fn own_side(text: String) -> String {
        let Some(at) = text.find("<accepterVpcInfo>") else { return text };
        let (before, after) = text.split_at(at);
        format!("{before}{}", after.replacen("peeringOptions>", "nothing>", 2))
    }
    let mut world = World::scripted(|asked| {
        (asked.operation == "DescribeVpcPeeringConnections" && asked.by_role).then_some(Said::Changed(own_side))
    })
    .await;
    world.wanted.accepter.dns = Some(true);
    world.converge().await.unwrap();
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
    world.wanted.accepter.dns = Some(false);
    assert_eq!(
        world.converge().await.unwrap().change,
        Change::Updated,
        "switched off though the spoke cannot see it on"
    );
}

#[tokio::test(start_paused = true)]
async fn of_several_live_peerings_the_one_that_has_come_furthest_is_found() {
    let world = World::new(EAST).await;
    let done = world.converge().await.unwrap();
    // Requests the other way round, with the node's tags, until one sorts before the active one.
    let (hub, spoke) = (world.wanted.accepter.vpc.clone(), world.wanted.requester.vpc.clone());
    let request = crate::aws::PeeringRequest {
        vpc: hub,
        peer_vpc: spoke,
        peer_account: DEV.to_owned(),
        peer_region: EAST.to_owned(),
        tags: world.wanted.owner.with(&world.wanted.tags),
    };
    world.hub().request_peering(&request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.live().await.len(), 2);
    // Whichever of the two ids is the smaller, and whichever side is asked first.
    for (one, other) in [(world.dev(), world.hub()), (world.hub(), world.dev())] {
        let found = find(&one, &other, &world.wanted.owner, None).await.unwrap().unwrap();
        assert_eq!((found.id.as_ref(), found.outputs["status"].as_str()), (done.id.as_ref(), "active"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_is_repaired_without_a_second_peering() {
    for mutations in 1..=4 {
        let mut world = World::new(EAST).await;
        world.wanted.requester.dns = Some(true);
        world.wanted.accepter.dns = Some(true);
        world.sim.stop_after(mutations);
        tokio::select! {
            result = world.converge() => panic!("mutation {mutations} is never reached: {result:?}"),
            () = world.sim.stopped() => {}
        }
        world.sim.resume();
        world.converge().await.unwrap();
        assert_eq!(world.all().await.len(), 1, "after mutation {mutations}");
        assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_peering_is_not_taken_whichever_side_asked_for_it() {
    for account in [DEV, HUB] {
        let world = World::new(EAST).await;
        let theirs = world.requested_by_somebody(account).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let before = world.sim.mutations();
        let failure = world.converge().await.unwrap_err();
        assert!(failure.summary.contains(&theirs) && failure.summary.contains("not this node's"), "{failure}");
        assert_eq!(failure.cause, "it has no tags of orch");
        assert_eq!(world.sim.mutations(), before, "nothing was touched");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_turned_round_keeps_its_peering() {
    let mut world = World::new(WEST).await;
    world.wanted.requester.dns = Some(true);
    let first = world.converge().await.unwrap();
    let turned = Wanted {
        requester: world.wanted.accepter.clone(),
        accepter: world.wanted.requester.clone(),
        ..world.wanted.clone()
    };
    let done = converge(&world.hub(), &world.dev(), &turned, Firm::default().course(), &unseen).await.unwrap();
    assert_eq!((done.change, done.id), (Change::Unchanged, first.id));
    let gone = destroy(&world.hub(), &world.dev(), &turned.owner, None, &unseen).await.unwrap();
    assert_eq!(gone.change, Change::Deleted);
    assert!(world.live().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_turned_plan_takes_up_a_request_that_was_left_unaccepted() {
    let world = World::new(EAST).await;
    world.sim.stop_after(1);
    tokio::select! {
        result = world.converge() => panic!("{result:?}"),
        () = world.sim.stopped() => {}
    }
    world.sim.resume();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let turned = Wanted {
        requester: world.wanted.accepter.clone(),
        accepter: world.wanted.requester.clone(),
        ..world.wanted.clone()
    };
    let done = converge(&world.hub(), &world.dev(), &turned, Firm::default().course(), &unseen).await.unwrap();
    assert_eq!(done.change, Change::Updated);
    assert_eq!(world.live().await, [done.id.unwrap()]);
}

#[tokio::test(start_paused = true)]
async fn overlapping_ranges_fail_in_awss_own_words_each_time_anew() {
    let world = World::of(Sim::builder().build(), EAST, "10.0.16.0/20").await;
    for _ in 0..2 {
        let failure = world.converge().await.unwrap_err();
        assert!(failure.summary.ends_with("is failed"), "{failure}");
        assert!(failure.cause.contains("overlapping CIDR range"), "{failure}");
        assert!(failure.help[0].contains("would fail again"), "{failure:?}");
    }
    assert_eq!(world.all().await.len(), 2, "dead ones are ignored");
}

#[tokio::test(start_paused = true)]
async fn after_a_rejection_a_new_one_is_requested_and_the_old_one_mentioned() {
    let world = World::new(EAST).await;
    world.sim.stop_after(1);
    tokio::select! {
        result = world.converge() => panic!("{result:?}"),
        () = world.sim.stopped() => {}
    }
    world.sim.resume();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let rejected = world.live().await.remove(0);
    let reject = ec2(&world.sim, HUB, EAST).reject_vpc_peering_connection().vpc_peering_connection_id(&rejected);
    reject.send().await.unwrap();
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Created);
    assert_ne!(done.id.as_ref(), Some(&rejected));
    assert!(done.details[0].contains(&format!("{rejected}, is rejected")), "{:?}", done.details);
}

#[tokio::test(start_paused = true)]
async fn after_an_expiry_a_new_one_is_requested_and_the_old_one_mentioned() {
    let world = World::new(EAST).await;
    world.sim.stop_after(1);
    tokio::select! {
        result = world.converge() => panic!("{result:?}"),
        () = world.sim.stopped() => {}
    }
    world.sim.resume();
    tokio::time::sleep(Duration::from_mins(7 * 24 * 60 + 1)).await;
    let expired = world.all().await.remove(0);
    assert_eq!(expired.state.to_string(), "expired");
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Created);
    assert!(done.details[0].contains(&format!("{}, is expired", expired.id)), "{:?}", done.details);
    assert_eq!(world.live().await, [done.id.unwrap()]);
}

#[tokio::test(start_paused = true)]
async fn after_a_deletion_by_hand_a_new_one_is_requested() {
    for account in [DEV, HUB] {
        let world = World::new(EAST).await;
        let old = world.converge().await.unwrap().id.unwrap();
        let delete = ec2(&world.sim, account, EAST).delete_vpc_peering_connection();
        delete.vpc_peering_connection_id(&old).send().await.unwrap();
        // At once, while it is still being deleted, and so after it is.
        let done = world.converge().await.unwrap();
        assert_eq!(done.change, Change::Created, "{account}");
        assert_ne!(done.id.as_ref(), Some(&old));
        assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
    }
}

#[tokio::test(start_paused = true)]
async fn dns_is_set_by_each_side_and_only_when_it_differs() {
    for region in [EAST, WEST] {
        let mut world = World::new(region).await;
        world.wanted.requester.dns = Some(true);
        world.wanted.accepter.dns = Some(true);
        let done = world.converge().await.unwrap();
        assert_eq!(done.details.iter().filter(|detail| detail.contains("DNS")).count(), 2, "{:?}", done.details);
        assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
        world.wanted.accepter.dns = Some(false);
        let before = world.sim.calls().len();
        assert_eq!(world.converge().await.unwrap().change, Change::Updated);
        assert_eq!(
            calls_since(&world.sim, before),
            // On both sides, and on the one whose option is told to nobody else.
            [
                "DescribeVpcPeeringConnections",
                "DescribeVpcPeeringConnections",
                "DescribeVpcPeeringConnections",
                "ModifyVpcPeeringConnectionOptions"
            ]
        );
        assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_is_new_in_the_plan_is_set() {
    let mut world = World::new(EAST).await;
    world.converge().await.unwrap();
    world.wanted.tags.insert("Team".to_owned(), "net".to_owned());
    let done = world.converge().await.unwrap();
    assert_eq!((done.change, done.details), (Change::Updated, vec!["set tags Team".to_owned()]));
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn destroying_deletes_only_our_own_and_needs_no_vpcs() {
    let world = World::new(WEST).await;
    world.converge().await.unwrap();
    let other = owner("peerings.other");
    let theirs = destroy(&world.dev(), &world.hub(), &other, None, &unseen).await.unwrap();
    assert_eq!(theirs.change, Change::Absent);
    assert_eq!(world.live().await.len(), 1);
    let done = destroy(&world.dev(), &world.hub(), &world.wanted.owner, None, &unseen).await.unwrap();
    assert_eq!(done.change, Change::Deleted);
    assert!(world.live().await.is_empty());
    let again = destroy(&world.dev(), &world.hub(), &world.wanted.owner, None, &unseen).await.unwrap();
    assert_eq!(again.change, Change::Absent);
}

#[tokio::test(start_paused = true)]
async fn a_side_that_learns_of_the_request_late_is_waited_for() {
    let timing = Timing { peering_visible: Duration::from_secs(20), ..Timing::default() };
    let world = World::of(Sim::builder().timing(timing).build(), WEST, "10.0.0.0/20").await;
    assert_eq!(world.converge().await.unwrap().change, Change::Created);
    let never = Timing { peering_visible: Duration::from_hours(1), ..Timing::default() };
    let world = World::of(Sim::builder().timing(never).build(), WEST, "10.0.0.0/20").await;
    let failure = world.converge().await.unwrap_err();
    assert!(failure.summary.starts_with("AcceptVpcPeeringConnection in account hub, us-west-2"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_peering_of_somebody_elses_is_adopted_untouched_either_way_round_and_taken_over_when_that_is_asked() {
    for (region, account) in [(EAST, DEV), (WEST, HUB)] {
        let mut world = World::new(region).await;
        world.wanted.tags.clear();
        let id = world.requested_by_somebody(account).await;
        let accepter = if account == DEV { (HUB, region) } else { (DEV, EAST) };
        tokio::time::sleep(Duration::from_secs(30)).await;
        let client = ec2(&world.sim, accepter.0, accepter.1);
        client.accept_vpc_peering_connection().vpc_peering_connection_id(&id).send().await.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        let refused = world.converge().await.unwrap_err();
        assert!(refused.help[0].contains("adopt = true"), "{refused:?}");

        world.wanted.adopt = Adopt::Declared;
        let before = world.sim.mutations();
        let done = world.converge().await.unwrap();
        assert_eq!(
            (done.change, done.id.as_deref(), done.details),
            (Change::Unchanged, Some(&*id), vec![STANDS.to_owned()])
        );
        assert_eq!(world.sim.mutations(), before);
        let (spoke, hub) = (world.wanted.requester.vpc.clone(), world.wanted.accepter.vpc.clone());
        let vpcs = Some((spoke.as_str(), hub.as_str()));
        let owner = world.wanted.owner.clone();
        assert!(find(&world.dev(), &world.hub(), &owner, None).await.unwrap().is_none());
        let found = find(&world.dev(), &world.hub(), &owner, vpcs).await.unwrap().unwrap();
        assert_eq!(found.id.as_deref(), Some(&*id));
        let kept = destroy(&world.dev(), &world.hub(), &owner, vpcs, &unseen).await.unwrap_err();
        assert!(kept.help[0].contains("take it over first"), "{kept:?}");
        assert_eq!(world.live().await, std::slice::from_ref(&id));

        world.wanted.adopt = Adopt::Now { from_others: false };
        let taken = world.converge().await.unwrap();
        assert_eq!((taken.change, taken.details[0].as_str()), (Change::Updated, TAKEN));
        world.wanted.adopt = Adopt::Never;
        assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
        assert_eq!(destroy(&world.dev(), &world.hub(), &owner, vpcs, &unseen).await.unwrap().change, Change::Deleted);
    }
}
