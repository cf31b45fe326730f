//! What guards a stack from harm: protection from deletion, and the policy that its updates are held against.
//!
//! Both stay in force at AWS when the plan says nothing of them any more, so they are written where the plan changes
//! them, and what a change set would do is held against them before it is executed.

use std::path::PathBuf;

use super::super::expected::known_settings;
use super::super::lost::insist;
use super::super::{Change, Done, Expected, Failure, Progress, Regional, Step};
use super::{Wanted, settings};
use crate::aws::{CallError, Class, Settings, Stack};
use crate::cfn::{Deed, Denial, StackPolicy};
use crate::preview::{Difference, Effect, ResourceChange, Shown};

/// What guards a stack, and how it is carried out. What is `None` is left as it is at AWS. `V` is what values are known
/// as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guards<V = String> {
    /// From what the plan protects it.
    pub protect: Option<Protect>,
    /// The plan's own stack policy for it.
    pub policy: Option<Policy>,
    /// Its alarms, topics and role, and how it is made and changed.
    pub settings: Settings<V>,
}

impl<V> Default for Guards<V> {
    fn default() -> Self {
        Self { protect: None, policy: None, settings: Settings::default() }
    }
}

/// From what a plan protects a stack: exactly this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protect {
    /// Whether it may not be deleted.
    pub delete: bool,
    /// Whether none of its resources may be replaced or taken out of it.
    pub replace: bool,
    /// Where the plan says so: `plans/us-east-1.toml:14:11`.
    pub place: String,
}

/// A stack policy of the plan's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its text.
    pub text: String,
    /// Where the text came from; for messages.
    pub path: PathBuf,
    /// Where the plan names it.
    pub place: String,
}

impl Guards<Expected> {
    /// What is known of them.
    pub(super) fn known(&self) -> Guards {
        Guards { protect: self.protect.clone(), policy: self.policy.clone(), settings: known_settings(&self.settings) }
    }
}

/// The policy that keeps a stack's resources from being replaced or taken out of it.
pub(super) const NO_REPLACEMENT: &str = r#"{"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"},{"Effect":"Deny","Action":["Update:Replace","Update:Delete"],"Principal":"*","Resource":"*"}]}"#;

/// The policy that takes another one's place, since a stack that had one always has one.
pub(super) const ALLOW_ALL: &str =
    r#"{"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"}]}"#;

impl<V> Guards<V> {
    /// Whether the plan says anything about the stack's policy.
    fn speak_of_the_policy(&self) -> bool {
        self.protect.is_some() || self.policy.is_some()
    }

    /// The policy that the stack is to have; `None` if the live one, or none, may stay.
    fn policy(&self, live: Option<&str>) -> Option<&str> {
        if let Some(policy) = &self.policy {
            return Some(&policy.text);
        }
        let protect = self.protect.as_ref()?;
        if protect.replace {
            return Some(NO_REPLACEMENT);
        }
        // Without "delete" nothing is protected, whoever gave the stack its policy; with it, only what this plan's kind
        // of protection has left is taken away.
        let goes = live.is_some_and(|live| !protect.delete || same(live, NO_REPLACEMENT));
        goes.then_some(ALLOW_ALL)
    }

    /// What the policy is called in a preview.
    fn called(&self, policy: &str) -> String {
        match &self.policy {
            _ if same(policy, NO_REPLACEMENT) => "no replacement, no removal".to_owned(),
            _ if same(policy, ALLOW_ALL) => "everything allowed".to_owned(),
            Some(own) if same(policy, &own.text) => own.path.display().to_string(),
            _ => "another".to_owned(),
        }
    }
}

/// Whether two policies are the same document.
fn same(one: &str, other: &str) -> bool {
    let read = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || read(one).is_some_and(|read_one| Some(read_one) == read(other))
}

/// The live policy of a stack, which is asked for only where the plan says something about it.
///
/// # Errors
///
/// It cannot be read.
pub(super) async fn live_policy<V>(
    regional: &Regional,
    guards: &Guards<V>,
    stack: &Stack,
) -> Result<Option<String>, CallError> {
    if guards.speak_of_the_policy() { regional.stack_policy(&stack.id).await } else { Ok(None) }
}

/// The live policy of a stack that something is to be changed in: it is in force whether or not the plan speaks of it.
///
/// # Errors
///
/// It cannot be read although the plan speaks of it. Where it does not, a role that may not read it may still update.
pub(super) async fn policy_in_force(
    regional: &Regional,
    guards: &Guards,
    stack: &Stack,
    changes: &[ResourceChange],
) -> Result<Option<String>, CallError> {
    if !guards.speak_of_the_policy() && !changes.iter().any(|change| deed(change.effect).is_some()) {
        return Ok(None);
    }
    match regional.stack_policy(&stack.id).await {
        Err(error) if error.class == Class::Denied && !guards.speak_of_the_policy() => {
            regional.passes_over(&error, "whether the stack has a policy is not known");
            Ok(None)
        }
        answer => answer,
    }
}

