//! Careful roll-outs: `waves`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use orch::engine::{Limits, Settings};
use orch::event::Event;
use orch::sim::{Faults, Sim, Timing};
use tokio::time::Instant;

use crate::in_process::{Ready, Told};
use crate::orch::{Ended, Orch, QUICK};
use crate::spokes::beside;

const TEMPLATE: &str = "\
Resources:
  Topic: {Type: 'AWS::SNS::Topic'}
Outputs:
  Name: {Value: !GetAtt Topic.TopicName}
";

fn read(text: &str) -> Ready {
    beside(text, &[("t.yaml", TEMPLATE)])
}

/// Seven stacks in waves, each followed by one that takes what it gives and is in none.
fn plan(waves: &str) -> Ready {
    read(&text("waves", waves))
}

fn text(name: &str, waves: &str) -> String {
    format!(
        r#"
name   = "{name}"
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
    )
}

/// The same plan in a folder, for the program itself.
fn orch(waves: &str) -> Orch {
    let orch = Orch::empty();
    orch.write("quick.toml", QUICK).write("plan.toml", &text("waves", waves)).write("t.yaml", TEMPLATE);
    orch
}

fn run(orch: &Orch, command: &str, file: &str, more: &[&str]) -> Ended {
    orch.run(&[&[command, file, "--local", "--local-config", "quick.toml"], more].concat())
}

/// Another plan makes some of the stacks.
fn theirs(orch: &Orch, keys: &[&str]) {
    orch.write("theirs.toml", &text("theirs", "{ batch = 7 }"));
    let only: Vec<String> = keys.iter().map(|key| format!("stacks.app[{key}]")).collect();
    let chosen: Vec<&str> = only.iter().flat_map(|only| ["--only", only]).collect();
    run(orch, "apply", "theirs.toml", &chosen).code(0);
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
    timing.stacks.insert("after-c".to_owned(), Duration::from_secs(100));
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
    let began = Instant::now();
    assert!(plan.preview(&sim, true).await.0.is_nothing(), "all is as it should be");
    assert!(began.elapsed() < Duration::from_secs(1), "and goes through its waves at once: {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn under_a_limit_the_canary_goes_before_a_path_that_nothing_waits_for() {
    // By itself the canary is as long as the chain, which comes first in the file.
    let chain = r#"
[stacks.long]
account  = "master"
name     = "long"
template = "t.yaml"
[stacks.longer]
account  = "master"
name     = "longer"
template = "t.yaml"
tags     = { Of = "{{ stacks.long.outputs.Name }}" }
[stacks.app]"#;
    let text = text("waves", r#"{ canary = ["c"] }"#).replace("\n[stacks.app]", chain);
    let one = NonZeroUsize::MIN;
    let settings = Settings { limits: Limits { total: one, per_lane: one }, fail_fast: false };
    let plan = read(&text).with(settings);
    let (tally, told) = plan.apply(&Sim::builder().build()).await;
    assert_eq!(tally.changed, 16, "{told:#?}");
    let started = told.iter().filter_map(|(_, event)| match event {
        Event::NodeStarted { node, .. } => Some(node.to_string()),
        _ => None,
    });
    assert_eq!(started.collect::<Vec<_>>()[0], "stacks.app[c]");
}

#[test]
fn what_a_canary_that_would_fail_holds_back_is_shown_so_and_not_done() {
    let orch = orch(r#"{ canary = ["c"], tolerate = 9 }"#);
    theirs(&orch, &["c"]);
    run(&orch, "preview", "plan.toml", &[]).code(1).prints(&[
        "! stacks.app[c]",
        "/ stacks.app[a]  would be skipped app-a, since stacks.app[c] would fail",
        "not started: the roll-out of stacks.app would be held back",
        "/ stacks.after[g]",
        "stacks.app in waves: first c, which must end well, then 6 others; 9 may fail",
        "1 to fail, 13 to be skipped",
    ]);
    run(&orch, "apply", "plan.toml", &["--yes"]).code(1);
    run(&orch, "outputs", "plan.toml", &["--only", "stacks.app[a]"]).code(1);
}

#[test]
fn a_roll_out_is_shown_and_so_is_what_takes_no_part_of_its_canary() {
    let orch = orch(r#"{ canary = ["c", "d"], batch = 3, tolerate = 1 }"#);
    let all = "stacks.app in waves: first c, d, which must end well, then 5 others, 3 at a time; 1 may fail";
    run(&orch, "preview", "plan.toml", &[]).code(5).prints(&[all]);
    let skip = ["--skip", "stacks.app[c]", "--skip", "stacks.after[c]"];
    let part = "first d, which must end well, then 5 others, 3 at a time; of its canary c takes no part; 1 may fail";
    run(&orch, "preview", "plan.toml", &skip).code(5).prints(&[part]);
    let markdown = run(&orch, "preview", "plan.toml", &["--format", "markdown"]).code(5);
    markdown.prints(&["- `stacks.app` in waves: first c, d, which"]);
    let json = run(&orch, "preview", "plan.toml", &["--format", "json"]).code(5);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let expected = serde_json::json!([
        { "group": "stacks.app", "canary": ["c", "d"], "others": 5, "batch": 3, "tolerate": 1 },
    ]);
    assert_eq!(json["order"]["roll_outs"], expected);
}

#[test]
fn other_waves_than_were_shown_are_told() {
    let orch = orch(r#"{ canary = ["a"], batch = 1 }"#);
    run(&orch, "preview", "plan.toml", &["--save", "changes.json"]).code(5);
    orch.edit("plan.toml", "batch = 1", "batch = 1, tolerate = 99");
    run(&orch, "apply", "changes.json", &[]).code(6).says(&["the plan\n    how many may fail of stacks.app: 0 → 99"]);
    orch.edit("plan.toml", ", tolerate = 99", "");
    run(&orch, "apply", "changes.json", &[]).code(0);
}

#[test]
fn what_is_taken_over_goes_in_no_waves() {
    let orch = orch(r#"{ canary = ["c"] }"#);
    theirs(&orch, &["a", "b"]);
    let adopted = run(&orch, "adopt", "plan.toml", &["stacks.app", "--from-other"]).code(1);
    adopted.prints(&["does not exist, so it cannot be adopted"]);
    run(&orch, "outputs", "plan.toml", &["--only", "stacks.app[a]", "--only", "stacks.app[b]"]).code(0);
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
    // As soon as AWS takes so many calls.
    assert!(began.iter().all(|at| *at < began[0] + 100), "{began:?}");
    assert!(sim.is_empty().unwrap());
}
