//! The forms in which a value may be met again.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::SHORTEST;
use crate::text::printable;

/// As it is sent to AWS: as it is, and in a form's or a URL's way.
pub(super) fn sent(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    forms.extend(in_urls(value));
    tidy(forms)
}

/// The longest value that is looked for in all forms: what Secrets Manager holds at the most. A plan's text may have longer ones,
/// and is not to make of them whatever it likes.
const LONGEST: usize = 64 * 1024;

/// How many parts of one value are looked for by themselves.
const MOST_PARTS: usize = 256;

/// As it is; each of its lines; and both as JSON, Rust, a shell, a URL, HTML, Markdown, a list of bytes and base64 write them.
pub(super) fn all(value: &str) -> Vec<String> {
    if value.len() > LONGEST {
        return vec![value.to_owned()];
    }
    let parts = parts(value);
    of_each(std::iter::once(value).chain(parts.iter().map(String::as_str)))
}

/// The whole in all forms, and nothing of what it is made of.
pub(super) fn whole(value: &str) -> Vec<String> {
    if value.len() > LONGEST { vec![value.to_owned()] } else { of_each(std::iter::once(value)) }
}

/// What a value is made of that may be met by itself: the fields of a JSON document, or else the items of a list and lines.
fn parts(value: &str) -> Vec<String> {
    let document = serde_json::from_str::<Json>(value).ok().filter(|json| json.is_object() || json.is_array());
    let mut parts = Vec::new();
    if let Some(document) = document {
        leaves(&document, &mut parts);
    } else {
        let is_told = |part: &&str| part.chars().any(char::is_alphanumeric) && *part != value;
        let lines = value.lines().map(str::trim).filter(is_told);
        let items = value.split(',').map(str::trim).filter(is_told);
        parts.extend(lines.chain(items).take(MOST_PARTS).map(str::to_owned));
    }
    parts
}

fn leaves(document: &Json, into: &mut Vec<String>) {
    match document {
        _ if into.len() >= MOST_PARTS => {}
        Json::String(text) => into.push(text.clone()),
        Json::Number(number) => into.push(number.to_string()),
        Json::Array(items) => items.iter().for_each(|item| leaves(item, into)),
        Json::Object(fields) => fields.values().for_each(|value| leaves(value, into)),
        Json::Null | Json::Bool(_) => {}
    }
}

fn of_each<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut forms = Vec::new();
    for text in texts.filter(|text| text.len() >= SHORTEST) {
        let json = in_json(text);
        forms.extend([
            text.to_owned(),
            // A message that quotes JSON, told in JSON once more.
            in_json(&json),
            json,
            in_debug(text),
            text.escape_debug().to_string(),
            text.escape_default().to_string(),
            printable(text).into_owned(),
            text.replace('\'', r"'\''"),
            text.replace('\'', "'\"'\"'"),
            in_html(text),
            escaped(text, "\\`*_[]<>|#~&!"),
            escaped(text, "\\\""),
            in_bytes(text),
        ]);
        forms.extend(in_urls(text));
        forms.extend(in_base64(text));
    }
    tidy(forms)
}

/// Each once, and none that is too short.
fn tidy(mut forms: Vec<String>) -> Vec<String> {
    forms.sort();
    forms.dedup();
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// Within the quotes of `Debug`.
fn in_debug(text: &str) -> String {
    let quoted = format!("{text:?}");
    quoted[1..quoted.len() - 1].to_owned()
}

/// Within the quotes of JSON.
fn in_json(text: &str) -> String {
    let quoted = Json::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn escaped(text: &str, marks: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if marks.contains(char) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

fn in_html(text: &str) -> String {
    let named = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    named.replace('"', "&quot;").replace('\'', "&apos;")
}

/// As `Debug` shows bytes.
fn in_bytes(text: &str) -> String {
    text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ")
}

/// Percent signs in both cases, with a space as `%20` and as `+`.
fn in_urls(text: &str) -> Vec<String> {
    let encoded = |upper: bool, space: &str, plain: &str| {
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            match byte {
                b' ' => encoded.push_str(space),
                byte if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) => encoded.push(byte.into()),
                byte if upper => drop(write!(encoded, "%{byte:02X}")),
                byte => drop(write!(encoded, "%{byte:02x}")),
            }
        }
        encoded
    };
    // By RFC 3986; and as HTML forms have it.
    let ways = [("%20", "-._~"), ("+", "-._*")];
    ways.iter().flat_map(|(space, plain)| [encoded(true, space, plain), encoded(false, space, plain)]).collect()
}

/// What base64 makes of it, by itself and in the middle of something else: of every three bytes it makes four letters, so what
/// it makes of these bytes depends on how many stand before them; those letters that others have a hand in are left out.
fn in_base64(text: &str) -> Vec<String> {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = |before: usize| {
        let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(text.bytes()).collect();
        let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        (first..end)
            .map(|letter| (0..6).fold(0, |code, place| code << 1 | bit(letter * 6 + place)))
            .map(|code| char::from(STANDARD[usize::from(code)]))
            .collect::<String>()
    };
    let standard = (0..3).map(letters);
    standard.flat_map(|form| [form.replace('+', "-").replace('/', "_"), form]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn has(value: &str, form: &str) {
        let forms = all(value);
        assert!(forms.iter().any(|known| form.contains(known.as_str())), "{form} is not known: {forms:#?}");
    }

    #[test]
    fn a_value_is_known_in_every_way_that_something_writes_it() {
        let value = "p\"a'ss <w&rd> ü|*\u{7}";
        has(value, value);
        has(value, &serde_json::json!({ "a": value }).to_string());
        has(value, &serde_json::json!({ "a": serde_json::json!({ "b": value }).to_string() }).to_string());
        has(value, &format!("{value:?}"));
        has(value, r#"'p"a'\''ss <w&rd> ü|*"#.replace("ü|*", "ü|*\u{7}").as_str());
        has(value, "p%22a%27ss%20%3Cw%26rd%3E%20%C3%BC%7C%2A%07");
        has(value, "p%22a%27ss+%3cw%26rd%3e+%c3%bc%7c*%07");
        has(value, &format!("{:?}", value.as_bytes()));
        has(value, "p\"a'ss <w&rd> ü|*\\u{7}");
    }

    #[test]
    fn base64_is_known_wherever_the_value_stands_in_what_is_encoded() {
        // `echo -n 'hunter22pass' | base64`, and with one and two letters before and after it.
        for encoded in ["aHVudGVyMjJwYXNz", "eGh1bnRlcjIycGFzc3k=", "eHhodW50ZXIyMnBhc3N5eQ=="] {
            has("hunter22pass", encoded);
        }
    }

    #[test]
    fn what_is_sent_is_known_as_it_is_sent() {
        assert_eq!(sent("FwoG/x+y="), ["FwoG%2Fx%2By%3D", "FwoG%2fx%2by%3d", "FwoG/x+y="]);
    }
}
