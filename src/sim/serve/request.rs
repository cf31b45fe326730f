//! A request as a whole: its body collected, within bounds, and freed of the frames that S3's clients put around it.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http::header::{CONTENT_ENCODING, HOST};
use http::{HeaderMap, Request, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming as Body};

use super::chunked;
use crate::sim::wire::ApiError;

/// The most bytes of a request's body: a template in S3 may have a million.
const LARGEST: usize = 16 * 1024 * 1024;

/// Reads a request to its end, and gives it the whole URL that it was sent to.
///
/// # Errors
/// What cannot be read as a request, in the words that S3 has for it.
pub(super) async fn whole(request: Request<Body>) -> Result<HttpRequest, ApiError> {
    let (mut parts, body) = request.into_parts();
    let too_large = || {
        let message = format!("The embedded AWS takes no body of more than {LARGEST} bytes.");
        ApiError::new("EntityTooLarge", message).with_status(413)
    };
    // Nobody waits for what is announced as too large.
    if body.size_hint().lower() > LARGEST as u64 {
        return Err(too_large());
    }
    let bytes = match Limited::new(body, LARGEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        Err(error) => return Err(ApiError::new("IncompleteBody", format!("The body cannot be read: {error}"))),
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
