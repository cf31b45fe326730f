//! How EC2 speaks of each kind of resource.

use crate::sim::wire::ApiError;

/// A kind of resource: the prefix of its ids and the words of its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// What its ids start with.
    pub(crate) prefix: &'static str,
    /// What `TagSpecification` calls it.
    pub(crate) tagged: &'static str,
    /// What messages call it.
    noun: &'static str,
    /// What its error codes start with.
    code: &'static str,
}

impl Kind {
    pub(crate) const VPC: Self = Self::new("vpc", "vpc", "vpc", "InvalidVpcID");
    pub(crate) const SUBNET: Self = Self::new("subnet", "subnet", "subnet", "InvalidSubnetID");
    pub(crate) const ROUTE_TABLE: Self = Self::new("rtb", "route-table", "routeTable", "InvalidRouteTableID");
    pub(crate) const ASSOCIATION: Self =
        Self::new("rtbassoc", "route-table-association", "association", "InvalidAssociationID");
    pub(crate) const SECURITY_GROUP: Self = Self::new("sg", "security-group", "security group", "InvalidGroup");
    pub(crate) const INTERNET_GATEWAY: Self =
        Self::new("igw", "internet-gateway", "internetGateway", "InvalidInternetGatewayID");
    pub(crate) const EGRESS_ONLY_GATEWAY: Self =
        Self::new("eigw", "egress-only-internet-gateway", "egressOnlyInternetGateway", "InvalidGatewayID");
    pub(crate) const NAT_GATEWAY: Self = Self::new("nat", "natgateway", "natGateway", "InvalidNatGatewayID");
    pub(crate) const ADDRESS: Self = Self::new("eipalloc", "elastic-ip", "allocation", "InvalidAllocationID");
    pub(crate) const NETWORK_INTERFACE: Self =
        Self::new("eni", "network-interface", "networkInterface", "InvalidNetworkInterfaceID");
    pub(crate) const ENDPOINT: Self = Self::new("vpce", "vpc-endpoint", "Vpc Endpoint", "InvalidVpcEndpointId");
    pub(crate) const TRANSIT_GATEWAY: Self =
        Self::new("tgw", "transit-gateway", "transitGateway", "InvalidTransitGatewayID");
    pub(crate) const ATTACHMENT: Self = Self::new(
        "tgw-attach",
        "transit-gateway-attachment",
        "transitGatewayAttachment",
        "InvalidTransitGatewayAttachmentID",
    );
    pub(crate) const PEERING: Self =
        Self::new("pcx", "vpc-peering-connection", "vpcPeeringConnection", "InvalidVpcPeeringConnectionID");

    const fn new(prefix: &'static str, tagged: &'static str, noun: &'static str, code: &'static str) -> Self {
        Self { prefix, tagged, noun, code }
    }

    /// The kind of a resource that others refer to, by its id.
    pub(crate) fn of(id: &str) -> Option<Self> {
        const REFERRED: [Kind; 7] = [
            Kind::VPC,
            Kind::SUBNET,
            Kind::ROUTE_TABLE,
            Kind::INTERNET_GATEWAY,
            Kind::TRANSIT_GATEWAY,
            Kind::ENDPOINT,
            Kind::PEERING,
        ];
        let (prefix, rest) = id.rsplit_once('-')?;
        let is_id = !rest.is_empty() && rest.chars().all(|c| c.is_ascii_hexdigit());
        REFERRED.into_iter().find(|kind| is_id && kind.prefix == prefix)
    }

    /// What EC2 says about an id that is nobody's.
    pub(crate) fn not_found(self, id: &str) -> ApiError {
        if !id.strip_prefix(self.prefix).is_some_and(|rest| rest.starts_with('-')) {
            let message = format!("Invalid id: \"{id}\" (expecting \"{}-...\")", self.prefix);
            return ApiError::new(format!("{}.Malformed", self.code), message);
        }
        let noun = self.noun;
        let message = match self {
            Self::SECURITY_GROUP | Self::ENDPOINT => format!("The {noun} '{id}' does not exist"),
            _ => format!("The {noun} ID '{id}' does not exist"),
        };
        ApiError::new(format!("{}.NotFound", self.code), message)
    }

    /// What EC2 says when something still needs what is to be deleted.
    pub(crate) fn in_use(self, id: &str) -> ApiError {
        ApiError::new(
            "DependencyViolation",
            format!("The {} '{id}' has dependencies and cannot be deleted.", self.noun),
        )
    }
}
