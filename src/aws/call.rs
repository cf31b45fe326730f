//! What can go wrong with one call, and the loop that repeats a throttled one.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use crate::ids::{AccountName, Region};

/// The SDK's error of an operation whose own error is `E`.
pub(super) type SdkError<E> =
    aws_smithy_runtime_api::client::result::SdkError<E, aws_smithy_runtime_api::http::Response>;

/// What kind of trouble a call met, which decides what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// AWS asks for fewer calls; nothing was done. Repeated by `patiently`, so that no node fails for it.
    Throttled,
    /// The caller may not do this.
    Denied,
    /// The credentials have run out, or AWS does not know them.
    Expired,
    /// What the call names does not exist, or not yet here.
    NotFound,
    /// What the call asks for is there already, or in a state that forbids it.
    Conflict,
    /// AWS or the way to it was out of order, and the request took no effect as far as is known.
    Transient,
    /// The request may have taken effect, but no answer came back.
    Lost,
    /// Anything else: as a rule, a request that AWS found wrong.
    Other,
}

/// Codes with which services say "fewer calls, please".
///
/// The SDK's list also has `LimitExceededException`, which is a full quota at CloudFormation: waiting does not help there.
const THROTTLED: [&str; 12] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
    "SlowDown",
    "Client.RequestLimitExceeded",
];

/// Codes of credentials that are no longer, or not, good. An unknown key is among them, since STS calls a session that
/// was cut short by its name.
const EXPIRED: [&str; 7] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "AuthFailure",
    "InvalidAccessKeyId",
];

const DENIED: [&str; 6] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "UnauthorizedAccess",
    "OptInRequired",
    "SignatureDoesNotMatch",
];

const CONFLICT: [&str; 6] = [
    "AlreadyExistsException",
    "RouteAlreadyExists",
    "VpcPeeringConnectionAlreadyExists",
    "InvalidStateTransition",
    "IncorrectState",
    "InvalidChangeSetStatus",
];

const TRANSIENT: [&str; 8] = [
    "InternalFailure",
    "InternalError",
    "ServiceUnavailable",
    "Unavailable",
    "RequestTimeout",
    "RequestTimeoutException",
    "InternalServerError",
    "IDPCommunicationError",
];

/// The class of an error that AWS itself sent, by its code, its text and the HTTP status.
fn classify(code: &str, message: &str, status: Option<u16>) -> Class {
    if THROTTLED.contains(&code) {
        Class::Throttled
    } else if EXPIRED.contains(&code) {
        Class::Expired
    } else if DENIED.contains(&code) {
        Class::Denied
    } else if code.ends_with(".NotFound") || code.ends_with("NotFoundException") || code.ends_with("NotFound") {
        Class::NotFound
    } else if code == "ValidationError" && message.contains("does not exist") {
        // CloudFormation has no code of its own for a stack that is not there.
        Class::NotFound
    } else if CONFLICT.contains(&code) {
        Class::Conflict
    } else if TRANSIENT.contains(&code) || status.is_some_and(|status| status >= 500) {
        Class::Transient
    } else {
        Class::Other
    }
}

/// One call that AWS refused or that did not come through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// The API operation: `CreateStack`.
    pub operation: &'static str,
    /// The plan's name for the account that the call was made in.
    pub account: AccountName,
    /// The region that the call was made in.
    pub region: Region,
    /// AWS's error code; `None` when no answer came from AWS.
    pub code: Option<String>,
    /// AWS's own sentence, or what stood in the way.
    pub message: String,
    /// AWS's name for the request.
    pub request_id: Option<String>,
    /// What kind of trouble it is.
    pub class: Class,
}

impl CallError {
    /// Reads the SDK's error of one call.
    ///
    /// An error of ours that was met while credentials were fetched for the call is given back as it is.
    pub(super) fn new<E>(operation: &'static str, account: &AccountName, region: &Region, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        if let Some(inner) = find(error) {
            return inner;
        }
        let status = error.raw_response().map(|response| response.status().as_u16());
        let code = error.code().map(str::to_owned);
        let class = match (error, &code) {
            (_, Some(code)) => classify(code, error.message().unwrap_or_default(), status),
            (SdkError::DispatchFailure(failure), None) if failure.is_io() || failure.is_timeout() => Class::Transient,
            (SdkError::TimeoutError(_) | SdkError::ResponseError(_), None) => Class::Lost,
            (_, None) if status.is_some_and(|status| status >= 500) => Class::Transient,
            _ => Class::Other,
        };
        let message = match error.message() {
            Some(message) => message.to_owned(),
            None => without_request(&reasons(error)),
        };
        let request_id = error.request_id().map(str::to_owned);
        Self { operation, account: account.clone(), region: region.clone(), code, message, request_id, class }
    }

    /// An error of our own about a call's answer, which AWS should not have given.
    pub(super) fn odd_answer(operation: &'static str, account: &AccountName, region: &Region, what: &str) -> Self {
        Self {
            operation,
            account: account.clone(),
            region: region.clone(),
            code: None,
            message: format!("the answer holds no {what}"),
            request_id: None,
            class: Class::Other,
        }
    }

    /// What became of the call, as the end of a sentence about it.
    pub fn fate(&self) -> &'static str {
        match (self.class, &self.code) {
            (Class::Lost, _) => "got no answer",
            (Class::Transient, _) => "did not come through",
            (Class::Other, None) => "failed",
            _ => "was refused",
        }
    }

    /// Whether AWS's code is this one.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

