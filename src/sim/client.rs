//! A program that calls an embedded AWS, and that may die at any moment.
//!
//! What outlives a process is what it has sent, and what it has written down. So wherever it dies, between two of its polls
//! or within one, the world shows no more of that than between which two *moments* of this kind it was: a call sets out, an
//! answer comes back, something is told or written ([`Client::moment`]). A death at each of them is a death at every await
//! point. From then on nothing that the process still does has any effect, whatever of it is polled; what it had on the
//! wire is carried out all the same, or is lost, as a seed says.

use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::{oneshot, watch};

use super::Sim;
use super::world::ids::mix;

/// When a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// At which of its moments, from 1: that one does not happen any more.
    pub at: u64,
    /// The seed of what becomes of the calls that are on their way by then: each arrives or does not.
    pub seed: u64,
}

/// One process among those that call an embedded AWS.
#[derive(Clone, Debug)]
pub struct Client {
    sim: Sim,
    life: Arc<Life>,
}

#[derive(Debug)]
struct Life {
    death: Option<Death>,
    moments: AtomicU64,
    calls: AtomicU64,
    dead: watch::Sender<bool>,
}

impl Sim {
    /// A process of its own, which dies if it is to.
    ///
    /// Its calls take their course whatever becomes of whoever waits for them, as on a network.
    pub fn client(&self, death: Option<Death>) -> Client {
        let life = Life { death, moments: 0.into(), calls: 0.into(), dead: watch::Sender::new(false) };
        Client { sim: self.clone(), life: Arc::new(life) }
    }
}

impl Client {
    /// The HTTP client that the process reaches the embedded AWS by.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// The next thing happens that may outlive the process. Says whether it does: a dead one does nothing more.
    pub fn moment(&self) -> bool {
        if self.is_dead() {
            return false;
        }
        let moment = self.life.moments.fetch_add(1, Ordering::Relaxed) + 1;
        if self.life.death.is_some_and(|death| moment >= death.at) {
            self.life.dead.send_replace(true);
            return false;
        }
        true
    }

    /// How many moments there were.
    pub fn moments(&self) -> u64 {
        self.life.moments.load(Ordering::Relaxed)
    }

    /// Whether it is dead.
    pub fn is_dead(&self) -> bool {
        *self.life.dead.borrow()
    }

    /// Waits until it is dead, which it may never be.
    pub async fn died(&self) {
        // The sender lives in `self`, so the channel cannot close.
        let _ = self.life.dead.subscribe().wait_for(|dead| *dead).await;
    }

    /// Whether a call on its way still arrives.
    fn arrives(&self, call: u64) -> bool {
        !self.is_dead() || self.life.death.is_none_or(|death| mix(death.seed, call).is_multiple_of(2))
    }
}

impl HttpClient for Client {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Wire(self.clone()))
    }
}

/// A process's way to the embedded AWS.
#[derive(Clone, Debug)]
struct Wire(Client);

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self(client) = self.clone();
        HttpConnectorFuture::new(async move {
            if !client.moment() {
                return future::pending().await;
            }
            let call = client.life.calls.fetch_add(1, Ordering::Relaxed);
            let (tell, told) = oneshot::channel();
            let sender = client.clone();
            // Not the process's own: it goes on if that gives the call up, or dies.
            let travelling = tokio::spawn(async move {
                let answer = sender.sim.answer(&request, || sender.arrives(call)).await;
                // Nobody may be waiting any more.
                let _ = tell.send(answer);
            });
            let answer = told.await;
            if !client.moment() {
                return future::pending().await;
            }
            match answer {
                Ok(answer) => answer,
                // Only if it has panicked: that is a mistake in the embedded AWS, and none of the network's.
                Err(gone) => match travelling.await.map_err(tokio::task::JoinError::try_into_panic) {
                    Err(Ok(panic)) => std::panic::resume_unwind(panic),
                    _ => Err(ConnectorError::io(gone.into())),
                },
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sim::Service;

    /// A client of STS that belongs to a process.
    fn sts(client: &Client) -> aws_sdk_sts::Client {
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
            .region(aws_sdk_sts::config::Region::new("us-east-1"))
            .http_client(client.http_client())
            .time_source(client.sim.time_source())
            .credentials_provider(client.sim.credentials("111111111111"))
            .retry_config(aws_sdk_sts::config::retry::RetryConfig::disabled())
            .stalled_stream_protection(aws_sdk_sts::config::StalledStreamProtectionConfig::disabled())
            .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
                aws_smithy_async::rt::sleep::TokioSleep::new(),
            ))
            .build();
        aws_sdk_sts::Client::from_conf(config)
    }

    /// How many calls have arrived of a process that dies while its first one is on its way.
    async fn arrived_at_death(seed: u64) -> usize {
        let sim = Sim::builder().build();
        let client = sim.client(Some(Death { at: 2, seed }));
        let caller = sts(&client);
        let asked = tokio::spawn(async move { caller.get_caller_identity().send().await.is_ok() });
        tokio::time::sleep(Duration::from_millis(1)).await;
        // Something else happens while the call is under way, and that is when it dies.
        assert!(!client.moment());
        client.died().await;
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert!(!asked.is_finished(), "a dead process hears nothing");
        let arrived = |call: &&crate::sim::Call| call.service == Service::Sts && call.outcome.is_arrived();
        sim.calls().iter().filter(arrived).count()
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_dead_process_had_sent_arrives_or_is_lost_by_its_seed_and_nothing_else_is_sent() {
        let mut arrived = Vec::new();
        for seed in 0..8 {
            arrived.push(arrived_at_death(seed).await);
        }
        assert!(arrived.contains(&0) && arrived.contains(&1), "{arrived:?}");
        let sim = Sim::builder().build();
        let client = sim.client(Some(Death { at: 1, seed: 0 }));
        let caller = sts(&client);
        let asked = tokio::spawn(async move { caller.get_caller_identity().send().await.is_ok() });
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert!(client.is_dead() && !asked.is_finished());
        assert_eq!(sim.calls().len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_process_dies_and_another_goes_on() {
        let sim = Sim::builder().build();
        let (one, other) = (sim.client(Some(Death { at: 1, seed: 0 })), sim.client(None));
        let dead = sts(&one);
        let never = tokio::spawn(async move { dead.get_caller_identity().send().await.is_ok() });
        assert!(sts(&other).get_caller_identity().send().await.is_ok());
        assert!(!never.is_finished() && one.is_dead() && !other.is_dead());
        assert_eq!(other.moments(), 2, "a call and its answer");
    }
}
