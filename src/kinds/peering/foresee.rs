//! What a run would do with a peering.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::super::adopt::STANDS;
use super::super::expected::{given, known, until};
use super::super::{Adopt, Expected, Failure, Outlook, Owner, Regional};
use super::adopted::is_marked;
use super::decide::{Decision, Direction, dead, decide};
use super::find::{outputs, owned_by_picture};
use super::glance::{Glance, glance};
use super::options::{dns_line, dns_to_set, from_both, tags_to_set};
use super::{Side, Sides, Wanted};
use crate::aws::{Peering, PeeringState};
use crate::preview::{Action, Difference, Shown};

/// One side of a peering as the plan wants it, as far as its values are known before the run.
#[derive(Clone, Debug)]
pub struct DraftSide {
    /// The VPC.
    pub vpc: Expected,
    /// Whether names of this side's hosts resolve to private addresses for the other side.
    pub dns: Option<bool>,
}

/// A peering as the plan wants it, as far as its values are known before the run.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The side that asks.
    pub requester: DraftSide,
    /// The side that accepts.
    pub accepter: DraftSide,
    /// The tags that the plan gives.
    pub tags: IndexMap<String, Expected>,
    /// The node that the peering belongs to.
    pub owner: Owner,
    /// What becomes of a live peering between the two VPCs that does not bear the node's tags.
    pub adopt: Adopt,
}

/// What stands at AWS: peerings that are dead vanish by themselves.
fn live<'a>(found: impl IntoIterator<Item = &'a Peering>) -> BTreeMap<String, String> {
    let live = found.into_iter().filter(|peering| peering.state.is_live());
    live.map(|peering| (format!("peering {}", peering.id), peering.state.to_string())).collect()
}

impl Draft {
    /// What the plan wants of it.
    pub fn wanted(&self, accepter: &Regional) -> BTreeMap<String, String> {
        // Named one by one, so that whatever a peering is wanted to have besides is decided on here too.
        let Self { requester, accepter: accepting, tags, adopt, owner: _ } = self;
        let dns = |side: &DraftSide| side.dns.map_or_else(|| "as it is".to_owned(), |dns| dns.to_string());
        let mut facts = BTreeMap::from([
            ("requester's VPC".to_owned(), requester.vpc.text().to_owned()),
            ("requester's DNS".to_owned(), dns(requester)),
            ("accepter".to_owned(), accepter.to_string()),
            ("accepter's VPC".to_owned(), accepting.vpc.text().to_owned()),
            ("accepter's DNS".to_owned(), dns(accepting)),
            ("adopt".to_owned(), adopt.is_wanted().to_string()),
        ]);
        facts.extend(tags.iter().map(|(key, value)| (format!("tag {key}"), value.text().to_owned())));
        facts
    }

    /// The peering as it is wanted, if both VPCs are known; tags that are not are left out.
    fn known(&self) -> Option<Wanted> {
        let side = |side: &DraftSide| Some(Side { vpc: side.vpc.known()?.to_owned(), dns: side.dns });
        Some(Wanted {
            requester: side(&self.requester)?,
            accepter: side(&self.accepter)?,
            tags: known(&self.tags),
            owner: self.owner.clone(),
            adopt: self.adopt,
        })
    }
}

