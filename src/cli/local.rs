//! The embedded AWS behind `--local` and `orch local`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::aws::Environment;
use crate::iam::Policy;
use crate::ids::{AccountId, Region};
use crate::plan::Plan;
use crate::sim::stored::Given;
use crate::sim::{
    AlarmFault, Builder, Fault, Faults, Identities, Place, Rates, ResourceFault, Sim, Timing, Trust, WorldFileError,
};

use super::disk;

/// Where the world is kept, from the directory that orch was started in.
pub(super) const WORLD: &str = ".orch/local/world.json";

/// What a file given with `--local-config` may say. `docs/embedded-aws.md` explains it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// The seed of ids and of faults that are left to chance.
    seed: u64,
    /// The account of the caller's own credentials, if not the one that the plan reaches without a role.
    caller: Option<AccountId>,
    /// How long things take.
    timing: Timing,
    /// How many calls are taken before they are throttled.
    rates: Rates,
    /// Roles that are not open to everybody.
    role: Vec<Role>,
    /// What users and roles may do: a file that `orch iam --format json` has written, seen from this one.
    policies: Option<PathBuf>,
    /// Parameters of Systems Manager.
    parameter: Vec<Parameter>,
    /// Secrets of Secrets Manager.
    secret: Vec<Secret>,
    /// Calls that go wrong.
    call: Vec<Fault>,
    /// Resources of stacks that fail.
    resource: Vec<ResourceFault>,
    /// Alarms that fire.
    alarm: Vec<AlarmFault>,
}

/// Who may assume a role.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Role {
    account: AccountId,
    name: String,
    #[serde(default = "yes")]
    exists: bool,
    #[serde(default)]
    accounts: Option<BTreeSet<AccountId>>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    mfa: bool,
    /// The longest session in seconds.
    #[serde(default)]
    max_duration: Option<u32>,
}

/// The policies of one holder, as `orch iam --format json` writes them. What else stands there is for people.
#[derive(Clone, Debug, Deserialize)]
struct Held {
    account: Option<AccountId>,
    role: Option<String>,
    policies: Vec<serde_json::Value>,
    estimate: Option<Estimated>,
}

/// What templates need, by an estimate.
#[derive(Clone, Debug, Deserialize)]
struct Estimated {
    policies: Vec<serde_json::Value>,
}

/// A parameter of Systems Manager.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameter {
    account: AccountId,
    region: Region,
    name: String,
    value: String,
    /// Whether it is a `SecureString`.
    #[serde(default)]
    secure: bool,
}

/// A secret of Secrets Manager.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    account: AccountId,
    region: Region,
    name: String,
    text: String,
}

fn yes() -> bool {
    true
}

/// Why the embedded AWS cannot be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocalError {
    /// The file given with `--local-config` cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not what it should be. The message of the TOML reader has line and column.
    #[error("{}: {message}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The world's file cannot be used.
    #[error(transparent)]
    World(#[from] WorldFileError),
}

/// Starts the embedded AWS for a plan, with its world in [`WORLD`] and the rules of `config`, if there is such a file.
///
/// The caller's own credentials are those of the account that the plan reaches without a role, and a profile's those of
/// the account that names it, so that a plan for AWS works here as it stands.
///
/// # Errors
/// A configuration or a world that cannot be read.
pub(super) fn start(plan: &Plan, config: Option<&Path>) -> Result<Environment, LocalError> {
    let (builder, caller) = rules(config)?;
    let sim = builder.open(WORLD)?;
    let caller = caller.or_else(|| callers_account(plan));
    let profiles: HashMap<String, AccountId> =
        plan.accounts.values().filter_map(|account| Some((account.profile.clone()?, account.id.clone()))).collect();
    let keys = sim.clone();
    let credentials = move |profile: Option<&str>| {
        let account = profile.map_or(caller.as_ref(), |profile| profiles.get(profile))?;
        Some(keys.credentials(account.as_str()))
    };
    // Any six digits but 000000 are a right code of the embedded AWS's devices; nobody is asked.
    let environment = Environment::given(sim.http_client(), sim.time_source(), credentials);
    let environment = environment.near().asking(|_| Ok("123456".to_owned()));
    Ok(if sim.throttles() { environment } else { environment.granting_all() })
}

