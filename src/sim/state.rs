//! What a [`Sim`](super::Sim) holds: the world, its clock and file, and what it remembers about calls.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::caller::{self, Caller};
use super::clock::{Clock, wall};
use super::counts::{self, Counts};
use super::dispatch;
use super::faults::{Effect, Facts, Fate, Faults, Seen, SeenResources};
use super::iam::{self, Identities};
use super::rates::{Buckets, Rates};
use super::wire::request::{Incoming, Request, is_mutating, is_remembered};
use super::wire::response::{Answer, render};
use super::wire::{ApiError, Reply, Service};
use super::world::file::{WorldFile, WorldFileError};
use super::world::ids::{mix, uuid};
use super::world::{Place, Word, World};
use crate::ids::{AccountId, Region};

/// One call that arrived, or would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it arrived.
    pub at: Timestamp,
    /// The account that sent it; `None` when the credentials are nobody's.
    pub account: Option<AccountId>,
    /// The region that it was sent to.
    pub region: Region,
    /// The service.
    pub service: Service,
    /// The operation, such as `CreateVpc`.
    pub operation: Word,
    /// Whether the operation changes what exists.
    pub mutating: bool,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It succeeded, and the caller was told so.
    Succeeded,
    /// It failed with this error code.
    Failed(Word),
    /// It never arrived.
    NotArrived,
    /// It arrived, and the caller did not hear what came of it.
    AnswerLost,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "ok",
            Self::Failed(code) => code,
            Self::NotArrived => "never arrived",
            Self::AnswerLost => "answer lost",
        })
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Outcome {
    /// Whether the call arrived, whatever came of it there.
    pub fn is_arrived(&self) -> bool {
        *self != Self::NotArrived
    }

    /// Whether the call may have done what it asked for.
    pub fn may_have_taken_effect(&self) -> bool {
        matches!(self, Self::Succeeded | Self::AnswerLost)
    }
}

/// Whoever looks at the world after each call.
type Eye = Box<dyn FnMut(&World, &Call) + Send>;

/// One of them, if there is one.
#[derive(Default)]
struct Watching(Option<Eye>);

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "watching" } else { "not watching" })
    }
}

/// When the client's process is to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Never,
    At(usize),
}

/// What a call finds when it sets out.
#[derive(Debug)]
pub(super) struct Departure {
    pub(super) latency: Duration,
    pub(super) fate: Fate,
}

/// What a call brings back.
#[derive(Debug)]
pub(super) enum Arrival {
    Answer(Answer),
    /// The client's process is dead: nothing ever comes back.
    Stopped,
}

#[derive(Debug)]
pub(super) struct State {
    world: World,
    clock: Clock,
    file: Option<WorldFile>,
    seen: Seen,
    buckets: Buckets,
    /// Every call; none of them once it is served.
    calls: Vec<Call>,
    counts: Arc<Mutex<Counts>>,
    /// The regions that the list of calls names.
    regions: BTreeSet<Region>,
    /// Whether programs use it that are not this one, by their own clocks and for days.
    served: bool,
    turns: u64,
    mutations: usize,
    stop: Stop,
    answers: u64,
    watching: Watching,
}

/// After so many turns a world in memory forgets what of it has changed.
const TURNS_NOTED: u64 = 1 << 12;

impl State {
    pub(super) fn new(world: World, origin: Timestamp, file: Option<WorldFile>) -> Self {
        let clock = Clock::new(origin.max(world.now));
        let counts = Arc::new(Mutex::new(Counts::new(origin.max(world.now))));
        Self {
            world,
            clock,
            file,
            seen: Seen::default(),
            buckets: Buckets::default(),
            calls: Vec::new(),
            counts,
            regions: BTreeSet::new(),
            served: false,
            turns: 0,
            mutations: 0,
            stop: Stop::Never,
            answers: 0,
            watching: Watching::default(),
        }
    }

    pub(super) fn watch(&mut self, eye: Eye) {
        self.watching = Watching(Some(eye));
    }

