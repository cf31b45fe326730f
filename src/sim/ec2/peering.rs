//! VPC peering connections, which belong to two accounts at once.
//!
//! See <https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html> for the life of one.

use ipnet::{Ipv4Net, Ipv6Net};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Action, Kind, Tags, cidr, vpc};
use crate::sim::seed;
use crate::sim::wire::ApiError;
use crate::sim::world::{Action as TimerAction, Place, World, later};

/// A VPC peering connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peering {
    /// Its id, the same for both sides.
    pub id: String,
    /// Whoever asked for it.
    pub requester: Side,
    /// Whoever has to accept it.
    pub accepter: Side,
    /// How far it is.
    pub status: Status,
    /// More about the status, for people.
    pub message: String,
    /// When a request that nobody accepts expires.
    pub expires: Timestamp,
    /// From when on the accepter can see it.
    visible: Timestamp,
}

/// One side of a peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The account and region of its VPC.
    pub place: Place,
    /// Its VPC.
    pub vpc: String,
    /// The VPC's IPv4 ranges; none while the VPC has not been looked up.
    pub cidr_blocks: Vec<Ipv4Net>,
    /// The VPC's IPv6 ranges.
    pub ipv6_cidr_blocks: Vec<Ipv6Net>,
    /// Whether this side's public DNS names resolve to private addresses when asked for from the other side.
    pub dns: bool,
    /// The tags that this side has given it, and alone sees.
    pub tags: Tags,
}

impl Side {
    fn new(place: Place, vpc: String, tags: Tags) -> Self {
        Self { place, vpc, cidr_blocks: Vec::new(), ipv6_cidr_blocks: Vec::new(), dns: false, tags }
    }

    /// Notes the ranges of its VPC, if that exists.
    fn look_up(&mut self, world: &World) -> bool {
        let Some(vpc) = world.ec2(&self.place).vpcs.get(&self.vpc) else { return false };
        self.cidr_blocks = vpc.ranges().collect();
        self.ipv6_cidr_blocks = vpc.ipv6_cidr_blocks.iter().map(|(_, range)| *range).collect();
        true
    }

    fn overlaps(&self, other: &Self) -> bool {
        let v4 = |own: &Ipv4Net| other.cidr_blocks.iter().any(|theirs| cidr::overlap_v4(*own, *theirs));
        let v6 = |own: &Ipv6Net| other.ipv6_cidr_blocks.iter().any(|theirs| cidr::overlap_v6(*own, *theirs));
        self.cidr_blocks.iter().any(v4) || self.ipv6_cidr_blocks.iter().any(v6)
    }

    fn is(&self, place: &Place, vpc: &str) -> bool {
        self.place == *place && self.vpc == vpc
    }
}

/// How far a peering is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The request is on its way.
    InitiatingRequest,
    /// The request waits for the accepter.
    PendingAcceptance,
    /// It was accepted.
    Provisioning,
    /// Traffic may flow.
    Active,
    /// The request could not be made.
    Failed,
    /// The accepter has refused.
    Rejected,
    /// Nobody has accepted in time.
    Expired,
    /// It is being deleted.
    Deleting,
    /// It is deleted, and still shown for a while.
    Deleted,
}

impl Status {
    const ALL: [Self; 9] = [
        Self::InitiatingRequest,
        Self::PendingAcceptance,
        Self::Provisioning,
        Self::Active,
        Self::Failed,
        Self::Rejected,
        Self::Expired,
        Self::Deleting,
        Self::Deleted,
    ];

    /// Reads what [`Status::as_str`] writes.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// As EC2 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InitiatingRequest => "initiating-request",
            Self::PendingAcceptance => "pending-acceptance",
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

/// What happens to a peering by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The request reaches the accepter.
    Arrive,
    /// Nobody has accepted in time.
    Expire,
    /// What was accepted is provided.
    Activate,
    /// What was deleted is gone.
    Delete,
    /// What is dead is no longer shown.
    Vanish,
}

impl Peering {
    /// Whether it never will be used (again).
    pub fn is_dead(&self) -> bool {
        matches!(self.status, Status::Failed | Status::Rejected | Status::Expired | Status::Deleting | Status::Deleted)
    }

    /// The side whose VPC this is.
    pub fn side_of(&self, place: &Place, vpc: &str) -> Option<&Side> {
        [&self.requester, &self.accepter].into_iter().find(|side| side.is(place, vpc))
    }

