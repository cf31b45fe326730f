//! Which resources hold a stack up, and the flags by which the user can let it go on without them.

use crate::aws::{Regional, Stack, StackResource};
use crate::event::Failure;
use crate::ids::NodeId;

/// How many resources a message names before it counts the rest.
const NAMED: usize = 10;

/// The failure with all resources that hold the stack up, and with the flags that name them, where there are such flags.
pub(in super::super) async fn with_flags(
    regional: &Regional,
    node: &NodeId,
    stack: &Stack,
    failure: Failure,
) -> Failure {
    let wanted = match stack.status.as_str() {
        "UPDATE_ROLLBACK_FAILED" => "UPDATE_FAILED",
        "DELETE_FAILED" => "DELETE_FAILED",
        _ => return failure,
    };
    let holding = match regional.stack_resources(&stack.id).await {
        Ok(resources) => resources.into_iter().filter(|resource| is_stuck(resource, wanted)).collect::<Vec<_>>(),
        Err(error) => {
            regional.passes_over(&error, "which resources hold the stack up is not known");
            return failure;
        }
    };
    told(node, wanted, &holding, failure)
}

/// Whether a resource has failed by itself. One that was only broken off cannot be passed over.
fn is_stuck(resource: &StackResource, status: &str) -> bool {
    let reason = resource.reason.to_ascii_lowercase();
    resource.status == status && !reason.contains("cancelled") && !reason.contains("canceled")
}

fn told(node: &NodeId, status: &str, stuck: &[StackResource], mut failure: Failure) -> Failure {
    if stuck.is_empty() {
        return failure;
    }
    let causes: Vec<String> = stuck
        .iter()
        .take(NAMED)
        .map(|resource| {
            let reason = if resource.reason.is_empty() { "no reason is given" } else { &resource.reason };
            format!("{} ({}): {reason}", resource.name, resource.kind)
        })
        .collect();
    failure.cause = causes.join("; ");
    if stuck.len() > NAMED {
        failure.cause = format!("{}; and {} more", failure.cause, stuck.len() - NAMED);
    }
    let flags = |flag: &str| {
        let flags: Vec<String> = stuck.iter().map(|resource| format!("{flag} '{node}:{}'", resource.name)).collect();
        flags.join(" ")
    };
    if status == "UPDATE_FAILED" {
        failure.help(format!(
            "or have the rollback pass over what cannot be undone, and put that right afterwards: orch apply with `{}`",
            flags("--skip-resource")
        ))
    } else {
        failure.help(format!(
            "or leave behind in the account what cannot be deleted: orch destroy with `{}`, or with `--force` for whatever it is",
            flags("--retain")
        ))
    }
}

/// Holds that the stack has the resources that a flag names.
///
/// # Errors
///
/// It does not, or cannot be asked: a name that is mistyped must not pass for one that is not needed.
pub(in super::super) async fn among(
    regional: &Regional,
    stack: &Stack,
    flag: &str,
    named: &[String],
) -> Result<(), Failure> {
    if named.is_empty() {
        return Ok(());
    }
    let resources = regional.stack_resources(&stack.id).await?;
    // A resource of a nested stack is named with its stack before it, and only CloudFormation knows it.
    let unknown = named.iter().find(|name| !name.contains('.') && resources.iter().all(|own| own.name != **name));
    let Some(unknown) = unknown else { return Ok(()) };
    let failed: Vec<&str> =
        resources.iter().filter(|own| own.status.ends_with("_FAILED")).map(|own| own.name.as_str()).collect();
    let known = if failed.is_empty() {
        "none of its resources has failed".to_owned()
    } else {
        format!("those of its resources that have failed: {}", failed.join(", "))
    };
    Err(Failure::new(format!("stack {} has no resource {unknown}", stack.name), known)
        .help(format!("correct {flag}, which takes a resource's name in the template")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(name: &str, status: &str, reason: &str) -> StackResource {
        StackResource {
            name: name.to_owned(),
            kind: "AWS::EC2::VPC".to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            id: String::new(),
            drift: "NOT_CHECKED".to_owned(),
        }
    }

    #[test]
    fn what_was_only_broken_off_is_not_named() {
        assert!(is_stuck(&resource("A", "UPDATE_FAILED", "Not today."), "UPDATE_FAILED"));
        assert!(!is_stuck(&resource("A", "UPDATE_FAILED", "Resource update cancelled"), "UPDATE_FAILED"));
        assert!(!is_stuck(&resource("A", "UPDATE_COMPLETE", ""), "UPDATE_FAILED"));
    }

    #[test]
    fn every_resource_is_named_with_the_very_flag() {
        let node = "stacks.spoke[dev]".parse().unwrap();
        let stuck = [resource("A", "UPDATE_FAILED", "Not today."), resource("B", "UPDATE_FAILED", "")];
        let failure = told(&node, "UPDATE_FAILED", &stuck, Failure::new("stuck", "the first"));
        assert_eq!(failure.cause, "A (AWS::EC2::VPC): Not today.; B (AWS::EC2::VPC): no reason is given");
        let flags = "`--skip-resource 'stacks.spoke[dev]:A' --skip-resource 'stacks.spoke[dev]:B'`";
        assert!(failure.help[0].contains(flags), "{:?}", failure.help);
        let failure = told(&node, "DELETE_FAILED", &stuck[..1], Failure::new("stuck", "the first"));
        assert!(failure.help[0].contains("`--retain 'stacks.spoke[dev]:A'`"), "{:?}", failure.help);
        assert_eq!(told(&node, "DELETE_FAILED", &[], Failure::new("stuck", "the first")).cause, "the first");
        let many: Vec<StackResource> = (0..12).map(|n| resource(&format!("R{n}"), "DELETE_FAILED", "no")).collect();
        assert!(told(&node, "DELETE_FAILED", &many, Failure::default()).cause.ends_with("; and 2 more"));
    }
}
