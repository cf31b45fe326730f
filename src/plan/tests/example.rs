//! The example that the language was designed by.

use serde_json::json;

use super::*;

fn disk() -> Disk {
    let region = r#"extends = "hub-and-spoke.toml"
name    = "core-network-us-east-1"
region  = "us-east-1"
[vars]
hub_cidr = "10.0.0.0/20"
spokes   = { dev = "10.0.16.0/20", qa = "10.0.64.0/20" }
"#;
    let design = r#"abstract = true
[accounts]
master  = { id = "111111111111" }
dev     = { id = "222222222222", role = "MasterAcctRole" }
qa      = { id = "333333333333", role = "MasterAcctRole" }

[stacks.master]
account    = "master"
template   = "templates/hub.yaml"
parameters = { CidrBlock = "{{ vars.hub_cidr }}" }

[stacks.spoke]
for_each   = "vars.spokes"
account    = "{{ each.key }}"
template   = "templates/spoke.yaml"
parameters = { CidrBlock = "{{ each.value }}" }

[peerings.spoke]
for_each  = "stacks.spoke"
requester = { account = "{{ each.account }}", vpc = "{{ each.outputs.VPCId }}" }
accepter  = { account = "master", vpc = "{{ stacks.master.outputs.VPCId }}" }

[routes.spoke-to-hub]
for_each     = "peerings.spoke"
account      = "{{ each.requester.account }}"
route_tables = ["{{ each.source.outputs.RouteTableId }}"]
destination  = "{{ stacks.master.outputs.VPCCIDRBlock }}"
via          = "{{ each.id }}"
"#;
    Disk::default()
        .with("plans/us-east-1.toml", region)
        .with("plans/hub-and-spoke.toml", design)
        .with("plans/templates/hub.yaml", "Resources: {}")
        .with("plans/templates/spoke.yaml", "Resources: {}")
}

#[test]
fn the_example_becomes_one_node_for_each_thing() {
    let plan = plan(disk().load("plans/us-east-1.toml"));
    assert_eq!(
        ids(&plan),
        [
            "stacks.master",
            "stacks.spoke[dev]",
            "stacks.spoke[qa]",
            "peerings.spoke[dev]",
            "peerings.spoke[qa]",
            "routes.spoke-to-hub[dev]",
            "routes.spoke-to-hub[qa]",
        ]
    );
    let hub = stack(&plan, "stacks.master");
    assert_eq!(&*hub.name, "core-network-us-east-1-master");
    assert_eq!(hub.file().unwrap().path.to_str(), Some("plans/templates/hub.yaml"));
    assert_eq!(&*stack(&plan, "stacks.spoke[dev]").name, "core-network-us-east-1-spoke-dev");
    assert_eq!(parameter(&plan, "stacks.spoke[qa]", "CidrBlock"), json!("10.0.64.0/20"));
    assert_eq!(node(&plan, "stacks.spoke[dev]").account.as_str(), "dev");
    assert_eq!(node(&plan, "routes.spoke-to-hub[qa]").account.as_str(), "qa");
}

#[test]
fn edges_run_from_instance_to_instance() {
    let plan = plan(disk().load("plans/us-east-1.toml"));
    assert!(needs(node(&plan, "stacks.spoke[dev]")).is_empty());
    assert_eq!(
        needs(node(&plan, "peerings.spoke[dev]")),
        ["stacks.spoke[dev] each.outputs.VPCId", "stacks.master stacks.master.outputs.VPCId"]
    );
    assert_eq!(
        needs(node(&plan, "routes.spoke-to-hub[qa]")),
        [
            "stacks.spoke[qa] each.source.outputs.RouteTableId",
            "stacks.master stacks.master.outputs.VPCCIDRBlock",
            "peerings.spoke[qa] each.id",
        ]
    );
}

#[test]
fn an_edge_knows_the_very_expression() {
    let loaded = disk().load("plans/us-east-1.toml");
    let sources = loaded.sources.clone();
    let plan = plan(loaded);
    let need = &node(&plan, "peerings.spoke[dev]").needs[1];
    assert_eq!(sources.slice(&need.span), "stacks.master.outputs.VPCId");
    assert_eq!(sources.place(&need.span), "plans/hub-and-spoke.toml:21:45");
    assert_eq!(sources.slice(&node(&plan, "peerings.spoke[dev]").span), "[peerings.spoke]");
}

#[test]
fn values_are_what_the_nodes_bring_forth() {
    let plan = plan(disk().load("plans/us-east-1.toml"));
    let Spec::Route(route) = &node(&plan, "routes.spoke-to-hub[dev]").spec else { panic!() };
    assert_eq!(route.via.literal(), None);
    assert_eq!(route.via.resolve(&Echo), Ok(json!("<peerings.spoke[dev]>")));
    assert_eq!(route.route_tables[0].resolve(&Echo), Ok(json!("<stacks.spoke[dev] RouteTableId>")));
}

#[test]
fn a_design_is_only_loaded_through_those_that_extend_it() {
    let loaded = disk().load("plans/hub-and-spoke.toml");
    assert_eq!(
        described(&loaded),
        [
            "ORCH004 `true`: this plan is only there to be extended (name a plan that extends this one, or all: `orch validate plans/*.toml`)"
        ]
    );
}

#[test]
fn ten_thousand_instances_share_one_parsed_text() {
    let spokes = (0..10_000).map(|index| format!("\"k{index}\"")).collect::<Vec<_>>().join(",");
    let text = format!(
        "[stacks.s]\nfor_each = [{spokes}]\naccount = \"a\"\ntemplate = \"t.yaml\"\nparameters = {{ A = \"{{{{ stacks.hub.outputs.B }}}}\" }}\n[stacks.hub]\naccount = \"a\"\ntemplate = \"t.yaml\"\n"
    );
    let plan = plan(small(&text).load("p.toml"));
    assert_eq!(plan.nodes.len(), 10_001);
    let expression = |id: &str| std::sync::Arc::as_ptr(&node(&plan, id).needs[0].expression);
    assert_eq!(expression("stacks.s[k0]"), expression("stacks.s[k9999]"));
}
