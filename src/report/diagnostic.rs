//! Draws problems as compilers do: the sentence, the place, the text with its underlines, the remedies.
//!
//! This is the only file that knows `annotate-snippets`. Plans come from other people: whatever a terminal would obey
//! or reorder is replaced by something that can be seen.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str};

use super::fold::sentence;
use crate::diag::{FileId, Label, Problem, Severity, Sources, in_order};
use crate::secret::{redact, redact_in_place};

/// How problems are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to use colours, as ANSI escape sequences.
    pub color: bool,
    /// How many columns there are.
    pub width: usize,
    /// Whether sentences are folded there: at a terminal, which would break them within words. What goes into a file is
    /// searched for by line.
    pub folds: bool,
}

/// The problems in the order of the files and their texts, each followed by an empty line.
pub fn render(problems: &[Problem], sources: &Sources, style: Style) -> String {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() }.term_width(style.width);
    let mut ordered: Vec<&Problem> = problems.iter().collect();
    in_order(&mut ordered);
    let mut drawn = String::new();
    for problem in ordered {
        drawn.push_str(&renderer.render(&[group(problem, sources, style)]));
        drawn.push_str("\n\n");
    }
    drawn
}

fn group<'a>(problem: &Problem, sources: &Sources, style: Style) -> Group<'a> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Hint => Level::NOTE,
    };
    let title = fold(&problem.message, style, "warning[ORCH000]: ".len());
    let mut group = Group::with_title(level.primary_title(title).id(problem.code.to_string()));
    for (file, labels) in by_file(problem) {
        let source = sources.get(file);
        let path = shown(&source.path.display().to_string());
        if source.text.is_empty() {
            group = group.element(Origin::path(path));
            continue;
        }
        let window = window(&source.text, labels.iter().map(|(label, _)| &label.span.range));
        let first_line = source.position(window.start).0;
        let text = without_returns(harmless(&redact_in_place(&source.text[window.clone()])).into_owned());
        let annotations = labels.iter().map(|(label, kind)| {
            let range = label.span.range.start - window.start..label.span.range.end - window.start;
            kind.span(range).label((!label.text.is_empty()).then(|| shown(&label.text)))
        });
        group = group.element(Snippet::source(text).path(path).line_start(first_line).annotations(annotations));
    }
    // What stands before a remedy: as many columns as the line numbers take, and the word.
    let lines = std::iter::once(&problem.at)
        .chain(&problem.related)
        .map(|label| sources.get(label.span.file).position(label.span.range.end).0);
    let before = lines.max().unwrap_or(1).to_string().len() + " = help: ".len();
    group.elements(problem.help.iter().map(|help| Level::HELP.message(fold(help, style, before))))
}

/// A sentence that begins `before` columns from the left, folded if that is wanted. The lines that follow the first are
/// indented as far by the drawing.
fn fold(text: &str, style: Style, before: usize) -> String {
    // What was folded would not be found any more.
    let text = shown(&redact(text));
    if !style.folds {
        return text;
    }
    sentence(&joined(&text), style.width.saturating_sub(before)).join("\n").replace(JOINED, " ")
}

/// Stands for a space where no line may end.
const JOINED: char = '\u{e000}';

/// The text with the spaces inside of expressions replaced.
fn joined(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for (index, part) in text.split("{{").enumerate() {
        if index == 0 {
            joined.push_str(part);
            continue;
        }
        let (inside, rest) = part.split_at(part.find("}}").unwrap_or(0));
        joined.push_str("{{");
        joined.extend(inside.chars().map(|c| if c == ' ' { JOINED } else { c }));
        joined.push_str(rest);
    }
    joined
}

/// The problem's places by file, its own first.
fn by_file(problem: &Problem) -> Vec<(FileId, Vec<(&Label, AnnotationKind)>)> {
    let mut files = vec![(problem.at.span.file, vec![(&problem.at, AnnotationKind::Primary)])];
    for label in &problem.related {
        let entry = (label, AnnotationKind::Context);
        match files.iter_mut().find(|(file, _)| *file == label.span.file) {
            Some((_, labels)) => labels.push(entry),
            None => files.push((label.span.file, vec![entry])),
        }
    }
    files
}

