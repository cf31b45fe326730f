//! The templates of a plan, each read once however many stacks use it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::rule::{Finding, Report};
use super::templates::{not_a_template, too_large};
use crate::cfn::{Document, MAX_INLINE_BYTES};
use crate::diag::{FileId, Problem, Sources, Span};
use crate::graph::Ix;
use crate::plan::{Plan, Spec, Template};

/// A template with the stacks that are made from it.
#[derive(Debug)]
pub(super) struct Used<'a> {
    /// As the first of the stacks names it.
    pub(super) template: &'a Template,
    /// The stacks, in the order of the plan.
    pub(super) nodes: Vec<Ix>,
    /// What it says, if it could be read.
    pub(super) document: Option<Document>,
}

/// The templates by their files.
pub(super) type Documents<'a> = BTreeMap<FileId, Used<'a>>;

/// Reads every template that a plan names, and reports those that are none.
pub(super) fn read<'a>(plan: &'a Plan, sources: &Sources, report: &mut Report) -> Documents<'a> {
    let mut documents = Documents::new();
    for (index, node) in plan.nodes.iter().enumerate() {
        let Spec::Stack(stack) = &node.spec else { continue };
        let Some(template) = &stack.template else { continue };
        let used = documents.entry(template.file);
        used.or_insert_with(|| Used { template, nodes: Vec::new(), document: None }).nodes.push(Ix::from(index));
    }
    for used in documents.values_mut() {
        match document(used.template, sources) {
            Ok(document) => used.document = Some(document),
            // One for each stack, so that excusing one of them does not excuse the others.
            Err(problem) => report.findings.extend(
                used.nodes.iter().map(|node| Finding { problem: Problem::clone(&problem), nodes: vec![*node] }),
            ),
        }
    }
    documents
}

fn document(template: &Template, sources: &Sources) -> Result<Document, Box<Problem>> {
    let text = &sources.get(template.file).text;
    if text.len() > MAX_INLINE_BYTES {
        let (path, size) = (template.path.display(), text.len());
        let message = format!(
            "the template {path} has {size} bytes; a request to CloudFormation holds {MAX_INLINE_BYTES} at most"
        );
        let problem = too_large::RULE.problem(template.span.clone(), message);
        return Err(Box::new(
            problem.help("split it into several stacks whose parameters refer to each other's outputs"),
        ));
    }
    let refuse = |at: usize, why: String| {
        let message = format!("{} is not a CloudFormation template", template.path.display());
        let problem = not_a_template::RULE.problem(on_boundaries(template.file, text, &(at..at)), message).label(why);
        let problem = problem.related(template.span.clone(), "the plan names it here");
        Box::new(problem.help("a template is a map with a section `Resources`, in YAML or JSON"))
    };
    let document = Document::read(text).map_err(|error| refuse(error.at, error.message))?;
    // A macro may bring the section itself.
    if !document.has_macros && document.root.get("Resources").is_none() {
        return Err(refuse(document.root.at.start, "it has no section `Resources`".to_owned()));
    }
    Ok(document)
}

/// A range inside a file's text, on whole characters.
pub(super) fn on_boundaries(file: FileId, text: &str, range: &Range<usize>) -> Span {
    let start = text.floor_char_boundary(range.start.min(text.len()));
    Span::new(file, start..text.ceil_char_boundary(range.end.clamp(start, text.len())))
}
