//! What groups become.

use serde_json::json;

use super::*;
use crate::plan::Role;

const SPOKES: &str = "[stacks.spoke]\nfor_each = [\"a\", \"b\"]\nregion = [\"us-east-1\", \"us-west-2\"]\naccount = \"{{ each.key }}\"\ntemplate = \"t.yaml\"\n";

#[test]
fn a_list_of_regions_makes_an_instance_of_each() {
    let plan = plan(small("[stacks.log]\naccount = \"a\"\nregion = [\"us-east-1\", \"us-west-2\"]\ntemplate = \"t.yaml\"\nparameters = { K = \"{{ each.key }} {{ self.key }} {{ self.region }}\" }\n").load("p.toml"));
    assert_eq!(ids(&plan), ["stacks.log[us-east-1]", "stacks.log[us-west-2]"]);
    assert_eq!(parameter(&plan, "stacks.log[us-west-2]", "K"), json!("us-west-2 us-west-2 us-west-2"));
    assert_eq!(&*stack(&plan, "stacks.log[us-west-2]").name, "net-log-us-west-2");
}

#[test]
fn keys_and_regions_together_are_both_in_the_key() {
    let text = format!(
        "{SPOKES}[stacks.hub]\naccount = \"a\"\ntemplate = \"t.yaml\"\nparameters = {{ V = \"{{{{ stacks.spoke.b.us-west-2.outputs.V }}}}\" }}\n[peerings.p]\nfor_each = \"stacks.spoke\"\nrequester = {{ account = \"{{{{ each.account }}}}\", region = \"{{{{ each.region }}}}\", vpc = \"{{{{ each.outputs.V }}}}\" }}\naccepter = {{ account = \"{{{{ each.key }}}}\", vpc = \"vpc-1\", dns = true }}\n"
    );
    let plan = plan(small(&text).load("p.toml"));
    assert_eq!(
        ids(&plan)[..4],
        [
            "stacks.spoke[a/us-east-1]",
            "stacks.spoke[a/us-west-2]",
            "stacks.spoke[b/us-east-1]",
            "stacks.spoke[b/us-west-2]"
        ]
    );
    assert_eq!(needs(node(&plan, "stacks.hub")), ["stacks.spoke[b/us-west-2] stacks.spoke.b.us-west-2.outputs.V"]);
    let peering = node(&plan, "peerings.p[b/us-west-2]");
    assert_eq!((peering.account.as_str(), peering.region.as_str()), ("b", "us-west-2"));
    let Spec::Peering(spec) = &peering.spec else { panic!() };
    assert_eq!(
        (spec.accepter.account.as_str(), spec.accepter.region.as_str(), spec.accepter.dns),
        ("b", "us-east-1", Some(true))
    );
}

#[test]
fn each_reaches_back_to_where_the_iteration_began() {
    let text = r#"
[stacks.s]
for_each = { x = { account = "a", cidr = "10.0.0.0/16" }, y = { account = "b", cidr = "10.1.0.0/16" } }
account = "{{ each.value.account }}"
template = "t.yaml"
[peerings.p]
for_each = "stacks.s"
requester = { account = "{{ each.account }}", vpc = "{{ each.outputs.V }}" }
accepter = { account = "a", vpc = "vpc-1" }
[routes.r]
for_each = "peerings.p"
account = "{{ each.accepter.account }}"
route_tables = ["{{ split each.source.outputs.Tables }}", "rtb-1"]
destination = "{{ each.source.source.value.cidr }}"
via = "{{ each.id }}"
"#;
    let plan = plan(small(text).load("p.toml"));
    let Spec::Route(route) = &node(&plan, "routes.r[y]").spec else { panic!() };
    assert_eq!(route.destination.literal(), Some(&json!("10.1.0.0/16")));
    assert_eq!(route.route_tables[0].resolve(&Echo), Ok(json!(["<stacks.s[y] Tables>"])));
    assert_eq!(node(&plan, "routes.r[y]").account.as_str(), "a");
}

