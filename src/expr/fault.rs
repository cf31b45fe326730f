//! What is wrong inside one text.

use std::ops::Range;

/// Something in a text that is not an expression of the language.
///
/// Its place is a range of bytes in the text itself; whoever read the text from a file knows where that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The offending bytes of the text.
    pub range: Range<usize>,
    /// One sentence, lower case at the start, without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Fault {
    pub(super) fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self { range, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
