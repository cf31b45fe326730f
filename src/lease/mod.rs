//! The lock of a plan: an object in a bucket that one run at a time holds.
//!
//! S3 writes on a condition: only if there is none yet, or only if the object still bears the mark (`ETag`) that was read. So of two
//! who want the lock at the same moment one gets it. Whoever holds it writes it anew every [`RENEWED`]; a holder that was killed
//! does not, and whoever sees the same mark for [`TTL`], by the observer's own clock that nobody can set, may take it over. No two
//! clocks are ever compared.
//!
//! It is advisory: S3 cannot keep a call to EC2 from being made, so a process that was stopped in the middle of one and goes on when
//! its lock is another's still makes that one call. That is why orch is safe without it, too.

mod document;
mod held;
mod take;

#[cfg(test)]
mod tests;

pub use document::{Holder, Locked};
pub use held::{Held, Lost};
pub use take::{NotTaken, Place};

use std::time::Duration;

/// How long a lock that is not renewed counts.
pub const TTL: Duration = Duration::from_mins(1);

/// How long after it was renewed it is renewed again.
pub const RENEWED: Duration = Duration::from_secs(20);

/// How long after it was last known to be held nodes may still begin: before anybody else can have taken it over, and long enough
/// for a renewal that has to be tried again.
const CERTAIN: Duration = Duration::from_secs(40);

/// How long one call about it may take.
const PATIENCE: Duration = Duration::from_secs(15);
