//! A resource that holds data and goes away with its stack.

use crate::diag::{Code, Severity, Span};
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(71),
    name: "unprotected-data",
    severity: Severity::Hint,
    summary: "a resource that holds data has no DeletionPolicy, so it goes away with its stack",
    explanation: "Tables, databases, buckets and file systems are deleted with their stack, or when they leave the \
                  template. `DeletionPolicy: Retain` keeps them, `Snapshot` keeps a snapshot where there is one, and \
                  an explicit `Delete` says that it is meant. Databases of a cluster and read replicas hold no data \
                  of their own and are left alone.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.data]
account  = "master"
template = "data.yaml"
--- data.yaml
Resources:
  «Orders»: {Type: "AWS::DynamoDB::Table", Properties: {}}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.data]
account  = "master"
template = "data.yaml"
--- data.yaml
Resources:
  Orders: {Type: "AWS::DynamoDB::Table", DeletionPolicy: Retain, Properties: {}}
"#,
    check: Some(check),
};

/// Resource types that hold data, and the property by which one says that it holds none of its own.
const HOLD_DATA: [(&str, &[&str]); 8] = [
    ("AWS::DynamoDB::Table", &[]),
    ("AWS::DynamoDB::GlobalTable", &[]),
    ("AWS::EFS::FileSystem", &[]),
    ("AWS::FSx::FileSystem", &[]),
    ("AWS::RDS::DBCluster", &["ReplicationSourceIdentifier"]),
    ("AWS::RDS::DBInstance", &["DBClusterIdentifier", "SourceDBInstanceIdentifier"]),
    ("AWS::S3::Bucket", &[]),
    ("AWS::Redshift::Cluster", &[]),
];

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, stack, document) in design.stacks() {
        let Some(template) = &stack.template else { continue };
        for resource in document.resources.values() {
            let Some((_, derived)) = HOLD_DATA.iter().find(|(name, _)| *name == resource.type_name) else { continue };
            let has = |name: &&&str| resource.properties.as_deref().is_some_and(|node| node.get(name).is_some());
            if resource.node.get("DeletionPolicy").is_some() || derived.iter().any(|name| has(&name)) {
                continue;
            }
            let message = format!("{} holds data and is deleted with its stack", resource.id);
            let problem = RULE.problem(Span::new(template.file, resource.at.clone()), message);
            let problem =
                problem.label(resource.type_name.clone()).related(template.span.clone(), "the plan names it here");
            report.add(
                [ix],
                problem.help("write `DeletionPolicy: Retain`, or `DeletionPolicy: Delete` if that is meant"),
            );
        }
    }
}
