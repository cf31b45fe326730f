//! How long things take in the embedded AWS.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Durations of what AWS does by itself. All of them pass on tokio's clock, so tests that pause it wait for none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// How long every call takes, there and back.
    #[serde(with = "millis", rename = "latency_ms")]
    pub latency: Duration,
    /// From a peering's request until it is pending acceptance, or has failed.
    #[serde(with = "millis", rename = "peering_request_ms")]
    pub peering_request: Duration,
    /// From a peering's request until the accepter's side can see it: AWS is eventually consistent.
    #[serde(with = "millis", rename = "peering_visible_ms")]
    pub peering_visible: Duration,
    /// From a peering's acceptance until it is active.
    #[serde(with = "millis", rename = "peering_accept_ms")]
    pub peering_accept: Duration,
    /// From a peering's request until it expires when nobody accepts it: seven days.
    #[serde(with = "millis", rename = "peering_expiry_ms")]
    pub peering_expiry: Duration,
    /// From a peering's deletion until it is deleted.
    #[serde(with = "millis", rename = "peering_delete_ms")]
    pub peering_delete: Duration,
    /// How long a dead peering (deleted, failed, rejected, expired) or a deleted NAT gateway is still shown.
    #[serde(with = "millis", rename = "linger_ms")]
    pub linger: Duration,
    /// From a NAT gateway's, an endpoint's or a transit gateway's creation until it is available, and from its deletion
    /// until it is deleted.
    #[serde(with = "millis", rename = "gateway_ms")]
    pub gateway: Duration,
    /// From the creation of a resource by a stack in express mode until calls to EC2 find it.
    #[serde(with = "millis", rename = "express_visible_ms")]
    pub express_visible: Duration,
    /// How long CloudFormation waits for a resource that is made until it can be used, before it gives up.
    #[serde(with = "millis", rename = "stabilize_ms")]
    pub stabilize: Duration,
    /// How long CloudFormation takes for one resource.
    #[serde(with = "millis", rename = "resource_ms")]
    pub resource: Duration,
    /// How long CloudFormation looks for drift in a stack.
    #[serde(with = "millis", rename = "drift_ms")]
    pub drift: Duration,
    /// How long CloudFormation takes for one resource of a given type, where that differs.
    #[serde(with = "millis_by_name", rename = "resource_type_ms")]
    pub resource_types: BTreeMap<String, Duration>,
    /// What stacks take in addition, before their first resource, by name or by a pattern in which `*` stands for any
    /// characters: the name itself comes first, then the first pattern that matches.
    #[serde(with = "millis_by_name", rename = "stack_ms")]
    pub stacks: BTreeMap<String, Duration>,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(20),
            peering_request: Duration::from_millis(200),
            peering_visible: Duration::from_millis(300),
            peering_accept: Duration::from_secs(1),
            peering_expiry: Duration::from_hours(7 * 24),
            peering_delete: Duration::from_millis(500),
            linger: Duration::from_hours(2),
            gateway: Duration::from_secs(1),
            express_visible: Duration::from_millis(500),
            // Stacks of the shipped templates are three resources deep: about ten seconds for the shipped plan.
            resource: Duration::from_millis(2500),
            stabilize: Duration::from_mins(5),
            drift: Duration::from_secs(3),
            resource_types: BTreeMap::new(),
            stacks: BTreeMap::new(),
        }
    }
}

impl Timing {
    /// Everything at once, calls too: for tests of what does not depend on time.
    pub fn instant() -> Self {
        Self {
            latency: Duration::ZERO,
            peering_request: Duration::ZERO,
            peering_visible: Duration::ZERO,
            peering_accept: Duration::ZERO,
            peering_delete: Duration::ZERO,
            gateway: Duration::ZERO,
            express_visible: Duration::ZERO,
            resource: Duration::ZERO,
            drift: Duration::ZERO,
            ..Self::default()
        }
    }
}

/// A duration as a whole number of milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(super::whole_millis(*duration))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// Named durations as whole numbers of milliseconds.
mod millis_by_name {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        named: &BTreeMap<String, Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(named.iter().map(|(name, duration)| (name, super::whole_millis(*duration))))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Duration>, D::Error> {
        let named = BTreeMap::<String, u64>::deserialize(deserializer)?;
        Ok(named.into_iter().map(|(name, millis)| (name, Duration::from_millis(millis))).collect())
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_in_milliseconds_and_default_where_left_out() {
        let timing: Timing = toml::from_str("latency_ms = 5\n[stack_ms]\nslow = 12000").unwrap();
        assert_eq!(timing.latency, Duration::from_millis(5));
        assert_eq!(timing.stacks["slow"], Duration::from_secs(12));
        assert_eq!(timing.peering_accept, Timing::default().peering_accept);
        assert!(toml::from_str::<Timing>("latency = 5").is_err());
    }
}
