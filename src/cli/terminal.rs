//! What orch says to and asks of the person at the terminal.
#![expect(clippy::disallowed_methods, reason = "this is the edge where the terminal is read")]

use std::borrow::Cow;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value as Json;

use crate::event::VERSION;
use crate::report::folded;
use crate::secret::{redact, redact_json};
use crate::text::{harmless, harmless_json, printable};

use super::args::ColorChoice;

/// What is known of the terminal: whether somebody can answer, and what standard output and error can show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    /// Somebody can answer a question: standard input and standard error are both a terminal.
    pub answers: bool,
    /// Standard output takes colour.
    pub color_out: bool,
    /// Standard error takes colour.
    pub color_err: bool,
    /// The lines of standard error.
    pub lines: Lines,
    /// The lines of standard output.
    pub lines_out: Lines,
}

/// How long lines may be, in columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// As wide as the terminal.
    Terminal(usize),
    /// As wide as `COLUMNS` says, or 100: nobody looks at them, or nobody knows.
    Assumed(usize),
}

impl Lines {
    /// A text as it stands on these lines: folded where somebody looks at it, as it is for whatever reads it else.
    pub(super) fn hold(self, text: String) -> String {
        // A secret that was folded would not be found any more.
        let text = match redact(&text) {
            Cow::Owned(redacted) => redacted,
            Cow::Borrowed(_) => text,
        };
        match self {
            Self::Terminal(width) => folded(&text, width),
            Self::Assumed(_) => text,
        }
    }
}

impl Terminal {
    /// Looks at the terminal once. `no_color` and `columns` are the variables of those names; `no_color` switches
    /// colour off when it is not empty, as <https://no-color.org> asks.
    pub(super) fn look(choice: ColorChoice, no_color: Option<&str>, term: Option<&str>, columns: Option<&str>) -> Self {
        let plain = no_color.is_some_and(|value| !value.is_empty()) || term == Some("dumb");
        let color = |terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && !plain,
        };
        let measured =
            || terminal_size::terminal_size_of(io::stderr()).or_else(|| terminal_size::terminal_size_of(io::stdout()));
        let measured = || measured().map(|(width, _)| usize::from(width.0));
        let width = columns.and_then(|value| value.parse().ok()).or_else(measured);
        let width = width.filter(|width| *width >= 40).unwrap_or(100);
        OUT_IS_TERMINAL.store(io::stdout().is_terminal(), Ordering::Relaxed);
        let lines = |terminal: bool| if terminal { Lines::Terminal(width) } else { Lines::Assumed(width) };
        Self {
            answers: io::stdin().is_terminal() && io::stderr().is_terminal(),
            color_out: color(io::stdout().is_terminal()),
            color_err: color(io::stderr().is_terminal()),
            lines: lines(io::stderr().is_terminal()),
            lines_out: lines(io::stdout().is_terminal()),
        }
    }
}

/// Whether standard output and standard error take colour: set once, when the process begins.
static COLORS_OUT: AtomicBool = AtomicBool::new(false);
static COLORS_ERR: AtomicBool = AtomicBool::new(false);

impl Terminal {
    /// From now on everything is said as this terminal can show it.
    pub(super) fn settle(&self) {
        COLORS_OUT.store(self.color_out, Ordering::Relaxed);
        COLORS_ERR.store(self.color_err, Ordering::Relaxed);
    }
}

/// For whom a text is that goes to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// People: nothing in it moves or retitles their terminal.
    People,
    /// Whatever reads JSON.
    Json,
    /// A shell, which is to have every byte as it is; but for a terminal, that is for people.
    Shell,
}

/// The wall that everything goes through on its way out: no secret gets through it, and nothing of what others wrote does
/// anything to a terminal.
fn walled(text: &str, reader: For, colors: bool) -> String {
    let text = if reader == For::Json { redacted_json(text) } else { redact(text) };
    match reader {
        For::People => harmless(&text, colors).into_owned(),
        For::Json => harmless_json(&text).into_owned(),
        For::Shell => text.into_owned(),
    }
}

/// JSON without any secret: a document, or one on each line. It stays JSON, whatever word a secret is.
fn redacted_json(text: &str) -> Cow<'_, str> {
    if matches!(redact(text), Cow::Borrowed(_)) {
        return Cow::Borrowed(text);
    }
    let document = |text: &str| {
        let mut document: Json = serde_json::from_str(text).ok()?;
        redact_json(&mut document);
        Some(document)
    };
    if let Some(document) = document(text).filter(|_| text.trim_end().contains('\n')) {
        return Cow::Owned(format!("{document:#}\n"));
    }
    let line = |line: &str| document(line).map_or_else(|| redact(line).into_owned(), |document| document.to_string());
    let lines: Vec<String> = text.split('\n').map(line).collect();
    Cow::Owned(lines.join("\n"))
}

