//! Taking routes back, over the embedded AWS.

use std::sync::Mutex;

use tokio::time::sleep;

use super::super::tests::World;
use super::*;
use crate::aws::tests::between::{Said, between};
use crate::kinds::Done;
use crate::kinds::course::Provisional;
use crate::kinds::tests::{DEV, calls_since, sessions_by, unseen};
use crate::sim::{Effect, Fault, Faults, Sim};

impl World {
    async fn on(&self, ground: &Provisional) -> Result<Done, Failure> {
        super::super::converge(&self.dev(), &self.wanted, None, &|_| {}, ground.course(), &unseen).await
    }

    /// Takes back what was made on some ground, and says of which tables it is gone besides.
    async fn back(&self, ground: &Provisional) -> (Result<Vec<String>, Failure>, Vec<String>) {
        let gone = Mutex::new(Vec::new());
        let note = |made: Made| gone.lock().unwrap().push(made.table);
        let result = take_back(&self.dev(), &ground.trace.made(), &note, &unseen).await;
        (result, gone.into_inner().unwrap())
    }

    /// Leads the first table to the peering, as somebody else would.
    async fn by_somebody_else(&self) {
        let route = self.client.create_route().route_table_id(&self.wanted.route_tables[0]);
        let route = route.destination_cidr_block(&self.wanted.destination);
        route.vpc_peering_connection_id(&self.wanted.target).send().await.unwrap();
    }

    async fn delete_peering(&self) {
        sleep(Duration::from_secs(5)).await;
        let delete = self.client.delete_vpc_peering_connection();
        delete.vpc_peering_connection_id(&self.wanted.target).send().await.unwrap();
        sleep(Duration::from_secs(5)).await;
    }
}

