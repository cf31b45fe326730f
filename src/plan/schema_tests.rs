//! The schema says what the readers know.

use std::collections::BTreeSet;

use super::super::{account, group};
use super::*;
use crate::ids::Kind;

fn definition<'s>(schema: &'s Json, name: &str) -> &'s Json {
    &schema["$defs"][name]
}

fn keys(schema: &Json) -> BTreeSet<&str> {
    schema["properties"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_schema_knows_the_keys_that_the_readers_know() {
    let schema = schema();
    for (name, known) in [
        ("AccountTable", &account::KEYS[..]),
        ("StackTable", group::keys(Kind::Stack)),
        ("PeeringTable", group::keys(Kind::Peering)),
        ("RouteTable", group::keys(Kind::Route)),
        ("BucketTable", &super::super::template_bucket::KEYS),
        ("SharedBucketTable", &super::super::shared_bucket::KEYS),
        ("MovedTable", &super::super::moved::KEYS),
        ("ParameterTable", &super::super::supply::KEYS),
        ("SideTable", &super::super::peering::SIDE_KEYS),
        ("WavesTable", &super::super::waves::KEYS),
    ] {
        assert_eq!(keys(definition(&schema, name)), known.iter().copied().collect(), "{name}");
    }
    assert_eq!(keys(&schema), super::super::load::KEYS.into_iter().collect());
}

#[test]
fn every_key_has_a_description_and_an_example() {
    let schema = schema();
    let tables = schema["$defs"].as_object().unwrap().iter().map(|(name, table)| (name.as_str(), table));
    for (name, table) in tables.chain([("a plan", &schema)]) {
        for (key, property) in table["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}.{key} has no description: {property}");
            assert!(property["examples"].is_array(), "{name}.{key} has no example: {property}");
        }
    }
}

#[test]
fn nothing_may_be_null() {
    assert!(!schema().to_string().contains("\"null\""));
}
