//! A story is told: everything happens, and is held against what must always be so.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use orch::event::Tally;
use orch::sim::cloudformation::Status;
use orch::sim::{Faults, Outcome, Rates, Sim, Timing, World};

use super::design::Version;
use super::dice::Dice;
use super::others::{self, Others};
use super::process::{CALLER, Ended, Folder, Loaded, Process, STRANGER, Start, folder};
use super::story::{Run, Story, What};
use super::things::Things;
use super::wanted::amiss;
use super::watch::{Wrongs, at_every_call};

/// How many applies may be needed once nothing goes wrong any more.
const APPLIES: usize = 2;

/// What came to happen.
#[derive(Debug, Default)]
pub(crate) struct Happened {
    /// How often, by what it is called.
    pub(crate) counts: BTreeMap<String, usize>,
    /// Every call with what came of it, as one text.
    pub(crate) calls: String,
}

impl Happened {
    fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }
}

/// A world, and who is in it.
struct Stage<'a> {
    story: &'a Story,
    sim: Sim,
    others: Others,
    folder: Folder,
    wrongs: Wrongs,
    canary: String,
    /// How many processes were started since things come right.
    started: u64,
    /// The VPCs that a run has told to be left behind.
    left_behind: Vec<String>,
    foreign: Things,
    happened: Happened,
    /// What each process has told.
    lines: Vec<String>,
}

/// Tells a story.
///
/// # Errors
///
/// What was not as it must be.
pub(crate) async fn tell(story: &Story) -> Result<Happened, String> {
    let (sim, foreign) = settled().await;
    let others = Others::of(&sim);
    let wrongs = Wrongs::default();
    let things = Things::of(&sim);
    let mut stage = Stage {
        story,
        others,
        folder: folder(),
        wrongs,
        canary: story.canary(),
        started: 0,
        left_behind: Vec::new(),
        foreign: things,
        happened: Happened::default(),
        lines: Vec::new(),
        sim,
    };
    at_every_call(&stage.sim, foreign, &stage.wrongs);
    let ended = stage.all().await;
    let what_was_told = || stage.lines.join("\n-----\n");
    ended.map_err(|wrong| format!("{wrong}\n\n{}", what_was_told()))?;
    if let Some(wrong) = stage.wrongs.first() {
        return Err(format!("{wrong}\n\n{}", what_was_told()));
    }
    let mut happened = stage.happened;
    for call in stage.sim.calls() {
        let outcome = match &call.outcome {
            Outcome::Failed(code) => code.to_string(),
            outcome => outcome.to_string(),
        };
        let (at, account, region) = (call.at, &call.account, &call.region);
        writeln!(happened.calls, "{at} {account:?} {region} {} {outcome}", call.operation).unwrap();
    }
    happened.calls.push_str(&stage.lines.join("\n"));
    Ok(happened)
}

/// A world in which others have settled, and the ids of what they have.
#[derive(Clone)]
struct Settled {
    world: World,
    foreign: BTreeSet<String>,
}

thread_local! {
    /// They settle in the same way in each story, so it is done once.
    static SETTLED: RefCell<Option<Settled>> = const { RefCell::new(None) };
}

/// A world of its own in which others have settled, and the ids of what they have.
async fn settled() -> (Sim, BTreeSet<String>) {
    let known = SETTLED.with_borrow(Clone::clone);
    let Settled { world, foreign } = if let Some(settled) = known {
        settled
    } else {
        let sim = Sim::builder().build();
        let foreign = Others::of(&sim).settle().await;
        let settled = Settled { world: sim.inspect(World::clone).unwrap(), foreign };
        SETTLED.set(Some(settled.clone()));
        settled
    };
    let sim = Sim::builder().origin(world.now).build();
    sim.change(|own| *own = world).unwrap();
    (sim, foreign)
}

