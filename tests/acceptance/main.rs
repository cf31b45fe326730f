//! What orch promises, one test a line; `docs/acceptance.md` is the same list for readers.

#![expect(unreachable_pub, reason = "the modules of this binary share their helpers, and nobody else can")]

mod adopting;
mod bounds;
mod calls;
mod canaries;
mod clock;
mod drift;
mod early;
mod early_chain;
mod early_inputs;
mod early_left;
mod early_queued;
mod elsewhere;
mod first_run;
mod fleet;
mod granted;
mod guards;
mod hand;
mod hostile;
mod iam;
mod in_process;
mod journal_files;
mod left;
mod listed;
mod lock;
mod makespan;
mod moved;
mod network;
mod orch;
mod pace;
mod preview;
mod rates;
mod recovery;
mod remote;
mod resume;
mod runs;
mod saved;
mod secrets;
mod served;
#[cfg(unix)]
mod server;
mod silence;
mod spokes;
mod template_checks;
mod templates;
mod trouble;
mod waves;
mod world;
mod wrong_input;
