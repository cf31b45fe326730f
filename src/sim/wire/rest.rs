//! S3's protocol: the operation stands in the method and the query, the bucket in the host or the path, everything else
//! in headers and in the body.
//!
//! See <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAPI.html>.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::Params;
use crate::cfn::S3Url;

/// The headers that operations look at.
const HEADERS: [&str; 6] = [
    "content-type",
    "if-match",
    "if-none-match",
    "x-amz-expected-bucket-owner",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
];

/// What names an object's version in a query.
const VERSION: &str = "versionId";

/// A request's operation and its parameters: `Bucket`, `Key`, `Body` and the headers by their names. `None` for a host that
/// is not S3's, and for a body that is not a text.
pub(super) fn read(request: &HttpRequest) -> Option<(String, Params)> {
    let (_, rest) = request.uri().split_once("://")?;
    let (host, target) = rest.split_once('/').unwrap_or((rest, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let S3Url { bucket, key, .. } = S3Url::of(host, path)?;
    let operation = operation(request.method(), !key.is_empty(), query);
    let body = std::str::from_utf8(request.body().bytes()?).ok()?;
    let headers =
        HEADERS.iter().filter_map(|name| Some(((*name).to_owned(), request.headers().get(*name)?.to_owned())));
    let own =
        [("Bucket", bucket), ("Key", key), ("Body", body.to_owned())].map(|(name, value)| (name.to_owned(), value));
    let version = form_urlencoded::parse(query.as_bytes()).into_owned().filter(|(key, _)| key == VERSION);
    Some((operation, own.into_iter().chain(version).chain(headers).collect()))
}

/// The name of an operation. One that asks for a part of a bucket or an object (`?policy`) is called by method and part:
/// none of these is embedded.
fn operation(method: &str, of_object: bool, query: &str) -> String {
    let mut keys = form_urlencoded::parse(query.as_bytes()).map(|(key, _)| key.into_owned());
    if let Some(part) = keys.find(|key| !["x-id", VERSION].contains(&key.as_str())) {
        return format!("{method} {part}");
    }
    match (method, of_object) {
        ("PUT", true) => "PutObject",
        ("GET", true) => "GetObject",
        ("HEAD", true) => "HeadObject",
        ("DELETE", true) => "DeleteObject",
        ("PUT", false) => "CreateBucket",
        ("HEAD", false) => "HeadBucket",
        ("DELETE", false) => "DeleteBucket",
        (other, _) => other,
    }
    .to_owned()
}
