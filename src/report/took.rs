//! Durations as people read them.

/// `4.2s`, `2m05s`, `1h02m05s`. Parts of the last unit are cut off, as on a clock.
pub(super) fn took(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}.{}s", milliseconds / 100 % 10),
        (0, _) => format!("{minutes}m{rest:02}s"),
        _ => format!("{hours}h{minutes:02}m{rest:02}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let shown = [0, 99, 4_250, 59_999, 60_000, 125_000, 3_725_000].map(took);
        assert_eq!(shown, ["0.0s", "0.0s", "4.2s", "59.9s", "1m00s", "2m05s", "1h02m05s"]);
    }
}
