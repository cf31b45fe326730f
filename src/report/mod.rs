//! What people and programs read of a run. Everything here turns data into text and does nothing else.

pub mod diagnostic;
mod drift;
mod failure;
pub mod findings;
mod fold;
mod lines;
mod markdown;
mod outputs;
mod palette;
mod preview;
mod runs;
mod status;
mod summary;
mod took;

pub use drift::{drift_json, drift_markdown, drift_text};
pub use fold::folded;
pub use lines::{Lines, Verbosity};
pub use outputs::{NodeOutputs, SameName, outputs_env, outputs_json, outputs_table};
pub use palette::Palette;
pub use preview::{changed_text, preview_json, preview_markdown, preview_text};
pub use runs::{run_text, runs_json, runs_text};
pub use status::{Layout, status_json, status_text};
pub use summary::Digest;
