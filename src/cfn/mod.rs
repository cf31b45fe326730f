//! CloudFormation templates as documents: JSON and YAML, parameters, resources, outputs, intrinsic functions.
//!
//! [`Document::read`] turns either form into one tree in which every value keeps its place in the text, so that whoever
//! finds something wrong with a template can point at it. [`Document::faults`] says what CloudFormation would refuse,
//! [`Evaluator`] works out values as far as its [`Context`] knows them, [`compare`] tells whether a template has
//! changed. [`StackPolicy`] says what an update may do to which resource. Nothing here reads files or calls AWS;
//! the only state is the few templates that were read last ([`Document::shared`]).

mod base64;
mod capability;
mod checker;
mod cidr;
mod context;
mod dependency;
mod document;
mod eval;
mod eval_error;
mod fault;
mod function;
mod json;
mod local_template;
mod node;
mod output;
mod parameter;
mod pseudo;
mod read;
mod recent;
mod reference;
mod resource;
mod s3_url;
mod shape;
mod stack_policy;
mod sub;
mod wildcard;
mod yaml;
mod yaml_scalar;

#[cfg(test)]
mod hostile_tests;

pub use capability::{Capability, Needed};
pub use cidr::{CidrError, divide};
pub use context::{Context, Lookup};
pub use dependency::Dependency;
pub use document::{Comparison, Document, MAX_BYTES, MAX_INLINE_BYTES, MAX_URL_BYTES, compare, in_ascii};
pub use eval::Evaluator;
pub use eval_error::{EvalError, EvalErrorKind};
pub use fault::{Declared, Fault, Remedy};
pub use function::{Call, Function};
pub use local_template::{LocalTemplate, NESTED_STACK};
pub use node::{Entry, Map, Node, Value};
pub use output::Output;
pub use parameter::{MAX_PARAMETER, Parameter, Refusal};
pub use pseudo::Pseudo;
pub use read::{Format, ReadError, ReadErrorKind, tree};
pub use reference::{Reference, Target, references};
pub use resource::{Policy, Resource};
pub use s3_url::S3Url;
pub use stack_policy::{Deed, Denial, MAX_POLICY_BYTES, PolicyError, StackPolicy};
pub use sub::{BadVariable, Piece, pieces};
pub use wildcard::matches as matches_wildcards;
