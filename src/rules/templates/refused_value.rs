//! A value that the parameter's type or constraints refuse.

use crate::cfn::{Parameter, Refusal};
use crate::diag::{Code, Severity, Span};
use crate::rules::design::Design;
use crate::rules::rule::{Report, Rule};
use crate::rules::symbol::is_symbolic;

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(56),
    name: "refused-value",
    severity: Severity::Error,
    summary: "a parameter is given a value that its template does not take",
    explanation: "The value is held against the parameter's type, AllowedValues, AllowedPattern, lengths and bounds, \
                  as CloudFormation does, and against the 4,096 bytes that any parameter takes. Where the type wants \
                  an id, such as `AWS::EC2::VPC::Id`, it must be the id of such a thing. Only values that are known \
                  before the first call are held, and by `orch validate --remote` the outputs of stacks that the plan \
                  only reads; a pattern that only Java's regular expressions understand decides nothing, and what is \
                  read from Systems Manager is not known here.",
    wrong: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account    = "master"
template   = "hub.yaml"
parameters = { Size = «"huge"» }
--- hub.yaml
Parameters:
  Size: {Type: String, AllowedValues: [small, large]}
Resources:
  Topic: {Type: "AWS::SNS::Topic", Properties: {DisplayName: !Ref Size}}
"#,
    right: r#"--- plan.toml
name   = "network"
region = "us-east-1"
[accounts]
master = { id = "111111111111" }
[stacks.hub]
account    = "master"
template   = "hub.yaml"
parameters = { Size = "large" }
--- hub.yaml
Parameters:
  Size: {Type: String, AllowedValues: [small, large]}
Resources:
  Topic: {Type: "AWS::SNS::Topic", Properties: {DisplayName: !Ref Size}}
"#,
    check: Some(check),
};

/// The most bytes of any value
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>).
const MAX_BYTES: usize = 4096;

/// The most characters of a value that a message repeats.
const SHOWN: usize = 100;

/// Parameter types that take an id, and how such an id begins.
const IDS: [(&str, &str); 6] = [
    ("AWS::EC2::Image::Id", "ami-"),
    ("AWS::EC2::Instance::Id", "i-"),
    ("AWS::EC2::SecurityGroup::Id", "sg-"),
    ("AWS::EC2::Subnet::Id", "subnet-"),
    ("AWS::EC2::VPC::Id", "vpc-"),
    ("AWS::EC2::Volume::Id", "vol-"),
];

fn check(design: &Design<'_>, report: &mut Report) {
    for (ix, stack, document) in design.stacks() {
        let Some(template) = stack.file() else { continue };
        for (name, entry) in &stack.parameters {
            let Some(parameter) = document.parameters.get(&**name) else { continue };
            let declared = Span::new(template.file, parameter.at.clone());
            let Some(text) = design.joined(&entry.value) else { continue };
            let is_hidden = parameter.no_echo || entry.sensitive;
            let Some(wrong) = wrong(design, (parameter, is_hidden), &text) else { continue };
            let message = format!("{} is not a value for parameter `{name}`", wrong.shown);
            let problem = RULE.problem(entry.value.span().clone(), message).related(declared, wrong.wants);
            let problem =
                if design.is_live(&entry.value) { problem.label("its value is live: AWS has it now") } else { problem };
            report.add([ix], problem.help(wrong.remedy));
        }
    }
}

/// What is wrong with a value.
struct Wrong {
    /// The value, as it can be shown.
    shown: String,
    /// What the declaration asks for, beside it.
    wants: String,
    remedy: String,
}

fn wrong(design: &Design<'_>, (parameter, is_hidden): (&Parameter, bool), text: &str) -> Option<Wrong> {
    if text.contains("{{resolve:") {
        return None;
    }
    if let Some(wrong) = foreign_id(design, (parameter, is_hidden), text) {
        return Some(wrong);
    }
    if is_symbolic(text) {
        return None;
    }
    // A long text says nothing to anybody.
    let shown = match text.chars().count() {
        _ if is_hidden => "the value".to_owned(),
        length if length > SHOWN => format!("a text of {length} characters"),
        _ => format!("`{text}`"),
    };
    if text.len() > MAX_BYTES {
        let remedy =
            format!("make it shorter, or have the template read it from elsewhere: it has {} bytes", text.len());
        return Some(Wrong { shown, wants: format!("any parameter takes {MAX_BYTES} bytes at the most"), remedy });
    }
    let refusal = parameter.accept(text).err()?;
    Some(Wrong { shown, wants: wants(&refusal), remedy: remedy(parameter, &refusal) })
}

/// A value that is not the id that the parameter's type wants: a literal of another form, or the id of another sort of
/// resource of the plan. Whether an id of the right form exists, only AWS knows.
fn foreign_id(design: &Design<'_>, (parameter, is_hidden): (&Parameter, bool), text: &str) -> Option<Wrong> {
    let wanted = parameter.type_name.strip_prefix("List<").and_then(|name| name.strip_suffix('>'));
    let wanted = wanted.unwrap_or(&parameter.type_name);
    let (_, prefix) = IDS.into_iter().find(|(name, _)| *name == wanted)?;
    let wanted = wanted.trim_end_matches("::Id");
    let items = if parameter.is_list() { text.split(',').map(str::trim).collect() } else { vec![text] };
    let wants = || format!("it takes the id of an {wanted}: {prefix}…");
    items.into_iter().filter(|item| !item.is_empty()).find_map(|item| {
        if let Some((stack, resource)) = design.resource(item) {
            let shown = format!("the id of {} `{}` of `{}`", resource.type_name, resource.id, design.node(stack).id);
            let remedy = format!("give it the output that has the id of an {wanted}");
            return (resource.type_name != wanted).then(|| Wrong { shown, wants: wants(), remedy });
        }
        if design.peering(item).is_some() {
            let remedy = format!("give it the id of an {wanted}");
            return Some(Wrong { shown: "the id of a peering".to_owned(), wants: wants(), remedy });
        }
        let is_other = !is_symbolic(item) && (!item.starts_with(prefix) || item.contains(','));
        let shown = if is_hidden { "the value".to_owned() } else { format!("`{item}`") };
        is_other.then(|| Wrong { shown, wants: wants(), remedy: format!("write an id that begins with `{prefix}`") })
    })
}

fn wants(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotANumber { .. } => "it takes a number".to_owned(),
        Refusal::NotAllowed { allowed, .. } => format!("it takes one of {}", allowed.join(", ")),
        Refusal::Pattern { constraint, .. } => format!("it {constraint}"),
        Refusal::Length { at_least: true, bound, .. } => format!("it takes {bound} characters at the least"),
        Refusal::Length { at_least: false, bound, .. } => format!("it takes {bound} characters at the most"),
        Refusal::Range { at_least: true, bound, .. } => format!("it takes {bound} and more"),
        Refusal::Range { at_least: false, bound, .. } => format!("it takes {bound} and less"),
    }
}

fn remedy(parameter: &Parameter, refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotAllowed { allowed, .. } => format!("write one of {}", allowed.join(", ")),
        Refusal::Pattern { .. } => match &parameter.allowed_pattern {
            Some(pattern) => format!("it must match {pattern}"),
            None => "write a value that it takes".to_owned(),
        },
        Refusal::NotANumber { .. } => "write a number".to_owned(),
        Refusal::Length { .. } | Refusal::Range { .. } => "write a value within the bound".to_owned(),
    }
}
