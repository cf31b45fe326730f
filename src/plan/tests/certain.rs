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

#[test]
fn a_parameter_or_a_tag_is_plain_or_a_flat_list() {
    let found = mistakes(&format!(
        r#"[vars]
t = {{ x = 1 }}
l = [["x"]]
{STACK}parameters = {{ A = [[1]], B = "{{{{ vars.t }}}}", C = "{{{{ vars.l }}}}", D = ["{{{{ split stacks.x.outputs.L }}}}"], E = ["{{{{ vars.t }}}}", "{{{{ stacks.x.id }}}}"], F = "{{{{ split stacks.x.outputs.L }}}}", G = [1, true, "x"] }}
tags = {{ T = "{{{{ vars.t }}}}" }}
[stacks.x]
account = "a"
template = "t.yaml"
"#
    ));
    let heads: Vec<_> = found.iter().map(|problem| problem.split(", but").next().unwrap()).collect();
    assert_eq!(
        heads,
        [
            "ORCH007 `[[1]]`: this is a list inside a list",
            "ORCH007 `\"{{ vars.t }}\"`: this is a table",
            "ORCH007 `\"{{ vars.l }}\"`: this is a list inside a list",
            "ORCH007 `\"{{ split stacks.x.outputs.L }}\"`: this is a list inside a list",
            "ORCH007 `\"{{ vars.t }}\"`: this is a table inside a list",
            "ORCH007 `\"{{ vars.t }}\"`: this is a table",
        ]
    );
    assert!(
        found[1]
            .ends_with("(a parameter is given as text: name what is inside, as in PATH.KEY, or make a text with join)")
    );
}

/// What is wrong with one key of a peering or a route, without its remedy.
fn at(key: &str, value: &str) -> String {
    let mut text = "[stacks.s]\naccount = \"a\"\ntemplate = \"t.yaml\"\n".to_owned();
    if key == "vpc" {
        text.push_str(
            "[peerings.p]\naccepter = { account = \"b\", vpc = \"vpc-1\" }\nrequester = { account = \"a\", vpc = ",
        );
        text.push_str(value);
        text.push_str(" }\n");
    } else {
        text += "[routes.r]\naccount = \"a\"\n";
        for (name, sound) in [("route_tables", "[\"rtb-1\"]"), ("destination", "\"::/0\""), ("via", "\"igw-1\"")] {
            text.extend([name, " = ", if name == key { value } else { sound }, "\n"]);
        }
    }
    let loaded = small(&text).load("p.toml");
    let found = described(&loaded);
    assert!(found.iter().all(|problem| problem.ends_with(')')), "{found:#?}");
    found.iter().map(|problem| problem.split(" (").next().unwrap()).collect::<Vec<_>>().join("; ")
}

