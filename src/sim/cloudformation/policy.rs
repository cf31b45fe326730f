//! Stack policies: what an update may do to which resource.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html>.

use serde_json::{Map, Value as Json};

use super::config::invalid;
use crate::sim::pattern;
use crate::sim::wire::ApiError;

/// The longest policy that CloudFormation takes, in bytes.
const LONGEST: usize = 16_384;

/// What stands before a logical id.
const PREFIX: &str = "LogicalResourceId/";

/// What an update does to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// It is changed in place.
    Modify,
    /// Another takes its place.
    Replace,
    /// It is taken out of the stack.
    Delete,
}

impl Deed {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Modify => "Update:Modify",
            Self::Replace => "Update:Replace",
            Self::Delete => "Update:Delete",
        }
    }
}

/// A policy: what no statement allows is refused, and what one denies is too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StackPolicy {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    allows: bool,
    actions: Which,
    resources: Which,
    /// The types of resources that it is about; `None` if it is about all.
    types: Option<Vec<String>>,
}

/// Patterns, of which one must match, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    These(Vec<String>),
    AllBut(Vec<String>),
}

impl Which {
    fn takes(&self, text: &str) -> bool {
        let among = |patterns: &[String]| patterns.iter().any(|pattern| pattern::matches(pattern, text));
        match self {
            Self::These(patterns) => among(patterns),
            Self::AllBut(patterns) => !among(patterns),
        }
    }

    fn patterns(&self) -> &[String] {
        match self {
            Self::These(patterns) | Self::AllBut(patterns) => patterns,
        }
    }
}

impl StackPolicy {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// `ValidationError`: it is too long, no JSON, or no policy.
    pub(super) fn read(text: &str) -> Result<Self, ApiError> {
        if text.len() > LONGEST {
            let constraint = format!("Member must have length less than or equal to {LONGEST}");
            return Err(ApiError::constraint("(the policy)", "stackPolicyBody", &constraint));
        }
        let json: Json = serde_json::from_str(text).map_err(|_| refused("Invalid stack policy"))?;
        let map = json.as_object().ok_or_else(|| refused("Invalid stack policy"))?;
        let statements = match map.get("Statement") {
            None => Vec::new(),
            Some(Json::Array(statements)) => statements.iter().collect(),
            Some(statement) => vec![statement],
        };
        let statements = statements.into_iter().map(Statement::read).collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }

    /// Reads a policy for a stack.
    ///
    /// # Errors
    ///
    /// As for [`StackPolicy::read`]; and it names a resource that the stack's template does not have.
    pub(super) fn read_for(text: &str, has: impl Fn(&str) -> bool) -> Result<Self, ApiError> {
        let policy = Self::read(text)?;
        let named = policy.statements.iter().flat_map(|statement| statement.resources.patterns());
        let unknown = named.filter_map(|resource| Some((resource, resource.strip_prefix(PREFIX)?))).find(|(_, id)| {
            let is_pattern = id.contains(['*', '?']);
            !is_pattern && !has(id)
        });
        match unknown {
            None => Ok(policy),
            Some((resource, _)) => Err(refused(&format!(
                "Unknown logical id '{resource}' in statement {{}} - stack policies can only be applied to logical ids referenced in the template"
            ))),
        }
    }

    /// Holds what an update does to a resource against the policy.
    ///
    /// # Errors
    ///
    /// The reason that the resource's event tells.
    pub(super) fn check(&self, deed: Deed, logical_id: &str, type_name: &str) -> Result<(), String> {
        let resource = format!("{PREFIX}{logical_id}");
        let about = |statement: &Statement| {
            let of_type = |types: &Vec<String>| types.iter().any(|wanted| pattern::matches(wanted, type_name));
            statement.actions.takes(deed.as_str())
                && statement.resources.takes(&resource)
                && statement.types.as_ref().is_none_or(of_type)
        };
        let mut found = self.statements.iter().enumerate().filter(|(_, statement)| about(statement));
        let mut allowed = false;
        if let Some((index, _)) = found.find(|(_, statement)| {
            allowed |= statement.allows;
            !statement.allows
        }) {
            return Err(format!(
                "Action denied by stack policy: Statement [#{}] does not allow [{}] for resource [{resource}]",
                index + 1,
                deed.as_str()
            ));
        }
        if allowed {
            return Ok(());
        }
        Err(format!(
            "Action not allowed by stack policy: no statement allows [{}] for resource [{resource}]",
            deed.as_str()
        ))
    }
}

