//! What others do meanwhile, and what gets lost on the way, over the embedded AWS.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::super::course::Provisional;
use super::super::tests::{DEV, HUB, calls_since, sessions, sessions_by, unseen};
use super::super::{Firm, Made, TakenBack};
use super::accept::Acceptance;
use super::tests::{EAST, World};
use super::*;
use crate::aws::tests::between::{Asked, Said, between};
use crate::aws::{PeeringRequest, PeeringState};
use crate::sim::{Effect, Fault, Faults, Rates, Sim, Timing};

const ALREADY_EXISTS: &str = "VpcPeeringConnectionAlreadyExists";

impl World {
    /// The same world by way of a script.
    async fn by(self, script: impl Fn(&Asked<'_>) -> Option<Said> + Send + Sync + 'static) -> Self {
        let sessions = sessions_by(&self.sim, between(&self.sim, script)).await;
        Self { sessions, ..self }
    }

    /// The peerings of both accounts are listed: whatever others do from now on is not in the picture.
    async fn listed(self) -> Self {
        for side in [self.dev(), self.hub()] {
            side.pictured_peerings().await.unwrap();
        }
        self
    }

    /// Another run makes the node's peering.
    async fn converged_by_another_run(&self) -> String {
        let sessions = sessions(&self.sim).await;
        let other = Self { sim: self.sim.clone(), sessions, region: self.region, wanted: self.wanted.clone() };
        other.converge().await.unwrap().id.unwrap()
    }

    /// Asks for the peering as if there were none, and brings it to life.
    async fn ask_unseeing(&self, course: Course<'_>) -> Result<Requested, Failure> {
        let (dev, hub) = (self.dev(), self.hub());
        request(Sides { requester: &dev, accepter: &hub }, &self.wanted, &[], course, &unseen).await
    }

    async fn back(&self, made: &[Made]) -> TakenBack {
        take_back(&self.dev(), &self.hub(), &self.wanted.owner, made, &unseen).await.unwrap()
    }

    async fn taken_back(&self, made: &[Made]) -> Vec<String> {
        self.back(made).await.details
    }

    /// The calls from the `from`th on that change something.
    fn changes(&self, from: usize) -> Vec<String> {
        calls_since(&self.sim, from).into_iter().filter(|call| !call.starts_with("Describe")).collect()
    }
}

/// An answer that shows no peerings.
fn empty(text: String) -> String {
    match (text.find("<vpcPeeringConnectionSet>"), text.find("</vpcPeeringConnectionSet>")) {
        (Some(begin), Some(end)) => format!("{}{}", &text[..begin], &text[end + "</vpcPeeringConnectionSet>".len()..]),
        _ => text,
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_who_is_faster_than_our_request_is_found_out() {
    // Theirs cannot be seen when we look, so we ask, and AWS gives theirs back.
    let mut world = World::new(EAST).await;
    let theirs = world.requested_by_somebody(DEV).await;
    let provisional = Provisional::default();
    let failure = world.ask_unseeing(provisional.course()).await.unwrap_err();
    assert!(failure.summary.contains(&theirs), "{failure}");
    assert_eq!(world.live().await, std::slice::from_ref(&theirs));
    assert!(!provisional.trace.made().contains(&Made::Peering(theirs.clone())));

    // Where the plan adopts what is nobody's, it is as good as found.
    world.wanted.adopt = Adopt::Declared;
    let provisional = Provisional::default();
    let asked = world.ask_unseeing(provisional.course()).await.unwrap();
    assert_eq!((&asked.peering.id, asked.is_made, asked.asked_at), (&theirs, false, None));
    let vpcs = (world.wanted.requester.vpc.clone(), world.wanted.accepter.vpc.clone());
    assert_eq!(provisional.trace.made(), [Made::Asked { vpcs, before: vec![theirs] }]);
}

#[tokio::test(start_paused = true)]
async fn what_others_have_made_since_the_accounts_were_listed_is_seen_before_anything_is_done() {
    for account in [DEV, HUB] {
        for is_accepted in [false, true] {
            let world = World::new(EAST).await.listed().await;
            let theirs = world.requested_by_somebody(account).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            if is_accepted {
                world.accepted_by_somebody(account, &theirs).await;
            }
            let before = world.sim.calls().len();
            let failure = world.converge().await.unwrap_err();
            assert!(failure.summary.contains(&theirs) && failure.summary.contains("not this node's"), "{failure}");
            assert_eq!(world.live().await, std::slice::from_ref(&theirs), "{account}");
            assert!(world.changes(before).is_empty(), "{account}: nothing was touched");

            // The same is adopted where the plan says so.
            let mut adopting = world.listed().await;
            adopting.wanted.tags.clear();
            adopting.wanted.adopt = Adopt::Declared;
            let done = adopting.converge().await.unwrap();
            // One that has to be accepted is marked as well.
            let told = if is_accepted { STANDS } else { TAKEN };
            assert_eq!((done.id.as_ref(), done.details.first().map(String::as_str)), (Some(&theirs), Some(told)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_peering_of_a_new_vpc_is_asked_for_without_a_look_and_what_aws_gives_back_is_judged() {
    let note_new = |world: &World| {
        world.dev().note_new([world.wanted.requester.vpc.clone()]);
        world.hub().note_new([world.wanted.accepter.vpc.clone()]);
    };
    let world = World::new(EAST).await;
    note_new(&world);
    let before = world.sim.calls().len();
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Created);
    assert_eq!(calls_since(&world.sim, before)[0], "CreateVpcPeeringConnection");

    // Two runs at once: the other one was faster.
    let world = World::new(EAST).await;
    note_new(&world);
    let id = world.converged_by_another_run().await;
    let provisional = Provisional::default();
    let done = converge(&world.dev(), &world.hub(), &world.wanted, provisional.course(), &unseen).await.unwrap();
    assert_eq!((done.change, done.id.as_ref()), (Change::Unchanged, Some(&id)));
    assert!(world.taken_back(&provisional.trace.made()).await.is_empty());
    assert_eq!(world.live().await, [id]);

    // Somebody else was, the same way round.
    let mut world = World::new(EAST).await;
    note_new(&world);
    let theirs = world.requested_by_somebody(DEV).await;
    let failure = world.converge().await.unwrap_err();
    assert!(failure.summary.contains(&theirs) && failure.summary.contains("not this node's"), "{failure}");
    assert_eq!(world.live().await, [theirs]);

    // What may be taken over is looked for, whichever way round it was asked for.
    world.wanted.adopt = Adopt::Now { from_others: true };
    assert_eq!(world.converge().await.unwrap().change, Change::Updated);
    let mut world = World::new(EAST).await;
    note_new(&world);
    world.wanted.adopt = Adopt::Declared;
    let theirs = world.requested_by_somebody(HUB).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.converge().await.unwrap().id.as_ref(), Some(&theirs));
    assert_eq!(world.live().await, [theirs]);
}

#[tokio::test(start_paused = true)]
async fn a_new_vpc_is_looked_at_where_the_ground_may_give_way_or_some_time_has_passed() {
    let first = |world: &World, from: usize| calls_since(&world.sim, from)[0].clone();
    for (is_firm, after, are_both) in [(true, 0, true), (true, 0, false), (false, 0, true), (true, 31, true)] {
        let world = World::new(EAST).await;
        world.hub().note_new([world.wanted.accepter.vpc.clone()]);
        if are_both {
            world.dev().note_new([world.wanted.requester.vpc.clone()]);
        }
        tokio::time::sleep(Duration::from_secs(after)).await;
        let (firm, provisional) = (Firm::default(), Provisional::default());
        let course = if is_firm { firm.course() } else { provisional.course() };
        let before = world.sim.calls().len();
        converge(&world.dev(), &world.hub(), &world.wanted, course, &unseen).await.unwrap();
        assert_eq!(
            first(&world, before).starts_with("Create"),
            is_firm && after == 0 && are_both,
            "{is_firm}, {after} s, {are_both}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_side_without_a_region_is_in_that_of_the_caller() {
    let world = World::new(EAST).await;
    world.converged_by_another_run().await;
    let without = |text: String| text.replace("<region>us-east-1</region>", "");
    let world = world
        .by(move |asked| (asked.operation == "DescribeVpcPeeringConnections").then_some(Said::Changed(without)))
        .await;
    let found = world.all().await;
    assert_eq!((&*found[0].requester.region, &*found[0].accepter.region), (EAST, EAST));
    let with = world.hub().pictured_peerings_with(&world.dev()).await.unwrap();
    assert_eq!(with.map(|found| found.len()), Some(1));
}

#[tokio::test(start_paused = true)]
async fn what_another_run_has_made_since_is_neither_made_again_nor_taken_back() {
    let world = World::new(EAST).await.listed().await;
    let id = world.converged_by_another_run().await;
    let provisional = Provisional::default();
    let before = world.sim.calls().len();
    let done = converge(&world.dev(), &world.hub(), &world.wanted, provisional.course(), &unseen).await.unwrap();
    assert_eq!((done.change, done.id.as_ref()), (Change::Unchanged, Some(&id)));
    assert!(world.changes(before).is_empty());
    assert_eq!(provisional.trace.made(), []);

    // Should it not be seen before we ask, AWS gives it back: it is further than a request can be by itself.
    let provisional = Provisional::default();
    let asked = world.ask_unseeing(provisional.course()).await.unwrap();
    assert_eq!((&asked.peering.id, asked.is_made, asked.asked_at), (&id, false, None));
    assert!(world.taken_back(&provisional.trace.made()).await.is_empty());
    assert_eq!(world.live().await, [id]);

    // What this run itself has asked for is taken back.
    let world = World::new(EAST).await;
    let provisional = Provisional::default();
    let asked = world.ask_unseeing(provisional.course()).await.unwrap();
    assert!(asked.is_made && asked.asked_at.is_some());
    assert_eq!(world.taken_back(&provisional.trace.made()).await, [format!("deleted {}", asked.peering.id)]);
    assert!(world.live().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_bear_the_nodes_tags_any_more_or_is_not_seen_is_left_and_named() {
    let world = World::new(EAST).await;
    let provisional = Provisional::default();
    let id = world.ask_unseeing(provisional.course()).await.unwrap().peering.id;
    let untag = |world: &mut crate::sim::World| world.peerings.get_mut(&id).unwrap().requester.tags.clear();
    world.sim.change(untag).unwrap();
    let back = world.back(&provisional.trace.made()).await;
    assert_eq!(back, TakenBack::left(format!("peering {id} is left, since it does not bear the node's tags")));
    assert_eq!(world.live().await, std::slice::from_ref(&id));
    // One that is dead holds nothing.
    world.dev().delete_peering(&id).await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(world.back(&provisional.trace.made()).await, TakenBack::default());

    let back = world.back(&[Made::Peering("pcx-1".to_owned())]).await;
    assert_eq!(back, TakenBack::left("peering pcx-1 is not seen any more, and may be there".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn settings_of_one_that_aws_gives_back_are_read_from_both_sides() {
    /// The spoke is told of nothing at first, and never of the hub's options.
    fn own_side(text: String) -> String {
        let Some(at) = text.find("<accepterVpcInfo>") else { return text };
        let (before, after) = text.split_at(at);
        format!("{before}{}", after.replacen("peeringOptions>", "nothing>", 2))
    }
    let mut world = World::new(EAST).await;
    world.wanted.accepter.dns = Some(true);
    let id = world.converged_by_another_run().await;
    world.wanted.accepter.dns = Some(false);
    // The spoke's and the hub's listing.
    let world = world
        .by(|asked| match asked.operation {
            "DescribeVpcPeeringConnections" if asked.nth <= 2 => Some(Said::Changed(empty)),
            "DescribeVpcPeeringConnections" if asked.by_role => Some(Said::Changed(own_side)),
            _ => None,
        })
        .await;
    let before = world.sim.calls().len();
    let done = world.converge().await.unwrap();
    assert_eq!((done.change, done.id), (Change::Updated, Some(id)), "{:?}", done.details);
    assert!(done.details[0].contains("is off"), "{:?}", done.details);
    assert_eq!(world.changes(before), ["CreateVpcPeeringConnection", "ModifyVpcPeeringConnectionOptions"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_fails_unseen_by_its_accepter_is_told_as_failed() {
    for awaits_new in [false, true] {
        let world = World::of(Sim::builder().build(), EAST, "10.0.16.0/20").await;
        let world = world
            .by(|asked| match asked.operation {
                "DescribeVpcPeeringConnections" if !asked.by_role => Some(Said::Changed(empty)),
                "AcceptVpcPeeringConnection" => Some(Said::error("InvalidVpcPeeringConnectionID.NotFound", "not here")),
                _ => None,
            })
            .await;
        let side = |side: Regional| if awaits_new { side.awaiting_what_is_new() } else { side };
        let (dev, hub, began) = (side(world.dev()), side(world.hub()), Instant::now());
        let failure = converge(&dev, &hub, &world.wanted, Firm::default().course(), &unseen).await.unwrap_err();
        assert!(failure.cause.contains("overlapping CIDR range"), "{failure}");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_stays_noted_whatever_is_said_of_the_next_ones() {
    let sim = Sim::builder().rates(Rates::documented()).build();
    let counted = Arc::<AtomicUsize>::default();
    let counts = Arc::clone(&counted);
    let world = World::of(sim, EAST, "10.0.0.0/20")
        .await
        .by(move |asked| {
            if asked.operation != "CreateVpcPeeringConnection" {
                return None;
            }
            counts.store(asked.nth, Ordering::Relaxed);
            match asked.nth {
                1 => Some(Said::Unanswered),
                2 => Some(Said::error("InvalidVpcID.NotFound", "not here")),
                _ => Some(Said::error("RequestLimitExceeded", "too many")),
            }
        })
        .await;
    let provisional = Provisional::default();
    let (dev, hub) = (world.dev().awaiting_what_is_new(), world.hub());
    let sides = Sides { requester: &dev, accepter: &hub };
    let asking = request(sides, &world.wanted, &[], provisional.course(), &unseen);
    let stopping = async {
        while counted.load(Ordering::Relaxed) < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Throttled, it waits for a turn that does not come any more.
        provisional.trace.stop();
    };
    let (asked, ()) = tokio::join!(timeout(Duration::from_mins(2), asking), stopping);
    assert!(asked.is_err() && counted.load(Ordering::Relaxed) == 3);
    let made = provisional.trace.made();
    assert!(matches!(made[..], [Made::Asked { .. }]), "{made:?}");
    assert_eq!(world.taken_back(&made).await.len(), 1, "the first one had its effect");
    assert!(world.live().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_that_takes_effect_and_is_never_answered_is_looked_for() {
    // All attempts take two minutes and a half, the first of which has its effect: nobody waits for the answer.
    let world = World::scripted(|asked| match (asked.operation, asked.nth) {
        ("AcceptVpcPeeringConnection", 1) => Some(Said::Unanswered),
        ("AcceptVpcPeeringConnection", _) => Some(Said::Nothing),
        _ => None,
    })
    .await;
    let began = Instant::now();
    let done = world.converge().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(done.change, Change::Created);
    assert!(done.details[0].starts_with("accepted"), "{:?}", done.details);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_aws_looks_at_for_minutes_is_waited_for() {
    let timing = Timing { peering_request: Duration::from_mins(3), ..Timing::default() };
    let world = World::of(Sim::builder().timing(timing).build(), EAST, "10.0.0.0/20").await;
    assert_eq!(world.converge().await.unwrap().change, Change::Created);
    let timing = Timing { peering_request: Duration::from_hours(1), ..Timing::default() };
    let world = World::of(Sim::builder().timing(timing).build(), EAST, "10.0.0.0/20").await;
    let began = Instant::now();
    let failure = world.converge().await.unwrap_err();
    assert!(failure.help.iter().any(|help| help.starts_with("run again")), "{failure:?}");
    assert!((SETTLED_AT_MOST..SETTLED_AT_MOST + UNKNOWN_AT_MOST).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_peering_that_is_said_to_exist_already_is_looked_at_and_nothing_is_deleted() {
    // The first attempt took effect, and the next one is refused.
    let faults = Faults::of([Fault::new(Effect::LostAfter).on("AcceptVpcPeeringConnection").first(1)]);
    let world = World::of(Sim::builder().faults(faults).build(), EAST, "10.0.0.0/20").await;
    let world = world
        .by(|asked| {
            (asked.operation == "AcceptVpcPeeringConnection" && asked.nth > 1)
                .then(|| Said::error(ALREADY_EXISTS, "already exists"))
        })
        .await;
    let before = world.sim.calls().len();
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Created);
    assert_eq!(world.live().await, [done.id.unwrap()]);
    assert!(world.changes(before).iter().all(|call| !call.starts_with("Delete")));

    // Another one, the other way round, has become active since: somebody's, or the node's own by another run.
    for is_own in [false, true] {
        let world = World::new(EAST).await;
        let theirs = if is_own {
            let request = PeeringRequest {
                vpc: world.wanted.accepter.vpc.clone(),
                peer_vpc: world.wanted.requester.vpc.clone(),
                peer_account: DEV.to_owned(),
                peer_region: EAST.to_owned(),
                tags: world.wanted.owner.with(&world.wanted.tags),
            };
            world.hub().request_peering(&request).await.unwrap().id
        } else {
            world.requested_by_somebody(HUB).await
        };
        tokio::time::sleep(Duration::from_secs(2)).await;
        world.accepted_by_somebody(HUB, &theirs).await;
        let before = world.sim.calls().len();
        let (firm, dev, hub) = (Firm::default(), world.dev(), world.hub());
        let Requested { peering, asked_at, .. } = world.ask_unseeing(firm.course()).await.unwrap();
        let (ours, sides) = (peering.id.clone(), Sides { requester: &dev, accepter: &hub });
        let asked = (peering, Direction::AsWanted);
        let failure =
            activate::activate(sides, &world.wanted, asked, asked_at, firm.course(), &unseen).await.unwrap_err();
        let told = failure.help.join("\n");
        if is_own {
            assert!(failure.cause.contains(ALREADY_EXISTS), "{failure}");
            assert!(told.contains(&theirs) && told.contains("run again"), "{told}");
        } else {
            assert!(failure.summary.contains(&theirs) && failure.summary.contains("not this node's"), "{failure}");
            assert!(told.contains(&ours), "{told}");
        }
        let all: Vec<_> = world.all().await.into_iter().map(|peering| (peering.id, peering.state)).collect();
        assert!(
            all.contains(&(theirs, PeeringState::Active)) && all.contains(&(ours, PeeringState::Pending)),
            "{all:?}"
        );
        assert!(world.changes(before).iter().all(|call| !call.starts_with("Delete")));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_somebody_else_has_accepted_is_not_told_as_accepted_by_us() {
    let world = World::new(EAST).await;
    let id = world.requested_by_somebody(DEV).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.accepted_by_somebody(DEV, &id).await;
    let (dev, hub) = (world.dev(), world.hub());
    let acceptance = Acceptance::new((&dev, &hub), &id, None, &|| {});
    let accept::Answer::Accepted(accepted) = acceptance.accept(&PeeringState::Pending).await.unwrap() else {
        panic!("it is the only one");
    };
    assert_eq!((accepted.state, accepted.by), (PeeringState::Active, accept::By::Others));
}

#[tokio::test(start_paused = true)]
async fn whatever_is_said_of_a_request_that_nobody_has_seen_is_asked_again_once_it_is_seen() {
    // A policy may have conditions on what the request is, which EC2 does not know yet.
    let denies = |asked: &Asked<'_>, times| {
        (asked.operation == "AcceptVpcPeeringConnection" && asked.nth <= times)
            .then(|| Said::error("UnauthorizedOperation", "not authorized"))
    };
    let world = World::scripted(move |asked| denies(asked, 1)).await;
    assert_eq!(world.converge().await.unwrap().change, Change::Created);
    let world = World::scripted(move |asked| denies(asked, usize::MAX)).await;
    let before = world.sim.calls().len();
    let failure = world.converge().await.unwrap_err();
    assert!(failure.cause.contains("UnauthorizedOperation"), "{failure}");
    assert!(world.changes(before).iter().all(|call| !call.starts_with("Delete")));
}

#[tokio::test(start_paused = true)]
async fn what_is_said_to_exist_is_waited_for_until_it_is_seen() {
    // What has been done is seen some seconds later.
    let world = World::scripted(|asked| {
        (asked.operation == "AcceptVpcPeeringConnection").then(|| Said::error(ALREADY_EXISTS, "already exists"))
    })
    .await;
    let (firm, dev, hub) = (Firm::default(), world.dev(), world.hub());
    let Requested { peering, asked_at, .. } = world.ask_unseeing(firm.course()).await.unwrap();
    let id = peering.id.clone();
    let accepted_later = async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        world.accepted_by_somebody(DEV, &id).await;
    };
    let sides = Sides { requester: &dev, accepter: &hub };
    let activate =
        activate::activate(sides, &world.wanted, (peering, Direction::AsWanted), asked_at, firm.course(), &unseen);
    let (activated, ()) = tokio::join!(activate, accepted_later);
    let activated = activated.unwrap();
    assert_eq!((activated.peering.state, activated.is_new), (PeeringState::Active, false));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_to_be_seen_yet_is_taken_back_all_the_same() {
    let timing = Timing { peering_visible: Duration::from_secs(4), ..Timing::default() };
    let world = World::of(Sim::builder().timing(timing).build(), EAST, "10.0.0.0/20").await;
    let firm = Firm::default();
    let Requested { peering, .. } = world.ask_unseeing(firm.course()).await.unwrap();
    let lines = world.taken_back(&[Made::Peering(peering.id)]).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(world.live().await.is_empty());
}
