//! Who runs this process, as far as the system tells: for whoever looks for them later.

use super::variable;

/// `alice@laptop`; only one of the two where the other is not known.
pub(super) fn whoami() -> Option<String> {
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| variable(name)).filter(|user| !user.is_empty());
    match (user, host()) {
        (Some(user), Some(host)) => Some(format!("{user}@{host}")),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
    }
}

#[cfg(unix)]
fn host() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(not(unix))]
fn host() -> Option<String> {
    variable("COMPUTERNAME").filter(|name| !name.is_empty())
}
