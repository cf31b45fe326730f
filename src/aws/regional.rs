//! One account's services in one region.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_types::retry::RetryConfig;
use tokio::time::Instant;

use super::arrivals::Arrivals;
use super::call::{self, CallError, Class, Outages, SdkError};
use super::clients::{Clients, Services, on_behalf_of};
use super::credentials::Kept;
use super::environment::{retries_apart, timeouts};
use super::gate::Gate;
use super::nonce::Nonces;
use super::observer::{Peerings, Stacks};
use super::picture::Picture;
use super::s3::Buckets;
use super::template_checks::TemplateChecks;
use super::written::{Led, Thing, Written};
use crate::ids::{AccountId, AccountName, Region};

/// CloudFormation, EC2 and S3 of one account in one region. Cheap to clone. All accounts in the region share their clients,
/// but for S3's; the credentials are the account's own.
///
/// Every call is repeated while AWS throttles it, and once with fresh credentials when AWS calls the session expired. One
/// that only looks outlasts an outage of some minutes as well.
/// Every future may be dropped at any time; what had been sent may then still take effect.
#[derive(Clone)]
pub struct Regional {
    inner: Arc<Inner>,
    /// Whether what a call does not find may only be too new to be found.
    awaits_new: bool,
    /// Whether others wait for what is asked.
    is_brief: bool,
}

struct Inner {
    account: AccountName,
    account_id: AccountId,
    region: Region,
    credentials: Arc<Kept>,
    clients: Arc<Services>,
    /// Clients of S3 by the region of the bucket; most commands need none.
    s3: Mutex<BTreeMap<Region, aws_sdk_s3::Client>>,
    shared: Shared,
    stacks: Stacks,
    peerings: Peerings,
    picture: Picture,
}

/// What all accounts and regions of some sessions have in common.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) clients: Arc<Clients>,
    pub(super) gate: Arc<Gate>,
    pub(super) nonces: Arc<Nonces>,
    pub(super) buckets: Arc<Buckets>,
    pub(super) template_checks: Arc<TemplateChecks>,
    pub(super) written: Arc<Written>,
    pub(super) arrivals: Arc<Arrivals>,
    /// Whether calls cost nothing, and stacks may be made in no time.
    pub(super) is_near: bool,
}

impl Shared {
    /// Nothing is known yet.
    pub(super) fn new(clients: Arc<Clients>, nonces: Arc<Nonces>, is_near: bool) -> Self {
        let (gate, buckets, template_checks, written, arrivals) = Default::default();
        Self { clients, gate, nonces, buckets, template_checks, written, arrivals, is_near }
    }
}

/// For how long what is not found may only be too new to be found.
const NEW_AT_MOST: Duration = Duration::from_mins(2);

/// How long others wait for one answer at the most.
pub(super) const BRIEF: Duration = Duration::from_secs(20);

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
        let inner = Arc::new(Inner {
            account,
            account_id,
            region,
            credentials,
            clients,
            s3: Mutex::default(),
            stacks: Stacks::new(shared.is_near),
            peerings: Peerings::default(),
            shared: shared.clone(),
            picture,
        });
        Self { inner, awaits_new: false, is_brief: false }
    }

    /// The same, with calls that are repeated for a while when they do not find a resource of EC2: it was made by a stack
    /// in express mode, which is complete before EC2 knows everywhere what it has made.
    #[must_use]
    pub fn awaiting_what_is_new(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), awaits_new: true, is_brief: false }
    }

    /// The same, with calls that are told at once that they do not find what they name.
    #[must_use]
    pub fn awaiting_nothing(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), awaits_new: false, is_brief: false }
    }

    /// The same, to look for others as well, who wait meanwhile: a look is one attempt, which is over soon, and what goes
    /// wrong with it is told at once. A throttled look alone is held back and repeated as ever: theirs would be throttled too.
    pub(super) fn briefly(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), awaits_new: false, is_brief: true }
    }

    /// How a look at stacks is attempted.
    pub(super) fn attempts(&self) -> aws_sdk_cloudformation::config::Builder {
        let config = aws_sdk_cloudformation::config::Builder::new();
        if self.is_brief {
            config.retry_config(RetryConfig::disabled()).timeout_config(timeouts(BRIEF))
        } else {
            config
        }
    }

    /// What is wrong with a listing that began at some time, if it is too long to go on to its next page while others wait.
    pub(super) fn too_long(&self, operation: &'static str, began: Instant) -> Option<CallError> {
        (self.is_brief && began.elapsed() >= BRIEF).then(|| CallError {
            operation,
            account: self.account().clone(),
            region: self.region().clone(),
            code: None,
            message: "its pages take too long".to_owned(),
            request_id: None,
            class: Class::Transient,
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

    /// A client of S3 for buckets in a region.
    pub(super) fn s3(&self, region: &Region) -> aws_sdk_s3::Client {
        let mut clients = self.inner.s3.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(region.clone()).or_insert_with(|| {
            let provider = SharedCredentialsProvider::from(self.inner.credentials.clone() as Arc<_>);
            let config = aws_sdk_s3::config::Builder::from(self.inner.shared.clients.config())
                .region(aws_config::Region::new(region.as_str().to_owned()))
                .credentials_provider(provider)
                .retry_partition(retries_apart(self.account().as_str(), region))
                .build();
            aws_sdk_s3::Client::from_conf(config)
        });
        client.clone()
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
        self.send(operation, send).await
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
        let _writing = self.picture().written().writing(thing);
        self.send(operation, send).await
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
        let begins = written.moves(place, name);
        let answer = self.change(operation, Thing::Stack(place.clone(), name.to_owned()), send).await;
        // A call that AWS has refused has moved nothing, and stops nothing that another one has moved.
        if begins && answer.as_ref().is_err_and(|error| error.class != Class::Lost) {
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
        let writing = self.picture().written().writing(thing);
        self.send(operation, send).await?;
        writing.led(led);
        Ok(())
    }

    /// Notes that a stack is at rest, by its name or ARN.
    pub(super) fn rests(&self, stack: &str) {
        self.picture().written().rests(self.picture().place(), stack_name(stack));
    }

    async fn send<T, E, F>(&self, operation: &'static str, send: impl Fn() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
    {
        let (since, asked) = (Instant::now(), Mutex::new(Instant::now()));
        let outages = if self.is_brief { Outages::Report } else { Outages::Outlast };
        loop {
            // Boxed, since all that is done to a node holds a call within it, and would be as large.
            let answer = Box::pin(call::patiently(
                operation,
                outages,
                || self.attempt(operation, &asked, &send),
                || self.inner.credentials.forget(*asked.lock().unwrap_or_else(PoisonError::into_inner)),
            ))
            .await;
            let error = match answer {
                Err(error) if self.awaits_new && error.misses_a_resource() => error,
                answer => return answer,
            };
            if !self.waits_on(since).await {
                return Err(error);
            }
        }
    }

    /// Makes one attempt at a call, on the account's behalf, as soon as not too many others are under way.
    /// `asked` is when it asked for its credentials.
    async fn attempt<T, E, F>(
        &self,
        operation: &'static str,
        asked: &Mutex<Instant>,
        send: impl Fn() -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
    {
        let call = || {
            // Boxed, since the SDK's own future is large, and whatever holds it, and what holds that, would be as large.
            let told = Box::pin(call::told(operation, self.account(), self.region(), send()));
            on_behalf_of(&self.inner.credentials, asked, told)
        };
        self.inner.shared.gate.through(call).await
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
