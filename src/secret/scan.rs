//! Looks for many texts at once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::SHORTEST;

/// The lengths of the beginnings by which texts are told apart: each once where they are short. However many texts begin alike,
/// a place in a text costs one look for each of these.
const STEPS: [usize; 26] =
    [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 512, 1024, 4096];
const _: () = assert!(STEPS[0] == SHORTEST);

/// How many texts that begin alike are told apart by their ends. Of more than these the longest is taken to be there.
const TOLD_APART: usize = 8;

/// Texts that are looked for. At most places of a text the first two bytes tell that none begins there.
pub(super) struct Needles {
    begins: Box<[u64; 1024]>,
    by_step: Vec<(usize, Begun)>,
}

/// What follows each beginning of one length.
type Begun = HashMap<Box<[u8]>, Alike>;

/// What follows one beginning.
#[derive(Default)]
struct Alike {
    rests: Vec<Box<[u8]>>,
    /// The length of the longest, where there are more than are told apart.
    beyond: Option<usize>,
}

impl Default for Needles {
    fn default() -> Self {
        let by_step = STEPS.iter().map(|step| (*step, HashMap::new())).collect();
        Self { begins: Box::new([0; 1024]), by_step }
    }
}

/// The place of the bit for two bytes.
fn bit(first: u8, second: u8) -> (usize, u64) {
    let both = usize::from(first) << 8 | usize::from(second);
    (both / 64, 1 << (both % 64))
}

impl Alike {
    fn add(&mut self, rest: &[u8]) {
        if self.rests.iter().any(|known| **known == *rest) {
            return;
        }
        if self.rests.len() < TOLD_APART && self.beyond.is_none() {
            self.rests.push(rest.into());
        } else {
            let longest = self.rests.iter().map(|rest| rest.len()).max().unwrap_or(0).max(rest.len());
            self.beyond = Some(self.beyond.unwrap_or(0).max(longest));
        }
    }

    /// How much of a text belongs to the longest of them, if any is there.
    fn length_in(&self, text: &[u8]) -> Option<usize> {
        if let Some(longest) = self.beyond {
            return Some(longest.min(text.len()));
        }
        self.rests.iter().filter(|rest| text.starts_with(rest)).map(|rest| rest.len()).max()
    }
}

impl Needles {
    /// Looks for a text of [`SHORTEST`] bytes or more, too.
    pub(super) fn add(&mut self, needle: &str) {
        let needle = needle.as_bytes();
        let Some(step) = STEPS.iter().rposition(|step| *step <= needle.len()) else { return };
        let (word, bit) = bit(needle[0], needle[1]);
        self.begins[word] |= bit;
        let (length, alike) = &mut self.by_step[step];
        let (begin, rest) = needle.split_at(*length);
        match alike.get_mut(begin) {
            Some(known) => known.add(rest),
            None => alike.entry(begin.into()).or_default().add(rest),
        }
    }

    /// How long the longest of the texts is that begin at a place.
    fn longest_at(&self, text: &[u8]) -> Option<usize> {
        let [first, second, ..] = *text else { return None };
        let (word, bit) = bit(first, second);
        if self.begins[word] & bit == 0 {
            return None;
        }
        let found = |(length, alike): &(usize, Begun)| {
            let begin = text.get(..*length).filter(|_| !alike.is_empty())?;
            Some(length + alike.get(begin)?.length_in(&text[*length..])?)
        };
        self.by_step.iter().filter_map(found).max()
    }

    /// Where the texts stand, each range apart from the others.
    fn found_in(&self, text: &str) -> Vec<Range<usize>> {
        let bytes = text.as_bytes();
        let mut found: Vec<Range<usize>> = Vec::new();
        let (mut at, mut end) = (0, 0);
        while at + SHORTEST <= bytes.len() {
            if let Some(length) = self.longest_at(&bytes[at..]) {
                let longer = text.ceil_char_boundary(at + length);
                // What begins within another may go on behind it.
                match found.last_mut().filter(|_| at < end) {
                    Some(last) => last.end = last.end.max(longer),
                    None => found.push(at..longer),
                }
                end = end.max(longer);
            }
            at += 1;
        }
        found
    }

    /// The text with a mask in the place of each that is found. Of those that overlap nothing is left.
    pub(super) fn replace<'a>(&self, text: &'a str, mask: impl Fn(usize, &mut String)) -> Cow<'a, str> {
        let found = self.found_in(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let (mut replaced, mut copied) = (String::with_capacity(text.len()), 0);
        for range in found {
            replaced.push_str(&text[copied..range.start]);
            mask(range.len(), &mut replaced);
            copied = range.end;
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
        for needle in all {
            needles.add(needle);
        }
        needles
    }

    fn starred<'a>(needles: &Needles, text: &'a str) -> Cow<'a, str> {
        needles.replace(text, |_, replaced| replaced.push('*'))
    }

    #[test]
    fn all_that_is_found_is_replaced_and_nothing_else() {
        let long = "a".repeat(70);
        let needles = needles(&["secret", "secretive", "größer", "abcabcabc", &long]);
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
            (&format!("x{long}y"), "x*y"),
            (&long[1..], &long[1..]),
        ] {
            assert_eq!(starred(&needles, text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_without_any_is_not_copied() {
        assert!(matches!(starred(&needles(&["secret"]), "nothing here"), Cow::Borrowed(_)));
        assert!(matches!(starred(&Needles::default(), "secret"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_mask_may_be_as_long_as_what_it_stands_for() {
        let masked = needles(&["größer"]).replace("a größer b", |length, text| text.push_str(&"*".repeat(length)));
        assert_eq!(masked, "a ******** b");
    }

    #[test]
    fn however_many_begin_alike_a_text_is_looked_through_in_no_time() {
        let mut needles = Needles::default();
        for number in 0..200_000 {
            needles.add(&format!("AAAAAAAAAAAAAAAAAAAA{number}"));
        }
        let text = "A".repeat(20_000) + "AAAAAAAAAAAAAAAAAAAA77777 and";
        // Not all of these are told apart, and nothing of any is left.
        assert!(!starred(&needles, &text).contains("7777"));
        assert_eq!(starred(&needles, "AAAAAA"), "AAAAAA");
    }
}
