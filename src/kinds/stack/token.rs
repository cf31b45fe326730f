//! Tokens that name a request by what it asks for, so that asking again is the same request.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::Wanted;
use crate::aws::Stack;

/// How much of a digest a token holds, in bytes.
const LENGTH: usize = 16;

/// A token over parts. Each part is hashed with its length, so that no two lists of parts run together into one.
fn token<'a>(verb: &str, parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut token = format!("orch-{verb}-");
    for byte in &hash.finalize()[..LENGTH] {
        // Writing to a string cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    token
}

/// The parts of what is wanted.
fn content(wanted: &Wanted) -> impl Iterator<Item = &str> {
    let pairs = wanted.parameters.iter().chain(&wanted.tags).flat_map(|(key, value)| [key.as_str(), value.as_str()]);
    let capabilities = wanted.capabilities.iter().map(String::as_str);
    [wanted.owner.plan.as_str(), wanted.name.as_str(), wanted.template.as_str()]
        .into_iter()
        .chain(pairs)
        .chain(capabilities)
}

/// The token of the call that creates a stack.
pub(super) fn create(wanted: &Wanted) -> String {
    let node = wanted.owner.node.tag();
    token("create", content(wanted).chain([node.as_str()]))
}

/// The name of the change set that brings a stack from what it is now to what is wanted. A change set that a crashed run
/// left for the same change has the same name; after an update the name is another.
pub(super) fn update(wanted: &Wanted, stack: &Stack) -> String {
    let node = wanted.owner.node.tag();
    let now = stack.updated.unwrap_or_default().to_string();
    token("update", content(wanted).chain([node.as_str(), stack.id.as_str(), stack.status.as_str(), now.as_str()]))
}

/// The token of the call that deletes a stack. After a deletion that failed it is another, lest CloudFormation take the
/// next attempt for the last one repeated.
pub(super) fn delete(stack: &Stack) -> String {
    let times = format!("{:?} {:?}", stack.updated, stack.deleted);
    token("delete", [stack.id.as_str(), stack.status.as_str(), times.as_str()])
}

#[cfg(test)]
mod tests {
    use super::super::decide::tests::{OURS, stack, wanted};
    use super::*;

    #[test]
    fn the_same_content_has_the_same_token_and_other_content_another() {
        let one = wanted("{}");
        let mut other = wanted("{}");
        assert_eq!(create(&one), create(&other));
        other.parameters.insert("a".to_owned(), "b".to_owned());
        assert_ne!(create(&one), create(&other));
        let mut tag = wanted("{}");
        tag.tags.insert("ab".to_owned(), String::new());
        assert_ne!(create(&tag), create(&other), "parts do not run together");
    }

    #[test]
    fn a_change_set_is_named_after_what_it_starts_from() {
        let wanted = wanted("{}");
        let mut stack = stack("CREATE_COMPLETE", &OURS);
        let first = update(&wanted, &stack);
        assert!(first.starts_with(|char: char| char.is_ascii_alphabetic()) && first.len() <= 128);
        stack.updated = Some(1);
        assert_ne!(first, update(&wanted, &stack));
    }

    #[test]
    fn deleting_again_after_a_failure_is_another_request() {
        let mut stack = stack("CREATE_COMPLETE", &OURS);
        let first = delete(&stack);
        stack.deleted = Some(1);
        assert_ne!(first, delete(&stack));
    }
}
