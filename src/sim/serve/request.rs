//! A request as a whole: its body collected, within bounds, and freed of the frames that S3's clients put around it.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Request, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming as Body};

use super::chunked;
use crate::sim::wire::request::service_of;
use crate::sim::wire::rest::{bucket_and_key, of_this_machine};
use crate::sim::wire::{ApiError, Service};

/// The most bytes of an object: a template in S3 may have a million.
const LARGEST: usize = 16 * 1024 * 1024;
/// The most bytes of a form: one with a template may have some 150,000.
const LARGEST_FORM: usize = 1024 * 1024;
/// How long a body may be on its way.
const PATIENCE: Duration = Duration::from_mins(1);

/// The service that a request says it is for.
pub(super) fn service(headers: &HeaderMap) -> Option<Service> {
    headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(service_of)
}

/// Refuses what a browser sends for a page that somebody else has written, and what was sent to the name of another
/// machine: whoever gives this machine such a name can let a browser read what is here.
///
/// # Errors
/// 403.
pub(super) fn check_sender(uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
    let refused = |message: &str| Err(ApiError::new("AccessDenied", message).with_status(403));
    let by_a_page = headers.get("sec-fetch-site").is_some_and(|site| site != "none");
    if headers.contains_key(ORIGIN) || by_a_page {
        return refused("The embedded AWS answers no web pages.");
    }
    let host = uri.authority().map(Authority::as_str).or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()));
    let is_ours = |host: &str| of_this_machine(host).is_some() || bucket_and_key(host, "bucket/key").is_some();
    if host.is_some_and(|host| !is_ours(host)) {
        return refused("The embedded AWS answers to the names of this machine and to those of S3.");
    }
    Ok(())
}

/// Reads a request to its end, and gives it the whole URL that it was sent to.
///
/// # Errors
/// What cannot be read as a request, in the words that S3 has for it.
pub(super) async fn whole(request: Request<Body>) -> Result<HttpRequest, ApiError> {
    let (mut parts, body) = request.into_parts();
    // What is presigned is for S3, too.
    let is_form = service(&parts.headers).is_some_and(|service| service != Service::S3);
    let most = if is_form { LARGEST_FORM } else { LARGEST };
    let too_large = || {
        let message = format!("The embedded AWS takes no body of more than {most} bytes here.");
        ApiError::new("EntityTooLarge", message).with_status(413)
    };
    let incomplete =
        |why: &dyn std::fmt::Display| Err(ApiError::new("RequestTimeout", format!("The body cannot be read: {why}")));
    // Nobody waits for what is announced as too large.
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let bytes = match tokio::time::timeout(PATIENCE, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
        Ok(Err(error)) => return incomplete(&error),
        Err(elapsed) => return incomplete(&elapsed),
    };
    let bytes = if is_framed(&parts.headers) { chunked::unframed(&bytes)?.into() } else { bytes };
    chunked::check(&parts.headers, &bytes)?;
    parts.uri = url(&parts.uri, &parts.headers)?;
    HttpRequest::try_from(Request::from_parts(parts, SdkBody::from(bytes)))
        .map_err(|error| ApiError::new("InvalidRequest", format!("The request cannot be read: {error}")))
}

/// Whether the body is in the frames of `aws-chunked`, which are not those of HTTP.
fn is_framed(headers: &HeaderMap) -> bool {
    let says = |name: &str, wanted: &dyn Fn(&str) -> bool| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(wanted)
    };
    says(CONTENT_ENCODING.as_str(), &|value| value.split(',').any(|one| one.trim() == "aws-chunked"))
        || says("x-amz-content-sha256", &|value| value.starts_with("STREAMING-"))
}

/// The whole URL: a request's first line has the path alone, and the host is a header.
fn url(target: &Uri, headers: &HeaderMap) -> Result<Uri, ApiError> {
    let missing = || ApiError::new("InvalidRequest", "The request has no header `Host` that names a host.");
    if target.authority().is_some() {
        return Ok(target.clone());
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).ok_or_else(missing)?;
    let path = target.path_and_query().map_or("/", |path| path.as_str());
    Uri::builder().scheme("http").authority(host).path_and_query(path).build().map_err(|_| missing())
}
