//! What has drifted of a stack.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::compare::HIDDEN;
use crate::aws::{self, CallError, Class, Regional, Stack};
use crate::cfn::{Document, Node, Target, references};
use crate::event::{Difference, Drift, Failure, Fate, Incomparable, PropertyDrift, ResourceDrift, Verdict};
use crate::preview::ResourceChange;

/// How long CloudFormation may look; it says minutes for a large stack.
const LOOKING_AT_MOST: Duration = Duration::from_mins(30);

/// How long somebody else's look is waited for before another one is begun.
const OTHERS_AT_MOST: Duration = Duration::from_mins(10);

/// Has CloudFormation look for drift in a stack, and waits for what it finds. That changes nothing of the stack.
///
/// # Errors
///
/// It cannot be asked, or does not come to an end.
pub async fn drift(regional: &Regional, stack: &Stack) -> Result<Drift, Failure> {
    let id = match begun(regional, stack).await {
        Ok(id) => id,
        Err(error) if is_in_no_state(&error) => {
            let mut drift = Drift::new(Verdict::Unchecked, stack.status.as_str());
            drift.notes.push(error.message);
            return Ok(drift);
        }
        Err(error) => return Err(error.into()),
    };
    let detection = ended(regional, stack, &id).await?;
    let found = regional.resource_drifts(&stack.id).await?;
    let unchecked = regional.unchecked_resources(&stack.id).await?;
    let has_drifted = found.iter().any(|one| matches!(one.status.as_str(), "MODIFIED" | "DELETED"));
    let failed = detection.status != "DETECTION_COMPLETE";
    let verdict = match (has_drifted, failed) {
        (true, _) => Verdict::Drifted,
        (false, true) => Verdict::Unchecked,
        (false, false) => Verdict::InSync,
    };
    let secrets = if has_drifted && Secrets::has_any(stack) {
        Secrets::of(stack, &regional.template(&stack.id).await?)
    } else {
        Secrets::None
    };
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
async fn begun(regional: &Regional, stack: &Stack) -> Result<String, CallError> {
    let began = Instant::now();
    loop {
        match regional.detect_drift(&stack.id).await {
            Err(error) if error.message.contains("already in progress") && began.elapsed() < OTHERS_AT_MOST => {
                tracing::info!(stack = stack.name, "somebody else's look for drift is under way: waiting for its end");
                tokio::time::sleep(pause(began.elapsed())).await;
            }
            answer => return answer,
        }
    }
}

/// Waits until a look has ended.
async fn ended(regional: &Regional, stack: &Stack, id: &str) -> Result<aws::Detection, Failure> {
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
        tokio::time::sleep(pause(began.elapsed())).await;
    }
}

/// How long to wait before asking again: all stacks are waited for at once, and AWS answers few questions a second.
fn pause(waited: Duration) -> Duration {
    (waited / 4).clamp(Duration::from_secs(2), Duration::from_secs(15))
}

/// Whether a look was refused because the stack is in no state for it.
fn is_in_no_state(error: &CallError) -> bool {
    error.class == Class::Other && error.message.contains("while it is in")
}

/// A resource that has drifted, or could not be read; `None` for one that is as it was deployed.
fn resource(found: aws::ResourceDrift, secrets: &Secrets) -> Option<ResourceDrift> {
    let fate = match found.status.as_str() {
        "MODIFIED" => Fate::Modified,
        "DELETED" => Fate::Deleted,
        "IN_SYNC" | "NOT_CHECKED" => return None,
        _ => Fate::Unknown,
    };
    let properties = found.differences.into_iter().map(|one| property(one, secrets, &found.resource)).collect();
    Some(ResourceDrift {
        kind: found.kind,
        id: found.id,
        fate,
        reason: found.reason,
        properties,
        resource: found.resource,
    })
}

fn property(found: aws::PropertyDrift, secrets: &Secrets, resource: &str) -> PropertyDrift {
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
        path,
        difference,
        expected: told(found.expected, difference == Difference::Added),
        actual: told(found.actual, difference == Difference::Removed),
        hidden,
    }
}

/// Hides in what a change set that looks at drift tells of live values whatever a hidden parameter has a hand in.
pub(super) fn hide(changes: &mut [ResourceChange], stack: &Stack, template: &str) {
    let secrets = Secrets::of(stack, template);
    for change in changes {
        for property in &mut change.properties {
            let name = property.path.trim_start_matches("Properties/").split('/').next().unwrap_or_default();
            if secrets.reach(&change.resource, name) {
                for value in [&mut property.before, &mut property.after, &mut property.deployed] {
                    if value.is_some() {
                        *value = Some(HIDDEN.to_owned());
                    }
                }
            }
        }
    }
}

/// Where the values of hidden parameters may be seen: CloudFormation does not say that it hides them in what it tells of
/// drift.
#[derive(Debug, PartialEq, Eq)]
enum Secrets {
    /// No parameter is hidden.
    None,
    /// In these properties: the resource's name in the template, and the property.
    In(BTreeSet<(String, String)>),
    /// The template cannot be followed: they may be anywhere.
    Anywhere,
}

