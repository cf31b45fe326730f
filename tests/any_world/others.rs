//! What others do in the world: what they have there by themselves, and what they delete of the plan's.

use std::time::Duration;

use indexmap::IndexMap;
use orch::aws::{AccountSpec, PeeringRequest, Regional, Sessions, StackSpec};
use orch::ids::Region;
use orch::sim::Sim;
use orch::sim::ec2::Origin;
use proptest::prelude::*;
use proptest::sample::Index;

use super::commands::environment;
use super::design::{ACCOUNTS, REGIONS};

/// Something of the plan's that somebody deletes by hand.
#[derive(Clone, Debug)]
pub(crate) enum Loss {
    /// One of the live peerings.
    Peering(Index),
    /// One of the routes that somebody has added to a table.
    Route(Index),
    /// One of the stacks that nothing else hangs on.
    Stack(Index),
}

/// Up to three of them.
pub(crate) fn losses() -> impl Strategy<Value = Vec<Loss>> {
    let loss = prop_oneof![
        any::<Index>().prop_map(Loss::Peering),
        any::<Index>().prop_map(Loss::Route),
        any::<Index>().prop_map(Loss::Stack),
    ];
    prop::collection::vec(loss, 0..4)
}

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
pub(crate) struct Others {
    sim: Sim,
    sessions: Sessions,
}

impl Others {
    /// Somebody with the keys of every account.
    pub(crate) async fn of(sim: &Sim) -> Self {
        let spec = |(name, id): (&str, &str)| {
            let spec = AccountSpec::new(id.parse().unwrap(), REGIONS[0].into());
            let role = (id != ACCOUNTS[0].1).then(|| "Other".parse().unwrap());
            (name.into(), AccountSpec { role, ..spec })
        };
        let accounts = ACCOUNTS.into_iter().map(spec).collect();
        Self { sim: sim.clone(), sessions: Sessions::open(&accounts, &environment(sim)).await.unwrap() }
    }

    fn at(&self, account: usize, region: usize) -> Regional {
        self.sessions.region(&ACCOUNTS[account].0.into(), &REGIONS[region].into()).unwrap()
    }

    /// Where something of the embedded AWS is.
    fn home(&self, account: &str, region: &Region) -> Regional {
        let name = ACCOUNTS.iter().find(|(_, id)| *id == account).unwrap().0;
        self.sessions.region(&name.into(), region).unwrap()
    }

    /// Builds what is not the plan's: in every place a stack, some of them with names and tags that look like the plan's, and
    /// a peering between two of the VPCs with a route into it.
    pub(crate) async fn settle(&self) {
        for (account, (name, _)) in ACCOUNTS.iter().enumerate() {
            for region in 0..REGIONS.len() {
                let range = format!("172.{}.0.0/16", 16 + 2 * account + region);
                let tags = match (account, region) {
                    (1, _) => vec![("orch:plan", "other"), ("orch:node", "stacks/n0")],
                    (2, _) => vec![("Owner", "net")],
                    _ => vec![],
                };
                let spec = StackSpec {
                    name: format!("net-{name}"),
                    template: orch::aws::Template::Text(FOREIGN.into()),
                    parameters: IndexMap::from([("Range".to_owned(), range)]),
                    kept: Vec::new(),
                    tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
                    capabilities: Vec::new(),
                    settings: orch::aws::Settings::default(),
                };
                self.at(account, region).create_stack(&spec, "others").await.unwrap();
            }
        }
        tokio::time::sleep(Duration::from_mins(10)).await;
        for (one, other, tags) in [(1, 0, vec![]), (2, 3, vec![("orch:plan", "other"), ("orch:node", "peerings/p0")])] {
            let (one, other) = (self.at(one, 0), self.at(other, 1));
            let (from, to) = (stack(&one).await, stack(&other).await);
            let request = PeeringRequest {
                vpc: from["Vpc"].clone(),
                peer_vpc: to["Vpc"].clone(),
                peer_account: other.account_id().to_string(),
                peer_region: other.region().to_string(),
                tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            };
            let id = one.request_peering(&request).await.unwrap().id;
            tokio::time::sleep(Duration::from_mins(1)).await;
            other.accept_peering(&id).await.unwrap();
            tokio::time::sleep(Duration::from_mins(1)).await;
            one.create_route(&from["Table"], "192.168.0.0/16", orch::aws::RouteTarget::Peering, &id).await.unwrap();
        }
    }

