//! Values that know what of them has changed since they were last written, so that a save costs what has changed.

use std::borrow::Borrow;
use std::collections::btree_map::Iter;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What has changed in a [`Shelf`]: new values by key, and nothing for entries that are gone.
pub type Changes<K, V> = BTreeMap<K, Option<V>>;

/// A map that remembers which of its entries have changed. It is read as the map that it is.
#[derive(Clone, Debug)]
pub struct Shelf<K, V> {
    items: BTreeMap<K, V>,
    changed: BTreeSet<K>,
}

impl<K: Ord + Clone, V> Shelf<K, V> {
    /// A value, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let (known, _) = self.items.get_key_value(key)?;
        self.changed.insert(known.clone());
        self.items.get_mut(key)
    }

    /// Puts a value in, and gives the one that was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.changed.insert(key.clone());
        self.items.insert(key, value)
    }

    /// Takes a value out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (key, value) = self.items.remove_entry(key)?;
        self.changed.insert(key);
        Some(value)
    }

    /// Keeps only what passes.
    pub fn retain(&mut self, mut passes: impl FnMut(&K, &V) -> bool) {
        let Self { items, changed } = self;
        items.retain(|key, value| {
            let stays = passes(key, value);
            if !stays {
                changed.insert(key.clone());
            }
            stays
        });
    }

    /// All values, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.changed.extend(self.items.keys().cloned());
        self.items.values_mut()
    }

    /// What has changed.
    pub(crate) fn changes(&self) -> Changes<K, V>
    where
        V: Clone,
    {
        self.changed.iter().map(|key| (key.clone(), self.items.get(key).cloned())).collect()
    }

    /// Takes over what has changed elsewhere.
    pub(crate) fn apply(&mut self, changes: Changes<K, V>) {
        for (key, value) in changes {
            match value {
                Some(value) => drop(self.items.insert(key, value)),
                None => drop(self.items.remove(&key)),
            }
        }
    }

    /// All changes are written.
    pub(crate) fn written(&mut self) {
        self.changed.clear();
    }
}

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self { items: BTreeMap::new(), changed: BTreeSet::new() }
    }
}

impl<K, V> Deref for Shelf<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &Self::Target {
        &self.items
    }
}

impl<'a, K, V> IntoIterator for &'a Shelf<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Shelf<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items
    }
}

impl<K: Serialize, V: Serialize> Serialize for Shelf<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Shelf<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { items: BTreeMap::deserialize(deserializer)?, changed: BTreeSet::new() })
    }
}

/// A value that remembers whether it may have changed: whether anybody has had it to change it.
#[derive(Clone, Debug, Default)]
pub struct Tracked<T> {
    value: T,
    changed: bool,
}

impl<T> Tracked<T> {
    /// The value, if it may have changed.
    pub(crate) fn change(&self) -> Option<&T> {
        self.changed.then_some(&self.value)
    }

    /// Takes over what has changed elsewhere.
    pub(crate) fn apply(&mut self, value: T) {
        self.value = value;
    }

    /// The value is written.
    pub(crate) fn written(&mut self) {
        self.changed = false;
    }
}

impl<T> Deref for Tracked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Tracked<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.changed = true;
        &mut self.value
    }
}

impl<T: PartialEq> PartialEq for Tracked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Serialize> Serialize for Tracked<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Tracked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { value: T::deserialize(deserializer)?, changed: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_touched_has_changed() {
        let mut shelf: Shelf<String, u32> = Shelf::default();
        for (key, value) in [("a", 1), ("b", 2), ("c", 3)] {
            shelf.insert(key.to_owned(), value);
        }
        shelf.written();
        assert!(shelf.get("a").is_some() && shelf.get_mut("none").is_none() && shelf.changes().is_empty());
        *shelf.get_mut("a").unwrap() = 7;
        shelf.retain(|_, value| *value != 2);
        let changes = shelf.changes();
        assert_eq!(changes, Changes::from([("a".to_owned(), Some(7)), ("b".to_owned(), None)]));
        let mut other: Shelf<String, u32> = serde_json::from_str(r#"{"a": 1, "b": 2, "c": 3}"#).unwrap();
        other.apply(changes);
        assert_eq!(other, shelf);
        assert!(other.changes().is_empty());
    }

    #[test]
    fn whoever_gets_a_value_to_change_it_marks_it() {
        let mut tracked = Tracked::<Vec<u8>>::default();
        assert!(tracked.is_empty() && tracked.change().is_none());
        tracked.push(1);
        assert_eq!(tracked.change(), Some(&vec![1]));
        tracked.written();
        assert!(tracked.change().is_none());
    }
}