    pub(super) fn now(&mut self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn skip(&mut self, time: Duration) {
        self.clock.skip(time);
    }

    pub(super) fn set_faults(&mut self, faults: Faults) {
        // What is due by now went by the others. A file that cannot be read is told to whoever looks next.
        let _ = self.look(|_| ());
        self.world.rules.faults = faults;
        self.world.rules.failed = SeenResources::default();
        self.seen = Seen::default();
    }

    pub(super) fn set_identities(&mut self, identities: Identities) {
        self.world.rules.identities = identities;
    }

    pub(super) fn throttles(&self) -> bool {
        self.world.rules.rates != Rates::default()
    }

    pub(super) fn set_rates(&mut self, rates: Rates) {
        self.world.rules.rates = rates;
        self.buckets = Buckets::default();
    }

    pub(super) fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// How many calls there were, apart from the state, which may be held for long.
    pub(super) fn counts(&self) -> Arc<Mutex<Counts>> {
        Arc::clone(&self.counts)
    }

    /// Keeps no list of calls from now on, and keeps up with the clocks of those who call.
    pub(super) fn begin_serving(&mut self) {
        self.served = true;
        self.world.rules.served = true;
    }

    /// Whether a turn may have to wait for another process.
    pub(super) fn may_wait(&self) -> bool {
        self.served && self.file.is_some()
    }

    /// Tokio's clock stands still while the machine sleeps, and the clocks of other programs do not.
    fn keep_up(&mut self) {
        if self.served {
            self.clock.catch_up(wall());
        }
    }

    pub(super) fn mutations(&self) -> usize {
        self.mutations
    }

    pub(super) fn stop_after(&mut self, mutations: usize) {
        self.stop = Stop::At(self.mutations.saturating_add(mutations));
    }

    pub(super) fn is_stopped(&self) -> bool {
        matches!(self.stop, Stop::At(mutations) if self.mutations >= mutations)
    }

    pub(super) fn resume(&mut self) {
        self.stop = Stop::Never;
    }

    /// Looks at the world as it is now.
    pub(super) fn look<T>(&mut self, look: impl FnOnce(&World) -> T) -> Result<T, WorldFileError> {
        self.turn(|world| (look(world), false))
    }

    /// Changes the world and saves it.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut World) -> T) -> Result<T, WorldFileError> {
        self.turn(|world| (change(world), true))
    }

    /// A call sets out: it is counted, and its fate is drawn.
    pub(super) fn depart(&mut self, incoming: &Incoming) -> Departure {
        self.keep_up();
        let account = Caller::account_of(&self.world, incoming);
        let facts = Facts {
            account: account.as_ref().map_or("", AccountId::as_str),
            region: incoming.region.as_str(),
            service: incoming.service,
            operation: &incoming.operation,
        };
        let rules = &self.world.rules;
        let fate = self.seen.fate(&rules.faults, self.world.seed(), &facts);
        Departure { latency: rules.timing.latency, fate }
    }

    /// A call that never arrives.
    pub(super) fn miss(&mut self, incoming: &Incoming) {
        self.record(incoming, Outcome::NotArrived);
    }

    /// A call arrives: it is authenticated and handled, and the world is saved before anybody hears of it.
    pub(super) fn arrive(&mut self, incoming: &Incoming, fate: Fate) -> Result<Arrival, WorldFileError> {
        if self.is_stopped() {
            return Ok(Arrival::Stopped);
        }
        let mut buckets = std::mem::take(&mut self.buckets);
        let answered = self.turn(|world| {
            // Somebody who is nobody is refused for that, and takes nothing of anybody's rate.
            let through = Caller::account_of(world, incoming).is_none_or(|account| {
                let (place, operation) = ((&account, &incoming.region), (incoming.service, &*incoming.operation));
                buckets.take(&world.rules.rates, place, operation, world.now)
            });
            let effect = if through { fate.effect } else { Some(Effect::Throttle) };
            let result = handle(world, incoming, effect, fate.staleness);
            let changed = result.is_ok() && (is_mutating(&incoming.operation) || is_remembered(&incoming.operation));
            (result, changed)
        });
        self.buckets = buckets;
        let result = answered?;
        let breaks = fate.effect == Some(Effect::ServerErrorAfter);
        let lost = fate.effect == Some(Effect::LostAfter) || breaks;
        let took_effect = result.is_ok() && is_mutating(&incoming.operation);
        self.mutations += usize::from(took_effect);
        let stopped = took_effect && self.is_stopped();
        let outcome = match &result {
            // Whatever was answered, nobody has it.
            _ if lost || stopped => Outcome::AnswerLost,
            Err(error) => Outcome::Failed((&*error.code).into()),
            Ok(_) => Outcome::Succeeded,
        };
        self.record(incoming, outcome);
        if let (Some(eye), Some(call)) = (&mut self.watching.0, self.calls.last()) {
            eye(&self.world, call);
        }
        if stopped {
            return Ok(Arrival::Stopped);
        }
        let result = if breaks { Err(broken(incoming.service)) } else { result };
        let request_id = self.request_id();
        Ok(Arrival::Answer(render(incoming.service, &incoming.operation, request_id, &result)))
    }

