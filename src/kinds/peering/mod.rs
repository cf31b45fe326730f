//! The kind *peering*: a VPC peering connection with both of its sides.

mod accept;
mod activate;
mod adopted;
mod decide;
mod destroy;
mod find;
mod foresee;
mod glance;
mod options;
#[cfg(test)]
mod races_tests;
mod request;
mod standing;
mod take_back;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod together_tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use indexmap::IndexMap;
use tokio::time::Instant;

use self::decide::{Decision, Direction, decide};
use self::foresee::left_to_do;
use self::glance::{Glance, glance};
use self::request::{Requested, request};
use super::adopt::{STANDS, TAKEN};
use super::{Adopt, Change, Course, Done, Failure, Owner, Progress, Regional};
use crate::aws::{Moment, Peering};

pub use destroy::{destroy, destroy_one, foresee_destroy};
pub use find::find;
pub use foresee::{Draft, DraftSide, foresee};
pub use standing::{Views, options, standing};
pub use take_back::{holding, let_go, take_back};

/// One side of a peering as the plan wants it. Account and region are those of the [`Regional`] that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The VPC.
    pub vpc: String,
    /// Whether names of this side's hosts resolve to private addresses for the other side; `None` leaves it as it is.
    pub dns: Option<bool>,
}

/// A peering as the plan wants it, all values worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The side that asks.
    pub requester: Side,
    /// The side that accepts.
    pub accepter: Side,
    /// The tags that the plan gives.
    pub tags: IndexMap<String, String>,
    /// The node that the peering belongs to.
    pub owner: Owner,
    /// What becomes of a live peering between the two VPCs that does not bear the node's tags.
    pub adopt: Adopt,
}

/// For how long hardly anybody knows of a VPC that a stack has made.
const NEW: Duration = Duration::from_secs(30);

/// How long a peering that was just asked for may be unknown to those who look: EC2 is eventually consistent.
const UNKNOWN_AT_MOST: Duration = Duration::from_mins(1);

/// How long a peering may take to become active, or to go away.
const SETTLED_AT_MOST: Duration = Duration::from_mins(10);

/// The pause before the next look at a peering: half a second at first, 5 s in the end. EC2 grants twenty looks a second.
fn pause(age: Duration) -> Duration {
    (age / 10).clamp(Duration::from_millis(500), Duration::from_secs(5))
}

/// Both sides of a peering.
#[derive(Clone, Copy)]
struct Sides<'a> {
    requester: &'a Regional,
    accepter: &'a Regional,
}

impl<'a> Sides<'a> {
    /// The side on which more of the plan's peerings meet, so that one look there shows most; and whether it is the requester's.
    fn busier(self) -> (&'a Regional, bool) {
        let asks = self.requester.peerings_expected() > self.accepter.peerings_expected();
        (if asks { self.requester } else { self.accepter }, asks)
    }

    /// The side that AWS takes for the requester of a live peering, and the one that it takes for the accepter.
    fn as_asked(self, direction: Direction) -> (&'a Regional, &'a Regional) {
        match direction {
            Direction::AsWanted => (self.requester, self.accepter),
            Direction::Reversed => (self.accepter, self.requester),
        }
    }

    /// Whether both VPCs are so new that nothing links the two, or only what was asked for at this moment: AWS gives that
    /// back to whoever asks for another, or lets one of them be accepted, and either is judged.
    fn are_new(self, wanted: &Wanted) -> bool {
        let is_new = |place: &Regional, side: &Side| place.new_for(&side.vpc).is_some_and(|age| age < NEW);
        is_new(self.requester, &wanted.requester) && is_new(self.accepter, &wanted.accepter)
    }

    /// The peerings between the two VPCs as they are seen from both sides. Tags are those of the requesting account:
    /// each account sees its own only.
    async fn look(self, wanted: &Wanted) -> Result<Vec<Peering>, Failure> {
        self.look_between(&wanted.requester.vpc, &wanted.accepter.vpc).await
    }

    async fn look_between(self, one: &str, other: &str) -> Result<Vec<Peering>, Failure> {
        let mut seen = FromBoth::new((one, other), self.requester.peerings_between(one, other).await?);
        if !seen.is_enough() {
            seen.add(self.accepter.peerings_between(one, other).await?);
        }
        self.told(seen).await
    }

