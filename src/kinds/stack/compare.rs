//! Whether a live stack is as it should be, without a change set where that can be known.

use std::collections::{BTreeMap, BTreeSet};

use super::super::adopt::STANDS;
use super::super::{Expected, NODE_TAG, PLAN_TAG};
use super::{Wanted, secrets, settings};
use crate::aws::Stack;
use crate::cfn::{self, Document, in_ascii};

/// How a live stack stands to what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// It is as it should be. There may be something to say about how that is known.
    Same(Vec<String>),
    /// It differs, or only CloudFormation can tell: each difference, and each reason to ask.
    Different(Vec<Reason>),
}

/// Why CloudFormation is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) about: About,
    pub(super) text: String,
}

/// What a reason is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The template differs.
    Template,
    /// A parameter or a tag differs, which a preview tells with its values.
    Value,
    /// It may be as it should be: only CloudFormation can tell.
    Doubt,
}

/// What CloudFormation shows in place of a parameter that its template hides.
pub(super) const HIDDEN: &str = "****";

/// Resource types whose content lies outside of the template.
const NESTED: [&str; 2] = ["AWS::CloudFormation::Stack", "AWS::Serverless::Application"];

/// Dynamic references whose value may change while the template does not.
const DYNAMIC: [&str; 2] = ["{{resolve:ssm", "{{resolve:secretsmanager"];

/// What is found while comparing.
#[derive(Default)]
struct Findings {
    notes: Vec<String>,
    differences: Vec<Reason>,
}

impl Findings {
    fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    fn differs(&mut self, about: About, text: impl Into<String>) {
        self.differences.push(Reason { about, text: text.into() });
    }
}

/// Compares a live stack of ours, and the template it was made of, with what is wanted.
pub(super) fn compare(wanted: &Wanted, stack: &Stack, template: &str) -> Comparison {
    secrets::keep_live(wanted, stack);
    let mut findings = Findings::default();
    match cfn::compare(&wanted.template, template) {
        cfn::Comparison::Same => {}
        cfn::Comparison::SameInAscii => findings.note(
            "the template is the same save for its non-ASCII characters, which CloudFormation does not give back",
        ),
        cfn::Comparison::Different => findings.differs(About::Template, "the template differs"),
    }
    let document = Document::shared(&wanted.template).ok();
    match &document {
        Some(document) => {
            defaults(wanted, stack, document, &mut findings);
            undecidable(wanted, document, &mut findings);
        }
        None => findings.differs(About::Doubt, "the template can only be read by CloudFormation"),
    }
    parameters(wanted, stack, document.as_deref(), &mut findings);
    tags(wanted, stack, &mut findings);
    if wanted.reverts_drift {
        findings
            .differs(About::Doubt, "what was changed by hand is to be brought back, and only a change set can tell");
    }
    let settings = wanted.guards.settings.filter_map(|value| Some(Expected::Known(value.clone())));
    for difference in settings::differences(&settings, &stack.settings) {
        findings.differs(About::Value, settings::line(&difference));
    }
    if findings.differences.is_empty() {
        if wanted.spares(stack) {
            findings.note(STANDS);
        }
        Comparison::Same(findings.notes)
    } else {
        Comparison::Different(findings.differences)
    }
}

/// Whether CloudFormation, which has `?` for what is not ASCII, gives `live` back for `wanted`.
pub(super) fn same_text(wanted: &str, live: &str) -> bool {
    wanted == live || (!wanted.is_ascii() && in_ascii(wanted) == live)
}

/// Whether a parameter's value must not be shown: the plan says so, the template hides it, or cannot be read so that it may.
pub(super) fn is_hidden(document: Option<&Document>, sensitive: &BTreeSet<String>, name: &str) -> bool {
    let hides = |document: &Document| document.parameters.get(name).is_some_and(|parameter| parameter.no_echo);
    sensitive.contains(name) || document.is_none_or(hides)
}

