//! Checks of a plan against the templates that it names.

use std::collections::{BTreeMap, HashMap};

use crate::cfn::{Document, MAX_INLINE_BYTES};
use crate::diag::{Code, FileId, Problem, Sources, Span};
use crate::ids::NodeId;
use crate::plan::{Attribute, Plan, Spec, Template};

/// The code of a file that is not a template.
pub const NOT_A_TEMPLATE: Code = Code(50);

/// The code of a template that is too large for a request.
pub const TEMPLATE_TOO_LARGE: Code = Code(51);

/// The code of a reference to an output that the stack's template does not have.
pub const NO_SUCH_OUTPUT: Code = Code(52);

/// How alike two names must be for one to be suggested in place of the other, from 0 to 1.
const SIMILAR: f64 = 0.6;

/// Reads each template once, however many stacks use it, and holds every reference to an output against the template of
/// the stack that it is for. Stacks that are only read have no template, and macros may add outputs: neither can be
/// decided here, and what cannot be decided is silent.
pub fn check_templates(plan: &Plan, sources: &Sources) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut documents: BTreeMap<FileId, Option<Document>> = BTreeMap::new();
    let mut templates: HashMap<&NodeId, &Template> = HashMap::new();
    for node in &plan.nodes {
        let Spec::Stack(stack) = &node.spec else { continue };
        let Some(template) = &stack.template else { continue };
        templates.insert(&node.id, template);
        documents.entry(template.file).or_insert_with(|| match read(template, sources) {
            Ok(document) => Some(document),
            Err(problem) => {
                problems.push(*problem);
                None
            }
        });
    }
    // Instances of a group share their expressions: each is told once.
    let mut told = std::collections::HashSet::new();
    for need in plan.nodes.iter().flat_map(|node| &node.needs) {
        let Some(Attribute::Output(name)) = &need.attribute else { continue };
        let Some(template) = templates.get(&need.node) else { continue };
        let Some(Some(document)) = documents.get(&template.file) else { continue };
        let missing = !document.has_macros && !document.outputs.contains_key(&**name);
        if missing && told.insert((need.span.file, need.span.range.start, template.file)) {
            problems.push(no_such_output(name, &need.node, &need.span, template, document));
        }
    }
    problems
}

fn read(template: &Template, sources: &Sources) -> Result<Document, Box<Problem>> {
    let text = &sources.get(template.file).text;
    let named = "the plan names it here";
    if text.len() > MAX_INLINE_BYTES {
        let message = format!(
            "the template {} has {} bytes; a request to CloudFormation holds {MAX_INLINE_BYTES} at most",
            template.path.display(),
            text.len()
        );
        return Err(Box::new(
            Problem::error(TEMPLATE_TOO_LARGE, template.span.clone(), message)
                .help("split it into several stacks whose parameters refer to each other's outputs"),
        ));
    }
    Document::read(text).map_err(|error| {
        let at = Span::new(template.file, error.at..error.at);
        let message = format!("{} is not a CloudFormation template", template.path.display());
        Box::new(
            Problem::error(NOT_A_TEMPLATE, at, message)
                .label(error.message)
                .related(template.span.clone(), named)
                .help("a template is a map with a section `Resources`, in YAML or JSON"),
        )
    })
}

fn no_such_output(name: &str, node: &NodeId, span: &Span, template: &Template, document: &Document) -> Problem {
    let message = format!("`{node}` has no output `{name}`: {} does not declare it", template.path.display());
    let problem = Problem::error(NO_SUCH_OUTPUT, span.clone(), message).label("no such output");
    let likeness = |other: &str| strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase());
    let nearest = document
        .outputs
        .values()
        .filter(|output| likeness(&output.name) >= SIMILAR)
        .max_by(|a, b| likeness(&a.name).total_cmp(&likeness(&b.name)));
    let problem = match nearest {
        Some(output) => problem
            .related(Span::new(template.file, output.at.clone()), "the nearest one")
            .help(format!("did you mean `{}`?", output.name)),
        None => problem,
    };
    let all: Vec<_> = document.outputs.keys().map(|name| format!("`{name}`")).collect();
    if all.is_empty() {
        problem.help(format!("{} declares no outputs at all", template.path.display()))
    } else {
        problem.help(format!("it declares {}", all.join(", ")))
    }
}
