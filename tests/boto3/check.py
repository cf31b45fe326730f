"""Uses a served embedded AWS by boto3, as a script for AWS would, and fails where boto3 is told something else than by AWS.

It shares nothing with orch: what it knows is boto3 and AWS's documentation. Prints a line for each thing that it has seen.
"""

import io
import json
import os
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, WaiterError

REGION = "us-east-1"
HUB = "111111111111"
DEV = "222222222222"
ONCE = Config(retries={"total_max_attempts": 1})
SOON = {"Delay": 1, "MaxAttempts": 30}

TEMPLATE = """
Parameters:
  Range: {Type: String, Default: 10.0.0.0/16}
Resources:
  VPC: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Range}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref VPC}}
Outputs:
  VPCId: {Value: !Ref VPC}
  TableId: {Value: !Ref Table, Export: {Name: !Sub '${AWS::StackName}-table'}}
"""
MORE = TEMPLATE.replace("Outputs:", "  Gateway: {Type: AWS::EC2::InternetGateway}\nOutputs:")


def refused(code, call, **arguments):
    """The message of an error that a call must end with."""
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} did not come")


def waits(client, name, **arguments):
    client.get_waiter(name).wait(WaiterConfig=SOON, **arguments)


def session(account):
    """A session of a role of an account, got from the caller's own."""
    role = f"arn:aws:iam::{account}:role/MasterAcctRole"
    keys = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="check")["Credentials"]
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], REGION)


def sessions():
    assert boto3.client("sts").get_caller_identity()["Account"] == HUB
    dev = session(DEV)
    identity = dev.client("sts").get_caller_identity()
    assert identity["Account"] == DEV and identity["Arn"].endswith(":assumed-role/MasterAcctRole/check"), identity
    closed = "arn:aws:iam::333333333333:role/Closed"
    message = refused("AccessDenied", boto3.client("sts").assume_role, RoleArn=closed, RoleSessionName="check")
    assert "is not authorized to perform: sts:AssumeRole" in message, message
    wrong = boto3.client("sts", aws_access_key_id="AKIANOBODY", aws_secret_access_key="x")
    refused("InvalidClientTokenId", wrong.get_caller_identity)
    wrong = boto3.client("ec2", aws_access_key_id="AKIANOBODY", aws_secret_access_key="x")
    refused("AuthFailure", wrong.describe_vpcs)
    print("sessions: roles are assumed, strangers are refused")
    return dev


def outputs(cloudformation, name):
    return {o["OutputKey"]: o["OutputValue"] for o in cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]}


def stack(cloudformation, name, cidr):
    """A stack that is made and changed by change sets."""
    found = cloudformation.validate_template(TemplateBody=TEMPLATE)
    assert [p["ParameterKey"] for p in found["Parameters"]] == ["Range"], found
    refused("ValidationError", cloudformation.validate_template, TemplateBody="{")
    message = refused("ValidationError", cloudformation.describe_stacks, StackName=name)
    assert message == f"Stack with id {name} does not exist", message

    parameters = [{"ParameterKey": "Range", "ParameterValue": cidr}]
    tags = [{"Key": "Purpose", "Value": "check"}]
    def change(number, template, kind):
        which = {"StackName": name, "ChangeSetName": f"check-{number}"}
        cloudformation.create_change_set(
            **which, ChangeSetType=kind, TemplateBody=template, Parameters=parameters, Tags=tags
        )
        waits(cloudformation, "change_set_create_complete", **which)
        changes = cloudformation.describe_change_set(**which)["Changes"]
        cloudformation.execute_change_set(**which)
        return sorted((c["ResourceChange"]["Action"], c["ResourceChange"]["LogicalResourceId"]) for c in changes)

    assert change(1, TEMPLATE, "CREATE") == [("Add", "Table"), ("Add", "VPC")]
    waits(cloudformation, "stack_create_complete", StackName=name)
    refused("AlreadyExistsException", cloudformation.create_stack, StackName=name, TemplateBody=TEMPLATE)
    assert change(2, MORE, "UPDATE") == [("Add", "Gateway")]
    waits(cloudformation, "stack_update_complete", StackName=name)

    which = {"StackName": name, "ChangeSetName": "nothing"}
    cloudformation.create_change_set(**which, TemplateBody=MORE, Parameters=parameters, Tags=tags)
    try:
        waits(cloudformation, "change_set_create_complete", **which)
        raise AssertionError("a change set without changes is complete")
    except WaiterError as error:
        assert error.last_response["Status"] == "FAILED", error.last_response
        assert "didn't contain changes" in error.last_response["StatusReason"], error.last_response
    cloudformation.delete_change_set(**which)
    message = refused(
        "ValidationError", cloudformation.update_stack, StackName=name, TemplateBody=MORE, Parameters=parameters, Tags=tags
    )
    assert message == "No updates are to be performed.", message

    found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    assert found["StackStatus"] == "UPDATE_COMPLETE" and found["Tags"] == tags, found
    assert found["CreationTime"] < found["LastUpdatedTime"], found
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    events = [event for page in pages for event in page["StackEvents"]]
    assert events[0]["ResourceStatus"] == "UPDATE_COMPLETE" and events[0]["LogicalResourceId"] == name, events[0]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    resources = [r["LogicalResourceId"] for page in pages for r in page["StackResourceSummaries"]]
    assert resources == ["Gateway", "Table", "VPC"], resources
    assert cloudformation.get_template(StackName=name)["TemplateBody"] == MORE
    listed = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["UPDATE_COMPLETE"])
    assert name in [s["StackName"] for page in listed for s in page["StackSummaries"]]
    print(f"stack {name}: made and changed by change sets, waited for, read back")
    return outputs(cloudformation, name)


