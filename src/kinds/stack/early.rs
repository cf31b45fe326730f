//! Outputs that are certain before their stack is complete.
//!
//! A VPC's id is known when the VPC is made, while the gateways beside it take minutes. So the events of the operation are
//! followed: once every resource that an output's expression needs is complete, its value is worked out as CloudFormation
//! will do it, and given to those that wait for it. When something fails it is called back, before the stack has come to
//! rest: a rollback deletes no VPC that a peering holds.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::declared::{Declared, Made};
use super::foresee::Draft;
use super::{Wanted, lasting};
use crate::aws::{CallError, Feed, Operation, Progress, Regional, Stack, StackEvent};
use crate::cfn::{Document, Target, references};
use crate::event::Failure;
use crate::kinds::{Expected, Step};
use crate::preview::ResourceChange;

/// Who waits for outputs and may have them early.
#[derive(Clone, Copy)]
pub struct Early<'a> {
    /// The outputs, by name.
    pub wanted: &'a BTreeSet<String>,
    /// Takes all of them that are certain, whenever these become more.
    pub release: &'a (dyn Fn(&BTreeMap<String, String>) + Send + Sync),
    /// Hears that the stack will not be as it was to be, so that what was made with its outputs must go. At most once.
    pub recall: &'a (dyn Fn() + Send + Sync),
}

impl fmt::Debug for Early<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Early").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

/// How often events are read while somebody waits for what they may tell: an output is released within two seconds.
fn pause(age: Duration) -> Duration {
    if age < Duration::from_secs(30) { Duration::from_secs(1) } else { Duration::from_secs(2) }
}

/// How often they are read when there is only a failure to be seen.
const ONLY_FAILURES: Duration = Duration::from_secs(5);

/// The types of EC2 whose physical id, which `Ref` gives, is the id that EC2 knows them by: what that begins with, and the
/// attributes that give it, too. A peering or a route refers to no other that a template can make, but for core networks,
/// whose ARN is not their id. Local gateways are made by no template.
const IDS: [(&str, &str, &[&str]); 15] = [
    ("VPC", "vpc-", &["VpcId"]),
    ("Subnet", "subnet-", &["SubnetId"]),
    ("RouteTable", "rtb-", &["RouteTableId"]),
    ("InternetGateway", "igw-", &["InternetGatewayId"]),
    ("EgressOnlyInternetGateway", "eigw-", &["Id"]),
    ("NatGateway", "nat-", &["NatGatewayId"]),
    ("SecurityGroup", "sg-", &["GroupId", "Id"]),
    ("TransitGateway", "tgw-", &["Id"]),
    ("VPNGateway", "vgw-", &["VPNGatewayId"]),
    ("CarrierGateway", "cagw-", &["CarrierGatewayId"]),
    ("VPCEndpoint", "vpce-", &["Id"]),
    ("VPCPeeringConnection", "pcx-", &["Id"]),
    ("NetworkInterface", "eni-", &["Id"]),
    ("Instance", "i-", &["InstanceId"]),
    ("PrefixList", "pl-", &["PrefixListId"]),
];

/// What is known of the ids of a type.
fn ids_of(kind: &str) -> Option<(&'static str, &'static [&'static str])> {
    let kind = kind.strip_prefix("AWS::EC2::")?;
    IDS.iter().find(|(own, ..)| *own == kind).map(|(_, prefix, attributes)| (*prefix, *attributes))
}

/// Whether a physical id is what `Ref` gives of a resource of this type.
pub(super) fn is_id(kind: &str, id: &str) -> bool {
    ids_of(kind).is_some_and(|(prefix, _)| id.starts_with(prefix))
}

/// Whether an attribute gives the resource's own id.
pub(super) fn gives_id(kind: &str, attribute: &str) -> bool {
    ids_of(kind).is_some_and(|(_, attributes)| attributes.contains(&attribute))
}

/// Whether resources of a type have an address range that is read, once they are made.
pub(super) fn has_range(kind: &str) -> bool {
    matches!(kind, "AWS::EC2::VPC" | "AWS::EC2::Subnet")
}

/// Follows an operation for those who wait for outputs.
pub(super) struct Watch<'a> {
    regional: &'a Regional,
    draft: Draft,
    document: Arc<Document>,
    early: Early<'a>,
    /// The outputs that this operation leaves as they are.
    lasting: BTreeMap<String, String>,
    /// The resources that are complete.
    made: BTreeMap<String, Made>,
    released: BTreeMap<String, String>,
}

