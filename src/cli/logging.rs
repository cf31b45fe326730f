//! The log: tracing to standard error, apart from what a run reports.

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

use super::args::{Global, LogFormat};
use super::terminal::LogWriter;

/// Starts the log. `filter` is the value of `RUST_LOG`, which wins over the count of `-v` but not over
/// [`harmless`]; a filter that cannot be read is refused with a sentence that says so.
///
/// # Errors
/// The sentence to show when `filter` is not one.
pub(super) fn start(global: &Global, filter: Option<&str>, color: bool) -> Result<(), String> {
    let filter = match filter.filter(|text| !text.trim().is_empty()) {
        Some(text) => EnvFilter::try_new(text)
            .map_err(|error| format!("RUST_LOG: `{text}` is not a log filter: {error}; try RUST_LOG=orch=debug"))?,
        None => EnvFilter::new(level(global.verbose)),
    };
    let shown = filter.and(harmless());
    let layer = fmt::layer()
        .with_writer(|| LogWriter)
        // A reader that has gone away is no reason to panic in the middle of a node's work.
        .log_internal_errors(false)
        .with_ansi(color)
        .with_span_events(FmtSpan::NONE);
    let started = match global.log_format {
        LogFormat::Text => registry().with(layer.with_target(false).with_filter(shown)).try_init(),
        LogFormat::Json => registry().with(layer.json().with_filter(shown)).try_init(),
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

/// What may be logged at all, whatever was asked for: everything of orch's own, and the steps of what it is built on. At
/// `trace` the SDK writes out whole requests and answers, and so does what signs and carries them: `NoEcho` values, session
/// tokens and secret keys would stand in the log.
fn harmless() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    let harmless: fn(&Metadata<'_>) -> bool =
        |metadata| *metadata.level() <= Level::DEBUG || is_ours(metadata.target());
    filter_fn(harmless).with_max_level_hint(LevelFilter::TRACE)
}

fn is_ours(target: &str) -> bool {
    target.strip_prefix("orch").is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