def peering(hub, dev, ours, theirs):
    """A peering between two accounts, and the routes of both sides. `hub` and `dev` are clients of EC2."""
    asked = dev.create_vpc_peering_connection(
        VpcId=theirs["VPCId"],
        PeerVpcId=ours["VPCId"],
        PeerOwnerId=HUB,
        TagSpecifications=[{"ResourceType": "vpc-peering-connection", "Tags": [{"Key": "Name", "Value": "check"}]}],
    )
    ids = {"VpcPeeringConnectionIds": [asked["VpcPeeringConnection"]["VpcPeeringConnectionId"]]}
    one = {"VpcPeeringConnectionId": ids["VpcPeeringConnectionIds"][0]}
    waits(hub, "vpc_peering_connection_exists", **ids)
    refused("OperationNotPermitted", dev.accept_vpc_peering_connection, **one)
    hub.accept_vpc_peering_connection(**one)
    # boto3 has no waiter for that.
    while not hub.describe_vpc_peering_connections(Filters=[{"Name": "status-code", "Values": ["active"]}])["VpcPeeringConnections"]:
        time.sleep(0.2)
    found = dev.describe_vpc_peering_connections(**ids)["VpcPeeringConnections"][0]
    assert found["Status"]["Code"] == "active" and found["Tags"] == [{"Key": "Name", "Value": "check"}], found
    assert found["AccepterVpcInfo"]["OwnerId"] == HUB and found["RequesterVpcInfo"]["CidrBlock"] == "10.1.0.0/16", found
    dev.modify_vpc_peering_connection_options(
        **one, RequesterPeeringConnectionOptions={"AllowDnsResolutionFromRemoteVpc": True}
    )
    for client, stack, destination in [(hub, ours, "10.1.0.0/16"), (dev, theirs, "10.0.0.0/16")]:
        route = {"RouteTableId": stack["TableId"], "DestinationCidrBlock": destination}
        assert client.create_route(**route, **one)["Return"] is True
        other = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"] if client is dev else None
        if other:
            client.attach_internet_gateway(InternetGatewayId=other, VpcId=stack["VPCId"])
            refused("RouteAlreadyExists", client.create_route, **route, GatewayId=other)
            client.detach_internet_gateway(InternetGatewayId=other, VpcId=stack["VPCId"])
            client.delete_internet_gateway(InternetGatewayId=other)
        tables = client.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [stack["VPCId"]]}])["RouteTables"]
        routes = [r for t in tables for r in t["Routes"] if r.get("VpcPeeringConnectionId")]
        assert [(r["DestinationCidrBlock"], r["State"]) for r in routes] == [(destination, "active")], routes
    refused("InvalidRouteTableID.NotFound", hub.create_route, RouteTableId=theirs["TableId"], DestinationCidrBlock="10.9.0.0/16", **one)
    message = refused("DependencyViolation", dev.delete_vpc, VpcId=theirs["VPCId"])
    assert theirs["VPCId"] in message, message
    print("peering: asked for, accepted in the other account, active, routed both ways")
    dev.delete_vpc_peering_connection(**one)
    waits(hub, "vpc_peering_connection_deleted", **ids)
    for client, stack, destination in [(hub, ours, "10.1.0.0/16"), (dev, theirs, "10.0.0.0/16")]:
        client.delete_route(RouteTableId=stack["TableId"], DestinationCidrBlock=destination)


