//! What calls to EC2 ask for.

use super::{arn, ask, keys, with_request_tags, with_resource_tags};
use crate::iam::{Asked, Keys, operation};
use crate::sim::ec2::{Kind, Side, Tags, tagging};
use crate::sim::wire::{Request, Service};
use crate::sim::world::{Place, World};

const SERVICE: Service = Service::Ec2;

pub(super) fn asked(world: &World, request: &Request) -> Vec<Asked> {
    let (name, params) = (request.operation.as_str(), &request.params);
    let about = About { world, request };
    let id = |name: &str| params.get(name).unwrap_or_default();
    match name {
        "CreateVpcPeeringConnection" => about.new_peering(),
        "AcceptVpcPeeringConnection" => {
            let peering = id("VpcPeeringConnectionId");
            let found = world.peerings.get(peering);
            let vpc = found.map_or("*", |found| found.accepter.vpc.as_str());
            vec![about.peering(name, peering), about.vpc(name, vpc)]
        }
        "DeleteVpcPeeringConnection" | "ModifyVpcPeeringConnectionOptions" | "RejectVpcPeeringConnection" => {
            vec![about.peering(name, id("VpcPeeringConnectionId"))]
        }
        "CreateRoute" | "ReplaceRoute" | "DeleteRoute" => vec![about.table(name, id("RouteTableId"))],
        "CreateTags" => params.list("ResourceId").into_iter().map(|id| about.tags(id)).collect(),
        _ => vec![about.all(name)],
    }
}

/// Whether it is known what an operation asks for: what only looks is asked on all.
pub(super) fn is_known(name: &str) -> bool {
    name.starts_with("Describe") || name == "RejectVpcPeeringConnection" || operation(name).is_some()
}

/// Whoever asks, and in which world.
struct About<'a> {
    world: &'a World,
    request: &'a Request,
}

impl About<'_> {
    fn keys(&self) -> Keys {
        keys(self.request).with("ec2:Region", self.request.place.region.as_str())
    }

    fn arn(&self, kind: Kind, id: &str) -> String {
        arn(SERVICE, &self.request.place, &format!("{}/{id}", kind.tagged))
    }

    fn all(&self, action: &str) -> Asked {
        ask(SERVICE, action, "*", self.keys())
    }

    fn vpc(&self, action: &str, id: &str) -> Asked {
        let found = self.world.ec2(&self.request.place).vpcs.get(id);
        let resource = self.arn(Kind::VPC, id);
        let keys = with_resource_tags(self.keys(), found.map(|vpc| &vpc.tags)).with("ec2:VpcID", id);
        ask(SERVICE, action, resource, keys)
    }

    fn table(&self, action: &str, id: &str) -> Asked {
        let found = self.world.ec2(&self.request.place).route_tables.get(id);
        let mut keys = with_resource_tags(self.keys(), found.map(|table| &table.tags)).with("ec2:RouteTableID", id);
        if let Some(table) = found {
            keys.add("ec2:Vpc", self.arn(Kind::VPC, &table.vpc));
        }
        ask(SERVICE, action, self.arn(Kind::ROUTE_TABLE, id), keys)
    }

    /// The keys of a peering that there is.
    fn of_peering(&self, id: &str) -> Keys {
        let Some(found) = self.world.peerings.get(id) else { return self.keys() };
        let keys = with_resource_tags(self.keys(), found.tags(&self.request.place));
        let vpc = |side: &Side| vpc_arn(&side.place, &side.vpc);
        keys.with("ec2:RequesterVpc", vpc(&found.requester)).with("ec2:AccepterVpc", vpc(&found.accepter))
    }

    fn peering(&self, action: &str, id: &str) -> Asked {
        ask(SERVICE, action, self.arn(Kind::PEERING, id), self.of_peering(id))
    }

    /// A new peering: the requester's VPC, the peering itself, and its tags.
    fn new_peering(&self) -> Vec<Asked> {
        const ACTION: &str = "CreateVpcPeeringConnection";
        let (params, place) = (&self.request.params, &self.request.place);
        let text = |name: &str| params.get(name).unwrap_or_default();
        let account = params.get("PeerOwnerId").and_then(|id| id.parse().ok()).unwrap_or(place.account.clone());
        let region = params.get("PeerRegion").map_or_else(|| place.region.clone(), Into::into);
        let tags: Tags = tagging::specified(params, Kind::PEERING).unwrap_or_default();
        let given =
            |keys: Keys| with_request_tags(keys, tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        let resource = self.arn(Kind::PEERING, "*");
        let keys = given(self.keys())
            .with("ec2:RequesterVpc", vpc_arn(place, text("VpcId")))
            .with("ec2:AccepterVpc", vpc_arn(&Place { account, region }, text("PeerVpcId")));
        let mut all = vec![self.vpc(ACTION, text("VpcId")), ask(SERVICE, ACTION, &*resource, keys)];
        if !tags.is_empty() {
            let keys = given(self.keys()).with("ec2:CreateAction", ACTION);
            all.push(ask(SERVICE, "CreateTags", resource, keys));
        }
        all
    }

    /// Tags for something that exists.
    fn tags(&self, id: &str) -> Asked {
        let given: Tags = tagging::read(&self.request.params);
        let kind = Kind::of(id);
        let place = &self.request.place;
        let keys = if kind == Some(Kind::PEERING) {
            self.of_peering(id)
        } else {
            let all = tagging::all(self.world, place);
            let own = all.iter().find(|(known, ..)| *known == id).map(|(.., tags)| *tags);
            with_resource_tags(self.keys(), own)
        };
        let keys = with_request_tags(keys, given.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        let resource = kind.map_or_else(|| arn(SERVICE, place, &format!("*/{id}")), |kind| self.arn(kind, id));
        ask(SERVICE, "CreateTags", resource, keys)
    }
}

fn vpc_arn(place: &Place, id: &str) -> String {
    arn(SERVICE, place, &format!("vpc/{id}"))
}
