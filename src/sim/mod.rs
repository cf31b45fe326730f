//! The embedded AWS: STS, CloudFormation, EC2, S3, and the values of Systems Manager and Secrets Manager, behind the wire
//! protocol that the real SDK clients speak.
//!
//! A [`Sim`] plugs under the clients as their HTTP client, so serialisation, signing and the parsing of errors are the
//! real ones. The access key in a request's signature says which account sends it, the signature's scope which
//! region and service it is for. Accounts see nothing of each other, except peerings. Time is tokio's: a test that
//! pauses the clock waits for nothing.
//!
//! [`Sim::serve`] answers the same calls over HTTP, for programs that are not this one.
//!
//! - [`wire`]: parameters, XML, JSON and errors of the four protocols;
//! - [`seed`]: what a world begins with that knows another AWS;
//! - [`world`]: what exists, as a value, with its clock and its timers;
//! - [`cloudformation`], [`ec2`], [`s3`], [`stored`], [`sts`]: what the operations do.

mod caller;
mod client;
mod clock;
pub mod cloudformation;
mod connector;
mod counts;
mod dispatch;
pub mod ec2;
pub mod faults;
mod iam;
mod pattern;
mod rates;
pub mod s3;
pub mod seed;
mod serve;
mod state;
pub mod stored;
pub mod sts;
mod timing;
pub mod wire;
pub mod world;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use tokio::sync::watch;

pub use caller::Caller;
pub use client::{Client, Death};
pub use counts::{Counts, Sort};
pub use faults::{AlarmFault, Effect, Fault, Faults, ResourceFault};
pub use iam::{Identities, UnknownKey};
pub use rates::{Rate, Rates};
pub use seed::Seed;
pub use state::{Call, Outcome};
pub use sts::{Trust, Trusts};
pub use timing::Timing;
pub use wire::ApiError;
pub use wire::request::Service;
pub use world::file::WorldFileError;
pub use world::{Place, World};

use crate::ids::AccountId;
use state::State;
use world::Rules;
use world::file::WorldFile;

/// An embedded AWS. Clones share one world.
#[derive(Clone, Debug)]
pub struct Sim {
    state: Arc<Mutex<State>>,
    counts: Arc<Mutex<Counts>>,
    stopped: watch::Sender<bool>,
    /// Whether a look at the state may have to wait for another process.
    waits: bool,
}

/// How an embedded AWS is set up.
#[derive(Clone, Debug)]
pub struct Builder {
    seed: u64,
    origin: Option<Timestamp>,
    rules: Rules,
    given: Vec<(Place, stored::Given)>,
}

impl Builder {
    /// The seed of all ids and of what is left to chance; 0 if not given. A world that is read from a file keeps its own.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// When the world begins. If not given, a world in memory begins at the start of 2026 and one in a file now.
    #[must_use]
    pub fn origin(self, origin: Timestamp) -> Self {
        Self { origin: Some(origin), ..self }
    }

    /// How long things take.
    #[must_use]
    pub fn timing(mut self, timing: Timing) -> Self {
        self.rules.timing = timing;
        self
    }

    /// What goes wrong.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.rules.faults = faults;
        self
    }

    /// How many calls are taken before they are throttled; as many as come if not given.
    #[must_use]
    pub fn rates(mut self, rates: Rates) -> Self {
        self.rules.rates = rates;
        self
    }

    /// The only accounts whose long-term keys are known. If not given, those of every account are.
    #[must_use]
    pub fn callers(mut self, accounts: impl IntoIterator<Item = AccountId>) -> Self {
        self.rules.trusts.callers = Some(accounts.into_iter().collect::<BTreeSet<_>>());
        self
    }

    /// Who may assume a role of an account. A role that is not mentioned exists and may be assumed by everybody.
    #[must_use]
    pub fn role(mut self, account: &AccountId, name: &str, trust: Trust) -> Self {
        self.rules.trusts.set(account, name, trust);
        self
    }

    /// The policies of users and roles. Whoever has none may do everything.
    #[must_use]
    pub fn identities(mut self, identities: Identities) -> Self {
        self.rules.identities = identities;
        self
    }

    /// A value that is stored there from the beginning: a parameter of Systems Manager or a secret of Secrets Manager. In a
    /// world that is read from a file it takes the place of one of that name.
    #[must_use]
    pub fn stored(mut self, place: Place, given: stored::Given) -> Self {
        self.given.push((place, given));
        self
    }

    /// An embedded AWS that lives in memory.
    pub fn build(self) -> Sim {
        let origin = self.origin.unwrap_or(BEGINNING);
        let mut world = World::new(self.seed, origin);
        world.rules = self.rules;
        store(&mut world, &self.given);
        Sim::new(State::new(world, origin, None))
    }

    /// An embedded AWS in memory in which stands already what stands elsewhere. It begins when the seeds end, unless told.
    pub fn seeded(self, seeds: &[Seed]) -> Sim {
        let origin = self.origin.or_else(|| seed::latest(seeds)).unwrap_or(BEGINNING);
        let mut world = World::new(self.seed, origin);
        world.rules = self.rules;
        seed::plant(&mut world, seeds);
        store(&mut world, &self.given);
        Sim::new(State::new(world, origin, None))
    }

    /// An embedded AWS that is kept in a file, which several processes may use in turn. Every change is on disk before
    /// the caller gets its answer.
    ///
    /// # Errors
    /// A file that cannot be read or written, is not a world, or was written by another version.
    pub fn open(self, path: impl Into<PathBuf>) -> Result<Sim, WorldFileError> {
        let mut file = WorldFile::new(path.into())?;
        let guard = file.lock()?;
        let origin = self.origin.unwrap_or_else(clock::wall);
        let mut world = file.load(&guard)?.unwrap_or_else(|| World::new(self.seed, origin));
        world.rules = self.rules;
        drop(guard);
        let sim = Sim::new(State::new(world, origin, Some(file)));
        if !self.given.is_empty() {
            sim.change(|world| store(world, &self.given))?;
        }
        Ok(sim)
    }
}