impl Secrets {
    /// Whether a stack has any.
    fn has_any(stack: &Stack) -> bool {
        stack.parameters.values().any(|parameter| parameter.value == HIDDEN)
    }

    /// Those of a stack, by the template that it was made of.
    fn of(stack: &Stack, template: &str) -> Self {
        let hidden = stack.parameters.iter().filter(|(_, parameter)| parameter.value == HIDDEN);
        let hidden: BTreeSet<&str> = hidden.map(|(name, _)| name.as_str()).collect();
        if hidden.is_empty() { Self::None } else { Self::within(template, &hidden) }
    }

    fn within(template: &str, hidden: &BTreeSet<&str>) -> Self {
        let Some(document) = Document::read(template).ok().filter(|document| !document.has_macros) else {
            return Self::Anywhere;
        };
        // An attribute of a resource that was given a secret may tell it.
        let mut telling: BTreeSet<&str> = BTreeSet::new();
        loop {
            let mut found = BTreeSet::new();
            for resource in document.resources.values() {
                let properties = resource.properties.as_deref().and_then(Node::as_map).into_iter().flatten();
                for (name, entry) in properties {
                    let reached = references(&entry.node, &|_| None).into_iter().any(|found| match found.target {
                        Target::Name(name) => hidden.contains(name),
                        Target::Attribute { resource, .. } => telling.contains(resource),
                        // A condition over a secret tells it to whoever sees which way it went.
                        Target::Condition(_) | Target::Mapping(_) => false,
                    });
                    if reached {
                        found.insert((resource.id.clone(), name.to_owned()));
                    }
                }
            }
            let before = telling.len();
            let ids: BTreeSet<&String> = found.iter().map(|(id, _)| id).collect();
            telling.extend(document.resources.keys().filter(|id| ids.contains(id)).map(String::as_str));
            if telling.len() == before {
                return Self::In(found);
            }
        }
    }

    /// Whether a secret may be seen in a property.
    fn reach(&self, resource: &str, property: &str) -> bool {
        match self {
            Self::None => false,
            Self::In(found) => found.contains(&(resource.to_owned(), property.to_owned())),
            Self::Anywhere => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hidden_parameter_feeds_is_found_through_attributes_too() {
        let template = "
Parameters: {Secret: {Type: String, NoEcho: true}, Open: {Type: String}}
Resources:
  Kept: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Sub 'x-${Secret}'}}
  Shown: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Open, Tags: [{Key: a, Value: !GetAtt Kept.Value}]}}
  Named: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Open, Tags: [{Key: a, Value: !Ref Kept}]}}
";
        let secrets = Secrets::within(template, &["Secret"].into());
        let reached = |resource, property| secrets.reach(resource, property);
        assert!(reached("Kept", "Value") && reached("Shown", "Tags"));
        assert!(!reached("Kept", "Type") && !reached("Shown", "CidrBlock") && !reached("Named", "Tags"));
        assert_eq!(Secrets::within("Transform: My::Macro\nResources: {}", &["Secret"].into()), Secrets::Anywhere);
        assert_eq!(Secrets::within("{", &["Secret"].into()), Secrets::Anywhere);
    }

    #[test]
    fn a_change_set_that_looks_at_drift_tells_no_secret_either() {
        use super::super::decide::tests::{OURS, stack};
        use crate::preview::{Effect, PropertyChange, Recreates};
        let template = "
Parameters: {Secret: {Type: String, NoEcho: true}}
Resources: {Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16, Tags: [{Key: a, Value: !Ref Secret}]}}}
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
        let mut changes = [ResourceChange {
            effect: Effect::Modify,
            resource: "Vpc".to_owned(),
            kind: "AWS::EC2::VPC".to_owned(),
            id: None,
            properties: vec![property("Tags"), property("Properties/CidrBlock")],
            nested: Vec::new(),
        }];
        hide(&mut changes, &live, template);
        let [hidden, open] = changes[0].properties.as_slice() else { unreachable!() };
        assert_eq!((&hidden.before, &hidden.after, &hidden.deployed), (&text(HIDDEN), &None, &text(HIDDEN)));
        assert_eq!(open.before, text("swordfish"));
    }

    #[test]
    fn the_side_that_is_not_there_has_no_value() {
        let told = |difference: &str| {
            let (expected, actual) = (Some("a".to_owned()), Some("b".to_owned()));
            let found =
                aws::PropertyDrift { path: "/Tags/0".to_owned(), expected, actual, difference: difference.to_owned() };
            let told = property(found, &Secrets::None, "Vpc");
            (told.path, told.expected, told.actual)
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(told("ADD"), ("Tags/0".to_owned(), None, text("b")));
        assert_eq!(told("REMOVE"), ("Tags/0".to_owned(), text("a"), None));
        assert_eq!(told("NOT_EQUAL"), ("Tags/0".to_owned(), text("a"), text("b")));
    }
}
