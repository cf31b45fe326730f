//! What others do in the world: what they have there by themselves, and what they do to the plan's things by hand.
//!
//! They call the embedded AWS by the SDK alone, with long-term keys of each account.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_cloudformation as cloudformation;
use aws_sdk_cloudformation::types::Parameter;
use aws_sdk_ec2 as ec2;
use orch::sim::cloudformation::{Stack, Status};
use orch::sim::ec2::Origin;
use orch::sim::{Place, Sim, World};

use super::design::{ACCOUNTS, REGIONS};
use super::story::Hand;
use super::watch::stacks;

/// What somebody else has in each of some places: a VPC with a table, a gateway and a route there.
const FOREIGN: &str = "\
Parameters:
  Range: {Type: String}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Range}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Out:
    Type: AWS::EC2::Route
    DependsOn: Attachment
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}
Outputs:
  Vpc: {Value: !Ref Vpc}
  Table: {Value: !Ref Table}
";

/// Everybody but orch.
#[derive(Debug)]
pub(crate) struct Others {
    sim: Sim,
}

impl Others {
    pub(crate) fn of(sim: &Sim) -> Self {
        Self { sim: sim.clone() }
    }

    fn config(&self, account: &str, region: &str) -> aws_types::SdkConfig {
        aws_types::SdkConfig::builder()
            .behavior_version(aws_sdk_ec2::config::BehaviorVersion::latest())
            .region(aws_types::region::Region::new(region.to_owned()))
            .http_client(self.sim.http_client())
            .time_source(self.sim.time_source())
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
                self.sim.credentials(account),
            ))
            .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
                aws_smithy_async::rt::sleep::TokioSleep::new(),
            ))
            .build()
    }

    fn cloudformation(&self, account: &str, region: &str) -> cloudformation::Client {
        cloudformation::Client::new(&self.config(account, region))
    }

    fn ec2(&self, account: &str, region: &str) -> ec2::Client {
        ec2::Client::new(&self.config(account, region))
    }

    /// Makes a stack of somebody's.
    async fn make(&self, (account, region): (&str, &str), name: &str, range: &str, tags: &[(&str, &str)]) {
        let tag = |(key, value): &(&str, &str)| cloudformation::types::Tag::builder().key(*key).value(*value).build();
        let request = self.cloudformation(account, region).create_stack().stack_name(name).template_body(FOREIGN);
        let range = Parameter::builder().parameter_key("Range").parameter_value(range).build();
        let request = request.parameters(range).set_tags(Some(tags.iter().map(tag).collect()));
        request.send().await.unwrap();
    }

    /// Builds what is not the plan's: some stacks, one of them with names and tags that look like the plan's, and a peering
    /// between two of the VPCs with a route into it. Gives the ids.
    pub(crate) async fn settle(&self) -> BTreeSet<String> {
        let places = [(1, 0), (2, 1), (3, 1)];
        let tags: [&[(&str, &str)]; 3] =
            [&[("orch:plan", "other"), ("orch:node", "stacks/n0")], &[("Owner", "net")], &[]];
        for (number, ((account, region), tags)) in places.into_iter().zip(tags).enumerate() {
            let (name, id) = ACCOUNTS[account];
            let range = format!("172.{}.0.0/16", 16 + number);
            self.make((id, REGIONS[region]), &format!("net-{name}"), &range, tags).await;
        }
        tokio::time::sleep(Duration::from_mins(10)).await;
        let found = places.map(|(account, region)| {
            let (name, id) = ACCOUNTS[account];
            let find = |world: &World| {
                let stack = find(world, id, REGIONS[region], &format!("net-{name}")).unwrap();
                let output = |key: &str| stack.outputs.iter().find(|output| output.key == key).unwrap().value.clone();
                (stack.id.clone(), output("Vpc"), output("Table"))
            };
            (id, REGIONS[region], self.sim.inspect(find).unwrap())
        });
        let ((one, here, from), (other, there, to)) = (&found[0], &found[2]).into_both();
        let tags = ec2::types::TagSpecification::builder()
            .resource_type(ec2::types::ResourceType::VpcPeeringConnection)
            .tags(ec2::types::Tag::builder().key("orch:plan").value("other").build())
            .tags(ec2::types::Tag::builder().key("orch:node").value("peerings/p0-1").build())
            .build();
        let request = self.ec2(one, here).create_vpc_peering_connection().vpc_id(&from.1).peer_vpc_id(&to.1);
        let request = request.peer_owner_id(*other).peer_region(*there).tag_specifications(tags);
        let answer = request.send().await.unwrap();
        let id = answer.vpc_peering_connection.unwrap().vpc_peering_connection_id.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        self.ec2(other, there).accept_vpc_peering_connection().vpc_peering_connection_id(&id).send().await.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        let route = self.ec2(one, here).create_route().route_table_id(&from.2);
        let route = route.destination_cidr_block("192.168.0.0/16").vpc_peering_connection_id(&id);
        route.send().await.unwrap();
        found.into_iter().map(|(.., (stack, ..))| stack).chain([id]).collect()
    }

    /// Makes a stack of somebody's that is called as one of the plan's. Gives its id.
    pub(crate) async fn squat(&self, account: &str, region: &str, name: &str) -> String {
        self.make((account, region), name, "172.31.0.0/16", &[]).await;
        tokio::time::sleep(Duration::from_mins(10)).await;
        self.sim.inspect(|world| find(world, account, region, name).unwrap().id.clone()).unwrap()
    }

    /// Deletes it again.
    pub(crate) async fn leave(&self, account: &str, region: &str, id: &str) {
        self.cloudformation(account, region).delete_stack().stack_name(id).send().await.unwrap();
        tokio::time::sleep(Duration::from_mins(10)).await;
    }

    /// The stacks and live peerings that bear the plan's name and none of these of nodes.
    pub(crate) fn strays(&self, nodes: &[String]) -> Vec<String> {
        let strays = |world: &World| {
            let ours = stacks(world);
            let ours = ours.iter().filter_map(|(_, stack)| Some((&stack.name, &stack.config.as_ref()?.tags)));
            let peerings = world.peerings.values().filter(|peering| !peering.is_dead());
            let peerings = peerings.map(|peering| (&peering.id, &peering.requester.tags));
            let peerings = peerings.filter(|(_, tags)| tags.get("orch:plan").is_some_and(|plan| plan == "net"));
            let strays = ours
                .chain(peerings)
                .filter(|(_, tags)| tags.get("orch:node").is_none_or(|node| !nodes.iter().any(|known| node == known)));
            strays.map(|(name, _)| name.clone()).collect()
        };
        self.sim.inspect(strays).unwrap()
    }

    /// The change sets that orch has made since a time and left at stacks of the plan.
    pub(crate) fn change_sets(&self, since: jiff::Timestamp) -> Vec<String> {
        let left = |world: &World| {
            let mut left = Vec::new();
            for (_, stack) in stacks(world) {
                for set in stack.change_sets.iter().filter(|set| set.name.starts_with("orch-") && set.created >= since)
                {
                    if !set.execution.as_str().starts_with("EXECUTE") {
                        left.push(format!("{} of {} ({})", set.name, stack.name, set.execution.as_str()));
                    }
                }
            }
            left
        };
        self.sim.inspect(left).unwrap()
    }

    /// Does something to the plan's things, if there is such a thing. What goes wrong with that is nobody's concern.
    pub(crate) async fn lay(&self, hand: Hand) {
        match hand {
            Hand::DeletesPeering(which) => {
                let live = |world: &World| {
                    let ours = world.peerings.values().filter(|peering| {
                        !peering.is_dead() && peering.requester.tags.get("orch:plan").is_some_and(|plan| plan == "net")
                    });
                    ours.map(|peering| (peering.accepter.place.clone(), peering.id.clone())).collect()
                };
                if let Some((place, id)) = picked(self.sim.inspect(live).unwrap(), which) {
                    let ec2 = self.ec2(place.account.as_str(), place.region.as_str());
                    let _ = ec2.delete_vpc_peering_connection().vpc_peering_connection_id(id).send().await;
                }
            }
            Hand::DeletesRoute(which) => {
                if let Some((place, table, destination)) = picked(self.sim.inspect(routes).unwrap(), which) {
                    let ec2 = self.ec2(place.account.as_str(), place.region.as_str());
                    let request = ec2.delete_route().route_table_id(table).destination_cidr_block(destination);
                    let _ = request.send().await;
                }
            }
            Hand::DeletesStack(which) => {
                if let Some((place, id)) = picked(self.sim.inspect(free).unwrap(), which) {
                    let client = self.cloudformation(place.account.as_str(), place.region.as_str());
                    let _ = client.delete_stack().stack_name(id).send().await;
                }
            }
            Hand::UpdatesStack(which) => self.update(which, "Label", "by-hand", false).await,
            Hand::BreaksStack(which) => self.update(which, "Range", "no-range", true).await,
            Hand::LeavesChangeSet(which) => self.leave_change_set(which).await,
        }
    }

    /// Updates one of the VPCs' stacks in one of its parameters; keeps what fails as it is, if that is wished.
    async fn update(&self, which: usize, parameter: &str, value: &str, keeps: bool) {
        let Some((place, id, parameters)) = picked(self.sim.inspect(nets).unwrap(), which) else { return };
        let client = self.cloudformation(place.account.as_str(), place.region.as_str());
        let mut request = client.update_stack().stack_name(id).use_previous_template(true).disable_rollback(keeps);
        for key in parameters {
            let given = Parameter::builder().parameter_key(&key);
            let is_it = key == parameter;
            let given = if is_it { given.parameter_value(value) } else { given.use_previous_value(true) };
            request = request.parameters(given.build());
        }
        let _ = request.send().await;
    }

    /// Makes a change set as a run of orch does that dies before it executes it.
    async fn leave_change_set(&self, which: usize) {
        let Some((place, id, parameters)) = picked(self.sim.inspect(nets).unwrap(), which) else { return };
        let client = self.cloudformation(place.account.as_str(), place.region.as_str());
        let name = format!("orch-update-left-{which}");
        let mut request = client.create_change_set().stack_name(id).change_set_name(name).use_previous_template(true);
        for key in parameters {
            let given = Parameter::builder().parameter_key(&key);
            let given = if key == "Label" { given.parameter_value("left") } else { given.use_previous_value(true) };
            request = request.parameters(given.build());
        }
        let _ = request.send().await;
    }
}

