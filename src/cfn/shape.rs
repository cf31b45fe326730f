//! Values of a form that CloudFormation refuses wherever they stand: null, functions that it does not have, and calls
//! that no function takes. Only what is certain is said: a property that takes any JSON may hold null further inside.

use super::document::Document;
use super::eval_error::usage;
use super::fault::{Fault, Remedy};
use super::function::{Call, Function};
use super::node::{Node, Value};

/// Functions that CloudFormation evaluates and that nothing here does.
const ELSEWHERE: [&str; 1] = ["Fn::GetStackOutput"];

/// The functions that `AWS::LanguageExtensions` brings.
const EXTENSIONS: [&str; 2] = ["Fn::Length", "Fn::ToJsonString"];

impl Document {
    /// Every null where none may stand, in the order of the sections.
    pub(super) fn nulls(&self) -> Vec<Fault> {
        let mut found = Vec::new();
        for (name, parameter) in self.section("Parameters") {
            null_members(parameter, &format!("/Parameters/{name}"), &mut found);
        }
        for (name, mapping) in self.section("Mappings") {
            let path = format!("/Mappings/{name}");
            null_members(mapping, &path, &mut found);
            for (key, entry) in
                mapping.as_map().into_iter().flatten().filter(|(_, entry)| entry.node.as_map().is_some())
            {
                null_members(&entry.node, &format!("{path}/{key}"), &mut found);
            }
        }
        for (name, condition) in self.section("Conditions") {
            null(condition, &format!("/Conditions/{name}"), &mut found);
        }
        for (name, resource) in self.section("Resources") {
            let path = format!("/Resources/{name}");
            null_members(resource, &path, &mut found);
            let takes_anything = self.resources.get(name).is_none_or(|resource| takes_anything(&resource.type_name));
            let properties = resource.get("Properties").filter(|node| node.as_map().is_some());
            if let Some(properties) = properties.filter(|_| !takes_anything) {
                null_members(properties, &format!("{path}/Properties"), &mut found);
            }
        }
        for (name, output) in self.section("Outputs") {
            let path = format!("/Outputs/{name}");
            null_members(output, &path, &mut found);
            if let Some(export) = output.get("Export").filter(|node| node.as_map().is_some()) {
                null_members(export, &format!("{path}/Export"), &mut found);
            }
        }
        found
    }

    /// Every call that CloudFormation refuses for its form, in the order of the sections.
    pub(super) fn wrong_calls(&self) -> Vec<Fault> {
        let mut checker = Calls { extended: !self.transforms.is_empty(), found: Vec::new() };
        for condition in self.conditions.values() {
            checker.node(condition);
        }
        for properties in self.resources.values().filter_map(|resource| resource.properties.as_deref()) {
            checker.node(properties);
        }
        for output in self.outputs.values() {
            output.value.iter().chain(&output.export).for_each(|node| checker.node(node));
        }
        checker.found
    }

    /// The entries of a section as they are written.
    pub(super) fn section<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, &'a Node)> {
        let map = self.root.get(name).and_then(Node::as_map);
        map.into_iter().flatten().map(|(key, entry)| (key.as_str(), entry.node.as_ref()))
    }
}

/// Whether a type's properties are its own affair.
fn takes_anything(type_name: &str) -> bool {
    type_name.starts_with("Custom::") || type_name == "AWS::CloudFormation::CustomResource"
}

/// A map's members, or the map itself. What `Metadata` holds is left alone.
fn null_members(node: &Node, path: &str, found: &mut Vec<Fault>) {
    null(node, path, found);
    for (name, entry) in node.as_map().into_iter().flatten().filter(|(name, _)| *name != "Metadata") {
        null(&entry.node, &format!("{path}/{name}"), found);
    }
}

fn null(node: &Node, path: &str, found: &mut Vec<Fault>) {
    if matches!(node.value, Value::Null) {
        let message = format!("[{path}] 'null' values are not allowed in templates");
        found.push(Fault::new(&node.at, message, "give it a value, or take the key away"));
    }
}

struct Calls {
    /// Whether `AWS::LanguageExtensions` runs over the template.
    extended: bool,
    found: Vec<Fault>,
}