#[test]
fn what_is_seen_and_how_sure_it_is_decide() {
    let target = "pcx-1".to_owned();
    let to = |target: &str| Route { targets: vec![target.to_owned()], ..Route::default() };
    let (ours, theirs) = (to("pcx-1"), to("tgw-1"));
    for (seen, is_sure, is_dead, verdict) in [
        (Some(&ours), true, false, Verdict::Delete),
        (Some(&ours), false, true, Verdict::Delete),
        (Some(&ours), false, false, Verdict::Leave),
        (Some(&theirs), true, true, Verdict::Gone),
        (Some(&theirs), false, true, Verdict::Gone),
        (None, true, false, Verdict::Delete),
        (None, false, true, Verdict::Gone),
    ] {
        assert_eq!(judge(seen, &target, is_sure, is_dead), verdict, "{seen:?} {is_sure} {is_dead}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_made_is_deleted_with_one_look() {
    let (world, ground) = (World::new(3).await, Provisional::default());
    world.on(&ground).await.unwrap();
    let before = world.sim.calls().len();
    let (result, gone) = world.back(&ground).await;
    assert_eq!((result.unwrap().len(), gone), (3, world.wanted.route_tables.clone()));
    assert_eq!(calls_since(&world.sim, before), ["DescribeRouteTables", "DeleteRoute", "DeleteRoute", "DeleteRoute"]);
    assert_eq!(world.target().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_somebody_else_has_made_meanwhile_is_not_this_runs() {
    let (world, ground) = (World::new(1).await, Provisional::default());
    let tables = &world.wanted.route_tables;
    world.dev().pictured_routes(tables, &world.wanted.destination).await.unwrap();
    world.by_somebody_else().await;
    let done = world.on(&ground).await.unwrap();
    assert_eq!((done.change, done.details), (crate::event::Change::Unchanged, Vec::<String>::new()));
    assert_eq!(ground.trace.made(), []);
    world.delete_peering().await;
    assert_eq!(world.back(&ground).await.0.unwrap(), [""; 0]);
    assert_eq!(world.target().await.as_ref(), Some(&world.wanted.target));
}

#[tokio::test(start_paused = true)]
async fn a_route_that_may_be_an_unheard_attempts_stays_unless_its_peering_is_dead() {
    let (world, ground) = (World::new(1).await, Provisional::default());
    let tables = &world.wanted.route_tables;
    world.dev().pictured_routes(tables, &world.wanted.destination).await.unwrap();
    world.by_somebody_else().await;
    world.sim.set_faults(Faults::of([Fault::new(Effect::LostBefore).by(DEV).on("CreateRoute").nth(1)]));
    world.on(&ground).await.unwrap();
    let (result, gone) = world.back(&ground).await;
    let left = format!("{}: 10.0.0.0/20 → {} is left", tables[0], world.wanted.target);
    let details = result.unwrap();
    assert!(details.len() == 1 && details[0].starts_with(&left), "{details:?}");
    assert_eq!(gone, [""; 0]);
    assert_eq!(world.target().await.as_ref(), Some(&world.wanted.target));

    world.delete_peering().await;
    let (result, gone) = world.back(&ground).await;
    assert_eq!((result.unwrap().len(), gone.len()), (1, 1));
    assert_eq!(world.target().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_an_attempt_of_a_former_turn_may_have_made_is_told_as_made() {
    // The first attempt has its effect and no answer; the next ones are refused, and asked for in another turn.
    let sim = Sim::builder().build();
    let world = World::of(sim, 1).await;
    world.sim.set_faults(Faults::of([
        Fault::new(Effect::LostAfter).by(DEV).on("CreateRoute").nth(1),
        Fault::new(Effect::Throttle).by(DEV).on("CreateRoute").nth(2),
    ]));
    let ground = Provisional::default();
    let done = world.on(&ground).await.unwrap();
    assert_eq!(done.change, crate::event::Change::Created, "{:?}", done.details);
    assert_eq!(ground.trace.made().len(), 1, "{:?}", ground.trace.made());
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_leaves_nothing_to_take_back() {
    let (world, ground) = (World::new(1).await, Provisional::default());
    world.sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).by(DEV).on("CreateRoute")]));
    world.on(&ground).await.unwrap_err();
    assert_eq!(ground.trace.made(), []);
    // Whoever makes it now keeps it.
    world.sim.set_faults(Faults::default());
    world.by_somebody_else().await;
    world.delete_peering().await;
    assert_eq!(world.back(&ground).await.0.unwrap(), [""; 0]);
    assert_eq!(world.target().await.as_ref(), Some(&world.wanted.target));
}

#[tokio::test(start_paused = true)]
async fn every_route_is_tried_and_what_is_left_is_named() {
    let (world, ground) = (World::new(3).await, Provisional::default());
    world.on(&ground).await.unwrap();
    world.sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).by(DEV).on("DeleteRoute").nth(1)]));
    let (result, gone) = world.back(&ground).await;
    let failure = result.unwrap_err();
    let tables = &world.wanted.route_tables;
    assert_eq!(failure.summary, format!("left {}: 10.0.0.0/20 → {}", tables[0], world.wanted.target));
    let rest = failure.help.last().unwrap();
    assert!(tables[1..].iter().all(|table| rest.contains(table)), "{rest}");
    assert_eq!(gone, tables[1..]);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_not_to_be_seen_yet_is_deleted_all_the_same() {
    let (world, ground) = (World::new(1).await, Provisional::default());
    world.on(&ground).await.unwrap();
    // The answer is that of before.
    let script = between(&world.sim, |asked| {
        let before = |answer: String| answer.replace("10.0.0.0/20", "10.9.0.0/20");
        (asked.operation == "DescribeRouteTables").then_some(Said::Changed(before))
    });
    let stale = World { sessions: sessions_by(&world.sim, script).await, ..world };
    let (result, gone) = stale.back(&ground).await;
    assert_eq!((result.unwrap().len(), gone.len()), (1, 1));
    let world = World { sessions: sessions_by(&stale.sim, stale.sim.http_client()).await, ..stale };
    assert_eq!(world.target().await, None);
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_without_an_answer_is_looked_for_a_while() {
    let (world, ground) = (World::new(1).await, Provisional::default());
    let (destination, target) = (world.wanted.destination.clone(), world.wanted.target.clone());
    let table = world.wanted.route_tables[0].clone();
    ground.trace.note(kinds::Made::RouteAsked(Made { table, destination, target }));
    let late = async {
        sleep(Duration::from_secs(15)).await;
        world.by_somebody_else().await;
    };
    // The call takes effect five seconds after it was begun to be taken back.
    let back = async {
        sleep(Duration::from_secs(10)).await;
        world.back(&ground).await.0.unwrap()
    };
    let ((), details) = tokio::join!(late, back);
    assert!(details.len() == 1 && details[0].contains("is left"), "{details:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_on_provisional_ground_is_done_once_that_is_firm() {
    for code in ["IncorrectState", "InvalidParameterValue", "InvalidVpcPeeringConnectionID.NotFound"] {
        let (world, ground) = (World::new(2).await, Provisional::default());
        let script = between(&world.sim, move |asked| {
            (asked.operation == "CreateRoute" && asked.nth == 1).then(|| Said::error(code, "the peering is not ready"))
        });
        let world = World { sessions: sessions_by(&world.sim, script).await, ..world };
        let settling = async {
            sleep(Duration::from_secs(30)).await;
            ground.settle();
        };
        let (done, ()) = tokio::join!(world.on(&ground), settling);
        let done = done.unwrap_or_else(|failure| panic!("{code}: {failure}"));
        assert_eq!((done.change, done.details.len()), (Change::Created, 2), "{code}");
        assert_eq!(world.target().await.as_ref(), Some(&world.wanted.target), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn on_provisional_ground_nothing_is_led_elsewhere() {
    let (mut world, ground) = (World::new(1).await, Provisional::default());
    let gateway = world.client.create_internet_gateway().send().await.unwrap();
    let gateway = gateway.internet_gateway.unwrap().internet_gateway_id.unwrap();
    world.client.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&world.spoke).send().await.unwrap();
    let theirs = world.client.create_route().route_table_id(&world.wanted.route_tables[0]);
    theirs.destination_cidr_block("10.0.0.0/20").gateway_id(&gateway).send().await.unwrap();
    world.wanted.replace = true;
    let settling = async {
        sleep(Duration::from_secs(30)).await;
        assert_eq!(world.target().await.as_ref(), Some(&gateway), "nobody knows yet whether the peering comes to life");
        ground.settle();
    };
    let (done, ()) = tokio::join!(world.on(&ground), settling);
    assert_eq!(done.unwrap().change, Change::Updated);
    assert_eq!(world.target().await.as_ref(), Some(&world.wanted.target));
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_lets_its_call_come_to_its_end_and_makes_no_more() {
    let (world, ground) = (World::new(3).await, Provisional::default());
    world.sim.set_faults(Faults::of([Fault::slow(Duration::from_secs(5)).by(DEV).on("CreateRoute")]));
    let stopping = async {
        sleep(Duration::from_secs(2)).await;
        ground.trace.stop();
        ground.trace.idle().await;
    };
    tokio::select! {
        result = world.on(&ground) => panic!("{result:?}"),
        () = stopping => {}
    }
    let made = ground.trace.made();
    assert!(matches!(&made[..], [kinds::Made::Route(_)]), "{made:?}");
    assert_eq!(world.back(&ground).await.0.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_a_route_that_may_be_somebody_elses() {
    let (world, ground) = (World::of(Sim::builder().build(), 1).await, Provisional::default());
    // All attempts at the first call.
    world.sim.set_faults(Faults::of([Fault::new(Effect::LostAfter).by(DEV).on("CreateRoute").first(5)]));
    let done = world.on(&ground).await.unwrap();
    assert_eq!(done.change, Change::Created);
    let made = ground.trace.made();
    assert!(matches!(&made[..], [kinds::Made::RouteAsked(_)]), "{made:?}");
    world.delete_peering().await;
    assert_eq!(world.back(&ground).await.0.unwrap().len(), 1);
    assert_eq!(world.target().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_asked_for_in_several_turns_is_noted_once() {
    let (world, ground) = (World::of(Sim::builder().build(), 1).await, Provisional::default());
    let effects = [(1, Effect::LostBefore), (2, Effect::Expired), (3, Effect::Expired)];
    world
        .sim
        .set_faults(Faults::of(effects.map(|(nth, effect)| Fault::new(effect).by(DEV).on("CreateRoute").nth(nth))));
    assert_eq!(world.on(&ground).await.unwrap().change, Change::Created);
    let made = ground.trace.made();
    assert!(matches!(&made[..], [kinds::Made::Route(_)]), "{made:?}");
}
