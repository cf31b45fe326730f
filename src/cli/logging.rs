//! The log: tracing to standard error, apart from what a run reports.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use super::args::{Global, LogFormat};

/// Starts the log. `filter` is the value of `RUST_LOG`, which wins over the count of `-v`; a filter that cannot be
/// read is refused with a sentence that says so.
///
/// # Errors
/// The sentence to show when `filter` is not one.
pub(super) fn start(global: &Global, filter: Option<&str>, color: bool) -> Result<(), String> {
    let filter = match filter.filter(|text| !text.trim().is_empty()) {
        Some(text) => EnvFilter::try_new(text)
            .map_err(|error| format!("RUST_LOG: `{text}` is not a log filter: {error}; try RUST_LOG=orch=debug"))?,
        None => EnvFilter::new(level(global.verbose)),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A reader that has gone away is no reason to panic in the middle of a node's work.
        .log_internal_errors(false)
        .with_ansi(color)
        .with_span_events(FmtSpan::NONE);
    let started = match global.log_format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    // Only tests, which run many commands in one process, find a log that has been started already.
    drop(started);
    Ok(())
}

/// | `-v` | what the log shows |
/// |---|---|
/// | 0 | warnings: something unexpected that the run gets over |
/// | 1 | what orch decides and why |
/// | 2 | every call to AWS and its answer's outcome |
/// | 3 | the SDK's own steps too: retries, signing, connections |
fn level(verbose: u8) -> &'static str {
    match verbose {
        0 => "orch=warn",
        1 => "orch=info",
        2 => "orch=debug",
        _ => "orch=trace,aws_smithy_runtime=debug,aws_config=debug",
    }
}
