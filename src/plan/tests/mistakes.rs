//! Every sort of problem, at its exact place.

use super::*;

const STACK: &str = "[stacks.hub]\naccount = \"a\"\ntemplate = \"t.yaml\"\n";

#[test]
fn a_plan_that_is_not_there() {
    let loaded = Disk::default().load("p.toml");
    assert_eq!(
        described(&loaded),
        [
            "ORCH002 ``: the plan p.toml cannot be read: there is no such file (name the file of a plan: orch validate PATH)"
        ]
    );
}

#[test]
fn syntax_errors_all_at_once_and_nothing_that_follows_from_them() {
    let loaded = Disk::default().with("p.toml", "name = 'x\nregion = \"us-east-1\"\nregion = 1\n").load("p.toml");
    let problems = described(&loaded);
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems.iter().all(|problem| problem.starts_with("ORCH001")));
}

#[test]
fn an_empty_plan_is_told_all_it_needs() {
    let loaded = Disk::default().with("p.toml", "\n\n").load("p.toml");
    assert_eq!(
        described(&loaded),
        [
            "ORCH006 ``: a plan needs `name`, `region` and `accounts` (write name = \"…\", region = \"us-east-1\", [accounts])"
        ]
    );
    assert_eq!(
        mistake(""),
        "ORCH020 ``: the plan has no stacks, peerings or routes (declare at least one: [stacks.NAME])"
    );
}

#[test]
fn extends_in_a_circle_names_every_place() {
    let disk = Disk::default()
        .with("a.toml", "extends = \"x/b.toml\"\n")
        .with("x/b.toml", "extends = \"../c.toml\"\n")
        .with("c.toml", "extends = \"a.toml\"\n");
    let loaded = disk.load("a.toml");
    let [problem] = loaded.problems.as_slice() else { panic!("{:#?}", loaded.problems) };
    assert_eq!(problem.message, "plans extend each other in a circle: this leads back to a.toml");
    let places: Vec<_> = problem.related.iter().map(|label| loaded.sources.place(&label.span)).collect();
    assert_eq!(
        (loaded.sources.place(&problem.at.span).as_str(), places),
        ("c.toml:1:11", vec!["a.toml:1:11".to_owned(), "x/b.toml:1:11".to_owned()])
    );
}

#[test]
fn a_missing_base_is_shown_where_it_is_named() {
    let loaded = Disk::default().with("a.toml", "extends = \"b.toml\"\n").load("a.toml");
    assert_eq!(
        described(&loaded),
        [
            "ORCH002 `\"b.toml\"`: the plan b.toml cannot be read: there is no such file (the path is relative to the file that names it)"
        ]
    );
}

#[test]
fn unknown_keys_have_the_nearest_one() {
    assert_eq!(
        mistakes(&format!("{STACK}tempalte = 1\n[stack.x]\n[defaults.stacks]\nfor_each = 1\n")),
        [
            "ORCH005 `tempalte`: a stack has no key `tempalte` (did you mean `template`?)",
            "ORCH005 `stack`: a plan has no key `stack` (did you mean `stacks`?)",
            "ORCH005 `for_each`: [defaults.stacks] has no key `for_each` (the keys are account, region, name, template, parameters, keep_parameters, sensitive_outputs, tags, capabilities, manage, adopt, depends_on, allow, protect, stack_policy, rollback_triggers, notification_arns, service_role, timeout, on_failure, deployment, early_outputs)",
        ]
    );
}

#[test]
fn missing_keys_are_named_together() {
    assert_eq!(
        mistake("[stacks.hub]\nacount = \"a\"\ntemplate = \"t.yaml\"\n"),
        "ORCH005 `acount`: a stack has no key `acount` (did you mean `account`?)"
    );
    assert_eq!(
        mistake("[stacks.hub]\n"),
        "ORCH006 `[stacks.hub]`: a stack needs `account` and `template` (write account = \"NAME\", template = \"PATH\")"
    );
    assert_eq!(
        mistakes("[peerings.p]\nrequester = { account = \"a\" }\n"),
        [
            "ORCH006 `[peerings.p]`: a peering needs `accepter` (write accepter = { account = \"NAME\", vpc = \"…\" })",
            "ORCH006 `requester`: the requester needs `vpc` (write vpc = \"{{ stacks.NAME.outputs.OUTPUT }}\")"
        ]
    );
}

