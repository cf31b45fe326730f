//! Stacks that are created on ground that may give way, on the embedded AWS.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::super::super::tests::{DEV, HUB, owner, sessions_in, unseen};
use super::super::tests::{TEMPLATE, World};
use super::super::{Allowed, ChangeSets, Forecasts, With, converge};
use super::{Asked, stays, take_back};
use crate::aws::Environment;
use crate::aws::tests::between::Said;
use crate::kinds::course::Provisional;
use crate::kinds::{Change, Course, Done, Failure, Firm, Made, Progress};
use crate::sim::{Effect, Fault, Faults, ResourceFault, Sim, Timing};

impl World {
    /// By way of an AWS that grants every call.
    async fn granting_all() -> Self {
        let world = Self::new().await;
        let keys = world.sim.clone();
        let key = move |_: Option<&str>| Some(keys.credentials(HUB));
        let environment = Environment::given(world.sim.http_client(), world.sim.time_source(), key);
        Self { sessions: sessions_in(&environment.granting_all()).await, ..world }
    }

    pub(in super::super) async fn converge_on(
        &self,
        course: Course<'_>,
        allowed: &Allowed,
        progress: Progress<'_>,
    ) -> Result<Done, Failure> {
        let (change_sets, forecasts) = (&ChangeSets::default(), &Forecasts::default());
        let with = With { allowed, change_sets, shown: None, forecasts, early: None, course };
        converge(&self.dev(), &self.wanted, None, with, progress).await
    }

    pub(in super::super) async fn converge_telling(&self, progress: Progress<'_>) -> Result<Done, Failure> {
        self.converge_on(Firm::default().course(), &Allowed::default(), progress).await
    }

    async fn on(&self, ground: &Provisional) -> Result<Done, Failure> {
        self.converge_on(ground.course(), &Allowed::default(), &unseen).await
    }

    async fn back(&self, ground: &Provisional) -> Result<Vec<String>, Failure> {
        let made = ground.trace.made();
        let back = take_back(&self.dev(), &self.wanted.owner, &made, &Forecasts::default(), &unseen).await?;
        assert_eq!(back.stays, stays(&self.dev(), &self.wanted.owner, &made).await, "{back:?}");
        Ok(back.details)
    }

    /// The stack's status, if it is there.
    async fn status(&self) -> Option<String> {
        let stack = self.dev().stack(&self.wanted.name).await.unwrap();
        stack.map(|stack| stack.status.to_string()).filter(|status| status != "DELETE_COMPLETE")
    }

    /// Has the ground settle half a minute after the stack is asked for; `before` is held just before.
    async fn settling(&self, ground: &Provisional, before: impl AsyncFnOnce()) -> Result<Done, Failure> {
        let settling = async {
            sleep(Duration::from_secs(30)).await;
            before().await;
            ground.settle();
        };
        tokio::join!(self.on(ground), settling).0
    }
}

const DELETED: &str = "deleted stack us-east-1-dev";

