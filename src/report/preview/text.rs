//! The preview on a terminal.

use std::fmt::Write as _;

use indexmap::IndexMap;

use super::super::Palette;
use super::super::failure::particulars;
use super::super::took::took;
use super::words;
use crate::ids::NodeId;
use crate::preview::{Action, Effect, Foreseen, Preview, ResourceChange};
use crate::text::{counted, printable};

/// How many nodes of a chain or a step are named before the rest is counted.
const NAMED: usize = 6;

/// How many added resources of a stack are named before the rest is counted: what is new takes nothing from anybody.
const ADDED: usize = 5;

/// The nodes that something would be done with, each with what changes; then the order; the sum comes last, where the eye
/// stops. Ended by a line break.
pub fn preview_text(preview: &Preview, palette: Palette) -> String {
    let mut page = Page { text: String::new(), palette };
    for node in &preview.nodes {
        if !matches!(node.action, Action::Nothing | Action::Read) {
            page.node(node);
        }
    }
    page.unchanged(preview);
    page.order(preview);
    page.left(preview);
    page.sum(preview);
    page.simulation(preview);
    page.text
}

/// The first few of some nodes, and how many more there are.
fn named(nodes: &[NodeId], between: &str) -> String {
    let mut names: Vec<String> = nodes.iter().take(NAMED).map(ToString::to_string).collect();
    if nodes.len() > NAMED {
        names.push(format!("{} more", nodes.len() - NAMED));
    }
    names.join(between)
}

struct Page {
    text: String,
    palette: Palette,
}

