//! Looks for many texts at once.

use std::borrow::Cow;
use std::collections::HashMap;

use super::SHORTEST;

/// How many bytes of a text say where to look for it.
const HEAD: usize = 4;
const _: () = assert!(HEAD <= SHORTEST);

/// Texts that are looked for. At most places of a text the first two bytes tell that none begins there.
pub(super) struct Needles {
    begins: Box<[u64; 1024]>,
    by_head: HashMap<[u8; HEAD], Vec<Box<str>>>,
}

impl Default for Needles {
    fn default() -> Self {
        Self { begins: Box::new([0; 1024]), by_head: HashMap::new() }
    }
}

/// The place of the bit for two bytes.
fn bit(first: u8, second: u8) -> (usize, u64) {
    let both = usize::from(first) << 8 | usize::from(second);
    (both / 64, 1 << (both % 64))
}

impl Needles {
    /// Looks for a text of [`SHORTEST`] bytes or more, too.
    pub(super) fn add(&mut self, needle: String) {
        let Some(head) = needle.as_bytes().first_chunk::<HEAD>().copied() else { return };
        let (word, bit) = bit(head[0], head[1]);
        self.begins[word] |= bit;
        let alike = self.by_head.entry(head).or_default();
        let needle = needle.into_boxed_str();
        if !alike.contains(&needle) {
            alike.push(needle);
        }
    }

    /// How long the longest of the texts is that begin at a place.
    fn longest_at(&self, text: &[u8], at: usize) -> Option<usize> {
        let head = text.get(at..)?.first_chunk::<HEAD>()?;
        let (word, bit) = bit(head[0], head[1]);
        if self.begins[word] & bit == 0 {
            return None;
        }
        let alike = self.by_head.get(head)?;
        alike.iter().filter(|needle| text[at..].starts_with(needle.as_bytes())).map(|needle| needle.len()).max()
    }

    /// The text with `mask` in the place of each that is found. Of those that overlap nothing is left.
    pub(super) fn replace<'a>(&self, text: &'a str, mask: &str) -> Cow<'a, str> {
        let bytes = text.as_bytes();
        let mut replaced = String::new();
        let (mut at, mut copied) = (0, 0);
        while at + HEAD <= bytes.len() {
            let Some(length) = self.longest_at(bytes, at) else {
                at += 1;
                continue;
            };
            let begin = at;
            let mut end = at + length;
            // What begins within it may go on behind it.
            while at < end {
                if let Some(length) = self.longest_at(bytes, at) {
                    end = end.max(at + length);
                }
                at += 1;
            }
            replaced.push_str(&text[copied..begin]);
            replaced.push_str(mask);
            copied = end;
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        replaced.push_str(&text[copied..]);
        Cow::Owned(replaced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needles(all: &[&str]) -> Needles {
        let mut needles = Needles::default();
        all.iter().for_each(|needle| needles.add((*needle).to_owned()));
        needles
    }

    #[test]
    fn all_that_is_found_is_replaced_and_nothing_else() {
        let needles = needles(&["secret", "secretive", "größer", "abcabcabc"]);
        for (text, expected) in [
            ("", ""),
            ("sec", "sec"),
            ("secret", "*"),
            ("secretsecret", "**"),
            ("a secretive secret.", "a * *."),
            ("noch größer als groß", "noch * als groß"),
            // They overlap.
            ("xabcabcabcabcx", "x*x"),
            ("secre", "secre"),
        ] {
            assert_eq!(needles.replace(text, "*"), expected, "{text}");
        }
    }

    #[test]
    fn a_text_without_any_is_not_copied() {
        assert!(matches!(needles(&["secret"]).replace("nothing here", "*"), Cow::Borrowed(_)));
        assert!(matches!(Needles::default().replace("secret", "*"), Cow::Borrowed(_)));
    }
}
