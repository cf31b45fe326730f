//! The threads that a command takes place on.

use super::exit::Exit;
use super::terminal;

/// Runs a command to its end on threads of its own. What is still waited for then (an answer at the terminal, a name
/// server that is out of reach) is left behind: who has asked to stop is not to wait for it.
///
/// # Errors
/// The exit code, when the system has no threads to give.
pub(super) fn on_threads<T>(work: impl Future<Output = T>) -> Result<T, Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        terminal::line(&format!("error: no threads can be started: {error}"));
        Exit::Failed
    })?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(done)
}
