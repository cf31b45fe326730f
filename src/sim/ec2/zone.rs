//! Regions and availability zones.

use std::collections::BTreeMap;

use crate::ids::Region;

/// The regions of each partition. See <https://docs.aws.amazon.com/general/latest/gr/rande.html>.
const REGIONS: [(&str, &[&str]); 3] = [
    (
        "aws",
        &[
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
            "ca-central-1",
            "eu-central-1",
            "eu-north-1",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
    ),
    ("aws-us-gov", &["us-gov-east-1", "us-gov-west-1"]),
    ("aws-cn", &["cn-north-1", "cn-northwest-1"]),
];

/// The regions that every account of a partition has without opting in.
pub(crate) fn regions(partition: &str) -> &'static [&'static str] {
    REGIONS.iter().find(|(name, _)| *name == partition).map_or(&[], |(_, regions)| regions)
}

/// The availability zones of a region, by name with their ids: `us-east-1a` is `use1-az1`. Every region has three, as
/// most of AWS's have for a new account, and us-east-1 has six.
pub(crate) fn zones(region: &Region) -> BTreeMap<String, String> {
    let letters = if region.as_str() == "us-east-1" { "abcdef" } else { "abc" };
    let short = short(region.as_str());
    letters
        .chars()
        .zip(1..)
        .map(|(letter, number)| (format!("{region}{letter}"), format!("{short}-az{number}")))
        .collect()
}

/// A region's short name in zone ids: `usw2`, `apse1`, `usgw1`.
fn short(region: &str) -> String {
    let mut parts: Vec<&str> = region.split('-').collect();
    let (number, direction) = (parts.pop().unwrap_or_default(), parts.pop().unwrap_or_default());
    let direction = match direction {
        "northeast" => "ne",
        "northwest" => "nw",
        "southeast" => "se",
        "southwest" => "sw",
        other => other.get(..1).unwrap_or_default(),
    };
    let parts: String = parts.iter().map(|part| if *part == "gov" { "g" } else { part }).collect();
    format!("{parts}{direction}{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_ids_shorten_the_region() {
        for (region, id) in [
            ("us-east-1", "use1-az1"),
            ("ap-southeast-2", "apse2-az1"),
            ("us-gov-west-1", "usgw1-az1"),
            ("cn-north-1", "cnn1-az1"),
        ] {
            assert_eq!(zones(&Region::from(region))[&format!("{region}a")], id);
        }
    }

    #[test]
    fn regions_are_those_of_the_partition() {
        assert!(regions("aws").contains(&"us-west-2"));
        assert_eq!(regions("aws-cn"), ["cn-north-1", "cn-northwest-1"]);
        assert!(regions("mars").is_empty());
    }
}
