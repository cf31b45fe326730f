//! How a convergence goes that may stand on what another node has released before its end.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::route;

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
    /// A route where there was none to its destination.
    Route(route::Made),
}

/// Keeps what a node makes, so that it can be taken back.
#[derive(Debug, Default)]
pub struct Trace {
    made: Mutex<Vec<Made>>,
    acting: watch::Sender<usize>,
}

/// For as long as it lives something is being made of which nobody would know if it were left.
#[derive(Debug)]
pub struct Acting<'a>(&'a Trace);

impl Trace {
    /// Notes something, at the latest before it may be there.
    pub fn note(&self, made: Made) {
        self.lock().push(made);
    }

    /// Says that something is being made, until what this gives is dropped.
    pub fn acting(&self) -> Acting<'_> {
        self.acting.send_modify(|acting| *acting += 1);
        Acting(self)
    }

    /// Waits until nothing is being made.
    pub async fn idle(&self) {
        let mut acting = self.acting.subscribe();
        // It lives as long as the sender, which is its own.
        let _ = acting.wait_for(|acting| *acting == 0).await;
    }

    /// All that was made, in the order in which it was.
    pub fn made(&self) -> Vec<Made> {
        self.lock().clone()
    }

    // Every change under this lock is a single insertion.
    fn lock(&self) -> MutexGuard<'_, Vec<Made>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Acting<'_> {
    fn drop(&mut self) {
        self.0.acting.send_modify(|acting| *acting -= 1);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nothing_is_idle_while_something_is_being_made() {
        let trace = Trace::default();
        trace.idle().await;
        let (one, other) = (trace.acting(), trace.acting());
        drop(one);
        let waited = tokio::time::timeout(std::time::Duration::from_secs(1), trace.idle()).await;
        assert!(waited.is_err(), "another one is being made still");
        drop(other);
        trace.idle().await;
    }
}