/// The parameters that the plan gives.
fn parameters(wanted: &Wanted, stack: &Stack, document: Option<&Document>, findings: &mut Findings) {
    for (name, value) in &wanted.parameters {
        match stack.parameters.get(name) {
            None => findings.differs(About::Value, format!("parameter {name} is new")),
            Some(live) if live.value == HIDDEN => {
                findings.differs(
                    About::Doubt,
                    format!("parameter {name} is hidden, so only a change set can tell whether it differs"),
                );
            }
            Some(live) if same_text(value, &live.value) => {}
            // The live template still shows it; the wanted one no longer does.
            Some(_) if is_hidden(document, &wanted.sensitive, name) => {
                findings.differs(About::Value, format!("parameter {name} differs"));
            }
            Some(live) => findings.differs(About::Value, format!("parameter {name}: {} → {value}", live.value)),
        }
    }
}

/// The parameters that the plan neither gives nor keeps: they have their defaults, which CloudFormation sets again at every update.
fn defaults(wanted: &Wanted, stack: &Stack, document: &Document, findings: &mut Findings) {
    let is_settled = |name: &String| wanted.parameters.contains_key(name) || wanted.kept.contains(name);
    for parameter in document.parameters.values().filter(|parameter| !is_settled(&parameter.name)) {
        let name = &parameter.name;
        let Some(live) = stack.parameters.get(name) else { continue };
        match &parameter.default {
            // The plan may have given it another value before.
            Some(_) if live.value == HIDDEN => {
                findings.differs(
                    About::Doubt,
                    format!("parameter {name} is hidden, so only a change set can tell whether it has its default"),
                );
            }
            Some(default) if same_text(default, &live.value) => {}
            Some(_) if parameter.no_echo => {
                findings.differs(About::Value, format!("parameter {name} differs from its default"));
            }
            Some(default) => {
                findings.differs(About::Value, format!("parameter {name}: {} → {default} (its default)", live.value));
            }
            None => findings.differs(About::Value, format!("parameter {name} is no longer given")),
        }
    }
}

/// What lies outside of the template and the parameters and may have changed there.
fn undecidable(wanted: &Wanted, document: &Document, findings: &mut Findings) {
    for parameter in document.parameters.values().filter(|parameter| parameter.is_ssm()) {
        findings.differs(
            About::Doubt,
            format!("parameter {} is looked up in SSM, so only a change set can tell", parameter.name),
        );
    }
    if document.has_macros {
        findings.differs(About::Doubt, "macros have a hand in the template, so only a change set can tell");
    }
    if let Some((name, _)) =
        document.resources.iter().find(|(_, resource)| NESTED.contains(&resource.type_name.as_str()))
    {
        findings.differs(About::Doubt, format!("{name} is a nested stack, so only a change set can tell"));
    }
    let values = wanted.parameters.values().map(String::as_str);
    let mut texts = std::iter::once(&*wanted.template).chain(values);
    if texts.any(|text| DYNAMIC.iter().any(|reference| text.contains(reference))) {
        findings.differs(About::Doubt, "a dynamic reference may have another value now, so only a change set can tell");
    }
}

fn tags(wanted: &Wanted, stack: &Stack, findings: &mut Findings) {
    let spared = wanted.spares(stack);
    let wanted = wanted.named_by(stack).with(&wanted.tags).into_iter();
    let wanted: BTreeMap<String, String> = wanted.filter(|(key, _)| !(spared && is_own(key))).collect();
    // AWS's own tags, which nobody else may set.
    let live: BTreeMap<&String, &String> = stack.tags.iter().filter(|(key, _)| !key.starts_with("aws:")).collect();
    for (key, value) in &wanted {
        match live.get(key) {
            Some(live) if same_text(value, live) => {}
            Some(live) => findings.differs(About::Value, format!("tag {key}: {live} → {value}")),
            None => findings.differs(About::Value, format!("tag {key} is new")),
        }
    }
    for key in live.keys().filter(|key| !wanted.contains_key(**key)) {
        findings.differs(About::Value, format!("tag {key} is no longer wanted"));
    }
}

