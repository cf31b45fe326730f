//! Stand-ins for what only AWS can give: the id of a resource, of a peering.
//!
//! A plan can be worked out before any call as far as ids go in at one end and come out at the other. A symbol is a text
//! that takes an id's place on the way: two values that turn out to be the same symbol will be the same id. Every letter
//! of it is a private-use character, which no plan or template has any reason to hold: a symbol can be told from a real
//! value, and so can every piece of one that something has cut out of it.

use crate::graph::Ix;

/// The letters of symbols: one for each byte of what is written in them.
const LETTERS: std::ops::RangeInclusive<char> = '\u{f700}'..='\u{f7ff}';

/// What a symbol stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Symbol {
    /// The physical id of a resource of a stack: what `Ref` gives.
    Resource {
        /// The stack.
        stack: Ix,
        /// The resource's logical id.
        id: String,
    },
    /// The id of a peering connection.
    Peering(Ix),
}

impl Symbol {
    /// The text that stands for it.
    pub(super) fn text(&self) -> String {
        let written = match self {
            Self::Resource { stack, id } => format!("<{}/{id}>", stack.index()),
            Self::Peering(peering) => format!("<{}>", peering.index()),
        };
        written.bytes().filter_map(|byte| char::from_u32(u32::from(*LETTERS.start()) + u32::from(byte))).collect()
    }

    /// What a text stands for, if it is a symbol and nothing else.
    pub(super) fn of(text: &str) -> Option<Self> {
        let byte = |letter: char| u8::try_from(u32::from(letter).checked_sub(u32::from(*LETTERS.start()))?).ok();
        let written = String::from_utf8(text.chars().map(byte).collect::<Option<_>>()?).ok()?;
        let inner = written.strip_prefix('<')?.strip_suffix('>')?;
        if inner.contains(['<', '>']) {
            return None;
        }
        match inner.split_once('/') {
            Some((stack, id)) => {
                Some(Self::Resource { stack: Ix::from(stack.parse::<usize>().ok()?), id: id.to_owned() })
            }
            None => Some(Self::Peering(Ix::from(inner.parse::<usize>().ok()?))),
        }
    }
}

/// Whether a text has a symbol, or a piece of one, in it: then it is not what AWS will be given.
pub(super) fn is_symbolic(text: &str) -> bool {
    text.chars().any(|letter| LETTERS.contains(&letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_reads_back_and_nothing_else_does() {
        for symbol in [Symbol::Resource { stack: Ix(7), id: "VPC".to_owned() }, Symbol::Peering(Ix(0))] {
            let text = symbol.text();
            assert_eq!(Symbol::of(&text), Some(symbol));
            assert_eq!(Symbol::of(&format!("{text}{text}")), None);
            assert_eq!(Symbol::of(&format!("{text}-a")), None);
        }
        assert_eq!(Symbol::of("vpc-0123"), None);
        assert_eq!(Symbol::of(""), None);
    }

    #[test]
    fn every_piece_of_a_symbol_can_be_told() {
        let text = Symbol::Resource { stack: Ix(7), id: "V-P/C".to_owned() }.text();
        assert!(!is_symbolic("vpc-0123"));
        for cut in ["-", "/", "7", "V", ""] {
            assert!(text.split(cut).filter(|piece| !piece.is_empty()).all(is_symbolic), "{cut}");
        }
        assert_eq!(text.to_lowercase(), text, "letters without case");
    }
}
