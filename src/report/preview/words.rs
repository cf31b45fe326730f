//! The words of a preview, which its text and its Markdown share.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::preview::{
    Action, Difference, Effect, Foreseen, Preview, PropertyChange, Recreates, ResourceChange, Shown, Until,
};
use crate::text::{counted, printable};

/// What a preview compares, which must be said: a resource that was changed by hand is not seen by it.
const COMPARED: &str =
    "Templates, parameters and tags are compared with those that AWS has; what was changed by hand is not seen.";

/// The same where drift is taken back.
const COMPARED_LIVE: &str = "Stacks are compared with what really stands, as far as CloudFormation can read it; what was \
     changed by hand is brought back.";

/// What a preview compares.
pub(super) fn compared(preview: &Preview) -> &'static str {
    if preview.reverts_drift { COMPARED_LIVE } else { COMPARED }
}

/// What stands before everything that was only simulated.
pub(super) const SIMULATED: &str = "simulated:";

/// What a simulation is, which must be said.
pub(super) const NO_PROMISE: &str =
    "The simulation is what the embedded AWS does with what is live, and no promise. Ids of zeros are made up.";

/// What a simulation as a whole came to.
pub(super) fn simulation(preview: &Preview) -> String {
    let all = || preview.nodes.iter().filter_map(|node| node.simulated.as_deref());
    let count = |one: Action| all().filter(|seen| seen.action == one).count();
    let others = [
        (count(Action::Refused), "would fail in it"),
        (count(Action::Skipped), "would be skipped"),
        (count(Action::Unknown), "could not be simulated"),
    ];
    if all().count() == 0 {
        return "Simulated: everything is known without".to_owned();
    }
    let well = all().count() - others.iter().map(|(count, _)| count).sum::<usize>();
    let mut said = format!("Simulated: {} took shape", counted(well, "node"));
    for (count, what) in others.iter().filter(|(count, _)| *count > 0) {
        let _ = write!(said, ", {count} {what}");
    }
    said
}

/// What a simulation tells of a node beyond what the preview says of it.
pub(super) fn beyond(node: &Foreseen, seen: &Foreseen) -> Foreseen {
    let mut seen = seen.clone();
    seen.notes.retain(|note| !node.notes.contains(note));
    seen.settings.retain(|difference| !node.settings.contains(difference));
    seen.parameters.retain(|difference| !node.parameters.contains(difference));
    seen.tags.retain(|difference| !node.tags.contains(difference));
    seen.resources.retain(|change| !node.resources.contains(change));
    seen
}

/// What a simulation did with a node.
pub(super) fn simulated(seen: &Foreseen) -> String {
    match seen.action {
        Action::Refused => "would fail in the simulation".to_owned(),
        Action::Unknown => "not known".to_owned(),
        _ => action(seen),
    }
}

/// `3 to create, 1 to replace, 9 unchanged`.
pub(super) fn count(preview: &Preview) -> String {
    let counts = preview.count();
    let words = counts.iter().map(|(action, count)| format!("{count} {}", action.words()));
    let nodes = counted(preview.nodes.len(), "node");
    let left = match preview.left.len() {
        0 => String::new(),
        left if preview.prunes => format!(" and {left} that left the plan"),
        left => format!("; {left} left the plan"),
    };
    let counts = words.collect::<Vec<_>>().join(", ");
    if preview.prunes { format!("{nodes}{left}: {counts}") } else { format!("{nodes}: {counts}{left}") }
}

/// What stands above what left the plan.
pub(super) const fn left(preview: &Preview) -> &'static str {
    match (preview.destroys, preview.prunes) {
        (true, _) => "left the plan, and is deleted too",
        (false, true) => "left the plan, and is deleted once all else has ended well",
        (false, false) => "left the plan, and still stands: `orch apply --prune` would do this with it",
    }
}

/// What is said of a destruction that a protected stack stops.
pub(super) const HALTED: &str =
    "Nothing at all would be deleted: a destruction begins with nothing where a stack is protected.";

