//! Cases of rules, as they stand in `tests/rules`: plans with their files, and what is to be found in them.
//!
//! A file holds the cases of one rule. What comes before its first case is shared by all of them:
//!
//! ```text
//! Lines for a reader.
//! --- plan.toml
//! name = "network"
//! === a title
//! var NAME=VALUE
//! ! the message of the first problem
//! ! ORCH061 the message of the second, which is another rule's
//! --- plan.toml +
//! text that follows the shared one, with «the offending text» and ‹what the problem relates to›
//! --- t.yaml filled to 51201
//! Resources: {}
//! ```
//!
//! A line `crlf` before the files ends every line of all of them as Windows does.
//!
//! The problems that are found must be those of the case, no more and no less: the marks are their places, in the order
//! of the files and their texts, and the lines with `!` their messages. A case without marks is silent.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::plan::samples::Disk;

/// Where every case's plan is.
const PLAN: &str = "plan.toml";

/// What begins and ends a place.
const MARKS: [char; 4] = ['«', '»', '‹', '›'];

/// A place: the file, and the bytes in it.
pub(super) type Place = (PathBuf, Range<usize>);

/// One case of a rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Case {
    pub(super) title: String,
    pub(super) vars: Vec<(String, String)>,
    pub(super) env: BTreeMap<String, String>,
    /// Variables of the environment that the plan is not allowed to have.
    pub(super) forbidden: Vec<String>,
    /// Whether lines end in CRLF.
    pub(super) crlf: bool,
    /// Each message, with its rule's number where it is another rule's.
    pub(super) messages: Vec<(Option<String>, String)>,
    pub(super) files: Disk,
    /// What stands in `«…»`, in the order of the plan, then of the other files by their names.
    pub(super) offending: Vec<Place>,
    /// What stands in `‹…›`, in the same order.
    pub(super) related: Vec<Place>,
}

impl Case {
    /// All cases of a file.
    pub(super) fn read_all(text: &str) -> Vec<Self> {
        let text = format!("\n{text}");
        let mut parts = text.split("\n=== ");
        let shared = files(parts.next().unwrap_or_default());
        let cases: Vec<_> = parts.map(|part| Self::read(part, &shared)).collect();
        assert!(!cases.is_empty(), "no line begins with `=== `");
        cases
    }

    fn read(text: &str, shared: &[(String, String)]) -> Self {
        let (head, rest) =
            text.split_once("\n--- ").map_or((text, String::new()), |(head, rest)| (head, format!("\n--- {rest}")));
        let mut lines = head.lines();
        let mut case = Self { title: lines.next().unwrap_or_default().trim().to_owned(), ..Self::default() };
        for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
            case.head(line);
        }
        let mut texts: BTreeMap<PathBuf, String> =
            shared.iter().map(|(path, text)| (PathBuf::from(path), text.clone())).collect();
        for (path, text) in files(&rest) {
            if let Some(path) = path.strip_suffix(" +") {
                texts.entry(path.into()).or_default().push_str(&text);
            } else if let Some((path, size)) = path.split_once(" filled to ") {
                texts.insert(path.into(), filled(text, size.parse().expect("a number of bytes")));
            } else {
                texts.insert(path.into(), text);
            }
        }
        let mut order: Vec<&PathBuf> = texts.keys().collect();
        order.sort_by_key(|path| (**path != Path::new(PLAN), *path));
        for path in order {
            let text = &texts[path];
            if case.crlf { case.mark(path, &text.replace('\n', "\r\n")) } else { case.mark(path, text) }
        }
        case
    }

    fn head(&mut self, line: &str) {
        let pair = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or_else(|| panic!("no `=` in `{line}`"));
            (name.to_owned(), value.to_owned())
        };
        match line.split_once(' ') {
            Some(("var", rest)) => self.vars.push(pair(rest)),
            None if line == "crlf" => self.crlf = true,
            Some(("env", rest)) => self.env.extend([pair(rest)]),
            Some(("forbidden", name)) => self.forbidden.push(name.to_owned()),
            Some(("!", rest)) => self.messages.push(match rest.split_once(' ') {
                Some((code, message)) if code.starts_with("ORCH") => (Some(code.to_owned()), message.to_owned()),
                _ => (None, rest.to_owned()),
            }),
            _ => panic!("`{}`: this is no line of a case: {line}", self.title),
        }
    }

    /// Takes in a file, and notes what its marks enclose.
    fn mark(&mut self, path: &Path, text: &str) {
        let mut plain = String::with_capacity(text.len());
        let (mut offending, mut related) = (Vec::new(), Vec::new());
        let mut open: Vec<(char, usize)> = Vec::new();
        for char in text.chars() {
            match char {
                '«' | '‹' => open.push((char, plain.len())),
                '»' | '›' => {
                    let (opened, start) = open.pop().unwrap_or_else(|| panic!("`{}`: nothing is open", self.title));
                    assert_eq!(opened == '«', char == '»', "`{}`: marks cross", self.title);
                    let places = if char == '»' { &mut offending } else { &mut related };
                    places.push((path.to_owned(), start..plain.len()));
                }
                char => plain.push(char),
            }
        }
        assert!(open.is_empty(), "`{}`: a mark is not closed", self.title);
        for places in [&mut offending, &mut related] {
            places.sort_by_key(|place| (place.1.start, place.1.end));
        }
        self.offending.extend(offending);
        self.related.extend(related);
        self.files.0.insert(path.to_owned(), plain);
    }
}

/// The files of a text, each of which begins with a line `--- path`.
fn files(text: &str) -> Vec<(String, String)> {
    let file = |part: &str| {
        let (path, text) = part.split_once('\n').unwrap_or((part, ""));
        (path.trim().to_owned(), if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") })
    };
    text.split("\n--- ").skip(1).map(file).collect()
}

/// A template made long by comments: its size without the marks, in bytes.
fn filled(mut text: String, size: usize) -> String {
    let marks: usize = text.chars().filter(|char| MARKS.contains(char)).map(char::len_utf8).sum();
    while text.len() - marks < size {
        let line = (size + marks - text.len()).min(80);
        text.push_str(&"#".repeat(line - 1));
        text.push('\n');
    }
    text
}

#[test]
fn a_case_is_its_files_without_marks_and_their_places() {
    let cases = Case::read_all(
        "For a reader.\n--- plan.toml\na = 1\n=== one\nvar x=y\n! it is wrong\n! ORCH061 foreign\n--- plan.toml +\n\
         b = «‹2› 3»\n--- t.yaml filled to 100\nc: «»\n=== two\ncrlf\n",
    );
    assert_eq!(cases.len(), 2);
    let one = &cases[0];
    assert_eq!(one.title, "one");
    assert_eq!(one.vars, [("x".to_owned(), "y".to_owned())]);
    assert_eq!(one.messages, [(None, "it is wrong".into()), (Some("ORCH061".into()), "foreign".into())]);
    assert_eq!(one.files.0[Path::new("plan.toml")], "a = 1\nb = 2 3\n");
    assert_eq!(one.files.0[Path::new("t.yaml")].len(), 100);
    assert_eq!(one.offending, [("plan.toml".into(), 10..13), ("t.yaml".into(), 3..3)]);
    assert_eq!(one.related, [("plan.toml".into(), 10..11)]);
    assert_eq!(cases[1].files.0[Path::new("plan.toml")], "a = 1\r\n");
}
