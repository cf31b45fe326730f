//! Whole jobs over the embedded AWS: what a run leaves behind must be destroyable, and only its own is read.

use std::sync::Mutex;

use tokio::sync::mpsc;

use super::*;
use crate::aws::{Environment, Sessions};
use crate::diag::Sources;
use crate::engine::{Limits, Settings};
use crate::event::{Command, Tally};
use crate::graph::{Graph, of_plan};
use crate::plan::Plan;
use crate::plan::samples::Disk;
use crate::run::samples::{DEV, HUB, PLAN};
use crate::run::{Gathered, execute, specs};
use crate::sim::cloudformation::Status;
use crate::sim::{Effect, Fault, Faults, ResourceFault, Sim};

const TEMPLATE: &str = "\
Parameters:
  CidrBlock: {Type: String}
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref CidrBlock}}
  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc}}
  Gateway: {Type: 'AWS::EC2::InternetGateway'}
  Attachment: {Type: 'AWS::EC2::VPCGatewayAttachment', Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Route:
    Type: AWS::EC2::Route
    DependsOn: Attachment
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}
Outputs:
  GatewayId: {Value: !Ref Gateway}
  VPCId: {Value: !Ref Vpc}
  RouteTableId: {Value: !Ref Table}
";

/// A plan and the AWS that it is run on.
struct World {
    sim: Sim,
    plan: Arc<Plan>,
    graph: Arc<Graph>,
    sources: Arc<Sources>,
}

impl World {
    fn new(sim: Sim) -> Self {
        Self::of(PLAN, sim)
    }

    fn of(plan: &'static str, sim: Sim) -> Self {
        let loaded = Disk::default().with("net.toml", plan).with("net.yaml", TEMPLATE).load("net.toml");
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        let plan = loaded.plan.unwrap();
        let graph = of_plan(&plan).unwrap();
        Self { sim, plan: Arc::new(plan), graph: Arc::new(graph), sources: Arc::new(loaded.sources) }
    }

    /// Every node whose id begins so.
    fn chosen(&self, prefix: &str) -> Vec<bool> {
        self.plan.nodes.iter().map(|node| node.id.to_string().starts_with(prefix)).collect()
    }

    /// Runs jobs one after the other, each with what the last has gathered, as the command line does. Gives the last
    /// one's tally and all failures, as `node: failure`.
    async fn run(&self, jobs: Vec<(Job, Command)>) -> (Tally, Vec<String>) {
        self.run_telling(jobs, |_, _| {}).await
    }

