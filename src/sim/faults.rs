//! What goes wrong, on purpose.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::pattern;
use super::wire::Service;
use super::world::Place;
use super::world::ids::mix;

/// Everything that is planned to go wrong. In TOML:
///
/// ```toml
/// [[call]]
/// operation = "CreateStack"
/// account   = "222222222222"
/// nth       = 2
/// effect    = "throttle"
///
/// [[resource]]
/// stack      = "us-east-1-dev"
/// logical_id = "Vpc"
/// reason     = "The maximum number of VPCs has been reached."
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Calls that fail or are slow.
    #[serde(rename = "call")]
    pub calls: Vec<Fault>,
    /// Resources of stacks that fail.
    #[serde(rename = "resource")]
    pub resources: Vec<ResourceFault>,
    /// Alarms that fire.
    #[serde(rename = "alarm")]
    pub alarms: Vec<AlarmFault>,
}

impl Faults {
    /// How far behind a look may be; `None` if none is.
    pub(super) fn staleness(&self) -> Option<Duration> {
        let stale = self.calls.iter().filter(|fault| fault.effect == Effect::Stale);
        stale.map(|fault| Duration::from_millis(fault.slow_ms)).max()
    }

    /// How long after a stack's resources are made an alarm fires; `None` if it does not.
    pub(super) fn alarm(&self, arn: &str) -> Option<Duration> {
        let fires = self.alarms.iter().filter(|alarm| pattern::matches(&alarm.arn, arn));
        fires.map(|alarm| Duration::from_millis(alarm.after_ms)).min()
    }
}

/// An alarm that fires while a stack that it is a rollback trigger of is made or updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmFault {
    /// Its ARN; `*` stands for any characters.
    pub arn: String,
    /// How many milliseconds after the stack's resources are made. One that fires later than it is watched is not seen.
    #[serde(default)]
    pub after_ms: u64,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The service says that the rate is exceeded.
    Throttle,
    /// The service answers with HTTP 500, and has done nothing.
    ServerError,
    /// The service answers with HTTP 500, and has done what was asked.
    ServerErrorAfter,
    /// No connection is made.
    Refused,
    /// The connection breaks before the call has arrived.
    LostBefore,
    /// The call takes effect and its answer is lost.
    LostAfter,
    /// The call takes longer to arrive, by the fault's `slow_ms`.
    Slow,
    /// The call arrives in time, and its answer takes longer, by the fault's `slow_ms`.
    Late,
    /// A look at stacks or their events shows them as they were `slow_ms` before, one at peerings none that is newer: AWS is
    /// eventually consistent. Of anything else looks are never behind.
    Stale,
    /// The service says that another request is at the same object, as S3 does of conditional ones.
    Conflict,
    /// The caller has no permission.
    AccessDenied,
    /// The caller's credentials have expired.
    Expired,
    /// The caller's credentials are nobody's any more.
    Revoked,
}

/// A planned fault: which calls, and what happens to them. What is left out matches every call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Calls by this account.
    #[serde(default)]
    pub account: Option<String>,
    /// Calls to this region.
    #[serde(default)]
    pub region: Option<String>,
    /// Calls to this service.
    #[serde(default)]
    pub service: Option<Service>,
    /// Calls of this operation; `*` stands for any characters.
    #[serde(default)]
    pub operation: Option<String>,
    /// Only the matching call of this number, from 1.
    #[serde(default)]
    pub nth: Option<u64>,
    /// Only the first so many matching calls.
    #[serde(default)]
    pub first: Option<u64>,
    /// Only each matching call whose number is a multiple of this: with 3 the third, the sixth and so on.
    #[serde(default)]
    pub every: Option<u64>,
    /// Only this share of the matching calls, from 0 to 1, drawn from the world's seed.
    #[serde(default)]
    pub probability: Option<f64>,
    /// The number that what is drawn of it comes from; its place among the faults if left out.
    #[serde(default)]
    pub number: Option<u64>,
    /// What happens.
    pub effect: Effect,
    /// By how many milliseconds a slow or late call is slower, or a stale look is behind.
    #[serde(default)]
    pub slow_ms: u64,
}

