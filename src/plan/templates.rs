//! The templates that stacks name, each read once.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::codes;
use super::extends::PATH_HELP;
use super::files::{Files, Unread, read_named_text};
use super::nested::Nested;
use super::problems::Problems;
use crate::diag::{FileId, Sources, Span};

/// The templates read so far.
pub(super) struct Templates<'a> {
    files: &'a dyn Files,
    read: HashMap<Arc<Path>, Result<FileId, Unread>>,
    pub(super) nested: Nested,
}

impl<'a> Templates<'a> {
    /// None yet.
    pub(super) fn new(files: &'a dyn Files) -> Self {
        Self { files, read: HashMap::new(), nested: Nested::default() }
    }

    /// The template, or `what` it is, at `path`, which the plan names at `span`; `None` was reported.
    pub(super) fn find(
        &mut self,
        what: &str,
        path: &Path,
        span: &Span,
        sources: &mut Sources,
        problems: &mut Problems,
    ) -> Option<(Arc<Path>, FileId)> {
        if !self.read.contains_key(path) {
            let read = read_named_text(self.files, path).map(|text| sources.add(path, text));
            self.read.insert(path.into(), read);
        }
        let (path, read) = self.read.get_key_value(path)?;
        match read {
            Ok(file) => Some((path.clone(), *file)),
            Err(unread) => {
                let message = format!("{what} {} cannot be read: {}", path.display(), unread.reason);
                let code = if unread.outside { codes::OUTSIDE } else { codes::TEMPLATE };
                problems.error(code, span, message, unread.help.unwrap_or(PATH_HELP));
                None
            }
        }
    }
}
