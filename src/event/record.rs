//! An event with its time, as it is written down.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Event;

/// The version of the written form. New events and new fields do not change it; a reader passes over fields that it
/// does not know.
pub const VERSION: u32 = 1;

/// An event and when it happened: one line of the journal and of `--output json`.
///
/// It is written flat, with the version first: `{"version":1,"at":1764000000000,"event":"node_not_started",…}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: Version,
    /// When it happened; written as milliseconds since 1970 in UTC.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Record {
    /// The event `event`, which happened at `at`.
    pub const fn new(at: Timestamp, event: Event) -> Self {
        Self { version: Version, at, event }
    }
}

/// Stands for [`VERSION`]: no other can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            VERSION => Ok(Self),
            other => Err(serde::de::Error::custom(format_args!(
                "the event has version {other}, and only version {VERSION} can be read"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CallCount, Change, Command, Failure, Resource, StopReason, Tally};
    use super::*;
    use crate::ids::NodeId;

    fn node(id: &str) -> NodeId {
        id.parse().unwrap()
    }

    /// One of each event, with every field filled somewhere.
    fn all() -> Vec<Event> {
        let spoke = || node("stacks.spoke[dev]");
        vec![
            Event::RunStarted { plan: "core".to_owned(), command: Command::Apply, nodes: 13 },
            Event::NodePlanned {
                node: node("peerings.spoke[dev]"),
                accounts: vec!["dev".into(), "master".into()],
                region: "us-east-1".into(),
                needs: vec![spoke()],
            },
            Event::NodeStarted { node: spoke(), account: "dev".into(), region: "us-east-1".into() },
            Event::NodeProgress {
                node: spoke(),
                what: "VPC".to_owned(),
                status: "CREATE_FAILED".to_owned(),
                reason: Some("limit \"5\" reached\n".to_owned()),
                resource: Some(Box::new(Resource {
                    kind: "AWS::EC2::VPC".to_owned(),
                    id: Some("vpc-1".to_owned()),
                    at: Some(Timestamp::from_millisecond(5).unwrap()),
                })),
            },
            Event::RollOutHeld { group: "stacks.spoke".to_owned(), failed: vec![spoke()], left: 38 },
            Event::NodeDone {
                node: spoke(),
                change: Change::Created,
                details: vec!["12 resources".to_owned()],
                outputs: [("VPCId".to_owned(), "vpc-1".to_owned())].into(),
                took_ms: 4_000,
            },
            Event::NodeFailed {
                node: spoke(),
                error: Failure::new("stack failed", "VpcLimitExceeded").at("a.toml:3:1").help("ask").request("1-2"),
                took_ms: u64::MAX,
            },
            Event::NodeWithdrawn {
                node: node("peerings.spoke[dev]"),
                because: spoke(),
                details: vec!["deleted pcx-1".to_owned()],
                took_ms: 9,
            },
            Event::NodeAborted { node: spoke(), took_ms: 0 },
            Event::NodeSkipped { node: node("peerings.spoke[dev]"), because: spoke() },
            Event::NodeNotStarted { node: node("routes.a") },
            Event::Stopping { reason: StopReason::FailFast, left: 3, running: 2 },
            Event::CallsMade {
                account: "dev".into(),
                region: "us-east-1".into(),
                calls: [("CreateStack".to_owned(), CallCount { made: 3, throttled: 1, failed: 0 })].into(),
            },
            Event::RunFinished {
                tally: Tally { done: 1, changed: 1, failed: 2, skipped: 3, not_started: 4, aborted: 5 },
                took_ms: 12_345,
                saved_ms: Some(6),
            },
        ]
    }

    #[test]
    fn every_event_reads_back_from_its_line() {
        for event in all() {
            let record = Record::new(Timestamp::from_millisecond(1_764_000_000_123).unwrap(), event);
            let line = serde_json::to_string(&record).unwrap();
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
        }
    }

    #[test]
    fn the_written_form_is_flat_and_stable() {
        let lines: Vec<_> = all()
            .into_iter()
            .map(|event| serde_json::to_string(&Record::new(Timestamp::from_millisecond(7).unwrap(), event)).unwrap())
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"version":1,"at":7,"event":"run_started","plan":"core","command":"apply","nodes":13}
        {"version":1,"at":7,"event":"node_planned","node":"peerings.spoke[dev]","accounts":["dev","master"],"region":"us-east-1","needs":["stacks.spoke[dev]"]}
        {"version":1,"at":7,"event":"node_started","node":"stacks.spoke[dev]","account":"dev","region":"us-east-1"}
        {"version":1,"at":7,"event":"node_progress","node":"stacks.spoke[dev]","what":"VPC","status":"CREATE_FAILED","reason":"limit \"5\" reached\n","resource":{"type":"AWS::EC2::VPC","id":"vpc-1","at":5}}
        {"version":1,"at":7,"event":"roll_out_held","group":"stacks.spoke","failed":["stacks.spoke[dev]"],"left":38}
        {"version":1,"at":7,"event":"node_done","node":"stacks.spoke[dev]","change":"created","details":["12 resources"],"outputs":{"VPCId":"vpc-1"},"took_ms":4000}
        {"version":1,"at":7,"event":"node_failed","node":"stacks.spoke[dev]","error":{"summary":"stack failed","cause":"VpcLimitExceeded","place":"a.toml:3:1","help":["ask"],"request_id":"1-2"},"took_ms":18446744073709551615}
        {"version":1,"at":7,"event":"node_withdrawn","node":"peerings.spoke[dev]","because":"stacks.spoke[dev]","details":["deleted pcx-1"],"took_ms":9}
        {"version":1,"at":7,"event":"node_aborted","node":"stacks.spoke[dev]","took_ms":0}
        {"version":1,"at":7,"event":"node_skipped","node":"peerings.spoke[dev]","because":"stacks.spoke[dev]"}
        {"version":1,"at":7,"event":"node_not_started","node":"routes.a"}
        {"version":1,"at":7,"event":"stopping","reason":"fail_fast","left":3,"running":2}
        {"version":1,"at":7,"event":"calls_made","account":"dev","region":"us-east-1","calls":{"CreateStack":{"made":3,"throttled":1}}}
        {"version":1,"at":7,"event":"run_finished","done":1,"changed":1,"failed":2,"skipped":3,"not_started":4,"aborted":5,"took_ms":12345,"saved_ms":6}
        "#);
    }

    #[test]
    fn another_version_is_refused_and_unknown_fields_are_passed_over() {
        let line = r#"{"version":1,"at":7,"event":"node_not_started","node":"routes.a","later":true}"#;
        assert_eq!(serde_json::from_str::<Record>(line).unwrap().event.node(), Some(&node("routes.a")));
        let error = serde_json::from_str::<Record>(&line.replace(":1,", ":2,")).unwrap_err();
        assert!(error.to_string().contains("version 2"), "{error}");
    }

    #[test]
    fn a_tally_is_a_success_only_if_every_node_is_done() {
        assert!(Tally { done: 2, ..Tally::default() }.is_success());
        for tally in [
            Tally { done: 2, failed: 1, ..Tally::default() },
            Tally { done: 2, skipped: 1, ..Tally::default() },
            Tally { done: 2, not_started: 1, ..Tally::default() },
            Tally { done: 2, aborted: 1, ..Tally::default() },
        ] {
            assert!(!tally.is_success(), "{tally:?}");
        }
    }
}
