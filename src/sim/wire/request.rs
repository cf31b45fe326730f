//! What a request says about itself: which service, which operation, which credentials and which region.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde::{Deserialize, Serialize};

use super::{ApiError, Params, rest};
use crate::ids::Region;
use crate::sim::Caller;
use crate::sim::world::Place;

/// A service that the embedded AWS knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// AWS Security Token Service.
    Sts,
    /// AWS `CloudFormation`.
    CloudFormation,
    /// Amazon EC2.
    Ec2,
    /// Amazon S3.
    S3,
    /// AWS Systems Manager.
    Ssm,
    /// AWS Secrets Manager.
    SecretsManager,
}

impl Service {
    /// The name in a request's signature, which is also the prefix of the service's actions: `cloudformation`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::CloudFormation => "cloudformation",
            Self::Ec2 => "ec2",
            Self::S3 => "s3",
            Self::Ssm => "ssm",
            Self::SecretsManager => "secretsmanager",
        }
    }

    /// The XML namespace of its answers, which names the version of its API.
    pub(crate) const fn namespace(self) -> &'static str {
        match self {
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::CloudFormation => "http://cloudformation.amazonaws.com/doc/2010-05-15/",
            Self::Ec2 => "http://ec2.amazonaws.com/doc/2016-11-15/",
            Self::S3 => "http://s3.amazonaws.com/doc/2006-03-01/",
            // Their answers are JSON, which has none.
            Self::Ssm | Self::SecretsManager => "",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Sts, Self::CloudFormation, Self::Ec2, Self::S3, Self::Ssm, Self::SecretsManager];
        all.into_iter().find(|service| service.name() == name)
    }

    /// Whether it speaks JSON: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>.
    pub(crate) const fn speaks_json(self) -> bool {
        matches!(self, Self::Ssm | Self::SecretsManager)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether an operation changes what exists. A session that STS issues is not such a change.
pub(crate) fn is_mutating(operation: &str) -> bool {
    const READS: [&str; 10] =
        ["Describe", "Detect", "Get", "Head", "List", "Validate", "Estimate", "AssumeRole", "Decode", "Search"];
    !READS.iter().any(|prefix| operation.starts_with(prefix))
}

/// Whether an operation that changes nothing has to be remembered by the world: the credentials that it issues, the
/// look for drift that it begins.
pub(crate) fn is_remembered(operation: &str) -> bool {
    matches!(operation, "AssumeRole" | "GetSessionToken" | "DetectStackDrift")
}

/// A request as it came in, before anybody has asked who sent it.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub(crate) service: Service,
    pub(crate) region: Region,
    pub(crate) access_key: String,
    pub(crate) token: Option<String>,
    pub(crate) operation: String,
    pub(crate) params: Params,
}

/// A request that no service of the embedded AWS can be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotForUs {
    #[error("the embedded AWS got a request to {uri} that is not signed (SigV4)")]
    Unsigned { uri: String },
    #[error(
        "the embedded AWS has no service `{service}`: it knows sts, cloudformation, ec2, s3, ssm and secretsmanager"
    )]
    Service { service: String },
    #[error("the embedded AWS got a request to {uri} whose signature is for `{region}`, which is no region")]
    Region { service: Service, uri: String, region: String },
    #[error("the embedded AWS got a request to {uri} whose body is not a form with an Action, or JSON with a target")]
    Body { service: Service, uri: String },
    #[error("the embedded AWS got a request to {uri} that names no bucket of S3 in a way that it knows")]
    Bucket { uri: String },
    #[error("the embedded AWS got a request to {uri} whose body is not a text: it keeps nothing else")]
    NotAText { uri: String },
}

impl NotForUs {
    /// The same as an answer, where the sender gets one, in the form of this service.
    pub(crate) fn refusal(&self) -> (Service, ApiError) {
        let (service, status, code) = match self {
            Self::Unsigned { .. } => (Service::Sts, 403, "MissingAuthenticationToken"),
            Self::Service { .. } => (Service::Sts, 501, "UnknownService"),
            Self::Region { service, .. } => (*service, 400, "SignatureDoesNotMatch"),
            Self::Body { service, .. } => (*service, 400, "MissingAction"),
            Self::Bucket { .. } => (Service::S3, 400, "InvalidURI"),
            Self::NotAText { .. } => (Service::S3, 501, "NotImplemented"),
        };
        (service, ApiError::new(code, self.to_string()).with_status(status))
    }
}

