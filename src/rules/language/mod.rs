//! Rules about what a plan says, as a text.

pub(super) mod abstract_plan;
pub(super) mod empty;
pub(super) mod expression;
pub(super) mod extends_cycle;
pub(super) mod for_each;
pub(super) mod guards;
pub(super) mod invalid_name;
pub(super) mod invalid_value;
pub(super) mod missing_key;
pub(super) mod moved;
pub(super) mod not_known_yet;
pub(super) mod outside;
pub(super) mod read_only;
pub(super) mod stack_name;
pub(super) mod syntax;
pub(super) mod unevaluable;
pub(super) mod unknown_key;
pub(super) mod unknown_reference;
pub(super) mod unreadable;
pub(super) mod unused_allow;
pub(super) mod unused_variable;
pub(super) mod variable;
pub(super) mod wrong_type;
