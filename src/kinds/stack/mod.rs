//! The kind *stack*: a CloudFormation stack.

mod compare;
mod decide;
mod destroy;
mod ending;
#[cfg(test)]
mod tests;
mod token;
mod update;

use std::path::PathBuf;

use indexmap::IndexMap;

use self::compare::{Comparison, compare};
use self::decide::{Decision, decide};
use super::{Change, Done, Failure, Owner, Progress, Regional, Step};
use crate::aws::{Class, Operation, Stack, StackSpec};
use crate::cfn::MAX_INLINE_BYTES;

pub use destroy::destroy;

/// A stack as the plan wants it, all values worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The stack's name.
    pub name: String,
    /// The template's text.
    pub template: String,
    /// Where the text came from; for messages.
    pub path: PathBuf,
    /// The parameters that the plan gives.
    pub parameters: IndexMap<String, String>,
    /// The tags that the plan gives.
    pub tags: IndexMap<String, String>,
    /// What the template is allowed to make: `CAPABILITY_NAMED_IAM` and the like.
    pub capabilities: Vec<String>,
    /// The node that the stack belongs to.
    pub owner: Owner,
}

impl Wanted {
    /// What CloudFormation is to be told.
    fn spec(&self) -> StackSpec {
        StackSpec {
            name: self.name.clone(),
            template: self.template.clone(),
            parameters: self.parameters.clone(),
            tags: self.owner.with(&self.tags),
            capabilities: self.capabilities.clone(),
        }
    }
}

/// How often to look again at a stack that others change meanwhile.
const LOOKS: usize = 8;

/// Makes the stack what the plan wants, and waits until it is.
///
/// # Errors
///
/// It cannot be done, or was tried and ended badly: says what failed first and what to do.
pub async fn converge(regional: &Regional, wanted: &Wanted, progress: Progress<'_>) -> Result<Done, Failure> {
    if wanted.template.len() > MAX_INLINE_BYTES {
        return Err(too_large(wanted));
    }
    let mut followed: Option<Followed> = None;
    for _ in 0..LOOKS {
        let live = regional.stack(&wanted.name).await?;
        match decide(wanted, live.as_ref()) {
            Decision::Create => {
                if let Some(done) = create(regional, wanted, progress).await? {
                    return Ok(done);
                }
            }
            Decision::Wait => {
                let Some(stack) = live else { continue };
                followed = Some(follow(regional, &stack, progress).await?);
            }
            Decision::Compare => {
                let Some(stack) = live else { continue };
                let template = regional.template(&stack.id).await?;
                let done = match compare(wanted, &stack, &template) {
                    Comparison::Same(notes) => Some(unchanged(&stack, notes)),
                    Comparison::Different(reasons) => {
                        update::update(regional, wanted, &stack, reasons, progress).await?
                    }
                };
                if let Some(mut done) = done {
                    done.details.extend(followed.map(|followed| followed.note()));
                    return Ok(done);
                }
            }
            // What an earlier run began has just ended badly: its events still say why.
            Decision::Refuse(refusal) => {
                let cause = followed.as_ref().and_then(|followed| ending::cause(&followed.events));
                return Err(match cause {
                    Some(cause) => Failure { cause, ..refusal },
                    None => refusal,
                });
            }
        }
    }
    Err(Failure::new(format!("stack {} did not come to rest", wanted.name), "somebody else keeps changing it")
        .help("see who else works on it, then run again"))
}

/// Looks for a stack that is not this node's to change, for its outputs; `None` when there is none. One that is under
/// way is waited for.
///
/// # Errors
///
/// It does not stand, or cannot be looked for.
pub async fn find(regional: &Regional, name: &str, progress: Progress<'_>) -> Result<Option<Done>, Failure> {
    let Some(mut stack) = regional.stack(name).await? else { return Ok(None) };
    if !stack.status.is_settled() {
        follow(regional, &stack, progress).await?;
        let Some(settled) = regional.stack(name).await? else { return Ok(None) };
        stack = settled;
    }
    if stack.status.stands() {
        return Ok(Some(Done { outputs: stack.outputs, id: Some(stack.id), ..Done::new(Change::Read) }));
    }
    let reason = stack.reason.clone().unwrap_or_default();
    let summary = format!("stack {name} is in {}, so its outputs cannot be relied on", stack.status);
    let mut failure = Failure::new(summary, reason);
    failure.help.extend(stack.status.remedy().map(str::to_owned));
    Err(failure)
}

fn unchanged(stack: &Stack, notes: Vec<String>) -> Done {
    Done { details: notes, outputs: stack.outputs.clone(), id: Some(stack.id.clone()), ..Done::new(Change::Unchanged) }
}

fn too_large(wanted: &Wanted) -> Failure {
    let size = wanted.template.len();
    Failure::new(
        format!("template {} is too large for CloudFormation", wanted.path.display()),
        format!("it has {size} bytes; a request holds {MAX_INLINE_BYTES}"),
    )
    .help("split it into several stacks that pass outputs on, or take comments and white space out of it")
}

/// Creates the stack and follows it to its end; `None` when it turns out to be there already and not by this call.
async fn create(regional: &Regional, wanted: &Wanted, progress: Progress<'_>) -> Result<Option<Done>, Failure> {
    validate(regional, wanted).await?;
    let token = token::create(wanted);
    progress(Step { what: &wanted.name, status: "CreateStack", reason: None });
    let id = match regional.create_stack(&wanted.spec(), &token).await {
        Ok(id) => id,
        // Either an answer of ours was lost and the request repeated, or somebody else was faster.
        Err(error) if error.is("AlreadyExistsException") || error.class == Class::Lost => {
            match regional.stack(&wanted.name).await? {
                Some(stack) if wanted.owner.owns(&stack.tags) => stack.id,
                _ if error.class == Class::Lost => return Err(error.into()),
                _ => return Ok(None),
            }
        }
        Err(error) => return Err(error.into()),
    };
    let operation = Operation { stack: id, token: Some(token), before: None };
    let (stack, events) = regional.settled(&operation, progress).await?;
    if events.is_empty() {
        // The stack's events bear another token: an earlier run's create, or somebody else's with our tags.
        return Ok(None);
    }
    let stack = ending::good(&wanted.name, stack, &events)?;
    Ok(Some(Done { outputs: stack.outputs, id: Some(stack.id), ..Done::new(Change::Created) }))
}

/// Has CloudFormation look the template over before anything is made.
async fn validate(regional: &Regional, wanted: &Wanted) -> Result<(), Failure> {
    match regional.validate_template(&wanted.template).await {
        Ok(()) => Ok(()),
        Err(error) if error.is("ValidationError") => {
            let mut failure = Failure::new(
                format!("CloudFormation refuses template {}", wanted.path.display()),
                error.message.clone(),
            );
            failure.request_id = error.request_id;
            Err(failure)
        }
        Err(error) => Err(error.into()),
    }
}

/// An operation of an earlier run, waited for.
struct Followed {
    status: String,
    events: Vec<crate::aws::StackEvent>,
}

impl Followed {
    fn note(&self) -> String {
        format!("waited for an earlier run's {}", self.status)
    }
}

async fn follow(regional: &Regional, stack: &Stack, progress: Progress<'_>) -> Result<Followed, Failure> {
    let operation = Operation { stack: stack.id.clone(), token: None, before: None };
    let (_, events) = regional.settled(&operation, progress).await?;
    Ok(Followed { status: stack.status.to_string(), events })
}
