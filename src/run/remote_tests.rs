//! What is asked of the embedded AWS, how often, and how long it takes.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;
use crate::diag::Problem;
use crate::engine::{Limits, Settings};
use crate::event::Command;
use crate::graph::of_plan;
use crate::plan::samples::Disk;
use crate::rules::check_live;
use crate::run::{Gathered, Job, Means, execute, specs};
use crate::sim::{Effect, Fault, Faults, Sim, Trust};

const HUB: &str = "111111111111";

/// Accounts `a` to `e`; each has a stack of the same template, which is peered with the hub's.
const PLAN: &str = r#"name   = "net"
region = "us-east-1"

[vars]
spokes = { a = "10.0.16.0/20", b = "10.0.32.0/20", c = "10.0.48.0/20", d = "10.0.64.0/20", e = "10.0.80.0/20" }

[accounts]
hub    = { id = "111111111111" }
a      = { id = "222222222220", role = "Deploy" }
b      = { id = "222222222221", role = "Deploy" }
c      = { id = "222222222222", role = "Deploy" }
d      = { id = "222222222223", role = "Deploy" }
e      = { id = "222222222224", role = "Deploy" }
unused = { id = "222222222225", role = "Deploy" }

[stacks.hub]
account    = "hub"
template   = "net.yaml"
parameters = { CidrBlock = "10.0.0.0/20" }

[stacks.spoke]
for_each   = "vars.spokes"
account    = "{{ each.key }}"
template   = "net.yaml"
parameters = { CidrBlock = "{{ each.value }}" }

[peerings.spoke]
for_each  = "stacks.spoke"
requester = { account = "{{ each.account }}", vpc = "{{ each.outputs.VPCId }}" }
accepter  = { account = "hub", vpc = "{{ stacks.hub.outputs.VPCId }}" }
"#;

const TEMPLATE: &str = "\
Parameters:
  CidrBlock: {Type: String}
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref CidrBlock}}
Outputs:
  VPCId: {Value: !Ref Vpc}
";

struct World {
    sim: Sim,
    plan: Arc<Plan>,
    sources: Arc<Sources>,
}

impl World {
    fn new(sim: Sim) -> Self {
        Self::of(PLAN, ["\0", ""], sim)
    }

    fn of(text: &'static str, edit: [&'static str; 2], sim: Sim) -> Self {
        let [plan, template] = [text, TEMPLATE].map(|text| text.replace(edit[0], edit[1]));
        let loaded = Disk::default().with("net.toml", plan).with("net.yaml", template).load("net.toml");
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        Self { sim, plan: Arc::new(loaded.plan.unwrap()), sources: Arc::new(loaded.sources) }
    }

    fn environment(&self) -> Environment {
        let keys = self.sim.clone();
        Environment::given(self.sim.http_client(), self.sim.time_source(), move |_| Some(keys.credentials(HUB)))
    }

    async fn look(&self) -> Live {
        look(&self.plan, &self.sources, &self.environment()).await
    }

    async fn problems(&self) -> Vec<Problem> {
        check_live(&self.plan, &self.sources, &self.look().await).problems
    }

    /// The problems as `code: message`, without hints.
    async fn told(&self) -> Vec<String> {
        self.problems().await.iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect()
    }

    async fn apply(&self) {
        let graph = Arc::new(of_plan(&self.plan).unwrap());
        let chosen = vec![true; self.plan.nodes.len()];
        let job = Arc::new(Job::apply(Arc::clone(&self.plan), graph, &chosen));
        let means = Means {
            sessions: Arc::new(Sessions::open(&specs(&[&*job]), &self.environment()).await.unwrap()),
            gathered: Arc::new(Gathered::default()),
            sources: Arc::clone(&self.sources),
            sink: Arc::new(|_| {}),
            outlooks: Arc::default(),
            change_sets: Arc::default(),
        };
        let (_words, control) = mpsc::unbounded_channel();
        let settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };
        assert!(execute(&job, Command::Apply, settings, means, control).await.is_success());
    }

    /// How often each operation was called after the first so many calls.
    fn counts(&self, after: usize) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.sim.calls().into_iter().skip(after) {
            *counts.entry(call.operation.to_string()).or_default() += 1;
        }
        counts
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_looks_is_called_and_nothing_twice() {
    let world = World::new(Sim::builder().build());
    // Before anything stands, and after.
    for applied in [false, true] {
        if applied {
            world.apply().await;
        }
        let (before, mutations) = (world.sim.calls().len(), world.sim.mutations());
        assert_eq!(world.told().await, [""; 0]);
        let expected = [
            // Every account, also the one that no node is in, and all but the caller's own by its role.
            ("AssumeRole", 6),
            ("DescribeRouteTables", 6),
            ("DescribeStacks", 6),
            ("DescribeVpcPeeringConnections", 6),
            ("DescribeVpcs", 6),
            ("GetCallerIdentity", 1),
            // One template in one region, whoever uses it.
            ("ValidateTemplate", 1),
        ];
        let expected = expected.map(|(operation, count)| (operation.to_owned(), count));
        assert_eq!(world.counts(before), expected.into());
        assert_eq!(world.sim.mutations(), mutations);
    }
    let judge = world.sim.calls().into_iter().find(|call| call.operation == "ValidateTemplate").unwrap();
    assert_eq!(judge.account.unwrap().as_str(), HUB, "the first node that uses it");
}

