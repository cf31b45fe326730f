//! `orch preview`, and the look before `apply`.

use std::sync::Arc;

use crate::aws::Sessions;
use crate::engine::Settings;
use crate::kinds::stack::ChangeSets;
use crate::preview::Preview;
use crate::report::{Palette, preview_json, preview_markdown, preview_text};
use crate::run::{Job, Looking, Outlooks, foresee};
use crate::simulate::{Live, simulate};

use super::allow::Allow;
use super::args::{Apply, PreviewArgs, PreviewFormat};
use super::checked::{Checked, Hold};
use super::exit::Exit;
use super::saved::Saving;
use super::signals::Signals;
use super::threads::on_threads;
use super::{Surroundings, checked, print, reach, terminal};

/// Shows what `apply` would do.
pub(super) fn preview(args: &PreviewArgs, surroundings: &Surroundings) -> Exit {
    attempt(args, surroundings).unwrap_or_else(|exit| exit)
}

/// The same for the arguments of an apply.
pub(super) fn before(apply: &Apply, surroundings: &Surroundings) -> Exit {
    let args = PreviewArgs {
        on: apply.run.on.clone(),
        format: PreviewFormat::Text,
        read_only: false,
        simulate: false,
        save: None,
        skip_resource: apply.skip_resource.clone(),
        limits: apply.run.limits,
    };
    preview(&args, surroundings)
}

fn attempt(args: &PreviewArgs, surroundings: &Surroundings) -> Result<Exit, Exit> {
    let saving = args.save.as_deref().map(Saving::to).transpose()?;
    let checked = checked::open(&args.on.plan, &args.on.vars, Hold::EveryRule, surroundings)?;
    let chosen = checked.choose(&args.on.choice)?;
    let allowed = Allow::skipping(&args.skip_resource).of(&checked.plan, &chosen)?;
    let job = Job::apply(Arc::clone(&checked.plan), Arc::clone(&checked.graph), &chosen).allowing(allowed);
    let job = Arc::new(job);
    let environment = reach::environment(&args.on.target, &checked.plan, surroundings)?;
    let settings = Settings { limits: args.limits.limits(), fail_fast: false };
    let (preview, saved) = on_threads(async {
        let mut signals = Signals::listen()?;
        let jobs = [&*job];
        let opening = reach::sessions(&jobs, &environment, &checked.sources);
        let sessions = signals.or(Box::pin(opening)).await??;
        let ahead = match saving {
            Some(_) => Ahead { change_sets: Arc::new(ChangeSets::to_be_saved()), ..Ahead::new(true) },
            None => Ahead::new(!args.read_only),
        };
        let seen = ahead.look(&job, settings, &checked, &sessions, &mut signals).await;
        let saved = match (&saving, &seen) {
            (Some(saving), Ok(preview)) => Some(saving.save(args, &checked, preview, &ahead, &sessions).await),
            _ => None,
        };
        ahead.change_sets.sweep().await;
        let preview = seen?;
        let preview = if args.simulate {
            let live = Live { sessions, sources: Arc::clone(&checked.sources), outlooks: Arc::clone(&ahead.outlooks) };
            signals.or(simulate(&job, settings, live, preview)).await?
        } else {
            preview
        };
        Ok::<_, Exit>((preview, saved.unwrap_or(Ok(()))))
    })??;
    let palette = Palette { enabled: surroundings.terminal.color_out };
    let text = match args.format {
        PreviewFormat::Text => preview_text(&preview, palette),
        PreviewFormat::Json => preview_json(&preview),
        PreviewFormat::Markdown => preview_markdown(&preview),
    };
    let exit = print(&text, exit(&preview));
    saved?;
    if let Some(path) = args.save.as_ref().filter(|_| !surroundings.quiet) {
        let path = path.display();
        terminal::notice(&format!("saved: `orch apply {path}` does exactly this, `orch discard {path}` gives it up\n"));
    }
    Ok(exit)
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
    pub(super) asks: bool,
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
        signals: &mut Signals,
    ) -> Result<Preview, Exit> {
        let looking = Looking {
            sessions: Arc::clone(sessions),
            sources: Arc::clone(&checked.sources),
            outlooks: Arc::clone(&self.outlooks),
            change_sets: self.asks.then(|| Arc::clone(&self.change_sets)),
        };
        signals.or(foresee(job, settings, looking)).await
    }
}
