//! What an account has in a region, listed once and shared by all who ask.
//!
//! Whoever asks first has stacks, peerings or route tables listed, each by the pages of one call; the others wait for
//! that, and are answered without one. What we have written since is asked for by itself, and a listing that is older
//! than [`AT_MOST`] is taken anew. An answer may still be that old, so it is good for deciding that nothing is to be done, or
//! for finding that something is not there yet; whoever means to change something looks again, past the picture.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::call::{CallError, Class};
use super::cloudformation::Stack;
use super::ec2::{Peering, PeeringSide, Route, RouteTable};
use super::pairs::Pairs;
use super::regional::Regional;
use super::written::{FIRST, Led, Place, Since, Thing, Tick, Written};

/// How old a listing may become.
const AT_MOST: Duration = Duration::from_mins(5);

/// When a look began.
#[derive(Clone, Copy, Debug)]
struct Seen {
    tick: Tick,
    at: Instant,
}

impl Seen {
    fn now(written: &Written) -> Self {
        Self { tick: written.tick(), at: Instant::now() }
    }

    fn counts(self, written: &Written) -> bool {
        written.counts(self.tick) && self.at.elapsed() < AT_MOST
    }
}

/// A moment in the order of one's own looks and writes.
#[derive(Clone, Copy, Debug)]
pub struct Moment(Tick);

/// What one listing showed, by name or id.
#[derive(Debug)]
struct Listing<T> {
    seen: Seen,
    things: HashMap<String, (Seen, T)>,
}

/// Things of one sort, which are listed together.
#[derive(Debug)]
struct Shelf<T> {
    listing: Mutex<Option<Listing<T>>>,
    /// Held while a listing is under way, with the last refusal of one and when it came.
    turn: tokio::sync::Mutex<Option<(Tick, CallError)>>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { listing: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }
}

impl<T> Shelf<T> {
    // Every change under this lock is whole.
    fn lock(&self) -> MutexGuard<'_, Option<Listing<T>>> {
        self.listing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the listing if there is one that counts.
    fn read<R>(&self, written: &Written, read: impl FnOnce(&Listing<T>) -> R) -> Option<R> {
        self.lock().as_ref().filter(|listing| listing.seen.counts(written)).map(read)
    }

    /// Sees to it that there is a listing that is good, by making one if need be.
    ///
    /// A failure is everybody's who has waited for that listing. One for want of a permission lasts.
    async fn list<F>(
        &self,
        written: &Written,
        good: impl Fn(&Listing<T>) -> bool,
        list: impl FnOnce() -> F,
    ) -> Result<(), CallError>
    where
        F: Future<Output = Result<HashMap<String, T>, CallError>>,
    {
        let came = written.tick();
        let there = || self.read(written, &good).unwrap_or(false);
        if there() {
            return Ok(());
        }
        let mut turn = self.turn.lock().await;
        if there() {
            return Ok(());
        }
        match &*turn {
            Some((tick, error)) if *tick > came || error.class == Class::Denied => return Err(error.clone()),
            _ => {}
        }
        let seen = Seen::now(written);
        match list().await {
            Ok(found) => {
                let things = found.into_iter().map(|(key, thing)| (key, (seen, thing))).collect();
                *self.lock() = Some(Listing { seen, things });
                Ok(())
            }
            Err(error) => {
                *turn = Some((written.tick(), error.clone()));
                Err(error)
            }
        }
    }
}

/// Templates by what is another whenever the template is: the stack's ARN, its last update and its status.
type Templates = HashMap<(String, Option<i64>, String), Arc<str>>;

/// What one account has in one region, as far as it was looked at.
#[derive(Debug)]
pub(super) struct Picture {
    place: Place,
    written: Arc<Written>,
    stacks: Shelf<Stack>,
    peerings: Shelf<Peering>,
    pairs: Pairs,
    tables: Shelf<RouteTable>,
    /// The VPCs and route tables that stacks here have made just now, and when those were complete.
    new: Mutex<HashMap<String, Seen>>,
    /// Whose turn it is to read the same tables by themselves.
    reading: Mutex<HashMap<Vec<String>, Arc<tokio::sync::Mutex<()>>>>,
    templates: Mutex<Templates>,
}

