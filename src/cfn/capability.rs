//! The capabilities that must be granted before CloudFormation takes a template.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>, "Capabilities".

use std::fmt;

use super::document::{Document, calls_transform};
use super::node::Node;

/// A capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// The template makes IAM resources.
    Iam,
    /// It gives them names of its own choice.
    NamedIam,
    /// Macros change the template.
    AutoExpand,
}

impl Capability {
    /// Its name in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Iam => "CAPABILITY_IAM",
            Self::NamedIam => "CAPABILITY_NAMED_IAM",
            Self::AutoExpand => "CAPABILITY_AUTO_EXPAND",
        }
    }

    /// Whether the capabilities of a request grant it: who may name IAM resources may make them.
    pub fn is_granted_by<'a>(self, granted: impl IntoIterator<Item = &'a str>) -> bool {
        granted.into_iter().any(|name| name == self.as_str() || (self == Self::Iam && name == Self::NamedIam.as_str()))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Resource types that need a capability, and the property that names them.
const IAM_TYPES: [(&str, Option<&str>); 8] = [
    ("AWS::IAM::AccessKey", None),
    ("AWS::IAM::Group", Some("GroupName")),
    ("AWS::IAM::InstanceProfile", Some("InstanceProfileName")),
    ("AWS::IAM::ManagedPolicy", Some("ManagedPolicyName")),
    ("AWS::IAM::Policy", None),
    ("AWS::IAM::Role", Some("RoleName")),
    ("AWS::IAM::User", Some("UserName")),
    ("AWS::IAM::UserToGroupAddition", None),
];

/// What a template needs, and which resource types need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// At most one of the two for IAM, then the one for macros.
    pub capabilities: Vec<Capability>,
    /// The resource types that need a capability, each once, in the order of the text.
    pub resource_types: Vec<String>,
}

impl Needed {
    /// What this template and another one need together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for name in other.resource_types {
            if !self.resource_types.contains(&name) {
                self.resource_types.push(name);
            }
        }
        let needs = |capability| self.capabilities.contains(&capability) || other.capabilities.contains(&capability);
        let iam = [Capability::NamedIam, Capability::Iam].into_iter().find(|capability| needs(*capability));
        let macros = Some(Capability::AutoExpand).filter(|capability| needs(*capability));
        self.capabilities = iam.into_iter().chain(macros).collect();
        self
    }
}

impl Document {
    /// The capabilities that this template needs, as far as its text shows (a macro may add some).
    pub fn capabilities(&self) -> Needed {
        let mut needed = Needed::default();
        let mut named = false;
        for resource in self.resources.values() {
            let Some((type_name, name)) = IAM_TYPES.iter().find(|(type_name, _)| *type_name == resource.type_name)
            else {
                continue;
            };
            named |= name
                .is_some_and(|name| resource.properties.as_deref().and_then(|node: &Node| node.get(name)).is_some());
            if !needed.resource_types.iter().any(|known| known == type_name) {
                needed.resource_types.push((*type_name).to_owned());
            }
        }
        if named {
            needed.capabilities.push(Capability::NamedIam);
        } else if !needed.resource_types.is_empty() {
            needed.capabilities.push(Capability::Iam);
        }
        if self.root.get("Transform").is_some() || calls_transform(&self.root) {
            needed.capabilities.push(Capability::AutoExpand);
        }
        needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(resources: &str) -> Vec<Capability> {
        Document::read(resources).unwrap().capabilities().capabilities
    }

    #[test]
    fn iam_resources_need_a_capability_and_names_a_stronger_one() {
        assert_eq!(needed("Resources: {A: {Type: AWS::EC2::VPC}}"), []);
        assert_eq!(needed("Resources: {A: {Type: AWS::IAM::Role}}"), [Capability::Iam]);
        let named = "Resources: {A: {Type: AWS::IAM::Role, Properties: {RoleName: x}}, B: {Type: AWS::IAM::Role}}";
        assert_eq!(needed(named), [Capability::NamedIam]);
        assert_eq!(Document::read(named).unwrap().capabilities().resource_types, ["AWS::IAM::Role"]);
    }

    #[test]
    fn macros_need_a_capability() {
        assert_eq!(needed("Transform: AWS::Serverless-2016-10-31\nResources: {}"), [Capability::AutoExpand]);
        assert_eq!(needed("Resources: {A: {Type: T, Properties: !Transform {Name: M}}}"), [Capability::AutoExpand]);
    }

    #[test]
    fn the_stronger_capability_grants_the_weaker() {
        assert!(Capability::Iam.is_granted_by(["CAPABILITY_NAMED_IAM"]));
        assert!(!Capability::NamedIam.is_granted_by(["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]));
    }
}
