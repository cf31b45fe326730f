//! The files that the templates are written to.

use std::collections::BTreeMap;

use super::Stack;

/// Templates by the path beside the plan; equal ones share a file.
#[derive(Debug, Default)]
pub(super) struct Templates {
    pub(super) files: BTreeMap<String, String>,
}

impl Templates {
    /// The path of a stack's template.
    pub(super) fn path(&mut self, stack: &Stack) -> String {
        if let Some((path, _)) = self.files.iter().find(|(_, text)| **text == stack.template) {
            return path.clone();
        }
        let extension = if stack.template.trim_start().starts_with('{') { "json" } else { "yaml" };
        let free = |path: &String| !self.files.contains_key(path);
        let numbered = (2_u32..).map(|number| format!("templates/{}-{number}.{extension}", stack.name));
        let path = std::iter::once(format!("templates/{}.{extension}", stack.name)).chain(numbered).find(free);
        let path = path.unwrap_or_default();
        self.files.insert(path.clone(), stack.template.clone());
        path
    }
}
