//! "Did you mean …?"

use std::cell::Cell;

/// The longest name that a slip is sought for, in characters: the search costs the product of two names' lengths.
const LONGEST: usize = 128;

/// How much work the searches of one load may make, in letters that are looked at or compared. A plan with ten thousand
/// slips among ten thousand names gets its problems at once and a nearest name for the first of them.
const WORK: usize = 20_000_000;

/// The candidate that `name` is most likely a slip of, or `None` when nothing is close.
///
/// Close is a third of the name's letters at most, whatever their case; ties go to the first candidate.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    Search::default().nearest(name, candidates)
}

/// The searches for nearest names of one load, which together do so much work and no more. Holds what is left of it.
#[derive(Debug)]
pub(super) struct Search(Cell<usize>);

impl Default for Search {
    fn default() -> Self {
        Self(Cell::new(WORK))
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
        let letters = letters(&wanted);
        let mut best: Option<(usize, &str)> = None;
        // `vpc_id` is meant for `vpc`, however far that is.
        let mut word = None;
        for candidate in candidates {
            self.spend(candidate.len() + 1)?;
            let candidate_lower = candidate.to_lowercase();
            if word.is_none() && wanted.contains('_') && wanted.split('_').any(|part| part == candidate_lower) {
                word = Some(candidate);
            }
            let other = candidate_lower.chars().count();
            // Lengths and letters bound the distance from below, which spares the long way for most candidates: one slip
            // makes one letter more or fewer, and at most takes one letter away and brings another.
            let differing = (letters ^ self::letters(&candidate_lower)).count_ones() as usize;
            if other.abs_diff(length) > allowed || differing > 2 * allowed {
                continue;
            }
            self.spend(length * other)?;
            let distance = strsim::osa_distance(&wanted, &candidate_lower);
            if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
                best = Some((distance, candidate));
            }
        }
        best.map(|(_, candidate)| candidate).or(word)
    }

    /// Takes so much from what is left, if there is so much.
    fn spend(&self, work: usize) -> Option<()> {
        let left = self.0.get().checked_sub(work);
        self.0.set(left.unwrap_or(0));
        left.map(drop)
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

/// The letters that a name has, as bits; other characters share what bits there are.
fn letters(name: &str) -> u64 {
    name.chars().fold(0, |letters, c| letters | 1 << (u32::from(c) % 64))
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
        assert_eq!(nearest("template_file", words), Some("template"));
        assert_eq!(nearest("some_other_thing", words), None);
    }

    #[test]
    fn lengths_count_in_characters_and_ties_go_to_the_first() {
        assert_eq!(nearest("größße", ["größe", "GRÖSSSSSSSSSE"]), Some("größe"));
        assert_eq!(nearest("ab", ["ax", "ay"]), Some("ax"));
    }

    #[test]
    fn searches_come_to_an_end() {
        let search = Search::default();
        let names: Vec<String> = (0..5_000).map(|index| format!("a-rather-long-name-{index}")).collect();
        let found =
            |index: usize| search.nearest(&format!("a-rahter-long-name-{index}"), names.iter().map(String::as_str));
        assert_eq!(found(0), Some("a-rather-long-name-0"));
        let found = (1..5_000).filter(|index| found(*index).is_some()).count();
        assert!((1..100).contains(&found), "{found}");
        assert_eq!(search.0.get(), 0);
        assert_eq!(search.nearest("x", ["xy"]), None);
        assert_eq!(nearest(&"x".repeat(200), [&*"x".repeat(199)]), None);
    }

    #[test]
    fn an_ordinary_plan_finds_every_name() {
        let search = Search::default();
        let names: Vec<String> =
            (0..500).map(|index| format!("{}-{index}", ["spoke", "hub", "gateway", "zone"][index % 4])).collect();
        for name in &names {
            let slip = name.replacen('e', "3", 1) + "_";
            assert!(search.nearest(&slip, names.iter().map(String::as_str)).is_some(), "{slip}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_passed_over_is_not_near(name in "[a-dXé-]{1,9}", candidates in proptest::collection::vec("[a-dXé-]{1,9}", 0..6)) {
            let plain = |candidate: &&String| strsim::osa_distance(&name.to_lowercase(), &candidate.to_lowercase());
            let least = candidates.iter().min_by_key(plain).filter(|least| plain(least) <= (name.chars().count() / 3).max(1));
            proptest::prop_assert_eq!(nearest(&name, candidates.iter().map(String::as_str)), least.map(String::as_str));
        }
    }
}