/// More characters than any region's name has.
const LONGEST_REGION: usize = 32;

impl Incoming {
    /// Reads the service, the region and the access key out of the signature's credential scope, and the operation and
    /// its parameters out of the form in the body (or in the query, where there is no body), or for S3 out of the whole
    /// request. What is presigned, with the signature in the query, only S3 takes: a browser sends that for any page.
    pub(crate) fn read(request: &HttpRequest) -> Result<Self, NotForUs> {
        let uri = || request.uri().to_owned();
        let query = Params::parse(request.uri().split_once('?').map_or("", |(_, query)| query).as_bytes());
        let header = request.headers().get("authorization").and_then(Scope::read);
        let presigned = || {
            query.get("X-Amz-Signature")?;
            let scope = query.get("X-Amz-Credential").and_then(Scope::parse)?;
            (scope.service == Service::S3.name() && request.method() != "POST").then_some(scope)
        };
        let scope = header.or_else(presigned).ok_or_else(|| NotForUs::Unsigned { uri: uri() })?;
        let service =
            Service::from_name(scope.service).ok_or_else(|| NotForUs::Service { service: scope.service.to_owned() })?;
        let is_region = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if scope.region.len() > LONGEST_REGION || !scope.region.chars().all(is_region) {
            let region = scope.region.chars().take(LONGEST_REGION).collect();
            return Err(NotForUs::Region { service, uri: uri(), region });
        }
        let token = request.headers().get("x-amz-security-token").or_else(|| query.get("X-Amz-Security-Token"));
        let (region, access_key, token) =
            (Region::from(scope.region), scope.access_key.to_owned(), token.map(str::to_owned));
        let (operation, params) = if service == Service::S3 {
            rest::read(request)?
        } else if service.speaks_json() {
            let refuse = || NotForUs::Body { service, uri: uri() };
            let target = request.headers().get("x-amz-target").ok_or_else(refuse)?;
            let operation = target.rsplit('.').next().unwrap_or(target).to_owned();
            let body = request.body().bytes().unwrap_or_default();
            (operation, Params::from_json(body).ok_or_else(refuse)?)
        } else {
            let body = request.body().bytes().unwrap_or_default();
            let params = if body.is_empty() { query } else { Params::parse(body) };
            (params.get("Action").ok_or_else(|| NotForUs::Body { service, uri: uri() })?.to_owned(), params)
        };
        Ok(Self { service, region, access_key, token, operation, params })
    }
}

/// The service that the header `Authorization` of a request is for, as far as it says so.
pub(crate) fn service_of(authorization: &str) -> Option<Service> {
    Scope::read(authorization).and_then(|scope| Service::from_name(scope.service))
}

/// The credential scope of a signature: `AKIA…/20260101/us-east-1/ec2/aws4_request`.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>.
struct Scope<'a> {
    access_key: &'a str,
    region: &'a str,
    service: &'a str,
}

impl<'a> Scope<'a> {
    /// Reads the scope out of the header `Authorization`.
    fn read(authorization: &'a str) -> Option<Self> {
        Self::parse(authorization.split_once("Credential=")?.1.split([',', ' ']).next()?)
    }

    fn parse(scope: &'a str) -> Option<Self> {
        let mut parts = scope.split('/');
        let (access_key, _date, region, service) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self { access_key, region, service })
    }
}

/// A request whose sender is known.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) service: Service,
    pub(crate) operation: String,
    /// The sender's account and the region that was asked.
    pub(crate) place: Place,
    pub(crate) caller: Caller,
    pub(crate) params: Params,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_of_a_signature_is_read() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIA1/20260101/eu-west-1/ec2/aws4_request, SignedHeaders=host, \
                      Signature=ab";
        let scope = Scope::read(header).unwrap();
        assert_eq!((scope.access_key, scope.region, scope.service), ("AKIA1", "eu-west-1", "ec2"));
        assert!(Scope::read("Bearer abc").is_none());
    }

    #[test]
    fn operations_that_only_look_are_reads() {
        for operation in
            ["DescribeVpcs", "GetTemplate", "ListStacks", "ValidateTemplate", "AssumeRole", "DetectStackDrift"]
        {
            assert!(!is_mutating(operation), "{operation}");
        }
        for operation in ["CreateVpc", "AcceptVpcPeeringConnection", "ExecuteChangeSet", "DeleteStack"] {
            assert!(is_mutating(operation), "{operation}");
        }
    }
}
