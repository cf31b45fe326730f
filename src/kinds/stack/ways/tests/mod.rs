//! The ways out, each from where CloudFormation itself has brought the stack.

mod cancel;

use std::time::Duration;

use aws_sdk_cloudformation::config::{BehaviorVersion, Region};
use aws_sdk_cloudformation::types::{ChangeSetType, OnFailure, Parameter, Tag};

use crate::aws::tests::between::Said;
use crate::event::Change;
use crate::kinds::Done;
use crate::kinds::stack::Allowed;
use crate::kinds::stack::tests::{TEMPLATE, World};
use crate::kinds::tests::{DEV, calls_since, ec2};
use crate::sim::ResourceFault;

const NAME: &str = "us-east-1-dev";

/// CloudFormation as somebody else uses it.
fn by_hand(world: &World) -> aws_sdk_cloudformation::Client {
    let config = aws_sdk_cloudformation::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(world.sim.http_client())
        .time_source(world.sim.time_source())
        .credentials_provider(world.sim.credentials(DEV))
        .region(Region::new("us-east-1"))
        .build();
    aws_sdk_cloudformation::Client::from_conf(config)
}

/// What the plan gives the stack, in the SDK's types.
fn given(world: &World) -> (Vec<Parameter>, Vec<Tag>) {
    let parameter = |(key, value): (&String, &String)| Parameter::builder().parameter_key(key).parameter_value(value);
    let parameters = world.wanted.parameters.iter().map(|one| parameter(one).build()).collect();
    let tags = world.wanted.owner.with(&world.wanted.tags).into_iter();
    (parameters, tags.map(|(key, value)| Tag::builder().key(key).value(value).build()).collect())
}

/// Creates the stack as the plan has it, to be left as it is if that fails.
async fn create_and_leave(world: &World) {
    let (parameters, tags) = given(world);
    let request = by_hand(world).create_stack().stack_name(NAME).template_body(&*world.wanted.template);
    let request = request.set_parameters(Some(parameters)).set_tags(Some(tags));
    request.on_failure(OnFailure::DoNothing).send().await.unwrap();
}

/// Updates the stack to what the plan has.
async fn update(world: &World, template: &str, leave: bool) {
    let (parameters, tags) = given(world);
    let request = by_hand(world).update_stack().stack_name(NAME).template_body(template);
    let request = request.set_parameters(Some(parameters)).set_tags(Some(tags));
    request.disable_rollback(leave).send().await.unwrap();
}

async fn status(world: &World) -> String {
    match world.dev().stack(NAME).await.unwrap() {
        Some(stack) => stack.status.to_string(),
        None => "none".to_owned(),
    }
}

