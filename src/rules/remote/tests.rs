//! What the rules make of what AWS says, without AWS.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use crate::diag::{Code, Problem, Sources};
use crate::graph::Ix;
use crate::plan::{Given, Plan, load};
use crate::rules::example::{Example, PLAN};
use crate::rules::{
    ALL, Judged, Live, LivePeering, LiveRoute, LiveStack, LiveTable, Place, Read, Subject, Unread, Unusable, Verdict,
    check, check_live, network,
};

/// A plan that is sound in itself, and what AWS says about it.
struct Case {
    plan: Plan,
    sources: Sources,
    live: Live,
}

impl Case {
    #[track_caller]
    fn new(text: &str) -> Self {
        let loaded = load(Path::new(PLAN), &Example::read(text).files, &Given { vars: &[], env: &|_| None });
        let plan = loaded.plan.unwrap_or_else(|| panic!("{:#?}", loaded.problems));
        assert!(loaded.problems.is_empty(), "{:#?}", loaded.problems);
        let local = check(&plan, &loaded.sources).problems;
        let is_hint = |problem: &Problem| problem.severity == crate::diag::Severity::Hint;
        assert!(local.iter().all(is_hint), "sound without AWS: {local:#?}");
        Self::of(plan, loaded.sources)
    }

    /// A plan of which AWS told everything, and that there is nothing.
    fn of(plan: Plan, sources: Sources) -> Self {
        let mut read = Read { stacks: (0..plan.nodes.len()).map(Ix::from).collect(), ..Read::default() };
        for account in plan.accounts.keys() {
            read.peerings.insert(place(account.as_str()));
            for places in [&mut read.vpcs, &mut read.tables] {
                places.insert(place(account.as_str()), HashSet::new());
            }
        }
        Self { plan, sources, live: Live { read, ..Live::default() } }
    }

    fn ix(&self, id: &str) -> Ix {
        Ix::from(self.plan.nodes.iter().position(|node| node.id.to_string() == id).unwrap())
    }

    /// The same, in which an id is an account's alone.
    fn only_in(mut self, account: &str, id: &str) -> Self {
        for places in [&mut self.live.read.vpcs, &mut self.live.read.tables] {
            places.iter_mut().filter(|(place, _)| place.0.as_str() != account).for_each(|(_, ids)| {
                ids.remove(id);
            });
        }
        self
    }

    /// A VPC that stands; wherever it is looked for it is found.
    fn vpc(mut self, id: &str, ranges: &[&str]) -> Self {
        list(&mut self.live.read.vpcs, id);
        self.live.vpcs.insert(id.to_owned(), ranges.iter().map(ToString::to_string).collect());
        self
    }

    /// A stack that stands, with outputs and parameters.
    fn stack(mut self, id: &str, outputs: &[(&str, &str)], parameters: &[(&str, &str)]) -> Self {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let ix = self.ix(id);
        self.live.stacks.insert(ix, LiveStack { outputs: map(outputs), parameters: map(parameters) });
        self
    }

    fn peering(mut self, id: &str, vpcs: [&str; 2]) -> Self {
        let peering = LivePeering { vpcs: vpcs.map(str::to_owned), is_accepted: true, node: None };
        self.live.peerings.insert(id.to_owned(), peering);
        self
    }

    /// A route table that stands, with routes as (destination, target); wherever it is looked for it is found.
    fn table(mut self, id: &str, vpc: &str, routes: &[(&str, &str)]) -> Self {
        let route = |(destination, target): &(&str, &str)| LiveRoute {
            destination: (*destination).to_owned(),
            targets: vec![(*target).to_owned()],
        };
        list(&mut self.live.read.tables, id);
        let table = LiveTable { vpc: vpc.to_owned(), routes: routes.iter().map(route).collect() };
        self.live.tables.insert(id.to_owned(), table);
        self
    }

    fn judged(mut self, id: &str, verdict: Verdict) -> Self {
        let nodes = vec![self.ix(id)];
        let place = "account master (111111111111), us-east-1".to_owned();
        self.live.templates.push(Judged { nodes, place, verdict });
        self
    }

    fn problems(&self) -> Vec<Problem> {
        check_live(&self.plan, &self.sources, &self.live).problems
    }

