//! What earlier runs tell of how long something will take.

use std::time::Duration;

use crate::aws::Forecast;
use crate::event::Change;
use crate::ids::NodeId;
use crate::inventory::Durations;
use crate::kinds::stack::Forecasts;

/// How long the changes of a stack are expected to take, by what AWS's own operations took in earlier runs.
pub(super) fn forecasts(operations: &Durations, node: &NodeId) -> Forecasts {
    let of = |change: Change| {
        let past = operations.past(node, change)?;
        let millis = Duration::from_millis;
        Some(Forecast::known(millis(past.median), millis(past.spread), past.runs))
    };
    Forecasts {
        created: of(Change::Created),
        updated: of(Change::Updated),
        replaced: of(Change::Replaced),
        deleted: of(Change::Deleted),
    }
}