/// Asks a question that is answered with yes or no; anything but a yes is a no.
///
/// # Errors
/// When the terminal cannot be written to or read from.
pub(super) fn ask(question: &str) -> io::Result<bool> {
    let answer = prompt(&format!("{question} [y/N] "))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a line of text.
///
/// # Errors
/// When the terminal cannot be written to or read from, or ends before a line does.
pub(super) fn prompt(text: &str) -> io::Result<String> {
    // Not locked while the answer is waited for: others must be able to say something.
    let text = walled(text, For::People, COLORS_ERR.load(Ordering::Relaxed));
    io::stderr().write_all(text.as_bytes())?;
    io::stderr().flush()?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}

/// Writes results to standard output. A reader that has gone away (`orch outputs | head -1`, a terminal that was closed) is no
/// failure.
///
/// # Errors
/// When standard output cannot be written to for any other reason, such as a full disk.
pub(super) fn results(text: &str, reader: For) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let reader = if reader == For::Shell && stdout.is_terminal() { For::People } else { reader };
    let text = walled(text, reader, COLORS_OUT.load(Ordering::Relaxed));
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) if OUT_IS_TERMINAL.load(Ordering::Relaxed) => {
            tracing::debug!(%error, "the terminal is gone");
            Ok(())
        }
        other => other,
    }
}

/// Whether standard output was a terminal when the process began: of one that is gone the system says that it is none.
static OUT_IS_TERMINAL: AtomicBool = AtomicBool::new(false);

/// Whether what is said on standard error is JSON, an object a line. Set once, when the process begins; whoever has
/// something to say, on any thread, must keep to it.
static JSON: AtomicBool = AtomicBool::new(false);

/// From now on everything that is said on standard error is JSON, so that a reader of lines finds nothing else.
pub(super) fn say_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// Whether what is said on standard error is JSON.
pub(super) fn says_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Says something on standard error, in the form that was asked for.
pub(super) fn notice(text: &str) {
    if !says_json() {
        say(text);
    } else if !text.trim().is_empty() {
        let at = super::now().as_millisecond();
        let line = serde_json::json!({ "version": VERSION, "at": at, "event": "notice", "text": text.trim() });
        say(&format!("{line}\n"));
    }
}

/// Says one line on standard error, whatever it is made of: what others have written begins no line of its own.
pub(super) fn line(text: &str) {
    notice(&format!("{}\n", printable(text)));
}

/// Writes to standard error. There is nowhere left to report to when that fails, and a run goes on without it.
pub(super) fn say(text: &str) {
    let reader = if says_json() { For::Json } else { For::People };
    let text = walled(text, reader, COLORS_ERR.load(Ordering::Relaxed));
    let mut stderr = io::stderr().lock();
    drop(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
}

/// Standard error as the log writes to it: an event at a time, each whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogWriter;

impl io::Write for LogWriter {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let event_text = String::from_utf8_lossy(event);
        // An event is a line: what others have written into it begins no other.
        say(&format!("{}\n", event_text.trim_end_matches('\n').replace('\n', " ")));
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_json_whatever_word_a_secret_is() {
        crate::secret::keep("\"terminal-json\": \"x\",");
        crate::secret::keep("987654");
        for text in [
            "{\n  \"terminal-json\": \"x\",\n  \"at\": 9876543\n}\n",
            "{\"at\":98765432,\"b\":\"a 987654\"}\n{\"c\":1}\n",
        ] {
            let shown = walled(text, For::Json, false);
            let whole = serde_json::from_str::<Json>(&shown).is_ok();
            assert!(whole || shown.lines().all(|line| serde_json::from_str::<Json>(line).is_ok()), "{shown}");
            assert!(!shown.contains("a 987654") && shown.contains("9876543"), "{shown}");
        }
    }

    #[test]
    fn no_secret_and_no_escape_gets_through_the_wall_whoever_reads() {
        crate::secret::keep("terminal-canary");
        let text = "terminal-canary \u{1b}[1mbold \u{1b}]0;x\u{7}";
        assert_eq!(walled(text, For::People, true), "**** \u{1b}[1mbold \\u{1b}]0;x\\u{7}");
        assert_eq!(walled(text, For::People, false), "**** \\u{1b}[1mbold \\u{1b}]0;x\\u{7}");
        assert_eq!(walled(text, For::Json, true), "**** \\u001b[1mbold \\u001b]0;x\\u0007");
        assert_eq!(walled(text, For::Shell, false), "**** \u{1b}[1mbold \u{1b}]0;x\u{7}");
    }
}
