//! Why a resource could not be made, changed or deleted.

use crate::sim::wire::ApiError;

/// A failure, as its service tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The service's error; `None` for what `CloudFormation` finds by itself.
    error: Option<ApiError>,
    message: String,
    /// What the resource's handler calls it, where no service's error says so.
    code: Option<&'static str>,
}

impl Failure {
    /// A failure that `CloudFormation` finds by itself.
    pub(crate) fn plain(message: impl Into<String>) -> Self {
        Self { error: None, message: message.into(), code: None }
    }

    /// A resource that `CloudFormation` has waited for in vain.
    pub(crate) fn not_stabilized() -> Self {
        Self { error: None, message: "Exceeded attempts to wait".to_owned(), code: Some("NotStabilized") }
    }

    /// Whether it is about an id that is nobody's as far as a world knows that was seeded with what stands elsewhere. Such a
    /// world knows all VPCs, route tables and peerings.
    pub(crate) fn is_of_the_unknown(&self) -> bool {
        const KNOWN: [&str; 3] = ["InvalidVpcID", "InvalidRouteTableID", "InvalidVpcPeeringConnectionID"];
        self.error.as_ref().is_some_and(|error| {
            error.code.ends_with("NotFound") && !KNOWN.iter().any(|known| error.code.starts_with(known))
        })
    }

    /// What went wrong, in its service's words.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The reason that the resource's event gives. A service's error names its request by `request_id`.
    pub(crate) fn reason(&self, request_id: &str) -> String {
        if let Some(code) = self.code {
            return format!(
                "Resource handler returned message: \"{}\" (RequestToken: {request_id}, HandlerErrorCode: {code})",
                self.message
            );
        }
        let Some(error) = &self.error else { return self.message.clone() };
        let code = handler_code(&error.code);
        let service = if error.code.contains("Bucket") { "S3" } else { "Ec2" };
        format!(
            "Resource handler returned message: \"{} (Service: {service}, Status Code: {}, Request ID: {request_id})\" (RequestToken: {request_id}, HandlerErrorCode: {code})",
            error.message, error.status,
        )
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self { message: error.message.clone(), error: Some(error), code: None }
    }
}

/// What `CloudFormation` makes of a service's error code.
///
/// See <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html>.
fn handler_code(code: &str) -> &'static str {
    if code.ends_with("NotFound") {
        "NotFound"
    } else if code.contains("AlreadyExists") || code.contains("Duplicate") {
        "AlreadyExists"
    } else if code.contains("LimitExceeded") {
        "ServiceLimitExceeded"
    } else {
        "InvalidRequest"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_services_error_is_told_as_its_handler_does() {
        let failure = Failure::from(ApiError::new("InvalidSubnet.Conflict", "The CIDR conflicts"));
        assert_eq!(
            failure.reason("r"),
            "Resource handler returned message: \"The CIDR conflicts (Service: Ec2, Status Code: 400, Request ID: r)\" (RequestToken: r, HandlerErrorCode: InvalidRequest)"
        );
        assert_eq!(Failure::plain("no").reason("r"), "no");
    }
}
