//! What an operation brings back.

use super::Xml;

/// What an operation brings back, before its protocol gives it a shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The HTTP status of a success; 200 if not given.
    pub(crate) status: Option<u16>,
    /// Headers, with names in lower case.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The elements of the result; in S3's protocol the whole body.
    pub(crate) body: String,
}

impl Reply {
    /// The same with another status.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The same with a header more.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with another body.
    pub(crate) fn with_body(self, body: String) -> Self {
        Self { body, ..self }
    }
}

impl From<Xml> for Reply {
    fn from(xml: Xml) -> Self {
        Self { body: xml.into_string(), ..Self::default() }
    }
}
