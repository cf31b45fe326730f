//! Tokens, by which a request that is repeated is known to be the same request.

/// One attempt at making a stack what is wanted. Whatever is repeated within it bears the same token, so that a request
/// whose answer was lost is not carried out twice; the next attempt has others.
///
/// A token says nothing about what is asked for: it stands in the stack's events.
#[derive(Debug)]
pub(super) struct Attempt {
    nonce: String,
    number: u32,
    /// Whether it is known that the stack differs by more than the tags that tell the owner.
    differs: bool,
    saved: Saved,
}

/// Whether the change set of an attempt belongs to a saved preview.
#[derive(Debug)]
enum Saved {
    /// It does not.
    No,
    /// It will: it waits for whoever applies that.
    Becoming,
    /// It does, and no other will do: its name and its ARN.
    Already { name: String, id: String },
}

/// What the names of change sets begin with.
pub(super) const CHANGE_SET: &str = "orch-update-";

/// What the names of those begin with that wait for a saved preview to be applied. Whoever works on the stack meanwhile
/// leaves them alone; CloudFormation deletes them when another one is executed.
const SAVED: &str = "orch-saved-";

impl Attempt {
    /// An attempt, by a word that was never said before.
    pub(super) fn new(nonce: String) -> Self {
        Self { nonce, number: 0, differs: false, saved: Saved::No }
    }

    /// An attempt whose change set is to be saved with a preview.
    pub(super) fn saving(nonce: String) -> Self {
        Self { saved: Saved::Becoming, ..Self::new(nonce) }
    }

    /// An attempt with the very change set that was saved with a preview.
    pub(super) fn saved(nonce: String, name: String, id: String) -> Self {
        Self { saved: Saved::Already { name, id }, ..Self::new(nonce) }
    }

    /// The ARN of the only change set that will do, if there is one.
    pub(super) fn only(&self) -> Option<&str> {
        match &self.saved {
            Saved::Already { id, .. } => Some(id),
            Saved::No | Saved::Becoming => None,
        }
    }

    /// Gives the present change set up: the next one has another name.
    pub(super) fn give_up(&mut self) {
        self.number += 1;
        self.differs = false;
    }

    /// Notes that CloudFormation finds something to change, the tags that tell the owner aside.
    pub(super) fn note_difference(&mut self) {
        self.differs = true;
    }

    /// Whether that was found, by this attempt's present change set or the one before.
    pub(super) fn is_known_to_differ(&self) -> bool {
        self.differs
    }

    /// The token of the call that creates a stack.
    pub(super) fn create(&self) -> String {
        format!("orch-create-{}", self.nonce)
    }

    /// The name of the change set, and the token of the call that executes it.
    pub(super) fn update(&self) -> String {
        match &self.saved {
            Saved::No => format!("{CHANGE_SET}{}-{}", self.nonce, self.number),
            Saved::Becoming => format!("{SAVED}{}-{}", self.nonce, self.number),
            Saved::Already { name, .. } => name.clone(),
        }
    }

    /// The token of the call that deletes a stack.
    pub(super) fn delete(&self) -> String {
        format!("orch-delete-{}", self.nonce)
    }

    /// The token of the call that deletes a stack whose deletion has failed, and leaves something behind.
    pub(super) fn delete_leaving(&self) -> String {
        format!("orch-delete-leaving-{}", self.nonce)
    }

    /// The token of the call that takes a stack back to its last stable state.
    pub(super) fn roll_back(&self) -> String {
        format!("orch-rollback-{}", self.nonce)
    }

    /// The token of the call that goes on with a rollback.
    pub(super) fn continue_rollback(&self) -> String {
        format!("orch-continue-{}", self.nonce)
    }

    /// The token of the call that breaks an update off.
    pub(super) fn cancel(&self) -> String {
        format!("orch-cancel-{}", self.nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stays_within_an_attempt_and_a_change_set_that_is_given_up_is_not_named_again() {
        let mut attempt = Attempt::new("0123456789abcdef0123456789abcdef".to_owned());
        let first = attempt.update();
        assert_eq!(first, attempt.update());
        assert!(first.starts_with(|char: char| char.is_ascii_alphabetic()) && first.len() <= 128);
        let token = attempt.create();
        attempt.give_up();
        assert_ne!(first, attempt.update());
        assert_eq!(token, attempt.create(), "a stack is created once");
    }

    #[test]
    fn a_saved_change_set_is_not_taken_for_one_that_was_left_and_stays_the_only_one() {
        let saving = Attempt::saving("0123".to_owned());
        assert!(!saving.update().starts_with(CHANGE_SET));
        assert_eq!(saving.only(), None);
        let mut saved = Attempt::saved("4567".to_owned(), saving.update(), "arn".to_owned());
        saved.give_up();
        assert_eq!((saved.update(), saved.only()), (saving.update(), Some("arn")));
    }
}
