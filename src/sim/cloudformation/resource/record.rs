//! Resources of services that are not embedded: they exist as records, with ids and attributes of the right form.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::live::Standing;
use super::property::{Property, Update};
use super::{Failure, Job, Live, Provider};
use crate::sim::cloudformation::stack::{Resource, scalar};
use crate::sim::ec2::Tags;
use crate::sim::wire::ApiError;
use crate::sim::world::ids::mix;
use crate::sim::world::{Place, Register, World};

/// A resource of a service that is not embedded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its type.
    pub type_name: String,
    /// Its id.
    pub id: String,
    /// The stack that made it.
    pub stack: String,
    /// Its properties.
    pub properties: Map<String, Json>,
    /// Its tags.
    pub tags: Tags,
}

/// A type of such resources, table-driven. All patterns may hold `{partition}`, `{region}`, `{account}` and `{.Property}`;
/// `{path}` (the property `Path`, or else `/`);
/// those of ids `{made}` (a name that is made up), `{name}` (the name property, or else the same), `{hex}` and
/// `{uuid}`; those of attributes `{id}`, `{tail}` (the id behind its last `/` or `:`), `{hash}`.
struct Type {
    name: &'static str,
    /// The property that names a resource; a change of it replaces the resource.
    named_by: Option<&'static str>,
    /// Other properties whose change replaces it.
    fixed: &'static [&'static str],
    /// Properties that it cannot do without.
    required: &'static [&'static str],
    id: &'static str,
    attributes: &'static [(&'static str, &'static str)],
    taggable: bool,
}

const fn named(name: &'static str, named_by: &'static str) -> Type {
    Type { name, named_by: Some(named_by), fixed: &[], required: &[], id: "{name}", attributes: &[], taggable: true }
}

const fn numbered(name: &'static str, id: &'static str) -> Type {
    Type { name, named_by: None, fixed: &[], required: &[], id, attributes: &[("Id", "{id}")], taggable: true }
}

