//! Routes over the embedded AWS, by way of the real SDK clients.

use super::super::tests::{DEV, HUB, at, calls_since, ec2, owner, sessions, sessions_by, unseen, vpc};
use super::super::{Change, Done, Failure, Firm, Regional};
use super::*;
use crate::aws::Sessions;
use crate::aws::tests::between::{Said, between};
use crate::sim::{Effect, Fault, Faults, Sim};

const EAST: &str = "us-east-1";

/// A spoke with some route tables, and a peering with the hub to lead routes to.
pub(super) struct World {
    pub(super) sim: Sim,
    pub(super) sessions: Sessions,
    pub(super) client: aws_sdk_ec2::Client,
    pub(super) spoke: String,
    pub(super) wanted: Wanted,
}

impl World {
    pub(super) async fn new(tables: usize) -> Self {
        Self::of(Sim::builder().build(), tables).await
    }

    pub(super) async fn of(sim: Sim, tables: usize) -> Self {
        let client = ec2(&sim, DEV, EAST);
        let spoke = vpc(&client, "10.0.16.0/20").await;
        let mut route_tables = Vec::new();
        for _ in 0..tables {
            let made = client.create_route_table().vpc_id(&spoke).send().await.unwrap();
            route_tables.push(made.route_table.unwrap().route_table_id.unwrap());
        }
        let target = peering(&client, &sim, &spoke, "10.0.0.0/20").await;
        let sessions = sessions(&sim).await;
        let wanted = Wanted {
            route_tables,
            destination: "10.0.0.0/20".to_owned(),
            target,
            replace: false,
            adopt: Adopt::Never,
            owner: owner("routes.spoke-to-hub[dev]"),
        };
        Self { sim, sessions, client, spoke, wanted }
    }

    pub(super) fn dev(&self) -> Regional {
        at(&self.sessions, "dev", EAST)
    }

    async fn converge(&self) -> Result<Done, Failure> {
        converge(&self.dev(), &self.wanted, None, &|_| {}, Firm::default().course(), &unseen).await
    }

    /// Where the first table leads the destination.
    pub(super) async fn target(&self) -> Option<String> {
        let tables = self.dev().route_tables(&self.wanted.route_tables[..1]).await.unwrap();
        let route = tables[0].routes.iter().find(|route| route.destination == self.wanted.destination);
        route.map(|route| route.targets[0].clone())
    }
}

/// A peering of the spoke with a new VPC of the hub's account; nobody accepts it.
async fn peering(client: &aws_sdk_ec2::Client, sim: &Sim, spoke: &str, range: &str) -> String {
    let hub = vpc(&ec2(sim, HUB, EAST), range).await;
    let request = client.create_vpc_peering_connection().vpc_id(spoke).peer_vpc_id(hub).peer_owner_id(HUB);
    let made = request.send().await.unwrap();
    made.vpc_peering_connection.unwrap().vpc_peering_connection_id.unwrap()
}

#[tokio::test(start_paused = true)]
async fn routes_are_made_in_all_tables_with_one_look_and_a_second_time_nothing_happens() {
    let world = World::new(3).await;
    let before = world.sim.calls().len();
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Created);
    assert_eq!(done.details.len(), 3);
    assert_eq!(calls_since(&world.sim, before), ["DescribeRouteTables", "CreateRoute", "CreateRoute", "CreateRoute"]);
    let before = world.sim.calls().len();
    let again = world.converge().await.unwrap();
    assert_eq!((again.change, again.details), (Change::Unchanged, vec![]));
    assert_eq!(calls_since(&world.sim, before), [""; 0], "what it has made itself it knows");
    world.sessions.look_anew();
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
    assert_eq!(calls_since(&world.sim, before), ["DescribeRouteTables"]);
}