#[test]
fn wrong_types_say_what_is_needed() {
    assert_eq!(
        mistakes(
            "[stacks.hub]\naccount = 1\ntemplate = \"t.yaml\"\nmanage = \"no\"\nparameters = { A = { b = 1 } }\ntags = []\n"
        ),
        [
            "ORCH007 `1`: this is a whole number, but a text in quotes is needed (put it in quotes: \"…\")",
            "ORCH007 `\"no\"`: this is a text, but true or false is needed (write manage = true or manage = false, without quotes)",
            "ORCH007 `{ b = 1 }`: this is a table, but a text, a number, true, false or a list of them is needed (name one value, or give each value inside a key of its own)",
            "ORCH007 `[]`: this is a list, but a table is needed (write tags = { … })",
        ]
    );
}

#[test]
fn expressions_outside_the_language_are_underlined() {
    assert_eq!(
        mistakes(&format!("{STACK}parameters = {{ A = \"x {{{{#each vars.l}}}}{{{{/each}}}}\", B = '{{{{ ../x }}}}', C = \"{{{{ vars.x\" }}\n"))
            .iter()
            .map(|problem| problem.split(": ").next().unwrap())
            .collect::<Vec<_>>(),
        ["ORCH010 `each`", "ORCH010 `../x`", "ORCH010 `{{`"]
    );
}

#[test]
fn unknown_references_are_underlined_with_the_nearest_name() {
    let text = r#"
[vars]
cidr = "10.0.0.0/16"
net = { dev = "x" }
[stacks.spoke]
for_each = ["dev", "qa"]
account = "a"
template = "t.yaml"
[stacks.hub]
account = "a"
template = "t.yaml"
[stacks.hub.parameters]
A = "{{ vars.cdir }}"
B = "a {{ vars.net.dve }}"
C = "{{ stack.spoke }}"
D = "{{ stacks.spok.dev.outputs.X }}"
E = "{{ stacks.spoke.outputs.X }}"
F = "{{ stacks.spoke.dve.outputs.X }}"
G = "{{ stacks.spoke.dev.output.X }}"
H = "{{ stacks.spoke.dev }}"
I = "{{#if vars.gone}}x{{/if}}"
J = "{{ each.key }}"
K = "{{ accounts.c.id }}"
L = "{{ self.key }}"
M = "{{ peerings.p.id }}"
N = "\t{{ vars.nope }}"
O = "{{ vars.cidr.x }}"
P = "{{ stacks.spoke.dev.outputs.A.b }}"
"#;
    assert_eq!(
        mistakes(text),
        [
            "ORCH011 `vars.cdir`: there is no variable `cdir` (did you mean `cidr`?)",
            "ORCH011 `vars.net.dve`: `vars.net` has no `dve` (did you mean `dev`?)",
            "ORCH011 `stack.spoke`: nothing is called `stack` (did you mean `stacks`?)",
            "ORCH011 `stacks.spok.dev.outputs.X`: there is no stack `spok` (did you mean `spoke`?)",
            "ORCH011 `stacks.spoke.outputs.X`: `stacks.spoke` has no instance `outputs` (its instances are dev, qa: write stacks.spoke.dev.…)",
            "ORCH011 `stacks.spoke.dve.outputs.X`: `stacks.spoke` has no instance `dve` (did you mean `dev`?)",
            "ORCH011 `stacks.spoke.dev.output.X`: a stack has no `output.X` (did you mean `outputs`?)",
            "ORCH011 `stacks.spoke.dev`: a stack alone is no value (a stack has outputs, id, account, region, name)",
            "ORCH011 `vars.gone`: there is no variable `gone` (the variables are cidr, net; or declare it: gone = … below [vars])",
            "ORCH011 `each.key`: `each` has no meaning here (it stands for the item of for_each, or of a list of regions)",
            "ORCH011 `accounts.c.id`: there is no account `c` (did you mean `a`?)",
            "ORCH011 `self.key`: this node has no key (self.key is the key of an instance, of for_each or of a list of regions)",
            "ORCH011 `peerings.p.id`: there is no peering `p` (declare it: [peerings.p])",
            "ORCH011 `vars.nope`: there is no variable `nope` (the variables are cidr, net; or declare it: nope = … below [vars])",
            "ORCH011 `vars.cidr.x`: `vars.cidr` is a plain value: there is no `x` in it (write vars.cidr)",
            "ORCH011 `stacks.spoke.dev.outputs.A.b`: a stack has no `outputs.A.b` (did you mean `outputs`?)",
        ]
    );
}