#[test]
fn static_attributes_are_known_and_make_no_edge() {
    let text = format!(
        "{SPOKES}[stacks.hub]\naccount = \"b\"\ntemplate = \"t.yaml\"\nname = \"{{{{ self.region }}}}-{{{{ self.account }}}}\"\nparameters = {{ A = \"{{{{ stacks.spoke.a.us-west-2.region }}}} {{{{ stacks.spoke.b.us-east-1.name }}}} {{{{ accounts.b.id }}}} {{{{ plan.name }}}}\", L = [1, true, \"{{{{ self.account }}}}\"] }}\n"
    );
    let plan = plan(small(&text).load("p.toml"));
    assert_eq!(&*stack(&plan, "stacks.hub").name, "us-east-1-b");
    assert_eq!(parameter(&plan, "stacks.hub", "A"), json!("us-west-2 net-spoke-b-us-east-1 222222222222 net"));
    assert_eq!(parameter(&plan, "stacks.hub", "L"), json!([1, true, "b"]));
    assert!(node(&plan, "stacks.hub").needs.is_empty());
}

#[test]
fn defaults_lie_under_every_item_and_the_item_wins() {
    let text = r#"
[defaults.accounts]
role = "Deploy"
session_tags = { team = "net" }
[defaults.stacks]
account = "a"
template = "t.yaml"
tags = { Purpose = "Infrastructure", Owner = "net" }
capabilities = ["CAPABILITY_IAM"]
[stacks.one]
tags = { Owner = "{{ plan.name }}-team", Cost = 7 }
[stacks.two]
manage = false
name = "elsewhere"
"#;
    let plan = plan(small(text).load("p.toml"));
    let tags: Vec<_> = stack(&plan, "stacks.one")
        .tags
        .iter()
        .map(|(key, tag)| format!("{key}={}", tag.value.literal().unwrap()))
        .collect();
    assert_eq!(tags, ["Purpose=\"Infrastructure\"", "Owner=\"net-team\"", "Cost=7"]);
    let two = stack(&plan, "stacks.two");
    assert!(two.template.is_none() && !two.manage);
    assert_eq!(&*two.name, "elsewhere");
    let a = &plan.accounts["a"];
    assert_eq!(a.role, Some(Role::Name("Deploy".to_owned())));
    assert_eq!(a.session_tags["team"], "net");
}

#[test]
fn variables_come_from_the_plan_the_environment_and_the_command_line() {
    let text = "[vars]\na = \"1\"\nb = { env = \"B\", default = \"x\" }\nc = { env = \"C\", default = [1] }\nd = 4\ne = { env = \"E\" }\n[stacks.s]\naccount = \"a\"\ntemplate = \"t.yaml\"\nparameters = { A = \"{{ vars.a }}\", B = \"{{ vars.b }}\", C = \"{{ vars.c }}\", D = \"{{ vars.d }}\", E = \"{{ vars.e }}\" }\n";
    let loaded =
        small(text).load_with("p.toml", &[("a", "{{ 2 }}"), ("d", "5"), ("d", "6")], &[("C", "[2, 3]"), ("E", "7")]);
    let plan = plan(loaded);
    let values = ["A", "B", "C", "D", "E"].map(|name| parameter(&plan, "stacks.s", name));
    assert_eq!(json!(values), json!(["{{ 2 }}", "x", [2, 3], 6, "7"]));
}

