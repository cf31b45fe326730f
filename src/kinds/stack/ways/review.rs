//! A stack of which there is nothing yet but a change set that would create it.

use crate::aws::{CallError, Phase, Regional, Stack};
use crate::kinds::{NODE_TAG, PLAN_TAG};

/// Looks for a stack. One in review has no tags of its own; it is given those of its change sets, if all of them have
/// the same of orch: it is theirs whose change sets they are.
///
/// # Errors
///
/// It cannot be looked for.
pub(in super::super) async fn look(regional: &Regional, name: &str) -> Result<Option<Stack>, CallError> {
    let Some(mut stack) = regional.stack(name).await? else { return Ok(None) };
    if stack.status.phase() != Phase::Review || stack.tags.contains_key(PLAN_TAG) {
        return Ok(Some(stack));
    }
    let mut owner: Option<[Option<String>; 2]> = None;
    for change_set in regional.change_sets(&stack.id).await? {
        let tags = regional.change_set_tags(&change_set.id).await?;
        let own =
            [PLAN_TAG, NODE_TAG].map(|key| tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone()));
        if owner.as_ref().is_some_and(|before| *before != own) {
            return Ok(Some(stack));
        }
        owner = Some(own);
    }
    if let Some([Some(plan), Some(node)]) = owner {
        stack.tags.insert(PLAN_TAG.to_owned(), plan);
        stack.tags.insert(NODE_TAG.to_owned(), node);
    }
    Ok(Some(stack))
}