    /// The problems as `code: message`.
    fn told(&self) -> Vec<String> {
        self.problems().iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect()
    }
}

fn list(places: &mut HashMap<Place, HashSet<String>>, id: &str) {
    for ids in places.values_mut() {
        ids.insert(id.to_owned());
    }
}

/// Where everything of an account is in these plans.
fn place(account: &str) -> Place {
    (account.into(), "us-east-1".into())
}

const HEAD: &str = "--- plan.toml\nname = \"network\"\nregion = \"us-east-1\"\n[accounts]\n\
                    master = { id = \"111111111111\" }\ndev = { id = \"222222222222\", role = \"Deploy\" }\n";

const VPC: &str = "--- vpc.yaml\nParameters:\n  CidrBlock: {Type: String}\n  More: {Type: String, Default: none}\n\
                   Resources:\n  VPC: {Type: \"AWS::EC2::VPC\", Properties: {CidrBlock: !Ref CidrBlock}}\n  \
                   Table: {Type: \"AWS::EC2::RouteTable\", Properties: {VpcId: !Ref VPC}}\n\
                   Outputs:\n  VPCId: {Value: !Ref VPC}\n  Table: {Value: !Ref Table}\n";

/// A stack with a VPC, and more of the plan after it.
fn with_hub(more: &str) -> String {
    format!(
        "{HEAD}[stacks.hub]\naccount = \"master\"\ntemplate = \"vpc.yaml\"\n\
         parameters = {{ CidrBlock = \"10.0.0.0/20\" }}\n{more}{VPC}"
    )
}

/// The hub peered with a VPC that is named by its id.
fn peered() -> String {
    with_hub(
        "[peerings.app]\nrequester = { account = \"dev\", vpc = \"vpc-app\" }\n\
         accepter = { account = \"master\", vpc = \"{{ stacks.hub.outputs.VPCId }}\" }\n",
    )
}

const HUB: [(&str, &str); 2] = [("VPCId", "vpc-hub"), ("Table", "rtb-hub")];

#[test]
fn each_rule_that_asks_aws_finds_its_example_at_the_marked_place() {
    for rule in ALL.iter().filter(|rule| super::ASK.contains(&rule.code)) {
        let mut case = Case::new(rule.wrong);
        let app = case.ix("stacks.app");
        match rule.code {
            Code(80) => case.live.accounts.push(Unusable {
                account: "dev".into(),
                role: true,
                message: "account dev (222222222222) cannot be reached: AWS's words".to_owned(),
                help: vec!["the trust policy must allow it".to_owned()],
            }),
            // Its stack is not among those that stand.
            Code(83) => {}
            Code(81) => case = case.judged("stacks.app", Verdict::Refused("Unrecognized resource types".to_owned())),
            _ => case.live.unread.push(Unread {
                of: Subject::Stack(app),
                message: "DescribeStacks: AccessDenied".to_owned(),
                permission: "cloudformation:DescribeStacks",
            }),
        }
        let problems = case.problems();
        assert_eq!(problems.len(), 1, "{}: {problems:#?}", rule.name);
        let (path, range) = Example::read(rule.wrong).marked.unwrap();
        assert_eq!((problems[0].code, &problems[0].at.span.range), (rule.code, &range), "{}", rule.name);
        assert_eq!(case.sources.get(problems[0].at.span.file).path, path);
        assert_eq!(problems[0].severity, rule.severity);
        assert!(!problems[0].help.is_empty(), "{}", rule.name);
    }
}

#[test]
fn accounts_that_share_a_role_are_each_told_at_their_own_id() {
    let text = format!("{HEAD}qa = {{ id = \"333333333333\" }}\n[defaults.accounts]\nrole = \"Nobody\"\n{VPC}")
        .replace("master = { id = \"111111111111\" }", "master = { id = \"111111111111\", role = false }")
        .replace(", role = \"Deploy\"", "")
        .replace("--- vpc.yaml", "[stacks.s]\naccount = \"dev\"\nmanage = false\n--- vpc.yaml");
    let mut case = Case::new(&text);
    for account in ["dev", "qa"] {
        case.live.accounts.push(Unusable {
            account: account.into(),
            role: true,
            message: format!("account {account} cannot be reached"),
            help: vec!["mend it".to_owned()],
        });
    }
    case.live.read = Read::default();
    let problems = case.problems();
    let places: Vec<_> = problems.iter().map(|problem| case.sources.slice(&problem.at.span)).collect();
    assert_eq!(places, ["\"222222222222\"", "\"333333333333\""]);
    assert!(problems.iter().all(|problem| case.sources.slice(&problem.related[0].span) == "\"Nobody\""));
}

