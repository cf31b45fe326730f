//! The question before something is changed.

use crate::event::Command;
use crate::graph::Ix;
use crate::run::{Job, Leaving, Task};
use crate::text::{counted, printable};

use super::args::Run;
use super::exit::Exit;
use super::{Surroundings, terminal};

/// How many nodes a warning names before it counts the rest.
const NAMED: usize = 5;

/// What is about to happen, and whether it may.
pub(super) struct Question {
    /// How many of what, in which accounts and regions.
    said: String,
    /// What is left standing on something that goes away.
    warning: Option<String>,
}

impl Question {
    /// The question before a job.
    pub(super) fn of(args: &Run, job: &Job, command: Command) -> Self {
        Self { said: what(job, command, args), warning: left_behind(job) }
    }

    /// Makes sure that somebody is there to answer, before anything is called.
    ///
    /// # Errors
    /// The exit code when there is nobody to ask and neither `--yes` nor `--local` has answered.
    pub(super) fn can_be_answered(&self, args: &Run, surroundings: &Surroundings) -> Result<(), Exit> {
        if is_answered(args) || surroundings.terminal.answers {
            return Ok(());
        }
        terminal::notice(&format!(
            "{}\nerror: there is no terminal to ask at\n  help: give --yes to go ahead without a question\n",
            self.said
        ));
        Err(Exit::NotConfirmed)
    }

    /// Asks, unless `--yes` or `--local` has answered.
    ///
    /// # Errors
    /// The exit code when the answer is no.
    pub(super) async fn ask(self, args: &Run, left: &[Leaving]) -> Result<(), Exit> {
        if is_answered(args) {
            self.warning.inspect(|warning| terminal::notice(warning));
            return Ok(());
        }
        terminal::notice(&format!("{}\n{}{}", self.said, besides(left), self.warning.unwrap_or_default()));
        // Reading a line cannot be broken off, so it has a thread of its own that an interruption leaves behind.
        let answer = tokio::task::spawn_blocking(|| terminal::ask("Go ahead?")).await;
        if matches!(answer, Ok(Ok(true))) {
            Ok(())
        } else {
            terminal::notice("nothing was changed\n");
            Err(Exit::NotConfirmed)
        }
    }
}

/// Whether `--yes` or `--local` has answered.
pub(super) fn is_answered(args: &Run) -> bool {
    args.yes || args.on.target.local
}

/// What is about to happen: how many of what, in which accounts and regions.
fn what(job: &Job, command: Command, args: &Run) -> String {
    let plan = job.plan();
    let mut kinds = [(0, "stack"), (0, "peering"), (0, "route")];
    let mut places = indexmap::IndexSet::new();
    for node in
        job.taking_part().filter(|node| matches!(job.task(*node), Task::Converge | Task::Destroy | Task::Cancel))
    {
        let Some(planned) = job.node(node) else { continue };
        kinds[planned.id.kind as usize].0 += 1;
        let place = format!("{} ({}) in {}", planned.account, plan.accounts[&planned.account].id, planned.region);
        places.insert(printable(&place).into_owned());
    }
    let kinds: Vec<String> =
        kinds.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun)).collect();
    let path = args.on.plan.display().to_string();
    let path = printable(&path);
    if kinds.is_empty() {
        return format!("{path} will change nothing: all that was chosen is only read");
    }
    let verb = match command {
        Command::Destroy => "delete",
        Command::Cancel => "cancel what runs at",
        Command::Adopt => "adopt",
        Command::Apply | Command::Outputs | Command::Prune => "apply",
    };
    let mut said = format!("{path} will {verb} {} of plan {}:", kinds.join(", "), plan.name);
    for place in places {
        said.push_str("\n  ");
        said.push_str(&place);
    }
    said
}

/// What goes besides the plan's own nodes.
fn besides(left: &[Leaving]) -> String {
    let mut kinds = [(0, "stack"), (0, "peering"), (0, "route")];
    for leaving in left.iter().filter(|leaving| leaving.refusal.is_none()) {
        kinds[leaving.thing.kind() as usize].0 += 1;
    }
    let kinds: Vec<String> =
        kinds.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun)).collect();
    if kinds.is_empty() {
        return String::new();
    }
    format!("and delete what left the plan: {}\n", kinds.join(", "))
}

/// The warning about nodes that stay although what they stand on is deleted.
fn left_behind(job: &Job) -> Option<String> {
    let left: Vec<Ix> = job.left_behind().collect();
    if left.is_empty() {
        return None;
    }
    let named: Vec<String> = left.iter().take(NAMED).map(|node| job.graph().id(*node).to_string()).collect();
    let more = left.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!(
        "warning: left out of this run, and standing on what it deletes: {}{more}\n  \
         help: choose them too, or delete them later with another destroy\n",
        named.join(", ")
    ))
}