    /// The tags as a place sees them. Where both sides are one account in one region they share the requester's.
    pub(crate) fn tags(&self, place: &Place) -> Option<&Tags> {
        [&self.requester, &self.accepter].into_iter().find(|side| side.place == *place).map(|side| &side.tags)
    }

    pub(super) fn tags_mut(&mut self, place: &Place) -> Option<&mut Tags> {
        let sides = [&mut self.requester, &mut self.accepter];
        sides.into_iter().find(|side| side.place == *place).map(|side| &mut side.tags)
    }

    /// Whether a place sees it at a time. Of a look that is behind, its requester does not see it at once either.
    fn is_visible(&self, place: &Place, world: &World) -> bool {
        let (timing, behind) = (&world.rules.timing, world.rules.staleness);
        let shown = |since: Timestamp| later(since, behind) <= world.now;
        let asked_for = || self.visible.checked_sub(timing.peering_visible).unwrap_or(self.visible);
        if self.requester.place == *place {
            return behind.is_zero() || shown(asked_for());
        }
        self.accepter.place == *place && shown(self.visible)
    }

    /// Whether it links two VPCs, either way round, and is or may yet be used.
    fn links(&self, one: (&Place, &str), two: (&Place, &str)) -> bool {
        self.side_of(one.0, one.1).is_some() && self.side_of(two.0, two.1).is_some() && !self.is_dead()
    }

    fn refuse_transition(&self, to: Status) -> ApiError {
        let message = format!(
            "Invalid state transition for {}, attempted to transition from {} to {}",
            self.id,
            self.status.as_str(),
            to.as_str()
        );
        ApiError::new("InvalidStateTransition", message)
    }
}

/// What a new peering is to be like.
#[derive(Clone, Debug)]
pub(crate) struct PeeringRequest {
    /// The requester's VPC.
    pub(crate) vpc: String,
    /// The accepter's VPC.
    pub(crate) peer_vpc: String,
    /// The account and region of the accepter's VPC.
    pub(crate) peer: Place,
    /// The requester's tags.
    pub(crate) tags: Tags,
}

/// Asks for a peering. When one between the two VPCs in this direction lives, that is what comes back, with its own tags.
///
/// # Errors
/// `InvalidVpcID.NotFound` for a VPC of the requester's own account and region; `InvalidParameterValue` for a VPC with
/// itself. What is wrong on the other side is found later: the peering fails.
pub(crate) fn request(world: &mut World, place: &Place, wanted: PeeringRequest) -> Result<String, ApiError> {
    vpc::get(world, place, &wanted.vpc)?;
    if wanted.peer == *place {
        vpc::get(world, place, &wanted.peer_vpc)?;
        if wanted.peer_vpc == wanted.vpc {
            return Err(ApiError::invalid(format!("The VPC {} cannot be peered with itself", wanted.vpc)));
        }
    }
    let mut own = world.ec2(place).peerings.iter().filter_map(|id| world.peerings.get(id));
    let same = own.find(|peering| {
        peering.requester.is(place, &wanted.vpc)
            && peering.accepter.is(&wanted.peer, &wanted.peer_vpc)
            && !peering.is_dead()
    });
    if let Some(peering) = same {
        return Ok(peering.id.clone());
    }
    let timing = world.rules.timing.clone();
    let id = world.ids().resource(Kind::PEERING.prefix);
    let mut requester = Side::new(place.clone(), wanted.vpc, wanted.tags);
    requester.look_up(world);
    let accepter = Side::new(wanted.peer.clone(), wanted.peer_vpc, Tags::new());
    let peering = Peering {
        id: id.clone(),
        requester,
        accepter,
        status: Status::InitiatingRequest,
        message: format!("Initiating Request to {}", wanted.peer.account),
        expires: later(world.now, timing.peering_expiry),
        visible: later(world.now, timing.peering_visible),
    };
    world.peerings.insert(id.clone(), peering);
    world.ec2_mut(place).peerings.insert(id.clone());
    world.ec2_mut(&wanted.peer).peerings.insert(id.clone());
    schedule(world, &id, timing.peering_request, Step::Arrive);
    Ok(id)
}