#[test]
fn accounts_may_come_from_variables() {
    let disk = Disk::default().with("t.yaml", "").with(
        "p.toml",
        "name = \"net-{{ vars.stage }}\"\nregion = \"{{ vars.region }}\"\n[vars]\nstage = \"dev\"\nregion = \"eu-central-1\"\nid = \"111111111111\"\n[accounts]\na = { id = \"{{ vars.id }}\", role = \"arn:aws:iam::{{ vars.id }}:role/x/{{ plan.name }}\", duration = \"1h\" }\n[stacks.s]\naccount = \"a\"\ntemplate = \"t.yaml\"\n",
    );
    let plan = plan(disk.load_with("p.toml", &[("id", "999999999999")], &[]));
    assert_eq!((&*plan.name, plan.region.as_str()), ("net-dev", "eu-central-1"));
    assert_eq!(plan.accounts["a"].id.as_str(), "999999999999");
    let a = &plan.accounts["a"];
    assert_eq!(a.role, Some(Role::Arn("arn:aws:iam::999999999999:role/x/net-dev".to_owned())));
    assert_eq!(a.duration, Some(3600));
}

#[test]
fn depends_on_names_nodes_groups_and_each() {
    let text = format!(
        "{SPOKES}[stacks.hub]\naccount = \"a\"\ntemplate = \"t.yaml\"\ndepends_on = [\"stacks.spoke\", \"stacks.spoke[a/us-west-2]\"]\n[stacks.after]\nfor_each = \"stacks.spoke\"\naccount = \"a\"\ntemplate = \"t.yaml\"\nname = \"after-{{{{ each.account }}}}-{{{{ each.region }}}}\"\ndepends_on = [\"each\"]\n"
    );
    let plan = plan(small(&text).load("p.toml"));
    let hub = node(&plan, "stacks.hub");
    assert_eq!(needs(hub), ["stacks.spoke[a/us-west-2] depends_on"]);
    assert_eq!(hub.after[0].nodes.len(), 4);
    assert_eq!(needs(node(&plan, "stacks.after[b/us-east-1]")), ["stacks.spoke[b/us-east-1] depends_on"]);
}

#[test]
fn relative_paths_belong_to_the_file_that_declares_them() {
    let disk = Disk::default()
        .with("live/east/p.toml", "extends = \"../../base/net.toml\"\nregion = \"us-east-1\"\n[stacks.own]\naccount = \"a\"\ntemplate = \"own.yaml\"\n")
        .with("base/net.toml", "name = \"net\"\n[accounts]\na = { id = \"111111111111\" }\n[stacks.s]\naccount = \"a\"\ntemplate = \"s.yaml\"\n")
        .with("base/s.yaml", "")
        .with("live/east/own.yaml", "");
    let plan = plan(disk.load("live/east/p.toml"));
    let paths = ["stacks.s", "stacks.own"].map(|id| stack(&plan, id).template.as_ref().unwrap().to_string());
    assert_eq!(paths, ["base/s.yaml", "live/east/own.yaml"]);
}

#[test]
fn odd_names_are_reached_with_brackets() {
    let text = "[stacks.\"a.b\"]\nname = \"ab\"\nfor_each = { \"k.1\" = 1 }\naccount = \"a\"\ntemplate = \"t.yaml\"\n[stacks.s]\naccount = \"a\"\ntemplate = \"t.yaml\"\nparameters = { A = \"{{ stacks.[a.b].[k.1].id }}\" }\n";
    let plan = plan(small(text).load("p.toml"));
    assert_eq!(needs(node(&plan, "stacks.s")), ["stacks.a.b[k.1] stacks.[a.b].[k.1].id"]);
}

#[test]
fn a_condition_needs_both_of_its_branches() {
    let text = "[vars]\nbig = false\n[stacks.x]\naccount = \"a\"\ntemplate = \"t.yaml\"\n[stacks.s]\naccount = \"a\"\ntemplate = \"t.yaml\"\nparameters = { A = \"{{#if vars.big}}{{ stacks.x.outputs.A }}{{else}}{{ stacks.x.outputs.B }}{{/if}}\" }\n";
    let plan = plan(small(text).load("p.toml"));
    assert_eq!(needs(node(&plan, "stacks.s")), ["stacks.x stacks.x.outputs.A", "stacks.x stacks.x.outputs.B"]);
    assert_eq!(stack(&plan, "stacks.s").parameters["A"].value.resolve(&Echo), Ok(json!("<stacks.x B>")));
}