#[tokio::test(start_paused = true)]
async fn what_was_created_is_deleted_again() {
    let (world, ground) = (World::new().await, Provisional::default());
    assert_eq!(world.on(&ground).await.unwrap().change, Change::Created);
    assert_eq!(world.status().await.unwrap(), "CREATE_COMPLETE");
    assert_eq!(world.back(&ground).await.unwrap(), [DELETED]);
    assert_eq!(world.status().await, None);
    assert_eq!(world.back(&ground).await.unwrap(), [""; 0], "it is gone");
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_while_it_is_asked_for_is_known_and_deleted_while_it_is_created() {
    let (world, ground) = (World::new().await, Provisional::default());
    world.sim.set_faults(Faults::of([Fault::slow(Duration::from_secs(5)).by(DEV).on("CreateStack")]));
    let stopping = async {
        sleep(Duration::from_secs(2)).await;
        ground.trace.stop();
        ground.trace.idle().await;
    };
    tokio::select! {
        result = world.on(&ground) => panic!("{result:?}"),
        () = stopping => {}
    }
    assert!(matches!(&ground.trace.made()[..], [Made::Stack { .. }]), "{:?}", ground.trace.made());
    assert_eq!(world.status().await.unwrap(), "CREATE_IN_PROGRESS");
    assert_eq!(world.back(&ground).await.unwrap(), [DELETED]);
    assert_eq!(world.status().await, None);
}

/// Dev's session is refused when it asks for the stack, the first so many times, and for some time from then on there is no other.
fn refused(times: u64, world: &World, outage: Duration) -> impl Future<Output = ()> {
    let refused = Fault::new(Effect::Expired).by(DEV).on("CreateStack").first(times);
    let out = (!outage.is_zero()).then(|| Fault::new(Effect::Refused).on("AssumeRole"));
    world.sim.set_faults(Faults::of(out.into_iter().chain([refused.clone()])));
    async move {
        sleep(outage).await;
        world.sim.change(|world| world.rules.faults.calls.retain(|fault| *fault == refused)).unwrap();
    }
}

fn asked(world: &World) -> usize {
    world.sim.calls().iter().filter(|call| call.operation == "CreateStack").count()
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_while_there_is_no_session_to_ask_with_is_not_asked_for() {
    for world in [World::new().await, World::granting_all().await] {
        let ground = Provisional::default();
        let outage = refused(1, &world, Duration::from_mins(3));
        let stopping = async {
            sleep(Duration::from_mins(2)).await;
            ground.trace.stop();
            timeout(Duration::from_secs(1), ground.trace.idle())
                .await
                .expect("nothing is under way that has to be waited for");
            outage.await;
            sleep(Duration::from_mins(10)).await;
        };
        tokio::select! {
            result = world.on(&ground) => panic!("{result:?}"),
            () = stopping => {}
        }
        assert_eq!((asked(&world), ground.trace.made(), world.status().await), (1, Vec::new(), None));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_while_another_has_the_session_fetched_is_not_waited_for_either() {
    let (mut world, grounds) = (World::new().await, [Provisional::default(), Provisional::default()]);
    let first = world.wanted.clone();
    world.wanted.name = "us-east-1-dev-2".to_owned();
    world.sim.set_faults(Faults::of([
        Fault::new(Effect::Expired).by(DEV).on("CreateStack"),
        Fault::slow(Duration::from_secs(20)).on("AssumeRole"),
    ]));
    let stopping = async {
        sleep(Duration::from_secs(5)).await;
        assert_eq!(asked(&world), 2, "both are refused before there is another session");
        for ground in &grounds {
            ground.trace.stop();
            timeout(Duration::from_secs(1), ground.trace.idle()).await.expect("nothing of it is under way");
        }
        sleep(Duration::from_mins(10)).await;
    };
    let (change_sets, forecasts, allowed) = (&ChangeSets::default(), &Forecasts::default(), &Allowed::default());
    let with = With { allowed, change_sets, shown: None, forecasts, early: None, course: grounds[0].course() };
    let dev = world.dev();
    tokio::select! {
        result = converge(&dev, &first, None, with, &unseen) => panic!("{result:?}"),
        result = world.on(&grounds[1]) => panic!("{result:?}"),
        () = stopping => {}
    }
    assert_eq!((asked(&world), grounds.map(|ground| ground.trace.made())), (2, [const { Vec::new() }; 2]));
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_for_its_session_is_asked_for_again_once_there_is_another() {
    let (few, many) = (Duration::from_mins(4), Duration::from_mins(30));
    for (refusals, outage, is_made) in
        [(1, Duration::ZERO, true), (1, few, true), (1, many, false), (2, Duration::ZERO, false)]
    {
        for world in [World::new().await, World::granting_all().await] {
            let (ground, began) = (Provisional::default(), Instant::now());
            // On other ground what is refused waits until that is firm.
            ground.settle();
            let ending = refused(refusals, &world, outage);
            let converging = async {
                let result = world.on(&ground).await;
                (result, began.elapsed())
            };
            let ((result, took), ()) = tokio::join!(converging, ending);
            assert_eq!(result.is_ok(), is_made, "{refusals} {outage:?} {result:?}");
            assert_eq!(asked(&world), if is_made { 2 } else { usize::try_from(refusals).unwrap() });
            assert_eq!(ground.trace.made().is_empty(), !is_made, "{:?}", ground.trace.made());
            assert!(took < Duration::from_mins(8), "an outage is waited for once: {took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_in_several_turns_is_noted_once() {
    let (world, ground) = (World::new().await, Provisional::default());
    let effects = [(1, Effect::LostBefore), (2, Effect::Expired), (3, Effect::Expired)];
    world
        .sim
        .set_faults(Faults::of(effects.map(|(nth, effect)| Fault::new(effect).by(DEV).on("CreateStack").nth(nth))));
    assert_eq!(world.on(&ground).await.unwrap().change, Change::Created);
    let made = ground.trace.made();
    assert!(matches!(&made[..], [Made::Stack { .. }]) && asked(&world) == 4, "{made:?}");
}

#[tokio::test(start_paused = true)]
async fn what_stands_is_changed_once_the_ground_is_firm() {
    let (mut world, ground) = (World::new().await, Provisional::default());
    world.converge().await.unwrap();
    assert_eq!(world.on(&ground).await.unwrap().change, Change::Unchanged, "it is as it should be at once");
    world.set("Label", "other");
    let before = world.sim.mutations();
    let done = world.settling(&ground, async || assert_eq!(world.sim.mutations(), before)).await.unwrap();
    assert_eq!(done.change, Change::Updated);
    assert_eq!(ground.trace.made(), [], "nothing of it is to be deleted");
}

#[tokio::test(start_paused = true)]
async fn what_failed_before_is_made_anew_once_the_ground_is_firm() {
    let (world, ground) = (World::new().await, Provisional::default());
    let fault = ResourceFault {
        logical_id: Some("Table".to_owned()),
        reason: "no more tables".to_owned(),
        ..ResourceFault::default()
    };
    world.sim.change(|world| world.rules.faults.resources.push(fault)).unwrap();
    world.converge().await.unwrap_err();
    world.sim.set_faults(Faults::default());
    let stands = async || assert_eq!(world.status().await.unwrap(), "ROLLBACK_COMPLETE");
    assert_eq!(world.settling(&ground, stands).await.unwrap().change, Change::Created);
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_fails_by_itself_is_left_and_says_what_may_be_the_reason() {
    let (world, ground) = (World::new().await, Provisional::default());
    let fault = ResourceFault {
        logical_id: Some("Table".to_owned()),
        reason: "no more tables".to_owned(),
        ..ResourceFault::default()
    };
    world.sim.change(|world| world.rules.faults.resources.push(fault)).unwrap();
    let failure = world.on(&ground).await.unwrap_err();
    assert!(failure.help.last().unwrap().contains("take `early_inputs` away"), "{failure:?}");
    assert_eq!(world.back(&ground).await.unwrap(), [""; 0]);
    assert_eq!(world.status().await.unwrap(), "ROLLBACK_COMPLETE", "its events tell why");
    // On firm ground that is no reason.
    world.sim.set_faults(Faults::default());
    world.converge().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_is_lost_is_known_by_its_token() {
    let (world, ground) = (World::new().await, Provisional::default());
    // All attempts at the first call.
    world.sim.set_faults(Faults::of([Fault::new(Effect::LostAfter).by(DEV).on("CreateStack").first(5)]));
    assert_eq!(world.on(&ground).await.unwrap().change, Change::Created);
    assert!(matches!(&ground.trace.made()[..], [Made::StackAsked(_)]), "{:?}", ground.trace.made());
    assert_eq!(world.back(&ground).await.unwrap(), [DELETED]);
    assert_eq!(world.status().await, None);
}

#[tokio::test(start_paused = true)]
async fn what_another_run_has_created_meanwhile_is_not_deleted() {
    let (world, ground) = (World::new().await, Provisional::default());
    world.sim.set_faults(Faults::of([Fault::new(Effect::LostBefore).by(DEV).on("CreateStack")]));
    let other = async {
        sleep(Duration::from_secs(3)).await;
        world.sim.set_faults(Faults::default());
        world.converge().await.unwrap();
    };
    let (done, ()) = tokio::join!(world.on(&ground), other);
    assert_eq!(done.unwrap().change, Change::Unchanged);
    assert!(!ground.trace.made().is_empty());
    let left = "stack us-east-1-dev is left in CREATE_COMPLETE, since its events do not tell that this run made it";
    assert_eq!(world.back(&ground).await.unwrap(), [left]);
    assert_eq!(world.status().await.unwrap(), "CREATE_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_deleted_although_what_is_not_cannot_be_looked_for() {
    let world = World::scripted(|asked| {
        (asked.operation == "DescribeStacks" && asked.stack == Some("other"))
            .then(|| Said::error("AccessDenied", "not authorized"))
    })
    .await;
    let ground = Provisional::default();
    world.on(&ground).await.unwrap();
    let asked = Made::StackAsked(Asked { name: "other".to_owned(), token: "ours".to_owned() });
    let made = [vec![asked], ground.trace.made()].concat();
    let owner = &world.wanted.owner;
    let failure = take_back(&world.dev(), owner, &made, &Forecasts::default(), &unseen).await.unwrap_err();
    assert!(failure.to_string().contains("not authorized"), "{failure}");
    assert_eq!(world.status().await, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_asked_for_again_once_the_ground_is_firm() {
    let world = World::scripted(|asked| {
        (asked.operation == "CreateStack" && asked.nth == 1)
            .then(|| Said::error("ValidationError", "Parameter validation failed: the VPC does not exist"))
    })
    .await;
    let ground = Provisional::default();
    let none = async || assert_eq!(world.status().await, None);
    assert_eq!(world.settling(&ground, none).await.unwrap().change, Change::Created);
    // What the role may not do it may not do later either.
    let (world, ground) = (World::new().await, Provisional::default());
    world.sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).by(DEV).on("CreateStack")]));
    world.on(&ground).await.unwrap_err();
    assert_eq!(ground.trace.made(), []);
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_somebody_has_protected_meanwhile_is_left_and_named() {
    let (world, ground) = (World::new().await, Provisional::default());
    world.on(&ground).await.unwrap();
    let stack = world.dev().stack(&world.wanted.name).await.unwrap().unwrap();
    world.dev().protect_from_deletion(&stack.id, true).await.unwrap();
    let failure = world.back(&ground).await.unwrap_err();
    assert!(failure.to_string().contains("us-east-1-dev is protected from deletion"), "{failure}");
    assert_eq!(world.status().await.unwrap(), "CREATE_COMPLETE");
}

#[tokio::test(start_paused = true)]
async fn what_is_in_the_way_of_its_deletion_for_a_moment_only_delays_it() {
    let (world, ground) = (World::new().await, Provisional::default());
    world.on(&ground).await.unwrap();
    let held = |first: Option<u64>| ResourceFault {
        logical_id: Some("Vpc".to_owned()),
        action: Some("DELETE".to_owned()),
        first,
        reason: "it is peered".to_owned(),
        ..ResourceFault::default()
    };
    world.sim.set_faults(Faults { resources: vec![held(None)], ..Faults::default() });
    let failure = world.back(&ground).await.unwrap_err();
    assert!(failure.to_string().contains("DELETE_FAILED") && failure.to_string().contains("it is peered"), "{failure}");
    let (world, ground) = (World::new().await, Provisional::default());
    world.on(&ground).await.unwrap();
    world.sim.set_faults(Faults { resources: vec![held(Some(2))], ..Faults::default() });
    assert_eq!(world.back(&ground).await.unwrap(), [DELETED]);
}

#[tokio::test(start_paused = true)]
async fn what_a_template_retains_stays_also_where_the_creation_took_itself_back() {
    let retains = |world: &mut World| {
        let retained = TEMPLATE.replace("Type: AWS::EC2::VPC\n", "Type: AWS::EC2::VPC\n    DeletionPolicy: Retain\n");
        assert_ne!(retained, TEMPLATE);
        world.wanted.template = retained.into();
    };
    let is_named = |line: &str| line.starts_with("left behind in the account: Vpc (AWS::EC2::VPC) vpc-");
    let (mut world, ground) = (World::new().await, Provisional::default());
    retains(&mut world);
    world.on(&ground).await.unwrap();
    let told = world.back(&ground).await.unwrap();
    assert!(told.len() == 2 && told[0] == DELETED && is_named(&told[1]), "{told:?}");
    assert_eq!(world.status().await, None);
    assert!(stays(&world.dev(), &world.wanted.owner, &ground.trace.made()).await);

    let (mut world, ground) = (World::new().await, Provisional::default());
    retains(&mut world);
    let fault = ResourceFault {
        logical_id: Some("Table".to_owned()),
        reason: "no more tables".to_owned(),
        ..ResourceFault::default()
    };
    world.sim.set_faults(Faults { resources: vec![fault], ..Faults::default() });
    world.on(&ground).await.unwrap_err();
    assert_eq!(world.status().await.unwrap(), "ROLLBACK_COMPLETE");
    let told = world.back(&ground).await.unwrap();
    assert!(told.len() == 1 && is_named(&told[0]), "{told:?}");
    assert!(stays(&world.dev(), &world.wanted.owner, &ground.trace.made()).await);
    // Where it cannot be looked for, it may be there.
    world.sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).by(DEV).on("ListStackResources")]));
    let told = world.back(&ground).await.unwrap();
    assert!(told[0].starts_with("stack us-east-1-dev may have left something behind, which cannot"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_goes_away_at_the_moment_is_waited_for_before_it_is_said_to_stay() {
    let timing = Timing { resource: Duration::from_secs(30), ..Timing::default() };
    let world = World::of(Sim::builder().timing(timing)).await;
    let ground = Provisional::default();
    let fault = ResourceFault {
        logical_id: Some("Table".to_owned()),
        reason: "no more tables".to_owned(),
        ..ResourceFault::default()
    };
    world.sim.set_faults(Faults { resources: vec![fault], ..Faults::default() });
    let (dev, owner) = (world.dev(), world.wanted.owner.clone());
    let looking = async {
        while world.status().await.as_deref() != Some("ROLLBACK_IN_PROGRESS") {
            sleep(Duration::from_millis(200)).await;
        }
        stays(&dev, &owner, &ground.trace.made()).await
    };
    let (created, stays) = tokio::join!(world.on(&ground), looking);
    created.unwrap_err();
    assert!(!stays, "it is undone by now");
    assert_eq!(world.status().await.as_deref(), Some("ROLLBACK_COMPLETE"));
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_stack_of_the_name_is_none_that_stays() {
    let (world, ground) = (World::new().await, Provisional::default());
    world.on(&ground).await.unwrap();
    let asked = [Made::StackAsked(Asked { name: world.wanted.name.clone(), token: "ours".to_owned() })];
    for (owner, expected) in [(world.wanted.owner.clone(), true), (owner("stacks.other"), false)] {
        assert_eq!(stays(&world.dev(), &owner, &asked).await, expected);
    }
    // The one that it was is known by its ARN, whatever it bears by now.
    assert!(stays(&world.dev(), &owner("stacks.other"), &ground.trace.made()).await);
    world.back(&ground).await.unwrap();
    assert!(!stays(&world.dev(), &world.wanted.owner, &asked).await);
}
