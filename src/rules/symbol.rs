//! Stand-ins for what only AWS can give: the id of a resource, of a peering.
//!
//! A plan can be worked out before any call as far as ids go in at one end and come out at the other. A symbol is a text
//! that takes an id's place on the way: two values that turn out to be the same symbol will be the same id. It is made
//! of private-use characters, which no plan or template has any reason to hold, so it can be told from a real value.

use crate::graph::Ix;

/// Begins and ends a symbol.
const MARK: char = '\u{f8ff}';

/// What a symbol stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Symbol<'a> {
    /// The physical id of a resource of a stack: what `Ref` gives.
    Resource {
        /// The stack.
        stack: Ix,
        /// The resource's logical id.
        id: &'a str,
    },
    /// The id of a peering connection.
    Peering(Ix),
}

impl<'a> Symbol<'a> {
    /// The text that stands for it.
    pub(super) fn text(self) -> String {
        match self {
            Self::Resource { stack, id } => format!("{MARK}{}/{id}{MARK}", stack.index()),
            Self::Peering(peering) => format!("{MARK}{}{MARK}", peering.index()),
        }
    }

    /// What a text stands for, if it is a symbol and nothing else.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let inner = text.strip_prefix(MARK)?.strip_suffix(MARK)?;
        if inner.contains(MARK) {
            return None;
        }
        match inner.split_once('/') {
            Some((stack, id)) => Some(Self::Resource { stack: Ix::from(stack.parse::<usize>().ok()?), id }),
            None => Some(Self::Peering(Ix::from(inner.parse::<usize>().ok()?))),
        }
    }
}

/// Whether a text has a symbol, or a piece of one, in it: then it is not what AWS will be given.
pub(super) fn is_symbolic(text: &str) -> bool {
    text.contains(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_reads_back_and_nothing_else_does() {
        for symbol in [Symbol::Resource { stack: Ix(7), id: "VPC" }, Symbol::Peering(Ix(0))] {
            let text = symbol.text();
            assert_eq!(Symbol::of(&text), Some(symbol));
            assert!(is_symbolic(&text));
            assert_eq!(Symbol::of(&format!("{text}{text}")), None);
        }
        assert_eq!(Symbol::of("vpc-0123"), None);
        assert!(!is_symbolic("vpc-0123"));
    }
}
