//! What CloudFormation refuses in a template before it looks at a single resource.

use std::ops::Range;

use super::document::Document;
use super::node::Node;
use super::pseudo::Pseudo;
use super::reference::{Reference, Target, conditions_in, references};
use super::resource::Resource;
use super::sub;

/// One mistake. The message is CloudFormation's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it is.
    pub at: Range<usize>,
    /// What CloudFormation says.
    pub message: String,
}

const SECTIONS: [&str; 11] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Hooks",
    "Resources",
    "Outputs",
];

const MEMBERS: [&str; 9] = [
    "Type",
    "Properties",
    "Condition",
    "DependsOn",
    "Metadata",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "UpdatePolicy",
    "CreationPolicy",
];

/// Quotas of one template (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>).
const MAX_RESOURCES: usize = 500;
const MAX_PARAMETERS: usize = 200;
const MAX_OUTPUTS: usize = 200;

impl Document {
    /// Everything that CloudFormation would refuse, in the order of its own checks. A template with macros is only
    /// looked at as far as no macro can mend it, since the macros' output is what CloudFormation checks.
    pub fn faults(&self) -> Vec<Fault> {
        let mut checker = Checker { document: self, faults: Vec::new() };
        checker.parameters();
        if !self.has_macros {
            checker.sections();
            checker.quotas();
            checker.names();
            checker.conditions();
            checker.resources();
            checker.outputs();
            checker.circles();
        }
        checker.faults
    }
}

struct Checker<'a> {
    document: &'a Document,
    faults: Vec<Fault>,
}

impl<'a> Checker<'a> {
    fn add(&mut self, at: &Range<usize>, message: impl Into<String>) {
        self.faults.push(Fault { at: at.clone(), message: message.into() });
    }

    fn sections(&mut self) {
        for (name, entry) in self.document.root.as_map().into_iter().flatten() {
            if !SECTIONS.contains(&name.as_str()) {
                self.add(&entry.key_at, format!("Invalid template property or properties [{name}]"));
            }
        }
        if self.document.resources.is_empty() {
            let at = self.document.root.at.start..self.document.root.at.start;
            self.add(&at, "Template format error: At least one Resources member must be defined.");
        }
    }

    fn quotas(&mut self) {
        let document = self.document;
        for (what, count, most) in [
            ("resources", document.resources.len(), MAX_RESOURCES),
            ("parameters", document.parameters.len(), MAX_PARAMETERS),
            ("outputs", document.outputs.len(), MAX_OUTPUTS),
        ] {
            if count > most {
                let message = format!(
                    "Template format error: Number of {what}, {count}, is greater than maximum allowed, {most}"
                );
                self.add(&(0..0), message);
            }
        }
    }

    fn names(&mut self) {
        let document = self.document;
        let resources = document.resources.values().map(|resource| ("Resource", &resource.id, &resource.at));
        let parameters = document.parameters.values().map(|parameter| ("Parameter", &parameter.name, &parameter.at));
        let outputs = document.outputs.values().map(|output| ("Outputs", &output.name, &output.at));
        for (what, name, at) in parameters.chain(resources).chain(outputs) {
            if !name.chars().all(|c| c.is_ascii_alphanumeric()) || name.is_empty() {
                self.add(at, format!("Template format error: {what} name {name} is non alphanumeric."));
            }
        }
    }

    fn parameters(&mut self) {
        let document = self.document;
        for parameter in document.parameters.values() {
            if parameter.type_name.is_empty() {
                self.add(&parameter.at, "Template format error: Every Parameters object must contain a Type member.");
            } else if let Some(default) = &parameter.default
                && !parameter.is_ssm()
                && let Err(refusal) = parameter.accept(default)
            {
                self.add(&parameter.at, format!("Template validation error: {refusal}"));
            }
        }
    }

    fn conditions(&mut self) {
        let document = self.document;
        for node in document.conditions.values() {
            for reference in conditions_in(node) {
                let is_resource = match reference.target {
                    Target::Attribute { .. } => true,
                    Target::Name(name) => document.resources.contains_key(name),
                    _ => false,
                };
                if is_resource {
                    let name = name_of(&reference);
                    let message = format!(
                        "Template format error: Unresolved dependencies [{name}]. Cannot reference resources in the Conditions block of the template"
                    );
                    self.add(&reference.at, message);
                } else {
                    self.reference(&reference, "Conditions");
                }
            }
        }
    }

