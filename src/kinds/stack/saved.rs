//! The change sets that were saved with a preview: looked at again, and executed only as they were shown.

use super::change_sets::Before;
use super::compare::{About, Reason};
use super::foresee::Seen;
use super::token::Attempt;
use super::update::{Verdict, Worked, found_nothing, verdict};
use super::{Failure, Regional, grounds};
use crate::aws::{ChangeSet, Class, Stack};
use crate::kinds::Outlook;

/// Looks again at a stack that differs, and makes no change set: what was saved must do.
pub(super) async fn again(seen: &Seen<'_>, reasons: Vec<Reason>, before: Before) -> Result<Outlook, Failure> {
    let waiting = match before {
        Before::ChangeSet(waiting) => waiting,
        // CloudFormation has said so. If the stack or what is wanted is another by now, that is told as such.
        Before::Nothing => return Ok(seen.unchanged(found_nothing(seen.wanted, seen.stack, &reasons))),
        // What is in doubt CloudFormation has settled; what differs for sure no change set was to be made for.
        Before::Guards if reasons.iter().all(|reason| reason.about == About::Doubt) => {
            return Ok(seen.unchanged(found_nothing(seen.wanted, seen.stack, &reasons)));
        }
        Before::Guards | Before::Else => return Ok(seen.unasked(reasons)),
    };
    let found = find(seen.regional, &waiting.stack, &waiting.id).await?;
    if let Some(change_set) = found {
        if verdict(&change_set) == Verdict::Execute && waiting.stack == seen.stack.id {
            let attempt = Attempt::saved(seen.regional.nonce(), waiting.name, waiting.id);
            return seen.worked_out(change_set, reasons, attempt).await;
        }
        let standing = grounds::change_set(Some(&change_set));
        return Ok(with(seen.unasked(reasons), standing));
    }
    Ok(with(seen.unasked(reasons), grounds::change_set(None)))
}

fn with(mut outlook: Outlook, fact: (String, String)) -> Outlook {
    outlook.grounds.live.extend([fact]);
    outlook
}

/// Looks at a change set that is to be executed, and no other.
///
/// # Errors
///
/// It cannot be executed any more.
pub(super) async fn look(regional: &Regional, stack: &Stack, id: &str) -> Result<Worked, Failure> {
    let found = find(regional, &stack.id, id).await?;
    match found.as_ref().map(verdict) {
        Some(Verdict::Execute) => {}
        Some(Verdict::Busy) => return Ok(Worked::Again(None)),
        None | Some(Verdict::Nothing | Verdict::Stale | Verdict::Failed) => {
            let (_, standing) = grounds::change_set(found.as_ref());
            return Err(Failure::new(
                format!("the change set that was shown for stack {} cannot be executed any more", stack.name),
                format!("it is {standing}"),
            )
            .help("preview again, and apply that"));
        }
    }
    Ok(found.map_or(Worked::Again(None), Worked::Out))
}

async fn find(regional: &Regional, stack: &str, id: &str) -> Result<Option<ChangeSet>, Failure> {
    match regional.change_set(stack, id).await {
        Ok(change_set) => Ok(Some(change_set)),
        Err(error) if error.class == Class::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