static TYPES: [Type; 22] = [
    Type {
        attributes: &[("Arn", "arn:{partition}:iam::{account}:role{path}{id}"), ("RoleId", "AROA{hash}")],
        fixed: &["Path"],
        required: &["AssumeRolePolicyDocument"],
        ..named("AWS::IAM::Role", "RoleName")
    },
    Type {
        attributes: &[("Arn", "arn:{partition}:iam::{account}:user{path}{id}")],
        ..named("AWS::IAM::User", "UserName")
    },
    Type {
        attributes: &[("Arn", "arn:{partition}:iam::{account}:group{path}{id}")],
        taggable: false,
        ..named("AWS::IAM::Group", "GroupName")
    },
    Type {
        attributes: &[("Arn", "arn:{partition}:iam::{account}:instance-profile{path}{id}")],
        fixed: &["Path"],
        required: &["Roles"],
        taggable: false,
        ..named("AWS::IAM::InstanceProfile", "InstanceProfileName")
    },
    Type {
        id: "{made}",
        attributes: &[("Id", "{id}")],
        required: &["PolicyDocument", "PolicyName"],
        taggable: false,
        ..named("AWS::IAM::Policy", "PolicyName")
    },
    Type {
        id: "arn:{partition}:iam::{account}:policy{path}{name}",
        attributes: &[("PolicyArn", "{id}")],
        required: &["PolicyDocument"],
        fixed: &["Description", "Path"],
        taggable: false,
        ..named("AWS::IAM::ManagedPolicy", "ManagedPolicyName")
    },
    Type {
        attributes: &[("Type", "{.Type}"), ("Value", "{.Value}")],
        required: &["Type", "Value"],
        ..named("AWS::SSM::Parameter", "Name")
    },
    Type {
        fixed: &["Bucket"],
        required: &["Bucket", "PolicyDocument"],
        taggable: false,
        ..numbered("AWS::S3::BucketPolicy", "{made}")
    },
    Type {
        attributes: &[("Arn", "arn:{partition}:logs:{region}:{account}:log-group:{id}:*")],
        ..named("AWS::Logs::LogGroup", "LogGroupName")
    },
    Type {
        id: "arn:{partition}:sns:{region}:{account}:{name}",
        attributes: &[("TopicArn", "{id}"), ("TopicName", "{tail}")],
        fixed: &["FifoTopic"],
        ..named("AWS::SNS::Topic", "TopicName")
    },
    Type {
        id: "https://sqs.{region}.amazonaws.com/{account}/{name}",
        attributes: &[
            ("Arn", "arn:{partition}:sqs:{region}:{account}:{tail}"),
            ("QueueName", "{tail}"),
            ("QueueUrl", "{id}"),
        ],
        fixed: &["FifoQueue"],
        ..named("AWS::SQS::Queue", "QueueName")
    },
    Type {
        attributes: &[("Arn", "arn:{partition}:dynamodb:{region}:{account}:table/{id}")],
        fixed: &["KeySchema"],
        required: &["KeySchema"],
        ..named("AWS::DynamoDB::Table", "TableName")
    },
    Type {
        attributes: &[("Arn", "arn:{partition}:kms:{region}:{account}:key/{id}"), ("KeyId", "{id}")],
        ..numbered("AWS::KMS::Key", "{uuid}")
    },
    Type { required: &["AliasName", "TargetKeyId"], taggable: false, ..named("AWS::KMS::Alias", "AliasName") },
    Type {
        id: "https://cloudformation-waitcondition-{region}.s3.amazonaws.com/{account}/{made}",
        attributes: &[],
        taggable: false,
        ..numbered("AWS::CloudFormation::WaitConditionHandle", "")
    },
    Type { fixed: &["VpcId"], required: &["VpcId"], ..numbered("AWS::EC2::NetworkAcl", "acl-0{hex}") },
    Type {
        fixed: &["Egress", "NetworkAclId", "RuleNumber"],
        required: &["NetworkAclId", "Protocol", "RuleAction", "RuleNumber"],
        taggable: false,
        ..numbered("AWS::EC2::NetworkAclEntry", "{made}")
    },
    Type {
        attributes: &[("AssociationId", "{id}")],
        fixed: &["NetworkAclId", "SubnetId"],
        required: &["NetworkAclId", "SubnetId"],
        taggable: false,
        ..numbered("AWS::EC2::SubnetNetworkAclAssociation", "aclassoc-0{hex}")
    },
    Type { attributes: &[("DhcpOptionsId", "{id}")], ..numbered("AWS::EC2::DHCPOptions", "dopt-0{hex}") },
    Type {
        fixed: &["VpcId"],
        required: &["DhcpOptionsId", "VpcId"],
        taggable: false,
        ..numbered("AWS::EC2::VPCDHCPOptionsAssociation", "{.DhcpOptionsId}|{.VpcId}")
    },
    Type {
        fixed: &["ResourceId", "ResourceType", "TrafficType"],
        required: &["ResourceId", "ResourceType"],
        ..numbered("AWS::EC2::FlowLog", "fl-0{hex}")
    },
    Type {
        fixed: &["TransitGatewayId"],
        required: &["TransitGatewayId"],
        ..numbered("AWS::EC2::TransitGatewayRouteTable", "tgw-rtb-0{hex}")
    },
];

pub(in crate::sim::cloudformation) fn provider(type_name: &str) -> Option<&'static dyn Provider> {
    TYPES.iter().find(|known| known.name == type_name).map(|known| known as &dyn Provider)
}

pub(super) fn is_taggable(type_name: &str) -> bool {
    TYPES.iter().any(|known| known.name == type_name && known.taggable)
}

