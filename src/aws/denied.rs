//! Calls that were refused for want of a permission: which one it is, and what is said of those that nothing depends on.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::call::{CallError, Class};
use super::regional::Regional;
use crate::iam::{action_in, operation};

impl CallError {
    /// What to do about a call that was refused for want of a permission.
    pub fn remedy(&self) -> String {
        format!("allow {} to the role that orch uses in account {}", self.missing(), self.account)
    }

    /// The error in one line, with what to do about it where a permission is missing.
    pub fn with_remedy(&self) -> String {
        if self.class == Class::Denied { format!("{self}; {}", self.remedy()) } else { self.to_string() }
    }

    /// The IAM actions that are missing: those that the operation always needs, or the other one that AWS names. Where several are
    /// always needed, AWS names the first that it misses.
    pub fn missing(&self) -> String {
        let Some(operation) = operation(self.operation) else { return self.operation.to_owned() };
        let always: Vec<&str> = operation.actions().collect();
        let other = action_in(&self.message).filter(|action| operation.may_need(action) && !always.contains(action));
        other.map_or_else(|| always.join(" and "), str::to_owned)
    }
}

/// What to do about a resource that CloudFormation may not touch, as its reason says: it acts with the permissions of
/// whoever asks, or in the stack's service role.
pub fn remedy_of_resource(reason: &str, regional: &Regional) -> Option<String> {
    let action = action_in(reason)?;
    let account = regional.account();
    Some(format!(
        "allow {action} to the role that orch uses in account {account}, or to the stack's `service_role`: CloudFormation acts with it"
    ))
}

/// The operations of which it was told already that they are refused here.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<BTreeSet<&'static str>>);

impl Regional {
    /// Passes over a call on which nothing depends: `what` says what is not known for it. That a permission is missing is told,
    /// once in each account and region: whoever has written the policies wants to know.
    pub fn passes_over(&self, error: &CallError, what: &str) {
        let told = &self.stacks().told;
        let is_new = || told.0.lock().unwrap_or_else(PoisonError::into_inner).insert(error.operation);
        if error.class == Class::Denied && is_new() {
            tracing::warn!("{what}: {}", error.with_remedy());
        } else {
            tracing::debug!(%error, "{what}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_action_that_is_missing_is_named_with_its_service() {
        let remedy =
            |operation, message| CallError::sample(operation, Class::Denied).saying("AccessDenied", message).remedy();
        for (operation, expected) in [
            ("CreateStack", "cloudformation:CreateStack"),
            ("AcceptVpcPeeringConnection", "ec2:AcceptVpcPeeringConnection"),
            ("DescribeSubnets", "ec2:DescribeSubnets"),
            ("CreateTags", "ec2:CreateTags"),
            ("HeadBucket", "s3:ListBucket"),
            ("AssumeRole", "sts:AssumeRole"),
            ("DetectStackDrift", "cloudformation:DetectStackDrift and cloudformation:DetectStackResourceDrift"),
        ] {
            assert_eq!(remedy(operation, "no"), format!("allow {expected} to the role that orch uses in account dev"));
        }
        // AWS may name another one that the operation needs as well, and no other word counts.
        let tags = "User: x is not authorized to perform: ec2:CreateTags on resource: y";
        assert!(remedy("CreateVpcPeeringConnection", tags).starts_with("allow ec2:CreateTags to"));
        let second = "User: x is not authorized to perform: cloudformation:DetectStackResourceDrift on resource: y";
        let both = "allow cloudformation:DetectStackDrift and cloudformation:DetectStackResourceDrift to";
        assert!(remedy("DetectStackDrift", second).starts_with(both));
        let odd = "User: x is not authorized to perform: ec2:RunInstances on resource: y";
        assert!(remedy("CreateRoute", odd).starts_with("allow ec2:CreateRoute to"));
    }
}
