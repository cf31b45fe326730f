//! What happens in one world: all of it follows from a seed.

use std::time::Duration;

use orch::sim::{Death, Effect, Fault, Faults, Rate, Rates, ResourceFault, Timing};

use super::design::Design;
use super::dice::Dice;

/// A story. Whatever has a name can be left out of it, which makes it smaller and no other story.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is something that may be left out of a story")]
pub(crate) struct Story {
    pub(crate) seed: u64,
    pub(crate) design: Design,
    /// Whether the plan had been applied before, in its earlier version.
    pub(crate) applied: bool,
    /// What was deleted or changed by hand since then.
    pub(crate) hands: Vec<(usize, Hand)>,
    /// States that stacks of the plan are in when it begins, each of which of them by its number, taken round.
    pub(crate) states: Vec<(usize, (usize, State))>,
    /// How long things take, if that is out of the ordinary.
    pub(crate) timing: Option<Timing>,
    /// How many calls are granted, if that is bounded.
    pub(crate) rates: Option<Rates>,
    /// What goes wrong with calls.
    pub(crate) calls: Vec<(usize, Fault)>,
    /// What goes wrong with resources of stacks.
    pub(crate) resources: Vec<(usize, ResourceFault)>,
    /// Whether somebody else has a stack that is called as one of the plan's.
    pub(crate) squatter: bool,
    /// Whether the first run has the credentials of another account.
    pub(crate) misled: bool,
    /// The commands that are run while all this goes on.
    pub(crate) runs: Vec<(usize, Run)>,
    /// Whether what left the plan is deleted by `apply --prune`, or only with all the rest.
    pub(crate) prunes: bool,
}

/// A command that is run while things go wrong.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) what: What,
    /// When its process dies, if it does.
    pub(crate) death: Option<Death>,
    /// Another one beside it.
    pub(crate) rival: Option<Rival>,
    /// After how long all sessions are revoked.
    pub(crate) revoked_after: Option<Duration>,
    /// What somebody does meanwhile, and after how long.
    pub(crate) hand: Option<(Duration, Hand)>,
    /// How long it takes until the next command is run.
    pub(crate) pause: Duration,
}

impl Run {
    /// Whether nobody else is at the plan's things meanwhile, so that what is told can be held against the world at the moment
    /// that it is told.
    pub(crate) fn is_alone(&self) -> bool {
        self.rival.is_none() && self.hand.is_none()
    }
}

/// Which command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Apply,
    Destroy,
}

/// Another process that applies the same plan.
#[derive(Clone, Debug)]
pub(crate) struct Rival {
    /// How much later it starts.
    pub(crate) after: Duration,
    /// Whether it works in the same folder, and hence knows what the other one has written down.
    pub(crate) same_folder: bool,
    pub(crate) death: Option<Death>,
}

/// Something that somebody does to the plan's things by hand. Which of them is meant is a number, taken round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hand {
    /// One of the live peerings is deleted.
    DeletesPeering(usize),
    /// One of the routes that somebody has added to a table is deleted.
    DeletesRoute(usize),
    /// One of the stacks that nothing else hangs on is deleted.
    DeletesStack(usize),
    /// A parameter of one of the stacks is changed.
    UpdatesStack(usize),
    /// An update of one of the stacks is begun that fails, and is left as it is.
    BreaksStack(usize),
    /// A change set for one of the stacks is made and left.
    LeavesChangeSet(usize),
}

/// A state that a stack of the plan may be in by what was begun before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Review,
    CreateInProgress,
    CreateFailed,
    RollbackComplete,
    RollbackFailed,
    UpdateInProgress,
    UpdateFailed,
    UpdateRollbackComplete,
    UpdateRollbackFailed,
}

impl State {
    const OF_NEW: [Self; 5] =
        [Self::Review, Self::CreateInProgress, Self::CreateFailed, Self::RollbackComplete, Self::RollbackFailed];
    const OF_OLD: [Self; 4] =
        [Self::UpdateInProgress, Self::UpdateFailed, Self::UpdateRollbackComplete, Self::UpdateRollbackFailed];

