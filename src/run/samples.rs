//! The plan that tests run: a hub and a spoke, their peering, and a route on either side.

/// The account of the hub, whose credentials runs start from.
pub(super) const HUB: &str = "111111111111";
/// The account of the spoke, which is reached by a role.
pub(super) const DEV: &str = "222222222222";

/// The plan. Its template is `net.yaml`, which takes `CidrBlock` and gives `VPCId` and `RouteTableId`.
pub(super) const PLAN: &str = r#"name   = "net"
region = "us-east-1"

[accounts]
master = { id = "111111111111" }
dev    = { id = "222222222222", role = "Deploy" }

[stacks.hub]
name       = "hub"
account    = "master"
template   = "net.yaml"
parameters = { CidrBlock = "10.0.0.0/20" }

[stacks.spoke]
name       = "spoke"
account    = "dev"
template   = "net.yaml"
parameters = { CidrBlock = "10.0.16.0/20" }

[peerings.spoke]
requester = { account = "dev", vpc = "{{ stacks.spoke.outputs.VPCId }}" }
accepter  = { account = "master", vpc = "{{ stacks.hub.outputs.VPCId }}" }

[routes.out]
account      = "dev"
destination  = "10.0.0.0/20"
via          = "{{ peerings.spoke.id }}"
route_tables = ["{{ stacks.spoke.outputs.RouteTableId }}"]

[routes.back]
account      = "master"
destination  = "10.0.16.0/20"
via          = "{{ peerings.spoke.id }}"
route_tables = ["{{ stacks.hub.outputs.RouteTableId }}"]
"#;
