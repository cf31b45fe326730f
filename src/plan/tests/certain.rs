//! What is certain to fail is said before the first call.

use serde_json::json;

use super::*;

const STACK: &str = "[stacks.hub]\naccount = \"a\"\ntemplate = \"t.yaml\"\n";

/// A group over something written in place, whose value is the parameter `V`.
fn over(for_each: &str) -> String {
    format!(
        "[vars]\nzone = \"z\"\nregions = [\"us-east-1\"]\n[stacks.s]\nfor_each = {for_each}\naccount = \"a\"\ntemplate = \"t.yaml\"\nparameters = {{ V = \"{{{{ each.value }}}}\" }}\n"
    )
}

#[test]
fn a_for_each_in_place_holds_expressions_over_what_is_known() {
    let plan = plan(small(&over("{ k = \"{{ vars.zone }}-{{ plan.name }}-{{ accounts.b.id }}\" }")).load("p.toml"));
    assert_eq!(parameter(&plan, "stacks.s[k]", "V"), json!("z-net-222222222222"));
    let plan = super::plan(small(&over("[\"{{ vars.zone }}\", \"y\", 3]")).load("p.toml"));
    assert_eq!(ids(&plan), ["stacks.s[z]", "stacks.s[y]", "stacks.s[3]"]);
}

#[test]
fn every_path_of_a_for_each_in_place_is_checked() {
    assert_eq!(
        mistakes(&over(
            "{ k = \"{{ vars.gone }}\", l = { m = [\"{{ stacks.s.outputs.X }}\"] }, n = \"{{ each.key }}\", o = \"{{#each x}}{{/each}}\" }"
        )),
        [
            "ORCH010 `each`: `each` is not a block of a plan's expressions (loops hide what they refer to: use for_each on the stack, peering or route)"
        ]
    );
    assert_eq!(
        mistakes(&over(
            "{ k = \"{{ vars.gone }}\", l = { m = [\"{{ stacks.s.outputs.X }}\"] }, n = \"{{ each.key }}\" }"
        ))
        .iter()
        .map(|problem| problem.split(" (").next().unwrap())
        .collect::<Vec<_>>(),
        [
            "ORCH011 `vars.gone`: there is no variable `gone`",
            "ORCH012 `stacks.s.outputs.X`: another node cannot be named here: `stacks.s.outputs.X`",
            "ORCH011 `each.key`: `each` has no meaning here",
        ]
    );
    assert!(mistake(&over("[\"{{ vars.regions }}\"]")).contains("must be texts"));
}

#[test]
fn odd_names_of_variables_stand_in_brackets_in_for_each_too() {
    let text = "[vars]\n\"my list.x\" = [\"k\"]\n[stacks.s]\nfor_each = \"vars.[my list.x]\"\naccount = \"a\"\ntemplate = \"t.yaml\"\n";
    assert_eq!(ids(&plan(small(text).load("p.toml"))), ["stacks.s[k]"]);
}

#[test]
fn a_text_that_nests_without_end_is_refused_before_it_is_parsed() {
    let dots = "a.".repeat(79);
    let deep = format!("x = {}1{}\n", format!("{{ {dots}a = ").repeat(79), " }".repeat(79));
    for text in [deep.clone(), format!("{deep}{deep}"), format!("[{dots}a]\n"), format!("x = {}", "[".repeat(100_000))]
    {
        let loaded = Disk::default().with("p.toml", text).load("p.toml");
        let [problem] = loaded.problems.as_slice() else { panic!("{:#?}", described(&loaded)) };
        assert_eq!(problem.code, crate::plan::codes::SYNTAX);
        assert_eq!(problem.message, "this lies more than 32 levels deep");
    }
    let value = deep.trim_start_matches("x = ");
    let disk = small(&format!("[vars]\nx = {{}}\ny = {{ env = \"Y\", default = [] }}\n{STACK}"));
    let loaded = disk.load_with("p.toml", &[("x", value)], &[("Y", value)]);
    let problems = described(&loaded);
    assert!(problems[0].contains("does not fit: it is nested more than 32 levels deep"), "{problems:#?}");
    assert!(problems[1].contains("the environment's Y does not fit"), "{problems:#?}");
}

