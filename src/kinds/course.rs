//! How a convergence goes that may stand on what another node has released before its end.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{route, stack};
use crate::aws::{Regional, Turns};

/// What a convergence stands on.
pub trait Footing: Send + Sync {
    /// Whether all that its values come from has ended well. Else what it does may have to be taken back.
    fn is_firm(&self) -> bool;

    /// Waits until it is firm; for ever, if it never will be.
    fn settled(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// What a node has made while it stood on something that had not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// A peering between two VPCs was asked for; others that were there before are somebody's already.
    Asked {
        /// The two VPCs.
        vpcs: (String, String),
        /// The peerings that were there.
        before: Vec<String>,
    },
    /// A peering, by its id.
    Peering(String),
    /// A route was asked for where there was none to its destination. If it is there, then perhaps somebody else made it.
    RouteAsked(route::Made),
    /// A route where there was none to its destination.
    Route(route::Made),
    /// A stack was asked for where there was none of its name. If it is there, then perhaps somebody else made it.
    StackAsked(stack::Asked),
    /// A stack, by its ARN, where there was none of its name.
    Stack {
        /// Its name.
        name: String,
        /// Its ARN.
        id: String,
    },
}

/// Keeps what a node makes, so that it can be taken back.
#[derive(Debug, Default)]
pub struct Trace {
    kept: Mutex<Kept>,
    idle: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    made: Vec<Made>,
    /// How many things are being made now.
    acting: usize,
    /// Whether nothing more is to be made.
    is_stopped: bool,
}

/// For as long as it lives something is being made of which nobody would know if it were left.
#[derive(Debug)]
pub struct Acting<'a>(&'a Trace);

impl Trace {
    /// Notes something, at the latest before it may be there.
    pub fn note(&self, made: Made) {
        self.lock().made.push(made);
    }

    /// Takes out one note of something that was not made after all.
    pub fn strike(&self, made: &Made) {
        let notes = &mut self.lock().made;
        if let Some(at) = notes.iter().rposition(|noted| noted == made) {
            notes.remove(at);
        }
    }

    /// Says that something is being made, until what this gives is dropped. Where nothing more is to be made, it is waited
    /// for ever.
    pub async fn acting(&self) -> Acting<'_> {
        if self.begin() { Acting(self) } else { std::future::pending().await }
    }

    /// The same of something that one call makes, once its rate allows and there is a session for it: what waits for that is not
    /// being made yet. Gives what to make the call by, which says so if it was not let through: it has then made nothing, and
    /// this is to be waited for again.
    pub async fn acting_in_turn(&self, regional: &Regional, turns: &Turns) -> (Regional, Acting<'_>) {
        let regional = Box::pin(regional.in_turn(turns)).await;
        if self.begin() {
            return (regional, Acting(self));
        }
        // What is never sent keeps no turn from others.
        drop(regional);
        std::future::pending().await
    }

    fn begin(&self) -> bool {
        let mut kept = self.lock();
        kept.acting += usize::from(!kept.is_stopped);
        !kept.is_stopped
    }

    /// Has nothing more made from here on; what is being made comes to its end.
    pub fn stop(&self) {
        self.lock().is_stopped = true;
    }

    /// Waits until nothing is being made.
    pub async fn idle(&self) {
        loop {
            let ended = self.idle.notified();
            if self.lock().acting == 0 {
                return;
            }
            ended.await;
        }
    }

    /// All that was made, in the order in which it was.
    pub fn made(&self) -> Vec<Made> {
        self.lock().made.clone()
    }

    // Every change under this lock is a single one.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Acting<'_> {
    fn drop(&mut self) {
        self.0.lock().acting -= 1;
        self.0.idle.notify_waiters();
    }
}

/// What a convergence goes by besides what is wanted.
#[derive(Clone, Copy)]
pub struct Course<'a> {
    /// What it stands on.
    pub footing: &'a dyn Footing,
    /// Where what it makes is kept.
    pub trace: &'a Trace,
    /// Takes the id of what it makes as soon as others may use it.
    pub release: &'a (dyn Fn(&str) + Send + Sync),
}

impl fmt::Debug for Course<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Course")
            .field("is_firm", &self.footing.is_firm())
            .field("trace", &self.trace)
            .finish_non_exhaustive()
    }
}

/// Firm ground, with a trace that nobody follows.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Firm(Trace);

#[cfg(test)]
impl Firm {
    pub(crate) fn course(&self) -> Course<'_> {
        Course { footing: self, trace: &self.0, release: &|_| {} }
    }
}

#[cfg(test)]
impl Footing for Firm {
    fn is_firm(&self) -> bool {
        true
    }

    fn settled(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

/// Ground that is firm only from when a test says so, with a trace.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Provisional {
    is_firm: std::sync::atomic::AtomicBool,
    firm: Notify,
    pub(crate) trace: Trace,
}

#[cfg(test)]
impl Provisional {
    pub(crate) fn course(&self) -> Course<'_> {
        Course { footing: self, trace: &self.trace, release: &|_| {} }
    }

    pub(crate) fn settle(&self) {
        self.is_firm.store(true, std::sync::atomic::Ordering::Relaxed);
        self.firm.notify_waiters();
    }
}

#[cfg(test)]
impl Footing for Provisional {
    fn is_firm(&self) -> bool {
        self.is_firm.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn settled(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            let firm = self.firm.notified();
            if !self.is_firm() {
                firm.await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nothing_is_idle_while_something_is_being_made() {
        let trace = Trace::default();
        trace.idle().await;
        let (one, other) = (trace.acting().await, trace.acting().await);
        drop(one);
        let second = std::time::Duration::from_secs(1);
        assert!(tokio::time::timeout(second, trace.idle()).await.is_err(), "another one is being made still");
        trace.stop();
        assert!(tokio::time::timeout(second, trace.acting()).await.is_err(), "nothing more is to be made");
        drop(other);
        trace.idle().await;
    }

    #[test]
    fn of_two_attempts_one_may_have_made_it() {
        let asked = || Made::Peering("pcx-1".to_owned());
        let trace = Trace::default();
        trace.note(asked());
        trace.note(asked());
        trace.strike(&asked());
        assert_eq!(trace.made(), [asked()]);
        trace.strike(&asked());
        trace.strike(&asked());
        assert_eq!(trace.made(), []);
    }
}
