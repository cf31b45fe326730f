//! Parameters that keep the values which a stack has.

use super::Wanted;
use crate::aws::Stack;
use crate::cfn::Document;
use crate::event::Failure;

/// Refuses to make a stack of which a parameter is to keep its value: before there is a stack, there is none to keep.
/// Those that have a default begin with it. Of a template that cannot be read, CloudFormation says what it lacks.
pub(super) fn check_creation(stack: &str, kept: &[String], document: Option<&Document>) -> Result<(), Failure> {
    let Some(document) = document else { return Ok(()) };
    let has_none = |name: &&String| document.parameters.get(*name).is_some_and(|own| own.default.is_none());
    let Some(name) = kept.iter().find(has_none) else { return Ok(()) };
    let cause = format!("its parameter {name} is to keep its value, and has none yet, nor a default");
    Err(Failure::new(format!("stack {stack} cannot be made"), cause)
        .help(format!("give it for the creation: parameters = {{ {name} = \"…\" }} in place of keep_parameters")))
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
