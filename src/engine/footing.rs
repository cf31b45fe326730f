//! What a node that runs stands on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::{Notify, mpsc};

use crate::graph::Ix;

/// How firm that is on which a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Firmness {
    /// All that it needs has ended well.
    Firm,
    /// Something that it needs was released by a node that has not ended.
    Provisional,
    /// That node has failed: what this one did is to be taken back.
    Gone,
}

/// How firm that is, as it changes. There is one for each node that runs, and most never change.
#[derive(Debug)]
pub(super) struct Ground {
    firmness: AtomicU8,
    changed: Notify,
}

impl Ground {
    fn is(&self, firmness: Firmness) -> bool {
        self.firmness.load(Ordering::Acquire) == firmness as u8
    }

    /// Tells the node that it is so from now on.
    pub(super) fn set(&self, firmness: Firmness) {
        self.firmness.store(firmness as u8, Ordering::Release);
        self.changed.notify_waiters();
    }
}

/// What a node that runs says before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// All is there that another needs of it.
    Release(Ix),
    /// It will not end well.
    Recall,
}

/// What a node that runs stands on, and its way to let those begin that need no more of it than it has already.
#[derive(Clone, Debug)]
pub struct Footing {
    node: Ix,
    notices: mpsc::UnboundedSender<(Ix, Notice)>,
    ground: Arc<Ground>,
}

impl Footing {
    pub(super) fn new(node: Ix, notices: mpsc::UnboundedSender<(Ix, Notice)>, is_firm: bool) -> (Arc<Ground>, Self) {
        let firmness = if is_firm { Firmness::Firm } else { Firmness::Provisional };
        let ground = Arc::new(Ground { firmness: AtomicU8::new(firmness as u8), changed: Notify::new() });
        (Arc::clone(&ground), Self { node, notices, ground })
    }

    /// One that is firm and stays so, and whose releases nobody hears: for work outside of a run.
    pub fn firm(node: Ix) -> Self {
        Self::new(node, mpsc::unbounded_channel().0, true).1
    }

    /// Tells that all is there that `to` needs of this node, though it has not ended. If it fails, what `to` has done is
    /// taken back.
    pub fn release(&self, to: Ix) {
        self.say(Notice::Release(to));
    }

    /// Tells that this node will not end well, though it has not ended: what stands on it is taken back at once.
    pub fn recall(&self) {
        self.say(Notice::Recall);
    }

    fn say(&self, notice: Notice) {
        // Nobody listens where the run is being left.
        let _ = self.notices.send((self.node, notice));
    }

    /// Whether all that the node needs has ended well.
    pub fn is_firm(&self) -> bool {
        self.ground.is(Firmness::Firm)
    }

    /// Waits until all that the node needs has ended well; for ever, if it does not.
    pub async fn settled(&self) {
        self.until(Firmness::Firm).await;
    }

    /// Waits until something that the node stands on has failed; for ever, if nothing does.
    pub async fn gone(&self) {
        self.until(Firmness::Gone).await;
    }

    async fn until(&self, wanted: Firmness) {
        loop {
            // Made before the look: it hears of every change from here on.
            let changed = self.ground.changed.notified();
            if self.ground.is(wanted) {
                return;
            }
            changed.await;
        }
    }
}