#[test]
fn what_must_be_known_before_calls_says_so() {
    let text = r#"
[stacks.hub]
account = "a"
template = "t.yaml"
[stacks.x]
for_each = ["k"]
account = "{{ stacks.hub.outputs.A }}"
template = "t.yaml"
name = "{{ each.key }}-{{ stacks.hub.outputs.N }}"
[stacks.y]
for_each = "stacks.z"
account = "a"
region = "{{ each.outputs.Region }}"
template = "t.yaml"
[stacks.z]
for_each = ["k"]
account = "a"
template = "t.yaml"
"#;
    let heads: Vec<_> = mistakes(text).iter().map(|problem| problem.split(": ").next().unwrap().to_owned()).collect();
    assert_eq!(
        heads,
        ["ORCH012 `stacks.hub.outputs.A`", "ORCH012 `stacks.hub.outputs.N`", "ORCH012 `each.outputs.Region`"]
    );
}

#[test]
fn values_that_do_not_fit_are_found_before_any_call() {
    assert_eq!(
        mistake(&format!("[vars]\nl = [\"x\"]\n{STACK}parameters = {{ A = \"x {{{{ vars.l }}}}\" }}\n")),
        "ORCH013 `vars.l`: a list cannot stand in the middle of a text (make one text of it: join LIST [SEPARATOR])"
    );
}

#[test]
fn variables_that_are_not_there_or_do_not_fit() {
    let disk = small(&format!(
        "[vars]\nsize = 3\nenvy = {{ env = \"ENVY\" }}\nport = {{ env = \"PORT\", default = 1 }}\nlazy = \"{{{{ plan.name }}}}\"\n{STACK}"
    ));
    let loaded = disk.load_with("p.toml", &[("size", "big"), ("sizes", "1")], &[("PORT", "x")]);
    assert_eq!(
        described(&loaded),
        [
            "ORCH014 `vars`: --var gives `sizes`, but the plan has no such variable (did you mean `size`?)",
            "ORCH014 `3`: --var size=big does not fit: string values must be quoted, expected literal string (write the value as in the plan; only a text needs no quotes)",
            "ORCH014 `\"ENVY\"`: the environment has no ENVY (set ENVY, give a default here, or use --var)",
            "ORCH014 `\"PORT\"`: the environment's PORT does not fit: the default is a whole number (write it as it would stand in the plan)",
            "ORCH010 `\"{{ plan.name }}\"`: a variable is a plain value, without expressions (write the expression where the value is used)",
        ]
    );
}

