//! Holds `targets::template` to any text.
#![no_main]

#[allow(dead_code, reason = "the other targets")]
#[path = "../../tests/corpus/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|text: &str| targets::template(text));
