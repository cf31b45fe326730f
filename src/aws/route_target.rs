//! What routes lead to.

/// What a route leads to, by the field of the API that takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteTarget {
    /// A VPC peering connection.
    Peering,
    /// A transit gateway.
    TransitGateway,
    /// A NAT gateway.
    NatGateway,
    /// An internet gateway or a virtual private gateway.
    Gateway,
    /// A network interface.
    NetworkInterface,
    /// A VPC endpoint (of a Gateway Load Balancer).
    VpcEndpoint,
    /// An egress-only internet gateway.
    EgressOnlyGateway,
    /// A local gateway of an Outpost.
    LocalGateway,
    /// A carrier gateway of a Wavelength Zone.
    CarrierGateway,
    /// An instance.
    Instance,
    /// A Cloud WAN core network, by its ARN.
    CoreNetwork,
}

impl RouteTarget {
    /// The kind of target that an id is of, by its prefix; `None` if a route cannot lead to such a thing.
    pub fn of(id: &str) -> Option<Self> {
        const PREFIXES: [(&str, RouteTarget); 12] = [
            ("pcx-", RouteTarget::Peering),
            ("tgw-", RouteTarget::TransitGateway),
            ("nat-", RouteTarget::NatGateway),
            ("igw-", RouteTarget::Gateway),
            ("vgw-", RouteTarget::Gateway),
            ("eni-", RouteTarget::NetworkInterface),
            ("vpce-", RouteTarget::VpcEndpoint),
            ("eigw-", RouteTarget::EgressOnlyGateway),
            ("lgw-", RouteTarget::LocalGateway),
            ("cagw-", RouteTarget::CarrierGateway),
            ("i-", RouteTarget::Instance),
            ("arn:", RouteTarget::CoreNetwork),
        ];
        let of_prefix = PREFIXES.iter().find(|(prefix, _)| id.len() > prefix.len() && id.starts_with(prefix));
        of_prefix
            .map(|(_, target)| *target)
            .filter(|target| *target != Self::CoreNetwork || id.contains(":core-network/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_known_by_its_ids_prefix() {
        for (id, target) in [
            ("pcx-1", Some(RouteTarget::Peering)),
            ("tgw-1", Some(RouteTarget::TransitGateway)),
            ("nat-1", Some(RouteTarget::NatGateway)),
            ("igw-1", Some(RouteTarget::Gateway)),
            ("vgw-1", Some(RouteTarget::Gateway)),
            ("eni-1", Some(RouteTarget::NetworkInterface)),
            ("vpce-1", Some(RouteTarget::VpcEndpoint)),
            ("eigw-1", Some(RouteTarget::EgressOnlyGateway)),
            ("lgw-1", Some(RouteTarget::LocalGateway)),
            ("cagw-1", Some(RouteTarget::CarrierGateway)),
            ("i-1", Some(RouteTarget::Instance)),
            ("arn:aws:networkmanager::111111111111:core-network/core-network-1", Some(RouteTarget::CoreNetwork)),
            ("arn:aws:s3:::bucket", None),
            ("pcx-", None),
            ("vpc-1", None),
            ("", None),
        ] {
            assert_eq!(RouteTarget::of(id), target, "{id}");
        }
    }
}