#[test]
fn accounts_that_cannot_be() {
    let accounts = r#"name = "net"
region = "us-east-1"
[accounts]
a = { id = "11111" }
b = { id = "222222222222", role = "no role!" }
c = { id = "333333333333", role = "arn:aws:iam::444444444444:role/X" }
d = { id = "555555555555", role = "R", duration = "13h", session_name = "x" }
e = { id = "666666666666", role = "R", through = "g" }
g = { id = "888888888888", role = "R", through = "h" }
h = { id = "999999999999", role = "R", through = "g" }
i = { id = "000000000000", role = "R", through = "nobody" }
j = { id = "000000000001", role = "R", through = "e", duration = 7200 }
k = { id = "000000000002", external_id = "x" }
l = { id = 1 }
m = { role = "R" }
"#;
    let loaded = Disk::default().with("p.toml", format!("{accounts}{STACK}")).with("t.yaml", "").load("p.toml");
    assert_eq!(
        described(&loaded),
        [
            "ORCH015 `\"11111\"`: `11111` is not an AWS account id: it has twelve digits (copy it from the account's page in the console, without dashes)",
            "ORCH016 `\"no role!\"`: `no role!` is not a role (write its name of 64 characters at most, or its ARN: arn:aws:iam::111111111111:role/NAME)",
            "ORCH016 `\"arn:aws:iam::444444444444:role/X\"`: this role belongs to the account 444444444444 (a role is assumed in the account that it belongs to)",
            "ORCH018 `\"13h\"`: a session lasts from 15 minutes to 12 hours (write seconds, or a text such as \"90m\" or \"1h\")",
            "ORCH009 `\"x\"`: `x` is not a session name (it has 2 to 64 letters, digits or any of +=,.@_-)",
            "ORCH017 `\"h\"`: these accounts are only reached through each other: g → h → g (let one of them be reached without `through`)",
            "ORCH017 `\"nobody\"`: there is no account `nobody` (the accounts are a, b, c, d, e, g, h, i and 4 more)",
            "ORCH018 `7200`: a session through `e` lasts an hour at most: that is role chaining (write duration = \"1h\"; sessions are renewed as needed)",
            "ORCH016 `external_id`: `external_id` has no effect without a role (name the role to assume: role = \"…\")",
            "ORCH007 `1`: this is a whole number, but a text in quotes is needed (put it in quotes: \"…\")",
            "ORCH006 `m`: an account needs `id` (write id = \"111111111111\")",
        ]
    );
}

#[test]
fn an_account_that_the_plan_does_not_have() {
    assert_eq!(
        mistakes(
            "[stacks.hub]\naccount = \"aa\"\ntemplate = \"t.yaml\"\n[routes.r]\naccount = \"prod\"\nroute_tables = [\"rtb-1\"]\ndestination = \"::/0\"\nvia = \"igw-1\"\n"
        ),
        [
            "ORCH019 `\"aa\"`: there is no account `aa` (did you mean `a`?)",
            "ORCH019 `\"prod\"`: there is no account `prod` (the accounts are a, b; or declare it: prod = { id = \"…\" } below [accounts])",
        ]
    );
}

#[test]
fn nothing_to_go_over() {
    for (text, at) in [
        ("[vars]\nl = []\n[stacks.s]\nfor_each = \"vars.l\"\naccount = \"a\"\ntemplate = \"t.yaml\"\n", "\"vars.l\""),
        ("[stacks.s]\nfor_each = {}\naccount = \"a\"\ntemplate = \"t.yaml\"\n", "{}"),
    ] {
        assert_eq!(
            mistake(text),
            format!("ORCH020 `{at}`: for_each goes over nothing (give it at least one item, or take the table away)")
        );
    }
    assert_eq!(
        mistake(&format!("{STACK}region = []\n")),
        "ORCH020 `[]`: this is a list of no regions (name at least one region)"
    );
    assert_eq!(
        mistakes("[routes.r]\naccount = \"a\"\nroute_tables = []\ndestination = \"10.0.0.0/8\"\nvia = \"igw-1\"\n"),
        ["ORCH020 `[]`: a route needs a route table (name at least one route table, or take the route away)"]
    );
}