#[test]
fn every_position_of_a_peering_and_a_route_takes_what_it_can_be() {
    for (key, value, expected) in [
        ("vpc", "5", "ORCH007 `5`: this is a whole number"),
        ("vpc", "[\"x\"]", "ORCH007 `[\"x\"]`: this is a list"),
        ("vpc", "\"x\"", "ORCH008 `\"x\"`: `x` is not the id of a VPC"),
        ("vpc", "\"vpc-\"", "ORCH008 `\"vpc-\"`: `vpc-` is not the id of a VPC"),
        ("vpc", "\"{{ split stacks.s.outputs.V }}\"", "ORCH007 `\"{{ split stacks.s.outputs.V }}\"`: this is a list"),
        ("via", "[\"a\", \"b\"]", "ORCH007 `[\"a\", \"b\"]`: this is a list"),
        ("via", "[\"a\", \"{{ stacks.s.id }}\"]", "ORCH007 `[\"a\", \"{{ stacks.s.id }}\"]`: this is a list"),
        ("via", "\"nonsense\"", "ORCH008 `\"nonsense\"`: `nonsense` is not something that a route can lead to"),
        ("via", "true", "ORCH007 `true`: this is true or false"),
        ("destination", "\"pl-\"", "ORCH008 `\"pl-\"`: `pl-` is not a destination of a route"),
        ("destination", "\"10.0.0.0\"", "ORCH008 `\"10.0.0.0\"`: `10.0.0.0` is not a destination of a route"),
        ("route_tables", "[{ a = 1 }, 5]", "ORCH007 `{ a = 1 }`: this is a table"),
        ("route_tables", "[5]", "ORCH007 `5`: this is a number"),
        ("route_tables", "[\"subnet-1\"]", "ORCH008 `\"subnet-1\"`: `subnet-1` is not the id of a route table"),
        ("route_tables", "[[\"rtb-1\", [\"rtb-2\"]]]", "ORCH007 `[\"rtb-1\", [\"rtb-2\"]]`: this is a list"),
        ("route_tables", "[\"{{ split '' }}\"]", "ORCH020 `\"{{ split '' }}\"`: this gives no route table at all"),
        ("route_tables", "[\"{{ eq stacks.s.id 1 }}\"]", "ORCH007 `\"{{ eq stacks.s.id 1 }}\"`: this is true or false"),
    ] {
        let found = at(key, value).replace("a whole number", "a number");
        let expected = expected.replace("a whole number", "a number");
        assert!(found.starts_with(&expected), "{key} = {value}: {found}");
    }
    for (key, value) in [
        ("vpc", "\"{{ stacks.s.outputs.V }}\""),
        ("via", "\"{{ stacks.s.outputs.V }}\""),
        ("via", "\"arn:aws:networkmanager::111111111111:core-network/core-network-1\""),
        ("destination", "\"pl-1\""),
        ("destination", "\"{{ lower stacks.s.outputs.C }}\""),
        (
            "route_tables",
            "[\"{{ split stacks.s.outputs.T }}\", \"{{ stacks.s.outputs.U }}\", [\"rtb-1\", \"{{ stacks.s.id }}\"]]",
        ),
        ("route_tables", "[\"{{ split 'rtb-1,rtb-2' }}\"]"),
    ] {
        assert_eq!(at(key, value), "", "{key} = {value}");
    }
}

#[test]
fn an_output_is_a_text_and_no_list() {
    assert_eq!(
        mistakes(&format!(
            "[stacks.s]\naccount = \"a\"\ntemplate = \"t.yaml\"\n{STACK}parameters = {{ A = \"x {{{{ split stacks.s.outputs.L }}}}\", B = \"{{{{ join stacks.s.outputs.L }}}}\" }}\n"
        )),
        [
            "ORCH013 `split`: a list cannot stand in the middle of a text (make one text of it: join LIST [SEPARATOR])",
            "ORCH013 `join`: `join` needs a list (it is called as join LIST [SEPARATOR]; an output is a text, of which (split PATH) makes a list)",
        ]
    );
}

#[test]
fn two_nodes_are_never_the_same_stack() {
    let loaded = small(&format!("{STACK}name = \"x\"\n[stacks.b]\naccount = \"a\"\ntemplate = \"t.yaml\"\nname = \"x\"\n[stacks.c]\naccount = \"b\"\ntemplate = \"t.yaml\"\nname = \"x\"\n[stacks.d]\naccount = \"a\"\nregion = \"us-west-2\"\ntemplate = \"t.yaml\"\nname = \"x\"\n")).load("p.toml");
    assert_eq!(
        described(&loaded),
        [
            "ORCH026 `[stacks.b]`: `stacks.b` is the same stack as `stacks.hub`: x in account 111111111111, us-east-1 (give one of them another name: name = \"…\")"
        ]
    );
    assert_eq!(loaded.sources.slice(&loaded.problems[0].related[0].span), "[stacks.hub]");
    // One account by two names, and default names that come to the same.
    let text = "[accounts.again]\nid = \"111111111111\"\n[stacks.n]\nfor_each = [\"k-l\"]\naccount = \"a\"\ntemplate = \"t.yaml\"\n[stacks.n-k]\nfor_each = [\"l\"]\naccount = \"again\"\ntemplate = \"t.yaml\"\n";
    assert!(
        mistake(text)
            .contains("`stacks.n-k[l]` is the same stack as `stacks.n[k-l]`: net-n-k-l in account 111111111111")
    );
}