    /// One turn at the world: with a file, alone among all processes that use it.
    fn turn<T>(&mut self, work: impl FnOnce(&mut World) -> (T, bool)) -> Result<T, WorldFileError> {
        self.keep_up();
        let Some(file) = &mut self.file else {
            self.turns += 1;
            // What has changed is noted for a file that there is not: now and then, so that it costs nothing each time.
            if self.turns.is_multiple_of(TURNS_NOTED) {
                self.world.written();
            }
            self.world.advance(self.clock.now());
            return Ok(work(&mut self.world).0);
        };
        let mut guard = file.lock()?;
        file.refresh(&guard, &mut self.world)?;
        self.clock.catch_up(self.world.now);
        let moved = self.world.advance(self.clock.now());
        let (value, changed) = work(&mut self.world);
        // What has happened by itself is saved even if the call only looks: the next process, which may have other
        // rules, must not see it undone.
        if changed || moved {
            file.save(&mut guard, &mut self.world)?;
        }
        Ok(value)
    }

    fn record(&mut self, incoming: &Incoming, outcome: Outcome) {
        let call = Call {
            at: self.clock.now(),
            account: Caller::account_of(&self.world, incoming),
            region: self.region(&incoming.region),
            service: incoming.service,
            operation: counts::told(&incoming.operation),
            mutating: is_mutating(&incoming.operation),
            outcome,
        };
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).add(&call);
        if !self.served {
            self.calls.push(call);
        }
    }

    /// A region, kept once however many calls of the list name it.
    fn region(&mut self, region: &Region) -> Region {
        // Whoever calls what is served may name any, and no list has them.
        if self.served {
            return region.clone();
        }
        if let Some(known) = self.regions.get(region) {
            return known.clone();
        }
        self.regions.insert(region.clone());
        region.clone()
    }

    /// Request ids come from a sequence of their own: a call that only looks must not move the world's.
    fn request_id(&mut self) -> String {
        self.answers += 1;
        uuid(mix(self.world.seed(), self.answers.wrapping_neg()), self.answers)
    }
}

/// Handles a request, or refuses it as a fault has planned.
fn handle(
    world: &mut World,
    incoming: &Incoming,
    effect: Option<Effect>,
    staleness: Duration,
) -> Result<Reply, ApiError> {
    let service = incoming.service;
    match effect {
        Some(Effect::Throttle) => return Err(throttled(service)),
        Some(Effect::ServerError) => return Err(broken(service)),
        Some(Effect::Conflict) => return Err(conflict()),
        Some(Effect::Expired) => return Err(caller::expired(service)),
        Some(Effect::Revoked) => return Err(caller::unknown(service)),
        _ => {}
    }
    let caller = Caller::authenticate(world, incoming)?;
    if effect == Some(Effect::AccessDenied) {
        return Err(caller::denied(service, &incoming.operation, &caller.arn));
    }
    let place = Place { account: caller.account.clone(), region: incoming.region.clone() };
    let request =
        Request { service, operation: incoming.operation.clone(), place, caller, params: incoming.params.clone() };
    iam::check(world, &request)?;
    world.rules.staleness = staleness;
    let reply = dispatch::handle(world, &request);
    world.rules.staleness = Duration::ZERO;
    let reply = reply?;
    iam::note(world, &request);
    Ok(reply)
}

/// What a service says to a caller that asks too often.
fn throttled(service: Service) -> ApiError {
    match service {
        Service::Ec2 => ApiError::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503),
        Service::Sts | Service::CloudFormation => ApiError::new("Throttling", "Rate exceeded"),
        Service::Ssm | Service::SecretsManager => ApiError::new("ThrottlingException", "Rate exceeded"),
        Service::S3 => ApiError::new("SlowDown", "Please reduce your request rate.").with_status(503),
    }
}

/// What S3 says to one of two who write the same object on a condition at the same time.
fn conflict() -> ApiError {
    let message = "The conditional request cannot succeed due to a conflicting operation against this resource.";
    ApiError::new("ConditionalRequestConflict", message).with_status(409)
}

/// What a service says when it is broken itself.
fn broken(service: Service) -> ApiError {
    match service {
        Service::Ec2 => ApiError::new("InternalError", "An internal error has occurred").with_status(500),
        Service::S3 => {
            ApiError::new("InternalError", "We encountered an internal error. Please try again.").with_status(500)
        }
        Service::Ssm | Service::SecretsManager => {
            ApiError::new("InternalServerError", "An error occurred on the server side.").with_status(500)
        }
        Service::Sts | Service::CloudFormation => {
            ApiError::new("InternalFailure", "The request processing has failed because of an unknown error")
                .with_status(500)
        }
    }
}