/// Whether a preview is of such a destruction; the plan's own nodes were looked at before.
pub(super) fn is_halted(preview: &Preview) -> bool {
    preview.destroys && preview.left.iter().any(|left| left.action == Action::Refused)
}

/// The groups that go a wave at a time and that something would be done with, or would be if nothing failed; each with how.
pub(super) fn roll_outs(preview: &Preview) -> Vec<(&str, String)> {
    let concerned = |node: &&Foreseen| !matches!(node.action, Action::Nothing | Action::Read);
    let group = |node: &Foreseen| format!("{}.{}", node.node.kind.table(), node.node.group);
    if preview.order.roll_outs.is_empty() {
        return Vec::new();
    }
    let groups: HashSet<String> = preview.nodes.iter().filter(concerned).map(group).collect();
    let shown = preview.order.roll_outs.iter().filter(|one| groups.contains(&one.group));
    shown.map(|one| (one.group.as_str(), printable(&one.to_string()).to_string())).collect()
}

/// What stands above the places that nobody could look into.
pub(super) const UNSEARCHED: &str = "not looked into for what left the plan";

/// What a node's line says after its name.
pub(super) fn action(node: &Foreseen) -> String {
    let what = match node.action {
        Action::Nothing => "nothing to do",
        Action::Read => "only read",
        Action::Create => "create",
        Action::Update => "update in place",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Unknown => "not known yet",
        Action::Refused => "would fail",
        Action::Skipped => "would be skipped",
    };
    let mut said = what.to_owned();
    if !node.name.is_empty() {
        said.push(' ');
        said.push_str(&printable(&node.name));
    }
    if let Some(because) = &node.because {
        let _ = write!(said, ", since {because} would fail");
    }
    let counts = resources(&node.resources);
    if !counts.is_empty() {
        said.push_str(": ");
        said.push_str(&counts);
    }
    said
}

/// `2 added, 1 replaced`.
fn resources(changes: &[ResourceChange]) -> String {
    let mut counts: BTreeMap<Effect, usize> = BTreeMap::new();
    for change in changes.iter().flat_map(ResourceChange::all) {
        *counts.entry(change.effect).or_default() += 1;
    }
    let counts = counts.iter().map(|(effect, count)| format!("{count} {}", effect_word(*effect)));
    counts.collect::<Vec<_>>().join(", ")
}

/// What is done to a resource.
pub(super) const fn effect_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Add => "added",
        Effect::Modify => "changed in place",
        Effect::MayReplace => "perhaps replaced",
        Effect::Replace => "replaced",
        Effect::Remove => "deleted",
        Effect::Leave => "left behind",
        Effect::Import => "imported",
        Effect::Restore => "made again",
        Effect::Sync => "taken as it is",
        Effect::Unknown => "not known yet",
    }
}

/// One character for what is done to a resource.
pub(super) const fn effect_sign(effect: Effect) -> char {
    match effect {
        Effect::Add | Effect::Import | Effect::Restore => '+',
        Effect::Sync => '=',
        Effect::Modify => '~',
        Effect::MayReplace | Effect::Replace => '±',
        Effect::Remove | Effect::Leave => '-',
        Effect::Unknown => '?',
    }
}

/// `10.0.0.0/20 → 10.0.0.0/19`.
pub(super) fn difference(difference: &Difference) -> String {
    arrow(difference.before.as_ref().map(shown), difference.after.as_ref().map(shown))
}

fn arrow(before: Option<String>, after: Option<String>) -> String {
    match (before, after) {
        (None, Some(after)) => after,
        (Some(before), None) => format!("{before} → nothing"),
        (Some(before), Some(after)) if before == after => format!("{after} (differs)"),
        (Some(before), Some(after)) => format!("{before} → {after}"),
        (None, None) => String::new(),
    }
}

fn shown(value: &Shown) -> String {
    match value {
        Shown::Text(text) if text.is_empty() => "\"\"".to_owned(),
        Shown::Text(text) => printable(text).into_owned(),
        Shown::Hidden => "****".to_owned(),
        Shown::Until(expression) => format!("(known after {})", printable(expression)),
    }
}

