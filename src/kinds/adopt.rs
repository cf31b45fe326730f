//! Whether something that does not bear a node's tags becomes the node's.

use std::collections::BTreeMap;

use super::Owner;
use super::owner::Ownership;

/// What becomes of something that stands in a node's place without the node's tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adopt {
    /// It is left alone, and the node fails.
    #[default]
    Never,
    /// If it bears no tags of orch, it counts as the node's. It is not touched for that alone: the tags come with the next
    /// change that it needs for another reason. This is `adopt = true`.
    Declared,
    /// It is to be taken over, and the tags are written, also if it bears a name that the node had before. This is `orch
    /// adopt`.
    Now {
        /// Also if its tags say that it belongs to another plan or node.
        from_others: bool,
    },
}

/// What there is to say of something that is adopted and needs nothing else.
pub(super) const STANDS: &str =
    "stands without orch's tags: the plan adopts it; the tags come with its next change, or with `orch adopt`";

/// What there is to say of something that bears the tags from now on.
pub(super) const TAKEN: &str = "adopted: it bears this node's tags from now on";

impl Adopt {
    /// What a plan says with `adopt`.
    pub fn declared(adopt: bool) -> Self {
        if adopt { Self::Declared } else { Self::Never }
    }

    /// Whether anything that is not the node's becomes it.
    pub(super) fn is_wanted(self) -> bool {
        self != Self::Never
    }

    /// Whether something is to be taken over at once, so that there must be something.
    pub(super) const fn is_now(self) -> bool {
        matches!(self, Self::Now { .. })
    }

    /// Whether what stands so to a node counts as the node's, or becomes it.
    pub(super) fn takes(self, ownership: &Ownership) -> bool {
        match ownership {
            Ownership::Ours => true,
            Ownership::Nobodys => self != Self::Never,
            Ownership::Others { .. } => self == Self::Now { from_others: true },
        }
    }

    /// The owner by the name that something with these tags is to bear: the one that it bears, but the present one if it is
    /// taken over now.
    pub(super) fn names(self, owner: &Owner, tags: &BTreeMap<String, String>) -> Owner {
        if self.is_now() { owner.clone() } else { owner.as_tagged(tags) }
    }

    /// What there is to say of something that goes on to bear a name which its node had before.
    pub(super) fn moved(self, owner: &Owner, tags: &BTreeMap<String, String>) -> Option<String> {
        let formerly = owner.former_name(tags).filter(|_| !self.is_now())?;
        Some(format!("moved from {formerly}, whose name its tags go on to bear"))
    }

    /// Whether something with these tags counts as the owner's and is not to be touched for the tags alone.
    pub(super) fn spares(self, owner: &Owner, tags: &BTreeMap<String, String>) -> bool {
        self == Self::Declared && owner.of(tags) == Ownership::Nobodys
    }
}

/// What a node takes for its own where it only looks: what bears its tags, and what it adopts.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The node.
    pub owner: &'a Owner,
    /// What it adopts.
    pub adopt: Adopt,
}

impl Claim<'_> {
    /// Whose something with these tags is, if it is not the node's.
    pub(super) fn disputed(self, tags: &BTreeMap<String, String>) -> Option<Ownership> {
        Some(self.owner.of(tags)).filter(|ownership| !self.adopt.takes(ownership))
    }

    /// Whether something with these tags is the node's.
    pub fn holds(self, tags: &BTreeMap<String, String>) -> bool {
        self.disputed(tags).is_none()
    }
}

/// The ways by which a node may come to something that is not its own, as remedies.
pub(super) fn remedies(owner: &Owner, ownership: &Ownership) -> Vec<String> {
    match ownership {
        Ownership::Ours => Vec::new(),
        Ownership::Nobodys => vec![format!(
            "if it is to be this node's, set `adopt = true`, or run `orch adopt PLAN '{}'`: both show first what would differ",
            owner.node
        )],
        Ownership::Others { .. } => vec![format!(
            "if it is to be this node's from now on, and the other plan has no more use for it: `orch adopt PLAN '{}' --from-other`",
            owner.node
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_depends_on_whose_it_is_and_on_what_was_asked() {
        let others = Ownership::Others { plan: "other".to_owned(), node: "stacks/a".to_owned() };
        for (adopt, nobodys, of_others) in [
            (Adopt::Never, false, false),
            (Adopt::Declared, true, false),
            (Adopt::Now { from_others: false }, true, false),
            (Adopt::Now { from_others: true }, true, true),
        ] {
            assert!(adopt.takes(&Ownership::Ours), "{adopt:?}");
            assert_eq!(adopt.takes(&Ownership::Nobodys), nobodys, "{adopt:?}");
            assert_eq!(adopt.takes(&others), of_others, "{adopt:?}");
        }
    }

    #[test]
    fn only_what_is_adopted_by_declaration_and_bears_no_tags_is_spared() {
        let owner = Owner::new("network", "stacks.spoke[dev]".parse().unwrap());
        let ours = owner.tags().map(|(key, value)| (key.to_owned(), value)).into();
        let none = BTreeMap::from([("Team".to_owned(), "net".to_owned())]);
        assert!(Adopt::Declared.spares(&owner, &none));
        assert!(!Adopt::Declared.spares(&owner, &ours));
        assert!(!Adopt::Never.spares(&owner, &none));
        assert!(!Adopt::Now { from_others: false }.spares(&owner, &none));
    }
}
