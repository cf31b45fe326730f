//! An account that the plan has used.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, AccountName, Region};

/// An account that the plan has used, with all that is needed to reach it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What the plan called it.
    pub name: AccountName,
    /// The regions of it in which the plan had nodes.
    #[serde(default)]
    pub regions: BTreeSet<Region>,
    /// The role that was assumed, by its name or its ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The external id that the role asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The name of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// How long a session lasts, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// Tags of the session.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub session_tags: BTreeMap<String, String>,
    /// The caller's MFA device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa_serial: Option<String>,
    /// The profile that was started from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The account by way of which it was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<AccountId>,
}

impl Account {
    /// An account that is reached with the caller's own credentials, in no region yet.
    pub fn new(name: AccountName) -> Self {
        Self {
            name,
            regions: BTreeSet::new(),
            role: None,
            external_id: None,
            session_name: None,
            duration: None,
            session_tags: BTreeMap::new(),
            mfa_serial: None,
            profile: None,
            through: None,
        }
    }
}
