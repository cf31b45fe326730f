//! What a run would do with a stack.

use std::path::PathBuf;

use indexmap::IndexMap;

use super::super::expected::{given, known, until};
use super::super::{Expected, Failure, Outlook, Owner, Regional};
use super::compare::{About, Comparison, Reason, compare, is_hidden};
use super::decide::{Decision, decide};
use super::token::Attempt;
use super::update::{Worked, work_out};
use super::{ChangeSets, LOOKS, Wanted, declared, differences, lasting, moved, pause, restless, ways};
use crate::aws::{self, Stack};
use crate::cfn::{self, Document};
use crate::preview::{Action, Effect, PropertyChange, Recreates, ResourceChange, Until};

/// A stack as the plan wants it, as far as its values are known before the run.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The stack's name.
    pub name: String,
    /// The template's text.
    pub template: String,
    /// Where the text came from; for messages.
    pub path: PathBuf,
    /// The parameters that the plan gives.
    pub parameters: IndexMap<String, Expected>,
    /// The tags that the plan gives.
    pub tags: IndexMap<String, Expected>,
    /// What the template is allowed to make.
    pub capabilities: Vec<String>,
    /// The node that the stack belongs to.
    pub owner: Owner,
}

/// A change set that was made for a preview: what is executed is what was shown.
#[derive(Debug)]
pub struct Prepared(pub(super) Attempt);

impl Draft {
    /// What is known of it.
    fn known(&self) -> Wanted {
        Wanted {
            name: self.name.clone(),
            template: self.template.clone(),
            path: self.path.clone(),
            parameters: known(&self.parameters),
            tags: known(&self.tags),
            capabilities: self.capabilities.clone(),
            owner: self.owner.clone(),
        }
    }

    /// What the values that are not known wait for.
    fn until(&self) -> Vec<Until> {
        until(self.parameters.values().chain(self.tags.values()))
    }
}

/// Looks at a stack and says what a run would do with it. With `change_sets`, CloudFormation is asked where only it can
/// tell; the change set waits there to be executed or deleted. Without, nothing is made at AWS.
///
/// # Errors
///
/// It would fail: says why and what to do.
pub async fn foresee(regional: &Regional, draft: &Draft, change_sets: Option<&ChangeSets>) -> Result<Outlook, Failure> {
    let wanted = draft.known();
    if wanted.template.len() > cfn::MAX_INLINE_BYTES {
        return Err(super::too_large(&wanted));
    }
    let document = Document::read(&wanted.template).ok();
    let mut attempt = Attempt::new(regional.nonce());
    let mut last = None;
    for look in 0..LOOKS {
        let live = ways::look(regional, &wanted.name).await?;
        let outlook = |action| Outlook::new(regional, &draft.owner, &draft.name, action);
        let stack = match (decide(&wanted, live.as_ref()), live) {
            (Decision::Create, _) => {
                moved::not_elsewhere(regional, &wanted.name, &draft.owner).await?;
                return Ok(made(regional, draft, document.as_ref()));
            }
            (Decision::Refuse(failure), Some(stack)) => {
                return Err(ways::with_flags(regional, &wanted.owner.node, &stack, failure).await);
            }
            (Decision::Refuse(failure), None) => return Err(failure),
            (Decision::Recreate { why }, Some(stack)) => {
                let note = format!("{}: {why}", stack.status);
                return Ok(made(regional, draft, document.as_ref()).noting([note]));
            }
            (
                Decision::Resume { why } | Decision::RollBack { why } | Decision::ContinueRollback { why },
                Some(stack),
            ) => {
                let note = format!("{}: {why}", stack.status);
                let then = "what is to be done after that will be seen then".to_owned();
                return Ok(outlook(Action::Unknown).noting([note, then]));
            }
            (Decision::Wait, Some(stack)) => {
                return Ok(outlook(Action::Unknown).noting([under_way(&stack)]));
            }
            (Decision::Compare, Some(stack)) => stack,
            (_, None) => continue,
        };
        let template = regional.template(&stack.id).await?;
        let seen =
            Seen { regional, draft, wanted: &wanted, document: document.as_ref(), stack: &stack, template: &template };
        let until = draft.until();
        if !until.is_empty() {
            return Ok(seen.half_known(until));
        }
        let reasons = match compare(&wanted, &stack, &template) {
            Comparison::Same(notes) => return Ok(seen.unchanged(notes)),
            Comparison::Different(reasons) => reasons,
        };
        let Some(change_sets) = change_sets else { return Ok(seen.unasked(reasons)) };
        match work_out(regional, &wanted, &stack, &mut attempt, change_sets).await? {
            Worked::Nothing => {
                return Ok(seen.unchanged(vec!["CloudFormation finds nothing to change".to_owned()]));
            }
            Worked::Again(failure) => last = failure.or(last),
            Worked::Out(change_set) => {
                let mut changes = Vec::with_capacity(change_set.changes.len());
                for change in change_set.changes {
                    changes.push(with_nested(regional, change, 0).await?);
                }
                let mut outlook = seen.changed(changes, reasons);
                outlook.prepared = Some(Prepared(attempt));
                return Ok(outlook);
            }
        }
        tokio::time::sleep(pause(look)).await;
    }
    Err(last.unwrap_or_else(|| restless(&wanted.name)))
}

