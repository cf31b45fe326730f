//! A plain, calm line for each event.
//!
//! | event | quiet | normal | verbose |
//! |---|---|---|---|
//! | `run_started` | | ✓ | ✓ |
//! | `node_planned` | | | |
//! | `node_started` | | ✓ | ✓ |
//! | `node_progress` that means trouble | | ✓ | ✓ |
//! | `node_progress` otherwise: a stack has dozens of resources | | | ✓ |
//! | `node_done` | | ✓ | ✓ with details |
//! | `node_failed` | ✓ | ✓ | ✓ |
//! | `node_withdrawn` | ✓ | ✓ | ✓ |
//! | `node_aborted` | ✓ | ✓ | ✓ |
//! | `node_skipped` | | ✓ | ✓ |
//! | `node_not_started` | | | ✓ |
//! | `stopping` | ✓ | ✓ | ✓ |
//! | `roll_out_held` | ✓ | ✓ | ✓ |
//! | `calls_made` | | | |
//! | `run_finished` | | | |
//!
//! `node_planned` and `calls_made` are for the journal. The end of a run is told by [`Digest`](super::Digest).

use std::fmt::Write as _;

use jiff::Timestamp;

use super::Palette;
use super::failure::particulars;
use super::summary::names;
use super::took::took;
use crate::event::{Change, Command, Event, Failure, Record, StopReason};
use crate::ids::NodeId;
use crate::text::{counted, printable};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// What went wrong.
    Quiet,
    /// What was done.
    Normal,
    /// Everything.
    Verbose,
}

/// The width of the column of times, enough for anything below an hour.
const TIME: usize = 7;

/// The column of names is not made wider than this; longer names push their own line only.
const WIDEST_NAME: usize = 40;

/// Turns the events of one run into lines.
#[derive(Clone, Debug)]
pub struct Lines {
    started: Timestamp,
    names: usize,
    verbosity: Verbosity,
    palette: Palette,
}

