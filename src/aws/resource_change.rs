//! What a change set would do to a resource:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html>.

use aws_sdk_cloudformation::types;

/// A property, or another attribute, of a resource that a change set would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// `Properties`, `Tags`, `Metadata` and so on.
    pub attribute: String,
    /// Where in the resource: `/Properties/CidrBlock`. An older endpoint gives the property's name alone.
    pub path: String,
    /// The value before, as text.
    pub before: Option<String>,
    /// The value after, as text. What only the update will know is not given.
    pub after: Option<String>,
    /// Whether it makes the resource anew: `Never`, `Conditionally`, `Always`.
    pub recreation: String,
    /// `Static`, or `Dynamic` where only the update will tell whether it changes at all.
    pub evaluation: String,
    /// The parameter, resource or attribute that is behind it.
    pub cause: Option<String>,
    /// The value that was last deployed, as text, where a change set that looks at drift has found another.
    pub deployed: Option<String>,
}

/// What a change set would do to one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceChange {
    /// CloudFormation's word for it: `Add`, `Modify`, `Remove`, `Import`, `Dynamic`, `SyncWithActual`.
    pub action: String,
    /// The resource's name in the template.
    pub resource: String,
    /// Its type.
    pub kind: String,
    /// Its id at its service, if it has one.
    pub id: Option<String>,
    /// Whether it is made anew: `True`, `False`, `Conditional`; `None` where that is no question.
    pub replacement: Option<String>,
    /// What becomes of the resource that is there: `Delete`, `Retain`, `Snapshot`, `ReplaceAndDelete` and so on.
    pub policy: Option<String>,
    /// What became of it since it was last deployed, in a change set that looks at drift: `MODIFIED`, `DELETED` and so on.
    pub drift: Option<String>,
    /// What of it changes.
    pub details: Vec<Detail>,
    /// Of a nested stack: the ARN of its own change set.
    pub change_set: Option<String>,
    /// Of a nested stack: what its own change set would do.
    pub nested: Vec<Self>,
}

/// What CloudFormation writes in place of a value that it will know during the update only.
const LATER: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

impl ResourceChange {
    /// Reads a change; `None` for one that is not about a resource, or lacks what each has.
    pub(super) fn read(change: types::Change) -> Option<Self> {
        let change = change.resource_change?;
        let mut details: Vec<Detail> = Vec::new();
        for detail in change.details.unwrap_or_default().into_iter().filter_map(Detail::read) {
            // CloudFormation tells one property several times where several causes are behind it.
            match details.iter_mut().find(|known| known.path == detail.path && known.attribute == detail.attribute) {
                Some(known) => known.merge(detail),
                None => details.push(detail),
            }
        }
        Some(Self {
            action: change.action?.as_str().to_owned(),
            resource: change.logical_resource_id?,
            kind: change.resource_type.unwrap_or_default(),
            id: change.physical_resource_id.filter(|id| !id.is_empty()),
            replacement: change.replacement.map(|replacement| replacement.as_str().to_owned()),
            policy: change.policy_action.map(|policy| policy.as_str().to_owned()),
            drift: change.resource_drift_status.map(|status| status.as_str().to_owned()),
            details,
            change_set: change.change_set_id.filter(|id| !id.is_empty()),
            nested: Vec::new(),
        })
    }
}

impl Detail {
    fn read(detail: types::ResourceChangeDetail) -> Option<Self> {
        let target = detail.target?;
        let attribute = target.attribute.map(|attribute| attribute.as_str().to_owned()).unwrap_or_default();
        let path = target.path.or(target.name).unwrap_or_default();
        Some(Self {
            attribute,
            path,
            before: target.before_value,
            after: target.after_value.filter(|value| value != LATER),
            recreation: target.requires_recreation.map(|word| word.as_str().to_owned()).unwrap_or_default(),
            evaluation: detail.evaluation.map(|word| word.as_str().to_owned()).unwrap_or_default(),
            cause: detail.causing_entity.filter(|cause| !cause.is_empty()),
            deployed: target.drift.map(|drift| drift.previous_value.unwrap_or_default()),
        })
    }

    /// Takes in another telling of the same property: what is certain by one of them is certain.
    fn merge(&mut self, other: Self) {
        let weight = |word: &str| match word {
            "Always" => 2,
            "Conditionally" => 1,
            _ => 0,
        };
        if other.evaluation == "Static" {
            self.evaluation = other.evaluation;
        }
        if weight(&other.recreation) > weight(&self.recreation) {
            self.recreation = other.recreation;
        }
        self.before = self.before.take().or(other.before);
        self.after = self.after.take().or(other.after);
        self.cause = self.cause.take().or(other.cause);
        self.deployed = self.deployed.take().or(other.deployed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(evaluation: &str, recreation: &str, after: &str, cause: &str) -> types::ResourceChangeDetail {
        let target = types::ResourceTargetDefinition::builder()
            .attribute(types::ResourceAttribute::Properties)
            .path("/Properties/CidrBlock")
            .requires_recreation(recreation.into())
            .before_value("10.0.0.0/24")
            .after_value(after);
        types::ResourceChangeDetail::builder()
            .target(target.build())
            .evaluation(evaluation.into())
            .causing_entity(cause)
            .build()
    }

    #[test]
    fn a_property_that_is_told_twice_is_one_and_what_is_certain_stays_certain() {
        let change = types::ResourceChange::builder()
            .action(types::ChangeAction::Modify)
            .logical_resource_id("Subnet")
            .replacement(types::Replacement::True)
            .details(detail("Dynamic", "Never", LATER, "Vpc.CidrBlock"))
            .details(detail("Static", "Always", "10.0.1.0/24", ""))
            .build();
        let read = ResourceChange::read(types::Change::builder().resource_change(change).build()).unwrap();
        let [only] = read.details.as_slice() else { panic!("{read:?}") };
        assert_eq!((only.evaluation.as_str(), only.recreation.as_str()), ("Static", "Always"));
        assert_eq!((only.before.as_deref(), only.after.as_deref()), (Some("10.0.0.0/24"), Some("10.0.1.0/24")));
        assert_eq!(only.cause.as_deref(), Some("Vpc.CidrBlock"));
    }

    #[test]
    fn what_is_known_during_the_update_only_is_no_value() {
        let read = Detail::read(detail("Dynamic", "Never", LATER, "")).unwrap();
        assert_eq!((read.after, read.cause), (None, None));
    }
}
