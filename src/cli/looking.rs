//! What the commands have in common that look at a plan's nodes and change nothing.

use std::sync::Arc;

use crate::aws::Environment;
use crate::diag::Sources;
use crate::run::Job;

use super::args::On;
use super::checked::{Checked, Hold};
use super::exit::Exit;
use super::signals::Signals;
use super::threads::on_threads;
use super::{Surroundings, checked, reach};

/// Looks at the chosen nodes of a plan, and gives what was found with the plan. That the plan can be loaded is enough: what
/// stands can be looked at whatever the rules say of what is wanted.
///
/// # Errors
/// The exit code, after it was said what is wrong.
pub(super) fn look<T>(
    on: &On,
    surroundings: &Surroundings,
    ask: impl AsyncFnOnce(&Job, &Arc<Sources>, &Environment) -> T,
) -> Result<(Checked, T), Exit> {
    let checked = checked::open(&on.plan, &on.vars, Hold::ThatItLoads, surroundings)?;
    let chosen = checked.choose(&on.choice)?;
    let job = Job::survey(Arc::clone(&checked.plan), Arc::clone(&checked.graph), &chosen);
    let environment = reach::environment(&on.target, &checked.plan, surroundings)?;
    let found = on_threads(async {
        let mut signals = Signals::listen()?;
        signals.or(Box::pin(ask(&job, &checked.sources, &environment))).await
    })??;
    Ok((checked, found))
}
