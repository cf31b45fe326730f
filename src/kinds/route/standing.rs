//! How a route stands in its tables.

use super::Wanted;
use super::decide::route;
use super::parse::{Terms, terms};
use crate::aws::RouteTable;
use crate::event::{Failure, Health, RouteState, Standing, TableStanding};

/// How a route stands in each of its tables, out of all tables that its account has in the region.
///
/// # Errors
///
/// A value is not one of a route.
pub fn standing(wanted: &Wanted, live: &[RouteTable]) -> Result<Standing, Failure> {
    let terms = terms(wanted)?;
    let tables: Vec<TableStanding> = terms.tables.iter().map(|id| in_table(&terms, id, live)).collect();
    let count = |state| tables.iter().filter(|table| table.state == state).count();
    let (active, missing) = (count(RouteState::Active), count(RouteState::Missing));
    let health = match active {
        active if active == tables.len() => Health::Fine,
        _ if active + missing == tables.len() => Health::Missing,
        _ => Health::Failed,
    };
    let of = if tables.len() == 1 { "1 table".to_owned() } else { format!("{} tables", tables.len()) };
    let state = match (active, missing) {
        (active, _) if active == tables.len() => format!("active in {of}"),
        (_, missing) if missing == tables.len() => "not there".to_owned(),
        (0, _) => format!("not active in {of}"),
        (active, _) => format!("active in {active} of {of}"),
    };
    let mut standing = Standing::new(health, state);
    if count(RouteState::Elsewhere) > 0 && !wanted.replace {
        standing = standing.help("if the node is to have the destination, set `replace = true`; else take the table or the destination out of the node");
    }
    if count(RouteState::NoTable) > 0 {
        standing = standing.help("see that `account` and `region` of the node are those of its route tables");
    }
    Ok(Standing { tables, ..standing })
}

fn in_table(terms: &Terms, id: &str, live: &[RouteTable]) -> TableStanding {
    let table = live.iter().find(|table| table.id == id);
    let found = table.and_then(|table| route(table, &terms.destination));
    let leads_here = found.is_some_and(|route| route.targets.contains(&terms.target));
    let state = match (table, found) {
        (None, _) => RouteState::NoTable,
        (_, None) => RouteState::Missing,
        (_, Some(route)) if route.blackhole => RouteState::Blackhole,
        _ if leads_here => RouteState::Active,
        _ => RouteState::Elsewhere,
    };
    let target =
        if leads_here { Some(terms.target.clone()) } else { found.and_then(|own| own.targets.first().cloned()) };
    let (table, destination) = (id.to_owned(), terms.destination.clone());
    TableStanding { table, destination, state, wanted: terms.target.clone(), target }
}

#[cfg(test)]
mod tests {
    use super::super::parse::tests::wanted;
    use super::*;
    use crate::aws::Route;

    fn table(id: &str, routes: &[(&str, &str, bool)]) -> RouteTable {
        let route = |(destination, target, blackhole): &(&str, &str, bool)| Route {
            destination: (*destination).to_owned(),
            targets: vec![(*target).to_owned()],
            blackhole: *blackhole,
            propagated: false,
        };
        RouteTable { id: id.to_owned(), routes: routes.iter().map(route).collect(), ..RouteTable::default() }
    }

    /// How the route stands in `rtb-1` and `rtb-2`.
    fn told(live: &[RouteTable]) -> (Health, String, Vec<RouteState>) {
        let mut wanted = wanted();
        wanted.route_tables.push("rtb-2".to_owned());
        let standing = standing(&wanted, live).unwrap();
        let states = standing.tables.iter().map(|table| table.state).collect();
        (standing.health, standing.state, states)
    }

    #[test]
    fn every_state_in_a_table_is_told_apart() {
        use RouteState::{Active, Blackhole, Elsewhere, Missing, NoTable};
        const HERE: (&str, &str, bool) = ("10.0.0.0/20", "pcx-1", false);
        for (one, other, health, state, states) in [
            (Some(HERE), Some(HERE), Health::Fine, "active in 2 tables", [Active, Active]),
            (Some(HERE), None, Health::Missing, "active in 1 of 2 tables", [Active, Missing]),
            (None, None, Health::Missing, "not there", [Missing, Missing]),
            (
                Some(HERE),
                Some(("10.0.0.0/20", "pcx-1", true)),
                Health::Failed,
                "active in 1 of 2 tables",
                [Active, Blackhole],
            ),
            (
                Some(("10.0.0.0/20", "tgw-1", false)),
                None,
                Health::Failed,
                "not active in 2 tables",
                [Elsewhere, Missing],
            ),
            (Some(("10.0.0.0/16", "pcx-1", false)), None, Health::Missing, "not there", [Missing, Missing]),
        ] {
            let live = [table("rtb-1", one.as_slice()), table("rtb-2", other.as_slice())];
            assert_eq!(told(&live), (health, state.to_owned(), states.to_vec()), "{one:?} {other:?}");
        }
        let live = [table("rtb-1", &[HERE])];
        assert_eq!(told(&live), (Health::Failed, "active in 1 of 2 tables".to_owned(), vec![Active, NoTable]));
    }

    #[test]
    fn a_value_that_cannot_be_a_routes_is_an_error() {
        let wanted = Wanted { target: "vpc-1".to_owned(), ..wanted() };
        assert!(standing(&wanted, &[]).is_err());
    }
}
