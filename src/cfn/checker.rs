//! What CloudFormation refuses in a template before it looks at a single resource.

use std::ops::Range;

use super::dependency::{Dependency, circles};
use super::document::{Document, calls_transform};
use super::fault::{Declared, Fault, Remedy};
use super::function::Function;
use super::node::{Node, Value};
use super::pseudo::Pseudo;
use super::reference::{Reference, Target, conditions_in, references};
use super::resource::{Policy, Resource};
use super::sub;

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

/// What a declaration of each section may have.
const PARAMETER: [&str; 11] = [
    "Type",
    "Default",
    "AllowedValues",
    "AllowedPattern",
    "MinLength",
    "MaxLength",
    "MinValue",
    "MaxValue",
    "NoEcho",
    "Description",
    "ConstraintDescription",
];
const OUTPUT: [&str; 4] = ["Value", "Description", "Condition", "Export"];
const RESOURCE: [&str; 11] = [
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
const MAX_DESCRIPTION_BYTES: usize = 1024;

impl Document {
    /// Everything that CloudFormation would refuse, in the order of its own checks. A template with macros is only
    /// looked at as far as no macro can mend it, since the macros' output is what CloudFormation checks.
    pub fn faults(&self) -> Vec<Fault> {
        let mut checker = Checker { document: self, faults: Vec::new() };
        checker.parameters();
        checker.loops();
        if !self.is_a_macros() {
            checker.faults.splice(0..0, self.nulls());
            checker.parameter_types();
            checker.sections();
            checker.quotas();
            checker.names();
            checker.conditions();
            checker.rules();
            checker.resources();
            checker.outputs();
            checker.faults.extend(self.wrong_calls());
            checker.circles();
        }
        let mut faults: Vec<Fault> = Vec::with_capacity(checker.faults.len());
        for fault in checker.faults {
            // A variable that a text names twice, an anchor that is used twice.
            if !faults.iter().any(|known| known.at == fault.at && known.message == fault.message) {
                faults.push(fault);
            }
        }
        faults
    }
}

struct Checker<'a> {
    document: &'a Document,
    faults: Vec<Fault>,
}

impl<'a> Checker<'a> {
    fn add(&mut self, at: &Range<usize>, message: impl Into<String>, remedy: impl Into<String>) {
        self.faults.push(Fault::new(at, message, remedy));
    }