impl Fault {
    /// Something that happens to every call, until it is narrowed.
    pub fn new(effect: Effect) -> Self {
        Self {
            account: None,
            region: None,
            service: None,
            operation: None,
            nth: None,
            first: None,
            every: None,
            probability: None,
            number: None,
            effect,
            slow_ms: 0,
        }
    }

    /// Every call takes longer, until it is narrowed.
    pub fn slow(by: Duration) -> Self {
        Self { slow_ms: u64::try_from(by.as_millis()).unwrap_or(u64::MAX), ..Self::new(Effect::Slow) }
    }

    /// The same, by so many milliseconds.
    #[must_use]
    pub fn by_ms(self, slow_ms: u64) -> Self {
        Self { slow_ms, ..self }
    }

    /// Only this share of the matching calls, from 0 to 1.
    #[must_use]
    pub fn in_share(self, probability: f64) -> Self {
        Self { probability: Some(probability), ..self }
    }

    /// Only calls of this operation; `*` stands for any characters.
    #[must_use]
    pub fn on(self, operation: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..self }
    }

    /// Only calls by this account.
    #[must_use]
    pub fn by(self, account: &str) -> Self {
        Self { account: Some(account.to_owned()), ..self }
    }

    /// Only the matching call of this number, from 1.
    #[must_use]
    pub fn nth(self, number: u64) -> Self {
        Self { nth: Some(number), ..self }
    }

    /// Only the first so many matching calls.
    #[must_use]
    pub fn first(self, count: u64) -> Self {
        Self { first: Some(count), ..self }
    }

    /// Whether a call is one of those that are counted.
    fn matches(&self, call: &Facts<'_>) -> bool {
        let same = |wanted: &Option<String>, got: &str| wanted.as_deref().is_none_or(|wanted| wanted == got);
        same(&self.account, call.account)
            && same(&self.region, call.region)
            && self.service.is_none_or(|service| service == call.service)
            && self.operation.as_deref().is_none_or(|wanted| pattern::matches(wanted, call.operation))
    }

    /// Whether the matching call of a number is hit.
    fn hits(&self, number: u64, draw: u64) -> bool {
        self.nth.is_none_or(|nth| number == nth)
            && self.first.is_none_or(|first| number <= first)
            && self.every.is_none_or(|every| every != 0 && number.is_multiple_of(every))
            && self.probability.is_none_or(|probability| share(draw) < probability)
    }
}

/// A resource of a stack that fails. What is left out matches every resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceFault {
    /// In stacks of this account.
    pub account: Option<String>,
    /// In stacks of this region.
    pub region: Option<String>,
    /// In stacks of this name; `*` stands for any characters.
    pub stack: Option<String>,
    /// The resource of this logical id.
    pub logical_id: Option<String>,
    /// Resources of this type.
    pub resource_type: Option<String>,
    /// Only while it is being created, updated or deleted: `CREATE`, `UPDATE`, `DELETE`; or, with `READ`, when somebody
    /// looks for drift, which only a fault that says so prevents.
    pub action: Option<String>,
    /// Only the matching resource of this number, from 1. Resources are counted when their work begins, each time anew.
    pub nth: Option<u64>,
    /// Only the first so many matching resources.
    pub first: Option<u64>,
    /// Only this share of the matching resources, from 0 to 1, drawn from the world's seed.
    pub probability: Option<f64>,
    /// The number that what is drawn of it comes from; its place among the faults if left out.
    pub number: Option<u64>,
    /// Why, as the stack's events will say it.
    pub reason: String,
}

