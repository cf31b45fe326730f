//! A hub fails, which no preview can show: what was begun on its early outputs is taken back, and what stands then is shown and
//! done as ever.

use std::collections::BTreeMap;

use orch::event::Event;
use orch::preview::Action;
use orch::sim::{Faults, ResourceFault};

use super::cases::{self, Case, case};
use super::files::Edit;
use super::house::House;
use super::{holds, tried};

/// What is still being made, or changed, when all else of the hub is there.
const SLOW: Edit =
    ("hub.yaml", "Outputs:\n", "  Slow: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref Range}}\nOutputs:\n");

/// The spoke needs nothing of the hub, so that only the links do.
const ALONE: Edit = ("plan.toml", ", Peer = \"{{ stacks.hub.outputs.Range }}\"", "");

fn failing() -> Faults {
    let fault = ResourceFault {
        stack: Some("net-hub".to_owned()),
        logical_id: Some("Slow".to_owned()),
        first: Some(1),
        reason: "no more of these".to_owned(),
        ..ResourceFault::default()
    };
    Faults { resources: vec![fault], ..Faults::default() }
}

/// How each node has ended.
fn ends(told: &[Event]) -> BTreeMap<String, &'static str> {
    let end = |event: &Event| match event {
        Event::NodeDone { node, .. } => Some((node.to_string(), "done")),
        Event::NodeFailed { node, .. } => Some((node.to_string(), "failed")),
        Event::NodeWithdrawn { node, .. } => Some((node.to_string(), "taken back")),
        Event::NodeSkipped { node, .. } => Some((node.to_string(), "skipped")),
        _ => None,
    };
    told.iter().filter_map(end).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_hub_has_taken_down_is_shown_as_missing_and_made_as_shown() {
    let with = |edits: &[Edit], more: &[Edit]| -> &'static [Edit] { [edits, more, &[SLOW]].concat().leak() };
    let (early, taken, moved) = (&[cases::EARLY, ALONE][..], &cases::VPC_TAKEN[..], &[cases::MOVED][..]);
    let links = ["peerings.link", "routes.back", "routes.out"];
    for (name, edits, stands, end) in [
        ("early outputs", with(early, &[]), None, "taken back"),
        ("early inputs", with(taken, &[]), None, "taken back"),
        ("early outputs of what is replaced", with(early, moved), Some(with(early, &[])), "taken back"),
        // The spoke stands, and waits for the hub; so nothing of the links is begun.
        ("early inputs of what is replaced", with(taken, moved), Some(with(taken, &[])), "skipped"),
    ] {
        let case = Case { before: stands, ..case(name, edits) };
        let house = House::build(&case).await;
        house.slow("AWS::SNS::Topic");
        let (shown, ahead) = house.preview(tried(&case), false).await;
        house.sim.set_faults(failing());
        let told = house.apply(tried(&case), ahead).await;
        let ends = ends(&told);
        assert_eq!(ends["stacks.hub"], "failed", "{name}: {told:#?}");
        assert_eq!(links.map(|node| ends[node]), [end; 3], "{name}: {told:#?}");
        // Whatever was shown has an end, and nothing else has.
        assert_eq!(ends.len(), shown.nodes.len(), "{name}: {told:#?}");
        house.assert_no_change_sets(name).await;

        house.sim.set_faults(Faults::default());
        let (again, ahead) = house.preview(tried(&case), false).await;
        let action = |node: &str| again.nodes.iter().find(|found| found.node.to_string() == node).unwrap().action;
        assert!(action("stacks.hub").is_change(), "{name}: {again:#?}");
        if stands.is_none() {
            assert_eq!(links.map(action), [Action::Create; 3], "{name}: {again:#?}");
        }
        let told = house.apply(tried(&case), ahead).await;
        holds(name, &again, &told);
        assert!(!told.iter().any(|event| matches!(event, Event::NodeFailed { .. })), "{name}: {told:#?}");
        let (rest, ahead) = house.preview(tried(&case), false).await;
        ahead.sweep().await;
        assert!(rest.is_nothing(), "{name}: something is left to do:\n{}", House::shown(&rest));
    }
}
