//! `ListExports` and `ListImports`.

use super::super::config::invalid;
use super::page::page;
use super::request::required;
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::{Place, World};

pub(super) fn list(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let mut xml = Xml::new();
    page(params, &world.at(place).cloudformation.exports)?.write(&mut xml, "Exports", |xml, (name, export)| {
        xml.text("ExportingStackId", &export.stack).text("Name", name).text("Value", &export.value);
    });
    Ok(xml)
}

pub(super) fn imports(world: &World, place: &Place, params: &Params) -> Result<Xml, ApiError> {
    let name = required(params, "ExportName", "exportName")?;
    let service = &world.at(place).cloudformation;
    let owner = service.exports.get(name).map(|export| export.stack.as_str()).unwrap_or_default();
    let users = service.importers(name, owner);
    if users.is_empty() {
        return Err(invalid(format!("Export '{name}' is not imported by any stack.")));
    }
    let mut xml = Xml::new();
    page(params, users)?.write_texts(&mut xml, "Imports");
    Ok(xml)
}