def objects(cloudformation):
    """Buckets and objects, with conditions, and a template that is read from one."""
    s3 = boto3.client("s3", region_name="eu-west-1")
    bucket = {"Bucket": "acme-check"}
    s3.create_bucket(**bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    refused("BucketAlreadyOwnedByYou", s3.create_bucket, **bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    at = {**bucket, "Key": "a folder/template.yaml"}
    mark = s3.put_object(**at, Body=TEMPLATE.encode(), IfNoneMatch="*", ContentType="text/yaml")["ETag"]
    refused("PreconditionFailed", s3.put_object, **at, Body=b"other", IfNoneMatch="*")
    refused("PreconditionFailed", s3.put_object, **at, Body=b"other", IfMatch='"0123456789abcdef0123456789abcdef"')
    got = s3.get_object(**at, IfMatch=mark)
    assert got["Body"].read() == TEMPLATE.encode() and got["ContentType"] == "text/yaml", got
    head = s3.head_object(**at)
    assert (head["ContentLength"], head["ETag"]) == (len(TEMPLATE), mark), head
    refused("NoSuchKey", s3.get_object, **bucket, Key="none")
    refused("404", s3.head_object, **bucket, Key="none")
    refused("NoSuchBucket", s3.get_object, Bucket="acme-none", Key="none")
    assert mark == s3.put_object(**at, Body=TEMPLATE.encode(), IfMatch=mark)["ETag"]

    s3.upload_fileobj(io.BytesIO(b"uploaded"), bucket["Bucket"], "uploaded")
    into = io.BytesIO()
    s3.download_fileobj(bucket["Bucket"], "uploaded", into)
    assert into.getvalue() == b"uploaded"
    for algorithm in ["CRC32", "SHA256"]:
        s3.put_object(**bucket, Key=algorithm, Body=io.BytesIO(b"checked"), ChecksumAlgorithm=algorithm)
    # boto3's default, the signature's version 2, no bucket of today takes at AWS either.
    presigning = boto3.client("s3", region_name="eu-west-1", config=Config(signature_version="s3v4"))
    url = presigning.generate_presigned_url("get_object", Params=at)
    assert urllib.request.urlopen(url).read() == TEMPLATE.encode()
    # Whoever asks in another region is led to the bucket's own.
    elsewhere = boto3.client("s3", region_name="us-west-2")
    assert elsewhere.get_object(**at)["Body"].read() == TEMPLATE.encode()
    assert s3.head_bucket(**bucket)["BucketRegion"] == "eu-west-1"
    listed = s3.list_objects_v2(**bucket, Prefix="a ")["Contents"]
    assert [(o["Key"], o["Size"]) for o in listed] == [(at["Key"], len(TEMPLATE))], listed
    pages = s3.get_paginator("list_objects_v2").paginate(**bucket, PaginationConfig={"PageSize": 2})
    assert [o["Key"] for page in pages for o in page["Contents"]] == ["CRC32", "SHA256", at["Key"], "uploaded"]
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == [bucket["Bucket"]]

    ireland = boto3.client("cloudformation", region_name="eu-west-1")
    url = "https://acme-check.s3.eu-west-1.amazonaws.com/a%20folder/template.yaml"
    ireland.create_stack(StackName="by-url", TemplateURL=url)
    waits(ireland, "stack_create_complete", StackName="by-url")
    ireland.delete_stack(StackName="by-url")
    waits(ireland, "stack_delete_complete", StackName="by-url")
    refused("BucketNotEmpty", s3.delete_bucket, **bucket)
    for key in ["CRC32", "SHA256", at["Key"], "uploaded"]:
        s3.delete_object(**bucket, Key=key)
    s3.delete_bucket(**bucket)
    refused("404", s3.head_bucket, **bucket)
    print("objects: put and read with conditions, listed, found from elsewhere, used by a stack")


def trouble():
    """What is planned to go wrong comes to boto3 as it does from AWS."""
    once = boto3.client("cloudformation", config=ONCE)
    assert refused("Throttling", once.list_exports) == "Rate exceeded"
    assert boto3.client("cloudformation").list_exports()["Exports"]
    try:
        boto3.client("ec2", config=ONCE).describe_availability_zones()
        raise AssertionError("the call was not lost")
    except ConnectionClosedError:
        pass
    assert boto3.client("ec2").describe_availability_zones()["AvailabilityZones"]
    ec2 = boto3.client("ec2", config=ONCE)
    before = len(ec2.describe_internet_gateways()["InternetGateways"])
    try:
        ec2.create_internet_gateway()
        raise AssertionError("the answer was not lost")
    except ConnectionClosedError:
        pass
    gateways = ec2.describe_internet_gateways()["InternetGateways"]
    assert len(gateways) == before + 1
    for gateway in gateways:
        if not gateway["Attachments"] and not gateway["Tags"]:
            ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    tag = {"Resources": [ec2.describe_vpcs()["Vpcs"][0]["VpcId"]], "Tags": [{"Key": "Name", "Value": "check"}]}
    try:
        for _ in range(200):
            ec2.create_tags(**tag)
        raise AssertionError("the rate was not held")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "RequestLimitExceeded", error
    boto3.client("ec2", config=Config(retries={"mode": "standard", "max_attempts": 10})).create_tags(**tag)
    print("trouble: too many calls, throttled, lost on the way there, lost on the way back")


def others():
    """What is not embedded is told by name."""
    for call in [boto3.client("iam", config=ONCE).list_users, boto3.client("dynamodb", config=ONCE).list_tables]:
        try:
            call()
            raise AssertionError("it is not embedded")
        except ClientError as error:
            assert "has no service" in str(error), error
    message = refused("InvalidAction", boto3.client("ec2").describe_hosts)
    assert "ec2:DescribeHosts" in message, message
    print("others: told by name")


def stored():
    """A parameter and a secret are put, read and deleted, and are those of their account alone."""
    ssm, secrets = boto3.client("ssm"), boto3.client("secretsmanager")
    put = {"Name": "/db/token", "Type": "SecureString", "Value": "one"}
    assert ssm.put_parameter(**put)["Version"] == 1
    refused("ParameterAlreadyExists", ssm.put_parameter, **put)
    assert ssm.put_parameter(**{**put, "Value": "two"}, Overwrite=True)["Version"] == 2
    found = ssm.get_parameter(Name="/db/token", WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Type"]) == ("two", "SecureString"), found
    assert "two" not in ssm.get_parameter(Name="/db/token")["Parameter"]["Value"]
    both = ssm.get_parameters(Names=["/db/token", "/none"])
    assert [one["Name"] for one in both["Parameters"]] == ["/db/token"] and both["InvalidParameters"] == ["/none"], both
    refused("ParameterNotFound", session(DEV).client("ssm").get_parameter, Name="/db/token")
    arn = secrets.create_secret(Name="db", SecretString='{"password": "one"}')["ARN"]
    secrets.put_secret_value(SecretId="db", SecretString="two")
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "two"
    assert "one" in secrets.get_secret_value(SecretId="db", VersionStage="AWSPREVIOUS")["SecretString"]
    secrets.create_secret(Name="raw", SecretBinary=b"\x00\x01")
    assert secrets.get_secret_value(SecretId="raw")["SecretBinary"] == b"\x00\x01"
    refused("ResourceNotFoundException", secrets.get_secret_value, SecretId="none")
    for name in ["db", "raw"]:
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    ssm.delete_parameter(Name="/db/token")
    print("stored: a parameter and two secrets")


def counted():
    """The calls are counted, and can be counted anew."""
    url = os.environ["AWS_ENDPOINT_URL"] + "/_orch/calls"
    counts = json.load(urllib.request.urlopen(url))
    assert counts["total"] == sum(row["count"] for row in counts["sorts"]), counts
    throttled = [row for row in counts["sorts"] if row["outcome"] == "Throttling"]
    assert [(row["operation"], row["count"]) for row in throttled] == [("ListExports", 2)], throttled
    assert any(row["outcome"] == "RequestLimitExceeded" for row in counts["sorts"]), counts
    urllib.request.urlopen(urllib.request.Request(url, method="DELETE"))
    assert json.load(urllib.request.urlopen(url))["total"] == 0
    print(f"counted: {counts['total']} calls")


def main():
    dev = sessions()
    hub_stacks, dev_stacks = boto3.client("cloudformation"), dev.client("cloudformation")
    ours, theirs = stack(hub_stacks, "hub", "10.0.0.0/16"), stack(dev_stacks, "dev", "10.1.0.0/16")
    peering(boto3.client("ec2"), dev.client("ec2"), ours, theirs)
    objects(hub_stacks)
    stored()
    trouble()
    others()
    for cloudformation, name in [(hub_stacks, "hub"), (dev_stacks, "dev")]:
        cloudformation.delete_stack(StackName=name)
        waits(cloudformation, "stack_delete_complete", StackName=name)
        refused("ValidationError", cloudformation.describe_stacks, StackName=name)
    counted()


main()
