//! A stack whose node was called something else before.

use super::super::{Failure, Owner, Regional};
use crate::aws::Class;

/// Makes sure that no stack bears a name which the node had before, where the one that the node names is not there: it would
/// be left behind, and another one made beside it.
///
/// # Errors
///
/// There is one, and the plan does not name it; or it is not told.
pub(super) async fn not_elsewhere(regional: &Regional, name: &str, owner: &Owner) -> Result<(), Failure> {
    if owner.formerly.is_none() {
        return Ok(());
    }
    // Who may not list stacks asks for each by its name, and of a former one that is not known.
    let found = match regional.pictured_stacks().await {
        Err(error) if error.class == Class::Denied => return Ok(()),
        found => found?.into_iter(),
    };
    let mut found = found.filter(|stack| stack.root.is_none() && stack.name != name);
    let Some((stack, formerly)) =
        found.find_map(|stack| owner.former_name(&stack.tags).cloned().map(|formerly| (stack, formerly)))
    else {
        return Ok(());
    };
    let summary = format!("stack {} is that of {formerly}, which {} was before", stack.name, owner.node);
    let cause = format!("the plan names it {name}, and a stack cannot be renamed");
    Err(Failure::new(summary, cause)
        .help(format!("let `name` of {} be \"{}\"", owner.node, stack.name))
        .help("or, if another stack is to be made in its place, take the entry out of `moved`"))
}
