//! `orch preview`, and the look before `apply`.

use std::sync::{Arc, OnceLock};

use crate::aws::Sessions;
use crate::engine::Settings;
use crate::kinds::stack::ChangeSets;
use crate::preview::Preview;
use crate::report::{Palette, preview_json, preview_markdown, preview_text};
use crate::run::{Job, Leaving, Left, Looking, Outlooks, foresee};

use super::args::{PreviewArgs, PreviewFormat, Run};
use super::checked::{Checked, Hold};
use super::exit::Exit;
use super::past::Past;
use super::signals::Signals;
use super::threads::on_threads;
use super::{Surroundings, checked, print, reach};

/// Shows what `apply` would do.
pub(super) fn preview(args: &PreviewArgs, surroundings: &Surroundings) -> Exit {
    attempt(args, surroundings).unwrap_or_else(|exit| exit)
}

/// The same for the arguments of a run.
pub(super) fn before(run: &Run, surroundings: &Surroundings) -> Exit {
    let args = PreviewArgs { on: run.on.clone(), format: PreviewFormat::Text, read_only: false, limits: run.limits };
    preview(&args, surroundings)
}

fn attempt(args: &PreviewArgs, surroundings: &Surroundings) -> Result<Exit, Exit> {
    let checked = checked::open(&args.on.plan, &args.on.vars, Hold::EveryRule, surroundings)?;
    let chosen = checked.choose(&args.on.choice)?;
    let job = Arc::new(Job::apply(Arc::clone(&checked.plan), Arc::clone(&checked.graph), &chosen));
    let environment = reach::environment(&args.on.target, &checked.plan, surroundings)?;
    let settings = Settings { limits: args.limits.limits(), fail_fast: false };
    let preview = on_threads(async {
        let mut signals = Signals::listen()?;
        let jobs = [&*job];
        let mut past = Past::open(&checked.plan, &args.on.choice, &args.on.target).await;
        let opening = reach::sessions_and(&jobs, &past.grounds.specs, &environment, &checked.sources);
        let (sessions, unreached) = signals.or(Box::pin(opening)).await??;
        past.unreached = unreached;
        let ahead = Ahead::new(!args.read_only);
        let seen = ahead.look(&job, settings, &checked, &sessions, &past, &mut signals).await;
        ahead.change_sets.sweep().await;
        seen
    })??;
    let palette = Palette { enabled: surroundings.terminal.color_out };
    let text = match args.format {
        PreviewFormat::Text => preview_text(&preview, palette),
        PreviewFormat::Json => preview_json(&preview),
        PreviewFormat::Markdown => preview_markdown(&preview),
    };
    Ok(print(&text, exit(&preview)))
}

/// How a preview is told to the shell.
fn exit(preview: &Preview) -> Exit {
    if preview.is_refused() {
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
    asks: bool,
}

impl Ahead {
    /// Nothing is seen yet; `asks` says whether CloudFormation may be asked for change sets.
    pub(super) fn new(asks: bool) -> Self {
        Self { asks, ..Self::default() }
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
        let looking = Looking {
            sessions: Arc::clone(sessions),
            sources: Arc::clone(&checked.sources),
            outlooks: Arc::clone(&self.outlooks),
            change_sets: self.asks.then(|| Arc::clone(&self.change_sets)),
        };
        let looks = async { tokio::join!(foresee(job, settings, looking), past.search(sessions)) };
        let (mut preview, found) = signals.or(Box::pin(looks)).await?;
        let left = self.left.get_or_init(|| found.left(job, &self.outlooks, &checked.sources, past.inventory()));
        preview.left = left.leaving.iter().map(Leaving::foreseen).collect();
        preview.unsearched.clone_from(&left.unsearched);
        Ok(preview)
    }
}