impl<'a> Watch<'a> {
    /// Of a creation; `None` if nobody waits, or the template tells nothing by itself.
    pub(super) fn creation(regional: &'a Regional, wanted: &Wanted, early: Option<Early<'a>>) -> Option<Self> {
        let early = early.filter(|early| !early.wanted.is_empty())?;
        let document = Document::shared(&wanted.template).ok().filter(|document| !document.has_macros)?;
        let (lasting, made, released) = Default::default();
        Some(Self { regional, draft: Draft::of(wanted), document, early, lasting, made, released })
    }

    /// Of an update by these changes.
    pub(super) async fn update(
        regional: &'a Regional,
        wanted: &Wanted,
        early: Option<Early<'a>>,
        stack: &Stack,
        changes: &[ResourceChange],
    ) -> Result<Option<Self>, Failure> {
        let Some(mut watch) = Self::creation(regional, wanted, early) else { return Ok(None) };
        let template = regional.known_template(stack).await?;
        watch.lasting = lasting::outputs(regional, &watch.draft, &watch.document, stack, &template, changes);
        watch.draft = watch.draft.keeping(stack);
        // A role that may not list them still has what lasts.
        let standing = regional.stack_resources(&stack.id).await.unwrap_or_else(|error| {
            regional.passes_over(&error, "what the update leaves alone is not known");
            Vec::new()
        });
        for resource in standing {
            let changes = changes.iter().any(|change| change.resource == resource.name);
            if !changes && is_there(&resource.status) && is_id(&resource.kind, &resource.id) {
                watch.made.insert(resource.name, Made::new(resource.kind, resource.id));
            }
        }
        Ok(Some(watch))
    }

    /// Follows the events for as long as the operation lasts, which is seen elsewhere.
    async fn follow(mut self, feed: &Feed, progress: Progress<'_>) -> Infallible {
        let began = Instant::now();
        self.release(progress).await;
        loop {
            let waits = self.waits();
            if !waits && self.released.is_empty() {
                feed.end();
                return std::future::pending().await;
            }
            let events = feed.next(if waits { pause(began.elapsed()) } else { ONLY_FAILURES }).await;
            if events.iter().any(is_trouble) {
                (self.early.recall)();
                feed.end();
                return std::future::pending().await;
            }
            // Every one is noted, whichever of them counts.
            if events.iter().filter(|event| self.note(event)).count() > 0 {
                self.release(progress).await;
            }
        }
    }

    /// Notes a resource that is complete; whether it is one.
    fn note(&mut self, event: &StackEvent) -> bool {
        let is_complete = matches!(event.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE");
        let is_one = is_complete && !event.is_stack() && is_id(&event.kind, &event.physical_id);
        if is_one {
            self.made.insert(event.resource.clone(), Made::new(event.kind.clone(), event.physical_id.clone()));
        }
        is_one
    }

    /// Gives what is certain and was not before.
    async fn release(&mut self, progress: Progress<'_>) {
        self.read_ranges().await;
        let declared = Declared::new(self.regional, &self.draft, &self.document).knowing(&self.made);
        let mut certain = declared.outputs();
        certain.extend(self.lasting.clone());
        certain.retain(|name, _| self.early.wanted.contains(name));
        let fresh: Vec<&String> = certain.keys().filter(|name| !self.released.contains_key(*name)).collect();
        if fresh.is_empty() {
            return;
        }
        for name in fresh {
            progress(Step {
                what: name,
                status: "is certain",
                reason: Some("though the stack is not complete"),
                event: None,
            });
        }
        (self.early.release)(&certain);
        self.released = certain;
    }

    /// Whether an output that was not released may still become certain.
    fn waits(&self) -> bool {
        let declared = Declared::new(self.regional, &self.draft, &self.document);
        let evaluator = declared.evaluator();
        let can_be_told = |target: Target<'_>| match target {
            Target::Name(name) => match self.document.resources.get(name) {
                Some(resource) => ids_of(&resource.type_name).is_some(),
                None => true,
            },
            Target::Attribute { resource, attribute: Some(attribute) } => {
                let resource = self.document.resources.get(resource);
                resource.is_some_and(|resource| is_told(&resource.type_name, attribute))
            }
            Target::Attribute { attribute: None, .. } => false,
            Target::Condition(_) | Target::Mapping(_) => true,
        };
        self.early.wanted.iter().filter(|name| !self.released.contains_key(*name)).any(|name| {
            let value = self.document.outputs.get(name).and_then(|output| output.value.as_deref());
            value.is_some_and(|value| {
                let found = references(value, &|name| evaluator.holds(name));
                // Without any, it is as certain now as it will ever be.
                !found.is_empty() && found.iter().all(|found| can_be_told(found.target))
            })
        })
    }

