//! Every operation that orch calls, and what allows it. A new call to AWS is a new row here; `tests/least_privilege` reads
//! the sources and holds that.
//!
//! The facts are those of the Service Authorization Reference:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html>.

/// What a permission is granted on, by the form of its ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum On {
    /// Nothing in particular: AWS takes `*` alone.
    Everything,
    /// `arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/ID`.
    Stack,
    /// `arn:aws:cloudformation:REGION:ACCOUNT:changeSet/NAME/ID`.
    ChangeSet,
    /// `arn:aws:cloudformation:REGION:aws:transform/NAME`.
    Transform,
    /// `arn:aws:ec2:REGION:ACCOUNT:vpc/ID`.
    Vpc,
    /// `arn:aws:ec2:REGION:ACCOUNT:vpc-peering-connection/ID`.
    Peering,
    /// `arn:aws:ec2:REGION:ACCOUNT:route-table/ID`.
    RouteTable,
    /// `arn:aws:iam::ACCOUNT:role/NAME`.
    Role,
    /// `arn:aws:s3:::BUCKET`.
    Bucket,
    /// `arn:aws:s3:::BUCKET/KEY`.
    Object,
    /// `arn:aws:kms:REGION:ACCOUNT:key/ID`.
    Key,
    /// `arn:aws:ssm:REGION:ACCOUNT:parameter/NAME`.
    Parameter,
    /// `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-CHANCE`.
    Secret,
}

/// One action that an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The action: `ec2:CreateRoute`.
    pub action: &'static str,
    /// What it is granted on.
    pub on: On,
    /// The condition keys that AWS gives a value for, beside those of every call. One that ends in `/` has the key of a tag
    /// behind it.
    pub keys: &'static [&'static str],
    /// When it is needed; always otherwise.
    pub when: Option<&'static str>,
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its name in AWS's API.
    pub name: &'static str,
    /// What allows it; nothing where AWS needs no permission.
    pub needs: &'static [Need],
    /// What orch calls it for.
    pub why: &'static str,
}

const fn need(action: &'static str, on: On) -> Need {
    Need { action, on, keys: &[], when: None }
}

impl Need {
    const fn keys(self, keys: &'static [&'static str]) -> Self {
        Self { keys, ..self }
    }

    const fn when(self, when: &'static str) -> Self {
        Self { when: Some(when), ..self }
    }
}

const fn row(name: &'static str, needs: &'static [Need], why: &'static str) -> Operation {
    Operation { name, needs, why }
}

const CHANGE_SET: &[&str] = &["cloudformation:ChangeSetName"];
const NEW_STACK: &[&str] = &["cloudformation:RoleArn", "cloudformation:TemplateUrl", "aws:RequestTag/", "aws:TagKeys"];
const ROLE: &[&str] = &["cloudformation:RoleArn"];
// The reference has this one for the type of resource rather than for each action.
const TAGS: &[&str] = &["aws:ResourceTag/"];
const REGION: &[&str] = &["ec2:Region"];
const VPC: &[&str] = &["aws:ResourceTag/", "ec2:ResourceTag/", "ec2:VpcID", "ec2:Region"];
const PEERING: &[&str] = &["aws:ResourceTag/", "ec2:ResourceTag/", "ec2:AccepterVpc", "ec2:RequesterVpc", "ec2:Region"];
const NEW_PEERING: &[&str] = &["aws:RequestTag/", "aws:TagKeys", "ec2:AccepterVpc", "ec2:RequesterVpc", "ec2:Region"];
const TABLE: &[&str] = &["aws:ResourceTag/", "ec2:ResourceTag/", "ec2:RouteTableID", "ec2:Vpc", "ec2:Region"];

const TAG_STACK: Need = need("cloudformation:TagResource", On::Stack)
    .keys(&["aws:RequestTag/", "aws:TagKeys", "cloudformation:CreateAction"])
    .when("the stack has tags, and orch gives it some");
const PASS_ROLE: Need =
    need("iam:PassRole", On::Role).keys(&["iam:PassedToService"]).when("the stack has a `service_role`");
const TEMPLATE: Need = need("s3:GetObject", On::Object).when("the template is in S3");
const TEMPLATE_VERSION: Need =
    need("s3:GetObjectVersion", On::Object).when("the template is in S3 and its URL names a version");

const OWN_KEY: Need = need("kms:Decrypt", On::Key).when("it is encrypted with a key of your own");

