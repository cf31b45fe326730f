//! The end of a run.

use std::fmt::Write as _;

use indexmap::IndexMap;

use super::Palette;
use super::failure::particulars;
use super::took::took;
use crate::event::{Change, Command, Event, Failure, Record, Tally};
use crate::ids::NodeId;
use crate::text::{counted, printable};

/// How many lines or names of one sort are shown before the rest is counted only. The lines of the run tell all, those of
/// nodes that were not started with `-v`.
const SHOWN: usize = 40;

/// What a run comes down to, gathered from its events.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    command: Option<Command>,
    nodes: usize,
    took_ms: Option<u64>,
    saved_ms: Option<u64>,
    tally: Tally,
    changed: Vec<(NodeId, Change, Vec<String>)>,
    failed: Vec<(NodeId, Failure)>,
    /// The nodes that were skipped, by the node that failed.
    skipped: IndexMap<NodeId, Vec<NodeId>>,
    /// The nodes that were taken back, by the node that failed.
    withdrawn: IndexMap<NodeId, Vec<NodeId>>,
    aborted: Vec<NodeId>,
    not_started: Vec<NodeId>,
    /// The groups of which no more was started, each with the instances that failed.
    held: Vec<(String, Vec<NodeId>)>,
    absent: Vec<NodeId>,
    /// What a destruction leaves, and why, by node.
    left: Vec<(NodeId, Vec<String>)>,
}

impl Digest {
    /// Takes in the next event of the run.
    pub fn observe(&mut self, record: &Record) {
        match &record.event {
            Event::RunStarted { command, nodes, .. } => {
                self.command = Some(*command);
                self.nodes = *nodes;
            }
            Event::NodeDone { node, change, details, .. } => {
                self.tally.done += 1;
                if *change == Change::Absent {
                    self.absent.push(node.clone());
                }
                let left = match self.command {
                    Some(Command::Destroy) => true,
                    // A stack at which nothing ran is not worth a line.
                    Some(Command::Cancel) => !details.is_empty(),
                    Some(Command::Apply | Command::Prune | Command::Adopt | Command::Outputs) | None => false,
                };
                if *change == Change::Unchanged && left {
                    self.left.push((node.clone(), details.clone()));
                }
                if change.is_change() {
                    self.tally.changed += 1;
                    self.changed.push((node.clone(), *change, details.clone()));
                }
            }
            Event::NodeFailed { node, error, .. } => {
                self.tally.failed += 1;
                self.failed.push((node.clone(), error.clone()));
            }
            Event::NodeSkipped { node, because } => {
                self.tally.skipped += 1;
                self.skipped.entry(because.clone()).or_default().push(node.clone());
            }
            Event::NodeWithdrawn { node, because, details, .. } => {
                self.tally.skipped += 1;
                let stands: Vec<String> =
                    details.iter().filter(|detail| detail.contains(" is left")).cloned().collect();
                if !stands.is_empty() {
                    self.left.push((node.clone(), stands));
                }
                self.withdrawn.entry(because.clone()).or_default().push(node.clone());
            }
            Event::NodeAborted { node, .. } => {
                self.tally.aborted += 1;
                self.aborted.push(node.clone());
            }
            Event::NodeNotStarted { node } => {
                self.tally.not_started += 1;
                self.not_started.push(node.clone());
            }
            Event::RollOutHeld { group, failed, .. } => self.held.push((group.clone(), failed.clone())),
            Event::RunFinished { took_ms, saved_ms, .. } => {
                (self.took_ms, self.saved_ms) = (Some(*took_ms), *saved_ms);
            }
            Event::NodePlanned { .. }
            | Event::NodeStarted { .. }
            | Event::NodeProgress { .. }
            | Event::Stopping { .. }
            | Event::CallsMade { .. } => {}
        }
    }

    /// The nodes that were looked for and are not there.
    pub fn absent(&self) -> &[NodeId] {
        &self.absent
    }