#[test]
fn templates_are_read_once_and_kept_with_the_sources() {
    let loaded =
        small("[stacks.s]\nfor_each = [\"x\", \"y\"]\naccount = \"a\"\ntemplate = \"./t.yaml\"\n").load("p.toml");
    let sources = loaded.sources.clone();
    let plan = plan(loaded);
    let [x, y] = ["stacks.s[x]", "stacks.s[y]"].map(|id| stack(&plan, id).file().cloned().unwrap());
    assert_eq!(x.file, y.file);
    assert_eq!(&*sources.get(x.file).text, "Resources: {}");
}

#[test]
fn an_account_opts_out_of_the_default_role() {
    let disk = Disk::default().with("t.yaml", "").with(
        "p.toml",
        "name = \"net\"\nregion = \"us-east-1\"\n[defaults.accounts]\nrole = \"Deploy\"\nduration = \"30m\"\n[accounts]\na = { id = \"111111111111\", role = false }\nb = { id = \"222222222222\" }\n[stacks.s]\naccount = \"a\"\ntemplate = \"t.yaml\"\n",
    );
    let plan = plan(disk.load("p.toml"));
    assert_eq!((&plan.accounts["a"].role, plan.accounts["a"].duration), (&None, None));
    assert_eq!(plan.accounts["b"].duration, Some(1800));
}

#[test]
fn two_large_groups_in_an_order_cost_their_sum() {
    let keys = (0..3_000).map(|index| format!("\"k{index}\"")).collect::<Vec<_>>().join(",");
    let group = |name: &str, more: &str| {
        format!("[stacks.{name}]\nfor_each = [{keys}]\naccount = \"a\"\ntemplate = \"t.yaml\"\n{more}")
    };
    let text = group("one", "") + &group("two", "depends_on = [\"stacks.one\"]\n");
    let plan = plan(small(&text).load("p.toml"));
    let [first, last] = ["stacks.two[k0]", "stacks.two[k2999]"].map(|id| node(&plan, id));
    assert!(first.needs.is_empty() && std::sync::Arc::ptr_eq(&first.after, &last.after));
    let graph = crate::graph::of_plan(&plan).unwrap();
    let place = graph.get(&last.id).unwrap();
    assert_eq!(graph.needs(place).count(), 3_000);
    let (_, reasons) = graph.reasons(place).next().unwrap();
    assert_eq!(&*reasons[0].expression, "depends_on");
}

#[test]
fn what_nodes_were_called_before_is_told_of_each_instance_and_names_its_stack() {
    let text = r#"
[stacks.hub]
account = "a"
template = "t.yaml"
[stacks.lone]
account = "a"
template = "t.yaml"
[stacks.s]
for_each = ["x", "y", "z"]
account = "a"
template = "t.yaml"
[[moved]]
from = "stacks.group"
to = "stacks.s"
[[moved]]
from = "stacks.group[w]"
to = "stacks.s[x]"
[[moved]]
from = "stacks.s"
to = "stacks.s[y]"
[[moved]]
from = "stacks.group[z]"
to = "stacks.hub"
"#;
    let plan = plan(small(text).load("p.toml"));
    let formerly = |id: &str| node(&plan, id).formerly.as_ref().map(ToString::to_string);
    let name = |id: &str| stack(&plan, id).name.to_string();
    for (id, before, named) in [
        ("stacks.hub", Some("stacks.group[z]"), "net-group-z"),
        ("stacks.lone", None, "net-lone"),
        ("stacks.s[x]", Some("stacks.group[w]"), "net-group-w"),
        ("stacks.s[y]", Some("stacks.s"), "net-s"),
        // The hub goes on with what the group had by that key.
        ("stacks.s[z]", None, "net-s-z"),
    ] {
        assert_eq!((formerly(id).as_deref(), name(id).as_str()), (before, named), "{id}");
    }
}