impl Statement {
    fn read(json: &Json) -> Result<Self, ApiError> {
        let map = json.as_object().ok_or_else(|| refused("Invalid stack policy"))?;
        let allows = match map.get("Effect").and_then(Json::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(refused("Effect must be Allow or Deny")),
        };
        match map.get("Principal") {
            Some(Json::String(any)) if any == "*" => {}
            Some(Json::Object(who)) if who.get("AWS").and_then(Json::as_str) == Some("*") => {}
            _ => return Err(refused("Principal must be *")),
        }
        let actions = which(map, "Action", "NotAction")?;
        let legal = ["Update:Modify", "Update:Replace", "Update:Delete", "Update:*", "*"];
        if let Some(action) = actions.patterns().iter().find(|action| !legal.contains(&action.as_str())) {
            return Err(refused(&format!("Unknown action {action}")));
        }
        let resources = which(map, "Resource", "NotResource")?;
        let illegal = |resource: &&String| resource.as_str() != "*" && !resource.starts_with(PREFIX);
        if let Some(resource) = resources.patterns().iter().find(illegal) {
            return Err(refused(&format!("Unknown resource {resource}")));
        }
        Ok(Self { allows, actions, resources, types: types(map.get("Condition"))? })
    }
}

/// One of two elements that exclude each other.
fn which(map: &Map<String, Json>, these: &str, but: &str) -> Result<Which, ApiError> {
    match (map.get(these), map.get(but)) {
        (Some(value), None) => Ok(Which::These(texts(value)?)),
        (None, Some(value)) => Ok(Which::AllBut(texts(value)?)),
        _ => Err(refused(&format!("A statement has either {these} or {but}"))),
    }
}

/// The types that a condition is about.
fn types(condition: Option<&Json>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(condition) = condition else { return Ok(None) };
    let mut operators = condition.as_object().into_iter().flatten();
    let (Some((operator, about)), None) = (operators.next(), operators.next()) else {
        return Err(refused("A condition has one operator"));
    };
    let about = about.as_object().filter(|about| about.len() == 1).and_then(|about| about.get("ResourceType"));
    let types = texts(about.ok_or_else(|| refused("A condition is about ResourceType"))?)?;
    match operator.as_str() {
        "StringLike" => Ok(Some(types)),
        "StringEquals" if types.iter().all(|name| !name.contains(['*', '?'])) => Ok(Some(types)),
        "StringEquals" => Err(refused("StringEquals takes no wildcards")),
        _ => Err(refused(&format!("Unknown operator {operator}"))),
    }
}

