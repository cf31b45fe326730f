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

/// Refuses a request that names a resource which cannot be seen yet.
///
/// # Errors
///
/// That the resource does not exist, as EC2 says it for its kind.
pub(super) fn check(world: &World, request: &Request) -> Result<(), ApiError> {
    let unseen = world.ec2(&request.place).unseen.iter().filter(|(_, until)| **until > world.now);
    for (id, _) in unseen {
        if request.params.names(id)
            && let Some(kind) = Kind::of(id)
        {
            return Err(kind.not_found(id));
        }
    }
    Ok(())
}
