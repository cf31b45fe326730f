//! How many files this process may open: every connection is one.

/// As many as anything here makes use of.
#[cfg(unix)]
const ENOUGH: u64 = 8_192;

/// Lets the process open as many files as it may, and says how many that are; `None` where there is no limit, or none is known.
/// Shells start with a low one for the sake of old programs, and everybody may raise it up to the hard one.
#[cfg(unix)]
pub(super) fn raise() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let soft = current?;
    let wanted = maximum.map_or(ENOUGH, |hard| hard.min(ENOUGH));
    if wanted <= soft {
        return Some(soft);
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        Ok(()) => Some(wanted),
        Err(error) => {
            tracing::debug!(%error, soft, "the limit of open files cannot be raised");
            Some(soft)
        }
    }
}

/// The same where there is no such limit.
#[cfg(not(unix))]
pub(super) fn raise() -> Option<u64> {
    None
}
