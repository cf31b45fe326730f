//! What a simulation shows of what a preview cannot know is what a run does; and it touches nothing.

use std::collections::BTreeMap;

use orch::aws::Regional;
use orch::cfn::MAX_INLINE_BYTES;
use orch::event::Event;
use orch::preview::{Action, Preview};
use orch::report::{Palette, preview_json, preview_markdown, preview_text};
use orch::sim::{Effect, Fault, Faults};

use super::cases::{self, Case, case};
use super::files::Edit;
use super::house::House;
use super::{fits, tried};

/// What a place tells of itself, without times: those of a seeded world are its own.
async fn told(regional: &Regional) -> Vec<String> {
    let mut told = Vec::new();
    for vpc in regional.vpcs().await.unwrap() {
        told.push(format!("{vpc:?}"));
    }
    for table in regional.every_route_table().await.unwrap() {
        told.push(format!("{table:?}"));
    }
    for peering in regional.every_peering().await.unwrap() {
        told.push(format!("{peering:?}"));
    }
    for name in ["net-hub", "net-spoke"] {
        let Some(mut stack) = regional.stack(name).await.unwrap() else { continue };
        (stack.created, stack.updated) = (None, None);
        let id = stack.id.clone();
        told.push(format!("{stack:?}"));
        told.push(regional.template(&id).await.unwrap());
        told.push(format!("{:?}", regional.stack_resources(&id).await.unwrap()));
    }
    told
}

#[tokio::test(start_paused = true)]
async fn a_seeded_world_tells_what_the_live_one_tells_by_the_same_ids() {
    for case in cases::all() {
        let house = House::build(&case).await;
        // What is under way is taken to have ended well there, and what is dead here vanishes by itself.
        tokio::time::sleep(std::time::Duration::from_mins(10)).await;
        let (sim, places) = house.twin().await;
        for (here, there) in places {
            assert_eq!(told(&here).await, told(&there).await, "{}: {here}", case.name);
        }
        let made_up = sim.inspect(|world| world.rules.assumptions.as_ref().map(|all| format!("{all:?}"))).unwrap();
        assert!(made_up.is_some_and(|all| !all.contains("taken to work")), "{}", case.name);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_simulated_is_what_is_done() {
    let mut simulated = 0;
    // What really stands of a stack's resources is not simulated, so neither is that it is brought back.
    for case in cases::all().into_iter().filter(|case| !case.reverts_drift) {
        let house = House::build(&case).await;
        let (preview, _) = house.simulate(tried(&case)).await;
        let simulation = preview.simulation.as_ref().unwrap();
        assert_eq!(simulation.failure, None, "{}", case.name);
        let expected = |what: &String| {
            let endings = [
                "(AWS::CloudFormation::Stack) is taken to work: its type is not embedded",
                "is taken to be there for templates",
            ];
            what.contains(": what is hidden (") || endings.iter().any(|ending| what.ends_with(ending))
        };
        assert!(simulation.assumed.iter().all(expected), "{}: {:?}", case.name, simulation.assumed);
        let (_, ahead) = house.preview(tried(&case), false).await;
        let events = house.apply(tried(&case), ahead).await;
        for node in &preview.nodes {
            // What is refused here fails alike there, without a simulation.
            if node.action == Action::Unknown || (!node.until.is_empty() && node.action != Action::Refused) {
                let seen =
                    node.simulated.as_ref().unwrap_or_else(|| panic!("{}: {} is not simulated", case.name, node.node));
                if seen.action == Action::Unknown {
                    assert!(case.name.ends_with("under way"), "{}: {seen:#?}", case.name);
                    continue;
                }
                assert_eq!(fits(seen, &events), Ok(()), "{}: {seen:#?}", case.name);
                assert_eq!(seen.until, [], "{}: {}", case.name, node.node);
                simulated += 1;
            }
        }
        let failed = events.iter().any(|event| matches!(event, Event::NodeFailed { .. }));
        assert_eq!(failed, preview.is_refused() || preview.fails_in_simulation(), "{}: {preview:#?}", case.name);
    }
    assert!(simulated >= 25, "{simulated}");
}

/// A world and a plan whose simulation is looked at.
async fn seen(name: &'static str, before: Option<&'static [Edit]>, after: &'static [Edit]) -> Preview {
    let case = Case { name, before, by_hand: &[], after, taking: None, fails: false, reverts_drift: false };
    let house = House::build(&case).await;
    house.simulate(tried(&case)).await.0
}

fn by_name<'a>(preview: &'a Preview, name: &str) -> &'a orch::preview::Foreseen {
    let node = preview.nodes.iter().find(|node| node.node.to_string() == name).unwrap();
    node.simulated.as_deref().unwrap_or_else(|| panic!("{name} is not simulated: {preview:#?}"))
}

