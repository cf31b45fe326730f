//! One account's services in one region.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::arrivals::Arrivals;
use super::call::{self, ATTEMPTS, CallError, Class, NOTICE, Outages, Patience, SdkError, Throttles};
use super::clients::{Clients, Services, on_behalf_of};
use super::counts::Counted;
use super::credentials::Kept;
use super::nonce::Nonces;
use super::observer::{Peerings, Stacks};
use super::picture::Picture;
use super::rates::{Class as Rated, Lane, Permit, Rates, Slots, Standing};
use super::s3::Buckets;
use super::stored::Read;
use super::template_checks::TemplateChecks;
use super::turn::{Turn, Turns};
use super::written::{Led, Thing, Writing, Written};
use crate::ids::{AccountId, AccountName, Region};

/// CloudFormation, EC2 and S3 of one account in one region. Cheap to clone. All accounts in the region share their clients;
/// the credentials are the account's own.
///
/// Every attempt at a call waits for its rate. A call is repeated while AWS throttles it all the same, a few times when AWS is
/// out of order for a moment, and once with fresh credentials when AWS calls the session expired. One that only looks outlasts
/// an outage of some minutes as well.
/// Every future may be dropped at any time; what had been sent may then still take effect.
#[derive(Clone)]
pub struct Regional {
    inner: Arc<Inner>,
    /// Whether what a call does not find may only be too new to be found.
    awaits_new: bool,
    /// How long the longest way from here still takes, in milliseconds.
    urgency: u64,
    /// Whether an attempt is to be over soon, and what goes wrong with it is told at once.
    is_brief: bool,
    /// Whether it is a look that is repeated for as long as something is watched, for which many wait.
    is_look: bool,
    /// The turn that its calls are made in, where they have one.
    turn: Option<Arc<Turn>>,
}

struct Inner {
    account: AccountName,
    account_id: AccountId,
    region: Region,
    credentials: Arc<Kept>,
    clients: Arc<Services>,
    shared: Shared,
    /// Where its calls take their slots.
    slots: Slots,
    /// The most urgent of those that have asked so far.
    foremost: AtomicU64,
    stacks: Stacks,
    peerings: Peerings,
    picture: Picture,
}

/// What all accounts and regions of some sessions have in common.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) clients: Arc<Clients>,
    pub(super) nonces: Arc<Nonces>,
    pub(super) rates: Arc<Rates>,
    pub(super) buckets: Arc<Buckets>,
    pub(super) template_checks: Arc<TemplateChecks>,
    pub(super) written: Arc<Written>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) stored: Arc<Read>,
    pub(super) counted: Arc<Counted>,
    /// Whether calls cost nothing, and stacks may be made in no time.
    pub(super) is_near: bool,
}

impl Shared {
    /// Nothing is known yet.
    pub(super) fn new(clients: Arc<Clients>, nonces: Arc<Nonces>, rates: Arc<Rates>, is_near: bool) -> Self {
        let (buckets, template_checks, written, arrivals, stored, counted) = Default::default();
        Self { clients, nonces, rates, buckets, template_checks, written, arrivals, stored, counted, is_near }
    }
}

/// For how long what is not found may only be too new to be found.
const NEW_AT_MOST: Duration = Duration::from_mins(2);

/// How long others wait for one answer at the most.
const BRIEF: Duration = Duration::from_secs(20);

/// How long to wait before looking for it again.
const NEW_PAUSE: Duration = Duration::from_secs(1);

impl fmt::Debug for Regional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Regional({}, {})", self.inner.account, self.inner.region)
    }
}

impl fmt::Display for Regional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "account {} ({}), {}", self.inner.account, self.inner.account_id, self.inner.region)
    }
}

impl Regional {
    /// An account in a region, called with the account's credentials.
    pub(super) fn new(
        account: AccountName,
        account_id: AccountId,
        region: Region,
        credentials: Arc<Kept>,
        shared: &Shared,
    ) -> Self {
        let clients = shared.clients.of(&region);
        let picture = Picture::new((account_id.clone(), region.clone()), Arc::clone(&shared.written));
        let slots = shared.rates.slots(&region);
        let inner = Arc::new(Inner {
            account,
            account_id,
            region,
            credentials,
            clients,
            slots,
            foremost: AtomicU64::new(0),
            stacks: Stacks::new(shared.is_near),
            peerings: Peerings::default(),
            shared: shared.clone(),
            picture,
        });
        Self { inner, awaits_new: false, is_brief: false, is_look: false, urgency: 0, turn: None }
    }

