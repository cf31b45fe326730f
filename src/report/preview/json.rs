//! The preview as one JSON document.

use serde::Serialize;

use crate::preview::{Preview, VERSION};

/// The whole preview, ended by a line break.
///
/// # Panics
///
/// Never: there is nothing in a preview that JSON cannot hold.
pub fn preview_json(preview: &Preview) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        version: u32,
        #[serde(flatten)]
        preview: &'a Preview,
    }
    let document = Document { version: VERSION, preview };
    let mut text = serde_json::to_string_pretty(&document).expect("text is always JSON");
    text.push('\n');
    text
}
