//! What has drifted of a stack.

use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::Wanted;
use super::compare::HIDDEN;
use super::secrets::Secrets;
use crate::aws::{self, CallError, Class, Regional, Stack};
use crate::event::{Difference, Drift, Failure, Fate, Incomparable, PropertyDrift, ResourceDrift, Verdict};
use crate::preview::{PropertyChange, ResourceChange};

/// How long CloudFormation may look; it says minutes for a large stack.
const LOOKING_AT_MOST: Duration = Duration::from_mins(30);

/// How long somebody else's look is waited for before another one is begun.
const OTHERS_AT_MOST: Duration = Duration::from_mins(10);

/// How many questions a second are asked about all looks in one account and region: CloudFormation answers a few.
const A_SECOND: usize = 4;

/// Has CloudFormation look for drift in a stack, and waits for what it finds. That changes nothing of the stack. `among`
/// is how many stacks are looked at in the same account and region.
///
/// # Errors
///
/// It cannot be asked, or does not come to an end.
pub async fn drift(regional: &Regional, stack: &Stack, among: usize) -> Result<Drift, Failure> {
    let id = match begun(regional, stack, among).await {
        Ok(id) => id,
        Err(error) if error.class == Class::NotFound => return Ok(Drift::new(Verdict::Missing, "not there")),
        // A request that names a stack and nothing else can only be wrong about the state that the stack is in.
        Err(error) if error.is("ValidationError") => {
            let mut drift = Drift::new(Verdict::Unchecked, stack.status.as_str());
            drift.notes.push(error.message);
            return Ok(drift);
        }
        Err(error) => return Err(error.into()),
    };
    let detection = ended(regional, stack, &id, among).await?;
    let found = regional.resource_drifts(&stack.id).await?;
    let unchecked = regional.unchecked_resources(&stack.id).await?;
    let has_drifted = found.iter().any(|one| matches!(one.status.as_str(), "MODIFIED" | "DELETED"));
    let failed = detection.status != "DETECTION_COMPLETE";
    let verdict = match (has_drifted, failed) {
        (true, _) => Verdict::Drifted,
        (false, true) => Verdict::Unchecked,
        (false, false) => Verdict::InSync,
    };
    let secrets = if has_drifted { Secrets::of(stack, &regional.known_template(stack).await?) } else { Secrets::None };
    let mut drift = Drift::new(verdict, stack.status.as_str());
    drift.in_sync = Some(found.iter().filter(|one| one.status == "IN_SYNC").count());
    drift.resources = found.into_iter().filter_map(|one| resource(one, &secrets)).collect();
    let incomparable =
        unchecked.into_iter().filter(|one| drift.resources.iter().all(|own| own.resource != one.resource));
    drift.incomparable = incomparable.map(|one| Incomparable { resource: one.resource, kind: one.kind }).collect();
    if failed {
        drift.notes.push(detection.reason.unwrap_or(detection.status));
    }
    Ok(drift)
}

/// Begins a look, after somebody else's if one is under way: what that finds may be older than the question.
async fn begun(regional: &Regional, stack: &Stack, among: usize) -> Result<String, CallError> {
    let began = Instant::now();
    loop {
        match regional.detect_drift(&stack.id).await {
            Err(error) if error.message.contains("already in progress") && began.elapsed() < OTHERS_AT_MOST => {
                tracing::info!(stack = stack.name, "somebody else's look for drift is under way: waiting for its end");
                tokio::time::sleep(pause(began.elapsed(), among)).await;
            }
            answer => return answer,
        }
    }
}

/// Waits until a look has ended.
async fn ended(regional: &Regional, stack: &Stack, id: &str, among: usize) -> Result<aws::Detection, Failure> {
    let began = Instant::now();
    loop {
        let detection = regional.detection(id).await?;
        if !detection.is_in_progress() {
            return Ok(detection);
        }
        if began.elapsed() > LOOKING_AT_MOST {
            let minutes = LOOKING_AT_MOST.as_secs() / 60;
            return Err(Failure::new(
                format!("the look for drift in stack {} does not come to an end", stack.name),
                format!("it is under way for more than {minutes} minutes"),
            )
            .help("see the stack's drift in the console, then run again"));
        }
        tokio::time::sleep(pause(began.elapsed(), among)).await;
    }
}

/// How long to wait before asking again: all stacks are waited for at once.
fn pause(waited: Duration, among: usize) -> Duration {
    let turn = Duration::from_secs((among / A_SECOND) as u64);
    (waited / 4).clamp(Duration::from_secs(2), Duration::from_secs(15)).max(turn)
}

