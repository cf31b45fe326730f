//! Leave to begin a node, where somebody else may have a say in it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::event::Failure;

/// Waiting for leave.
type Waiting = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Asked before each node begins: it waits until the node may, or says why it may not. By default every node may.
#[derive(Clone, Default)]
pub struct Leave(Option<Arc<dyn Fn() -> Waiting + Send + Sync>>);

impl Leave {
    /// Leave that is asked for by a call.
    pub fn asking<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        Self(Some(Arc::new(move || Box::pin(ask()))))
    }

    /// Waits until a node may begin.
    ///
    /// # Errors
    /// It may not.
    pub(super) async fn wait(&self) -> Result<(), Failure> {
        match &self.0 {
            Some(ask) => ask().await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Leave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Leave").field(&self.0.is_some()).finish()
    }
}
