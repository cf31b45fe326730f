//! Careful roll-outs: `waves`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use orch::event::Event;
use orch::plan::Files;
use orch::sim::{Faults, Sim, Timing};

use crate::in_process::{Ready, Told, read};

const TEMPLATE: &str = "\
Resources:
  Topic: {Type: 'AWS::SNS::Topic'}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
";

struct Written(String);

impl Files for Written {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(if path.ends_with("t.yaml") { TEMPLATE } else { &self.0 }.as_bytes().to_vec())
    }
}

/// Seven stacks in waves, each followed by one that takes what it gives and is in none.
fn plan(waves: &str) -> Ready {
    let text = format!(
        r#"
name   = "waves"
region = "us-east-1"
[accounts]
master = {{ id = "111111111111" }}
[stacks.app]
for_each = ["a", "b", "c", "d", "e", "f", "g"]
account  = "master"
name     = "app-{{{{ each.key }}}}"
template = "t.yaml"
waves    = {waves}
[stacks.after]
for_each = "stacks.app"
account  = "master"
name     = "after-{{{{ each.key }}}}"
template = "t.yaml"
tags     = {{ Of = "{{{{ each.outputs.Name }}}}" }}
"#
    );
    read("waves.toml", &Written(text))
}

/// When each node began and ended, in milliseconds.
fn times(told: &Told) -> BTreeMap<String, (u128, u128)> {
    let mut times = BTreeMap::new();
    for (at, event) in told {
        match event {
            Event::NodeStarted { node, .. } => drop(times.insert(node.to_string(), (*at, *at))),
            Event::NodeDone { node, .. } | Event::NodeFailed { node, .. } => {
                times.get_mut(&node.to_string()).unwrap().1 = *at;
            }
            _ => {}
        }
    }
    times
}

fn failing(stack: &str) -> Faults {
    let fault = format!("[[resource]]\nstack = \"{stack}\"\nlogical_id = \"Topic\"\nreason = \"no\"");
    toml::from_str(&fault).unwrap()
}

fn held(told: &Told) -> Vec<(String, Vec<String>, usize)> {
    let of_event = |event: &Event| match event {
        Event::RollOutHeld { group, failed, left } => {
            Some((group.clone(), failed.iter().map(ToString::to_string).collect(), *left))
        }
        _ => None,
    };
    told.iter().filter_map(|(_, event)| of_event(event)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_canary_goes_first_and_the_others_a_batch_at_a_time() {
    let plan = plan(r#"{ canary = ["c"], batch = 3 }"#);
    // What follows `c` is slow: nobody waits for it.
    let mut timing = Timing::default();
    timing.stacks.insert("after-c".to_owned(), std::time::Duration::from_secs(100));
    let sim = Sim::builder().timing(timing).build();
    let waves = [vec!["c"], vec!["a", "b", "d"], vec!["e", "f", "g"]];
    let (preview, _) = plan.preview(&sim, false).await;
    let shown: Vec<Vec<String>> =
        preview.order.steps.iter().map(|step| step.iter().map(ToString::to_string).collect()).collect();
    for (step, wave) in waves.iter().enumerate() {
        for key in wave {
            assert!(shown[step].contains(&format!("stacks.app[{key}]")), "{key} is not in step {step} of {shown:?}");
            assert!(shown[step + 1].contains(&format!("stacks.after[{key}]")), "after {key}: {shown:?}");
        }
    }
    let (tally, told) = plan.apply(&sim).await;
    assert_eq!((tally.changed, tally.done), (14, 14), "{told:#?}");
    let times = times(&told);
    for pair in waves.windows(2) {
        let ended = pair[0].iter().map(|key| times[&format!("stacks.app[{key}]")].1).max().unwrap();
        for key in &pair[1] {
            assert_eq!(times[&format!("stacks.app[{key}]")].0, ended, "{key} starts when the wave before has ended");
        }
    }
    assert!(times["stacks.after[c]"].1 > times["stacks.after[g]"].1 + 50_000);
    assert!(plan.preview(&sim, true).await.0.is_nothing(), "what is as it should be goes through its waves at once");
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_fails_holds_the_rest_and_the_next_run_goes_on() {
    let plan = plan(r#"{ canary = ["c", "f"], tolerate = 5 }"#);
    let sim = Sim::builder().faults(failing("app-f")).build();
    let (tally, told) = plan.apply(&sim).await;
    // c and what needs it; f fails and what needs it is skipped; five others, and what needs them, are left.
    assert_eq!((tally.done, tally.failed, tally.skipped, tally.not_started), (2, 1, 1, 10), "{told:#?}");
    assert_eq!(held(&told), [("stacks.app".to_owned(), vec!["stacks.app[f]".to_owned()], 10)]);
    sim.set_faults(Faults::default());
    let (tally, told) = plan.apply(&sim).await;
    assert_eq!((tally.changed, tally.done), (12, 14), "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn so_many_failures_are_tolerated_and_one_more_holds_the_rest() {
    let tolerant = plan("{ batch = 2, tolerate = 1 }");
    let sim = Sim::builder().faults(failing("app-b")).build();
    let (tally, told) = tolerant.apply(&sim).await;
    assert_eq!((tally.done, tally.failed, tally.skipped, tally.not_started), (12, 1, 1, 0), "{told:#?}");
    assert_eq!(held(&told), []);
    let strict = plan("{ batch = 2 }");
    let sim = Sim::builder().faults(failing("app-b")).build();
    let (tally, told) = strict.apply(&sim).await;
    assert_eq!((tally.done, tally.failed, tally.skipped, tally.not_started), (2, 1, 1, 10), "{told:#?}");
    assert_eq!(held(&told), [("stacks.app".to_owned(), vec!["stacks.app[b]".to_owned()], 10)]);
}

#[tokio::test(start_paused = true)]
async fn a_destruction_knows_no_waves() {
    let plan = plan(r#"{ canary = ["c"], batch = 1 }"#);
    let sim = Sim::builder().build();
    assert!(plan.apply(&sim).await.0.is_success());
    let (tally, told) = plan.destroy(&sim).await;
    assert!(tally.is_success());
    let times = times(&told);
    let began: Vec<u128> = ["a", "c", "g"].map(|key| times[&format!("stacks.app[{key}]")].0).to_vec();
    assert_eq!(began, [began[0]; 3]);
    assert!(sim.is_empty().unwrap());
}
