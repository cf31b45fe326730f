//! Errors that a service answers with.

use std::borrow::Cow;

/// An error as a service reports it: an HTTP status, a code to decide by and a message to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The error code, such as `InvalidVpcID.NotFound`.
    pub code: Cow<'static, str>,
    /// The message, in the service's own words where they are known.
    pub message: String,
    /// What the service tells in headers, with names in lower case.
    pub headers: Vec<(&'static str, String)>,
}

impl ApiError {
    /// An error of the caller: HTTP 400.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into(), headers: Vec::new() }
    }

    /// The same error with another HTTP status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same error with a header more.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A value that the operation does not accept.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", message)
    }

    /// A parameter that the operation needs and did not get.
    pub fn missing(parameter: &str) -> Self {
        Self::new("MissingParameter", format!("The request must contain the parameter {parameter}"))
    }

    /// A value that breaks a constraint of the operation's model, as CloudFormation and STS say it.
    pub fn constraint(value: &str, parameter: &str, constraint: &str) -> Self {
        Self::new(
            "ValidationError",
            format!(
                "1 validation error detected: Value '{value}' at '{parameter}' failed to satisfy constraint: {constraint}"
            ),
        )
    }
}
