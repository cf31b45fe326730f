//! "Did you mean …?"

/// The candidate that `name` is most likely a slip of, or `None` when nothing is close.
///
/// Close is a third of the name's letters at most, whatever their case; ties go to the first candidate.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let allowed = (wanted.chars().count() / 3).max(1);
    let close = candidates.into_iter().filter_map(|candidate| {
        // The lengths bound the distance from below, which spares the long way for most of a thousand candidates.
        if candidate.len().abs_diff(wanted.len()) > allowed * 4 {
            return None;
        }
        let distance = strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase());
        (distance <= allowed).then_some((distance, candidate))
    });
    close.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
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
}
