//! A template that no request holds.

use crate::diag::{Code, Severity};
use crate::rules::rule::Rule;

pub(in crate::rules) const RULE: Rule = Rule {
    code: Code(51),
    name: "template-too-large",
    severity: Severity::Error,
    summary: "a template has more than the 51,200 bytes that a request to CloudFormation holds, and there is no bucket for it",
    explanation: "With `template_bucket`, of the plan or of the account, larger templates are put in that bucket first, and \
                  CloudFormation reads up to 1 MB from there. Without one, split it into several stacks whose parameters \
                  refer to each other's outputs, or take comments and white space out of it.",
    wrong: "",
    right: "",
    // Found while the templates are read.
    check: None,
};