#[tokio::test(start_paused = true)]
async fn a_template_is_looked_over_once_in_each_region() {
    let text = "[stacks.spoke]\nregion     = \"us-west-2\"";
    let world = World::of(PLAN, ["[stacks.spoke]", text], Sim::builder().build());
    let live = world.look().await;
    assert_eq!(live.templates.len(), 2);
    let judges: Vec<_> = world
        .sim
        .calls()
        .into_iter()
        .filter(|call| call.operation == "ValidateTemplate")
        .map(|call| (call.account.unwrap().to_string(), call.region.to_string()))
        .collect();
    assert!(judges.contains(&(HUB.to_owned(), "us-east-1".to_owned())), "{judges:?}");
    assert!(judges.contains(&("222222222220".to_owned(), "us-west-2".to_owned())), "{judges:?}");
}

#[tokio::test(start_paused = true)]
async fn all_accounts_are_asked_at_once() {
    let slow = Fault::slow(Duration::from_secs(10));
    let sim = Sim::builder().faults(Faults::of([slow])).build();
    let world = World::new(sim);
    let began = Instant::now();
    world.look().await;
    let took = began.elapsed().as_secs();
    // AssumeRole, or GetCallerIdentity for the caller's own account, and then everything else.
    assert!((20..22).contains(&took), "{took} s for {} calls of 10 s", world.sim.calls().len());
}

/// Stacks in one account, of one template.
const CROWD: &str = r#"name   = "net"
region = "us-east-1"

[vars]
spokes = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"]

[accounts]
hub    = { id = "111111111111" }

[stacks.spoke]
for_each   = "vars.spokes"
account    = "hub"
template   = "net.yaml"
parameters = { CidrBlock = "10.0.0.0/20" }

[peerings.spoke]
for_each  = "stacks.spoke"
requester = { account = "hub", vpc = "{{ each.outputs.VPCId }}" }
accepter  = { account = "hub", vpc = "vpc-other" }
"#;

