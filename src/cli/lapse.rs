//! A time that is given on the command line.

use std::time::Duration;

/// Reads a number and a unit: `30s`, `10m`, `2h`.
pub(super) fn lapse(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and one of s, m, h, as in 10m".to_owned();
    let digits = text.len() - text.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    let count: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit = match &text[digits..] {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        _ => return Err(wrong()),
    };
    // More than a year is a mistake, and times that long cannot be added to every clock.
    let seconds = count.checked_mul(unit).filter(|seconds| *seconds <= 366 * 24 * 60 * 60);
    seconds.map(Duration::from_secs).ok_or_else(|| "that is more than a year".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(lapse("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(lapse("10m"), Ok(Duration::from_mins(10)));
        assert_eq!(lapse("2h"), Ok(Duration::from_hours(2)));
        assert_eq!(lapse("0s"), Ok(Duration::ZERO));
        for wrong in ["", "m", "10", "10 m", "-1m", "1.5h", "1d", "99999999999999999999h", "9999999h"] {
            assert!(lapse(wrong).is_err(), "{wrong}");
        }
    }
}