impl ResourceFault {
    fn matches(&self, facts: &ResourceFacts<'_>) -> bool {
        let same = |wanted: &Option<String>, got: &str| wanted.as_deref().is_none_or(|wanted| wanted == got);
        same(&self.account, facts.place.account.as_str())
            && same(&self.region, facts.place.region.as_str())
            && self.stack.as_deref().is_none_or(|wanted| pattern::matches(wanted, facts.stack))
            && same(&self.logical_id, facts.logical_id)
            && same(&self.resource_type, facts.resource_type)
            && same(&self.action, facts.action)
            // A look for drift fails only where that is asked for.
            && (facts.action != "READ" || self.action.is_some())
    }

    fn hits(&self, number: u64, draw: u64) -> bool {
        self.nth.is_none_or(|nth| number == nth)
            && self.first.is_none_or(|first| number <= first)
            && self.probability.is_none_or(|probability| share(draw) < probability)
    }
}

/// A draw as a number from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits are what an `f64` holds exactly")]
fn share(draw: u64) -> f64 {
    (draw >> 11) as f64 / (1_u64 << 53) as f64
}

impl Faults {
    /// Only calls that go wrong.
    pub fn of(calls: impl IntoIterator<Item = Fault>) -> Self {
        Self { calls: calls.into_iter().collect(), resources: Vec::new(), alarms: Vec::new() }
    }
}

/// What a fault looks at in a resource of a stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResourceFacts<'a> {
    pub(crate) place: &'a Place,
    pub(crate) stack: &'a str,
    pub(crate) logical_id: &'a str,
    pub(crate) resource_type: &'a str,
    /// `CREATE`, `UPDATE`, `DELETE` or `READ`.
    pub(crate) action: &'a str,
}

/// What a fault looks at in a call. The account is empty when the credentials are nobody's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: Service,
    pub(crate) operation: &'a str,
}

/// What is to happen to one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// How much longer it takes to arrive.
    pub(crate) slower: Duration,
    /// How much longer its answer takes.
    pub(crate) later: Duration,
    /// How far behind the world it looks is.
    pub(crate) staleness: Duration,
    /// What goes wrong besides.
    pub(crate) effect: Option<Effect>,
}

/// How many matching calls each fault has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen(Vec<u64>);

impl Seen {
    /// Counts a call and says what is to happen to it. Of several faults that hit, the first decides; delays add up.
    pub(crate) fn fate(&mut self, faults: &Faults, seed: u64, call: &Facts<'_>) -> Fate {
        self.0.resize(faults.calls.len(), 0);
        let mut fate = Fate::default();
        for (index, (fault, seen)) in faults.calls.iter().zip(&mut self.0).enumerate() {
            if !fault.matches(call) {
                continue;
            }
            *seen += 1;
            let number = fault.number.unwrap_or(index as u64 + 1);
            if !fault.hits(*seen, mix(mix(seed, number), *seen)) {
                continue;
            }
            let by = Duration::from_millis(fault.slow_ms);
            match fault.effect {
                Effect::Slow => fate.slower += by,
                Effect::Late => fate.later += by,
                Effect::Stale => fate.staleness = fate.staleness.max(by),
                effect => fate.effect = fate.effect.or(Some(effect)),
            }
        }
        fate
    }
}

/// How many matching resources each fault has seen.
#[derive(Clone, Debug, Default)]
pub struct SeenResources(Vec<u64>);

