//! Ctrl-C and SIGTERM.

use tokio::sync::mpsc;

use crate::engine::Control;

/// Turns signals into words for the engine until the run is over: the first lets running nodes settle, the second
/// stops at once. SIGTERM, which a pipeline sends when its job is cancelled, counts like Ctrl-C.
pub(super) async fn watch(control: mpsc::UnboundedSender<Control>) {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    for word in [Control::Drain, Control::Abort] {
        #[cfg(unix)]
        let seen = tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.is_ok(),
            Some(()) = async { match &mut terminate { Some(signal) => signal.recv().await, None => None } } => true,
        };
        #[cfg(not(unix))]
        let seen = tokio::signal::ctrl_c().await.is_ok();
        if !seen || control.send(word).is_err() {
            return;
        }
    }
}
