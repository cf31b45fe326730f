//! Which of a plan's values are secrets, and that they are shown nowhere.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;

use serde_json::Value as Json;

use crate::aws::{Regional, Stack};
use crate::diag::Sources;
use crate::ids::NodeId;
use crate::kinds::stack::{keep_hidden, telling_outputs};
use crate::plan::{Attribute, Origin, Plan, Spec, StackSpec};
use crate::secret;

/// Has the secrets that a plan's own text and its templates hold be shown nowhere: what is given to parameters that a template
/// hides, and their defaults.
pub fn hide(plan: &Plan, sources: &Sources) {
    for node in &plan.nodes {
        let Spec::Stack(spec) = &node.spec else { continue };
        let Some(template) = template(spec, sources) else { continue };
        // Most templates of a fleet hide nothing.
        if !template.contains("NoEcho") {
            continue;
        }
        let given: Vec<(&str, String)> = spec
            .parameters
            .iter()
            .filter_map(|(name, setting)| Some((&**name, text(setting.value.literal()?)?)))
            .collect();
        keep_hidden(template, given.iter().map(|(name, value)| (*name, value.as_str())));
    }
}

/// Marks the parameters of a plan as secret that take an output which is one, be it in the middle of something else: what is handed
/// on is as secret as where it comes from.
pub fn mark_handed_on(plan: &mut Plan, sources: &Sources) {
    loop {
        let mut telling: HashMap<NodeId, BTreeSet<String>> = HashMap::new();
        for node in &plan.nodes {
            let Spec::Stack(spec) = &node.spec else { continue };
            let outputs = secret_outputs(spec, sources);
            if !outputs.is_empty() {
                telling.insert(node.id.clone(), outputs);
            }
        }
        if telling.is_empty() {
            return;
        }
        let mut marked = false;
        for node in &mut plan.nodes {
            let Spec::Stack(spec) = &mut node.spec else { continue };
            for setting in spec.parameters.values_mut().filter(|setting| !setting.sensitive) {
                let takes_one = setting.value.needs().any(|need| match &need.attribute {
                    Some(Attribute::Output(name)) => telling.get(&need.node).is_some_and(|names| names.contains(name)),
                    _ => false,
                });
                // A name is no secret because of what it leads to.
                if takes_one && setting.value.supply().is_none() {
                    (setting.sensitive, marked) = (true, true);
                }
            }
        }
        if !marked {
            return;
        }
    }
}

/// A literal as CloudFormation is given it.
fn text(literal: &Json) -> Option<String> {
    match literal {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Array(items) => Some(items.iter().filter_map(text).collect::<Vec<_>>().join(",")),
        Json::Null | Json::Bool(_) | Json::Object(_) => None,
    }
}

/// The text of a stack's template, if that is a file.
fn template<'a>(spec: &StackSpec, sources: &'a Sources) -> Option<&'a str> {
    spec.file().map(|template| &*sources.get(template.file).text)
}

/// Has the secrets that a stack was given be shown nowhere, as far as CloudFormation tells them: of a parameter that the plan says
/// to be a secret and the template does not hide. Whoever only looks at a stack does not read them where they are kept.
///
/// Its type is erased, since the SDK's own would nest too deep for the compiler within those of its callers.
pub(super) fn hide_live<'a>(
    regional: &'a Regional,
    spec: &'a StackSpec,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    Box::pin(async move {
        if !has_secrets(spec) && !matches!(spec.template, Some(Origin::Url(_))) {
            return;
        }
        // What cannot be looked at tells nothing either, and is told by whoever has to look at it.
        if let Ok(Some(stack)) = regional.pictured_stack(&spec.name).await {
            hide_given(&stack, spec);
            hide_telling(regional, &stack, spec).await;
        }
    })
}

/// The same of its outputs, where its template is not among the plan's files and it has something to hide: what it is made of
/// CloudFormation tells.
pub(super) fn hide_telling<'a>(
    regional: &'a Regional,
    stack: &'a Stack,
    spec: &'a StackSpec,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    Box::pin(async move {
        let hides = stack.parameters.values().any(|given| given.value == secret::MASK);
        if !matches!(spec.template, Some(Origin::Url(_))) || !(hides || has_secrets(spec)) {
            return;
        }
        match regional.known_template(stack).await {
            Ok(template) => hide_outputs_of(spec, &template, &stack.outputs),
            // Nobody knows which of them tells something.
            Err(_) => stack.outputs.values().for_each(|value| secret::keep(value)),
        }
    })
}

fn has_secrets(spec: &StackSpec) -> bool {
    spec.parameters.values().any(|setting| setting.sensitive)
}

/// The same of a stack that was looked at.
pub(super) fn hide_given(stack: &Stack, spec: &StackSpec) {
    for (name, _) in spec.parameters.iter().filter(|(_, setting)| setting.sensitive) {
        let Some(given) = stack.parameters.get(&**name) else { continue };
        std::iter::once(&given.value).chain(&given.resolved).for_each(|value| secret::keep(value));
    }
}

/// The outputs of a stack that tell a secret: those that the plan says to, and those that its template makes of what it hides,
/// as far as it is here.
pub fn secret_outputs(spec: &StackSpec, sources: &Sources) -> BTreeSet<String> {
    of_template(spec, template(spec, sources).unwrap_or_default())
}

fn of_template(spec: &StackSpec, template: &str) -> BTreeSet<String> {
    let sensitive = spec.parameters.iter().filter(|(_, setting)| setting.sensitive).map(|(name, _)| &**name);
    let mut telling = telling_outputs(template, sensitive);
    telling.extend(spec.sensitive_outputs.iter().map(|(name, _)| name.to_string()));
    telling
}

/// Has those of a stack's outputs be shown nowhere that tell a secret.
pub(super) fn hide_outputs(spec: &Spec, sources: &Sources, outputs: &BTreeMap<String, String>) {
    let Spec::Stack(spec) = spec else { return };
    if let Some(template) = template(spec, sources) {
        hide_outputs_of(spec, template, outputs);
    } else {
        hide_outputs_of(spec, "", outputs);
    }
}

/// The same by the text of its template, wherever that is.
pub(super) fn hide_outputs_of(spec: &StackSpec, template: &str, outputs: &BTreeMap<String, String>) {
    for name in of_template(spec, template) {
        outputs.get(&name).into_iter().for_each(|value| secret::keep(value));
    }
}

/// Outputs as they may be shown.
pub fn shown_outputs<'a>(
    spec: &Spec,
    sources: &Sources,
    outputs: &'a BTreeMap<String, String>,
) -> Cow<'a, BTreeMap<String, String>> {
    let Spec::Stack(spec) = spec else { return Cow::Borrowed(outputs) };
    let secret = secret_outputs(spec, sources);
    if secret.is_empty() {
        return Cow::Borrowed(outputs);
    }
    let shown = |(name, value): (&String, &String)| {
        (name.clone(), if secret.contains(name) { secret::MASK.to_owned() } else { value.clone() })
    };
    Cow::Owned(outputs.iter().map(shown).collect())
}
