//! AWS Systems Manager's parameter store, as far as values are read from it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::sim::dispatch::unknown_operation;
use crate::sim::wire::{ApiError, Params, Reply, Request};
use crate::sim::world::{MASK, Place, World};

/// The type of what everybody may read who may read the parameter.
pub(super) const PLAIN: &str = "String";
/// The type of what is encrypted.
pub(super) const SECURE: &str = "SecureString";

/// The most bytes of a standard parameter's value.
const LONGEST: usize = 4096;

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its value.
    pub value: String,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// How often it was put.
    pub version: u64,
    /// When it was put last.
    pub modified: Timestamp,
}

impl Parameter {
    /// Whether its value is encrypted.
    pub fn is_secure(&self) -> bool {
        self.kind == SECURE
    }
}

pub(crate) fn handle(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let Request { params, place, .. } = request;
    let answer = match request.operation.as_str() {
        "GetParameter" => {
            let parameter = get(world, place, params.require("Name")?, params.flag("WithDecryption"))?;
            json!({ "Parameter": parameter })
        }
        "GetParameters" => get_all(world, place, params),
        "PutParameter" => {
            let kind = params.get("Type").unwrap_or(PLAIN);
            let (name, value) = (params.require("Name")?, params.require("Value")?);
            let version = put(world, place, name, (value, kind), params.flag("Overwrite"))?;
            json!({ "Version": version, "Tier": "Standard" })
        }
        "DeleteParameter" => {
            let name = params.require("Name")?;
            let name = plain_name(place, name).unwrap_or(name);
            match world.at_mut(place).stored.parameters.remove(name) {
                Some(_) => json!({}),
                None => return Err(not_found(name)),
            }
        }
        _ => return Err(unknown_operation(request)),
    };
    Ok(Reply::default().with_body(answer.to_string()))
}

/// The name of a parameter of this place that is named by its ARN; `None` for one of another place.
fn plain_name<'a>(place: &Place, name: &'a str) -> Option<&'a str> {
    let Some(rest) = name.strip_prefix("arn:") else { return Some(name) };
    let parts: Vec<&str> = rest.splitn(5, ':').collect();
    let [_, "ssm", region, account, resource] = parts.as_slice() else { return None };
    let own = *region == place.region.as_str() && *account == place.account.as_str();
    let path = resource.strip_prefix("parameter").filter(|_| own)?;
    // One that begins with a slash has it in its ARN once.
    Some(if path[1..].contains('/') { path } else { path.trim_start_matches('/') })
}

/// A parameter as it is told, by its name or ARN, perhaps with a version behind a colon.
fn get(world: &mut World, place: &Place, wanted: &str, decrypted: bool) -> Result<Json, ApiError> {
    if let (true, Some(own)) = (world.assumes(), world.at(place).stored.parameters.get(wanted)) {
        return Ok(told(place, wanted, own, decrypted));
    }
    let (named, version) = without_version(wanted);
    let name = plain_name(place, named).ok_or_else(|| not_found(wanted))?;
    let own = &world.at(place).stored.parameters;
    // The name in an ARN may be either.
    let found = own.get_key_value(name).or_else(|| own.get_key_value(&*format!("/{name}")));
    let Some((name, parameter)) = found else {
        if world.assumes() {
            return Ok(told(
                place,
                wanted,
                &Parameter { value: MASK.to_owned(), kind: PLAIN.to_owned(), version: 1, modified: world.now },
                true,
            ));
        }
        return Err(not_found(wanted));
    };
    if version.is_some_and(|version| version != parameter.version.to_string()) {
        let message = format!("Systems Manager could not find version {} of {name}.", version.unwrap_or_default());
        return Err(ApiError::new("ParameterVersionNotFound", message));
    }
    Ok(told(place, name, parameter, decrypted))
}

/// The ARN of a parameter of this place, by its name; what is an ARN stays.
pub(crate) fn arn(Place { account, region }: &Place, name: &str) -> String {
    if name.starts_with("arn:") {
        return name.to_owned();
    }
    let slash = if name.starts_with('/') { "" } else { "/" };
    format!("arn:{}:ssm:{region}:{account}:parameter{slash}{name}", region.partition())
}

/// What is named, without the version that may follow it behind a colon; and the version.
pub(crate) fn without_version(wanted: &str) -> (&str, Option<&str>) {
    match wanted.rsplit_once(':') {
        Some((named, version)) if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) => {
            (named, Some(version))
        }
        _ => (wanted, None),
    }
}

fn told(place: &Place, name: &str, parameter: &Parameter, decrypted: bool) -> Json {
    let value = if parameter.is_secure() && !decrypted { "AQICAHg-encrypted" } else { &parameter.value };
    json!({
        "Name": name,
        "Type": parameter.kind,
        "Value": value,
        "Version": parameter.version,
        "LastModifiedDate": seconds(parameter.modified),
        "ARN": arn(place, name),
        "DataType": "text",
    })
}

/// A time as this protocol has it.
pub(super) fn seconds(at: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any time in this world are exact")]
    let milliseconds = at.as_millisecond() as f64;
    milliseconds / 1000.0
}

fn get_all(world: &mut World, place: &Place, params: &Params) -> Json {
    let decrypted = params.flag("WithDecryption");
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in params.list("Names") {
        match get(world, place, name, decrypted) {
            Ok(parameter) => found.push(parameter),
            Err(_) => missing.push(name),
        }
    }
    json!({ "Parameters": found, "InvalidParameters": missing })
}

/// Puts a parameter, and gives its version.
///
/// # Errors
///
/// There is one of that name that is not to be written over, or its name, type or value is none.
pub(super) fn put(
    world: &mut World,
    place: &Place,
    name: &str,
    (value, kind): (&str, &str),
    over: bool,
) -> Result<u64, ApiError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    if name.is_empty() || !name.chars().all(legal) || name.contains("//") {
        let message = "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can \
                       consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, \
                       numbers and the following 3 symbols .-_";
        return Err(ApiError::new("ValidationException", message));
    }
    if ![PLAIN, "StringList", SECURE].contains(&kind) {
        let message = format!(
            "1 validation error detected: Value '{kind}' at 'type' failed to satisfy constraint: Member must satisfy \
             enum value set: [SecureString, StringList, String]"
        );
        return Err(ApiError::new("ValidationException", message));
    }
    if value.is_empty() || value.len() > LONGEST {
        let message = "Standard tier parameters support a maximum parameter value of 4096 characters.";
        return Err(ApiError::new("ValidationException", message));
    }
    let modified = world.now;
    let parameters = &mut world.at_mut(place).stored.parameters;
    let version = match parameters.get(name) {
        Some(_) if !over => {
            let message = "The parameter already exists. To overwrite this value, set the overwrite option in the \
                           request to true.";
            return Err(ApiError::new("ParameterAlreadyExists", message));
        }
        Some(own) => own.version + 1,
        None => 1,
    };
    let parameter = Parameter { value: value.to_owned(), kind: kind.to_owned(), version, modified };
    parameters.insert(name.to_owned(), parameter);
    Ok(version)
}

fn not_found(name: &str) -> ApiError {
    ApiError::new("ParameterNotFound", format!("Parameter {name} not found."))
}
