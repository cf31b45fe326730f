//! The sorts of problems a plan can have; each has a rule in the room `rules` that explains it.
//!
//! Numbers are never reused. This room has 1 to 39.

use crate::diag::Code;

/// The file is not TOML.
pub const SYNTAX: Code = Code(1);
/// A plan, or a plan that it extends, cannot be read.
pub const UNREADABLE: Code = Code(2);
/// Plans extend each other in a circle.
pub const EXTENDS_CYCLE: Code = Code(3);
/// The plan is only there to be extended.
pub const ABSTRACT: Code = Code(4);
/// A key that a plan does not have.
pub const UNKNOWN_KEY: Code = Code(5);
/// A key is missing.
pub const MISSING_KEY: Code = Code(6);
/// A value of the wrong type.
pub const WRONG_TYPE: Code = Code(7);
/// A value of the right type that cannot be meant.
pub const INVALID_VALUE: Code = Code(8);
/// A name or an instance's key with characters that names do not have.
pub const INVALID_NAME: Code = Code(9);
/// A text that is not an expression of the language.
pub const EXPRESSION: Code = Code(10);
/// A path to something that the plan does not have.
pub const UNKNOWN_REFERENCE: Code = Code(11);
/// A path to something that is only known after calls, where it must be known before.
pub const NOT_KNOWN_YET: Code = Code(12);
/// An expression whose known values do not fit.
pub const UNEVALUABLE: Code = Code(13);
/// A variable that is given but not declared, or declared but not given.
pub const VARIABLE: Code = Code(14);
/// An account id without twelve digits.
pub const ACCOUNT_ID: Code = Code(15);
/// A role that is neither a name nor an ARN, or an ARN of another account.
pub const ROLE: Code = Code(16);
/// Accounts that are reached through an unknown account or through each other.
pub const THROUGH: Code = Code(17);
/// A session's duration that STS would refuse.
pub const DURATION: Code = Code(18);
/// An account that the plan does not have.
pub const UNKNOWN_ACCOUNT: Code = Code(19);
/// `for_each` or `region` with nothing in it.
pub const EMPTY: Code = Code(20);
/// `for_each` over something that cannot be iterated.
pub const FOR_EACH: Code = Code(21);
/// A stack name that CloudFormation would refuse.
pub const STACK_NAME: Code = Code(22);
/// A template that cannot be read.
pub const TEMPLATE: Code = Code(23);
/// A stack that is only read has keys that would change it.
pub const READ_ONLY: Code = Code(24);
/// `depends_on` names something that is not a node.
pub const DEPENDS_ON: Code = Code(25);
/// Two nodes are the same stack.
pub const SAME_STACK: Code = Code(26);
/// Keys of an account that contradict each other.
pub const CONTRADICTION: Code = Code(27);
/// A role or a node of another partition than the plan's region.
pub const PARTITION: Code = Code(28);
/// A variable that nothing uses.
pub const UNUSED_VARIABLE: Code = Code(29);
/// A file outside of the plan's folder.
pub const OUTSIDE: Code = Code(31);
/// Guards of a stack that contradict each other.
pub const GUARDS: Code = Code(32);
/// A node that cannot have been what `moved` says.
pub const MOVED: Code = Code(33);
/// A template that is nested by its path and cannot be.
pub const NESTED: Code = Code(34);
