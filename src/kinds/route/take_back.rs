//! Taking back routes that were made on ground that did not hold.

use super::{Made, Wanted, destroy};
use crate::kinds::{self, Adopt, Failure, Owner, Progress, Regional};

/// Deletes the routes that a run has made, where they still lead where it led them. Gives a line for each.
///
/// # Errors
///
/// A call was refused or did not come through.
pub async fn take_back(
    regional: &Regional,
    owner: &Owner,
    made: &[kinds::Made],
    progress: Progress<'_>,
) -> Result<Vec<String>, Failure> {
    let mut details = Vec::new();
    for made in made {
        let kinds::Made::Route(Made { table, destination, target }) = made else { continue };
        let (route_tables, destination, target) = (vec![table.clone()], destination.clone(), target.clone());
        let (replace, adopt, owner) = (false, Adopt::Never, owner.clone());
        let wanted = Wanted { route_tables, destination, target, replace, adopt, owner };
        details.extend(destroy(regional, &wanted, progress).await?.details);
    }
    Ok(details)
}
