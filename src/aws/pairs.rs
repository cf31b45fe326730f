//! Looking for the peerings between many pairs of VPCs with few calls.
//!
//! Who comes while somebody asks waits for that, and has his pair asked for by the next call, together with those of all others
//! who have come meanwhile. No look counts that began before one came, so what it shows is as fresh as a look of one's own.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::call::{CallError, Class};
use super::ec2::{FILTER_VALUES, Peering};

/// How long it is waited for others that come at the same moment.
const GATHER: Duration = Duration::from_millis(20);

/// How many pairs a call asks for: the two VPCs of each are values of a filter.
const AT_ONCE: usize = FILTER_VALUES / 2;

/// How long others wait for a look at most. What AWS takes over one call is bounded by itself; this is for its rate, too.
const HELD_AT_MOST: Duration = Duration::from_mins(5);

/// Two VPCs.
pub(super) type Pair = (String, String);

/// The pairs that are asked for in one place.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    asked: Mutex<Asked>,
    /// Held by whoever asks.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Asked {
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    pair: Pair,
    seen: Option<Result<Vec<Peering>, CallError>>,
}

/// A pair that is asked for until this is dropped.
struct Own<'a> {
    pairs: &'a Pairs,
    id: u64,
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        self.pairs.lock().waiting.remove(&self.id);
    }
}

impl Own<'_> {
    fn take(&self) -> Option<Result<Vec<Peering>, CallError>> {
        self.pairs.lock().waiting.get_mut(&self.id).and_then(|own| own.seen.take())
    }
}

impl Pairs {
    /// The peerings between two VPCs, by a look that begins from now on; `None` if he who asked is to look by himself.
    ///
    /// That a look at many is refused for want of a permission is told to all: each would be refused. Any other failure is
    /// nobody's; those who have waited for it are asked for again.
    ///
    /// # Errors
    ///
    /// The look failed.
    pub(super) async fn look<F>(
        &self,
        pair: Pair,
        ask: impl FnOnce(Vec<Pair>) -> F,
    ) -> Result<Option<Vec<Peering>>, CallError>
    where
        F: Future<Output = Result<Vec<Peering>, CallError>>,
    {
        let own = self.enter(pair.clone());
        let _turn = self.turn.lock().await;
        if let Some(seen) = own.take() {
            return seen.map(Some);
        }
        tokio::time::sleep(GATHER).await;
        let others = self.unseen(own.id);
        let pairs = others.iter().map(|(_, pair)| pair.clone()).chain([pair.clone()]).collect();
        let seen = match timeout(HELD_AT_MOST, ask(pairs)).await {
            Ok(seen @ Ok(_)) => seen,
            Ok(Err(error)) if error.class == Class::Denied => Err(error),
            failed => {
                tracing::debug!(?failed, "peerings cannot be looked for together");
                return Ok(None);
            }
        };
        let of = |found: &[Peering], pair: &Pair| {
            found.iter().filter(|peering| peering.is_between(&pair.0, &pair.1)).cloned().collect()
        };
        let mut asked = self.lock();
        for (id, pair) in others {
            if let Some(waiting) = asked.waiting.get_mut(&id) {
                waiting.seen = Some(seen.clone().map(|found| of(&found, &pair)));
            }
        }
        seen.map(|found| Some(of(&found, &pair)))
    }

