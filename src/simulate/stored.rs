//! The values that parameters are given from what is stored at AWS, for the simulation to have them too.

use serde_json::Value as Json;

use super::Live;
use crate::aws::Stored;
use crate::plan::{Spec, Supply};
use crate::run::{Job, Task};
use crate::sim::Place;
use crate::sim::stored::{Given, staged};

/// Reads what the stacks of a job are given from what is stored. What cannot be read, or only the run will name, is taken for
/// granted in the simulation; the preview has told of it.
pub(super) async fn stored(job: &Job, live: &Live) -> Vec<(Place, Given)> {
    let mut found = Vec::new();
    for ix in job.taking_part().filter(|ix| job.task(*ix) == Task::Converge) {
        let Spec::Stack(stack) = &job.plan().nodes[ix.index()].spec else { continue };
        for supply in stack.parameters.values().filter_map(|setting| setting.value.supply()) {
            found.extend(Box::pin(one(job, live, supply)).await.filter(|given| !found.contains(given)));
        }
    }
    found
}

async fn one(job: &Job, live: &Live, supply: &Supply) -> Option<(Place, Given)> {
    let (at, name) = (supply.at()?, supply.name()?);
    let Some(Json::String(name)) = name.literal() else { return None };
    let regional = live.sessions.region(&at.account, &at.region)?;
    let given = match supply {
        Supply::Environment { .. } => return None,
        Supply::Parameter { .. } => {
            let (value, secure) = match regional.stored_parameter(name).await.ok()? {
                Stored::Text(value) => (value, true),
                Stored::Plain(value) => (value, false),
                Stored::Bytes => return None,
            };
            Given::Parameter(name.clone(), value.expose().to_owned(), secure)
        }
        Supply::Secret { stage, .. } => match regional.stored_secret(name, stage.as_deref()).await.ok()? {
            Stored::Text(text) | Stored::Plain(text) => {
                let name = stage.as_ref().map_or_else(|| name.clone(), |stage| staged(name, stage));
                Given::Secret(name, text.expose().to_owned())
            }
            Stored::Bytes => return None,
        },
    };
    let account = job.plan().accounts.get(&at.account)?.id.clone();
    Some((Place { account, region: at.region.clone() }, given))
}
