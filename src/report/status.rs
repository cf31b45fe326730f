//! How the nodes of a plan stand, for people and for programs.

use std::fmt::Write as _;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;

use super::Palette;
use super::fold::sentence;
use super::took::ago;
use crate::event::{Failure, Health, NodeStanding, RouteState, Standing, Survey, TableStanding};
use crate::ids::{Kind, NodeId};
use crate::text::{counted, printable};

/// How the text is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// How many columns a line may have.
    pub width: usize,
    /// Whether every node gets a line of its own, however many there are.
    pub every_node: bool,
    /// The colours.
    pub palette: Palette,
}

/// More nodes than a screen has lines share some of them.
const A_SCREEN: usize = 40;

/// Fewer than this are not worth a line in common.
const A_FEW: usize = 4;

/// The width of the column of healths.
const HEALTH: usize = 9;

/// The column of names is not made wider than this; longer names push their own line only.
const WIDEST_NAME: usize = 40;

/// How many nodes a line names before it counts the rest.
const NAMED: usize = 3;

/// The version of the document. New fields do not change it.
const VERSION: u32 = 1;

/// One JSON document: the counts, then every node, then what could not be read.
pub fn status_json(plan: &str, at: Timestamp, survey: &Survey) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        version: u32,
        plan: &'a str,
        at: Timestamp,
        counts: IndexMap<Health, usize>,
        #[serde(flatten)]
        survey: &'a Survey,
    }
    let counts = survey.counts().into_iter().collect();
    let document = Document { version: VERSION, plan, at, counts, survey };
    let mut text = serde_json::to_string_pretty(&document).expect("text is always JSON");
    text.push('\n');
    text
}

/// A line for each node after one that counts them, and below each what there is to say of it. Remedies stand at the end,
/// each once. Where there are more nodes than a screen holds, those of a group about which there is nothing to say share
/// a line.
pub fn status_text(at: Timestamp, survey: &Survey, layout: Layout) -> String {
    let rows = rows(at, survey, layout);
    // Names longer than two fifths of a line push their own line only.
    let widest = ((layout.width.saturating_sub(HEALTH)) * 2 / 5).min(WIDEST_NAME);
    let names = rows.iter().map(|row| row.name.chars().count()).filter(|name| *name <= widest).max().unwrap_or(0);
    let aged = rows.iter().filter(|row| !row.age.is_empty() && row.columns(names, 0) <= layout.width);
    let states = aged.map(|row| row.state.chars().count()).max().unwrap_or(0);
    let mut out = tally(survey, layout);
    for row in &rows {
        row.write(&mut out, names, states, layout);
    }
    if survey.left > 0 {
        let things = if survey.left == 1 { "stack or peering has" } else { "stacks and peerings have" };
        let said = format!("{} {things} left the plan: `orch preview` shows what", survey.left);
        let _ = writeln!(out, "{}", layout.palette.warn(said));
    }
    unread(&mut out, &survey.unread, layout);
    remedies(&mut out, survey, layout);
    out
}

/// `13 nodes: 12 fine, 1 failed`.
fn tally(survey: &Survey, layout: Layout) -> String {
    let mut out = format!("{}:", counted(survey.nodes.len(), "node"));
    let mut column = out.chars().count();
    let counts = survey.counts();
    for (place, (health, count)) in counts.iter().enumerate() {
        let text = format!("{count} {health}");
        let comma = if place + 1 < counts.len() { "," } else { "" };
        let length = text.chars().count() + comma.len() + 1;
        if column + length > layout.width {
            out.push_str("\n ");
            column = 1;
        }
        column += length;
        let _ = write!(out, " {}{comma}", painted(layout.palette, *health, &text));
    }
    out.push('\n');
    out
}

fn painted(palette: Palette, health: Health, text: &str) -> String {
    match health {
        Health::Fine => palette.good(text),
        Health::Failed | Health::Foreign => palette.bad(text),
        Health::UnderWay | Health::Missing | Health::Unread => palette.warn(text),
        Health::Waits => palette.faint(text),
    }
}

/// One line, and what stands below it.
struct Row {
    health: Health,
    name: String,
    state: String,
    age: String,
    /// What there is to say, each with a word for it.
    below: Vec<(&'static str, String)>,
}

/// What nodes have in common that may share a line: kind, group and health.
type Alike<'a> = (Kind, &'a str, Health);

