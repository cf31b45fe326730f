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
}

/// What the names of change sets begin with.
pub(super) const CHANGE_SET: &str = "orch-update-";

impl Attempt {
    /// An attempt, by a word that was never said before.
    pub(super) fn new(nonce: String) -> Self {
        Self { nonce, number: 0, differs: false }
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
        format!("{CHANGE_SET}{}-{}", self.nonce, self.number)
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
}
