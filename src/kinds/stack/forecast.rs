//! How long what is done to a stack is expected to take.

use std::time::Duration;

use super::{Wanted, typical};
use crate::aws::{Forecast, ResourceChange};
use crate::cfn;

/// What the creation of a stack takes at the least: CloudFormation takes some seconds over the least of resources and waits
/// until it can be used.
const CREATION: Duration = Duration::from_secs(6);

/// How long the changes of one stack took before, where that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forecasts {
    /// Its creation.
    pub created: Option<Forecast>,
    /// An update.
    pub updated: Option<Forecast>,
    /// An update that makes a resource anew.
    pub replaced: Option<Forecast>,
    /// Its deletion.
    pub deleted: Option<Forecast>,
}

impl Forecasts {
    /// How long the creation of a stack of a template may take.
    pub(super) fn creation(&self, wanted: &Wanted) -> Forecast {
        self.created.unwrap_or_else(|| {
            if wanted.guards.settings.express {
                return Forecast::UNKNOWN;
            }
            let document = cfn::Document::shared(&wanted.template).ok();
            let kinds = document.iter().flat_map(|document| document.resources.values());
            guess(kinds.map(|resource| resource.type_name.as_str()), CREATION)
        })
    }

    /// How long an update may take that makes some changes.
    pub(super) fn update(&self, changes: &[ResourceChange], replaces: bool) -> Forecast {
        let known = if replaces { self.replaced.or(self.updated) } else { self.updated };
        known.unwrap_or_else(|| {
            let makes = |change: &&ResourceChange| change.action == "Add" || change.replacement() == Some("True");
            guess(changes.iter().filter(makes).map(|change| change.kind.as_str()), Duration::ZERO)
        })
    }

    /// How long its deletion may take.
    pub(super) fn deletion(&self) -> Forecast {
        self.deleted.unwrap_or(Forecast::UNKNOWN)
    }
}

/// What some resources take by their types: as long as the slowest of them, since most are made side by side, or one behind
/// another that is quick.
fn guess<'a>(kinds: impl IntoIterator<Item = &'a str>, least: Duration) -> Forecast {
    let slowest = kinds.into_iter().filter_map(typical::duration).max();
    Forecast::guessed(slowest.unwrap_or(least).max(least))
}
