//! Looks for what has drifted: CloudFormation compares the resources of stacks with what it last deployed, and peerings
//! and routes are compared with the plan. Nothing is changed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::Job;
use super::accounts::specs;
use super::survey::survey_by;
use super::turns::Turns;
use super::wanted::sensitive;
use crate::aws::{CallError, Environment, Regional, Sessions, Stack, joined};
use crate::diag::Sources;
use crate::event::{
    Drift, DriftReport, Failure, Health, NodeDrift, NodeStanding, RouteState, Standing, TableStanding, Verdict,
};
use crate::ids::NodeId;
use crate::kinds::stack;
use crate::plan::{Spec, StackSpec};

/// What has drifted of the nodes that a job of [`Job::survey`] has chosen; stacks that the plan only reads are left out.
/// All stacks are looked at at once, and then waited for together.
pub async fn drift(job: &Job, sources: &Arc<Sources>, environment: &Environment) -> DriftReport {
    let (sessions, errors) = Sessions::reach(&specs(&[job]), environment).await;
    let survey = survey_by(job, sources, &sessions, &errors).await;
    let specs: HashMap<&NodeId, &Spec> = job.plan().nodes.iter().map(|node| (&node.id, &node.spec)).collect();
    let mut report = DriftReport { nodes: Vec::new(), unread: survey.unread };
    let mut looks: Vec<(usize, Regional, &StackSpec)> = Vec::new();
    for NodeStanding { node, account, region, standing } in survey.nodes {
        let drift = match specs.get(&node) {
            Some(Spec::Stack(stack)) if !stack.manage => continue,
            Some(Spec::Stack(stack)) => {
                let drift = of_stack(&standing);
                let home = sessions.region(&account, &region).filter(|_| drift.verdict == Verdict::InSync);
                looks.extend(home.map(|home| (report.nodes.len(), home, stack)));
                drift
            }
            _ => of_link(&standing),
        };
        report.nodes.push(NodeDrift { node, account, region, drift });
    }
    let place = |home: &Regional| (home.account().clone(), home.region().clone());
    let mut among: HashMap<_, usize> = HashMap::new();
    for (_, home, _) in &looks {
        *among.entry(place(home)).or_default() += 1;
    }
    let mut turns = Turns::default();
    let mut tasks = JoinSet::new();
    for (index, home, spec) in looks {
        let (name, sensitive) = (Arc::clone(&spec.name), sensitive(spec));
        let (turn, among) = (turns.at(&home), among[&place(&home)]);
        tasks.spawn(async move {
            let live = {
                let _turn = turn.acquire().await.ok();
                home.pictured_stack(&name).await
            };
            (index, found(&home, live, &sensitive, among).await)
        });
    }
    let mut refusals = Vec::new();
    for (index, told) in joined(tasks).await {
        let node = &mut report.nodes[index];
        match told {
            Ok(drift) => node.drift = Drift { id: node.drift.id.take(), ..drift },
            Err(mut failure) => {
                node.drift.verdict = Verdict::Unread;
                node.drift.notes.push(failure.summary.clone());
                // Each call has an id of its own; the refusal is the same.
                failure.request_id = None;
                refusals.push((index, failure));
            }
        }
    }
    refusals.sort_by_key(|(index, _)| *index);
    for (_, failure) in refusals {
        if !report.unread.contains(&failure) {
            report.unread.push(failure);
        }
    }
    report
}

/// What CloudFormation finds in a stack.
async fn found(
    home: &Regional,
    live: Result<Option<Stack>, CallError>,
    sensitive: &BTreeSet<String>,
    among: usize,
) -> Result<Drift, Failure> {
    match live? {
        Some(stack) => Box::pin(stack::drift(home, &stack, sensitive, among)).await,
        None => Ok(Drift::new(Verdict::Missing, "not there")),
    }
}

/// What is known of a stack before CloudFormation has looked: whether it can be looked at. One that can is taken to be in
/// sync until then.
fn of_stack(standing: &Standing) -> Drift {
    let verdict = match standing.health {
        // A rollback that ended well leaves a stack that is there, and so does one that failed in an update.
        Health::Fine => Verdict::InSync,
        Health::Failed if standing.state.starts_with("UPDATE_ROLLBACK_") => Verdict::InSync,
        Health::Missing | Health::Waits => Verdict::Missing,
        Health::UnderWay | Health::Failed | Health::Foreign => Verdict::Unchecked,
        Health::Unread => Verdict::Unread,
    };
    let mut drift = noted(verdict, standing);
    let why = match standing.health {
        Health::UnderWay => "something is being done to it: look again once that has ended",
        Health::Foreign => "it is not this node's, so it is not looked at",
        _ => return drift,
    };
    drift.notes.insert(0, why.to_owned());
    drift
}

/// What has drifted of a peering or a route, which the plan itself describes.
fn of_link(standing: &Standing) -> Drift {
    let verdict = match standing.health {
        Health::Fine if standing.options.is_empty() => Verdict::InSync,
        // Without fitting values nobody knows what to look for.
        Health::Failed if standing.unfit => Verdict::Unread,
        Health::Fine | Health::Failed | Health::Foreign => Verdict::Drifted,
        // Whoever makes it has not come to its end yet.
        Health::UnderWay => Verdict::Unchecked,
        // It is in some of its tables.
        Health::Missing if standing.tables.iter().any(is_there) => Verdict::Drifted,
        Health::Missing | Health::Waits => Verdict::Missing,
        Health::Unread => Verdict::Unread,
    };
    let mut drift = noted(verdict, standing);
    if standing.health == Health::UnderWay {
        drift.notes.insert(0, "it is not made to its end: look again once that run has ended, or apply".to_owned());
    }
    drift.notes.extend(standing.options.iter().cloned());
    drift.tables.clone_from(&standing.tables);
    drift
}

/// Whether a table has a route to the destination, wherever that leads.
fn is_there(table: &TableStanding) -> bool {
    !matches!(table.state, RouteState::Missing | RouteState::NoTable)
}

fn noted(verdict: Verdict, standing: &Standing) -> Drift {
    let mut drift = Drift::new(verdict, &standing.state);
    drift.id.clone_from(&standing.id);
    if verdict != Verdict::InSync {
        drift.notes.extend(standing.cause.clone());
    }
    let waits: Vec<String> = standing.waits_for.iter().map(ToString::to_string).collect();
    if !waits.is_empty() {
        drift.notes.push(format!("waits for {}", waits.join(", ")));
    }
    drift
}

#[cfg(test)]
#[path = "drift_tests.rs"]
mod tests;