/// All of them, by service and name.
pub const OPERATIONS: &[Operation] = &[
    row(
        "CancelUpdateStack",
        &[need("cloudformation:CancelUpdateStack", On::Stack)],
        "breaks an update off (`orch cancel`)",
    ),
    row(
        "ContinueUpdateRollback",
        &[need("cloudformation:ContinueUpdateRollback", On::Stack).keys(ROLE)],
        "leads a stack out of a rollback that has failed",
    ),
    row(
        "CreateChangeSet",
        &[
            need("cloudformation:CreateChangeSet", On::Stack).keys(&[
                "cloudformation:ChangeSetName",
                "cloudformation:RoleArn",
                "cloudformation:TemplateUrl",
                "aws:RequestTag/",
                "aws:TagKeys",
            ]),
            need("cloudformation:CreateChangeSet", On::Transform).when("the template has a transform"),
            TAG_STACK,
            PASS_ROLE,
            TEMPLATE,
            TEMPLATE_VERSION,
        ],
        "has CloudFormation say what an update would do, before it is done",
    ),
    row(
        "CreateStack",
        &[
            need("cloudformation:CreateStack", On::Stack).keys(NEW_STACK),
            TAG_STACK,
            PASS_ROLE,
            TEMPLATE,
            TEMPLATE_VERSION,
        ],
        "makes a stack",
    ),
    row(
        "DeleteChangeSet",
        &[need("cloudformation:DeleteChangeSet", On::Stack).keys(CHANGE_SET)],
        "clears away a change set that is not carried out",
    ),
    row(
        "DeleteStack",
        &[
            need("cloudformation:DeleteStack", On::Stack).keys(&["cloudformation:RoleArn", "aws:ResourceTag/"]),
            PASS_ROLE,
        ],
        "deletes a stack, and one that never was complete before it is made anew",
    ),
    row(
        "DescribeChangeSet",
        &[need("cloudformation:DescribeChangeSet", On::Stack).keys(CHANGE_SET)],
        "reads what a change set would do",
    ),
    row(
        "DescribeEvents",
        &[
            need("cloudformation:DescribeEvents", On::Stack),
            need("cloudformation:DescribeEvents", On::ChangeSet).when("a change set is named"),
        ],
        "reads one operation's events, and what a change set fails of",
    ),
    row(
        "DescribeStackDriftDetectionStatus",
        &[need("cloudformation:DescribeStackDriftDetectionStatus", On::Everything)],
        "waits for a look for drift",
    ),
    row(
        "DescribeStackEvents",
        &[need("cloudformation:DescribeStackEvents", On::Stack).keys(TAGS)],
        "follows a stack, and tells why one has failed",
    ),
    row(
        "DescribeStackResourceDrifts",
        &[need("cloudformation:DescribeStackResourceDrifts", On::Stack)],
        "reads what has drifted",
    ),
    row("DescribeStacks", &[need("cloudformation:DescribeStacks", On::Stack)], "reads stacks, one by its name or all"),
    row(
        "DetectStackDrift",
        // AWS checks the permission for each resource as well.
        &[
            need("cloudformation:DetectStackDrift", On::Stack),
            need("cloudformation:DetectStackResourceDrift", On::Stack),
            need("cloudformation:BatchDescribeTypeConfigurations", On::Everything)
                .when("a look for drift reads how resource types are configured"),
        ],
        "has CloudFormation compare a stack's resources with what it last deployed",
    ),
    row(
        "ExecuteChangeSet",
        &[need("cloudformation:ExecuteChangeSet", On::Stack).keys(CHANGE_SET)],
        "carries an update out",
    ),
    row(
        "GetStackPolicy",
        &[need("cloudformation:GetStackPolicy", On::Stack)],
        "holds an update against a stack's policy",
    ),
    row("GetTemplate", &[need("cloudformation:GetTemplate", On::Stack)], "compares a stack's template with the plan's"),
    row(
        "ListChangeSets",
        &[need("cloudformation:ListChangeSets", On::Stack)],
        "finds the change sets that an interrupted run has left",
    ),
    row("ListExports", &[need("cloudformation:ListExports", On::Everything)], "knows what other stacks export"),
    row(
        "ListImports",
        &[need("cloudformation:ListImports", On::Everything)],
        "finds the order in which stacks with exports can be deleted",
    ),
    row(
        "ListStackResources",
        &[need("cloudformation:ListStackResources", On::Stack).keys(TAGS)],
        "names what a rollback or a deletion is stuck at, and what a stack has left behind",
    ),
    row(
        "ListStacks",
        &[need("cloudformation:ListStacks", On::Everything)],
        "sees at once which stacks have something under way",
    ),
    row(
        "RollbackStack",
        &[need("cloudformation:RollbackStack", On::Stack).keys(ROLE)],
        "leads a stack out of an update that has failed",
    ),
    row("SetStackPolicy", &[need("cloudformation:SetStackPolicy", On::Stack)], "protects resources from replacement"),
    row(
        "UpdateTerminationProtection",
        &[need("cloudformation:UpdateTerminationProtection", On::Stack)],
        "protects a stack from deletion",
    ),
    row(
        "ValidateTemplate",
        &[
            need("cloudformation:ValidateTemplate", On::Everything).keys(&["cloudformation:TemplateUrl"]),
            TEMPLATE,
            TEMPLATE_VERSION,
        ],
        "has CloudFormation look a template over before anything is done with it",
    ),
    row(
        "AcceptVpcPeeringConnection",
        // The VPC is the accepter's.
        &[
            need("ec2:AcceptVpcPeeringConnection", On::Peering).keys(PEERING),
            need("ec2:AcceptVpcPeeringConnection", On::Vpc).keys(VPC),
        ],
        "accepts a peering, as the account of its other side",
    ),
    row("CreateRoute", &[need("ec2:CreateRoute", On::RouteTable).keys(TABLE)], "makes a route"),
    row(
        "CreateTags",
        &[need("ec2:CreateTags", On::Peering).keys(&[
            "aws:RequestTag/",
            "aws:ResourceTag/",
            "aws:TagKeys",
            "ec2:AccepterVpc",
            "ec2:CreateAction",
            "ec2:Region",
            "ec2:RequesterVpc",
            "ec2:ResourceTag/",
        ])],
        "sets the tags of a peering",
    ),
    row(
        "CreateVpcPeeringConnection",
        // The VPC is the requester's.
        &[
            need("ec2:CreateVpcPeeringConnection", On::Peering).keys(NEW_PEERING),
            need("ec2:CreateVpcPeeringConnection", On::Vpc).keys(VPC),
            need("ec2:CreateTags", On::Peering)
                .keys(&["aws:RequestTag/", "aws:TagKeys", "ec2:CreateAction", "ec2:Region"])
                .when("the peering has tags, and orch gives it some"),
        ],
        "asks for a peering",
    ),
    row("DeleteRoute", &[need("ec2:DeleteRoute", On::RouteTable).keys(TABLE)], "deletes a route"),
    row(
        "DeleteVpcPeeringConnection",
        &[need("ec2:DeleteVpcPeeringConnection", On::Peering).keys(PEERING)],
        "deletes a peering",
    ),
    row("DescribeRouteTables", &[need("ec2:DescribeRouteTables", On::Everything).keys(REGION)], "reads routes"),
    row("DescribeSubnets", &[need("ec2:DescribeSubnets", On::Everything).keys(REGION)], "reads a subnet's range"),
    row(
        "DescribeVpcPeeringConnections",
        &[need("ec2:DescribeVpcPeeringConnections", On::Everything).keys(REGION)],
        "reads peerings",
    ),
    row("DescribeVpcs", &[need("ec2:DescribeVpcs", On::Everything).keys(REGION)], "reads VPCs and their ranges"),
    row(
        "ModifyVpcPeeringConnectionOptions",
        &[need("ec2:ModifyVpcPeeringConnectionOptions", On::Peering).keys(PEERING)],
        "sets how names are resolved across a peering (`dns`)",
    ),
    row("ReplaceRoute", &[need("ec2:ReplaceRoute", On::RouteTable).keys(TABLE)], "leads a route elsewhere"),
    row(
        "GetObject",
        &[
            need("s3:GetObject", On::Object),
            need("s3:GetObjectVersion", On::Object).when("a version is named"),
            // Without it, S3 says 403 of what is not there.
            need("s3:ListBucket", On::Bucket).when("the object may not be there yet, as the inventory the first time"),
            need("kms:Decrypt", On::Key).when("the object is encrypted with a key of KMS"),
        ],
        "reads a template, the inventory, or the lock",
    ),
    // S3 tells a bucket's region with a refusal, too.
    row("HeadBucket", &[need("s3:ListBucket", On::Bucket)], "learns a bucket's region"),
    row(
        "PutObject",
        &[
            need("s3:PutObject", On::Object).keys(&["s3:x-amz-server-side-encryption-aws-kms-key-id"]),
            need("kms:GenerateDataKey", On::Key).when("the object is encrypted with a key of KMS"),
            need("kms:Decrypt", On::Key).when("the object is encrypted with a key of KMS"),
        ],
        "puts a large template, the inventory, or the lock",
    ),
    row(
        "AssumeRole",
        &[
            need("sts:AssumeRole", On::Role).keys(&["sts:ExternalId", "sts:RoleSessionName"]),
            need("sts:TagSession", On::Role)
                .keys(&["aws:RequestTag/", "aws:TagKeys"])
                .when("the account has `session_tags`"),
        ],
        "opens a session in an account",
    ),
    row(
        "GetParameter",
        &[need("ssm:GetParameter", On::Parameter), OWN_KEY],
        "reads a parameter of Systems Manager, for one of a stack (`ssm`)",
    ),
    row(
        "GetSecretValue",
        &[need("secretsmanager:GetSecretValue", On::Secret), OWN_KEY],
        "reads a secret of Secrets Manager, for a parameter of a stack (`secret`)",
    ),
    row("GetCallerIdentity", &[], "knows whose credentials they are"),
    row("GetSessionToken", &[], "opens a session with a code of an MFA device"),
];

