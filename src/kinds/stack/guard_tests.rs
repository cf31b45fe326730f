//! Guards over the embedded AWS.

use super::super::Expected;
use super::super::tests::{Steps, calls_since, unseen};
use super::guards::{ALLOW_ALL, NO_REPLACEMENT};
use super::tests::World;
use super::*;
use crate::aws::{OnFailure, RollbackTriggers};
use crate::preview::{Action, Difference, Shown};
use crate::sim::{AlarmFault, Effect, Fault, ResourceFault};

const NAME: &str = "us-east-1-dev";

impl World {
    /// What is wanted, as a preview knows it whose values are all known.
    pub(super) fn draft(&self) -> Draft {
        let Wanted {
            name,
            template,
            path,
            parameters,
            kept,
            sensitive,
            tags,
            capabilities,
            guards,
            delivery,
            nested,
            owner,
            adopt,
            reverts_drift,
        } = self.wanted.clone();
        let known = |values: IndexMap<String, String>| {
            values.into_iter().map(|(name, value)| (name, Expected::Known(value))).collect()
        };
        let settings = guards.settings.filter_map(|value| Some(Expected::Known(value.clone())));
        Draft {
            name,
            template,
            path,
            parameters: known(parameters),
            kept,
            sensitive,
            tags: known(tags),
            capabilities,
            guards: Guards { protect: guards.protect, policy: guards.policy, settings },
            delivery,
            nested,
            owner,
            adopt,
            reverts_drift,
        }
    }
}

fn protect(world: &mut World, from: &[&str]) {
    let (delete, replace) = (from.contains(&"delete"), from.contains(&"replace"));
    world.wanted.guards.protect = Some(Protect { delete, replace, place: "plan.toml:9:11".to_owned() });
}

async fn policy(world: &World) -> Option<String> {
    world.dev().stack_policy(NAME).await.unwrap()
}

async fn is_protected(world: &World) -> bool {
    world.dev().stack(NAME).await.unwrap().unwrap().termination_protection
}

/// What is foreseen, with everything known.
async fn foreseen(world: &World) -> Result<crate::preview::Foreseen, Failure> {
    let change_sets = ChangeSets::default();
    let outlook = Box::pin(foresee(&world.dev(), &world.draft(), Some(&change_sets))).await;
    change_sets.sweep().await;
    let waiting = world.dev().change_sets(NAME).await.unwrap_or_default();
    assert!(waiting.iter().all(|change_set| change_set.execution != "AVAILABLE"), "{waiting:?}");
    Ok(outlook?.foreseen)
}

