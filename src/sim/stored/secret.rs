//! AWS Secrets Manager, as far as values are read from it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::parameter::seconds;
use super::staged;
use crate::sim::dispatch::unknown_operation;
use crate::sim::wire::{ApiError, Reply, Request};
use crate::sim::world::{MASK, Place, World};

/// The stage of the version that counts.
const CURRENT: &str = "AWSCURRENT";
/// The stage of the version that counted before.
const PREVIOUS: &str = "AWSPREVIOUS";

/// A secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Its ARN, which ends in six letters of chance.
    pub arn: String,
    /// Its versions, the latest last; of earlier ones only the one before.
    pub versions: Vec<Version>,
    /// Whether it is to be deleted, and cannot be read any more.
    #[serde(default)]
    pub doomed: bool,
}

/// A version of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its id.
    pub id: String,
    /// Its text.
    pub text: Option<String>,
    /// Its bytes in base64, where it has no text.
    pub bytes: Option<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// A text, or bytes in base64.
type Content = (Option<String>, Option<String>);

impl Secret {
    /// The version that counts.
    pub fn current(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// A version with its stage, by its id or its stage; the one that counts if neither is given.
    fn version(&self, id: Option<&str>, stage: Option<&str>) -> Option<(&Version, &'static str)> {
        let staged = self.versions.iter().rev().zip([CURRENT, PREVIOUS]);
        let fits = |version: &Version, own: &str| {
            id.is_none_or(|id| id == version.id) && stage.is_none_or(|stage| stage == own)
        };
        staged.into_iter().find(|(version, own)| fits(version, own))
    }
}

pub(crate) fn handle(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let Request { params, place, .. } = request;
    let content = || match (params.get("SecretString"), params.get("SecretBinary")) {
        (None, None) => {
            let message = "You must provide either SecretString or SecretBinary.";
            Err(ApiError::new("InvalidRequestException", message))
        }
        (text, bytes) => Ok((text.map(str::to_owned), bytes.map(str::to_owned))),
    };
    let answer = match request.operation.as_str() {
        "CreateSecret" => create(world, place, params.require("Name")?, content()?)?,
        "PutSecretValue" | "UpdateSecret" => renew(world, place, params.require("SecretId")?, content()?)?,
        "GetSecretValue" => {
            let id = params.require("SecretId")?;
            let stage = params.get("VersionStage").filter(|_| world.assumes());
            if let Some(name) = stage.and_then(|stage| name_of(world, place, &staged(id, stage))) {
                let told = get(world, place, &name, (None, None))?;
                return Ok(Reply::default().with_body(told.to_string()));
            }
            let Some(name) = name_of(world, place, id) else {
                if world.assumes() {
                    let told = json!({ "ARN": id, "Name": id, "SecretString": MASK, "VersionStages": [CURRENT] });
                    return Ok(Reply::default().with_body(told.to_string()));
                }
                return Err(not_found());
            };
            get(world, place, &name, (params.get("VersionId"), params.get("VersionStage")))?
        }
        "DeleteSecret" => {
            let id = params.require("SecretId")?;
            let name = name_of(world, place, id).ok_or_else(not_found)?;
            let now = seconds(world.now);
            let secrets = &mut world.at_mut(place).stored.secrets;
            let arn = secrets.get(&name).map(|secret| secret.arn.clone());
            if params.flag("ForceDeleteWithoutRecovery") {
                secrets.remove(&name);
            } else if let Some(secret) = secrets.get_mut(&name) {
                secret.doomed = true;
            }
            json!({ "ARN": arn, "Name": name, "DeletionDate": now })
        }
        _ => return Err(unknown_operation(request)),
    };
    Ok(Reply::default().with_body(answer.to_string()))
}

/// The name of a secret that is named by its name or by its ARN, with or without the letters of chance.
fn name_of(world: &World, place: &Place, id: &str) -> Option<String> {
    let secrets = &world.at(place).stored.secrets;
    if secrets.contains_key(id) {
        return Some(id.to_owned());
    }
    let is_meant = |secret: &Secret| secret.arn == id || secret.arn.rsplit_once('-').is_some_and(|(arn, _)| arn == id);
    secrets.iter().find(|(_, secret)| is_meant(secret)).map(|(name, _)| name.clone())
}

/// The ARN of a secret, by its name or its ARN; `None` if there is none.
pub(crate) fn arn_of(world: &World, place: &Place, id: &str) -> Option<String> {
    let name = name_of(world, place, id)?;
    world.at(place).stored.secrets.get(&name).map(|secret| secret.arn.clone())
}

/// Makes a secret.
///
/// # Errors
///
/// There is one of that name.
pub(super) fn create(world: &mut World, place: &Place, name: &str, content: Content) -> Result<Json, ApiError> {
    if world.at(place).stored.secrets.contains_key(name) {
        let message = format!("The operation failed because the secret {name} already exists.");
        return Err(ApiError::new("ResourceExistsException", message));
    }
    let Place { account, region } = place;
    let chance: String = world.ids().key().chars().take(6).collect();
    let arn = format!("arn:{}:secretsmanager:{region}:{account}:secret:{name}-{chance}", region.partition());
    let secret = Secret { arn, versions: Vec::new(), doomed: false };
    world.at_mut(place).stored.secrets.insert(name.to_owned(), secret);
    renew(world, place, name, content)
}

/// Gives a secret another value.
///
/// # Errors
///
/// There is none of that name.
pub(super) fn renew(world: &mut World, place: &Place, id: &str, (text, bytes): Content) -> Result<Json, ApiError> {
    let name = name_of(world, place, id).ok_or_else(not_found)?;
    let version = Version { id: world.ids().uuid(), text, bytes, created: world.now };
    let id = version.id.clone();
    let secret = world.at_mut(place).stored.secrets.get_mut(&name).ok_or_else(not_found)?;
    secret.versions.push(version);
    // Whatever has no stage is deleted.
    let before = secret.versions.len().saturating_sub(2);
    secret.versions.drain(..before);
    Ok(json!({ "ARN": secret.arn, "Name": name, "VersionId": id, "VersionStages": [CURRENT] }))
}

fn get(world: &World, place: &Place, name: &str, (id, stage): (Option<&str>, Option<&str>)) -> Result<Json, ApiError> {
    let secret = world.at(place).stored.secrets.get(name).ok_or_else(not_found)?;
    if secret.doomed {
        let message = "You can't perform this operation on the secret because it was marked for deletion.";
        return Err(ApiError::new("InvalidRequestException", message));
    }
    let Some((version, stage)) = secret.version(id, stage) else {
        let wanted = stage.map_or_else(
            || format!("VersionId: {}", id.unwrap_or_default()),
            |stage| format!("staging label: {stage}"),
        );
        let message = format!("Secrets Manager can't find the specified secret value for {wanted}");
        return Err(ApiError::new("ResourceNotFoundException", message));
    };
    let mut told = json!({
        "ARN": secret.arn,
        "Name": name,
        "VersionId": version.id,
        "VersionStages": [stage],
        "CreatedDate": seconds(version.created),
    });
    if let Some(text) = &version.text {
        told["SecretString"] = text.as_str().into();
    }
    if let Some(bytes) = &version.bytes {
        told["SecretBinary"] = bytes.as_str().into();
    }
    Ok(told)
}

fn not_found() -> ApiError {
    ApiError::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}
