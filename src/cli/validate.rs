//! `orch validate`.

use std::fmt::Write as _;

use crate::report::diagnostic;
use crate::report::findings::{self, Described};
use crate::rules;
use crate::text::counted;

use super::args::{Validate, ValidateFormat};
use super::checked::{Findings, find};
use super::exit::Exit;
use super::terminal::For;
use super::{Surroundings, print_for, remote, terminal};

/// Checks every plan, whatever is found in the others, and prints a line for each, or one document for all.
pub(super) fn validate(args: &Validate, surroundings: &Surroundings) -> Exit {
    attempt(args, surroundings).unwrap_or_else(|exit| exit)
}

fn attempt(args: &Validate, surroundings: &Surroundings) -> Result<Exit, Exit> {
    if !args.remote && (args.target.local || args.target.local_config.is_some()) {
        terminal::notice("error: without --remote nothing is asked: give it beside --local, or take --local away\n");
        return Err(Exit::Refused);
    }
    let mut checked: Vec<(String, Findings)> =
        args.plans.iter().map(|path| (path.display().to_string(), find(path, &args.vars))).collect();
    if args.remote {
        remote::ask(&mut checked, &args.target, surroundings)?;
    }
    // A base among other plans is no mistake: `validate plans/*.toml` names them all.
    let several = args.plans.len() > 1;
    let counts = |findings: &Findings| !(several && findings.is_abstract);
    let exits = checked.iter().filter(|(_, findings)| counts(findings)).map(|(_, findings)| exit(findings));
    let exit = exits.fold(Exit::Done, heavier);
    let plans: Vec<_> = checked
        .iter()
        .filter(|(_, findings)| counts(findings))
        .map(|(path, findings)| findings::Checked {
            path,
            nodes: findings.checked.as_ref().map(|checked| checked.graph.len()),
            problems: &findings.problems,
            sources: &findings.sources,
        })
        .collect();
    let text = match args.format {
        ValidateFormat::Text => text(&checked, several, surroundings),
        ValidateFormat::Json => findings::json(&plans),
        ValidateFormat::Sarif => findings::sarif(&plans, &described()),
        ValidateFormat::Github => findings::github(&plans),
    };
    // The process ends here: to take a large plan apart, piece by piece, would cost a tenth of the time.
    std::mem::forget(checked);
    let reader = match args.format {
        ValidateFormat::Text | ValidateFormat::Github => For::People,
        ValidateFormat::Json | ValidateFormat::Sarif => For::Json,
    };
    Ok(print_for(reader, &text, exit))
}

/// How one plan's findings are told to the shell: what is wrong with the plan weighs more than what could not be asked.
fn exit(findings: &Findings) -> Exit {
    let mut errors = findings.problems.iter().filter(|problem| problem.is_error());
    match &findings.checked {
        Some(_) => Exit::Done,
        None if errors.all(rules::is_about_reach) => Exit::NoAccount,
        None => Exit::Refused,
    }
}

/// The one of two plans' ends that the shell is told.
fn heavier(one: Exit, other: Exit) -> Exit {
    match (one, other) {
        (Exit::Refused, _) | (_, Exit::Refused) => Exit::Refused,
        (Exit::Done, other) => other,
        (one, _) => one,
    }
}

/// The problems drawn on standard error, and a line for each plan.
fn text(checked: &[(String, Findings)], several: bool, surroundings: &Surroundings) -> String {
    let mut lines = String::new();
    for (path, findings) in checked {
        if several && findings.is_abstract {
            let _ = writeln!(lines, "{path}: abstract, checked through the plans that extend it");
            continue;
        }
        terminal::notice(&diagnostic::render(&findings.problems, &findings.sources, surroundings.style()));
        let tally = findings.tally().map(|tally| format!(" ({tally})")).unwrap_or_default();
        if let Some(checked) = &findings.checked {
            let nodes = counted(checked.graph.len(), "node");
            let accounts = counted(checked.plan.accounts.len(), "account");
            let _ = writeln!(lines, "{path}: sound, {nodes} in {accounts}{tally}");
        } else {
            let _ = writeln!(lines, "{path}: in error{tally}");
        }
    }
    lines
}

/// Every rule in words.
fn described() -> Vec<Described> {
    let described = |rule: &rules::Rule| Described {
        code: rule.code,
        name: rule.name,
        severity: rule.severity,
        summary: rule.summary,
        explanation: rule.explanation,
    };
    rules::ALL.iter().map(described).collect()
}
