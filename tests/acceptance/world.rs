//! What stands in the embedded AWS, read from its world and not from anything that orch says.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use orch::sim::ec2::Status;
use orch::sim::{Place, Sim, World};

use crate::orch::Orch;

/// The shipped plan's spokes in us-east-1: account and address range.
pub const SPOKES: [(&str, &str); 4] = [
    ("222222222222", "10.0.16.0/20"),
    ("333333333333", "10.0.32.0/20"),
    ("444444444444", "10.0.48.0/20"),
    ("555555555555", "10.0.64.0/20"),
];

const HUB: &str = "111111111111";

/// An embedded AWS that is looked at.
pub struct Look(Sim);

/// The world that commands with `--local` have left in a folder.
pub fn of(orch: &Orch) -> Look {
    Look(Sim::builder().open(orch.path(".orch/local/world.json")).unwrap())
}

impl From<&Sim> for Look {
    fn from(sim: &Sim) -> Self {
        Self(sim.clone())
    }
}

/// A VPC by what can be known of it without its id.
fn vpc(world: &World, place: &Place, id: &str) -> String {
    let range = world.ec2(place).vpcs.get(id).and_then(orch::sim::ec2::Vpc::cidr_block);
    format!("{place}/{}", range.map_or_else(|| "?".to_owned(), |range| range.to_string()))
}

/// A peering by its two VPCs.
fn peering(world: &World, id: &str) -> String {
    world.peerings.get(id).map_or_else(
        || id.to_owned(),
        |peering| {
            let side = |side: &orch::sim::ec2::Side| vpc(world, &side.place, &side.vpc);
            format!("{} to {}", side(&peering.requester), side(&peering.accepter))
        },
    )
}

/// Everything that matters for a network, a line each and sorted, without ids: two worlds with the same shape do the same.
fn shape(world: &World) -> String {
    let mut lines = Vec::new();
    for (place, regional) in world.places() {
        for stack in regional.cloudformation.stacks.values() {
            lines.push(format!("stack {place} {} {}", stack.name, stack.status));
        }
        for id in regional.ec2.vpcs.keys() {
            lines.push(format!("vpc {}", vpc(world, &place, id)));
        }
        for table in regional.ec2.route_tables.values() {
            let name = table.tags.get("Name").map_or("main", |name| name.as_str());
            for (destination, route) in &table.routes {
                let target = match route.target.id.as_str() {
                    id if id.starts_with("pcx-") => peering(world, id),
                    id if id.starts_with("igw-") => "internet".to_owned(),
                    id => id.to_owned(),
                };
                lines.push(format!("route {} {name}: {destination} by {target}", vpc(world, &place, &table.vpc)));
            }
        }
    }
    for (id, found) in world.peerings.iter().filter(|(_, peering)| !peering.is_dead()) {
        lines.push(format!("peering {} {:?}", peering(world, id), found.status));
    }
    lines.sort();
    lines.join("\n")
}

impl Look {
    /// See [`shape`].
    pub fn shape(&self) -> String {
        self.0.inspect(shape).unwrap()
    }

    /// Holds that nothing is left.
    #[track_caller]
    pub fn is_empty(&self) {
        assert!(self.0.is_empty().unwrap(), "this is left:\n{}", self.shape());
    }

    /// Holds that the region has a hub and exactly these spokes, each with one active peering to the hub and a route in
    /// each of its three tables, and the hub with a route to each spoke in each of its own three.
    #[track_caller]
    pub fn is_a_hub_with_spokes(&self, region: &str, hub: &str, spokes: &[(&str, &str)]) {
        let mut wanted = String::new();
        for (account, range) in spokes {
            let link = format!("{account}/{region}/{range} to {HUB}/{region}/{hub}");
            writeln!(wanted, "peering {link} Active").unwrap();
            for _ in 0..3 {
                writeln!(wanted, "route {account}/{region}/{range} {hub} by {link}").unwrap();
                writeln!(wanted, "route {HUB}/{region}/{hub} {range} by {link}").unwrap();
            }
        }
        let mut wanted: Vec<&str> = wanted.lines().collect();
        wanted.sort_unstable();
        assert_eq!(self.links(region).join("\n"), wanted.join("\n"));
    }

    /// Holds that the region's peerings are those of these spokes and that only the spokes' side is routed.
    #[track_caller]
    pub fn is_a_hub_with_spokes_routed_one_way(&self, region: &str, spokes: &[(&str, &str)]) {
        let links = self.links(region);
        assert_eq!(links.iter().filter(|line| line.starts_with("peering")).count(), spokes.len(), "{links:?}");
        let hub_routes = links.iter().filter(|line| line.starts_with(&format!("route {HUB}"))).count();
        let routes = links.iter().filter(|line| line.starts_with("route")).count();
        assert_eq!((hub_routes, routes), (0, 3 * spokes.len()), "{links:?}");
    }

    /// Lets time pass at AWS while nobody looks.
    pub fn let_time_pass(&self, time: std::time::Duration) {
        self.0.advance(time);
        self.0.change(|_| ()).unwrap();
    }

    /// Switches the termination protection of a stack on.
    pub fn protect(&self, name: &str) {
        let protect = |world: &mut World| {
            let places: Vec<Place> = world.places().map(|(place, _)| place).collect();
            for place in places {
                let stacks = world.at_mut(&place).cloudformation.stacks.values_mut();
                stacks.filter(|stack| stack.name == name).for_each(|stack| stack.termination_protection = true);
            }
        };
        self.0.change(protect).unwrap();
    }

