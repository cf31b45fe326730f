//! Templates that others of the plan nest by their paths: put in the bucket, and named by their URLs.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::TemplateBucket;
use crate::aws::{Class, Regional};
use crate::cfn::MAX_BYTES;
use crate::event::Failure;
use crate::kinds::lost::insist;

/// A template with those that it nests by their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nesting {
    /// Its text.
    pub text: Arc<str>,
    /// Where the text comes from; for messages.
    pub path: PathBuf,
    /// What it nests: the bytes of the text that name it, in their order, and the template.
    pub nested: Vec<(Range<usize>, Self)>,
}

/// A template whose text names all that it nests by URLs, with the texts that are to be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// The text.
    pub text: Arc<str>,
    /// The texts that must be in the bucket before CloudFormation reads it, each after those that it names itself.
    pub nested: Vec<String>,
}

impl Nesting {
    /// The text with a URL in the place of each path, all else as it is. Since a text's key is made of what it says, the same
    /// files give the same text.
    ///
    /// # Errors
    ///
    /// A nested template is too large, or the bucket's region cannot be found out.
    pub async fn packed(&self, regional: &Regional, bucket: Option<&TemplateBucket>) -> Result<Packed, Failure> {
        if self.nested.is_empty() {
            return Ok(Packed { text: Arc::clone(&self.text), nested: Vec::new() });
        }
        let Some(bucket) = bucket else {
            let summary = format!("template {} nests others, and there is no bucket for them", self.path.display());
            return Err(Failure::new(summary, "CloudFormation reads nested templates from S3 alone")
                .help("name a bucket for them: template_bucket = \"…\""));
        };
        let own = bucket.named();
        // Boxed: a call to S3 is larger than any other, and few stacks need one.
        let region = match Box::pin(insist(|| regional.bucket_region(&own))).await {
            Ok(region) => region,
            // It may be made in this very run; where it is not, putting something there will say so.
            Err(error) if error.class == Class::NotFound => regional.region().clone(),
            Err(error) => return Err(bucket.refused(regional, &error)),
        };
        let mut nested = Vec::new();
        let text = self.rewritten(&|text| bucket.url(&region, text), &mut nested)?;
        Ok(Packed { text: text.into(), nested })
    }

    fn rewritten(&self, url: &dyn Fn(&str) -> String, below: &mut Vec<String>) -> Result<String, Failure> {
        let mut text = String::with_capacity(self.text.len());
        let mut from = 0;
        for (at, nested) in &self.nested {
            let inner = nested.rewritten(url, below)?;
            if inner.len() > MAX_BYTES {
                let summary = format!("template {} is too large for CloudFormation", nested.path.display());
                let cause = format!("it has {} bytes; from a bucket CloudFormation takes {MAX_BYTES}", inner.len());
                return Err(Failure::new(summary, cause).help("split it into several that are nested side by side"));
            }
            // An alias has the place of its anchor, which is replaced once.
            if at.start >= from {
                text.push_str(self.text.get(from..at.start).unwrap_or_default());
                for part in ["\"", &url(&inner), "\""] {
                    text.push_str(part);
                }
                from = at.end;
            }
            if !below.contains(&inner) {
                below.push(inner);
            }
        }
        text.push_str(self.text.get(from..).unwrap_or_default());
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str, nested: Vec<(Range<usize>, Nesting)>) -> Nesting {
        Nesting { text: text.into(), path: "t.yaml".into(), nested }
    }

    fn at(text: &str, part: &str) -> Range<usize> {
        let start = text.find(part).unwrap();
        start..start + part.len()
    }

    #[test]
    fn paths_become_urls_and_all_else_stays_byte_for_byte() {
        let bottom = template("bottom", Vec::new());
        let middle = "# ü\r\nTemplateURL: 'b.yaml' # why\r\n";
        let middle = template(middle, vec![(at(middle, "'b.yaml'"), bottom.clone())]);
        let top = "A: m.yaml\nB: \"b.yaml\"\nC:   end";
        let top = template(top, vec![(at(top, "m.yaml"), middle), (at(top, "\"b.yaml\""), bottom)]);
        let mut below = Vec::new();
        let url = |text: &str| format!("https://{}", text.len());
        let rewritten = top.rewritten(&url, &mut below).unwrap();
        assert_eq!(below, ["bottom", "# ü\r\nTemplateURL: \"https://6\" # why\r\n"]);
        assert_eq!(rewritten, format!("A: \"https://{}\"\nB: \"https://6\"\nC:   end", below[1].len()));
    }
}
