//! Stack policies: what an update may do to which resource. A stack without one allows everything.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html>.

use serde_json::{Map, Value as Json};

use super::wildcard;

/// The longest policy that CloudFormation takes, in bytes.
pub const MAX_POLICY_BYTES: usize = 16_384;

/// What stands before a logical id.
const PREFIX: &str = "LogicalResourceId/";

/// What an update does to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It is changed in place.
    Modify,
    /// Another takes its place.
    Replace,
    /// It is taken out of the stack.
    Delete,
}

impl Deed {
    /// As a policy names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Modify => "Update:Modify",
            Self::Replace => "Update:Replace",
            Self::Delete => "Update:Delete",
        }
    }
}

/// A policy: what no statement allows is refused, and what one denies is too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackPolicy {
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
        let among = |patterns: &[String]| patterns.iter().any(|pattern| wildcard::matches(pattern, text));
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

/// Why a policy does not let something pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The statement of this number, from 1, denies it.
    Denied(usize),
    /// No statement allows it.
    NotAllowed,
}

/// What is wrong with a text that is to be a policy, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(String);

impl StackPolicy {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// It is too long, no JSON, or no policy.
    pub fn read(text: &str) -> Result<Self, PolicyError> {
        if text.len() > MAX_POLICY_BYTES {
            let size = text.len();
            return Err(refused(&format!("it has {size} bytes, and a policy has {MAX_POLICY_BYTES} at most")));
        }
        let json: Json = serde_json::from_str(text).map_err(|error| refused(&format!("it is not JSON: {error}")))?;
        let map = json.as_object().ok_or_else(|| refused("it is not a JSON object"))?;
        if let Some(key) = map.keys().find(|key| !["Statement", "Version", "Id"].contains(&key.as_str())) {
            return Err(refused(&format!("a policy has no element `{key}`")));
        }
        let statements = match map.get("Statement") {
            None => Vec::new(),
            Some(Json::Array(statements)) => statements.iter().collect(),
            Some(statement) => vec![statement],
        };
        let read = |(index, statement)| {
            Statement::read(statement).map_err(|error| refused(&format!("statement {}: {error}", index + 1)))
        };
        let statements = statements.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }

    /// The logical ids that it names in full, each after the text that does.
    pub fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.statements.iter().flat_map(|statement| statement.resources.patterns());
        let named = all.filter_map(|resource| Some((resource.as_str(), resource.strip_prefix(PREFIX)?)));
        named.filter(|(_, id)| !id.contains(['*', '?']))
    }

    /// Holds what an update does to a resource against the policy.
    ///
    /// # Errors
    ///
    /// It does not let it pass.
    pub fn check(&self, deed: Deed, logical_id: &str, type_name: &str) -> Result<(), Denial> {
        let resource = format!("{PREFIX}{logical_id}");
        let about = |statement: &Statement| {
            let of_type = |types: &Vec<String>| types.iter().any(|wanted| wildcard::matches(wanted, type_name));
            statement.actions.takes(deed.as_str())
                && statement.resources.takes(&resource)
                && statement.types.as_ref().is_none_or(of_type)
        };
        let found = || self.statements.iter().enumerate().filter(|(_, statement)| about(statement));
        if let Some((index, _)) = found().find(|(_, statement)| !statement.allows) {
            return Err(Denial::Denied(index + 1));
        }
        if found().next().is_some() { Ok(()) } else { Err(Denial::NotAllowed) }
    }
}

impl Statement {
    fn read(json: &Json) -> Result<Self, PolicyError> {
        let map = json.as_object().ok_or_else(|| refused("it is not a JSON object"))?;
        let allows = match map.get("Effect").and_then(Json::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(refused("`Effect` is Allow or Deny")),
        };
        match map.get("Principal") {
            Some(Json::String(any)) if any == "*" => {}
            Some(Json::Object(who)) if who.get("AWS").and_then(Json::as_str) == Some("*") => {}
            _ => return Err(refused("`Principal` is \"*\"")),
        }
        let actions = which(map, "Action", "NotAction")?;
        let legal = ["Update:Modify", "Update:Replace", "Update:Delete", "Update:*", "*"];
        if let Some(action) = actions.patterns().iter().find(|action| !legal.contains(&action.as_str())) {
            return Err(refused(&format!(
                "there is no action `{action}`: they are Update:Modify, Update:Replace, Update:Delete and Update:*"
            )));
        }
        let resources = which(map, "Resource", "NotResource")?;
        let illegal = |resource: &&String| resource.as_str() != "*" && !resource.starts_with(PREFIX);
        if let Some(resource) = resources.patterns().iter().find(illegal) {
            return Err(refused(&format!("`{resource}` is no resource: write LogicalResourceId/NAME or *")));
        }
        Ok(Self { allows, actions, resources, types: types(map.get("Condition"))? })
    }
}

/// One of two elements that exclude each other.
fn which(map: &Map<String, Json>, these: &str, but: &str) -> Result<Which, PolicyError> {
    match (map.get(these), map.get(but)) {
        (Some(value), None) => Ok(Which::These(texts(value)?)),
        (None, Some(value)) => Ok(Which::AllBut(texts(value)?)),
        _ => Err(refused(&format!("it has either `{these}` or `{but}`"))),
    }
}

/// The types that a condition is about.
fn types(condition: Option<&Json>) -> Result<Option<Vec<String>>, PolicyError> {
    let Some(condition) = condition else { return Ok(None) };
    let mut operators = condition.as_object().into_iter().flatten();
    let (Some((operator, about)), None) = (operators.next(), operators.next()) else {
        return Err(refused("`Condition` has one operator"));
    };
    let about = about.as_object().filter(|about| about.len() == 1).and_then(|about| about.get("ResourceType"));
    let types = texts(about.ok_or_else(|| refused("`Condition` is about ResourceType"))?)?;
    match operator.as_str() {
        "StringLike" => Ok(Some(types)),
        "StringEquals" if types.iter().all(|name| !name.contains(['*', '?'])) => Ok(Some(types)),
        "StringEquals" => Err(refused("StringEquals takes no wildcards: write StringLike")),
        _ => Err(refused(&format!("there is no operator `{operator}`: they are StringEquals and StringLike"))),
    }
}

/// A text, or a list of texts.
fn texts(value: &Json) -> Result<Vec<String>, PolicyError> {
    let text = |value: &Json| value.as_str().map(str::to_owned).ok_or_else(|| refused("a text is needed"));
    match value {
        Json::Array(items) => items.iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}

fn refused(why: &str) -> PolicyError {
    PolicyError(why.to_owned())
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
        assert_eq!(policy.check(Deed::Replace, "Vpc", "AWS::EC2::VPC"), Err(Denial::Denied(2)));
        let nothing = StackPolicy::read("{}").unwrap();
        assert_eq!(nothing.check(Deed::Delete, "Vpc", "AWS::EC2::VPC"), Err(Denial::NotAllowed));
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
            r#"{"Statements": []}"#.to_owned(),
            format!("{{\"Id\": \"{}\"}}", "x".repeat(MAX_POLICY_BYTES)),
        ] {
            assert!(StackPolicy::read(&policy).is_err(), "{policy}");
        }
        let named = r#"{"Effect": "Deny", "Principal": "*", "Action": "Update:*", "Resource": ["LogicalResourceId/Vpc", "LogicalResourceId/V*", "*"]}"#;
        let named = StackPolicy::read(&statement(named)).unwrap();
        assert_eq!(named.named().collect::<Vec<_>>(), [("LogicalResourceId/Vpc", "Vpc")]);
    }
}