impl Page {
    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.text, "{:indent$}{text}", "");
    }

    fn paint(&self, action: Action, text: &str) -> String {
        match action {
            Action::Create => self.palette.good(text),
            Action::Update | Action::Unknown => self.palette.warn(text),
            Action::Replace | Action::Delete | Action::Refused | Action::Skipped => self.palette.bad(text),
            Action::Nothing | Action::Read => self.palette.faint(text),
        }
    }

    fn node(&mut self, node: &Foreseen) {
        let sign = self.paint(node.action, &node.action.sign().to_string());
        let what = self.paint(node.action, &words::action(node));
        let (account, region) = (printable(node.account.as_str()), printable(node.region.as_str()));
        let place = self.palette.faint(format_args!("in {account}, {region}"));
        let name = self.palette.strong(&node.node);
        self.line(0, &format!("{sign} {name}  {what}  {place}"));
        self.details(node);
        if let Some(seen) = &node.simulated {
            self.simulated(&words::beyond(node, seen));
        }
    }

    /// What a simulation did with a node: every line is marked.
    fn simulated(&mut self, seen: &Foreseen) {
        let mut page = Page { text: String::new(), palette: self.palette };
        let sign = page.paint(seen.action, &seen.action.sign().to_string());
        let what = page.paint(seen.action, &words::simulated(seen));
        page.line(0, &format!("{sign} {what}"));
        page.details(seen);
        let mark = self.palette.faint(words::SIMULATED);
        for line in page.text.lines() {
            self.line(4, &format!("{mark} {line}"));
        }
    }

    fn details(&mut self, node: &Foreseen) {
        if let Some(failure) = &node.failure {
            let summary = self.palette.bad(printable(&failure.summary));
            self.line(4, &summary);
            let particulars = particulars(failure, 6, self.palette);
            self.text.push_str(&particulars);
        }
        for note in &node.notes {
            self.line(4, &printable(note));
        }
        for until in words::until(node) {
            let until = self.palette.faint(until);
            self.line(4, &until);
        }
        for (what, differences) in [("setting", &node.settings), ("parameter", &node.parameters), ("tag", &node.tags)] {
            for difference in differences {
                let (name, change) = (printable(&difference.name), words::difference(difference));
                self.line(4, &format!("{what} {name}: {change}"));
            }
        }
        self.resources(&node.resources, 4);
    }

    /// What there is to say about nodes that nothing is done with: each remark once, with the nodes that it is about.
    fn unchanged(&mut self, preview: &Preview) {
        let mut remarks: IndexMap<&str, Vec<NodeId>> = IndexMap::new();
        for node in preview.nodes.iter().filter(|node| node.action == Action::Nothing) {
            for note in &node.notes {
                remarks.entry(note).or_default().push(node.node.clone());
            }
        }
        for (remark, nodes) in remarks {
            let said = self.palette.faint(format_args!("= {}: {}", named(&nodes, ", "), printable(remark)));
            self.line(0, &said);
        }
    }

    fn resources(&mut self, changes: &[ResourceChange], indent: usize) {
        let is_new = |change: &&ResourceChange| change.effect == Effect::Add && change.nested.is_empty();
        let new = changes.iter().filter(is_new).count();
        for change in changes.iter().filter(|change| !is_new(change)) {
            self.resource(change, indent);
        }
        if new > 0 {
            let names: Vec<_> =
                changes.iter().filter(is_new).take(ADDED).map(|change| printable(&change.resource)).collect();
            let more = if new > ADDED { format!(" and {} more", new - ADDED) } else { String::new() };
            let said = self.palette.good(format_args!("+ {}{more}", names.join(", ")));
            self.line(indent, &said);
        }
    }

    fn resource(&mut self, change: &ResourceChange, indent: usize) {
        let said = format!("{} {}", words::effect_sign(change.effect), printable(&change.resource));
        let said = match change.effect {
            Effect::Add | Effect::Import | Effect::Restore => self.palette.good(said),
            Effect::Modify | Effect::Leave | Effect::Sync | Effect::Unknown => self.palette.warn(said),
            Effect::MayReplace | Effect::Replace | Effect::Remove => self.palette.bad(said),
        };
        let id = change.id.as_ref().map(|id| format!(" {}", printable(id))).unwrap_or_default();
        let kind = self.palette.faint(format_args!("({}{id})", printable(&change.kind)));
        self.line(indent, &format!("{said} {kind} {}", words::effect_word(change.effect)));
        for property in &change.properties {
            self.line(indent + 4, &words::property(property));
        }
        self.resources(&change.nested, indent + 4);
    }

    fn order(&mut self, preview: &Preview) {
        let steps = &preview.order.steps;
        let roll_outs = words::roll_outs(preview);
        if steps.len() < 2 && roll_outs.is_empty() {
            return;
        }
        self.text.push('\n');
        let heading = self.palette.strong("order");
        self.line(0, &heading);
        for (number, step) in steps.iter().enumerate() {
            self.line(2, &format!("{}. {}", number + 1, named(step, ", ")));
        }
        for (group, said) in roll_outs {
            self.line(2, &format!("{group} in waves: {said}"));
        }
        if preview.order.critical.len() > 1 {
            let expected = preview.order.expected_ms;
            let expected = expected.map(|ms| format!(", about {} by earlier runs", took(ms))).unwrap_or_default();
            let chain = named(&preview.order.critical, " → ");
            let chain = self.palette.faint(format_args!("longest chain: {chain}{expected}"));
            self.line(2, &chain);
        }
    }

    fn left(&mut self, preview: &Preview) {
        if !preview.left.is_empty() {
            self.heading(words::left(preview));
            for node in &preview.left {
                self.node(node);
            }
        }
        if !preview.unsearched.is_empty() {
            self.heading(words::UNSEARCHED);
            for failure in &preview.unsearched {
                let summary = self.palette.warn(printable(&failure.summary));
                self.line(2, &summary);
                let particulars = particulars(failure, 4, self.palette);
                self.text.push_str(&particulars);
            }
        }
    }

    fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let heading = self.palette.strong(text);
        self.line(0, &heading);
    }

    fn sum(&mut self, preview: &Preview) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let sum = words::count(preview);
        if preview.is_nothing() {
            let said = self.palette.good(format_args!("Nothing to do. {sum}"));
            self.line(0, &said);
        } else {
            let said = self.palette.strong(sum);
            self.line(0, &said);
        }
        let lost = preview.lost();
        if lost > 0 {
            let lost = counted(lost, "resource");
            let said =
                self.palette.bad(format_args!("{lost} would be lost, or may be, with all in it: see ± and - above"));
            self.line(0, &said);
        }
        if words::is_halted(preview) {
            let halted = self.palette.bad(words::HALTED);
            self.line(0, &halted);
        }
        if !preview.destroys {
            let compared = self.palette.faint(words::compared(preview));
            self.line(0, &compared);
        }
    }

    fn simulation(&mut self, preview: &Preview) {
        let Some(simulation) = &preview.simulation else { return };
        if let Some(failure) = &simulation.failure {
            let said = self.palette.bad(format_args!("There was no simulation: {}", printable(&failure.summary)));
            self.line(0, &said);
            let particulars = particulars(failure, 2, self.palette);
            self.text.push_str(&particulars);
            return;
        }
        let said = words::simulation(preview);
        let said = if preview.fails_in_simulation() { self.palette.bad(said) } else { self.palette.strong(said) };
        self.line(0, &said);
        for assumed in &simulation.assumed {
            let said = self.palette.faint(format_args!("{} {}", words::SIMULATED, printable(assumed)));
            self.line(2, &said);
        }
        let promise = self.palette.faint(words::NO_PROMISE);
        self.line(0, &promise);
    }
}