/// Two of three, in parts.
trait IntoBoth<T> {
    fn into_both(self) -> (T, T);
}

impl<'a, A, B, C> IntoBoth<(&'a A, &'a B, &'a C)> for (&'a (A, B, C), &'a (A, B, C)) {
    fn into_both(self) -> ((&'a A, &'a B, &'a C), (&'a A, &'a B, &'a C)) {
        let part = |(a, b, c): &'a (A, B, C)| (a, b, c);
        (part(self.0), part(self.1))
    }
}

fn picked<T>(mut items: Vec<T>, which: usize) -> Option<T> {
    (!items.is_empty()).then(|| items.swap_remove(which % items.len()))
}

/// The live stack of a name.
pub(crate) fn find<'w>(world: &'w World, account: &str, region: &str, name: &str) -> Option<&'w Stack> {
    let own = world.accounts.iter().find(|(id, _)| id.as_str() == account)?.1;
    let regional = own.regions.iter().find(|(id, _)| id.as_str() == region)?.1;
    regional.cloudformation.find(name).filter(|stack| stack.deleted.is_none())
}

/// The plan's VPCs' stacks with their parameters.
fn nets(world: &World) -> Vec<(Place, String, Vec<String>)> {
    let ours = stacks(world).into_iter();
    let nets =
        ours.filter(|(_, stack)| stack.config.as_ref().is_some_and(|config| config.parameters.contains_key("Label")));
    let told = |(place, stack): (Place, &Stack)| {
        let parameters = stack.config.as_ref().map(|config| config.parameters.keys().cloned().collect());
        (place, stack.id.clone(), parameters.unwrap_or_default())
    };
    nets.map(told).collect()
}