impl Picture {
    /// An empty one; `written` is shared by all places, since a peering is seen in two.
    pub(super) fn new(place: Place, written: Arc<Written>) -> Self {
        Self {
            place,
            written,
            stacks: Shelf::default(),
            peerings: Shelf::default(),
            pairs: Pairs::default(),
            tables: Shelf::default(),
            new: Mutex::default(),
            reading: Mutex::default(),
            templates: Mutex::default(),
        }
    }

    /// Where it is of.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// What was written.
    pub(super) fn written(&self) -> &Arc<Written> {
        &self.written
    }

    /// Tables by their ids, each with its routes to one destination; `None` if one of them is not to be seen, or not surely.
    /// What was read since `came` is as good as a look of one's own, whatever moves meanwhile.
    fn tables_towards(&self, ids: &[String], destination: &str, came: Option<Tick>) -> Option<Vec<RouteTable>> {
        let written = &self.written;
        let listing = self.tables.lock();
        let listing = listing.as_ref().filter(|listing| listing.seen.counts(written))?;
        ids.iter()
            .map(|id| {
                let (seen, table) = listing.things.get(id)?;
                let is_own = came.is_some_and(|came| seen.tick > came);
                if !is_own && !written.is_same(&Thing::Tables(self.place.clone()), seen.tick) {
                    return None;
                }
                let route = Thing::Route(self.place.clone(), id.clone(), destination.to_owned());
                let led = match written.since(&route, seen.tick) {
                    Since::Same => return Some(towards(table, destination)),
                    Since::Unknown => return None,
                    Since::Led(led) => led,
                };
                let route = match led {
                    Led::To(target) => {
                        let destination = destination.to_owned();
                        Some(Route { destination, targets: vec![target], ..Route::default() })
                    }
                    Led::Nowhere => None,
                };
                Some(table.with_routes(route))
            })
            .collect()
    }

    /// Since when something is there that is new.
    fn new_since(&self, id: &str) -> Option<Seen> {
        let new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        new.get(id).copied().filter(|seen| seen.counts(&self.written))
    }

    /// The same of tables that are new: none was led anywhere since, but by what this process has done. What a stack's own
    /// template or somebody else has put there is not known; EC2 says so to whoever leads it elsewhere.
    fn new_tables_towards(&self, ids: &[String], destination: &str) -> Option<Vec<RouteTable>> {
        ids.iter()
            .map(|id| {
                self.new_since(id)?;
                let route = Thing::Route(self.place.clone(), id.clone(), destination.to_owned());
                // With early outputs a route may be older than the end of its table's stack.
                let targets = match self.written.since(&route, FIRST) {
                    Since::Same | Since::Led(Led::Nowhere) => Vec::new(),
                    Since::Unknown => return None,
                    Since::Led(Led::To(target)) => vec![target],
                };
                let destination = destination.to_owned();
                let route = Some(targets).filter(|targets| !targets.is_empty());
                let routes = route.map(|targets| Route { destination, targets, ..Route::default() });
                Some(RouteTable { id: id.clone(), routes: routes.into_iter().collect(), ..RouteTable::default() })
            })
            .collect()
    }

    /// The turn at tables that must be read by themselves: others who want the same wait for the first.
    fn turn_at(&self, ids: &[String]) -> Arc<tokio::sync::Mutex<()>> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(reading.entry(ids.to_vec()).or_default())
    }

    fn templates(&self) -> MutexGuard<'_, Templates> {
        self.templates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A table with its routes to one destination alone.
fn towards(table: &RouteTable, destination: &str) -> RouteTable {
    table.with_routes(table.routes.iter().filter(|route| route.destination == destination).cloned())
}

