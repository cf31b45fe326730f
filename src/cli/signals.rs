//! Ctrl-C and SIGTERM.

use tokio::sync::mpsc;

use crate::engine::Control;

use super::exit::Exit;
use super::terminal;

/// The signals that ask this process to stop: SIGINT, which is Ctrl-C, and SIGTERM, which a pipeline sends when its job
/// is cancelled. From the moment that this is made none of them is lost, whatever happens between two looks.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Listens from now on. Called on a runtime.
    ///
    /// # Errors
    /// The exit code, when the system refuses.
    pub(super) fn listen() -> Result<Self, Exit> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let both = signal(SignalKind::interrupt())
                .and_then(|interrupt| Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? }));
            both.map_err(|error| {
                terminal::notice(&format!("error: signals cannot be listened for: {error}\n"));
                Exit::Failed
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for something that changes nothing; a signal ends it at once, since there is nothing to settle.
    ///
    /// # Errors
    /// [`Exit::Interrupted`] when a signal came first.
    pub(super) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Exit> {
        tokio::select! {
            done = work => Ok(done),
            () = self.next() => {
                terminal::notice("\ninterrupted; nothing was changed\n");
                Err(Exit::Interrupted)
            }
        }
    }

    /// Turns signals into words for the engine until the run is over: the first lets running nodes settle, the second
    /// stops at once.
    pub(super) async fn tell(mut self, control: mpsc::UnboundedSender<Control>) {
        for word in [Control::Drain, Control::Abort] {
            self.next().await;
            if control.send(word).is_err() {
                return;
            }
        }
    }
}