    /// The stacks and live peerings that bear the plan's name and none of these of nodes.
    pub(crate) fn strays(&self, nodes: &[String]) -> Vec<String> {
        let strays = |world: &orch::sim::World| {
            let stacks = world.places().flat_map(|(_, place)| place.cloudformation.stacks.values());
            let stacks = stacks.filter(|stack| stack.deleted.is_none());
            let stacks = stacks.filter_map(|stack| Some((&stack.name, &stack.config.as_ref()?.tags)));
            let peerings = world.peerings.values().filter(|peering| !peering.is_dead());
            let peerings = peerings.map(|peering| (&peering.id, &peering.requester.tags));
            let ours =
                stacks.chain(peerings).filter(|(_, tags)| tags.get("orch:plan").is_some_and(|plan| plan == "net"));
            let strays = ours
                .filter(|(_, tags)| tags.get("orch:node").is_none_or(|node| !nodes.iter().any(|known| node == known)));
            strays.map(|(name, _)| name.clone()).collect()
        };
        self.sim.inspect(strays).unwrap()
    }

    /// Deletes something of the plan's, if there is such a thing.
    pub(crate) async fn lose(&self, loss: &Loss) {
        match loss {
            Loss::Peering(which) => {
                let live: Vec<(Regional, String)> = self
                    .sim
                    .inspect(|world| {
                        let ours = world.peerings.values().filter(|peering| {
                            !peering.is_dead()
                                && peering.requester.tags.get("orch:plan").is_some_and(|plan| plan == "net")
                        });
                        let home = |peering: &orch::sim::ec2::Peering| {
                            let place = &peering.accepter.place;
                            (self.home(place.account.as_str(), &place.region), peering.id.clone())
                        };
                        ours.map(home).collect()
                    })
                    .unwrap();
                if let Some((regional, id)) = picked(&live, *which) {
                    regional.delete_peering(id).await.unwrap();
                }
            }
            Loss::Route(which) => {
                let routes: Vec<(Regional, String, String)> = self
                    .sim
                    .inspect(|world| {
                        let mut routes = Vec::new();
                        for (place, regional) in world.places() {
                            for table in
                                regional.ec2.route_tables.values().filter(|table| is_ours(world, &place, &table.vpc))
                            {
                                for (destination, route) in &table.routes {
                                    if route.origin == Origin::CreateRoute {
                                        let home = self.home(place.account.as_str(), &place.region);
                                        routes.push((home, table.id.clone(), destination.to_string()));
                                    }
                                }
                            }
                        }
                        routes
                    })
                    .unwrap();
                if let Some((regional, table, destination)) = picked(&routes, *which) {
                    regional.delete_route(table, destination).await.unwrap();
                }
            }
            Loss::Stack(which) => {
                let stacks: Vec<(Regional, String)> = self
                    .sim
                    .inspect(|world| {
                        let mut stacks = Vec::new();
                        for (place, regional) in world.places() {
                            let named =
                                |name: &str| regional.cloudformation.stacks.values().any(|stack| stack.name == name);
                            for stack in regional.cloudformation.stacks.values() {
                                let tags = stack.config.as_ref().map(|config| &config.tags);
                                let ours =
                                    tags.is_some_and(|tags| tags.get("orch:plan").is_some_and(|plan| plan == "net"));
                                let number = ["net-n", "net-m"].iter().find_map(|net| stack.name.strip_prefix(net));
                                let held = number.is_some_and(|number| named(&format!("net-g{number}")));
                                let vpc = stack.resources.get("Vpc").and_then(|vpc| vpc.physical_id.as_ref());
                                let peered = world.peerings.values().any(|peering| {
                                    !peering.is_dead()
                                        && [&peering.requester, &peering.accepter]
                                            .iter()
                                            .any(|side| vpc.is_some_and(|vpc| *vpc == side.vpc))
                                });
                                if ours && !held && !peered && stack.deleted.is_none() {
                                    stacks.push((self.home(place.account.as_str(), &place.region), stack.id.clone()));
                                }
                            }
                        }
                        stacks
                    })
                    .unwrap();
                if let Some((regional, id)) = picked(&stacks, *which) {
                    regional.delete_stack(id, "by-hand").await.unwrap();
                }
            }
        }
        tokio::time::sleep(Duration::from_mins(10)).await;
    }
}

fn picked<T>(items: &[T], which: Index) -> Option<&T> {
    (!items.is_empty()).then(|| &items[which.index(items.len())])
}

/// Whether a VPC is not one of the others.
fn is_ours(world: &orch::sim::World, place: &orch::sim::Place, vpc: &str) -> bool {
    let range = world.ec2(place).vpcs.get(vpc).and_then(orch::sim::ec2::Vpc::cidr_block);
    range.is_some_and(|range| range.to_string().starts_with("10."))
}

/// The outputs of the one stack that the others have in a place.
async fn stack(regional: &Regional) -> std::collections::BTreeMap<String, String> {
    let name = format!("net-{}", regional.account());
    regional.stack(&name).await.unwrap().unwrap().outputs
}
