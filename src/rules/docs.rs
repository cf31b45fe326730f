//! The rules as a reader sees them: a listing, one rule, and the page in the docs.

use std::fmt::Write as _;

use super::example::shown;
use super::{ALL, Rule};
use crate::diag::Severity;

/// How bad it is, in a word.
const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    }
}

/// A line for each rule: number, severity, name, summary.
pub fn listing() -> String {
    let width = ALL.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in ALL {
        let (code, severity, name) = (rule.code, word(rule.severity), rule.name);
        let _ = writeln!(text, "{code}  {severity:7}  {name:width$}  {}", rule.summary);
    }
    text
}

/// The rule of a number (`ORCH012`, `12`) or a name.
pub fn find(text: &str) -> Option<&'static Rule> {
    let number = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let by_number = number
        .parse::<u16>()
        .ok()
        .filter(|_| text.len() == number.len() || text.to_ascii_uppercase().starts_with("ORCH"));
    ALL.iter().find(|rule| rule.name == text || Some(rule.code.0) == by_number)
}

/// Everything about one rule.
pub fn explain(rule: &Rule) -> String {
    let mut text = format!("{} {} ({})\n\n{}.\n\n", rule.code, rule.name, word(rule.severity), sentence(rule.summary));
    text.push_str(&wrapped(rule.explanation));
    for (heading, example) in [("Wrong:", rule.wrong), ("Right:", rule.right)] {
        if !example.is_empty() {
            let _ = write!(text, "\n{heading}\n\n");
            for line in shown(example).lines() {
                let _ = writeln!(text, "{}", format!("    {line}").trim_end());
            }
        }
    }
    text
}

/// The page in the docs that lists and explains every rule.
pub fn page() -> String {
    let mut text = String::from(
        "# What each problem means\n\n\
         <!-- Written by `orch rules --format markdown`: change the rules in src/rules/, not this page. -->\n\n\
         `orch validate` and every other command check a whole plan before the first call and show all problems at once:\n\n    \
         error[ORCH005]: a stack has no key `tempalte`\n      \
         --> small.toml:14:1\n       |\n    \
         14 | tempalte   = \"net.yaml\"\n       \
         | ^^^^^^^^\n       |\n       \
         = help: did you mean `template`?\n\n\
         The first line has the problem's number and what is wrong; the arrow has file, line and column; `help` says what to\n\
         do. Other places that belong to the matter are shown with it. A plan with an error calls nobody, and the exit code is\n\
         2; warnings stop nothing, and hints are shown by `validate` alone. A number is never given to another problem.\n\n\
         `orch validate --remote` asks AWS as well, by calls that only look. ORCH080 and ORCH082 say that it could not be\n\
         asked; where nothing worse was found, the exit code is 3. What AWS said makes other rules see more: they say then\n\
         that a value is live.\n\n\
         `orch rules` lists the rules, `orch rules ORCH012` explains one.\n\n\
         | number | severity | name | what is wrong |\n|---|---|---|---|\n",
    );
    for rule in ALL {
        let (code, name) = (rule.code, rule.name);
        let anchor = format!("{code}-{name}").to_lowercase();
        let _ = writeln!(text, "| {code} | {} | [{name}](#{anchor}) | {} |", word(rule.severity), rule.summary);
    }
    for rule in ALL {
        let _ = write!(text, "\n## {} {}\n\n{}. {}\n", rule.code, rule.name, sentence(rule.summary), rule.explanation);
        for (heading, example) in [("Wrong", rule.wrong), ("Right", rule.right)] {
            if !example.is_empty() {
                let _ = write!(text, "\n{heading}:\n\n```\n{}```\n", shown(example));
            }
        }
    }
    text
}

/// A summary with a capital letter.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A paragraph in lines of at most 100 columns.
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > 100 {
            lines.push('\n');
            column = 0;
        } else if column > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test reads the page in the docs")]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_docs_is_what_the_rules_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/problems.md");
        let written = std::fs::read_to_string(path).unwrap();
        assert!(
            written.replace("\r\n", "\n") == page(),
            "write it anew: cargo run -- rules --format markdown > docs/problems.md"
        );
    }

    #[test]
    fn a_rule_is_found_by_its_number_and_by_its_name() {
        for text in ["ORCH011", "orch011", "11", "011", "unknown-reference"] {
            assert_eq!(find(text).map(|rule| rule.name), Some("unknown-reference"), "{text}");
        }
        for text in ["", "ORCH", "ORCH999", "X011", "unknown"] {
            assert!(find(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_explanation_has_both_examples_without_marks() {
        let text = explain(find("ORCH052").unwrap());
        assert!(text.starts_with("ORCH052 unknown-output (error)\n\nA value refers"), "{text}");
        assert!(text.contains("Wrong:") && text.contains("Right:") && text.contains("hub.yaml"), "{text}");
        assert!(!text.contains(['«', '»']), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    }

    #[test]
    fn the_listing_has_a_line_for_each_rule() {
        assert_eq!(listing().lines().count(), ALL.len());
    }
}
