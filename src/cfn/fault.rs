//! What CloudFormation refuses in a template before it looks at a single resource.

use std::ops::Range;

use super::document::Document;
use super::function::Function;
use super::node::{Node, Value};
use super::pseudo::Pseudo;
use super::reference::{Reference, Target, conditions_in, references};
use super::resource::{Policy, Resource};
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

const MEMBERS: [&str; 11] = [
    "Type",
    "Properties",
    "Condition",
    "DependsOn",
    "Metadata",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "UpdatePolicy",
    "CreationPolicy",
    // Of custom resources, and of any resource: CloudFormation takes both and does nothing with the second.
    "Version",
    "Description",
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
        if !self.is_a_macros() {
            checker.faults.splice(0..0, self.nulls());
            checker.parameter_types();
            checker.sections();
            checker.quotas();
            checker.names();
            checker.conditions();
            checker.resources();
            checker.outputs();
            checker.faults.extend(self.wrong_calls());
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

    /// CloudFormation has types of its own for the ids of AWS's resources, of which there may be new ones.
    fn parameter_types(&mut self) {
        const PLAIN: [&str; 5] = ["String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"];
        for parameter in self.document.parameters.values().filter(|parameter| !parameter.type_name.is_empty()) {
            let name = parameter.type_name.as_str();
            if !PLAIN.contains(&name) && !name.starts_with("AWS::") && !name.starts_with("List<AWS::") {
                self.add(&parameter.at, format!("Template format error: Unrecognized parameter type: {name}"));
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
        self.is_text(&resource.node, "Condition");
        let needs = resource.node.get("DependsOn");
        for item in needs.into_iter().flat_map(|node| node.as_list().unwrap_or(std::slice::from_ref(node))) {
            if item.as_text().is_none() && !matches!(item.value, Value::Null) {
                self.add(&item.at, "Template format error: DependsOn must be a string or list of strings.");
            }
        }
        // `AWS::LanguageExtensions` takes calls here.
        if !self.document.has_macros {
            for name in ["DeletionPolicy", "UpdateReplacePolicy"] {
                self.is_text(&resource.node, name);
                let policy = resource.node.get(name).filter(|node| node.as_text().is_some());
                if let Some(node) = policy.filter(|node| Policy::read(node).is_none()) {
                    let (text, id) = (node.as_text().unwrap_or_default(), &resource.id);
                    self.add(&node.at, format!("Template format error: Unrecognized {name} {text} for resource {id}"));
                }
            }
        }
    }

    /// Whether a member is a text, if it is there. YAML makes a truth value of `No`, which then names nothing.
    fn is_text(&mut self, node: &Node, member: &str) {
        if let Some(value) = node.get(member).filter(|node| node.as_text().is_none())
            && !matches!(value.value, Value::Null)
        {
            self.add(&value.at, format!("Template format error: Every {member} member must be a string."));
        }
    }

    fn outputs(&mut self) {
        let document = self.document;
        for output in document.outputs.values() {
            if let Some(condition) = &output.condition {
                self.condition(condition, &output.at, "Outputs");
            }
            if let Some(node) = self.document.root.get("Outputs").and_then(|outputs| outputs.get(&output.name)) {
                self.is_text(node, "Condition");
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
        // Of an `Fn::If`, and of resources with conditions, not all may hold at once: such a circle may be none.
        let certain = |id: &&str| {
            let resource = &document.resources[*id];
            resource.condition.is_none() && !calls(&resource.node, Function::If)
        };
        for circle in document.circles(&|_| None).into_iter().filter(|circle| circle.iter().all(certain)) {
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
            // With `AWS::LanguageExtensions` a default may stand in for the mapping.
            Target::Mapping(name) if !document.has_macros && !document.mappings.contains_key(name) => {
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

/// Whether a function is called anywhere inside.
fn calls(node: &Node, function: Function) -> bool {
    node.call().is_some_and(|call| call.function == function)
        || node.as_map().is_some_and(|map| map.values().any(|entry| calls(&entry.node, function)))
        || node.as_list().is_some_and(|items| items.iter().any(|item| calls(item, function)))
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
    fn null_is_refused_where_it_is_certain_to_be() {
        let text = "Parameters: {P: {Type: String, Default: }}\nMappings: {M: {a: {b: ~}}}\nResources:\n  A: {Type: T, Properties: }\n  B: {Type: T, DependsOn: , Metadata: {X: null}, Properties: {X: ~, Y: {Z: null}}}\n  C: {Type: 'Custom::T', Properties: {X: null}}\nOutputs: {O: {Value: null}}";
        insta::assert_snapshot!(faults(text).replace("<- \n", "<-\n"), @"
        [/Parameters/P/Default] 'null' values are not allowed in templates <-
        [/Mappings/M/a/b] 'null' values are not allowed in templates <- ~
        [/Resources/A/Properties] 'null' values are not allowed in templates <-
        [/Resources/B/DependsOn] 'null' values are not allowed in templates <-
        [/Resources/B/Properties/X] 'null' values are not allowed in templates <- ~
        [/Outputs/O/Value] 'null' values are not allowed in templates <- null
        ");
    }

    #[test]
    fn calls_must_have_a_form_that_functions_take() {
        let text = "Conditions: {C: !Not [!Equals [a]], D: !And [!Condition C]}\nResources:\n  V: {Type: T}\n  A: {Type: T, Properties: {A: !GetAtt V, B: !If [C, x], C: !Reff V, D: {'Fn::Nope': x}, E: !Join [',', x], F: !Sub [a, b], G: !FindInMap [M, a], H: !Ref [V], I: !Select [0], J: !Split [a], K: !Cidr [a], L: !ToJsonString {a: b}}}\nOutputs: {O: {Value: !GetAtt [V]}}";
        insta::assert_snapshot!(faults(text), @"
        Template error: Mapping named 'M' is not present in the 'Mappings' section of template. <- !FindInMap [M, a]
        Template error: every Fn::Equals object requires a list of 2 string parameters. <- !Equals [a]
        Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters. <- !And [!Condition C]
        Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute <- V
        Template error: Fn::If requires a list argument with three elements <- !If [C, x]
        Template error: encountered unsupported function: Fn::Reff <- V
        Template error: encountered unsupported function: Fn::Nope <- {'Fn::Nope': x}
        Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined. <- !Join [',', x]
        Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string <- !Sub [a, b]
        Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value <- !FindInMap [M, a]
        Template format error: every Ref object must have a single String value. <- !Ref [V]
        Template error: Fn::Select requires a list argument with two elements: an integer index and a list <- !Select [0]
        Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split. <- !Split [a]
        Template error: every Fn::Cidr object requires two parameters, (1) a CIDR block and (2) a count, and an optional third, the number of subnet bits <- !Cidr [a]
        Template error: encountered unsupported function: Fn::ToJsonString <- !ToJsonString {a: b}
        Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute <- !GetAtt [V]
        ");
        let sound = "Resources:\n  V: {Type: T}\n  A: {Type: T, Properties: {A: !GetAtt [V, !Ref AWS::Region], B: !Join [',', !GetAZs ''], C: !GetStackOutput {StackName: x}, D: {Fn::Nope: x, Other: y}, E: !Sub 5, F: !Cidr [a, b], G: !Base64 {Ref: V}, H: {'Fn::GetAZs': }}}";
        assert_eq!(faults(sound), "");
    }

    #[test]
    fn members_that_name_something_must_be_texts() {
        let text = "Resources:\n  A: {Type: T, Condition: No, DependsOn: [B, 1, !Ref B], DeletionPolicy: Keep, UpdateReplacePolicy: !Ref P}\n  B: {Type: T}\nOutputs: {O: {Value: x, Condition: Yes}}\nParameters: {P: {Type: Text}, Q: {Type: 'AWS::EC2::Thing::Id'}, R: {Type: 'List<Text>'}}";
        insta::assert_snapshot!(faults(text), @"
        Template format error: Unrecognized parameter type: Text <- P
        Template format error: Unrecognized parameter type: List<Text> <- R
        Template format error: Every Condition member must be a string. <- No
        Template format error: DependsOn must be a string or list of strings. <- 1
        Template format error: DependsOn must be a string or list of strings. <- B
        Template format error: Unrecognized DeletionPolicy Keep for resource A <- Keep
        Template format error: Every UpdateReplacePolicy member must be a string. <- P
        Template format error: Every Condition member must be a string. <- Yes
        ");
    }

    #[test]
    fn the_language_extensions_are_no_macro_that_could_mend_a_template() {
        let extended = |rest: &str| faults(&format!("Transform: AWS::LanguageExtensions\n{rest}"));
        assert_eq!(
            extended(
                "Parameters: {P: {Type: String}}\nResources: {A: {Type: T, DeletionPolicy: !Ref P, Properties: {X: !Length [a], Y: !FindInMap [M, a, b, {DefaultValue: c}], Z: !Ref {Ref: P}}}}"
            ),
            ""
        );
        assert_eq!(
            extended("Resources: {A: {Type: T, DependsOn: A}}"),
            "Circular dependency between resources: [A] <- A"
        );
        assert_eq!(extended("Resources: {'Fn::ForEach::X': [a, [b], {}], A: {Type: T, DependsOn: A}}"), "");
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