/// A resource that has drifted, or could not be read; `None` for one that is as it was deployed.
fn resource(found: aws::ResourceDrift, secrets: &Secrets) -> Option<ResourceDrift> {
    let fate = match found.status.as_str() {
        "MODIFIED" => Fate::Modified,
        "DELETED" => Fate::Deleted,
        "IN_SYNC" | "NOT_CHECKED" => return None,
        _ => Fate::Unknown,
    };
    let expected = found.expected.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let differences = found.differences.into_iter();
    let properties = differences.map(|one| property(one, &expected, secrets, &found.resource)).collect();
    Some(ResourceDrift {
        kind: found.kind,
        id: found.id,
        fate,
        reason: found.reason,
        properties,
        resource: found.resource,
    })
}

fn property(found: aws::PropertyDrift, expected: &Json, secrets: &Secrets, resource: &str) -> PropertyDrift {
    let path = found.path.trim_start_matches('/').to_owned();
    let hidden = secrets.reach(resource, path.split('/').next().unwrap_or_default());
    let difference = match found.difference.as_str() {
        "ADD" => Difference::Added,
        "REMOVE" => Difference::Removed,
        _ => Difference::Changed,
    };
    // CloudFormation writes `null` for the side that is not there.
    let told = |value: Option<String>, absent: bool| value.filter(|_| !hidden && !absent);
    PropertyDrift {
        key: key(&path, expected).filter(|_| !hidden),
        path,
        difference,
        expected: told(found.expected, difference == Difference::Added),
        actual: told(found.actual, difference == Difference::Removed),
        hidden,
    }
}

/// The key of the tag whose value is at a path: `Tags/0/Value`.
fn key(path: &str, properties: &Json) -> Option<String> {
    let tag = properties.pointer(&format!("/{}", path.strip_suffix("/Value")?))?;
    tag.get("Key")?.as_str().map(str::to_owned)
}

/// Hides in what a change set that looks at drift tells whatever a secret has a hand in, of the stack as it was made or of
/// what is wanted.
pub(super) fn hide(changes: &mut [ResourceChange], stack: &Stack, template: &str, wanted: &Wanted) {
    let secrets = [Secrets::of(stack, template), Secrets::declared(&wanted.template)];
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
    fn many_looks_in_one_place_are_asked_about_more_slowly() {
        let seconds = |waited, among| pause(Duration::from_secs(waited), among).as_secs();
        assert_eq!([seconds(0, 1), seconds(20, 1), seconds(600, 1)], [2, 5, 15]);
        assert_eq!([seconds(0, 40), seconds(600, 40), seconds(600, 400)], [10, 15, 100]);
    }

    #[test]
    fn the_side_that_is_not_there_has_no_value() {
        let told = |difference: &str| {
            let (expected, actual) = (Some("a".to_owned()), Some("b".to_owned()));
            let found =
                aws::PropertyDrift { path: "/Tags/0".to_owned(), expected, actual, difference: difference.to_owned() };
            let told = property(found, &Json::Null, &Secrets::None, "Vpc");
            (told.path, told.expected, told.actual)
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(told("ADD"), ("Tags/0".to_owned(), None, text("b")));
        assert_eq!(told("REMOVE"), ("Tags/0".to_owned(), text("a"), None));
        assert_eq!(told("NOT_EQUAL"), ("Tags/0".to_owned(), text("a"), text("b")));
    }

    #[test]
    fn a_tag_is_told_with_its_key_unless_that_is_secret() {
        let expected = serde_json::json!({"Tags": [{"Key": "Name", "Value": "a"}], "CidrBlock": "10.0.0.0/16"});
        let told = |path: &str, secrets: &Secrets| {
            let found = aws::PropertyDrift {
                path: path.to_owned(),
                expected: Some("a".to_owned()),
                actual: Some("b".to_owned()),
                difference: "NOT_EQUAL".to_owned(),
            };
            property(found, &expected, secrets, "Vpc").key
        };
        assert_eq!(told("/Tags/0/Value", &Secrets::None).as_deref(), Some("Name"));
        let none = ["/Tags/1/Value", "/Tags/0", "/CidrBlock"].map(|path| told(path, &Secrets::None));
        assert_eq!((none, told("/Tags/0/Value", &Secrets::Anywhere)), ([None, None, None], None));
    }
}