/// Looks at a stack that the run only reads. One that is under way is not waited for: the run will do that.
///
/// # Errors
///
/// As for [`find`](super::find).
pub async fn foresee_reading(
    regional: &Regional,
    name: &str,
    owner: &Owner,
    managed: bool,
) -> Result<Option<Outlook>, Failure> {
    if let Some(stack) = regional.stack(name).await?.filter(|stack| !stack.status.is_settled()) {
        return Ok(Some(Outlook::new(regional, owner, name, Action::Unknown).noting([under_way(&stack)])));
    }
    let found = super::find(regional, name, Some(owner).filter(|_| managed), &|_| {}).await?;
    Ok(found.map(|found| Outlook::read(regional, owner, name, Some(found))))
}

fn under_way(stack: &Stack) -> String {
    format!("it is in {}: what is to be done will be seen once that has ended", stack.status)
}

/// How deep nested stacks are looked into.
const DEEPEST: u8 = 8;

/// A change with those of the nested stack that it is about.
async fn with_nested(regional: &Regional, change: aws::ResourceChange, depth: u8) -> Result<ResourceChange, Failure> {
    let mut shown = shown(&change);
    if let Some(id) = change.change_set.as_ref().filter(|_| depth < DEEPEST) {
        let name = change.id.as_deref().unwrap_or(id);
        for nested in regional.change_set(name, id).await?.changes {
            shown.nested.push(Box::pin(with_nested(regional, nested, depth + 1)).await?);
        }
    }
    Ok(shown)
}

/// A stack that is not there.
fn made(regional: &Regional, draft: &Draft, document: Option<&Document>) -> Outlook {
    let mut outlook = Outlook::new(regional, &draft.owner, &draft.name, Action::Create).until(draft.until());
    outlook.foreseen.parameters = given(&draft.parameters, |name| is_hidden(document, name));
    outlook.foreseen.tags = given(&draft.tags, |_| false);
    match document {
        Some(document) => {
            let declared = declared::Declared::new(regional, draft, document);
            outlook.foreseen.resources = declared.resources();
            outlook.outputs = declared.outputs();
            if document.has_macros {
                outlook
                    .foreseen
                    .notes
                    .push("macros have a hand in the template, so other resources may be made".to_owned());
            }
        }
        None => outlook.foreseen.notes.push("the template can only be read by CloudFormation".to_owned()),
    }
    outlook
}

/// A stack of ours that stands.
struct Seen<'a> {
    regional: &'a Regional,
    draft: &'a Draft,
    wanted: &'a Wanted,
    document: Option<&'a Document>,
    stack: &'a Stack,
    template: &'a str,
}

