//! Destinations and targets as EC2 knows them.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::Wanted;
use crate::aws::RouteTarget;
use crate::event::Failure;

/// A wanted route in EC2's own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// The route tables, each once, in the plan's order.
    pub(super) tables: Vec<String>,
    /// The destination in canonical form.
    pub(super) destination: String,
    /// The target's kind.
    pub(super) kind: RouteTarget,
    /// The target's id.
    pub(super) target: String,
    pub(super) replace: bool,
    /// Whether the route must be there.
    pub(super) must_be_there: bool,
}

impl Terms {
    /// The terms of a route whose target is not known yet: no route that is there leads to it.
    pub(super) fn towards_nothing(tables: Vec<String>, destination: String, replace: bool) -> Self {
        Self {
            tables,
            destination,
            kind: RouteTarget::Peering,
            target: "a target that is not known yet".to_owned(),
            replace,
            must_be_there: false,
        }
    }
}

/// Reads a wanted route, or says which of its values cannot be one of a route.
pub(super) fn terms(wanted: &Wanted) -> Result<Terms, Failure> {
    let (tables, destination) = place(&wanted.route_tables, &wanted.destination)?;
    Ok(Terms {
        tables,
        destination,
        kind: RouteTarget::of(&wanted.target).ok_or_else(|| not_a_target(&wanted.target))?,
        target: wanted.target.clone(),
        replace: wanted.replace,
        must_be_there: wanted.adopt.is_now(),
    })
}

/// Reads where a route is, wherever it leads: its tables, each once, and its destination in canonical form.
///
/// # Errors
///
/// An id is not that of a table, or the destination not one of a route.
pub fn place(tables: &[String], destination: &str) -> Result<(Vec<String>, String), Failure> {
    let mut seen = BTreeSet::new();
    let tables: Vec<String> = tables.iter().filter(|table| seen.insert(table.as_str())).cloned().collect();
    if let Some(table) = tables.iter().find(|table| !table.starts_with("rtb-")) {
        return Err(Failure::new(format!("`{table}` is not a route table"), "a route table's id begins with rtb-")
            .help("see what `route_tables` of the node gives"));
    }
    Ok((tables, canonical(destination)?))
}

/// The canonical form of a destination: EC2 keeps `10.0.0.5/20` as `10.0.0.0/20`, and IPv6 in its shortest form.
fn canonical(text: &str) -> Result<String, Failure> {
    if text.len() > 3 && text.starts_with("pl-") {
        return Ok(text.to_owned());
    }
    match text.parse::<IpNet>() {
        Ok(range) => Ok(range.trunc().to_string()),
        Err(_) => Err(Failure::new(
            format!("`{text}` is not a destination"),
            "a destination is an IPv4 or IPv6 range like 10.0.0.0/20, or a prefix list's id (pl-…)",
        )
        .help("see what `destination` of the node gives")),
    }
}

fn not_a_target(target: &str) -> Failure {
    Failure::new(
        format!("`{target}` is not something that a route can lead to"),
        "a target's id begins with pcx-, tgw-, nat-, igw-, vgw-, eni-, vpce-, eigw-, lgw-, cagw- or i-, or is a core network's ARN",
    )
    .help("see what `via` of the node gives")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kinds::{Adopt, Owner};

    pub(in super::super) fn wanted() -> Wanted {
        Wanted {
            route_tables: vec!["rtb-1".to_owned()],
            destination: "10.0.0.0/20".to_owned(),
            target: "pcx-1".to_owned(),
            replace: false,
            adopt: Adopt::Never,
            owner: Owner::new("network", "routes.out[dev]".parse().unwrap()),
        }
    }

    #[test]
    fn destinations_are_kept_as_ec2_keeps_them() {
        for (text, expected) in [
            ("10.0.0.5/20", "10.0.0.0/20"),
            ("10.0.0.0/20", "10.0.0.0/20"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0:0::5/56", "2001:db8::/56"),
            ("::/0", "::/0"),
            ("pl-63a5400a", "pl-63a5400a"),
        ] {
            assert_eq!(canonical(text).unwrap(), expected);
        }
        for text in ["", "10.0.0.0", "10.0.0.0/33", "pl-", "sg-1"] {
            assert!(canonical(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_table_that_is_named_twice_is_one_table() {
        let mut wanted = wanted();
        wanted.route_tables = ["rtb-2", "rtb-1", "rtb-2"].map(str::to_owned).to_vec();
        assert_eq!(terms(&wanted).unwrap().tables, ["rtb-2", "rtb-1"]);
    }

    #[test]
    fn what_is_no_table_or_target_is_said() {
        let mut table = wanted();
        table.route_tables = vec!["subnet-1".to_owned()];
        assert!(terms(&table).unwrap_err().summary.contains("`subnet-1`"));
        let mut target = wanted();
        target.target = "vpc-1".to_owned();
        assert!(terms(&target).unwrap_err().summary.contains("`vpc-1`"));
    }
}