#[test]
fn what_for_each_cannot_go_over() {
    let of = |for_each: &str| {
        mistake(&format!(
            "[vars]\nx = 1\n{STACK}[stacks.s]\nfor_each = {for_each}\naccount = \"a\"\ntemplate = \"t.yaml\"\n"
        ))
    };
    assert_eq!(
        of("\"{{ vars.x }}\""),
        "ORCH021 `\"{{ vars.x }}\"`: for_each is a path, without braces (write for_each = \"vars.x\")"
    );
    assert_eq!(
        of("\"vars.x\""),
        "ORCH021 `\"vars.x\"`: for_each goes over a list or a table, and this is neither (write for_each = \"vars.NAME\", or a group such as \"stacks.NAME\", or a list or a table)"
    );
    assert_eq!(of("\"vars.y\""), "ORCH011 `\"vars.y\"`: there is no variable `y` (did you mean `x`?)");
    assert_eq!(
        of("\"stacks.hub\""),
        "ORCH021 `\"stacks.hub\"`: `stacks.hub` is one stack, not a group (leave for_each away and write stacks.hub where stack is meant)"
    );
    assert_eq!(
        of("[\"10.0.0.0/8\"]"),
        "ORCH009 `\"10.0.0.0/8\"`: `10.0.0.0/8` cannot be the key of an instance (use letters, digits, and any of _ . -; to go over other values, give each a key: for_each = { KEY = \"10.0.0.0/8\" })"
    );
    assert_eq!(
        of("[\"a\", \"a\"]"),
        "ORCH021 `\"a\"`: two items of for_each have the key `a` (take one of them away: every instance has a key of its own)"
    );
}

#[test]
fn groups_that_are_made_for_each_other() {
    let text = "[stacks.a]\nfor_each = \"stacks.b\"\naccount = \"a\"\ntemplate = \"t.yaml\"\n[stacks.b]\nfor_each = \"stacks.a\"\naccount = \"a\"\ntemplate = \"t.yaml\"\n[stacks.c]\nfor_each = \"stacks.a\"\naccount = \"a\"\ntemplate = \"t.yaml\"\nparameters = { A = \"{{ stacks.a.k.outputs.X }}\" }\n";
    assert_eq!(
        mistake(text),
        "ORCH021 `\"stacks.b\"`: these groups are made for each other (let one of them go over something else, such as a variable)"
    );
}

#[test]
fn a_stack_name_that_cloudformation_would_refuse() {
    assert_eq!(
        mistakes(&format!("{STACK}name = \"1st_stack\"\n[stacks.a_b]\naccount = \"a\"\ntemplate = \"t.yaml\"\n"))
            .iter()
            .map(|problem| problem.split(" (").next().unwrap())
            .collect::<Vec<_>>(),
        [
            "ORCH022 `\"1st_stack\"`: CloudFormation takes no stack named `1st_stack`",
            "ORCH022 `[stacks.a_b]`: CloudFormation takes no stack named `net-a_b`"
        ]
    );
}

#[test]
fn a_template_that_is_not_there() {
    assert_eq!(
        mistake("[stacks.hub]\naccount = \"a\"\ntemplate = \"x/hub.yaml\"\n"),
        "ORCH023 `\"x/hub.yaml\"`: the template x/hub.yaml cannot be read: there is no such file (the path is relative to the file that names it)"
    );
}

#[test]
fn a_stack_that_is_only_read_is_not_changed() {
    assert_eq!(
        mistake(&format!("{STACK}manage = false\n")),
        "ORCH024 `template`: `template` has no effect on a stack that is only read (take it away, or take `manage = false` away)"
    );
}

#[test]
fn depends_on_what_is_not_a_node() {
    assert_eq!(
        mistakes(&format!(
            "[stacks.s]\nfor_each = [\"k\"]\naccount = \"a\"\ntemplate = \"t.yaml\"\n{STACK}depends_on = [\"hub\", \"stacks.hbu\", \"stacks.s.k\", \"stacks.s[j]\", \"each\"]\n"
        )),
        [
            "ORCH025 `\"hub\"`: `hub` does not name a node (write stacks.NAME, peerings.NAME or routes.NAME, with [KEY] for one instance of a group)",
            "ORCH025 `\"stacks.hbu\"`: there is no stack `hbu` (did you mean `hub`?)",
            "ORCH025 `\"stacks.s.k\"`: `stacks.s.k` does not name a node (write stacks.s[k])",
            "ORCH025 `\"stacks.s[j]\"`: `stacks.s` has no instance `j` (did you mean `k`?)",
            "ORCH025 `\"each\"`: `each` is not a node here (it is one where for_each goes over a group)",
        ]
    );
}

