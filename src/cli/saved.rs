//! Previews that are saved, applied exactly as they were shown, or given up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::task::JoinSet;

use crate::aws::{Sessions, joined};
use crate::engine::Settings;
use crate::event::{Command, Failure};
use crate::ids::{AccountId, AccountName, NodeId};
use crate::kinds::stack::ChangeSets;
use crate::plan::Plan;
use crate::preview::{Changed, Place, Preview, Saved, Waiting, changed, changed_accounts};
use crate::report::{Palette, changed_text, preview_text};
use crate::run::{Gathered, Job, Means, Outlooks};
use crate::text::{counted, harmless_json};

use super::allow::{Allow, Resource, resource};
use super::args::{Apply, Choice, PreviewArgs, Target, Vars};
use super::checked::{Checked, Hold};
use super::exit::Exit;
use super::journal::{Asked, Journal};
use super::leased::Leased;
use super::past::Past;
use super::preview::Ahead;
use super::run::{Kept, carry_out};
use super::signals::Signals;
use super::threads::on_threads;
use super::{Surroundings, checked, disk, now, print_end, reach, terminal};

/// Arguments of `discard`.
#[derive(Args, Debug)]
pub(super) struct Discard {
    /// The saved preview
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Variables.
    #[command(flatten)]
    pub vars: Vars,
    /// AWS.
    #[command(flatten)]
    pub target: Target,
}

/// The text of a file, if it is a saved preview and no plan. What cannot be read is left to whoever reads plans.
pub(super) fn of(path: &Path) -> Option<String> {
    let text = String::from_utf8(disk::read_plain(path).ok()?).ok()?;
    Saved::is_one(&text).then_some(text)
}

/// A file that a preview is to be saved to.
pub(super) struct Saving {
    path: PathBuf,
    /// The preview that it holds already, which is given up with it.
    before: Option<Saved>,
}

impl Saving {
    /// Looks at the place before anything is called.
    ///
    /// # Errors
    /// The exit code when another sort of file is there.
    pub(super) fn to(path: &Path) -> Result<Self, Exit> {
        let is_there = path.symlink_metadata().is_ok();
        let text = of(path);
        if is_there && text.is_none() {
            let said = format!("{} is there and is no saved preview, so it is not written over", path.display());
            return Err(refuse(&said, &["give --save another name"]));
        }
        Ok(Self { path: path.to_owned(), before: text.and_then(|text| Saved::read(&text).ok()) })
    }

    /// Saves a preview, and leaves its change sets to wait.
    ///
    /// # Errors
    /// The exit code when it cannot be written, or a node would fail.
    pub(super) async fn save(
        &self,
        args: &PreviewArgs,
        checked: &Checked,
        preview: &Preview,
        ahead: &Ahead,
        sessions: &Sessions,
    ) -> Result<(), Exit> {
        let path = self.path.display();
        if preview.is_refused() {
            terminal::line(&format!("{path} was not written: nodes would fail, so this cannot be applied"));
            return Err(Exit::Failed);
        }
        let saved = Saved {
            made: now().as_millisecond(),
            plan: args.on.plan.to_string_lossy().into_owned(),
            local: args.on.target.local,
            only: args.on.choice.only.clone(),
            skip: args.on.choice.skip.clone(),
            skip_resource: args.skip_resource.iter().map(ToString::to_string).collect(),
            variables: names(&args.on.vars).into_iter().map(str::to_owned).collect(),
            accounts: accounts(&checked.plan),
            preview: preview.clone(),
            grounds: ahead.outlooks.grounds(),
            change_sets: ahead.outlooks.waiting(),
        };
        let saved = redacted(&saved)?;
        if let Err(error) = disk::write_private(&self.path, &harmless_json(&saved.text())) {
            terminal::line(&format!("error: {path} cannot be written: {error}"));
            return Err(Exit::Failed);
        }
        ahead.change_sets.leave(&saved.change_sets);
        if let Some(before) = self.before.as_ref().filter(|before| before.local == saved.local) {
            for failure in delete(before, sessions).await.1 {
                tracing::warn!(%failure, "a change set of the preview that was saved before could not be deleted");
            }
        }
        Ok(())
    }
}