impl Calls {
    fn node(&mut self, node: &Node) {
        if let Some(call) = node.call() {
            if !self.exists(&call) {
                let message = format!("Template error: encountered unsupported function: {}", call.key);
                let remedy = if EXTENSIONS.contains(&call.key) {
                    Remedy::Do("write `Transform: AWS::LanguageExtensions` at the top of the template".to_owned())
                } else {
                    Remedy::Write { name: call.key.to_owned(), known: &Function::KEYS }
                };
                self.found.push(Fault { remedy, ..Fault::new(&node.at, message, "") });
            } else if !takes(&call, self.extended) {
                let remedy = format!("write it as {}", form(call.function));
                self.found.push(Fault::new(&node.at, usage(call.function), remedy));
            }
        }
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| self.node(item)),
            Value::Map(map) => map.values().for_each(|entry| self.node(&entry.node)),
            _ => {}
        }
    }

    fn exists(&self, call: &Call<'_>) -> bool {
        if call.function == Function::Other {
            return ELSEWHERE.contains(&call.key);
        }
        self.extended || !EXTENSIONS.contains(&call.key)
    }
}

/// How a function is called.
fn form(function: Function) -> &'static str {
    match function {
        Function::Ref => "`!Ref Name`",
        Function::GetAtt => "`!GetAtt Resource.Attribute`",
        Function::Sub => "`!Sub text`, or `!Sub [text, {Name: value}]`",
        Function::Join => "`!Join [delimiter, [value, …]]`",
        Function::Select => "`!Select [index, [value, …]]`",
        Function::Split => "`!Split [delimiter, text]`",
        Function::Cidr => "`!Cidr [block, count, bits]`",
        Function::FindInMap => "`!FindInMap [Mapping, key, name]`",
        Function::If => "`!If [Condition, value, other]`",
        Function::Equals => "`!Equals [value, other]`",
        Function::And => "`!And [condition, …]` with 2 to 10 conditions",
        Function::Or => "`!Or [condition, …]` with 2 to 10 conditions",
        Function::Not => "`!Not [condition]`",
        Function::GetAzs => "`!GetAZs region`",
        Function::Base64 => "`!Base64 text`",
        Function::ImportValue => "`!ImportValue name`",
        Function::Length => "`Fn::Length: [value, …]`",
        Function::ToJsonString => "`Fn::ToJsonString: {key: value}`",
        Function::Transform | Function::Other => "its documentation says",
    }
}

/// Whether a function takes an argument of this form. With `AWS::LanguageExtensions` names may be calls themselves.
fn takes(call: &Call<'_>, extended: bool) -> bool {
    let argument = call.argument;
    let count = argument.as_list().map(<[Node]>::len);
    let is_call = |node: &Node| node.call().is_some();
    let is_list = |node: &Node| node.as_list().is_some() || is_call(node);
    match call.function {
        Function::Ref => argument.scalar().is_some_and(|name| !name.is_empty()) || (extended && is_call(argument)),
        Function::GetAtt => match argument.as_list() {
            Some([id, _]) => extended || id.scalar().is_some_and(|id| !id.is_empty()),
            Some(_) => false,
            None => extended && is_call(argument),
        },
        Function::Sub => match argument.as_list() {
            Some([text]) => text.scalar().is_some(),
            Some([text, variables]) => text.scalar().is_some() && variables.as_map().is_some(),
            Some(_) => false,
            None => argument.scalar().is_some() || extended,
        },
        Function::Join => argument.as_list().is_some_and(|items| items.len() == 2 && is_list(&items[1])),
        Function::Select | Function::Split | Function::Equals => count == Some(2),
        Function::Cidr => matches!(count, Some(2 | 3)),
        Function::FindInMap => count == Some(3) || (extended && count == Some(4)),
        Function::If => count == Some(3),
        Function::And | Function::Or => count.is_some_and(|count| (2..=10).contains(&count)),
        Function::Not => count == Some(1),
        // Samples of AWS's own say `"Fn::GetAZs": null` for the stack's own region.
        Function::GetAzs => true,
        Function::Base64
        | Function::ImportValue
        | Function::Length
        | Function::ToJsonString
        | Function::Transform
        | Function::Other => !matches!(argument.value, Value::Null),
    }
}
