//! A way to the embedded AWS on which a test may give answers itself, in AWS's place: for what AWS says and the embedded
//! one never does.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use crate::sim::wire::request::Incoming;
use crate::sim::wire::response::render;
use crate::sim::wire::{ApiError, Xml};
use crate::sim::{Service, Sim};

/// A call on its way.
pub(crate) struct Asked<'a> {
    /// The host that it goes to.
    pub(crate) host: &'a str,
    /// The operation.
    pub(crate) operation: &'a str,
    /// How often the operation was asked for so far, this call included.
    pub(crate) nth: usize,
    /// Whether the caller is a role's session rather than a user.
    pub(crate) by_role: bool,
    /// The stack that it names.
    pub(crate) stack: Option<&'a str>,
}

/// What a test says in AWS's place.
pub(crate) enum Said {
    /// An error.
    Error(ApiError),
    /// An answer.
    Answer(Xml),
    /// The embedded AWS's own answer, changed.
    Changed(fn(String) -> String),
    /// Nothing, for ever.
    Nothing,
    /// Nothing, for ever, though the call takes effect.
    Unanswered,
}

impl Said {
    /// An error with a code and a text, and HTTP status 400.
    pub(crate) fn error(code: &'static str, message: &'static str) -> Self {
        Self::Error(ApiError::new(code, message))
    }

    /// An answer out of elements with a text each.
    pub(crate) fn answer(elements: &[(&'static str, &str)]) -> Self {
        let mut xml = Xml::new();
        for (name, text) in elements {
            xml.text(name, text);
        }
        Self::Answer(xml)
    }
}

type Script = dyn Fn(&Asked<'_>) -> Option<Said> + Send + Sync;

/// The way. What the script says nothing to goes on to the embedded AWS.
#[derive(Clone)]
struct Between {
    sim: Sim,
    script: Arc<Script>,
    asked: Arc<Mutex<HashMap<String, usize>>>,
}

/// An HTTP client that leads to the embedded AWS by way of a script.
pub(crate) fn between(
    sim: &Sim,
    script: impl Fn(&Asked<'_>) -> Option<Said> + Send + Sync + 'static,
) -> SharedHttpClient {
    SharedHttpClient::new(Between { sim: sim.clone(), script: Arc::new(script), asked: Arc::default() })
}

impl fmt::Debug for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Between")
    }
}

impl HttpClient for Between {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let beyond = self.sim.http_client().http_connector(settings, components);
        SharedHttpConnector::new(Connector { between: self.clone(), beyond })
    }
}

#[derive(Debug)]
struct Connector {
    between: Between,
    beyond: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let incoming = Incoming::read(&request).unwrap();
        let (service, operation) = (incoming.service, incoming.operation);
        let nth = {
            let mut asked = self.between.asked.lock().unwrap();
            let nth = asked.entry(operation.clone()).or_default();
            *nth += 1;
            *nth
        };
        let host = request.uri().split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
        let (by_role, stack) = (incoming.access_key.starts_with("ASIA"), incoming.params.get("StackName"));
        let asked = Asked { host, operation: &operation, nth, by_role, stack };
        match (self.between.script)(&asked) {
            None => self.beyond.call(request),
            Some(Said::Nothing) => HttpConnectorFuture::new(std::future::pending()),
            Some(Said::Unanswered) => {
                let answer = self.beyond.call(request);
                HttpConnectorFuture::new(async move {
                    answer.await?;
                    std::future::pending().await
                })
            }
            Some(Said::Error(error)) => HttpConnectorFuture::ready(Ok(response(service, &operation, &Err(error)))),
            Some(Said::Answer(xml)) => HttpConnectorFuture::ready(Ok(response(service, &operation, &Ok(xml)))),
            Some(Said::Changed(change)) => {
                let answer = self.beyond.call(request);
                HttpConnectorFuture::new(async move {
                    let answer = answer.await?;
                    let text = String::from_utf8(answer.body().bytes().unwrap().to_vec()).unwrap();
                    Ok(HttpResponse::new(answer.status(), SdkBody::from(change(text))))
                })
            }
        }
    }
}

fn response(service: Service, operation: &str, result: &Result<Xml, ApiError>) -> HttpResponse {
    let answer = render(service, operation, "r-0".to_owned(), &result.clone().map(Into::into));
    HttpResponse::new(StatusCode::try_from(answer.status).unwrap(), SdkBody::from(answer.body))
}
