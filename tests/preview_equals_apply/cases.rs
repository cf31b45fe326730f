//! Pairs of a live world and a plan.

use orch::sim::ec2::Ec2;

use super::files::Edit;

/// What somebody does by hand before the preview.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hand {
    /// Deletes the peering.
    DeletePeering,
    /// Sets a tag of the peering.
    TagPeering(&'static str, &'static str),
    /// Deletes the spoke's route.
    DeleteRoute,
    /// Leads the spoke's route to an internet gateway.
    LeadElsewhere,
    /// Creates a stack in an account: its name and its template; `@VPC` is the VPC of the plan's stack there.
    Stack(&'static str, &'static str, &'static str),
    /// Begins to create a stack in an account, and waits for nothing: its name and its template.
    Begun(&'static str, &'static str, &'static str),
    /// Creates the plan's own stack in an account, which fails and is taken back: its name and its node, as tagged.
    Broken(&'static str, &'static str, &'static str),
    /// Deletes a stack.
    DeleteStack(&'static str, &'static str),
    /// Requests the peering with the plan's tags, and leaves it at that.
    Request,
    /// Changes what an account has in EC2.
    Ec2(&'static str, fn(&mut Ec2)),
    /// Takes the tags of orch from everything, as if somebody else had made it.
    Unmark,
    /// Gives the plan's stacks and peering another plan's tags.
    MarkForOthers,
}

/// One pair.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// What it is about.
    pub(crate) name: &'static str,
    /// The plan that was applied before, as edits of the files; `None` if none was.
    pub(crate) before: Option<&'static [Edit]>,
    /// What was done by hand since.
    pub(crate) by_hand: &'static [Hand],
    /// The plan that is tried.
    pub(crate) after: &'static [Edit],
    /// Whether the nodes are taken over, as by `orch adopt`; and whether from others, too.
    pub(crate) taking: Option<bool>,
    /// Whether a node fails.
    pub(crate) fails: bool,
    /// Whether drift is taken back.
    pub(crate) reverts_drift: bool,
}

pub(crate) const fn case(name: &'static str, after: &'static [Edit]) -> Case {
    Case { name, before: Some(&[]), by_hand: &[], after, taking: None, fails: false, reverts_drift: false }
}

const fn by_hand(name: &'static str, by_hand: &'static [Hand], after: &'static [Edit]) -> Case {
    Case { by_hand, ..case(name, after) }
}

const fn since(name: &'static str, before: &'static [Edit], after: &'static [Edit]) -> Case {
    Case { before: Some(before), ..case(name, after) }
}

/// What was done by hand is to be taken back.
const fn reverting(name: &'static str, by_hand: &'static [Hand], after: &'static [Edit]) -> Case {
    Case { by_hand, reverts_drift: true, ..case(name, after) }
}

fn rename_the_vpcs(ec2: &mut Ec2) {
    for vpc in ec2.vpcs.values_mut() {
        vpc.tags.insert("Name".to_owned(), "mine".to_owned());
        vpc.tags.insert("Owner".to_owned(), "me".to_owned());
    }
}

fn switch_names_on(ec2: &mut Ec2) {
    for vpc in ec2.vpcs.values_mut() {
        vpc.dns_hostnames = true;
    }
}

fn delete_the_subnets(ec2: &mut Ec2) {
    ec2.subnets.clear();
}

fn take_the_tags_away(ec2: &mut Ec2) {
    for table in ec2.route_tables.values_mut() {
        table.tags.remove("Purpose");
    }
}

const NAMES_OFF: Edit = (
    "hub.yaml",
    "Properties: {CidrBlock: !Ref Range, Tags: [{Key: Name, Value: !Ref Label}]}",
    "Properties: {CidrBlock: !Ref Range, EnableDnsHostnames: false, Tags: [{Key: Name, Value: !Ref Label}]}",
);

const NAMES_ON: Edit = (
    "hub.yaml",
    "Properties: {CidrBlock: !Ref Range, Tags: [{Key: Name, Value: !Ref Label}]}",
    "Properties: {CidrBlock: !Ref Range, EnableDnsHostnames: true, Tags: [{Key: Name, Value: !Ref Label}]}",
);

/// Everything is there as the plan has it, and somebody else's.
const fn strange(name: &'static str, after: &'static [Edit]) -> Case {
    by_hand(name, &[Hand::Unmark], after)
}

const ADOPT: Edit = (
    "plan.toml",
    "\n[accounts]\n",
    "\n[defaults]\nstacks = { adopt = true }\npeerings = { adopt = true }\nroutes = { adopt = true }\n\n[accounts]\n",
);

const SECRET: Edit = ("plan.toml", "Label = \"hub\"", "Label = \"hub\", Secret = \"s3cret\"");

pub(crate) const AT_URL: Edit = (
    "plan.toml",
    "template   = \"hub.yaml\"",
    "template   = \"https://net-templates.s3.eu-west-1.amazonaws.com/hub.yaml\"",
);

const NESTED: [Edit; 2] = [
    ("hub.yaml", "Description: a hub\n", "Description: a hub with a part\n"),
    (
        "hub.yaml",
        "Outputs:\n",
        "  Part:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: 'https://net-templates.s3.eu-west-1.amazonaws.com/part.yaml', Parameters: {Range: 10.8.0.0/16}}\nOutputs:\n  Part: {Value: !GetAtt Part.Outputs.VpcId}\n",
    ),
];

const WIDER_NESTED: &str = "  Part:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: 'https://net-templates.s3.eu-west-1.amazonaws.com/part.yaml', Parameters: {Range: 10.9.0.0/16}}\nOutputs:\n  Part: {Value: !GetAtt Part.Outputs.VpcId}\n";

const MORE_NESTED: Edit = (
    "part.yaml",
    "Outputs:\n",
    "  Extra:\n    Type: AWS::EC2::RouteTable\n    Properties: {VpcId: !Ref Vpc}\nOutputs:\n",
);

const NESTED_FILE: [Edit; 2] = [
    ("plan.toml", "\n[accounts]\n", "template_bucket = \"net-templates\"\n\n[accounts]\n"),
    (
        "hub.yaml",
        "Outputs:\n",
        "  Part:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: ./part.yaml\n      Parameters: {Range: 10.8.0.0/16}\nOutputs:\n  Part: {Value: !GetAtt Part.Outputs.VpcId}\n",
    ),
];

const AT_NOTHING: Edit = (
    "plan.toml",
    "template   = \"hub.yaml\"",
    "template   = \"https://net-templates.s3.eu-west-1.amazonaws.com/none.yaml\"",
);

const fn failing(case: Case) -> Case {
    Case { fails: true, ..case }
}

const GATEWAY: &str = "\
Resources:
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: '@VPC', InternetGatewayId: !Ref Gateway}}
Outputs:
  Id: {Value: !Ref Gateway}
