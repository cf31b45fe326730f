//! A failure, laid out below the line that tells of it.

use std::fmt::Write as _;

use super::Palette;
use crate::event::Failure;
use crate::text::printable;

/// All of a failure but its summary, one thing a line, each line indented and ended by a line break. The remedies come
/// last, where the eye stops.
pub(super) fn particulars(failure: &Failure, indent: usize, palette: Palette) -> String {
    let mut out = String::new();
    let mut item = |name: &str, text: &str| {
        let _ = writeln!(out, "{:indent$}{} {}", "", palette.faint(format_args!("{name:8}")), printable(text));
    };
    if !failure.cause.is_empty() {
        item("cause", &failure.cause);
    }
    if let Some(place) = &failure.place {
        item("at", place);
    }
    if let Some(id) = &failure.request_id {
        item("request", id);
    }
    for remedy in &failure.help {
        item("help", remedy);
    }
    out
}