    /// As CloudFormation calls it.
    pub(crate) const fn status(self) -> &'static str {
        match self {
            Self::Review => "REVIEW_IN_PROGRESS",
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::CreateFailed => "CREATE_FAILED",
            Self::RollbackComplete => "ROLLBACK_COMPLETE",
            Self::RollbackFailed => "ROLLBACK_FAILED",
            Self::UpdateInProgress => "UPDATE_IN_PROGRESS",
            Self::UpdateFailed => "UPDATE_FAILED",
            Self::UpdateRollbackComplete => "UPDATE_ROLLBACK_COMPLETE",
            Self::UpdateRollbackFailed => "UPDATE_ROLLBACK_FAILED",
        }
    }
}

impl Hand {
    /// What it does, for whoever counts.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::DeletesPeering(_) => "a peering deleted",
            Self::DeletesRoute(_) => "a route deleted",
            Self::DeletesStack(_) => "a stack deleted",
            Self::UpdatesStack(_) => "a stack updated",
            Self::BreaksStack(_) => "a stack updated in vain",
            Self::LeavesChangeSet(_) => "a change set left",
        }
    }
}

fn state(dice: &mut Dice, applied: bool) -> (usize, State) {
    (dice.below(16), if applied { dice.pick(&State::OF_OLD) } else { dice.pick(&State::OF_NEW) })
}

fn hand(dice: &mut Dice) -> Hand {
    let which = dice.below(64);
    match dice.below(9) {
        0 | 1 => Hand::DeletesPeering(which),
        2 | 3 => Hand::DeletesRoute(which),
        4 => Hand::DeletesStack(which),
        5 | 6 => Hand::UpdatesStack(which),
        7 => Hand::BreaksStack(which),
        _ => Hand::LeavesChangeSet(which),
    }
}

fn death(dice: &mut Dice) -> Death {
    // Small plans are done after some tens of moments, larger ones after hundreds: as many of each.
    let last = dice.pick(&[10, 30, 100, 300, 900]);
    Death { at: dice.between(1, last), seed: dice.roll() }
}

fn timing(dice: &mut Dice) -> Timing {
    let mut ms = |first, last| Duration::from_millis(dice.between(first, last));
    Timing {
        latency: ms(1, 400),
        peering_request: ms(0, 5_000),
        peering_visible: ms(0, 6_000),
        peering_accept: ms(0, 10_000),
        peering_delete: ms(0, 5_000),
        resource: ms(100, 60_000),
        ..Timing::default()
    }
}

fn rates(dice: &mut Dice) -> Rates {
    let by_operation = dice.percent(50);
    let mut rate = || {
        dice.percent(60)
            .then(|| Rate::new(1 + u32::try_from(dice.below(12)).unwrap_or_default(), dice.pick(&[0.5, 1.0, 2.0, 4.0])))
    };
    Rates {
        ec2_read: rate(),
        ec2_write: rate(),
        cloudformation_read: rate(),
        cloudformation_write: rate(),
        ec2_by_operation: by_operation,
    }
}

/// The operations that a fault may be about.
const CHANGES: [&str; 10] = [
    "CreateStack",
    "CreateChangeSet",
    "ExecuteChangeSet",
    "DeleteStack",
    "CreateVpcPeeringConnection",
    "AcceptVpcPeeringConnection",
    "DeleteVpcPeeringConnection",
    "CreateRoute",
    "Create*",
    "Delete*",
];

const LOOKS: [&str; 5] =
    ["Describe*", "DescribeStacks", "DescribeStackEvents", "DescribeVpcPeeringConnections", "ListStacks"];

fn share(dice: &mut Dice, most: u64) -> f64 {
    f64::from(u32::try_from(dice.between(1, most)).unwrap_or(u32::MAX)) / 100.0
}

