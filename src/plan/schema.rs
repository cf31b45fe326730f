//! The plan's form for editors: a JSON Schema with a description and an example for every key.
//!
//! These types are never filled: plans are read key by key, so that every problem has its place. They say what there is
//! to read, and the tests hold them to the keys that the readers know.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value as Json, json};

use super::supply_schema::Parameter;

/// A plan of orch: CloudFormation stacks, VPC peerings and routes over accounts and regions.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, title = "orch plan")]
#[expect(dead_code, reason = "only its schema is used, here and below")]
struct PlanFile {
    /// The plan that this one builds upon. Tables merge, everything else is replaced; relative to this file.
    #[schemars(example = &"hub-and-spoke.toml")]
    extends: Option<String>,
    /// Whether the plan is only there to be extended.
    #[schemars(rename = "abstract", example = true)]
    abstract_: Option<bool>,
    /// The plan's name, unique in the organisation: what orch makes is tagged `orch:plan=<name>`.
    #[schemars(example = &"core-network-us-east-1")]
    name: Option<String>,
    /// The region of everything that names none.
    #[schemars(example = &"us-east-1")]
    region: Option<String>,
    /// Where templates go that no request to CloudFormation holds (51,200 bytes), and those that others nest by their paths: a
    /// bucket's name, or a table.
    #[schemars(example = &"acme-templates-{{ self.region }}")]
    template_bucket: Option<TextOrBucket>,
    /// The bucket that the inventory is kept in, for all who run the plan; without it that is a file.
    #[schemars(example = json!({ "account": "master", "name": "acme-orch" }))]
    inventory: Option<SharedBucketTable>,
    /// The bucket of the plan's lock: an apply or a destruction begins only if no other one of this plan goes on.
    #[schemars(example = json!({ "account": "master", "name": "acme-orch" }))]
    lock: Option<SharedBucketTable>,
    /// Variables: plain values, used as `{{ vars.NAME }}`. `--var NAME=VALUE` gives others.
    #[schemars(example = json!({ "hub_cidr": "10.0.0.0/20", "owner": { "env": "TEAM", "default": "network" } }))]
    vars: Option<BTreeMap<String, Variable>>,
    /// The accounts by the names that the plan has for them.
    #[schemars(example = json!({ "dev": { "id": "222222222222", "role": "MasterAcctRole" } }))]
    accounts: Option<BTreeMap<String, AccountTable>>,
    /// Keys for every account, stack, peering or route.
    #[schemars(example = json!({ "stacks": { "tags": { "Purpose": "Infrastructure" } } }))]
    defaults: Option<Defaults>,
    /// What nodes, groups or instances were called before: what stands at AWS stays theirs, and nothing of it is touched.
    #[schemars(example = json!([{ "from": "stacks.old", "to": "stacks.new" }]))]
    moved: Option<Vec<MovedTable>>,
    /// CloudFormation stacks.
    #[schemars(example = json!({ "master": { "account": "master", "template": "templates/hub.yaml" } }))]
    stacks: Option<BTreeMap<String, StackTable>>,
    /// VPC peering connections with both of their sides.
    #[schemars(example = json!({ "spoke": {
        "requester": { "account": "dev", "vpc": "{{ stacks.dev.outputs.VPCId }}" },
        "accepter": { "account": "master", "vpc": "{{ stacks.master.outputs.VPCId }}" },
    } }))]
    peerings: Option<BTreeMap<String, PeeringTable>>,
    /// Routes: one destination and one target in any number of route tables.
    #[schemars(example = json!({ "out": {
        "account": "dev", "route_tables": ["rtb-1"], "destination": "10.0.0.0/20", "via": "{{ peerings.spoke.id }}",
    } }))]
    routes: Option<BTreeMap<String, RouteTable>>,
}

/// What a node, an instance or a whole group was called before.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct MovedTable {
    /// The name that it had, which the plan has no more.
    #[schemars(example = &"stacks.spoke[dev]")]
    from: String,
    /// The name that it has.
    #[schemars(example = &"stacks.spoke[development]")]
    to: String,
}

/// A variable: any value, or one from the environment.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum Variable {
    /// From an environment variable.
    Environment(FromEnvironment),
    /// A plain value, without expressions.
    Plain(Json),
}

