//! What the preview of a stack stands on.

use std::collections::BTreeMap;

use super::super::Expected;
use super::Guards;
use super::foresee::Draft;
use crate::aws::{ChangeSet, Settings, Stack};
use crate::cfn::Document;
use crate::preview::Grounds;

/// What stands at AWS; nothing where there is no stack.
pub(super) fn live(stack: Option<&Stack>) -> BTreeMap<String, String> {
    let Some(stack) = stack else { return BTreeMap::new() };
    let updated = stack.updated.and_then(|updated| jiff::Timestamp::from_millisecond(updated).ok());
    let facts = [
        ("stack", stack.id.clone()),
        ("status", stack.status.to_string()),
        ("termination protection", if stack.termination_protection { "on" } else { "off" }.to_owned()),
        ("last updated", updated.map_or_else(|| "never".to_owned(), |updated| updated.to_string())),
    ];
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// How the change set stands that was shown; of one that is gone, nothing is known any more.
pub(super) fn change_set(change_set: Option<&ChangeSet>) -> (String, String) {
    let standing = change_set
        .map_or_else(|| "gone".to_owned(), |change_set| format!("{}, {}", change_set.status, change_set.execution));
    ("change set".to_owned(), standing)
}

impl Draft {
    /// What the plan wants of it. The value of a parameter that the template hides is left out, and so is its default.
    pub fn wanted(&self) -> BTreeMap<String, String> {
        // Named one by one, so that whatever a stack is wanted to have besides is decided on here too.
        // By which way the template comes to CloudFormation changes nothing about the stack, and what it nests is named in it
        // by a digest.
        let Self {
            name,
            template,
            path: _,
            parameters,
            kept,
            sensitive,
            tags,
            capabilities,
            guards,
            delivery: _,
            nested: _,
            adopt,
            owner: _,
            reverts_drift,
        } = self;
        let document = Document::shared(template).ok();
        let mut facts = BTreeMap::from([
            ("name".to_owned(), name.clone()),
            ("template".to_owned(), Grounds::digest(&shape(template, document.as_deref()))),
            ("capabilities".to_owned(), capabilities.join(", ")),
            ("kept parameters".to_owned(), kept.join(", ")),
            ("secret parameters".to_owned(), sensitive.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
            ("adopt".to_owned(), adopt.is_wanted().to_string()),
            ("drift is brought back".to_owned(), reverts_drift.to_string()),
        ]);
        for (name, value) in parameters {
            if !super::compare::is_hidden(document.as_deref(), sensitive, name) {
                facts.insert(format!("parameter {name}"), value.text().to_owned());
            }
        }
        facts.extend(tags.iter().map(|(key, value)| (format!("tag {key}"), value.text().to_owned())));
        facts.extend(of_guards(guards));
        facts
    }
}

/// What the plan wants of a stack's guards, of which it may want nothing.
fn of_guards(guards: &Guards<Expected>) -> impl Iterator<Item = (String, String)> {
    let Guards { protect, policy, settings } = guards;
    let Settings { rollback_triggers, notification_arns, service_role, timeout_minutes, on_failure, express } =
        settings;
    let joined = |values: &[Expected]| values.iter().map(Expected::text).collect::<Vec<_>>().join(", ");
    let protect = protect.as_ref().map(|protect| {
        let words = [(protect.delete, "delete"), (protect.replace, "replace")];
        words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect::<Vec<_>>().join(", ")
    });
    let triggers = rollback_triggers.as_ref().map(|triggers| {
        let (alarms, composite) = (joined(&triggers.alarms), joined(&triggers.composite_alarms));
        format!("{alarms}; {composite}; {} minutes", triggers.minutes)
    });
    let facts = [
        ("protect", protect),
        ("stack policy", policy.as_ref().map(|policy| Grounds::digest(&policy.text))),
        ("rollback triggers", triggers),
        ("topics", notification_arns.as_deref().map(joined)),
        ("service role", service_role.as_ref().map(|role| role.text().to_owned())),
        ("timeout", timeout_minutes.map(|minutes| minutes.to_string())),
        ("on failure", on_failure.map(|on_failure| on_failure.as_str().to_owned())),
        ("deployment", express.then(|| "express".to_owned())),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

/// A template without what it hides; of one that only CloudFormation can read, its text.
fn shape(template: &str, document: Option<&Document>) -> String {
    let Some(document) = document else { return template.to_owned() };
    let mut json = document.root.to_json();
    for parameter in document.parameters.values().filter(|parameter| parameter.no_echo) {
        if let Some(declared) = json["Parameters"][&parameter.name].as_object_mut() {
            declared.remove("Default");
        }
    }
    json.to_string()
}