/// What is to be written to a stack besides what a change set does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Guarding {
    /// Its protection from deletion, where that changes.
    protection: Option<bool>,
    /// Its policy, where that changes, and what the two are called.
    policy: Option<(String, Difference)>,
}

/// Decides what is to be written, by what is live.
pub(super) fn decide<V>(guards: &Guards<V>, protected: bool, live: Option<&str>) -> Guarding {
    let protection = guards.protect.as_ref().map(|protect| protect.delete).filter(|wanted| *wanted != protected);
    let policy = guards.policy(live).filter(|wanted| !live.is_some_and(|live| same(live, wanted)));
    let policy = policy.map(|wanted| {
        let before = live.map(|live| Shown::Text(guards.called(live)));
        let after = Some(Shown::Text(guards.called(wanted)));
        (wanted.to_owned(), Difference { name: "stack policy".to_owned(), before, after })
    });
    Guarding { protection, policy }
}

impl Guarding {
    /// Whether everything is as it should be.
    pub(super) fn is_nothing(&self) -> bool {
        self.protection.is_none() && self.policy.is_none()
    }

    /// What would be written, as a preview tells it.
    pub(super) fn differences(&self) -> Vec<Difference> {
        let word = |on: bool| Some(Shown::Text(if on { "on" } else { "off" }.to_owned()));
        let protection = self.protection.map(|on| Difference {
            name: "protection from deletion".to_owned(),
            before: word(!on),
            after: word(on),
        });
        protection.into_iter().chain(self.policy.iter().map(|(_, difference)| difference.clone())).collect()
    }

    /// The policy, if it is to be written before an update: one that names a resource which the update adds is not taken
    /// before that is there.
    pub(super) fn take_policy(&mut self, changes: &[ResourceChange]) -> Self {
        if self.policy.as_ref().is_some_and(|(policy, _)| waits(policy, changes)) {
            return Self::default();
        }
        Self { protection: None, policy: self.policy.take() }
    }

    /// Writes it, and says what was written.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(super) async fn write(
        &self,
        regional: &Regional,
        wanted: &Wanted,
        stack: &str,
        progress: Progress<'_>,
    ) -> Result<Vec<String>, Failure> {
        if let Some((policy, _)) = &self.policy {
            progress(Step { what: &wanted.name, status: "SetStackPolicy", reason: None, event: None });
            match insist(|| regional.set_stack_policy(stack, policy)).await {
                Err(error) if error.is("ValidationError") => return Err(not_taken(wanted, error)),
                answer => answer?,
            }
        }
        if let Some(on) = self.protection {
            progress(Step { what: &wanted.name, status: "UpdateTerminationProtection", reason: None, event: None });
            insist(|| regional.protect_from_deletion(stack, on)).await?;
        }
        Ok(self.differences().iter().map(settings::line).collect())
    }
}

/// Whether a policy can only be written after an update: it names a resource that the update adds.
fn waits(policy: &str, changes: &[ResourceChange]) -> bool {
    let is_added = |id: &str| changes.iter().any(|change| change.effect == Effect::Add && change.resource == id);
    StackPolicy::read(policy).is_ok_and(|policy| policy.named().any(|(_, id)| is_added(id)))
}

/// CloudFormation does not take the plan's policy.
fn not_taken(wanted: &Wanted, error: CallError) -> Failure {
    let Some(policy) = &wanted.guards.policy else { return error.into() };
    let summary = format!("CloudFormation refuses stack policy {}", policy.path.display());
    let mut failure = Failure::new(summary, error.message).at(policy.place.clone());
    failure.request_id = error.request_id.map(Into::into);
    failure.help(format!("correct {} and run again", policy.path.display()))
}

/// Writes what guards a stack that a change set has nothing to do at, and tells of it.
///
/// # Errors
///
/// It cannot be read or written.
pub(super) async fn settled(
    regional: &Regional,
    wanted: &Wanted,
    stack: &Stack,
    mut done: Done,
    progress: Progress<'_>,
) -> Result<Done, Failure> {
    let policy = live_policy(regional, &wanted.guards, stack).await?;
    let guarding = decide(&wanted.guards, stack.termination_protection, policy.as_deref());
    if guarding.is_nothing() {
        return Ok(done);
    }
    let told = guarding.write(regional, wanted, &stack.id, progress).await?;
    if done.change == Change::Unchanged {
        done.change = Change::Updated;
    }
    done.details.extend(told);
    Ok(done)
}

/// What a policy calls it; `None` for what no policy is about.
fn deed(effect: Effect) -> Option<Deed> {
    match effect {
        // What was deleted by hand is lost already, and what is taken as it is is not touched.
        Effect::Add | Effect::Import | Effect::Restore | Effect::Sync => None,
        Effect::Modify => Some(Deed::Modify),
        // Of what is not certain the worst may come.
        Effect::MayReplace | Effect::Replace | Effect::Unknown => Some(Deed::Replace),
        Effect::Remove | Effect::Leave => Some(Deed::Delete),
    }
}

/// How many resources a message names before it counts the rest.
const NAMED: usize = 5;

