//! How long what is done to a stack is expected to take.

use std::time::Duration;

use super::declared::Declared;
use super::foresee::Draft;
use super::{Wanted, typical};
use crate::aws::{Forecast, Regional, ResourceChange};
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
    pub(super) fn creation(&self, regional: &Regional, wanted: &Wanted) -> Forecast {
        self.created.unwrap_or_else(|| {
            if is_express(wanted) {
                return Forecast::UNKNOWN;
            }
            let Ok(document) = cfn::Document::shared(&wanted.template) else { return guess([], CREATION) };
            let draft = Draft::of(wanted);
            let declared = Declared::new(regional, &draft, &document);
            let conditions = declared.evaluator();
            // What a condition keeps out is not made.
            let made = document.resources.values().filter(|resource| conditions.exists(resource).unwrap_or(true));
            guess(made.map(|resource| resource.type_name.as_str()), CREATION)
        })
    }

    /// How long an update may take that makes some changes.
    pub(super) fn update(&self, wanted: &Wanted, changes: &[ResourceChange], replaces: bool) -> Forecast {
        let known = if replaces { self.replaced.or(self.updated) } else { self.updated };
        let makes = |change: &&ResourceChange| change.action == "Add" || change.replacement() == Some("True");
        let made = changes.iter().filter(makes).map(|change| change.kind.as_str());
        let guess = if is_express(wanted) { Forecast::UNKNOWN } else { guess(made, Duration::ZERO) };
        // What updates took before tells little of one that only changes a tag.
        known.map_or(guess, |known| known.or_sooner(guess))
    }

    /// How long its deletion may take.
    pub(super) fn deletion(&self) -> Forecast {
        self.deleted.unwrap_or(Forecast::UNKNOWN)
    }
}

/// Whether it is complete before its resources are.
fn is_express(wanted: &Wanted) -> bool {
    wanted.guards.settings.express
}

/// What some resources take by their types: as long as the slowest of them, since most are made side by side, or one behind
/// another that is quick.
fn guess<'a>(kinds: impl IntoIterator<Item = &'a str>, least: Duration) -> Forecast {
    let slowest = kinds.into_iter().filter_map(typical::duration).max();
    Forecast::guessed(slowest.unwrap_or(least).max(least))
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::super::tests::World;
    use super::*;

    const TEMPLATE: &str = "\
Parameters: {CreateNat: {Type: String}}
Conditions: {HasNat: !Equals [!Ref CreateNat, 'true']}
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/24}}
  Nat: {Type: 'AWS::EC2::NatGateway', Condition: HasNat, Properties: {SubnetId: subnet-1}}
";

    #[tokio::test(start_paused = true)]
    async fn a_creation_is_expected_to_take_what_the_slowest_that_is_made_takes() {
        let mut world = World::new().await;
        let forecasts = Forecasts::default();
        world.wanted.template = TEMPLATE.into();
        for (value, seconds) in [("true", 110), ("false", 6)] {
            world.wanted.parameters = IndexMap::from([("CreateNat".to_owned(), value.to_owned())]);
            let expected = Forecast::guessed(Duration::from_secs(seconds));
            assert_eq!(forecasts.creation(&world.dev(), &world.wanted), expected, "{value}");
        }
        // What a condition hangs on that nobody knows is taken to be made.
        world.wanted.parameters = IndexMap::new();
        let expected = Forecast::guessed(Duration::from_secs(110));
        assert_eq!(forecasts.creation(&world.dev(), &world.wanted), expected);
        world.wanted.guards.settings.express = true;
        assert_eq!(forecasts.creation(&world.dev(), &world.wanted), Forecast::UNKNOWN);
    }

    #[tokio::test(start_paused = true)]
    async fn an_update_may_be_over_sooner_than_the_last_ones_by_what_it_changes() {
        let mut world = World::new().await;
        let known = Forecast::known(Duration::from_mins(5), Duration::ZERO, 5);
        let (unknown, usual) = (Forecasts::default(), Forecasts { updated: Some(known), ..Forecasts::default() });
        let change = |action: &str, kind: &str| ResourceChange {
            action: action.to_owned(),
            kind: kind.to_owned(),
            ..ResourceChange::default()
        };
        let slow = [change("Add", "AWS::NetworkFirewall::Firewall"), change("Modify", "AWS::EC2::VPC")];
        let quick = [change("Modify", "AWS::NetworkFirewall::Firewall")];
        assert_eq!(unknown.update(&world.wanted, &slow, false), Forecast::guessed(Duration::from_mins(6)));
        assert_eq!(unknown.update(&world.wanted, &quick, false), Forecast::UNKNOWN);
        assert_eq!(usual.update(&world.wanted, &slow, false), known);
        assert_eq!(usual.update(&world.wanted, &quick, false), known.or_sooner(Forecast::UNKNOWN));
        assert_ne!(known.or_sooner(Forecast::UNKNOWN), known);
        world.wanted.guards.settings.express = true;
        assert_eq!(unknown.update(&world.wanted, &slow, false), Forecast::UNKNOWN);
    }
}