/// An embedded AWS with the rules of a file, if there is one, and the account that it gives to the caller.
///
/// # Errors
/// The file cannot be read.
pub(super) fn rules(config: Option<&Path>) -> Result<(Builder, Option<AccountId>), LocalError> {
    let folder = config.and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
    let config = config.map(read).transpose()?.unwrap_or_default();
    let mut builder = Sim::builder().seed(config.seed).timing(config.timing).rates(config.rates).faults(Faults {
        calls: config.call,
        resources: config.resource,
        alarms: config.alarm,
    });
    for role in config.role {
        let trust = Trust {
            exists: role.exists,
            accounts: role.accounts,
            external_id: role.external_id,
            mfa: role.mfa,
            max_duration: role.max_duration.unwrap_or(Trust::default().max_duration),
        };
        builder = builder.role(&role.account, &role.name, trust);
    }
    if let Some(policies) = &config.policies {
        builder = builder.identities(identities(&folder.join(policies), config.caller.as_ref())?);
    }
    for Parameter { account, region, name, value, secure } in config.parameter {
        builder = builder.stored(Place { account, region }, Given::Parameter(name, value, secure));
    }
    for Secret { account, region, name, text } in config.secret {
        builder = builder.stored(Place { account, region }, Given::Secret(name, text));
    }
    Ok((builder, config.caller))
}

/// The policies of a file. Without a role they are those of an account's user, whose credentials the caller has.
fn identities(path: &Path, caller: Option<&AccountId>) -> Result<Identities, LocalError> {
    let wrong = |message: String| LocalError::Config { path: path.to_owned(), message };
    let held: BTreeMap<String, Held> = serde_json::from_str(&text(path)?).map_err(|error| wrong(error.to_string()))?;
    let mut identities = Identities::default();
    // What is estimated of templates is enforced where there is an estimate.
    if held.values().any(|held| held.estimate.is_some()) {
        identities = identities.for_templates();
    }
    for (name, Held { account, role, policies, estimate }) in held {
        // The caller's own, whose account the plan does not know.
        let Some(account) = account.as_ref().or(caller) else { continue };
        let all = policies.iter().chain(estimate.iter().flat_map(|estimate| &estimate.policies));
        let policies: Result<Vec<_>, _> = all.map(Policy::of_json).collect();
        let policies = policies.map_err(|error| wrong(format!("{name}: {error}")))?;
        let role = role.as_deref().map(|arn| arn.rsplit('/').next().unwrap_or(arn));
        identities.set(account, role, policies).map_err(|error| wrong(format!("{name}: {error}")))?;
    }
    Ok(identities)
}

/// The account that the caller's own credentials are for: the first that is reached with nothing else. Where every
/// account is reached through a role, any account will do, and the first one's keys are as good as another's.
fn callers_account(plan: &Plan) -> Option<AccountId> {
    let own = plan.accounts.values().find(|account| account.role.is_none() && account.profile.is_none());
    own.or_else(|| plan.accounts.values().next()).map(|account| account.id.clone())
}

fn read(path: &Path) -> Result<Config, LocalError> {
    toml::from_str(&text(path)?)
        .map_err(|error| LocalError::Config { path: path.to_owned(), message: error.to_string() })
}

fn text(path: &Path) -> Result<String, LocalError> {
    let unreadable = |source| LocalError::Unreadable { path: path.to_owned(), source };
    String::from_utf8(disk::read(path).map_err(unreadable)?)
        .map_err(|_| unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Rate;

    #[test]
    fn what_the_documentation_shows_is_read() {
        let text = include_str!("../../docs/embedded-aws.md");
        let example = text.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let config: Config = toml::from_str(example).unwrap();
        assert_eq!((config.role.len(), config.call.len(), config.resource.len(), config.alarm.len()), (1, 1, 1, 1));
        assert_eq!((config.parameter.len(), config.secret.len(), config.parameter[0].secure), (1, 1, true));
        assert_eq!(config.resource[0].nth, Some(2));
        assert_eq!(config.rates.cloudformation_read, Some(Rate::new(20, 10.0)));
        assert_eq!(config.rates.ec2_write, Rates::documented().ec2_write);
        let longer = example.replace("external_id = \"secret\"", "max_duration = 43200");
        assert_eq!(toml::from_str::<Config>(&longer).unwrap().role[0].max_duration, Some(43_200));
    }
}
