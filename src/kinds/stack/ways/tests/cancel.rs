//! Breaking off what runs.

use std::time::Duration;

use super::{NAME, by_hand, create_and_leave, fail, mend, status, until, update};
use crate::event::{Change, Failure};
use crate::kinds::Done;
use crate::kinds::stack::cancel;
use crate::kinds::stack::tests::{TEMPLATE, World};
use crate::kinds::tests::{owner, unseen};
use crate::sim::{Effect, Fault};

async fn cancelled(world: &World) -> Result<Done, Failure> {
    cancel(&world.dev(), NAME, &world.wanted.owner, &unseen).await
}

#[tokio::test(start_paused = true)]
async fn an_update_under_way_is_cancelled_and_everything_as_before() {
    let mut world = World::new().await;
    assert_eq!(cancelled(&world).await.unwrap().change, Change::Absent);
    let created = world.converge().await.unwrap();
    let before = world.sim.mutations();
    assert_eq!(cancelled(&world).await.unwrap(), Done::new(Change::Unchanged));
    assert_eq!(world.sim.mutations(), before, "nothing runs");

    world.set("CidrBlock", "10.0.32.0/20");
    world.crash_after(2).await;
    until(&world, "UPDATE_IN_PROGRESS").await;
    let done = cancelled(&world).await.unwrap();
    assert_eq!((done.change, done.details[0].as_str()), (Change::Cancelled, "its update is cancelled and taken back"));
    assert_eq!(status(&world).await, "UPDATE_ROLLBACK_COMPLETE");
    world.set("CidrBlock", "10.0.16.0/20");
    let done = world.converge().await.unwrap();
    assert_eq!((done.change, done.outputs), (Change::Unchanged, created.outputs));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_cancelled_is_said_with_what_to_do() {
    let world = World::new().await;
    create_and_leave(&world).await;
    let failure = cancelled(&world).await.unwrap_err();
    assert_eq!(failure.summary, "stack us-east-1-dev is being created");
    assert!(failure.help[1].contains("aws cloudformation delete-stack --stack-name us-east-1-dev"), "{failure:?}");
    until(&world, "CREATE_COMPLETE").await;
    by_hand(&world).delete_stack().stack_name(NAME).send().await.unwrap();
    assert_eq!(cancelled(&world).await.unwrap_err().summary, "stack us-east-1-dev is being deleted");

    let mut world = World::new().await;
    world.converge().await.unwrap();
    world.wanted.owner = owner("stacks.other");
    assert_eq!(cancelled(&world).await.unwrap_err().summary, "stack us-east-1-dev exists and is not this node's");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_update_is_waited_for_and_told() {
    for (wanted, said) in [
        (
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "the update was complete and could not be cancelled; it is in UPDATE_COMPLETE",
        ),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "the update was being taken back already; it is in UPDATE_ROLLBACK_COMPLETE"),
    ] {
        let mut world = World::new().await;
        world.converge().await.unwrap();
        if wanted.contains("ROLLBACK") {
            fail(&world, "Table", "UPDATE", None);
        }
        world.set("CidrBlock", "10.0.32.0/20");
        update(&world, TEMPLATE, false).await;
        until(&world, wanted).await;
        mend(&world);
        let done = cancelled(&world).await.unwrap();
        assert_eq!((done.change, done.details), (Change::Unchanged, vec![said.to_owned()]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_update_that_cannot_be_taken_back_names_what_stands_in_the_way() {
    let mut world = World::new().await;
    world.converge().await.unwrap();
    world.set("Label", "network");
    let slow =
        TEMPLATE.replace("Outputs:", "  Late: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\nOutputs:");
    update(&world, &slow, false).await;
    // The VPC is changed already, and the table behind it is being made.
    tokio::time::sleep(Duration::from_secs(3)).await;
    fail(&world, "Vpc", "UPDATE", None);
    let failure = cancelled(&world).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "stack us-east-1-dev ended in UPDATE_ROLLBACK_FAILED: Vpc (AWS::EC2::VPC): Not today."
    );
    assert!(failure.help.iter().any(|help| help.contains("--skip-resource")), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_under_way_that_fails_is_a_failure_though_it_was_only_waited_for() {
    let mut world = World::new().await;
    world.converge().await.unwrap();
    let late =
        TEMPLATE.replace("Outputs:", "  Late: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\nOutputs:");
    fail(&world, "Late", "CREATE", None);
    fail(&world, "Vpc", "UPDATE", Some(2));
    world.set("Label", "network");
    update(&world, &late, false).await;
    until(&world, "UPDATE_ROLLBACK_IN_PROGRESS").await;
    let failure = cancelled(&world).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "stack us-east-1-dev ended in UPDATE_ROLLBACK_FAILED: Vpc (AWS::EC2::VPC): Not today."
    );
    assert!(failure.help.iter().any(|help| help.contains("--skip-resource")), "{failure:?}");
    // At rest there is nothing to break off, whatever the state.
    assert_eq!(cancelled(&world).await.unwrap(), Done::new(Change::Unchanged));
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_whose_answer_is_lost_is_told_as_one() {
    let mut world = World::faulty([Fault::new(Effect::LostAfter).on("CancelUpdateStack").first(6)]).await;
    world.converge().await.unwrap();
    world.set("CidrBlock", "10.0.32.0/20");
    update(&world, TEMPLATE, false).await;
    let done = cancelled(&world).await.unwrap();
    assert_eq!((done.change, done.details[0].as_str()), (Change::Cancelled, "its update is cancelled and taken back"));
    assert_eq!(status(&world).await, "UPDATE_ROLLBACK_COMPLETE");
}
