//! A plan that was read and checked: what every command begins with.

use std::path::Path;
use std::sync::Arc;

use crate::diag::{Problem, Severity, Sources, in_order};
use crate::graph::{Graph, Selection};
use crate::ids::AccountName;
use crate::plan::{self, Given, Plan, codes};
use crate::report::diagnostic;
use crate::rules::{self, Live};
use crate::run::{hide, mark_handed_on};
use crate::text::counted;

use super::args::{Choice, Vars};
use super::disk::Tree;
use super::exit::Exit;
use super::{Surroundings, terminal};

/// A plan, its graph and the texts it was read from.
#[derive(Clone)]
pub(super) struct Checked {
    /// The plan.
    pub plan: Arc<Plan>,
    /// Its graph.
    pub graph: Arc<Graph>,
    /// The texts.
    pub sources: Arc<Sources>,
}

/// What came of checking a plan.
pub(super) struct Findings {
    /// The plan, unless it has an error.
    pub checked: Option<Checked>,
    /// The plan if it loads, whatever else is wrong with the design.
    pub loaded: Option<Checked>,
    /// Whether the plan is only a base for others.
    pub is_abstract: bool,
    /// Everything that was found.
    pub problems: Vec<Problem>,
    /// Those of them that were found while the plan was loaded; the rules found the others.
    pub of_text: Vec<Problem>,
    /// The texts that the problems point into.
    pub sources: Arc<Sources>,
}

/// Reads a plan with all that it extends and names, and makes every check that needs no AWS.
pub(super) fn find(path: &Path, vars: &Vars) -> Findings {
    let given = Given { vars: &vars.vars, env: &|name| vars.environment(name) };
    let mut loaded = plan::load(path, &Tree::of_plan(path, &vars.allow_read), &given);
    let of_text = std::mem::take(&mut loaded.problems);
    let mut problems = of_text.clone();
    let mut graph = None;
    if let Some(plan) = &mut loaded.plan {
        mark_handed_on(plan, &loaded.sources);
    }
    // What is wrong with the text of one node is no reason to be silent about the others.
    if let Some(plan) = loaded.readable() {
        hide(plan, &loaded.sources);
        let found = rules::check(plan, &loaded.sources);
        problems.extend(found.problems);
        in_order(&mut problems);
        graph = found.graph;
    }
    let sources = Arc::new(loaded.sources);
    let is_abstract = problems.iter().any(|problem| problem.code == codes::ABSTRACT);
    let sound = !problems.iter().any(Problem::is_error);
    let loaded = loaded.plan.zip(graph).map(|(plan, graph)| Checked {
        plan: Arc::new(plan),
        graph: Arc::new(graph),
        sources: Arc::clone(&sources),
    });
    Findings { checked: loaded.clone().filter(|_| sound), loaded, is_abstract, problems, of_text, sources }
}

/// What a command holds a plan to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Every rule: something is to be made.
    EveryRule,
    /// That it loads: what stands is to be read or deleted, and a design that is not allowed any more must not be in
    /// the way of that.
    ThatItLoads,
}

/// The plan, or the exit code after all its problems were shown. Hints are for `validate`: a run has enough to say.
pub(super) fn open(path: &Path, vars: &Vars, hold: Hold, surroundings: &Surroundings) -> Result<Checked, Exit> {
    let mut findings = find(path, vars);
    findings.problems.retain(|problem| problem.severity != Severity::Hint);
    terminal::notice(&diagnostic::render(&findings.problems, &findings.sources, surroundings.style()));
    let tally = findings.tally();
    let found = if hold == Hold::EveryRule { findings.checked } else { findings.loaded };
    found.ok_or_else(|| {
        if let Some(tally) = tally {
            terminal::line(&format!("{}: {tally}; nothing was called", path.display()));
        }
        Exit::Refused
    })
}

impl Findings {
    /// Holds a plan that is sound so far against the rules again, with what AWS said.
    pub(super) fn hold(&mut self, live: &Live) {
        let Some(checked) = &self.checked else { return };
        let found = rules::check_live(&checked.plan, &checked.sources, live).problems;
        self.problems.clone_from(&self.of_text);
        self.problems.extend(found);
        in_order(&mut self.problems);
        if self.problems.iter().any(Problem::is_error) {
            self.checked = None;
        }
    }

    /// `3 errors, 1 warning`, or nothing where there are none.
    pub(super) fn tally(&self) -> Option<String> {
        let nouns = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Hint, "hint")];
        let count = |severity| self.problems.iter().filter(|problem| problem.severity == severity).count();
        let counts = nouns.map(|(severity, noun)| (count(severity), noun));
        let said: Vec<_> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun)).collect();
        (!said.is_empty()).then(|| said.join(", "))
    }
}

impl Checked {
    /// Which nodes `--only` and `--skip` choose, or the exit code after it was said why they choose none.
    pub(super) fn choose(&self, choice: &Choice) -> Result<Vec<bool>, Exit> {
        let refuse = |errors: Vec<String>| {
            for error in errors {
                terminal::line(&format!("error: {error}"));
            }
            Exit::Refused
        };
        let selection = Selection::parse(&choice.only, &choice.skip)
            .map_err(|bad| refuse(bad.iter().map(ToString::to_string).collect()))?;
        let accounts: Vec<Vec<AccountName>> =
            self.plan.nodes.iter().map(|node| node.accounts().cloned().collect()).collect();
        let nodes = self.plan.nodes.iter().zip(&accounts).map(|(node, accounts)| (&node.id, accounts.as_slice()));
        let chosen =
            selection.choose(nodes).map_err(|missed| refuse(missed.iter().map(ToString::to_string).collect()))?;
        if chosen.contains(&true) {
            Ok(chosen)
        } else {
            Err(refuse(vec!["--only and --skip together leave nothing to do".to_owned()]))
        }
    }
}
