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

/// `just now`, `40 s ago`, `3 h ago`: one unit is enough for how old something is.
pub(super) fn ago(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    let (count, unit) = match seconds {
        0..10 => return "just now".to_owned(),
        10..120 => (seconds, "s"),
        120..7_200 => (seconds / 60, "min"),
        7_200..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{count} {unit} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        let shown = [0, 9, 10, 119, 120, 7_199, 7_200, 172_799, 172_800].map(|seconds| ago(seconds * 1_000));
        let expected = [
            "just now",
            "just now",
            "10 s ago",
            "119 s ago",
            "2 min ago",
            "119 min ago",
            "2 h ago",
            "47 h ago",
            "2 d ago",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn durations_are_short() {
        let shown = [0, 99, 4_250, 59_999, 60_000, 125_000, 3_725_000].map(took);
        assert_eq!(shown, ["0.0s", "0.0s", "4.2s", "59.9s", "1m00s", "2m05s", "1h02m05s"]);
    }
}
