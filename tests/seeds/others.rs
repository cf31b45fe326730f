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
use orch::sim::{Faults, Place, ResourceFault, Sim, World};

use super::design::{ACCOUNTS, NET, REGIONS, WantedStack};
use super::story::{Hand, State};
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
            // What is repeated by chance would make another story each time.
            .retry_config(aws_smithy_types::retry::RetryConfig::disabled())
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

    /// Builds what is not the plan's: a stack in every place, some of them with names and tags that look like the plan's, and two
    /// peerings between the VPCs with routes into them. Gives the ids.
    pub(crate) async fn settle(&self) -> BTreeSet<String> {
        for (account, (name, id)) in ACCOUNTS.into_iter().enumerate() {
            for (region, place) in REGIONS.into_iter().enumerate() {
                let range = format!("172.{}.0.0/16", 16 + 2 * account + region);
                let tags: &[(&str, &str)] = match account {
                    1 => &[("orch:plan", "other"), ("orch:node", "stacks/n0")],
                    2 => &[("Owner", "net")],
                    _ => &[],
                };
                self.make((id, place), &format!("net-{name}"), &range, tags).await;
            }
        }
        tokio::time::sleep(Duration::from_mins(10)).await;
        let mut ids = BTreeSet::new();
        for (one, other, tags) in [(1, 0, false), (2, 3, true)] {
            ids.insert(self.link((ACCOUNTS[one], REGIONS[0]), (ACCOUNTS[other], REGIONS[1]), tags).await);
        }
        let stacks = |world: &World| {
            let all = world.places().flat_map(|(_, regional)| regional.cloudformation.stacks.values());
            all.map(|stack| stack.id.clone()).collect::<Vec<_>>()
        };
        ids.extend(self.sim.inspect(stacks).unwrap());
        ids
    }

    /// Peers the VPCs of somebody's two stacks, and routes one way.
    async fn link(&self, one: ((&str, &str), &str), other: ((&str, &str), &str), tags: bool) -> String {
        let found = |((name, id), region): ((&str, &str), &str)| {
            let find = |world: &World| {
                let stack = find(world, id, region, &format!("net-{name}")).unwrap();
                let output = |key: &str| stack.outputs.iter().find(|output| output.key == key).unwrap().value.clone();
                (output("Vpc"), output("Table"))
            };
            self.sim.inspect(find).unwrap()
        };
        let ((vpc, table), (peer_vpc, _)) = (found(one), found(other));
        let tag = |key: &str, value: &str| ec2::types::Tag::builder().key(key).value(value).build();
        let specified = ec2::types::TagSpecification::builder()
            .resource_type(ec2::types::ResourceType::VpcPeeringConnection)
            .tags(tag("orch:plan", "other"))
            .tags(tag("orch:node", "peerings/p0-1"))
            .build();
        let (asking, asked) = (self.ec2(one.0.1, one.1), self.ec2(other.0.1, other.1));
        let request = asking.create_vpc_peering_connection().vpc_id(vpc).peer_vpc_id(peer_vpc);
        let request = request.peer_owner_id(other.0.1).peer_region(other.1);
        let request = request.set_tag_specifications(tags.then(|| vec![specified]));
        let id = request.send().await.unwrap().vpc_peering_connection.unwrap().vpc_peering_connection_id.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        asked.accept_vpc_peering_connection().vpc_peering_connection_id(&id).send().await.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        let route = asking.create_route().route_table_id(table).destination_cidr_block("192.168.0.0/16");
        route.vpc_peering_connection_id(&id).send().await.unwrap();
        id
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

    /// Does something to the plan's things, if there is such a thing. Says whether that had its effect.
    pub(crate) async fn lay(&self, hand: Hand) -> bool {
        match hand {
            Hand::DeletesPeering(which) => {
                let live = |world: &World| {
                    let ours = world.peerings.values().filter(|peering| {
                        !peering.is_dead() && peering.requester.tags.get("orch:plan").is_some_and(|plan| plan == "net")
                    });
                    ours.map(|peering| (peering.accepter.place.clone(), peering.id.clone())).collect()
                };
                let Some((place, id)) = picked(self.sim.inspect(live).unwrap(), which) else { return false };
                let ec2 = self.ec2(place.account.as_str(), place.region.as_str());
                ec2.delete_vpc_peering_connection().vpc_peering_connection_id(id).send().await.is_ok()
            }
            Hand::DeletesRoute(which) => {
                let found = picked(self.sim.inspect(routes).unwrap(), which);
                let Some((place, table, destination)) = found else { return false };
                let ec2 = self.ec2(place.account.as_str(), place.region.as_str());
                ec2.delete_route().route_table_id(table).destination_cidr_block(destination).send().await.is_ok()
            }
            Hand::DeletesStack(which) => {
                let Some((place, id)) = picked(self.sim.inspect(free).unwrap(), which) else { return false };
                let client = self.cloudformation(place.account.as_str(), place.region.as_str());
                client.delete_stack().stack_name(id).send().await.is_ok()
            }
            Hand::UpdatesStack(which) => self.update(which, &[("Label", "by-hand")], false).await,
            // No VPC can be as large, which CloudFormation does not know before it tries.
            Hand::BreaksStack(which) => self.update(which, &[("Range", "10.0.0.0/8")], true).await,
            Hand::LeavesChangeSet(which) => self.leave_change_set(which).await,
        }
    }

    /// Updates one of the VPCs' stacks in some of its parameters; keeps what fails as it is, if that is wished.
    async fn update(&self, which: usize, changed: &[(&str, &str)], keeps: bool) -> bool {
        let Some((place, id, parameters)) = picked(self.sim.inspect(nets).unwrap(), which) else { return false };
        let client = self.cloudformation(place.account.as_str(), place.region.as_str());
        let request = client.update_stack().stack_name(id).use_previous_template(true).disable_rollback(keeps);
        request.set_parameters(Some(given(&parameters, changed))).send().await.is_ok()
    }

    /// Makes a change set as a run of orch does that dies before it executes it.
    async fn leave_change_set(&self, which: usize) -> bool {
        let Some((place, id, parameters)) = picked(self.sim.inspect(nets).unwrap(), which) else { return false };
        let client = self.cloudformation(place.account.as_str(), place.region.as_str());
        let name = format!("orch-update-left-{which}");
        let request = client.create_change_set().stack_name(id).change_set_name(name).use_previous_template(true);
        request.set_parameters(Some(given(&parameters, &[("Label", "left")]))).send().await.is_ok()
    }

    /// Brings one of the plan's stacks into a state, as runs of orch may have left it, or somebody at the console. Says whether
    /// it came to that.
    pub(crate) async fn bring(&self, wanted: &WantedStack, state: State) -> bool {
        let client = self.cloudformation(wanted.account, wanted.region);
        let name = wanted.name.as_str();
        let fails = |action: &str, resource: &str| ResourceFault {
            stack: Some(name.to_owned()),
            logical_id: Some(resource.to_owned()),
            action: Some(action.to_owned()),
            reason: "no more of these".to_owned(),
            ..ResourceFault::default()
        };
        let plan = |resources: Vec<ResourceFault>| self.sim.set_faults(Faults { resources, ..Faults::default() });
        let parameter = |key: &str, value: &str| Parameter::builder().parameter_key(key).parameter_value(value).build();
        let parameters: Vec<Parameter> = wanted.parameters.iter().map(|(key, value)| parameter(key, value)).collect();
        let tag = |key: &str, value: &str| cloudformation::types::Tag::builder().key(key).value(value).build();
        let tags = vec![tag("orch:plan", "net"), tag("orch:node", &wanted.node)];
        let create = || {
            let request = client.create_stack().stack_name(name).template_body(NET);
            request.set_parameters(Some(parameters.clone())).set_tags(Some(tags.clone()))
        };
        let settled = || tokio::time::sleep(Duration::from_mins(10));
        let keys: Vec<String> = ["Range", "Label", "Peer", "Secret", "Wide"].map(str::to_owned).into();
        let update = |changed: &[(&str, &str)]| {
            let request = client.update_stack().stack_name(name).use_previous_template(true);
            request.set_parameters(Some(given(&keys, changed)))
        };
        let status = || statuses(&self.sim).get(name).copied();
        let is_wide = wanted.parameters.get("Wide").is_some_and(|wide| wide == "yes");
        match state {
            State::Review => {
                let request = client.create_change_set().stack_name(name).change_set_name("orch-update-left");
                let request = request.change_set_type(cloudformation::types::ChangeSetType::Create);
                let request = request.template_body(NET).set_parameters(Some(parameters)).set_tags(Some(tags));
                return request.send().await.is_ok();
            }
            State::CreateInProgress => return create().send().await.is_ok(),
            State::RollbackComplete | State::RollbackFailed | State::CreateFailed => {
                let keeps = state == State::CreateFailed;
                let mut faults = vec![fails("CREATE", "Subnet")];
                faults.extend((state == State::RollbackFailed).then(|| fails("DELETE", "Vpc")));
                plan(faults);
                let on_failure = keeps.then_some(cloudformation::types::OnFailure::DoNothing);
                let _ = create().set_on_failure(on_failure).send().await;
                settled().await;
            }
            State::UpdateInProgress => return update(&[("Label", "by-hand")]).send().await.is_ok(),
            State::UpdateFailed => {
                let _ = update(&[("Range", "10.0.0.0/8")]).disable_rollback(true).send().await;
                settled().await;
            }
            State::UpdateRollbackComplete => {
                let _ = update(&[("Range", "10.0.0.0/8")]).send().await;
                settled().await;
            }
            // Something has changed by the time that something else fails, and cannot be changed back.
            State::UpdateRollbackFailed => {
                if is_wide {
                    return false;
                }
                plan(vec![fails("CREATE", "Other")]);
                let _ = update(&[("Label", "by-hand"), ("Wide", "yes")]).send().await;
                for _ in 0..600 {
                    if status() == Some(Status::UpdateRollbackInProgress) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                plan(vec![fails("UPDATE", "Vpc")]);
                settled().await;
            }
        }
        self.sim.set_faults(Faults::default());
        status().is_some_and(|status| status.as_str() == state.status())
    }
}

/// The values of parameters: some are changed, and the others stay.
fn given(keys: &[String], changed: &[(&str, &str)]) -> Vec<Parameter> {
    let one = |key: &String| {
        let given = Parameter::builder().parameter_key(key);
        match changed.iter().find(|(changed, _)| changed == key) {
            Some((_, value)) => given.parameter_value(*value).build(),
            None => given.use_previous_value(true).build(),
        }
    };
    keys.iter().map(one).collect()
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
