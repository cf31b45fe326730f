//! What the process has used so far, as Linux tells it below /proc.
#![expect(clippy::disallowed_methods, reason = "to measure is to look at the machine")]

use std::fs;
use std::time::Duration;

/// The CPU time of all threads that there are, as of the last time that the kernel looked: some milliseconds ago.
///
/// # Panics
/// Without Linux's /proc.
pub fn cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux lists the threads of a process");
    let of_thread = |path: std::path::PathBuf| {
        let text = fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    };
    tasks.filter_map(|task| of_thread(task.ok()?.path())).sum()
}

/// The most memory that it has had so far, in bytes.
pub fn peak() -> u64 {
    status("VmHWM:")
}

/// The memory that it has, in bytes.
pub fn memory() -> u64 {
    status("VmRSS:")
}

fn status(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("Linux tells the status of a process");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("the status tells of memory");
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("in whole kilobytes");
    kilobytes * 1024
}