/// For a listing that only has to count.
fn any<T>(_: &Listing<T>) -> bool {
    true
}

impl Regional {
    /// A stack by its name, as the listing of all stacks shows it; `None` if there is none. Where not all may be listed, it
    /// is asked for by itself.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through; the same goes for all looks here.
    pub async fn pictured_stack(&self, name: &str) -> Result<Option<Stack>, CallError> {
        let Picture { place, written, stacks, .. } = self.picture();
        match self.list_stacks(any).await {
            Ok(()) => {}
            Err(error) if error.class == Class::Denied => return self.stack(name).await,
            Err(error) => return Err(error),
        }
        let thing = Thing::Stack(place.clone(), name.to_owned());
        let shown = stacks.read(written, |listing| {
            written.is_same(&thing, listing.seen.tick).then(|| listing.things.get(name).map(|(_, stack)| stack.clone()))
        });
        match shown.flatten() {
            Some(stack) => Ok(stack),
            None => self.stack(name).await,
        }
    }

    /// Every stack that the account has here, nested ones too, those aside that are deleted.
    ///
    /// # Errors
    ///
    /// As for [`Regional::pictured_stack`].
    pub async fn pictured_stacks(&self) -> Result<Vec<Stack>, CallError> {
        let Picture { written, stacks, .. } = self.picture();
        self.list_stacks(|listing| written.is_quiet(listing.seen.tick)).await?;
        let all = |listing: &Listing<Stack>| listing.things.values().map(|(_, stack)| stack.clone()).collect();
        let Some(mut found): Option<Vec<Stack>> = stacks.read(written, all) else {
            return self.every_stack().await;
        };
        found.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(found)
    }

    /// The stacks and the peerings of the listings that were read already; nothing is asked.
    pub fn listed(&self) -> (Vec<Stack>, Vec<Peering>) {
        let Picture { written, stacks, peerings, .. } = self.picture();
        let all = |listing: &Listing<Stack>| listing.things.values().map(|(_, stack)| stack.clone()).collect();
        let every = |listing: &Listing<Peering>| listing.things.values().map(|(_, peering)| peering.clone()).collect();
        (stacks.read(written, all).unwrap_or_default(), peerings.read(written, every).unwrap_or_default())
    }

    async fn list_stacks(&self, good: impl Fn(&Listing<Stack>) -> bool) -> Result<(), CallError> {
        let Picture { written, stacks, .. } = self.picture();
        let list = async || {
            let found = self.for_all().every_stack().await?;
            Ok(found.into_iter().map(|stack| (stack.name.clone(), stack)).collect())
        };
        stacks.list(written, good, list).await
    }

    /// The template that a stack was last made of, as it was given. It is asked for once for each state of the stack, since a
    /// template is another only after an update.
    ///
    /// # Errors
    ///
    /// As for [`Regional::pictured_stack`].
    pub async fn known_template(&self, stack: &Stack) -> Result<Arc<str>, CallError> {
        let key = (stack.id.clone(), stack.updated, stack.status.to_string());
        if let Some(known) = self.picture().templates().get(&key) {
            return Ok(Arc::clone(known));
        }
        let template: Arc<str> = self.template(&stack.id).await?.into();
        if stack.status.is_settled() {
            self.picture().templates().insert(key, Arc::clone(&template));
        }
        Ok(template)
    }

    async fn list_peerings(&self, good: impl Fn(&Listing<Peering>) -> bool) -> Result<(), CallError> {
        let Picture { written, peerings, .. } = self.picture();
        let list = async || {
            let found = self.for_all().every_peering().await?;
            Ok(found.into_iter().map(|peering| (peering.id.clone(), peering)).collect())
        };
        peerings.list(written, good, list).await
    }

