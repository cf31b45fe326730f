//! Two who want one lock, on the embedded AWS's own bucket and a paused clock.

use std::cell::Cell;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::aws::{AccountSpec, Bucket, Environment, Sessions};
use crate::sim::s3::Bucket as Made;
use crate::sim::{Effect, Fault, Faults, Place as At, Sim, World};

const HUB: &str = "111111111111";
const KEY: &str = "orch/locks/net.json";
const OBJECT: &str = "acme-orch/orch/locks/net.json";
const NO_WAIT: Duration = Duration::ZERO;

thread_local! {
    /// How far the clock on the wall was set, in milliseconds.
    static SET: Cell<i64> = const { Cell::new(0) };
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The clock on the wall: it runs with the other one, and can be set.
fn wall() -> Timestamp {
    let began = BEGAN.get().unwrap_or_else(|| {
        let now = Instant::now();
        BEGAN.set(Some(now));
        now
    });
    let passed = i64::try_from(began.elapsed().as_millis()).unwrap();
    Timestamp::from_millisecond(1_796_054_701_000 + passed + SET.get()).unwrap()
}

/// An embedded AWS with a bucket, and the place of a lock in it.
async fn place() -> (Sim, Place) {
    let sim = Sim::builder().build();
    let make = |world: &mut World| {
        let place = At { account: HUB.parse().unwrap(), region: "us-east-1".into() };
        world.buckets.insert("acme-orch".to_owned(), Made { place, created: world.now });
    };
    sim.change(make).unwrap();
    let keys = sim.clone();
    let environment = Environment::given(sim.http_client(), sim.time_source(), move |_| Some(keys.credentials(HUB)));
    let specs = IndexMap::from([("hub".into(), AccountSpec::new(HUB.parse().unwrap(), "us-east-1".into()))]);
    let sessions = Sessions::open(&specs, &environment).await.unwrap();
    let regional = sessions.region(&"hub".into(), &"us-east-1".into()).unwrap();
    let bucket = Bucket { name: "acme-orch".to_owned(), owner: None, kms_key: None };
    (sim, Place { regional, bucket, key: KEY.to_owned(), plan: "net".to_owned(), now: wall })
}

fn holder(name: &str) -> Holder {
    Holder {
        by: Some(format!("{name}@laptop")),
        pid: 7,
        command: "apply".to_owned(),
        since: wall(),
        token: format!("token of {name}"),
    }
}

async fn take(place: &Place, name: &str, wait: Duration) -> Result<Held, NotTaken> {
    place.take(holder(name), wait, |_| {}).await
}

/// Who has the lock, by what stands in the bucket.
fn has(sim: &Sim) -> Option<String> {
    let text = sim.inspect(|world| world.objects.get(OBJECT).map(|object| object.text.clone())).unwrap()?;
    let locked: Locked = serde_json::from_str(&text).unwrap();
    locked.holder.map(|holder| holder.token)
}

fn puts(sim: &Sim) -> usize {
    sim.calls().iter().filter(|call| call.operation == "PutObject").count()
}

#[track_caller]
fn is_held_by(taken: Result<Held, NotTaken>, name: &str) {
    match taken {
        Err(NotTaken::Held { holder: other, .. }) => assert_eq!(other.token, format!("token of {name}")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_who_want_it_at_once_one_gets_it_and_the_other_hears_of_whom() {
    let (_sim, place) = place().await;
    let (one, other) = tokio::join!(take(&place, "one", NO_WAIT), take(&place, "other", NO_WAIT));
    let (held, refused, name) = match (one, other) {
        (Ok(held), refused) => (held, refused, "one"),
        (refused, Ok(held)) => (held, refused, "other"),
        neither => panic!("{neither:?}"),
    };
    is_held_by(refused, name);
    assert_eq!(held.certain().await, Ok(()));
    // Nothing waits by itself.
    let began = Instant::now();
    is_held_by(take(&place, "third", NO_WAIT).await, name);
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_had_at_once_and_what_is_waited_for_soon() {
    let (sim, place) = place().await;
    let held = take(&place, "one", NO_WAIT).await.unwrap();
    held.give_back().await.unwrap();
    assert_eq!(has(&sim), None);
    let held = take(&place, "two", NO_WAIT).await.unwrap();
    let told = std::sync::Mutex::new(Vec::new());
    let waiting = place.take(holder("three"), Duration::from_mins(10), |other| {
        told.lock().unwrap().push(other.token.clone());
    });
    let giving_back = async {
        sleep(Duration::from_secs(100)).await;
        held.give_back().await.unwrap();
    };
    let began = Instant::now();
    let (taken, ()) = tokio::join!(waiting, giving_back);
    let waited = began.elapsed();
    assert!(waited >= Duration::from_secs(100) && waited < Duration::from_secs(110), "{waited:?}");
    assert_eq!(*told.lock().unwrap(), ["token of two"], "told once");
    assert_eq!(taken.unwrap().certain().await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_renews_it_keeps_it_however_long_another_waits() {
    let (sim, place) = place().await;
    let held = take(&place, "one", NO_WAIT).await.unwrap();
    let began = Instant::now();
    is_held_by(take(&place, "other", Duration::from_mins(30)).await, "one");
    assert!(began.elapsed() >= Duration::from_mins(30));
    assert_eq!((held.certain().await, has(&sim).as_deref()), (Ok(()), Some("token of one")));
}

#[tokio::test(start_paused = true)]
async fn the_lock_of_a_killed_holder_is_taken_over_when_its_mark_has_not_changed_for_the_time() {
    let (sim, place) = place().await;
    // Its keeper is gone, and nothing was given back.
    drop(take(&place, "killed", NO_WAIT).await.unwrap());
    sleep(Duration::from_hours(5)).await;
    // How long it stands there already only a clock of somebody else's tells.
    is_held_by(take(&place, "hasty", Duration::from_secs(59)).await, "killed");
    SET.set(48 * 3_600_000);
    let began = Instant::now();
    let held = take(&place, "other", Duration::from_mins(5)).await.unwrap();
    assert!(began.elapsed() >= TTL && began.elapsed() < TTL + Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!((held.certain().await, has(&sim).as_deref()), (Ok(()), Some("token of other")));
}

#[tokio::test(start_paused = true)]
async fn of_two_who_wait_for_a_killed_one_both_do_not_get_it() {
    let (_sim, place) = place().await;
    drop(take(&place, "killed", NO_WAIT).await.unwrap());
    let wait = Duration::from_mins(3);
    let (one, other) = tokio::join!(take(&place, "one", wait), take(&place, "other", wait));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_slept_looks_before_it_acts() {
    let (sim, place) = place().await;
    let held = take(&place, "sleeper", NO_WAIT).await.unwrap();
    assert_eq!((held.certain().await, puts(&sim)), (Ok(()), 1), "what was just written is not looked at");
    // The machine slept for an hour: the clock that nobody can set stood still meanwhile.
    SET.set(3_600_000);
    assert_eq!(held.certain().await, Ok(()));
    assert_eq!(puts(&sim), 2, "it has looked, and nobody had taken it");
    SET.set(2 * 3_600_000);
    // This time somebody had.
    place.take_from(&holder("sleeper"), "break").await.unwrap();
    let thief = take(&place, "thief", NO_WAIT).await.unwrap();
    let lost = held.certain().await.unwrap_err();
    assert_eq!(lost.to.map(|other| other.token).as_deref(), Some("token of thief"));
    assert_eq!((thief.certain().await, has(&sim).as_deref()), (Ok(()), Some("token of thief")));
    // Nor is it given back for the other one.
    held.give_back().await.unwrap();
    assert_eq!(has(&sim).as_deref(), Some("token of thief"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_or_forth_costs_a_look_and_loses_nothing() {
    let (_sim, place) = place().await;
    let held = take(&place, "one", NO_WAIT).await.unwrap();
    for hours in [5, -7, 3, -1] {
        SET.set(SET.get() + hours * 3_600_000);
        assert_eq!(held.certain().await, Ok(()), "{hours}");
        sleep(Duration::from_secs(90)).await;
        is_held_by(take(&place, "other", Duration::from_secs(70)).await, "one");
    }
}

#[tokio::test(start_paused = true)]
async fn it_can_be_broken_on_purpose_and_its_holder_notices() {
    let (sim, place) = place().await;
    assert_eq!(place.holder().await.unwrap(), None);
    assert!(!place.take_from(&holder("one"), "break").await.unwrap(), "nobody has it");
    let held = take(&place, "one", NO_WAIT).await.unwrap();
    assert!(!place.take_from(&holder("other"), "break").await.unwrap(), "that is somebody else's");
    let (found, _) = place.holder().await.unwrap().unwrap();
    assert_eq!(found.by.as_deref(), Some("one@laptop"));
    assert!(place.take_from(&found, "break").await.unwrap());
    assert_eq!(has(&sim), None);
    let began = Instant::now();
    assert_eq!(held.lost().await, Lost { to: None });
    assert!(began.elapsed() <= RENEWED + Duration::from_secs(1));
    assert_eq!(held.certain().await, Err(Lost { to: None }));
    assert_eq!(has(&sim), None, "it is not taken back");
}

#[tokio::test(start_paused = true)]
async fn one_that_was_deleted_is_lost() {
    let (sim, place) = place().await;
    let held = take(&place, "one", NO_WAIT).await.unwrap();
    sim.change(|world| drop(world.objects.remove(OBJECT))).unwrap();
    assert_eq!(held.lost().await, Lost { to: None });
}

#[tokio::test(start_paused = true)]
async fn conflicts_and_lost_answers_are_gone_over_and_it_has_one_holder() {
    for effect in [Effect::Conflict, Effect::LostAfter, Effect::LostBefore, Effect::ServerError, Effect::Refused] {
        for nth in 1..=4 {
            let (sim, place) = place().await;
            let put = Fault::new(effect).on("PutObject").nth(nth);
            // Only what writes on a condition conflicts.
            let get = Some(Fault::new(effect).on("GetObject").nth(nth)).filter(|_| effect != Effect::Conflict);
            sim.set_faults(Faults::of([Some(put), get].into_iter().flatten()));
            let held = take(&place, "one", NO_WAIT).await.unwrap();
            assert_eq!(has(&sim).as_deref(), Some("token of one"), "{effect:?} {nth}");
            is_held_by(take(&place, "other", Duration::from_secs(130)).await, "one");
            assert_eq!(held.certain().await, Ok(()), "{effect:?} {nth}");
            held.give_back().await.unwrap();
            assert_eq!(has(&sim), None, "{effect:?} {nth}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn while_s3_is_out_of_order_nothing_begins_and_after_that_it_is_held_as_before() {
    let (sim, place) = place().await;
    let held = take(&place, "one", NO_WAIT).await.unwrap();
    sim.set_faults(Faults::of([
        Fault::new(Effect::ServerError).on("PutObject"),
        Fault::new(Effect::ServerError).on("GetObject"),
    ]));
    sleep(Duration::from_secs(30)).await;
    assert!(timeout(Duration::from_millis(1), held.certain()).await.is_ok(), "it was written half a minute ago");
    sleep(Duration::from_secs(30)).await;
    assert!(timeout(Duration::from_mins(10), held.certain()).await.is_err(), "nobody knows whose it is");
    sim.set_faults(Faults::default());
    assert_eq!(held.certain().await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_lock_is_not_taken_over() {
    let (sim, place) = place().await;
    let regional = place.regional.clone();
    for text in ["{ half", "{\"lock\":9,\"plan\":\"net\",\"beat\":1,\"renewed\":1}"] {
        sim.change(|world| drop(world.objects.remove(OBJECT))).unwrap();
        regional.replace(&place.bucket, KEY, text, None).await.unwrap().unwrap();
        let Err(NotTaken::Failed(failure)) = take(&place, "one", Duration::from_mins(5)).await else {
            panic!("{text}")
        };
        assert!(failure.to_string().contains("is no lock of this orch"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_not_there_is_told_with_what_must_be() {
    let (sim, place) = place().await;
    sim.change(|world| drop(world.buckets.remove("acme-orch"))).unwrap();
    let Err(NotTaken::Failed(failure)) = take(&place, "one", NO_WAIT).await else { panic!("there is no bucket") };
    assert!(failure.to_string().contains("NoSuchBucket"), "{failure}");
    assert!(failure.help.last().unwrap().starts_with("bucket acme-orch must exist"), "{:?}", failure.help);
}
