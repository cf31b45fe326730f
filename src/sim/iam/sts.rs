//! What calls to STS ask for.

use super::{keys, with_request_tags};
use crate::iam::Asked;
use crate::sim::wire::{Params, Request, Service};

/// To know who one is, and to show a second factor, takes no permission.
pub(super) fn asked(request: &Request) -> Vec<Asked> {
    let params = &request.params;
    if request.operation != "AssumeRole" {
        return Vec::new();
    }
    let role = params.get("RoleArn").unwrap_or("*");
    let mut own = keys(request);
    for (name, key) in [("ExternalId", "sts:ExternalId"), ("RoleSessionName", "sts:RoleSessionName")] {
        if let Some(value) = params.get(name) {
            own.add(key, value);
        }
    }
    let tags = params.structures("Tags");
    let pair = |tag: &Params| Some((tag.get("Key")?.to_owned(), tag.get("Value").unwrap_or_default().to_owned()));
    let tags: Vec<(String, String)> = tags.iter().filter_map(pair).collect();
    let own = with_request_tags(own, tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let mut all = vec![super::ask(Service::Sts, "AssumeRole", role, own.clone())];
    if !tags.is_empty() {
        all.push(super::ask(Service::Sts, "TagSession", role, own));
    }
    all
}
