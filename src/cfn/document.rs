//! A template as a document: its sections, each entry with its place.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html>.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use super::node::{Entry, Map, Node};
use super::output::Output;
use super::parameter::Parameter;
use super::read::{Format, ReadError, tree};
use super::resource::Resource;

/// The largest template that a request can hold, in bytes.
pub const MAX_INLINE_BYTES: usize = 51_200;

/// The longest URL of a template.
pub const MAX_URL_BYTES: usize = 5_120;

/// The largest template that CloudFormation reads from S3, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// A template, read.
///
/// Reading is lenient: whatever a macro might make sense of is kept in `root`, and [`Document::faults`] says what
/// CloudFormation itself would refuse.
#[derive(Clone, Debug)]
pub struct Document {
    /// How it is written.
    pub format: Format,
    /// Everything, in long form.
    pub root: Node,
    /// `Description`.
    pub description: Option<String>,
    /// `Transform`: the macros that CloudFormation runs over the whole template.
    pub transforms: Vec<String>,
    /// `Parameters`.
    pub parameters: IndexMap<String, Parameter>,
    /// `Mappings`.
    pub mappings: IndexMap<String, Arc<Node>>,
    /// `Conditions`.
    pub conditions: IndexMap<String, Arc<Node>>,
    /// `Resources`.
    pub resources: IndexMap<String, Resource>,
    /// `Outputs`.
    pub outputs: IndexMap<String, Output>,
    /// Whether a macro (`Transform`, `Fn::Transform`, `Fn::ForEach`) or a module has a hand in it, so that sections, resources and
    /// outputs may be missing here that CloudFormation will have.
    pub has_macros: bool,
    /// The sections in which a macro is called.
    changing: Vec<String>,
}

impl Document {
    /// Reads a template from its text.
    ///
    /// # Errors
    ///
    /// The text is neither JSON nor YAML, or is not a map of sections.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let (format, root) = tree(text)?;
        let Some(sections) = root.as_map() else {
            return Err(ReadError::structure(format, text, root.at.start, "a template is a map of sections"));
        };
        for name in ["Parameters", "Mappings", "Conditions", "Resources", "Outputs"] {
            if let Some(entry) = sections.get(name)
                && entry.node.as_map().is_none()
            {
                let message = format!("the section {name} must be a map");
                return Err(ReadError::structure(format, text, entry.key_at.start, message));
            }
        }
        let is_changing = |(name, entry): (&String, &Entry)| calls_macros(&entry.node).then(|| name.clone());
        Ok(Self {
            format,
            changing: sections.iter().filter_map(is_changing).collect(),
            description: root.get("Description").and_then(Node::scalar),
            transforms: transforms(root.get("Transform")),
            parameters: entries(sections, "Parameters", |name, at, node| Parameter::read(name, at, node)),
            mappings: entries(sections, "Mappings", |_, _, node| Arc::clone(node)),
            conditions: entries(sections, "Conditions", |_, _, node| Arc::clone(node)),
            resources: entries(sections, "Resources", Resource::read),
            outputs: entries(sections, "Outputs", |name, at, node| Output::read(name, at, node)),
            has_macros: root.get("Transform").is_some() || calls_macros(&root) || has_modules(sections),
            root,
        })
    }

    /// Whether a macro makes of this template what only CloudFormation can know. `AWS::LanguageExtensions` without its
    /// loops does not: what it adds are a few functions and forms.
    pub(super) fn is_a_macros(&self) -> bool {
        let extends =
            !self.transforms.is_empty() && self.transforms.iter().all(|name| name == "AWS::LanguageExtensions");
        self.has_macros && (!extends || calls_macros(&self.root))
    }

    /// Whether a section will have the very entries that stand in it: no macro that could touch it runs.
    pub fn is_final(&self, section: &str) -> bool {
        // These make resources out of resources, and touch neither parameters nor conditions nor outputs.
        const OF_RESOURCES: [&str; 5] = [
            "AWS::CodeDeployBlueGreen",
            "AWS::LanguageExtensions",
            "AWS::SecretsManager-2020-07-23",
            "AWS::SecretsManager-2024-09-16",
            "AWS::Serverless-2016-10-31",
        ];
        let is_known = (self.root.get("Transform").is_none() || !self.transforms.is_empty())
            && self.transforms.iter().all(|name| OF_RESOURCES.contains(&name.as_str()));
        is_known && self.root.get("Fn::Transform").is_none() && !self.changing.iter().any(|name| name == section)
    }

    /// Whether both say the same, whatever the order of keys and the spelling (JSON or YAML, short or long forms).
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.root.same(&other.root)
    }
}