impl Provider for Type {
    fn properties(&self) -> Option<&'static [Property]> {
        None
    }

    fn required(&self) -> &'static [&'static str] {
        self.required
    }

    fn update_of(&self, property: &str) -> Update {
        if self.named_by == Some(property) || self.fixed.contains(&property) {
            Update::Replacement
        } else {
            Update::InPlace
        }
    }

    fn create(&self, world: &mut World, job: &Job<'_>) -> Result<String, Failure> {
        let made = format!("{}-{}-{}", job.stack, job.logical_id, &world.ids().key()[..12]);
        let name = self.named_by.and_then(|property| job.text(property)).unwrap_or_else(|| made.clone());
        let (uuid, hex) = (world.ids().uuid(), world.ids().hexadecimal());
        let own = [("made", made), ("name", name), ("uuid", uuid), ("hex", hex)];
        let id = fill(self.id, job.place, job.properties, &own);
        let key = key(self.name, &id);
        // What IAM holds belongs to an account, whatever the region of the stack that has made it.
        let is_global = self.name.starts_with("AWS::IAM::");
        let shares =
            |place: &Place| place.account == job.place.account && (is_global || place.region == job.place.region);
        let taken = world.places().filter(|(place, _)| shares(place)).find_map(|(place, own)| {
            let record = own.cloudformation.records.get(&key)?;
            Some(format!("{id} already exists in stack {} of {}", record.stack, place.region))
        });
        if let Some(reason) = taken {
            return Err(Failure::plain(reason));
        }
        let record = Record {
            type_name: self.name.to_owned(),
            id: id.clone(),
            stack: job.stack.to_owned(),
            properties: job.properties.clone(),
            tags: job.tags.clone(),
        };
        world.at_mut(job.place).cloudformation.records.insert(key, record);
        Ok(id)
    }

    fn update(&self, world: &mut World, job: &Job<'_>, old: &Resource) -> Result<String, Failure> {
        let records = &mut world.at_mut(job.place).cloudformation.records;
        let Some(record) = records.get_mut(&key(self.name, old.id())) else {
            return Err(Failure::plain(format!("{} does not exist", old.id())));
        };
        record.properties.clone_from(job.properties);
        record.tags.clone_from(job.tags);
        Ok(old.id().to_owned())
    }

    fn delete(&self, world: &mut World, place: &Place, resource: &Resource) -> Result<(), ApiError> {
        world.at_mut(place).cloudformation.records.remove(&key(self.name, resource.id()));
        Ok(())
    }

    fn attribute(&self, _: &World, place: &Place, resource: &Resource, name: &str) -> Option<Json> {
        let (_, pattern) = self.attributes.iter().find(|(known, _)| *known == name)?;
        Some(shown(pattern, place, resource).into())
    }

    fn live(&self, world: &World, place: &Place, resource: &Resource, _: &Register<Resource>) -> Live {
        if self.name == "AWS::CloudFormation::WaitConditionHandle" {
            return Live::Unsupported;
        }
        match world.at(place).cloudformation.records.get(&key(self.name, resource.id())) {
            Some(record) => Live::Stands(Standing {
                properties: record.properties.clone(),
                tags: self.taggable.then(|| record.tags.clone()),
            }),
            None => Live::Gone,
        }
    }
}

/// Keeps a resource that stands under the id that it has.
pub(in crate::sim::cloudformation) fn keep(world: &mut World, place: &Place, stack: &str, resource: &Resource) {
    let record = Record {
        type_name: resource.type_name.to_string(),
        id: resource.id().to_owned(),
        stack: stack.to_owned(),
        properties: Map::clone(&resource.properties),
        tags: resource.tags.clone(),
    };
    world.at_mut(place).cloudformation.records.insert(key(&record.type_name, &record.id), record);
}

/// The key of a record: its type and its id.
fn key(type_name: &str, id: &str) -> String {
    format!("{type_name}|{id}")
}

/// An attribute's value by its pattern.
fn shown(pattern: &str, place: &Place, resource: &Resource) -> String {
    let id = resource.id();
    let tail = id.rsplit([':', '/']).next().unwrap_or(id);
    let hash = id.bytes().fold(0, |hash, byte| mix(hash, byte.into()));
    let own = [("id", id.to_owned()), ("tail", tail.to_owned()), ("hash", format!("{hash:016X}"))];
    fill(pattern, place, &resource.properties, &own)
}

/// A pattern with its names replaced. What is put in is not looked at again.
fn fill(pattern: &str, place: &Place, properties: &Map<String, Json>, own: &[(&str, String)]) -> String {
    let value = |name: &str| match name {
        "partition" => place.region.partition().to_owned(),
        "region" => place.region.to_string(),
        "account" => place.account.to_string(),
        "path" => properties.get("Path").and_then(scalar).unwrap_or_else(|| "/".to_owned()),
        _ => match name.strip_prefix('.') {
            Some(property) => properties.get(property).and_then(scalar).unwrap_or_default(),
            None => own.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone()).unwrap_or_default(),
        },
    };
    let mut filled = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        filled.push_str(before);
        filled.push_str(&value(name));
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_filled_once() {
        let place = Place { account: "111111111111".parse().unwrap(), region: "us-east-1".into() };
        let properties = Map::from_iter([("Value".to_owned(), Json::from("{id}"))]);
        let own = [("id", "x".to_owned())];
        assert_eq!(fill("{account}:{id}/{.Value}{.None}", &place, &properties, &own), "111111111111:x/{id}");
    }

    #[test]
    fn every_type_is_found() {
        for known in &TYPES {
            assert!(provider(known.name).is_some());
        }
        assert!(provider("AWS::No::Thing").is_none());
    }
}
