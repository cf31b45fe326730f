//! What goes: by `apply --prune` what left the plan, by `destroy` everything.

use std::sync::Arc;

use orch::event::{Command, Event};
use orch::preview::Preview;
use orch::run::{Gathered, Job, Left, Looking, WantedRoutes, foresee, foresee_destroy, grounds, search};

use super::cases::{Case, HUB_ALONE, Hand, NO_LINK};
use super::files::Edit;
use super::house::{Ahead, House, Ready, SETTINGS, ready};

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Prune,
    Destroy,
}

/// A live world and a plan by which something goes.
#[derive(Clone, Copy)]
pub(crate) struct Going {
    pub(crate) name: &'static str,
    pub(crate) how: How,
    /// The plan that was applied before, as edits of the files; `None` if none was.
    before: Option<&'static [Edit]>,
    by_hand: &'static [Hand],
    after: &'static [Edit],
    /// Whether something cannot be deleted.
    pub(crate) fails: bool,
}

/// What a preview leaves for the run.
pub(crate) struct Leaving {
    job: Arc<Job>,
    left: Left,
    gathered: Arc<Gathered>,
    ahead: Ahead,
}

impl Leaving {
    /// Deletes the change sets that were made.
    pub(crate) async fn sweep(&self) {
        self.ahead.sweep().await;
    }
}

impl Going {
    /// The world that it begins in.
    pub(crate) fn world(&self) -> Case {
        let Self { name, before, by_hand, after, fails, .. } = *self;
        Case { name, before, by_hand, after, taking: None, reverts_drift: false, fails }
    }
}

impl House {
    /// Shows what would go, as the command line does it.
    pub(crate) async fn preview_going(&self, case: &Going) -> (Preview, Leaving) {
        let Ready { plan, graph, sources } = ready(case.after);
        let inventory = self.inventory.lock().unwrap().clone();
        let ahead = Ahead { outlooks: Arc::default(), change_sets: Arc::default() };
        let looking = Looking {
            sessions: Arc::clone(&self.sessions),
            sources: Arc::clone(&sources),
            outlooks: Arc::clone(&ahead.outlooks),
            change_sets: (case.how == How::Prune).then(|| Arc::clone(&ahead.change_sets)),
        };
        let (all, gathered) = (vec![true; plan.nodes.len()], Arc::<Gathered>::default());
        let grounds = grounds(&plan, &inventory);
        let searching = search(&plan, &inventory, &grounds, &self.sessions, &[], case.how == How::Destroy);
        if case.how == How::Prune {
            let job = Arc::new(Job::apply(Arc::clone(&plan), Arc::clone(&graph), &all).remembering(&inventory));
            let looks = Box::pin(async { tokio::join!(foresee(&job, SETTINGS, looking), searching) });
            let (mut preview, found) = looks.await;
            let left = found.left(&plan, &WantedRoutes::foreseen(&plan, &ahead.outlooks, &sources), &inventory);
            preview.left = Job::prune(plan, &graph, &left).foreseen_left();
            preview.prunes = true;
            return (preview, Leaving { job, left, gathered, ahead });
        }
        let before = Arc::new(Job::before_destroy(Arc::clone(&plan), Arc::clone(&graph), &all));
        let nothing = Ahead { outlooks: Arc::default(), change_sets: Arc::default() };
        self.run(&before, Command::Outputs, Arc::clone(&sources), &gathered, nothing).await;
        let job = Arc::new(Job::destroy(Arc::clone(&plan), &graph, &all).remembering(&inventory));
        let foreseeing = foresee_destroy(&job, SETTINGS, looking, Arc::clone(&gathered));
        let (mut preview, found) = Box::pin(async { tokio::join!(foreseeing, searching) }).await;
        let left = found.left(&plan, &WantedRoutes::given(&plan, &gathered, &sources), &inventory);
        let job = Arc::new(Job::clone(&job).and(&left));
        preview.left = job.foreseen_left();
        (preview, Leaving { job, left, gathered, ahead })
    }

