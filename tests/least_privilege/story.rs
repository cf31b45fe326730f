//! What happens to the shipped plan, step by step.

use orch::sim::ec2::Status;
use orch::sim::{ResourceFault, World};

use super::house::{Act, Step};

/// The spokes of a story, as the plan's variable has them.
type Spokes = &'static str;

/// All spokes of the shipped plan.
pub const WHOLE: (Spokes, Spokes) = (
    r#"{ dev = "10.0.16.0/20", staging = "10.0.32.0/20", test = "10.0.48.0/20", qa = "10.0.64.0/20" }"#,
    r#"{ dev = "10.0.16.0/20", staging = "10.0.32.0/20", test = "10.0.48.0/20" }"#,
);

/// Two of them.
pub const SHORT: (Spokes, Spokes) = (r#"{ dev = "10.0.16.0/20", qa = "10.0.64.0/20" }"#, r#"{ dev = "10.0.16.0/20" }"#);

/// Subnets that hand out no public addresses any more.
const SUBNETS: (&str, &str) = ("MapPublicIpOnLaunch: true", "MapPublicIpOnLaunch: false");

/// The same, with a table more.
const LATE: (&str, &str) =
    ("Outputs:\n", "  Late:\n    Type: AWS::EC2::RouteTable\n    Properties: { VpcId: !Ref VPC }\nOutputs:\n");

/// Other tags for everything.
const TAGS: (&str, &str) = (r#"Purpose = "Infrastructure""#, r#"Purpose = "Network""#);

/// Failures are left where they happen.
const KEEP: (&str, &str) = ("[defaults.stacks]\n", "[defaults.stacks]\non_failure = \"keep\"\n");

/// A resource that fails in every stack of the story, at its nth turn in each.
fn fault(logical_id: &str, action: &str, nth: Option<u64>) -> Vec<ResourceFault> {
    let stacks = ["us-east-1-master", "us-east-1-dev", "us-east-1-staging", "us-east-1-test", "us-east-1-qa"];
    let of = |stack: &str| ResourceFault {
        stack: Some(stack.to_owned()),
        logical_id: Some(logical_id.to_owned()),
        action: Some(action.to_owned()),
        nth,
        reason: "Not today.".to_owned(),
        ..ResourceFault::default()
    };
    stacks.map(of).into()
}

/// From nothing to nothing.
pub fn story((spokes, fewer): (Spokes, Spokes)) -> Vec<Step> {
    let step = |name: &'static str, act: Act| Step::new(name, act, spokes);
    let all = spokes.matches('=').count();
    vec![
        step("preview of nothing", Act::Preview).standing(0),
        step("a creation that fails", Act::Apply).failing(fault("PublicSubnetA", "CREATE", None)),
        step("the creation", Act::Apply).standing(all),
        step("nothing to do", Act::Apply).standing(all),
        step("preview of an update", Act::Preview).editing(&[SUBNETS]).standing(all),
        step("an update that cannot be taken back", Act::Apply)
            .editing(&[SUBNETS, LATE])
            .failing([fault("Late", "CREATE", None), fault("PublicSubnetA", "UPDATE", Some(2))].concat()),
        step("the way out of it, and the update", Act::Apply).editing(&[SUBNETS, LATE]).standing(all),
        step("an update that is left where it fails", Act::Apply).editing(&[LATE, KEEP]).failing(fault(
            "PublicSubnetA",
            "UPDATE",
            None,
        )),
        step("it is rolled back, and done", Act::Apply).editing(&[LATE, KEEP]).standing(all),
        step("other tags", Act::Apply).editing(&[LATE, TAGS]).standing(all),
        step("peerings that somebody has deleted", Act::Apply)
            .editing(&[LATE, TAGS])
            .by_hand(|world| {
                for peering in world.peerings.values_mut() {
                    peering.status = Status::Deleted;
                }
            })
            .standing(all),
        Step::new("preview of what left", Act::Preview, fewer).editing(&[LATE, TAGS]).by_hand(turn_round).listing(),
        Step::new("a spoke that left and cannot be deleted", Act::Prune, fewer)
            .editing(&[LATE, TAGS])
            .failing(fault("VPC", "DELETE", None))
            .listing(),
        Step::new("a spoke that left", Act::Prune, fewer).editing(&[LATE, TAGS]).standing(all - 1).listing(),
        Step::new("the end", Act::Destroy, fewer).editing(&[LATE, TAGS]).standing(0).last(),
    ]
}

/// The same without what only listings show: a spoke that leaves is not found, and goes with the plan that has it.
pub fn strict_story() -> Vec<Step> {
    let (spokes, fewer) = SHORT;
    let mut steps: Vec<Step> =
        story(SHORT).into_iter().filter(|step| !step.needs_listings && !step.is_last()).collect();
    steps.push(Step::new("a spoke that left is not found", Act::Preview, fewer).editing(&[LATE, TAGS]).standing(2));
    steps.push(Step::new("the end of all", Act::Destroy, spokes).editing(&[LATE, TAGS]).standing(0).last());
    steps
}

/// Puts a peering that left the plan beside another, the other way round: the hub has asked for it.
fn turn_round(world: &mut World) {
    let live = world.peerings.values().find(|peering| !peering.is_dead()).cloned();
    let Some(mut turned) = live else { return };
    "pcx-00000000000000aa1".clone_into(&mut turned.id);
    std::mem::swap(&mut turned.requester, &mut turned.accepter);
    turned.requester.tags = turned.accepter.tags.clone();
    turned.requester.tags.insert("orch:node".to_owned(), "peerings/old".to_owned());
    turned.accepter.tags.clear();
    for side in [&turned.requester, &turned.accepter] {
        let (place, id) = (side.place.clone(), turned.id.clone());
        world.at_mut(&place).ec2.peerings.insert(id);
    }
    world.peerings.insert(turned.id.clone(), turned);
}