#[test]
fn a_vpc_that_is_named_by_its_id_overlaps_by_its_live_range() {
    let case = Case::new(&peered()).vpc("vpc-app", &["10.0.8.0/24"]);
    let problems = case.problems();
    assert_eq!(case.told(), ["ORCH060: the VPCs of `peerings.app` overlap: 10.0.8.0/24 and 10.0.0.0/20"]);
    assert_eq!(problems[0].at.text, "10.0.8.0/24, live: vpc-app has it now");
    assert_eq!(case.sources.slice(&problems[0].at.span), "\"vpc-app\"");
    let apart = Case::new(&peered()).vpc("vpc-app", &["10.1.0.0/16"]);
    assert_eq!(apart.told(), [""; 0]);
}

#[test]
fn a_range_that_was_added_to_a_standing_vpc_of_the_plan_counts() {
    let hub = |ranges: &[&str]| {
        let case = Case::new(&peered()).vpc("vpc-app", &["10.9.0.0/16"]).vpc("vpc-hub", ranges);
        case.stack("stacks.hub", &HUB, &[("CidrBlock", ranges[0])])
    };
    assert_eq!(hub(&["10.0.0.0/20"]).told(), [""; 0]);
    let added = hub(&["10.0.0.0/20", "10.9.4.0/24"]);
    assert_eq!(added.told(), ["ORCH060: the VPCs of `peerings.app` overlap: 10.9.0.0/16 and 10.9.4.0/24"]);
    assert_eq!(added.problems()[0].related[0].text, "10.9.4.0/24, live: vpc-hub has it now");
}

#[test]
fn what_the_plan_is_about_to_change_is_not_judged_by_its_old_value() {
    // The VPC has another range now, so that it is about to be made anew: nothing of the old one counts.
    let other = Case::new(&peered()).vpc("vpc-app", &["10.9.0.0/16"]).vpc("vpc-hub", &["10.9.0.0/20", "10.9.16.0/20"]);
    assert_eq!(other.stack("stacks.hub", &HUB, &[("CidrBlock", "10.9.0.0/20")]).told(), [""; 0]);
    // A range that a parameter gave, which is given another value now.
    let gone = |more: &str| {
        let case =
            Case::new(&peered()).vpc("vpc-app", &["10.9.0.0/16"]).vpc("vpc-hub", &["10.0.0.0/20", "10.9.4.0/24"]);
        case.stack("stacks.hub", &HUB, &[("CidrBlock", "10.0.0.0/20"), ("More", more)]).told().len()
    };
    assert_eq!((gone("10.9.4.0/24"), gone("none")), (0, 1));
}

#[test]
fn what_one_stack_is_about_to_change_says_nothing_of_the_vpcs_of_others() {
    // A stack gives up a range that somebody else's VPC has: that one keeps it.
    let text = peered().replace(
        "[peerings.app]",
        "[stacks.more]\naccount = \"master\"\ntemplate = \"vpc.yaml\"\nparameters = { CidrBlock = \"10.7.0.0/16\" }\n[peerings.app]",
    );
    let case = Case::new(&text).vpc("vpc-app", &["10.0.8.0/24"]).vpc("vpc-more", &["10.0.8.0/24"]);
    let case = case.stack("stacks.more", &[("VPCId", "vpc-more")], &[("CidrBlock", "10.0.8.0/24")]);
    assert_eq!(case.told(), ["ORCH060: the VPCs of `peerings.app` overlap: 10.0.8.0/24 and 10.0.0.0/20"]);
}

