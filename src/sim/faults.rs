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
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The service says that the rate is exceeded.
    Throttle,
    /// The service answers with HTTP 500.
    ServerError,
    /// No connection is made.
    Refused,
    /// The connection breaks before the call has arrived.
    LostBefore,
    /// The call takes effect and its answer is lost.
    LostAfter,
    /// The call takes longer, by the fault's `slow_ms`.
    Slow,
    /// The caller has no permission.
    AccessDenied,
    /// The caller's credentials have expired.
    Expired,
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
    /// What happens.
    pub effect: Effect,
    /// By how many milliseconds a slow call is slower.
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
            effect,
            slow_ms: 0,
        }
    }

    /// Every call takes longer, until it is narrowed.
    pub fn slow(by: Duration) -> Self {
        Self { slow_ms: u64::try_from(by.as_millis()).unwrap_or(u64::MAX), ..Self::new(Effect::Slow) }
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
        // 53 bits are what an `f64` holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let share = (draw >> 11) as f64 / (1_u64 << 53) as f64;
        self.nth.is_none_or(|nth| number == nth)
            && self.first.is_none_or(|first| number <= first)
            && self.every.is_none_or(|every| every != 0 && number.is_multiple_of(every))
            && self.probability.is_none_or(|probability| share < probability)
    }
}

/// A resource of a stack that fails. What is left out matches every resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceFault {
    /// In stacks of this account.
    pub account: Option<String>,
    /// In stacks of this region.
    pub region: Option<String>,
    /// In the stack of this name.
    pub stack: Option<String>,
    /// The resource of this logical id.
    pub logical_id: Option<String>,
    /// Resources of this type.
    pub resource_type: Option<String>,
    /// Only while it is being created, updated or deleted: `CREATE`, `UPDATE`, `DELETE`.
    pub action: Option<String>,
    /// Why, as the stack's events will say it.
    pub reason: String,
}

impl Faults {
    /// Only calls that go wrong.
    pub fn of(calls: impl IntoIterator<Item = Fault>) -> Self {
        Self { calls: calls.into_iter().collect(), resources: Vec::new() }
    }

    /// The reason why a resource of a stack fails, if it is planned to. The action is `CREATE`, `UPDATE` or `DELETE`.
    pub fn resource(
        &self,
        place: &Place,
        stack: &str,
        logical_id: &str,
        resource_type: &str,
        action: &str,
    ) -> Option<&str> {
        let same = |wanted: &Option<String>, got: &str| wanted.as_deref().is_none_or(|wanted| wanted == got);
        let hit = self.resources.iter().find(|fault| {
            same(&fault.account, place.account.as_str())
                && same(&fault.region, place.region.as_str())
                && same(&fault.stack, stack)
                && same(&fault.logical_id, logical_id)
                && same(&fault.resource_type, resource_type)
                && same(&fault.action, action)
        })?;
        Some(&hit.reason)
    }
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
    /// How much longer it takes.
    pub(crate) slower: Duration,
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
            if !fault.hits(*seen, mix(mix(seed, index as u64 + 1), *seen)) {
                continue;
            }
            if fault.effect == Effect::Slow {
                fate.slower += Duration::from_millis(fault.slow_ms);
            } else {
                fate.effect = fate.effect.or(Some(fault.effect));
            }
        }
        fate
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

    #[test]
    fn a_planned_failure_of_a_resource_is_found_by_what_it_names() {
        let faults: Faults =
            toml::from_str("[[resource]]\nstack = 's'\nresource_type = 'AWS::EC2::VPC'\nreason = 'no'").unwrap();
        let place = Place { account: "111111111111".parse().unwrap(), region: "us-east-1".into() };
        assert_eq!(faults.resource(&place, "s", "Vpc", "AWS::EC2::VPC", "CREATE"), Some("no"));
        assert_eq!(faults.resource(&place, "t", "Vpc", "AWS::EC2::VPC", "CREATE"), None);
    }
}
