//! The templates that were read last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Document, ReadError};

/// How many are remembered.
const REMEMBERED: usize = 16;

/// A template's text and what it says.
type Read = (Arc<str>, Arc<Document>);

/// The latest first. The stacks of a fleet are made of few templates, and what one says takes ten times the room of its text:
/// those of the same text share it.
static LAST: Mutex<VecDeque<Read>> = Mutex::new(VecDeque::new());

/// A template's text and what it says, shared with everybody who reads the same.
///
/// # Errors
///
/// See [`Document::read`].
pub fn shared(text: &str) -> Result<Read, ReadError> {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(place) = last.iter().position(|(known, _)| **known == *text) {
        last.swap(0, place);
        return Ok(last[0].clone());
    }
    let read = (text.into(), Arc::new(Document::read(text)?));
    last.push_front(Read::clone(&read));
    last.truncate(REMEMBERED);
    Ok(read)
}

impl Document {
    /// Reads a template, or gives what was read of the same text before.
    ///
    /// # Errors
    ///
    /// See [`Document::read`].
    pub fn shared(text: &str) -> Result<Arc<Self>, ReadError> {
        shared(text).map(|(_, document)| document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_read_once() {
        let text = |number: usize| format!("Resources: {{T{number}: {{Type: 'AWS::SNS::Topic'}}}}");
        let first = Document::shared(&text(0)).unwrap();
        assert!(Arc::ptr_eq(&first, &Document::shared(&text(0)).unwrap()));
        // However many others are read, each says what it says.
        for number in (0..3 * REMEMBERED).chain([0]) {
            let (said, read) = shared(&text(number)).unwrap();
            assert_eq!(*said, *text(number));
            assert!(read.resources.contains_key(&format!("T{number}")));
        }
        assert!(Document::shared("no: [").is_err() && Document::shared("no: [").is_err());
    }
}