#[tokio::test(start_paused = true)]
async fn peerings_and_routes_to_a_spoke_that_is_new_take_shape() {
    let preview = seen("a spoke is new", Some(&cases::HUB_ALONE), &[]).await;
    assert!(!preview.fails_in_simulation());
    insta::assert_snapshot!(House::shown(&preview));
    insta::assert_snapshot!("peerings_and_routes_in_markdown", House::named(&preview_markdown(&preview)));
    let json: serde_json::Value = serde_json::from_str(&preview_json(&preview)).unwrap();
    let link = json["nodes"].as_array().unwrap().iter().find(|node| node["node"] == "peerings.link").unwrap();
    assert_eq!((&link["action"], &link["simulated"]["action"]), (&"create".into(), &"create".into()));
    assert!(link["simulated"]["name"].as_str().unwrap().starts_with("pcx-0000000000000"), "{link}");
    assert!(json["simulation"].is_object());
    assert!(json["nodes"][0].get("simulated").is_none(), "what is known is not simulated: {json}");
}

#[tokio::test(start_paused = true)]
async fn ranges_that_overlap_fail_in_the_simulation() {
    let after: &[Edit] = &[("plan.toml", "10.1.0.0/16", "10.0.128.0/20")];
    let preview = seen("ranges overlap", Some(&cases::HUB_ALONE), after).await;
    assert!(preview.fails_in_simulation() && !preview.is_refused());
    let link = by_name(&preview, "peerings.link");
    assert_eq!(link.action, Action::Refused);
    let failure = link.failure.as_ref().unwrap();
    assert!(failure.to_string().contains("overlapping CIDR range"), "{failure}");
    assert_eq!(failure.place.as_deref(), Some("plan.toml:21:1"));
    assert_eq!(by_name(&preview, "routes.out").action, Action::Skipped);
    let text = preview_text(&preview, Palette::PLAIN);
    for line in [
        "    simulated: ! would fail in the simulation",
        "    simulated: / would be skipped, since peerings.link would fail",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_template_that_refuses_a_value_which_only_the_run_gives_fails_in_the_simulation() {
    let after: &[Edit] = &[
        ("plan.toml", "10.0.0.0/16", "10.2.0.0/16"),
        ("plan.toml", "Peer = \"{{ stacks.hub.outputs.Range }}\"", "Peer = \"{{ stacks.hub.outputs.VpcId }}\""),
        ("spoke.yaml", "Peer: {Type: String, Default: ''}", "Peer: {Type: String, AllowedPattern: '10[.].*'}"),
    ];
    let preview = seen("a value is refused", Some(&[]), after).await;
    let spoke = by_name(&preview, "stacks.spoke");
    assert_eq!(spoke.action, Action::Refused);
    let failure = spoke.failure.as_ref().unwrap().to_string();
    assert!(failure.contains("Peer") && failure.contains("10[.].*"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn what_the_embedded_aws_does_not_have_is_taken_to_work_and_told() {
    let after: &[Edit] = &[
        (
            "spoke.yaml",
            "Outputs:\n",
            "  Fn:\n    Type: AWS::Lambda::Function\n    Properties: {Role: !GetAtt Table.RouteTableId}\nOutputs:\n  Fn: {Value: !GetAtt Fn.Arn}\n",
        ),
        ("plan.toml", "[routes.back]\n", "[routes.back]\ndepends_on   = [\"stacks.spoke\"]\n"),
        (
            "plan.toml",
            "accepter  = { account = \"master\", vpc = \"{{ stacks.hub.outputs.VpcId }}\" }\n",
            "accepter  = { account = \"master\", vpc = \"{{ stacks.hub.outputs.VpcId }}\" }\ntags      = { Fn = \"{{ stacks.spoke.outputs.Fn }}\" }\n",
        ),
    ];
    let preview = seen("a type is not embedded", Some(&cases::HUB_ALONE), after).await;
    assert!(!preview.fails_in_simulation(), "{preview:#?}");
    let simulation = preview.simulation.as_ref().unwrap();
    assert_eq!(
        simulation.assumed,
        ["stacks.spoke: Fn (AWS::Lambda::Function) is taken to work: its type is not embedded"]
    );
    let link = by_name(&preview, "peerings.link");
    let tag = link.tags.iter().find(|tag| tag.name == "Fn").unwrap();
    let value = format!("{:?}", tag.after);
    assert!(value.contains("arn:aws:assumed:us-east-1:222222222222:net-spoke-Fn-"), "{value}");
}

#[tokio::test(start_paused = true)]
async fn a_template_with_macros_is_not_simulated_and_neither_is_what_needs_it() {
    let after: &[Edit] = &[("spoke.yaml", "Parameters:\n", "Transform: Mine\nParameters:\n")];
    let preview = seen("macros", Some(&cases::HUB_ALONE), after).await;
    assert!(!preview.fails_in_simulation());
    assert_eq!(by_name(&preview, "peerings.link").action, Action::Unknown);
    assert_eq!(by_name(&preview, "peerings.link").notes, ["not simulated, since stacks.spoke is not"]);
}

/// A template that no request holds, and the bucket for it.
fn large(template: &'static str) -> &'static [Edit] {
    let filler: &'static str = format!("# {}\nParameters:\n", "x".repeat(MAX_INLINE_BYTES)).leak();
    let region = "region = \"us-east-1\"\n";
    let bucket = "region = \"us-east-1\"\ntemplate_bucket = { name = \"templates\", owner = \"master\" }\n";
    Box::leak(Box::new([(template, "Parameters:\n", filler), ("plan.toml", region, bucket)]))
}

#[tokio::test(start_paused = true)]
async fn a_template_that_goes_by_a_bucket_is_simulated_and_goes_nowhere() {
    let case = Case { before: Some(&cases::HUB_ALONE), ..case("a template is large", large("spoke.yaml")) };
    let house = House::build(&case).await;
    let (preview, calls) = house.simulate(tried(&case)).await;
    assert!(!preview.is_refused() && !preview.fails_in_simulation(), "{preview:#?}");
    assert_eq!(by_name(&preview, "peerings.link").action, Action::Create);
    assert_eq!(preview.simulation.as_ref().unwrap().assumed, ["bucket templates is taken to be there for templates"]);
    assert!(!calls.iter().any(|call| call.contains("Object")), "nothing goes where the plan is for: {calls:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_preview_has_read_is_not_read_again() {
    let case = case("everything is there", &[]);
    let house = House::build(&case).await;
    let (preview, calls) = house.afresh(&case).await.simulate(tried(&case)).await;
    assert!(preview.is_nothing());
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for call in &calls {
        *count.entry(call).or_default() += 1;
    }
    // An accepter's peerings are listed where what left the plan is looked for, which this house does not do.
    let expected = [("DescribeVpcPeeringConnections", 1), ("DescribeVpcs", 2), ("ListStackResources", 2)];
    assert_eq!(count, expected.into());
}

#[tokio::test(start_paused = true)]
async fn protection_holds_in_a_simulation_as_it_does_at_aws() {
    // The spoke's VPC is made anew by what a hub that is made anew gives.
    const MOVED: Edit = ("plan.toml", "Range = \"10.0.0.0/16\"", "Range = \"10.2.0.0/16\"");
    const TAKES: Edit =
        ("plan.toml", "Range = \"10.1.0.0/16\", Peer", "Range = \"{{ stacks.hub.outputs.Inner }}\", Peer");
    const INNER: Edit = ("hub.yaml", "Outputs:\n", "Outputs:\n  Inner: {Value: !GetAtt Subnet.CidrBlock}\n");
    const PROTECT: Edit =
        ("plan.toml", "template   = \"spoke.yaml\"\n", "template   = \"spoke.yaml\"\nprotect    = [\"replace\"]\n");
    let no_link = [cases::HUB_ALONE[0], cases::HUB_ALONE[1], cases::HUB_ALONE[2], TAKES, INNER];
    let edits = |more: &[Edit]| -> &'static [Edit] { [&no_link[..], more].concat().leak() };
    let protected = Case { before: Some(edits(&[PROTECT])), ..case("protected", edits(&[PROTECT, MOVED])) };
    let by_policy = Case { after: edits(&[MOVED]), ..protected };
    for (case, reason) in [
        (protected, "is protected from the replacement and removal of its resources"),
        (by_policy, "the policy of stack net-spoke does not allow this update"),
    ] {
        let house = House::build(&case).await;
        let (preview, _) = house.simulate(tried(&case)).await;
        assert!(!preview.is_refused(), "{preview:#?}");
        let spoke = by_name(&preview, "stacks.spoke");
        let failure = spoke.failure.as_ref().unwrap_or_else(|| panic!("{spoke:#?}"));
        assert!(failure.summary.contains(reason), "{failure}");
        let (_, ahead) = house.preview(tried(&case), false).await;
        let events = house.apply(tried(&case), ahead).await;
        assert_eq!(fits(spoke, &events), Ok(()));
    }
    let allowed = Case { before: Some(edits(&[])), after: edits(&[MOVED]), ..protected };
    let house = House::build(&allowed).await;
    let (preview, _) = house.simulate(tried(&allowed)).await;
    assert_eq!(by_name(&preview, "stacks.spoke").action, Action::Replace, "{preview:#?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_concluded_from_what_was_made_up() {
    // The spoke's VPC is in a stack that only AWS makes.
    let after: &[Edit] = &[
        (
            "spoke.yaml",
            "  Vpc:\n    Type: AWS::EC2::VPC\n    Properties: {CidrBlock: !Ref Range, Tags: [{Key: Peer, Value: !Ref Peer}]}\n",
            "  Net:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: 'https://templates.s3.us-east-1.amazonaws.com/net.yaml'}\n",
        ),
        ("spoke.yaml", "VpcId: !Ref Vpc}", "VpcId: !GetAtt Net.Outputs.VpcId}"),
        ("spoke.yaml", "{Value: !Ref Vpc}", "{Value: !GetAtt Net.Outputs.VpcId}"),
        ("spoke.yaml", "!GetAtt Vpc.CidrBlock", "!Ref Range"),
    ];
    let preview = seen("a stack in a stack", Some(&cases::HUB_ALONE), after).await;
    assert!(!preview.fails_in_simulation(), "{preview:#?}");
    let link = by_name(&preview, "peerings.link");
    assert_eq!(link.action, Action::Unknown);
    assert_eq!(
        link.notes,
        ["not simulated: stacks.spoke.outputs.VpcId is made up, and AWS's own value may do what that cannot"]
    );
    assert_eq!(by_name(&preview, "routes.out").notes, ["not simulated, since peerings.link is not"]);
    let assumed = &preview.simulation.as_ref().unwrap().assumed;
    assert!(
        assumed.iter().any(|what| what.starts_with("stacks.spoke: Net (AWS::CloudFormation::Stack) is taken to work")),
        "{assumed:?}"
    );
    assert!(
        assumed.iter().any(|what| what.starts_with("stacks.spoke: Table (AWS::EC2::RouteTable) is taken to work")),
        "{assumed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_hidden_is_shown_nowhere_not_even_by_what_is_made_of_it() {
    // The canary, and what Base64 makes of it.
    const SECRETS: [&str; 2] = ["swordfish", "c3dvcmRmaXNo"];
    let after: &[Edit] = &[
        (
            "hub.yaml",
            "Outputs:\n",
            "Outputs:\n  Word: {Value: !Sub 'x-${Secret}'}\n  Coded: {Value: {Fn::Base64: !Ref Secret}}\n",
        ),
        ("plan.toml", "Label = \"hub\" }", "Label = \"hub\", Secret = \"swordfish\" }"),
        ("plan.toml", "Peer = \"{{ stacks.hub.outputs.Range }}\"", "Peer = \"{{ stacks.hub.outputs.Word }}\""),
        (
            "plan.toml",
            "[routes.out]\n",
            "tags = { Word = \"{{ stacks.hub.outputs.Word }}\", Coded = \"{{ stacks.hub.outputs.Coded }}\" }\n\n[routes.out]\n",
        ),
    ];
    let preview = seen("a secret goes on", None, after).await;
    assert!(!preview.fails_in_simulation(), "{preview:#?}");
    let text = preview_text(&preview, Palette::PLAIN);
    assert!(text.contains("x-****"), "{text}");
    for shown in [text, preview_json(&preview), preview_markdown(&preview), format!("{preview:?}")] {
        for secret in SECRETS {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
    }
    // What goes on is made up, so nothing is concluded from it.
    let short: Edit = ("spoke.yaml", "Peer: {Type: String, Default: ''}", "Peer: {Type: String, MaxLength: 2}");
    let refused: &'static [Edit] = [after, &[short]].concat().leak();
    let preview = seen("a secret does not fit", None, refused).await;
    assert!(!preview.fails_in_simulation(), "{preview:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_a_hidden_condition_decides_of_is_not_simulated() {
    let after: &[Edit] = &[
        ("hub.yaml", "IsWide: !Equals [!Ref Wide, 'yes']", "IsWide: !Not [!Equals [!Ref Secret, '']]"),
        ("plan.toml", "Label = \"hub\" }", "Label = \"hub\", Secret = \"swordfish\" }"),
    ];
    let preview = seen("a condition is hidden", None, after).await;
    assert!(!preview.fails_in_simulation(), "{preview:#?}");
    let link = by_name(&preview, "peerings.link");
    assert_eq!(link.action, Action::Unknown);
    assert!(link.notes.iter().any(|note| note.starts_with("not simulated, since")), "{:?}", link.notes);
}

#[tokio::test(start_paused = true)]
async fn a_template_that_cannot_be_read_again_is_the_reason_why_there_is_no_simulation() {
    let case = Case { before: None, ..case("a template is at a URL", &[cases::AT_URL]) };
    let house = House::build(&case).await;
    let gets = |house: &House| house.sim.calls().iter().filter(|call| call.operation == "GetObject").count();
    let before = gets(&house);
    let (preview, calls) = house.simulate(tried(&case)).await;
    assert_eq!(preview.simulation.unwrap().failure, None);
    assert_eq!(calls.iter().filter(|call| *call == "GetObject").count(), 1);
    // The last of them is the simulation's.
    let last = u64::try_from(gets(&house) - before).unwrap();
    house.sim.set_faults(Faults::of([Fault::new(Effect::AccessDenied).on("GetObject").nth(last)]));
    let (preview, _) = house.simulate(tried(&case)).await;
    assert!(!preview.is_refused() && !preview.nodes.iter().any(|node| node.simulated.is_some()), "{preview:#?}");
    assert!(preview.simulation.unwrap().failure.is_some());
}
