//! How many calls are under way at once.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Each call that is under way has a connection, and holds its request and its answer: a fleet of thousands of nodes begins
/// with as many calls in one moment.
const MOST: usize = 256;

/// How long a call counts. One that takes longer hangs, or is being repeated, and holds up nobody.
const HELD: Duration = Duration::from_secs(1);

/// Lets calls through, those first that came first.
pub(super) struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(MOST))
    }
}

impl Gate {
    /// Makes a call when it is its turn; before that there is nothing of it.
    pub(super) async fn through<F: Future>(&self, call: impl FnOnce() -> F) -> F::Output {
        // The semaphore is never closed; were it, a call without a permit does no harm.
        let permit = self.0.acquire().await.ok();
        let mut call = pin!(call());
        if let Ok(answer) = timeout(HELD, &mut call).await {
            return answer;
        }
        drop(permit);
        call.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::{Instant, sleep};

    use super::*;

    /// When each of so many calls has its answer, in seconds, if each takes so long.
    async fn ends(calls: usize, each: Duration) -> Vec<f64> {
        let (gate, began) = (Arc::<Gate>::default(), Instant::now());
        let calls = (0..calls).map(|_| {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { gate.through(|| sleep(each)).await })
        });
        let mut ends = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
            ends.push(began.elapsed().as_secs_f64());
        }
        ends
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_are_under_way_at_once_and_no_more() {
        let ends = ends(3 * MOST, Duration::from_millis(100)).await;
        for (turn, seconds) in [(0, 0.1), (1, 0.2), (2, 0.3)] {
            assert!(ends[turn * MOST..(turn + 1) * MOST].iter().all(|end| (end - seconds).abs() < 0.01), "{ends:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_hang_hold_up_nobody_for_long() {
        let ends = ends(2 * MOST, Duration::from_mins(1)).await;
        assert!(ends[..MOST].iter().all(|end| (end - 60.0).abs() < 0.01), "{ends:?}");
        assert!(ends[MOST..].iter().all(|end| (end - 61.0).abs() < 0.01), "{ends:?}");
    }
}
