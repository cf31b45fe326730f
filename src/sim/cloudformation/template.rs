//! A template that `CloudFormation` has accepted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::cfn::{Document, ReadError};

/// How many templates are remembered.
const REMEMBERED: usize = 16;

/// The templates that were read last, the latest first. The stacks of a fleet are made of few templates, and what one says
/// takes ten times the room of its text: those of the same text share it.
static LAST: Mutex<VecDeque<Template>> = Mutex::new(VecDeque::new());

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
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = last.iter().position(|known| &*known.text == text) {
            last.swap(0, place);
            return Ok(last[0].clone());
        }
        let read = Self { text: text.into(), document: Document::read(text)?.into() };
        last.push_front(read.clone());
        last.truncate(REMEMBERED);
        Ok(read)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_of_the_same_text_share_what_it_says() {
        let text = |number: usize| format!("Resources: {{T{number}: {{Type: 'AWS::SNS::Topic'}}}}");
        let first = Template::read(&text(0)).unwrap();
        assert!(Arc::ptr_eq(first.document(), Template::read(&text(0)).unwrap().document()));
        // However many others are read, each says what it says.
        for number in (0..3 * REMEMBERED).chain([0]) {
            let read = Template::read(&text(number)).unwrap();
            assert_eq!(read.text(), text(number));
            assert!(read.document().resources.contains_key(&format!("T{number}")));
        }
        assert!(Template::read("no: [").is_err() && Template::read("no: [").is_err());
    }
}