/// The same without any secret.
fn redacted(saved: &Saved) -> Result<Saved, Exit> {
    saved.redacted().map_err(|error| {
        refuse(&format!("the preview cannot be written without its secrets: {error}"), &["apply the plan itself"])
    })
}

/// The accounts of a plan with their ids.
fn accounts(plan: &Plan) -> BTreeMap<AccountName, AccountId> {
    plan.accounts.iter().map(|(name, account)| (name.clone(), account.id.clone())).collect()
}

/// The names of the variables that are given.
fn names(vars: &Vars) -> BTreeSet<&str> {
    vars.vars.iter().map(|(name, _)| name.as_str()).collect()
}

/// Says why a command goes no further.
fn refuse(said: &str, help: &[&str]) -> Exit {
    terminal::line(&format!("error: {said}"));
    for help in help {
        terminal::line(&format!("  help: {help}"));
    }
    Exit::Refused
}

/// Reads a saved preview and holds it against the command line.
fn read(path: &Path, text: &str, target: &Target) -> Result<Saved, Exit> {
    let file = path.display();
    let saved = Saved::read(text).map_err(|error| {
        let help = format!("preview again: orch preview PLAN --save {file}");
        refuse(&format!("{file} cannot be used: {error}"), &[&help])
    })?;
    match (saved.local, target.local) {
        (true, false) => {
            Err(refuse(&format!("{file} was saved with --local, for the embedded AWS"), &["give --local here too"]))
        }
        (false, true) => Err(refuse(
            &format!("{file} was saved for AWS, and --local is the embedded one"),
            &["leave --local out, or preview with --local"],
        )),
        _ => Ok(saved),
    }
}

/// Makes AWS what a saved preview shows, or says what has changed since and changes nothing.
pub(super) fn apply(args: &Apply, text: &str, surroundings: &Surroundings) -> Exit {
    attempt(args, text, surroundings).unwrap_or_else(|exit| exit)
}