#[tokio::test(start_paused = true)]
async fn routes_into_new_tables_are_made_without_a_look_and_what_is_there_is_found_all_the_same() {
    let world = World::new(3).await;
    world.dev().note_new(world.wanted.route_tables.clone());
    // One of them leads there already, as another run may have made it.
    let theirs = world.client.create_route().route_table_id(&world.wanted.route_tables[1]);
    let theirs = theirs.destination_cidr_block(&world.wanted.destination);
    theirs.vpc_peering_connection_id(&world.wanted.target).send().await.unwrap();
    let before = world.sim.calls().len();
    let done = world.converge().await.unwrap();
    assert_eq!((done.change, done.details.len()), (Change::Created, 2), "{:?}", done.details);
    assert_eq!(calls_since(&world.sim, before), ["CreateRoute", "CreateRoute", "DescribeRouteTables", "CreateRoute"]);
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);

    // One that is not new has all of them looked at.
    let world = World::new(2).await;
    world.dev().note_new(world.wanted.route_tables[..1].to_vec());
    let before = world.sim.calls().len();
    world.converge().await.unwrap();
    assert_eq!(calls_since(&world.sim, before), ["DescribeRouteTables", "CreateRoute", "CreateRoute"]);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_was_made_before_its_tables_stack_was_complete_is_known() {
    let world = World::new(1).await;
    world.converge().await.unwrap();
    world.dev().note_new(world.wanted.route_tables.clone());
    let before = world.sim.calls().len();
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
    assert_eq!(calls_since(&world.sim, before), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_new_table_that_leads_the_destination_elsewhere_is_refused_as_any() {
    let world = World::new(1).await;
    world.dev().note_new(world.wanted.route_tables.clone());
    let gateway = world.client.create_internet_gateway().send().await.unwrap();
    let gateway = gateway.internet_gateway.unwrap().internet_gateway_id.unwrap();
    world.client.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&world.spoke).send().await.unwrap();
    let theirs = world.client.create_route().route_table_id(&world.wanted.route_tables[0]);
    theirs.destination_cidr_block(&world.wanted.destination).gateway_id(&gateway).send().await.unwrap();
    let failure = world.converge().await.unwrap_err();
    assert!(failure.summary.ends_with(&format!("already leads 10.0.0.0/20 to {gateway}")), "{failure}");
    assert_eq!(world.target().await, Some(gateway));
}

#[tokio::test(start_paused = true)]
async fn a_range_that_is_not_written_canonically_is_the_same_route() {
    let mut world = World::new(1).await;
    world.wanted.destination = "10.0.0.5/20".to_owned();
    world.converge().await.unwrap();
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_leads_elsewhere_is_left_unless_the_node_may_replace_it() {
    let mut world = World::new(2).await;
    let gateway = world.client.create_internet_gateway().send().await.unwrap();
    let gateway = gateway.internet_gateway.unwrap().internet_gateway_id.unwrap();
    let attach = world.client.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&world.spoke);
    attach.send().await.unwrap();
    let theirs = world.client.create_route().route_table_id(&world.wanted.route_tables[0]);
    theirs.destination_cidr_block("10.0.0.0/20").gateway_id(&gateway).send().await.unwrap();

    let before = world.sim.mutations();
    let failure = world.converge().await.unwrap_err();
    assert!(failure.summary.ends_with(&format!("already leads 10.0.0.0/20 to {gateway}")), "{failure}");
    assert_eq!(world.sim.mutations(), before, "the other table was not touched either");

    world.wanted.replace = true;
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Created);
    assert!(done.details[0].ends_with(&format!("instead of {gateway}")), "{:?}", done.details);
    assert_eq!(world.target().await.as_deref(), Some(world.wanted.target.as_str()));
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn a_route_to_a_dead_peering_gives_way_and_one_to_a_waiting_peering_does_not() {
    let mut world = World::new(1).await;
    world.converge().await.unwrap();
    let old = world.wanted.target.clone();
    world.wanted.target = peering(&world.client, &world.sim, &world.spoke, "10.0.48.0/20").await;
    let failure = world.converge().await.unwrap_err();
    assert!(failure.summary.contains(&old), "{failure}");
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    world.client.delete_vpc_peering_connection().vpc_peering_connection_id(&old).send().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Updated);
    assert!(done.details[0].ends_with(&format!("instead of {old}, which is dead")), "{:?}", done.details);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_not_there_is_said() {
    let mut world = World::new(1).await;
    world.wanted.route_tables.push("rtb-0000000000000dead".to_owned());
    let failure = world.converge().await.unwrap_err();
    assert_eq!(
        failure.summary,
        "route table rtb-0000000000000dead does not exist in account dev (222222222222), us-east-1"
    );
    assert_eq!(world.target().await, None, "nothing was made");
}

#[tokio::test(start_paused = true)]
async fn lost_answers_throttles_and_outages_leave_one_route() {
    for effect in [Effect::LostAfter, Effect::LostBefore, Effect::Throttle, Effect::ServerError, Effect::Refused] {
        for operation in ["CreateRoute", "DescribeRouteTables"] {
            let faults = Faults::of([Fault::new(effect).by(DEV).on(operation).first(2)]);
            let world = World::of(Sim::builder().faults(faults).build(), 2).await;
            let done = world.converge().await.unwrap_or_else(|failure| panic!("{operation}, {effect:?}: {failure}"));
            assert_eq!(done.change, Change::Created, "{operation}, {effect:?}");
            assert_eq!(done.details.len(), 2);
            assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_lost_for_all_attempts_of_the_sdk_are_looked_for() {
    // Five attempts are made at a call.
    for times in [5, 8] {
        for effect in [Effect::LostAfter, Effect::LostBefore, Effect::ServerError, Effect::Refused] {
            for operation in ["CreateRoute", "ReplaceRoute", "DeleteRoute"] {
                let context = format!("{operation}, {effect:?}, {times} times");
                let sim = Sim::builder().build();
                let mut world = World::of(sim, 2).await;
                let faults = [Fault::new(effect).by(DEV).on(operation).first(times)];
                world.sim.set_faults(Faults::of(faults));
                let done = world.converge().await.unwrap_or_else(|failure| panic!("{context}: {failure}"));
                assert_eq!((done.change, done.details.len()), (Change::Created, 2), "{context}");
                world.wanted.target = peering(&world.client, &world.sim, &world.spoke, "10.0.48.0/20").await;
                world.wanted.replace = true;
                let done = world.converge().await.unwrap_or_else(|failure| panic!("{context}: {failure}"));
                assert_eq!(done.change, Change::Updated, "{context}");
                assert!(done.details[0].contains("instead of"), "{context}: {:?}", done.details);
                assert_eq!(world.target().await.as_ref(), Some(&world.wanted.target), "{context}");
                let done = destroy(&world.dev(), &world.wanted, &unseen).await;
                let done = done.unwrap_or_else(|failure| panic!("{context}: {failure}"));
                assert_eq!(done.change, Change::Deleted, "{context}");
                assert_eq!(world.target().await, None, "{context}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_made_before_a_failure_is_told_all_the_same() {
    let world = World::new(2).await;
    world.sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).on("CreateRoute").nth(2)]));
    let told = std::sync::Mutex::new(Vec::new());
    let made = |made: Made| told.lock().unwrap().push(made.table);
    converge(&world.dev(), &world.wanted, None, &made, Firm::default().course(), &unseen).await.unwrap_err();
    assert_eq!(*told.lock().unwrap(), world.wanted.route_tables[..1]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_in_awss_own_words() {
    for (code, looks) in [("IncorrectState", 0), ("RouteAlreadyExists", 3)] {
        let world = World::new(1).await;
        let script = between(&world.sim, move |asked| {
            (asked.operation == "CreateRoute").then(|| Said::error(code, "not in this table"))
        });
        let world = World { sessions: sessions_by(&world.sim, script).await, ..world };
        let before = world.sim.calls().len();
        let began = tokio::time::Instant::now();
        let failure = world.converge().await.unwrap_err();
        assert_eq!(failure.cause, format!("not in this table ({code})"));
        let seen = calls_since(&world.sim, before);
        assert_eq!(seen.iter().filter(|call| *call == "DescribeRouteTables").count(), 1 + looks, "{code}");
        assert!(looks == 0 || began.elapsed().as_secs() > 5, "there is a pause between two looks");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_two_tables_is_repaired() {
    let world = World::new(2).await;
    world.sim.stop_after(1);
    tokio::select! {
        result = world.converge() => panic!("{result:?}"),
        () = world.sim.stopped() => {}
    }
    world.sim.resume();
    let done = world.converge().await.unwrap();
    assert_eq!((done.change, done.details.len()), (Change::Created, 1));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_does_not_exist_is_said_after_a_while() {
    let mut world = World::new(1).await;
    world.wanted.target = "pcx-0000000000000dead".to_owned();
    let failure = world.converge().await.unwrap_err();
    assert!(failure.summary.starts_with("CreateRoute in account dev"), "{failure}");
    assert!(failure.cause.contains("pcx-0000000000000dead"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn destroying_deletes_only_routes_to_the_nodes_own_target() {
    let mut world = World::new(2).await;
    world.converge().await.unwrap();
    let other = Wanted { target: "pcx-0000000000000dead".to_owned(), ..world.wanted.clone() };
    assert_eq!(destroy(&world.dev(), &other, &unseen).await.unwrap().change, Change::Absent);
    world.wanted.route_tables.push("rtb-0000000000000dead".to_owned());
    let done = destroy(&world.dev(), &world.wanted, &unseen).await.unwrap();
    assert_eq!((done.change, done.details.len()), (Change::Deleted, 2));
    assert_eq!(world.target().await, None);
    assert_eq!(destroy(&world.dev(), &world.wanted, &unseen).await.unwrap().change, Change::Absent);
}
