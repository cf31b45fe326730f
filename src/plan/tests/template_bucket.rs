//! `template_bucket`.

use super::*;
use crate::plan::{Spec, TemplateBucket};

const STACKS: &str = "[stacks.hub]\naccount = \"a\"\ntemplate = \"t.yaml\"\n[stacks.spoke]\naccount = \"b\"\nregion = \"eu-west-1\"\ntemplate = \"t.yaml\"\n[stacks.read]\naccount = \"a\"\nmanage = false\n";

fn load(head: &str, accounts: &str) -> Loaded {
    let text = format!("name = \"net\"\nregion = \"us-east-1\"\n{head}\n{accounts}\n{STACKS}");
    Disk::default().with("p.toml", &text).with("t.yaml", "Resources: {}\n").load("p.toml")
}

const ACCOUNTS: &str = "[accounts]\na = { id = \"111111111111\" }\nb = { id = \"222222222222\" }\n";

fn bucket(plan: &Plan, id: &str) -> Option<TemplateBucket> {
    let Spec::Stack(stack) = &node(plan, id).spec else { panic!("{id} is no stack") };
    stack.bucket.clone()
}

#[test]
fn the_plans_bucket_is_worked_out_for_every_stack_that_is_made() {
    let plan = plan(load("template_bucket = \"acme-{{ self.account }}-{{ self.region }}\"", ACCOUNTS));
    let hub = bucket(&plan, "stacks.hub").unwrap();
    let expected =
        TemplateBucket { name: "acme-a-us-east-1".into(), prefix: "orch/".into(), kms_key: None, owner: None };
    assert_eq!(hub, expected);
    assert_eq!(&*bucket(&plan, "stacks.spoke").unwrap().name, "acme-b-eu-west-1");
    assert_eq!(bucket(&plan, "stacks.read"), None);
}

#[test]
fn an_accounts_own_bucket_wins_over_that_of_the_defaults_and_of_the_plan() {
    let accounts = "[accounts]\na = { id = \"111111111111\" }\n[accounts.b]\nid = \"222222222222\"\ntemplate_bucket = { name = \"own-{{ accounts.b.id }}\", prefix = \"t/\", kms_key = \"alias/t\", owner = \"a\" }\n";
    let plan = plan(load("template_bucket = \"acme\"", accounts));
    assert_eq!(&*bucket(&plan, "stacks.hub").unwrap().name, "acme");
    let expected = TemplateBucket {
        name: "own-222222222222".into(),
        prefix: "t/".into(),
        kms_key: Some("alias/t".into()),
        owner: Some("111111111111".parse().unwrap()),
    };
    assert_eq!(bucket(&plan, "stacks.spoke"), Some(expected));

    let defaults = format!("{ACCOUNTS}[defaults.accounts]\ntemplate_bucket = \"shared\"\n");
    let plan = super::plan(load("template_bucket = \"acme\"", &defaults));
    assert_eq!(&*bucket(&plan, "stacks.hub").unwrap().name, "shared");
}

#[test]
fn what_is_wrong_with_a_bucket_is_told_at_its_place() {
    for (head, expected) in [
        ("template_bucket = 1", "ORCH007 `1`: this is a whole number, but a bucket's name, or a table is needed"),
        ("template_bucket = \"Acme\"", "ORCH009 `\"Acme\"`: `Acme` is not a name for a bucket"),
        ("template_bucket = \"a..b\"", "ORCH009 `\"a..b\"`: `a..b` is not a name for a bucket"),
        ("template_bucket = { prefix = \"x\" }", "ORCH006 `{ prefix = \"x\" }`: a template bucket needs `name`"),
        (
            "template_bucket = { name = \"acme\", prefix = \"/x\" }",
            "ORCH009 `\"/x\"`: `/x` is not a prefix for templates",
        ),
        ("template_bucket = { name = \"acme\", key = \"x\" }", "ORCH005 `key`: a template bucket has no key `key`"),
        ("template_bucket = { name = \"acme\", owner = \"c\" }", "ORCH019 `\"c\"`: there is no account `c`"),
        (
            "template_bucket = \"{{ stacks.hub.outputs.B }}\"",
            "ORCH012 `stacks.hub.outputs.B`: another node cannot be named here",
        ),
    ] {
        let found = described(&load(head, ACCOUNTS));
        assert_eq!(found.len(), 1, "{head}: {found:#?}");
        assert!(found[0].starts_with(expected), "{head}: {found:#?}");
    }
}