/// `CidrBlock: 10.0.0.0/24 → 10.0.1.0/24 (replaces it)`.
pub(super) fn property(property: &PropertyChange) -> String {
    // What is taken as it is became so by hand: that is what there is to see.
    let settled;
    let property = if property.synced {
        let before = property.deployed.clone().filter(|deployed| !deployed.is_empty());
        settled = PropertyChange { before, ..property.clone() };
        &settled
    } else {
        property
    };
    let (before, after) = members(property).unwrap_or_else(|| (property.before.clone(), property.after.clone()));
    let value = |text: &Option<String>| text.as_ref().map(|text| printable(text).into_owned());
    let after = value(&after).or_else(|| (!property.certain).then(|| "known during the update".to_owned()));
    let mut said =
        format!("{}: {}", printable(property.path.trim_start_matches("Properties/")), arrow(value(&before), after));
    if said.ends_with(": ") {
        said.truncate(said.len() - 2);
    }
    let mut remarks: Vec<String> = Vec::new();
    match (property.recreates, property.certain) {
        _ if property.synced => remarks.push("taken as it is".to_owned()),
        (Recreates::Always, true) => remarks.push("replaces it".to_owned()),
        (Recreates::Always, false) => remarks.push("replaces it if it changes".to_owned()),
        (Recreates::Conditionally, _) => remarks.push("may replace it".to_owned()),
        (Recreates::Never, _) => {}
    }
    remarks.extend(by_hand(property));
    remarks.extend(property.cause.as_ref().map(|cause| format!("by {}", printable(cause))));
    if !remarks.is_empty() {
        let _ = write!(said, " ({})", remarks.join(", "));
    }
    said
}

/// What a property was deployed as that somebody has changed by hand, where that is neither what it becomes again nor what
/// it is told to come from.
fn by_hand(property: &PropertyChange) -> Option<String> {
    let deployed = property.deployed.as_ref().filter(|_| !property.synced)?;
    let is_plain = map(deployed).is_none() && !deployed.is_empty();
    let is_told = [&property.before, &property.after].into_iter().flatten().any(|value| value == deployed);
    Some(if is_plain && !is_told {
        format!("changed by hand, deployed as {}", printable(deployed))
    } else {
        "changed by hand".to_owned()
    })
}

/// Of two maps, or lists of tags, what differs: the rest tells nobody anything.
fn members(property: &PropertyChange) -> Option<(Option<String>, Option<String>)> {
    let (before, after) = (map(property.before.as_ref()?)?, map(property.after.as_ref()?)?);
    let told = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        let differing = one.iter().filter(|(key, value)| other.get(*key) != Some(value));
        differing.map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ")
    };
    let shown = |text: String| (!text.is_empty()).then_some(text);
    let (was, will_be) = (told(&before, &after), told(&after, &before));
    (before != after).then(|| (shown(was), shown(will_be)))
}

/// A JSON object, or a list of `{"Key": …, "Value": …}`, by its keys.
fn map(text: &str) -> Option<BTreeMap<String, String>> {
    let word = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match serde_json::from_str(text).ok()? {
        Json::Object(map) => Some(map.iter().map(|(key, value)| (key.clone(), word(value))).collect()),
        Json::Array(items) => {
            items.iter().map(|item| Some((item.get("Key")?.as_str()?.to_owned(), word(item.get("Value")?)))).collect()
        }
        _ => None,
    }
}

/// What a node waits for: where it decides over what is done, each value and its place; else the nodes alone.
pub(super) fn until(node: &Foreseen) -> Vec<String> {
    if node.until.is_empty() {
        return Vec::new();
    }
    if node.action == Action::Unknown {
        let line = |until: &Until| {
            let known = if until.early { "is certain, before its stack is complete" } else { "is known" };
            format!("until {} {known} ({})", printable(&until.value), printable(&until.place))
        };
        return node.until.iter().map(line).collect();
    }
    let mut nodes: Vec<String> = Vec::new();
    for until in &node.until {
        let name = if until.early { format!("{} (early)", until.node) } else { until.node.to_string() };
        if !nodes.contains(&name) {
            nodes.push(name);
        }
    }
    vec![format!("with what {} will give", nodes.join(" and "))]
}