/// A value from the environment.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct FromEnvironment {
    /// The environment variable.
    #[schemars(example = &"TEAM")]
    env: String,
    /// What it is when the environment has none.
    #[schemars(example = &"network")]
    default: Option<Json>,
}

/// An account and how it is reached.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct AccountTable {
    /// The twelve digits, held against what AWS says before anything is changed.
    #[schemars(regex(pattern = r"^(\d{12}|.*\{\{.*)$"), example = &"222222222222")]
    id: Option<String>,
    /// The role to assume: a name, a name with its path, or an ARN; `false` takes a default role away.
    #[schemars(example = &"MasterAcctRole")]
    role: Option<TextOrFalse>,
    /// The external id that the role's trust asks for.
    #[schemars(example = &"partner-7")]
    external_id: Option<String>,
    /// The session's name in `CloudTrail`.
    #[schemars(example = &"orch")]
    session_name: Option<String>,
    /// How long a session lasts: seconds, or a text such as "1h". Sessions are renewed before they end.
    #[schemars(example = &"1h")]
    duration: Option<TextOrWholeNumber>,
    /// Tags of the session.
    #[schemars(example = json!({ "Team": "network" }))]
    session_tags: Option<BTreeMap<String, String>>,
    /// The MFA device whose code is asked for.
    #[schemars(example = &"arn:aws:iam::111111111111:mfa/me")]
    mfa_serial: Option<String>,
    /// A profile of the AWS configuration to begin with.
    #[schemars(example = &"dev-admin")]
    profile: Option<String>,
    /// The account of the plan whose session assumes the role.
    #[schemars(example = &"master")]
    through: Option<String>,
    /// The bucket for large templates of this account's stacks, in place of the plan's.
    #[schemars(example = &"dev-templates")]
    template_bucket: Option<TextOrBucket>,
}

/// A bucket for what all share who run the plan.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct SharedBucketTable {
    /// The account whose role reads and writes what is in it, by its name below `[accounts]`.
    #[schemars(example = &"master")]
    account: String,
    /// The bucket's name.
    #[schemars(example = &"acme-orch")]
    name: String,
    /// What the object's key begins with; `inventory/` or `locks/` and the plan's name follow.
    #[schemars(example = &"orch/")]
    prefix: Option<String>,
    /// The key of KMS that it is encrypted with.
    #[schemars(example = &"alias/orch")]
    kms_key: Option<String>,
    /// The account that the bucket must belong to, by its name below `[accounts]`.
    #[schemars(example = &"master")]
    owner: Option<String>,
}

/// A bucket for templates.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct BucketTable {
    /// Its name.
    #[schemars(example = &"acme-templates-{{ self.region }}")]
    name: String,
    /// What the keys of templates begin with.
    #[schemars(example = &"orch/")]
    prefix: Option<String>,
    /// The key of KMS that templates are encrypted with.
    #[schemars(example = &"alias/templates")]
    kms_key: Option<String>,
    /// The account that it must belong to, by its name below `[accounts]`.
    #[schemars(example = &"master")]
    owner: Option<String>,
}

/// A bucket's name, or all of it.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum TextOrBucket {
    /// The name.
    Text(String),
    /// A table.
    Bucket(BucketTable),
}

/// Keys for every table of a sort. The table's own keys win.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Defaults {
    /// For every account.
    #[schemars(example = json!({ "role": "MasterAcctRole" }))]
    accounts: Option<AccountTable>,
    /// For every stack.
    #[schemars(example = json!({ "tags": { "Purpose": "Infrastructure" } }))]
    stacks: Option<StackTable>,
    /// For every peering.
    #[schemars(example = json!({ "tags": { "Purpose": "Infrastructure" } }))]
    peerings: Option<PeeringTable>,
    /// For every route.
    #[schemars(example = json!({ "replace": true }))]
    routes: Option<RouteTable>,
}

