//! What measures orch: plans of any size, the work that is measured, and what it used.

pub mod engine;
pub mod fleet;
pub mod plot;
pub mod shapes;
pub mod usage;
pub mod work;
