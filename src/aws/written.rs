//! What this process has written since it looked, so that nothing is taken for what is that was only so before.
//!
//! Looks and writes have one order, counted by ticks. Something is as it was seen if no write to it is under way, and the
//! last one was over before the look began. A write counts from before its call is sent, and also when its answer is lost
//! or whoever waits for it goes away.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ids::{AccountId, Region};

/// A moment in the order of looks and writes.
pub(super) type Tick = u64;

/// The moment before all others.
pub(super) const FIRST: Tick = 0;

/// An account, whatever name a plan has for it, in a region.
pub(super) type Place = (AccountId, Region);

/// What a call may write, as far as a picture shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Thing {
    /// A stack, by its name.
    Stack(Place, String),
    /// The route tables of a place and what is in them, as the stacks there make them.
    Tables(Place),
    /// A destination in a route table, by the table's id.
    Route(Place, String, String),
    /// Which peerings there are, in whatever place: each is seen in two.
    Peerings,
    /// A peering, by its id.
    Peering(String),
    /// Something that no picture shows.
    Apart,
}

/// Where a destination leads, by our own last write to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Led {
    /// To this target.
    To(String),
    /// Nowhere: its route is deleted.
    Nowhere,
}

/// What is known of a thing that was looked at at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// It is as it was then.
    Same,
    /// It was written since, and this is how it is now.
    Led(Led),
    /// It was written since: only AWS knows how it is.
    Unknown,
}

/// The writes to one thing.
#[derive(Debug, Default)]
struct Mark {
    /// How many are under way.
    under_way: usize,
    /// Whether several were under way at once, so that nobody knows which came last.
    mixed: bool,
    /// When the last one ended.
    ended: Tick,
    /// What the last one came to, where that is known.
    led: Option<Led>,
}

/// What was written so far.
#[derive(Debug, Default)]
pub(super) struct Written(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    tick: Tick,
    marks: HashMap<Thing, Mark>,
    /// The stacks that we have begun to change and not seen at rest since.
    moving: HashSet<(Place, String)>,
    /// Looks from before this moment count no longer.
    anew: Tick,
}

impl State {
    fn next(&mut self) -> Tick {
        self.tick += 1;
        self.tick
    }

    fn begin(&mut self, thing: Thing) {
        if thing == Thing::Apart {
            return;
        }
        let mark = self.marks.entry(thing).or_default();
        mark.mixed |= mark.under_way > 0;
        mark.under_way += 1;
    }

    fn end(&mut self, thing: &Thing, led: Option<Led>) {
        if *thing == Thing::Apart {
            return;
        }
        let ended = self.next();
        let mark = self.marks.entry(thing.clone()).or_default();
        mark.under_way = mark.under_way.saturating_sub(1);
        mark.ended = ended;
        mark.led = led.filter(|_| !mark.mixed);
        mark.mixed &= mark.under_way > 0;
    }
}

impl Written {
    /// A moment that comes after all that were given before.
    pub(super) fn tick(&self) -> Tick {
        self.lock().next()
    }

    /// Has every look count no longer that was taken before.
    pub(super) fn look_anew(&self) {
        let mut state = self.lock();
        state.anew = state.next();
    }

    /// Whether a look counts still.
    pub(super) fn counts(&self, seen: Tick) -> bool {
        seen > self.lock().anew
    }

    /// Notes a write for as long as its call is under way.
    pub(super) fn writing(self: &Arc<Self>, thing: Thing) -> Writing {
        self.lock().begin(thing.clone());
        Writing { written: Arc::clone(self), thing, led: None }
    }

    /// What is known of a thing that was seen at a moment.
    pub(super) fn since(&self, thing: &Thing, seen: Tick) -> Since {
        match self.lock().marks.get(thing) {
            None => Since::Same,
            Some(mark) if mark.under_way > 0 => Since::Unknown,
            Some(mark) if mark.ended < seen => Since::Same,
            Some(mark) => mark.led.clone().map_or(Since::Unknown, Since::Led),
        }
    }

    /// Whether something is as it was seen at a moment.
    pub(super) fn is_same(&self, thing: &Thing, seen: Tick) -> bool {
        self.since(thing, seen) == Since::Same
    }

    /// Whether nothing at all was written since a moment.
    pub(super) fn is_quiet(&self, seen: Tick) -> bool {
        self.lock().marks.values().all(|mark| mark.under_way == 0 && mark.ended < seen)
    }

