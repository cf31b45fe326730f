//! Variables that the plan declares and never uses.

use std::collections::HashSet;
use std::sync::Arc;

use super::codes;
use super::document::{Data, Item, Table};
use super::for_each;
use super::problems::Problems;
use crate::diag::{FileId, Problem, Severity};
use crate::expr::Expression;

/// Reports every variable of the plan's own file, `own`, that neither the plan nor what it extends names.
///
/// What a base declares is not looked at, since other plans that extend it may use it. A plan with an error is not
/// looked at either: where a name is misspelt, the variable that was meant would look unused.
pub(super) fn check(plan: &Table, own: FileId, problems: &mut Problems) {
    let Some(vars) = plan.get("vars").and_then(|entry| entry.item.table()) else { return };
    if problems.any_errors() {
        return;
    }
    let mut used = HashSet::new();
    for (key, entry) in plan.iter().filter(|(key, _)| &***key != "vars") {
        collect(key, &entry.item, &mut used);
    }
    for (name, entry) in vars.iter().filter(|(name, entry)| entry.key.file == own && !used.contains(*name)) {
        let message = format!("the variable `{name}` is never used");
        problems.add(codes::UNUSED_VARIABLE, &entry.key, message, |problem| {
            let path = if name.contains(['.', ' ']) { format!("[{name}]") } else { name.to_string() };
            let help = format!("take it away, or use it where it was meant to be: {{{{ vars.{path} }}}}");
            Problem { severity: Severity::Hint, ..problem }.help(help)
        });
    }
}

/// Notes the names of the variables in a value, also in those that are never worked out, such as the defaults of a kind
/// that the plan has no table of.
fn collect(key: &str, item: &Item, used: &mut HashSet<Arc<str>>) {
    match &item.data {
        Data::Text(text) if !text.contains("vars") => {}
        Data::Text(text) if key == "for_each" => note(&for_each::parts(text).unwrap_or_default(), used),
        Data::Text(text) => {
            if let Ok(expression) = Expression::parse(text) {
                expression.references().iter().for_each(|reference| note(&reference.path, used));
            }
        }
        // The items of a list are texts with expressions, those of `for_each` too.
        Data::List(items) => items.iter().for_each(|item| collect("", item, used)),
        Data::Table(table) => table.iter().for_each(|(key, entry)| collect(key, &entry.item, used)),
        Data::Integer(_) | Data::Float(_) | Data::Boolean(_) | Data::Datetime(_) => {}
    }
}

fn note(path: &[Arc<str>], used: &mut HashSet<Arc<str>>) {
    if let [root, name, ..] = path
        && &**root == "vars"
    {
        used.insert(name.clone());
    }
}
