//! Resources that exist and that EC2 does not know everywhere yet: it is eventually consistent, and a stack that is made
//! in express mode is complete before that has passed.

use super::Kind;
use crate::sim::wire::{ApiError, Request};
use crate::sim::world::{Place, World, later};

impl World {
    /// Lets calls to EC2 not find a resource for a while.
    pub(crate) fn hide(&mut self, place: &Place, id: &str) {
        let until = later(self.now, self.rules.timing.express_visible);
        if until > self.now && Kind::of(id).is_some() {
            let now = self.now;
            let unseen = &mut self.ec2_mut(place).unseen;
            unseen.retain(|_, until| *until > now);
            unseen.insert(id.to_owned(), until);
        }
    }
}

/// The request as it is to be answered: filters match no resource that cannot be seen yet. `None` if it is as it was sent.
///
/// # Errors
///
/// It names such a resource by its id: that the resource does not exist, as EC2 says it for its kind.
pub(super) fn check(world: &World, request: &Request) -> Result<Option<Request>, ApiError> {
    let unseen = world.ec2(&request.place).unseen.iter().filter(|(_, until)| **until > world.now);
    let mut answered: Option<Request> = None;
    for (id, _) in unseen {
        let params = &answered.as_ref().unwrap_or(request).params;
        if params.names(id) {
            let params = params.replacing_in("Filter.", id, "(not seen yet)");
            answered = Some(Request { params, ..request.clone() });
        }
        if answered.as_ref().is_some_and(|answered| answered.params.names(id))
            && let Some(kind) = Kind::of(id)
        {
            return Err(kind.not_found(id));
        }
    }
    Ok(answered)
}