    fn resources(&mut self) {
        let document = self.document;
        for resource in document.resources.values() {
            self.members(resource);
            if let Some(condition) = &resource.condition {
                self.condition(condition, &resource.at, "Resources");
            }
            for (id, at) in &resource.depends_on {
                if !document.resources.contains_key(id) {
                    self.add(at, unresolved(id, "Resources"));
                }
            }
            self.node(&resource.node, "Resources");
        }
    }

    fn members(&mut self, resource: &Resource) {
        let Some(members) = resource.node.as_map() else {
            let message =
                format!("Template format error: [/Resources/{}] resource definition is malformed", resource.id);
            return self.add(&resource.at, message);
        };
        if resource.type_name.is_empty() {
            let id = &resource.id;
            let message =
                format!("Template format error: [/Resources/{id}] Every Resources object must contain a Type member.");
            self.add(&resource.at, message);
        }
        for (name, entry) in members {
            if !MEMBERS.contains(&name.as_str()) {
                self.add(&entry.key_at, format!("Invalid template resource property '{name}'"));
            }
        }
    }

    fn outputs(&mut self) {
        let document = self.document;
        for output in document.outputs.values() {
            if let Some(condition) = &output.condition {
                self.condition(condition, &output.at, "Outputs");
            }
            match &output.value {
                Some(value) => self.node(value, "Outputs"),
                None => self.add(&output.at, "Template format error: Every Outputs member must contain a Value object"),
            }
            if let Some(export) = &output.export {
                self.node(export, "Outputs");
            }
        }
    }

    fn circles(&mut self) {
        let document = self.document;
        for circle in document.circles(&|_| None) {
            let at = document.resources[circle[0]].at.clone();
            self.add(&at, format!("Circular dependency between resources: [{}]", circle.join(", ")));
        }
    }

    fn node(&mut self, node: &'a Node, section: &str) {
        for reference in references(node, &|_| None) {
            self.reference(&reference, section);
        }
        self.variables(node);
    }

    fn reference(&mut self, reference: &Reference<'_>, section: &str) {
        let document = self.document;
        match reference.target {
            Target::Name(name) => {
                let known = document.parameters.contains_key(name) || document.resources.contains_key(name);
                if !known && Pseudo::named(name).is_none() {
                    self.add(&reference.at, unresolved(name, section));
                }
            }
            Target::Attribute { resource, .. } if !document.resources.contains_key(resource) => {
                let message =
                    format!("Template error: instance of Fn::GetAtt references undefined resource {resource}");
                self.add(&reference.at, message);
            }
            Target::Condition(name) => self.condition(name, &reference.at, section),
            Target::Mapping(name) if !document.mappings.contains_key(name) => {
                let message = format!(
                    "Template error: Mapping named '{name}' is not present in the 'Mappings' section of template."
                );
                self.add(&reference.at, message);
            }
            Target::Attribute { .. } | Target::Mapping(_) => {}
        }
    }

    fn condition(&mut self, name: &str, at: &Range<usize>, section: &str) {
        if !self.document.conditions.contains_key(name) {
            let message = format!(
                "Template format error: Unresolved condition dependency {name} in the {section} block of the template"
            );
            self.add(at, message);
        }
    }

    /// `Fn::Sub` with names that no reference can have.
    fn variables(&mut self, node: &Node) {
        if let Some(argument) = node.get("Fn::Sub") {
            let text = argument.as_list().and_then(|items| items.first()).unwrap_or(argument);
            if let Some(Err(error)) = text.as_text().map(sub::pieces) {
                self.add(&text.at, format!("Template error: {error}"));
            }
        }
        node.as_list().into_iter().flatten().for_each(|item| self.variables(item));
        node.as_map().into_iter().flatten().for_each(|(_, entry)| self.variables(&entry.node));
    }
}

fn unresolved(name: &str, section: &str) -> String {
    format!("Template format error: Unresolved resource dependencies [{name}] in the {section} block of the template")
}

