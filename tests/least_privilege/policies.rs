//! What the policies of single plans say.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use orch::diag::Problem;
use orch::grants::{Grant, Holder, MANAGED, Purpose, Wanted, grants, split};
use orch::iam::{Policy, Statement, operation};
use orch::plan::{Files, Given, load};

struct Texts(BTreeMap<&'static str, String>);

impl Files for Texts {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        self.0.get(name).map(|text| text.clone().into_bytes()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

const TEMPLATE: &str = r#"
Resources:
  Vpc: { Type: AWS::EC2::VPC, Properties: { CidrBlock: 10.0.0.0/16 } }
  Table: { Type: AWS::EC2::RouteTable, Properties: { VpcId: !Ref Vpc } }
  Own: { Type: "Acme::Own::Thing" }
Outputs:
  VpcId: { Value: !Ref Vpc }
  TableId: { Value: !Ref Table }
  Elsewhere: { Value: rtb-0123 }
"#;

const PLAN: &str = r#"
name = "net"
region = "REGION"
template_bucket = { name = "acme-templates", kms_key = "1234abcd" }
inventory = { account = "hub", name = "acme-orch" }

[accounts]
hub  = { id = "111111111111", role = "ops/Deploy", external_id = "e-1", session_tags = { team = "net" } }
edge = { id = "222222222222", role = "Edge", through = "hub" }

[stacks.hub]
account = "hub"
name = "hub"
template = "net.yaml"
protect = ["delete", "replace"]
service_role = "arn:PARTITION:iam::111111111111:role/Builder"

[stacks.edge]
account = "edge"
name = "edge"
template = "net.yaml"

[stacks.foreign]
account = "edge"
name = "foreign"
manage = false

[peerings.link]
requester = { account = "edge", vpc = "{{ stacks.edge.outputs.VpcId }}", dns = true }
accepter = { account = "hub", vpc = "vpc-0aa" }

[routes.own]
account = "edge"
route_tables = ["{{ stacks.edge.outputs.TableId }}"]
destination = "10.1.0.0/16"
via = "{{ peerings.link.id }}"

[routes.known]
account = "edge"
route_tables = ["rtb-0fe"]
destination = "10.1.0.0/16"
via = "{{ peerings.link.id }}"

[routes.foreign]
account = "hub"
route_tables = ["{{ stacks.hub.outputs.Elsewhere }}"]
destination = "10.2.0.0/16"
via = "{{ peerings.link.id }}"
"#;

fn of(region: &str, partition: &str, purposes: &[Purpose], strict: bool) -> Vec<Grant> {
    let plan = PLAN.replace("REGION", region).replace("PARTITION", partition);
    let files = Texts([("plan.toml", plan), ("net.yaml", TEMPLATE.to_owned())].into());
    let loaded = load(Path::new("plan.toml"), &files, &Given { vars: &[], env: &|_| None });
    assert!(!loaded.problems.iter().any(Problem::is_error), "{:?}", loaded.problems);
    let wanted = Wanted { purposes: purposes.iter().copied().collect(), strict, for_templates: true };
    grants(&loaded.plan.unwrap(), &loaded.sources, &wanted)
}

fn held<'a>(grants: &'a [Grant], holder: &Holder) -> &'a Grant {
    grants.iter().find(|grant| grant.holder == *holder).unwrap_or_else(|| panic!("{holder:?}"))
}

fn account(name: &str) -> Holder {
    Holder::Account(name.into())
}

/// The one statement of a name, as JSON.
fn statement(policy: &Policy, sid: &str) -> serde_json::Value {
    let found = policy.statements.iter().find(|statement| statement.sid.as_deref() == Some(sid));
    found.map_or_else(|| panic!("no {sid} in {:#}", policy.to_json()), Statement::to_json)
}

#[test]
fn each_account_is_granted_what_the_plan_names_there_and_whoever_assumes_its_role_that() {
    let grants = of("us-east-1", "aws", &Purpose::USUAL, false);
    let (hub, edge) = (held(&grants, &account("hub")), held(&grants, &account("edge")));
    let caller = &held(&grants, &Holder::Caller).policy;
    assert_eq!(
        statement(caller, "AssumeRolesById1"),
        serde_json::json!({
            "Sid": "AssumeRolesById1", "Effect": "Allow", "Action": "sts:AssumeRole",
            "Resource": "arn:aws:iam::111111111111:role/ops/Deploy",
            "Condition": { "StringEquals": { "sts:ExternalId": "e-1" } },
        })
    );
    assert_eq!(statement(caller, "TagSessions")["Resource"], "arn:aws:iam::111111111111:role/ops/Deploy");
    assert_eq!(statement(&hub.policy, "AssumeRoles")["Resource"], "arn:aws:iam::222222222222:role/Edge");
    assert_eq!(hub.role.as_deref(), Some("arn:aws:iam::111111111111:role/ops/Deploy"));

    let change = statement(&edge.policy, "ChangeStacks");
    assert_eq!(change["Resource"], "arn:aws:cloudformation:us-east-1:222222222222:stack/edge/*");
    let protect = statement(&hub.policy, "ProtectStacks");
    assert_eq!(protect["Action"], "cloudformation:UpdateTerminationProtection");
    assert_eq!(statement(&hub.policy, "SetStackPolicies")["Action"], "cloudformation:SetStackPolicy");
    assert!(
        !edge.policy.actions().iter().any(|action| action.contains("Protection") || action.contains("SetStackPolicy"))
    );
    assert_eq!(statement(&hub.policy, "PassServiceRoles")["Resource"], "arn:aws:iam::111111111111:role/Builder");

    let request = statement(&edge.policy, "RequestPeerings");
    assert_eq!(request["Condition"]["ArnLike"]["ec2:AccepterVpc"], "arn:aws:ec2:us-east-1:111111111111:vpc/vpc-0aa");
    assert_eq!(request["Condition"]["StringEquals"]["aws:RequestTag/orch:plan"], "net");
    let accept = statement(&hub.policy, "AcceptPeerings");
    assert_eq!(accept["Condition"]["ArnLike"]["ec2:RequesterVpc"], "arn:aws:ec2:us-east-1:222222222222:vpc/*");
    assert_eq!(statement(&edge.policy, "SetRequestersDns")["Action"], "ec2:ModifyVpcPeeringConnectionOptions");
    assert!(!hub.policy.actions().contains(&"ec2:ModifyVpcPeeringConnectionOptions".to_owned()));

    // A table that the plan names, tables that its own stacks make, and tables of which nothing is known.
    assert_eq!(
        statement(&edge.policy, "ChangeRoutesOfTables")["Resource"],
        "arn:aws:ec2:us-east-1:222222222222:route-table/rtb-0fe"
    );
    assert_eq!(
        statement(&edge.policy, "ChangeRoutes")["Condition"]["StringEquals"]["aws:ResourceTag/orch:plan"],
        "net"
    );
    assert_eq!(
        statement(&hub.policy, "ChangeRoutesOfTables")["Resource"],
        "arn:aws:ec2:us-east-1:111111111111:route-table/*"
    );

    assert_eq!(statement(&hub.policy, "KeepInventory")["Resource"], "arn:aws:s3:::acme-orch/orch/inventory/net.json");
    assert_eq!(statement(&edge.policy, "PutTemplates")["Resource"], "arn:aws:s3:::acme-templates/orch/*");
    assert_eq!(statement(&edge.policy, "UseKeys")["Resource"], "arn:aws:kms:*:222222222222:key/1234abcd");

    // What CloudFormation does in a service role needs nothing of the caller.
    assert_eq!(hub.estimate.as_ref().unwrap().policy.statements, []);
    let estimate = edge.estimate.as_ref().unwrap();
    assert_eq!(estimate.unknown, ["Acme::Own::Thing"]);
    assert!(estimate.policy.actions().contains(&"ec2:CreateVpc".to_owned()));
}

#[test]
fn every_partition_has_its_own_arns() {
    for (region, partition) in [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws")] {
        for grant in of(region, partition, &Purpose::ALL, false) {
            for statement in &grant.policy.statements {
                for on in statement.resources.patterns().iter().filter(|on| *on != "*") {
                    assert!(on.starts_with(&format!("arn:{partition}:")), "{on}");
                }
            }
        }
    }
}

#[test]
fn what_only_reads_is_granted_nothing_that_changes_anything() {
    let reads =
        ["BatchDescribe", "Describe", "Get", "List", "Detect", "Validate", "AssumeRole", "TagSession", "Decrypt"];
    for grant in of("us-east-1", "aws", &[Purpose::ReadOnly, Purpose::Drift], false) {
        for action in grant.policy.actions() {
            let name = action.split_once(':').unwrap().1;
            assert!(reads.iter().any(|read| name.starts_with(read)), "{action}");
        }
    }
}

#[test]
fn every_action_is_one_of_the_table_and_is_granted_under_keys_that_aws_fills_in_for_it() {
    const EVERYWHERE: [&str; 1] = ["aws:RequestedRegion"];
    let rows = || orch::iam::OPERATIONS.iter().flat_map(|row| row.needs);
    for strict in [false, true] {
        for grant in of("us-east-1", "aws", &Purpose::ALL, strict) {
            for statement in &grant.policy.statements {
                for action in statement.actions.patterns() {
                    let needs: Vec<_> = rows().filter(|need| need.action == action).collect();
                    assert!(!needs.is_empty(), "{action}");
                    for condition in &statement.conditions {
                        let fills = |need: &&orch::iam::Need| {
                            need.keys.iter().any(|key| {
                                condition.key == *key || key.ends_with('/') && condition.key.starts_with(key)
                            })
                        };
                        let known = needs.iter().any(fills) || EVERYWHERE.contains(&condition.key.as_str());
                        assert!(known, "{action}: {}", condition.key);
                    }
                }
            }
        }
    }
    assert!(operation("CreateStack").is_some());
}

#[test]
fn a_large_policy_comes_in_parts_that_a_managed_policy_holds() {
    let stack = |n: usize| {
        format!("[stacks.s{n}]\naccount = \"hub\"\nname = \"network-of-department-{n}\"\ntemplate = \"net.yaml\"\n")
    };
    let stacks = (0..400).map(stack).collect::<Vec<_>>().concat();
    let plan =
        format!("name = \"net\"\nregion = \"us-east-1\"\n[accounts]\nhub = {{ id = \"111111111111\" }}\n{stacks}");
    let files = Texts([("plan.toml", plan), ("net.yaml", TEMPLATE.to_owned())].into());
    let loaded = load(Path::new("plan.toml"), &files, &Given { vars: &[], env: &|_| None });
    let wanted = Wanted { purposes: Purpose::USUAL.into(), strict: true, for_templates: false };
    let grants = grants(&loaded.plan.unwrap(), &loaded.sources, &wanted);
    let policy = &grants[0].policy;
    let parts = split(policy, MANAGED);
    assert!(parts.len() > 10, "{}", parts.len());
    let pairs = |policy: &Policy| -> Vec<(String, String)> {
        let of = |one: &Statement| {
            let on = one.resources.patterns().to_vec();
            one.actions
                .patterns()
                .iter()
                .flat_map(move |action| {
                    let action = action.clone();
                    on.clone().into_iter().map(move |on| (action.clone(), on))
                })
                .collect::<Vec<_>>()
        };
        let mut pairs: Vec<_> = policy.statements.iter().flat_map(of).collect();
        pairs.sort();
        pairs
    };
    for part in &parts {
        assert!(part.size() <= MANAGED, "{}", part.size());
    }
    let together = Policy { statements: parts.iter().flat_map(|part| part.statements.clone()).collect() };
    assert_eq!(pairs(&together), pairs(policy));
}