    /// A key that nobody knows.
    fn key(&mut self, at: &Range<usize>, message: impl Into<String>, name: &str, known: &'static [&'static str]) {
        let remedy = Remedy::Write { name: name.to_owned(), known };
        self.faults.push(Fault { remedy, ..Fault::new(at, message, "") });
    }

    /// A name that nothing declares.
    fn undeclared(&mut self, at: &Range<usize>, message: impl Into<String>, name: &str, sort: Declared) {
        let remedy = Remedy::Declare { name: name.to_owned(), sort };
        self.faults.push(Fault { remedy, ..Fault::new(at, message, "") });
    }

    /// Where a member of a declaration stands, or else `otherwise`.
    fn member(&self, section: &str, name: &str, member: &str, otherwise: &Range<usize>) -> Range<usize> {
        let node = self.document.root.get(section).and_then(|section| section.get(name)?.get(member));
        node.map_or_else(|| otherwise.clone(), |node| node.at.clone())
    }

    fn sections(&mut self) {
        for (name, entry) in self.document.root.as_map().into_iter().flatten() {
            if !SECTIONS.contains(&name.as_str()) {
                self.key(&entry.key_at, format!("Invalid template property or properties [{name}]"), name, &SECTIONS);
            }
        }
        if self.document.resources.is_empty() {
            let start = self.document.root.at.start;
            let at = self.section("Resources").unwrap_or(start..start);
            let message = "Template format error: At least one Resources member must be defined.";
            self.add(&at, message, "declare a resource below Resources");
        }
        if let Some(node) = self.document.root.get("Description")
            && !matches!(node.value, Value::Null)
        {
            match node.scalar() {
                None => {
                    let message = "Template format error: Template description must be a string.";
                    self.add(&node.at, message, "write one text: nothing is worked out here");
                }
                Some(text) if text.len() > MAX_DESCRIPTION_BYTES => {
                    let message =
                        format!("Template format error: 'Description' length is greater than {MAX_DESCRIPTION_BYTES}.");
                    let remedy = format!("it has {} bytes: say it in fewer words, or in comments", text.len());
                    self.add(&node.at, message, remedy);
                }
                Some(_) => {}
            }
        }
    }

    /// Where a section's key stands.
    fn section(&self, name: &str) -> Option<Range<usize>> {
        Some(self.document.root.as_map()?.get(name)?.key_at.clone())
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
                let section = format!("{}{}", what[..1].to_uppercase(), &what[1..]);
                let at = self.section(&section).unwrap_or(0..0);
                self.add(&at, message, "split it into several stacks whose parameters refer to each other's outputs");
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
                let message = format!("Template format error: {what} name {name} is non alphanumeric.");
                let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
                let remedy = if plain.is_empty() {
                    "give it a name of ASCII letters and digits".to_owned()
                } else {
                    format!("write ASCII letters and digits only: `{plain}`")
                };
                self.add(at, message, remedy);
            }
        }
    }

    fn parameters(&mut self) {
        let document = self.document;
        for parameter in document.parameters.values() {
            if parameter.type_name.is_empty() {
                let message = "Template format error: Every Parameters object must contain a Type member.";
                self.add(&parameter.at, message, "give it a type, such as `Type: String`");
            } else if let Some(default) = &parameter.default
                && !parameter.is_ssm()
                && let Err(refusal) = parameter.accept(default)
                && !(parameter.is_default_decimal && refusal.is_about_spelling())
            {
                let at = self.member("Parameters", &parameter.name, "Default", &parameter.at);
                let message = format!("Template validation error: {refusal}");
                self.add(&at, message, "give it a default that its own constraints allow, or none");
            }
        }
    }

    /// CloudFormation has types of its own for the ids of AWS's resources, of which there may be new ones.
    fn parameter_types(&mut self) {
        const PLAIN: [&str; 5] = ["String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"];
        for (name, node) in self.document.section("Parameters") {
            for (member, entry) in node.as_map().into_iter().flatten() {
                if !PARAMETER.contains(&member.as_str()) {
                    let message = format!("Invalid template parameter property '{member}'");
                    self.key(&entry.key_at, message, member, &PARAMETER);
                }
            }
            let default = node.get("Default").filter(|node| node.as_map().is_some());
            if let Some(default) = default {
                let message =
                    format!("Template format error: Every Default member must be a string (parameter {name}).");
                self.add(&default.at, message, "write the value itself: nothing is worked out among the parameters");
            }
        }
        for parameter in self.document.parameters.values().filter(|parameter| !parameter.type_name.is_empty()) {
            let name = parameter.type_name.as_str();
            if !PLAIN.contains(&name) && !name.starts_with("AWS::") && !name.starts_with("List<AWS::") {
                let at = self.member("Parameters", &parameter.name, "Type", &parameter.at);
                self.key(&at, format!("Template format error: Unrecognized parameter type: {name}"), name, &PLAIN);
            }
        }
    }

    fn conditions(&mut self) {
        let document = self.document;
        for node in document.conditions.values() {
            for reference in conditions_in(node) {
                self.parameters_only(&reference, "Conditions");
            }
            self.variables(node);
        }
        for circle in circles_of_conditions(document) {
            let name = circle[0];
            let message =
                format!("Template format error: Circular dependency between conditions: [{}]", circle.join(", "));
            let at = self.document.root.get("Conditions").and_then(|section| section.as_map()?.get(name));
            let at = at.map_or(0..0, |entry| entry.key_at.clone());
            self.add(&at, message, "a condition must come down to parameters: take one of these references away");
        }
    }

    /// Assertions about parameters.
    fn rules(&mut self) {
        if let Some(node) = self.document.root.get("Rules") {
            for reference in references(node, &|_| None) {
                self.parameters_only(&reference, "Rules");
            }
        }
    }

    /// A reference where nothing of resources is known yet.
    fn parameters_only(&mut self, reference: &Reference<'_>, section: &str) {
        let document = self.document;
        let name = match reference.target {
            Target::Attribute { resource, .. } => resource,
            Target::Name(name) if !document.parameters.contains_key(name) && Pseudo::named(name).is_none() => name,
            _ => return self.reference(reference, section),
        };
        let message = format!(
            "Template format error: Unresolved dependencies [{name}]. Cannot reference resources in the {section} block of the template"
        );
        self.undeclared(&reference.at, message, name, Declared::Parameter);
        self.of_variable(reference);
    }

    /// The last fault is about a reference: of `Fn::Sub`, about one variable.
    fn of_variable(&mut self, reference: &Reference<'_>) {
        if let Some(fault) = self.faults.last_mut() {
            fault.variable = reference.variable.map(str::to_owned);
        }
    }

    /// Loops are of `AWS::LanguageExtensions`; another macro may know them too.
    fn loops(&mut self) {
        let root = &self.document.root;
        if root.get("Transform").is_some() || calls_transform(root) {
            return;
        }
        let mut found = Vec::new();
        for section in ["Conditions", "Resources", "Outputs"] {
            root.get(section).into_iter().for_each(|node| loops_in(node, &mut found));
        }
        for at in found {
            let message = "Template format error: Fn::ForEach needs the transform AWS::LanguageExtensions";
            self.add(&at, message, "write `Transform: AWS::LanguageExtensions` at the top of the template");
        }
    }

    fn resources(&mut self) {
        let document = self.document;
        for resource in document.resources.values() {
            self.members(resource);
            if let Some(condition) = &resource.condition {
                let at = self.member("Resources", &resource.id, "Condition", &resource.at);
                self.condition(condition, &at, "Resources");
            }
            for (id, at) in &resource.depends_on {
                if !document.resources.contains_key(id) {
                    self.undeclared(at, unresolved(id, "Resources"), id, Declared::Resource);
                }
            }
            self.node(&resource.node, "Resources");
        }
    }

    fn members(&mut self, resource: &Resource) {
        let Some(members) = resource.node.as_map() else {
            let message =
                format!("Template format error: [/Resources/{}] resource definition is malformed", resource.id);
            return self.add(&resource.at, message, "write a map with `Type` and `Properties`");
        };
        if resource.type_name.is_empty() {
            let id = &resource.id;
            let message =
                format!("Template format error: [/Resources/{id}] Every Resources object must contain a Type member.");
            self.add(&resource.at, message, "give it a type, such as `Type: AWS::EC2::VPC`");
        }
        for (name, entry) in members {
            if !RESOURCE.contains(&name.as_str()) {
                self.key(&entry.key_at, format!("Invalid template resource property '{name}'"), name, &RESOURCE);
            }
        }
        self.is_text(&resource.node, "Condition");
        let needs = resource.node.get("DependsOn");
        for item in needs.into_iter().flat_map(|node| node.as_list().unwrap_or(std::slice::from_ref(node))) {
            if item.as_text().is_none() && !matches!(item.value, Value::Null) {
                let message = "Template format error: DependsOn must be a string or list of strings.";
                self.add(&item.at, message, "write the resource's logical id by itself, without `!Ref`");
            }
        }
        // `AWS::LanguageExtensions` takes calls here.
        if !self.document.has_macros {
            for name in ["DeletionPolicy", "UpdateReplacePolicy"] {
                self.is_text(&resource.node, name);
                let policy = resource.node.get(name).filter(|node| node.as_text().is_some());
                if let Some(node) = policy.filter(|node| Policy::read(node).is_none()) {
                    let (text, id) = (node.as_text().unwrap_or_default(), &resource.id);
                    let message = format!("Template format error: Unrecognized {name} {text} for resource {id}");
                    self.key(&node.at, message, text, &Policy::NAMES);
                }
            }
        }
    }

    /// Whether a member is a text, if it is there. YAML makes a truth value of `No`, which then names nothing.
    fn is_text(&mut self, node: &Node, member: &str) {
        if let Some(value) = node.get(member).filter(|node| node.as_text().is_none())
            && !matches!(value.value, Value::Null)
        {
            let message = format!("Template format error: Every {member} member must be a string.");
            let remedy = match value.value {
                Value::Bool(_) => "put quotes around it: YAML takes the word for true or false".to_owned(),
                _ => format!("write one word after `{member}:`; nothing is worked out here"),
            };
            self.add(&value.at, message, remedy);
        }
    }

    fn outputs(&mut self) {
        let document = self.document;
        for output in document.outputs.values() {
            if let Some(condition) = &output.condition {
                let at = self.member("Outputs", &output.name, "Condition", &output.at);
                self.condition(condition, &at, "Outputs");
            }
            if let Some(node) = self.document.root.get("Outputs").and_then(|outputs| outputs.get(&output.name)) {
                self.is_text(node, "Condition");
                for (member, entry) in node.as_map().into_iter().flatten() {
                    if !OUTPUT.contains(&member.as_str()) {
                        let message = format!("Invalid template output property '{member}'");
                        self.key(&entry.key_at, message, member, &OUTPUT);
                    }
                }
            }
            if let Some(value) = &output.value {
                self.node(value, "Outputs");
            } else {
                let message = "Template format error: Every Outputs member must contain a Value object";
                self.add(&output.at, message, "give it a value: `Value: …`");
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
        let dependencies = document.dependencies(&|_| None);
        for circle in document.circles(&|_| None).into_iter().filter(|circle| circle.iter().all(certain)) {
            let at = &document.resources[circle[0]].at;
            let message = format!("Circular dependency between resources: [{}]", circle.join(", "));
            let within = |need: &&Dependency<'_>| circle.contains(&need.from) && circle.contains(&need.to);
            let words = |need: &Dependency<'_>| (need.at.clone(), format!("{} needs {}", need.from, need.to));
            let related = dependencies.iter().filter(within).map(words).collect();
            let remedy = "take one of these references away, or move it to a resource of its own";
            self.faults.push(Fault { related, ..Fault::new(at, message, remedy) });
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
                    self.undeclared(&reference.at, unresolved(name, section), name, Declared::Name);
                    self.of_variable(reference);
                }
            }
            Target::Attribute { resource, .. } if !document.resources.contains_key(resource) => {
                let message =
                    format!("Template error: instance of Fn::GetAtt references undefined resource {resource}");
                self.undeclared(&reference.at, message, resource, Declared::Resource);
                self.of_variable(reference);
            }
            Target::Condition(name) => self.condition(name, &reference.at, section),
            // With `AWS::LanguageExtensions` a default may stand in for the mapping.
            Target::Mapping(name) if !document.has_macros && !document.mappings.contains_key(name) => {
                let message = format!(
                    "Template error: Mapping named '{name}' is not present in the 'Mappings' section of template."
                );
                self.undeclared(&reference.at, message, name, Declared::Mapping);
            }
            Target::Attribute { .. } | Target::Mapping(_) => {}
        }
    }

    fn condition(&mut self, name: &str, at: &Range<usize>, section: &str) {
        if !self.document.conditions.contains_key(name) {
            let message = format!(
                "Template format error: Unresolved condition dependency {name} in the {section} block of the template"
            );
            self.undeclared(at, message, name, Declared::Condition);
        }
    }

    /// `Fn::Sub` with names that no reference can have.
    fn variables(&mut self, node: &Node) {
        if let Some(argument) = node.get("Fn::Sub") {
            let text = argument.as_list().and_then(|items| items.first()).unwrap_or(argument);
            if let Some(Err(error)) = text.as_text().map(sub::pieces) {
                let remedy = "for the text itself write `${!…}`, which gives `${…}`";
                let fault = Fault::new(&text.at, format!("Template error: {error}"), remedy);
                self.faults.push(Fault { variable: Some(error.name), ..fault });
            }
        }
        node.as_list().into_iter().flatten().for_each(|item| self.variables(item));
        node.as_map().into_iter().flatten().for_each(|(_, entry)| self.variables(&entry.node));
    }
}