#[test]
fn the_quota_counts_the_peerings_that_stand_outside_of_the_plan() {
    let standing = |others: usize| {
        let mut case = Case::new(&peered()).vpc("vpc-hub", &["10.0.0.0/20"]).vpc("vpc-app", &["10.1.0.0/20"]);
        for number in 0..others {
            case = case.peering(&format!("pcx-{number}"), [&format!("vpc-{number}"), "vpc-hub"]);
        }
        // The plan's own stands already and is not another one.
        case.peering("pcx-own", ["vpc-hub", "vpc-app"]).stack("stacks.hub", &HUB, &[("CidrBlock", "10.0.0.0/20")])
    };
    assert_eq!(standing(49).told(), [""; 0]);
    let told =
        "ORCH063: VPC of `stacks.hub` gets 1 peering and has 125 others live, not of this plan; a VPC has 125 at most";
    assert_eq!(standing(125).told(), [told]);
    assert_eq!(standing(60).told(), [""; 0], "AWS has raised the quota there");
    let mut without = standing(50);
    without.live.peerings.remove("pcx-own");
    let told =
        "ORCH063: VPC of `stacks.hub` gets 1 peering and has 50 others live, not of this plan; a VPC has 50 at most";
    assert_eq!(without.told(), [told]);
    // Of a VPC whose peerings could not be listed, or that may be another one, nobody knows how many it has.
    let unread = |forget: fn(&mut Case)| {
        let mut case = standing(50);
        case.live.peerings.remove("pcx-own");
        forget(&mut case);
        case.told()
    };
    assert_eq!(
        unread(|case| {
            case.live.read.peerings.remove(&place("master"));
        }),
        [""; 0]
    );
    assert_eq!(
        unread(|case| {
            case.live.read.vpcs.remove(&place("master"));
        }),
        [""; 0]
    );
    assert_eq!(unread(|case| case.live.read.stacks.clear()), [""; 0]);
    assert_eq!(
        unread(|case| {
            case.live.read.peerings.remove(&place("dev"));
        }),
        [told],
        "the other end's"
    );
    // A peering of a node of this plan is that node's, whichever VPC it is with now.
    let peering = without.ix("peerings.app");
    without.live.peerings.get_mut("pcx-7").unwrap().node = Some(peering);
    assert_eq!(without.told(), [""; 0]);
}

#[test]
fn the_quota_counts_the_routes_that_a_table_holds() {
    let text = format!(
        "{HEAD}[routes.out]\naccount = \"master\"\nroute_tables = [\"rtb-1\"]\ndestination = \"10.1.0.0/16\"\n\
         via = \"tgw-1\"\n"
    );
    let table = |count: usize, more: &str| {
        let ranges: Vec<String> =
            (0..count).map(|number| format!("100.64.{}.{}/32", number / 256, number % 256)).collect();
        let routes: Vec<_> = ranges.iter().map(String::as_str).chain([more]).map(|range| (range, "tgw-1")).collect();
        Case::new(&text).table("rtb-1", "vpc-1", &routes)
    };
    assert_eq!(table(499, "10.1.0.0/16").told(), [""; 0], "the plan's own is among them");
    let told = "ORCH063: rtb-1 gets 1 route and has 500 others live, not of this plan; a route table has 500 at most";
    assert_eq!(table(499, "10.2.0.0/16").told(), [told]);
    assert_eq!(table(600, "10.2.0.0/16").told(), [""; 0], "AWS has raised the quota there");
    let mut unread = table(499, "10.2.0.0/16");
    unread.live.read.tables.remove(&place("master"));
    assert_eq!(unread.told(), [""; 0]);
}

