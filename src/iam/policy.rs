//! A policy as a document: what is read of one, and how one is written.
//!
//! What is not known is refused and never passed over: a policy that is half understood allows too much.
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>.

use serde_json::{Map, Value as Json};

use super::test::Condition;
use crate::cfn::matches_wildcards;

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever else allows.
    Deny,
}

/// Patterns, of which one must match, or none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// One of these.
    These(Vec<String>),
    /// None of these.
    AllBut(Vec<String>),
}

impl Which {
    /// Whether it is about something, by how a pattern is held against it.
    pub(super) fn is_about(&self, matches: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::These(patterns) => patterns.iter().any(|pattern| matches(pattern)),
            Self::AllBut(patterns) => !patterns.iter().any(|pattern| matches(pattern)),
        }
    }

    /// The patterns.
    pub fn patterns(&self) -> &[String] {
        match self {
            Self::These(patterns) | Self::AllBut(patterns) => patterns,
        }
    }

    fn write(&self, name: &str, into: &mut Map<String, Json>) {
        let (name, patterns) = match self {
            Self::These(patterns) => (name.to_owned(), patterns),
            Self::AllBut(patterns) => (format!("Not{name}"), patterns),
        };
        into.insert(name, list(patterns));
    }
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What it is called.
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// What is done.
    pub actions: Which,
    /// With what.
    pub resources: Which,
    /// What must be so besides.
    pub conditions: Vec<Condition>,
}

impl Statement {
    /// One that allows some actions with some resources.
    pub fn allow(sid: &str, actions: Vec<String>, resources: Vec<String>) -> Self {
        let (actions, resources) = (Which::These(actions), Which::These(resources));
        Self { sid: Some(sid.to_owned()), effect: Effect::Allow, actions, resources, conditions: Vec::new() }
    }

    /// The same under a condition.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Whether it is about an action.
    pub fn names(&self, action: &str) -> bool {
        // Actions are the same in any letters.
        let action = action.to_ascii_lowercase();
        self.actions.is_about(|pattern| matches_wildcards(&pattern.to_ascii_lowercase(), &action))
    }

    fn read(json: &Json) -> Result<Self, PolicyError> {
        let map = json.as_object().ok_or_else(|| refused("it is not a JSON object"))?;
        let known = [
            "Sid",
            "Effect",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
            "Principal",
            "NotPrincipal",
        ];
        if let Some(key) = map.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(refused(&format!("a statement has no element `{key}`")));
        }
        if map.contains_key("Principal") || map.contains_key("NotPrincipal") {
            return Err(refused(
                "it names a principal: that is for policies of resources, and this is one of a role or user",
            ));
        }
        let effect = match map.get("Effect").and_then(Json::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(refused("`Effect` is Allow or Deny")),
        };
        let actions = which(map, "Action", "NotAction")?;
        let is_action =
            |action: &str| action == "*" || action.split_once(':').is_some_and(|(service, _)| !service.is_empty());
        if let Some(action) = actions.patterns().iter().find(|action| !is_action(action)) {
            return Err(refused(&format!("`{action}` is no action: write SERVICE:ACTION")));
        }
        let resources = which(map, "Resource", "NotResource")?;
        let is_resource =
            |resource: &str| resource == "*" || resource.starts_with("arn:") && resource.split(':').count() >= 6;
        if let Some(resource) = resources.patterns().iter().find(|resource| !is_resource(resource)) {
            return Err(refused(&format!("`{resource}` is no resource: write an ARN or *")));
        }
        if resources.patterns().iter().any(|resource| resource.contains("${")) {
            return Err(refused("variables (`${…}`) are not known here"));
        }
        let conditions = map.get("Condition").map_or_else(|| Ok(Vec::new()), Condition::read_all)?;
        let sid = map.get("Sid").and_then(Json::as_str).map(str::to_owned);
        Ok(Self { sid, effect, actions, resources, conditions })
    }

    /// As JSON.
    pub fn to_json(&self) -> Json {
        let mut map = Map::new();
        if let Some(sid) = &self.sid {
            map.insert("Sid".to_owned(), sid.clone().into());
        }
        map.insert("Effect".to_owned(), if self.effect == Effect::Allow { "Allow" } else { "Deny" }.into());
        self.actions.write("Action", &mut map);
        self.resources.write("Resource", &mut map);
        if !self.conditions.is_empty() {
            map.insert("Condition".to_owned(), Condition::write_all(&self.conditions));
        }
        Json::Object(map)
    }
}

/// A policy of a role or user: what no statement allows is refused, and so is what any denies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Its statements.
    pub statements: Vec<Statement>,
}

/// What is wrong with a text that is to be a policy, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(String);

