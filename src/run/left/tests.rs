//! What of a world left a plan, by what was found.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::judge::{Judge, Vpc, Wanted};
use super::known::Known;
use super::order::{Before, End, Standing, order};
use super::search::{Found, Left};
use super::{Grounds, Leaving, Thing, grounds, used};
use crate::aws::{
    CallError, Class, Parameter, Peering, PeeringSide, PeeringState, Role, Route, RouteTable, Stack, StackStatus,
};
use crate::event::Failure;
use crate::graph::of_plan;
use crate::ids::{AccountId, NodeId};
use crate::inventory::{Account, Inventory, Laid, News};
use crate::plan::Plan;
use crate::plan::samples::Disk;
use crate::preview::Action;
use crate::run::Job;
use crate::run::samples::{DEV, HUB, PLAN};

/// An account that the plan does not have.
const OLD: &str = "999999999999";

fn id(account: &str) -> AccountId {
    account.parse().unwrap()
}

fn plan(text: &str) -> Plan {
    let template = "Resources: {T: {Type: 'AWS::EC2::InternetGateway'}}\nOutputs: {VPCId: {Value: a}, RouteTableId: {Value: b}}\nParameters: {CidrBlock: {Type: String}}\n";
    let loaded = Disk::default().with("net.toml", text).with("net.yaml", template).load("net.toml");
    loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.problems))
}