/// What a node has in common with others, if there is nothing to say of it that they do not share.
fn alike(node: &NodeStanding) -> Option<Alike<'_>> {
    let standing = &node.standing;
    let is_plain = (standing.health == Health::Fine && standing.options.is_empty())
        || (standing.health != Health::Failed
            && standing.cause.is_none()
            && standing.help.is_empty()
            && standing.options.is_empty()
            && standing.tables.iter().all(|table| table.state == RouteState::Missing));
    is_plain.then_some((node.node.kind, &*node.node.group, standing.health))
}

/// The rows, in the order of the plan; a shared one stands where the first of its nodes does.
fn rows(at: Timestamp, survey: &Survey, layout: Layout) -> Vec<Row> {
    let folds = !layout.every_node && survey.nodes.len() > A_SCREEN;
    let mut shares: IndexMap<Alike<'_>, Vec<&NodeStanding>> = IndexMap::new();
    for node in survey.nodes.iter().filter(|_| folds) {
        if let Some(alike) = alike(node) {
            shares.entry(alike).or_default().push(node);
        }
    }
    shares.retain(|_, nodes| nodes.len() >= A_FEW);
    let row = |node| match alike(node).and_then(|alike| shares.get(&alike)) {
        Some(nodes) => std::ptr::eq(nodes[0], node).then(|| shared(at, nodes)),
        None => Some(own(at, node)),
    };
    survey.nodes.iter().filter_map(row).collect()
}

/// The row of one node.
fn own(at: Timestamp, node: &NodeStanding) -> Row {
    let standing = &node.standing;
    let mut state = printable(&standing.state).into_owned();
    if !standing.waits_for.is_empty() {
        let _ = write!(state, ", waits for {}", names(&standing.waits_for));
    }
    let mut below: Vec<(&'static str, String)> =
        standing.tables.iter().filter_map(|table| Some(("table", in_table(table)?))).collect();
    below.extend(standing.options.iter().map(|option| ("dns", printable(option).into_owned())));
    below.extend(standing.cause.iter().map(|cause| ("cause", printable(cause).into_owned())));
    let age = standing.since.map_or_else(String::new, |since| ago(age(at, since)));
    Row { health: standing.health, name: node.node.to_string(), state, age, below }
}

/// The row of several nodes of a group.
fn shared(at: Timestamp, nodes: &[&NodeStanding]) -> Row {
    let first = nodes[0];
    let mut states: IndexMap<&str, usize> = IndexMap::new();
    for node in nodes {
        *states.entry(&node.standing.state).or_default() += 1;
    }
    let mut state = if states.len() == 1 {
        format!("all {} {}", nodes.len(), printable(&first.standing.state))
    } else {
        let counts: Vec<String> = states.iter().map(|(state, count)| format!("{count} {}", printable(state))).collect();
        counts.join(", ")
    };
    if first.standing.health == Health::Waits {
        // Instances of one group wait for their own instances of another.
        let groups: indexmap::IndexSet<String> = nodes
            .iter()
            .flat_map(|node| &node.standing.waits_for)
            .map(|needed| NodeId::single(needed.kind, needed.group.clone()).to_string())
            .collect();
        let _ = write!(state, ", wait for {}", groups.into_iter().collect::<Vec<_>>().join(", "));
    }
    let ages = nodes.iter().filter_map(|node| Some(age(at, node.standing.since?)));
    let (newest, oldest) = (ages.clone().min().map(ago), ages.max().map(ago));
    let age = match (newest, oldest) {
        (Some(newest), Some(oldest)) if newest == oldest => newest,
        (Some(newest), Some(oldest)) => format!("{} to {oldest}", newest.trim_end_matches(" ago")),
        _ => String::new(),
    };
    let name = format!("{}[*]", NodeId::single(first.node.kind, first.node.group.clone()));
    Row { health: first.standing.health, name, state, age, below: Vec::new() }
}

/// How long ago something was, in milliseconds; what a clock that is behind calls the future is now.
fn age(at: Timestamp, since: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond() - since.as_millisecond()).unwrap_or(0)
}