pub(super) fn refused(why: &str) -> PolicyError {
    PolicyError(why.to_owned())
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// It is no JSON or no policy, or has something that is not known here.
    pub fn read(text: &str) -> Result<Self, PolicyError> {
        let json: Json = serde_json::from_str(text).map_err(|error| refused(&format!("it is not JSON: {error}")))?;
        Self::of_json(&json)
    }

    /// The same of JSON that was read.
    ///
    /// # Errors
    ///
    /// As for [`Policy::read`].
    pub fn of_json(json: &Json) -> Result<Self, PolicyError> {
        let map = json.as_object().ok_or_else(|| refused("it is not a JSON object"))?;
        if let Some(key) = map.keys().find(|key| !["Statement", "Version", "Id"].contains(&key.as_str())) {
            return Err(refused(&format!("a policy has no element `{key}`")));
        }
        // An older one has other wildcards and no variables.
        if map.get("Version").and_then(Json::as_str) != Some("2012-10-17") {
            return Err(refused("`Version` is \"2012-10-17\""));
        }
        let statements = match map.get("Statement") {
            Some(Json::Array(statements)) => statements.iter().collect(),
            Some(statement) => vec![statement],
            None => return Err(refused("it has no `Statement`")),
        };
        let read = |(index, statement)| {
            Statement::read(statement).map_err(|error| refused(&format!("statement {}: {error}", index + 1)))
        };
        let statements = statements.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }

    /// As JSON.
    pub fn to_json(&self) -> Json {
        let statements: Vec<Json> = self.statements.iter().map(Statement::to_json).collect();
        serde_json::json!({ "Version": "2012-10-17", "Statement": statements })
    }

    /// How many characters of it count against IAM's quotas: white space does not.
    pub fn size(&self) -> usize {
        self.to_json().to_string().chars().filter(|c| !c.is_whitespace()).count()
    }

    /// The actions that it allows, as they are written, each once and sorted.
    pub fn actions(&self) -> Vec<String> {
        let allowing = self.statements.iter().filter(|statement| statement.effect == Effect::Allow);
        let mut actions: Vec<String> = allowing.flat_map(|statement| statement.actions.patterns()).cloned().collect();
        actions.sort();
        actions.dedup();
        actions
    }

    /// The same policy without one action.
    #[must_use]
    pub fn without(&self, action: &str) -> Self {
        let mut statements = self.statements.clone();
        for statement in &mut statements {
            if let (Effect::Allow, Which::These(actions)) = (statement.effect, &mut statement.actions) {
                actions.retain(|own| own != action);
            }
        }
        statements.retain(|statement| !statement.actions.patterns().is_empty());
        Self { statements }
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

/// A text, or a list of texts.
pub(super) fn texts(value: &Json) -> Result<Vec<String>, PolicyError> {
    let text = |value: &Json| match value {
        Json::String(text) => Ok(text.clone()),
        Json::Bool(truth) => Ok(truth.to_string()),
        _ => Err(refused("a text is needed")),
    };
    match value {
        // Nothing at all is everything but.
        Json::Array(items) if items.is_empty() => Err(refused("a list is empty")),
        Json::Array(items) => items.iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}

/// One text as it is, and any other number of them as a list.
pub(super) fn list(texts: &[String]) -> Json {
    match texts {
        [one] => one.clone().into(),
        many => many.iter().cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(statement: &str) -> String {
        format!(r#"{{"Version": "2012-10-17", "Statement": {statement}}}"#)
    }

    #[test]
    fn what_is_read_is_written_as_it_was() {
        let text =
            of(r#"[{"Sid": "A", "Effect": "Allow", "Action": ["ec2:CreateRoute", "ec2:DeleteRoute"], "Resource": "*",
                 "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"},
                               "ArnLikeIfExists": {"ec2:Vpc": ["arn:aws:ec2:*:1:vpc/*", "arn:aws:ec2:*:2:vpc/*"]}}},
                {"Effect": "Deny", "NotAction": "sts:*", "NotResource": "arn:aws:s3:::a/*"}]"#);
        let policy = Policy::read(&text).unwrap();
        assert_eq!(policy.to_json(), serde_json::from_str::<Json>(&text).unwrap());
        assert_eq!(policy.actions(), ["ec2:CreateRoute", "ec2:DeleteRoute"]);
        assert_eq!(policy.without("ec2:CreateRoute").actions(), ["ec2:DeleteRoute"]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let statement = |more: &str| of(&format!(r#"{{"Effect": "Allow", "Action": "s3:*", "Resource": "*"{more}}}"#));
        for (text, why) in [
            ("[]".to_owned(), "not a JSON object"),
            (r#"{"Version": "2008-10-17", "Statement": []}"#.to_owned(), "2012-10-17"),
            (r#"{"Version": "2012-10-17"}"#.to_owned(), "no `Statement`"),
            (statement(r#", "Principal": "*""#), "principal"),
            (statement(r#", "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026"}}"#), "DateGreaterThan"),
            (statement(r#", "Condition": {"ForSomeValues:StringLike": {"aws:TagKeys": "a"}}"#), "ForSomeValues"),
            (statement(r#", "Condition": {"StringLike": {"aws:userid": "${aws:userid}"}}"#), "variables"),
            (statement(r#", "Condition": {"StringLike": {"aws:TagKeys": "a"}}"#), "several values"),
            (statement(r#", "NotAction": "ec2:*""#), "either `Action` or `NotAction`"),
            (statement(r#", "Other": 1"#), "no element `Other`"),
            (of(r#"{"Effect": "Allow", "Action": "s3:*", "NotResource": []}"#), "empty"),
            (of(r#"{"Effect": "Maybe", "Action": "s3:*", "Resource": "*"}"#), "Allow or Deny"),
            (of(r#"{"Effect": "Allow", "Action": "CreateRoute", "Resource": "*"}"#), "no action"),
            (of(r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "bucket"}"#), "no resource"),
            (of(r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}"}"#), "variables"),
        ] {
            let error = Policy::read(&text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