#[test]
fn of_what_could_not_be_listed_no_quota_is_told_but_the_most_that_aws_grants() {
    let peerings = |count: usize, listed: bool| {
        let spokes: Vec<_> = (0..count).map(|number| format!("\"s{number}\"")).collect();
        let text = format!(
            "{HEAD}[peerings.spoke]\nfor_each = [{}]\n\
             requester = {{ account = \"master\", vpc = \"vpc-{{{{ each.key }}}}\" }}\n\
             accepter = {{ account = \"master\", vpc = \"vpc-hub\" }}\n",
            spokes.join(", ")
        );
        let loaded = load(Path::new(PLAN), &Example::read(&text).files, &Given { vars: &[], env: &|_| None });
        let mut case = Case::of(loaded.plan.unwrap(), loaded.sources).vpc("vpc-hub", &["10.0.0.0/16"]);
        for number in 0..count {
            case = case.vpc(&format!("vpc-s{number}"), &["10.1.0.0/16"]);
        }
        if !listed {
            case.live.read.peerings.clear();
        }
        case.told()
    };
    assert_eq!(peerings(51, true), ["ORCH063: vpc-hub gets 51 peerings; a VPC has 50 at most"]);
    assert_eq!(peerings(51, false), [""; 0], "AWS may have raised the quota there");
    assert_eq!(peerings(126, false), ["ORCH063: vpc-hub gets 126 peerings; a VPC has 125 at most"]);
}

#[test]
fn a_route_into_a_standing_peering_is_held_against_the_vpc_behind_it() {
    let route = |destination: &str| {
        let text = format!(
            "{HEAD}[routes.out]\naccount = \"master\"\nroute_tables = [\"rtb-1\"]\ndestination = \"{destination}\"\n\
             via = \"pcx-1\"\n"
        );
        let case = Case::new(&text).vpc("vpc-1", &["10.1.0.0/16"]).vpc("vpc-2", &["10.2.0.0/16", "10.3.0.0/16"]);
        case.table("rtb-1", "vpc-1", &[]).peering("pcx-1", ["vpc-1", "vpc-2"]).told()
    };
    assert_eq!(route("10.3.7.0/24"), [""; 0]);
    let told = "ORCH062: 10.4.0.0/16 is not behind `pcx-1`: the VPC vpc-2, as it is live, has 10.2.0.0/16, 10.3.0.0/16";
    assert_eq!(route("10.4.0.0/16"), [told]);
}

#[test]
fn a_way_back_that_stands_already_is_one() {
    let text = network::one_way::RULE.wrong.replace(['«', '»'], "");
    let loaded = load(Path::new(PLAN), &Example::read(&text).files, &Given { vars: &[], env: &|_| None });
    let plan = loaded.plan.unwrap();
    let mut case = Case::of(plan, loaded.sources);
    assert!(case.told()[0].starts_with("ORCH061"), "the control");
    let app = [("VPCId", "vpc-app"), ("RouteTableId", "rtb-app")];
    let hub = [("VPCId", "vpc-hub"), ("RouteTableId", "rtb-hub")];
    case = case.vpc("vpc-app", &["10.0.16.0/20"]).vpc("vpc-hub", &["10.0.0.0/20"]);
    case = case.stack("stacks.app", &app, &[]).stack("stacks.hub", &hub, &[]).peering("pcx-1", ["vpc-app", "vpc-hub"]);
    assert_eq!(case.told().len(), 1, "nothing leads back yet");
    // What was not read may be the way back.
    let unread = |forget: fn(&mut Read)| {
        let mut live = case.live.clone();
        forget(&mut live.read);
        check_live(&case.plan, &case.sources, &live).problems.len()
    };
    assert_eq!(unread(|read| read.tables.clear()), 0);
    assert_eq!(unread(|read| read.peerings.clear()), 0);
    assert_eq!(unread(|read| read.vpcs.clear()), 0);
    assert_eq!(unread(|read| read.stacks.clear()), 0);
    case = case.table("rtb-other", "vpc-hub", &[("10.0.16.0/20", "pcx-1")]);
    assert_eq!(case.told(), [""; 0]);
}

#[test]
fn a_table_that_is_named_by_its_id_and_by_an_output_is_named_twice() {
    let case = Case::new(&with_hub(
        "[routes.out]\naccount = \"master\"\ndestination = \"10.1.0.0/16\"\nvia = \"tgw-1\"\n\
         route_tables = [\"rtb-hub\", \"{{ stacks.hub.outputs.Table }}\"]\n",
    ));
    let case = case.vpc("vpc-hub", &["10.0.0.0/20"]).table("rtb-hub", "vpc-hub", &[]);
    let case = case.stack("stacks.hub", &HUB, &[("CidrBlock", "10.0.0.0/20")]);
    assert_eq!(case.told(), ["ORCH065: `routes.out` names this route table twice"]);
}

