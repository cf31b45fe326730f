//! AWS as orch uses it: sessions for accounts, and typed calls in their regions. The only user of the SDK.
//!
//! Nothing above this room sees a type of the SDK: answers are small structs of ours, and every refusal is a
//! [`CallError`] that knows its kind. No call is sent faster than AWS grants, as far as that is known, what is
//! throttled is repeated until it is let through, and calls that only look outlast an outage of some minutes.

mod account;
mod arrivals;
mod call;
mod clients;
mod cloudformation;
mod counts;
mod credentials;
mod denied;
mod drift;
mod ec2;
mod environment;
mod events;
mod exports;
mod inventory;
mod last_operation;
mod network;
mod nonce;
mod observer;
mod pairs;
mod picture;
mod rates;
mod recovery;
mod regional;
mod resource_change;
mod root_cause;
mod route_target;
mod s3;
mod sessions;
mod settings;
mod sockets;
mod status;
mod stored;
mod sts;
mod tasks;
mod template_checks;
#[cfg(test)]
pub(crate) mod tests;
mod turn;
mod written;

pub use account::{AccountError, AccountSpec, Cause, Role};
pub use arrivals::{ARRIVES, AT_ONCE};
pub use call::{CallError, Class};
pub use cloudformation::{
    Begun, ChangeSet, ChangeSetSpec, ChangeSetSummary, Parameter, Stack, StackSpec, Template, Validated,
};
pub use counts::{Count, Counts};
pub use denied::remedy_of_resource;
pub use drift::{Detection, PropertyDrift, ResourceDrift};
pub use ec2::{Peering, PeeringRequest, PeeringSide, PeeringState, Route, RouteTable};
pub use environment::{AskCode, Environment};
pub use events::{StackEvent, first_failure};
pub use exports::Export;
pub use inventory::Vpc;
pub use network::BadBundle;
pub use observer::{Feed, Forecast, Operation, Progress, Step, WatchedPeering, took};
pub use picture::Moment;
pub use recovery::{Leaving, StackResource};
pub use regional::Regional;
pub use resource_change::{Detail, ResourceChange};
pub use route_target::RouteTarget;
pub use s3::{Bucket, Content, ObjectAt, Revision, object_url};
pub use sessions::Sessions;
pub use settings::{OnFailure, RollbackTriggers, Settings};
pub use status::{Phase, StackStatus};
pub use stored::Stored;
pub use tasks::joined;
pub use turn::Turns;