    /// Reads the ranges of VPCs and subnets that a wanted output gives.
    async fn read_ranges(&mut self) {
        let mut wanted = BTreeSet::new();
        for name in self.early.wanted {
            let Some(value) = self.document.outputs.get(name).and_then(|output| output.value.as_deref()) else {
                continue;
            };
            for found in references(value, &|_| None) {
                if let Target::Attribute { resource, attribute: Some("CidrBlock") } = found.target {
                    wanted.insert(resource.to_owned());
                }
            }
        }
        for name in wanted {
            let Some(made) = self.made.get_mut(&name).filter(|made| made.lacks_range()) else { continue };
            match made.read_range(self.regional).await {
                Ok(range) => made.range = range,
                Err(error) => self.regional.passes_over(&error, "the range of what was made is not known yet"),
            }
        }
    }
}

/// Whether a resource of this status is there and was complete before.
fn is_there(status: &str) -> bool {
    status.ends_with("_COMPLETE") && !status.starts_with("DELETE")
}

/// Whether an attribute of a resource can be told before its stack is complete.
pub(super) fn is_told(kind: &str, attribute: &str) -> bool {
    gives_id(kind, attribute) || (attribute == "CidrBlock" && has_range(kind))
}

/// Whether an event tells that the operation will not end well.
fn is_trouble(event: &StackEvent) -> bool {
    let status = event.status.as_str();
    matches!(status, "CREATE_FAILED" | "UPDATE_FAILED")
        || (event.is_stack() && (status.contains("ROLLBACK") || status == "DELETE_IN_PROGRESS"))
}

/// Waits for the end of an operation as [`Regional::settled`] does, and tells those who wait what is certain before.
pub(super) async fn settled(
    regional: &Regional,
    operation: &Operation,
    watch: Option<Watch<'_>>,
    progress: Progress<'_>,
) -> Result<(Option<Stack>, Vec<StackEvent>), CallError> {
    let feed = Feed::default();
    let end = Box::pin(regional.settled_feeding(operation, progress, &feed));
    let Some(watch) = watch else { return end.await };
    tokio::select! {
        biased;
        ended = end => ended,
        never = Box::pin(watch.follow(&feed, progress)) => match never {},
    }
}

