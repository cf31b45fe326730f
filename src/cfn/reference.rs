//! What a value refers to: parameters, resources, conditions, mappings.

use std::collections::BTreeSet;
use std::ops::Range;

use super::function::{Call, Function};
use super::node::{Node, Value};
use super::sub::{self, Piece};

/// What is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target<'a> {
    /// `Ref` or `${Name}`: a parameter, a resource or a pseudo parameter.
    Name(&'a str),
    /// `Fn::GetAtt` or `${Resource.Attribute}`.
    Attribute {
        /// The resource's logical id.
        resource: &'a str,
        /// The attribute; `None` where it is itself worked out.
        attribute: Option<&'a str>,
    },
    /// A condition by name.
    Condition(&'a str),
    /// A mapping by name.
    Mapping(&'a str),
}

/// One reference and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// What is referred to.
    pub target: Target<'a>,
    /// The value that holds the name; for `Fn::Sub` the whole text.
    pub at: Range<usize>,
    /// What stands between the braces, where `Fn::Sub` refers.
    pub variable: Option<&'a str>,
}

/// Everything that a value refers to, in the order of the text.
///
/// `holds` says whether a condition holds, where that is known: of an `Fn::If` then only the branch taken counts.
pub fn references<'a>(node: &'a Node, holds: &dyn Fn(&str) -> Option<bool>) -> Vec<Reference<'a>> {
    let mut finder = Finder { holds, found: Vec::new() };
    finder.node(node);
    finder.found
}

/// The names of the conditions that a condition's expression is made of, with their places.
pub(super) fn conditions_in(node: &Node) -> Vec<Reference<'_>> {
    let mut finder = Finder { holds: &|_| None, found: Vec::new() };
    finder.condition(node);
    finder.found
}

struct Finder<'a, 'h> {
    holds: &'h dyn Fn(&str) -> Option<bool>,
    found: Vec<Reference<'a>>,
}

impl<'a> Finder<'a, '_> {
    fn add(&mut self, target: Target<'a>, at: &Range<usize>) {
        self.found.push(Reference { target, at: at.clone(), variable: None });
    }

    fn node(&mut self, node: &'a Node) {
        match (&node.value, node.call()) {
            (_, Some(call)) => self.call(call),
            (Value::List(items), _) => items.iter().for_each(|item| self.node(item)),
            (Value::Map(map), _) => map.values().for_each(|entry| self.node(&entry.node)),
            _ => {}
        }
    }

    fn call(&mut self, call: Call<'a>) {
        let argument = call.argument;
        match call.function {
            Function::Ref => match argument.as_text() {
                Some(name) => self.add(Target::Name(name), &argument.at),
                None => self.node(argument),
            },
            Function::GetAtt => self.attribute(argument),
            Function::Sub => self.sub(argument),
            Function::FindInMap => {
                if let Some(first) = argument.as_list().and_then(|items| items.first())
                    && let Some(name) = first.as_text()
                {
                    self.add(Target::Mapping(name), &first.at);
                }
                self.node(argument);
            }
            Function::If => self.choice(argument),
            Function::Equals | Function::And | Function::Or | Function::Not => self.operands(argument),
            _ => self.node(argument),
        }
    }

    fn attribute(&mut self, argument: &'a Node) {
        let Some([id, attribute, ..]) = argument.as_list() else { return self.node(argument) };
        match id.as_text() {
            Some(resource) => self.add(Target::Attribute { resource, attribute: attribute.as_text() }, &id.at),
            None => self.node(id),
        }
        self.node(attribute);
    }

    fn sub(&mut self, argument: &'a Node) {
        let (text, variables) = match argument.as_list() {
            Some([text, variables, ..]) => (text, variables.as_map()),
            Some([text]) => (text, None),
            _ => (argument, None),
        };
        let own: BTreeSet<&str> = variables.into_iter().flat_map(|map| map.keys().map(String::as_str)).collect();
        for piece in text.as_text().and_then(|text| sub::pieces(text).ok()).into_iter().flatten() {
            let Piece::Variable { name, .. } = piece else { continue };
            if !own.contains(name) {
                let target = named(name);
                self.found.push(Reference { target, at: text.at.clone(), variable: Some(name) });
            }
        }
        for entry in variables.into_iter().flat_map(|map| map.values()) {
            self.node(&entry.node);
        }
    }

    fn choice(&mut self, argument: &'a Node) {
        let Some([condition, then, otherwise]) = argument.as_list() else { return self.node(argument) };
        let truth = condition.as_text().and_then(|name| (self.holds)(name));
        self.condition(condition);
        if truth != Some(false) {
            self.node(then);
        }
        if truth != Some(true) {
            self.node(otherwise);
        }
    }

    /// The operands of a condition function, in which `Condition` is a function as well.
    fn operands(&mut self, argument: &'a Node) {
        for item in argument.as_list().into_iter().flatten() {
            match item.get("Condition").and_then(|node| Some((node.as_text()?, &node.at))) {
                Some((name, at)) => self.add(Target::Condition(name), at),
                None => self.node(item),
            }
        }
    }

    fn condition(&mut self, node: &'a Node) {
        let named = node.get("Condition").unwrap_or(node);
        match named.as_text() {
            Some(name) => self.add(Target::Condition(name), &named.at),
            None => self.node(node),
        }
    }
}

/// What `${name}` refers to.
fn named(name: &str) -> Target<'_> {
    match name.split_once('.') {
        Some((resource, attribute)) => Target::Attribute { resource, attribute: Some(attribute) },
        None => Target::Name(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str, holds: Option<bool>) -> String {
        let (_, node) = super::super::tree(text).unwrap();
        let found = references(&node, &|_| holds);
        found.iter().map(|found| format!("{:?}", found.target)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_form_of_reference_is_found() {
        let text = "a: !Ref A\nb: !GetAtt B.X.Y\nc: !Sub '${C}-${D.E}-${!F}'\nd: !Sub ['${G}${H}', {G: !Ref I}]\ne: !FindInMap [M, !Ref J, k]";
        insta::assert_snapshot!(targets(text, None), @r#"
        Name("A")
        Attribute { resource: "B", attribute: Some("X.Y") }
        Name("C")
        Attribute { resource: "D", attribute: Some("E") }
        Name("H")
        Name("I")
        Mapping("M")
        Name("J")
        "#);
    }

    #[test]
    fn only_the_branch_taken_counts_where_it_is_known() {
        let text = "a: !If [C, !Ref A, !Ref B]\nb: !Not [!Condition D]";
        insta::assert_snapshot!(targets(text, None), @r#"
        Condition("C")
        Name("A")
        Name("B")
        Condition("D")
        "#);
        insta::assert_snapshot!(targets(text, Some(false)), @r#"
        Condition("C")
        Name("B")
        Condition("D")
        "#);
    }
}
