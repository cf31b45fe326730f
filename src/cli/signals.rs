//! Ctrl-C, SIGTERM and SIGHUP.

use tokio::sync::mpsc;

use crate::engine::Control;

use super::exit::Exit;
use super::terminal;

/// The signals that ask this process to stop: SIGINT, which is Ctrl-C, SIGTERM, which a pipeline sends when its job is
/// cancelled, and SIGHUP, which says that the terminal is gone; `nohup` has the last ignored, and it stays so. From the moment that this is made none of them is lost, whatever happens between two looks.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// `None` where it is ignored.
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
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
            let hangup = || if hangup_is_ignored() { Ok(None) } else { signal(SignalKind::hangup()).map(Some) };
            let all = signal(SignalKind::interrupt()).and_then(|interrupt| {
                Ok(Self { interrupt, terminate: signal(SignalKind::terminate())?, hangup: hangup()? })
            });
            all.map_err(|error| {
                terminal::line(&format!("error: signals cannot be listened for: {error}"));
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
            () = hung_up(&mut self.hangup) => {}
        }
        #[cfg(not(unix))]
        self.next_word().await;
    }

    /// Waits for the next one that somebody means: a terminal that goes away is told by the system and by the shell, so a
    /// second SIGHUP says nothing new.
    async fn next_word(&mut self) {
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
    /// stops at once, unless it is a SIGHUP.
    pub(super) async fn tell(mut self, control: mpsc::UnboundedSender<Control>) {
        self.next().await;
        if control.send(Control::Drain).is_err() {
            return;
        }
        self.next_word().await;
        // Whether somebody still listens makes no difference: this was the last word.
        let _ = control.send(Control::Abort);
    }
}

/// Waits for a SIGHUP, for ever where it is ignored.
#[cfg(unix)]
async fn hung_up(hangup: &mut Option<tokio::signal::unix::Signal>) {
    match hangup {
        Some(hangup) => {
            hangup.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether this process was started with SIGHUP ignored, where the system tells: `nohup` does that, and to listen would undo
/// it.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "this is the edge where signals come in")]
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The lowest bit is the first signal, which SIGHUP is.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
