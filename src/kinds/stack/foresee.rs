//! What a run would do with a stack.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use super::super::expected::{Later, given, known, until};
use super::super::{Adopt, Claim, Expected, Failure, Outlook, Owner, Regional};
use super::compare::{About, Comparison, HIDDEN, Reason, compare, is_hidden, is_own};
use super::decide::{Decision, decide};
use super::glance::{Glance, glance};
use super::guards::{self, Guarding, Guards};
use super::token::Attempt;
use super::update::{self, How, Worked, found_nothing, work_out};
use super::{
    ChangeSets, Delivery, LOOKS, Wanted, creatable, declared, differences, grounds, held, kept, lasting, pause,
    restless, revert, saved, settings, ways,
};
use crate::aws::{self, ChangeSet, Stack};
use crate::cfn::{self, Document};
use crate::preview::{Action, Effect, Foreseen, PropertyChange, Recreates, ResourceChange, Until, Waiting};

/// A stack as the plan wants it, as far as its values are known before the run.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The stack's name.
    pub name: String,
    /// The template's text.
    pub template: Arc<str>,
    /// Where the text came from; for messages.
    pub path: PathBuf,
    /// The parameters that the plan gives.
    pub parameters: IndexMap<String, Expected>,
    /// The parameters that keep the values which the stack has.
    pub kept: Vec<String>,
    /// The parameters whose values the plan says to be secrets.
    pub sensitive: BTreeSet<String>,
    /// The tags that the plan gives.
    pub tags: IndexMap<String, Expected>,
    /// What the template is allowed to make.
    pub capabilities: Vec<String>,
    /// What guards it, and how it is carried out.
    pub guards: Guards<Expected>,
    /// How CloudFormation is given the template.
    pub delivery: Delivery,
    /// The texts of templates of the plan that it nests, which must be in the bucket.
    pub nested: Vec<String>,
    /// The node that the stack belongs to.
    pub owner: Owner,
    /// Whether what was changed or deleted by hand is brought back.
    pub reverts_drift: bool,
    /// What becomes of a stack of that name that does not bear the node's tags.
    pub adopt: Adopt,
}

/// A change set that was made for a preview: what is executed is what was shown.
#[derive(Debug)]
pub struct Prepared {
    pub(super) attempt: Attempt,
    stack: String,
    id: String,
}

impl Prepared {
    /// What a saved preview keeps of it.
    pub fn waiting(&self, foreseen: &Foreseen) -> Waiting {
        Waiting {
            node: foreseen.node.clone(),
            account: foreseen.account.clone(),
            region: foreseen.region.clone(),
            stack: self.stack.clone(),
            id: self.id.clone(),
            name: self.attempt.update(),
        }
    }
}

impl Draft {
    /// What is known of it.
    fn known(&self) -> Wanted {
        Wanted {
            name: self.name.clone(),
            template: self.template.clone(),
            path: self.path.clone(),
            parameters: known(&self.parameters),
            kept: self.kept.clone(),
            sensitive: self.sensitive.clone(),
            tags: known(&self.tags),
            capabilities: self.capabilities.clone(),
            guards: self.guards.known(),
            delivery: self.delivery.clone(),
            nested: self.nested.clone(),
            owner: self.owner.clone(),
            reverts_drift: self.reverts_drift,
            adopt: self.adopt,
        }
    }

    /// The same with the values that it keeps, as far as they are shown.
    pub(super) fn keeping(&self, stack: &Stack) -> Self {
        let mut draft = self.clone();
        for name in &self.kept {
            if let Some(live) = stack.parameters.get(name) {
                // What is hidden is known to nobody: neither its mask nor a default stands for it.
                let value = if live.value == HIDDEN {
                    Expected::Later(Later::default())
                } else {
                    Expected::Known(live.value.clone())
                };
                draft.parameters.insert(name.clone(), value);
            }
        }
        draft
    }

    /// What is to be said where nothing shows yet what of it was changed by hand.
    fn unseen_drift(&self) -> Option<String> {
        self.reverts_drift.then(|| UNSEEN.to_owned())
    }

