//! Which calls AWS counts together, and what is believed of their rates before anything is known.

use super::learner::Rate;
use crate::aws::call::changes_something;

/// A class of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::aws) enum Class {
    /// Calls to CloudFormation that only look.
    CloudFormationRead,
    /// Calls to CloudFormation that change something.
    CloudFormationWrite,
    /// Calls to EC2 that only look.
    Ec2Read,
    /// Calls to EC2 that change something.
    Ec2Write,
    /// Calls that read a parameter of Systems Manager.
    ParameterRead,
    /// Calls that read a secret of Secrets Manager.
    SecretRead,
}

impl Class {
    /// The class of an operation; `None` for those of services whose rates are not waited for.
    ///
    /// An operation of EC2 is told by what it is about: CloudFormation has neither VPCs, subnets nor routes.
    pub(in crate::aws) fn of(operation: &str) -> Option<Self> {
        const OTHERS: [&str; 4] = ["Object", "Bucket", "AssumeRole", "GetCallerIdentity"];
        const EC2: [&str; 4] = ["Vpc", "Subnet", "Route", "Tags"];
        let is_about = |words: &[&str]| words.iter().any(|word| operation.contains(word));
        match operation {
            "GetParameter" => return Some(Self::ParameterRead),
            "GetSecretValue" => return Some(Self::SecretRead),
            _ => {}
        }
        if is_about(&OTHERS) {
            return None;
        }
        Some(match (is_about(&EC2), changes_something(operation)) {
            (false, false) => Self::CloudFormationRead,
            (false, true) => Self::CloudFormationWrite,
            (true, false) => Self::Ec2Read,
            (true, true) => Self::Ec2Write,
        })
    }

    /// Whether its calls let others go first: those that change nothing, unless they are looks for which many wait.
    pub(in crate::aws) const fn is_patient(self, is_look: bool) -> bool {
        !is_look && matches!(self, Self::CloudFormationRead | Self::Ec2Read | Self::ParameterRead | Self::SecretRead)
    }

    /// What its calls are, for messages.
    pub(in crate::aws) const fn calls(self) -> &'static str {
        match self {
            Self::CloudFormationRead => "looks at CloudFormation",
            Self::CloudFormationWrite => "changes by CloudFormation",
            Self::Ec2Read => "looks at EC2",
            Self::Ec2Write => "changes by EC2",
            Self::ParameterRead => "reads of parameters",
            Self::SecretRead => "reads of secrets",
        }
    }

    /// What all calls of the class together are believed to be granted. AWS documents nothing of CloudFormation; users tell
    /// of throttles from about five looks a second on.
    pub(super) const fn together(self) -> Option<Rate> {
        match self {
            Self::CloudFormationRead => Some(Rate { burst: 20.0, per_second: 5.0 }),
            Self::CloudFormationWrite => Some(Rate { burst: 5.0, per_second: 2.0 }),
            Self::Ec2Read | Self::Ec2Write | Self::ParameterRead | Self::SecretRead => None,
        }
    }

    /// What each operation of the class is granted by itself, as AWS documents it.
    pub(super) const fn each(self) -> Option<Rate> {
        match self {
            Self::Ec2Read => Some(Rate { burst: 100.0, per_second: 20.0 }),
            Self::Ec2Write => Some(Rate { burst: 50.0, per_second: 5.0 }),
            // The least of what is granted without asking for more.
            Self::ParameterRead => Some(Rate { burst: 40.0, per_second: 40.0 }),
            Self::SecretRead => Some(Rate { burst: 1000.0, per_second: 1000.0 }),
            Self::CloudFormationRead | Self::CloudFormationWrite => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Class::{self, CloudFormationRead, CloudFormationWrite, Ec2Read, Ec2Write, ParameterRead, SecretRead};

    #[test]
    fn operations_have_their_class() {
        for (operation, class) in [
            ("DescribeStacks", Some(CloudFormationRead)),
            ("ListStackResources", Some(CloudFormationRead)),
            ("ValidateTemplate", Some(CloudFormationRead)),
            ("DescribeEvents", Some(CloudFormationRead)),
            ("DetectStackDrift", Some(CloudFormationRead)),
            ("GetStackPolicy", Some(CloudFormationRead)),
            ("CreateStack", Some(CloudFormationWrite)),
            ("ExecuteChangeSet", Some(CloudFormationWrite)),
            ("UpdateTerminationProtection", Some(CloudFormationWrite)),
            ("ContinueUpdateRollback", Some(CloudFormationWrite)),
            ("DescribeVpcs", Some(Ec2Read)),
            ("DescribeSubnets", Some(Ec2Read)),
            ("DescribeVpcPeeringConnections", Some(Ec2Read)),
            ("DescribeRouteTables", Some(Ec2Read)),
            ("CreateVpcPeeringConnection", Some(Ec2Write)),
            ("ModifyVpcPeeringConnectionOptions", Some(Ec2Write)),
            ("CreateRoute", Some(Ec2Write)),
            ("CreateTags", Some(Ec2Write)),
            ("GetParameter", Some(ParameterRead)),
            ("GetSecretValue", Some(SecretRead)),
            ("PutObject", None),
            ("HeadBucket", None),
            ("AssumeRole", None),
        ] {
            assert_eq!(Class::of(operation), class, "{operation}");
        }
    }
}