/// What there is to say of a route in one table.
pub(super) fn in_table(standing: &TableStanding) -> Option<String> {
    let TableStanding { table, destination, state, wanted, target } = standing;
    let target = target.as_deref().unwrap_or("nowhere");
    let said = match state {
        RouteState::Active => return None,
        RouteState::Blackhole if target == wanted => format!("{destination} → {target} is a blackhole"),
        RouteState::Blackhole => format!("{destination} → {target} is a blackhole, and not to {wanted}"),
        RouteState::Elsewhere => format!("{destination} leads to {target}, not to {wanted}"),
        RouteState::Missing => format!("no route to {destination}"),
        RouteState::NoTable => "the table is not there".to_owned(),
    };
    Some(printable(&format!("{table}: {said}")).into_owned())
}

impl Row {
    /// How many columns it takes on one line.
    fn columns(&self, names: usize, states: usize) -> usize {
        let name = self.name.chars().count().max(names);
        let age = if self.age.is_empty() { 0 } else { 2 + self.age.chars().count() };
        HEALTH + 2 + name + 2 + self.state.chars().count().max(states) + age
    }

    fn write(&self, out: &mut String, names: usize, states: usize, layout: Layout) {
        let Layout { width, palette, .. } = layout;
        let health = painted(palette, self.health, &format!("{:HEALTH$}", self.health.word()));
        // The ages stand below each other where there is room for that.
        let states = if self.age.is_empty() || self.columns(names, states) > width { 0 } else { states };
        if self.columns(names, states) <= width {
            let name = palette.strong(format_args!("{:names$}", self.name));
            let age = if self.age.is_empty() { String::new() } else { format!("  {}", palette.faint(&self.age)) };
            let _ = writeln!(out, "{health}  {name}  {:states$}{age}", self.state);
        } else {
            // What has no room goes below the name.
            let _ = writeln!(out, "{health}  {}", palette.strong(&self.name));
            let age = if self.age.is_empty() { String::new() } else { format!(", {}", self.age) };
            said(out, HEALTH + 2, &format!("{}{age}", self.state), width);
        }
        for (word, text) in &self.below {
            item(out, HEALTH + 2, word, text, layout);
        }
    }
}

/// A text behind a word, folded to the width.
fn item(out: &mut String, indent: usize, word: &str, text: &str, layout: Layout) {
    let mut lines = sentence(text, layout.width.saturating_sub(indent + 7)).into_iter();
    let _ = write!(out, "{:indent$}{}", "", layout.palette.faint(format_args!("{word:5}")));
    let _ = writeln!(out, "  {}", lines.next().unwrap_or_default());
    for line in lines {
        let _ = writeln!(out, "{:1$}{line}", "", indent + 7);
    }
}

/// A text by itself, folded to the width.
fn said(out: &mut String, indent: usize, text: &str, width: usize) {
    for line in sentence(text, width.saturating_sub(indent)) {
        let _ = writeln!(out, "{:indent$}{line}", "");
    }
}

/// What could not be read, each with its reason and its remedies.
fn unread(out: &mut String, failures: &[Failure], layout: Layout) {
    if failures.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", layout.palette.warn("Not read:"));
    for failure in failures {
        said(out, 2, &printable(&failure.summary), layout.width);
        let cause = Some(failure.cause.as_str()).filter(|cause| !cause.is_empty());
        let lines = cause.map(|cause| ("cause", cause)).into_iter();
        let lines = lines.chain(failure.place.as_deref().map(|place| ("at", place)));
        for (word, text) in lines.chain(failure.help.iter().map(|help| ("help", help.as_str()))) {
            item(out, 4, word, &printable(text), layout);
        }
    }
}

/// Every remedy once, below the nodes that it is for.
fn remedies(out: &mut String, survey: &Survey, layout: Layout) {
    let mut remedies: IndexMap<&[String], Vec<NodeId>> = IndexMap::new();
    for NodeStanding { node, standing: Standing { help, .. }, .. } in &survey.nodes {
        if !help.is_empty() {
            remedies.entry(help).or_default().push(node.clone());
        }
    }
    if remedies.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", layout.palette.strong("What to do:"));
    for (help, nodes) in remedies {
        said(out, 2, &names(&nodes), layout.width);
        for remedy in help {
            item(out, 4, "help", &printable(remedy), layout);
        }
    }
}

/// The names in one line, at most [`NAMED`] of them.
fn names(nodes: &[NodeId]) -> String {
    let named: Vec<String> = nodes.iter().take(NAMED).map(ToString::to_string).collect();
    let more = nodes.len().saturating_sub(NAMED);
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
