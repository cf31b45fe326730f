//! `orch` builds AWS infrastructure that spans accounts and regions from one declarative plan.
//!
//! ARCHITECTURE.md says what each room owns and which others it may import; `tests/house.rs` holds the rule.

pub mod aws;
pub mod cfn;
pub mod cli;
pub mod diag;
pub mod engine;
pub mod event;
pub mod expr;
pub mod grants;
pub mod graph;
pub mod iam;
pub mod ids;
pub mod import;
pub mod inventory;
pub mod journal;
pub mod kinds;
pub mod lease;
pub mod plan;
pub mod preview;
pub mod report;
pub mod rules;
pub mod run;
pub mod safeguard;
pub mod secret;
pub mod sim;
pub mod simulate;
pub mod text;
pub mod view;
