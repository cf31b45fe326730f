//! Stacks, and all that goes with them at CloudFormation.

use std::collections::BTreeSet;

use super::facts::{Here, StackHere};
use super::{Purpose, Wanted, allow, in_regions, of_plan};
use crate::iam::{Condition, Operator, Statement};
use crate::ids::Region;

/// What the names of orch's own change sets begin with.
const CHANGE_SETS: &str = "orch-update-*";

pub(super) fn statements(into: &mut Vec<Statement>, here: &Here<'_>, wanted: &Wanted) {
    let any = |of: fn(Purpose) -> bool| wanted.purposes.iter().any(|purpose| of(*purpose));
    let has = |purpose: Purpose| wanted.purposes.contains(&purpose);
    let managed: Vec<&StackHere<'_>> = here.stacks.iter().filter(|stack| stack.spec.manage).collect();
    let (all, own): (Vec<String>, Vec<String>) = (
        here.stacks.iter().map(|stack| arn(here, stack)).collect(),
        managed.iter().map(|stack| arn(here, stack)).collect(),
    );
    let regions: BTreeSet<&Region> = here.stacks.iter().map(|stack| stack.region).collect();
    let everywhere = &here.facts.regions;

    // All that an account has is listed once; by name, each stack is asked for by itself.
    let lists = !wanted.strict && (any(Purpose::looks_for_left) || !here.stacks.is_empty());
    if lists {
        let actions = ["cloudformation:DescribeStacks", "cloudformation:ListStacks"];
        let regions = if any(Purpose::looks_for_left) { everywhere } else { &regions };
        allow(into, "SeeStacks", &actions, vec!["*".to_owned()], vec![in_regions(regions.iter().copied())]);
    } else {
        allow(into, "SeeStacks", &["cloudformation:DescribeStacks"], all.clone(), Vec::new());
    }

    let mut looks: Vec<&str> = Vec::new();
    // What has drifted is shown without what the template hides.
    if any(Purpose::compares) || has(Purpose::Drift) {
        looks.push("cloudformation:GetTemplate");
    }
    if any(Purpose::makes) || has(Purpose::ReadOnly) || has(Purpose::Cancel) || has(Purpose::Destroy) {
        looks.push("cloudformation:DescribeStackEvents");
    }
    if any(Purpose::makes) {
        looks.push("cloudformation:DescribeEvents");
    }
    if any(Purpose::makes) || has(Purpose::Destroy) || has(Purpose::Drift) || has(Purpose::Simulate) {
        looks.push("cloudformation:ListStackResources");
    }
    if any(Purpose::works_out) {
        looks.push("cloudformation:GetStackPolicy");
    }
    allow(into, "ReadStacks", &looks, own.clone(), Vec::new());

    if any(Purpose::compares) && !managed.is_empty() {
        let regions = managed.iter().map(|stack| stack.region);
        allow(
            into,
            "CheckTemplates",
            &["cloudformation:ValidateTemplate"],
            vec!["*".to_owned()],
            vec![in_regions(regions)],
        );
    }

    if any(Purpose::works_out) {
        let mut sets = vec!["cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet"];
        if any(Purpose::makes) {
            sets.push("cloudformation:ExecuteChangeSet");
        }
        let named = Condition::new(Operator::StringLike, "cloudformation:ChangeSetName", vec![CHANGE_SETS.to_owned()]);
        let mut on = own.clone();
        // AWS has an ARN for change sets, and does not say which of the two it holds a call against that names one by it.
        on.extend(here.arns(
            "cloudformation",
            managed.iter().map(|stack| stack.region),
            &format!("changeSet/{CHANGE_SETS}"),
        ));
        if own.is_empty() {
            on.clear();
        }
        allow(into, "WorkOutUpdates", &sets, on.clone(), vec![named]);
        let reads = ["cloudformation:DescribeChangeSet", "cloudformation:ListChangeSets"];
        allow(into, "ReadChangeSets", &reads, on, Vec::new());
        // What orch makes bears its tags.
        allow(into, "TagStacks", &["cloudformation:TagResource"], own.clone(), Vec::new());
    }

    let mut acts: Vec<&str> = Vec::new();
    if has(Purpose::Apply) {
        acts.extend([
            "cloudformation:CreateStack",
            "cloudformation:DeleteStack",
            "cloudformation:RollbackStack",
            "cloudformation:ContinueUpdateRollback",
        ]);
    }
    if has(Purpose::Destroy) {
        acts.push("cloudformation:DeleteStack");
    }
    if has(Purpose::Cancel) {
        acts.push("cloudformation:CancelUpdateStack");
    }
    allow(into, "ChangeStacks", &acts, own.clone(), Vec::new());
    guards(into, here, wanted, &managed);

    if has(Purpose::Drift) {
        let drift = [
            "cloudformation:DetectStackDrift",
            "cloudformation:DetectStackResourceDrift",
            "cloudformation:DescribeStackResourceDrifts",
        ];
        allow(into, "DetectDrift", &drift, own.clone(), Vec::new());
        if !own.is_empty() {
            let regions = in_regions(managed.iter().map(|stack| stack.region));
            let status = ["cloudformation:DescribeStackDriftDetectionStatus"];
            allow(into, "AwaitDrift", &status, vec!["*".to_owned()], vec![regions]);
        }
    }

    let mut lists: Vec<&str> = Vec::new();
    if any(Purpose::deletes_left) && !wanted.strict && exports(here) {
        lists.push("cloudformation:ListImports");
    }
    if has(Purpose::Simulate) && !managed.is_empty() {
        lists.push("cloudformation:ListExports");
    }
    allow(into, "SeeExports", &lists, vec!["*".to_owned()], vec![in_regions(everywhere.iter().copied())]);

    if any(Purpose::deletes_left) && !wanted.strict && (here.is_bare() || !own.is_empty()) {
        let left =
            ["cloudformation:DeleteStack", "cloudformation:DescribeStackEvents", "cloudformation:ListStackResources"];
        let anywhere = here.arns("cloudformation", everywhere.iter().copied(), "stack/*");
        allow(into, "DeleteWhatLeft", &left, anywhere, vec![of_plan(here.facts.plan)]);
    }
    pass_roles(into, here, wanted, &managed);
}

