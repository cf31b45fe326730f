//! How many calls there were, of each sort: what is kept of them where a list of all would grow without end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::state::{Call, Outcome};
use super::wire::Service;
use super::world::Word;
use crate::ids::{AccountId, Region};

/// The most sorts of calls that are told apart. A thousand accounts in two regions have about a third of these.
const MOST_SORTS: usize = 100_000;

/// The longest name of an operation that is told, in bytes: nobody's is longer, and what is sent need not be one.
const LONGEST_OPERATION: usize = 64;

/// The name of an operation as it is told, which whoever sends it may have made as long as a request.
pub(super) fn told(operation: &str) -> Word {
    match operation.char_indices().find(|(at, _)| *at >= LONGEST_OPERATION) {
        Some((end, _)) => format!("{}…", &operation[..end]).into(),
        None => operation.into(),
    }
}

/// A sort of calls. What differs in nothing else than time is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Sort {
    /// The account that sent them; `None` when the credentials are nobody's.
    pub account: Option<AccountId>,
    /// The region that they were sent to.
    pub region: Region,
    /// The service.
    pub service: Service,
    /// The operation.
    pub operation: Word,
    /// What came of them.
    pub outcome: Outcome,
}

/// How many calls there were since a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Since when.
    pub since: Timestamp,
    /// How many there were.
    pub total: u64,
    /// Those that are not told apart, because there were too many sorts.
    pub unsorted: u64,
    /// How many of each sort.
    #[serde(serialize_with = "rows")]
    pub sorts: BTreeMap<Sort, u64>,
}

impl Counts {
    /// A request that no service was asked by, and what it was refused with.
    pub(super) fn refuse(&mut self, service: Service, code: &str) {
        let (account, region, operation) = (None, Region::from("-"), "-".into());
        let (at, mutating, outcome) = (self.since, false, Outcome::Failed(code.into()));
        self.add(&Call { at, account, region, service, operation, mutating, outcome });
    }

    /// None so far.
    pub(super) fn new(since: Timestamp) -> Self {
        Self { since, total: 0, unsorted: 0, sorts: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, call: &Call) {
        self.total += 1;
        let sort = Sort {
            account: call.account.clone(),
            region: call.region.clone(),
            service: call.service,
            operation: call.operation.clone(),
            outcome: call.outcome.clone(),
        };
        if let Some(count) = self.sorts.get_mut(&sort) {
            *count += 1;
        } else if self.sorts.len() < MOST_SORTS {
            self.sorts.insert(sort, 1);
        } else {
            self.unsorted += 1;
        }
    }
}

/// One sort, with its number.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    sort: &'a Sort,
    count: u64,
}

fn rows<S: Serializer>(sorts: &BTreeMap<Sort, u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(sorts.iter().map(|(sort, count)| Row { sort, count: *count }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(operation: &str, outcome: Outcome) -> Call {
        Call {
            at: Timestamp::UNIX_EPOCH,
            account: Some("111111111111".parse().unwrap()),
            region: "us-east-1".into(),
            service: Service::Ec2,
            operation: told(operation),
            mutating: false,
            outcome,
        }
    }

    #[test]
    fn calls_that_differ_in_nothing_but_time_are_one_sort() {
        let mut counts = Counts::new(Timestamp::UNIX_EPOCH);
        for outcome in [Outcome::Succeeded, Outcome::Failed("Throttling".into()), Outcome::Succeeded] {
            counts.add(&call("DescribeVpcs", outcome));
        }
        insta::assert_snapshot!(
            serde_json::to_string(&counts).unwrap(),
            @r#"{"since":"1970-01-01T00:00:00Z","total":3,"unsorted":0,"sorts":[{"account":"111111111111","region":"us-east-1","service":"ec2","operation":"DescribeVpcs","outcome":"ok","count":2},{"account":"111111111111","region":"us-east-1","service":"ec2","operation":"DescribeVpcs","outcome":"Throttling","count":1}]}"#
        );
    }

    #[test]
    fn what_anybody_may_send_fills_no_memory() {
        let mut counts = Counts::new(Timestamp::UNIX_EPOCH);
        for number in 0..MOST_SORTS + 10 {
            counts.add(&call(&number.to_string(), Outcome::Succeeded));
        }
        counts.add(&call("1", Outcome::Succeeded));
        assert_eq!((counts.sorts.len(), counts.unsorted, counts.total), (MOST_SORTS, 10, MOST_SORTS as u64 + 11));
        let mut counts = Counts::new(Timestamp::UNIX_EPOCH);
        counts.add(&call(&"é".repeat(1 << 20), Outcome::Succeeded));
        assert_eq!(
            counts.sorts.keys().map(|sort| sort.operation.len()).collect::<Vec<_>>(),
            [LONGEST_OPERATION + "…".len()]
        );
    }
}
