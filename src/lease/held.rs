//! Holding a lock: it is renewed in the background, and nothing begins while it may be another's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::document::{Holder, Locked};
use super::take::{Found, Place, is_of};
use super::{CERTAIN, PATIENCE, RENEWED};
use crate::event::Failure;

/// How long after a renewal that got no answer the next one is tried.
const AGAIN: Duration = Duration::from_secs(2);

/// A lock that is held. It is renewed until it is given back or dropped.
#[derive(Debug)]
pub struct Held {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

/// Why a lock is held no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Who has it now; nobody if it was broken, or deleted.
    pub to: Option<Holder>,
}

/// How it stands with a lock.
#[derive(Clone, Debug)]
enum State {
    /// It was held when this was last known.
    Held(Known),
    /// It is another's, or was broken.
    Lost(Lost),
}

/// When a lock was last known to be held: before the call that wrote it was sent.
#[derive(Clone, Copy, Debug)]
struct Known {
    at: Instant,
    /// By the clock on the wall. The other one stands still while the machine sleeps.
    wall: Timestamp,
}

impl Known {
    /// How long ago that is. What the two clocks tell differs where the machine slept, or where one was set; the longer time
    /// costs a look at the most.
    fn age(self, now: Timestamp) -> Duration {
        let by_wall = now.as_millisecond() - self.wall.as_millisecond();
        self.at.elapsed().max(Duration::from_millis(u64::try_from(by_wall).unwrap_or(0)))
    }
}

#[derive(Debug)]
struct Shared {
    place: Place,
    holder: Holder,
    /// The mark and the beat of what was last written.
    written: Mutex<(String, u64)>,
    state: watch::Sender<State>,
    /// Somebody waits for a look.
    wanted: Notify,
}

impl Held {
    /// A lock whose holder was written at a time.
    pub(super) fn new(place: Place, holder: Holder, mark: String, beat: u64, at: Instant) -> Self {
        let wall = (place.now)();
        let (state, _) = watch::channel(State::Held(Known { at, wall }));
        let (written, wanted) = (Mutex::new((mark, beat)), Notify::new());
        let shared = Arc::new(Shared { place, holder, written, state, wanted });
        let keeper = tokio::spawn(Arc::clone(&shared).keep());
        Self { shared, keeper }
    }

    /// Waits until the lock is known to be held. Whoever was stopped for a while, or could not renew it, looks again first.
    ///
    /// # Errors
    /// It is another's.
    pub fn certain(&self) -> impl Future<Output = Result<(), Lost>> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut state = shared.state.subscribe();
            loop {
                match &*state.borrow_and_update() {
                    State::Held(known) if known.age((shared.place.now)()) < CERTAIN => return Ok(()),
                    State::Held(_) => {}
                    State::Lost(lost) => return Err(lost.clone()),
                }
                shared.wanted.notify_one();
                // The sender is held here, so it is never gone.
                let _ = state.changed().await;
            }
        }
    }

    /// Waits until the lock is another's.
    pub fn lost(&self) -> impl Future<Output = Lost> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut state = shared.state.subscribe();
            loop {
                if let State::Lost(lost) = &*state.borrow_and_update() {
                    return lost.clone();
                }
                let _ = state.changed().await;
            }
        }
    }

    /// Gives the lock back, if it is still held.
    ///
    /// # Errors
    /// That cannot be written: others take it over once it was not renewed for a while.
    pub async fn give_back(&self) -> Result<(), Failure> {
        self.keeper.abort();
        let Shared { place, holder, written, state, .. } = &*self.shared;
        if matches!(*state.borrow(), State::Lost(_)) {
            return Ok(());
        }
        let (mark, beat) = written.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = Locked::free(&place.plan, &holder.token, beat + 1, (place.now)()).text();
        if let Ok(Some(_)) = place.put(&text, Some(&mark)).await {
            return Ok(());
        }
        // The keeper may have been stopped in the middle of a renewal, and an answer may have been lost.
        let freeing = place.take_from(holder, &holder.token);
        match timeout(PATIENCE, freeing).await {
            Ok(freed) => freed.map(|_| ()),
            Err(_) => Err(Failure::new("S3 does not answer", "")),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Shared {
    /// Renews the lock until it is another's.
    async fn keep(self: Arc<Self>) {
        let mut pause = RENEWED;
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                () = self.wanted.notified() => {}
            }
            match self.renew().await {
                Ok(Ok(known)) => {
                    self.state.send_replace(State::Held(known));
                    pause = RENEWED.saturating_sub(known.at.elapsed());
                }
                Ok(Err(lost)) => {
                    self.state.send_replace(State::Lost(lost));
                    return;
                }
                Err(failure) => {
                    tracing::warn!(%failure, "the lock could not be renewed; trying again");
                    pause = AGAIN;
                }
            }
        }
    }

    /// Renews the lock once: when it was known to be held, or that it is another's.
    async fn renew(&self) -> Result<Result<Known, Lost>, Failure> {
        let (mark, beat) = self.written.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = self.write(&mark, beat + 1).await? {
            return Ok(Ok(known));
        }
        // The mark is another: an answer of ours was lost, somebody is at it, or it is not ours any more.
        match self.place.look().await? {
            Some(Found { mark, locked }) if is_of(&locked, &self.holder) => {
                let known = self.write(&mark, locked.beat + 1).await?;
                Ok(Ok(known.ok_or_else(|| Failure::new("the lock is being written in this moment", ""))?))
            }
            found => Ok(Err(Lost { to: found.and_then(|found| found.locked.holder) })),
        }
    }

    /// Writes the lock anew if it bears a mark.
    async fn write(&self, mark: &str, beat: u64) -> Result<Option<Known>, Failure> {
        let known = Known { at: Instant::now(), wall: (self.place.now)() };
        let text = Locked::by(&self.place.plan, &self.holder, beat, known.wall).text();
        let Some(mark) = self.place.put(&text, Some(mark)).await? else { return Ok(None) };
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = (mark, beat);
        Ok(Some(known))
    }
}
