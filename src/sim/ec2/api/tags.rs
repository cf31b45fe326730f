//! Operations on tags.

use super::query::{Query, one};
use super::{Answer, Tags, done};
use crate::sim::ec2::tagging;
use crate::sim::wire::{ApiError, Params, Request};
use crate::sim::world::World;

pub(super) fn create(world: &mut World, request: &Request) -> Answer {
    let params = &request.params;
    tagging::create(world, &request.place, &resources(params)?, &tagging::read(params))?;
    Ok(done())
}

pub(super) fn delete(world: &mut World, request: &Request) -> Answer {
    let params = &request.params;
    let pair = |tag: &Params| Some((tag.get("Key")?.to_owned(), tag.get("Value").map(str::to_owned)));
    let doomed: Vec<_> = params.structures("Tag").iter().filter_map(pair).collect();
    tagging::delete(world, &request.place, &resources(params)?, &doomed)?;
    Ok(done())
}

fn resources(params: &Params) -> Result<Vec<&str>, ApiError> {
    let ids = params.list("ResourceId");
    if ids.is_empty() { Err(ApiError::missing("resourceIdSet")) } else { Ok(ids) }
}

/// One tag of one resource.
struct Row<'a> {
    /// What pages are told apart by.
    id: String,
    resource: &'a str,
    kind: &'static str,
    key: &'a str,
    value: &'a str,
}

pub(super) fn describe(world: &World, request: &Request) -> Answer {
    let all = tagging::all(world, &request.place);
    let rows: Vec<_> = all
        .iter()
        .flat_map(|(resource, kind, tags)| {
            tags.iter().map(move |(key, value)| Row {
                id: format!("{resource} {key}"),
                resource,
                kind: kind.tagged,
                key,
                value,
            })
        })
        .collect();
    let query = Query {
        // Tags have no ids to be asked by.
        ids: "",
        not_found: |id| ApiError::new("InvalidID", format!("The ID '{id}' is not valid")),
        id: |row: &Row<'_>| &row.id,
        tags: &|row| Tags::from([(row.key, row.value)]),
        field: &|row, name| match name {
            "resource-id" => one(row.resource),
            "resource-type" => one(row.kind),
            "key" => one(row.key),
            "value" => one(row.value),
            _ => None,
        },
    };
    query.answer(request, &rows, "tagSet", |xml, row| {
        xml.text("resourceId", row.resource).text("resourceType", row.kind);
        xml.text("key", row.key).text("value", row.value);
    })
}
