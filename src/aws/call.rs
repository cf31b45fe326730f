//! What can go wrong with one call, and the loop that repeats what can be repeated.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use tokio::time::Instant;

use crate::ids::{AccountName, Region};
use crate::safeguard::{self, Safeguard};

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
    /// AWS or the way to it was out of order, and the request changes nothing.
    Transient,
    /// AWS or the way to it was out of order, and the request may have taken effect all the same: look again.
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

const CONFLICT: [&str; 8] = [
    "AlreadyExistsException",
    "ConditionalRequestConflict",
    "PreconditionFailed",
    "RouteAlreadyExists",
    "VpcPeeringConnectionAlreadyExists",
    "InvalidStateTransition",
    "IncorrectState",
    "InvalidChangeSetStatus",
];

/// Codes of a service that is out of order. What was asked for may have been done.
const TRANSIENT: [&str; 10] = [
    "InternalFailure",
    "InternalError",
    "ServiceUnavailable",
    "Unavailable",
    "RequestTimeout",
    "RequestTimeoutException",
    "InternalServerError",
    "IDPCommunicationError",
    // Of Systems Manager and of Secrets Manager.
    "InternalServiceError",
    "InternalServiceErrorException",
];

/// Whether an operation changes something, or only looks or opens a session.
pub(super) fn changes_something(operation: &str) -> bool {
    const LOOKS: [&str; 7] = ["Describe", "Detect", "Get", "Head", "List", "Validate", "AssumeRole"];
    !LOOKS.iter().any(|prefix| operation.starts_with(prefix))
}

/// The class of an operation's call that AWS, or the way to it, left unanswered or answered with an error of its own.
///
/// Several attempts were made by then, and this tells of the last one only: even if that one was never connected, an earlier
/// one may have taken effect.
fn unanswered(operation: &str) -> Class {
    if changes_something(operation) { Class::Lost } else { Class::Transient }
}

/// The class of an error that AWS itself sent, by its code, its text and the HTTP status.
fn classify(operation: &str, code: &str, message: &str, status: Option<u16>) -> Class {
    if THROTTLED.contains(&code) {
        Class::Throttled
    } else if EXPIRED.contains(&code) {
        Class::Expired
    } else if DENIED.contains(&code) {
        Class::Denied
    } else if code.ends_with(".NotFound")
        || code.ends_with("NotFoundException")
        || code.ends_with("NotFound")
        || matches!(code, "NoSuchKey" | "NoSuchBucket" | "NoSuchVersion")
    {
        Class::NotFound
    } else if code == "ValidationError" && message.contains("does not exist") {
        // CloudFormation has no code of its own for a stack that is not there.
        Class::NotFound
    } else if CONFLICT.contains(&code) {
        Class::Conflict
    } else if TRANSIENT.contains(&code) || status.is_some_and(|status| status >= 500) {
        unanswered(operation)
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
    /// Whether an attempt before this one had no answer: what it asked for may have been done all the same.
    pub is_after_silence: bool,
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
            (_, Some(code)) => classify(operation, code, error.message().unwrap_or_default(), status),
            (SdkError::DispatchFailure(failure), None) if failure.is_user() => Class::Other,
            (SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) | SdkError::ResponseError(_), None) => {
                unanswered(operation)
            }
            (_, None) if status.is_some_and(|status| status >= 500) => unanswered(operation),
            _ => Class::Other,
        };
        let message = match error.message() {
            Some(message) => message.to_owned(),
            None => without_request(&reasons(error)),
        };
        let request_id = error.request_id().map(str::to_owned);
        let (account, region) = (account.clone(), region.clone());
        Self { operation, account, region, code, message, request_id, class, is_after_silence: false }
    }

    /// A call that came to nothing without a code.
    #[cfg(test)]
    pub(crate) fn sample(operation: &'static str, class: Class) -> Self {
        let (account, region, message) = ("dev".into(), "us-east-1".into(), "no".to_owned());
        Self { operation, account, region, code: None, message, request_id: None, class, is_after_silence: false }
    }

    /// The same, with what AWS says.
    #[cfg(test)]
    pub(crate) fn saying(self, code: &str, message: &str) -> Self {
        Self { code: Some(code.to_owned()), message: message.to_owned(), ..self }
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
            is_after_silence: false,
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

    /// Whether EC2 does not know a resource that the call names.
    pub(super) fn misses_a_resource(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        let named = code.strip_prefix("Invalid").and_then(|rest| rest.strip_suffix(".NotFound"));
        named.is_some_and(|what| what != "Route") || code == "NatGatewayNotFound"
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

/// Waits for a call's answer and tells the log what came of it.
///
/// The log has no word of what was asked for: requests hold parameters, and those may be secret.
pub(super) async fn told<T, E>(
    operation: &'static str,
    account: &AccountName,
    region: &Region,
    sent: impl Future<Output = Result<T, SdkError<E>>>,
) -> Result<T, CallError>
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let began = Instant::now();
    let answer = sent.await.map_err(|error| CallError::new(operation, account, region, &error));
    let outcome = match &answer {
        Ok(_) => "ok",
        Err(error) => error.code.as_deref().unwrap_or_else(|| error.fate()),
    };
    let request_id = answer.as_ref().err().and_then(|error| error.request_id.as_deref());
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(operation, %account, %region, outcome, took_ms, request_id, "call");
    answer
}

/// How many attempts are made at a call that comes to nothing because AWS, or the way to it, is out of order for a moment.
pub(super) const ATTEMPTS: u32 = 5;

/// How long to pause at most before the next one: 1 s, doubling up to 10 s, as the SDK does.
fn back_off(attempts: u32) -> Duration {
    Duration::from_secs((1_u64 << attempts.min(4)).min(10))
}

/// How long to hold back at most before what is repeated without end, or through an outage: 2 s, doubling up to 20 s.
fn hold_back(rounds: u32) -> Duration {
    Duration::from_secs((2_u64 << rounds.min(4)).min(20))
}

/// How long a call is throttled before that is told, and how often it is told again.
pub(super) const NOTICE: Duration = Duration::from_mins(1);

/// How long an outage of AWS, or of the way to it, is outlasted by whoever only looks.
const OUTAGE_AT_MOST: Duration = Duration::from_mins(5);

/// Which outages a call outlasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outages {
    /// All that leave the operation itself without effect: every one for an operation that only looks; for another,
    /// those of the way to its credentials.
    Outlast,
    /// None: somebody waits for the answer.
    Report,
}

