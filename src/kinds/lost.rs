//! Calls that may simply be made again when their answer is lost.

use std::time::Duration;

use crate::aws::{CallError, Class};

/// How often a call is made before its lost answer counts as a failure. Each time the SDK makes several attempts.
pub(super) const TIMES: u32 = 4;

/// How long a call whose answer was lost may still take effect, and one that was answered may not be seen.
pub(super) const EFFECT_AT_MOST: Duration = Duration::from_secs(10);

/// The pause before looking, or asking, again: a second at first, doubling up to twenty.
pub(super) fn pause(times: u32) -> Duration {
    Duration::from_secs((1_u64 << times.min(5)).min(20))
}

/// Makes a call that comes to the same however often it takes effect, and makes it again while its answer is lost.
///
/// # Errors
///
/// The call was refused, or its answer is lost time and again.
pub(super) async fn insist<T, F>(call: impl Fn() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let mut times = 0;
    loop {
        match call().await {
            Err(error) if error.class == Class::Lost && times + 1 < TIMES => {
                tracing::info!(%error, "asking again, which changes nothing if it has been done");
                tokio::time::sleep(pause(times)).await;
                times += 1;
            }
            answer => return answer,
        }
    }
}
