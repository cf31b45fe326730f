//! What a change set that takes drift back tells of it, secrets aside, and what it could not look at.

use super::Wanted;
use super::compare::HIDDEN;
use super::secrets::Secrets;
use crate::aws::{self, Stack};
use crate::preview::{PropertyChange, ResourceChange};

/// What a change set that looks at drift could not look at, where there is such a thing.
pub(super) fn blind(change_set: &aws::ChangeSet) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for change in &change_set.changes {
        let aws::ResourceChange { resource, kind, .. } = change;
        match change.drift.as_deref() {
            Some("UNKNOWN") => said.push(format!(
                "CloudFormation could not read {resource} ({kind}): what of it was changed by hand is not seen"
            )),
            Some("UNSUPPORTED") => said.push(format!(
                "CloudFormation cannot compare {resource} ({kind}): what of it was changed by hand is not seen"
            )),
            _ => {}
        }
        if !change.ignored.is_empty() {
            let paths: Vec<&str> = change.ignored.iter().map(|path| path.trim_start_matches('/')).collect();
            said.push(format!("of {resource} ({kind}) CloudFormation passes over drift of {}", paths.join(", ")));
        }
    }
    if said.is_empty() && change_set.drift.as_deref() == Some("UNKNOWN") {
        said.push("CloudFormation could not tell whether anything of it was changed by hand".to_owned());
    }
    said
}

/// Hides in what a change set tells whatever a secret has a hand in, of the stack as it was made or of
/// what is wanted.
pub(super) fn hide(changes: &mut [ResourceChange], stack: &Stack, template: &str, wanted: &Wanted) {
    let secrets = [Secrets::of(stack, template), Secrets::wanted(stack, wanted)];
    let reached = |resource: &str, property: &str| secrets.iter().any(|secrets| secrets.reach(resource, property));
    for change in changes {
        // What a nested stack does with a secret that it was given, only its own template tells.
        let below = reached(&change.resource, "Parameters");
        change.nested.iter_mut().filter(|_| below).for_each(hide_all);
        for property in &mut change.properties {
            let name = property.path.trim_start_matches("Properties/").split('/').next().unwrap_or_default();
            if reached(&change.resource, name) {
                hide_values(property);
            }
        }
    }
}

fn hide_all(change: &mut ResourceChange) {
    change.properties.iter_mut().for_each(hide_values);
    change.nested.iter_mut().for_each(hide_all);
}

fn hide_values(property: &mut PropertyChange) {
    let values = [&mut property.before, &mut property.after, &mut property.deployed];
    values.into_iter().flatten().for_each(|value| HIDDEN.clone_into(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_set_that_looks_at_drift_tells_no_secret_either() {
        use super::super::decide::tests::{OURS, stack, wanted};
        use crate::preview::{Effect, Recreates};
        let template = "
Parameters: {Secret: {Type: String, NoEcho: true}}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16, Tags: [{Key: a, Value: !Ref Secret}]}}
  Below: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://a', Parameters: {Secret: !Ref Secret}}}
  Aside: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://a'}}
";
        let mut live = stack("CREATE_COMPLETE", &OURS);
        live.parameters.insert("Secret".to_owned(), aws::Parameter { value: HIDDEN.to_owned(), resolved: None });
        let text = |text: &str| Some(text.to_owned());
        let property = |path: &str| PropertyChange {
            path: path.to_owned(),
            before: text("swordfish"),
            after: None,
            recreates: Recreates::Never,
            certain: true,
            cause: None,
            deployed: text("hunter2"),
            synced: false,
        };
        let change = |resource: &str, paths: &[&str], nested: Vec<ResourceChange>| ResourceChange {
            effect: Effect::Modify,
            resource: resource.to_owned(),
            kind: "AWS::EC2::VPC".to_owned(),
            id: None,
            properties: paths.iter().map(|path| property(path)).collect(),
            nested,
        };
        let deep =
            |name: &str| change(name, &[], vec![change("Inner", &[], vec![change("Vpc", &["CidrBlock"], vec![])])]);
        let seen = |live: &Stack, made_of: &str, wanted: &Wanted| {
            let mut changes = [change("Vpc", &["Tags", "Properties/CidrBlock"], vec![]), deep("Below"), deep("Aside")];
            hide(&mut changes, live, made_of, wanted);
            let all = changes.iter().flat_map(ResourceChange::all).flat_map(|change| &change.properties);
            let told = all.map(|property| (property.before.clone(), property.after.clone(), property.deployed.clone()));
            told.collect::<Vec<_>>()
        };
        let (hidden, open) = ((text(HIDDEN), None, text(HIDDEN)), (text("swordfish"), None, text("hunter2")));
        let plain = "Resources: {Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}}";
        let expected = [hidden.clone(), open.clone(), hidden, open.clone()];
        assert_eq!(seen(&live, template, &wanted(plain)), expected);
        // What becomes secret with this very change is hidden as well.
        let before = stack("CREATE_COMPLETE", &OURS);
        assert_eq!(seen(&before, plain, &wanted(template)), expected);
        assert_eq!(seen(&before, plain, &wanted(plain)), vec![open; 4]);
    }

    #[test]
    fn what_a_change_set_could_not_look_at_is_told() {
        let change = |resource: &str, drift: &str, ignored: &[&str]| aws::ResourceChange {
            resource: resource.to_owned(),
            kind: "AWS::X::Y".to_owned(),
            drift: Some(drift.to_owned()),
            ignored: ignored.iter().map(|path| (*path).to_owned()).collect(),
            ..aws::ResourceChange::default()
        };
        let told = |drift: &str, changes: Vec<aws::ResourceChange>| {
            let (id, status, execution) = ("arn".to_owned(), "CREATE_COMPLETE".to_owned(), "AVAILABLE".to_owned());
            let drift = Some(drift.to_owned());
            blind(&aws::ChangeSet { id, status, execution, reason: String::new(), changes, drift })
        };
        assert_eq!(
            told("UNKNOWN", vec![]),
            ["CloudFormation could not tell whether anything of it was changed by hand"]
        );
        let seen = vec![change("A", "MODIFIED", &[]), change("B", "IN_SYNC", &[]), change("C", "DELETED", &[])];
        assert_eq!(told("DRIFTED", seen), [""; 0]);
        let changes = vec![
            change("A", "UNKNOWN", &[]),
            change("B", "UNSUPPORTED", &[]),
            change("C", "MODIFIED", &["/Properties/Size", "/Properties/Key"]),
        ];
        assert_eq!(
            told("UNKNOWN", changes),
            [
                "CloudFormation could not read A (AWS::X::Y): what of it was changed by hand is not seen",
                "CloudFormation cannot compare B (AWS::X::Y): what of it was changed by hand is not seen",
                "of C (AWS::X::Y) CloudFormation passes over drift of Properties/Size, Properties/Key",
            ]
        );
    }
}
