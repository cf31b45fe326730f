//! Parameters that keep their values, over the embedded AWS.

use super::super::tests::{TEMPLATE, World};
use super::super::{Change, ChangeSets, foresee};
use super::*;
use crate::preview::Action;

#[test]
fn what_is_to_be_kept_needs_a_default_before_there_is_a_stack() {
    let text = "Parameters:\n  A: {Type: String}\n  B: {Type: String, Default: b}\nResources: {}";
    let document = Document::read(text).unwrap();
    let check = |kept: &[&str]| {
        let kept: Vec<String> = kept.iter().map(|name| (*name).to_owned()).collect();
        check_creation("s", &kept, Some(&document)).map_err(|failure| failure.to_string())
    };
    assert_eq!(check(&["B"]), Ok(()));
    let said = check(&["B", "A"]).unwrap_err();
    assert_eq!(said, "stack s cannot be made: its parameter A is to keep its value, and has none yet, nor a default");
    assert!(check_creation("s", &["A".to_owned()], None).is_ok(), "CloudFormation tells");
}

/// A stack with a secret that one of its outputs gives away.
async fn standing() -> World {
    let mut world = World::new().await;
    world.wanted.template = format!("{TEMPLATE}  Label: {{Value: !Ref Label}}\n")
        .replace("  Label: {Type: String, Default: net}", "  Label: {Type: String, NoEcho: true}");
    world.wanted.parameters.insert("Label".to_owned(), "s3cret".to_owned());
    world.converge().await.unwrap();
    world.wanted.parameters.shift_remove("Label");
    world.wanted.kept = vec!["Label".to_owned()];
    world
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_never_in_doubt_and_stays_through_an_update() {
    let mut world = standing().await;
    let (done, calls) = world.calls().await;
    assert_eq!(done.change, Change::Unchanged);
    assert!(!calls.contains(&"CreateChangeSet".to_owned()), "{calls:?}");
    let outlook = foresee(&world.dev(), &world.draft(), None).await.unwrap();
    assert_eq!((outlook.foreseen.action, outlook.foreseen.parameters), (Action::Nothing, Vec::new()));

    world.wanted.tags.insert("Team".to_owned(), "net".to_owned());
    let outlook = foresee(&world.dev(), &world.draft(), Some(&ChangeSets::default())).await.unwrap();
    assert_eq!((outlook.foreseen.action, outlook.foreseen.parameters), (Action::Update, Vec::new()));
    let done = world.converge().await.unwrap();
    assert_eq!((done.change, done.outputs["Label"].as_str()), (Change::Updated, "s3cret"));
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_is_not_there_has_nothing_to_keep() {
    let mut world = standing().await;
    world.destroy().await.unwrap();
    let failures =
        [foresee(&world.dev(), &world.draft(), None).await.unwrap_err(), world.converge().await.unwrap_err()];
    for failure in failures {
        assert!(failure.cause.starts_with("its parameter Label is to keep its value"), "{failure}");
    }
    world.wanted.template = world.wanted.template.replace("NoEcho: true", "NoEcho: true, Default: net");
    assert_eq!(world.converge().await.unwrap().outputs["Label"], "net");
}