    /// The same, and `also` hears of every event and of what was gathered until then.
    async fn run_telling(
        &self,
        jobs: Vec<(Job, Command)>,
        also: impl Fn(&Event, &Gathered) + Clone + Send + Sync + 'static,
    ) -> (Tally, Vec<String>) {
        let keys = self.sim.clone();
        let environment =
            Environment::given(self.sim.http_client(), self.sim.time_source(), move |_| Some(keys.credentials(HUB)));
        let touched: Vec<&Job> = jobs.iter().map(|(job, _)| job).collect();
        let sessions = Arc::new(Sessions::open(&specs(&touched), &environment).await.unwrap());
        let gathered = Arc::new(Gathered::default());
        let failures: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut last = Tally::default();
        for (job, command) in jobs {
            let (told, also, known) = (Arc::clone(&failures), also.clone(), Arc::clone(&gathered));
            let means = Means {
                sessions: Arc::clone(&sessions),
                gathered: Arc::clone(&gathered),
                sources: Arc::clone(&self.sources),
                sink: Arc::new(move |event| {
                    also(&event, &known);
                    if let Event::NodeFailed { node, error, .. } = event {
                        told.lock().unwrap().push(format!("{node}: {error}"));
                    }
                }),
                outlooks: Arc::default(),
                change_sets: Arc::default(),
            };
            let (_words, control) = mpsc::unbounded_channel();
            let settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };
            last = execute(&Arc::new(job), command, settings, means, control).await;
            if !last.is_success() {
                break;
            }
        }
        let failures = failures.lock().unwrap().clone();
        (last, failures)
    }

    async fn apply(&self, prefix: &str) -> (Tally, Vec<String>) {
        let job = Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.chosen(prefix));
        self.run(vec![(job, Command::Apply)]).await
    }

    async fn destroy(&self) -> (Tally, Vec<String>) {
        self.destroy_only("").await
    }

    async fn destroy_only(&self, prefix: &str) -> (Tally, Vec<String>) {
        let chosen = self.chosen(prefix);
        let before = Job::before_destroy(Arc::clone(&self.plan), Arc::clone(&self.graph), &chosen);
        let job = Job::destroy(Arc::clone(&self.plan), &self.graph, &chosen);
        self.run(vec![(before, Command::Outputs), (job, Command::Destroy)]).await
    }

    async fn outputs(&self) -> (Tally, Vec<String>) {
        let job = Job::outputs(Arc::clone(&self.plan), &self.graph, &self.chosen(""));
        self.run(vec![(job, Command::Outputs)]).await
    }

    /// Takes the tags of orch from every stack and peering, as if somebody else had made them.
    fn unmark(&self) {
        let unmark = |world: &mut crate::sim::World| {
            for regional in world.accounts.values_mut().flat_map(|account| account.regions.values_mut()) {
                for stack in regional.cloudformation.stacks.values_mut() {
                    stack.config.as_mut().unwrap().tags.retain(|key, _| !key.starts_with("orch:"));
                }
            }
            world.peerings.values_mut().for_each(|peering| peering.requester.tags.clear());
        };
        self.sim.change(unmark).unwrap();
    }

    async fn adopt(&self, prefix: &str) -> (Tally, Vec<String>) {
        let job = Job::apply(Arc::clone(&self.plan), Arc::clone(&self.graph), &self.chosen(prefix));
        self.run(vec![(job.taking_over(false), Command::Adopt)]).await
    }

    /// Puts a stack into a state behind the plan's back.
    fn put(&self, stack: &str, status: Status) {
        self.sim
            .change(|world| {
                let regionals = world.accounts.values_mut().flat_map(|account| account.regions.values_mut());
                let mut stacks = regionals.flat_map(|regional| regional.cloudformation.stacks.values_mut());
                stacks.find(|found| found.name == stack).unwrap().status = status;
            })
            .unwrap();
    }

    /// Holds that a destruction succeeds and leaves nothing.
    #[track_caller]
    fn is_gone(&self, (tally, failures): (Tally, Vec<String>), after: &str) {
        assert!(tally.is_success(), "{after}: {failures:?}");
        assert!(self.sim.is_empty().unwrap(), "{after}");
    }
}

/// EC2 as somebody else uses it.
fn ec2(sim: &Sim, account: &str) -> aws_sdk_ec2::Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .http_client(sim.http_client())
        .time_source(sim.time_source())
        .credentials_provider(sim.credentials(account))
        .region(aws_config::Region::from_static("us-east-1"))
        .build();
    aws_sdk_ec2::Client::from_conf(config)
}

