//! What a stack gives, worked out at the end of its creation or update.

use super::lasting;
use crate::cfn::EvalError;
use crate::sim::cloudformation::config::Config;
use crate::sim::cloudformation::output::Output;
use crate::sim::cloudformation::scope::Scope;
use crate::sim::cloudformation::stack::Stack;
use crate::sim::world::{ASSUMED, Place, World};

/// The outputs of a stack as it is now.
///
/// # Errors
///
/// A value that cannot be worked out or is no text, an export that another stack has, or that others use and that
/// would change or go.
pub(in crate::sim::cloudformation) fn outputs(
    world: &World,
    place: &Place,
    stack: &mut Stack,
) -> Result<Vec<Output>, String> {
    let Some(config) = &stack.config else { return Ok(Vec::new()) };
    let scope = Scope::new(world, place, (&stack.id, &stack.name), config, &stack.resources);
    let outputs = evaluate(stack, config, &scope)?;
    let imports = scope.imports.take();
    check_exports(world, place, stack, &outputs)?;
    stack.import(imports);
    Ok(outputs)
}

fn evaluate(stack: &Stack, config: &Config, scope: &Scope<'_>) -> Result<Vec<Output>, String> {
    let evaluator = scope.evaluator();
    let told = stack.seeded.as_deref();
    let mut outputs = Vec::new();
    for declared in config.template.document().outputs.values() {
        if let Some(told) = told.filter(|told| lasting::keeps(scope, told, declared)) {
            outputs.extend(told.outputs.iter().find(|output| output.key == declared.name).cloned());
            continue;
        }
        scope.made_up.set(false);
        let exists = declared.condition.as_deref().map_or(Ok(true), |name| evaluator.condition(name));
        // What hangs on what was made up may be there.
        let unsure = |error: &EvalError| scope.made_up.get() || (error.is_unknown() && scope.world.assumes());
        let exists = exists.or_else(|error| if unsure(&error) { Ok(true) } else { Err(error.to_string()) });
        if !exists? {
            continue;
        }
        let text = |node| match evaluator.text(node) {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(format!(
                "Template format error: Output {} is malformed. The Value field of every Outputs member must evaluate to a String.",
                declared.name
            )),
            // What does not fit what was made up may fit what it stands for.
            Err(error) if unsure(&error) => Ok(format!("{}{ASSUMED}{}", declared.name, scope.stack_name)),
            Err(error) => Err(error.to_string()),
        };
        let Some(value) = declared.value.as_deref() else { continue };
        outputs.push(Output {
            key: declared.name.clone(),
            value: text(value)?,
            description: declared.description.clone(),
            export: declared.export.as_deref().map(text).transpose()?,
        });
    }
    Ok(outputs)
}

fn check_exports(world: &World, place: &Place, stack: &Stack, outputs: &[Output]) -> Result<(), String> {
    let service = &world.at(place).cloudformation;
    for name in outputs.iter().filter_map(|output| output.export.as_deref()) {
        if let Some(export) = service.exports.get(name)
            && export.stack != stack.id
            && let Some(owner) = service.stacks.get(&export.stack)
        {
            return Err(format!("Export with name {name} is already exported by stack {}. ", owner.name));
        }
    }
    for old in &stack.outputs {
        let Some(name) = &old.export else { continue };
        let new = outputs.iter().find(|output| output.export.as_ref() == Some(name));
        if new.is_some_and(|new| new.value == old.value) {
            continue;
        }
        let users = service.importers(name, &stack.id);
        if !users.is_empty() {
            let verb = if new.is_some() { "update" } else { "delete" };
            return Err(format!("Cannot {verb} export {name} as it is in use by {}. ", users.join(" and ")));
        }
    }
    Ok(())
}
