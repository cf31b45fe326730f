//! Having a peering accepted by the other side.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{SETTLED_AT_MOST, UNKNOWN_AT_MOST, pause};
use crate::aws::{ARRIVES, AT_ONCE, CallError, Class, Peering, PeeringState, Regional, WatchedPeering};
use crate::event::Failure;
use crate::kinds::lost::TIMES;

/// How much later one may be seen to have arrived that is taken to have been there in time.
const LEEWAY: Duration = Duration::from_millis(100);

/// What EC2 says where another peering links the two VPCs.
const ALREADY_EXISTS: &str = "VpcPeeringConnectionAlreadyExists";

/// After how long without a sign of a request on the accepter's side the requester's is asked: nobody else sees one that
/// has failed.
const SILENCE: Duration = Duration::from_secs(3);

/// After how long without an answer it is looked whether the peering can be accepted meanwhile.
const SLOW: Duration = Duration::from_secs(1);

/// What became of an acceptance.
#[derive(Debug)]
pub(super) enum Answer {
    /// The peering is not waiting any more.
    Accepted(Accepted),
    /// EC2 refuses since, as it says, another peering links the two VPCs.
    Linked(CallError),
}

/// A peering that is not waiting to be accepted any more: it may be dead.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) state: PeeringState,
    pub(super) message: String,
    pub(super) by: By,
}

/// By whom a peering was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// By this: AWS has said so.
    Us,
    /// By this in all likelihood: it was asked for and is so, but no answer says that it was this that made it so.
    UsPerhaps,
    /// By somebody else, if by anybody.
    Others,
}

/// The acceptance of one peering.
pub(super) struct Acceptance<'a> {
    asking: &'a Regional,
    asked: &'a Regional,
    id: &'a str,
    /// When it was asked for, if that was just now.
    asked_at: Option<Instant>,
    /// Told, perhaps more than once, that it can be accepted.
    arrived: &'a (dyn Fn() + Send + Sync),
}

impl<'a> Acceptance<'a> {
    /// That of a peering by its id, with the side that asks for it and the one that is asked.
    pub(super) fn new(
        (asking, asked): (&'a Regional, &'a Regional),
        id: &'a str,
        asked_at: Option<Instant>,
        arrived: &'a (dyn Fn() + Send + Sync),
    ) -> Self {
        Self { asking, asked, id, asked_at, arrived }
    }

    /// Accepts a peering that was last seen in some state.
    ///
    /// The other side may need some seconds to know of a request, and some more until it can accept it. The first
    /// from a region is looked for at once; if it is there, all are accepted without a look from then on, else after half a
    /// second; where that was refused, they are waited for together.
    ///
    /// # Errors
    ///
    /// It is refused, or cannot be accepted for too long.
    pub(super) async fn accept(&self, state: &PeeringState) -> Result<Answer, Failure> {
        // What is not found here has a patience of its own.
        let asked = &self.asked.awaiting_nothing();
        let watched = asked.watch_peering(self.id);
        let (from, began) = (self.asking.region(), Instant::now());
        let mut blind = None;
        let waits = *state != PeeringState::Pending;
        if waits && let Some(asked_at) = self.asked_at.filter(|_| asked.is_first_from(from)) {
            match watched.seen_by(asked_at + AT_ONCE).await?.map(Accepted::seen) {
                Some(Accepted { state: PeeringState::Pending, .. }) => {
                    (self.arrived)();
                    asked.note_in_time(from, AT_ONCE);
                }
                Some(Accepted { state: PeeringState::Initiating, .. }) | None => {}
                Some(accepted) => return Ok(Answer::Accepted(accepted)),
            }
        }
        if waits {
            blind = self.asked_at.and(asked.accepted_after(from));
            if let Some((asked_at, after)) = self.asked_at.zip(blind) {
                tokio::time::sleep_until(asked_at + after).await;
            } else if let Some(accepted) = self.arrives(&watched, began, None).await? {
                return Ok(Answer::Accepted(accepted));
            }
        }
        // Since when it could be accepted and was not.
        let mut pending: Option<Instant> = None;
        let mut lost = 0;
        loop {
            let called = Instant::now();
            let error = match self.call(asked, &watched).await {
                Ok(accepted) => return Ok(Answer::Accepted(accepted)),
                Err(error) if error.is(ALREADY_EXISTS) => return Ok(Answer::Linked(error)),
                Err(error) => error,
            };
            // A call takes as long as it takes, throttles and all: that uses up no patience.
            pending = pending.map(|since| since + called.elapsed());
            match (error.class, blind.take()) {
                (Class::Lost, _) => lost += 1,
                // Whatever is said of one that nobody has seen may be said because it is not there yet: a policy may have
                // conditions on what it is.
                (_, Some(after)) => asked.note_too_early(from, after),
                (Class::NotFound | Class::Conflict, None) => {}
                _ => return Err(error.into()),
            }
            let since = pending.unwrap_or_else(Instant::now);
            if let Some(accepted) = self.arrives(&watched, since, Some(&error)).await? {
                let by = if lost > 0 && accepted.state.is_live() { By::UsPerhaps } else { By::Others };
                return Ok(Answer::Accepted(Accepted { by, ..accepted }));
            }
            // It can be accepted, and begins to be overdue from now on.
            if pending.get_or_insert_with(Instant::now).elapsed() >= UNKNOWN_AT_MOST || lost >= TIMES {
                return Err(self.too_long(Some(&error)));
            }
        }
    }

