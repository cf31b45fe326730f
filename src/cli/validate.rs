//! `orch validate`.

use std::fmt::Write as _;

use crate::text::counted;

use super::args::Validate;
use super::exit::Exit;
use super::{Surroundings, checked, print, terminal};

/// Checks every plan, whatever is found in the others, and prints a line for each.
pub(super) fn validate(args: &Validate, surroundings: &Surroundings) -> Exit {
    let mut exit = Exit::Done;
    let mut lines = String::new();
    for path in &args.plans {
        let findings = checked::find(path, &args.vars, surroundings);
        // A base among other plans is no mistake: `validate plans/*.toml` names them all.
        if findings.is_abstract && args.plans.len() > 1 {
            let _ = writeln!(lines, "{}: abstract, checked through the plans that extend it", path.display());
            continue;
        }
        terminal::notice(&findings.drawn);
        let tally = findings.tally.map(|tally| format!(" ({tally})")).unwrap_or_default();
        if let Some(checked) = findings.checked {
            let nodes = counted(checked.graph.len(), "node");
            let accounts = counted(checked.plan.accounts.len(), "account");
            let _ = writeln!(lines, "{}: sound, {nodes} in {accounts}{tally}", path.display());
        } else {
            exit = Exit::Refused;
            let _ = writeln!(lines, "{}: in error{tally}", path.display());
        }
    }
    print(&lines, exit)
}
