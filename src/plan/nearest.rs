//! "Did you mean …?"

use std::cell::Cell;

/// The longest name that a slip is sought for, in characters: the search costs the product of two names' lengths.
const LONGEST: usize = 128;

/// How many candidates one load looks at. A plan with ten thousand slips among ten thousand names gets its problems at
/// once and a nearest name for the first of them.
const CANDIDATES: usize = 1_000_000;

/// The candidate that `name` is most likely a slip of, or `None` when nothing is close.
///
/// Close is a third of the name's letters at most, whatever their case; ties go to the first candidate.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    Search::default().nearest(name, candidates)
}

/// The searches for nearest names of one load, which together look at so many candidates and no more.
#[derive(Debug)]
pub(super) struct Search(Cell<usize>);

impl Default for Search {
    fn default() -> Self {
        Self(Cell::new(CANDIDATES))
    }
}

impl Search {
    /// As [`nearest`]; `None` as well when the searches have come to their end.
    pub(super) fn nearest<'a>(&self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let wanted = name.to_lowercase();
        let length = wanted.chars().count();
        if length > LONGEST {
            return None;
        }
        let allowed = (length / 3).max(1);
        let mut best: Option<(usize, &str)> = None;
        for candidate in candidates {
            let left = self.0.get().checked_sub(1)?;
            self.0.set(left);
            // The lengths bound the distance from below, which spares the long way for most of a thousand candidates.
            if candidate.chars().count().abs_diff(length) > allowed {
                continue;
            }
            let distance = strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase());
            if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
                best = Some((distance, candidate));
            }
        }
        best.map(|(_, candidate)| candidate)
    }

    /// "did you mean `x`?", or nothing.
    pub(super) fn did_you_mean<'a>(&self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
        self.nearest(name, candidates).map_or_else(String::new, |candidate| format!("did you mean `{candidate}`?"))
    }

    /// The same, or else the names that there are, or else how to make one.
    pub(super) fn or_known<'a>(
        &self,
        name: &str,
        what: &str,
        candidates: impl Iterator<Item = &'a str> + Clone,
        declare: &str,
    ) -> String {
        let near = self.did_you_mean(name, candidates.clone());
        if !near.is_empty() {
            return near;
        }
        let known = listed(candidates);
        match (known.is_empty(), declare.is_empty()) {
            (true, _) => declare.to_owned(),
            (false, true) => format!("{what} {known}"),
            (false, false) => format!("{what} {known}; or {declare}"),
        }
    }
}

/// The first few of some names, and how many more there are.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str> + Clone) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<&str> = names.clone().take(SHOWN).collect();
    match names.skip(SHOWN).count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let words = ["template", "parameters", "tags", "account"];
        assert_eq!(nearest("tempalte", words), Some("template"));
        assert_eq!(nearest("Parameters", words), Some("parameters"));
        assert_eq!(nearest("tag", words), Some("tags"));
        assert_eq!(nearest("colour", words), None);
    }

    #[test]
    fn lengths_count_in_characters_and_ties_go_to_the_first() {
        assert_eq!(nearest("größße", ["größe", "GRÖSSSSSSSSSE"]), Some("größe"));
        assert_eq!(nearest("ab", ["ax", "ay"]), Some("ax"));
    }

    #[test]
    fn searches_come_to_an_end() {
        let search = Search::default();
        let names: Vec<String> = (0..1_000).map(|index| format!("a-rather-long-name-{index}")).collect();
        let names = || names.iter().map(String::as_str);
        assert!(search.nearest("a-rather-long-name-x", names()).is_some());
        for _ in 0..CANDIDATES / 1_000 {
            search.nearest("x", names());
        }
        assert_eq!(search.nearest("a-rather-long-name-x", names()), None);
        assert_eq!(nearest(&"x".repeat(200), [&*"x".repeat(199)]), None);
    }
}
