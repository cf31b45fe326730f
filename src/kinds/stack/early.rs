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

/// The types of which `Ref` gives the id that EC2 knows them by, and what that begins with.
const IDS: [(&str, &str); 12] = [
    ("VPC", "vpc-"),
    ("Subnet", "subnet-"),
    ("RouteTable", "rtb-"),
    ("InternetGateway", "igw-"),
    ("EgressOnlyInternetGateway", "eigw-"),
    ("NatGateway", "nat-"),
    ("SecurityGroup", "sg-"),
    ("TransitGateway", "tgw-"),
    ("VPCEndpoint", "vpce-"),
    ("VPCPeeringConnection", "pcx-"),
    ("NetworkInterface", "eni-"),
    ("Instance", "i-"),
];

/// Whether a physical id is what `Ref` gives of a resource of this type.
fn is_id(kind: &str, id: &str) -> bool {
    let kind = kind.strip_prefix("AWS::EC2::");
    IDS.iter().any(|(own, prefix)| kind == Some(own) && id.starts_with(prefix))
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
            tracing::debug!(%error, "what the update leaves alone is not known");
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
            progress(Step { what: name, status: "is certain", reason: Some("though the stack is not complete") });
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
                Some(resource) => has_id(&resource.type_name),
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

    /// Reads the ranges of VPCs that a wanted output gives.
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
            let Some(vpc) = self.made.get_mut(&name).filter(|made| made.lacks_range()) else { continue };
            match self.regional.vpc(&vpc.id).await {
                Ok(found) => vpc.range = found.and_then(|found| found.ranges.into_iter().next()),
                Err(error) => tracing::debug!(%error, vpc = vpc.id, "its range is not known yet"),
            }
        }
    }
}

/// Whether a resource of this status is there and was complete before.
fn is_there(status: &str) -> bool {
    status.ends_with("_COMPLETE") && !status.starts_with("DELETE")
}

fn has_id(kind: &str) -> bool {
    IDS.iter().any(|(own, _)| kind.strip_prefix("AWS::EC2::") == Some(own))
}

/// Whether an attribute of a resource can be told before its stack is complete.
pub(super) fn is_told(kind: &str, attribute: &str) -> bool {
    let own = kind.strip_prefix("AWS::EC2::").filter(|_| has_id(kind));
    own.is_some_and(|own| attribute.eq_ignore_ascii_case(&format!("{own}Id")))
        || (kind == "AWS::EC2::VPC" && attribute == "CidrBlock")
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
        assert!(!is_id("AWS::IAM::Role", "vpc-1"));
    }

    #[test]
    fn few_attributes_can_be_told() {
        assert!(is_told("AWS::EC2::VPC", "CidrBlock"));
        assert!(is_told("AWS::EC2::VPC", "VpcId"));
        assert!(is_told("AWS::EC2::RouteTable", "RouteTableId"));
        assert!(!is_told("AWS::EC2::Subnet", "VpcId"), "that is another's");
        assert!(!is_told("AWS::EC2::VPC", "DefaultSecurityGroup"));
        assert!(!is_told("AWS::S3::Bucket", "BucketId"));
    }
}