/// Puts in a peering that stands elsewhere. What is under way is taken to have ended well.
pub(super) fn plant(world: &mut World, seed: &seed::Peering) {
    let side = |world: &World, seed: &seed::Side| {
        let mut side = Side::new(seed.place.clone(), seed.vpc.clone(), Tags::new());
        side.dns = seed.dns;
        side.look_up(world);
        side
    };
    let status = match Status::read(&seed.status) {
        Some(Status::InitiatingRequest) => Status::PendingAcceptance,
        Some(Status::Provisioning) | None => Status::Active,
        Some(Status::Deleting) => Status::Deleted,
        Some(status) => status,
    };
    let peering = Peering {
        id: seed.id.clone(),
        requester: side(world, &seed.requester),
        accepter: side(world, &seed.accepter),
        status,
        message: seed.message.clone(),
        expires: later(world.now, world.rules.timing.peering_expiry),
        visible: world.now,
    };
    for place in [&seed.requester.place, &seed.accepter.place] {
        world.ec2_mut(place).peerings.insert(seed.id.clone());
    }
    world.peerings.insert(seed.id.clone(), peering);
}

fn schedule(world: &mut World, id: &str, wait: std::time::Duration, step: Step) {
    if let Some(peering) = world.peerings.get(id) {
        let place = peering.requester.place.clone();
        world.after(wait, TimerAction::Ec2(place, Action::Peering(id.to_owned(), step)));
    }
}

/// The peering of an id, if the place is one of its sides and can see it by now.
///
/// # Errors
/// `InvalidVpcPeeringConnectionID.NotFound`.
pub(crate) fn get<'a>(world: &'a World, place: &Place, id: &str) -> Result<&'a Peering, ApiError> {
    let peering = world.peerings.get(id).filter(|peering| peering.is_visible(place, world));
    peering.ok_or_else(|| Kind::PEERING.not_found(id))
}

/// Whether the place is one of a peering's sides and can see it by now.
pub(super) fn is_visible(world: &World, place: &Place, id: &str) -> bool {
    get(world, place, id).is_ok()
}

/// All peerings that a place can see.
pub(super) fn seen_from<'a>(world: &'a World, place: &'a Place) -> impl Iterator<Item = &'a Peering> {
    world.ec2(place).peerings.iter().filter_map(move |id| get(world, place, id).ok())
}

/// Whether a VPC is a side of a peering that is not dead.
pub(super) fn lives_at(world: &World, place: &Place, vpc: &str) -> bool {
    let mut all = world.ec2(place).peerings.iter().filter_map(|id| world.peerings.get(id));
    all.any(|peering| !peering.is_dead() && peering.side_of(place, vpc).is_some())
}

/// Accepts a request.
///
/// # Errors
/// `InvalidVpcPeeringConnectionID.NotFound`; `OperationNotPermitted` unless asked in the accepter's account and region;
/// `InvalidStateTransition` unless it is pending acceptance; `VpcPeeringConnectionAlreadyExists` when the VPCs are
/// linked the other way round.
pub(crate) fn accept(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    let peering = get(world, place, id)?;
    check_accepter(peering, place, "accept")?;
    if peering.status != Status::PendingAcceptance {
        return Err(peering.refuse_transition(Status::Provisioning));
    }
    let (one, two) = ((&peering.requester.place, &*peering.requester.vpc), (place, &*peering.accepter.vpc));
    let mut others = world.ec2(place).peerings.iter().filter_map(|id| world.peerings.get(id));
    let linked = others.any(|other| {
        other.id != id && other.links(one, two) && matches!(other.status, Status::Active | Status::Provisioning)
    });
    if linked {
        // AWS names the request here, not the peering that is in its way.
        let message = format!("The vpc peering connection identified by {id} already exists.");
        return Err(ApiError::new("VpcPeeringConnectionAlreadyExists", message));
    }
    set(world, id, Status::Provisioning, "Provisioning");
    let wait = world.rules.timing.peering_accept;
    schedule(world, id, wait, Step::Activate);
    Ok(())
}

/// Refuses a request.
///
/// # Errors
/// As [`accept`].
pub(crate) fn reject(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    let peering = get(world, place, id)?;
    check_accepter(peering, place, "reject")?;
    if peering.status != Status::PendingAcceptance {
        return Err(peering.refuse_transition(Status::Rejected));
    }
    bury(world, id, Status::Rejected, &format!("Rejected by {}", place.account));
    Ok(())
}

fn check_accepter(peering: &Peering, place: &Place, verb: &str) -> Result<(), ApiError> {
    let accepter = &peering.accepter.place;
    if accepter == place {
        return Ok(());
    }
    let message = if accepter.account == place.account {
        format!(
            "Incorrect region ({}) specified for this request. VPC peering connection {} must be {verb}ed in region {}",
            place.region, peering.id, accepter.region
        )
    } else {
        format!("User {} cannot {verb} peering {}", place.account, peering.id)
    };
    Err(ApiError::new("OperationNotPermitted", message))
}