/// Stores what is to be there. What is no value of its service is left out, with a word in the log.
fn store(world: &mut World, given: &[(Place, stored::Given)]) {
    for (place, given) in given {
        if let Err(error) = stored::put(world, place, given) {
            tracing::warn!(%place, %error, "a value of the configuration cannot be stored");
        }
    }
}

/// The start of 2026, when worlds in memory begin.
const BEGINNING: Timestamp = Timestamp::constant(1_767_225_600, 0);

impl Sim {
    /// Sets up an embedded AWS.
    pub fn builder() -> Builder {
        Builder { seed: 0, origin: None, rules: Rules::default(), given: Vec::new() }
    }

    fn new(state: State) -> Self {
        let counts = state.counts();
        Self { state: Arc::new(Mutex::new(state)), counts, stopped: watch::Sender::new(false), waits: false }
    }

    /// The HTTP client that the SDK's clients reach this AWS by.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// The long-term keys of an account's user. What is not an account's twelve digits gives keys that are nobody's.
    pub fn credentials(&self, account: &str) -> Credentials {
        Credentials::new(caller::access_key(account), "not-checked", None, None, "embedded AWS")
    }

    /// The clock of this AWS, for the SDK's clients: signatures and the expiry of credentials follow it.
    pub fn time_source(&self) -> SharedTimeSource {
        SharedTimeSource::new(self.clone())
    }

    /// The time in this AWS.
    pub fn now(&self) -> Timestamp {
        self.lock().now()
    }

    /// Lets time pass in this AWS alone, without anybody waiting.
    pub fn advance(&self, time: Duration) {
        self.lock().skip(time);
    }

    /// All calls so far, in the order of their arrival; those that came while it was served are only counted.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls().to_vec()
    }

    /// How many calls there were of each sort, since the beginning or [`Sim::count_anew`].
    pub fn counts(&self) -> Counts {
        self.tally().clone()
    }

    /// Counts calls from zero.
    pub fn count_anew(&self, now: Timestamp) {
        *self.tally() = Counts::new(now);
    }

    /// The counts. They do not wait for whoever is at the world.
    fn tally(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the world as it is now.
    ///
    /// # Errors
    /// A world file that cannot be read: never for a world in memory.
    pub fn inspect<T>(&self, look: impl FnOnce(&World) -> T) -> Result<T, WorldFileError> {
        self.lock().look(look)
    }

    /// Changes the world behind the callers' backs, as somebody else would.
    ///
    /// # Errors
    /// A world file that cannot be read or written: never for a world in memory.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> Result<T, WorldFileError> {
        self.lock().change(change)
    }

    /// Gives users and roles other policies from now on.
    pub fn set_identities(&self, identities: Identities) {
        self.lock().set_identities(identities);
    }

    /// Stores a value: a parameter of Systems Manager or a secret of Secrets Manager.
    ///
    /// # Errors
    /// A world file that cannot be read or written: never for a world in memory.
    pub fn store(&self, place: &Place, given: &stored::Given) -> Result<(), WorldFileError> {
        self.change(|world| store(world, &[(place.clone(), given.clone())]))
    }

    /// Plans other faults from now on; calls are counted anew.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().set_faults(faults);
    }

    /// Whether some calls may be throttled for their rate.
    pub fn throttles(&self) -> bool {
        self.lock().throttles()
    }

    /// Holds other rates from now on; every bucket is full.
    pub fn set_rates(&self, rates: Rates) {
        self.lock().set_rates(rates);
    }

    /// Has somebody look at the world after each call that has arrived, before its answer sets out.
    pub fn watch(&self, eye: impl FnMut(&World, &Call) + Send + 'static) {
        self.lock().watch(Box::new(eye));
    }

    /// Whether nothing is left but what AWS itself puts there and peerings that are dead.
    ///
    /// # Errors
    /// A world file that cannot be read: never for a world in memory.
    pub fn is_empty(&self) -> Result<bool, WorldFileError> {
        self.inspect(World::is_empty)
    }

    /// How many mutating calls have taken effect so far.
    pub fn mutations(&self) -> usize {
        self.lock().mutations()
    }

    /// Lets the client's process "die" right after so many more mutating calls have taken effect: the answer to the last
    /// one, and every later call, never comes. Await [`Sim::stopped`], drop the client, then [`Sim::resume`].
    pub fn stop_after(&self, mutations: usize) {
        let mut state = self.lock();
        state.stop_after(mutations);
        self.stopped.send_replace(state.is_stopped());
    }

    /// Waits until the point that [`Sim::stop_after`] has set is reached.
    pub async fn stopped(&self) {
        // The sender lives in `self`, so the channel cannot close.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Answers calls again.
    pub fn resume(&self) {
        self.lock().resume();
        self.stopped.send_replace(false);
    }

    /// The state. It is never held over an await, and a panic while it was held (in a test's look at the world) leaves
    /// it as it was.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TimeSource for Sim {
    fn now(&self) -> SystemTime {
        Self::now(self).try_into().unwrap_or(SystemTime::UNIX_EPOCH)
    }
}
