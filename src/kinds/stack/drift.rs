//! What has drifted of a stack.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::secrets::Secrets;
use crate::aws::{self, CallError, Class, Regional, Stack};
use crate::event::{Difference, Drift, Failure, Fate, Incomparable, PropertyDrift, ResourceDrift, Verdict};

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
///
/// What `sensitive` parameters reach is not shown.
pub async fn drift(
    regional: &Regional,
    stack: &Stack,
    sensitive: &BTreeSet<String>,
    among: usize,
) -> Result<Drift, Failure> {
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
    let found = current(&detection, regional.resource_drifts(&stack.id).await?);
    let resources = regional.stack_resources(&stack.id).await?;
    let secrets = if found.iter().any(has_drifted) {
        Secrets::of_marked(stack, &regional.known_template(stack).await?, sensitive)
    } else {
        Secrets::None
    };
    Ok(gathered(stack.status.as_str(), detection, found, resources, &secrets))
}

fn has_drifted(found: &aws::ResourceDrift) -> bool {
    matches!(found.status.as_str(), "MODIFIED" | "DELETED")
}

/// What one look has found. After one that has failed CloudFormation goes on telling what an earlier one had found of the
/// resources that it could not read: nothing is known of those.
fn current(detection: &aws::Detection, mut found: Vec<aws::ResourceDrift>) -> Vec<aws::ResourceDrift> {
    let seconds = |millis: Option<i64>| millis.map(|millis| millis.div_euclid(1000));
    if let Some(began) = seconds(detection.began).filter(|_| failed(detection)) {
        for old in found.iter_mut().filter(|one| seconds(one.at).is_some_and(|at| at < began)) {
            "UNKNOWN".clone_into(&mut old.status);
            old.reason = Some("this look has not reached it".to_owned());
            old.differences.clear();
        }
    }
    found
}

/// Whether a look has ended without reading everything.
fn failed(detection: &aws::Detection) -> bool {
    detection.status != "DETECTION_COMPLETE"
}

/// What the look at a stack comes to.
fn gathered(
    status: &str,
    detection: aws::Detection,
    found: Vec<aws::ResourceDrift>,
    resources: Vec<aws::StackResource>,
    secrets: &Secrets,
) -> Drift {
    let failed = failed(&detection);
    let verdict = match (found.iter().any(has_drifted), failed) {
        (true, _) => Verdict::Drifted,
        (false, true) => Verdict::Unchecked,
        (false, false) => Verdict::InSync,
    };
    let mut drift = Drift { partial: failed, ..Drift::new(verdict, status) };
    drift.in_sync = Some(found.iter().filter(|one| one.status == "IN_SYNC").count());
    drift.resources = found.into_iter().filter_map(|one| resource(one, secrets)).collect();
    let incomparable = resources
        .into_iter()
        .filter(|one| one.is_incomparable() && drift.resources.iter().all(|own| own.resource != one.name));
    drift.incomparable = incomparable.map(|one| Incomparable { resource: one.name, kind: one.kind }).collect();
    if failed {
        drift.notes.push(detection.reason.unwrap_or(detection.status));
    }
    drift
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
        // What is not compared is told by type.
        "IN_SYNC" | "NOT_CHECKED" | "UNSUPPORTED" => return None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_has_failed_is_partial_whatever_it_has_found_and_tells_nothing_old() {
        let detection = |status: &str| aws::Detection {
            status: status.to_owned(),
            reason: Some("Failed to detect drift on resources [Table]".to_owned()),
            began: Some(60_900),
        };
        let found = |name: &str, status: &str, at: i64| aws::ResourceDrift {
            resource: name.to_owned(),
            kind: "AWS::EC2::VPC".to_owned(),
            id: None,
            status: status.to_owned(),
            at: Some(at),
            reason: None,
            differences: Vec::new(),
            expected: None,
        };
        let told = |status: &str, found: Vec<aws::ResourceDrift>| {
            let detection = detection(status);
            let found = current(&detection, found);
            gathered("CREATE_COMPLETE", detection, found, Vec::new(), &Secrets::None)
        };
        let (complete, broken) = ("DETECTION_COMPLETE", "DETECTION_FAILED");
        // Of the table there is no word: it was never read.
        let drift = told(broken, vec![found("Vpc", "MODIFIED", 61_000)]);
        assert_eq!((drift.verdict, drift.partial, drift.is_partial()), (Verdict::Drifted, true, true));
        assert_eq!(drift.notes, ["Failed to detect drift on resources [Table]"]);
        let drift = told(broken, vec![found("Vpc", "IN_SYNC", 61_000)]);
        assert_eq!((drift.verdict, drift.is_partial()), (Verdict::Unchecked, true));
        // What it was when somebody looked before is not what it is.
        let drift = told(broken, vec![found("Vpc", "IN_SYNC", 60_100), found("Table", "DELETED", 1_000)]);
        assert_eq!((drift.verdict, drift.in_sync, drift.resources.len()), (Verdict::Unchecked, Some(1), 1));
        assert_eq!(drift.resources[0].fate, Fate::Unknown);
        let drift = told(complete, vec![found("Vpc", "MODIFIED", 61_000), found("Old", "UNSUPPORTED", 61_000)]);
        assert_eq!((drift.verdict, drift.is_partial(), drift.resources.len()), (Verdict::Drifted, false, 1));
    }

    #[test]
    fn what_cloudformation_cannot_compare_is_told_by_type_and_leaves_nothing_unread() {
        let resource = |name: &str, status: &str, drift: &str| aws::StackResource {
            name: name.to_owned(),
            kind: "AWS::CloudFormation::WaitConditionHandle".to_owned(),
            status: status.to_owned(),
            reason: String::new(),
            id: String::new(),
            drift: drift.to_owned(),
        };
        let resources = vec![
            resource("Handle", "CREATE_COMPLETE", "NOT_CHECKED"),
            resource("Other", "CREATE_COMPLETE", "UNSUPPORTED"),
            resource("Gone", "DELETE_COMPLETE", "NOT_CHECKED"),
            resource("Vpc", "CREATE_COMPLETE", "IN_SYNC"),
        ];
        let detection = aws::Detection { status: "DETECTION_COMPLETE".to_owned(), reason: None, began: None };
        let drift = gathered("CREATE_COMPLETE", detection, Vec::new(), resources, &Secrets::None);
        let names: Vec<&str> = drift.incomparable.iter().map(|one| one.resource.as_str()).collect();
        assert_eq!((names.as_slice(), drift.is_partial()), (["Handle", "Other"].as_slice(), false));
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
