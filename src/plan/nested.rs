//! The templates that a template nests by their paths.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::codes;
use super::files::file_beside;
use super::node::Template;
use super::problems::Problems;
use super::templates::Templates;
use crate::cfn::{Document, LocalTemplate};
use crate::diag::{FileId, Sources, Span};

/// How deep templates nest.
const DEEPEST: usize = 10;

/// How many templates one may nest, those counted that they nest: AWS allows 2,000 stacks in a region.
const MOST: usize = 500;

/// What the templates read so far nest.
#[derive(Debug, Default)]
pub(super) struct Nested(HashMap<FileId, Arc<[Template]>>);

/// A template that is being looked into, and those that led to it.
struct Chain<'a> {
    file: FileId,
    above: Option<&'a Self>,
}

impl Chain<'_> {
    fn depth(&self) -> usize {
        self.above.map_or(1, |above| above.depth() + 1)
    }

    fn holds(&self, file: FileId) -> bool {
        self.file == file || self.above.is_some_and(|above| above.holds(file))
    }
}

impl Templates<'_> {
    /// The templates that a template nests by their paths, each with those that it nests itself. What cannot be found, or
    /// cannot be put in the place of its path, is reported where it is named.
    pub(super) fn nested(&mut self, file: FileId, sources: &mut Sources, problems: &mut Problems) -> Arc<[Template]> {
        self.nested_in(&Chain { file, above: None }, sources, problems)
    }

    fn nested_in(&mut self, chain: &Chain<'_>, sources: &mut Sources, problems: &mut Problems) -> Arc<[Template]> {
        if let Some(known) = self.nested.0.get(&chain.file) {
            return Arc::clone(known);
        }
        let (path, text) = (sources.get(chain.file).path.clone(), Arc::clone(&sources.get(chain.file).text));
        // Few templates nest any: the others are read by the rules alone.
        let document = text.contains("TemplateURL").then(|| Document::read(&text).ok()).flatten();
        let locals = document.map(|document| document.local_templates(&text)).unwrap_or_default();
        let found: Arc<[Template]> =
            locals.iter().filter_map(|local| self.one(chain, &path, local, sources, problems)).collect();
        // Few files can nest each other so often that nobody could send all of it.
        let weight: usize = found.iter().map(|nested| 1 + nested.all_nested().len()).sum();
        let found = if let (Some(first), true) = (locals.first(), weight > MOST) {
            let span = Span::new(chain.file, first.at.clone());
            let message = format!("{} nests {weight} templates, those counted that they nest", path.display());
            problems.error(codes::NESTED, &span, message, format!("{MOST} are the most: make several stacks of it"));
            Arc::default()
        } else {
            found
        };
        self.nested.0.insert(chain.file, Arc::clone(&found));
        found
    }

    fn one(
        &mut self,
        chain: &Chain<'_>,
        from: &Path,
        local: &LocalTemplate,
        sources: &mut Sources,
        problems: &mut Problems,
    ) -> Option<Template> {
        let span = Span::new(chain.file, local.at.clone());
        let LocalTemplate { resource, path: written, .. } = local;
        if !local.is_plain {
            let message = format!("{written}, which {resource} nests, cannot be replaced by its URL where it stands");
            problems.error(codes::NESTED, &span, message, "write the path in one line, by itself or in quotes");
            return None;
        }
        let path = match file_beside("the nested template", from, written) {
            Ok(path) => path,
            Err(message) => {
                let help = "write the path of a file, as seen from this one, or an https URL";
                problems.error(codes::TEMPLATE, &span, message, help);
                return None;
            }
        };
        let (path, file) = self.find("the nested template", &path, &span, sources, problems)?;
        if chain.holds(file) {
            let message = format!("templates nest each other in a circle: this leads back to {}", path.display());
            problems.error(codes::NESTED, &span, message, "take one of them out");
            return None;
        }
        if chain.depth() >= DEEPEST {
            let message = format!("templates nest {DEEPEST} deep at most");
            problems.error(codes::NESTED, &span, message, "put what is nested deeper side by side");
            return None;
        }
        let nested = self.nested_in(&Chain { file, above: Some(chain) }, sources, problems);
        Some(Template { path, span, file, nested })
    }
}
