//! The way to AWS: the environment that was asked for, and a session for each account in it.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::aws::{AccountError, AccountSpec, Environment, Sessions};
use crate::diag::Sources;
use crate::ids::AccountName;
use crate::plan::Plan;
use crate::run::{Job, specs};

use super::args::Target;
use super::disk;
use super::exit::Exit;
use super::{Surroundings, local, terminal, variable};

/// The real AWS, or the embedded one.
///
/// # Errors
/// The exit code, after it was said why there is no way.
pub(super) fn environment(target: &Target, plan: &Plan, surroundings: &Surroundings) -> Result<Environment, Exit> {
    if target.local {
        return local::start(plan, target.local_config.as_deref()).map_err(|error| refuse(&error));
    }
    let bundle = match variable("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
        Some(path) => {
            let read = disk::read(path.as_ref());
            Some((read.map_err(|error| refuse(&format!("AWS_CA_BUNDLE: {path}: {error}")))?, path))
        }
        None => None,
    };
    let environment = Environment::real(bundle.as_ref().map(|(bytes, _)| bytes.as_slice()), surroundings.files)
        .map_err(|error| {
            let path = bundle.as_ref().map_or("", |(_, path)| path.as_str());
            refuse(&format!("AWS_CA_BUNDLE: {path}: {error}"))
        })?;
    let answers = surroundings.terminal.answers;
    Ok(environment.asking(move |serial| {
        if answers {
            terminal::prompt(&format!("Code of MFA device {serial}: ")).map(|code| code.trim().to_owned())
        } else {
            Err(std::io::Error::other("there is no terminal to ask at"))
        }
    }))
}

/// A session for every account that the jobs touch, each proven to be the account that the plan names.
///
/// # Errors
/// The exit code, after every account that cannot be used was named with its reason, its line and its remedy.
pub(super) async fn sessions(
    jobs: &[&Job],
    environment: &Environment,
    sources: &Sources,
) -> Result<Arc<Sessions>, Exit> {
    let (sessions, _) = sessions_and(jobs, &IndexMap::new(), environment, sources).await?;
    Ok(sessions)
}

/// The same, with a session for each of some other accounts beside them that can be used, and why the others cannot.
///
/// # Errors
/// As for [`sessions`].
pub(super) async fn sessions_and(
    jobs: &[&Job],
    others: &IndexMap<AccountName, AccountSpec>,
    environment: &Environment,
    sources: &Sources,
) -> Result<(Arc<Sessions>, Vec<AccountError>), Exit> {
    let needed = specs(jobs);
    let mut all = needed.clone();
    for (name, spec) in others {
        all.entry(name.clone()).or_insert_with(|| spec.clone());
    }
    let (sessions, errors) = Sessions::reach(&all, environment).await;
    let (errors, unreached): (Vec<_>, Vec<_>) =
        errors.into_iter().partition(|error| needed.contains_key(&error.account));
    if errors.is_empty() {
        return Ok((Arc::new(sessions), unreached));
    }
    for error in &errors {
        let accounts = jobs.first().map(|job| &job.plan().accounts);
        let place =
            accounts.and_then(|accounts| accounts.get(&error.account)).map(|account| sources.place(&account.span));
        terminal::line(&format!("error: {error}"));
        if let Some(place) = place {
            terminal::line(&format!("  --> {place}"));
        }
        for help in error.help() {
            terminal::line(&format!("  help: {help}"));
        }
    }
    terminal::notice("nothing was changed\n");
    Err(Exit::NoAccount)
}

fn refuse(error: &dyn std::fmt::Display) -> Exit {
    terminal::notice(&format!("error: {error}\n"));
    Exit::Refused
}
