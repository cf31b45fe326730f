//! Stacks over the embedded AWS, by way of the real SDK clients.

use std::time::Duration;

use tokio::time::Instant;

use super::super::Firm;
use super::super::tests::{DEV, Steps, at, calls_since, ec2, owner, sessions, sessions_by, unseen};
use super::*;
use crate::aws::Sessions;
use crate::aws::tests::between::{Asked, Said, between};
use crate::sim::wire::Xml;
use crate::sim::{Builder, Effect, Fault, Faults, Outcome, ResourceFault, Sim, Timing};

const EAST: &str = "us-east-1";

/// A VPC with a route table, and a secret for whoever needs one.
pub(super) const TEMPLATE: &str = "\
Parameters:
  CidrBlock: {Type: String}
  Label: {Type: String, Default: net}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !Ref CidrBlock, Tags: [{Key: Name, Value: !Ref Label}]}
  Table:
    Type: AWS::EC2::RouteTable
    Properties: {VpcId: !Ref Vpc}
Outputs:
  VPCId: {Value: !Ref Vpc}
  RouteTableId: {Value: !Ref Table}
";

/// An account, and the stack that is wanted in it.
pub(super) struct World {
    pub(super) sim: Sim,
    pub(super) sessions: Sessions,
    pub(super) wanted: Wanted,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::of(Sim::builder()).await
    }

    pub(super) async fn faulty(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::of(Sim::builder().faults(Faults::of(faults))).await
    }

    pub(super) async fn of(builder: Builder) -> Self {
        let sim = builder.build();
        let sessions = sessions(&sim).await;
        let wanted = Wanted {
            name: "us-east-1-dev".to_owned(),
            template: TEMPLATE.into(),
            path: "spoke.yaml".into(),
            parameters: IndexMap::from([("CidrBlock".to_owned(), "10.0.16.0/20".to_owned())]),
            kept: Vec::new(),
            tags: IndexMap::from([("Purpose".to_owned(), "Infrastructure".to_owned())]),
            capabilities: Vec::new(),
            guards: Guards::default(),
            delivery: Delivery::default(),
            nested: Vec::new(),
            owner: owner("stacks.spoke[dev]"),
            sensitive: std::collections::BTreeSet::new(),
            reverts_drift: false,
            adopt: Adopt::Never,
        };
        Self { sim, sessions, wanted }
    }

    /// By way of a script, which gives some answers in AWS's place.
    pub(super) async fn scripted(script: impl Fn(&Asked<'_>) -> Option<Said> + Send + Sync + 'static) -> Self {
        let world = Self::new().await;
        let sessions = sessions_by(&world.sim, between(&world.sim, script)).await;
        Self { sessions, ..world }
    }

    pub(super) fn dev(&self) -> Regional {
        at(&self.sessions, "dev", EAST)
    }

    pub(super) async fn converge(&self) -> Result<Done, Failure> {
        self.converge_allowing(&Allowed::default()).await
    }

    pub(super) async fn converge_allowing(&self, allowed: &Allowed) -> Result<Done, Failure> {
        self.converge_on(Firm::default().course(), allowed, &unseen).await
    }

    pub(super) async fn destroy(&self) -> Result<Done, Failure> {
        self.destroy_allowing(&Allowed::default()).await
    }

    pub(super) async fn destroy_allowing(&self, allowed: &Allowed) -> Result<Done, Failure> {
        destroy(&self.dev(), &self.wanted.name, &self.wanted.owner, allowed, &Forecasts::default(), &unseen).await
    }

    pub(super) fn set(&mut self, parameter: &str, value: &str) {
        self.wanted.parameters.insert(parameter.to_owned(), value.to_owned());
    }

    /// Runs until the `mutations`th change from now, as a process that is killed there.
    pub(super) async fn crash_after(&self, mutations: usize) {
        self.sim.stop_after(mutations);
        tokio::select! {
            result = self.converge() => panic!("change {mutations} is never reached: {result:?}"),
            () = self.sim.stopped() => {}
        }
        self.sim.resume();
    }

    /// The operations of the calls that a convergence makes.
    pub(super) async fn calls(&self) -> (Done, Vec<String>) {
        let before = self.sim.calls().len();
        let done = self.converge().await.unwrap();
        (done, calls_since(&self.sim, before))
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_is_created_and_followed_and_a_second_time_nothing_happens() {
    let world = World::new().await;
    let steps = Steps::default();
    let seen = steps.clone();
    let done = world.converge_telling(&move |step| seen.take(step)).await.unwrap();
    assert_eq!(done.change, Change::Created);
    assert!(done.outputs["VPCId"].starts_with("vpc-"), "{:?}", done.outputs);
    assert!(done.id.as_ref().unwrap().contains(&format!(":{DEV}:stack/us-east-1-dev/")));
    let steps = steps.all();
    for step in ["us-east-1-dev CREATE_IN_PROGRESS", "Vpc CREATE_COMPLETE", "us-east-1-dev CREATE_COMPLETE"] {
        assert_eq!(steps.iter().filter(|seen| *seen == step).count(), 1, "{step} in {steps:?}");
    }
    let live = world.dev().stack("us-east-1-dev").await.unwrap().unwrap();
    assert_eq!(live.tags["orch:plan"], "network");
    assert_eq!(live.tags["orch:node"], "stacks/spoke/dev");
    assert_eq!(live.tags["Purpose"], "Infrastructure");

    let (again, calls) = world.calls().await;
    assert_eq!((again.change, again.outputs, again.id), (Change::Unchanged, done.outputs, done.id));
    assert_eq!(calls, ["DescribeStacks", "GetTemplate"]);
}

#[tokio::test(start_paused = true)]
async fn the_same_template_written_otherwise_changes_nothing() {
    let mut world = World::new().await;
    world.converge().await.unwrap();
    world.wanted.template = format!("# a comment\n{}", TEMPLATE.replace("!Ref CidrBlock", "{Ref: CidrBlock}")).into();
    let (done, calls) = world.calls().await;
    assert_eq!(done.change, Change::Unchanged);
    assert_eq!(calls, ["DescribeStacks", "GetTemplate"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_goes_by_a_change_set_that_says_what_changes() {
    let mut world = World::new().await;
    let created = world.converge().await.unwrap();
    world.set("Label", "network");
    let (done, calls) = world.calls().await;
    assert_eq!(done.change, Change::Updated);
    assert_eq!(done.details, ["Modify Vpc (AWS::EC2::VPC)"]);
    assert_eq!(done.outputs, created.outputs);
    for call in ["CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet"] {
        assert!(calls.iter().any(|seen| seen == call), "{call} in {calls:?}");
    }
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_is_called_one() {
    let mut world = World::new().await;
    let created = world.converge().await.unwrap();
    world.set("CidrBlock", "10.0.32.0/20");
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Replaced);
    assert!(done.details.contains(&"Modify Vpc (AWS::EC2::VPC), replaced".to_owned()), "{:?}", done.details);
    assert_ne!(done.outputs["VPCId"], created.outputs["VPCId"]);
}

#[tokio::test(start_paused = true)]
async fn a_hidden_parameter_is_left_to_a_change_set_that_finds_nothing_and_goes_away() {
    let mut world = World::new().await;
    hidden(&mut world);
    world.converge().await.unwrap();
    for _ in 0..2 {
        let (done, calls) = world.calls().await;
        assert_eq!(done.change, Change::Unchanged);
        assert_eq!(calls.last().map(String::as_str), Some("DeleteChangeSet"), "{calls:?}");
        assert!(!format!("{done:?}").contains("s3cret"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_creation_names_what_failed_first_and_is_a_failure_though_the_rollback_ends_well() {
    let mut faults = Faults::default();
    faults.resources.push(ResourceFault {
        logical_id: Some("Vpc".to_owned()),
        reason: "The maximum number of VPCs has been reached.".to_owned(),
        ..ResourceFault::default()
    });
    let world = World::of(Sim::builder().faults(faults)).await;
    let failure = world.converge().await.unwrap_err();
    assert_eq!(failure.summary, "stack us-east-1-dev ended in ROLLBACK_COMPLETE");
    assert_eq!(failure.cause, "Vpc (AWS::EC2::VPC): The maximum number of VPCs has been reached.");
    assert!(failure.help[0].contains("deleted and created anew"), "{:?}", failure.help);
    assert_eq!(world.destroy().await.unwrap().change, Change::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_failed_update_is_a_failure_and_can_be_made_good() {
    let mut world = World::new().await;
    world.converge().await.unwrap();
    world
        .sim
        .change(|world| {
            world.rules.faults.resources.push(ResourceFault {
                action: Some("UPDATE".to_owned()),
                reason: "Not today.".to_owned(),
                ..ResourceFault::default()
            });
        })
        .unwrap();
    world.set("Label", "network");
    let failure = world.converge().await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "stack us-east-1-dev ended in UPDATE_ROLLBACK_COMPLETE: Vpc (AWS::EC2::VPC): Not today."
    );
    world.sim.change(|world| world.rules.faults.resources.clear()).unwrap();
    assert_eq!(world.converge().await.unwrap().change, Change::Updated);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_stack_is_not_touched_but_can_be_read() {
    let mut world = World::new().await;
    let done = world.converge().await.unwrap();
    world.wanted.owner = owner("stacks.other");
    let before = world.sim.mutations();
    let failure = world.converge().await.unwrap_err();
    assert_eq!(failure.summary, "stack us-east-1-dev exists and is not this node's");
    assert_eq!(failure.cause, "its tags say that it belongs to plan `network`, node `stacks/spoke/dev`");
    assert_eq!(world.destroy().await.unwrap_err().summary, failure.summary);
    assert_eq!(world.sim.mutations(), before);
    let read = find(&world.dev(), "us-east-1-dev", None, &unseen).await.unwrap().unwrap();
    assert_eq!((read.change, read.outputs), (Change::Read, done.outputs));
    assert_eq!(find(&world.dev(), "nobody", None, &unseen).await, Ok(None));
    let claim = Claim { owner: &world.wanted.owner, adopt: Adopt::Never };
    let left_out = find(&world.dev(), "us-east-1-dev", Some(claim), &unseen).await.unwrap_err();
    assert_eq!(left_out.summary, failure.summary);
}

#[tokio::test(start_paused = true)]
async fn lost_answers_throttles_and_outages_make_no_second_stack_and_are_told_as_what_they_are() {
    let operations = [
        "ValidateTemplate",
        "CreateStack",
        "DescribeStacks",
        "DescribeEvents",
        "DescribeStackEvents",
        "CreateChangeSet",
        "DescribeChangeSet",
        "ExecuteChangeSet",
        "GetTemplate",
    ];
    for operation in operations {
        for effect in [Effect::LostAfter, Effect::LostBefore, Effect::Throttle, Effect::ServerError, Effect::Refused] {
            let mut world = World::faulty([Fault::new(effect).on(operation).first(2)]).await;
            let done = world.converge().await.unwrap_or_else(|failure| panic!("{operation}, {effect:?}: {failure}"));
            assert_eq!(done.change, Change::Created, "{operation}, {effect:?}");
            world.set("Label", "network");
            let done = world.converge().await.unwrap_or_else(|failure| panic!("{operation}, {effect:?}: {failure}"));
            assert_eq!(done.change, Change::Updated, "{operation}, {effect:?}");
            assert_eq!(world.converge().await.unwrap().change, Change::Unchanged, "{operation}, {effect:?}");
        }
    }
}

/// What may break on the way of a call that changes something.
const BREAKS: [Effect; 4] = [Effect::LostAfter, Effect::LostBefore, Effect::ServerError, Effect::Refused];

#[tokio::test(start_paused = true)]
async fn answers_that_are_lost_for_all_attempts_of_the_sdk_are_looked_for() {
    // Five attempts are made at a call.
    for times in [5, 8] {
        for effect in BREAKS {
            for operation in ["CreateStack", "CreateChangeSet", "ExecuteChangeSet", "DeleteStack"] {
                let context = format!("{operation}, {effect:?}, {times} times");
                let mut world = World::faulty([Fault::new(effect).on(operation).first(times)]).await;
                let done = world.converge().await.unwrap_or_else(|failure| panic!("{context}: {failure}"));
                assert_eq!(done.change, Change::Created, "{context}");
                world.set("Label", "network");
                let done = world.converge().await.unwrap_or_else(|failure| panic!("{context}: {failure}"));
                assert_eq!(done.change, Change::Updated, "{context}");
                assert_eq!(world.converge().await.unwrap().change, Change::Unchanged, "{context}");
                let done = world.destroy().await.unwrap_or_else(|failure| panic!("{context}: {failure}"));
                assert_eq!(done.change, Change::Deleted, "{context}");
                assert!(world.sim.is_empty().unwrap(), "{context}");
                let deleted = |call: &crate::sim::Call| call.operation == "DeleteChangeSet";
                assert!(!world.sim.calls().iter().any(deleted), "{context}: a change set in use was to be deleted");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_never_come_are_a_failure_that_says_so() {
    for (operation, summary) in [
        ("CreateStack", "CreateStack in account dev, us-east-1, got no answer"),
        ("ExecuteChangeSet", "ExecuteChangeSet in account dev, us-east-1, got no answer"),
        ("DeleteStack", "DeleteStack in account dev, us-east-1, got no answer"),
    ] {
        let mut world = World::faulty([Fault::new(Effect::LostBefore).on(operation)]).await;
        let mut result = world.converge().await;
        if result.is_ok() {
            world.set("Label", "network");
            result = world.converge().await;
        }
        if result.is_ok() {
            result = world.destroy().await;
        }
        let failure = result.unwrap_err();
        assert_eq!(failure.summary, summary);
        assert_eq!(failure.help, ["run again: whatever took effect is found and kept"]);
    }
}

/// A world with a secret, for which only a change set can tell.
fn hidden(world: &mut World) {
    world.wanted.template =
        TEMPLATE.replace("  Label: {Type: String, Default: net}", "  Label: {Type: String, NoEcho: true}").into();
    world.set("Label", "s3cret");
}

#[tokio::test(start_paused = true)]
async fn a_change_set_that_cannot_be_cleaned_away_hides_no_result() {
    for effect in [Effect::LostBefore, Effect::LostAfter, Effect::AccessDenied] {
        let mut world = World::faulty([Fault::new(effect).on("DeleteChangeSet")]).await;
        hidden(&mut world);
        world.converge().await.unwrap();
        assert_eq!(world.converge().await.unwrap().change, Change::Unchanged, "{effect:?}");
        // A change set that fails: its own failure is told.
        world.wanted.template = world.wanted.template.replace("!Ref CidrBlock", "!Select [9, [!Ref CidrBlock]]").into();
        let failure = world.converge().await.unwrap_err();
        assert!(!failure.summary.contains("DeleteChangeSet"), "{effect:?}: {failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_of_what_is_asked_for_can_be_guessed_from_a_token() {
    // The same secret twice: what a digest over it would give twice.
    let mut world = World::new().await;
    hidden(&mut world);
    let mut tokens = Vec::new();
    for _ in 0..2 {
        world.converge().await.unwrap();
        world.set("CidrBlock", "10.0.32.0/20");
        world.converge().await.unwrap();
        world.set("CidrBlock", "10.0.16.0/20");
        let stack = world.dev().stack("us-east-1-dev").await.unwrap().unwrap().id;
        world.destroy().await.unwrap();
        let events = world.sim.inspect(|world| {
            let mut stacks = world.places().flat_map(|(_, regional)| regional.cloudformation.stacks.values());
            stacks.find(|found| found.id == stack).unwrap().events.clone()
        });
        let mut own: Vec<String> =
            events.unwrap().into_iter().filter_map(|event| event.token.map(String::from)).collect();
        own.sort();
        own.dedup();
        assert_eq!(own.len(), 3, "created, updated, deleted: {own:?}");
        tokens.extend(own);
    }
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 6, "{tokens:?}");
    assert!(tokens.iter().all(|token| token.starts_with("orch-")), "{tokens:?}");
}

#[tokio::test(start_paused = true)]
async fn what_crashed_runs_have_left_is_cleaned_away_and_nothing_else() {
    let mut world = World::new().await;
    hidden(&mut world);
    world.converge().await.unwrap();
    let dev = world.dev();
    let stack = dev.stack("us-east-1-dev").await.unwrap().unwrap().id;
    // After CreateChangeSet, twice over; and one of somebody else's.
    for label in ["one", "two"] {
        world.set("Label", label);
        world.crash_after(1).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let theirs = world.wanted.spec(&world.dev(), None).await.unwrap();
    let theirs =
        crate::aws::ChangeSetSpec { stack: theirs, name: "janes".to_owned(), nested: false, reverts_drift: false };
    dev.create_change_set(&theirs).await.unwrap();
    world.set("Label", "s3cret");
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
    let left = dev.change_sets(&stack).await.unwrap();
    assert_eq!(left.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["janes"]);

    // Whoever may not list them goes without.
    let mut world = World::faulty([Fault::new(Effect::AccessDenied).on("ListChangeSets")]).await;
    hidden(&mut world);
    world.converge().await.unwrap();
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn what_an_early_validation_finds_is_read_from_the_change_sets_events() {
    const REASON: &str = "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To \
                          troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information.";
    for allowed in [true, false] {
        let mut world = World::scripted(move |asked| match asked.operation {
            "DescribeChangeSet" => Some(Said::answer(&[
                ("ChangeSetId", "arn:aws:cloudformation:us-east-1:222222222222:changeSet/x/1"),
                ("Status", "FAILED"),
                ("ExecutionStatus", "UNAVAILABLE"),
                ("StatusReason", REASON),
            ])),
            "DescribeEvents" if allowed => {
                let mut event = Xml::new();
                event.text("EventId", "1").text("EventType", "VALIDATION_ERROR").text("LogicalResourceId", "Vpc");
                event.text("ResourceType", "AWS::EC2::VPC").text("ValidationName", "PROPERTY_VALIDATION");
                event.text("ValidationStatusReason", "#/CidrBlok: extraneous key is not permitted");
                event.text("ValidationPath", "/Resources/Vpc/Properties/CidrBlok");
                let mut answer = Xml::new();
                answer.within("OperationEvents", |xml| {
                    xml.within("member", |xml| {
                        xml.raw(event.as_str());
                    });
                });
                Some(Said::Answer(answer))
            }
            "DescribeEvents" => Some(Said::error("AccessDenied", "no")),
            _ => None,
        })
        .await;
        world.converge().await.unwrap();
        world.set("Label", "network");
        let failure = world.converge().await.unwrap_err();
        assert_eq!(failure.summary, "CloudFormation cannot work out the update of stack us-east-1-dev");
        let found = "Vpc (AWS::EC2::VPC), /Resources/Vpc/Properties/CidrBlok: #/CidrBlok: extraneous key is not \
                     permitted (PROPERTY_VALIDATION)";
        assert_eq!(failure.cause, if allowed { found } else { REASON });
        assert!(!failure.help.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_set_that_somebody_executes_or_deletes_meanwhile_is_no_failure() {
    let executing = |asked: &Asked<'_>| {
        (asked.operation == "DescribeChangeSet" && asked.nth <= 2).then(|| {
            Said::answer(&[
                ("ChangeSetId", "arn:aws:cloudformation:us-east-1:222222222222:changeSet/x/1"),
                ("Status", "CREATE_COMPLETE"),
                ("ExecutionStatus", "EXECUTE_IN_PROGRESS"),
            ])
        })
    };
    let mut world = World::scripted(executing).await;
    world.converge().await.unwrap();
    world.set("Label", "network");
    assert_eq!(world.converge().await.unwrap().change, Change::Updated);
    assert!(world.sim.calls().iter().all(|call| call.operation != "DeleteChangeSet"));

    for operation in ["DescribeChangeSet", "ExecuteChangeSet"] {
        let mut world = World::scripted(move |asked| {
            (asked.operation == operation && asked.nth == 1).then(|| match operation {
                "DescribeChangeSet" => Said::error("ChangeSetNotFound", "ChangeSet [x] does not exist"),
                _ => Said::error("InvalidChangeSetStatus", "ChangeSet [x] cannot be executed in its current status"),
            })
        })
        .await;
        world.converge().await.unwrap();
        world.set("Label", "network");
        let done = world.converge().await.unwrap_or_else(|failure| panic!("{operation}: {failure}"));
        assert_eq!(done.change, Change::Updated, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_minutes_in_the_middle_of_a_stack_is_outlasted() {
    for operation in ["DescribeStacks", "DescribeEvents", "DescribeStackEvents", "GetTemplate", "DescribeChangeSet"] {
        for effect in [Effect::Refused, Effect::ServerError, Effect::LostAfter] {
            // Five attempts, then one after each pause, and after the first look that the stack is begun from.
            let outage = Fault { every: Some(1), first: Some(16), ..Fault::new(effect).on(operation) };
            let mut world = World::faulty([outage]).await;
            assert_eq!(world.converge().await.unwrap().change, Change::Created, "{operation}, {effect:?}");
            world.set("Label", "network");
            assert_eq!(world.converge().await.unwrap().change, Change::Updated, "{operation}, {effect:?}");
        }
    }
    let world = World::faulty([Fault::new(Effect::Refused).on("DescribeStacks")]).await;
    let began = Instant::now();
    let failure = world.converge().await.unwrap_err();
    assert_eq!(failure.summary, "DescribeStacks in account dev, us-east-1, did not come through");
    assert!((5 * 60..8 * 60).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_hidden_value_that_the_plan_no_longer_gives_goes_back_to_its_default() {
    let mut world = World::new().await;
    world.wanted.template = TEMPLATE
        .replace("  Label: {Type: String, Default: net}", "  Label: {Type: String, NoEcho: true, Default: net}")
        .into();
    world.set("Label", "s3cret");
    world.converge().await.unwrap();
    world.wanted.parameters.shift_remove("Label");
    assert_eq!(world.converge().await.unwrap().change, Change::Updated);
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_is_taken_up_where_it_is() {
    let mut world = World::new().await;
    world.crash_after(1).await;
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Unchanged);
    assert_eq!(done.details, ["waited for an earlier run's CREATE_IN_PROGRESS"]);
    // After CreateChangeSet, and after ExecuteChangeSet.
    for (mutations, label, change) in [(1, "one", Change::Updated), (2, "two", Change::Unchanged)] {
        world.set("Label", label);
        world.crash_after(mutations).await;
        assert_eq!(world.converge().await.unwrap().change, change, "after change {mutations}");
        let (again, mut calls) = world.calls().await;
        assert_eq!(again.change, Change::Unchanged);
        // The template is known where the last look has compared it.
        calls.retain(|call| call != "GetTemplate");
        assert_eq!(calls, ["DescribeStacks"], "no change set is left to look after");
    }
}

#[tokio::test(start_paused = true)]
async fn an_earlier_runs_failure_is_told_with_its_cause() {
    let mut faults = Faults::default();
    faults.resources.push(ResourceFault { reason: "No more of these.".to_owned(), ..ResourceFault::default() });
    let world = World::of(Sim::builder().faults(faults)).await;
    world.crash_after(1).await;
    let failure = world.converge().await.unwrap_err();
    assert_eq!(failure.cause, "Vpc (AWS::EC2::VPC): No more of these.");
}

#[tokio::test(start_paused = true)]
async fn a_stack_outlives_many_sessions() {
    let timing = Timing { resource: Duration::from_mins(40), ..Timing::default() };
    let world = World::of(Sim::builder().timing(timing)).await;
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Created);
    let renewed = world.sim.calls().iter().filter(|call| call.operation == "AssumeRole").count();
    assert!(renewed >= 2, "{renewed}");
    assert!(world.sim.calls().iter().all(|call| call.outcome == Outcome::Succeeded
        || matches!(&call.outcome, Outcome::Failed(code) if code == "ValidationError")));
}

#[tokio::test(start_paused = true)]
async fn a_long_stack_is_looked_at_ever_more_rarely() {
    let timing = Timing { resource: Duration::from_mins(5), ..Timing::default() };
    let world = World::of(Sim::builder().timing(timing)).await;
    let began = Instant::now();
    let (_, calls) = world.calls().await;
    assert!(began.elapsed() < Duration::from_secs(610), "{:?}", began.elapsed());
    let looks = calls.iter().filter(|call| *call == "DescribeStacks").count();
    assert!((60..160).contains(&looks), "{looks}");
}

#[tokio::test(start_paused = true)]
async fn a_template_that_is_wrong_makes_nothing() {
    let mut world = World::new().await;
    world.wanted.template = TEMPLATE.replace("!Ref Vpc", "!Ref Nothing").into();
    let failure = world.converge().await.unwrap_err();
    assert_eq!(failure.summary, "CloudFormation refuses template spoke.yaml");
    assert!(failure.cause.contains("Nothing"), "{failure}");
    assert_eq!(world.sim.mutations(), 0);
}

#[tokio::test(start_paused = true)]
async fn destroying_follows_the_stack_to_its_end() {
    let world = World::new().await;
    assert_eq!(world.destroy().await.unwrap().change, Change::Absent);
    world.converge().await.unwrap();
    assert_eq!(world.destroy().await.unwrap().change, Change::Deleted);
    assert!(world.sim.is_empty().unwrap());
    // A creation that was left under way is waited for first.
    world.crash_after(1).await;
    assert_eq!(world.destroy().await.unwrap().change, Change::Deleted);
    assert!(world.sim.is_empty().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_fails_names_the_resource_and_can_be_repeated() {
    let world = World::new().await;
    let done = world.converge().await.unwrap();
    let client = ec2(&world.sim, DEV, EAST);
    let subnet = client.create_subnet().vpc_id(&done.outputs["VPCId"]).cidr_block("10.0.16.0/24").send().await.unwrap();
    let failure = world.destroy().await.unwrap_err();
    assert_eq!(failure.summary, "stack us-east-1-dev ended in DELETE_FAILED");
    assert!(failure.cause.starts_with("Vpc (AWS::EC2::VPC): "), "{failure}");
    let subnet = subnet.subnet.unwrap().subnet_id.unwrap();
    client.delete_subnet().subnet_id(subnet).send().await.unwrap();
    assert_eq!(world.destroy().await.unwrap().change, Change::Deleted);
}
