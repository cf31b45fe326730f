//! The kind *stack*: a CloudFormation stack.

#[cfg(test)]
mod adopting_tests;
mod allowed;
mod cancel;
mod change_sets;
mod compare;
mod decide;
mod declared;
mod delivery;
mod destroy;
mod differences;
mod drift;
#[cfg(test)]
mod drift_tests;
mod early;
mod ending;
mod forecast;
mod foresee;
mod glance;
mod grounds;
#[cfg(test)]
mod guard_tests;
mod guards;
mod held;
mod kept;
mod lasting;
mod macros;
mod moved;
#[cfg(test)]
mod nested_tests;
mod nesting;
mod provisional;
mod revert;
mod saved;
mod secrets;
mod settings;
mod standing;
#[cfg(test)]
mod tests;
mod token;
mod typical;
mod update;
mod ways;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use self::compare::{Comparison, compare};
use self::decide::{Decision, decide, not_ours};
use self::glance::Glance;
use self::token::Attempt;
use self::update::How;
use self::ways::Ways;
use super::lost::pause;
use super::{Adopt, Change, Claim, Course, Done, Failure, Owner, Progress, Regional, Shown, Step};
use crate::aws::{Begun, CallError, Class, OnFailure, Operation, Phase, Stack, StackSpec, took};
use crate::safeguard::{self, Safeguard};

pub use allowed::Allowed;
pub use cancel::cancel;
pub use change_sets::ChangeSets;
pub use delivery::{Delivery, TemplateBucket, fits_in_request, read_at};
pub use destroy::{destroy, foresee_destroy};
pub use drift::drift;
pub use early::Early;
pub use forecast::Forecasts;
pub use foresee::{Draft, Prepared, foresee, foresee_reading};
pub use guards::{Guards, Policy, Protect};
pub use macros::needs_macros;
pub use nesting::{Nesting, Packed};
pub use provisional::{Asked, is_undone, stays, take_back};
pub use secrets::{keep_hidden, telling_outputs};
pub use standing::standing;

/// A stack as the plan wants it, all values worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The stack's name.
    pub name: String,
    /// The template's text.
    pub template: Arc<str>,
    /// Where the text came from; for messages.
    pub path: PathBuf,
    /// The parameters that the plan gives.
    pub parameters: IndexMap<String, String>,
    /// The parameters that keep the values which the stack has.
    pub kept: Vec<String>,
    /// The parameters whose values the plan says to be secrets.
    pub sensitive: BTreeSet<String>,
    /// The tags that the plan gives.
    pub tags: IndexMap<String, String>,
    /// What the template is allowed to make: `CAPABILITY_NAMED_IAM` and the like.
    pub capabilities: Vec<String>,
    /// What guards it, and how it is carried out.
    pub guards: Guards,
    /// How CloudFormation is given the template.
    pub delivery: Delivery,
    /// The texts of templates of the plan that it nests, which must be in the bucket.
    pub nested: Vec<String>,
    /// The node that the stack belongs to.
    pub owner: Owner,
    /// Whether what was changed or deleted by hand is brought back.
    pub reverts_drift: bool,
    /// What becomes of a stack of that name that does not bear the node's tags.
    pub adopt: Adopt,
}

impl Wanted {
    /// Whether the stack counts as the node's and is not to be touched for its tags alone.
    fn spares(&self, stack: &Stack) -> bool {
        self.adopt.spares(&self.owner, &stack.tags)
    }

    /// The node by the name that the stack is to bear.
    fn named_by(&self, stack: &Stack) -> Owner {
        self.adopt.names(&self.owner, &stack.tags)
    }
}