#[tokio::test(start_paused = true)]
async fn a_plan_whose_stack_was_rolled_back_can_be_destroyed() {
    let world = World::new(Sim::builder().build());
    let fault = ResourceFault {
        account: Some(DEV.to_owned()),
        logical_id: Some("Table".to_owned()),
        action: Some("CREATE".to_owned()),
        reason: "No more of these.".to_owned(),
        ..ResourceFault::default()
    };
    world.sim.change(|world| world.rules.faults.resources.push(fault)).unwrap();
    let (tally, failures) = world.apply("").await;
    assert_eq!((tally.failed, tally.done), (1, 1), "{failures:?}");
    assert!(failures[0].contains("ended in ROLLBACK_COMPLETE"), "{failures:?}");
    world.is_gone(world.destroy().await, "ROLLBACK_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_destroyed_from_every_state_at_rest() {
    for status in [
        Status::CreateFailed,
        Status::RollbackFailed,
        Status::RollbackComplete,
        Status::UpdateFailed,
        Status::UpdateRollbackFailed,
        Status::UpdateRollbackComplete,
        Status::DeleteFailed,
        Status::ReviewInProgress,
    ] {
        let world = World::new(Sim::builder().build());
        assert!(world.apply("").await.0.is_success());
        world.put("spoke", status);
        world.put("hub", status);
        world.is_gone(world.destroy().await, status.as_str());
    }
}

#[tokio::test(start_paused = true)]
async fn a_destruction_that_failed_can_be_repeated_once_its_cause_is_gone() {
    let world = World::new(Sim::builder().build());
    assert!(world.apply("").await.0.is_success());
    let client = ec2(&world.sim, DEV);
    let theirs = client.describe_vpcs().send().await.unwrap().vpcs.unwrap().remove(0).vpc_id.unwrap();
    let subnet = client.create_subnet().vpc_id(theirs).cidr_block("10.0.16.0/24").send().await.unwrap();
    for _ in 0..2 {
        let (tally, failures) = world.destroy().await;
        assert_eq!(tally.failed, 1, "{failures:?}");
        assert!(failures[0].starts_with("stacks.spoke: stack spoke ended in DELETE_FAILED"), "{failures:?}");
    }
    client.delete_subnet().subnet_id(subnet.subnet.unwrap().subnet_id.unwrap()).send().await.unwrap();
    world.is_gone(world.destroy().await, "DELETE_FAILED");
    world.is_gone(world.destroy().await, "nothing left");
}

#[tokio::test(start_paused = true)]
async fn the_outputs_of_a_stack_that_does_not_stand_are_not_given() {
    let world = World::new(Sim::builder().build());
    assert!(world.apply("").await.0.is_success());
    world.put("spoke", Status::UpdateRollbackFailed);
    let (tally, failures) = world.outputs().await;
    assert_eq!(tally.failed, 1);
    assert!(failures[0].contains("its outputs cannot be relied on"), "{failures:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_is_left_out_is_read_only_if_it_is_the_nodes_own() {
    const OTHER: &str = "name = \"other\"";
    let sim = Sim::builder().build();
    assert!(World::new(sim.clone()).apply("stacks").await.0.is_success());
    let other: &'static str = PLAN.replace("name   = \"net\"", OTHER).leak();
    let world = World::of(other, sim.clone());
    let before = sim.mutations();
    let (tally, failures) = world.apply("peerings").await;
    assert_eq!((tally.failed, tally.skipped), (2, 1), "{failures:?}");
    assert!(failures.iter().all(|failure| failure.contains("exists and is not this node's")), "{failures:?}");
    assert_eq!(sim.mutations(), before);
    // One that the plan does not manage may be anybody's.
    let reading: &'static str = other
        .replace("template   = \"net.yaml\"\nparameters = { CidrBlock = \"10.0.0.0/20\" }", "manage = false")
        .leak();
    let (_, failures) = World::of(reading, sim).apply("peerings").await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].starts_with("stacks.spoke: "), "{failures:?}");
}

#[tokio::test(start_paused = true)]
async fn a_route_whose_peering_is_gone_is_deleted_where_it_leads_nowhere() {
    let world = World::new(Sim::builder().build());
    assert!(world.apply("").await.0.is_success());
    let client = ec2(&world.sim, DEV);
    let peerings = client.describe_vpc_peering_connections().send().await.unwrap();
    let peering = peerings.vpc_peering_connections.unwrap().remove(0).vpc_peering_connection_id.unwrap();
    client.delete_vpc_peering_connection().vpc_peering_connection_id(peering).send().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    let routes = |world: &World| {
        let count = |world: &crate::sim::World| {
            let tables = world.places().flat_map(|(_, regional)| regional.ec2.route_tables.values());
            tables.flat_map(|table| table.routes.values()).filter(|route| route.target.id.starts_with("pcx-")).count()
        };
        world.sim.inspect(count).unwrap()
    };
    assert_eq!(routes(&world), 2, "they lead nowhere now");
    let (tally, failures) = world.destroy_only("routes").await;
    assert!(tally.is_success(), "{failures:?}");
    assert_eq!((tally.changed, routes(&world)), (2, 0));
    assert_eq!(world.destroy_only("routes").await.0.changed, 0, "nothing is left of them");
}

/// A plan with a route of which nothing tells that it was made by it: its twin is made by the template.
const GATEWAY: &str = r#"name   = "net"
region = "us-east-1"

[accounts]
dev = { id = "222222222222", role = "Deploy" }

[stacks.spoke]
name       = "spoke"
account    = "dev"
template   = "net.yaml"
parameters = { CidrBlock = "10.0.16.0/20" }

