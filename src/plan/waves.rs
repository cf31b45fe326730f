//! `waves`: a group that is rolled out a few instances at a time.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::codes;
use super::document::{Data, Item};
use super::fields::Fields;
use super::problems::Problems;
use super::world::Instances;
use crate::diag::Span;

/// The keys of the table.
pub(super) const KEYS: [&str; 3] = ["canary", "batch", "tolerate"];

/// How a group is rolled out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waves {
    /// The keys of the instances that go before all others, or what comes before the region in them.
    pub canary: Vec<Arc<str>>,
    /// How many of the others go at a time, in the order of the file; `None`: all of them.
    pub batch: Option<NonZeroUsize>,
    /// How many instances may fail.
    pub tolerate: usize,
    /// The key in the plan.
    pub span: Span,
}

impl Waves {
    /// Whether an instance is one of the canary.
    pub fn has_canary(&self, key: &str) -> bool {
        names(key).any(|name| self.canary.iter().any(|canary| **canary == *name))
    }

    /// The waves that some instances go in, given by their keys and in the order of the file; and whether the first one is a
    /// canary.
    pub fn divide<'a, T>(&self, instances: impl IntoIterator<Item = (&'a str, T)>) -> (Vec<Vec<T>>, bool) {
        let known: HashSet<&str> = self.canary.iter().map(AsRef::as_ref).collect();
        let (mut canary, mut others) = (Vec::new(), Vec::new());
        for (key, instance) in instances {
            if names(key).any(|name| known.contains(name)) { canary.push(instance) } else { others.push(instance) }
        }
        let has_canary = !canary.is_empty();
        let mut waves = if has_canary { vec![canary] } else { Vec::new() };
        let size = self.batch.map_or(others.len(), NonZeroUsize::get);
        let mut others = others.into_iter().peekable();
        while others.peek().is_some() {
            waves.push(others.by_ref().take(size).collect());
        }
        (waves, has_canary)
    }
}

/// The names that `canary` may call an instance by: its key, and what stands before its regions in it. A key has one region
/// for each group on its way that has regions of its own.
fn names(key: &str) -> impl Iterator<Item = &str> {
    key.match_indices('/').map(|(end, _)| &key[..end]).chain([key])
}

/// As a plan declares it, before it is known which instances there are.
#[derive(Debug)]
pub(super) struct DeclaredWaves {
    waves: Arc<Waves>,
    canary: Vec<(Arc<str>, Span)>,
}

/// Reads it; what is wrong was reported.
pub(super) fn read(fields: &mut Fields<'_>) -> Option<DeclaredWaves> {
    let table = fields.table("waves")?;
    let key = fields.table.get("waves")?.key.clone();
    let mut own = Fields::new(table, "waves", &KEYS, key.clone(), fields.sources, fields.problems);
    let canary = own.names("canary");
    let batch = own.item("batch").map(|item| number(item, "batch", 1, own.problems));
    let tolerate = own.item("tolerate").map(|item| number(item, "tolerate", 0, own.problems));
    // A canary that could not be read was reported, and is not nothing.
    let no_canary =
        table.get("canary").is_none_or(|entry| matches!(&entry.item.data, Data::List(items) if items.is_empty()));
    let is_nothing = no_canary && batch.is_none() && table.keys().all(|key| KEYS.contains(&&**key));
    if is_nothing {
        let help = "name a canary, canary = [\"KEY\"], or a size, batch = 10; or take it away";
        own.problems.error(codes::EMPTY, &key, "these waves are one: all instances go at once", help);
    }
    own.finish();
    let batch = match batch {
        Some(None) => return None,
        given => given.flatten().and_then(NonZeroUsize::new),
    };
    let tolerate = match tolerate {
        Some(None) => return None,
        given => given.flatten().unwrap_or(0),
    };
    let names = canary.iter().map(|(name, _)| name.clone()).collect();
    let waves = Arc::new(Waves { canary: names, batch, tolerate, span: key });
    Some(DeclaredWaves { waves, canary }).filter(|_| !is_nothing)
}

