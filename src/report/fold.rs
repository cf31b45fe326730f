//! Lines that are no wider than the terminal.

use std::borrow::Cow;

use textwrap::{Options, WordSplitter, wrap};

/// How far what follows of a line that was folded is indented more than the line.
const HANGING: usize = 4;

/// The narrowest that is folded to: below it there would be a word a line.
const NARROWEST: usize = 20;

/// The lines of a sentence. Ids, paths and commands are copied from there: they are not broken.
pub(super) fn sentence(text: &str, width: usize) -> Vec<String> {
    wrap(text, options(width)).into_iter().map(Cow::into_owned).collect()
}

/// How sentences are folded.
pub(super) fn options<'a>(width: usize) -> Options<'a> {
    Options::new(width.max(NARROWEST)).break_words(false).word_splitter(WordSplitter::NoHyphenation)
}

/// A text with its lines folded to a width in columns, each by itself; what follows of a line stands further right than
/// it does, so that one sees what belongs together. Colour takes no columns. A text without long lines stays as it is.
pub fn folded(text: &str, width: usize) -> String {
    let mut page = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        if textwrap::core::display_width(line) <= width {
            page.push_str(line);
        } else {
            let indent = line.len() - line.trim_start_matches(' ').len();
            let (first, rest) = (" ".repeat(indent), " ".repeat(indent + HANGING));
            let options = options(width).initial_indent(&first).subsequent_indent(&rest);
            page.push_str(&wrap(&line[indent..], options).join("\n"));
        }
        page.push_str(end);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_of_a_line_stands_further_right() {
        let text = "~ stacks.hub  update in place  in dev, us-east-1\n    it stays in the account, outside of the stack\nshort\n";
        assert_eq!(
            folded(text, 30),
            "~ stacks.hub  update in place\n    in dev, us-east-1\n    it stays in the account,\n        outside of the stack\nshort\n"
        );
        assert_eq!(folded(text, 80), text);
    }

    #[test]
    fn colour_takes_no_columns_and_no_word_is_broken() {
        let text = "\u{1b}[32m+\u{1b}[0m \u{1b}[1mstacks.hub\u{1b}[0m in dev";
        assert_eq!(folded(text, 20), text);
        let id = "arn:aws:cloudformation:us-east-1:111111111111:stack/hub";
        assert_eq!(folded(&format!("  the id is {id} so"), 20), format!("  the id is\n      {id}\n      so"));
    }
}