/// The routes that somebody has added to a table of the plan's.
fn routes(world: &World) -> Vec<(Place, String, String)> {
    let mut routes = Vec::new();
    for (place, regional) in world.places() {
        for table in regional.ec2.route_tables.values().filter(|table| is_ours(world, &place, &table.vpc)) {
            for (destination, _) in table.routes.iter().filter(|(_, route)| route.origin == Origin::CreateRoute) {
                routes.push((place.clone(), table.id.clone(), destination.to_string()));
            }
        }
    }
    routes
}

/// The plan's stacks that nothing else hangs on.
fn free(world: &World) -> Vec<(Place, String)> {
    let mut free = Vec::new();
    for (place, stack) in stacks(world) {
        let named = |name: &str| world.at(&place).cloudformation.live().any(|stack| stack.name == name);
        let number = ["net-n", "net-m"].iter().find_map(|net| stack.name.strip_prefix(net));
        let held = number.is_some_and(|number| named(&format!("net-g{number}")));
        let vpc = stack.resources.get("Vpc").and_then(|vpc| vpc.physical_id.as_ref());
        let peered = world.peerings.values().any(|peering| {
            !peering.is_dead()
                && [&peering.requester, &peering.accepter].iter().any(|side| vpc.is_some_and(|vpc| *vpc == side.vpc))
        });
        if !held && !peered {
            free.push((place, stack.id.clone()));
        }
    }
    free
}

/// Whether a VPC is not one of the others.
fn is_ours(world: &World, place: &Place, vpc: &str) -> bool {
    let range = world.ec2(place).vpcs.get(vpc).and_then(orch::sim::ec2::Vpc::cidr_block);
    range.is_some_and(|range| range.to_string().starts_with("10."))
}

/// The statuses of the plan's stacks.
pub(crate) fn statuses(sim: &Sim) -> BTreeMap<String, Status> {
    let statuses =
        |world: &World| stacks(world).into_iter().map(|(_, stack)| (stack.name.clone(), stack.status)).collect();
    sim.inspect(statuses).unwrap()
}