    /// Notes that a stack begins to change: until it rests, its resources may be other than they are seen, be it route
    /// tables of its place or peerings with any other. Says whether it was at rest so far.
    pub(super) fn moves(&self, place: &Place, stack: &str) -> bool {
        let mut state = self.lock();
        let begins = state.moving.insert((place.clone(), stack.to_owned()));
        if begins {
            state.begin(Thing::Tables(place.clone()));
            state.begin(Thing::Peerings);
        }
        begins
    }

    /// Notes that a stack is at rest, whoever has changed it.
    pub(super) fn rests(&self, place: &Place, stack: &str) {
        let mut state = self.lock();
        if !state.moving.remove(&(place.clone(), stack.to_owned())) {
            state.begin(Thing::Tables(place.clone()));
            state.begin(Thing::Peerings);
        }
        state.end(&Thing::Tables(place.clone()), None);
        state.end(&Thing::Peerings, None);
        // Its status, parameters and outputs are others as well.
        let stack = Thing::Stack(place.clone(), stack.to_owned());
        state.begin(stack.clone());
        state.end(&stack, None);
    }

    // Every change under this lock is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write that is under way until this is dropped.
#[derive(Debug)]
pub(super) struct Writing {
    written: Arc<Written>,
    thing: Thing,
    led: Option<Led>,
}

impl Writing {
    /// Ends a write whose effect is known.
    pub(super) fn led(mut self, led: Led) {
        self.led = Some(led);
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.written.lock().end(&self.thing, self.led.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        ("111111111111".parse().unwrap(), "us-east-1".into())
    }

    fn route() -> Thing {
        Thing::Route(place(), "rtb-1".to_owned(), "10.0.0.0/20".to_owned())
    }

    fn to(target: &str) -> Led {
        Led::To(target.to_owned())
    }

    #[test]
    fn a_thing_is_as_it_was_seen_until_a_write_begins() {
        let written = Arc::new(Written::default());
        let before = written.tick();
        assert_eq!(written.since(&route(), before), Since::Same);
        let writing = written.writing(route());
        let during = written.tick();
        assert_eq!(written.since(&route(), before), Since::Unknown);
        assert_eq!(written.since(&route(), during), Since::Unknown);
        // Dropped, as when its answer is lost.
        drop(writing);
        assert_eq!(written.since(&route(), during), Since::Unknown, "the look began before the write had ended");
        assert_eq!(written.since(&route(), written.tick()), Since::Same);
        assert_eq!(written.since(&Thing::Peering("pcx-1".to_owned()), before), Since::Same, "nobody wrote it");
    }

    #[test]
    fn the_effect_of_a_write_is_known_if_none_was_beside_it() {
        let written = Arc::new(Written::default());
        let before = written.tick();
        written.writing(route()).led(to("pcx-1"));
        assert_eq!(written.since(&route(), before), Since::Led(to("pcx-1")));
        written.writing(route()).led(Led::Nowhere);
        assert_eq!(written.since(&route(), before), Since::Led(Led::Nowhere));
        let (one, other) = (written.writing(route()), written.writing(route()));
        one.led(to("pcx-1"));
        other.led(to("pcx-2"));
        assert_eq!(written.since(&route(), before), Since::Unknown);
        written.writing(route()).led(to("pcx-3"));
        assert_eq!(written.since(&route(), before), Since::Led(to("pcx-3")));
    }

    #[test]
    fn until_a_stack_rests_nothing_that_it_may_make_is_sure() {
        let written = Arc::new(Written::default());
        let before = written.tick();
        let tables = Thing::Tables(place());
        written.moves(&place(), "net");
        written.moves(&place(), "net");
        let during = written.tick();
        assert!(!written.is_same(&tables, during) && !written.is_same(&Thing::Peerings, during));
        written.rests(&place(), "net");
        assert!(
            !written.is_same(&tables, during) && !written.is_same(&Thing::Stack(place(), "net".to_owned()), during)
        );
        let after = written.tick();
        assert!(written.is_same(&tables, after) && written.is_same(&Thing::Peerings, after));
        // What somebody else began, and we have waited for.
        written.rests(&place(), "net");
        assert!(!written.is_same(&tables, after) && written.is_same(&tables, written.tick()));
        let elsewhere = Thing::Tables((place().0, "us-west-2".into()));
        assert!(written.is_same(&elsewhere, before));
    }

    #[test]
    fn looks_from_before_count_no_longer_when_it_is_looked_anew() {
        let written = Written::default();
        let before = written.tick();
        assert!(written.counts(before));
        written.look_anew();
        assert!(!written.counts(before) && written.counts(written.tick()));
    }
}
