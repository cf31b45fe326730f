//! Values that must not be shown, and the wall that none of them gets through.
//!
//! A [`Secret`] is a text that no `Debug` shows. Whoever comes by a value that is secret also says so to this room
//! ([`keep`]), and every way out of the process (the terminal, the log, the journal, files that are saved, a panic) sends its
//! text through [`redact`]: so a value that AWS quotes in an error, or that a template passes on, is found too.
//!
//! What is known here is the one state of this room. It is the whole process's, since a panic and the log are.

mod forms;
mod scan;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value as Json;

use scan::Needles;

/// What stands in the place of a secret: CloudFormation's own mask.
pub const MASK: &str = "****";

/// How many bytes a value, or a line of one, must have to be looked for in texts. Shorter ones are found within ordinary
/// words, and to hide those would tell what they are: they are hidden only where a field is known to hold them.
pub const SHORTEST: usize = 6;

/// How many bytes the forms of all secrets may have.
const MOST: usize = 64 * 1024 * 1024;

/// A text that is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// A secret, which no way out lets through from now on.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        keep(&text);
        Self(text)
    }

    /// A text that is handled as a secret, and that only whoever asked for it knows to be one.
    pub fn open(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for whoever is to have it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// What is known to be secret.
#[derive(Default)]
struct Known {
    values: HashSet<Box<str>>,
    needles: Needles,
    /// How many bytes all forms have.
    size: usize,
}

static KNOWN: RwLock<Option<Known>> = RwLock::new(None);

/// Whether there is anything to look for at all.
static ANY: AtomicBool = AtomicBool::new(false);

/// Notes that a value is secret, in every form in which it may be met again.
///
/// What it is made of is as secret: its lines, the fields of a JSON document, the items of a list.
pub fn keep(value: &str) {
    note(value, forms::all);
}

/// Notes that a text is secret as a whole, of which a part is: the rest of a document, whose words are anybody's.
pub fn keep_whole(value: &str) {
    note(value, forms::whole);
}

/// Notes that a part of somebody's credentials is secret. They are long and come anew each hour, so they are only kept as they
/// are sent.
pub fn keep_credential(value: &str) {
    note(value, forms::sent);
}

fn note(value: &str, forms: impl Fn(&str) -> Vec<String>) {
    if value.len() < SHORTEST || is_known(value) {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_with(Known::default);
    if known.values.insert(value.into()) {
        for form in forms(value) {
            // A plan may name a great many: each is looked for as it is, whatever else there is no room for.
            if known.size < MOST || form == value {
                known.size += form.len();
                known.needles.add(&form);
            }
        }
        ANY.store(true, Ordering::Release);
    }
}

fn is_known(value: &str) -> bool {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.as_ref().is_some_and(|known| known.values.contains(value))
}

/// The text with [`MASK`] in the place of every secret that is known by now. A text without one is given back as it is.
pub fn redact(text: &str) -> Cow<'_, str> {
    if !ANY.load(Ordering::Acquire) {
        return Cow::Borrowed(text);
    }
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.as_ref().map_or(Cow::Borrowed(text), |known| known.needles.replace(text, |_, text| text.push_str(MASK)))
}

/// The same with as many stars as there were bytes, where places in the text are to stay what they are.
pub fn redact_in_place(text: &str) -> Cow<'_, str> {
    if !ANY.load(Ordering::Acquire) {
        return Cow::Borrowed(text);
    }
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let stars = |length: usize, text: &mut String| {
        text.extend(std::iter::repeat_n('*', length));
    };
    known.as_ref().map_or(Cow::Borrowed(text), |known| known.needles.replace(text, stars))
}

/// The same in every text of a document, which stays the document that it is: the names of its fields are not touched.
pub fn redact_json(document: &mut Json) {
    match document {
        Json::String(text) => {
            if let Cow::Owned(redacted) = redact(text) {
                *text = redacted;
            }
        }
        Json::Array(items) => items.iter_mut().for_each(redact_json),
        Json::Object(fields) => fields.values_mut().for_each(redact_json),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown_and_is_not_let_through_from_then_on() {
        let before = "the word is mod-canary-one";
        assert_eq!(redact(before), before);
        let secret = Secret::new("mod-canary-one");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "**** Some(****)");
        assert_eq!(secret.expose(), "mod-canary-one");
        assert_eq!(redact(before), "the word is ****");
        assert!(matches!(redact("nothing of it"), Cow::Borrowed("nothing of it")));
    }

    #[test]
    fn a_short_value_is_left_to_whoever_knows_its_field() {
        keep("abcde");
        assert_eq!(redact("abcdefg"), "abcdefg");
    }

    #[test]
    fn a_value_of_several_lines_is_found_by_each_of_them() {
        keep("mod-first-line\nshort\nmod-second-line\r\n");
        assert_eq!(redact("a mod-second-line b\nshort"), "a **** b\nshort");
        assert_eq!(redact("\"mod-first-line\\nshort\\nmod-second-line\\r\\n\""), "\"****\"");
    }

    #[test]
    fn every_text_of_a_document_is_looked_through() {
        keep("mod-canary-json");
        let mut document = serde_json::json!({ "a": ["x mod-canary-json"], "mod-canary-json": { "b": 1 }, "c": null });
        redact_json(&mut document);
        assert_eq!(document, serde_json::json!({ "a": ["x ****"], "mod-canary-json": { "b": 1 }, "c": null }));
    }
    #[test]
    fn what_a_secret_is_made_of_is_found_by_itself_and_words_of_a_whole_are_not() {
        keep(r#"{"user": "mod-admin", "deep": {"list": ["mod-item-one", 1234567]}}"#);
        assert_eq!(redact("mod-admin, mod-item-one, 1234567, \"deep\": {"), "****, ****, ****, \"deep\": {");
        keep("mod-list-a,  mod-list-b");
        assert_eq!(redact("- mod-list-b\n- mod-list-a"), "- ****\n- ****");
        keep_whole("{\n  \"user\": \"mod-else\",\n  \"region\": \"mod-region-1\"\n}");
        assert_eq!(redact("\"region\": \"mod-region-1\", mod-else"), "\"region\": \"mod-region-1\", mod-else");
        assert_eq!(redact("a {\n  \"user\": \"mod-else\",\n  \"region\": \"mod-region-1\"\n}"), "a ****");
        assert_eq!(redact_in_place("a mod-list-a b"), "a ********** b");
    }
}
