//! Saved previews: `orch preview --save`, `orch apply FILE`, `orch discard`. The real binary, in a folder of its own.
#![expect(clippy::disallowed_methods, reason = "the tests read the file that a preview is saved to")]

use std::fs;

use indexmap::IndexMap;
use orch::aws::{ChangeSetSpec, PeeringRequest, RouteTarget, StackSpec};
use orch::preview::Saved;

use crate::hand;
use crate::orch::{Ended, Orch, QUICK};
use crate::world;

const HUB: &str = "111111111111";
const DEV: &str = "222222222222";

const PLAN: &str = r#"name   = "net"
region = "us-east-1"
vars   = { range = "10.1.0.0/16", label = "hub", secret = { env = "SECRET", default = "none-yet" } }

[accounts]
master = { id = "111111111111" }
dev    = { id = "222222222222", role = "Orch" }

[stacks.hub]
account    = "master"
name       = "net-hub"
template   = "vpc.yaml"
parameters = { Range = "10.0.0.0/16", Label = "{{ vars.label }}", Secret = "{{ vars.secret }}" }
tags       = { Purpose = "network" }

[stacks.spoke]
account    = "dev"
name       = "net-spoke"
template   = "vpc.yaml"
parameters = { Range = "{{ vars.range }}", Label = "spoke of {{ stacks.hub.outputs.Label }}" }

[peerings.link]
requester = { account = "dev", vpc = "{{ stacks.spoke.outputs.VpcId }}" }
accepter  = { account = "master", vpc = "{{ stacks.hub.outputs.VpcId }}" }

[routes.out]
account      = "dev"
route_tables = ["{{ stacks.spoke.outputs.TableId }}"]
destination  = "{{ stacks.hub.outputs.Range }}"
via          = "{{ peerings.link.id }}"

[routes.back]
account      = "master"
route_tables = ["{{ stacks.hub.outputs.TableId }}"]
destination  = "{{ stacks.spoke.outputs.Range }}"
via          = "{{ peerings.link.id }}"
"#;

const TEMPLATE: &str = "\
Parameters:
  Range: {Type: String}
  Label: {Type: String}
  Secret: {Type: String, NoEcho: true, Default: none-yet}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !Ref Range, Tags: [{Key: Name, Value: !Ref Label}, {Key: Secret, Value: !Ref Secret}]}
  Table:
    Type: AWS::EC2::RouteTable
    Properties: {VpcId: !Ref Vpc}
Outputs:
  VpcId: {Value: !Ref Vpc}
  Range: {Value: !GetAtt Vpc.CidrBlock}
  Label: {Value: !Ref Label}
  TableId: {Value: !Ref Table}
";

const GATEWAY: &str = "\
Resources:
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: '@VPC', InternetGatewayId: !Ref Gateway}}
Outputs:
  Id: {Value: !Ref Gateway}
";

const LOCAL: [&str; 3] = ["--local", "--local-config", "quick.toml"];

fn orch() -> Orch {
    let orch = Orch::empty();
    orch.write("quick.toml", QUICK).write("plan.toml", PLAN).write("vpc.yaml", TEMPLATE);
    orch
}

/// A world as the plan has it.
fn built() -> Orch {
    let orch = orch();
    run(&orch, "apply", "plan.toml", &[]).code(0);
    orch
}

fn run(orch: &Orch, command: &str, file: &str, more: &[&str]) -> Ended {
    orch.run(&[&[command, file], &LOCAL[..], more].concat())
}

fn save(orch: &Orch, more: &[&str]) -> Ended {
    run(orch, "preview", "plan.toml", &[&["--save", "changes.json"], more].concat())
}

fn apply(orch: &Orch) -> Ended {
    run(orch, "apply", "changes.json", &["-vv"])
}

