//! `orch preview`, and the look before `apply`.

use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;

use crate::aws::Sessions;
use crate::engine::Settings;
use crate::event::Command;
use crate::kinds::stack::ChangeSets;
use crate::preview::Preview;
use crate::report::{Palette, preview_json, preview_markdown, preview_text};
use crate::run::{Gathered, Job, Left, Looking, Means, Outlooks, WantedRoutes, execute, foresee, foresee_destroy};
use crate::simulate::{Live, simulate};

use super::allow::Allow;
use super::args::{Apply, Choice, Destroy, PreviewArgs, PreviewFormat, Run};
use super::checked::{Checked, Hold};
use super::drift::Drift;
use super::exit::Exit;
use super::past::Past;
use super::saved::Saving;
use super::signals::Signals;
use super::teller::Teller;
use super::terminal::For;
use super::threads::on_threads;
use super::{Surroundings, checked, print, print_for, reach, terminal};

/// Shows what `apply` would do.
pub(super) fn preview(args: &PreviewArgs, surroundings: &Surroundings) -> Exit {
    attempt(args, surroundings).unwrap_or_else(|exit| exit)
}

/// The same for the arguments of an apply.
pub(super) fn before(apply: &Apply, surroundings: &Surroundings) -> Exit {
    let args = of_run(&apply.run);
    preview(
        &PreviewArgs { prune: apply.prune, drift: apply.drift, skip_resource: apply.skip_resource.clone(), ..args },
        surroundings,
    )
}

/// The same for those of a destruction.
pub(super) fn before_destroy(destroy: &Destroy, surroundings: &Surroundings) -> Exit {
    preview(&PreviewArgs { destroy: true, ..of_run(&destroy.run) }, surroundings)
}

fn of_run(run: &Run) -> PreviewArgs {
    PreviewArgs {
        on: run.on.clone(),
        format: PreviewFormat::Text,
        read_only: false,
        simulate: false,
        save: None,
        skip_resource: Vec::new(),
        prune: false,
        destroy: false,
        drift: Drift::default(),
        limits: run.limits,
    }
}

/// For whom a form of the preview is.
pub(super) fn reader(format: PreviewFormat) -> For {
    match format {
        PreviewFormat::Text | PreviewFormat::Markdown => For::People,
        PreviewFormat::Json => For::Json,
    }
}