fn call(dice: &mut Dice) -> Fault {
    let any = |dice: &mut Dice| if dice.percent(50) { "*" } else { dice.pick(&CHANGES) };
    let by = |dice: &mut Dice, fault: Fault| {
        if dice.percent(50) { fault.in_share(share(dice, 20)) } else { fault.nth(dice.between(1, 6)) }
    };
    match dice.below(12) {
        0 => Fault::new(Effect::Throttle).on(any(dice)).in_share(share(dice, 30)),
        1 => {
            let effect = dice.pick(&[Effect::ServerError, Effect::ServerErrorAfter]);
            Fault::new(effect).on(any(dice)).in_share(share(dice, 15))
        }
        2 => Fault::new(Effect::Refused).on(any(dice)).in_share(share(dice, 15)),
        3 => Fault::new(Effect::LostBefore).on(any(dice)).in_share(share(dice, 15)),
        4..=6 => {
            let fault = Fault::new(Effect::LostAfter).on(dice.pick(&CHANGES));
            by(dice, fault)
        }
        7 => Fault::new(Effect::Slow).on(any(dice)).by_ms(dice.between(500, 20_000)).in_share(share(dice, 25)),
        8 => Fault::new(Effect::Late).on(any(dice)).by_ms(dice.between(500, 45_000)).in_share(share(dice, 25)),
        9 => {
            let fault = Fault::new(dice.pick(&[Effect::Expired, Effect::Revoked])).on(any(dice));
            by(dice, fault)
        }
        10 => Fault::new(Effect::AccessDenied).on(dice.pick(&CHANGES)).nth(dice.between(1, 4)),
        _ => Fault::new(Effect::Stale).on(dice.pick(&LOOKS)).by_ms(dice.between(200, 3_000)).in_share(share(dice, 50)),
    }
}

fn resource(dice: &mut Dice) -> ResourceFault {
    let reason = "no more of these".to_owned();
    let action = Some(dice.pick(&["CREATE", "CREATE", "CREATE", "UPDATE", "UPDATE", "DELETE"]).to_owned());
    let fault = ResourceFault { action, reason, ..ResourceFault::default() };
    if dice.percent(60) {
        ResourceFault { nth: Some(dice.between(1, 12)), ..fault }
    } else {
        ResourceFault { probability: Some(share(dice, 40)), ..fault }
    }
}

fn run(dice: &mut Dice) -> Run {
    let seconds = |dice: &mut Dice, last: u64| Duration::from_millis(dice.between(0, last * 1000));
    // Runs with nothing to do last a second, others half a minute, and slow ones for minutes: as many meet each.
    let within = |dice: &mut Dice| {
        let last = dice.pick(&[1, 4, 12, 40]);
        seconds(dice, last)
    };
    let what = if dice.percent(85) { What::Apply } else { What::Destroy };
    let rival = (what == What::Apply && dice.percent(30)).then(|| Rival {
        after: if dice.percent(40) { Duration::ZERO } else { within(dice) },
        same_folder: dice.percent(50),
        death: dice.percent(25).then(|| death(dice)),
    });
    Run {
        what,
        death: dice.percent(40).then(|| death(dice)),
        rival,
        revoked_after: dice.percent(15).then(|| within(dice)),
        hand: dice.percent(15).then(|| (within(dice), hand(dice))),
        pause: if dice.percent(50) { Duration::ZERO } else { seconds(dice, 120) },
    }
}

/// So many of something, each with its number.
fn numbered<T>(dice: &mut Dice, most: usize, draw: impl Fn(&mut Dice) -> T) -> Vec<(usize, T)> {
    let count = dice.below(most + 1);
    (0..count).map(|number| (number, draw(dice))).collect()
}

