//! Getting a lock, and breaking somebody's.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};

use super::document::{Holder, Locked};
use super::held::Held;
use super::{PATIENCE, TTL};
use crate::aws::{Bucket, CallError, Class, Regional};
use crate::event::Failure;

/// How long after a look the next one comes while somebody else has the lock.
const LOOK: Duration = Duration::from_secs(5);

/// How long after another was faster.
const AGAIN: Duration = Duration::from_millis(300);

/// How often that, or a lost answer, is put up with.
const ATTEMPTS: u32 = 20;

/// Where a plan's lock is.
#[derive(Clone)]
pub struct Place {
    /// The way there.
    pub regional: Regional,
    /// The bucket.
    pub bucket: Bucket,
    /// The object.
    pub key: String,
    /// The plan.
    pub plan: String,
    /// The clock on the wall.
    pub now: fn() -> Timestamp,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.shown()).finish()
    }
}

/// Why a lock was not taken.
#[derive(Clone, Debug)]
pub enum NotTaken {
    /// Somebody else has it.
    Held {
        /// Who.
        holder: Holder,
        /// When it was last renewed, by the holder's clock.
        renewed: Timestamp,
    },
    /// It cannot be read or written.
    Failed(Failure),
}

impl From<Failure> for NotTaken {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Why a call about a lock came to nothing.
pub(super) struct Refused {
    pub(super) failure: Failure,
    /// Whether it may have been done all the same.
    may_be_done: bool,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        refused.failure
    }
}

/// A lock as it was read, with its mark.
pub(super) struct Found {
    pub(super) mark: String,
    pub(super) locked: Locked,
}

impl Place {
    /// How it is named to people.
    pub fn shown(&self) -> String {
        format!("s3://{}/{}", self.bucket.name, self.key)
    }

    /// Takes the lock. Where somebody else has it, waits for it for as long as is said, and takes it over once it was not
    /// renewed for [`TTL`]; `told` hears whom it waits for.
    ///
    /// # Errors
    /// Somebody else has it still; or it cannot be read or written.
    pub async fn take(&self, holder: Holder, wait: Duration, told: impl Fn(&Holder)) -> Result<Held, NotTaken> {
        let last = Instant::now() + wait;
        let mut watched: Option<(String, Instant)> = None;
        let mut attempts = 0;
        loop {
            let found = self.look().await?;
            let (mark, other) = match found {
                None => (None, None),
                // An answer of ours was lost.
                Some(Found { mark, locked }) if is_of(&locked, &holder) => {
                    return Ok(Held::new(self.clone(), holder, mark, locked.beat, Instant::now()));
                }
                Some(Found { mark, locked }) => (Some(mark), locked.holder.map(|other| (other, locked.renewed))),
            };
            if let Some((other, renewed)) = other {
                let now = Instant::now();
                let since = match (&watched, &mark) {
                    (Some((seen, since)), Some(mark)) if seen == mark => *since,
                    _ => now,
                };
                if watched.is_none() && now < last {
                    told(&other);
                }
                watched = mark.clone().map(|mark| (mark, since));
                if now.duration_since(since) < TTL {
                    if now >= last {
                        return Err(NotTaken::Held { holder: other, renewed });
                    }
                    sleep(LOOK.min(since + TTL - now).min(last - now)).await;
                    continue;
                }
                tracing::warn!(?other, "the lock was not renewed any more, and is taken over");
            }
            let began = Instant::now();
            let text = Locked::by(&self.plan, &holder, 0, (self.now)()).text();
            match self.put(&text, mark.as_deref()).await {
                // Without a mark it is read once more.
                Ok(Some(mark)) if !mark.is_empty() => return Ok(Held::new(self.clone(), holder, mark, 0, began)),
                Ok(_) => {}
                Err(refused) if attempts >= ATTEMPTS || !refused.may_be_done => return Err(refused.failure.into()),
                // Whether it was written will be seen.
                Err(Refused { failure, .. }) => tracing::debug!(%failure, "the lock may have been written"),
            }
            attempts += 1;
            if attempts > ATTEMPTS {
                return Err(Failure::new("others take and give back the lock time and again", "").into());
            }
            sleep(AGAIN).await;
        }
    }

    /// Who has the lock, and when it was last renewed by the holder's clock; `None` if nobody has it.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn holder(&self) -> Result<Option<(Holder, Timestamp)>, Failure> {
        let found = self.look().await?;
        Ok(found.and_then(|Found { locked, .. }| Some((locked.holder?, locked.renewed))))
    }

    /// Takes the lock from whoever holds it, on purpose: who that was. If it is another one than `expected` by now, nothing is done.
    ///
    /// # Errors
    /// It cannot be read or written, or was renewed in this very moment each time.
    pub async fn take_from(&self, expected: &Holder, token: &str) -> Result<bool, Failure> {
        for _ in 0..ATTEMPTS {
            let Some(Found { mark, locked }) = self.look().await? else { return Ok(false) };
            if !is_of(&locked, expected) {
                return Ok(false);
            }
            let text = Locked::free(&self.plan, token, locked.beat + 1, (self.now)()).text();
            match self.put(&text, Some(&mark)).await {
                Ok(Some(_)) => return Ok(true),
                Ok(None) => {}
                Err(refused) if !refused.may_be_done => return Err(refused.failure),
                Err(Refused { failure, .. }) => tracing::debug!(%failure, "the lock may have been freed"),
            }
            sleep(AGAIN).await;
        }
        Err(Failure::new("the lock is renewed faster than it can be broken", "").help("try again"))
    }

    /// Reads the lock. One that cannot be read as such is somebody's all the same, and nobody's to take over.
    pub(super) async fn look(&self) -> Result<Option<Found>, Failure> {
        let read = self.within(self.regional.revision(&self.bucket, &self.key)).await?;
        let Some(revision) = read else { return Ok(None) };
        let locked = Locked::read(&revision.bytes).map_err(|why| {
            Failure::new(format!("{} is no lock of this orch", self.shown()), why)
                .help("use the orch that has written it, or delete the object if nothing uses it")
        })?;
        Ok(Some(Found { mark: revision.mark, locked }))
    }

    /// Writes the lock if it still bears a mark, or is not there yet: its new mark.
    pub(super) async fn put(&self, text: &str, mark: Option<&str>) -> Result<Option<String>, Refused> {
        self.within(self.regional.replace(&self.bucket, &self.key, text, mark)).await
    }

    async fn within<T>(&self, call: impl Future<Output = Result<T, CallError>>) -> Result<T, Refused> {
        let (failure, may_be_done) = match timeout(PATIENCE, Box::pin(call)).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => {
                (Failure::new(error.to_string(), ""), matches!(error.class, Class::Lost | Class::Transient))
            }
            Err(_) => (Failure::new(format!("S3 does not answer within {} seconds", PATIENCE.as_secs()), ""), true),
        };
        Err(Refused { failure: self.refused(failure), may_be_done })
    }

    /// A refusal with what must be so that it is none.
    fn refused(&self, failure: Failure) -> Failure {
        let Bucket { name, kms_key, .. } = &self.bucket;
        let key =
            kms_key.as_ref().map(|_| ", and kms:GenerateDataKey and kms:Decrypt with its key").unwrap_or_default();
        failure.help(format!(
            "bucket {name} must exist, and the role must have s3:ListBucket on it, and s3:GetObject and s3:PutObject on {}{key}",
            self.shown()
        ))
    }
}

/// Whether a lock is held by this very holder.
pub(super) fn is_of(locked: &Locked, holder: &Holder) -> bool {
    locked.holder.as_ref().is_some_and(|own| own.token == holder.token)
}