/// A CloudFormation stack, or a group of them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct StackTable {
    /// One stack for each item: a path (`vars.spokes`), another group (`stacks.spoke`), a list or a table.
    #[schemars(example = &"vars.spokes")]
    for_each: Option<ForEach>,
    /// The account, by its name below `[accounts]`.
    #[schemars(example = &"{{ each.key }}")]
    account: Option<String>,
    /// A region, or a list of regions with one stack in each.
    #[schemars(example = &"us-east-1")]
    region: Option<TextOrTexts>,
    /// CloudFormation's name of the stack.
    #[schemars(example = &"{{ self.region }}-{{ self.account }}")]
    name: Option<String>,
    /// The template's path, in YAML or JSON, relative to this file; or the https URL of one in S3.
    #[schemars(example = &"templates/hub.yaml")]
    template: Option<String>,
    /// The template's parameters.
    #[schemars(example = json!({ "CidrBlock": "{{ vars.hub_cidr }}", "Password": { "ssm": "/db/password" } }))]
    parameters: Option<BTreeMap<String, Parameter>>,
    /// Parameters that keep the value which the stack has; a stack that is made takes their defaults.
    #[schemars(example = json!(["DatabasePassword"]))]
    keep_parameters: Option<Vec<String>>,
    /// Outputs that are secrets: they are shown nowhere.
    #[schemars(example = json!(["DatabasePassword"]))]
    sensitive_outputs: Option<Vec<String>>,
    /// Tags of the stack, which CloudFormation copies to its resources.
    #[schemars(example = json!({ "Purpose": "Infrastructure" }))]
    tags: Option<BTreeMap<String, Value>>,
    /// What the template may do.
    #[schemars(example = json!(["CAPABILITY_NAMED_IAM"]))]
    capabilities: Option<Vec<Capability>>,
    /// `false` if the stack is only read, for its outputs.
    #[schemars(example = false)]
    manage: Option<bool>,
    /// Whether a stack of that name that bears no tags of orch becomes this node's.
    #[schemars(example = true)]
    adopt: Option<bool>,
    /// What must be done first, besides what the values refer to.
    #[schemars(example = json!(["stacks.master"]))]
    depends_on: Option<Vec<String>>,
    /// How its instances are rolled out: some before all others, the others a few at a time.
    #[schemars(example = json!({ "canary": ["dev"], "batch": 10, "tolerate": 1 }))]
    waves: Option<WavesTable>,
    /// Rules that it is excused from, each with the reason.
    #[schemars(example = json!({ "ORCH071": "can be made again from the archive" }))]
    allow: Option<Allowed>,
    /// What may not happen to it: its deletion, and the replacement or removal of its resources. Exactly this is protected,
    /// with `[]` nothing; without the key AWS's own protection stays as it is.
    #[schemars(example = json!(["delete", "replace"]))]
    protect: Option<Vec<Protected>>,
    /// The path of its own stack policy, in JSON; relative to this file.
    #[schemars(example = &"policy.json")]
    stack_policy: Option<String>,
    /// Alarms that take an operation back when they fire.
    #[schemars(example = json!({ "alarms": ["arn:aws:cloudwatch:us-east-1:111111111111:alarm:Errors"], "monitoring": 10 }))]
    rollback_triggers: Option<TriggersTable>,
    /// The ARNs of topics that hear of its events.
    #[schemars(example = json!(["arn:aws:sns:us-east-1:111111111111:stacks"]))]
    notification_arns: Option<Vec<Value>>,
    /// The ARN of the role that CloudFormation acts in.
    #[schemars(example = &"arn:aws:iam::{{ accounts.dev.id }}:role/CloudFormation")]
    service_role: Option<String>,
    /// How many minutes its creation may take.
    #[schemars(range(min = 1, max = 1440), example = 30)]
    timeout: Option<u32>,
    /// What becomes of a failure: it is rolled back, a stack that could not be created is deleted, or all is kept.
    #[schemars(example = &"rollback")]
    on_failure: Option<OnFailure>,
    /// `"express"`: an operation is over when the configuration is applied, before resources can be used.
    #[schemars(example = &"express")]
    deployment: Option<Deployment>,
    /// Whether peerings and routes are given its outputs as soon as these are certain, before it is complete. If it fails, what
    /// they have made is taken back.
    #[schemars(example = true)]
    early_outputs: Option<bool>,
    /// Whether it is created as soon as outputs of others that it needs are certain, before those are complete. If one of them
    /// fails, what was created so is deleted again.
    #[schemars(example = true)]
    early_inputs: Option<bool>,
}