";

const OTHERS_HUB: &str = "\
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
Outputs:
  VpcId: {Value: !Ref Vpc}
  Range: {Value: !GetAtt Vpc.CidrBlock}
  TableId: {Value: !Ref Table}
";

const FOREIGN: &str = "Resources: {Topic: {Type: AWS::EC2::InternetGateway}}\n";

/// The hub, the peering and a route by other names, and what they were before.
const RENAMED: [Edit; 8] = [
    (
        "plan.toml",
        "region = \"us-east-1\"\n",
        "region = \"us-east-1\"\nmoved = [\n  { from = \"stacks.hub\", to = \"stacks.core\" },\n  { from = \"peerings.link\", to = \"peerings.joint\" },\n  { from = \"routes.out\", to = \"routes.way\" },\n]\n",
    ),
    ("plan.toml", "[stacks.hub]", "[stacks.core]"),
    ("plan.toml", "stacks.hub.outputs.Range", "stacks.core.outputs.Range"),
    ("plan.toml", "stacks.hub.outputs.VpcId", "stacks.core.outputs.VpcId"),
    ("plan.toml", "stacks.hub.outputs.TableId", "stacks.core.outputs.TableId"),
    ("plan.toml", "[peerings.link]", "[peerings.joint]"),
    ("plan.toml", "peerings.link.id", "peerings.joint.id"),
    ("plan.toml", "[routes.out]", "[routes.way]"),
];