#[test]
fn instances_that_are_one_stack_are_told_how_to_differ() {
    let found =
        mistake("[stacks.s]\nfor_each = [\"x\", \"y\"]\naccount = \"a\"\nname = \"n\"\ntemplate = \"t.yaml\"\n");
    assert!(found.contains("`stacks.s[y]` is the same stack as `stacks.s[x]`"), "{found}");
    assert!(found.contains("{{ each.key }}-{{ self.region }}"), "{found}");
}

#[test]
fn a_stack_that_this_plan_makes_is_not_only_read_by_it_too() {
    let found = mistake(&format!("{STACK}name = \"x\"\n[stacks.r]\naccount = \"a\"\nname = \"x\"\nmanage = false\n"));
    assert!(found.contains("`stacks.r` only reads a stack that `stacks.hub` makes"), "{found}");
    assert!(found.contains("refer to `stacks.hub` itself"), "{found}");
    let twice = "[stacks.r]\naccount = \"a\"\nname = \"x\"\nmanage = false\n[stacks.q]\naccount = \"a\"\nname = \"x\"\nmanage = false\n";
    assert_eq!(plan(small(twice).load("p.toml")).nodes.len(), 2);
}

/// A plan in a region whose only accounts are these.
fn accounts(region: &str, accounts: &str) -> Disk {
    let text = format!("name = \"net\"\nregion = \"{region}\"\n{accounts}\n{STACK}");
    Disk::default().with("p.toml", text).with("t.yaml", "Resources: {}")
}

#[test]
fn keys_of_an_account_that_exclude_each_other() {
    let text = "[accounts]\na = { id = \"111111111111\" }\nb = { id = \"222222222222\", role = \"R\", profile = \"p\", through = \"a\" }\nc = { id = \"333333333333\", role = \"R\", through = \"a\", mfa_serial = \"m\" }";
    let loaded = accounts("us-east-1", text).load("p.toml");
    assert_eq!(
        described(&loaded),
        [
            "ORCH027 `profile`: `profile` and `through` contradict each other (take one of them away; `profile` may belong to the account that `through` names)",
            "ORCH027 `mfa_serial`: `mfa_serial` and `through` contradict each other (take one of them away; `mfa_serial` may belong to the account that `through` names)",
        ]
    );
    assert_eq!(loaded.sources.slice(&loaded.problems[0].related[0].span), "through");
}

#[test]
fn an_accounts_own_key_counts_before_a_default_that_excludes_it() {
    let text = "[defaults.accounts]\nprofile = \"p\"\nmfa_serial = \"m\"\nrole = \"R\"\n[accounts]\na = { id = \"111111111111\" }\nb = { id = \"222222222222\", through = \"a\" }";
    let plan = plan(accounts("us-east-1", text).load("p.toml"));
    let [a, b] = ["a", "b"].map(|name| &plan.accounts[name]);
    assert_eq!((a.profile.as_deref(), a.mfa_serial.as_deref(), a.through.is_some()), (Some("p"), Some("m"), false));
    assert_eq!((b.profile.as_deref(), b.mfa_serial.as_deref(), b.through.is_some()), (None, None, true));
}

