//! What is foreseen of the nodes so far.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;

use super::supply::Supplied;
use crate::ids::NodeId;
use crate::kinds::stack::Prepared;
use crate::kinds::{Change, Done, Expected, Outlook, Shown};
use crate::plan::{Attribute, Outputs};
use crate::preview::{Action, Foreseen, Grounds, Waiting};
use crate::secret::Secret;

/// What was foreseen of every node, filled while a preview is made and used up by the run that follows it.
#[derive(Debug, Default)]
pub struct Outlooks {
    // Boxed, since the map keeps its room when the run has used up what is in it.
    kept: Mutex<HashMap<NodeId, Box<Outlook>>>,
    binding: bool,
    /// What nodes were given from elsewhere when they were foreseen.
    supplied: Mutex<HashMap<NodeId, Supplied>>,
}

/// How much a node that was foreseen can still give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Giving {
    /// What it does not give now it never will.
    All,
    /// The run may bring more.
    More {
        /// Whether the run makes it, so that what it will give nothing has yet.
        fresh: bool,
    },
}

/// What a run has to do with a node.
#[derive(Debug)]
pub(super) enum ToDo {
    /// It is left as it is, and gives this.
    Nothing(Done),
    /// Something, by what was foreseen of it.
    Work {
        /// The change set that was made for it.
        prepared: Option<Prepared>,
        /// What the run is bound to do with it, if it is bound to anything.
        shown: Option<Box<Shown>>,
    },
}

impl Outlooks {
    /// Those that bind the run that follows: it does what is foreseen here, and nothing that would take away more.
    pub fn binding() -> Self {
        Self { binding: true, ..Self::default() }
    }

    /// What every node stands on.
    pub fn grounds(&self) -> BTreeMap<NodeId, Grounds> {
        self.lock().iter().map(|(node, outlook)| (node.clone(), outlook.grounds.clone())).collect()
    }

    /// The change sets that wait to be executed, in the order of the nodes.
    pub fn waiting(&self) -> Vec<Waiting> {
        let kept = self.lock();
        let waiting = kept.values().filter_map(|one| Some(one.prepared.as_ref()?.waiting(&one.foreseen)));
        let mut waiting: Vec<Waiting> = waiting.collect();
        waiting.sort_by(|one, other| one.node.cmp(&other.node));
        waiting
    }

    /// Lets go what only a preview tells, since the run begins: a fleet's takes room.
    pub(super) fn begin(&self) {
        for outlook in self.lock().values_mut().filter(|_| !self.binding) {
            let foreseen = &mut outlook.foreseen;
            let nothing = Foreseen::new(
                foreseen.node.clone(),
                foreseen.account.clone(),
                foreseen.region.clone(),
                foreseen.action,
            );
            let notes = std::mem::take(&mut foreseen.notes);
            *foreseen = Foreseen { notes, ..nothing };
            (outlook.grounds, outlook.fresh) = Default::default();
        }
    }

    /// What the run that follows has to do with a node. That uses up what was foreseen of it: nobody asks for it again, and a
    /// fleet's takes room.
    pub(super) fn to_do(&self, node: &NodeId) -> ToDo {
        let Some(outlook) = self.lock().remove(node) else { return ToDo::Work { prepared: None, shown: None } };
        let Outlook { foreseen, outputs, id, prepared, led, .. } = *outlook;
        if foreseen.action == Action::Nothing {
            return ToDo::Nothing(Done { details: foreseen.notes, outputs, id, ..Done::new(Change::Unchanged) });
        }
        let shown = self.binding.then(|| Shown { foreseen, led }.into());
        ToDo::Work { prepared, shown }
    }

    /// Keeps what a node is given from elsewhere, as far as it is known.
    pub(super) fn keep_supplied(&self, node: &NodeId, supplied: &HashMap<Arc<str>, Expected>) {
        let known = |(name, value): (&Arc<str>, &Expected)| Some((Arc::clone(name), Secret::open(value.known()?)));
        let known: Supplied = supplied.iter().filter_map(known).collect();
        if !known.is_empty() {
            self.supplied.lock().unwrap_or_else(PoisonError::into_inner).insert(node.clone(), known);
        }
    }

    /// Whether what a node is given from elsewhere is another value by now than when it was foreseen, so that nothing of that
    /// holds. A run that is bound does what was shown, with the values that its change sets have.
    pub(super) fn is_overtaken(&self, node: &NodeId, now: &Supplied) -> bool {
        let before = self.supplied.lock().unwrap_or_else(PoisonError::into_inner).remove(node);
        !self.binding && before.is_some_and(|before| before.iter().any(|(name, value)| now.get(name) != Some(value)))
    }

    /// Keeps what was foreseen of a node.
    pub(super) fn keep(&self, outlook: Outlook) {
        self.lock().insert(outlook.foreseen.node.clone(), outlook.into());
    }

    /// Says of a node that something is to be done with that it would be skipped since another would fail, and why that is so.
    /// What would be done with it stays: should the other end well after all, the run does it.
    pub(super) fn mark_skipped(&self, node: &NodeId, because: &NodeId, why: String) {
        let mut kept = self.lock();
        if let Some(outlook) = kept.get_mut(node).filter(|outlook| outlook.foreseen.action.is_change()) {
            outlook.foreseen.action = Action::Skipped;
            outlook.foreseen.because = Some(because.clone());
            outlook.foreseen.notes.insert(0, why);
        }
    }