fn attempt(args: &PreviewArgs, surroundings: &Surroundings) -> Result<Exit, Exit> {
    whole_if_pruned(args.prune, &args.on.choice)?;
    let saving = args.save.as_deref().map(Saving::to).transpose()?;
    let hold = if args.destroy { Hold::ThatItLoads } else { Hold::EveryRule };
    let checked = checked::open(&args.on.plan, &args.on.vars, hold, surroundings)?;
    let chosen = checked.choose(&args.on.choice)?;
    let allowed = Allow::skipping(&args.skip_resource).of(&checked.plan, &chosen)?;
    let (plan, graph) = (Arc::clone(&checked.plan), Arc::clone(&checked.graph));
    let environment = reach::environment(&args.on.target, &checked.plan, surroundings)?;
    let settings = Settings { limits: args.limits.limits(), fail_fast: false };
    let (preview, saved) = on_threads(async {
        let mut signals = Signals::listen()?;
        let opening = Past::open(&checked.plan, &args.on.choice, &args.on.target, &environment);
        let mut past = signals.or(Box::pin(opening)).await?;
        let (before, job) = if args.destroy {
            let before = Job::before_destroy(Arc::clone(&plan), Arc::clone(&graph), &chosen);
            (Some(before), Job::destroy(plan, &graph, &chosen))
        } else {
            let job = Job::apply(plan, graph, &chosen).allowing(allowed);
            (None, job.reverting_drift(args.drift.revert_drift))
        };
        let job = Arc::new(job.remembering(past.inventory()));
        let jobs: Vec<&Job> = before.iter().chain([&*job]).collect();
        let opening = reach::sessions_and(&jobs, &past.grounds.specs, &environment, &checked.sources);
        let (sessions, unreached) = signals.or(Box::pin(opening)).await??;
        past.unreached = unreached;
        let ahead = match saving {
            Some(_) => Ahead { change_sets: Arc::new(ChangeSets::to_be_saved()), ..Ahead::new(true) },
            None => Ahead::new(!args.read_only).pruning(args.prune),
        };
        let Some(before) = before else {
            let seen = ahead.look(&job, settings, &checked, &sessions, &past, &mut signals).await;
            let saved = match (&saving, &seen) {
                (Some(saving), Ok(preview)) => Some(saving.save(args, &checked, preview, &ahead, &sessions).await),
                _ => None,
            };
            ahead.change_sets.sweep().await;
            let preview = seen?;
            let preview = if args.simulate {
                let live =
                    Live { sessions, sources: Arc::clone(&checked.sources), outlooks: Arc::clone(&ahead.outlooks) };
                signals.or(Box::pin(simulate(&job, settings, live, preview))).await?
            } else {
                preview
            };
            return Ok((preview, saved.unwrap_or(Ok(()))));
        };
        let gathered = Arc::new(Gathered::default());
        let recalling = recall(before, settings, &checked, &sessions, &gathered, surroundings);
        signals.or(Box::pin(recalling)).await??;
        let (preview, _) =
            ahead.look_at_destruction(&job, settings, &checked, &sessions, &past, &gathered, &mut signals).await?;
        Ok((preview, Ok(())))
    })??;
    let palette = Palette { enabled: surroundings.terminal.color_out };
    let text = match args.format {
        PreviewFormat::Text => surroundings.terminal.lines_out.hold(preview_text(&preview, palette)),
        PreviewFormat::Json => preview_json(&preview),
        PreviewFormat::Markdown => preview_markdown(&preview),
    };
    let exit = print_for(reader(args.format), &text, exit(&preview));
    saved?;
    if let Some(path) = args.save.as_ref().filter(|_| !surroundings.quiet) {
        let path = path.display();
        terminal::line(&format!("saved: `orch apply {path}` does exactly this, `orch discard {path}` gives it up"));
    }
    Ok(exit)
}

/// Makes sure that all of the plan is meant where what left it is to be deleted: a part of a plan tells nothing of that.
///
/// # Errors
/// The exit code, after it was said.
pub(super) fn whole_if_pruned(prune: bool, choice: &Choice) -> Result<(), Exit> {
    if !prune || (choice.only.is_empty() && choice.skip.is_empty()) {
        return Ok(());
    }
    terminal::notice(
        "error: --prune goes with all of a plan, and --only and --skip choose a part of it\n  help: give --prune alone, or leave it out\n",
    );
    Err(Exit::Refused)
}

/// Looks up what a destruction needs to know, before anything is deleted. What is missing is no failure; what cannot
/// be looked up is, since a route that is not found would be taken for one that is gone.
///
/// # Errors
/// The exit code, after it was said what could not be looked up.
pub(super) async fn recall(
    before: Job,
    settings: Settings,
    checked: &Checked,
    sessions: &Arc<Sessions>,
    gathered: &Arc<Gathered>,
    surroundings: &Surroundings,
) -> Result<(), Exit> {
    let quiet = Surroundings { quiet: true, ..*surroundings };
    let teller = Teller::new(&before, &quiet);
    let (_silent, control) = mpsc::unbounded_channel();
    let means = Means {
        sessions: Arc::clone(sessions),
        gathered: Arc::clone(gathered),
        sources: Arc::clone(&checked.sources),
        sink: teller.sink(),
        outlooks: Arc::default(),
        change_sets: Arc::default(),
    };
    let tally = execute(&Arc::new(before), Command::Outputs, settings, means, control).await;
    if tally.is_success() {
        return Ok(());
    }
    terminal::notice("nothing was changed\n");
    Err(print(&teller.end(surroundings), Exit::Failed))
}