#[tokio::test(start_paused = true)]
async fn templates_and_stacks_of_one_account_are_asked_for_a_few_at_a_time() {
    // Where stacks may not be listed, each is asked for by itself.
    let denied = Fault::new(Effect::AccessDenied).on("DescribeStacks").nth(1);
    let slow = Fault::slow(Duration::from_secs(10));
    let world = World::of(CROWD, ["\0", ""], Sim::builder().faults(Faults::of([denied, slow])).build());
    let began = Instant::now();
    world.look().await;
    // GetCallerIdentity, then the template with the listing that is refused, then sixteen stacks, three at once.
    let seconds = began.elapsed().as_secs();
    assert!((80..82).contains(&seconds), "{seconds} s");
    assert_eq!(world.counts(0)["DescribeStacks"], 1 + 16);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_cannot_be_reached_hides_nothing_of_the_others() {
    let nobody = Trust { exists: false, ..Trust::default() };
    let sim = Sim::builder().role(&"222222222221".parse().unwrap(), "Deploy", nobody).build();
    let world = World::new(sim.clone());
    let problems = world.problems().await;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].code.to_string(), "ORCH080");
    assert!(problems[0].message.starts_with("account b (222222222221) cannot be reached: "), "{}", problems[0].message);
    assert!(problems[0].message.contains("sts:AssumeRole"), "AWS's words: {}", problems[0].message);
    assert_eq!(world.sources.place(&problems[0].at.span), "net.toml:10:40");
    assert!(!problems[0].help.is_empty());
    // All others were asked, and the first of them that uses the template judged it.
    assert_eq!(world.counts(0)["DescribeVpcs"], 5);
    assert_eq!(world.counts(0)["ValidateTemplate"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_template_is_judged_by_the_next_account_where_the_first_cannot_be_reached() {
    let edit = ["hub    = { id = \"111111111111\" }", "hub    = { id = \"999999999999\" }"];
    let world = World::of(PLAN, edit, Sim::builder().build());
    let live = world.look().await;
    assert_eq!(live.accounts.len(), 1);
    assert!(live.accounts[0].message.contains("the plan says 999999999999"), "{}", live.accounts[0].message);
    assert_eq!(live.templates[0].place, "account a (222222222220), us-east-1");
    assert_eq!(live.templates[0].nodes.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn what_aws_would_not_tell_is_said_and_the_rest_is_checked() {
    let denied = |operation: &str| Fault::new(Effect::AccessDenied).on(operation).by("222222222220");
    let faults = [denied("DescribeVpcs"), denied("DescribeRouteTables"), denied("DescribeStacks")];
    let sim = Sim::builder().faults(Faults::of(faults)).build();
    let world = World::new(sim);
    let read = world.look().await.read;
    let place = |account: &str| (account.into(), "us-east-1".into());
    assert!([&read.vpcs, &read.tables].iter().all(|places| places.len() == 5 && !places.contains_key(&place("a"))));
    assert!(read.peerings.len() == 6 && read.peerings.contains(&place("a")));
    assert_eq!(read.stacks.len(), 5, "of five spokes and the hub all but one");
    let told = world.told().await;
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told.iter().all(|told| told.starts_with("ORCH082: ")), "{told:#?}");
    assert!(told.iter().any(|told| told.contains("DescribeVpcs") && told.contains("DescribeRouteTables")), "{told:#?}");
    assert!(told.iter().any(|told| told.contains("DescribeStacks")), "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_range_that_somebody_added_to_a_standing_vpc_is_found() {
    let world = World::new(Sim::builder().build());
    world.apply().await;
    let live = world.look().await;
    let of = |id: &str| world.plan.nodes.iter().position(|node| node.id.to_string() == id).map(Ix::from).unwrap();
    let vpc = &live.stacks[&of("stacks.spoke[a]")].outputs["VPCId"];
    assert_eq!(live.vpcs[vpc], ["10.0.16.0/20"]);
    assert_eq!(live.peerings.len(), 5);
    assert!(live.peerings.values().all(|peering| peering.is_accepted && peering.node.is_some()));
    let keys = world.sim.credentials("222222222220");
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .http_client(world.sim.http_client())
        .time_source(world.sim.time_source())
        .credentials_provider(keys)
        .region(aws_config::Region::from_static("us-east-1"))
        .build();
    let client = aws_sdk_ec2::Client::from_conf(config);
    client.associate_vpc_cidr_block().vpc_id(vpc).cidr_block("10.0.240.0/20").send().await.unwrap();
    assert_eq!(world.told().await, [""; 0], "it overlaps with nobody");
    // The hub is about to have the same range: its VPC is made anew.
    let moved = World::of(PLAN, ["CidrBlock = \"10.0.0.0/20\"", "CidrBlock = \"10.0.240.0/20\""], world.sim.clone());
    assert_eq!(moved.told().await, ["ORCH060: both VPCs of `peerings.spoke[a]` have the range 10.0.240.0/20"]);
}

#[tokio::test(start_paused = true)]
async fn what_cloudformation_refuses_is_told_at_the_template_in_its_words() {
    let edit = ["Outputs:\n", "  Topic: {Type: Topic}\nOutputs:\n"];
    let world = World::of(PLAN, edit, Sim::builder().build());
    let problems = world.problems().await;
    // The hub names it at one place, all spokes at another.
    assert_eq!(problems.len(), 2, "{problems:#?}");
    for (problem, line) in problems.iter().zip([18, 24]) {
        assert_eq!(problem.code.to_string(), "ORCH081");
        assert_eq!(world.sources.place(&problem.at.span), format!("net.toml:{line}:14"));
        assert_eq!(problem.message, "CloudFormation refuses net.yaml in account hub (111111111111), us-east-1");
        assert_eq!(problem.at.text, "Template format error: Unrecognized resource types: [Topic]");
    }
    assert_eq!(world.counts(0)["ValidateTemplate"], 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_template_needs_comes_back_from_cloudformation() {
    let edit = ["Outputs:\n", "  Role: {Type: 'AWS::IAM::Role', Properties: {RoleName: x}}\nOutputs:\n"];
    let live = World::of(PLAN, edit, Sim::builder().build()).look().await;
    let Verdict::Taken { parameters, capabilities, reason } = &live.templates[0].verdict else { panic!("{live:?}") };
    assert_eq!(*parameters, [("CidrBlock".to_owned(), false)]);
    assert_eq!(*capabilities, ["CAPABILITY_NAMED_IAM"]);
    assert_eq!(reason, "The following resource(s) require capabilities: [AWS::IAM::Role]");
}

const URL_PLAN: &str = r#"name   = "net"
region = "us-east-1"

[accounts]
hub = { id = "111111111111" }

[stacks.role]
account    = "hub"
template   = "https://net-templates.s3.us-east-1.amazonaws.com/role.yaml"
parameters = { Label = "x" }

[stacks.none]
account  = "hub"
template = "https://net-templates.s3.us-east-1.amazonaws.com/none.yaml"
tags     = { Of = "{{ stacks.role.outputs.Anything }}" }
"#;

#[tokio::test(start_paused = true)]
async fn of_a_template_at_a_url_cloudformation_alone_is_asked() {
    let world = World::of(URL_PLAN, ["\0", ""], Sim::builder().build());
    let put = |world: &mut crate::sim::World| {
        let place = crate::sim::Place { account: HUB.parse().unwrap(), region: "us-east-1".into() };
        world.buckets.insert("net-templates".to_owned(), crate::sim::s3::Bucket { place, created: world.now });
        let text = "Parameters: {Name: {Type: String}}\nResources:\n  Role: {Type: 'AWS::IAM::Role', Properties: {AssumeRolePolicyDocument: {}}}\n";
        let encryption = crate::sim::s3::Encryption { algorithm: "AES256".to_owned(), kms_key: None };
        let object =
            crate::sim::s3::Object { text: text.to_owned(), content_type: None, encryption, modified: world.now };
        world.objects.insert("net-templates/role.yaml".to_owned(), object);
    };
    world.sim.change(put).unwrap();
    assert_eq!(
        world.told().await,
        [
            "ORCH055: AWS says that https://net-templates.s3.us-east-1.amazonaws.com/role.yaml needs `Name`",
            "ORCH057: https://net-templates.s3.us-east-1.amazonaws.com/role.yaml needs CAPABILITY_IAM",
            "ORCH054: AWS says that https://net-templates.s3.us-east-1.amazonaws.com/role.yaml has no parameter `Label`",
            "ORCH081: CloudFormation refuses https://net-templates.s3.us-east-1.amazonaws.com/none.yaml in account hub (111111111111), us-east-1",
        ]
    );
    assert_eq!(world.counts(0).get("ValidateTemplate"), Some(&2));
}
