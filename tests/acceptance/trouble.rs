//! Runs that do not go through: nodes that fail, signals, readers that go away. The real binary, in a folder of its own.

use crate::orch::{Ended, Orch, QUICK};
use crate::world;

const APPLY: [&str; 5] = ["apply", "plans/us-east-1.toml", "--local", "--local-config", "aws.toml"];

/// Stacks that take long enough to be met in the middle.
const SLOW: &str = "[timing]\nresource_ms = 1500\n";

/// A stack that fails, and that cannot be missed: its subnets are refused.
const FAILING: &str = "\n[[resource]]\nstack = \"us-east-1-dev\"\nlogical_id = \"PublicSubnetA\"\n\
                       reason = \"The maximum number of subnets has been reached.\"\n";

fn orch(timing: &str, faults: &str) -> Orch {
    let orch = Orch::with_shipped_plans();
    orch.write("aws.toml", &format!("{timing}{faults}"));
    orch
}

/// Applies again, to the end, and holds that everything stands as planned.
#[track_caller]
fn is_made_good(orch: &Orch) -> Ended {
    orch.write("aws.toml", QUICK);
    let ended = orch.run(&APPLY).code(0);
    world::of(orch).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES);
    orch.run(&APPLY).code(0).prints(&["Nothing changed"]);
    ended
}

#[test]
fn a_failed_node_fails_the_run_and_only_what_needs_it_is_skipped() {
    let orch = orch(QUICK, FAILING);
    let ended = orch.run(&APPLY).code(1);
    // One stack failed; its peering and both of its routes needed it. The other 13 are done.
    let ended = ended.prints(&["Failed:", "1 failed, 3 skipped, 13 changed"]).says(&[
        "stacks.spoke[dev]",
        "ROLLBACK_COMPLETE",
        "PublicSubnetA",
        "The maximum number of subnets has been reached.",
        "plans/hub-and-spoke.toml:",
        "help",
    ]);
    for skipped in ["peerings.spoke[dev]", "routes.spoke-to-hub[dev]", "routes.hub-to-spoke[dev]"] {
        assert!(ended.stdout.contains(skipped), "{skipped} is not in:\n{}", ended.stdout);
    }
    world::of(&orch).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES[1..]);
}