[routes.default]
account      = "dev"
destination  = "0.0.0.0/0"
via          = "{{ stacks.spoke.outputs.GatewayId }}"
route_tables = ["{{ stacks.spoke.outputs.RouteTableId }}"]
"#;

#[tokio::test(start_paused = true)]
async fn a_route_of_which_nothing_tells_whose_it_is_stays() {
    let world = World::of(GATEWAY, Sim::builder().build());
    let (tally, failures) = world.apply("").await;
    assert_eq!((tally.done, tally.changed), (2, 1), "the template has made the route: {failures:?}");
    let routes = |world: &World| {
        let count = |world: &crate::sim::World| {
            let tables = world.places().flat_map(|(_, regional)| regional.ec2.route_tables.values());
            tables.flat_map(|table| table.routes.values()).filter(|route| route.target.id.starts_with("igw-")).count()
        };
        world.sim.inspect(count).unwrap()
    };
    assert_eq!(routes(&world), 1);
    let (tally, failures) = world.destroy_only("routes").await;
    assert_eq!((tally.done, tally.changed, routes(&world)), (1, 0, 1), "{failures:?}");
    let (tally, failures) = world.destroy().await;
    assert!(tally.is_success() && world.sim.is_empty().unwrap(), "it goes with its stack: {failures:?}");
}

