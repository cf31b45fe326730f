//! What a service says to a caller whose policies do not allow a call.

use sha2::{Digest, Sha256};

use crate::iam::{Asked, Verdict};
use crate::sim::wire::{ApiError, Request, Service};

/// Why, as the end of the sentence.
fn reason(asked: &Asked, verdict: Verdict) -> String {
    match verdict {
        Verdict::Denied => "with an explicit deny in an identity-based policy".to_owned(),
        _ => format!("because no identity-based policy allows the {} action", asked.action),
    }
}

/// The whole sentence. Where an action is granted on nothing in particular, no resource is named.
pub(super) fn sentence(caller: &str, asked: &Asked, verdict: Verdict) -> String {
    let on = if asked.resource == "*" { String::new() } else { format!(" on resource: {}", asked.resource) };
    format!("User: {caller} is not authorized to perform: {}{on} {}", asked.action, reason(asked, verdict))
}

/// The refusal of a request.
pub(super) fn of(request: &Request, asked: &Asked, verdict: Verdict) -> ApiError {
    let sentence = sentence(&request.caller.arn, asked, verdict);
    match request.service {
        Service::Ec2 => {
            // AWS encodes what it has decided by, for `sts:DecodeAuthorizationMessage`. Here nobody decodes it.
            let digest = Sha256::digest(format!("{} {}", asked.action, asked.resource));
            let encoded = digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            let encoded = if asked.resource == "*" {
                String::new()
            } else {
                format!(". Encoded authorization failure message: {encoded}")
            };
            let message = format!("You are not authorized to perform this operation. {sentence}{encoded}");
            ApiError::new("UnauthorizedOperation", message).with_status(403)
        }
        Service::CloudFormation if asked.action.starts_with("s3:") => ApiError::new(
            "ValidationError",
            "S3 error: Access Denied\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
        ),
        Service::Ssm | Service::SecretsManager => ApiError::new("AccessDeniedException", sentence),
        Service::CloudFormation | Service::Sts | Service::S3 => {
            ApiError::new("AccessDenied", sentence).with_status(403)
        }
    }
}