impl Lines {
    /// Lines for a run that started at `started` and has the nodes `ids`, which decide how wide the column of names is.
    pub fn new<'a>(
        started: Timestamp,
        ids: impl IntoIterator<Item = &'a NodeId>,
        verbosity: Verbosity,
        palette: Palette,
    ) -> Self {
        let widths = ids.into_iter().map(|id| id.to_string().chars().count());
        Self { started, names: widths.max().unwrap_or(0).min(WIDEST_NAME), verbosity, palette }
    }

    /// The line or lines of an event, each ended by a line break; `None` if it is not told at this verbosity.
    pub fn line(&self, record: &Record) -> Option<String> {
        if self.verbosity < least(&record.event) {
            return None;
        }
        let Self { palette, .. } = *self;
        let (who, what) = match &record.event {
            Event::RunStarted { plan, command, nodes } => {
                (printable(plan).into_owned(), format!("{} {}", verb(*command), counted(*nodes, "node")))
            }
            Event::NodeStarted { node, account, region } => {
                let place = format!("{}, {}", printable(account.as_str()), printable(region.as_str()));
                (node.to_string(), palette.faint(format_args!("started in {place}")))
            }
            Event::NodeProgress { node, what, status, reason, .. } => {
                (node.to_string(), self.progress(what, status, reason.as_deref()))
            }
            Event::NodeDone { node, change, details, took_ms, .. } => {
                (node.to_string(), self.done(*change, details, *took_ms))
            }
            Event::NodeFailed { node, error, took_ms } => (node.to_string(), self.failed(error, *took_ms)),
            Event::NodeWithdrawn { node, because, details, .. } => {
                let what = if details.is_empty() { String::new() } else { format!(": {}", details.join(", ")) };
                let text = format!("taken back, since {because} failed{}", printable(&what));
                (node.to_string(), palette.warn(text))
            }
            Event::NodeAborted { node, took_ms } => {
                let text = format!("left after {}; what it began may go on at AWS", took(*took_ms));
                (node.to_string(), palette.warn(text))
            }
            Event::NodeSkipped { node, because } => {
                (node.to_string(), palette.warn(format_args!("skipped, since {because} failed")))
            }
            Event::NodeNotStarted { node } => (node.to_string(), palette.faint("not started")),
            Event::Stopping { reason, left, running } => {
                (String::new(), palette.warn(stopping(*reason, *left, *running)))
            }
            Event::RollOutHeld { group, failed, left } => {
                let text = format!("no more is started, since {} did not end well: {left} not started", names(failed));
                (printable(group).into_owned(), palette.warn(text))
            }
            Event::NodePlanned { .. } | Event::CallsMade { .. } | Event::RunFinished { .. } => return None,
        };
        let time = palette.faint(format_args!("{:>TIME$}", self.elapsed(record)));
        let mut line = if who.is_empty() {
            format!("{time}  {what}")
        } else {
            format!("{time}  {}  {what}", palette.strong(format_args!("{who:0$}", self.names)))
        };
        if !line.ends_with('\n') {
            line.push('\n');
        }
        Some(line)
    }

    fn elapsed(&self, record: &Record) -> String {
        let milliseconds = record.at.as_millisecond() - self.started.as_millisecond();
        // A clock that was set back shows nought rather than nonsense.
        took(u64::try_from(milliseconds).unwrap_or(0))
    }

    fn progress(&self, what: &str, status: &str, reason: Option<&str>) -> String {
        let shown = printable(status);
        let status = match Pace::of(status) {
            Pace::Trouble => self.palette.bad(shown),
            Pace::Settled => shown.into_owned(),
            Pace::Began => self.palette.faint(shown),
        };
        let reason = reason.map(|reason| format!(": {}", printable(reason))).unwrap_or_default();
        format!("{} {status}{reason}", printable(what))
    }

    fn done(&self, change: Change, details: &[String], took_ms: u64) -> String {
        let word = if change.is_change() { self.palette.good(change) } else { change.to_string() };
        let mut text = format!("{word} in {}", took(took_ms));
        if self.verbosity == Verbosity::Verbose && !details.is_empty() {
            text.push('\n');
            for detail in details {
                let _ = writeln!(text, "{:1$}{2}", "", self.indent(), printable(detail));
            }
        }
        text
    }

    fn failed(&self, error: &Failure, took_ms: u64) -> String {
        let head = self.palette.bad(format_args!("failed after {}", took(took_ms)));
        format!("{head}: {}\n{}", printable(&error.summary), particulars(error, self.indent(), self.palette))
    }

    /// Where the third column begins, and a little more.
    fn indent(&self) -> usize {
        TIME + 2 + self.names + 2 + 2
    }
}

/// The least verbosity at which an event is told.
fn least(event: &Event) -> Verbosity {
    match event {
        Event::NodeFailed { .. }
        | Event::NodeWithdrawn { .. }
        | Event::NodeAborted { .. }
        | Event::Stopping { .. }
        | Event::RollOutHeld { .. } => Verbosity::Quiet,
        Event::RunStarted { .. }
        | Event::NodeStarted { .. }
        | Event::NodeDone { .. }
        | Event::NodeSkipped { .. }
        | Event::RunFinished { .. } => Verbosity::Normal,
        Event::NodeProgress { status, reason, .. } => match Pace::of(status) {
            Pace::Began | Pace::Settled => Verbosity::Verbose,
            // What was only given up because something else failed hides what did.
            Pace::Trouble if reason.as_deref().is_some_and(is_cancelled) => Verbosity::Verbose,
            Pace::Trouble => Verbosity::Normal,
        },
        Event::NodePlanned { .. } | Event::NodeNotStarted { .. } | Event::CallsMade { .. } => Verbosity::Verbose,
    }
}

/// Whether CloudFormation gave a resource up because of another one: `Resource creation cancelled`.
fn is_cancelled(reason: &str) -> bool {
    reason.ends_with(" cancelled") || reason.ends_with(" canceled")
}

/// What a status of AWS says about how things go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// Something is under way.
    Began,
    /// Something has got somewhere.
    Settled,
    /// Something went wrong, or is being taken back because something did.
    Trouble,
}

impl Pace {
    /// By the words that the statuses of stacks and the states of peerings are made of. A status that nobody has
    /// seen yet is told rather than hidden.
    fn of(status: &str) -> Self {
        let status = status.to_ascii_uppercase();
        let has = |words: &[&str]| words.iter().any(|word| status.contains(word));
        // The last two are our own.
        if has(&["FAILED", "ROLLBACK", "REJECTED", "EXPIRED", "TAKEN BACK", "STAYS"]) {
            Self::Trouble
        } else if has(&["IN_PROGRESS", "INITIATING-REQUEST", "PROVISIONING", "DELETING"]) {
            Self::Began
        } else {
            Self::Settled
        }
    }
}

