//! The templates of a plan, each read once however many stacks use it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::rule::{Finding, Report};
use super::templates::{not_a_template, too_large};
use crate::cfn::{Document, Format, MAX_BYTES, MAX_INLINE_BYTES, ReadErrorKind};
use crate::diag::{FileId, Problem, Sources, Span};
use crate::graph::Ix;
use crate::plan::{Plan, Spec, Template};

/// A template with the stacks that are made from it, or from one that it is nested in.
#[derive(Debug)]
pub(super) struct Used<'a> {
    /// As the first of the stacks names it.
    pub(super) template: &'a Template,
    /// The stacks, in the order of the plan.
    pub(super) nodes: Vec<Ix>,
    /// Whether only other templates name it.
    pub(super) is_nested: bool,
    /// What it says, if it could be read.
    pub(super) document: Option<Document>,
}

impl Used<'_> {
    /// What to say of the place that names it.
    pub(super) fn named(&self) -> &'static str {
        if self.is_nested { "it is nested here" } else { "the plan names it here" }
    }
}

/// The templates by their files.
pub(super) type Documents<'a> = BTreeMap<FileId, Used<'a>>;

/// Reads every template that a plan names, and reports those that are none.
pub(super) fn read<'a>(plan: &'a Plan, sources: &Sources, report: &mut Report) -> Documents<'a> {
    let mut documents = Documents::new();
    for (index, node) in plan.nodes.iter().enumerate() {
        let Spec::Stack(stack) = &node.spec else { continue };
        let Some(template) = stack.file() else { continue };
        let mut use_it = |template: &'a Template, is_nested| {
            let unread = || Used { template, nodes: Vec::new(), is_nested, document: None };
            let used = documents.entry(template.file).or_insert_with(unread);
            if used.is_nested && !is_nested {
                (used.template, used.is_nested) = (template, false);
            }
            let ix = Ix::from(index);
            if !used.nodes.contains(&ix) {
                used.nodes.push(ix);
            }
        };
        use_it(template, false);
        template.all_nested().into_iter().for_each(|nested| use_it(nested, true));
    }
    for used in documents.values_mut() {
        let is_readable = sources.get(used.template.file).text.len() <= MAX_BYTES;
        let refused = match document(used, sources) {
            _ if !is_readable => None,
            Ok(document) => {
                used.document = Some(document);
                None
            }
            Err(problem) => Some(*problem),
        };
        // One for each stack, so that excusing one of them does not excuse the others.
        // Told where the first stack names it that has no bucket for it.
        let mut named = None;
        for node in &used.nodes {
            let too_large = too_large(plan, *node, used, &mut named, sources);
            for problem in too_large.iter().chain(&refused) {
                report.findings.push(Finding { problem: problem.clone(), nodes: vec![*node] });
            }
        }
    }
    documents
}

fn too_large<'a>(
    plan: &'a Plan,
    node: Ix,
    used: &Used<'a>,
    named: &mut Option<&'a Template>,
    sources: &Sources,
) -> Option<Problem> {
    let node = &plan.nodes[node.index()];
    let Spec::Stack(stack) = &node.spec else { return None };
    // What is nested goes by the bucket in any case.
    let own = stack.file().filter(|own| own.file == used.template.file);
    let template = own.unwrap_or(used.template);
    let size = sources.get(template.file).text.len();
    // Of a bucket that could not be read nobody knows whether it would do.
    let has_bucket = own.is_none() || stack.bucket.is_some() || !node.whole;
    if size <= if has_bucket { MAX_BYTES } else { MAX_INLINE_BYTES } {
        return None;
    }
    let most = if has_bucket {
        format!("CloudFormation takes {MAX_BYTES} from a bucket at most")
    } else {
        format!("a request to CloudFormation holds {MAX_INLINE_BYTES} at most")
    };
    let template = *named.get_or_insert(template);
    let message = format!("the template {} has {size} bytes; {most}", template.path.display());
    let problem = too_large::RULE.problem(template.span.clone(), message);
    let problem = if has_bucket {
        problem
    } else {
        problem.help("name a bucket that it is put in: template_bucket = \"…\", of the plan or of the account")
    };
    Some(problem.help("split it into several stacks whose parameters refer to each other's outputs"))
}

const YAML_HELP: &str =
    "mend the YAML there or just before: it is indented by spaces alone, as far for all that stands side by side";

fn document(used: &Used<'_>, sources: &Sources) -> Result<Document, Box<Problem>> {
    let template = used.template;
    let text = &sources.get(template.file).text;
    let refuse = |at: usize, why: String, first: Option<&str>| {
        let message = format!("{} is not a CloudFormation template", template.path.display());
        let problem = not_a_template::RULE.problem(on_boundaries(template.file, text, &(at..at)), message).label(why);
        let problem = problem.related(template.span.clone(), used.named());
        let problem = first.into_iter().fold(problem, Problem::help);
        Box::new(problem.help("a template is a map with a section `Resources`, in YAML or JSON"))
    };
    let document = Document::read(text).map_err(|error| {
        let mend = match error.format {
            Format::Yaml => YAML_HELP,
            Format::Json => "mend the JSON there: a comma, a quote or a brace is missing or too many",
        };
        refuse(error.at, error.message, (error.kind == ReadErrorKind::Malformed).then_some(mend))
    })?;
    // A macro may bring the section itself.
    if !document.has_macros && document.root.get("Resources").is_none() {
        return Err(refuse(document.root.at.start, "it has no section `Resources`".to_owned(), None));
    }
    Ok(document)
}

/// The problem with the place of a template's section, if it has that section.
pub(super) fn in_section(problem: Problem, template: &Template, document: &Document, section: &str) -> Problem {
    match document.root.as_map().and_then(|sections| sections.get(section)) {
        Some(entry) => problem.related(Span::new(template.file, entry.key_at.clone()), "what it declares"),
        None => problem,
    }
}

/// A range inside a file's text, on whole characters.
pub(super) fn on_boundaries(file: FileId, text: &str, range: &Range<usize>) -> Span {
    let start = text.floor_char_boundary(range.start.min(text.len()));
    Span::new(file, start..text.ceil_char_boundary(range.end.clamp(start, text.len())))
}
