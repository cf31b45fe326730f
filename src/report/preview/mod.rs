//! A preview for people, for pull requests and for programs.

mod changed;
mod json;
mod markdown;
mod text;
mod words;

pub use changed::changed_text;
pub use json::preview_json;
pub use markdown::preview_markdown;
pub use text::preview_text;
