//! Stacks that somebody else has made, over the embedded AWS.

use super::super::adopt::TAKEN;
use super::super::{Adopt, Change};
use super::tests::World;

impl World {
    /// Takes the tags of orch from the stack, as if somebody else had made it.
    fn unmark(&self) {
        let unmark = |world: &mut crate::sim::World| {
            for regional in world.accounts.values_mut().flat_map(|account| account.regions.values_mut()) {
                for stack in regional.cloudformation.stacks.values_mut() {
                    let tags = stack.resources.values_mut().map(|resource| &mut resource.tags);
                    for tags in tags.chain(stack.config.as_mut().map(|config| &mut config.tags)) {
                        tags.retain(|key, _| !key.starts_with("orch:"));
                    }
                }
            }
        };
        self.sim.change(unmark).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_of_somebody_elses_is_refused_adopted_untouched_and_taken_over_when_that_is_asked() {
    let mut world = World::new().await;
    let made = world.converge().await.unwrap();
    world.unmark();
    let refused = world.converge().await.unwrap_err();
    assert_eq!(refused.cause, "it has no tags of orch");
    assert!(refused.help[0].contains("`orch adopt PLAN 'stacks.spoke[dev]'`"), "{refused:?}");

    world.wanted.adopt = Adopt::Declared;
    let before = world.sim.mutations();
    let done = world.converge().await.unwrap();
    assert_eq!((done.change, &done.outputs), (Change::Unchanged, &made.outputs));
    assert_eq!(done.details.len(), 1, "{:?}", done.details);
    assert_eq!(world.sim.mutations(), before);
    // What bears no tags is not deleted, though the plan adopts it.
    let kept = world.destroy().await.unwrap_err();
    assert!(kept.help[0].contains("take it over first: `orch adopt PLAN 'stacks.spoke[dev]'`"), "{kept:?}");

    world.wanted.adopt = Adopt::Now { from_others: false };
    let taken = world.converge().await.unwrap();
    assert_eq!((taken.change, taken.details[0].as_str()), (Change::Updated, TAKEN));
    let tags = world.dev().stack("us-east-1-dev").await.unwrap().unwrap().tags;
    assert_eq!((tags["orch:plan"].as_str(), tags["orch:node"].as_str()), ("network", "stacks/spoke/dev"));
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged);
    world.wanted.adopt = Adopt::Never;
    assert_eq!(world.destroy().await.unwrap().change, Change::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_an_adopted_stack_brings_the_tags() {
    let mut world = World::new().await;
    world.converge().await.unwrap();
    world.unmark();
    world.wanted.adopt = Adopt::Declared;
    world.set("Label", "core");
    let done = world.converge().await.unwrap();
    assert_eq!((done.change, done.details[0].as_str()), (Change::Updated, TAKEN));
    world.wanted.adopt = Adopt::Never;
    assert_eq!(world.converge().await.unwrap().change, Change::Unchanged, "it is the node's own now");
}

#[tokio::test(start_paused = true)]
async fn what_only_guards_an_adopted_stack_brings_no_tags_and_does_not_say_so() {
    let mut world = World::new().await;
    world.converge().await.unwrap();
    world.unmark();
    world.wanted.adopt = Adopt::Declared;
    let place = "plan.toml:9:11".to_owned();
    world.wanted.guards.protect = Some(super::Protect { delete: true, replace: false, place });
    let done = world.converge().await.unwrap();
    assert_eq!(done.change, Change::Updated);
    assert!(!done.details.iter().any(|detail| detail == TAKEN), "{:?}", done.details);
    assert!(!world.dev().stack("us-east-1-dev").await.unwrap().unwrap().tags.contains_key("orch:plan"));
}
