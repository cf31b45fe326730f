//! Address ranges as EC2 accepts them.

use ipnet::{Ipv4Net, Ipv6Net};

use crate::sim::wire::ApiError;

/// Reads an IPv4 range. Bits below the prefix are dropped, as EC2 does.
pub(super) fn v4(text: &str, parameter: &str) -> Result<Ipv4Net, ApiError> {
    text.parse::<Ipv4Net>().map(|range| range.trunc()).map_err(|_| malformed(text, parameter))
}

/// Reads an IPv6 range.
pub(super) fn v6(text: &str, parameter: &str) -> Result<Ipv6Net, ApiError> {
    text.parse::<Ipv6Net>().map(|range| range.trunc()).map_err(|_| malformed(text, parameter))
}

fn malformed(text: &str, parameter: &str) -> ApiError {
    ApiError::invalid(format!("Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block."))
}

/// Whether two ranges have an address in common.
pub(super) fn overlap_v4(one: Ipv4Net, two: Ipv4Net) -> bool {
    one.contains(&two) || two.contains(&one)
}

/// Whether two ranges have an address in common.
pub(super) fn overlap_v6(one: Ipv6Net, two: Ipv6Net) -> bool {
    one.contains(&two) || two.contains(&one)
}
