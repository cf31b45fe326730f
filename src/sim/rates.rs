//! How many calls a service takes of one account in one region before it throttles.
//!
//! AWS lets calls through by token buckets: each holds so many tokens, is refilled at a steady rate, and a call takes one
//! token or is refused. EC2's are documented (one bucket to each operation); `CloudFormation`'s are not, and it is known to
//! throttle all that looks together. See
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::wire::Service;
use super::wire::request::is_mutating;
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
            (Service::Sts | Service::S3 | Service::Ssm | Service::SecretsManager, _) => None,
        };
        let by_itself = service == Service::Ec2 && self.ec2_by_operation;
        let together = match changes {
            // No operation has a longer name.
            _ if by_itself && operation.len() <= 64 => operation,
            false => "read",
            true => "write",
        };
        Some((rate?, together))
    }
}

/// How full a bucket was when it was last taken from.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    rate: Rate,
    tokens: f64,
    at: Timestamp,
}

/// The buckets of every account and region, as far as they were ever taken from. Each process has its own.
#[derive(Debug, Default)]
pub(super) struct Buckets(HashMap<(AccountId, Region, Service, String), Bucket>);

impl Buckets {
    /// Forgets buckets that are full again, each time that there are twice as many: what is sent as an operation's name
    /// need not be one, and must not fill the memory.
    fn forget_full(&mut self, now: Timestamp) {
        const FEW: usize = 1 << 12;
        if self.0.len() >= FEW && self.0.len().is_power_of_two() {
            self.0.retain(|_, bucket| {
                let passed = now.duration_since(bucket.at).as_secs_f64();
                bucket.tokens + passed * bucket.rate.per_second < f64::from(bucket.rate.burst)
            });
        }
    }

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
        self.forget_full(now);
        let key = (account.clone(), region.clone(), service, together.to_owned());
        let bucket = self.0.entry(key).or_insert(Bucket { rate, tokens: most, at: now });
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.tokens = (bucket.tokens + passed * rate.per_second).min(most);
        bucket.at = now;
        // A token that is whole but for the rounding of a sum is whole.
        let through = bucket.tokens > 1.0 - 1e-9;
        if through {
            bucket.tokens = (bucket.tokens - 1.0).max(0.0);
        }
        through
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sim::world::later;

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
    fn names_that_are_nobodys_fill_no_memory() {
        let (mut buckets, rates) = (Buckets::default(), issue());
        for number in 0..20_000_u32 {
            let operation = format!("Create{number}{}", "x".repeat(if number % 2 == 0 { 100 } else { 1 }));
            through(&mut buckets, &rates, (HUB, Service::Ec2, &operation), u64::from(number) * 10, 1);
        }
        assert!(buckets.0.len() <= 1 << 12, "{}", buckets.0.len());
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
