//! Making and deleting routes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::decide::{Decision, decide, elsewhere, is_there, suspect};
use super::parse::{Terms, place, terms};
use super::{Made, Wanted};
use crate::aws::{CallError, Class, RouteTable, Turns};
use crate::kinds::lost::{insist, pause};
use crate::kinds::{self, Change, Course, Done, Failure, Progress, Regional, Shown, Step};
use crate::safeguard::{self, Safeguard};

/// How long a target that was just made may be unknown here: EC2 is eventually consistent.
const UNKNOWN_AT_MOST: Duration = Duration::from_mins(1);

/// What EC2 says of a destination that is taken.
const ALREADY_EXISTS: &str = "RouteAlreadyExists";

/// How often to act on a table that others change meanwhile, or on calls whose answers are lost.
const LOOKS: u32 = 4;

/// Makes the route in every table where it is missing. `made` hears of each the moment that it is made or led elsewhere,
/// since nothing at AWS tells whose it is, and the next one may fail.
///
/// On ground that is not firm yet, routes are made where there are none, and nothing is led elsewhere nor refused: for that
/// it is waited until all is certain. So it is with what EC2 refuses, except for want of permission: its target may be
/// ready by then.
///
/// # Errors
///
/// A value is not one of a route, a table is not there, or a table leads the destination elsewhere, and that it shall not
/// was not `shown` where something was. Tables are taken in
/// the plan's order; nothing is changed while one of them must be refused, but where this run has made all of them just now: EC2
/// tells of each in its turn.
pub async fn converge(
    regional: &Regional,
    wanted: &Wanted,
    shown: Option<&Shown>,
    made: &(dyn Fn(Made) + Sync),
    course: Course<'_>,
    progress: Progress<'_>,
) -> Result<Done, Failure> {
    let terms = terms(wanted)?;
    let mut decided = Vec::with_capacity(terms.tables.len());
    let mut found = decisions(regional, &terms).await;
    if !course.footing.is_firm()
        && !found.as_ref().is_ok_and(|found| found.iter().all(|(_, decision)| is_plain(decision)))
    {
        course.footing.settled().await;
        found = decisions(regional, &terms).await;
    }
    for (table, decision) in found? {
        let decision = decision?;
        tracing::info!(
            table = table.id,
            destination = terms.destination,
            target = terms.target,
            decision = decision.word(),
            "route"
        );
        permitted(shown, &table.id, &decision)?;
        // Hundreds of routes may be in one table and made at once, so none keeps what the table is.
        decided.push((table.id, decision));
    }
    let mut details = Vec::new();
    let mut change = Change::Unchanged;
    for (table, decision) in decided {
        let Some((detail, done)) = act(regional, &terms, shown, course, &table, decision).await? else { continue };
        progress(Step { what: &terms.destination, status: done.word(), reason: Some(&detail), event: None });
        details.push(detail);
        made(Made { table, destination: terms.destination.clone(), target: terms.target.clone() });
        // What was made outweighs what was led elsewhere.
        change = if change == Change::Created { change } else { done };
    }
    Ok(Done { details, ..Done::new(change) })
}

/// Looks for a route that is not to be deleted, since nothing tells that it is the node's own: routes bear no tags, and
/// a template or somebody else may have made it. Says where it is left.
///
/// # Errors
///
/// A value is not one of a route, or a call was refused.
pub async fn leave(regional: &Regional, wanted: &Wanted) -> Result<Done, Failure> {
    let terms = terms(wanted)?;
    let live = regional.route_tables(&terms.tables).await?;
    let left = live.iter().filter(|table| is_there(&terms, table)).map(|table| {
        let (destination, target) = (&terms.destination, &terms.target);
        format!("{}: left {destination} → {target}, since nothing tells that this plan made it", table.id)
    });
    let details: Vec<String> = left.collect();
    let change = if details.is_empty() { Change::Absent } else { Change::Unchanged };
    Ok(Done { details, ..Done::new(change) })
}

/// Deletes the route from every table where its destination leads to its target, which is a peering of the plan's own.
/// Tables that are gone had it deleted with them.
///
/// # Errors
///
/// A value is not one of a route, or a call was refused.
pub async fn destroy(regional: &Regional, wanted: &Wanted, progress: Progress<'_>) -> Result<Done, Failure> {
    let terms = terms(wanted)?;
    let mut details = Vec::new();
    // Hundreds of routes may be in one table and deleted at once, so none keeps what the others are.
    let tables: Vec<String> = standing(regional, &terms).await?.into_iter().map(|table| table.id).collect();
    for table in tables {
        match insist(|| regional.delete_route(&table, &terms.destination)).await {
            Err(error) if error.class != Class::NotFound => return Err(error.into()),
            _ => {}
        }
        let detail = format!("{table}: deleted {} → {}", terms.destination, terms.target);
        progress(Step { what: &terms.destination, status: Change::Deleted.word(), reason: Some(&detail), event: None });
        details.push(detail);
    }
    let change = if details.is_empty() { Change::Absent } else { Change::Deleted };
    Ok(Done { details, ..Done::new(change) })
}