    /// How the nodes seen so far ended.
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// The text for the end of the run: failures first, each with what was skipped because of it, then what was left,
    /// then what changed; the last line counts.
    pub fn text(&self, palette: Palette) -> String {
        let mut out = String::new();
        self.write_failures(&mut out, palette);
        for (group, failed) in &self.held {
            let group = palette.strong(printable(group));
            let _ = writeln!(
                out,
                "{} {group}, since {} did not end well\n",
                palette.warn("No more was started of"),
                names(failed)
            );
        }
        let sorts = [
            ("Left while running; what they began may go on at AWS:", &self.aborted),
            ("Not started; the next run takes them up:", &self.not_started),
        ];
        for (heading, nodes) in sorts.iter().filter(|(_, nodes)| !nodes.is_empty()) {
            let _ = writeln!(out, "{}\n  {}\n", palette.warn(heading), names(nodes));
        }
        self.write_left(&mut out, palette);
        self.write_changes(&mut out, palette);
        let _ = writeln!(out, "{}", self.last_line(palette));
        out
    }

    /// Whether the run came to its end and every node of it ended well. Without the end nothing can be said of nodes
    /// that were not heard of.
    fn is_complete(&self) -> bool {
        self.took_ms.is_some() && self.tally.is_success() && self.tally.done >= self.nodes
    }

    fn write_failures(&self, out: &mut String, palette: Palette) {
        if self.failed.is_empty() {
            return;
        }
        let _ = writeln!(out, "{}", palette.bad("Failed:"));
        for (node, failure) in &self.failed {
            let _ = writeln!(out, "  {}  {}", palette.strong(node), printable(&failure.summary));
            out.push_str(&particulars(failure, 4, palette));
            if let Some(withdrawn) = self.withdrawn.get(node) {
                let _ = writeln!(out, "    {} {}", palette.faint("taken back "), names(withdrawn));
            }
            if let Some(skipped) = self.skipped.get(node) {
                let _ = writeln!(out, "    {} {}", palette.faint("skipped "), names(skipped));
            }
        }
        out.push('\n');
    }

    fn write_left(&self, out: &mut String, palette: Palette) {
        if self.left.is_empty() {
            return;
        }
        let heading = if self.command == Some(Command::Cancel) { "Not cancelled:" } else { "Left standing:" };
        let _ = writeln!(out, "{}", palette.warn(heading));
        for (node, details) in self.left.iter().take(SHOWN) {
            let _ = writeln!(out, "  {}  {}", palette.strong(node), first(details));
        }
        if self.left.len() > SHOWN {
            let _ = writeln!(out, "  and {} more", self.left.len() - SHOWN);
        }
        out.push('\n');
    }

    fn write_changes(&self, out: &mut String, palette: Palette) {
        if self.changed.is_empty() {
            return;
        }
        let shown = &self.changed[..self.changed.len().min(SHOWN)];
        let width = shown.iter().map(|(node, ..)| node.to_string().chars().count()).max().unwrap_or(0);
        let _ = writeln!(out, "{}", palette.strong("Changed:"));
        for (node, change, details) in shown {
            let word = palette.good(format_args!("{:8}", change.word()));
            let line = format!("  {word}  {:width$}  {}", node.to_string(), first(details));
            let _ = writeln!(out, "{}", line.trim_end());
        }
        if self.changed.len() > SHOWN {
            let _ = writeln!(out, "  and {} more", self.changed.len() - SHOWN);
        }
        out.push('\n');
    }

    fn last_line(&self, palette: Palette) -> String {
        let Tally { done, changed, failed, skipped, not_started, aborted } = self.tally;
        if self.is_complete() && changed == 0 {
            let plainly = match self.command {
                Some(Command::Destroy) => "Nothing changed: there was nothing to delete",
                Some(Command::Prune) => "Nothing changed: what left the plan is gone already",
                Some(Command::Outputs) => "Everything is read",
                Some(Command::Cancel) => "Nothing changed: no update was under way",
                Some(Command::Adopt) => "Nothing changed: it is all the nodes' own, and as the plan says",
                Some(Command::Apply) | None => "Nothing changed: everything is as the plan says",
            };
            let time = self.took_ms.map(|took_ms| format!(", {}", took(took_ms))).unwrap_or_default();
            return format!("{} ({}{time})", palette.good(plainly), counted(done, "node"));
        }
        let bad = (failed > 0).then(|| palette.bad(format_args!("{failed} failed")));
        let undone = [(skipped, "skipped"), (aborted, "left running"), (not_started, "not started")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| palette.warn(format_args!("{count} {word}")));
        let mut parts: Vec<_> = bad.into_iter().chain(undone).collect();
        let unchanged = done - changed;
        parts.push(palette.good(format_args!("{changed} changed")));
        parts.push(format!("{unchanged} unchanged"));
        let time = self.took_ms.map(|took_ms| format!(" in {}", took(took_ms))).unwrap_or_default();
        let saved = self.saved_ms.map(|saved| format!("; early outputs saved {}", took(saved))).unwrap_or_default();
        format!("{}{time}{saved}", parts.join(", "))
    }
}

