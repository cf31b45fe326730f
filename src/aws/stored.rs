//! Values that are stored at AWS: parameters of Systems Manager and secrets of Secrets Manager.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::call::CallError;
use super::regional::Regional;
use crate::ids::{AccountId, Region};
use crate::secret::Secret;

/// For how long a value counts as just read: the nodes of a fleet that take the same one read it once. A run takes hours, and
/// what is changed meanwhile is to reach those that begin later.
const FRESH: Duration = Duration::from_mins(1);

/// What a secret of Secrets Manager holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// A text that is encrypted.
    Text(Secret),
    /// A text that is not: a plain parameter of Systems Manager.
    Plain(Secret),
    /// Bytes, which are no value for a parameter.
    Bytes,
}

/// What tells one value from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Parameter(String),
    Secret(String, Option<String>),
}

/// A value, and when it was read. Who reads it locks it meanwhile, so that others wait for what comes of it.
type Slot = Arc<tokio::sync::Mutex<Option<(Instant, Stored)>>>;

/// The values that were read, by whatever node.
#[derive(Debug, Default)]
pub(super) struct Read(Mutex<HashMap<(AccountId, Region, Key), Slot>>);

impl Read {
    fn slot(&self, regional: &Regional, key: &Key) -> Slot {
        let place = (regional.account_id().clone(), regional.region().clone(), key.clone());
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(place).or_default())
    }

    /// Has everything be read anew by whoever asks next.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Regional {
    /// The value of a parameter of Systems Manager, decrypted if it is a secure one, by its name or ARN. Whether it may be shown,
    /// its caller knows.
    ///
    /// # Errors
    ///
    /// As for [`Regional::stack`]. A parameter that there is not is an error too.
    pub async fn stored_parameter(&self, name: &str) -> Result<Stored, CallError> {
        let read = async || {
            let client = self.shared().clients.systems_manager(self.region());
            let send = || client.get_parameter().name(name).with_decryption(true).send();
            let answer = self.call("GetParameter", send).await?;
            let parameter = answer.parameter.ok_or_else(|| self.odd_answer("GetParameter", "parameter"))?;
            let value = parameter.value.ok_or_else(|| self.odd_answer("GetParameter", "value"))?;
            let is_plain = parameter.r#type.is_some_and(|kind| matches!(kind.as_str(), "String" | "StringList"));
            let value = Secret::open(value);
            Ok(if is_plain { Stored::Plain(value) } else { Stored::Text(value) })
        };
        self.read_once(Key::Parameter(name.to_owned()), read).await
    }

    /// What a secret of Secrets Manager holds, by its name or ARN, and the stage of its version: the current one if none is
    /// given.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn stored_secret(&self, id: &str, stage: Option<&str>) -> Result<Stored, CallError> {
        let read = async || {
            let client = self.shared().clients.secrets_manager(self.region());
            let stage = stage.map(str::to_owned);
            let send = || client.get_secret_value().secret_id(id).set_version_stage(stage.clone()).send();
            let answer = self.call("GetSecretValue", send).await?;
            match (answer.secret_string, answer.secret_binary) {
                (Some(text), _) => Ok(Stored::Text(Secret::open(text))),
                (None, Some(_)) => Ok(Stored::Bytes),
                (None, None) => Err(self.odd_answer("GetSecretValue", "value")),
            }
        };
        self.read_once(Key::Secret(id.to_owned(), stage.map(str::to_owned)), read).await
    }

    /// A value that was just read by another node, or is read now. What cannot be read is told to whoever asks, and the next
    /// one asks again: somebody may just be making it.
    async fn read_once(
        &self,
        key: Key,
        read: impl AsyncFnOnce() -> Result<Stored, CallError>,
    ) -> Result<Stored, CallError> {
        let slot = self.shared().stored.slot(self, &key);
        let mut held = slot.lock().await;
        if let Some((at, value)) = held.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            tracing::debug!(?key, age_ms = at.elapsed().as_millis(), "was just read");
            return Ok(value.clone());
        }
        let value = Box::pin(read()).await?;
        *held = Some((Instant::now(), value.clone()));
        Ok(value)
    }
}
