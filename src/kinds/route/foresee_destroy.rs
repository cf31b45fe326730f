//! What a destruction would do with a route.

use super::Wanted;
use super::act::{dead, standing};
use super::parse::{place, terms};
use crate::event::Failure;
use crate::kinds::{Outlook, Owner, Regional};
use crate::preview::Action;

/// Looks for a route that is the plan's own and says in which tables it would be deleted.
///
/// # Errors
///
/// A value is not one of a route, or a call was refused.
pub async fn foresee_destroy(regional: &Regional, wanted: &Wanted) -> Result<Outlook, Failure> {
    let terms = terms(wanted)?;
    let live = standing(regional, &terms).await?;
    let lines = live.iter().map(|table| format!("{}: {} → {}", table.id, terms.destination, terms.target));
    Ok(outlook(regional, &wanted.owner, &terms.destination, lines.collect()))
}

/// The same for a route whose target is gone: what leads to a dead peering would be deleted.
///
/// # Errors
///
/// As for [`foresee_destroy`].
pub async fn foresee_sweep(
    regional: &Regional,
    tables: &[String],
    destination: &str,
    owner: &Owner,
) -> Result<Outlook, Failure> {
    let (tables, destination) = place(tables, destination)?;
    let found = dead(regional, &tables, &destination).await?;
    let lines = found.iter().map(|(table, peering)| format!("{}: {destination} → {peering}, which is dead", table.id));
    Ok(outlook(regional, owner, &destination, lines.collect()))
}

fn outlook(regional: &Regional, owner: &Owner, destination: &str, lines: Vec<String>) -> Outlook {
    let action = if lines.is_empty() { Action::Nothing } else { Action::Delete };
    let outlook = Outlook::new(regional, owner, destination, action);
    if lines.is_empty() { outlook.noting(["it is not there".to_owned()]) } else { outlook.noting(lines) }
}