    /// What the values that are not known wait for.
    fn until(&self) -> Vec<Until> {
        until(self.parameters.values().chain(self.tags.values()).chain(self.guards.settings.values()))
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
    wanted.check_size()?;
    let document = Document::shared(&wanted.template).ok();
    kept::check(&wanted)?;
    let mut attempt = change_sets.unwrap_or(&ChangeSets::default()).attempt(regional.nonce());
    let mut last = None;
    // What is not known yet may be anything, so no glance shows that nothing differs.
    match glance(regional, &wanted).await? {
        Glance::Absent => {
            creatable(regional, &wanted).await?;
            return Ok(made(regional, draft, document.as_deref()));
        }
        Glance::Same(stack, template, notes) if draft.until().is_empty() => {
            let document = document.as_deref();
            let guarding = Guarding::default();
            let seen =
                Seen { regional, draft, wanted: &wanted, document, stack: &stack, template: &template, guarding };
            return Ok(seen.unchanged(notes));
        }
        Glance::Same(..) | Glance::Unsure => {}
    }
    for look in 0..LOOKS {
        let live = ways::look(regional, &wanted.name).await?;
        let facts = grounds::live(live.as_ref());
        let outlook = |action| Outlook::new(regional, &draft.owner, &draft.name, action).on(facts.clone());
        let stack = match (decide(&wanted, live.as_ref()), live) {
            (Decision::Create, _) => {
                creatable(regional, &wanted).await?;
                return Ok(made(regional, draft, document.as_deref()).on(facts));
            }
            (Decision::Refuse(failure), Some(stack)) => {
                return Err(ways::with_flags(regional, &wanted.owner.node, &stack, failure).await);
            }
            (Decision::Refuse(failure), None) => return Err(failure),
            (Decision::Recreate { why }, Some(stack)) => {
                creatable(regional, &wanted).await?;
                let note = format!("{}: {why}", stack.status);
                return Ok(made(regional, draft, document.as_deref()).on(facts).noting([note]));
            }
            (
                Decision::Resume { why } | Decision::RollBack { why } | Decision::ContinueRollback { why },
                Some(stack),
            ) => {
                let note = format!("{}: {why}", stack.status);
                let then = "what is to be done after that will be seen then".to_owned();
                return Ok(outlook(Action::Unknown).noting([note, then]).noting(draft.unseen_drift()));
            }
            (Decision::Wait, Some(stack)) => {
                return Ok(outlook(Action::Unknown).noting([under_way(&stack)]).noting(draft.unseen_drift()));
            }
            (Decision::Compare, Some(stack)) => stack,
            (_, None) => continue,
        };
        let template = regional.known_template(&stack).await?;
        let policy = guards::live_policy(regional, &wanted.guards, &stack).await?;
        let seen = Seen {
            regional,
            draft,
            wanted: &wanted,
            document: document.as_deref(),
            stack: &stack,
            template: &template,
            guarding: guards::decide(&wanted.guards, stack.termination_protection, policy.as_deref()),
        };
        let until = draft.until();
        if !until.is_empty() {
            return Ok(seen.half_known(until));
        }
        let reasons = match compare(&wanted, &stack, &template) {
            Comparison::Same(notes) => return Ok(seen.unchanged(notes)),
            Comparison::Different(reasons) => reasons,
        };
        let Some(change_sets) = change_sets else { return Ok(seen.unasked(reasons)) };
        if let Some(before) = change_sets.before(&draft.owner.node) {
            return saved::again(&seen, reasons, before).await;
        }
        let how = How::because(&reasons);
        match Box::pin(work_out(regional, &wanted, &stack, how, &mut attempt, change_sets)).await? {
            Worked::Nothing(blind) => {
                let notes = found_nothing(&wanted, &stack, &reasons);
                return Ok(seen.unchanged(notes.into_iter().chain(blind).collect()));
            }
            Worked::Again(failure) => last = failure.or(last),
            Worked::Out(change_set) => {
                let (id, name) = (change_set.id.clone(), attempt.update());
                let outlook = seen.worked_out(change_set, reasons, attempt).await;
                if outlook.is_err() {
                    update::discard(regional, &id).await;
                    change_sets.release(&name);
                }
                return outlook;
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
    claim: Claim<'_>,
    managed: bool,
) -> Result<Option<Outlook>, Failure> {
    let Some(stack) = regional.pictured_stack(name).await? else { return Ok(None) };
    let facts = grounds::live(Some(&stack));
    if !stack.status.is_settled() {
        let outlook = Outlook::new(regional, claim.owner, name, Action::Unknown);
        return Ok(Some(outlook.on(facts).noting([under_way(&stack)])));
    }
    let found = super::find(regional, name, Some(claim).filter(|_| managed), &|_| {}).await?;
    Ok(found.map(|found| Outlook::read(regional, claim.owner, name, Some(found)).on(facts)))
}

fn under_way(stack: &Stack) -> String {
    format!("it is in {}: what is to be done will be seen once that has ended", stack.status)
}

/// What there is to say of a stack that another has made and that a change makes the node's.
const ADOPTED: &str = "adopted: it does not bear this node's tags, which come with this change";

/// What there is to say of a stack whose drift is to be brought back and cannot be shown yet. A run that is bound to what
/// was shown brings back nothing else: see [`Shown::permits_reverting`](super::super::Shown::permits_reverting).
const UNSEEN: &str =
    "what of it was changed by hand is brought back too, which only the run will show; a saved preview leaves that";

/// How deep nested stacks are looked into.
const DEEPEST: u8 = 8;

/// The changes of a change set, with those of the nested stacks that they are about.
pub(super) async fn changes(regional: &Regional, change_set: &ChangeSet) -> Result<Vec<ResourceChange>, Failure> {
    let mut all = Vec::with_capacity(change_set.changes.len());
    for change in &change_set.changes {
        all.push(with_nested(regional, change, 0).await?);
    }
    Ok(all)
}

/// A change with those of the nested stack that it is about.
async fn with_nested(regional: &Regional, change: &aws::ResourceChange, depth: u8) -> Result<ResourceChange, Failure> {
    let mut shown = shown(change);
    if let Some(id) = change.change_set.as_ref().filter(|_| depth < DEEPEST) {
        let name = change.id.as_deref().unwrap_or(id);
        for nested in &regional.change_set(name, id).await?.changes {
            shown.nested.push(Box::pin(with_nested(regional, nested, depth + 1)).await?);
        }
        if !shown.nested.is_empty() {
            // That something in it may change is all that CloudFormation says so; here is what.
            shown.properties.retain(|property| property.path != "Properties");
        }
    }
    Ok(shown)
}

/// A stack that is not there.
fn made(regional: &Regional, draft: &Draft, document: Option<&Document>) -> Outlook {
    let mut outlook = Outlook::new(regional, &draft.owner, &draft.name, Action::Create).until(draft.until());
    outlook.foreseen.parameters = given(&draft.parameters, |name| is_hidden(document, &draft.sensitive, name));
    outlook.foreseen.tags = given(&draft.tags, |_| false);
    outlook.foreseen.settings = settings::given(&draft.guards);
    outlook.foreseen.settings.extend(guards::decide(&draft.guards, false, None).differences());
    match document {
        Some(document) => {
            let declared = declared::Declared::new(regional, draft, document);
            outlook.foreseen.resources = declared.resources();
            outlook.outputs = declared.outputs();
            outlook.fresh = declared.fresh();
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
pub(super) struct Seen<'a> {
    pub(super) regional: &'a Regional,
    draft: &'a Draft,
    pub(super) wanted: &'a Wanted,
    document: Option<&'a Document>,
    pub(super) stack: &'a Stack,
    template: &'a str,
    guarding: Guarding,
}

impl Seen<'_> {
    fn outlook(&self, action: Action) -> Outlook {
        let mut outlook = Outlook::new(self.regional, &self.draft.owner, &self.draft.name, action);
        outlook.id = Some(self.stack.id.clone());
        let moved = self.draft.adopt.moved(&self.draft.owner, &self.stack.tags);
        outlook.on(grounds::live(Some(self.stack))).noting(moved)
    }

    /// It is as it should be, but perhaps for what guards it.
    pub(super) fn unchanged(&self, notes: Vec<String>) -> Outlook {
        let action = if self.guarding.is_nothing() { Action::Nothing } else { Action::Update };
        let mut outlook = self.outlook(action).noting(notes);
        outlook.foreseen.settings = self.guarding.differences();
        outlook.outputs.clone_from(&self.stack.outputs);
        outlook
    }

    /// An outlook with the parameters and tags that differ.
    fn differing(&self, action: Action) -> Outlook {
        let mut outlook = self.outlook(action);
        outlook.foreseen.parameters = differences::parameters(self.draft, self.stack, self.document);
        outlook.foreseen.tags = differences::tags(self.draft, self.stack);
        outlook.foreseen.settings = settings::differences(&self.draft.guards.settings, &self.stack.settings);
        outlook.foreseen.settings.extend(self.guarding.differences());
        if action == Action::Unknown && self.wanted.spares(self.stack) {
            // Whether the tags that tell the owner are written depends on whether anything else is.
            outlook.foreseen.tags.retain(|tag| !is_own(&tag.name));
        }
        match action {
            Action::Update | Action::Replace if !self.wanted.owner.owns(&self.stack.tags) => {
                outlook.noting([ADOPTED.to_owned()])
            }
            _ => outlook,
        }
    }

    /// Some of its values only the run will tell.
    fn half_known(&self, until: Vec<Until>) -> Outlook {
        let outlook = self.differing(Action::Unknown).until(until);
        let differs = cfn::compare(&self.wanted.template, self.template) == cfn::Comparison::Different;
        outlook.noting(differs.then(|| "the template differs".to_owned())).noting(self.draft.unseen_drift())
    }

    /// It differs, or may, and CloudFormation is not to be asked.
    pub(super) fn unasked(&self, reasons: Vec<Reason>) -> Outlook {
        let is_sure = reasons.iter().any(|reason| reason.about != About::Doubt);
        let outlook = self.differing(if is_sure { Action::Update } else { Action::Unknown });
        // What differs by its value is told with it.
        let told = reasons.into_iter().filter(|reason| reason.about != About::Value).map(|reason| reason.text);
        let note = "no change set was made, so what becomes of its resources is not known";
        outlook.noting(told).noting([note.to_owned()])
    }

    /// It differs, and this change set says what CloudFormation would do about it.
    pub(super) async fn worked_out(
        &self,
        change_set: ChangeSet,
        reasons: Vec<Reason>,
        attempt: Attempt,
    ) -> Result<Outlook, Failure> {
        let changes = changes(self.regional, &change_set).await?;
        let policy = guards::policy_in_force(self.regional, &self.wanted.guards, self.stack, &changes).await?;
        if let Some(refusal) = guards::refusal(self.wanted, policy.as_deref(), &changes) {
            return Err(refusal);
        }
        let held = held::vpcs(self.regional, &changes).await;
        let mut outlook = self.changed(changes, reasons).noting(held).noting(revert::blind(&change_set));
        outlook.grounds.live.extend([grounds::change_set(Some(&change_set))]);
        outlook.prepared = Some(Prepared { attempt, stack: self.stack.id.clone(), id: change_set.id });
        Ok(outlook)
    }

    /// It differs, and this is what would be done about it.
    fn changed(&self, mut changes: Vec<ResourceChange>, reasons: Vec<Reason>) -> Outlook {
        revert::hide(&mut changes, self.stack, self.template, self.wanted);
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
    let effect = match (change.action.as_str(), change.replacement()) {
        ("Add" | "Modify", _) if change.is_gone() => Effect::Restore,
        ("Add", _) => Effect::Add,
        ("Modify", Some("True")) => Effect::Replace,
        ("Modify", Some("Conditional")) => Effect::MayReplace,
        ("Modify", _) => Effect::Modify,
        ("SyncWithActual", _) => Effect::Sync,
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
        properties: change.details.iter().map(|detail| property(change, detail)).collect(),
        nested: Vec::new(),
    }
}

fn property(change: &aws::ResourceChange, detail: &aws::Detail) -> PropertyChange {
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
        deployed: detail.deployed.clone(),
        synced: detail.synced || change.action == "SyncWithActual",
    }
}