/// Begins to delete a peering.
///
/// # Errors
/// `InvalidVpcPeeringConnectionID.NotFound`; `InvalidStateTransition` when it is dead; `OperationNotPermitted` when the
/// accepter deletes what it should reject.
pub(crate) fn delete(world: &mut World, place: &Place, id: &str) -> Result<(), ApiError> {
    let peering = get(world, place, id)?;
    if peering.is_dead() {
        return Err(peering.refuse_transition(Status::Deleting));
    }
    if peering.status == Status::PendingAcceptance && peering.requester.place != *place {
        let message = format!("User {} cannot delete peering {id} while it is pending acceptance", place.account);
        return Err(ApiError::new("OperationNotPermitted", message));
    }
    set(world, id, Status::Deleting, &format!("Deleting by {}", place.account));
    let wait = world.rules.timing.peering_delete;
    schedule(world, id, wait, Step::Delete);
    Ok(())
}

/// Sets the DNS option of the requester's side, the accepter's or both.
///
/// # Errors
/// `InvalidVpcPeeringConnectionID.NotFound`; `OperationNotPermitted` before it is active, or for the other's side.
pub(crate) fn set_dns(
    world: &mut World,
    place: &Place,
    id: &str,
    requester: Option<bool>,
    accepter: Option<bool>,
) -> Result<(), ApiError> {
    let peering = get(world, place, id)?;
    if peering.status != Status::Active {
        let message = format!("Peering {id} is not active. Peering options can be added only to active peerings.");
        return Err(ApiError::new("OperationNotPermitted", message));
    }
    let sides = [(requester, &peering.requester, "requester"), (accepter, &peering.accepter, "accepter")];
    for (option, side, name) in sides {
        if option.is_some() && side.place != *place {
            let message =
                format!("User {} cannot modify {name} peering options of {id} in {}", place.account, place.region);
            return Err(ApiError::new("OperationNotPermitted", message));
        }
    }
    if let Some(peering) = world.peerings.get_mut(id) {
        peering.requester.dns = requester.unwrap_or(peering.requester.dns);
        peering.accepter.dns = accepter.unwrap_or(peering.accepter.dns);
    }
    Ok(())
}

fn set(world: &mut World, id: &str, status: Status, message: &str) {
    if let Some(peering) = world.peerings.get_mut(id) {
        peering.status = status;
        message.clone_into(&mut peering.message);
    }
}

/// Sets a status that is final: the peering vanishes after a while.
fn bury(world: &mut World, id: &str, status: Status, message: &str) {
    set(world, id, status, message);
    let wait = world.rules.timing.linger;
    schedule(world, id, wait, Step::Vanish);
}

/// What was due happens, unless the peering has taken another way since.
pub(super) fn step(world: &mut World, id: &str, step: Step) {
    let Some(status) = world.peerings.get(id).map(|peering| peering.status) else { return };
    match (step, status) {
        (Step::Arrive, Status::InitiatingRequest) => arrive(world, id),
        (Step::Expire, Status::PendingAcceptance) => bury(world, id, Status::Expired, "Expired"),
        (Step::Activate, Status::Provisioning) => set(world, id, Status::Active, "Active"),
        (Step::Delete, Status::Deleting) => bury(world, id, Status::Deleted, "Deleted"),
        (Step::Vanish, _) => vanish(world, id),
        _ => {}
    }
}

/// The request reaches the accepter, or turns out to be impossible.
fn arrive(world: &mut World, id: &str) {
    let Some(mut peering) = world.peerings.get(id).cloned() else { return };
    let elsewhere = world.rules.assumptions.as_ref().is_some_and(|known| !known.knows(&peering.accepter.place));
    let exists = peering.accepter.look_up(world) || elsewhere;
    if !exists || peering.requester.overlaps(&peering.accepter) {
        let message = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range";
        bury(world, id, Status::Failed, message);
        return;
    }
    peering.status = Status::PendingAcceptance;
    peering.message = format!("Pending Acceptance by {}", peering.accepter.place.account);
    let wait = std::time::Duration::try_from(peering.expires.duration_since(world.now)).unwrap_or_default();
    world.peerings.insert(id.to_owned(), peering);
    schedule(world, id, wait, Step::Expire);
}

fn vanish(world: &mut World, id: &str) {
    if let Some(peering) = world.peerings.remove(id) {
        for side in [peering.requester, peering.accepter] {
            world.ec2_mut(&side.place).peerings.remove(id);
        }
    }
}
