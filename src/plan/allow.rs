//! `allow`: rules that a node is excused from, each with its reason.

use std::sync::Arc;

use super::codes;
use super::document::Data;
use super::fields::Fields;
use crate::diag::{Code, Span};

/// That a node is excused from a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The rule.
    pub code: Code,
    /// Where the plan says so.
    pub key: Span,
    /// Why, in the words of whoever wrote the plan.
    pub reason: Arc<str>,
}

/// What an entry looks like, for help texts.
const EXAMPLE: &str =
    "write allow = { ORCH061 = \"the way back is made by the template\" }; `orch rules` lists the rules";

/// Reads `allow`. A reason must be given: whoever reads the plan later wants to know it.
pub(super) fn read(fields: &mut Fields<'_>) -> Arc<[Allowance]> {
    let Some(table) = fields.table("allow") else { return Arc::new([]) };
    let mut allowed = Vec::with_capacity(table.len());
    for (name, entry) in table {
        let Ok(code) = name.parse::<Code>() else {
            fields.problems.error(
                codes::INVALID_VALUE,
                &entry.key,
                format!("`{name}` is not a rule's number"),
                EXAMPLE,
            );
            continue;
        };
        let reason = if let Data::Text(reason) = &entry.item.data {
            if reason.trim().is_empty() {
                let message = format!("{code} is allowed without a reason");
                fields.problems.error(codes::INVALID_VALUE, &entry.item.span, message, EXAMPLE);
            }
            reason.clone()
        } else {
            fields.problems.wrong_type(&entry.item, "the reason in quotes", EXAMPLE);
            "".into()
        };
        // It is clear what is meant, so the rule need not be told as well.
        allowed.push(Allowance { code, key: entry.key.clone(), reason });
    }
    allowed.into()
}
