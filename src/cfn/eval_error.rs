//! Why a value cannot be worked out.

use std::ops::Range;

use super::cidr::CidrError;
use super::function::Function;
use super::sub::BadVariable;

/// A place in the template, and why the value there cannot be worked out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct EvalError {
    /// The call or the name that cannot be worked out.
    pub at: Range<usize>,
    /// Why.
    pub kind: EvalErrorKind,
}

impl EvalError {
    /// Whether nothing is wrong, but a value is not known yet.
    pub fn is_unknown(&self) -> bool {
        matches!(self.kind, EvalErrorKind::Unknown(_))
    }
}

/// Why a value cannot be worked out. The texts are CloudFormation's where it has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalErrorKind {
    /// The value exists, but is not known yet.
    #[error("{0} is not known yet")]
    Unknown(String),
    /// A name that is neither a parameter, a resource nor a pseudo parameter.
    #[error("Template format error: Unresolved resource dependencies [{0}] in the Resources block of the template")]
    Undefined(String),
    /// An attribute that the resource's type does not have.
    #[error("Template error: resource {resource} does not support attribute type {attribute} in Fn::GetAtt")]
    NoAttribute {
        /// The resource.
        resource: String,
        /// The attribute.
        attribute: String,
    },
    /// A condition that the template does not declare.
    #[error("Template format error: Unresolved condition dependency {0}")]
    NoCondition(String),
    /// A condition that is made of itself.
    #[error("Template format error: Circular dependency between conditions: [{0}]")]
    CircularCondition(String),
    /// A mapping or a key of one that the template does not have.
    #[error("Template error: Unable to get mapping for {0}")]
    NoMapping(String),
    /// No stack exports the name.
    #[error("No export named {0} found")]
    NoExport(String),
    /// An index that the list does not have.
    #[error("Template error: Fn::Select cannot select nonexistent value at index {0}")]
    NoItem(String),
    /// A function that is called with what it does not take.
    #[error("{}", usage(*.0))]
    Usage(Function),
    /// A `${…}` that cannot be a name.
    #[error("Template error: {0}")]
    Variable(#[from] BadVariable),
    /// Address ranges that do not fit.
    #[error("Template error: Fn::Cidr: {0}")]
    Cidr(#[from] CidrError),
    /// Values or conditions that lead into one another deeper than anybody means.
    #[error("Template error: values and conditions lead into one another more than {0} deep")]
    TooDeep(usize),
    /// Values that multiply themselves.
    #[error("Template error: the values of the template grow without end")]
    TooLarge,
    /// A function that CloudFormation does not know, or that only a macro could evaluate.
    #[error("Template error: {0} cannot be evaluated here")]
    Unsupported(String),
}

/// What CloudFormation says of a wrong call.
pub(super) fn usage(function: Function) -> &'static str {
    match function {
        Function::Ref => "Template format error: every Ref object must have a single String value.",
        Function::GetAtt => {
            "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
        }
        Function::Sub => {
            "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string"
        }
        Function::Join => {
            "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
        }
        Function::Select => {
            "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
        }
        Function::Split => {
            "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split."
        }
        Function::Cidr => {
            "Template error: every Fn::Cidr object requires two parameters, (1) a CIDR block and (2) a count, and an optional third, the number of subnet bits"
        }
        Function::FindInMap => {
            "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"
        }
        Function::If => "Template error: Fn::If requires a list argument with three elements",
        Function::Equals => "Template error: every Fn::Equals object requires a list of 2 string parameters.",
        Function::And => {
            "Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters."
        }
        Function::Or => {
            "Template error: every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters."
        }
        Function::Not => "Template error: every Fn::Not object requires one boolean parameter.",
        Function::GetAzs => "Template error: every Fn::GetAZs object must have a String-typed value.",
        Function::Base64 => "Template error: every Fn::Base64 object must have a String-typed value.",
        Function::ImportValue => "Template error: the attribute in Fn::ImportValue must be a string.",
        Function::Length => "Template error: every Fn::Length object requires a list.",
        Function::ToJsonString => "Template error: every Fn::ToJsonString object requires an object or a list.",
        Function::Transform | Function::Other => "Template error: this function cannot be evaluated here",
    }
}
