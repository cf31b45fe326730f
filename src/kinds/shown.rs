//! What somebody was shown and has agreed to.

use crate::aws::Stack;
use crate::event::Failure;
use crate::preview::{Action, Effect, Foreseen, ResourceChange};

/// How many resources a message names before it counts the rest.
const NAMED: usize = 5;

/// What a saved preview shows of a node. The run does that, and nothing that would take away more than was shown: where
/// a node was not known yet, things may be made and changed in place, but not deleted, replaced or led elsewhere.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What was foreseen.
    pub foreseen: Foreseen,
    /// The route tables whose route to the destination may be led elsewhere.
    pub led: Vec<String>,
}

impl Shown {
    /// Whether a stack may be created.
    ///
    /// # Errors
    ///
    /// Something else was shown.
    pub(super) fn permits_creation(&self, stack: &str) -> Result<(), Failure> {
        match self.foreseen.action {
            Action::Create | Action::Unknown => Ok(()),
            _ => Err(self.refusal(format!("stack {stack} is not there any more"), "creating it")),
        }
    }

    /// Whether a stack that is there may be updated.
    ///
    /// # Errors
    ///
    /// Something else was shown.
    pub(super) fn permits_update(&self, stack: &str) -> Result<(), Failure> {
        match self.foreseen.action {
            Action::Update | Action::Replace | Action::Unknown => Ok(()),
            _ => Err(self.refusal(format!("stack {stack} is there, and differs"), "updating it")),
        }
    }

    /// Whether what was changed by hand may be brought back: not where nothing has shown what that is.
    pub fn permits_reverting(&self) -> bool {
        self.foreseen.action != Action::Unknown
    }

    /// Whether a stack may be led out of its state by this way, which a preview tells as `STATUS: way`.
    ///
    /// # Errors
    ///
    /// The way was not shown.
    pub(super) fn permits_way(&self, stack: &Stack, way: Option<&str>) -> Result<(), Failure> {
        let way = way.unwrap_or_default();
        let told = format!("{}: {way}", stack.status);
        if self.foreseen.notes.contains(&told) {
            return Ok(());
        }
        Err(self.refusal(format!("stack {} is in {}", stack.name, stack.status), &format!("the way out of it ({way})")))
    }

    /// Whether a stack's resources may be changed so: none may be lost that was not shown as one that is, or may be.
    ///
    /// # Errors
    ///
    /// Resources that would be lost, or may be, by their names.
    pub(super) fn permits(&self, changes: &[ResourceChange], stack: &str) -> Result<(), Failure> {
        let losses = |changes: &[ResourceChange]| -> Vec<(String, String)> {
            // Of what is not certain the worst may come.
            let may_lose = |change: &&ResourceChange| change.effect.loses() || change.effect == Effect::Unknown;
            let all = changes.iter().flat_map(ResourceChange::all).filter(may_lose);
            all.map(|change| (change.resource.clone(), change.id.clone().unwrap_or_default())).collect()
        };
        let shown = losses(&self.foreseen.resources);
        let unseen: Vec<String> = losses(changes)
            .into_iter()
            .filter(|loss| !shown.contains(loss))
            .map(|(name, id)| if id.is_empty() { name } else { format!("{name} ({id})") })
            .collect();
        if unseen.is_empty() {
            return Ok(());
        }
        let more = unseen.len().checked_sub(NAMED).filter(|more| *more > 0);
        let more = more.map(|more| format!(" and {more} more")).unwrap_or_default();
        let named = unseen.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let what = format!("the update of stack {stack} deletes or replaces {named}{more}");
        Err(self.refusal(what, "losing that"))
    }

    /// Whether a table's route may be led elsewhere.
    ///
    /// # Errors
    ///
    /// It was not shown that it would be.
    pub(super) fn permits_leading(&self, table: &str, from: &str) -> Result<(), Failure> {
        if self.led.iter().any(|led| led == table) {
            return Ok(());
        }
        Err(self.refusal(format!("route table {table} leads the destination to {from}"), "leading it elsewhere"))
    }

