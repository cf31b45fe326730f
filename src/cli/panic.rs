//! What is told of a panic, which is a mistake in orch.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{PanicHookInfo, set_hook};

use super::terminal;

/// From now on a panic is told by the way that everything else is: Rust's own words about it would go past the wall that keeps
/// secrets in.
pub(super) fn listen() {
    set_hook(Box::new(|panic| terminal::notice(&told(panic))));
}

/// What Rust itself says of a panic. The backtrace is there if `RUST_BACKTRACE` asks for it.
fn told(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("<unnamed>");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or("it says nothing");
    let mut told = format!("\nthread '{name}' panicked at {place}:\n{message}\n");
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        told.push_str(&backtrace.to_string());
    } else {
        told.push_str("note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n");
    }
    told
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, take_hook};
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::secret::{keep, redact};

    #[test]
    fn a_panic_that_quotes_a_secret_tells_where_it_was_and_not_the_secret() {
        keep("panic-canary-77c1");
        let said: Arc<Mutex<String>> = Arc::default();
        let (hears, before) = (Arc::clone(&said), take_hook());
        set_hook(Box::new(move |panic| hears.lock().unwrap().push_str(&redact(&told(panic)))));
        let value = String::from("panic-canary-77c1");
        let caught = catch_unwind(|| panic!("it is {value}"));
        set_hook(before);
        assert!(caught.is_err());
        let said = said.lock().unwrap();
        assert!(said.contains("it is ****") && said.contains("src/cli/panic.rs"), "{said}");
        assert!(!said.contains("panic-canary"), "{said}");
    }
}
