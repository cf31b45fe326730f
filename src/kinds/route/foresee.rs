//! What a run would do with a route.

use std::collections::BTreeMap;

use super::super::expected::until;
use super::super::{Adopt, Expected, Failure, Outlook, Owner, Regional};
use super::Wanted;
use super::act::decisions;
use super::decide::{Decision, route};
use super::parse::{Terms, place, terms};
use crate::aws::RouteTable;
use crate::preview::Action;

/// A route as the plan wants it, as far as its values are known before the run.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The route tables, by id.
    pub route_tables: Vec<Expected>,
    /// The destination.
    pub destination: Expected,
    /// The target's id.
    pub target: Expected,
    /// Whether a route to the same destination by another target may be led here.
    pub replace: bool,
    /// Whether the route is only to be taken over, so that it must be there.
    pub adopt: Adopt,
    /// The node; for messages.
    pub owner: Owner,
}

/// What would be done in one table, or in one that is not there yet.
struct InTable {
    action: Action,
    line: String,
    /// The table, if it is there, and where it leads the destination now.
    now: Option<(String, String)>,
}

impl Draft {
    /// What the plan wants of it.
    pub fn wanted(&self) -> BTreeMap<String, String> {
        // Named one by one, so that whatever a route is wanted to have besides is decided on here too.
        let Self { route_tables, destination, target, replace, adopt, owner: _ } = self;
        let tables: Vec<&str> = route_tables.iter().map(Expected::text).collect();
        let facts = [
            ("route tables", tables.join(", ")),
            ("destination", destination.text().to_owned()),
            ("target", target.text().to_owned()),
            ("replace", replace.to_string()),
            ("adopt", adopt.is_wanted().to_string()),
        ];
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Looks at a route's tables and says what a run would do in them.
///
/// # Errors
///
/// It would fail: says why and what to do.
pub async fn foresee(regional: &Regional, draft: &Draft) -> Result<Outlook, Failure> {
    let known: Vec<String> = draft.route_tables.iter().filter_map(|table| table.known().map(str::to_owned)).collect();
    let until = until(draft.route_tables.iter().chain([&draft.destination, &draft.target]));
    let mut found: Vec<InTable> = Vec::new();
    if !known.is_empty() {
        found.extend(standing(regional, draft, known).await?);
    }
    let new = draft.route_tables.iter().filter_map(Expected::later);
    let (fresh, unknown): (Vec<_>, Vec<_>) = new.partition(|later| later.fresh);
    if !fresh.is_empty() {
        let line = format!("in {} that the run makes", tables_in_words(fresh.len()));
        found.push(InTable { action: Action::Create, line, now: None });
    }
    // Which tables those are is told with what the node waits for.
    found.extend(unknown.iter().map(|_| InTable { action: Action::Unknown, line: String::new(), now: None }));
    let has = |action| found.iter().any(|table| table.action == action);
    // What is made outweighs what is led elsewhere, and what is not known outweighs both.
    let order = [Action::Unknown, Action::Create, Action::Update];
    let action = order.into_iter().find(|action| has(*action)).unwrap_or(Action::Nothing);
    let live = found.iter().filter_map(|table| table.now.clone());
    let live = live.map(|(table, target)| (format!("route table {table}"), target)).collect();
    let led = found.iter().filter(|table| table.action == Action::Update).filter_map(|table| table.now.clone());
    let led = led.map(|(table, _)| table).collect();
    let name = draft.destination.known().unwrap_or_default();
    let outlook = Outlook::new(regional, &draft.owner, name, action).until(until).on(live);
    let outlook = Outlook { led, ..outlook };
    Ok(outlook
        .noting(found.into_iter().map(|table| table.line).filter(|line| action != Action::Nothing && !line.is_empty())))
}

/// What would be done in the tables that are there.
async fn standing(regional: &Regional, draft: &Draft, known: Vec<String>) -> Result<Vec<InTable>, Failure> {
    let (Some(destination), target) = (draft.destination.known(), draft.target.known()) else {
        let Some(later) = draft.destination.later() else { return Ok(Vec::new()) };
        let line = |table: &String| format!("{table}: the destination is not known until {}", later.values());
        let unknown = |table: &String| InTable { action: Action::Unknown, line: line(table), now: None };
        return Ok(known.iter().map(unknown).collect());
    };
    let fresh = draft.target.later().is_some_and(|later| later.fresh);
    // A target that is to be made has no id yet, and any other that is unknown must not be guessed: nothing leads there.
    let terms = if let Some(target) = target {
        let (destination, target) = (destination.to_owned(), target.to_owned());
        let (replace, adopt, owner) = (draft.replace, draft.adopt, draft.owner.clone());
        terms(&Wanted { route_tables: known, destination, target, replace, adopt, owner })?
    } else {
        let (tables, destination) = place(&known, destination)?;
        Terms::towards_nothing(tables, destination, draft.replace)
    };
    let mut found = Vec::new();
    for (table, decision) in decisions(regional, &terms).await? {
        found.push(in_table(&terms, &table, decision, target.is_some() || fresh, &shown(&draft.target))?);
    }
    Ok(found)
}

fn in_table(
    terms: &Terms,
    table: &RouteTable,
    decision: Result<Decision, Failure>,
    certain: bool,
    target: &str,
) -> Result<InTable, Failure> {
    let route = format!("{}: {} → {target}", table.id, terms.destination);
    let now = Some((table.id.clone(), leading(table, &terms.destination)));
    // Where the target is not known, what leads elsewhere now may be what is wanted.
    let decision = match decision {
        Err(_) if !certain => return Ok(InTable { action: Action::Unknown, line: route, now }),
        decision => decision?,
    };
    Ok(match decision {
        Decision::Create => InTable { action: Action::Create, line: route, now },
        Decision::Nothing => InTable { action: Action::Nothing, line: format!("{route} is there"), now },
        Decision::Replace { .. } if !certain => InTable { action: Action::Unknown, line: route, now },
        Decision::Replace { from } => {
            InTable { action: Action::Update, line: format!("{route}, instead of {from}"), now }
        }
        Decision::Suspect { peering } => {
            InTable { action: Action::Update, line: format!("{route}, instead of {peering}"), now }
        }
        Decision::Refuse(failure) => return Err(failure),
    })
}

/// Where a table leads a destination.
fn leading(table: &RouteTable, destination: &str) -> String {
    match route(table, destination) {
        Some(route) if route.blackhole => format!("{} (blackhole)", route.targets.join(", ")),
        Some(route) => route.targets.join(", "),
        None => "nowhere".to_owned(),
    }
}

fn tables_in_words(count: usize) -> String {
    if count == 1 { "a route table".to_owned() } else { format!("{count} route tables") }
}

fn shown(value: &Expected) -> String {
    match value {
        Expected::Known(text) => text.clone(),
        Expected::Later(later) => later.values(),
    }
}
