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

const AT_URL: &str = r#"
name   = "at-a-url"
region = "us-east-1"

[accounts]
master = { id = "111111111111" }

[stacks.net]
account  = "master"
template = "https://acme-templates-us-east-1.s3.us-east-1.amazonaws.com/KEY"
"#;

#[test]
fn a_template_at_a_url_is_previewed_and_applied_like_a_file() {
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", QUICK).write("plan.toml", PLAN).write("bucket.yaml", BUCKET).write("net.yaml", &large());
    let local = ["--local", "--local-config", "quick.toml"];
    let run = |words: &[&str]| orch.run(&[words, &local].concat());
    run(&["apply", "plan.toml"]).code(0);
    // What the first plan has put there.
    let text = |name: &str| std::fs::read_to_string(orch.path(".orch/local").join(name)).unwrap();
    let world = text("world.json") + &text("world.json.log");
    let key = world.split("acme-templates-us-east-1/").nth(1).unwrap().split('"').next().unwrap();
    orch.write("url.toml", &AT_URL.replace("KEY", key));
    orch.run(&["validate", "url.toml"]).code(0);
    run(&["preview", "url.toml", "--read-only"]).code(5).prints(&["stacks.net", "+ Vpc"]);
    run(&["apply", "url.toml"]).code(0);
    run(&["preview", "url.toml", "--read-only"]).code(0).prints(&["Nothing"]);
    orch.edit(
        "url.toml",
        "https://acme-templates-us-east-1.s3.us-east-1.amazonaws.com/",
        "s3://acme-templates-us-east-1/",
    );
    run(&["apply", "url.toml"])
        .code(2)
        .says(&["ORCH059", "https://acme-templates-us-east-1.s3.us-east-1.amazonaws.com/"]);
}

const NESTS: &str = "\
Resources:
  Net:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: parts/vpc.yaml # by its path
      Parameters: {Range: 10.0.0.0/16}
Outputs:
  VpcId: {Value: !GetAtt Net.Outputs.VpcId}
";

const VPC: &str = "\
Parameters:
  Range: {Type: String}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Range}}
Outputs:
  VpcId: {Value: !Ref Vpc}
";

#[test]
fn a_template_that_is_nested_by_its_path_goes_by_the_bucket_and_its_changes_are_shown() {
    let orch = Orch::with_shipped_plans();
    orch.write("quick.toml", QUICK).write("plan.toml", PLAN).write("bucket.yaml", BUCKET);
    orch.write("net.yaml", NESTS).write("parts/vpc.yaml", VPC);
    let local = ["--local", "--local-config", "quick.toml"];
    let run = |words: &[&str]| orch.run(&[words, &local].concat());
    // The bucket is made in the same run, so no preview finds it.
    run(&["preview", "plan.toml"]).code(5).prints(&["stacks.net", "+ Net"]);
    run(&["apply", "plan.toml"]).code(0);
    run(&["outputs", "plan.toml"]).code(0).prints(&["VpcId", "vpc-"]);
    run(&["preview", "plan.toml"]).code(0).prints(&["Nothing to do"]);
    orch.edit("parts/vpc.yaml", "Outputs:", "  Gate: {Type: AWS::EC2::InternetGateway}\nOutputs:");
    run(&["preview", "plan.toml"]).code(5).prints(&["~ Net (AWS::CloudFormation::Stack", "+ Gate"]);
    run(&["apply", "plan.toml"]).code(0);
    run(&["apply", "plan.toml"]).code(0).prints(&["Nothing changed"]);
    run(&["destroy", "plan.toml", "--yes", "--only", "stacks.net"]).code(0);
    orch.edit("plan.toml", "template_bucket = \"acme-templates-{{ self.region }}\"", "");
    orch.run(&["validate", "plan.toml"]).code(2).says(&["ORCH034", "template_bucket = "]);
}
