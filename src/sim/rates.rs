//! How many calls a service takes of one account in one region before it throttles.
//!
//! AWS lets calls through by token buckets: each holds so many tokens, is refilled at a steady rate, and a call takes one
//! token or is refused. EC2's are documented (one bucket to each operation); `CloudFormation`'s are not, and it is known to
//! throttle all that looks together. See
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::wire::Service;
use super::wire::request::is_mutating;
use super::world::later;
use crate::ids::{AccountId, Region};

/// The rates that are held, of each account in each region. What is left out is not limited. In TOML:
///
/// ```toml
/// [rates]
/// cloudformation_read  = { burst = 20, per_second = 10 }
/// cloudformation_write = { burst = 5, per_second = 2 }
/// ec2_read             = { burst = 100, per_second = 20 }
/// ec2_write            = { burst = 50, per_second = 5 }
/// ec2_by_operation     = true
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Of all calls to `CloudFormation` that only look.
    pub cloudformation_read: Option<Rate>,
    /// Of all calls to `CloudFormation` that change something.
    pub cloudformation_write: Option<Rate>,
    /// Of the calls to EC2 that only look.
    pub ec2_read: Option<Rate>,
    /// Of the calls to EC2 that change something.
    pub ec2_write: Option<Rate>,
    /// Whether EC2 counts each operation by itself, as AWS does; otherwise all that look are counted together, and so are
    /// all that change something.
    pub ec2_by_operation: bool,
}

/// The size of a bucket and how fast it is refilled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Rate {
    /// How many calls a full bucket lets through at once; at least 1.
    pub burst: u32,
    /// How many more it lets through in a second; above 0.
    pub per_second: f64,
}

/// A rate as it is written, which may be none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    burst: u32,
    per_second: f64,
}

impl TryFrom<Written> for Rate {
    type Error = String;

    fn try_from(Written { burst, per_second }: Written) -> Result<Self, String> {
        if burst == 0 {
            return Err("`burst` must be at least 1: with 0 no call would ever be let through".to_owned());
        }
        if !(per_second.is_finite() && per_second > 0.0) {
            return Err("`per_second` must be above 0: leave the rate out where there is to be no limit".to_owned());
        }
        Ok(Self { burst, per_second })
    }
}

impl Rate {
    /// A bucket of `burst` calls that gets back `per_second`.
    pub const fn new(burst: u32, per_second: f64) -> Self {
        Self { burst, per_second }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            cloudformation_read: None,
            cloudformation_write: None,
            ec2_read: None,
            ec2_write: None,
            ec2_by_operation: true,
        }
    }
}

impl Rates {
    /// What is documented: each operation of EC2 by itself, 100 at once and 20 a second of those that look, 50 at once and
    /// 5 a second of those that change something. Nothing is documented of `CloudFormation`, and nothing is held there.
    pub const fn documented() -> Self {
        Self {
            cloudformation_read: None,
            cloudformation_write: None,
            ec2_read: Some(Rate::new(100, 20.0)),
            ec2_write: Some(Rate::new(50, 5.0)),
            ec2_by_operation: true,
        }
    }

    /// The rate that an operation is under, and the name of what is counted together with it.
    fn of<'o>(&self, service: Service, operation: &'o str) -> Option<(Rate, &'o str)> {
        let changes = is_mutating(operation);
        let rate = match (service, changes) {
            (Service::CloudFormation, false) => self.cloudformation_read,
            (Service::CloudFormation, true) => self.cloudformation_write,
            (Service::Ec2, false) => self.ec2_read,
            (Service::Ec2, true) => self.ec2_write,
            (Service::Sts | Service::S3, _) => None,
        };
        let by_itself = service == Service::Ec2 && self.ec2_by_operation;
        let together = match changes {
            _ if by_itself => operation,
            false => "read",
            true => "write",
        };
        Some((rate?, together))
    }
}

/// How full a bucket was when it was last taken from, and when it is full again.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
    full_at: Timestamp,
}

