//! Where the secrets of a stack may be seen in its resources.

use std::collections::BTreeSet;

use super::compare::HIDDEN;
use crate::aws::Stack;
use crate::cfn::{Document, Node, Target, references};

/// Dynamic references to what is kept secret elsewhere.
const SECURE: [&str; 2] = ["{{resolve:secretsmanager:", "{{resolve:ssm-secure:"];

/// Where values may be seen that a template keeps to itself: those of hidden parameters, and what it takes from Secrets
/// Manager or from a secure parameter of Systems Manager. CloudFormation does not say that it hides them in what it tells
/// of drift.
///
/// Ids are not followed: CloudFormation itself shows them everywhere, and warns of secrets in them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    /// Nowhere: there are none.
    None,
    /// In these properties: the resource's name in the template, and the property.
    In(BTreeSet<(String, String)>),
    /// The template cannot be followed: they may be anywhere.
    Anywhere,
}

impl Secrets {
    /// Those of a stack, by the template that it was made of.
    pub(super) fn of(stack: &Stack, template: &str) -> Self {
        let hidden = stack.parameters.iter().filter(|(_, parameter)| parameter.value == HIDDEN);
        Self::within(template, &hidden.map(|(name, _)| name.as_str()).collect())
    }

    /// Those that a template declares.
    pub(super) fn declared(template: &str) -> Self {
        let Ok(document) = Document::read(template) else { return Self::Anywhere };
        let hidden = document.parameters.iter().filter(|(_, parameter)| parameter.no_echo);
        Self::within(template, &hidden.map(|(name, _)| name.as_str()).collect())
    }

    fn within(template: &str, hidden: &BTreeSet<&str>) -> Self {
        if hidden.is_empty() && !SECURE.iter().any(|reference| template.contains(reference)) {
            return Self::None;
        }
        let Some(document) = Document::read(template).ok().filter(|document| !document.has_macros) else {
            return Self::Anywhere;
        };
        // An attribute of a resource that was given a secret may tell it.
        let mut telling: BTreeSet<&str> = BTreeSet::new();
        loop {
            let mut found = BTreeSet::new();
            for resource in document.resources.values() {
                let properties = resource.properties.as_deref().and_then(Node::as_map).into_iter().flatten();
                for (name, entry) in properties {
                    let reached = references(&entry.node, &|_| None).into_iter().any(|found| match found.target {
                        Target::Name(name) => hidden.contains(name),
                        Target::Attribute { resource, .. } => telling.contains(resource),
                        // A condition over a secret tells it to whoever sees which way it went.
                        Target::Condition(_) | Target::Mapping(_) => false,
                    });
                    if reached || is_secure(&entry.node) {
                        found.insert((resource.id.clone(), name.to_owned()));
                    }
                }
            }
            let before = telling.len();
            let ids: BTreeSet<&String> = found.iter().map(|(id, _)| id).collect();
            telling.extend(document.resources.keys().filter(|id| ids.contains(id)).map(String::as_str));
            if telling.len() == before {
                return Self::In(found);
            }
        }
    }

    /// Whether a secret may be seen in a property.
    pub(super) fn reach(&self, resource: &str, property: &str) -> bool {
        match self {
            Self::None => false,
            Self::In(found) => found.contains(&(resource.to_owned(), property.to_owned())),
            Self::Anywhere => true,
        }
    }
}

/// Whether a value takes something from where secrets are kept.
fn is_secure(node: &Node) -> bool {
    let text = node.to_json().to_string();
    SECURE.iter().any(|reference| text.contains(reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hidden_parameter_feeds_is_found_through_attributes_too() {
        let template = "
Parameters: {Secret: {Type: String, NoEcho: true}, Open: {Type: String}}
Resources:
  Kept: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Sub 'x-${Secret}'}}
  Shown: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Open, Tags: [{Key: a, Value: !GetAtt Kept.Value}]}}
  Named: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Open, Tags: [{Key: a, Value: !Ref Kept}]}}
";
        let secrets = Secrets::within(template, &["Secret"].into());
        let reached = |resource, property| secrets.reach(resource, property);
        assert!(reached("Kept", "Value") && reached("Shown", "Tags"));
        assert!(!reached("Kept", "Type") && !reached("Shown", "CidrBlock") && !reached("Named", "Tags"));
        assert_eq!(Secrets::within("Transform: My::Macro\nResources: {}", &["Secret"].into()), Secrets::Anywhere);
        assert_eq!(Secrets::within("{", &["Secret"].into()), Secrets::Anywhere);
        assert_eq!(Secrets::within(template, &BTreeSet::new()), Secrets::None);
        assert_eq!(Secrets::declared(template), secrets);
    }

    #[test]
    fn what_is_kept_secret_elsewhere_is_hidden_too() {
        let template = "
Resources:
  Base: {Type: 'AWS::RDS::DBInstance', Properties: {MasterUsername: admin, MasterUserPassword: '{{resolve:secretsmanager:base:SecretString}}'}}
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: '{{resolve:ssm:range}}', Tags: [{Key: a, Value: !Sub '{{resolve:ssm-secure:${AWS::Region}}}'}]}}
";
        let secrets = Secrets::declared(template);
        let reached = |resource, property| secrets.reach(resource, property);
        assert!(reached("Base", "MasterUserPassword") && reached("Vpc", "Tags"));
        assert!(!reached("Base", "MasterUsername") && !reached("Vpc", "CidrBlock"));
    }
}
