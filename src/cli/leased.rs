//! The lock of a plan around a command, and `orch unlock`.

use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::aws::Environment;
use crate::engine::Control;
use crate::event::{Command, Failure};
use crate::lease::{Held, Holder, Lost, NotTaken, Place, RENEWED, TTL};
use crate::plan::{Plan, SharedBucket};
use crate::run::Leave;
use crate::text::printable;

use super::args::{Target, Vars};
use super::checked::Hold;
use super::exit::Exit;
use super::lapse::lapse;
use super::shared_bucket::{bucket_of, way};
use super::signals::Signals;
use super::threads::on_threads;
use super::{Surroundings, checked, now, reach, terminal, whoami};

/// What a command does about its plan's lock.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct Locking {
    /// Wait for the plan's lock (`lock` in the plan) for as long as this: 30s, 10m, 2h
    ///
    /// Otherwise a run does not begin while another one holds the lock. A lock that is not renewed any more, since its run was
    /// killed, is taken over a minute after that is noticed.
    #[arg(long, value_name = "TIME", value_parser = lapse, help_heading = "Run")]
    pub wait_lock: Option<Duration>,
    /// Go on without the plan's lock, also where another run holds it
    #[arg(long, conflicts_with = "wait_lock", help_heading = "Run")]
    pub no_lock: bool,
}

/// The lock that a command holds, if its plan has one.
#[derive(Clone, Debug, Default)]
pub(super) struct Leased(Option<Arc<Held>>);

impl Leased {
    /// Takes the lock of a plan, if it has one.
    ///
    /// # Errors
    /// The exit code, after it was said who holds it, or why it cannot be had.
    pub(super) async fn take(
        plan: &Plan,
        command: Command,
        locking: Locking,
        environment: &Environment,
    ) -> Result<Self, Exit> {
        let Some(shared) = &plan.lock else { return Ok(Self::default()) };
        if locking.no_lock {
            terminal::notice(&format!("warning: going on without the lock of plan {}, as asked\n", plan.name));
            return Ok(Self::default());
        }
        let holder = Holder {
            by: whoami::whoami(),
            pid: std::process::id(),
            command: command.word().to_owned(),
            since: now(),
            token: token(),
        };
        let wait = locking.wait_lock.unwrap_or_default();
        let name = &plan.name;
        let told = |other: &Holder| {
            terminal::notice(&format!("waiting for the lock of plan {name}, which {} holds\n", who(other)));
        };
        let taken = match place(plan, shared, environment).await {
            Ok(place) => place.take(holder, wait, told).await,
            Err(failure) => Err(NotTaken::Failed(failure)),
        };
        taken.map(|held| Self(Some(Arc::new(held)))).map_err(|why| refuse(plan, &why))
    }

    /// Leave for nodes to begin: none does while the lock may be another's.
    pub(super) fn leave(&self, plan: &Plan) -> Leave {
        let Some(held) = self.0.clone() else { return Leave::default() };
        let name = Arc::clone(&plan.name);
        Leave::asking(move || {
            let (certain, name) = (held.certain(), Arc::clone(&name));
            async move { certain.await.map_err(|lost| failure(&name, &lost)) }
        })
    }

    /// Once the lock is another's, says so and has the run begin nothing new.
    pub(super) async fn watch(self, plan: Arc<str>, control: mpsc::UnboundedSender<Control>) {
        let Some(held) = self.0 else { return };
        let failure = failure(&plan, &held.lost().await);
        terminal::notice(&format!("error: {failure}; nothing new is begun, and what runs is let come to its end\n"));
        // Whether somebody still listens makes no difference.
        let _ = control.send(Control::Drain);
    }

    /// Gives the lock back.
    pub(super) async fn give_back(self, plan: &Plan) {
        let Some(held) = self.0 else { return };
        if let Err(failure) = held.give_back().await {
            terminal::notice(&format!(
                "warning: the lock of plan {} could not be given back: {}\n  help: others may take it over {} s after it was last renewed; `orch unlock {}` does so at once\n",
                plan.name,
                printable(&failure.to_string()),
                TTL.as_secs(),
                plan.path.display()
            ));
        }
    }
}

/// A word that no other holder has.
fn token() -> String {
    format!("{:016x}{:016x}", RandomState::new().hash_one(0_u64), RandomState::new().hash_one(1_u64))
}

/// Where the lock of a plan is.
async fn place(plan: &Plan, shared: &SharedBucket, environment: &Environment) -> Result<Place, Failure> {
    Ok(Place {
        regional: way(plan, shared, environment).await?,
        bucket: bucket_of(shared),
        key: format!("{}locks/{}.json", shared.bucket.prefix, plan.name),
        plan: plan.name.to_string(),
        now,
    })
}

