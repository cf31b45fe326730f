//! Commands that must not call AWS: a listener in AWS's place counts the connections.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::orch::Orch;

/// A listener that every call of the binary would reach, and the number of connections so far.
fn listener() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    (address, seen)
}

fn orch() -> (Orch, Arc<AtomicUsize>) {
    let (address, seen) = listener();
    let orch = Orch::with_shipped_plans()
        .env("AWS_ENDPOINT_URL", &address)
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "x")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_MAX_ATTEMPTS", "1");
    (orch, seen)
}

#[test]
fn validate_and_graph_call_nobody() {
    let (orch, seen) = orch();
    orch.run(&["validate", "plans/us-east-1.toml", "plans/us-west-2.toml"]).code(0);
    for format in ["text", "dot", "mermaid", "json"] {
        orch.run(&["graph", "plans/us-east-1.toml", "--format", format]).code(0).prints(&["spoke"]);
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[test]
fn apply_calls_nobody_before_the_whole_plan_is_checked() {
    let (orch, seen) = orch();
    orch.edit("plans/templates/spoke.yaml", "  VPCId:\n", "  Vpc:\n");
    orch.run(&["apply", "plans/us-east-1.toml", "--yes"]).code(2).says(&["spoke.yaml", "`Vpc`"]);
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[test]
fn the_listener_would_have_seen_a_call() {
    let (orch, seen) = orch();
    orch.run(&["apply", "plans/us-east-1.toml", "--yes"]).code(3);
    assert!(seen.load(Ordering::SeqCst) > 0, "the other tests of this file could not fail");
}
