//! What guards a stack from harm and how it is carried out: protection, stack policies, alarms, topics, role, time and
//! failure.

use std::sync::Arc;

use super::codes;
use super::document::{Data, Item};
use super::fields::{Declared, Fields};
use super::node::{Failing, Protect};
use super::text::Text;
use crate::diag::Span;

/// The keys of a stack that are about this.
pub(super) const KEYS: [&str; 10] = [
    "protect",
    "stack_policy",
    "rollback_triggers",
    "notification_arns",
    "service_role",
    "timeout",
    "on_failure",
    "deployment",
    "early_outputs",
    "early_inputs",
];

/// The most alarms, and the most topics, that CloudFormation takes:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackConfiguration.html>.
const MOST: usize = 5;

/// For how many minutes alarms may be watched.
const LONGEST_MONITORING: i64 = 180;

/// The longest that a creation may take, in minutes: CloudFormation takes more and ends every operation before.
const LONGEST_TIMEOUT: i64 = 24 * 60;

/// The guards of a stack as they are declared.
#[derive(Debug, Default)]
pub(super) struct DeclaredGuards {
    pub(super) protect: Option<Protect>,
    pub(super) stack_policy: Option<Arc<Text>>,
    pub(super) rollback_triggers: Option<DeclaredTriggers>,
    pub(super) notification_arns: Option<Vec<Declared>>,
    pub(super) service_role: Option<Declared>,
    pub(super) timeout: Option<u32>,
    pub(super) on_failure: Option<Failing>,
    pub(super) express: bool,
    pub(super) early_outputs: bool,
    pub(super) early_inputs: Option<Span>,
}

/// Rollback triggers as they are declared.
#[derive(Debug)]
pub(super) struct DeclaredTriggers {
    pub(super) alarms: Vec<Declared>,
    pub(super) composite_alarms: Vec<Declared>,
    pub(super) monitoring: u32,
}

impl DeclaredGuards {
    /// All values that may refer to other nodes.
    pub(super) fn values(&self) -> impl Iterator<Item = &Declared> {
        let triggers = self.rollback_triggers.iter();
        let alarms = triggers.flat_map(|triggers| triggers.alarms.iter().chain(&triggers.composite_alarms));
        alarms.chain(self.notification_arns.iter().flatten()).chain(&self.service_role)
    }
}

/// Reads them.
pub(super) fn read(fields: &mut Fields<'_>) -> DeclaredGuards {
    let guards = DeclaredGuards {
        protect: protect(fields),
        stack_policy: fields.text("stack_policy"),
        rollback_triggers: rollback_triggers(fields),
        notification_arns: values(fields, "notification_arns"),
        service_role: fields.value("service_role"),
        timeout: fields.item("timeout").and_then(|item| minutes(item, "timeout", 1..=LONGEST_TIMEOUT, fields)),
        on_failure: word(fields, "on_failure", &Failing::ALL),
        express: word(fields, "deployment", &[("standard", false), ("express", true)]).unwrap_or_default(),
        early_outputs: fields.boolean("early_outputs").unwrap_or(false),
        early_inputs: early_inputs(fields),
    };
    contradictions(&guards, fields);
    guards
}

/// Reports what cannot be had together.
fn contradictions(guards: &DeclaredGuards, fields: &mut Fields<'_>) {
    let key = |name: &str| fields.table.get(name).map(|entry| entry.key.clone());
    let both = [
        (
            guards.protect.as_ref().is_some_and(|protect| protect.replace) && guards.stack_policy.is_some(),
            ("stack_policy", "protect"),
            "a stack has one policy, and `protect` says with \"replace\" what it is",
            "take \"replace\" out of `protect` and deny Update:Replace and Update:Delete in the file, or take `stack_policy` away",
        ),
        (
            guards.express && guards.on_failure == Some(Failing::Delete),
            ("on_failure", "deployment"),
            "CloudFormation deletes no stack that fails in express mode",
            "write on_failure = \"rollback\", or take `deployment` away",
        ),
        (
            guards.express && guards.early_outputs,
            ("early_outputs", "deployment"),
            "in express mode a resource counts as complete before it can be used, so no output is certain by that",
            "take one of the two away: an express stack is complete early anyway",
        ),
        (
            guards.early_inputs.is_some() && guards.protect.as_ref().is_some_and(|protect| protect.delete),
            ("early_inputs", "protect"),
            "what is created with early inputs is deleted again if what gave them fails, and this stack may not be deleted",
            "take `early_inputs` away, or \"delete\" out of `protect`",
        ),
    ];
    let told: Vec<_> = both
        .into_iter()
        .filter(|(wrong, ..)| *wrong)
        .filter_map(|(_, (one, other), message, help)| Some((key(one)?, key(other)?, message, help)))
        .collect();
    for (at, because, message, help) in told {
        fields
            .problems
            .add(codes::GUARDS, &at, message, |problem| problem.related(because, "it contradicts this").help(help));
    }
}

