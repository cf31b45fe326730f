//! The values of parameters that are read elsewhere: in the environment, in Systems Manager and in Secrets Manager.
//!
//! They are read when their node is looked at or carried out, through the session of the account that has them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::wanted::{Resolver, Unknown};
use crate::aws::{CallError, Class, Sessions, Stored};
use crate::diag::{Sources, Span};
use crate::event::Failure;
use crate::plan::{At, Found, Setting, StackSpec, Supply};
use crate::secret::{Secret, keep, keep_whole};

/// The values of a stack's parameters that are read elsewhere, by their names.
pub(super) type Supplied = HashMap<Arc<str>, Secret>;

/// Reads what a stack's parameters are given from elsewhere, all that is needed for it being known.
///
/// # Errors
/// What cannot be read, with its place in the plan and what to do.
pub(super) async fn supplied(
    spec: &StackSpec,
    sessions: &Sessions,
    resolver: &Resolver<'_>,
) -> Result<Supplied, Unknown> {
    let mut supplied = Supplied::new();
    for (parameter, setting) in &spec.parameters {
        let Some(supply) = setting.value.supply() else { continue };
        let name = supply.name().map(|name| resolver.text(name)).transpose()?.unwrap_or_default();
        let value = read(parameter, setting, (supply, &name), sessions, resolver.sources).await;
        supplied.insert(Arc::clone(parameter), value.map_err(|unread| Unknown::Unfit(Box::new(unread.into())))?);
    }
    Ok(supplied)
}

/// Why a value could not be read.
pub(super) enum Unread {
    /// There is nothing of that name. A node that the run carries out before may make it.
    Missing(Box<Failure>),
    /// Anything else.
    Refused(Box<Failure>),
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Missing(failure) | Unread::Refused(failure) => *failure,
        }
    }
}

/// Reads one value. `name` is that of what holds it at AWS.
pub(super) async fn read(
    parameter: &str,
    setting: &Setting,
    (supply, name): (&Supply, &str),
    sessions: &Sessions,
    sources: &Sources,
) -> Result<Secret, Unread> {
    let reading = Reading { parameter, span: setting.value.span(), sources };
    let at = match supply {
        Supply::Environment { name, found } => return reading.environment(name, found),
        Supply::Parameter { at, .. } | Supply::Secret { at, .. } => at,
    };
    let regional = sessions.region(&at.account, &at.region).ok_or_else(|| {
        let why = format!("no session was opened for account {}", at.account);
        reading.refused(why, "this is a mistake in orch")
    })?;
    let value = match supply {
        Supply::Secret { key, stage, .. } => {
            let stored = regional.stored_secret(name, stage.as_deref()).await;
            let stored = stored.map_err(|error| reading.of_call(error, &format!("secret {name}"), at))?;
            // All of it is in this process now, and its other fields may be anybody's words.
            if let (Stored::Text(text), true) = (&stored, key.is_some()) {
                keep_whole(text.expose());
            }
            reading.of_secret(name, stored, key.as_deref())?
        }
        Supply::Parameter { .. } | Supply::Environment { .. } => {
            let stored = regional.stored_parameter(name).await;
            let what = format!("parameter {name} of Systems Manager");
            match stored.map_err(|error| reading.of_call(error, &what, at))? {
                // Whoever wrote the plan is not to say so: it may be somebody who has no right to see it.
                Stored::Text(_) if !setting.sensitive => {
                    let cause = format!("{what} is a SecureString, and the plan says that it is no secret");
                    return Err(reading.refused(cause, "take `sensitive = false` away"));
                }
                Stored::Text(value) | Stored::Plain(value) => value,
                Stored::Bytes => return Err(reading.refused(format!("{what} holds no text"), "store it as text")),
            }
        }
    };
    if setting.sensitive {
        keep(value.expose());
    }
    Ok(value)
}

/// The reading of one parameter's value.
struct Reading<'a> {
    parameter: &'a str,
    span: &'a Span,
    sources: &'a Sources,
}

