//! Looks for what has drifted: CloudFormation compares the resources of stacks with what it last deployed, and peerings
//! and routes are compared with the plan. Nothing is changed.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::Job;
use super::accounts::specs;
use super::survey::survey_by;
use super::turns::Turns;
use crate::aws::{Environment, Regional, Sessions, joined};
use crate::diag::Sources;
use crate::event::{Drift, DriftReport, Failure, Health, NodeDrift, NodeStanding, Standing, Verdict};
use crate::ids::NodeId;
use crate::kinds::stack;
use crate::plan::Spec;

/// What has drifted of the nodes that a job of [`Job::survey`] has chosen; stacks that the plan only reads are left out.
/// All stacks are looked at at once, and then waited for together.
pub async fn drift(job: &Job, sources: &Arc<Sources>, environment: &Environment) -> DriftReport {
    let (sessions, errors) = Sessions::reach(&specs(&[job]), environment).await;
    let survey = survey_by(job, sources, &sessions, &errors).await;
    let specs: HashMap<&NodeId, &Spec> = job.plan().nodes.iter().map(|node| (&node.id, &node.spec)).collect();
    let is_read = |node: &NodeStanding| matches!(specs.get(&node.node), Some(Spec::Stack(stack)) if !stack.manage);
    let mut report = DriftReport { nodes: Vec::new(), unread: survey.unread };
    let mut tasks = JoinSet::new();
    let mut turns = Turns::default();
    for node in survey.nodes.into_iter().filter(|node| !is_read(node)) {
        let drift = match specs.get(&node.node) {
            Some(Spec::Stack(_)) => of_stack(&node.standing),
            _ => of_link(&node.standing),
        };
        let looked_at = drift.id.clone().filter(|_| drift.verdict == Verdict::InSync && is_stack(&specs, &node.node));
        if let (Some(id), Some(home)) = (looked_at, sessions.region(&node.account, &node.region)) {
            let (turn, place) = (turns.at(&home), report.nodes.len());
            tasks.spawn(async move {
                let live = {
                    let _turn = turn.acquire().await.ok();
                    home.stack(&id).await
                };
                (place, found(&home, live, &id).await)
            });
        }
        report.nodes.push(NodeDrift { node: node.node, account: node.account, region: node.region, drift });
    }
    let mut refusals = Vec::new();
    for (place, told) in joined(tasks).await {
        let node = &mut report.nodes[place];
        match told {
            Ok(drift) => node.drift = Drift { id: node.drift.id.take(), ..drift },
            Err(mut failure) => {
                node.drift.verdict = Verdict::Unread;
                node.drift.notes.push(failure.summary.clone());
                // Each call has an id of its own; the refusal is the same.
                failure.request_id = None;
                refusals.push((place, failure));
            }
        }
    }
    refusals.sort_by_key(|(place, _)| *place);
    for (_, failure) in refusals {
        if !report.unread.contains(&failure) {
            report.unread.push(failure);
        }
    }
    report
}

fn is_stack(specs: &HashMap<&NodeId, &Spec>, node: &NodeId) -> bool {
    matches!(specs.get(node), Some(Spec::Stack(_)))
}

/// What CloudFormation finds in a stack.
async fn found(
    home: &Regional,
    live: Result<Option<crate::aws::Stack>, crate::aws::CallError>,
    id: &str,
) -> Result<Drift, Failure> {
    match live? {
        Some(stack) => Box::pin(stack::drift(home, &stack)).await,
        None => Ok(Drift { id: Some(id.to_owned()), ..Drift::new(Verdict::Missing, "not there") }),
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
    if standing.health == Health::UnderWay {
        drift.notes.insert(0, "something is being done to it: look again once that has ended".to_owned());
    }
    drift
}

/// What has drifted of a peering or a route, which the plan itself describes.
fn of_link(standing: &Standing) -> Drift {
    let verdict = match standing.health {
        Health::Fine if standing.options.is_empty() => Verdict::InSync,
        Health::Fine | Health::Failed | Health::Foreign | Health::UnderWay => Verdict::Drifted,
        Health::Missing | Health::Waits => Verdict::Missing,
        Health::Unread => Verdict::Unread,
    };
    let mut drift = noted(verdict, standing);
    drift.notes.extend(standing.options.iter().cloned());
    drift.tables.clone_from(&standing.tables);
    drift
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