/// Waits until the stack is in a status.
async fn until(world: &World, wanted: &str) {
    let mut seen = Vec::new();
    for _ in 0..2000 {
        let status = status(world).await;
        if status == wanted {
            return;
        }
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never was in {wanted}, but in {seen:?}");
}

/// Lets a resource fail from now on.
fn fail(world: &World, resource: &str, action: &str, nth: Option<u64>) {
    let fault = ResourceFault {
        logical_id: Some(resource.to_owned()),
        action: Some(action.to_owned()),
        reason: "Not today.".to_owned(),
        nth,
        ..ResourceFault::default()
    };
    world.sim.change(|world| world.rules.faults.resources.push(fault)).unwrap();
}

fn mend(world: &World) {
    world.sim.change(|world| world.rules.faults.resources.clear()).unwrap();
}

/// Holds that the stack is as the plan wants it, and that the node says what was done on the way.
#[track_caller]
fn led_out(done: &Done, change: Change, note: &str) {
    assert_eq!(done.change, change, "{done:?}");
    assert!(done.details[0].starts_with(note), "{:?}", done.details);
}

/// Holds that the next convergence finds nothing to do and says nothing.
async fn at_rest(world: &World) {
    let done = world.converge().await.unwrap();
    assert_eq!((done.change, done.details), (Change::Unchanged, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_was_taken_back_is_deleted_and_created_anew() {
    let world = World::new().await;
    fail(&world, "Table", "CREATE", None);
    assert!(world.converge().await.unwrap_err().summary.ends_with("ended in ROLLBACK_COMPLETE"));
    let failure = world.converge().await.unwrap_err();
    assert!(failure.summary.ends_with("ended in ROLLBACK_COMPLETE"), "made anew, it fails anew: {failure}");
    assert_eq!(failure.cause, "Table (AWS::EC2::RouteTable): Not today.");
    mend(&world);
    let done = world.converge().await.unwrap();
    led_out(&done, Change::Created, "ROLLBACK_COMPLETE: deleted and created anew");
    at_rest(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_could_not_be_taken_back_is_too_and_what_holds_it_up_is_named() {
    let world = World::new().await;
    fail(&world, "Table", "CREATE", None);
    fail(&world, "Vpc", "DELETE", None);
    assert!(world.converge().await.unwrap_err().summary.ends_with("ended in ROLLBACK_FAILED"));
    mend(&world);
    led_out(&world.converge().await.unwrap(), Change::Created, "ROLLBACK_FAILED: deleted and created anew");

    let world = World::new().await;
    fail(&world, "Table", "CREATE", None);
    fail(&world, "Vpc", "DELETE", None);
    world.converge().await.unwrap_err();
    let failure = world.converge().await.unwrap_err();
    assert!(failure.summary.ends_with("ended in DELETE_FAILED"), "{failure}");
    assert_eq!(failure.cause, "Vpc (AWS::EC2::VPC): Not today.");
    assert!(failure.help.iter().any(|help| help.contains("`--retain 'stacks.spoke[dev]:Vpc'`")), "{failure:?}");
    let leaving = Allowed { retain: vec!["Vpc".to_owned()], ..Allowed::default() };
    assert_eq!(world.destroy_allowing(&leaving).await.unwrap().change, Change::Deleted);
    mend(&world);
    assert_eq!(world.converge().await.unwrap().change, Change::Created);
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_is_protected_is_not_deleted_though_it_never_was_complete() {
    let world = World::new().await;
    fail(&world, "Table", "CREATE", None);
    world.converge().await.unwrap_err();
    let client = by_hand(&world);
    client.update_termination_protection().stack_name(NAME).enable_termination_protection(true).send().await.unwrap();
    let before = world.sim.mutations();
    let failure = world.converge().await.unwrap_err();
    assert_eq!(failure.summary, "stack us-east-1-dev is protected from deletion");
    assert!(failure.help[1].contains("--stack-name us-east-1-dev"), "{failure:?}");
    // What the plan says of protection reaches a stack only once it is complete, so it is no way out.
    assert!(failure.help.iter().all(|help| !help.contains("protect = []")), "{failure:?}");
    assert_eq!(world.sim.mutations(), before);
}

#[tokio::test(start_paused = true)]
async fn what_has_become_complete_since_it_was_looked_at_is_not_deleted() {
    for (status, shown) in [
        (
            "ROLLBACK_COMPLETE",
            (|answer| answer.replace("CREATE_COMPLETE", "ROLLBACK_COMPLETE")) as fn(String) -> String,
        ),
        ("REVIEW_IN_PROGRESS", |answer| answer.replace("CREATE_COMPLETE", "REVIEW_IN_PROGRESS")),
    ] {
        // One look, the first of the second convergence, shows what was before.
        let world = World::scripted(move |asked| {
            (asked.operation == "DescribeStacks" && asked.nth == 31).then_some(Said::Changed(shown))
        })
        .await;
        let first = world.converge().await.unwrap();
        while world.sim.calls().iter().filter(|call| call.operation == "DescribeStacks").count() < 30 {
            world.dev().stack(NAME).await.unwrap();
        }
        let before = world.sim.calls().len();
        let done = world.converge().await.unwrap();
        assert_eq!((done.change, &done.id), (Change::Unchanged, &first.id), "{status}: {done:?}");
        assert!(done.details.is_empty(), "nothing was done: {:?}", done.details);
        let calls = calls_since(&world.sim, before);
        assert!(calls.iter().all(|call| call != "DeleteStack"), "{status}: {calls:?}");
    }
}

/// Has somebody make a change set that would create the stack, with these tags.
async fn review(world: &World, name: &str, tags: Vec<Tag>) {
    let (parameters, _) = given(world);
    let request = by_hand(world).create_change_set().stack_name(NAME).change_set_name(name);
    let request = request.change_set_type(ChangeSetType::Create).template_body(TEMPLATE);
    request.set_parameters(Some(parameters)).set_tags(Some(tags)).send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
}

#[tokio::test(start_paused = true)]
async fn a_stack_in_review_is_theirs_whose_change_sets_it_has() {
    let world = World::new().await;
    let (_, ours) = given(&world);
    review(&world, "one", ours.clone()).await;
    assert!(world.dev().stack(NAME).await.unwrap().unwrap().tags.is_empty(), "only the change set has tags");
    let done = world.converge().await.unwrap();
    led_out(&done, Change::Created, "REVIEW_IN_PROGRESS: deleted and created anew");
    at_rest(&world).await;

    let world = World::new().await;
    review(&world, "one", ours.clone()).await;
    assert_eq!(world.destroy().await.unwrap().change, Change::Deleted);

    for others in [vec![], vec![("one", Vec::new())], vec![("one", ours.clone()), ("two", Vec::new())]] {
        let world = World::new().await;
        review(&world, "first", ours.clone()).await;
        for (name, tags) in &others {
            review(&world, name, tags.clone()).await;
        }
        if others.len() < 2 {
            by_hand(&world).delete_change_set().stack_name(NAME).change_set_name("first").send().await.unwrap();
        }
        let before = world.sim.mutations();
        for failure in [world.converge().await.unwrap_err(), world.destroy().await.unwrap_err()] {
            assert_eq!(failure.summary, "stack us-east-1-dev exists and is not this node's", "{others:?}");
            assert!(failure.help.iter().any(|help| help.contains("holds nothing")), "{failure:?}");
        }
        assert_eq!(world.sim.mutations(), before, "{others:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_was_left_where_it_failed_is_gone_on_with() {
    let mut world = World::new().await;
    fail(&world, "Table", "CREATE", None);
    create_and_leave(&world).await;
    until(&world, "CREATE_FAILED").await;
    let made = ec2(&world.sim, DEV, "us-east-1").describe_vpcs().send().await.unwrap();
    let vpc = made.vpcs()[0].vpc_id().unwrap().to_owned();
    mend(&world);
    world.set("Label", "network");
    let done = world.converge().await.unwrap();
    led_out(&done, Change::Updated, "CREATE_FAILED: the creation");
    assert_eq!(done.outputs["VPCId"], vpc, "what stood is kept");
    at_rest(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_cannot_be_gone_on_with_is_made_anew() {
    // A replacement is more than CloudFormation does with rollback switched off.
    let mut world = World::new().await;
    fail(&world, "Table", "CREATE", None);
    create_and_leave(&world).await;
    until(&world, "CREATE_FAILED").await;
    mend(&world);
    world.set("CidrBlock", "10.0.32.0/20");
    let done = world.converge().await.unwrap();
    led_out(&done, Change::Created, "CREATE_FAILED: deleted and created anew, since CloudFormation replaces nothing");
    at_rest(&world).await;
}

#[tokio::test(start_paused = true)]
async fn an_update_that_was_left_where_it_failed_is_taken_back_first() {
    let mut world = World::new().await;
    let created = world.converge().await.unwrap();
    let late =
        TEMPLATE.replace("Outputs:", "  Late: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\nOutputs:");
    fail(&world, "Late", "CREATE", None);
    world.set("Label", "network");
    update(&world, &late, true).await;
    until(&world, "UPDATE_FAILED").await;
    let before = world.sim.calls().len();
    let done = world.converge().await.unwrap();
    led_out(&done, Change::Updated, "UPDATE_FAILED: rolled back to its last stable state");
    let calls = calls_since(&world.sim, before);
    assert!(calls.iter().any(|call| call == "RollbackStack"), "{calls:?}");
    assert!(calls.iter().all(|call| call != "DeleteStack"), "it was complete once: {calls:?}");
    assert_eq!(done.outputs, created.outputs);
    at_rest(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_never_was_complete_is_created_anew_after_a_second_failure() {
    let mut world = World::new().await;
    fail(&world, "Table", "CREATE", None);
    create_and_leave(&world).await;
    until(&world, "CREATE_FAILED").await;
    world.set("Label", "network");
    let failure = world.converge().await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "stack us-east-1-dev ended in UPDATE_FAILED: Table (AWS::EC2::RouteTable): Not today."
    );
    mend(&world);
    led_out(&world.converge().await.unwrap(), Change::Created, "UPDATE_FAILED: rolled back");
    at_rest(&world).await;
}

/// A stack whose VPC cannot be brought back to what it was before an update.
async fn stuck(world: &mut World) {
    world.converge().await.unwrap();
    let late =
        TEMPLATE.replace("Outputs:", "  Late: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\nOutputs:");
    fail(world, "Late", "CREATE", None);
    fail(world, "Vpc", "UPDATE", Some(2));
    world.set("Label", "network");
    update(world, &late, false).await;
    until(world, "UPDATE_ROLLBACK_FAILED").await;
    mend(world);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_failed_is_gone_on_with_and_the_update_follows() {
    let mut world = World::new().await;
    stuck(&mut world).await;
    let done = world.converge().await.unwrap();
    led_out(&done, Change::Updated, "UPDATE_ROLLBACK_FAILED: the rollback of a failed update");
    at_rest(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_fails_again_names_the_resources_and_passes_over_those_that_the_user_names() {
    let mut world = World::new().await;
    stuck(&mut world).await;
    fail(&world, "Vpc", "UPDATE", None);
    let failure = world.converge().await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "stack us-east-1-dev ended in UPDATE_ROLLBACK_FAILED: Vpc (AWS::EC2::VPC): Not today."
    );
    assert!(failure.help.iter().any(|help| help.contains("`--skip-resource 'stacks.spoke[dev]:Vpc'`")), "{failure:?}");

    let before = world.sim.mutations();
    let slip = Allowed { skip: vec!["Vcp".to_owned()], ..Allowed::default() };
    let failure = world.converge_allowing(&slip).await.unwrap_err();
    assert_eq!(failure.summary, "stack us-east-1-dev has no resource Vcp");
    assert_eq!(failure.cause, "those of its resources that have failed: Vpc");
    assert_eq!(world.sim.mutations(), before);

    world.set("Label", "net");
    let skipping = Allowed { skip: vec!["Vpc".to_owned()], ..Allowed::default() };
    let done = world.converge_allowing(&skipping).await.unwrap();
    led_out(&done, Change::Unchanged, "UPDATE_ROLLBACK_FAILED: ");
    assert_eq!(done.details[1], "passed over in the rollback, so to be looked after: Vpc");
    assert_eq!(status(&world).await, "UPDATE_ROLLBACK_COMPLETE");
    let done = world.converge_allowing(&skipping).await.unwrap();
    assert_eq!(done.details, ["no rollback had failed, so nothing was passed over: Vpc"]);
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_lost_on_a_way_out_are_looked_for() {
    use crate::sim::{Effect, Fault};
    for operation in ["ContinueUpdateRollback", "RollbackStack", "DeleteStack"] {
        for effect in [Effect::LostAfter, Effect::LostBefore, Effect::ServerError] {
            let context = format!("{operation}, {effect:?}");
            let mut world = World::faulty([Fault::new(effect).on(operation).first(6)]).await;
            match operation {
                "ContinueUpdateRollback" => stuck(&mut world).await,
                "RollbackStack" => {
                    world.converge().await.unwrap();
                    fail(&world, "Vpc", "UPDATE", None);
                    world.set("Label", "network");
                    update(&world, TEMPLATE, true).await;
                    until(&world, "UPDATE_FAILED").await;
                }
                _ => {
                    fail(&world, "Table", "CREATE", None);
                    world.converge().await.unwrap_err();
                }
            }
            mend(&world);
            let done = world.converge().await.unwrap_or_else(|failure| panic!("{context}: {failure}"));
            assert!(done.change.is_change(), "{context}: {done:?}");
            at_rest(&world).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_import_is_left_to_aws() {
    let world = World::scripted(|asked| {
        (asked.operation == "DescribeStacks" && asked.nth > 20)
            .then_some(Said::Changed(|answer| answer.replace("CREATE_COMPLETE", "IMPORT_ROLLBACK_FAILED")))
    })
    .await;
    world.converge().await.unwrap();
    for _ in 0..20 {
        world.dev().stack(NAME).await.unwrap();
    }
    let before = world.sim.mutations();
    let failure = world.converge().await.unwrap_err();
    assert_eq!(failure.summary, "stack us-east-1-dev is in IMPORT_ROLLBACK_FAILED and cannot be updated");
    assert!(failure.help[0].contains("AWS Support"), "{failure:?}");
    assert_eq!(world.sim.mutations(), before);
}

/// A stack whose deletion has failed at its VPC.
async fn undeletable() -> World {
    let world = World::new().await;
    world.converge().await.unwrap();
    fail(&world, "Vpc", "DELETE", None);
    let failure = world.destroy().await.unwrap_err();
    assert!(failure.summary.ends_with("ended in DELETE_FAILED"), "{failure}");
    assert!(failure.help.iter().any(|help| help.contains("`--retain 'stacks.spoke[dev]:Vpc'`")), "{failure:?}");
    world
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_failed_stops_an_apply_which_says_what_to_do() {
    let world = undeletable().await;
    let before = world.sim.mutations();
    let failure = world.converge().await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "stack us-east-1-dev is in DELETE_FAILED and cannot be updated: Vpc (AWS::EC2::VPC): Not today."
    );
    assert!(failure.help.iter().any(|help| help.contains("`--retain 'stacks.spoke[dev]:Vpc'`")), "{failure:?}");
    assert_eq!(world.sim.mutations(), before);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_deleted_is_left_behind_on_request_only() {
    let named = Allowed { retain: vec!["Vpc".to_owned()], ..Allowed::default() };
    let force = Allowed { force: true, ..Allowed::default() };
    for allowed in [&named, &force] {
        let world = undeletable().await;
        let done = world.destroy_allowing(allowed).await.unwrap();
        assert_eq!(done.change, Change::Deleted);
        assert!(done.details[0].starts_with("left behind in the account: Vpc (AWS::EC2::VPC) vpc-"), "{done:?}");
        assert_eq!(done.details.len(), 1);

        // In one go: first as always, then leaving behind what that could not delete.
        let world = World::new().await;
        world.converge().await.unwrap();
        fail(&world, "Vpc", "DELETE", None);
        let done = world.destroy_allowing(allowed).await.unwrap();
        assert_eq!((done.change, done.details.len()), (Change::Deleted, 1), "{done:?}");

        // Nothing is left behind that can be deleted.
        let world = World::new().await;
        world.converge().await.unwrap();
        let done = world.destroy_allowing(allowed).await.unwrap();
        assert_eq!((done.change, done.details.len()), (Change::Deleted, 0));
        assert!(world.sim.is_empty().unwrap());
    }
    let world = World::new().await;
    world.converge().await.unwrap();
    let before = world.sim.mutations();
    let slip = Allowed { retain: vec!["Vcp".to_owned()], ..Allowed::default() };
    let failure = world.destroy_allowing(&slip).await.unwrap_err();
    assert_eq!(failure.summary, "stack us-east-1-dev has no resource Vcp");
    assert_eq!(world.sim.mutations(), before, "a slip deletes nothing");
}

#[tokio::test(start_paused = true)]
async fn whatever_somebody_else_has_under_way_is_waited_for_and_looked_at_again() {
    for (wanted, change) in [
        ("UPDATE_IN_PROGRESS", Change::Updated),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Change::Replaced),
        ("UPDATE_ROLLBACK_IN_PROGRESS", Change::Unchanged),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", Change::Unchanged),
        ("DELETE_IN_PROGRESS", Change::Created),
        ("CREATE_IN_PROGRESS", Change::Unchanged),
        ("ROLLBACK_IN_PROGRESS", Change::Created),
    ] {
        let mut world = World::new().await;
        match wanted {
            "CREATE_IN_PROGRESS" => create_and_leave(&world).await,
            "ROLLBACK_IN_PROGRESS" => {
                fail(&world, "Table", "CREATE", None);
                world
                    .dev()
                    .create_stack(&world.wanted.spec(&world.dev(), None).await.unwrap(), "theirs")
                    .await
                    .unwrap();
            }
            "DELETE_IN_PROGRESS" => {
                world.converge().await.unwrap();
                by_hand(&world).delete_stack().stack_name(NAME).send().await.unwrap();
            }
            _ => {
                world.converge().await.unwrap();
                // Their update is another than ours: it replaces the VPC unless ours is a tag away.
                let (key, value) =
                    if wanted == "UPDATE_IN_PROGRESS" { ("Label", "theirs") } else { ("CidrBlock", "10.0.32.0/20") };
                let ours = world.wanted.parameters.clone();
                world.set(key, value);
                if wanted.contains("ROLLBACK") {
                    fail(&world, "Table", "UPDATE", None);
                }
                update(&world, TEMPLATE, false).await;
                world.wanted.parameters = ours;
            }
        }
        until(&world, wanted).await;
        mend(&world);
        let done = world.converge().await.unwrap_or_else(|failure| panic!("{wanted}: {failure}"));
        assert_eq!(done.change, change, "{wanted}: {done:?}");
        let note = format!("waited for an earlier run's {wanted}");
        assert!(done.details.contains(&note), "{wanted}: {:?}", done.details);
        at_rest(&world).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_import_under_way_is_waited_for() {
    for status in ["IMPORT_IN_PROGRESS", "IMPORT_ROLLBACK_IN_PROGRESS"] {
        let shown: fn(String) -> String = match status {
            "IMPORT_IN_PROGRESS" => |answer| answer.replace("CREATE_COMPLETE", "IMPORT_IN_PROGRESS"),
            _ => |answer| answer.replace("CREATE_COMPLETE", "IMPORT_ROLLBACK_IN_PROGRESS"),
        };
        let world = World::scripted(move |asked| {
            (asked.operation == "DescribeStacks" && (21..24).contains(&asked.nth)).then_some(Said::Changed(shown))
        })
        .await;
        world.converge().await.unwrap();
        while world.sim.calls().iter().filter(|call| call.operation == "DescribeStacks").count() < 20 {
            world.dev().stack(NAME).await.unwrap();
        }
        let done = world.converge().await.unwrap();
        assert_eq!(done.change, Change::Unchanged);
        assert_eq!(done.details, [format!("waited for an earlier run's {status}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_was_deleted_by_hand_is_created_again() {
    let world = World::new().await;
    let first = world.converge().await.unwrap();
    by_hand(&world).delete_stack().stack_name(NAME).send().await.unwrap();
    until(&world, "none").await;
    let done = world.converge().await.unwrap();
    assert_eq!((done.change, done.details.len()), (Change::Created, 0));
    assert_ne!(done.id, first.id);
}