impl Story {
    /// The story of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let design = Design::draw(&mut dice.fork(), canary(seed));
        let mut dice = dice.fork();
        let applied = dice.percent(55);
        let hands = if applied { numbered(&mut dice.fork(), 3, hand) } else { Vec::new() };
        let states =
            if dice.percent(30) { numbered(&mut dice.fork(), 2, |dice| state(dice, applied)) } else { Vec::new() };
        let mut runs = numbered(&mut dice.fork(), 2, run);
        if runs.is_empty() && dice.percent(70) {
            runs.push((0, run(&mut dice.fork())));
        }
        let story = Self {
            seed,
            design,
            applied,
            hands,
            states,
            timing: dice.percent(50).then(|| timing(&mut dice.fork())),
            rates: dice.percent(25).then(|| rates(&mut dice.fork())),
            calls: numbered(&mut dice.fork(), 4, call),
            resources: if dice.percent(40) { numbered(&mut dice.fork(), 2, resource) } else { Vec::new() },
            squatter: !applied && dice.percent(10),
            misled: dice.percent(6),
            runs,
            prunes: dice.percent(50),
        };
        if dice.percent(12) { story.calm(&mut dice) } else { story }
    }

    /// Nothing goes wrong in it but that two apply the same plan at the same time.
    fn calm(self, dice: &mut Dice) -> Self {
        let last = dice.pick(&[1, 1_000, 4_000, 12_000, 40_000]);
        let after = dice.between(0, last);
        let rival = Rival { after: Duration::from_millis(after), same_folder: dice.percent(50), death: None };
        let pause = Duration::ZERO;
        let run = Run { what: What::Apply, death: None, rival: Some(rival), revoked_after: None, hand: None, pause };
        let runs = vec![(0, run)];
        let (calls, resources) = (Vec::new(), Vec::new());
        Self { calls, resources, squatter: false, misled: false, rates: None, runs, ..self }
    }

    /// Whether nothing goes wrong in the first run, so that it ends well, and so does another one beside it.
    pub(crate) fn is_calm(&self) -> bool {
        let calm = |run: &Run| {
            let lives = run.death.is_none() && run.rival.as_ref().is_none_or(|rival| rival.death.is_none());
            lives && run.revoked_after.is_none() && run.hand.is_none()
        };
        let faultless = self.calls.is_empty() && self.resources.is_empty() && !self.squatter && !self.misled;
        faultless && self.runs.first().is_some_and(|(_, run)| calm(run))
    }

    /// The value of a parameter that nothing may show.
    pub(crate) fn canary(&self) -> String {
        canary(self.seed)
    }

    /// What goes wrong with calls and resources.
    pub(crate) fn faults(&self) -> Faults {
        // What is drawn of each stays as it is when another one is left out.
        let number = |number: &usize| Some(Dice::new(self.seed ^ (*number as u64 + 1)).roll());
        let calls = self.calls.iter().map(|(of, fault)| Fault { number: number(of), ..fault.clone() });
        let resources = self.resources.iter().map(|(of, fault)| ResourceFault { number: number(of), ..fault.clone() });
        Faults { calls: calls.collect(), resources: resources.collect(), ..Faults::default() }
    }

    /// The parts that it can do without, the larger ones first.
    pub(crate) fn parts(&self) -> Vec<String> {
        let mut parts = Vec::new();
        parts.extend(self.runs.iter().rev().map(|(number, _)| format!("run{number}")));
        let flags = [
            (self.applied, "before"),
            (self.rates.is_some(), "rates"),
            (self.timing.is_some(), "timing"),
            (self.squatter, "squatter"),
            (self.misled, "misled"),
            (self.prunes, "prune"),
        ];
        parts.extend(flags.into_iter().filter(|(has, _)| *has).map(|(_, part)| part.to_owned()));
        for (number, run) in &self.runs {
            let of_it = [
                (run.rival.is_some(), "rival"),
                (run.rival.as_ref().is_some_and(|rival| rival.death.is_some()), "rival-crash"),
                (run.death.is_some(), "crash"),
                (run.revoked_after.is_some(), "revoked"),
                (run.hand.is_some(), "hand"),
                (!run.pause.is_zero(), "pause"),
            ];
            parts.extend(of_it.into_iter().filter(|(has, _)| *has).map(|(_, part)| format!("run{number}-{part}")));
        }
        parts.extend(self.calls.iter().map(|(number, _)| format!("call{number}")));
        parts.extend(self.resources.iter().map(|(number, _)| format!("fail{number}")));
        parts.extend(self.hands.iter().map(|(number, _)| format!("hand{number}")));
        parts.extend(self.states.iter().map(|(number, _)| format!("state{number}")));
        parts.extend(self.design.parts());
        parts
    }

    /// The same without some of its parts, each of which it must have.
    pub(crate) fn without<'a>(mut self, parts: impl IntoIterator<Item = &'a String>) -> Self {
        for part in parts {
            assert!(
                self.parts().contains(part),
                "the story of seed {} has no part {part}: {:?}",
                self.seed,
                self.parts()
            );
            self.drop_part(part);
        }
        self
    }

    fn drop_part(&mut self, part: &str) {
        match part {
            "before" => (self.applied, self.hands, self.states) = (false, Vec::new(), Vec::new()),
            "rates" => self.rates = None,
            "timing" => self.timing = None,
            "squatter" => self.squatter = false,
            "misled" => self.misled = false,
            "prune" => self.prunes = false,
            _ => {}
        }
        self.runs.retain(|(number, _)| part != format!("run{number}"));
        self.calls.retain(|(number, _)| part != format!("call{number}"));
        self.resources.retain(|(number, _)| part != format!("fail{number}"));
        self.hands.retain(|(number, _)| part != format!("hand{number}"));
        self.states.retain(|(number, _)| part != format!("state{number}"));
        for (number, run) in &mut self.runs {
            match part.strip_prefix(&format!("run{number}-")) {
                Some("rival") => run.rival = None,
                Some("rival-crash") => run.rival.iter_mut().for_each(|rival| rival.death = None),
                Some("crash") => run.death = None,
                Some("revoked") => run.revoked_after = None,
                Some("hand") => run.hand = None,
                Some("pause") => run.pause = Duration::ZERO,
                _ => {}
            }
        }
        self.design.drop_part(part);
    }

    /// Whether no session is refused more than once by a call that is repeated, so that each can be had anew and is good.
    pub(crate) fn renews(&self) -> bool {
        let refuses = |effect| matches!(effect, Effect::Expired | Effect::Revoked);
        let once = |fault: &Fault| fault.probability.is_none();
        let refusing = self.calls.iter().filter(|(_, fault)| refuses(fault.effect));
        let refusing: Vec<&Fault> = refusing.map(|(_, fault)| fault).collect();
        // Two of them may hit the call and its repetition.
        !self.misled && refusing.iter().all(|fault| once(fault)) && refusing.len() <= 1
    }

    /// Whether nobody but one process at a time is at the plan's things in any run.
    pub(crate) fn is_alone(&self) -> bool {
        self.runs.iter().all(|(_, run)| run.is_alone())
    }

    /// What of the things that may happen does.
    pub(crate) fn has(&self) -> Vec<&'static str> {
        let mut has = Vec::new();
        for (_, fault) in &self.calls {
            has.push(match fault.effect {
                Effect::Throttle => "calls throttled",
                Effect::ServerError => "5xx",
                Effect::ServerErrorAfter => "5xx after the call took effect",
                Effect::Refused => "connection refused",
                Effect::LostBefore => "request lost",
                Effect::LostAfter => "answer lost after the call took effect",
                Effect::Slow => "slow to arrive",
                Effect::Late => "slow to be answered",
                Effect::Stale => "looks that are behind",
                Effect::AccessDenied => "access denied",
                Effect::Expired => "session expired",
                Effect::Revoked => "session unknown",
                Effect::Conflict => "another request at the same object",
            });
        }
        has.extend(self.resources.iter().map(|(_, fault)| match fault.action.as_deref() {
            Some("CREATE") => "resource that cannot be made, with its rollback",
            Some("UPDATE") => "resource that cannot be updated, perhaps nor rolled back",
            _ => "resource that cannot be deleted, perhaps in a rollback",
        }));
        let runs = || self.runs.iter().map(|(_, run)| run);
        let dies = runs().any(|run| run.death.is_some());
        let rival = runs().any(|run| run.rival.is_some());
        let rival_dies = runs().any(|run| run.rival.as_ref().is_some_and(|rival| rival.death.is_some()));
        let by_hand = !self.hands.is_empty();
        let flags = [
            (self.applied, "built before, in another version"),
            (!self.applied, "nothing there before"),
            (by_hand, "changed by hand before"),
            (runs().any(|run| run.hand.is_some()), "changed by hand meanwhile"),
            (!self.states.is_empty(), "stacks in other states"),
            (self.rates.is_some(), "rates that are bounded"),
            (self.timing.is_some(), "durations by chance"),
            (self.squatter, "somebody else's stack of the same name"),
            (self.misled, "credentials of another account"),
            (dies, "orch dies"),
            (rival, "a second orch at the same time"),
            (rival_dies, "the second one dies"),
            (runs().any(|run| run.revoked_after.is_some()), "all sessions revoked"),
            (runs().any(|run| run.what == What::Destroy), "destroyed in between"),
            (self.prunes, "what left the plan is pruned"),
        ];
        has.extend(flags.into_iter().filter(|(has, _)| *has).map(|(_, what)| what));
        has.sort_unstable();
        has.dedup();
        has
    }
}

fn canary(seed: u64) -> String {
    format!("canary-{seed:016x}")
}