    /// What was seen, once the side that has asked for a live peering shows it as well: only there it bears its tags, and without
    /// them it would be judged as somebody else's. Another run may have asked for it between the two looks.
    async fn told(self, mut seen: FromBoth<'_>) -> Result<Vec<Peering>, Failure> {
        let (began, (one, other)) = (Instant::now(), seen.vpcs);
        while seen.is_untold() && began.elapsed() < UNKNOWN_AT_MOST {
            seen.see(self.requester.peerings_between(one, other).await?);
            seen.add(self.accepter.peerings_between(one, other).await?);
            if seen.is_untold() {
                tokio::time::sleep(pause(began.elapsed())).await;
            }
        }
        Ok(seen.found.into_values().collect())
    }

    /// The same, with what both sides see, even where one tells of a live one.
    async fn look_twice(self, wanted: &Wanted) -> Result<Vec<Peering>, Failure> {
        let (one, other) = (wanted.requester.vpc.as_str(), wanted.accepter.vpc.as_str());
        let mut seen = FromBoth::new((one, other), self.requester.peerings_between(one, other).await?);
        seen.add(self.accepter.peerings_between(one, other).await?);
        Ok(seen.found.into_values().collect())
    }

    /// This moment, on each side.
    fn moments(self) -> [Moment; 2] {
        [self.requester.moment(), self.accepter.moment()]
    }

    /// The same as [`Sides::look`] by looks that began after a moment, which are shared with all who want one.
    async fn look_since(self, wanted: &Wanted, [requester, accepter]: [Moment; 2]) -> Result<Vec<Peering>, Failure> {
        let vpcs = (wanted.requester.vpc.as_str(), wanted.accepter.vpc.as_str());
        let mut seen = FromBoth::new(vpcs, self.requester.peerings_between_since(vpcs, requester).await?);
        if !seen.is_enough() {
            seen.add(self.accepter.peerings_between_since(vpcs, accepter).await?);
        }
        self.told(seen).await
    }

    /// The same where the picture has shown none that is alive, or does not tell: whatever was asked for since is seen on the side on
    /// which many meet, and only what is seen there is looked at from the other one. But for the moment that a request takes to
    /// arrive there: of one that is asked for once more AWS gives the same back, and that is judged; of two that were asked
    /// for from opposite sides it lets one be accepted.
    async fn look_again(
        self,
        wanted: &Wanted,
        pictured: Vec<Peering>,
        [requester, accepter]: [Moment; 2],
    ) -> Result<Vec<Peering>, Failure> {
        let (busier, asks) = self.busier();
        let vpcs = (wanted.requester.vpc.as_str(), wanted.accepter.vpc.as_str());
        let found = busier.peerings_between_since(vpcs, if asks { requester } else { accepter }).await?;
        if found.is_empty() {
            return Ok(pictured);
        }
        if !asks {
            let mut seen = FromBoth::new(vpcs, self.requester.peerings_between_since(vpcs, requester).await?);
            seen.add(found);
            return self.told(seen).await;
        }
        let mut seen = FromBoth::new(vpcs, found);
        if !seen.is_enough() {
            seen.add(self.accepter.peerings_between_since(vpcs, accepter).await?);
        }
        self.told(seen).await
    }

    /// The same by the picture of both accounts; `None` where that is not sure.
    async fn glance(self, wanted: &Wanted) -> Result<Option<Vec<Peering>>, Failure> {
        let (one, other) = (wanted.requester.vpc.as_str(), wanted.accepter.vpc.as_str());
        let Some(found) = self.requester.pictured_peerings_between(one, other).await? else { return Ok(None) };
        let mut seen = FromBoth::new((one, other), found);
        if !seen.is_enough() {
            let Some(found) = self.accepter.pictured_peerings_between(one, other).await? else { return Ok(None) };
            seen.add(found);
        }
        Ok(Some(seen.found.into_values().collect()))
    }
}

/// The peerings between two VPCs as the requester's side sees them, and the accepter's where that tells more.
struct FromBoth<'a> {
    vpcs: (&'a str, &'a str),
    found: BTreeMap<String, Peering>,
    /// Those that the side shows which has asked for them.
    told: BTreeSet<String>,
}

impl<'a> FromBoth<'a> {
    fn new(vpcs: (&'a str, &'a str), found: Vec<Peering>) -> Self {
        let mut seen = Self { vpcs, found: BTreeMap::new(), told: BTreeSet::new() };
        seen.see(found);
        seen
    }

    /// The requester's view is enough when it shows a live peering that it asked for itself.
    fn is_enough(&self) -> bool {
        let by_requester = |peering: &&Peering| peering.state.is_live() && peering.requester.vpc == self.vpcs.0;
        self.found.values().filter(by_requester).any(|peering| self.told.contains(&peering.id))
    }

