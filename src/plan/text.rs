//! A text of the plan, parsed once and shared by every instance that uses it.

use std::ops::Range;

use crate::diag::{Sources, Span};
use crate::expr::Expression;

use super::codes;
use super::letters::Letters;
use super::problems::Problems;

/// A text with its expressions and its place.
#[derive(Debug)]
pub(super) struct Text {
    /// The whole value in the file, with its quotes.
    pub(super) span: Span,
    /// The text, parsed.
    pub(super) expression: Expression,
    letters: Option<Letters>,
}

impl Text {
    /// Parses the text whose TOML stands at `span`.
    pub(super) fn parse(decoded: &str, span: &Span, sources: &Sources, problems: &mut Problems) -> Option<Self> {
        let letters = Letters::of(sources.slice(span), decoded);
        match Expression::parse(decoded) {
            Ok(expression) => Some(Self { span: span.clone(), expression, letters }),
            Err(faults) => {
                for fault in faults {
                    let place = place(span, letters.as_ref(), &fault.range);
                    problems.error(codes::EXPRESSION, &place, fault.message, fault.help.unwrap_or_default());
                }
                None
            }
        }
    }

    /// Where a range of the decoded text stands in the file.
    pub(super) fn place(&self, range: &Range<usize>) -> Span {
        place(&self.span, self.letters.as_ref(), range)
    }
}

fn place(span: &Span, letters: Option<&Letters>, range: &Range<usize>) -> Span {
    let Some(letters) = letters else { return span.clone() };
    let Range { start, end } = letters.place(range);
    Span::new(span.file, span.range.start + start..span.range.start + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn underlined(toml: &str, decoded: &str) -> String {
        let mut sources = Sources::default();
        let line = format!("é = {toml}");
        let file = sources.add("a.toml", line.as_str());
        let span = Span::new(file, "é = ".len()..line.len());
        let text = Text::parse(decoded, &span, &sources, &mut Problems::default()).unwrap();
        sources.slice(&text.place(&text.expression.references()[0].range)).to_owned()
    }

    #[test]
    fn a_path_is_underlined_where_it_stands() {
        assert_eq!(underlined("\"é {{ vars.a }}\"", "é {{ vars.a }}"), "vars.a");
        assert_eq!(underlined("'{{ vars.a }}'", "{{ vars.a }}"), "vars.a");
        assert_eq!(underlined("\"\"\"\n{{ vars.a }}\"\"\"", "{{ vars.a }}"), "vars.a");
        assert_eq!(underlined("\"\"\"{{ vars.a }}\"\"\"", "{{ vars.a }}"), "vars.a");
    }

    #[test]
    fn a_path_behind_escapes_is_underlined_by_itself() {
        assert_eq!(underlined(r#""\t{{ vars.a }}""#, "\t{{ vars.a }}"), "vars.a");
    }
}
