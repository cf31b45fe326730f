//! Words that are said once only.

use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use aws_smithy_async::time::SharedTimeSource;
use sha2::{Digest, Sha256};

/// How much of a digest a nonce holds, in bytes.
const LENGTH: usize = 16;

/// A source of nonces, for tokens and names of requests.
///
/// They say nothing about what is asked for. A digest of the request would: it stands in a stack's events for everybody to
/// read, and whoever knows all of a request but a short secret could try secrets until the digest fits.
#[derive(Debug)]
pub(super) struct Nonces {
    seed: [u64; 2],
    drawn: AtomicU64,
    time_source: SharedTimeSource,
}

impl Nonces {
    /// Nonces that nobody can foretell.
    pub(super) fn random(time_source: SharedTimeSource) -> Self {
        // The standard library seeds each of these from the system's own source of randomness.
        let seed = [0, 1].map(|part: u64| RandomState::new().hash_one(part));
        Self { seed, drawn: AtomicU64::new(0), time_source }
    }

    /// Nonces of one among several programs in a simulated world, for runs that are to be repeated exactly.
    pub(super) fn seeded(seed: u64, time_source: SharedTimeSource) -> Self {
        // Never that of those by the clock, whose pauses are even.
        Self { seed: [seed, 1], drawn: AtomicU64::new(0), time_source }
    }

    /// Nonces that are the same whenever the clock says the same, for runs that are to be repeated exactly.
    pub(super) fn by_the_clock(time_source: SharedTimeSource) -> Self {
        Self { seed: [0, 0], drawn: AtomicU64::new(0), time_source }
    }

    /// The next one: 32 hexadecimal digits.
    pub(super) fn draw(&self) -> String {
        let now = self.time_source.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut hash = Sha256::new();
        for part in self.seed.into_iter().chain([self.drawn.fetch_add(1, Ordering::Relaxed)]) {
            hash.update(part.to_be_bytes());
        }
        hash.update(now.as_nanos().to_be_bytes());
        hash.finalize()[..LENGTH].iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// How much of a pause is waited: by chance, so that those who failed together do not come again together; all of it where
    /// runs are to be repeated exactly.
    pub(super) fn share(&self) -> f64 {
        let drawn = if self.seed == [0, 0] { None } else { u32::from_str_radix(&self.draw()[..8], 16).ok() };
        drawn.map_or(1.0, |drawn| f64::from(drawn) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use aws_smithy_async::time::StaticTimeSource;

    use super::*;

    fn at(seconds: u64) -> SharedTimeSource {
        SharedTimeSource::new(StaticTimeSource::new(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)))
    }

    #[test]
    fn no_two_are_the_same() {
        let nonces = Nonces::random(at(1));
        let first = nonces.draw();
        assert_eq!(first.len(), 2 * LENGTH);
        assert_ne!(first, nonces.draw());
        assert_ne!(first, Nonces::random(at(1)).draw(), "nor those of two runs");
    }

    #[test]
    fn by_the_clock_a_run_has_the_same_again_and_a_later_one_has_others() {
        let first = |seconds| Nonces::by_the_clock(at(seconds)).draw();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn two_programs_in_one_simulated_world_never_say_the_same_and_each_says_its_own_again() {
        let first = |seed| Nonces::seeded(seed, at(1)).draw();
        assert_eq!(first(0), first(0));
        assert_ne!(first(0), first(1));
        assert_ne!(first(0), Nonces::by_the_clock(at(1)).draw());
    }
}