/// What is done before a throttled call is made again, which it is without end: AWS did nothing, and grants it sooner or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Throttles {
    /// Nothing: whoever sends it waits for its rate.
    GoOn,
    /// Some seconds pass.
    HoldBack,
    /// It is not made again, unless an attempt before had no answer: whoever makes it does that.
    Report,
}

/// How patient a call is.
#[derive(Clone, Copy)]
pub(super) struct Patience<'a> {
    /// Which outages it outlasts.
    pub(super) outages: Outages,
    /// What is done when it is throttled.
    pub(super) throttles: Throttles,
    /// Whether it is made in a turn: where a session that AWS refuses is all that went wrong, another turn is to be waited for.
    pub(super) in_turn: bool,
    /// How many attempts it has at what comes to nothing for a moment, whatever outages it outlasts.
    pub(super) attempts: u32,
    /// How much of the pause between two of them is waited.
    pub(super) share: &'a (dyn Fn() -> f64 + Sync),
}

impl Outages {
    fn outlasts(self, operation: &str, error: &CallError) -> bool {
        self == Self::Outlast
            && matches!(error.class, Class::Transient | Class::Lost)
            && (!changes_something(operation) || error.operation != operation)
    }
}

/// Makes a call of an operation, and makes it again for as long as AWS asks for patience.
///
/// A throttled request was not carried out, so repeating it is safe whatever it does, and it is repeated without end. One that
/// came to nothing for a moment is repeated as the SDK would, whose requests bear tokens where they must not act twice; but each
/// attempt is one to `send`, so that it waits for its rate, and nothing is held between two. `renew` has the next attempt fetch
/// the credentials anew, once, when AWS says that they have run out.
///
/// # Errors
///
/// Whatever else goes wrong with the call.
pub(super) async fn patiently<T, S>(
    operation: &str,
    patience: Patience<'_>,
    mut send: impl FnMut() -> S,
    mut renew: impl FnMut(),
) -> Result<T, CallError>
where
    S: Future<Output = Result<T, CallError>>,
{
    let Patience { outages, throttles, in_turn, attempts, share } = patience;
    let mut times: u32 = 0;
    let mut told = Instant::now();
    let mut failed: u32 = 0;
    let mut is_lost = false;
    let mut renewed = false;
    let mut outage: Option<(Instant, u32)> = None;
    loop {
        let error = match send().await {
            Ok(answer) => return Ok(answer),
            Err(error) => CallError { is_after_silence: is_lost, ..error },
        };
        is_lost |= error.class == Class::Lost && error.operation == operation;
        match error.class {
            // Where an attempt before it may have done something, it does not say that nothing was done.
            Class::Throttled if throttles != Throttles::Report || failed > 0 => {
                tracing::debug!(%error, times, "throttled; to be made again");
                if throttles == Throttles::HoldBack {
                    if told.elapsed() >= NOTICE {
                        tracing::warn!(%error, "throttled for more than a minute; trying on");
                        told = Instant::now();
                    }
                    tokio::time::sleep(hold_back(times).mul_f64(share())).await;
                }
                times += 1;
            }
            Class::Expired if !renewed && safeguard::holds(Safeguard::ExpiryRefresh) => {
                renew();
                renewed = true;
                if in_turn && failed == 0 {
                    return Err(error);
                }
            }
            Class::Transient | Class::Lost if error.operation == operation && failed + 1 < attempts => {
                tracing::debug!(%error, failed, "to be tried again");
                tokio::time::sleep(back_off(failed).mul_f64(share())).await;
                failed += 1;
            }
            _ if outages.outlasts(operation, &error) => {
                let (began, rounds) = outage.unwrap_or_else(|| {
                    tracing::warn!(%error, "AWS is out of reach; trying again for five minutes");
                    (Instant::now(), 0)
                });
                if began.elapsed() >= OUTAGE_AT_MOST {
                    return Err(error);
                }
                tokio::time::sleep(hold_back(rounds)).await;
                outage = Some((began, rounds + 1));
            }
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
