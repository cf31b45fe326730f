//! `orch apply`, `orch adopt`, `orch destroy` and `orch cancel`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use indexmap::IndexMap;
use tokio::sync::mpsc;

use crate::engine::Settings;
use crate::event::{Command, Failure, Tally};
use crate::preview::Preview;
use crate::report::{Palette, outputs_table, preview_text};
use crate::run::{Gathered, Job, Leaving, Left, Means, Sink, WantedRoutes, execute};

use super::allow::Allow;
use super::args::{Apply, Choice, Destroy, On, Run, Slots, Target, Vars};
use super::checked::Hold;
use super::confirm::{Question, is_answered};
use super::drift::Drift;
use super::exit::Exit;
use super::journal::{Asked, Journal};
use super::leased::{Leased, Locking};
use super::past::Past;
use super::preview::{self, Ahead};
use super::signals::Signals;
use super::teller::Teller;
use super::threads::on_threads;
use super::{Surroundings, checked, outputs, print_end, reach, saved, terminal};

/// Makes AWS what the plan says.
pub(super) fn apply(args: &Apply, surroundings: &Surroundings) -> Exit {
    if let Some(text) = saved::of(&args.run.on.plan) {
        return saved::apply(args, &text, surroundings);
    }
    if args.dry_run {
        return preview::before(args, surroundings);
    }
    let also = Also { prune: args.prune, drift: args.drift, locking: args.locking, taking: None };
    run(&args.run, Command::Apply, also, &Allow::skipping(&args.skip_resource), surroundings)
}

/// Deletes what the plan made.
pub(super) fn destroy(args: &Destroy, surroundings: &Surroundings) -> Exit {
    if args.dry_run {
        return preview::before_destroy(args, surroundings);
    }
    if args.force {
        terminal::notice("warning: with --force, whatever cannot be deleted is left behind in the account\n");
    }
    let also = Also { locking: args.locking, ..Also::default() };
    run(&args.run, Command::Destroy, also, &Allow::destroy(args), surroundings)
}

/// Arguments of `adopt`.
#[derive(Args, Debug)]
pub(super) struct Adopt {
    /// The plan file
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// The nodes, as --only of `apply` takes them
    #[arg(value_name = "NODES", required = true)]
    pub nodes: Vec<String>,
    /// Also take over what bears the tags of another plan or of another node
    ///
    /// That plan then finds it to be somebody else's. To give a node another name, this is not needed.
    #[arg(long)]
    pub from_other: bool,
    /// Do not ask; required where there is no terminal
    #[arg(short, long)]
    pub yes: bool,
    /// Variables.
    #[command(flatten)]
    pub vars: Vars,
    /// AWS.
    #[command(flatten)]
    pub target: Target,
    /// Slots.
    #[command(flatten)]
    pub limits: Slots,
}

/// Takes over what stands without the tags of the plan's nodes.
pub(super) fn adopt(args: &Adopt, surroundings: &Surroundings) -> Exit {
    let choice = Choice { only: args.nodes.clone(), skip: Vec::new() };
    let on = On { plan: args.plan.clone(), vars: args.vars.clone(), choice, target: args.target.clone() };
    let run = Run { on, yes: args.yes, fail_fast: false, limits: args.limits };
    let taking = Taking { from_others: args.from_other };
    let also = Also { taking: Some(taking), ..Also::default() };
    attempt(&run, Command::Adopt, also, &Allow::default(), surroundings).unwrap_or_else(|exit| exit)
}

/// What `orch adopt` may take over.
#[derive(Clone, Copy)]
struct Taking {
    /// Also what belongs to another plan or node.
    from_others: bool,
}

/// What a command does besides its own.
#[derive(Clone, Copy, Default)]
struct Also {
    /// Whether what left the plan is deleted.
    prune: bool,
    /// Whether drift is taken back.
    drift: Drift,
    /// What of others is taken over.
    taking: Option<Taking>,
    /// What is done about the plan's lock.
    locking: Locking,
}

/// Breaks off what runs at the plan's stacks.
pub(super) fn cancel(args: &Run, surroundings: &Surroundings) -> Exit {
    run(args, Command::Cancel, Also::default(), &Allow::default(), surroundings)
}

fn run(args: &Run, command: Command, also: Also, allow: &Allow<'_>, surroundings: &Surroundings) -> Exit {
    attempt(args, command, also, allow, surroundings).unwrap_or_else(|exit| exit)
}

