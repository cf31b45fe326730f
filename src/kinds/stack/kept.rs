//! Parameters that keep the values which a stack has.

use std::sync::Arc;

use super::Wanted;
use crate::aws::Stack;
use crate::cfn::Document;
use crate::event::Failure;

/// Refuses to make a stack of which a parameter is to keep its value: before there is a stack, there is none to keep.
/// Those that have a default begin with it. Of a template that cannot be read, CloudFormation says what it lacks.
pub(super) fn check_creation(wanted: &Wanted) -> Result<(), Failure> {
    let Some(document) = document(wanted) else { return Ok(()) };
    let has_none = |name: &&String| document.parameters.get(*name).is_some_and(|own| own.default.is_none());
    let Some(name) = wanted.kept.iter().find(has_none) else { return Ok(()) };
    let cause = format!("its parameter {name} is to keep its value, and has none yet, nor a default");
    Err(Failure::new(format!("stack {} cannot be made", wanted.name), cause)
        .help(format!("give it for the creation: parameters = {{ {name} = \"…\" }} in place of keep_parameters")))
}

/// Refuses to keep a parameter that the template does not have. CloudFormation would not be told of it, so it would say
/// nothing, and set the one that was meant to its default.
pub(super) fn check(wanted: &Wanted) -> Result<(), Failure> {
    let Some(document) = document(wanted).filter(|document| !document.has_macros) else { return Ok(()) };
    let lacks = |name: &&String| !document.parameters.contains_key(*name);
    let Some(name) = wanted.kept.iter().find(lacks) else { return Ok(()) };
    let cause = format!("template {} has no such parameter", wanted.path.display());
    let has: Vec<&str> = document.parameters.keys().map(String::as_str).collect();
    let has = if has.is_empty() { "it has none".to_owned() } else { format!("it has {}", has.join(", ")) };
    Err(Failure::new(format!("stack {} is to keep parameter {name}", wanted.name), cause)
        .help(format!("correct keep_parameters: {has}")))
}

/// The template, where anything is to be kept: most stacks keep nothing, and need not be read for it.
fn document(wanted: &Wanted) -> Option<Arc<Document>> {
    if wanted.kept.is_empty() { None } else { Document::shared(&wanted.template).ok() }
}

impl Wanted {
    /// Those that CloudFormation can be told to keep: it refuses others.
    pub(super) fn kept(&self, live: Option<&Stack>) -> Vec<String> {
        let has = |name: &&String| live.is_some_and(|live| live.parameters.contains_key(*name));
        self.kept.iter().filter(has).cloned().collect()
    }
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
