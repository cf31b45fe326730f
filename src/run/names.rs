//! The names of nodes in a sentence.

use crate::ids::NodeId;

/// How many nodes a sentence names before it counts the rest.
const NAMED: usize = 3;

/// The first few nodes by name, and how many more there are.
pub fn names<'a>(nodes: impl IntoIterator<Item = &'a NodeId>) -> String {
    let mut nodes = nodes.into_iter();
    let named: Vec<String> = nodes.by_ref().take(NAMED).map(ToString::to_string).collect();
    match nodes.count() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
