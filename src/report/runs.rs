//! Past runs, as their journals tell of them.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::Palette;
use super::failure::particulars;
use super::took::{ago, took};
use crate::event::{Change, StopReason, Tally};
use crate::ids::NodeId;
use crate::journal::{Brief, Ending, Header, Listing, Losses, NodeState, Part, PastRun};
use crate::text::{counted, printable};

/// How many nodes of one sort are named before the rest is counted only.
const SHOWN: usize = 40;

/// The version of the document of all runs. New fields do not change it.
const VERSION: u32 = 1;

/// A line for each run, in the order that is given, and one that says how much room they take.
pub fn runs_text(at: Timestamp, listing: &Listing, palette: Palette) -> String {
    let runs = &listing.runs;
    if runs.is_empty() && listing.older == 0 {
        return "no runs\n".to_owned();
    }
    let rows: Vec<[String; 6]> = runs.iter().map(|run| row(at, run)).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (run, cells) in runs.iter().zip(&rows) {
        let [id, ending, plan, command, age, took] = std::array::from_fn(|at| format!("{:1$}", cells[at], widths[at]));
        let ending = colored(palette, run.ending, &ending);
        let line = format!("{id}  {ending}  {plan}  {command}  {age}  {took}  {}", tallied(run.tally));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let bytes = runs.iter().map(|run| run.bytes).sum();
    let older = if listing.older == 0 { String::new() } else { format!("; {} older not read", listing.older) };
    let _ = writeln!(text, "{}, {}{older}", counted(runs.len(), "run"), size(bytes));
    text
}

fn row(at: Timestamp, run: &Brief) -> [String; 6] {
    let Header { id, plan, started, .. } = &run.header;
    let age = u64::try_from(at.as_millisecond() - started.as_millisecond()).unwrap_or(0);
    let ending = run.ending.word().to_owned();
    [id.to_string(), ending, printable(plan).into_owned(), command(&run.header), ago(age), took(run.took_ms)]
}

/// The command without what it chose of the plan.
fn command(header: &Header) -> String {
    let prune = if header.prune { " --prune" } else { "" };
    let local = if header.local { " --local" } else { "" };
    format!("{}{prune}{local}", header.command.word())
}

fn colored(palette: Palette, ending: Ending, text: &str) -> String {
    match ending {
        Ending::Done => palette.good(text),
        Ending::Failed | Ending::Killed => palette.bad(text),
        Ending::Interrupted | Ending::Running | Ending::Unknown => palette.warn(text),
    }
}

/// `13 done, 4 changed, 1 failed`; what there is none of is left out.
fn tallied(tally: Tally) -> String {
    let Tally { done, changed, failed, skipped, not_started, aborted } = tally;
    let counts = [
        (done, "done"),
        (changed, "changed"),
        (failed, "failed"),
        (skipped, "skipped"),
        (not_started, "not started"),
        (aborted, "left"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// `640 B`, `4.2 KB`, `1.3 GB`.
fn size(bytes: u64) -> String {
    let unit = [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)].into_iter().find(|(_, unit)| bytes >= *unit);
    match unit {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

/// All runs as a document.
pub fn runs_json(at: Timestamp, listing: &Listing) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        version: u32,
        at: i64,
        runs: Vec<Row<'a>>,
        unreadable: Vec<Unread<'a>>,
        older: usize,
    }
    #[derive(Serialize)]
    struct Row<'a> {
        #[serde(flatten)]
        header: &'a Header,
        ended: Ending,
        #[serde(skip_serializing_if = "Option::is_none")]
        exit: Option<u8>,
        took_ms: u64,
        #[serde(flatten)]
        tally: Tally,
        running: usize,
        bytes: u64,
    }
    impl<'a> Row<'a> {
        const fn of(run: &'a Brief) -> Self {
            let Brief { ref header, ending: ended, exit, took_ms, tally, running, bytes } = *run;
            Row { header, ended, exit, took_ms, tally, running, bytes }
        }
    }
    #[derive(Serialize)]
    struct Unread<'a> {
        id: &'a str,
        why: &'a str,
    }
    let document = Document {
        version: VERSION,
        at: at.as_millisecond(),
        runs: listing.runs.iter().map(Row::of).collect(),
        unreadable: listing.unreadable.iter().map(|run| Unread { id: run.id.as_str(), why: &run.why }).collect(),
        older: listing.older,
    };
    let mut text = serde_json::to_string_pretty(&document).expect("text is always JSON");
    text.push('\n');
    text
}

/// One run: what it was, what failed, what it has left in the middle, and how it ended.
pub fn run_text(at: Timestamp, run: &PastRun, palette: Palette) -> String {
    let Header { id, plan, file, changes, only, skip, by, pid, orch, started, .. } = &run.header;
    let mut text = String::new();
    let mut item = |name: &str, what: &str| {
        let _ = writeln!(text, "{} {}", palette.faint(format_args!("{name:8}")), printable(what));
    };
    item("run", id.as_str());
    let changes = changes.as_deref().map(|changes| format!(", as {changes} had it")).unwrap_or_default();
    item("plan", &format!("{plan} ({file}{changes})"));
    let chosen = only.iter().map(|nodes| format!(" --only {nodes}"));
    let chosen: String = chosen.chain(skip.iter().map(|nodes| format!(" --skip {nodes}"))).collect();
    item("command", &format!("{}{chosen}", command(&run.header)));
    let age = u64::try_from(at.as_millisecond() - started.as_millisecond()).unwrap_or(0);
    item("began", &format!("{started:.0}, {}", ago(age)));
    let by = by.as_deref().map(|by| format!("{by}, ")).unwrap_or_default();
    item("by", &format!("{by}process {pid}, orch {orch}"));
    for part in &run.replay.parts {
        text.push('\n');
        write_part(&mut text, part, palette);
    }
    text.push('\n');
    let _ = writeln!(text, "{}", last_line(run, palette));
    for said in lost(run.losses, run.replay.closing.map_or(0, |closing| closing.lost)) {
        let _ = writeln!(text, "{}", palette.warn(said));
    }
    text
}

fn write_part(text: &mut String, part: &Part, palette: Palette) {
    let counts = Some(tallied(part.tally)).filter(|counts| !counts.is_empty()).map(|counts| format!(": {counts}"));
    let what = format!("{} of {}", part.command.word(), counted(part.expected, "node"));
    let _ = writeln!(text, "{}{}", palette.strong(what), counts.unwrap_or_default());
    if let Some(reason) = part.stopped {
        let why = match reason {
            StopReason::FailFast => "stopped at the first failure",
            StopReason::Interrupted => "stopped by somebody; what ran was waited for",
            StopReason::Aborted => "stopped by somebody at once",
        };
        let _ = writeln!(text, "  {}", palette.warn(why));
    }
    for held in &part.held {
        let why = format!("no more was started of {}, since {} did not end well", held.group, names(&held.failed));
        let _ = writeln!(text, "  {}", palette.warn(printable(&why)));
    }
    for (node, failure) in part.failures() {
        let node = node.to_string();
        let _ = writeln!(text, "  {}  {}", palette.strong(printable(&node)), printable(&failure.summary));
        text.push_str(&particulars(failure, 4, palette));
    }
    let named = |is_meant: &dyn Fn(&NodeState) -> bool| {
        let mut nodes = part.nodes.iter().filter(|(_, past)| is_meant(&past.state)).map(|(node, _)| node).peekable();
        nodes.peek()?;
        Some(printable(&names(nodes)).into_owned())
    };
    for (heading, is_meant) in ENDS {
        if let Some(nodes) = named(&is_meant) {
            let _ = writeln!(text, "  {} {nodes}", palette.warn(heading));
        }
    }
    for change in [Change::Created, Change::Updated, Change::Replaced, Change::Deleted, Change::Cancelled] {
        if let Some(nodes) = named(&|state| *state == NodeState::Done(change)) {
            let _ = writeln!(text, "  {} {nodes}", palette.good(change));
        }
    }
}

/// Whether nodes in a state are meant.
type IsMeant = fn(&NodeState) -> bool;

/// The ends, and what is none, after which there is something left to do.
const ENDS: [(&str, IsMeant); 6] = [
    ("in the middle of", |state| *state == NodeState::Running),
    ("left while it ran", |state| *state == NodeState::Aborted),
    ("taken back", |state| matches!(state, NodeState::Withdrawn(_))),
    ("skipped", |state| matches!(state, NodeState::Skipped(_))),
    ("not started", |state| *state == NodeState::NotStarted),
    ("done, as only a later orch can tell", |state| *state == NodeState::DoneOtherwise),
];

/// The first nodes by their names, and how many more there are.
fn names<'a>(nodes: impl IntoIterator<Item = &'a NodeId>) -> String {
    let mut names: Vec<String> = nodes.into_iter().map(NodeId::to_string).collect();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

fn last_line(run: &PastRun, palette: Palette) -> String {
    let word = colored(palette, run.ending, run.ending.word());
    let time = took(run.took_ms());
    match (run.ending, run.replay.closing) {
        (Ending::Running, _) => format!("{word}, for {time} so far"),
        (Ending::Killed, _) => format!(
            "{word}: its process is gone before all of it was over, {time} after it began; apply again, which takes up what AWS shows"
        ),
        (Ending::Unknown, _) => format!(
            "{word}: no end is written, and nothing tells here whether its process is there; the last word is of {time} after it began"
        ),
        (_, Some(closing)) => format!("{word} in {time}, exit code {}", closing.exit),
        (_, None) => {
            format!("{word} in {time}: every node had ended, and only the last line of the journal is missing")
        }
    }
}

/// What of a journal is not to be had.
fn lost(losses: Losses, unwritten: usize) -> Vec<String> {
    let mut said = Vec::new();
    if losses.torn {
        said.push("the last line of the journal is half a one".to_owned());
    }
    if losses.damaged > 0 {
        said.push(format!("{} of the journal cannot be read", counted(losses.damaged, "line")));
    }
    if losses.unknown > 0 {
        said.push(format!("{} of the journal known to a later orch only", counted(losses.unknown, "event")));
    }
    if unwritten > 0 {
        said.push(format!("{} could not be written", counted(unwritten, "line")));
    }
    said
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
