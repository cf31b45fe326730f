//! The ways out of what a failure leaves behind, and `orch cancel`. The real binary, in a folder of its own.

use crate::orch::{Orch, QUICK};
use crate::world;

const AWS: [&str; 4] = ["plans/us-east-1.toml", "--local", "--local-config", "aws.toml"];

fn orch(faults: &str) -> Orch {
    let orch = Orch::with_shipped_plans();
    faulty(&orch, faults);
    orch
}

fn faulty(orch: &Orch, faults: &str) {
    orch.write("aws.toml", &format!("{QUICK}{faults}"));
}

fn args<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command], &AWS[..], more].concat()
}

#[test]
fn a_stack_whose_creation_failed_is_made_anew_by_the_next_apply_which_says_so() {
    let orch = orch(
        "\n[[resource]]\nstack = \"us-east-1-dev\"\nlogical_id = \"PublicSubnetA\"\naction = \"CREATE\"\nreason = \"No more.\"\n",
    );
    let failed = orch.run(&args("apply", &[])).code(1);
    failed.says(&[
        "ended in ROLLBACK_COMPLETE",
        "apply again: the stack, which never was complete, is deleted and created anew",
    ]);
    faulty(&orch, "");
    let ended = orch.run(&args("apply", &["-v"])).code(0);
    ended.says(&["ROLLBACK_COMPLETE: deleted and created anew, since its creation had failed and was taken back"]);
    world::of(&orch).is_a_hub_with_spokes("us-east-1", "10.0.0.0/20", &world::SPOKES);
    orch.run(&args("apply", &[])).code(0).prints(&["Nothing changed"]);
}

#[test]
fn what_cannot_be_deleted_is_named_with_the_flag_that_leaves_it_behind() {
    let undeletable =
        "\n[[resource]]\nstack = \"us-east-1-dev\"\nlogical_id = \"VPC\"\naction = \"DELETE\"\nreason = \"Held.\"\n";
    let orch = orch(undeletable);
    orch.run(&args("apply", &[])).code(0);
    let failed = orch.run(&args("destroy", &[])).code(1);
    failed.prints(&["ended in DELETE_FAILED", "VPC (AWS::EC2::VPC): Held.", "--retain 'stacks.spoke[dev]:VPC'"]);
    let ended = orch.run(&args("destroy", &["-v", "--retain", "stacks.spoke[dev]:VPC"])).code(0);
    ended.says(&["left behind in the account: VPC (AWS::EC2::VPC) vpc-"]);
    orch.run(&args("destroy", &[])).code(0).prints(&["there was nothing to delete"]);
}

#[test]
fn a_flag_that_names_no_node_of_the_run_is_refused_before_anything_is_called() {
    let orch = orch("");
    let slip = orch.run(&args("apply", &["--skip-resource", "stacks.spoke[dve]:VPC"])).code(2);
    slip.says(&["--skip-resource names stacks.spoke[dve], which is no node of this plan; did you mean"]);
    let bad = orch.run(&args("destroy", &["--retain", "VPC"])).code(2);
    bad.says(&["write NODE:RESOURCE"]);
    let left_out = ["--retain", "stacks.spoke[dev]:VPC", "--skip", "stacks.spoke[dev]"];
    orch.run(&args("destroy", &left_out)).code(2).says(&["which --only and --skip leave out"]);
    assert!(!orch.path(".orch/local/world.json").exists());
}

#[test]
fn cancelling_where_nothing_runs_changes_nothing_and_says_so() {
    let orch = orch("");
    orch.run(&args("apply", &["--only", "stacks.spoke"])).code(0);
    let ended = orch.run(&args("cancel", &["--only", "stacks"])).code(0);
    ended.prints(&["Nothing changed: no update was under way"]).says(&["cancelling the updates of 5 nodes"]);
    orch.run(&args("cancel", &["--only", "peerings"])).code(0);
    let refused = orch.run(&["cancel", "plans/us-east-1.toml"]).code(4);
    refused.says(&["will cancel what runs at 5 stacks", "give --yes"]);
}
