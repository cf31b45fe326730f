//! S3's protocol: the operation stands in the method and the query, the bucket in the host or the path, everything else
//! in headers and in the body.
//!
//! See <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAPI.html>.

use std::net::IpAddr;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::Params;
use super::request::NotForUs;
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

/// What a listing is asked for by in a query; the first says that it is one.
const LISTING: [&str; 8] = [
    "list-type",
    "prefix",
    "delimiter",
    "max-keys",
    "continuation-token",
    "start-after",
    "encoding-type",
    "fetch-owner",
];

/// A request's operation and its parameters: `Bucket`, `Key`, `Body` and the headers by their names.
///
/// # Errors
/// A host that is not S3's, and a body that is not a text.
pub(super) fn read(request: &HttpRequest) -> Result<(String, Params), NotForUs> {
    let uri = || request.uri().to_owned();
    let (_, rest) = request.uri().split_once("://").ok_or_else(|| NotForUs::Bucket { uri: uri() })?;
    let (host, target) = rest.split_once('/').unwrap_or((rest, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if request.method() == "GET" && path.is_empty() && bucket_and_key(host, path).is_none() && is_s3(host) {
        return Ok(("ListBuckets".to_owned(), Params::default()));
    }
    let (bucket, key) = bucket_and_key(host, path).ok_or_else(|| NotForUs::Bucket { uri: uri() })?;
    let operation = operation(request.method(), !key.is_empty(), query);
    let body = request.body().bytes().and_then(|bytes| std::str::from_utf8(bytes).ok());
    let body = body.ok_or_else(|| NotForUs::NotAText { uri: uri() })?.to_owned();
    let headers =
        HEADERS.iter().filter_map(|name| Some(((*name).to_owned(), request.headers().get(*name)?.to_owned())));
    let own = [("Bucket", bucket), ("Key", key), ("Body", body)].map(|(name, value)| (name.to_owned(), value));
    let is_asked = |key: &str| key == VERSION || LISTING.contains(&key);
    let asked = form_urlencoded::parse(query.as_bytes()).into_owned().filter(|(key, _)| is_asked(key));
    Ok((operation, own.into_iter().chain(asked).chain(headers).collect()))
}

/// Whether a host is one of S3's, whatever the path.
fn is_s3(host: &str) -> bool {
    bucket_and_key(host, "bucket").is_some()
}

/// The bucket and the key that a host and a path name, at AWS's own hosts or at this machine's.
pub(crate) fn bucket_and_key(host: &str, path: &str) -> Option<(String, String)> {
    if let Some(S3Url { bucket, key, .. }) = S3Url::of(host, path) {
        return Some((bucket, key));
    }
    let (own, key) = match of_this_machine(host)? {
        "" => path.split_once('/').unwrap_or((path, "")),
        bucket => (bucket, path),
    };
    // The same way of reading as at AWS's hosts, percent signs and all.
    let S3Url { bucket, key, .. } = S3Url::of("s3.amazonaws.com", &format!("{own}/{key}"))?;
    Some((bucket, key))
}

/// The bucket and the key of an object's URL at this machine, by whatever port it is served.
pub(crate) fn object_of_this_machine(url: &str) -> Option<(String, String)> {
    let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
    of_this_machine(host)?;
    bucket_and_key(host, path.split('?').next().unwrap_or_default()).filter(|(_, key)| !key.is_empty())
}

/// The bucket that stands before the name of this machine, `BUCKET.localhost` or `BUCKET.s3.localhost`; empty where none
/// does. `None` for the name of another machine.
pub(crate) fn of_this_machine(host: &str) -> Option<&str> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let is_this = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_this || name == "localhost" || name == "s3.localhost" {
        return Some("");
    }
    let before = name.strip_suffix(".localhost")?;
    Some(before.strip_suffix(".s3").unwrap_or(before))
}

/// The name of an operation. One that asks for a part of a bucket or an object (`?policy`) is called by method and part:
/// none of these is embedded.
fn operation(method: &str, of_object: bool, query: &str) -> String {
    let keys: Vec<String> = form_urlencoded::parse(query.as_bytes()).map(|(key, _)| key.into_owned()).collect();
    if method == "GET" && !of_object && keys.iter().any(|key| key == LISTING[0]) {
        return "ListObjectsV2".to_owned();
    }
    if method == "GET" && !of_object && keys.iter().any(|key| key == "location") {
        return "GetBucketLocation".to_owned();
    }
    let mut keys = keys.iter();
    if let Some(part) = keys.find(|key| !["x-id", VERSION].contains(&key.as_str()) && !key.starts_with("X-Amz-")) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_named_by_the_path_or_by_the_host() {
        let found = |host, path| bucket_and_key(host, path).map(|(bucket, key)| format!("{bucket} {key}"));
        for (host, path, expected) in [
            ("acme.s3.us-east-1.amazonaws.com", "a/b%20c", "acme a/b c"),
            ("127.0.0.1:4566", "acme/a/b%20c", "acme a/b c"),
            ("localhost", "acme", "acme "),
            ("[::1]:4566", "acme/a", "acme a"),
            ("acme.co.localhost:4566", "a", "acme.co a"),
            ("acme.s3.localhost:4566", "", "acme "),
            ("s3.localhost:4566", "acme/a", "acme a"),
        ] {
            assert_eq!(found(host, path).as_deref(), Some(expected), "{host}/{path}");
        }
        for host in ["127.0.0.1:4566", "localhost", "example.com", "acme.localhost.example.com:80", "203.0.113.9"] {
            assert_eq!(found(host, ""), None, "{host}");
        }
    }

    #[test]
    fn an_object_of_this_machine_is_told_from_others() {
        let found = |url| object_of_this_machine(url).map(|(bucket, key)| format!("{bucket} {key}"));
        assert_eq!(found("http://127.0.0.1:4566/acme/a/b?x=1").as_deref(), Some("acme a/b"));
        for url in [
            "https://acme.s3.amazonaws.com/a",
            "http://acme.s3.amazonaws.com/a",
            "http://127.0.0.1/acme",
            "http://203.0.113.9/a/b",
            "x",
        ] {
            assert_eq!(found(url), None, "{url}");
        }
    }

    #[test]
    fn a_presigned_request_asks_for_the_object_and_not_for_a_part_of_it() {
        assert_eq!(operation("GET", true, "X-Amz-Algorithm=a&X-Amz-Signature=b&versionId=1"), "GetObject");
        assert_eq!(operation("GET", true, "X-Amz-Algorithm=a&tagging"), "GET tagging");
    }
}