/// The operations that were called, by the log.
fn called(ended: &Ended) -> Vec<&str> {
    ended.stderr.split("operation=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// Holds that a saved preview is refused with these words, that nothing was called that changes anything but its own
/// change sets, and that these are gone.
#[track_caller]
fn refused(orch: &Orch, says: &[&str]) {
    let ended = apply(orch).code(6);
    let calls = called(&ended);
    assert!(calls.len() > 4, "the reader of the log sees none: {calls:?}");
    let looks = ["Describe", "Get", "List", "AssumeRole", "DeleteChangeSet"];
    let changing: Vec<_> = calls.iter().filter(|call| !looks.iter().any(|look| call.starts_with(look))).collect();
    assert!(changing.is_empty(), "{changing:?}");
    ended
        .says(&["changes.json is refused", "nothing was changed", "help: preview again: orch preview plan.toml"])
        .says(says);
    assert_eq!(world::of(orch).waiting_change_sets(), 0);
}

/// An update in place of the hub, saved.
fn pending() -> Orch {
    let orch = built();
    orch.edit("plan.toml", "label = \"hub\"", "label = \"centre\"");
    save(&orch, &[]).code(5).prints(&["~ stacks.hub", "~ stacks.spoke", "hub → centre"]);
    assert_eq!(world::of(&orch).waiting_change_sets(), 2);
    orch
}

#[test]
fn a_saved_preview_is_applied_by_its_very_change_sets_and_only_once() {
    let orch = pending();
    let ended = apply(&orch).code(0);
    assert!(!called(&ended).iter().any(|call| ["CreateChangeSet", "DeleteChangeSet"].contains(call)), "{ended:?}");
    ended.says(&["2 to update"]).prints(&["Label", "centre", "spoke of centre"]);
    run(&orch, "preview", "plan.toml", &[]).code(0);
    // A file that was applied is outdated by that.
    refused(&orch, &["stacks.hub", "at AWS: status: CREATE_COMPLETE → UPDATE_COMPLETE"]);
}

#[test]
fn what_is_not_there_yet_is_made_as_it_was_shown() {
    let orch = orch();
    save(&orch, &[]).code(5).prints(&["5 to create"]);
    apply(&orch).code(0).says(&["5 to create"]);
    run(&orch, "preview", "plan.toml", &[]).code(0);
    save(&orch, &[]).code(0);
    let nothing = apply(&orch).code(0);
    assert!(called(&nothing).iter().all(|call| !call.starts_with("Create")), "{nothing:?}");
}

#[test]
fn a_changed_plan_is_told_by_node_and_value_and_a_comment_changes_nothing() {
    let orch = pending();
    orch.edit("plan.toml", "\"10.0.0.0/16\"", "\"10.8.0.0/16\"");
    refused(&orch, &["stacks.hub\n    in the plan: parameter Range: 10.0.0.0/16 → 10.8.0.0/16"]);
    let orch = pending();
    orch.edit("plan.toml", "[stacks.hub]", "# a comment\n\n[stacks.hub]");
    apply(&orch).code(0);
    // Nor is where a value stands a part of one that only the run brings forth, by a helper.
    let orch = self::orch();
    orch.edit("plan.toml", "[stacks.spoke]", "[stacks.third]\naccount = \"dev\"\nname = \"third\"\ntemplate = \"vpc.yaml\"\nparameters = { Range = \"10.9.0.0/16\", Label = \"{{ select (split stacks.hub.outputs.VpcId) 0 }}\" }\n\n[stacks.spoke]");
    save(&orch, &[]).code(5);
    orch.edit("plan.toml", "[stacks.hub]", "# a comment\n\n[stacks.hub]");
    apply(&orch).code(0);
}

#[test]
fn what_aws_did_not_tell_is_no_change_and_the_file_stands() {
    let orch = pending();
    orch.write(
        "quick.toml",
        &format!("{QUICK}\n[[call]]\noperation = \"DescribeChangeSet\"\neffect = \"access-denied\"\n"),
    );
    let ended = apply(&orch).code(1);
    ended.says(&["was not held against AWS", "not seen: what is done", "nothing was changed"]);
    assert_eq!(world::of(&orch).waiting_change_sets(), 2);
    orch.write("quick.toml", QUICK);
    apply(&orch).code(0);
}

#[test]
fn a_changed_template_is_told_for_every_stack_that_is_made_of_it() {
    let orch = pending();
    orch.edit("vpc.yaml", "  Table:\n", "  Other: {Type: AWS::EC2::InternetGateway}\n  Table:\n");
    refused(
        &orch,
        &["stacks.hub\n    in the plan: template changed", "stacks.spoke\n    in the plan: template changed"],
    );
    let fresh = self::orch();
    save(&fresh, &[]).code(5);
    fresh.edit("vpc.yaml", "Tags: [{Key: Name, Value: !Ref Label},", "Tags: [");
    refused(&fresh, &["in the plan: template changed"]);
}

#[test]
fn another_value_of_a_variable_is_told_by_what_takes_it() {
    let orch = built();
    save(&orch, &["--var", "label=west"]).code(5);
    let missing = apply(&orch).code(2);
    missing.says(&["was saved with --var label, whose values it does not hold"]);
    run(&orch, "apply", "changes.json", &["--var", "label=west", "--var", "range=10.9.0.0/16"])
        .code(2)
        .says(&["was saved without --var range"]);
    assert_eq!(world::of(&orch).waiting_change_sets(), 2, "a slip on the command line gives nothing up");
    let other = run(&orch, "apply", "changes.json", &["--var", "label=east"]).code(6);
    other.says(&["parameter Label: west → east"]);
    save(&orch, &["--var", "label=west"]).code(5);
    run(&orch, "apply", "changes.json", &["--var", "label=west"]).code(0);
}

#[test]
fn a_changed_tag_is_told() {
    let orch = pending();
    orch.edit("plan.toml", "Purpose = \"network\"", "Purpose = \"network\", Team = \"core\"");
    refused(&orch, &["stacks.hub\n    in the plan: tag Team is new: core"]);
}

#[tokio::test]
async fn a_stack_that_somebody_has_updated_is_told_with_its_states() {
    let orch = pending();
    let hub = hand::at(&orch, HUB).await;
    let theirs = spec("net-hub", &[("Range", "10.0.0.0/16"), ("Label", "theirs")], "stacks/hub");
    let spec = ChangeSetSpec { stack: theirs, name: "theirs".to_owned(), nested: false, reverts_drift: false };
    hub.create_change_set(&spec).await.unwrap();
    let stack = hub.stack("net-hub").await.unwrap().unwrap().id;
    while hub.change_set(&stack, "theirs").await.unwrap().is_in_progress() {}
    let set = hub.change_set(&stack, "theirs").await.unwrap();
    hub.execute_change_set(&stack, &set.id, &orch::aws::Settings::default(), "theirs").await.unwrap();
    refused(&orch, &["stacks.hub\n    at AWS: change set: CREATE_COMPLETE, AVAILABLE → gone", "last updated: never →"]);
}

#[tokio::test]
async fn a_stack_that_was_deleted_is_told() {
    let orch = built();
    run(&orch, "destroy", "plan.toml", &["--only", "routes", "--only", "peerings"]).code(0);
    let choice = ["--only", "stacks"];
    orch.edit("plan.toml", "label = \"hub\"", "label = \"centre\"");
    save(&orch, &choice).code(5);
    let dev = hand::at(&orch, DEV).await;
    let stack = dev.stack("net-spoke").await.unwrap().unwrap();
    dev.delete_stack(&stack.id, "by-hand").await.unwrap();
    refused(&orch, &["stacks.spoke\n    at AWS: change set is gone", "at AWS: stack is gone: arn:"]);
}

#[tokio::test]
async fn a_stack_that_was_made_meanwhile_is_told() {
    let orch = orch();
    save(&orch, &[]).code(5);
    let spec = spec("net-hub", &[("Range", "10.0.0.0/16"), ("Label", "hub")], "stacks/hub");
    hand::at(&orch, HUB).await.create_stack(&spec, "theirs").await.unwrap();
    refused(&orch, &["stacks.hub\n    at AWS: last updated is new: never", "at AWS: stack is new: arn:"]);
}

#[tokio::test]
async fn a_change_set_that_was_deleted_is_told() {
    let orch = pending();
    let hub = hand::at(&orch, HUB).await;
    let stack = hub.stack("net-hub").await.unwrap().unwrap();
    for set in hub.change_sets(&stack.id).await.unwrap() {
        hub.delete_change_set(&set.id).await.unwrap();
    }
    refused(&orch, &["stacks.hub\n    at AWS: change set: CREATE_COMPLETE, AVAILABLE → gone"]);
}

#[tokio::test]
async fn a_change_set_that_somebody_has_executed_is_told() {
    let orch = pending();
    let hub = hand::at(&orch, HUB).await;
    let stack = hub.stack("net-hub").await.unwrap().unwrap();
    let set = hub.change_sets(&stack.id).await.unwrap().remove(0);
    hub.execute_change_set(&stack.id, &set.id, &orch::aws::Settings::default(), "theirs").await.unwrap();
    refused(&orch, &["stacks.hub", "at AWS: status: CREATE_COMPLETE → UPDATE_COMPLETE"]);
}

#[tokio::test]
async fn a_peering_that_was_deleted_by_hand_is_told() {
    let orch = pending();
    let dev = hand::at(&orch, DEV).await;
    let peering = dev.every_peering().await.unwrap().remove(0);
    dev.delete_peering(&peering.id).await.unwrap();
    refused(&orch, &[&format!("peerings.link\n    at AWS: peering {} is gone: active", peering.id), "routes.out"]);
}

#[tokio::test]
async fn a_peering_that_was_accepted_by_hand_is_told() {
    let orch = built();
    let (dev, hub) = (hand::at(&orch, DEV).await, hand::at(&orch, HUB).await);
    let old = dev.every_peering().await.unwrap().remove(0);
    dev.delete_peering(&old.id).await.unwrap();
    let request = PeeringRequest {
        vpc: old.requester.vpc.clone(),
        peer_vpc: old.accepter.vpc.clone(),
        peer_account: HUB.to_owned(),
        peer_region: "us-east-1".to_owned(),
        tags: tags("peerings/link"),
    };
    let id = dev.request_peering(&request).await.unwrap().id;
    save(&orch, &["--only", "peerings"]).code(5).prints(&["accept it in"]);
    hub.accept_peering(&id).await.unwrap();
    refused(&orch, &[&format!("peerings.link\n    at AWS: peering {id}: pending-acceptance → active")]);
}

#[tokio::test]
async fn a_route_that_leads_elsewhere_now_is_told_with_both_targets() {
    let orch = pending();
    let dev = hand::at(&orch, DEV).await;
    let outputs = dev.stack("net-spoke").await.unwrap().unwrap().outputs;
    let spec = StackSpec {
        template: orch::aws::Template::Text(GATEWAY.replace("@VPC", &outputs["VpcId"]).into()),
        parameters: IndexMap::new(),
        ..spec("gateway", &[], "stacks/none")
    };
    dev.create_stack(&spec, "theirs").await.unwrap();
    let gateway = dev.stack("gateway").await.unwrap().unwrap().outputs["Id"].clone();
    dev.replace_route(&outputs["TableId"], "10.0.0.0/16", RouteTarget::Gateway, &gateway).await.unwrap();
    let leads = format!("already leads 10.0.0.0/16 to {gateway}");
    refused(&orch, &["routes.out\n    therefore: what is done: unchanged → to fail: route table rtb-", &leads]);
}

#[tokio::test]
async fn a_route_that_is_gone_is_told_with_its_target() {
    let orch = pending();
    let dev = hand::at(&orch, DEV).await;
    let table = dev.stack("net-spoke").await.unwrap().unwrap().outputs["TableId"].clone();
    dev.delete_route(&table, "10.0.0.0/16").await.unwrap();
    refused(&orch, &[&format!("routes.out\n    at AWS: route table {table}: pcx-"), "→ nowhere"]);
}

#[test]
fn another_account_is_refused_before_anything_is_asked_of_it() {
    let orch = pending();
    orch.edit("plan.toml", "id = \"222222222222\"", "id = \"333333333333\"");
    let ended = apply(&orch).code(6);
    assert_eq!(called(&ended), [""; 0]);
    ended.says(&[
        "the plan\n    account dev: 222222222222 → 333333333333",
        "nothing was changed",
        "2 change sets of it left to wait: `orch discard changes.json`",
    ]);
    assert_eq!(world::of(&orch).waiting_change_sets(), 2);
}

#[test]
fn other_nodes_than_were_shown_are_told_and_the_choice_is_the_previews_own() {
    let orch = built();
    orch.edit("plan.toml", "label = \"hub\"", "label = \"centre\"");
    save(&orch, &["--only", "stacks"]).code(5);
    run(&orch, "apply", "changes.json", &["--only", "stacks.hub"])
        .code(2)
        .says(&["which has settled what is done: --only"]);
    let ended = apply(&orch).code(0);
    assert!(!ended.stdout.contains("peerings.link"), "{}", ended.stdout);
    save(&orch, &[]).code(0);
    orch.edit("plan.toml", "[stacks.spoke]", "[stacks.more]\naccount = \"dev\"\nname = \"more\"\ntemplate = \"vpc.yaml\"\nparameters = { Range = \"10.7.0.0/16\", Label = \"more\" }\n\n[stacks.spoke]");
    refused(&orch, &["stacks.more\n    in the plan: the node is new: takes part"]);
}

#[test]
fn a_file_for_the_embedded_aws_is_not_for_aws_and_the_other_way_round() {
    let orch = pending();
    orch.run(&["apply", "changes.json"]).code(2).says(&["was saved with --local", "give --local"]);
    let text = fs::read_to_string(orch.path("changes.json")).unwrap();
    let other = Saved { local: false, ..Saved::read(&text).unwrap() };
    orch.write("real.json", &other.text());
    run(&orch, "apply", "real.json", &[]).code(2).says(&["was saved for AWS", "leave --local out"]);
    assert_eq!(world::of(&orch).waiting_change_sets(), 2);
    run(&orch, "discard", "changes.json", &[]).code(0).says(&["2 change sets of it deleted"]);
    assert_eq!(world::of(&orch).waiting_change_sets(), 0);
    run(&orch, "discard", "changes.json", &[]).code(0);
    refused(&orch, &["change set: CREATE_COMPLETE, AVAILABLE → gone"]);
}

#[test]
fn a_file_that_is_damaged_edited_or_none_is_told_as_such() {
    let orch = pending();
    let text = fs::read_to_string(orch.path("changes.json")).unwrap();
    orch.write("changes.json", &text[..text.len() / 2]);
    apply(&orch).code(2).says(&["changes.json cannot be used: it is damaged", "preview again"]);
    orch.write("changes.json", &text.replace("10.0.0.0/16", "10.6.0.0/16"));
    apply(&orch).code(2).says(&["it was changed since it was saved"]);
    orch.write("changes.json", &text.replacen("\"version\": 1", "\"version\": 2", 1));
    apply(&orch).code(2).says(&["it has form 2, and this version of orch reads form 1"]);
    run(&orch, "discard", "plan.toml", &[]).code(2).says(&["plan.toml is no saved preview"]);
    // What is no saved preview is not written over.
    let slip = run(&orch, "preview", "plan.toml", &["--save", "vpc.yaml"]).code(2);
    slip.says(&["vpc.yaml is there and is no saved preview"]);
    assert_eq!(fs::read_to_string(orch.path("vpc.yaml")).unwrap(), TEMPLATE);
    run(&orch, "preview", "plan.toml", &["--save", "changes.json", "--read-only"]).code(2);
}

#[test]
fn another_preview_leaves_the_saved_one_alone_and_saving_again_gives_it_up() {
    let orch = pending();
    run(&orch, "preview", "plan.toml", &[]).code(5);
    assert_eq!(world::of(&orch).waiting_change_sets(), 2);
    save(&orch, &[]).code(5);
    assert_eq!(world::of(&orch).waiting_change_sets(), 2, "those of the file that was written over are deleted");
    apply(&orch).code(0);
}

#[test]
fn a_preview_in_which_a_node_would_fail_is_not_saved() {
    let orch = built();
    orch.edit("plan.toml", "name   = \"net\"", "name   = \"other\"");
    save(&orch, &[]).code(1).says(&["changes.json was not written: nodes would fail"]);
    assert!(!orch.path("changes.json").exists());
    assert_eq!(world::of(&orch).waiting_change_sets(), 0);
}

#[test]
fn no_secret_is_in_the_file_be_it_by_its_digest() {
    let secret = "canary-7f3a";
    let given = ["--var", "secret=canary-7f3a"];
    // What is hidden must not come out by way of an output either.
    let leaky = orch();
    leaky.edit("vpc.yaml", "Outputs:\n", "Outputs:\n  Leak: {Value: !Ref Secret}\n");
    leaky.edit("plan.toml", "spoke of {{ stacks.hub.outputs.Label }}", "spoke of {{ stacks.hub.outputs.Leak }}");
    save(&leaky, &given).code(5);
    let text = fs::read_to_string(leaky.path("changes.json")).unwrap();
    assert!(!text.contains(secret), "{text}");
    let orch = orch();
    save(&orch, &given).code(5);
    let fresh = fs::read_to_string(orch.path("changes.json")).unwrap();
    run(&orch, "apply", "changes.json", &given).code(0);
    orch.edit("plan.toml", "label = \"hub\"", "label = \"centre\"");
    save(&orch, &["--var", "secret=canary-9c1e"]).code(5);
    let known = fs::read_to_string(orch.path("changes.json")).unwrap();
    for (text, secret) in [(&fresh, secret), (&known, "canary-9c1e"), (&known, secret)] {
        assert!(!text.contains(secret), "{text}");
        assert!(text.contains("\"secret\""), "the name of the variable is kept");
    }
    // The change set has the value, and a digest of it stands nowhere: another value is not noticed, and not used.
    run(&orch, "apply", "changes.json", &["--var", "secret=canary-0000"]).code(0);
    assert!(world::of(&orch).holds("canary-9c1e") && !world::of(&orch).holds("canary-0000"));
    // The template's default of what it hides is none of the grounds either.
    let before = fresh_grounds(&orch);
    orch.edit("vpc.yaml", "Default: none-yet", "Default: other");
    assert_eq!(before, fresh_grounds(&orch));
}

/// What a preview of nothing stands on, for the spoke's template.
fn fresh_grounds(orch: &Orch) -> String {
    let _ = fs::remove_file(orch.path("grounds.json"));
    run(orch, "preview", "plan.toml", &["--save", "grounds.json", "--only", "stacks.spoke"]);
    let text = fs::read_to_string(orch.path("grounds.json")).unwrap();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    let digest = read["content"]["grounds"]["stacks.spoke"]["wanted"]["template"].as_str().unwrap().to_owned();
    run(orch, "discard", "grounds.json", &[]).code(0);
    digest
}

#[test]
fn what_could_not_be_known_may_not_take_away_what_was_not_shown() {
    let orch = orch();
    let group = "  Group:\n    Type: AWS::EC2::SecurityGroup\n    Properties: {VpcId: !Ref Vpc, GroupDescription: !Ref Label}\n";
    orch.edit("vpc.yaml", "  Table:\n", &format!("{group}  Table:\n"));
    orch.edit("plan.toml", "spoke of {{ stacks.hub.outputs.Label }}", "spoke of {{ stacks.hub.outputs.VpcId }}");
    run(&orch, "apply", "plan.toml", &["--only", "stacks"]).code(0);
    // The hub's VPC is made anew, so its id is not known, on which the description of the spoke's group depends.
    orch.edit("plan.toml", "\"10.0.0.0/16\"", "\"10.2.0.0/16\"");
    save(&orch, &["--only", "stacks"]).code(5).prints(&["± stacks.hub", "? stacks.spoke"]);
    let ended = apply(&orch).code(1);
    let executed = called(&ended).into_iter().filter(|call| *call == "ExecuteChangeSet").count();
    assert_eq!(executed, 1, "{ended:?}");
    ended.prints(&[
        "the update of stack net-spoke deletes or replaces Group (sg-",
        "losing that was not shown: the preview could not know it yet",
        "preview what is left to do",
    ]);
    assert_eq!(world::of(&orch).waiting_change_sets(), 0);
    // Shown, it is done.
    save(&orch, &["--only", "stacks"]).code(5).prints(&["± stacks.spoke", "± Group"]);
    apply(&orch).code(0);
}

#[test]
fn what_a_rollback_passes_over_is_settled_with_the_preview() {
    let orch = orch();
    run(&orch, "apply", "plan.toml", &["--only", "stacks"]).code(0);
    // A tag of the stack changes both of its resources. The second one fails, and then the first one cannot go back.
    let fault = |resource: &str, nth: u8| {
        format!(
            "\n[[resource]]\nstack = \"net-hub\"\nlogical_id = \"{resource}\"\naction = \"UPDATE\"\nnth = {nth}\nreason = \"Held.\"\n"
        )
    };
    orch.write("faulty.toml", &format!("{QUICK}{}{}", fault("Table", 1), fault("Vpc", 2)));
    orch.edit("plan.toml", "Purpose = \"network\"", "Purpose = \"networks\"");
    let faulty = ["apply", "plan.toml", "--local", "--local-config", "faulty.toml", "--only", "stacks.hub"];
    orch.run(&faulty).code(1).prints(&["ended in UPDATE_ROLLBACK_FAILED"]);
    let settled = ["--only", "stacks.hub", "--skip-resource", "stacks.hub:Vpc"];
    save(&orch, &settled).code(5).prints(&["? stacks.hub", "that passes over Vpc"]);
    let late = run(&orch, "apply", "changes.json", &["--skip-resource", "stacks.hub:Table"]).code(2);
    late.says(&["which has settled what is done: --skip-resource"]);
    let ended = apply(&orch).code(0);
    let calls = called(&ended);
    assert!(calls.contains(&"ContinueUpdateRollback") && calls.contains(&"ExecuteChangeSet"), "{calls:?}");
    ended.says(&["passed over in the rollback, so to be looked after: Vpc"]);
}

fn tags(node: &str) -> IndexMap<String, String> {
    [("orch:plan", "net"), ("orch:node", node)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into_iter()
        .collect()
}

fn spec(name: &str, parameters: &[(&str, &str)], node: &str) -> StackSpec {
    StackSpec {
        name: name.to_owned(),
        template: orch::aws::Template::Text(TEMPLATE.into()),
        parameters: parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        kept: Vec::new(),
        tags: tags(node),
        capabilities: Vec::new(),
        settings: orch::aws::Settings::default(),
    }
}
