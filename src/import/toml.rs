//! Texts and keys as TOML writes them.

use std::fmt::Write as _;

/// A text as a value: a basic string on one line.
pub fn text(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for char in text.chars() {
        match char {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            char if char.is_control() || is_unseen(char) => {
                let _ = write!(written, "\\U{:08X}", u32::from(char));
            }
            char => written.push(char),
        }
    }
    written.push('"');
    written
}

/// Marks that cannot be seen, or that make a text read in another order than it is written.
fn is_unseen(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A key, in quotes where it needs them.
pub fn key(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-'));
    if is_bare { key.to_owned() } else { text(key) }
}

/// A variable of the plan that holds one character: its name, and its value as it is written.
pub(super) type Spelt = (&'static str, &'static str);

const BACKSLASH: Spelt = ("backslash", "\"\\\\\"");
const OPENING: Spelt = ("opening_brace", "\"{\"");
const CLOSING: Spelt = ("closing_brace", "\"}\"");

/// A text as a plan's value that stands for itself, not for an expression in it; and the variables that it needs: a
/// backslash before two braces would be theirs.
pub(super) fn literal(value: &str) -> (String, Vec<Spelt>) {
    // A brace before a variable's two braces would be a third of them.
    if value.contains("{\\") && value.contains("\\{{") {
        return spelt(value);
    }
    let mut escaped = String::with_capacity(value.len());
    let mut needs = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.find("{{") {
        let (before, after) = rest.split_at(at);
        let plain = before.trim_end_matches('\\');
        escaped.push_str(plain);
        for _ in plain.len()..before.len() {
            escaped.push_str("{{ vars.backslash }}");
            needs = vec![BACKSLASH];
        }
        // CloudFormation's own references pass through as they stand.
        if !after.starts_with("{{resolve:") {
            escaped.push('\\');
        }
        escaped.push_str("{{");
        rest = &after[2..];
    }
    escaped.push_str(rest);
    (text(&escaped), needs)
}

/// A text whose braces and backslashes are variables, all of them.
fn spelt(value: &str) -> (String, Vec<Spelt>) {
    let mut written = String::with_capacity(value.len());
    for char in value.chars() {
        match char {
            '\\' => written.push_str("{{ vars.backslash }}"),
            '{' => written.push_str("{{ vars.opening_brace }}"),
            '}' => written.push_str("{{ vars.closing_brace }}"),
            char => written.push(char),
        }
    }
    let closes = value.contains('}').then_some(CLOSING);
    (text(&written), [BACKSLASH, OPENING].into_iter().chain(closes).collect())
}
