//! Which output gives a value.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::Stack;

/// An output: the stack's position and the output's name.
pub(super) type Output<'a> = (usize, &'a str);

/// The outputs of the stacks by their values.
pub(super) struct Outputs<'a> {
    stacks: &'a [&'a Stack],
    by_value: BTreeMap<&'a str, Vec<Output<'a>>>,
    /// Which stacks a stack refers to so far.
    refers: BTreeMap<usize, BTreeSet<usize>>,
}

impl<'a> Outputs<'a> {
    pub(super) fn of(stacks: &'a [&'a Stack]) -> Self {
        let mut by_value: BTreeMap<&str, Vec<Output<'a>>> = BTreeMap::new();
        for (index, stack) in stacks.iter().enumerate() {
            for (name, value) in stack.outputs.iter().filter(|(_, value)| tells(value)) {
                by_value.entry(value).or_default().push((index, name));
            }
        }
        Self { stacks, by_value, refers: BTreeMap::new() }
    }

    /// The output that gives a value, if that can only be one: ids, ARNs and address ranges are not met by chance. Where
    /// several stacks give it, those that were given it themselves may only pass it on; where it is still not one stack,
    /// nobody knows which was meant.
    pub(super) fn giving(&self, value: &str) -> Option<Output<'a>> {
        self.giving_to(None, value)
    }

    /// The same for a parameter of a stack, which is noted as a reference: never to the stack itself, and never in a ring.
    pub(super) fn given(&mut self, to: usize, value: &str) -> Option<Output<'a>> {
        let found = self.giving_to(Some(to), value).filter(|(from, _)| !self.reaches(*from, to))?;
        self.refers.entry(to).or_default().insert(found.0);
        Some(found)
    }

    fn giving_to(&self, to: Option<usize>, value: &str) -> Option<Output<'a>> {
        let all = self.by_value.get(value)?.clone();
        let passes_on = |(from, _): &Output<'a>| self.stacks[*from].parameters.values().any(|own| own == value);
        let own: Vec<Output<'a>> = all.iter().copied().filter(|output| !passes_on(output)).collect();
        let candidates = if own.is_empty() { all } else { own };
        let first = *candidates.first()?;
        let is_one = candidates.iter().all(|(from, _)| *from == first.0);
        (is_one && Some(first.0) != to).then_some(first)
    }

    /// Whether a stack refers to another, directly or not.
    fn reaches(&self, from: usize, to: usize) -> bool {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(stack) = next.pop() {
            if stack == to {
                return true;
            }
            if seen.insert(stack) {
                next.extend(self.refers.get(&stack).into_iter().flatten());
            }
        }
        false
    }

    /// Outputs that give several of some values at once, each with those that it gives.
    pub(super) fn listing(&self, values: &BTreeSet<&str>) -> Vec<(Output<'a>, Vec<&'a str>)> {
        let mut found = Vec::new();
        for (value, outputs) in &self.by_value {
            let items: Vec<&str> = value.split(',').collect();
            if let (2.., [only]) = (items.len(), outputs.as_slice())
                && items.iter().all(|item| values.contains(item))
            {
                found.push((*only, items));
            }
        }
        found
    }
}

/// Whether a value says enough to tell where it comes from: an id, an ARN, an address range, or a list of them.
fn tells(value: &str) -> bool {
    let is_id = |text: &str| {
        text.rsplit_once('-').is_some_and(|(kind, digits)| {
            digits.len() >= 8
                && digits.chars().all(|char| char.is_ascii_hexdigit())
                && kind.starts_with(|char: char| char.is_ascii_lowercase())
                && kind.chars().all(|char| char.is_ascii_lowercase() || char == '-')
        })
    };
    let is_arn = |text: &str| text.starts_with("arn:") && text.split(':').count() >= 6;
    !value.is_empty() && value.split(',').all(|item| is_id(item) || is_arn(item) || item.parse::<IpNet>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_arns_and_ranges_tell_and_words_do_not() {
        for value in [
            "vpc-0a1b2c3d4e5f60718",
            "arn:aws:iam::111111111111:role/x",
            "10.0.0.0/20",
            "subnet-0a1b2c3d,subnet-1a1b2c3d",
        ] {
            assert!(tells(value), "{value}");
        }
        for value in ["", "true", "network", "443", "10.0.0.1", "vpc-main", "subnet-0a1b2c3d,x", "us-east-1a"] {
            assert!(!tells(value), "{value}");
        }
    }
}
