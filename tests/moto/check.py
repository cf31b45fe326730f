"""Reads the shipped design back from an AWS endpoint with boto3 and fails where it is not as planned.

It shares nothing with orch but the names that stand in the plan: account ids, stack names and output names.
Prints what it found, sorted, so that two readings can be compared.
"""

import sys

import boto3

REGION = "us-east-1"
HUB = "111111111111"
SPOKES = {"dev": "222222222222", "staging": "333333333333", "test": "444444444444", "qa": "555555555555"}
TABLES = ("RouteTableId", "InternalRouteTableA", "InternalRouteTableB")


def client(service, account):
    role = f"arn:aws:iam::{account}:role/MasterAcctRole"
    keys = boto3.client("sts", region_name=REGION).assume_role(RoleArn=role, RoleSessionName="check")["Credentials"]
    return boto3.client(
        service,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def outputs(account, name):
    stacks = client("cloudformation", account).describe_stacks()["Stacks"]
    assert [s["StackName"] for s in stacks] == [name], f"{account}: {[s['StackName'] for s in stacks]}"
    assert stacks[0]["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stacks[0]["StackStatus"]
    assert {"Key": "Purpose", "Value": "Infrastructure"} in stacks[0]["Tags"], stacks[0]["Tags"]
    return {o["OutputKey"]: o["OutputValue"] for o in stacks[0]["Outputs"]}


def routes(account, stack):
    """What each of the three tables of a stack sends into a peering: {table: {destination: peering}}."""
    found = client("ec2", account).describe_route_tables(RouteTableIds=[stack[t] for t in TABLES])["RouteTables"]
    assert len(found) == len(TABLES), found
    return {
        table["RouteTableId"]: {
            r["DestinationCidrBlock"]: r["VpcPeeringConnectionId"]
            for r in table["Routes"]
            if r.get("VpcPeeringConnectionId")
        }
        for table in found
    }


def main(with_peerings):
    hub = outputs(HUB, f"{REGION}-master")
    active = [
        p
        for p in client("ec2", HUB).describe_vpc_peering_connections()["VpcPeeringConnections"]
        if p["Status"]["Code"] == "active"
    ]
    assert len(active) == (len(SPOKES) if with_peerings else 0), [p["Status"] for p in active]
    hub_routes = routes(HUB, hub)
    wanted = {}
    for name, account in SPOKES.items():
        spoke = outputs(account, f"{REGION}-{name}")
        print(f"stack {REGION}-{name} {sorted(spoke.items())}")
        mine = [p for p in active if p["RequesterVpcInfo"]["VpcId"] == spoke["VPCId"]]
        if not with_peerings:
            assert all(not r for r in routes(account, spoke).values()), f"{name}: routes are left"
            continue
        assert len(mine) == 1, f"{name}: {len(mine)} active peerings"
        sides = (mine[0]["RequesterVpcInfo"]["OwnerId"], mine[0]["AccepterVpcInfo"]["OwnerId"])
        assert sides == (account, HUB), sides
        assert mine[0]["AccepterVpcInfo"]["VpcId"] == hub["VPCId"], mine[0]
        peering = mine[0]["VpcPeeringConnectionId"]
        wanted[spoke["VPCCIDRBlock"]] = peering
        for table, found in sorted(routes(account, spoke).items()):
            assert found == {hub["VPCCIDRBlock"]: peering}, f"{name} {table}: {found}"
            print(f"route {name} {table} {found}")
    for table, found in sorted(hub_routes.items()):
        assert found == wanted, f"hub {table}: {found}, wanted {wanted}"
        print(f"route hub {table} {sorted(found.items())}")
    for p in sorted(active, key=lambda p: p["VpcPeeringConnectionId"]):
        print(f"peering {p['VpcPeeringConnectionId']} {p['Status']['Code']}")


main(with_peerings="--without-peerings" not in sys.argv)