fn attempt(args: &Apply, text: &str, surroundings: &Surroundings) -> Result<Exit, Exit> {
    let on = &args.run.on;
    let file = on.plan.display().to_string();
    let saved = read(&on.plan, text, &on.target)?;
    own_flags(args, &saved, &file)?;
    let again = again(&saved, &file);
    let checked = checked::open(Path::new(&saved.plan), &on.vars, Hold::EveryRule, surroundings)?;
    let moved = changed_accounts(&saved, &accounts(&checked.plan));
    if !moved.is_empty() {
        tell(&file, &moved, &again, surroundings);
        if !saved.change_sets.is_empty() {
            let waits = counted(saved.change_sets.len(), "change set");
            terminal::line(&format!("{waits} of it left to wait: `orch discard {file}` with the plan as it was"));
        }
        return Err(Exit::Outdated);
    }
    let chosen = checked.choose(&Choice { only: saved.only.clone(), skip: saved.skip.clone() })?;
    let skipped: Result<Vec<Resource>, String> = saved.skip_resource.iter().map(|text| resource(text)).collect();
    let skipped = skipped.map_err(|error| refuse(&format!("{file}: {error}"), &[&again]))?;
    let allowed = Allow::skipping(&skipped).of(&checked.plan, &chosen)?;
    let job = Job::apply(Arc::clone(&checked.plan), Arc::clone(&checked.graph), &chosen).allowing(allowed);
    let job = job.reverting_drift(saved.preview.reverts_drift);
    let environment = reach::environment(&on.target, &checked.plan, surroundings)?;
    let settings = Settings { limits: args.run.limits.limits(), fail_fast: args.run.fail_fast };
    on_threads(async {
        let mut signals = Signals::listen()?;
        let taking = Leased::take(&checked.plan, Command::Apply, args.locking, &environment);
        let leased = signals.or(Box::pin(taking)).await??;
        let done = Box::pin(async {
        let opening = Past::blind(&checked.plan, &on.target, &environment);
        let mut past = signals.or(Box::pin(opening)).await?;
        let job = Arc::new(job.remembering(past.inventory()).with_leave(leased.leave(&checked.plan)));
        let jobs = [&*job];
        let opening = reach::sessions(&jobs, &environment, &checked.sources);
        let sessions = signals.or(Box::pin(opening)).await??;
        let ahead = Ahead {
            outlooks: Arc::new(Outlooks::binding()),
            change_sets: Arc::new(ChangeSets::of(&saved)),
            ..Ahead::new(true)
        };
        let preview = ahead.look(&job, settings, &checked, &sessions, &past, &mut signals).await?;
        let now = Saved { preview: preview.clone(), grounds: ahead.outlooks.grounds(), ..saved.clone() };
        let now = redacted(&now)?;
        let found = changed(&saved, &now.preview, &now.grounds);
        if !found.is_empty() && found.iter().all(|changed| changed.place == Place::Unseen) {
            let palette = Palette { enabled: surroundings.terminal.color_err };
            terminal::notice(&format!(
                "error: {file} was not held against AWS, which did not tell all\n{}  help: put that right and apply it again; it stands as it was saved\nnothing was changed\n",
                changed_text(&found, palette)
            ));
            return Err(Exit::Failed);
        }
        if !found.is_empty() {
            tell(&file, &found, &again, surroundings);
            let (deleted, failures) = delete(&saved, &sessions).await;
            told(deleted, &failures);
            return Err(Exit::Outdated);
        }
        if !surroundings.quiet && !preview.is_nothing() {
            let palette = Palette { enabled: surroundings.terminal.color_err };
            let text = surroundings.terminal.lines.hold(preview_text(&preview, palette));
            terminal::notice(&format!("{text}\n"));
        }
        for waiting in &saved.change_sets {
            if let Some(regional) = sessions.region(&waiting.account, &waiting.region) {
                ahead.change_sets.use_up(&regional, waiting);
            }
        }
        past.note_accounts().await;
        let gathered = Arc::new(Gathered::default());
        let means = |sink| Means {
            sessions: Arc::clone(&sessions),
            gathered: Arc::clone(&gathered),
            sources: Arc::clone(&checked.sources),
            sink: past.listening(sink),
            outlooks: Arc::clone(&ahead.outlooks),
            change_sets: Arc::clone(&ahead.change_sets),
        };
        let journal = Journal::begin(Asked {
            file: Path::new(&saved.plan),
            changes: Some(&on.plan),
            only: &saved.only,
            skip: &saved.skip,
            ..Asked::of(&checked.plan.name, Command::Apply, on)
        });
        let kept = Kept { journal: &journal, leased: &leased };
        let (text, exit) = carry_out(&job, Command::Apply, settings, means, signals, kept, surroundings).await;
        journal.close(exit);
        past.note_run(&gathered, None).await;
        Ok((text, exit, journal))
        })
        .await;
        leased.give_back(&checked.plan).await;
        let (text, exit, journal) = done?;
        Ok(print_end(&text, exit, &journal))
    })?
}

/// The remedy for a preview that is no longer true.
fn again(saved: &Saved, file: &str) -> String {
    let local = if saved.local { " --local" } else { "" };
    format!("preview again: orch preview {}{local} --save {file}", saved.plan)
}

/// Holds that nothing is given that the preview has decided, and that the same variables are given as for it.
fn own_flags(args: &Apply, saved: &Saved, file: &str) -> Result<(), Exit> {
    let choice = &args.run.on.choice;
    let flags = [
        ("--only", !choice.only.is_empty()),
        ("--skip", !choice.skip.is_empty()),
        ("--skip-resource", !args.skip_resource.is_empty()),
        ("--revert-drift", args.drift.revert_drift),
        ("--dry-run", args.dry_run),
        ("--prune", args.prune),
    ];
    let decided: Vec<&str> = flags.iter().filter(|(_, given)| *given).map(|(flag, _)| *flag).collect();
    if !decided.is_empty() {
        let said = format!("{file} is a saved preview, which has settled what is done: {}", decided.join(", "));
        return Err(refuse(&said, &["leave that out, or give it to `orch preview --save`"]));
    }
    let given = names(&args.run.on.vars);
    let wanted: BTreeSet<&str> = saved.variables.iter().map(String::as_str).collect();
    let missing: Vec<&str> = wanted.difference(&given).copied().collect();
    let strange: Vec<&str> = given.difference(&wanted).copied().collect();
    if !missing.is_empty() {
        let said = format!("{file} was saved with --var {}, whose values it does not hold", missing.join(" --var "));
        return Err(refuse(&said, &["give the same values again: --var NAME=VALUE"]));
    }
    if !strange.is_empty() {
        let said = format!("{file} was saved without --var {}", strange.join(" --var "));
        return Err(refuse(&said, &["leave that out, or preview again with it"]));
    }
    Ok(())
}