/// The row of an operation, by its name.
pub fn operation(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

impl Operation {
    /// The actions that it always needs, each once.
    pub fn actions(&self) -> impl Iterator<Item = &'static str> {
        let always = self.needs.iter().filter(|need| need.when.is_none()).map(|need| need.action);
        always
            .enumerate()
            .filter(|(at, action)| !self.needs[..*at].iter().any(|before| before.action == *action))
            .map(|(_, action)| action)
    }

    /// Whether an action is among what it may need.
    pub fn may_need(&self, action: &str) -> bool {
        self.needs.iter().any(|need| need.action.eq_ignore_ascii_case(action))
    }
}

/// The action that a refusal names: `… is not authorized to perform: ec2:CreateTags on resource: …`.
pub fn action_in(message: &str) -> Option<&str> {
    let rest = message.split_once("to perform: ")?.1;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == ':' || c == '-')).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|action| action.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once_and_every_action_has_its_service() {
        for (at, row) in OPERATIONS.iter().enumerate() {
            assert!(!OPERATIONS[..at].iter().any(|before| before.name == row.name), "{} stands twice", row.name);
            for need in row.needs {
                let (service, action) = need.action.split_once(':').unwrap();
                assert!(
                    ["cloudformation", "ec2", "iam", "kms", "s3", "secretsmanager", "ssm", "sts"].contains(&service),
                    "{}",
                    need.action
                );
                assert!(action.starts_with(|c: char| c.is_ascii_uppercase()), "{}", need.action);
            }
        }
    }

    #[test]
    fn what_allows_an_operation_is_not_always_called_like_it() {
        let actions = |name: &str| operation(name).unwrap().actions().collect::<Vec<_>>();
        assert_eq!(actions("HeadBucket"), ["s3:ListBucket"]);
        assert_eq!(actions("DescribeSubnets"), ["ec2:DescribeSubnets"]);
        assert_eq!(actions("CreateVpcPeeringConnection"), ["ec2:CreateVpcPeeringConnection"]);
        let drift = ["cloudformation:DetectStackDrift", "cloudformation:DetectStackResourceDrift"];
        assert_eq!(actions("DetectStackDrift"), drift);
        assert!(actions("GetCallerIdentity").is_empty());
    }

    #[test]
    fn the_action_that_a_refusal_names_is_found() {
        let message = "User: arn:aws:sts::1:assumed-role/R/s is not authorized to perform: cloudformation:TagResource on \
                       resource: arn:aws:cloudformation:us-east-1:1:stack/a/*";
        assert_eq!(action_in(message), Some("cloudformation:TagResource"));
        assert_eq!(action_in("User: x is not authorized to perform: sts:AssumeRole"), Some("sts:AssumeRole"));
        assert_eq!(action_in("Access Denied"), None);
        assert_eq!(action_in("to perform: this operation"), None);
    }
}
