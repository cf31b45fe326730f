//! The whole inventory and its written form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Account, Durations, Laid, tolerant};
use crate::ids::AccountId;

/// The version of the written form. New fields do not change it: a reader keeps those that it does not know.
pub const VERSION: u32 = 1;

/// What is remembered of one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The version that it was written in.
    version: u32,
    /// The plan's name.
    pub plan: String,
    /// The accounts that it has used.
    #[serde(default, deserialize_with = "tolerant::map")]
    pub accounts: BTreeMap<AccountId, Account>,
    /// The routes that it has made.
    #[serde(default, deserialize_with = "tolerant::list", skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Laid>,
    /// How long its nodes took.
    #[serde(default, skip_serializing_if = "Durations::is_empty")]
    pub durations: Durations,
    /// How long AWS's own operations took over them, without what orch itself needed before and behind.
    #[serde(default, skip_serializing_if = "Durations::is_empty")]
    pub operations: Durations,
    /// What another version of orch has written, kept as it is.
    #[serde(flatten)]
    others: BTreeMap<String, Json>,
}

/// Why a text is no inventory of a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    /// It is not the written form of one.
    #[error("it is not an inventory: {0}")]
    NotOne(String),
    /// It is another plan's.
    #[error("it is the inventory of plan `{0}`")]
    OtherPlan(String),
}

impl Inventory {
    /// Nothing is remembered of a plan.
    pub fn empty(plan: &str) -> Self {
        Self {
            version: VERSION,
            plan: plan.to_owned(),
            accounts: BTreeMap::new(),
            routes: Vec::new(),
            durations: Durations::default(),
            operations: Durations::default(),
            others: BTreeMap::new(),
        }
    }

    /// Reads the written form. Entries that cannot be read are passed over, fields that are not known are kept.
    ///
    /// # Errors
    ///
    /// It is not an inventory, or that of another plan.
    pub fn read(plan: &str, bytes: &[u8]) -> Result<Self, Damaged> {
        let read: Self = serde_json::from_slice(bytes).map_err(|error| Damaged::NotOne(error.to_string()))?;
        if read.plan == plan { Ok(read) } else { Err(Damaged::OtherPlan(read.plan)) }
    }

