//! What a command knows of a plan's past and adds to it: the inventory, and what left the plan.

use std::sync::{Arc, Mutex, PoisonError};

use crate::aws::{AccountError, Environment, Sessions};
use crate::event::Event;
use crate::ids::NodeId;
use crate::inventory::{Inventory, News};
use crate::plan::Plan;
use crate::run::{Found, Gathered, Grounds, Left, Sink, grounds, search, used};

use super::args::{Choice, Target};
use super::inventory::Kept;

/// The past of a plan, and where to look for what is left of it.
pub(super) struct Past {
    kept: Kept,
    plan: Arc<Plan>,
    /// Where to look; nowhere if only a part of the plan is meant, which tells nothing of what left it.
    pub(super) grounds: Grounds,
    /// The accounts that could not be reached.
    pub(super) unreached: Vec<AccountError>,
    heard: Arc<Mutex<News>>,
}

impl Past {
    /// Reads the inventory of a plan.
    pub(super) async fn open(plan: &Arc<Plan>, choice: &Choice, target: &Target, environment: &Environment) -> Self {
        let mut past = Self::blind(plan, target, environment).await;
        if choice.only.is_empty() && choice.skip.is_empty() {
            past.grounds = grounds(plan, past.inventory());
        }
        past
    }

    /// The same for whoever looks nowhere.
    pub(super) async fn blind(plan: &Arc<Plan>, target: &Target, environment: &Environment) -> Self {
        let mut kept = Kept::open(plan, target, environment).await;
        kept.inventory.rename(&renamed(plan));
        let (grounds, unreached, heard) = (Grounds::default(), Vec::new(), Arc::default());
        Self { kept, plan: Arc::clone(plan), grounds, unreached, heard }
    }

    /// What is remembered.
    pub(super) fn inventory(&self) -> &Inventory {
        &self.kept.inventory
    }

    /// Looks for what left the plan; `everything` says that the plan's own is to be deleted, too.
    pub(super) async fn search(&self, sessions: &Sessions, everything: bool) -> Found {
        search(&self.plan, self.inventory(), &self.grounds, sessions, &self.unreached, everything).await
    }

    /// Writes the accounts down that are about to be used: should the run be broken off, they are found again.
    pub(super) async fn note_accounts(&mut self) {
        let accounts = used(&self.plan);
        self.kept.add(News { accounts, renamed: renamed(&self.plan), ..News::default() }).await;
    }

    /// The same sink, by way of one that listens.
    pub(super) fn listening(&self, sink: Sink) -> Sink {
        let heard = Arc::clone(&self.heard);
        Arc::new(move |event: Event| {
            if let Event::NodeDone { node, change, took_ms, .. } = &event
                && change.is_change()
            {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.took.push((node.clone(), *change, *took_ms));
            }
            sink(event);
        })
    }

    /// Writes down what the run has done.
    pub(super) async fn note_run(&mut self, gathered: &Gathered, left: Option<&Left>) {
        let mut news = std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        (news.laid, news.gone) = (gathered.laid(), gathered.lifted());
        news.worked = gathered.worked();
        // What it was called before may stand in the file yet: only then is it found there.
        news.renamed = renamed(&self.plan);
        if let Some(left) = left {
            news.gone.extend(left.gone.iter().cloned());
            news.emptied.clone_from(&left.emptied);
        }
        self.kept.add(news).await;
    }
}

/// What the plan's nodes were called before, and what they are called now.
fn renamed(plan: &Plan) -> Vec<(NodeId, NodeId)> {
    plan.nodes.iter().filter_map(|node| Some((node.formerly.clone()?, node.id.clone()))).collect()
}