/// A whole number that is not too small.
fn number(item: &Item, key: &str, least: i64, problems: &mut Problems) -> Option<usize> {
    let Data::Integer(number) = item.data else {
        problems.wrong_type(item, "a whole number of instances", &format!("write {key} = 10"));
        return None;
    };
    if number >= least {
        return usize::try_from(number).ok();
    }
    let help = format!("write a number from {least} on");
    problems.error(codes::INVALID_VALUE, &item.span, format!("{key} = {number} is too small"), help);
    None
}

/// How the instances that there are go, if they can; what is wrong is reported. `what` is the group in words.
pub(super) fn bind(
    declared: &DeclaredWaves,
    instances: &Instances,
    what: &str,
    problems: &mut Problems,
) -> Option<Arc<Waves>> {
    if instances.broken {
        return None;
    }
    if !instances.keyed {
        let help = "take it away, or make the table a group with for_each";
        let message = format!("{what} is one node and goes in no waves");
        problems.error(codes::INVALID_VALUE, &declared.waves.span, message, help);
        return None;
    }
    let mut is_known = true;
    let there: HashSet<&str> = instances.by_key.keys().flat_map(|key| names(key)).collect();
    for (name, span) in &declared.canary {
        if !there.contains(&**name) {
            is_known = false;
            let mut known: Vec<&str> = instances.by_key.keys().map(AsRef::as_ref).collect();
            known.sort_unstable();
            problems.error_with(codes::UNKNOWN_REFERENCE, span, format!("{what} has no instance `{name}`"), |search| {
                search.or_known(name, "they are", known.iter().copied(), "")
            });
        }
    }
    is_known.then(|| Arc::clone(&declared.waves))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(canary: &[&str], batch: usize) -> Waves {
        let canary = canary.iter().map(|name| Arc::from(*name)).collect();
        Waves {
            canary,
            batch: NonZeroUsize::new(batch),
            tolerate: 0,
            span: Span::new(crate::diag::Sources::default().add("", ""), 0..0),
        }
    }

    fn divided(waves: &Waves, keys: &[&'static str]) -> (Vec<Vec<&'static str>>, bool) {
        waves.divide(keys.iter().map(|key| (*key, *key)))
    }

    #[test]
    fn the_canary_goes_first_and_the_others_in_batches_of_the_order_of_the_file() {
        let keys = ["a", "b", "c", "d", "e", "f"];
        assert_eq!(
            divided(&waves(&["d", "b"], 3), &keys),
            (vec![vec!["b", "d"], vec!["a", "c", "e"], vec!["f"]], true)
        );
        assert_eq!(divided(&waves(&["a"], 0), &keys), (vec![vec!["a"], keys[1..].to_vec()], true));
        assert_eq!(divided(&waves(&[], 4), &keys), (vec![keys[..4].to_vec(), keys[4..].to_vec()], false));
    }

    #[test]
    fn a_name_without_a_region_is_all_of_its_regions() {
        let keys = ["a/us-east-1", "a/us-west-2", "ab/us-east-1", "b/us-east-1"];
        assert_eq!(divided(&waves(&["a"], 0), &keys).0[0], keys[..2]);
        assert_eq!(divided(&waves(&["b/us-east-1"], 0), &keys).0[0], keys[3..]);
        // A group with regions of its own over one that has some.
        let twice =
            ["a/us-east-1/eu-west-1", "a/us-east-1/us-west-2", "a/us-west-2/eu-west-1", "a/us-east-10/eu-west-1"];
        assert_eq!(divided(&waves(&["a/us-east-1"], 0), &twice).0[0], twice[..2]);
        assert_eq!(divided(&waves(&["a"], 0), &twice).0, [twice]);
        let one = waves(&["a/us-east-1"], 0);
        assert_eq!(twice.map(|key| one.has_canary(key)), [true, true, false, false]);
    }

    #[test]
    fn a_canary_that_does_not_take_part_leaves_batches_only() {
        assert_eq!(divided(&waves(&["z"], 1), &["a", "b"]), (vec![vec!["a"], vec!["b"]], false));
        assert_eq!(divided(&waves(&["z"], 1), &[]), (vec![], false));
    }
}