    /// Whether there is a live peering that only the side shows which has not asked for it.
    fn is_untold(&self) -> bool {
        !self.is_enough()
            && self.found.values().any(|peering| peering.state.is_live() && !self.told.contains(&peering.id))
    }

    /// Takes in what the requester's side sees.
    fn see(&mut self, found: Vec<Peering>) {
        self.merge(found, self.vpcs.0);
    }

    /// Takes in what the accepter's side sees.
    fn add(&mut self, found: Vec<Peering>) {
        self.merge(found, self.vpcs.1);
    }

    fn merge(&mut self, found: Vec<Peering>, own: &str) {
        for peering in found {
            let tells = peering.requester.vpc == own;
            if tells {
                self.told.insert(peering.id.clone());
            }
            if tells || !self.found.contains_key(&peering.id) {
                self.found.insert(peering.id.clone(), peering);
            }
        }
    }
}

/// A peering that is all that the plan wants, be it the node's own or not.
fn unchanged(wanted: &Wanted, peering: &Peering) -> Done {
    let strange = !wanted.owner.owns(&peering.tags);
    Done {
        details: strange.then(|| STANDS.to_owned()).into_iter().collect(),
        outputs: find::outputs(peering),
        id: Some(peering.id.clone()),
        ..Done::new(Change::Unchanged)
    }
}

/// Makes the peering what the plan wants, and waits until it is active. Its id is released as soon as it can be accepted:
/// routes may lead into it from then on.
///
/// On ground that is not firm yet, what stands in its way is waited for: it may be gone by then.
///
/// # Errors
///
/// It cannot be done, or was tried and ended badly: says so in AWS's words and what to do.
pub async fn converge(
    requester: &Regional,
    accepter: &Regional,
    wanted: &Wanted,
    course: Course<'_>,
    progress: Progress<'_>,
) -> Result<Done, Failure> {
    let sides = Sides { requester, accepter };
    let came = sides.moments();
    // On ground that may give way it must be sure which peerings are this run's.
    let need_no_look = wanted.adopt == Adopt::Never && course.footing.is_firm() && sides.are_new(wanted);
    let mut found = if need_no_look {
        Vec::new()
    } else {
        match glance(sides, wanted).await? {
            Glance::Same(peering) => return Ok(unchanged(wanted, &peering)),
            Glance::Absent(pictured) => sides.look_again(wanted, pictured, came).await?,
            Glance::Unknown => sides.look_again(wanted, Vec::new(), came).await?,
            Glance::Unsure => sides.look_since(wanted, came).await?,
        }
    };
    let mut decision = decide(wanted, &found);
    if matches!(decision, Decision::Refuse(_)) && !course.footing.is_firm() {
        course.footing.settled().await;
        found = sides.look_since(wanted, sides.moments()).await?;
        decision = decide(wanted, &found);
    }
    let dead = decide::dead(wanted, &found);
    tracing::info!(
        one = wanted.requester.vpc,
        other = wanted.accepter.vpc,
        found = found.len(),
        decision = decision.word(),
        "peering"
    );
    let Requested { peering, is_made, asked_at } = match decision {
        Decision::Request => request(sides, wanted, &found, course, progress).await?,
        Decision::Keep(peering) => Requested { peering: *peering, is_made: false, asked_at: None },
        Decision::Refuse(failure) => return Err(failure),
    };
    let change = if is_made { Change::Created } else { Change::Unchanged };
    let mut details = Vec::new();
    if change == Change::Created {
        details.extend(dead);
    }
    let direction = Direction::of(wanted, &peering);
    let strange = change == Change::Unchanged && !wanted.owner.owns(&peering.tags);
    let marks =
        !strange || adopted::is_marked(wanted, &peering, &left_to_do(sides, wanted, &peering, direction).await?);
    let activate::Activated { peering, line, is_new } =
        activate::activate(sides, wanted, (peering, direction), asked_at, course, progress).await?;
    details.extend(line);
    details.extend(options::tags(sides, wanted, &peering, direction, marks).await?);
    details.extend(options::dns(sides, wanted, (&peering, direction), is_new, progress).await?);
    let change = if change == Change::Unchanged && !details.is_empty() { Change::Updated } else { change };
    if strange {
        details.insert(0, if marks { TAKEN.to_owned() } else { STANDS.to_owned() });
    }
    Ok(Done { details, outputs: find::outputs(&peering), id: Some(peering.id), ..Done::new(change) })
}
