//! The templates that were read last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Document, ReadError};

/// How many are remembered.
const REMEMBERED: usize = 16;

/// A template's text and what it says.
type Read = (Arc<str>, Arc<Document>);

/// The latest first. The stacks of a fleet are made of few templates, and what one says takes ten times the room of its text:
/// those of the same text share it.
static LAST: Mutex<VecDeque<Read>> = Mutex::new(VecDeque::new());

fn last() -> MutexGuard<'static, VecDeque<Read>> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was read of a text, which is the latest from now on.
fn known(last: &mut VecDeque<Read>, text: &str) -> Option<Read> {
    let place = last.iter().position(|(known, _)| **known == *text)?;
    let read = last.remove(place)?;
    last.push_front(Read::clone(&read));
    Some(read)
}

impl Document {
    /// Reads a template, or gives what was read of the same text before.
    ///
    /// # Errors
    ///
    /// See [`Document::read`].
    pub fn shared(text: &str) -> Result<Arc<Self>, ReadError> {
        Self::shared_with_text(text).map(|(_, document)| document)
    }

    /// The same, with the text, which is shared with everybody who reads it too.
    ///
    /// # Errors
    ///
    /// See [`Document::read`].
    pub fn shared_with_text(text: &str) -> Result<(Arc<str>, Arc<Self>), ReadError> {
        if let Some(read) = known(&mut last(), text) {
            return Ok(read);
        }
        // Nobody waits meanwhile who reads another one. Of two who read the same, the second keeps what the first has read.
        let read = (text.into(), Arc::new(Self::read(text)?));
        let mut last = last();
        if let Some(read) = known(&mut last, text) {
            return Ok(read);
        }
        last.push_front(Read::clone(&read));
        last.truncate(REMEMBERED);
        Ok(read)
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
            let (said, read) = Document::shared_with_text(&text(number)).unwrap();
            assert_eq!(*said, *text(number));
            assert!(read.resources.contains_key(&format!("T{number}")));
        }
        assert!(Document::shared("no: [").is_err() && Document::shared("no: [").is_err());
    }

    #[test]
    fn what_is_read_again_is_the_latest_and_the_others_keep_their_order() {
        let read = |name: &str| -> Read { (name.into(), Arc::new(Document::read("Resources: {}").unwrap())) };
        let mut last: VecDeque<Read> = ["a", "b", "c", "d"].map(read).into();
        assert!(known(&mut last, "c").is_some() && known(&mut last, "e").is_none());
        assert_eq!(last.iter().map(|(text, _)| &**text).collect::<Vec<_>>(), ["c", "a", "b", "d"]);
    }
}