/// How a preview is told to the shell.
fn exit(preview: &Preview) -> Exit {
    if preview.is_refused() || preview.fails_in_simulation() {
        Exit::Failed
    } else if preview.is_nothing() {
        Exit::Done
    } else {
        Exit::Changes
    }
}

/// What is seen before a run, and what waits for it.
#[derive(Default)]
pub(super) struct Ahead {
    /// What is foreseen of each node.
    pub(super) outlooks: Arc<Outlooks>,
    /// The change sets that were made and not executed.
    pub(super) change_sets: Arc<ChangeSets>,
    /// What left the plan, once it was looked for.
    pub(super) left: OnceLock<Left>,
    /// Whether that is to be deleted.
    pub(super) prunes: bool,
    pub(super) asks: bool,
}

impl Ahead {
    /// Nothing is seen yet; `asks` says whether CloudFormation may be asked for change sets.
    pub(super) fn new(asks: bool) -> Self {
        Self { asks, ..Self::default() }
    }

    /// The same before a run that deletes what left the plan, or does not.
    pub(super) fn pruning(self, prunes: bool) -> Self {
        Self { prunes, ..self }
    }

    /// Looks at everything that a job would touch. Whoever calls it sweeps the change sets that are left in the end, also
    /// when it was interrupted.
    ///
    /// # Errors
    /// The exit code when it was interrupted.
    pub(super) async fn look(
        &self,
        job: &Arc<Job>,
        settings: Settings,
        checked: &Checked,
        sessions: &Arc<Sessions>,
        past: &Past,
        signals: &mut Signals,
    ) -> Result<Preview, Exit> {
        let looking = self.looking(checked, sessions, self.asks);
        let looks = async { tokio::join!(foresee(job, settings, looking), past.search(sessions, false)) };
        let (mut preview, found) = signals.or(Box::pin(looks)).await?;
        let wanted = WantedRoutes::foreseen(&checked.plan, &self.outlooks, &checked.sources);
        let left = found.left(&checked.plan, &wanted, past.inventory());
        let job = Job::prune(Arc::clone(&checked.plan), &checked.graph, &left);
        self.add(&mut preview, &job, left);
        preview.prunes = self.prunes;
        Ok(preview)
    }

    /// Looks at everything that a destruction would delete, and gives that with the job that deletes it, what left the plan
    /// among it.
    ///
    /// # Errors
    /// The exit code when it was interrupted.
    #[expect(clippy::too_many_arguments, reason = "a destruction has what routes refer to besides")]
    pub(super) async fn look_at_destruction(
        &self,
        job: &Arc<Job>,
        settings: Settings,
        checked: &Checked,
        sessions: &Arc<Sessions>,
        past: &Past,
        gathered: &Arc<Gathered>,
        signals: &mut Signals,
    ) -> Result<(Preview, Arc<Job>), Exit> {
        let looking = self.looking(checked, sessions, false);
        let foreseeing = foresee_destroy(job, settings, looking, Arc::clone(gathered));
        let looks = async { tokio::join!(foreseeing, past.search(sessions, true)) };
        let (mut preview, found) = signals.or(Box::pin(looks)).await?;
        let wanted = WantedRoutes::given(&checked.plan, gathered, &checked.sources);
        let left = found.left(&checked.plan, &wanted, past.inventory());
        let whole = Arc::new(Job::clone(job).and(&left));
        self.add(&mut preview, &whole, left);
        Ok((preview, whole))
    }

    fn looking(&self, checked: &Checked, sessions: &Arc<Sessions>, asks: bool) -> Looking {
        Looking {
            sessions: Arc::clone(sessions),
            sources: Arc::clone(&checked.sources),
            outlooks: Arc::clone(&self.outlooks),
            change_sets: asks.then(|| Arc::clone(&self.change_sets)),
        }
    }

    /// Adds what left the plan to a preview, and what the job that deletes it would do with it.
    fn add(&self, preview: &mut Preview, job: &Job, left: Left) {
        preview.left = job.foreseen_left();
        preview.unsearched.clone_from(&left.unsearched);
        // Nobody looks twice.
        let _ = self.left.set(left);
    }
}
