//! Asking for a peering.

use tokio::time::Instant;

use super::decide::{Decision, decide, not_ours};
use super::{Sides, UNKNOWN_AT_MOST, Wanted, pause};
use crate::aws::{CallError, Class, Peering, PeeringRequest, PeeringState, Regional, Turns};
use crate::event::Failure;
use crate::kinds::{Course, Made, Progress, Step, lost};
use crate::safeguard::{self, Safeguard};

/// A peering that was asked for.
#[derive(Debug)]
pub(super) struct Requested {
    /// The peering.
    pub(super) peering: Peering,
    /// Whether it was made by that, as far as can be told; else it was there already.
    pub(super) is_made: bool,
    /// When it was asked for, if it was surely made by that and nobody has touched it since.
    pub(super) asked_at: Option<Instant>,
}

/// Asks for the peering where there was none, and makes sure that what comes back is the node's own.
///
/// AWS gives a peering that is there already (<https://github.com/hashicorp/terraform-provider-aws/issues/27750>),
/// which after a lost answer is ours and else may be anybody's. So the answer is believed only of one between the two VPCs that
/// bears the node's tags, has just begun and was not there before; any other is looked at, and judged as if it had been found.
/// What has come further than a request can by itself was not made here, and is not noted as such.
pub(super) async fn request(
    sides: Sides<'_>,
    wanted: &Wanted,
    found: &[Peering],
    course: Course<'_>,
    progress: Progress<'_>,
) -> Result<Requested, Failure> {
    let request = PeeringRequest {
        vpc: wanted.requester.vpc.clone(),
        peer_vpc: wanted.accepter.vpc.clone(),
        peer_account: sides.accepter.account_id().to_string(),
        peer_region: sides.accepter.region().to_string(),
        tags: if safeguard::holds(Safeguard::TagsFromTheStart) {
            wanted.owner.with(&wanted.tags)
        } else {
            wanted.tags.clone()
        },
    };
    let mut before: Vec<String> = found.iter().map(|peering| peering.id.clone()).collect();
    let noting = |before: &[String]| {
        let vpcs = (wanted.requester.vpc.clone(), wanted.accepter.vpc.clone());
        Made::Asked { vpcs, before: before.to_vec() }
    };
    let (asked_for, turns) = (noting(&before), Turns::of("CreateVpcPeeringConnection"));
    let mut is_noted = false;
    let (asked, acting) = loop {
        // A request that is to be given up is not made after it has waited for its turn.
        let (requester, acting) = course.trace.acting_in_turn(sides.requester, &turns).await;
        if !is_noted {
            course.trace.note(asked_for.clone());
        }
        match ask(sides, &requester, wanted, &request, &turns).await? {
            Ok(asked) => break (asked, acting),
            Err(error) => is_noted |= error.is_after_silence,
        }
        if !is_noted {
            course.trace.strike(&asked_for);
        }
    };
    let (Asked::Answer(answer) | Asked::Found(answer)) = &asked;
    let id = answer.id.clone();
    let mut is_made = answer.state.waits() && !before.contains(&id);
    let mut disown = || {
        course.trace.strike(&Made::Peering(id.clone()));
        course.trace.strike(&asked_for);
        before.push(id.clone());
        course.trace.note(noting(&before));
    };
    if is_made {
        course.trace.note(Made::Peering(id.clone()));
        // What comes to stand between the two VPCs later is not this run's.
        course.trace.strike(&asked_for);
    } else {
        disown();
    }
    drop(acting);
    let answer = match asked {
        Asked::Answer(answer) => answer,
        Asked::Found(peering) => return Ok(Requested { peering: *peering, is_made, asked_at: None }),
    };
    progress(Step { what: &id, status: "requested", reason: None, event: None });
    let has_begun = is_made && answer.state == PeeringState::Initiating;
    if has_begun && request.is_for(&answer) && wanted.owner.owns(&answer.tags) {
        return Ok(Requested { peering: *answer, is_made, asked_at: Some(Instant::now()) });
    }
    let began = Instant::now();
    loop {
        if let Some(peering) = sides.requester.peering(&id).await? {
            if wanted.owner.owns(&peering.tags) {
                return Ok(Requested { peering, is_made, asked_at: None });
            }
            if is_made {
                disown();
                is_made = false;
            }
            return match decide(wanted, std::slice::from_ref(&peering)) {
                Decision::Keep(peering) => Ok(Requested { peering: *peering, is_made, asked_at: None }),
                Decision::Request | Decision::Refuse(_) => Err(not_ours(wanted, &peering)),
            };
        }
        if began.elapsed() > UNKNOWN_AT_MOST {
            return Err(Failure::new(
                format!("peering {id} was requested and is still not to be seen"),
                format!("{} does not show it", sides.requester),
            )
            .help("run again: if it is there by then, it is used"));
        }
        tokio::time::sleep(pause(began.elapsed())).await;
    }
}

/// What asking for a peering gave.
enum Asked {
    /// A peering as the answer tells it, perhaps somebody else's.
    Answer(Box<Peering>),
    /// The node's own, which an attempt without an answer has made.
    Found(Box<Peering>),
}

/// Asks for the peering, at first by what has the turn; gives why it is to be asked for in another one. After a lost answer both
/// sides are looked at before it is asked for again.
async fn ask(
    sides: Sides<'_>,
    in_turn: &Regional,
    wanted: &Wanted,
    request: &PeeringRequest,
    turns: &Turns,
) -> Result<Result<Asked, CallError>, Failure> {
    let mut times = 0;
    loop {
        let requester = if times == 0 { in_turn } else { sides.requester };
        let error = match requester.request_peering(request).await {
            Ok(peering) => return Ok(Ok(Asked::Answer(Box::new(peering)))),
            Err(error) if times == 0 && requester.waits_for_another_turn(&error, turns).await => return Ok(Err(error)),
            Err(error) => error,
        };
        times += 1;
        if error.class != Class::Lost || times == lost::TIMES {
            return Err(error.into());
        }
        tracing::info!(%error, "looking whether the peering was requested all the same");
        tokio::time::sleep(lost::pause(times)).await;
        match decide(wanted, &sides.look(wanted).await?) {
            Decision::Request => {}
            Decision::Keep(peering) => return Ok(Ok(Asked::Found(peering))),
            Decision::Refuse(failure) => return Err(failure),
        }
    }
}