#[tokio::test(start_paused = true)]
async fn cancelling_reaches_the_stacks_of_all_accounts_at_once() {
    let world = World::new(Sim::builder().build());
    world.apply("").await;
    let wider = TEMPLATE.replace("!Ref CidrBlock}}", "!Ref CidrBlock, EnableDnsHostnames: true}}");
    for (account, stack, node, range) in
        [(HUB, "hub", "stacks/hub", "10.0.0.0/20"), (DEV, "spoke", "stacks/spoke", "10.0.16.0/20")]
    {
        let config = aws_sdk_cloudformation::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .http_client(world.sim.http_client())
            .time_source(world.sim.time_source())
            .credentials_provider(world.sim.credentials(account))
            .region(aws_config::Region::from_static("us-east-1"))
            .build();
        let tag = |key: &str, value: &str| aws_sdk_cloudformation::types::Tag::builder().key(key).value(value).build();
        let given = aws_sdk_cloudformation::types::Parameter::builder();
        let update = aws_sdk_cloudformation::Client::from_conf(config).update_stack().stack_name(stack);
        let update = update.template_body(&wider).tags(tag("orch:plan", "net")).tags(tag("orch:node", node));
        update.parameters(given.parameter_key("CidrBlock").parameter_value(range).build()).send().await.unwrap();
    }
    let job = Job::cancel(Arc::clone(&world.plan), &world.graph, &world.chosen(""));
    assert_eq!(job.taking_part().count(), 2, "stacks only");
    let (tally, failures) = world.run(vec![(job, Command::Cancel)]).await;
    assert_eq!((tally.done, tally.changed), (2, 2), "{failures:?}");
    let statuses = world.sim.inspect(|world| {
        let stacks = world.places().flat_map(|(_, regional)| regional.cloudformation.stacks.values());
        stacks.map(|stack| stack.status).collect::<Vec<_>>()
    });
    assert_eq!(statuses.unwrap(), [Status::UpdateRollbackComplete; 2]);
    let (tally, failures) = world.apply("").await;
    assert_eq!(tally.changed, 0, "{failures:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peering_that_was_deleted_by_hand_comes_back_and_its_blackholes_lead_into_it() {
    let world = World::new(Sim::builder().build());
    world.apply("").await;
    let client = ec2(&world.sim, DEV);
    let peerings = client.describe_vpc_peering_connections().send().await.unwrap();
    let old = peerings.vpc_peering_connections()[0].vpc_peering_connection_id().unwrap().to_owned();
    client.delete_vpc_peering_connection().vpc_peering_connection_id(&old).send().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let routes = async |account| {
        let tables = ec2(&world.sim, account).describe_route_tables().send().await.unwrap();
        let routes = tables.route_tables().iter().flat_map(|table| table.routes().to_vec());
        let into = routes.filter_map(|route| Some((route.vpc_peering_connection_id?, route.state?)));
        into.collect::<Vec<_>>()
    };
    for account in [DEV, HUB] {
        assert_eq!(routes(account).await, [(old.clone(), aws_sdk_ec2::types::RouteState::Blackhole)]);
    }
    let (tally, failures) = world.apply("").await;
    assert_eq!((tally.done, tally.changed), (5, 3), "the peering and both routes: {failures:?}");
    for account in [DEV, HUB] {
        let routes = routes(account).await;
        assert_ne!(routes[0].0, old);
        assert_eq!((routes.len(), &routes[0].1), (1, &aws_sdk_ec2::types::RouteState::Active));
    }
    let (tally, _) = world.apply("").await;
    assert_eq!(tally.changed, 0);
}

const ADOPTING: &str =
    "\n[defaults]\nstacks = { adopt = true }\npeerings = { adopt = true }\nroutes = { adopt = true }\n";

#[tokio::test(start_paused = true)]
async fn what_is_adopted_without_tags_is_found_by_every_command_and_deleted_by_none() {
    let made = World::new(Sim::builder().build());
    assert!(made.apply("").await.0.is_success());
    made.unmark();
    let world = World::of(format!("{PLAN}{ADOPTING}").leak(), made.sim.clone());
    let before = world.sim.mutations();
    let (tally, failures) = world.apply("").await;
    assert_eq!((tally.done, tally.changed), (5, 0), "{failures:?}");
    // What is left out is found, too: the peering by its VPCs, which the stacks give.
    let (tally, failures) = world.apply("routes.out").await;
    assert_eq!((tally.done, tally.changed), (4, 0), "{failures:?}");
    let (tally, failures) = world.outputs().await;
    assert!(tally.is_success(), "{failures:?}");
    assert_eq!(tally.done, 3);
    let (_, failures) = world.destroy().await;
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].contains("is adopted by the plan and not deleted"), "{failures:?}");
    assert_eq!(world.sim.mutations(), before, "nothing was touched");
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_over_is_deleted_like_all_else() {
    let world = World::new(Sim::builder().build());
    assert!(world.apply("").await.0.is_success());
    world.unmark();
    let (tally, failures) = world.adopt("stacks").await;
    assert_eq!((tally.done, tally.changed), (2, 2), "{failures:?}");
    let (tally, failures) = world.adopt("peerings").await;
    assert_eq!((tally.done, tally.changed), (3, 1), "{failures:?}");
    let (tally, failures) = world.apply("").await;
    assert_eq!((tally.done, tally.changed), (5, 0), "{failures:?}");
    world.is_gone(world.destroy().await, "taken over");
    let (tally, failures) = world.adopt("stacks").await;
    assert_eq!(tally.done, 0);
    assert!(failures[0].contains("does not exist, so it cannot be adopted"), "{failures:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_panics_and_cannot_be_taken_back_fails_once() {
    let world = World::new(Sim::builder().build());
    world.sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).by(DEV).on("DeleteRoute")]));
    let job = Job::apply(Arc::clone(&world.plan), Arc::clone(&world.graph), &world.chosen(""));
    let panic = |event: &Event, _: &Gathered| {
        if let Event::NodeProgress { node, status, .. } = event {
            assert!(node.to_string() != "routes.out" || status != "created", "out of order");
        }
    };
    let (tally, failures) = world.run_telling(vec![(job, Command::Apply)], panic).await;
    assert_eq!((tally.failed, failures.len()), (1, 1), "{failures:?}");
    assert!(failures[0].starts_with("routes.out: orch itself failed here"), "{failures:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_peering_has_given_before_its_end_is_forgotten() {
    let world = World::new(Sim::builder().build());
    world.sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).on("AcceptVpcPeeringConnection")]));
    let job = Job::apply(Arc::clone(&world.plan), Arc::clone(&world.graph), &world.chosen(""));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let look = move |event: &Event, gathered: &Gathered| {
        if let Event::NodeFailed { node, .. } | Event::NodeWithdrawn { node, .. } = event {
            kept.lock().unwrap().push((node.to_string(), gathered.given(node)));
        }
    };
    let (tally, failures) = world.run_telling(vec![(job, Command::Apply)], look).await;
    assert_eq!(tally.failed, 1, "{failures:?}");
    let seen = seen.lock().unwrap();
    assert!(seen.iter().any(|(node, _)| node == "peerings.spoke") && seen.iter().all(|(_, given)| given.is_none()));
}