    /// The same, with calls that are repeated for a while when they do not find a resource of EC2: it was made by a stack
    /// in express mode, which is complete before EC2 knows everywhere what it has made.
    #[must_use]
    pub fn awaiting_what_is_new(&self) -> Self {
        Self { awaits_new: true, is_brief: false, is_look: false, turn: None, ..self.clone() }
    }

    /// The same, with calls that go before others of the account and region where they have to wait for their turn: those
    /// from which the longest way is left, in milliseconds. Without it, it is 0.
    #[must_use]
    pub fn with_urgency(&self, urgency: u64) -> Self {
        self.inner.foremost.fetch_max(urgency, Ordering::Relaxed);
        Self { urgency, ..self.clone() }
    }

    /// The same, with calls as urgent as the most urgent ones of the account and region: others wait for what they bring, and
    /// it is not known who will.
    #[must_use]
    pub fn for_all(&self) -> Self {
        Self { urgency: self.inner.foremost.load(Ordering::Relaxed), ..self.clone() }
    }

    /// The same, to make one call by, as soon as its rate allows and there is a session for it, which is waited for here: what
    /// would have to be taken back is not to be sent any more if it is given up meanwhile. Where AWS has surely not done it, since
    /// it was throttled or its session was refused, the call says so instead of waiting again.
    pub async fn in_turn(&self, turns: &Turns) -> Self {
        let turn = self.reserving(turns.operation(), turns.since(), self.clone()).await;
        if turn.turn.as_ref().is_some_and(|turn| turn.why_unsigned().is_some()) {
            turns.give_up();
        }
        turn
    }

    /// Waits for the turn to look, as [`Regional::briefly`]: what to look at is best decided after that.
    pub(super) async fn look(&self, operation: &'static str) -> Self {
        self.reserving(operation, Instant::now(), self.briefly()).await
    }

    async fn reserving(&self, operation: &'static str, since: Instant, by: Self) -> Self {
        let lane = self.lane(operation);
        loop {
            // If there is no session, the call says so, which is no reason to hold a place meanwhile.
            if let Err(error) = Box::pin(by.session(operation)).await {
                return Self { turn: Some(Arc::new(Turn::unsigned(error))), ..by };
            }
            let permit = match &lane {
                Some(lane) => match Box::pin(by.pass_signed(lane, operation, since)).await {
                    None => continue,
                    permit => permit,
                },
                None => None,
            };
            return Self { turn: Some(Arc::new(Turn::of(permit, since))), ..by };
        }
    }

    /// Waits until there is a session for a call of an operation. An outage on the way to it is outlasted, unless others wait.
    async fn session(&self, operation: &'static str) -> Result<(), CallError> {
        let credentials = &self.inner.credentials;
        let outages = if self.is_brief { Outages::Report } else { Outages::Outlast };
        let (throttles, share) = (Throttles::HoldBack, || self.inner.shared.nonces.share());
        let patience = Patience { outages, throttles, in_turn: false, attempts: 1, share: &share };
        let fetch = || async { credentials.get().await.map(drop).map_err(|cause| credentials.call_error(&cause)) };
        // What cannot be fetched is not kept either.
        call::patiently(operation, patience, fetch, || {}).await
    }

    /// The same, with calls that are told at once that they do not find what they name.
    #[must_use]
    pub fn awaiting_nothing(&self) -> Self {
        Self { awaits_new: false, is_brief: false, is_look: false, turn: None, ..self.clone() }
    }

    /// The same, to look for others as well, who wait meanwhile: a look is one attempt, which is over soon, and what goes
    /// wrong with it is told at once, be it that one in its turn is throttled: what to look at is decided anew then. The further
    /// pages of a listing are asked for until AWS lets them through, or it would never come to its end. It is as urgent as any, but never
    /// the second in a row while something else could be asked.
    pub(super) fn briefly(&self) -> Self {
        Self { is_look: true, ..self.for_all().once() }
    }

    /// The same, to ask for what something else tells as well: an attempt is over soon, and none is made again after one that
    /// went wrong, unless it was throttled. It lets others go first as any other read does.
    pub(super) fn once(&self) -> Self {
        Self { awaits_new: false, is_brief: true, is_look: false, turn: Some(Arc::default()), ..self.clone() }
    }

    /// How many attempts at calls were made in this turn so far.
    pub(super) fn attempts(&self) -> u32 {
        self.turn.as_ref().map_or(0, |turn| turn.attempts())
    }

