//! A template that `CloudFormation` has accepted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cfn::{Document, ReadError};

/// A template's text and what it says. It is kept as text and read again when a world is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: Arc<str>,
    document: Arc<Document>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// See [`Document::read`].
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let (text, document) = Document::shared_with_text(text)?;
        Ok(Self { text, document })
    }

    /// The template as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl TryFrom<String> for Template {
    type Error = ReadError;

    fn try_from(text: String) -> Result<Self, ReadError> {
        Self::read(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.text.as_ref().to_owned()
    }
}