#[test]
fn with_fail_fast_nothing_new_starts_after_a_failure() {
    // The hub takes its time, so that the failure comes first and all that needs the hub has not begun.
    let orch = orch(QUICK, &format!("[timing.stack_ms]\n\"us-east-1-master\" = 2000\n{FAILING}"));
    let ended = orch.run(&[&APPLY[..], &["--fail-fast"]].concat()).code(1);
    ended.says(&["stopping at the first failure"]).prints(&["1 failed", "Not started", "peerings.spoke[qa]"]);
    assert_eq!(world::of(&orch).peerings(), 0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_once_lets_running_nodes_settle_and_says_what_is_left() {
    let orch = orch(SLOW, "");
    let mut running = orch.start(&APPLY);
    running.says("started in qa").signal("INT").says("stopping: 12 not started, waiting for 5 running nodes");
    let ended = running.ends().code(130).prints(&["Not started", "routes.hub-to-spoke[qa]", "5 changed"]);
    assert!(!ended.stdout.contains("Left while running"), "{}", ended.stdout);
    // The stacks that ran are whole, and nothing else was begun.
    assert_eq!((world::of(&orch).whole_stacks(), world::of(&orch).peerings()), (5, 0));
    is_made_good(&orch).prints(&["12 changed", "5 unchanged"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_counts_only_what_takes_part() {
    let orch = orch(SLOW, "");
    let mut running = orch.start(&[&APPLY[..], &["--skip", "peerings", "--skip", "routes"]].concat());
    running.says("started in qa").signal("INT").says("stopping: waiting for 5 running nodes");
    // Everything that was asked for is done after all.
    running.ends().code(0).prints(&["5 changed"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_twice_leaves_at_once_and_says_what_goes_on() {
    let orch = orch("[timing]\nresource_ms = 600000\n", "");
    let mut running = orch.start(&APPLY);
    running.says("started in qa").signal("INT").says("stopping").signal("INT").says("leaving now");
    running.ends().code(130).says(&["may go on at AWS"]).prints(&["Left while running", "stacks.spoke[dev]"]);
    // What was begun goes on at AWS, and the next run finds it done.
    world::of(&orch).let_time_pass(std::time::Duration::from_hours(12));
    is_made_good(&orch);
}

#[cfg(unix)]
#[test]
fn sigterm_counts_like_ctrl_c() {
    let orch = orch(SLOW, "");
    let mut running = orch.start(&APPLY);
    running.says("started in qa").signal("TERM").says("stopping: 12 not started");
    running.ends().code(130);
    is_made_good(&orch);
}

#[cfg(unix)]
#[test]
fn a_terminal_that_goes_away_lets_running_nodes_settle_however_often_that_is_told() {
    let orch = orch(SLOW, "");
    let mut running = orch.start(&APPLY);
    running.says("started in qa").signal("HUP").says("stopping: 12 not started").signal("HUP");
    let ended = running.ends().code(130).prints(&["5 changed"]);
    assert!(!ended.stdout.contains("Left while running"), "{}", ended.stdout);
    is_made_good(&orch);
}

#[cfg(target_os = "linux")]
#[test]
fn under_nohup_a_terminal_that_goes_away_stops_nothing() {
    let orch = orch(SLOW, "");
    let mut running = orch.start_ignoring("HUP", &APPLY);
    running.says("started in qa").signal("HUP");
    running.ends().code(0).prints(&["17 changed"]);
}

#[test]
fn a_killed_process_is_made_good_by_the_next_run() {
    // Killed after so many lines: among the first starts, while stacks are being made, between peerings, among routes.
    for lines in [2, 6, 9, 14, 19, 24, 30] {
        let orch = orch(QUICK, "[timing.stack_ms]\n\"us-east-1-qa\" = 700\n");
        let mut running = orch.start(&APPLY);
        running.says("applying 17 nodes").says_lines(lines);
        running.kill();
        is_made_good(&orch);
    }
}

#[test]
fn a_reader_that_goes_away_stops_nothing() {
    let orch = orch(QUICK, "");
    let mut running = orch.start(&[&APPLY[..], &["-vv"]].concat());
    running.says_lines(1);
    assert_eq!(running.ends_unheard(), Some(0));
    world::of(&orch).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES);
}

#[test]
fn with_log_format_json_every_line_is_an_object() {
    let orch = orch(QUICK, FAILING);
    let ended = orch.run(&[&APPLY[..], &["--log-format", "json", "-v"]].concat()).code(1);
    let lines: Vec<serde_json::Value> = ended
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let failed = lines.iter().find(|line| line["event"] == "node_failed").expect("the failure is told");
    assert_eq!(failed["node"], "stacks.spoke[dev]");
    // A plan in error, too, says so in this form.
    orch.edit("plans/us-east-1.toml", "hub_cidr", "hub_cird");
    let ended = orch.run(&["validate", "plans/us-east-1.toml", "--log-format", "json"]).code(2);
    let notice: serde_json::Value = serde_json::from_str(ended.stderr.lines().next().unwrap()).unwrap();
    assert_eq!(notice["event"], "notice");
    assert!(notice["text"].as_str().unwrap().contains("hub_cird"), "{notice}");
}

#[test]
fn what_is_left_standing_on_something_deleted_is_named() {
    let orch = orch(QUICK, "");
    orch.run(&APPLY).code(0);
    let destroy = ["destroy", "plans/us-east-1.toml", "--local", "--local-config", "aws.toml"];
    let ended = orch.run(&[&destroy[..], &["--only", "account:dev"]].concat()).code(0);
    ended.says(&["warning: left out of this run", "routes.hub-to-spoke[dev]", "help:"]);
    // All of it at once leaves nothing behind, and there is nothing to warn of.
    let ended = orch.run(&destroy).code(0);
    assert!(!ended.stderr.contains("left out of this run"), "{}", ended.stderr);
    world::of(&orch).is_empty();
}

#[test]
fn an_order_alone_needs_nothing_of_what_is_left_out() {
    let orch = orch(QUICK, "");
    orch.write(
        "order.toml",
        "name = \"order\"\nregion = \"us-east-1\"\n\n[accounts]\nmaster = { id = \"111111111111\" }\n\n\
         [stacks.first]\naccount = \"master\"\ntemplate = \"one.yaml\"\n\n\
         [stacks.second]\naccount = \"master\"\ntemplate = \"one.yaml\"\ndepends_on = [\"stacks.first\"]\n",
    );
    orch.write("one.yaml", "Resources:\n  Gateway: {Type: \"AWS::EC2::InternetGateway\"}\n");
    orch.run(&["apply", "order.toml", "--local", "--local-config", "aws.toml", "--only", "stacks.second"])
        .code(0)
        .prints(&["1 changed"]);
}