fn name_of<'a>(reference: &Reference<'a>) -> &'a str {
    match reference.target {
        Target::Name(name)
        | Target::Attribute { resource: name, .. }
        | Target::Condition(name)
        | Target::Mapping(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every fault with the text at its place.
    fn faults(text: &str) -> String {
        let document = Document::read(text).unwrap();
        let shown = |fault: Fault| format!("{} <- {}", fault.message, &text[fault.at]);
        document.faults().into_iter().map(shown).collect::<Vec<_>>().join(
            "
",
        )
    }

    #[test]
    fn a_sound_template_has_none() {
        let text = "Parameters: {P: {Type: String, Default: x}}\nMappings: {M: {a: {b: c}}}\nConditions: {C: !Equals [!Ref P, x], D: !Not [!Condition C]}\nResources:\n  A: {Type: T, Condition: C, Properties: {X: !Sub '${P}${AWS::Region}', Y: !FindInMap [M, a, b]}}\n  B: {Type: T, DependsOn: A, Properties: {Condition: {StringEquals: x}, Z: !If [D, !GetAtt A.X, 1]}}\nOutputs: {O: {Value: !Ref A, Condition: C}}";
        assert_eq!(faults(text), "");
    }

    #[test]
    fn every_reference_must_lead_somewhere() {
        let text = "Conditions: {C: !Equals [!Ref A, x], D: !Or [!Condition E, !Condition C]}\nResources:\n  A: {Type: T, DependsOn: B, Properties: {X: !Ref F, Y: !GetAtt G.H, Z: !If [I, 1, !FindInMap [J, a, b]], W: !Sub '${K}'}}\nOutputs: {O: {Value: !Ref L, Condition: M}}";
        insta::assert_snapshot!(faults(text), @"
        Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template <- A
        Template format error: Unresolved condition dependency E in the Conditions block of the template <- E
        Template format error: Unresolved resource dependencies [B] in the Resources block of the template <- B
        Template format error: Unresolved resource dependencies [F] in the Resources block of the template <- F
        Template error: instance of Fn::GetAtt references undefined resource G <- G.H
        Template format error: Unresolved condition dependency I in the Resources block of the template <- I
        Template error: Mapping named 'J' is not present in the 'Mappings' section of template. <- !FindInMap [J, a, b]
        Template format error: Unresolved resource dependencies [K] in the Resources block of the template <- '${K}'
        Template format error: Unresolved condition dependency M in the Outputs block of the template <- O
        Template format error: Unresolved resource dependencies [L] in the Outputs block of the template <- L
        ");
    }

    #[test]
    fn the_structure_must_be_a_templates() {
        let text = "Globals: {}\nParameters: {P: {Default: x}, Q: {Type: Number, Default: x}}\nResources:\n  A-B: {Type: T, Propertys: {}}\n  C: {Properties: {X: !Sub '${a b}'}}\nOutputs: {O: {}}";
        insta::assert_snapshot!(faults(text), @"
        Template format error: Every Parameters object must contain a Type member. <- P
        Template validation error: Parameter 'Q' must be a number <- Q
        Invalid template property or properties [Globals] <- Globals
        Template format error: Resource name A-B is non alphanumeric. <- A-B
        Invalid template resource property 'Propertys' <- Propertys
        Template format error: [/Resources/C] Every Resources object must contain a Type member. <- C
        Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons, not `a b` <- '${a b}'
        Template format error: Every Outputs member must contain a Value object <- O
        ");
        insta::assert_snapshot!(faults("Resources: {}"), @"Template format error: At least one Resources member must be defined. <-");
    }

    #[test]
    fn circles_are_refused() {
        let text = "Resources:\n  A: {Type: T, DependsOn: B}\n  B: {Type: T, DependsOn: A}";
        insta::assert_snapshot!(faults(text), @"Circular dependency between resources: [A, B] <- A");
    }

    #[test]
    fn what_a_macro_may_mend_is_left_to_it() {
        assert_eq!(faults("Transform: AWS::Serverless-2016-10-31\nGlobals: {}\nResources: {A: {X: !Ref B}}"), "");
    }

    #[test]
    fn quotas_are_held() {
        let resources: Vec<String> = (0..501).map(|index| format!("  R{index}: {{Type: T}}")).collect();
        let message = faults(&format!("Resources:\n{}", resources.join("\n")));
        assert!(
            message
                .starts_with("Template format error: Number of resources, 501, is greater than maximum allowed, 500")
        );
    }
}
