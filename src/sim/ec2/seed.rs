//! VPCs, route tables and peerings of a world that begins with what stands elsewhere.

use ipnet::IpNet;

use super::route::{Destination, Origin, Route, Target, TargetKind};
use super::{Association, RouteTable, Tags, Vpc, peering, route_table, security_group};
use crate::sim::seed::{self, Seed};
use crate::sim::world::{Place, World};

/// What routes go through, by the beginning of its id.
const TARGETS: [(&str, TargetKind); 11] = [
    ("pcx-", TargetKind::Peering),
    ("tgw-", TargetKind::TransitGateway),
    ("nat-", TargetKind::NatGateway),
    ("igw-", TargetKind::Gateway),
    ("vgw-", TargetKind::Gateway),
    ("eni-", TargetKind::NetworkInterface),
    ("vpce-", TargetKind::Endpoint),
    ("eigw-", TargetKind::EgressOnlyGateway),
    ("lgw-", TargetKind::LocalGateway),
    ("cagw-", TargetKind::CarrierGateway),
    ("i-", TargetKind::Instance),
];

/// Puts the VPCs and route tables of a seed into a world.
pub(crate) fn networks(world: &mut World, seed: &Seed) {
    for vpc in &seed.vpcs {
        plant_vpc(world, &seed.place, vpc, &seed.route_tables);
    }
    for table in &seed.route_tables {
        let found = self::table(table);
        world.ec2_mut(&seed.place).route_tables.insert(table.id.clone(), found);
    }
    for vpc in &seed.vpcs {
        // A VPC without a main table was read without one: it has one all the same.
        if world.ec2(&seed.place).vpcs.get(&vpc.id).is_some_and(|own| own.main_route_table.is_empty())
            && let Ok(main) = route_table::create_main(world, &seed.place, &vpc.id)
            && let Some(own) = world.ec2_mut(&seed.place).vpcs.get_mut(&vpc.id)
        {
            own.main_route_table = main;
        }
        // The VPC was put in above, so this finds it.
        let _ = route_table::refresh_local_routes(world, &seed.place, &vpc.id);
    }
}

fn plant_vpc(world: &mut World, place: &Place, seed: &seed::Vpc, tables: &[seed::RouteTable]) {
    let mut vpc = Vpc {
        id: seed.id.clone(),
        cidr_blocks: Vec::new(),
        ipv6_cidr_blocks: Vec::new(),
        tenancy: "default".to_owned(),
        dns_support: true,
        dns_hostnames: false,
        main_route_table: String::new(),
        default_security_group: String::new(),
        default_network_acl: world.ids().resource("acl"),
        tags: seed.tags.clone(),
    };
    for (association, range) in &seed.ranges {
        let id = match association.as_str() {
            "" => {
                let id = world.ids().resource("vpc-cidr-assoc");
                world.made_up(&id);
                id
            }
            id => id.to_owned(),
        };
        match range.parse() {
            Ok(IpNet::V4(range)) => vpc.cidr_blocks.push((id, range)),
            Ok(IpNet::V6(range)) => vpc.ipv6_cidr_blocks.push((id, range)),
            // EC2 tells no other.
            Err(_) => {}
        }
    }
    let is_main = |table: &&seed::RouteTable| {
        table.vpc == seed.id && table.associations.iter().any(|association| association.subnet.is_none())
    };
    if let Some(main) = tables.iter().find(is_main) {
        vpc.main_route_table.clone_from(&main.id);
    }
    vpc.default_security_group = security_group::create_default(world, place, &seed.id);
    // Nobody has told these.
    world.made_up(&vpc.default_security_group);
    world.made_up(&vpc.default_network_acl);
    world.ec2_mut(place).vpcs.insert(seed.id.clone(), vpc);
}

fn table(seed: &seed::RouteTable) -> RouteTable {
    let route = |(destination, target): &(String, String)| {
        let (target, origin) = match target.as_str() {
            "local" => (Target::local(), Origin::CreateRouteTable),
            id => {
                let kind = TARGETS.iter().find(|(prefix, _)| id.starts_with(prefix)).map(|(_, kind)| *kind);
                let kind = kind.unwrap_or(TargetKind::CoreNetwork);
                (Target { kind, id: id.to_owned() }, Origin::CreateRoute)
            }
        };
        Some((Destination::try_from(destination.clone()).ok()?, Route { target, origin }))
    };
    let association = |seed: &seed::Association| {
        (seed.id.clone(), Association { main: seed.subnet.is_none(), subnet: seed.subnet.clone() })
    };
    RouteTable {
        id: seed.id.clone(),
        vpc: seed.vpc.clone(),
        routes: seed.routes.iter().filter_map(route).collect(),
        associations: seed.associations.iter().map(association).collect(),
        tags: seed.tags.clone(),
    }
}

/// Puts the peerings of a seed into a world. One that the other side has brought already gets this side's tags.
pub(crate) fn peerings(world: &mut World, seed: &Seed) {
    for seen in &seed.peerings {
        if !world.peerings.contains_key(&seen.id) {
            peering::plant(world, seen);
        }
        let tags: &Tags = &seen.tags;
        if let Some(own) = world.peerings.get_mut(&seen.id).and_then(|peering| peering.tags_mut(&seed.place)) {
            own.clone_from(tags);
        }
    }
}
