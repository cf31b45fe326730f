//! How many connections there may be at once: each is a file of the process, which may open so many.

/// How many calls to EC2 and CloudFormation are under way in the whole process: each has a connection, and a thousand accounts
/// at once would use up the files that a process may open. At a tenth of a second a call it is thousands of calls a second.
const CALLS: usize = 256;

/// How many calls to STS are under way in the whole process. They have room of their own: a call that has a slot may have to
/// wait for its session, and what that is fetched by must not wait for such a slot. Half of it is for one region, too.
const TO_STS: usize = 128;

/// How many connections that nobody uses are kept for each endpoint: a thousand accounts have one pool.
const WARM: usize = 32;

/// Files that are no connections: the terminal, the journal, what tokio needs, certificates and plans that are being read.
const OTHERS: u64 = 48;

/// How many connections there may be at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sockets {
    /// For calls to EC2 and CloudFormation.
    pub calls: usize,
    /// For calls to STS.
    pub sts: usize,
    /// Idle ones for each endpoint.
    pub warm: usize,
}

impl Default for Sockets {
    fn default() -> Self {
        Self { calls: CALLS, sts: TO_STS, warm: WARM }
    }
}

impl Sockets {
    /// As many as go into so many open files. One that is being made may take two: the name server is asked by a socket, too.
    pub(super) fn within(files: Option<u64>) -> Self {
        let Some(files) = files else { return Self::default() };
        let spare = usize::try_from(files.saturating_sub(OTHERS)).unwrap_or(usize::MAX);
        let part = |of: usize, least: usize, most: usize| (spare / of).clamp(least, most);
        // Two for each of these are two thirds of all, and what is left is for idle ones, of three services in some regions.
        Self { calls: part(4, 8, CALLS), sts: part(12, 4, TO_STS), warm: part(96, 1, WARM) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_go_into_the_files_that_may_be_open() {
        for files in [128, 256, 512, 1_024, 4_096] {
            let Sockets { calls, sts, warm } = Sockets::within(Some(files));
            // All are being made at once, in one region; or all are in use, and others idle in twelve regions.
            for most in [2 * (calls + sts) + 3 * warm, calls + sts + 12 * 3 * warm] {
                assert!(most as u64 + OTHERS <= files, "{files}: {most}");
            }
        }
        assert_eq!(Sockets::within(Some(256)), Sockets { calls: 52, sts: 17, warm: 2 });
    }

    #[test]
    fn where_there_are_enough_they_are_as_many_as_ever() {
        assert_eq!(Sockets::within(None), Sockets::default());
        assert_eq!(Sockets::within(Some(8_192)), Sockets::default());
        assert_eq!(Sockets::within(Some(u64::MAX)), Sockets::default());
        let least = Sockets::within(Some(0));
        assert!(least.calls > 1 && least.sts > 1 && least.warm > 0, "something always goes: {least:?}");
    }
}
