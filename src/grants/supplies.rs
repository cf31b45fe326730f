//! Parameters of Systems Manager and secrets of Secrets Manager that give parameters of stacks their values.

use std::collections::BTreeSet;

use super::facts::Here;
use super::{Wanted, allow};
use crate::iam::Statement;
use crate::plan::{At, Spec, Supply, Value};

pub(super) fn statements(into: &mut Vec<Statement>, here: &Here<'_>, wanted: &Wanted) {
    let (mut parameters, mut secrets) = (BTreeSet::new(), BTreeSet::new());
    for (supply, at) in supplies(here, wanted) {
        match supply {
            Supply::Parameter { name, .. } => drop(parameters.insert(parameter(here, at, name))),
            Supply::Secret { id, .. } => drop(secrets.insert(secret(here, at, id))),
            Supply::Environment { .. } => {}
        }
    }
    allow(into, "ReadParameters", &["ssm:GetParameter"], parameters.into_iter().collect(), Vec::new());
    allow(into, "ReadSecrets", &["secretsmanager:GetSecretValue"], secrets.into_iter().collect(), Vec::new());
}

/// Whether any is read in an account.
pub(super) fn are_read(here: &Here<'_>, wanted: &Wanted) -> bool {
    supplies(here, wanted).next().is_some()
}

/// Those of all stacks, wherever they are, that are read in this account.
fn supplies<'a>(here: &'a Here<'a>, wanted: &Wanted) -> impl Iterator<Item = (&'a Supply, &'a At)> {
    let compares = wanted.purposes.iter().any(|purpose| purpose.compares());
    let nodes = here.facts.plan.nodes.iter().filter(move |_| compares);
    let stacks = nodes.filter_map(|node| if let Spec::Stack(stack) = &node.spec { Some(stack) } else { None });
    let supplies = stacks.flat_map(|stack| stack.parameters.values()).filter_map(|setting| setting.value.supply());
    supplies.filter_map(|supply| Some((supply, supply.at()?))).filter(|(_, at)| at.account == *here.name)
}

/// The ARN of a parameter: any, where its name is known only later.
fn parameter(here: &Here<'_>, at: &At, name: &Value) -> String {
    match name.literal().and_then(|name| name.as_str()) {
        Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
        // A version or a label behind a colon is no part of it.
        Some(name) => {
            let name = name.split(':').next().unwrap_or(name);
            here.arn("ssm", &at.region, &format!("parameter/{}", name.strip_prefix('/').unwrap_or(name)))
        }
        None => here.arn("ssm", &at.region, "parameter/*"),
    }
}

/// The ARN of a secret: behind its name AWS puts six letters of chance.
fn secret(here: &Here<'_>, at: &At, id: &Value) -> String {
    match id.literal().and_then(|id| id.as_str()) {
        Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
        Some(name) => here.arn("secretsmanager", &at.region, &format!("secret:{name}-??????")),
        None => here.arn("secretsmanager", &at.region, "secret:*"),
    }
}