/// `orch apply of alice@laptop, process 4711, since 2026-11-30T16:05:01Z`.
fn who(holder: &Holder) -> String {
    let Holder { by, pid, command, since, .. } = holder;
    let by = by.as_deref().map(|by| format!(" of {by}")).unwrap_or_default();
    printable(&format!("orch {command}{by}, process {pid}, since {since:.0},")).trim_end_matches(',').to_owned()
}

/// How long ago something was written by another's clock.
fn ago(then: Timestamp) -> String {
    let seconds = (now().as_second() - then.as_second()).max(0);
    format!("{seconds} s ago")
}

/// Says why a lock was not taken.
fn refuse(plan: &Plan, why: &NotTaken) -> Exit {
    let path = plan.path.display();
    match why {
        NotTaken::Held { holder, renewed } => {
            terminal::notice(&format!(
                "error: plan {} is locked: {} holds its lock, renewed {} by that machine's clock\n  \
                 help: wait for it with --wait-lock 10m; a run that was killed renews it no more, and its lock is taken over after {} s\n  \
                 help: or take it away on purpose, once you know that nothing runs there: orch unlock {path}\n\
                 nothing was changed\n",
                plan.name,
                who(holder),
                ago(*renewed),
                TTL.as_secs(),
            ));
            Exit::Locked
        }
        NotTaken::Failed(failure) => {
            terminal::notice(&format!(
                "error: the lock of plan {} cannot be had: {}\n",
                plan.name,
                printable(&failure.to_string())
            ));
            for help in &failure.help {
                terminal::notice(&format!("  help: {}\n", printable(help)));
            }
            terminal::notice("  help: --no-lock goes on without it\nnothing was changed\n");
            Exit::NoAccount
        }
    }
}

/// Why a node does not begin.
fn failure(plan: &str, lost: &Lost) -> Failure {
    let summary = match &lost.to {
        Some(other) => format!("the lock of plan {plan} was taken over: {} holds it now", who(other)),
        None => format!("the lock of plan {plan} was taken away from this run"),
    };
    Failure::new(summary, "").help("apply again once the other run has ended: what was done is found by then")
}

/// Arguments of `unlock`.
#[derive(Args, Debug)]
pub(super) struct Unlock {
    /// The plan file
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// Do not ask; required where there is no terminal
    #[arg(short, long)]
    pub yes: bool,
    /// Variables.
    #[command(flatten)]
    pub vars: Vars,
    /// AWS.
    #[command(flatten)]
    pub target: Target,
}

/// Takes the lock of a plan away from whoever holds it.
pub(super) fn unlock(args: &Unlock, surroundings: &Surroundings) -> Exit {
    break_lock(args, surroundings).unwrap_or_else(|exit| exit)
}

fn break_lock(args: &Unlock, surroundings: &Surroundings) -> Result<Exit, Exit> {
    let checked = checked::open(&args.plan, &args.vars, Hold::ThatItLoads, surroundings)?;
    let plan = &checked.plan;
    let Some(shared) = &plan.lock else {
        terminal::notice(&format!(
            "error: plan {} has no lock\n  help: docs/runs.md says how it gets one\n",
            plan.name
        ));
        return Err(Exit::Refused);
    };
    let environment = reach::environment(&args.target, plan, surroundings)?;
    on_threads(async {
        let mut signals = Signals::listen()?;
        let failed = |failure: Failure| refuse(plan, &NotTaken::Failed(failure));
        let looking = async {
            let place = place(plan, shared, &environment).await?;
            let holder = place.holder().await?;
            Ok((place, holder))
        };
        let (place, holder) = signals.or(Box::pin(looking)).await?.map_err(failed)?;
        let Some((holder, renewed)) = holder else {
            terminal::notice(&format!("nobody holds the lock of plan {}\n", plan.name));
            return Ok(Exit::Done);
        };
        terminal::notice(&format!(
            "{} holds the lock of plan {}, renewed {} by that machine's clock\n",
            who(&holder),
            plan.name,
            ago(renewed)
        ));
        if !(args.yes || args.target.local) {
            if !surroundings.terminal.answers {
                terminal::notice("error: there is no terminal to ask at\n  help: give --yes to take it away\n");
                return Err(Exit::NotConfirmed);
            }
            terminal::notice(&format!(
                "If that run goes on, it begins nothing new once it notices, within {} s or so, and lets what runs come to its end.\n",
                RENEWED.as_secs()
            ));
            let answer = tokio::task::spawn_blocking(|| terminal::ask("Take the lock away?"));
            if !matches!(signals.or(answer).await?, Ok(Ok(true))) {
                terminal::notice("nothing was changed\n");
                return Err(Exit::NotConfirmed);
            }
        }
        match place.take_from(&holder, &token()).await {
            Ok(true) => {
                terminal::notice("the lock is free\n");
                Ok(Exit::Done)
            }
            Ok(false) => {
                terminal::notice("it was given back or taken over meanwhile; nothing was changed\n");
                Ok(Exit::Failed)
            }
            Err(failure) => Err(failed(failure)),
        }
    })?
}