#[test]
fn values_that_cannot_be_meant() {
    assert_eq!(
        mistakes(&format!(
            "{STACK}region = \"useast1\"\ncapabilities = [\"CAPABILITY_IMA\"]\ntags = {{ \"aws:x\" = \"1\", \"orch:plan\" = \"x\" }}\n[routes.r]\naccount = \"a\"\nroute_tables = [\"rtb-1\"]\ndestination = \"10.0.0.0\"\nvia = \"igw-1\"\n"
        )),
        [
            "ORCH008 `\"useast1\"`: `useast1` is not a region (write its code, such as us-east-1)",
            "ORCH008 `\"CAPABILITY_IMA\"`: there is no capability `CAPABILITY_IMA` (did you mean `CAPABILITY_IAM`?)",
            "ORCH009 `\"aws:x\"`: tags that begin with `aws:` are not the plan's to give (choose another key for this tag)",
            "ORCH009 `\"orch:plan\"`: tags that begin with `orch:` are not the plan's to give (choose another key for this tag)",
            "ORCH008 `\"10.0.0.0\"`: `10.0.0.0` is not a destination of a route (write an IPv4 or IPv6 CIDR block such as 10.0.0.0/16, or a prefix list's id: pl-…)",
        ]
    );
}

#[test]
fn one_mistake_in_a_group_is_one_problem() {
    let keys = (0..1_000).map(|index| format!("\"k{index}\"")).collect::<Vec<_>>().join(",");
    assert_eq!(
        mistake(&format!(
            "[stacks.s]\nfor_each = [{keys}]\naccount = \"a\"\ntemplate = \"t.yaml\"\nparameters = {{ A = \"{{{{ each.vlue }}}}\" }}\n"
        )),
        "ORCH011 `each.vlue`: an item of for_each has no `vlue` (did you mean `value`?)"
    );
}

#[test]
fn different_mistakes_at_one_place_are_told_a_few_at_a_time() {
    let found =
        mistakes("[stacks.s]\nfor_each = [\"x\", \"y\", \"a\"]\naccount = \"{{ each.key }}\"\ntemplate = \"t.yaml\"\n");
    let messages: Vec<_> = found.iter().map(|problem| problem.split(" (").next().unwrap()).collect();
    assert_eq!(
        messages,
        [
            "ORCH019 `\"{{ each.key }}\"`: there is no account `x`",
            "ORCH019 `\"{{ each.key }}\"`: there is no account `y`"
        ]
    );
    let keys = (0..1_000).map(|index| format!("\"k{index}\"")).collect::<Vec<_>>().join(",");
    let text = format!("[stacks.s]\nfor_each = [{keys}]\naccount = \"{{{{ each.key }}}}\"\ntemplate = \"t.yaml\"\n");
    let found = mistakes(&text);
    assert_eq!(found.len(), 5);
    assert!(found[4].contains("there are more of this sort at this place"), "{found:#?}");
}

#[test]
fn the_name_and_the_region_of_the_plan_are_made_of_variables_alone() {
    let disk = Disk::default().with("p.toml", "name = \"{{ plan.region }}\"\nregion = \"{{ each.key }}\"\n[accounts]\na = { id = \"{{ accounts.a.id }}\" }\n[stacks.s]\naccount = \"a\"\nmanage = false\n");
    let heads: Vec<_> =
        described(&disk.load("p.toml")).iter().map(|problem| problem.split(": ").next().unwrap().to_owned()).collect();
    assert_eq!(heads, ["ORCH012 `plan.region`", "ORCH012 `each.key`", "ORCH012 `accounts.a.id`"]);
}

#[test]
fn groups_that_multiply_without_end_are_stopped() {
    let regions = (0..70).map(|index| format!("\"us-east-{index}\"")).collect::<Vec<_>>().join(",");
    let group = |name: &str, head: &str| {
        format!("[stacks.{name}]\n{head}region = [{regions}]\naccount = \"a\"\nname = \"n\"\nmanage = false\n")
    };
    let text = [
        group("a", ""),
        group("b", "for_each = \"stacks.a\"\n"),
        group("c", "for_each = \"stacks.b\"\n"),
        group("d", "for_each = \"stacks.c\"\n"),
    ]
    .concat();
    assert!(mistakes(&text).iter().any(|problem| problem.contains("more than 250000 nodes")));
}
