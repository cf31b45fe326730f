//! What the handlers of resource types need: CloudFormation acts with the caller's permissions, and these are the ones that
//! the types' own schemas name. They are said to be enough, which nobody checks, so what follows from them is an estimate.
//!
//! `tests/handlers/run` makes the data from the schemas that cfn-lint carries.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    /// It is made.
    Create,
    /// It is read.
    Read,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
}

impl Handler {
    const fn letter(self) -> char {
        match self {
            Self::Create => 'c',
            Self::Read => 'r',
            Self::Update => 'u',
            Self::Delete => 'd',
        }
    }
}

/// Each type with the rest of its line.
static TYPES: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let lines = include_str!("handlers.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).collect()
});

/// The actions that some of a type's handlers need, each once and sorted; `None` for a type whose schema does not say.
pub fn handler_actions(type_name: &str, handlers: &[Handler]) -> Option<Vec<String>> {
    let mut actions = Vec::new();
    for service in TYPES.get(type_name)?.split(' ') {
        let (service, groups) = service.split_once(':')?;
        for group in groups.split('|') {
            let (letters, names) = group.split_once('=')?;
            if handlers.iter().any(|handler| letters.contains(handler.letter())) {
                actions.extend(names.split(',').map(|name| format!("{service}:{name}")));
            }
        }
    }
    actions.sort();
    Some(actions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read() {
        let all = [Handler::Create, Handler::Read, Handler::Update, Handler::Delete];
        assert!(TYPES.len() > 1700, "{}", TYPES.len());
        for name in TYPES.keys() {
            let actions = handler_actions(name, &all).unwrap_or_else(|| panic!("{name}"));
            assert!(!actions.is_empty(), "{name}");
            for action in actions {
                let (service, rest) = action.split_once(':').unwrap();
                assert!(service.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{action}");
                assert!(!rest.is_empty(), "{name}: {action}");
            }
        }
    }

    #[test]
    fn a_type_needs_what_its_handlers_do() {
        let create = handler_actions("AWS::EC2::RouteTable", &[Handler::Create]).unwrap();
        assert!(create.contains(&"ec2:CreateRouteTable".to_owned()), "{create:?}");
        assert!(!create.contains(&"ec2:DeleteRouteTable".to_owned()), "{create:?}");
        let delete = handler_actions("AWS::EC2::RouteTable", &[Handler::Delete]).unwrap();
        assert!(delete.contains(&"ec2:DeleteRouteTable".to_owned()), "{delete:?}");
        assert_eq!(handler_actions("Acme::Own::Thing", &[Handler::Create]), None);
    }
}