    /// The node that would fail and because of which this one would not end well.
    pub(super) fn failing(&self, node: &NodeId) -> Option<NodeId> {
        self.lock().get(node)?.foreseen.failing().cloned()
    }

    /// Whether a node would fail, or be skipped for one that would.
    pub fn is_failing(&self, node: &NodeId) -> bool {
        self.failing(node).is_some()
    }

    /// What is foreseen of a node.
    pub(super) fn foreseen(&self, node: &NodeId) -> Option<Foreseen> {
        self.lock().get(node).map(|outlook| outlook.foreseen.clone())
    }

    /// What is to be done with a node, as it was foreseen.
    pub(super) fn action(&self, node: &NodeId) -> Option<Action> {
        self.lock().get(node).map(|outlook| outlook.foreseen.action)
    }

    /// The status that a stack was in, if there was one.
    pub(super) fn live_status(&self, node: &NodeId) -> Option<String> {
        self.lock().get(node).and_then(|outlook| outlook.grounds.live.get("status").cloned())
    }

    /// What was foreseen of a node that the run leaves as it is or only reads.
    pub(super) fn settled(&self, node: &NodeId) -> Option<Outlook> {
        let kept = self.lock();
        let outlook = kept.get(node).filter(|outlook| !outlook.is_pending())?;
        let (outputs, id) = (outlook.outputs.clone(), outlook.id.clone());
        Some(Outlook { outputs, id, ..outlook.foreseen.clone().into() })
    }

    /// Whether the run leaves a node as it is, or only reads it.
    pub fn is_settled(&self, node: &NodeId) -> bool {
        self.lock().get(node).is_some_and(|outlook| !outlook.is_pending())
    }

    /// How much a node can still give; of one that is not foreseen nothing is known.
    pub(super) fn giving(&self, node: &NodeId, attribute: &Attribute) -> Giving {
        let output = match attribute {
            Attribute::Id => None,
            Attribute::Output(name) => Some(&**name),
        };
        match self.lock().get(node) {
            Some(outlook) if !outlook.is_pending() => Giving::All,
            Some(outlook) => Giving::More { fresh: outlook.is_fresh(output) },
            None => Giving::More { fresh: false },
        }
    }

    // Every change under this lock is whole, as in `Gathered`.
    fn lock(&self) -> MutexGuard<'_, HashMap<NodeId, Box<Outlook>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outputs for Outlooks {
    fn get(&self, node: &NodeId, attribute: &Attribute) -> Option<Json> {
        let kept = self.lock();
        let outlook = kept.get(node)?;
        match attribute {
            Attribute::Id => outlook.id.clone().map(Json::String),
            Attribute::Output(name) => outlook.outputs.get(&**name).cloned().map(Json::String),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Kind;
    use crate::preview::Until;

    fn outlook(key: &str, action: Action) -> Outlook {
        let node = NodeId::instance(Kind::Stack, "spoke", key);
        let (value, expression, place) = ("stacks.hub.id".to_owned(), "stacks.hub.id".to_owned(), String::new());
        let until = Until { node: node.clone(), value, expression, place, early: false };
        let foreseen = Foreseen::new(node, "dev".into(), "us-east-1".into(), action);
        let foreseen = Foreseen { notes: vec!["noted".to_owned()], until: vec![until], ..foreseen };
        Outlook { id: Some("id".to_owned()), led: vec!["rtb-1".to_owned()], ..foreseen.into() }
    }

    fn begun(outlooks: &Outlooks) -> [NodeId; 2] {
        let both = [outlook("same", Action::Nothing), outlook("new", Action::Create)];
        let nodes = both.each_ref().map(|outlook| outlook.foreseen.node.clone());
        for outlook in both {
            outlooks.keep(outlook);
        }
        outlooks.begin();
        nodes
    }

    #[test]
    fn a_run_is_given_once_what_it_goes_by_and_keeps_nothing_else() {
        let outlooks = Outlooks::default();
        let [same, new] = begun(&outlooks);
        assert!(outlooks.foreseen(&new).unwrap().until.is_empty(), "only a preview tells what is waited for");
        let ToDo::Nothing(done) = outlooks.to_do(&same) else { panic!("nothing was to be done") };
        assert_eq!((done.id.as_deref(), &done.details[..]), (Some("id"), &["noted".to_owned()][..]));
        assert!(matches!(outlooks.to_do(&new), ToDo::Work { prepared: None, shown: None }));
        assert!(outlooks.lock().is_empty());
    }

    #[test]
    fn a_run_that_is_bound_is_given_all_that_was_shown() {
        let outlooks = Outlooks::binding();
        let [_, new] = begun(&outlooks);
        let ToDo::Work { shown: Some(shown), .. } = outlooks.to_do(&new) else { panic!("it is bound") };
        assert_eq!((shown.foreseen.until.len(), &shown.led[..]), (1, &["rtb-1".to_owned()][..]));
    }
}