/// The most buckets that are told apart, and the longest name of a region or an operation that has one of its own: anybody may
/// send any, to a server that runs for days.
const MOST_BUCKETS: usize = 1 << 16;
const LONGEST_NAME: usize = 64;

/// The buckets of every account and region, as far as they are not full. What is beyond the bounds shares one (`None`). Each
/// process has its own.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    own: HashMap<Option<(AccountId, Region, Service, String)>, Bucket>,
    /// When those that were full were last dropped.
    cleared: Timestamp,
}

impl Buckets {
    /// Whether a call is let through at a time. One that is not takes nothing.
    pub(super) fn take(
        &mut self,
        rates: &Rates,
        (account, region): (&AccountId, &Region),
        (service, operation): (Service, &str),
        now: Timestamp,
    ) -> bool {
        let Some((rate, together)) = rates.of(service, operation) else { return true };
        let most = f64::from(rate.burst);
        let is_short = region.as_str().len().max(together.len()) <= LONGEST_NAME;
        let mut key = is_short.then(|| (account.clone(), region.clone(), service, together.to_owned()));
        if self.own.len() >= MOST_BUCKETS && !self.own.contains_key(&key) {
            // At most once a second: it takes a look at each.
            if later(self.cleared, Duration::from_secs(1)) <= now {
                self.own.retain(|_, bucket| bucket.full_at > now);
                self.cleared = now;
            }
            key = key.filter(|_| self.own.len() < MOST_BUCKETS);
        }
        let bucket = self.own.entry(key).or_insert(Bucket { tokens: most, at: now, full_at: now });
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.tokens = (bucket.tokens + passed * rate.per_second).min(most);
        bucket.at = now;
        // A token that is whole but for the rounding of a sum is whole.
        let through = bucket.tokens > 1.0 - 1e-9;
        if through {
            bucket.tokens = (bucket.tokens - 1.0).max(0.0);
        }
        let missing = Duration::try_from_secs_f64((most - bucket.tokens) / rate.per_second);
        bucket.full_at = later(now, missing.unwrap_or(Duration::MAX));
        through
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue() -> Rates {
        Rates {
            cloudformation_read: Some(Rate::new(20, 10.0)),
            cloudformation_write: Some(Rate::new(5, 2.0)),
            ec2_write: Some(Rate::new(10, 5.0)),
            ..Rates::default()
        }
    }

    /// How many of so many calls at once are let through after some milliseconds.
    fn through(
        buckets: &mut Buckets,
        rates: &Rates,
        (account, service, operation): (&str, Service, &str),
        millis: u64,
        calls: u32,
    ) -> usize {
        let (account, region) = (account.parse().unwrap(), Region::from("us-east-1"));
        let now = later(Timestamp::UNIX_EPOCH, Duration::from_millis(millis));
        (0..calls).filter(|_| buckets.take(rates, (&account, &region), (service, operation), now)).count()
    }

    const HUB: &str = "111111111111";

    #[test]
    fn a_full_bucket_lets_its_burst_through_and_then_what_comes_back() {
        let (mut buckets, rates) = (Buckets::default(), issue());
        let looks = (HUB, Service::CloudFormation, "DescribeStacks");
        for (millis, expected) in [(0, 20), (50, 0), (100, 1), (100, 0), (1_100, 10), (60_000, 20)] {
            assert_eq!(through(&mut buckets, &rates, looks, millis, 50), expected, "after {millis} ms");
        }
    }

    #[test]
    fn cloudformation_counts_all_that_looks_together_and_all_that_changes() {
        let (mut buckets, rates) = (Buckets::default(), issue());
        let cloudformation = |operation| (HUB, Service::CloudFormation, operation);
        assert_eq!(through(&mut buckets, &rates, cloudformation("DescribeStacks"), 0, 15), 15);
        assert_eq!(through(&mut buckets, &rates, cloudformation("ValidateTemplate"), 0, 15), 5);
        assert_eq!(through(&mut buckets, &rates, cloudformation("CreateStack"), 0, 4), 4);
        assert_eq!(through(&mut buckets, &rates, cloudformation("DeleteStack"), 0, 4), 1);
    }

    #[test]
    fn ec2_counts_each_operation_by_itself_unless_told() {
        let ec2 = |operation| (HUB, Service::Ec2, operation);
        let (mut buckets, rates) = (Buckets::default(), issue());
        assert_eq!(through(&mut buckets, &rates, ec2("CreateRoute"), 0, 11), 10);
        assert_eq!(through(&mut buckets, &rates, ec2("CreateVpcPeeringConnection"), 0, 11), 10);
        assert_eq!(through(&mut buckets, &rates, ec2("DescribeRouteTables"), 0, 500), 500, "it has no limit here");
        let (mut buckets, together) = (Buckets::default(), Rates { ec2_by_operation: false, ..issue() });
        assert_eq!(through(&mut buckets, &together, ec2("CreateRoute"), 0, 7), 7);
        assert_eq!(through(&mut buckets, &together, ec2("CreateVpcPeeringConnection"), 0, 7), 3);
    }

    #[test]
    fn accounts_have_buckets_of_their_own_and_other_services_none() {
        let (mut buckets, rates) = (Buckets::default(), issue());
        for account in [HUB, "222222222222"] {
            assert_eq!(through(&mut buckets, &rates, (account, Service::CloudFormation, "CreateStack"), 0, 9), 5);
        }
        assert_eq!(through(&mut buckets, &rates, (HUB, Service::Sts, "AssumeRole"), 0, 500), 500);
        assert_eq!(through(&mut buckets, &Rates::default(), (HUB, Service::Ec2, "CreateRoute"), 0, 500), 500);
    }

    #[test]
    fn what_anybody_may_send_fills_no_memory() {
        let (mut buckets, rates) = (Buckets::default(), issue());
        let all = |buckets: &mut Buckets, names, millis| -> usize {
            let names = (0..names).map(|n| format!("Create{n}"));
            names.map(|name| through(buckets, &rates, (HUB, Service::Ec2, &name), millis, 1)).sum()
        };
        let passed = all(&mut buckets, MOST_BUCKETS + 50, 2_000);
        assert_eq!(passed, MOST_BUCKETS + 10, "those beyond the bound share ten calls");
        assert_eq!(buckets.own.len(), MOST_BUCKETS + 1);
        assert_eq!(through(&mut buckets, &rates, (HUB, Service::Ec2, "DeleteVpc"), 60_000, 50), 10);
        assert_eq!(buckets.own.len(), 1, "the full ones made room");
        let (long, other) =
            (format!("Create{}", "x".repeat(LONGEST_NAME)), format!("Create{}", "y".repeat(LONGEST_NAME)));
        let mut buckets = Buckets::default();
        assert_eq!(through(&mut buckets, &rates, (HUB, Service::Ec2, &long), 0, 7), 7);
        assert_eq!(through(&mut buckets, &rates, (HUB, Service::Ec2, &other), 0, 7), 3);
        assert!(buckets.own.keys().all(Option::is_none));
    }

    #[test]
    fn a_rate_that_lets_nothing_through_is_refused_where_it_is_written() {
        let read = |text: &str| toml::from_str::<Rates>(text).map_err(|error| error.to_string());
        assert_eq!(read("ec2_write = { burst = 10, per_second = 5 }").unwrap().ec2_write, Some(Rate::new(10, 5.0)));
        for (text, expected) in [
            ("ec2_write = { burst = 0, per_second = 5 }", "`burst` must be at least 1"),
            ("ec2_write = { burst = 1, per_second = 0 }", "`per_second` must be above 0"),
            ("ec2_write = { burst = 1, per_second = nan }", "`per_second` must be above 0"),
            ("ec2_write = { burst = 1 }", "missing field `per_second`"),
            ("ec2_writes = { burst = 1, per_second = 1 }", "unknown field `ec2_writes`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected) && error.contains("line 1"), "{text}: {error}");
        }
    }
}