    fn enter(&self, pair: Pair) -> Own<'_> {
        let mut asked = self.lock();
        let id = asked.next;
        asked.next += 1;
        asked.waiting.insert(id, Waiting { pair, seen: None });
        Own { pairs: self, id }
    }

    /// The pairs of others that a call can ask for along with one's own.
    fn unseen(&self, own: u64) -> Vec<(u64, Pair)> {
        let asked = self.lock();
        let others = asked.waiting.iter().filter(|(id, waiting)| **id != own && waiting.seen.is_none());
        others.map(|(id, waiting)| (*id, waiting.pair.clone())).take(AT_ONCE - 1).collect()
    }

    // Every change under this lock is whole.
    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use tokio::time::sleep;

    use super::*;
    use crate::aws::ec2::{PeeringSide, PeeringState};

    fn peering((one, other): &Pair) -> Peering {
        let side = |vpc: &str| PeeringSide { vpc: vpc.to_owned(), ..PeeringSide::default() };
        Peering {
            id: format!("pcx-{one}"),
            state: PeeringState::Active,
            message: String::new(),
            requester: side(other),
            accepter: side(one),
            tags: BTreeMap::new(),
        }
    }

    fn pair(n: usize) -> Pair {
        (format!("vpc-{n}"), "vpc-hub".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_while_somebody_asks_is_asked_for_by_the_next_call_and_each_is_told_of_his_own() {
        let (pairs, calls) = (Pairs::default(), RefCell::new(Vec::new()));
        let look = async |n: usize, after: u64| {
            sleep(Duration::from_millis(after)).await;
            let ask = async |asked: Vec<Pair>| {
                calls.borrow_mut().push(asked.len());
                sleep(Duration::from_millis(100)).await;
                Ok(asked.iter().map(peering).collect())
            };
            let found = pairs.look(pair(n), ask).await.unwrap();
            assert_eq!(found, Some(vec![peering(&pair(n))]), "{n}");
        };
        let millis = Duration::from_millis;
        tokio::join!(
            look(1, 0),
            look(2, 10),
            // One that goes away in the middle of its call, and one that goes away while it waits.
            async { tokio::time::timeout(millis(200), look(3, 45)).await.unwrap_err() },
            async { tokio::time::timeout(millis(100), look(4, 60)).await.unwrap_err() },
            look(5, 50),
            look(6, 300),
        );
        assert_eq!(*calls.borrow(), [2, 2, 1, 1], "a call asks for what has come when it begins, and for no more");
        assert!(pairs.lock().waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_asks_for_no_more_than_a_filter_takes() {
        let (pairs, calls) = (Arc::new(Pairs::default()), Arc::new(Mutex::new(Vec::new())));
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..250 {
            let (pairs, calls) = (Arc::clone(&pairs), Arc::clone(&calls));
            tasks.spawn(async move {
                let ask = |asked: Vec<Pair>| {
                    calls.lock().unwrap().push(asked.len());
                    std::future::ready(Ok(asked.iter().map(peering).collect()))
                };
                assert_eq!(pairs.look(pair(n), ask).await.unwrap(), Some(vec![peering(&pair(n))]));
            });
        }
        assert_eq!(crate::aws::joined(tasks).await.len(), 250);
        assert_eq!(*calls.lock().unwrap(), [100, 100, 50]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_fails_or_hangs_is_nobodys_failure_but_one_that_is_denied_is_everybodys() {
        let (pairs, calls) = (Pairs::default(), RefCell::new(0));
        let error = |class| CallError::sample("DescribeVpcPeeringConnections", class);
        let look = async |n: usize| {
            let ask = async |asked: Vec<Pair>| {
                let nth = calls.replace_with(|calls| *calls + 1);
                match nth {
                    0 => Err(error(Class::Transient)),
                    1 => std::future::pending().await,
                    2 => Ok(asked.iter().map(peering).collect()),
                    _ => Err(error(Class::Denied)),
                }
            };
            pairs.look(pair(n), ask).await
        };
        let (first, second, third, fourth) = tokio::join!(look(1), look(2), look(3), look(4));
        assert_eq!((first.unwrap(), second.unwrap()), (None, None), "each of them looks by himself");
        assert_eq!((third.unwrap(), fourth.unwrap()), (Some(vec![peering(&pair(3))]), Some(vec![peering(&pair(4))])));
        assert_eq!(*calls.borrow(), 3);
        let (fifth, sixth) = tokio::join!(look(5), look(6));
        assert!(fifth.is_err() && sixth.is_err());
        assert_eq!(*calls.borrow(), 4);
    }
}