    /// How long AWS took over the calls of this turn so far: what they waited for their rate says nothing of it.
    pub(super) fn took(&self) -> Duration {
        self.turn.as_ref().map_or(Duration::ZERO, |turn| turn.took())
    }

    /// What is wrong with a listing, if AWS takes too long over it to go on to its next page while others wait.
    pub(super) fn too_long(&self, operation: &'static str) -> Option<CallError> {
        (self.is_brief && self.took() >= BRIEF).then(|| CallError {
            operation,
            account: self.account().clone(),
            region: self.region().clone(),
            code: None,
            message: "its pages take too long".to_owned(),
            request_id: None,
            class: Class::Transient,
            is_after_silence: false,
        })
    }

    /// The plan's name for the account.
    pub fn account(&self) -> &AccountName {
        &self.inner.account
    }

    /// The account's id.
    pub fn account_id(&self) -> &AccountId {
        &self.inner.account_id
    }

    /// The region.
    pub fn region(&self) -> &Region {
        &self.inner.region
    }

    /// A word that was never said before, to name a request by.
    pub fn nonce(&self) -> String {
        self.inner.shared.nonces.draw()
    }

    pub(super) fn cloudformation(&self) -> &aws_sdk_cloudformation::Client {
        &self.inner.clients.cloudformation
    }

    pub(super) fn ec2(&self) -> &aws_sdk_ec2::Client {
        &self.inner.clients.ec2
    }

    /// The client of S3 for buckets in a region.
    pub(super) fn s3(&self, region: &Region) -> aws_sdk_s3::Client {
        self.inner.shared.clients.s3(region)
    }

    /// What all accounts share.
    pub(super) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// What is known of buckets, by whatever account.
    pub(super) fn buckets(&self) -> &Buckets {
        &self.inner.shared.buckets
    }

    /// What is known of templates, by whatever account.
    pub(super) fn template_checks(&self) -> &TemplateChecks {
        &self.inner.shared.template_checks
    }

    /// What is known of how soon requests for peerings arrive, by whatever account.
    pub(super) fn arrivals(&self) -> &Arrivals {
        &self.inner.shared.arrivals
    }

    pub(super) fn stacks(&self) -> &Stacks {
        &self.inner.stacks
    }

    pub(super) fn peerings_waited_for(&self) -> &Peerings {
        &self.inner.peerings
    }

    pub(super) fn picture(&self) -> &Picture {
        &self.inner.picture
    }

