//! A stack whose node was called something else before.

use super::super::{Failure, Owner, Regional};
use crate::aws::Phase;

/// Makes sure that no stack bears a name which the node had before, where the one that the node names is not there: it would
/// be left behind, and another one made beside it.
///
/// # Errors
///
/// There is one, and the plan does not name it; or it cannot be looked for.
pub(super) async fn not_elsewhere(regional: &Regional, name: &str, owner: &Owner) -> Result<(), Failure> {
    let Some(formerly) = &owner.formerly else { return Ok(()) };
    let before = Owner::new(&*owner.plan, formerly.clone());
    let found = regional.every_stack().await?.into_iter().find(|stack| {
        !stack.is_nested && stack.status.phase() != Phase::Deleted && before.owns(&stack.tags) && stack.name != name
    });
    let Some(stack) = found else { return Ok(()) };
    let summary = format!("stack {} is that of {formerly}, which {} was before", stack.name, owner.node);
    let cause = format!("the plan names it {name}, and a stack cannot be renamed");
    Err(Failure::new(summary, cause)
        .help(format!("write name = \"{}\" in {}", stack.name, owner.node))
        .help("or, if another stack is to be made in its place, take the entry out of `moved`"))
}
