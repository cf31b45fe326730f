//! What CloudFormation refuses in a template, and what can be done about it.

use std::ops::Range;

/// One mistake. The message is CloudFormation's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it is.
    pub at: Range<usize>,
    /// The variable of an `Fn::Sub` that it is about: somewhere in the text at that place.
    pub variable: Option<String>,
    /// What CloudFormation says.
    pub message: String,
    /// Other places that it is made of, each with a few words.
    pub related: Vec<(Range<usize>, String)>,
    /// What can be done.
    pub remedy: Remedy,
}

/// What can be done about a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// This, in a sentence.
    Do(String),
    /// To declare a name, or to write one that is declared.
    Declare {
        /// The name.
        name: String,
        /// What it should be the name of.
        sort: Declared,
    },
    /// To write one of the keys that are known here.
    Write {
        /// What is written.
        name: String,
        /// The keys.
        known: &'static [&'static str],
    },
}

/// What a template declares by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// A parameter.
    Parameter,
    /// A parameter or a resource.
    Name,
    /// A resource.
    Resource,
    /// A condition.
    Condition,
    /// A mapping.
    Mapping,
}

impl Fault {
    /// A fault with a remedy in words.
    pub(super) fn new(at: &Range<usize>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Remedy::Do(remedy.into());
        Self { at: at.clone(), variable: None, message: message.into(), related: Vec::new(), remedy }
    }

    /// The place in the template's text: of a variable of `Fn::Sub` just that variable, if it is written there plainly.
    pub fn place(&self, text: &str) -> Range<usize> {
        let whole = || self.at.clone();
        let (Some(variable), Some(inside)) = (&self.variable, text.get(self.at.clone())) else { return whole() };
        let found = inside.match_indices("${").find_map(|(start, _)| {
            let inner = &inside[start + 2..];
            let inner = &inner[..inner.find('}')?];
            (inner.trim() == variable.trim()).then(|| start..start + inner.len() + 3)
        });
        found.map_or_else(whole, |found| self.at.start + found.start..self.at.start + found.end)
    }
}