    /// Makes one call that only looks, until AWS lets it through.
    pub(super) async fn call<T, E, F>(&self, operation: &'static str, send: impl Fn() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
    {
        debug_assert!(!call::changes_something(operation), "{operation} says what it changes: Regional::change");
        self.send(operation, || None, send).await.map(|(answer, _)| answer)
    }

    /// Makes one call that changes something, until AWS lets it through. What is known of the thing counts no longer.
    pub(super) async fn change<T, E, F>(
        &self,
        operation: &'static str,
        thing: Thing,
        send: impl Fn() -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
    {
        let begins = || Some(self.picture().written().writing(thing.clone()));
        self.send(operation, begins, send).await.map(|(answer, _)| answer)
    }

    /// Makes one call that sets a stack in motion, by its name or ARN, until AWS lets it through. Until the stack is seen at
    /// rest, what is known of the route tables here and of peerings counts no longer.
    pub(super) async fn set_in_motion<T, E, F>(
        &self,
        operation: &'static str,
        stack: &str,
        send: impl Fn() -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
    {
        let (place, written) = (self.picture().place(), self.picture().written());
        let name = stack_name(stack);
        let thing = Thing::Stack(place.clone(), name.to_owned());
        let moved = AtomicBool::new(false);
        let begins = || {
            moved.fetch_or(written.moves(place, name), Ordering::Relaxed);
            Some(written.writing(thing.clone()))
        };
        let answer = self.send(operation, begins, send).await.map(|(answer, _)| answer);
        // A call that AWS has refused has moved nothing, and stops nothing that another one has moved.
        if moved.into_inner() && answer.as_ref().is_err_and(|error| error.class != Class::Lost) {
            written.rests(place, name);
        }
        answer
    }

    /// Makes one call that leads a destination of a route table somewhere, or nowhere, until AWS lets it through.
    pub(super) async fn lead<T, E, F>(
        &self,
        operation: &'static str,
        (table, destination): (&str, &str),
        led: Led,
        send: impl Fn() -> F,
    ) -> Result<(), CallError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
    {
        let thing = Thing::Route(self.picture().place().clone(), table.to_owned(), destination.to_owned());
        let begins = || Some(self.picture().written().writing(thing.clone()));
        let (_, writing) = self.send(operation, begins, send).await?;
        if let Some(writing) = writing {
            writing.led(led);
        }
        Ok(())
    }

    /// Notes that a stack is at rest, by its name or ARN.
    pub(super) fn rests(&self, stack: &str) {
        self.picture().written().rests(self.picture().place(), stack_name(stack));
    }

    /// Where calls of an operation wait for their rate, if they have to.
    fn lane(&self, operation: &'static str) -> Option<Arc<Lane>> {
        let class = Rated::of(operation)?;
        self.inner.shared.rates.lane(self.account_id(), self.region(), class)
    }

    /// `begins` notes what an attempt changes, right before it is sent; what it gives lives until the answer is there.
    async fn send<T, E, F>(
        &self,
        operation: &'static str,
        begins: impl Fn() -> Option<Writing> + Sync,
        send: impl Fn() -> F,
    ) -> Result<(T, Option<Writing>), CallError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
    {
        // Nothing is sent, so nothing is wrong with what was fetched since.
        if let Some(error) = self.turn.as_ref().and_then(|turn| turn.why_unsigned()) {
            return Err(error.clone());
        }
        let (since, asked) = (Instant::now(), Mutex::new(Instant::now()));
        let lane = self.lane(operation);
        let throttles = match (&lane, &self.turn) {
            (None, _) => Throttles::HoldBack,
            (Some(_), Some(turn)) if !self.is_brief || turn.is_reserved() => Throttles::Report,
            (Some(_), _) => Throttles::GoOn,
        };
        let in_turn = self.turn.is_some() && !self.is_brief;
        let (outages, attempts) = match Rated::of(operation) {
            _ if self.is_brief => (Outages::Report, 1),
            // Another turn outlasts them.
            _ if in_turn => (Outages::Report, ATTEMPTS),
            Some(_) => (Outages::Outlast, ATTEMPTS),
            // The SDK makes as many by itself.
            None => (Outages::Outlast, 1),
        };
        let share = || self.inner.shared.nonces.share();
        let patience = Patience { outages, throttles, in_turn, attempts, share: &share };
        loop {
            let queued = self.turn.as_ref().and_then(|turn| turn.since()).unwrap_or_else(Instant::now);
            // Boxed, since all that is done to a node holds a call within it, and would be as large.
            let answer = Box::pin(call::patiently(
                operation,
                patience,
                || self.attempt(operation, lane.as_ref(), queued, &asked, &begins, &send),
                || self.inner.credentials.forget(*asked.lock().unwrap_or_else(PoisonError::into_inner)),
            ))
            .await;
            let error = match answer {
                // Whoever makes a call in its turn waits for another turn, as `waits_for_another_turn` says.
                Err(error) if self.awaits_new && self.turn.is_none() && error.misses_a_resource() => error,
                answer => return answer,
            };
            if !self.waits_on(since).await {
                return Err(error);
            }
        }
    }

    /// Makes one attempt at a call, on the account's behalf, as soon as its rate allows. `asked` is when it asked for its
    /// credentials. Before it is let through there is nothing of it.
    async fn attempt<T, E, F>(
        &self,
        operation: &'static str,
        lane: Option<&Arc<Lane>>,
        queued: Instant,
        asked: &Mutex<Instant>,
        begins: &(impl Fn() -> Option<Writing> + Sync),
        send: impl Fn() -> F,
    ) -> Result<(T, Option<Writing>), CallError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
    {
        let credentials = &self.inner.credentials;
        let permit = loop {
            // What has to be fetched for the call is fetched before it takes a place that others need.
            if let Err(cause) = Box::pin(credentials.get()).await {
                // Nothing is sent until there are some: the place goes to others.
                drop(self.turn.as_ref().and_then(|turn| turn.permit()));
                return Err(credentials.call_error(&cause));
            }
            let Some(lane) = lane else { break None };
            let own = self.turn.as_ref().and_then(|turn| turn.permit()).filter(|permit| permit.is_of(lane));
            let permit = match own {
                Some(permit) => Some(permit),
                // Boxed, since an AWS that grants all is not waited for.
                None => Box::pin(self.pass_signed(lane, operation, queued)).await,
            };
            if let Some(mut permit) = permit {
                permit.begin();
                break Some(permit);
            }
        };
        // A permit has one already.
        let _slot = match (&permit, Rated::of(operation)) {
            (None, Some(class)) if class.is_patient(self.is_look) => Some(self.inner.slots.take_patiently().await),
            (None, Some(_)) => Some(self.inner.slots.take().await),
            _ => None,
        };
        if let Some(turn) = &self.turn {
            turn.begin();
        }
        let (writing, began) = (begins(), Instant::now());
        let call = async {
            if !self.is_brief {
                return send().await;
            }
            match timeout(BRIEF, send()).await {
                Ok(answer) => answer,
                Err(_) => Err(SdkError::timeout_error(format!("no answer within {} seconds", BRIEF.as_secs()))),
            }
        };
        // Boxed, since the SDK's own future is large, and whatever holds it, and what holds that, would be as large.
        let told = Box::pin(call::told(operation, self.account(), self.region(), call));
        let answer = on_behalf_of(credentials, asked, told).await;
        self.inner.shared.counted.count(self.account(), self.region(), operation, &answer);
        if let Some(turn) = &self.turn {
            turn.end(began);
        }
        if let Some(permit) = permit {
            match &answer {
                // Nothing that AWS has said: it may not even have been sent.
                Err(error) if error.operation != operation || error.code.is_none() => {}
                Err(CallError { class: Class::Throttled, .. }) => permit.throttled(),
                Err(CallError { class: Class::Lost | Class::Transient, .. }) => permit.failed(),
                _ => permit.granted(),
            }
        }
        answer.map(|answer| (answer, writing))
    }

    /// Waits for the rate of a call for which there is a session; gives nothing where another is to be fetched by then, since the
    /// place is not kept from others for so long.
    async fn pass_signed(&self, lane: &Arc<Lane>, operation: &'static str, since: Instant) -> Option<Permit> {
        let credentials = &self.inner.credentials;
        // There are some that are too short to last at all, which the call has fetched anew.
        let lasts = credentials.in_hand().is_some();
        let permit = self.pass(lane, operation, since).await;
        (!lasts || credentials.in_hand().is_some()).then_some(permit)
    }

    /// Waits for the rate of a call, and tells of it when that takes long because AWS throttles.
    async fn pass(&self, lane: &Arc<Lane>, operation: &'static str, since: Instant) -> Permit {
        let standing = Standing { urgency: self.urgency, since, is_look: self.is_look };
        let mut permit = pin!(lane.pass(operation, standing));
        let mut due = since + NOTICE;
        loop {
            tokio::select! {
                biased;
                permit = &mut permit => return permit,
                () = tokio::time::sleep_until(due) => {}
            }
            if lane.tells_of_throttles() {
                let (account, region, calls) = (self.account(), self.region(), lane.class().calls());
                tracing::warn!(
                    "account {account} is throttled by AWS in {region}: {calls} wait for more than a minute; they go on waiting"
                );
            }
            due = Instant::now() + NOTICE;
        }
    }

    /// Whether a call that was made [`Regional::in_turn`] is to be made again in a turn of its own: it was throttled, there was
    /// nothing to sign it with, or it does not find what may only be too new, for which this waits.
    pub async fn waits_for_another_turn(&self, error: &CallError, turns: &Turns) -> bool {
        turns.go_on_after(error) || error.misses_a_resource() && self.waits_on(turns.since()).await
    }

    /// Waits before a next look at what was not found, if it may only be too new; and whether it may.
    pub(super) async fn waits_on(&self, since: Instant) -> bool {
        let waits = self.awaits_new && since.elapsed() < NEW_AT_MOST;
        if waits {
            tracing::debug!("what was not found may only be too new; looking again");
            tokio::time::sleep(NEW_PAUSE).await;
        }
        waits
    }

    /// An error about an answer that lacks what it must hold.
    pub(super) fn odd_answer(&self, operation: &'static str, what: &str) -> CallError {
        CallError::odd_answer(operation, self.account(), self.region(), what)
    }
}

/// A stack's name, out of its ARN if that is what is given: `arn:aws:cloudformation:us-east-1:111111111111:stack/net/8f3c…`.
pub(super) fn stack_name(stack: &str) -> &str {
    if stack.starts_with("arn:") { stack.split('/').nth(1).unwrap_or(stack) } else { stack }
}

#[cfg(test)]
mod tests {
    use super::stack_name;

    #[test]
    fn a_stacks_arn_tells_its_name() {
        assert_eq!(stack_name("arn:aws:cloudformation:us-east-1:111111111111:stack/net/8f3c"), "net");
        assert_eq!(stack_name("net"), "net");
    }
}
