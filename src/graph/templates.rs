//! Checks of a plan against the templates that it names.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use crate::cfn::{Document, MAX_INLINE_BYTES};
use crate::diag::{Code, FileId, Problem, Sources, Span};
use crate::ids::NodeId;
use crate::plan::{Attribute, Plan, Spec, Template, nearest};

/// The code of a file that is not a template.
pub const NOT_A_TEMPLATE: Code = Code(50);

/// The code of a template that is too large for a request.
pub const TEMPLATE_TOO_LARGE: Code = Code(51);

/// The code of a reference to an output that the stack's template does not have.
pub const NO_SUCH_OUTPUT: Code = Code(52);

/// The code of a template that CloudFormation would refuse.
pub const TEMPLATE_FAULT: Code = Code(53);

/// Reads each template once, however many stacks use it, says what CloudFormation would refuse in it, and holds every
/// reference to an output against the template of the stack that it is for. Stacks that are only read have no template, and macros may add outputs: neither can be
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
            Ok(document) => {
                problems.extend(faults(&document, template, &sources.get(template.file).text));
                Some(document)
            }
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
        if missing && told.insert((need.span.file, need.span.range.start, template.file, name)) {
            problems.push(no_such_output(name, &need.node, &need.span, template, document));
        }
    }
    problems
}

/// What a template's place in the plan is called beside a problem in the template.
const NAMED: &str = "the plan names it here";

fn read(template: &Template, sources: &Sources) -> Result<Document, Box<Problem>> {
    let text = &sources.get(template.file).text;
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
    let refuse = |at: usize, why: String| {
        let message = format!("{} is not a CloudFormation template", template.path.display());
        Box::new(
            Problem::error(NOT_A_TEMPLATE, Span::new(template.file, on_boundaries(text, &(at..at))), message)
                .label(why)
                .related(template.span.clone(), NAMED)
                .help("a template is a map with a section `Resources`, in YAML or JSON"),
        )
    };
    let document = Document::read(text).map_err(|error| refuse(error.at, error.message))?;
    // A macro may bring the section itself.
    if !document.has_macros && document.root.get("Resources").is_none() {
        return Err(refuse(document.root.at.start, "it has no section `Resources`".to_owned()));
    }
    Ok(document)
}

/// What CloudFormation would refuse in a template, each at its place in it.
fn faults(document: &Document, template: &Template, text: &str) -> Vec<Problem> {
    let problem = |fault: crate::cfn::Fault| {
        let at = Span::new(template.file, on_boundaries(text, &fault.at));
        let message = format!("CloudFormation would refuse {}", template.path.display());
        Problem::error(TEMPLATE_FAULT, at, message)
            .label(fault.message)
            .related(template.span.clone(), NAMED)
            .help("mend the template here: the words under the place are CloudFormation's")
    };
    document.faults().into_iter().map(problem).collect()
}

/// A range inside a text, on whole characters.
fn on_boundaries(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(range.start.min(text.len()));
    start..text.ceil_char_boundary(range.end.clamp(start, text.len()))
}

fn no_such_output(name: &str, node: &NodeId, span: &Span, template: &Template, document: &Document) -> Problem {
    let message = format!("`{node}` has no output `{name}`: {} does not declare it", template.path.display());
    let problem = Problem::error(NO_SUCH_OUTPUT, span.clone(), message).label("no such output");
    let nearest = nearest(name, document.outputs.keys().map(String::as_str)).map(|near| &document.outputs[near]);
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::*;
    use crate::plan::{Files, Given, load};

    /// A plan with one stack, read by another one's parameters, and the template of both.
    struct Pair(&'static str, String);

    impl Files for Pair {
        fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            let plan = path.extension().is_some_and(|extension| extension == "toml");
            Ok(if plan { self.0.as_bytes().to_vec() } else { self.1.clone().into_bytes() })
        }
    }

    const PLAN: &str = r#"name = "net"
region = "us-east-1"
accounts = { a = { id = "111111111111" } }
[stacks.hub]
account = "a"
template = "t.yaml"
[stacks.spoke]
account = "a"
template = "t.yaml"
for_each = { x = "VPCId", y = "VPCId" }
parameters = { Hub = "{{ stacks.hub.outputs.VPCId }}" }
"#;

    /// Every problem with the template: its place, its words and the remedy.
    fn problems(template: &str) -> Vec<String> {
        let loaded = load(Path::new("p.toml"), &Pair(PLAN, template.to_owned()), &Given { vars: &[], env: &|_| None });
        let plan = loaded.plan.expect("the plan itself is sound");
        let found = check_templates(&plan, &loaded.sources);
        let shown = found.iter().map(|problem| {
            assert!(!problem.help.is_empty());
            let place = loaded.sources.place(&problem.at.span);
            format!("{} {place}: {} <- {}", problem.code, problem.message, problem.at.text)
        });
        shown.collect()
    }

    #[test]
    fn a_sound_template_is_passed_in_silence() {
        let sound = "Resources: {V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}}\nOutputs: {VPCId: {Value: !Ref V}}";
        assert_eq!(problems(sound), [""; 0]);
    }

    #[test]
    fn what_a_macro_may_bring_is_not_missed() {
        assert_eq!(problems("Transform: [Mine]\nThings: {}"), [""; 0]);
        assert_eq!(problems("Fn::Transform: {Name: AWS::Include}"), [""; 0]);
    }

    #[test]
    fn a_map_that_is_no_template_is_refused_once() {
        let compose = "# of another program\nservices:\n  web:\n    image: nginx\n";
        assert_eq!(
            problems(compose)[0],
            "ORCH050 t.yaml:2:1: t.yaml is not a CloudFormation template <- it has no section `Resources`"
        );
        assert_eq!(problems(compose).len(), 1);
        assert!(problems("- a\n- b\n")[0].starts_with("ORCH050 t.yaml:1:1"));
    }

    #[test]
    fn what_cloudformation_would_refuse_stands_at_its_place() {
        let template = "Resources:\n  V:\n    Type: AWS::EC2::VPC\n    Properties: {CidrBlock: !Ref Cidr}\nOutputs:\n  VPCId: {Value: !Ref V}\nExtra: 1\n";
        assert_eq!(
            problems(template),
            [
                "ORCH053 t.yaml:7:1: CloudFormation would refuse t.yaml <- Invalid template property or properties [Extra]",
                "ORCH053 t.yaml:4:34: CloudFormation would refuse t.yaml <- Template format error: Unresolved resource dependencies [Cidr] in the Resources block of the template",
            ]
        );
    }

    #[test]
    fn an_output_that_is_not_declared_has_the_nearest_one() {
        let template = "Resources: {V: {Type: AWS::EC2::VPC}}\nOutputs: {VpcID: {Value: !Ref V}}";
        let found = problems(template);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with("ORCH052 p.toml:11:26: `stacks.hub` has no output `VPCId`"), "{found:#?}");
    }
}