fn tags(plan: &str, node: &str) -> BTreeMap<String, String> {
    [("orch:plan", plan), ("orch:node", node)].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

fn stack(name: &str, tags: BTreeMap<String, String>) -> Stack {
    Stack { id: format!("arn:{name}"), tags, created: Some(1), ..Stack::sample(name, "CREATE_COMPLETE") }
}

fn peering(name: &str, state: &str, (from, to): (&str, &str), tags: BTreeMap<String, String>) -> Peering {
    let side = |account: &str| PeeringSide {
        account: account.to_owned(),
        vpc: format!("vpc-{account}"),
        region: "us-east-1".to_owned(),
        dns: None,
    };
    let (requester, accepter) = (side(from), side(to));
    Peering { id: name.to_owned(), state: PeeringState::new(state), message: String::new(), requester, accepter, tags }
}

fn table(id: &str, routes: &[(&str, &str)]) -> RouteTable {
    let route = |(destination, target): &(&str, &str)| Route {
        destination: (*destination).to_owned(),
        targets: vec![(*target).to_owned()],
        ..Route::default()
    };
    RouteTable { id: id.to_owned(), routes: routes.iter().map(route).collect(), ..RouteTable::default() }
}

fn laid(node: &str, table: &str, destination: &str, target: &str) -> Laid {
    Laid {
        node: node.parse().unwrap(),
        account: id(DEV),
        region: "us-east-1".into(),
        table: table.to_owned(),
        destination: destination.to_owned(),
        target: target.to_owned(),
    }
}

/// What was found in the spoke's account, and in an account of the past.
fn found(stacks: Vec<Stack>, peerings: Vec<Peering>, tables: Vec<RouteTable>) -> Found {
    let place = || (id(DEV), "us-east-1".into());
    Found {
        names: [(id(DEV), "dev".into()), (id(HUB), "master".into()), (id(OLD), "old".into())].into(),
        stacks: [(place(), stacks)].into(),
        peerings: [(place(), peerings)].into(),
        tables: [(place(), tables)].into(),
        ..Found::default()
    }
}

/// The plan of a network that was divided: what it made it only reads now, by another node.
#[test]
fn a_stack_that_any_node_names_has_not_left() {
    let reads = "[stacks.shared]\naccount = \"dev\"\nname = \"net-old\"\nmanage = false\n";
    let plan = plan(&format!("{PLAN}\n{reads}"));
    let made = || stack("net-old", tags("net", "stacks/old"));
    let inventory = Inventory::empty("net");
    let here = found(vec![made()], Vec::new(), Vec::new());
    assert_eq!(told(&Judge::new(&plan, &inventory, &here).stacks().0), Vec::<String>::new());
    let elsewhere = Found { stacks: [((id(OLD), "us-east-1".into()), vec![made()])].into(), ..here };
    assert_eq!(told(&Judge::new(&plan, &inventory, &elsewhere).stacks().0), ["stacks.old net-old"]);
}

#[test]
fn what_services_make_of_a_stacks_resources_is_told_and_left_alone() {
    let plan = plan(PLAN);
    let names = ["StackSet-guard-1", "awseb-e-abc-stack", "SC-222222222222-pp-x", "aws-cloud9-ide-1"];
    let made = names.map(|name| stack(name, tags("net", "stacks/spoke"))).to_vec();
    let (left, odd) = Judge::new(&plan, &Inventory::empty("net"), &found(made, Vec::new(), Vec::new())).stacks();
    assert_eq!((told(&left), odd.len()), (Vec::new(), 4));
    assert!(odd[0].cause.contains("a service of AWS"), "{}", odd[0]);
}

#[test]
fn a_peering_of_a_node_has_left_if_the_node_is_surely_between_other_vpcs_or_in_other_regions() {
    let plan = plan(PLAN);
    let spoke = |id: &str, (from, to): (&str, &str)| peering(id, "active", (from, to), tags("net", "peerings/spoke"));
    let elsewhere = {
        let mut peering = spoke("pcx-region", (DEV, HUB));
        peering.accepter.region = "eu-west-1".to_owned();
        peering
    };
    let found = found(Vec::new(), vec![spoke("pcx-1", (DEV, HUB)), spoke("pcx-2", (HUB, DEV)), elsewhere], Vec::new());
    let inventory = Inventory::empty("net");
    let judge = Judge::new(&plan, &inventory, &found);
    let left = |vpcs: Option<(Vpc, Vpc)>| {
        let vpcs = vpcs.map(|vpcs| ("peerings.spoke".parse().unwrap(), vpcs)).into_iter().collect();
        let left = judge.peerings(&Wanted { vpcs, ..Wanted::default() });
        left.iter().map(|left| left.thing.name()).collect::<Vec<_>>()
    };
    let is = |account: &str| Vpc::Is(format!("vpc-{account}"));
    assert_eq!(left(None), ["pcx-region"]);
    assert_eq!(left(Some((is(DEV), is(HUB)))), ["pcx-region"]);
    assert_eq!(left(Some((is(DEV), Vpc::Unknown))), ["pcx-region"]);
    let all = ["pcx-1", "pcx-2", "pcx-region"];
    assert_eq!(left(Some((is(DEV), is("other")))), all);
    assert_eq!(left(Some((Vpc::New, Vpc::Unknown))), all);
}

fn leaving(name: &str, refused: bool) -> Leaving {
    let stack = stack(name, tags("net", &format!("stacks/{name}")));
    Leaving {
        node: format!("stacks.{name}").parse().unwrap(),
        account: "dev".into(),
        region: "us-east-1".into(),
        thing: Thing::Stack(Box::new(stack)),
        notes: Vec::new(),
        refusal: refused.then(Failure::default),
    }
}

#[test]
fn a_peering_that_a_node_turns_out_to_have_has_not_left_nor_have_the_routes_into_it() {
    let thing = |thing: Thing| Leaving { thing, ..leaving("x", false) };
    let of_net = |id: &str| peering(id, "active", (DEV, HUB), tags("net", "peerings/spoke"));
    let peering = |id: &str| thing(Thing::Peering(Box::new(of_net(id))));
    let route = |target: &str| thing(Thing::Route(laid("routes.way", "rtb-1", "10.0.0.0/16", target)));
    let leaving = vec![route("pcx-1"), route("pcx-2"), route("pcx-3"), peering("pcx-1"), peering("pcx-2")];
    let left = Left { leaving, ..Left::default() };
    let peerings = ["pcx-1", "pcx-3"].map(str::to_owned).into();
    let left = left.without(&Wanted { peerings, ..Wanted::default() });
    let names: Vec<_> = left.leaving.iter().map(|left| left.thing.name()).collect();
    // One that leads into a peering which stays, and that the inventory knows, has left as before.
    assert_eq!(names.iter().filter(|name| name.starts_with("pcx-")).collect::<Vec<_>>(), ["pcx-2"]);
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn what_stands_behind_a_stack_that_cannot_be_deleted_is_skipped() {
    let plan = Arc::new(plan(PLAN));
    let graph = of_plan(&plan).unwrap();
    let before = |first, then| Before { first: End::Left(first), then: End::Left(then), sure: false };
    let left = Left {
        leaving: vec![
            leaving("a", false),
            leaving("b", true),
            leaving("c", false),
            leaving("d", false),
            leaving("e", false),
        ],
        order: vec![before(0, 1), before(1, 2), before(2, 3)],
        ..Left::default()
    };
    let seen = Job::prune(plan, &graph, &left).foreseen_left();
    let seen: Vec<_> = seen.iter().map(|seen| (seen.action, seen.because.as_ref().map(ToString::to_string))).collect();
    let skipped = || (Action::Skipped, Some("stacks.b".to_owned()));
    let delete = || (Action::Delete, None);
    assert_eq!(seen, [delete(), (Action::Refused, None), skipped(), skipped(), delete()]);
}

#[test]
fn values_that_are_equal_close_no_ring_with_the_plans_references() {
    let plan = PLAN.replace("CidrBlock = \"10.0.16.0/20\"", "CidrBlock = \"{{ stacks.hub.outputs.VPCId }}\"");
    let plan = Arc::new(self::plan(&plan));
    let graph = of_plan(&plan).unwrap();
    let node = |id: &str| End::Node(id.parse().unwrap());
    // A destruction takes the spoke before the hub, since the spoke refers to it.
    let order = |sure: bool| {
        vec![
            Before { first: node("stacks.hub"), then: End::Left(0), sure },
            Before { first: End::Left(0), then: node("stacks.spoke"), sure: false },
            Before { first: End::Left(0), then: End::Left(1), sure: false },
        ]
    };
    for sure in [true, false] {
        let left =
            Left { leaving: vec![leaving("a", false), leaving("b", false)], order: order(sure), ..Left::default() };
        let chosen = vec![true; plan.nodes.len()];
        let job = Job::destroy(Arc::clone(&plan), &graph, &chosen).and(&left);
        let order: Vec<String> = job.graph().order().iter().map(|node| job.graph().id(*node).to_string()).collect();
        let place = |id: &str| order.iter().position(|known| known == id).unwrap();
        let stacks = ["stacks.spoke", "stacks.hub", "stacks.a", "stacks.b"];
        assert!(stacks.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{order:?}");
    }
}

fn told(left: &[Leaving]) -> Vec<String> {
    left.iter().map(|left| format!("{} {}", left.node, left.thing.name())).collect()
}

#[test]
fn a_stack_has_left_if_it_bears_the_plans_name_and_is_no_nodes() {
    let plan = plan(PLAN);
    let spoke = || tags("net", "stacks/spoke");
    let nested = Stack { root: Some("arn".to_owned()), ..stack("spoke-Child-1", spoke()) };
    let gone = Stack { status: StackStatus::new("DELETE_COMPLETE"), ..stack("gone", tags("net", "stacks/gone")) };
    let younger = Stack { created: Some(2), ..stack("net-old-b", tags("net", "stacks/old/b")) };
    let stacks = vec![
        stack("spoke", spoke()),
        nested,
        gone,
        stack("net-old-a", tags("net", "stacks/old/a")),
        younger,
        stack("before", spoke()),
        stack("others", tags("other", "stacks/old/a")),
        stack("nobodys", BTreeMap::new()),
        stack("stray", tags("net", "by hand")),
    ];
    let found = found(stacks, Vec::new(), Vec::new());
    let inventory = Inventory::empty("net");
    let (left, odd) = Judge::new(&plan, &inventory, &found).stacks();
    assert_eq!(told(&left), ["stacks.old[b] net-old-b", "stacks.old[a] net-old-a", "stacks.spoke before"]);
    assert_eq!(left[2].notes, ["stacks.spoke is stack spoke in dev, us-east-1 now"]);
    assert_eq!(odd.len(), 1);
    assert!(odd[0].to_string().contains("stack stray in account 222222222222, us-east-1"), "{}", odd[0]);
}

#[test]
fn a_stack_that_is_protected_is_refused_and_one_that_is_not_whole_says_so() {
    let plan = plan(PLAN);
    let protected = Stack { termination_protection: true, ..stack("kept", tags("net", "stacks/kept")) };
    let failed = Stack { status: StackStatus::new("DELETE_FAILED"), ..stack("failed", tags("net", "stacks/failed")) };
    let found = found(vec![protected, failed], Vec::new(), Vec::new());
    let inventory = Inventory::empty("net");
    let (left, _) = Judge::new(&plan, &inventory, &found).stacks();
    let refusal = left[0].refusal.as_ref().unwrap();
    assert_eq!(refusal.summary, "stack kept in dev, us-east-1 is protected from deletion");
    assert_eq!((left[1].notes.as_slice(), &left[1].refusal), (["it is in DELETE_FAILED".to_owned()].as_slice(), &None));
}

#[test]
fn a_peering_has_left_if_no_node_has_it_between_these_accounts() {
    let plan = plan(PLAN);
    let link = || tags("net", "peerings/spoke");
    let peerings = vec![
        peering("pcx-kept", "active", (DEV, HUB), link()),
        peering("pcx-turned", "active", (HUB, DEV), link()),
        peering("pcx-moved", "active", (OLD, HUB), link()),
        peering("pcx-old", "pending-acceptance", (DEV, HUB), tags("net", "peerings/old")),
        peering("pcx-dead", "rejected", (DEV, HUB), tags("net", "peerings/old")),
        peering("pcx-of-a-stack", "active", (DEV, HUB), tags("net", "stacks/old")),
        peering("pcx-others", "active", (DEV, HUB), tags("other", "peerings/old")),
    ];
    let found = found(Vec::new(), peerings, Vec::new());
    let inventory = Inventory::empty("net");
    let left = Judge::new(&plan, &inventory, &found).peerings(&Wanted::default());
    assert_eq!(told(&left), ["peerings.spoke pcx-moved", "peerings.old pcx-old"]);
}

#[test]
fn an_account_without_a_stack_or_a_peering_of_the_plan_is_told_from_one_that_may_have_some() {
    let plan = plan(PLAN);
    let place = |account: &str, region: &str| (id(account), region.into());
    let inventory = Inventory::empty("net");
    let known = Known::new(&plan, &inventory);
    // The hub is asked in any case, and so is an account in which the plan makes no stack.
    let may_be_empty = [DEV, HUB, OLD].map(|account| known.may_be_empty(&id(account), &"us-east-1".into()));
    assert_eq!(may_be_empty, [true, false, false]);
    let mut laid_before = Inventory::empty("net");
    laid_before.routes.push(laid("routes.out", "rtb-1", "10.0.0.0/20", "pcx-1"));
    assert!(!Known::new(&plan, &laid_before).may_be_empty(&id(DEV), &"us-east-1".into()));
    let own = tags("net", "stacks/spoke[dev]");
    let seen_by_hub = |region: &str, state: &str| {
        let mut peering = peering("pcx-1", state, (DEV, HUB), BTreeMap::new());
        peering.requester.region = region.to_owned();
        [(place(HUB, "us-east-1"), vec![peering])].into()
    };
    let nothing = || Found { stacks: [(place(DEV, "us-east-1"), Vec::new())].into(), ..Found::default() };
    let of = |stack| Found { stacks: [(place(DEV, "us-east-1"), vec![stack])].into(), ..Found::default() };
    for (found, expected) in [
        (nothing(), true),
        (of(stack("other", tags("other", "stacks/a"))), true),
        (of(stack("any", own)), false),
        (of(stack("spoke", BTreeMap::new())), false),
        (Found { peerings: seen_by_hub("us-east-1", "active"), ..nothing() }, false),
        (Found { peerings: seen_by_hub("us-west-2", "active"), ..nothing() }, true),
        (Found { peerings: seen_by_hub("us-east-1", "deleted"), ..nothing() }, true),
        (Found { refused: vec![CallError::sample("DescribeStacks", Class::Denied)], ..nothing() }, false),
        (Found { unreached: vec![Failure::default()], ..nothing() }, false),
        (Found::default(), false),
    ] {
        let mut places = vec![(place(DEV, "us-east-1"), ())];
        let taken = known.take_out(&found, &mut places);
        assert_eq!((taken.is_empty(), places.len()), (expected, usize::from(expected)), "{found:?}");
    }
}

#[test]
fn a_route_has_left_if_the_plan_made_it_and_no_node_wants_it() {
    let plan = plan(PLAN);
    let mut inventory = Inventory::empty("net");
    let known = [
        laid("routes.gone", "rtb-1", "10.1.0.0/16", "tgw-1"),
        laid("routes.gone", "rtb-1", "10.2.0.0/16", "tgw-1"),
        laid("routes.gone", "rtb-1", "10.3.0.0/16", "tgw-1"),
        laid("routes.out", "rtb-1", "10.4.0.0/16", "pcx-1"),
        laid("routes.back", "rtb-1", "10.5.0.0/16", "pcx-1"),
    ];
    inventory.take_in(News { laid: known.to_vec(), ..News::default() });
    let routes = [
        // Left, and still there.
        ("10.1.0.0/16", "tgw-1"),
        // Leads elsewhere now.
        ("10.2.0.0/16", "nat-1"),
        // Another node wants it.
        ("10.3.0.0/16", "tgw-1"),
        // Its node is elsewhere now.
        ("10.4.0.0/16", "pcx-1"),
        // Of its node nobody knows yet where it is.
        ("10.5.0.0/16", "pcx-1"),
        // Into a peering that left.
        ("10.6.0.0/16", "pcx-old"),
        // Somebody else's.
        ("10.7.0.0/16", "tgw-1"),
    ];
    let old = peering("pcx-old", "active", (DEV, HUB), tags("net", "peerings/old"));
    let found = found(Vec::new(), vec![old], vec![table("rtb-1", &routes)]);
    let wanted = Wanted {
        places: [("rtb-1".to_owned(), "10.3.0.0/16".to_owned())].into(),
        certain: ["routes.out".parse::<NodeId>().unwrap()].into(),
        ..Wanted::default()
    };
    let judge = Judge::new(&plan, &inventory, &found);
    let (left, gone) = judge.routes(&judge.peerings(&Wanted::default()), &wanted);
    assert_eq!(
        told(&left),
        [
            "routes.gone rtb-1: 10.1.0.0/16 → tgw-1",
            "routes.out rtb-1: 10.4.0.0/16 → pcx-1",
            "peerings.old rtb-1: 10.6.0.0/16 → pcx-old",
        ]
    );
    assert_eq!(gone, [laid("routes.gone", "rtb-1", "10.2.0.0/16", "tgw-1")]);
    assert!(left.iter().all(|left| matches!(&left.thing, Thing::Route(_))));
}

#[test]
fn what_bears_a_name_that_a_node_had_before_has_not_left() {
    let moved = "moved = [{ from = \"stacks.first\", to = \"stacks.spoke\" }, { from = \"peerings.link\", to = \"peerings.spoke\" }]\n";
    let plan = plan(&format!("{moved}{PLAN}"));
    let link = |node: &str| peering("pcx-1", "active", (HUB, DEV), tags("net", node));
    let stacks = vec![stack("spoke", tags("net", "stacks/first")), stack("net-first", tags("net", "stacks/first"))];
    let found = found(stacks, vec![link("peerings/link"), link("peerings/other")], Vec::new());
    let inventory = Inventory::empty("net");
    let judge = Judge::new(&plan, &inventory, &found);
    assert_eq!(told(&judge.peerings(&Wanted::default())), ["peerings.other pcx-1"]);
    let (left, _) = judge.stacks();
    assert_eq!(told(&left), ["stacks.first net-first"]);
    assert_eq!(left[0].notes, ["stacks.spoke is stack spoke in dev, us-east-1 now"]);
    let nodes: Vec<_> = judge.standing(&left).into_iter().map(|own| own.end).collect();
    assert_eq!(nodes, [End::Node("stacks.spoke".parse().unwrap()), End::Left(0)]);
}

fn ground(grounds: &Grounds) -> Vec<String> {
    let line = |ground: &super::Ground| {
        let regions: Vec<&str> = ground.regions.iter().map(crate::ids::Region::as_str).collect();
        format!("{} {} {}", ground.account, ground.id, regions.join(" "))
    };
    grounds.accounts.iter().map(line).collect()
}

#[test]
fn all_accounts_and_regions_of_the_plan_and_of_the_inventory_are_looked_into() {
    let plan = plan(PLAN);
    let mut inventory = Inventory::empty("net");
    let account = |name: &str, region: &str| Account { regions: [region.into()].into(), ..Account::new(name.into()) };
    let through = |account: Account| Account { through: Some(id(HUB)), role: Some("Ops".to_owned()), ..account };
    inventory.take_in(News {
        accounts: vec![
            (id(DEV), account("development", "eu-west-1")),
            (id(OLD), through(account("dev", "ap-south-1"))),
            (id("888888888888"), account("test", "us-west-2")),
        ],
        ..News::default()
    });
    let grounds = grounds(&plan, &inventory);
    assert_eq!(
        ground(&grounds),
        [
            "master 111111111111 us-east-1",
            "dev 222222222222 eu-west-1 us-east-1",
            "test 888888888888 us-west-2",
            "dev/999999999999 999999999999 ap-south-1",
        ]
    );
    let old = &grounds.specs["dev/999999999999"];
    assert_eq!((old.through.as_ref(), old.role.clone()), (Some(&"master".into()), Some(Role::Name("Ops".to_owned()))));
}

#[test]
fn an_account_is_remembered_with_all_that_reaches_it() {
    let text = PLAN.replace("role = \"Deploy\"", "role = \"Deploy\", external_id = \"e-1\", through = \"way\"");
    let text = text.replace(
        "[stacks.hub]",
        "way = { id = \"999999999999\", role = \"Way\" }\nunused = { id = \"888888888888\" }\n\n[stacks.hub]",
    );
    let used: BTreeMap<AccountId, Account> = used(&plan(&text)).into_iter().collect();
    let named: Vec<&str> = used.keys().map(AccountId::as_str).collect();
    assert_eq!(named, [HUB, DEV, OLD]);
    let dev = &used[&id(DEV)];
    assert_eq!((dev.role.as_deref(), dev.external_id.as_deref()), (Some("Deploy"), Some("e-1")));
    assert_eq!((dev.through.as_ref(), dev.regions.len()), (Some(&id(OLD)), 1));
}

fn ordered(stacks: &[Stack], importers: &[(&str, &[&str])]) -> Vec<String> {
    let place = (id(DEV), "us-east-1".into());
    let standing: Vec<Standing<'_>> = (stacks.iter().enumerate())
        .map(|(index, stack)| Standing { end: End::Left(index), place: &place, stack })
        .collect();
    let named: Vec<(String, Vec<String>)> = importers
        .iter()
        .map(|(stack, names)| (format!("arn:{stack}"), names.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    let importers = named.iter().map(|(stack, names)| (stack.as_str(), names.as_slice())).collect();
    let (pairs, all) = order(&standing, &importers);
    let name = |end: &End| match end {
        End::Left(index) => stacks[*index].name.clone(),
        End::Node(node) => node.to_string(),
    };
    let all: Vec<String> = all.iter().map(name).collect();
    let pairs = pairs.iter().map(|pair| {
        let word = if pair.sure { "surely before" } else { "before" };
        format!("{} {word} {}", name(&pair.first), name(&pair.then))
    });
    std::iter::once(all.join(" ")).chain(pairs).collect()
}

#[test]
fn a_stack_is_deleted_before_those_whose_outputs_it_takes_or_imports_else_the_younger_first() {
    let stack = |name: &str, created: i64, takes: &[&str], gives: &[&str]| {
        let parameter = |value: &&str| Parameter { value: (*value).to_owned(), resolved: None };
        Stack {
            created: Some(created),
            parameters: takes.iter().map(|value| (format!("P{value}"), parameter(value))).collect(),
            outputs: gives.iter().map(|value| (format!("O{value}"), (*value).to_owned())).collect(),
            ..stack(name, BTreeMap::new())
        }
    };
    // The hub was made anew after the spoke that takes its VPC.
    let hub = stack("hub", 9, &[], &["vpc-1", ""]);
    let spoke = stack("spoke", 1, &["vpc-0,vpc-1", ""], &["sub-1"]);
    let leaf = stack("leaf", 2, &["sub-1"], &[]);
    let alone = stack("alone", 5, &["x"], &[]);
    let all = [hub, spoke, leaf, alone];
    assert_eq!(ordered(&all, &[]), ["alone leaf spoke hub", "leaf before spoke", "spoke before hub"]);
    assert_eq!(
        ordered(&all, &[("alone", &["hub", "nobody"])]),
        ["leaf spoke hub alone", "leaf before spoke", "spoke before hub", "hub surely before alone"]
    );
    let ring = [stack("a", 1, &["b"], &["a"]), stack("b", 2, &["a"], &["b"])];
    assert_eq!(ordered(&ring, &[]), ["b a", "b before a"]);
    // What the older imports of the younger is sure, and that values are equal is not.
    assert_eq!(ordered(&ring, &[("b", &["a"])]), ["a b", "a surely before b"]);
}