/// What a convergence is given besides what is wanted.
#[derive(Clone, Copy, Debug)]
pub struct With<'a> {
    /// What the user allows to be passed over or left behind.
    pub allowed: &'a Allowed,
    /// Where change sets are written down that wait to be executed.
    pub change_sets: &'a ChangeSets,
    /// What was shown, if nothing else may be done.
    pub shown: Option<&'a Shown>,
    /// How long things took before.
    pub forecasts: &'a Forecasts,
    /// Who waits for outputs and may have them before the stack is complete.
    pub early: Option<Early<'a>>,
    /// What it stands on, and where what it makes is kept.
    pub course: Course<'a>,
}

/// How often to look at a stack that others change meanwhile, or whose change brings no answer.
const LOOKS: u32 = 8;

/// What came of one attempt at a change.
#[derive(Debug)]
enum Attempted {
    /// It is done.
    Done(Done),
    /// It is to be seen anew; with what stood in the way, where something did.
    Again(Option<Failure>),
    /// The stack is not as it was found any more, and nothing was done.
    Moved,
    /// A creation that had failed cannot be gone on with, and why.
    Vain(&'static str),
}

/// Makes the stack what the plan wants, and waits until it is.
///
/// On ground that is not firm yet, a stack is created where there is none, and nothing is done to one that stands: for that
/// it is waited until all is certain.
///
/// # Errors
///
/// It cannot be done, or was tried and ended badly: says what failed first and what to do.
pub async fn converge(
    regional: &Regional,
    wanted: &Wanted,
    prepared: Option<Prepared>,
    with: With<'_>,
    progress: Progress<'_>,
) -> Result<Done, Failure> {
    wanted.check_size()?;
    kept::check(wanted)?;
    // A change set that was made for a preview is asked for again by its name, and so is the one that is executed.
    let mut attempt = prepared.map_or_else(|| Attempt::new(regional.nonce()), |prepared| prepared.attempt);
    let mut followed: Option<Followed> = None;
    let mut ways = Ways::default();
    let mut last: Option<Failure> = None;
    let mut absent = match glance::glance(regional, wanted).await? {
        Glance::Same(stack, _, notes) => return Ok(ways.noted(unchanged(&stack, notes), with.allowed, None)),
        Glance::Absent => true,
        Glance::Unsure => false,
    };
    for look in 0..LOOKS {
        let live = if absent || !safeguard::holds(Safeguard::ReadBeforeCreate) {
            None
        } else {
            ways::look(regional, &wanted.name).await?
        };
        absent = false;
        let decision = decide(wanted, live.as_ref());
        if provisional::waits(&decision) && !with.course.footing.is_firm() {
            if let (Decision::Compare, Some(stack)) = (decision, live)
                && let Glance::Same(stack, _, notes) = glance::compared(regional, wanted, stack).await?
            {
                return Ok(ways.noted(unchanged(&stack, notes), with.allowed, followed.as_ref()));
            }
            tracing::info!(stack = wanted.name, "it stands: waits until what it takes outputs of is complete");
            with.course.footing.settled().await;
            continue;
        }
        let attempted = match (decision, live) {
            // As the plan had it, a creation that failed has ended with nothing.
            (Decision::Create, None) if followed.as_ref().is_some_and(Followed::went_forward) => {
                return Err(deleted(wanted, followed.and_then(|followed| ending::cause(&followed.events))));
            }
            (Decision::Create, _) => {
                with.shown.map_or(Ok(()), |shown| shown.permits_creation(&wanted.name))?;
                creatable(regional, wanted).await?;
                tracing::info!(stack = wanted.name, "there is no such stack: creating it");
                Box::pin(create(regional, wanted, &attempt, with, progress)).await?
            }
            (Decision::Wait, Some(stack)) => {
                tracing::info!(stack = wanted.name, status = %stack.status, "an earlier operation is under way: waiting for its end");
                followed = Some(follow(regional, &stack, progress).await?);
                continue;
            }
            (Decision::Compare, Some(stack)) => {
                let template = regional.known_template(&stack).await?;
                match compare(wanted, &stack, &template) {
                    Comparison::Same(notes) => {
                        let done = unchanged(&stack, notes);
                        Attempted::Done(guards::settled(regional, wanted, &stack, done, progress).await?)
                    }
                    Comparison::Different(reasons) => {
                        let how = How::because(&reasons);
                        let reasons: Vec<String> = reasons.into_iter().map(|reason| reason.text).collect();
                        tracing::info!(stack = wanted.name, ?reasons, "asking for a change set");
                        with.shown.map_or(Ok(()), |shown| shown.permits_update(&wanted.name))?;
                        let why = (reasons, how);
                        Box::pin(update::update(regional, wanted, &stack, why, &mut attempt, with, progress)).await?
                    }
                }
            }
            // What an earlier run began has just ended badly: its events still say why.
            (Decision::Refuse(refusal), live) => {
                let cause = followed.as_ref().and_then(|followed| ending::cause(&followed.events));
                let failure = match cause {
                    Some(cause) => Failure { cause, ..refusal },
                    None => refusal,
                };
                return Err(match live {
                    Some(stack) => ways::with_flags(regional, &wanted.owner.node, &stack, failure).await,
                    None => failure,
                });
            }
            // Doing at once again what has just failed before our eyes would hide why it did.
            (_, Some(stack)) if followed.as_ref().is_some_and(Followed::went_forward) => {
                let events = followed.map(|followed| followed.events).unwrap_or_default();
                return ways::ended(regional, &wanted.owner.node, &wanted.name, Some(stack), &events)
                    .await
                    .map(|stack| unchanged(&stack, ending::undeleted(&events)));
            }
            (way, Some(stack)) => {
                with.shown.map_or(Ok(()), |shown| shown.permits_way(&stack, way.way()))?;
                Box::pin(ways.take(regional, wanted, with, (&stack, &way), &mut attempt, progress)).await?
            }
            (_, None) => continue,
        };
        match attempted {
            Attempted::Done(done) => return Ok(ways.noted(done, with.allowed, followed.as_ref())),
            Attempted::Again(failure) => last = failure.or(last),
            Attempted::Moved | Attempted::Vain(_) => {}
        }
        tokio::time::sleep(pause(look)).await;
    }
    Err(last.unwrap_or_else(|| restless(&wanted.name)))
}

/// Makes sure that a stack can be made, before anything gives way to it.
///
/// # Errors
///
/// A parameter has no value to keep yet; or it stands under another name.
async fn creatable(regional: &Regional, wanted: &Wanted) -> Result<(), Failure> {
    kept::check_creation(wanted)?;
    moved::not_elsewhere(regional, &wanted.name, &wanted.owner).await
}

/// What to say of a stack that was looked at time and again.
fn restless(name: &str) -> Failure {
    Failure::new(format!("stack {name} did not come to rest"), "somebody else keeps changing it")
        .help("see who else works on it, then run again")
}

/// Looks for a stack that is not to be changed, for its outputs; `None` when there is none. One that is under way is
/// waited for. With a claim it must be the node's: one that the plan manages and leaves out of the run.
///
/// # Errors
///
/// It does not stand, is somebody else's, or cannot be looked for.
pub async fn find(
    regional: &Regional,
    name: &str,
    claim: Option<Claim<'_>>,
    progress: Progress<'_>,
) -> Result<Option<Done>, Failure> {
    let sound = |stack: &Stack| stack.status.stands() && claim.is_none_or(|claim| claim.holds(&stack.tags));
    if let Some(stack) = regional.pictured_stack(name).await?.filter(sound) {
        return Ok(Some(read(stack)));
    }
    let Some(stack) = at_rest(regional, name, progress).await? else { return Ok(None) };
    if let Some(claim) = claim
        && let Some(ownership) = claim.disputed(&stack.tags)
    {
        return Err(not_ours(&stack, claim.owner, &ownership));
    }
    if stack.status.stands() {
        return Ok(Some(read(stack)));
    }
    let reason = stack.reason.clone().unwrap_or_default();
    let summary = format!("stack {name} is in {}, so its outputs cannot be relied on", stack.status);
    let mut failure = Failure::new(summary, reason);
    failure.help.extend(stack.status.remedy().map(str::to_owned));
    Err(failure)
}

/// Looks for what is left of a stack before it is destroyed: whatever outputs it has, in whatever state it is; `None` when
/// there is none, or (with a claim) none of the node's. One that is under way is waited for.
///
/// # Errors
///
/// It cannot be looked for.
pub async fn remains(
    regional: &Regional,
    name: &str,
    claim: Option<Claim<'_>>,
    progress: Progress<'_>,
) -> Result<Option<Done>, Failure> {
    let stack = at_rest(regional, name, progress).await?;
    Ok(stack.filter(|stack| claim.is_none_or(|claim| claim.holds(&stack.tags))).map(read))
}

/// The same of a stack that is about to be deleted, which the plan may protect.
///
/// # Errors
///
/// It is protected from deletion, by the plan or at AWS; or it cannot be looked for.
pub async fn vet(
    regional: &Regional,
    name: &str,
    claim: Claim<'_>,
    protect: Option<&Protect>,
    progress: Progress<'_>,
) -> Result<Option<Done>, Failure> {
    let stack = at_rest(regional, name, progress).await?.filter(|stack| claim.holds(&stack.tags));
    match stack.as_ref().and_then(|stack| guards::keeps(protect, stack)) {
        Some(kept) => Err(kept),
        None => Ok(stack.map(read)),
    }
}

/// A stack once nothing is under way; `None` when there is none.
async fn at_rest(regional: &Regional, name: &str, progress: Progress<'_>) -> Result<Option<Stack>, Failure> {
    let mut stack = regional.stack(name).await?;
    if let Some(found) = stack.as_ref().filter(|stack| !stack.status.is_settled()) {
        follow(regional, found, progress).await?;
        stack = regional.stack(name).await?;
    }
    Ok(stack.filter(|stack| stack.status.phase() != Phase::Deleted))
}

fn read(stack: Stack) -> Done {
    Done { outputs: stack.outputs, id: Some(stack.id), ..Done::new(Change::Read) }
}

fn unchanged(stack: &Stack, notes: Vec<String>) -> Done {
    Done { details: notes, outputs: stack.outputs.clone(), id: Some(stack.id.clone()), ..Done::new(Change::Unchanged) }
}

/// Creates the stack and follows it to its end; again when it turns out to be there already and not by this call, or when
/// the answer is lost and there is no sign of the stack.
async fn create(
    regional: &Regional,
    wanted: &Wanted,
    attempt: &Attempt,
    With { early, forecasts, course, .. }: With<'_>,
    progress: Progress<'_>,
) -> Result<Attempted, Failure> {
    let spec = wanted.spec(regional, None).await?;
    validate(regional, wanted, &spec).await?;
    let token = attempt.create();
    progress(Step { what: &wanted.name, status: "CreateStack", reason: None, event: None });
    let created = provisional::create(regional, course, &spec, &token).await;
    let is_answered = created.is_ok();
    let (begun, forecast) = match created {
        Ok(begun) => (begun, Some(forecasts.creation(regional, wanted))),
        // Either an answer of ours was lost and the request repeated, or somebody else was faster.
        Err(error) if error.is("AlreadyExistsException") || error.class == Class::Lost => {
            match regional.stack(&wanted.name).await? {
                Some(stack) if wanted.owner.owns(&stack.tags) => (Begun { stack: stack.id, operation: None }, None),
                _ => return Ok(Attempted::Again(Some(error.into()))),
            }
        }
        // What it takes may be ready for it by then.
        Err(error) if !course.footing.is_firm() && !matches!(error.class, Class::Denied | Class::Expired) => {
            tracing::info!(%error, stack = wanted.name, "waits until what it takes outputs of is complete");
            course.footing.settled().await;
            return Ok(Attempted::Again(Some(error.into())));
        }
        Err(error) => return Err(error.into()),
    };
    let Begun { stack, operation: id } = begun;
    let operation = Operation { stack, id, token: Some(token), before: None, forecast, deletes: false };
    let watch = early::Watch::creation(regional, wanted, early);
    let (stack, events) = early::settled(regional, &operation, watch, progress).await?;
    // Of a creation that was answered, and is complete, no events are needed.
    let is_complete = stack.as_ref().is_some_and(|stack| stack.status.as_str() == "CREATE_COMPLETE");
    if events.is_empty() && !(is_answered && is_complete) {
        // The stack's events bear another token: an earlier run's create, or somebody else's with our tags.
        return Ok(Attempted::Again(None));
    }
    if stack.is_none() && wanted.guards.settings.on_failure == Some(OnFailure::Delete) {
        return Err(provisional::too_soon(course, deleted(wanted, ending::cause(&events))));
    }
    let ended = ways::ended(regional, &wanted.owner.node, &wanted.name, stack, &events).await;
    let stack = ended.map_err(|failure| provisional::too_soon(course, failure))?;
    let guarding = guards::decide(&wanted.guards, stack.termination_protection, None);
    let details = guarding.write(regional, wanted, &stack.id, progress).await?;
    regional.note_new(declared::made(&wanted.template, &stack.outputs));
    // Without events it was over within half a second of when that was expected.
    let expected = || operation.forecast.filter(|_| events.is_empty()).map(crate::aws::Forecast::end);
    let (outputs, id, took) = (stack.outputs, Some(stack.id), took(&events).or_else(expected));
    Ok(Attempted::Done(Done { details, outputs, id, took, ..Done::new(Change::Created) }))
}

/// A stack that could not be created and was deleted, as the plan has it.
fn deleted(wanted: &Wanted, cause: Option<String>) -> Failure {
    let summary = format!("stack {} could not be created and was deleted", wanted.name);
    Failure::new(summary, cause.unwrap_or_default()).help("put right what failed, then run again")
}

/// Has CloudFormation look the template over before anything is made, unless it has taken that text already.
async fn validate(regional: &Regional, wanted: &Wanted, spec: &StackSpec) -> Result<(), Failure> {
    regional.check_template(&spec.template).await.map_err(|error| not_taken(wanted, error))
}

/// What is said of a template that CloudFormation was asked about and did not take.
fn not_taken(wanted: &Wanted, error: CallError) -> Failure {
    if !error.is("ValidationError") {
        return error.into();
    }
    let mut failure =
        Failure::new(format!("CloudFormation refuses template {}", wanted.path.display()), error.message.clone());
    failure.request_id = error.request_id.map(Into::into);
    failure.help(format!("correct {} and run again", wanted.path.display()))
}

/// An operation of an earlier run, waited for.
struct Followed {
    status: String,
    events: Vec<crate::aws::StackEvent>,
}

impl Followed {
    /// Whether it was a creation or an update that had not failed when it was met.
    fn went_forward(&self) -> bool {
        matches!(self.status.as_str(), "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "IMPORT_IN_PROGRESS")
    }

    /// What there is to say about it: that it was waited for, and what it could not delete.
    fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!("waited for an earlier run's {}", self.status)];
        notes.extend(ending::undeleted(&self.events));
        notes
    }
}

async fn follow(regional: &Regional, stack: &Stack, progress: Progress<'_>) -> Result<Followed, Failure> {
    let deletes = stack.status.as_str() == "DELETE_IN_PROGRESS";
    let operation = Operation { stack: stack.id.clone(), id: None, token: None, before: None, forecast: None, deletes };
    // Boxed, since all that is done to a stack may have to follow it, and would be as large.
    let (_, events) = Box::pin(regional.settled(&operation, progress)).await?;
    Ok(Followed { status: stack.status.to_string(), events })
}