impl Seen<'_> {
    fn outlook(&self, action: Action) -> Outlook {
        let mut outlook = Outlook::new(self.regional, &self.draft.owner, &self.draft.name, action);
        outlook.id = Some(self.stack.id.clone());
        outlook
    }

    /// It is as it should be.
    fn unchanged(&self, notes: Vec<String>) -> Outlook {
        let mut outlook = self.outlook(Action::Nothing).noting(notes);
        outlook.outputs.clone_from(&self.stack.outputs);
        outlook
    }

    /// An outlook with the parameters and tags that differ.
    fn differing(&self, action: Action) -> Outlook {
        let mut outlook = self.outlook(action);
        outlook.foreseen.parameters = differences::parameters(self.draft, self.stack, self.document);
        outlook.foreseen.tags = differences::tags(self.draft, self.stack);
        outlook
    }

    /// Some of its values only the run will tell.
    fn half_known(&self, until: Vec<Until>) -> Outlook {
        let outlook = self.differing(Action::Unknown).until(until);
        let differs = cfn::compare(&self.wanted.template, self.template) == cfn::Comparison::Different;
        outlook.noting(differs.then(|| "the template differs".to_owned()))
    }

    /// It differs, or may, and CloudFormation is not to be asked.
    fn unasked(&self, reasons: Vec<Reason>) -> Outlook {
        let is_sure = reasons.iter().any(|reason| reason.about != About::Doubt);
        let outlook = self.differing(if is_sure { Action::Update } else { Action::Unknown });
        // What differs by its value is told with it.
        let told = reasons.into_iter().filter(|reason| reason.about != About::Value).map(|reason| reason.text);
        let note = "no change set was made, so what becomes of its resources is not known";
        outlook.noting(told).noting([note.to_owned()])
    }

    /// It differs, and this is what CloudFormation would do about it.
    fn changed(&self, changes: Vec<ResourceChange>, reasons: Vec<Reason>) -> Outlook {
        let all = || changes.iter().flat_map(ResourceChange::all);
        let replaces = all().any(|change| matches!(change.effect, Effect::Replace | Effect::MayReplace));
        let mut outlook = self.differing(if replaces { Action::Replace } else { Action::Update });
        if let Some(document) = self.document {
            outlook.outputs =
                lasting::outputs(self.regional, self.draft, document, self.stack, self.template, &changes);
        }
        outlook.foreseen.resources = changes;
        // Values are told with what they were, and doubts are settled.
        outlook.noting(reasons.into_iter().filter(|reason| reason.about == About::Template).map(|reason| reason.text))
    }
}

/// A change as it is shown.
fn shown(change: &aws::ResourceChange) -> ResourceChange {
    let stays = change.policy.as_deref() == Some("Retain");
    let effect = match (change.action.as_str(), change.replacement.as_deref()) {
        ("Add", _) => Effect::Add,
        ("Modify", Some("True")) => Effect::Replace,
        ("Modify", Some("Conditional")) => Effect::MayReplace,
        ("Modify" | "SyncWithActual", _) => Effect::Modify,
        ("Remove", _) if stays => Effect::Leave,
        ("Remove", _) => Effect::Remove,
        ("Import", _) => Effect::Import,
        _ => Effect::Unknown,
    };
    ResourceChange {
        effect,
        resource: change.resource.clone(),
        kind: change.kind.clone(),
        id: change.id.clone(),
        properties: change.details.iter().map(property).collect(),
        nested: Vec::new(),
    }
}

fn property(detail: &aws::Detail) -> PropertyChange {
    let path = detail.path.trim_start_matches('/');
    let path = match (path.is_empty(), detail.attribute.as_str()) {
        (true, attribute) => attribute.to_owned(),
        (false, _) if path.starts_with("Properties/") => path.to_owned(),
        (false, attribute) if path.starts_with(attribute) || attribute.is_empty() => path.to_owned(),
        (false, attribute) => format!("{attribute}/{path}"),
    };
    PropertyChange {
        path,
        before: detail.before.clone(),
        after: detail.after.clone(),
        recreates: match detail.recreation.as_str() {
            "Always" => Recreates::Always,
            "Conditionally" => Recreates::Conditionally,
            _ => Recreates::Never,
        },
        certain: detail.evaluation != "Dynamic",
        cause: detail.cause.clone(),
    }
}
