//! How the nodes of a plan stand on the embedded AWS, in every sort of state.

use std::time::Duration;

use tokio::sync::mpsc;

use super::*;
use crate::engine::{Limits, Settings};
use crate::event::{Command, RouteState};
use crate::graph::{Graph, of_plan};
use crate::plan::Plan;
use crate::plan::samples::Disk;
use crate::run::samples::{DEV, HUB, PLAN};
use crate::run::{Means, execute};
use crate::sim::{Effect, Fault, Faults, ResourceFault, Service, Sim, Trust, World as Aws};

const TEMPLATE: &str = "\
Parameters:
  CidrBlock: {Type: String}
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref CidrBlock}}
  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc}}
Outputs:
  VPCId: {Value: !Ref Vpc}
  RouteTableId: {Value: !Ref Table}
";

/// A plan and the AWS that it is run on.
pub(in crate::run) struct World {
    pub(in crate::run) sim: Sim,
    pub(in crate::run) plan: Arc<Plan>,
    graph: Arc<Graph>,
    pub(in crate::run) sources: Arc<Sources>,
}

impl World {
    pub(in crate::run) fn new(sim: Sim) -> Self {
        Self::of(PLAN, TEMPLATE, sim)
    }

    pub(in crate::run) fn of(plan: &str, template: &str, sim: Sim) -> Self {
        let loaded = Disk::default().with("net.toml", plan).with("net.yaml", template).load("net.toml");
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        let plan = loaded.plan.unwrap();
        let graph = of_plan(&plan).unwrap();
        Self { sim, plan: Arc::new(plan), graph: Arc::new(graph), sources: Arc::new(loaded.sources) }
    }

    pub(in crate::run) fn environment(&self) -> Environment {
        let keys = self.sim.clone();
        Environment::given(self.sim.http_client(), self.sim.time_source(), move |_| Some(keys.credentials(HUB)))
    }

    /// Whether each node's id begins so.
    fn chosen(&self, prefix: &str) -> Vec<bool> {
        self.plan.nodes.iter().map(|node| node.id.to_string().starts_with(prefix)).collect()
    }

    pub(in crate::run) fn job(&self, prefix: &str) -> Job {
        Job::survey(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.chosen(prefix))
    }

    /// Runs the plan; whether every node ended well.
    pub(in crate::run) async fn apply(&self) -> bool {
        let job = Arc::new(Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.chosen("")));
        let means = Means {
            sessions: Arc::new(Sessions::open(&specs(&[&*job]), &self.environment()).await.unwrap()),
            gathered: Arc::new(Gathered::default()),
            sources: Arc::clone(&self.sources),
            sink: Arc::new(|_| {}),
            outlooks: Arc::default(),
            change_sets: Arc::default(),
        };
        let (_words, control) = mpsc::unbounded_channel();
        let settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };
        execute(&job, Command::Apply, settings, means, control).await.is_success()
    }

    async fn look(&self, prefix: &str) -> Survey {
        survey(&self.job(prefix), &self.sources, &self.environment()).await
    }

    /// Each node with its health and state.
    async fn told(&self) -> String {
        lines(&self.look("").await)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Aws) -> T) -> T {
        self.sim.change(change).unwrap()
    }

    fn fail(&self, logical_id: &str, action: &str) {
        let fault = ResourceFault {
            account: Some(DEV.to_owned()),
            logical_id: Some(logical_id.to_owned()),
            action: Some(action.to_owned()),
            reason: "No more of these.".to_owned(),
            ..ResourceFault::default()
        };
        self.change(|world| world.rules.faults.resources.push(fault));
    }
}