    /// Changes what an account has in EC2 in a region, as somebody does by hand.
    pub fn by_hand(&self, account: &str, region: &str, change: impl FnOnce(&mut orch::sim::ec2::Ec2)) {
        let account: orch::ids::AccountId = account.parse().unwrap();
        let own = |world: &mut World| {
            let regions = &mut world.accounts.get_mut(&account).unwrap().regions;
            change(&mut regions.get_mut(region).unwrap().ec2);
        };
        self.0.change(own).unwrap();
    }

    /// How many live peerings there are.
    pub fn peerings(&self) -> usize {
        self.0.inspect(|world| world.peerings.values().filter(|peering| !peering.is_dead()).count()).unwrap()
    }

    /// Takes the tags of orch from every stack and peering, as if somebody else had made them.
    pub fn unmark(&self) {
        let unmark = |world: &mut World| {
            for regional in world.accounts.values_mut().flat_map(|account| account.regions.values_mut()) {
                for stack in regional.cloudformation.stacks.values_mut() {
                    stack.config.iter_mut().for_each(|config| config.tags.retain(|key, _| !key.starts_with("orch:")));
                    let tags = stack.resources.values_mut().map(|resource| &mut resource.tags);
                    tags.for_each(|tags| tags.retain(|key, _| !key.starts_with("orch:")));
                }
            }
            let tags = world.peerings.values_mut().map(|peering| &mut peering.requester.tags);
            tags.for_each(|tags| tags.retain(|key, _| !key.starts_with("orch:")));
        };
        self.0.change(unmark).unwrap();
    }

    /// How many stacks and peerings bear tags of orch.
    pub fn marked(&self) -> usize {
        let count = |world: &World| {
            let stacks = world.places().flat_map(|(_, place)| place.cloudformation.stacks.values());
            let stacks = stacks.filter_map(|stack| stack.config.as_ref()).map(|config| &config.tags);
            let peerings = world.peerings.values().map(|peering| &peering.requester.tags);
            stacks.chain(peerings).filter(|tags| tags.contains_key("orch:plan")).count()
        };
        self.0.inspect(count).unwrap()
    }

    /// The nodes that stacks and live peerings name in their tags.
    pub fn names(&self) -> BTreeSet<String> {
        let names = |world: &World| {
            let stacks = world.places().flat_map(|(_, place)| place.cloudformation.stacks.values());
            let stacks = stacks.filter(|stack| stack.status.to_string() != "DELETE_COMPLETE");
            let stacks = stacks.filter_map(|stack| stack.config.as_ref()).map(|config| &config.tags);
            let peerings = world.peerings.values().filter(|peering| !peering.is_dead());
            let peerings = peerings.map(|peering| &peering.requester.tags);
            stacks.chain(peerings).filter_map(|tags| tags.get("orch:node")).map(ToString::to_string).collect()
        };
        self.0.inspect(names).unwrap()
    }

    /// How many change sets there are.
    pub fn change_sets(&self) -> usize {
        let kept = |world: &World| {
            let stacks = world.places().flat_map(|(_, place)| place.cloudformation.stacks.values());
            stacks.map(|stack| stack.change_sets.len()).sum()
        };
        self.0.inspect(kept).unwrap()
    }

    /// How many change sets wait to be executed.
    pub fn waiting_change_sets(&self) -> usize {
        let waiting = |world: &World| {
            let stacks = world.places().flat_map(|(_, place)| place.cloudformation.stacks.values());
            let sets = stacks.flat_map(|stack| &stack.change_sets);
            sets.filter(|set| set.execution.to_string() == "AVAILABLE").count()
        };
        self.0.inspect(waiting).unwrap()
    }

    /// Whether a text stands anywhere.
    pub fn holds(&self, text: &str) -> bool {
        self.0.inspect(|world| serde_json::to_string(world).unwrap().contains(text)).unwrap()
    }

    /// How many stacks are complete.
    pub fn whole_stacks(&self) -> usize {
        let whole = |world: &World| {
            let stacks = world.places().flat_map(|(_, regional)| regional.cloudformation.stacks.values());
            stacks.filter(|stack| stack.status.to_string() == "CREATE_COMPLETE").count()
        };
        self.0.inspect(whole).unwrap()
    }

    /// The peerings of a region and the routes into them, a line each and sorted.
    fn links(&self, region: &str) -> Vec<String> {
        self.0
            .inspect(|world| {
                let mut lines = Vec::new();
                for (id, found) in &world.peerings {
                    if found.requester.place.region.as_str() == region && found.status != Status::Deleted {
                        lines.push(format!("peering {} {:?}", peering(world, id), found.status));
                    }
                }
                for (place, regional) in world.places().filter(|(place, _)| place.region.as_str() == region) {
                    for table in regional.ec2.route_tables.values() {
                        for (destination, route) in &table.routes {
                            if route.target.id.starts_with("pcx-") {
                                let from = vpc(world, &place, &table.vpc);
                                lines.push(format!(
                                    "route {from} {destination} by {}",
                                    peering(world, &route.target.id)
                                ));
                            }
                        }
                    }
                }
                lines.sort();
                lines
            })
            .unwrap()
    }
}
