"""The scenario that all clients are given: a hub, N spokes, peerings and routes, in an account each.

The hub's stack takes 8 s, the spokes' 4 to 12 s, spread evenly, and none needs to wait for another. A peering takes one
second from accepted to active. Everything else takes the latency of its calls. So the longest chain of AWS's own work, below
which nobody can come, is the slowest spoke's stack and its peering.
"""

import pathlib

REGION = "us-east-1"
HUB_ACCOUNT = "111111111111"
HUB_MS, FASTEST_MS, SLOWEST_MS, PEERING_MS = 8_000, 4_000, 12_000, 1_000
BOUND = (SLOWEST_MS + PEERING_MS) / 1000
HUB_RANGE = "10.0.0.0/16"

NETWORK = """Parameters:
  Range: {Type: String}
Resources:
  VPC: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Range}}
  RouteTable: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref VPC}}
Outputs:
  VPCId: {Value: !Ref VPC}
  RouteTableId: {Value: !Ref RouteTable}
  Range: {Value: !GetAtt VPC.CidrBlock}
"""

PEERING = """Parameters:
  Vpc: {Type: String}
  Table: {Type: String}
  HubVpc: {Type: String}
  HubAccount: {Type: String}
  HubRole: {Type: String}
  HubRange: {Type: String}
Resources:
  Peering:
    Type: AWS::EC2::VPCPeeringConnection
    Properties: {VpcId: !Ref Vpc, PeerVpcId: !Ref HubVpc, PeerOwnerId: !Ref HubAccount, PeerRoleArn: !Ref HubRole}
  Route:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: !Ref HubRange, VpcPeeringConnectionId: !Ref Peering}
Outputs:
  PeeringId: {Value: !Ref Peering}
"""

ROUTE = """Parameters:
  Table: {Type: String}
  Range: {Type: String}
  Peering: {Type: String}
Resources:
  Route:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: !Ref Range, VpcPeeringConnectionId: !Ref Peering}
"""

RATES = """
[rates]
cloudformation_read  = { burst = 20, per_second = 10 }
cloudformation_write = { burst = 5, per_second = 2 }
ec2_write            = { burst = 10, per_second = 5 }
"""


def spokes(number):
    """Name, account and range of each."""
    return [(f"spoke-{n:02}", str(200_000_000_000 + n), f"10.{n}.0.0/16") for n in range(1, number + 1)]


def role(account):
    return f"arn:aws:iam::{account}:role/MasterAcctRole"


def write(folder, text):
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text(text)


def aws(number, throttled):
    """What the served AWS is given. Sceptre names its stacks by its own rules, so each has two names."""
    names = {"hub": HUB_MS}
    for n, (name, _, _) in enumerate(spokes(number)):
        names[name] = FASTEST_MS + (SLOWEST_MS - FASTEST_MS) * n // max(number - 1, 1)
    stacks = [f'"{name}" = {ms}\n"net-all-{name}-network" = {ms}\n' for name, ms in names.items()]
    timing = f"[timing]\nresource_ms = 0\npeering_request_ms = 0\npeering_visible_ms = 0\npeering_accept_ms = {PEERING_MS}\n"
    return f"{timing}\n[timing.stack_ms]\n{''.join(stacks)}{RATES if throttled else ''}"


def plan(folder, number):
    """The scenario as a plan of orch."""
    write(folder / "network.yaml", NETWORK)
    accounts = "".join(f'{name} = {{ id = "{id}", role = "MasterAcctRole" }}\n' for name, id, _ in spokes(number))
    ranges = "".join(f'{name} = "{range}"\n' for name, _, range in spokes(number))
    write(
        folder / "plan.toml",
        f"""name   = "net"
region = "{REGION}"

[accounts]
hub = {{ id = "{HUB_ACCOUNT}" }}
{accounts}
[vars.spokes]
{ranges}
[stacks.hub]
account    = "hub"
name       = "hub"
template   = "network.yaml"
parameters = {{ Range = "{HUB_RANGE}" }}

[stacks.spoke]
for_each   = "vars.spokes"
account    = "{{{{ each.key }}}}"
name       = "{{{{ each.key }}}}"
template   = "network.yaml"
parameters = {{ Range = "{{{{ each.value }}}}" }}

[peerings.spoke]
for_each  = "stacks.spoke"
requester = {{ account = "{{{{ each.account }}}}", vpc = "{{{{ each.outputs.VPCId }}}}" }}
accepter  = {{ account = "hub", vpc = "{{{{ stacks.hub.outputs.VPCId }}}}" }}

[routes.spoke-to-hub]
for_each     = "peerings.spoke"
account      = "{{{{ each.requester.account }}}}"
destination  = "{HUB_RANGE}"
via          = "{{{{ each.id }}}}"
route_tables = ["{{{{ each.source.outputs.RouteTableId }}}}"]

[routes.hub-to-spoke]
for_each     = "peerings.spoke"
account      = "hub"
destination  = "{{{{ each.source.outputs.Range }}}}"
via          = "{{{{ each.id }}}}"
route_tables = ["{{{{ stacks.hub.outputs.RouteTableId }}}}"]
""",
    )


def sceptre(folder, number):
    """The scenario as a project of Sceptre: a folder for each account, and a stack for each step, since its order is that of
    stacks."""
    for name, text in [("network", NETWORK), ("peering", PEERING), ("route", ROUTE)]:
        write(folder / "templates" / f"{name}.yaml", text)
    config = folder / "config"
    write(config / "config.yaml", f"project_code: net\nregion: {REGION}\n")

    def stack(path, template, parameters):
        lines = "".join(f"  {key}: {value}\n" for key, value in parameters.items())
        write(config / "all" / f"{path}.yaml", f"template:\n  path: {template}.yaml\n  type: file\nparameters:\n{lines}")

    stack("hub/network", "network", {"Range": HUB_RANGE})
    for name, account, range in spokes(number):
        write(config / "all" / name / "config.yaml", f"sceptre_role: {role(account)}\n")
        stack(f"{name}/network", "network", {"Range": range})
        peering = {
            "Vpc": f"!stack_output all/{name}/network.yaml::VPCId",
            "Table": f"!stack_output all/{name}/network.yaml::RouteTableId",
            "HubVpc": "!stack_output all/hub/network.yaml::VPCId",
            "HubAccount": f"'{HUB_ACCOUNT}'",
            "HubRole": role(HUB_ACCOUNT),
            "HubRange": HUB_RANGE,
        }
        stack(f"{name}/peering", "peering", peering)
        route = {
            "Table": "!stack_output all/hub/network.yaml::RouteTableId",
            "Range": range,
            "Peering": f"!stack_output all/{name}/peering.yaml::PeeringId",
        }
        stack(f"hub/to-{name}", "route", route)