/// Deletes what is left of a route whose target is gone, and with it the target's id: in every table the route to its
/// destination, if that leads to a dead peering.
///
/// # Errors
///
/// A value is not one of a route, or a call was refused.
pub async fn sweep(
    regional: &Regional,
    tables: &[String],
    destination: &str,
    progress: Progress<'_>,
) -> Result<Done, Failure> {
    let (tables, destination) = place(tables, destination)?;
    let mut details = Vec::new();
    for (table, peering) in dead(regional, &tables, &destination).await? {
        match insist(|| regional.delete_route(&table.id, &destination)).await {
            Err(error) if error.class != Class::NotFound => return Err(error.into()),
            _ => {}
        }
        let detail = format!("{}: deleted {destination} → {peering}, which is dead", table.id);
        progress(Step { what: &destination, status: Change::Deleted.word(), reason: Some(&detail), event: None });
        details.push(detail);
    }
    let change = if details.is_empty() { Change::Absent } else { Change::Deleted };
    Ok(Done { details, ..Done::new(change) })
}

/// The tables in which the destination leads to the target.
pub(super) async fn standing(regional: &Regional, terms: &Terms) -> Result<Vec<RouteTable>, Failure> {
    let mut live = regional.route_tables(&terms.tables).await?;
    live.retain(|table| is_there(terms, table));
    Ok(live)
}

/// The tables in which the destination leads to a dead peering, and which that is.
pub(super) async fn dead(
    regional: &Regional,
    tables: &[String],
    destination: &str,
) -> Result<Vec<(RouteTable, String)>, Failure> {
    let mut found = Vec::new();
    for table in regional.route_tables(tables).await? {
        let Some(peering) = suspect(&table, destination).map(str::to_owned) else { continue };
        if regional.peering(&peering).await?.is_none_or(|peering| !peering.state.is_live()) {
            found.push((table, peering));
        }
    }
    Ok(found)
}

/// The wanted tables in the plan's order, each with what is to be done in it, or why it must be refused. That a route is
/// there, or none with its destination, the picture shows well enough; where it shows anything else, the tables are
/// looked at as they are.
///
/// # Errors
///
/// A table is not there, or a call was refused.
pub(super) async fn decisions(
    regional: &Regional,
    terms: &Terms,
) -> Result<Vec<(RouteTable, Result<Decision, Failure>)>, Failure> {
    // One that the listing did not have was looked for by itself.
    let pictured = in_order(regional, terms, regional.pictured_routes(&terms.tables, &terms.destination).await?)?;
    let decided: Vec<_> = pictured
        .into_iter()
        .map(|table| {
            let decision = decide(terms, &table);
            (table, decision)
        })
        .collect();
    if decided.iter().all(|(_, decision)| matches!(decision, Decision::Nothing | Decision::Create)) {
        return Ok(decided.into_iter().map(|(table, decision)| (table, Ok(decision))).collect());
    }
    let mut decided = Vec::with_capacity(terms.tables.len());
    for table in tables(regional, terms).await? {
        let decision = settle(regional, terms, &table).await;
        decided.push((table, decision));
    }
    Ok(decided)
}

/// The wanted tables as they are, in the plan's order, by one call.
async fn tables(regional: &Regional, terms: &Terms) -> Result<Vec<RouteTable>, Failure> {
    in_order(regional, terms, regional.route_tables(&terms.tables).await?)
}

/// Puts the wanted tables in the plan's order.
///
/// # Errors
///
/// One is not there.
fn in_order(regional: &Regional, terms: &Terms, mut live: Vec<RouteTable>) -> Result<Vec<RouteTable>, Failure> {
    let position = |id: &str| terms.tables.iter().position(|table| table == id);
    let missing = terms.tables.iter().find(|id| !live.iter().any(|table| table.id == **id));
    if let Some(id) = missing {
        return Err(Failure::new(
            format!("route table {id} does not exist in {regional}"),
            format!("{} cannot be led to {}", terms.destination, terms.target),
        )
        .help("see that `account` and `region` of the node are those of its route tables"));
    }
    live.sort_by_key(|table| position(&table.id));
    Ok(live)
}