/// The place of the key, if it says yes.
fn early_inputs(fields: &mut Fields<'_>) -> Option<Span> {
    let takes = fields.boolean("early_inputs").unwrap_or(false);
    fields.table.get("early_inputs").filter(|_| takes).map(|entry| entry.key.clone())
}

fn protect(fields: &mut Fields<'_>) -> Option<Protect> {
    let span = fields.item("protect")?.span.clone();
    fields.list("protect")?;
    let mut protect = Protect { delete: false, replace: false, span };
    for (name, at) in fields.names("protect") {
        match &*name {
            "delete" => protect.delete = true,
            "replace" => protect.replace = true,
            _ => {
                let message = format!("a stack cannot be protected from `{name}`");
                fields.problems.error_with(codes::INVALID_VALUE, &at, message, |search| {
                    search.or_known(&name, "it can be from", ["delete", "replace"].into_iter(), "")
                });
            }
        }
    }
    Some(protect)
}

fn rollback_triggers(fields: &mut Fields<'_>) -> Option<DeclaredTriggers> {
    const KEYS: [&str; 3] = ["alarms", "composite_alarms", "monitoring"];
    let table = fields.table("rollback_triggers")?;
    let header = fields.table.get("rollback_triggers")?.key.clone();
    let mut own = Fields::new(table, "rollback_triggers", &KEYS, header, fields.sources, fields.problems);
    let triggers = DeclaredTriggers {
        alarms: values(&mut own, "alarms").unwrap_or_default(),
        composite_alarms: values(&mut own, "composite_alarms").unwrap_or_default(),
        monitoring: own
            .item("monitoring")
            .and_then(|item| minutes(item, "monitoring", 0..=LONGEST_MONITORING, &mut own))
            .unwrap_or_default(),
    };
    let count = triggers.alarms.len() + triggers.composite_alarms.len();
    if count > MOST {
        let message = format!("these are {count} alarms, and CloudFormation watches {MOST} at most");
        let help = "put several alarms into one composite alarm";
        own.problems.error(codes::INVALID_VALUE, &own.header.clone(), message, help);
    }
    own.finish();
    Some(triggers)
}

fn values(fields: &mut Fields<'_>, key: &str) -> Option<Vec<Declared>> {
    let items = fields.list(key)?;
    let values = items.iter().map(|item| fields.declare(item)).collect();
    if let (true, "notification_arns", Some(item)) = (items.len() > MOST, key, fields.item(key)) {
        let message = format!("these are {} topics, and CloudFormation tells {MOST} at most", items.len());
        fields.problems.error(codes::INVALID_VALUE, &item.span, message, "let one topic pass on what it hears");
    }
    Some(values)
}

/// A whole number of minutes.
fn minutes(item: &Item, key: &str, range: std::ops::RangeInclusive<i64>, fields: &mut Fields<'_>) -> Option<u32> {
    let Data::Integer(number) = item.data else {
        fields.problems.wrong_type(item, "a whole number of minutes", &format!("write {key} = 30"));
        return None;
    };
    if range.contains(&number) {
        return u32::try_from(number).ok();
    }
    let message = format!("{key} = {number} is out of range");
    let help = format!("write a number of minutes from {} to {}", range.start(), range.end());
    fields.problems.error(codes::INVALID_VALUE, &item.span, message, help);
    None
}

/// One of some words, by what it stands for.
fn word<T: Copy>(fields: &mut Fields<'_>, key: &str, words: &[(&'static str, T)]) -> Option<T> {
    let item = fields.item(key)?;
    let names = || words.iter().map(|(name, _)| *name);
    let Data::Text(text) = &item.data else {
        let first = names().next().unwrap_or_default();
        fields.problems.wrong_type(item, "a text", &format!("write {key} = \"{first}\""));
        return None;
    };
    let found = words.iter().find(|(name, _)| *name == &**text);
    if found.is_none() {
        unknown(key, text, &item.span, names(), fields);
    }
    found.map(|(_, value)| *value)
}

fn unknown(
    key: &str,
    text: &str,
    at: &Span,
    names: impl Iterator<Item = &'static str> + Clone,
    fields: &mut Fields<'_>,
) {
    let message = format!("`{text}` is nothing that {key} can be");
    fields
        .problems
        .error_with(codes::INVALID_VALUE, at, message, |search| search.or_known(text, "it is one of", names, ""));
}
