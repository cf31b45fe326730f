//! Ids as AWS makes them, but from a seed: the same calls in the same order get the same ids.

use serde::{Deserialize, Serialize};

/// The source of ids of one world.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    seed: u64,
    drawn: u64,
    /// Whether ids are numbers in a row, which nobody takes for AWS's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    counted: bool,
    /// The ids that the next resources get, if they are of the right sort.
    #[serde(skip)]
    given: Vec<String>,
}

impl Ids {
    /// Ids for a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0, counted: false, given: Vec::new() }
    }

    /// The same, but ids are numbers in a row: `vpc-00000000000000001`. AWS's are random, so none of its own is like that.
    #[must_use]
    pub fn counted(self) -> Self {
        Self { counted: true, ..self }
    }

    /// The next resource that is of this id's sort gets it.
    pub(crate) fn give(&mut self, id: &str) {
        self.given = vec![id.to_owned()];
    }

    /// Gives no id any more.
    pub(crate) fn give_none(&mut self) {
        self.given.clear();
    }

    /// The seed that the ids come from.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// A resource id: the prefix, a hyphen and seventeen hexadecimal digits.
    pub(crate) fn resource(&mut self, prefix: &str) -> String {
        let is_of_sort = |id: &String| {
            id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| !rest.contains('-'))
        };
        if let Some(place) = self.given.iter().position(is_of_sort) {
            return self.given.remove(place);
        }
        format!("{prefix}-0{}", self.hexadecimal())
    }

    /// Sixteen hexadecimal digits.
    pub(crate) fn hexadecimal(&mut self) -> String {
        let drawn = self.draw();
        format!("{:016x}", if self.counted { self.drawn } else { drawn })
    }

    /// A random-looking UUID, as in a stack's ARN.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.draw(), self.draw());
        if self.counted { uuid(0, self.drawn) } else { uuid(high, low) }
    }

    /// Sixteen characters of an access key id or a role id, after its four-letter prefix.
    pub(crate) fn key(&mut self) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut bits = (u128::from(self.draw()) << 64) | u128::from(self.draw());
        let mut key = String::with_capacity(16);
        for _ in 0..16 {
            key.push(char::from(ALPHABET[(bits & 31) as usize]));
            bits >>= 5;
        }
        key
    }

    /// The next number of the sequence.
    pub(crate) fn draw(&mut self) -> u64 {
        self.drawn += 1;
        mix(self.seed, self.drawn)
    }
}

/// A UUID of two numbers, marked as version 4.
pub(crate) fn uuid(high: u64, low: u64) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// `SplitMix64` (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014): number `n` of
/// the sequence that a seed gives, without any state.
pub(crate) fn mix(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_another_gives_others() {
        let first = |seed| Ids::new(seed).resource("vpc");
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
        let mut ids = Ids::new(1);
        assert_ne!(ids.resource("vpc"), ids.resource("vpc"));
    }

    #[test]
    fn counted_ids_are_of_the_form_of_aws_and_nothing_like_its_own() {
        let mut ids = Ids::new(1).counted();
        assert_eq!(ids.resource("vpc"), "vpc-00000000000000001");
        assert_eq!(ids.uuid(), "00000000-0000-4000-8000-000000000003");
    }

    #[test]
    fn a_given_id_goes_to_what_is_of_its_sort() {
        let mut ids = Ids::new(1);
        ids.give("vpc-cidr-assoc-0a");
        assert_ne!(ids.resource("vpc"), "vpc-cidr-assoc-0a");
        assert_eq!(ids.resource("vpc-cidr-assoc"), "vpc-cidr-assoc-0a");
        assert_ne!(ids.resource("vpc-cidr-assoc"), "vpc-cidr-assoc-0a");
    }

    #[test]
    fn ids_look_like_those_of_aws() {
        let mut ids = Ids::new(7);
        let vpc = ids.resource("vpc");
        assert_eq!(vpc.len(), "vpc-".len() + 17);
        assert_eq!(ids.key().len(), 16);
        let uuid = ids.uuid();
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }
}
