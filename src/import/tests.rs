//! Plans that are written load back, and say what stands.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::ids::{Kind, NodeId};
use crate::plan::samples::Disk;
use crate::plan::{Plan, Spec};

const TEMPLATE: &str = "\
Parameters:
  Range: {Type: String}
  Peer: {Type: String, Default: none}
  Password: {Type: String, NoEcho: true, Default: none}
Resources: {Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref Range}}}
Outputs: {VpcId: {Value: !Ref Vpc}, Range: {Value: !GetAtt Vpc.CidrBlock}, TableId: {Value: x}, Peer: {Value: !Ref Peer}}
";

const ACCOUNTS: &str = "name = \"imported\"\nregion = \"us-east-1\"\n\n[accounts]\nhub = { id = \"111111111111\" }\ndev = { id = \"222222222222\", role = \"Orch\" }\n";

fn head() -> Head {
    Head { text: ACCOUNTS.to_owned(), region: "us-east-1".into() }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn stack(account: &str, name: &str, parameters: &[(&str, &str)], outputs: &[(&str, &str)]) -> Stack {
    Stack {
        account: account.into(),
        region: "us-east-1".into(),
        name: name.to_owned(),
        status: "CREATE_COMPLETE".to_owned(),
        stands: true,
        template: TEMPLATE.to_owned(),
        parameters: map(parameters),
        tags: map(&[("Purpose", "network"), ("aws:x", "y")]),
        capabilities: Vec::new(),
        outputs: map(outputs),
    }
}

fn side(account: &str, id: &str, vpc: &str) -> Side {
    let account = (!account.is_empty()).then(|| account.into());
    Side { account_id: id.to_owned(), account, region: "us-east-1".into(), vpc: vpc.to_owned(), dns: false }
}

/// A hub and a spoke that knows the hub's range, their peering, and a route on either side.
fn facts() -> Facts {
    let hub = stack(
        "hub",
        "hub",
        &[("Range", "10.0.0.0/16"), ("Peer", "none")],
        &[("VpcId", "vpc-00000001"), ("Range", "10.0.0.0/16"), ("TableId", "rtb-00000001")],
    );
    let spoke = stack(
        "dev",
        "spoke",
        &[("Range", "10.1.0.0/16"), ("Peer", "10.0.0.0/16")],
        &[("VpcId", "vpc-00000002"), ("Range", "10.1.0.0/16")],
    );
    let table = |account: &str, id: &str, to: &str| Table {
        account: account.into(),
        region: "us-east-1".into(),
        id: id.to_owned(),
        routes: vec![(to.to_owned(), "pcx-00000001".to_owned())],
    };
    let peering = Peering {
        id: "pcx-00000001".to_owned(),
        state: "active".to_owned(),
        requester: Side { dns: true, ..side("dev", "222222222222", "vpc-00000002") },
        accepter: side("hub", "111111111111", "vpc-00000001"),
        tags: Some(map(&[("Team", "net")])),
    };
    Facts {
        stacks: vec![hub, spoke],
        peerings: vec![peering],
        tables: vec![table("hub", "rtb-00000001", "10.1.0.0/16"), table("dev", "rtb-00000009", "10.0.0.0/16")],
        of_templates: BTreeSet::new(),
    }
}

fn loaded(written: &Written) -> Plan {
    let mut disk = Disk::default().with("plan.toml", &written.plan);
    for (path, text) in &written.templates {
        disk = disk.with(path, text);
    }
    let loaded = disk.load("plan.toml");
    loaded.plan.unwrap_or_else(|| panic!("{:?}\n{}", loaded.problems, written.plan))
}

#[test]
fn what_stands_is_written_with_references_where_an_output_gives_a_value() {
    let written = write(&head(), &facts());
    loaded(&written);
    insta::assert_snapshot!(written.plan);
    assert_eq!((written.counts, written.templates.len()), ([2, 1, 2], 1), "one template is one file");
    assert!(written.told.is_empty(), "{:?}", written.told);
}

#[test]
fn what_is_left_out_is_told_and_what_templates_have_made_is_theirs() {
    let mut facts = facts();
    facts.stacks[1].tags.insert("orch:plan".to_owned(), "other".to_owned());
    facts.stacks.push(Stack { stands: false, status: "ROLLBACK_COMPLETE".to_owned(), ..stack("hub", "bad", &[], &[]) });
    facts.peerings[0].accepter = side("", "999999999999", "vpc-00000001");
    let made = Peering { id: "pcx-00000002".to_owned(), ..self::facts().peerings.remove(0) };
    let waiting = Peering { id: "pcx-00000003".to_owned(), state: "pending-acceptance".to_owned(), ..made.clone() };
    facts.peerings.extend([made, waiting]);
    facts.of_templates.insert("pcx-00000002".to_owned());
    let written = write(&head(), &facts);
    assert_eq!(written.counts, [1, 0, 0]);
    assert_eq!(
        written.told,
        [
            "left out: stack spoke in dev, us-east-1: it belongs to plan `other` of orch",
            "left out: stack bad in hub, us-east-1: it is in ROLLBACK_COMPLETE",
            "left out: peering pcx-00000001 between vpc-00000002 and vpc-00000001: account 999999999999 was not among those that were asked",
            "left out: peering pcx-00000003 between vpc-00000002 and vpc-00000001: it is in pending-acceptance",
        ]
    );
    loaded(&written);
}

#[test]
fn a_hidden_parameter_keeps_its_value_and_its_mask_is_not_written() {
    let mut facts = facts();
    facts.stacks[0].parameters.insert("Password".to_owned(), "****".to_owned());
    let written = write(&head(), &facts);
    assert!(written.plan.contains("keep_parameters = [\"Password\"]"), "{}", written.plan);
    assert!(!written.plan.contains("****"));
    let plan = loaded(&written);
    let Spec::Stack(hub) = &plan.nodes[0].spec else { unreachable!() };
    assert!(hub.kept.contains_key("Password") && !hub.parameters.contains_key("Password"));
}

#[test]
fn a_peering_whose_tags_nobody_saw_is_left_out_for_it_may_be_another_plans() {
    let mut facts = facts();
    facts.peerings[0].tags = None;
    facts.peerings[0].requester.region = "us-west-2".into();
    let written = write(&head(), &facts);
    assert_eq!(written.counts, [2, 0, 0]);
    let told = "left out: peering pcx-00000001 between vpc-00000002 and vpc-00000001: region us-west-2 of its requester was not asked";
    assert_eq!(written.told, [told]);
}

#[test]
fn what_may_not_do_as_it_is_is_told() {
    let mut facts = facts();
    facts.stacks[0].template.extend(std::iter::once("# ").chain(std::iter::repeat_n("x", 51_200)));
    facts.stacks[1].tags.insert("Town".to_owned(), "Z?rich".to_owned());
    let written = write(&head(), &facts);
    let size = facts.stacks[0].template.len();
    assert_eq!(
        written.told,
        [
            format!("templates/hub.yaml has {size} bytes, so the plan must name a bucket for it: template_bucket = \"…\""),
            "CloudFormation gives `?` for every character that is not ASCII; these hold some, so see whether they mean it: stacks.spoke".to_owned(),
        ]
    );
}

#[test]
fn two_stacks_that_give_each_other_a_value_are_no_ring() {
    let mut facts = facts();
    facts.stacks[0].parameters.insert("Peer".to_owned(), "10.1.0.0/16".to_owned());
    let plan = loaded(&write(&head(), &facts));
    assert!(crate::graph::of_plan(&plan).is_ok());
    let needs: usize = plan.nodes.iter().filter(|node| node.id.kind == Kind::Stack).map(|node| node.needs.len()).sum();
    assert_eq!(needs, 1, "the other one is written as it is");
}

#[test]
fn what_is_only_passed_on_does_not_come_from_there() {
    let mut facts = facts();
    facts.stacks[1].outputs.insert("Peer".to_owned(), "10.0.0.0/16".to_owned());
    let written = write(&head(), &facts);
    assert!(written.plan.contains("Range = \"10.0.0.0/16\""), "both were given it:\n{}", written.plan);
    assert!(!written.plan.contains("outputs.Peer"), "{}", written.plan);
    facts.stacks[0].parameters.remove("Range");
    let written = write(&head(), &facts);
    assert!(written.plan.contains("Peer = \"{{ stacks.hub.outputs.Range }}\""), "{}", written.plan);
    loaded(&written);
}

#[test]
fn what_two_stacks_give_is_no_reference() {
    let mut facts = facts();
    let mut third = stack("dev", "third", &[("Peer", "vpc-00000001")], &[]);
    facts.stacks[1].outputs.insert("Shared".to_owned(), "vpc-00000001".to_owned());
    third.parameters.insert("Range".to_owned(), "10.2.0.0/16".to_owned());
    facts.stacks.push(third);
    let written = write(&head(), &facts);
    assert!(written.plan.contains("Peer = \"vpc-00000001\""), "{}", written.plan);
    loaded(&written);
}

#[test]
fn routes_of_templates_are_theirs_and_a_list_of_tables_is_taken_whole() {
    let mut facts = facts();
    facts.of_templates.insert("rtb-00000009|10.0.0.0/16".to_owned());
    facts.tables[0].id = "rtb-00000003".to_owned();
    let second = Table { id: "rtb-00000004".to_owned(), ..facts.tables[0].clone() };
    facts.tables.push(second);
    facts.stacks[0].outputs.insert("Tables".to_owned(), "rtb-00000003,rtb-00000004".to_owned());
    let written = write(&head(), &facts);
    assert_eq!(written.counts[2], 1);
    assert!(written.plan.contains("route_tables = [\"{{ split stacks.hub.outputs.Tables }}\"]"), "{}", written.plan);
    loaded(&written);
}

#[test]
fn stacks_of_one_name_have_names_of_their_own() {
    let mut facts = facts();
    facts.stacks[1].name = "hub".to_owned();
    let mut west = facts.stacks[1].clone();
    west.region = "us-west-2".into();
    west.template.push_str("# another\n");
    facts.stacks.push(west);
    let written = write(&head(), &facts);
    let plan = loaded(&written);
    let names: Vec<String> = plan.nodes.iter().take(3).map(|node| node.id.to_string()).collect();
    assert_eq!(names, ["stacks.hub-hub", "stacks.hub-dev-us-east-1", "stacks.hub-dev-us-west-2"]);
    assert_eq!(written.templates.keys().collect::<Vec<_>>(), ["templates/hub-2.yaml", "templates/hub.yaml"]);
}

/// The value of a tag and of a parameter, as they are read back from a plan that was written.
fn read_back(key: &str, value: &str) -> (String, String) {
    let mut facts = facts();
    facts.stacks[0].tags = map(&[(key, value)]);
    facts.stacks[0].parameters.insert("Peer".to_owned(), value.to_owned());
    let plan = loaded(&write(&head(), &facts));
    let hub = plan.nodes.iter().find(|node| node.id == NodeId::single(Kind::Stack, "hub")).unwrap();
    let Spec::Stack(spec) = &hub.spec else { unreachable!() };
    let text = |setting: Option<&crate::plan::Setting>| {
        setting
            .map_or_else(|| "none".to_owned(), |setting| setting.value.literal().unwrap().as_str().unwrap().to_owned())
    };
    (text(spec.tags.get(key)), text(spec.parameters.get("Peer")))
}

#[test]
fn braces_and_backslashes_stand_for_themselves() {
    for value in [
        "{{ vars.x }}",
        "a\\{{ b }}",
        "\\\\{{x",
        "{{{{raw}}}}",
        "{{{x}}}",
        "{{resolve:ssm:/a}}",
        "\\{{resolve:ssm:/a}}",
        "end {{",
        "c:\\x\\",
        "}} {{",
        "{\\{{x}}",
        "{{{\\{{}",
    ] {
        assert_eq!(read_back("Key", value), (value.to_owned(), value.to_owned()), "{value}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_is_read_back(
        key in "[ -~äé\u{1}\u{200b}]{1,12}".prop_filter("no expression", |key| !key.contains("{{")),
        value in "[a{}\\\\ \"'#\n\t\u{7f}\u{202e}ü=\\[\\]]{1,16}",
    ) {
        let reserved = ["orch:", "aws:"].iter().any(|prefix| key.to_lowercase().starts_with(prefix));
        prop_assume!(!reserved);
        prop_assert_eq!(read_back(&key, &value), (value.clone(), value));
    }
}