/// The same with another edit.
const fn renamed_and(more: Edit) -> [Edit; 9] {
    let mut edits = [more; 9];
    let mut index = 0;
    while index < RENAMED.len() {
        edits[index] = RENAMED[index];
        index += 1;
    }
    edits
}

const RENAMED_AND_CHANGED: [Edit; 9] = renamed_and(("plan.toml", "Label = \"hub\"", "Label = \"heart\""));

const RENAMED_ELSEWHERE: [Edit; 9] = renamed_and(("plan.toml", "net-hub", "net-core"));

pub(crate) const NO_LINK: [Edit; 3] = [
    (
        "plan.toml",
        "[peerings.link]\nrequester = { account = \"dev\", vpc = \"{{ stacks.spoke.outputs.VpcId }}\" }\naccepter  = { account = \"master\", vpc = \"{{ stacks.hub.outputs.VpcId }}\" }\n",
        "",
    ),
    (
        "plan.toml",
        "[routes.out]\naccount      = \"dev\"\nroute_tables = [\"{{ stacks.spoke.outputs.TableId }}\"]\ndestination  = \"{{ stacks.hub.outputs.Range }}\"\nvia          = \"{{ peerings.link.id }}\"\n",
        "",
    ),
    (
        "plan.toml",
        "[routes.back]\naccount      = \"master\"\nroute_tables = [\"{{ stacks.hub.outputs.TableId }}\"]\ndestination  = \"{{ stacks.spoke.outputs.Range }}\"\nvia          = \"{{ peerings.link.id }}\"\n",
        "",
    ),
];

const READ_ONLY: [Edit; 2] = [
    ("plan.toml", "[stacks.hub]\n", "[stacks.hub]\nmanage     = false\n"),
    (
        "plan.toml",
        "template   = \"hub.yaml\"\nparameters = { Range = \"10.0.0.0/16\", Label = \"hub\" }\ntags       = { Purpose = \"network\" }\n",
        "",
    ),
];

/// The plan without all but its hub.
pub(crate) const HUB_ALONE: [Edit; 4] = [
    NO_LINK[0],
    NO_LINK[1],
    NO_LINK[2],
    (
        "plan.toml",
        "[stacks.spoke]\naccount    = \"dev\"\nname       = \"net-spoke\"\ntemplate   = \"spoke.yaml\"\nparameters = { Range = \"10.1.0.0/16\", Peer = \"{{ stacks.hub.outputs.Range }}\" }\n",
        "",
    ),
];

const HUB_TAGS: &str = "tags       = { Purpose = \"network\" }\n";

const PROTECTED: [Edit; 1] =
    [("plan.toml", HUB_TAGS, "tags       = { Purpose = \"network\" }\nprotect    = [\"delete\", \"replace\"]\n")];

const UNPROTECTED: [Edit; 1] = [("plan.toml", HUB_TAGS, "tags       = { Purpose = \"network\" }\nprotect    = []\n")];

pub(crate) const MOVED: Edit = ("plan.toml", "Range = \"10.0.0.0/16\"", "Range = \"10.2.0.0/16\"");

const GUARDED: [Edit; 1] = [(
    "plan.toml",
    HUB_TAGS,
    "tags       = { Purpose = \"network\" }\nprotect    = [\"delete\"]\ntimeout    = 60\non_failure = \"rollback\"\nrollback_triggers = { alarms = [\"arn:aws:cloudwatch:us-east-1:111111111111:alarm:Errors\"], monitoring = 5 }\nnotification_arns = [\"arn:aws:sns:us-east-1:{{ accounts.master.id }}:stacks\"]\n",
)];

const NO_ALARMS: &str =
    "tags       = { Purpose = \"network\" }\nprotect    = [\"delete\"]\nrollback_triggers = { alarms = [] }\n";

/// Stacks give their outputs early.
pub(crate) const EARLY: Edit =
    ("plan.toml", "\n[accounts]\n", "\n[defaults.stacks]\nearly_outputs = true\n\n[accounts]\n");

