//! Texts that a world says over and over: names, types, states, the keys and values of tags.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is kept once, however many say it, and each of them by one pointer. It is read as the `str` that it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(Arc<String>);

/// How long a text may be that is worth keeping once, in bytes: as long as the value of a tag. A longer one is gone with the
/// last who says it, so that what anybody may send fills no memory.
const LONGEST: usize = 256;

/// Every word that somebody says, but for the longest ones.
static SAID: LazyLock<Mutex<Said>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Said {
    words: HashSet<Word>,
    /// At so many words, those that nobody says any more are forgotten.
    most: usize,
}

/// As many words may be known before it is worth looking for those that nobody says.
const FEW: usize = 1 << 10;

impl Said {
    fn word(&mut self, text: &str) -> Word {
        if let Some(known) = self.words.get(text) {
            return known.clone();
        }
        if self.words.len() >= self.most {
            self.words.retain(|word| Arc::strong_count(&word.0) > 1);
            self.most = FEW.max(2 * self.words.len());
        }
        let word = Word(Arc::new(text.to_owned()));
        self.words.insert(word.clone());
        word
    }
}

impl Word {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Word {
    fn from(text: &str) -> Self {
        if text.len() > LONGEST {
            return Self(text.to_owned().into());
        }
        SAID.lock().unwrap_or_else(PoisonError::into_inner).word(text)
    }
}

impl From<&String> for Word {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Word {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&Word> for Word {
    fn from(word: &Word) -> Self {
        word.clone()
    }
}

impl From<Word> for String {
    fn from(word: Word) -> Self {
        word.as_str().to_owned()
    }
}

impl Deref for Word {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Word {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Word {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq<str> for Word {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Word {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Word {
    fn eq(&self, other: &String) -> bool {
        *self.0 == *other
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_forgotten_when_nobody_says_it() {
        let mut said = Said::default();
        let (first, second) = (said.word("first"), said.word("second"));
        assert!(Arc::ptr_eq(&first.0, &said.word("first").0) && first != second);
        drop(second);
        for number in 0..10 * FEW {
            assert_eq!(said.word(&number.to_string()), number.to_string());
        }
        assert!(said.words.len() <= FEW, "{}", said.words.len());
        assert!(said.words.contains("first") && !said.words.contains("second"));
    }

    #[test]
    fn a_long_text_is_gone_with_the_last_who_says_it() {
        let long = "x".repeat(LONGEST + 1);
        let (one, other) = (Word::from(&long), Word::from(&long));
        assert!(one == other && Arc::strong_count(&one.0) == 1);
    }

    #[test]
    fn a_word_is_written_and_read_as_its_text() {
        let words: Vec<Word> = serde_json::from_str(r#"["a", "\n"]"#).unwrap();
        assert_eq!(words, [Word::from("a"), Word::from("\n")]);
        assert_eq!(serde_json::to_string(&words).unwrap(), r#"["a","\n"]"#);
    }
}