/// The entries of a section, without those that a macro will replace (`Fn::ForEach::…`, `Fn::Transform`).
fn entries<T>(sections: &Map, name: &str, read: impl Fn(&str, Range<usize>, &Arc<Node>) -> T) -> IndexMap<String, T> {
    let map = sections.get(name).and_then(|entry| entry.node.as_map());
    map.into_iter()
        .flatten()
        .filter(|(key, _)| !key.starts_with("Fn::"))
        .map(|(key, entry)| (key.clone(), read(key, entry.key_at.clone(), &entry.node)))
        .collect()
}

fn transforms(node: Option<&Node>) -> Vec<String> {
    let name = |node: &Node| node.scalar().or_else(|| node.get("Name").and_then(Node::scalar));
    match node {
        Some(list) if list.as_list().is_some() => list.as_list().into_iter().flatten().filter_map(name).collect(),
        Some(single) => name(single).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Whether a resource is a module, which CloudFormation replaces by the resources that it is made of:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/modules.html>.
fn has_modules(sections: &Map) -> bool {
    let resources = sections.get("Resources").and_then(|entry| entry.node.as_map());
    resources
        .into_iter()
        .flatten()
        .any(|(_, entry)| entry.node.get("Type").and_then(Node::as_text).is_some_and(|name| name.ends_with("::MODULE")))
}

/// Whether a macro is called anywhere inside.
fn calls_macros(node: &Node) -> bool {
    let in_map = |map: &Map| {
        map.iter()
            .any(|(key, entry)| key == "Fn::Transform" || key.starts_with("Fn::ForEach::") || calls_macros(&entry.node))
    };
    node.as_map().is_some_and(in_map) || node.as_list().is_some_and(|items| items.iter().any(calls_macros))
}

/// Whether a macro is called by its name anywhere inside: loops are another matter.
pub(super) fn calls_transform(node: &Node) -> bool {
    let in_map = |map: &Map| map.iter().any(|(key, entry)| key == "Fn::Transform" || calls_transform(&entry.node));
    node.as_map().is_some_and(in_map) || node.as_list().is_some_and(|items| items.iter().any(calls_transform))
}

/// How a template compares with the one that CloudFormation gives back for a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Both say the same.
    Same,
    /// Both say the same wherever that can be known: the live one has `?` where this one has non-ASCII characters.
    SameInAscii,
    /// They differ.
    Different,
}

/// Compares a template with the text that CloudFormation's `GetTemplate` gives, which has `?` for every character that
/// is not ASCII (<https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/814>).
pub fn compare(wanted: &str, live: &str) -> Comparison {
    if same_text(wanted, live) {
        return Comparison::Same;
    }
    if wanted.is_ascii() {
        return Comparison::Different;
    }
    if same_text(&in_ascii(wanted), live) { Comparison::SameInAscii } else { Comparison::Different }
}

fn same_text(a: &str, b: &str) -> bool {
    a == b || matches!((Document::read(a), Document::read(b)), (Ok(a), Ok(b)) if a.same(&b))
}

/// The text with `?` for every character that is not ASCII, as CloudFormation keeps it.
pub fn in_ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cfn::Policy;

    const YAML: &str = "
AWSTemplateFormatVersion: 2010-09-09
Description: A net
Transform: [AWS::LanguageExtensions, {Name: My::Macro}]
Parameters:
  Range: {Type: String, Default: 10.0.0.0/16, NoEcho: true}
Mappings:
  Zones: {us-east-1: {A: us-east-1a}}
Conditions:
  Big: !Equals [!Ref Range, x]
Resources:
  Net:
    Type: AWS::EC2::VPC
    DeletionPolicy: Retain
    UpdateReplacePolicy: Snapshot
    Properties: {CidrBlock: !Ref Range}
  Sub:
    Type: AWS::EC2::Subnet
    Condition: Big
    DependsOn: [Net]
  Fn::ForEach::Subnets: [X, [a], {}]
Outputs:
  Id: {Value: !Ref Net, Condition: Big, Export: {Name: !Sub '${AWS::StackName}-id'}}
";

    #[test]
    fn every_section_is_read() {
        let document = Document::read(YAML).unwrap();
        assert_eq!(document.description.as_deref(), Some("A net"));
        assert_eq!(document.transforms, ["AWS::LanguageExtensions", "My::Macro"]);
        assert!(document.has_macros && document.parameters["Range"].no_echo);
        assert_eq!(document.resources.keys().collect::<Vec<_>>(), ["Net", "Sub"]);
        let net = &document.resources["Net"];
        assert_eq!((net.deletion_policy, net.update_replace_policy), (Some(Policy::Retain), Some(Policy::Snapshot)));
        let sub = &document.resources["Sub"];
        assert_eq!((sub.condition.as_deref(), sub.depends_on[0].0.as_str()), (Some("Big"), "Net"));
        assert_eq!(&YAML[sub.at.clone()], "Sub");
        let output = &document.outputs["Id"];
        assert_eq!(output.export.as_ref().unwrap().to_json().to_string(), r#"{"Fn::Sub":"${AWS::StackName}-id"}"#);
        assert_eq!(output.condition.as_deref(), Some("Big"));
    }

    #[test]
    fn json_and_yaml_that_say_the_same_are_the_same() {
        let yaml = "Resources:\n  A: {Type: T, Properties: {B: !GetAtt C.D, E: !Sub x, F: 1}} # comment\n";
        let json = r#"{"Resources": {"A": {"Properties": {"F": 1, "B": {"Fn::GetAtt": ["C", "D"]}, "E": {"Fn::Sub": "x"}}, "Type": "T"}}}"#;
        assert_eq!(compare(yaml, json), Comparison::Same);
        assert_eq!(compare(yaml, &json.replace('1', "2")), Comparison::Different);
        assert_eq!(compare(yaml, &json.replace("\"Type\"", "\"Typ\"")), Comparison::Different);
    }

    #[test]
    fn what_cloudformation_forgets_is_not_a_difference() {
        let wanted = "Description: Zürich 🚀\nResources: {}\n";
        assert_eq!(compare(wanted, "Description: Z?rich ?\nResources: {}\n"), Comparison::SameInAscii);
        assert_eq!(compare(wanted, "Description: Z?rich\nResources: {}\n"), Comparison::Different);
        assert_eq!(compare("Description: Z?rich", "Description: Zürich"), Comparison::Different);
        assert_eq!(compare("? é", "? ?"), Comparison::SameInAscii, "though the live text is no template any more");
    }

    #[test]
    fn what_is_not_a_template_is_refused() {
        let refused = |text| Document::read(text).unwrap_err().to_string();
        insta::assert_snapshot!(refused("just a text"), @"a template is a map of sections (line 1, column 1)");
        insta::assert_snapshot!(refused(""), @"a template is a map of sections (line 1, column 1)");
        insta::assert_snapshot!(refused("A: 1\nResources: [a]"), @"the section Resources must be a map (line 2, column 1)");
    }
}