pub(in crate::run) fn lines(survey: &Survey) -> String {
    let line = |node: &NodeStanding| {
        let NodeStanding { node, standing, .. } = node;
        let waits: Vec<String> = standing.waits_for.iter().map(ToString::to_string).collect();
        let waits = if waits.is_empty() { String::new() } else { format!(", waits for {}", waits.join(", ")) };
        let cause = standing.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{node} {}: {}{waits}{cause}\n", standing.health, standing.state)
    };
    survey.nodes.iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn nothing_then_a_run_under_way_then_all_of_it() {
    let world = World::new(Sim::builder().build());
    insta::assert_snapshot!(world.told().await, @r"
    stacks.hub missing: not there
    stacks.spoke missing: not there
    peerings.spoke waiting: not there, waits for stacks.spoke, stacks.hub
    routes.out waiting: not there, waits for stacks.spoke, peerings.spoke
    routes.back waiting: not there, waits for stacks.hub, peerings.spoke
    ");
    let running = async { assert!(world.apply().await) };
    let looking = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (before, at) = (world.sim.mutations(), tokio::time::Instant::now());
        let survey = world.look("").await;
        insta::assert_snapshot!(lines(&survey), @r"
        stacks.hub under way: CREATE_IN_PROGRESS
        stacks.spoke under way: CREATE_IN_PROGRESS
        peerings.spoke waiting: not there, waits for stacks.spoke, stacks.hub
        routes.out waiting: not there, waits for stacks.spoke, peerings.spoke
        routes.back waiting: not there, waits for stacks.hub, peerings.spoke
        ");
        assert!(survey.nodes[0].standing.since.is_some());
        assert_eq!(world.sim.mutations(), before, "it only looks");
        assert!(at.elapsed() < Duration::from_secs(1), "it waits for nothing");
    };
    tokio::join!(running, looking);
    insta::assert_snapshot!(world.told().await, @r"
    stacks.hub fine: CREATE_COMPLETE
    stacks.spoke fine: CREATE_COMPLETE
    peerings.spoke fine: active
    routes.out fine: active in 1 table
    routes.back fine: active in 1 table
    ");
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_failed_tells_what_failed_first() {
    let world = World::new(Sim::builder().build());
    world.fail("Table", "CREATE");
    assert!(!world.apply().await);
    insta::assert_snapshot!(world.told().await, @r"
    stacks.hub fine: CREATE_COMPLETE
    stacks.spoke failed: ROLLBACK_COMPLETE: Table (AWS::EC2::RouteTable): No more of these.
    peerings.spoke waiting: not there, waits for stacks.spoke
    routes.out waiting: not there, waits for stacks.spoke, peerings.spoke
    routes.back waiting: not there, waits for peerings.spoke
    ");
    let asked: Vec<_> = world.sim.calls().into_iter().rev().take_while(|call| call.service != Service::Sts).collect();
    let events: Vec<_> = asked.iter().filter(|call| call.operation == "DescribeStackEvents").collect();
    assert_eq!(events.len(), 1, "only of the stack that is not fine");
    assert_eq!(events[0].account.as_ref().unwrap().as_str(), DEV);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_was_taken_back_tells_why_and_of_the_last_operation_only() {
    let world = World::new(Sim::builder().build());
    assert!(world.apply().await);
    world.fail("Vpc", "UPDATE");
    let next = TEMPLATE.replace("CidrBlock: !Ref CidrBlock}", "CidrBlock: !Ref CidrBlock, EnableDnsHostnames: true}");
    let world = World::of(PLAN, &next, world.sim);
    assert!(!world.apply().await);
    let told = world.told().await;
    let expected = "stacks.spoke failed: UPDATE_ROLLBACK_COMPLETE: Vpc (AWS::EC2::VPC): No more of these.\n";
    assert!(told.contains(expected), "{told}");
    assert!(told.contains("routes.out fine"), "what stands still gives its outputs: {told}");
}

#[tokio::test(start_paused = true)]
async fn a_cause_that_may_not_be_read_is_no_reason_to_be_silent_about_the_state() {
    let world = World::new(Sim::builder().build());
    world.fail("Table", "CREATE");
    assert!(!world.apply().await);
    world.sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).on("DescribeStackEvents")]));
    let survey = world.look("stacks.spoke").await;
    let standing = &survey.nodes[0].standing;
    assert_eq!((standing.health, standing.state.as_str()), (Health::Failed, "ROLLBACK_COMPLETE"));
    assert!(standing.help.iter().any(|help| help.starts_with("why it failed was not told: ")), "{standing:?}");
    assert!(standing.help.iter().any(|help| help.contains("allow cloudformation:DescribeStackEvents")), "{standing:?}");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_did_by_hand_is_seen() {
    let world = World::new(Sim::builder().build());
    assert!(world.apply().await);
    // The way out is deleted, the way back leads elsewhere.
    let (dev, hub) = (place(DEV), place(HUB));
    world.change(|aws| {
        for table in aws.ec2_mut(&dev).route_tables.values_mut() {
            table.routes.retain(|_, route| !route.target.id.starts_with("pcx-"));
        }
        for route in aws.ec2_mut(&hub).route_tables.values_mut().flat_map(|table| table.routes.values_mut()) {
            if route.target.id.starts_with("pcx-") {
                route.target.id = "pcx-0somebodyelses".to_owned();
            }
        }
    });
    let survey = world.look("routes").await;
    let states: Vec<_> = survey.nodes.iter().map(|node| node.standing.tables[0].state).collect();
    assert_eq!(states, [RouteState::Missing, RouteState::Blackhole], "{}", lines(&survey));
    assert_eq!(survey.nodes[1].standing.tables[0].target.as_deref(), Some("pcx-0somebodyelses"));
    // The peering is deleted: nothing gives the routes' target any more.
    let ids: Vec<String> = world.change(|aws| aws.peerings.keys().cloned().collect());
    world.change(|aws| crate::sim::ec2::peering::delete(aws, &hub, &ids[0])).unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let told = world.told().await;
    assert!(told.contains("peerings.spoke missing: not there\n"), "{told}");
    assert!(told.contains("routes.out waiting: not there, waits for peerings.spoke\n"), "{told}");
}

fn place(account: &str) -> crate::sim::Place {
    crate::sim::Place { account: account.parse().unwrap(), region: "us-east-1".into() }
}

#[tokio::test(start_paused = true)]
async fn what_is_somebody_elses_is_named_and_gives_nothing() {
    let world = World::new(Sim::builder().build());
    assert!(world.apply().await);
    let other = World::of(&PLAN.replace("\"net\"", "\"other\""), TEMPLATE, world.sim.clone());
    let told = other.told().await;
    let foreign =
        "stacks.hub not ours: CREATE_COMPLETE: its tags say that it belongs to plan `net`, node `stacks/hub`\n";
    assert!(told.starts_with(foreign), "{told}");
    assert!(told.contains("peerings.spoke waiting: not there, waits for stacks.spoke, stacks.hub\n"), "{told}");
    // With the ids of the VPCs, the other's peering is in the way.
    let vpc = |account: &str| {
        let vpcs = |aws: &Aws| aws.ec2(&place(account)).vpcs.keys().next().cloned().unwrap();
        world.sim.inspect(vpcs).unwrap()
    };
    let text = PLAN.replace("\"net\"", "\"other\"");
    let text = text.replace("{{ stacks.spoke.outputs.VPCId }}", &vpc(DEV));
    let text = text.replace("{{ stacks.hub.outputs.VPCId }}", &vpc(HUB));
    let survey = World::of(&text, TEMPLATE, world.sim.clone()).look("peerings").await;
    assert_eq!(survey.nodes[0].standing.health, Health::Foreign, "{}", lines(&survey));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_cannot_be_used_hides_nothing_of_the_others() {
    let sim = Sim::builder().build();
    assert!(World::new(sim.clone()).apply().await);
    let closed = Trust { exists: false, ..Trust::default() };
    sim.change(|aws| aws.rules.trusts.set(&DEV.parse().unwrap(), "Deploy", closed)).unwrap();
    let survey = World::new(sim).look("").await;
    insta::assert_snapshot!(lines(&survey), @r"
    stacks.hub fine: CREATE_COMPLETE
    stacks.spoke not read: account dev cannot be used
    peerings.spoke not read: account dev cannot be used
    routes.out not read: account dev cannot be used
    routes.back not read: peerings.spoke was not read
    ");
    assert_eq!(survey.unread.len(), 1);
    assert_eq!(survey.unread[0].place.as_deref(), Some("net.toml:6:1"));
    assert!(!survey.unread[0].help.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_denied_is_told_once_and_leaves_its_nodes_unread() {
    let sim = Sim::builder().build();
    let world = World::new(sim.clone());
    assert!(world.apply().await);
    let denied = |operation| Fault::new(Effect::AccessDenied).on(operation).by(DEV);
    sim.set_faults(Faults::of([denied("DescribeStacks"), denied("DescribeRouteTables")]));
    let survey = world.look("").await;
    insta::assert_snapshot!(lines(&survey), @r"
    stacks.hub fine: CREATE_COMPLETE
    stacks.spoke not read: DescribeStacks was refused
    peerings.spoke fine: active
    routes.out not read: DescribeRouteTables was refused
    routes.back fine: active in 1 table
    ");
    let told: Vec<_> = survey.unread.iter().map(|failure| (failure.summary.as_str(), failure.help.len())).collect();
    let expected = [
        ("DescribeStacks in account dev, us-east-1, was refused", 1),
        ("DescribeRouteTables in account dev, us-east-1, was refused", 1),
    ];
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn nodes_that_are_left_out_are_read_where_they_are_needed_and_not_shown() {
    let world = World::new(Sim::builder().build());
    assert!(world.apply().await);
    insta::assert_snapshot!(lines(&world.look("routes.back").await), @"routes.back fine: active in 1 table");
    assert_eq!(lines(&world.look("stacks.hub").await), "stacks.hub fine: CREATE_COMPLETE\n");
    let last = world.sim.calls().into_iter().rev().take_while(|call| call.service != Service::Sts);
    let asked: Vec<_> = last.map(|call| call.operation).collect();
    assert_eq!(asked, ["DescribeStacks"], "and nobody goes to another account");
}

#[tokio::test(start_paused = true)]
async fn all_accounts_are_asked_at_once() {
    let world = World::new(Sim::builder().build());
    assert!(world.apply().await);
    world.sim.set_faults(Faults::of([Fault::slow(Duration::from_secs(10))]));
    let began = tokio::time::Instant::now();
    world.look("").await;
    // AssumeRole, or GetCallerIdentity for the caller's own account, and then everything else.
    assert!((20..22).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}