impl Stage<'_> {
    /// A process; `who` it is decides about its tokens.
    fn start<'s>(&'s self, loaded: &'s Loaded, who: u64) -> Start<'s> {
        Start {
            seed: Dice::new(self.story.seed ^ (who + 1).wrapping_mul(0x1000_0001)).roll(),
            sim: &self.sim,
            loaded,
            folder: &self.folder,
            wrongs: &self.wrongs,
            death: None,
            keys_of: CALLER,
            is_alone: true,
            renews: self.story.renews(),
            searches_everywhere: false,
            canary: &self.canary,
        }
    }

    /// What is not the plan's is as it was.
    fn untouched(&self, when: &str) -> Result<(), String> {
        if let Some(wrong) = self.wrongs.first() {
            return Err(format!("{when}: {wrong}"));
        }
        let changed = self.foreign.changed(&Things::of(&self.sim));
        if changed.is_empty() {
            return Ok(());
        }
        Err(format!("what is not the plan's was changed by {when}:\n{}", changed.join("\n")))
    }

    async fn all(&mut self) -> Result<(), String> {
        let story = self.story;
        if let Some(before) = story.design.plan(Version::Before).filter(|_| story.applied) {
            let loaded = Loaded::of(&before);
            let process = self.calm(&loaded);
            let ended = process.apply(false).await;
            self.close(&process);
            if !ended.value().is_some_and(|tally| tally.is_success()) {
                return Err(self.wrongs.first().unwrap_or_else(|| "the earlier version cannot be applied".to_owned()));
            }
            for (_, hand) in &story.hands {
                if self.others.lay(*hand).await {
                    self.happened.count(format!("by hand before: {}", hand.what()));
                }
                tokio::time::sleep(Duration::from_mins(10)).await;
            }
        }
        let text = story.design.plan(Version::Now).expect("there is always a stack");
        let loaded = Loaded::of(&text);
        let squatted = self.squat().await;
        self.begin_so().await;
        self.go_wrong(&loaded).await?;
        if let Some((account, region, id)) = squatted {
            self.untouched("what went wrong")?;
            self.others.leave(account, region, &id).await;
            self.foreign = self.foreign.clone().without(&id);
        }
        self.untouched("what went wrong")?;
        self.heal(&loaded).await?;
        self.come_right(&loaded).await?;
        self.go(&loaded).await
    }

    /// Somebody has a stack that is called as the first of the plan's.
    async fn squat(&mut self) -> Option<(&'static str, &'static str, String)> {
        let wanted = self.story.design.stacks(Version::Now).into_iter().next().filter(|_| self.story.squatter)?;
        let id = self.others.squat(wanted.account, wanted.region, &wanted.name).await;
        self.foreign = Things::of(&self.sim);
        Some((wanted.account, wanted.region, id))
    }

    /// Stacks of the plan come to be in other states than that they are complete.
    async fn begin_so(&mut self) {
        let wanted: Vec<_> = self.story.design.stacks(Version::Now);
        let nets: Vec<_> = wanted.iter().filter(|stack| stack.parameters.contains_key("Range")).collect();
        for (_, (which, state)) in &self.story.states {
            let stack = nets[which % nets.len()];
            let is_there = others::statuses(&self.sim).contains_key(&stack.name);
            if is_there == self.story.applied && self.others.bring(stack, *state).await {
                self.happened.count(format!("begins with a stack in {}", state.status()));
            }
        }
    }

    /// A process that lives while nothing goes wrong.
    fn calm(&mut self, loaded: &Loaded) -> Process {
        self.started += 1;
        Process::new(&Start { searches_everywhere: true, renews: true, ..self.start(loaded, 1_000 + self.started) })
    }

    /// Keeps what a process has told.
    fn close(&mut self, process: &Process) {
        self.lines.push(process.lines());
        self.left_behind.extend(process.left_behind());
    }

    /// Commands are run while things go wrong.
    async fn go_wrong(&mut self, loaded: &Loaded) -> Result<(), String> {
        let story = self.story;
        let set = |change: &dyn Fn(&mut Timing)| self.sim.change(|world| change(&mut world.rules.timing)).unwrap();
        if let Some(timing) = &story.timing {
            set(&|own| own.clone_from(timing));
        }
        self.sim.set_faults(story.faults());
        if let Some(rates) = story.rates {
            self.sim.set_rates(rates);
        }
        for (number, run) in &story.runs {
            self.run(loaded, run, *number).await?;
            self.untouched("a run while things went wrong")?;
            tokio::time::sleep(run.pause).await;
        }
        self.sim.set_faults(Faults::default());
        self.sim.set_rates(Rates::default());
        // What is on the wire arrives: nothing takes longer.
        tokio::time::sleep(Duration::from_mins(1)).await;
        Ok(())
    }

    async fn run(&mut self, loaded: &Loaded, run: &Run, number: usize) -> Result<(), String> {
        let is_first = self.story.runs.first().is_some_and(|(first, _)| *first == number);
        let is_misled = number == 0 && self.story.misled;
        let (is_alone, who) = (run.is_alone(), 2 * number as u64);
        let keys_of = if is_misled { STRANGER } else { CALLER };
        let process = Process::new(&Start { death: run.death, keys_of, is_alone, ..self.start(loaded, who) });
        let own_folder = folder();
        let rival = run.rival.as_ref().map(|rival| {
            let start = self.start(loaded, who + 1);
            let start = Start { death: rival.death, is_alone, ..start };
            let same = self.folder.clone();
            let other_folder = if rival.same_folder { &same } else { &own_folder };
            (rival.after, Process::new(&Start { folder: other_folder, ..start }))
        });
        let prunes = self.story.prunes;
        let (overlap, revoked_in_time, laid) = (Cell::new(false), Cell::new(false), Cell::new(false));
        let is_over = Cell::new(false);
        let one = async {
            let ended = match run.what {
                What::Apply => process.apply(prunes).await,
                What::Destroy => process.destroy().await,
            };
            is_over.set(true);
            ended
        };
        let other = async {
            match &rival {
                None => None,
                Some((after, rival)) => {
                    tokio::time::sleep(*after).await;
                    overlap.set(!is_over.get());
                    Some(rival.apply(prunes).await)
                }
            }
        };
        let meanwhile = async {
            let revoked = async {
                if let Some(after) = run.revoked_after {
                    tokio::time::sleep(after).await;
                    let revoke = |world: &mut orch::sim::World| {
                        let had = !world.sessions.is_empty();
                        world.sessions.retain(|_, _| false);
                        had
                    };
                    revoked_in_time.set(self.sim.change(revoke).unwrap());
                }
            };
            let by_hand = async {
                if let Some((after, hand)) = run.hand {
                    tokio::time::sleep(after).await;
                    laid.set(self.others.lay(hand).await);
                }
            };
            tokio::join!(revoked, by_hand);
            std::future::pending::<()>().await;
        };
        let (ended, rivals) = tokio::select! {
            biased;
            ended = async { tokio::join!(one, other) } => ended,
            () = meanwhile => unreachable!("it waits for ever"),
        };
        self.close(&process);
        if let Some((_, rival)) = &rival {
            self.lines.push("beside it:".to_owned());
            self.close(rival);
        }
        for (has, what) in [
            (overlap.get(), "a second orch began while the first was at work"),
            (revoked_in_time.get(), "sessions were revoked while a run was under way"),
            (laid.get(), "somebody changed something by hand while a run was under way"),
        ] {
            if has {
                self.happened.count(what);
            }
        }
        for ended in std::iter::once(&ended).chain(&rivals) {
            self.happened.count(match ended {
                Ended::Died => "a process died",
                Ended::Unopened(_) => "no session could be opened",
                Ended::Never => "never",
                Ended::With(tally) if tally.is_success() => "a run ended well",
                Ended::With(_) => "a run failed",
            });
        }
        for status in others::statuses(&self.sim).into_values() {
            self.happened.count(format!("stack in {}", status.as_str()));
        }
        let ended_well = |ended: &Ended<Tally>| matches!(ended, Ended::With(tally) if tally.is_success());
        if self.story.is_calm() && is_first && !std::iter::once(&ended).chain(&rivals).all(ended_well) {
            return Err(format!("nothing goes wrong, and not all ends well: {ended:?}, beside it {rivals:?}"));
        }
        if is_misled && !matches!(ended, Ended::Unopened(_) | Ended::Died) {
            return Err(format!("with the keys of another account something was run: {ended:?}"));
        }
        Ok(())
    }

    /// A stack whose deletion has failed is to be destroyed once more, as orch says: no apply repairs it.
    async fn heal(&mut self, loaded: &Loaded) -> Result<(), String> {
        let has = |sim: &Sim, wanted: Status| others::statuses(sim).values().any(|status| *status == wanted);
        if has(&self.sim, Status::DeleteInProgress) {
            tokio::time::sleep(Duration::from_hours(2)).await;
        }
        let failed = others::statuses(&self.sim).into_iter().filter(|(_, status)| *status == Status::DeleteFailed);
        let failed: Vec<String> = failed.map(|(name, _)| name).collect();
        let wanted = self.story.design.stacks(Version::Now);
        let failed: Vec<String> =
            failed.into_iter().filter(|name| wanted.iter().any(|own| own.name == *name)).collect();
        if failed.is_empty() {
            return Ok(());
        }
        self.happened.count("destroyed alone because its deletion had failed");
        for _ in 0..APPLIES {
            let process = self.calm(loaded);
            let ended = process.destroy_only(&failed).await;
            self.close(&process);
            if ended.value().is_some_and(|tally| tally.is_success()) {
                return Ok(());
            }
        }
        Err(format!("stacks whose deletion has failed cannot be destroyed: {failed:?}"))
    }

    async fn apply(&mut self, loaded: &Loaded, prunes: bool) -> Result<Tally, String> {
        let process = self.calm(loaded);
        let ended = process.apply(prunes).await;
        self.close(&process);
        match ended {
            Ended::With(tally) => Ok(tally),
            ended => Err(format!("an apply ended as {ended:?}")),
        }
    }

    /// Nothing goes wrong any more: at most two applies, and all is as it is wanted.
    async fn come_right(&mut self, loaded: &Loaded) -> Result<(), String> {
        let (prunes, began) = (self.story.prunes, self.sim.now());
        let mut applies = 0;
        loop {
            applies += 1;
            if self.apply(loaded, prunes).await?.is_success() {
                break;
            }
            if applies == APPLIES {
                return Err(format!("the wanted world is not reached by {APPLIES} applies"));
            }
        }
        self.happened.count(format!("applies that were needed: {applies}"));
        self.untouched("apply")?;
        let amiss = self.sim.inspect(|world| amiss(world, &self.story.design)).unwrap();
        if !amiss.is_empty() {
            return Err(format!("orch says that all is done, and this is amiss:\n{}", amiss.join("\n")));
        }
        let mut preview = self.preview(loaded).await?;
        let is_of_peerings = || preview.left.iter().all(|left| left.node.kind != orch::ids::Kind::Stack);
        if prunes && !preview.left.is_empty() && is_of_peerings() {
            // A peering whose VPC the run itself has replaced leaves the plan by that, and is shown from then on.
            if !self.apply(loaded, true).await?.is_success() {
                return Err("what left the plan cannot be pruned".to_owned());
            }
            preview = self.preview(loaded).await?;
        }
        if !preview.is_nothing() {
            return Err(format!("something is left to do:\n{preview:#?}"));
        }
        if prunes && !preview.left.is_empty() {
            return Err(format!("something that left the plan is left:\n{:#?}", preview.left));
        }
        let strays = if prunes { self.others.strays(&loaded.tags()) } else { Vec::new() };
        if !strays.is_empty() {
            return Err(format!("these bear the plan's name and no node's: {strays:?}"));
        }
        let left = self.others.change_sets(began);
        if !left.is_empty() {
            return Err(format!("these change sets are left: {left:?}"));
        }
        Ok(())
    }

    async fn preview(&mut self, loaded: &Loaded) -> Result<orch::preview::Preview, String> {
        let process = self.calm(loaded);
        process.preview().await.value().ok_or_else(|| "there is no preview".to_owned())
    }

    /// All of the plan goes, and nothing else does.
    async fn go(&mut self, loaded: &Loaded) -> Result<(), String> {
        let process = self.calm(loaded);
        let ended = process.destroy().await;
        self.close(&process);
        if !ended.value().is_some_and(|tally| tally.is_success()) {
            return Err("the plan cannot be destroyed".to_owned());
        }
        tokio::time::sleep(Duration::from_mins(10)).await;
        self.untouched("destroy")?;
        // CloudFormation cannot delete a VPC that it has replaced while that is peered. It forgets about it; orch says so, but
        // for a run that has died or was not the one that replaced it.
        let mut forgotten = self.left_behind.clone();
        if self.happened.counts.contains_key("a process died")
            || !self.story.is_alone()
            || !self.story.states.is_empty()
        {
            forgotten.extend(given_up(&self.sim));
        }
        let now = Things::of(&self.sim);
        let left: Vec<&str> = now.since(&self.foreign, &forgotten);
        if left.is_empty() { Ok(()) } else { Err(format!("this is left of the plan: {left:?}")) }
    }
}

/// The VPCs that CloudFormation could not delete once they were replaced, by the events of the stacks that had them.
fn given_up(sim: &Sim) -> Vec<String> {
    let given_up = |world: &orch::sim::World| {
        let mut found = Vec::new();
        for (_, regional) in world.places() {
            for stack in regional.cloudformation.stacks.values() {
                let is_replaced = |id: &orch::sim::world::Word| {
                    let made = |event: &&orch::sim::cloudformation::Event| {
                        &*event.resource_type == "AWS::EC2::VPC" && &*event.status == "CREATE_COMPLETE"
                    };
                    stack
                        .events
                        .iter()
                        .filter(made)
                        .any(|event| event.physical_id.as_ref().is_some_and(|new| new != id))
                };
                let failed = stack
                    .events
                    .iter()
                    .filter(|event| &*event.resource_type == "AWS::EC2::VPC" && &*event.status == "DELETE_FAILED");
                let failed = failed.filter_map(|event| event.physical_id.as_ref()).filter(|id| is_replaced(id));
                found.extend(failed.map(ToString::to_string));
            }
        }
        found
    };
    sim.inspect(given_up).unwrap()
}
