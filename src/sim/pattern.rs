//! Patterns as EC2's filters have them.

pub(crate) use crate::cfn::matches_wildcards as matches;