/// The whole lines from the first to the last of some ranges: a long file costs no more than a short one.
fn window<'r>(text: &str, ranges: impl Iterator<Item = &'r Range<usize>> + Clone) -> Range<usize> {
    let start = ranges.clone().map(|range| range.start).min().unwrap_or(0);
    let end = ranges.map(|range| range.end).max().unwrap_or(0);
    let start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[end..].find('\n').map_or(text.len(), |newline| end + newline);
    start..end
}

/// The text with the carriage returns of lines that end as on Windows as spaces: they would be drawn as signs.
fn without_returns(text: String) -> String {
    if !text.contains('\r') {
        return text;
    }
    let text = text.replace("\r\n", " \n");
    // The last line was cut before its newline.
    match text.strip_suffix('\r') {
        Some(before) => format!("{before} "),
        None => text,
    }
}

/// A text of a sentence, in one line, with nothing that a terminal obeys.
fn shown(text: &str) -> String {
    normalize_untrusted_str(&harmless(text)).replace('\n', "␊")
}

/// The text with everything replaced that a terminal may obey and `annotate-snippets` leaves: eight-bit controls
/// (`U+009B` begins an escape sequence) and marks that reorder or hide letters. Each stand-in has as many bytes as what
/// it stands for, so that ranges stay right.
fn harmless(text: &str) -> Cow<'_, str> {
    let stand_in = |c: char| match c {
        '\u{80}'..='\u{9f}' | '\u{61c}' => Some('¿'),
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => Some('\u{fffd}'),
        // Tag characters, which can hide a whole text.
        '\u{e0000}'..='\u{e007f}' => Some('\u{1f6ab}'),
        _ => None,
    };
    if text.is_ascii() || !text.chars().any(|c| stand_in(c).is_some()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| stand_in(c).unwrap_or(c)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Code, Span};

    const PLAIN: Style = Style { color: false, width: 100, folds: false };

    fn sources() -> (Sources, FileId, FileId) {
        let mut sources = Sources::default();
        let plan =
            sources.add("plans/a.toml", "name = \"a\"\n\n[stacks.hub]\ntempalte = \"hub.yaml\"\naccount = \"x\"\n");
        let base = sources.add("plans/base.toml", "[accounts]\ny = { id = \"1\" }\n");
        (sources, plan, base)
    }

    #[test]
    fn a_problem_shows_its_place_and_its_remedy() {
        let (sources, plan, _) = sources();
        let problem = Problem::error(Code(5), Span::new(plan, 25..33), "a stack has no key `tempalte`")
            .help("did you mean `template`?");
        insta::assert_snapshot!(render(&[problem], &sources, PLAIN), @r#"
        error[ORCH005]: a stack has no key `tempalte`
         --> plans/a.toml:4:1
          |
        4 | tempalte = "hub.yaml"
          | ^^^^^^^^
          |
          = help: did you mean `template`?
        "#);
    }

    #[test]
    fn lines_that_end_as_on_windows_look_like_others() {
        let mut sources = Sources::default();
        let file = sources.add("a.toml", "a = 1\r\nb = 2\r\n");
        let problem = Problem::error(Code(5), Span::new(file, 0..1), "no").related(Span::new(file, 7..8), "here");
        let drawn = render(&[problem], &sources, PLAIN);
        assert!(!drawn.contains('␍') && drawn.contains("1 | a = 1 \n"), "{drawn}");
    }

    #[test]
    fn at_a_terminal_sentences_are_folded_between_words() {
        let (sources, plan, _) = sources();
        let problem =
            Problem::error(Code(5), Span::new(plan, 25..33), "a stack that is like this one has no key of this name")
                .help("write what is meant, such as {{ stacks.hub.outputs.VPCId }}, or take it away");
        insta::assert_snapshot!(render(&[problem], &sources, Style { width: 50, folds: true, ..PLAIN }), @r#"
        error[ORCH005]: a stack that is like this one
                        has no key of this name
         --> plans/a.toml:4:1
          |
        4 | tempalte = "hub.yaml"
          | ^^^^^^^^
          |
          = help: write what is meant, such as
                  {{ stacks.hub.outputs.VPCId }}, or take
                  it away
        "#);
    }

    #[test]
    fn what_it_contradicts_is_shown_in_its_own_file() {
        let (sources, plan, base) = sources();
        let problem = Problem::error(Code(19), Span::new(plan, 57..60), "there is no account `x`")
            .label("named here")
            .related(Span::new(plan, 12..24), "for this stack")
            .related(Span::new(base, 11..12), "did you mean this one?");
        insta::assert_snapshot!(render(&[problem], &sources, PLAIN), @r#"
        error[ORCH019]: there is no account `x`
         --> plans/a.toml:5:11
          |
        3 | [stacks.hub]
          | ------------ for this stack
        4 | tempalte = "hub.yaml"
        5 | account = "x"
          |           ^^^ named here
          |
         ::: plans/base.toml:2:1
          |
        2 | y = { id = "1" }
          | - did you mean this one?
        "#);
    }

    #[test]
    fn problems_come_in_the_order_of_the_text() {
        let (sources, plan, _) = sources();
        let at = |range, message| Problem::warning(Code(1), Span::new(plan, range), message);
        let drawn = render(&[at(25..33, "second"), at(0..4, "first")], &sources, PLAIN);
        assert!(drawn.find("first") < drawn.find("second"));
        assert!(drawn.starts_with("warning[ORCH001]: first"));
    }

    #[test]
    fn a_file_that_could_not_be_read_has_a_path_only() {
        let mut sources = Sources::default();
        let file = sources.add("gone.toml", "");
        let problem = Problem::error(Code(2), Span::start_of(file), "the plan gone.toml cannot be read");
        insta::assert_snapshot!(render(&[problem], &sources, PLAIN), @r#"
        error[ORCH002]: the plan gone.toml cannot be read
        --> gone.toml
        "#);
    }

    #[test]
    fn hostile_text_is_shown_harmlessly() {
        let mut sources = Sources::default();
        let text = "a = \"\u{1b}[31m\u{9b}2J\u{202e}gpj\u{200f}\u{7}\u{e0041}\"\n";
        let file = sources.add("\u{1b}[2J.toml", text);
        let problem =
            Problem::error(Code(1), Span::new(file, 4..text.len() - 1), "bad \u{1b}]0;x\u{7}\u{9b}\u{202e}\nline")
                .help("\u{1b}[0m");
        let drawn = render(&[problem], &sources, PLAIN);
        let hidden = |c: char| matches!(c, '\u{2000}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}');
        let dangerous = |c: char| c != '\n' && (c.is_control() || hidden(c));
        assert!(!drawn.contains(dangerous), "{drawn:?}");
        assert!(drawn.contains("␛[31m"));
    }

    #[test]
    fn a_place_in_a_long_file_has_its_line_number() {
        let mut sources = Sources::default();
        let text = "x = 1\n".repeat(5_000) + "é = 2\r\n";
        let file = sources.add("long.toml", text.as_str());
        let start = text.len() - 3;
        let problem = Problem::error(Code(1), Span::new(file, start..start + 1), "two");
        let drawn = render(&[problem], &sources, PLAIN);
        assert!(drawn.contains("long.toml:5001:5"), "{drawn}");
    }

    #[test]
    fn colours_are_only_there_when_asked_for() {
        let (sources, plan, _) = sources();
        let problem = [Problem::error(Code(5), Span::new(plan, 25..33), "no")];
        assert!(render(&problem, &sources, Style { color: true, width: 80, folds: false }).contains('\u{1b}'));
        assert!(!render(&problem, &sources, PLAIN).contains('\u{1b}'));
    }
}
