//! A world that was written in form 2, by a program that was stopped in the middle of an update: of a stack with a secret, whose
//! topic had just been replaced. Another stack had been deleted before.
#![expect(clippy::disallowed_methods, reason = "a test of the world on disk")]

use serde_json::{Value as Json, json};

use super::*;
use crate::sim::world::Place;

const FILE: &str = include_str!("form_2/world.json");
const LOG: &str = include_str!("form_2/world.json.log");

fn place() -> Place {
    Place { account: HUB.parse().unwrap(), region: EAST.into() }
}

/// A stack as it was written; in form 2 an event's properties are a text.
fn written(stacks: &Json, name: &str) -> Json {
    let mut stacks = stacks.as_object().unwrap().values();
    let mut stack = stacks.find(|stack| stack["name"] == name).unwrap().clone();
    for event in stack["events"].as_array_mut().unwrap() {
        if let Some(text) = event["properties"].as_str() {
            event["properties"] = serde_json::from_str(text).unwrap();
        }
    }
    stack
}

/// A stack as it was read, deleted or not.
fn read(sim: &Sim, name: &str) -> Json {
    let find = |world: &crate::sim::World| {
        let mut stacks = world.at(&place()).cloudformation.all();
        json!(stacks.find(|stack| stack.name == name).unwrap())
    };
    sim.inspect(find).unwrap()
}

fn topics(sim: &Sim) -> Vec<(String, String)> {
    let find = |world: &crate::sim::World| {
        let records = world.at(&place()).cloudformation.records.values();
        records
            .map(|record| (record.id.clone(), record.properties["DisplayName"].as_str().unwrap().to_owned()))
            .collect()
    };
    sim.inspect(find).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_world_of_form_2_is_read_in_the_middle_of_an_update_and_goes_on_and_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let beside = folder.path().join("world.json.log");
    std::fs::write(&path, FILE).unwrap();
    std::fs::write(beside, LOG).unwrap();
    let open = || Sim::builder().origin(jiff::Timestamp::UNIX_EPOCH).open(&path).unwrap();

    let sim = open();
    let file: Json = serde_json::from_str(FILE).unwrap();
    let stacks = &file["world"]["accounts"][HUB]["regions"][EAST]["cloudformation"]["stacks"];
    assert_eq!(read(&sim, "gone-gone"), written(stacks, "gone-gone"));
    let last: Json = serde_json::from_str(LOG.lines().last().unwrap()).unwrap();
    let net = written(&last["places"][0]["cloudformation"]["stacks"], "old-net");
    assert_eq!((&net["status"], net["garbage"].as_array().unwrap().len()), (&json!("UPDATE_IN_PROGRESS"), 1));
    assert_eq!(read(&sim, "old-net"), net);

    // The update goes on where it was, and deletes what it has replaced.
    let arn = |name: &str| format!("arn:aws:sns:{EAST}:{HUB}:{name}");
    let of_last = net["resources"]["Last"]["physical_id"].as_str().unwrap().to_owned();
    let secret = |text: &str| text.to_owned();
    assert_eq!(topics(&sim).len(), 3);
    sim.advance(Duration::from_mins(1));
    let end = vec![(of_last, arn("second")), (arn("second"), secret("s3cret-after"))];
    assert_eq!(topics(&sim), end);
    let client = client!(aws_sdk_cloudformation, sim, sim.credentials(HUB), EAST);
    let told = client.describe_stacks().stack_name("old-net").send().await.unwrap();
    let stack = &told.stacks()[0];
    assert_eq!(stack.stack_status().unwrap().as_str(), "UPDATE_COMPLETE");
    let shown = |name: &str| {
        let mut parameters = stack.parameters().iter();
        parameters.find(|own| own.parameter_key() == Some(name)).unwrap().parameter_value().unwrap()
    };
    assert_eq!((shown("Secret"), shown("Name")), ("****", "second"));
    let events = client.describe_stack_events().stack_name("old-net").send().await.unwrap();
    let ids: Vec<_> = events.stack_events().iter().rev().map(|event| event.event_id().unwrap().to_owned()).collect();
    let before = net["events"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned());
    assert!(before.eq(ids.iter().take(net["events"].as_array().unwrap().len()).cloned()), "{ids:?}");

    // Whoever reads what was saved reads the same, whenever that is.
    let whole = |sim: &Sim| {
        let mut world = sim.inspect(|world| json!(world)).unwrap();
        world["now"].take();
        world
    };
    let other = open();
    assert_eq!(whole(&other), whole(&sim));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with(r#"{"format":4,"#));
}