/// The settings that are foreseen, a line each.
async fn shown(world: &World) -> (Action, Vec<String>) {
    let foreseen = foreseen(world).await.unwrap();
    let text = |value: &Option<Shown>| match value {
        Some(Shown::Text(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    let line = |one: &Difference| format!("{}: {} → {}", one.name, text(&one.before), text(&one.after));
    (foreseen.action, foreseen.settings.iter().map(line).collect())
}

#[tokio::test(start_paused = true)]
async fn protection_is_written_after_the_creation_and_only_where_it_changes() {
    let mut world = World::new().await;
    protect(&mut world, &["delete", "replace"]);
    let (action, settings) = shown(&world).await;
    assert_eq!((action, settings.len()), (Action::Create, 2));
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Created);
    assert_eq!(done.details, ["protection from deletion: off → on", "stack policy: none → no replacement, no removal"]);
    assert!(is_protected(&world).await);
    assert_eq!(policy(&world).await.as_deref(), Some(NO_REPLACEMENT));
    assert_eq!(shown(&world).await, (Action::Nothing, vec![]));
    let (done, calls) = world.calls().await;
    assert_eq!((done.change, done.details), (Change::Unchanged, vec![]));
    // The template is known since the preview.
    assert_eq!(calls, ["DescribeStacks", "GetStackPolicy"]);

    // Without the key AWS's own protection stays, and nothing is asked about it.
    world.wanted.guards.protect = None;
    let (done, calls) = world.calls().await;
    assert_eq!(done.change, Change::Unchanged);
    assert!(!calls.iter().any(|call| call == "GetStackPolicy"), "{calls:?}");
    assert!(is_protected(&world).await);

    protect(&mut world, &[]);
    let expected =
        ["protection from deletion: on → off", "stack policy: no replacement, no removal → everything allowed"];
    let (action, settings) = shown(&world).await;
    assert_eq!((action, settings), (Action::Update, expected.map(str::to_owned).to_vec()));
    let done = world.converge().await.unwrap();
    assert_eq!((done.change, done.details), (Change::Updated, expected.map(str::to_owned).to_vec()));
    assert!(!is_protected(&world).await);
    assert_eq!(policy(&world).await.as_deref(), Some(ALLOW_ALL));
    assert_eq!(shown(&world).await, (Action::Nothing, vec![]));
    world.destroy().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_protection_can_be_kept_without_the_other() {
    let mut world = World::new().await;
    protect(&mut world, &["delete", "replace"]);
    world.converge().await.unwrap();
    protect(&mut world, &["delete"]);
    assert_eq!(world.converge().await.unwrap().change, Change::Updated);
    assert_eq!((is_protected(&world).await, policy(&world).await.as_deref()), (true, Some(ALLOW_ALL)));
    protect(&mut world, &["replace"]);
    assert_eq!(world.converge().await.unwrap().change, Change::Updated);
    assert_eq!((is_protected(&world).await, policy(&world).await.as_deref()), (false, Some(NO_REPLACEMENT)));
    // A policy that somebody else has set is theirs, unless nothing at all is to be protected.
    let theirs =
        r#"{"Statement": [{"Effect": "Allow", "Action": "Update:Modify", "Principal": "*", "Resource": "*"}]}"#;
    world.dev().set_stack_policy(NAME, theirs).await.unwrap();
    protect(&mut world, &["delete"]);
    world.converge().await.unwrap();
    assert_eq!(policy(&world).await.as_deref(), Some(theirs));
    protect(&mut world, &[]);
    world.converge().await.unwrap();
    assert_eq!(policy(&world).await.as_deref(), Some(ALLOW_ALL));
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_the_plan_protects_from_is_refused_before_anything_is_executed() {
    let mut world = World::new().await;
    protect(&mut world, &["replace"]);
    world.converge().await.unwrap();
    world.set("CidrBlock", "10.0.32.0/20");
    let before = world.sim.mutations();
    for failure in [foreseen(&world).await.unwrap_err(), world.converge().await.unwrap_err()] {
        assert_eq!(
            failure.summary,
            "stack us-east-1-dev is protected from the replacement and removal of its resources"
        );
        assert_eq!(
            failure.cause,
            "Vpc (AWS::EC2::VPC) would be replaced by CidrBlock; Table (AWS::EC2::RouteTable) may be replaced by VpcId"
        );
        assert_eq!(failure.place.as_deref(), Some("plan.toml:9:11"));
        assert!(failure.help[0].contains("take \"replace\" out of `protect`"), "{failure:?}");
    }
    assert_eq!(world.dev().stack(NAME).await.unwrap().unwrap().status.as_str(), "CREATE_COMPLETE");
    assert_eq!(world.sim.mutations() - before, 4, "two change sets, made and deleted");
    // A change in place passes, and so does the replacement once the plan allows it.
    world.set("CidrBlock", "10.0.16.0/20");
    world.set("Label", "core");
    assert_eq!(world.converge().await.unwrap().change, Change::Updated);
    world.set("CidrBlock", "10.0.32.0/20");
    protect(&mut world, &[]);
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Replaced);
    assert_eq!(policy(&world).await.as_deref(), Some(ALLOW_ALL));
}

#[tokio::test(start_paused = true)]
async fn a_removal_is_one_too() {
    let mut world = World::new().await;
    protect(&mut world, &["replace"]);
    world.converge().await.unwrap();
    let template: Vec<&str> =
        world.wanted.template.lines().filter(|line| !line.contains("Table") && !line.contains("VpcId: !Ref")).collect();
    world.wanted.template = template.join("\n").replace("    Type: AWS::EC2::RouteTable\n", "").into();
    let failure = foreseen(&world).await.unwrap_err();
    assert_eq!(failure.cause, "Table (AWS::EC2::RouteTable) would be taken out of the stack");
}

#[tokio::test(start_paused = true)]
async fn what_the_live_policy_denies_is_foreseen_though_the_plan_says_nothing_of_it() {
    let mut world = World::new().await;
    protect(&mut world, &["replace"]);
    world.converge().await.unwrap();
    world.wanted.guards.protect = None;
    world.set("CidrBlock", "10.0.32.0/20");
    for failure in [foreseen(&world).await.unwrap_err(), world.converge().await.unwrap_err()] {
        assert_eq!(failure.summary, "the policy of stack us-east-1-dev does not allow this update");
        assert!(
            failure
                .cause
                .contains("Vpc (AWS::EC2::VPC) would be replaced by CidrBlock: statement 2 denies Update:Replace"),
            "{failure}"
        );
        assert!(failure.help[0].contains("`protect = []`"), "{failure:?}");
    }
    assert_eq!(world.dev().stack(NAME).await.unwrap().unwrap().status.as_str(), "CREATE_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn who_may_not_read_policies_may_update_all_the_same() {
    let mut world = World::faulty([Fault::new(Effect::AccessDenied).on("GetStackPolicy")]).await;
    world.converge().await.unwrap();
    world.set("Label", "core");
    assert_eq!(world.converge().await.unwrap().change, Change::Updated);
    protect(&mut world, &["replace"]);
    assert!(world.converge().await.unwrap_err().summary.contains("GetStackPolicy"));
}

fn own(world: &mut World, policy: &str) {
    world.wanted.guards.policy =
        Some(Policy { text: policy.to_owned(), path: "policy.json".into(), place: "plan.toml:9:11".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_the_plans_own_is_written_and_held() {
    let mut world = World::new().await;
    world.converge().await.unwrap();
    own(
        &mut world,
        r#"{"Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": "Update:*", "Resource": "LogicalResourceId/More"}
        ]}"#,
    );
    // The resource that it names comes with the same update: the policy has to wait for it.
    let more = "  More: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc, Tags: [{Key: Name, Value: !Ref Label}]}}\nOutputs:";
    world.wanted.template = world.wanted.template.replace("Outputs:", more).into();
    let done = world.converge().await.unwrap();
    assert_eq!(done.details, ["Add More (AWS::EC2::RouteTable)", "stack policy: none → policy.json"]);
    assert_eq!(shown(&world).await, (Action::Nothing, vec![]));
    world.set("Label", "core");
    let failure = foreseen(&world).await.unwrap_err();
    assert_eq!(
        failure.cause,
        "More (AWS::EC2::RouteTable) would be changed: statement 2 denies Update:*"
            .replace("Update:*", "Update:Modify")
    );
    assert!(failure.help[0].contains("allow it in policy.json"), "{failure:?}");
    // One that allows it is written before the update.
    own(&mut world, ALLOW_ALL);
    let done = world.converge().await.unwrap();
    assert_eq!((done.change, policy(&world).await.as_deref()), (Change::Updated, Some(ALLOW_ALL)));
    own(&mut world, "{}{");
    assert!(world.converge().await.unwrap_err().summary.starts_with("CloudFormation refuses stack policy policy.json"));
}

#[tokio::test(start_paused = true)]
async fn alarms_topics_and_role_are_given_compared_and_changed() {
    let mut world = World::new().await;
    let settings = &mut world.wanted.guards.settings;
    settings.rollback_triggers = Some(RollbackTriggers {
        alarms: vec!["arn:aws:cloudwatch:us-east-1:222222222222:alarm:A".to_owned()],
        composite_alarms: vec!["arn:aws:cloudwatch:us-east-1:222222222222:alarm:B".to_owned()],
        minutes: 1,
    });
    settings.notification_arns = Some(vec!["arn:aws:sns:us-east-1:222222222222:t".to_owned()]);
    settings.service_role = Some("arn:aws:iam::222222222222:role/Cfn".to_owned());
    settings.timeout_minutes = Some(5);
    settings.on_failure = Some(OnFailure::Rollback);
    assert_eq!(shown(&world).await.1.len(), 5);
    world.converge().await.unwrap();
    let live = world.dev().stack(NAME).await.unwrap().unwrap().settings;
    let wanted = world.wanted.guards.settings.clone();
    assert_eq!(live.rollback_triggers, wanted.rollback_triggers);
    assert_eq!(live.notification_arns, wanted.notification_arns);
    assert_eq!((live.service_role, live.timeout_minutes), (wanted.service_role, Some(5)));
    let (done, calls) = world.calls().await;
    assert_eq!((done.change, calls.len()), (Change::Unchanged, 2));

    let settings = &mut world.wanted.guards.settings;
    settings.rollback_triggers = Some(RollbackTriggers::default());
    settings.notification_arns = Some(vec![]);
    let expected = [
        "rollback triggers: arn:aws:cloudwatch:us-east-1:222222222222:alarm:A, arn:aws:cloudwatch:us-east-1:222222222222:alarm:B, watched for 1 minutes → None",
        "topics: arn:aws:sns:us-east-1:222222222222:t → None",
    ];
    assert_eq!(shown(&world).await, (Action::Update, expected.map(str::to_owned).to_vec()));
    assert_eq!(world.converge().await.unwrap().change, Change::Updated);
    assert_eq!(shown(&world).await, (Action::Nothing, vec![]));

    // A role alone is no change to CloudFormation: it is told, and given with the next one.
    world.wanted.guards.settings.service_role = Some("arn:aws:iam::222222222222:role/Other".to_owned());
    let role = "service role: arn:aws:iam::222222222222:role/Cfn → arn:aws:iam::222222222222:role/Other";
    assert_eq!(foreseen(&world).await.unwrap().notes, [role, "CloudFormation finds nothing to change"]);
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Unchanged);
    assert_eq!(
        done.details,
        [
            "service role: arn:aws:iam::222222222222:role/Cfn → arn:aws:iam::222222222222:role/Other",
            "CloudFormation finds nothing to change"
        ]
    );
    world.set("Label", "core");
    world.converge().await.unwrap();
    assert_eq!(world.calls().await.0.details, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_fires_fails_the_node() {
    let mut world = World::new().await;
    world.wanted.guards.settings.rollback_triggers = Some(RollbackTriggers {
        alarms: vec!["arn:aws:cloudwatch:us-east-1:222222222222:alarm:A".to_owned()],
        composite_alarms: vec![],
        minutes: 10,
    });
    world
        .sim
        .change(|world| world.rules.faults.alarms = vec![AlarmFault { arn: "*:A".to_owned(), after_ms: 60_000 }])
        .unwrap();
    let failure = world.converge().await.unwrap_err();
    assert!(failure.summary.ends_with("ended in ROLLBACK_COMPLETE"), "{failure}");
    assert!(failure.cause.contains("ALARM"), "{failure}");
}

fn fail(world: &World, resource: &str) {
    let fault = ResourceFault {
        logical_id: Some(resource.to_owned()),
        action: Some("CREATE".to_owned()),
        reason: "Not today.".to_owned(),
        ..ResourceFault::default()
    };
    world.sim.change(|world| world.rules.faults.resources = vec![fault]).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_becomes_of_a_failure_is_as_the_plan_says() {
    let late = "  Late: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\nOutputs:";
    for (on_failure, express, created, updated) in [
        (None, false, "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
        (Some(OnFailure::Rollback), false, "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
        (Some(OnFailure::Delete), false, "none", "UPDATE_ROLLBACK_COMPLETE"),
        (Some(OnFailure::Keep), false, "CREATE_FAILED", "UPDATE_FAILED"),
        (None, true, "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
        (Some(OnFailure::Keep), true, "CREATE_FAILED", "UPDATE_FAILED"),
    ] {
        let mut world = World::new().await;
        (world.wanted.guards.settings.on_failure, world.wanted.guards.settings.express) = (on_failure, express);
        fail(&world, "Table");
        let failure = world.converge().await.unwrap_err();
        assert!(failure.cause.contains("Not today."), "{failure}");
        let status = |stack: Option<Stack>| stack.map_or("none".to_owned(), |stack| stack.status.to_string());
        assert_eq!(status(world.dev().stack(NAME).await.unwrap()), created, "{on_failure:?}, {express}");
        world.sim.change(|world| world.rules.faults.resources.clear()).unwrap();
        // From wherever it was left there is a way out, in express mode too.
        world.converge().await.unwrap();
        world.wanted.template = world.wanted.template.replace("Outputs:", late).into();
        fail(&world, "Late");
        world.converge().await.unwrap_err();
        assert_eq!(status(world.dev().stack(NAME).await.unwrap()), updated, "{on_failure:?}, {express}");
        world.sim.change(|world| world.rules.faults.resources.clear()).unwrap();
        world.converge().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_failed_and_was_deleted_while_it_was_waited_for_is_not_begun_again_at_once() {
    let mut world = World::new().await;
    world.wanted.guards.settings.on_failure = Some(OnFailure::Delete);
    fail(&world, "Table");
    // An earlier run that goes away.
    world.sim.stop_after(1);
    tokio::select! {
        result = world.converge() => panic!("{result:?}"),
        () = world.sim.stopped() => {}
    }
    world.sim.resume();
    let failure = world.converge().await.unwrap_err();
    assert!(failure.cause.contains("Not today."), "{failure}");
    let created = world.sim.calls().iter().filter(|call| call.operation == "CreateStack").count();
    assert_eq!(created, 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_creation_that_failed_left_may_be_taken_out_though_the_plan_protects_it() {
    let mut world = World::new().await;
    world.wanted.guards.settings.on_failure = Some(OnFailure::Keep);
    protect(&mut world, &["replace"]);
    let late = "  Late: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\nOutputs:";
    let whole = world.wanted.template.clone();
    world.wanted.template = whole.replace("Outputs:", late).into();
    fail(&world, "Late");
    world.converge().await.unwrap_err();
    world.wanted.template = whole;
    let before = world.dev().stack(NAME).await.unwrap().unwrap();
    let done = world.converge().await.unwrap();
    assert_eq!(done.id, Some(before.id), "it was gone on with: {done:?}");
    assert_eq!(policy(&world).await.as_deref(), Some(NO_REPLACEMENT));
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_has_to_wait_does_not_hide_that_the_live_one_forbids_the_update() {
    let mut world = World::new().await;
    protect(&mut world, &["replace"]);
    world.converge().await.unwrap();
    world.wanted.guards.protect = None;
    let names = r#"{"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "Update:Delete", "Resource": "LogicalResourceId/More"}
    ]}"#;
    own(&mut world, names);
    let more = "  More: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\nOutputs:";
    world.wanted.template = world.wanted.template.replace("Outputs:", more).into();
    world.set("CidrBlock", "10.9.0.0/16");
    let before = world.sim.mutations();
    let failure = foreseen(&world).await.unwrap_err();
    assert_eq!(failure.summary, "the policy that stack us-east-1-dev still has does not allow this update");
    assert_eq!(world.converge().await.unwrap_err().summary, failure.summary);
    assert_eq!(policy(&world).await.as_deref(), Some(NO_REPLACEMENT));
    let executed = world.sim.calls().iter().filter(|call| call.operation == "ExecuteChangeSet").count();
    assert_eq!((executed, before > 0), (0, true));
    // Without the name it is written first, and the update follows.
    own(&mut world, ALLOW_ALL);
    assert_eq!(world.converge().await.unwrap().change, Change::Replaced);
}

#[tokio::test(start_paused = true)]
async fn a_creation_ends_with_its_time() {
    let mut world =
        World::of(crate::sim::Sim::builder().timing(crate::sim::Timing {
            resource: std::time::Duration::from_mins(10),
            ..crate::sim::Timing::default()
        }))
        .await;
    world.wanted.guards.settings.timeout_minutes = Some(1);
    let failure = world.converge().await.unwrap_err();
    assert!(failure.cause.contains("exceeded the specified timeout"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn what_is_protected_is_found_before_anything_is_deleted() {
    let mut world = World::new().await;
    protect(&mut world, &["delete"]);
    let vet = async |world: &World, protect: Option<&Protect>| {
        let claim = Claim { owner: &world.wanted.owner, adopt: Adopt::Never };
        vet(&world.dev(), NAME, claim, protect, &unseen).await
    };
    let kept = world.wanted.guards.protect.clone();
    assert_eq!(vet(&world, kept.as_ref()).await.unwrap(), None, "nothing is there that could be protected");
    world.wanted.guards.protect = None;
    world.converge().await.unwrap();
    // The plan protects it, though AWS does not yet.
    let failure = vet(&world, kept.as_ref()).await.unwrap_err();
    assert_eq!((failure.cause.as_str(), failure.place.as_deref()), ("the plan protects it", Some("plan.toml:9:11")));
    vet(&world, None).await.unwrap().unwrap();
    world.dev().protect_from_deletion(NAME, true).await.unwrap();
    let failure = vet(&world, None).await.unwrap_err();
    assert_eq!(failure.cause, "its termination protection is on");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_would_delete_a_protected_stack_is_not_asked_for() {
    let mut world = World::new().await;
    world.wanted.guards.settings.on_failure = Some(OnFailure::Keep);
    fail(&world, "Table");
    world.converge().await.unwrap_err();
    // The creation is gone on with and fails again: the stack is in UPDATE_FAILED and never was complete.
    world.converge().await.unwrap_err();
    assert_eq!(world.dev().stack(NAME).await.unwrap().unwrap().status.as_str(), "UPDATE_FAILED");
    world.dev().protect_from_deletion(NAME, true).await.unwrap();
    let before = world.sim.calls().len();
    let failure = world.converge().await.unwrap_err();
    assert_eq!(failure.summary, "stack us-east-1-dev is protected from deletion");
    assert!(!calls_since(&world.sim, before).iter().any(|call| call == "RollbackStack"));
    world.dev().protect_from_deletion(NAME, false).await.unwrap();
    world.sim.change(|world| world.rules.faults.resources.clear()).unwrap();
    world.converge().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_written_is_told_as_it_happens() {
    let mut world = World::new().await;
    world.converge().await.unwrap();
    protect(&mut world, &["delete", "replace"]);
    let steps = Steps::default();
    let seen = steps.clone();
    world.converge_telling(&move |step| seen.take(step)).await.unwrap();
    let told = steps.all();
    assert!(told.iter().any(|line| line.contains("SetStackPolicy")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("UpdateTerminationProtection")), "{told:?}");
}
