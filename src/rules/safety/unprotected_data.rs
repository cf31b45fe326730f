//! A resource that holds data and goes away with its stack.

use serde_json::Value as Json;

use crate::cfn::Resource;
use crate::diag::{Code, Severity, Span};
use crate::graph::Ix;
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(71),
    name: "unprotected-data",
    severity: Severity::Hint,
    summary: "a resource that holds data has no DeletionPolicy, so that it goes with its stack",
    explanation: "Tables, databases and file systems are deleted with their stack, or when they leave the template: \
                  of a table nothing stays, of a database a last snapshot. A bucket that is not empty cannot be \
                  deleted, and neither can its stack. `DeletionPolicy: Retain` keeps them, `Snapshot` keeps a snapshot \
                  where there is one, and an explicit `Delete` says that it is meant. What has deletion protection, \
                  databases of a cluster and read replicas are left alone.",
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

/// What becomes of a type's data by itself when its stack is deleted.
#[derive(Clone, Copy)]
enum Fate {
    /// They are gone.
    Gone,
    /// A snapshot of them stays:
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html>.
    Snapshot,
    /// They stay, since AWS deletes the empty only, and the stack's deletion fails.
    Stuck,
}

/// A resource type that holds data.
struct Holder {
    type_name: &'static str,
    fate: Fate,
    /// The property by which one says that it holds no data of its own.
    derived: &'static [&'static str],
    /// The property by which AWS refuses to delete it.
    protection: Option<&'static str>,
}

const fn holder(type_name: &'static str, fate: Fate, protection: Option<&'static str>) -> Holder {
    Holder { type_name, fate, derived: &[], protection }
}

const HOLDERS: [Holder; 8] = [
    holder("AWS::DynamoDB::Table", Fate::Gone, Some("DeletionProtectionEnabled")),
    holder("AWS::DynamoDB::GlobalTable", Fate::Gone, None),
    holder("AWS::EFS::FileSystem", Fate::Gone, None),
    holder("AWS::FSx::FileSystem", Fate::Gone, None),
    Holder {
        derived: &["ReplicationSourceIdentifier"],
        ..holder("AWS::RDS::DBCluster", Fate::Snapshot, Some("DeletionProtection"))
    },
    Holder {
        derived: &["DBClusterIdentifier", "SourceDBInstanceIdentifier"],
        ..holder("AWS::RDS::DBInstance", Fate::Snapshot, Some("DeletionProtection"))
    },
    holder("AWS::S3::Bucket", Fate::Stuck, None),
    holder("AWS::Redshift::Cluster", Fate::Gone, None),
];

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, stack, document) in design.stacks() {
        // Another macro may protect what it finds.
        let Some(template) = stack.file().filter(|_| document.is_final("Resources")) else { continue };
        for resource in document.resources.values() {
            let Some(holder) = HOLDERS.iter().find(|holder| holder.type_name == resource.type_name) else { continue };
            let has = |name: &&str| resource.properties.as_deref().is_some_and(|node| node.get(name).is_some());
            if resource.node.get("DeletionPolicy").is_some()
                || holder.derived.iter().any(has)
                || design.exists(ix, resource) == Some(false)
                || is_protected(design, ix, resource, holder)
            {
                continue;
            }
            let id = &resource.id;
            let message = match holder.fate {
                Fate::Gone => format!("{id} holds data and is deleted with its stack"),
                Fate::Snapshot => format!("{id} holds data, of which only a snapshot stays when its stack is deleted"),
                Fate::Stuck => format!("{id} holds data, and its stack cannot be deleted while it does"),
            };
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

/// Whether AWS would refuse to delete it, as far as that can be told: what is not known may be so.
fn is_protected(design: &Design<'_>, stack: Ix, resource: &Resource, holder: &Holder) -> bool {
    let written = |name: &&str| resource.properties.as_deref().is_some_and(|node| node.get(name).is_some());
    holder.protection.filter(written).is_some_and(|name| match design.property(stack, resource, name) {
        Some(Json::Bool(truth)) => truth,
        Some(Json::String(text)) => text != "false",
        _ => true,
    })
}
