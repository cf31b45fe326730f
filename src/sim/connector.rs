//! The HTTP client under the SDK's clients.

use std::future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use super::Sim;
use super::faults::Effect;
use super::state::{Arrival, State};
use super::wire::request::Incoming;
use super::wire::response::Answer;
use super::world::file::WorldFileError;

impl HttpClient for Sim {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector { sim: self.clone(), read_timeout: settings.read_timeout() })
    }
}

/// A way to one embedded AWS.
#[derive(Clone, Debug)]
struct Connector {
    sim: Sim,
    read_timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { sim, read_timeout } = self.clone();
        HttpConnectorFuture::new(async move {
            let answer = sim.answer(&request, || true);
            match read_timeout {
                None => answer.await,
                Some(limit) => tokio::time::timeout(limit, answer)
                    .await
                    .unwrap_or_else(|elapsed| Err(ConnectorError::timeout(elapsed.into()))),
            }
        })
    }
}

/// Why a call brings nothing back.
#[derive(Debug)]
pub(super) enum BrokenOff {
    /// No connection was made.
    Refused,
    /// The connection broke, before or after the call took effect.
    Reset,
    /// The world's file cannot be used.
    World(WorldFileError),
}

impl Sim {
    /// One call, there and back, as the SDK's clients see it; `arrives` says whether it gets there, when it would.
    pub(super) async fn answer(
        &self,
        request: &HttpRequest,
        arrives: impl Fn() -> bool + Send,
    ) -> Result<HttpResponse, ConnectorError> {
        let incoming = Incoming::read(request).map_err(|error| ConnectorError::user(error.into()))?;
        let broken_off = |kind: io::ErrorKind| ConnectorError::io(io::Error::from(kind).into());
        let answer = self.travel(incoming, arrives).await.map_err(|error| match error {
            BrokenOff::Refused => broken_off(io::ErrorKind::ConnectionRefused),
            BrokenOff::Reset => broken_off(io::ErrorKind::ConnectionReset),
            BrokenOff::World(error) => ConnectorError::user(error.into()),
        })?;
        respond(answer)
    }

    /// One call, there and back, with the time that it takes and whatever is planned to go wrong.
    pub(super) async fn exchange(&self, incoming: Incoming) -> Result<Answer, BrokenOff> {
        self.travel(incoming, || true).await
    }

    /// The same of a call that may not get there, as `arrives` says when it would.
    async fn travel(&self, incoming: Incoming, arrives: impl Fn() -> bool + Send) -> Result<Answer, BrokenOff> {
        let incoming = Arc::new(incoming);
        let call = Arc::clone(&incoming);
        let departure = self.at_state(move |state| (!state.is_stopped()).then(|| state.depart(&call))).await;
        let Some(departure) = departure else { return future::pending().await };
        let (fate, latency) = (departure.fate, departure.latency);
        let call = Arc::clone(&incoming);
        if fate.effect == Some(Effect::Refused) {
            self.at_state(move |state| state.miss(&call)).await;
            return Err(BrokenOff::Refused);
        }
        pass(latency / 2 + fate.slower).await;
        if fate.effect == Some(Effect::LostBefore) || !arrives() {
            self.at_state(move |state| state.miss(&call)).await;
            return Err(BrokenOff::Reset);
        }
        let stopped = self.stopped.clone();
        let meet = move |state: &mut State| {
            let arrival = state.arrive(&call, fate);
            let is_stopped = state.is_stopped();
            stopped.send_if_modified(|stopped| std::mem::replace(stopped, is_stopped) != is_stopped);
            arrival
        };
        let answer = match self.at_state(meet).await.map_err(BrokenOff::World)? {
            Arrival::Answer(answer) => answer,
            Arrival::Stopped => return future::pending().await,
        };
        pass(latency / 2 + fate.later).await;
        if fate.effect == Some(Effect::LostAfter) {
            return Err(BrokenOff::Reset);
        }
        Ok(answer)
    }

    /// Does something with the state. Where that may have to wait for another process, on a thread of its own: whoever
    /// answers to connections, timers and signals must not wait.
    async fn at_state<T: Send + 'static>(&self, work: impl FnOnce(&mut State) -> T + Send + 'static) -> T {
        if !self.waits {
            return work(&mut self.lock());
        }
        let sim = self.clone();
        match tokio::task::spawn_blocking(move || work(&mut sim.lock())).await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is at its end: nobody hears of it.
                Err(_) => future::pending().await,
            },
        }
    }
}

async fn pass(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn respond(answer: Answer) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(answer.status).map_err(|error| ConnectorError::user(error.into()))?;
    let headers: Vec<(&str, String)> = answer.headers().map(|(name, value)| (name, value.to_owned())).collect();
    let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}