    /// Carries out what was shown: what was told of the plan's nodes, or of all in a destruction, and of what left the plan
    /// once all else had ended well.
    pub(crate) async fn go(&self, case: &Going, leaving: Leaving) -> (Vec<Event>, Vec<Event>) {
        let Leaving { job, left, gathered, ahead } = leaving;
        let Ready { plan, graph, sources } = ready(case.after);
        let command = if case.how == How::Prune { Command::Apply } else { Command::Destroy };
        let told = self.run(&job, command, Arc::clone(&sources), &gathered, ahead).await;
        let failed = told.iter().any(|event| matches!(event, Event::NodeFailed { .. } | Event::NodeSkipped { .. }));
        if case.how == How::Destroy || failed {
            return (told, Vec::new());
        }
        let left = left.without(&WantedRoutes::given(&plan, &gathered, &sources));
        let job = Arc::new(Job::prune(plan, &graph, &left));
        let nothing = Ahead { outlooks: Arc::default(), change_sets: Arc::default() };
        let pruned = self.run(&job, Command::Prune, sources, &gathered, nothing).await;
        (told, pruned)
    }
}

const fn prune(name: &'static str, after: &'static [Edit]) -> Going {
    Going { name, how: How::Prune, before: Some(&[]), by_hand: &[], after, fails: false }
}

const fn destroy(name: &'static str, after: &'static [Edit]) -> Going {
    Going { how: How::Destroy, ..prune(name, after) }
}

/// Another stack alone is in the plan.
const ALONE: [Edit; 7] = [
    HUB_ALONE[0],
    HUB_ALONE[1],
    HUB_ALONE[2],
    HUB_ALONE[3],
    ("plan.toml", "[stacks.hub]", "[stacks.alone]"),
    ("plan.toml", "net-hub", "net-alone"),
    ("plan.toml", "10.0.0.0/16", "10.9.0.0/16"),
];

/// The spoke's stack is another one.
const ANOTHER_SPOKE: [Edit; 2] = [
    ("plan.toml", "name       = \"net-spoke\"", "name       = \"net-branch\""),
    ("plan.toml", "10.1.0.0/16", "10.3.0.0/16"),
];

const PROTECTED_SPOKE: [Edit; 1] =
    [("plan.toml", "name       = \"net-spoke\"\n", "name       = \"net-spoke\"\nprotect    = [\"delete\"]\n")];

/// The route back leads to another destination besides.
const NO_WAY_BACK: [Edit; 1] = [(
    "plan.toml",
    "[routes.back]\naccount      = \"master\"\nroute_tables = [\"{{ stacks.hub.outputs.TableId }}\"]\ndestination  = \"{{ stacks.spoke.outputs.Range }}\"",
    "[routes.back]\naccount      = \"master\"\nroute_tables = [\"{{ stacks.hub.outputs.TableId }}\"]\ndestination  = \"10.7.0.0/16\"",
)];

/// All of them.
pub(crate) fn all() -> Vec<Going> {
    vec![
        prune("nothing left the plan", &[]),
        prune("the spoke and all that leads there left the plan", &HUB_ALONE),
        prune("peering and routes left the plan", &NO_LINK),
        prune("all but another stack left the plan", &ALONE),
        Going {
            by_hand: &[Hand::DeletePeering],
            ..prune("the spoke left the plan and its peering is gone", &HUB_ALONE)
        },
        prune("the spoke is another stack now", &ANOTHER_SPOKE),
        prune("a route leads to another destination now", &NO_WAY_BACK),
        Going {
            before: Some(&PROTECTED_SPOKE),
            fails: true,
            ..prune("a protected stack left the plan and another one that it takes from", &ALONE)
        },
        destroy("everything is destroyed", &[]),
        destroy("everything is destroyed with what left the plan", &HUB_ALONE),
        destroy("everything is destroyed with the stack that the spoke was", &ANOTHER_SPOKE),
        Going { by_hand: &[Hand::DeletePeering], ..destroy("everything is destroyed and the peering is gone", &[]) },
        Going { before: None, ..destroy("nothing is there to be destroyed", &[]) },
    ]
}