fn attempt(
    args: &Run,
    command: Command,
    also: Also,
    allow: &Allow<'_>,
    surroundings: &Surroundings,
) -> Result<Exit, Exit> {
    let Also { prune, drift, taking, locking } = also;
    preview::whole_if_pruned(prune, &args.on.choice)?;
    let hold = if matches!(command, Command::Destroy | Command::Cancel) { Hold::ThatItLoads } else { Hold::EveryRule };
    let checked = checked::open(&args.on.plan, &args.on.vars, hold, surroundings)?;
    let chosen = checked.choose(&args.on.choice)?;
    let allowed = allow.of(&checked.plan, &chosen)?;
    let (plan, graph) = (Arc::clone(&checked.plan), Arc::clone(&checked.graph));
    let (before, job) = match command {
        Command::Destroy => {
            let before = Job::before_destroy(Arc::clone(&plan), Arc::clone(&graph), &chosen);
            (Some(before), Job::destroy(plan, &graph, &chosen))
        }
        Command::Cancel => (None, Job::cancel(plan, &graph, &chosen)),
        Command::Apply | Command::Prune | Command::Adopt | Command::Outputs => (None, Job::apply(plan, graph, &chosen)),
    };
    let job = match taking {
        Some(Taking { from_others }) => job.taking_over(from_others),
        None => job,
    };
    let job = job.allowing(allowed).reverting_drift(drift.revert_drift);
    let question = Question::of(args, &job, command);
    question.can_be_answered(args, surroundings)?;
    let environment = reach::environment(&args.on.target, &checked.plan, surroundings)?;
    let settings = Settings { limits: args.limits.limits(), fail_fast: args.fail_fast };
    on_threads(async {
        let mut signals = Signals::listen()?;
        // What runs is broken off whoever runs it.
        let leased = match command {
            Command::Cancel => Leased::default(),
            _ => signals.or(Box::pin(Leased::take(&checked.plan, command, locking, &environment))).await??,
        };
        let plan = Arc::clone(&checked.plan);
        let done = Box::pin(async {
            let opening = Past::open(&checked.plan, &args.on.choice, &args.on.target, &environment);
            let mut past = signals.or(Box::pin(opening)).await?;
            let mut job = Arc::new(job.remembering(past.inventory()).with_leave(leased.leave(&checked.plan)));
            let jobs: Vec<&Job> = before.iter().chain([&*job]).collect();
            // What runs is broken off whatever left the plan.
            let others = if command == Command::Cancel { IndexMap::new() } else { past.grounds.specs.clone() };
            let opening = reach::sessions_and(&jobs, &others, &environment, &checked.sources);
            let (sessions, unreached) = signals.or(Box::pin(opening)).await??;
            past.unreached = unreached;
            let gathered = Arc::new(Gathered::default());
            let ahead = Ahead::new(true).pruning(prune);
            let means = |sink| Means {
                sessions: Arc::clone(&sessions),
                gathered: Arc::clone(&gathered),
                sources: Arc::clone(&checked.sources),
                sink,
                outlooks: Arc::clone(&ahead.outlooks),
                change_sets: Arc::clone(&ahead.change_sets),
            };
            let asked = async {
                let preview = if let Some(before) = before {
                    let recalling = preview::recall(before, settings, &checked, &sessions, &gathered, surroundings);
                    signals.or(Box::pin(recalling)).await??;
                    let looking =
                        ahead.look_at_destruction(&job, settings, &checked, &sessions, &past, &gathered, &mut signals);
                    let (preview, whole) = Box::pin(looking).await?;
                    job = whole;
                    refuse_protected(&ahead)?;
                    Some(preview)
                } else if matches!(command, Command::Apply | Command::Adopt) {
                    Some(Box::pin(ahead.look(&job, settings, &checked, &sessions, &past, &mut signals)).await?)
                } else {
                    None
                };
                let nothing = preview.as_ref().is_some_and(Preview::is_nothing);
                // Nobody is asked about what they were not shown.
                if let Some(preview) = preview.filter(|_| !nothing && (!surroundings.quiet || !is_answered(args))) {
                    let palette = Palette { enabled: surroundings.terminal.color_err };
                    let text = surroundings.terminal.lines.hold(preview_text(&preview, palette));
                    terminal::notice(&format!("{text}\n"));
                }
                if nothing {
                    return Ok(());
                }
                let left = ahead.left.get().filter(|_| prune || command == Command::Destroy);
                let left = left.map(|left| left.leaving.as_slice()).unwrap_or_default();
                signals.or(question.ask(args, left)).await??;
                if !is_answered(args) {
                    sessions.look_anew();
                }
                Ok(())
            };
            if let Err(exit) = Box::pin(asked).await {
                ahead.change_sets.sweep().await;
                return Err(exit);
            }
            if matches!(command, Command::Apply | Command::Adopt) {
                past.note_accounts().await;
            }
            // Whoever interrupts the run means what would follow it, too.
            let again = if prune { Some(Signals::listen()?) } else { None };
            let listening = |sink| means(past.listening(sink));
            let journal = Journal::begin(Asked { prune, ..Asked::of(&checked.plan.name, command, &args.on) });
            let kept = Kept { journal: &journal, leased: &leased };
            let (mut text, mut exit) = carry_out(&job, command, settings, listening, signals, kept, surroundings).await;
            let left = ahead.left.get().filter(|left| !left.leaving.is_empty());
            if let Some((left, signals)) = left.zip(again) {
                if exit == Exit::Done {
                    // What the run has brought forth tells which routes are wanted.
                    let wanted = WantedRoutes::given(&checked.plan, &gathered, &checked.sources);
                    let job = Job::prune(Arc::clone(&checked.plan), &checked.graph, &left.clone().without(&wanted));
                    let job = Arc::new(job.remembering(past.inventory()).with_leave(leased.leave(&checked.plan)));
                    let listening = |sink| means(past.listening(sink));
                    let pruned =
                        carry_out(&job, Command::Prune, settings, listening, signals, kept, surroundings).await;
                    text.push_str(&pruned.0);
                    exit = pruned.1;
                } else {
                    terminal::notice(&unpruned(left));
                }
            }
            // The run is over: whoever is slow from here on (a bucket, a pager) must not make it look like one that goes on.
            journal.close(exit);
            if command != Command::Cancel {
                past.note_run(&gathered, ahead.left.get()).await;
            }
            Ok((text, exit, journal))
        })
        .await;
        // Before anything is printed: no pager is to keep others out.
        leased.give_back(&plan).await;
        let (text, exit, journal) = done?;
        Ok(print_end(&text, exit, &journal))
    })?
}

