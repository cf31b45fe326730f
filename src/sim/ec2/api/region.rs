//! Operations on regions and availability zones.

use super::Answer;
use crate::sim::ec2::zone;
use crate::sim::wire::{ApiError, Request, Xml};

pub(super) fn describe_zones(request: &Request) -> Answer {
    let region = &request.place.region;
    let (names, ids) = (request.params.list("ZoneName"), request.params.list("ZoneId"));
    let zones = zone::zones(region);
    if let Some(nobody) = names.iter().find(|name| !zones.contains_key(**name)) {
        return Err(ApiError::invalid(format!("Invalid availability zone: [{nobody}]")));
    }
    let wanted = zones.into_iter().filter(|(name, id)| {
        (names.is_empty() || names.contains(&name.as_str())) && (ids.is_empty() || ids.contains(&id.as_str()))
    });
    let mut xml = Xml::new();
    xml.items("availabilityZoneInfo", wanted, |xml, (name, id)| {
        xml.text("zoneName", name).text("zoneId", id).text("zoneState", "available").text("regionName", region);
        xml.text("groupName", region).text("networkBorderGroup", region).text("zoneType", "availability-zone");
        xml.text("optInStatus", "opt-in-not-required");
    });
    Ok(xml)
}

pub(super) fn describe_regions(request: &Request) -> Answer {
    let names = request.params.list("RegionName");
    let regions = zone::regions(request.place.region.partition());
    if let Some(nobody) = names.iter().find(|name| !regions.contains(name)) {
        return Err(ApiError::invalid(format!("Invalid region name: {nobody}")));
    }
    let wanted = regions.iter().filter(|region| names.is_empty() || names.contains(region));
    let domain = request.place.region.url_suffix().unwrap_or("amazonaws.com");
    let mut xml = Xml::new();
    xml.items("regionInfo", wanted, |xml, region| {
        xml.text("regionName", region).text("regionEndpoint", format!("ec2.{region}.{domain}"));
        xml.text("optInStatus", "opt-in-not-required");
    });
    Ok(xml)
}