    /// The peerings of the listing that are wanted; `None` if one of them, or which there are, is not sure.
    fn peerings_where(&self, wanted: impl Fn(&Peering) -> bool) -> Option<Vec<Peering>> {
        let Picture { written, peerings, .. } = self.picture();
        let found = peerings.read(written, |listing| {
            let tick = listing.seen.tick;
            let found = listing.things.values().map(|(_, peering)| peering).filter(|peering| wanted(peering));
            let sure = |id: &str| written.is_same(&Thing::Peering(id.to_owned()), tick);
            let found: Option<Vec<Peering>> = found.map(|peering| sure(&peering.id).then(|| peering.clone())).collect();
            found.filter(|_| written.is_same(&Thing::Peerings, tick))
        });
        found.flatten()
    }

    /// [`Regional::peerings_between`] by the listing of all peerings; `None` if what was written since makes that unsure.
    ///
    /// # Errors
    ///
    /// As for [`Regional::pictured_stack`].
    pub async fn pictured_peerings_between(&self, one: &str, other: &str) -> Result<Option<Vec<Peering>>, CallError> {
        let Picture { written, .. } = self.picture();
        if !written.is_same(&Thing::Peerings, written.tick()) {
            return Ok(None);
        }
        self.list_peerings(any).await?;
        Ok(self.peerings_where(|peering| peering.is_between(one, other)))
    }

    /// The peerings that have a side in another account and region, by the listing of all; `None` if what was written since
    /// makes that unsure.
    ///
    /// # Errors
    ///
    /// As for [`Regional::pictured_stack`].
    pub async fn pictured_peerings_with(&self, other: &Self) -> Result<Option<Vec<Peering>>, CallError> {
        self.list_peerings(any).await?;
        let (account, region) = (other.account_id().as_str(), other.region().as_str());
        let is_there = |side: &PeeringSide| side.account == account && side.region == region;
        Ok(self.peerings_where(|peering| is_there(&peering.requester) || is_there(&peering.accepter)))
    }

    /// This moment: what is looked at from now on is newer.
    pub fn moment(&self) -> Moment {
        Moment(self.picture().written().tick())
    }

    /// [`Regional::peerings_between`] by a look that began after a moment: by the listing of all peerings, if that did, else by
    /// one at all pairs of VPCs that somebody asks for now.
    ///
    /// # Errors
    ///
    /// As for [`Regional::pictured_stack`].
    pub async fn peerings_between_since(
        &self,
        (one, other): (&str, &str),
        since: Moment,
    ) -> Result<Vec<Peering>, CallError> {
        let Picture { written, peerings, pairs, .. } = self.picture();
        let listed = peerings.read(written, |listing| {
            let found = listing.things.values().map(|(_, peering)| peering);
            let found = found.filter(|peering| peering.is_between(one, other)).cloned().collect();
            (listing.seen.tick > since.0).then_some(found)
        });
        if let Some(found) = listed.flatten() {
            return Ok(found);
        }
        let brief = self.briefly();
        let ask = |pairs| Box::pin(brief.peerings_between_all(pairs));
        match pairs.look((one.to_owned(), other.to_owned()), ask).await? {
            Some(found) => Ok(found),
            None => self.peerings_between(one, other).await,
        }
    }

    /// [`Regional::peerings_tagged`] by the listing of all peerings; `None` if what was written since makes that unsure.
    ///
    /// # Errors
    ///
    /// As for [`Regional::pictured_stack`].
    pub async fn pictured_peerings_tagged(&self, tags: &[(&str, &str)]) -> Result<Option<Vec<Peering>>, CallError> {
        self.list_peerings(any).await?;
        Ok(self.peerings_where(|peering| peering.is_tagged(tags)))
    }

    /// A peering by its id, by the listing of all peerings; `None` if it is not among them, or what was written since makes
    /// it unsure.
    ///
    /// # Errors
    ///
    /// As for [`Regional::pictured_stack`].
    pub async fn pictured_peering(&self, id: &str) -> Result<Option<Peering>, CallError> {
        self.list_peerings(any).await?;
        Ok(self.peerings_where(|peering| peering.id == id).and_then(|found| found.into_iter().next()))
    }

