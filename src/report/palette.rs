//! Colours by meaning.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// Paints text by what it means, or leaves it plain.
///
/// Only the sixteen colours of the terminal's own theme are used, so that text reads on light and dark grounds, and
/// nothing is told by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Whether anything is painted.
    pub enabled: bool,
}

impl Palette {
    /// Paints nothing.
    pub const PLAIN: Self = Self { enabled: false };

    /// Something that changed as it should.
    pub fn good(self, text: impl Display) -> String {
        self.paint(AnsiColor::Green.on_default(), &text)
    }

    /// Something that failed.
    pub fn bad(self, text: impl Display) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), &text)
    }

    /// Something to look at.
    pub fn warn(self, text: impl Display) -> String {
        self.paint(AnsiColor::Yellow.on_default(), &text)
    }

    /// Something of less weight.
    pub fn faint(self, text: impl Display) -> String {
        self.paint(Style::new().dimmed(), &text)
    }

    /// A name or a heading.
    pub fn strong(self, text: impl Display) -> String {
        self.paint(Style::new().bold(), &text)
    }

    fn paint(self, style: Style, text: &dyn Display) -> String {
        if self.enabled { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disabled_palette_leaves_text_as_it_is() {
        assert_eq!(Palette::PLAIN.bad("no"), "no");
        assert_eq!(Palette { enabled: true }.good("yes"), "\x1b[32myes\x1b[0m");
    }
}
