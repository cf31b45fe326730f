//! What one run has to tell.

use std::collections::BTreeMap;

use super::{Account, Inventory, Laid};
use crate::event::Change;
use crate::ids::{AccountId, NodeId};

/// What one run adds to the inventory. Nothing in it depends on what the inventory was before, so it can be taken into
/// whatever another run has written meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Accounts that it uses, with the regions in which it does.
    pub accounts: Vec<(AccountId, Account)>,
    /// Accounts that the plan has no more and in which nothing is left.
    pub emptied: Vec<AccountId>,
    /// Routes that it made.
    pub laid: Vec<Laid>,
    /// Routes that are not there any more, or lead elsewhere.
    pub gone: Vec<Laid>,
    /// How long nodes took, in milliseconds.
    pub took: Vec<(NodeId, Change, u64)>,
    /// How long AWS's own operations took over them, in milliseconds.
    pub worked: Vec<(NodeId, Change, u64)>,
    /// What nodes were called before, and what they are called now: what is remembered of them goes on by that name.
    pub renamed: Vec<(NodeId, NodeId)>,
}

impl News {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Inventory {
    /// Adds what a run has to tell.
    pub fn take_in(&mut self, news: News) {
        for (id, account) in news.accounts {
            let known = self.accounts.remove(&id).map(|known| known.regions).unwrap_or_default();
            let mut account = account;
            account.regions.extend(known);
            self.accounts.insert(id, account);
        }
        for id in news.emptied {
            self.accounts.remove(&id);
        }
        self.rename(&news.renamed);
        self.routes.retain(|route| !news.gone.contains(route) && !news.laid.iter().any(|laid| laid.is_at(route)));
        self.routes.extend(news.laid);
        self.routes.sort();
        self.routes.dedup();
        for (node, change, took_ms) in news.took {
            self.durations.add(node, change, took_ms);
        }
        for (node, change, took_ms) in news.worked {
            self.operations.add(node, change, took_ms);
        }
    }

    /// Remembers by their present names what is known of nodes that were called something else: routes bear no tags, so
    /// nothing else tells whose they are.
    pub fn rename(&mut self, renamed: &[(NodeId, NodeId)]) {
        let renamed: BTreeMap<&NodeId, &NodeId> = renamed.iter().map(|(from, to)| (from, to)).collect();
        for route in &mut self.routes {
            if let Some(to) = renamed.get(&route.node) {
                route.node = (*to).clone();
            }
        }
        for (from, to) in renamed {
            self.durations.rename(from, to);
            self.operations.rename(from, to);
        }
    }
}
