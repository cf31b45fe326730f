//! What a template alone tells of a stack that is to be made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::super::{Expected, Regional};
use super::early;
use super::foresee::Draft;
use crate::aws::CallError;
use crate::cfn::{Context, Document, Evaluator, Function, Lookup, Node, Pseudo, Target, references};
use crate::preview::{Effect, ResourceChange};

/// A resource that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    kind: String,
    pub(super) id: String,
    /// A VPC's first address range, or a subnet's, once it was read.
    pub(super) range: Option<String>,
}

impl Made {
    pub(super) fn new(kind: String, id: String) -> Self {
        Self { kind, id, range: None }
    }

    /// Whether it has an address range that was not read yet.
    pub(super) fn lacks_range(&self) -> bool {
        early::has_range(&self.kind) && self.range.is_none()
    }

    /// Reads its address range, if EC2 shows it already.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through.
    pub(super) async fn read_range(&self, regional: &Regional) -> Result<Option<String>, CallError> {
        if self.kind == "AWS::EC2::Subnet" {
            return regional.subnet_range(&self.id).await;
        }
        Ok(regional.vpc(&self.id).await?.and_then(|found| found.ranges.into_iter().next()))
    }

    fn attribute(&self, name: &str) -> Lookup {
        match name {
            "CidrBlock" => self.range.as_deref().map_or(Lookup::Unknown, Into::into),
            name if early::is_told(&self.kind, name) => self.id.as_str().into(),
            _ => Lookup::Unknown,
        }
    }
}

/// A template with the parameters that are known. Of its resources nothing is, but of those that are said to be made.
pub(super) struct Declared<'a> {
    document: &'a Document,
    world: World<'a>,
}

impl<'a> Declared<'a> {
    pub(super) fn new(regional: &'a Regional, draft: &'a Draft, document: &'a Document) -> Self {
        let parameters = document.parameters.values().filter_map(|parameter| {
            // What Systems Manager holds is not known here, and what the template hides is shown nowhere: not by way of
            // an output either, which another stack may take for a parameter.
            let text = match draft.parameters.get(&parameter.name) {
                _ if parameter.is_ssm() || parameter.no_echo || draft.sensitive.contains(&parameter.name) => None,
                Some(Expected::Known(text)) => Some(text.as_str()),
                Some(Expected::Later(_)) => None,
                None => parameter.default.as_deref(),
            };
            let text = text.filter(|text| !text.contains("{{resolve:"))?;
            Some((parameter.name.as_str(), parameter.accept(text).ok()?))
        });
        Self { document, world: World { regional, name: &draft.name, parameters: parameters.collect(), made: None } }
    }

    /// The same with the resources that are complete, by their names in the template.
    pub(super) fn knowing(mut self, made: &'a BTreeMap<String, Made>) -> Self {
        self.world.made = Some(made);
        self
    }

    /// The evaluator of the template.
    pub(super) fn evaluator(&self) -> Evaluator<'_> {
        Evaluator::new(self.document, &self.world)
    }

    /// The value of a parameter, if it is known.
    pub(super) fn parameter(&self, name: &str) -> Option<&Json> {
        self.world.parameters.get(name)
    }

    /// Whether the template has a parameter of this name.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.document.parameters.contains_key(name)
    }

    /// The resources that will be made, and those of which a condition decides that is not known yet.
    pub(super) fn resources(&self) -> Vec<ResourceChange> {
        let evaluator = self.evaluator();
        let made = self.document.resources.values().filter_map(|resource| {
            let effect = match evaluator.exists(resource) {
                Ok(true) => Effect::Add,
                Ok(false) => return None,
                Err(_) => Effect::Unknown,
            };
            let (name, kind) = (resource.id.clone(), resource.type_name.clone());
            Some(ResourceChange { effect, resource: name, kind, id: None, properties: Vec::new(), nested: Vec::new() })
        });
        made.collect()
    }

    /// The outputs that will be the id of something of EC2 that the stack makes.
    pub(super) fn fresh(&self) -> BTreeSet<String> {
        own_ids(self.document).map(|(output, _)| output.to_owned()).collect()
    }

    /// The outputs whose values follow from the parameters.
    pub(super) fn outputs(&self) -> BTreeMap<String, String> {
        if self.document.has_macros {
            return BTreeMap::new();
        }
        let evaluator = self.evaluator();
        let known = self.document.outputs.values().filter_map(|output| {
            if output.condition.as_deref().is_some_and(|name| evaluator.holds(name) != Some(true)) {
                return None;
            }
            Some((output.name.clone(), evaluator.text(output.value.as_deref()?).ok()??))
        });
        known.collect()
    }
}

/// The outputs of a template that are the id of something of EC2 that its stack makes, each with the type of that.
fn own_ids(document: &Document) -> impl Iterator<Item = (&str, &str)> {
    let kind_of = |target: &Target<'_>| {
        let (name, attribute) = match *target {
            Target::Name(name) => (name, None),
            Target::Attribute { resource, attribute: Some(attribute) } => (resource, Some(attribute)),
            _ => return None,
        };
        let own = document.resources.get(name)?.type_name.as_str();
        // A subnet has a `VpcId`, too, and that is another's.
        let kind = own.strip_prefix("AWS::EC2::")?;
        let is_own = |of: &str| of.eq_ignore_ascii_case(&format!("{kind}Id")) || early::gives_id(own, of);
        attribute.is_none_or(is_own).then_some(own)
    };
    let outputs = document.outputs.values().filter(|_| !document.has_macros);
    outputs.filter_map(move |output| match references(output.value.as_deref()?, &|_| None).as_slice() {
        [only] => Some((output.name.as_str(), kind_of(&only.target)?)),
        _ => None,
    })
}

