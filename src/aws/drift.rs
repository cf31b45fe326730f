//! The calls about drift: what CloudFormation finds when it compares a stack's resources with what it last deployed.

use aws_sdk_cloudformation::types;

use super::call::CallError;
use super::regional::Regional;

/// How far a look for drift is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// `DETECTION_IN_PROGRESS`, `DETECTION_COMPLETE` or `DETECTION_FAILED`.
    pub status: String,
    /// Why it failed.
    pub reason: Option<String>,
}

impl Detection {
    /// Whether it is still under way.
    pub fn is_in_progress(&self) -> bool {
        self.status == "DETECTION_IN_PROGRESS"
    }
}

/// What was found of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceDrift {
    /// The resource's name in the template.
    pub resource: String,
    /// Its type.
    pub kind: String,
    /// Its id at its service.
    pub id: Option<String>,
    /// `IN_SYNC`, `MODIFIED`, `DELETED`, `UNKNOWN`, `NOT_CHECKED`.
    pub status: String,
    /// Why it could not be read.
    pub reason: Option<String>,
    /// What differs.
    pub differences: Vec<PropertyDrift>,
    /// All properties that were compared, as JSON, as they were deployed.
    pub expected: Option<String>,
}

/// A property that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyDrift {
    /// Where in the resource: `/Tags/0/Value`.
    pub path: String,
    /// What it was deployed as, as text.
    pub expected: Option<String>,
    /// What it is, as text.
    pub actual: Option<String>,
    /// `ADD`, `REMOVE` or `NOT_EQUAL`.
    pub difference: String,
}

/// A resource that no look for drift has looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked {
    /// The resource's name in the template.
    pub resource: String,
    /// Its type.
    pub kind: String,
}

impl Regional {
    /// Begins to look for drift in a stack, and gives the name of the look. It changes nothing of the stack.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn detect_drift(&self, stack: &str) -> Result<String, CallError> {
        const OPERATION: &str = "DetectStackDrift";
        let send = || self.cloudformation().detect_stack_drift().stack_name(stack).send();
        let answer = self.call(OPERATION, send).await?;
        answer.stack_drift_detection_id.ok_or_else(|| self.odd_answer(OPERATION, "drift detection id"))
    }

    /// How far a look for drift is.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn detection(&self, id: &str) -> Result<Detection, CallError> {
        let send = || {
            let request = self.cloudformation().describe_stack_drift_detection_status();
            request.stack_drift_detection_id(id).send()
        };
        let answer = self.call("DescribeStackDriftDetectionStatus", send).await?;
        let status = answer.detection_status.map(|status| status.as_str().to_owned()).unwrap_or_default();
        Ok(Detection { status, reason: answer.detection_status_reason })
    }

    /// What the last look for drift has found of each resource that it looked at.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn resource_drifts(&self, stack: &str) -> Result<Vec<ResourceDrift>, CallError> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let send = || {
                let request = self.cloudformation().describe_stack_resource_drifts().stack_name(stack);
                request.set_next_token(next.clone()).send()
            };
            let answer = self.call("DescribeStackResourceDrifts", send).await?;
            found.extend(answer.stack_resource_drifts.unwrap_or_default().into_iter().filter_map(ResourceDrift::read));
            next = answer.next_token;
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// The resources of a stack that no look for drift has looked at.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`].
    pub async fn unchecked_resources(&self, stack: &str) -> Result<Vec<Unchecked>, CallError> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let send =
                || self.cloudformation().list_stack_resources().stack_name(stack).set_next_token(next.clone()).send();
            let answer = self.call("ListStackResources", send).await?;
            found.extend(answer.stack_resource_summaries.unwrap_or_default().into_iter().filter_map(Unchecked::read));
            next = answer.next_token;
            if next.is_none() {
                return Ok(found);
            }
        }
    }
}

impl ResourceDrift {
    fn read(found: types::StackResourceDrift) -> Option<Self> {
        let differences = found.property_differences.unwrap_or_default().into_iter().filter_map(|difference| {
            Some(PropertyDrift {
                path: difference.property_path?,
                expected: difference.expected_value,
                actual: difference.actual_value,
                difference: difference.difference_type?.as_str().to_owned(),
            })
        });
        Some(Self {
            resource: found.logical_resource_id?,
            kind: found.resource_type.unwrap_or_default(),
            id: found.physical_resource_id.filter(|id| !id.is_empty()),
            status: found.stack_resource_drift_status?.as_str().to_owned(),
            reason: found.drift_status_reason,
            differences: differences.collect(),
            expected: found.expected_properties,
        })
    }
}

impl Unchecked {
    fn read(found: types::StackResourceSummary) -> Option<Self> {
        if found.resource_status == Some(types::ResourceStatus::DeleteComplete) {
            return None;
        }
        let status = found.drift_information.and_then(|drift| drift.stack_resource_drift_status);
        let is_checked = status.is_some_and(|status| status != types::StackResourceDriftStatus::NotChecked);
        let resource = found.logical_resource_id.filter(|_| !is_checked)?;
        Some(Self { resource, kind: found.resource_type.unwrap_or_default() })
    }
}