/// An error and what lies beneath it, in one line.
pub(super) fn reasons(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let reason = error.to_string();
        // Wrappers like to repeat what they wrap.
        if !text.ends_with(&reason) {
            text.push_str(": ");
            text.push_str(&reason);
        }
        next = error.source();
    }
    text
}

/// The text of an SDK's error without the dump of the request that some hold: its body has parameters, and those may be
/// secret.
fn without_request(text: &str) -> String {
    const DUMP: &str = " to request `Request {";
    match (text.find(DUMP), text.rfind("`: ")) {
        (Some(start), Some(end)) if start < end => format!("{}{}", &text[..start], &text[end + 1..]),
        (Some(start), _) => text[..start].to_owned(),
        (None, _) => text.to_owned(),
    }
}

/// The call error that lies beneath `error`, if there is one.
fn find(error: &(dyn StdError + 'static)) -> Option<CallError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<CallError>() {
            return Some(found.clone());
        }
        next = error.source();
    }
    None
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, account, region, message, .. } = self;
        write!(f, "{operation} in account {account}, {region}, {}: ", self.fate())?;
        match &self.code {
            Some(code) => write!(f, "{message} ({code})"),
            None => f.write_str(message),
        }
    }
}

impl StdError for CallError {}

/// How long to hold back after the SDK's own attempts were all throttled: 2 s, doubling up to 20 s.
fn hold_back(throttled: u32) -> Duration {
    Duration::from_secs((2_u64 << throttled.min(4)).min(20))
}

/// How often a throttled call is taken up again after the SDK has given it up: about an hour, which no throttle lasts.
const THROTTLED_ROUNDS: u32 = 180;

/// Makes a call, and makes it again for as long as AWS asks for patience.
///
/// A throttled request was not carried out, so repeating it is safe whatever it does. `renew` has the credentials fetched
/// anew, once, when AWS says that they have run out.
///
/// # Errors
///
/// Whatever else goes wrong with the call.
pub(super) async fn patiently<T, S, R>(
    mut send: impl FnMut() -> S,
    mut renew: impl FnMut() -> R,
) -> Result<T, CallError>
where
    S: Future<Output = Result<T, CallError>>,
    R: Future<Output = ()>,
{
    let mut throttled = 0;
    let mut renewed = false;
    loop {
        let error = match send().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match error.class {
            Class::Throttled if throttled < THROTTLED_ROUNDS => {
                tracing::debug!(%error, "throttled; holding back");
                tokio::time::sleep(hold_back(throttled)).await;
                throttled += 1;
            }
            Class::Expired if !renewed => {
                renew().await;
                renewed = true;
            }
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn error(class: Class) -> CallError {
        CallError {
            operation: "CreateStack",
            account: "dev".into(),
            region: "us-east-1".into(),
            code: None,
            message: "no".to_owned(),
            request_id: None,
            class,
        }
    }

    #[test]
    fn codes_have_their_class() {
        for (code, message, status, class) in [
            ("Throttling", "Rate exceeded", 400, Class::Throttled),
            ("RequestLimitExceeded", "", 503, Class::Throttled),
            ("LimitExceededException", "", 400, Class::Other),
            ("ExpiredToken", "", 403, Class::Expired),
            ("AccessDenied", "", 403, Class::Denied),
            ("UnauthorizedOperation", "", 403, Class::Denied),
            ("InvalidVpcPeeringConnectionID.NotFound", "", 400, Class::NotFound),
            ("ValidationError", "Stack with id x does not exist", 400, Class::NotFound),
            ("ValidationError", "No updates are to be performed.", 400, Class::Other),
            ("RouteAlreadyExists", "", 400, Class::Conflict),
            ("InternalFailure", "", 500, Class::Transient),
            ("Unheard", "", 502, Class::Transient),
            ("Unheard", "", 400, Class::Other),
        ] {
            assert_eq!(classify(code, message, Some(status)), class, "{code} {message}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_call_is_repeated_until_it_is_let_through() {
        let left = Cell::new(7);
        let answer = patiently(
            || {
                let now = left.get();
                left.set(now - 1);
                async move { if now == 0 { Ok("done") } else { Err(error(Class::Throttled)) } }
            },
            || async { unreachable!("nothing expired") },
        );
        assert_eq!(answer.await, Ok("done"));
    }

    #[tokio::test(start_paused = true)]
    async fn expired_credentials_are_renewed_once() {
        let renewed = Cell::new(0);
        let sent = Cell::new(0);
        let answer: Result<(), _> = patiently(
            || {
                sent.set(sent.get() + 1);
                async { Err(error(Class::Expired)) }
            },
            || async { renewed.set(renewed.get() + 1) },
        )
        .await;
        assert_eq!(answer.unwrap_err().class, Class::Expired);
        assert_eq!((sent.get(), renewed.get()), (2, 1));
    }

    #[test]
    fn a_request_is_never_part_of_a_message() {
        let text = "failed to apply endpoint `x` to request `Request { body: \"Password=s3cret\" }`: endpoint must contain scheme";
        assert_eq!(without_request(text), "failed to apply endpoint `x`: endpoint must contain scheme");
        assert_eq!(without_request("a to request `Request { b"), "a");
        assert_eq!(without_request("io error"), "io error");
    }

    #[test]
    fn the_sentence_names_operation_place_and_code() {
        let mut error = error(Class::Denied);
        error.code = Some("AccessDenied".to_owned());
        insta::assert_snapshot!(error, @"CreateStack in account dev, us-east-1, was refused: no (AccessDenied)");
    }
}
