//! What every Markdown document of ours keeps to: its length, and text that means nothing but itself.

use crate::text::printable;

/// GitHub takes 65,536 characters for a comment; what is beyond is left to the log.
pub(super) const LONGEST: usize = 60_000;

/// Text within backticks, in a table's cell too.
pub(super) fn code(text: &str) -> String {
    printable(text).replace('`', "'").replace('|', "\\|")
}

/// Text in a table's cell: no mark of Markdown or HTML means anything in it.
pub(super) fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        if "\\`*_[]<>|#~&!".contains(char) {
            safe.push('\\');
        }
        safe.push(char);
    }
    safe
}

/// Text within HTML.
pub(super) fn html(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