/// Looks at a peering from both sides and says what a run would do with it.
///
/// # Errors
///
/// It would fail: says why and what to do.
pub async fn foresee(requester: &Regional, accepter: &Regional, draft: &Draft) -> Result<Outlook, Failure> {
    let sides = Sides { requester, accepter };
    let outlook = |action, name: &str| Outlook::new(requester, &draft.owner, name, action);
    let until = until([&draft.requester.vpc, &draft.accepter.vpc].into_iter().chain(draft.tags.values()));
    let Some(wanted) = draft.known() else {
        let found = owned_by_picture(requester, accepter, &draft.owner).await?;
        let facts = live(found.values().map(|(_, peering)| peering));
        let live = found.into_values().map(|(_, peering)| peering).find(|peering| peering.state.is_live());
        // One that is adopted may bear no tags, and is there unless one of its VPCs is yet to be made.
        let fresh =
            [&draft.requester.vpc, &draft.accepter.vpc].into_iter().filter_map(Expected::later).any(|vpc| vpc.fresh);
        let may_be_there = live.is_some() || (draft.adopt != Adopt::Never && !fresh);
        let action = if may_be_there { Action::Unknown } else { Action::Create };
        let mut outlook = outlook(action, live.as_ref().map_or("", |live| live.id.as_str())).until(until);
        outlook.foreseen.tags = given(&draft.tags, |_| false);
        let note = |live: &Peering| {
            let (one, other) = (&live.requester.vpc, &live.accepter.vpc);
            format!("{} is there, {}, between {one} and {other}", live.id, live.state)
        };
        let moved = live.as_ref().and_then(|live| draft.adopt.moved(&draft.owner, &live.tags));
        return Ok(outlook.on(facts).noting(moved).noting(live.as_ref().map(note)));
    };
    let glance = glance(sides, &wanted).await?;
    let is_same = matches!(glance, Glance::Same(_));
    let found = match glance {
        Glance::Absent(dead) => dead,
        Glance::Same(peering) => vec![*peering],
        Glance::Unsure | Glance::Unknown => sides.look(&wanted).await?,
    };
    let facts = live(&found);
    match decide(&wanted, &found) {
        Decision::Refuse(failure) => Err(failure),
        Decision::Request => {
            let mut outlook = outlook(Action::Create, "").until(until);
            outlook.foreseen.tags = given(&draft.tags, |_| false);
            let between = format!("between {} and {}", wanted.requester.vpc, wanted.accepter.vpc);
            Ok(outlook.on(facts).noting([between]).noting(dead(&wanted, &found)))
        }
        Decision::Keep(peering) => {
            let direction = Direction::of(&wanted, &peering);
            let notes = if is_same { Vec::new() } else { left_to_do(sides, &wanted, &peering, direction).await? };
            let strange = !wanted.owner.owns(&peering.tags);
            let marks = is_marked(&wanted, &peering, &notes);
            let tags = tags_to_set(&wanted, &peering, marks);
            let action = match (notes.is_empty() && tags.is_empty(), until.is_empty()) {
                (false, _) => Action::Update,
                (true, true) => Action::Nothing,
                (true, false) => Action::Unknown,
            };
            let adopted = strange.then(|| if marks { ADOPTED } else { STANDS }.to_owned());
            let moved = wanted.adopt.moved(&wanted.owner, &peering.tags);
            let outlook = outlook(action, &peering.id).on(facts).until(until).noting(moved);
            let mut outlook = outlook.noting(adopted).noting(notes);
            let before = |key: &String| peering.tags.get(key).cloned().map(Shown::Text);
            let differ = tags.iter().map(|(name, value)| Difference {
                name: name.clone(),
                before: before(name),
                after: Some(Shown::Text(value.clone())),
            });
            outlook.foreseen.tags = differ.collect();
            outlook.outputs = outputs(&Peering { state: PeeringState::Active, ..(*peering).clone() });
            outlook.id = Some(peering.id.clone());
            Ok(outlook)
        }
    }
}

/// What there is to say of a peering that another has made and that a change makes the node's.
const ADOPTED: &str = "adopted: it does not bear this node's tags, which come with this change";

/// What a peering lacks, tags aside.
pub(super) async fn left_to_do(
    sides: Sides<'_>,
    wanted: &Wanted,
    peering: &Peering,
    direction: Direction,
) -> Result<Vec<String>, Failure> {
    let (_, asked) = sides.as_asked(direction);
    let mut notes = Vec::new();
    match &peering.state {
        PeeringState::Pending => notes.push(format!("accept it in {asked}")),
        PeeringState::Active | PeeringState::Dead(_) => {}
        waiting => notes.push(format!("wait until it is active: it is in {waiting}")),
    }
    let seen = from_both(sides, wanted, peering, direction).await?;
    let dns = dns_to_set(wanted, &seen, direction);
    notes.extend(dns.requester.map(|on| dns_line(on, &peering.requester.vpc)));
    notes.extend(dns.accepter.map(|on| dns_line(on, &peering.accepter.vpc)));
    Ok(notes)
}
