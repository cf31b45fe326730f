//! A text of the plan, parsed once and shared by every instance that uses it.

use std::ops::Range;

use crate::diag::{Sources, Span};
use crate::expr::Expression;

use super::codes;
use super::problems::Problems;

/// A text with its expressions and its place.
#[derive(Debug)]
pub(super) struct Text {
    /// The whole value in the file, with its quotes.
    pub(super) span: Span,
    /// The text, parsed.
    pub(super) expression: Expression,
    base: Option<usize>,
}

impl Text {
    /// Parses the text whose TOML stands at `span`.
    pub(super) fn parse(decoded: &str, span: &Span, sources: &Sources, problems: &mut Problems) -> Option<Self> {
        let base = base(sources.slice(span), decoded).map(|offset| span.range.start + offset);
        match Expression::parse(decoded) {
            Ok(expression) => Some(Self { span: span.clone(), expression, base }),
            Err(faults) => {
                for fault in faults {
                    let place = place(span, base, &fault.range);
                    problems.error(codes::EXPRESSION, &place, fault.message, fault.help.unwrap_or_default());
                }
                None
            }
        }
    }

    /// Where a range of the decoded text stands in the file.
    pub(super) fn place(&self, range: &Range<usize>) -> Span {
        place(&self.span, self.base, range)
    }
}

fn place(span: &Span, base: Option<usize>, range: &Range<usize>) -> Span {
    match base {
        Some(base) => Span::new(span.file, base + range.start..base + range.end),
        None => span.clone(),
    }
}

/// Where in its TOML the decoded text begins, if it stands there letter by letter. A text with escapes does not.
fn base(toml: &str, decoded: &str) -> Option<usize> {
    let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| toml.starts_with(quotes))?;
    let inner = toml.get(quotes.len()..toml.len().checked_sub(quotes.len())?)?;
    // TOML drops a newline right after three quotes.
    let dropped = if quotes.len() == 3 { inner.len() - inner.strip_prefix('\n').unwrap_or(inner).len() } else { 0 };
    (inner[dropped..] == *decoded).then_some(quotes.len() + dropped)
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
    fn a_text_with_escapes_is_underlined_as_a_whole() {
        assert_eq!(underlined(r#""\t{{ vars.a }}""#, "\t{{ vars.a }}"), r#""\t{{ vars.a }}""#);
    }
}
