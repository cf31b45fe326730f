//! How a look at a plan is laid out.

use super::*;
use crate::event::Failure;

const AT: Timestamp = Timestamp::constant(1_767_225_600, 0);
const NARROW: Layout = Layout { width: 80, every_node: false, palette: Palette::PLAIN };

fn node(id: &str, standing: Standing) -> NodeStanding {
    NodeStanding { node: id.parse().unwrap(), account: "dev".into(), region: "us-east-1".into(), standing }
}

fn since(seconds: i64, standing: Standing) -> Standing {
    Standing { since: Some(Timestamp::from_second(AT.as_second() - seconds).unwrap()), ..standing }
}

fn fine(state: &str) -> Standing {
    Standing::new(Health::Fine, state)
}

fn table(id: &str, state: RouteState, target: Option<&str>) -> TableStanding {
    TableStanding {
        table: id.to_owned(),
        destination: "10.0.0.0/20".to_owned(),
        state,
        wanted: "pcx-1".to_owned(),
        target: target.map(str::to_owned),
    }
}

/// One node of every sort.
fn every_sort() -> Survey {
    let waiting = |needs: &[&str]| Standing {
        waits_for: needs.iter().map(|id| id.parse().unwrap()).collect(),
        ..Standing::new(Health::Waits, "not there")
    };
    let nodes = vec![
        node("stacks.master", since(10_900, fine("CREATE_COMPLETE"))),
        node("stacks.spoke[dev]", since(5, Standing::new(Health::UnderWay, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))),
        node(
            "stacks.spoke[qa]",
            since(200_000, Standing::new(Health::Failed, "ROLLBACK_COMPLETE"))
                .because("Subnet (AWS::EC2::Subnet): The CIDR '10.9.1.0/24' is invalid. (Service: Ec2, Status Code: 400, \x1b[31m)")
                .help("the stack was never complete and CloudFormation can only delete it: correct the cause, delete the stack and run again"),
        ),
        node("stacks.spoke[test]", Standing::new(Health::Missing, "not there")),
        node(
            "stacks.theirs",
            since(90, Standing::new(Health::Foreign, "CREATE_COMPLETE")).because("it has no tags of orch").help("give the node another `name`"),
        ),
        node("stacks.a-stack-with-quite-a-long-name[us-east-1/production]", since(90, fine("UPDATE_COMPLETE"))),
        node("peerings.spoke[dev]", fine("active")),
        node("peerings.spoke[test]", waiting(&["stacks.spoke[test]"])),
        node("peerings.spoke[prod]", Standing::new(Health::Unread, "account prod cannot be used")),
        node(
            "routes.out[dev]",
            Standing {
                tables: vec![
                    table("rtb-1", RouteState::Active, Some("pcx-1")),
                    table("rtb-2", RouteState::Blackhole, Some("pcx-1")),
                    table("rtb-3", RouteState::Elsewhere, Some("tgw-1")),
                    table("rtb-4", RouteState::Missing, None),
                    table("rtb-5", RouteState::NoTable, None),
                    table("rtb-6", RouteState::Blackhole, Some("pcx-0")),
                ],
                ..Standing::new(Health::Failed, "active in 1 of 6 tables")
            },
        ),
        node("routes.out[test]", waiting(&["stacks.spoke[test]", "peerings.spoke[test]", "stacks.x", "stacks.y"])),
    ];
    let unread = vec![
        Failure::new("account prod (555555555555) cannot be reached: arn:aws:iam::111111111111:user/orch may not assume arn:aws:iam::555555555555:role/Deploy: no", "")
            .at("plan.toml:8:1")
            .help("let the role trust it"),
    ];
    Survey { nodes, unread, left: 2 }
}

#[test]
fn every_sort_of_node_has_its_lines() {
    let text = status_text(AT, &every_sort(), NARROW);
    insta::assert_snapshot!(text);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_wide_terminal_has_a_line_for_each() {
    let text = status_text(AT, &every_sort(), Layout { width: 140, ..NARROW });
    insta::assert_snapshot!(text);
}

#[test]
fn colours_change_nothing_but_colours() {
    let painted = status_text(AT, &every_sort(), Layout { palette: Palette { enabled: true }, ..NARROW });
    let mut parts = painted.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    plain.extend(parts.map(|part| part.split_once('m').unwrap().1));
    assert_eq!(plain, status_text(AT, &every_sort(), NARROW));
    assert!(painted.contains("\x1b[1m\x1b[31mfailed   \x1b[0m"), "{painted}");
}

#[test]
fn the_document_has_everything() {
    let mut survey = every_sort();
    survey.nodes.retain(|node| matches!(node.node.group.as_ref(), "master" | "out"));
    insta::assert_snapshot!(status_json("net", AT, &survey));
}

/// A hub and as many spokes, each a stack, a peering and a route; a few of them are not as they should be.
fn many(spokes: i64) -> Survey {
    let mut nodes = vec![node("stacks.master", since(100, fine("CREATE_COMPLETE")))];
    for number in 0..spokes {
        let state = if number % 9 == 0 { "UPDATE_COMPLETE" } else { "CREATE_COMPLETE" };
        let standing = match number {
            7 => {
                since(60, Standing::new(Health::Failed, "UPDATE_ROLLBACK_COMPLETE")).because("Vpc (AWS::EC2::VPC): no")
            }
            8 | 9 => Standing::new(Health::Missing, "not there"),
            _ => since(3_600 * (number + 1), fine(state)),
        };
        nodes.push(node(&format!("stacks.spoke[n{number}]"), standing));
    }
    for number in 0..spokes {
        let needs = vec![format!("stacks.spoke[n{number}]").parse().unwrap()];
        let waits = Standing { waits_for: needs, ..Standing::new(Health::Waits, "not there") };
        nodes.push(node(&format!("peerings.spoke[n{number}]"), if number < 5 { waits } else { fine("active") }));
    }
    nodes.extend((0..spokes).map(|number| node(&format!("routes.out[n{number}]"), fine("active in 2 tables"))));
    Survey { nodes, unread: Vec::new(), left: 0 }
}

#[test]
fn hundreds_of_nodes_are_read_on_one_screen() {
    insta::assert_snapshot!(status_text(AT, &many(166), NARROW));
    let every = status_text(AT, &many(166), Layout { every_node: true, ..NARROW });
    assert_eq!(every.lines().count(), 1 + 499 + 1, "a line for each node, and one cause");
    let few = status_text(AT, &many(13), NARROW);
    assert_eq!(few.lines().count(), 1 + 40 + 1, "what a screen holds is not folded");
}