/// A text, or a list of texts.
fn texts(value: &Json) -> Result<Vec<String>, ApiError> {
    let text = |value: &Json| value.as_str().map(str::to_owned).ok_or_else(|| refused("Invalid stack policy"));
    match value {
        Json::Array(items) => items.iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}

fn refused(why: &str) -> ApiError {
    invalid(format!("Error validating stack policy: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a policy says of each deed at a resource: a letter for each that it lets pass.
    fn passes(policy: &str, logical_id: &str, type_name: &str) -> String {
        let policy = StackPolicy::read(policy).unwrap();
        let deeds = [(Deed::Modify, 'm'), (Deed::Replace, 'r'), (Deed::Delete, 'd')];
        deeds
            .into_iter()
            .filter(|(deed, _)| policy.check(*deed, logical_id, type_name).is_ok())
            .map(|(_, letter)| letter)
            .collect()
    }

    const ALLOW: &str = r#"{"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}"#;

    #[test]
    fn a_policy_refuses_what_nothing_allows_and_what_anything_denies() {
        let deny =
            |rest: &str| format!(r#"{{"Statement": [{{"Effect": "Deny", "Principal": "*", {rest}}}, {ALLOW}]}}"#);
        for (policy, vpc, table) in [
            ("{}".to_owned(), "", ""),
            (format!(r#"{{"Statement": {ALLOW}}}"#), "mrd", "mrd"),
            (deny(r#""Action": ["Update:Replace", "Update:Delete"], "Resource": "*""#), "m", "m"),
            (deny(r#""Action": "Update:*", "Resource": "LogicalResourceId/Vpc""#), "", "mrd"),
            (deny(r#""Action": "Update:*", "Resource": "LogicalResourceId/V*""#), "", "mrd"),
            (deny(r#""Action": "Update:*", "NotResource": ["LogicalResourceId/Vpc"]"#), "mrd", ""),
            (deny(r#""NotAction": "Update:Modify", "Resource": "*""#), "m", "m"),
            (
                deny(
                    r#""Action": "Update:Delete", "Resource": "*", "Condition": {"StringEquals": {"ResourceType": ["AWS::EC2::VPC"]}}"#,
                ),
                "mr",
                "mrd",
            ),
            (
                deny(
                    r#""Action": "Update:Delete", "Resource": "*", "Condition": {"StringLike": {"ResourceType": "AWS::EC2::*"}}"#,
                ),
                "mr",
                "mr",
            ),
        ] {
            let found = (passes(&policy, "Vpc", "AWS::EC2::VPC"), passes(&policy, "Table", "AWS::EC2::RouteTable"));
            assert_eq!((found.0.as_str(), found.1.as_str()), (vpc, table), "{policy}");
        }
    }

    #[test]
    fn the_statement_that_denies_is_named_by_its_number() {
        let policy = format!(
            r#"{{"Statement": [{ALLOW}, {{"Effect": "Deny", "Principal": "*", "Action": "Update:Replace", "Resource": "*"}}]}}"#
        );
        let policy = StackPolicy::read(&policy).unwrap();
        insta::assert_snapshot!(policy.check(Deed::Replace, "Vpc", "AWS::EC2::VPC").unwrap_err(), @"Action denied by stack policy: Statement [#2] does not allow [Update:Replace] for resource [LogicalResourceId/Vpc]");
        let nothing = StackPolicy::read("{}").unwrap();
        insta::assert_snapshot!(nothing.check(Deed::Delete, "Vpc", "AWS::EC2::VPC").unwrap_err(), @"Action not allowed by stack policy: no statement allows [Update:Delete] for resource [LogicalResourceId/Vpc]");
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let statement = |statement: &str| format!(r#"{{"Statement": [{statement}]}}"#);
        for policy in [
            "no".to_owned(),
            "[]".to_owned(),
            statement(r#"{"Effect": "Perhaps", "Principal": "*", "Action": "Update:*", "Resource": "*"}"#),
            statement(r#"{"Effect": "Deny", "Principal": "me", "Action": "Update:*", "Resource": "*"}"#),
            statement(r#"{"Effect": "Deny", "Principal": "*", "Action": "Create:*", "Resource": "*"}"#),
            statement(r#"{"Effect": "Deny", "Principal": "*", "Action": "Update:*", "Resource": "Vpc"}"#),
            statement(r#"{"Effect": "Deny", "Principal": "*", "Action": "Update:*"}"#),
            statement(
                r#"{"Effect": "Deny", "Principal": "*", "Action": "Update:*", "Resource": "*", "Condition": {"StringEquals": {"ResourceType": "AWS::*"}}}"#,
            ),
            statement(
                r#"{"Effect": "Deny", "Principal": "*", "Action": "Update:*", "Resource": "*", "Condition": {"StringEquals": {"Tag": "x"}}}"#,
            ),
            format!("{{\"x\": \"{}\"}}", "x".repeat(LONGEST)),
        ] {
            assert!(StackPolicy::read(&policy).is_err(), "{policy}");
        }
        let named = statement(
            r#"{"Effect": "Deny", "Principal": "*", "Action": "Update:*", "Resource": "LogicalResourceId/Vpc"}"#,
        );
        assert!(StackPolicy::read_for(&named, |id| id == "Vpc").is_ok());
        assert!(StackPolicy::read_for(&named, |_| false).is_err());
    }
}