/// Why a change set must not be executed, if it must not: the plan protects the stack from it, or the policy that the
/// stack is to have does not let it pass, which CloudFormation would say half-way.
pub(super) fn refusal(wanted: &Wanted, live: Option<&str>, changes: &[ResourceChange]) -> Option<Failure> {
    let guards = &wanted.guards;
    if let Some(protect) = guards.protect.as_ref().filter(|protect| protect.replace) {
        let all = changes.iter().flat_map(ResourceChange::all);
        let lost: Vec<String> = all
            .filter(|change| matches!(deed(change.effect), Some(Deed::Replace | Deed::Delete)))
            .map(|change| format!("{} ({}) {}", change.resource, change.kind, fate(change)))
            .collect();
        if lost.is_empty() {
            return None;
        }
        let summary = format!("stack {} is protected from the replacement and removal of its resources", wanted.name);
        return Some(Failure::new(summary, named(&lost)).at(protect.place.clone()).help(
            "if that is meant, take \"replace\" out of `protect` in this plan and apply; the plan can protect the stack again afterwards",
        ));
    }
    let next = guards.policy(live).or(live)?;
    let mut refused = denied(next, changes);
    let in_the_way = live.filter(|live| refused.is_empty() && !same(live, next) && waits(next, changes));
    if let Some(live) = in_the_way {
        refused = denied(live, changes);
    }
    if refused.is_empty() {
        return None;
    }
    if in_the_way.is_some() {
        let summary = format!("the policy that stack {} still has does not allow this update", wanted.name);
        return Some(Failure::new(summary, named(&refused)).help(
            "the plan's policy names a resource that the update adds, so it can only be written after it: apply a policy first that allows the update and does not name the resource",
        ));
    }
    let failure =
        Failure::new(format!("the policy of stack {} does not allow this update", wanted.name), named(&refused));
    Some(match &guards.policy {
        Some(own) => failure.at(own.place.clone()).help(format!("if it is meant, allow it in {}", own.path.display())),
        None => failure.help(format!(
            "if it is meant, take the protection away with `protect = []` in this plan, or see `aws cloudformation get-stack-policy --stack-name {}`",
            wanted.name
        )),
    })
}

/// The changes that a policy does not let pass, each with the reason. Of one that cannot be read nothing is known.
fn denied(policy: &str, changes: &[ResourceChange]) -> Vec<String> {
    let Ok(policy) = StackPolicy::read(policy) else { return Vec::new() };
    let refused = changes.iter().filter_map(|change| {
        let deed = deed(change.effect)?;
        let by = match policy.check(deed, &change.resource, &change.kind).err()? {
            Denial::Denied(number) => format!("statement {number} denies {}", deed.as_str()),
            Denial::NotAllowed => format!("no statement allows {}", deed.as_str()),
        };
        Some(format!("{} ({}) {}: {by}", change.resource, change.kind, fate(change)))
    });
    refused.collect()
}

/// What would become of a resource, and by what.
fn fate(change: &ResourceChange) -> String {
    let what = match change.effect {
        Effect::Replace => "would be replaced",
        Effect::MayReplace => "may be replaced",
        Effect::Remove | Effect::Leave => "would be taken out of the stack",
        Effect::Unknown => "may be replaced or taken out of the stack",
        Effect::Modify | Effect::Add | Effect::Import | Effect::Restore | Effect::Sync => "would be changed",
    };
    let recreates = |path: &str| path.trim_start_matches("Properties/").to_owned();
    let by: Vec<String> = change
        .properties
        .iter()
        .filter(|property| property.recreates != crate::preview::Recreates::Never)
        .map(|property| recreates(&property.path))
        .collect();
    if by.is_empty() { what.to_owned() } else { format!("{what} by {}", by.join(", ")) }
}

fn named(all: &[String]) -> String {
    let mut text = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    if all.len() > NAMED {
        text = format!("{text}; and {} more", all.len() - NAMED);
    }
    text
}

/// Why a node must not be deleted, if it must not: the plan protects it, or its stack is protected at AWS.
pub(super) fn keeps(protect: Option<&Protect>, stack: &Stack) -> Option<Failure> {
    let name = &stack.name;
    if let Some(protect) = protect.filter(|protect| protect.delete) {
        let failure = Failure::new(format!("stack {name} is protected from deletion"), "the plan protects it");
        return Some(
            failure
                .at(protect.place.clone())
                .help("if that is meant, take \"delete\" out of `protect` and apply, then destroy it"),
        );
    }
    stack.termination_protection.then(|| protected(name))
}

/// The same of a stack that never was complete: the plan's own protection reaches a stack only once it is.
pub(super) fn protected_unfinished(name: &str) -> Failure {
    let mut failure = protected(name);
    "correct what made its creation fail and create it under another name".clone_into(&mut failure.help[0]);
    failure
}

/// A stack whose termination protection is on is not deleted.
pub(super) fn protected(name: &str) -> Failure {
    Failure::new(format!("stack {name} is protected from deletion"), "its termination protection is on")
        .help("switch it off: `protect = []` in the plan and apply")
        .help(format!(
            "or `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name {name}`"
        ))
}
