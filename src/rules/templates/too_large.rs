//! A template that no request holds.

use crate::diag::{Code, Severity};
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(51),
    name: "template-too-large",
    severity: Severity::Error,
    summary: "a template has more than the 51,200 bytes that a request to CloudFormation holds",
    explanation: "Split it into several stacks whose parameters refer to each other's outputs, or take comments and \
                  white space out of it.",
    wrong: "",
    right: "",
    // Found while the templates are read.
    check: None,
};
