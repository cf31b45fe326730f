//! How large a policy may be, and how one is taken apart that is larger.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.

use crate::iam::{Condition, Operator, Policy, Statement, Which};

/// The most characters of a managed policy, white space aside.
pub const MANAGED: usize = 6_144;

/// The most characters of all inline policies of a role together, white space aside.
pub const INLINE: usize = 10_240;

/// A policy in parts that are no larger than so many characters, in the order of its statements. A statement that is too
/// large by itself is taken apart by its resources, and if it has only one, by its actions.
pub fn split(policy: &Policy, most: usize) -> Vec<Policy> {
    let mut parts: Vec<Policy> = Vec::new();
    for statement in policy.statements.iter().flat_map(|statement| pieces(statement, most)) {
        if let Some(last) = parts.last_mut() {
            last.statements.push(statement.clone());
            if last.size() <= most {
                continue;
            }
            last.statements.pop();
        }
        parts.push(Policy { statements: vec![statement] });
    }
    parts
}

/// A statement in halves, and these in halves, until each has room.
fn pieces(statement: &Statement, most: usize) -> Vec<Statement> {
    let alone = Policy { statements: vec![statement.clone()] };
    if alone.size() <= most {
        return alone.statements;
    }
    let halves = |which: &Which| match which {
        Which::These(items) if items.len() > 1 => {
            let (one, two) = items.split_at(items.len() / 2);
            Some([Which::These(one.to_vec()), Which::These(two.to_vec())])
        }
        _ => None,
    };
    let parts: Vec<Statement> = if let Some(parts) = halves(&statement.resources) {
        parts.map(|resources| Statement { resources, ..statement.clone() }).into()
    } else if let Some(parts) = halves(&statement.actions) {
        parts.map(|actions| Statement { actions, ..statement.clone() }).into()
    } else if let Some((at, values)) = longest(statement) {
        let (one, two) = values.split_at(values.len() / 2);
        let with = |values: &[String]| {
            let mut part = statement.clone();
            part.conditions[at].values = values.to_vec();
            part
        };
        vec![with(one), with(two)]
    } else {
        return alone.statements;
    };
    // A name stands once in a policy; what is one no more has none.
    let unnamed = parts.into_iter().map(|part| Statement { sid: None, ..part });
    unnamed.flat_map(|part| pieces(&part, most)).collect()
}

/// The condition with the most values that a statement may be taken apart by: one of them must go, so each half allows its own.
fn longest(statement: &Statement) -> Option<(usize, &[String])> {
    let may_be = |condition: &&Condition| condition.values.len() > 1 && condition.test.quantifier.is_none();
    let positive = |condition: &&Condition| {
        matches!(condition.test.operator, Operator::StringEquals | Operator::StringLike | Operator::ArnLike)
    };
    let conditions = statement.conditions.iter().enumerate();
    let found = conditions.filter(|(_, own)| may_be(own) && positive(own)).max_by_key(|(_, own)| own.values.len());
    found.map(|(at, own)| (at, own.values.as_slice()))
}