fn stopping(reason: StopReason, left: usize, running: usize) -> String {
    let mut parts = Vec::new();
    if left > 0 {
        parts.push(format!("{left} not started"));
    }
    if running > 0 {
        let nodes = counted(running, "running node");
        parts.push(match reason {
            StopReason::FailFast => format!("waiting for {nodes}"),
            StopReason::Interrupted => format!("waiting for {nodes}; interrupt again to leave now"),
            StopReason::Aborted => format!("{nodes} left; what they began may go on at AWS"),
        });
    }
    let head = match reason {
        StopReason::FailFast => "stopping at the first failure",
        StopReason::Interrupted => "stopping",
        StopReason::Aborted => "leaving now",
    };
    if parts.is_empty() { head.to_owned() } else { format!("{head}: {}", parts.join(", ")) }
}

const fn verb(command: Command) -> &'static str {
    match command {
        Command::Apply => "applying",
        Command::Destroy => "destroying",
        Command::Prune => "pruning",
        Command::Outputs => "reading",
        Command::Adopt => "adopting into",
        Command::Cancel => "cancelling the updates of",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str) -> NodeId {
        id.parse().unwrap()
    }

    fn progress(what: &str, status: &str, reason: Option<&str>) -> Event {
        Event::NodeProgress {
            node: node("stacks.spoke[dev]"),
            what: what.to_owned(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            resource: None,
        }
    }

    /// What is told of a route that was begun on what had not ended.
    fn begun(what: &str, status: &str, reason: &str) -> Event {
        let (what, status, reason) = (what.to_owned(), status.to_owned(), Some(reason.to_owned()));
        Event::NodeProgress { node: node("routes.out"), what, status, reason, resource: None }
    }

    /// One run with everything in it; the numbers are milliseconds.
    fn story() -> Vec<(i64, Event)> {
        let failure = Failure::new("stack us-east-1-dev ended in ROLLBACK_COMPLETE", "Vpc: limit\nreached \x1b[31m")
            .at("plans/us-east-1.toml:14:3")
            .request("1f2e")
            .help("ask for a higher quota")
            .help("or delete a VPC");
        vec![
            (0, Event::RunStarted { plan: "core".to_owned(), command: Command::Apply, nodes: 5 }),
            (
                100,
                Event::NodeStarted {
                    node: node("stacks.spoke[dev]"),
                    account: "dev".into(),
                    region: "us-east-1".into(),
                },
            ),
            (1_000, progress("VPC AWS::EC2::VPC", "CREATE_IN_PROGRESS", Some("Resource creation Initiated"))),
            (12_345, progress("VPC AWS::EC2::VPC", "CREATE_COMPLETE", None)),
            (13_000, progress("Vpc AWS::EC2::VPC", "CREATE_FAILED", Some("limit reached"))),
            (13_100, progress("us-east-1-dev", "ROLLBACK_IN_PROGRESS", None)),
            (
                61_000,
                Event::NodeDone {
                    node: node("stacks.master"),
                    change: Change::Updated,
                    details: vec!["modify Vpc".to_owned(), "add Nat".to_owned()],
                    outputs: [("VPCId".to_owned(), "vpc-1".to_owned())].into(),
                    took_ms: 60_900,
                },
            ),
            (
                61_000,
                Event::NodeDone {
                    node: node("stacks.old"),
                    change: Change::Unchanged,
                    details: vec![],
                    outputs: [].into(),
                    took_ms: 300,
                },
            ),
            (62_000, Event::NodeFailed { node: node("stacks.spoke[dev]"), error: failure, took_ms: 61_900 }),
            (62_000, Event::NodeSkipped { node: node("peerings.spoke[dev]"), because: node("stacks.spoke[dev]") }),
            (62_100, begun("its own work", "is taken back", "stacks.spoke[dev] has failed")),
            (
                62_200,
                Event::NodeWithdrawn {
                    node: node("routes.out"),
                    because: node("stacks.spoke[dev]"),
                    details: vec!["rtb-1: deleted 10.0.0.0/20 → pcx-1".to_owned()],
                    took_ms: 900,
                },
            ),
            (62_500, Event::Stopping { reason: StopReason::FailFast, left: 1, running: 1 }),
            (62_500, Event::NodeNotStarted { node: node("routes.a") }),
            (63_000, Event::Stopping { reason: StopReason::Interrupted, left: 0, running: 2 }),
            (63_500, Event::Stopping { reason: StopReason::Aborted, left: 0, running: 1 }),
            (63_500, begun("what it has made", "stays", "rtb-2: 10.0.0.0/20 → pcx-1; apply again, or destroy")),
            (63_600, Event::NodeAborted { node: node("stacks.late"), took_ms: 2_000 }),
            (63_700, Event::RunFinished { tally: crate::event::Tally::default(), took_ms: 63_700, saved_ms: None }),
        ]
    }

    fn told(verbosity: Verbosity, palette: Palette) -> String {
        let started = Timestamp::from_second(1_764_000_000).unwrap();
        let ids = [node("stacks.spoke[dev]"), node("stacks.master")];
        let lines = Lines::new(started, &ids, verbosity, palette);
        let record = |(at, event)| Record::new(started + jiff::SignedDuration::from_millis(at), event);
        story().into_iter().filter_map(|event| lines.line(&record(event))).collect()
    }

    #[test]
    fn verbose_tells_everything() {
        insta::assert_snapshot!(told(Verbosity::Verbose, Palette::PLAIN), @r#"
         0.0s  core               applying 5 nodes
         0.1s  stacks.spoke[dev]  started in dev, us-east-1
         1.0s  stacks.spoke[dev]  VPC AWS::EC2::VPC CREATE_IN_PROGRESS: Resource creation Initiated
        12.3s  stacks.spoke[dev]  VPC AWS::EC2::VPC CREATE_COMPLETE
        13.0s  stacks.spoke[dev]  Vpc AWS::EC2::VPC CREATE_FAILED: limit reached
        13.1s  stacks.spoke[dev]  us-east-1-dev ROLLBACK_IN_PROGRESS
        1m01s  stacks.master      updated in 1m00s
                                    modify Vpc
                                    add Nat
        1m01s  stacks.old         unchanged in 0.3s
        1m02s  stacks.spoke[dev]  failed after 1m01s: stack us-east-1-dev ended in ROLLBACK_COMPLETE
                                    cause    Vpc: limit reached \u{1b}[31m
                                    at       plans/us-east-1.toml:14:3
                                    request  1f2e
                                    help     ask for a higher quota
                                    help     or delete a VPC
        1m02s  peerings.spoke[dev]  skipped, since stacks.spoke[dev] failed
        1m02s  routes.out         its own work is taken back: stacks.spoke[dev] has failed
        1m02s  routes.out         taken back, since stacks.spoke[dev] failed: rtb-1: deleted 10.0.0.0/20 → pcx-1
        1m02s  stopping at the first failure: 1 not started, waiting for 1 running node
        1m02s  routes.a           not started
        1m03s  stopping: waiting for 2 running nodes; interrupt again to leave now
        1m03s  leaving now: 1 running node left; what they began may go on at AWS
        1m03s  routes.out         what it has made stays: rtb-2: 10.0.0.0/20 → pcx-1; apply again, or destroy
        1m03s  stacks.late        left after 2.0s; what it began may go on at AWS
        "#);
    }

    #[test]
    fn normal_leaves_out_what_goes_well_inside_a_node() {
        insta::assert_snapshot!(told(Verbosity::Normal, Palette::PLAIN), @r#"
         0.0s  core               applying 5 nodes
         0.1s  stacks.spoke[dev]  started in dev, us-east-1
        13.0s  stacks.spoke[dev]  Vpc AWS::EC2::VPC CREATE_FAILED: limit reached
        13.1s  stacks.spoke[dev]  us-east-1-dev ROLLBACK_IN_PROGRESS
        1m01s  stacks.master      updated in 1m00s
        1m01s  stacks.old         unchanged in 0.3s
        1m02s  stacks.spoke[dev]  failed after 1m01s: stack us-east-1-dev ended in ROLLBACK_COMPLETE
                                    cause    Vpc: limit reached \u{1b}[31m
                                    at       plans/us-east-1.toml:14:3
                                    request  1f2e
                                    help     ask for a higher quota
                                    help     or delete a VPC
        1m02s  peerings.spoke[dev]  skipped, since stacks.spoke[dev] failed
        1m02s  routes.out         its own work is taken back: stacks.spoke[dev] has failed
        1m02s  routes.out         taken back, since stacks.spoke[dev] failed: rtb-1: deleted 10.0.0.0/20 → pcx-1
        1m02s  stopping at the first failure: 1 not started, waiting for 1 running node
        1m03s  stopping: waiting for 2 running nodes; interrupt again to leave now
        1m03s  leaving now: 1 running node left; what they began may go on at AWS
        1m03s  routes.out         what it has made stays: rtb-2: 10.0.0.0/20 → pcx-1; apply again, or destroy
        1m03s  stacks.late        left after 2.0s; what it began may go on at AWS
        "#);
    }

    #[test]
    fn quiet_tells_what_went_wrong() {
        insta::assert_snapshot!(told(Verbosity::Quiet, Palette::PLAIN), @r#"
        1m02s  stacks.spoke[dev]  failed after 1m01s: stack us-east-1-dev ended in ROLLBACK_COMPLETE
                                    cause    Vpc: limit reached \u{1b}[31m
                                    at       plans/us-east-1.toml:14:3
                                    request  1f2e
                                    help     ask for a higher quota
                                    help     or delete a VPC
        1m02s  routes.out         taken back, since stacks.spoke[dev] failed: rtb-1: deleted 10.0.0.0/20 → pcx-1
        1m02s  stopping at the first failure: 1 not started, waiting for 1 running node
        1m03s  stopping: waiting for 2 running nodes; interrupt again to leave now
        1m03s  leaving now: 1 running node left; what they began may go on at AWS
        1m03s  stacks.late        left after 2.0s; what it began may go on at AWS
        "#);
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let mut painted = told(Verbosity::Verbose, Palette { enabled: true });
        assert!(painted.contains("\x1b[1m\x1b[31mfailed after 1m01s\x1b[0m"), "{painted}");
        for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"] {
            painted = painted.replace(code, "");
        }
        assert_eq!(painted, told(Verbosity::Verbose, Palette::PLAIN));
    }

    #[test]
    fn a_clock_that_was_set_back_shows_nought() {
        let lines = Lines::new(Timestamp::from_second(100).unwrap(), [], Verbosity::Normal, Palette::PLAIN);
        let event = Event::NodeSkipped { node: node("routes.a"), because: node("stacks.a") };
        let line = lines.line(&Record::new(Timestamp::from_second(90).unwrap(), event)).unwrap();
        assert_eq!(line, "   0.0s  routes.a  skipped, since stacks.a failed\n");
    }

    #[test]
    fn a_roll_out_that_is_held_is_told_however_quiet_it_is_to_be() {
        let lines = Lines::new(Timestamp::UNIX_EPOCH, [], Verbosity::Quiet, Palette::PLAIN);
        let failed = vec![node("stacks.spoke[dev]")];
        let event = Event::RollOutHeld { group: "stacks.spoke".to_owned(), failed, left: 38 };
        let line = lines.line(&Record::new(Timestamp::UNIX_EPOCH, event)).unwrap();
        let text = "no more is started, since stacks.spoke[dev] did not end well: 38 not started";
        assert_eq!(line, format!("   0.0s  stacks.spoke  {text}\n"));
    }

    #[test]
    fn statuses_are_told_apart_by_how_things_go() {
        for status in
            ["CREATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "provisioning", "initiating-request"]
        {
            assert_eq!(Pace::of(status), Pace::Began, "{status}");
        }
        for status in ["CREATE_COMPLETE", "DELETE_COMPLETE", "DELETE_SKIPPED", "pending-acceptance", "active", "new"] {
            assert_eq!(Pace::of(status), Pace::Settled, "{status}");
        }
        for status in ["CREATE_FAILED", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_IN_PROGRESS", "failed", "expired"] {
            assert_eq!(Pace::of(status), Pace::Trouble, "{status}");
        }
    }
}
