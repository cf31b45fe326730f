//! A stack's alarms, topics and role, before and after.

use super::super::Expected;
use super::guards::Guards;
use crate::aws::{RollbackTriggers, Settings};
use crate::preview::{Difference, Shown};

/// The settings that differ from those of the live stack. How an operation is carried out is none of the stack's.
pub(super) fn differences(wanted: &Settings<Expected>, live: &Settings) -> Vec<Difference> {
    let mut found = Vec::new();
    if let Some(triggers) = &wanted.rollback_triggers {
        let before = live.rollback_triggers.clone().unwrap_or_default();
        let same = triggers.minutes == before.minutes
            && are_same(&triggers.alarms, &before.alarms)
            && are_same(&triggers.composite_alarms, &before.composite_alarms);
        let before = before.map_known();
        found.extend((!same).then(|| difference("rollback triggers", watched(&before), watched(triggers))));
    }
    if let Some(topics) = &wanted.notification_arns {
        let before = live.notification_arns.clone().unwrap_or_default();
        let same = are_same(topics, &before);
        let before: Vec<Expected> = before.into_iter().map(Expected::Known).collect();
        found.extend((!same).then(|| difference("topics", listed(&before, ""), listed(topics, ""))));
    }
    if let Some(role) = &wanted.service_role {
        let before = live.service_role.clone();
        let same = role.known().is_some() && role.known() == before.as_deref();
        let before = before.map(Shown::Text);
        found.extend((!same).then(|| difference("service role", before, Some(role.shown(false)))));
    }
    found
}

/// All that a stack which is to be made is given.
pub(super) fn given(guards: &Guards<Expected>) -> Vec<Difference> {
    let mut all = differences(&guards.settings, &Settings::default());
    let settings = &guards.settings;
    let word = |word: String| Some(Shown::Text(word));
    all.extend(settings.timeout_minutes.map(|minutes| difference("timeout", None, word(format!("{minutes} minutes")))));
    let on_failure = settings.on_failure.map(|on_failure| on_failure.as_str().to_owned());
    all.extend(on_failure.map(|on_failure| difference("on failure", None, word(on_failure))));
    all.extend(settings.express.then(|| difference("deployment", None, word("express".to_owned()))));
    all
}

/// One difference in a line: `service role: arn:… → arn:…`.
pub(super) fn line(difference: &Difference) -> String {
    let shown = |value: &Option<Shown>| match value {
        Some(Shown::Text(text)) => text.clone(),
        Some(Shown::Until(value)) => format!("(known after {value})"),
        Some(Shown::Hidden) => "****".to_owned(),
        None => "none".to_owned(),
    };
    format!("{}: {} → {}", difference.name, shown(&difference.before), shown(&difference.after))
}

fn difference(name: &str, before: Option<Shown>, after: Option<Shown>) -> Difference {
    Difference { name: name.to_owned(), before, after }
}

/// Whether two lists name the same, in whatever order.
fn are_same(wanted: &[Expected], live: &[String]) -> bool {
    let known: Option<Vec<&str>> = wanted.iter().map(Expected::known).collect();
    let Some(mut known) = known else { return false };
    let mut live: Vec<&str> = live.iter().map(String::as_str).collect();
    known.sort_unstable();
    known.dedup();
    live.sort_unstable();
    known == live
}

/// The triggers in words; `None` if there are none.
fn watched(triggers: &RollbackTriggers<Expected>) -> Option<Shown> {
    let all: Vec<Expected> = triggers.alarms.iter().chain(&triggers.composite_alarms).cloned().collect();
    if all.is_empty() && triggers.minutes == 0 {
        return None;
    }
    let time =
        if triggers.minutes == 0 { String::new() } else { format!(", watched for {} minutes", triggers.minutes) };
    Some(listed(&all, &time).unwrap_or_else(|| Shown::Text(format!("no alarms{time}"))))
}

/// Values one after the other; `None` if there are none.
fn listed(values: &[Expected], end: &str) -> Option<Shown> {
    if values.is_empty() {
        return None;
    }
    if let Some(later) = values.iter().find_map(Expected::later) {
        return Some(Shown::Until(later.values()));
    }
    let texts: Vec<&str> = values.iter().filter_map(Expected::known).collect();
    Some(Shown::Text(format!("{}{end}", texts.join(", "))))
}

impl RollbackTriggers {
    /// The same, as a preview knows values.
    fn map_known(self) -> RollbackTriggers<Expected> {
        let known = |values: Vec<String>| values.into_iter().map(Expected::Known).collect();
        RollbackTriggers {
            alarms: known(self.alarms),
            composite_alarms: known(self.composite_alarms),
            minutes: self.minutes,
        }
    }
}