/// What a run keeps while it lasts.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    /// What happens is written down here.
    pub journal: &'a Journal,
    /// Its plan's lock.
    pub leased: &'a Leased,
}

/// Runs a job to its end, tells it while it happens, and gives what is to be printed of it and the exit code. Change sets
/// that were not executed are deleted.
pub(super) async fn carry_out(
    job: &Arc<Job>,
    command: Command,
    settings: Settings,
    means: impl FnOnce(Sink) -> Means,
    signals: Signals,
    kept: Kept<'_>,
    surroundings: &Surroundings,
) -> (String, Exit) {
    let teller = Teller::new(job, surroundings).keeping(kept.journal);
    let means = means(teller.sink());
    let (gathered, change_sets) = (Arc::clone(&means.gathered), Arc::clone(&means.change_sets));
    let sources = Arc::clone(&means.sources);
    let (words, control) = mpsc::unbounded_channel();
    let guarding = tokio::spawn(kept.leased.clone().watch(Arc::clone(&job.plan().name), words.clone()));
    let watching = tokio::spawn(signals.tell(words));
    let tally = execute(job, command, settings, means, control).await;
    watching.abort();
    guarding.abort();
    change_sets.sweep().await;
    let mut text = String::new();
    if command == Command::Apply {
        let palette = Palette { enabled: surroundings.terminal.color_out };
        text = outputs_table(&outputs::given(&gathered, job, &sources), palette);
        text.push('\n');
    }
    text.push_str(&teller.end(surroundings));
    (text, exit(&tally))
}

/// Refuses a destruction that a protected stack would stop in the end, before anything is deleted; those of the plan's own
/// nodes were looked at before.
///
/// # Errors
/// The exit code, after each of them was named.
fn refuse_protected(ahead: &Ahead) -> Result<(), Exit> {
    let left = ahead.left.get().map(|left| left.leaving.as_slice()).unwrap_or_default();
    let refused: Vec<&Failure> = left.iter().filter_map(|left| left.refusal.as_ref()).collect();
    for failure in &refused {
        terminal::line(&format!("error: {failure}"));
        for help in &failure.help {
            terminal::line(&format!("  help: {help}"));
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    terminal::notice("nothing was changed\n");
    Err(Exit::Failed)
}

/// What to say of what left the plan and was not deleted, since the run did not end well.
fn unpruned(left: &Left) -> String {
    const NAMED: usize = 5;
    let name = |left: &Leaving| format!("{} ({})", left.node, left.thing.name());
    let mut names: Vec<String> = left.leaving.iter().take(NAMED).map(name).collect();
    if left.leaving.len() > NAMED {
        names.push(format!("{} more", left.leaving.len() - NAMED));
    }
    format!(
        "warning: what left the plan was not deleted, since not all else ended well: {}\n  help: apply with --prune again\n",
        names.join(", ")
    )
}

/// How a run's end is told to the shell. A failure weighs more than an interruption: it is what has to be looked into.
fn exit(tally: &Tally) -> Exit {
    if tally.failed > 0 || tally.skipped > 0 {
        Exit::Failed
    } else if tally.not_started > 0 || tally.aborted > 0 {
        Exit::Interrupted
    } else {
        Exit::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_follows_the_tally() {
        let tally = |failed, skipped, not_started, aborted| Tally {
            done: 3,
            changed: 1,
            failed,
            skipped,
            not_started,
            aborted,
        };
        for (tally, expected) in [
            (tally(0, 0, 0, 0), Exit::Done),
            (tally(1, 0, 0, 0), Exit::Failed),
            (tally(1, 2, 0, 0), Exit::Failed),
            (tally(0, 0, 1, 0), Exit::Interrupted),
            (tally(0, 0, 0, 1), Exit::Interrupted),
            (tally(1, 0, 2, 1), Exit::Failed),
        ] {
            assert_eq!(exit(&tally), expected, "{tally:?}");
        }
    }
}
