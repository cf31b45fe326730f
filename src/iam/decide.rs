//! Whether policies let a request pass.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

use std::collections::BTreeMap;

use super::policy::{Effect, Policy, Statement};
use crate::cfn::matches_wildcards;

/// What a request has under each condition key, whose letters may be small or large.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(BTreeMap<String, Vec<String>>);

impl Keys {
    /// The same with one key more.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.add(key, value);
        self
    }

    /// Adds a value.
    pub fn add(&mut self, key: &str, value: impl Into<String>) {
        self.0.entry(lower(key)).or_default().push(value.into());
    }

    /// The values of a key; none if the request lacks it.
    pub(super) fn get(&self, key: &str) -> &[String] {
        self.0.get(&lower(key)).map_or(&[], Vec::as_slice)
    }
}

/// A key in small letters, the key of a tag in it too.
fn lower(key: &str) -> String {
    key.to_lowercase()
}

/// What is asked: may this be done with that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The action: `ec2:CreateRoute`.
    pub action: String,
    /// The ARN of what it is done with; `*` where AWS has none for it.
    pub resource: String,
    /// What the request has under each condition key.
    pub keys: Keys,
}

/// What policies say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be done.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement allows it.
    NotAllowed,
}

/// Holds what is asked against all policies of whoever asks.
pub fn decide(policies: &[Policy], asked: &Asked) -> Verdict {
    let about = |effect: Effect| {
        let statements = policies.iter().flat_map(|policy| &policy.statements);
        statements.filter(move |statement| statement.effect == effect).any(|statement| statement.is_about(asked))
    };
    if about(Effect::Deny) {
        Verdict::Denied
    } else if about(Effect::Allow) {
        Verdict::Allowed
    } else {
        Verdict::NotAllowed
    }
}

impl Statement {
    fn is_about(&self, asked: &Asked) -> bool {
        self.names(&asked.action)
            && self.resources.is_about(|pattern| pattern == "*" || matches_arn(pattern, &asked.resource))
            && self.conditions.iter().all(|condition| condition.holds(&asked.keys))
    }
}

/// Whether an ARN matches a pattern, part by part: a star does not reach past the colons of the first five.
pub fn matches_arn(pattern: &str, arn: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.splitn(6, ':'), arn.splitn(6, ':'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if matches_wildcards(pattern, part) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "arn:aws:ec2:us-east-1:222222222222:route-table/rtb-1";

    fn asked(keys: Keys) -> Asked {
        Asked { action: "ec2:CreateRoute".to_owned(), resource: TABLE.to_owned(), keys }
    }

    fn says(statements: &str, keys: Keys) -> Verdict {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
        decide(&[Policy::read(&text).unwrap()], &asked(keys))
    }

    #[test]
    fn what_nothing_allows_is_refused_and_a_denial_counts_before_all() {
        let allow = r#"{"Effect": "Allow", "Action": "EC2:create*", "Resource": "*"}"#;
        let deny = r#"{"Effect": "Deny", "NotAction": "ec2:Describe*", "Resource": "*"}"#;
        assert_eq!(says(allow, Keys::default()), Verdict::Allowed);
        assert_eq!(says(&format!("{allow}, {deny}"), Keys::default()), Verdict::Denied);
        assert_eq!(says("", Keys::default()), Verdict::NotAllowed);
        for (resource, expected) in [
            ("arn:aws:ec2:us-east-1:222222222222:route-table/*", Verdict::Allowed),
            ("arn:aws:ec2:*:222222222222:route-table/rtb-?", Verdict::Allowed),
            ("arn:aws:ec2:us-east-1:333333333333:route-table/*", Verdict::NotAllowed),
            ("arn:aws:ec2:*:route-table/rtb-1:x:y", Verdict::NotAllowed),
            ("arn:aws-cn:ec2:us-east-1:222222222222:route-table/*", Verdict::NotAllowed),
        ] {
            let statement = format!(r#"{{"Effect": "Allow", "Action": "ec2:CreateRoute", "Resource": "{resource}"}}"#);
            assert_eq!(says(&statement, Keys::default()), expected, "{resource}");
        }
        let but = r#"{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:ec2:*:*:route-table/rtb-1"}"#;
        assert_eq!(says(but, Keys::default()), Verdict::NotAllowed);
    }

    #[test]
    fn conditions_hold_as_iam_has_them() {
        let keys = || {
            Keys::default()
                .with("aws:RequestedRegion", "us-east-1")
                .with("aws:ResourceTag/orch:plan", "net")
                .with("ec2:Vpc", "arn:aws:ec2:us-east-1:222222222222:vpc/vpc-1")
                .with("aws:SecureTransport", "true")
                .with("aws:TagKeys", "a")
                .with("aws:TagKeys", "b")
        };
        for (condition, holds) in [
            (r#""StringEquals": {"aws:requestedregion": ["eu-west-1", "us-east-1"]}"#, true),
            (r#""StringEquals": {"aws:RequestedRegion": "us-*"}"#, false),
            (r#""StringLike": {"aws:RequestedRegion": "us-*"}"#, true),
            (r#""StringNotLike": {"aws:RequestedRegion": "us-*"}"#, false),
            (r#""StringNotEquals": {"aws:RequestedRegion": ["a", "us-east-1"]}"#, false),
            (r#""StringEquals": {"aws:ResourceTag/orch:plan": "net"}"#, true),
            (r#""StringEquals": {"aws:ResourceTag/orch:Plan": "net"}"#, true),
            (r#""StringEqualsIgnoreCase": {"aws:ResourceTag/orch:plan": "NET"}"#, true),
            (r#""StringEquals": {"aws:ResourceTag/other": "net"}"#, false),
            (r#""StringEqualsIfExists": {"aws:ResourceTag/other": "net"}"#, true),
            (r#""StringNotEquals": {"aws:ResourceTag/other": "net"}"#, true),
            (r#""ArnLike": {"ec2:Vpc": "arn:aws:ec2:*:222222222222:vpc/*"}"#, true),
            (r#""ArnNotEquals": {"ec2:Vpc": "arn:aws:ec2:*:222222222222:vpc/*"}"#, false),
            (r#""Bool": {"aws:SecureTransport": "True"}"#, true),
            (r#""Bool": {"aws:SecureTransport": false}"#, false),
            (r#""Null": {"aws:ResourceTag/other": "true", "ec2:Vpc": "false"}"#, true),
            (r#""Null": {"ec2:Vpc": "true"}"#, false),
            (r#""ForAnyValue:StringEquals": {"aws:TagKeys": ["b", "c"]}"#, true),
            (r#""ForAllValues:StringEquals": {"aws:TagKeys": ["b", "c"]}"#, false),
            (r#""ForAllValues:StringEquals": {"aws:Other": ["b", "c"]}"#, true),
            (r#""ForAnyValue:StringEquals": {"aws:Other": ["b", "c"]}"#, false),
            (r#""ForAnyValue:StringEqualsIfExists": {"aws:Other": ["b", "c"]}"#, false),
            (r#""ForAnyValue:StringNotEquals": {"aws:Other": ["b", "c"]}"#, false),
            (
                r#""StringEquals": {"aws:RequestedRegion": "us-east-1"}, "Bool": {"aws:SecureTransport": "false"}"#,
                false,
            ),
        ] {
            let statement =
                format!(r#"{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {{{condition}}}}}"#);
            let expected = if holds { Verdict::Allowed } else { Verdict::NotAllowed };
            assert_eq!(says(&statement, keys()), expected, "{condition}");
        }
    }
}
