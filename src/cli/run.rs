//! `orch apply` and `orch destroy`.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::engine::{Limits, Settings};
use crate::event::{Command, Tally};
use crate::report::{Palette, outputs_table};
use crate::run::{Gathered, Job, Means, execute};

use super::args::Run;
use super::exit::Exit;
use super::teller::Teller;
use super::{Surroundings, checked, confirm, outputs, print, reach, signals, terminal};

/// Makes AWS what the plan says.
pub(super) fn apply(args: &Run, surroundings: &Surroundings) -> Exit {
    run(args, Command::Apply, surroundings)
}

/// Deletes what the plan made.
pub(super) fn destroy(args: &Run, surroundings: &Surroundings) -> Exit {
    run(args, Command::Destroy, surroundings)
}

fn run(args: &Run, command: Command, surroundings: &Surroundings) -> Exit {
    attempt(args, command, surroundings).unwrap_or_else(|exit| exit)
}

fn attempt(args: &Run, command: Command, surroundings: &Surroundings) -> Result<Exit, Exit> {
    let checked = checked::open(&args.plan, &args.vars, surroundings)?;
    let chosen = checked.choose(&args.choice)?;
    let (plan, graph) = (Arc::clone(&checked.plan), Arc::clone(&checked.graph));
    let (before, job) = match command {
        Command::Destroy => {
            let before = Job::before_destroy(Arc::clone(&plan), Arc::clone(&graph), &chosen);
            (Some(before), Job::destroy(plan, &graph, &chosen))
        }
        Command::Apply | Command::Outputs => (None, Job::apply(plan, graph, &chosen)),
    };
    confirm::confirm(args, &job, command, surroundings)?;
    let environment = reach::environment(&args.target, &checked.plan, surroundings)?;
    let settings = Settings {
        limits: Limits { total: args.concurrency, per_lane: args.account_concurrency },
        fail_fast: args.fail_fast,
    };
    runtime()?.block_on(async {
        let jobs: Vec<&Job> = before.iter().chain([&job]).collect();
        let opening = reach::sessions(&jobs, &environment, &checked.sources);
        let teller = Teller::new(&job, surroundings);
        let means = Means {
            sessions: until_interrupted(Box::pin(opening)).await??,
            gathered: Arc::new(Gathered::default()),
            sources: Arc::clone(&checked.sources),
            sink: teller.sink(),
        };
        if let Some(before) = before {
            until_interrupted(look(before, settings, &means, surroundings)).await??;
        }
        let (words, control) = mpsc::unbounded_channel();
        let watching = tokio::spawn(signals::watch(words));
        let job = Arc::new(job);
        let gathered = Arc::clone(&means.gathered);
        let tally = execute(&job, command, settings, means, control).await;
        watching.abort();
        let mut text = String::new();
        if command == Command::Apply && !surroundings.quiet {
            let palette = Palette { enabled: surroundings.terminal.color_out };
            text = outputs_table(&outputs::given(&gathered, &job), palette);
            text.push('\n');
        }
        text.push_str(&teller.end(surroundings));
        Ok(print(&text, exit(&tally)))
    })
}

/// The threads that a run takes place on.
///
/// # Errors
/// The exit code, when the system has none to give.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        terminal::notice(&format!("error: no threads can be started: {error}\n"));
        Exit::Failed
    })
}

/// Waits for something that changes nothing; Ctrl-C ends it at once, since there is nothing to settle.
///
/// # Errors
/// [`Exit::Interrupted`] on Ctrl-C.
pub(super) async fn until_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Exit> {
    tokio::select! {
        done = work => Ok(done),
        _ = tokio::signal::ctrl_c() => {
            terminal::notice("interrupted; nothing was changed\n");
            Err(Exit::Interrupted)
        }
    }
}

/// Looks up what a destruction needs to know, before anything is deleted. What is missing is no failure; what cannot
/// be looked up is, since a route that is not found would be taken for one that is gone.
async fn look(before: Job, settings: Settings, means: &Means, surroundings: &Surroundings) -> Result<(), Exit> {
    let quiet = Surroundings { quiet: true, ..*surroundings };
    let teller = Teller::new(&before, &quiet);
    let (_silent, control) = mpsc::unbounded_channel();
    let means = Means { sink: teller.sink(), ..means.clone() };
    let tally = execute(&Arc::new(before), Command::Outputs, settings, means, control).await;
    if tally.is_success() {
        return Ok(());
    }
    terminal::notice("nothing was changed\n");
    Err(print(&teller.end(surroundings), Exit::Failed))
}

/// How a run's end is told to the shell.
fn exit(tally: &Tally) -> Exit {
    if tally.failed > 0 || tally.skipped > 0 {
        Exit::Failed
    } else if tally.not_started > 0 || tally.aborted > 0 {
        Exit::Interrupted
    } else {
        Exit::Done
    }
}
