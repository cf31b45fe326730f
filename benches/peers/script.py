"""The flow of a script over boto3, as such scripts are written: the hub first, then all sub-accounts at once in a thread each,
then what is left to be done in the hub's account. It knows no way to be run again.

    script.py N DELAY       DELAY: how often its waiters ask, in seconds; 30 is boto3's own
"""

import sys
import threading
import time

import boto3

import scenario

number, delay = int(sys.argv[1]), float(sys.argv[2])
lock = threading.Lock()
peered, failed = [], []


def session(account):
    """A session of a sub-account's role."""
    sts = boto3.session.Session().client("sts")
    keys = sts.assume_role(RoleArn=scenario.role(account), RoleSessionName="script")["Credentials"]
    return boto3.session.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=scenario.REGION,
    )


def stack(session, name, range):
    """Makes a stack, waits for it and gives its outputs."""
    cloudformation = session.client("cloudformation")
    cloudformation.validate_template(TemplateBody=scenario.NETWORK)
    parameters = [{"ParameterKey": "Range", "ParameterValue": range}]
    cloudformation.create_stack(StackName=name, TemplateBody=scenario.NETWORK, Parameters=parameters)
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": delay, "MaxAttempts": 120}
    )
    outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def spoke(name, account, range, hub):
    try:
        own = session(account)
        outputs = stack(own, name, range)
        ec2 = own.client("ec2")
        asked = ec2.create_vpc_peering_connection(
            VpcId=outputs["VPCId"], PeerVpcId=hub["VPCId"], PeerOwnerId=scenario.HUB_ACCOUNT
        )
        peering = asked["VpcPeeringConnection"]["VpcPeeringConnectionId"]
        ec2.create_route(
            RouteTableId=outputs["RouteTableId"],
            DestinationCidrBlock=scenario.HUB_RANGE,
            VpcPeeringConnectionId=peering,
        )
        with lock:
            peered.append((peering, range))
    except Exception as error:
        with lock:
            failed.append(f"{name}: {error}")


def main():
    own = boto3.session.Session(region_name=scenario.REGION)
    hub = stack(own, "hub", scenario.HUB_RANGE)
    threads = [threading.Thread(target=spoke, args=(*one, hub)) for one in scenario.spokes(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        sys.exit("\n".join(failed))
    ec2 = own.client("ec2")
    for peering, range in peered:
        ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
        ec2.create_route(
            RouteTableId=hub["RouteTableId"], DestinationCidrBlock=range, VpcPeeringConnectionId=peering
        )
    while True:
        found = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[peering for peering, _ in peered])
        if all(one["Status"]["Code"] == "active" for one in found["VpcPeeringConnections"]):
            return
        time.sleep(1)


main()