/// And the spoke takes them.
pub(crate) const TAKEN: [Edit; 2] =
    [EARLY, ("plan.toml", "template   = \"spoke.yaml\"\n", "template   = \"spoke.yaml\"\nearly_inputs = true\n")];

/// And one of them is the id of the VPC.
pub(crate) const VPC_TAKEN: [Edit; 3] = [
    TAKEN[0],
    TAKEN[1],
    ("plan.toml", "Peer = \"{{ stacks.hub.outputs.Range }}\"", "Peer = \"{{ stacks.hub.outputs.VpcId }}\""),
];

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    vec![
        // Outputs that are given early.
        Case { before: None, ..case("early outputs of a new hub", &[EARLY]) },
        since("early outputs of a hub that stands", &HUB_ALONE, &[EARLY]),
        since(
            "early outputs of a hub that changes",
            &HUB_ALONE,
            &[EARLY, ("plan.toml", "\"network\" }", "\"core\" }")],
        ),
        case("early outputs of a hub that is replaced", &[EARLY, MOVED]),
        Case { before: None, ..case("early inputs of a new spoke", &VPC_TAKEN) },
        since("early inputs of a new spoke beside a hub that stands", &HUB_ALONE, &VPC_TAKEN),
        since("early inputs of a spoke that stands", &VPC_TAKEN, &[VPC_TAKEN[0], VPC_TAKEN[1], VPC_TAKEN[2], MOVED]),
        Case { before: None, ..case("nothing is there", &[]) },
        case("everything is there", &[]),
        since("the spoke is new", &HUB_ALONE, &[]),
        since("peering and routes are new", &NO_LINK, &[]),
        // Stacks.
        case("a tag of a stack", &[("plan.toml", "Purpose = \"network\"", "Purpose = \"core\"")]),
        case(
            "one more tag of a stack",
            &[("plan.toml", "Purpose = \"network\"", "Purpose = \"network\", Team = \"net\"")],
        ),
        case("a tag of a stack is gone", &[("plan.toml", "tags       = { Purpose = \"network\" }\n", "")]),
        case("a parameter that changes a tag", &[("plan.toml", "Label = \"hub\"", "Label = \"core\"")]),
        case("a parameter back to its default", &[("plan.toml", ", Label = \"hub\"", "")]),
        case("a default that the plan had left", &[("hub.yaml", "Default: 'no'", "Default: 'yes'")]),
        case("a condition that turns", &[("plan.toml", "Label = \"hub\"", "Label = \"hub\", Wide = \"yes\"")]),
        since(
            "a condition that turns back",
            &[("plan.toml", "Label = \"hub\"", "Label = \"hub\", Wide = \"yes\"")],
            &[],
        ),
        case("a range that replaces the hub", &[("plan.toml", "10.0.0.0/16", "10.2.0.0/16")]),
        case("a range that replaces the spoke", &[("plan.toml", "10.1.0.0/16", "10.3.0.0/16")]),
        case("a subnet that is replaced alone", &[("hub.yaml", "!Select [0,", "!Select [1,")]),
        case(
            "a resource more",
            &[(
                "hub.yaml",
                "Outputs:\n",
                "  More:\n    Type: AWS::EC2::RouteTable\n    Properties: {VpcId: !Ref Vpc}\nOutputs:\n",
            )],
        ),
        since(
            "a resource less",
            &[(
                "hub.yaml",
                "Outputs:\n",
                "  More:\n    Type: AWS::EC2::RouteTable\n    Properties: {VpcId: !Ref Vpc}\nOutputs:\n",
            )],
            &[],
        ),
        since(
            "a resource less that is retained",
            &[(
                "hub.yaml",
                "Outputs:\n",
                "  More:\n    Type: AWS::EC2::RouteTable\n    DeletionPolicy: Retain\n    Properties: {VpcId: !Ref Vpc}\nOutputs:\n",
            )],
            &[],
        ),
        case(
            "a resource by another name",
            &[("hub.yaml", "  Table:\n", "  Roads:\n"), ("hub.yaml", "!Ref Table", "!Ref Roads")],
        ),
        case("an output more", &[("hub.yaml", "Outputs:\n", "Outputs:\n  Name: {Value: !Ref Label}\n")]),
        case("an output less", &[("hub.yaml", "  SubnetId: {Value: !Ref Subnet}\n", "")]),
        case(
            "an output of another value",
            &[("hub.yaml", "Range: {Value: !Ref Range}", "Range: {Value: !GetAtt Vpc.CidrBlock}")],
        ),
        case("a description", &[("hub.yaml", "Description: a hub", "Description: the hub")]),
        case(
            "a template in another order",
            &[(
                "hub.yaml",
                "  Range: {Type: String}\n  Label: {Type: String, Default: hub}\n",
                "  Label: {Default: hub, Type: String}\n  Range: {Type: String}\n",
            )],
        ),
        since(
            "letters that CloudFormation does not give back",
            &[("hub.yaml", "Description: a hub", "Description: für alle")],
            &[("hub.yaml", "Description: a hub", "Description: für alle")],
        ),
        case("a secret that is new", &[("plan.toml", "Label = \"hub\"", "Label = \"hub\", Secret = \"s3cret\"")]),
        since(
            "a secret that stays",
            &[("plan.toml", "Label = \"hub\"", "Label = \"hub\", Secret = \"s3cret\"")],
            &[("plan.toml", "Label = \"hub\"", "Label = \"hub\", Secret = \"s3cret\"")],
        ),
        since(
            "a secret that shows in a resource",
            &[
                ("plan.toml", "Label = \"hub\"", "Label = \"hub\", Secret = \"one\""),
                ("hub.yaml", "Value: !Ref Label", "Value: !Ref Secret"),
            ],
            &[
                ("plan.toml", "Label = \"hub\"", "Label = \"hub\", Secret = \"two\""),
                ("hub.yaml", "Value: !Ref Label", "Value: !Ref Secret"),
            ],
        ),
        since(
            "language extensions that stay",
            &[
                ("hub.yaml", "Description: a hub", "Transform: AWS::LanguageExtensions"),
                ("plan.toml", "tags       = {", "capabilities = [\"CAPABILITY_AUTO_EXPAND\"]\ntags       = {"),
            ],
            &[
                ("hub.yaml", "Description: a hub", "Transform: AWS::LanguageExtensions"),
                ("plan.toml", "tags       = {", "capabilities = [\"CAPABILITY_AUTO_EXPAND\"]\ntags       = {"),
            ],
        ),
        failing(case(
            "a template that CloudFormation refuses",
            &[(
                "hub.yaml",
                "AWS::EC2::RouteTable\n    Properties: {VpcId: !Ref Vpc}\n  Extra",
                "AWS::EC2::InternetGateway\n  Extra",
            )],
        )),
        // What refers to what changes.
        case(
            "a tag of the spoke leaves its range certain",
            &[(
                "plan.toml",
                "template   = \"spoke.yaml\"\n",
                "template   = \"spoke.yaml\"\ntags       = { Team = \"net\" }\n",
            )],
        ),
        case(
            "a value that goes on to another stack",
            &[
                ("plan.toml", "Label = \"hub\"", "Label = \"core\""),
                ("plan.toml", "outputs.Range }}\" }", "outputs.TableId }}\" }"),
            ],
        ),
        case(
            "a value of a resource that is replaced goes on",
            &[
                (
                    "plan.toml",
                    "Peer = \"{{ stacks.hub.outputs.Range }}\"",
                    "Peer = \"{{ stacks.hub.outputs.SubnetId }}\"",
                ),
                ("hub.yaml", "!Select [0,", "!Select [1,"),
            ],
        ),
        since(
            "a value of a resource that stays goes on",
            &[(
                "plan.toml",
                "Peer = \"{{ stacks.hub.outputs.Range }}\"",
                "Peer = \"{{ stacks.hub.outputs.TableId }}\"",
            )],
            &[
                (
                    "plan.toml",
                    "Peer = \"{{ stacks.hub.outputs.Range }}\"",
                    "Peer = \"{{ stacks.hub.outputs.TableId }}\"",
                ),
                ("plan.toml", "Label = \"hub\"", "Label = \"core\""),
            ],
        ),
        // Guards.
        Case { before: None, ..case("a stack that is made with all its guards", &GUARDED) },
        case("protection that is new", &PROTECTED),
        since("protection that goes", &PROTECTED, &UNPROTECTED),
        since("protection that the plan says nothing of any more", &PROTECTED, &[]),
        failing(since("a replacement that the plan protects from", &PROTECTED, &[PROTECTED[0], MOVED])),
        failing(since("a replacement that the policy of before denies", &PROTECTED, &[MOVED])),
        since("a replacement that the plan allows again", &PROTECTED, &[UNPROTECTED[0], MOVED]),
        since(
            "a change in place of what is protected",
            &PROTECTED,
            &[PROTECTED[0], ("plan.toml", "Label = \"hub\"", "Label = \"core\"")],
        ),
        case("alarms and topics that are new", &GUARDED),
        since("alarms that go", &GUARDED, &[("plan.toml", HUB_TAGS, NO_ALARMS)]),
        // The ways out.
        Case {
            before: None,
            by_hand: &[Hand::Broken("master", "net-hub", "stacks/hub")],
            ..case("a stack whose creation was taken back", &[])
        },
        Case {
            before: Some(&HUB_ALONE),
            by_hand: &[Hand::Broken("dev", "net-spoke", "stacks/spoke")],
            ..case("a spoke whose creation was taken back", &[])
        },
        // Peerings.
        by_hand("a peering that was deleted", &[Hand::DeletePeering], &[]),
        by_hand("a tag of a peering that was changed", &[Hand::TagPeering("orch:team", "x")], &[]),
        case(
            "a tag of a peering that is new",
            &[("plan.toml", "\n[routes.out]", "tags      = { Team = \"net\" }\n\n[routes.out]")],
        ),
        case(
            "names over the peering",
            &[(
                "plan.toml",
                "vpc = \"{{ stacks.spoke.outputs.VpcId }}\" }",
                "vpc = \"{{ stacks.spoke.outputs.VpcId }}\", dns = true }",
            )],
        ),
        case(
            "a peering the other way round",
            &[(
                "plan.toml",
                "requester = { account = \"dev\", vpc = \"{{ stacks.spoke.outputs.VpcId }}\" }\naccepter  = { account = \"master\", vpc = \"{{ stacks.hub.outputs.VpcId }}\" }",
                "requester = { account = \"master\", vpc = \"{{ stacks.hub.outputs.VpcId }}\" }\naccepter  = { account = \"dev\", vpc = \"{{ stacks.spoke.outputs.VpcId }}\" }",
            )],
        ),
        Case { before: Some(&NO_LINK), by_hand: &[Hand::Request], ..case("a peering that waits to be accepted", &[]) },
        // Routes.
        by_hand("a route that was deleted", &[Hand::DeleteRoute], &[]),
        case(
            "a route in one more table",
            &[
                (
                    "plan.toml",
                    "route_tables = [\"{{ stacks.hub.outputs.TableId }}\"]",
                    "route_tables = [\"{{ stacks.hub.outputs.TableId }}\", \"{{ stacks.hub.outputs.ExtraId }}\"]",
                ),
                (
                    "hub.yaml",
                    "Outputs:\n",
                    "  Second:\n    Type: AWS::EC2::RouteTable\n    Properties: {VpcId: !Ref Vpc}\nOutputs:\n  ExtraId: {Value: !Ref Second}\n",
                ),
            ],
        ),
        failing(by_hand(
            "a route that leads elsewhere",
            &[Hand::Stack("dev", "gateway", GATEWAY), Hand::LeadElsewhere],
            &[],
        )),
        by_hand(
            "a route that leads elsewhere and may be led here",
            &[Hand::Stack("dev", "gateway", GATEWAY), Hand::LeadElsewhere],
            &[(
                "plan.toml",
                "destination  = \"{{ stacks.hub.outputs.Range }}\"",
                "replace      = true\ndestination  = \"{{ stacks.hub.outputs.Range }}\"",
            )],
        ),
        // What is somebody else's.
        failing(Case {
            before: None,
            by_hand: &[Hand::Stack("master", "net-hub", FOREIGN)],
            ..case("a stack of somebody else", &[])
        }),
        failing(Case {
            before: Some(&HUB_ALONE),
            by_hand: &[Hand::Stack("dev", "net-spoke", FOREIGN)],
            ..case("a spoke of somebody else", &[])
        }),
        Case {
            before: Some(&HUB_ALONE),
            by_hand: &[Hand::DeleteStack("master", "net-hub")],
            ..case("a stack that was deleted by hand", &HUB_ALONE)
        },
        // What is adopted.
        strange("everything is adopted as it stands", &[ADOPT]),
        strange("what is adopted differs", &[ADOPT, ("plan.toml", "Purpose = \"network\"", "Purpose = \"core\"")]),
        strange("what is adopted is replaced", &[ADOPT, ("plan.toml", "10.1.0.0/16", "10.3.0.0/16")]),
        strange(
            "an adopted peering that differs",
            &[ADOPT, ("plan.toml", "\n[routes.out]", "tags      = { Team = \"net\" }\n\n[routes.out]")],
        ),
        strange(
            "an adopted peering whose names are not resolved",
            &[
                ADOPT,
                (
                    "plan.toml",
                    "vpc = \"{{ stacks.spoke.outputs.VpcId }}\" }",
                    "vpc = \"{{ stacks.spoke.outputs.VpcId }}\", dns = true }",
                ),
            ],
        ),
        Case { before: Some(&[SECRET]), ..strange("an adopted secret that stays", &[ADOPT, SECRET]) },
        Case {
            before: Some(&[
                ("plan.toml", "Label = \"hub\"", "Label = \"hub\", Secret = \"one\""),
                ("hub.yaml", "Value: !Ref Label", "Value: !Ref Secret"),
            ]),
            ..strange(
                "an adopted secret that differs",
                &[
                    ADOPT,
                    ("plan.toml", "Label = \"hub\"", "Label = \"hub\", Secret = \"two\""),
                    ("hub.yaml", "Value: !Ref Label", "Value: !Ref Secret"),
                ],
            )
        },
        failing(strange("what is not adopted", &[])),
        failing(by_hand("what another plan has is not adopted", &[Hand::MarkForOthers], &[ADOPT])),
        Case { taking: Some(false), ..strange("everything is taken over", &[]) },
        Case {
            taking: Some(true),
            ..by_hand("everything is taken over from another plan", &[Hand::MarkForOthers], &[])
        },
        failing(Case {
            taking: Some(false),
            ..by_hand("what another plan has is not taken over", &[Hand::MarkForOthers], &[])
        }),
        failing(Case {
            taking: Some(false),
            before: Some(&NO_LINK),
            ..case("what is not there is not taken over", &[])
        }),
        // What is at a URL.
        Case { before: None, ..case("a new stack of a template at a URL", &[AT_URL]) },
        case("a template that moves to a URL", &[AT_URL]),
        since("a template at a URL", &[AT_URL], &[AT_URL]),
        since(
            "another text at the URL",
            &[AT_URL],
            &[AT_URL, ("hub.yaml", "SubnetId: {Value: !Ref Subnet}", "Subnets: {Value: !Ref Subnet}")],
        ),
        failing(since("nothing at the URL", &[AT_URL], &[AT_NOTHING])),
        // What is nested.
        case("a nested stack more", &NESTED),
        since("a nested stack", &NESTED, &NESTED),
        since("a nested stack less", &NESTED, &[]),
        since("a change in a nested stack", &NESTED, &[NESTED[0], NESTED[1], MORE_NESTED]),
        since("a replacement in a nested stack", &NESTED, &[NESTED[0], ("hub.yaml", "Outputs:\n", WIDER_NESTED)]),
        failing(since(
            "a replacement in a nested stack that is protected",
            &[NESTED[0], NESTED[1], PROTECTED[0]],
            &[NESTED[0], ("hub.yaml", "Outputs:\n", WIDER_NESTED), PROTECTED[0]],
        )),
        // What is nested by its path.
        case("a nested file more", &NESTED_FILE),
        since("a nested file", &NESTED_FILE, &NESTED_FILE),
        since("a nested file that says another thing", &NESTED_FILE, &[NESTED_FILE[0], NESTED_FILE[1], MORE_NESTED]),
        Case { before: None, ..case("a new stack with a nested file", &NESTED_FILE) },
        case("a stack that is only read", &READ_ONLY),
        Case {
            before: None,
            by_hand: &[Hand::Begun("master", "net-hub", OTHERS_HUB)],
            ..case("a stack that is only read and under way", &READ_ONLY)
        },
        failing(Case { before: None, ..case("a stack that is only read and not there", &READ_ONLY) }),
        // Other names.
        case("a stack and a peering and a route that were called otherwise", &RENAMED),
        case("a stack that was called otherwise changes", &RENAMED_AND_CHANGED),
        since("what was called otherwise before it was made", &RENAMED, &RENAMED),
        by_hand("what was called otherwise and is gone", &[Hand::DeletePeering], &RENAMED),
        Case { taking: Some(false), ..case("what was called otherwise is taken over", &RENAMED) },
        failing(case("a stack that was called otherwise is to be another one", &RENAMED_ELSEWHERE)),
        // What was done by hand, and is to be taken back.
        reverting("nothing has drifted", &[], &[]),
        by_hand("drift that nobody asks about", &[Hand::Ec2("master", rename_the_vpcs)], &[]),
        reverting("tags that were changed by hand", &[Hand::Ec2("master", rename_the_vpcs)], &[]),
        reverting("tags of a stack that were taken away by hand", &[Hand::Ec2("master", take_the_tags_away)], &[]),
        reverting("a subnet that was deleted by hand", &[Hand::Ec2("master", delete_the_subnets)], &[]),
        reverting(
            "drift in one stack and a change in the other",
            &[Hand::Ec2("master", delete_the_subnets)],
            &[("plan.toml", "Range = \"10.1.0.0/16\"", "Range = \"10.2.0.0/16\"")],
        ),
        reverting(
            "drift and a change in one stack",
            &[Hand::Ec2("master", rename_the_vpcs), Hand::Ec2("master", delete_the_subnets)],
            &[("plan.toml", "Label = \"hub\"", "Label = \"core\"")],
        ),
        Case {
            before: Some(&[NAMES_OFF]),
            ..reverting(
                "a template that follows what was done by hand",
                &[Hand::Ec2("master", switch_names_on)],
                &[NAMES_ON],
            )
        },
        Case {
            before: Some(&[NAMES_OFF]),
            ..reverting(
                "a template that follows one of two things that were done by hand",
                &[Hand::Ec2("master", switch_names_on), Hand::Ec2("master", rename_the_vpcs)],
                &[NAMES_ON],
            )
        },
        Case {
            before: Some(&[NAMES_OFF]),
            ..reverting("a property that was changed by hand", &[Hand::Ec2("master", switch_names_on)], &[NAMES_OFF])
        },
        reverting(
            "a peering that was deleted while stacks have drifted",
            &[Hand::DeletePeering, Hand::Ec2("master", rename_the_vpcs)],
            &[],
        ),
        Case { before: None, ..reverting("nothing is there to drift", &[], &[]) },
        Case {
            before: Some(&PROTECTED),
            ..reverting(
                "drift of what is protected",
                &[Hand::Ec2("master", rename_the_vpcs), Hand::Ec2("master", delete_the_subnets)],
                &PROTECTED,
            )
        },
        failing(Case {
            before: Some(&PROTECTED),
            ..reverting(
                "a replacement that the plan protects from and drift beside it",
                &[Hand::Ec2("master", delete_the_subnets)],
                &[PROTECTED[0], MOVED],
            )
        }),
        reverting(
            "drift behind a value that is not known yet",
            &[Hand::Ec2("dev", rename_the_vpcs)],
            &[
                MOVED,
                (
                    "plan.toml",
                    "Peer = \"{{ stacks.hub.outputs.Range }}\"",
                    "Peer = \"{{ stacks.hub.outputs.SubnetId }}\"",
                ),
            ],
        ),
    ]
}
