//! The question before something is changed.

use std::path::Path;

use crate::event::Command;
use crate::plan::Plan;
use crate::run::{Job, Task};
use crate::text::counted;

use super::args::Run;
use super::exit::Exit;
use super::{Surroundings, terminal};

/// Asks whether a job is to be run, unless `--yes` or `--local` has answered.
///
/// # Errors
/// The exit code when the answer is no, or when there is nobody to ask.
pub(super) fn confirm(args: &Run, job: &Job, command: Command, surroundings: &Surroundings) -> Result<(), Exit> {
    if args.yes || args.target.local {
        return Ok(());
    }
    let said = what(job, command, &args.plan);
    if !surroundings.terminal.answers {
        terminal::notice(&format!(
            "{said}\nerror: there is no terminal to ask at\n  help: give --yes to go ahead without a question\n"
        ));
        return Err(Exit::NotConfirmed);
    }
    terminal::notice(&format!("{said}\n"));
    if let Ok(true) = terminal::ask("Go ahead?") {
        Ok(())
    } else {
        terminal::notice("nothing was changed\n");
        Err(Exit::NotConfirmed)
    }
}

/// What is about to happen: how many of what, in which accounts and regions.
fn what(job: &Job, command: Command, path: &Path) -> String {
    let plan: &Plan = job.plan();
    let mut kinds = [(0, "stack"), (0, "peering"), (0, "route")];
    let mut places = indexmap::IndexSet::new();
    for node in job.taking_part().filter(|node| matches!(job.task(*node), Task::Converge | Task::Destroy)) {
        let planned = &plan.nodes[node.index()];
        kinds[planned.id.kind as usize].0 += 1;
        places.insert(format!("{} ({}) in {}", planned.account, plan.accounts[&planned.account].id, planned.region));
    }
    let kinds: Vec<String> =
        kinds.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun)).collect();
    let verb = if command == Command::Destroy { "delete" } else { "apply" };
    let mut said = format!("{} will {verb} {} of plan {}:", path.display(), kinds.join(", "), plan.name);
    for place in places {
        said.push_str("\n  ");
        said.push_str(&place);
    }
    said
}
