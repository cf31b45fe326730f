//! Stacks, and all that goes with them at CloudFormation.

use std::collections::BTreeSet;

use super::facts::{Here, StackHere};
use super::{Purpose, Wanted, allow, in_regions, of_plan};
use crate::iam::{Condition, Operator, Statement};
use crate::ids::Region;

/// What the names of orch's own change sets begin with, and their ARNs: AWS does not say whether it takes the name out of an
/// ARN that a call names a change set by.
const CHANGE_SETS: [&str; 4] =
    ["orch-update-*", "orch-saved-*", "arn:*:changeSet/orch-update-*", "arn:*:changeSet/orch-saved-*"];

/// A stack in a template.
const NESTED: &str = "AWS::CloudFormation::Stack";

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
    if any(Purpose::tells_failures) {
        looks.push("cloudformation:DescribeStackEvents");
    }
    if any(Purpose::makes)
        || has(Purpose::Destroy)
        || has(Purpose::Drift)
        || has(Purpose::Simulate)
        || has(Purpose::Cancel)
    {
        looks.push("cloudformation:ListStackResources");
    }
    if any(Purpose::works_out) {
        looks.push("cloudformation:GetStackPolicy");
    }
    allow(into, "ReadStacks", &looks, own.clone(), Vec::new());
    if has(Purpose::ReadOnly) && !any(Purpose::works_out) {
        allow(into, "ReadStackPolicies", &["cloudformation:GetStackPolicy"], guarded(here, &managed), Vec::new());
    }
    nested(into, here, &managed, &looks, any(Purpose::works_out));

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

    // The change sets of a stack in review may be anybody's.
    if any(Purpose::works_out) || any(Purpose::tells_failures) {
        let mut reads = vec!["cloudformation:DescribeChangeSet", "cloudformation:ListChangeSets"];
        if any(Purpose::works_out) {
            reads.push("cloudformation:DeleteChangeSet");
        }
        allow(into, "ReadChangeSets", &reads, own.clone(), Vec::new());
    }
    if any(Purpose::works_out) {
        let mut sets = vec!["cloudformation:CreateChangeSet"];
        if any(Purpose::makes) {
            sets.push("cloudformation:ExecuteChangeSet");
        }
        let named = CHANGE_SETS.map(str::to_owned).into();
        let named = Condition::new(Operator::StringLike, "cloudformation:ChangeSetName", named);
        allow(into, "WorkOutUpdates", &sets, own.clone(), vec![named]);
        // What orch makes bears its tags; these two may be held against a change set, too.
        let mut on = own.clone();
        for prefix in ["changeSet/orch-update-*", "changeSet/orch-saved-*"].into_iter().filter(|_| !own.is_empty()) {
            on.extend(here.arns("cloudformation", managed.iter().map(|stack| stack.region), prefix));
        }
        let marks = ["cloudformation:DescribeEvents", "cloudformation:TagResource"];
        allow(into, "TagAndFollow", &marks, on, Vec::new());
        transforms(into, here, &managed);
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
            let status =
                ["cloudformation:BatchDescribeTypeConfigurations", "cloudformation:DescribeStackDriftDetectionStatus"];
            allow(into, "AwaitDrift", &status, vec!["*".to_owned()], vec![regions]);
        }
    }

    let mut lists: Vec<&str> = Vec::new();
    if any(Purpose::looks_for_left) && !wanted.strict && exports(here) {
        lists.push("cloudformation:ListImports");
    }
    if has(Purpose::Simulate) && !managed.is_empty() {
        lists.push("cloudformation:ListExports");
    }
    allow(into, "SeeExports", &lists, vec!["*".to_owned()], vec![in_regions(everywhere.iter().copied())]);

    if any(Purpose::deletes_left) && !wanted.strict {
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
    // What is protected less than before gets a policy that allows all.
    let policies = guarded(here, managed);
    allow(into, "SetStackPolicies", &["cloudformation:SetStackPolicy"], policies, Vec::new());
}

/// The stacks whose policy the plan speaks of.
fn guarded(here: &Here<'_>, managed: &[&StackHere<'_>]) -> Vec<String> {
    let speaks = |stack: &&&StackHere<'_>| {
        let guards = &stack.spec.guards;
        guards.stack_policy.is_some() || guards.protect.is_some()
    };
    managed.iter().filter(speaks).map(|stack| arn(here, stack)).collect()
}

/// What is read of the stacks that templates nest, whose names begin with their parent's.
fn nested(into: &mut Vec<Statement>, here: &Here<'_>, managed: &[&StackHere<'_>], looks: &[&str], works_out: bool) {
    let nests = |stack: &&&StackHere<'_>| {
        let made = stack.documents.iter().flat_map(|document| document.resources.values());
        made.into_iter().any(|made| made.type_name == NESTED)
    };
    let name =
        |stack: &&StackHere<'_>| here.arn("cloudformation", stack.region, &format!("stack/{}-*/*", stack.spec.name));
    let parents: Vec<String> = managed.iter().filter(nests).map(name).collect();
    let mut actions = looks.to_vec();
    actions.push("cloudformation:DescribeStacks");
    if works_out {
        actions.extend(["cloudformation:DescribeChangeSet", "cloudformation:DescribeEvents"]);
    }
    allow(into, "ReadNestedStacks", &actions, parents, Vec::new());
}

/// The macros that templates are made by: CloudFormation runs them in a change set.
fn transforms(into: &mut Vec<Statement>, here: &Here<'_>, managed: &[&StackHere<'_>]) {
    let mut on = Vec::new();
    for stack in managed {
        for name in stack.documents.iter().flat_map(|document| &document.transforms) {
            let (owner, name) =
                name.strip_prefix("AWS::").map_or((here.id.as_str(), name.as_str()), |name| ("aws", name));
            let (partition, region) = (stack.region.partition(), stack.region);
            on.push(format!("arn:{partition}:cloudformation:{region}:{owner}:transform/{name}"));
        }
    }
    allow(into, "RunTransforms", &["cloudformation:CreateChangeSet"], on, Vec::new());
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
