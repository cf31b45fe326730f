//! A refused call in words for the user, with what to do about it.

use crate::aws::{CallError, Class};
use crate::event::Failure;

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let CallError { operation, account, region, .. } = &error;
        let cause = match &error.code {
            Some(code) => format!("{} ({code})", error.message),
            None => error.message.clone(),
        };
        let mut failure = Self::new(format!("{operation} in account {account}, {region}, {}", error.fate()), cause);
        failure.request_id = error.request_id.as_deref().map(Into::into);
        failure.help = help(&error);
        failure.of_a_call = true;
        failure
    }
}

/// The IAM action that allows an operation.
fn action(operation: &str) -> String {
    let service = match operation {
        "AssumeRole" | "GetCallerIdentity" | "GetSessionToken" => "sts",
        operation if ["Vpc", "Route", "Tags"].iter().any(|part| operation.contains(part)) => "ec2",
        "GetParameter" => "ssm",
        "GetSecretValue" => "secretsmanager",
        operation if operation.ends_with("Object") => "s3",
        _ => "cloudformation",
    };
    format!("{service}:{operation}")
}

/// The IAM actions that allow an operation.
fn actions(operation: &str) -> String {
    match operation {
        // AWS checks the permission for each resource as well.
        "DetectStackDrift" => format!("{} and {}", action(operation), action("DetectStackResourceDrift")),
        _ => action(operation),
    }
}

/// What to do about a refused call.
fn help(error: &CallError) -> Vec<String> {
    let CallError { operation, account, region, .. } = error;
    let code = error.code.as_deref().unwrap_or_default();
    match code {
        "InsufficientCapabilitiesException" => {
            return vec![
                "allow it in the plan, with `capabilities = [\"CAPABILITY_NAMED_IAM\"]` or what the message asks for"
                    .to_owned(),
            ];
        }
        "OptInRequired" | "RegionDisabledException" => {
            return vec![format!("switch region {region} on for account {account}, or use another one")];
        }
        code if code.ends_with("LimitExceeded") || code == "LimitExceededException" => {
            return vec![format!(
                "a quota of account {account} in {region} is used up: raise it in Service Quotas, or remove what is not needed"
            )];
        }
        _ => {}
    }
    match error.class {
        Class::Denied => vec![format!("allow {} to the role that orch uses in account {account}", actions(operation))],
        Class::Expired => vec![format!(
            "renew the caller's credentials and run again: what is done is kept (and see that region {region} is switched on for account {account})"
        )],
        Class::Transient | Class::Lost => {
            vec!["run again: whatever took effect is found and kept".to_owned()]
        }
        Class::Throttled => vec!["run again later, or with fewer nodes at once".to_owned()],
        Class::Conflict => vec![
            "it is being changed by somebody else, or is in a state that does not allow this: look at it, then run again"
                .to_owned(),
        ],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_call_names_the_action_to_allow() {
        let error = CallError::sample("CreateRoute", Class::Denied)
            .saying("UnauthorizedOperation", "You are not authorized to perform this operation.");
        let failure = Failure::from(CallError { request_id: Some("r-1".to_owned()), ..error });
        assert_eq!(failure.summary, "CreateRoute in account dev, us-east-1, was refused");
        assert_eq!(failure.cause, "You are not authorized to perform this operation. (UnauthorizedOperation)");
        assert_eq!(failure.help, ["allow ec2:CreateRoute to the role that orch uses in account dev"]);
        assert_eq!(failure.request_id.as_deref(), Some("r-1"));
    }

    #[test]
    fn the_action_is_of_the_right_service() {
        for (operation, expected) in [
            ("CreateStack", "cloudformation:CreateStack"),
            ("AcceptVpcPeeringConnection", "ec2:AcceptVpcPeeringConnection"),
            ("DescribeRouteTables", "ec2:DescribeRouteTables"),
            ("CreateTags", "ec2:CreateTags"),
            ("AssumeRole", "sts:AssumeRole"),
            ("GetParameter", "ssm:GetParameter"),
            ("GetSecretValue", "secretsmanager:GetSecretValue"),
            ("DetectStackDrift", "cloudformation:DetectStackDrift and cloudformation:DetectStackResourceDrift"),
        ] {
            assert_eq!(actions(operation), expected);
        }
    }
}