fn arn(here: &Here<'_>, stack: &StackHere<'_>) -> String {
    here.arn("cloudformation", stack.region, &format!("stack/{}/*", stack.spec.name))
}

/// Whether a stack of the account exports something.
fn exports(here: &Here<'_>) -> bool {
    let documents = here.stacks.iter().flat_map(|stack| stack.documents);
    documents.into_iter().any(|document| document.outputs.values().any(|output| output.export.is_some()))
}

/// What guards stacks, where the plan speaks of that.
fn guards(into: &mut Vec<Statement>, here: &Here<'_>, wanted: &Wanted, managed: &[&StackHere<'_>]) {
    if !wanted.purposes.iter().any(|purpose| purpose.makes()) {
        return;
    }
    let of = |speaks: fn(&StackHere<'_>) -> bool| -> Vec<String> {
        managed.iter().filter(|stack| speaks(stack)).map(|stack| arn(here, stack)).collect()
    };
    let protected = of(|stack| stack.spec.guards.protect.is_some());
    allow(into, "ProtectStacks", &["cloudformation:UpdateTerminationProtection"], protected, Vec::new());
    let policies = of(|stack| {
        let guards = &stack.spec.guards;
        guards.stack_policy.is_some() || guards.protect.as_ref().is_some_and(|protect| protect.replace)
    });
    allow(into, "SetStackPolicies", &["cloudformation:SetStackPolicy"], policies, Vec::new());
}

/// The roles that CloudFormation acts in.
fn pass_roles(into: &mut Vec<Statement>, here: &Here<'_>, wanted: &Wanted, managed: &[&StackHere<'_>]) {
    if !wanted.purposes.iter().any(|purpose| purpose.works_out()) {
        return;
    }
    let roles = managed.iter().filter_map(|stack| stack.spec.guards.service_role.as_ref());
    let any = || format!("arn:{}:iam::{}:role/*", here.facts.partition(), here.id);
    let roles: Vec<String> =
        roles.map(|role| role.literal().and_then(|role| role.as_str()).map_or_else(any, str::to_owned)).collect();
    let service = vec!["cloudformation.amazonaws.com".to_owned()];
    let to = Condition::new(Operator::StringEquals, "iam:PassedToService", service);
    allow(into, "PassServiceRoles", &["iam:PassRole"], roles, vec![to]);
}
