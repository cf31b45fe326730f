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
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming as Body};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;

use super::Sim;
use super::clock::wall;
use super::connector::BrokenOff;
use super::wire::request::Incoming;
use super::wire::response::{self, Answer};
use super::wire::{ApiError, Service};
use super::world::ids::{mix, uuid};

/// How long a connection may be idle, or a request's head be on its way. Longer than clients keep theirs, so that it is
/// them who close: a call on a connection that closes just then is lost.
const IDLE: Duration = Duration::from_mins(5);
/// The most headers that a request may have.
const MOST_HEADERS: usize = 100;
/// The most bytes of a request's head.
const LARGEST_HEAD: usize = 64 * 1024;
/// How long calls that are under way may take to end, once the server is to.
const LAST_CALLS: Duration = Duration::from_secs(1);
/// The most connections at once: as many again may be needed for files where a process may have 1,024 of both.
const MOST_CONNECTIONS: usize = 512;
/// How long nobody is let in after the system had no connection to give.
const BREATH: Duration = Duration::from_millis(100);

/// The path of what is not AWS's: how many calls there were (GET), and counting anew (DELETE).
const CALLS: &str = "/_orch/calls";

impl Sim {
    /// Answers calls on a listener until `stop` is over. Calls that are under way then may end within a second. From now
    /// on calls are counted and not kept, and the time is the wall clock's, if that is later.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        self.serve_at_most(MOST_CONNECTIONS, listener, stop).await;
    }

    /// The same with so many connections at once; more than these wait until one ends.
    async fn serve_at_most(mut self, most: usize, listener: TcpListener, stop: impl Future<Output = ()>) {
        self.waits = {
            let mut state = self.lock();
            state.begin_serving();
            state.may_wait()
        };
        let mut stop = pin!(stop);
        let closing = watch::Sender::new(false);
        let free = Arc::new(Semaphore::new(most));
        let calls = Arc::new(Calls::default());
        let mut connections = JoinSet::new();
        let next = async |free: Arc<Semaphore>| {
            // It is never closed.
            let place = free.acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        loop {
            tokio::select! {
                () = &mut stop => break,
                (place, accepted) = next(Arc::clone(&free)) => match accepted {
                    Ok((stream, _)) => {
                        let (sim, calls, closing) = (self.clone(), Arc::clone(&calls), closing.subscribe());
                        connections.spawn(async move {
                            connection(sim, calls, stream, closing).await;
                            drop(place);
                        });
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
        // What is still under way is dropped with the sets.
        drop(tokio::time::timeout(LAST_CALLS, all).await);
    }
}

/// The calls that are under way. One that has been sent takes its course, whether or not its sender waits for the answer.
#[derive(Debug, Default)]
struct Calls(Mutex<JoinSet<()>>);

impl Calls {
    /// Makes a call. `None` when the server ends first.
    async fn make(&self, sim: Sim, incoming: Incoming) -> Option<Result<Answer, BrokenOff>> {
        let (answer, answered) = oneshot::channel();
        {
            let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            while calls.try_join_next().is_some() {}
            calls.spawn(async move {
                // Nobody may be there to hear it.
                drop(answer.send(sim.exchange(incoming).await));
            });
        }
        answered.await.ok()
    }
}

/// One connection, from its first request to its last.
async fn connection(sim: Sim, calls: Arc<Calls>, stream: TcpStream, mut closing: watch::Receiver<bool>) {
    // An answer is written at once as a whole: nothing is gained by waiting for more.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| {
        let (sim, calls) = (sim.clone(), Arc::clone(&calls));
        async move { respond(sim, &calls, request).await }
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

async fn respond(sim: Sim, calls: &Calls, request: http::Request<Body>) -> Result<Reply, Close> {
    let service = request::service(request.headers()).unwrap_or(Service::Sts);
    if let Err(error) = request::check_sender(request.uri(), request.headers()) {
        return Ok(refusal(&sim, service, &error));
    }
    if request.uri().path() == CALLS {
        return Ok(counts(&sim, request.method()));
    }
    let request = match request::whole(request).await {
        Ok(request) => request,
        Err(error) => return Ok(refusal(&sim, service, &error)),
    };
    let incoming = match Incoming::read(&request) {
        Ok(incoming) => incoming,
        Err(error) => {
            let (service, error) = error.refusal();
            return Ok(refusal(&sim, service, &error));
        }
    };
    let is_head = request.method() == Method::HEAD.as_str();
    match calls.make(sim.clone(), incoming).await {
        Some(Ok(answer)) => Ok(reply(answer, is_head)),
        Some(Err(BrokenOff::World(error))) => {
            tracing::error!(%error, "a call cannot be answered");
            let error = ApiError::new("InternalFailure", error.to_string()).with_status(500);
            Ok(refusal(&sim, service, &error))
        }
        Some(Err(BrokenOff::Refused | BrokenOff::Reset)) | None => Err(Close),
    }
}

/// An answer to what no service was asked, or to a call that cannot be carried out, in the form of a service.
fn refusal(sim: &Sim, service: Service, error: &ApiError) -> Reply {
    let number = {
        let mut tally = sim.tally();
        tally.refuse(service, &error.code);
        tally.total
    };
    let id = uuid(mix(0, number), number);
    reply(response::render(service, "", id, &Err(error.clone())), false)
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
fn counts(sim: &Sim, method: &Method) -> Reply {
    let mut reply = Response::new(Full::default());
    match *method {
        Method::GET => {
            reply.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            // Names and numbers only: that cannot fail.
            *reply.body_mut() = Full::from(serde_json::to_vec(&sim.counts()).unwrap_or_default());
        }
        Method::DELETE => {
            sim.count_anew(wall());
            *reply.status_mut() = StatusCode::NO_CONTENT;
        }
        _ => {
            *reply.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            reply.headers_mut().insert("allow", HeaderValue::from_static("GET, DELETE"));
        }
    }
    reply
}