/// How a group is rolled out: no instance of a wave starts before all of the wave before have ended.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct WavesTable {
    /// The keys of the instances that go first; all of them must end well before any other starts.
    #[schemars(example = json!(["dev"]))]
    canary: Option<Vec<String>>,
    /// How many of the others go at a time, in the order of the file.
    #[schemars(range(min = 1), example = 10)]
    batch: Option<u32>,
    /// How many instances may fail; with one more, what has not started does not start.
    #[schemars(example = 1)]
    tolerate: Option<u32>,
}

/// What a stack is protected from.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Protected {
    /// Its deletion.
    Delete,
    /// The replacement or removal of its resources.
    Replace,
}

/// Alarms that take an operation back.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct TriggersTable {
    /// The ARNs of alarms; five at most, composite ones included.
    #[schemars(example = json!(["arn:aws:cloudwatch:us-east-1:111111111111:alarm:Errors"]))]
    alarms: Option<Vec<Value>>,
    /// The ARNs of composite alarms.
    #[schemars(example = json!(["arn:aws:cloudwatch:us-east-1:111111111111:alarm:Health"]))]
    composite_alarms: Option<Vec<Value>>,
    /// For how many minutes they are watched once all resources are made.
    #[schemars(range(max = 180), example = 10)]
    monitoring: Option<u32>,
}

/// What becomes of a failure.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum OnFailure {
    /// What was done is taken back.
    Rollback,
    /// The same of an update; a stack that could not be created is deleted.
    Delete,
    /// Everything is left as it is.
    Keep,
}

/// When an operation is over.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Deployment {
    /// When all resources can be used.
    Standard,
    /// When their configuration is applied.
    Express,
}

/// A VPC peering connection, or a group of them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct PeeringTable {
    /// One peering for each item: another group (`stacks.spoke`), a path (`vars.spokes`), a list or a table.
    #[schemars(example = &"stacks.spoke")]
    for_each: Option<ForEach>,
    /// The region of a side that names none, or a list of regions with one peering in each.
    #[schemars(example = &"us-east-1")]
    region: Option<TextOrTexts>,
    /// The side that asks.
    #[schemars(example = json!({ "account": "{{ each.account }}", "vpc": "{{ each.outputs.VPCId }}" }))]
    requester: Option<SideTable>,
    /// The side that accepts.
    #[schemars(example = json!({ "account": "master", "vpc": "{{ stacks.master.outputs.VPCId }}" }))]
    accepter: Option<SideTable>,
    /// Tags of the connection.
    #[schemars(example = json!({ "Purpose": "Infrastructure" }))]
    tags: Option<BTreeMap<String, Value>>,
    /// Whether a peering between the two VPCs that bears no tags of orch becomes this node's.
    #[schemars(example = true)]
    adopt: Option<bool>,
    /// What must be done first, besides what the values refer to.
    #[schemars(example = json!(["stacks.master"]))]
    depends_on: Option<Vec<String>>,
    /// How its instances are rolled out: some before all others, the others a few at a time.
    #[schemars(example = json!({ "canary": ["dev"], "batch": 10, "tolerate": 1 }))]
    waves: Option<WavesTable>,
    /// Rules that it is excused from, each with the reason.
    #[schemars(example = json!({ "ORCH061": "the hub's template makes the routes back" }))]
    allow: Option<Allowed>,
}

/// One side of a peering.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct SideTable {
    /// The account that owns the VPC.
    #[schemars(example = &"master")]
    account: Option<String>,
    /// The VPC's region.
    #[schemars(example = &"us-east-1")]
    region: Option<String>,
    /// The VPC's id.
    #[schemars(example = &"{{ stacks.master.outputs.VPCId }}")]
    vpc: Option<String>,
    /// Whether names of this side's hosts resolve to private addresses for the other side.
    #[schemars(example = true)]
    dns: Option<bool>,
}