/// The first detail; the others are told with `-v` while it happens, and a line is to stay a line.
fn first(details: &[String]) -> String {
    match details {
        [] => String::new(),
        [only] => printable(only).into_owned(),
        [first, rest @ ..] => format!("{} and {} more", printable(first), rest.len()),
    }
}

/// The names in one line, at most [`SHOWN`] of them.
pub(super) fn names(nodes: &[NodeId]) -> String {
    let shown: Vec<_> = nodes.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = nodes.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more (-v names them all)", shown.join(", ")) }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn node(id: &str) -> NodeId {
        id.parse().unwrap()
    }

    fn started(command: Command, nodes: usize) -> Event {
        Event::RunStarted { plan: "core".to_owned(), command, nodes }
    }

    fn done(id: &str, change: Change, details: &[&str]) -> Event {
        Event::NodeDone {
            node: node(id),
            change,
            details: details.iter().map(|detail| (*detail).to_owned()).collect(),
            outputs: [].into(),
            took_ms: 1,
        }
    }

    fn withdrawn(id: &str, details: &[&str]) -> Event {
        Event::NodeWithdrawn {
            node: node(id),
            because: node("stacks.spoke[dev]"),
            details: details.iter().map(|detail| (*detail).to_owned()).collect(),
            took_ms: 1,
        }
    }

    fn digest(events: impl IntoIterator<Item = Event>) -> Digest {
        let mut digest = Digest::default();
        events.into_iter().for_each(|event| digest.observe(&Record::new(Timestamp::UNIX_EPOCH, event)));
        digest
    }

    fn told(events: impl IntoIterator<Item = Event>) -> String {
        digest(events).text(Palette::PLAIN)
    }

    fn finished() -> Event {
        // The digest counts by itself; only the duration is taken from here.
        Event::RunFinished { tally: Tally::default(), took_ms: 41_234, saved_ms: None }
    }

    #[test]
    fn failures_come_first_with_what_was_skipped_because_of_them() {
        let failure = Failure::new("stack us-east-1-dev ended in ROLLBACK_COMPLETE", "Vpc: limit reached")
            .at("plans/us-east-1.toml:14:3")
            .help("ask for a higher quota");
        let events = [
            started(Command::Apply, 8),
            done("stacks.master", Change::Created, &["12 resources"]),
            done("stacks.spoke[qa]", Change::Updated, &["modify \x1bVpc", "add Nat"]),
            done("stacks.spoke[test]", Change::Unchanged, &[]),
            Event::NodeFailed { node: node("stacks.spoke[dev]"), error: failure, took_ms: 1 },
            Event::NodeSkipped { node: node("peerings.spoke[dev]"), because: node("stacks.spoke[dev]") },
            Event::NodeSkipped { node: node("routes.spoke[dev]"), because: node("stacks.spoke[dev]") },
            withdrawn("peerings.late", &["deleted pcx-1"]),
            withdrawn("routes.late", &["rtb-1: 10.0.0.0/20 → pcx-1 is left", "rtb-2: deleted 10.0.0.0/20 → pcx-1"]),
            Event::NodeNotStarted { node: node("routes.a") },
            Event::NodeAborted { node: node("stacks.late"), took_ms: 1 },
            finished(),
        ];
        insta::assert_snapshot!(told(events), @r#"
        Failed:
          stacks.spoke[dev]  stack us-east-1-dev ended in ROLLBACK_COMPLETE
            cause    Vpc: limit reached
            at       plans/us-east-1.toml:14:3
            help     ask for a higher quota
            taken back  peerings.late, routes.late
            skipped  peerings.spoke[dev], routes.spoke[dev]

        Left while running; what they began may go on at AWS:
          stacks.late

        Not started; the next run takes them up:
          routes.a

        Left standing:
          routes.late  rtb-1: 10.0.0.0/20 → pcx-1 is left

        Changed:
          created   stacks.master     12 resources
          updated   stacks.spoke[qa]  modify \u{1b}Vpc and 1 more

        1 failed, 4 skipped, 1 left running, 1 not started, 2 changed, 1 unchanged in 41.2s
        "#);
    }

    #[test]
    fn a_roll_out_that_was_held_is_told_with_those_that_did_not_end_well() {
        let events = [
            started(Command::Apply, 3),
            Event::RollOutHeld { group: "stacks.spoke".to_owned(), failed: vec![node("stacks.spoke[dev]")], left: 2 },
            Event::NodeNotStarted { node: node("stacks.spoke[qa]") },
            Event::NodeNotStarted { node: node("routes.spoke[qa]") },
            finished(),
        ];
        insta::assert_snapshot!(told(events), @r"
        No more was started of stacks.spoke, since stacks.spoke[dev] did not end well

        Not started; the next run takes them up:
          stacks.spoke[qa], routes.spoke[qa]

        2 not started, 0 changed, 0 unchanged in 41.2s
        ");
    }

    #[test]
    fn what_early_outputs_saved_is_told_where_something_was_done() {
        let saved = || Event::RunFinished { tally: Tally::default(), took_ms: 61_234, saved_ms: Some(4_321) };
        let events = [started(Command::Apply, 1), done("routes.a", Change::Created, &["rtb-1: made"]), saved()];
        assert!(told(events).ends_with("\n1 changed, 0 unchanged in 1m01s; early outputs saved 4.3s\n"));
        let events = [started(Command::Apply, 1), done("routes.a", Change::Created, &["rtb-1: made"]), finished()];
        assert!(told(events).ends_with("\n1 changed, 0 unchanged in 41.2s\n"), "nothing was given early");
    }

    #[test]
    fn a_run_that_changed_nothing_says_so() {
        let events = [started(Command::Apply, 1), done("stacks.a", Change::Unchanged, &[]), finished()];
        assert_eq!(told(events), "Nothing changed: everything is as the plan says (1 node, 41.2s)\n");
        let events = [started(Command::Destroy, 1), done("stacks.a", Change::Absent, &[]), finished()];
        assert_eq!(told(events), "Nothing changed: there was nothing to delete (1 node, 41.2s)\n");
        let events = [
            started(Command::Cancel, 2),
            done("stacks.a", Change::Unchanged, &[]),
            done("stacks.b", Change::Absent, &[]),
            finished(),
        ];
        assert!(told(events).starts_with("Nothing changed: no update was under way"));
        let events = [started(Command::Outputs, 1), done("stacks.a", Change::Read, &[]), finished()];
        assert_eq!(told(events), "Everything is read (1 node, 41.2s)\n");
    }

    #[test]
    fn what_a_destruction_leaves_is_named_with_its_reason() {
        let why = "rtb-1: left 0.0.0.0/0 → igw-1, since nothing tells that this plan made it";
        let events = [started(Command::Destroy, 1), done("routes.a", Change::Unchanged, &[why]), finished()];
        let text = told(events);
        assert!(text.starts_with(&format!("Left standing:\n  routes.a  {why}\n\n")), "{text}");
    }

    #[test]
    fn a_run_that_broke_off_is_not_called_unchanged() {
        let text = told([started(Command::Apply, 2), done("stacks.a", Change::Unchanged, &[])]);
        assert_eq!(text, "0 changed, 1 unchanged\n");
    }

    #[test]
    fn thousands_of_changes_are_counted_after_the_first() {
        let ids = (0..1_000).map(|index| done(&format!("stacks.n{index}"), Change::Deleted, &[]));
        let text = told([started(Command::Destroy, 1_000)].into_iter().chain(ids).chain([finished()]));
        assert!(text.contains("  and 960 more\n"), "{text}");
        assert_eq!(text.lines().count(), 1 + SHOWN + 1 + 1 + 1);
    }

    #[test]
    fn the_tally_counts_every_node_once() {
        let events = [
            done("stacks.a", Change::Replaced, &[]),
            done("stacks.b", Change::Read, &[]),
            Event::NodeSkipped { node: node("routes.a"), because: node("stacks.c") },
            Event::NodeFailed { node: node("stacks.c"), error: Failure::default(), took_ms: 1 },
        ];
        let tally = Tally { done: 2, changed: 1, failed: 1, skipped: 1, ..Tally::default() };
        assert_eq!(digest(events).tally(), tally);
    }
}