/// Decides for one table, and finds out about a peering that carries nothing.
async fn settle(regional: &Regional, terms: &Terms, table: &RouteTable) -> Result<Decision, Failure> {
    match decide(terms, table) {
        Decision::Refuse(failure) => Err(failure),
        Decision::Suspect { peering } => {
            // Leading a route away from a dead peering takes nothing from anybody; one that waits may yet be somebody's.
            match regional.peering(&peering).await? {
                Some(live) if live.state.is_live() => Err(elsewhere(terms, table, &peering)),
                _ => Ok(Decision::Replace { from: format!("{peering}, which is dead") }),
            }
        }
        decision => Ok(decision),
    }
}

/// Whether a route is there, or is to be made where there is none: nothing is lost if that has to be taken back.
fn is_plain(decision: &Result<Decision, Failure>) -> bool {
    matches!(decision, Ok(Decision::Nothing | Decision::Create))
}

/// Holds that a route is led elsewhere only where that was shown, if anything was.
fn permitted(shown: Option<&Shown>, table: &str, decision: &Decision) -> Result<(), Failure> {
    match (shown, decision) {
        (Some(shown), Decision::Replace { from }) => shown.permits_leading(table, from),
        _ => Ok(()),
    }
}

/// Does what was decided for one table; looks again when it has changed meanwhile. Gives a line and what was done, or
/// nothing where there was nothing to do.
async fn act(
    regional: &Regional,
    terms: &Terms,
    shown: Option<&Shown>,
    course: Course<'_>,
    table: &str,
    mut decision: Decision,
) -> Result<Option<(String, Change)>, Failure> {
    let route = format!("{table}: {} → {}", terms.destination, terms.target);
    let mut tried: Option<(String, Change)> = None;
    let mut looks = 0;
    loop {
        let (answer, done) = match &decision {
            // After an attempt whose answer was lost, this is its effect.
            Decision::Nothing => return Ok(tried),
            Decision::Replace { from } => {
                (replace(regional, terms, table).await, (format!("{route}, instead of {from}"), Change::Updated))
            }
            Decision::Create | Decision::Suspect { .. } | Decision::Refuse(_) => {
                (create(regional, terms, course, table).await, (route.clone(), Change::Created))
            }
        };
        looks += 1;
        match answer {
            Ok(()) => return Ok(Some(done)),
            Err(error) if has_changed(&error) && looks < if is_of_vpc(&error) { 2 } else { LOOKS } => {
                tracing::info!(%error, table, "looking at the table again");
                tried = tried.or_else(|| is_unheard(&error).then_some(done));
                tokio::time::sleep(pause(looks)).await;
                let mut found = look_again(regional, terms, table, &decision).await?;
                if !is_plain(&found) && !course.footing.is_firm() {
                    course.footing.settled().await;
                    found = look_again(regional, terms, table, &decision).await?;
                }
                decision = found?;
                permitted(shown, table, &decision)?;
            }
            Err(error) if !course.footing.is_firm() && !matches!(error.class, Class::Denied | Class::Expired) => {
                tracing::info!(%error, table, "waits until what the route leads to has ended");
                tried = tried.or_else(|| is_unheard(&error).then_some(done));
                course.footing.settled().await;
                decision = look_again(regional, terms, table, &decision).await??;
                permitted(shown, table, &decision)?;
                looks = 0;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Looks at a table once more and decides anew; of one that is not to be seen it stays as it was decided.
async fn look_again(
    regional: &Regional,
    terms: &Terms,
    table: &str,
    decision: &Decision,
) -> Result<Result<Decision, Failure>, Failure> {
    Ok(match regional.route_tables(&[table.to_owned()]).await?.first() {
        Some(live) => settle(regional, terms, live).await,
        None => Ok(decision.clone()),
    })
}

/// Whether the table may be other than it was when it was looked at: somebody was faster, or our own first attempt.
fn has_changed(error: &CallError) -> bool {
    let is_so =
        error.class == Class::Lost || error.is(ALREADY_EXISTS) || error.is("InvalidRoute.NotFound") || is_of_vpc(error);
    is_so && safeguard::holds(Safeguard::LookingAgain)
}

/// Whether EC2 says that the destination is within the VPC's own range, in the words of its answer: the table tells how.
fn is_of_vpc(error: &CallError) -> bool {
    error.is("InvalidParameterValue") && error.message.contains("equal to or more specific")
}

/// Whether a call, or an attempt within it, may have had its effect though it failed. What EC2 has refused, and never failed to
/// answer, has had none: the route that is there then is somebody else's.
fn is_unheard(error: &CallError) -> bool {
    error.class == Class::Lost || error.is_after_silence
}

async fn create(regional: &Regional, terms: &Terms, course: Course<'_>, table: &str) -> Result<(), CallError> {
    let (destination, target) = (terms.destination.clone(), terms.target.clone());
    let (route, turns) = (Made { table: table.to_owned(), destination, target }, Turns::of("CreateRoute"));
    // Whether a former turn had no answer, so that the note stands whatever is said now.
    let is_noted = AtomicBool::new(false);
    let call = || async {
        // A route that is to be given up is not made after it has waited for its turn.
        let (regional, _acting) = course.trace.acting_in_turn(regional, &turns).await;
        let asked = kinds::Made::RouteAsked(route.clone());
        if !is_noted.load(Ordering::Relaxed) {
            course.trace.note(asked.clone());
        }
        let mut answer = regional.create_route(table, &terms.destination, terms.kind, &terms.target).await;
        match &mut answer {
            // It is this call's, unheard, or somebody else's.
            Err(error) if is_unheard(error) => is_noted.store(true, Ordering::Relaxed),
            Err(error) if is_noted.load(Ordering::Relaxed) => error.is_after_silence |= error.is(ALREADY_EXISTS),
            Err(_) => course.trace.strike(&asked),
            Ok(()) => {
                course.trace.note(kinds::Made::Route(route.clone()));
                course.trace.strike(&asked);
            }
        }
        answer
    };
    loop {
        match once_known(terms, call).await {
            Err(error) if regional.waits_for_another_turn(&error, &turns).await => {}
            answer => return answer,
        }
    }
}

async fn replace(regional: &Regional, terms: &Terms, table: &str) -> Result<(), CallError> {
    once_known(terms, || regional.replace_route(table, &terms.destination, terms.kind, &terms.target)).await
}

/// Makes a call that may find a fresh target unknown, until the target is known or should be.
async fn once_known<F>(terms: &Terms, call: impl Fn() -> F) -> Result<(), CallError>
where
    F: Future<Output = Result<(), CallError>>,
{
    let began = Instant::now();
    loop {
        match call().await {
            Err(error) if is_unknown_target(&error, terms) && began.elapsed() < UNKNOWN_AT_MOST => {
                tokio::time::sleep((began.elapsed() / 10).clamp(Duration::from_secs(1), Duration::from_secs(5))).await;
            }
            answer => return answer,
        }
    }
}

/// Whether EC2 does not know the target (rather than the table or the route).
fn is_unknown_target(error: &CallError, terms: &Terms) -> bool {
    error.class == Class::NotFound && !error.is("InvalidRoute.NotFound") && error.message.contains(&terms.target)
}

#[cfg(test)]
mod tests {
    use super::super::parse::tests::wanted;
    use super::*;

    fn error(code: &str, message: &str, class: Class) -> CallError {
        CallError::sample("CreateRoute", class).saying(code, message)
    }

    #[test]
    fn only_what_tells_of_another_table_than_was_seen_is_looked_at_again() {
        for (code, class, expected) in [
            ("RouteAlreadyExists", Class::Conflict, true),
            ("InvalidRoute.NotFound", Class::NotFound, true),
            ("InternalError", Class::Lost, true),
            ("IncorrectState", Class::Conflict, false),
            ("InvalidRouteTableID.NotFound", Class::NotFound, false),
            ("UnauthorizedOperation", Class::Denied, false),
        ] {
            assert_eq!(has_changed(&error(code, "", class)), expected, "{code}");
        }
        let own =
            "The destination CIDR block 10.0.16.0/20 is equal to or more specific than one of this VPC's CIDR blocks";
        assert!(has_changed(&error("InvalidParameterValue", own, Class::Other)), "the table says that it is the VPC's");
        assert!(!has_changed(&error("InvalidParameterValue", "Value (pcx) is malformed", Class::Other)));
    }

    #[test]
    fn a_target_that_is_not_known_is_told_from_a_table_or_a_route() {
        let terms = terms(&wanted()).unwrap();
        let unknown = |code, message| is_unknown_target(&error(code, message, Class::NotFound), &terms);
        assert!(unknown("InvalidVpcPeeringConnectionID.NotFound", "The peering connection ID 'pcx-1' does not exist"));
        assert!(!unknown("InvalidRouteTableID.NotFound", "The routeTable ID 'rtb-1' does not exist"));
        assert!(!unknown("InvalidRoute.NotFound", "There is no route to pcx-1"));
    }
}
