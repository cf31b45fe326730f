//! Taking back routes that were made on ground that did not hold.

use std::time::Duration;

use indexmap::IndexMap;
use tokio::time::Instant;

use super::Made;
use super::decide::route;
use crate::aws::{CallError, Class, Route, RouteTable};
use crate::kinds::lost::{EFFECT_AT_MOST, insist};
use crate::kinds::{self, Change, Failure, Progress, Regional, Step};

/// What becomes of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is deleted.
    Delete,
    /// It is not there, or leads elsewhere by now and is somebody else's.
    Gone,
    /// It stands, and nothing tells that this run made it.
    Leave,
}

/// Deletes the routes that a run has made, where they still lead where it led them. Where it is not sure that the run made
/// a route, that is deleted only if its peering is dead, so that nobody can lose anything by it. `gone` hears of each that
/// is not there any more. Every route is tried, whatever becomes of the others. Gives a line for each.
///
/// # Errors
///
/// Calls were refused or did not come through: says which routes are left, and what was deleted.
pub async fn take_back(
    regional: &Regional,
    made: &[kinds::Made],
    gone: &(dyn Fn(Made) + Sync),
    progress: Progress<'_>,
) -> Result<Vec<String>, Failure> {
    let routes = routes(made);
    let Some(target) = routes.keys().next().map(|made| &*made.target) else { return Ok(Vec::new()) };
    let live = look(regional, &routes).await.map_err(|error| left(routes.keys().map(|made| words(made)), error))?;
    let is_dead = routes.values().any(|is_sure| !is_sure) && is_dead(regional, target).await;
    let (mut details, mut standing, mut refused) = (Vec::new(), Vec::new(), None);
    for (made, is_sure) in routes {
        let (table, words) = (&made.table, words(made));
        match judge(seen(&live, made), &made.target, is_sure, is_dead) {
            Verdict::Gone => gone(made.clone()),
            Verdict::Leave => details.push(format!("{words} is left, since nothing tells that this run made it; it carries nothing until its peering is active")),
            Verdict::Delete => match insist(|| regional.delete_route(table, &made.destination)).await {
                Err(error) if error.class != Class::NotFound => {
                    standing.push(words);
                    refused = refused.or(Some(error));
                }
                answer => {
                    gone(made.clone());
                    if answer.is_ok() {
                        let detail = format!("{table}: deleted {} → {}", made.destination, made.target);
                        let status = Change::Deleted.word();
                        progress(Step { what: &made.destination, status, reason: Some(&detail), event: None });
                        details.push(detail);
                    }
                }
            },
        }
    }
    match refused {
        None => Ok(details),
        Some(error) if details.is_empty() => Err(left(standing, error)),
        Some(error) => Err(left(standing, error).help(format!("of the rest: {}", details.join(", ")))),
    }
}

/// The routes of a run's notes, each once, and whether it is sure that the run made it.
fn routes(made: &[kinds::Made]) -> IndexMap<&Made, bool> {
    let mut routes = IndexMap::new();
    for made in made {
        match made {
            kinds::Made::Route(made) => _ = routes.insert(made, true),
            kinds::Made::RouteAsked(made) => _ = routes.entry(made).or_insert(false),
            kinds::Made::Asked { .. }
            | kinds::Made::Peering(_)
            | kinds::Made::StackAsked(_)
            | kinds::Made::Stack { .. } => {}
        }
    }
    routes
}

/// The routes' tables. What is not to be seen of what was asked for without an answer is looked for a while.
async fn look(regional: &Regional, routes: &IndexMap<&Made, bool>) -> Result<Vec<RouteTable>, CallError> {
    let mut tables: Vec<String> = routes.keys().map(|made| made.table.clone()).collect();
    tables.dedup();
    let began = Instant::now();
    loop {
        let live = insist(|| regional.route_tables(&tables)).await?;
        let is_open = routes.iter().any(|(made, is_sure)| !is_sure && seen(&live, made).is_none());
        if !is_open || began.elapsed() >= EFFECT_AT_MOST {
            return Ok(live);
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// The route to a route's destination in its table.
fn seen<'a>(live: &'a [RouteTable], made: &Made) -> Option<&'a Route> {
    live.iter().find(|table| table.id == made.table).and_then(|table| route(table, &made.destination))
}

/// Whether a target is a peering that will never carry anything; no, where that is not sure.
async fn is_dead(regional: &Regional, target: &str) -> bool {
    if !target.starts_with("pcx-") {
        return false;
    }
    match regional.peering(target).await {
        Ok(peering) => peering.is_some_and(|peering| !peering.state.is_live()),
        Err(error) => {
            tracing::info!(%error, target, "nobody knows whether it is dead");
            false
        }
    }
}

/// What becomes of a route that was asked for, by what is seen to its destination.
fn judge(seen: Option<&Route>, target: &String, is_sure: bool, is_dead: bool) -> Verdict {
    match seen {
        Some(route) if !route.targets.contains(target) => Verdict::Gone,
        Some(_) if is_sure || is_dead => Verdict::Delete,
        Some(_) => Verdict::Leave,
        // What AWS has said to have made is there, although who reads may see it only later.
        None if is_sure => Verdict::Delete,
        None => Verdict::Gone,
    }
}

fn words(made: &Made) -> String {
    format!("{}: {} → {}", made.table, made.destination, made.target)
}

/// Routes that are left, since a call was refused.
fn left(routes: impl IntoIterator<Item = String>, error: CallError) -> Failure {
    let left = routes.into_iter().collect::<Vec<_>>().join(", ");
    let failure = Failure::from(error);
    Failure { summary: format!("left {left}"), cause: failure.to_string(), ..failure }
}

#[cfg(test)]
#[path = "take_back_tests.rs"]
mod tests;
