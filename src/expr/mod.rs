//! Expressions: the Handlebars in a plan's texts.
//!
//! A text is parsed once, by the `handlebars` crate, and every path in it is known from then on: the paths *are* the
//! plan's edges. Whatever could hide one is refused: loops, `with`, partials, decorators, `../`, dynamic lookups. What
//! is left is small enough to be checked whole before the first call: paths, pure helpers, and `if`/`unless`.
//!
//! Evaluation is ours, over what `handlebars` parsed, for one reason: a text that is exactly one expression keeps the
//! value's own type (a list stays a list), which a template engine that writes text cannot give. A test holds the
//! result equal to that of `handlebars` itself, strict and without escaping.
//!
//! `{{resolve:…}}`, CloudFormation's own dynamic reference, passes through as it stands:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>.

mod certain;
mod evaluate;
mod expression;
mod fault;
mod helper;
mod parse;
mod scan;

pub use certain::{Certain, Shape};
pub use evaluate::EvaluateError;
pub use expression::{Expression, Reference};
pub use fault::Fault;
pub use helper::Helper;
