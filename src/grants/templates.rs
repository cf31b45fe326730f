//! What the resources of templates need, by what their types' own schemas say: an estimate.
//!
//! CloudFormation acts with the permissions of whoever asks, or of the stack's service role. A type's schema names the
//! actions that its handlers call, for whatever its properties are; AWS grants many of them on single resources, which the
//! schemas do not tell of.

use std::collections::BTreeSet;

use super::facts::Here;
use super::{Estimate, Purpose, Wanted, allow, in_regions};
use crate::iam::{Handler, Policy, handler_actions};

/// What CloudFormation needs for the stacks of an account that have no service role.
pub(super) fn estimate(here: &Here<'_>, wanted: &Wanted) -> Estimate {
    let mut handlers = Vec::new();
    if wanted.purposes.iter().any(|purpose| purpose.makes()) {
        handlers.extend([Handler::Create, Handler::Read, Handler::Update, Handler::Delete]);
    } else if wanted.purposes.contains(&Purpose::Destroy) {
        handlers.extend([Handler::Read, Handler::Delete]);
    } else if wanted.purposes.contains(&Purpose::Drift) {
        handlers.push(Handler::Read);
    }
    let managed = here.stacks.iter().filter(|stack| stack.spec.manage && stack.spec.guards.service_role.is_none());
    let stacks: Vec<_> = managed.collect();
    let documents = || stacks.iter().flat_map(|stack| stack.documents);
    let types: BTreeSet<&str> =
        documents().flat_map(|document| document.resources.values()).map(|made| made.type_name.as_str()).collect();
    let mut actions: BTreeSet<String> = BTreeSet::new();
    let mut unknown = Vec::new();
    for name in types {
        match handler_actions(name, &handlers) {
            Some(needed) => actions.extend(needed),
            None => unknown.push(name.to_owned()),
        }
    }
    let reads_ssm = |kind: &str| kind.starts_with("AWS::SSM::Parameter::");
    if !handlers.is_empty()
        && documents().any(|document| document.parameters.values().any(|own| reads_ssm(&own.type_name)))
    {
        actions.insert("ssm:GetParameters".to_owned());
    }
    let mut statements = Vec::new();
    // Some services have no regions, and some are called in another one.
    let (global, regional): (Vec<&str>, Vec<&str>) =
        actions.iter().map(String::as_str).partition(|action| GLOBAL.iter().any(|service| action.starts_with(service)));
    let regions = in_regions(stacks.iter().map(|stack| stack.region));
    allow(&mut statements, "EstimateForTemplates", &regional, vec!["*".to_owned()], vec![regions]);
    allow(&mut statements, "EstimateForTemplatesAnywhere", &global, vec!["*".to_owned()], Vec::new());
    Estimate { policy: Policy { statements }, unknown }
}

/// Services whose calls go to one region, whatever region the stack is in.
const GLOBAL: [&str; 9] = [
    "budgets:",
    "cloudfront:",
    "globalaccelerator:",
    "iam:",
    "organizations:",
    "route53:",
    "route53domains:",
    "shield:",
    "sts:",
];