/// Whether a tag is one of the two that tell the owner.
pub(super) fn is_own(key: &str) -> bool {
    [PLAN_TAG, NODE_TAG].contains(&key)
}

#[cfg(test)]
mod tests {
    use super::super::decide::tests::{OURS, stack, wanted};
    use super::*;
    use crate::aws::Parameter;
    use crate::kinds::Adopt;

    const TEMPLATE: &str = "Parameters:\n  Cidr: {Type: String}\n  Size: {Type: Number, Default: 4}\nResources:\n  Vpc: {Type: 'AWS::EC2::VPC'}\n";

    fn live(parameters: &[(&str, &str)], extra_tags: &[(&str, &str)]) -> Stack {
        let mut stack = stack("CREATE_COMPLETE", &OURS);
        stack.parameters = parameters
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Parameter { value: (*value).to_owned(), resolved: None }))
            .collect();
        stack.tags.extend(extra_tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        stack
    }

    fn given(template: &str, parameters: &[(&str, &str)]) -> Wanted {
        let mut wanted = wanted(template);
        wanted.parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        wanted
    }

    #[track_caller]
    fn differences(wanted: &Wanted, stack: &Stack, template: &str) -> Vec<String> {
        match compare(wanted, stack, template) {
            Comparison::Different(differences) => differences.into_iter().map(|reason| reason.text).collect(),
            Comparison::Same(_) => Vec::new(),
        }
    }

    #[test]
    fn the_same_is_the_same_however_it_is_written() {
        let wanted = given(TEMPLATE, &[("Cidr", "10.0.0.0/20")]);
        let stack = live(&[("Cidr", "10.0.0.0/20"), ("Size", "4")], &[("aws:cloudformation:stack-name", "x")]);
        assert_eq!(compare(&wanted, &stack, TEMPLATE), Comparison::Same(vec![]));
        let json = r#"{"Resources":{"Vpc":{"Type":"AWS::EC2::VPC"}},
            "Parameters":{"Size":{"Type":"Number","Default":4},"Cidr":{"Type":"String"}}}"#;
        assert_eq!(compare(&wanted, &stack, json), Comparison::Same(vec![]));
    }

    #[test]
    fn what_differs_is_said() {
        let stack = live(&[("Cidr", "10.0.0.0/20"), ("Size", "4")], &[]);
        let mut changed = given(TEMPLATE, &[("Cidr", "10.1.0.0/20"), ("Extra", "1")]);
        changed.tags.insert("Purpose".to_owned(), "Infrastructure".to_owned());
        let other = TEMPLATE.replace("VPC", "EIP");
        assert_eq!(
            differences(&changed, &stack, &other),
            [
                "the template differs",
                "parameter Cidr: 10.0.0.0/20 → 10.1.0.0/20",
                "parameter Extra is new",
                "tag Purpose is new",
            ]
        );
    }

    #[test]
    fn what_is_adopted_by_declaration_is_the_same_without_our_tags_and_what_is_taken_over_now_is_not() {
        let mut live = live(&[("Cidr", "10.0.0.0/20"), ("Size", "4")], &[("Team", "net")]);
        live.tags.retain(|key, _| !key.starts_with("orch:"));
        let mut wanted = given(TEMPLATE, &[("Cidr", "10.0.0.0/20")]);
        wanted.tags.insert("Team".to_owned(), "net".to_owned());
        wanted.adopt = Adopt::Declared;
        assert_eq!(compare(&wanted, &live, TEMPLATE), Comparison::Same(vec![STANDS.to_owned()]));
        wanted.adopt = Adopt::Now { from_others: false };
        let own = ["tag orch:node is new", "tag orch:plan is new"];
        assert_eq!(differences(&wanted, &live, TEMPLATE), own);
        wanted.adopt = Adopt::Declared;
        wanted.tags.clear();
        assert_eq!(differences(&wanted, &live, TEMPLATE), ["tag Team is no longer wanted"]);
    }

    #[test]
    fn a_parameter_that_is_no_longer_given_goes_back_to_its_default() {
        let wanted = given(TEMPLATE, &[]);
        let stack = live(&[("Cidr", "10.0.0.0/20"), ("Size", "8")], &[("Old", "x")]);
        assert_eq!(
            differences(&wanted, &stack, TEMPLATE),
            ["parameter Cidr is no longer given", "parameter Size: 8 → 4 (its default)", "tag Old is no longer wanted",]
        );
    }

    #[test]
    fn what_cloudformation_hides_or_looks_up_is_left_to_a_change_set() {
        let secret = "Parameters:\n  Key: {Type: String, NoEcho: true}\n  Other: {Type: String, NoEcho: true, Default: x}\nResources: {}\n";
        let stack = live(&[("Key", "****"), ("Other", "****")], &[]);
        assert_eq!(
            differences(&given(secret, &[("Key", "s3cret")]), &stack, secret),
            [
                "parameter Other is hidden, so only a change set can tell whether it has its default",
                "parameter Key is hidden, so only a change set can tell whether it differs",
            ]
        );
        let default = "Parameters:\n  Other: {Type: String, NoEcho: true, Default: x}\nResources: {}\n";
        assert_eq!(
            differences(&given(default, &[]), &live(&[("Other", "****")], &[]), default),
            ["parameter Other is hidden, so only a change set can tell whether it has its default"],
            "the plan may have given it before"
        );

        let ssm = "Parameters:\n  Ami: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /ami}\nResources: {}\n";
        assert_eq!(differences(&given(ssm, &[]), &live(&[("Ami", "/ami")], &[]), ssm).len(), 1);
        let transform = "Transform: AWS::LanguageExtensions\nResources: {}\n";
        assert_eq!(differences(&given(transform, &[]), &live(&[], &[]), transform).len(), 1);
        let nested = "Resources:\n  A: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: 'https://x'}}\n";
        assert_eq!(differences(&given(nested, &[]), &live(&[], &[]), nested).len(), 1);
        let dynamic = "Resources:\n  A: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: '{{resolve:ssm:/cidr}}'}}\n";
        assert_eq!(differences(&given(dynamic, &[]), &live(&[], &[]), dynamic).len(), 1);
    }

    #[test]
    fn a_value_that_the_wanted_template_hides_is_not_shown_though_the_live_one_shows_it() {
        let shown = "Parameters:\n  Key: {Type: String}\n  Other: {Type: String, Default: b}\nResources: {}\n";
        let hidden = shown.replace("Type: String", "Type: String, NoEcho: true");
        let stack = live(&[("Key", "0ld"), ("Other", "0ther")], &[]);
        let differences = differences(&given(&hidden, &[("Key", "s3cret")]), &stack, shown);
        assert_eq!(
            differences,
            ["the template differs", "parameter Other differs from its default", "parameter Key differs"]
        );
        // What cannot be read may hide it as well.
        let unreadable = given("Parameters: [", &[("Key", "s3cret")]);
        let Comparison::Different(differences) = compare(&unreadable, &stack, shown) else { panic!("the same") };
        assert!(!format!("{differences:?}").contains("s3cret"), "{differences:?}");
    }

    #[test]
    fn non_ascii_text_is_compared_as_far_as_cloudformation_gives_it_back() {
        let template = "Description: schön\nParameters:\n  Name: {Type: String}\nResources: {}\n";
        let stack = live(&[("Name", "f?r dich")], &[]);
        let wanted = given(template, &[("Name", "für dich")]);
        let Comparison::Same(notes) = compare(&wanted, &stack, &template.replace('ö', "?")) else { panic!("differs") };
        assert_eq!(notes.len(), 1);
    }
}