impl SeenResources {
    /// Counts a resource, and gives the reason why it fails if it is planned to. Of several faults the first decides.
    pub(crate) fn resource<'f>(&mut self, faults: &'f Faults, seed: u64, facts: &ResourceFacts<'_>) -> Option<&'f str> {
        self.0.resize(faults.resources.len(), 0);
        let mut reason = None;
        for (index, (fault, seen)) in faults.resources.iter().zip(&mut self.0).enumerate() {
            if fault.matches(facts) {
                *seen += 1;
                // Another sequence than that of the calls' faults.
                let number = fault.number.unwrap_or(index as u64 + 1);
                if fault.hits(*seen, mix(mix(!seed, number), *seen)) {
                    reason = reason.or(Some(fault.reason.as_str()));
                }
            }
        }
        reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(faults: &str, operations: &[&str]) -> Vec<Option<Effect>> {
        let faults: Faults = toml::from_str(faults).unwrap();
        let mut seen = Seen::default();
        operations
            .iter()
            .map(|operation| {
                let call = Facts { account: "111111111111", region: "us-east-1", service: Service::Ec2, operation };
                seen.fate(&faults, 1, &call).effect
            })
            .collect()
    }

    #[test]
    fn only_matching_calls_are_counted() {
        let faults = "[[call]]\noperation = 'Create*'\nnth = 2\neffect = 'throttle'";
        assert_eq!(
            fates(faults, &["CreateVpc", "DescribeVpcs", "CreateSubnet", "CreateVpc"]),
            [None, None, Some(Effect::Throttle), None]
        );
        let faults = "[[call]]\naccount = '222222222222'\neffect = 'refused'";
        assert_eq!(fates(faults, &["CreateVpc"]), [None]);
    }

    #[test]
    fn every_and_first_count_from_one() {
        assert_eq!(
            fates("[[call]]\nevery = 2\neffect = 'server-error'", &["A", "B", "C", "D"]),
            [None, Some(Effect::ServerError), None, Some(Effect::ServerError)]
        );
        assert_eq!(fates("[[call]]\nfirst = 1\neffect = 'expired'", &["A", "B"]), [Some(Effect::Expired), None]);
    }

    #[test]
    fn a_probability_hits_about_its_share_and_always_the_same_calls() {
        let operations = ["A"; 1000];
        let draw = || fates("[[call]]\nprobability = 0.3\neffect = 'throttle'", &operations);
        let hits = draw().into_iter().flatten().count();
        assert!((250..350).contains(&hits), "{hits}");
        assert_eq!(draw(), draw());
    }

    /// Which of some creations of a resource in a stack fail.
    fn failures(faults: &str, stacks: &[&str]) -> Vec<bool> {
        let faults: Faults = toml::from_str(faults).unwrap();
        let place = Place { account: "111111111111".parse().unwrap(), region: "us-east-1".into() };
        let mut seen = SeenResources::default();
        let fails = |stack: &&str| {
            let (logical_id, resource_type) = ("Vpc", "AWS::EC2::VPC");
            let facts = ResourceFacts { place: &place, stack, logical_id, resource_type, action: "CREATE" };
            seen.resource(&faults, 1, &facts).is_some()
        };
        stacks.iter().map(fails).collect()
    }

    #[test]
    fn a_planned_failure_of_a_resource_is_found_by_what_it_names() {
        let faults = "[[resource]]\nstack = 's-*'\nresource_type = 'AWS::EC2::VPC'\nreason = 'no'";
        assert_eq!(failures(faults, &["s-1", "t-1", "s-2"]), [true, false, true]);
        assert_eq!(failures("[[resource]]\naction = 'DELETE'\nreason = 'no'", &["s"]), [false]);
    }

    #[test]
    fn resources_fail_by_number_and_by_chance() {
        let faults = "[[resource]]\nstack = 's*'\nnth = 2\nreason = 'no'";
        assert_eq!(failures(faults, &["s1", "t", "s2", "s3"]), [false, false, true, false]);
        assert_eq!(failures("[[resource]]\nfirst = 2\nreason = 'no'", &["a", "b", "c"]), [true, true, false]);
        let draw = || failures("[[resource]]\nprobability = 0.3\nreason = 'no'", &["s"; 1000]);
        let hits = draw().into_iter().filter(|hit| *hit).count();
        assert!((250..350).contains(&hits), "{hits}");
        assert_eq!(draw(), draw());
    }
}