    fn refusal(&self, what: String, doing: &str) -> Failure {
        let shown = match self.foreseen.action {
            Action::Unknown => "the preview could not know it yet".to_owned(),
            action => format!("the preview has it {}", action.words()),
        };
        Failure::new(what, format!("{doing} was not shown: {shown}"))
            .help("nothing of this node was changed: preview what is left to do, and apply that")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(action: Action) -> Shown {
        let foreseen = Foreseen::new("stacks.a".parse().unwrap(), "dev".into(), "us-east-1".into(), action);
        Shown { foreseen, led: vec!["rtb-1".to_owned()] }
    }

    fn change(effect: Effect, resource: &str, nested: Vec<ResourceChange>) -> ResourceChange {
        let (resource, kind) = (resource.to_owned(), "AWS::EC2::VPC".to_owned());
        ResourceChange { effect, resource, kind, id: None, properties: Vec::new(), nested }
    }

    #[test]
    fn a_stack_is_made_or_updated_only_where_that_was_shown_or_could_not_be_known() {
        for (action, creation, update) in [
            (Action::Create, true, false),
            (Action::Update, false, true),
            (Action::Replace, false, true),
            (Action::Unknown, true, true),
            (Action::Nothing, false, false),
        ] {
            let shown = shown(action);
            assert_eq!((shown.permits_creation("s").is_ok(), shown.permits_update("s").is_ok()), (creation, update));
        }
    }

    #[test]
    fn what_was_changed_by_hand_is_brought_back_only_where_it_was_shown() {
        assert!(shown(Action::Update).permits_reverting() && shown(Action::Replace).permits_reverting());
        assert!(!shown(Action::Unknown).permits_reverting());
    }

    #[test]
    fn no_resource_is_lost_that_was_not_shown_also_in_a_nested_stack() {
        let mut bound = shown(Action::Unknown);
        bound.foreseen.resources = vec![change(Effect::Replace, "Seen", Vec::new())];
        for (effect, resource, expected) in [
            (Effect::Add, "New", true),
            (Effect::Modify, "Other", true),
            (Effect::Leave, "Other", true),
            (Effect::Replace, "Other", false),
            (Effect::MayReplace, "Other", false),
            (Effect::Remove, "Other", false),
            (Effect::Unknown, "Other", false),
            (Effect::Remove, "Seen", true),
        ] {
            let alone = [change(effect, resource, Vec::new())];
            assert_eq!(bound.permits(&alone, "s").is_ok(), expected, "{effect:?} {resource}");
            let nested = [change(Effect::Modify, "Nested", alone.to_vec())];
            assert_eq!(bound.permits(&nested, "s").is_ok(), expected, "{effect:?} {resource}");
        }
        let many: Vec<_> = (0..7).map(|n| change(Effect::Remove, &format!("R{n}"), Vec::new())).collect();
        let failure = bound.permits(&many, "s").unwrap_err();
        assert!(failure.summary.ends_with("R3, R4 and 2 more"), "{failure}");
        assert!(!failure.help.is_empty());
    }

    #[test]
    fn a_way_out_is_taken_only_if_it_was_told() {
        let mut bound = shown(Action::Unknown);
        bound.foreseen.notes = vec!["ROLLBACK_COMPLETE: deleted and created anew".to_owned()];
        let stack = |status: &str| Stack::sample("s", status);
        assert!(bound.permits_way(&stack("ROLLBACK_COMPLETE"), Some("deleted and created anew")).is_ok());
        assert!(bound.permits_way(&stack("ROLLBACK_FAILED"), Some("deleted and created anew")).is_err());
        assert!(bound.permits_way(&stack("ROLLBACK_COMPLETE"), None).is_err());
    }

    #[test]
    fn a_route_is_led_elsewhere_only_in_the_tables_that_were_shown() {
        assert!(shown(Action::Unknown).permits_leading("rtb-1", "pcx-0").is_ok());
        let failure = shown(Action::Unknown).permits_leading("rtb-2", "pcx-0").unwrap_err();
        assert_eq!(failure.summary, "route table rtb-2 leads the destination to pcx-0");
    }
}