#[test]
fn a_plan_stays_within_one_partition() {
    let role = "[accounts]\na = { id = \"111111111111\", role = \"arn:aws:iam::111111111111:role/R\" }";
    assert_eq!(
        described(&accounts("us-gov-west-1", role).load("p.toml")),
        [
            "ORCH028 `\"arn:aws:iam::111111111111:role/R\"`: this role is of the partition aws, but the plan's region is of aws-us-gov (write arn:aws-us-gov:iam::…, or the role's name alone)"
        ]
    );
    assert_eq!(plan(accounts("us-west-2", role).load("p.toml")).accounts.len(), 1);
    let found = mistakes(
        "[stacks.s]\naccount = \"a\"\nregion = [\"us-east-1\", \"cn-north-1\"]\nmanage = false\n[peerings.p]\nrequester = { account = \"a\", vpc = \"vpc-1\" }\naccepter = { account = \"a\", region = \"us-gov-east-1\", vpc = \"vpc-2\" }\n",
    );
    assert_eq!(
        found,
        [
            "ORCH028 `\"cn-north-1\"`: cn-north-1 is of the partition aws-cn, but the plan's region us-east-1 is of aws (credentials do not reach across partitions: give cn-north-1 a plan of its own)",
            "ORCH028 `\"us-gov-east-1\"`: us-gov-east-1 is of the partition aws-us-gov, but the plan's region us-east-1 is of aws (credentials do not reach across partitions: give us-gov-east-1 a plan of its own)",
        ]
    );
}

#[test]
fn a_plan_that_is_not_utf8_is_shown_where_it_is_not() {
    struct Bytes(&'static [u8]);
    impl Files for Bytes {
        fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
            Ok(self.0.to_vec())
        }
    }
    let loaded =
        load(Path::new("p.toml"), &Bytes(b"name = \"x\"\nregion = \"\xff\"\n"), &Given { vars: &[], env: &|_| None });
    assert_eq!(
        described(&loaded),
        [
            "ORCH002 `\u{fffd}`: the plan p.toml cannot be read: it is not UTF-8 text: see line 2, column 11 (save it as UTF-8)"
        ]
    );
    assert_eq!(loaded.sources.place(&loaded.problems[0].at.span), "p.toml:2:11");
    let empty = load(Path::new("p.toml"), &Bytes(b""), &Given { vars: &[], env: &|_| None });
    assert_eq!(empty.sources.place(&empty.problems[0].at.span), "p.toml:1:1");
    assert_eq!(empty.problems[0].help.len(), 1);
}

#[test]
fn what_each_does_not_have_is_told_with_what_was_meant() {
    let text = "[stacks.s]\nfor_each = { k = 1 }\naccount = \"a\"\ntemplate = \"t.yaml\"\nparameters = { A = \"{{ each.region }}\" }\n[stacks.t]\nfor_each = \"stacks.s\"\naccount = \"a\"\ntemplate = \"t.yaml\"\nparameters = { A = \"{{ each.value }}\", B = \"{{ each.sorce.value }}\", C = \"{{ each.colour }}\" }\n";
    assert_eq!(
        mistakes(text),
        [
            "ORCH011 `each.region`: an item of for_each has no `region` (write self.region)",
            "ORCH011 `each.value`: `each` is a stack here, which has no `value` (what that group was made for is each.source.value)",
            "ORCH011 `each.sorce.value`: each has no `sorce.value` (did you mean `source`?)",
            "ORCH011 `each.colour`: each has no `colour` (each has key, source, outputs, id, account, region, name)",
        ]
    );
}

#[test]
fn a_name_must_fit_into_its_tag() {
    let name = "n".repeat(128);
    let text = format!("[stacks.{name}]\nfor_each = [\"{name}\"]\naccount = \"a\"\nname = \"x\"\nmanage = false\n");
    let found = mistake(&text);
    assert!(found.starts_with("ORCH009") && found.contains("would have 264 characters"), "{found}");
}

#[test]
fn abstract_has_its_type_in_a_base_too() {
    let disk = small(STACK).with("base.toml", "abstract = 1\n").with("q.toml", "extends = \"base.toml\"\n");
    assert_eq!(
        described(&disk.load("q.toml")),
        [
            "ORCH007 `1`: this is a whole number, but true or false is needed (write abstract = true, without quotes, or take it away)"
        ]
    );
}