/// The VPCs and route tables among the outputs of a stack that was created by this template, as far as they are its own: not
/// what it was given and gives on. A VPC that the template may have linked to others by itself is not among them.
pub(super) fn made(template: &str, outputs: &BTreeMap<String, String>) -> Vec<String> {
    let Ok(document) = Document::shared(template) else { return Vec::new() };
    // What else is made with a VPC may link it to others.
    let may_link = |kind: &str| {
        let makes_others =
            ["AWS::EC2::VPCPeeringConnection", "AWS::CloudFormation::Stack", "AWS::CloudFormation::CustomResource"];
        makes_others.contains(&kind) || kind.starts_with("Custom::")
    };
    let links = document.resources.values().any(|resource| may_link(&resource.type_name));
    let is_told = |output: &str| {
        let value = document.outputs.get(output).and_then(|output| output.value.as_deref());
        let function = value.and_then(Node::call).map(|call| call.function);
        matches!(function, Some(Function::Ref | Function::GetAtt))
    };
    let own = own_ids(&document).filter(|(output, kind)| match *kind {
        "AWS::EC2::VPC" => !links && is_told(output),
        "AWS::EC2::RouteTable" => is_told(output),
        _ => false,
    });
    own.filter_map(|(output, kind)| outputs.get(output).filter(|id| early::is_id(kind, id))).cloned().collect()
}

struct World<'a> {
    regional: &'a Regional,
    name: &'a str,
    parameters: BTreeMap<&'a str, Json>,
    made: Option<&'a BTreeMap<String, Made>>,
}

impl World<'_> {
    fn made(&self, id: &str) -> Option<&Made> {
        self.made?.get(id)
    }
}

impl Context for World<'_> {
    fn parameter(&self, name: &str) -> Lookup {
        self.parameters.get(name).map_or(Lookup::Unknown, |value| value.clone().into())
    }

    fn pseudo(&self, pseudo: Pseudo) -> Lookup {
        let region = self.regional.region();
        match pseudo {
            Pseudo::AccountId => self.regional.account_id().as_str().into(),
            Pseudo::Region => region.as_str().into(),
            Pseudo::Partition => region.partition().into(),
            Pseudo::StackName => self.name.into(),
            Pseudo::NotificationArns | Pseudo::NoValue | Pseudo::StackId | Pseudo::UrlSuffix => Lookup::Unknown,
        }
    }

    fn resource(&self, id: &str) -> Lookup {
        self.made(id).map_or(Lookup::Unknown, |made| made.id.as_str().into())
    }

    fn attribute(&self, id: &str, attribute: &str) -> Lookup {
        self.made(id).map_or(Lookup::Unknown, |made| made.attribute(attribute))
    }

    fn export(&self, _: &str) -> Lookup {
        Lookup::Unknown
    }

    fn zones(&self, _: &str) -> Lookup {
        Lookup::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stack_has_made_is_told_from_what_it_was_given() {
        let template = "\
Parameters: {Given: {Type: String}, Is: {Type: String}}
Conditions: {Yes: !Equals [!Ref Is, 'yes']}
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}
  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc}}
  Subnet: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}}
  Route: {Type: 'AWS::EC2::Route', Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0}}
Outputs:
  Vpc: {Value: !Ref Vpc}
  VpcOfSubnet: {Value: !GetAtt Subnet.VpcId}
  Table: {Value: !GetAtt Table.RouteTableId}
  Given: {Value: !Ref Given}
  Select: {Value: !Select [0, [rtb-0aaa, !Ref Table]]}
  Sub: {Value: !Sub 'rtb-0aaa${Table}'}
  Either: {Value: !If [Yes, !Ref Table, !Ref Given]}
  Both: {Value: !Sub '${Table},${Given}'}
  Route: {Value: !Ref Route}
  Subnet: {Value: !Ref Subnet}
";
        let outputs = ["Vpc", "VpcOfSubnet", "Table", "Given", "Select", "Sub", "Either", "Both", "Route", "Subnet"]
            .map(|name| (name.to_owned(), format!("rtb-{name}")));
        let mut outputs: BTreeMap<String, String> = outputs.into();
        outputs.insert("Vpc".to_owned(), "vpc-1".to_owned());
        assert_eq!(made(template, &outputs), ["vpc-1", "rtb-Table"]);
        for linking in ["AWS::EC2::VPCPeeringConnection", "AWS::CloudFormation::Stack", "Custom::Link"] {
            let linked = template.replace("Resources:\n", &format!("Resources:\n  Link: {{Type: '{linking}'}}\n"));
            assert_eq!(made(&linked, &outputs), ["rtb-Table"], "{linking}");
        }
        let macros = format!("Transform: Own\n{template}");
        assert_eq!(made(&macros, &outputs), [""; 0], "a macro may have made another template of it");
    }
}