#[test]
fn keys_hold_no_expressions() {
    assert_eq!(
        mistakes(&format!(
            "{STACK}parameters = {{ \"{{{{ vars.x }}}}\" = 1 }}\ntags = {{ \"T{{{{ self.key }}}}\" = 1 }}\n"
        )),
        [
            "ORCH010 `\"{{ vars.x }}\"`: this key holds an expression (write the key itself: only values can hold expressions)",
            "ORCH010 `\"T{{ self.key }}\"`: this key holds an expression (write the key itself: only values can hold expressions)",
        ]
    );
}

#[test]
fn a_table_with_a_key_env_among_others_is_a_table() {
    let text = format!(
        "[vars]\nspokes = {{ env = \"10.0.0.0/16\", prod = \"10.1.0.0/16\" }}\n{STACK}parameters = {{ A = \"{{{{ vars.spokes.env }}}}\" }}\n"
    );
    assert_eq!(parameter(&plan(small(&text).load("p.toml")), "stacks.hub", "A"), json!("10.0.0.0/16"));
    assert_eq!(
        mistakes(&format!("[vars]\na = {{ env = \"A\", defualt = 1 }}\nb = {{ c = {{ env = \"A\" }} }}\n{STACK}")),
        [
            "ORCH014 `\"A\"`: the environment has no A (set A, give a default here, or use --var)",
            "ORCH005 `defualt`: a variable from the environment has no key `defualt` (did you mean `default`?)",
            "ORCH014 `{ env = \"A\" }`: only a whole variable can come from the environment (give it a name of its own below [vars]: NAME = { env = \"…\" })",
        ]
    );
}

#[test]
fn a_stack_that_is_only_read_has_nothing_of_the_defaults_for_those_that_are_made() {
    let text = "[defaults.stacks]\nparameters = { A = 1 }\ntags = { B = 1 }\ncapabilities = [\"CAPABILITY_IAM\"]\n[stacks.s]\naccount = \"a\"\nmanage = false\n";
    let plan = plan(small(text).load("p.toml"));
    let stack = stack(&plan, "stacks.s");
    assert!(stack.parameters.is_empty() && stack.tags.is_empty() && stack.capabilities.is_empty());
}

#[test]
fn the_region_is_known_where_the_account_is_named() {
    let text = "[vars]\nby_region = { us-east-1 = \"a\", us-west-2 = \"b\" }\n[accounts.us-east-1]\nid = \"333333333333\"\n[accounts.us-west-2]\nid = \"444444444444\"\n[stacks.s]\nregion = [\"us-east-1\", \"us-west-2\"]\naccount = \"{{ self.region }}\"\nmanage = false\n[peerings.p]\nregion = \"us-west-2\"\nrequester = { account = \"{{ self.region }}\", vpc = \"vpc-1\" }\naccepter = { account = \"{{ self.region }}\", region = \"us-east-1\", vpc = \"vpc-2\" }\n";
    let plan = plan(small(text).load("p.toml"));
    assert_eq!(node(&plan, "stacks.s[us-west-2]").account.as_str(), "us-west-2");
    let Spec::Peering(peering) = &node(&plan, "peerings.p").spec else { panic!() };
    assert_eq!((peering.requester.account.as_str(), peering.accepter.account.as_str()), ("us-west-2", "us-west-2"));
    assert!(
        mistake("[stacks.s]\nregion = \"{{ self.region }}\"\naccount = \"a\"\nmanage = false\n").starts_with("ORCH012")
    );
    assert!(mistake("[stacks.s]\naccount = \"{{ self.account }}\"\nmanage = false\n").starts_with("ORCH012"));
}
