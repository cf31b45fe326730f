//! The templates of stacks, from wherever they are.

use std::path::PathBuf;
use std::sync::Arc;

use crate::aws::Regional;
use crate::diag::Sources;
use crate::event::Failure;
use crate::kinds::stack;
use crate::plan::{self, Origin, StackSpec};

/// A template as a stack is to be made of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    /// Its text.
    pub(super) text: Arc<str>,
    /// Where the text came from; for messages.
    pub(super) path: PathBuf,
    /// How CloudFormation comes by it.
    pub(super) delivery: stack::Delivery,
    /// The texts of templates that it nests.
    pub(super) nested: Vec<String>,
}

/// A template of the plan's with those that it nests.
fn nesting(template: &plan::Template, sources: &Sources) -> stack::Nesting {
    let nested = template.nested.iter().map(|nested| (nested.span.range.clone(), nesting(nested, sources)));
    stack::Nesting {
        text: Arc::clone(&sources.get(template.file).text),
        path: template.path.to_path_buf(),
        nested: nested.collect(),
    }
}

/// The template of a stack. One at a URL is read there, by the account that the stack is in; of one that nests others by their
/// paths, those are named by the URLs that they have once they are put in the bucket. Only a stack that is merely
/// read has none, and such a one is never wanted.
///
/// # Errors
///
/// It cannot be read at its URL, or S3 does not say where the bucket is.
pub(super) async fn template(spec: &StackSpec, sources: &Sources, regional: &Regional) -> Result<Template, Failure> {
    match &spec.template {
        None => Ok(Template::default()),
        Some(Origin::File(template)) => {
            let bucket = spec.bucket.as_ref().map(|bucket| stack::TemplateBucket {
                name: bucket.name.to_string(),
                prefix: bucket.prefix.to_string(),
                kms_key: bucket.kms_key.as_deref().map(str::to_owned),
                owner: bucket.owner.clone(),
            });
            let packed = nesting(template, sources).packed(regional, bucket.as_ref()).await;
            let stack::Packed { text, nested } = packed.map_err(|failure| failure.at(sources.place(&template.span)))?;
            let path = template.path.to_path_buf();
            Ok(Template { text, path, delivery: stack::Delivery::Sent(bucket), nested })
        }
        Some(Origin::Url(template)) => {
            let read = stack::read_at(regional, &template.url).await;
            let text = read.map_err(|failure| failure.at(sources.place(&template.span)))?;
            let url = template.url.to_string();
            let (path, delivery) = (PathBuf::from(&url), stack::Delivery::At(url));
            Ok(Template { text: text.into(), path, delivery, nested: Vec::new() })
        }
    }
}