/// A route, or a group of them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct RouteTable {
    /// One route for each item: another group (`peerings.spoke`), a path (`vars.spokes`), a list or a table.
    #[schemars(example = &"peerings.spoke")]
    for_each: Option<ForEach>,
    /// The account of the route tables.
    #[schemars(example = &"{{ each.requester.account }}")]
    account: Option<String>,
    /// Their region, or a list of regions with one route in each.
    #[schemars(example = &"us-east-1")]
    region: Option<TextOrTexts>,
    /// The route tables' ids.
    #[schemars(example = json!(["{{ each.source.outputs.RouteTableId }}"]))]
    route_tables: Option<Vec<String>>,
    /// An IPv4 or IPv6 range, or a prefix list's id.
    #[schemars(example = &"10.0.0.0/20")]
    destination: Option<String>,
    /// The target's id: `pcx-…`, `tgw-…`, `nat-…`, `igw-…`, `eni-…`, `vpce-…` and so on.
    #[schemars(example = &"{{ each.id }}")]
    via: Option<String>,
    /// Whether a route to the same destination by another target is led here.
    #[schemars(example = true)]
    replace: Option<bool>,
    /// Whether a route that is there as it is wanted counts as this node's own.
    #[schemars(example = true)]
    adopt: Option<bool>,
    /// What must be done first, besides what the values refer to.
    #[schemars(example = json!(["stacks.master"]))]
    depends_on: Option<Vec<String>>,
    /// How its instances are rolled out: some before all others, the others a few at a time.
    #[schemars(example = json!({ "canary": ["dev"], "batch": 10, "tolerate": 1 }))]
    waves: Option<WavesTable>,
    /// Rules that it is excused from, each with the reason.
    #[schemars(example = json!({ "ORCH062": "a firewall in between forwards it" }))]
    allow: Option<Allowed>,
}

/// A path, a group, a list or a table.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum ForEach {
    /// `vars.NAME` or a group such as `stacks.NAME`.
    Path(String),
    /// The items, which are the keys of the instances.
    List(Vec<String>),
    /// Keys and values.
    Table(BTreeMap<String, Json>),
}

/// A value of a node.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Value {
    /// A text, which may hold expressions.
    Text(String),
    /// A number.
    Number(f64),
    /// True or false.
    Truth(bool),
    /// A list, which CloudFormation is given joined by commas.
    List(Vec<Scalar>),
}

/// A value in a list.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Scalar {
    /// A text, which may hold expressions.
    Text(String),
    /// A number.
    Number(f64),
    /// True or false.
    Truth(bool),
}

/// A text, or a list of them.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum TextOrTexts {
    /// One.
    Text(String),
    /// Several.
    Texts(Vec<String>),
}

/// A text, or `false`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum TextOrFalse {
    /// The text.
    Text(String),
    /// None, whatever the default says.
    False(bool),
}

/// A text, or a whole number.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum TextOrWholeNumber {
    /// The text.
    Text(String),
    /// The number.
    Number(u32),
}

/// What a template can be allowed.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
enum Capability {
    /// To make IAM resources.
    #[schemars(rename = "CAPABILITY_IAM")]
    Iam,
    /// To make IAM resources with names of its choice.
    #[schemars(rename = "CAPABILITY_NAMED_IAM")]
    NamedIam,
    /// To be changed by macros.
    #[schemars(rename = "CAPABILITY_AUTO_EXPAND")]
    AutoExpand,
}

/// Reasons by the rules' numbers.
#[derive(JsonSchema)]
#[schemars(transparent, extend("propertyNames" = { "pattern": "^ORCH[0-9]{3}$" }))]
#[expect(dead_code, reason = "only its schema is used")]
struct Allowed(BTreeMap<String, String>);

/// The JSON Schema (draft 2020-12) of a plan file.
///
/// No key is required, since a file may leave it to the plan that it extends, or to a default.
pub fn schema() -> Json {
    let generator: SchemaGenerator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<PlanFile>().to_value();
    without_null(&mut schema);
    schema
}

/// TOML has no null: what may be left out is not there at all.
fn without_null(schema: &mut Json) {
    let null = |schema: &Json| schema.get("type") == Some(&Json::from("null"));
    match schema {
        Json::Object(map) => {
            if let Some(Json::Array(types)) = map.get_mut("type") {
                types.retain(|one| one != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Json::Array(choices)) = map.get_mut("anyOf") {
                choices.retain(|choice| !null(choice));
                if let [only] = choices.as_mut_slice()
                    && let Json::Object(only) = std::mem::take(only)
                {
                    map.shift_remove("anyOf");
                    for (key, value) in only {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            map.values_mut().for_each(without_null);
        }
        Json::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
