//! Reading what another version of orch may have written: an entry that cannot be read is passed over, and the others
//! count.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

/// A map without the entries that cannot be read.
pub(super) fn map<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: DeserializeOwned + Ord,
    V: DeserializeOwned,
{
    let entries = BTreeMap::<String, Json>::deserialize(deserializer)?.into_iter();
    let read =
        |(key, value)| Some((serde_json::from_value(Json::String(key)).ok()?, serde_json::from_value(value).ok()?));
    Ok(entries.filter_map(read).collect())
}

/// A list without the items that cannot be read.
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let items = Vec::<Json>::deserialize(deserializer)?.into_iter();
    Ok(items.filter_map(|item| serde_json::from_value(item).ok()).collect())
}