#[test]
fn an_output_of_a_stack_that_is_only_read_makes_parameters_known() {
    let case = Case::new(&format!(
        "{HEAD}[stacks.theirs]\naccount = \"master\"\nmanage = false\n\
         [stacks.app]\naccount = \"master\"\ntemplate = \"app.yaml\"\n\
         parameters = {{ Size = \"{{{{ stacks.theirs.outputs.Size }}}}\" }}\n\
         --- app.yaml\nParameters: {{Size: {{Type: String, AllowedValues: [small, large]}}}}\n\
         Resources: {{Topic: {{Type: 'AWS::SNS::Topic', Properties: {{DisplayName: !Ref Size}}}}}}\n"
    ));
    let case = case.stack("stacks.theirs", &[("Size", "huge")], &[]);
    assert_eq!(case.told(), ["ORCH056: `huge` is not a value for parameter `Size`"]);
    assert_eq!(case.problems()[0].at.text, "its value is live: AWS has it now");
    assert_eq!(case.stack("stacks.theirs", &[("Size", "small")], &[]).told(), [""; 0]);
}

#[test]
fn what_aws_says_that_a_template_needs_is_held_against_the_plan() {
    let taken = |parameters: &[(&str, bool)], capabilities: &[&str]| {
        let verdict = Verdict::Taken {
            parameters: parameters.iter().map(|(name, has_default)| ((*name).to_owned(), *has_default)).collect(),
            capabilities: capabilities.iter().map(ToString::to_string).collect(),
            reason: "[AWS::New::Thing]".to_owned(),
        };
        Case::new(&with_hub("")).judged("stacks.hub", verdict)
    };
    let known = [("CidrBlock", false), ("More", true)];
    assert_eq!(taken(&known, &[]).told(), [""; 0]);
    let case = taken(&known, &["CAPABILITY_IAM"]);
    assert_eq!(case.told(), ["ORCH057: vpc.yaml needs CAPABILITY_IAM"]);
    assert_eq!(case.problems()[0].at.text, "AWS says: [AWS::New::Thing]");
    assert_eq!(
        taken(&[known[0], known[1], ("New", false)], &[]).told(),
        ["ORCH055: AWS says that vpc.yaml needs `New`"]
    );
    assert_eq!(taken(&[known[0], known[1], ("New", true)], &[]).told(), [""; 0]);
    assert_eq!(taken(&known[1..], &[]).told(), ["ORCH054: AWS says that vpc.yaml has no parameter `CidrBlock`"]);
}

#[test]
fn an_excuse_from_what_only_aws_can_tell_is_only_a_hint_before_it_was_asked() {
    let text =
        peered().replace("[peerings.app]\n", "[peerings.app]\nallow = { ORCH060 = \"it is being taken away\" }\n");
    let case = Case::new(&text).vpc("vpc-app", &["10.1.0.0/16"]);
    let local = &check(&case.plan, &case.sources).problems[0];
    assert!(local.help[0].contains("--remote"), "{local:#?}");
    assert_eq!(case.problems()[0].severity, crate::diag::Severity::Warning);
    assert_eq!(case.told(), ["ORCH030: ORCH060 is allowed here, and nothing breaks it"]);
    // It may be for what could not be asked.
    let mut partial = Case::new(&text);
    let unread =
        Unread { of: Subject::Account("dev".into()), message: "denied".to_owned(), permission: "ec2:DescribeVpcs" };
    partial.live.unread.push(unread);
    let excuse = partial.problems().into_iter().find(|problem| problem.code == Code(30)).unwrap();
    assert_eq!(excuse.severity, crate::diag::Severity::Hint);
    assert_eq!(case.vpc("vpc-app", &["10.0.8.0/24"]).told(), [""; 0]);
}

#[test]
fn all_that_an_account_would_not_tell_is_one_problem() {
    let mut case = Case::new(&peered());
    for (message, permission) in [("one: denied", "ec2:DescribeVpcs"), ("two: denied", "ec2:DescribeRouteTables")] {
        let of = Subject::Account("dev".into());
        case.live.unread.push(Unread { of, message: message.to_owned(), permission });
    }
    case.live.read.vpcs.remove(&place("dev"));
    case.live.read.tables.remove(&place("dev"));
    assert_eq!(case.told(), ["ORCH082: one: denied; two: denied"]);
    assert!(case.problems()[0].help[0].contains("ec2:DescribeRouteTables, ec2:DescribeVpcs"));
}

