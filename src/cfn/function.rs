//! The intrinsic functions by name, and calls of them.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>.

use std::fmt;

use super::node::{Entry, Node, Value};

/// An intrinsic function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// The value of a parameter, or what a resource is known by.
    Ref,
    /// An attribute of a resource.
    GetAtt,
    /// Text with `${…}` in it.
    Sub,
    /// Texts joined by a delimiter.
    Join,
    /// One item of a list.
    Select,
    /// A text taken apart at a delimiter.
    Split,
    /// Address ranges of equal size within one.
    Cidr,
    /// A value of the `Mappings` section.
    FindInMap,
    /// One of two values.
    If,
    /// Whether two values are equal.
    Equals,
    /// Whether all conditions hold.
    And,
    /// Whether any condition holds.
    Or,
    /// Whether a condition does not hold.
    Not,
    /// The availability zones of a region.
    GetAzs,
    /// The Base64 form of a text.
    Base64,
    /// What another stack exports.
    ImportValue,
    /// The number of items of a list (`AWS::LanguageExtensions`).
    Length,
    /// A value as JSON text (`AWS::LanguageExtensions`).
    ToJsonString,
    /// The output of a macro, which only CloudFormation can know.
    Transform,
    /// Any other `Fn::…`.
    Other,
}

impl Function {
    const NAMES: [(&'static str, Self); 19] = [
        ("Ref", Self::Ref),
        ("Fn::GetAtt", Self::GetAtt),
        ("Fn::Sub", Self::Sub),
        ("Fn::Join", Self::Join),
        ("Fn::Select", Self::Select),
        ("Fn::Split", Self::Split),
        ("Fn::Cidr", Self::Cidr),
        ("Fn::FindInMap", Self::FindInMap),
        ("Fn::If", Self::If),
        ("Fn::Equals", Self::Equals),
        ("Fn::And", Self::And),
        ("Fn::Or", Self::Or),
        ("Fn::Not", Self::Not),
        ("Fn::GetAZs", Self::GetAzs),
        ("Fn::Base64", Self::Base64),
        ("Fn::ImportValue", Self::ImportValue),
        ("Fn::Length", Self::Length),
        ("Fn::ToJsonString", Self::ToJsonString),
        ("Fn::Transform", Self::Transform),
    ];

    /// Every function's key in the long form.
    pub const KEYS: [&'static str; 19] = {
        let mut keys = [""; 19];
        let mut index = 0;
        while index < keys.len() {
            keys[index] = Self::NAMES[index].0;
            index += 1;
        }
        keys
    };

    /// The function that a key names; `None` for a key that names none.
    pub fn named(key: &str) -> Option<Self> {
        match Self::NAMES.iter().find(|(name, _)| *name == key) {
            Some((_, function)) => Some(*function),
            None => key.starts_with("Fn::").then_some(Self::Other),
        }
    }

    /// The long form of its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, function)| *function == self).map_or("Fn::", |(name, _)| name)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One call of an intrinsic function.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The function.
    pub function: Function,
    /// The key as it stands in the template's long form: `Fn::Sub`.
    pub key: &'a str,
    /// What it is called with.
    pub argument: &'a Node,
}

impl<'a> Call<'a> {
    /// The call that a node is, if it is one.
    pub fn of(node: &'a Node) -> Option<Self> {
        let map = node.as_map().filter(|map| map.len() == 1)?;
        let (key, entry) = map.first()?;
        Some(Self { function: Function::named(key)?, key, argument: &entry.node })
    }
}

/// The long form's key for a YAML tag without its `!`: `Sub` gives `Fn::Sub`.
pub(super) fn long_form(tag: &str) -> String {
    match tag {
        "Ref" | "Condition" => tag.to_owned(),
        _ => format!("Fn::{tag}"),
    }
}

/// Gives a value its one form, where CloudFormation knows two: `Fn::GetAtt: A.B` is `Fn::GetAtt: [A, B]`.
pub(super) fn normalise(mut value: Value) -> Value {
    if let Value::Map(map) = &mut value
        && map.len() == 1
        && let Some(entry) = map.get_mut("Fn::GetAtt")
        && let Some((id, attribute)) = entry.node.as_text().and_then(|text| text.split_once('.'))
    {
        let at = entry.node.at.clone();
        let items = [id, attribute].map(|part| Node::new(at.clone(), Value::Text(part.to_owned())));
        *entry = Entry { key_at: entry.key_at.clone(), node: Node::new(at, Value::List(items.into())).into() };
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_own_name() {
        for (name, function) in Function::NAMES {
            assert_eq!(Function::named(name), Some(function));
            assert_eq!(function.name(), name);
        }
        assert_eq!(Function::named("Fn::New"), Some(Function::Other));
        assert_eq!(Function::named("Condition"), None);
    }
}