    /// Makes the call. While there is no answer, as for a throttle, it is looked whether the peering can be accepted: routes
    /// may lead into it from then on. Where the look shows that it is not waiting any more, there is nothing to wait for.
    async fn call(&self, asked: &Regional, watched: &WatchedPeering<'_>) -> Result<Accepted, CallError> {
        let mut call = pin!(asked.accept_peering(self.id));
        if let Ok(answer) = timeout(SLOW, &mut call).await {
            return answer.map(Accepted::by);
        }
        let began = Instant::now();
        loop {
            let at = Instant::now() + pause(began.elapsed());
            let seen = tokio::select! {
                biased;
                answer = &mut call => return answer.map(Accepted::by),
                seen = watched.seen_by(at) => seen,
            };
            // A look that fails is not what is waited for.
            match seen.ok().flatten().map(Accepted::seen) {
                Some(Accepted { state: PeeringState::Pending, .. }) => (self.arrived)(),
                None | Some(Accepted { state: PeeringState::Initiating, .. }) => {}
                Some(accepted) => {
                    let by = if accepted.state.is_live() { By::UsPerhaps } else { By::Others };
                    return Ok(Accepted { by, ..accepted });
                }
            }
        }
    }

    /// Waits until the accepter can accept; or until the peering is not waiting any more, and gives it as it is then.
    ///
    /// `since` is when it began to be waited for, with the error if one was the reason.
    async fn arrives(
        &self,
        watched: &WatchedPeering<'_>,
        since: Instant,
        error: Option<&CallError>,
    ) -> Result<Option<Accepted>, Failure> {
        let mut told = Instant::now();
        loop {
            let age = since.elapsed();
            let next = match self.asked_at {
                Some(asked_at) if error.is_none() && asked_at.elapsed() < ARRIVES => asked_at + ARRIVES,
                _ => Instant::now() + pause(age),
            };
            let seen = watched.seen_by(next).await?;
            let age = since.elapsed();
            let mut is_initiating = false;
            match seen.map(Accepted::seen) {
                Some(Accepted { state: PeeringState::Pending, .. }) => {
                    (self.arrived)();
                    if self.asked_at.is_some_and(|asked_at| asked_at.elapsed() <= ARRIVES + LEEWAY) {
                        watched.regional().note_in_time(self.asking.region(), ARRIVES);
                    }
                    return Ok(None);
                }
                Some(Accepted { state: PeeringState::Initiating, .. }) => is_initiating = true,
                None => {}
                Some(accepted) => return Ok(Some(accepted)),
            }
            if told.elapsed() < SILENCE && age < UNKNOWN_AT_MOST {
                continue;
            }
            told = Instant::now();
            match self.asking.peering(self.id).await?.map(Accepted::seen) {
                Some(Accepted { state: PeeringState::Pending, .. }) => (self.arrived)(),
                Some(Accepted { state: PeeringState::Initiating, .. }) => is_initiating = true,
                None => {}
                Some(accepted) => return Ok(Some(accepted)),
            }
            if age >= if is_initiating { SETTLED_AT_MOST } else { UNKNOWN_AT_MOST } {
                return Err(self.too_long(error));
            }
        }
    }

    fn too_long(&self, error: Option<&CallError>) -> Failure {
        let failure = error.map_or_else(
            || {
                Failure::new(
                    format!("peering {} cannot be accepted yet", self.id),
                    format!("{} does not see it", self.asked),
                )
            },
            |error| error.clone().into(),
        );
        failure.help("run again: it is taken up where it is")
    }
}

impl Accepted {
    /// By the answer to its acceptance, which may tell the state from before.
    fn by(answer: Option<Peering>) -> Self {
        match answer {
            Some(Peering { state: state @ (PeeringState::Provisioning | PeeringState::Active), message, .. }) => {
                Self { state, message, by: By::Us }
            }
            _ => Self { state: PeeringState::Provisioning, message: String::new(), by: By::Us },
        }
    }

    /// As it was seen.
    pub(super) fn seen(peering: Peering) -> Self {
        Self { state: peering.state, message: peering.message, by: By::Others }
    }
}
