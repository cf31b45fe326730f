//! The rooms of orch that read what other people wrote, and those that these stand on.

#[path = "../src/cfn/mod.rs"]
pub mod cfn;
#[path = "../src/diag/mod.rs"]
pub mod diag;
#[path = "../src/event/mod.rs"]
pub mod event;
#[path = "../src/expr/mod.rs"]
pub mod expr;
#[path = "../src/graph/mod.rs"]
pub mod graph;
#[path = "../src/ids.rs"]
pub mod ids;
#[path = "../src/journal/mod.rs"]
pub mod journal;
#[path = "../src/plan/mod.rs"]
pub mod plan;
#[path = "../src/preview/mod.rs"]
pub mod preview;
#[path = "../src/report/mod.rs"]
pub mod report;
#[path = "../src/rules/mod.rs"]
pub mod rules;
#[path = "../src/text.rs"]
pub mod text;
