//! A resource's tags.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Index;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sim::world::Word;

/// Tags by key, in order. Copies share them until one is changed: a stack's resource and what EC2 holds of it have the same.
#[derive(Clone, Default)]
pub struct Tags {
    /// Sorted; `None` while there never were any.
    pairs: Option<Arc<Vec<(Word, Word)>>>,
}

impl Tags {
    /// None.
    pub const fn new() -> Self {
        Self { pairs: None }
    }

    fn pairs(&self) -> &[(Word, Word)] {
        self.pairs.as_deref().map_or(&[], Vec::as_slice)
    }

    fn pairs_mut(&mut self) -> &mut Vec<(Word, Word)> {
        Arc::make_mut(self.pairs.get_or_insert_default())
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.pairs().binary_search_by(|(own, _)| own.as_str().cmp(key))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.pairs().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs().is_empty()
    }

    /// Whether there is one of this key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_ok()
    }

    /// A tag's value.
    pub fn get(&self, key: &str) -> Option<&Word> {
        self.place(key).ok().map(|place| &self.pairs()[place].1)
    }

    /// A tag's value, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Word> {
        let place = self.place(key).ok()?;
        Some(&mut self.pairs_mut()[place].1)
    }

    /// Sets a tag, and gives the value that it had.
    pub fn insert(&mut self, key: impl Into<Word>, value: impl Into<Word>) -> Option<Word> {
        let (key, value) = (key.into(), value.into());
        match self.place(&key) {
            Ok(place) => Some(std::mem::replace(&mut self.pairs_mut()[place].1, value)),
            Err(place) => {
                self.pairs_mut().insert(place, (key, value));
                None
            }
        }
    }

    /// Takes a tag away, and gives its value.
    pub fn remove(&mut self, key: &str) -> Option<Word> {
        let place = self.place(key).ok()?;
        Some(self.pairs_mut().remove(place).1)
    }

    /// Keeps only those that pass.
    pub fn retain(&mut self, mut passes: impl FnMut(&Word, &Word) -> bool) {
        if !self.is_empty() {
            self.pairs_mut().retain(|(key, value)| passes(key, value));
        }
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.pairs = None;
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Word, &Word)> {
        self.pairs().iter().map(|(key, value)| (key, value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Word> {
        self.pairs().iter().map(|(key, _)| key)
    }
}

impl PartialEq for Tags {
    fn eq(&self, other: &Self) -> bool {
        self.pairs() == other.pairs()
    }
}

impl Eq for Tags {}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<Q: AsRef<str> + ?Sized> Index<&Q> for Tags {
    type Output = Word;

    /// # Panics
    /// If there is none of this key.
    fn index(&self, key: &Q) -> &Word {
        self.get(key.as_ref()).expect("there is a tag of this key")
    }
}

impl<K: Into<Word>, V: Into<Word>> Extend<(K, V)> for Tags {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, tags: I) {
        for (key, value) in tags {
            self.insert(key, value);
        }
    }
}

impl<K: Into<Word>, V: Into<Word>> FromIterator<(K, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(tags: I) -> Self {
        let mut all = Self::new();
        all.extend(tags);
        all
    }
}

impl<K: Into<Word>, V: Into<Word>, const N: usize> From<[(K, V); N]> for Tags {
    fn from(tags: [(K, V); N]) -> Self {
        tags.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a Tags {
    type Item = (&'a Word, &'a Word);
    type IntoIter = std::iter::Map<std::slice::Iter<'a, (Word, Word)>, fn(&'a (Word, Word)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.pairs().iter().map(|(key, value)| (key, value))
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::<Word, Word>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_in_order_and_a_copy_stays_what_it_was() {
        let mut tags = Tags::from([("b", "2"), ("a", "1")]);
        let before = tags.clone();
        assert_eq!(tags.insert("a", "3").as_deref(), Some("1"));
        assert_eq!(tags.insert("c", "4"), None);
        tags.retain(|key, _| key != "b");
        *tags.get_mut("c").unwrap() = "5".into();
        assert_eq!(serde_json::to_string(&tags).unwrap(), r#"{"a":"3","c":"5"}"#);
        assert_eq!(serde_json::from_str::<Tags>(r#"{"c":"5","a":"3"}"#).unwrap(), tags);
        assert_eq!((tags.remove("a").as_deref(), tags.remove("a"), tags.len()), (Some("3"), None, 1));
        assert_eq!(before, Tags::from([("a", "1"), ("b", "2")]));
        assert!(before.contains_key("b") && before["b"] == "2" && !Tags::new().contains_key("b"));
    }
}
