//! The embedded AWS over HTTP/1.1, for programs that are not this one.
//!
//! What comes in goes the way of the SDK's clients in this process ([`Sim::exchange`](super::Sim)): the same faults, the
//! same times, only that time really passes and a connection that breaks really breaks. All services share one address:
//! a request's signature says which one it is for. Signatures themselves are not checked.

mod chunked;
mod request;
#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming as Body};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Sim;
use super::connector::BrokenOff;
use super::wire::request::Incoming;
use super::wire::response::{self, Answer};
use super::wire::{ApiError, Service};

/// How long a connection may be idle, or a request's head be on its way. Longer than clients keep theirs, so that it is
/// them who close: a call on a connection that closes just then is lost.
const IDLE: Duration = Duration::from_mins(5);
/// The most headers that a request may have.
const MOST_HEADERS: usize = 100;
/// The most bytes of a request's head.
const LARGEST_HEAD: usize = 64 * 1024;
/// How long calls that are under way may take to end, once the server is to.
const LAST_CALLS: Duration = Duration::from_secs(1);
/// How long nobody is let in after the system had no connection to give.
const BREATH: Duration = Duration::from_millis(100);

/// The path of what is not AWS's: how many calls there were (GET), and counting anew (DELETE).
const CALLS: &str = "/_orch/calls";

impl Sim {
    /// Answers calls on a listener until `stop` is over. Calls that are under way then may end within a second.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let closing = watch::Sender::new(false);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(self.clone(), stream, closing.subscribe()));
                    }
                    // There are too many for the system: some end before more begin.
                    Err(error) => {
                        tracing::debug!(%error, "no connection can be accepted");
                        tokio::time::sleep(BREATH).await;
                    }
                },
                // A task that is over holds memory until somebody has seen it.
                Some(_) = connections.join_next() => {}
            }
        }
        drop(listener);
        closing.send_replace(true);
        let all = async { while connections.join_next().await.is_some() {} };
        // What is still under way is dropped with the set.
        drop(tokio::time::timeout(LAST_CALLS, all).await);
    }
}

/// One connection, from its first request to its last.
async fn connection(sim: Sim, stream: TcpStream, mut closing: watch::Receiver<bool>) {
    // An answer is written at once as a whole: nothing is gained by waiting for more.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| {
        let sim = sim.clone();
        async move { respond(&sim, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        // Whoever has set it is gone only when the server is.
        _ = async { closing.wait_for(|closing| *closing).await.is_ok() } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection has ended early");
    }
}

/// The connection is to break off: hyper closes it without an answer.
#[derive(Debug)]
struct Close;

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call was to be lost")
    }
}

impl std::error::Error for Close {}

type Reply = Response<Full<Bytes>>;

async fn respond(sim: &Sim, request: http::Request<Body>) -> Result<Reply, Close> {
    if request.uri().path() == CALLS {
        return Ok(calls(sim, request.method()));
    }
    let request = match request::whole(request).await {
        Ok(request) => request,
        Err(error) => return Ok(refusal(Service::Sts, &error)),
    };
    let incoming = match Incoming::read(&request) {
        Ok(incoming) => incoming,
        Err(error) => return Ok(refusal(Service::Sts, &error.refusal())),
    };
    let is_head = request.method() == Method::HEAD.as_str();
    match sim.exchange(&incoming).await {
        Ok(answer) => Ok(reply(answer, is_head)),
        Err(BrokenOff::Refused | BrokenOff::Reset) => Err(Close),
        Err(BrokenOff::World(error)) => {
            tracing::error!(%error, "a call cannot be answered");
            Ok(refusal(incoming.service, &ApiError::new("InternalFailure", error.to_string()).with_status(500)))
        }
    }
}

/// An answer to what no service was asked, or to a call that cannot be carried out.
fn refusal(service: Service, error: &ApiError) -> Reply {
    reply(response::render(service, "", String::new(), &Err(error.clone())), false)
}

fn reply(answer: Answer, is_head: bool) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers() {
        // What cannot stand in a header (a line's end in an object's type) is left out.
        if let Ok(value) = HeaderValue::from_str(value) {
            reply.headers_mut().insert(name, value);
        }
    }
    if !is_head {
        *reply.body_mut() = Full::from(answer.body);
    }
    reply
}

/// How many calls there were, as JSON; a DELETE counts anew.
fn calls(sim: &Sim, method: &Method) -> Reply {
    let mut reply = Response::new(Full::default());
    match *method {
        Method::GET => {
            reply.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            // Names and numbers only: that cannot fail.
            *reply.body_mut() = Full::from(serde_json::to_vec(&sim.counts()).unwrap_or_default());
        }
        Method::DELETE => {
            sim.count_anew();
            *reply.status_mut() = StatusCode::NO_CONTENT;
        }
        _ => {
            *reply.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            reply.headers_mut().insert("allow", HeaderValue::from_static("GET, DELETE"));
        }
    }
    reply
}