/// Says what has changed.
fn tell(file: &str, found: &[Changed], again: &str, surroundings: &Surroundings) {
    let palette = Palette { enabled: surroundings.terminal.color_err };
    terminal::notice(&format!(
        "error: {file} is refused: what it was made of has changed since\n{}  help: {again}\nnothing was changed\n",
        changed_text(found, palette)
    ));
}

/// Deletes the change sets that wait for a saved preview: how many there are no more, and what went wrong.
async fn delete(saved: &Saved, sessions: &Sessions) -> (usize, Vec<Failure>) {
    let mut tasks = JoinSet::new();
    let mut failures = Vec::new();
    for Waiting { node, account, region, id, .. } in &saved.change_sets {
        let regional = sessions.region(account, region);
        let Some(regional) = regional.filter(|regional| saved.accounts.get(account) == Some(regional.account_id()))
        else {
            let why = format!("the plan no longer has {node} in the account that it was in");
            failures.push(Failure::new(format!("change set {id} is left to wait"), why));
            continue;
        };
        let id = id.clone();
        tasks.spawn(async move { regional.delete_change_set(&id).await.map_err(Failure::from) });
    }
    let ended = joined(tasks).await;
    let deleted = ended.iter().filter(|ended| ended.is_ok()).count();
    failures.extend(ended.into_iter().filter_map(Result::err));
    (deleted, failures)
}

/// Says what became of the change sets.
fn told(deleted: usize, failures: &[Failure]) {
    if deleted > 0 {
        terminal::line(&format!("{} of it deleted", counted(deleted, "change set")));
    }
    for failure in failures {
        terminal::line(&format!("warning: {failure}"));
    }
}

/// Gives a saved preview up.
pub(super) fn discard(args: &Discard, surroundings: &Surroundings) -> Exit {
    give_up(args, surroundings).unwrap_or_else(|exit| exit)
}

fn give_up(args: &Discard, surroundings: &Surroundings) -> Result<Exit, Exit> {
    let file = args.file.display();
    let text = of(&args.file).ok_or_else(|| {
        refuse(&format!("{file} is no saved preview"), &["`orch preview PLAN --save FILE` makes one"])
    })?;
    let saved = read(&args.file, &text, &args.target)?;
    if saved.change_sets.is_empty() {
        terminal::line(&format!("no change set waits for {file}"));
        return Ok(Exit::Done);
    }
    let checked = checked::open(Path::new(&saved.plan), &args.vars, Hold::ThatItLoads, surroundings)?;
    let waits = |node: &NodeId| saved.change_sets.iter().any(|waiting| waiting.node == *node);
    let chosen: Vec<bool> = checked.plan.nodes.iter().map(|node| waits(&node.id)).collect();
    let job = Job::apply(Arc::clone(&checked.plan), Arc::clone(&checked.graph), &chosen);
    let environment = reach::environment(&args.target, &checked.plan, surroundings)?;
    let (deleted, failures) = on_threads(async {
        let mut signals = Signals::listen()?;
        let jobs = [&job];
        let opening = reach::sessions(&jobs, &environment, &checked.sources);
        let sessions = signals.or(Box::pin(opening)).await??;
        Ok(delete(&saved, &sessions).await)
    })??;
    told(deleted, &failures);
    Ok(if failures.is_empty() { Exit::Done } else { Exit::Failed })
}