impl Draft {
    /// What is wanted, all of which is known.
    pub(super) fn of(wanted: &Wanted) -> Self {
        let known = |(name, value): (&String, &String)| (name.clone(), Expected::Known(value.clone()));
        Self {
            name: wanted.name.clone(),
            template: wanted.template.clone(),
            path: wanted.path.clone(),
            parameters: wanted.parameters.iter().map(known).collect(),
            kept: wanted.kept.clone(),
            sensitive: wanted.sensitive.clone(),
            tags: wanted.tags.iter().map(known).collect(),
            capabilities: wanted.capabilities.clone(),
            guards: super::Guards::default(),
            delivery: wanted.delivery.clone(),
            nested: wanted.nested.clone(),
            owner: wanted.owner.clone(),
            reverts_drift: wanted.reverts_drift,
            adopt: wanted.adopt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(resource: &str, kind: &str, status: &str) -> StackEvent {
        StackEvent {
            physical_id: if kind == "AWS::CloudFormation::Stack" { "arn".to_owned() } else { format!("id-{resource}") },
            resource: resource.to_owned(),
            kind: kind.to_owned(),
            status: status.to_owned(),
            ..StackEvent::sample()
        }
    }

    #[test]
    fn only_what_ends_badly_calls_back() {
        const STACK: &str = "AWS::CloudFormation::Stack";
        for (kind, status, expected) in [
            ("AWS::EC2::NatGateway", "CREATE_FAILED", true),
            ("AWS::EC2::NatGateway", "UPDATE_FAILED", true),
            (STACK, "ROLLBACK_IN_PROGRESS", true),
            (STACK, "UPDATE_ROLLBACK_IN_PROGRESS", true),
            (STACK, "DELETE_IN_PROGRESS", true),
            // What was replaced is cleaned away, well or badly, once the update has gone through.
            (STACK, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", false),
            ("AWS::EC2::VPC", "DELETE_IN_PROGRESS", false),
            ("AWS::EC2::VPC", "DELETE_FAILED", false),
            ("AWS::EC2::VPC", "CREATE_IN_PROGRESS", false),
        ] {
            assert_eq!(is_trouble(&event("X", kind, status)), expected, "{kind} {status}");
        }
    }

    #[test]
    fn a_physical_id_counts_only_where_ref_gives_it() {
        assert!(is_id("AWS::EC2::VPC", "vpc-1"));
        assert!(!is_id("AWS::EC2::VPC", ""), "it has none yet");
        assert!(!is_id("AWS::EC2::VPC", "subnet-1"));
        assert!(!is_id("AWS::EC2::EIP", "203.0.113.1"));
        assert!(!is_id("AWS::EC2::SecurityGroup", "web"), "that is its name");
        assert!(!is_id("AWS::IAM::Role", "vpc-1"));
    }

    /// By the reference of resource types: what `GetAtt` gives of each and is its own id, and what is not.
    #[test]
    fn few_attributes_can_be_told() {
        for (kind, id, told, not_told) in [
            ("VPC", "vpc-1", &["VpcId", "CidrBlock"][..], &["DefaultSecurityGroup", "Ipv6CidrBlocks"][..]),
            ("Subnet", "subnet-1", &["SubnetId", "CidrBlock"], &["VpcId", "NetworkAclAssociationId"]),
            ("RouteTable", "rtb-1", &["RouteTableId"], &["VpcId"]),
            ("InternetGateway", "igw-1", &["InternetGatewayId"], &["Id"]),
            ("EgressOnlyInternetGateway", "eigw-1", &["Id"], &["EgressOnlyInternetGatewayId"]),
            ("NatGateway", "nat-1", &["NatGatewayId"], &["EniId", "RouteTableId"]),
            ("SecurityGroup", "sg-1", &["GroupId", "Id"], &["SecurityGroupId", "VpcId"]),
            ("TransitGateway", "tgw-1", &["Id"], &["TransitGatewayArn"]),
            ("VPNGateway", "vgw-1", &["VPNGatewayId"], &["VpnGatewayId"]),
            ("CarrierGateway", "cagw-1", &["CarrierGatewayId"], &["OwnerId"]),
            ("VPCEndpoint", "vpce-1", &["Id"], &["NetworkInterfaceIds", "DnsEntries"]),
            ("VPCPeeringConnection", "pcx-1", &["Id"], &["VpcId"]),
            ("NetworkInterface", "eni-1", &["Id"], &["VpcId", "PrimaryPrivateIpAddress"]),
            ("Instance", "i-1", &["InstanceId"], &["PrivateIp", "VpcId"]),
            ("PrefixList", "pl-1", &["PrefixListId"], &["Arn", "OwnerId"]),
        ] {
            let kind = format!("AWS::EC2::{kind}");
            assert!(is_id(&kind, id), "{kind}");
            for attribute in told {
                assert!(is_told(&kind, attribute), "{kind}.{attribute}");
            }
            for attribute in not_told {
                assert!(!is_told(&kind, attribute), "{kind}.{attribute}");
            }
        }
        assert!(!is_told("AWS::S3::Bucket", "BucketId"));
        assert!(!is_told("AWS::EC2::VPCCidrBlock", "CidrBlock"), "that is none that is read");
    }
}
