//! Parameters that keep their values, over the embedded AWS.

use super::super::tests::{TEMPLATE, World};
use super::super::{Change, ChangeSets, foresee};
use crate::aws::Template;
use crate::kinds::tests::{DEV, at};
use crate::preview::Action;
use crate::sim::{Effect, Fault, Faults, ResourceFault, Sim};

/// A stack with a secret that one of its outputs gives away.
async fn standing() -> World {
    let mut world = World::new().await;
    secret(&mut world);
    world.converge().await.unwrap();
    keep(&mut world);
    world
}

fn secret(world: &mut World) {
    world.wanted.template = format!("{TEMPLATE}  Label: {{Value: !Ref Label}}\n")
        .replace("  Label: {Type: String, Default: net}", "  Label: {Type: String, NoEcho: true}")
        .into();
    world.set("Label", "s3cret");
}

fn keep(world: &mut World) {
    world.wanted.parameters.shift_remove("Label");
    world.wanted.kept = vec!["Label".to_owned()];
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
    world.wanted.template = world.wanted.template.replace("NoEcho: true", "NoEcho: true, Default: net").into();
    assert_eq!(world.converge().await.unwrap().outputs["Label"], "net");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_anew_is_not_deleted_for_it() {
    let mut faults = Faults::default();
    faults.resources.push(ResourceFault { logical_id: Some("Vpc".to_owned()), ..ResourceFault::default() });
    let mut world = World::of(Sim::builder().faults(faults)).await;
    secret(&mut world);
    world.converge().await.unwrap_err();
    assert_eq!(status(&world).await.as_deref(), Some("ROLLBACK_COMPLETE"));
    keep(&mut world);
    let failures =
        [foresee(&world.dev(), &world.draft(), None).await.unwrap_err(), world.converge().await.unwrap_err()];
    for failure in failures {
        assert!(failure.cause.starts_with("its parameter Label is to keep its value"), "{failure}");
    }
    assert_eq!(status(&world).await.as_deref(), Some("ROLLBACK_COMPLETE"));
}

#[tokio::test(start_paused = true)]
async fn what_its_own_account_does_not_take_replaces_nothing() {
    let mut faults = Faults::default();
    faults.resources.push(ResourceFault { logical_id: Some("Vpc".to_owned()), ..ResourceFault::default() });
    let world = World::of(Sim::builder().faults(faults)).await;
    world.converge().await.unwrap_err();
    // The account took it then, and another one does so now, but this one no longer.
    world.sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).on("ValidateTemplate").by(DEV)]));
    let hub = at(&world.sessions, "hub", "us-east-1");
    hub.check_template(&Template::Text(TEMPLATE.into())).await.unwrap();
    let failure = world.converge().await.unwrap_err();
    assert!(failure.to_string().contains("ValidateTemplate"), "{failure}");
    assert_eq!(status(&world).await.as_deref(), Some("ROLLBACK_COMPLETE"));
}

async fn status(world: &World) -> Option<String> {
    world.dev().stack(&world.wanted.name).await.unwrap().map(|stack| stack.status.to_string())
}

#[tokio::test(start_paused = true)]
async fn the_mask_of_what_is_kept_is_no_value_of_an_output() {
    let mut world = standing().await;
    world.wanted.template = world.wanted.template.replace(", NoEcho: true", "").into();
    world.wanted.tags.insert("Team".to_owned(), "net".to_owned());
    let outlook = foresee(&world.dev(), &world.draft(), Some(&ChangeSets::default())).await.unwrap();
    assert_eq!(outlook.foreseen.action, Action::Update);
    assert_eq!(outlook.outputs.get("Label"), None, "{:?}", outlook.outputs);
}

#[tokio::test(start_paused = true)]
async fn what_the_template_does_not_have_cannot_be_kept() {
    let mut world = standing().await;
    world.wanted.kept = vec!["Lable".to_owned()];
    let failures =
        [foresee(&world.dev(), &world.draft(), None).await.unwrap_err(), world.converge().await.unwrap_err()];
    for failure in failures {
        assert_eq!(
            (failure.to_string().as_str(), failure.help[0].as_str()),
            (
                "stack us-east-1-dev is to keep parameter Lable: template spoke.yaml has no such parameter",
                "correct keep_parameters: it has CidrBlock, Label"
            )
        );
    }
}
