//! What keeps processes of one folder from writing over each other's files.
#![expect(clippy::disallowed_methods, reason = "this is the edge where files are locked")]

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// What is locked, in the folder it is about. It stays there: whoever deleted it might delete what another has just locked.
pub(super) const NAME: &str = ".lock";

/// How long another's lock is waited for. It is held for milliseconds; a process that was stopped meanwhile may hold it for
/// ever.
const PATIENCE: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(10);

/// Locks a folder until what is given is dropped, or its process ends however it ends. `None` where that cannot be had, on
/// a network's disk for example: what is written then is written all the same, for a lost word of another process is less
/// than one of all of them.
pub(super) async fn folder(folder: &Path) -> Option<File> {
    let path = folder.join(NAME);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).inspect_err(|error| tracing::debug!(%error, "no lock can be had")).ok()?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => sleep(PAUSE).await,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "going on without the lock");
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_has_it_and_who_holds_it_for_ever_stops_nobody() {
        let at = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let held = folder(at.path()).await.unwrap();
        assert!(folder(at.path()).await.is_none());
        assert!(begun.elapsed() >= PATIENCE);
        drop(held);
        assert!(folder(at.path()).await.is_some());
        assert!(folder(&at.path().join("none")).await.is_none(), "there is no such folder");
    }
}
