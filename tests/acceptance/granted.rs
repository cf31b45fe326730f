//! What `orch iam` prints for what a plan reads and holds besides its stacks. The real binary, under exactly that.

use serde_json::Value as Json;

use crate::hand;
use crate::orch::{Orch, QUICK};

const PLAN: &str = r#"
name   = "app"
region = "us-east-1"
lock   = { account = "dev", name = "acme-orch" }

[accounts]
dev = { id = "222222222222", role = "Deploy" }

[stacks.app]
account    = "dev"
template   = "app.yaml"
parameters = { Size = { ssm = "/app/size" }, Password = { secret = "db", key = "password" } }
"#;

const APP: &str = "\
Parameters: {Size: {Type: String}, Password: {Type: String, NoEcho: true}}
Resources: {Topic: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Sub 'app-${Size}'}}}
";

const STORED: &str = r#"
[[parameter]]
account = "222222222222"
region  = "us-east-1"
name    = "/app/size"
value   = "medium"

[[secret]]
account = "222222222222"
region  = "us-east-1"
name    = "db"
text    = '{ "password": "granted-canary" }'
"#;

const APPLY: [&str; 5] = ["apply", "plan.toml", "--local", "--local-config", "aws.toml"];

/// The policies as they are printed, without the statements of a name.
fn without(printed: &str, sid: &str) -> String {
    fn strip(value: &mut Json, sid: &str) -> usize {
        match value {
            Json::Array(items) => {
                let before = items.len();
                items.retain(|item| item["Sid"] != sid);
                before - items.len() + items.iter_mut().map(|item| strip(item, sid)).sum::<usize>()
            }
            Json::Object(fields) => fields.values_mut().map(|field| strip(field, sid)).sum(),
            _ => 0,
        }
    }
    let mut printed: Json = serde_json::from_str(printed).unwrap();
    assert!(strip(&mut printed, sid) > 0, "there is no statement {sid}");
    printed.to_string()
}

#[test]
fn what_a_plan_reads_and_holds_is_granted_and_missed_by_name_where_it_is_not() {
    let orch = Orch::empty();
    orch.write("plan.toml", PLAN).write("app.yaml", APP).write("aws.toml", &format!("{QUICK}{STORED}"));
    orch.run(&[&APPLY[..], &["--no-lock"]].concat()).code(0);
    hand::make_bucket(&orch, "222222222222", "acme-orch");

    let printed = orch.run(&["iam", "plan.toml", "--for-templates", "--format", "json"]).code(0).stdout;
    orch.write("aws.toml", &format!("policies = \"iam.json\"\n{QUICK}{STORED}"));
    orch.write("iam.json", &printed);
    orch.run(&APPLY).code(0);
    for (sid, action) in [
        ("ReadParameters", "ssm:GetParameter"),
        ("ReadSecrets", "secretsmanager:GetSecretValue"),
        ("HoldLock", "s3:GetObject"),
    ] {
        orch.write("iam.json", &without(&printed, sid));
        let ended = orch.run(&APPLY);
        assert_ne!(ended.code, Some(0), "without {sid}: {}", ended.stdout);
        ended.says(&["AccessDenied", action, "account dev", "role"]);
    }
    orch.write("iam.json", &printed);
    orch.run(&APPLY).code(0);
}
