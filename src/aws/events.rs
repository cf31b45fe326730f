//! A stack's events, and which of them tells why an operation failed.

use aws_sdk_cloudformation::types;

/// One event of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackEvent {
    /// Its id.
    pub id: String,
    /// The stack's ARN.
    pub stack: String,
    /// The resource's name in the template, or the stack's own name.
    pub resource: String,
    /// The resource's own id, once it has one.
    pub physical_id: String,
    /// The resource's type.
    pub kind: String,
    /// Its status: `CREATE_IN_PROGRESS` and so on.
    pub status: String,
    /// CloudFormation's reason for the status.
    pub reason: Option<String>,
    /// The token of the call that began the operation.
    pub token: Option<String>,
    /// When it happened, in milliseconds since the epoch.
    pub at: Option<i64>,
}

/// What CloudFormation tells of a resource, by the stack or by an operation: two types with the same fields.
macro_rules! told {
    ($event:expr, $stack:expr) => {
        Some(Self {
            stack: $stack,
            id: $event.event_id?,
            resource: $event.logical_resource_id?,
            physical_id: $event.physical_resource_id.unwrap_or_default(),
            kind: $event.resource_type.unwrap_or_default(),
            status: $event.resource_status?.as_str().to_owned(),
            reason: $event.resource_status_reason,
            token: $event.client_request_token,
            at: $event.timestamp.and_then(|time| time.to_millis().ok()),
        })
    };
}

impl StackEvent {
    pub(super) fn read(event: types::StackEvent) -> Option<Self> {
        told!(event, event.stack_id?)
    }

    /// Reads what `DescribeEvents` tells of an operation on this stack; `None` where that is of no resource: of the operation
    /// as such, of a hook or a validation, or of a nested stack's own.
    pub(super) fn of_operation(event: types::OperationEvent, stack: &str) -> Option<Self> {
        if event.stack_id.as_deref().is_some_and(|of| of != stack) {
            return None;
        }
        told!(event, stack.to_owned())
    }

    #[cfg(test)]
    pub(crate) fn sample() -> Self {
        let [id, stack, resource, physical_id, kind, status] =
            ["1", "arn", "Vpc", "vpc-1", "AWS::EC2::VPC", "CREATE_COMPLETE"].map(str::to_owned);
        Self { id, stack, resource, physical_id, kind, status, reason: None, token: None, at: None }
    }

    /// Whether it is about the stack itself rather than one of its resources.
    pub fn is_stack(&self) -> bool {
        self.physical_id == self.stack
    }

    /// Whether it is the first event of an operation. What a rollback or a cleanup begins belongs to the operation that
    /// it ends, and so does the deletion of a stack that could not be created.
    pub fn begins_operation(&self) -> bool {
        let ends_another = || self.reason.as_deref().is_some_and(|reason| reason.contains("Delete requested by user"));
        self.is_stack()
            && !ends_another()
            && matches!(
                self.status.as_str(),
                "CREATE_IN_PROGRESS"
                    | "UPDATE_IN_PROGRESS"
                    | "DELETE_IN_PROGRESS"
                    | "IMPORT_IN_PROGRESS"
                    | "REVIEW_IN_PROGRESS"
            )
    }

    /// Whether it tells of a resource that was only stopped because another had failed.
    fn is_follower(&self) -> bool {
        self.reason.as_deref().is_some_and(|reason| {
            let reason = reason.to_ascii_lowercase();
            reason.contains("cancelled") || reason.contains("canceled")
        })
    }
}

/// The event that tells why an operation failed: the first resource that failed by itself, else the stack's own failure.
///
/// The events are those of one operation, oldest first.
pub fn first_failure(events: &[StackEvent]) -> Option<&StackEvent> {
    let failed = || events.iter().filter(|event| event.status.ends_with("_FAILED"));
    failed()
        .find(|event| !event.is_stack() && !event.is_follower())
        .or_else(|| failed().find(|event| event.is_stack()))
        .or_else(|| events.iter().find(|event| event.is_stack() && event.status.ends_with("ROLLBACK_IN_PROGRESS")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(resource: &str, status: &str, reason: &str) -> StackEvent {
        let physical_id = if resource == "dev" { "arn:stack".to_owned() } else { format!("id-{resource}") };
        StackEvent {
            id: format!("{resource}-{status}"),
            stack: "arn:stack".to_owned(),
            resource: resource.to_owned(),
            physical_id,
            kind: "AWS::EC2::VPC".to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
            token: None,
            at: None,
        }
    }

    #[test]
    fn the_first_resource_that_failed_by_itself_is_the_cause() {
        let events = [
            event("dev", "CREATE_IN_PROGRESS", "User Initiated"),
            event("A", "CREATE_FAILED", "Resource creation cancelled"),
            event("B", "CREATE_FAILED", "The CIDR '10.0.0.0/99' is invalid."),
            event("C", "CREATE_FAILED", "later"),
            event("dev", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [A, B, C]."),
        ];
        assert_eq!(first_failure(&events).unwrap().resource, "B");
    }

    #[test]
    fn a_stack_that_failed_without_a_resource_is_its_own_cause() {
        let events = [
            event("dev", "CREATE_IN_PROGRESS", ""),
            event("dev", "ROLLBACK_IN_PROGRESS", "Stack creation time exceeded."),
        ];
        assert_eq!(first_failure(&events).unwrap().reason.as_deref(), Some("Stack creation time exceeded."));
        assert_eq!(first_failure(&events[..1]), None);
    }

    #[test]
    fn what_an_operation_tells_is_read_like_what_its_stack_tells() {
        let at = aws_sdk_cloudformation::primitives::DateTime::from_millis(5);
        let event = || {
            let event = types::OperationEvent::builder().event_id("1").stack_id("arn").operation_id("o").timestamp(at);
            event.client_request_token("ours")
        };
        let of_resource = || {
            let event = event().event_type(types::EventType::ProvisioningError).logical_resource_id("Vpc");
            let event = event.physical_resource_id("vpc-1").resource_type("AWS::EC2::VPC");
            event.resource_status(types::ResourceStatus::CreateFailed).resource_status_reason("no")
        };
        let told = types::StackEvent::builder().event_id("1").stack_id("arn").stack_name("dev").operation_id("o");
        let told =
            told.timestamp(at).client_request_token("ours").logical_resource_id("Vpc").physical_resource_id("vpc-1");
        let told = told.resource_type("AWS::EC2::VPC").resource_status(types::ResourceStatus::CreateFailed);
        let told = StackEvent::read(told.resource_status_reason("no").build());
        assert!(told.is_some());
        assert_eq!(StackEvent::of_operation(of_resource().build(), "arn"), told);
        assert_eq!(StackEvent::of_operation(of_resource().stack_id("nested").build(), "arn"), None);
        let of_itself =
            event().event_type(types::EventType::StackEvent).operation_type(types::OperationType::CreateStack);
        assert_eq!(StackEvent::of_operation(of_itself.build(), "arn"), None);
        let of_validation = event().event_type(types::EventType::ValidationError).logical_resource_id("Vpc");
        assert_eq!(StackEvent::of_operation(of_validation.build(), "arn"), None);
    }

    #[test]
    fn a_rollback_is_part_of_the_operation_it_ends() {
        assert!(event("dev", "UPDATE_IN_PROGRESS", "").begins_operation());
        assert!(!event("dev", "UPDATE_ROLLBACK_IN_PROGRESS", "").begins_operation());
        assert!(!event("dev", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "").begins_operation());
        assert!(!event("A", "CREATE_IN_PROGRESS", "").begins_operation());
    }
}