    /// The written form, ended by a line break.
    ///
    /// # Panics
    ///
    /// Never: all keys of its maps are texts.
    pub fn written(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("names are texts");
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::News;
    use super::*;
    use crate::event::Change;

    fn route(table: &str, target: &str) -> Laid {
        Laid {
            node: "routes.out[dev]".parse().unwrap(),
            account: "222222222222".parse().unwrap(),
            region: "us-east-1".into(),
            table: table.to_owned(),
            destination: "10.0.0.0/8".to_owned(),
            target: target.to_owned(),
        }
    }

    fn account(regions: &[&str]) -> (AccountId, Account) {
        let regions = regions.iter().map(|region| (*region).into()).collect();
        let role = Some("Deploy".to_owned());
        ("222222222222".parse().unwrap(), Account { regions, role, ..Account::new("dev".into()) })
    }

    fn full() -> Inventory {
        let mut inventory = Inventory::empty("net");
        inventory.take_in(News {
            accounts: vec![account(&["us-east-1"])],
            laid: vec![route("rtb-1", "tgw-1"), route("rtb-2", "tgw-1")],
            took: vec![("stacks.hub".parse().unwrap(), Change::Created, 90_000)],
            worked: vec![("stacks.hub".parse().unwrap(), Change::Created, 85_000)],
            ..News::default()
        });
        inventory
    }

    #[test]
    fn what_is_written_reads_back() {
        assert_eq!(Inventory::read("net", full().written().as_bytes()).unwrap(), full());
    }

    #[test]
    fn the_written_form_is_stable() {
        insta::assert_snapshot!(full().written(), @r#"
        {
          "version": 1,
          "plan": "net",
          "accounts": {
            "222222222222": {
              "name": "dev",
              "regions": [
                "us-east-1"
              ],
              "role": "Deploy"
            }
          },
          "routes": [
            {
              "node": "routes.out[dev]",
              "account": "222222222222",
              "region": "us-east-1",
              "table": "rtb-1",
              "destination": "10.0.0.0/8",
              "target": "tgw-1"
            },
            {
              "node": "routes.out[dev]",
              "account": "222222222222",
              "region": "us-east-1",
              "table": "rtb-2",
              "destination": "10.0.0.0/8",
              "target": "tgw-1"
            }
          ],
          "durations": {
            "stacks.hub": {
              "created": [
                90000
              ]
            }
          },
          "operations": {
            "stacks.hub": {
              "created": [
                85000
              ]
            }
          }
        }
        "#);
    }

    #[test]
    fn what_is_remembered_of_a_node_goes_on_by_its_present_name() {
        let mut inventory = full();
        let names =
            [("routes.out[dev]", "routes.way[dev]"), ("stacks.hub", "stacks.core"), ("stacks.odd", "stacks.even")];
        let renamed = names.map(|(from, to)| (from.parse().unwrap(), to.parse().unwrap())).to_vec();
        inventory.take_in(News { renamed: renamed.clone(), ..News::default() });
        assert!(inventory.routes.iter().all(|route| route.node == renamed[0].1));
        let expected = |id: &str| inventory.durations.expected(&id.parse().unwrap(), Change::Created);
        assert_eq!((expected("stacks.hub"), expected("stacks.core")), (None, Some(90_000)));
        let worked = |id: &str| inventory.operations.expected(&id.parse().unwrap(), Change::Created);
        assert_eq!((worked("stacks.hub"), worked("stacks.core")), (None, Some(85_000)));
        let before = inventory.clone();
        inventory.rename(&renamed);
        assert_eq!(inventory, before, "renamed twice, it is no other");
    }

    #[test]
    fn what_another_version_wrote_is_passed_over_or_kept() {
        let text = full().written();
        let newer = text
            .replace("\"version\": 1", "\"version\": 2,\n  \"later\": {\"some\": \"thing\"}")
            .replace("\"stacks.hub\": {", "\"lambdas.new\": {\"warmed\": [1]},\n    \"stacks.hub\": {")
            .replace("\"table\": \"rtb-1\"", "\"tables\": [\"rtb-1\"]");
        let read = Inventory::read("net", newer.as_bytes()).unwrap();
        assert_eq!((read.routes, read.durations), (vec![route("rtb-2", "tgw-1")], full().durations));
        assert_eq!(read.others["later"]["some"], "thing");
    }

    #[test]
    fn what_is_no_inventory_of_the_plan_is_said() {
        for text in ["", "{", "[]", "{\"version\": 1}", "{\"version\": 1, \"plan\": \"net\", \"accounts\": 7}"] {
            assert!(matches!(Inventory::read("net", text.as_bytes()), Err(Damaged::NotOne(_))), "{text}");
        }
        let other = Inventory::read("other", full().written().as_bytes());
        assert_eq!(other.unwrap_err().to_string(), "it is the inventory of plan `net`");
    }

    #[test]
    fn regions_add_up_and_a_route_takes_the_place_of_another_at_its_table_and_destination() {
        let mut inventory = full();
        let news = News {
            accounts: vec![account(&["eu-west-1"])],
            laid: vec![route("rtb-1", "tgw-2")],
            gone: vec![route("rtb-2", "tgw-1")],
            ..News::default()
        };
        inventory.take_in(news.clone());
        let known = &inventory.accounts[&account(&[]).0];
        assert_eq!(*known, account(&["eu-west-1", "us-east-1"]).1);
        assert_eq!(inventory.routes, [route("rtb-1", "tgw-2")]);
        let before = inventory.clone();
        inventory.take_in(news);
        assert_eq!(inventory, before, "taken in twice, it is no other");
        inventory.take_in(News { emptied: vec![account(&[]).0], ..News::default() });
        assert!(inventory.accounts.is_empty());
    }
}
