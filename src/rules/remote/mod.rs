//! Rules about what only AWS can say: `orch validate --remote` asks.

pub(super) mod absent;
pub(super) mod not_read;
pub(super) mod refused_by_aws;
#[cfg(test)]
mod tests;
pub(super) mod unusable_account;

use crate::diag::Code;

/// The rules that are found by asking AWS alone.
pub(super) const ASK: [Code; 4] =
    [unusable_account::RULE.code, refused_by_aws::RULE.code, not_read::RULE.code, absent::RULE.code];