impl Reading<'_> {
    fn summary(&self) -> String {
        format!("the value of parameter {} cannot be read", self.parameter)
    }

    fn refused(&self, cause: impl Into<String>, help: impl Into<String>) -> Unread {
        let failure = Failure::new(self.summary(), cause).at(self.sources.place(self.span));
        Unread::Refused(Box::new(failure.help(help)))
    }

    fn environment(&self, name: &str, found: &Found) -> Result<Secret, Unread> {
        match found {
            Found::Value(secret) => Ok(secret.clone()),
            Found::Open(text) => Ok(Secret::open(Arc::clone(text))),
            Found::Nothing => Err(self.refused(
                format!("the environment has no {name}"),
                format!("set {name}, and allow the plan to have it: --allow-env {name}"),
            )),
            Found::Forbidden => Err(self.refused(
                format!("the environment has {name}, and the plan is not allowed to have it"),
                format!("if you trust the plan with it, allow it: --allow-env {name}"),
            )),
        }
    }

    /// What AWS has said about `what`.
    fn of_call(&self, error: CallError, what: &str, at: &At) -> Unread {
        let At { account, region } = at;
        let (class, is_kms) = (error.class, is_about_kms(&error));
        let action = error.missing();
        let service = if error.operation == "GetParameter" { "Systems Manager" } else { "Secrets Manager" };
        let mut failure = Failure::from(error);
        failure.cause = format!("{}: {}", failure.summary, failure.cause);
        failure.summary = self.summary();
        let mut failure = failure.at(self.sources.place(self.span));
        if is_kms {
            failure.help = vec![
                format!("allow kms:Decrypt for the key of {what} to the role that orch uses in account {account}"),
                "and see that the key's policy lets that account use it".to_owned(),
            ];
        } else if class == Class::Denied {
            failure.help =
                vec![format!("allow {action} for {what} in {region} to the role that orch uses in account {account}")];
        } else if class == Class::NotFound {
            failure.help = vec![
                format!("store it in {service} of account {account} in {region}, or correct its name"),
                "if it is in another account or region, say so beside it: account = \"…\", region = \"…\"".to_owned(),
            ];
            return Unread::Missing(Box::new(failure));
        }
        Unread::Refused(Box::new(failure))
    }

    fn of_secret(&self, name: &str, stored: Stored, key: Option<&str>) -> Result<Secret, Unread> {
        let text = match stored {
            Stored::Text(text) | Stored::Plain(text) => text,
            Stored::Bytes => {
                let cause = format!("secret {name} holds bytes, and a parameter takes text");
                return Err(self.refused(cause, "store it as text (SecretString)"));
            }
        };
        let Some(key) = key else { return Ok(text) };
        let Ok(Json::Object(fields)) = serde_json::from_str(text.expose()) else {
            let cause = format!("secret {name} holds no JSON object, so it has no field `{key}`");
            return Err(self.refused(cause, "take `key` away, or store the secret as a JSON object"));
        };
        match fields.get(key) {
            Some(Json::String(value)) => Ok(Secret::open(value.as_str())),
            // Another number than is written there would be another secret.
            Some(Json::Number(number)) if number.is_f64() => {
                let cause = format!("field `{key}` of secret {name} is a number that may be written in several ways");
                Err(self.refused(cause, "store it as a text, in quotes"))
            }
            Some(value @ (Json::Number(_) | Json::Bool(_))) => Ok(Secret::open(value.to_string())),
            Some(_) => {
                let cause = format!("field `{key}` of secret {name} is neither a text nor a number");
                Err(self.refused(cause, "name a field that is one"))
            }
            None => {
                // Its names are no secrets, and help to find the slip.
                let names: Vec<&str> = fields.keys().map(String::as_str).collect();
                let help = match names.as_slice() {
                    [] => "it has none at all".to_owned(),
                    names => format!("it has {}", names.join(", ")),
                };
                Err(self.refused(format!("secret {name} has no field `{key}`"), help))
            }
        }
    }
}

/// Whether a refusal is about the key that a value is encrypted with.
fn is_about_kms(error: &CallError) -> bool {
    let code = error.code.as_deref().unwrap_or_default();
    let says = |words: &str| error.message.contains(words);
    matches!(code, "DecryptionFailure" | "InvalidKeyId")
        || error.class == Class::Denied && (says("kms:") || says("KMS") || says("ciphertext"))
}