#[test]
fn of_a_stack_that_is_only_read_aws_says_what_it_gives() {
    let text = format!(
        "{HEAD}[stacks.hub]\naccount = \"master\"\nname = \"shared\"\nmanage = false\n[stacks.app]\naccount = \"dev\"\n\
         template = \"vpc.yaml\"\nparameters = {{ CidrBlock = \"10.0.0.0/20\", More = \"{{{{ stacks.hub.outputs.VPCid }}}}\" }}\n{VPC}"
    );
    let absent = Case::new(&text);
    assert_eq!(absent.told(), ["ORCH083: no stack `shared` stands in account master, us-east-1"]);
    let other = Case::new(&text).stack("stacks.hub", &HUB, &[]);
    assert_eq!(
        other.told(),
        ["ORCH052: `stacks.hub` has no output `VPCid`: the stack, as it is live, does not give it"]
    );
    assert_eq!(other.problems()[0].help[0], "did you mean `VPCId`?");
    let mut unread = Case::new(&text);
    unread.live.read.stacks.clear();
    assert_eq!(unread.told(), [""; 0], "nothing is concluded from what was not told");
}

#[test]
fn a_vpc_or_a_table_that_is_named_by_its_id_must_be_there() {
    let text = with_hub(
        "[peerings.app]\nrequester = { account = \"dev\", vpc = \"vpc-app\" }\n\
         accepter = { account = \"master\", vpc = \"{{ stacks.hub.outputs.VPCId }}\" }\n\
         [routes.out]\naccount = \"dev\"\nroute_tables = [\"rtb-app\"]\ndestination = \"10.0.0.0/20\"\nvia = \"{{ peerings.app.id }}\"\n\
         [routes.back]\naccount = \"master\"\nroute_tables = [\"{{ stacks.hub.outputs.Table }}\"]\n\
         destination = \"10.9.0.0/16\"\nvia = \"{{ peerings.app.id }}\"\n",
    );
    let told = [
        "ORCH083: there is no VPC vpc-app in account dev, us-east-1",
        "ORCH083: there is no route table rtb-app in account dev, us-east-1",
    ];
    assert_eq!(Case::new(&text).told(), told);
    let there = Case::new(&text).vpc("vpc-app", &["10.9.0.0/16"]).table("rtb-app", "vpc-app", &[]);
    assert_eq!(there.told(), [""; 0]);
    let mut unread = Case::new(&text);
    unread.live.read.vpcs.clear();
    unread.live.read.tables.clear();
    assert_eq!(unread.told(), [""; 0]);
}

#[test]
fn a_vpc_or_a_table_of_another_account_is_not_there() {
    let text = with_hub(
        "[peerings.app]\nrequester = { account = \"dev\", vpc = \"vpc-app\" }\n\
         accepter = { account = \"master\", vpc = \"vpc-hub\" }\n\
         [routes.out]\naccount = \"dev\"\nroute_tables = [\"rtb-1\"]\ndestination = \"10.0.0.0/20\"\nvia = \"tgw-1\"\n",
    );
    let here = |vpc: &str, table: &str| {
        let case = Case::new(&text).vpc("vpc-app", &["10.9.0.0/16"]).vpc("vpc-hub", &["10.8.0.0/16"]);
        case.table("rtb-1", "vpc-app", &[]).only_in(vpc, "vpc-app").only_in("master", "vpc-hub").only_in(table, "rtb-1")
    };
    assert_eq!(here("dev", "dev").told(), [""; 0]);
    let swapped = here("master", "master");
    let told = [
        "ORCH083: there is no VPC vpc-app in account dev, us-east-1",
        "ORCH083: there is no route table rtb-1 in account dev, us-east-1",
    ];
    assert_eq!(swapped.told(), told);
    for problem in swapped.problems() {
        assert!(problem.help[0].starts_with("it is in account master, us-east-1: see "), "{problem:#?}");
    }
}
