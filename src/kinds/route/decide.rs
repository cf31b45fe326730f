//! What to do about a destination in one route table.

use super::parse::Terms;
use crate::aws::{Route, RouteTable};
use crate::event::Failure;

/// What to do in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// No route has this destination: make one.
    Create,
    /// It is there.
    Nothing,
    /// It leads elsewhere and may be led here.
    Replace {
        /// Where it leads now.
        from: String,
    },
    /// It leads to a peering that carries nothing: whether that is dead or only waits is to be found out.
    Suspect {
        /// The peering.
        peering: String,
    },
    /// It leads elsewhere and must not be touched.
    Refuse(Failure),
}

impl Decision {
    /// The word for it; for the log.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Nothing => "nothing to do",
            Self::Replace { .. } => "replace",
            Self::Suspect { .. } => "look into its peering",
            Self::Refuse(_) => "refuse",
        }
    }
}

/// The route to a destination in a table. Routes learnt from a gateway give way to made ones, so they do not count.
pub(super) fn route<'a>(table: &'a RouteTable, destination: &str) -> Option<&'a Route> {
    table.routes.iter().find(|route| route.destination == destination && !route.propagated)
}

/// Whether the table's route to the destination leads to the target.
pub(super) fn is_there(terms: &Terms, table: &RouteTable) -> bool {
    route(table, &terms.destination).is_some_and(|route| route.targets.contains(&terms.target))
}

/// The peering that the table's route to a destination leads to in vain: it is gone, or only waits.
pub(super) fn suspect<'a>(table: &'a RouteTable, destination: &str) -> Option<&'a str> {
    let route = route(table, destination).filter(|route| route.blackhole)?;
    route.targets.iter().map(String::as_str).find(|target| target.starts_with("pcx-"))
}

/// Decides for one table.
pub(super) fn decide(terms: &Terms, table: &RouteTable) -> Decision {
    let Some(route) = route(table, &terms.destination) else {
        return if terms.must_be_there { Decision::Refuse(nothing_to_adopt(terms, table)) } else { Decision::Create };
    };
    if route.targets.contains(&terms.target) {
        return Decision::Nothing;
    }
    let from = route.targets.first().cloned().unwrap_or_else(|| "nowhere".to_owned());
    // EC2 lets some targets take a `local` route's place; with `replace` it decides itself.
    if terms.replace {
        return Decision::Replace { from };
    }
    if from == "local" {
        return Decision::Refuse(local(terms, table));
    }
    if route.blackhole && from.starts_with("pcx-") {
        return Decision::Suspect { peering: from };
    }
    Decision::Refuse(elsewhere(terms, table, &from))
}

/// The table has no route to the destination that could be taken over.
fn nothing_to_adopt(terms: &Terms, table: &RouteTable) -> Failure {
    let what = format!("route table {} has no route to {}, so it cannot be adopted", table.id, terms.destination);
    Failure::new(what, "").help("if it is to be made, run `orch apply`")
}

/// The destination is the VPC's own range.
fn local(terms: &Terms, table: &RouteTable) -> Failure {
    Failure::new(
        format!("route table {} already leads {} to its own VPC", table.id, terms.destination),
        "that is the VPC's own range",
    )
    .help("see what `destination` of the node gives: as a rule it is the other side's range")
    .help("if traffic within the VPC is to go through the target, set `replace = true`")
}

/// The destination is taken.
pub(super) fn elsewhere(terms: &Terms, table: &RouteTable, from: &str) -> Failure {
    Failure::new(
        format!("route table {} already leads {} to {from}", table.id, terms.destination),
        format!("this node wants it to lead to {}", terms.target),
    )
    .help("if the node is to have it, set `replace = true`")
    .help("else take the table or the destination out of the node")
}

#[cfg(test)]
mod tests {
    use super::super::Wanted;
    use super::super::parse::{terms, tests::wanted};
    use super::*;
    use crate::kinds::Adopt;

    fn table(routes: &[(&str, &str)]) -> RouteTable {
        let route = |(destination, target): &(&str, &str)| Route {
            destination: (*destination).to_owned(),
            targets: vec![(*target).to_owned()],
            ..Route::default()
        };
        RouteTable { id: "rtb-1".to_owned(), routes: routes.iter().map(route).collect(), ..RouteTable::default() }
    }

    fn decision(replace: bool, table: &RouteTable) -> String {
        let mut wanted = wanted();
        wanted.replace = replace;
        match decide(&terms(&wanted).unwrap(), table) {
            Decision::Create => "create".to_owned(),
            Decision::Nothing => "nothing".to_owned(),
            Decision::Replace { from } => format!("replace {from}"),
            Decision::Suspect { peering } => format!("suspect {peering}"),
            Decision::Refuse(_) => "refuse".to_owned(),
        }
    }

    #[test]
    fn each_table_has_its_decision() {
        for (routes, plain, replacing) in [
            (&[][..], "create", "create"),
            (&[("10.1.0.0/16", "local"), ("10.0.16.0/20", "pcx-1")], "create", "create"),
            (&[("10.0.0.0/20", "pcx-1")], "nothing", "nothing"),
            (&[("10.0.0.0/20", "tgw-1")], "refuse", "replace tgw-1"),
            (&[("10.0.0.0/20", "local")], "refuse", "replace local"),
        ] {
            assert_eq!(decision(false, &table(routes)), plain, "{routes:?}");
            assert_eq!(decision(true, &table(routes)), replacing, "{routes:?}");
        }
    }

    #[test]
    fn a_route_that_is_only_to_be_taken_over_must_be_there() {
        let terms = terms(&Wanted { adopt: Adopt::Now { from_others: false }, ..wanted() }).unwrap();
        assert!(matches!(decide(&terms, &table(&[])), Decision::Refuse(_)));
        assert_eq!(decide(&terms, &table(&[("10.0.0.0/20", "pcx-1")])), Decision::Nothing);
    }

    #[test]
    fn a_blackhole_to_a_peering_is_looked_into_and_any_other_is_refused() {
        let mut dead = table(&[("10.0.0.0/20", "pcx-0")]);
        dead.routes[0].blackhole = true;
        assert_eq!(decision(false, &dead), "suspect pcx-0");
        assert_eq!(decision(true, &dead), "replace pcx-0");
        let mut other = table(&[("10.0.0.0/20", "nat-0")]);
        other.routes[0].blackhole = true;
        assert_eq!(decision(false, &other), "refuse");
        let mut ours = table(&[("10.0.0.0/20", "pcx-1")]);
        ours.routes[0].blackhole = true;
        assert_eq!(decision(false, &ours), "nothing", "its peering is only pending yet");
    }

    #[test]
    fn a_learnt_route_does_not_count_and_any_of_a_routes_targets_does() {
        let mut learnt = table(&[("10.0.0.0/20", "vgw-1")]);
        learnt.routes[0].propagated = true;
        assert_eq!(decision(false, &learnt), "create");
        let mut several = table(&[("10.0.0.0/20", "i-1")]);
        several.routes[0].targets.push("pcx-1".to_owned());
        assert_eq!(decision(false, &several), "nothing");
    }
}