    /// Every peering that the account sees here, dead ones too.
    ///
    /// # Errors
    ///
    /// As for [`Regional::pictured_stack`].
    pub async fn pictured_peerings(&self) -> Result<Vec<Peering>, CallError> {
        let Picture { written, peerings, .. } = self.picture();
        self.list_peerings(|listing| written.is_quiet(listing.seen.tick)).await?;
        let all = |listing: &Listing<Peering>| listing.things.values().map(|(_, peering)| peering.clone()).collect();
        let Some(mut found): Option<Vec<Peering>> = peerings.read(written, all) else {
            return self.every_peering().await;
        };
        found.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(found)
    }

    /// Notes VPCs and route tables that a stack here has made just now: hardly anybody else knows of them yet, so that they need
    /// not be looked at before the first peerings and routes are made.
    pub fn note_new(&self, ids: impl IntoIterator<Item = String>) {
        let picture = self.picture();
        let seen = Seen::now(&picture.written);
        let mut new = picture.new.lock().unwrap_or_else(PoisonError::into_inner);
        new.extend(ids.into_iter().map(|id| (id, seen)));
    }

    /// How long ago the stack here was complete that has made something, if that is of this run and new.
    pub fn new_for(&self, id: &str) -> Option<Duration> {
        self.picture().new_since(id).map(|seen| seen.at.elapsed())
    }

    async fn list_tables(&self, good: impl Fn(&Listing<RouteTable>) -> bool) -> Result<(), CallError> {
        let Picture { written, tables, .. } = self.picture();
        let list = async || {
            let found = self.for_all().every_route_table().await?;
            Ok(found.into_iter().map(|table| (table.id.clone(), table)).collect())
        };
        tables.list(written, good, list).await
    }

    /// Route tables by their ids, in no particular order, each with its routes to one destination and no others. Ids that
    /// are not known here are left out. Routes that this process has made or led elsewhere are among them. Of tables that are
    /// new these are all; whoever makes a route there hears from EC2 if its destination is taken.
    ///
    /// # Errors
    ///
    /// As for [`Regional::pictured_stack`].
    pub async fn pictured_routes(&self, ids: &[String], destination: &str) -> Result<Vec<RouteTable>, CallError> {
        let picture = self.picture();
        if let Some(new) = picture.new_tables_towards(ids, destination) {
            return Ok(new);
        }
        self.list_tables(any).await?;
        if let Some(found) = picture.tables_towards(ids, destination, None) {
            return Ok(found);
        }
        let came = picture.written.tick();
        // Hundreds of nodes may put a route each into the same table: one of them reads it for all.
        let turn = picture.turn_at(ids);
        let _turn = turn.lock().await;
        if let Some(found) = picture.tables_towards(ids, destination, Some(came)) {
            return Ok(found);
        }
        let seen = Seen::now(&picture.written);
        let found = self.for_all().route_tables(ids).await?;
        let narrow = found.iter().map(|table| towards(table, destination)).collect();
        if let Some(listing) = picture.tables.lock().as_mut() {
            listing.things.extend(found.into_iter().map(|table| (table.id.clone(), (seen, table))));
        }
        Ok(narrow)
    }

    /// Every route table that the account has here, with all of its routes.
    ///
    /// # Errors
    ///
    /// As for [`Regional::pictured_stack`].
    pub async fn pictured_route_tables(&self) -> Result<Vec<RouteTable>, CallError> {
        let Picture { written, tables, .. } = self.picture();
        self.list_tables(|listing| written.is_quiet(listing.seen.tick)).await?;
        let all = |listing: &Listing<RouteTable>| listing.things.values().map(|(_, table)| table.clone()).collect();
        let Some(mut found): Option<Vec<RouteTable>> = tables.read(written, all) else {
            return self.every_route_table().await;
        };
        found.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(found)
    }
}
