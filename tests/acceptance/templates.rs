//! Templates that CloudFormation is not given in the request.
#![expect(clippy::disallowed_methods, reason = "a test looks into the world that the binary has left")]

use crate::orch::{Orch, QUICK};

const BUCKET: &str = "Resources:\n  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: acme-templates-us-east-1}}\nOutputs:\n  Name: {Value: !Ref Bucket}\n";

const PLAN: &str = r#"
name   = "large"
region = "us-east-1"
template_bucket = "acme-templates-{{ self.region }}"

[accounts]
master = { id = "111111111111" }

[stacks.bucket]
account  = "master"
template = "bucket.yaml"

[stacks.net]
account    = "master"
template   = "net.yaml"
depends_on = ["stacks.bucket"]
"#;

/// A template of a little more than a request holds.
fn large() -> String {
    format!(
        "Resources:\n  Vpc: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.0.0.0/16}}}}\n{}",
        "# so that it does not fit\n".repeat(2048)
    )
}

#[test]
fn a_template_that_fits_into_no_request_goes_by_the_bucket() {
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", QUICK).write("plan.toml", PLAN).write("bucket.yaml", BUCKET).write("net.yaml", &large());
    let apply = ["apply", "plan.toml", "--local", "--local-config", "quick.toml"];
    orch.run(&apply).code(0);
    let text = |name: &str| std::fs::read_to_string(orch.path(".orch/local").join(name)).unwrap();
    let world = text("world.json") + &text("world.json.log");
    assert!(world.contains("acme-templates-us-east-1/orch/"), "the template is in the bucket");
    orch.run(&apply).code(0).prints(&["Nothing changed"]);

    orch.edit("plan.toml", "template_bucket = \"acme-templates-{{ self.region }}\"", "");
    let refused = orch.run(&apply);
    refused.code(2).says(&["ORCH051", "template_bucket = "]);
}
