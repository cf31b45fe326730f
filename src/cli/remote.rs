//! What `orch validate --remote` adds: plans held against what AWS says.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::aws::joined;
use crate::ids::Kind;
use crate::run::look;
use crate::text::counted;

use super::args::Target;
use super::checked::{Checked, Findings};
use super::exit::Exit;
use super::signals::Signals;
use super::threads::on_threads;
use super::{Surroundings, reach, terminal};

/// Asks AWS about every plan that is sound so far, all at once, and holds it against what is said.
///
/// # Errors
/// The exit code, after it was said why there is no way to AWS, or when a signal came first.
pub(super) fn ask(plans: &mut [(String, Findings)], target: &Target, surroundings: &Surroundings) -> Result<(), Exit> {
    let mut sound = Vec::new();
    for (index, (path, findings)) in plans.iter().enumerate() {
        let Some(checked) = &findings.checked else {
            if !findings.is_abstract && !surroundings.quiet {
                terminal::line(&format!("{path}: AWS is not asked about a plan in error"));
            }
            continue;
        };
        let environment = reach::environment(target, &checked.plan, surroundings)?;
        sound.push((index, checked.clone(), environment));
        if !surroundings.quiet {
            terminal::line(&format!("{path}: asking AWS about {}", subject(checked)));
        }
    }
    if sound.is_empty() {
        return Ok(());
    }
    let facts = on_threads(async {
        let mut signals = Signals::listen()?;
        let asking = async {
            // Two plans must not ask for a code at the same time.
            let terminal = Arc::new(Mutex::new(()));
            let mut tasks = JoinSet::new();
            for (index, checked, environment) in sound {
                let terminal = Arc::clone(&terminal);
                tasks.spawn(async move {
                    let asks = checked.plan.accounts.values().any(|account| account.mfa_serial.is_some());
                    let _turn = if asks { Some(terminal.lock().await) } else { None };
                    (index, look(&checked.plan, &checked.sources, &environment).await)
                });
            }
            joined(tasks).await
        };
        signals.or(asking).await
    })??;
    for (index, live) in facts {
        plans[index].1.hold(&live);
    }
    Ok(())
}

/// What is asked about, in words.
fn subject(checked: &Checked) -> String {
    let stacks = checked.plan.nodes.iter().filter(|node| node.id.kind == Kind::Stack).count();
    format!("{} and {}", counted(checked.plan.accounts.len(), "account"), counted(stacks, "stack"))
}
