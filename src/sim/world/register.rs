//! What exists of one sort, by id or name.

use std::collections::BTreeMap;
use std::ops::Index;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Word;

/// A map in the order of its keys that takes no more room than what is in it, and whose copy costs nothing: an account has
/// a few of each sort, a fleet has thousands of accounts, and what was there before is kept until a change has come off.
#[derive(Debug)]
pub struct Register<V> {
    /// Sorted; `None` while nothing was ever in it.
    entries: Option<Arc<Vec<Entry<V>>>>,
}

type Entry<V> = (Word, Arc<V>);

impl<V> Register<V> {
    /// Nothing.
    pub const fn new() -> Self {
        Self { entries: None }
    }

    fn entries(&self) -> &[Entry<V>] {
        self.entries.as_deref().map_or(&[], Vec::as_slice)
    }

    fn entries_mut(&mut self) -> &mut Vec<Entry<V>> {
        Arc::make_mut(self.entries.get_or_insert_default())
    }

    /// Where a key is, or where it belongs.
    fn place(&self, key: &str) -> Result<usize, usize> {
        self.entries().binary_search_by(|(own, _)| own.as_str().cmp(key))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Whether there is one of this key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_ok()
    }

    /// A value.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.shared(key).map(|value| &**value)
    }

    /// A value, to be kept without a copy.
    pub fn shared(&self, key: &str) -> Option<&Arc<V>> {
        self.place(key).ok().map(|place| &self.entries()[place].1)
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Word> {
        self.entries().iter().map(|(key, _)| key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.entries().iter().map(|(_, value)| &**value)
    }

    /// The values, to be kept without a copy.
    pub fn all_shared(&self) -> impl DoubleEndedIterator<Item = &Arc<V>> {
        self.entries().iter().map(|(_, value)| value)
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Word, &V)> {
        self.entries().iter().map(|(key, value)| (key, &**value))
    }

    /// Puts a value in the place of the one that has its key, if there is one.
    pub fn insert(&mut self, key: impl Into<Word>, value: impl Into<Arc<V>>) {
        let (key, value) = (key.into(), value.into());
        match self.place(&key) {
            Ok(place) => self.entries_mut()[place].1 = value,
            Err(place) => self.entries_mut().insert(place, (key, value)),
        }
    }

    /// Keeps only what passes.
    pub fn retain(&mut self, mut passes: impl FnMut(&Word, &V) -> bool) {
        if !self.is_empty() {
            self.entries_mut().retain(|(key, value)| passes(key, value));
        }
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.entries = None;
    }
}

impl<V: Clone> Register<V> {
    /// A value, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        let place = self.place(key).ok()?;
        Some(Arc::make_mut(&mut self.entries_mut()[place].1))
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        let entries = self.entries.as_mut().map(Arc::make_mut);
        entries.into_iter().flatten().map(|(_, value)| Arc::make_mut(value))
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: &str) -> Option<V> {
        let place = self.place(key).ok()?;
        let (_, value) = self.entries_mut().remove(place);
        Some(Arc::unwrap_or_clone(value))
    }
}

impl<V> Clone for Register<V> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone() }
    }
}

impl<V> Default for Register<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: PartialEq> PartialEq for Register<V> {
    fn eq(&self, other: &Self) -> bool {
        self.entries() == other.entries()
    }
}

impl<V: Eq> Eq for Register<V> {}

impl<V, Q: AsRef<str> + ?Sized> Index<&Q> for Register<V> {
    type Output = V;

    /// # Panics
    /// If there is none of this key.
    fn index(&self, key: &Q) -> &V {
        self.get(key.as_ref()).expect("one of this key is there")
    }
}

impl<'a, V> IntoIterator for &'a Register<V> {
    type Item = (&'a Word, &'a V);
    type IntoIter = std::iter::Map<std::slice::Iter<'a, Entry<V>>, fn(&'a Entry<V>) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries().iter().map(|(key, value)| (key, &**value))
    }
}

impl<V: Clone> IntoIterator for Register<V> {
    type Item = (Word, V);
    type IntoIter = std::vec::IntoIter<(Word, V)>;

    fn into_iter(self) -> Self::IntoIter {
        let entries = self.entries.map(Arc::unwrap_or_clone).unwrap_or_default();
        let whole = entries.into_iter().map(|(key, value)| (key, Arc::unwrap_or_clone(value)));
        whole.collect::<Vec<_>>().into_iter()
    }
}

impl<K: Into<Word>, V> FromIterator<(K, V)> for Register<V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(items: I) -> Self {
        let by_key: BTreeMap<Word, V> = items.into_iter().map(|(key, value)| (key.into(), value)).collect();
        let entries: Vec<Entry<V>> = by_key.into_iter().map(|(key, value)| (key, value.into())).collect();
        Self { entries: (!entries.is_empty()).then(|| entries.into()) }
    }
}

impl<V: Serialize> Serialize for Register<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Register<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::<Word, V>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_in_order_and_knows_each_key_once() {
        let mut register = Register::new();
        for (key, value) in [("c", 1), ("a", 2), ("b", 3), ("a", 4)] {
            register.insert(key, value);
        }
        let pairs: Vec<_> = register.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        assert_eq!(pairs, [("a", 4), ("b", 3), ("c", 1)]);
        assert_eq!((register.len(), register["b"], register.get("d")), (3, 3, None));
        assert_eq!((register.remove("b"), register.remove("b")), (Some(3), None));
        assert!(!register.contains_key("b") && register.contains_key("c"));
        register.retain(|key, _| key != "c");
        register.insert("c", 1);
        let read: Register<i32> = serde_json::from_str(&serde_json::to_string(&register).unwrap()).unwrap();
        assert_eq!(read, register);
        register.clear();
        assert!(register.is_empty() && Register::<i32>::from_iter([("a", 1); 0]) == register);
    }

    #[test]
    fn a_copy_stays_what_it_was() {
        let mut register: Register<String> =
            [("a", "one"), ("b", "two")].map(|(key, value)| (key, value.to_owned())).into_iter().collect();
        let before = register.clone();
        register.get_mut("a").unwrap().push('!');
        register.values_mut().for_each(|value| value.push('?'));
        assert!(register.get_mut("c").is_none());
        assert_eq!((register["a"].as_str(), register["b"].as_str()), ("one!?", "two?"));
        assert_eq!((before["a"].as_str(), before["b"].as_str()), ("one", "two"));
        assert!(Arc::ptr_eq(before.shared("a").unwrap(), before.clone().shared("a").unwrap()));
        assert_eq!(before.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), ["one", "two"]);
    }
}
