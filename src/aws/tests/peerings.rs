//! Looking at many peerings together.

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;

/// An account whose looks at peerings go by way of a script, which is told how many there were; and how many there were so far.
async fn hub(script: impl Fn(usize) -> Option<Said> + Send + Sync + 'static) -> (Sessions, Regional, Arc<AtomicUsize>) {
    let (sim, looks) = (Sim::builder().build(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&looks);
    let http = between(&sim, move |asked| {
        if asked.operation != "DescribeVpcPeeringConnections" {
            return None;
        }
        script(counted.fetch_add(1, Ordering::Relaxed) + 1)
    });
    let keys = sim.clone();
    let environment = Environment::given(http, sim.time_source(), move |_| Some(keys.credentials(HUB)));
    let sessions = Sessions::open(&plan([("hub", spec(HUB))]), &environment).await.unwrap();
    let regional = sessions.region(&"hub".into(), &"us-east-1".into()).unwrap();
    (sessions, regional, looks)
}

type Seen = Result<Option<Peering>, CallError>;

/// Waits for so many peerings that are due after a while, each in a task of its own.
fn watch(regional: &Regional, count: usize, after: Duration) -> JoinSet<Seen> {
    let mut tasks = JoinSet::new();
    for n in 0..count {
        let regional = regional.clone();
        tasks.spawn(async move { regional.watch_peering(&format!("pcx-{n}")).seen_by(Instant::now() + after).await });
    }
    tasks
}

#[tokio::test(start_paused = true)]
async fn a_look_at_one_that_is_due_takes_others_along_as_far_as_they_cost_no_call() {
    let (_sessions, regional, looks) = hub(|_| None).await;
    let tasks = watch(&regional, 449, Duration::from_mins(1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    assert_eq!(regional.watch_peering("pcx-a").seen_by(began).await.unwrap(), None);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(looks.load(Ordering::Relaxed), 1);
    assert!(joined(tasks).await.into_iter().all(|seen| seen.unwrap().is_none()));
    assert_eq!(looks.load(Ordering::Relaxed), 3, "250 were left, which are due at once");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_or_is_not_answered_is_nobodys_failure() {
    for (hangs, seconds) in [(true, 25), (false, 5)] {
        let said = move || if hangs { Said::Nothing } else { Said::error("InternalFailure", "not today") };
        let (_sessions, regional, looks) = hub(move |nth| (nth == 1).then(said)).await;
        let began = Instant::now();
        let seen = joined(watch(&regional, 300, Duration::from_secs(1))).await;
        assert!(seen.into_iter().all(|seen| seen.unwrap().is_none()));
        assert!(began.elapsed() < Duration::from_secs(seconds), "{:?}", began.elapsed());
        assert_eq!(looks.load(Ordering::Relaxed), 1 + 1 + 2, "one has looked by himself, and then all others together");
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_not_allowed_is_told_to_all() {
    let (_sessions, regional, looks) = hub(|_| Some(Said::error("UnauthorizedOperation", "not you"))).await;
    let seen = joined(watch(&regional, 20, Duration::from_secs(1))).await;
    assert!(seen.into_iter().all(|seen| seen.unwrap_err().class == Class::Denied));
    assert_eq!(looks.load(Ordering::Relaxed), 1);
}
