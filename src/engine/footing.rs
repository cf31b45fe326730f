//! What a node that runs stands on.

use tokio::sync::{mpsc, watch};

use crate::graph::Ix;

/// How firm that is on which a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// All that it needs has ended well.
    Firm,
    /// Something that it needs was released by a node that has not ended.
    Provisional,
    /// That node has failed: what this one did is to be taken back.
    Gone,
}

/// What a node that runs says before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// All is there that another needs of it.
    Release(Ix),
    /// It will not end well.
    Recall,
}

/// What a node that runs stands on, and its way to let those begin that need no more of it than it has already.
#[derive(Clone, Debug)]
pub struct Footing {
    node: Ix,
    words: mpsc::UnboundedSender<(Ix, Word)>,
    ground: watch::Receiver<Ground>,
}

impl Footing {
    pub(super) fn new(
        node: Ix,
        words: mpsc::UnboundedSender<(Ix, Word)>,
        is_firm: bool,
    ) -> (watch::Sender<Ground>, Self) {
        let (told, ground) = watch::channel(if is_firm { Ground::Firm } else { Ground::Provisional });
        (told, Self { node, words, ground })
    }

    /// One that is firm and stays so, and whose releases nobody hears: for work outside of a run.
    pub fn firm(node: Ix) -> Self {
        Self::new(node, mpsc::unbounded_channel().0, true).1
    }

    /// Tells that all is there that `to` needs of this node, though it has not ended. If it fails, what `to` has done is
    /// taken back.
    pub fn release(&self, to: Ix) {
        self.say(Word::Release(to));
    }

    /// Tells that this node will not end well, though it has not ended: what stands on it is taken back at once.
    pub fn recall(&self) {
        self.say(Word::Recall);
    }

    fn say(&self, word: Word) {
        // Nobody listens where the run is being left.
        let _ = self.words.send((self.node, word));
    }

    /// Whether all that the node needs has ended well.
    pub fn is_firm(&self) -> bool {
        *self.ground.borrow() == Ground::Firm
    }

    /// Waits until all that the node needs has ended well; for ever, if it does not.
    pub async fn settled(&self) {
        self.until(Ground::Firm).await;
    }

    /// Waits until something that the node stands on has failed; for ever, if nothing does.
    pub async fn gone(&self) {
        self.until(Ground::Gone).await;
    }

    async fn until(&self, wanted: Ground) {
        let mut ground = self.ground.clone();
        if ground.wait_for(|ground| *ground == wanted).await.is_err() {
            // It will not change any more.
            std::future::pending::<()>().await;
        }
    }
}