fn unresolved(name: &str, section: &str) -> String {
    format!("Template format error: Unresolved resource dependencies [{name}] in the {section} block of the template")
}

/// Conditions that are made of themselves.
fn circles_of_conditions(document: &Document) -> Vec<Vec<&str>> {
    let needs = document.conditions.iter().flat_map(|(name, node)| {
        conditions_in(node).into_iter().filter_map(|reference| match reference.target {
            Target::Condition(needed) if document.conditions.contains_key(needed) => Some((name.as_str(), needed)),
            _ => None,
        })
    });
    circles(document.conditions.keys().map(String::as_str), needs)
}

/// The keys of the outermost loops.
fn loops_in(node: &Node, found: &mut Vec<Range<usize>>) {
    for (key, entry) in node.as_map().into_iter().flatten() {
        if key.starts_with("Fn::ForEach::") {
            found.push(entry.key_at.clone());
        } else {
            loops_in(&entry.node, found);
        }
    }
    node.as_list().into_iter().flatten().for_each(|item| loops_in(item, found));
}

/// Whether a function is called anywhere inside.
fn calls(node: &Node, function: Function) -> bool {
    node.call().is_some_and(|call| call.function == function)
        || node.as_map().is_some_and(|map| map.values().any(|entry| calls(&entry.node, function)))
        || node.as_list().is_some_and(|items| items.iter().any(|item| calls(item, function)))
}

#[cfg(test)]
mod tests;
